"""The styles of our maps inside a GeoPackage: QGIS opens the layer with the same classes, colours and hatches."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from cptsgeo.export import FIXED_TIME
from cptsgeo.maps.theme import ink

if TYPE_CHECKING:
    from cptsgeo.maps.theme import MapClass, Theme

_TABLE = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
  f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)
"""
_LINES = '<Option name={name} type="QString" value={value}/>'


def add_styles(path: Path, *, layer: str, themes: Sequence[Theme]) -> None:
    """Add the themes of a map to a layer of a GeoPackage, as styles in the table that QGIS reads.

    Parameters
    ----------
    path
        The GeoPackage.
    layer
        Its layer, with the column of each theme.
    themes
        The first is the one that QGIS opens the layer with; the others are in the list of its styles.

    References
    ----------
    QGIS, `layer_styles` in a GeoPackage: the row of the layer with ``useAsDefault`` is loaded with it.
    """
    with closing(sqlite3.connect(path)) as database, database:
        geometry = database.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
        ).fetchone()[0]
        if not database.execute("SELECT 1 FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone():
            database.execute(_TABLE)
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
                (FIXED_TIME,),
            )
        database.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
            "VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', NULL, ?)",
            [
                (layer, geometry, one.title[:30], qml(one.key, one.classes), int(not rank), one.title, FIXED_TIME)
                for rank, one in enumerate(themes)
            ],
        )


def qml(column: str, classes: Sequence[MapClass]) -> str:
    """Write a QGIS style of one colour and pattern for each value of a column."""
    categories = "".join(
        f'<category render="true" symbol="{at}" type="string" value={quoteattr(one.key)} label={quoteattr(one.label)}/>'
        for at, one in enumerate(classes)
    )
    symbols = "".join(
        f'<symbol name="{at}" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">{_layers(one, at)}</symbol>'
        for at, one in enumerate(classes)
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.22" styleCategories="Symbology">'
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} forceraster="0" symbollevels="0" enableorderby="0">'
        f"<categories>{categories}</categories><symbols>{symbols}</symbols></renderer-v2></qgis>\n"
    )


def _layers(one: MapClass, at: int) -> str:
    """Write the fill of a class, and its pattern over it."""
    fill = _layer(
        "SimpleFill",
        {"color": _rgb(one.color), "outline_color": "255,255,255,255", "outline_width": "0.1", "style": "solid"},
    )
    line = _rgb(ink(one.color))
    angles = {"none": (), "hatch": ("45",), "cross": ("45", "135"), "dots": ()}[one.pattern]
    marks = "".join(
        _layer("LinePatternFill", {"angle": angle, "color": line, "distance": "1.5", "line_width": "0.25"})
        for angle in angles
    )
    if one.pattern == "dots":
        dot = _layer("SimpleMarker", {"name": "circle", "color": line, "outline_style": "no", "size": "0.5"})
        symbol = f'<symbol name="@{at}@1" type="marker" alpha="1" clip_to_extent="1" force_rhr="0">{dot}</symbol>'
        marks = _layer("PointPatternFill", {"distance_x": "1.8", "distance_y": "1.8"}, symbol)
    return fill + marks


def _layer(kind: str, options: dict[str, str], symbol: str = "") -> str:
    values = "".join(_LINES.format(name=quoteattr(name), value=quoteattr(value)) for name, value in options.items())
    return f'<layer class="{kind}" enabled="1" locked="0" pass="0"><Option type="Map">{values}</Option>{symbol}</layer>'


def _rgb(color: str) -> str:
    return ",".join([*(str(int(color[at : at + 2], 16)) for at in (1, 3, 5)), "255"])
