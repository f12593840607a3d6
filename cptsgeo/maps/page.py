"""A whole map page: title, finding, figures, themes, legend, search, map, table twin, notes, in one file.

This module writes words and markup around :class:`cptsgeo.maps.commune_layer.CommuneLayer`; it computes nothing. Every text
that comes from data is escaped here, or set by the page's script as text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
from branca.element import Figure, MacroElement
from folium.template import Template

from cptsgeo.errors import UsageError
from cptsgeo.i18n import N_, _, current_language, ngettext, number
from cptsgeo.maps import land
from cptsgeo.maps.assets import own_text
from cptsgeo.maps.commune_layer import CommuneLayer, TooltipField, Verbatim, json_for_script
from cptsgeo.maps.stand_alone import self_contained
from cptsgeo.maps.theme import LINES, LineStyle, MapClass, Theme, ink

if TYPE_CHECKING:
    from cptsgeo.maps.cartogram import Cartogram

TERRITORY_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "metropole": N_("Mainland France"),
        "guadeloupe": N_("Guadeloupe"),
        "martinique": N_("Martinique"),
        "guyane": N_("French Guiana"),
        "la_reunion": N_("La Réunion"),
        "mayotte": N_("Mayotte"),
        "saint_pierre_et_miquelon": N_("Saint Pierre and Miquelon"),
        "elsewhere": N_("Elsewhere"),
    }
)
COLUMNS = (
    "insee_code",
    "name",
    "departement_code",
    "departement_name",
    "population",
    "population_year",
    "density_label",
    "cpts",
    "stage_label",
)
LISTED = 300


@dataclass(frozen=True)
class Basemap:
    """An online basemap: address of its tiles, origin that the page may then ask, credit."""

    tiles: str
    origin: str
    credit: str


BASEMAPS: Mapping[str, Basemap] = MappingProxyType(
    {
        "plan-ign": Basemap(
            "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&STYLE=normal&TILEMATRIXSET=PM"
            "&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&FORMAT=image/png&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}",
            "https://data.geopf.fr",
            N_("Basemap: Plan IGN, © IGN – Géoplateforme (Licence Ouverte 2.0)"),
        ),
        "osm": Basemap(
            "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
            "https://tile.openstreetmap.org",
            N_("Basemap: © OpenStreetMap contributors (ODbL)"),
        ),
    }
)
TILES_OPACITY = 0.65
_NO_OUTLINES: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({})
_NO_EXTRA: Mapping[str, str] = MappingProxyType({})


def map_page(
    units: gpd.GeoDataFrame,
    themes: Sequence[Theme],
    *,
    title: str,
    finding: str,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
    credits: Sequence[str],  # noqa: A002
    outlines: Mapping[str, gpd.GeoDataFrame] = _NO_OUTLINES,
    shown: Collection[str] | None = None,
    extra: Mapping[str, str] = _NO_EXTRA,
    start: str | None = None,
    beside: str | None = None,
    over_time: bool = False,
    weighted: Cartogram | None = None,
    warning: str = "",
    tiles: str = "",
) -> str:
    """Write one self-contained map page.

    Parameters
    ----------
    units
        ``insee_code``, ``name``, ``departement_code``, ``departement_name``, ``population``, ``population_year``,
        ``density_label``, ``cpts`` (text, several names joined), ``stage_label``, ``geometry`` (EPSG:4326, None for a unit
        without outline), and one column per theme key.
    themes
        What can be shown; classes with their counts, undrawn units included. The tooltip and the table tell the class of
        each unit, but for a theme ``x`` of which they have the column ``x_label``.
    title, finding
        Heading, and one sentence that says what the map shows.
    facts
        Key figures: label and value, both as the reader sees them.
    notes, credits
        Lines of the footer.
    outlines
        Lines over the communes, by title: GeoDataFrames with ``name`` and ``geometry``.
    shown
        Titles of the outlines shown at first; the last one when not given.
    extra
        Further columns of ``units`` for the tooltip and the table: column to label.
    start
        Key of the theme shown first; by default the first theme, over time the last.
    beside
        Key of the theme shown on the right of a line at first; by default the line is not there.
    over_time
        The themes are states of the same units, one a date in their order: a slider chooses among them.
    weighted
        A view by population beside the view by area, as :func:`cptsgeo.maps.cartogram.cartogram` makes it.
    warning
        What a reader must know before the figures, such as a source that is no longer up to date.
    tiles
        Key of :data:`BASEMAPS`: an online basemap, and the only thing that the page then asks the network for.

    Raises
    ------
    UsageError
        Without a theme, or with a ``start``, ``beside`` or ``tiles`` that is none of them.
    DataError
        As :class:`cptsgeo.maps.commune_layer.CommuneLayer`.
    """
    if not themes:
        raise UsageError(_("a map needs at least one theme"), fix=_("give a Theme with its classes"))
    keys = [theme.key for theme in themes]
    for asked in (start, beside):
        if asked is not None and asked not in keys:
            raise UsageError(
                _("there is no theme {theme!r}").format(theme=asked),
                fix=_("choose one of: {choices}").format(choices=", ".join(keys)),
            )
    first = keys.index(start) if start else len(keys) - 1 if over_time else 0
    if tiles and tiles not in BASEMAPS:
        raise UsageError(
            _("there is no basemap {tiles!r}").format(tiles=tiles),
            fix=_("choose one of: {choices}").format(choices=", ".join(BASEMAPS)),
            where="--tiles",
        )
    basemap = BASEMAPS[tiles] if tiles else None
    shown = list(outlines)[-1:] if shown is None else [title for title in outlines if title in shown]
    told = [theme.key for theme in themes if over_time or f"{theme.key}_label" not in (*COLUMNS, *extra)]
    layer = CommuneLayer(
        units,
        themes,
        told=told,
        tooltip=(
            TooltipField("departement_name", _("Département"), "departement_code"),
            TooltipField("population", _("Population"), "population_year"),
            TooltipField("cpts", _("CPTS")),
            *(() if over_time else (TooltipField("stage_label", _("Stage")),)),
            TooltipField("density_label", _("Density")),
            *(TooltipField(column, label) for column, label in extra.items()),
        ),
        columns=[*COLUMNS, *extra],
        outlines=outlines,
        shown_outlines=shown,
        on_land=not basemap,
        name=_("Communes"),
    )
    names = [_(TERRITORY_NAMES[territory]) for territory, _bounds, _population in layer.territories]
    m = folium.Map(tiles=None, zoom_control=False, attribution_control=False, fade_animation=False, zoom_snap=0.5)
    m.options |= {"min_zoom": 3, "max_zoom": 15}
    if basemap:
        folium.TileLayer(basemap.tiles, attr=_(basemap.credit), control=False).add_to(m)
    layer.add_to(m)
    _Panel(
        layer,
        before=_head(title, finding, facts, warning),
        after="\n".join(
            [
                _panel(themes, outlines, shown, units, names, first, over_time=over_time, weighted=weighted),
                _table(len(units)),
                weighted.table if weighted else "",
                _foot(notes, credits, basemap),
            ]
        ),
        config={
            **_config(layer, extra, told, start=first, over_time=over_time),
            "beside": keys.index(beside) if beside else -1,
            "opacity": TILES_OPACITY if basemap else 1,
            "online": basemap is not None,
        },
    ).add_to(m)
    return self_contained(m, title=title, online=[basemap.origin] if basemap else [])


class _Panel(MacroElement):
    """Puts the page's markup before and after the map, and starts its script."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            cptsgeo.startPage({{ this._parent.get_name() }}, {{ this.layer.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, layer: CommuneLayer, *, before: str, after: str, config: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "MapPage"
        self.layer = layer
        self.before = before
        self.after = after
        self.config = config

    def render(self, **kwargs: Any) -> str:
        """Add the markup around the map; what is returned is empty."""
        figure = self.get_root()
        assert isinstance(figure, Figure), "this panel must be on a map to be rendered"
        figure.html.add_child(Verbatim(self.before), name="cptsgeo_before", index=0)
        config = f'<script type="application/json" id="cg-config">{json_for_script(self.config)}</script>'
        figure.html.add_child(Verbatim(f"{self.after}\n{config}"), name="cptsgeo_after")
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        figure.header.add_child(Verbatim(f"<style>{own_text('page.css')}</style>"), name="cptsgeo_page.css")
        for script in ("search.js", "table.js", "towns.js", "swipe.js", "page.js"):
            figure.header.add_child(Verbatim(f"<script>{own_text(script)}</script>"), name=f"cptsgeo_{script}")
        return ""


