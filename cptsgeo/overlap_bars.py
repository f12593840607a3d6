"""A bar figure of how CPTS divide between the territories of a layer, for print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.errors import UsageError
from cptsgeo.files import whole_file
from cptsgeo.i18n import _, number, percent
from cptsgeo.overlaps import OUTSIDE
from cptsgeo.territories import kind_label

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

FORMATS = (".svg", ".png", ".pdf")
SHOWN_CPTS = 60
LABEL_FROM = 0.08
OUTSIDE_COLOUR = "#d9d9d9"
INCH_PER_BAR = 0.28


def overlap_bars(table: pd.DataFrame, layer: str) -> Figure:
    """Draw one bar per CPTS, divided between the territories of a layer; the most divided first.

    Parameters
    ----------
    table
        As :func:`cptsgeo.overlaps.overlaps` returns it.
    layer
        Kind of the layer.

    Returns
    -------
    Figure
        Horizontal bars of the divided shares, which sum to 1; grey and hatched for what lies outside the layer. At
        most 60 CPTS: the title says how many are not shown.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    rows = table[(table["layer"] == layer) & table["share_divided"].notna()]
    spread = (rows["share_divided"] ** 2).groupby(rows["cpts_id"]).sum().rename("spread").reset_index()
    order = spread.sort_values(["spread", "cpts_id"])["cpts_id"].tolist()
    shown = order[:SHOWN_CPTS]
    wide = rows.pivot(index="cpts_id", columns="territory_id", values="share_divided").reindex(shown).fillna(0.0)
    present = [name for name in sorted(set(wide.columns) - {OUTSIDE}) if wide[name].any()]
    names = rows.drop_duplicates("territory_id").set_index("territory_id")["territory_name"]
    labels = rows.drop_duplicates("cpts_id").set_index("cpts_id")["cpts_name"]
    figure = Figure(figsize=(9.0, max(2.5, 1.4 + INCH_PER_BAR * len(shown))), layout="constrained")
    axes = figure.add_subplot()
    palette = colormaps["tab20"]
    left = wide[wide.columns[:0]].sum(axis="columns")
    for position, territory in enumerate([*present, *({OUTSIDE} & set(wide.columns))]):
        outside = territory == OUTSIDE
        axes.barh(
            range(len(shown)),
            wide[territory],
            left=left,
            color=OUTSIDE_COLOUR if outside else palette(position % palette.N),
            hatch="//" if outside or position >= palette.N else None,
            edgecolor="white",
            label=names[territory],
        )
        for row, share in enumerate(wide[territory]):
            if share >= LABEL_FROM:
                axes.text(left.iloc[row] + share / 2, row, percent(share, 0), ha="center", va="center", fontsize=7)
        left = left + wide[territory]
    axes.set_yticks(range(len(shown)), [labels[name] for name in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _position: percent(share, 0)))
    axes.set_xlabel(_("part of the population of the CPTS"))
    hidden = len(order) - len(shown)
    title = _("CPTS by {layer}").format(layer=kind_label(layer))
    axes.set_title(
        title + "\n" + _("the {count} least divided CPTS are not shown").format(count=number(hidden))
        if hidden
        else title,
        fontsize=10,
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=7, frameon=False)
    return figure


def write_overlap_bars(table: pd.DataFrame, layer: str, path: Path, *, overwrite: bool = False) -> None:
    """Write :func:`overlap_bars` to a file, identical bytes for identical tables.

    Raises
    ------
    UsageError
        For a format that is not SVG, PNG or PDF.
    FileError
        When the file exists, or cannot be written.
    """
    import matplotlib

    form = path.suffix.lower()
    if form not in FORMATS:
        raise UsageError(
            _("{form!r} is not a format of figures").format(form=form),
            fix=_("choose one of: {choices}").format(choices=", ".join(FORMATS)),
            where=str(path),
        )
    undated = {".svg": {"Date": None}, ".png": {"Software": None}, ".pdf": {"CreationDate": None}}[form]
    with whole_file(path, overwrite=overwrite) as part, matplotlib.rc_context({"svg.hashsalt": "cptsgeo"}):
        overlap_bars(table, layer).savefig(part, format=form[1:], metadata=undated, dpi=150)
