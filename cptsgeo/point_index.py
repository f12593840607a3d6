"""Which perimeters hold which points: a grid answers for most, prepared polygons for those near a border.

The rule, the same wherever the work is done: a point inside perimeters is in each of them (an overlap is a double
count, here as everywhere); a point that is on borders, and inside no perimeter, is in one only, the smallest
identifier among the perimeters whose border holds it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely import Geometry

    Shapes = NDArray[np.object_]
    Numbers = NDArray[np.intp]
    Coordinates = NDArray[np.float64]

CELLS_PER_VERTEX = 4.0
"""Cells of a grid per vertex of the perimeters, and per perimeter at least: finer, the grid costs more than the tests that it saves."""

SQUARES = 50
"""Parts into which the whole extent is cut each way: perimeters with an empty square between them have grids of their own."""

CELLS_PER_SHAPE = 250
MOST_CELLS = 16_000_000
MARGIN = 1e-9
"""Part of a cell by which the box of a segment is widened, for what dividing by the width of a cell rounds away."""

NOWHERE, BORDER = -1, -2


class Patch(NamedTuple):
    """Hold a grid over perimeters that lie together.

    Attributes
    ----------
    origin, step
        South-west corner of the grid, and width and height of its cells.
    cells
        For each row and column: the only perimeter that the cell is in, wholly; :data:`NOWHERE`; or :data:`BORDER`,
        where polygons must be asked.
    """

    origin: Coordinates
    step: Coordinates
    cells: NDArray[np.int32]


class PointIndex(NamedTuple):
    """Hold perimeters ready to be asked about points.

    Attributes
    ----------
    shapes
        Polygons, in the order of their identifiers; prepared.
    tree
        Their boxes.
    patches
        A grid for each group of perimeters far from the others: mainland, each overseas territory.
    """

    shapes: Shapes
    tree: shapely.STRtree
    patches: tuple[Patch, ...]

    def __reduce__(self) -> tuple[Callable[[Shapes, tuple[Patch, ...]], PointIndex], tuple[Shapes, tuple[Patch, ...]]]:
        """Send shapes and grids; the tree is built, and the shapes prepared, where they arrive."""
        return _ready, (self.shapes, self.patches)


def point_index(shapes: Shapes) -> PointIndex:
    """Make perimeters ready to be asked about many points.

    Parameters
    ----------
    shapes
        Valid polygons in one CRS, in the order of their identifiers. They may overlap.
    """
    return _ready(shapes, tuple(_patch(shapes, group) for group in _groups(shapes)))


def _ready(shapes: Shapes, patches: tuple[Patch, ...]) -> PointIndex:
    shapely.prepare(shapes)
    return PointIndex(shapes, shapely.STRtree(shapes), patches)


def _groups(shapes: Shapes) -> list[Numbers]:
    """Split perimeters where a wide gap parts them, so that no grid is laid over an ocean."""
    from scipy.ndimage import label

    boxes = shapely.bounds(shapes).reshape(-1, 2, 2)
    south_west = boxes[:, 0].min(axis=0)
    side = max(float((boxes[:, 1].max(axis=0) - south_west).max()) / SQUARES, MARGIN)
    squares = np.clip(((boxes - south_west) / side).astype("int64"), 0, SQUARES - 1)
    taken = np.zeros((SQUARES, SQUARES), dtype=bool)
    for (west, south), (east, north) in squares.tolist():
        taken[west : east + 1, south : north + 1] = True
    together, count = label(taken, structure=np.ones((3, 3)))
    group = together[tuple(squares[:, 0].T)]
    return [np.flatnonzero(group == number) for number in range(1, count + 1)]


def _patch(shapes: Shapes, group: Numbers) -> Patch:
    """Lay a grid over perimeters. No border passes through a cell that is not marked, so its centre answers for all of it."""
    from affine import Affine
    from rasterio.features import rasterize

    mine = shapes[group]
    west, south, east, north = shapely.total_bounds(mine)
    fine = max(CELLS_PER_VERTEX * int(shapely.get_num_coordinates(mine).sum()), CELLS_PER_SHAPE * len(mine))
    wanted = min(fine, MOST_CELLS)
    width, height = max(east - west, MARGIN), max(north - south, MARGIN)
    rows = max(1, round(math.sqrt(wanted * height / width)))
    columns = max(1, round(wanted / rows))
    origin, step = np.array([west, south]), np.array([width / columns, height / rows])
    size, transform = (rows, columns), Affine(step[0], 0, west, 0, step[1], south)
    named = list(zip(mine.tolist(), group.tolist(), strict=True))
    last, first = (
        rasterize(order, size, fill=NOWHERE, transform=transform, dtype="int32") for order in (named, named[::-1])
    )
    last[(last != first) | _crossed(mine, origin, step, size)] = BORDER
    return Patch(origin, step, last)


def _crossed(shapes: Shapes, origin: Coordinates, step: Coordinates, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the cells that a border may pass through: those of the box of each of its segments, cut to a cell's length."""
    lines = shapely.segmentize(shapely.boundary(shapes), float(step.min()))
    coordinates, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    places = (coordinates - origin) / step
    joined = line[1:] == line[:-1]
    low = np.floor(np.minimum(places[1:], places[:-1])[joined] - MARGIN).astype("int64")
    high = np.floor(np.maximum(places[1:], places[:-1])[joined] + MARGIN).astype("int64")
    crossed = np.zeros(size, dtype=bool)
    last = np.array(size[::-1]) - 1
    for right in range(int((high - low)[:, 0].max()) + 1):
        for up in range(int((high - low)[:, 1].max()) + 1):
            cell = np.clip(np.minimum(low + np.array([right, up]), high), 0, last)
            crossed[cell[:, 1], cell[:, 0]] = True
    return crossed


