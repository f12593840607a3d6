"""Road graphs: minutes by hand on a toy network, in every format; a real network."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

from cptsgeo.access import nearest
from cptsgeo.errors import DataError, FileError
from cptsgeo.road_files import read_roads
from cptsgeo.roads import Roads, main_roads, minutes_to_nearest
from tests.conftest import TOY_ORIGIN

WEST, SOUTH = TOY_ORIGIN
# A loop of 6 km at 60 km/h, one way from a to c; a shortcut of 2 km at 10 km/h back from c to a; a pier nobody drives.
#   a --> b --> c      a 0,0   b 2,2 (by way of 4 km)   c 4,0
PLACES = {"a": (0, 0), "b": (2, 3), "c": (4, 0), "d": (4, -2)}
LINES = [("ab", 60, "yes"), ("bc", 60, "yes"), ("ca", 10, "no"), ("cd", 30, "no")]


def points(names: str) -> pd.DataFrame:
    metric = gpd.GeoSeries(
        [shapely.Point(WEST + 1000 * PLACES[n][0], SOUTH + 1000 * PLACES[n][1]) for n in names], crs=2154
    )
    degrees = metric.to_crs(4326)
    return pd.DataFrame({"longitude": degrees.x, "latitude": degrees.y})


def layer() -> gpd.GeoDataFrame:
    ends = [[(WEST + 1000 * PLACES[n][0], SOUTH + 1000 * PLACES[n][1]) for n in names] for names, _speed, _one in LINES]
    return gpd.GeoDataFrame(
        {"speed_kmh": [speed for _names, speed, _one in LINES], "oneway": [one for _names, _speed, one in LINES]},
        geometry=[shapely.LineString(pair) for pair in ends],
        crs=2154,
    )


@pytest.fixture
def roads(tmp_path: Path) -> Roads:
    layer().to_file(tmp_path / "roads.gpkg")
    return read_roads(tmp_path / "roads.gpkg")


def minutes(roads: Roads, origins: str, destinations: str) -> tuple[list[int], list[float]]:
    rank, value = minutes_to_nearest(roads, points(origins), points(destinations), epsg=2154)
    return rank.tolist(), value.tolist()


AB = 13**0.5  # km from a to b, and from b to c


def test_minutes_by_hand_and_one_way_roads(roads: Roads) -> None:
    """ab and bc are 3.606 km at 60 km/h: 3.606 minutes each; c to a is 4 km at 10 km/h, both ways: 24 minutes."""
    assert minutes(roads, "a", "c") == ([0], [pytest.approx(2 * AB, rel=1e-3)])
    assert minutes(roads, "c", "a") == ([0], [pytest.approx(24, rel=1e-3)])
    assert minutes(roads, "b", "a") == ([0], [pytest.approx(AB + 24, rel=1e-3)])
    assert minutes(roads, "b", "b") == ([0], [pytest.approx(0, abs=1e-3)])
    assert minutes(roads, "d", "ca")[0] == [0]


def test_the_nearest_by_road_is_not_the_nearest_in_a_line(roads: Roads) -> None:
    units = points("b").assign(insee_code="04901", population=1)
    resources = points("ac").assign(resource_id=["A", "C"], kind="mri", insee_code="04901", status="ouvert", name="x")
    assert nearest(units, resources)["resource_id"].tolist() == ["A"]
    by_road = nearest(units, resources, roads=roads)
    assert by_road["resource_id"].tolist() == ["C"]
    assert by_road["measure"].tolist() == ["road_min"]
    assert by_road["value"].tolist() == [pytest.approx(AB, rel=1e-3)]
    pd.testing.assert_frame_equal(nearest(units, resources.iloc[::-1], roads=roads), by_road)


def test_a_place_off_the_road_goes_to_it_at_20_km_h_and_no_farther_than_3_km(roads: Roads) -> None:
    def place(x: float, y: float) -> pd.DataFrame:
        degrees = gpd.GeoSeries([shapely.Point(WEST + x, SOUTH + y)], crs=2154).to_crs(4326)
        return pd.DataFrame({"longitude": degrees.x, "latitude": degrees.y})

    rank, value = minutes_to_nearest(roads, place(-1000, 0), points("a"), epsg=2154)
    assert (rank.tolist(), value.tolist()) == ([0], [pytest.approx(3, rel=1e-3)])
    rank, value = minutes_to_nearest(roads, place(-3100, 0), points("a"), epsg=2154)
    assert rank.tolist() == [-1]
    assert np.isnan(value).all()


def test_graphml_reads_as_the_same_network(tmp_path: Path, roads: Roads) -> None:
    graph = nx.MultiDiGraph(crs="epsg:2154")
    for name, (x, y) in PLACES.items():
        graph.add_node(name, x=WEST + 1000 * x, y=SOUTH + 1000 * y)
    for (start, end), speed, one in LINES:
        length = 1000 * np.hypot(*(np.array(PLACES[start]) - PLACES[end]))
        graph.add_edge(start, end, length=float(length), speed_kph=float(speed), highway="['primary', 'secondary']")
        if one == "no":
            graph.add_edge(end, start, length=float(length), speed_kph=float(speed), highway="primary")
    nx.write_graphml(graph, tmp_path / "g.graphml")
    read = read_roads(tmp_path / "g.graphml")
    for origins, destinations in (("a", "c"), ("c", "a"), ("b", "a"), ("d", "b")):
        assert minutes(read, origins, destinations)[1] == pytest.approx(
            minutes(roads, origins, destinations)[1], rel=2e-3
        )
    assert set(read.sections["road_class"]) == {"primary"}


def test_osm_classes_take_their_dated_speed_and_others_are_not_driven(tmp_path: Path) -> None:
    places = points("abcd")
    nodes = "".join(
        f'<node id="{i}" version="1" lon="{row.longitude}" lat="{row.latitude}"/>'
        for i, row in enumerate(places.itertuples(), start=1)
    )

    def way(number: int, refs: tuple[int, ...], **tags: str) -> str:
        inner = "".join(f'<nd ref="{ref}"/>' for ref in refs) + "".join(
            f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()
        )
        return f'<way id="{number}" version="1">{inner}</way>'

    ways = [
        way(1, (1, 2), highway="motorway"),
        way(2, (2, 3), highway="primary"),
        way(3, (1, 3), highway="residential", oneway="-1"),
        way(4, (3, 4), highway="footway"),
        way(5, (1, 3), highway="motorway", access="private"),
    ]
    path = tmp_path / "x.osm"
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{nodes}{"".join(ways)}</osm>')
    read = read_roads(path)
    assert sorted(read.sections["road_class"]) == ["motorway", "primary", "primary", "residential"]
    assert minutes(read, "a", "b")[1] == pytest.approx([AB / 90 * 60], rel=1e-3)
    assert minutes(read, "a", "c")[1] == pytest.approx([AB / 90 * 60 + AB / 65 * 60], rel=1e-3)
    assert minutes(read, "c", "a")[1] == pytest.approx([4 / 25 * 60], rel=1e-3)
    (finding,) = read.findings
    assert "footway (2,0 km)" in finding.problem
    assert list(main_roads(read)["road_class"]) == ["primary", "motorway"]


@pytest.mark.parametrize("ending", [".gpkg", ".graphml", ".osm", ".osm.pbf", ".geojson", ".parquet"])
@pytest.mark.parametrize("content", [b"", b"rien", b"\x00" * 60, b"<graphml/>"])
def test_what_is_no_graph_is_refused_cleanly(tmp_path: Path, ending: str, content: bytes) -> None:
    (tmp_path / f"x{ending}").write_bytes(content)
    with pytest.raises((FileError, DataError)) as error:
        read_roads(tmp_path / f"x{ending}")
    assert error.value.fix


def test_lines_without_class_and_points_are_refused(tmp_path: Path) -> None:
    layer().drop(columns="speed_kmh").to_file(tmp_path / "bare.gpkg")
    with pytest.raises(DataError, match="ni classe de route ni vitesse"):
        read_roads(tmp_path / "bare.gpkg")
    layer().assign(speed_kmh=0, highway="steps").to_file(tmp_path / "steps.gpkg")
    with pytest.raises(DataError, match="rien ne se roule"):
        read_roads(tmp_path / "steps.gpkg")
    gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(tmp_path / "p.gpkg")
    with pytest.raises(FileError, match="graphe routier"):
        read_roads(tmp_path / "p.gpkg")
    with pytest.raises(FileError, match="n’existe pas"):
        read_roads(tmp_path / "absent.gpkg")


@pytest.mark.real_data
def test_the_real_network_of_monaco(shared: Path) -> None:
    """From the station to the heliport and to Larvotto: 1 to 4 km through the town."""
    read = read_roads(shared / "osm" / "monaco.osm.pbf")
    assert len(read.sections) > 20_000
    station = pd.DataFrame({"longitude": [7.4193], "latitude": [43.7386]})
    places = pd.DataFrame({"longitude": [7.4190, 7.4327], "latitude": [43.7259, 43.7463]})
    for at in (0, 1):
        rank, value = minutes_to_nearest(read, station, places.iloc[[at]], epsg=2154)
        assert rank.tolist() == [0]
        line = gpd.GeoSeries.from_xy(*zip(*[(7.4193, 43.7386), places.iloc[at].tolist()], strict=True), crs=4326)
        kilometres = line.to_crs(2154).iloc[0].distance(line.to_crs(2154).iloc[1]) / 1000
        assert kilometres / 90 * 60 < value[0] < kilometres / 8 * 60
    rank, _value = minutes_to_nearest(read, station, places, epsg=2154)
    assert rank[0] in {0, 1}
    assert {"primary", "motorway"} <= set(main_roads(read)["road_class"])
