"""The tables of the planning engine in one call: clusters, extensions and the least costly plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.adjacency import adjacency
from cptsgeo.errors import Finding, UsageError
from cptsgeo.i18n import _
from cptsgeo.need import cluster_need
from cptsgeo.perimeters import Perimeters
from cptsgeo.scenarios import extensions, plan
from cptsgeo.schemas import conform
from cptsgeo.white_zones import clusters

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def planning_tables(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    contours: gpd.GeoDataFrame,
    *,
    in_scope: pd.Series | None = None,
    bridge_m: float = 0.0,
    scores: pd.DataFrame | None = None,
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Compute every table of the planning engine, each checked against its schema.

    Parameters
    ----------
    communes, perimeters, contours, in_scope, bridge_m
        As for :func:`cptsgeo.white_zones.clusters`.
    scores
        As :func:`cptsgeo.need.need` returns them, if need is known.

    Returns
    -------
    dict
        File name to table: ``clusters``, ``cluster_units``, ``cluster_parts``, ``cluster_neighbours``,
        ``extensions``, ``plan``, ``plan_units``, ``plan_summary``, and with scores ``cluster_need``.
    list of Finding
        Whether the plan had to keep EPCI whole, or could not be made, because its parts depend on each other in too
        great a number.

    Notes
    -----
    The plan is that of :func:`cptsgeo.scenarios.plan` with its defaults: extensions and new CPTS, everybody covered,
    least euros at the fixed level.
    """
    ground = adjacency(contours, bridge_m=bridge_m)
    zones = clusters(communes, perimeters, contours, in_scope=in_scope, ground=ground)
    tables = {
        "clusters": zones.zones,
        "cluster_units": zones.units,
        "cluster_parts": zones.parts,
        "cluster_neighbours": zones.neighbours,
        "extensions": extensions(communes, perimeters, zones, ground),
    }
    if scores is not None:
        tables["cluster_need"] = cluster_need(zones.units, scores)
    findings = []
    epci = communes.set_index("insee_code")["epci_siren"]
    for keep in (None, epci):
        try:
            made = plan(communes, perimeters, zones, ground, scores=scores, keep=keep)
        except UsageError as refused:
            kept = _("kept whole: EPCI") if keep is None else _("no plan was made")
            findings.append(Finding("plan_too_large", "warning", f"{refused.problem} ({kept})", refused.fix))
            continue
        tables |= {"plan": made.changes, "plan_units": made.assignments, "plan_summary": made.summary}
        break
    return {name: conform(table, name) for name, table in tables.items()}, findings
