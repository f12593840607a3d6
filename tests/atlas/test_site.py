"""The atlas: what is on its pages, that every link leads somewhere, that nothing is written twice."""

from __future__ import annotations

import base64
import json
import multiprocessing
import re
import shutil
import threading
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd
import pytest

from cptsgeo.atlas.feeds import compare, next_updates
from cptsgeo.atlas.server import local_server
from cptsgeo.cli import main
from cptsgeo.export import xlsx_bytes
from cptsgeo.workbooks import workbooks
from tests.browser import LAPTOP, SMALL, visit

Open = Callable[..., Any]
LINK = re.compile(r'(?:href|src)="([^"]*)"')


def plain(html: str) -> str:
    text = re.sub(r"<[^>]+>", "", html)
    return text.replace("\u202f", " ").replace("\xa0", " ")


def test_a_page_for_each_place_with_its_figures(embedded_site: Path) -> None:
    home = plain((embedded_site / "index.html").read_text())
    assert "79,7 % des habitants du territoire étudié" in home
    assert "29 sur 97" in home
    assert {path.name for path in (embedded_site / "departements").glob("*.html")} == {
        f"{code}.html" for code in ("972", "973", "974", "976")
    }
    assert len(list((embedded_site / "cpts").glob("*.html"))) == 7
    martinique = plain((embedded_site / "departements/972.html").read_text())
    assert "100,0 % des habitants vivent dans une CPTS" in martinique
    madinina = plain((embedded_site / "cpts/cpts-madinina.html").read_text())
    assert "360 630 habitants dans 34 communes ; taille 4." in madinina
    assert "Fort-de-France (97209)" in madinina


def test_other_processes_write_the_same_workbooks(embedded_site: Path) -> None:
    tables = {"sizes": pd.read_csv(embedded_site / "tables/sizes.csv")}
    with workbooks(1) as start:
        alone = start(tables)()
    with workbooks(2) as start:
        jobs = [start(tables), start({**tables, "again": tables["sizes"]})]
        assert jobs[0]() == alone
        assert jobs[1]() != alone


def test_a_workbook_is_written_here_when_the_other_process_dies() -> None:
    tables = {"t": pd.DataFrame({"insee_code": ["01001"]})}
    with workbooks(2) as start:
        start(tables)()
        (other,) = multiprocessing.active_children()
        other.kill()
        other.join()
        assert start(tables)() == xlsx_bytes(tables)


def test_a_page_for_each_white_zone_with_what_the_tables_say(embedded_site: Path) -> None:
    clusters = pd.read_csv(embedded_site / "tables/clusters.csv")
    units = pd.read_csv(embedded_site / "tables/cluster_units.csv", dtype={"insee_code": "str"})
    pages = sorted((embedded_site / "zones").glob("*.html"))
    assert len(pages) == len(clusters) == 2
    shown = ""
    for path in pages:
        shown += plain(path.read_text())
        beside = pd.read_csv(path.with_suffix(".csv"), dtype={"insee_code": "str"})
        assert set(beside["insee_code"]) <= set(units["insee_code"])
    for code in units["insee_code"]:
        assert f"({code})" in shown
    for population in clusters["population_white"]:
        assert f"{population:,} habitants sans CPTS".replace(",", " ") in shown
    assert "zones/zone-" in (embedded_site / "index.html").read_text()
    packed = re.search(r'id="index">([^<]+)<', (embedded_site / "index.html").read_text())
    index = json.loads(zlib.decompress(base64.b64decode(packed.group(1))))
    assert sum(path.startswith("zones/") for _name, _kind, path in index["places"]) == len(clusters)


def test_tables_for_a_chart_tool_are_percentages_that_sum_to_100(embedded_site: Path) -> None:
    table = pd.read_csv(embedded_site / "tables/chart_departements.csv", dtype={"Code": "str"})
    assert table["Code"].tolist()[0] in {"972", "974"}
    parts = table.drop(columns=["Code", "Nom", "Couverts, tous stades"])
    assert parts.sum(axis="columns").round(0).tolist() == [100.0] * 4
    assert sorted(table["Couverts, tous stades"])[0] == 12.0


def test_the_figures_of_the_pages_are_those_of_the_tables(embedded_site: Path) -> None:
    rates = pd.read_csv(embedded_site / "tables/coverage_by_departement.csv", dtype={"code": str})
    rates = rates[(rates["counting"] == "cumulative") & (rates["stage"] == "any")].set_index("code")
    for code, row in rates.iterrows():
        page = plain((embedded_site / f"departements/{code}.html").read_text())
        white = row["population"] - row["population_covered"]
        assert f"{white:,}".replace(",", " ") in page
        communes = pd.read_csv(embedded_site / f"departements/{code}.csv", dtype={"insee_code": str})
        assert communes["population_white"].sum() == white
        assert len(communes) == row["units"]
        assert len(pd.read_excel(embedded_site / f"departements/{code}.xlsx", engine="calamine")) == row["units"]
    sizes = pd.read_csv(embedded_site / "tables/sizes.csv")
    beside = [pd.read_csv(path) for path in sorted((embedded_site / "cpts").glob("*.csv"))]
    assert sorted(part["population_in_cpts"].sum() for part in beside) == sorted(sizes["population"])


