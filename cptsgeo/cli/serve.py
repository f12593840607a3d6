"""``cptsgeo serve``: look at a site as a web server gives it, on this computer alone."""

from __future__ import annotations

from pathlib import Path

import click

from cptsgeo.cli.options import say
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _


@make_command(
    "serve",
    text=N_("Show a folder of pages as a web server would, to this computer only. Ctrl+C stops it."),
    example="cptsgeo serve site --port 8000",
)
@click.argument("folder", type=click.Path(path_type=Path))
@option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help=N_("Port; 0 takes a free one."))
def command(folder: Path, port: int) -> None:
    """Serve until the reader stops it."""
    from cptsgeo.atlas.server import local_server

    with local_server(folder, port) as server:
        say(
            _("{folder} is at {address} (this computer only). Ctrl+C stops it.").format(
                folder=folder, address=server.address
            )
        )
        server.serve_forever()
