"""``cptsgeo atlas``: a static site."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, inputs, say, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, number


@make_command(
    "atlas",
    text=N_(
        "Write a static site to put online: a page for the scope, each région, département, CPTS and white zone, with maps, tables, method, sources and search. It works from a folder, a web server or a sub-path. Run it again on the same folder: only what changed is written."
    ),
    example="cptsgeo atlas -o site --url https://atlas.example.fr/cpts/",
)
@input_options
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("Folder of the site."))
@option(
    "--url", default="", help=N_("Address where the site will be: for the sitemap, the RSS and the sharing metadata.")
)
@option(
    "--theme",
    type=click.Path(path_type=Path),
    help=N_("Folder of templates and style.css that replace ours, and of files under static/."),
)
@option("--logo", type=click.Path(path_type=Path), help=N_("Image for the head of every page."))
def command(output: Path, url: str, theme: Path | None, logo: Path | None, **options: Any) -> None:
    """Write the site, show progress on a terminal, and sum up on stderr."""
    from cptsgeo.atlas.site import Choices, write_atlas
    from cptsgeo.maps.pages import finding

    def progress(step: str) -> None:
        if sys.stderr.isatty():
            say(f"· {step}")

    report = write_atlas(
        inputs(**options), output, Choices(theme, logo, url), processes=os.cpu_count() or 1, progress=progress
    )
    tell_findings(report.results.study.findings)
    say(finding(report.results))
    say(
        _("{pages} pages. Files written: {written}, unchanged: {unchanged}, removed: {removed}. Open {index}").format(
            pages=number(report.pages),
            written=number(report.written),
            unchanged=number(report.unchanged),
            removed=number(report.removed),
            index=output / "index.html",
        )
    )
    if not url:
        say(_("Without --url there is no sitemap and no RSS."))
