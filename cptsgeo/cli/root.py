"""The root of the command line: its name, version and commands."""

from __future__ import annotations

import click

from cptsgeo.cli import LazyGroup
from cptsgeo.cli.texts import CONTEXT, Option
from cptsgeo.i18n import LANGUAGES, N_, _


class Root(LazyGroup):
    """Translate the help of the root."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the reader's language."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_(self.help) if self.help else "")


@click.group(
    "cptsgeo",
    cls=Root,
    context_settings=CONTEXT,
    help=N_("See who is covered by a CPTS in France, by what stage and size, and where the white zones are."),
)
@click.option("--lang", cls=Option, type=click.Choice(LANGUAGES), help=N_("Language of texts: fr (default) or en."))
@click.version_option(package_name="cptsgeo", message="%(prog)s %(version)s")
def cli(lang: str | None) -> None:
    """Hold the commands; the language is already set by :func:`cptsgeo.cli.main`."""
