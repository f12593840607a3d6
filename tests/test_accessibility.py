"""Every kind of page, read by axe-core in a real browser: no serious violation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cptsgeo.maps.access_page import access_page
from tests.browser import PHONE, open_table
from tests.maps.conftest import toy_units

Open = Callable[..., Any]
VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe.min.js"
ATLAS_PAGES = (
    "index.html",
    "map.html",
    "regions/04.html",
    "departements/973.html",
    "cpts/cpts-madinina.html",
    "zones/zone-mamoudzou.html",
    "method.html",
    "sources.html",
    "glossary.html",
    "updates.html",
)
OF_ALL_LAYERS = {"all_layers.html", "coverage.html", "sizes.html", "white_zones.html"}
"""The same page with three themes, opened and worked below, or with one of them."""
BUILD_PAGES = (
    "index.html",
    "coverage.html",
    "plan.html",
    "definitions.html",
    "crise_martinique.html",
    "cards/972-madinina.html",
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


def kinds(names: Iterable[str]) -> set[str]:
    """Pages of one folder are of one kind; every page above them is a kind of its own."""
    return {name.partition("/")[0] for name in names}


def test_every_kind_of_page_is_read(embedded_build: Path, embedded_site: Path) -> None:
    for folder, names in ((embedded_build, BUILD_PAGES), (embedded_site, ATLAS_PAGES)):
        written = [path.relative_to(folder).as_posix() for path in folder.rglob("*.html")]
        assert kinds(written) - OF_ALL_LAYERS == kinds(names) - OF_ALL_LAYERS
        assert set(names) <= set(written)


@pytest.mark.browser
@pytest.mark.parametrize("name", ATLAS_PAGES)
def test_pages_of_the_atlas(open_page: Open, embedded_site: Path, name: str) -> None:
    assert violations(open_page(embedded_site / name, ready=name == "map.html")) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", BUILD_PAGES)
def test_pages_of_a_build(open_page: Open, embedded_build: Path, name: str) -> None:
    ready = not name.startswith(("index", "cards"))
    assert violations(open_page(embedded_build / name, size=PHONE, ready=ready)) == []


@pytest.mark.browser
def test_the_page_of_a_layer_of_territories(run: Any, open_page: Open, toy_files: Any, tmp_path: Path) -> None:
    path = tmp_path / "epci.html"
    options = [*toy_files.options, "--contours", toy_files.contours, "--accept-holes"]
    assert run("overlaps", *options, "--with", "epci", "--map", path, "-f", "csv").code == 0
    page = open_page(path)
    open_table(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert violations(page) == []


@pytest.mark.browser
def test_the_page_of_two_dates(run: Any, open_page: Open, toy_files: Any, tmp_path: Path) -> None:
    (tmp_path / "first.csv").write_text("cpts_id,insee_code\nalpha,04901\nbeta,04904\n")
    states = ((2022, "first.csv"), (2024, toy_files.perimeters))
    (tmp_path / "s.toml").write_text(
        "".join(
            f'[[snapshot]]\ndate = {year}-12-31\ncommunes = "{toy_files.communes}"\nperimeters = "{path}"\n'
            for year, path in states
        )
    )
    options = ("--contours", toy_files.contours, "--accept-holes", "--scope", "departement=04,05,26")
    result = run("map", "--snapshots", tmp_path / "s.toml", *options, "-o", tmp_path / "time.html")
    assert result.code == 0, result.err
    page = open_page(tmp_path / "time.html")
    page.select_option("#cg-compare", label="31 décembre 2022")
    open_table(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert violations(page) == []


@pytest.mark.browser
def test_the_page_of_access(open_page: Open) -> None:
    units = toy_units([f"Commune {at}" for at in range(8)])
    change = pd.DataFrame(
        {
            "insee_code": units["insee_code"],
            "kind": ["hospital"] * 8,
            "measure": "distance_km",
            "limit": 10.0,
            "before": [1.0, 4.0, 8.0, 15.0, 30.0, 2.0, None, None],
            "after": [1.0, 4.0, 12.0, 15.0, 30.0, None, None, None],
            "loses_access": pd.array([False, False, True, False, False, True, False, None], dtype="boolean"),
        }
    )
    html = access_page(change, units, title="Essai", notes=["Une note."], credits=["Une source."])
    page = open_page(html)
    open_table(page)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert violations(page) == []


@pytest.mark.browser
def test_search_results_of_the_atlas(open_page: Open, embedded_site: Path) -> None:
    page = open_page(embedded_site / "index.html", size=PHONE, ready=False)
    page.get_by_role("combobox").fill("saint")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert violations(page) == []


@pytest.mark.browser
def test_the_table_the_search_and_the_view_by_population_of_a_map(open_page: Open, embedded_build: Path) -> None:
    page = open_page(embedded_build / "all_layers.html")
    open_table(page)
    page.locator("#cg-search").fill("saint")
    assert violations(page) == []
    page.get_by_label("Départements, selon leur population").check()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert violations(page) == []


@pytest.mark.browser
def test_a_card_the_places_and_the_search_of_the_crisis_kit(open_page: Open, embedded_build: Path) -> None:
    page = open_page(embedded_build / "crise_martinique.html")
    page.evaluate("cptsgeo.crisis.from([14.7, -61.05])")
    page.evaluate("cptsgeo.crisis.select(40)")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.get_by_role("combobox", name="Trouver").fill("hopital")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert violations(page) == []


@pytest.mark.browser
def test_a_violation_would_be_seen(open_page: Open) -> None:
    bare = '<!doctype html><html><title>t</title><body><p style="color:#bbb;background:#fff">Une phrase à lire</p><input></body></html>'
    found = violations(open_page(bare, ready=False))
    assert {text.split(":")[0] for text in found} >= {"color-contrast", "label", "html-has-lang"}
