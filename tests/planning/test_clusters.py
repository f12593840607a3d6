"""Clusters of white zones on territories drawn by hand."""

import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.coverage import unit_coverage
from cptsgeo.schemas import conform
from cptsgeo.white_zones import clusters

LAKE = """
A A A B B
A . . B .
A . A B .
~ ~ ~ ~ ~
. A ~ ~ ~
"""


@pytest.fixture(scope="module")
def lake(draw):
    populations = {"11": 500, "12": 700, "21": 300, "14": 40, "24": 50, "40": 9, "00": 39_000, "03": 90_000}
    return draw(LAKE, populations, epci="E E E F F\nE G G F F\nE G E F F\n~ ~ ~ ~ ~\n- E ~ ~ ~")


def test_clusters_by_hand(lake):
    found = clusters(*lake)
    zones = found.zones.set_index("cluster_id")
    assert zones.index.tolist() == ["01-01012", "01-01024", "01-01040"]
    assert zones["units"].tolist() == [3, 2, 1]
    assert zones["population_white"].tolist() == [1500, 90, 9]
    assert zones["cluster_name"].tolist() == ["Unit 12", "Unit 24", "Unit 40"]
    assert zones["area_km2"].tolist() == pytest.approx([3, 2, 1])
    assert zones["compactness"].tolist() == pytest.approx([4 * np.pi * 3 / 64, 4 * np.pi * 2 / 36, 4 * np.pi / 16])
    assert zones["neighbour_count"].tolist() == [2, 1, 1]
    assert zones["epci_count"].tolist() == [1, 1, 0]


def test_neighbours_by_hand(lake):
    """The L of cluster 01012 has two sides of each of its three units on A, and one on B; A has seven units."""
    found = clusters(*lake).neighbours
    rows = found[["cluster_id", "cpts_id", "relation", "border_km", "population", "size_class"]].values.tolist()
    population = {"A": 39_000 + 6 * 1000, "B": 90_000 + 3 * 1000}
    assert rows == [
        ["01-01012", "A", "border", pytest.approx(6.0), population["A"], 2],
        ["01-01012", "B", "border", pytest.approx(1.0), population["B"], 3],
        ["01-01024", "B", "border", pytest.approx(3.0), population["B"], 3],
        ["01-01040", "A", "border", pytest.approx(1.0), population["A"], 2],
    ]


def test_parts_by_hand(lake):
    parts = clusters(*lake).parts
    first = parts[parts["cluster_id"] == "01-01012"].set_index(["split", "key"])
    assert first.loc[("epci", "G"), "share_of_cluster"] == 1
    assert first.loc[("epci", "G"), "share_of_group"] == 1
    assert first.loc[("departement", "01"), "units"] == 3
    assert first.loc[("density_group", "rural"), "population_white"] == 1500
    assert np.isnan(first.loc[("density_group", "rural"), "share_of_group"])
    assert first.loc[("density_level", "5"), "population_white"] == 1500
    alone = parts[(parts["cluster_id"] == "01-01040") & (parts["split"] == "epci")]
    assert alone[["key", "label"]].values.tolist() == [["none", "hors EPCI"]]
    assert alone["share_of_group"].isna().all()
    sums = parts.groupby(["cluster_id", "split"])["population_white"].sum().unstack()
    assert (sums.eq(sums["region"], axis="index")).all(axis=None)


def test_a_bridge_joins_across_the_lake_and_makes_neighbours(draw):
    toy = draw("A . ~ . B\n~ ~ ~ ~ ~")
    assert clusters(*toy).zones["units"].tolist() == [1, 1]
    joined = clusters(*toy, bridge_m=1000)
    assert joined.zones["cluster_id"].tolist() == ["01-01001"]
    assert joined.zones["units"].tolist() == [2]
    apart = clusters(*draw("A ~ .\n"), bridge_m=1000)
    assert apart.neighbours[["cpts_id", "relation", "border_km", "distance_km"]].values.tolist() == [
        ["A", "bridge", 0.0, 1.0]
    ]


def test_an_island_names_the_nearest_cpts_edge_to_edge(draw):
    found = clusters(*draw("A ~ ~ . ~ ~ ~ B"))
    assert found.neighbours[["cpts_id", "relation", "border_km", "distance_km"]].values.tolist() == [
        ["A", "nearest", 0.0, pytest.approx(2.0)]
    ]
    assert found.zones["neighbour_count"].tolist() == [0]


