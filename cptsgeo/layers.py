"""Map layers of polygons from any tool: open, check and repair them before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.crs import WGS84, require_crs, require_on_earth
from cptsgeo.errors import CptsGeoError, DataError, FileError, Finding, require_file
from cptsgeo.i18n import _, number

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyproj
    from shapely import Geometry

ENDINGS = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
DEGREES = 400.0
"""No coordinate in degrees is beyond it, and none in metres of a French CRS is within it."""


class Polygons(NamedTuple):
    """Hold the polygons of a layer and what was found in them.

    Attributes
    ----------
    layer
        Valid polygons with their attributes and CRS; row numbers of the file (1 is the first feature) as index.
    findings
        What was repaired, and what is wrong.
    """

    layer: gpd.GeoDataFrame
    findings: list[Finding]


def is_layer(path: Path | str) -> bool:
    """Tell whether a file is a map layer: by its ending, or for Parquet by its geometry.

    Examples
    --------
    >>> is_layer("drawn.gpkg"), is_layer("list.csv")
    (True, False)
    """
    path = Path(path)
    if path.suffix.lower() == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return b"geo" in (pq.read_schema(path).metadata or {})
        except (pa.ArrowInvalid, OSError):
            return False
    return path.suffix.lower() in ENDINGS


def open_layer(path: Path, read: Callable[[Path], gpd.GeoDataFrame] | None = None) -> gpd.GeoDataFrame:
    """Open a map layer that says its CRS.

    Parameters
    ----------
    path
        GeoParquet, GeoPackage, GeoJSON, Shapefile or FlatGeobuf.
    read
        How the file is read; its first layer when not given.

    Raises
    ------
    FileError
        For a file that is no map layer.
    DataError
        For a layer without CRS.
    """
    import geopandas as gpd
    import pyogrio

    def opened(path: Path) -> gpd.GeoDataFrame:
        return gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else pyogrio.read_dataframe(path)

    layer = foreign(path, read or opened)
    if not isinstance(layer, gpd.GeoDataFrame):
        raise FileError(
            _("the file holds a table without outlines"),
            fix=_("give it with --communes, and the outlines with --contours"),
            where=path.name,
        )
    require_on_earth(layer, path.name)
    return layer


def read_attributes(path: Path) -> pd.DataFrame:
    """Read the attributes of a layer without its shapes.

    Raises
    ------
    FileError
        For a file that is no map layer.
    """
    import pyogrio

    return foreign(path, lambda path: pyogrio.read_dataframe(path, read_geometry=False))


def foreign(path: Path, read: Callable[[Path], Any]) -> Any:
    """Let a library read a map layer, and say of whatever it stumbles over that the file is none.

    Raises
    ------
    FileError
        For an absent file, a folder, and a file that is no map layer.
    """
    import pyarrow as pa
    from shapely.errors import ShapelyError

    require_file(path)
    try:
        return read(path)
    except CptsGeoError:
        raise
    except (
        *(OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError),
        *(pa.ArrowException, ShapelyError),
    ) as error:
        raise FileError(
            _("the file cannot be read as a map layer"),
            fix=_("give a GeoParquet, GeoPackage, GeoJSON or Shapefile; copy or download it again if it is damaged"),
            where=path.name,
        ) from error


def read_polygons(path: Path | str, *, repair: bool = False) -> Polygons:
    """Read the polygons of a layer, each finding with its row.

    Parameters
    ----------
    path
        As for :func:`open_layer`; any CRS.
    repair
        Make invalid polygons valid (``shapely.make_valid``, structure method) and report the area that this changed.

    Raises
    ------
    FileError, DataError
        As :func:`open_layer`, and for a layer without features.
    """
    path = Path(path)
    return check_polygons(open_layer(path), file=path.name, repair=repair)


def check_polygons(layer: gpd.GeoDataFrame, *, file: str = "", repair: bool = False) -> Polygons:
    """Check the polygons of a layer: none missing, none invalid, coordinates that fit the CRS.

    Parameters
    ----------
    layer
        Any columns; a CRS.
    file
        Name to show in findings.
    repair
        As for :func:`read_polygons`.

    Raises
    ------
    DataError
        For a layer without CRS or without features, or whose coordinates are not those of its CRS.
    """
    import numpy as np
    import shapely

    require_crs(layer, file)
    if layer.empty:
        raise DataError(_("the layer has no feature"), fix=_("export it again, with at least one polygon"), where=file)
    layer = layer.set_axis(range(1, len(layer) + 1), axis="index")
    shapes = layer.geometry.to_numpy()
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    flat = ~absent & ~np.isin(
        shapely.get_type_id(shapes), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]
    )
    findings = [
        Finding(
            "polygon_missing",
            "error",
            _("the feature has no outline")
            if absent[position]
            else _("the feature is a {kind}, not a polygon").format(kind=shapes[position].geom_type),
            _("draw its polygon, or remove the feature"),
            file,
            position + 1,
            "geometry",
        )
        for position in np.flatnonzero(absent | flat).tolist()
    ]
    _require_plausible(layer[~(absent | flat)], file)
    for position in np.flatnonzero(~(absent | flat) & ~shapely.is_valid(shapes)):
        shape = shapes[position]
        if not repair:
            findings.append(
                Finding(
                    "polygon_invalid",
                    "error",
                    _("the polygon is not valid: {reason}").format(reason=shapely.is_valid_reason(shape)),
                    _("correct it (in QGIS: Fix geometries), or pass --repair to have it made valid"),
                    file,
                    int(position) + 1,
                    "geometry",
                )
            )
            continue
        fixed = _polygonal(shapely.make_valid(shape, method="structure", keep_collapsed=False))
        shapes[position] = fixed
        before, after = areas_on_earth([shape, fixed], layer.crs)
        findings.append(
            Finding(
                "polygon_repaired",
                "warning",
                _("the polygon was made valid: its area went from {before} to {after} km²").format(
                    before=number(before, 3), after=number(after, 3)
                ),
                _("compare its outline with what was meant"),
                file,
                int(position) + 1,
                "geometry",
            )
        )
    return Polygons(layer.set_geometry(shapes, crs=layer.crs)[~(absent | flat)], findings)


def areas_on_earth(shapes: Sequence[Geometry], crs: pyproj.CRS) -> list[float]:
    """Measure polygons on the ellipsoid, in km², whatever their CRS; the lobes of a crossed ring cancel each other.

    Examples
    --------
    >>> import pyproj
    >>> from shapely import box
    >>> [round(area, 2) for area in areas_on_earth([box(700_000, 6_600_000, 701_000, 6_601_000)], pyproj.CRS(2154))]
    [1.0]
    """
    import geopandas as gpd
    import pyproj
    import shapely

    globe = pyproj.Geod(ellps="GRS80")
    degrees = shapely.orient_polygons(gpd.GeoSeries(list(shapes), crs=crs).to_crs(WGS84).to_numpy())
    return [abs(globe.geometry_area_perimeter(shape)[0]) / 1e6 for shape in degrees]


def _polygonal(shape: Geometry) -> Geometry:
    """Keep the polygons of what a repair made; lines and points cover nobody."""
    import shapely

    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])


def _require_plausible(layer: gpd.GeoDataFrame, file: str) -> None:
    """Refuse metres under a CRS in degrees, and degrees under a CRS in metres."""
    import numpy as np

    bounds = np.abs(layer.total_bounds) if len(layer) else np.zeros(4)
    geographic = layer.crs.is_geographic
    if geographic == bool(bounds.max() <= DEGREES):
        return
    if not len(layer):
        return
    raise DataError(
        _("the layer says {crs}, in degrees, but its coordinates go up to {value}: they are metres").format(
            crs=crs_name(layer.crs), value=number(float(bounds.max()))
        )
        if geographic
        else _("the layer says {crs}, in metres, but its coordinates stay under {value}: they are degrees").format(
            crs=crs_name(layer.crs), value=number(float(bounds.max()))
        ),
        fix=_("correct its CRS (in GeoPandas: layer.set_crs({crs}, allow_override=True)), then to_crs").format(
            crs=2154 if geographic else WGS84
        ),
        where=file,
    )


def require_same_crs(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> None:
    """Refuse two layers in different CRS where the caller must have brought them together.

    Raises
    ------
    DataError
        Naming both.
    """
    if one.crs is None or other.crs is None or one.crs != other.crs:
        raise DataError(
            _("the layers have different coordinate reference systems (CRS): {one} and {other}").format(
                one=crs_name(one.crs), other=crs_name(other.crs)
            ),
            fix=_("bring one to the other with to_crs"),
        )


def require_metres(layer: gpd.GeoDataFrame, where: str = "") -> None:
    """Refuse a layer in degrees where metres are measured.

    Raises
    ------
    DataError
        For a CRS that is missing or geographic.
    """
    require_crs(layer, where)
    if layer.crs.is_geographic:
        raise DataError(
            _("the layer is in degrees ({crs}), and metres are needed").format(crs=crs_name(layer.crs)),
            fix=_("bring it to a metric CRS with to_crs, such as to_crs(2154) in mainland France"),
            where=where,
        )


def crs_name(crs: pyproj.CRS | None) -> str:
    """Name a CRS by its EPSG code where it has one.

    Examples
    --------
    >>> import pyproj
    >>> crs_name(pyproj.CRS(2154))
    'EPSG:2154'
    """
    if crs is None:
        return _("no CRS")
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)
