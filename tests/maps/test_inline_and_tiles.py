"""`cptsgeo inline`, online basemaps on request, permalinks to a view, embedding, names of towns."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import folium
import pytest

from cptsgeo.errors import UsageError
from cptsgeo.maps.page import BASEMAPS, map_page
from tests.maps.conftest import toy_themes, toy_units

Open = Callable[..., Any]


@pytest.mark.browser
def test_a_page_of_folium_opens_without_network(run: Any, open_page: Open, tmp_path: Path) -> None:
    m = folium.Map([46, 2], tiles=None)
    folium.Marker([46, 2], tooltip="Ici").add_to(m)
    m.save(tmp_path / "page.html")
    assert run("inline", tmp_path / "page.html", "-o", tmp_path / "out.html").code == 0
    page = open_page(tmp_path / "out.html", ready=False)
    page.wait_for_selector(".leaflet-marker-icon")
    assert "existe déjà" in run("inline", tmp_path / "page.html", "-o", tmp_path / "out.html").err


def test_inline_says_what_it_cannot_take_in(run: Any, tmp_path: Path) -> None:
    m = folium.Map([46, 2])
    m.save(tmp_path / "page.html")
    result = run("inline", tmp_path / "page.html", "-o", tmp_path / "out.html")
    assert result.code == 2
    assert "tile.openstreetmap.org" in result.err
    online = ["--online", "https://tile.openstreetmap.org"]
    assert run("inline", tmp_path / "page.html", "-o", tmp_path / "out.html", *online).code == 0
    assert "img-src data: blob: https://tile.openstreetmap.org;" in (tmp_path / "out.html").read_text()
    assert "la page ne peut pas être lue" in run("inline", tmp_path / "absent.html", "-o", tmp_path / "x.html").err
    (tmp_path / "list.html").write_text("a,b\n1,2\n")
    assert "ce n’est pas une page" in run("inline", tmp_path / "list.html", "-o", tmp_path / "x.html").err
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("tiles", BASEMAPS)
def test_an_online_basemap_is_allowed_alone_and_credited(units: Any, page_parts: Any, tiles: str) -> None:
    html = map_page(units, toy_themes(units), tiles=tiles, **page_parts)
    origin = BASEMAPS[tiles].origin
    assert f"img-src data: blob: {origin};" in html
    assert f"demande son fond de carte à {origin}" in html
    assert "©" in html
    plain = map_page(units, toy_themes(units), **page_parts)
    assert "https://" not in plain.split("</head>")[1].replace("http://www.w3.org", "")
    assert "ne demande rien au réseau" in plain


def test_an_unknown_basemap_is_refused(units: Any, page_parts: Any) -> None:
    with pytest.raises(UsageError, match="plan-ign"):
        map_page(units, toy_themes(units), tiles="google", **page_parts)


@pytest.mark.browser
def test_a_view_in_the_address_opens_there_and_a_wrong_one_is_ignored(
    open_page: Open, units: Any, page_parts: Any
) -> None:
    html = map_page(units, toy_themes(units), **page_parts)
    page = open_page(html, anchor="#view=-61.26,14.56,-61.24,14.58")
    assert page.evaluate("cptsgeo.map.getBounds().contains([14.57, -61.25])")
    close = page.evaluate("cptsgeo.map.getZoom()")
    for wrong in ("#view=a,b,c,d", "#view=1,2", "#view=0,99,1,200", "#view="):
        other = open_page(html, anchor=wrong)
        assert other.evaluate("cptsgeo.map.getZoom()") < close
    page.evaluate("location.hash = '#view=-61.3,14.54,-61.28,14.56'")
    page.wait_for_timeout(200)
    assert page.evaluate("cptsgeo.map.getBounds().contains([14.55, -61.29])")


@pytest.mark.browser
def test_in_a_frame_the_map_its_title_and_its_legend_alone(open_page: Open, units: Any, page_parts: Any) -> None:
    page = open_page(map_page(units, toy_themes(units), **page_parts), anchor="#embed", size=(700, 480))
    assert page.locator("h1").is_visible()
    assert page.locator("#cg-legend-0").is_visible()
    legend, drawn = (page.locator(name).bounding_box() for name in ("#cg-legend-0 tbody tr >> nth=0", ".cg-map"))
    assert legend["y"] + legend["height"] <= 480, "in the frame without scrolling"
    assert drawn["height"] >= 150
    for hidden in ("#cg-search", "#cg-table", ".cg-foot"):
        assert page.locator(hidden).is_hidden()


@pytest.mark.browser
def test_the_largest_towns_are_named_and_never_over_each_other(open_page: Open, page_parts: Any) -> None:
    units = toy_units([f"Commune {at}" for at in range(37)] + [f"Lyon {at}e Arrondissement" for at in (2, 3, 5)])
    page = open_page(map_page(units, toy_themes(units), **{**page_parts, "outlines": {}}))
    names = page.locator(".cg-towns span").all_text_contents()
    assert names[0].startswith("Lyon")
    assert "Commune 36" in names
    page.evaluate("cptsgeo.map.setZoom(10, {animate: false})")
    page.wait_for_timeout(300)
    assert [name for name in page.locator(".cg-towns span").all_text_contents() if "Lyon" in name] == ["Lyon"]
    page.evaluate("cptsgeo.map.setZoom(13, {animate: false})")
    page.wait_for_timeout(300)
    names = page.locator(".cg-towns span").all_text_contents()
    assert any(re.fullmatch(r"Lyon \de Arrondissement", name) for name in names)
    assert 3 <= len(names) <= 40
    boxes = page.evaluate(
        "[...document.querySelectorAll('.cg-towns span')].map((e) => { const b = e.getBoundingClientRect();"
        " return [b.left, b.top, b.right, b.bottom]; })"
    )
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
