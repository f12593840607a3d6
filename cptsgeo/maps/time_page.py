"""The page of several dated states: a slider of dates, two dates on each side of a line, each unit's class at each."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cptsgeo.i18n import N_, _, day, headed, number, percent
from cptsgeo.maps.cartogram import cartogram
from cptsgeo.maps.page import map_page
from cptsgeo.maps.pages import credits_of, departement_rates, notes, place, stage_classes, warning
from cptsgeo.maps.theme import OUT_OF_SCOPE, Theme

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.results import Results

TIME, TIME_TITLE = "time.html", N_("Coverage over time")
SHOWN = 5
"""Dates among the key figures; the slider has them all."""


def time_page(results: Results, states: pd.DataFrame, rates: pd.DataFrame, *, tiles: str = "") -> str:
    """Write the page of several dated states as self-contained HTML.

    Parameters
    ----------
    results
        Of the last state.
    states
        As :func:`cptsgeo.timeline.timeline` returns them.
    rates
        As :func:`cptsgeo.snapshots.series` returns them, on the scope of the results.
    tiles
        Key of :data:`cptsgeo.maps.page.BASEMAPS`.
    """
    whole = rates[rates["stage"] == "any"].set_index("day")["coverage_rate"]
    units, themes = time_themes(results, states)
    return map_page(
        units,
        themes,
        over_time=True,
        weighted=cartogram(departement_rates(results)),
        title=headed(_(TIME_TITLE), place(results)),
        finding=_finding(results, whole),
        facts=[(_on(key), percent(rate)) for key, rate in whole.tail(SHOWN).items()],
        notes=[
            _("The communes are those of the last date: merged since then, they are covered where one of them was."),
            *notes(results),
        ],
        credits=credits_of(results),
        warning=warning(results),
        outlines=results.outlines,
        tiles=tiles,
    )


def time_themes(results: Results, states: pd.DataFrame) -> tuple[gpd.GeoDataFrame, list[Theme]]:
    """Make a theme of each date: the stage of every unit that the results draw, with the inhabitants of that day."""
    units, themes = results.units, []
    outside = units["stage"] == OUT_OF_SCOPE
    for key, state in states.groupby("day"):
        column = f"stage_{key}"
        found = state.set_index("insee_code")
        stage = units["insee_code"].map(found["stage"]).where(~outside, OUT_OF_SCOPE)
        counted = units[[]].assign(**{column: stage, "population": units["insee_code"].map(found["population"])})
        units = units.assign(**{column: stage})
        themes.append(
            Theme(
                column,
                _on(key),
                _("The most advanced stage among the CPTS of the unit, on this day."),
                stage_classes(counted, column),
            )
        )
    return units, themes


def _on(key: str) -> str:
    return day(date.fromisoformat(key))


def _finding(results: Results, rates: pd.Series) -> str:
    """Say how the rate moved from the first date to the last."""
    first, last = rates.iloc[0], rates.iloc[-1]
    if first != first or last != last or len(rates) < 2:
        return _("Coverage of {place} by CPTS.").format(place=place(results))
    points = number(abs(last - first) * 100, 1)
    sentence = (
        _(
            "From {before} to {after}, the part of the inhabitants who live in a CPTS went from {first} to {last}: up {points} points."
        )
        if last >= first
        else _(
            "From {before} to {after}, the part of the inhabitants who live in a CPTS went from {first} to {last}: down {points} points."
        )
    )
    return sentence.format(
        before=_on(rates.index[0]), after=_on(rates.index[-1]), first=percent(first), last=percent(last), points=points
    )
