"""The command line: one module per command, loaded when it is called; it computes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from cptsgeo.cli.texts import translate_click
from cptsgeo.errors import CptsGeoError, FileError, UsageError, reason
from cptsgeo.i18n import LANGUAGES, N_, _, headed, language

COMMANDS = {
    "check": N_("Report everything that is wrong or doubtful in the inputs"),
    "coverage": N_("Compute coverage rates"),
    "sizes": N_("Compute the population and the ACI size class of each CPTS"),
    "white-zones": N_("List the units that no CPTS covers"),
    "overlaps": N_("Compare CPTS with other territories: GHT, CLS, EPCI, départements"),
    "population": N_("Count the inhabitants inside polygons, or what drawn perimeters cut"),
    "assign": N_("Count millions of points in perimeters, on this machine or on a cluster"),
    "fill": N_("Find what would fill the white zones, and at what cost"),
    "funding": N_("Compute what the ACI pays, by CPTS, place and contract year"),
    "watch": N_("Watch CPTS near a bound of size over several populations, and smooth their classes"),
    "diff": N_("Explain how coverage moved between dated snapshots"),
    "reconcile": N_("Compare published rates with ours under every definition"),
    "card": N_("Write the identity card of a CPTS"),
    "match": N_("Give the INSEE codes of names of communes"),
    "data": N_("Bring the official data, and say how old it is"),
    "map": N_("Draw one interactive page"),
    "crisis": N_("Build the crisis kit: health resources on one page without network"),
    "access": N_("Measure access to health resources, before and after a hazard"),
    "optout": N_("Keep the register of people who objected to being shown"),
    "build": N_("Compute everything: pages and tables, in one folder"),
    "figure": N_("Draw a map or a chart for print or slides"),
    "atlas": N_("Write a static site to put online"),
    "inline": N_("Make a page that Folium wrote stand alone"),
    "serve": N_("Show a site on this computer, as a web server would"),
    "replay": N_("Build again from a manifest, and compare"),
}
EXIT_DATA = 1
EXIT_USAGE = 2


class LazyGroup(click.Group):
    """List commands by name and import a command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"cptsgeo.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(text)) for name, text in COMMANDS.items()])


def chosen_language(arguments: Sequence[str]) -> str:
    """Return the language of ``--lang`` wherever it stands, else of CPTSGEO_LANG, else French.

    Examples
    --------
    >>> chosen_language(["coverage", "--lang", "en"]), chosen_language(["--lang=en"])
    ('en', 'en')
    """
    for position, argument in enumerate(arguments):
        if argument == "--lang" and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    return os.environ.get("CPTSGEO_LANG", LANGUAGES[0])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with 0 (done), 1 (wrong data) or 2 (wrong usage)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = chosen_language(given)
    with language(lang if lang in LANGUAGES else LANGUAGES[0]):
        translate_click()
        from cptsgeo.cli.root import cli

        try:
            stopped = cli.main(given, prog_name="cptsgeo", standalone_mode=False)
        except click.Abort:
            sys.exit(130)
        except click.ClickException as error:
            error.show()
            sys.exit(EXIT_USAGE)
        except (CptsGeoError, OSError) as error:
            told = error if isinstance(error, CptsGeoError) else _refusal(error)
            click.echo(headed(_("Error"), str(told)), err=True)
            sys.exit(EXIT_USAGE if isinstance(told, UsageError) else EXIT_DATA)
    if stopped:
        sys.exit(stopped)


def _refusal(error: OSError) -> FileError:
    """Say in words what the system refused, where that is a file; else it is a fault of ours, and stays one."""
    if error.filename is None:
        raise error
    return FileError(
        _("the system refuses it ({reason})").format(reason=reason(error)),
        fix=_("check its permissions"),
        where=os.fsdecode(error.filename),
    )
