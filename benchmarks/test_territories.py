"""Measure polygons, rasters and cells over the whole of France beside their peers, on the real outlines or made-up ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import exactextract
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import rasterstats
import shapely
from affine import Affine
from sklearn.cluster import KMeans
from tobler.area_weighted import area_interpolate

from benchmarks.conftest import Measure
from benchmarks.france import SEED
from cptsgeo.cells import Block, bands, sums_of_block
from cptsgeo.communes import embedded_communes
from cptsgeo.placement import place_in_metres
from cptsgeo.rasters import zonal_sums

PERIMETERS = 900
CELLS = 2_300_000
SIDE = 5440
FOLLOWING = {
    "perimeters that follow communes": "follow",
    "the same, coordinates of seven decimals": "rounded",
    "drawn: moved by 400 m, simplified": "drawn",
    "drawn: Voronoi cells": "voronoi",
}


@pytest.fixture(scope="module")
def mainland(communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the communes of mainland France and Corsica in metres, with their populations."""
    layer = communes[["code", "geometry"]].rename(columns={"code": "insee_code"})
    layer = layer[~layer["insee_code"].str.startswith("97")].to_crs(2154)
    layer = layer[layer.geometry.is_valid].reset_index(drop=True)
    census = embedded_communes().set_index("insee_code")["population"]
    return layer.assign(population=layer["insee_code"].map(census).fillna(1000).astype("int64"))


def union(shapes: np.ndarray) -> shapely.Geometry:
    """Unite shapes, as a coverage where they are one."""
    try:
        return shapely.coverage_union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes)


