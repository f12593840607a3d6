"""Points counted in perimeters: one answer on every engine, on borders too, and when a worker dies."""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.assign import PartFiles, assign
from cptsgeo.coverage import coverage
from cptsgeo.coverage_series import coverage_series
from cptsgeo.engines import open_engine
from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.perimeters import Perimeters
from cptsgeo.point_index import BORDER, locate, point_index

MILLION = 1_000_000
SEED = 7


def _engine(name: str, present: bool, missing: str) -> object:
    return pytest.param(name, marks=pytest.mark.skipif(not present, reason=missing))


HAS_DUCKDB = importlib.util.find_spec("duckdb") is not None
HAS_SPARK = importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None
SPARK = _engine("spark", HAS_SPARK, "PySpark (group dev) or Java 17 is not installed")
ENGINES = ["local", _engine("duckdb", HAS_DUCKDB, "DuckDB (group dev) is not installed"), SPARK]


@pytest.fixture(scope="module", autouse=True)
def _end_of_spark() -> Iterator[None]:
    yield
    if HAS_SPARK:
        from pyspark.sql import SparkSession

        session = SparkSession.getActiveSession()
        if session is not None:
            session.stop()


def squares(*corners: tuple[str, float, float, float, float], crs: int = 4326) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"territory_id": [name for name, *_ in corners]}, geometry=[shapely.box(*box) for _, *box in corners], crs=crs
    )


def homes(*places: tuple[float, float] | None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[None if one is None else shapely.Point(one) for one in places], crs=4326)


def places_of(perimeters: gpd.GeoDataFrame, x: float, y: float) -> list[str]:
    """State the rule point by point, without grid nor tree."""
    point = shapely.Point(x, y)
    inside = [row.territory_id for row in perimeters.itertuples() if row.geometry.contains(point)]
    return (
        sorted(inside)
        or sorted(row.territory_id for row in perimeters.itertuples() if row.geometry.intersects(point))[:1]
    )


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> tuple[gpd.GeoDataFrame, Path]:
    """900 perimeters that share borders, a million points, one in five exactly on a vertex or an edge, in ten files."""
    rng = np.random.default_rng(SEED)
    seeds = shapely.MultiPoint(rng.uniform(0, 8, (900, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, 8, 8)))
    cells = shapely.set_precision(shapely.intersection(cells, shapely.box(0, 0, 8, 8)), 2**-10)
    perimeters = gpd.GeoDataFrame({"territory_id": [f"{n:03d}" for n in range(900)]}, geometry=cells, crs=4326)
    places = rng.uniform(-0.2, 8.2, (MILLION, 2))
    vertices = shapely.get_coordinates(cells)
    places[: MILLION // 10] = vertices[rng.integers(0, len(vertices), MILLION // 10)]
    places[MILLION // 10 : MILLION // 5] = np.round(places[MILLION // 10 : MILLION // 5] * 1024) / 1024
    places = places[rng.permutation(MILLION)]
    folder = tmp_path_factory.mktemp("points")
    for part, rows in enumerate(np.split(places, 10)):
        month = folder / f"month=0{part % 2 + 1}"
        month.mkdir(exist_ok=True)
        layer = gpd.GeoDataFrame(
            {"weight": np.arange(len(rows)) % 7 / 10}, geometry=gpd.points_from_xy(*rows.T), crs=4326
        )
        layer.to_parquet(month / f"part-{part}.parquet")
    return perimeters, folder


@pytest.fixture(scope="module")
def expected_counts(country: tuple[gpd.GeoDataFrame, Path]) -> pd.DataFrame:
    """Counts and tenths of weight by month and perimeter, from one call over all points in memory."""
    perimeters, folder = country
    layer = gpd.read_parquet(folder)
    x, y = layer.geometry.x.to_numpy(), layer.geometry.y.to_numpy()
    point, perimeter = locate(point_index(perimeters.geometry.to_numpy().copy()), x, y)
    pairs = pd.DataFrame({"month": layer["month"].astype("str").to_numpy()[point], "perimeter": perimeter})
    pairs["tenths"] = np.rint(layer["weight"].to_numpy()[point] * 10)
    return pairs.groupby(["month", "perimeter"]).agg(points=("tenths", "size"), tenths=("tenths", "sum"))


def test_a_point_counts_in_every_perimeter_it_is_inside_and_once_on_shared_borders():
    perimeters = squares(("b", 0, 0, 1, 1), ("a", 1, 0, 2, 1), ("c", 0, 1, 1, 2), ("over", 0.5, 0.5, 3, 3))
    found = assign(
        homes((0.2, 0.2), (1, 0.2), (1, 0.5), (0.2, 1), (0.7, 0.7), (0, 0), (1, 1), (5, 5), (-1, 0.5), None), perimeters
    )
    # (1, .2): border of a and b, so a; (1, .5): on three borders, so a; (.7, .7): inside b and over; (1, 1): inside over
    assert found.counts.set_index("territory_id")["points"].to_dict() == {"a": 2, "b": 4, "c": 0, "over": 2}
    assert found.rest.set_index("reason")["points"].to_dict() == {"outside": 2, "no_position": 1}


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=6
    ),
    st.lists(st.tuples(st.integers(-2, 22), st.integers(-2, 22)), min_size=1, max_size=40),
)
def test_the_grid_and_the_tree_change_no_answer(boxes: list[tuple[int, ...]], places: list[tuple[int, int]]):
    perimeters = squares(*((f"{n}", x, y, x + w, y + h) for n, (x, y, w, h) in enumerate(boxes)))
    coordinates = np.array(places) / 2.0
    index = point_index(perimeters.geometry.to_numpy().copy())
    point, perimeter = locate(index, coordinates[:, 0], coordinates[:, 1])
    names = perimeters["territory_id"].to_numpy()
    for number, (x, y) in enumerate(coordinates.tolist()):
        assert names[perimeter[point == number]].tolist() == places_of(perimeters, x, y)


