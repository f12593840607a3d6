"""Which units border which, over how many kilometres, and how large each one is: the ground of the planning engine."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import by_territory
from cptsgeo.errors import UsageError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SNAP_M = 0.01
"""Two vertices nearer than a centimetre are one: what is left of a change of CRS and back."""


class Adjacency(NamedTuple):
    """Hold what the outlines say, so that no later step needs a geometry.

    Attributes
    ----------
    units
        One row per unit with an outline, indexed by ``insee_code``, sorted: ``area_km2``, ``outline_km`` (length of
        its outline, holes included), ``x_m``, ``y_m`` (a point inside it), ``epsg``, the metric CRS of these, and
        ``reach_m`` (no part of the unit is farther from the point).
    borders
        One row per unordered pair of neighbours, ``insee_code`` < ``other_code``, sorted: ``border_km`` (length of
        the shared border; 0 where only a bridge joins them) and ``gap_m`` (0, or the width bridged).
    """

    units: pd.DataFrame
    borders: pd.DataFrame


def adjacency(contours: gpd.GeoDataFrame, *, bridge_m: float = 0.0) -> Adjacency:
    """Find the pairs of units that share a border of positive length, and measure it.

    Parameters
    ----------
    contours
        ``insee_code`` (unique) and outlines with a CRS.
    bridge_m
        Also join units up to this many metres apart: across a river mouth, or the sliver between two outlines that
        were digitised apart. Units that touch in a point are 0 m apart, so any positive value joins them.

    Returns
    -------
    Adjacency

    Raises
    ------
    UsageError
        For a negative or infinite width.

    Notes
    -----
    Lengths are measured in the metric CRS of each territory; units of two territories never border each other. An
    edge that two outlines have in common, vertex for vertex, counts with its length; where two outlines follow one
    line through different vertices, what is left of them is snapped together within 1 cm, and its common part taken.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = [shapely.box(700_000 + 1000 * x, 6_600_000, 701_000 + 1000 * x, 6_601_000) for x in range(3)]
    >>> row = gpd.GeoDataFrame({"insee_code": ["01001", "01002", "01004"]}, geometry=squares, crs=2154)
    >>> adjacency(row).borders
      insee_code other_code  border_km  gap_m
    0      01001      01002        1.0    0.0
    1      01002      01004        1.0    0.0
    """
    import numpy as np
    import pandas as pd
    import shapely

    if not 0 <= bridge_m < float("inf"):
        raise UsageError(
            _("{value} is not a width in metres").format(value=bridge_m),
            fix=_("give 0, or the width of the water or sliver to cross, such as 50"),
            where="--bridge-m",
        )
    units, borders = [], []
    for epsg, part in by_territory(contours).items():
        part = part.sort_values("insee_code")
        codes, shapes = part["insee_code"].to_numpy(), part.geometry.to_numpy()
        points = shapely.get_coordinates(shapely.point_on_surface(shapes))
        west, south, east, north = shapely.bounds(shapes).T
        away = np.maximum(points - np.column_stack([west, south]), np.column_stack([east, north]) - points)
        units.append(
            pd.DataFrame(
                {
                    "area_km2": shapely.area(shapes) / 1e6,
                    "outline_km": shapely.length(shapes) / 1e3,
                    "x_m": points[:, 0],
                    "y_m": points[:, 1],
                    "epsg": epsg,
                    "reach_m": np.hypot(away[:, 0], away[:, 1]),
                },
                index=pd.Index(codes, name="insee_code"),
            )
        )
        pairs = _shared(shapes)
        if bridge_m > 0:
            pairs = _bridged(shapes, pairs, bridge_m)
        borders.append(
            pairs.assign(insee_code=codes[pairs["one"]], other_code=codes[pairs["other"]], border_km=pairs["m"] / 1e3)
        )
    if not units:
        return Adjacency(_no_units(), _no_borders())
    table = pd.concat(borders)[["insee_code", "other_code", "border_km", "gap_m"]]
    return Adjacency(pd.concat(units).sort_index(), table.sort_values(["insee_code", "other_code"], ignore_index=True))


def _no_units() -> pd.DataFrame:
    import pandas as pd

    columns = {
        **dict.fromkeys(("area_km2", "outline_km", "x_m", "y_m"), "float64"),
        "epsg": "int64",
        "reach_m": "float64",
    }
    return pd.DataFrame(columns=list(columns), index=pd.Index([], dtype="str", name="insee_code")).astype(columns)


def _no_borders() -> pd.DataFrame:
    import pandas as pd

    columns = {"insee_code": "str", "other_code": "str", "border_km": "float64", "gap_m": "float64"}
    return pd.DataFrame(columns=list(columns)).astype(columns)


class _Edges(NamedTuple):
    """Hold the edges of all outlines.

    Attributes
    ----------
    shape
        Position of the shape that each belongs to.
    ends
        Its two vertices as one number, the same in both directions.
    start
        Where its first vertex is in ``xy``; its second one follows.
    xy
        The vertices of all outlines.
    """

    shape: NDArray[np.int64]
    ends: NDArray[np.int64]
    start: NDArray[np.int64]
    xy: NDArray[np.float64]

    def lines(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the vertices of some edges, of shape (edges, 2, 2)."""
        import numpy as np

        return np.stack([self.xy[self.start[chosen]], self.xy[self.start[chosen] + 1]], axis=1)


