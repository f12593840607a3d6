"""The national page beside what Folium users write first, on the same communes, in the same browser, in the same run.

    python benchmarks/national_page.py [--contours communes.parquet --perimeters list.csv] [--scope france] [--rounds 3] [--no-peers]

Without files, on the made-up France of :mod:`benchmarks.france`. The table goes into docs/benchmarks.md: size of the page, time until it is drawn and can be used, heap of JavaScript after a collection, worst frame while panning, time to name the
commune under the pointer, time to build with and without the outlines kept on disk. The peers draw communes simplified
to 300 m one by one, on canvas, with the same columns in a tooltip: ``folium.GeoJson``, ``folium.TopoJson`` (arcs shared by neighbours) and ``GeoDataFrame.explore``. Each page is given at most ten minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import france, perimeters
from benchmarks.side_by_side import Table, write_tables
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


def topojson_page(results: Results) -> folium.Map:
    """Draw with ``folium.TopoJson`` on canvas: arcs simplified once for both neighbours."""
    import topojson

    units = results.units[[*SAID, "stage", "geometry"]]
    metres = units[units.geometry.notna()].to_crs(2154).astype({"population": "float64"})
    arcs = topojson.Topology(metres, toposimplify=300, prequantize=100_000, shared_coords=True)
    m = folium.Map([46.6, 2.4], zoom_start=6, tiles=None, prefer_canvas=True)
    degrees = json.loads(topojson.Topology(arcs.to_gdf(crs=2154).to_crs(4326), prequantize=100_000).to_json())
    folium.TopoJson(degrees, "objects.data", style_function=_style, tooltip=folium.GeoJsonTooltip(SAID)).add_to(m)
    return m


PEERS = {"folium.GeoJson": geojson_page, "folium.TopoJson": topojson_page, "GeoDataFrame.explore": explore_page}


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


def made_up(folder: Path) -> tuple[list[Path], Path]:
    """Write the made-up France: outlines and perimeters."""
    layer = france()
    contours, members = folder / "communes.parquet", folder / "perimeters.csv"
    layer.to_parquet(contours)
    perimeters(layer).to_csv(members, index=False)
    return [contours], members


def row(name: str, found: list[dict[str, float]]) -> list[str]:
    """Write the medians of the rounds of one page."""
    middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
    texts = ("{size_mb:.2f} MB", "{usable_s:.2f} s", "{heap_mb:.1f} MB", "{worst_frame_ms:.0f} ms", "{hover_ms:.0f} ms")
    return [f"`{name}`", *(text.format(**middle) for text in texts)]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contours", type=Path, action="append")
    parser.add_argument("--perimeters", type=Path)
    parser.add_argument("--scope", default="france")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        folder = Path(made)
        contours, members = (options.contours, options.perimeters) if options.contours else made_up(folder)
        inputs = Inputs(
            contours=tuple(contours), perimeters=members, scope=parse_scope(options.scope), accept_holes=True
        )
        results = compute(read_study(inputs, with_contours=True))
        html, cold, warm = build_times(results)
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        pages = {"cptsgeo.maps": html}
        for name, draw in ({} if options.no_peers else PEERS).items():
            pages[name] = self_contained(draw(results), title=name)
        rows = []
        for name, text in pages.items():
            path = folder / "page.html"
            path.write_text(text, encoding="utf-8")
            ready = "html[data-painted=yes]" if name == "cptsgeo.maps" else ".leaflet-overlay-pane canvas"
            rows.append(row(name, [measure(browser, path, ready) for _round in range(options.rounds)]))
        browser.close()
    head = ["page", "size", "drawn and usable", "heap", "worst frame while panning", "hover"]
    words = (
        f"{len(results.units):,} units, {'the outlines given' if options.contours else 'made-up outlines'}; one browser, wall time."
        f" The page of cptsgeo is built in {cold:.1f} s of processor, {warm:.1f} s once its outlines are kept on disk."
    )
    write_tables("national_page", [Table("The national page", head, rows, words)], options.rounds)


if __name__ == "__main__":
    main()
