"""Outlines: shared borders stay shared through simplification, rounding and coding."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.algorithms.cga import signed_area

from cptsgeo.errors import DataError
from cptsgeo.maps.codec import Block, decode, encode, read_varints, unzigzag, varints, zigzag
from cptsgeo.maps.commune_layer import _border, _members
from cptsgeo.maps.topology import MERCATOR_HALF, Topology, build_topology, detail, polygons

ARRAYS = ("arc_sizes", "x", "y", "rank", "unit_rings", "ring_arcs", "refs")


def wavy(columns: int, rows: int, seed: int) -> gpd.GeoSeries:
    """Make a grid of cells whose shared borders wave, the same wave on both sides, with an enclave and an island."""
    rng = np.random.default_rng(seed)
    lines = []
    for axis in range(2):
        for i in range((columns if axis else rows) + 1):
            length = rows if axis else columns
            along = np.linspace(0, length, length * 20 + 1)
            across = i + 0.15 * np.sin(along * np.pi * 2) * rng.uniform(0.3, 1)
            lines.append(shapely.LineString(np.column_stack([across, along] if axis else [along, across])))
    lines.append(shapely.Point(0.5, 0.5).buffer(0.2).exterior)
    noded = shapely.get_parts(shapely.node(shapely.union_all(lines)))
    cells = list(shapely.get_parts(shapely.polygonize(list(noded))))
    cells[0] = shapely.union_all([cells[0], shapely.Point(-1.5, 0).buffer(0.2)])
    return gpd.GeoSeries(cells, crs=4326).affine_transform([0.05, 0, 0, 0.05, 2.0, 46.0])


def assert_same(left: Topology, right: Topology) -> None:
    assert (left.bits, left.levels) == (right.bits, right.levels)
    for name in ARRAYS:
        assert np.array_equal(getattr(left, name), getattr(right, name)), name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_gap_and_no_overlap_at_any_level(seed: int) -> None:
    source = wavy(5, 4, seed)
    topology = build_topology(source, (20.0, 80.0, 300.0), 24)
    whole = None
    for level in range(3):
        shapes = polygons(topology, level)
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
        area = shapely.area(shapely.union_all(shapes))
        assert area == pytest.approx(shapely.area(shapes).sum(), rel=1e-12)
        whole = whole or area
        assert area == pytest.approx(whole, rel=0.02)


def neighbours(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that share a stretch of border, whatever the rest of them does."""
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    border = shapely.relate_pattern(shapely.boundary(shapes[left]), shapely.boundary(shapes[right]), "1********")
    return left[border], right[border]


def holes(shapes: np.ndarray, least: float) -> int:
    """Count the holes in the ground that polygons cover together, but the smallest."""
    whole = shapely.get_parts(shapely.union_all(shapes))
    rings = np.concatenate([shapely.get_rings(part)[1:] for part in whole])
    return int((shapely.area(shapely.polygons(rings)) > least).sum()) if len(rings) else 0


