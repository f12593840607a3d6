"""Money of the ACI: what CPTS may receive, by size class, by stage, by territory and by year of the contract."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from cptsgeo.coverage import GROUPS
from cptsgeo.errors import UsageError
from cptsgeo.i18n import _, current_language
from cptsgeo.parameters import in_force, labels, parameters
from cptsgeo.sizes import CLASSES, member_populations, sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from cptsgeo.perimeters import Perimeters

LEVELS: tuple[str, ...] = tuple(level["key"] for level in parameters("aci")["level"])
PAID_STAGES = ("aci_signe",)
"""Stages at which the Assurance maladie pays: the contract is signed."""

YEARS = 5
"""Length of a contract, in years."""

MONTHS = 12
PLACES = tuple(key for key in GROUPS if key in {"scope", "region", "departement"})


def annual_levels(size_class: Sequence[int] | pd.Series, *, on: date | None = None) -> pd.DataFrame:
    """Return what a CPTS of each class may receive in a year, at the three budget levels.

    Parameters
    ----------
    size_class
        Size classes, 1 to 4, in any order and repeated at will; a missing one gives missing amounts.
    on
        Day of the grid to apply; the latest when not given.

    Returns
    -------
    DataFrame
        One row per class given, in their order, the classes as index (named ``size_class``): ``functioning``,
        ``fixed`` (functioning, every fixed part and the crisis plan at its yearly update) and ``maximum``, in euros a
        year. The grid of 2019 gives the maximum alone; the others are missing.

    References
    ----------
    ACI of 20 June 2019 in favour of CPTS; avenant 2 of 20 December 2021; annual grid presented in March 2024.

    Examples
    --------
    >>> annual_levels([1, 4])
                functioning     fixed   maximum
    size_class
    1               50000.0  165000.0  287500.0
    4               90000.0  330000.0  580000.0
    """
    import pandas as pd

    edition = in_force("aci", on)
    classes = pd.array(list(size_class), dtype="Int64")
    parts = {level["key"]: level["parts"] for level in parameters("aci")["level"]}
    items = edition.get("item", [])
    table = pd.DataFrame(float("nan"), index=pd.Index(CLASSES, dtype="Int64", name="size_class"), columns=list(LEVELS))
    table["maximum"] = [float(amount) for amount in edition["published_maximum"]]
    for level in LEVELS if items else ():
        amounts = [item["amounts"] for item in items if item["part"] in parts[level]]
        table[level] = [float(sum(column)) for column in zip(*amounts, strict=True)]
    return table.reindex(pd.Index(classes, name="size_class"))


def grid(*, on: date | None = None) -> pd.DataFrame:
    """Return the whole grid in force on a day, item by item, then its levels.

    Returns
    -------
    DataFrame
        ``mission``, ``mission_label``, ``part``, and ``class_1`` to ``class_4`` in euros a year. The rows of the
        levels have no mission. The grid of 2019 has its maxima, with unscheduled care and without it; what was not
        published is missing.
    """
    import pandas as pd

    edition = in_force("aci", on)
    missions = {mission["key"]: mission[current_language()] for mission in edition.get("mission", [])}
    rows: list[list[Any]] = [
        [item["mission"], missions[item["mission"]], item["part"], *map(float, item["amounts"])]
        for item in edition.get("item", [])
    ]
    levels = annual_levels(CLASSES, on=on)
    rows += [[None, text, level, *levels[level]] for level, text in labels("aci").items()]
    partial = edition.get("published_maximum_without_unscheduled_care")
    if partial is not None:
        known = [partial["amounts"].get(str(size), float("nan")) for size in CLASSES]
        rows.append([None, partial[current_language()], "maximum_without_unscheduled_care", *map(float, known)])
    table = pd.DataFrame(rows, columns=["mission", "mission_label", "part", *(f"class_{c}" for c in CLASSES)])
    return table.astype({"mission": "str", "mission_label": "str", "part": "str"})


def funding(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    *,
    on: date | None = None,
    paid_stages: Iterable[str] = PAID_STAGES,
) -> pd.DataFrame:
    """Compute the budget levels of each CPTS, and say whether its stage makes it paid.

    Parameters
    ----------
    communes
        All units, inside the scope and outside.
    perimeters
        CPTS and membership.
    on
        Day of the size classes and of the grid to apply.
    paid_stages
        Stages at which a CPTS is paid; ``unknown`` counts those whose stage is not known as paid.

    Returns
    -------
    DataFrame
        One row per CPTS, sorted by ``cpts_id``: ``cpts_id``, ``cpts_name``, ``stage``, ``population``,
        ``size_class``, ``paid`` (missing when the stage is not known), ``functioning``, ``fixed``, ``maximum`` (euros a
        year that its class gives, paid or not), ``functioning_per_inhabitant``, ``fixed_per_inhabitant``,
        ``maximum_per_inhabitant`` (missing where nobody lives). A CPTS without units has no class and no amount.
    """
    table = sizes(communes, perimeters, on=on)
    table = table[["cpts_id", "cpts_name", "stage", "population", "size_class"]]
    table["paid"] = is_paid(table["stage"], paid_stages)
    levels = annual_levels(table["size_class"], on=on)
    for level in LEVELS:
        table[level] = levels[level].to_numpy()
    return _per_inhabitant(table)


def is_paid(stage: pd.Series, paid_stages: Iterable[str] = PAID_STAGES) -> pd.Series:
    """Tell of each stage whether it makes a CPTS paid; missing where the stage is, unless ``unknown`` is paid."""
    chosen = set(paid_stages)
    paid = stage.isin(chosen - {"unknown"}).astype("boolean")
    return paid.mask(stage.isna(), True if "unknown" in chosen else None)


def _per_inhabitant(table: pd.DataFrame) -> pd.DataFrame:
    """Add each level divided by the population; missing where nobody lives."""
    people = table["population"].where(table["population"] > 0).astype("float64")
    return table.assign(**{f"{level}_per_inhabitant": table[level] / people for level in LEVELS})


def funding_by(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    *,
    by: str = "scope",
    in_scope: pd.Series | None = None,
    split: bool = False,
    on: date | None = None,
    paid_stages: Iterable[str] = PAID_STAGES,
    years: int = YEARS,
) -> pd.DataFrame:
    """Sum the budget levels of the CPTS that are paid, by département, région or over the scope.

    A CPTS signs one contract, with one caisse: its euros all go to the département of most of its inhabitants (the
    lowest code among equals) and to the région of that one. With ``split`` they are shared among the départements that
    it touches by its inhabitants in each, whole euros by the largest remainder, so that no euro is lost.

    Parameters
    ----------
    communes, perimeters, on, paid_stages
        As for :func:`funding`.
    by
        ``scope``, ``region`` or ``departement``.
    in_scope
        Booleans on the index of ``communes``: where the list of CPTS is complete. All when not given.
    split
        Share the euros of a CPTS that straddles départements.
    years
        Years over which the annual levels are also summed.

    Returns
    -------
    DataFrame
        One row per place that has inhabitants in the scope or CPTS of the list, sorted: ``code``, ``name``,
        ``population`` (of its units in the scope, covered or not), ``cpts_count`` (CPTS paid; with ``split`` a CPTS
        counts in each département that it touches), ``cpts_stage_unknown`` (those whose stage is not known, in no
        sum), ``functioning``, ``fixed``, ``maximum`` (euros a year), the same ``_per_inhabitant`` (missing where the
        scope has nobody) and ``_over_years``, and ``maximum_stage_unknown`` (what those of unknown stage would add to
        the maximum).

    Notes
    -----
    ``level per inhabitant = sum of the level over the CPTS paid / population of the place``. Départements sum to
    régions, and these to the scope, except ``cpts_count`` under ``split``. A CPTS without units is in no place.

    Raises
    ------
    UsageError
        For an unknown ``by``.
    """
    import pandas as pd

    if by not in PLACES:
        raise UsageError(
            _("{by!r} is not a level of results").format(by=by),
            fix=_("choose one of: {choices}").format(choices=", ".join(PLACES)),
            where="--by",
        )
    table = funding(communes, perimeters, on=on, paid_stages=paid_stages)
    shared = _by_departement(table, communes, perimeters, split=split)
    inside = communes if in_scope is None else communes[in_scope]
    places = communes.groupby("departement_code")[["departement_name", "region_code", "region_name"]].first()
    columns = GROUPS[by]
    keys: list[str] = []
    if columns is not None:
        keys = list(columns)
        shared = shared.merge(places.reset_index(), on="departement_code", how="left", validate="many_to_one")
    else:
        keys = ["code", "name"]
        shared = shared.assign(code="scope", name=_("whole scope"))
        inside = inside.assign(code="scope", name=_("whole scope"))
    people = inside.groupby(keys)["population"].sum().astype("int64")
    paid, unknown = shared[shared["paid"].fillna(False)], shared[shared["paid"].isna()]
    sums = pd.concat(
        [
            people,
            paid.groupby(keys)["cpts_id"].nunique().rename("cpts_count"),
            unknown.groupby(keys)["cpts_id"].nunique().rename("cpts_stage_unknown"),
            paid.groupby(keys)[list(LEVELS)].sum(min_count=1),
            unknown.groupby(keys)["maximum"].sum(min_count=1).rename("maximum_stage_unknown"),
        ],
        axis="columns",
    ).sort_index()
    none_paid = sums["cpts_count"].isna()
    for column in LEVELS:
        sums[column] = sums[column].mask(none_paid, 0.0)
    sums["maximum_stage_unknown"] = sums["maximum_stage_unknown"].mask(sums["cpts_stage_unknown"].isna(), 0.0)
    counts = ["population", "cpts_count", "cpts_stage_unknown"]
    sums = sums.assign(**sums[counts].fillna(0).astype("int64")).reset_index(names=["code", "name"])
    sums = _per_inhabitant(sums).assign(**{f"{level}_over_years": sums[level] * years for level in LEVELS})
    order = [*LEVELS, *(f"{level}_per_inhabitant" for level in LEVELS), *(f"{level}_over_years" for level in LEVELS)]
    return sums[["code", "name", *counts, *order, "maximum_stage_unknown"]]


def _by_departement(
    table: pd.DataFrame, communes: pd.DataFrame, perimeters: Perimeters, *, split: bool
) -> pd.DataFrame:
    """Give the euros of each CPTS to its main département, or share them among all, in whole euros."""
    import numpy as np

    members = member_populations(communes, perimeters).merge(
        communes[["insee_code", "departement_code"]], on="insee_code", how="left", validate="many_to_one"
    )
    people = members.groupby(["cpts_id", "departement_code"], as_index=False)["population_in_cpts"].sum()
    people = people.sort_values(
        ["cpts_id", "population_in_cpts", "departement_code"], ascending=[True, False, True], ignore_index=True
    )
    if not split:
        people = people.drop_duplicates("cpts_id").assign(population_in_cpts=1)
    shared = people.merge(table, on="cpts_id", how="left", validate="many_to_one")
    total = shared.groupby("cpts_id")["population_in_cpts"].transform("sum")
    alone = ~shared["cpts_id"].duplicated()
    weight = (shared["population_in_cpts"] / total.where(total > 0)).fillna(alone.astype("float64"))
    for level in LEVELS:
        exact = shared[level] * weight
        whole = np.floor(exact + 1e-9)
        missing = shared[level] - whole.groupby(shared["cpts_id"]).transform("sum")
        rank = (whole - exact).groupby(shared["cpts_id"]).rank(method="first")
        shared[level] = whole + (rank <= missing)
        shared[level] = shared[level].where(exact.notna())
    return shared.drop(columns="population_in_cpts")


def summary(
    cpts_by_class: pd.Series,
    *,
    population: int,
    years: int = YEARS,
    project_to: int | None = None,
    on: date | None = None,
    levels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Sum a number of CPTS of each class at each budget level: a year, an inhabitant, several years, more CPTS.

    Parameters
    ----------
    cpts_by_class
        Number of CPTS paid, by size class.
    population
        Inhabitants by whom the euros are divided, covered or not.
    years
        Years over which a year's euros are also summed, prices and classes unchanged.
    project_to
        Number of CPTS to which the mean of today is carried; not projected when not given.
    on
        Day of the grid to apply.
    levels
        Another grid, as :func:`annual_levels` returns it for the four classes.

    Returns
    -------
    DataFrame
        One row per level: ``level``, ``level_label``, ``cpts_count``, ``euros`` (a year), ``euros_per_cpts``,
        ``euros_per_inhabitant``, ``years``, ``euros_over_years``, and with ``project_to`` also ``cpts_projected``,
        ``euros_projected`` and ``euros_projected_over_years``.

    Notes
    -----
    ``euros = sum over classes of (number of CPTS x annual level)``; ``projected = euros / number x new number``.

    Examples
    --------
    >>> import pandas as pd
    >>> table = summary(pd.Series({4: 1}), population=376_480)
    >>> table["euros_per_inhabitant"].round(2).tolist()
    [0.24, 0.88, 1.54]
    """
    import pandas as pd

    amounts = annual_levels(CLASSES, on=on) if levels is None else levels
    counts = cpts_by_class.reindex(CLASSES).fillna(0).astype("int64")
    count = int(counts.sum())
    euros = [float((amounts.loc[list(CLASSES), level].to_numpy() * counts.to_numpy()).sum()) for level in LEVELS]
    table = pd.DataFrame({"level": LEVELS, "level_label": list(labels("aci").values()), "cpts_count": count})
    table["euros"] = euros
    table["euros_per_cpts"] = table["euros"] / count if count else float("nan")
    table["euros_per_inhabitant"] = table["euros"] / population if population else float("nan")
    table["years"] = years
    table["euros_over_years"] = table["euros"] * years
    if project_to is not None:
        table["cpts_projected"] = project_to
        table["euros_projected"] = table["euros_per_cpts"] * project_to
        table["euros_projected_over_years"] = table["euros_projected"] * years
    return table
