"""Charts that planners expect: coverage by place and over time, size classes, uncovered by density."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cptsgeo.figures import draw_series
from cptsgeo.i18n import _, number, percent
from cptsgeo.maps.pages import credits_of, finding
from cptsgeo.maps.theme import DENSITIES, SIZES, STAGES
from cptsgeo.paper import drawing_style, new_figure
from cptsgeo.parameters import labels
from cptsgeo.perimeters import STAGES as STAGE_KEYS
from cptsgeo.sizes import size_labels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cptsgeo.results import Results

INK, SOFT = "#1b1b1b", "#555555"
HATCH = "/////"
MANY = 30


def coverage_chart(results: Results, *, by: str, paper: str = "a4") -> Figure:
    """Draw a bar for each région or département, its stages stacked, the best covered first.

    Parameters
    ----------
    results
        Tables of a study.
    by
        ``region`` or ``departement``.
    paper
        A key of :data:`cptsgeo.paper.PAPERS`.
    """
    shares = stage_shares(results.tables[f"coverage_by_{by}"])
    with drawing_style():
        figure, axes, unit = _sheet(results, _("Population covered, by the most advanced stage"), paper)
        size = (7.5 if len(shares) <= MANY else 250 / len(shares)) * unit
        left = shares["name"].map(lambda _name: 0.0)
        for stage in (*reversed(STAGE_KEYS), "unknown"):
            if stage not in shares or not shares[stage].gt(0).any():
                continue
            key = "stage_unknown" if stage == "unknown" else stage
            words = labels("stages").get(stage, _("Stage unknown"))
            axes.barh(
                shares["name"],
                shares[stage],
                left=left,
                color=STAGES[key].color,
                label=words,
                edgecolor="white",
                linewidth=0.3,
            )
            left = left + shares[stage]
        white = STAGES["white_zone"]
        axes.barh(
            shares["name"],
            1 - left,
            left=left,
            color=white.color,
            hatch=HATCH,
            edgecolor="#5a3a10",
            linewidth=0.0,
            label=_("White zone: no CPTS"),
        )
        for at, rate in enumerate(shares["covered"]):
            axes.text(1.01, at, percent(rate), va="center", fontsize=size, color=INK)
        _percent_axis(axes, size)
        axes.invert_yaxis()
        axes.set_ylim(len(shares) - 0.4, -0.6)
        axes.legend(ncols=3, frameon=False, fontsize=7.5 * unit, loc="upper left", bbox_to_anchor=(0, -0.06))
    return figure


def stage_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each place, the best covered first: ``name``, ``covered``, and a share for each exclusive stage.

    Places where nobody lives are left out: they have no rate.
    """
    exclusive = table[table["counting"] == "exclusive"]
    shares = exclusive.pivot(index=["code", "name"], columns="stage", values="coverage_rate")
    whole = table[(table["counting"] == "cumulative") & (table["stage"] == "any")].set_index(["code", "name"])
    shares["covered"] = whole["coverage_rate"]
    known = [stage for stage in (*STAGE_KEYS, "unknown") if stage in shares]
    if not known:
        shares["unknown"] = shares["covered"]
    shares = shares[shares["covered"].notna()].reset_index()
    return shares.sort_values(["covered", "code"], ascending=[False, True], ignore_index=True)


def chart_table(results: Results, *, by: str) -> pd.DataFrame:
    """Return what :func:`coverage_chart` draws as a table for an online chart tool, such as Datawrapper.

    Returns
    -------
    DataFrame
        One row per place, the best covered first, and headings in the reader's language: code, name, percentage (0 to
        100, one decimal) of each exclusive stage, of the white zones, and covered in all.
    """
    shares = stage_shares(results.tables[f"coverage_by_{by}"])
    words = {**labels("stages"), "unknown": _("Stage unknown")}
    table = shares[["code", "name"]].rename(columns={"code": _("Code"), "name": _("Name")})
    for stage in (*reversed(STAGE_KEYS), "unknown"):
        if stage in shares:
            table[words[stage]] = shares[stage]
    table[_("White zone: no CPTS")] = 1 - shares["covered"]
    table[_("Covered, any stage")] = shares["covered"]
    figures = list(table.columns[2:])
    return table.assign(**{column: (table[column] * 100).round(1) for column in figures})


