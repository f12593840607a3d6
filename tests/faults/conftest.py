"""A server on the loopback interface whose faults each test chooses; nothing else is ever asked for anything."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cptsgeo.sources.download import Limits

QUICK = Limits(attempts=3, wait=0.01, timeout=2.0, slow_after=0.5, slow_rate=1e6, max_bytes=10_000_000)


@dataclass
class Server:
    """What the server answers by path, and what it was asked."""

    address: str
    answers: dict[str, Callable[[BaseHTTPRequestHandler, int], None]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def at(self, path: str) -> str:
        return f"{self.address}{path}"


def whole(content: bytes, *, status: int = 200, kind: str = "text/csv", **headers: str) -> Callable:
    """Answer everything at once."""

    def answer(request: BaseHTTPRequestHandler, _count: int) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Content-Type", kind)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def cut(content: bytes, after: int, *, resumes: bool = True, etag: str = '"v1"') -> Callable:
    """Cut the first answer after some bytes; answer a range, where it resumes, from there."""

    def answer(request: BaseHTTPRequestHandler, count: int) -> None:
        begin = 0
        asked = request.headers.get("Range")
        if asked and resumes and request.headers.get("If-Range") == etag:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            request.send_response(200)
        request.send_header("ETag", etag)
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        request.wfile.write(content[begin : after if count == 1 else None])

    return answer


def drip(content: bytes, pause: float) -> Callable:
    """Send a byte at a time."""

    def answer(request: BaseHTTPRequestHandler, _count: int) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        for place in range(min(len(content), 60)):
            request.wfile.write(content[place : place + 1])
            request.wfile.flush()
            time.sleep(pause)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    """Start a server on a free port of 127.0.0.1, and stop it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, dict(self.headers)))
            path = self.path.partition("?")[0]
            answer = state.answers.get(path) or state.answers.get("*")
            count = sum(1 for asked, _headers in state.asked if asked == self.path)
            try:
                (answer or whole(b"not here", status=404))(self, count)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    state = Server(f"http://127.0.0.1:{listening.server_address[1]}")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    listening.shutdown()
    listening.server_close()
    thread.join(timeout=5)


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own store, and no proxy."""
    monkeypatch.setenv("CPTSGEO_DATA", str(tmp_path / "store"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "CPTSGEO_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "")
