"""Départements as squares of a grid, as large as their population: the view where a person weighs the same anywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from html import escape
from math import sqrt
from typing import TYPE_CHECKING

from cptsgeo.i18n import _, number, percent
from cptsgeo.maps.page import legend_section, marks, swatch_ink
from cptsgeo.maps.theme import RATES, MapClass, Theme, styled

if TYPE_CHECKING:
    import pandas as pd

GRID = """
..  ..  ..  ..  ..  ..  62  59  ..  ..  ..  ..
..  ..  ..  ..  ..  76  80  02  08  ..  ..  ..
..  ..  ..  50  14  27  60  51  55  54  57  ..
29  22  35  53  61  78  95  93  77  52  88  67
..  56  44  49  72  28  92  75  94  10  70  68
..  ..  85  79  37  41  91  45  89  21  25  90
..  ..  ..  17  86  36  18  58  71  39  ..  ..
..  ..  ..  16  87  23  03  42  69  01  74  ..
971 ..  33  24  19  15  63  43  07  38  73  ..
972 ..  40  47  46  12  48  30  26  05  ..  ..
973 ..  64  32  82  81  34  13  84  04  06  ..
974 ..  ..  65  31  11  ..  ..  83  ..  ..  2B
976 ..  ..  ..  09  66  ..  ..  ..  ..  ..  2A
"""
"""Where each département goes: neighbours stay neighbours where a grid lets them; the overseas stand apart."""

CELL, LARGEST, SMALLEST = 60, 57, 8
FEWEST = 4
MOST = 1.8
"""How much larger than its own units the drawing may be shown: few squares stay of a size to read."""
BOUNDS = {"low": 0.0, "half": 0.5, "most": 0.75, "nearly": 0.9, "all": 0.99}
"""Least rate of each class: the same for every place and date, so that two maps can be compared."""


@dataclass(frozen=True)
class Cartogram:
    """The view by population of a page: its drawing, its legend and its table, as HTML."""

    figure: str
    legend: str
    table: str


def places_on_grid(codes: list[str]) -> dict[str, tuple[int, int]]:
    """Return the column and the row of each département; one that the grid does not know goes into a row below.

    Examples
    --------
    >>> places_on_grid(["13", "84", "975"])
    {'13': (0, 0), '84': (1, 0), '975': (0, 2)}
    """
    known = {
        code: (column, row)
        for row, line in enumerate(GRID.split("\n")[1:])
        for column, code in enumerate(line.split())
        if code in codes
    }
    west, north = min((x for x, _y in known.values()), default=0), min((y for _x, y in known.values()), default=0)
    placed = {code: (known[code][0] - west, known[code][1] - north) for code in codes if code in known}
    below = 2 + max((y for _x, y in placed.values()), default=-2)
    others = (code for code in codes if code not in known)
    return placed | {code: (at % 12, below + at // 12) for at, code in enumerate(others)}


def rate_class(rate: float | None) -> str:
    """Return the class of a rate.

    Examples
    --------
    >>> [rate_class(rate) for rate in (0.0, 0.4999, 0.5, 0.99, 1.0, float("nan"))]
    ['low', 'low', 'half', 'all', 'all', 'unknown']
    """
    if rate is None or rate != rate:
        return "unknown"
    return [key for key, least in BOUNDS.items() if rate >= least][-1]


def cartogram(rates: pd.DataFrame) -> Cartogram | None:
    """Draw départements by population, coloured by their coverage rate.

    Parameters
    ----------
    rates
        ``code``, ``name``, ``population``, ``population_covered``, ``coverage_rate`` of each département of the scope.

    Returns
    -------
    Cartogram or None
        None for fewer than :data:`FEWEST` départements: there is nothing to weigh.
    """
    rates = rates.sort_values("code")
    if len(rates) < FEWEST:
        return None
    classes = {one.key: one for one in _classes(rates)}
    places = places_on_grid([str(code) for code in rates["code"]])
    largest = max(int(rates["population"].max()), 1)
    tiles = "".join(
        _tile(
            row.code,
            f"{row.name} ({row.code})",
            int(row.population),
            row.coverage_rate,
            classes[rate_class(row.coverage_rate)],
            places[str(row.code)],
            largest,
        )
        for row in rates.itertuples(index=False)
    )
    width, height = (CELL * (1 + max(place[axis] for place in places.values())) for axis in (0, 1))
    label = escape(
        _("Départements as squares, as large as their population, coloured by coverage rate. The table gives them.")
    )
    patterned = [one for one in classes.values() if one.pattern != "none"]
    figure = (
        f'<svg class="cg-tiles-map" viewBox="0 0 {width} {height}" style="max-width:{width * MOST}px;'
        f'max-height:{height * MOST}px" role="img" aria-label="{label}">'
        f"<defs>{''.join(map(_pattern, patterned))}</defs>{tiles}</svg>"
    )
    theme = Theme(
        "rate",
        _("Coverage rate of the département"),
        _("The area of a square is in proportion to its population. CPTS of any stage."),
        tuple(classes.values()),
    )
    return Cartogram(figure, legend_section(theme, 'class="cg-rates"', _("Départements")), _table(rates))


def _classes(rates: pd.DataFrame) -> list[MapClass]:
    """Name the classes, the best covered first, with the départements and inhabitants of each."""
    keys = [rate_class(rate) for rate in rates["coverage_rate"]]
    counts = Counter(keys)
    people: Counter[str] = Counter()
    for key, population in zip(keys, rates["population"], strict=True):
        people[key] += int(population)
    bounds = [*BOUNDS.values(), 1.0]
    texts = {}
    for at, key in reversed(list(enumerate(BOUNDS))):
        low, high = percent(bounds[at], 0), percent(bounds[at + 1], 0)
        if at == 0:
            texts[key] = _("Under {high}").format(high=high)
        elif key == "all":
            texts[key] = _("{low} or more").format(low=low)
        else:
            texts[key] = _("{low} to {high}").format(low=low, high=high)
    if counts["unknown"]:
        texts["unknown"] = _("Nobody lives there")
    return [replace(styled(RATES, key, text), units=counts[key], population=people[key]) for key, text in texts.items()]


def _tile(
    code: str, name: str, population: int, rate: float, one: MapClass, place: tuple[int, int], largest: int
) -> str:
    """Draw one département in its cell: its code, with a halo, over a large square, or above a small one."""
    side = max(SMALLEST, LARGEST * sqrt(population / largest))
    x, y = (CELL * (at + 0.5) for at in place)
    down, code_y = (0, y + 5) if side > CELL / 2 else (CELL / 6, y - CELL / 4 + 2)
    said = _("{name}: {rate}, {population} inhabitants").format(
        name=name, rate=percent(rate) if rate == rate else "–", population=number(population)
    )
    paint = one.color if one.pattern == "none" else f"url(#rate-{one.key})"
    return (
        f"<g><title>{escape(said)}</title>"
        f'<rect class="cell" x="{x - CELL / 2 + 1:g}" y="{y - CELL / 2 + 1:g}" width="{CELL - 2}" height="{CELL - 2}"/>'
        f'<rect x="{x - side / 2:.1f}" y="{y + down - side / 2:.1f}" width="{side:.1f}" height="{side:.1f}" fill="{paint}" '
        f'stroke="#1b1b1b" stroke-width=".7"/><text x="{x:g}" y="{code_y:g}">{escape(code)}</text></g>'
    )


def _pattern(one: MapClass) -> str:
    """Define the pattern of a class of the drawing."""
    return (
        f'<pattern id="rate-{one.key}" width="26" height="18" patternUnits="userSpaceOnUse">'
        f'<rect width="26" height="18" fill="{one.color}"/><g {swatch_ink(one)}>{marks(one)}</g></pattern>'
    )


def _table(rates: pd.DataFrame) -> str:
    """Write the same figures as a table."""
    heads = (_("Code"), _("Département"), _("Population"), _("Covered"), _("Coverage rate"))
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    rows = "".join(
        f'<tr><td>{escape(str(row.code))}</td><th scope="row"><bdi>{escape(str(row.name))}</bdi></th>'
        f'<td class="cg-number">{number(int(row.population))}</td>'
        f'<td class="cg-number">{number(int(row.population_covered))}</td>'
        f'<td class="cg-number">{percent(row.coverage_rate) if row.coverage_rate == row.coverage_rate else "–"}</td></tr>'
        for row in rates.itertuples(index=False)
    )
    title = escape(_("Table of the {count} départements").format(count=number(len(rates))))
    return (
        f'<section class="cg-twin cg-rates-table"><details><summary><h2>{title}</h2></summary>'
        f'<div class="cg-scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details></section>"
    )
