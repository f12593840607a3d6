"""Population inside polygons: whole units by their census count, cut units by a population grid, to the inhabitant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.apportionment import apportion
from cptsgeo.coverage import inhabitants
from cptsgeo.cut_findings import (
    common_members,
    cut_findings,
    empty_grid_findings,
    overlap_findings,
    placement_findings,
    ungridded_findings,
)
from cptsgeo.errors import Finding, UsageError, raise_errors
from cptsgeo.fragments import distinct_fragments
from cptsgeo.grids import Grid, check_grid
from cptsgeo.i18n import _
from cptsgeo.placement import TOLERANCE_M, place_units

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


class Shares(NamedTuple):
    """Hold the units of polygons, and what was cut.

    Attributes
    ----------
    membership
        ``territory_id``, ``insee_code``, ``share`` (of the inhabitants), ``method`` (``polygon`` for a whole unit,
        ``grid``, or ``area``), ``area_share`` (of the area). A piece where nobody lives is not in it.
    cuts
        One row per piece of a cut unit, see :func:`polygon_shares`.
    fragments
        Where polygons overlap inside a unit that they cut, one row per distinct piece of the unit and polygon that
        holds it: ``insee_code``, ``fragment``, ``territory_id``, ``share`` (of the inhabitants of the unit).
    findings
        What was snapped, cut, shared by area, overlapped or left outside.
    """

    membership: pd.DataFrame
    cuts: pd.DataFrame
    fragments: pd.DataFrame
    findings: list[Finding]


def polygon_shares(
    polygons: gpd.GeoDataFrame,
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    *,
    grid: Grid | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
    together: bool = True,
    file: str = "",
) -> Shares:
    """Say which share of the inhabitants of each unit each polygon holds.

    Whole units need no grid. A cut unit keeps its census population N to the inhabitant: it is divided between the
    polygons and what is left outside them by the inhabitants that the grid finds in each.

    Parameters
    ----------
    polygons
        ``territory_id`` and valid polygons, in any CRS.
    communes
        ``insee_code``, ``name``, ``population``.
    contours
        ``insee_code`` and outlines; units without population are left aside.
    grid
        Inhabitants, as a raster or cells.
    area_weighting
        Divide by area the cut units that no grid speaks of, instead of refusing them.
    tolerance_m
        As for :func:`cptsgeo.placement.place_units`.
    together
        The polygons are perimeters whose common population matters; otherwise each is counted by itself where they overlap.
    file
        Name of the polygons' file, for findings.

    Returns
    -------
    Shares
        ``cuts`` has ``territory_id``, ``insee_code``, ``name``, ``population`` (of the unit), ``share_by_area``,
        ``share_by_grid`` (missing where no grid speaks), ``population_by_area``, ``population_by_grid``,
        ``population_in_polygon`` (the one that counts), ``population_at_stake`` (difference between the two) and
        ``method``.

    Raises
    ------
    DataError
        When units are cut and no grid is given (with their names), when a grid leaves more than 5 % of the
        inhabitants of the units touched without any cell, or when its total is not that of a count.

    Notes
    -----
    ``inhabitants of a fragment = largest remainder of N x grid(fragment) / grid(unit)``, over the distinct fragments
    of the unit and what is outside them; the inhabitants of a piece are those of its fragments, so that two polygons
    have in common those of the fragments that both hold; ``share = inhabitants of the piece / N``.
    """
    import pandas as pd

    drawn = contours[contours["insee_code"].isin(communes["insee_code"])]
    placed = place_units(polygons, drawn, tolerance_m=tolerance_m)
    findings = placement_findings(placed, tolerance_m, file)
    units = communes.set_index("insee_code")
    cuts = placed.cut.assign(
        name=placed.cut["insee_code"].map(units["name"]),
        population=placed.cut["insee_code"].map(units["population"]).astype("int64"),
    )
    inhabited = cuts["population"] > 0
    if grid is None and not area_weighting:
        raise_errors(ungridded_findings(cuts[inhabited], file))
    found = distinct_fragments(placed, drawn, tolerance_m=tolerance_m, divide=together)
    ground = found.ground.assign(population=found.ground["insee_code"].map(units["population"]).astype("int64"))
    ground["by_area"], ground["by_grid"] = ground["area_share"], float("nan")
    alone = ground["insee_code"].isin(found.overlapped) & (not together)
    ground["apart"] = ground["fragment"].where(alone, -1)
    if grid is not None and len(cuts):
        touched = drawn[drawn["insee_code"].isin([*placed.whole["insee_code"], *cuts["insee_code"]])]
        totals = pd.Series(grid.sums(touched), index=touched["insee_code"].to_numpy())
        findings += check_grid(grid, touched, totals, units["population"])
        whole = ground["insee_code"].map(totals)
        ground["by_grid"] = (pd.Series(grid.sums(ground), ground.index) / whole).where(whole > 0).clip(upper=1.0)
    for basis in ("area", "grid"):
        ground[f"population_by_{basis}"] = _divided(ground, f"by_{basis}", found.closed)
    held = found.holders.merge(ground, on=["insee_code", "fragment"], validate="many_to_one")
    keys = ["territory_id", "insee_code"]
    sums = held.groupby(keys)[["by_grid", "population_by_area", "population_by_grid"]].sum(min_count=1)
    cuts = cuts.merge(sums.reset_index(), on=keys, validate="one_to_one")
    cuts = cuts.rename(columns={"by_grid": "share_by_grid"}).assign(share_by_area=cuts["area_share"])
    if grid is not None and not area_weighting:
        raise_errors(empty_grid_findings(cuts[inhabited & cuts["share_by_grid"].isna()], grid.name, file))
    gridded = cuts["share_by_grid"].notna()
    cuts["method"] = pd.Series("area", cuts.index).mask(gridded, "grid").mask(~inhabited, "polygon").astype("str")
    cuts["population_in_polygon"] = cuts["population_by_grid"].fillna(cuts["population_by_area"]).astype("int64")
    cuts["population_at_stake"] = (cuts["population_by_grid"] - cuts["population_by_area"]).abs()
    findings += cut_findings(cuts, file)
    share = (cuts["population_in_polygon"] / cuts["population"]).where(inhabited, cuts["area_share"])
    members = pd.concat(
        [placed.whole.assign(share=1.0, method="polygon"), pd.DataFrame(cuts.assign(share=share))[share > 0]],
        ignore_index=True,
    )
    fragments = _shares(held[held["insee_code"].isin(found.overlapped)])
    findings += overlap_findings(common_members(members, placed.whole, fragments), units["population"], file)
    columns = ["territory_id", "insee_code", "share", "method", "area_share"]
    kept = [
        *["territory_id", "insee_code", "name", "population", "share_by_area", "share_by_grid", "population_by_area"],
        *["population_by_grid", "population_in_polygon", "population_at_stake", "method"],
    ]
    return Shares(
        members[columns].sort_values(columns[:2], ignore_index=True),
        pd.DataFrame(cuts[kept]).sort_values(kept[:2], ignore_index=True),
        fragments,
        findings,
    )


def _divided(ground: gpd.GeoDataFrame, column: str, closed: set[str]) -> pd.Series:
    """Divide the inhabitants of each unit between its fragments, or those set apart one by one, and what is outside."""
    import pandas as pd

    result = pd.Series(pd.NA, index=ground.index, dtype="Int64")
    for (code, apart), pieces in ground.dropna(subset=column).groupby(["insee_code", "apart"]):
        weights = pieces[column].to_numpy()
        outside = 0.0 if code in closed and apart < 0 and weights.sum() > 0 else max(0.0, 1.0 - weights.sum())
        result[pieces.index] = apportion(int(pieces["population"].iloc[0]), [*weights, outside])[:-1]
    return result


def _shares(held: pd.DataFrame) -> pd.DataFrame:
    """Say which share of the inhabitants of its unit each fragment has."""
    counted = held["population_by_grid"].fillna(held["population_by_area"]).astype("float64")
    share = (counted / held["population"]).where(held["population"] > 0, held["area_share"])
    table = held[["insee_code", "fragment", "territory_id"]].assign(share=share.astype("float64"))
    return table[table["share"] > 0].sort_values(["insee_code", "fragment", "territory_id"], ignore_index=True)


def population_within(
    layer: gpd.GeoDataFrame,
    *,
    grid: Grid | None = None,
    communes: pd.DataFrame | None = None,
    contours: gpd.GeoDataFrame | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
) -> gpd.GeoDataFrame:
    """Count the inhabitants inside each polygon of any layer: a flood zone, a radius, a district.

    Parameters
    ----------
    layer
        Valid polygons with a CRS; they may overlap.
    grid
        Inhabitants as a raster or cells. Alone, its own sums are the result, rounded to the inhabitant.
    communes, contours
        Units and outlines: the census then rules, and the grid only divides the units that are cut.
    area_weighting, tolerance_m
        As for :func:`polygon_shares`.

    Returns
    -------
    GeoDataFrame
        ``layer`` with ``population`` (Int64) and ``population_method``: ``grid`` (the grid's own count),
        ``census`` (units divided by the grid) or ``census, area``.

    Raises
    ------
    UsageError
        When neither a grid nor communes with their outlines are given.
    """
    import numpy as np
    import pandas as pd

    if communes is None or contours is None:
        if grid is None:
            raise UsageError(
                _("nothing says where people live"),
                fix=_("give a population grid, or communes with their outlines"),
            )
        counts = np.floor(grid.sums(layer) + 0.5).astype("int64")
        return layer.assign(population=pd.array(counts, dtype="Int64"), population_method="grid")
    keyed = layer[[layer.geometry.name]].assign(territory_id=[f"{row:09d}" for row in range(len(layer))])
    shares = polygon_shares(
        keyed, communes, contours, grid=grid, area_weighting=area_weighting, tolerance_m=tolerance_m, together=False
    )
    members = shares.membership
    counted = inhabitants(members["insee_code"].map(communes.set_index("insee_code")["population"]), members["share"])
    sums = counted.groupby(members["territory_id"]).sum()
    by_area = set(shares.cuts.loc[shares.cuts["method"] == "area", "territory_id"])
    return layer.assign(
        population=keyed["territory_id"].map(sums).fillna(0).astype("Int64"),
        population_method=[("census, area" if key in by_area else "census") for key in keyed["territory_id"]],
    )
