"""``cptsgeo map``: one interactive page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

BASEMAPS = ("plan-ign", "osm")
PAGES = ("coverage", "sizes", "white_zones", "plan", "all_layers")


@make_command(
    "map",
    text=N_("Draw one interactive page: one HTML file that opens without network, to mail or to put online."),
    example="cptsgeo map --page white_zones -o zones_blanches.html",
)
@input_options
@option("--page", "which", type=click.Choice(PAGES), default="all_layers", show_default=True, help=N_("What it shows."))
@option(
    "--tiles",
    type=click.Choice(BASEMAPS),
    help=N_("Online basemap: the page then asks its site for it. Default: none, the page asks for nothing."),
)
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("File to write (.html)."))
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
def command(which: str, tiles: str | None, output: Path, overwrite: bool, **options: Any) -> None:
    """Read, compute, draw."""
    from cptsgeo.files import whole_file
    from cptsgeo.maps.pages import page
    from cptsgeo.results import compute

    results = compute(study(with_contours=True, uses_density=True, **options))
    with whole_file(output, overwrite=overwrite) as part:
        part.write_text(page(results, which, tiles=tiles or ""), encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=output))
