"""Time commands with hyperfine, beside scripts that do less: starts, and the whole of France from a cold start.

python benchmarks/commands.py [COMMUNES.parquet] [--rounds 3]

Without a file, on the made-up France of :mod:`benchmarks.france`. EPCI and départements stand for CLS and GHT, of
which no national list is free. The tables go into docs/benchmarks.md; the peak of memory is that of one more run of each.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import files, source
from benchmarks.tables import machine, markdown, write_part

STARTS = {
    "`python -c pass`": ["-c", "pass"],
    "`import cptsgeo`": ["-c", "import cptsgeo"],
    "`cptsgeo -h`": ["-m", "cptsgeo", "-h"],
    "`import geopandas`": ["-c", "import geopandas"],
}
START_ROUNDS = 10
BARE = "import sys, geopandas, pandas; geopandas.read_parquet(sys.argv[1]).to_crs(2154); pandas.read_csv(sys.argv[2])"
TABLES = """
import sys
from pathlib import Path
from cptsgeo.results import compute_tables
from cptsgeo.scope import parse_scope
from cptsgeo.study import Inputs, read_study
from cptsgeo.territories import LayerChoice
layers = (LayerChoice("epci"), LayerChoice("departement"))
compute_tables(read_study(Inputs(scope=parse_scope("france"), perimeters=Path(sys.argv[1]), layers=layers)))
"""


def timed(cases: dict[str, list[str]], rounds: int, *, prepare: str = "true") -> list[tuple[float, float]]:
    """Run Python with the words of each case under hyperfine; return seconds of wall (median) and of processor (mean)."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "hyperfine.json"
        options = ["--shell=none", "--style=none", "--runs", str(rounds), "--prepare", prepare]
        commands = [shlex.join([sys.executable, *words]) for words in cases.values()]
        subprocess.run(["hyperfine", *options, "--export-json", str(target), *commands], check=True)
        found = json.loads(target.read_text(encoding="utf-8"))["results"]
    return [(one["median"], one["user"] + one["system"]) for one in found]


def peak(words: list[str], begun: Path) -> float:
    """Run Python once, without what an earlier run says that it wrote; return its peak of memory in MB."""
    begun.unlink(missing_ok=True)
    child = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, used = os.wait4(child.pid, 0)
    assert status == 0, f"{words[:2]} failed"
    return used.ru_maxrss / 1024


def cold_starts(communes: Path | None, folder: Path) -> dict[str, list[str]]:
    """Return the words of each case, once what they read is written."""
    contours, members = files(communes, folder)
    given = ["--scope", "france", "--perimeters", str(members)]
    drawn = ["--contours", str(contours), "--with", "epci", "--with", "departement", "--accept-holes", "--no-maps"]
    out = ["-o", str(folder / "out"), "--overwrite"]
    return {
        "GeoPandas reads the files": ["-c", BARE, str(contours), str(members)],
        "`cptsgeo coverage`, no outlines": ["-m", "cptsgeo", "coverage", "--by", "departement", *given],
        "the tables that need no outline, not written": ["-c", TABLES, str(members)],
        "`cptsgeo build --no-maps`: all tables, plan, cards, CSV and workbook": [
            *("-m", "cptsgeo", "build", "--embedded", *given, *drawn, *out)
        ],
    }


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("communes", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("hyperfine") is None:
        sys.exit("hyperfine is missing: install it (Debian: apt-get install hyperfine)")
    starts = timed(STARTS, START_ROUNDS)
    with tempfile.TemporaryDirectory() as made:
        cases = cold_starts(options.communes, Path(made))
        manifest = Path(made) / "out" / "manifest.json"
        cold = timed(cases, options.rounds, prepare=f"rm -f {manifest}")
        memory = [peak(words, manifest) for words in cases.values()]
    bare = cold[0][1]
    rows = [
        [name, wall, processor, f"{processor / bare:.1f}", f"{megabytes:.0f} MB"]
        for name, (wall, processor), megabytes in zip(cases, cold, memory, strict=True)
    ]
    blocks = [
        f"Measured with `python benchmarks/commands.py --rounds {options.rounds}` on {machine()}, {source(options.communes)}; wall is the median of"
        f" {options.rounds} rounds (starts: {START_ROUNDS}), processor their mean.",
        "### Starts",
        markdown(["command", "wall", "processor"], [[name, *one] for name, one in zip(STARTS, starts, strict=True)]),
        "### Cold start, the whole of France",
        markdown(["process", "wall", "processor", "times the bare script (processor)", "peak memory"], rows),
    ]
    write_part("commands", blocks)


if __name__ == "__main__":
    main()
