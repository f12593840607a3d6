"""The style of the maps in a GeoPackage, as QGIS reads it: one fill for each class, and its pattern over it."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import box

from cptsgeo.maps.theme import DENSITIES, SIZES, STAGES, styled
from cptsgeo.qgis import add_style, qml

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


def test_the_style_is_in_the_table_that_qgis_loads(tmp_path: Path) -> None:
    path = tmp_path / "c.gpkg"
    gpd.GeoDataFrame({"stage": ["aci_signe"]}, geometry=[box(0, 0, 1, 1)], crs=4326).to_file(path, layer="communes")
    classes = [styled(STAGES, key, key) for key in STAGES]
    add_style(path, layer="communes", column="stage", classes=classes, title="Couverture")
    with closing(sqlite3.connect(path)) as database:
        row = database.execute(
            "select f_table_name, f_geometry_column, useAsDefault, styleQML from layer_styles"
        ).fetchone()
    assert row[:3] == ("communes", "geom", 1)
    assert row[3] == qml("stage", classes)
