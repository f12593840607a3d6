"""Layers of territories in a build: tables, the page of each layer in a browser, replay; “area” told on every page."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

from cptsgeo.manifest import read_manifest
from tests.browser import visit

FOOT = "document.querySelector('footer, body').innerText"
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def ght(tmp_path: Path) -> Path:
    """alpha is in one GHT, gamma faces two, the others none."""
    path = tmp_path / "ght.csv"
    path.write_text(
        f'ght_id,ght_name,insee_code,share\nx,"{HOSTILE}",04901,\nx,"{HOSTILE}",04902,\nx,"{HOSTILE}",04903,\n'
        "y,Est,05901,0.5\nz,Sud,05901,0.5\nz,Sud,05902,\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """Two CPTS that cut the toy communes."""
    west, south = 900_000, 6_400_000
    layer = gpd.GeoDataFrame(
        {"nom_cpts": ["Ouest", "Est"]},
        geometry=[
            box(west - 10, south - 10, west + 4500, south + 4010),
            box(west + 4500, south - 10, west + 9010, south + 4010),
        ],
        crs=2154,
    )
    layer.to_file(tmp_path / "dessin.gpkg")
    return tmp_path / "dessin.gpkg"


def options(toy_files, *more: object) -> list[object]:
    return [*toy_files.options, "--contours", toy_files.contours, "--accept-holes", *more]


@pytest.mark.browser
def test_the_page_of_a_layer_hatches_cpts_that_face_several(run, toy_files, ght, tmp_path, open_page):
    page = tmp_path / "ght.html"
    done = run("overlaps", *options(toy_files, "--with", f"ght={ght}", "--map", page, "-f", "csv"))
    assert done.code == 0, done.err
    opened = open_page(page, anchor="#insee=05901")
    legend = opened.locator(".cg-legend")
    row = legend.locator("tr", has_text="plusieurs territoires")
    assert row.locator("td").first.inner_text() == "2"
    assert row.locator("svg path").count() > 3
    shown = opened.locator("input[name=cg-outline]:checked")
    assert shown.count() == 2
    assert "Est; Sud" in opened.locator("body").inner_text()
    assert opened.locator("img[src=x]").count() == 0
    assert "font face à plusieurs" in opened.locator(".cg-finding").inner_text().replace("\u202f", " ")
    colours = opened.evaluate(
        """() => { const seen = {};
        for (const canvas of document.querySelectorAll('.cg-tiles canvas')) {
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          for (let at = 0; at < data.length; at += 4)
            if (data[at] === 0xb3 && data[at + 1] === 0 && data[at + 2] === 0x3c) seen.territory = true;
            else if (data[at] === 0xf5 && data[at + 1] === 0xb0 && data[at + 2] === 0x4c) seen.several = true;
        } return seen; }"""
    )
    assert colours == {"territory": True, "several": True}


def test_a_build_with_layers_writes_their_tables_and_pages_and_names_their_files(run, toy_files, ght, tmp_path):
    out = tmp_path / "out"
    built = run("build", *options(toy_files, "--with", f"ght={ght}", "--with", "departement", "-o", out))
    assert built.code == 0, built.err
    table = pd.read_csv(out / "tables" / "overlaps.csv")
    assert set(table["layer"]) == {"ght", "departement"}
    for name in ("overlap_summary", "overlap_territories", "overlap_straddling"):
        assert (out / "tables" / f"{name}.csv").is_file()
    index = (out / "index.html").read_text(encoding="utf-8")
    for name in ("overlaps_ght.html", "overlaps_departement.html"):
        assert f'href="{name}"' in index
        assert (out / name).is_file()
    manifest = read_manifest(out / "manifest.json")
    assert {"layer ght"} <= {one["role"] for one in manifest["inputs"]}
    ght.write_text(ght.read_text().replace("0.5", "0.4"))
    changed = run("replay", out / "manifest.json")
    assert changed.code == 1
    assert "layer ght" in changed.err


@pytest.mark.browser
def test_sharing_by_area_is_told_on_every_page(run, toy_files, drawing, tmp_path, browser, computed_once):
    inputs = ["--communes", toy_files.communes, "--contours", toy_files.contours, "--perimeters", drawing]
    inputs += ["--scope", "departement=04,05,26", "--accept-holes", "--area-weighting", "--tolerance", 20]
    out = tmp_path / "out"
    built = run("build", *inputs, "--with", "epci", "-o", out)
    assert built.code == 0, built.err
    cuts = pd.read_csv(out / "tables" / "cuts.csv")
    assert set(cuts.loc[cuts["population"] > 0, "method"]) == {"area"}
    footers: dict[str, str] = {}
    assert visit(browser, out, lambda page, name: footers.update({name: page.evaluate(FOOT)})) == []
    of_maps = {name: text.replace("\u202f", " ") for name, text in footers.items() if "/" not in name}
    assert len(of_maps) == 8
    assert [name for name, text in of_maps.items() if "Méthode « surface »" not in text] == []
    atlas = tmp_path / "atlas"
    assert run("atlas", *inputs, "-o", atlas).code == 0
    places = [path for path in atlas.rglob("*.html") if path.parent.name in {"cpts", "departements", "regions"}]
    assert {path.parent.name for path in places} == {"cpts", "departements", "regions"}
    for path in [atlas / "index.html", *places]:
        assert "« surface »" in path.read_text(encoding="utf-8").replace("\u202f", " "), path
    card = tmp_path / "fiche.html"
    cpts = pd.read_csv(out / "tables" / "sizes.csv")["cpts_id"][0]
    assert run("card", cpts, *inputs, "-o", card).code == 0
    assert "« surface »" in card.read_text(encoding="utf-8").replace("\u202f", " ")
    words = read_manifest(out / "manifest.json")["parameters"]["arguments"]
    assert {"--area-weighting", "--tolerance", "20.0", "--with", "epci", str(drawing)} <= set(words)
