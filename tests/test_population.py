"""Inhabitants of pieces of communes: by hand, by properties, and on the real raster and cells."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from cptsgeo.apportionment import apportion
from cptsgeo.cells import Block, Cells, read_cells, sums_of_block
from cptsgeo.communes import embedded_communes
from cptsgeo.cut_findings import at_stake
from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.grids import check_grid, read_grid
from cptsgeo.population import polygon_shares, population_within
from cptsgeo.rasters import rasterize, read_raster, write_raster, zonal_sums

X, Y = 900_000.0, 6_400_000.0
COMMUNES = pd.DataFrame(
    {"insee_code": ["04001", "04002", "04003"], "name": ["Un", "Deux", "Trois"], "population": [100, 7, 0]}
).astype({"population": "Int64"})
CONTOURS = gpd.GeoDataFrame(
    {"insee_code": COMMUNES["insee_code"]},
    geometry=[box(X + 1000 * i, Y, X + 1000 * (i + 1), Y + 1000) for i in range(3)],
    crs=2154,
)


def drawn(*slabs: tuple[float, float], crs: int = 2154) -> gpd.GeoDataFrame:
    shapes = [box(X + west, Y - 500, X + east, Y + 1500) for west, east in slabs]
    return gpd.GeoDataFrame(
        {"territory_id": [chr(ord("a") + i) for i in range(len(shapes))]}, geometry=shapes, crs=2154
    ).to_crs(crs)


def points(*inhabitants: tuple[float, float]) -> Cells:
    """Points in the middle of the row, by their distance from its west."""
    ordered = sorted(inhabitants)
    x = np.array([X + place for place, _people in ordered])
    return Cells("points.csv", (Block(2154, x, np.full(len(x), Y + 500), np.array([p for _x, p in ordered]), 0.0),))


def write(path: Path, values: np.ndarray, *, nodata: float | None = None, crs: int | None = 2154) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1, dtype="float64",
        crs=crs, transform=Affine(100, 0, X, 0, -100, Y + 1000), nodata=nodata,
    ) as target:  # fmt: skip
        target.write(values, 1)
    return path


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Cells of 100 m: 80 inhabitants in the west half of the first commune, 20 in the east, 7 evenly in the second."""
    values = np.zeros((10, 30))
    values[:, :5], values[:, 5:10], values[:, 10:20] = 80 / 50, 20 / 50, 7 / 100
    return write(tmp_path / "counts.tif", values)


def by_id(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, str]]:
    return {(row.territory_id, row.insee_code): (row.share, row.method) for row in table.itertuples()}


def test_people_are_counted_where_the_grid_has_them(counts):
    shares = polygon_shares(drawn((-100, 500)), COMMUNES, CONTOURS, grid=read_grid(counts))
    assert by_id(shares.membership) == {("a", "04001"): (0.8, "grid")}
    cut = shares.cuts.iloc[0]
    assert (cut["population_by_grid"], cut["population_by_area"], cut["population_in_polygon"]) == (80, 50, 80)
    assert (cut["share_by_grid"], cut["share_by_area"]) == (pytest.approx(0.8), pytest.approx(0.5))
    assert cut["population_at_stake"] == at_stake(shares.cuts) == 30
    said = next(finding for finding in shares.findings if finding.rule == "units_cut")
    assert "30 inhabitants hang" in said.problem or "30 habitants" in said.problem


def test_two_halves_of_a_commune_sum_to_it_and_the_stake_counts_once(counts):
    shares = polygon_shares(drawn((-100, 500), (500, 3100)), COMMUNES, CONTOURS, grid=read_grid(counts))
    assert by_id(shares.membership) == {
        ("a", "04001"): (0.8, "grid"),
        ("b", "04001"): (0.2, "grid"),
        ("b", "04002"): (1.0, "polygon"),
        ("b", "04003"): (1.0, "polygon"),
    }
    assert at_stake(shares.cuts) == 30


