"""How old the data is: the age of the content, never of the download, and an alarm when it stopped moving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from cptsgeo.i18n import _, day, ngettext, number
from cptsgeo.sources.catalogue import Source, sources
from cptsgeo.sources.store import Record, altered, data_folder, read_record

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("source", "title", "state", "dated", "age_days", "rhythm_days", "pulled", "rows", "note")


def state(source: Source, record: Record | None, today: date) -> str:
    """Return ``absent``, ``fresh``, ``late`` (older than its rhythm) or ``undated`` (the content does not say).

    Examples
    --------
    >>> state(sources()["finess"], None, date(2026, 1, 1))
    'absent'
    """
    if record is None:
        return "absent"
    if record.dated is None:
        return "undated"
    return "late" if (today - record.dated).days > source.rhythm else "fresh"


def note(source: Source, record: Record | None, today: date) -> str:
    """Say in words what the state does not."""
    if source.frozen and source.frozen <= today:
        return _("no longer updated by its producer since {day}; use {successor}").format(
            day=day(source.frozen), successor=source.successor
        )
    if record is None:
        return ""
    if record.dated is None:
        return _("the content does not say its date: its age is not known")
    if state(source, record, today) == "late":
        age = (today - record.dated).days
        return _("{age} days old, where a new edition is due after {rhythm}").format(
            age=number(age), rhythm=number(source.rhythm)
        )
    return ""


def status(chosen: Sequence[Source], today: date) -> pd.DataFrame:
    """Tell what is there of each source and how old its content is.

    Returns
    -------
    DataFrame
        ``source``, ``title``, ``state`` (absent, fresh, late, undated), ``dated`` (day of the content), ``age_days``,
        ``rhythm_days``, ``pulled`` (day of the pull), ``rows``, ``note``.
    """
    import pandas as pd

    rows = []
    for source in chosen:
        record = read_record(source.name)
        dated = record.dated if record else None
        rows.append(
            (
                source.name,
                source.title,
                state(source, record, today),
                dated.isoformat() if dated else None,
                (today - dated).days if dated else None,
                source.rhythm,
                record.pulled.isoformat() if record else None,
                record.rows if record else None,
                note(source, record, today),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"age_days": "Int64", "rows": "Int64"})


def banner(names: Sequence[str], today: date) -> str:
    """Return the words of warning that a page made from some sources must show; empty when there is none.

    Parameters
    ----------
    names
        Sources that the page was made from.
    today
        The day of the reader.
    """
    late = [
        sources()[name] for name in names if state(sources()[name], read_record(name), today) in {"late", "undated"}
    ]
    if not late:
        return ""
    shown = "; ".join(
        _("{title}, {note}").format(title=source.title, note=note(source, read_record(source.name), today))
        for source in late
    )
    return ngettext(
        "A source of this page is no longer up to date: {sources}.",
        "{count} sources of this page are no longer up to date: {sources}.",
        len(late),
    ).format(count=len(late), sources=shown)


def verify(chosen: Sequence[Source]) -> pd.DataFrame:
    """Compare what is stored with its record: hashes, columns and number of rows.

    Returns
    -------
    DataFrame
        ``source``, ``ok`` and ``problem`` (empty when all is well), one row per pulled source.
    """
    import pandas as pd

    from cptsgeo.errors import CptsGeoError
    from cptsgeo.sources.pull import read

    rows = []
    for source in chosen:
        record = read_record(source.name)
        if record is None:
            continue
        changed = altered(record)
        problem = ""
        if changed:
            problem = _("changed or missing since the pull: {files}").format(files=", ".join(changed))
        else:
            try:
                count, columns = read(source, [data_folder() / stored.path for stored in record.files])
                if count != record.rows:
                    problem = _("{count} rows are read now, {before} at the pull").format(
                        count=number(count), before=number(record.rows)
                    )
                elif columns != record.columns:
                    problem = _("the columns are {now}, {before} at the pull").format(
                        now=", ".join(columns), before=", ".join(record.columns)
                    )
            except CptsGeoError as error:
                problem = str(error)
        rows.append((source.name, not problem, problem))
    return pd.DataFrame(rows, columns=["source", "ok", "problem"]).astype({"ok": "bool"})
