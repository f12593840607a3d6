"""Hazards: zones drawn as polygons (PPR, a closed coast) and rasters (flood depth, wind); who and what is in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.crs import WGS84, require_crs
from cptsgeo.errors import DataError, FileError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

NAMES = ("name", "nom", "libelle", "label")


def read_zones(path: Path | str) -> gpd.GeoDataFrame:
    """Read hazard zones.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile or GeoParquet of polygons, in any CRS that it states; ``name`` or ``nom`` is kept.

    Returns
    -------
    GeoDataFrame
        ``name``, ``geometry``, EPSG:4326.

    Raises
    ------
    FileError, DataError
        For a file that is no map layer, has no CRS, or holds anything but polygons.
    """
    import geopandas as gpd
    import pyogrio
    import shapely

    path = Path(path)
    if not path.is_file():
        raise FileError(_("there is no such file"), fix=_("check the path"), where=str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layer = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else pyogrio.read_dataframe(path)
    except (OSError, ValueError, pyogrio.errors.DataSourceError, shapely.errors.ShapelyError) as error:
        raise FileError(
            _("the file cannot be read as a map layer"),
            fix=_("give polygons as GeoPackage, GeoJSON, Shapefile or GeoParquet"),
            where=path.name,
        ) from error
    shapes = layer.geometry if isinstance(layer, gpd.GeoDataFrame) else None
    if shapes is None or not len(layer) or not shapes.geom_type.isin({"Polygon", "MultiPolygon"}).all():
        raise DataError(
            _("hazard zones must be polygons, one at least, none empty"),
            fix=_("draw each zone as a polygon, or give a raster"),
            where=path.name,
        )
    require_crs(layer, path.name)
    column = next((name for name in layer.columns if str(name).lower() in NAMES), None)
    names = layer[column].astype("str").fillna("") if column else [""] * len(layer)
    return gpd.GeoDataFrame({"name": list(names)}, geometry=shapes.to_crs(WGS84).make_valid().to_numpy(), crs=WGS84)


def in_zones(places: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.Series:
    """Tell of each place whether it lies in a zone, its edge included.

    Parameters
    ----------
    places
        ``longitude``, ``latitude`` in degrees.
    zones
        Polygons; see :func:`read_zones`.

    Returns
    -------
    Series
        Booleans on the index of ``places``; a place without coordinates is missing (``boolean`` dtype).

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, shapely
    >>> zone = gpd.GeoDataFrame({"name": ["z"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> in_zones(pd.DataFrame({"longitude": [0.5, 2, None], "latitude": [0.5, 0.5, 0]}), zone).tolist()
    [True, False, <NA>]
    """
    import pandas as pd
    import shapely

    known = places["longitude"].notna() & places["latitude"].notna()
    inside = pd.Series(pd.NA, index=places.index, dtype="boolean")
    area = shapely.union_all(zones.to_crs(WGS84).geometry.to_numpy())
    shapely.prepare(area)
    points = shapely.points(places.loc[known, "longitude"], places.loc[known, "latitude"])
    inside[known] = shapely.intersects(area, points)
    return inside


def read_raster_at(path: Path | str, places: pd.DataFrame) -> pd.Series:
    """Read the value of a raster (depth in metres, wind in km/h) at each place, from the cell that holds it.

    Parameters
    ----------
    path
        Any raster that GDAL reads, with a CRS; its first band.
    places
        ``longitude``, ``latitude`` in degrees.

    Returns
    -------
    Series
        Values on the index of ``places``; missing outside the raster, where it has no data, and without coordinates.

    Raises
    ------
    FileError, DataError
        For a file that is no raster, or has no CRS.
    """
    import numpy as np
    import pandas as pd
    import rasterio
    from rasterio.warp import transform

    path = Path(path)
    values = pd.Series(np.nan, index=places.index, dtype="float64")
    known = places["longitude"].notna() & places["latitude"].notna()
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise DataError(
                    _("the raster does not say its coordinate reference system (CRS)"),
                    fix=_("write it with its CRS (in QGIS: Raster, Projections, Assign Projection)"),
                    where=path.name,
                )
            xs, ys = transform(
                f"EPSG:{WGS84}",
                raster.crs,
                places.loc[known, "longitude"].tolist(),
                places.loc[known, "latitude"].tolist(),
            )
            sampled = [sample[0] for sample in raster.sample(zip(xs, ys, strict=True), indexes=1, masked=True)]
            inside = [
                raster.bounds.left <= x < raster.bounds.right and raster.bounds.bottom < y <= raster.bounds.top
                for x, y in zip(xs, ys, strict=True)
            ]
    except rasterio.errors.RasterioIOError as error:
        raise FileError(
            _("the file cannot be read as a raster"), fix=_("give a GeoTIFF, or polygons"), where=path.name
        ) from error
    values[known] = [
        float(value) if within and not np.ma.is_masked(value) else np.nan
        for value, within in zip(sampled, inside, strict=True)
    ]
    return values
