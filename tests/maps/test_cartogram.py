"""The view by population: a place for every département, classes by hand, names as text."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from cptsgeo.communes import read_communes
from cptsgeo.maps.cartogram import FEWEST, GRID, cartogram, places_on_grid
from cptsgeo.maps.page import map_page
from tests.browser import open_table
from tests.maps.conftest import toy_themes, toy_units
from tests.maps.payloads import PAYLOADS


def rates(names: list[str]) -> pd.DataFrame:
    codes = ["01", "13", "84", "974", "2A"][: len(names)]
    covered = [0, 400, 600, 800, 1000][: len(names)]
    return pd.DataFrame(
        {
            "code": codes,
            "name": names,
            "population": [100, 500, 800, 1000, 0][: len(names)],
            "population_covered": covered,
            "coverage_rate": [0.0, 0.8, 0.75, 0.99, float("nan")][: len(names)],
        }
    )


def test_every_departement_of_france_has_one_place_of_its_own() -> None:
    codes = [code for code in GRID.split() if code != ".."]
    assert len(codes) == len(set(codes)) == 101
    assert set(codes) == set(read_communes()["departement_code"])
    assert len(set(places_on_grid(codes).values())) == 101
    strangers = places_on_grid([*codes, "975", "987"])
    assert len(set(strangers.values())) == 103


def test_classes_and_sizes_by_hand() -> None:
    drawn = cartogram(rates(["Ain", "Bouches-du-Rhône", "Vaucluse", "La Réunion", "Corse-du-Sud"]))
    assert drawn is not None
    sides = [float(side) for side in re.findall(r'width="([0-9.]+)" height="\1" fill', drawn.figure)]
    assert sides == [18.0, 40.3, 8.0, 51.0, 57.0]  # 57 √(population / 1000), 8 at least; in the order of the codes
    text = re.sub(r"<[^>]+>", "|", drawn.legend).replace("\u202f", " ").replace("\xa0", " ")
    assert "99 % ou plus|||1||1 000" in text.replace("||||", "|||")
    assert "Personne n’y habite" in text
    assert cartogram(rates(["Ain"] * (FEWEST - 1))) is None


@pytest.mark.browser
def test_names_are_text_and_the_view_takes_the_place_of_the_map(open_page: Any, page_parts: Any) -> None:
    units = toy_units(PAYLOADS)
    drawn = [cartogram(rates(list(PAYLOADS[at : at + 5]))) for at in range(0, len(PAYLOADS) - 4, 5)]
    figures = "".join(one.figure for one in drawn[1:])
    first = drawn[0]
    html = map_page(units, toy_themes(units), weighted=first, warning=PAYLOADS[0], **page_parts)
    page = open_page(html.replace("</footer>", figures + "".join(one.table for one in drawn[1:]) + "</footer>"))
    assert page.locator(".cg-warning").inner_text() == PAYLOADS[0]
    titles = page.locator(".cg-tiles-map title").all_text_contents()
    assert sum(any(name in title for title in titles) for name in PAYLOADS[: len(drawn) * 5]) >= 60
    assert page.locator("img, iframe, form, base, [onerror], [onload]").count() == 0
    assert not page.locator(".cg-tiles-map").first.is_visible()
    page.get_by_label("Départements, selon leur population").check()
    assert page.locator(".cg-tiles-map").first.is_visible()
    assert not page.locator("#cg-legend-0").is_visible()
    assert page.locator(".cg-rates").first.is_visible()


@pytest.mark.browser
def test_hostile_titles_over_time_are_text(open_page: Any, page_parts: Any) -> None:
    units = toy_units(PAYLOADS)
    themes = [theme for name in PAYLOADS for theme in toy_themes(units, (name, name))[:1]]
    units = units.assign(**{f"t{at}": units["stage"] for at in range(len(themes))})
    themes = [type(theme)(f"t{at}", theme.title, theme.definition, theme.classes) for at, theme in enumerate(themes)]
    page = open_page(map_page(units, themes, over_time=True, beside="t0", **page_parts), anchor="#insee=97201")
    assert page.locator("#cg-compare option").evaluate_all("all => all.map((one) => one.textContent)")[1:] == list(
        PAYLOADS
    )
    assert page.locator(".cg-tip dt").evaluate_all("all => all.map((one) => one.textContent)")[
        -len(PAYLOADS) :
    ] == list(PAYLOADS)
    open_table(page)
    assert page.locator("img, iframe, form, base, [onerror], [onload]").count() == 0