def locate(index: PointIndex, x: Coordinates, y: Coordinates) -> tuple[Numbers, Numbers]:
    """Return pairs of point and perimeter, by position, points in order; a point in no perimeter is in no pair.

    Parameters
    ----------
    index
        As :func:`point_index` returns it.
    x, y
        Coordinates in its CRS; a missing one is nowhere.
    """
    parts = [_located(index, patch, x, y) for patch in index.patches]
    point, perimeter = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    order = np.lexsort((perimeter, point))
    return point[order], perimeter[order]


def _located(index: PointIndex, patch: Patch, x: Coordinates, y: Coordinates) -> tuple[Numbers, Numbers]:
    rows, columns = patch.cells.shape
    across, up = (x - patch.origin[0]) / patch.step[0], (y - patch.origin[1]) / patch.step[1]
    points = np.flatnonzero(
        (across >= -MARGIN) & (across <= columns + MARGIN) & (up >= -MARGIN) & (up <= rows + MARGIN)
    )
    column = np.clip(across[points].astype("int64"), 0, columns - 1)
    row = np.clip(up[points].astype("int64"), 0, rows - 1)
    found = patch.cells[row, column]
    asked = points[found == BORDER]
    pairs = _ask(index, asked, x[asked], y[asked])
    plain = found >= 0
    return np.concatenate([points[plain], pairs[0]]), np.concatenate([found[plain].astype("intp"), pairs[1]])


def _ask(index: PointIndex, points: Numbers, x: Coordinates, y: Coordinates) -> tuple[Numbers, Numbers]:
    """Ask the polygons whose box holds a point, one polygon at a time for all its points."""
    one, perimeter = index.tree.query(shapely.points(x, y))
    order = np.argsort(perimeter, kind="stable")
    one, perimeter = one[order], perimeter[order]
    closed = _tested(shapely.intersects_xy, index, one, perimeter, x, y)
    one, perimeter = one[closed], perimeter[closed]
    several = np.bincount(one, minlength=len(points))[one] > 1
    within = np.zeros(len(one), dtype=bool)
    within[several] = _tested(shapely.contains_xy, index, one[several], perimeter[several], x, y)
    surrounded = np.bincount(one[within], minlength=len(points)) > 0
    smallest = np.full(len(points), len(index.shapes))
    np.minimum.at(smallest, one, perimeter)
    kept = np.where(surrounded[one], within | ~several, perimeter == smallest[one])
    return points[one[kept]], perimeter[kept]


def _tested(
    predicate: Callable[[Geometry, Coordinates, Coordinates], NDArray[np.bool_]],
    index: PointIndex,
    one: Numbers,
    perimeter: Numbers,
    x: Coordinates,
    y: Coordinates,
) -> NDArray[np.bool_]:
    """Apply a predicate to pairs sorted by perimeter."""
    answer = np.zeros(len(one), dtype=bool)
    starts = np.flatnonzero(np.diff(perimeter, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(one)]):
        mine = one[start:end]
        answer[start:end] = predicate(index.shapes[perimeter[start]], x[mine], y[mine])
    return answer
