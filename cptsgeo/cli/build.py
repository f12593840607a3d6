"""``cptsgeo build``: pages and tables in one folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, inputs, layer_options, planning_options, say, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, ngettext, number


@make_command(
    "build",
    text=N_(
        "Compute everything and write it into one folder: index.html, the map pages, and the tables in CSV and XLSX. Without options the embedded data serve."
    ),
    example="cptsgeo build -o atlas",
)
@input_options
@planning_options
@layer_options
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("Folder to write."))
@option("--overwrite", is_flag=True, help=N_("Replace what an earlier build wrote."))
@option("--embedded", is_flag=True, help=N_("Use the embedded data even where data is pulled (`cptsgeo data`)."))
@option("--no-maps", is_flag=True, help=N_("Write the tables and the index, and no map page."))
def command(output: Path, overwrite: bool, embedded: bool, no_maps: bool, **options: Any) -> None:
    """Build, show progress on a terminal, and sum up on stderr."""
    from cptsgeo.build import build, is_up_to_date
    from cptsgeo.files import clear_unfinished
    from cptsgeo.manifest import late_sources, pulled_sources
    from cptsgeo.maps.pages import finding
    from cptsgeo.sources.defaults import with_pulled

    def progress(step: str) -> None:
        if sys.stderr.isatty():
            say(f"· {step}")

    chosen = inputs(**options)
    if not embedded:
        chosen = with_pulled(chosen)
    pulled = pulled_sources(chosen)
    say(
        _("Pulled data that serves: {names}.").format(names=", ".join(pulled))
        if pulled
        else _("No pulled data serves: the embedded data and the files given do.")
    )
    warning = late_sources(chosen)
    if warning:
        say(warning)
    if overwrite and is_up_to_date(chosen, output, with_maps=not no_maps):
        clear_unfinished(output)
        say(
            _("Nothing changed since the last build, and {folder} holds it whole: nothing is built again.").format(
                folder=output
            )
        )
        return
    results = build(
        *(chosen, output),
        with_maps=not no_maps,
        overwrite=overwrite,
        processes=os.cpu_count() or 1,
        progress=progress,
    )
    tell_findings(results.findings)
    say(finding(results))
    say(
        ngettext(
            "{units} unit, {cpts} CPTS, {tables} tables. Open {index}",
            "{units} units, {cpts} CPTS, {tables} tables. Open {index}",
            len(results.study.units),
        ).format(
            units=number(len(results.study.units)),
            cpts=number(len(results.study.perimeters.cpts)),
            tables=number(len(results.tables)),
            index=output / "index.html",
        )
    )