def test_a_gap_narrower_than_the_tolerance_leaves_nobody_out(counts):
    shares = polygon_shares(drawn((-100, 490), (510, 1000)), COMMUNES, CONTOURS, grid=read_grid(counts))
    assert shares.cuts["population_in_polygon"].sum() == 100


def test_points_and_raster_agree(counts):
    grid = points((250, 80), (750, 20), (1500, 7))
    for slab in ((-100, 500), (500, 1000)):
        one = polygon_shares(drawn(slab), COMMUNES, CONTOURS, grid=grid).membership
        other = polygon_shares(drawn(slab), COMMUNES, CONTOURS, grid=read_grid(counts)).membership
        assert by_id(one) == by_id(other) == {("a", "04001"): (0.8 if slab[0] < 0 else 0.2, "grid")}


def test_slivers_go_to_the_pieces_that_fill_the_commune_with_them():
    shares = polygon_shares(
        drawn((-100, 20), (20, 45), (45, 1000)), COMMUNES, CONTOURS, grid=points((10, 5), (500, 95))
    )
    assert shares.cuts[["territory_id", "population_in_polygon"]].values.tolist() == [["c", 100]]


def test_without_a_grid_every_cut_commune_is_named():
    with pytest.raises(DataError) as caught:
        polygon_shares(drawn((500, 1500)), COMMUNES, CONTOURS, file="dessin.gpkg")
    said = str(caught.value)
    assert "04001 (Un, 100" in said
    assert "04002 (Deux, 7" in said
    assert "--area-weighting" in said
    assert "dessin.gpkg" in said


def test_area_weighting_is_recorded_and_said():
    shares = polygon_shares(drawn((-10, 500)), COMMUNES, CONTOURS, area_weighting=True)
    assert by_id(shares.membership) == {("a", "04001"): (0.5, "area")}
    assert [finding.rule for finding in shares.findings if finding.severity == "warning"] == ["area_weighting"]
    assert np.isnan(at_stake(shares.cuts))


def test_an_uninhabited_commune_needs_no_grid():
    shares = polygon_shares(drawn((2500, 3100)), COMMUNES, CONTOURS)
    assert by_id(shares.membership) == {("a", "04003"): (0.5, "polygon")}


def test_a_piece_where_nobody_lives_is_in_the_cuts_and_not_in_the_membership():
    shares = polygon_shares(drawn((-10, 200)), COMMUNES, CONTOURS, grid=points((600, 90)))
    assert shares.membership.empty
    assert shares.cuts["population_in_polygon"].tolist() == [0]


def test_overlapping_polygons_are_told_and_each_counted(counts):
    shares = polygon_shares(drawn((-100, 500), (300, 1000)), COMMUNES, CONTOURS, grid=read_grid(counts))
    assert shares.cuts["population_in_polygon"].tolist() == [80, 52]
    (said,) = [finding for finding in shares.findings if finding.rule == "polygons_overlap"]
    assert said.value == "a b"
    assert "32" in said.problem


@given(
    st.integers(0, 10**7),
    st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=8).filter(lambda weights: sum(weights) > 0),
)
def test_apportionment_conserves_to_the_inhabitant(total, weights):
    parts = apportion(total, weights)
    exact = total * np.array(weights) / sum(weights)
    assert parts.sum() == total
    assert (np.abs(parts - exact) < 1 + 1e-6).all()
    assert (parts >= 0).all()


@settings(max_examples=12)
@given(
    st.lists(st.integers(1, 2999), min_size=1, max_size=3, unique=True),
    st.lists(st.tuples(st.integers(1, 1999), st.integers(1, 8)), min_size=1, max_size=5, unique_by=lambda p: p[0]),
)
def test_a_partition_keeps_every_inhabitant(ends, people):
    grid = points((500.5, 80.0), (1500.5, 5.0), *[(place + 0.25, float(count)) for place, count in people])
    borders = [-100, *sorted(ends), 3100]
    layer = drawn(*pairwise(borders))
    shares = polygon_shares(layer, COMMUNES, CONTOURS, grid=grid)
    joined = shares.membership.merge(COMMUNES, on="insee_code")
    counted = np.floor((joined["share"] * joined["population"]).astype(float) + 0.5)
    totals = counted.groupby(joined["insee_code"]).sum()
    assert totals.reindex(["04001", "04002"]).tolist() == [100, 7]
    again = polygon_shares(layer.iloc[::-1].to_crs(4326), COMMUNES, CONTOURS.iloc[::-1], grid=grid)
    pd.testing.assert_frame_equal(
        again.membership.drop(columns="area_share"), shares.membership.drop(columns="area_share")
    )


