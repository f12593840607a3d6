"""How CPTS and other territories overlap: shares both ways, coincidence, and a reading in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cptsgeo.apportionment import apportion
from cptsgeo.i18n import N_, _
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import stacked_parts
from cptsgeo.territories import Territories, as_territories, territories_of_communes

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

OUTSIDE = "outside"
"""Identifier of the row for what lies in no territory of the layer."""

SAME = 0.95
"""Jaccard index from which two territories coincide, and share from which one lies within the other."""

NATURAL = 0.8
"""Jaccard index from which the CPTS that lie mostly in a territory make a natural inter-CPTS of it."""

MOSTLY = 0.5

READINGS = {
    "coincides": N_("coincides"),
    "within": N_("within one territory"),
    "shared": N_("shared between territories"),
    "partly_outside": N_("partly outside the layer"),
    "outside": N_("outside the layer"),
    "empty": N_("nobody lives there"),
}


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
    left["inhabitants"] = left["insee_code"].map(census)
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
    no_area = (1.0 - left["insee_code"].map(covered["area"]).where(left["insee_code"].isin(covered.index), 0.0)).clip(
        lower=0.0
    )
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
    grouped = table.groupby(["one_id", "insee_code"])
    several = (grouped["population"].transform("size") > 1) & (
        table["insee_code"].map(covered).astype("float64").fillna(0.0) <= 1.0 + 1e-9
    )
    different = grouped["population"].transform("sum").to_numpy() != expected.reindex(keys).to_numpy()
    for key, rows in table[several & different].groupby(["one_id", "insee_code"]):
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
        _long(communes, one, layer, areas_km2).rename(columns={"one_id": "cpts_id", "other_id": "territory_id"})
        for layer in layers
    ]
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    table = pd.concat(parts, ignore_index=True)
    table["cpts_name"] = table["cpts_id"].map(names)
    counted = _counted(one, communes.set_index("insee_code")["population"].astype("float64"))
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


def require_distinct(kinds: Sequence[str]) -> None:
    """Refuse two layers under one name.

    Raises
    ------
    UsageError
        With the name.
    """
    from cptsgeo.errors import UsageError

    twice = sorted({kind for kind in kinds if list(kinds).count(kind) > 1})
    if twice:
        raise UsageError(
            _("two layers are named {kind}").format(kind=", ".join(twice)),
            fix=_("give one of them another name: --with OTHER_NAME=FILE"),
            where="--with",
        )


def _long(communes: pd.DataFrame, one: Territories, other: Territories, areas_km2: pd.Series | None) -> pd.DataFrame:
    """Group the crossed memberships of two layers by pair."""
    import pandas as pd

    members = joint_members(communes, one, other)
    area = members["insee_code"].map(areas_km2) if areas_km2 is not None else pd.Series(float("nan"), members.index)
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
    size_one, size_other = (_sizes(layer, census) for layer in (one, other))
    whole_area = table.groupby("one_id")["area_km2"].sum(skipna=False)
    if _overlapping(other):
        whole_area = _areas(one, areas_km2)
    of_one = table["one_id"].map(size_one).astype("float64")
    of_other = table["other_id"].map(size_other).astype("float64")
    table["layer"] = other.kind
    table["other_name"] = (
        table["other_id"]
        .map(other.names.set_index("territory_id")["territory_name"])
        .fillna(_("in no territory of the layer"))
    )
    table["share_of_one"] = (table["exact"] / of_one).where(of_one > 0).clip(upper=1.0)
    table["share_divided"] = (table["divided"] / of_one).where(of_one > 0).clip(upper=1.0)
    table["share_of_other"] = (table["exact"] / of_other).where(of_other > 0).clip(upper=1.0)
    either = of_one + of_other - table["exact"]
    table["jaccard"] = (table["exact"] / either).where(either > 0).clip(upper=1.0)
    table["share_of_area"] = (table["area_km2"] / table["one_id"].map(whole_area)).clip(upper=1.0)
    methods = other.membership.groupby("territory_id")["method"].agg(lambda part: ", ".join(sorted(set(part))))
    table["method"] = table["other_id"].map(methods).fillna("")
    return table


def _sizes(layer: Territories, census: pd.Series) -> pd.Series:
    members = layer.membership
    return (members["insee_code"].map(census) * members["share"]).groupby(members["territory_id"]).sum()


def _overlapping(layer: Territories) -> bool:
    return bool((layer.membership.groupby("insee_code")["share"].sum() > 1.0 + 1e-9).any())


def _areas(layer: Territories, areas_km2: pd.Series | None) -> pd.Series:
    import pandas as pd

    members = _with_area(layer.membership)
    area = members["insee_code"].map(areas_km2) if areas_km2 is not None else pd.Series(float("nan"), members.index)
    return (area * members["area"]).groupby(members["territory_id"]).sum(skipna=False)


def overlap_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Read each CPTS against each layer in one row.

    Parameters
    ----------
    table
        As :func:`overlaps` returns it.

    Returns
    -------
    DataFrame
        One row per layer and CPTS: ``layer``, ``cpts_id``, ``cpts_name``, ``population``, ``territories`` (number
        of territories with at least one of its inhabitants), ``effective_territories``, ``dominant_id``,
        ``dominant_name`` and ``dominant_share`` (the territory of most of its inhabitants, the outside never),
        ``share_outside``, ``jaccard`` (with the dominant one), ``reading`` (in words) and ``reading_key``.

    Notes
    -----
    ``effective_territories = 1 / sum of squared shares`` over the divided shares inside the layer, brought to a
    sum of 1 (Laakso & Taagepera, 1979): 1 where one territory holds all, 2 where two hold half each; missing where
    all lie outside. Readings: *coincides* from a Jaccard index of 0.95, *within* from a dominant share of 0.95,
    *outside* from a share outside of 0.95, *partly outside* from 0.05, else *shared*.
    """
    import pandas as pd

    inside = table[table["territory_id"] != OUTSIDE]
    keys = ["layer", "cpts_id"]
    every = table[[*keys, "cpts_name"]].drop_duplicates(keys).set_index(keys)
    size = table.groupby(keys)["cpts_population"].first()
    peopled = inside[inside["population"] > 0]
    squares = (inside["share_divided"] ** 2).groupby([inside["layer"], inside["cpts_id"]]).sum()
    held = inside.groupby(keys)["share_divided"].sum()
    best = (
        inside.sort_values(["share_of_cpts", "territory_id"], ascending=[False, True])
        .drop_duplicates(keys)
        .set_index(keys)
    )
    outside = table[table["territory_id"] == OUTSIDE].set_index(keys)["share_of_cpts"]
    summary = every.assign(
        population=size,
        territories=peopled.groupby(keys).size(),
        effective_territories=(held**2 / squares).where(squares > 0),
        dominant_id=best["territory_id"],
        dominant_name=best["territory_name"],
        dominant_share=best["share_of_cpts"],
        share_outside=outside,
        jaccard=best["jaccard"],
    )
    summary["territories"] = summary["territories"].fillna(0).astype("int64")
    lived = summary["population"] > 0
    summary["share_outside"] = summary["share_outside"].fillna(0.0).where(lived)
    summary["reading_key"] = _readings(summary, "dominant_share", "share_outside").where(lived, "empty")
    summary["reading"] = summary["reading_key"].map(lambda key: _(READINGS[key]))
    order = {kind: rank for rank, kind in enumerate(dict.fromkeys(table["layer"]))}
    return (
        pd.DataFrame(summary)
        .reset_index()
        .sort_values(
            keys, key=lambda column: column.map(order) if column.name == "layer" else column, ignore_index=True
        )
    )[
        [
            *[
                "layer",
                "cpts_id",
                "cpts_name",
                "population",
                "territories",
                "effective_territories",
                "dominant_id",
                "dominant_name",
            ],
            *["dominant_share", "share_outside", "jaccard", "reading_key", "reading"],
        ]
    ]


