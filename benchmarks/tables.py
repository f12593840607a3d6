"""Write what pytest-benchmark measured into docs/benchmarks.md, a table for each work.

python benchmarks/tables.py MEASURES.json

MEASURES.json comes from ``pytest benchmarks --benchmark-json=MEASURES.json``, as `make bench` runs it. The file of a case
names the part of the document, and :mod:`benchmarks.conftest` the cell.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

DOC = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def machine() -> str:
    """Name the machine: cores, processor, system, Python."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({name}, {platform.system()}), Python {platform.python_version()}"


def markdown(head: list[str], rows: list[list[Any]]) -> str:
    """Write a table; numbers are seconds."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(cell if isinstance(cell, str) else f"{cell:.3f}" for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines)


def write_part(part: str, blocks: list[str], *, doc: Path = DOC) -> None:
    """Put blocks of Markdown in the place of one part of a document."""
    begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
    text = doc.read_text(encoding="utf-8")
    doc.write_text(text.split(begin)[0] + "\n\n".join([begin, *blocks, end]) + text.split(end)[1], encoding="utf-8")


def table(title: str, cases: list[dict[str, Any]]) -> list[str]:
    """Write the table of one work: a row for each who does it, the first one ours."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for case in cases:
        rows.setdefault(case["extra_info"]["row"], []).append(case)
    sizes = [case["extra_info"]["times"] for case in next(iter(rows.values()))]
    ours = next(iter(rows.values()))[-1]["stats"]["median"]
    lines = []
    for name, found in rows.items():
        seconds = [case["stats"]["median"] for case in found]
        memory = [f"{case['extra_info']['megabytes']:.0f}" for case in (found[0], found[-1])]
        line = [name, *seconds]
        if len(sizes) > 1:
            line.append(f"{np.polyfit(np.log(sizes), np.log(seconds), 1)[0]:.2f}")
        lines.append([*line, f"{seconds[-1] / ours:.2f}", " to ".join(dict.fromkeys(memory)) + " MB"])
    measured = [f"x {size}" for size in sizes] if len(sizes) > 1 else ["seconds"]
    slope = ["slope"] if len(sizes) > 1 else []
    return [f"### {title}", markdown(["", *measured, *slope, "times ours", "memory"], lines)]


def main() -> None:
    """Write a part for each file of cases."""
    measures = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    where = {"growth": "made-up data", "territories": measures["machine_info"]["outlines"]}
    for file, cases in groupby(measures["benchmarks"], lambda case: Path(case["fullname"].partition("::")[0]).stem):
        part = file.removeprefix("test_")
        blocks = [f"Measured on {machine()}, {where[part]}."]
        for title, cells in groupby(cases, lambda case: case["extra_info"]["table"]):
            blocks += table(title, list(cells))
        write_part(part, blocks)


if __name__ == "__main__":
    main()
