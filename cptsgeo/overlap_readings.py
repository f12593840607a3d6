"""What overlaps mean: each CPTS and each territory read in one row and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.i18n import N_, _
from cptsgeo.overlaps import OUTSIDE, counted_populations, overlaps, paired, weights
from cptsgeo.perimeters import Perimeters
from cptsgeo.territories import Territories, as_territories, territories_of_communes

if TYPE_CHECKING:
    import pandas as pd

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
    cpts = as_territories(perimeters)
    table = paired(communes, layer, cpts, None)
    inside = table[table["other_id"] != OUTSIDE]
    census = communes.set_index("insee_code")["population"].astype("float64")
    size, squares = weights(layer, census), (inside["share_divided"] ** 2).groupby(inside["one_id"]).sum()
    held = inside.groupby("one_id")["share_divided"].sum()
    best = (
        inside.sort_values(["share_of_one", "other_id"], ascending=[False, True])
        .drop_duplicates("one_id")
        .set_index("one_id")
    )
    summary = layer.names.set_index("territory_id")
    summary["layer"] = layer.kind
    summary["population"] = counted_populations(layer, census).reindex(summary.index).fillna(0).astype("int64")
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
    together = _together(census, perimeters, layer, mostly)
    names = mostly.sort_values("other_name").groupby("one_id")["other_name"]
    summary["inter_cpts"] = names.agg("; ".join).reindex(summary.index).fillna("").astype("str")
    summary["inter_cpts_count"] = names.size().reindex(summary.index).fillna(0).astype("int64")
    for measure in ("share", "jaccard"):
        summary[f"inter_cpts_{measure}"] = together[measure].where(summary["inter_cpts_count"] > 0)
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


def _together(census: pd.Series, perimeters: Perimeters, layer: Territories, mostly: pd.DataFrame) -> pd.DataFrame:
    """Return what the CPTS that lie mostly in a territory cover together.

    Parameters
    ----------
    mostly
        Pairs ``one_id`` (territory) and ``other_id`` (CPTS).

    Returns
    -------
    DataFrame
        By territory: ``share`` of it that they cover, and ``jaccard``, their index with it.
    """
    import pandas as pd

    groups = mostly[["one_id", "other_id"]].set_axis(["group", "cpts_id"], axis="columns")
    union = perimeters.covered_shares(groups)
    own = layer.membership.set_index(["territory_id", "insee_code"])["share"].rename_axis(union.index.names)
    both = pd.DataFrame({"covered": union, "own": own})
    both = both.mul(census.reindex(both.index.get_level_values("insee_code")).to_numpy(), axis="index")
    sums = both.assign(common=both["covered"] * own).groupby("group").sum()
    joined = sums["own"] + sums["covered"] - sums["common"]
    ratios = {"share": sums["common"] / sums["own"], "jaccard": sums["common"] / joined}
    return pd.DataFrame(ratios).replace([float("inf")], float("nan"))


def straddling(communes: pd.DataFrame, perimeters: Perimeters, *, areas_km2: pd.Series | None = None) -> pd.DataFrame:
    """List the CPTS that lie in several départements or régions, with the share of each.

    Parameters
    ----------
    communes, perimeters, areas_km2
        As for :func:`cptsgeo.overlaps.overlaps`.

    Returns
    -------
    DataFrame
        The rows of :func:`overlaps` for the layers ``departement`` and ``region``, of the CPTS that have inhabitants
        in two of their territories or more.
    """
    layers = [territories_of_communes(kind, communes) for kind in ("departement", "region")]
    table = overlaps(communes, perimeters, layers, areas_km2=areas_km2)
    peopled = table[table["population"] > 0]
    several = peopled.groupby(["layer", "cpts_id"])["territory_id"].transform("size") > 1
    return peopled[several].reset_index(drop=True)
