"""Every page of a build and of an atlas, opened in a real browser: no request, no dialog, no error, and a policy that says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cptsgeo.maps.pages import PAGES
from tests.browser import visit


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


@pytest.mark.browser
def test_no_page_of_a_build_does_anything_but_show_itself(browser: Any, embedded_build: Path) -> None:
    assert visit(browser, embedded_build) == []
    of_maps = {*(f"{name}.html" for name in PAGES), "index.html", "crise_martinique.html"}
    cards = names(embedded_build) - of_maps
    assert len(cards) == 7
    assert all(name.startswith("cards/") for name in cards)


def test_the_atlas_has_every_kind_of_page(embedded_site: Path) -> None:
    """tests/atlas/test_site.py opens them all, with the same watch, narrow and wide."""
    written = names(embedded_site)
    assert {f"{name}.html" for name in ("index", "map", "method", "sources", "glossary", "updates")} <= written
    kinds = [name.partition("/")[0] for name in written if "/" in name]
    assert {kind: kinds.count(kind) for kind in kinds} == {"regions": 4, "departements": 4, "cpts": 7, "zones": 2}


@pytest.mark.browser
@pytest.mark.parametrize(
    ("markup", "word"),
    [
        ('<link rel="stylesheet" href="style.css">', "request file:"),
        ('<img src="logo.svg" alt="">', "request file:"),
        ('<iframe src="other.html"></iframe>', "request file:"),
        ('<meta http-equiv="refresh" content="0;url=other.html">', "request file:"),
        ('<img src="https://tiles.example/1.png" alt="">', "request https:"),
        ("<script>alert(1)</script>", "dialog"),
        ("<script>console.error('a')</script>", "console"),
        ("<script>throw new Error('a')</script>", "page error"),
        ("<p>Rien de mal, mais sans règle</p>", "policy"),
    ],
)
def test_a_page_that_does_more_is_seen(browser: Any, tmp_path: Path, markup: str, word: str) -> None:
    (tmp_path / "page.html").write_text(f"<!doctype html><title>t</title><body><h1>Titre</h1>{markup}</body>")
    for name in ("style.css", "logo.svg"):
        (tmp_path / name).write_text("")
    found = visit(browser, tmp_path, lambda page, _name: page.wait_for_timeout(300))
    assert [one for one in found if one.startswith(f"page.html: {word}")]
