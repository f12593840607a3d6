"""The date of a content: what the file itself says, never the day on which it was downloaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from cptsgeo.sources.catalogue import Source


def content_date(source: Source, files: Sequence[Path], original: str = "") -> date | None:
    """Find the date of the content of a source.

    Parameters
    ----------
    source
        Its ``dated_by`` says where the date is: in the file, in its name, or declared in the catalogue.
    files
        What was pulled.
    original
        Name under which the producer served it, which often carries the date.

    Returns
    -------
    date or None
        ``None`` when the content does not say; it is then shown as undated, never as fresh.
    """
    return RULES[source.dated_by](source, files, original)


def _names(files: Sequence[Path], original: str) -> list[str]:
    return [*(part for file in files for part in (file.name, file.parent.name)), original]


def _declared(source: Source, _files: Sequence[Path], _original: str) -> date | None:
    return source.dated


def _name_date(source: Source, files: Sequence[Path], original: str) -> date | None:
    for name in _names(files, original):
        found = re.search(r"(20\d\d)-?([01]\d)-?([0-3]\d)", name)
        if found:
            try:
                return date(*(int(part) for part in found.groups()))
            except ValueError:
                continue
    return source.dated


def _name_year(source: Source, files: Sequence[Path], original: str) -> date | None:
    years = [int(year) for name in _names(files, original) for year in re.findall(r"(?<!\d)(?:20\d\d)(?!\d)", name)]
    return date(years[0], 1, 1) if years else source.dated


def _population_year(source: Source, files: Sequence[Path], original: str) -> date | None:
    """Populations of a census year are in force from 1 January three years later."""
    years = [int(year) for name in _names(files, original) for year in re.findall(r"pop(20\d\d)", name)]
    return date(years[0] + 3, 1, 1) if years else source.dated


def _geography_year(source: Source, files: Sequence[Path], original: str) -> date | None:
    """A density grid says "Géographie au 01/01/2022" above its header; its copies in CSV carry the year in the name."""
    if files[0].suffix.lower() == ".xlsx":
        from cptsgeo.tabular import file_content, open_workbook

        rows = open_workbook(files[0].name, file_content(files[0])).get_sheet_by_index(0).to_python(nrows=10)
        found = re.search(r"au (\d\d)/(\d\d)/(20\d\d)", " ".join(str(cell) for row in rows for cell in row))
        return date(int(found[3]), int(found[2]), int(found[1])) if found else source.dated
    years = [int(year) for name in _names(files, original) for year in re.findall(r"cog(20\d\d)", name)]
    return date(years[0], 1, 1) if years else source.dated


def _sheet_year(source: Source, files: Sequence[Path], _original: str) -> date | None:
    from cptsgeo.tabular import file_content, open_workbook

    names = open_workbook(files[0].name, file_content(files[0])).sheet_names
    years = [int(year) for name in names for year in re.findall(r"20\d\d", name)]
    return date(max(years), 1, 1) if years else source.dated


def _last_movement(_source: Source, files: Sequence[Path], _original: str) -> date | None:
    from cptsgeo.sources.cog import read_movements

    last: date = read_movements(files[0])["effective"].max().date()
    return last


def _finess(_source: Source, files: Sequence[Path], _original: str) -> date | None:
    from cptsgeo.sources.finess import published

    return published(files[0])


def _finess_plus(_source: Source, files: Sequence[Path], _original: str) -> date | None:
    from cptsgeo.sources.finess_plus import published

    return published(files[0])


def _updated_field(_source: Source, files: Sequence[Path], _original: str) -> date | None:
    """The latest day in a field of update; the ``timeStamp`` of the answer is that of the request and says nothing."""
    from cptsgeo.sources.santegraphie import detect_fields

    features = json.loads(files[0].read_text(encoding="utf-8")).get("features", [])
    if not features:
        return None
    field = detect_fields(list(features[0].get("properties", {}))).get("updated")
    texts = [str(feature["properties"].get(field, "")) for feature in features] if field else []
    days = []
    for text in texts:
        found = re.match(r"(\d{4})-(\d\d)-(\d\d)", text)
        french = re.match(r"(\d\d)/(\d\d)/(\d{4})", text)
        if found:
            days.append(date(int(found[1]), int(found[2]), int(found[3])))
        elif french:
            days.append(date(int(french[3]), int(french[2]), int(french[1])))
    return max(days, default=None)


RULES: dict[str, Callable[[Source, Sequence[Path], str], date | None]] = {
    "declared": _declared,
    "name_date": _name_date,
    "name_year": _name_year,
    "population_year": _population_year,
    "geography_year": _geography_year,
    "sheet_year": _sheet_year,
    "last_movement": _last_movement,
    "finess": _finess,
    "finess_plus": _finess_plus,
    "updated_field": _updated_field,
}