def test_the_nearest_cpts_is_measured_from_the_nearest_part_of_an_archipelago(draw):
    """The white unit has an islet 9 km east of it, 1 km from B; A is 4 km from its main part."""
    toy = draw("A ~ ~ ~ ~ . ~ ~ ~ ~ ~ ~ ~ ~ ~ ~ B")
    shapes = toy.contours.geometry.to_numpy()
    shapes[1] = shapely.union_all([shapes[1], shapely.affinity.translate(shapes[1], 9000)])
    found = clusters(toy.communes, toy.perimeters, toy.contours.set_geometry(shapes, crs=2154))
    assert found.neighbours[["cpts_id", "distance_km"]].values.tolist() == [["B", pytest.approx(1.0)]]


def test_diagonal_units_are_two_clusters(draw):
    assert clusters(*draw(". A\nA .")).zones["units"].tolist() == [1, 1]


def test_a_unit_covered_in_part_brings_the_rest_of_it(draw, make_perimeters):
    toy = draw("A . .", {"01": 101})
    perimeters = make_perimeters([("A", "01000", 1.0), ("A", "01001", 0.3)])
    found = clusters(toy.communes, perimeters, toy.contours)
    assert found.zones[["units", "population_white"]].values.tolist() == [[2, 1000 + 71]]
    assert found.units.set_index("insee_code").loc["01001", "white_share"] == pytest.approx(0.7)
    assert found.neighbours["cpts_id"].tolist() == ["A"]


def test_a_unit_wholly_inside_one_cpts_in_part_has_it_as_neighbour(draw, make_perimeters):
    toy = draw(". ~ A")
    perimeters = make_perimeters([("A", "01002", 1.0), ("B", "01000", 0.5)])
    found = clusters(toy.communes, perimeters, toy.contours)
    assert found.neighbours[["cpts_id", "relation"]].values.tolist() == [["B", "shared_unit"]]


def test_a_unit_without_outline_is_a_cluster_without_shape(draw):
    toy = draw("A . .")
    found = clusters(toy.communes, toy.perimeters, toy.contours.iloc[:2])
    zones = found.zones.set_index("cluster_id")
    assert zones.loc["01-01002", ["units", "units_without_area", "neighbour_count"]].tolist() == [1, 1, 0]
    assert np.isnan(zones.loc["01-01002", "area_km2"])
    assert np.isnan(zones.loc["01-01002", "compactness"])


def test_the_scope_limits_the_white_zones_and_not_the_cpts(draw):
    toy = draw("A . .", {"00": 50_000})
    inside = toy.communes["insee_code"] == "01001"
    found = clusters(*toy, in_scope=inside)
    assert found.units["insee_code"].tolist() == ["01001"]
    assert found.neighbours[["population", "size_class"]].values.tolist() == [[50_000, 2]]


def test_no_white_zone_gives_empty_tables(draw):
    found = clusters(*draw("A A"))
    assert [len(table) for table in found] == [0, 0, 0, 0]
    for name, table in zip(("clusters", "cluster_units", "cluster_parts", "cluster_neighbours"), found, strict=True):
        conform(table, name)


def test_uninhabited_units_have_no_shares(draw):
    parts = clusters(*draw("A .", {"01": 0})).parts
    assert parts["share_of_cluster"].isna().all()


pictures = st.lists(st.lists(st.sampled_from("AB..~"), min_size=4, max_size=4), min_size=4, max_size=4)


@settings(max_examples=4, deadline=None)
@given(pictures, st.randoms(use_true_random=False))
def test_clusters_partition_the_white_population_whatever_the_row_order(draw, rows, random):
    toy = draw("\n".join(" ".join(row) for row in rows) + "\nA .", {"11": 17, "22": 0, "33": 31_337})
    found = clusters(*toy)
    white = unit_coverage(toy.communes, toy.perimeters)
    assert found.zones["population_white"].sum() == white["population_white"].sum()
    assert found.zones["units"].sum() == (white["cpts_count"] == 0).sum()
    assert sorted(found.units["insee_code"]) == sorted(white.loc[white["cpts_count"] == 0, "insee_code"])
    order = list(range(len(toy.communes)))
    random.shuffle(order)
    shuffled = clusters(toy.communes.iloc[order], toy.perimeters, toy.contours.iloc[order[::-1]])
    for name, one, other in zip(
        ("clusters", "cluster_units", "cluster_parts", "cluster_neighbours"), found, shuffled, strict=True
    ):
        pd.testing.assert_frame_equal(one, other)
        conform(one, name)


@settings(max_examples=3, deadline=None)
@given(pictures)
def test_covering_one_more_unit_never_adds_white_population(draw, make_perimeters, rows):
    toy = draw("\n".join(" ".join(row) for row in rows) + "\nA .")
    before = clusters(*toy)
    code = before.units["insee_code"].iloc[0]
    members = toy.perimeters.membership[["cpts_id", "insee_code", "share"]].values.tolist()
    after = clusters(toy.communes, make_perimeters([*members, ("A", code, 1.0)]), toy.contours)
    assert after.zones["population_white"].sum() == before.zones["population_white"].sum() - 1000
