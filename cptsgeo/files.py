"""Write files whole or not at all: beside their place first, then renamed into it."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cptsgeo.errors import FileError
from cptsgeo.i18n import _

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
    with _beside(path) as folder:
        new = folder / "new"
        new.mkdir()
        yield new
        for name in sorted(keep):
            if (path / name).is_file():
                shutil.copy2(path / name, new / name)
        if path.is_dir():
            path.rename(folder / "old")
        try:
            new.rename(path)
        except OSError:
            if (folder / "old").is_dir():
                (folder / "old").rename(path)
            raise


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, and take it away at the end with the parents that stayed empty."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".cptsgeo-", dir=path.parent))
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
        _("nothing can be written there ({reason})").format(reason=error.strerror),
        fix=_("give a folder that you may write in, on a disk that is not full"),
        where=str(path),
    )
