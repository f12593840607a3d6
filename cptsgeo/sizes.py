"""Size of each CPTS: its population, its ACI class, and the inhabitants whom several CPTS count."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from cptsgeo.coverage import inhabitants
from cptsgeo.i18n import _, number
from cptsgeo.parameters import in_force
from cptsgeo.perimeters import Perimeters

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

CLASSES = (1, 2, 3, 4)


def size_class(population: ArrayLike, *, on: date | None = None) -> np.ndarray:
    """Return the ACI size class, 1 to 4, of populations.

    The class of a population exactly on a bound is a dated parameter, since the published texts do not state it.

    Parameters
    ----------
    population
        Inhabitants, any shape.
    on
        Day of the law to apply; the latest when not given.

    References
    ----------
    ACI of 20 June 2019 in favour of CPTS: under 40,000; 40,000 to 80,000; 80,000 to 175,000; over 175,000.

    Examples
    --------
    >>> size_class([39_999, 40_000, 175_000, 175_001]).tolist()
    [1, 2, 3, 4]
    """
    import numpy as np

    edition = in_force("size_classes", on)
    counts = np.asarray(population)
    result = np.ones(counts.shape, dtype="int64")
    for bound, belongs_to in zip(edition["upper_bounds"], edition["bound_belongs_to"], strict=True):
        result += counts >= bound if belongs_to == "upper" else counts > bound
    return result


def member_populations(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """Return the membership with the population that each CPTS has in each unit.

    Returns
    -------
    DataFrame
        ``membership`` with ``population`` (of the unit) and ``population_in_cpts`` (population x share in whole
        inhabitants), joined on ``insee_code``.

    Notes
    -----
    The parts of a unit are rounded one on top of the other, in the order of ``cpts_id``, so that they sum to its
    covered population: rounding alone never counts an inhabitant twice, nor loses one.
    """
    joined = perimeters.membership.merge(
        communes[["insee_code", "name", "population", "region_code", "region_name"]],
        on="insee_code",
        how="left",
        validate="many_to_one",
    )
    return joined.assign(population_in_cpts=stacked_parts(joined, ["insee_code"]))


def stacked_parts(members: pd.DataFrame, units: list[str]) -> pd.Series:
    """Count the inhabitants that each CPTS has in each unit, so that the parts of a unit sum to what they cover.

    Parameters
    ----------
    members
        ``cpts_id``, ``population`` (of the unit), ``share``, and the columns of ``units``.
    units
        Columns that name a unit: its code, and its edition where there are several.

    Returns
    -------
    Series
        Whole inhabitants, index of ``members``.
    """
    shared = members.duplicated(units, keep=False)
    parts = inhabitants(members["population"], members["share"])
    stacked = members[shared].sort_values([*units, "cpts_id"])
    keys = [stacked[name] for name in units]
    reached = inhabitants(stacked["population"], stacked["share"].groupby(keys).cumsum())
    parts.loc[stacked.index] = reached - reached.groupby(keys).shift(fill_value=0)
    return parts


def sizes(communes: pd.DataFrame, perimeters: Perimeters, *, on: date | None = None) -> pd.DataFrame:
    """Compute the population and the size class of each CPTS, over all its units.

    Parameters
    ----------
    communes
        All units, inside the scope and outside: a CPTS keeps its population where it crosses a border.
    perimeters
        CPTS and membership.
    on
        Day of the law to apply.

    Returns
    -------
    DataFrame
        One row per CPTS, sorted by ``cpts_id``: ``cpts_id``, ``cpts_name``, ``stage``, ``units``, ``population``,
        ``size_class``, ``to_lower_bound`` and ``to_upper_bound`` (inhabitants that it can lose or win before its
        class changes; missing at the ends), ``region_code`` and ``region_name`` (that of most of its inhabitants).
        A CPTS without units has population 0 and no class.

    Notes
    -----
    ``population = sum over units of population of the unit x share``, in whole inhabitants as
    :func:`member_populations` rounds them.
    """
    import pandas as pd

    members = member_populations(communes, perimeters)
    grouped = members.groupby("cpts_id")
    table = perimeters.cpts[["cpts_id", "cpts_name", "stage"]].copy()
    table["units"] = table["cpts_id"].map(grouped.size()).fillna(0).astype("int64")
    table["population"] = table["cpts_id"].map(grouped["population_in_cpts"].sum()).fillna(0).astype("int64")
    table["size_class"] = pd.array(size_class(table["population"], on=on), dtype="Int64")
    table["size_class"] = table["size_class"].mask(table["units"] == 0)
    lower, upper = _margins(table["population"], on)
    table["to_lower_bound"] = lower.mask(table["units"] == 0)
    table["to_upper_bound"] = upper.mask(table["units"] == 0)
    regions = (
        members.groupby(["cpts_id", "region_code", "region_name"], as_index=False)["population_in_cpts"]
        .sum()
        .sort_values(["population_in_cpts", "region_code"], ascending=[False, True])
        .drop_duplicates("cpts_id")
        .set_index("cpts_id")
    )
    for column in ("region_code", "region_name"):
        table[column] = table["cpts_id"].map(regions[column])
    return table


def first_above_bounds(on: date | None = None) -> list[tuple[int, int]]:
    """Return each bound between classes, with the first population of the upper class.

    Examples
    --------
    >>> first_above_bounds()
    [(40000, 40000), (80000, 80000), (175000, 175001)]
    """
    edition = in_force("size_classes", on)
    sides = zip(edition["upper_bounds"], edition["bound_belongs_to"], strict=True)
    return [(bound, bound if belongs_to == "upper" else bound + 1) for bound, belongs_to in sides]


def size_labels(on: date | None = None) -> dict[str, str]:
    """Name each class by its bounds, in the reader's language.

    Examples
    --------
    >>> size_labels()["2"].replace("\u202f", " ")
    'Taille 2 : 40 000 à 80 000 habitants'
    """
    bounds = [number(bound) for bound, _first in first_above_bounds(on)]
    first, last = _("Class 1: under {upper} inhabitants"), _("Class {rank}: over {lower} inhabitants")
    between = _("Class {rank}: {lower} to {upper} inhabitants")
    names = [first.format(upper=bounds[0])]
    names += [between.format(rank=rank, lower=low, upper=high) for rank, (low, high) in enumerate(pairwise(bounds), 2)]
    names.append(last.format(rank=len(bounds) + 1, lower=bounds[-1]))
    return {str(rank): name for rank, name in enumerate(names, 1)}


def _margins(population: pd.Series, on: date | None) -> tuple[pd.Series, pd.Series]:
    """Count the inhabitants that each population can lose, and win, without changing class."""
    import numpy as np
    import pandas as pd

    first_above = np.array([first for _bound, first in first_above_bounds(on)])
    rank = np.searchsorted(first_above, population.to_numpy(), side="right")
    floors = np.concatenate([[np.nan], first_above])[rank]
    ceilings = np.concatenate([first_above, [np.nan]])[rank]
    return (
        pd.Series(population - floors, population.index).astype("Int64"),
        pd.Series(ceilings - 1 - population, population.index).astype("Int64"),
    )


def unit_size_class(communes: pd.DataFrame, perimeters: Perimeters, sizes: pd.DataFrame) -> pd.Series:
    """Return the size class of each unit's CPTS, the most populous one where it is in several.

    Parameters
    ----------
    communes, perimeters
        Units, and CPTS with their membership.
    sizes
        As :func:`sizes` returns them.

    Returns
    -------
    Series
        ``size_class`` (Int64) on the index of ``communes``; missing in no CPTS.
    """
    classes = perimeters.membership.merge(
        sizes[["cpts_id", "population", "size_class"]], on="cpts_id", how="left", validate="many_to_one"
    ).sort_values("population", ascending=False)
    largest = classes.drop_duplicates("insee_code").set_index("insee_code")["size_class"]
    return communes["insee_code"].map(largest).astype("Int64")


def size_distribution(sizes: pd.DataFrame) -> pd.DataFrame:
    """Count CPTS and inhabitants by size class, for each region and for all.

    Parameters
    ----------
    sizes
        As :func:`sizes` returns them.

    Returns
    -------
    DataFrame
        One row per region and class, every class present even when empty, the whole last: ``region_code``
        (``all`` for the whole), ``region_name``, ``size_class``, ``cpts_count``, ``population`` (sum over CPTS: a unit in
        two of them counts twice, see :func:`double_counts`).
    """
    import pandas as pd

    placed = sizes.dropna(subset="size_class")
    everywhere = placed.assign(region_code="all", region_name="")
    stacked = pd.concat([placed, everywhere])
    counted = stacked.groupby(["region_code", "region_name", "size_class"], dropna=False).agg(
        cpts_count=("cpts_id", "size"), population=("population", "sum")
    )
    regions = stacked[["region_code", "region_name"]].drop_duplicates().sort_values("region_code")
    grid = regions.merge(pd.DataFrame({"size_class": list(CLASSES)}), how="cross")
    return (
        grid.merge(counted.reset_index(), on=["region_code", "region_name", "size_class"], how="left", validate="1:1")
        .fillna({"cpts_count": 0, "population": 0})
        .astype({"cpts_count": "int64", "population": "int64", "size_class": "int64"})
    )


def double_counts(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """List the units whose inhabitants several CPTS count: the double-count ledger.

    Parameters
    ----------
    communes, perimeters
        As for :func:`sizes`.

    Returns
    -------
    DataFrame
        One row per unit in two CPTS or more, sorted: ``insee_code``, ``name``, ``population``, ``cpts_count``,
        ``cpts`` (names), ``population_counted`` (sum over its CPTS), ``population_covered`` (counted once) and
        ``double_count``, their difference.

    Notes
    -----
    The sum of ``double_count`` is the sum of the CPTS populations minus the covered population, to the inhabitant.
    """
    members = member_populations(communes, perimeters)
    members = members[members["insee_code"].duplicated(keep=False)].copy()
    members["cpts_name"] = members["cpts_id"].map(perimeters.cpts.set_index("cpts_id")["cpts_name"])
    table = (
        members.sort_values("cpts_name")
        .groupby("insee_code")
        .agg(
            name=("name", "first"),
            population=("population", "first"),
            cpts_count=("cpts_id", "size"),
            cpts=("cpts_name", "; ".join),
            population_counted=("population_in_cpts", "sum"),
        )
        .reset_index()
    )
    table["population_covered"] = inhabitants(
        table["population"], table["insee_code"].map(perimeters.covered_shares()).astype("float64")
    )
    table["double_count"] = table["population_counted"] - table["population_covered"]
    return table


def double_counts_by_pair(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """Count units and inhabitants that two CPTS share, for each pair.

    Returns
    -------
    DataFrame
        One row per pair that shares at least one unit, sorted: ``cpts_id``, ``cpts_name``, ``other_id``,
        ``other_name``, ``units``, ``population`` (common to both: of the fragments that both hold where the perimeters
        are drawn, else the least part of each unit that the two must have in common, ``max(0, share + other share - 1)``).
        A unit in three CPTS is in three pairs, so pairs may sum to more than the ledger.
    """
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    members = member_populations(communes, perimeters)[["cpts_id", "insee_code", "share", "population"]]
    pairs = members.merge(members[["cpts_id", "insee_code", "share"]], on="insee_code", suffixes=("", "_other"))
    pairs = pairs[pairs["cpts_id"] < pairs["cpts_id_other"]]
    common = (pairs["share"] + pairs["share_other"] - 1).clip(lower=0)
    if perimeters.fragments is not None:
        common = common.where(
            ~pairs["insee_code"].isin(perimeters.fragments["insee_code"]), _drawn_common(perimeters, pairs)
        )
    pairs = pairs.assign(common=inhabitants(pairs["population"], common))
    table = (
        pairs.groupby(["cpts_id", "cpts_id_other"], as_index=False)
        .agg(units=("insee_code", "size"), population=("common", "sum"))
        .rename(columns={"cpts_id_other": "other_id"})
    )
    table["cpts_name"] = table["cpts_id"].map(names)
    table["other_name"] = table["other_id"].map(names)
    return table[["cpts_id", "cpts_name", "other_id", "other_name", "units", "population"]]


def _drawn_common(perimeters: Perimeters, pairs: pd.DataFrame) -> pd.Series:
    """Add up the fragments that both CPTS of each pair hold in a unit."""
    import pandas as pd

    parts = perimeters.parts()
    both = parts.merge(parts[["part", "cpts_id"]], on="part", suffixes=("", "_other"))
    keys = ["cpts_id", "cpts_id_other", "insee_code"]
    shares = both.groupby(keys)["share"].sum()
    found = shares.reindex(pd.MultiIndex.from_frame(pairs[keys]), fill_value=0.0)
    return pd.Series(found.to_numpy(), pairs.index)
