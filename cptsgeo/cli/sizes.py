"""``cptsgeo sizes``: population and class of each CPTS, distribution, double counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, input_options, output_options, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_

TABLES = ("cpts", "distribution", "double-counts", "pairs")


@make_command(
    "sizes",
    text=N_(
        "Compute the population and the ACI size class of each CPTS (1: under 40,000 inhabitants; 2: 40,000 to 80,000; 3: 80,000 to 175,000; 4: over 175,000), over all its units, in the scope and outside."
    ),
    example="cptsgeo sizes --table distribution",
)
@input_options
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="cpts",
    show_default=True,
    help=N_(
        "cpts: one row per CPTS; distribution: classes by région; double-counts: units in several CPTS; pairs: CPTS that share units."
    ),
)
@output_options
def command(which: str, form: str | None, output: Path | None, overwrite: bool, **options: Any) -> None:
    """Read, compute, deliver."""
    from cptsgeo.sizes import double_counts, double_counts_by_pair, size_distribution, sizes

    read = study(**options)
    if which in {"cpts", "distribution"}:
        table = sizes(read.communes, read.perimeters)
        table = size_distribution(table) if which == "distribution" else table
    else:
        table = (double_counts if which == "double-counts" else double_counts_by_pair)(read.communes, read.perimeters)
    deliver(table, form=form, output=output, overwrite=overwrite)
