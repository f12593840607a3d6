"""TOML files that a user writes: a list of entries, each checked, every finding at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cptsgeo.errors import DataError, FileError, Finding, unreadable
from cptsgeo.i18n import _
from cptsgeo.tabular import parse_day


def read_toml(path: Path | str) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    FileError
        For an absent or unreadable file.
    DataError
        For a file that is not TOML.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise FileError(
            _("the file cannot be read ({reason})").format(reason=error),
            fix=_("give a TOML file in UTF-8"),
            where=str(path),
        ) from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            _("the file is not TOML ({reason})").format(reason=error),
            fix=_("look at that line: texts are between quotation marks, dates are written 2023-10-31"),
            where=path.name,
        ) from error


def read_entries(path: Path | str, key: str) -> list[dict[str, Any]]:
    """Read the entries ``[[key]]`` of a TOML file.

    Raises
    ------
    FileError, DataError
        As :func:`read_toml`; for a file that has no entry.
    """
    path = Path(path)
    entries = read_toml(path).get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise DataError(
            _("the file has no entry [[{key}]]").format(key=key),
            fix=_("write one block [[{key}]] per entry").format(key=key),
            where=path.name,
        )
    return entries


def entry_findings(
    entries: list[dict[str, Any]], file: str, *, required: Iterable[str], known: Iterable[str]
) -> list[Finding]:
    """List the keys that entries lack, and those that no one knows; an entry is named by its rank, from 1."""
    findings = []
    allowed = [*required, *known]
    for rank, entry in enumerate(entries, start=1):
        findings += [
            entry_error(file, rank, key, "entry_incomplete", _("{key} is missing").format(key=key), _("add it"))
            for key in required
            if entry.get(key) in (None, "")
        ]
        findings += [
            entry_error(
                file,
                rank,
                key,
                "entry_key_unknown",
                _("{key} is not a key of an entry").format(key=key),
                _("choose one of: {choices}").format(choices=", ".join(allowed)),
            )
            for key in entry
            if key not in allowed
        ]
    return findings


def entry_error(file: str, rank: int, key: str, rule: str, problem: str, fix: str) -> Finding:
    """Make the finding of an error in one entry."""
    return Finding(
        rule, "error", _("entry {rank}: {problem}").format(rank=rank, problem=problem), fix, file, column=key
    )


def entry_day(value: object) -> date | None:
    """Read a TOML date, or a text that is one; ``None`` for anything else.

    Examples
    --------
    >>> entry_day("31/10/2023"), entry_day(2023)
    (datetime.date(2023, 10, 31), None)
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return parse_day(value) if isinstance(value, str) else None
