"""Fetch one file over HTTP: resumed, retried, checked, and never mistaken for data when it is not."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.errors import FileError, reason
from cptsgeo.i18n import _, number

if TYPE_CHECKING:
    import httpx

CHUNK = 1 << 17
MAX_REDIRECTS = 6
HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<body")
MAGIC = {
    "zip": b"PK\x03\x04",
    "xlsx": b"PK\x03\x04",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "parquet": b"PAR1",
    "gpkg": b"SQLite format 3\x00",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bound what a download may cost.

    Attributes
    ----------
    attempts
        Tries of one file, the first one with them.
    wait
        Seconds before the second try; it doubles each time.
    timeout
        Seconds without a byte.
    slow_after, slow_rate
        After that many seconds, fewer bytes per second than this is a failure.
    max_bytes
        Size from which a file is refused.
    """

    attempts: int = 5
    wait: float = 1.0
    timeout: float = 30.0
    slow_after: float = 60.0
    slow_rate: float = 1_000.0
    max_bytes: int = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """Say what came: the name under which it was served, and its marks of version."""

    name: str
    etag: str
    last_modified: str


class NotThereError(FileError):
    """Say that the server has no such file (404, 410)."""


class RetryError(Exception):
    """Say that another try may succeed, and why this one did not."""


def make_client(limits: Limits) -> httpx.Client:
    """Make a client that follows the proxies and the certificates of the machine.

    Proxies: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``. Certificates: those of the system, or the file that
    ``SSL_CERT_FILE`` or ``REQUESTS_CA_BUNDLE`` names, as ministry networks have.
    """
    import httpx

    bundle = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle and not Path(bundle).is_file():
        raise FileError(
            _("the file of certificates is not there"),
            fix=_("correct SSL_CERT_FILE or REQUESTS_CA_BUNDLE"),
            where=bundle,
        )
    return httpx.Client(
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        timeout=limits.timeout,
        verify=ssl.create_default_context(cafile=bundle),
        headers={"User-Agent": "cptsgeo", "Accept-Encoding": "identity"},
        trust_env=True,
    )


def fetch(
    client: httpx.Client,
    address: str,
    target: Path,
    *,
    limits: Limits,
    form: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Fetched:
    """Fetch an address into ``target``, going on where an earlier try stopped.

    The bytes go to ``target``.part first, beside ``target``.part.json that says of which version they are; a server
    that has another version now, or cannot resume, sends the whole again. ``target`` appears only once it is whole.

    Parameters
    ----------
    client
        As :func:`make_client` makes it.
    address, target
        From where, and into which file.
    limits
        Tries, waits and sizes.
    form
        Forms the file may have, such as ``"csv zip"``; its first bytes must be those of one of them.
    progress
        Called with the bytes that are there, and their total (0 when the server does not say).

    Raises
    ------
    FileError
        When it cannot be fetched: what the server said, and what to do. ``target`` is then as it was.
    """
    import tenacity

    try:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RetryError),
            stop=tenacity.stop_after_attempt(limits.attempts),
            wait=tenacity.wait_exponential(multiplier=limits.wait, max=60),
        ):
            with attempt:
                return _try(client, address, target, limits, form, progress)
    except tenacity.RetryError as gave_up:
        last = gave_up.last_attempt.exception()
        raise FileError(
            _("the download failed {count} times; the last time: {reason}").format(count=limits.attempts, reason=last),
            fix=_(
                "try again later: it goes on where it stopped. Without network, take the files from a folder with --mirror"
            ),
            where=address,
        ) from last
    raise AssertionError("tenacity returns or raises")


def _try(
    client: httpx.Client,
    address: str,
    target: Path,
    limits: Limits,
    form: str,
    progress: Callable[[int, int], None],
) -> Fetched:
    import httpx

    part, notes = _part(target), _notes(target)
    present, known = _resume(part, notes, address)
    headers = {"Range": f"bytes={present}-", "If-Range": known} if present else {}
    try:
        with client.stream("GET", address, headers=headers) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                _forget(target)
                raise RetryError(_("the server cannot go on from where the last try stopped"))
            _refuse_status(answer, address)
            resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
            if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {present}-"):
                _forget(target)
                raise RetryError(_("the server cannot go on from where the last try stopped"))
            begun = present if resumed else 0
            packed = answer.headers.get("Content-Encoding", "identity") != "identity"
            length = int(answer.headers.get("Content-Length") or 0) if not packed else 0
            total = begun + length
            _refuse_size(total, limits, target.parent, address)
            version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            _write_notes(notes, address, "" if packed or version.startswith("W/") else version)
            written = _receive(answer, part, begun, total, limits, progress)
            if length and written != total:
                raise RetryError(
                    _("{got} bytes came instead of {total}").format(got=number(written), total=number(total))
                )
            name = _served_name(answer)
            marks = (answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
    except httpx.TooManyRedirects as error:
        raise FileError(
            _("the address redirects without end"),
            fix=_("check the address in the catalogue, or use --mirror"),
            where=address,
        ) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise RetryError(f"{type(error).__name__} {error}") from error
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            _("nothing more can be written there ({reason})").format(reason=reason(error)),
            fix=_("make room on the disk, or set CPTSGEO_DATA to another folder; what was there is untouched"),
            where=str(target.parent),
        ) from error
    refuse_other_forms(part, form, address, on_refusal=lambda: _forget(target))
    part.replace(target)
    notes.unlink(missing_ok=True)
    return Fetched(name, *marks)


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _notes(target: Path) -> Path:
    return target.with_name(target.name + ".part.json")


