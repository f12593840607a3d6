"""Which units lie in which polygons: wholly, in part or only by a sliver, without a full overlay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import WGS84, by_territory, require_crs
from cptsgeo.layers import require_metres, require_same_crs

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from shapely import Geometry

    Shapes = NDArray[np.object_]

TOLERANCE_M = 30.0
"""Width under which a piece of a unit is a matter of digitising; see docs/method.md for how it was set."""

GRID_PER_TOLERANCE = 30.0
"""Two vertices are one when they round to one node of a grid this many times finer than the tolerance."""

FINEST_GRID_M = 1e-3
CLIP_MARGIN_M = 1.0
BOX_MARGIN = 0.5
BOUNDS_OF_ALL = {"minx": "min", "miny": "min", "maxx": "max", "maxy": "max"}


class Placement(NamedTuple):
    """Hold the units that polygons touch.

    Attributes
    ----------
    whole
        ``territory_id``, ``insee_code``, ``area_share`` (just under 1 where a sliver was given to the polygon).
    cut
        ``territory_id``, ``insee_code``, ``area_share``, ``geometry`` (the piece, EPSG:4326).
    slivers
        ``territory_id``, ``insee_code``, ``area_share``: touched by less than the tolerance, so not in it.
    outside
        ``territory_id`` of the polygons that touch no unit.
    """

    whole: pd.DataFrame
    cut: gpd.GeoDataFrame
    slivers: pd.DataFrame
    outside: list[str]


def place_units(
    polygons: gpd.GeoDataFrame, contours: gpd.GeoDataFrame, *, tolerance_m: float = TOLERANCE_M
) -> Placement:
    """Say which units lie wholly in each polygon, which are truly cut, and which are touched by a sliver.

    A unit is whole when no piece of it outside the polygon is anywhere wider than ``tolerance_m``; it is a sliver
    when no piece of it inside is. The rest is cut. Polygons that follow the borders of units, even rounded to
    metres, are never intersected: their edges are found among those of the units, and one interior point of each
    part of a unit then decides.

    Parameters
    ----------
    polygons
        ``territory_id`` and valid polygons, in any CRS; they may overlap, and one may have several rows.
    contours
        ``insee_code`` and the outlines of units, in any CRS.
    tolerance_m
        Width in metres; 0 snaps nothing.

    Returns
    -------
    Placement
        Tables sorted by ``territory_id`` and ``insee_code``. Work is done in the metric CRS of each territory.

    Raises
    ------
    DataError
        When a layer does not say its CRS.
    """
    import geopandas as gpd
    import pandas as pd

    require_crs(polygons)
    polygons = _one_row_each(polygons)
    boxes = _boxes(polygons)
    wholes, cuts, slivers = [], [], []
    for epsg, part in by_territory(contours[_meets(_boxes(contours), boxes.agg(BOUNDS_OF_ALL))]).items():
        local = polygons[_meets(boxes, _boxes(part).agg(BOUNDS_OF_ALL))].to_crs(epsg)
        if local.empty:
            continue
        whole, cut, sliver = place_in_metres(local, part, tolerance_m=tolerance_m)
        wholes.append(whole)
        cuts.append(cut.to_crs(WGS84))
        slivers.append(sliver)
    columns = ["territory_id", "insee_code", "area_share"]
    empty = pd.DataFrame({"territory_id": [], "insee_code": []}, dtype="str").assign(
        area_share=pd.Series(dtype="float64")
    )

    def stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
        table = pd.concat(parts) if parts else empty
        return table.sort_values(columns[:2], ignore_index=True)

    whole = stacked(wholes)
    cut = gpd.GeoDataFrame(
        stacked(cuts) if cuts else empty.assign(geometry=gpd.GeoSeries([], crs=WGS84)), geometry="geometry", crs=WGS84
    )
    sliver = stacked(slivers)
    touched = set(whole["territory_id"]) | set(cut["territory_id"])
    return Placement(whole, cut, sliver, sorted(set(polygons["territory_id"]) - touched))


def _one_row_each(polygons: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring the rows of a territory together, sorted by identifier."""
    import geopandas as gpd

    layer = gpd.GeoDataFrame({"territory_id": polygons["territory_id"]}, geometry=polygons.geometry)
    if layer["territory_id"].duplicated().any():
        layer = layer.dissolve("territory_id", as_index=False)
    return layer.sort_values("territory_id", ignore_index=True)


