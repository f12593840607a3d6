"""``cptsgeo white-zones``: the units that no CPTS covers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, draws, input_options, output_options, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_


@make_command(
    "white-zones",
    text=N_("List the units of the scope that no CPTS covers, the most populous first, or split them by density."),
    example="cptsgeo white-zones --by density",
)
@input_options
@option(
    "--by", type=click.Choice(("unit", "density")), default="unit", show_default=True, help=N_("Rows of the result.")
)
@output_options
def command(by: str, form: str | None, output: Path | None, overwrite: bool, **options: Any) -> None:
    """Read, compute, deliver."""
    from cptsgeo.export import with_geometry
    from cptsgeo.white_zones import white_zones, white_zones_by_density

    drawn = by == "unit" and draws(form, output, options["contours"])
    read = study(with_contours=drawn, uses_density=True, **options)
    table = (white_zones if by == "unit" else white_zones_by_density)(read.units, read.perimeters)
    if read.contours is not None:
        table = with_geometry(table, read.contours)
    deliver(table, form=form, output=output, overwrite=overwrite)
