"""Bring sources into the store: from the producer, a mirror folder or a mirror server; checked before they count."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import CptsGeoError, DataError, FileError, reason
from cptsgeo.i18n import _, current_language, language, number
from cptsgeo.sources.archives import is_archive, unpack
from cptsgeo.sources.catalogue import Source
from cptsgeo.sources.download import Limits, NotThereError, fetch, make_client, refuse_other_forms
from cptsgeo.sources.mirror import INDEX, Offered, is_server, offered_by_server, offered_in_folder, read_index
from cptsgeo.sources.store import Record, data_folder, install, read_record, sha256
from cptsgeo.sources.vintage import content_date
from cptsgeo.sources.wfs import fetch_layer

if TYPE_CHECKING:
    import httpx

WORKERS = 4
SHRUNK = 0.9
"""Part of the rows of the last pull below which a new content is held to be truncated."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Say what became of one source: its new record, or the error that kept the old one in place."""

    source: Source
    record: Record | None
    error: CptsGeoError | None


def pull(
    chosen: Sequence[Source],
    *,
    mirror: str = "",
    limits: Limits | None = None,
    progress: Progress = lambda name, done, total: None,
) -> list[Outcome]:
    """Pull sources, several at once; one that fails leaves the others, and what was there of it, untouched.

    Each is fetched beside the store, unpacked, read by its reader, dated, and only then put in the place of what was
    there. A download that was cut goes on from where it stopped. Two pulls of one source wait for each other.

    Parameters
    ----------
    chosen
        Sources, as :func:`cptsgeo.sources.catalogue.chosen` returns them.
    mirror
        Folder or address of a mirror; the producers' addresses when empty.
    limits
        Tries, waits and sizes of downloads.
    progress
        Called with the name of the source, the bytes that are there and their total.

    Returns
    -------
    list of Outcome
        In the order of ``chosen``.
    """
    limits = limits or Limits()
    data_folder().mkdir(parents=True, exist_ok=True)
    lang = current_language()
    with make_client(limits) as client:
        index = _server_index(client, mirror, limits) if is_server(mirror) else None

        def one(source: Source) -> Outcome:
            with language(lang):
                try:
                    record = _pull_one(client, source, mirror, index, limits, progress)
                except CptsGeoError as error:
                    return Outcome(source, None, error)
                return Outcome(source, record, None)

        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            return list(pool.map(one, chosen))


def _pull_one(
    client: httpx.Client,
    source: Source,
    mirror: str,
    index: dict[str, Any] | None,
    limits: Limits,
    progress: Progress,
) -> Record:
    from filelock import FileLock

    staging = data_folder() / ".staging" / source.name
    staging.mkdir(parents=True, exist_ok=True)
    with FileLock(data_folder() / ".staging" / f"{source.name}.lock"):
        unpacked = staging / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir()
        try:
            address, original = _stage(client, source, mirror, index, limits, progress, staging, unpacked)
            staged = sorted(path for path in unpacked.iterdir() if path.is_file())
            return check_and_install(source, staged, address, original)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)


def _stage(
    client: httpx.Client,
    source: Source,
    mirror: str,
    index: dict[str, Any] | None,
    limits: Limits,
    progress: Progress,
    staging: Path,
    unpacked: Path,
) -> tuple[str, str]:
    """Bring the files of a source into ``unpacked``; return from where they came and their original name."""

    def told(done: int, total: int) -> None:
        progress(source.name, done, total)

    forms = f"{source.form} zip 7z"
    if mirror:
        offered = (
            offered_by_server(mirror, index, source) if is_server(mirror) else offered_in_folder(Path(mirror), source)
        )
        if not offered:
            raise FileError(
                _("the mirror does not hold {name}").format(name=source.name),
                fix=_("put it there as {path}").format(path=f"{source.name}/{source.file}"),
                where=mirror,
            )
        for one in offered:
            part = staging / f"mirror-{one.name}"
            if is_server(mirror):
                fetch(client, one.where, part, limits=limits, form=forms, progress=told)
            else:
                _copy(Path(one.where), part, forms)
                told(part.stat().st_size, part.stat().st_size)
            _refuse_other_hash(part, one)
            _unfold(part, one.name, source, unpacked)
        return f"{mirror.rstrip('/')}/{source.name}", offered[0].name
    if not source.address:
        raise FileError(
            _("{name} has no address that lasts").format(name=source.name),
            fix=_("download it from {page} and put it in a mirror folder as {path}; then pull with --mirror").format(
                page=source.page, path=f"{source.name}/{source.file}"
            ),
        )
    part = staging / "download"
    if source.paged:
        fetched = fetch_layer(client, source.address, part, limits=limits, progress=told)
    else:
        fetched = fetch(client, source.address, part, limits=limits, form=forms, progress=told)
    name = fetched.name if Path(fetched.name).suffix.lower().lstrip(".") in forms.split() else source.file
    _unfold(part, name, source, unpacked)
    return source.address, fetched.name or source.file