def size_chart(results: Results, *, paper: str = "a4") -> Figure:
    """Draw how many CPTS each size class has, and how many inhabitants they count."""
    counts = results.tables["sizes"].groupby("size_class")["population"].agg(["size", "sum"])
    with drawing_style():
        figure, axes, unit = _sheet(results, _("CPTS by size class"), paper)
        for at, (key, text) in enumerate(size_labels().items()):
            cpts, population = int(counts["size"].get(int(key), 0)), int(counts["sum"].get(int(key), 0))
            axes.barh(textwrap.fill(text, 28), cpts, color=SIZES[key].color, edgecolor=SOFT, linewidth=0.4)
            words = _("{cpts} CPTS, {population} inhabitants").format(cpts=number(cpts), population=number(population))
            axes.annotate(words, (cpts, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8 * unit)
        axes.set_xlim(0, max(int(counts["size"].max() or 0), 1) * 1.45)
        _whole_axis(axes, 8 * unit)
        axes.invert_yaxis()
    return figure


def density_chart(results: Results, *, paper: str = "a4") -> Figure:
    """Draw how many inhabitants no CPTS covers, by density group."""
    table = results.tables["white_zones_by_density"]
    table = table[(table["split"] == "group") & ((table["key"] != "unknown") | (table["units"] > 0))]
    colours: Mapping[str, str] = {key: style.color for key, style in DENSITIES.items()} | {
        "unknown": DENSITIES["density_unknown"].color
    }
    with drawing_style():
        figure, axes, unit = _sheet(results, _("Inhabitants without CPTS, by density"), paper)
        for at, row in enumerate(table.itertuples(index=False)):
            axes.barh(
                textwrap.fill(str(row.label), 28),
                int(row.population_white),
                color=colours[row.key],
                hatch=HATCH,
                edgecolor="white" if row.key.startswith("urbain") else "#5a3a10",
                linewidth=0.0,
            )
            words = _("{population} inhabitants, {share} of the white zones").format(
                population=number(int(row.population_white)), share=percent(row.share_of_white)
            )
            axes.annotate(
                words,
                (int(row.population_white), at),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8 * unit,
            )
        axes.set_xlim(0, max(int(table["population_white"].max()), 1) * 1.6)
        _whole_axis(axes, 8 * unit)
        axes.invert_yaxis()
    return figure


def time_chart(results: Results, series: pd.DataFrame, *, paper: str = "a4") -> Figure:
    """Draw the coverage over time under every cumulative definition.

    Parameters
    ----------
    results
        Of the last date: its finding and its sources stand beside the chart.
    series
        As :func:`cptsgeo.snapshots.series` returns it.
    paper
        A key of :data:`cptsgeo.paper.PAPERS`.
    """
    with drawing_style():
        figure, axes, unit = _sheet(results, _("Coverage over time"), paper)
        draw_series(axes, series, size=8 * unit)
        box = axes.get_position()
        axes.set_position((0.08, box.y0, 0.86, box.height))
        axes.spines["left"].set_visible(True)
        axes.grid(visible=False, axis="x")
    return figure


def _sheet(results: Results, title: str, paper: str) -> tuple[Figure, Axes, float]:
    """Return a figure with title, finding and sources, its axes, and the size of a letter point on this paper."""
    figure = new_figure(paper)
    width, height = (side * 72 for side in figure.get_size_inches())
    unit = min(width, height) / 595
    sentence = textwrap.fill(finding(results), int(width * 0.94 / (5.4 * unit)))
    sources = textwrap.fill(" · ".join(credits_of(results)), int(width * 0.94 / (3.45 * unit)))
    figure.text(0.03, 1 - 26 * unit / height, title, fontsize=15 * unit, fontweight="bold", color=INK)
    figure.text(0.03, 1 - 36 * unit / height, sentence, fontsize=9.5 * unit, color=INK, va="top")
    figure.text(0.03, 12 * unit / height, sources, fontsize=6 * unit, color=SOFT, va="bottom")
    top = 1 - (44 + 14 * (sentence.count("\n") + 1)) * unit / height
    bottom = (75 + 8 * (sources.count("\n") + 1)) * unit / height
    axes = figure.add_axes((0.25, bottom, 0.66, top - bottom))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#dddddd", linewidth=0.5)
    return figure, axes, unit


def _percent_axis(axes: Axes, size: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter

    axes.set_xlim(0, 1)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: percent(value, 0)))
    axes.tick_params(labelsize=size, colors=INK)


def _whole_axis(axes: Axes, size: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: number(value)))
    axes.tick_params(labelsize=size, colors=INK)
