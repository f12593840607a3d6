"""``cptsgeo map``: one interactive page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, over_time, say, snapshots_option, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

BASEMAPS = ("plan-ign", "osm")
PAGES = ("coverage", "sizes", "white_zones", "plan", "all_layers", "definitions")


@make_command(
    "map",
    text=N_(
        "Draw one interactive page: one HTML file that opens without network, to mail or to put online. With --snapshots, a slider of dates in place of --page, and two dates side by side."
    ),
    example="cptsgeo map --page white_zones -o zones_blanches.html",
)
@input_options
@option("--page", "which", type=click.Choice(PAGES), default="all_layers", show_default=True, help=N_("What it shows."))
@snapshots_option
@option(
    "--tiles",
    type=click.Choice(BASEMAPS),
    help=N_("Online basemap: the page then asks its site for it. Default: none, the page asks for nothing."),
)
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("File to write (.html)."))
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
def command(
    which: str, snapshots: Path | None, tiles: str | None, output: Path, overwrite: bool, **options: Any
) -> None:
    """Read, compute, draw."""
    from cptsgeo.files import whole_file
    from cptsgeo.maps.pages import page
    from cptsgeo.maps.time_page import time_page
    from cptsgeo.results import compute
    from cptsgeo.snapshots import series
    from cptsgeo.timeline import timeline

    with whole_file(output, overwrite=overwrite) as part:
        if snapshots is not None:
            results, states = over_time(snapshots, **options)
            rates = series(states, scope=results.study.scope)
            html = time_page(results, timeline(states), rates, tiles=tiles or "")
        else:
            read = study(with_contours=True, uses_density=True, **options)
            html = page(compute(read, with_plan=which == "plan"), which, tiles=tiles or "")
        part.write_text(html, encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=output))