def test_densities_are_refused(tmp_path):
    densities = write(tmp_path / "density.tif", np.full((10, 30), 100.0))
    with pytest.raises(DataError, match="pas un nombre d’habitants") as caught:
        polygon_shares(drawn((-100, 500)), COMMUNES, CONTOURS, grid=read_grid(densities))
    assert "densit" in str(caught.value)


def test_a_raster_that_does_not_cover_the_scope_is_refused(tmp_path):
    short = write(tmp_path / "short.tif", np.full((10, 5), 1.6))
    with pytest.raises(DataError) as caught:
        polygon_shares(drawn((-100, 500)), COMMUNES, CONTOURS, grid=read_grid(short))
    assert "100,0 %" in str(caught.value).replace("\u202f", " ")
    assert "04001" in str(caught.value)


def test_an_undeclared_nodata_is_refused_with_its_value(tmp_path):
    values = np.full((10, 30), 1.0)
    values[0, 0] = -200
    path = write(tmp_path / "ghs.tif", values)
    with pytest.raises(DataError, match="-200") as caught:
        zonal_sums(path, CONTOURS)
    assert "-a_nodata -200" in str(caught.value)
    declared = write(tmp_path / "declared.tif", values, nodata=-200)
    assert zonal_sums(declared, CONTOURS).tolist() == pytest.approx([99, 100, 100])


def test_a_raster_without_crs_and_a_file_that_is_none(tmp_path):
    with pytest.raises(DataError, match="CRS"):
        read_raster(write(tmp_path / "bare.tif", np.ones((2, 2)), crs=None))
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(FileError, match="raster"):
        read_raster(tmp_path / "text.tif")
    with pytest.raises(FileError, match="n’existe pas"):
        read_raster(tmp_path / "absent.tif")


def test_a_commune_spread_over_cells_sums_back(tmp_path):
    raster = rasterize(COMMUNES, CONTOURS, cell_m=300)
    assert raster.values.sum() == pytest.approx(107, abs=1e-9)
    write_raster(raster, tmp_path / "communes.tif")
    back = zonal_sums(tmp_path / "communes.tif", drawn((-2000, 5000)))
    assert back.tolist() == pytest.approx([107])
    alone = rasterize(COMMUNES.iloc[:1], CONTOURS.iloc[:1], cell_m=250)
    assert alone.values == pytest.approx(np.full((4, 4), 100 / 16))


@pytest.mark.parametrize("cell", [0, -1, 0.001])
def test_impossible_cells_are_refused(cell):
    with pytest.raises(UsageError, match="mailles"):
        rasterize(COMMUNES, CONTOURS, cell_m=cell)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("no_id.csv", "x,ind\n1,2\n", "INSPIRE"),
        ("no_count.csv", "idcar,menages\nCRS5490RES200mN1600000E700000,2\n", "ind, population"),
        ("negative.csv", "idcar,ind\nCRS5490RES200mN1600000E700000,-1\n", "ligne 2"),
        (
            "twice.csv",
            "idcar,ind\nCRS5490RES200mN1600000E700000,1\nCRS5490RES200mN1600000E700000,2\n",
            "CRS5490RES200mN1600000E700000",
        ),
        ("malformed.csv", "idcar,ind\nCRS5490RES200mN1600000E700000,1\nCRS5490,2\n", "CRS5490 "),
        ("empty.csv", "idcar,ind\n", "aucune ligne"),
    ],
)
def test_bad_cells_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        read_cells(tmp_path / name)
    assert words in str(caught.value)


