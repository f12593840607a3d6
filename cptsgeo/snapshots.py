"""Dated states of the CPTS: what changed between two of them, and by how much each cause moved the coverage."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import combinations, pairwise
from math import factorial
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import among
from cptsgeo.cog import recode
from cptsgeo.coverage import DEFINITIONS, coverage
from cptsgeo.errors import DataError, UsageError
from cptsgeo.i18n import N_, _, day
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.scope import KINDS, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    Value = Callable[[frozenset[str]], tuple[int, int]]

PARTS = {
    "merger": N_("communes merged"),
    "population": N_("population edition"),
    "gone": N_("CPTS gone"),
    "appeared": N_("CPTS appeared"),
    "stage": N_("stage changed"),
    "perimeter": N_("perimeter changed"),
}
METHODS = ("shapley", "sequence")
THRESHOLDS = ("any", *STAGES)
FRANCE = Scope("france")


class Snapshot(NamedTuple):
    """Hold one dated state.

    Attributes
    ----------
    day
        Its date.
    communes
        All units of that state, in its own code officiel géographique, with its populations.
    perimeters
        CPTS and membership on these units.
    """

    day: date
    communes: pd.DataFrame
    perimeters: Perimeters


def diff(
    before: Snapshot, after: Snapshot, *, stage: str = "any", scope: Scope = FRANCE, method: str = METHODS[0]
) -> pd.DataFrame:
    """Split the change of the covered population, and of the rate, among its causes.

    Parameters
    ----------
    before, after
        Two states, the earlier first.
    stage
        A unit is covered by a CPTS of at least this stage; ``any`` takes all CPTS.
    scope
        Territory of the rate; a unit of before is in it when the unit of after that it became is.
    method
        ``shapley``: the mean effect of each cause over every order in which the causes can come; ``sequence``: the
        effect of each when they come in the order of :data:`PARTS`.

    Returns
    -------
    DataFrame
        The state before, one row per cause in the order of :data:`PARTS`, the state after: ``day_before``,
        ``day_after`` (ISO), ``cause``, ``cause_label``,
        ``population_change`` (covered inhabitants), ``rate_change`` (fraction of 1), ``population``,
        ``population_covered``, ``coverage_rate`` (missing in the rows of causes). The changes sum to those of the last
        row, to the inhabitant.

    Notes
    -----
    Mergers always come first, since the other causes are compared on the units of after: former codes become
    today's, populations of merged communes are summed, and a merged unit is in a CPTS with the largest share that one
    of its communes had, as :func:`cptsgeo.perimeters.read_perimeters` reads it. On these units the state is a function
    ``v(S)`` of the set ``S`` of causes that have happened: populations of after instead of before; CPTS that are only in
    after there, and those only in before gone; stages, and units, of after for the CPTS of both. Then
    ``shapley(c) = sum over S without c of |S|! (4 - |S|)! / 5! x (v(S + c) - v(S))``, computed in whole numbers of
    1/120 inhabitant and rounded to the inhabitant by the largest remainder.

    Raises
    ------
    DataError
        When ``after`` is not later than ``before``.
    UsageError
        For an unknown stage or method.

    References
    ----------
    L. S. Shapley, "A value for n-person games", 1953.
    """
    import pandas as pd

    _require(before, after, stage, method)
    first = _covered(before.communes, before.perimeters, _inside_before(before, after, scope), stage)
    value = _hybrid(before, after, stage, scope)
    causes = tuple(PARTS)[1:]
    start = value(frozenset())
    merged = start[0] - first[0], Fraction(*_rate(start)) - Fraction(*_rate(first))
    effects = _shapley(value, causes) if method == "shapley" else _sequence(value, causes)
    changes = [merged, *effects]
    last = value(frozenset(causes))
    rates = [Fraction(*_rate(first)), Fraction(*_rate(last))]
    rows = [
        ("before", _("on {day}").format(day=day(before.day)), pd.NA, None, first[1], first[0], float(rates[0])),
        *(
            (part, _(label), people, float(rate), pd.NA, pd.NA, None)
            for (part, label), (people, rate) in zip(PARTS.items(), changes, strict=True)
        ),
        (
            "after",
            _("on {day}").format(day=day(after.day)),
            last[0] - first[0],
            float(rates[1] - rates[0]),
            last[1],
            last[0],
            float(rates[1]),
        ),
    ]
    columns = ["cause", "cause_label", "population_change", "rate_change"]
    columns += ["population", "population_covered", "coverage_rate"]
    counts = dict.fromkeys(("population_change", "population", "population_covered"), "Int64")
    table = pd.DataFrame(rows, columns=columns).astype(
        {**counts, "rate_change": "float64", "coverage_rate": "float64", "cause": "str", "cause_label": "str"}
    )
    return _dated(table, before, after)


def _dated(table: pd.DataFrame, before: Snapshot, after: Snapshot) -> pd.DataFrame:
    """Put the days of the two states before the other columns."""
    days = {"day_before": before.day.isoformat(), "day_after": after.day.isoformat()}
    return table.assign(**days)[[*days, *table.columns]].astype({"day_before": "str", "day_after": "str"})


def _require(before: Snapshot, after: Snapshot, stage: str, method: str) -> None:
    """Refuse dates in the wrong order and unknown choices."""
    if before.day >= after.day:
        raise DataError(
            _("the snapshot of {after} does not come after that of {before}").format(
                after=day(after.day), before=day(before.day)
            ),
            fix=_("give the earlier snapshot first"),
        )
    for value, choices, where in ((stage, THRESHOLDS, "--stage"), (method, METHODS, "--method")):
        if value not in choices:
            raise UsageError(
                _("{value!r} is not one of the choices").format(value=value),
                fix=_("choose one of: {choices}").format(choices=", ".join(choices)),
                where=where,
            )


def _rate(state: tuple[int, int]) -> tuple[int, int]:
    """Return covered and total as a fraction; nobody is 0 of 1."""
    return (state[0], state[1]) if state[1] else (0, 1)


def _ranks(perimeters: Perimeters, cpts_ids: pd.Series) -> np.ndarray:
    """Return the rank of the stage of each CPTS; -1 when it is not known."""
    import numpy as np

    known = {stage: rank for rank, stage in enumerate(STAGES)}
    ranks = perimeters.cpts.set_index("cpts_id")["stage"].astype("object").map(known)
    return np.asarray(cpts_ids.map(ranks).fillna(-1), dtype="int64")


def _least_rank(stage: str) -> int:
    return -1 if stage == "any" else STAGES.index(stage)


def _sum_covered(population: np.ndarray, unit: np.ndarray, share: np.ndarray) -> int:
    """Count the inhabitants covered, each unit once, rounded by unit as :mod:`cptsgeo.coverage` does."""
    import numpy as np

    shares = np.bincount(unit, weights=share, minlength=len(population)).clip(max=1.0)
    return int(np.floor((population * shares).round(6) + 0.5).sum())


def _covered(communes: pd.DataFrame, perimeters: Perimeters, inside: pd.Series, stage: str) -> tuple[int, int]:
    """Return covered and total population of one state on its own units."""
    import numpy as np
    import pandas as pd

    units = communes[inside]
    members = perimeters.membership[among(perimeters.membership["insee_code"], units["insee_code"])]
    members = members[_ranks(perimeters, members["cpts_id"]) >= _least_rank(stage)]
    members = members.sort_values(["cpts_id", "insee_code"])
    unit = pd.Index(units["insee_code"]).get_indexer(members["insee_code"])
    population = np.asarray(units["population"], dtype="float64")
    return _sum_covered(population, unit, members["share"].to_numpy()), int(population.sum())


def _inside(communes: pd.DataFrame, scope: Scope) -> pd.Series:
    """Tell which units lie in a scope, by their own codes."""
    import pandas as pd

    if scope.kind == "france":
        return pd.Series(True, index=communes.index)
    return communes[KINDS[scope.kind]].isin(scope.codes)


def _inside_before(before: Snapshot, after: Snapshot, scope: Scope) -> pd.Series:
    """Tell which units of before lie in the scope: those that became one of it; others by their own codes."""
    codes = recode(before.communes["insee_code"], after.communes["insee_code"])[0]
    inside = after.communes.loc[_inside(after.communes, scope), "insee_code"]
    followed = among(codes, after.communes["insee_code"])
    return among(codes, inside).where(followed, _inside(before.communes, scope))


def _hybrid(before: Snapshot, after: Snapshot, stage: str, scope: Scope) -> Value:
    """Return the function that gives covered and total population once a set of causes has happened."""
    import numpy as np
    import pandas as pd

    units = after.communes.loc[_inside(after.communes, scope), ["insee_code", "population"]]
    codes = recode(before.communes["insee_code"], after.communes["insee_code"])[0]
    old = before.communes["population"].astype("int64").groupby(codes).sum()
    populations = {
        False: np.asarray(units["insee_code"].map(old).fillna(0), dtype="float64"),
        True: np.asarray(units["population"], dtype="float64"),
    }
    earlier = before.perimeters.membership
    earlier = earlier.assign(insee_code=recode(earlier["insee_code"], after.communes["insee_code"])[0])
    earlier = earlier.groupby(["cpts_id", "insee_code"], as_index=False)["share"].max()
    both = set(before.perimeters.cpts["cpts_id"]) & set(after.perimeters.cpts["cpts_id"])
    index = pd.Index(units["insee_code"])
    rows = pd.concat(
        [earlier.assign(new=False), after.perimeters.membership[["cpts_id", "insee_code", "share"]].assign(new=True)]
    ).sort_values(["cpts_id", "insee_code", "new"], ignore_index=True)
    rows = rows[among(rows["insee_code"], index)]
    unit, share = index.get_indexer(rows["insee_code"]), rows["share"].to_numpy()
    new, common = rows["new"].to_numpy(), rows["cpts_id"].isin(both).to_numpy()
    least = _least_rank(stage)
    met = {
        moved: _ranks(state.perimeters, rows["cpts_id"]) >= least for moved, state in ((False, before), (True, after))
    }

    def value(causes: frozenset[str]) -> tuple[int, int]:
        own = np.where(new, ("appeared" in causes) & met[True], ("gone" not in causes) & met[False])
        shared = (new == ("perimeter" in causes)) & met["stage" in causes]
        counted = np.where(common, shared, own)
        population = populations["population" in causes]
        return _sum_covered(population, unit[counted], share[counted]), int(population.sum())

    return value


def _sequence(value: Value, causes: Sequence[str]) -> list[tuple[int, Fraction]]:
    """Return the effect of each cause, in people and rate, when they come one after the other."""
    states = [value(frozenset(causes[:count])) for count in range(len(causes) + 1)]
    return [(now[0] - then[0], Fraction(*_rate(now)) - Fraction(*_rate(then))) for then, now in pairwise(states)]


def _shapley(value: Value, causes: Sequence[str]) -> list[tuple[int, Fraction]]:
    """Return the mean effect of each cause over every order, in whole people and in rate."""
    count = len(causes)
    states = {
        frozenset(chosen): value(frozenset(chosen))
        for size in range(count + 1)
        for chosen in combinations(causes, size)
    }
    people = dict.fromkeys(causes, 0)
    rates = dict.fromkeys(causes, Fraction(0))
    for cause in causes:
        for chosen, then in states.items():
            if cause in chosen:
                continue
            now = states[chosen | {cause}]
            weight = factorial(len(chosen)) * factorial(count - 1 - len(chosen))
            people[cause] += weight * (now[0] - then[0])
            rates[cause] += weight * (Fraction(*_rate(now)) - Fraction(*_rate(then)))
    whole = factorial(count)
    rounded = {cause: total // whole for cause, total in people.items()}
    left = sum(people.values()) // whole - sum(rounded.values())
    for cause in sorted(causes, key=lambda name: -(people[name] % whole))[:left]:
        rounded[cause] += 1
    return [(rounded[cause], rates[cause] / whole) for cause in causes]


def changes(before: Snapshot, after: Snapshot) -> pd.DataFrame:
    """List the CPTS that appeared, went, or changed stage or perimeter between two states.

    Returns
    -------
    DataFrame
        One row per CPTS that changed, sorted: ``day_before``, ``day_after``, ``cpts_id``, ``cpts_name`` (the later one), ``change`` (``appeared``,
        ``gone``, or ``stage``, ``perimeter`` and both joined by ``+``), ``stage_before``, ``stage_after``,
        ``units_added``, ``units_removed`` (units of after, whose share rose from 0, or fell to it), ``units_reshared``.
    """
    import pandas as pd

    earlier = before.perimeters.membership
    earlier = earlier.assign(insee_code=recode(earlier["insee_code"], after.communes["insee_code"])[0])
    earlier = earlier.groupby(["cpts_id", "insee_code"], as_index=False)["share"].max()
    members = earlier.merge(
        after.perimeters.membership[["cpts_id", "insee_code", "share"]],
        on=["cpts_id", "insee_code"],
        how="outer",
        suffixes=("_before", "_after"),
        validate="one_to_one",
    )
    members["units_added"] = members["share_before"].isna()
    members["units_removed"] = members["share_after"].isna()
    members["units_reshared"] = (members["share_before"] != members["share_after"]) & ~(
        members["units_added"] | members["units_removed"]
    )
    counts = members.groupby("cpts_id")[["units_added", "units_removed", "units_reshared"]].sum()
    table = before.perimeters.cpts[["cpts_id", "cpts_name", "stage"]].merge(
        after.perimeters.cpts[["cpts_id", "cpts_name", "stage"]],
        on="cpts_id",
        how="outer",
        suffixes=("_before", "_after"),
        validate="one_to_one",
        indicator=True,
    )
    table["cpts_name"] = table["cpts_name_after"].fillna(table["cpts_name_before"])
    for column in counts.columns:
        table[column] = table["cpts_id"].map(counts[column]).fillna(0).astype("int64")
    for column in ("stage_before", "stage_after"):
        table[column] = table[column].astype("object").astype("str")
    moved = table["stage_before"].fillna("") != table["stage_after"].fillna("")
    redrawn = table[list(counts.columns)].sum(axis="columns") > 0
    words = moved.map({True: "stage", False: ""}).str.cat(redrawn.map({True: "perimeter", False: ""}), sep="+")
    lone = table["_merge"].astype("object").map({"left_only": "gone", "right_only": "appeared"})
    table["change"] = lone.fillna(words.str.strip("+")).astype("str")
    kept = table[table["change"] != ""].sort_values("cpts_id", ignore_index=True)
    columns = ["cpts_id", "cpts_name", "change", "stage_before", "stage_after", *counts.columns]
    return _dated(pd.DataFrame(kept)[columns], before, after)


def unfollowed(before: Snapshot, after: Snapshot, *, scope: Scope = FRANCE) -> pd.DataFrame:
    """List the units of a scope that cannot be followed from one state to the other.

    Returns
    -------
    DataFrame
        ``insee_code``, ``name``, ``population``, ``state``: ``before`` for a unit that no unit of after continues (its
        people leave with the mergers), ``after`` for one that nothing led to (they come with the population edition).
    """
    import pandas as pd

    codes = recode(before.communes["insee_code"], after.communes["insee_code"])[0]
    lost = before.communes[~among(codes, after.communes["insee_code"]) & _inside(before.communes, scope)]
    new = after.communes[~among(after.communes["insee_code"], codes) & _inside(after.communes, scope)]
    columns = ["insee_code", "name", "population"]
    return pd.concat([lost[columns].assign(state="before"), new[columns].assign(state="after")], ignore_index=True)


def series(snapshots: Sequence[Snapshot], *, scope: Scope = FRANCE) -> pd.DataFrame:
    """Follow the coverage over many states, under every cumulative definition.

    Returns
    -------
    DataFrame
        One row per state and definition: ``day`` (ISO), ``stage``, ``definition``, ``cpts_count`` (CPTS of at least the
        stage), ``population``, ``population_covered``, ``coverage_rate``. A state whose stages are not known has the
        row of ``any`` alone.
    """
    import pandas as pd

    parts = []
    for snapshot in snapshots:
        table = coverage(snapshot.communes, snapshot.perimeters, in_scope=_inside(snapshot.communes, scope))
        table = table[table["counting"] == "cumulative"]
        cpts = snapshot.perimeters.cpts
        ranks = _ranks(snapshot.perimeters, cpts["cpts_id"])
        counts = {stage: int((ranks >= _least_rank(stage)).sum()) for stage in table["stage"]}
        parts.append(table.assign(day=snapshot.day.isoformat(), cpts_count=table["stage"].map(counts)))
    order = [definition.stage for definition in DEFINITIONS if definition.counting == "cumulative"]
    result = pd.concat(parts, ignore_index=True)
    result = result.iloc[
        sorted(range(len(result)), key=lambda row: (result["day"][row], order.index(result["stage"][row])))
    ]
    return result.reset_index(drop=True)[
        ["day", "stage", "definition", "cpts_count", "population", "population_covered", "coverage_rate"]
    ]
