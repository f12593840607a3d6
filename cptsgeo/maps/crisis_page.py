"""The crisis kit's page: resources on a map, filters, search, nearest, status board, directory, print, in one file.

Resources go into one inert, deflated block; scripts write them as text only. The page asks the network for nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Figure, MacroElement
from folium.template import Template

from cptsgeo.columns import label
from cptsgeo.i18n import _, current_language
from cptsgeo.maps import crisis_markup as markup
from cptsgeo.maps import land
from cptsgeo.maps.assets import own_text
from cptsgeo.maps.codec import data_block
from cptsgeo.maps.commune_layer import CommuneLayer, TooltipField, Verbatim, json_for_script
from cptsgeo.maps.stand_alone import self_contained
from cptsgeo.maps.theme import MapClass, Theme
from cptsgeo.parameters import labels, parameters
from cptsgeo.resource_cells import MARKED, Audience

SCRIPTS = (
    "search.js",
    "towns.js",
    "page.js",
    "crisis_data.js",
    "crisis_board.js",
    "crisis_layer.js",
    "crisis_table.js",
    "crisis_page.js",
)
STYLES = ("page.css", "crisis.css")
GROUP_COLORS: Mapping[str, str] = MappingProxyType(
    {
        "establishment": "#0b4a8f",
        "emergency": "#a3123a",
        "equipment": "#5b2a86",
        "shelter": "#00695c",
        "professional": "#7a4100",
    }
)
TEXT_COLUMNS = (
    *("resource_id", "name", "insee_code", "position_precision", "status", "status_at", "status_source", "unit"),
    *("phone", "mobile", "email", "opening", "source", "updated_at", "visibility"),
)
LABELLED = (
    *("name", "kind", "insee_code", "status", "phone", "mobile", "email", "opening", "capacity", "position_precision"),
    *("updated_at", "source", "visibility"),
)
SIMPLER = 0.0001
"""Degrees within which zones and roads are simplified on the page: 11 m."""

STEPS = 100_000
_NO_LAYERS: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({})


def crisis_page(
    table: pd.DataFrame,
    units: gpd.GeoDataFrame,
    *,
    title: str,
    kit: str,
    on: date | None,
    audience: Audience,
    exercise: bool = False,
    outlines: Mapping[str, gpd.GeoDataFrame] = _NO_LAYERS,
    hazards: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    notes: Sequence[str] = (),
    credits: Sequence[str] = (),  # noqa: A002
) -> str:
    """Write the page of a kit.

    Parameters
    ----------
    table
        Resources that the audience may see; see :func:`cptsgeo.resources.read_resources`.
    units
        Communes, EPSG:4326: ``insee_code``, ``name``, ``population``, ``population_year``, ``geometry``.
    title
        Heading; shown as text.
    kit
        Name of the kit: status files of another one are refused.
    on
        Day of the data: "données au …", red past 35 days. None when it is not known.
    audience
        ``public`` or ``cellule_de_crise``: says so on the page.
    exercise
        Write EXERCICE across the page.
    outlines
        Lines over the communes, by title: GeoDataFrames with ``name`` and ``geometry``.
    hazards
        Zones to show: ``name`` and polygons, EPSG:4326.
    roads
        Lines to show: ``road_class`` and lines, EPSG:4326; see :func:`cptsgeo.roads.main_roads`.
    notes, credits
        Lines of the footer.
    """
    base = Theme("base", _("Communes"), "", (MapClass("commune", _("Commune"), "#f4f1ea"),))
    layer = CommuneLayer(
        units.assign(base="commune"),
        [base],
        tooltip=(TooltipField("population", _("Population"), "population_year"),),
        columns=("insee_code", "name", "population", "population_year"),
        outlines=outlines,
        shown_outlines=list(outlines),
        on_land=True,
    )
    kinds = _kinds(table)
    m = folium.Map(tiles=None, zoom_control=False, attribution_control=False, fade_animation=False, zoom_snap=0.5)
    m.options |= {"min_zoom": 3, "max_zoom": 17}
    layer.add_to(m)
    _Panel(
        layer,
        block=_block(table, units, hazards, roads, kinds),
        before=markup.head(title, on, audience, exercise),
        after="\n".join(
            [
                markup.panel(table, units, kinds, outlines),
                markup.directory(len(table)),
                markup.foot(notes, [*credits, land.credit()]),
                markup.watermark(exercise),
            ]
        ),
        config=_config(table, layer, kit=kit, on=on, audience=audience),
    ).add_to(m)
    return self_contained(m, title=title)


class _Panel(MacroElement):
    """Puts the markup around the map, the block of resources, and starts the script."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            cptsgeo.startCrisis({{ this._parent.get_name() }}, {{ this.layer.get_name() }}, "cz_resources");
        {% endmacro %}
        """
    )

    def __init__(self, layer: CommuneLayer, *, block: bytes, before: str, after: str, config: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "CrisisPage"
        self.layer = layer
        self.block = block
        self.before = before
        self.after = after
        self.config = config

    def render(self, **kwargs: Any) -> str:
        """Add the markup around the map; what is returned is empty."""
        figure = self.get_root()
        assert isinstance(figure, Figure), "this panel must be on a map to be rendered"
        figure.html.add_child(Verbatim(self.before), name="cptsgeo_before", index=0)
        config = f'<script type="application/json" id="cg-config">{json_for_script(self.config)}</script>'
        block = data_block("cz_resources", self.block)
        figure.html.add_child(Verbatim(f"{self.after}\n{config}\n{block}"), name="cptsgeo_after")
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        for style in STYLES:
            figure.header.add_child(Verbatim(f"<style>{own_text(style)}</style>"), name=f"cptsgeo_{style}")
        for script in SCRIPTS:
            figure.header.add_child(Verbatim(f"<script>{own_text(script)}</script>"), name=f"cptsgeo_{script}")
        return ""


def _kinds(table: pd.DataFrame) -> list[dict[str, str]]:
    """List the kinds that the table holds, in the order of the nomenclature."""
    present = set(table["kind"])
    return [
        {
            "key": entry["key"],
            "label": entry[current_language()],
            "icon": entry["icon"],
            "color": GROUP_COLORS[entry["group"]],
        }
        for entry in parameters("resource_kinds")["kind"]
        if entry["key"] in present
    ]


def _instant(local: str) -> str:
    """Write a local time with its distance from UTC: the page may be read in another time zone."""
    return datetime.fromisoformat(local).astimezone().isoformat(timespec="minutes")


def _block(
    table: pd.DataFrame,
    units: gpd.GeoDataFrame,
    hazards: gpd.GeoDataFrame | None,
    roads: gpd.GeoDataFrame | None,
    kinds: Sequence[Mapping[str, str]],
) -> bytes:
    """Write the resources as one deflated JSON, a list per column."""
    place = {kind["key"]: at for at, kind in enumerate(kinds)}
    columns: dict[str, list[Any]] = {
        name: [value if isinstance(value, str) else None for value in table[name]] for name in TEXT_COLUMNS
    }
    columns["status_at"] = [moment and _instant(moment) for moment in columns["status_at"]]
    columns["kind"] = [place[key] for key in table["kind"]]
    columns["longitude"] = table["longitude"].round(6).tolist()
    columns["latitude"] = table["latitude"].round(6).tolist()
    columns["capacity"] = [None if pd.isna(value) else int(value) for value in table["capacity"]]
    names = dict(zip(units["insee_code"], units["name"], strict=True))
    content = {
        "columns": columns,
        "communes": {code: names.get(code, code) for code in sorted(set(table["insee_code"]))},
        "kinds": kinds,
        "hazards": []
        if hazards is None
        else [_zone(name, shape) for name, shape in zip(hazards["name"], hazards.geometry, strict=True)],
        "roads": []
        if roads is None
        else [_lines_of(name, shape) for name, shape in zip(roads["road_class"], roads.geometry, strict=True)],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode(), 9)


def _zone(name: str, shape: shapely.Geometry) -> dict[str, Any]:
    """Write a polygon as Leaflet takes it: parts, rings, latitude first."""
    rings = [
        [[[round(y, 5), round(x, 5)] for x, y in ring.coords] for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(shapely.simplify(shape, SIMPLER))
        if part.geom_type == "Polygon" and not part.is_empty
    ]
    return {"name": name, "rings": rings}


def _lines_of(road_class: str, shape: shapely.Geometry) -> dict[str, Any]:
    """Write lines as steps of 0.00001 degree from the place before, latitude first: a third of the size."""
    lines = []
    for part in shapely.get_parts(shapely.simplify(shape, SIMPLER)):
        places = np.rint(shapely.get_coordinates(part)[:, ::-1] * STEPS).astype("int64")
        lines.append(np.diff(places, axis=0, prepend=0).ravel().tolist())
    return {"class": road_class, "lines": lines}


def _config(
    table: pd.DataFrame, layer: CommuneLayer, *, kit: str, on: date | None, audience: Audience
) -> dict[str, Any]:
    """Gather what the scripts need: bounds, nomenclatures and words."""
    west, east = float(table["longitude"].min()), float(table["longitude"].max())
    south, north = float(table["latitude"].min()), float(table["latitude"].max())
    return {
        "lang": current_language(),
        "kit": kit,
        "date": on.isoformat() if on else None,
        "reserved": audience == MARKED,
        "bounds": layer.bounds or ([[south, west], [north, east]] if len(table) else None),
        "statuses": [{"key": key, "label": text} for key, text in labels("resource_statuses").items()],
        "precisions": [{"key": key, "label": text} for key, text in labels("position_precisions").items()],
        "labels": {name: label(name) if name != "insee_code" else _("Commune") for name in LABELLED},
        "words": _words(),
    }


def _words() -> dict[str, Any]:
    return {
        "zoom_in": _("Zoom in"),
        "zoom_out": _("Zoom out"),
        "none_found": _("Nothing found"),
        "found": _("Found: {count}. Choose with the arrow keys."),
        "found_more": _("Found: {count}. Type more letters to see others."),
        "shown": _("Shown: {name}"),
        "commune": _("Commune"),
        "count": _("{count} of {total} resources shown"),
        "here": _("{count} resources here"),
        "place": _("Latitude, longitude"),
        "note": _("Note"),
        "mark": _("State what it is now"),
        "stated": _("{name}: {status}"),
        "set_aside": _(
            "{name}: kept as {status}, for the kit holds a later statement. Check the clock of this device."
        ),
        "author_first": _("Open the status board and give your name or unit first."),
        "unknown_time": _("time not known"),
        "reserved": _("crisis cell only"),
        "old": _("– {days} days old: ask for an update"),
        "no_date": _("– ask for an update"),
        "bad_place": _("Write latitude and longitude in degrees, such as 14.61, -61.07."),
        "no_position": _("The browser gives no position: type coordinates, or choose on the map."),
        "locating": _("Waiting for the position…"),
        "straight": _("Distances as the crow flies; ≈ when only the commune is known."),
        "none_near": _("No resource shown: look at the filters."),
        "compass": [_("N"), _("NE"), _("E"), _("SE"), _("S"), _("SW"), _("W"), _("NW")],
        "statements": _("Statements in this browser: {count}"),
        "merged": _("statements added: {count}"),
        "unknown": _("resources that this kit does not have: {list}"),
        "unreadable": _("this is not a status file"),
        "other_kit": _("this status file belongs to another kit: nothing was merged"),
        "tampered": _("this status file was changed or damaged: nothing was merged"),
        "conflict": _("kept {kept}; set aside {aside}"),
        "file": "statuts",
        "previous": _("Previous"),
        "next": _("Next"),
        "range": _("{from} to {to} of {total}"),
        "download": _("Download as CSV"),
        "caption": _("Resources shown by the filters; sort by a heading."),
        "failed": _("This browser cannot open the data of the page. Update it, or use the tables beside the page."),
    }
