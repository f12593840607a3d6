"""``cptsgeo white-zones``: the units that no CPTS covers, and the clusters they form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cptsgeo.cli.options import bridge_option, deliver, draws, input_options, need_options, output_options, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_

if TYPE_CHECKING:
    import pandas as pd

    from cptsgeo.study import Study

BY = ("unit", "density", "cluster", "part", "neighbour")


@make_command(
    "white-zones",
    text=N_(
        "List the units of the scope that no CPTS covers, the most populous first; split them by density; or gather those that share a border into clusters, with the CPTS beside them."
    ),
    example="cptsgeo white-zones --by cluster",
)
@input_options
@option(
    "--by",
    type=click.Choice(BY),
    default="unit",
    show_default=True,
    help=N_(
        "Rows of the result: units; density groups and levels; clusters; the parts of each cluster by territory and density; the CPTS beside each cluster."
    ),
)
@bridge_option
@need_options
@output_options
def command(
    by: str,
    bridge_m: float,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.export import with_geometry
    from cptsgeo.white_zones import white_zones, white_zones_by_density

    gathers = by in BY[2:]
    drawn = by in {"unit", "cluster"} and draws(form, output, options["contours"])
    read = study(with_contours=gathers or drawn, uses_density=True, **options)
    if gathers:
        table = _clusters(read, by, bridge_m, drawn=drawn)
    elif by == "density":
        table = white_zones_by_density(read.units, read.perimeters)
    else:
        table = white_zones(read.units, read.perimeters)
        if read.need is not None:
            table = table.merge(read.need, on="insee_code", how="left", validate="one_to_one")
        if drawn and read.contours is not None:
            table = with_geometry(table, read.contours)
    deliver(table, form=form, output=output, overwrite=overwrite)


def _clusters(read: Study, by: str, bridge_m: float, *, drawn: bool) -> pd.DataFrame:
    """Choose one table of the clusters, with need and outlines where they were asked for."""
    import geopandas as gpd

    from cptsgeo.contours import dissolve
    from cptsgeo.need import cluster_need
    from cptsgeo.white_zones import clusters

    found = clusters(read.communes, read.perimeters, read.drawn, in_scope=read.in_scope, bridge_m=bridge_m)
    if by == "part":
        return found.parts
    if by == "neighbour":
        return found.neighbours
    table = found.zones
    if read.need is not None:
        table = table.merge(cluster_need(found.units, read.need), on="cluster_id", how="left", validate="one_to_one")
    if drawn:
        groups = found.units.set_index("insee_code")["cluster_id"]
        shapes = dissolve(read.drawn, groups).rename(columns={"name": "cluster_id"})
        table = gpd.GeoDataFrame(
            table.merge(shapes, on="cluster_id", how="left", validate="one_to_one"), geometry="geometry", crs=shapes.crs
        )
    return table
