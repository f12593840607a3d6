"""The road graph: who is reached first by car, in how many minutes, and the roads that a map shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from cptsgeo.crs import WGS84
from cptsgeo.errors import Finding
from cptsgeo.parameters import in_force

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

LONELY = 100
"""Nodes under which a piece of network cut off from the rest (a car park, a private lane) is no place to start from."""

WEAKEST = 1e-9
"""Minutes of a section without length: a graph in memory takes a zero for no section."""


@dataclass(frozen=True)
class Roads:
    """Hold a road graph.

    Attributes
    ----------
    longitude, latitude
        Places of the nodes, in degrees.
    sections
        ``start`` and ``end`` (ranks of nodes), ``road_class``, ``minutes``; one row per direction that may be driven.
    findings
        What is not driven, for want of a speed.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    sections: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def minutes_to_nearest(
    roads: Roads, origins: pd.DataFrame, destinations: pd.DataFrame, *, epsg: int, on: date | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the destination that a car reaches first from each origin.

    Parameters
    ----------
    roads
        The graph.
    origins, destinations
        ``longitude``, ``latitude`` in degrees, none missing.
    epsg
        Metric CRS in which the nearest node of the network is looked for.
    on
        Day of the conventions for what is off the road.

    Returns
    -------
    tuple
        Rank of the destination (-1: none can be reached), and minutes (missing then).

    Notes
    -----
    ``minutes = straight line to the nearest node / off_road + sections + straight line from the last node / off_road``, by
    the algorithm of Dijkstra from all destinations at once. A place farther than ``reach_m`` from every node is not reached; a fragment of the
    network (under :data:`LONELY` nodes, cut off from the rest) is no place to start from.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    conventions = in_force("road_speeds", on)
    nodes = len(roads.longitude)
    legs = [_leg(roads, places, epsg, conventions) for places in (destinations, origins)]
    first_origin = nodes + len(destinations)
    size = first_origin + len(origins)
    # from destinations, against the direction of the sections: the search goes outward from them all at once
    tails = [roads.sections["end"].to_numpy(), np.arange(nodes, first_origin), legs[1][0]]
    heads = [roads.sections["start"].to_numpy(), legs[0][0], np.arange(first_origin, size)]
    minutes = [roads.sections["minutes"].to_numpy(), legs[0][1], legs[1][1]]
    tail, head, cost = (np.concatenate(part) for part in (tails, heads, minutes))
    usable = np.isfinite(cost)
    tail, head, cost = tail[usable], head[usable], np.maximum(cost[usable], WEAKEST)
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    fastest = np.ones(len(tail), dtype=bool)
    fastest[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    graph = coo_array((cost[fastest], (tail[fastest], head[fastest])), shape=(size, size)).tocsr()
    found, _before, source = dijkstra(
        graph, indices=np.arange(nodes, first_origin), min_only=True, return_predecessors=True
    )
    reached = np.isfinite(found[first_origin:])
    return (
        np.where(reached, source[first_origin:] - nodes, -1),
        np.where(reached, found[first_origin:], np.nan),
    )


def _leg(roads: Roads, places: pd.DataFrame, epsg: int, conventions: dict[str, Any]) -> tuple[Any, Any]:
    """Return the nearest node of each place, and the minutes to it; infinite beyond reach."""
    import numpy as np
    from scipy.spatial import cKDTree

    nodes = _anchors(roads)
    tree = cKDTree(_projected(roads.longitude[nodes], roads.latitude[nodes], epsg))
    metres, nearest = tree.query(_projected(places["longitude"], places["latitude"], epsg))
    minutes = metres / 1000 / conventions["off_road"] * 60
    return nodes[nearest], np.where(metres <= conventions["reach_m"], minutes, np.inf)


def _anchors(roads: Roads) -> NDArray[np.int64]:
    """List the nodes from which one gets out and back: those of a strongly connected part that is no mere fragment."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(roads.longitude)
    start, end = roads.sections["start"].to_numpy(), roads.sections["end"].to_numpy()
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(size, size))
    _count, part = connected_components(graph, connection="strong")
    members = np.bincount(part)
    return np.flatnonzero(members[part] >= min(LONELY, members.max()))


def _projected(longitude: Any, latitude: Any, epsg: int) -> NDArray[np.float64]:
    import numpy as np
    from pyproj import Transformer

    x, y = Transformer.from_crs(WGS84, epsg, always_xy=True).transform(np.asarray(longitude), np.asarray(latitude))
    return np.column_stack([x, y])


def main_roads(roads: Roads, *, on: date | None = None) -> gpd.GeoDataFrame:
    """Return the roads that a map of the whole territory shows, joined by class.

    Returns
    -------
    GeoDataFrame
        ``road_class`` and lines, EPSG:4326, the widest class last so that it is drawn over the others; no row where the graph has no such class.
    """
    import geopandas as gpd
    import numpy as np
    import shapely

    classes = in_force("road_speeds", on)["drawn"]
    places = np.column_stack([roads.longitude, roads.latitude])
    found = []
    for name in reversed(classes):
        some = roads.sections[roads.sections["road_class"] == name]
        if len(some):
            pairs = np.unique(np.sort(some[["start", "end"]].to_numpy(), axis=1), axis=0)
            found.append((name, shapely.line_merge(shapely.multilinestrings(shapely.linestrings(places[pairs])))))
    names, shapes = zip(*found, strict=True) if found else ((), ())
    return gpd.GeoDataFrame({"road_class": list(names)}, geometry=list(shapes), crs=WGS84)
