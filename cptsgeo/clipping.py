"""Common parts of many pairs of polygons at once: rings that cross cleanly are followed in arrays, GEOS does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Numbers = NDArray[np.intp]
    Metres = NDArray[np.float64]

RUN = 8
"""Edges of a ring that share one box in the search for crossings."""

CLEAN_M = 1e-6
"""Rings cross cleanly where no end of one edge is this near the line of the other."""


class Rings(NamedTuple):
    """Hold rings end to end, the inside of their polygon on the left. An edge has the number of the vertex it leaves.

    Attributes
    ----------
    xy
        Vertices, the first of each ring not repeated.
    following
        The vertex after each, round and round.
    ring
        Ring of each vertex.
    first, size
        Where each ring begins, and its vertices.
    owner
        Position of its polygon.
    boxes
        The least x and y, and the greatest, of every edge: four rows.
    """

    xy: Metres
    following: Numbers
    ring: Numbers
    first: Numbers
    size: Numbers
    owner: Numbers
    boxes: Metres

    def edges(self, numbers: Numbers) -> tuple[Metres, Metres]:
        """Return both ends of edges."""
        return self.xy[numbers], self.xy[self.following[numbers]]


class Crossings(NamedTuple):
    """Hold the points where the ring of a unit crosses a ring of an area, pair by pair, in order along the unit.

    Attributes
    ----------
    pair
        Position of the pair.
    unit_edge, area_edge
        Edges that cross.
    along_unit, along_area
        Where on each edge, from 0 to 1.
    enters
        Whether the border of the unit goes into the area there; else it leaves it.
    """

    pair: Numbers
    unit_edge: Numbers
    area_edge: Numbers
    along_unit: Metres
    along_area: Metres
    enters: NDArray[np.bool_]

    def of(self, kept: Numbers) -> Crossings:
        """Keep some of them, in the order given."""
        return Crossings(
            self.pair[kept],
            self.unit_edge[kept],
            self.area_edge[kept],
            self.along_unit[kept],
            self.along_area[kept],
            self.enters[kept],
        )


def intersections(units: Shapes, areas: Shapes, pairs: Numbers) -> Shapes:
    """Intersect pairs of polygons.

    Parameters
    ----------
    units, areas
        Valid polygons in one metric CRS.
    pairs
        Two rows: positions in ``areas``, and in ``units``; no pair twice.

    Returns
    -------
    ndarray
        Common ground, one per pair: what :func:`shapely.intersection` finds, without the lines and points where they
        only touch.

    Notes
    -----
    Where a unit of one ring crosses one ring of an area, every piece is bounded in turn by the border of the unit,
    from where it enters the area to where it leaves it, and by that of the area from there to where the unit enters
    again; no piece has a hole, since both sides are simply connected. Pairs that touch, follow the same line or
    meet several rings are left to GEOS.

    References
    ----------
    K. Weiler and P. Atherton, *Hidden surface removal using polygon area sorting*, SIGGRAPH 1977.

    Examples
    --------
    >>> import numpy as np
    >>> from shapely import box
    >>> common = intersections(np.array([box(0, 0, 4, 4)]), np.array([box(3, 1, 9, 2)]), np.array([[0], [0]]))
    >>> common[0].area
    1.0
    """
    import numpy as np
    import shapely

    pieces: Shapes = np.full(pairs.shape[1], None, dtype="object")
    used, of_pair = np.unique(pairs[1], return_inverse=True)
    unit_rings, area_rings = _rings(units[used]), _rings(areas)
    crossings = _clean_crossings(unit_rings, area_rings, np.stack([pairs[0], of_pair]), len(used))
    if len(crossings.pair):
        followed, found = _followed(unit_rings, area_rings, crossings)
        pieces[found] = followed
    rest = np.flatnonzero(shapely.is_missing(pieces))
    pieces[rest] = areal(shapely.intersection(units[pairs[1, rest]], areas[pairs[0, rest]]))
    return pieces


def areal(shapes: Shapes) -> Shapes:
    """Leave out the lines and points where shapes only touch.

    Examples
    --------
    >>> import numpy as np
    >>> from shapely import GeometryCollection, LineString, box
    >>> areal(np.array([GeometryCollection([box(0, 0, 1, 1), LineString([(1, 1), (2, 2)])])]))[0].geom_type
    'MultiPolygon'
    """
    import numpy as np
    import shapely

    polygonal = [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]
    result = shapes.copy()
    for position in np.flatnonzero(~np.isin(shapely.get_type_id(shapes), polygonal)):
        parts = shapely.get_parts(shapes[position])
        result[position] = shapely.MultiPolygon(
            parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON].tolist()
        )
    return result


def _rings(shapes: Shapes) -> Rings:
    import numpy as np
    import shapely

    parts, of_part = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    kept = np.append(ring[1:] == ring[:-1], False)[: len(ring)]
    xy, ring = xy[kept], ring[kept]
    count = np.bincount(ring, minlength=len(rings))
    first = np.cumsum(count) - count
    following = np.arange(1, len(xy) + 1)
    following[first + count - 1] = first
    here, ahead = xy.T, xy[following].T
    boxes = np.concatenate([np.minimum(here, ahead), np.maximum(here, ahead)])
    return Rings(xy, following, ring, first, count, of_part[of_ring], boxes)


def _clean_crossings(unit_rings: Rings, area_rings: Rings, pairs: Numbers, width: int) -> Crossings:
    """Find the crossings of the pairs that can be followed."""
    import numpy as np

    keys = pairs[0] * width + pairs[1]
    order = np.argsort(keys)
    area_edge, unit_edge = _near_edges(unit_rings, area_rings)
    found = area_rings.owner[area_rings.ring[area_edge]] * width + unit_rings.owner[unit_rings.ring[unit_edge]]
    pair = order[np.searchsorted(keys, found, sorter=order).clip(max=len(keys) - 1)]
    good = _of_one_ring_each(unit_rings, area_rings, pairs, width)
    kept = (keys[pair] == found) & good[pair]
    pair, area_edge, unit_edge = pair[kept], area_edge[kept], unit_edge[kept]
    with np.errstate(divide="ignore", invalid="ignore"):
        start, end = _left_of(area_rings, area_edge, unit_rings, unit_edge)
        kept = ~((start * end > 0) & (np.minimum(np.abs(start), np.abs(end)) >= CLEAN_M))
        pair, area_edge, unit_edge = pair[kept], area_edge[kept], unit_edge[kept]
        start, end = start[kept], end[kept]
        back, front = _left_of(unit_rings, unit_edge, area_rings, area_edge)
        along_unit, along_area = start / (start - end), back / (back - front)
    good[pair[~(np.abs([start, end, back, front]).min(axis=0) >= CLEAN_M)]] = False
    crossed = np.flatnonzero(back * front < 0)
    in_order = crossed[np.lexsort((along_unit[crossed], unit_edge[crossed], pair[crossed]))]
    crossings = Crossings(pair, unit_edge, area_edge, along_unit, along_area, end > 0).of(in_order)
    for following in _turns(crossings):
        good[crossings.pair[crossings.enters == crossings.enters[following]]] = False
    return crossings.of(np.flatnonzero(good[crossings.pair]))


def _left_of(rings: Rings, lines: Numbers, others: Rings, edges: Numbers) -> tuple[Metres, Metres]:
    """Measure how far both ends of edges are on the left of lines."""
    import numpy as np

    a, b = rings.edges(lines)
    x, y = (b - a).T
    length = np.hypot(x, y)
    start, end = (x * (c[:, 1] - a[:, 1]) - y * (c[:, 0] - a[:, 0]) for c in others.edges(edges))
    return start / length, end / length


def _near_edges(unit_rings: Rings, area_rings: Rings) -> tuple[Numbers, Numbers]:
    """Pair the edges of areas and of units whose boxes meet, run by run first."""
    import shapely

    unit_runs, area_runs = _runs(unit_rings), _runs(area_rings)
    unit_run_boxes, area_run_boxes = (_around(unit_rings.boxes, unit_runs[0]), _around(area_rings.boxes, area_runs[0]))
    area_run, unit_run = shapely.STRtree(shapely.box(*unit_run_boxes)).query(shapely.box(*area_run_boxes))
    row, area_edge = ragged(area_runs[0][area_run], area_runs[1][area_run])
    area_edge, unit_run = _meeting(area_rings.boxes, area_edge, unit_run_boxes, unit_run[row])
    row, unit_edge = ragged(unit_runs[0][unit_run], unit_runs[1][unit_run])
    return _meeting(area_rings.boxes, area_edge[row], unit_rings.boxes, unit_edge)


def _runs(rings: Rings) -> tuple[Numbers, Numbers]:
    """Cut rings into runs of some edges: the first edge of each, and their number."""
    import numpy as np

    ring, run = ragged(np.zeros(len(rings.size), dtype="intp"), -(-rings.size // RUN))
    return rings.first[ring] + RUN * run, np.minimum(RUN, rings.size[ring] - RUN * run)


def _around(boxes: Metres, first: Numbers) -> Metres:
    """Enclose runs of boxes, each named by its first."""
    import numpy as np

    if not len(first):
        return boxes
    low, high = np.minimum.reduceat(boxes[:2], first, axis=1), np.maximum.reduceat(boxes[2:], first, axis=1)
    return np.concatenate([low, high])


def _meeting(one: Metres, i: Numbers, other: Metres, j: Numbers) -> tuple[Numbers, Numbers]:
    """Keep the pairs of boxes that meet."""
    for low, high in ((1, 3), (0, 2)):
        met = (one[low][i] <= other[high][j]) & (one[high][i] >= other[low][j])
        i, j = i[met], j[met]
    return i, j


def _of_one_ring_each(unit_rings: Rings, area_rings: Rings, pairs: Numbers, width: int) -> NDArray[np.bool_]:
    """Tell the pairs of a unit of one ring, and of an area of which one ring comes near it."""
    import numpy as np
    import shapely

    unit_boxes, area_boxes = (shapely.box(*_around(rings.boxes, rings.first)) for rings in (unit_rings, area_rings))
    unit_ring, area_ring = shapely.STRtree(area_boxes).query(unit_boxes)
    near, count = np.unique(area_rings.owner[area_ring] * width + unit_rings.owner[unit_ring], return_counts=True)
    whole = np.bincount(unit_rings.owner, minlength=width) == 1
    alone: NDArray[np.bool_] = np.isin(pairs[0] * width + pairs[1], near[count == 1])
    alone &= whole[pairs[1]]
    return alone


def _turns(crossings: Crossings) -> tuple[Numbers, Numbers]:
    """Return the crossing after each along the ring of the unit, and along that of the area."""
    import numpy as np

    order = np.lexsort((crossings.along_area, crossings.area_edge, crossings.pair))
    along_area = np.empty(len(order), dtype="intp")
    along_area[order] = order[_next_in_group(crossings.pair[order])]
    return _next_in_group(crossings.pair), along_area


def _next_in_group(groups: Numbers) -> Numbers:
    """Return the position after each in sorted groups, round and round within each group."""
    import numpy as np

    following = np.arange(1, len(groups) + 1)
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    following[np.append(first[1:], len(groups))[: len(first)] - 1] = first
    return following


def _followed(unit_rings: Rings, area_rings: Rings, crossings: Crossings) -> tuple[Shapes, Numbers]:
    """Build the pieces of the pairs that cross, and name these pairs."""
    import numpy as np
    import shapely

    leaves, returns = _turns(crossings)
    entries = np.flatnonzero(crossings.enters)
    loop, rank = _loops(np.searchsorted(entries, returns[leaves[entries]]))
    order = np.lexsort((rank, loop))
    loop, entries = loop[order], entries[order]
    exits = leaves[entries]
    unit_walk, unit_steps = _walk(unit_rings, crossings.unit_edge, crossings.along_unit, entries, exits)
    area_walk, area_steps = _walk(area_rings, crossings.area_edge, crossings.along_area, exits, returns[exits])
    size = 2 + unit_steps + area_steps
    begin = np.cumsum(size) - size
    start, end = unit_rings.edges(crossings.unit_edge)
    points = start + crossings.along_unit[:, None] * (end - start)
    xy = np.empty((size.sum(), 2))
    xy[begin], xy[begin + 1 + unit_steps] = points[entries], points[exits]
    xy[ragged(begin + 1, unit_steps)[1]] = unit_walk
    xy[ragged(begin + 2 + unit_steps, area_steps)[1]] = area_walk
    new = np.diff(loop, prepend=-1) != 0
    polygons = shapely.polygons(shapely.linearrings(xy, indices=np.repeat(np.cumsum(new) - 1, size)))
    pair = crossings.pair[entries[new]]
    grouped = np.argsort(pair, kind="stable")
    pairs, of_pair, count = np.unique(pair[grouped], return_inverse=True, return_counts=True)
    pieces: Shapes = shapely.multipolygons(polygons[grouped], indices=of_pair)
    pieces[count == 1] = polygons[grouped][(count == 1)[of_pair]]
    return pieces, pairs


def _loops(following: Numbers) -> tuple[Numbers, Numbers]:
    """Name the loop of each element of a permutation by its least element, and rank it from there."""
    import numpy as np

    label, ahead = np.arange(len(following)), following
    while not np.array_equal(lower := np.minimum(label, label[ahead]), label):
        label, ahead = lower, ahead[ahead]
    rank = np.zeros(len(following), dtype="intp")
    current, step = np.flatnonzero(label == np.arange(len(label))), 0
    while len(current):
        rank[current] = step
        current, step = following[current], step + 1
        current = current[current != label[current]]
    return label, rank


def _walk(rings: Rings, edge: Numbers, along: Metres, begin: Numbers, end: Numbers) -> tuple[Metres, Numbers]:
    """Return the vertices of rings from some crossings to others, end to end, and how many there are in each stretch."""
    import numpy as np

    ring = rings.ring[edge[begin]]
    first, count = rings.first[ring], rings.size[ring]
    round_again = (edge[end] == edge[begin]) & (along[end] < along[begin])
    steps = np.where(round_again, count, (edge[end] - edge[begin]) % count)
    stretch, place = ragged(edge[begin] + 1 - first, steps)
    return rings.xy[first[stretch] + place % count[stretch]], steps


def ragged(first: Numbers, count: Numbers) -> tuple[Numbers, Numbers]:
    """List runs of whole numbers one after the other: the run of each, and the number.

    Examples
    --------
    >>> import numpy as np
    >>> [column.tolist() for column in ragged(np.array([5, 9]), np.array([2, 1]))]
    [[0, 0, 1], [5, 6, 9]]
    """
    import numpy as np

    run = np.repeat(np.arange(len(count)), count)
    return run, (first - np.cumsum(count) + count)[run] + np.arange(len(run))
