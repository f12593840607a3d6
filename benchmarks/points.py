"""Count generated points in perimeters on every engine, each in a process of its own: time and memory.

python benchmarks/points.py [COMMUNES.parquet] [--points 1 10] [--engines local duckdb spark sedonadb] [--write]

COMMUNES.parquet is a GeoParquet of all communes with the columns ``code``, ``epci``, ``population``; without it, the
made-up France of :mod:`benchmarks.france`. Points are drawn where people live, in the box of a commune. Memory is that of the
process and all its children, sampled. The table is printed, and with ``--write`` goes into docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import france, source
from benchmarks.tables import machine, markdown, write_part

DOC = Path(__file__).parents[1] / "docs" / "scale.md"
SEED = 0
PERIMETERS = 900
FILES_PER_MILLION = 4
SAMPLE_S = 0.1


def prepare(path: Path | None, folder: Path, millions: list[int]) -> None:
    """Write perimeters (communes, and EPCI put together into 900) and points."""
    communes = france() if path is None else gpd.read_parquet(path, columns=["code", "epci", "population", "geometry"])
    communes["geometry"] = communes.geometry.make_valid(method="structure", keep_collapsed=False)
    communes.rename(columns={"code": "territory_id"})[["territory_id", "geometry"]].to_parquet(
        folder / "communes.parquet"
    )
    epci = communes["epci"].dropna()
    rank = {code: place for place, code in enumerate(dict.fromkeys(epci))}
    group = epci.map(lambda code: f"{rank[code] * PERIMETERS // len(rank):03d}")
    cpts = communes.loc[epci.index].dissolve(group)[["geometry"]].reset_index(names="territory_id")
    cpts.to_parquet(folder / "cpts.parquet")
    rng = np.random.default_rng(SEED)
    boxes = communes.bounds.to_numpy()
    people = communes["population"].fillna(100).to_numpy("float64")
    for count in millions:
        points = folder / f"points-{count}"
        points.mkdir()
        for part in range(count * FILES_PER_MILLION):
            where = boxes[rng.choice(len(boxes), 1_000_000 // FILES_PER_MILLION, p=people / people.sum())]
            places = gpd.points_from_xy(rng.uniform(where[:, 0], where[:, 2]), rng.uniform(where[:, 1], where[:, 3]))
            gpd.GeoDataFrame({"weight": 1.0}, index=range(len(where)), geometry=places, crs=4326).to_parquet(
                points / f"part-{part:04d}.parquet"
            )


def work(engine: str, perimeters: Path, points: Path) -> None:
    """Count once, and print the seconds from the call to the answer and how many points are in a perimeter."""
    begin = time.perf_counter()
    if engine == "sedonadb":
        import sedonadb

        database = sedonadb.connect()
        database.read_parquet(str(perimeters)).to_view("perimeters")
        database.read_parquet(str(points)).to_view("points")
        table = database.sql(
            "SELECT p.territory_id, count(*) AS n FROM points JOIN perimeters p"
            " ON ST_Intersects(p.geometry, points.geometry) GROUP BY 1"
        ).to_arrow_table()
        inside = sum(table["n"].to_pylist())
    elif engine == "geopandas.sjoin":
        inside = len(gpd.read_parquet(points).sjoin(gpd.read_parquet(perimeters), predicate="intersects"))
    else:
        from cptsgeo.assign import assign

        inside = int(assign(points, gpd.read_parquet(perimeters), engine=engine).counts["points"].sum())
    print(json.dumps({"seconds": time.perf_counter() - begin, "inside": inside}))


def measured(engine: str, perimeters: Path, points: Path) -> dict[str, float]:
    """Run one count in a new process, and watch its memory and processor time, children included."""
    begin = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, __file__, "--work", engine, str(perimeters), str(points)], stdout=subprocess.PIPE, text=True
    )
    root = psutil.Process(child.pid)
    peak, cpu = 0, {}
    while child.poll() is None:
        family, memory = [root, *root.children(recursive=True)], 0
        for one in family:
            try:
                memory += one.memory_info().rss
                used = one.cpu_times()
                cpu[one.pid] = used.user + used.system
            except psutil.Error:
                continue
        peak = max(peak, memory)
        time.sleep(SAMPLE_S)
    found = json.loads(child.stdout.read().strip().splitlines()[-1])
    return {"start_to_end_s": time.perf_counter() - begin, "cpu_s": sum(cpu.values()), "peak_gb": peak / 1e9, **found}


def main() -> None:
    """Run every case, and print or write the table."""
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("communes", type=Path, nargs="?")
    parser.add_argument("--points", type=int, nargs="+", default=[1, 10], help="millions")
    parser.add_argument("--engines", nargs="+", default=["local", "duckdb", "spark", "sedonadb"])
    parser.add_argument("--layers", nargs="+", default=["cpts"])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(options.communes, folder, options.points)
        for layer in options.layers:
            for count in options.points:
                for engine in options.engines:
                    found = measured(engine, folder / f"{layer}.parquet", folder / f"points-{count}")
                    memory = f"{found['peak_gb']:.2f} GB"
                    rows.append(
                        [
                            layer,
                            f"{count} million",
                            engine,
                            found["start_to_end_s"],
                            found["cpu_s"],
                            memory,
                            f"{found['inside']:,}",
                        ]
                    )
    head = ["perimeters", "points", "engine", "wall, start included", "processor", "peak memory", "in a perimeter"]
    table = markdown(head, rows)
    print(table)
    if options.write:
        write_part(
            "points",
            [f"Measured with `python benchmarks/points.py --write` on {machine()}, {source(options.communes)}.", table],
            doc=DOC,
        )


if __name__ == "__main__":
    main()
