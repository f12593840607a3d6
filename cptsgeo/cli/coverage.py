"""``cptsgeo coverage``: rates, by stage and group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, draws, input_options, output_options, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_

LEVELS = ("scope", "region", "departement", "epci", "unit")


@make_command(
    "coverage",
    text=N_(
        "Compute coverage rates: population in a CPTS / population, by stage and by group of units. A unit in two CPTS counts once; the first row of each group counts every CPTS of the list."
    ),
    example="cptsgeo coverage --by departement -f csv",
)
@input_options
@option("--by", type=click.Choice(LEVELS), default="scope", show_default=True, help=N_("Groups of the result."))
@output_options
def command(by: str, form: str | None, output: Path | None, overwrite: bool, **options: Any) -> None:
    """Read, compute, deliver."""
    from cptsgeo.coverage import coverage
    from cptsgeo.crs import areas_km2
    from cptsgeo.export import with_geometry

    drawn = draws(form, output, options["contours"])
    read = study(with_contours=drawn or bool(options["contours"]), **options)
    table = coverage(
        read.communes,
        read.perimeters,
        in_scope=read.in_scope,
        by=by,
        areas_km2=areas_km2(read.contours) if read.contours is not None else None,
    )
    if by == "unit" and drawn and read.contours is not None:
        first = table[(table["counting"] == "cumulative") & (table["stage"] == "any")]
        table = with_geometry(first.rename(columns={"code": "insee_code"}), read.contours)
    deliver(table, form=form, output=output, overwrite=overwrite)
