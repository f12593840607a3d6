"""Mirrors: a folder (a USB stick) or a server that holds the sources by name, for networks without the Internet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.files import whole_file
from cptsgeo.i18n import _
from cptsgeo.sources.catalogue import Source
from cptsgeo.sources.store import data_folder, read_record, sha256

INDEX = "index.json"
LONGEST_NAME = 255
"""Bytes of a file name that every file system holds."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Name one file that a mirror offers: where it is, and its SHA-256 where the index says it."""

    where: str
    name: str
    sha256: str = ""


def is_server(mirror: str) -> bool:
    """Tell whether a mirror is a server, by its address."""
    return mirror.startswith(("http://", "https://"))


def offered_in_folder(mirror: Path, source: Source) -> list[Offered]:
    """List the files that a folder offers for a source: those of its index, else all of ``MIRROR/<name>/``.

    Raises
    ------
    FileError
        For an absent folder, or a link that leads outside the mirror.
    """
    if not mirror.is_dir():
        raise FileError(
            _("there is no such mirror folder"), fix=_("check --mirror or CPTSGEO_MIRROR"), where=str(mirror)
        )
    index = read_index(mirror / INDEX) if (mirror / INDEX).is_file() else {}
    listed = index.get(source.name)
    if listed is None:
        folder = mirror / source.name
        files = sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != ".") if folder.is_dir() else []
        listed = [{"name": path.name, "sha256": ""} for path in files]
    offered = []
    for entry in listed:
        path = mirror / source.name / plain_name(entry["name"], mirror)
        if not path.resolve().is_relative_to(mirror.resolve()):
            raise FileError(
                _("the mirror holds a link that leads outside it"),
                fix=_("put the file itself in the mirror"),
                where=str(path),
            )
        if not path.is_file():
            raise FileError(
                _("the mirror names a file that it does not hold"), fix=_("make the mirror again"), where=str(path)
            )
        offered.append(Offered(str(path), path.name, entry["sha256"]))
    return offered


def offered_by_server(mirror: str, index: dict[str, Any] | None, source: Source) -> list[Offered]:
    """List the files that a server offers for a source: those of its index, else the one the catalogue names."""
    base = mirror.rstrip("/")
    if index is None:
        return [Offered(f"{base}/{source.name}/{source.file}", source.file)]
    return [
        Offered(f"{base}/{source.name}/{name}", name, entry["sha256"])
        for entry in index.get(source.name, ())
        for name in [plain_name(entry["name"], mirror)]
    ]


def plain_name(name: str, where: object) -> str:
    """Refuse a name that is a path, or that no folder can hold."""
    if (
        not name.strip(".")
        or any(mark in name for mark in "/\\:\0")
        or len(name.encode(errors="replace")) > LONGEST_NAME
    ):
        raise DataError(
            _("the index of the mirror names {name!r}, which is no file name").format(name=name[:80]),
            fix=_("make the mirror again with `cptsgeo data mirror`"),
            where=str(where),
        )
    return name


def read_index(path: Path) -> dict[str, Any]:
    """Read the index of a mirror: the files of each source, with their SHA-256."""
    try:
        sources: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["sources"]
        return {
            name: [{"name": str(file["name"]), "sha256": str(file.get("sha256", ""))} for file in entry["files"]]
            for name, entry in sources.items()
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            _("the index of the mirror cannot be read"),
            fix=_("make the mirror again with `cptsgeo data mirror`"),
            where=str(path),
        ) from error


def write_mirror(folder: Path, chosen: Iterable[Source]) -> list[str]:
    """Write what is pulled of some sources as a mirror, with an index of names and SHA-256.

    Returns
    -------
    list of str
        Names of the sources written; one that was never pulled is left out.

    Raises
    ------
    UsageError
        When none of them is pulled.
    """
    index: dict[str, Any] = {}
    for source in chosen:
        record = read_record(source.name)
        if record is None:
            continue
        place = folder / source.name
        place.mkdir(parents=True, exist_ok=True)
        files = []
        for stored in record.files:
            origin = data_folder() / stored.path
            if not origin.is_file() or sha256(origin) != stored.sha256:
                raise FileError(
                    _("the pulled file is not there any more, or was changed"),
                    fix=_("run `cptsgeo data pull {name}`").format(name=source.name),
                    where=str(origin),
                )
            with whole_file(place / origin.name, overwrite=True) as part:
                shutil.copyfile(origin, part)
            files.append({"name": origin.name, "bytes": stored.bytes, "sha256": stored.sha256})
        index[source.name] = {
            "address": record.address,
            "original": record.original,
            "dated": record.dated.isoformat() if record.dated else None,
            "producer": source.producer,
            "licence": source.licence,
            "files": files,
        }
    if not index:
        raise UsageError(
            _("nothing is pulled, so there is nothing to mirror"),
            fix=_("run `cptsgeo data pull` first"),
            where=str(folder),
        )
    with whole_file(folder / INDEX, overwrite=True) as part:
        part.write_text(json.dumps({"sources": index}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return list(index)
