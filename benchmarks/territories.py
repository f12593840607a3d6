"""Measure polygons, rasters and cells beside their peers, in one process and on one core.

python benchmarks/territories.py COMMUNES.parquet

COMMUNES.parquet is a GeoParquet of all communes with a column ``code``. The peers (tobler, rasterstats, scikit-learn)
are in the group ``benchmarks`` of pyproject.toml. Times are those of the process (CPU), medians of three runs in turn.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exactextract
import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterstats
import shapely
import tobler
from affine import Affine
from sklearn.cluster import KMeans

from cptsgeo.cells import Block, bands, sums_of_block
from cptsgeo.communes import embedded_communes
from cptsgeo.placement import place_in_metres
from cptsgeo.rasters import zonal_sums

PERIMETERS = 900
CELLS = 2_300_000
SEED = 0
RUNS = 3


def timed(name: str, function: Callable[[], Any], *, runs: int = RUNS) -> tuple[float, Any]:
    """Return the median CPU time of some runs, and the result."""
    times, result = [], None
    for _run in range(runs):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    median = statistics.median(times)
    print(f"| {name} | {median:.2f} s ({min(times):.2f} to {max(times):.2f}) |", flush=True)
    return median, result


def mainland(path: Path) -> gpd.GeoDataFrame:
    """Read the communes of mainland France and Corsica in metres, with their populations."""
    layer = gpd.read_parquet(path, columns=["code", "geometry"]).rename(columns={"code": "insee_code"})
    layer = layer[~layer["insee_code"].str.startswith("97")].to_crs(2154)
    layer = layer[layer.geometry.is_valid].reset_index(drop=True)
    census = embedded_communes().set_index("insee_code")["population"]
    return layer.assign(population=layer["insee_code"].map(census).fillna(1000).astype("int64"))


def perimeters(communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Dissolve neighbouring communes into perimeters."""
    points = shapely.get_coordinates(shapely.point_on_surface(communes.geometry.to_numpy()))
    group = KMeans(PERIMETERS, n_init=1, max_iter=20, random_state=SEED).fit_predict(points)
    shapes = communes.geometry.groupby(group).agg(lambda part: _union(part.to_numpy()))
    return gpd.GeoDataFrame(
        {"territory_id": [f"{name:03d}" for name in shapes.index]}, geometry=shapes.to_numpy(), crs=2154
    )


def _union(shapes: np.ndarray) -> shapely.Geometry:
    try:
        return shapely.coverage_union_all(shapes)
    except shapely.errors.GEOSException:
        return shapely.union_all(shapes)


def by_placement(polygons: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, *, tolerance_m: float = 30.0) -> pd.Series:
    """Sum populations by area with cptsgeo."""
    whole, cut, _slivers = place_in_metres(polygons, communes, tolerance_m=tolerance_m)
    members = pd.concat([whole, pd.DataFrame(cut.drop(columns="geometry"))])
    census = communes.set_index("insee_code")["population"]
    return (members["insee_code"].map(census) * members["area_share"]).groupby(members["territory_id"]).sum()


