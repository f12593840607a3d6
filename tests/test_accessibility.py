"""Every kind of page, read by axe-core in a real browser: no serious violation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cptsgeo.cli import main
from tests.browser import LAPTOP, PHONE, open_table

Open = Callable[..., Any]
VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe.min.js"
ATLAS_PAGES = (
    "index.html",
    "regions/04.html",
    "departements/973.html",
    "cpts/cpts-madinina.html",
    "zones/zone-mamoudzou.html",
    "method.html",
    "sources.html",
    "glossary.html",
    "updates.html",
)


def violations(page: Any) -> list[str]:
    """Return what axe-core finds serious or critical, with the elements concerned."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'], preload: false })")["violations"]
    return [
        f"{one['id']}: {one['help']} {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_axe_is_the_pinned_one() -> None:
    digest = hashlib.sha256(AXE.read_bytes()).hexdigest()
    assert digest in (VENDOR / "README.md").read_text()


@pytest.mark.browser
@pytest.mark.parametrize("name", ATLAS_PAGES)
def test_pages_of_the_atlas(open_page: Open, embedded_site: Path, name: str) -> None:
    assert violations(open_page(embedded_site / name, size=LAPTOP, ready=False)) == []


@pytest.mark.browser
def test_search_results_of_the_atlas(open_page: Open, embedded_site: Path) -> None:
    page = open_page(embedded_site / "index.html", size=PHONE, ready=False)
    page.get_by_role("combobox").fill("saint")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert violations(page) == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_map_pages(open_page: Open, embedded_site: Path, size: tuple[int, int]) -> None:
    page = open_page(pages / "build" / "all_layers.html", size=size)
    assert violations(page) == []
    open_table(page)
    page.locator("#cg-search").fill("saint")
    assert violations(page) == []
    page.get_by_label("Départements, selon leur population").check()
    assert violations(page) == []
    assert violations(open_page(pages / "build" / "definitions.html", size=size)) == []
    assert violations(open_page(pages / "build" / "index.html", size=size, ready=False)) == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [LAPTOP, PHONE])
def test_the_crisis_kit(open_page: Open, embedded_site: Path, size: tuple[int, int]) -> None:
    page = open_page(pages / "build" / "crise_martinique.html", size=size)
    assert violations(page) == []
    page.evaluate("cptsgeo.crisis.from([14.7, -61.05])")
    page.evaluate("cptsgeo.crisis.select(40)")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.get_by_role("combobox", name="Trouver").fill("hopital")
    assert violations(page) == []


@pytest.mark.browser
def test_a_violation_would_be_seen(open_page: Open) -> None:
    bare = '<!doctype html><html><title>t</title><body><p style="color:#bbb;background:#fff">Une phrase à lire</p><input></body></html>'
    found = violations(open_page(bare, ready=False))
    assert {text.split(":")[0] for text in found} >= {"color-contrast", "label", "html-has-lang"}
