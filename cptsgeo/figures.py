"""Figures that stand alone: SVG, the same bytes for the same table."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING

from cptsgeo.i18n import _, day, percent
from cptsgeo.paper import drawing_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SIZE_INCHES = (8.0, 4.5)
STYLES = {
    "any": ("#1b1b1b", "-", "o"),
    "lettre_intention": ("#0072b2", "--", "s"),
    "projet_valide": ("#b35c00", "-.", "^"),
    "aci_signe": ("#009e73", ":", "D"),
}
"""Colour, line and mark of each definition: a reader who sees no colour tells them by line and mark."""


def series_svg(series: pd.DataFrame, *, title: str = "") -> str:
    """Draw coverage rates over time, one line per definition, each value written at its point.

    Parameters
    ----------
    series
        As :func:`cptsgeo.snapshots.series` returns it.
    title
        Heading of the figure; a general one when not given.

    Returns
    -------
    str
        An SVG document without script nor link.
    """
    from matplotlib.figure import Figure

    with drawing_style():
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        draw_series(axes, series)
        axes.set_title(title or _("Population covered by a CPTS"))
        text = io.StringIO()
        about = {"Date": None, "Creator": "cptsgeo", "Title": axes.get_title()}
        figure.savefig(text, format="svg", metadata=about)
    return text.getvalue()


def draw_series(axes: Axes, series: pd.DataFrame, *, size: float = 10.0) -> None:
    """Draw coverage rates over time on axes, with letters of a size in points."""
    from matplotlib.ticker import FuncFormatter

    for stage, group in series.groupby("stage", sort=False):
        colour, line, mark = STYLES[str(stage)]
        days = [date.fromisoformat(text).toordinal() for text in group["day"]]
        axes.plot(
            days,
            group["coverage_rate"],
            color=colour,
            linestyle=line,
            marker=mark,
            label=group["definition"].iloc[0],
        )
        for when, rate in zip(days, group["coverage_rate"], strict=True):
            if rate == rate:
                axes.annotate(
                    percent(rate),
                    (when, rate),
                    textcoords="offset points",
                    xytext=(0, 0.6 * size),
                    ha="center",
                    fontsize=size,
                )
    axes.set_ylim(0, 1.08)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: percent(value, 0)))
    days_shown = sorted(set(series["day"]))
    axes.set_xticks([date.fromisoformat(text).toordinal() for text in days_shown])
    axes.set_xticklabels([day(date.fromisoformat(text)) for text in days_shown], rotation=20, ha="right")
    axes.tick_params(labelsize=size)
    axes.grid(axis="y", color="#d0d0d0", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=size)
