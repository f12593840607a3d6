"""A crisis kit of a whole région, 20,000 resources: size, time to build, to open from a file, to filter and to search.

    python benchmarks/crisis_kit.py --contours communes.parquet arrondissements.geojson --finess finess_geo.parquet [--region 93] [--resources 20000] [--roads roads.gpkg]

The establishments are those of a FINESS file with longitude and latitude (columns ``finess_et``, ``nom``, ``cat``, ``lon``, ``lat``,
``dep``), placed in the commune that holds them; the others are fictional professionals, one after the other over the communes. Times
in the page are medians of five; the page is opened from ``file://`` without network, five times.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from playwright.sync_api import sync_playwright

from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.crisis import Kit, kit_page, read_ground, write_kit
from cptsgeo.optout import identifier, new_register, write_register
from cptsgeo.resource_kinds import kind_of_finess
from cptsgeo.resources import read_resources
from cptsgeo.road_files import read_roads
from cptsgeo.roads import main_roads
from cptsgeo.scope import parse_scope
from cptsgeo.study import Inputs

TIMES = 5
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
PROFESSIONS = ("general_practitioner", "nurse", "nurse", "physiotherapist", "pharmacist", "dentist", "midwife")
FILTERS = """
async () => {
  const boxes = [...document.getElementsByName("cz-kind")];
  const times = [];
  for (const box of boxes.slice(0, 8)) {
    const begin = performance.now();
    box.click();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - begin);
  }
  for (const box of boxes) if (!box.checked) box.click();
  return times;
}
"""
SEARCHES = """
() => ["pharmacie", "chu", "sainte", "infirmier marseille", "dr"].map((text) => {
  const begin = performance.now();
  cptsgeo.crisis.resources.search(text, 12);
  return performance.now() - begin;
})
"""
NEAREST = """
() => [0, 1, 2, 3, 4].map((step) => {
  const begin = performance.now();
  cptsgeo.crisis.from(cptsgeo.crisis.resources.place(step * 900));
  return performance.now() - begin;
})
"""


def resources(finess: Path, contours: gpd.GeoDataFrame, region: str, many: int) -> pd.DataFrame:
    """Make the table: real establishments, then fictional professionals."""
    communes = embedded_communes().query("region_code == @region")
    sites = pd.read_parquet(finess)
    sites = sites[sites["dep"].isin(communes["departement_code"])].assign(kind=sites["cat"].map(kind_of_finess))
    sites = sites[sites["kind"].notna() & sites["lon"].notna()]
    points = gpd.GeoDataFrame(sites, geometry=gpd.points_from_xy(sites["lon"], sites["lat"]), crs=4326)
    inside = contours[contours["insee_code"].isin(communes["insee_code"])]
    placed = points.sjoin(inside[["insee_code", "geometry"]], predicate="within").drop_duplicates("finess_et")
    table = pd.DataFrame(
        {
            "resource_id": "FINESS-" + placed["finess_et"].astype("str"),
            "kind": placed["kind"],
            "name": placed["nom"].str.slice(0, 200),
            "insee_code": placed["insee_code"],
            "longitude": placed["lon"].astype("str"),
            "latitude": placed["lat"].astype("str"),
            "phone": "04 91 00 00 01",
        }
    ).head(many)
    people = many - len(table)
    codes = communes.sort_values("population", ascending=False)["insee_code"].tolist()
    invented = pd.DataFrame(
        {
            "resource_id": [f"PS-{i:06d}" for i in range(people)],
            "kind": [PROFESSIONS[i % len(PROFESSIONS)] for i in range(people)],
            "name": [f"Dr Personne-Fictive {i}" for i in range(people)],
            "insee_code": [codes[int(len(codes) * (i / people) ** 2)] for i in range(people)],
            "phone": "04 91 00 00 02",
            "email": [f"fictif{i}@example.org" for i in range(people)],
        }
    )
    both = pd.concat([table, invented], ignore_index=True).fillna("")
    print(f"{len(table)} establishments, {people} fictional professionals")
    return both.assign(status="inconnu", source="banc d'essai", updated_at=date.today().isoformat())


def opened(driver: Any, path: Path) -> None:
    """Open the page from a file without network, and print what is measured."""
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
    times, filters, searches, nearest = [], [], [], []
    for _time in range(TIMES):
        page = browser.new_context(offline=True, viewport={"width": 1366, "height": 768}).new_page()
        begin = time.perf_counter()
        page.goto(path.resolve().as_uri())
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        times.append(time.perf_counter() - begin)
        filters += page.evaluate(FILTERS)
        searches.append(page.evaluate(SEARCHES))
        nearest += page.evaluate(NEAREST)
        heap = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
        page.context.close()
    browser.close()
    first = statistics.median(run[0] for run in searches)
    later = statistics.median(one for run in searches for one in run[1:])
    print(f"open: {statistics.median(times):.2f} s (worst {max(times):.2f})")
    print(f"filter: {statistics.median(filters):.0f} ms (worst {max(filters):.0f})")
    print(f"search: {first:.0f} ms the first time, {later:.0f} ms after")
    print(f"nearest: {statistics.median(nearest):.0f} ms (worst {max(nearest):.0f}); heap {heap:.0f} MB", flush=True)


def main() -> None:
    """Build and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contours", type=Path, nargs="+", required=True)
    parser.add_argument("--finess", type=Path, required=True)
    parser.add_argument("--roads", type=Path)
    parser.add_argument("--region", default="93")
    parser.add_argument("--resources", type=int, default=20_000)
    parser.add_argument("--page-only", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contours = read_contours(tuple(chosen.contours))
        resources(chosen.finess, contours, chosen.region, chosen.resources).to_csv(folder / "r.csv", index=False)
        register = new_register().with_identifier(identifier("10123456789"), date.today())
        write_register(register, folder / "o.json")
        kit = Kit(
            (folder / "r.csv",),
            folder / "o.json",
            "cellule_de_crise",
            "Banc d’essai",
            roads=chosen.roads,
            inputs=Inputs(contours=tuple(chosen.contours), scope=parse_scope(f"region={chosen.region}")),
        )
        ground = read_ground(kit.inputs)
        begin = time.perf_counter()
        read = read_resources(
            kit.resources, ground.communes, ground.contours, register, now=datetime.now(), within=ground.within
        )
        print(f"read: {time.perf_counter() - begin:.1f} s")
        begin = time.perf_counter()
        roads = None if chosen.roads is None else main_roads(read_roads(chosen.roads))
        page = kit_page(read.table, ground, title=kit.title, audience=kit.audience, roads=roads)
        print(f"page: {time.perf_counter() - begin:.1f} s, {len(page.encode()) / 1e6:.2f} MB", flush=True)
        (folder / "index.html").write_text(page, encoding="utf-8")
        with sync_playwright() as driver:
            opened(driver, folder / "index.html")
        if not chosen.page_only:
            begin = time.perf_counter()
            write_kit(kit, folder / "kit", now=datetime.now())
            print(f"whole kit: {time.perf_counter() - begin:.1f} s")
            for path in sorted((folder / "kit").iterdir()):
                print(f"  {path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
