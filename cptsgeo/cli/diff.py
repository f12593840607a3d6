"""``cptsgeo diff``: how coverage moved between dated snapshots, and why."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cptsgeo.cli.options import deliver, lang_option, output_options, say, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cptsgeo.scope import Scope
    from cptsgeo.snapshots import Snapshot

TABLES = ("parts", "changes", "series")


@make_command(
    "diff",
    text=N_(
        "Split the change of coverage between dated snapshots among its causes: communes merged, population edition, CPTS"
        " gone, CPTS appeared, stage changed, perimeter changed. The parts sum to the change, to the inhabitant."
    ),
    example="cptsgeo diff snapshots.toml --table series",
)
@click.argument("snapshots", type=click.Path(path_type=Path))
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="parts",
    show_default=True,
    help=N_(
        "parts: the change split by cause, for each pair of dates; changes: CPTS that changed; series: rates by date."
    ),
)
@option(
    "--stage",
    type=click.Choice(("any", "pre_projet", "lettre_intention", "projet_valide", "aci_signe")),
    default="any",
    show_default=True,
    help=N_("Least stage of the CPTS that count."),
)
@option(
    "--method",
    type=click.Choice(("shapley", "sequence")),
    default="shapley",
    show_default=True,
    help=N_("shapley: mean over every order of the causes; sequence: one cause after the other."),
)
@option("--scope", help=N_("Where the lists are complete. Default: the départements that they touch."))
@option("--figure", type=click.Path(path_type=Path), help=N_("SVG file of the series to write as well."))
@lang_option
@output_options
def command(
    snapshots: Path,
    which: str,
    stage: str,
    method: str,
    scope: str | None,
    figure: Path | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Read, compute, deliver."""
    import pandas as pd

    from cptsgeo.figures import series_svg
    from cptsgeo.files import whole_file
    from cptsgeo.scope import in_scope, parse_scope
    from cptsgeo.snapshot_list import read_snapshots, touched
    from cptsgeo.snapshots import changes, diff, series

    states, findings = read_snapshots(snapshots)
    tell_findings(findings)
    where = parse_scope(scope) if scope else touched(states)
    in_scope(states[-1].communes, where)
    say(_("Scope: {scope}.").format(scope=where))
    if figure is not None:
        with whole_file(figure, overwrite=overwrite) as part:
            part.write_text(series_svg(series(states, scope=where)), encoding="utf-8", newline="")
        say(_("Written: {path}").format(path=figure))
    if which == "series":
        table = series(states, scope=where)
    else:
        pairs = _pairs(states)
        _tell_unfollowed(pairs, where)
        parts = [
            diff(before, after, stage=stage, scope=where, method=method) if which == "parts" else changes(before, after)
            for before, after in pairs
        ]
        table = pd.concat(parts, ignore_index=True)
    deliver(table, form=form, output=output, overwrite=overwrite)


def _pairs(states: Sequence[Snapshot]) -> list[tuple[Snapshot, Snapshot]]:
    """Pair each snapshot with the next."""
    from cptsgeo.errors import DataError

    if len(states) < 2:
        raise DataError(
            _("the file has one snapshot: a change needs two"), fix=_("add a [[snapshot]], or ask for --table series")
        )
    return list(itertools.pairwise(states))


def _tell_unfollowed(pairs: list[tuple[Snapshot, Snapshot]], scope: Scope) -> None:
    """Say which units cannot be followed from one state to the next."""
    from cptsgeo.snapshots import unfollowed

    for before, after in pairs:
        lost = unfollowed(before, after, scope=scope)
        if len(lost):
            say(
                _(
                    "From {before} to {after}, {count} units cannot be followed ({codes}): those gone are in the part of"
                    " mergers, those new in that of the population edition."
                ).format(
                    before=before.day.isoformat(),
                    after=after.day.isoformat(),
                    count=number(len(lost)),
                    codes=", ".join(lost["insee_code"].head(5)) + (", …" if len(lost) > 5 else ""),
                )
            )
