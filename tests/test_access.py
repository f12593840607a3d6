"""Access and hazards on a toy territory whose distances are whole kilometres, by hand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.access import access_by_density, before_after, closed_by, losses, nearest, per_inhabitants, unit_points
from cptsgeo.errors import DataError, FileError
from cptsgeo.hazards import in_zones, read_raster_at, read_zones
from tests.conftest import TOY_ORIGIN, toy_code


def at(*kilometres: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Give the degrees of places of the toy map, in kilometres from its south-west corner."""
    west, south = TOY_ORIGIN
    points = gpd.GeoSeries([shapely.Point(west + 1000 * x, south + 1000 * y) for x, y in kilometres], crs=2154).to_crs(
        4326
    )
    return points.x.tolist(), points.y.tolist()


def resources(*rows: tuple[str, str, str, float, float, str]) -> pd.DataFrame:
    longitude, latitude = at(*[(row[3], row[4]) for row in rows])
    table = pd.DataFrame([row[:3] + row[5:] for row in rows], columns=["resource_id", "kind", "insee_code", "status"])
    return table.assign(longitude=longitude, latitude=latitude)


@pytest.fixture
def units() -> pd.DataFrame:
    """Four units on a line, one every kilometre; the last has no point."""
    longitude, latitude = at((0, 0), (1, 0), (2, 0), (3, 0))
    table = pd.DataFrame({"insee_code": [toy_code(letter) for letter in "ABCD"], "population": [100, 200, 300, 400]})
    table = table.assign(longitude=longitude, latitude=latitude, density_level=pd.array([1, 7, 7, None], dtype="Int64"))
    table.loc[3, ["longitude", "latitude"]] = np.nan
    return table.astype({"population": "Int64"})


def test_the_nearest_open_one_of_each_kind(units: pd.DataFrame) -> None:
    table = resources(
        ("H1", "hospital", "04901", 0, 3, "ouvert"),
        ("H2", "hospital", "04901", 2, 0, "ferme"),
        ("P2", "pharmacy", "04902", 1, 0, "inconnu"),
        ("P1", "pharmacy", "04902", 1, 0, "degrade"),
    )
    found = nearest(units, table).set_index(["insee_code", "kind"])
    expected = {
        ("A", "hospital"): 3,
        ("B", "hospital"): 10**0.5,
        ("C", "hospital"): 13**0.5,
        ("A", "pharmacy"): 1,
        ("B", "pharmacy"): 0,
        ("C", "pharmacy"): 1,
    }
    for (letter, kind), distance in expected.items():
        row = found.loc[(toy_code(letter), kind)]
        assert row["value"] == pytest.approx(distance, abs=1e-6)
        assert row["resource_id"] == {"hospital": "H1", "pharmacy": "P1"}[kind]
    assert found.loc[(toy_code("D"), "hospital"), ["resource_id", "value"]].isna().all()
    assert found.index.tolist() == [(code, kind) for code in units["insee_code"] for kind in ("hospital", "pharmacy")]
    reversed_rows = nearest(units, table.iloc[::-1])
    pd.testing.assert_frame_equal(reversed_rows, found.reset_index())


def test_another_territory_is_never_near(units: pd.DataFrame) -> None:
    table = resources(("H1", "hospital", "97209", 0, 0, "ouvert"))
    assert nearest(units, table)["value"].isna().all()


def test_access_by_density_by_hand(units: pd.DataFrame) -> None:
    table = resources(("H1", "hospital", "04901", 0, 0, "ouvert"))
    found = nearest(units, table)
    sums = access_by_density(found, units, pd.Series({"H1": "exact"}), limit=1).set_index("density_group")
    assert (sums["population_commune_only"] == 0).all()
    rough = access_by_density(found, units, pd.Series({"H1": "commune"}), limit=1).set_index("density_group")
    assert rough.loc["all", "population_commune_only"] == 600, "all those whose distance is known"
    everyone = sums.loc["all"]
    counts = ["population", "population_unknown", "population_within", "population_beyond"]
    assert everyone[counts].tolist() == [1000, 400, 300, 300]
    assert everyone[["measure", "limit"]].tolist() == ["straight_km", 1]
    assert everyone["mean"] == pytest.approx((100 * 0 + 200 * 1 + 300 * 2) / 600)
    assert sums.loc["rural", ["population", "population_beyond"]].tolist() == [500, 300]
    assert sums.loc["rural", "mean"] == pytest.approx(1.6)
    assert pd.isna(sums.loc["unknown", "mean"])
    assert sums.drop("all")["population"].sum() == everyone["population"]


