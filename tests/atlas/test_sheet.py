"""Outlines of groups of units taken from shared arcs are what a union of the polygons gives; towns never overlap."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.atlas.drawing import path_data
from cptsgeo.atlas.places import file_names
from cptsgeo.maps.sheet import Sheet, place_labels
from cptsgeo.maps.topology import build_topology, polygons
from tests.maps.payloads import PAYLOADS


def sheet_of(shapes: list[shapely.Geometry | None]) -> Sheet:
    tolerances = (1.0, 5.0, 20.0)
    return Sheet(build_topology(gpd.GeoSeries(shapes, crs=4326), tolerances, 24), tolerances)


def even_odd(rings: list[np.ndarray]) -> shapely.Geometry:
    area: shapely.Geometry = shapely.Polygon()
    for ring in rings:
        area = shapely.symmetric_difference(area, shapely.make_valid(shapely.Polygon(ring)))
    return area


def grid(width: int, height: int) -> list[shapely.Geometry]:
    return [
        shapely.box(
            2 + 0.01 * (at % width), 48 + 0.01 * (at // width), 2.01 + 0.01 * (at % width), 48.01 + 0.01 * (at // width)
        )
        for at in range(width * height)
    ]


@given(st.sets(st.integers(0, 23), min_size=1))
def test_the_outline_of_any_group_is_its_union(rows: set[int]) -> None:
    sheet = SHEET
    chosen = np.array(sorted(rows), dtype=np.int64)
    found = even_odd([ring.astype(float) for ring in sheet.outline(chosen, 0)])
    wanted = shapely.union_all(POLYGONS[chosen])
    assert shapely.area(shapely.symmetric_difference(found, wanted)) < 1e-9 * shapely.area(wanted)


SHEET = sheet_of(grid(6, 4))
POLYGONS = polygons(SHEET.topology, 0)


def test_an_enclave_is_a_hole_and_inner_borders_are_lines() -> None:
    outer = shapely.box(2, 48, 2.3, 48.3)
    inner = shapely.box(2.1, 48.1, 2.2, 48.2)
    sheet = sheet_of([outer.difference(inner), inner])
    assert len(sheet.outline(np.array([0]), 0)) == 2
    assert len(sheet.outline(np.array([0, 1]), 0)) == 1
    assert len(sheet.borders(np.array([0, 1]), 0)) == 1
    assert sheet.borders(np.array([0]), 0) == []
    assert sheet.outline(np.array([], dtype=np.int64), 0) == []


def test_units_without_outline_are_nowhere() -> None:
    sheet = sheet_of([*grid(2, 1), None])
    assert np.isnan(sheet.boxes[2]).all()
    assert sheet.territories[2] is None
    assert sheet.polygons()[2] is None
    assert len(sheet.outline(np.array([0, 2]), 0)) == 1


def test_degrees_come_back_within_a_grid_step() -> None:
    sheet = sheet_of(grid(2, 2))
    assert np.allclose(shapely.total_bounds(sheet.polygons()), (2, 48, 2.02, 48.02), atol=3e-5)


def test_the_mainland_takes_the_sheet_and_overseas_have_insets() -> None:
    far = [shapely.box(-61.1, 14.6, -61.0, 14.7), shapely.box(55.4, -21.2, 55.5, -21.1)]
    sheet = sheet_of([*grid(2, 2), *far])
    frames = sheet.frames(np.arange(6), 640, 520)
    assert [frame.territory for frame in frames] == ["metropole", "martinique", "la_reunion"]
    assert frames[0].width > 5 * 0.9 * frames[1].width * 0.9
    for frame in frames:
        rows = sheet.within(frame)
        placed = frame.place(sheet.boxes[rows].reshape(-1, 2))
        assert (placed >= (frame.left, frame.top)).all()
        assert (placed <= (frame.left + frame.width, frame.top + frame.height)).all()
    four = sheet_of([*far, shapely.box(-53, 4, -52.9, 4.1), shapely.box(45.1, -12.9, 45.2, -12.8)])
    places = [(frame.left, frame.top) for frame in four.frames(np.arange(4), 640, 520)]
    assert len({left for left, _top in places}) == 2
    assert len({top for _left, top in places}) == 2


@given(st.lists(st.tuples(st.text(min_size=1, max_size=12), st.floats(0, 200), st.floats(0, 200)), max_size=25))
def test_no_two_names_overlap_nor_leave_the_frame(towns: list[tuple[str, float, float]]) -> None:
    labels = place_labels(towns, size=8, bounds=(0, 0, 200, 200), most=9)
    boxes = []
    for label in labels:
        width = 0.58 * 8 * len(label.text)
        left = label.x + 4 if label.anchor == "start" else label.x - 4 - width
        boxes.append(shapely.box(left, label.y - 5.6, left + width, label.y + 5.6))
        assert shapely.box(0, 0, 200, 200).buffer(1e-6).contains(boxes[-1])
    assert all(
        shapely.area(one.intersection(other)) < 1e-6 for at, one in enumerate(boxes) for other in boxes[at + 1 :]
    )


def test_a_ring_that_shrinks_to_nothing_is_left_out() -> None:
    assert path_data([np.array([[0, 0], [0.01, 0], [0, 0.01]])]) == ""


def test_file_names_are_safe_distinct_and_do_not_depend_on_order() -> None:
    names = {f"id{at}": name for at, name in enumerate(PAYLOADS)} | {
        "a": "CPTS Sud",
        "b": "cpts  SUD",
        "c": "x" * 300,
        "d": "",
    }
    found = file_names(names)
    assert len(set(found.values())) == len(names)
    assert all(name.replace("-", "").isalnum() and name.isascii() and len(name) <= 67 for name in found.values())
    assert all(name.startswith("cpts") for name in found.values())
    assert file_names(dict(reversed(names.items()))) == found
    assert found["a"] != "cpts-sud" != found["b"]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_neighbours_share_their_border_at_every_level(level: int) -> None:
    whole = even_odd([ring.astype(float) for ring in SHEET.outline(np.arange(24), level)])
    parts = [even_odd([ring.astype(float) for ring in SHEET.outline(np.array([row]), level)]) for row in range(24)]
    assert sum(map(shapely.area, parts)) == pytest.approx(shapely.area(whole))
