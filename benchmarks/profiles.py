"""Profile the national build and atlas, and the crisis kit of a région: which steps take the time, which lines the memory.

python benchmarks/profiles.py DATA [--only build atlas crisis]

DATA is as for benchmarks/planning.py, with finess/. Each command runs in a process of its own under pyinstrument, which looks
where it is a thousand times a second, then under memray, which counts every allocation. Steps of cptsgeo that hold at least
2 % of the time, and lines that hold at least 2 % of the memory at its peak, go into docs/performance.md. Not on Windows (memray).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import memray

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.crisis_kit import resources
from benchmarks.planning import made_up_perimeters
from benchmarks.tables import machine, markdown, write_part
from cptsgeo.adjacency import adjacency
from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.optout import identifier, new_register, write_register
from cptsgeo.plan_tables import membership_list

DOC = Path(__file__).parents[1] / "docs" / "performance.md"
LEAST = 0.02
DEPTH = 5
REGION = "93"
RESOURCES = 20_000
HIDDEN = {"<module>", "<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>", "main", "command"}


def own_step(path: str, function: str) -> str:
    """Name a function of cptsgeo; empty for others."""
    _before, ours, module = path.replace("\\", "/").rpartition("cptsgeo/")
    if not ours or not module.endswith(".py") or function in HIDDEN:
        return ""
    return f"{module.removesuffix('.py').replace('/', '.')}.{function}"


def own_steps(frames: list[dict[str, Any]]) -> dict[str, tuple[float, list[dict[str, Any]]]]:
    """Sum the nearest frames of cptsgeo below some frames: time, and what lies below."""
    found: dict[str, tuple[float, list[dict[str, Any]]]] = {}
    for frame in frames:
        name = own_step(frame["file_path_short"], frame["function"])
        below = {name: (frame["time"], frame["children"])} if name else own_steps(frame["children"])
        for key, (seconds, children) in below.items():
            before = found.get(key, (0.0, []))
            found[key] = (before[0] + seconds, before[1] + children)
    return found


def rows(frames: list[dict[str, Any]], least: float, depth: int = 0) -> Iterator[list[str]]:
    """Yield a row for each step that holds enough of the time, the steps within it after it."""
    for name, (seconds, children) in sorted(own_steps(frames).items(), key=lambda one: -one[1][0]):
        if seconds >= least and depth < DEPTH:
            yield [f"{'– ' * depth}`{name}`", f"{seconds:.1f}"]
            yield from rows(children, least, depth + 1)


def profiled(words: list[str]) -> tuple[dict[str, Any], float]:
    """Run cptsgeo under the profiler; return the frame of all, and the peak of memory in MB."""
    with tempfile.NamedTemporaryFile(suffix=".json") as target:
        line = [*("-m", "pyinstrument", "-r", "json", "-o", target.name), *("-m", "cptsgeo", *words)]
        child = subprocess.Popen([sys.executable, *line], stdout=subprocess.DEVNULL)
        _pid, status, used = os.wait4(child.pid, 0)
        assert status == 0, f"cptsgeo {words[0]} failed"
        return json.loads(Path(target.name).read_text(encoding="utf-8"))["root_frame"], used.ru_maxrss / 1024


def memory(words: list[str]) -> tuple[list[list[str]], float]:
    """Run cptsgeo under memray; return the lines that hold most at the peak, in MB, and the peak."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "allocations.bin"
        line = [*("-m", "memray", "run", "--quiet", "--aggregate", "-o", str(target)), *("-m", "cptsgeo", *words)]
        # The pool of Arrow's own reserves a gigabyte that it never fills.
        plain = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
        subprocess.run([sys.executable, *line], stdout=subprocess.DEVNULL, check=True, env=plain)
        held: Counter[str] = Counter()
        for record in memray.FileReader(target).get_high_watermark_allocation_records(merge_threads=True):
            steps = ((own_step(path, function), at) for function, path, at in record.stack_trace())
            name, at = next(((name, at) for name, at in steps if name), ("imports and the rest", 0))
            held[f"`{name}`, line {at}" if at else name] += record.size / 1e6
    peak = sum(held.values())
    return [[name, f"{size:.0f}"] for name, size in held.most_common() if size >= LEAST * peak], peak


def commands(data: Path, folder: Path) -> dict[str, tuple[str, list[str]]]:
    """Make the inputs, and return what is profiled: title and words, but for the folder to write to."""
    outlines = [
        data / "communes" / name for name in ("communes_cog2026.parquet", "arrondissements_municipaux_2016.geojson")
    ]
    layer = read_contours(tuple(outlines))
    membership_list(made_up_perimeters(embedded_communes(), adjacency(layer))).to_csv(folder / "list.csv", index=False)
    resources(data / "finess" / "finess_2021-01-08_geo.parquet", layer, REGION, RESOURCES).to_csv(
        folder / "resources.csv", index=False
    )
    write_register(new_register().with_identifier(identifier("10123456789"), date.today()), folder / "optout.json")
    drawn = [word for path in outlines for word in ("--contours", str(path))]
    france = ["--scope", "france", *drawn, "--perimeters", str(folder / "list.csv"), "--accept-holes"]
    kit = ["--resources", str(folder / "resources.csv"), "--optout", str(folder / "optout.json"), "--title", "Essai"]
    return {
        "build": ("`cptsgeo build` of France, pages included", ["build", *france]),
        "atlas": ("`cptsgeo atlas` of France", ["atlas", *france]),
        "crisis": (
            f"`cptsgeo crisis` of a région, {RESOURCES} resources",
            ["crisis", *kit, "--audience", "cellule_de_crise", "--scope", f"region={REGION}", *drawn],
        ),
    }


def main() -> None:
    """Profile, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=("build", "atlas", "crisis"), default=["build", "atlas", "crisis"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        for name, (title, words) in commands(options.data, Path(made)).items():
            if name not in options.only:
                continue
            root, peak = profiled([*words, "-o", str(Path(made) / f"{name}-timed")])
            said = f"{root['time']:.0f} s of wall, {peak:.0f} MB at the peak; {machine()}."
            table = markdown(["step", "seconds"], list(rows([root], LEAST * root["time"])))
            lines, held = memory([*words, "-o", str(Path(made) / f"{name}-counted")])
            of_memory = f"Of the {held:.0f} MB allocated at the peak, these lines hold:"
            blocks = [f"### {title}", said, table, of_memory, markdown(["line", "MB"], lines)]
            write_part(f"profile-{name}", blocks, doc=DOC)


if __name__ == "__main__":
    main()
