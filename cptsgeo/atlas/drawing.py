"""Small static maps as SVG: no script, no link to anywhere but the atlas, every text from data escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from cptsgeo.i18n import _
from cptsgeo.maps import land
from cptsgeo.maps.page import TERRITORY_NAMES
from cptsgeo.maps.sheet import Frame, Label, Sheet, place_labels
from cptsgeo.maps.theme import MapClass, ink
from cptsgeo.maps.topology import Floats, Ints

FINE = 10
"""Steps of an SVG unit: coordinates are whole numbers, and files small."""
LETTERS = 13.0
CROWD = 1500
"""From this many units on, borders between them are a grey veil: they are left out."""


@dataclass(frozen=True)
class Area:
    """A group of units to outline, with the page it leads to and what a pointer reads there."""

    rows: Ints
    href: str
    title: str


@dataclass(frozen=True)
class Drawing:
    """What a static map shows.

    Attributes
    ----------
    classes
        Classes with the rows to fill.
    around
        Classes with rows drawn paler, for orientation.
    areas
        Outlined groups of units.
    towns
        Name, x and y on the grid, the most important first.
    """

    classes: Sequence[tuple[MapClass, Ints]]
    around: Sequence[tuple[MapClass, Ints]] = ()
    areas: Sequence[Area] = ()
    towns: Sequence[tuple[str, float, float]] = ()


def path_data(rings: Sequence[Floats], *, closed: bool = True) -> str:
    """Write lines as the data of an SVG path, in tenths of a unit, each point from the one before it.

    Examples
    --------
    >>> path_data([np.array([[0, 0], [1, 0], [1, 2.04]])])
    'M0 0l10 0 0 20z'
    """
    parts = []
    for ring in rings:
        steps = np.rint(ring * FINE).astype(np.int64)
        moves = np.diff(steps, axis=0)
        moves = moves[(moves != 0).any(axis=1)]
        if len(moves) < (2 if closed else 1):
            continue
        line = " ".join(map(str, moves.ravel().tolist())).replace(" -", "-")
        parts.append(f"M{steps[0, 0]} {steps[0, 1]}l{line}{'z' if closed else ''}")
    return "".join(parts)


def map_svg(sheet: Sheet, drawing: Drawing, *, frames: Sequence[Frame], width: int, height: int, label: str) -> str:
    """Draw a static map.

    Parameters
    ----------
    sheet
        Units.
    drawing
        What to draw of them.
    frames
        Where, as :meth:`cptsgeo.maps.sheet.Sheet.frames` lays them out.
    width, height
        Size of the sheet.
    label
        What the map shows, for who cannot see it.
    """
    marks = "".join(_pattern(one) for one in _patterned(drawing) if one.pattern != "none")
    body = "".join(_frame(sheet, drawing, frame, number) for number, frame in enumerate(frames))
    if len(frames) > 1:
        body += "".join(_inset(frame) for frame in frames)
    return (
        f'<svg class="map" viewBox="0 0 {width * FINE} {height * FINE}" role="{"group" if drawing.areas else "img"}" '
        f'aria-label="{escape(label)}"><defs>{marks}</defs>{body}</svg>'
    )


def _patterned(drawing: Drawing) -> list[MapClass]:
    """Return each class once."""
    return list({one.key: one for one, _rows in (*drawing.classes, *drawing.around)}.values())


def _pattern(one: MapClass) -> str:
    """Write the pattern of a class: its colour, and lines or dots over it."""
    cell = 6 * FINE
    line = ink(one.color)
    lines = f'<path d="M-10 10L10-10M0 {cell}L{cell} 0M{cell - 10} {cell + 10}L{cell + 10} {cell - 10}"/>'
    back = f'<path d="M0 0L{cell} {cell}"/>'
    marks = {
        "hatch": f'<g stroke="{line}" stroke-width="9">{lines}</g>',
        "cross": f'<g stroke="{line}" stroke-width="9">{lines}{back}</g>',
        "dots": f'<circle cx="{cell // 2}" cy="{cell // 2}" r="9" fill="{line}"/>',
    }[one.pattern]
    return (
        f'<pattern id="{_pattern_id(one)}" width="{cell}" height="{cell}" patternUnits="userSpaceOnUse">'
        f'<rect width="{cell}" height="{cell}" fill="{one.color}"/>{marks}</pattern>'
    )


def _pattern_id(one: MapClass) -> str:
    return f"{one.pattern}-{one.color[1:]}"


def _fills(
    sheet: Sheet, classes: Sequence[tuple[MapClass, Ints]], frame: Frame, inside: set[int], level: int
) -> list[str]:
    """Fill the units of each class as one shape."""
    parts = []
    for one, rows in classes:
        here = np.array([row for row in rows.tolist() if row in inside], dtype=np.int64)
        data = path_data([frame.place(ring) for ring in sheet.outline(here, level)]) if len(here) else ""
        if data:
            paint = one.color if one.pattern == "none" else f"url(#{_pattern_id(one)})"
            parts.append(f'<path fill="{paint}" fill-rule="evenodd" d="{data}"/>')
    return parts


def _frame(sheet: Sheet, drawing: Drawing, frame: Frame, number: int) -> str:
    """Draw one territory: land, classes, borders, outlines and towns."""
    level = sheet.level(sheet.metres(frame))
    visible = sheet.within(frame)
    inside = set(visible.tolist())
    clip = f"frame{number}"
    box = (
        f'x="{frame.left * FINE:.0f}" y="{frame.top * FINE:.0f}" '
        f'width="{frame.width * FINE:.0f}" height="{frame.height * FINE:.0f}"'
    )
    ground = path_data([frame.place(ring) for ring in sheet.land(frame)])
    parts = [f'<path fill="{land.COLOR}" fill-rule="evenodd" d="{ground}"/>'] if ground else []
    around = _fills(sheet, drawing.around, frame, inside, level)
    parts += [f'<g opacity=".4">{"".join(around)}</g>'] if around else []
    parts += _fills(sheet, drawing.classes, frame, inside, level)
    own = np.array([row for _one, rows in drawing.classes for row in rows.tolist() if row in inside], dtype=np.int64)
    if len(own) <= CROWD:
        lines = path_data([frame.place(line) for line in sheet.borders(own, level)], closed=False)
        if lines:
            parts.append(f'<path fill="none" stroke="#fff" stroke-width="5" d="{lines}"/>')
    for area in drawing.areas:
        here = np.array([row for row in area.rows.tolist() if row in inside], dtype=np.int64)
        data = path_data([frame.place(ring) for ring in sheet.outline(here, level)]) if len(here) else ""
        if data:
            shape = f'<path class="area" d="{data}"><title>{escape(area.title)}</title></path>'
            parts.append(
                f'<a href="{escape(area.href)}" aria-label="{escape(area.title)}">{shape}</a>' if area.href else shape
            )
    parts += [_town(label) for label in town_labels(drawing.towns, frame)]
    return f'<clipPath id="{clip}"><rect {box}/></clipPath><g clip-path="url(#{clip})">{"".join(parts)}</g>'


def _inset(frame: Frame) -> str:
    """Name a territory that has its own scale, above its map."""
    name = escape(_(TERRITORY_NAMES[frame.territory]))
    x, y = round((frame.left + 6) * FINE), round((frame.top + 16) * FINE)
    return f'<text class="inset" x="{x}" y="{y}">{name}</text>'


def town_labels(
    towns: Sequence[tuple[str, float, float]], frame: Frame, *, letters: float = LETTERS, most: int = 9
) -> list[Label]:
    """Place the names of the towns that a frame shows."""
    west, north, east, south = frame.shown
    here = [town for town in towns if west < town[1] < east and north < town[2] < south]
    if not here:
        return []
    places = frame.place(np.array([town[1:] for town in here]))
    bounds = (frame.left, frame.top, frame.left + frame.width, frame.top + frame.height)
    named = [(town[0], float(x), float(y)) for town, (x, y) in zip(here, places, strict=True)]
    return place_labels(named, size=letters, bounds=bounds, most=most)


def _town(label: Label) -> str:
    shift = 0.6 * LETTERS if label.anchor == "start" else -0.6 * LETTERS
    x, y = round(label.x * FINE), round(label.y * FINE)
    return (
        f'<circle class="town" cx="{x}" cy="{y}" r="22"/>'
        f'<text class="town" x="{round((label.x + shift) * FINE)}" y="{y + 45}" text-anchor="{label.anchor}">'
        f"{escape(label.text)}</text>"
    )
