"""Guard against a slow-down: ratios to a peer in one process, never seconds, against the values kept in guard.json."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

FOLDER = Path(__file__).parent
LEEWAY = 2.5


def test_no_case_is_much_slower_than_it_was_beside_its_peer():
    kept = json.loads((FOLDER / "guard.json").read_text())
    now = runpy.run_path(str(FOLDER.parents[1] / "benchmarks" / "side_by_side.py"))["guard"](rounds=2)
    assert now.keys() == kept.keys()
    slower = {name: (now[name], kept[name]) for name in kept if now[name] > LEEWAY * kept[name]}
    assert not slower, "measure again with benchmarks/side_by_side.py --guard; if it is meant, change guard.json"
