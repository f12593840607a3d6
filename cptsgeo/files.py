"""Write files whole or not at all: beside their place first, then renamed into it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cptsgeo.errors import FileError
from cptsgeo.i18n import _


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, it takes the place of ``path``.

    Raises
    ------
    FileError
        When the file exists and may not be replaced, or the folder cannot be written.
    """
    if path.exists() and not overwrite:
        raise FileError(
            _("the file exists already"), fix=_("pass --overwrite to replace it, or give another name"), where=str(path)
        )
    folder = _temporary_folder(path)
    try:
        part = folder / path.name
        yield part
        part.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
    if path.exists() and not path.is_dir():
        raise FileError(_("this is a file, not a folder"), fix=_("give the name of a folder"), where=str(path))
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
    folder = _temporary_folder(path)
    try:
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
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _temporary_folder(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise FileError(
            _("nothing can be written there ({reason})").format(reason=error.strerror),
            fix=_("give a folder that you may write in"),
            where=str(path.parent),
        ) from error
