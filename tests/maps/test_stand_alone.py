"""Pages that stand alone: every link replaced, everything else forbidden, identical bytes."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from pathlib import Path

import folium
import pytest
from folium import plugins

import cptsgeo.maps
from cptsgeo.errors import CptsGeoError
from cptsgeo.maps import assets
from cptsgeo.maps.assets import vendored, vendored_text
from cptsgeo.maps.stand_alone import inline_page, self_contained

POINTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": "Le Lamentin"},
            "geometry": {"type": "Polygon", "coordinates": [[[-61, 14.6], [-60.9, 14.6], [-60.9, 14.7], [-61, 14.6]]]},
        }
    ],
}
TOPOLOGY = {
    "type": "Topology",
    "objects": {
        "a": {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "arcs": [[0]], "properties": {}}]}
    },
    "arcs": [[[-61, 14.6], [-60.9, 14.6], [-60.9, 14.7], [-61, 14.6]]],
}


def users_map() -> folium.Map:
    """Make a map with everything that we vendor."""
    m = folium.Map([14.6, -61], zoom_start=10, tiles=None)
    m.options["max_zoom"] = 18
    folium.Marker([14.6, -61], popup="<b>bulle</b>", tooltip="x", icon=folium.Icon(color="red", angle=90)).add_to(m)
    folium.Marker([14.61, -61], icon=folium.Icon(icon="user", prefix="fa")).add_to(m)
    folium.Marker([14.62, -61]).add_to(m)
    plugins.MarkerCluster([[14.6, -61.01], [14.6, -61.02]]).add_to(m)
    layer = folium.GeoJson(POINTS, name="formes", tooltip=folium.GeoJsonTooltip(["name"])).add_to(m)
    plugins.Search(layer, search_label="name").add_to(m)
    plugins.Fullscreen().add_to(m)
    group = folium.FeatureGroup("groupe").add_to(m)
    plugins.GroupedLayerControl({"groupes": [group]}).add_to(m)
    folium.TopoJson(TOPOLOGY, "objects.a").add_to(m)
    folium.LayerControl().add_to(m)
    return m


def links(page: str) -> list[str]:
    """Return what the page loads, outside its scripts."""
    return re.findall(r"<script[^>]*\bsrc=|<link\b", re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", page))


def test_every_link_is_replaced_and_every_script_has_its_hash() -> None:
    page = self_contained(users_map(), title="Essai")
    assert not links(page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    for rule in ("img-src data: blob:", "font-src data:", "connect-src data: blob:", "base-uri 'none'"):
        assert f"; {rule}" in policy[1]
    assert "unsafe-eval" not in policy[1]
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy[1]
    assert "sourceMappingURL" not in page
    assert "user-scalable=no" not in page


def test_the_same_map_gives_the_same_bytes() -> None:
    page = self_contained(users_map(), title="Essai")
    assert page == self_contained(users_map(), title="Essai")
    assert not re.search(r"_[0-9a-f]{32}", page)


def test_what_nothing_needs_is_left_out() -> None:
    page = self_contained(folium.Map([46, 2], tiles=None), title="Nue")
    for name in (
        "jquery.js",
        "bootstrap.js",
        "bootstrap.css",
        "fontawesome.css",
        "glyphicons.css",
        "awesome-markers.js",
    ):
        assert vendored_text(name)[:200] not in page
    assert len(page) < 200_000
    assert vendored_text("bootstrap.css")[:200] in self_contained(with_table(), title="Tableau")


def with_table() -> folium.Map:
    m = folium.Map([46, 2], tiles=None)
    folium.Marker([46, 2], popup='<table class="table table-striped"></table>').add_to(m)
    return m


@pytest.mark.parametrize(
    ("add", "named"),
    [
        (lambda m: folium.TileLayer("OpenStreetMap").add_to(m), "tile.openstreetmap.org"),
        (lambda m: plugins.HeatMap([[46, 2, 1]]).add_to(m), "leaflet_heat"),
        (lambda m: m.get_root().html.add_child(folium.Element("<img src='https://example.org/logo.png'>")), "logo.png"),
        (
            lambda m: m.get_root().header.add_child(
                folium.Element("<style>@import 'https://example.org/a.css'</style>")
            ),
            "a.css",
        ),
        (lambda m: m.get_root().html.add_child(folium.Element("<img alt='' src='beside.png'>")), "beside.png"),
        (lambda m: folium.Marker([46, 2], popup="<img src=photo.jpg>").add_to(m), "photo.jpg"),
        (lambda m: m.add_js_link("mine", "https://example.org/mine.js"), "mine.js"),
    ],
)
def test_an_unknown_link_is_an_error_that_names_it(add, named, monkeypatch) -> None:
    monkeypatch.setattr(folium.Map, "default_js", list(folium.Map.default_js))
    m = folium.Map([46, 2], tiles=None)
    add(m)
    with pytest.raises(CptsGeoError, match=re.escape(named)) as error:
        self_contained(m, title="x")
    assert error.value.fix


def test_tiles_are_allowed_on_request_only() -> None:
    page = self_contained(folium.Map([46, 2]), title="x", online=["https://tile.openstreetmap.org"])
    assert "img-src data: blob: https://tile.openstreetmap.org" in page
    with pytest.raises(CptsGeoError):
        self_contained(folium.Map([46, 2], tiles=None), title="x", online=["https://a.org; script-src *"])


def test_a_script_cannot_be_closed_from_a_name() -> None:
    m = folium.Map([46, 2], tiles=None)
    folium.Marker([46, 2], tooltip="</script><script>alert(1)</script>").add_to(m)
    page = self_contained(m, title="</title><script>alert(2)</script>")
    assert "<title>&lt;/title&gt;&lt;script&gt;alert(2)" in page
    assert "<\\/script><script>alert(1)<\\/script>" in page


def test_a_saved_page_becomes_self_contained_and_stays_so() -> None:
    saved = users_map().get_root().render()
    page = inline_page(saved)
    assert not links(page)
    assert inline_page(page) == page


def test_the_vendored_files_are_those_of_the_index() -> None:
    folder = Path(assets.__file__).parent / "vendor"
    index = tomllib.loads((folder / "vendor.toml").read_text(encoding="utf-8"))
    for package in index["package"]:
        for file in package["file"]:
            digest = hashlib.sha256((folder / file["file"]).read_bytes()).hexdigest()
            assert digest == file["sha256"], file["file"]
    assert {file.package for file in vendored()} >= {"leaflet", "jquery", "bootstrap", "topojson-client"}
    assert all(
        "sourceMappingURL" not in vendored_text(file.name) for file in vendored() if file.name.endswith(("js", "css"))
    )
    assert all("//cdn" not in vendored_text(file.name) for file in vendored() if file.name.endswith("css"))


@pytest.mark.browser
def test_a_users_map_works_without_network(open_page) -> None:
    page = open_page(self_contained(users_map(), title="Essai"), ready=False)
    page.wait_for_selector(".marker-cluster")
    assert page.title() == "Essai"
    assert page.locator(".leaflet-marker-pane .awesome-marker").count() == 2
    assert page.locator("img.leaflet-marker-icon, .marker-cluster").count() == 2
    assert page.locator("path.leaflet-interactive").count() >= 2
    page.locator(".awesome-marker-icon-red").first.click(force=True)
    page.wait_for_selector(".leaflet-popup-content b")
    assert page.locator(".leaflet-control-zoom-fullscreen, .leaflet-control-search").count() >= 1
    assert page.evaluate("document.fonts.size") > 0


@pytest.mark.browser
def test_a_frame_that_the_page_holds_is_shown(open_page) -> None:
    m = folium.Map([14.6, -61], zoom_start=9, tiles=None)
    folium.Marker([14.6, -61], popup=folium.Popup(folium.IFrame("<p>Bonjour du cadre</p>"), show=True)).add_to(m)
    page = open_page(cptsgeo.maps.self_contained(m), ready=False)
    assert page.frame_locator("iframe").locator("p").inner_text() == "Bonjour du cadre"


def test_the_names_of_the_package_are_the_functions_themselves() -> None:
    assert cptsgeo.maps.self_contained is self_contained
    assert cptsgeo.maps.CommuneLayer.__module__ == "cptsgeo.maps.commune_layer"
    assert "<title>Carte</title>" in self_contained(users_map())
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        cptsgeo.maps.nothing_of_the_kind  # noqa: B018
