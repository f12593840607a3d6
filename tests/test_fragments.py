"""Drawn perimeters that overlap inside a commune: who is in both, in all three, and in any, to the inhabitant."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from cptsgeo.cells import Block, Cells
from cptsgeo.check import check
from cptsgeo.coverage import coverage, unit_coverage
from cptsgeo.drawn import parse_drawn_perimeters
from cptsgeo.grids import Grid
from cptsgeo.perimeters import STAGES, Perimeters, with_stages
from cptsgeo.population import polygon_shares, population_within
from cptsgeo.sizes import double_counts, double_counts_by_pair, sizes

X, Y = 900_000.0, 6_400_000.0
COMMUNES = pd.DataFrame(
    {"insee_code": ["04001", "04002", "04003"], "name": ["Un", "Deux", "Trois"], "population": [100, 60, 0]}
).astype({"population": "Int64"})
COMMUNES = COMMUNES.assign(region_code="93", region_name="Sud")
CONTOURS = gpd.GeoDataFrame(
    {"insee_code": COMMUNES["insee_code"]},
    geometry=[box(X + 1000 * i, Y, X + 1000 * (i + 1), Y + 1000) for i in range(3)],
    crs=2154,
)


def drawn(*slabs: tuple[float, float]) -> gpd.GeoDataFrame:
    shapes = [box(X + west, Y - 500, X + east, Y + 1500) for west, east in slabs]
    return gpd.GeoDataFrame({"territory_id": list("abcdefgh"[: len(shapes)])}, geometry=shapes, crs=2154)


def perimeters(layer: gpd.GeoDataFrame, *stages: str | None, grid: Grid | None = None) -> Perimeters:
    shares = polygon_shares(layer, COMMUNES, CONTOURS, grid=grid, area_weighting=grid is None)
    stage = pd.Categorical([*stages, *[None] * (len(layer) - len(stages))], list(STAGES), ordered=True)
    cpts = pd.DataFrame({"cpts_id": layer["territory_id"], "cpts_name": layer["territory_id"], "stage": stage})
    renamed = {"territory_id": "cpts_id"}
    return Perimeters(cpts, shares.membership.rename(columns=renamed), shares.fragments.rename(columns=renamed))


def by_pair(found: Perimeters) -> dict[str, int]:
    table = double_counts_by_pair(COMMUNES, found)
    return dict(zip(table["cpts_id"] + table["other_id"], table["population"], strict=True))


THREE = drawn((-100, 600), (400, 1000), (500, 700))
"""Over 1 km: a alone 40 %, a and b 10 %, all three 10 %, b and c 10 %, b alone 30 %."""


def test_three_perimeters_that_overlap_in_one_commune_by_hand() -> None:
    found = perimeters(THREE)
    assert found.fragments is not None
    alone = found.fragments.groupby("fragment").agg(who=("cpts_id", "".join), share=("share", "first"))
    assert dict(zip(alone["who"], alone["share"], strict=True)) == pytest.approx(
        {"a": 0.4, "ab": 0.1, "abc": 0.1, "bc": 0.1, "b": 0.3}
    )
    assert sizes(COMMUNES, found)["population"].tolist() == [60, 60, 20]
    assert by_pair(found) == {"ab": 20, "ac": 10, "bc": 20}
    ledger = double_counts(COMMUNES, found)
    assert ledger[["population_counted", "population_covered", "double_count"]].to_numpy().tolist() == [[140, 100, 40]]


def test_the_check_says_how_many_are_counted_too_many() -> None:
    communes = COMMUNES.assign(density_level=pd.array([1, 1, 1], dtype="Int64"))
    said = [
        finding.problem
        for finding in check(communes, perimeters(THREE), in_scope=pd.Series(True, communes.index))
        if finding.rule == "unit_in_several_cpts"
    ]
    assert len(said) == 1
    assert "qui s’y recouvrent" in said[0]
    assert "couverte une fois, 40 habitants de trop" in said[0]


def test_stages_count_distinct_ground_once() -> None:
    units = unit_coverage(COMMUNES, perimeters(THREE, "projet_valide", "pre_projet")).set_index("name").loc["Un"]
    assert units[["covered_pre_projet", "covered_projet_valide", "covered_aci_signe"]].tolist() == [100, 60, 0]
    assert units[["undecided_projet_valide", "undecided_aci_signe"]].tolist() == [10, 20]
    only_c_and_a = with_stages(perimeters(THREE, "projet_valide", "pre_projet"), ["projet_valide", "unknown"])
    assert unit_coverage(COMMUNES, only_c_and_a)["population_covered"].tolist() == [70, 0, 0]
    assert by_pair(only_c_and_a) == {"ac": 10}


def test_two_that_overlap_inside_a_third_that_holds_the_commune_whole() -> None:
    found = perimeters(drawn((-10, 1000), (-10, 500), (300, 800)))
    assert by_pair(found) == {"ab": 50, "ac": 50, "bc": 20}
    assert double_counts(COMMUNES, found)["double_count"].tolist() == [100]


def test_pieces_side_by_side_have_nobody_in_common() -> None:
    found = perimeters(drawn((-100, 400), (400, 900)))
    assert found.fragments is not None
    assert found.fragments.empty
    assert by_pair(found) == {"ab": 0}
    assert double_counts(COMMUNES, found)["double_count"].tolist() == [0]


def test_side_by_side_in_a_commune_without_inhabitants_is_no_overlap() -> None:
    shares = polygon_shares(drawn((2000, 2400), (2400, 3000)), COMMUNES, CONTOURS)
    assert not [finding for finding in shares.findings if finding.rule == "polygons_overlap"]


def test_the_same_ground_drawn_twice() -> None:
    found = perimeters(drawn((-100, 1500), (-100, 1500)))
    assert by_pair(found) == {"ab": 130}
    assert coverage(COMMUNES, found)["population_covered"].iloc[0] == 130


def test_the_grid_and_not_the_area_says_who_is_in_both(tmp_path) -> None:  # type: ignore[no-untyped-def]
    x = np.array([X + 100.0, X + 450.0, X + 900.0])
    grid = Cells("points.csv", (Block(2154, x, np.full(3, Y + 500), np.array([10.0, 85.0, 5.0]), 0.0),))
    layer = drawn((-100, 500), (400, 1000)).rename(columns={"territory_id": "cpts_id"})
    layer.to_file(tmp_path / "drawn.gpkg")
    drawing = parse_drawn_perimeters(tmp_path / "drawn.gpkg", COMMUNES, CONTOURS, grid=grid)
    assert sizes(COMMUNES, drawing.perimeters)["population"].tolist() == [95, 90]
    assert by_pair(drawing.perimeters) == {"ab": 85}
    (said,) = [finding for finding in drawing.findings if finding.rule == "polygons_overlap"]
    assert ": 85 " in said.problem


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 28), st.integers(0, 9), st.integers(1, 25), st.integers(1, 9)),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(1, 1999), st.integers(1, 999)), min_size=60, max_size=60),
)
def test_the_union_is_that_of_the_perimeters_dissolved(
    corners: list[tuple[int, int, int, int]], homes: list[tuple[int, int]]
) -> None:
    places = np.array([(X + x / 2 + 0.25, Y + y + 0.25) for x, y in homes] + [(X + 500.3, Y + 500.3)] * 40)
    places = np.concatenate([places, [(X + 1500.3, Y + 500.3)] * 60])
    x, y = places[np.argsort(places[:, 1], kind="stable")].T
    grid = Cells("homes.csv", (Block(2154, x, y, np.ones(len(places)), 0.0),))
    shapes = [
        box(X + 100 * x, Y + 100 * y, X + 100 * (x + width), Y + 100 * (y + height)) for x, y, width, height in corners
    ]
    layer = gpd.GeoDataFrame({"territory_id": list("abcd"[: len(shapes)])}, geometry=shapes, crs=2154)
    found = perimeters(layer, grid=grid)
    together = gpd.GeoDataFrame(geometry=[shapely.union_all(shapes)], crs=2154)
    whole = population_within(together, grid=grid, communes=COMMUNES, contours=CONTOURS)["population"].iloc[0]
    ledger = double_counts(COMMUNES, found)
    union = coverage(COMMUNES, found)["population_covered"].iloc[0]
    assert union == whole
    assert sizes(COMMUNES, found)["population"].sum() - ledger["double_count"].sum() == union
    pairs = by_pair(found)
    for one, other in combinations(range(len(shapes)), 2):
        both = gpd.GeoDataFrame(geometry=[shapely.intersection(shapes[one], shapes[other])], crs=2154)
        assert pairs.get("abcd"[one] + "abcd"[other], 0) == grid.sums(both)[0]