def _head(title: str, finding: str, facts: Sequence[tuple[str, str]], warning: str) -> str:
    """Write what comes before the map: skip links, title, finding, warning, key figures."""
    alarm = f'<p class="cg-warning" dir="auto">{escape(warning)}</p>' if warning else ""
    shortcuts, to_search, to_table = escape(_("Shortcuts")), escape(_("Go to the search")), escape(_("Go to the table"))
    label_map, twin = escape(_("Map")), escape(_("The table below the map holds the same information as text."))
    wait = escape(_("Drawing the map…"))
    without_script = escape(_("The map needs JavaScript; the figures and the legend do not."))
    figures = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in facts)
    return f"""
<nav class="cg-skip" aria-label="{shortcuts}">
<a href="#cg-search">{to_search}</a> <a href="#cg-twin">{to_table}</a>
</nav>
<div class="cg-app">
<header class="cg-head">
<h1 dir="auto">{escape(title)}</h1>
<p class="cg-finding" dir="auto">{escape(finding)}</p>
{alarm}
{f'<dl class="cg-facts">{figures}</dl>' if figures else ""}
</header>
<main class="cg-main" id="cg-main">
<div class="cg-map" role="region" aria-label="{label_map}" aria-describedby="cg-map-help">
<p class="cg-hidden" id="cg-map-help">{twin}</p>
<p class="cg-wait" id="cg-wait" role="status">{wait}</p>
<noscript><p class="cg-wait">{without_script}</p></noscript>
"""


