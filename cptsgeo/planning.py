"""The planning engine in one call: clusters, extensions and the least costly plan, as tables and perimeters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.adjacency import Adjacency, adjacency
from cptsgeo.errors import Finding, UsageError
from cptsgeo.i18n import _
from cptsgeo.need import cluster_need
from cptsgeo.perimeters import Perimeters
from cptsgeo.scenarios import Plan, extensions, plan
from cptsgeo.schemas import conform
from cptsgeo.white_zones import clusters

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


class Planning(NamedTuple):
    """Hold what the planning engine found.

    Attributes
    ----------
    tables
        File name to table: ``clusters``, ``cluster_units``, ``cluster_parts``, ``cluster_neighbours``,
        ``extensions``, ``plan``, ``plan_units``, ``plan_summary``, and with scores ``cluster_need``; each follows its
        schema.
    plan
        The plan; nothing where none could be made.
    findings
        Whether the plan had to keep EPCI whole, or could not be made, because its parts depend on each other in too
        great a number; whether the search stopped before the proof.
    """

    tables: dict[str, pd.DataFrame]
    plan: Plan | None
    findings: list[Finding]


def planning(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    contours: gpd.GeoDataFrame,
    *,
    in_scope: pd.Series | None = None,
    bridge_m: float = 0.0,
    ground: Adjacency | None = None,
    scores: pd.DataFrame | None = None,
    made: Plan | None = None,
) -> Planning:
    """Describe the white zones, what may fill them, and a plan for the whole scope.

    Parameters
    ----------
    communes, perimeters, contours, in_scope, bridge_m, ground
        As for :func:`cptsgeo.white_zones.clusters`.
    scores
        As :func:`cptsgeo.need.need` returns them, if need is known.
    made
        A plan made of these zones; without it, that of :func:`cptsgeo.scenarios.plan` with its defaults: extensions and
        new CPTS, everybody covered, least euros at the fixed level.
    """
    ground = adjacency(contours, bridge_m=bridge_m) if ground is None else ground
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
    findings: list[Finding] = []
    epci = communes.set_index("insee_code")["epci_siren"]
    for keep in (None, epci) if made is None else ():
        try:
            made = plan(communes, perimeters, zones, ground, scores=scores, keep=keep)
        except UsageError as refused:
            kept = _("kept whole: EPCI") if keep is None else _("no plan was made")
            findings.append(Finding("plan_too_large", "warning", f"{refused.problem} ({kept})", refused.fix))
            continue
        break
    if made is not None:
        tables |= {"plan": made.changes, "plan_units": made.assignments, "plan_summary": made.summary}
        if made.summary.loc[0, "objective_gap"] > 0:
            findings.append(
                Finding(
                    "plan_not_proven",
                    "warning",
                    _("The search stopped before the proof: a better plan may exist, see objective_bound."),
                    _("keep EPCI or another zoning whole (--keep epci), or narrow --scope"),
                )
            )
    return Planning({name: conform(table, name) for name, table in tables.items()}, made, findings)
