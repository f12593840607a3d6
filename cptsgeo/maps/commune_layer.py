"""A Folium layer that draws tens of thousands of communes on canvas, with tooltips, themes and outlines.

The data goes into one inert, deflated block of the page; scripts read it into typed arrays, and it reaches the reader
through ``textContent`` only. Nothing that comes from data is ever written as markup or code.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from branca.element import Element, Figure
from folium.template import Template

from cptsgeo.errors import DataError
from cptsgeo.i18n import _, current_language
from cptsgeo.maps.assets import own_text
from cptsgeo.maps.codec import Block, OutlineGroup, data_block, encode
from cptsgeo.maps.land import COLOR, Corners, land_around
from cptsgeo.maps.theme import LINES, Theme
from cptsgeo.maps.topology import TERRITORIES, Ints, Topology, build_topology, detail, land_topology, territory_of

SCRIPTS = ("data.js", "layer.js")
STYLES = ("layer.css",)

#: An outline is drawn along the units it is made of when the area of both differs by less than this share.
SAME_AREA = 0.02


@dataclass(frozen=True)
class TooltipField:
    """One line of the tooltip: a label, the column shown, and a column shown after it in brackets."""

    column: str
    label: str
    note: str = ""


class Verbatim(Element):
    """A piece of page that Folium copies as it is. (Folium runs other pieces through Jinja a second time.)"""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **kwargs: Any) -> str:
        """Return the text."""
        return self._text


class CommuneLayer(folium.map.Layer):
    """Draw a coverage of polygons, coloured by themes.

    Parameters
    ----------
    units
        One row per unit, EPSG:4326; ``geometry`` is None for a unit that is counted but not drawn. One column per theme
        key holds the class of each row.
    themes
        The first is shown first.
    id_column, name_column
        Columns that identify and name a unit. A permalink ``#insee=97209`` opens on that unit.
    tooltip
        Lines shown under the name.
    columns
        Further columns to carry for the page's own scripts.
    outlines
        Lines to draw over the units, by title: GeoDataFrames with ``name`` and ``geometry``.
    shown_outlines
        Titles of the outlines shown at first.
    told
        Keys of the themes of which the tooltip tells the class.
    on_land
        Draw the land of the world beneath the units; without it, what is no unit stays the colour of the page.
    name
        Name of the layer in Folium's layer control.

    Raises
    ------
    DataError
        For a duplicated or missing identifier, a class without legend entry, a missing or wrong CRS.
    """

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = cptsgeo.communeLayer("{{ this.get_name() }}_data");
        {% endmacro %}
        """
    )

    def __init__(
        self,
        units: gpd.GeoDataFrame,
        themes: Sequence[Theme],
        *,
        id_column: str = "insee_code",
        name_column: str = "name",
        tooltip: Sequence[TooltipField] = (),
        columns: Sequence[str] = (),
        outlines: Mapping[str, gpd.GeoDataFrame] | None = None,
        shown_outlines: Sequence[str] = (),
        told: Collection[str] = (),
        on_land: bool = False,
        name: str = "Communes",
        control: bool = False,
        show: bool = True,
    ) -> None:
        super().__init__(name=_inert(name), overlay=True, control=control, show=show)
        self._name = "CommuneLayer"
        units = _checked(units, themes, id_column)
        self.themes = tuple(themes)
        tolerances, bits = detail(int(units.geometry.notna().sum()))
        topology = build_topology(units.geometry, tolerances, bits)
        coverages = [topology]
        groups = []
        for title, frame in (outlines or {}).items():
            groups.append(_outline_group(title, frame, units, coverages, tolerances, bits))
        self.territories = territories(units)
        if on_land:
            corners = tuple((tuple(low), tuple(high)) for _name, (low, high), _population in self.territories)
            coverages.append(_land_beneath(corners, tolerances, bits))
        carried = dict.fromkeys([id_column, name_column, *columns])
        for line in tooltip:
            carried |= dict.fromkeys([line.column, line.note] if line.note else [line.column])
        self.bounds = _bounds(units)
        meta = {
            "id": id_column,
            "name": name_column,
            "lang": current_language(),
            "tooltip": [{"column": line.column, "label": line.label, "note": line.note} for line in tooltip],
            "themes": [
                {
                    "key": theme.key,
                    "title": theme.title,
                    "told": theme.key in told,
                    "classes": [
                        {"key": c.key, "label": c.label, "color": c.color, "pattern": c.pattern} for c in theme.classes
                    ],
                }
                for theme in themes
            ],
            "lines": [asdict(LINES[index % len(LINES)]) for index in range(len(outlines or {}))],
            "shown": [title in shown_outlines for title in (outlines or {})],
            "tolerances": list(tolerances),
            "size": _usual_size(topology),
            "land": {"coverage": len(coverages) - 1, "color": COLOR} if on_land else None,
            "missing": _("not known"),
            "outline_missing": _("no outline"),
        }
        values = {
            f"c:{column}": units[column].tolist() if units[column].dtype == object else units[column]
            for column in carried
        }
        for theme in themes:
            values[f"t:{theme.key}"] = _class_numbers(units[theme.key], theme)
        self.data = encode(Block(tuple(coverages), values, tuple(groups), meta))

    def render(self, **kwargs: Any) -> str:
        """Add scripts, styles and the data block to the page; what is returned is empty."""
        figure = self.get_root()
        assert isinstance(figure, Figure), "this layer must be on a map to be rendered"
        block = data_block(f"{self.get_name()}_data", self.data)
        figure.html.add_child(Verbatim(block), name=f"{self.get_name()}_data")
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        for style in STYLES:
            figure.header.add_child(Verbatim(f"<style>{own_text(style)}</style>"), name=f"cptsgeo_{style}")
        for script in SCRIPTS:
            figure.header.add_child(Verbatim(f"<script>{own_text(script)}</script>"), name=f"cptsgeo_{script}")
        return ""


