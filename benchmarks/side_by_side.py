"""Measure starts, coverage and points beside their peers, in one run, and write the tables into docs/benchmarks.md.

python benchmarks/side_by_side.py [--rounds 5] [--guard]

Times are those of the processor (children included), so that a busy machine changes ratios little; each is the
median of the rounds. ``--guard`` prints the ratios that tests/scale/test_guard.py compares with guard.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from cptsgeo.coverage import coverage
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.placement import place_in_metres
from cptsgeo.point_index import locate, point_index

UNITS = 34_875
CPTS = 900
SEED = 0
DOC = Path(__file__).parents[1] / "docs" / "benchmarks.md"
STARTS = {
    "python -c pass": ["-c", "pass"],
    "import cptsgeo": ["-c", "import cptsgeo"],
    "cptsgeo -h": ["-m", "cptsgeo", "-h"],
    "import geopandas": ["-c", "import geopandas"],
}


def processor(function: Callable[[], Any], rounds: int) -> float:
    """Return the median processor time of some rounds, in seconds; one round before them does not count."""
    function()
    times = []
    for _round in range(rounds):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return statistics.median(times)


def child(words: list[str]) -> float:
    """Run Python once and return its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def france(units: int) -> tuple[pd.DataFrame, Perimeters]:
    """Make up units like those of France, nine in ten of them in one of 900 CPTS."""
    rng = np.random.default_rng(SEED)
    codes = [f"{place:07d}" for place in range(units)]
    departement = pd.Series([f"{place % 101:02d}" for place in range(units)])
    communes = pd.DataFrame(
        {"insee_code": codes, "name": codes, "departement_code": departement, "departement_name": departement}
    )
    communes = communes.assign(
        region_code="1", region_name="1", epci_siren="2", epci_name="2", population_year=2023, density_level=1
    )
    communes["population"] = pd.array(rng.integers(10, 5000, units), dtype="Int64")
    ids = [f"C{place:03d}" for place in range(CPTS)]
    inside = np.flatnonzero(rng.random(units) < 0.9)
    members = pd.DataFrame(
        {
            "cpts_id": np.array(ids)[inside * CPTS // units],
            "insee_code": np.array(codes)[inside],
            "share": 1.0,
            "method": "list",
        }
    )
    stage = pd.Categorical(rng.choice(STAGES, CPTS), categories=list(STAGES), ordered=True)
    return communes, Perimeters(pd.DataFrame({"cpts_id": ids, "cpts_name": ids, "stage": stage}), members)


def joined(communes: pd.DataFrame, members: pd.DataFrame) -> pd.Series:
    """Sum covered inhabitants by département with pandas, as a list of communes without stages allows."""
    rows = members.merge(communes, on="insee_code").drop_duplicates("insee_code")
    return rows.groupby("departement_code")["population"].sum()


def coverage_rows(rounds: int) -> list[list[Any]]:
    """Compare the nine definitions of coverage by département with one plain join of each peer, as units grow."""
    return [_coverage_row(times, rounds) for times in (1, 2, 4, 8)]


def _coverage_row(times: int, rounds: int) -> list[Any]:
    import duckdb
    import polars

    communes, perimeters = france(UNITS * times)
    members = perimeters.membership
    one, other = (
        polars.from_pandas(communes[["insee_code", "departement_code", "population"]]),
        polars.from_pandas(members),
    )
    database = duckdb.connect()
    database.register("communes", communes)
    database.register("members", members)
    sql = "SELECT departement_code, sum(population) FROM communes SEMI JOIN members USING (insee_code) GROUP BY 1"
    ours = processor(lambda: coverage(communes, perimeters, by="departement"), rounds)
    peers = {
        "pandas": processor(lambda: joined(communes, members), rounds),
        "polars": processor(
            lambda: (
                other.join(one, on="insee_code")
                .unique("insee_code")
                .group_by("departement_code")
                .agg(polars.col("population").sum())
            ),
            rounds,
        ),
        "duckdb": processor(lambda: database.sql(sql).fetchall(), rounds),
    }
    return [f"{UNITS * times:,}".replace(",", " "), ours, *peers.values()]


def squares(side: int) -> gpd.GeoDataFrame:
    """Draw perimeters that share borders: side x side cells with wavy edges, in metres."""
    rng = np.random.default_rng(SEED)
    seeds = shapely.MultiPoint(rng.uniform(0, 100_000, (side * side, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, 1e5, 1e5)))
    cells = shapely.segmentize(shapely.intersection(cells, shapely.box(0, 0, 1e5, 1e5)), 300)
    return gpd.GeoDataFrame({"territory_id": [f"{n:04d}" for n in range(len(cells))]}, geometry=cells, crs=2154)


def guard(rounds: int = 3) -> dict[str, float]:
    """Return three ratios, cptsgeo over a peer that does comparable work in the same process."""
    communes, perimeters = france(UNITS)
    polygons, units = squares(6), squares(20).rename(columns={"territory_id": "insee_code"})
    x, y = np.random.default_rng(SEED).uniform(0, 1e5, (2, 60_000))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=2154)
    index = point_index(polygons.geometry.to_numpy().copy())
    return {
        "coverage / pandas join": processor(lambda: coverage(communes, perimeters, by="departement"), rounds)
        / processor(lambda: joined(communes, perimeters.membership), rounds),
        "points / geopandas.sjoin": processor(lambda: locate(index, x, y), rounds)
        / processor(lambda: points.sjoin(polygons, predicate="intersects"), rounds),
        "polygons / geopandas.overlay": processor(lambda: place_in_metres(polygons, units), rounds)
        / processor(lambda: gpd.overlay(units, polygons, how="intersection", keep_geom_type=True), rounds),
    }


