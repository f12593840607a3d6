"""A département whose communes, CPTS and files bear the names of the payloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from tests.maps.payloads import PAYLOADS

WIDTH = 9
FILE = "<img src=x onerror=alert(1)> ${alert(2)} {{7*7}} '\" \u202ex.csv"
"""Name of the list of CPTS, which the pages credit."""


def flat(text: str) -> str:
    """Return a text as a reader sees it: spaces are alike."""
    return " ".join(text.replace("\ufeff", "").split())


NAMES = tuple(dict.fromkeys(flat(name) for name in PAYLOADS))


def hostile_inputs(folder: Path, cpts: Sequence[str] = PAYLOADS) -> list[str]:
    """Write a chessboard of communes of one département: every other one in a CPTS, the others white zones of their own."""
    folder.mkdir()
    west, south = 940_000, 6_320_000
    codes = [f"04{at + 301}" for at in range(len(NAMES))]
    cells = [(at % WIDTH, at // WIDTH) for at in range(len(NAMES))]
    pd.DataFrame(
        {
            "insee_code": codes,
            "name": PAYLOADS,
            "population": [9000 - 50 * at for at in range(len(NAMES))],
            "population_year": 2023,
        }
    ).to_csv(folder / "communes.csv", index=False)
    squares = [
        shapely.box(west + 4000 * x, south + 4000 * y, west + 4000 * (x + 1), south + 4000 * (y + 1)) for x, y in cells
    ]
    gpd.GeoDataFrame({"insee_code": codes}, geometry=squares, crs=2154).to_file(folder / "contours.gpkg")
    covered = [code for code, (x, y) in zip(codes, cells, strict=True) if (x + y) % 2]
    pd.DataFrame(
        [(f"id{at}", name, covered[at % len(covered)], "aci_signe") for at, name in enumerate(cpts)],
        columns=["cpts_id", "cpts_name", "insee_code", "stage"],
    ).to_csv(folder / FILE, index=False)
    return [
        *("--communes", str(folder / "communes.csv"), "--contours", str(folder / "contours.gpkg"), "--accept-holes"),
        *("--perimeters", str(folder / FILE), "--scope", "departement=04"),
    ]
