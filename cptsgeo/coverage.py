"""Coverage rates: who lives in a CPTS, by stage, unit, EPCI, département, région and scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import among
from cptsgeo.errors import UsageError
from cptsgeo.i18n import N_, _
from cptsgeo.perimeters import STAGES, Perimeters

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN_RANK = -1

GROUPS = {
    "scope": None,
    "region": ("region_code", "region_name"),
    "departement": ("departement_code", "departement_name"),
    "epci": ("epci_siren", "epci_name"),
    "unit": ("insee_code", "name"),
}


class Definition(NamedTuple):
    """Say which CPTS count in a rate.

    Attributes
    ----------
    counting
        ``cumulative``: at least the stage; ``exclusive``: the most advanced stage of the unit is that one.
    stage
        A stage, ``any`` (every CPTS of the list, its stage known or not) or ``unknown``.
    label
        The definition in words, to be translated.
    """

    counting: str
    stage: str
    label: str


DEFINITIONS = (
    Definition("cumulative", "any", N_("in a CPTS, whatever its stage")),
    Definition("cumulative", "lettre_intention", N_("in a CPTS with at least a letter of intent")),
    Definition("cumulative", "projet_valide", N_("in a CPTS with at least a validated health project")),
    Definition("cumulative", "aci_signe", N_("in a CPTS whose ACI is signed")),
    Definition("exclusive", "pre_projet", N_("most advanced stage: early project")),
    Definition("exclusive", "lettre_intention", N_("most advanced stage: letter of intent")),
    Definition("exclusive", "projet_valide", N_("most advanced stage: validated health project")),
    Definition("exclusive", "aci_signe", N_("most advanced stage: ACI signed")),
    Definition("exclusive", "unknown", N_("only in CPTS whose stage is unknown")),
)


def inhabitants(population: pd.Series, share: pd.Series) -> pd.Series:
    """Return a share of populations in whole inhabitants, halves up, whatever the order in which shares were added.

    Examples
    --------
    >>> import pandas as pd
    >>> inhabitants(pd.Series([3, 3, 3]), pd.Series([0.5, 0.1 + 0.2 + 0.2, 0.2 + 0.2 + 0.1])).tolist()
    [2, 2, 2]
    """
    import numpy as np

    exact = (population * share).astype("float64").round(6)
    return np.floor(exact + 0.5).astype("int64")


def unit_coverage(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """Say of each unit which CPTS it is in, the most advanced stage among them, and how many inhabitants they cover.

    A unit in several CPTS counts once: its covered share is the sum of the shares, up to the whole, or that of its
    distinct fragments where drawn perimeters overlap inside it.

    Parameters
    ----------
    communes
        Units, as :func:`cptsgeo.communes.read_communes` returns them; only these are in the result.
    perimeters
        CPTS and membership.

    Returns
    -------
    DataFrame
        The columns of ``communes``, its order and index, and: ``cpts`` (names, sorted, ``; `` between them),
        ``cpts_count``, ``stage`` (the most advanced known one, ``unknown``, or ``white_zone`` where there is no
        CPTS), ``population_covered``, ``population_white`` (their sum is ``population``), then one column
        ``covered_<stage>`` per stage (inhabitants in a CPTS of at least that stage) and one ``undecided_<stage>``
        (inhabitants whom CPTS of unknown stage would add to it if they had reached it).
    """
    import numpy as np
    import pandas as pd

    stage_rank = {stage: rank for rank, stage in enumerate(STAGES)}
    cpts = perimeters.cpts.set_index("cpts_id")
    ranks = cpts["stage"].astype("object").map(stage_rank).fillna(UNKNOWN_RANK).astype("int64")
    members = perimeters.membership.assign(
        cpts_name=perimeters.membership["cpts_id"].map(cpts["cpts_name"]),
        rank=perimeters.membership["cpts_id"].map(ranks),
    )
    members = members[among(members["insee_code"], communes["insee_code"])]
    grouped = members.groupby("insee_code")
    units = communes.assign(
        cpts=communes["insee_code"].map(_joined_names(members)).astype("object").fillna("").astype("str"),
        cpts_count=communes["insee_code"].map(grouped.size()).fillna(0).astype("int64"),
    )
    best = communes["insee_code"].map(grouped["rank"].max())
    words = {UNKNOWN_RANK: "unknown", **{rank: stage for stage, rank in stage_rank.items()}}
    units["stage"] = best.map(words, na_action="ignore").fillna("white_zone").astype("str")

    parts = perimeters.parts()
    parts["rank"] = parts["cpts_id"].map(ranks)
    parts["place"] = pd.Index(communes["insee_code"]).get_indexer(parts["insee_code"])
    parts = parts[parts["place"] >= 0]
    unknown = parts["rank"] == UNKNOWN_RANK

    def covered(counting: pd.Series) -> pd.Series:
        once = parts[counting].drop_duplicates("part")
        share = np.bincount(once["place"], once["share"], minlength=len(communes))
        return inhabitants(communes["population"], pd.Series(share, communes.index).clip(upper=1))

    units["population_covered"] = covered(parts["rank"] >= UNKNOWN_RANK)
    units["population_white"] = units["population"].astype("int64") - units["population_covered"]
    for stage, rank in stage_rank.items():
        reached = parts["rank"] >= rank
        units[f"covered_{stage}"] = covered(reached)
        units[f"undecided_{stage}"] = covered(reached | unknown) - units[f"covered_{stage}"]
    return units


def _joined_names(members: pd.DataFrame) -> pd.Series:
    """Write the names of each unit's CPTS, sorted, by ``insee_code``; most units have one, and need no joining."""
    import pandas as pd

    several = members["insee_code"].duplicated(keep=False)
    joined = members[several].sort_values("cpts_name").groupby("insee_code")["cpts_name"].agg("; ".join)
    return pd.concat([members[~several].set_index("insee_code")["cpts_name"], joined.astype("object")])


