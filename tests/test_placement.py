"""Units in polygons, on squares whose areas are known by hand."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from cptsgeo.errors import DataError
from cptsgeo.placement import are_thin, place_in_metres, place_units

X, Y = 900_000.0, 6_400_000.0


def units(crs: int = 2154) -> gpd.GeoDataFrame:
    """Four communes of 1 km in a row, from west to east."""
    shapes = [box(X + 1000 * i, Y, X + 1000 * (i + 1), Y + 1000) for i in range(4)]
    return gpd.GeoDataFrame({"insee_code": ["04001", "04002", "04003", "04004"]}, geometry=shapes, crs=2154).to_crs(crs)


def drawn(*shapes: shapely.Geometry, crs: int = 2154) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"territory_id": [chr(ord("a") + i) for i in range(len(shapes))]}, geometry=list(shapes), crs=2154
    ).to_crs(crs)


def slab(west: float, east: float) -> shapely.Geometry:
    """A rectangle 2 km high, its ends in metres from the west of the first commune."""
    return box(X + west, Y - 500, X + east, Y + 1500)


def pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["territory_id"], table["insee_code"], strict=True))


@pytest.mark.parametrize(
    ("west", "east", "whole", "cut", "slivers"),
    [
        (-100, 2000, ["04001", "04002"], [], []),
        (-100, 2029, ["04001", "04002"], [], ["04003"]),
        (-100, 2031, ["04001", "04002"], ["04003"], []),
        (-100, 1971, ["04001", "04002"], [], []),
        (-100, 1969, ["04001"], ["04002"], []),
        (200, 700, [], ["04001"], []),
    ],
)
def test_pieces_under_the_tolerance_are_snapped_on_both_sides(west, east, whole, cut, slivers):
    placed = place_units(drawn(slab(west, east)), units())
    assert placed.whole["insee_code"].tolist() == whole
    assert placed.cut["insee_code"].tolist() == cut
    assert placed.slivers["insee_code"].tolist() == slivers


def test_a_clip_that_geos_refuses_is_made_the_exact_way(monkeypatch):
    expected = place_units(drawn(slab(200, 2700)), units())

    def refused(*_words):
        raise shapely.errors.GEOSException("Invalid number of points in LinearRing found 3")

    monkeypatch.setattr(shapely, "clip_by_rect", refused)
    found = place_units(drawn(slab(200, 2700)), units())
    assert found.cut["area_share"].tolist() == pytest.approx(expected.cut["area_share"].tolist())
    assert found.whole.equals(expected.whole)


def test_the_share_of_a_piece_is_its_area():
    placed = place_units(drawn(slab(250, 1400)), units())
    assert pairs(placed.cut) == [("a", "04001"), ("a", "04002")]
    assert placed.cut["area_share"].tolist() == pytest.approx([0.75, 0.4], abs=1e-9)
    assert placed.cut.to_crs(2154).area.tolist() == pytest.approx([750_000, 400_000], rel=1e-6)


def test_tolerance_zero_snaps_nothing():
    placed = place_units(drawn(slab(-100, 2001)), units(), tolerance_m=0)
    assert placed.whole["insee_code"].tolist() == ["04001", "04002"]
    assert placed.cut["area_share"].tolist() == pytest.approx([0.001])
    assert placed.slivers.empty


def test_a_hole_that_is_a_unit_leaves_it_out():
    ring = shapely.difference(slab(0, 3000), units().geometry.iloc[1])
    placed = place_units(drawn(ring), units())
    assert pairs(placed.whole) == [("a", "04001"), ("a", "04003")]
    assert placed.cut.empty


def test_a_border_between_a_commune_and_its_islands_cuts_it():
    """The border of the polygon touches no part of the commune: Hyères and its islands."""
    islands = units()
    islands.loc[0, "geometry"] = shapely.union_all([box(X, Y, X + 300, Y + 1000), box(X + 600, Y, X + 700, Y + 1000)])
    placed = place_units(drawn(slab(-100, 400), slab(400, 1000)), islands)
    assert pairs(placed.cut) == [("a", "04001"), ("b", "04001")]
    assert placed.cut["area_share"].tolist() == pytest.approx([0.75, 0.25])
    assert pairs(place_units(drawn(slab(-100, 900)), islands).whole) == [("a", "04001")]


def test_a_corner_cut_whose_vertices_all_lie_on_the_border_is_a_cut():
    corner = shapely.Polygon([(X, Y), (X + 1000, Y), (X, Y + 1000)])
    placed = place_units(drawn(corner), units())
    assert pairs(placed.cut) == [("a", "04001")]
    assert placed.cut["area_share"].iloc[0] == pytest.approx(0.5)


def test_overlapping_polygons_each_have_the_unit():
    placed = place_units(drawn(slab(-10, 1000), slab(-10, 2000)), units())
    assert pairs(placed.whole) == [("a", "04001"), ("b", "04001"), ("b", "04002")]


def test_several_rows_are_one_territory():
    layer = drawn(slab(0, 500), slab(500, 1000)).assign(territory_id="a")
    assert pairs(place_units(layer, units()).whole) == [("a", "04001")]


def test_a_polygon_elsewhere_is_named():
    far = box(X - 90_000, Y, X - 80_000, Y + 1000)
    assert place_units(drawn(slab(0, 1000), far), units()).outside == ["b"]


def test_each_territory_is_placed_in_its_own_crs():
    martinique = box(700_000, 1_620_000, 701_000, 1_621_000)
    layer = pd.concat(
        [
            units(4326),
            gpd.GeoDataFrame({"insee_code": ["97201"]}, geometry=[martinique], crs=5490).to_crs(4326),
        ],
        ignore_index=True,
    )
    half = gpd.GeoDataFrame(
        {"territory_id": ["z"]}, geometry=[box(699_000, 1_619_000, 700_500, 1_622_000)], crs=5490
    ).to_crs(4326)
    both = pd.concat([drawn(slab(0, 1000), crs=4326), half], ignore_index=True)
    placed = place_units(both, layer)
    assert pairs(placed.whole) == [("a", "04001")]
    assert pairs(placed.cut) == [("z", "97201")]
    assert placed.cut["area_share"].iloc[0] == pytest.approx(0.5, abs=1e-4)


@settings(max_examples=20)
@given(st.integers(-50, 4050), st.integers(-50, 4050), st.sampled_from([2154, 4326, 3857]), st.permutations(range(4)))
def test_the_crs_of_the_input_and_the_order_of_rows_change_nothing(one, other, crs, order):
    west, east = sorted((one, other + 1 if other == one else other))
    reference = place_units(drawn(slab(west, east)), units())
    edges = {abs(value % 1000 - step) for value in (west, east) for step in (0, 30, 970, 1000)}
    if min(edges) < 1:
        return
    moved = place_units(drawn(slab(west, east).segmentize(200), crs=crs), units(4326).iloc[order])
    for name in ("whole", "cut", "slivers"):
        was, now = getattr(reference, name), getattr(moved, name)
        assert pairs(now) == pairs(was), name
        assert np.allclose(now["area_share"], was["area_share"], atol=1e-4)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 3999), min_size=1, max_size=4, unique=True))
def test_a_partition_gives_every_metre_once(ends):
    borders = [-1000, *sorted(ends), 5000]
    layer = drawn(*[slab(west, east) for west, east in pairwise(borders)])
    placed = place_units(layer, units(), tolerance_m=0)
    table = pd.concat([placed.whole, placed.cut, placed.slivers])
    assert np.allclose(table.groupby("insee_code")["area_share"].sum(), 1.0, atol=1e-9)


def test_rounded_borders_are_still_borders(toy_contours):
    """A layer published with seven decimals follows the communes: nothing is cut."""
    union = toy_contours.to_crs(2154)
    merged = shapely.union_all(union.geometry.to_numpy()[:5])
    rounded = shapely.transform(gpd.GeoSeries([merged], crs=2154).to_crs(4326).to_numpy(), lambda xy: np.round(xy, 7))
    layer = gpd.GeoDataFrame({"territory_id": ["a"]}, geometry=rounded, crs=4326)
    placed = place_units(layer, toy_contours)
    assert placed.whole["insee_code"].tolist() == union["insee_code"].tolist()[:5]
    assert placed.cut.empty
    assert placed.slivers.empty


def test_thinness_is_the_widest_disc():
    cases = np.array(
        [box(0, 0, 29, 9000), box(0, 0, 31, 9000), box(0, 0, 29, 29), shapely.Point(0, 0).buffer(16)], dtype="object"
    )
    assert are_thin(cases, 30).tolist() == [True, False, True, False]


def test_two_crs_are_refused_by_name():
    with pytest.raises(DataError, match="EPSG:2154 et EPSG:4326") as caught:
        place_in_metres(drawn(slab(0, 1)), units(4326))
    assert "to_crs" in str(caught.value)


def test_degrees_are_refused_where_metres_are_measured():
    with pytest.raises(DataError, match=r"degrés \(EPSG:4326\)") as caught:
        place_in_metres(drawn(slab(0, 1), crs=4326), units(4326))
    assert "to_crs(2154)" in str(caught.value)


@pytest.mark.real_data
def test_dissolved_communes_come_back_whole(shared):
    """Every commune of four départements in the polygon it was dissolved into, none cut."""
    layer = gpd.read_parquet(shared / "communes" / "communes_cog2026.parquet", columns=["code", "epci", "geometry"])
    layer = layer[layer["code"].str[:2].isin(["21", "25", "39", "71"]) & layer["epci"].notna()].to_crs(2154)
    contours = layer.rename(columns={"code": "insee_code"})
    polygons = layer.rename(columns={"epci": "territory_id"}).dissolve("territory_id").reset_index()
    placed = place_units(polygons[["territory_id", "geometry"]], contours[["insee_code", "geometry"]])
    expected = contours.sort_values(["epci", "insee_code"])
    assert pairs(placed.whole) == list(zip(expected["epci"], expected["insee_code"], strict=True))
    assert placed.cut.empty
    assert placed.slivers.empty