def test_cells_carry_their_crs_and_the_finest_identifier_places_them(tmp_path):
    (tmp_path / "cells.csv").write_text(
        "idcar_200m;idcar_1km;ind\n"
        "CRS5490RES200mN1600000E700000;CRS5490RES1000mN1600000E700000;3\n"
        "CRS2975RES200mN7640000E340000;CRS2975RES1000mN7640000E340000;4.5\n"
    )
    blocks = read_cells(tmp_path / "cells.csv").blocks
    assert [(block.crs, block.x[0], block.y[0], block.inhabitants[0], block.size) for block in blocks] == [
        (2975, 340_100, 7_640_100, 4.5, 200),
        (5490, 700_100, 1_600_100, 3, 200),
    ]


def test_layers_of_points_and_of_squares_are_read(tmp_path):
    squares = gpd.GeoDataFrame(
        {"ind": [5, 6]}, geometry=[box(X, Y, X + 200, Y + 200), box(X + 200, Y, X + 400, Y + 200)], crs=2154
    )
    squares.to_file(tmp_path / "squares.gpkg")
    squares.set_geometry(squares.centroid).to_file(tmp_path / "points.gpkg")
    for name in ("squares.gpkg", "points.gpkg"):
        assert read_cells(tmp_path / name).sums(drawn((-100, 150), (-100, 400))).tolist() == [5, 11]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (gpd.GeoDataFrame({"ind": [5]}, geometry=[box(2, 46, 2.002, 46.002)], crs=4326), "EPSG:4326"),
        (gpd.GeoDataFrame({"ind": [5, 6]}, geometry=[box(X, Y, X + 200, Y + 200), box(X, Y, X + 900, Y + 900)], crs=2154), "200 à 900"),
        (gpd.GeoDataFrame({"ind": [5]}, geometry=[box(X, Y, X + 50, Y + 800)], crs=2154), "carrées"),
        (gpd.GeoDataFrame({"ind": [5, 6]}, geometry=[box(X, Y, X + 200, Y + 200), None], crs=2154), "sans contour"),
    ],
)  # fmt: skip
def test_layers_that_are_no_grid_are_refused(tmp_path, layer, words):
    layer.to_file(tmp_path / "grid.gpkg")
    with pytest.raises(DataError) as caught:
        read_cells(tmp_path / "grid.gpkg")
    assert words in str(caught.value).replace("\u202f", " ")
    assert "grid.gpkg" in str(caught.value)


def test_cells_in_parquet_with_and_without_geometry_and_in_another_crs(tmp_path):
    squares = gpd.GeoDataFrame(
        {"idcar_200m": ["CRS2154RES200mN6400000E900000", "CRS2154RES200mN6400000E900200"], "ind": [5.0, 6.0]},
        geometry=[box(X, Y, X + 200, Y + 200), box(X + 200, Y, X + 400, Y + 200)],
        crs=2154,
    )
    pd.DataFrame(squares.drop(columns="geometry")).to_parquet(tmp_path / "plain.parquet")
    squares.drop(columns="idcar_200m").to_crs(3035).to_parquet(tmp_path / "geo.parquet")
    for name in ("plain.parquet", "geo.parquet"):
        assert read_cells(tmp_path / name).sums(drawn((-100, 150), (-100, 400))).tolist() == [5, 11]


def test_coarse_cells_count_by_the_part_that_is_covered():
    block = Block(2154, np.array([500.0]), np.array([500.0]), np.array([80.0]), 1000.0)
    halves = np.array([box(0, -10, 500, 2000), box(-600, -10, 1, 2000), box(1000, 0, 2000, 1000)], dtype="object")
    assert sums_of_block(block, halves).tolist() == pytest.approx([40, 0.08, 0])


