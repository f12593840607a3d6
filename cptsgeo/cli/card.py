"""``cptsgeo card``: the identity card of one CPTS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import edition_options, input_options, paid_options, parse_on, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

FORMATS = {".html": "html", ".json": "json"}


@make_command(
    "card",
    text=N_(
        "Write the identity card of a CPTS: type of territory, size class and margins, stage and dates, communes,"
        " départements and régions, population by census year, neighbours, ACI levels. One page without any request, or"
        " JSON."
    ),
    example="cptsgeo card 972-madinina -f json",
)
@click.argument("cpts_id")
@input_options
@edition_options
@paid_options
@option("--on", help=N_("Day of the law to apply, such as 2024-03-01. Default: the latest."))
@option(
    "-f",
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS.values())),
    help=N_("Output format. Default: that of --output, else json."),
)
@option("-o", "--output", type=click.Path(path_type=Path), help=N_("File to write. Default: the screen."))
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
def command(
    cpts_id: str,
    on: str | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.card import cards, true_borders
    from cptsgeo.card_page import card_json, card_page
    from cptsgeo.errors import UsageError
    from cptsgeo.files import whole_file
    from cptsgeo.watch import cpts_editions

    when = parse_on(on)
    form = form or (FORMATS.get(output.suffix.lower(), "") if output else "json")
    if not form:
        raise UsageError(
            _("{form!r} is not an output format").format(form=output.suffix if output else ""),
            fix=_("choose one of: {choices}").format(choices=", ".join(FORMATS.values())),
            where="--output",
        )
    read = study(with_contours=True, **options)
    trend = None
    if read.editions is not None:
        trend = cpts_editions(read.editions.populations, read.perimeters, on=when)
    found = cards(
        read.communes,
        read.perimeters,
        cpts_ids=[cpts_id],
        editions=trend,
        borders=true_borders(read.ground.borders, read.drawn),
        on=when,
        paid_stages=read.inputs.paid_stages,
    )[cpts_id]
    text = card_page(found) if form == "html" else card_json(found)
    if output is None or str(output) == "-":
        click.echo(text, nl=False)
        return
    with whole_file(output, overwrite=overwrite) as part:
        part.write_text(text, encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=output))
