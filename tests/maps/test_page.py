"""Map pages, opened in a real browser without network, and read as a reader would."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pypdfium2
import pytest
import shapely

from cptsgeo.errors import CptsGeoError
from cptsgeo.i18n import language
from cptsgeo.maps.commune_layer import CommuneLayer
from cptsgeo.maps.page import map_page
from cptsgeo.maps.stand_alone import self_contained
from cptsgeo.maps.theme import STAGES, Theme, styled
from tests.browser import LAPTOP, PHONE, drawn_color, on_screen, open_table, painted
from tests.maps.conftest import SIDE, WIDTH, toy_themes, toy_units
from tests.maps.payloads import PAYLOADS

Open = Callable[..., Any]


def point(page: Any, row: int) -> tuple[float, float]:
    """Return where the middle of a toy square is on screen."""
    return on_screen(page, -61.3 + SIDE * (row % WIDTH + 0.5), 14.6 - SIDE * (row // WIDTH - 0.5))


def hover(page: Any, row: int) -> Any:
    """Move the pointer onto a toy square and return the tooltip."""
    page.mouse.move(*point(page, row))
    page.wait_for_timeout(60)
    return page.locator(".cg-tip")


def color_at(page: Any, row: int) -> list[int]:
    """Read the colour drawn a little beside the middle of a toy square."""
    x, y = point(page, row)
    return drawn_color(page, x + 3, y + 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda u: u.set_crs(None, allow_override=True), "4326"),
        (lambda u: u.to_crs(2154), "4326"),
        (lambda u: pd.concat([u, u.iloc[:1]]), "97201"),
        (lambda u: u.assign(insee_code=[None, *u["insee_code"][1:]]), "insee_code"),
        (lambda u: u.assign(stage="inconnu"), "inconnu"),
        (lambda u: u.drop(columns="stage"), "stage"),
    ],
)
def test_units_that_cannot_be_drawn_are_refused(units, page_parts, change, words) -> None:
    with pytest.raises(CptsGeoError, match=words):
        map_page(change(units), toy_themes(units), **page_parts)


def test_an_outline_without_crs_a_missing_theme_and_an_unknown_start_are_refused(units, page_parts) -> None:
    bare = {"X": gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)])}
    with pytest.raises(CptsGeoError, match="4326"):
        map_page(units, toy_themes(units), **{**page_parts, "outlines": bare})
    with pytest.raises(CptsGeoError):
        map_page(units, [], **page_parts)
    with pytest.raises(CptsGeoError, match="ailleurs"):
        map_page(units, toy_themes(units), start="ailleurs", **page_parts)


def test_the_page_says_in_text_what_the_map_shows(units, page_parts) -> None:
    page = map_page(units, toy_themes(units), **page_parts)
    assert '<html lang="fr">' in page
    assert "<title>Carte d’essai</title>" in page
    assert "classe lettre_intention</span></th><td>0</td><td>0</td>" in page
    assert "1 commune sans contour, comptée mais non dessinée" in page
    assert "<bdi>Sans contour</bdi> (97220)" in page
    with language("en"):
        english = map_page(units, toy_themes(units), **page_parts)
    assert '<html lang="en">' in english
    assert "1 commune without outline: counted, but not drawn" in english


@pytest.mark.browser
def test_the_pointer_names_the_commune_under_it(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    painted(page)
    for row in (0, 5, 11, 18):
        text = hover(page, row).inner_text()
        assert f"Commune {row}" in text
        assert f"97{201 + row}" in text
        assert "2023" in text
    assert "1\u202f000 (2023)" in hover(page, 0).inner_text()
    assert "non connu" in hover(page, 2).inner_text()
    page.mouse.move(5, 5)
    assert page.locator(".cg-tip").is_hidden()


@pytest.mark.browser
def test_a_tap_names_the_commune_on_a_phone(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts), size=PHONE, touch=True)
    painted(page)
    page.touchscreen.tap(*point(page, 9))
    page.wait_for_selector(".cg-tip:not([hidden])")
    assert "Commune 9" in page.locator(".cg-tip").inner_text()
    assert page.url.endswith("#insee=97210")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.browser
def test_a_theme_changes_colours_and_legend(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    painted(page)
    assert color_at(page, 0)[:3] == [0x0B, 0x4A, 0x8F]
    assert color_at(page, 1)[:3] == [0x3D, 0x8D, 0xC4]
    assert page.locator("#cg-legend-0").is_visible()
    assert page.locator("#cg-legend-1").is_hidden()
    page.get_by_label("Autre").check()
    page.wait_for_timeout(300)
    assert color_at(page, 1)[:3] == [0x0B, 0x4A, 0x8F]
    assert page.locator("#cg-legend-1").is_visible()
    assert page.locator("#cg-legend-0").is_hidden()


@pytest.mark.browser
def test_start_and_permalink_open_the_page_where_they_say(open_page: Open, units, page_parts) -> None:
    html = map_page(units, toy_themes(units), start="other", **page_parts)
    page = open_page(html, anchor="#insee=97212")
    painted(page)
    assert page.locator("#cg-legend-1").is_visible()
    assert "Commune 11" in page.locator(".cg-tip").inner_text()
    assert page.evaluate("cptsgeo.map.getBounds().contains(cptsgeo.layer.bounds(11))")
    page.evaluate("location.hash = '#insee=97205'")
    page.wait_for_timeout(200)
    assert "Commune 4" in page.locator(".cg-tip").inner_text()
    other = open_page(html, anchor="#insee=00000&theme=stage")
    assert other.locator("#cg-legend-0").is_visible()
    assert other.locator(".cg-tip").count() == 0 or other.locator(".cg-tip").is_hidden()


@pytest.mark.browser
def test_search_ignores_accents_and_works_by_keyboard(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    page.locator("#cg-search").fill("st etienne l'oe")
    option = page.locator("#cg-results [role=option]")
    assert option.count() == 1
    assert option.inner_text().split("\n") == ["Saint-Étienne-l’Œuvre 97204", "Martinique (972)"]
    page.keyboard.press("ArrowDown")
    assert option.get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    assert "Saint-Étienne-l’Œuvre" in page.locator(".cg-tip").inner_text()
    assert page.url.endswith("#insee=97204")
    page.locator("#cg-search").fill("97220")
    page.keyboard.press("Enter")
    assert "sans contour" in page.locator(".cg-tip").inner_text()
    page.locator("#cg-search").fill("nulle part")
    assert page.locator("#cg-status").inner_text() == "Aucune commune trouvée"
    page.locator("#cg-search").fill("commune")
    assert option.count() == 12
    page.keyboard.press("Escape")
    assert page.locator("#cg-results").is_hidden()


@pytest.mark.browser
def test_layers_of_any_name_in_the_control_of_a_users_own_map(open_page: Open, units) -> None:
    m = folium.Map(tiles=None)
    names = (*PAYLOADS[::6], "__proto__", "constructor")
    for name in names:
        CommuneLayer(units, toy_themes(units), name=name, control=True, show=name == names[0]).add_to(m)
    folium.LayerControl(collapsed=False).add_to(m)
    page = open_page(self_contained(m, title="Couches"), ready=False)
    shown = page.locator(".leaflet-control-layers-overlays label")
    assert [text.strip() for text in shown.all_text_contents()] == [name.strip() for name in names]
    box = shown.first.locator("input")
    page.wait_for_selector(".leaflet-tile-pane canvas")
    box.uncheck()
    assert page.locator(".leaflet-tile-pane canvas").count() == 0
    box.check()
    page.wait_for_selector(".leaflet-tile-pane canvas")


@pytest.mark.browser
def test_the_table_sorts_filters_and_downloads(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    open_table(page)
    rows = page.locator("#cg-table-body tbody tr")
    assert rows.count() == 20
    assert rows.first.locator("td, th").all_inner_texts()[:4] == ["97201", "Commune 0", "Martinique", "1\u202f000"]
    page.get_by_role("button", name="Population").click()
    assert rows.first.locator("th").inner_text() == "Sans contour"
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Population")
    page.get_by_label("Filtrer le tableau").fill("oeuvre")
    assert rows.count() == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith('"Code";"Commune";')
    assert lines[1].startswith('"97204";"Saint-Étienne-l’Œuvre";"Martinique";1030;2023')
    rows.first.locator("a").click()
    page.wait_for_timeout(200)
    assert "Saint-Étienne" in page.locator(".cg-tip").inner_text()


@pytest.mark.browser
def test_the_data_behind_the_page_download_without_opening_the_table(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(";")[0] for line in lines[1:]] == [f'"{code}"' for code in units["insee_code"]]


@pytest.mark.browser
def test_many_units_turn_pages(open_page: Open, page_parts) -> None:
    units = toy_units([f"Commune {i}" for i in range(120)])
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    open_table(page)
    assert page.locator(".cg-range").inner_text() == "1 à 50 sur 120"
    page.get_by_role("button", name="Suivant").click()
    page.get_by_role("button", name="Suivant").click()
    assert page.locator(".cg-range").inner_text() == "101 à 120 sur 120"
    assert page.get_by_role("button", name="Suivant").is_disabled()


@pytest.mark.browser
def test_outlines_are_drawn_and_hidden(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    painted(page)
    dark = """() => { let dark = 0; for (const tile of document.querySelectorAll('canvas.leaflet-tile')) {
      const d = tile.getContext('2d').getImageData(0, 0, tile.width, tile.height).data;
      for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && d[i] + d[i + 1] + d[i + 2] < 120) dark++; } return dark; }"""
    before = page.evaluate(dark)
    page.get_by_label("CPTS", exact=True).uncheck()
    page.wait_for_timeout(300)
    assert page.evaluate(dark) < before / 3


@pytest.fixture
def far_page(open_page: Open, units, page_parts) -> Any:
    """A page of two territories, opened and drawn: the first communes near Martinique, the others near La Réunion."""
    moved = np.asarray(units.geometry.values[10:19], dtype=object)
    units.loc[10:18, "geometry"] = shapely.transform(moved, lambda xy: xy + np.array([55.4 + 61.3, -21.1 - 14.6]))
    page = open_page(map_page(units, toy_themes(units), **{**page_parts, "outlines": {}}))
    painted(page)
    return page


@pytest.mark.browser
def test_print_holds_the_view_and_a_small_map_of_every_other_territory(far_page: Any) -> None:
    sheet = pypdfium2.PdfDocument(far_page.pdf(prefer_css_page_size=True))[0]
    words = sheet.get_textpage()
    assert "La Réunion" in words.get_text_range()
    assert "Suivant" not in words.get_text_range()
    assert sheet.get_width() > sheet.get_height()
    found = words.search("La Réunion").get_next()
    left, _bottom, right, top = words.get_charbox(found[0])
    scale = 2
    picture = np.asarray(sheet.render(scale=scale).to_pil().convert("RGB")).astype(int)
    high = picture.shape[0]
    above = picture[
        high - int((top + 40) * scale) : high - int((top + 4) * scale),
        int((left - 10) * scale) : int((right + 40) * scale),
    ]
    view = picture[: high // 2, picture.shape[1] // 2 :]
    for part in (above, view):
        assert (np.ptp(part, axis=2) > 40).mean() > 0.1, "nothing is coloured there"


@pytest.mark.browser
def test_territories_far_apart_have_a_small_map_each(far_page: Any) -> None:
    page = far_page
    views = page.locator("#cg-views button")
    assert views.all_inner_texts() == ["Martinique", "La Réunion"]
    assert views.first.get_attribute("aria-pressed") == "true"
    views.last.click()
    assert page.evaluate("cptsgeo.map.getCenter().lat") < 0
    assert views.last.get_attribute("aria-pressed") == "true"


@pytest.mark.browser
def test_a_page_without_any_outline_still_gives_its_information(open_page: Open, units, page_parts) -> None:
    bare = units.copy()
    bare["geometry"] = None
    page = open_page(map_page(bare, toy_themes(bare), **{**page_parts, "outlines": {}}))
    assert "Aucun contour" in page.locator("#cg-wait").inner_text()
    page.locator("#cg-search").fill("commune 4")
    page.keyboard.press("Enter")
    assert "97205" in page.locator(".cg-tip").inner_text()
    assert "20 communes sans contour" in page.locator(".cg-undrawn summary").inner_text()


@pytest.mark.browser
def test_focus_follows_the_page(open_page: Open, units, page_parts) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts))
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(
            page.evaluate(
                "(e => e.id || e.name || e.className || e.getAttribute('href') || e.tagName)(document.activeElement)"
            )
        )
    assert order[:3] == ["#cg-search", "#cg-twin", "map_1"]
    assert order[5:9] == ["cg-search", "cg-theme", "cg-compare", "cg-outline"]


@pytest.mark.browser
def test_hostile_names_are_shown_as_text_everywhere(open_page: Open) -> None:
    assert len(set(PAYLOADS)) >= 60
    count = len(PAYLOADS)
    units = toy_units(PAYLOADS)
    for column in ("departement_name", "cpts", "stage_label", "density_label", "departement_code"):
        units[column] = list(PAYLOADS)
    classes = tuple(styled(STAGES, "aci_signe", name) for name in PAYLOADS)
    classes = tuple(type(one)(f"k{i}", one.label, one.color) for i, one in enumerate(classes))
    units["stage"] = [f"k{i}" for i in range(count)]
    themes = [
        Theme("stage", PAYLOADS[0], PAYLOADS[1], classes),
        *(Theme(f"t{i}", name, name, classes[:1]) for i, name in enumerate(PAYLOADS)),
    ]
    for i in range(count):
        units[f"t{i}"] = "k0"
    lines = gpd.GeoDataFrame({"name": list(PAYLOADS)}, geometry=units.geometry.tolist(), crs=4326)
    html = map_page(
        units,
        themes,
        title=PAYLOADS[0],
        finding=" ".join(PAYLOADS),
        facts=[(name, name) for name in PAYLOADS],
        notes=list(PAYLOADS),
        credits=list(PAYLOADS),
        outlines=dict.fromkeys(PAYLOADS, lines),
    )
    page = open_page(html)
    texts = {
        "h1": [PAYLOADS[0]],
        ".cg-facts dd": PAYLOADS,
        ".cg-facts dt": PAYLOADS,
        ".cg-foot section:first-of-type li": PAYLOADS,
        "#cg-legend-0 tbody th span": PAYLOADS,
        ".cg-choice:first-of-type label span": [PAYLOADS[0], *PAYLOADS],
    }
    for selector, expected in texts.items():
        found = page.evaluate("s => [...document.querySelectorAll(s)].map(e => e.textContent)", selector)
        assert found == list(expected), selector
    assert page.evaluate("document.title.trim()") == PAYLOADS[0]
    described = page.evaluate(
        """n => Array.from({length: n}, (_, row) => {
          const box = cptsgeo.layer.describe(row);
          document.body.append(box);
          const found = [...box.querySelectorAll('bdi')].map(e => e.textContent);
          box.remove();
          return [found[0], found[1], found[3], found[4], found[5]];
        })""",
        count,
    )
    assert described == [[name] * 5 for name in PAYLOADS]
    for row in range(0, count, 13):
        assert hover(page, row).locator("bdi").first.text_content() == PAYLOADS[row]
    open_table(page)
    names = page.locator("#cg-table-body tbody th").all_text_contents()
    page.locator(".cg-tools button").nth(1).click()
    names += page.locator("#cg-table-body tbody th").all_text_contents()
    assert names == list(PAYLOADS)
    said = page.evaluate(
        """async (count) => {
          const search = document.getElementById('cg-search'), status = document.getElementById('cg-status'), said = [];
          for (let row = 0; row < count; row++) {
            search.value = `97${201 + row}`;
            search.dispatchEvent(new Event('input'));
            await new Promise((done) => setTimeout(done, 10));
            search.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
            said.push(status.textContent);
          }
          return said;
        }""",
        count,
    )
    assert [name for name, status in zip(PAYLOADS, said, strict=True) if name not in status] == []
    assert page.locator("img, iframe, svg script, video, math, base, form, link, [onerror], [onload]").count() == 0
    assert page.locator("body > style, body style").count() == 0
    assert page.evaluate(
        "[...document.scripts].every(s => !s.textContent.includes('alert(') || s.type === 'application/json')"
    )
    assert not re.search(r"<script>[^<]*alert\(", html)


@pytest.mark.browser
def test_three_thousand_classes_and_a_single_commune(open_page: Open, page_parts) -> None:
    units = toy_units(["Seule"])
    units["many"] = "k2999"
    many = Theme(
        "many",
        "Beaucoup",
        "",
        tuple(
            type(c)(f"k{i}", f"classe {i}", "#0b4a8f") for i, c in enumerate([styled(STAGES, "aci_signe", "x")] * 3000)
        ),
    )
    page = open_page(map_page(units, [many], **{**page_parts, "outlines": {}}), size=LAPTOP)
    painted(page)
    assert page.locator("#cg-legend-0 tbody tr").count() == 3000
    assert "Seule" in hover(page, 0).inner_text()
