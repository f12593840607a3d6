"""How CPTS and other territories overlap: shares both ways, and coincidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cptsgeo.apportionment import apportion
from cptsgeo.codes import among
from cptsgeo.i18n import _
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import stacked_parts
from cptsgeo.territories import Territories, as_territories, require_distinct

if TYPE_CHECKING:
    import pandas as pd

OUTSIDE = "outside"
"""Identifier of the row for what lies in no territory of the layer."""


def joint_members(communes: pd.DataFrame, one: Territories, other: Territories) -> pd.DataFrame:
    """Cross two memberships, unit by unit, with what of ``one`` lies in no territory of ``other``.

    Parameters
    ----------
    communes
        ``insee_code``, ``population``.
    one, other
        Layers; their territories may overlap.

    Returns
    -------
    DataFrame
        One row per territory of ``one``, unit and territory of ``other`` (or :data:`OUTSIDE`): ``one_id``,
        ``insee_code``, ``other_id``, ``exact`` (inhabitants, with decimals), ``divided`` (the same, those in
        several territories divided between them), ``population`` (to the inhabitant), ``area_share`` (of the
        unit; missing where a share is known by population alone).

    Notes
    -----
    Where one of the two holds the unit whole, their common part is the share of the other. Where both cut it,
    the membership does not say where: the common part is taken as ``share x share`` (independence).
    """
    import numpy as np
    import pandas as pd

    census = communes.set_index("insee_code")["population"].astype("float64")
    left = _with_area(one.membership).rename(columns={"territory_id": "one_id"})
    left["inhabitants"] = left["insee_code"].map(census).astype("float64")
    right = _with_area(other.membership).rename(columns={"territory_id": "other_id"})
    covered = right.groupby("insee_code")[["share", "area"]].sum(skipna=False)
    pairs = left.merge(right, on="insee_code", how="inner", suffixes=("", "_other"))
    total = pairs["insee_code"].map(covered["share"]).astype("float64")
    inside = pairs[["one_id", "insee_code", "other_id"]].assign(
        exact=pairs["inhabitants"] * pairs["share"] * pairs["share_other"],
        divided=pairs["inhabitants"] * pairs["share"] * pairs["share_other"] / total.clip(lower=1.0),
        area_share=pairs["area"] * pairs["area_other"],
    )
    left_out = (1.0 - left["insee_code"].map(covered["share"]).astype("float64").fillna(0.0)).clip(lower=0.0)
    no_area = (
        1.0
        - left["insee_code"].map(covered["area"]).astype("float64").where(among(left["insee_code"], covered.index), 0.0)
    ).clip(lower=0.0)
    rest = left[["one_id", "insee_code"]].assign(
        other_id=OUTSIDE, exact=left["inhabitants"] * left["share"] * left_out, area_share=left["area"] * no_area
    )
    rest["divided"] = rest["exact"]
    kept = rest[(left_out > 1e-12) | (no_area > 1e-12)]
    table = pd.concat([inside, kept], ignore_index=True).sort_values(
        ["one_id", "insee_code", "other_id"], ignore_index=True
    )
    table["population"] = np.floor(table["exact"].round(6) + 0.5).astype("int64")
    return _to_the_inhabitant(table, left, covered["share"])


def _with_area(members: pd.DataFrame) -> pd.DataFrame:
    """Add the part of the unit's area: that of the drawing, 1 for a whole unit, else unknown."""
    known = members["area_share"] if "area_share" in members else members["share"].where(members["share"] == 1.0)
    return members[["territory_id", "insee_code", "share"]].assign(area=known.astype("float64"))


def _parts(members: pd.DataFrame) -> pd.Series:
    """Count whole inhabitants as :func:`cptsgeo.sizes.sizes` does."""
    return stacked_parts(members, ["insee_code"])


