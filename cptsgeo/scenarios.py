"""What would fill the white zones: extensions of CPTS, new CPTS, and plans that mix both, with their cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.adjacency import Adjacency, connected
from cptsgeo.assignment import NODE_LIMIT, OBJECTIVES, Assignment, Band, Problem, assign, cut, needed, paid
from cptsgeo.consequences import COLUMNS, Consequences
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.funding import LEVELS, annual_levels
from cptsgeo.i18n import _, number
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import CLASSES, class_floors
from cptsgeo.white_zones import Clusters

if TYPE_CHECKING:
    import pandas as pd

ACTIONS = ("extend", "create")
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
    "need_weighted",
    "euros_per_need",
    "objective_value",
    "objective_bound",
    "gap",
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
        ``population_white``, ``action`` (also ``none``), ``cpts_id``, ``cpts_name`` and ``reason`` (why it stays
        white).
    summary
        One row: ``objective``, ``level``, ``seed``, ``units_white``, ``population_white``, ``population_covered``,
        ``extended_count``, ``created_count``, ``functioning_change``, ``fixed_change``, ``maximum_change``,
        ``epci_cut``, ``need_weighted``, ``euros_per_need``, ``objective_value``, ``objective_bound`` and ``gap``.
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
    on
        Day of the law to apply.

    Returns
    -------
    DataFrame
        One row per cluster, part and CPTS, in the order of the clusters: ``cluster_id``, ``split``, ``key`` and
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
        For an unknown split.

    Notes
    -----
    The amounts are those of the class in the ACI grid, whatever the stage of the CPTS: what the contract would pay
    once signed. The centre is the mean of points inside its units, weighted by their inhabitants.
    """
    import pandas as pd

    _known(splits, SPLITS, "--by")
    look = Consequences.of(communes, perimeters, zones.units, ground, on=on)
    rows = []
    for cluster_id, units in zones.units.groupby("cluster_id", sort=False):
        for split, key, label, codes in _candidates(units, splits):
            rows += [
                {"cluster_id": cluster_id, "split": split, "key": key, "label": label, **look.extension(cpts_id, codes)}
                for cpts_id in look.beside(codes)
            ]
    table = pd.DataFrame(rows, columns=["cluster_id", "split", "key", "label", "cpts_id", "border_km", *COLUMNS])
    for column in ("cpts_name", "stage"):
        table[column] = perimeters.cpts.set_index("cpts_id")[column].reindex(table["cpts_id"]).array
    columns = ["cluster_id", "split", "key", "label", "cpts_id", "cpts_name", "stage", "border_km", *COLUMNS]
    return look.typed(table[columns])


def _candidates(units: pd.DataFrame, splits: Sequence[str]) -> list[tuple[str, str, str, list[str]]]:
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
    return parts


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
    least: int = 1,
    most: int | None = None,
    cover: float = 1.0,
    cluster_ids: Sequence[str] = (),
    seed: int = 0,
    node_limit: int = NODE_LIMIT,
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
        least=least,
        most=most,
        cover=cover,
        cluster_ids=cluster_ids,
        seed=seed,
        node_limit=node_limit,
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
    least: int = 1,
    most: int | None = None,
    cover: float = 1.0,
    cluster_ids: Sequence[str] = (),
    seed: int = 0,
    node_limit: int = NODE_LIMIT,
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
    least, most
        Inhabitants of a new CPTS. By default as the ACI classes: none too small, none too large.
    cover
        Least part of the white population that can be covered to cover; see :func:`cptsgeo.assignment.assign`.
    cluster_ids
        Clusters to fill; all when empty.
    seed, node_limit
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
    need_of = _needs(units, scores, objective)
    block_of = _blocks(units, ground, keep)
    look = Consequences.of(communes, perimeters, zones.units, ground, on=on)
    problem = _problem(units, block_of, need_of, perimeters, look, actions, least, most, level, on)
    found = assign(problem, objective=objective, cover=cover, seed=seed, node_limit=node_limit)
    assignments = _assignments(units, block_of, found, problem, perimeters, cover)
    filled = _filled(perimeters, assignments, units)
    changes = _changes(assignments, look)
    summary = _summary(found, problem, changes, assignments).assign(objective=objective, level=level, seed=seed)
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
    _known(cluster_ids or list(zones.zones["cluster_id"][:1]) or [""], [*zones.zones["cluster_id"], ""], "--cluster")
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


def _needs(units: pd.DataFrame, scores: pd.DataFrame | None, objective: str) -> pd.Series:
    """Return the score of each white unit, by code; missing when none was given."""
    if scores is None:
        if objective == "need":
            raise UsageError(
                _("the objective need asks for the need of the units"),
                fix=_("give it with --need, or choose the objective euros or epci"),
                where="--objective",
            )
        return units.set_index("insee_code")["population_white"] * float("nan")
    known = scores.set_index("insee_code")["need"].reindex(units["insee_code"])
    if objective == "need":
        names = units.set_index("insee_code")["name"]
        raise_errors(
            Finding(
                "need_unknown",
                "error",
                _("{code} ({name}) is white and has no need score: none of its components is known").format(
                    code=code, name=names[code]
                ),
                _("give at least one component for it, or choose the objective euros or epci"),
                column="need",
                value=code,
            )
            for code in known.index[known.isna()]
        )
    return known


