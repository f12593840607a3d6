"""The metric coordinate reference system of each territory: France has no single one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.codes import departement_of
from cptsgeo.errors import DataError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

WGS84 = 4326
MAINLAND = 2154
TERRITORY_CRS = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471, "975": 4467}


def metric_crs(insee_code: str) -> int:
    """Return the EPSG code of the metric CRS of the territory of a unit.

    References
    ----------
    Décret n° 2000-1276 of 26 December 2000, modified 2019: RGF93 Lambert-93, RGAF09, RGFG95, RGR92, RGM04, RGSPM06.

    Examples
    --------
    >>> metric_crs("13055"), metric_crs("2A004"), metric_crs("97302")
    (2154, 2154, 2972)
    """
    return TERRITORY_CRS.get(departement_of(insee_code), MAINLAND)


def by_territory(contours: gpd.GeoDataFrame) -> dict[int, gpd.GeoDataFrame]:
    """Split contours by territory, each part in its own metric CRS.

    Parameters
    ----------
    contours
        ``insee_code`` and a geometry in any CRS.

    Returns
    -------
    dict
        EPSG code to the contours of that territory, in metres; empty geometries are left out.
    """
    require_crs(contours)
    drawn = contours[~(contours.geometry.isna() | contours.geometry.is_empty)]
    crs = drawn["insee_code"].map(metric_crs)
    return {int(epsg): drawn[crs == epsg].to_crs(epsg) for epsg in sorted(crs.unique())}


def areas_km2(contours: gpd.GeoDataFrame) -> pd.Series:
    """Measure each unit in its territory's metric CRS, in km²; index ``insee_code``."""
    import pandas as pd

    parts = [part.set_index("insee_code").geometry.area / 1e6 for part in by_territory(contours).values()]
    return pd.concat(parts) if parts else pd.Series(dtype="float64", name="area_km2")


def require_on_earth(layer: gpd.GeoDataFrame, where: str = "") -> None:
    """Refuse a layer without CRS, or in one that no formula brings to degrees: a local one, of an engineer or of another planet.

    Raises
    ------
    DataError
        Naming the CRS.
    """
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    require_crs(layer, where)
    try:
        Transformer.from_crs(layer.crs, WGS84)
    except ProjError as error:
        raise DataError(
            _("the coordinate reference system (CRS) {name} cannot be brought to degrees").format(name=layer.crs.name),
            fix=_("write the layer in a CRS of the Earth, such as EPSG:4326 or EPSG:2154"),
            where=where,
        ) from error


def require_crs(layer: gpd.GeoDataFrame, where: str = "") -> None:
    """Refuse a layer that does not say its CRS.

    Raises
    ------
    DataError
        When ``layer.crs`` is missing.
    """
    if layer.crs is None:
        raise DataError(
            _("the layer does not say its coordinate reference system (CRS)"),
            fix=_("write it with its CRS (in QGIS: Export, Save Features As), such as EPSG:4326 or EPSG:2154"),
            where=where,
        )
