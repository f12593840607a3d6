"""``cptsgeo data``: the official sources, brought, dated and checked."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import click

from cptsgeo.cli.options import deliver, lang_option, output_options, say
from cptsgeo.cli.texts import CONTEXT, Group, Option, option
from cptsgeo.cli.texts import command as make_command
from cptsgeo.i18n import LANGUAGES, N_, _, number

command = Group(
    "data",
    help=N_("Bring the official data of the whole of France, and say how old it is: `cptsgeo build` then uses it."),
    epilog="cptsgeo data list",
    context_settings=CONTEXT,
    params=[
        Option(
            ["--lang"],
            type=click.Choice(LANGUAGES),
            expose_value=False,
            help=N_("Language of texts: fr (default) or en."),
        )
    ],
)

_NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")


def _mirror(given: str | None) -> str:
    return given or os.environ.get("CPTSGEO_MIRROR", "")


@make_command(
    "list",
    text=N_("List the sources: producer, what, licence, format, size, address."),
    example="cptsgeo data list",
)
@_NAMES
@output_options
@lang_option
def list_(names: tuple[str, ...], form: str | None, output: Path | None, overwrite: bool) -> None:
    """Deliver the catalogue as a table."""
    import pandas as pd

    from cptsgeo.sources.catalogue import chosen

    table = pd.DataFrame(
        [
            (s.name, s.title, s.producer, s.licence, s.form, s.bytes, s.rhythm, s.address or s.page)
            for s in chosen(names)
        ],
        columns=["source", "title", "producer", "licence", "form", "bytes", "rhythm_days", "address"],
    )
    deliver(table, form=form, output=output, overwrite=overwrite)


@make_command(
    "pull",
    text=N_(
        "Bring sources, all of them when none is named: from the producers, or from a mirror. What was there stays until the new content is whole, read and checked. Ends with 1 when one could not be brought."
    ),
    example="cptsgeo data pull populations density --mirror /media/usb/cptsgeo",
)
@_NAMES
@option("--mirror", help=N_("Folder or address of a mirror. Default: CPTSGEO_MIRROR, else the producers."))
@lang_option
def pull(names: tuple[str, ...], mirror: str | None) -> None:
    """Pull, show progress on a terminal, tell each outcome."""
    from cptsgeo.sources.catalogue import chosen
    from cptsgeo.sources.mirror import is_server, offered_in_folder
    from cptsgeo.sources.pull import pull as bring

    place = _mirror(mirror)
    wanted = chosen(names)
    if not names and place and not is_server(place):
        wanted = [source for source in wanted if offered_in_folder(Path(place), source)]
    elif not names and not place:
        wanted = [source for source in wanted if source.address]
    outcomes = bring(wanted, mirror=place, progress=_Progress())
    for outcome in outcomes:
        if outcome.record is not None:
            told = (
                _("{name}: {rows} rows, dated {dated}")
                if outcome.record.dated
                else _("{name}: {rows} rows, of a date that the content does not say")
            )
            say(told.format(name=outcome.source.name, rows=number(outcome.record.rows), dated=outcome.record.dated))
        elif outcome.error is not None:
            say(_("{name}: not brought. {error}").format(name=outcome.source.name, error=outcome.error))
    if not outcomes:
        say(_("The mirror holds no source."))
    if not outcomes or any(outcome.error for outcome in outcomes):
        raise click.exceptions.Exit(1)


class _Progress:
    """Show the bytes of the downloads under way on one line of a terminal."""

    def __init__(self) -> None:
        self.under_way: dict[str, tuple[int, int]] = {}
        self.shown = sys.stderr.isatty()

    def __call__(self, name: str, done: int, total: int) -> None:
        """Take in the progress of one source."""
        self.under_way[name] = (done, total)
        if self.shown:
            parts = [
                f"{one} {100 * have // whole} %" if whole else f"{one} {have // 1_000_000} MB"
                for one, (have, whole) in self.under_way.items()
                if have != whole
            ]
            click.echo("\r\033[K" + " · ".join(parts)[:110], nl=False, err=True)


@make_command(
    "status",
    text=N_(
        "Say what is there, and how old its content is: the day that the content itself states, not that of the download. Ends with 1 when a source is older than its rhythm."
    ),
    example="cptsgeo data status",
)
@_NAMES
@output_options
@lang_option
def status(names: tuple[str, ...], form: str | None, output: Path | None, overwrite: bool) -> None:
    """Deliver the state of the sources."""
    from cptsgeo.sources.catalogue import chosen
    from cptsgeo.sources.status import status as state_of

    table = state_of(chosen(names), date.today())
    deliver(table, form=form, output=output, overwrite=overwrite)
    if (table["state"] == "late").any():
        raise click.exceptions.Exit(1)


@make_command(
    "verify",
    text=N_("Check what is stored: hashes, columns, number of rows. Ends with 1 when something changed."),
    example="cptsgeo data verify",
)
@_NAMES
@output_options
@lang_option
def verify(names: tuple[str, ...], form: str | None, output: Path | None, overwrite: bool) -> None:
    """Deliver the result of the checks."""
    from cptsgeo.sources.catalogue import chosen
    from cptsgeo.sources.status import verify as check

    table = check(chosen(names))
    deliver(table, form=form, output=output, overwrite=overwrite)
    if not table["ok"].all():
        raise click.exceptions.Exit(1)


@make_command("clear", text=N_("Remove what is stored of some sources."), example="cptsgeo data clear finess")
@click.argument("names", nargs=-1, metavar="NAME...", required=True)
@lang_option
def clear(names: tuple[str, ...]) -> None:
    """Remove, and say what was there."""
    from cptsgeo.sources.catalogue import chosen
    from cptsgeo.sources.store import clear as remove

    for source in chosen(names):
        words = _("{name}: removed") if remove(source.name) else _("{name}: nothing was there")
        say(words.format(name=source.name))


@make_command(
    "mirror",
    text=N_("Write what is pulled into a folder, for machines without network: they pull with --mirror."),
    example="cptsgeo data mirror /media/usb/cptsgeo",
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER")
@_NAMES
@lang_option
def mirror(folder: Path, names: tuple[str, ...]) -> None:
    """Write the mirror."""
    from cptsgeo.sources.catalogue import chosen
    from cptsgeo.sources.mirror import write_mirror

    written = write_mirror(folder, chosen(names))
    say(_("Written: {path}").format(path=f"{folder} ({', '.join(written)})"))


@make_command(
    "fields",
    text=N_(
        "Detect which field of a layer of CPTS (Santégraphie) holds the name, the stage and the date, for a person to confirm: correct the file, and keep it."
    ),
    example="cptsgeo data fields ambu_cpts.geojson -o champs.toml",
)
@click.argument("layer", type=click.Path(path_type=Path), metavar="FILE")
@option("-o", "--output", type=click.Path(path_type=Path), help=N_("File to write. Default: the screen."))
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
@lang_option
def fields(layer: Path, output: Path | None, overwrite: bool) -> None:
    """Detect, and write or show."""
    from cptsgeo.sources.santegraphie import count_features, detect_fields, mapping_text, write_mapping

    found = detect_fields([str(column) for column in count_features(layer).columns])
    if output is None:
        click.echo(mapping_text(found), nl=False)
    else:
        write_mapping(found, output, overwrite=overwrite)
        say(_("Written: {path}").format(path=output))


for _command in (list_, pull, status, verify, clear, mirror, fields):
    command.add_command(_command)