def _panel(
    themes: Sequence[Theme],
    outlines: Mapping[str, gpd.GeoDataFrame],
    shown: Sequence[str],
    units: gpd.GeoDataFrame,
    territories: Sequence[str],
    start: int,
    *,
    over_time: bool,
    weighted: Cartogram | None,
) -> str:
    """Write what comes beside the map: search, views, themes, legends, outlines, undrawn units."""
    lines = escape(_("Outlines"))
    aside, find = escape(_("Legend and search")), escape(_("Find a commune by name or code"))
    found = escape(_("Communes found"))
    chooser = ""
    if len(themes) > 1:
        chooser = _slider(themes, start) if over_time else _radios(themes, start)
    legends = "".join(_legend(theme, index, hidden=index != start) for index, theme in enumerate(themes))
    boxes = ""
    if outlines:
        checks = "".join(
            f'<label><input type="checkbox" name="cg-outline" value="{index}"{" checked" if title in shown else ""}> '
            f'{_line_sample(LINES[index % len(LINES)])}<span dir="auto">{escape(title)}</span></label>'
            for index, title in enumerate(outlines)
        )
        boxes = f'<fieldset class="cg-choice"><legend>{lines}</legend>{checks}</fieldset>'
    return f"""
{_weighted_view(weighted)}
</div>
{_views(territories)}
</main>
<aside class="cg-panel" aria-label="{aside}">
<search class="cg-search">
<label for="cg-search">{find}</label>
<input id="cg-search" type="search" role="combobox" autocomplete="off" spellcheck="false" aria-expanded="false"
 aria-controls="cg-results" aria-autocomplete="list">
<ul id="cg-results" role="listbox" aria-label="{found}" hidden></ul>
<p id="cg-status" class="cg-status" role="status" aria-live="polite"></p>
</search>
{chooser}
{legends}
{weighted.legend if weighted else ""}
{_compare(themes)}
{_weights(weighted)}
{boxes}
{_undrawn(units)}
</aside>
</div>
"""


def _line_sample(style: LineStyle) -> str:
    """Draw a piece of line as the map draws it."""
    dash = f' stroke-dasharray="{" ".join(map(str, style.dash))}"' if style.dash else ""
    return (
        '<svg class="cg-swatch" width="26" height="18" viewBox="0 0 26 18" aria-hidden="true">'
        f'<path d="M0 9H26" stroke="{style.color}" stroke-width="{style.width}"{dash}/></svg>'
    )


def _radios(themes: Sequence[Theme], start: int) -> str:
    """Write the choice of one theme."""
    show = escape(_("Show"))
    radios = "".join(
        f'<label><input type="radio" name="cg-theme" value="{index}"{" checked" if index == start else ""}> '
        f'<span dir="auto">{escape(theme.title)}</span></label>'
        for index, theme in enumerate(themes)
    )
    return f'<fieldset class="cg-choice"><legend>{show}</legend>{radios}</fieldset>'


