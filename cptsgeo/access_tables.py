"""Every table of access at once: to the nearest, for 10,000 inhabitants, within a radius, and before and after a hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cptsgeo.access import (
    access_by_density,
    before_after,
    discs,
    losses,
    nearest,
    per_inhabitants,
    unit_points,
)
from cptsgeo.hazards import exposed_population, exposed_resources, in_zones
from cptsgeo.population import population_within
from cptsgeo.schemas import TABLES, conform

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.grids import Grid
    from cptsgeo.perimeters import Perimeters
    from cptsgeo.roads import Roads

GROUPS = ("cpts", "epci", "white_zone")
BEFORE = ("access_by_unit", "access_by_density", "access_per_inhabitants", "access_within_radius")
HAZARD = ("exposed_resources", "exposed_population", "access_change", "access_losses")


@dataclass(frozen=True)
class Access:
    """Say how access is measured.

    Attributes
    ----------
    limit
        In km, or in minutes with roads: past it a unit is far.
    radius_km
        Radius of the discs in which inhabitants are counted.
    kinds
        Kinds of resources; those present when empty.
    roads
        Road graph; straight lines without one.
    zones
        Hazard that shuts what it holds.
    grid
        Population grid; communes cut by a disc or a zone are shared by area without one.
    """

    limit: float
    radius_km: float
    kinds: tuple[str, ...] = ()
    roads: Roads | None = None
    zones: gpd.GeoDataFrame | None = None
    grid: Grid | None = None


def access_tables(
    units: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    resources: pd.DataFrame,
    perimeters: Perimeters,
    how: Access,
    *,
    names: Sequence[str] = (*BEFORE, *HAZARD),
) -> dict[str, pd.DataFrame]:
    """Compute tables of access, each as its schema says.

    Parameters
    ----------
    units
        Communes of the scope: ``insee_code``, ``population``, ``density_level``, ``epci_siren``…
    contours
        Their outlines, EPSG:4326.
    resources
        See :func:`cptsgeo.resources.read_resources`.
    perimeters
        CPTS and membership.
    how
        Limits, roads and hazard.
    names
        Tables wanted; those of a hazard are left out where there is none.
    """
    chosen = resources[resources["kind"].isin(how.kinds)] if how.kinds else resources
    placed = unit_points(units, contours)
    wanted = [name for name in names if how.zones is not None or name in BEFORE]
    tables: dict[str, pd.DataFrame] = {}
    if {"access_by_unit", "access_by_density"} & set(wanted):
        found = nearest(placed, chosen, kinds=how.kinds, roads=how.roads)
        named = found.merge(units[["insee_code", "name", "population"]], on="insee_code", validate="many_to_one")
        precision = chosen.set_index("resource_id")["position_precision"]
        named["position_precision"] = named["resource_id"].map(precision).astype("str")
        tables["access_by_unit"] = named[list(TABLES["access_by_unit"])]
        tables["access_by_density"] = access_by_density(found, units, precision, limit=how.limit)
    if "access_per_inhabitants" in wanted:
        tables["access_per_inhabitants"] = _per_inhabitants(chosen, units, perimeters)
    if "access_within_radius" in wanted:
        tables["access_within_radius"] = _within_radius(chosen, units, contours, how)
    if how.zones is not None and set(wanted) & set(HAZARD):
        tables["exposed_resources"] = exposed_resources(chosen, how.zones)
        tables["exposed_population"] = exposed_population(how.zones, units, contours, grid=how.grid)
        exposed = in_zones(chosen, how.zones)
        change = before_after(placed, chosen, exposed, limit=how.limit, kinds=how.kinds, roads=how.roads)
        tables["access_change"] = change
        tables["access_losses"] = losses(change, units)
    return {name: conform(tables[name], name) for name in wanted}


def _per_inhabitants(resources: pd.DataFrame, units: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """Stack the rates by CPTS, by EPCI and by white zone."""
    import pandas as pd

    parts = [per_inhabitants(resources, units, perimeters, by=group).assign(by=group) for group in GROUPS]
    table = pd.concat(parts, ignore_index=True)
    return table[["by", "code", "name", "kind", "resources", "population", "per_10000"]]


def _within_radius(
    resources: pd.DataFrame, units: pd.DataFrame, contours: gpd.GeoDataFrame, how: Access
) -> pd.DataFrame:
    """Count the inhabitants within a radius of an open resource of each kind."""
    import pandas as pd

    counted = population_within(
        discs(resources, radius_km=how.radius_km),
        grid=how.grid,
        communes=units,
        contours=contours,
        area_weighting=how.grid is None,
    )
    table = counted.rename(columns={"population": "population_within"}).assign(
        radius_km=float(how.radius_km), population=int(units["population"].sum())
    )
    return pd.DataFrame(table)[["kind", "radius_km", "population", "population_within", "population_method"]]
