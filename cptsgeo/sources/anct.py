"""ANCT: the quartiers prioritaires de la politique de la ville (QPV)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import WGS84
from cptsgeo.errors import Finding
from cptsgeo.i18n import _
from cptsgeo.layers import open_layer
from cptsgeo.sources.layout import known_layout

if TYPE_CHECKING:
    import geopandas as gpd

LAYOUTS = {
    "2024": ["code_qp", "lib_qp", "insee_com", "lib_com"],
    "2015": ["CODE_QP", "NOM_QP", "COMMUNE_QP"],
}


class Qpv(NamedTuple):
    """Hold the QPV.

    Attributes
    ----------
    qpv
        EPSG:4326, sorted: ``qpv_code``, ``qpv_name``, ``insee_codes`` (joined by spaces; empty in the layout of 2015, which
        names communes and gives no code), ``geometry`` (polygon, or point where the file holds centroids).
    findings
        Codes that are there more than once.
    """

    qpv: gpd.GeoDataFrame
    findings: list[Finding]


def read_qpv(path: Path | str) -> Qpv:
    """Read the QPV of 2024 or 2015 (ANCT), as polygons or centroids.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage or Shapefile: ``code_qp``, ``lib_qp``, ``insee_com`` (several codes where a QPV lies in several
        communes), ``lib_com``; columns beside these are let through.

    Returns
    -------
    Qpv
        Every row, and the repeated codes: which of two is meant is not for a program to say.
    """
    import geopandas as gpd

    path = Path(path)
    layer = open_layer(path)
    columns = [column for column in layer.columns if column != layer.geometry.name]
    layout = known_layout(path.name, columns, LAYOUTS, producer="ANCT", others=True)
    code, name, *rest = LAYOUTS[layout]
    communes = layer[rest[0]].fillna("").astype("str") if layout == "2024" else layer[code].str[:0]
    table = gpd.GeoDataFrame(
        {
            "qpv_code": layer[code].astype("str"),
            "qpv_name": layer[name].fillna("").astype("str"),
            "insee_codes": communes.str.findall(r"[0-9AB]{5}").str.join(" ").astype("str"),
        },
        geometry=layer.geometry.to_crs(WGS84).to_numpy(),
        crs=WGS84,
    )
    findings = [
        Finding(
            "qpv_repeated",
            "warning",
            _("{code} is there more than once").format(code=code),
            _("count QPV by code, not by row"),
            path.name,
            int(str(row)) + 1,
            "code_qp",
            code,
        )
        for row, code in table.loc[table["qpv_code"].duplicated(), "qpv_code"].items()
    ]
    return Qpv(table.sort_values(["qpv_code", "qpv_name"], ignore_index=True), findings)
