"""``cptsgeo watch``: CPTS near a bound of size, and classes smoothed over editions of the populations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, edition_options, input_options, output_options, paid_options, parse_on, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_

TABLES = ("watch", "smoothed", "effect", "editions", "unmatched")


@make_command(
    "watch",
    text=N_(
        "Watch the CPTS that are near a bound between size classes, tell which edition of the populations flips them, and"
        " smooth the classes: a rise at once, a fall only after some years below the bound."
    ),
    example="cptsgeo watch --margin 0.02",
)
@input_options
@edition_options
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="watch",
    show_default=True,
    help=N_(
        "watch: CPTS near a bound or that crossed one; smoothed: classes by edition; effect: euros of the smoothing;"
        " editions: populations of the CPTS; unmatched: codes that could not be brought to today's units."
    ),
)
@option("--margin", type=float, default=0.02, show_default=True, help=N_("Distance to a bound, as a part of it."))
@option("--years", type=int, default=3, show_default=True, help=N_("Years below a bound before a class falls."))
@paid_options
@option("--on", help=N_("Day of the law to apply, such as 2024-03-01. Default: the latest."))
@output_options
def command(
    which: str,
    margin: float,
    years: int,
    on: str | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.editions import of_study
    from cptsgeo.watch import cpts_editions, smoothed, smoothing_effect, watch

    when = parse_on(on)
    read = study(**options)
    editions = read.editions or of_study(read.communes)
    table = cpts_editions(editions.populations, read.perimeters, on=when)
    if which == "unmatched":
        table = editions.unmatched
    elif which == "watch":
        table = watch(table, margin=margin, on=when)
    elif which != "editions":
        table = smoothed(table, years=years, on=when, paid_stages=read.inputs.paid_stages)
        table = smoothing_effect(table) if which == "effect" else table
    deliver(table, form=form, output=output, overwrite=overwrite)
