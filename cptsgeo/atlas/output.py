"""Write a site into a folder file by file: what has not changed is not touched, what is no longer there is taken away."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cptsgeo.errors import FileError
from cptsgeo.files import TEMPORARY, one_writer, whole_file
from cptsgeo.i18n import _

MANIFEST = "atlas.json"
JOURNAL = f"{TEMPORARY}journal"
"""Paths that a run adds to the folder, one a line: what a killed run began is known to the next one."""

KEPT = frozenset({"README.md", "CNAME", ".nojekyll", ".git", ".gitignore", ".htaccess"})


class SiteFolder:
    """A folder that holds a site and the list of what was written into it.

    Attributes
    ----------
    written, unchanged, removed
        Paths of this run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: list[str] = []
        self.unchanged: list[str] = []
        self.removed: list[str] = []
        self._digests: dict[str, str] = {}
        self._before = self._listed()

    def write(self, path: str, content: str | bytes) -> None:
        """Write one file, unless it holds these bytes already.

        Raises
        ------
        ValueError
            For a path that leaves the folder, or one that was written already in this run.
        """
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or path in self._digests:
            raise ValueError(path)
        data = content.encode() if isinstance(content, str) else content
        target = self.folder / path
        self._digests[path] = hashlib.sha256(data).hexdigest()
        if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
            self.unchanged.append(path)
            return
        if path not in self._before:
            with (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(f"{path}\n")
        with whole_file(target, overwrite=True) as part:
            part.write_bytes(data)
        self.written.append(path)

    def read(self, path: str) -> str | None:
        """Return what an earlier run wrote, or None."""
        target = self.folder / path
        return target.read_text(encoding="utf-8") if path in self._before and target.is_file() else None

    def _listed(self) -> set[str]:
        """Return the paths that earlier runs wrote: those of the list, and those that a killed one began."""
        manifest, journal = self.folder / MANIFEST, self.folder / JOURNAL
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"] if manifest.is_file() else {}
        begun = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
        return {*listed, *filter(None, begun)}

    def finish(self) -> None:
        """Take away what an earlier run wrote and this one did not, and write the list."""
        for path in sorted(self._before - set(self._digests)):
            target = self.folder / path
            if ".." not in PurePosixPath(path).parts and target.is_file():
                target.unlink()
                self.removed.append(path)
        content = json.dumps({"files": dict(sorted(self._digests.items()))}, indent=0) + "\n"
        manifest = self.folder / MANIFEST
        if not manifest.is_file() or manifest.read_text(encoding="utf-8") != content:
            with whole_file(manifest, overwrite=True) as part:
                part.write_text(content, encoding="utf-8", newline="")
        (self.folder / JOURNAL).unlink(missing_ok=True)


@contextmanager
def site_folder(folder: Path) -> Iterator[SiteFolder]:
    """Open the folder of a site; the list of files is written when the block ends well.

    A new folder gets an empty list first, so that a run after one that was killed knows the folder as its own.

    Raises
    ------
    FileError
        For a folder that holds something else than a site of cptsgeo: it could be lost.
    """
    if folder.exists() and not folder.is_dir():
        raise FileError(_("this is a file, not a folder"), fix=_("give the name of a folder"), where=str(folder))
    present = {entry.name for entry in folder.iterdir()} - KEPT if folder.is_dir() else set()
    present = {name for name in present if not name.startswith(TEMPORARY)}
    if present and MANIFEST not in present:
        raise FileError(
            _("the folder holds files, and no atlas of cptsgeo: nothing is written into it"),
            fix=_("give a new folder, or empty this one yourself"),
            where=str(folder),
        )
    if MANIFEST in present:
        try:
            dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"])
        except (ValueError, KeyError, TypeError) as error:
            raise FileError(
                _("the list of what the atlas wrote cannot be read"),
                fix=_("give a new folder, or empty this one yourself"),
                where=str(folder / MANIFEST),
            ) from error
    with one_writer(folder):
        for stale in list(folder.rglob(f"{TEMPORARY}*")):
            shutil.rmtree(stale, ignore_errors=True)
        if not present:
            with whole_file(folder / MANIFEST, overwrite=True) as part:
                part.write_text(json.dumps({"files": {}}) + "\n", encoding="utf-8")
        site = SiteFolder(folder)
        yield site
        site.finish()