@pytest.fixture(scope="module")
def layers(mainland: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Gather neighbouring communes into perimeters, and draw them in other ways."""
    points = shapely.get_coordinates(shapely.point_on_surface(mainland.geometry.to_numpy()))
    group = KMeans(PERIMETERS, n_init=1, max_iter=20, random_state=SEED).fit_predict(points)
    shapes = mainland.geometry.groupby(group).agg(lambda part: union(part.to_numpy()))
    names = [f"{name:03d}" for name in shapes.index]
    follow = gpd.GeoDataFrame({"territory_id": names}, geometry=shapes.to_numpy(), crs=2154)
    moves = np.random.default_rng(SEED).normal(0, 400, (len(follow), 2))
    moved = [shapely.transform(shape, partial(np.add, move)) for shape, move in zip(shapes, moves, strict=True)]
    degrees = shapely.transform(follow.to_crs(4326).geometry.to_numpy(), lambda xy: np.round(xy, 7))
    centres = shapely.multipoints(shapely.point_on_surface(follow.geometry.to_numpy()))
    corners = shapely.get_parts(shapely.voronoi_polygons(centres))
    return {
        "follow": follow,
        "rounded": follow.set_geometry(gpd.GeoSeries(degrees, crs=4326).to_crs(2154)),
        "drawn": follow.set_geometry(gpd.GeoSeries(moved, crs=2154).simplify(100).make_valid()),
        "voronoi": follow.assign(geometry=shapely.intersection(corners, shapely.box(*mainland.total_bounds))),
        "simplified": follow.set_geometry(follow.simplify(100).make_valid()),
    }


def by_placement(polygons: gpd.GeoDataFrame, units: gpd.GeoDataFrame, *, tolerance_m: float = 30.0) -> pd.Series:
    """Sum populations by area with cptsgeo."""
    whole, cut, _slivers = place_in_metres(polygons, units, tolerance_m=tolerance_m)
    members = pd.concat([whole, pd.DataFrame(cut.drop(columns="geometry"))])
    census = units.set_index("insee_code")["population"]
    return (members["insee_code"].map(census) * members["area_share"]).groupby(members["territory_id"]).sum()


def by_overlay(polygons: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> pd.Series:
    """Sum populations by area with geopandas.overlay."""
    pieces = gpd.overlay(units.assign(whole=units.area), polygons, how="intersection")
    return (pieces["population"] * pieces.area / pieces["whole"]).groupby(pieces["territory_id"]).sum()


def by_tobler(polygons: gpd.GeoDataFrame, units: gpd.GeoDataFrame) -> pd.Series:
    """Sum populations by area with tobler."""
    found = area_interpolate(units, polygons, extensive_variables=["population"], n_jobs=1)
    return pd.Series(found["population"].to_numpy(), polygons["territory_id"])


PLACERS = {"cptsgeo": by_placement, "geopandas.overlay": by_overlay, "tobler": by_tobler}


@pytest.mark.parametrize("who", PLACERS)
@pytest.mark.parametrize("title", FOLLOWING)
def test_polygons(
    measure: Measure, layers: dict[str, gpd.GeoDataFrame], mainland: gpd.GeoDataFrame, title: str, who: str
) -> None:
    """Sum the inhabitants of perimeters."""
    polygons = layers[FOLLOWING[title]]
    measure(lambda: PLACERS[who](polygons, mainland), table=f"France: {title}", row=who)


@pytest.mark.parametrize("title", FOLLOWING)
def test_peers_find_the_same_inhabitants(
    layers: dict[str, gpd.GeoDataFrame], mainland: gpd.GeoDataFrame, title: str
) -> None:
    """Without snapping, which the peers do not do, every perimeter has the inhabitants of the overlay."""
    polygons = layers[FOLLOWING[title]]
    gap = by_placement(polygons, mainland, tolerance_m=0.0) - by_overlay(polygons, mainland)
    assert gap.abs().max() < 0.01


@pytest.fixture(scope="module")
def raster(mainland: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a raster of 29.6 million cells."""
    path = tmp_path_factory.mktemp("raster") / "population.tif"
    west, south, east, north = mainland.total_bounds
    transform = Affine((east - west) / SIDE, 0, west, 0, -(north - south) / SIDE, north)
    with rasterio.open(
        *(path, "w", "GTiff", SIDE, SIDE, 1, "EPSG:2154", transform, "float32"), nodata=-200, tiled=True
    ) as target:
        target.write(np.random.default_rng(SEED).gamma(0.2, 10, (SIDE, SIDE)).astype("float32"), 1)
    return path


def by_exactextract(path: Path, zones: gpd.GeoDataFrame) -> np.ndarray:
    """Sum a raster with exactextract."""
    return exactextract.exact_extract(str(path), zones, ["sum"], output="pandas")["sum"].to_numpy()


SUMMERS: dict[str, Callable[[Path, gpd.GeoDataFrame], Any]] = {
    "cptsgeo": zonal_sums,
    "exactextract": by_exactextract,
    "rasterstats (cells by centre)": lambda path, zones: rasterstats.zonal_stats(zones, str(path), stats=["sum"]),
}


@pytest.mark.parametrize("who", SUMMERS)
def test_rasters(measure: Measure, layers: dict[str, gpd.GeoDataFrame], raster: Path, who: str) -> None:
    """Sum a raster over perimeters."""
    zones = layers["follow"][["geometry"]]
    measure(lambda: SUMMERS[who](raster, zones), table="France: raster of 29.6 million cells", row=who)


def test_peers_find_the_same_sums(layers: dict[str, gpd.GeoDataFrame], raster: Path) -> None:
    """Each cell counts by the part of it that lies inside."""
    zones = layers["follow"][["geometry"]]
    assert np.abs(zonal_sums(raster, zones) - by_exactextract(raster, zones)).max() < 1e-5


class Grid(NamedTuple):
    """Hold inhabited cells, as arrays, as the points that a join needs and as cptsgeo sorts them, and perimeters."""

    x: np.ndarray
    y: np.ndarray
    people: np.ndarray
    polygons: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    block: Block


@pytest.fixture(scope="module")
def grid(layers: dict[str, gpd.GeoDataFrame]) -> Grid:
    """Make up cells over drawn perimeters."""
    rng = np.random.default_rng(SEED)
    polygons = layers["simplified"]
    west, south, east, north = polygons.total_bounds
    x, y = rng.uniform(west, east, CELLS), rng.uniform(south, north, CELLS)
    people = rng.integers(1, 60, CELLS).astype("float64")
    return Grid(x, y, people, polygons, made_points(x, y, people), sorted_cells(x, y, people))


def made_points(x: np.ndarray, y: np.ndarray, people: np.ndarray) -> gpd.GeoDataFrame:
    """Make the points of a join."""
    return gpd.GeoDataFrame({"people": people}, geometry=gpd.points_from_xy(x, y), crs=2154)


def sorted_cells(x: np.ndarray, y: np.ndarray, people: np.ndarray) -> Block:
    """Sort cells as cptsgeo does."""
    order = np.argsort(bands(y), kind="stable")
    return Block(2154, x[order], y[order], people[order], 200.0)


def by_block(grid: Grid, block: Block) -> np.ndarray:
    """Sum inhabitants with cptsgeo."""
    return sums_of_block(block, grid.polygons.geometry.to_numpy())


def by_join(grid: Grid, points: gpd.GeoDataFrame) -> np.ndarray:
    """Sum inhabitants with geopandas.sjoin."""
    found = points.sjoin(grid.polygons, predicate="within").groupby("territory_id")["people"].sum()
    return found.reindex(grid.polygons["territory_id"]).fillna(0).to_numpy()


FROM_ARRAYS = "France: 2.3 million cells of a grid, from their coordinates"
PREPARED = "France: the same, sorted, or made into points and indexed, beforehand"
COUNTS: dict[tuple[str, str], Callable[[Grid], Any]] = {
    (FROM_ARRAYS, "cptsgeo"): lambda grid: by_block(grid, sorted_cells(*grid[:3])),
    (FROM_ARRAYS, "geopandas.sjoin"): lambda grid: by_join(grid, made_points(*grid[:3])),
    (PREPARED, "cptsgeo"): lambda grid: by_block(grid, grid.block),
    (PREPARED, "geopandas.sjoin"): lambda grid: by_join(grid, grid.points),
}


@pytest.mark.parametrize(("title", "who"), COUNTS)
def test_cells(measure: Measure, grid: Grid, title: str, who: str) -> None:
    """Sum cells over perimeters."""
    measure(lambda: COUNTS[title, who](grid), table=title, row=who)


def test_peers_find_the_same_cells(grid: Grid) -> None:
    """Compare what is compared."""
    assert np.abs(by_block(grid, grid.block) - by_join(grid, grid.points)).max() < 1e-6