def _forget(target: Path) -> None:
    _part(target).unlink(missing_ok=True)
    _notes(target).unlink(missing_ok=True)


def _resume(part: Path, notes: Path, address: str) -> tuple[int, str]:
    """Return how many bytes of a known version are there, and that version."""
    try:
        kept = json.loads(notes.read_text(encoding="utf-8"))
        if kept["address"] == address and kept["version"]:
            return part.stat().st_size, str(kept["version"])
    except (OSError, ValueError, KeyError):
        pass
    return 0, ""


def _write_notes(notes: Path, address: str, version: str) -> None:
    notes.write_text(json.dumps({"address": address, "version": version}), encoding="utf-8")


def _refuse_status(answer: httpx.Response, address: str) -> None:
    if answer.status_code in {408, 425, 429} or answer.status_code >= 500:
        raise RetryError(_("the server answers {status}").format(status=answer.status_code))
    if answer.is_success:
        return
    kind = NotThereError if answer.status_code in {404, 410} else FileError
    raise kind(
        _("the server answers {status} ({words})").format(status=answer.status_code, words=answer.reason_phrase),
        fix=_(
            "the producer may have moved the file: look on its page (`cptsgeo data list`), then give the file with --mirror"
        ),
        where=address,
    )


def _refuse_size(total: int, limits: Limits, folder: Path, address: str) -> None:
    if total > limits.max_bytes:
        raise FileError(
            _("the file has {count} bytes, more than {limit}").format(
                count=number(total), limit=number(limits.max_bytes)
            ),
            fix=_("check the address: no source is that large"),
            where=address,
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise FileError(
            _("the file needs {count} bytes, and the disk has {free} left").format(
                count=number(total), free=number(free)
            ),
            fix=_("make room on the disk, or set CPTSGEO_DATA to another folder"),
            where=str(folder),
        )


def _receive(
    answer: httpx.Response,
    part: Path,
    begun: int,
    total: int,
    limits: Limits,
    progress: Callable[[int, int], None],
) -> int:
    written, start = begun, time.monotonic()
    with part.open("ab" if begun else "wb") as file:
        for chunk in answer.iter_bytes(CHUNK if total > CHUNK else None):
            file.write(chunk)
            written += len(chunk)
            if written > limits.max_bytes:
                raise FileError(
                    _("the file has more than {limit} bytes").format(limit=number(limits.max_bytes)),
                    fix=_("check the address: no source is that large"),
                    where=str(answer.url),
                )
            progress(written, total)
            spent = time.monotonic() - start
            if spent > limits.slow_after and (written - begun) / spent < limits.slow_rate:
                file.flush()
                raise RetryError(_("it comes too slowly"))
        file.flush()
        os.fsync(file.fileno())
    return written


def _served_name(answer: httpx.Response) -> str:
    """Return the name of the file as the producer gives it, without any folder."""
    import re
    from urllib.parse import unquote

    header = answer.headers.get("Content-Disposition", "")
    found = re.search(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)", header)
    name = unquote(found[1] if found else answer.url.path)
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def refuse_other_forms(path: Path, form: str, where: str, *, on_refusal: Callable[[], None] = lambda: None) -> None:
    """Refuse a file whose first bytes are not those of one of the forms expected.

    A page of HTML is the usual one: a login, a captive portal, an error with status 200.

    Raises
    ------
    FileError
        With what the file is.
    """
    with path.open("rb") as file:
        head = file.read(2048)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head.strip():
        problem = _("the file is empty")
    elif start.startswith(HTML_STARTS) or (start.startswith(b"<?xml") and b"<html" in start):
        problem = _("a web page came instead of data: a login or an error of the server or of the network")
    elif form and not _has_form(head, start, form):
        problem = _("the content is not what was expected ({forms})").format(forms=form)
    else:
        return
    on_refusal()
    raise FileError(
        problem,
        fix=_("open the page of the source in a browser, download the file there, and give it with --mirror"),
        where=where,
    )


def _has_form(head: bytes, start: bytes, form: str) -> bool:
    for one in form.split():
        if one in MAGIC and head.startswith(MAGIC[one]):
            return True
        if one in {"json", "geojson"} and start[:1] in {b"{", b"["}:
            return True
        if one == "tif" and head[:4] in {b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"}:
            return True
        if (
            one in {"csv", "txt"}
            and b"\x00" not in head
            and not any(head.startswith(magic) for magic in MAGIC.values())
        ):
            return True
    return False
