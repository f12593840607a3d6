"""``cptsgeo check``: every finding at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, input_options, inputs, output_options, planning_options, say
from cptsgeo.cli.texts import command as make_command
from cptsgeo.i18n import N_, _, headed, ngettext, number


@make_command(
    "check",
    text=N_(
        "Report everything that is wrong or doubtful in the inputs: unknown and recoded codes with their rows, duplicates, units in several CPTS, spellings, communes far from their CPTS, missing stages. Ends with 1 when there is an error; warnings alone end with 0."
    ),
    example="cptsgeo check",
)
@input_options
@planning_options
@output_options
def command(form: str | None, output: Path | None, overwrite: bool, **options: Any) -> None:
    """Read everything, report everything."""
    import pandas as pd

    from cptsgeo.errors import CptsGeoError, UsageError, as_findings
    from cptsgeo.study import parse_study

    try:
        findings = parse_study(inputs(**options), with_contours=True)[1]
    except UsageError:
        raise
    except CptsGeoError as error:
        findings = as_findings(error)
    ranked = sorted(findings, key=lambda finding: ("error", "warning", "info").index(finding.severity))
    if form is None and output is None:
        for finding in ranked:
            click.echo(_line(finding))
    else:
        table = pd.DataFrame(
            [(f.severity, f.rule, f.file, f.row, f.column, f.value, f.problem, f.fix) for f in ranked],
            columns=["severity", "rule", "file", "row", "column", "value", "problem", "fix"],
        ).astype({"row": "Int64"})
        deliver(table, form=form, output=output, overwrite=overwrite)
    counts = {severity: sum(f.severity == severity for f in findings) for severity in ("error", "warning", "info")}
    say(
        ", ".join(
            [
                ngettext("{count} error", "{count} errors", counts["error"]).format(count=number(counts["error"])),
                ngettext("{count} warning", "{count} warnings", counts["warning"]).format(
                    count=number(counts["warning"])
                ),
                ngettext("{count} remark", "{count} remarks", counts["info"]).format(count=number(counts["info"])),
            ]
        )
    )
    if counts["error"]:
        raise click.exceptions.Exit(1)


def _line(finding: Any) -> str:
    words = {"error": _("Error"), "warning": _("Warning"), "info": _("Note")}
    fix = f"\n    → {finding.fix}" if finding.fix else ""
    place = finding.where if finding.file else ""
    return headed(words[finding.severity], headed(place, finding.problem)) + fix