def _to_the_inhabitant(table: pd.DataFrame, left: pd.DataFrame, covered: pd.Series) -> pd.DataFrame:
    """Make the parts of a unit that the layer divides without overlap sum to what the territory counts in it."""
    counted = _parts(left.rename(columns={"one_id": "cpts_id", "inhabitants": "population"}))
    expected = left.assign(counted=counted).set_index(["one_id", "insee_code"])["counted"]
    keys = table.set_index(["one_id", "insee_code"]).index
    divided = table["insee_code"].map(covered).astype("float64").fillna(0.0) <= 1.0 + 1e-9
    sums = table.groupby(["one_id", "insee_code"])["population"].transform("sum")
    different = sums.to_numpy() != expected.reindex(keys).to_numpy()
    for key, rows in table[divided & different].groupby(["one_id", "insee_code"]):
        if rows["exact"].sum() > 0:
            table.loc[rows.index, "population"] = apportion(int(expected[key]), rows["exact"].to_numpy())
    return table


def overlaps(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    layers: Sequence[Territories],
    *,
    areas_km2: pd.Series | None = None,
) -> pd.DataFrame:
    """Say which part of each CPTS lies in each territory of each layer, and which part in none.

    Parameters
    ----------
    communes
        All units.
    perimeters
        CPTS and membership.
    layers
        Layers, each under its own kind.
    areas_km2
        Areas by ``insee_code``, where outlines are known.

    Returns
    -------
    DataFrame
        One row per layer, CPTS and territory that share a unit, and one per CPTS that lies in part in none
        (``territory_id`` is ``outside``), sorted by layer in the order given, then CPTS and territory: ``layer``,
        ``cpts_id``, ``cpts_name``, ``cpts_population``, ``territory_id``, ``territory_name``, ``units``, ``population`` (common
        inhabitants), ``share_of_cpts`` (of the CPTS population), ``share_divided`` (the same, inhabitants in several
        territories divided between them: these sum to 1 for each CPTS), ``share_of_territory`` (of the territory's
        population), ``jaccard`` (common / either), ``area_km2`` and ``share_of_area`` (of the CPTS), and ``method``
        (how the territory is known). Shares are missing for a CPTS where nobody lives, areas where unknown.

    Raises
    ------
    UsageError
        For two layers under one kind.

    Notes
    -----
    ``jaccard = common / (population of the CPTS + population of the territory - common)`` (Jaccard, 1901).
    """
    import pandas as pd

    require_distinct([layer.kind for layer in layers])
    one = as_territories(perimeters)
    parts = [
        paired(communes, one, layer, areas_km2).rename(columns={"one_id": "cpts_id", "other_id": "territory_id"})
        for layer in layers
    ]
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    table = pd.concat(parts, ignore_index=True)
    table["cpts_name"] = table["cpts_id"].map(names)
    counted = counted_populations(one, communes.set_index("insee_code")["population"].astype("float64"))
    table["cpts_population"] = table["cpts_id"].map(counted).astype("int64")
    renamed = {"share_of_one": "share_of_cpts", "share_of_other": "share_of_territory", "other_name": "territory_name"}
    return table.rename(columns=renamed)[
        [
            *[
                "layer",
                "cpts_id",
                "cpts_name",
                "cpts_population",
                "territory_id",
                "territory_name",
                "units",
                "population",
            ],
            *["share_of_cpts", "share_divided", "share_of_territory", "jaccard", "area_km2", "share_of_area", "method"],
        ]
    ]


