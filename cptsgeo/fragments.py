"""Distinct pieces of cut units: where polygons overlap inside one, who holds which ground is said once for each piece."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.clipping import areal
from cptsgeo.crs import WGS84, by_territory
from cptsgeo.placement import Placement, are_thin

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely import Geometry

FILLED = 1e-6
STEP_M = 1e-3
"""Pieces are cut along each other's borders on a grid of a millimetre: reprojected, their borders cross by less."""


class Fragments(NamedTuple):
    """Hold the pieces of cut units.

    Attributes
    ----------
    ground
        ``insee_code``, ``fragment`` (number in the unit), ``area_share``, ``geometry`` (EPSG:4326). Two fragments of
        a unit share no ground.
    holders
        ``insee_code``, ``fragment``, ``territory_id``: a row per polygon that holds a fragment.
    closed
        Units that their fragments fill, but for slivers.
    overlapped
        Units where two polygons share ground, and where one of them at least is cut: their fragments are smaller than the pieces.
    """

    ground: gpd.GeoDataFrame
    holders: pd.DataFrame
    closed: set[str]
    overlapped: set[str]


def distinct_fragments(
    placed: Placement, contours: gpd.GeoDataFrame, *, tolerance_m: float, divide: bool = True
) -> Fragments:
    """Divide cut units so that each fragment is in the same polygons everywhere.

    Parameters
    ----------
    placed
        Units in polygons.
    contours
        ``insee_code`` and outlines.
    tolerance_m
        Pieces that share less than a strip of this width do not overlap.
    divide
        Divide the units where polygons overlap. Without it each piece stays whole there, and shares its ground: enough to
        count each polygon by itself, and the only way where many overlap.

    Returns
    -------
    Fragments
        The pieces themselves where no two overlap. A polygon that holds a unit whole holds all its fragments, when
        two others overlap in it.
    """
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    cut = placed.cut.assign(fragment=placed.cut.groupby("insee_code").cumcount())
    closed: set[str] = set()
    overlapped: set[str] = set()
    several = cut[cut["insee_code"].duplicated(keep=False)]
    outlines = {
        code: shape
        for part in by_territory(contours[contours["insee_code"].isin(several["insee_code"])]).values()
        for code, shape in zip(part["insee_code"], part.geometry, strict=True)
    }
    around = placed.whole.groupby("insee_code")["territory_id"].agg(list)
    grounds, holders = [], []
    for part in by_territory(several[["territory_id", "insee_code", "geometry"]]).values():
        for code, pieces in part.groupby("insee_code"):
            outline = outlines[str(code)]
            rest = shapely.difference(outline, shapely.union_all(pieces.geometry.to_numpy(), grid_size=STEP_M))
            if are_thin(np.array([rest]), tolerance_m)[0]:
                closed.add(str(code))
            common = [
                shapely.intersection(one, other, grid_size=STEP_M) for one, other in combinations(pieces.geometry, 2)
            ]
            if are_thin(np.array(common), tolerance_m).all():
                continue
            overlapped.add(str(code))
            if not divide:
                continue
            shapes = dict(zip(pieces["territory_id"], pieces.geometry, strict=True))
            if code in around.index:
                closed.add(str(code))
                shapes |= dict.fromkeys(around[code], outline)
            divided = _divided(shapes)
            geometry = gpd.GeoSeries([shape for shape, _names in divided], crs=part.crs)
            found = pd.DataFrame({"insee_code": str(code), "fragment": range(len(divided))})
            found["area_share"] = geometry.area / outline.area
            grounds.append(gpd.GeoDataFrame(found, geometry=geometry.to_crs(WGS84)))
            holders.append(found[["insee_code", "fragment"]].assign(territory_id=[names for _shape, names in divided]))
    plain = cut[~cut["insee_code"].isin(overlapped)] if divide else cut
    keys = ["insee_code", "fragment"]
    return Fragments(
        gpd.GeoDataFrame(pd.concat([plain[[*keys, "area_share", "geometry"]], *grounds], ignore_index=True), crs=WGS84),
        pd.concat(
            [plain[[*keys, "territory_id"]], *[part.explode("territory_id") for part in holders]], ignore_index=True
        ),
        closed | (_filled(placed) - overlapped),
        overlapped,
    )


def _divided(shapes: dict[str, Geometry]) -> list[tuple[Geometry, list[str]]]:
    """Cut shapes along each other's borders: each part, and the names of the shapes that it is in."""
    import numpy as np
    import shapely

    parts: list[tuple[Geometry, list[str]]] = []
    for name, raw in sorted(shapes.items()):
        shape = shapely.set_precision(raw, STEP_M)
        taken = shapely.union_all([part for part, _names in parts], grid_size=STEP_M)
        new = shapely.difference(shape, taken, grid_size=STEP_M)
        split = [
            *[(shapely.intersection(part, shape, grid_size=STEP_M), [*names, name]) for part, names in parts],
            *[(shapely.difference(part, shape, grid_size=STEP_M), names) for part, names in parts],
            (new, [name]),
        ]
        ground = areal(np.array([part for part, _names in split]))
        parts = [
            (part, names) for part, (_shape, names) in zip(ground, split, strict=True) if not shapely.is_empty(part)
        ]
    return parts


def _filled(placed: Placement) -> set[str]:
    """Find the cut units that pieces and slivers fill together: what was snapped away goes to the pieces."""
    import pandas as pd

    areas = pd.concat([placed.cut[["insee_code", "area_share"]], placed.slivers[["insee_code", "area_share"]]])
    total = areas.groupby("insee_code")["area_share"].sum()
    return set(total.index[(total - 1.0).abs() < FILLED]) & set(placed.cut["insee_code"])
