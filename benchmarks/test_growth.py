"""Grow each work to 2, 4 and 8 times its size, its peers beside it, on made-up data (:mod:`benchmarks.france`)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import exactextract
import geopandas as gpd
import networkx
import numpy as np
import pandas as pd
import polars
import pytest
import rasterio
import rasterstats
import shapely
from affine import Affine
from libpysal.graph import Graph
from tobler.area_weighted import area_interpolate

from benchmarks.conftest import Measure
from benchmarks.france import FRAME, SEED, cells, listed
from cptsgeo.adjacency import adjacency, connected, neighbours
from cptsgeo.coverage import coverage
from cptsgeo.placement import place_in_metres
from cptsgeo.point_index import locate, point_index
from cptsgeo.rasters import zonal_sums

SIZES = (1, 2, 4, 8)
PERIMETERS = 100
FOLDER = tempfile.TemporaryDirectory()


class Work(NamedTuple):
    """Hold one work: what its table says, what makes its data at a size, and who does it with them, ours first."""

    title: str
    data: Callable[[int], Any]
    by: dict[str, Callable[[Any], Any]]


@lru_cache(maxsize=1)
def units(count: int) -> gpd.GeoDataFrame:
    """Draw units with inhabitants; corners to the centimetre, so that neighbours have them in common to the last bit."""
    people = np.random.default_rng(SEED).integers(10, 5000, count)
    codes = [f"01{place:06d}" for place in range(count)]
    shapes = shapely.transform(cells(count), lambda xy: xy.round(2))
    return gpd.GeoDataFrame({"insee_code": codes, "population": people}, geometry=shapes, crs=2154)


def drawn(layer: gpd.GeoDataFrame, shift: float = 0.0) -> gpd.GeoDataFrame:
    """Gather units into perimeters, moved by some metres when they do not follow the units."""
    group = np.arange(len(layer)) * PERIMETERS // len(layer)
    shapes = shapely.transform(layer.dissolve(group).geometry.to_numpy(), lambda xy: xy + shift)
    return gpd.GeoDataFrame({"territory_id": [f"{one:03d}" for one in range(len(shapes))]}, geometry=shapes, crs=2154)


def _coverage() -> Work:
    def data(times: int) -> Any:
        communes, perimeters = listed(34_875 * times)
        database = duckdb.connect()
        database.register("communes", communes)
        database.register("members", perimeters.membership)
        columns = ["insee_code", "departement_code", "population"]
        tables = polars.from_pandas(communes[columns]), polars.from_pandas(perimeters.membership)
        return communes, perimeters, tables, database

    def by_pandas(data: Any) -> Any:
        communes, perimeters, _tables, _database = data
        rows = perimeters.membership.merge(communes, on="insee_code").drop_duplicates("insee_code")
        return rows.groupby("departement_code")["population"].sum()

    def by_polars(data: Any) -> Any:
        communes, members = data[2]
        rows = members.join(communes, on="insee_code").unique("insee_code")
        return rows.group_by("departement_code").agg(polars.col("population").sum())

    sql = "SELECT departement_code, sum(population) FROM communes SEMI JOIN members USING (insee_code) GROUP BY 1"
    return Work(
        "Coverage of a list of communes, by département: x 1 is 34,875 units; ours has nine definitions, theirs one sum",
        data,
        {
            "cptsgeo.coverage": lambda data: coverage(data[0], data[1], by="departement"),
            "pandas": by_pandas,
            "polars": by_polars,
            "duckdb": lambda data: data[3].sql(sql).fetchall(),
        },
    )


def _polygons() -> Work:
    def data(times: int) -> Any:
        layer = units(2_500 * times)
        return layer, drawn(layer, shift=400)

    def ours(data: Any) -> Any:
        layer, shapes = data
        whole, cut, _slivers = place_in_metres(shapes, layer)
        members = pd.concat([whole, pd.DataFrame(cut.drop(columns="geometry"))])
        people = members["insee_code"].map(layer.set_index("insee_code")["population"])
        return (people * members["area_share"]).groupby(members["territory_id"]).sum()

    def overlay(data: Any) -> Any:
        layer, shapes = data
        pieces = gpd.overlay(layer.assign(whole=layer.area), shapes, how="intersection")
        return (pieces["population"] * pieces.area / pieces["whole"]).groupby(pieces["territory_id"]).sum()

    return Work(
        "Polygons: x 1 is 2,500 units in 100 polygons that cut them",
        data,
        {
            "cptsgeo": ours,
            "geopandas.overlay": overlay,
            "tobler": lambda data: area_interpolate(*data, extensive_variables=["population"], n_jobs=1),
        },
    )


def _clusters() -> Work:
    def data(times: int) -> Any:
        layer = units(5_000 * times)
        return layer[np.random.default_rng(SEED).random(len(layer)) < 0.2].reset_index(drop=True)

    def ours(white: Any) -> Any:
        return connected(white["insee_code"].tolist(), neighbours(adjacency(white).borders))

    def peers(white: Any) -> Any:
        graph = Graph.build_contiguity(white.set_index("insee_code"), rook=True)
        return list(networkx.connected_components(graph.to_networkx()))

    return Work(
        "Clusters: x 1 is 5,000 units, one in five white",
        data,
        {"cptsgeo (borders measured)": ours, "libpysal + networkx": peers},
    )


def _rasters() -> Work:
    def data(times: int) -> Any:
        side = int(1_500 * times**0.5)
        west, south, east, north = FRAME.bounds
        transform = Affine((east - west) / side, 0, west, 0, -(north - south) / side, north)
        path = Path(FOLDER.name) / f"{times}.tif"
        with rasterio.open(
            *(path, "w", "GTiff", side, side, 1, "EPSG:2154", transform, "float32"), nodata=-200, tiled=True
        ) as target:
            target.write(np.random.default_rng(SEED).gamma(0.2, 10, (side, side)).astype("float32"), 1)
        return str(path), drawn(units(2_000))

    return Work(
        "Rasters: x 1 is 2.25 million cells in 100 polygons",
        data,
        {
            "cptsgeo": lambda data: zonal_sums(*data),
            "exactextract": lambda data: exactextract.exact_extract(*data, ["sum"], output="pandas"),
            "rasterstats": lambda data: rasterstats.zonal_stats(data[1], data[0], stats=["sum"]),
        },
    )


def _points() -> Work:
    def data(times: int) -> Any:
        shapes = drawn(units(5_000))
        west, south, east, north = FRAME.bounds
        rng = np.random.default_rng(SEED)
        x, y = rng.uniform(west, east, 50_000 * times), rng.uniform(south, north, 50_000 * times)
        layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=2154)
        return point_index(shapes.geometry.to_numpy().copy()), x, y, layer, shapes

    return Work(
        "Points: x 1 is 50,000 points in 100 polygons",
        data,
        {
            "cptsgeo": lambda data: locate(*data[:3]),
            "geopandas.sjoin": lambda data: data[3].sjoin(data[4], predicate="intersects"),
        },
    )


WORKS = {
    "coverage": _coverage(),
    "polygons": _polygons(),
    "clusters": _clusters(),
    "rasters": _rasters(),
    "points": _points(),
}
CASES = [(work, times, who) for work, one in WORKS.items() for times in SIZES for who in one.by]


@lru_cache(maxsize=1)
def made(work: str, times: int) -> Any:
    """Make the data of a work once for all who do it."""
    return WORKS[work].data(times)


@pytest.mark.parametrize(("work", "times", "who"), CASES)
def test_growth(measure: Measure, work: str, times: int, who: str) -> None:
    """Measure one cell of a table."""
    one, data = WORKS[work], made(work, times)
    measure(lambda: one.by[who](data), table=one.title, row=who, times=times)


def test_peers_find_the_same_clusters() -> None:
    """Compare what is compared."""
    white = made("clusters", 1)
    assert len({len(find(white)) for find in WORKS["clusters"].by.values()}) == 1