def _readings(summary: pd.DataFrame, dominant: str, outside: str) -> pd.Series:
    import pandas as pd

    key = pd.Series("shared", summary.index, dtype="str")
    key = key.mask(summary[outside] > 1 - SAME, "partly_outside")
    key = key.mask(summary[dominant].fillna(0.0) >= SAME, "within")
    key = key.mask(summary["jaccard"].fillna(0.0) >= SAME, "coincides")
    return key.mask(summary[outside] >= SAME, "outside")


def territory_summary(communes: pd.DataFrame, perimeters: Perimeters, layer: Territories) -> pd.DataFrame:
    """Read each territory against the CPTS: who faces it, and is there a natural inter-CPTS?

    Parameters
    ----------
    communes, perimeters
        As for :func:`overlaps`.
    layer
        One layer.

    Returns
    -------
    DataFrame
        One row per territory: ``layer``, ``territory_id``, ``territory_name``, ``population``, ``cpts_count``
        (CPTS with at least one inhabitant in it), ``effective_cpts`` (1 / sum of squared shares of the CPTS),
        ``dominant_cpts_id``, ``dominant_cpts_name``, ``dominant_share`` (of the territory's inhabitants),
        ``share_white`` (in no CPTS), ``inter_cpts`` (names of the CPTS with more than half of their inhabitants in
        it), ``inter_cpts_count``, ``inter_cpts_share`` (part of the territory that they cover),
        ``inter_cpts_jaccard`` (they together against the territory) and ``natural_inter_cpts`` (at least two of
        them, and an index of 0.8 or more).

    Notes
    -----
    Units in several of these CPTS count once: the part of a unit that they cover is the sum of their shares, up
    to the whole.
    """
    import pandas as pd

    cpts = as_territories(perimeters)
    table = _long(communes, layer, cpts, None)
    inside = table[table["other_id"] != OUTSIDE]
    census = communes.set_index("insee_code")["population"].astype("float64")
    size, squares = _sizes(layer, census), (inside["share_divided"] ** 2).groupby(inside["one_id"]).sum()
    held = inside.groupby("one_id")["share_divided"].sum()
    best = (
        inside.sort_values(["share_of_one", "other_id"], ascending=[False, True])
        .drop_duplicates("one_id")
        .set_index("one_id")
    )
    summary = layer.names.set_index("territory_id")
    summary["layer"] = layer.kind
    summary["population"] = _counted(layer, census).reindex(summary.index).fillna(0).astype("int64")
    summary["cpts_count"] = inside[inside["population"] > 0].groupby("one_id").size()
    summary["cpts_count"] = summary["cpts_count"].fillna(0).astype("int64")
    summary["effective_cpts"] = (held**2 / squares).where(squares > 0)
    for name, column in (
        ("other_id", "dominant_cpts_id"),
        ("other_name", "dominant_cpts_name"),
        ("share_of_one", "dominant_share"),
    ):
        summary[column] = best[name]
    white = table[table["other_id"] == OUTSIDE].set_index("one_id")["share_of_one"]
    summary["share_white"] = white.reindex(summary.index).fillna(0.0).where(size.reindex(summary.index) > 0)
    mostly = inside[inside["share_of_other"] > MOSTLY]
    groups = {key: list(rows["other_id"]) for key, rows in mostly.groupby("one_id")}
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    together = {key: _together(census, perimeters, layer, str(key), ids) for key, ids in groups.items()}
    summary["inter_cpts"] = pd.Series({key: "; ".join(sorted(names[ids])) for key, ids in groups.items()}, dtype="str")
    summary["inter_cpts"] = summary["inter_cpts"].fillna("").astype("str")
    summary["inter_cpts_count"] = pd.Series({key: len(ids) for key, ids in groups.items()}, dtype="float64")
    summary["inter_cpts_count"] = summary["inter_cpts_count"].fillna(0).astype("int64")
    for position, column in enumerate(("inter_cpts_share", "inter_cpts_jaccard")):
        summary[column] = pd.Series({key: values[position] for key, values in together.items()}, dtype="float64")
    summary["natural_inter_cpts"] = (summary["inter_cpts_count"] > 1) & (summary["inter_cpts_jaccard"] >= NATURAL)
    return summary.reset_index()[
        [
            *[
                "layer",
                "territory_id",
                "territory_name",
                "population",
                "cpts_count",
                "effective_cpts",
                "dominant_cpts_id",
            ],
            *[
                "dominant_cpts_name",
                "dominant_share",
                "share_white",
                "inter_cpts",
                "inter_cpts_count",
                "inter_cpts_share",
            ],
            *["inter_cpts_jaccard", "natural_inter_cpts"],
        ]
    ]


