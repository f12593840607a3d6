"""Population rasters (GHS-POP, WorldPop, GPW): exact sums over polygons, and communes written as a raster."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.crs import require_crs
from cptsgeo.errors import DataError, FileError, UsageError, require_file
from cptsgeo.files import whole_file
from cptsgeo.i18n import _, number
from cptsgeo.layers import require_metres

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from affine import Affine
    from numpy.typing import NDArray
    from rasterio.windows import Window

CELLS_IN_MEMORY = 30_000_000
"""Cells of a raster held in memory at once, 240 MB in double precision."""

CELLS_IN_STRIP = 8_000_000
"""Cells of a strip that is read at once where every cell is looked at."""

CELLS_AT_ALL = 1_000_000_000
"""Cells of a raster that is read whole."""

CACHE_MB = 64
"""Blocks that GDAL keeps; by itself it takes a twentieth of the memory of the machine."""


@dataclass(frozen=True)
class Raster:
    """Name a raster of inhabitants per cell; it is read by window, never whole.

    Attributes
    ----------
    path
        A raster that GDAL reads, with one band, a CRS and its nodata value declared.
    """

    path: Path

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.path.name

    def sums(self, shapes: gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Sum the inhabitants over polygons: see :func:`zonal_sums`."""
        return zonal_sums(self.path, shapes)

    def covers(self, shapes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
        """Tell which polygons lie within the frame of the raster."""
        with open_raster(self.path) as raster:
            west, south, east, north = raster.bounds
            bounds = shapes.geometry.to_crs(raster.crs).bounds
        inside: NDArray[np.bool_] = (
            (bounds["minx"] >= west) & (bounds["maxx"] <= east) & (bounds["miny"] >= south) & (bounds["maxy"] <= north)
        ).to_numpy()
        return inside


class Rasterized(NamedTuple):
    """Hold inhabitants per cell and where the cells are.

    Attributes
    ----------
    values
        Rows from north to south, columns from west to east.
    transform
        Affine transform of the cells.
    epsg
        Metric CRS.
    """

    values: NDArray[np.float64]
    transform: Affine
    epsg: int


def read_raster(path: Path | str) -> Raster:
    """Open a population raster and check what can be seen without reading its cells.

    Raises
    ------
    FileError
        For a file that is absent or no raster.
    DataError
        For a raster without CRS, with several bands, or whose rows are not from north to south.
    """
    path = Path(path)
    with open_raster(path) as raster:
        require_north_up(raster, path.name)
        bands = raster.count
    if bands != 1:
        raise DataError(
            _("the raster has {count} bands, and inhabitants are one").format(count=bands),
            fix=_("keep the band of the total population (gdal_translate -b 1 in.tif out.tif)"),
            where=path.name,
        )
    return Raster(path)


@contextmanager
def open_raster(path: Path) -> Iterator[Any]:
    """Open a raster that says its CRS; what fails while it is read is a fault of the file.

    Raises
    ------
    FileError
        For a file that is absent or no raster, or is damaged further down.
    DataError
        For a raster without CRS.
    """
    import rasterio

    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            opened = rasterio.open(path)
        with opened as raster:
            if raster.crs is None:
                raise DataError(
                    _("the raster does not say its coordinate reference system (CRS)"),
                    fix=_("write it with its CRS (gdal_translate -a_srs EPSG:4326 in.tif out.tif)"),
                    where=path.name,
                )
            yield raster
    except rasterio.errors.RasterioError as error:
        raise FileError(
            _("the file cannot be read as a raster"),
            fix=_("give a GeoTIFF; copy or download it again if it is damaged"),
            where=path.name,
        ) from error


def require_north_up(raster: Any, file: str) -> None:
    """Refuse a raster whose cells are turned, upside down or of no size.

    Raises
    ------
    DataError
        For such a raster.
    """
    transform = raster.transform
    if not (transform.a > 0 > transform.e and transform.b == transform.d == 0):
        raise DataError(
            _("the cells of the raster are turned, upside down or of no size"),
            fix=_("bring it to rows from north to south (gdalwarp in.tif out.tif)"),
            where=file,
        )


def strips(window: Window, file: str) -> Iterator[Window]:
    """Cut a window into strips that memory holds, from north to south.

    Raises
    ------
    DataError
        For more cells than :data:`CELLS_AT_ALL`.
    """
    from rasterio.windows import Window

    width, height = int(window.width), int(window.height)
    if width * height > CELLS_AT_ALL:
        raise DataError(
            _("the raster has {count} cells, more than {limit}").format(
                count=number(width * height), limit=number(CELLS_AT_ALL)
            ),
            fix=_("cut it to the place studied, or make its cells larger (gdalwarp -te … -tr … in.tif out.tif)"),
            where=file,
        )
    rows = max(1, CELLS_IN_STRIP // max(width, 1))
    for top in range(0, height, rows):
        yield Window(window.col_off, window.row_off + top, width, min(rows, height - top))


def zonal_sums(path: Path | str, shapes: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Sum a raster exactly over polygons: a cell counts by the part of it that a polygon covers.

    Polygons are brought to the CRS of the raster, never the raster to theirs, so no inhabitant is resampled.
    Cells without data count for nothing; a polygon without any cell sums to 0.

    Parameters
    ----------
    path
        A raster of inhabitants per cell, with its nodata value declared.
    shapes
        Polygons in any CRS.

    Returns
    -------
    ndarray
        Inhabitants, in the order of ``shapes``.

    Raises
    ------
    DataError
        For negative cells: a nodata value that the file does not declare.

    References
    ----------
    exactextract (D. Baston, ISciences): exact fractions of cells.
    """
    import exactextract
    import numpy as np
    import rasterio

    require_crs(shapes)
    source = read_raster(path)
    with open_raster(source.path) as raster, rasterio.Env(GDAL_CACHEMAX=CACHE_MB):
        zones = shapes[[shapes.geometry.name]].to_crs(str(raster.crs.to_wkt()))
        if zones.empty:
            return np.zeros(0)
        found = exactextract.exact_extract(
            str(source.path),
            zones,
            ["sum", "min"],
            output="pandas",
            strategy="raster-sequential",
            max_cells_in_memory=CELLS_IN_MEMORY,
        )
    lowest = found["min"].min()
    if lowest < 0:
        raise DataError(
            _("the raster has cells below zero (down to {value}): nobody counts negative inhabitants").format(
                value=f"{lowest:g}"
            ),
            fix=_("declare that value as nodata (gdal_edit.py -a_nodata {value} {file}), or mend the raster").format(
                value=f"{lowest:g}", file=source.name
            ),
            where=source.name,
        )
    sums: NDArray[np.float64] = found["sum"].fillna(0.0).to_numpy(dtype="float64")
    return sums


def rasterize(communes: pd.DataFrame, contours: gpd.GeoDataFrame, *, cell_m: float) -> Rasterized:
    """Spread the population of each unit evenly over its outline, on a grid of square cells.

    A cell that several units share adds their parts, by the exact fraction of it that each covers, so the raster
    sums to the populations whatever the size of its cells.

    Parameters
    ----------
    communes
        ``insee_code`` and ``population``.
    contours
        ``insee_code`` and outlines, in one metric CRS (see :func:`cptsgeo.crs.by_territory`).
    cell_m
        Side of a cell in metres; cells are aligned on its multiples.

    Returns
    -------
    Rasterized
        Sum equal to the population of the units that have an outline, to 1e-6 inhabitant per unit.

    Raises
    ------
    UsageError
        For a cell of no size, or so small that the grid would not fit in memory.
    DataError
        For outlines in degrees, or a unit without population.
    """
    import exactextract
    import numpy as np
    from affine import Affine
    from exactextract.raster import NumPyRasterSource

    require_metres(contours)
    population = contours["insee_code"].map(communes.set_index("insee_code")["population"])
    if population.isna().any():
        missing = contours.loc[population.isna(), "insee_code"]
        raise DataError(
            _("no population is known for {codes}").format(codes=", ".join(missing.head(5))),
            fix=_("give outlines of the units of the table of communes only"),
        )
    west, south, east, north = contours.total_bounds
    left, bottom = (np.floor(np.array([west, south]) / cell_m) if cell_m > 0 else np.zeros(2)).tolist()
    right, top = (np.ceil(np.array([east, north]) / cell_m) if cell_m > 0 else np.zeros(2)).tolist()
    width, height = int(right - left), int(top - bottom)
    if not 0 < width * height <= CELLS_IN_MEMORY:
        raise UsageError(
            _("cells of {size} m make a grid of {count} cells").format(
                size=f"{cell_m:g}", count=number(width * height)
            ),
            fix=_("choose a size above 0 that makes at most {limit} cells").format(limit=number(CELLS_IN_MEMORY)),
        )
    frame = NumPyRasterSource(
        np.zeros((height, width)),
        left * cell_m,
        bottom * cell_m,
        right * cell_m,
        top * cell_m,
        srs_wkt=contours.crs.to_wkt(),
    )
    zones = contours[[contours.geometry.name]].reset_index(drop=True)
    found = exactextract.exact_extract(frame, zones, ["cell_id", "coverage"], output="pandas")
    values = np.zeros(width * height)
    for cells, fractions, inhabitants in zip(found["cell_id"], found["coverage"], population, strict=True):
        values[np.asarray(cells, dtype="int64")] += float(inhabitants) * fractions / np.sum(fractions)
    transform = Affine(cell_m, 0.0, left * cell_m, 0.0, -cell_m, top * cell_m)
    return Rasterized(values.reshape(height, width), transform, int(contours.crs.to_epsg()))


def write_raster(raster: Rasterized, path: Path, *, overwrite: bool = False) -> None:
    """Write inhabitants per cell as a GeoTIFF, whole or not at all.

    Raises
    ------
    FileError
        When the file exists, or cannot be written.
    """
    import rasterio

    height, width = raster.values.shape
    with (
        whole_file(path, overwrite=overwrite) as part,
        rasterio.open(
            part,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=1,
            dtype="float64",
            crs=raster.epsg,
            transform=raster.transform,
            compress="deflate",
        ) as target,
    ):
        target.write(raster.values, 1)
