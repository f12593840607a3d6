"""The map on paper: classes, patterns, legend with counts, insets, scale, north and credits; text stays text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from cptsgeo.atlas.content import CLOSE, Writer
from cptsgeo.atlas.drawing import CROWD, Drawing, town_labels
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.maps import land
from cptsgeo.maps.page import TERRITORY_NAMES
from cptsgeo.maps.pages import credits_of
from cptsgeo.maps.theme import ink
from cptsgeo.paper import drawing_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline

    from cptsgeo.atlas.places import Place
    from cptsgeo.maps.sheet import Frame, Sheet
    from cptsgeo.maps.theme import MapClass
    from cptsgeo.maps.topology import Floats, Ints

HATCHES = {"none": "", "hatch": "/////", "dots": "...", "cross": "xxxx"}
INK, SOFT, SEA = "#1b1b1b", "#555555", "#e8eef1"
MARGIN = 0.035
LEGEND_SHARE = 0.27


def map_figure(writer: Writer, place: Place, *, paper: str = "a4") -> Figure:
    """Draw the map of a place for print.

    Parameters
    ----------
    writer
        What the pages of the atlas say; the figure says the same.
    place
        The whole scope, a région, a département or a CPTS.
    paper
        A key of :data:`cptsgeo.paper.PAPERS`.
    """
    with drawing_style():
        figure = new_figure(paper)
        width, height = (side * 72 for side in figure.get_size_inches())
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.axis("off")
        unit = min(width, height) / 595
        edge = MARGIN * width
        wide = width > height
        top = _heading(axes, writer, place, edge, width - 2 * edge, unit)
        foot = _credits(axes, writer, edge, width - 2 * edge, height - edge * 0.7, unit)
        column = LEGEND_SHARE * width if wide else 0.0
        below = 0.0 if wide else 0.2 * height
        room = (edge + column, top, width - 2 * edge - column, foot - top - below - 4 * unit)
        if wide:
            _legend(axes, writer, place, edge, top + 4 * unit, column - 10 * unit, unit)
        else:
            _legend(axes, writer, place, edge, top + room[3] + 8 * unit, width - 2 * edge, unit)
        _map(axes, writer, place, room, unit)
    return figure


def _heading(axes: Axes, writer: Writer, place: Place, left: float, width: float, unit: float) -> float:
    """Write title, finding and key figures; return where they end."""
    y = left * 0.8 + 16 * unit
    for line in textwrap.wrap(writer.title(place), int(width / (9.4 * unit)))[:2]:
        axes.text(left, y, line, fontsize=15 * unit, fontweight="bold", color=INK, va="baseline")
        y += 19 * unit
    for line in textwrap.wrap(writer.finding(place), int(width / (5.4 * unit))):
        axes.text(left, y, line, fontsize=9.5 * unit, color=INK, va="baseline")
        y += 13 * unit
    return y


def _credits(axes: Axes, writer: Writer, left: float, width: float, bottom: float, unit: float) -> float:
    """Write sources at the foot; return where they begin."""
    text = " · ".join([*credits_of(writer.atlas.results), land.credit()])
    lines = textwrap.wrap(text, int(width / (3.45 * unit)))
    y = bottom - 7.5 * unit * (len(lines) - 1)
    for at, line in enumerate(lines):
        axes.text(left, y + 7.5 * unit * at, line, fontsize=6 * unit, color=SOFT, va="baseline")
    return y - 9 * unit


def _legend(axes: Axes, writer: Writer, place: Place, left: float, top: float, width: float, unit: float) -> None:
    """Write the legend with the communes and inhabitants of each class, then the key figures."""
    from matplotlib.patches import Rectangle

    y = top + 9 * unit
    axes.text(left, y, _("Legend"), fontsize=9 * unit, fontweight="bold", color=INK)
    y += 6 * unit
    for one, units, population in writer.legend(place):
        axes.add_patch(Rectangle((left, y), 20 * unit, 12 * unit, **_paint(one), linewidth=0.5 * unit))
        axes.text(left + 26 * unit, y + 6.5 * unit, one.label, fontsize=7.5 * unit, color=INK, va="baseline")
        counts = ngettext(
            "{count} commune, {population} inhabitants", "{count} communes, {population} inhabitants", units
        )
        counts = counts.format(count=number(units), population=number(population))
        axes.text(left + 26 * unit, y + 15 * unit, counts, fontsize=6.5 * unit, color=SOFT, va="baseline")
        y += 22 * unit
    y += 8 * unit
    column = left
    for term, value in writer.facts(place):
        if width > 300 * unit:
            axes.text(column, y + 4 * unit, value, fontsize=10 * unit, fontweight="bold", color=INK)
            axes.text(column, y + 13 * unit, term, fontsize=6.5 * unit, color=SOFT)
            column += width / 6
            continue
        axes.text(left, y + 6 * unit, value, fontsize=10.5 * unit, fontweight="bold", color=INK)
        axes.text(left, y + 15 * unit, term, fontsize=6.8 * unit, color=SOFT)
        y += 27 * unit


def _paint(one: MapClass) -> dict[str, Any]:
    """Return how matplotlib paints a class."""
    return {
        "facecolor": one.color,
        "hatch": HATCHES[one.pattern],
        "edgecolor": ink(one.color) if one.pattern != "none" else SOFT,
    }


def _map(axes: Axes, writer: Writer, place: Place, room: tuple[float, float, float, float], unit: float) -> None:
    """Draw the frames of a place in a rectangle of the sheet."""
    sheet = writer.atlas.sheet
    drawn = place.rows[~np.isnan(sheet.boxes[place.rows, 0])]
    if not len(drawn):
        axes.text(room[0] + room[2] / 2, room[1] + room[3] / 2, _("No outline to draw."), ha="center", color=SOFT)
        return
    margin = CLOSE.get(place.kind, 0.02)
    frames = [
        replace(frame, left=frame.left + room[0], top=frame.top + room[1])
        for frame in sheet.frames(drawn, room[2], room[3], margin=margin)
    ]
    for frame in frames:
        drawing = writer.drawing(place, [frame])
        _frame(axes, sheet, drawing, frame, unit, labels=len(frames) == 1)
        if len(frames) > 1:
            name = _(TERRITORY_NAMES[frame.territory])
            axes.text(frame.left + 4 * unit, frame.top + 9 * unit, name, fontsize=6.5 * unit, color=INK)
    _scale(axes, sheet, frames[0], unit)


def _frame(axes: Axes, sheet: Sheet, drawing: Drawing, frame: Frame, unit: float, *, labels: bool) -> None:
    """Draw one territory: sea, land, neighbours, classes, borders, outlines, towns."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import PathPatch, Rectangle

    box = Rectangle(
        (frame.left, frame.top), frame.width, frame.height, facecolor=SEA, edgecolor="#c8c8c4", linewidth=0.4
    )
    axes.add_patch(box)
    ground = _shape([frame.place(ring) for ring in sheet.land(frame)])
    if ground is not None:
        patch = PathPatch(ground, facecolor=land.COLOR, edgecolor=SOFT, linewidth=0.25 * unit)
        axes.add_patch(patch).set_clip_path(box)
    level = sheet.level(sheet.metres(frame) / 3)
    inside = sheet.within(frame)
    groups = [(one, rows, 0.35) for one, rows in drawing.around] + [(one, rows, 1.0) for one, rows in drawing.classes]
    for one, rows, strength in groups:
        here = rows[np.isin(rows, inside)]
        outline = _outline(sheet, frame, here, level)
        if outline is not None:
            patch = PathPatch(outline, **_paint(one), linewidth=0.0, alpha=strength)
            axes.add_patch(patch).set_clip_path(box)
    own = np.concatenate([np.empty(0, dtype=np.int64), *(rows for _one, rows in drawing.classes)])
    own = own[np.isin(own, inside)]
    if len(own) <= CROWD:
        lines = [frame.place(line) for line in sheet.borders(own, level)]
        axes.add_collection(LineCollection(lines, colors="#ffffff", linewidths=0.35 * unit)).set_clip_path(box)
    for area in drawing.areas:
        rings = [frame.place(ring) for ring in sheet.outline(area.rows[np.isin(area.rows, inside)], level)]
        closed = [np.vstack([ring, ring[:1]]) for ring in rings]
        axes.add_collection(LineCollection(closed, colors=INK, linewidths=0.6 * unit)).set_clip_path(box)
    if labels:
        _towns(axes, drawing, frame, unit)