def test_every_link_is_relative_and_leads_to_a_file_and_an_anchor(embedded_site: Path) -> None:
    pages = {path: path.read_text() for path in embedded_site.rglob("*.html") if path.name != "map.html"}
    checked = 0
    for path, html in pages.items():
        for link in LINK.findall(re.sub(r'<link rel="(?:canonical|alternate)"[^>]*>', "", html)):
            if link.startswith("data:"):
                continue
            assert not re.match(r"[a-z]+:|/", link), (path, link)
            file, _hash, anchor = unquote(link).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), (path, link)
            if anchor and target.name != "map.html":
                assert f'id="{anchor}"' in target.read_text(), (path, link)
            checked += 1
    assert checked > 400


def test_sitemap_feed_and_sharing_metadata_hold_the_address(embedded_site: Path) -> None:
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = {one.text for one in ET.parse(embedded_site / "sitemap.xml").iter(f"{space}loc")}
    pages = {path.relative_to(embedded_site).as_posix() for path in embedded_site.rglob("*.html")}
    assert found == {f"https://atlas.example.fr/cpts/{'' if page == 'index.html' else page}" for page in pages}
    feed = ET.parse(embedded_site / "feed.xml").getroot()
    assert feed.find("channel/link").text == "https://atlas.example.fr/cpts/"
    assert "79,7" in feed.find("channel/item/description").text
    head = (embedded_site / "cpts/cpts-madinina.html").read_text()
    assert '<meta property="og:url" content="https://atlas.example.fr/cpts/cpts/cpts-madinina.html">' in head
    assert '<meta property="og:title" content="CPTS Madinina">' in head


def test_a_second_run_writes_nothing_and_a_change_writes_what_it_concerns(
    embedded_site: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site = tmp_path / "site"
    shutil.copytree(embedded_site, site)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in site.rglob("*") if path.is_file()}
    again = ["atlas", "-o", str(site), "--url", "https://atlas.example.fr/cpts"]
    main(again)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before} == before
    assert {path for path in site.rglob("*") if path.is_file()} == set(before)
    style = site.parent / "theme"
    style.mkdir()
    (style / "glossary.html").write_text('{% extends "base.html" %}{% block content %}Mots{% endblock %}')
    request.getfixturevalue("embedded_once")
    main([*again, "--theme", str(style)])
    changed = {path.relative_to(site).as_posix() for path in before if path.stat().st_mtime_ns != before[path][0]}
    assert changed == {"glossary.html", "atlas.json"}