def _shared(shapes: NDArray[np.object_]) -> pd.DataFrame:
    """Measure the shared borders of shapes in one metric CRS: positions one < other, length m."""
    import numpy as np
    import pandas as pd

    edges = _edges(shapes)
    order = np.lexsort((edges.shape, edges.ends))
    shape, ends = edges.shape[order], edges.ends[order]
    repeated = ends[1:] == ends[:-1]
    alone = ~(np.append(repeated, False) | np.append(False, repeated))
    pairs = []
    for step in count(1):
        same = ends[step:] == ends[:-step]
        if not same.any():
            break
        one = np.flatnonzero(same & (shape[step:] != shape[:-step]))
        lines = edges.lines(order[one])
        length = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
        pairs.append(pd.DataFrame({"one": shape[one], "other": shape[one + step], "m": length}))
    pairs.append(_shared_otherwise(edges, order[alone]))
    return pd.concat(pairs).groupby(["one", "other"], as_index=False)["m"].sum().assign(gap_m=0.0)


def _edges(shapes: NDArray[np.object_]) -> _Edges:
    """List the edges of all outlines; vertices within a centimetre are one."""
    import numpy as np
    import pandas as pd
    import shapely

    polygons, polygon_shape = shapely.get_parts(shapes, return_index=True)
    rings, ring_polygon = shapely.get_rings(polygons, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    snapped = np.round((xy - xy.min(axis=0)) / SNAP_M).astype("int64")
    vertex, _points = pd.factorize((snapped[:, 0] << 31) | snapped[:, 1])
    start = np.flatnonzero((ring[1:] == ring[:-1]) & (vertex[1:] != vertex[:-1]))
    one, other = vertex[start], vertex[start + 1]
    ends = (np.minimum(one, other) << 32) | np.maximum(one, other)
    return _Edges(polygon_shape[ring_polygon[ring[start]]], ends, start, xy)


def _shared_otherwise(edges: _Edges, alone: NDArray[np.int64]) -> pd.DataFrame:
    """Measure borders that two shapes follow through different vertices, among edges that one shape alone has."""
    import numpy as np
    import pandas as pd
    import shapely

    lines = shapely.linestrings(edges.lines(alone))
    owner = edges.shape[alone]
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=SNAP_M)
    near = np.unique(np.column_stack([one, other])[owner[one] < owner[other]], axis=0)
    rows = []
    for (first, second), positions in pd.DataFrame(near).groupby([owner[near[:, 0]], owner[near[:, 1]]]):
        ours = shapely.multilinestrings(lines[positions[0].unique()])
        theirs = shapely.multilinestrings(lines[positions[1].unique()])
        theirs = shapely.snap(theirs, ours, SNAP_M)
        length = shapely.length(shapely.intersection(shapely.snap(ours, theirs, SNAP_M), theirs))
        if length > SNAP_M:
            rows.append((first, second, length))
    return pd.DataFrame(rows, columns=["one", "other", "m"]).astype({"one": "int64", "other": "int64", "m": "float64"})


