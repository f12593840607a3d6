"""The tables of a plan: who takes each white unit, what each CPTS becomes, what it comes to, the perimeters after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.adjacency import connected
from cptsgeo.assignment import Assignment, Problem, cut, needed, paid
from cptsgeo.consequences import COLUMNS, Consequences
from cptsgeo.funding import LEVELS
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.perimeters import Perimeters
from cptsgeo.programme import possible_new, tried_new

if TYPE_CHECKING:
    import pandas as pd

ACTIONS = ("extend", "create")


def changes_in_words(summary: pd.Series) -> str:
    """Say how many CPTS the plan of a row of ``plan_summary`` extends and creates.

    Examples
    --------
    >>> import pandas as pd
    >>> changes_in_words(pd.Series({"extended_count": 6, "created_count": 0}))
    '6 CPTS étendues'
    """
    extended, created = int(summary["extended_count"]), int(summary["created_count"])
    said = [
        ngettext("{count} CPTS extended", "{count} CPTS extended", extended).format(count=number(extended)),
        ngettext("{count} CPTS created", "{count} CPTS created", created).format(count=number(created)),
    ]
    kept = [text for text, count in zip(said, (extended, created), strict=True) if count]
    return _(" and ").join(kept) or _("no CPTS extended or created")


def assignment_table(
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
    reasons = {one: _reason(one, problem, cover) for one in sorted(set(block) - taker.keys())}
    table["action"] = ["extend" if one in found.extended else "create" if one in taker else "none" for one in block]
    table["cpts_id"] = [taker.get(one, "") for one in block]
    table["cpts_name"] = [name_of.get(cpts_id, "") for cpts_id in table["cpts_id"]]
    table["why_white"] = [reasons.get(one, "") for one in block]
    table = table.astype({"action": "str", "cpts_id": "str", "cpts_name": "str", "why_white": "str"})
    columns = "insee_code name cluster_id population_white action cpts_id cpts_name why_white"
    return table[columns.split()]


def _reason(block: str, problem: Problem, cover: float) -> str:
    """Say why a block stays white."""
    part = next(part for part in connected(sorted(problem.white), problem.links) if block in part)
    touched = any(beside.keys() & set(part) for beside in problem.touches.values())
    total = sum(problem.white[one] for one in part)
    reasons = []
    if touched or (problem.creates and cover < 1 and total >= problem.least):
        return _("left out: the part of the population to cover is reached without it")
    reasons.append(_("no CPTS borders the zone") if problem.extends else _("extensions were not asked for"))
    if not problem.creates:
        reasons.append(_("new CPTS were not asked for"))
    elif total < problem.least:
        reasons.append(
            _("the zone has {population} inhabitants, fewer than the {least} that a new CPTS must have").format(
                population=number(total), least=number(problem.least)
            )
        )
    elif problem.most is not None and problem.white[block] > problem.most:
        reasons.append(
            _("{population} inhabitants go together here, more than the {most} that a new CPTS may have").format(
                population=number(problem.white[block]), most=number(problem.most)
            )
        )
    else:
        tried = tried_new(problem, part)
        text = (
            _("no division of the zone into connected CPTS of {least} to {most} inhabitants covers more people")
            if tried == possible_new(problem, part)
            else _(
                "no division of the zone into connected CPTS of {least} to {most} inhabitants, up to {count} of them, was found to cover more people"
            )
        )
        most = "∞" if problem.most is None else number(problem.most)
        reasons.append(text.format(least=number(problem.least), most=most, count=number(tried)))
    return _("; ").join(reasons)


def filled_perimeters(perimeters: Perimeters, assignments: pd.DataFrame, units: pd.DataFrame) -> Perimeters:
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
        None if (known := perimeters.fragments) is None else known[~known["insee_code"].isin(added["insee_code"])],
    )


def changes_of(assignments: pd.DataFrame, look: Consequences) -> pd.DataFrame:
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


def summary_of(found: Assignment, problem: Problem, changes: pd.DataFrame, assignments: pd.DataFrame) -> pd.DataFrame:
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
            "objective_gap": (found.value - found.bound) / found.value if found.value > 0 else 0.0,
        },
        index=[0],
    )


def planned_units(units: pd.DataFrame, assignments: pd.DataFrame | None) -> pd.DataFrame:
    """Say of each unit what a plan makes of it.

    Parameters
    ----------
    units
        ``insee_code`` and ``white_zone`` (``covered``, ``out_of_scope``, or anything else for a white unit).
    assignments
        As in a :class:`cptsgeo.scenarios.Plan`; nothing where no plan was made.

    Returns
    -------
    DataFrame
        In the order of ``units``: ``insee_code``, ``plan`` (``cpts:`` and the id of the CPTS that takes in a white unit,
        ``white_zone`` where none does, else ``covered`` or ``out_of_scope``) and ``plan_label`` (name of that CPTS, or
        why none; empty but for white units).
    """
    white = ~units["white_zone"].isin(["covered", "out_of_scope"])
    table = units[["insee_code"]].assign(plan=units["white_zone"].mask(white, "white_zone"), plan_label="")
    table = table.astype({"plan": "str", "plan_label": "str"})
    if assignments is not None:
        inside = table["insee_code"].isin(assignments["insee_code"])
        found = assignments.set_index("insee_code").loc[table.loc[inside, "insee_code"]]
        taken = found["action"] != "none"
        table.loc[inside, "plan"] = ("cpts:" + found["cpts_id"]).where(taken, "white_zone").to_numpy()
        table.loc[inside, "plan_label"] = found["cpts_name"].where(taken, found["why_white"]).to_numpy()
    return table


def membership_list(perimeters: Perimeters) -> pd.DataFrame:
    """Write perimeters as one list that :func:`cptsgeo.perimeters.read_perimeters` reads back as they are.

    Parameters
    ----------
    perimeters
        CPTS and membership, such as those of a :class:`Plan`.

    Returns
    -------
    DataFrame
        One row per CPTS and unit, sorted: ``cpts_id``, ``cpts_name``, ``stage``, ``insee_code``, ``share`` (as text,
        with all its digits).
    """
    table = perimeters.membership[["cpts_id", "insee_code", "share"]].merge(
        perimeters.cpts[["cpts_id", "cpts_name", "stage"]], on="cpts_id", how="left", validate="many_to_one"
    )
    table["share"] = table["share"].map(repr).astype("str")
    return table[["cpts_id", "cpts_name", "stage", "insee_code", "share"]]
