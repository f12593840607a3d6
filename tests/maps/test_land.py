"""What lies around a scope is land where there is land and sea where there is sea, on pages, in the atlas and in print."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.atlas.drawing import Drawing, map_svg
from cptsgeo.embedded import embedded
from cptsgeo.maps import land
from cptsgeo.maps.codec import decode
from cptsgeo.maps.commune_layer import CommuneLayer
from cptsgeo.maps.page import map_page
from cptsgeo.maps.sheet import Sheet
from cptsgeo.maps.topology import build_topology, land_topology, polygons
from tests.browser import LAPTOP, drawn_color, on_screen, painted
from tests.maps.conftest import toy_themes, toy_units

ASHORE = {
    "Valence": (4.89, 44.93),
    "Turin": (7.68, 45.07),
    "Corte": (9.15, 42.31),
    "Cayenne": (-52.3, 4.88),
    "Paramaribo": (-55.2, 5.75),
    "Madrid": (-3.7, 40.42),
    "Moroni": (43.4, -11.65),
    "Boston": (-71.3, 42.3),
}
AFLOAT = {
    "Gulf of Lion": (4.5, 42.9),
    "Channel": (-1.0, 50.1),
    "Lake Geneva": (6.5, 46.45),
    "off Fort-de-France": (-61.3, 14.5),
    "Atlantic": (-30.0, 40.0),
}
VAUCLUSE = [((43.66, 4.65), (44.43, 5.76))]
RED, GREEN, BLUE = (int(land.COLOR[at : at + 2], 16) for at in (1, 3, 5))


def holds(shapes: np.ndarray, places: dict[str, tuple[float, float]]) -> dict[str, bool]:
    return {name: bool(shapely.contains_xy(shapes, *place).any()) for name, place in places.items()}


@pytest.mark.parametrize("corners", [[], VAUCLUSE, [((41.3, -5.2), (51.1, 9.6)), ((2.1, -54.6), (5.8, -51.6))]])
def test_land_is_land_and_sea_is_sea_wherever_the_detail_is(corners: list) -> None:
    shapes = land.land_around(corners)
    assert holds(shapes, ASHORE) == dict.fromkeys(ASHORE, True)
    assert holds(shapes, AFLOAT) == dict.fromkeys(AFLOAT, False)
    assert shapely.is_valid(shapes).all()
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(shapely.union_all(shapes)))


def test_detail_is_kept_around_a_scope_and_given_up_elsewhere() -> None:
    table = gpd.read_parquet(embedded("communes/land.parquet"))
    near = table.loc[table["detail"] == "near"].geometry.union_all()
    drawn = shapely.union_all(land.land_around(VAUCLUSE))
    beside, brittany = shapely.box(4.0, 42.9, 6.8, 45.0), shapely.box(-5.0, 47.3, -1.5, 49.0)
    assert shapely.area(shapely.intersection(shapely.symmetric_difference(near, drawn), beside)) < 1e-9
    moved = shapely.intersection(shapely.symmetric_difference(near, drawn), brittany)
    assert 1e-3 < shapely.area(moved) < 0.02 * shapely.area(brittany)
    count = [shapely.get_num_coordinates(shapely.intersection(shape, brittany)) for shape in (near, drawn)]
    assert count[1] < count[0] / 5


@given(st.floats(-180, 180), st.floats(-84, 84))
def test_the_grid_of_a_sheet_is_that_of_its_degrees(longitude: float, latitude: float) -> None:
    back = SHEET.degrees(*SHEET.grid(np.array([[longitude, latitude]])).T)
    assert np.allclose(np.concatenate(back), [longitude, latitude], atol=1e-6)


SQUARE = shapely.box(5.0, 43.9, 5.2, 44.1)
SHEET = Sheet(build_topology(gpd.GeoSeries([SQUARE], crs=4326), (1.0,), 24), (1.0,))


def test_a_static_map_shows_the_land_of_its_frame_alone() -> None:
    [frame] = SHEET.frames(np.array([0]), 400, 300, margin=0.45)
    rings = SHEET.land(frame)
    found = shapely.transform(
        shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in rings]),
        lambda xy: np.column_stack(SHEET.degrees(xy[:, 0], xy[:, 1])),
    )
    (left, right), (top, bottom) = SHEET.degrees(*np.array(frame.shown).reshape(2, 2).T)
    wanted = shapely.union_all(land.land_within(left, bottom, right, top))
    assert 0.2 < shapely.area(wanted) / shapely.area(shapely.box(left, bottom, right, top)) < 1
    assert shapely.area(shapely.symmetric_difference(found, wanted)) < 0.01 * shapely.area(wanted)
    picture = map_svg(SHEET, Drawing([]), frames=[frame], width=400, height=300, label="")
    assert picture.count(f'fill="{land.COLOR}"') == 1


def test_a_layer_carries_land_only_when_asked() -> None:
    units = toy_units(["A", "B"])
    bare = decode(CommuneLayer(units, toy_themes(units)).data)
    assert (len(bare.coverages), bare.meta["land"]) == (1, None)
    block = decode(CommuneLayer(units, toy_themes(units), on_land=True).data)
    assert block.meta["land"] == {"coverage": 1, "color": land.COLOR}
    shapes = land.land_around([])
    again = land_topology(shapes, (180.0, 600.0, 1500.0), 21)
    drawn = polygons(again)
    assert len(drawn) == len(shapes)


@pytest.mark.browser
def test_a_page_about_an_inland_scope_shows_land_and_sea_around(open_page, page_parts) -> None:
    units = toy_units(["A", "B"])
    units["geometry"] = [shapely.box(4.8, 43.7, 5.0, 43.9), shapely.box(5.0, 43.7, 5.2, 43.9)]
    html = map_page(units, toy_themes(units), **{**page_parts, "outlines": {}})
    page = open_page(html, size=LAPTOP)
    painted(page)
    page.evaluate("cptsgeo.map.setView([43.2, 4.9], 8, {animate: false})")
    page.wait_for_timeout(800)
    colors = {place: drawn_color(page, *on_screen(page, *place)) for place in [(4.6, 44.3), (4.6, 42.9), (4.9, 43.82)]}
    assert colors[4.6, 44.3] == [RED, GREEN, BLUE, 255]
    assert colors[4.6, 42.9][3] == 0
    assert colors[4.9, 43.82][:3] == [0x0B, 0x4A, 0x8F]
    assert "GSHHG" in page.locator(".cg-foot").inner_text()


@pytest.mark.parametrize("tiles", ["plan-ign", "osm"])
def test_an_online_basemap_takes_the_place_of_the_land(tiles: str, units, page_parts) -> None:
    assert "GSHHG" not in map_page(units, toy_themes(units), tiles=tiles, **page_parts)