def _inert(text: str) -> str:
    """Escape a text that Folium writes as markup and as a key of a JavaScript object, after a second pass through Jinja."""
    return escape(text).translate({ord(sign): f"&#{ord(sign)};" for sign in "{}`$_"})


def _checked(units: gpd.GeoDataFrame, themes: Sequence[Theme], id_column: str) -> gpd.GeoDataFrame:
    """Refuse what cannot be drawn, and order rows by identifier so that input order never changes a page."""
    if units.crs is None:
        raise DataError(
            _("the outlines have no coordinate reference system, or another one than EPSG:4326"),
            fix=_("set it with set_crs when it is missing, then call to_crs('EPSG:4326')"),
        )
    wanted = [id_column, *(theme.key for theme in themes)]
    missing = [column for column in wanted if column not in units.columns]
    if missing:
        raise DataError(
            _("missing column: {columns}").format(columns=", ".join(missing)),
            fix=_("add it to the table of units before drawing the map"),
        )
    codes = units[id_column].astype("string")
    wrong = sorted(set(codes[codes.duplicated() | codes.isna()].fillna("").tolist()))
    if wrong:
        raise DataError(
            _("{count} identifier(s) missing or given twice: {codes}").format(
                count=len(wrong), codes=", ".join(wrong[:10])
            ),
            fix=_("keep one row per unit"),
            where=id_column,
        )
    return units.sort_values(id_column).reset_index(drop=True)


def _class_numbers(values: pd.Series, theme: Theme) -> Ints:
    """Number each row's class in the order of the legend."""
    numbers = values.astype("string").map({one.key: index for index, one in enumerate(theme.classes)})
    unknown = sorted(set(values[numbers.isna()].astype("string").fillna("").tolist()))
    if unknown:
        raise DataError(
            _("theme {theme!r} has no class for: {values}").format(theme=theme.key, values=", ".join(unknown[:10])),
            fix=_("add a class for each value, even one for missing values"),
        )
    return np.asarray(numbers, dtype=np.int64)


def _bounds(units: gpd.GeoDataFrame) -> list[list[float]] | None:
    """Return south-west and north-east corners as Leaflet wants them, or None when nothing is drawn."""
    west, south, east, north = units.total_bounds
    return None if np.isnan(west) else [[float(south), float(west)], [float(north), float(east)]]