def _boxes(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return bounds in degrees, wide enough for the curve of straight borders: a CRS serves near its territory only."""
    boxes = layer.geometry.envelope.to_crs(WGS84).bounds
    return boxes.add([-BOX_MARGIN, -BOX_MARGIN, BOX_MARGIN, BOX_MARGIN], axis="columns")


def _meets(boxes: pd.DataFrame, frame: pd.Series) -> pd.Series:
    return (
        (boxes["minx"] <= frame["maxx"])
        & (boxes["maxx"] >= frame["minx"])
        & (boxes["miny"] <= frame["maxy"])
        & (boxes["maxy"] >= frame["miny"])
    )


def place_in_metres(
    polygons: gpd.GeoDataFrame, contours: gpd.GeoDataFrame, *, tolerance_m: float = TOLERANCE_M
) -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Place units as :func:`place_units` does, for two layers in one metric CRS.

    Returns
    -------
    tuple
        Whole, cut (with the pieces, in the CRS given) and slivers.

    Raises
    ------
    DataError
        When the CRS of the layers differ, are missing or are in degrees.
    """
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    require_same_crs(polygons, contours)
    require_metres(polygons)
    areas: Shapes = polygons.geometry.to_numpy()
    units: Shapes = contours.geometry.to_numpy()
    inside, parted = _held(areas, units)
    borders, owners = _foreign_borders(areas, units, tolerance_m)
    crossed = shapely.STRtree(units).query(borders, predicate="intersects")
    crossed[0] = owners[crossed[0]]
    missed = ~np.isin(_pair_keys(parted, len(units)), _pair_keys(crossed, len(units)))
    crossed = np.concatenate([crossed, parted[:, missed]], axis=1)
    decided = ~np.isin(_pair_keys(inside, len(units)), _pair_keys(crossed, len(units)))
    pieces, kinds, shares = _pieces(areas, units, crossed, tolerance_m)
    codes = contours["insee_code"].to_numpy()
    names = polygons["territory_id"].to_numpy()

    def table(pairs: NDArray[np.intp], share: NDArray[np.float64]) -> pd.DataFrame:
        return pd.DataFrame({"territory_id": names[pairs[0]], "insee_code": codes[pairs[1]], "area_share": share})

    simple = inside[:, decided]
    whole = pd.concat(
        [table(simple, np.ones(simple.shape[1])), table(crossed[:, kinds == "whole"], shares[kinds == "whole"])]
    )
    cut = gpd.GeoDataFrame(
        table(crossed[:, kinds == "cut"], shares[kinds == "cut"]), geometry=pieces[kinds == "cut"], crs=contours.crs
    )
    touching = (kinds == "sliver") & (shares > 0)
    return whole, cut, table(crossed[:, touching], shares[touching])


def _held(areas: Shapes, units: Shapes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair polygons with units by one point inside each part of a unit: those held by every part, and by some.

    A border may pass between a commune and its islands without touching either.
    """
    import numpy as np
    import shapely

    parts, of_part = shapely.get_parts(units, return_index=True)
    found = shapely.STRtree(shapely.point_on_surface(parts)).query(areas, predicate="contains")
    found[1] = of_part[found[1]]
    keys, count = np.unique(_pair_keys(found, len(units)), return_counts=True)
    pairs = np.stack(np.divmod(keys, len(units)))
    every = count == np.bincount(of_part, minlength=len(units))[pairs[1]]
    return pairs[:, every], pairs[:, ~every]


def _pair_keys(pairs: NDArray[np.intp], width: int) -> NDArray[np.intp]:
    keys: NDArray[np.intp] = pairs[0] * width + pairs[1]
    return keys


def _foreign_borders(areas: Shapes, units: Shapes, tolerance_m: float) -> tuple[Shapes, NDArray[np.intp]]:
    """Return the lines of each polygon's border that are no border of a unit, and whose they are."""
    import numpy as np
    import pandas as pd
    import shapely

    grid = max(tolerance_m / GRID_PER_TOLERANCE, FINEST_GRID_M)
    known = _segments(units, grid)[0]
    keys, owners, ends = _segments(areas, grid)
    foreign = ~pd.Series(keys).isin(known).to_numpy()
    count = np.bincount(owners[foreign], minlength=len(areas))
    concerned = np.flatnonzero(count)
    entirely = count == np.bincount(owners, minlength=len(areas))
    borders = shapely.boundary(areas[concerned])
    mixed = foreign & ~entirely[owners]
    if mixed.any():
        some, index = np.unique(owners[mixed], return_inverse=True)
        lines = shapely.multilinestrings(shapely.linestrings(ends[mixed]), indices=index)
        borders[np.searchsorted(concerned, some)] = lines
    return borders, concerned


def _segments(shapes: Shapes, grid: float) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.float64]]:
    """Cut rings into segments: a key that two equal segments share whatever their direction, owner, both ends.

    Ends are compared on a grid; a segment shorter than its mesh has no key and is left out.
    """
    import numpy as np
    import shapely

    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    node = _mixed(np.round(coordinates / grid).astype("int64").astype("uint64"))
    kept = np.ones(len(node), dtype=bool)
    kept[1:] = (node[1:] != node[:-1]) | (ring[1:] != ring[:-1])
    node, coordinates, ring = node[kept], coordinates[kept], ring[kept]
    joined = ring[1:] == ring[:-1]
    keys = (node[1:] + node[:-1])[joined]
    ends = np.stack([coordinates[:-1][joined], coordinates[1:][joined]], axis=1)
    return keys, of_part[of_ring[ring[1:][joined]]], ends


