"""Read a TOML list of snapshots: for each date, the files of its communes and of its perimeters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.communes import YEAR, embedded_communes, parse_communes
from cptsgeo.errors import CptsGeoError, Finding, as_findings, raise_errors
from cptsgeo.i18n import _, day
from cptsgeo.perimeters import parse_perimeters
from cptsgeo.scope import Scope
from cptsgeo.snapshots import Snapshot
from cptsgeo.toml_files import entry_day, entry_error, entry_findings, read_entries

if TYPE_CHECKING:
    from cptsgeo.study import Inputs

KEY = "snapshot"
REQUIRED = ("date", "perimeters")
KNOWN = ("communes", "population_year", "cpts")


def read_snapshots(path: Path | str) -> tuple[tuple[Snapshot, ...], list[Finding]]:
    """Read a list of snapshots, in the order of their dates.

    The file has one block per snapshot::

        [[snapshot]]
        date = 2022-12-31
        communes = ["pop2020.csv", "mayotte.csv"]  # the units and populations of that day; embedded when absent
        population_year = 2020
        perimeters = "cpts-2022.csv"
        cpts = "stages-2022.csv"                   # when apart

    Paths are relative to the file.

    Returns
    -------
    tuple of Snapshot
        In the order of the file, which must be that of the dates.
    list of Finding
        Warnings and remarks of every file.

    Raises
    ------
    DataError
        With every missing or unknown key, every date that is none or comes too early, and every error of every file.
    """
    path = Path(path)
    entries = read_entries(path, KEY)
    findings = entry_findings(entries, path.name, required=REQUIRED, known=KNOWN)
    findings += _dates(entries, path.name)
    findings += [
        entry_error(
            path.name,
            rank,
            "population_year",
            "year_wrong",
            _("{value} is not a year").format(value=year),
            _("give a year of four digits"),
        )
        for rank, entry in enumerate(entries, start=1)
        for year in [entry.get("population_year")]
        if year is not None and not (isinstance(year, int) and re.fullmatch(YEAR, str(year)))
    ]
    raise_errors(findings)
    snapshots = []
    for entry in entries:
        try:
            snapshot, found = _read(entry, path.parent)
        except CptsGeoError as error:
            found, snapshot = as_findings(error), None
        prefix = _("snapshot of {day}").format(day=day(_day(entry)))
        findings += [replace(finding, file=", ".join(filter(None, (prefix, finding.file)))) for finding in found]
        if snapshot is not None:
            snapshots.append(snapshot)
    raise_errors(findings)
    return tuple(snapshots), [finding for finding in findings if finding.severity != "error"]


def snapshot_files(path: Path | str) -> list[Path]:
    """Return every file that a list of snapshots names, each once, in their order."""
    path = Path(path)
    named = [
        name
        for entry in read_entries(path, KEY)
        for name in (*_communes(entry), entry.get("perimeters"), entry.get("cpts"))
        if name
    ]
    return [path.parent / name for name in dict.fromkeys(named)]


def last_inputs(path: Path | str, inputs: Inputs) -> Inputs:
    """Return the inputs of a study of the last snapshot of a list: its files and its date, and what else was chosen."""
    path = Path(path)
    entry = read_entries(path, KEY)[-1]
    return replace(
        inputs,
        communes=tuple(path.parent / name for name in _communes(entry)),
        population_year=entry.get("population_year"),
        perimeters=path.parent / entry["perimeters"],
        cpts=path.parent / entry["cpts"] if "cpts" in entry else None,
        perimeters_date=_day(entry),
    )


def touched(snapshots: Sequence[Snapshot]) -> Scope:
    """Return the départements that the perimeters of any snapshot touch, in the units of the last one."""
    from cptsgeo.scope import touched_departements

    codes = {
        code for snapshot in snapshots for code in touched_departements(snapshot.communes, snapshot.perimeters).codes
    }
    return Scope("departement", tuple(sorted(codes)))


def _day(entry: dict[str, Any]) -> Any:
    return entry_day(entry["date"])


def _communes(entry: dict[str, Any]) -> list[str]:
    """List the files of communes of one entry."""
    listed = entry.get("communes", [])
    return [listed] if isinstance(listed, str) else list(listed)


def _dates(entries: list[dict[str, Any]], file: str) -> list[Finding]:
    """List the dates that are none, and those that do not come after the one before."""
    findings = []
    previous = None
    for rank, entry in enumerate(entries, start=1):
        if entry.get("date") in (None, ""):
            continue
        current = entry_day(entry["date"])
        if current is None:
            findings.append(
                entry_error(
                    file,
                    rank,
                    "date",
                    "date_wrong",
                    _("{value} is not a day").format(value=entry["date"]),
                    _("write it as 2024-03-31 or 31/03/2024"),
                )
            )
            continue
        if previous is not None and current <= previous:
            findings.append(
                entry_error(
                    file,
                    rank,
                    "date",
                    "snapshots_reversed",
                    _("the snapshot of {after} does not come after that of {before}").format(
                        after=day(current), before=day(previous)
                    ),
                    _("put the snapshots in the order of their dates, one per date"),
                )
            )
        previous = current
    return findings


def _read(entry: dict[str, Any], folder: Path) -> tuple[Snapshot | None, list[Finding]]:
    """Read the files of one entry."""
    paths = [folder / name for name in _communes(entry)]
    communes, findings = parse_communes(paths, population_year=entry.get("population_year"))
    reference = communes if len(communes) else embedded_communes()
    cpts = folder / entry["cpts"] if "cpts" in entry else None
    perimeters, found = parse_perimeters(folder / entry["perimeters"], reference, cpts=cpts)
    findings += found
    if any(finding.severity == "error" for finding in findings):
        return None, findings
    return Snapshot(_day(entry), communes, perimeters), findings
