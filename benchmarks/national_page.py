"""The national page beside what Folium users write first, on the same communes, in the same browser, in the same run.

    python benchmarks/national_page.py [COMMUNES.parquet [ARRONDISSEMENTS.geojson]] [--rounds 3] [--no-peers]

Without a file, on the made-up France of :mod:`benchmarks.france`. The table goes into docs/benchmarks.md: size of the page, time
until it is drawn and can be used, heap of JavaScript after a collection, worst frame while panning, time from the movement of
the pointer to the name of the commune painted, time to build with and without the outlines kept on disk. The peers
(:mod:`benchmarks.page_peers`) draw the same communes on canvas; each page is given at most ten minutes.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.france import files, source
from benchmarks.page_peers import PEERS, Peer
from benchmarks.tables import machine, markdown, write_part
from cptsgeo.maps.pages import page
from cptsgeo.maps.topology import _cached
from cptsgeo.results import Results, compute
from cptsgeo.scope import parse_scope
from cptsgeo.study import Inputs, read_study

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LIMIT_MS = 600_000
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


HOVER = """
() => {
  window.hovers = [];
  let moved = 0;
  const painted = () => requestAnimationFrame(() => setTimeout(() => { if (moved) window.hovers.push(performance.now() - moved); moved = 0; }));
  addEventListener("mousemove", (event) => { moved = event.timeStamp; }, true);
  const changes = { subtree: true, childList: true, characterData: true, attributes: true };
  for (const place of document.querySelectorAll(".cg-tip, .leaflet-tooltip-pane")) new MutationObserver(painted).observe(place, changes);
}
"""


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
    tab.evaluate(HOVER)
    for step in range(40):
        tab.mouse.move(560 + 9 * step, 300 + 5 * step)
        tab.wait_for_timeout(100)
    hovers = tab.evaluate("window.hovers") or [float("nan")]
    tab.close()
    return {
        "size_mb": path.stat().st_size / 1e6,
        "usable_s": opened,
        "heap_mb": heap,
        "worst_frame_ms": worst,
        "hover_ms": statistics.median(hovers),
        "worst_hover_ms": max(hovers),
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


def row(name: str, found: list[dict[str, float]]) -> list[str]:
    """Write the medians of the rounds of one page."""
    middle = {key: statistics.median(one[key] for one in found) for key in found[0]}
    texts = (
        *("{size_mb:.2f} MB", "{usable_s:.2f} s", "{heap_mb:.1f} MB", "{worst_frame_ms:.0f} ms"),
        "{hover_ms:.0f} ms (worst {worst_hover_ms:.0f})",
    )
    cells = [text.format(**middle) for text in texts]
    return [f"`{name}`", *cells[:-1], "no tooltip came" if math.isnan(middle["hover_ms"]) else cells[-1]]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contours", type=Path, nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    given = next(iter(options.contours), None)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        folder = Path(made)
        communes, members = files(given, folder)
        contours = (communes, *options.contours[1:])
        inputs = Inputs(contours=contours, perimeters=members, scope=parse_scope("france"), accept_holes=True)
        results = compute(read_study(inputs, with_contours=True))
        html, cold, warm = build_times(results)
        browser = driver.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, CHROMIUM))), args=ARGUMENTS
        )
        drawn = "html[data-painted=yes]"
        pages = {
            "cptsgeo.maps": Peer(lambda _results, _folder: html, drawn),
            "cptsgeo.maps, all layers": Peer(lambda results, _folder: page(results, "all_layers"), drawn),
        }
        rows = []
        for name, peer in {**pages, **({} if options.no_peers else PEERS)}.items():
            path = folder / "page.html"
            path.write_text(peer.write(results, folder), encoding="utf-8")
            rows.append(row(name, [measure(browser, path, peer.ready) for _round in range(options.rounds)]))
        browser.close()
    head = ["page", "size", "drawn and usable", "heap", "worst frame while panning", "hover"]
    table = markdown(head, rows)
    if options.no_peers:
        print(table)
        return
    said = (
        f"Measured with `python benchmarks/national_page.py --rounds {options.rounds}` on {machine()}; medians of {options.rounds}"
        f" openings in one browser, wall time. {len(results.units):,} units, {source(given)}. The page of cptsgeo is built in {cold:.1f} s"
        f" of processor, {warm:.1f} s once its outlines are kept on disk."
    )
    write_part("national_page", [said, table])


if __name__ == "__main__":
    main()
