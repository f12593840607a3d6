"""The map of access before and after a hazard: for each kind, how far the nearest open resource is, and who loses it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from cptsgeo.access import BY_ROAD
from cptsgeo.i18n import _, headed, ngettext, number
from cptsgeo.maps.page import map_page
from cptsgeo.maps.theme import MapClass, Style, Theme
from cptsgeo.parameters import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd

PARTS = (0.25, 0.5, 1.0, 2.0)
"""Bounds of the classes, as parts of the limit."""

NONE, LOST, UNKNOWN = "none", "lost", "unknown"
KINDS_SHOWN = 6
STEPS: Mapping[str, Style] = MappingProxyType(
    {
        "0": Style("#e3eef7"),
        "1": Style("#b5d3e7"),
        "2": Style("#6fa8cf"),
        "3": Style("#2c6da8"),
        "4": Style("#123a6b"),
        NONE: Style("#4a4a4a", "cross"),
        LOST: Style("#f7b267", "hatch"),
        UNKNOWN: Style("#f1f0ee", "dots"),
    }
)


def access_page(
    change: pd.DataFrame,
    units: gpd.GeoDataFrame,
    *,
    title: str,
    notes: Sequence[str],
    credits: Sequence[str],  # noqa: A002
) -> str:
    """Write the map of access before and after a hazard.

    Parameters
    ----------
    change
        As :func:`cptsgeo.access.before_after` returns it, one row per unit and kind.
    units
        As for :func:`cptsgeo.maps.page.map_page`, without themes.
    title
        Heading.
    notes, credits
        Lines of the footer.

    Returns
    -------
    str
        A page with two themes, before and after, for each of the :data:`KINDS_SHOWN` kinds that most inhabitants lose.
    """
    people = change["insee_code"].map(units.set_index("insee_code")["population"]).astype("int64")
    lost = people.where(change["loses_access"].fillna(False).astype("bool"), 0)
    losers = lost.groupby(change["kind"]).sum().sort_values(ascending=False, kind="stable")
    kinds = losers.index[:KINDS_SHOWN].tolist()
    themes = []
    for kind in kinds:
        one = change[change["kind"] == kind].set_index("insee_code")
        for moment in ("before", "after"):
            key = f"{moment}_{kind}"
            units = units.assign(**{key: units["insee_code"].map(_classes(one, moment)).fillna(UNKNOWN)})
            themes.append(_theme(key, kind, moment, units, one))
    worst = kinds[0]
    text = ngettext(
        "{kind}: {count} inhabitant loses access (beyond {limit}, or none left)",
        "{kind}: {count} inhabitants lose access (beyond {limit}, or none left)",
        int(losers[worst]),
    )
    limit = _bounds(change)[PARTS.index(1.0)]
    return map_page(
        units,
        themes,
        title=headed(title, _("access before and after the hazard")),
        finding=text.format(kind=labels("resource_kinds")[worst], count=number(int(losers[worst])), limit=limit),
        facts=[(labels("resource_kinds")[kind], number(int(losers[kind]))) for kind in kinds],
        notes=[_("The figures beside the kinds are the inhabitants who lose access."), *notes],
        credits=credits,
        start=f"after_{worst}",
    )


def _classes(one: pd.DataFrame, moment: str) -> pd.Series:
    """Give each unit its class: the step of its distance, none left, or access lost."""
    steps = [part * one["limit"].iloc[0] for part in PARTS]
    values = one[moment]
    rank = sum((values > step).astype("int64") for step in steps)
    found = pd.Series(rank, index=one.index).astype("str").mask(values.isna(), NONE)
    if moment == "after":
        found = found.mask(one["loses_access"].fillna(False).astype("bool"), LOST)
    return found.mask(one["loses_access"].isna(), UNKNOWN)


def _bounds(change: pd.DataFrame) -> list[str]:
    """Write the bounds of the classes, with their unit."""
    limit = float(change["limit"].iloc[0])
    unit = _("min") if change["measure"].iloc[0] == BY_ROAD else _("km")
    return [f"{number(part * limit, 1)} {unit}" for part in PARTS]


def _theme(key: str, kind: str, moment: str, units: gpd.GeoDataFrame, one: pd.DataFrame) -> Theme:
    """Name the classes of one kind at one moment, with what each counts."""
    by_road = one["measure"].iloc[0] == BY_ROAD
    bounds = _bounds(one)
    texts = {
        "0": _("up to {bound}").format(bound=bounds[0]),
        **{
            str(at): _("{lower} to {upper}").format(lower=bounds[at - 1], upper=bounds[at])
            for at in range(1, len(PARTS))
        },
        str(len(PARTS)): _("beyond {bound}").format(bound=bounds[-1]),
        NONE: _("none open"),
        LOST: _("loses access: beyond {bound}, or none left").format(bound=bounds[2]),
        UNKNOWN: _("not known"),
    }
    counted = units.groupby(key)["population"].agg(["size", "sum"])
    name = labels("resource_kinds")[kind]
    heading = _("Before: {kind}") if moment == "before" else _("After: {kind}")
    measure = (
        _("Minutes by car to the nearest open one; the roads themselves are taken for open.")
        if by_road
        else _("Kilometres in a straight line to the nearest open one.")
    )
    return Theme(
        key,
        heading.format(kind=name),
        measure,
        tuple(
            MapClass(
                one_key,
                text,
                STEPS[one_key].color,
                STEPS[one_key].pattern,
                int(counted["size"].get(one_key, 0)),
                int(counted["sum"].get(one_key, 0)),
            )
            for one_key, text in texts.items()
            if one_key in counted.index or one_key in {"0", "1", "2", "3", "4"}
        ),
    )
