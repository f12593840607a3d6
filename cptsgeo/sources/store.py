"""Where pulled data lies: one folder per source, and one record that says what it is and where it came from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cptsgeo.errors import FileError
from cptsgeo.i18n import _
from cptsgeo.sources.catalogue import Source, sources

RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class Stored:
    """Hold one file of a source: its path relative to the folder of data, its size and its SHA-256."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """Say what is stored of a source.

    Attributes
    ----------
    source
        Its name.
    address
        From where it came: an address, or the path in a mirror.
    original
        Name under which it was served.
    pulled
        Day of the pull.
    dated
        Day of the content, as the content says it; ``None`` when it does not.
    rows
        Rows that its reader read.
    columns
        Columns that its reader gave.
    files
        What is stored.
    """

    source: str
    address: str
    original: str
    pulled: date
    dated: date | None
    rows: int
    columns: tuple[str, ...]
    files: tuple[Stored, ...]


def data_folder() -> Path:
    """Return the folder of pulled data: ``CPTSGEO_DATA``, else the user's folder of data (platformdirs)."""
    chosen = os.environ.get("CPTSGEO_DATA")
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("cptsgeo", appauthor=False)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read by pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(name: str) -> Record | None:
    """Return the record of a source, ``None`` when it was never pulled.

    Raises
    ------
    FileError
        For a record that cannot be read.
    """
    path = data_folder() / name / RECORD
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(stored[key], str) for stored in raw["files"] for key in ("path", "sha256")):
            raise TypeError
        return Record(
            source=raw["source"],
            address=raw["address"],
            original=raw["original"],
            pulled=date.fromisoformat(raw["pulled"]),
            dated=date.fromisoformat(raw["dated"]) if raw["dated"] else None,
            rows=raw["rows"],
            columns=tuple(raw["columns"]),
            files=tuple(Stored(**stored) for stored in raw["files"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise FileError(
            _("the record of the source cannot be read"),
            fix=_("run `cptsgeo data clear {name}`, then pull it again").format(name=name),
            where=str(path),
        ) from error


def resolve(name: str) -> Path | None:
    """Return what is pulled of a source: its file, or the folder of its files; ``None`` when it was never pulled.

    Raises
    ------
    UsageError
        For a name that no source has.
    FileError
        When a file is missing or has another size than when it was pulled.
    """
    paths = resolve_all(name)
    if not paths:
        return None
    return paths[0] if len(paths) == 1 else paths[0].parent


def resolve_all(name: str) -> list[Path]:
    """Return every file that is pulled of a source; none when it was never pulled."""
    from cptsgeo.sources.catalogue import chosen

    chosen([name])
    record = read_record(name)
    if record is None:
        return []
    paths = []
    for stored in record.files:
        path = data_folder() / stored.path
        if not path.is_file() or path.stat().st_size != stored.bytes:
            raise FileError(
                _("the pulled file is not there any more, or was changed"),
                fix=_("run `cptsgeo data pull {name}`").format(name=name),
                where=str(path),
            )
        paths.append(path)
    return paths


def install(source: Source, staged: Sequence[Path], record: Record) -> Record:
    """Put staged files in the place of those of an earlier pull; the record, written last, is the switch.

    Parameters
    ----------
    source
        The source.
    staged
        Whole and checked files, on the disk of the folder of data.
    record
        What to write; its ``files`` are filled in here.

    Returns
    -------
    Record
        As written.
    """
    folder = data_folder() / source.name
    hashes = [sha256(path) for path in staged]
    version = hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]
    place = folder / version
    place.mkdir(parents=True, exist_ok=True)
    stored = []
    for path, digest in zip(staged, hashes, strict=True):
        target = place / path.name
        size = path.stat().st_size
        path.replace(target)
        stored.append(Stored(target.relative_to(data_folder()).as_posix(), size, digest))
    written = Record(**{**_shallow(record), "files": tuple(stored)})
    part = folder / f"{RECORD}.part"
    part.write_text(json.dumps(_plain(written), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / RECORD)
    for old in folder.iterdir():
        if old.is_dir() and old != place:
            shutil.rmtree(old, ignore_errors=True)
    return written


def clear(name: str) -> bool:
    """Remove what is stored of a source; tell whether there was anything."""
    folder = data_folder() / name
    present = folder.is_dir()
    (folder / RECORD).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return present


def altered(record: Record) -> list[str]:
    """Return the stored files that are missing or whose SHA-256 is not that of the pull."""
    return [
        stored.path
        for stored in record.files
        if not (data_folder() / stored.path).is_file() or sha256(data_folder() / stored.path) != stored.sha256
    ]


def present() -> list[Source]:
    """Return the sources that are pulled, in the order of the catalogue."""
    return [source for source in sources().values() if read_record(source.name) is not None]


def _shallow(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__dataclass_fields__}


def _plain(record: Record) -> dict[str, Any]:
    raw = asdict(record)
    raw["pulled"] = record.pulled.isoformat()
    raw["dated"] = record.dated.isoformat() if record.dated else None
    return raw