@given(st.integers(0, 2**32 - 1))
def test_cells_sum_as_a_spatial_join_does(seed):
    rng = np.random.default_rng(seed)
    x, y, people = rng.uniform(0, 100, 200), rng.uniform(0, 100, 200), rng.integers(0, 9, 200).astype(float)
    order = np.lexsort((x, y))
    block = Block(2154, x[order], y[order], people[order], 0.0)
    shapes = gpd.GeoDataFrame(geometry=shapely.buffer(shapely.points(rng.uniform(0, 100, (5, 2))), 25), crs=2154)
    cells = gpd.GeoDataFrame({"people": people}, geometry=gpd.points_from_xy(x, y), crs=2154)
    joined = cells.sjoin(shapes, predicate="within").groupby("index_right")["people"].sum().reindex(range(5)).fillna(0)
    assert sums_of_block(block, shapes.geometry.to_numpy()).tolist() == joined.tolist()


def test_many_discs_that_overlap_are_each_counted_by_themselves():
    """The distinct fragments of thirty discs would be hundreds in each commune: nobody asks for them here."""
    rng = np.random.default_rng(5)
    places = shapely.points(X + rng.uniform(0, 3000, 30), Y + rng.uniform(0, 1000, 30))
    discs = gpd.GeoDataFrame(geometry=shapely.buffer(places, rng.uniform(200, 700, 30)), crs=2154)
    where = {"communes": COMMUNES, "contours": CONTOURS, "area_weighting": True}
    together = population_within(discs, **where)["population"].tolist()
    assert together == [population_within(discs.iloc[[row]], **where)["population"].iloc[0] for row in range(30)]
    assert max(together) > 60


def test_population_within_needs_to_know_where_people_live():
    with pytest.raises(UsageError, match="où les gens habitent"):
        population_within(drawn((0, 1)))


def test_population_within_follows_the_census_or_the_grid(counts):
    zone = drawn((-100, 500), (-100, 3100))
    twice = Cells(
        "twice",
        tuple(
            block._replace(inhabitants=block.inhabitants * 1.2)
            for block in points((250, 80), (750, 20), (1500, 7)).blocks
        ),
    )
    alone = population_within(zone, grid=twice)
    assert alone["population"].tolist() == [96, 128]
    census = population_within(zone, grid=twice, communes=COMMUNES, contours=CONTOURS)
    assert census["population"].tolist() == [80, 107]
    assert census["population_method"].tolist() == ["census", "census"]
    by_area = population_within(zone, communes=COMMUNES, contours=CONTOURS, area_weighting=True)
    assert by_area["population"].tolist() == [50, 107]
    assert by_area["population_method"].tolist() == ["census, area", "census"]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_a_raster_of_gigabytes_is_read_by_window(tmp_path):
    """6.4 GB of cells, almost all of them without data, in a process of less than 0.8 GB."""
    script = r"""
import re, sys, geopandas, numpy, rasterio
from affine import Affine
from shapely import box
from cptsgeo.rasters import zonal_sums
side = 40_000
with rasterio.open(sys.argv[1], "w", driver="GTiff", width=side, height=side, count=1, dtype="float32", crs=2154, nodata=-200,
                   transform=Affine(10, 0, 300_000, 0, -10, 7_000_000), tiled=True, sparse_ok=True, BIGTIFF="YES") as file:
    file.write(numpy.ones((512, 512), "float32"), 1, window=rasterio.windows.Window(20_480, 20_480, 512, 512))
zone = box(500_000, 6_785_000, 515_000, 6_800_000)
zones = geopandas.GeoDataFrame(geometry=[zone, box(500_000, 6_780_000, 505_000, 6_799_990)], crs=2154)
sums = zonal_sums(sys.argv[1], zones)
peak = re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]
print(sums.tolist(), int(peak) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "huge.tif")], capture_output=True, text=True, check=True
    )
    found, memory = done.stdout.rsplit(maxsplit=1)
    west, north = 300_000 + 204_800, 7_000_000 - 204_800
    held = [(515_000 - west) / 10, (505_000 - west) / 10]
    expected = [min(512, columns) * min(512, (north - 6_785_000) / 10) for columns in held]
    assert json.loads(found) == pytest.approx(expected)
    assert int(memory) < 800


@pytest.mark.real_data
def test_sao_miguel_sums_are_those_of_exactextract(shared):
    import exactextract

    folder = shared / "raster"
    path = folder / "sao_miguel_gpw_v411_2020_count_2020.tif"
    concelhos = gpd.read_file(folder / "sao_miguel_concelhos.gpkg")
    alone = exactextract.exact_extract(str(path), concelhos, ["sum"], output="pandas")["sum"]
    for crs in (4326, 5015, 3857):
        assert zonal_sums(path, concelhos.to_crs(crs)) == pytest.approx(alone.to_numpy(), rel=1e-6)
    with rasterio.open(path) as raster:
        west, south, east, north = raster.bounds
    frame = gpd.GeoDataFrame(geometry=[box(west, south, east, north)], crs=4326)
    assert zonal_sums(path, frame)[0] == pytest.approx(145_602.97, abs=0.01)


@pytest.mark.real_data
def test_sao_miguel_densities_are_recognised(shared):
    folder = shared / "raster"
    concelhos = gpd.read_file(folder / "sao_miguel_concelhos.gpkg").rename(columns={"name": "insee_code"})
    counts = zonal_sums(folder / "sao_miguel_gpw_v411_2020_count_2020.tif", concelhos)
    census = pd.Series(counts.round(), concelhos["insee_code"])
    grid = read_grid(folder / "sao_miguel_gpw_v411_2020_density_2020.tif")
    sums = pd.Series(grid.sums(concelhos), concelhos["insee_code"])
    with pytest.raises(DataError, match=r"1,6"):
        check_grid(grid, concelhos, sums, census)
    fine = read_grid(folder / "sao_miguel_gpw_v411_2020_count_2020.tif")
    assert check_grid(fine, concelhos, census, census) == []


@pytest.fixture(scope="session")
def filosofi(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Filosofi cells of Martinique under the identifiers that INSEE gives them."""
    table = pd.read_csv(shared / "filosofi" / "filosofi2019_mart_4000m.csv")
    table["idcar"] = [
        f"CRS5490RES4000mN{1_500_000 + 4000 * y}E{600_000 + 4000 * x}"
        for x, y in zip(table["x"], table["y"], strict=True)
    ]
    path = tmp_path_factory.mktemp("filosofi") / "cells.csv"
    table[["idcar", "ind"]].to_csv(path, index=False)
    return path


