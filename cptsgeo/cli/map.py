"""``cptsgeo map``: one interactive page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, inputs, say, study, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

BASEMAPS = ("plan-ign", "osm")
PAGES = ("coverage", "sizes", "white_zones", "all_layers", "definitions")


@make_command(
    "map",
    text=N_("Draw one interactive page: one HTML file that opens without network, to mail or to put online."),
    example="cptsgeo map --page white_zones -o zones_blanches.html",
)
@input_options
@option("--page", "which", type=click.Choice(PAGES), default="all_layers", show_default=True, help=N_("What it shows."))
@option(
    "--snapshots",
    type=click.Path(path_type=Path),
    help=N_(
        "TOML list of dated states, as `cptsgeo diff` reads it: a slider of dates, and two dates side by side, in place of --page."
    ),
)
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
    from cptsgeo.results import compute

    if snapshots is not None:
        html = _over_time(snapshots, tiles or "", **options)
    else:
        html = page(compute(study(with_contours=True, uses_density=True, **options)), which, tiles=tiles or "")
    with whole_file(output, overwrite=overwrite) as part:
        part.write_text(html, encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=output))


def _over_time(snapshots: Path, tiles: str, **options: Any) -> str:
    """Draw the last state of a list, with the states before it."""
    from dataclasses import replace

    from cptsgeo.errors import UsageError
    from cptsgeo.maps.time_page import time_page
    from cptsgeo.results import compute
    from cptsgeo.snapshot_list import last_inputs, read_snapshots, touched
    from cptsgeo.snapshots import series
    from cptsgeo.study import read_study
    from cptsgeo.timeline import timeline

    chosen = inputs(**options)
    if chosen.communes or chosen.perimeters or chosen.cpts:
        raise UsageError(
            _("the list of snapshots names its communes and perimeters itself"),
            fix=_("give --snapshots without --communes, --perimeters and --cpts"),
            where="--snapshots",
        )
    states, findings = read_snapshots(snapshots)
    tell_findings(findings)
    chosen = replace(last_inputs(snapshots, chosen), scope=chosen.scope or touched(states))
    read = read_study(chosen, with_contours=True)
    results = compute(read)
    return time_page(results, timeline(states), series(states, scope=read.scope), tiles=tiles)