def coverage(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    *,
    in_scope: pd.Series | None = None,
    by: str = "scope",
    areas_km2: pd.Series | None = None,
) -> pd.DataFrame:
    """Compute coverage rates under every definition, for each group of units.

    Parameters
    ----------
    communes
        Units, as :func:`cptsgeo.communes.read_communes` returns them.
    perimeters
        CPTS and membership.
    in_scope
        Booleans on the index of ``communes``; units outside are in no rate. All of them are in when not given.
    by
        ``scope``, ``region``, ``departement``, ``epci`` or ``unit``.
    areas_km2
        Areas by ``insee_code``, where outlines are known.

    Returns
    -------
    DataFrame
        One row per group and definition, groups sorted by code, definitions in the order of :data:`DEFINITIONS`:
        ``code``, ``name``, ``counting``, ``stage``, ``definition`` (in words), ``population``,
        ``population_covered``, ``coverage_rate`` (fraction of 1; missing where nobody lives), ``units``,
        ``units_covered``, ``units_outside_scope`` (units of the group that the scope leaves out),
        ``population_stage_unknown`` (what CPTS of unknown stage would add to a threshold if they met it: the rate
        is a lower bound where it is not 0), and with ``areas_km2`` also ``area_km2``, ``area_covered_km2`` (missing
        where no area of the group is known) and ``units_without_area``. A list where no stage is known has only the rows of ``any`` and ``unknown``.

    Notes
    -----
    ``coverage_rate = population_covered / population``. A unit in two CPTS counts once. Under an exclusive
    definition a unit belongs to its most advanced stage, so the exclusive rows sum to ``any``.

    Raises
    ------
    UsageError
        For an unknown ``by``.
    """
    import pandas as pd

    if by not in GROUPS:
        raise UsageError(
            _("{by!r} is not a level of results").format(by=by),
            fix=_("choose one of: {choices}").format(choices=", ".join(GROUPS)),
            where="--by",
        )
    inside = pd.Series(True, index=communes.index) if in_scope is None else in_scope
    units = unit_coverage(communes[inside], perimeters)
    units["area"] = units["insee_code"].map(areas_km2).astype("float64") if areas_km2 is not None else float("nan")
    code, name = _group_keys(units, by)
    outside = _group_keys(communes[~inside], by)[0].value_counts() if GROUPS[by] else {}
    known = perimeters.cpts["stage"].notna().any()
    parts = []
    for order, definition in enumerate(DEFINITIONS):
        if not known and definition.stage not in {"any", "unknown"}:
            continue
        met = _met(units, definition)
        frame = pd.DataFrame(
            {
                "code": code,
                "name": name,
                "population": units["population"].astype("int64"),
                "population_covered": _covered(units, definition),
                "units": 1,
                "units_covered": met,
                "population_stage_unknown": _undecided(units, definition),
                "area_km2": units["area"],
                "area_covered_km2": units["area"].where(met | units["area"].isna(), 0.0),
                "units_without_area": units["area"].isna(),
            }
        )
        table = frame.groupby(["code", "name"], as_index=False).sum(min_count=1)
        parts.append(
            table.assign(
                order=order, counting=definition.counting, stage=definition.stage, definition=_(definition.label)
            )
        )
    result = pd.concat(parts).sort_values(["code", "order"], ignore_index=True)
    result["coverage_rate"] = (result["population_covered"] / result["population"]).where(result["population"] > 0)
    result["units_outside_scope"] = result["code"].map(outside).fillna(0).astype("int64")
    columns = [
        "code",
        "name",
        "counting",
        "stage",
        "definition",
        "population",
        "population_covered",
        "coverage_rate",
        "units",
        "units_covered",
        "units_outside_scope",
        "population_stage_unknown",
    ]
    if areas_km2 is not None:
        columns += ["area_km2", "area_covered_km2", "units_without_area"]
    return result[columns].astype({"units_covered": "int64"})


