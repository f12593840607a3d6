"""FINESS, the legacy file ``etalab-cs1100507``: establishments without header, frozen since May 2026."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import MAINLAND, TERRITORY_CRS, WGS84
from cptsgeo.errors import DataError, Finding, raise_errors, unreadable
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pandas as pd

STRUCTURE = [
    "kind",
    "finess_et",
    "finess_ej",
    "name",
    "long_name",
    "name_complement",
    "delivery",
    "number",
    "way_type",
    "way",
    "way_complement",
    "place",
    "commune",
    "departement",
    "departement_name",
    "city_line",
    "phone",
    "fax",
    "category_code",
    "category",
    "group_code",
    "group",
    "siret",
    "ape",
    "tariff_code",
    "tariff",
    "psph_code",
    "psph",
    "opened",
    "authorised",
    "updated",
    "uai",
]
LOCATION = ["kind", "finess_et", "x", "y", "source", "located"]
OVERSEAS = {"9A": "971", "9B": "972", "9C": "973", "9D": "974", "9E": "975", "9F": "976", "9J": "986"}
LABEL_CRS = {
    "LAMBERT_93": MAINLAND,
    "UTM_N20": 5490,
    "UTM_N21": 4467,
    "UTM_N22": 2972,
    "UTM_S38": 4471,
    "UTM_S40": 2975,
}


class Finess(NamedTuple):
    """Hold the legacy FINESS.

    Attributes
    ----------
    establishments
        ``finess_et``, ``finess_ej``, ``name``, ``category_code``, ``category``, ``insee_code``, ``departement_code``,
        ``postal_code``, ``city``, ``phone``, ``opened`` (text, ISO date), ``longitude``, ``latitude`` (degrees, missing
        when not located), ``position_source``.
    published
        Date on the first line.
    findings
        Rows that could not be used in full, each with its row.
    """

    establishments: pd.DataFrame
    published: date
    findings: list[Finding]


def published(path: Path | str) -> date:
    """Read the date on the first line: ``finess;etalab;111;2026-05-12``.

    Raises
    ------
    DataError
        When the first line is another.
    """
    with _opened(Path(path)) as lines:
        return _published(next(lines, []), Path(path).name)


def read_finess(path: Path | str) -> Finess:
    """Read the legacy file of FINESS: a line of metadata, lines of 32 columns, lines of 6 for the locations.

    The code of a commune is three figures beside a département written 9A to 9F overseas (9B and 207 is 97207). A
    location is in the CRS of its territory, named at the end of its source (``…,LAMBERT_93``): it is read from there, and
    refused when the territory has another one.

    Parameters
    ----------
    path
        ``etalab-cs1100507-stock-YYYYMMDD-HHMM.csv`` (with locations) or ``etalab-cs1100502-…`` (without); latin-1 or
        UTF-8; ``;`` between cells, no header.

    Returns
    -------
    Finess
        Establishments, date and findings.

    Raises
    ------
    DataError
        For a first line without date, or a line of another width.

    References
    ----------
    Agence du numérique en santé, *Finess: extraction des entités géographiques*.
    """
    import pandas as pd

    path = Path(path)
    rows: list[dict[str, str]] = []
    places: dict[str, tuple[str, str, str, int]] = {}
    findings: list[Finding] = []
    with _opened(path) as lines:
        day = _published(next(lines, []), path.name)
        for number, cells in enumerate(lines, start=2):
            if not cells:
                continue
            if cells[0] == "structureet" and len(cells) == len(STRUCTURE):
                rows.append(dict(zip(STRUCTURE, cells, strict=True)) | {"row": str(number)})
            elif cells[0] == "geolocalisation" and len(cells) == len(LOCATION):
                places[cells[1]] = (cells[2], cells[3], cells[4], number)
            else:
                findings.append(
                    Finding(
                        "line_unknown",
                        "error",
                        _(
                            "a line of {count} cells that begins with {kind}: 32 cells after structureet or 6 after"
                            " geolocalisation are expected"
                        ).format(count=len(cells), kind=cells[0]),
                        _("take the file as it is published"),
                        path.name,
                        number,
                    )
                )
    if not rows and not findings:
        raise DataError(
            _("the file holds no establishment"), fix=_("take the file as it is published"), where=path.name
        )
    raise_errors(findings)
    table = pd.DataFrame(rows, columns=[*STRUCTURE, "row"], dtype="str")
    departement = table["departement"].replace(OVERSEAS)
    prefix = departement.str[:2]
    line = table["city_line"].str.partition(" ")
    establishments = pd.DataFrame(
        {
            "finess_et": table["finess_et"],
            "finess_ej": table["finess_ej"],
            "name": table["long_name"].where(table["long_name"] != "", table["name"]),
            "category_code": table["category_code"],
            "category": table["category"],
            "insee_code": (prefix + table["commune"]).where(table["commune"] != "", ""),
            "departement_code": departement,
            "postal_code": line[0],
            "city": line[2],
            "phone": table["phone"],
            "opened": table["opened"],
        }
    )
    longitude, latitude, source, found = _positions(establishments, places, path.name)
    return Finess(establishments.assign(longitude=longitude, latitude=latitude, position_source=source), day, found)


def _positions(
    establishments: pd.DataFrame, places: dict[str, tuple[str, str, str, int]], file: str
) -> tuple[pd.Series, pd.Series, pd.Series, list[Finding]]:
    """Bring locations to degrees, by the CRS that their source names."""
    import pandas as pd
    from pyproj import Transformer

    findings = []
    longitude = pd.Series(float("nan"), establishments.index)
    latitude = longitude.copy()
    source = pd.Series("", establishments.index, dtype="str")
    by_crs: dict[int, list[tuple[int, float, float]]] = {}
    for position, finess, departement in zip(
        establishments.index, establishments["finess_et"], establishments["departement_code"], strict=True
    ):
        if finess not in places:
            continue
        x, y, label, row = places[finess]
        crs = LABEL_CRS.get(label.rpartition(",")[2])
        try:
            point = float(x), float(y)
        except ValueError:
            continue
        expected = TERRITORY_CRS.get(departement, MAINLAND)
        if crs != expected:
            findings.append(
                Finding(
                    "location_crs",
                    "warning",
                    _(
                        "the location of {code} is in {label}, not in the system of département {departement}: left out"
                    ).format(code=finess, label=label.rpartition(",")[2] or _("nothing"), departement=departement),
                    _("place it by its commune or its address"),
                    file,
                    row,
                    "source",
                    label,
                )
            )
            continue
        by_crs.setdefault(crs, []).append((position, *point))
        source[position] = label
    for crs, points in by_crs.items():
        where, xs, ys = zip(*points, strict=True)
        lon, lat = Transformer.from_crs(crs, WGS84, always_xy=True).transform(xs, ys)
        longitude[list(where)], latitude[list(where)] = lon, lat
    return longitude, latitude, source, findings


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[list[str]]]:
    """Open the file for reading cells, in UTF-8, or in latin-1 where it is not UTF-8."""
    try:
        with path.open("rb") as raw:
            encoding = "utf-8-sig" if all(_is_utf8(line) for line in raw) else "latin-1"
    except OSError as error:
        raise unreadable(path, error) from error
    with path.open(encoding=encoding, newline="") as text:
        try:
            yield csv.reader(text, delimiter=";")
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                _("the file cannot be read as delimited text"), fix=_("download it again"), where=path.name
            ) from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _published(cells: list[str], file: str) -> date:
    try:
        if cells[:1] != ["finess"]:
            raise ValueError
        return date.fromisoformat(cells[3])
    except (ValueError, IndexError):
        raise DataError(
            _("the first line is not that of FINESS (finess;etalab;…;date)"),
            fix=_("take the file as it is published, its first line with it"),
            where=file,
        ) from None