def _counted(layer: Territories, census: pd.Series) -> pd.Series:
    members = layer.membership.assign(population=layer.membership["insee_code"].map(census))
    counted = _parts(members.rename(columns={"territory_id": "cpts_id"}))
    return counted.groupby(members["territory_id"]).sum()


def _together(
    census: pd.Series, perimeters: Perimeters, layer: Territories, territory: str, ids: list[str]
) -> tuple[float, float]:
    """Return the part of a territory that some CPTS cover together, and their Jaccard index with it."""
    members = perimeters.membership
    union = members[members["cpts_id"].isin(ids)].groupby("insee_code")["share"].sum().clip(upper=1.0)
    own = layer.membership[layer.membership["territory_id"] == territory].set_index("insee_code")["share"]
    common = float((census * union * own).dropna().sum())
    size, covered = float((census * own).dropna().sum()), float((census * union).dropna().sum())
    return (common / size if size else float("nan"), common / (size + covered - common) if size else float("nan"))


def straddling(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """List the CPTS that lie in several départements or régions, with the share of each.

    Returns
    -------
    DataFrame
        The rows of :func:`overlaps` for the layers ``departement`` and ``region``, of the CPTS that have inhabitants
        in two of their territories or more.
    """
    layers = [territories_of_communes(kind, communes) for kind in ("departement", "region")]
    table = overlaps(communes, perimeters, layers)
    peopled = table[table["population"] > 0]
    several = peopled.groupby(["layer", "cpts_id"])["territory_id"].transform("size") > 1
    return peopled[several].reset_index(drop=True)


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


def overlap_outlines(
    contours: gpd.GeoDataFrame, perimeters: Perimeters, layer: Territories, summary: pd.DataFrame
) -> dict[str, gpd.GeoDataFrame]:
    """Make what a map of one layer draws: outlines of the CPTS, with those that face several, and of the territories.

    Parameters
    ----------
    contours
        ``insee_code`` and outlines.
    perimeters, layer
        CPTS and territories; a unit held in part is drawn whole.
    summary
        As :func:`overlap_summary` returns it.

    Returns
    -------
    dict
        ``cpts``: ``cpts_id``, ``cpts_name``, ``territories``, ``reading_key``, ``several`` (to hatch: more than one
        territory, or a part outside), ``geometry``; ``territories``: ``territory_id``, ``territory_name``,
        ``geometry``; both in the CRS of ``contours``, without those that have no outline.
    """
    from cptsgeo.contours import dissolve

    def united(members: pd.DataFrame, key: str) -> gpd.GeoDataFrame:
        return dissolve(contours, members.set_index("insee_code")[key]).rename(columns={"name": key})

    facts = summary[summary["layer"] == layer.kind]
    facts = facts.assign(several=facts["reading_key"].isin(["shared", "partly_outside"]))
    columns = ["cpts_id", "cpts_name", "territories", "reading_key", "several"]
    cpts = united(perimeters.membership, "cpts_id").merge(
        facts[columns], on="cpts_id", how="left", validate="one_to_one"
    )
    names = united(layer.membership, "territory_id").merge(
        layer.names, on="territory_id", how="left", validate="one_to_one"
    )
    return {
        "cpts": cpts[[*columns, "geometry"]],
        "territories": names[["territory_id", "territory_name", "geometry"]],
    }
