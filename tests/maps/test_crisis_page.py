"""The crisis kit in a real browser, from a file, without network: what someone does before and in a storm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pypdfium2
import pytest
import shapely

from cptsgeo.maps.crisis_page import crisis_page
from cptsgeo.resources import COLUMNS
from tests.browser import PHONE, open_table
from tests.maps.conftest import SIDE, toy_units
from tests.maps.payloads import PAYLOADS

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
KINDS = ("hospital", "shelter", "pharmacy", "nurse")


def toy_resources(count: int = 40) -> pd.DataFrame:
    """Resources on a diagonal: R0 to the north-west, one every 0.002 degree; every fifth known to its commune only."""
    rows = [
        {
            "resource_id": f"R{i}",
            "kind": KINDS[i % 4],
            "name": f"Lieu {i}",
            "insee_code": f"97{201 + i % 16}",
            "longitude": -61.29 + 0.002 * i,
            "latitude": 14.61 - 0.001 * i,
            "position_precision": "commune" if i % 5 == 4 else "exact",
            "status": ("ouvert", "ferme", "inconnu")[i % 3],
            "status_at": "2026-01-02T03:04",
            "status_source": "essai",
            "capacity": i,
            "unit": "places",
            "phone": "05 96 00 00 01",
            "mobile": "06 96 00 00 02" if i == 3 else None,
            "source": "essai",
            "updated_at": "2026-01-01",
            "visibility": "public",
        }
        for i in range(count)
    ]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS)).astype({"capacity": "Int64"})


def toy_page(table: pd.DataFrame | None = None, **choices: Any) -> str:
    units = toy_units([f"Commune {i}" for i in range(16)])
    units.loc[3, "name"] = "Sainte-Œuvre-d’Été"
    settings = {"title": "Kit d’essai", "kit": "essai", "on": date.today(), "audience": "cellule_de_crise"} | choices
    return crisis_page(toy_resources() if table is None else table, units, **settings)


@pytest.fixture(scope="module")
def html() -> str:
    return toy_page()


def status_of(page: Any, row: int) -> str:
    return page.evaluate(f"cptsgeo.crisis.states[{row}].status")


def test_search_finds_names_kinds_and_communes_without_accents(open_page: Open, html: str) -> None:
    page = open_page(html)
    search = page.get_by_role("combobox", name="Trouver")
    search.fill("LIEU 17")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#cz-card h2").inner_text() == "Lieu 17"
    search.fill("ste oeuvre d ete")
    assert page.get_by_role("option").first.inner_text().split("\n") == ["Sainte-Œuvre-d’Été 97204", "Commune"]
    page.keyboard.press("Enter")
    assert page.locator("#cz-count").inner_text() == "3 ressources affichées sur 40"
    page.locator("#cz-commune").select_option("")
    search.fill("infirmier commune 7")
    assert page.get_by_role("option").first.inner_text().split("\n")[0].strip() == "Lieu 7"
    search.fill("introuvable")
    assert page.locator("#cg-status").inner_text() == "Rien trouvé"


def test_filters_by_kind_status_and_commune(open_page: Open, html: str) -> None:
    page = open_page(html)
    page.locator("#cz-none").click()
    assert page.locator("#cz-count").inner_text() == "0 ressources affichées sur 40"
    page.get_by_label("Infirmier").check()
    assert page.evaluate("cptsgeo.crisis.resources.rows().length") == 10
    page.get_by_label("Fermé", exact=True).uncheck()
    assert page.evaluate("cptsgeo.crisis.resources.rows()") == [i for i in range(3, 40, 4) if i % 3 != 1]
    page.locator("#cz-commune").select_option("97204")
    assert page.evaluate("cptsgeo.crisis.resources.rows()") == [i for i in (3, 19, 35) if i % 3 != 1]


def test_nearest_gives_distance_and_bearing(open_page: Open, html: str) -> None:
    page = open_page(html)
    page.get_by_label("Latitude, longitude").fill("14,61 ; -61,30")
    page.keyboard.press("Enter")
    first = page.locator("#cz-near li").first
    assert page.locator("#cz-near h3").all_inner_texts() == [
        "Hôpital ou clinique",
        "Pharmacie",
        "Abri d’urgence",
        "Infirmier",
    ]
    assert first.inner_text().split("\n") == ["Lieu 0", "1,1 km E (90°), Ouvert"]
    assert page.locator("#cz-near li").nth(2).inner_text().startswith("Lieu 5")
    page.get_by_label("Fermées comprises").check()
    assert page.locator("#cz-near li").nth(2).inner_text().startswith("Lieu 1")
    page.get_by_label("De chaque type").select_option("3")
    assert page.locator("#cz-near li").count() == 12
    page.get_by_label("Latitude, longitude").fill("quelque part")
    page.keyboard.press("Enter")
    assert "Écrivez latitude et longitude" in page.locator("#cz-near-said").inner_text()
    page.get_by_role("button", name="Choisir sur la carte").click()
    box = page.locator(".cg-map").bounding_box()
    page.mouse.click(box["x"] + 300, box["y"] + 300)
    place = page.evaluate(
        "(() => { const p = cptsgeo.map.containerPointToLatLng([300, 300]); return [p.lat, p.lng]; })()"
    )
    assert page.evaluate("cptsgeo.crisis.layer.origin") == pytest.approx(place, abs=3e-4)


def test_distances_and_bearings_against_a_known_pair(open_page: Open, html: str) -> None:
    """Fort-de-France to Pointe-à-Pitre: 1.6375 degrees north and 0.4664 west at cos 15.42; 188.8 km on the sphere."""
    page = open_page(html)
    a, b = "[14.6036, -61.0667]", "[16.2411, -61.5331]"
    assert page.evaluate(f"cptsgeo.distance({a}, {b})") == pytest.approx(188.8, abs=0.3)
    assert page.evaluate(f"cptsgeo.bearing({a}, {b})") == pytest.approx(344.7, abs=0.3)
    assert page.evaluate("cptsgeo.coordinates('14.6 N 61.07 O')") == [14.6, -61.07]
    assert page.evaluate("cptsgeo.coordinates('95, 10')") is None


def state(page: Any, name: str, status: str, note: str = "") -> None:
    page.locator("#cg-search").fill(name)
    page.keyboard.press("Enter")
    if note:
        page.get_by_label("Remarque").fill(note)
    page.locator(f"#cz-card .cz-{status}").click()


def author(page: Any, name: str) -> None:
    if not page.locator("#cz-author").is_visible():
        page.get_by_text("Main courante", exact=True).click()
    page.locator("#cz-author").fill(name)


def export(page: Any) -> str:
    if not page.locator("#cz-export").is_visible():
        page.get_by_text("Main courante", exact=True).click()
    with page.expect_download() as download:
        page.locator("#cz-export").click()
    return download.value.path().read_text(encoding="utf-8")


def merge(page: Any, content: str) -> str:
    page.locator("#cz-said").evaluate("e => { e.textContent = ''; }")
    page.locator("#cz-import").set_input_files(
        {"name": "f.json", "mimeType": "application/json", "buffer": content.encode()}
    )
    page.wait_for_selector("#cz-said:not(:empty)")
    return page.locator("#cz-said").inner_text()


def test_the_status_board_keeps_exports_and_merges(open_page: Open, html: str) -> None:
    here = open_page(html)
    state(here, "Lieu 0", "ferme")
    assert "donnez votre nom" in here.locator("#cz-said").inner_text()
    assert status_of(here, 0) == "ouvert"
    author(here, "Poste A")
    state(here, "Lieu 0", "ferme", "toit envolé <b>")
    assert status_of(here, 0) == "ferme"
    assert "toit envolé <b>" in here.locator("#cz-card").inner_text()
    here.reload()
    here.wait_for_selector("html[data-ready=yes]", state="attached")
    assert status_of(here, 0) == "ferme"
    first = export(here)
    there = open_page(html)
    author(there, "Poste B")
    state(there, "Lieu 0", "degrade")
    state(there, "Lieu 2", "ouvert")
    assert "déclarations ajoutées\u202f: 1" in merge(there, first)
    assert status_of(there, 0) == "degrade"
    assert "Lieu 0" in there.locator("#cz-conflicts").inner_text()
    assert "gardé Dégradé" in there.locator("#cz-conflicts").inner_text()
    assert "déclarations ajoutées\u202f: 0" in merge(there, first)
    second = export(there)
    assert "déclarations ajoutées\u202f: 2" in merge(here, second)
    assert (status_of(here, 0), status_of(here, 2)) == ("degrade", "ouvert")
    assert json.loads(export(here))["statements"] == json.loads(second)["statements"]


def test_files_of_another_kit_tampered_or_foreign_change_nothing(open_page: Open, html: str) -> None:
    page = open_page(html)
    author(page, "Poste A")
    state(page, "Lieu 0", "ferme")
    good = json.loads(export(page))
    state(page, "Lieu 0", "ouvert")
    before = export(page)
    later = (datetime.now() + timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def changed(**cells: Any) -> str:
        return json.dumps(good | {"statements": [good["statements"][0] | cells]})

    for content, words in [
        ("pas du json", "n’est pas un fichier d’états"),
        ("null", "n’est pas un fichier d’états"),
        ('{"statements": 3}', "n’est pas un fichier d’états"),
        (json.dumps(good | {"kit": "autre"}), "vient d’un autre kit"),
        (changed(status="degrade"), "modifié ou abîmé"),
        (changed(author="Quelqu’un"), "modifié ou abîmé"),
        (changed(status="<img src=x onerror=alert(1)>"), "modifié ou abîmé"),
        (changed(at=later), "modifié ou abîmé"),
        (changed(resource=None), "modifié ou abîmé"),
        (json.dumps(good | {"statements": [None]}), "modifié ou abîmé"),
        (json.dumps(good | {"checksum": "0"}), "modifié ou abîmé"),
    ]:
        assert words in merge(page, content), content[:60]
    assert export(page) == before


def test_statements_about_unknown_resources_are_listed(open_page: Open, html: str) -> None:
    more = open_page(toy_page(toy_resources(41)))
    author(more, "Poste A")
    state(more, "Lieu 40", "ferme")
    content = export(more)
    page = open_page(html.replace("</title>", " bis</title>"))
    assert "ressources absentes de ce kit\u202f: R40" in merge(page, content)


def test_the_directory_sorts_filters_and_downloads(open_page: Open, html: str) -> None:
    page = open_page(html)
    open_table(page)
    rows = page.locator("#cg-table-body tbody tr")
    assert rows.count() == 40
    page.get_by_role("button", name="Capacité").click()
    page.get_by_role("button", name="Capacité").click()
    assert rows.first.locator("th").inner_text() == "Lieu 39"
    assert (
        page.locator("th[aria-sort=descending]").inner_text() == "Capacité ▼"
        or page.locator("th[aria-sort=descending]").count() == 1
    )
    page.locator("#cz-commune").select_option("97204")
    assert rows.locator("th").all_inner_texts() == ["Lieu 35", "Lieu 19", "Lieu 3"]
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 4
    assert '"06 96 00 00 02"' in lines[3]
    rows.first.get_by_role("button").click()
    assert page.locator("#cz-card h2").inner_text() == "Lieu 35"


def paper(page: Any) -> set[str]:
    """Print the page, and return the names of places that the paper says."""
    document = pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))
    try:
        said = "".join(sheet.get_textpage().get_text_bounded() for sheet in document)
    finally:
        document.close()
    return set(re.findall(r"Lieu[0-9]+", re.sub(r"\s", "", said)))


def test_the_directory_on_paper_holds_every_row_though_it_was_closed(open_page: Open) -> None:
    page = open_page(toy_page(toy_resources(120)))

    def directory() -> set[str]:
        page.evaluate("document.documentElement.dataset.print = 'directory'")
        said = paper(page)
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        return said

    assert directory() == {f"Lieu{number}" for number in range(120)}
    assert not page.evaluate("document.getElementById('cg-table').open")
    page.locator("#cz-commune").select_option("97204")
    assert directory() == {f"Lieu{number}" for number in range(3, 120, 16)}
    page.locator("#cz-commune").select_option("")
    open_table(page)
    assert "Lieu119" in paper(page), "from the menu of the browser too"


@pytest.mark.parametrize("zone", ["America/Martinique", "Indian/Reunion"])
def test_a_statement_counts_in_another_time_zone_than_that_of_the_builder(
    browser: Any, tmp_path: Path, zone: str
) -> None:
    ago = (datetime.now() - timedelta(hours=1)).isoformat(timespec="minutes")
    with opened(browser, tmp_path, toy_page(toy_resources().assign(status_at=ago)), timezone_id=zone) as page:
        author(page, "SAMU")
        page.evaluate("cptsgeo.crisis.select(0)")
        page.locator("#cz-card .cz-ferme").click()
        assert status_of(page, 0) == "ferme"
        assert page.locator("#cz-said").inner_text() == "Lieu 0\u202f: Fermé"


def test_a_statement_older_than_the_kit_says_that_it_is_set_aside(open_page: Open) -> None:
    later = (datetime.now() + timedelta(hours=1)).isoformat(timespec="minutes")
    page = open_page(toy_page(toy_resources().assign(status_at=later)))
    author(page, "SAMU")
    page.evaluate("cptsgeo.crisis.select(0)")
    page.locator("#cz-card .cz-ferme").click()
    assert status_of(page, 0) == "ouvert"
    assert "Vérifiez l’horloge" in page.locator("#cz-said").inner_text()


def test_nearest_to_the_place_of_the_device(browser: Any, tmp_path: Path, html: str) -> None:
    here = {"latitude": 14.6, "longitude": -61.27}
    with opened(browser, tmp_path, html, geolocation=here, permissions=["geolocation"]) as page:
        page.locator("#cz-locate").click()
        page.locator("#cz-near li").first.wait_for()
        assert "Lieu 11\n0,2 km SE" in page.locator("#cz-near").inner_text()
    with opened(browser, tmp_path, html) as page:
        page.locator("#cz-locate").click()
        page.locator("#cz-near-said:not(:empty)").wait_for()


@contextmanager
def opened(browser: Any, folder: Path, html: str, **settings: Any) -> Iterator[Any]:
    """Open a page in a browser with its own place and time, without network."""
    path = folder / "kit.html"
    path.write_text(html, encoding="utf-8")
    context = browser.new_context(offline=True, **settings)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    yield page
    context.close()


def test_print_draws_the_map_with_a_grid_and_the_whole_directory(open_page: Open) -> None:
    page = open_page(toy_page(toy_resources(120), exercise=True))
    page.evaluate(
        "window.print = () => { window.printed = document.documentElement.dataset.print; window.dispatchEvent(new Event('beforeprint')); }"
    )
    page.get_by_text("Imprimer", exact=True).click()
    page.get_by_role("button", name="Carte, A3").click()
    assert page.evaluate("window.printed") == "map"
    assert page.evaluate("cptsgeo.crisis.gridLines") >= 4
    assert page.evaluate("[...document.querySelectorAll('style')].some(s => s.textContent.includes('A3 landscape'))")
    dark = "(() => { const c = document.querySelector('.cg-print'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 200) n++; return n / (d.length / 4); })()"
    assert page.evaluate(dark) > 0.1
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.get_by_role("button", name="Annuaire de ce qui est affiché").click()
    assert page.locator("#cg-table-body tbody tr").count() == 120
    page.emulate_media(media="print")
    assert page.locator(".cz-watermark").is_visible()
    assert page.locator("#cg-main").is_hidden()


def test_the_banner_turns_red_past_35_days(open_page: Open) -> None:
    for age, red in ((35, False), (36, True)):
        page = open_page(toy_page(on=date.today() - timedelta(days=age)))
        assert ("cz-old" in page.locator("#cz-date").get_attribute("class")) is red, age
    assert "demandez une mise à jour" in page.locator("#cz-date").inner_text()


def test_the_map_answers_to_a_click_and_to_the_keyboard(open_page: Open, html: str) -> None:
    page = open_page(html)
    page.evaluate("cptsgeo.crisis.select(12)")
    page.evaluate("document.getElementById('cz-card').hidden = true")
    place = page.evaluate(
        "(() => { const p = cptsgeo.map.latLngToContainerPoint(cptsgeo.crisis.resources.place(12)); return [p.x, p.y]; })()"
    )
    box = page.locator(".cg-map").bounding_box()
    page.mouse.click(box["x"] + place[0], box["y"] + place[1])
    assert page.locator("#cz-card h2").inner_text() == "Lieu 12"
    page.locator("#cg-search").focus()
    seen = []
    for _step in range(16):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert [one for one in seen if one in {"cz-from", "cz-locate", "cz-pick", "cz-closed", "cz-commune"}] == [
        "cz-from",
        "cz-locate",
        "cz-pick",
        "cz-closed",
        "cz-commune",
    ]


def test_a_phone_has_no_sideways_scroll(open_page: Open) -> None:
    page = open_page(toy_page(exercise=True), size=PHONE, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert page.locator(".cz-exercise").inner_text() == "EXERCICE\u202f: personnes et numéros fictifs"


def test_a_public_page_says_nothing_of_mobiles(open_page: Open) -> None:
    table = toy_resources().assign(mobile=None)
    page = open_page(toy_page(table, audience="public"))
    open_table(page)
    assert "Portable" not in page.locator("#cg-table-body thead").inner_text()
    assert page.locator(".cz-cell").count() == 0


def test_hostile_names_are_text_everywhere(open_page: Open) -> None:
    table = toy_resources(len(PAYLOADS)).assign(
        name=list(PAYLOADS), opening=list(PAYLOADS), source=list(PAYLOADS), unit=list(PAYLOADS)
    )
    table["insee_code"] = "97201"
    zone = gpd.GeoDataFrame({"name": [PAYLOADS[0]]}, geometry=[shapely.box(-61.3, 14.6, -61.3 + SIDE, 14.62)], crs=4326)
    page = open_page(toy_page(table, title=PAYLOADS[0], hazards=zone, notes=list(PAYLOADS), credits=list(PAYLOADS)))
    assert page.locator("h1").evaluate("e => e.textContent") == PAYLOADS[0]
    open_table(page)
    page.evaluate("cptsgeo.crisis.table.printAll(true)")
    names = page.evaluate("[...document.querySelectorAll('#cg-table-body tbody th')].map(e => e.textContent)")
    assert sorted(names) == sorted(PAYLOADS)
    author(page, PAYLOADS[1])
    for row in range(0, len(PAYLOADS), 9):
        page.evaluate(f"cptsgeo.crisis.select({row})")
        assert page.evaluate("document.querySelector('#cz-card h2').textContent") == PAYLOADS[row]
    page.locator("#cz-card .cz-ferme").click()
    assert page.locator("img, iframe, svg script, video, math, base, link, [onerror], [onload]").count() == 0


def test_a_browser_that_keeps_nothing_says_so(open_page: Open, html: str) -> None:
    broken = html.replace("localStorage.setItem(this.storage", "null.setItem(this.storage")
    import base64
    import hashlib
    import re

    script = next(text for text in re.findall(r"<script>(.*?)</script>", broken, re.DOTALL) if "null.setItem" in text)
    whole = next(
        text
        for text in re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
        if "localStorage.setItem(this.storage" in text
    )
    digest = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()  # noqa: E731
    page = open_page(broken.replace(digest(whole), digest(script)))
    author(page, "Poste A")
    state(page, "Lieu 0", "ferme")
    assert page.locator("#cz-not-kept").is_visible()
    assert status_of(page, 0) == "ferme"


def test_the_embedded_exercise_closes_the_north_east(open_page: Open, tmp_path: Path) -> None:
    from cptsgeo.crisis import exercise_page, exercise_resources

    table, _band = exercise_resources()
    shut = set(table.loc[table["status"] == "ferme", "insee_code"])
    assert {"97214", "97216", "97228", "97230"} <= shut
    assert not shut & {"97209", "97213", "97222", "97226"}
    shelters = table[table["kind"] == "shelter"]
    assert (len(shelters), set(shelters["position_precision"])) == (34, {"commune"})
    assert table["name"].str.contains("fictif").all()
    text = exercise_page()
    assert len(text.encode()) < 1_000_000
    page = open_page(text)
    assert page.locator("#cz-count").inner_text() == f"{len(table)} ressources affichées sur {len(table)}"
    assert page.evaluate("cptsgeo.crisis.resources.hazards.length") == 1