def _copy(origin: Path, part: Path, forms: str) -> None:
    try:
        refuse_other_forms(origin, forms, str(origin))
        shutil.copyfile(origin, part)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        part.unlink(missing_ok=True)
        raise FileError(
            _("the file cannot be copied ({reason})").format(reason=reason(error)),
            fix=_("check the mirror and the room on the disk; what was there is untouched"),
            where=str(origin),
        ) from error


def _refuse_other_hash(part: Path, offered: Offered) -> None:
    if offered.sha256 and sha256(part) != offered.sha256:
        part.unlink()
        raise FileError(
            _("the content is not that of the index of the mirror (SHA-256)"),
            fix=_("copy the mirror again: the file is damaged or was changed"),
            where=offered.where,
        )


def _unfold(part: Path, name: str, source: Source, unpacked: Path) -> None:
    """Put a file, or what an archive holds of the source, into ``unpacked``."""
    if is_archive(part) and Path(name).suffix.lower() != ".xlsx":
        unpack(part, unpacked, source.members)
        part.unlink()
        for file in unpacked.iterdir():
            refuse_other_forms(file, source.form, f"{name}/{file.name}")
        return
    refuse_other_forms(part, f"{source.form} json", name)
    part.replace(unpacked / name)


def read(source: Source, files: Sequence[Path]) -> tuple[int, tuple[str, ...]]:
    """Read the files of a source by its reader; return the number of rows and the columns.

    Raises
    ------
    CptsGeoError
        What the reader finds wrong: a changed layout, malformed codes…
    """
    module, _colon, function = source.reader.partition(":")
    reader = getattr(import_module(f"cptsgeo.sources.{module}"), function)
    forms = {f".{form}" for form in source.form.split()}
    main = [path for path in files if path.suffix.lower() in forms] or list(files)
    result = _answer(lambda: reader(main[0] if len(main) == 1 or module != "ign" else main), main)
    table = result if hasattr(result, "columns") else result[0]
    return len(table), tuple(str(column) for column in table.columns)


def dated(source: Source, files: Sequence[Path], original: str) -> date | None:
    """Return the day of the content, as the content says it.

    Raises
    ------
    CptsGeoError
        For a content that does not say it as it did.
    """
    day: date | None = _answer(lambda: content_date(source, files, original), files)
    return day


def _answer(call: Callable[[], Any], files: Sequence[Path]) -> Any:
    """Return what a call on files returns; whatever it stumbles over is a fault of the files."""
    try:
        return call()
    except CptsGeoError:
        raise
    except Exception as error:
        raise DataError(
            _("the content cannot be read ({reason})").format(reason=f"{type(error).__name__} {error}"),
            fix=_("the file is damaged, or its layout changed: compare it with that of the catalogue"),
            where=", ".join(path.name for path in files),
        ) from error


def check_and_install(source: Source, staged: Sequence[Path], address: str, original: str) -> Record:
    """Read, date and compare staged files, then put them in the place of what was there.

    Raises
    ------
    CptsGeoError
        When they cannot be read, or hold far fewer rows than before.
    """
    rows, columns = read(source, staged)
    before = read_record(source.name)
    if before is not None and rows < SHRUNK * before.rows:
        raise DataError(
            _("the new content has {rows} rows, the one that is there {before}: it is probably truncated").format(
                rows=number(rows), before=number(before.rows)
            ),
            fix=_(
                "what was there is kept; if the new one is right, run `cptsgeo data clear {name}` and pull again"
            ).format(name=source.name),
            where=source.name,
        )
    record = Record(
        source=source.name,
        address=address,
        original=original,
        pulled=date.today(),
        dated=dated(source, staged, original),
        rows=rows,
        columns=columns,
        files=(),
    )
    return install(source, staged, record)


def _server_index(client: httpx.Client, mirror: str, limits: Limits) -> dict[str, Any] | None:
    """Fetch the index of a mirror server; ``None`` when it has none."""
    answer_file = data_folder() / ".staging" / "index.json"
    answer_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        fetch(client, f"{mirror.rstrip('/')}/{INDEX}", answer_file, limits=limits, form="json")
        return read_index(answer_file)
    except NotThereError:
        return None
    finally:
        answer_file.unlink(missing_ok=True)
