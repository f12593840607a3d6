"""``cptsgeo reconcile``: published rates beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cptsgeo.cli.options import deliver, input_options, output_options, published_options, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, ngettext, number


@make_command(
    "reconcile",
    text=N_(
        "Set published coverage rates beside ours under every definition: least stage, each inhabitant once or sum of the"
        " CPTS populations, with Mayotte or without; name the nearest, and the gap."
    ),
    example="cptsgeo reconcile",
)
@input_options
@published_options
@option("--nearest", is_flag=True, help=N_("Keep the nearest definition of each figure alone."))
@output_options
def command(nearest: bool, form: str | None, output: Path | None, overwrite: bool, **options: Any) -> None:
    """Read, compute, deliver."""
    from cptsgeo.reconcile import reconcile

    read = study(**options)
    table = reconcile(read.communes, read.perimeters, read.published, inside=read.in_scope)
    unknown = table.loc[table["units_outside_scope"] > 0, "figure"].nunique()
    if unknown:
        say(
            ngettext(
                "{count} figure has no value of ours: the list is not complete in its whole place.",
                "{count} figures have no value of ours: the list is not complete in their whole place.",
                unknown,
            ).format(count=number(unknown))
        )
    if nearest:
        table = table[table["nearest"].fillna(False)].reset_index(drop=True)
    deliver(table, form=form, output=output, overwrite=overwrite)
