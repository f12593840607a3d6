"""Grow each work to 2, 4 and 8 times its size, its peers beside it: processor time, slope, memory.

python benchmarks/growth.py [--rounds 3] [--only clusters rasters]

Each measure runs in a process of its own on made-up data (:mod:`benchmarks.france`), so that the peak of memory is its own (Linux); the
time is the median of the rounds, without the making of the data. The tables go into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import FRAME, SEED, cells
from benchmarks.side_by_side import Table, processor, write_tables

SIZES = (1, 2, 4, 8)
PERIMETERS = 100
Work = dict[str, Callable[[], Any]]


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


def polygons(times: int) -> Work:
    """Sum inhabitants by area over polygons that do not follow the units."""
    from tobler.area_weighted import area_interpolate

    from cptsgeo.placement import place_in_metres

    layer = units(2_500 * times)
    shapes = drawn(layer, shift=400)

    def ours() -> Any:
        whole, cut, _slivers = place_in_metres(shapes, layer)
        members = pd.concat([whole, pd.DataFrame(cut.drop(columns="geometry"))])
        people = members["insee_code"].map(layer.set_index("insee_code")["population"])
        return (people * members["area_share"]).groupby(members["territory_id"]).sum()

    def overlay() -> Any:
        pieces = gpd.overlay(layer.assign(whole=layer.area), shapes, how="intersection")
        return (pieces["population"] * pieces.area / pieces["whole"]).groupby(pieces["territory_id"]).sum()

    return {
        "cptsgeo": ours,
        "geopandas.overlay": overlay,
        "tobler": lambda: area_interpolate(layer, shapes, extensive_variables=["population"], n_jobs=1),
    }


def clusters(times: int) -> Work:
    """Gather units that share a border of positive length, one in five of them."""
    import networkx
    from libpysal.graph import Graph

    from cptsgeo.adjacency import adjacency, connected, neighbours

    layer = units(5_000 * times)
    white = layer[np.random.default_rng(SEED).random(len(layer)) < 0.2].reset_index(drop=True)

    def ours() -> Any:
        ground = adjacency(white)
        return connected(white["insee_code"].tolist(), neighbours(ground.borders))

    def peers() -> Any:
        graph = Graph.build_contiguity(white.set_index("insee_code"), rook=True)
        return list(networkx.connected_components(graph.to_networkx()))

    assert len(ours()) == len(peers()), "the same clusters"
    return {"cptsgeo (borders measured)": ours, "libpysal + networkx": peers}


def rasters(times: int) -> Work:
    """Sum a raster over perimeters."""
    import exactextract
    import rasterstats

    from cptsgeo.rasters import zonal_sums

    side = int(1_500 * times**0.5)
    zones = drawn(units(2_000))
    west, south, east, north = FRAME.bounds
    transform = Affine((east - west) / side, 0, west, 0, -(north - south) / side, north)
    path = Path(tempfile.mkdtemp()) / "r.tif"
    with rasterio.open(
        *(path, "w", "GTiff", side, side, 1, "EPSG:2154", transform, "float32"), nodata=-200, tiled=True
    ) as target:
        target.write(np.random.default_rng(SEED).gamma(0.2, 10, (side, side)).astype("float32"), 1)
    return {
        "cptsgeo": lambda: zonal_sums(path, zones),
        "exactextract": lambda: exactextract.exact_extract(str(path), zones, ["sum"], output="pandas"),
        "rasterstats": lambda: rasterstats.zonal_stats(zones, str(path), stats=["sum"]),
    }


def points(times: int) -> Work:
    """Find the perimeter of points."""
    from cptsgeo.point_index import locate, point_index

    shapes = drawn(units(5_000))
    west, south, east, north = FRAME.bounds
    rng = np.random.default_rng(SEED)
    x, y = rng.uniform(west, east, 125_000 * times), rng.uniform(south, north, 125_000 * times)
    index = point_index(shapes.geometry.to_numpy().copy())
    layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=2154)
    return {
        "cptsgeo": lambda: locate(index, x, y),
        "geopandas.sjoin": lambda: layer.sjoin(shapes, predicate="intersects"),
    }


WORKS: dict[str, tuple[Callable[[int], Work], str]] = {
    "polygons": (polygons, "2,500 units in 100 polygons that cut them"),
    "clusters": (clusters, "5,000 units, one in five white"),
    "rasters": (rasters, "2.25 million cells in 100 polygons"),
    "points": (points, "125,000 points in 100 polygons"),
}


def measured(work: str, times: int, who: str, rounds: int) -> dict[str, float]:
    """Measure one of a work's peers in a new process."""
    words = [sys.executable, __file__, "--work", work, str(times), who, str(rounds)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def one(work: str, times: int, who: str, rounds: int) -> None:
    """Print the seconds and the memory of one of a work's peers, or the names of all of them."""
    warnings.simplefilter("ignore")
    made = WORKS[work][0](times)
    if who == "?":
        print(json.dumps(dict.fromkeys(made, 0)))
        return
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    seconds = processor(made[who], rounds)
    print(json.dumps({"seconds": seconds, "megabytes": memory("VmHWM") - before}))


def memory(what: str) -> float:
    """Read a line of /proc/self/status, in MB: ``VmRSS`` now, ``VmHWM`` the highest since it was cleared."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def grown(work: str, rounds: int) -> Table:
    """Measure a work at every size; a row for each peer."""
    names = list(measured(work, 1, "?", 1))
    rows = []
    first: list[float] = []
    for name in names:
        found = [measured(work, times, name, rounds) for times in SIZES]
        seconds = [one["seconds"] for one in found]
        first = first or seconds
        slope = float(np.polyfit(np.log(SIZES), np.log(seconds), 1)[0])
        added = "{:.0f} to {:.0f} MB".format(found[0]["megabytes"], found[-1]["megabytes"])
        rows.append([name, *seconds, f"{slope:.2f}", f"{seconds[-1] / first[-1]:.1f}", added])
    head = [work, *(f"x {times}" for times in SIZES), "slope", "ratio at x 8", "memory added, x 1 to x 8"]
    return Table(f"{work.capitalize()}: x 1 is {WORKS[work][1]}", head, rows)


def main() -> None:
    """Measure every work, and write the tables."""
    if sys.argv[1:2] == ["--work"]:
        one(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS))
    options = parser.parse_args()
    write_tables("growth", [grown(work, options.rounds) for work in options.only], options.rounds)


if __name__ == "__main__":
    main()
