"""Take files out of ZIP and 7z archives: into one folder, within limits, no links."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO

from cptsgeo.errors import FileError, reason, require_file
from cptsgeo.i18n import _, number

ZIP_START, SEVEN_START = b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c"


@dataclass(frozen=True, slots=True)
class UnpackLimits:
    """Bound what an archive may unpack to: files, bytes, and bytes per byte of archive."""

    files: int = 2_000
    bytes: int = 8_000_000_000
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    bytes: int
    is_link: bool
    is_folder: bool


def is_archive(path: Path) -> bool:
    """Tell whether a file is a ZIP or a 7z by its first bytes; an XLSX is a ZIP too: its ending says it is not one."""
    with path.open("rb") as file:
        start = file.read(6)
    return start.startswith(SEVEN_START) or (start.startswith(ZIP_START) and path.suffix.lower() != ".xlsx")


def unpack(archive: Path, folder: Path, pattern: str, limits: UnpackLimits | None = None) -> list[Path]:
    """Take the members whose name fits a pattern out of an archive, flat, into a folder.

    Parameters
    ----------
    archive
        ZIP or 7z.
    folder
        Where to; each file takes the last part of its name. Nothing is written outside it.
    pattern
        Such as ``*.gpkg``; matched with the name without folders, whatever the case.
    limits
        Bounds; :class:`UnpackLimits` when not given.

    Returns
    -------
    list of Path
        What was written, sorted.

    Raises
    ------
    FileError
        For an archive that is damaged, names a path outside, holds a link among the wanted members, exceeds the limits or
        holds nothing that fits.
    """
    limits = limits or UnpackLimits()
    require_file(archive)
    with archive.open("rb") as file:
        seven = file.read(6).startswith(SEVEN_START)
    try:
        return _unpack_7z(archive, folder, pattern, limits) if seven else _unpack_zip(archive, folder, pattern, limits)
    except FileError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise FileError(
                _("nothing more can be written there ({reason})").format(reason=reason(error)),
                fix=_("make room on the disk, or set CPTSGEO_DATA to another folder"),
                where=str(folder),
            ) from error
        raise FileError(
            _("the archive is damaged ({reason})").format(reason=error or type(error).__name__),
            fix=_("download it again"),
            where=archive.name,
        ) from error


def _unpack_zip(archive: Path, folder: Path, pattern: str, limits: UnpackLimits) -> list[Path]:
    with zipfile.ZipFile(archive) as opened:
        members = [
            _Member(info.filename, info.file_size, stat.S_ISLNK(info.external_attr >> 16), info.is_dir())
            for info in opened.infolist()
        ]
        written = []
        for member in _wanted(archive, members, pattern, limits):
            target = folder / _flat(member.name)
            with opened.open(member.name) as packed, target.open("wb") as file:
                _copy(packed, file, member.bytes, archive)
            written.append(target)
    return sorted(written)


def _unpack_7z(archive: Path, folder: Path, pattern: str, limits: UnpackLimits) -> list[Path]:
    import py7zr

    with py7zr.SevenZipFile(archive) as opened:
        members = [
            _Member(info.filename, int(info.uncompressed or 0), bool(info.is_symlink), info.is_directory)
            for info in opened.list()
        ]
        wanted = _wanted(archive, members, pattern, limits)
        inner = folder / ".7z"
        opened.extract(path=inner, targets=[member.name for member in wanted])
    written = []
    for member in wanted:
        source, target = inner / member.name, folder / _flat(member.name)
        if source.is_symlink() or source.stat().st_size != member.bytes:
            raise FileError(_("the archive does not hold what it says"), fix=_("download it again"), where=archive.name)
        source.replace(target)
        written.append(target)
    shutil.rmtree(inner)
    return sorted(written)


def _wanted(archive: Path, members: Iterable[_Member], pattern: str, limits: UnpackLimits) -> list[_Member]:
    """Choose the members, after looking at all of them for paths, links and sizes."""
    members = list(members)
    if len(members) > limits.files:
        raise FileError(
            _("the archive holds {count} files, more than {limit}").format(
                count=number(len(members)), limit=number(limits.files)
            ),
            fix=_("check that it is the right file"),
            where=archive.name,
        )
    for member in members:
        path = PurePosixPath(member.name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            raise FileError(
                _("the archive holds a path that leads outside: {name}").format(name=member.name),
                fix=_("do not use this file: it is broken or hostile"),
                where=archive.name,
            )
    chosen = [m for m in members if not m.is_folder and fnmatch(_flat(m.name).lower(), pattern.lower())]
    links = [member.name for member in chosen if member.is_link]
    if links:
        raise FileError(
            _("the archive holds a link instead of a file: {name}").format(name=links[0]),
            fix=_("do not use this file: it is broken or hostile"),
            where=archive.name,
        )
    names = [_flat(member.name).lower() for member in chosen]
    if not chosen or len(set(names)) < len(names):
        raise FileError(
            _("no file of the archive fits {pattern}, or two have one name; it holds: {names}").format(
                pattern=pattern, names=", ".join(_flat(member.name) for member in members[:10])
            ),
            fix=_("check that it is the right file; if the producer renamed it, correct `members` in the catalogue"),
            where=archive.name,
        )
    total, packed = sum(member.bytes for member in chosen), max(archive.stat().st_size, 1)
    if total > limits.bytes or total / packed > limits.ratio:
        raise FileError(
            _("the archive of {packed} bytes would unpack to {total}: refused").format(
                packed=number(packed), total=number(total)
            ),
            fix=_("do not use this file: it is broken or hostile"),
            where=archive.name,
        )
    return chosen


def _copy(packed: IO[bytes], file: IO[bytes], expected: int, archive: Path) -> None:
    """Copy a member, no more than it says it holds."""
    left = expected
    while chunk := packed.read(1 << 20):
        left -= len(chunk)
        if left < 0:
            break
        file.write(chunk)
    if left != 0:
        raise FileError(_("the archive does not hold what it says"), fix=_("download it again"), where=archive.name)


def _flat(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name
