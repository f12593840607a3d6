"""``cptsgeo optout``: the register of people who objected to being shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from cptsgeo.cli.options import deliver, lang_option, output_options, say
from cptsgeo.cli.texts import CONTEXT, Group, Option, option
from cptsgeo.cli.texts import command as make_command
from cptsgeo.i18n import LANGUAGES, N_, _, ngettext, number

F = TypeVar("F", bound=Callable[..., Any])

command = Group(
    "optout",
    help=N_(
        "Keep the register of people who objected to being shown: salted hashes of RPPS numbers and e-mail addresses, never the identifiers themselves. `cptsgeo crisis` builds nothing without it."
    ),
    epilog="cptsgeo optout add --create --register oppositions.json 10123456789",
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
_REGISTER = option(
    "--register", type=click.Path(path_type=Path), required=True, help=N_("File of the register (.json).")
)
_IDENTIFIERS = click.argument("identifiers", nargs=-1, required=True, metavar="RPPS|EMAIL...|-")


def _given(identifiers: tuple[str, ...]) -> list[str]:
    """Return the identifiers, from the standard input for ``-``: they stay out of the history of the shell."""
    if identifiers == ("-",):
        return [line.strip() for line in sys.stdin if line.strip()]
    return list(identifiers)


@make_command(
    "add",
    text=N_("Add people to the register: RPPS numbers or e-mail addresses, or - to read them from the standard input."),
    example="cptsgeo optout add --create --register oppositions.json 10123456789 nom@example.org",
)
@_IDENTIFIERS
@_REGISTER
@option("--create", is_flag=True, help=N_("Make the register, where there is none yet."))
@lang_option
def add(identifiers: tuple[str, ...], register: Path, create: bool) -> None:
    """Add, write, say how many; a register is never made by mistake beside the true one."""
    from cptsgeo.errors import UsageError
    from cptsgeo.optout import identifier, new_register, read_register, write_register

    if create and register.exists():
        raise UsageError(
            _("the register exists already"), fix=_("leave --create out to add to it"), where=str(register)
        )
    known = new_register() if create else read_register(register)
    before = len(known.entries)
    for one in [identifier(text) for text in _given(identifiers)]:
        known = known.with_identifier(one, date.today())
    write_register(known, register)
    added = len(known.entries) - before
    say(
        ngettext("{count} identifier added", "{count} identifiers added", added).format(count=number(added))
        + " ; "
        + ngettext("{count} in the register", "{count} in the register", len(known.entries)).format(
            count=number(len(known.entries))
        )
    )


@make_command(
    "check",
    text=N_("Say whether people are in the register; ends with 1 when one of them is not."),
    example="cptsgeo optout check --register oppositions.json 10123456789",
)
@_IDENTIFIERS
@_REGISTER
@lang_option
def check(identifiers: tuple[str, ...], register: Path) -> None:
    """Answer for each identifier by its rank, so that no identifier is written."""
    from cptsgeo.optout import identifier, read_register

    known = read_register(register)
    answers = [known.holds(identifier(text)) for text in _given(identifiers)]
    for rank, held in enumerate(answers, start=1):
        answer = _("in the register") if held else _("not in the register")
        click.echo(f"{rank}\t{answer}")
    if not all(answers):
        raise click.exceptions.Exit(1)


@make_command(
    "list",
    text=N_("List what the register holds: kind and day of each entry, and the beginning of its hash."),
    example="cptsgeo optout list --register oppositions.json",
)
@_REGISTER
@output_options
@lang_option
def list_(register: Path, form: str | None, output: Path | None, overwrite: bool) -> None:
    """Deliver the list as a table."""
    from cptsgeo.optout import listed, read_register

    deliver(listed(read_register(register)), form=form, output=output, overwrite=overwrite)


for _command in (add, check, list_):
    command.add_command(_command)
