"""Outlines of territorial units: read, fitted together and checked as a map without gaps or overlaps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import (
    CITY_ARRONDISSEMENTS,
    CITY_OF_ARRONDISSEMENT,
    among,
    departement_of,
    explain_bad_code,
    is_insee_code,
)
from cptsgeo.communes import ALIASES
from cptsgeo.crs import MAINLAND, WGS84, by_territory, metric_crs
from cptsgeo.embedded import embedded
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _, current_language, ngettext, number
from cptsgeo.layers import open_layer
from cptsgeo.names import fold
from cptsgeo.parameters import parameters

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray
    from shapely import Geometry

OVERLAP_TOLERANCE_M2 = 10_000.0
"""Area of overlap between two units up to which digitising is forgiven: one hectare."""

GAP_TOLERANCE_M2 = 10_000.0
"""Area of an unexplained hole up to which digitising is forgiven: one hectare."""

SPIKE_M = 0.01
"""Width under which a spike of a clipped outline is an effect of rounding: one centimetre."""

AREA_MARGIN_DEGREES = 1.0
"""How far beyond the area of use of its CRS an outline may reach: Guyane reaches 0.6 degree beyond it."""


def read_contours(paths: Sequence[Path | str] = (), *, codes: Collection[str] | None = None) -> gpd.GeoDataFrame:
    """Read the outlines of units; the embedded schematic ones of four overseas territories when no file is given.

    Where a file holds the outline of Paris, Lyon or Marseille and another its arrondissements, these are clipped
    to the city, and what the clipping leaves of the city goes to the nearest of them, so that the map closes.

    Parameters
    ----------
    paths
        GeoParquet, GeoPackage, GeoJSON or Shapefile, in any CRS, with a column ``insee_code`` (other usual names
        are understood). Several files are put end to end.
    codes
        Units to keep; all of them when not given.

    Returns
    -------
    GeoDataFrame
        EPSG:4326, sorted by ``insee_code``: ``insee_code``, ``geometry_source`` (``schematic`` for embedded
        outlines, else the file's name), ``geometry``.

    Raises
    ------
    FileError
        For a file that is no map layer.
    DataError
        For a layer without CRS, without a code column, or with malformed, repeated or empty units.
    """
    import geopandas as gpd
    import pandas as pd

    wanted = None if codes is None else _with_whole_cities(codes)
    if not paths:
        layers = [gpd.read_parquet(embedded("communes/contours_outre_mer.parquet"))]
    else:
        layers = [_read_layer(Path(path), wanted) for path in paths]
    contours = gpd.GeoDataFrame(pd.concat(layers, ignore_index=True), crs=WGS84)
    contours = _fit_arrondissements(contours)
    if codes is not None:
        contours = contours[among(contours["insee_code"], codes)]
    repeated = contours.loc[contours["insee_code"].duplicated(), ["insee_code", "geometry_source"]]
    raise_errors(
        [
            Finding(
                "unit_repeated",
                "error",
                _("{code} is there more than once").format(code=row.insee_code),
                _("keep one outline per unit (dissolve its parts)"),
                row.geometry_source,
                column="insee_code",
                value=row.insee_code,
            )
            for row in repeated.itertuples()
        ]
    )
    return contours.sort_values("insee_code", ignore_index=True)


def _with_whole_cities(codes: Collection[str]) -> set[str]:
    """Add to the codes of arrondissements their city and its other arrondissements, which they are fitted to."""
    cities = {CITY_OF_ARRONDISSEMENT[code] for code in codes if code in CITY_OF_ARRONDISSEMENT}
    return {*codes, *cities, *(part for city in cities for part in CITY_ARRONDISSEMENTS[city])}


def _read_vector(path: Path) -> gpd.GeoDataFrame:
    """Read a file of one layer, or the communes and arrondissements municipaux of one of many, such as ADMIN EXPRESS."""
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    if path.suffix.lower() == ".parquet":
        return gpd.read_parquet(path)
    layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    known = [name for name in layers if fold(name).replace(" ", "_") in {"commune", "arrondissement_municipal"}]
    if len(layers) == 1 or not known:
        return pyogrio.read_dataframe(path, layer=layers[0])
    parts = []
    for name in known:
        part = pyogrio.read_dataframe(path, layer=name)
        part = part.rename(columns={column: column.lower() for column in part.columns if column != part.geometry.name})
        if "insee_arm" in part:
            part["insee_com"] = part["insee_arm"]
        parts.append(part.rename_geometry("outline"))
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="outline", crs=parts[0].crs)


def _code_column(columns: Sequence[str], file: str) -> str:
    """Find the column of INSEE codes by its name."""
    names = {fold(column).replace(" ", "_"): column for column in columns}
    code = next((names[known] for known in ("insee_code", *ALIASES["insee_code"]) if known in names), None)
    if code is None:
        raise DataError(
            _("no column holds the INSEE code; the file has: {columns}").format(columns=", ".join(columns)),
            fix=_("name that column insee_code"),
            where=file,
        )
    return code


def _near_rows(path: Path, wanted: Collection[str]) -> gpd.GeoDataFrame:
    """Read the rows of a GeoParquet whose codes lie between those wanted, département by département.

    A file in the order of its codes, as cptsgeo writes them, is read for these rows alone; all of its codes are looked at.

    Returns
    -------
    GeoDataFrame
        Indexed by the place of the row in the file; all rows of a file where a code is malformed.
    """
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    code = _code_column(schema.names, path.name)
    if not (pa.types.is_string(schema.field(code).type) or pa.types.is_large_string(schema.field(code).type)):
        return gpd.read_parquet(path)
    codes = pd.read_parquet(path, columns=[code])[code].astype("str").fillna("")
    if not codes.map(is_insee_code).all():
        return gpd.read_parquet(path)
    sought = pd.Series(sorted(wanted), dtype="str")
    ends = sought.groupby(sought.map(departement_of)).agg(["min", "max"])
    ranges = list(ends.itertuples(index=False, name=None))
    kept = np.zeros(len(codes), dtype="bool")
    for first, last in ranges:
        kept |= ((codes >= first) & (codes <= last)).to_numpy()
    part = gpd.read_parquet(path, filters=[[(code, ">=", first), (code, "<=", last)] for first, last in ranges])
    return part.set_axis(np.flatnonzero(kept), axis="index") if len(part) == kept.sum() else gpd.read_parquet(path)


def _read_layer(path: Path, wanted: Collection[str] | None) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if wanted and path.suffix.lower() == ".parquet":
        layer = open_layer(path, partial(_near_rows, wanted=wanted))
    else:
        layer = open_layer(path, _read_vector)
    code = _code_column(layer.columns, path.name)
    codes = layer[code].astype("str").fillna("").str.strip()
    findings = []
    for place, text, shape in zip(layer.index.tolist(), codes, layer.geometry, strict=True):
        row = place + 1
        if not is_insee_code(text):
            rule, problem, fix = explain_bad_code(text)
            findings.append(Finding(rule, "error", problem, fix, path.name, row, code, text))
        elif shape is None or shape.is_empty or shape.geom_type not in {"Polygon", "MultiPolygon"}:
            findings.append(
                Finding(
                    "outline_missing",
                    "error",
                    _("{code} has no outline, or one that is not a polygon").format(code=text),
                    _("give its polygon, or remove the row: units without outline are counted and not drawn"),
                    path.name,
                    row,
                    "geometry",
                    text,
                )
            )
    raise_errors(findings)
    if layer.empty:
        raise DataError(_("the file is empty"), fix=_("give a layer that holds outlines"), where=path.name)
    if wanted is not None:
        kept = among(codes, wanted)
        layer, codes = layer[kept], codes[kept]
    shapes = layer.geometry.to_crs(WGS84)
    if not shapes.is_valid.all():
        shapes = shapes.make_valid(method="structure", keep_collapsed=False)
    misplaced = codes[~_in_territory(codes, shapes)]
    if len(misplaced):
        raise DataError(
            ngettext(
                "the outline of {count} unit is not in its territory ({examples})",
                "the outlines of {count} units are not in their territory ({examples})",
                len(misplaced),
            ).format(count=number(len(misplaced)), examples=", ".join(misplaced[:5])),
            fix=_(
                "check that the layer says the CRS of its coordinates (metres said to be degrees, latitude in the"
                " place of longitude), and its codes"
            ),
            where=path.name,
        )
    return gpd.GeoDataFrame(
        {"insee_code": codes.to_numpy(), "geometry_source": path.name}, geometry=shapes.to_numpy(), crs=WGS84
    )


def _in_territory(codes: pd.Series, shapes: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Tell of each outline in degrees whether it lies where the metric CRS of its territory is used."""
    import numpy as np
    import pyproj

    bounds = shapes.bounds.to_numpy()
    crs = codes.map(metric_crs).to_numpy()
    inside = np.zeros(len(codes), dtype="bool")
    for epsg in np.unique(crs):
        area = pyproj.CRS(epsg).area_of_use
        assert area is not None, "each of our CRS says where it serves"
        west, south, east, north = np.array(area.bounds) + AREA_MARGIN_DEGREES * np.array([-1, -1, 1, 1])
        within = (bounds[:, :2] >= (west, south)).all(axis=1) & (bounds[:, 2:] <= (east, north)).all(axis=1)
        inside |= within & (crs == epsg)
    return inside


def _fit_arrondissements(contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Clip arrondissements to their city's outline and share what is left of it; drop the city's own row."""
    import geopandas as gpd
    import shapely

    fitted = contours
    for city, arrondissements in CITY_ARRONDISSEMENTS.items():
        whole = contours[contours["insee_code"] == city]
        parts = contours[contours["insee_code"].isin(arrondissements)]
        if whole.empty or len(parts) != len(arrondissements):
            continue
        outline = whole.to_crs(MAINLAND).geometry.iloc[0]
        shapes = [shape.intersection(outline) for shape in parts.to_crs(MAINLAND).geometry]
        cells = shapely.get_parts(outline.difference(shapely.union_all(shapes)))
        gained: list[list[Geometry]] = [[shape] for shape in shapes]
        for cell in cells:
            ranks = [_border_rank(cell, shape) for shape in shapes]
            gained[ranks.index(min(ranks))].append(cell)
        united = [_settled(shapely.union_all(group), outline) for group in gained]
        closed = gpd.GeoSeries(united, index=parts.index, crs=MAINLAND)
        fitted = fitted.drop(whole.index)
        fitted.loc[parts.index, "geometry"] = closed.to_crs(WGS84)
    return fitted


def _settled(shape: Geometry, outline: Geometry) -> Geometry:
    """Drop the spikes that clipping leaves, by rounding; the points of the city's outline stay where they are.

    Neighbours outside the city share these points: moved by a centimetre they would share no border any more.
    """
    import numpy as np
    import shapely

    exact = shapely.get_coordinates(outline)
    kept = {(x, y): place for (x, y), place in zip(np.rint(exact / SPIKE_M).tolist(), exact, strict=True)}
    rounded = shapely.set_precision(shape, SPIKE_M)
    places = shapely.get_coordinates(rounded)
    restored = [
        kept.get((x, y), place) for (x, y), place in zip(np.rint(places / SPIKE_M).tolist(), places, strict=True)
    ]
    return shapely.set_coordinates(shapely.set_precision(rounded, 0, mode="pointwise"), np.array(restored))


def _border_rank(cell: Geometry, shape: Geometry) -> tuple[float, float]:
    """Rank arrondissements for a leftover of the city: longest shared border first, then the nearest."""
    import shapely

    return (-shapely.length(shapely.intersection(cell, shape)), shapely.distance(cell, shape))


def check_contours(contours: gpd.GeoDataFrame, *, accept_holes: bool = False) -> list[Finding]:
    """Look for overlaps between units and holes inside the map that no known enclave explains.

    Parameters
    ----------
    contours
        ``insee_code`` and ``geometry``, with a CRS.
    accept_holes
        Report holes as warnings: true enclaves, or a file that stops at a border.

    Returns
    -------
    list of Finding
        One per pair of units that overlap by more than a hectare, one per hole of more than a hectare.
    """
    findings: list[Finding] = []
    for epsg, part in by_territory(contours).items():
        shapes = part.geometry.to_numpy()
        misfits = _misfits(shapes)
        findings += _overlaps(part, misfits)
        findings += _holes(part, _united(shapes, misfits), epsg, accept_holes)
    return findings


def _overlaps(part: gpd.GeoDataFrame, misfits: NDArray[np.bool_]) -> list[Finding]:
    """Measure the overlaps of the units that do not fit; a unit that wholly holds another one fits by its own edges."""
    import numpy as np
    import shapely

    shapes = part.geometry.to_numpy()
    rows = np.flatnonzero(misfits)
    one, other = shapely.STRtree(shapes).query(shapes[rows], predicate="intersects")
    pairs = np.sort(np.column_stack([rows[one], other]), axis=1)
    one, other = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0).T
    areas = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    codes = part["insee_code"].to_numpy()
    return [
        Finding(
            "contours_overlap",
            "error",
            _("the outlines of {one} and {other} overlap by {area} km²").format(
                one=codes[i], other=codes[j], area=number(area / 1e6, 3)
            ),
            _("correct the layer, or take the one of IGN (ADMIN EXPRESS COG)"),
            str(part["geometry_source"].iloc[i]) if "geometry_source" in part else "",
            column="geometry",
            value=f"{codes[i]} {codes[j]}",
        )
        for i, j, area in zip(one, other, areas, strict=True)
        if area > OVERLAP_TOLERANCE_M2
    ]


def _holes(part: gpd.GeoDataFrame, union: Geometry, epsg: int, accept_holes: bool) -> list[Finding]:
    import geopandas as gpd
    import shapely

    shapes = part.geometry.to_numpy()
    rings = [ring for polygon in shapely.get_parts(union) for ring in polygon.interiors]
    holes = [hole for hole in map(shapely.Polygon, rings) if hole.area > GAP_TOLERANCE_M2]
    if not holes:
        return []
    enclaves = parameters("enclaves")["enclave"]
    points = gpd.GeoSeries.from_xy(
        [enclave["longitude"] for enclave in enclaves], [enclave["latitude"] for enclave in enclaves], crs=WGS84
    ).to_crs(epsg)
    tree = shapely.STRtree(shapes)
    codes = part["insee_code"].to_numpy()
    findings = []
    for hole in holes:
        known = [
            enclave[current_language()] for enclave, point in zip(enclaves, points, strict=True) if hole.contains(point)
        ]
        around = ", ".join(sorted(codes[tree.query(hole, predicate="intersects")])[:6])
        area = number(hole.area / 1e6, 2)
        if known:
            findings.append(
                Finding(
                    "contours_enclave",
                    "info",
                    _("the map has a hole of {area} km² that belongs to no commune: {name}").format(
                        area=area, name=known[0]
                    ),
                    column="geometry",
                    value=around,
                )
            )
            continue
        findings.append(
            Finding(
                "contours_hole",
                "warning" if accept_holes else "error",
                _("the map has a hole of {area} km² between {codes}").format(area=area, codes=around),
                _("add the outline that is missing there; if it is a true enclave, pass --accept-holes"),
                str(part["geometry_source"].iloc[0]) if "geometry_source" in part else "",
                column="geometry",
                value=around,
            )
        )
    return findings


def undrawn(communes: pd.DataFrame, contours: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the units that have no outline: they are counted, and cannot be drawn."""
    return communes[~among(communes["insee_code"], contours["insee_code"])]


def dissolve(contours: gpd.GeoDataFrame, groups: pd.Series) -> gpd.GeoDataFrame:
    """Unite the outlines of each group of units.

    Parameters
    ----------
    contours
        ``insee_code`` and outlines; a unit may stand in several rows of ``groups``.
    groups
        Name of the group, indexed by ``insee_code``.

    Returns
    -------
    GeoDataFrame
        One row per group that has an outline, sorted: ``name``, ``geometry``, in the CRS of ``contours``.

    Notes
    -----
    The units that share their borders exactly are united by ``shapely.coverage_union_all``, nine times faster than the
    general union that the others take.
    """
    import geopandas as gpd
    import pandas as pd

    shapes = contours.geometry.to_numpy()
    places = pd.Series(pd.Index(contours["insee_code"]).get_indexer(groups.index))
    known = places >= 0
    united = [(name, _united(shapes[rows])) for name, rows in places[known].groupby(groups.to_numpy()[known])]
    return gpd.GeoDataFrame(
        {"name": [name for name, _shape in united]}, geometry=[shape for _name, shape in united], crs=contours.crs
    )


def _united(shapes: NDArray[np.object_], misfits: NDArray[np.bool_] | None = None) -> Geometry:
    """Unite shapes, the fast way those that form a coverage; overlaps make its result invalid, or no result."""
    import shapely

    if misfits is None or not misfits.any():
        with suppress(shapely.errors.GEOSException):
            united = shapely.coverage_union_all(shapes)
            if shapely.is_valid(united):
                return united
    if misfits is None:
        misfits = _misfits(shapes)
    if not misfits.any() or misfits.all():
        return shapely.union_all(shapes)
    return shapely.union_all([_united(shapes[~misfits]), *shapes[misfits]])


def _misfits(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Tell of each shape whether it overlaps another one, or follows their border through other vertices."""
    import shapely

    fits: NDArray[np.bool_] = shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    return ~fits
