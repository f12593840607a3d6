"""What went wrong, where, and what to do about it: the one error root and its children."""

from __future__ import annotations

import errno
import os.path
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cptsgeo.i18n import N_, _, headed

if TYPE_CHECKING:
    from pathlib import Path

Severity = Literal["error", "warning", "info"]

SHOWN_FINDINGS = 40
REASONS = {
    errno.EACCES: N_("access denied"),
    errno.EPERM: N_("access denied"),
    errno.EROFS: N_("this disk can only be read"),
    errno.ENOSPC: N_("the disk is full"),
    errno.EFBIG: N_("the file is too large for this disk"),
    errno.EIO: N_("the disk fails"),
    errno.ENAMETOOLONG: N_("the name is too long"),
    errno.EADDRINUSE: N_("another program uses it"),
}
"""What the system answers most, in words to be translated: its own are in the language of the machine."""


@dataclass(frozen=True, slots=True)
class Finding:
    """State one thing found in one place of one input.

    Parameters
    ----------
    rule
        Stable name of the rule that found it, such as ``code_lost_zero``.
    severity
        ``error`` stops the run; ``warning`` needs a reader; ``info`` tells what was done.
    problem
        What is wrong, in the user's language.
    fix
        What to do about it.
    file, row, column, value
        Where: the file's name, its row (1 is the first line of the file), the column, the value as read.
        Empty or ``None`` where they have no meaning.
    """

    rule: str
    severity: Severity
    problem: str
    fix: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""

    @property
    def where(self) -> str:
        """Say the place in words, such as ``liste.csv, row 3, column insee_code``."""
        parts = [self.file]
        if self.row is not None:
            parts.append(_("row {row}").format(row=self.row))
        if self.column:
            parts.append(_("column {column}").format(column=self.column))
        return ", ".join(part for part in parts if part)


class CptsGeoError(Exception):
    """Say what is wrong, where, and what to do: the root of every error that cptsgeo raises.

    Parameters
    ----------
    problem
        What is wrong.
    fix
        What the reader can do about it.
    where
        File, row and column, in words.
    """

    def __init__(self, problem: str, *, fix: str, where: str = "") -> None:
        self.problem = problem
        self.fix = fix
        self.where = where
        super().__init__(problem)

    def __str__(self) -> str:
        return headed(self.where, self.problem) + "\n" + headed(_("What to do"), self.fix)


class UsageError(CptsGeoError, ValueError):
    """Refuse a wrong argument or option: nothing is wrong with the data."""


class FileError(CptsGeoError, OSError):
    """Refuse a file or folder that cannot be read or written as asked."""


class DataError(CptsGeoError, ValueError):
    """Refuse data, with every finding at once.

    Parameters
    ----------
    problem, fix, where
        As in :class:`CptsGeoError`.
    findings
        Everything found wrong; the message lists the first of them and counts the rest, and says a single one once.
    """

    def __init__(self, problem: str, *, fix: str, where: str = "", findings: Iterable[Finding] = ()) -> None:
        super().__init__(problem, fix=fix, where=where)
        self.findings = tuple(findings)

    def __str__(self) -> str:
        lines = [super().__str__()]
        if [finding.problem for finding in self.findings] == [self.problem]:
            return lines[0]
        for finding in self.findings[:SHOWN_FINDINGS]:
            lines.append("  - " + headed(finding.where, finding.problem))
            if finding.fix and finding.fix != self.fix:
                lines.append(f"    {finding.fix}")
        hidden = len(self.findings) - SHOWN_FINDINGS
        if hidden > 0:
            lines.append("  " + _("… and {count} more: run `cptsgeo check` to see them all.").format(count=hidden))
        return "\n".join(lines)


def reason(error: OSError) -> str:
    """Say why the system refused, in the language of the reader.

    Parameters
    ----------
    error
        What Python raised.

    Returns
    -------
    str
        Words of :data:`REASONS`; those of the system for what is rare.

    Examples
    --------
    >>> from cptsgeo.i18n import language
    >>> with language("fr"):
    ...     reason(PermissionError(13, "Permission denied")), reason(OSError(7, "Argument list too long"))
    ('accès refusé', 'Argument list too long')
    """
    return _(REASONS[error.errno]) if error.errno in REASONS else error.strerror or str(error)


def unreadable(path: Path, error: OSError) -> FileError:
    """Say why a file cannot be read: it is absent, a folder, or refused by the system."""
    if isinstance(error, FileNotFoundError):
        return FileError(_("there is no such file"), fix=_("check the path"), where=str(path))
    if os.path.isdir(path):  # noqa: PTH112 -- Path.is_dir raises where it may not look
        return FileError(_("this is a folder, not a file"), fix=_("give the path of one file in it"), where=str(path))
    return FileError(
        _("the file cannot be read ({reason})").format(reason=reason(error)),
        fix=_("check its permissions"),
        where=str(path),
    )


def require_path(path: Path) -> None:
    """Refuse a path at which there is nothing, or nothing that may be seen."""
    try:
        path.stat()
    except OSError as error:
        raise unreadable(path, error) from None


def require_file(path: Path) -> None:
    """Refuse a path at which there is no file that may be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise unreadable(path, error) from None


def raise_errors(findings: Iterable[Finding]) -> None:
    """Raise one :class:`DataError` that carries every finding of severity ``error``, if there is any.

    Raises
    ------
    DataError
        When at least one finding is an error. A single finding speaks for itself.

    Examples
    --------
    >>> raise_errors([Finding("stage_missing", "warning", "no stage")])
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    if len(errors) == 1:
        only = errors[0]
        raise DataError(only.problem, fix=only.fix, where=only.where, findings=errors)
    files = sorted({finding.file for finding in errors if finding.file})
    raise DataError(
        _("{count} errors in the data").format(count=len(errors)),
        fix=_("correct the rows listed below; nothing was computed or written"),
        where=", ".join(files),
        findings=errors,
    )


def as_findings(error: CptsGeoError) -> list[Finding]:
    """Return what an error found, one finding at least, to report it beside others."""
    found = list(error.findings) if isinstance(error, DataError) else []
    return found or [Finding("unreadable", "error", error.problem, error.fix, error.where)]
