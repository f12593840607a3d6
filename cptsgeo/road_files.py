"""Read a road graph: an OpenStreetMap extract, a GraphML graph of OSMnx, or a layer of lines that meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.crs import WGS84
from cptsgeo.errors import DataError, FileError, Finding, require_file
from cptsgeo.i18n import _, number
from cptsgeo.layers import open_layer
from cptsgeo.parameters import in_force
from cptsgeo.roads import Roads

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

OSM_ENDINGS = (".pbf", ".osm")
CLASS_COLUMNS = ("highway", "fclass", "road_class")
SPEED_COLUMNS = ("speed_kmh", "vitesse_moyenne_vl")
ONEWAY_COLUMNS = ("oneway", "sens_de_circulation")
FORWARD = frozenset(["yes", "true", "1", "f", "sens direct"])
BACKWARD = frozenset(["-1", "reverse", "t", "sens inverse"])
JOINED = 6
"""Decimals of a degree to which two vertices of a GeoPackage are one place: 0.1 m."""


class _Way(NamedTuple):
    """One line of road as read: places in degrees, class, speed where the file says it, and direction (1, -1, 0 both)."""

    nodes: Sequence[Any]
    road_class: str
    speed: float | None
    direction: int


def read_roads(path: Path | str, *, on: date | None = None) -> Roads:
    """Read a road graph.

    Parameters
    ----------
    path
        An OpenStreetMap extract (``.osm.pbf``, ``.osm``); a GraphML graph as OSMnx writes it (nodes ``x``, ``y``; edges
        ``length`` in metres, ``highway``); or a layer of lines (GeoPackage, GeoJSON, Shapefile, GeoParquet) that meet at
        their vertices, with a class (``highway``) or a speed in km/h (``speed_kmh``, or ``VITESSE_MOYENNE_VL`` of BD TOPO),
        and ``oneway`` if known.
    on
        Day of the speeds by class; the latest when not given.

    Returns
    -------
    Roads
        A class without speed is not driven, and is told.

    Raises
    ------
    FileError, DataError
        For a file that is no road graph, or in which nothing can be driven.

    Notes
    -----
    ``minutes = geodesic length / speed of the class``; see ``parameters/road_speeds.toml`` and its source.
    """
    path = Path(path)
    require_file(path)
    if path.suffix.lower() == ".graphml":
        return _from_graphml(path, on)
    places, ways = _osm_ways(path) if path.suffix.lower() in OSM_ENDINGS else _layer_ways(path)
    return _assembled(path, places, ways, on)


def _osm_ways(path: Path) -> tuple[dict[Any, tuple[float, float]], list[_Way]]:
    """Read the ways of an OpenStreetMap extract that are roads."""
    import osmium

    places: dict[Any, tuple[float, float]] = {}
    ways = []
    try:
        reader = osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
        for way in reader:
            if not isinstance(way, osmium.osm.Way):
                continue
            nodes = [node for node in way.nodes if node.location.valid()]
            for node in nodes:
                places[node.ref] = (node.location.lon, node.location.lat)
            road_class = way.tags["highway"]
            usual = "yes" if road_class == "motorway" or way.tags.get("junction") == "roundabout" else ""
            one = way.tags.get("oneway") or usual
            if way.tags.get("access") not in {"no", "private"}:
                ways.append(_Way([node.ref for node in nodes], road_class, None, _direction(one)))
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise _no_graph(path) from error
    return places, ways


def _layer_ways(path: Path) -> tuple[dict[Any, tuple[float, float]], list[_Way]]:
    """Read lines that meet at their vertices."""
    import shapely

    layer = open_layer(path)
    lines = layer.geometry
    if not len(layer) or not lines.geom_type.isin({"LineString", "MultiLineString"}).all():
        raise _no_graph(path)
    columns = {str(name).lower(): name for name in layer.columns}

    def column(names: Sequence[str]) -> list[Any]:
        found = next((columns[name] for name in names if name in columns), None)
        return [None] * len(layer) if found is None else layer[found].tolist()

    if not any(name in columns for name in (*CLASS_COLUMNS, *SPEED_COLUMNS)):
        raise DataError(
            _("the lines have neither a class of road nor a speed"),
            fix=_("name a column highway (classes of OpenStreetMap) or speed_kmh"),
            where=path.name,
        )
    places: dict[Any, tuple[float, float]] = {}
    ways = []
    rows = zip(lines.to_crs(WGS84), column(CLASS_COLUMNS), column(SPEED_COLUMNS), column(ONEWAY_COLUMNS), strict=True)
    for line, road_class, speed, one in rows:
        for part in shapely.get_parts(line):
            nodes = [(round(x, JOINED), round(y, JOINED)) for x, y, *_height in part.coords]
            places.update(zip(nodes, nodes, strict=True))
            ways.append(_Way(nodes, _text(road_class), _positive(speed), _direction(_text(one).lower())))
    return places, ways


def _assembled(path: Path, places: dict[Any, tuple[float, float]], ways: list[_Way], on: date | None) -> Roads:
    """Cut ways into sections, and give each its minutes."""
    import numpy as np
    import pandas as pd

    speeds = in_force("road_speeds", on)["classes"]
    rank = {node: at for at, node in enumerate(places)}
    start: list[int] = []
    end: list[int] = []
    classes: list[str] = []
    kmh: list[float] = []
    directions: list[int] = []
    for way in ways:
        at = [rank[node] for node in way.nodes]
        many = max(len(at) - 1, 0)
        start += at[:-1]
        end += at[1:]
        classes += [way.road_class] * many
        kmh += [way.speed or speeds.get(way.road_class, np.nan)] * many
        directions += [way.direction] * many
    degrees = np.array(list(places.values()), dtype="float64").reshape(-1, 2)
    sections = pd.DataFrame(
        {"start": start, "end": end, "road_class": classes, "direction": directions, "speed": kmh}
    ).astype({"start": "int64", "end": "int64", "speed": "float64", "road_class": "str"})
    metres = _lengths(degrees, sections["start"].to_numpy(), sections["end"].to_numpy())
    return _roads(path, degrees, sections.assign(metres=metres))


def _from_graphml(path: Path, on: date | None) -> Roads:
    """Read a graph as OSMnx writes it: directed, a section per direction."""
    import networkx as nx
    import numpy as np
    import pandas as pd
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        graph = nx.read_graphml(path)
        places = np.array([(float(data["x"]), float(data["y"])) for _node, data in graph.nodes(data=True)])
        crs = CRS(graph.graph.get("crs", WGS84))
        rank = {node: at for at, node in enumerate(graph.nodes)}
        rows = [
            (rank[a], rank[b], _first(data.get("highway")), _positive(data.get("speed_kph")), _positive(data["length"]))
            for a, b, data in graph.edges(data=True)
        ]
    except (nx.NetworkXError, KeyError, TypeError, ValueError, SyntaxError, CRSError) as error:
        raise _no_graph(path) from error
    if not rows:
        raise _no_graph(path)
    if crs != CRS(WGS84):
        places = np.column_stack(Transformer.from_crs(crs, WGS84, always_xy=True).transform(*places.T))
    table = pd.DataFrame(rows, columns=["start", "end", "road_class", "speed", "metres"])
    speeds = in_force("road_speeds", on)["classes"]
    return _roads(
        path,
        places,
        table.assign(
            direction=1 if graph.is_directed() else 0,
            metres=table["metres"].fillna(0.0),
            speed=table["speed"].astype("float64").fillna(table["road_class"].map(speeds).astype("float64")),
        ),
    )


def _roads(path: Path, degrees: NDArray[np.float64], sections: pd.DataFrame) -> Roads:
    """Turn sections into driven ones, one per direction, and tell what is not driven."""
    import numpy as np
    import pandas as pd

    driven = sections["speed"] > 0
    if not driven.any():
        raise DataError(
            _("nothing in the road graph can be driven: no section has a class or a speed that is known"),
            fix=_("name the classes as OpenStreetMap does (primary, residential…), or give speed_kmh"),
            where=path.name,
        )
    kept = sections[driven].assign(minutes=lambda table: table["metres"] / 1000 / table["speed"] * 60)
    back = kept[kept["direction"] <= 0].rename(columns={"start": "end", "end": "start"})
    both = pd.concat([kept[kept["direction"] >= 0], back], ignore_index=True)
    left = sections[~driven].groupby("road_class")["metres"].sum().sort_values(ascending=False) / 1000
    findings = (
        Finding(
            "road_not_driven",
            "info",
            _("roads without a speed are not driven: {list}").format(
                list=", ".join(f"{name or '–'} ({number(km, 1)} km)" for name, km in left.head(8).items())
            ),
            file=path.name,
        ),
    )
    used, ranks = np.unique(both[["start", "end"]].to_numpy(), return_inverse=True)
    ranks = ranks.reshape(-1, 2)
    table = both.assign(start=ranks[:, 0], end=ranks[:, 1])[["start", "end", "road_class", "minutes"]]
    return Roads(degrees[used, 0], degrees[used, 1], table, findings if len(left) else ())


def _lengths(degrees: NDArray[np.float64], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    import numpy as np
    from pyproj import Geod

    a, b = degrees[start], degrees[end]
    return np.asarray(Geod(ellps="GRS80").inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2], dtype="float64")


def _direction(text: str) -> int:
    return 1 if text in FORWARD else -1 if text in BACKWARD else 0


def _positive(value: Any) -> float | None:
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if found > 0 else None


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _first(value: Any) -> str:
    """Return a class; the first one where OSMnx merged sections of several: ``"['primary', 'secondary']"``."""
    return _text(value).strip("[]").split(",")[0].strip(" '\"")


def _no_graph(path: Path) -> FileError:
    return FileError(
        _("the file cannot be read as a road graph"),
        fix=_("give an OpenStreetMap extract (.osm.pbf), a GraphML graph of OSMnx, or a GeoPackage of lines"),
        where=path.name,
    )