def _outline(sheet: Sheet, frame: Frame, rows: Ints, level: int) -> Outline | None:
    """Return the outline of some units."""
    return _shape([frame.place(ring) for ring in sheet.outline(rows, level)] if len(rows) else [])


def _shape(rings: Sequence[Floats]) -> Outline | None:
    """Return what some rings bound as one compound path, holes walked the other way round."""
    from matplotlib.path import Path as Outline

    if not rings:
        return None
    lines = shapely.node(shapely.multilinestrings([shapely.linestrings(np.vstack([ring, ring[:1]])) for ring in rings]))
    parts = shapely.get_parts(shapely.orient_polygons(shapely.build_area(lines)))
    closed = [shapely.get_coordinates(ring) for ring in shapely.get_rings(parts)]
    if not closed:
        return None
    return Outline(np.concatenate(closed), np.concatenate([_codes(len(ring)) for ring in closed]))


def _codes(count: int) -> Floats:
    from matplotlib.path import Path as Outline

    return np.array([Outline.MOVETO, *[Outline.LINETO] * (count - 2), Outline.CLOSEPOLY], dtype=Outline.code_type)


def _towns(axes: Axes, drawing: Drawing, frame: Frame, unit: float) -> None:
    """Write the names of the most populous communes where they fit."""
    size = 6.8 * unit
    for label in town_labels(drawing.towns, frame, letters=size, most=14):
        shift = 0.5 * size if label.anchor == "start" else -0.5 * size
        axes.plot(label.x, label.y, "o", markersize=2.2 * unit, color=INK, markeredgecolor="white", markeredgewidth=0.4)
        axes.text(
            label.x + shift,
            label.y,
            label.text,
            fontsize=size,
            color=INK,
            ha="left" if label.anchor == "start" else "right",
            va="center_baseline",
            bbox={"facecolor": "white", "alpha": 0.65, "linewidth": 0, "pad": 0.8 * unit},
        )


def _scale(axes: Axes, sheet: Sheet, frame: Frame, unit: float) -> None:
    """Draw the scale of the main frame, in whole kilometres, and where north is."""
    metres = sheet.metres(frame)
    longest = frame.width * 0.22 * metres / 1000
    steps: Sequence[float] = [base * 10**power for power in range(-1, 4) for base in (1, 2, 5)]
    length = max([step for step in steps if step <= longest], default=steps[0])
    across = length * 1000 / metres
    right, y = frame.left + frame.width - 10 * unit, frame.top + frame.height - 9 * unit
    axes.plot([right - across, right], [y, y], color=INK, linewidth=1.4 * unit, solid_capstyle="butt")
    text = f"{number(length, 0 if length >= 1 else 1)} km"
    axes.text(right - across / 2, y - 4 * unit, text, fontsize=6.5 * unit, ha="center", color=INK)
    axes.annotate(
        "",
        xy=(right - 4 * unit, y - 36 * unit),
        xytext=(right - 4 * unit, y - 18 * unit),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9 * unit, "mutation_scale": 7 * unit},
    )
    axes.text(right - 4 * unit, y - 38 * unit, _("N"), fontsize=7 * unit, ha="center", color=INK)
