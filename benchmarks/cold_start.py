"""From a cold start to all the tables of France, beside a bare script that only reads the same files with GeoPandas.

python benchmarks/cold_start.py [COMMUNES.parquet] [--rounds 3]

Without a file, on the made-up France of :mod:`benchmarks.france`. EPCI stand for a second layer of territories. The table goes into
docs/benchmarks.md: processor time and peak memory of each process, and the ratio that the target bounds (2, and 1 GB).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import france, perimeters
from benchmarks.side_by_side import Table, write_tables

BARE = "import sys, geopandas, pandas; geopandas.read_parquet(sys.argv[1]).to_crs(2154); pandas.read_csv(sys.argv[2])"


def run(words: list[str]) -> tuple[float, float]:
    """Run Python once; return its processor time and its peak of memory in MB."""
    child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, used = os.wait4(child.pid, 0)
    assert status == 0, f"{words[:2]} failed"
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("communes", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        contours, members = options.communes or folder / "communes.parquet", folder / "perimeters.csv"
        layer = gpd.read_parquet(contours) if options.communes else france()
        if not options.communes:
            layer.to_parquet(contours)
        perimeters(layer).to_csv(members, index=False)
        given = ["--scope", "france", "--contours", str(contours), "--perimeters", str(members), "--with", "epci"]
        out = ["-o", str(folder / "out"), "--overwrite", "--no-maps", "--accept-holes"]
        coverage = ["-m", "cptsgeo", "coverage", "--by", "departement", *given[:2], *given[4:6]]
        cases = {
            "GeoPandas reads the files": ["-c", BARE, str(contours), str(members)],
            "`cptsgeo coverage`, no outlines": coverage,
            "`cptsgeo build --no-maps`, all tables": ["-m", "cptsgeo", "build", "--embedded", *given, *out],
        }
        rows = []
        for name, words in cases.items():
            found = []
            for _round in range(options.rounds):
                found.append(run(words))
                (folder / "out" / "manifest.json").unlink(missing_ok=True)
            rows.append([name, *(statistics.median(one) for one in zip(*found, strict=True))])
    bare = rows[0][1]
    table = [[name, seconds, f"{seconds / bare:.1f}", f"{memory:.0f} MB"] for name, seconds, memory in rows]
    head = ["process", "seconds", "times the bare script", "peak memory"]
    write_tables("cold_start", [Table("Cold start, the whole of France", head, table)], options.rounds)


if __name__ == "__main__":
    main()
