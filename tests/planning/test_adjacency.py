"""Borders between units: squares counted by hand, awkward geometry, and an independent measure."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.adjacency import adjacency, connected, extents, neighbours
from cptsgeo.errors import UsageError

X, Y = 700_000, 6_600_000


def layer(*shapes, codes=("01001", "01002", "01003", "01004"), crs=2154):
    return gpd.GeoDataFrame({"insee_code": list(codes[: len(shapes)])}, geometry=list(shapes), crs=crs)


def box(x0, y0, x1, y1):
    return shapely.box(X + x0, Y + y0, X + x1, Y + y1)


def pairs(found):
    return {(row.insee_code, row.other_code): row.border_km for row in found.borders.itertuples()}


def test_a_point_in_common_does_not_join_and_a_border_does():
    found = adjacency(layer(box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000), box(2000, 1000, 3000, 2000)))
    assert pairs(found) == {("01001", "01002"): pytest.approx(1.0)}
    assert found.borders["gap_m"].tolist() == [0.0]


def test_a_border_followed_through_other_vertices_keeps_its_length():
    whole = box(0, 0, 1000, 1000)
    halves = [box(1000, 0, 2000, 400), box(1000, 400, 2000, 1000)]
    assert pairs(adjacency(layer(whole, *halves))) == {
        ("01001", "01002"): pytest.approx(0.4),
        ("01001", "01003"): pytest.approx(0.6),
        ("01002", "01003"): pytest.approx(1.0),
    }


def test_two_separate_stretches_of_border_add_up():
    comb = shapely.union_all([box(0, 0, 1000, 3000), box(1000, 0, 2000, 1000), box(1000, 2000, 2000, 3000)])
    pole = box(2000, 0, 3000, 3000)
    assert pairs(adjacency(layer(comb, pole))) == {("01001", "01002"): pytest.approx(2.0)}


def test_a_border_of_three_outlines_counts_for_each_pair():
    drawn_twice, beside = box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)
    assert pairs(adjacency(layer(drawn_twice, beside, drawn_twice))) == {
        ("01001", "01002"): pytest.approx(1.0),
        ("01001", "01003"): pytest.approx(4.0),
        ("01002", "01003"): pytest.approx(1.0),
    }


def test_an_enclave_borders_along_its_whole_outline():
    ring = box(0, 0, 3000, 3000).difference(box(1000, 1000, 2000, 2000))
    found = adjacency(layer(ring, box(1000, 1000, 2000, 2000)))
    assert pairs(found) == {("01001", "01002"): pytest.approx(4.0)}
    assert found.units.loc["01001", "outline_km"] == pytest.approx(16.0)


@pytest.mark.parametrize(("width", "joined"), [(0, False), (19.9, False), (20.0, True), (50, True)])
def test_a_bridge_joins_across_water_up_to_its_width(width, joined):
    found = adjacency(layer(box(0, 0, 1000, 1000), box(1020, 0, 2000, 1000)), bridge_m=width)
    assert pairs(found) == ({("01001", "01002"): 0.0} if joined else {})
    if joined:
        assert found.borders["gap_m"].tolist() == pytest.approx([20.0])


def test_a_bridge_leaves_true_borders_as_they_are():
    shapes = layer(box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000), box(2000, 1000, 3000, 2000))
    assert pairs(adjacency(shapes, bridge_m=5)) == {
        ("01001", "01002"): pytest.approx(1.0),
        ("01002", "01003"): 0.0,
    }


@pytest.mark.parametrize("width", [-1, float("inf"), float("nan")])
def test_an_impossible_bridge_is_refused(width):
    with pytest.raises(UsageError, match="largeur en mètres"):
        adjacency(layer(box(0, 0, 1, 1)), bridge_m=width)


def test_territories_are_measured_in_their_own_crs_and_never_border():
    island = gpd.GeoSeries([shapely.box(707_000, 1_600_000, 708_000, 1_601_000)], crs=5490).to_crs(4326)
    mainland = gpd.GeoSeries([box(0, 0, 1000, 1000)], crs=2154).to_crs(4326)
    contours = gpd.GeoDataFrame(
        {"insee_code": ["97201", "01001"]}, geometry=[island.iloc[0], mainland.iloc[0]], crs=4326
    )
    found = adjacency(contours)
    assert found.borders.empty
    assert found.units["epsg"].to_dict() == {"01001": 2154, "97201": 5490}
    assert found.units["area_km2"].tolist() == pytest.approx([1.0, 1.0], rel=1e-6)


def test_units_without_outline_are_left_out_and_no_unit_gives_empty_tables():
    contours = layer(box(0, 0, 1000, 1000), None)
    assert adjacency(contours).units.index.tolist() == ["01001"]
    empty = adjacency(contours.iloc[1:])
    assert empty.units.empty
    assert empty.borders.empty
    assert empty.borders.columns.tolist() == ["insee_code", "other_code", "border_km", "gap_m"]


def test_row_order_changes_nothing_and_the_layer_is_left_as_it_was():
    contours = layer(*(box(1000 * c, 1000 * r, 1000 * (c + 1), 1000 * (r + 1)) for r in range(2) for c in range(2)))
    before = contours.copy()
    straight, turned = adjacency(contours), adjacency(contours.iloc[::-1])
    pd.testing.assert_frame_equal(straight.borders, turned.borders)
    pd.testing.assert_frame_equal(straight.units, turned.units)
    pd.testing.assert_frame_equal(pd.DataFrame(contours), pd.DataFrame(before))


def test_extents_equal_those_of_the_united_geometry():
    shapes = [box(0, 0, 1000, 1000), box(1000, 0, 2000, 500), box(1000, 500, 2000, 1000), box(4000, 0, 5000, 1000)]
    contours = layer(*shapes)
    groups = pd.DataFrame(
        {"group": ["a", "a", "a", "b", "b"], "insee_code": ["01001", "01002", "01003", "01001", "01004"]}
    )
    found = extents(groups, adjacency(contours))
    for name, members in {"a": shapes[:3], "b": [shapes[0], shapes[3]]}.items():
        united = shapely.union_all(members)
        assert found.loc[name, "area_km2"] == pytest.approx(united.area / 1e6)
        assert found.loc[name, "outline_km"] == pytest.approx(united.length / 1e3)
        assert found.loc[name, "compactness"] == pytest.approx(4 * np.pi * united.area / united.length**2)


def test_a_group_with_an_undrawn_unit_has_no_outline_and_says_so():
    groups = pd.DataFrame({"group": ["a", "a", "b"], "insee_code": ["01001", "01009", "01009"]})
    found = extents(groups, adjacency(layer(box(0, 0, 1000, 1000))))
    assert found["units_without_area"].tolist() == [1, 1]
    assert found["area_km2"].tolist() == pytest.approx([1.0, float("nan")], nan_ok=True)
    assert found["compactness"].isna().all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_connected_parts_are_those_of_networkx(edges):
    import networkx as nx

    graph = nx.Graph(edges)
    graph.add_nodes_from(range(8))
    borders = pd.DataFrame(
        [(str(a), str(b), 1.0) for a, b in edges if a != b], columns=["insee_code", "other_code", "border_km"]
    )
    expected = sorted(sorted(map(str, part)) for part in nx.connected_components(graph))
    assert connected([str(n) for n in range(8)], neighbours(borders)) == expected


@pytest.mark.real_data
def test_paca_borders_equal_an_independent_overlay(paca):
    """Measure the borders of the Bouches-du-Rhône again as what lies within 1 cm of the other boundary."""
    found = adjacency(paca.contours)
    part = paca.contours[paca.contours["insee_code"].str.startswith("13")].to_crs(2154).sort_values("insee_code")
    shapes, codes = part.geometry.to_numpy(), part["insee_code"].to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=0.05)
    one, other = one[one < other], other[one < other]
    lines = shapely.boundary(shapes)
    km = shapely.length(shapely.intersection(lines[one], shapely.buffer(lines[other], 0.01))) / 1e3
    expected = {(codes[i], codes[j]): length for i, j, length in zip(one, other, km, strict=True) if length > 1e-4}
    ours = {pair: km for pair, km in pairs(found).items() if pair[0][:2] == pair[1][:2] == "13"}
    assert ours.keys() == expected.keys()
    assert ours == pytest.approx(expected, abs=5e-3)
    assert len(ours) > 300
