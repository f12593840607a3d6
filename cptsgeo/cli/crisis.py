"""``cptsgeo crisis``: the crisis kit, for the public or for the crisis cell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import input_options, inputs, resource_options, say, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _


@make_command(
    "crisis",
    text=N_(
        "Build the crisis kit: one page that opens without network, its tables (CSV, GeoJSON, GeoPackage, GPX, KML), a directory to print (PDF), the tables of access, and with --hazards the map of access before and after. People of the register of objections are left out, and every byte written is searched for them: one that is found throws the kit away."
    ),
    example="cptsgeo crisis --resources ressources.csv --optout oppositions.json --title 'Martinique' -o kit",
)
@resource_options
@option("--title", required=True, help=N_("Heading of the page; status files pass between kits of one title."))
@option("--close-exposed", is_flag=True, help=N_("Shut the resources inside the zones; with --exercise only."))
@option("--exercise", is_flag=True, help=N_("Write EXERCICE across the page."))
@input_options
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("Folder to write."))
@option("--overwrite", is_flag=True, help=N_("Replace what an earlier build wrote."))
def command(
    resources: tuple[Path, ...],
    optout: Path,
    audience: Any,
    title: str,
    hazards: Path | None,
    hazard_threshold: float | None,
    roads: Path | None,
    limit: float,
    radius: float,
    close_exposed: bool,
    exercise: bool,
    output: Path,
    overwrite: bool,
    **options: Any,
) -> None:
    """Build, and say what was left out."""
    from cptsgeo.crisis import Kit, sum_up, write_kit
    from cptsgeo.errors import UsageError

    if close_exposed and not (exercise and hazards):
        raise UsageError(
            _("--close-exposed invents statuses: it goes with --exercise and --hazards"),
            fix=_("add both, or leave --close-exposed out"),
        )
    kit = Kit(
        resources=resources,
        optout=optout,
        audience=audience,
        title=title,
        hazards=hazards,
        hazard_threshold=hazard_threshold,
        roads=roads,
        limit=limit,
        radius_km=radius,
        close_exposed=close_exposed,
        exercise=exercise,
        inputs=inputs(**options),
    )
    written, findings = write_kit(kit, output, now=datetime.now(), overwrite=overwrite)
    tell_findings(findings)
    say(sum_up(written))
    say(_("Written: {path}").format(path=output / "index.html"))
