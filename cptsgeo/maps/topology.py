"""Cut a polygon coverage into shared arcs, at several levels of detail, on one integer grid.

Neighbours share their border as one *arc*, stored once, so that no rounding and no simplification can open a gap between
them. Shapes are simplified together (:func:`shapely.coverage_simplify`) in the metric CRS of their territory; each level
is simplified from the one before it, so the vertices of a coarse level are a subset of those of the finer ones, and one
small number per vertex (its *rank*: the coarsest level that keeps it) holds all levels.

Coordinates are web mercator on a grid of ``2 ** bits`` steps around the world, y downwards, as a Leaflet map counts pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from cptsgeo.errors import DataError
from cptsgeo.i18n import _
from cptsgeo.maps.outline_cache import ENOUGH, cache_file, load, store
from cptsgeo.maps.topology_type import Ints, Topology

__all__ = ["Floats", "Ints", "Topology", "build_topology", "detail", "land_topology", "polygons", "territory_of"]

Floats = npt.NDArray[np.float64]

MERCATOR_HALF = 20037508.342789244
MAX_LATITUDE = 85.0

#: Name, west, south, east, north, metric CRS. The order is that of the quick views.
TERRITORIES: tuple[tuple[str, float, float, float, float, int], ...] = (
    ("metropole", -6.0, 41.0, 10.5, 52.0, 2154),
    ("guadeloupe", -62.2, 15.7, -60.8, 16.7, 5490),
    ("martinique", -61.4, 14.2, -60.6, 15.1, 5490),
    ("guyane", -55.5, 1.5, -50.5, 6.5, 2972),
    ("la_reunion", 54.9, -21.6, 56.1, -20.6, 2975),
    ("mayotte", 44.8, -13.2, 45.5, -12.4, 4471),
    ("saint_pierre_et_miquelon", -57.0, 46.4, -55.8, 47.4, 4467),
)


def territory_of(longitude: Floats, latitude: Floats) -> npt.NDArray[np.int64]:
    """Return the index in ``TERRITORIES`` of each point, -1 elsewhere.

    Examples
    --------
    >>> [TERRITORIES[i][0] for i in territory_of(np.array([2.35, -61.07]), np.array([48.85, 14.64]))]
    ['metropole', 'martinique']
    """
    found = np.full(len(longitude), -1, dtype=np.int64)
    for index, (_name, west, south, east, north, _crs) in enumerate(TERRITORIES):
        inside = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
        found[inside & (found < 0)] = index
    return found


def detail(units: int) -> tuple[tuple[float, ...], int]:
    """Choose tolerances in metres, finest first, and the bits of the grid, from the number of units drawn.

    Examples
    --------
    >>> detail(34), detail(35_000)
    (((15.0, 60.0, 250.0), 24), ((180.0, 600.0, 1500.0), 21))
    """
    if units <= 400:
        return (15.0, 60.0, 250.0), 24
    if units <= 4000:
        return (40.0, 160.0, 600.0), 23
    if units <= 15000:
        return (80.0, 300.0, 1000.0), 22
    return (180.0, 600.0, 1500.0), 21


def build_topology(geometry: gpd.GeoSeries, tolerances: Sequence[float], bits: int) -> Topology:
    """Simplify polygons together, cut them into arcs, and round them to the grid.

    The last results are kept in memory, those of many units also on disk (:mod:`cptsgeo.maps.outline_cache`): the pages
    of one atlas draw the same outlines, and so does the next atlas.

    Parameters
    ----------
    geometry
        Polygons or None, EPSG:4326.
    tolerances
        In metres, finest first; see :func:`shapely.coverage_simplify`.
    bits
        The grid has ``2 ** bits`` steps around the world: 24 bits are 2.4 m at the equator.

    Raises
    ------
    DataError
        Without a CRS, in another one than EPSG:4326, or with geometries that are not polygons.
    """
    if geometry.crs is None or not geometry.crs.equals("EPSG:4326", ignore_axis_order=True):
        raise DataError(
            _("the outlines have no coordinate reference system, or another one than EPSG:4326"),
            fix=_("set it with set_crs when it is missing, then call to_crs('EPSG:4326')"),
        )
    shapes = np.asarray(geometry.values, dtype=object)
    kinds = shapely.get_type_id(shapes)
    if not np.isin(kinds, (-1, 3, 6)).all():
        raise DataError(
            _("{count} outlines are not polygons").format(count=int((~np.isin(kinds, (-1, 3, 6))).sum())),
            fix=_("give polygons or multipolygons, and None for a unit without outline"),
        )
    return _cached(_Shapes(shapes), tuple(tolerances), bits)


def land_topology(shapes: npt.NDArray[np.object_], tolerances: Sequence[float], bits: int) -> Topology:
    """Cut the land beneath a map into arcs, wherever in the world it lies: tolerances are metres of the map at the equator.

    Parameters
    ----------
    shapes
        Polygons without overlaps, EPSG:4326, within ``MAX_LATITUDE``.
    tolerances, bits
        As for :func:`build_topology`.
    """
    return _in_order(_territory_arcs(shapes, pyproj.CRS.from_epsg(3857), tolerances, bits))


class _Shapes:
    """Polygons that are equal when their bytes are."""

    def __init__(self, shapes: npt.NDArray[np.object_]) -> None:
        self.shapes = shapes
        digest = hashlib.sha256()
        for wkb in shapely.to_wkb(shapes):
            digest.update(wkb if wkb is not None else b"-")
        self.digest = digest.digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shapes) and self.digest == other.digest


@lru_cache(maxsize=4)
def _cached(source: _Shapes, tolerances: tuple[float, ...], bits: int) -> Topology:
    kept = cache_file(source.digest, tolerances, bits) if len(source.shapes) >= ENOUGH else None
    topology = load(kept) if kept else None
    if topology is None:
        topology = _simplified(source.shapes, tolerances, bits)
        if kept:
            store(kept, topology)
    return topology


def _simplified(shapes: npt.NDArray[np.object_], tolerances: tuple[float, ...], bits: int) -> Topology:
    present = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    centre = shapely.get_coordinates(shapely.point_on_surface(shapes[present]))
    territory = territory_of(centre[:, 0], centre[:, 1]) if len(present) else np.empty(0, dtype=np.int64)
    parts = []
    for index in np.unique(territory):
        rows = present[territory == index]
        parts.append((rows, _territory_arcs(shapes[rows], _metric_crs(shapes[rows], int(index)), tolerances, bits)))
    return _merge(parts, len(shapes), bits, len(tolerances))


def _metric_crs(shapes: npt.NDArray[np.object_], territory: int) -> pyproj.CRS:
    """Return the CRS in which a territory is measured: its official one, or the UTM zone it lies in."""
    if territory >= 0:
        return pyproj.CRS.from_epsg(TERRITORIES[territory][5])
    return pyproj.CRS.from_user_input(gpd.GeoSeries(shapes, crs=4326).estimate_utm_crs())


def _territory_arcs(
    shapes: npt.NDArray[np.object_], crs: pyproj.CRS, tolerances: Sequence[float], bits: int
) -> Topology:
    """Build the topology of the units of one territory."""
    forward = pyproj.Transformer.from_crs(4326, crs, always_xy=True)
    levels = []
    current = shapely.transform(shapes, forward.transform, interleaved=False)
    for tolerance in tolerances:
        current = shapely.coverage_simplify(current, tolerance)
        levels.append(current)
    oriented = shapely.orient_polygons(levels[0])  # a page fills rings that run the same way, holes the other way
    parts, part_unit = shapely.get_parts(oriented, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    unit_rings = np.bincount(part_unit[ring_part], minlength=len(shapes)).astype(np.int64)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    last = np.append(np.flatnonzero(np.diff(ring_of)), len(ring_of) - 1)
    keep = np.ones(len(xy), dtype=bool)
    keep[last] = False
    xy, ring_of = xy[keep], ring_of[keep]
    points, vertex = np.unique(xy.view(np.complex128).ravel(), return_inverse=True)
    rank = np.zeros(len(points), dtype=np.int64)
    for level, coarse in enumerate(levels[1:], start=1):
        kept = np.unique(shapely.get_coordinates(coarse).view(np.complex128).ravel())
        rank[np.isin(points, kept)] = level
    arcs = _cut(vertex.astype(np.int64), ring_of.astype(np.int64), len(rings), rank)
    back = pyproj.Transformer.from_crs(crs, 3857, always_xy=True)
    x, y = back.transform(points.real, points.imag)
    limit = MERCATOR_HALF
    step = (1 << bits) / (2 * limit)
    gx = np.rint((np.asarray(x) + limit) * step).astype(np.int64)
    gy = np.rint((limit - np.asarray(y)) * step).astype(np.int64)
    rank_of_point = rank[arcs.vertices]
    ends = np.cumsum(arcs.sizes)
    rank_of_point[ends - 1] = rank_of_point[ends - arcs.sizes] = len(tolerances) - 1
    return Topology(
        bits,
        len(tolerances),
        arcs.sizes,
        gx[arcs.vertices],
        gy[arcs.vertices],
        rank_of_point,
        unit_rings,
        arcs.ring_arcs,
        arcs.refs,
    )


@dataclass(frozen=True, eq=False)
class _Arcs:
    """Arcs as vertex numbers, and rings as references to arcs."""

    sizes: Ints
    vertices: Ints
    ring_arcs: Ints
    refs: Ints


def _cut(vertex: Ints, ring: Ints, rings: int, rank: Ints) -> _Arcs:
    """Cut rings where borders meet, and keep each shared piece once.

    ``vertex`` numbers the vertices along all rings (the closing one left out), ``ring`` says which ring each belongs to.
    A vertex is a junction when the rings that pass through it do not all have the same two neighbours there. A ring without
    a junction (an island, an enclave) is cut once, at a vertex that every level keeps.
    """
    count = len(vertex)
    if count == 0:
        nothing = np.empty(0, dtype=np.int64)
        return _Arcs(nothing, nothing, np.zeros(rings, dtype=np.int64), nothing)
    size = np.bincount(ring, minlength=rings)
    start = np.concatenate(([0], np.cumsum(size)[:-1]))
    position = np.arange(count) - start[ring]
    after = vertex[start[ring] + (position + 1) % size[ring]]
    before = vertex[start[ring] + (position - 1) % size[ring]]
    low, high = np.minimum(before, after), np.maximum(before, after)

    order = np.argsort(vertex, kind="stable")
    first = np.flatnonzero(np.diff(vertex[order], prepend=-1))
    junction = np.zeros(len(rank), dtype=bool)
    junction[vertex[order][first]] = (
        np.minimum.reduceat(low[order], first) != np.maximum.reduceat(low[order], first)
    ) | (np.minimum.reduceat(high[order], first) != np.maximum.reduceat(high[order], first))
    lonely = np.bincount(ring, weights=junction[vertex], minlength=rings) == 0
    preference = vertex + (rank.max() - rank[vertex]) * len(rank)
    best = np.minimum.reduceat(preference, start) % len(rank)
    junction[best[lonely]] = True

    cut = np.flatnonzero(junction[vertex])
    ring_of_cut = ring[cut]
    ring_arcs = np.bincount(ring_of_cut, minlength=rings)
    first_cut = np.concatenate(([0], np.cumsum(ring_arcs)[:-1]))
    following = np.arange(len(cut)) + 1
    wraps = following == (first_cut + ring_arcs)[ring_of_cut]
    following[wraps] = first_cut[ring_of_cut[wraps]]
    segments = cut[following] - cut
    segments[wraps] += size[ring_of_cut[wraps]]
    end = vertex[cut[following]]
    forward = vertex[cut] * len(rank) + after[cut]
    backward = end * len(rank) + before[cut[following]]
    names, index, inverse = np.unique(np.minimum(forward, backward), return_index=True, return_inverse=True)

    appearance = np.argsort(index, kind="stable")
    number = np.empty(len(names), dtype=np.int64)
    number[appearance] = np.arange(len(names))
    chosen = index[appearance]
    arc = number[inverse]
    reverse = (backward < forward) != (backward < forward)[chosen[arc]]

    sizes = segments[chosen] + 1
    offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    origin = np.repeat(cut[chosen], sizes)
    owner = ring[origin]
    vertices = vertex[start[owner] + (origin - start[owner] + offset) % size[owner]]
    return _Arcs(sizes, vertices, ring_arcs.astype(np.int64), arc * 2 + reverse)


def _merge(parts: Sequence[tuple[Ints, Topology]], units: int, bits: int, levels: int) -> Topology:
    """Join the topologies of several territories; a unit without outline has no ring."""
    unit_rings = np.zeros(units, dtype=np.int64)
    ring_arcs: list[Ints] = [np.empty(0, dtype=np.int64)] * units
    refs: list[Ints] = [np.empty(0, dtype=np.int64)] * units
    arcs_before = 0
    for rows, part in parts:
        unit_rings[rows] = part.unit_rings
        by_unit = np.split(part.ring_arcs, np.cumsum(part.unit_rings)[:-1])
        sums = np.array([arcs.sum() for arcs in by_unit], dtype=np.int64)
        refs_by_unit = np.split(part.refs + 2 * arcs_before, np.cumsum(sums)[:-1])
        for row, arcs, references in zip(rows, by_unit, refs_by_unit, strict=True):
            ring_arcs[row], refs[row] = arcs, references
        arcs_before += len(part.arc_sizes)
    empty = np.empty(0, dtype=np.int64)

    def joined(name: str) -> Ints:
        return np.concatenate([empty, *(getattr(part, name) for _rows, part in parts)])

    merged = Topology(
        bits,
        levels,
        joined("arc_sizes"),
        joined("x"),
        joined("y"),
        joined("rank"),
        unit_rings,
        np.concatenate([empty, *ring_arcs]),
        np.concatenate([empty, *refs]),
    )
    return _in_order(merged)


def _in_order(topology: Topology) -> Topology:
    """Number the arcs in the order in which the units first use them, each walked forwards the first time."""
    arc = topology.refs >> 1
    names, index = np.unique(arc, return_index=True)
    order = names[np.argsort(index, kind="stable")]
    number = np.empty(len(topology.arc_sizes), dtype=np.int64)
    number[order] = np.arange(len(order))
    flipped = np.zeros(len(number), dtype=np.int64)
    flipped[names] = topology.refs[index] & 1
    sizes = topology.arc_sizes[order]
    starts = (np.cumsum(topology.arc_sizes) - topology.arc_sizes)[order]
    offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    backwards = np.repeat(flipped[order], sizes).astype(bool)
    take = np.repeat(starts, sizes) + np.where(backwards, np.repeat(sizes - 1, sizes) - offset, offset)
    refs = number[arc] * 2 + ((topology.refs & 1) ^ flipped[arc])
    return Topology(
        topology.bits,
        topology.levels,
        sizes,
        topology.x[take],
        topology.y[take],
        topology.rank[take],
        topology.unit_rings,
        topology.ring_arcs,
        refs,
    )


def polygons(topology: Topology, level: int = 0) -> npt.NDArray[np.object_]:
    """Rebuild the polygons of one level of detail, in grid steps (y downwards): what the page draws.

    A ring that rounding has reduced to less than three points is left out; a unit without ring is None.
    """
    ends = np.cumsum(topology.arc_sizes)
    starts = ends - topology.arc_sizes
    ring_ends = np.cumsum(topology.ring_arcs)
    result = np.full(len(topology.unit_rings), None, dtype=object)
    ring = 0
    for unit, rings in enumerate(topology.unit_rings):
        linear = []
        for index in range(ring, ring + rings):
            pieces = []
            for ref in topology.refs[ring_ends[index] - topology.ring_arcs[index] : ring_ends[index]]:
                arc = ref >> 1
                part = slice(starts[arc], ends[arc])
                kept = topology.rank[part] >= level
                piece = np.column_stack([topology.x[part], topology.y[part]])[kept]
                pieces.append(piece[::-1] if ref & 1 else piece)
            line = np.concatenate(pieces)
            distinct = np.append(True, (np.diff(line, axis=0) != 0).any(axis=1))
            if distinct.sum() >= 4:
                linear.append(shapely.LinearRing(line[distinct]))
        ring += rings
        if linear:
            result[unit] = _assemble(linear)
    return result


def _assemble(linear: Sequence[shapely.LinearRing]) -> shapely.Geometry:
    """Make the ground of some rings: a ring inside another is a hole, whichever way round they run, as pages fill them."""
    if len(linear) == 1:
        return shapely.Polygon(linear[0])
    return shapely.build_area(shapely.node(shapely.multilinestrings(linear)))
