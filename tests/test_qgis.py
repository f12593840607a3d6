"""The style of the maps in a GeoPackage, as QGIS reads it: one fill for each class, and its pattern over it."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely import box

from cptsgeo.atlas.drawing import Drawing, map_svg
from cptsgeo.maps.pages import size_theme, stage_theme, white_zone_theme
from cptsgeo.maps.sheet import Sheet
from cptsgeo.maps.theme import DENSITIES, SIZES, STAGES, Theme, styled
from cptsgeo.maps.topology import build_topology
from cptsgeo.qgis import add_styles, qml
from cptsgeo.results import Results

PATTERNS = {"none": [], "hatch": ["LinePatternFill"], "cross": ["LinePatternFill"] * 2, "dots": ["PointPatternFill"]}


@pytest.mark.parametrize("palette", [STAGES, SIZES, DENSITIES])
def test_each_class_has_its_color_and_pattern(palette) -> None:
    classes = [styled(palette, key, f'<{key}> & "{key}"') for key in palette]
    root = ET.fromstring(qml("stage", classes).partition("\n")[2])
    assert root.find("renderer-v2").get("attr") == "stage"
    categories = {one.get("symbol"): one for one in root.iter("category")}
    symbols = {one.get("name"): one for one in root.find("renderer-v2/symbols")}
    for at, one in enumerate(classes):
        assert categories[str(at)].get("value") == one.key
        assert categories[str(at)].get("label") == one.label
        fill, *marks = symbols[str(at)].findall("layer")
        colour = fill.find("Option/Option[@name='color']").get("value")
        assert "#" + "".join(f"{int(part):02x}" for part in colour.split(",")[:3]) == one.color.lower()
        assert [mark.get("class") for mark in marks] == PATTERNS[one.pattern]
        for dots in marks if one.pattern == "dots" else ():
            (dot,) = dots.findall("symbol[@type='marker']/layer")
            size = dot.find("Option/Option[@name='size']").get("value")
            assert float(size) < 1.8, "dots that do not touch: QGIS would put red ones of 2 mm in their place"


def test_three_thousand_classes_are_a_style_and_a_drawing() -> None:
    classes = [replace(styled(STAGES, "aci_signe", f"classe {at}"), key=f"k{at}") for at in range(3000)]
    root = ET.fromstring(qml("many", classes).partition("\n")[2])
    assert [one.get("value") for one in root.iter("category")] == [one.key for one in classes]
    tolerances = (1.0,)
    squares = gpd.GeoSeries([box(2 + at / 1e3, 48, 2 + (at + 1) / 1e3, 48.01) for at in range(3000)], crs=4326)
    sheet = Sheet(build_topology(squares, tolerances, 24), tolerances)
    frames = sheet.frames(np.arange(3000), 640, 520)
    drawing = Drawing([(one, np.array([row])) for row, one in enumerate(classes)])
    svg = ET.fromstring(map_svg(sheet, drawing, frames=frames, width=640, height=520, label="Beaucoup"))
    assert sum(one.get("fill") == classes[0].color for one in svg.iter("path")) == 3000


def test_the_styles_are_in_the_table_that_qgis_loads_and_the_first_is_its_choice(tmp_path: Path) -> None:
    path = tmp_path / "c.gpkg"
    shapes = gpd.GeoDataFrame({"stage": ["aci_signe"], "size_class": ["1"]}, geometry=[box(0, 0, 1, 1)], crs=4326)
    themes = [
        Theme(key, title, "", tuple(styled(palette, one, one) for one in palette))
        for key, title, palette in (("stage", "Couverture", STAGES), ("size_class", "Tailles", SIZES))
    ]
    for layer in ("communes", "cpts"):
        shapes.to_file(path, layer=layer)
        add_styles(path, layer=layer, themes=themes if layer == "communes" else themes[::-1])
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "select f_table_name, f_geometry_column, styleName, useAsDefault, styleQML from layer_styles order by id"
        ).fetchall()
    assert [row[:4] for row in rows] == [
        ("communes", "geom", "Couverture", 1),
        ("communes", "geom", "Tailles", 0),
        ("cpts", "geom", "Tailles", 1),
        ("cpts", "geom", "Couverture", 0),
    ]
    assert rows[0][4] == qml("stage", themes[0].classes)


def test_the_layer_of_the_atlas_opens_as_the_maps_look(embedded_site: Path, embedded_results: Results) -> None:
    """Each theme of the map page is a style; its classes are those of the page; every commune has one of them."""
    path = embedded_site / "tables" / "communes.gpkg"
    themes = [maker(embedded_results) for maker in (stage_theme, size_theme, white_zone_theme)]
    layer = gpd.read_file(path, layer="communes").set_index("insee_code")
    shown = embedded_results.units.set_index("insee_code")
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("select styleName, useAsDefault, styleQML from layer_styles order by id").fetchall()
    assert [row[:2] for row in rows] == [(theme.title, int(theme.key == "stage")) for theme in themes]
    for theme, (_name, _default, style) in zip(themes, rows, strict=True):
        assert style == qml(theme.key, theme.classes)
        assert layer[theme.key].equals(shown[theme.key].astype(layer[theme.key].dtype).reindex(layer.index))
        assert set(layer[theme.key]) <= {one.key for one in theme.classes}
