"""The national page beside what Folium users write first, on the same communes, in the same browser, in the same run.

    python benchmarks/national_page.py --contours communes.parquet --perimeters list.csv [--scope france] [--no-peers]

Written: size of the page, time until it is drawn and can be used, heap of JavaScript after a collection, worst frame while panning, time to name the
commune under the pointer, time to build with and without the outlines kept on disk. The peers draw communes simplified
to 300 m one by one, on canvas, with the same columns in a tooltip: ``folium.GeoJson`` and
``GeoDataFrame.explore``. Each page is given at most ten minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
from playwright.sync_api import sync_playwright

from cptsgeo.maps.pages import page
from cptsgeo.maps.self_contained import self_contained
from cptsgeo.maps.topology import _cached
from cptsgeo.results import Results, compute
from cptsgeo.scope import parse_scope
from cptsgeo.study import Inputs, read_study

LIMIT_MS = 600_000
SAID = ["name", "insee_code", "population", "cpts", "stage_label"]
COLOURS = {"white_zone": "#f7b267", "aci_signe": "#0b4a8f"}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
PAN = """
async ([x, y]) => {
  let worst = 0, last = performance.now(), on = true;
  const tick = (now) => { worst = Math.max(worst, now - last); last = now; if (on) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  const map = window.cptsgeo ? cptsgeo.map : Object.values(window).find((one) => one instanceof L.Map);
  for (let step = 0; step < 40; step++) { map.panBy([step % 2 ? 60 : -60, 25 * Math.sign(20 - step)], { animate: false }); await new Promise((done) => setTimeout(done, 50)); }
  on = false;
  return worst;
}
"""


def _simplified(results: Results) -> gpd.GeoDataFrame:
    """Return the drawn communes, each simplified to 300 m on its own, with what the tooltip says."""
    units = results.units[[*SAID, "stage", "geometry"]]
    units = units[units.geometry.notna()].copy()
    units["geometry"] = units.geometry.to_crs(2154).simplify(300).to_crs(4326)
    return units.astype({"population": "float64"})


def _style(row: dict[str, Any]) -> dict[str, Any]:
    return {"fillColor": COLOURS.get(row["properties"]["stage"], "#8fc1de"), "weight": 0.3}


def geojson_page(results: Results) -> folium.Map:
    """Draw with ``folium.GeoJson`` on canvas."""
    m = folium.Map([46.6, 2.4], zoom_start=6, tiles=None, prefer_canvas=True)
    folium.GeoJson(_simplified(results), style_function=_style, tooltip=folium.GeoJsonTooltip(SAID)).add_to(m)
    return m


def explore_page(results: Results) -> folium.Map:
    """Draw with ``GeoDataFrame.explore`` on canvas."""
    m = folium.Map([46.6, 2.4], zoom_start=6, tiles=None, prefer_canvas=True)
    units = _simplified(results)
    units.explore(m=m, color=units["stage"].map(COLOURS).fillna("#8fc1de"), tooltip=SAID, style_kwds={"weight": 0.3})
    return m


PEERS = {"folium.GeoJson": geojson_page, "GeoDataFrame.explore": explore_page}


def measure(browser: Any, path: Path, ready: str) -> dict[str, float]:
    """Open a page from its file, wait until it can be used, pan it and hover over it."""
    tab = browser.new_page(viewport={"width": 1366, "height": 768})
    tab.set_default_timeout(LIMIT_MS)
    begin = time.perf_counter()
    tab.goto(path.as_uri(), timeout=LIMIT_MS)
    tab.wait_for_selector(ready, state="attached", timeout=LIMIT_MS)
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    opened = time.perf_counter() - begin
    tab.context.new_cdp_session(tab).send("HeapProfiler.collectGarbage")
    heap = tab.evaluate("performance.memory.usedJSHeapSize") / 1e6
    worst = tab.evaluate(PAN, [0, 0])
    hovers = []
    for step in range(12):
        begin = time.perf_counter()
        tab.mouse.move(560 + 30 * step, 300 + 10 * step)
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        hovers.append((time.perf_counter() - begin) * 1000)
    tab.close()
    return {
        "size_mb": path.stat().st_size / 1e6,
        "usable_s": opened,
        "heap_mb": heap,
        "worst_frame_ms": worst,
        "hover_ms": sorted(hovers)[len(hovers) // 2],
    }


def build_times(results: Results) -> tuple[str, float, float]:
    """Build the page with an empty cache, then as the next run does, with the outlines kept on disk."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CPTSGEO_CACHE"] = cache
        times = []
        for _run in range(2):
            _cached.cache_clear()
            begin = time.process_time()
            html = page(results, "coverage")
            times.append(time.process_time() - begin)
    return html, times[0], times[1]


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contours", type=Path, action="append", required=True)
    parser.add_argument("--perimeters", type=Path, required=True)
    parser.add_argument("--scope", default="france")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    inputs = Inputs(contours=tuple(options.contours), perimeters=options.perimeters, scope=parse_scope(options.scope))
    results = compute(read_study(inputs, with_contours=True))
    html, cold, warm = build_times(results)
    measured: dict[str, Any] = {"units": len(results.units), "build_cpu_s": cold, "build_cached_cpu_s": warm}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        ours = Path(folder) / "cptsgeo.html"
        ours.write_text(html, encoding="utf-8")
        measured["cptsgeo"] = measure(browser, ours, "html[data-painted=yes]")
        for name, draw in ({} if options.no_peers else PEERS).items():
            other = Path(folder) / "peer.html"
            other.write_text(self_contained(draw(results), title=name), encoding="utf-8")
            measured[name] = measure(browser, other, ".leaflet-overlay-pane canvas")
        browser.close()
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
