"""The codes in the cells of result tables, in the words of a reader; files keep the codes."""

from __future__ import annotations

from collections.abc import Mapping

from cptsgeo.columns import label
from cptsgeo.i18n import N_, _
from cptsgeo.parameters import labels

WORDS: Mapping[str, Mapping[str, str]] = {
    "action": {"extend": N_("extended"), "create": N_("created"), "none": N_("stays white")},
    "cause": {
        "before": N_("state before"),
        "merger": N_("mergers"),
        "population": N_("populations"),
        "gone": N_("gone"),
        "appeared": N_("appeared"),
        "stage": N_("stage"),
        "perimeter": N_("perimeter"),
        "after": N_("state after"),
    },
    "change": {
        "gone": N_("gone"),
        "appeared": N_("appeared"),
        "stage": N_("stage"),
        "perimeter": N_("perimeter"),
        "stage+perimeter": N_("stage and perimeter"),
    },
    "counting": {"cumulative": N_("at least this stage"), "exclusive": N_("this stage and no further")},
    "headcount": {"union": N_("each inhabitant once"), "sum": N_("sum of the CPTS populations")},
    "level": {"functioning": N_("functioning"), "fixed": N_("fixed parts"), "maximum": N_("maximum")},
    "mission": {
        "functioning": N_("functioning"),
        "access": N_("access to care"),
        "pathways": N_("pathways"),
        "prevention": N_("prevention"),
        "crisis": N_("crisis"),
        "quality": N_("quality"),
        "support": N_("support"),
    },
    "objective": {"euros": N_("least euros"), "need": N_("least euros per need"), "epci": N_("fewest EPCI cut")},
    "part": {
        "functioning": N_("functioning"),
        "fixed": N_("fixed part"),
        "variable": N_("variable part"),
        "first_plan": N_("first plan"),
        "plan_update": N_("update of the plan"),
        "grave_crisis": N_("grave crisis"),
        "maximum": N_("maximum"),
        "maximum_without_unscheduled_care": N_("maximum without unscheduled care"),
    },
    "payment": {"whole": N_("paid whole"), "advance": N_("advance"), "balance": N_("balance")},
    "reason": {
        "unit_absent": N_("absent from the edition"),
        "code_ambiguous": N_("now several communes"),
        "code_unknown": N_("unknown code"),
    },
    "relation": {
        "border": N_("common border"),
        "bridge": N_("across a gap"),
        "shared_unit": N_("covers a commune of it in part"),
        "nearest": N_("the nearest, none borders it"),
    },
    "split": {
        "region": N_("région"),
        "departement": N_("département"),
        "epci": N_("EPCI"),
        "density_group": N_("density group"),
        "density_level": N_("density level"),
        "group": N_("density group"),
        "level": N_("density level"),
        "cluster": N_("whole cluster"),
        "unit": N_("commune"),
        "chosen": N_("communes chosen"),
    },
    "stage": {"any": N_("any stage"), "unknown": N_("stage unknown"), "white_zone": N_("white zone")},
    "territory": {"whole": N_("whole place"), "without_mayotte": N_("without Mayotte")},
}
"""Column to the words of its codes; what a parameter file names is in :data:`NAMED`."""

NAMED = {
    "stage": "stages",
    "stage_before": "stages",
    "stage_after": "stages",
    "density_group": "density_groups",
}
"""Column to the nomenclature that names its codes."""

LISTS = {"need_missing"}
"""Columns of names of columns, with ``; `` between."""


def in_words(value: str, column: str) -> str:
    """Say a code of a result table in the reader's language; what is not a code of that column is returned as it is.

    Examples
    --------
    >>> in_words("shared_unit", "relation"), in_words("aci_signe", "stage"), in_words("Nice", "name")
    ('couvre une de ses communes en partie', 'ACI signé', 'Nice')
    >>> in_words("apl", "need_missing")
    'APL'
    """
    if column in LISTS:
        return _("; ").join(label(name) for name in value.split("; "))
    named = labels(NAMED[column]).get(value) if column in NAMED else None
    if named is not None:
        return named
    words = WORDS.get(column, {})
    return _(words[value]) if value in words else value