def _blocks(units: pd.DataFrame, ground: Adjacency, keep: pd.Series | None) -> dict[str, str]:
    """Return the block of each white unit: itself, or the connected white units of its cluster and zone."""
    from cptsgeo.adjacency import neighbours

    if keep is None:
        return {code: code for code in units["insee_code"]}
    repeated = keep.index[keep.index.duplicated()]
    if len(repeated):
        raise DataError(
            _("{code} is in several zones to keep whole").format(code=", ".join(sorted(set(repeated))[:5])),
            fix=_("keep one row per unit"),
            where="--keep",
        )
    links = neighbours(ground.borders)
    zone = units["insee_code"].map(keep)
    zone = zone.where(zone.notna(), units["insee_code"])
    blocks = {}
    for _key, codes in units.groupby(["cluster_id", zone])["insee_code"]:
        for part in connected(codes.tolist(), links):
            blocks.update(dict.fromkeys(part, part[0]))
    return blocks


def _problem(
    units: pd.DataFrame,
    block_of: dict[str, str],
    need_of: pd.Series,
    perimeters: Perimeters,
    look: Consequences,
    actions: Sequence[str],
    least: int,
    most: int | None,
    level: str,
    on: date | None,
) -> Problem:
    """State the white units as blocks for the solver."""
    block = units["insee_code"].map(block_of)
    white = units.groupby(block)["population_white"].sum()
    joining = units["insee_code"].map(look.joining).groupby(block).sum()
    weighted = (units["population_white"] * units["insee_code"].map(need_of)).fillna(0.0).groupby(block).sum()
    links: dict[str, dict[str, float]] = {}
    touches: dict[str, dict[str, float]] = {}
    for code in units["insee_code"]:
        mine = block_of[code]
        for other, border in look.links.get(code, {}).items():
            if other in block_of and block_of[other] != mine:
                near = links.setdefault(mine, {})
                near[block_of[other]] = near.get(block_of[other], 0.0) + border
            for cpts_id in look.cpts_of.get(other, ()):
                beside = touches.setdefault(cpts_id, {})
                beside[mine] = beside.get(mine, 0.0) + border
        for cpts_id in look.cpts_of.get(code, ()):
            touches.setdefault(cpts_id, {}).setdefault(mine, 0.0)
    touches = touches if "extend" in actions else {}
    epci = {str(code): sorted(set(group)) for code, group in block.groupby(units["epci_siren"])}
    floors = class_floors(on=on)
    euros = annual_levels(CLASSES, on=on)[level]
    if euros.isna().any():
        raise UsageError(
            _("the ACI grid in force that day does not give the level {level}").format(level=level),
            fix=_("choose the level maximum, or a later day"),
            where="--level",
        )
    tops = [*(floor - 1 for floor in floors[1:]), None]
    return Problem(
        white={str(code): int(count) for code, count in white.items()},
        joining={str(code): int(count) for code, count in joining.items()},
        need={str(code): float(count) for code, count in weighted.items()},
        links=links,
        hosts={cpts_id: look.population[cpts_id] for cpts_id in touches},
        touches=touches,
        epci=epci,
        held={code: look.holders.get(code, frozenset()) for code in epci},
        bands=[Band(floor, top, float(amount)) for floor, top, amount in zip(floors, tops, euros, strict=True)],
        creates="create" in actions,
        least=least,
        most=most,
    )


def _assignments(
    units: pd.DataFrame,
    block_of: dict[str, str],
    found: Assignment,
    problem: Problem,
    perimeters: Perimeters,
    cover: float,
) -> pd.DataFrame:
    """Say of each white unit who takes it, or why nobody does."""
    block = units["insee_code"].map(block_of)
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    taker, name_of = dict(found.extended), {cpts_id: str(names[cpts_id]) for cpts_id in set(found.extended.values())}
    for blocks in found.created:
        ranked = units[block.isin(blocks)].sort_values(["population_white", "insee_code"], ascending=[False, True])
        head = ranked.iloc[0]
        cpts_id = f"new-{head['insee_code']}"
        taker.update(dict.fromkeys(blocks, cpts_id))
        name_of[cpts_id] = _("New CPTS ({name})").format(name=head["name"])
    table = units[["insee_code", "name", "cluster_id", "population_white"]].copy()
    table["cpts_id"] = block.map(taker).astype("str")
    extended = block.isin(found.extended)
    table["action"] = extended.map({True: "extend", False: "create"}).where(table["cpts_id"].notna(), "none")
    table["cpts_name"] = table["cpts_id"].map(name_of).astype("str")
    reasons = {one: _reason(one, problem, cover) for one in sorted(set(block[table["cpts_id"].isna()]))}
    table["reason"] = block.map(reasons).fillna("").astype("str")
    columns = "insee_code name cluster_id population_white action cpts_id cpts_name reason"
    return table[columns.split()]


