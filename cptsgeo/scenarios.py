"""What would fill the white zones: extensions of CPTS, new CPTS, and plans that mix both, with their cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.adjacency import Adjacency
from cptsgeo.assignment import OBJECTIVES, TIME_LIMIT, assign, cut
from cptsgeo.blocks import blocks_of, need_of_units, preferring, stated
from cptsgeo.consequences import COLUMNS, Consequences
from cptsgeo.errors import UsageError
from cptsgeo.funding import LEVELS
from cptsgeo.i18n import _, number
from cptsgeo.perimeters import Perimeters
from cptsgeo.plan_tables import ACTIONS, assignment_table, changes_of, filled_perimeters, summary_of
from cptsgeo.white_zones import Clusters

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("cluster", "epci", "unit")
SUMMARY = (
    "objective",
    "level",
    "seed",
    "units_white",
    "population_white",
    "population_covered",
    "extended_count",
    "created_count",
    *(f"{level}_change" for level in LEVELS),
    "epci_cut",
    "zones_cut",
    "need_weighted",
    "euros_per_need",
    "objective_value",
    "objective_bound",
    "objective_gap",
)


class Plan(NamedTuple):
    """Hold a plan.

    Attributes
    ----------
    changes
        One row per CPTS extended or created: ``action`` (``extend`` or ``create``), ``cpts_id``, ``cpts_name``,
        ``clusters`` (ids), ``units`` and the columns of :func:`extensions` from ``population_added`` on.
    assignments
        One row per white unit, in the order of the clusters: ``insee_code``, ``name``, ``cluster_id``,
        ``population_white``, ``action`` (also ``none``), ``cpts_id``, ``cpts_name`` (empty where there is none) and
        ``why_white`` (why it stays white).
    summary
        One row: ``objective``, ``level``, ``seed``, ``units_white``, ``population_white``, ``population_covered``,
        ``extended_count``, ``created_count``, ``functioning_change``, ``fixed_change``, ``maximum_change``,
        ``epci_cut``, ``zones_cut`` (those of ``prefer``; the EPCI without it), ``need_weighted``, ``euros_per_need``, ``objective_value``, ``objective_bound`` and ``objective_gap``.
    perimeters
        The CPTS and membership as the plan leaves them: read back, they cover what the plan says.
    """

    changes: pd.DataFrame
    assignments: pd.DataFrame
    summary: pd.DataFrame
    perimeters: Perimeters


def extensions(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    zones: Clusters,
    ground: Adjacency,
    *,
    splits: Sequence[str] = SPLITS,
    chosen: Sequence[str] = (),
    on: date | None = None,
) -> pd.DataFrame:
    """Describe what happens when a CPTS takes in a white zone that it borders, or a part of it.

    Parameters
    ----------
    communes
        All units, inside the scope and outside.
    perimeters
        CPTS of the stages that count, and membership.
    zones
        As :func:`cptsgeo.white_zones.clusters` returns them.
    ground
        As :func:`cptsgeo.adjacency.adjacency` returns it, for the same contours and bridge.
    splits
        Parts to look at: the whole ``cluster``, its part in each ``epci``, each ``unit``. A part is looked at when
        it is connected to the CPTS; one that is the whole cluster is not repeated.
    chosen
        White units to look at together too, under the split ``chosen``: those of one cluster are one part.
    on
        Day of the law to apply.

    Returns
    -------
    DataFrame
        One row per cluster, part and CPTS, in the order of the clusters, the longest border first: ``cluster_id``, ``split``, ``key`` and
        ``label`` (the part), ``cpts_id``, ``cpts_name``, ``stage``, ``border_km`` (between the part and the CPTS),
        ``units``, ``population_added`` (newly covered), ``population_before``, ``population_after``,
        ``size_class_before``, ``size_class_after``, ``bound_crossed`` (the last one, in inhabitants),
        ``to_upper_bound`` (margin after), ``functioning_change``, ``fixed_change``, ``maximum_change`` (euros a
        year), ``functioning_per_covered``, ``fixed_per_covered``, ``maximum_per_covered`` (euros a year and newly
        covered inhabitant), ``epci_whole`` and ``epci_cut`` (EPCI of the part that are then wholly in the CPTS, and
        the others), ``compactness`` (of the CPTS after) and ``farthest_km`` (from its centre to the farthest unit
        of the part).

    Raises
    ------
    UsageError
        For an unknown split, or a chosen unit that is not white.

    Notes
    -----
    ``population_after = population_before + population_added``; where a unit covered in part joins, rounding can
    make the size of the CPTS differ from it by an inhabitant. The amounts are those of the class in the ACI grid, whatever the stage of the CPTS: what the contract would pay
    once signed. The centre is the mean of points inside its units, weighted by their inhabitants.
    """
    import pandas as pd

    _known(splits, SPLITS, "--by")
    _white(chosen, zones)
    look = Consequences.of(communes, perimeters, zones.units, ground, on=on)
    rows = []
    for cluster_id, units in zones.units.groupby("cluster_id", sort=False):
        for split, key, label, codes in _candidates(units, splits, chosen):
            taken = [look.extension(cpts_id, codes) for cpts_id in look.beside(codes)]
            part = {"cluster_id": cluster_id, "split": split, "key": key, "label": label}
            rows += [{**part, **one} for one in sorted(taken, key=lambda one: -one["border_km"])]
    table = pd.DataFrame(rows, columns=["cluster_id", "split", "key", "label", "cpts_id", "border_km", *COLUMNS])
    for column in ("cpts_name", "stage"):
        table[column] = perimeters.cpts.set_index("cpts_id")[column].reindex(table["cpts_id"]).array
    columns = ["cluster_id", "split", "key", "label", "cpts_id", "cpts_name", "stage", "border_km", *COLUMNS]
    return look.typed(table[columns])


def _candidates(
    units: pd.DataFrame, splits: Sequence[str], chosen: Sequence[str]
) -> list[tuple[str, str, str, list[str]]]:
    """List the parts of one cluster: split, key, label, codes."""
    codes = units["insee_code"].tolist()
    name = units["name"].iloc[0]
    parts = [("cluster", units["cluster_id"].iloc[0], name, codes)] if "cluster" in splits else []
    if "epci" in splits and units["epci_siren"].nunique(dropna=False) > 1:
        parts += [
            ("epci", str(siren), str(group["epci_name"].iloc[0]), group["insee_code"].tolist())
            for siren, group in units.groupby("epci_siren", sort=False)
        ]
    if "unit" in splits and len(units) > 1:
        parts += [("unit", code, label, [code]) for code, label in zip(units["insee_code"], units["name"], strict=True)]
    together = units[units["insee_code"].isin(chosen)]
    if len(together):
        names = ", ".join(together["name"])
        parts.append(("chosen", "+".join(together["insee_code"]), names, together["insee_code"].tolist()))
    return parts


def _white(codes: Sequence[str], zones: Clusters) -> None:
    known = set(zones.units["insee_code"])
    covered = [code for code in codes if code not in known]
    if covered:
        raise UsageError(
            _("{value} is not a white unit of the scope").format(value=", ".join(covered)),
            fix=_("see them with `cptsgeo white-zones`"),
            where="--units",
        )


def _known(given: Sequence[str], choices: Sequence[str], where: str) -> None:
    unknown = [word for word in given if word not in choices]
    if unknown or not given:
        raise UsageError(
            _("{value} is not a choice here").format(value=", ".join(unknown) or "«»"),
            fix=_("choose one of: {choices}").format(choices=", ".join(choices)),
            where=where,
        )


def new_cpts(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    zones: Clusters,
    ground: Adjacency,
    *,
    objective: str = "euros",
    level: str = "fixed",
    scores: pd.DataFrame | None = None,
    keep: pd.Series | None = None,
    prefer: pd.Series | None = None,
    least: int = 1,
    most: int | None = None,
    cover: float = 1.0,
    cluster_ids: Sequence[str] = (),
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    on: date | None = None,
) -> Plan:
    """Fill white zones with new CPTS alone: :func:`plan` without extensions."""
    return plan(
        communes,
        perimeters,
        zones,
        ground,
        objective=objective,
        level=level,
        actions=("create",),
        scores=scores,
        keep=keep,
        prefer=prefer,
        least=least,
        most=most,
        cover=cover,
        cluster_ids=cluster_ids,
        seed=seed,
        time_limit=time_limit,
        on=on,
    )


def plan(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    zones: Clusters,
    ground: Adjacency,
    *,
    objective: str = "euros",
    level: str = "fixed",
    actions: Sequence[str] = ACTIONS,
    scores: pd.DataFrame | None = None,
    keep: pd.Series | None = None,
    prefer: pd.Series | None = None,
    least: int = 1,
    most: int | None = None,
    cover: float = 1.0,
    cluster_ids: Sequence[str] = (),
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    on: date | None = None,
) -> Plan:
    """Fill the white zones of a scope by extensions and new CPTS, at the least of a stated objective.

    Parameters
    ----------
    communes, perimeters, zones, ground
        As for :func:`extensions`.
    objective
        ``euros``: least change of the annual budget. ``need``: least euros per need-weighted inhabitant covered;
        when everything is covered this is the same plan as ``euros``. ``epci``: fewest EPCI of the white zones that
        are not whole in one CPTS.
    level
        Budget level that counts: ``functioning``, ``fixed`` or ``maximum``.
    actions
        ``extend``, ``create`` or both.
    scores
        As :func:`cptsgeo.need.need` returns them; needed by the objective ``need``.
    keep
        Zone of each unit, by ``insee_code``: EPCI or bassin de vie, for instance. The white units of one cluster
        and zone that touch go together. Each unit goes its own way when not given.
    prefer
        Zones better kept whole in one CPTS, by ``insee_code``, such as the bassins de vie: they take the place of the
        EPCI in the objective ``epci`` and in the choice among plans of equal objective. The EPCI when not given.
    least, most
        Inhabitants of a new CPTS. By default as the ACI classes: none too small, none too large.
    cover
        Least part of the white population that can be covered to cover; see :func:`cptsgeo.assignment.assign`.
    cluster_ids
        Clusters to fill; all when empty.
    seed, time_limit
        See :func:`cptsgeo.assignment.assign`.
    on
        Day of the law to apply.

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        For a choice that does not exist, or zones that depend on each other in too great a number.
    DataError
        Under the objective ``need``, for white units without a score.
    """
    _check(objective, level, actions, least, most, cover, cluster_ids, zones)
    units = zones.units
    if cluster_ids:
        units = units[units["cluster_id"].isin(cluster_ids)].reset_index(drop=True)
    need_of = need_of_units(units, scores, objective)
    block_of = blocks_of(units, ground, keep)
    look = Consequences.of(communes, perimeters, zones.units, ground, on=on)
    problem = stated(units, block_of, need_of, look, actions, least, most, level, on)
    zoned = problem if prefer is None else preferring(problem, prefer, units, block_of, perimeters)
    found = assign(zoned, objective=objective, cover=cover, seed=seed, time_limit=time_limit)
    assignments = assignment_table(units, block_of, found, problem, perimeters, cover)
    filled = filled_perimeters(perimeters, assignments, units)
    changes = changes_of(assignments, look)
    summary = summary_of(found, problem, changes, assignments)
    summary = summary.assign(zones_cut=cut(zoned, found), objective=objective, level=level, seed=seed)
    if scores is None:
        summary[["need_weighted", "euros_per_need"]] = float("nan")
    return Plan(changes, assignments, summary[list(SUMMARY)], filled)


def _check(
    objective: str,
    level: str,
    actions: Sequence[str],
    least: int,
    most: int | None,
    cover: float,
    cluster_ids: Sequence[str],
    zones: Clusters,
) -> None:
    _known([objective], OBJECTIVES, "--objective")
    _known([level], LEVELS, "--level")
    _known(actions, ACTIONS, "--actions")
    known = zones.zones["cluster_id"].tolist()
    unknown = [cluster_id for cluster_id in cluster_ids if cluster_id not in known]
    if unknown:
        raise UsageError(
            _("{value} is not a cluster of white zones").format(value=", ".join(unknown)),
            fix=_("choose among: {choices}").format(
                choices=", ".join(get_close_matches(unknown[0], known, n=5, cutoff=0.0)) or "–"
            ),
            where="--cluster",
        )
    if least < 1 or (most is not None and most < least):
        raise UsageError(
            _("a new CPTS cannot have from {least} to {most} inhabitants").format(
                least=number(least), most=_("any number of") if most is None else number(most)
            ),
            fix=_("give a least of 1 or more, and a most that is not below it"),
            where="--min-population, --max-population",
        )
    if not 0 < cover <= 1:
        raise UsageError(
            _("{value} is not a part of the white population").format(value=cover),
            fix=_("give a fraction above 0 and up to 1, such as 0.8"),
            where="--cover",
        )
