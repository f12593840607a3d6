"""Gridded population: Filosofi (INSEE) and GHS-POP (European Commission), as tables of cells."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.errors import DataError, FileError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.rasters import open_raster, require_north_up, strips
from cptsgeo.sources.layout import known_layout
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    import pandas as pd
    from rasterio.windows import Window

FILOSOFI_LAYOUTS = {"200 m": ["idcar_200m", "ind"], "1 km": ["idcar_1km", "ind"], "natural": ["idcar_nat", "ind"]}
CELL_COLUMNS = ("x", "y", "size", "population")
TILED_LAYOUTS = {"tiles": ["x", "y", "imputed", "ind", "ind_snv"]}
CELL = re.compile(r"CRS(?P<crs>\d{4,5})RES(?P<size>\d+)mN(?P<y>-?\d+)E(?P<x>-?\d+)")


class Cells(NamedTuple):
    """Hold cells of a population grid.

    Attributes
    ----------
    cells
        ``x``, ``y`` (lower left corner, in metres or degrees of the CRS), ``size`` (side), ``population`` (float64).
    crs
        EPSG or ESRI code, such as ``EPSG:5490`` or ``ESRI:54009``.
    missing
        Number of cells without value: outside the coverage, or hidden. They are in no sum.
    """

    cells: pd.DataFrame
    crs: str
    missing: int


def read_filosofi(path: Path | str) -> Cells:
    """Read the inhabited cells of Filosofi (INSEE, *Données carroyées*).

    Parameters
    ----------
    path
        CSV of INSEE with ``idcar_200m`` (``CRS3035RES200mN2029800E4252400``: CRS, side and lower left corner) and ``ind``
        (persons of taxed households); or a tile ``x,y,imputed,ind,ind_snv`` of a tiled copy, beside its ``info_*.json``
        (``crs``, ``resolutionGeo``, ``originPoint``).

    Returns
    -------
    Cells
        ``population`` is ``ind``. It is short of the census: persons outside taxed households are not in it.

    Raises
    ------
    DataError
        For another layout, an identifier that is not one, a negative population, or cells of several grids.

    References
    ----------
    INSEE, Filosofi (dispositif sur les revenus localisés sociaux et fiscaux), données carroyées à 200 m.
    """
    import pandas as pd

    table = read_table(path)
    columns = [str(column) for column in table.rows.columns]
    if {"x", "y"} <= set(columns):
        return _tile(Path(path), table.rows, columns)
    known_layout(table.file, columns, FILOSOFI_LAYOUTS, producer="INSEE", others=True)
    key = next(column for column in columns if column.startswith("idcar_"))
    parts = table.rows[key].str.extract(CELL.pattern)
    population = pd.to_numeric(table.rows["ind"], errors="coerce")
    wrong = parts["crs"].isna() | ~(population >= 0)
    raise_errors(
        Finding(
            "cell_wrong",
            "error",
            _("{value} is not a cell with a population").format(value=table.rows.at[row, key]),
            _("take the file of INSEE as it is published"),
            table.file,
            int(str(row)),
            key,
        )
        for row in table.rows.index[wrong]
    )
    grids = parts[["crs", "size"]].drop_duplicates()
    if len(grids) != 1:
        raise DataError(
            _("the cells are of several grids: {grids}").format(
                grids=", ".join(f"EPSG:{row.crs} {row.size} m" for row in grids.itertuples(index=False))
            ),
            fix=_("give one file per territory"),
            where=table.file,
        )
    cells = parts[["x", "y", "size"]].astype("float64").assign(population=population).reset_index(drop=True)
    return Cells(cells, f"EPSG:{grids['crs'].iloc[0]}", 0)


def _tile(path: Path, rows: pd.DataFrame, columns: list[str]) -> Cells:
    import pandas as pd

    known_layout(path.name, columns, TILED_LAYOUTS, producer="Filosofi")
    described = sorted(path.parent.glob("info*.json"))
    if len(described) != 1:
        raise FileError(
            _("the tile needs its description beside it (info….json: crs, resolutionGeo, originPoint)"),
            fix=_("put one such file in the folder"),
            where=str(path),
        )
    crs, size, west, south = _tile_grid(described[0])
    numbers = rows[["x", "y", "ind"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    raise_errors(
        Finding(
            "cell_wrong",
            "error",
            _("the cell has no place, or no population"),
            _("take the file of INSEE as it is published"),
            path.name,
            int(str(row)),
        )
        for row in rows.index[numbers.isna().any(axis=1) | (numbers["ind"] < 0)]
    )
    cells = pd.DataFrame(
        {
            "x": numbers["x"] * size + west,
            "y": numbers["y"] * size + south,
            "size": size,
            "population": numbers["ind"],
        }
    )
    return Cells(cells.reset_index(drop=True), crs, 0)


def _tile_grid(path: Path) -> tuple[str, float, float, float]:
    """Read the description of a tile: CRS, side of the cells, corner of the grid."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        origin = info["originPoint"]
        return f"EPSG:{info['crs']}", float(info["resolutionGeo"]), float(origin["x"]), float(origin["y"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise FileError(
            _("the description of the tile cannot be read (crs, resolutionGeo, originPoint)"),
            fix=_("take the file as it is published"),
            where=path.name,
        ) from error


def read_population_raster(path: Path | str, bounds: tuple[float, float, float, float] | None = None) -> Cells:
    """Read the cells of a raster of population counts, such as GHS-POP (R2023A, ESRI:54009, 100 m).

    Parameters
    ----------
    path
        GeoTIFF whose values are inhabitants per cell, not densities. The value declared as no data (``-200`` in GHS-POP)
        is missing, never 0.
    bounds
        West, south, east, north in EPSG:4326: only the cells that touch it are read, as a window of the file.

    Returns
    -------
    Cells
        Cells with inhabitants; those of 0 are left out.

    Raises
    ------
    DataError
        For a raster without CRS or too large, a negative value that is not declared as no data, or a name that says density.

    References
    ----------
    Schiavina et al., GHS-POP R2023A, European Commission, Joint Research Centre, 2023.
    """
    import pandas as pd
    from rasterio.warp import transform_bounds
    from rasterio.windows import Window, from_bounds

    path = Path(path)
    if "density" in path.stem.lower():
        raise DataError(
            _("the name says density: a count of inhabitants per cell is needed"),
            fix=_("take the raster of counts of the same product"),
            where=path.name,
        )
    with open_raster(path) as raster:
        require_north_up(raster, path.name)
        window = Window(0, 0, raster.width, raster.height)
        if bounds is not None:
            wanted = from_bounds(*transform_bounds("EPSG:4326", raster.crs, *bounds), raster.transform)
            left, top = math.floor(wanted.col_off), math.floor(wanted.row_off)
            right, bottom = math.ceil(wanted.col_off + wanted.width), math.ceil(wanted.row_off + wanted.height)
            left, right = max(left, 0), min(right, raster.width)
            top, bottom = max(top, 0), min(bottom, raster.height)
            window = Window(left, top, max(right - left, 0), max(bottom - top, 0))
        parts, missing = [], 0
        for strip in strips(window, path.name):
            part, without = _inhabited(raster, strip, path.name)
            parts.append(part)
            missing += without
        authority = raster.crs.to_authority()
        name = ":".join(authority) if authority else raster.crs.to_wkt()
        cells = (
            pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(CELL_COLUMNS), dtype="float64")
        )
        return Cells(cells, name, missing)


def _inhabited(raster: Any, window: Window, file: str) -> tuple[pd.DataFrame, int]:
    """Read the cells with inhabitants of one window, and count those without value."""
    import numpy as np
    import pandas as pd

    values = raster.read(1, window=window, masked=True).astype("float64")
    if (values < 0).any():
        raise DataError(
            _("the raster holds negative populations that it does not declare as missing"),
            fix=_("take the file as it is published"),
            where=file,
        )
    filled = values.filled(0.0)
    line, column = np.nonzero(filled)
    transform = raster.transform
    west = transform.c + transform.a * (column + window.col_off)
    south = transform.f + transform.e * (line + 1 + window.row_off)
    cells = pd.DataFrame({"x": west, "y": south, "size": abs(transform.a), "population": filled[line, column]})
    return cells[list(CELL_COLUMNS)], int(np.ma.getmaskarray(values).sum())
