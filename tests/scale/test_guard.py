"""Guard against a slow-down: ratios to a peer in one process, never seconds, against the values kept in guard.json."""

from __future__ import annotations

import gc
import json
import statistics
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from benchmarks.france import SEED, listed
from cptsgeo.coverage import coverage
from cptsgeo.placement import place_in_metres
from cptsgeo.point_index import locate, point_index

KEPT = json.loads((Path(__file__).parent / "guard.json").read_text())
LEEWAY = 2.5
ROUNDS = 2
Pair = tuple[Callable[[], Any], Callable[[], Any]]


def cells(side: int) -> gpd.GeoDataFrame:
    """Draw side x side cells that share borders of many vertices, in metres."""
    frame = shapely.box(0, 0, 1e5, 1e5)
    seeds = shapely.MultiPoint(np.random.default_rng(SEED).uniform(0, 1e5, (side * side, 2)))
    drawn = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=frame))
    shapes = shapely.segmentize(shapely.intersection(drawn, frame), 300)
    return gpd.GeoDataFrame({"territory_id": [f"{n:04d}" for n in range(len(shapes))]}, geometry=shapes, crs=2154)


def coverage_beside_a_join() -> Pair:
    communes, perimeters = listed(34_875)

    def joined() -> Any:
        rows = perimeters.membership.merge(communes, on="insee_code").drop_duplicates("insee_code")
        return rows.groupby("departement_code")["population"].sum()

    return lambda: coverage(communes, perimeters, by="departement"), joined


def points_beside_sjoin() -> Pair:
    polygons = cells(6)
    x, y = np.random.default_rng(SEED).uniform(0, 1e5, (2, 60_000))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=2154)
    index = point_index(polygons.geometry.to_numpy().copy())
    return lambda: locate(index, x, y), lambda: points.sjoin(polygons, predicate="intersects")


def polygons_beside_overlay() -> Pair:
    polygons, units = cells(6), cells(20).rename(columns={"territory_id": "insee_code"})
    return (
        lambda: place_in_metres(polygons, units),
        lambda: gpd.overlay(units, polygons, how="intersection", keep_geom_type=True),
    )


CASES = {
    "coverage / pandas join": coverage_beside_a_join,
    "points / geopandas.sjoin": points_beside_sjoin,
    "polygons / geopandas.overlay": polygons_beside_overlay,
}


def processor_seconds(function: Callable[[], Any]) -> float:
    """Return the median of some rounds; one round before them does not count."""
    function()
    return statistics.median(timeit.repeat(function, setup=gc.enable, timer=time.process_time, number=1, repeat=ROUNDS))


def test_every_kept_ratio_is_measured():
    assert CASES.keys() == KEPT.keys()


@pytest.mark.parametrize("case", CASES)
def test_no_case_is_much_slower_than_it_was_beside_its_peer(case: str):
    ours, peer = CASES[case]()
    ratio = processor_seconds(ours) / processor_seconds(peer)
    assert ratio <= LEEWAY * KEPT[case], "slower than it was; if it is meant, put the ratio into guard.json"