def _slider(themes: Sequence[Theme], start: int) -> str:
    """Write the slider of dates, and the first and last of them at its ends."""
    label = escape(_("Date"))
    ends = "".join(f"<span>{escape(theme.title)}</span>" for theme in (themes[0], themes[-1]))
    return (
        f'<div class="cg-slider"><label for="cg-slider">{label}</label> '
        f'<output for="cg-slider">{escape(themes[start].title)}</output>'
        f'<input type="range" id="cg-slider" min="0" max="{len(themes) - 1}" step="1" value="{start}" '
        f'aria-valuetext="{escape(themes[start].title)}"><p class="cg-ends" aria-hidden="true">{ends}</p></div>'
    )


def _compare(themes: Sequence[Theme]) -> str:
    """Write the choice of a second theme, on the right of a line that the reader moves."""
    if len(themes) < 2:
        return ""
    label, nothing = escape(_("Compare with")), escape(_("nothing"))
    options = "".join(f'<option value="{index}">{escape(theme.title)}</option>' for index, theme in enumerate(themes))
    return (
        f'<p class="cg-compare"><label for="cg-compare">{label}</label> '
        f'<select id="cg-compare"><option value="-1" selected>{nothing}</option>{options}</select></p>'
    )


def _weighted_view(weighted: Cartogram | None) -> str:
    """Write the view by population, which takes the place of the map when it is chosen."""
    return f'<div class="cg-weighted-view">{weighted.figure}</div>' if weighted else ""


def _weights(weighted: Cartogram | None) -> str:
    """Write the choice between the view by area and the view by population."""
    if weighted is None:
        return ""
    choices = (("area", _("Communes, by area")), ("population", _("Départements, by population")))
    radios = "".join(
        f'<label><input type="radio" name="cg-weight" value="{value}"{" checked" if value == "area" else ""}> '
        f"<span>{escape(text)}</span></label>"
        for value, text in choices
    )
    legend = escape(_("Draw"))
    return f'<fieldset class="cg-choice"><legend>{legend}</legend>{radios}</fieldset>'


def _views(names: Sequence[str]) -> str:
    """Write one button with a small map for each territory, when there are several."""
    if len(names) < 2:
        return ""
    buttons = "".join(
        f'<button type="button"><canvas width="84" height="72" aria-hidden="true"></canvas><span>{escape(name)}</span></button>'
        for name in names
    )
    title = escape(_("Territories"))
    return f'<nav class="cg-views" id="cg-views" aria-label="{title}">{buttons}</nav>'


def _legend(theme: Theme, index: int, *, hidden: bool) -> str:
    """Write the legend of a theme of the map."""
    attributes = f'class="cg-legend" id="cg-legend-{index}"{" hidden" if hidden else ""}'
    return legend_section(theme, attributes, _("Communes"))


