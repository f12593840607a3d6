"""One commune, a département without outlines, a CPTS without communes, words without translation: pages that still read."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import visit

HEAD = "insee_code,name,population,population_year\n"
BLANK = "Aucun contour à dessiner"
ODD = re.compile(r"\b(?:nan|NaN|None(?!\.)|NaT|inf|undefined|null)\b|<NA>|\[object|\{[a-z_]*\}")
"""What a reader must never see: a missing value or a place-holder as the program writes it."""
LOOK = """() => [document.body.innerText, [...document.querySelectorAll('.sheet')].map((one) =>
    one.querySelectorAll('svg path').length > 0 || one.innerText)]"""


@pytest.fixture
def write(run: Any, computed_once: None, tmp_path: Path) -> Callable[..., Path]:
    """Write a build, a map and an atlas of the same files, which are computed once; give their folder."""

    def write(communes: str, membership: str, cpts: str, *options: str) -> Path:
        for name, text in (("communes", HEAD + communes), ("membership", membership), ("cpts", cpts)):
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        folder = tmp_path / "pages"
        for command, output in (("build", "build"), ("map", "map.html"), ("atlas", "atlas")):
            files = [word for name in ("communes", "cpts") for word in (f"--{name}", tmp_path / f"{name}.csv")]
            files += ["--perimeters", tmp_path / "membership.csv"]
            result = run(command, *files, *options, "-o", folder / output)
            assert result.code == 0, result.err
        return folder

    return write


def read(browser: Any, folder: Path) -> dict[str, tuple[str, list[bool | str]]]:
    """Open every page; give its text and, for each place of a static map, True or the words that stand there."""
    seen: dict[str, tuple[str, list[bool | str]]] = {}
    assert visit(browser, folder, lambda page, name: seen.update({name: tuple(page.evaluate(LOOK))})) == []
    odd = {name: ODD.findall(text) for name, (text, _maps) in seen.items() if not name.endswith("glossary.html")}
    assert {name: words for name, words in odd.items() if words} == {}
    return {name: (text.replace("\u202f", " "), maps) for name, (text, maps) in seen.items()}


@pytest.mark.browser
def test_one_commune(browser: Any, write: Callable[..., Path]) -> None:
    folder = write(
        "97209,Fort-de-France,76512,2023\n",
        "cpts_id,insee_code\na,97209\n",
        "cpts_id,cpts_name,stage\na,Seule,aci_signe\n",
    )
    seen = read(browser, folder)
    for name in ("build/coverage.html", "build/plan.html", "map.html", "atlas/map.html", "atlas/index.html"):
        assert "chaque commune en a une" in seen[name][0] or "plan" in name, name
        assert BLANK not in seen[name][0], name
    assert seen["atlas/cpts/cpts-seule.html"][1] == [True]
    assert "76 512 habitants dans 1 commune" in seen["atlas/cpts/cpts-seule.html"][0]


@pytest.mark.browser
def test_a_departement_without_outlines_and_a_cpts_without_communes(browser: Any, write: Callable[..., Path]) -> None:
    folder = write(
        "04070,Digne,16000,2023\n04112,Manosque,22000,2023\n",
        "cpts_id,insee_code\nd,04070\n",
        "cpts_id,cpts_name,stage\nd,Digne,pre_projet\nv,Vide,aci_signe\n",
        *("--scope", "departement=04"),
    )
    seen = read(browser, folder)
    maps = [name for name, (text, _maps) in seen.items() if "Chercher une commune" in text]
    assert len(maps) == 8
    for name in maps:
        assert BLANK in seen[name][0], name
    places = [name for name, (_text, sheets) in seen.items() if sheets]
    assert len(places) == 6
    for name in places:
        (words,) = seen[name][1]
        assert BLANK in str(words), name
    assert "Aucune commune de cette CPTS n’est connue" in seen["atlas/cpts/cpts-vide.html"][0]
    assert "Communes sans contour, comptées et non dessinées : 2" in seen["atlas/departements/04.html"][0]


@pytest.mark.browser
def test_words_without_translation_are_english_and_nothing_else_breaks(
    browser: Any, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, embedded_once: None
) -> None:
    monkeypatch.setattr("cptsgeo.i18n._catalogue", lambda _lang: gettext.NullTranslations())
    for command, output in (("map", "map.html"), ("atlas", "atlas")):
        assert run(command, "-o", tmp_path / "pages" / output).code == 0
    seen = read(browser, tmp_path / "pages")
    assert "of the inhabitants of the territory studied" in seen["map.html"][0]
    assert "29 communes have none" in seen["atlas/index.html"][0]
    assert all(True in maps for name, (_text, maps) in seen.items() if maps)
