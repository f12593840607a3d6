"""The land beneath maps: what lies around a scope is land or sea, whatever its own outlines show.

It comes from the GSHHG coastline (``data/communes/land.parquet``): within about 200 m near France, 5 km in Europe, 25 km
elsewhere. It carries no figure and answers no pointer.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
import shapely

from cptsgeo.embedded import embedded
from cptsgeo.i18n import _

Corners = tuple[tuple[float, ...], tuple[float, ...]]
"""South-west and north-east corners: latitude and longitude."""
COLOR = "#f6f4ee"
"""Lighter than the sea, and than every class of a theme."""
COARSE = 0.02
"""Degrees within which the coast of France is drawn on a page about another part of it."""
LEAST = 0.002
"""Area in square degrees (about 20 km²) under which an island there is left out."""
SEAM = 0.002
"""Degrees by which what was simplified reaches over what was not, so that no gap opens between them."""


def credit() -> str:
    """Name the source of the land, as a page must."""
    return _("Land and sea around the communes: coast of GSHHG (LGPL)")


@cache
def _land() -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """Read the land near France and that of the rest of the world: polygons that do not overlap."""
    import geopandas as gpd

    table = gpd.read_parquet(embedded("communes/land.parquet"))
    near = table["detail"].to_numpy() == "near"
    shapes = np.asarray(table.geometry.values, dtype=object)
    return shapes[near], shapes[~near]


def land_around(corners: Iterable[Corners]) -> npt.NDArray[np.object_]:
    """Return the land of the world, in detail around some places.

    Parameters
    ----------
    corners
        Of what a map shows, for each territory. As much again is in detail on each side, and at least one degree.

    Returns
    -------
    array of Polygon
        EPSG:4326, without overlaps.

    Examples
    --------
    >>> land = land_around([((42.9, 4.2), (45.2, 7.8))])
    >>> marseille, gulf_of_lion = shapely.points([5.38, 4.5], [43.3, 42.9])
    >>> bool(shapely.contains(land, marseille).any()), bool(shapely.contains(land, gulf_of_lion).any())
    (True, False)
    """
    near, far = _land()
    windows = []
    for (south, west), (north, east) in corners:
        aside, above = max(east - west, 1.0), max(north - south, 1.0)
        windows.append(shapely.box(west - aside, south - above, east + aside, north + above))
    detailed = shapely.union_all(windows)
    rest = shapely.get_parts(shapely.difference(near, detailed))
    rest = shapely.simplify(rest[shapely.area(rest) >= LEAST], COARSE)
    rest = shapely.buffer(rest, SEAM, join_style="mitre")
    parts = np.concatenate([shapely.intersection(near, detailed), rest, far])
    whole = shapely.get_parts(shapely.union_all(parts))
    return np.asarray(whole[shapely.get_type_id(whole) == shapely.GeometryType.POLYGON])


def land_within(west: float, south: float, east: float, north: float) -> npt.NDArray[np.object_]:
    """Return the land of a box, in full detail: Polygons and MultiPolygons, EPSG:4326."""
    parts = shapely.clip_by_rect(np.concatenate(_land()), west, south, east, north)
    return np.asarray(parts[~shapely.is_empty(parts)])