def _reason(block: str, problem: Problem, cover: float) -> str:
    """Say why a block stays white."""
    part = next(part for part in connected(sorted(problem.white), problem.links) if block in part)
    touched = any(beside.keys() & set(part) for beside in problem.touches.values())
    total = sum(problem.joining[one] for one in part)
    reasons = []
    if touched or (problem.creates and cover < 1 and total >= problem.least):
        return _("left out: the part of the population to cover is reached without it")
    reasons.append(_("no CPTS that may be extended borders the zone"))
    if not problem.creates:
        reasons.append(_("new CPTS were not asked for"))
    elif total < problem.least:
        reasons.append(
            _("the zone has {population} inhabitants, fewer than the {least} that a new CPTS must have").format(
                population=number(total), least=number(problem.least)
            )
        )
    elif problem.most is not None and problem.joining[block] > problem.most:
        reasons.append(
            _("{population} inhabitants go together here, more than the {most} that a new CPTS may have").format(
                population=number(problem.joining[block]), most=number(problem.most)
            )
        )
    else:
        reasons.append(
            _("no division of the zone into connected CPTS of {least} to {most} inhabitants covers more people").format(
                least=number(problem.least), most="∞" if problem.most is None else number(problem.most)
            )
        )
    return "; ".join(reasons)


def _filled(perimeters: Perimeters, assignments: pd.DataFrame, units: pd.DataFrame) -> Perimeters:
    """Return the perimeters with the plan carried out; new CPTS have no known stage."""
    import pandas as pd

    taken = assignments[assignments["action"] != "none"]
    added = taken[["cpts_id", "insee_code"]].merge(
        units[["insee_code", "white_share"]].rename(columns={"white_share": "share"}), on="insee_code", validate="1:1"
    )
    membership = (
        pd.concat([perimeters.membership, added.assign(method="plan")])
        .groupby(["cpts_id", "insee_code"], as_index=False)
        .agg(share=("share", "sum"), method=("method", "last"))
    )
    membership["share"] = membership["share"].clip(upper=1.0)
    created = taken.loc[taken["action"] == "create", ["cpts_id", "cpts_name"]].drop_duplicates()
    stages = perimeters.cpts["stage"].cat.categories
    created = created.assign(stage=pd.Categorical([None] * len(created), categories=stages, ordered=True))
    cpts = pd.concat([perimeters.cpts, created]) if len(created) else perimeters.cpts
    return Perimeters(
        cpts.sort_values("cpts_id", ignore_index=True),
        membership.sort_values(["cpts_id", "insee_code"], ignore_index=True),
    )


def _changes(assignments: pd.DataFrame, look: Consequences) -> pd.DataFrame:
    """Describe each CPTS that the plan extends or creates."""
    import pandas as pd

    rows = []
    taken = assignments[assignments["action"] != "none"]
    for (action, cpts_id), group in taken.groupby(["action", "cpts_id"]):
        codes = group["insee_code"].tolist()
        rows.append(
            {
                "action": action,
                "cpts_id": cpts_id,
                "cpts_name": group["cpts_name"].iloc[0],
                "clusters": "; ".join(dict.fromkeys(group["cluster_id"])),
                **(look.extension(str(cpts_id), codes) if action == "extend" else look.creation(codes)),
            }
        )
    columns = ["action", "cpts_id", "cpts_name", "clusters", *COLUMNS]
    table = look.typed(pd.DataFrame(rows, columns=columns))
    order = {action: position for position, action in enumerate(ACTIONS)}
    return table.sort_values(
        ["action", "population_added", "cpts_id"],
        ascending=[True, False, True],
        key=lambda column: column.map(order) if column.name == "action" else column,
        ignore_index=True,
    )


def _summary(found: Assignment, problem: Problem, changes: pd.DataFrame, assignments: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    need, euros = needed(problem, found), paid(problem, found)
    taken = assignments["action"] != "none"
    return pd.DataFrame(
        {
            "units_white": len(assignments),
            "population_white": int(assignments["population_white"].sum()),
            "population_covered": int(assignments.loc[taken, "population_white"].sum()),
            "extended_count": int((changes["action"] == "extend").sum()),
            "created_count": int((changes["action"] == "create").sum()),
            **{f"{name}_change": changes[f"{name}_change"].sum() for name in LEVELS},
            "epci_cut": cut(problem, found),
            "need_weighted": need,
            "euros_per_need": euros / need if need > 0 else float("nan"),
            "objective_value": found.value,
            "objective_bound": found.bound,
            "gap": (found.value - found.bound) / found.value if found.value > 0 else 0.0,
        },
        index=[0],
    )