def legend_section(theme: Theme, attributes: str, counted: str) -> str:
    """Write a legend: every class, with its units and population; ``counted`` says what the units are."""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in (_("Class"), counted, _("Inhabitants")))
    rows = "".join(
        f'<tr><th scope="row">{swatch(one)}<span dir="auto">{escape(one.label)}</span></th>'
        f"<td>{number(one.units)}</td><td>{number(one.population)}</td></tr>"
        for one in theme.classes
    )
    return (
        f'<section {attributes}><h2 dir="auto">{escape(theme.title)}</h2>'
        f'<p class="cg-definition" dir="auto">{escape(theme.definition)}</p>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def swatch(one: MapClass) -> str:
    """Draw the colour and pattern of a class."""
    return (
        '<svg class="cg-swatch" width="26" height="18" viewBox="0 0 26 18" aria-hidden="true">'
        f'<rect width="26" height="18" fill="{one.color}"/><g {swatch_ink(one)}>{marks(one)}</g>'
        '<rect x=".5" y=".5" width="25" height="17" fill="none" stroke="#555"/></svg>'
    )


def swatch_ink(one: MapClass) -> str:
    """Return the ink of the pattern of a class: dark on light, light on dark."""
    return f'{"fill" if one.pattern == "dots" else "stroke"}="{ink(one.color)}"'


def marks(one: MapClass) -> str:
    """Draw the pattern of a class in a box of 26 by 18."""
    drawn = ""
    if one.pattern in {"hatch", "cross"}:
        drawn = "".join(f'<path d="M{x} 17L{x + 16} 1"/>' for x in range(-12, 28, 7))
    if one.pattern == "cross":
        drawn += "".join(f'<path d="M{x} 1L{x + 16} 17"/>' for x in range(-12, 28, 7))
    if one.pattern == "dots":
        drawn = "".join(f'<circle cx="{x}" cy="{y}" r="1"/>' for x in (5, 13, 21) for y in (5, 13))
    return drawn


def _undrawn(units: gpd.GeoDataFrame) -> str:
    """Count and list the units that have no outline."""
    without = units[units.geometry.isna() | units.geometry.is_empty]
    if without.empty:
        return ""
    count = ngettext(
        "{count} commune without outline: counted, but not drawn",
        "{count} communes without outline: counted, but not drawn",
        len(without),
    ).format(count=number(len(without)))
    ordered = without.sort_values("insee_code").head(LISTED)
    items = "".join(
        f"<li><bdi>{escape(str(name))}</bdi> ({escape(str(code))})</li>"
        for name, code in zip(ordered["name"], ordered["insee_code"], strict=True)
    )
    if len(without) > LISTED:
        others = escape(_("… the others are in the table"))
        items += f"<li>{others}</li>"
    return f'<details class="cg-undrawn"><summary>{escape(count)}</summary><ul>{items}</ul></details>'


def _table(count: int) -> str:
    """Write the place of the table twin, which the script fills when it is opened."""
    summary = ngettext("Table of the {count} commune", "Table of the {count} communes", count).format(
        count=number(count)
    )
    table = escape(_("Table"))
    return f"""
<section class="cg-twin" id="cg-twin" aria-label="{table}">
<details id="cg-table"><summary><h2>{escape(summary)}</h2></summary><div id="cg-table-body"></div></details>
</section>
"""


def _foot(notes: Sequence[str], lines: Sequence[str], basemap: Basemap | None) -> str:
    """Write notes and credits."""
    parts = []
    lines = [*lines, _(basemap.credit) if basemap else land.credit()]
    for heading, texts in ((_("Notes"), notes), (_("Sources and credits"), lines)):
        if texts:
            items = "".join(f'<li dir="auto">{escape(text)}</li>' for text in texts)
            parts.append(f"<section><h2>{escape(heading)}</h2><ul>{items}</ul></section>")
    made = escape(
        _(
            "Page made with cptsgeo, Folium and Leaflet. It asks {site} for its basemap, and the network for nothing else."
        ).format(site=basemap.origin)
        if basemap
        else _("Page made with cptsgeo, Folium and Leaflet. It asks the network for nothing.")
    )
    return f'<footer class="cg-foot">{"".join(parts)}<p>{made}</p></footer>'


def _config(
    layer: CommuneLayer, extra: Mapping[str, str], told: Collection[str], *, start: int, over_time: bool
) -> dict[str, Any]:
    """Gather what the page's script needs: territories, columns of the table and words.

    A column is one of the units, or the class of each unit in a theme (``t:…``).
    """
    return {
        "lang": current_language(),
        "start": start,
        "territories": [bounds for _name, bounds, _population in layer.territories],
        "columns": [
            ["insee_code", _("Code")],
            ["name", _("Commune")],
            ["departement_name", _("Département")],
            ["population", _("Population")],
            ["population_year", _("Year")],
            ["cpts", _("CPTS")],
            *([] if over_time else [["stage_label", _("Stage")]]),
            ["density_label", _("Density")],
            *([column, label] for column, label in extra.items()),
            *([f"t:{theme.key}", theme.title] for theme in layer.themes if theme.key in told),
        ],
        "words": {
            "zoom_in": _("Zoom in"),
            "zoom_out": _("Zoom out"),
            "none_found": _("No commune found"),
            "found": _("Communes found: {count}. Choose with the arrow keys."),
            "found_more": _("Communes found: {count}. Type more letters to see others."),
            "shown": _("Shown: {name}"),
            "filter": _("Filter the table"),
            "previous": _("Previous"),
            "next": _("Next"),
            "range": _("{from} to {to} of {total}"),
            "download": _("Download as CSV"),
            "failed": _("This browser cannot open the data of the page. Update it, or use the tables beside the page."),
            "divider": _("Line between the two maps"),
            "empty": _("No outline to draw: the figures and the table hold the information."),
        },
    }
