"""Perimeters drawn as polygons: read, placed over the communes, and turned into the same membership as a list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.errors import DataError, Finding
from cptsgeo.grids import Grid
from cptsgeo.i18n import _
from cptsgeo.layers import read_polygons
from cptsgeo.perimeters import ALIASES, Perimeters, described_cpts, identified
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.population import polygon_shares
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


class Drawing(NamedTuple):
    """Hold drawn perimeters.

    Attributes
    ----------
    perimeters
        CPTS and membership, which has ``area_share`` beside ``share``.
    cuts
        The pieces of the units that the drawing cuts, see :func:`cptsgeo.population.polygon_shares`.
    findings
        Everything found.
    """

    perimeters: Perimeters
    cuts: pd.DataFrame
    findings: list[Finding]


def text_attributes(layer: gpd.GeoDataFrame, file: str) -> TextTable:
    """Return the attributes of a layer as a text table, its rows numbered from 1."""
    import numpy as np
    import pandas as pd

    columns = layer.columns.drop(layer.geometry.name)
    texts = {
        str(name): pd.array(
            ["" if np.ndim(value) == 0 and pd.isna(value) else str(value).strip() for value in layer[name]], dtype="str"
        )
        for name in columns
    }
    return TextTable(file, pd.DataFrame(texts, index=pd.Index(layer.index, name="row")))


def parse_drawn_perimeters(
    path: Path | str,
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    *,
    cpts: Path | str | None = None,
    grid: Grid | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
    repair: bool = False,
) -> Drawing:
    """Read CPTS drawn as polygons.

    Parameters
    ----------
    path
        GeoPackage, GeoJSON, Shapefile or GeoParquet in any CRS, with ``cpts_id`` or ``cpts_name``, and ``stage`` if
        known. A CPTS may have several polygons, and polygons may overlap.
    communes, contours
        Units of today and their outlines.
    cpts
        CSV or XLSX with one row per CPTS: ``cpts_id``, ``cpts_name``, ``stage``.
    grid, area_weighting, tolerance_m
        As for :func:`cptsgeo.population.polygon_shares`.
    repair
        As for :func:`cptsgeo.layers.read_polygons`.

    Raises
    ------
    FileError, DataError
        For a layer that cannot be read, and as :func:`cptsgeo.population.polygon_shares`.
    """
    polygons = read_polygons(path, repair=repair)
    table = text_attributes(polygons.layer, Path(path).name).renamed(ALIASES, required=[])
    if not {"cpts_id", "cpts_name"} & set(table.rows.columns):
        table.renamed(ALIASES, required=["cpts_name"])
    findings = list(polygons.findings)
    described = table if cpts is None else read_table(cpts).renamed(ALIASES, required=["cpts_id"])
    entities = described_cpts(described, findings)
    named = identified(table, [])
    unknown = named[~named["cpts_id"].isin(entities["cpts_id"])]
    findings += [
        Finding(
            "cpts_unknown",
            "error",
            _("{cpts} is not in {file}").format(cpts=row.cpts_id, file=described.file),
            _("add the CPTS to {file}, or correct its identifier").format(file=described.file),
            table.file,
            int(row.Index),
            "cpts_id",
            row.cpts_id,
        )
        for row in unknown.itertuples()
    ]
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise DataError(
            _("the drawn perimeters cannot be used"),
            fix=_("correct the rows listed below; nothing was computed or written"),
            where=table.file,
            findings=errors,
        )
    shares = polygon_shares(
        polygons.layer.loc[named.index].assign(territory_id=named["cpts_id"]),
        communes,
        contours,
        grid=grid,
        area_weighting=area_weighting,
        tolerance_m=tolerance_m,
        file=table.file,
    )
    renamed = {"territory_id": "cpts_id"}
    return Drawing(
        Perimeters(entities, shares.membership.rename(columns=renamed), shares.fragments.rename(columns=renamed)),
        shares.cuts.rename(columns=renamed),
        findings + shares.findings,
    )
