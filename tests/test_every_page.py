"""Every page of a build and of an atlas, opened in a real browser: no request, no dialog, no error, and a policy that says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cptsgeo.maps.pages import PAGES
from tests.browser import LAPTOP, watch

POLICY = "document.querySelector('meta[http-equiv=Content-Security-Policy]')?.content ?? ''"
"""The policy that a page gives the browser."""


def visit(browser: Any, folder: Path) -> tuple[list[str], list[str]]:
    """Open every page of a folder in one tab; return their names and what they did that a quiet page does not."""
    problems: list[str] = []
    paths = sorted(folder.rglob("*.html"))
    context = browser.new_context(viewport={"width": LAPTOP[0], "height": LAPTOP[1]}, offline=True)
    page = context.new_page()
    own: set[str] = set()
    watch(page, problems, own)
    for path in paths:
        own.clear()
        own.add(path.as_uri())
        known = len(problems)
        page.goto(path.as_uri())
        if "data-ready" in path.read_text(encoding="utf-8"):
            page.wait_for_selector("html[data-ready=yes]", state="attached")
        name = path.relative_to(folder).as_posix()
        policy = page.evaluate(POLICY)
        if not policy.startswith("default-src 'none'; "):
            problems.append(f"policy {policy!r}")
        elif re.search(r"https?:|\*|script-src[^;]*(?:unsafe|self|file)|(?:file:|'self')", policy):
            problems.append(f"policy allows more than the page: {policy}")
        if not page.locator("h1").first.inner_text().strip():
            problems.append("no heading")
        problems[known:] = [f"{name}: {one}" for one in problems[known:]]
    context.close()
    return [path.relative_to(folder).as_posix() for path in paths], problems


@pytest.mark.browser
def test_no_page_of_a_build_does_anything_but_show_itself(browser: Any, embedded_build: Path) -> None:
    names, problems = visit(browser, embedded_build)
    assert problems == []
    assert {*(f"{name}.html" for name in PAGES), "index.html", "crise_martinique.html"} <= set(names)
    assert sum(name.startswith("cards/") for name in names) == 7


@pytest.mark.browser
def test_no_page_of_an_atlas_does_anything_but_show_itself(browser: Any, embedded_site: Path) -> None:
    names, problems = visit(browser, embedded_site)
    assert problems == []
    assert {f"{name}.html" for name in ("index", "map", "method", "sources", "glossary", "updates")} <= set(names)
    kinds = [name.partition("/")[0] for name in names if "/" in name]
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
    _names, problems = visit(browser, tmp_path)
    assert [one for one in problems if one.startswith(f"page.html: {word}")]
