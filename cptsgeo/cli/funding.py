"""``cptsgeo funding``: what the ACI pays, by CPTS, place, budget level and contract year."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cptsgeo.cli.options import deliver, input_options, output_options, paid_options, parse_on, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, ngettext, number

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("cpts", "departement", "region", "scope", "summary", "payments", "contract-years", "grid")


@make_command(
    "funding",
    text=N_(
        "Compute what the ACI pays to the CPTS, in euros a year, at three levels: functioning, fixed parts, maximum. Only"
        " CPTS whose ACI is signed are paid, unless --paid-stages says otherwise."
    ),
    example="cptsgeo funding --table departement",
)
@input_options
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="cpts",
    show_default=True,
    help=N_(
        "cpts: one row per CPTS; departement, region, scope: sums; summary: the levels, their means and projection;"
        " payments and contract-years: the course of the contracts; grid: the amounts of the law."
    ),
)
@paid_options
@option("--split", is_flag=True, help=N_("Share the euros of a CPTS among the départements that it straddles."))
@option("--on", help=N_("Day of the law to apply, such as 2024-03-01. Default: the latest."))
@option("--years", type=click.IntRange(1, 50), default=5, show_default=True, help=N_("Years to sum over."))
@option("--project-to", type=click.IntRange(1), help=N_("Carry the mean of today to this number of CPTS."))
@option(
    "--level",
    type=click.Choice(("functioning", "fixed", "maximum")),
    default="fixed",
    show_default=True,
    help=N_("Budget level of the payments."),
)
@output_options
def command(
    which: str,
    split: bool,
    on: str | None,
    years: int,
    project_to: int | None,
    level: str,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.contract import contract_years, payments
    from cptsgeo.funding import funding, funding_by, grid, summary

    when = parse_on(on)
    if which == "grid":
        deliver(grid(on=when), form=form, output=output, overwrite=overwrite)
        return
    read = study(**options)
    paid = read.inputs.paid_stages
    table = funding(read.communes, read.perimeters, on=when, paid_stages=paid)
    _tell_paid(table)
    if which == "summary":
        counts = table.loc[table["paid"].fillna(False), "size_class"].value_counts()
        people = int(read.units["population"].sum())
        table = summary(counts, population=people, years=years, project_to=project_to, on=when)
    elif which in {"payments", "contract-years"}:
        cpts = read.perimeters.cpts.set_index("cpts_id")
        signed = cpts.get("aci_signed_on", None)
        table = payments(table, signed_on=signed, level=level, years=years, on=when)
        table = contract_years(table) if which == "contract-years" else table
    elif which != "cpts":
        table = funding_by(
            read.communes,
            read.perimeters,
            by=which,
            in_scope=read.in_scope,
            split=split,
            on=when,
            paid_stages=paid,
            years=years,
        )
    deliver(table, form=form, output=output, overwrite=overwrite)


def _tell_paid(table: pd.DataFrame) -> None:
    """Say how many CPTS are paid, are not, and cannot be told."""
    count = int(table["paid"].fillna(False).sum())
    unknown = int(table["paid"].isna().sum())
    say(
        ngettext("{count} CPTS of {total} is paid.", "{count} CPTS of {total} are paid.", count).format(
            count=number(count), total=number(len(table))
        )
    )
    if unknown:
        say(
            _("{count} CPTS have no stage and are in no sum: --paid-stages aci_signe,unknown counts them.").format(
                count=number(unknown)
            )
        )