def by_overlay(polygons: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> pd.Series:
    """Sum populations by area with geopandas.overlay."""
    whole = communes.assign(whole_area=communes.area)
    pieces = gpd.overlay(whole, polygons, how="intersection")
    return (pieces["population"] * pieces.area / pieces["whole_area"]).groupby(pieces["territory_id"]).sum()


def by_tobler(polygons: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> pd.Series:
    """Sum populations by area with tobler."""
    found = tobler.area_weighted.area_interpolate(communes, polygons, extensive_variables=["population"], n_jobs=1)
    return pd.Series(found["population"].to_numpy(), polygons["territory_id"])


def polygons_case(communes: gpd.GeoDataFrame) -> None:
    """Compare perimeters that follow communes, and perimeters that do not."""
    follow = perimeters(communes)
    moved = np.random.default_rng(SEED).normal(0, 400, (len(follow), 2))
    shifted = [
        shapely.transform(shape, lambda xy, move=move: xy + move)
        for shape, move in zip(follow.geometry, moved, strict=True)
    ]
    drawn = follow.set_geometry(gpd.GeoSeries(shifted, crs=2154).simplify(100).make_valid())
    rounded = follow.set_geometry(
        gpd.GeoSeries(
            shapely.transform(follow.to_crs(4326).geometry.to_numpy(), lambda xy: np.round(xy, 7)), crs=4326
        ).to_crs(2154)
    )
    centres = shapely.multipoints(shapely.point_on_surface(follow.geometry.to_numpy()))
    corners = shapely.get_parts(shapely.voronoi_polygons(centres))
    cells = follow.assign(geometry=shapely.intersection(corners, shapely.box(*communes.total_bounds)))
    for name, layer in (
        ("follow communes", follow),
        ("the same, 7 decimals", rounded),
        ("drawn: moved by 400 m and simplified", drawn),
        ("drawn: straight lines between centres (Voronoi)", cells),
    ):
        print(f"\n{len(layer)} polygons, {name}, x {len(communes)} communes\n")
        ours, result = timed("cptsgeo", lambda layer=layer: by_placement(layer, communes))
        overlay, expected = timed("geopandas.overlay", lambda layer=layer: by_overlay(layer, communes))
        theirs, _found = timed("tobler", lambda layer=layer: by_tobler(layer, communes))
        gap = (result - expected).abs().max()
        plain = (by_placement(layer, communes, tolerance_m=0.0) - expected).abs().max()
        print(
            f"overlay / cptsgeo {overlay / ours:.1f}, tobler / cptsgeo {theirs / ours:.1f}, largest gap {gap:.2f} inhabitants"
            f" ({plain:.4f} without snapping)"
        )


def raster_case(communes: gpd.GeoDataFrame, folder: Path) -> None:
    """Compare zonal sums on a raster of 29.6 million cells."""
    path = folder / "population.tif"
    height, width = 5440, 5440
    west, south, east, north = communes.total_bounds
    values = np.random.default_rng(SEED).gamma(0.2, 10, (height, width)).astype("float32")
    transform = Affine((east - west) / width, 0, west, 0, -(north - south) / height, north)
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype="float32", crs=2154, transform=transform, nodata=-200, tiled=True) as target:  # fmt: skip
        target.write(values, 1)
    zones = perimeters(communes)[["geometry"]]
    print(f"\nraster of {width * height} cells x {len(zones)} polygons\n")
    ours, result = timed("cptsgeo.rasters.zonal_sums", lambda: zonal_sums(path, zones))
    alone, expected = timed(
        "exactextract alone",
        lambda: exactextract.exact_extract(str(path), zones, ["sum"], output="pandas")["sum"].to_numpy(),
    )
    theirs, _found = timed(
        "rasterstats (cells by centre)", lambda: rasterstats.zonal_stats(zones, str(path), stats=["sum"])
    )
    gap = np.abs(result - expected).max()
    print(
        f"cptsgeo / exactextract {ours / alone:.2f}, rasterstats / cptsgeo {theirs / ours:.1f}, largest gap {gap:.6f}"
    )


def cells_case(communes: gpd.GeoDataFrame) -> None:
    """Compare sums of inhabited cells over drawn perimeters."""
    rng = np.random.default_rng(SEED)
    west, south, east, north = communes.total_bounds
    x, y = rng.uniform(west, east, CELLS), rng.uniform(south, north, CELLS)
    people = rng.integers(1, 60, CELLS).astype("float64")
    layer = perimeters(communes)
    layer = layer.set_geometry(layer.simplify(100).make_valid())
    cells = gpd.GeoDataFrame({"people": people}, geometry=gpd.points_from_xy(x, y), crs=2154)
    shapes = layer.geometry.to_numpy()

    def sort() -> Block:
        order = np.argsort(bands(y), kind="stable")
        return Block(2154, x[order], y[order], people[order], 200.0)

    def joined() -> np.ndarray:
        found = cells.sjoin(layer, predicate="within").groupby("territory_id")["people"].sum()
        return found.reindex(layer["territory_id"]).fillna(0).to_numpy()

    print(f"\n{CELLS} cells x {len(layer)} drawn polygons\n")
    block = sort()
    alone, result = timed("cptsgeo.cells", lambda: sums_of_block(block, shapes))
    both, _again = timed("cptsgeo.cells, sorting included", lambda: sums_of_block(sort(), shapes))
    theirs, expected = timed("geopandas.sjoin", joined)
    made, _points = timed("making the points that sjoin needs", lambda: gpd.points_from_xy(x, y))
    gap = np.abs(result - expected).max()
    print(
        f"sjoin / cptsgeo {theirs / alone:.1f}, with sorting and points {(theirs + made) / both:.1f}, largest gap {gap:.6f}"
    )


def main() -> None:
    """Run every case."""
    warnings.simplefilter("ignore")
    communes = mainland(Path(sys.argv[1]))
    polygons_case(communes)
    with tempfile.TemporaryDirectory() as folder:
        raster_case(communes, Path(folder))
    cells_case(communes)


if __name__ == "__main__":
    main()
