"""Threshold watch: CPTS near a bound of size, the population edition that flips them, and classes smoothed over years."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from cptsgeo.errors import UsageError
from cptsgeo.funding import LEVELS, PAID_STAGES, annual_levels, is_paid
from cptsgeo.i18n import _
from cptsgeo.parameters import in_force
from cptsgeo.sizes import CLASSES, size_class, stacked_parts

if TYPE_CHECKING:
    import pandas as pd

    from cptsgeo.perimeters import Perimeters

MARGIN = 0.02
"""Distance to a bound, as a part of it, within which a CPTS is watched."""

SMOOTHING_YEARS = 3
"""Years below a bound after which a fall in class takes effect (proposal 16 of the Tour de France des CPTS)."""


def cpts_editions(populations: pd.DataFrame, perimeters: Perimeters, *, on: date | None = None) -> pd.DataFrame:
    """Compute the population and class of each CPTS in each edition, over the perimeters of today.

    Parameters
    ----------
    populations
        ``population_year``, ``insee_code``, ``population``: see :class:`cptsgeo.editions.Editions`.
    perimeters
        CPTS and membership.
    on
        Day of the size classes to apply.

    Returns
    -------
    DataFrame
        One row per CPTS that has units and edition, sorted: ``cpts_id``, ``cpts_name``, ``stage``,
        ``population_year``, ``population`` (missing when a unit is), ``units_missing`` (units of the CPTS that the
        edition lacks), ``size_class``.

    Notes
    -----
    ``population = sum over units of the CPTS's part of the unit``, as for the sizes.
    """
    import pandas as pd

    years = pd.DataFrame({"population_year": sorted(populations["population_year"].unique())})
    members = perimeters.membership.merge(years, how="cross").merge(
        populations, on=["population_year", "insee_code"], how="left", validate="many_to_one"
    )
    missing = members["population"].isna()
    people = stacked_parts(members.fillna({"population": 0}), ["population_year", "insee_code"])
    grouped = members.assign(people=people, missing=missing).groupby(["cpts_id", "population_year"])
    sums = grouped.agg(population=("people", "sum"), units_missing=("missing", "sum")).reset_index()
    sums["population"] = sums["population"].astype("Int64").mask(sums["units_missing"] > 0)
    table = perimeters.cpts[["cpts_id", "cpts_name", "stage"]].merge(sums, on="cpts_id", validate="one_to_many")
    classes = pd.array(size_class(table["population"].fillna(0).astype("int64"), on=on), dtype="Int64")
    table["size_class"] = pd.Series(classes, table.index).mask(table["population"].isna())
    return table.sort_values(["cpts_id", "population_year"], ignore_index=True)


def watch(editions: pd.DataFrame, *, margin: float = MARGIN, on: date | None = None) -> pd.DataFrame:
    """List the CPTS that are near a bound in their latest edition, or crossed one between editions.

    Parameters
    ----------
    editions
        As :func:`cpts_editions` returns them.
    margin
        Distance to a bound, as a part of it, up to which a CPTS is near.
    on
        Day of the size classes and of the grid to apply.

    Returns
    -------
    DataFrame
        One row per CPTS and bound, sorted: ``cpts_id``, ``cpts_name``, ``stage``, ``bound`` (inhabitants),
        ``population_year`` (the latest edition that has the CPTS whole), ``population``, ``size_class``, ``distance``
        (population less the bound), ``distance_rate`` (that, as a part of the bound), ``near``, ``crossings``
        (the editions that put it above ↑ or below ↓ the bound), ``fixed_at_stake`` and ``maximum_at_stake`` (euros a
        year between the two classes that the bound parts).

    Raises
    ------
    UsageError
        For a margin that is not between 0 and 1.
    """
    import pandas as pd

    if not 0 <= margin < 1:
        raise UsageError(
            _("the margin is {value}: it must be 0 or more and less than 1").format(value=margin),
            fix=_("give a part of the bound: 0.02 for 2%"),
            where="--margin",
        )
    known = editions[editions["population"].notna()].sort_values(["cpts_id", "population_year"])
    latest = known.drop_duplicates("cpts_id", keep="last")
    amounts = annual_levels(CLASSES, on=on)
    parts = []
    for lower, bound in enumerate(in_force("size_classes", on)["upper_bounds"], start=1):
        above = known["size_class"].astype("int64") > lower
        before = above.groupby(known["cpts_id"]).shift()
        moves = known[before.notna() & (above != before)]
        arrows = moves["population_year"].astype("str") + above[moves.index].map({True: " ↑", False: " ↓"})
        crossings = arrows.groupby(moves["cpts_id"]).agg(", ".join).to_dict()
        rows = latest.drop(columns="units_missing").assign(
            bound=bound,
            distance=(latest["population"] - bound).astype("int64"),
            crossings=pd.array([crossings.get(cpts_id, "") for cpts_id in latest["cpts_id"]], dtype="str"),
            **{f"{level}_at_stake": amounts.loc[lower + 1, level] - amounts.loc[lower, level] for level in LEVELS[1:]},
        )
        rows["distance_rate"] = rows["distance"] / bound
        rows["near"] = rows["distance"].abs() <= margin * bound
        parts.append(rows[rows["near"] | (rows["crossings"] != "")])
    table = pd.concat(parts).sort_values(["cpts_id", "bound"], ignore_index=True)
    return table[
        [
            *("cpts_id", "cpts_name", "stage", "bound", "population_year", "population", "size_class", "distance"),
            *("distance_rate", "near", "crossings", "fixed_at_stake", "maximum_at_stake"),
        ]
    ]


def smoothed(
    editions: pd.DataFrame,
    *,
    years: int = SMOOTHING_YEARS,
    on: date | None = None,
    paid_stages: Iterable[str] = PAID_STAGES,
) -> pd.DataFrame:
    """Smooth the size classes: a rise takes effect at once, a fall only after some years below the bound.

    Parameters
    ----------
    editions
        As :func:`cpts_editions` returns them.
    years
        Census years running that a population must be below a bound for the class to fall; 1 smooths nothing. The
        edition of the last of these years brings the fall.
    on
        Day of the size classes and of the grid to apply.
    paid_stages
        Stages at which a CPTS is paid.

    Returns
    -------
    DataFrame
        One row per CPTS and edition: ``cpts_id``, ``cpts_name``, ``stage``, ``paid``, ``population_year``,
        ``population``, ``size_class``, ``size_class_smoothed``, and ``functioning_effect``, ``fixed_effect``,
        ``maximum_effect`` (euros a year of the smoothed class less those of the plain one).

    Notes
    -----
    ``smoothed class of year t = highest class of the years t - years + 1 to t``: the class is above a bound as
    long as one of these years is. Years before the first edition, and those whose population is missing, are not
    known and hold no class up.

    Raises
    ------
    UsageError
        For less than one year.

    References
    ----------
    Report *Tour de France des CPTS* (June 2023), proposal 16: smooth class changes over three years.
    """
    import pandas as pd

    if years < 1:
        raise UsageError(
            _("a class cannot be smoothed over {years} years").format(years=years),
            fix=_("give 1 (no smoothing) or more"),
            where="--years",
        )
    wide = editions.pivot(index="cpts_id", columns="population_year", values="size_class").astype("Float64")
    held = pd.DataFrame(
        {year: wide[[past for past in wide if year - years < past <= year]].max(axis="columns") for year in wide}
    )
    long = held.mask(wide.isna()).rename_axis(columns="population_year").stack().rename("size_class_smoothed")
    table = editions.merge(
        long.reset_index(), on=["cpts_id", "population_year"], how="left", validate="one_to_one"
    ).astype({"size_class_smoothed": "Int64"})
    table["paid"] = is_paid(table["stage"], paid_stages)
    plain = annual_levels(table["size_class"], on=on)
    kept = annual_levels(table["size_class_smoothed"], on=on)
    for level in LEVELS:
        table[f"{level}_effect"] = kept[level].to_numpy() - plain[level].to_numpy()
    return table[
        [
            *("cpts_id", "cpts_name", "stage", "paid", "population_year", "population", "size_class"),
            *("size_class_smoothed", *(f"{level}_effect" for level in LEVELS)),
        ]
    ]


def smoothing_effect(smoothed: pd.DataFrame) -> pd.DataFrame:
    """Sum the money effect of the smoothing by edition, over the CPTS that are paid.

    Parameters
    ----------
    smoothed
        As :func:`smoothed` returns it.

    Returns
    -------
    DataFrame
        One row per edition: ``population_year``, ``cpts_count`` (CPTS paid whose population is known), ``cpts_held``
        (those that keep a higher class), ``cpts_stage_unknown`` (in no sum), ``functioning_effect``,
        ``fixed_effect``, ``maximum_effect`` in euros a year.
    """
    table = smoothed.assign(
        cpts_stage_unknown=smoothed["paid"].isna(),
        cpts_count=(smoothed["paid"].fillna(False) & smoothed["size_class"].notna()),
    )
    table["cpts_held"] = table["cpts_count"] & (table["size_class_smoothed"] > table["size_class"]).fillna(False)
    effects = [f"{level}_effect" for level in LEVELS]
    table[effects] = table[effects].where(table["cpts_count"].astype("bool"), 0.0)
    columns = ["cpts_count", "cpts_held", "cpts_stage_unknown"]
    sums = table.groupby("population_year")[[*columns, *effects]].sum().reset_index()
    return sums.astype(dict.fromkeys(("population_year", *columns), "int64"))