def _mixed(nodes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix two whole coordinates into 64 bits (finalizer of splitmix64), so that sums of two tell segments apart."""
    import numpy as np

    mixed: NDArray[np.uint64] = nodes[:, 0] * np.uint64(0x9E3779B97F4A7C15) + nodes[:, 1]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _clipped(shape: Geometry, box: Sequence[float]) -> Geometry:
    """Clip a shape to a box; where the fast way makes a ring of three points, which GEOS then refuses, the exact way."""
    import shapely

    try:
        return shapely.clip_by_rect(shape, *box)
    except shapely.errors.GEOSException:
        return shapely.intersection(shape, shapely.box(*box))


def _pieces(
    areas: Shapes, units: Shapes, pairs: NDArray[np.intp], tolerance_m: float
) -> tuple[Shapes, NDArray[np.str_], NDArray[np.float64]]:
    """Intersect pairs, and call each unit whole, cut or a sliver; with its share by area."""
    import numpy as np
    import shapely

    of_pair = units[pairs[1]]
    boxes = shapely.bounds(of_pair)
    boxes[:, :2] -= CLIP_MARGIN_M
    boxes[:, 2:] += CLIP_MARGIN_M
    clipped = np.array(
        [_clipped(areas[area], box) for area, box in zip(pairs[0], boxes.tolist(), strict=True)],
        dtype="object",
    )
    pieces = shapely.intersection(of_pair, clipped)
    area, whole_area = shapely.area(pieces), shapely.area(of_pair)
    share = np.clip(area / whole_area, 0.0, 1.0)
    sliver = are_thin(pieces, tolerance_m)
    missing = whole_area - area
    border, unit_border = shapely.length(pieces), shapely.length(of_pair)
    doubtful = np.flatnonzero(2 * missing <= tolerance_m * (unit_border + border))
    new = _new_border(pieces[doubtful], units[np.unique(pairs[1][doubtful])])
    rest_border = unit_border[doubtful] - border[doubtful] + 2 * new
    doubtful = doubtful[2 * missing[doubtful] <= tolerance_m * rest_border + FINEST_GRID_M]
    whole = np.zeros(len(pieces), dtype=bool)
    whole[doubtful] = are_thin(shapely.difference(of_pair[doubtful], clipped[doubtful]), tolerance_m)
    both = sliver & whole
    kinds = np.where(whole & ~(both & (share < 0.5)), "whole", np.where(sliver, "sliver", "cut"))
    return pieces, kinds, share


def _new_border(pieces: Shapes, units: Shapes) -> NDArray[np.float64]:
    """Measure, at most, the border of each piece that is no border of the units."""
    import numpy as np
    import pandas as pd

    keys, owners, ends = _segments(pieces, FINEST_GRID_M)
    foreign = ~pd.Series(keys).isin(_segments(units, FINEST_GRID_M)[0]).to_numpy()
    lengths = np.hypot(*(ends[foreign, 1] - ends[foreign, 0]).T)
    measured: NDArray[np.float64] = np.bincount(owners[foreign], lengths, minlength=len(pieces)).astype("float64")
    return measured


def are_thin(shapes: Shapes, tolerance_m: float) -> NDArray[np.bool_]:
    """Tell which shapes are nowhere wider than a tolerance: no disc of that diameter fits in them.

    A disc that fits has at most the area of the shape, and a shape of area A and border L holds one of radius
    A / L at least: most shapes need no erosion.

    Parameters
    ----------
    shapes
        Polygons in metres, or collections of them; lines and points are always thin.
    tolerance_m
        Diameter, in metres.

    Examples
    --------
    >>> import numpy as np
    >>> from shapely import box
    >>> are_thin(np.array([box(0, 0, 5000, 20), box(0, 0, 5000, 40)]), 30).tolist()
    [True, False]
    """
    import numpy as np
    import shapely

    parts, owners = shapely.get_parts(shapes, return_index=True)
    area = shapely.area(parts)
    wide = 2 * area > tolerance_m * shapely.length(parts)
    doubtful = np.flatnonzero(~wide & (area > 0) & (area >= math.pi * tolerance_m**2 / 4))
    wide[doubtful] = ~shapely.is_empty(shapely.buffer(parts[doubtful], -tolerance_m / 2))
    thin: NDArray[np.bool_] = np.bincount(owners[wide], minlength=len(shapes)) == 0
    return thin
