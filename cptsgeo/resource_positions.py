"""Where resources are: read coordinates, refuse impossible ones, place the others in their commune, report the far ones."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from cptsgeo.codes import is_insee_code
from cptsgeo.crs import WGS84, by_territory, metric_crs
from cptsgeo.errors import Finding
from cptsgeo.i18n import _, number

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

OUTSIDE_BOUND_M = 500.0
SCHEMATIC_BOUND_M = 5_000.0
DECIMALS = 6


def place(
    table: pd.DataFrame, communes: pd.DataFrame, contours: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Give each resource its place in degrees and how well that is known.

    A resource without coordinates is placed at a point inside its commune, precision ``commune``; one with coordinates and
    no stated precision is ``exact``.

    Parameters
    ----------
    table
        ``insee_code``, ``longitude``, ``latitude`` (text), ``position_precision``, ``file``, ``row``.
    communes
        ``insee_code``, ``name``.
    contours
        Outlines, EPSG:4326, ``geometry_source``.

    Returns
    -------
    tuple
        The table with numbers for coordinates; findings. A resource more than :data:`OUTSIDE_BOUND_M` from its stated
        commune is a warning (:data:`SCHEMATIC_BOUND_M` where outlines are schematic).
    """
    import pandas as pd

    findings: list[Finding] = []
    used = contours[contours["insee_code"].isin(set(table["insee_code"]))]
    inside = used.set_index("insee_code").geometry.representative_point()
    longitude, latitude, precision = [], [], []
    for row in table.itertuples():
        x, y = _read(row, findings)
        known = row.position_precision if isinstance(row.position_precision, str) else None
        if x is None or y is None:
            point = inside.get(row.insee_code)
            x, y = (point.x, point.y) if point is not None else (math.nan, math.nan)
            if known in {"exact", "street"} and not (row.longitude or row.latitude):
                findings.append(
                    _finding(
                        row,
                        "position_missing",
                        _("the precision says {precision}, and there are no coordinates").format(precision=known),
                        _("give longitude and latitude, or the precision commune"),
                    )
                )
            if point is None and is_insee_code(row.insee_code) and not (row.longitude or row.latitude):
                findings.append(
                    _finding(
                        row,
                        "position_unknown",
                        _("there are no coordinates, and no outline of the commune {code}").format(code=row.insee_code),
                        _("give longitude and latitude, or the outlines (--contours)"),
                    )
                )
            known = "commune"
        longitude.append(round(x, DECIMALS))
        latitude.append(round(y, DECIMALS))
        precision.append(known or "exact")
    placed = table.assign(
        longitude=pd.array(longitude, dtype="float64"),
        latitude=pd.array(latitude, dtype="float64"),
        position_precision=pd.array(precision, dtype="str"),
    )
    names = communes.set_index("insee_code")["name"]
    return placed, findings + _outside(placed, contours, names)


def _read(row: object, findings: list[Finding]) -> tuple[float | None, float | None]:
    """Read the two coordinates of a row, or nothing and the reason."""
    texts = (row.longitude, row.latitude)  # type: ignore[attr-defined]
    if not any(texts):
        return None, None
    values = [_number(text) for text in texts]
    if any(value is None or not math.isfinite(value) for value in values):
        findings.append(
            _finding(
                row,
                "position_unreadable",
                _("{x}, {y} are not coordinates").format(x=texts[0][:30] or "–", y=texts[1][:30] or "–"),
                _("give both in degrees, such as -61.07 and 14.6; leave both empty when they are not known"),
            )
        )
        return None, None
    x, y = (float(value) for value in values if value is not None)
    code = str(row.insee_code)  # type: ignore[attr-defined]
    fault = _fault(x, y, code) if is_insee_code(code) else None
    if fault is not None:
        findings.append(_finding(row, *fault))
        return None, None
    return x, y


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return None


def _fault(x: float, y: float, code: str) -> tuple[str, str, str] | None:
    """Say what is wrong with a place in the territory of a commune: rule, problem, fix."""
    if x == 0 and y == 0:
        return (
            "position_zero",
            _("the coordinates are 0, 0, in the Gulf of Guinea"),
            _("leave both cells empty when the place is not known"),
        )
    if abs(x) > 180 or abs(y) > 90:
        return (
            "position_metres",
            _("{x}, {y} are metres, and degrees are needed").format(x=f"{x:g}", y=f"{y:g}"),
            _("give degrees (EPSG:4326), or a GeoPackage that says its CRS"),
        )
    if not _in_use(x, y, code):
        if _in_use(y, x, code):
            return (
                "position_swapped",
                _("longitude and latitude are swapped: {x}, {y}").format(x=f"{x:g}", y=f"{y:g}"),
                _("put the longitude (negative in the Caribbean) into longitude"),
            )
        return (
            "position_elsewhere",
            _("{x}, {y} is not in the territory of {code}").format(x=f"{x:g}", y=f"{y:g}", code=code),
            _("correct the coordinates or the code of the commune"),
        )
    return None


def _in_use(x: float, y: float, code: str) -> bool:
    """Tell whether a point lies where the metric CRS of a commune's territory is used."""
    west, south, east, north = _area_of_use(metric_crs(code))
    return west <= x <= east and south <= y <= north


@cache
def _area_of_use(epsg: int) -> tuple[float, float, float, float]:
    import pyproj

    area = pyproj.CRS(epsg).area_of_use
    assert area is not None, "every CRS of a territory says where it is used"
    west, south, east, north = area.bounds
    return west, south, east, north


def _outside(table: pd.DataFrame, contours: gpd.GeoDataFrame, names: pd.Series) -> list[Finding]:
    """Report resources farther from their stated commune than a bound."""
    import geopandas as gpd

    stated = table[
        (table["position_precision"] != "commune")
        & table["longitude"].notna()
        & table["insee_code"].isin(contours["insee_code"])
    ]
    if stated.empty:
        return []
    points = gpd.GeoDataFrame(stated, geometry=gpd.points_from_xy(stated["longitude"], stated["latitude"]), crs=WGS84)
    shapes = by_territory(contours[contours["insee_code"].isin(set(stated["insee_code"]))])
    schematic = set(contours.loc[contours["geometry_source"] == "schematic", "insee_code"])
    findings = []
    for epsg, part in by_territory(points).items():
        outline = shapes[epsg].set_index("insee_code").geometry.loc[part["insee_code"]]
        gaps = part.geometry.distance(outline.set_axis(part.index))
        for index, gap in gaps[gaps > OUTSIDE_BOUND_M].items():
            row = table.loc[index]
            if row.insee_code in schematic and gap <= SCHEMATIC_BOUND_M:
                continue
            findings.append(
                _finding(
                    row,
                    "position_outside_commune",
                    _("the place is {distance} km outside {commune} ({code})").format(
                        distance=number(gap / 1000, 1), commune=names.get(row.insee_code, ""), code=row.insee_code
                    ),
                    _("correct the coordinates or the code of the commune"),
                    severity="warning",
                )
            )
    return findings


def _finding(row: object, rule: str, problem: str, fix: str, *, severity: str = "error") -> Finding:
    file, line = str(row.file), int(row.row)  # type: ignore[attr-defined]
    return Finding(rule, "error" if severity == "error" else "warning", problem, fix, file, line, "longitude")
