"""Hazards: zones drawn as polygons (PPR, a closed coast) or cells of a raster (flood depth, wind) past a threshold; who and what is in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.crs import WGS84
from cptsgeo.errors import DataError, UsageError
from cptsgeo.grids import RASTER_ENDINGS, Grid
from cptsgeo.i18n import _, number
from cptsgeo.layers import open_layer
from cptsgeo.population import population_within
from cptsgeo.rasters import open_raster, strips

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from affine import Affine

NAMES = ("name", "nom", "libelle", "label")
ALL = "all"


def read_hazard(path: Path | str, *, threshold: float | None = None) -> gpd.GeoDataFrame:
    """Read a hazard: polygons as they are, or the cells of a raster at or above a threshold.

    Parameters
    ----------
    path
        Polygons as for :func:`read_zones`, or a raster as for :func:`read_raster_at`, by its ending.
    threshold
        From which value of the raster a place is exposed (a depth in metres, a wind in km/h). A raster needs one, polygons
        take none.

    Returns
    -------
    GeoDataFrame
        ``name``, ``geometry``, EPSG:4326.

    Raises
    ------
    UsageError
        For a raster without threshold, or polygons with one.
    FileError, DataError
        As the readers; for a raster that reaches the threshold nowhere.
    """
    path = Path(path)
    if path.suffix.lower() in RASTER_ENDINGS:
        if threshold is None:
            raise UsageError(
                _("a raster needs the value from which a place is exposed"),
                fix=_("add --hazard-threshold, such as 0.5 for a depth of half a metre"),
                where=path.name,
            )
        return _raster_zones(path, threshold)
    if threshold is not None:
        raise UsageError(
            _("polygons have no threshold: what is in them is exposed"),
            fix=_("leave --hazard-threshold out, or give a raster"),
            where=path.name,
        )
    return read_zones(path)


def _raster_zones(path: Path, threshold: float) -> gpd.GeoDataFrame:
    """Outline the cells of a raster at or above a threshold, as one zone."""
    import geopandas as gpd
    import numpy as np
    import shapely
    from rasterio.features import shapes
    from rasterio.windows import Window

    found = []
    with open_raster(path) as raster:
        for strip in strips(Window(0, 0, raster.width, raster.height), path.name):
            band = raster.read(1, window=strip, masked=True)
            reached = np.ma.filled(band >= threshold, False)
            outlines = shapes(reached.astype("uint8"), mask=reached, transform=_moved(raster.transform, strip.row_off))
            found += [shapely.geometry.shape(outline) for outline, _value in outlines]
        crs = raster.crs
    if not found:
        raise DataError(
            _("the raster reaches {threshold} nowhere").format(threshold=number(threshold, 2)),
            fix=_("lower --hazard-threshold, or check the unit of the raster"),
            where=path.name,
        )
    name = _("{file}, from {threshold}").format(file=path.stem, threshold=number(threshold, 2))
    area = gpd.GeoDataFrame({"name": [name]}, geometry=[shapely.union_all(found)], crs=crs)
    return area.to_crs(WGS84)


def _moved(transform: Affine, rows: int) -> Affine:
    """Return the transform of a window that begins some rows below the first one."""
    from affine import Affine

    a, b, c, d, e, f = transform[:6]
    return Affine(a, b, c + b * rows, d, e, f + e * rows)


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

    path = Path(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = open_layer(path)
    shapes = layer.geometry
    if not len(layer) or not shapes.geom_type.isin({"Polygon", "MultiPolygon"}).all():
        raise DataError(
            _("hazard zones must be polygons, one at least, none empty"),
            fix=_("draw each zone as a polygon, or give a raster"),
            where=path.name,
        )
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
    from rasterio.warp import transform

    path = Path(path)
    values = pd.Series(np.nan, index=places.index, dtype="float64")
    known = places["longitude"].notna() & places["latitude"].notna()
    with open_raster(path) as raster:
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
    values[known] = [
        float(value) if within and not np.ma.is_masked(value) else np.nan
        for value, within in zip(sampled, inside, strict=True)
    ]
    return values


def exposed_resources(resources: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """List the resources inside the zones, with the zones that hold them.

    Parameters
    ----------
    resources
        ``resource_id``, ``kind``, ``name``, ``insee_code``, ``position_precision``, ``longitude``, ``latitude``, ``status``.
    zones
        See :func:`read_hazard`.

    Returns
    -------
    DataFrame
        ``resource_id``, ``kind``, ``name``, ``insee_code``, ``position_precision``, ``status``, ``zone`` (names joined), by
        ``resource_id``. A resource known only to its commune is exposed when the point of the commune is.
    """
    hits = [in_zones(resources, zones.iloc[[at]]).fillna(False).astype("bool") for at in range(len(zones))]
    names = [
        ", ".join(dict.fromkeys(name for name, hit in zip(zones["name"], hits, strict=True) if hit[row]))
        for row in resources.index
    ]
    reached = sum(hits) > 0
    columns = ["resource_id", "kind", "name", "insee_code", "position_precision", "status", "zone"]
    return resources.assign(zone=names)[reached][columns].sort_values("resource_id", ignore_index=True)


def exposed_population(
    zones: gpd.GeoDataFrame, communes: pd.DataFrame, contours: gpd.GeoDataFrame, *, grid: Grid | None = None
) -> pd.DataFrame:
    """Count the inhabitants inside each zone, and inside all of them together, none counted twice.

    Parameters
    ----------
    zones
        See :func:`read_hazard`.
    communes, contours, grid
        As for :func:`cptsgeo.population.population_within`: communes that a zone cuts are shared by the grid, or by area
        without one.

    Returns
    -------
    DataFrame
        ``zone`` (``all`` for the last row), ``population``, ``population_method``.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    union = gpd.GeoDataFrame({"name": [ALL]}, geometry=[shapely.union_all(zones.geometry.to_numpy())], crs=zones.crs)
    every = gpd.GeoDataFrame(pd.concat([zones, union], ignore_index=True), crs=zones.crs)
    counted = population_within(every, grid=grid, communes=communes, contours=contours, area_weighting=grid is None)
    return pd.DataFrame(counted.rename(columns={"name": "zone"})[["zone", "population", "population_method"]])