def test_a_hazard_shuts_what_it_reaches(units: pd.DataFrame) -> None:
    table = resources(("H1", "hospital", "04901", 0, 0, "ouvert"), ("H2", "hospital", "04901", 9, 0, "ouvert"))
    west, south = TOY_ORIGIN
    zone = gpd.GeoDataFrame(
        {"name": ["crue"]}, geometry=[shapely.box(west - 500, south - 500, west + 500, south + 500)], crs=2154
    )
    exposed = in_zones(table, zone.to_crs(4326))
    assert exposed.tolist() == [True, False]
    assert closed_by(table, exposed)["status"].tolist() == ["ferme", "ouvert"]
    assert table["status"].tolist() == ["ouvert", "ouvert"]
    comparison = before_after(units, table, exposed, limit=1.5)
    assert comparison["before"].tolist()[:3] == pytest.approx([0, 1, 2], abs=1e-6)
    assert comparison["after"].tolist()[:3] == pytest.approx([9, 8, 7], abs=1e-6)
    assert comparison["loses_access"].tolist() == [True, True, False, pd.NA]
    assert losses(comparison, units).to_dict("records") == [
        {"kind": "hospital", "measure": "straight_km", "limit": 1.5, "units": 2, "population": 300}
    ]
    everything = before_after(units, table, pd.Series([True, True]), limit=1.5)
    assert everything["after"].isna().all()
    assert everything["loses_access"].tolist() == [True, True, False, pd.NA]


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3), st.booleans()), min_size=1, max_size=8))
def test_shutting_resources_never_brings_one_nearer(places: list[tuple[float, float, bool]]) -> None:
    longitude, latitude = at((0, 0), (2, 1))
    points = pd.DataFrame(
        {"insee_code": ["04901", "04902"], "population": [1, 1], "longitude": longitude, "latitude": latitude}
    )
    table = resources(*[(f"R{i}", "mri", "04901", x, y, "ouvert") for i, (x, y, _hit) in enumerate(places)])
    result = before_after(points, table, pd.Series([hit for _x, _y, hit in places]), limit=1)
    assert (result["after"].fillna(np.inf) >= result["before"]).all()
    brute = min(float(np.hypot(x, y)) for x, y, _hit in places)
    assert result["before"].iloc[0] == pytest.approx(brute, abs=1e-6)


def test_resources_per_inhabitants(toy_communes: pd.DataFrame, toy_perimeters) -> None:
    table = pd.DataFrame({"kind": ["mri", "mri", "shelter"], "insee_code": [toy_code(letter) for letter in "CAH"]})
    by_cpts = per_inhabitants(table, toy_communes, toy_perimeters, by="cpts").set_index(["code", "kind"])
    assert by_cpts.loc[("alpha", "mri"), ["resources", "population"]].tolist() == [2, 40_000]
    assert by_cpts.loc[("alpha", "mri"), "per_10000"] == pytest.approx(0.5)
    assert by_cpts.loc[("beta", "mri"), "resources"] == 1
    assert by_cpts.loc[("alpha", "shelter"), "per_10000"] == 0
    by_epci = per_inhabitants(table, toy_communes, toy_perimeters, by="epci").set_index(["code", "kind"])
    assert by_epci.loc[("200000001", "mri"), "per_10000"] == pytest.approx(0.5)
    zones = per_inhabitants(table, toy_communes, toy_perimeters, by="white_zone").set_index(["code", "kind"])
    assert zones.loc[("white_zone", "shelter"), ["resources", "population"]].tolist() == [1, 60_003]


def test_unit_points_lie_in_their_units(toy_communes: pd.DataFrame, toy_contours: gpd.GeoDataFrame) -> None:
    placed = unit_points(toy_communes, toy_contours.iloc[1:])
    assert placed["longitude"].isna().tolist() == [True] + [False] * 9
    inside = toy_contours.set_index("insee_code").geometry
    for row in placed.iloc[1:].itertuples():
        assert inside[row.insee_code].contains(shapely.Point(row.longitude, row.latitude))


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_a_raster_is_read_at_the_cell_of_each_place(tmp_path: Path) -> None:
    path = tmp_path / "depth.tif"
    values = np.array([[1.5, -9999], [3, 4]], dtype="float32")
    transform = rasterio.transform.from_origin(-61.0, 15.0, 0.1, 0.1)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=2,
        width=2,
        count=1,
        dtype="float32",
        crs=4326,
        transform=transform,
        nodata=-9999,
    ) as raster:
        raster.write(values, 1)
    places = pd.DataFrame(
        {"longitude": [-60.95, -60.85, -60.85, -59, None], "latitude": [14.95, 14.95, 14.81, 14.9, 14.9]}
    )
    assert read_raster_at(path, places).fillna(-1).tolist() == [1.5, -1, 4, -1, -1]
    (tmp_path / "x.tif").write_text("rien")
    with pytest.raises(FileError, match="lu comme un raster"):
        read_raster_at(tmp_path / "x.tif", places)


def test_hazard_zones_that_are_no_polygons_are_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["p"]}, geometry=[shapely.Point(0, 0)], crs=4326).to_file(tmp_path / "p.gpkg")
    with pytest.raises(DataError, match="doivent être des polygones"):
        read_zones(tmp_path / "p.gpkg")
    gpd.GeoDataFrame({"nom": ["z"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_crs(2154).to_file(
        tmp_path / "z.gpkg"
    )
    zones = read_zones(tmp_path / "z.gpkg")
    assert zones["name"].tolist() == ["z"]
    assert zones.crs.to_epsg() == 4326
