"""Common parts of many pairs of polygons: by hand, then against GEOS on every awkward meeting of two shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from cptsgeo import clipping
from cptsgeo.clipping import areal, intersections

SQUARE = box(0, 0, 10, 10)
COMB = Polygon([(2, -5), (4, -5), (4, 3), (6, 3), (6, -5), (8, -5), (8, 5), (2, 5)])
"""Two teeth 2 wide that enter the square from the south, and the bar that joins them."""


def common(unit: shapely.Geometry, area: shapely.Geometry) -> shapely.Geometry:
    return intersections(np.array([unit]), np.array([area]), np.array([[0], [0]]))[0]


def test_pieces_by_hand() -> None:
    assert common(SQUARE, box(8, 2, 15, 5)).normalize().equals(box(8, 2, 10, 5))
    assert common(SQUARE, COMB).area == 24
    turned = common(COMB, box(0, -4, 10, -1))
    assert (turned.geom_type, turned.area, len(turned.geoms)) == ("MultiPolygon", 12, 2)


@pytest.mark.parametrize(
    "area",
    [
        COMB,
        box(9, 9, 20, 20),
        Polygon([(-1, 4), (5, 4), (5, 6), (-1, 6), (-1, 7), (6, 7), (6, 3), (-1, 3)]),
        box(-5, -5, 3, 5) | box(50, 50, 60, 60),
        box(5, -5, 50, 5) - box(20, -2, 30, 2),
    ],
    ids=["comb", "corner", "hook", "another part far away", "a hole far away"],
)
def test_rings_that_cross_are_followed_and_not_left_to_geos(
    area: shapely.Geometry, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shapely.intersection(SQUARE, area)
    left: list[int] = []

    def intersection(one: np.ndarray, _other: np.ndarray) -> np.ndarray:
        left.append(len(one))
        return one

    monkeypatch.setattr(shapely, "intersection", intersection)
    piece = common(SQUARE, area)
    monkeypatch.undo()
    assert left == [0]
    assert piece.is_valid
    assert shapely.symmetric_difference(piece, expected).area < 1e-9


@pytest.mark.parametrize(
    ("unit", "area", "expected"),
    [
        (SQUARE, SQUARE, 100),
        (SQUARE, box(10, 0, 20, 10), 0),
        (SQUARE, box(2, 2, 3, 3), 1),
        (SQUARE, box(-5, -5, 15, 15), 100),
        (SQUARE, box(0, 0, 5, 10), 50),
        (SQUARE, Polygon([(0, 0), (10, 10), (0, 20)]), 50),
        (SQUARE, box(-5, -5, 15, 15) - box(2, 2, 4, 4), 96),
        (SQUARE - box(4, 4, 6, 6), box(-5, -5, 5, 15), 48),
        (SQUARE, MultiPolygon([box(-1, -1, 1, 1), box(9, 9, 11, 11)]), 2),
        (MultiPolygon([SQUARE, box(20, 0, 30, 10)]), box(5, -1, 25, 5), 50),
        (box(4, 1, 5, 2), Polygon([(4, 4), (5, 2), (4, 3), (1, 0)]), 0),
        (SQUARE, Polygon([(-5, 5), (5, 5), (5, 5), (5, -5)]), 25),
    ],
    ids=[
        "same",
        "side",
        "within",
        "around",
        "shared",
        "corners",
        "hole",
        "holed unit",
        "parts",
        "islands",
        "corner alone",
        "repeated",
    ],
)
def test_shapes_that_touch_share_lines_or_have_several_rings(
    unit: shapely.Geometry, area: shapely.Geometry, expected: float
) -> None:
    assert common(unit, area).area == pytest.approx(expected)


def star(centre: tuple[float, float], radii: list[float]) -> Polygon:
    angles = [2 * math.pi * step / len(radii) for step in range(len(radii))]
    return Polygon(
        [
            (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
            for angle, radius in zip(angles, radii, strict=True)
        ]
    )


free = st.builds(
    star,
    st.tuples(st.floats(-40, 40), st.floats(-40, 40)),
    st.lists(st.floats(5, 100), min_size=3, max_size=30),
)
"""Stars with long thin arms: they cross in many places, and their pieces fall apart."""

on_a_lattice = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=8).map(
    lambda corners: shapely.buffer(Polygon(corners), 0)
)
"""Small whole numbers: corners fall on edges, edges on edges."""

holed = st.tuples(free, free).map(lambda two: shapely.difference(*two))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(free, on_a_lattice, holed).filter(lambda shape: shape.area > 1e-3), min_size=1, max_size=4),
    st.lists(st.one_of(free, on_a_lattice, holed).filter(lambda shape: shape.area > 1e-3), min_size=1, max_size=4),
    st.sampled_from([(0.0, 0.0), (650_000.0, 6_860_000.0)]),
)
def test_the_same_pieces_as_geos(
    units: list[shapely.Geometry], areas: list[shapely.Geometry], origin: tuple[float, float]
) -> None:
    ours, theirs = (shapely.transform(np.array(shapes), lambda xy: xy + np.array(origin)) for shapes in (units, areas))
    ours, theirs = ours[shapely.is_valid(ours)], theirs[shapely.is_valid(theirs)]
    pairs = np.stack([each.ravel() for each in np.meshgrid(np.arange(len(theirs)), np.arange(len(ours)))])
    pieces = intersections(ours, theirs, pairs)
    expected = areal(shapely.intersection(ours[pairs[1]], theirs[pairs[0]]))
    assert shapely.is_valid(pieces).all()
    assert np.allclose(shapely.area(pieces), shapely.area(expected), rtol=1e-9, atol=1e-4)
    assert np.allclose(shapely.area(shapely.difference(pieces, expected, grid_size=1e-6)), 0, atol=1e-3)


def test_lines_where_shapes_only_touch_are_no_ground() -> None:
    hook = Polygon([(-5, -5), (3, -5), (3, 10), (10, 10), (10, 12), (-5, 12)])
    assert shapely.intersection(SQUARE, hook).geom_type == "GeometryCollection"
    assert common(SQUARE, hook).geom_type == "MultiPolygon"
    assert common(SQUARE, hook).area == 30
    assert common(SQUARE, box(10, 10, 12, 12)).is_empty


def test_runs_of_edges_do_not_lose_the_last_one() -> None:
    fine = shapely.segmentize(SQUARE, 10 / (clipping.RUN + 3))
    assert common(fine, box(-1.3, 8.7, 20.1, 9.9)).area == pytest.approx(10 * 1.2)
    assert common(box(-1.3, 8.7, 20.1, 9.9), fine).area == pytest.approx(10 * 1.2)
