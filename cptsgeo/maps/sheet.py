"""Units on paper: outlines of groups of units, borders between them, and their place on a sheet with insets.

What the atlas draws as SVG and what ``cptsgeo figure`` prints are both taken from here, out of the same shared arcs as the
interactive map: a group of units is outlined by the arcs that only one of its units uses, so that nothing is dissolved twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely

from cptsgeo.maps.land import land_within
from cptsgeo.maps.topology import MERCATOR_HALF, TERRITORIES, Floats, Ints, Topology, polygons, territory_of

ELSEWHERE = "elsewhere"
INSET_SHARE = 0.17
"""Part of the width of a sheet that the column of insets takes."""
LETTER = 0.66
"""Usual width of a bold letter beside its height."""
LEVEL_PIXELS = 0.8
"""An outline is drawn at the coarsest level of detail whose tolerance stays under this many pixels."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of a sheet where one territory is drawn.

    ``x``, ``y`` of the grid are drawn at ``left + (x - west) * scale``, ``top + (y - north) * scale``.
    """

    territory: str
    left: float
    top: float
    width: float
    height: float
    west: float
    north: float
    scale: float

    def place(self, points: Floats | Ints) -> Floats:
        """Return where points of the grid lie on the sheet."""
        return np.column_stack(
            [
                self.left + (points[:, 0] - self.west) * self.scale,
                self.top + (points[:, 1] - self.north) * self.scale,
            ]
        )

    @property
    def shown(self) -> tuple[float, float, float, float]:
        """Return the part of the grid that the frame shows: west, north, east, south."""
        return self.west, self.north, self.west + self.width / self.scale, self.north + self.height / self.scale


class Sheet:
    """Draw units of one topology.

    Parameters
    ----------
    topology
        As :func:`cptsgeo.maps.topology.build_topology` returns it; rows are its units.
    tolerances
        Those it was built with, in metres.
    """

    def __init__(self, topology: Topology, tolerances: Sequence[float]) -> None:
        self.topology = topology
        self.tolerances = tuple(tolerances)
        self._ends = np.cumsum(topology.arc_sizes)
        self._starts = self._ends - topology.arc_sizes
        ref_ends = np.concatenate(([0], np.cumsum(topology.ring_arcs)))
        ring_ends = np.concatenate(([0], np.cumsum(topology.unit_rings)))
        self._refs = ref_ends[ring_ends]
        if len(topology.arc_sizes):
            keys = (topology.x << 32) + topology.y
            self._first, self._last = keys[self._starts], keys[self._ends - 1]

    @cached_property
    def boxes(self) -> Floats:
        """Return west, north, east and south of each unit in grid steps; missing where it is not drawn."""
        topology = self.topology
        boxes = np.full((len(topology.unit_rings), 4), np.nan)
        drawn = np.flatnonzero(topology.unit_rings)
        if not len(drawn):
            return boxes
        arcs = topology.refs >> 1
        starts = self._refs[drawn]
        for column, axis, reduce in (
            (0, topology.x, np.minimum),
            (1, topology.y, np.minimum),
            (2, topology.x, np.maximum),
            (3, topology.y, np.maximum),
        ):
            by_arc = reduce.reduceat(axis, self._starts)
            boxes[drawn, column] = reduce.reduceat(by_arc[arcs], starts)
        return boxes

    @cached_property
    def territories(self) -> npt.NDArray[np.object_]:
        """Return the name of each unit's territory; None where it is not drawn."""
        boxes = self.boxes
        drawn = ~np.isnan(boxes[:, 0])
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        longitude, latitude = self.degrees(x[drawn], y[drawn])
        names = np.array([*(name for name, *_rest in TERRITORIES), ELSEWHERE], dtype=object)
        result = np.full(len(boxes), None, dtype=object)
        result[drawn] = names[territory_of(longitude, latitude)]
        return result

    def degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return longitude and latitude of places of the grid."""
        step = 2 * MERCATOR_HALF / (1 << self.topology.bits)
        metres = MERCATOR_HALF - y * step
        return (x * step - MERCATOR_HALF) / MERCATOR_HALF * 180, np.degrees(
            2 * np.arctan(np.exp(metres / MERCATOR_HALF * np.pi)) - np.pi / 2
        )

    def grid(self, points: Floats) -> Floats:
        """Return the places of the grid at some longitudes and latitudes."""
        step = 2 * MERCATOR_HALF / (1 << self.topology.bits)
        x = (points[:, 0] / 180 + 1) * MERCATOR_HALF
        y = np.arctanh(np.sin(np.radians(points[:, 1]))) / np.pi * MERCATOR_HALF
        return np.column_stack([x, MERCATOR_HALF - y]) / step

    def metres(self, frame: Frame) -> float:
        """Return how many metres of ground one step of the sheet is, in the middle of a frame."""
        west, north, east, south = frame.shown
        _longitude, latitude = self.degrees(np.array([(west + east) / 2]), np.array([(north + south) / 2]))
        return float(2 * MERCATOR_HALF / (1 << self.topology.bits) * np.cos(np.radians(latitude[0])) / frame.scale)

    def level(self, metres: float) -> int:
        """Return the level of detail for a scale: the coarsest one whose simplification does not show."""
        fitting = [at for at, tolerance in enumerate(self.tolerances) if tolerance <= metres * LEVEL_PIXELS]
        return max(fitting, default=0)

    def frames(self, rows: Ints, width: float, height: float, *, margin: float = 0.02) -> list[Frame]:
        """Lay the territories of some units out on a sheet.

        Mainland France takes the sheet, the others a column of insets at its left; without the mainland the territories
        share the sheet in a grid. Each has its own scale.
        """
        names = self.territories[rows]
        order = [name for name, *_rest in TERRITORIES] + [ELSEWHERE]
        present = [name for name in order if (names == name).any()]
        places: list[tuple[float, float, float, float]]
        if len(present) > 1 and present[0] == TERRITORIES[0][0]:
            column, count = width * INSET_SHARE, len(present) - 1
            each = min(height / count, column * 1.1)
            places = [(column, 0.0, width - column, height)]
            places += [(0.0, height / 2 - each * count / 2 + each * at, column, each) for at in range(count)]
        else:
            columns = max(
                range(1, len(present) + 1),
                key=lambda each: min(width / each, height / -(-len(present) // each)),
                default=1,
            )
            lines = -(-len(present) // columns)
            places = [
                (width / columns * (at % columns), height / lines * (at // columns), width / columns, height / lines)
                for at in range(len(present))
            ]
        return [
            self._frame(name, rows[names == name], place, margin) for name, place in zip(present, places, strict=True)
        ]

    def _frame(self, name: str, rows: Ints, place: tuple[float, float, float, float], margin: float) -> Frame:
        """Centre the box of some units in a rectangle."""
        boxes = self.boxes[rows]
        west, north = np.nanmin(boxes[:, 0]), np.nanmin(boxes[:, 1])
        east, south = np.nanmax(boxes[:, 2]), np.nanmax(boxes[:, 3])
        left, top, width, height = place
        room = 1 - 2 * margin
        scale = min(width * room / max(east - west, 1.0), height * room / max(south - north, 1.0))
        return Frame(
            name,
            left,
            top,
            width,
            height,
            float((west + east - width / scale) / 2),
            float((north + south - height / scale) / 2),
            float(scale),
        )

    def within(self, frame: Frame) -> Ints:
        """Return the units whose box meets what a frame shows."""
        west, north, east, south = frame.shown
        boxes = self.boxes
        with np.errstate(invalid="ignore"):
            meets = (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < south) & (boxes[:, 3] > north)
        return np.flatnonzero(meets & (self.territories == frame.territory))

    def land(self, frame: Frame) -> list[Floats]:
        """Return the land that a frame shows, in grid steps: closed rings, to be filled by the even-odd rule."""
        west, north, east, south = frame.shown
        (left, right), (top, bottom) = self.degrees(np.array([west, east]), np.array([north, south]))
        on_grid = shapely.transform(land_within(left, bottom, right, top), self.grid)
        shapes = shapely.simplify(on_grid, LEVEL_PIXELS / frame.scale)
        return [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(shapely.get_parts(shapes))]

    def _used(self, rows: Ints) -> Ints:
        """Return the references to arcs of some units, one after the other."""
        sizes = self._refs[rows + 1] - self._refs[rows]
        offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.asarray(self.topology.refs[np.repeat(self._refs[rows], sizes) + offset])

    def _points(self, ref: int, level: int) -> Ints:
        arc = ref >> 1
        part = slice(self._starts[arc], self._ends[arc])
        kept = self.topology.rank[part] >= level
        points = np.column_stack([self.topology.x[part][kept], self.topology.y[part][kept]])
        return points[::-1] if ref & 1 else points

    def outline(self, rows: Ints, level: int) -> list[Ints]:
        """Return the outline of the union of some units: closed rings, to be filled by the even-odd rule."""
        arcs, times = np.unique(self._used(np.asarray(rows, dtype=np.int64)) >> 1, return_counts=True)
        border = arcs[times % 2 == 1]
        if not len(border):
            return []
        ends = [(int(first), int(last)) for first, last in zip(self._first[border], self._last[border], strict=True)]
        touching: dict[int, list[int]] = {}
        for at, pair in enumerate(ends):
            for end in set(pair):
                touching.setdefault(end, []).append(at)
        walked = np.zeros(len(border), dtype=bool)
        rings = []
        for first in range(len(border)):
            at, here, pieces = first, ends[first][0], []
            while not walked[at]:
                walked[at] = True
                backwards = ends[at][0] != here
                pieces.append(self._points(2 * int(border[at]) + backwards, level)[:-1])
                here = ends[at][0 if backwards else 1]
                at = next((other for other in touching[here] if not walked[other]), at)
                if here == ends[first][0]:
                    break
            if pieces and sum(map(len, pieces)) >= 3:
                rings.append(np.concatenate(pieces))
        return rings

    def polygons(self) -> npt.NDArray[np.object_]:
        """Return each unit at the finest level of detail, in degrees; None where it is not drawn."""

        def degrees(points: Floats) -> Floats:
            return np.column_stack(self.degrees(points[:, 0], points[:, 1]))

        shapes = polygons(self.topology)
        drawn = ~shapely.is_missing(shapes)
        shapes[drawn] = shapely.transform(shapely.make_valid(shapes[drawn], method="structure"), degrees)
        return shapes

    def borders(self, rows: Ints, level: int) -> list[Ints]:
        """Return the lines between two units of a set."""
        refs = self._used(np.asarray(rows, dtype=np.int64))
        arcs, times = np.unique(refs >> 1, return_counts=True)
        return [self._points(int(arc) * 2, level) for arc in arcs[times > 1]]


@dataclass(frozen=True)
class Label:
    """The name of a town at its place on a sheet."""

    text: str
    x: float
    y: float
    anchor: str


def place_labels(
    towns: Sequence[tuple[str, float, float]], *, size: float, bounds: tuple[float, float, float, float], most: int
) -> list[Label]:
    """Choose the names that fit, the first ones first: right of the place, else left of it, never over another.

    Parameters
    ----------
    towns
        Name and place on the sheet, in the order of importance.
    size
        Height of the letters, in steps of the sheet.
    bounds
        Left, top, right and bottom, which no name may cross.
    most
        How many names at most.

    Examples
    --------
    >>> towns = [("Aix", 10, 10), ("Marseille", 12, 10), ("Arles", 90, 50)]
    >>> [(label.text, label.anchor) for label in place_labels(towns, size=8, bounds=(0, 0, 100, 60), most=9)]
    [('Aix', 'start'), ('Arles', 'end')]
    """
    taken: list[tuple[float, float, float, float]] = []
    labels: list[Label] = []
    left, top, right, bottom = bounds
    for text, x, y in towns:
        if len(labels) == most:
            break
        width = LETTER * size * len(text)
        for anchor, start in (("start", x + 0.5 * size), ("end", x - 0.5 * size - width)):
            box = (start, y - 0.7 * size, start + width, y + 0.7 * size)
            spot = (min(x - 0.3 * size, box[0]), box[1], max(x + 0.3 * size, box[2]), box[3])
            inside = box[0] >= left and box[2] <= right and box[1] >= top and box[3] <= bottom
            free = all(
                spot[2] <= other[0] or spot[0] >= other[2] or spot[3] <= other[1] or spot[1] >= other[3]
                for other in taken
            )
            if inside and free:
                taken.append(spot)
                labels.append(Label(text, x, y, anchor))
                break
    return labels