def test_a_change_rewrites_what_it_concerns_and_is_told_and_lost_pages_go(
    run: Any, toy_files: Any, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    common = ["atlas", "-o", site, "--communes", toy_files.communes, "--contours", toy_files.contours]
    common += ["--scope", "departement=04,05,26", "--url", "https://x.example/", "--accept-holes"]
    first = [*common, "--perimeters", toy_files.perimeters, "--cpts", toy_files.cpts]
    assert run(*first).code == 0
    assert (site / "cpts/cpts-alpha.html").is_file()
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*.html")}
    toy_files.communes.write_text(toy_files.communes.read_text().replace(",30000,", ",30001,"))
    assert run(*first).code == 0
    changed = {path.relative_to(site).as_posix() for path, when in before.items() if path.stat().st_mtime_ns != when}
    of_all = {"index.html", "map.html", "updates.html", "regions/93.html", "departements/04.html"}
    beside = {"zones/zone-e.html", "zones/zone-g.html"}  # CPTS alpha could take them in
    assert changed == {*of_all, "cpts/cpts-alpha.html", *beside}
    assert "1 commune a une autre population : A" in plain((site / "updates.html").read_text())
    later = tmp_path / "later.csv"
    later.write_text("cpts_id,cpts_name,insee_code\nbeta,CPTS beta,04904\neta,CPTS eta,26901\n")
    result = run(*common, "--perimeters", later, "--perimeters-date", "2026-03-01")
    assert result.code == 0, result.err
    assert not (site / "cpts/cpts-alpha.html").exists()
    assert not (site / "cpts/cpts-alpha.csv").exists()
    updates = plain((site / "updates.html").read_text())
    assert "État au 1er mars 2026" in updates
    assert "1 nouvelle CPTS : CPTS eta" in updates
    assert "5 CPTS ont disparu : CPTS alpha, CPTS delta, CPTS epsilon, CPTS gamma, CPTS zeta" in updates
    assert "1 commune est désormais dans une CPTS : H" in updates
    assert "communes ne sont plus dans une CPTS : A, B, C, E, F, G" in updates
    assert "1 CPTS a changé de stade : CPTS beta (Projet de santé validé → stade inconnu)" in updates
    items = ET.parse(site / "feed.xml").getroot().findall("channel/item")
    assert [one.find("pubDate") is not None for one in items] == [True, False, False]
    assert items[0].find("pubDate").text == "Sun, 01 Mar 2026 00:00:00 GMT"


UNITS = "insee_code,name,population,cpts,cpts_count\n"
SIZES = "cpts_id,cpts_name,stage,size_class\n"


def test_every_change_of_state_is_told_and_an_unchanged_state_is_not() -> None:
    units = f"{UNITS}01001,A,100,Nord,1\n01002,B,200,,0\n01003,C,300,Nord,1\n01004,D,50,Nord,1\n"
    sizes = f"{SIZES}n,Nord,pre_projet,1\ns,Sud,,2\no,Ouest,,1\n"
    assert compare(units, units, sizes, sizes) == []
    later = f"{UNITS}01001,A,120,Nord,1\n01002,B,200,Sud,1\n01003,C,300,Sud,1\n01005,E,70,,0\n"
    grown = f"{SIZES}n,Nord,aci_signe,1\ns,Sud,lettre_intention,3\ne,Est,,1\n"
    assert [plain(one) for one in compare(units, later, sizes, grown)] == [
        "1 nouvelle CPTS : Est",
        "1 CPTS a disparu : Ouest",
        "2 CPTS ont changé de stade : Nord (Pré-projet → ACI signé), Sud (stade inconnu → Lettre d’intention)",
        "1 CPTS a changé de taille : Sud (2 → 3)",
        "1 commune est désormais dans une CPTS : B",
        "1 commune est dans une autre CPTS : C",
        "1 commune ajoutée : E",
        "1 commune retirée : D",
        "1 commune a une autre population : A",
    ]
    assert "1 commune n’est plus dans une CPTS : B" in [plain(one) for one in compare(later, units, grown, sizes)]


def test_tables_of_another_version_are_not_compared() -> None:
    updates = next_updates(
        [],
        units=f"{UNITS}01001,A,1,,0\n",
        sizes=SIZES,
        units_before="insee_code,name\n01001,A\n",
        sizes_before=SIZES,
        finding="",
        when=None,
    )
    assert [one.changes for one in updates] == [()]


def test_wrong_data_leave_the_site_as_it_was(run: Any, toy_files: Any, embedded_site: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(embedded_site, site)
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    bad = tmp_path / "bad.csv"
    bad.write_text("cpts_name,insee_code\nA,9720\n")
    result = run("atlas", "-o", site, "--perimeters", bad)
    assert result.code == 1
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_a_folder_with_something_else_is_left_alone(run: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    result = run("atlas", "-o", tmp_path)
    assert result.code == 1
    assert "pas d’atlas de cptsgeo" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    (tmp_path / "letter.txt").rename(tmp_path / "atlas.json")
    assert "illisible" in run("atlas", "-o", tmp_path).err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--theme", "nowhere"], "ce dossier n’existe pas"),
        (["--logo", "nowhere.png"], "pas une image"),
        (["--logo", "heavy.png"], "cette image pèse 61 ko"),
        (["--url", "atlas.example.fr"], "n’est pas l’adresse d’un site"),
    ],
)
def test_wrong_choices_are_refused_before_any_work(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("heavy.png").write_bytes(bytes(61_000))
    result = run("atlas", "-o", tmp_path / "site", *options)
    assert result.code in {1, 2}
    assert words in result.err
    assert not (tmp_path / "site").exists()


def test_a_theme_replaces_templates_and_brings_files(run: Any, tmp_path: Path, embedded_once: None) -> None:
    theme, site = tmp_path / "theme", tmp_path / "site"
    (theme / "static").mkdir(parents=True)
    (theme / "static/fonts.txt").write_text("x")
    (theme / "style.css").write_text('body { background: url({{ up }}static/paper.png); } /* "as written" */')
    (theme / "base.html").write_text(
        '{% extends "cptsgeo/base.html" %}{% block footer %}<p>FCPTS &amp; {{ site }}</p>{% endblock %}'
    )
    logo = tmp_path / "sigle.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert run("atlas", "-o", site, "--theme", theme, "--logo", logo).code == 0
    page = (site / "cpts/cpts-madinina.html").read_text()
    assert "<p>FCPTS &amp; Couverture" in page
    held = base64.b64encode(logo.read_bytes()).decode()
    assert f'<img src="data:image/svg+xml;base64,{held}" alt="">' in page
    assert '{ background: url(../static/paper.png); } /* "as written" */' in page
    assert "font-src 'self' file: data:" in unescape(page)
    assert (site / "static/fonts.txt").is_file()
    assert not (site / "feed.xml").exists()
    (theme / "place.html").write_text("{{ nothing.there }}")
    result = run("atlas", "-o", site, "--theme", theme)
    assert result.code == 2
    assert "place.html" in result.err or "home.html" in result.err
    assert page == (site / "cpts/cpts-madinina.html").read_text()


@pytest.mark.browser
def test_the_search_leads_to_the_row_of_a_commune_by_keyboard(open_page: Open, embedded_site: Path) -> None:
    from playwright.sync_api import expect

    page = open_page(embedded_site / "index.html", ready=False, follows=True)
    field = page.get_by_role("combobox")
    field.fill("st denis")
    expect(page.get_by_role("option").first).to_contain_text("97411")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/departements/974.html#c97411")
    assert page.locator(":target th").inner_text() == "Saint-Denis"
    page.go_back()
    page.get_by_role("combobox").fill("madinina")
    page.get_by_role("option").first.click()
    page.wait_for_url("**/cpts/cpts-madinina.html")
    page.go_back()
    page.get_by_role("combobox").fill("nulle part")
    expect(page.locator("#status")).to_have_text("Rien trouvé")


@pytest.mark.browser
@pytest.mark.parametrize("size", [SMALL, LAPTOP])
def test_pages_are_styled_and_fit_the_screen(browser: Any, embedded_site: Path, size: tuple[int, int]) -> None:
    wide: list[str] = []

    def look(page: Any, name: str) -> None:
        width, display, cut = page.evaluate(
            """() => [document.documentElement.scrollWidth,
              getComputedStyle(document.querySelector('.top, .cg-app')).display,
              [...document.querySelectorAll('svg.map text')].filter((one) => {
                const own = one.getBoundingClientRect(), sheet = one.ownerSVGElement.getBoundingClientRect();
                return own.left < sheet.left || own.right > sheet.right || own.top < sheet.top || own.bottom > sheet.bottom;
              }).map((one) => one.textContent)]"""
        )
        if width > size[0] or display not in {"flex", "grid"} or cut:
            wide.append(f"{name}: {width} pixels, {display}, {cut}")

    assert visit(browser, embedded_site, look, size=size) == []
    assert wide == []


def test_the_server_answers_this_computer_only_and_lists_nothing(embedded_site: Path) -> None:
    with local_server(embedded_site, 0) as server:
        assert server.server_address[0] == "127.0.0.1"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with urllib.request.urlopen(server.address + "cpts/cpts-madinina.html") as answer:
            assert "Madinina" in answer.read().decode()
        for path, host, code in (
            ("cpts/", None, 404),
            ("../secret", None, 404),
            ("index.html", "evil.example", 403),
        ):
            request = urllib.request.Request(server.address + path, headers={"Host": host} if host else {})
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            assert refused.value.code == code
            refused.value.close()
        server.shutdown()
        thread.join()


@pytest.mark.browser
def test_the_site_works_below_a_path_of_a_web_server(browser: Any, embedded_site: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=embedded_site.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        home = f"http://127.0.0.1:{server.server_port}/{embedded_site.name}/"
        page = browser.new_page()
        asked: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(home)
        page.get_by_role("combobox").fill("st denis")
        page.get_by_role("option").first.click()
        page.wait_for_url(f"{home}departements/974.html#c97411")
        with page.expect_download() as table:
            page.locator("a[href='974.csv']").click()
        assert table.value.path().read_bytes() == (embedded_site / "departements/974.csv").read_bytes()
        page.get_by_role("link", name="Carte interactive").first.click()
        page.wait_for_selector("html[data-painted=yes]", state="attached")
        page.close()
        server.shutdown()
        thread.join()
    assert problems == []
    assert [url for url in asked if not url.startswith((home, "blob:", "data:"))] == []


def test_serve_refuses_a_folder_without_pages_and_a_port_in_use(run: Any, tmp_path: Path, embedded_site: Path) -> None:
    assert "index.html" in run("serve", tmp_path).err
    with local_server(embedded_site, 0) as server:
        result = run("serve", embedded_site, "--port", server.server_address[1])
    assert result.code == 2
    assert "ne peut pas servir" in result.err


def test_the_layers_beside_the_pages_hold_every_commune(embedded_site: Path) -> None:
    for name in ("communes.gpkg", "communes.parquet"):
        path = embedded_site / "tables" / name
        layer = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path, layer="communes")
        assert len(layer) == 97
        assert layer.crs.to_epsg() == 4326