def _bridged(shapes: NDArray[np.object_], pairs: pd.DataFrame, bridge_m: float) -> pd.DataFrame:
    """Add the pairs that a gap of up to ``bridge_m`` parts, at border length 0."""
    import pandas as pd
    import shapely

    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=bridge_m)
    near = pd.DataFrame({"one": one, "other": other})
    near = near[near["one"] < near["other"]].merge(pairs, on=["one", "other"], how="left", validate="1:1")
    gap = shapely.distance(shapes[near["one"]], shapes[near["other"]])
    return near.assign(m=near["m"].fillna(0.0), gap_m=near["gap_m"].fillna(pd.Series(gap)))


def connected(codes: list[str], links: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Gather units into connected parts.

    Parameters
    ----------
    codes
        The units to gather.
    links
        Neighbours of each unit, such as :func:`neighbours` gives them; others than ``codes`` are not walked through.

    Returns
    -------
    list of list of str
        The parts, each sorted, in the order of their first code.

    Examples
    --------
    >>> connected(["a", "b", "c"], {"a": {"b": 1.0}, "b": {"a": 1.0}})
    [['a', 'b'], ['c']]
    """
    left, parts = set(codes), []
    for start in sorted(codes):
        if start not in left:
            continue
        left.discard(start)
        part, front = [start], [start]
        while front:
            found = [code for code in links.get(front.pop(), ()) if code in left]
            left.difference_update(found)
            part += found
            front += found
        parts.append(sorted(part))
    return parts


def neighbours(borders: pd.DataFrame, of: Collection[str] | None = None) -> dict[str, dict[str, float]]:
    """Turn the table of borders into the neighbours of each unit, with the shared border in km.

    Parameters
    ----------
    borders
        As in :class:`Adjacency`.
    of
        Units whose borders matter; those between two others are left out. All of them when not given.
    """
    if of is not None:
        chosen = list(of)
        borders = borders[borders["insee_code"].isin(chosen) | borders["other_code"].isin(chosen)]
    links: dict[str, dict[str, float]] = {}
    columns = (borders[name].tolist() for name in ("insee_code", "other_code", "border_km"))
    for one, other, border in zip(*columns, strict=True):
        links.setdefault(one, {})[other] = border
        links.setdefault(other, {})[one] = border
    return links


def extents(groups: pd.DataFrame, ground: Adjacency) -> pd.DataFrame:
    """Measure groups of units: area, outline and compactness, from borders alone.

    Parameters
    ----------
    groups
        One row per group and unit: ``group`` and ``insee_code``; a unit may be in several groups.
    ground
        As :func:`adjacency` returns it.

    Returns
    -------
    DataFrame
        One row per group, indexed by it, sorted: ``area_km2`` (of the units whose outline is known),
        ``units_without_area``, ``outline_km`` and ``compactness``; these two are missing where a unit has no outline.

    Notes
    -----
    ``outline = sum of the outlines of the units - 2 x the borders that they share`` and, after Polsby and Popper,
    ``compactness = 4 pi area / outline squared``: 1 for a circle, 0.785 for a square.

    References
    ----------
    D. Polsby and R. Popper, "The Third Criterion", *Yale Law & Policy Review* 9, 1991.
    """
    import numpy as np

    one = groups.merge(ground.units[["area_km2", "outline_km"]], on="insee_code", how="left", validate="many_to_one")
    inner = ground.borders[["insee_code", "other_code", "border_km"]].merge(groups, on="insee_code")
    inner = inner.merge(groups.rename(columns={"insee_code": "other_code"}), on=["other_code", "group"])
    shared = inner.groupby("group")["border_km"].sum()
    table = (
        one.assign(units_without_area=one["area_km2"].isna())
        .groupby("group")
        .agg(
            area_km2=("area_km2", "sum"),
            units_without_area=("units_without_area", "sum"),
            outline_km=("outline_km", "sum"),
        )
    )
    outline = table["outline_km"] - 2 * shared.reindex(table.index).fillna(0.0)
    table["outline_km"] = outline.where(table["units_without_area"] == 0)
    table["area_km2"] = table["area_km2"].where(table["outline_km"].notna() | (table["area_km2"] > 0))
    table["compactness"] = 4 * np.pi * table["area_km2"] / table["outline_km"] ** 2
    return table