def territories(units: gpd.GeoDataFrame) -> list[tuple[str, list[list[float]], int]]:
    """List the territories that are drawn: name, corners, population, the main one first.

    Metropolitan France comes first, then the order of ``TERRITORIES``; what lies elsewhere is named ``elsewhere``.
    """
    drawn = units[units.geometry.notna() & ~units.geometry.is_empty]
    if drawn.empty:
        return []
    box = drawn.bounds
    middle_x, middle_y = (box.minx + box.maxx).to_numpy() / 2, (box.miny + box.maxy).to_numpy() / 2
    found = territory_of(middle_x, middle_y)
    result = []
    for index in [*range(len(TERRITORIES)), -1]:
        rows = found == index
        if not rows.any():
            continue
        part = box[rows]
        corners = [
            [float(part.miny.min()), float(part.minx.min())],
            [float(part.maxy.max()), float(part.maxx.max())],
        ]
        population = int(drawn.loc[rows, "population"].fillna(0).sum()) if "population" in drawn else 0
        result.append((TERRITORIES[index][0] if index >= 0 else "elsewhere", corners, population))
    return result


@lru_cache(maxsize=4)
def _land_beneath(corners: tuple[Corners, ...], tolerances: tuple[float, ...], bits: int) -> Topology:
    """Cut the land around some places into arcs, once for all the maps of them."""
    return land_topology(land_around(corners), tolerances, bits)


def _outline_group(
    title: str,
    frame: gpd.GeoDataFrame,
    units: gpd.GeoDataFrame,
    coverages: list[Topology],
    tolerances: Sequence[float],
    bits: int,
) -> OutlineGroup:
    """Draw outlines along the borders of the units they are made of; where they are not, as shapes of their own."""
    if frame.crs is None or not frame.crs.equals("EPSG:4326", ignore_axis_order=True):
        raise DataError(
            _("the outlines {title!r} have no coordinate reference system, or another one than EPSG:4326").format(
                title=title
            ),
            fix=_("set it with set_crs when it is missing, then call to_crs('EPSG:4326')"),
        )
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
    names = tuple(str(name) for name in frame["name"])
    shapes = np.asarray(frame.geometry.values, dtype=object)
    members = _members(shapes, np.asarray(units.geometry.values, dtype=object))
    if members is not None:
        return OutlineGroup(title, names, 0, tuple(_border(coverages[0], rows) for rows in members))
    topology = build_topology(frame.geometry, tolerances, bits)
    coverages.append(topology)
    arcs = tuple(_border(topology, np.array([row])) for row in range(len(frame)))
    return OutlineGroup(title, names, len(coverages) - 1, arcs)


def _usual_size(topology: Topology) -> float:
    """Return how wide a unit is, roughly, in grid steps: twice the median span of a border between two of them."""
    if not len(topology.x):
        return 0.0
    starts = np.cumsum(topology.arc_sizes) - topology.arc_sizes
    spans = [np.maximum.reduceat(axis, starts) - np.minimum.reduceat(axis, starts) for axis in (topology.x, topology.y)]
    return 2.0 * float(np.median(np.hypot(spans[0], spans[1])))


def _members(shapes: npt.NDArray[np.object_], units: npt.NDArray[np.object_]) -> list[Ints] | None:
    """Return the units that make up each shape, or None when a shape is not made of whole units."""
    drawn = np.flatnonzero(~shapely.is_missing(units) & ~shapely.is_empty(units))
    if not len(drawn):
        return None
    shapely.prepare(shapes)
    shape, row = shapely.STRtree(shapely.point_on_surface(units[drawn])).query(shapes, predicate="intersects")
    area = np.bincount(shape, weights=shapely.area(units[drawn])[row], minlength=len(shapes))
    own = shapely.area(shapes)
    if (np.abs(area - own) > SAME_AREA * own).any():
        return None
    return [drawn[row[shape == index]] for index in range(len(shapes))]


def _border(topology: Topology, rows: Ints) -> Ints:
    """Return the arcs on the outside of a set of units: those that only one of them uses."""
    ring_ends = np.cumsum(topology.unit_rings)
    ref_ends = np.concatenate(([0], np.cumsum(topology.ring_arcs)))
    pieces = [
        topology.refs[ref_ends[ring_ends[row] - topology.unit_rings[row]] : ref_ends[ring_ends[row]]] >> 1
        for row in rows
    ]
    arcs, times = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *pieces]), return_counts=True)
    return np.asarray(arcs[times % 2 == 1], dtype=np.int64)


def json_for_script(value: Any) -> str:
    """Write JSON that can stand inside a script block, whatever texts it holds.

    Examples
    --------
    >>> json_for_script({"a": "</script>&"})
    '{"a":"\\\\u003c/script\\\\u003e\\\\u0026"}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
