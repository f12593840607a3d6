"""Write files whole or not at all: beside their place first, then renamed into it."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cptsgeo.errors import FileError, reason
from cptsgeo.i18n import _

TEMPORARY = ".cptsgeo-"
AT_FDCWD, EXCHANGE = -100, 2
"""Arguments of ``renameat2``: paths from the current folder; exchange the two."""

DISK_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EIO}


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, it takes the place of ``path``.

    Raises
    ------
    FileError
        When the file exists and may not be replaced, or the folder cannot be written.
    """
    _require_name(path)
    if path.is_dir():
        raise FileError(_("this is a folder, not a file"), fix=_("give the name of a file"), where=str(path))
    if path.exists() and not overwrite:
        raise FileError(
            _("the file exists already"), fix=_("pass --overwrite to replace it, or give another name"), where=str(path)
        )
    with _beside(path) as folder:
        part = folder / path.name
        yield part
        part.replace(path)


@contextmanager
def whole_folder(path: Path, *, overwrite: bool, keep: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; when the block ends well, its content takes the place of the old.

    Parameters
    ----------
    path
        The folder to write. What it holds is replaced only when it is empty, or ``overwrite`` is given and it
        holds a page that cptsgeo wrote (``index.html``), so that no other folder is ever emptied.
    keep
        Names of files at its top that are carried over, such as a README.

    Raises
    ------
    FileError
        When the folder may not be replaced or written.
    """
    _require_name(path)
    path = path.resolve()
    if path.exists() and not path.is_dir():
        raise FileError(_("this is a file, not a folder"), fix=_("give the name of a folder"), where=str(path))
    if Path.cwd().is_relative_to(path):
        raise FileError(
            _("this is the folder where the command runs: it cannot be replaced"),
            fix=_("give the name of a folder in it"),
            where=str(path),
        )
    present = {entry.name for entry in path.iterdir()} - keep if path.is_dir() else set()
    if present and not overwrite:
        raise FileError(
            _("the folder is not empty"),
            fix=_("pass --overwrite to replace its pages, or give another one"),
            where=str(path),
        )
    if present and "index.html" not in present:
        raise FileError(
            _("the folder holds files, and no page of cptsgeo: it is not replaced"),
            fix=_("give a new folder, or empty this one yourself"),
            where=str(path),
        )
    with _beside(path, f"{_mark(path)}-") as folder, one_writer(path):
        _clear(path, folder)
        new = folder / "new"
        new.mkdir()
        yield new
        for name in sorted(keep):
            if (path / name).is_file():
                shutil.copy2(path / name, new / name)
        _put(new, path, folder / "old")


def clear_unfinished(path: Path) -> None:
    """Take away what runs that were killed left beside a folder that they were writing."""
    path = path.resolve()
    with one_writer(path):
        _clear(path)


def _clear(path: Path, mine: Path | None = None) -> None:
    for stale in path.parent.glob(f"{_mark(path)}-*"):
        if stale != mine:
            shutil.rmtree(stale, ignore_errors=True)


def _mark(path: Path) -> str:
    """Begin the names of what is written beside a folder, the same for every run."""
    return TEMPORARY + hashlib.sha256(path.name.encode()).hexdigest()[:8]


def _put(new: Path, path: Path, old: Path) -> None:
    """Put a folder in the place of another; in one step where the system can, so that one of them is always there."""
    if path.is_dir() and not _exchanged(new, path):
        path.rename(old)
        try:
            new.rename(path)
        except OSError:
            old.rename(path)
            raise
    elif not path.is_dir():
        new.rename(path)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step (Linux, ``renameat2``); tell whether that was possible."""
    exchange = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return exchange is not None and exchange(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), EXCHANGE) == 0


@contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """Let one run at a time write into a folder; the lock is a file beside it, and goes with the run.

    Raises
    ------
    FileError
        When another run is writing there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.parent / f"{_mark(path)}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise FileError(
            _("another run is writing into this folder"),
            fix=_("wait until it has ended, or give another folder"),
            where=str(path),
        ) from error
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextmanager
def _beside(path: Path, begin: str = TEMPORARY) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, and take it away at the end with the parents that stayed empty."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=begin, dir=path.parent))
        except OSError as error:
            raise _unwritable(path.parent, error) from error
        try:
            yield folder
        except OSError as error:
            if error.errno in DISK_ERRORS:
                raise _unwritable(path.parent, error) from error
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()


def _require_name(path: Path) -> None:
    """Refuse a path that the system cannot even look up."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> FileError:
    return FileError(
        _("nothing can be written there ({reason})").format(reason=reason(error)),
        fix=_("give a folder that you may write in, on a disk that is not full"),
        where=str(path),
    )