def region() -> gpd.GeoSeries:
    """The 946 communes of Provence-Alpes-Côte d’Azur, whose ground has one hole."""
    folder = Path(os.environ.get("CPTSGEO_SHARED", Path(__file__).parents[3] / "shared")) / "data"
    path = folder / "communes" / "communes_cog2026.parquet"
    if not path.is_file():
        pytest.skip("the real outlines are not beside the project")
    frame = gpd.read_parquet(path, columns=["region", "geometry"], filters=[("region", "==", "93")])
    return frame.geometry.to_crs(4326).reset_index(drop=True)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: wavy(24, 20, 7), id="made up"),
        pytest.param(region, id="region", marks=pytest.mark.real_data),
    ],
)
def test_the_detail_of_the_national_page_opens_no_gap_and_no_overlap(
    source: Callable[[], gpd.GeoSeries], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of the grid is a pixel at zoom 13: where rounding crosses two borders, it is within a pixel or two."""
    tolerances, bits = detail(35_000)
    assert (tolerances, bits) == ((180.0, 600.0, 1500.0), 21)
    shapes = source()
    before = np.asarray(shapes.values)
    left, right = neighbours(before)
    assert len(left) > 900
    topology = build_topology(shapes, tolerances, bits)
    fine = polygons(topology)
    for level in range(len(tolerances)):
        drawn = polygons(topology, level)
        assert not shapely.is_missing(drawn).any()
        drawn = shapely.make_valid(drawn)
        shared = shapely.relate_pattern(shapely.boundary(drawn[left]), shapely.boundary(drawn[right]), "1********")
        assert shapely.intersects(drawn[left], drawn[right]).all()
        assert shared.mean() > 0.995  # the others met along less than the tolerance, and now in a point
        one, other = neighbours(drawn)
        assert {*zip(one, other, strict=True)} <= {*zip(left, right, strict=True)}
        over = shapely.area(shapely.intersection(drawn[one], drawn[other]))
        assert over.max() < 2
        assert (over > 0).mean() < 0.001
        assert holes(drawn, 2) == holes(before, 0)
    monkeypatch.setattr("cptsgeo.maps.topology._assemble", lambda rings: shapely.Point(sum(map(signed_area, rings)), 0))
    ground = np.abs(shapely.get_x(polygons(topology)))
    assert np.abs(ground - shapely.area(fine)).max() < 2, "holes run the other way round, as a canvas wants them"


def test_islands_and_holes_are_kept_whatever_way_their_rings_run() -> None:
    land = shapely.box(2, 46, 2.3, 46.3).difference(shapely.box(2.1, 46.1, 2.2, 46.2))
    parts = [shapely.box(2.4, 46, 2.41, 46.01), land, shapely.box(2.4, 46.2, 2.45, 46.25)]
    for turned in (shapely.multipolygons(parts), shapely.reverse(shapely.multipolygons(parts))):
        topology = build_topology(gpd.GeoSeries([turned, shapely.box(2.1, 46.1, 2.2, 46.2)], crs=4326), (1.0,), 24)
        drawn, enclave = polygons(topology)
        assert shapely.get_num_geometries(drawn) == 3
        assert shapely.area(drawn) == pytest.approx(8 * shapely.area(enclave) * 1.0325, rel=2e-3)
        assert not shapely.relate_pattern(drawn, enclave, "2********")


def test_a_coarse_level_keeps_a_subset_of_the_points() -> None:
    topology = build_topology(wavy(4, 4, 5), (20.0, 80.0, 300.0), 24)
    counts = [shapely.get_num_coordinates(polygons(topology, level)).sum() for level in range(3)]
    assert counts[0] > counts[1] > counts[2]


def test_rounding_moves_no_point_by_more_than_half_a_step() -> None:
    source = wavy(3, 3, 4)
    bits = 22
    topology = build_topology(source, (0.0,), bits)
    step = 2 * MERCATOR_HALF / 2**bits
    drawn = shapely.transform(
        polygons(topology),
        lambda xy: np.column_stack([xy[:, 0] * step - MERCATOR_HALF, MERCATOR_HALF - xy[:, 1] * step]),
    )
    exact = source.to_crs(3857).values
    assert shapely.hausdorff_distance(shapely.boundary(drawn), shapely.boundary(exact)).max() <= step * 0.75


def test_a_shared_border_is_stored_once() -> None:
    pair = gpd.GeoSeries([shapely.box(2, 46, 2.1, 46.1), shapely.box(2.1, 46, 2.2, 46.1)], crs=4326)
    topology = build_topology(pair, (1.0,), 24)
    arcs, times = np.unique(topology.refs >> 1, return_counts=True)
    assert len(arcs) == 3
    assert sorted(times) == [1, 1, 2]


def test_a_unit_without_outline_has_no_ring() -> None:
    topology = build_topology(
        gpd.GeoSeries([None, shapely.box(2, 46, 2.1, 46.1), shapely.Polygon()], crs=4326), (1.0,), 20
    )
    assert topology.unit_rings.tolist() == [0, 1, 0]
    assert polygons(topology)[0] is None
    nothing = build_topology(gpd.GeoSeries([None, None], crs=4326), (1.0,), 20)
    assert nothing.unit_rings.tolist() == [0, 0]


def test_territories_far_apart_are_each_simplified_in_their_own_crs() -> None:
    places = [(2.0, 46.0), (-61.0, 14.6), (55.5, -21.1), (45.1, -12.8), (-53.0, 4.0), (-56.2, 46.9), (165.0, -21.0)]
    shapes = gpd.GeoSeries([shapely.box(x, y, x + 0.05, y + 0.05) for x, y in places], crs=4326)
    topology = build_topology(shapes, (10.0, 50.0), 24)
    assert shapely.is_valid(polygons(topology)).all()
    assert topology.unit_rings.tolist() == [1] * 7


@pytest.mark.parametrize("crs", [None, 2154])
def test_a_missing_or_metric_crs_is_refused(crs: int | None) -> None:
    with pytest.raises(DataError, match="4326"):
        build_topology(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=crs), (1.0,), 20)


def test_lines_are_refused() -> None:
    with pytest.raises(DataError):
        build_topology(gpd.GeoSeries([shapely.LineString([(2, 46), (3, 47)])], crs=4326), (1.0,), 20)


def test_a_block_is_read_back_equal() -> None:
    topology = build_topology(wavy(4, 3, 9), (20.0, 80.0, 300.0), 23)
    rows = len(topology.unit_rings)
    columns = {"name": [f"é{i}</script>" for i in range(rows)], "population": [None, *range(rows - 1)]}
    block = decode(encode(Block((topology,), columns, (), {"a": 1})))
    assert_same(block.coverages[0], topology)
    assert block.columns["name"] == columns["name"]
    assert block.meta == {"a": 1}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_integers_are_read_back_equal(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert np.array_equal(unzigzag(read_varints(varints(zigzag(array)))), array)


def test_an_outline_follows_the_borders_of_its_units() -> None:
    source = wavy(3, 3, 8)
    topology = build_topology(source, (20.0,), 24)
    half = shapely.union_all(source.values[:4])
    members = _members(np.array([half], dtype=object), source.values)
    assert members is not None
    assert members[0].tolist() == [0, 1, 2, 3]
    arcs = _border(topology, members[0])
    own = {int(ref) >> 1 for ref in topology.refs}
    assert 0 < len(arcs) < len(own)
    assert _members(np.array([shapely.box(2.01, 46.01, 2.06, 46.06)], dtype=object), source.values) is None


def test_outlines_of_many_units_are_kept_on_disk_and_read_back_equal(tmp_path, monkeypatch) -> None:
    from dataclasses import fields

    from cptsgeo.maps import outline_cache, topology

    monkeypatch.setenv("CPTSGEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(topology, "ENOUGH", 4)
    boxes = [shapely.box(2 + 0.01 * i, 48, 2.01 + 0.01 * i, 48.01) for i in range(6)]
    shapes = gpd.GeoSeries([*boxes, None], crs=4326)
    topology._cached.cache_clear()
    first = topology.build_topology(shapes, (1.0, 5.0), 24)
    (kept,) = (tmp_path / "cache").glob("outlines-*.npz")
    topology._cached.cache_clear()
    monkeypatch.setattr(topology, "_simplified", lambda *_arguments: pytest.fail("simplified again"))
    again = topology.build_topology(shapes, (1.0, 5.0), 24)
    for one in fields(first):
        assert np.array_equal(getattr(first, one.name), getattr(again, one.name)), one.name
    monkeypatch.undo()
    kept.write_bytes(kept.read_bytes()[:100])
    assert outline_cache.load(kept) is None
    kept.write_bytes(b"")
    assert outline_cache.load(kept) is None


def test_other_outlines_tolerances_or_grids_are_other_files_and_the_cache_can_be_off(tmp_path, monkeypatch) -> None:
    from cptsgeo.maps.outline_cache import KEPT, cache_file, store
    from cptsgeo.maps.topology import build_topology

    monkeypatch.setenv("CPTSGEO_CACHE", str(tmp_path))
    names = {cache_file(b"a", (1.0,), 24), cache_file(b"b", (1.0,), 24), cache_file(b"a", (2.0,), 24)}
    assert len({*names, cache_file(b"a", (1.0,), 21)}) == 4
    one = build_topology(gpd.GeoSeries([shapely.box(2, 48, 2.1, 48.1)], crs=4326), (1.0,), 24)
    for at in range(KEPT + 3):
        store(tmp_path / f"outlines-{at}.npz", one)
    assert len(list(tmp_path.glob("outlines-*.npz"))) == KEPT
    (tmp_path / "file").write_text("x")
    store(tmp_path / "file" / "outlines-x.npz", one)
    monkeypatch.setenv("CPTSGEO_CACHE", "off")
    assert cache_file(b"a", (1.0,), 24) is None