def paired(communes: pd.DataFrame, one: Territories, other: Territories, areas_km2: pd.Series | None) -> pd.DataFrame:
    """Group the crossed memberships of two layers by pair."""
    import pandas as pd

    members = joint_members(communes, one, other)
    area = (
        members["insee_code"].map(areas_km2).astype("float64")
        if areas_km2 is not None
        else pd.Series(float("nan"), members.index)
    )
    members["area_km2"] = (area * members["area_share"]).astype("float64")
    grouped = members.groupby(["one_id", "other_id"])
    table = grouped.agg(
        units=("insee_code", "size"),
        population=("population", "sum"),
        exact=("exact", "sum"),
        divided=("divided", "sum"),
    )
    table["area_km2"] = grouped["area_km2"].sum(skipna=False)
    table = table.reset_index()
    census = communes.set_index("insee_code")["population"].astype("float64")
    size_one, size_other = (weights(layer, census) for layer in (one, other))
    whole_area = table.groupby("one_id")["area_km2"].sum(skipna=False)
    if _overlapping(other):
        whole_area = _areas(one, areas_km2)
    of_one = table["one_id"].map(size_one).astype("float64")
    of_other = table["other_id"].map(size_other).astype("float64")
    table["layer"] = other.kind
    table["other_name"] = (
        table["other_id"]
        .map(other.names.set_index("territory_id")["territory_name"])
        .astype("object")
        .fillna(_("in no territory of the layer"))
    )
    table["share_of_one"] = (table["exact"] / of_one).where(of_one > 0).clip(upper=1.0)
    table["share_divided"] = (table["divided"] / of_one).where(of_one > 0).clip(upper=1.0)
    table["share_of_other"] = (table["exact"] / of_other).where(of_other > 0).clip(upper=1.0)
    either = of_one + of_other - table["exact"]
    table["jaccard"] = (table["exact"] / either).where(either > 0).clip(upper=1.0)
    table["share_of_area"] = (table["area_km2"] / table["one_id"].map(whole_area).astype("float64")).clip(upper=1.0)
    methods = other.membership.groupby("territory_id")["method"].agg(lambda part: ", ".join(sorted(set(part))))
    table["method"] = table["other_id"].map(methods).astype("object").fillna("")
    return table


def weights(layer: Territories, census: pd.Series) -> pd.Series:
    members = layer.membership
    return (
        (members["insee_code"].map(census).astype("float64") * members["share"]).groupby(members["territory_id"]).sum()
    )


def _overlapping(layer: Territories) -> bool:
    return bool((layer.membership.groupby("insee_code")["share"].sum() > 1.0 + 1e-9).any())


def _areas(layer: Territories, areas_km2: pd.Series | None) -> pd.Series:
    import pandas as pd

    members = _with_area(layer.membership)
    area = (
        members["insee_code"].map(areas_km2).astype("float64")
        if areas_km2 is not None
        else pd.Series(float("nan"), members.index)
    )
    return (area * members["area"]).groupby(members["territory_id"]).sum(skipna=False)


def counted_populations(layer: Territories, census: pd.Series) -> pd.Series:
    members = layer.membership.assign(population=layer.membership["insee_code"].map(census).astype("float64"))
    counted = _parts(members.rename(columns={"territory_id": "cpts_id"}))
    return counted.groupby(members["territory_id"]).sum()


def overlap_matrix(table: pd.DataFrame, layer: str, *, values: str = "share_of_cpts") -> pd.DataFrame:
    """Turn the long form of one layer into a matrix: a row per CPTS, a column per territory.

    Parameters
    ----------
    table
        As :func:`overlaps` returns it.
    layer
        Kind of the layer.
    values
        ``share_of_cpts``, ``share_divided``, ``share_of_territory`` or ``population``; 0 where they share nobody.

    Returns
    -------
    DataFrame
        ``cpts_id``, ``cpts_name``, then a column per territory, sorted, ``outside`` last where it is there.
    """
    rows = table[table["layer"] == layer]
    wide = rows.pivot(index=["cpts_id", "cpts_name"], columns="territory_id", values=values).fillna(0)
    ordered = [*sorted(set(wide.columns) - {OUTSIDE}), *({OUTSIDE} & set(wide.columns))]
    known = rows.groupby(["cpts_id", "cpts_name"])[values].count().reindex(wide.index) > 0
    wide = wide.loc[:, ordered]
    if values == "population":
        wide = wide.astype("int64")
    else:
        wide.loc[~known] = float("nan")
    return wide.rename_axis(columns=None).reset_index()