def test_most_points_never_reach_a_polygon(country):
    perimeters, _folder = country
    index = point_index(perimeters.geometry.to_numpy().copy())
    assert (index.patches[0].cells == BORDER).mean() < 0.35
    again = pickle.loads(pickle.dumps(index))
    x, y = np.random.default_rng(SEED).uniform(0, 8, (2, 1000))
    assert all((one == other).all() for one, other in zip(locate(index, x, y), locate(again, x, y), strict=True))


def test_perimeters_an_ocean_apart_have_grids_of_their_own():
    index = point_index(squares(("a", 0, 0, 1, 1), ("b", 55, -21, 56, -20)).geometry.to_numpy())
    assert len(index.patches) == 2
    assert [side.tolist() for side in locate(index, np.array([0.5, 55.5, 30]), np.array([0.5, -20.5, -10]))] == [
        [0, 1],
        [0, 1],
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.filterwarnings("ignore")
def test_a_million_points_give_the_same_counts_on_every_engine(country, expected_counts, engine: str):
    perimeters, folder = country
    found = assign(folder, perimeters, engine=engine, workers=2, weight="weight", by=["month"])
    assert set(found.counts["month"]) == {"01", "02"}, "a partition is text: its zero stays"
    assert found.counts["points"].tolist() == expected_counts["points"].tolist()
    assert (found.counts["weight"] * 10).tolist() == pytest.approx(expected_counts["tenths"].tolist(), abs=1e-6)
    assert found.counts["points"].sum() + found.rest["points"].sum() == MILLION, "no overlap: each point once"


def test_counts_equal_those_of_the_rule_stated_point_by_point(country):
    perimeters, folder = country
    layer = gpd.read_parquet(folder / "month=01" / "part-0.parquet").iloc[:400]
    found = assign(layer[["geometry"]], perimeters)
    expected = pd.Series([name for place in layer.geometry for name in places_of(perimeters, place.x, place.y)])
    held = found.counts[found.counts["points"] > 0].set_index("territory_id")["points"]
    assert held.to_dict() == expected.value_counts().to_dict()


def _python_workers() -> list[int]:
    """Return the Python workers of our own Spark: grandchildren of the Java process that this one started."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])

    def generations(pid: int) -> int:
        steps = 0
        while pid in parents and pid != os.getpid():
            pid, steps = parents[pid], steps + 1
        return steps if pid == os.getpid() else 0

    return [pid for pid in parents if generations(pid) == 3]


@pytest.mark.parametrize("engine", [SPARK])
@pytest.mark.filterwarnings("ignore")
def test_a_worker_killed_in_the_middle_changes_nothing(country, engine: str, tmp_path: Path):
    perimeters, folder = country
    expected = assign(folder, perimeters, by=["month"])
    killed: list[int] = []
    before = set(_python_workers())
    finished = threading.Event()

    def kill() -> None:
        while not finished.is_set() and not killed:
            parts = list(tmp_path.rglob("*.unfinished"))
            running = _python_workers()
            if parts and running:
                os.kill(running[0], signal.SIGKILL)
                killed.append(running[0])
            time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    found = assign(folder, perimeters, engine=engine, workers=2, by=["month"], output=tmp_path / "out")
    finished.set()
    killer.join()
    assert killed, f"no worker was seen at work ({before})"
    pd.testing.assert_frame_equal(found.counts, expected.counts)
    assert not list((tmp_path / "out").rglob(".*"))
    assert len(gpd.read_parquet(tmp_path / "out")) == MILLION


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.filterwarnings("ignore")
def test_points_are_written_with_their_perimeters_as_partitioned_geoparquet(engine: str, tmp_path: Path):
    perimeters = squares(("b", 0, 0, 1, 1), ("a", 1, 0, 2, 1), ("over", 0.5, 0, 3, 1))
    layer = homes((0.2, 0.2), (1, 0.2), (0.7, 0.5), (9, 9))
    layer["month"] = ["2024/01", "2024/01", "2024/02", "2024/02"]
    layer["home"] = [1, 2, 3, 4]
    layer.to_parquet(tmp_path / "points.parquet")
    assign(tmp_path / "points.parquet", perimeters, engine=engine, workers=2, by=["month"], output=tmp_path / "out")
    assert sorted(folder.name for folder in (tmp_path / "out").iterdir()) == ["month=2024%2F01", "month=2024%2F02"]
    written = gpd.read_parquet(tmp_path / "out").sort_values(["home", "territory_id"])
    assert list(zip(written["home"], written["territory_id"].fillna("-"), strict=True)) == [
        (1, "b"), (2, "over"), (3, "b"), (3, "over"), (4, "-"),
    ]  # fmt: skip
    assert written.crs == 4326
    with pytest.raises(FileError, match="pas vide"):
        assign(tmp_path / "points.parquet", perimeters, engine=engine, by=["month"], output=tmp_path / "out")


def test_a_task_that_dies_leaves_no_file(tmp_path: Path):
    def broken() -> None:
        with PartFiles(tmp_path, (), 1) as parts:
            parts.write(pa.table({"a": [1]}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_points_are_read_from_wkb_geoarrow_and_plain_columns(encoding: str, tmp_path: Path):
    perimeters = squares(("a", 0, 0, 1, 1))
    layer = homes((0.5, 0.5), (2, 2), None)
    layer.to_parquet(tmp_path / "points.parquet", geometry_encoding=encoding)
    plain = pd.DataFrame({"longitude": [0.5, 2, None], "latitude": [0.5, 2, 1]})
    for points in (tmp_path / "points.parquet", layer, plain):
        found = assign(points, perimeters)
        assert found.counts["points"].tolist() == [1]
        assert found.rest["points"].tolist() == [1, 1]


def test_what_a_file_says_of_its_points_must_be_an_object(tmp_path: Path):
    table = pa.table({"longitude": [0.5], "latitude": [0.5]}).replace_schema_metadata({"geo": "null"})
    pq.write_table(table, tmp_path / "points.parquet")
    with pytest.raises(DataError, match="geo"):
        assign(tmp_path / "points.parquet", squares(("a", 0, 0, 1, 1)))


def test_perimeters_in_metres_are_brought_to_the_points():
    perimeters = squares(("a", 0, 44, 1, 45)).to_crs(2154)
    assert assign(homes((0.5, 44.5)), perimeters).counts["points"].tolist() == [1]


def test_a_territory_of_several_rows_counts_a_point_once():
    perimeters = squares(("a", 0, 0, 1, 1), ("a", 0.5, 0, 2, 1))
    assert assign(homes((0.7, 0.5), (1.5, 0.5)), perimeters).counts["points"].tolist() == [2]


def test_weights_are_refused_when_missing():
    layer = homes((0.5, 0.5), (0.6, 0.6))
    layer["people"] = [1.0, None]
    with pytest.raises(DataError, match="1 point"):
        assign(layer, squares(("a", 0, 0, 1, 1)), weight="people")


def test_what_cannot_be_read_is_said(tmp_path: Path):
    perimeters = squares(("a", 0, 0, 1, 1))
    with pytest.raises(FileError, match="Parquet"):
        assign(tmp_path, perimeters)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(FileError, match="Parquet"):
        assign(tmp_path, perimeters)
    with pytest.raises(DataError, match="longitude"):
        assign(pd.DataFrame({"x": [1]}), perimeters)
    with pytest.raises(UsageError, match="people"):
        assign(homes((0, 0)), perimeters, weight="people")
    with pytest.raises(DataError, match="CRS"):
        assign(homes((0, 0)).set_crs(None, allow_override=True), perimeters)
    other = tmp_path / "two"
    other.mkdir()
    homes((0, 0)).to_parquet(other / "a.parquet")
    homes((0, 0)).to_crs(2154).to_parquet(other / "b.parquet")
    with pytest.raises(DataError, match="CRS"):
        assign(other, perimeters)


@pytest.mark.parametrize(("name", "module", "extra"), [("duckdb", "duckdb", "scale"), ("spark", "pyspark", "spark")])
def test_an_engine_that_is_absent_names_its_extra(monkeypatch, name: str, module: str, extra: str):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(UsageError) as error:
        open_engine(name)
    assert f"cptsgeo[{extra}]" in error.value.fix
    assert ("Java 17" in error.value.fix) == (name == "spark")


@pytest.mark.skipif(not HAS_SPARK, reason="PySpark or Java is not installed")
def test_java_that_is_absent_is_named(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(UsageError, match="java"):
        open_engine("spark")


def test_a_master_is_of_spark_only():
    with pytest.raises(UsageError, match="master"):
        open_engine("local", master="spark://here:7077")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.filterwarnings("ignore")
def test_coverage_of_many_months_is_that_of_each(engine, toy_communes, toy_perimeters: Perimeters, tmp_path: Path):
    rows = toy_perimeters.membership.merge(toy_perimeters.cpts[["cpts_id", "stage"]], on="cpts_id")
    rows["stage"] = rows["stage"].astype("object")
    states = {f"2024-{month:02d}": rows.iloc[: len(rows) - month] for month in range(1, 5)}
    for name, state in states.items():
        (tmp_path / f"month={name}").mkdir()
        pq.write_table(
            pa.Table.from_pandas(
                state[["cpts_id", "insee_code", "share", "stage"]],
                pa.schema([("cpts_id", "string"), ("insee_code", "string"), ("share", "double"), ("stage", "string")]),
                preserve_index=False,
            ),
            tmp_path / f"month={name}" / "part.parquet",
        )
    found = coverage_series(tmp_path, toy_communes, by="departement", engine=engine, workers=2)
    for name, state in states.items():
        cpts = toy_perimeters.cpts[toy_perimeters.cpts["cpts_id"].isin(state["cpts_id"])]
        expected = coverage(toy_communes, Perimeters(cpts, state.drop(columns="stage")), by="departement")
        mine = found[found["month"] == name].reset_index(drop=True)
        columns = [column for column in mine.columns if column != "month"]
        pd.testing.assert_frame_equal(mine[columns], expected[columns], check_dtype=False)


def test_months_with_rows_that_cannot_count_are_all_named(toy_communes):
    rows = pd.DataFrame(
        {
            "month": ["1", "1", "1", "2", "3"],
            "cpts_id": "a",
            "insee_code": ["04901", "04901", "99999", "04902", "04903"],
            "share": [1.0, 1.0, 1.0, 1.5, 1.0],
        }
    )
    with pytest.raises(DataError) as error:
        coverage_series(rows, toy_communes)
    assert sorted(one.rule for one in error.value.findings) == [
        "state_repeated",
        "state_unknown",
        "state_without_share",
    ]
    with pytest.raises(UsageError, match="share"):
        coverage_series(rows.drop(columns="share"), toy_communes)


def test_the_command_counts_and_says_what_is_in_no_perimeter(run, tmp_path: Path):
    layer = homes((0.2, 0.2), (1, 0.2), (9, 9))
    layer["people"] = [1.5, 2.0, 3.0]
    layer.to_parquet(tmp_path / "points.parquet")
    perimeters = squares(("b", 0, 0, 1, 1), ("a", 1, 0, 2, 1)).rename(columns={"territory_id": "secteur"})
    perimeters.to_file(tmp_path / "secteurs.gpkg")
    arguments = ["assign", tmp_path / "points.parquet", "--within", tmp_path / "secteurs.gpkg"]
    refused = run(*arguments)
    assert refused.code == 2
    assert "secteur" in refused.err
    assert "--id" in refused.err
    done = run(*arguments, "--id", "secteur", "--weight", "people", "-f", "csv")
    assert done.code == 0
    assert done.out == "territory_id,points,weight\na,1,2.0\nb,1,1.5\n"
    assert "1 " in done.err
    assert run(*arguments, "--id", "secteur", "--engine", "hadoop").code == 2