def _group_keys(units: pd.DataFrame, by: str) -> tuple[pd.Series, pd.Series]:
    """Return code and name of each unit's group; units in no EPCI, or no région, are a group of their own."""
    import pandas as pd

    columns = GROUPS[by]
    if columns is None:
        return pd.Series("scope", units.index), pd.Series(_("whole scope"), units.index)
    code, name = columns
    absent = _("in no EPCI") if by == "epci" else _("in no région")
    return units[code].fillna("none").astype("str"), units[name].fillna(absent).astype("str")


def _covered(units: pd.DataFrame, definition: Definition) -> pd.Series:
    """Count inhabitants under a definition; an exclusive stage is the difference of two thresholds."""
    if definition.stage == "any":
        return units["population_covered"]
    if definition.stage == "unknown":
        return units["population_covered"] - units[f"covered_{STAGES[0]}"]
    reached = units[f"covered_{definition.stage}"]
    if definition.counting == "cumulative" or definition.stage == STAGES[-1]:
        return reached
    return reached - units[f"covered_{STAGES[STAGES.index(definition.stage) + 1]}"]


def _met(units: pd.DataFrame, definition: Definition) -> pd.Series:
    """Tell of each unit whether it meets a definition, inhabited or not."""
    if definition.stage == "any":
        return units["cpts_count"] > 0
    if definition.counting == "exclusive":
        return units["stage"] == definition.stage
    return units["stage"].isin(STAGES[STAGES.index(definition.stage) :])


def _undecided(units: pd.DataFrame, definition: Definition) -> pd.Series:
    """Count the inhabitants whom only CPTS of unknown stage could bring over a threshold."""
    if definition.counting == "exclusive" or definition.stage == "any":
        return units["population_covered"] * 0
    return units[f"undecided_{definition.stage}"]
