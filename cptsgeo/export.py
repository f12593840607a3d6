"""Write result tables: CSV, XLSX, JSON, GeoJSON, GeoPackage and GeoParquet, identical bytes for identical tables."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.columns import COLUMNS, label
from cptsgeo.crs import WGS84
from cptsgeo.errors import UsageError
from cptsgeo.files import whole_file
from cptsgeo.i18n import _, number, percent
from cptsgeo.tabular import is_guarded
from cptsgeo.words import in_words

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

TEXT_FORMATS = ("table", "csv", "json", "geojson")
FORMATS = (*TEXT_FORMATS, "xlsx", "gpkg", "parquet")
MAP_FORMATS = ("geojson", "gpkg")
FIXED_TIME = "2000-01-01T00:00:00.000Z"
SHEET_NAME_REFUSES = re.compile(r"[\[\]:*?/\\]")
RATE_DIGITS = 6
ROWS_OF_GROUP = 250
"""Rows of a GeoParquet that are read at once: about a département of communes, so that one is read without the others."""

ZSTD_LEVEL = 6
"""Of GeoParquet: the outlines of France take 19 MB in place of 28 at the level of pyarrow, for one second more."""

UNGROUPED = {"population_year", "density_level", "size_class", "size_class_smoothed", "contract_year"} | {
    "size_class_before",
    "size_class_after",
    "seed",
}
"""Counts that are names: written without separators."""


def with_geometry(table: pd.DataFrame, contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join outlines to a table by ``insee_code``; a unit without outline keeps its row and has no geometry."""
    import geopandas as gpd

    joined = table.merge(
        contours[["insee_code", "geometry_source", "geometry"]], on="insee_code", how="left", validate="one_to_one"
    )
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=contours.crs)


def to_text(table: pd.DataFrame, form: str) -> str:
    """Write a table as text.

    Parameters
    ----------
    table
        A table, with geometry for ``geojson``.
    form
        ``table`` (for people: translated headings, codes in words, French numbers), ``csv`` (comma, dot, rates to six decimals),
        ``json`` (a list of records) or ``geojson`` (RFC 7946: EPSG:4326, seven decimals).

    Examples
    --------
    >>> import pandas as pd
    >>> to_text(pd.DataFrame({"insee_code": ["01001"], "coverage_rate": [0.5]}), "csv")
    'insee_code,coverage_rate\\n01001,0.5\\n'
    """
    if form == "csv":
        return str(_rounded(_guarded(_without_shapes(table))).to_csv(index=False, lineterminator="\n"))
    if form == "json":
        records = json.loads(_rounded(_without_shapes(table)).to_json(orient="records", double_precision=15))
        return json.dumps(records, ensure_ascii=False, indent=1) + "\n"
    if form == "geojson":
        return _geojson(table)
    if form == "table":
        return _for_people(table)
    raise UsageError(
        _("{form} cannot be written to the screen").format(form=form),
        fix=_("name a file with --output"),
        where="--format",
    )


def write_table(table: pd.DataFrame, path: Path, *, form: str = "", overwrite: bool = False) -> None:
    """Write a table to a file, whole or not at all.

    A text that a spreadsheet would run as a formula is written behind an apostrophe in CSV, and as text in XLSX.

    Parameters
    ----------
    table
        A table; with geometry for ``geojson``, ``gpkg`` and GeoParquet.
    path
        The file; its ending gives the format when ``form`` does not.
    form
        One of :data:`FORMATS`.
    overwrite
        Replace a file that exists.

    Raises
    ------
    UsageError
        For an unknown format, or a map format without outlines.
    FileError
        When the file exists, or cannot be written.
    """
    form = form or path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise UsageError(
            _("{form!r} is not an output format").format(form=form),
            fix=_("choose one of: {choices}").format(choices=", ".join(FORMATS)),
            where=str(path),
        )
    _require_shapes(table, form)
    with whole_file(path, overwrite=overwrite) as part:
        if form in TEXT_FORMATS:
            part.write_text(to_text(table, form), encoding="utf-8", newline="")
        elif form == "xlsx":
            part.write_bytes(xlsx_bytes({path.stem: table}))
        elif form == "parquet":
            boxes = {"write_covering_bbox": True, "row_group_size": ROWS_OF_GROUP} if _is_map(table) else {}
            table.to_parquet(part, index=False, compression="zstd", compression_level=ZSTD_LEVEL, **boxes)
        else:
            layer = part.with_name("layer.gpkg")
            _write_gpkg(table, layer, path.stem)
            layer.replace(part)


def write_workbook(tables: dict[str, pd.DataFrame], path: Path, *, overwrite: bool = False) -> None:
    """Write several tables to one XLSX workbook, a sheet each, and a last sheet that says what their columns are."""
    with whole_file(path, overwrite=overwrite) as part:
        part.write_bytes(xlsx_bytes(with_columns(tables)))


