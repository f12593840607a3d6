"""The page of one layer of territories: CPTS hatched where they face several, both outlines, how the layer was made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.i18n import _, headed, ngettext, number
from cptsgeo.maps.page import map_page
from cptsgeo.maps.pages import classes_of, credits_of, notes, place
from cptsgeo.maps.theme import FACING, OUT_OF_SCOPE, WHITE_ZONE, Theme
from cptsgeo.overlap_view import FACING as FACING_TEXTS
from cptsgeo.territories import METHODS, kind_label

if TYPE_CHECKING:
    import geopandas as gpd

    from cptsgeo.overlap_view import LayerView
    from cptsgeo.results import Results


def overlap_page(results: Results, view: LayerView, *, tiles: str = "") -> str:
    """Write the page of one layer as self-contained HTML.

    Parameters
    ----------
    results
        As :func:`cptsgeo.results.compute` returns them.
    view
        One of ``results.layers``.
    tiles
        As for :func:`cptsgeo.maps.page.map_page`.
    """
    title = kind_label(view.layer.kind)
    units = _units(results, view)
    outlines = {**results.outlines, title: view.outlines}
    return map_page(
        units,
        [_theme(results, units, title)],
        title=headed(_("CPTS and territories: {layer}").format(layer=title), place(results)),
        finding=overlap_finding(view),
        facts=[(_(text), number(view.cpts[key])) for key, text in FACING_TEXTS.items() if view.cpts[key]],
        notes=[*_layer_notes(view), *notes(results)],
        credits=[*credits_of(results), *layer_credits(results, view)],
        outlines=outlines,
        shown=[_("CPTS"), title],
        extra={"territories": title},
        tiles=tiles,
    )


def overlap_file(kind: str) -> str:
    """Name the page of a layer.

    Examples
    --------
    >>> overlap_file("ght")
    'overlaps_ght.html'
    """
    return f"overlaps_{kind}.html"


def overlap_finding(view: LayerView) -> str:
    """Say in one sentence how many CPTS face several territories of a layer."""
    several = view.cpts["several"]
    words = ngettext(
        "{several} of {count} CPTS faces several territories.",
        "{several} of {count} CPTS face several territories.",
        several,
    ).format(several=number(several), count=number(sum(view.cpts.values())))
    return headed(kind_label(view.layer.kind), words)


def layer_credits(results: Results, view: LayerView) -> list[str]:
    """Name the files that a layer comes from."""
    (chosen,) = (one for one in results.study.inputs.layers if one.kind == view.layer.kind)
    files = [path.name for path in (chosen.path, chosen.names) if path is not None]
    return [
        headed(kind_label(view.layer.kind), ", ".join(files) if files else _("table of communes")),
    ]


def _units(results: Results, view: LayerView) -> gpd.GeoDataFrame:
    """Give each unit to draw its class and its territories."""
    codes = results.units["insee_code"]
    inside = results.units["stage"] != OUT_OF_SCOPE
    facing = codes.map(view.facing["facing"])
    white = facing.isna().map({True: WHITE_ZONE, False: ""}).where(inside, OUT_OF_SCOPE)
    return results.units.assign(
        facing=facing.fillna(white).astype("str"),
        territories=codes.map(view.facing["territories"]).fillna("").astype("str"),
    )


def _theme(results: Results, units: gpd.GeoDataFrame, title: str) -> Theme:
    texts = {
        **{key: _(text) for key, text in FACING_TEXTS.items()},
        WHITE_ZONE: _("White zone: no CPTS"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    present = {key: text for key, text in texts.items() if key != "empty" or (units["facing"] == key).any()}
    return Theme(
        "facing",
        title,
        _("How many territories the CPTS of the unit faces; of several CPTS, the one first in this legend."),
        classes_of(units, "facing", FACING, present, {}),
    )


def _layer_notes(view: LayerView) -> list[str]:
    methods = sorted(set(view.layer.membership["method"]))
    texts = [
        _("Territories ({layer}): {methods}.").format(
            layer=kind_label(view.layer.kind), methods="; ".join(_(METHODS.get(name, name)) for name in methods)
        ),
        _(
            "Coincides: Jaccard index by population of 0.95 or more. Within: 95 % of the inhabitants or more in one territory. Outside: 95 % or more in none. A share under 5 % outside is not told."
        ),
    ]
    if (view.layer.membership["share"] < 1).any():
        texts.append(_("A unit that a territory holds in part is drawn whole in its outline."))
    return texts
