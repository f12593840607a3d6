"""IGN: the outlines of ADMIN EXPRESS COG and of the IRIS, in every layout and packaging."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.crs import WGS84
from cptsgeo.errors import FileError, Finding, raise_errors, require_path
from cptsgeo.i18n import _
from cptsgeo.layers import foreign, open_layer
from cptsgeo.names import fold
from cptsgeo.sources.layout import known_layout

if TYPE_CHECKING:
    import geopandas as gpd

COMMUNE_LAYOUTS = {
    "ADMIN EXPRESS 4-0": [
        "code_insee",
        "nom_officiel",
        "code_insee_du_departement",
        "code_insee_de_la_region",
        "codes_siren_des_epci",
    ],
    "ADMIN EXPRESS 3-x": ["INSEE_COM", "NOM", "INSEE_DEP", "INSEE_REG", "SIREN_EPCI"],
    "contours by COG": ["code", "nom", "departement", "region", "epci"],
}
DISTRICT_LAYOUTS = {
    "ADMIN EXPRESS 4-0": ["code_insee", "nom_officiel", "code_insee_de_la_commune_de_rattach"],
    "ADMIN EXPRESS 3-x": ["INSEE_ARM", "NOM", "INSEE_COM"],
    "GEOFLA": ["code_insee", "nom_com", "code_ville"],
}
IRIS_LAYOUTS = {
    "2024": ["code_insee", "nom_commune", "iris", "code_iris", "nom_iris", "type_iris"],
    "2013": ["INSEE_COM", "NOM_COM", "IRIS", "CODE_IRIS", "NOM_IRIS", "TYP_IRIS"],
}
NOT_GIVEN = "NR"
MAP_ENDINGS = (".gpkg", ".shp", ".parquet", ".geojson", ".json")


def read_admin_express(paths: Path | str | Sequence[Path | str]) -> gpd.GeoDataFrame:
    """Read the communes of ADMIN EXPRESS COG or COG-CARTO.

    Its population is of another year than INSEE's, and is not read.

    Parameters
    ----------
    paths
        GeoPackage, Shapefile or GeoParquet of the layer ``commune`` (or ``COMMUNE``), or the unpacked folder: one
        file per territory, each in its own CRS, or one of all in EPSG:4326. Layout 4-0: ``code_insee``,
        ``nom_officiel``, ``codes_siren_des_epci`` in lower case; 3-x: ``INSEE_COM``, ``NOM``, ``SIREN_EPCI`` in upper
        case; a copy by COG year: ``code``, ``nom``, ``departement``, ``region``, ``epci``. They are known from IGN's description, so that columns beside these are let through.

    Returns
    -------
    GeoDataFrame
        EPSG:4326, sorted: ``insee_code``, ``name``, ``departement_code``, ``region_code``, ``epci_sirens`` (SIREN
        numbers joined by spaces; empty for "NR"; several where an EPCI lies in another, as in Grand Paris),
        ``geometry``.

    Raises
    ------
    DataError
        For a changed layout, a layer without CRS, or a commune in two files.
    """
    layer = _read(paths, "commune", COMMUNE_LAYOUTS)
    code, name, departement, region, epci = COMMUNE_LAYOUTS[layer.attrs["layout"]]
    sirens = layer[epci].fillna("").astype("str").map(_sirens)
    return _sorted(
        layer,
        {
            "insee_code": layer[code],
            "name": layer[name],
            "departement_code": layer[departement],
            "region_code": layer[region],
            "epci_sirens": sirens,
        },
    )


def read_arrondissements(paths: Path | str | Sequence[Path | str]) -> gpd.GeoDataFrame:
    """Read the arrondissements municipaux of ADMIN EXPRESS, which the layer of communes has not.

    Returns
    -------
    GeoDataFrame
        EPSG:4326, sorted: ``insee_code``, ``name``, ``city_code``, ``geometry``.
    """
    layer = _read(paths, "arrondissement_municipal", DISTRICT_LAYOUTS)
    code, name, city = DISTRICT_LAYOUTS[layer.attrs["layout"]]
    return _sorted(layer, {"insee_code": layer[code], "name": layer[name], "city_code": layer[city]})


def read_iris(paths: Path | str | Sequence[Path | str]) -> gpd.GeoDataFrame:
    """Read the outlines of the IRIS (IGN and INSEE, *Contours… IRIS*).

    Returns
    -------
    GeoDataFrame
        EPSG:4326, sorted: ``iris_code`` (nine characters), ``iris_name``, ``insee_code`` (an arrondissement in Paris,
        Lyon and Marseille), ``iris_type`` (H habitat, A activity, D other, Z commune not divided), ``geometry``.
    """
    layer = _read(paths, "iris", IRIS_LAYOUTS)
    commune, _name, _number, code, name, kind = IRIS_LAYOUTS[layer.attrs["layout"]]
    return _sorted(
        layer,
        {"iris_code": layer[code], "iris_name": layer[name], "insee_code": layer[commune], "iris_type": layer[kind]},
    )


def _sirens(text: str) -> str:
    parts = [part.strip() for part in text.replace(",", "/").split("/")]
    return " ".join(part for part in parts if part and part != NOT_GIVEN)


def layer_files(path: Path, layer: str) -> list[tuple[Path, str | None]]:
    """Find the files of a folder, or the one file given, that hold a layer, and its name inside each.

    A file whose name or one of whose layers is that of the layer, whatever the case, holds it.

    Raises
    ------
    FileError
        When there is none.
    """
    import pyogrio

    require_path(path)
    candidates = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix.lower() in MAP_ENDINGS)
    found: list[tuple[Path, str | None]] = []
    for file in candidates:
        if file.suffix.lower() == ".parquet":
            if path.is_file() or _named(file.stem, layer):
                found.append((file, None))
            continue
        names = [str(name) for name in foreign(file, pyogrio.list_layers)[:, 0]]
        named = [name for name in names if _named(name, layer)]
        if named or (path.is_file() and len(names) == 1):
            found.append((file, (named or names)[0]))
    if not found:
        raise FileError(
            _("no file holds the layer {layer}").format(layer=layer),
            fix=_("give the unpacked folder of the product, or the file of that layer"),
            where=str(path),
        )
    return found


def _named(name: str, layer: str) -> bool:
    folded = fold(name).replace(" ", "_")
    return folded == layer or folded.endswith(f"_{layer}") or (layer == "iris" and "iris" in folded)


def _read(paths: Path | str | Sequence[Path | str], layer: str, layouts: dict[str, list[str]]) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    given = [paths] if isinstance(paths, str | Path) else list(paths)
    parts, editions = [], set()
    for file, name in [pair for path in given for pair in layer_files(Path(path), layer)]:
        part = open_layer(file, None if name is None else partial(pyogrio.read_dataframe, layer=name))
        columns = [column for column in part.columns if column != part.geometry.name]
        editions.add(known_layout(file.name, columns, layouts, producer="IGN", others=True))
        named_part = part if part.geometry.name == "geometry" else part.rename_geometry("geometry")
        parts.append(named_part.to_crs(WGS84).assign(_file=file.name))
    if len(editions) > 1:
        raise FileError(
            _("the files are of several editions: {editions}").format(editions=", ".join(sorted(editions))),
            fix=_("keep the files of one edition"),
            where=", ".join(str(path) for path in given),
        )
    stacked = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=WGS84)
    stacked.attrs["layout"] = editions.pop()
    return stacked


def _sorted(layer: gpd.GeoDataFrame, columns: dict[str, object]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    key = next(iter(columns))
    table = gpd.GeoDataFrame(columns, geometry=layer.geometry, crs=WGS84)
    for name in columns:
        table[name] = table[name].astype("str")
    repeated = table[key].duplicated()
    raise_errors(
        Finding(
            "unit_repeated",
            "error",
            _("{code} is there more than once").format(code=code),
            _("give each territory once: the files of the territories, or the one of all"),
            file,
            column=key,
            value=code,
        )
        for code, file in zip(table.loc[repeated, key], layer.loc[repeated, "_file"], strict=True)
    )
    return table.sort_values(key, ignore_index=True)