def with_columns(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Add to some tables one of their columns, each once, with its heading and meaning in the reader's language."""
    import pandas as pd

    names = dict.fromkeys(name for table in tables.values() for name in table.columns if name in COLUMNS)
    columns = {
        _("column"): list(names),
        _("heading"): [label(name) for name in names],
        _("meaning"): [_(COLUMNS[name].meaning) for name in names],
    }
    return {**tables, _("columns"): pd.DataFrame(columns, dtype="str")}


def _is_map(table: pd.DataFrame) -> bool:
    import geopandas as gpd

    return isinstance(table, gpd.GeoDataFrame)


def _require_shapes(table: pd.DataFrame, form: str) -> None:
    if form in MAP_FORMATS and not _is_map(table):
        raise UsageError(
            _("this table has no outlines, and {form} needs them").format(form=form),
            fix=_("ask for the results by unit (--by unit) with --contours, or for CSV"),
            where="--format",
        )


def _without_shapes(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(table.drop(columns=table.geometry.name)) if _is_map(table) else table


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{name: table[name].round(RATE_DIGITS) for name in table.select_dtypes("float").columns})


def _guarded(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before the texts that a spreadsheet would run as formulas."""
    guarded = {}
    for name in table.columns:
        if name in COLUMNS and COLUMNS[name].kind != "text":
            continue
        texts = (value for value in table[name].unique() if isinstance(value, str))
        safe = {text: f"'{text}" for text in texts if is_guarded(f"'{text}")}
        if safe:
            guarded[name] = [safe.get(value, value) for value in table[name]]
    return table.assign(**guarded)


def _geojson(table: pd.DataFrame) -> str:
    import shapely

    _require_shapes(table, "geojson")
    layer = table.to_crs(WGS84)
    shapes = shapely.set_precision(layer.geometry.to_numpy(), 1e-7)
    polygons = shapely.orient_polygons(shapes)
    properties = json.loads(_rounded(_without_shapes(layer)).to_json(orient="records", double_precision=15))
    features = [
        {
            "type": "Feature",
            "properties": record,
            "geometry": json.loads(shapely.to_geojson(shape)) if shape is not None else None,
        }
        for record, shape in zip(properties, polygons, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False) + "\n"


def cell_text(value: Any, column: str) -> str:
    """Write one value as a reader does, by the kind of its column."""
    import pandas as pd

    if pd.isna(value):
        return "–"
    kind = COLUMNS[column].kind if column in COLUMNS else "text"
    if kind == "rate":
        return percent(float(value), 2)
    if kind == "count":
        return str(value) if column in UNGROUPED else number(int(value))
    if kind == "measure":
        return number(float(value), 1)
    if kind == "index":
        return number(float(value), 2)
    if kind == "fraction":
        return percent(float(value), 2)
    if kind == "difference":
        return number(int(value))
    if kind == "euros":
        return number(float(value), 0 if float(value).is_integer() else 2)
    if kind == "flag":
        return _("yes") if value else _("no")
    return in_words(str(value), column)


def _for_people(table: pd.DataFrame) -> str:
    plain = _without_shapes(table)
    names = list(plain.columns)
    rows = [[label(name) for name in names]]
    rows += [
        [cell_text(value, name) for name, value in zip(names, row, strict=True)]
        for row in plain.itertuples(index=False)
    ]
    widths = [max(len(row[position]) for row in rows) for position in range(len(names))]
    right = [name in COLUMNS and COLUMNS[name].kind != "text" for name in names]
    lines = [
        "  ".join(
            cell.rjust(width) if aligned else cell.ljust(width)
            for cell, width, aligned in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(lines) + "\n"


def xlsx_bytes(tables: dict[str, pd.DataFrame]) -> bytes:
    """Return tables as an XLSX workbook, a sheet each; equal tables give equal bytes."""
    from datetime import datetime

    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}) as workbook:
        workbook.set_properties({"created": datetime.fromisoformat(FIXED_TIME)})
        bold = workbook.add_format({"bold": True})
        as_percent = workbook.add_format({"num_format": "0.00%"})
        as_count = workbook.add_format({"num_format": "#,##0"})
        for title, table in tables.items():
            plain = _without_shapes(table)
            sheet = workbook.add_worksheet(SHEET_NAME_REFUSES.sub("_", title)[:31])
            sheet.freeze_panes(1, 0)
            for position, name in enumerate(plain.columns):
                kind = COLUMNS[name].kind if name in COLUMNS else "text"
                style = None
                if kind in {"rate", "fraction"}:
                    style = as_percent
                elif kind == "count" and name not in UNGROUPED:
                    style = as_count
                sheet.set_column(position, position, max(12, min(40, len(label(name)) + 2)))
                sheet.write_string(0, position, name, bold)
                cells = plain[name].reset_index(drop=True).dropna().astype("object")
                for row, value in zip((cells.index + 1).tolist(), cells, strict=True):
                    if isinstance(value, str):
                        sheet.write_string(row, position, value)
                    else:
                        sheet.write(row, position, value, style)
    return buffer.getvalue()


def _write_gpkg(layer: gpd.GeoDataFrame, path: Path, name: str) -> None:
    import pyogrio

    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_TIME})
    try:
        pyogrio.write_dataframe(layer, path, driver="GPKG", layer=name)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