class Table(NamedTuple):
    """Hold one table of measures: a title, the columns, rows of texts and seconds, and what is said below."""

    title: str
    head: list[str]
    rows: list[list[Any]]
    words: str = ""


def write_tables(part: str, tables: list[Table], rounds: int) -> None:
    """Put tables in the place of one part of docs/benchmarks.md, with the machine named."""
    blocks = [
        f"Measured with `python benchmarks/{part}.py --rounds {rounds}` on {os.cpu_count()} cores ({processor_name()},"
        f" {platform.system()}), Python {platform.python_version()}; processor seconds, median of {rounds} rounds.",
    ]
    for table in tables:
        blocks += [f"## {table.title}", *([table.words] if table.words else []), markdown(table.head, table.rows)]
    write_part(DOC, part, blocks)


def write_part(doc: Path, part: str, blocks: list[str]) -> None:
    """Put blocks of Markdown in the place of one part of a document."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    text = doc.read_text(encoding="utf-8")
    doc.write_text(text.split(begin)[0] + "\n\n".join([begin, *blocks, end]) + text.split(end)[1], encoding="utf-8")


def processor_name() -> str:
    """Name the processor as Linux does."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def markdown(head: list[str], rows: list[list[Any]]) -> str:
    """Write a table; numbers are seconds."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(cell if isinstance(cell, str) else f"{cell:.3f}" for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and replace our part of docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--guard", action="store_true")
    options = parser.parse_args()
    if options.guard:
        print(json.dumps(guard(options.rounds), indent=1))
        return
    starts = {name: [child(words) for _round in range(options.rounds)] for name, words in STARTS.items()}
    growth = coverage_rows(options.rounds)
    slope = np.polyfit(np.log([1, 2, 4, 8]), np.log([row[1] for row in growth]), 1)[0]
    ratios = guard(options.rounds)
    write_tables(
        "side_by_side",
        [
            Table(
                "Starts",
                ["command", "seconds"],
                [[f"`{name}`", statistics.median(times)] for name, times in starts.items()],
            ),
            Table(
                "Coverage of a list of communes, by département",
                ["units", "cptsgeo.coverage", "pandas", "polars", "duckdb"],
                growth,
                "cptsgeo computes nine definitions, double counts and stages; the peers make one join and one sum. Its time"
                f" grows as the number of units to the power {slope:.2f}.",
            ),
            Table("Ratios that CI guards", ["case", "ratio"], [[name, ratio] for name, ratio in ratios.items()]),
        ],
        options.rounds,
    )


if __name__ == "__main__":
    main()