@pytest.mark.real_data
def test_martinique_divided_in_two_keeps_its_360_630_inhabitants(shared, filosofi):
    cells = read_cells(filosofi)
    assert sum(block.inhabitants.sum() for block in cells.blocks) == 324_203.5
    contours = gpd.read_parquet(shared / "communes" / "communes_cog2026.parquet", columns=["code", "geometry"])
    contours = contours[contours["code"].str.startswith("972")].rename(columns={"code": "insee_code"})
    communes = embedded_communes().query("departement_code == '972'")
    west, south, east, north = contours.to_crs(5490).total_bounds
    middle = (west + east) / 2
    halves = gpd.GeoDataFrame(
        {"territory_id": ["est", "ouest"]},
        geometry=[box(middle, south, east, north), box(west, south, middle, north)],
        crs=5490,
    )
    shares = polygon_shares(halves, communes, contours, grid=cells)
    joined = shares.membership.merge(communes, on="insee_code")
    sums = np.floor((joined["share"] * joined["population"]).astype(float) + 0.5).groupby(joined["territory_id"]).sum()
    assert sums.sum() == 360_630
    assert (shares.membership["method"] == "grid").sum() == 14

    tobler = pytest.importorskip("tobler", reason="tobler is in the group of benchmarks")
    target = contours.to_crs(5490)
    source = gpd.GeoDataFrame(
        {"ind": cells.blocks[0].inhabitants},
        geometry=shapely.box(
            cells.blocks[0].x - 2000, cells.blocks[0].y - 2000, cells.blocks[0].x + 2000, cells.blocks[0].y + 2000
        ),
        crs=5490,
    )
    theirs = tobler.area_weighted.area_interpolate(source, target, extensive_variables=["ind"], allocate_total=False)
    assert cells.sums(target) == pytest.approx(theirs["ind"].to_numpy(), rel=1e-6)
