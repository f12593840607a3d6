"""Help in the reader's language: commands and options whose texts are translated where they are shown."""

from __future__ import annotations

import gettext
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cptsgeo.i18n import LOCALE_DIR, _, current_language


def translate_click() -> None:
    """Point click's own texts ("Usage", "Options", error words) at our catalogue of them."""
    os.environ["LANGUAGE"] = current_language()
    gettext.bindtextdomain("messages", LOCALE_DIR)


F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """Translate the help of an option when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return names and help, the help in the reader's language."""
        source = self.help
        self.help = _(source) if source else source
        try:
            return super().get_help_record(ctx)
        finally:
            self.help = source


class Command(click.Command):
    """Translate help and epilog; the epilog is a runnable example, shown as it is written."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the reader's language."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(self.help) if self.help else "")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example line by line, unwrapped."""
        with formatter.section(_("Example")):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")


class Group(click.Group):
    """Translate the help of a command that has commands of its own."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the reader's language."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(self.help) if self.help else "")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, in the order in which they were added."""
        with formatter.section(_("Commands")):
            formatter.write_dl(
                [
                    (name, _(command.help).split(":")[0] if command.help else "")
                    for name, command in self.commands.items()
                ]
            )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example line by line, unwrapped."""
        with formatter.section(_("Example")):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were added."""
        return list(self.commands)


def command(name: str, *, text: str, example: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a command whose help, ``text``, is translated and ends with an example that runs."""
    return click.command(name, cls=Command, help=text, epilog=example, context_settings=CONTEXT)


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Make an option whose help is translated."""
    return click.option(*names, cls=Option, **settings)


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
