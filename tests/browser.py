"""Opens pages in headless Chromium, cut off from any network, and fails on whatever a quiet page would not do.

A page fails its test on a request for anything but itself (a file beside it too), on a dialog, on a console error or
warning, on a page error.
The fixtures are those of every test (tests/conftest.py): one browser for the whole session.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-precise-memory-info",
]
LAPTOP, PHONE, PROJECTOR = (1366, 768), (390, 844), (1920, 1080)


def chromium() -> str | None:
    """Find the system's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def open_table(page: Any) -> Any:
    """Open the table under a map, wait until it is there (it is made when first asked for), and return it."""
    page.locator("#cg-table > summary").click()
    table = page.locator("#cg-table-body table")
    table.wait_for()
    return table


def painted(page: Any) -> None:
    """Wait until the map is drawn."""
    page.wait_for_selector("html[data-painted=yes]", state="attached")


def on_screen(page: Any, longitude: float, latitude: float) -> tuple[float, float]:
    """Return where a place of the map is on screen."""
    place = page.evaluate(
        f"(() => {{ const p = cptsgeo.map.latLngToContainerPoint([{latitude}, {longitude}]); return [p.x, p.y]; }})()"
    )
    box = page.locator(".cg-map").bounding_box()
    return box["x"] + place[0], box["y"] + place[1]


def drawn_color(page: Any, x: float, y: float) -> list[int]:
    """Read the colour that the map's tiles draw at a point of the screen: red, green, blue, opacity."""
    return page.evaluate(
        """([x, y]) => {
          for (const tile of document.querySelectorAll('canvas.leaflet-tile')) {
            const box = tile.getBoundingClientRect();
            if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) continue;
            const scale = tile.width / box.width;
            return [...tile.getContext('2d').getImageData((x - box.left) * scale, (y - box.top) * scale, 1, 1).data];
          }
          return null;
        }""",
        [x, y],
    )


def watch(page: Any, problems: list[str], own: set[str], *, follows: bool = False) -> None:
    """Note every request but that for the page itself, dialog, console message of worry and error of a page.

    ``own`` holds the addresses that the test opens; with ``follows`` it also follows links to other files.
    """

    def requested(request: Any) -> None:
        if request.url.startswith(("data:", "blob:")):
            return
        travels = request.is_navigation_request() and request.frame == page.main_frame
        if not travels or not (request.url.partition("#")[0] in own or (follows and request.url.startswith("file:"))):
            problems.append(f"request {request.url[:200]}")

    page.on("request", requested)
    page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message[:200]}"), dialog.dismiss()))
    page.on(
        "console",
        lambda message: (
            message.type in {"error", "warning"}
            and "willReadFrequently" not in message.text  # a hint about the tests' own reading of pixels
            and problems.append(f"console {message.text[:300]}")
        ),
    )
    page.on("pageerror", lambda error: problems.append(f"page error {str(error)[:300]}"))


SMALL = (320, 240)
"""The narrowest window that must do (WCAG 1.4.10), and the one in which pages are opened quickest."""
POLICY_AND_HEADING = """() => [document.querySelector('meta[http-equiv=Content-Security-Policy]')?.content ?? '',
    document.querySelector('h1')?.textContent ?? '']"""


def visit(
    browser: Any,
    folder: Path,
    look: Callable[[Any, str], object] = lambda page, name: None,
    *,
    size: tuple[int, int] = SMALL,
) -> list[str]:
    """Open every page under a folder in one tab, and return what they did that a quiet page does not.

    ``look(page, name)`` is called on each page, with its path from the folder.
    """
    problems: list[str] = []
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
    page = context.new_page()
    own: set[str] = set()
    watch(page, problems, own)
    for path in sorted(folder.rglob("*.html")):
        own.clear()
        own.add(path.as_uri())
        known, name = len(problems), path.relative_to(folder).as_posix()
        page.goto(path.as_uri())
        if "data-ready" in path.read_text(encoding="utf-8"):
            page.wait_for_selector("html[data-ready=yes]", state="attached")
        try:
            policy, heading = page.evaluate(POLICY_AND_HEADING)
        except Exception as error:
            policy, heading = "", ""
            problems.append(f"the page went elsewhere: {error}")
        if not policy.startswith("default-src 'none'; "):
            problems.append(f"policy {policy!r}")
        elif re.search(r"https?:|\*|script-src[^;]*unsafe|file:|'self'", policy):
            problems.append(f"policy allows more than the page: {policy}")
        if not heading.strip():
            problems.append("no heading")
        look(page, name)
        problems[known:] = [f"{name}: {one}" for one in problems[known:]]
    context.close()
    return problems


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for the whole session; the tests skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium()
    if path is None:
        pytest.skip("no Chromium on this machine: pages cannot be opened")
    with playwright.sync_playwright() as driver:
        process = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield process
        process.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Give a function that opens HTML from a file and returns the page; problems fail the test at its end.

    ``open_page(html, size=LAPTOP, anchor="#insee=97209", ready=True)``: ``html`` is the text of a page or a path;
    ``ready`` waits until a page of :func:`cptsgeo.maps.page.map_page` says that it can be used;
    with ``follows`` the test clicks links to other pages.
    """
    problems: list[str] = []
    contexts = []

    def open_(
        html: str | Path,
        *,
        size: tuple[int, int] = LAPTOP,
        anchor: str = "",
        ready: bool = True,
        touch: bool = False,
        follows: bool = False,
    ) -> Any:
        path = html
        if isinstance(html, str):
            path = tmp_path / f"page{len(contexts)}.html"
            path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, offline=True, has_touch=touch, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        address = Path(path).resolve().as_uri()
        watch(page, problems, {address}, follows=follows)
        page.goto(address + anchor)
        if ready:
            page.wait_for_selector("html[data-ready=yes]", state="attached")
        page.problems = problems
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)
