"""A web server for one folder, on the loopback address only."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cptsgeo.errors import FileError, UsageError, reason
from cptsgeo.i18n import _

LOOPBACK = "127.0.0.1"


class _Handler(SimpleHTTPRequestHandler):
    """Give files of the folder to this computer, whatever name its browser was led to call it by."""

    def send_head(self) -> Any:
        """Refuse a request for another host: a page elsewhere could have its name point to the loopback address."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in {LOOPBACK, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """Refuse to list folders: a site has pages."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        """Ask the browser to keep nothing: the site is being worked on."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing of each request."""


class LocalServer(ThreadingHTTPServer):
    """Serve until stopped; Ctrl+C is the usual way."""

    daemon_threads = True

    @property
    def address(self) -> str:
        """Return the address to open."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/"

    def serve_forever(self, poll_interval: float = 0.2) -> None:
        """Serve until the reader stops it."""
        try:
            super().serve_forever(poll_interval)
        except KeyboardInterrupt:
            return


def local_server(folder: Path, port: int) -> LocalServer:
    """Open a server for a folder.

    Raises
    ------
    FileError
        When there is no such folder, or no page in it.
    UsageError
        When the port is taken.
    """
    if not (folder / "index.html").is_file():
        raise FileError(
            _("there is no index.html in this folder"),
            fix=_("give the folder that `cptsgeo atlas` or `cptsgeo build` wrote"),
            where=str(folder),
        )
    try:
        return LocalServer((LOOPBACK, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise UsageError(
            _("the port {port} cannot be used ({reason})").format(port=port, reason=reason(error)),
            fix=_("give another one with --port, or 0 for a free one"),
            where="--port",
        ) from error
