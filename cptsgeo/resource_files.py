"""Read a file of resources as text, whatever its format: tables as they are, map layers with their points in degrees."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.crs import WGS84, require_on_earth
from cptsgeo.errors import DataError, FileError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.layers import foreign
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import geopandas as gpd

LAYER_ENDINGS = {".geojson", ".json", ".gpkg"}
POSITION = ("longitude", "latitude")


def read_resource_file(path: Path, header_has: list[str]) -> TextTable:
    """Read CSV, XLSX, Parquet, GeoJSON or GeoPackage to text columns; points give ``longitude`` and ``latitude``.

    Raises
    ------
    FileError
        For a file that is absent, or is not what its name says.
    DataError
        For a layer without CRS, or whose coordinates are not in the units of its CRS.
    """
    if path.suffix.lower() in LAYER_ENDINGS:
        return _read_layer(path)
    return read_table(path, header_has=header_has)


def _read_layer(path: Path) -> TextTable:
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = foreign(path, lambda path: pyogrio.read_dataframe(path, datetime_as_string=True))
    if not isinstance(layer, gpd.GeoDataFrame):
        raise FileError(
            _("the file holds a table without points"), fix=_("save it as CSV or XLSX, and give that"), where=path.name
        )
    if layer.empty:
        raise DataError(_("the file is empty"), fix=_("give a layer that holds points"), where=path.name)
    require_on_earth(layer, path.name)
    layer.index = pd.RangeIndex(1, len(layer) + 1, name="row")
    raise_errors(_wrong_shapes(layer, path.name))
    points = layer.geometry.to_crs(WGS84)
    texts: dict[str, Any] = {
        str(name): pd.array([_text(value) for value in layer[name]], dtype="str")
        for name in layer.columns
        if name != layer.geometry.name and str(name).lower() not in POSITION
    }
    for name, values in zip(POSITION, (points.x, points.y), strict=True):
        texts[name] = pd.array(["" if math.isnan(value) else f"{value:.7f}" for value in values], dtype="str")
    return TextTable(path.name, pd.DataFrame(texts, index=layer.index))


def _wrong_shapes(layer: gpd.GeoDataFrame, file: str) -> list[Finding]:
    """List what is not a point, and points whose numbers are not in the unit of the layer's CRS."""
    import shapely

    findings = []
    metric = layer.crs.is_projected
    for row, shape in layer.geometry.items():
        if shape is None or (shape.is_empty and shape.geom_type == "Point"):
            continue
        if shape.geom_type != "Point":
            findings.append(
                Finding(
                    "resource_not_point",
                    "error",
                    _("a {kind} stands where a point is needed").format(kind=shape.geom_type),
                    _("give one point per resource"),
                    file,
                    int(str(row)),
                    "geometry",
                )
            )
            continue
        x, y = shapely.get_x(shape), shapely.get_y(shape)
        degrees = abs(x) <= 180 and abs(y) <= 90
        if metric == degrees or not (math.isfinite(x) and math.isfinite(y)):
            findings.append(
                Finding(
                    "position_unit",
                    "error",
                    _("{x}, {y} are degrees, and the layer says metres ({crs})").format(x=x, y=y, crs=layer.crs.name)
                    if metric and degrees
                    else _("{x}, {y} are metres, and the layer says degrees ({crs})").format(
                        x=x, y=y, crs=layer.crs.name
                    ),
                    _("set the layer's true CRS (in QGIS: Layer, Set CRS), then save it again"),
                    file,
                    int(str(row)),
                    "geometry",
                )
            )
    return findings


def _text(value: Any) -> str:
    """Write a value of a layer as text: whole floats stay floats, since a telephone number read as one is a fault."""
    import numpy as np

    if isinstance(value, dict | list | np.ndarray):
        return json.dumps(value, ensure_ascii=False, default=np.ndarray.tolist)
    if value is None or value != value:
        return ""
    return str(value).strip()
