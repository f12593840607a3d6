"""The tables of access: by hand on the toy territory, from the command and in a kit, and the map before and after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from cptsgeo.access import discs
from cptsgeo.access_tables import BEFORE, HAZARD, Access, access_tables
from cptsgeo.errors import DataError, UsageError
from cptsgeo.hazards import exposed_population, exposed_resources, in_zones, read_hazard
from cptsgeo.optout import identifier, new_register, write_register
from tests.conftest import TOY_ORIGIN, ToyFiles, toy_code
from tests.test_access import at

WEST, SOUTH = TOY_ORIGIN
Open = Callable[..., Any]


@pytest.fixture
def resources() -> pd.DataFrame:
    """A hospital in the middle of A (north-west), another in J (an island, 8 km east), a shut one in D."""
    longitude, latitude = at((0.5, 3.5), (8.5, 3.5), (0.5, 0.5))
    return pd.DataFrame(
        {
            "resource_id": ["HA", "HJ", "HD"],
            "kind": "hospital",
            "name": ["Hôpital A", "Hôpital J", "Hôpital D"],
            "insee_code": [toy_code(letter) for letter in "AJD"],
            "longitude": longitude,
            "latitude": latitude,
            "position_precision": "exact",
            "status": ["ouvert", "ouvert", "ferme"],
        }
    )


def box(x0: float, y0: float, x1: float, y1: float, name: str = "crue") -> gpd.GeoDataFrame:
    """A rectangle of the toy map, in kilometres."""
    shape = shapely.box(WEST + 1000 * x0, SOUTH + 1000 * y0, WEST + 1000 * x1, SOUTH + 1000 * y1)
    return gpd.GeoDataFrame({"name": [name]}, geometry=[shape], crs=2154).to_crs(4326)


def test_all_tables_by_hand(toy_communes, toy_contours, toy_perimeters, resources) -> None:
    zones = box(0, 3, 1, 4)  # one of the three cells of A, with its hospital
    how = Access(limit=3, radius_km=1, zones=zones)
    tables = access_tables(toy_communes, toy_contours, resources, toy_perimeters, how)
    assert list(tables) == [*BEFORE, *HAZARD]
    rates = tables["access_per_inhabitants"].set_index(["by", "code"])
    assert rates.loc[("cpts", "alpha"), ["resources", "population"]].tolist() == [1, 40_000]
    assert rates.loc[("white_zone", "white_zone"), "resources"] == 1
    everyone = tables["access_by_density"].set_index("density_group").loc["all"]
    assert everyone["population"] == toy_communes["population"].sum()
    assert everyone[["population_within", "population_beyond", "population_unknown"]].sum() == everyone["population"]
    assert tables["exposed_resources"]["resource_id"].tolist() == ["HA"]
    assert tables["exposed_resources"]["zone"].tolist() == ["crue"]
    people = tables["exposed_population"].set_index("zone")["population"]
    assert people.to_dict() == {"crue": 10_000, "all": 10_000}  # a third of the 30,000 of A, by area
    change = tables["access_change"].set_index("insee_code")
    assert change.loc[toy_code("A"), ["before_id", "after_id", "loses_access"]].tolist() == ["HA", "HJ", True]
    lost = tables["access_losses"].iloc[0]
    hit = change.index[change["loses_access"].fillna(False)]
    assert lost["population"] == toy_communes.set_index("insee_code")["population"][hit].sum()
    assert toy_code("J") not in hit


def test_inhabitants_within_a_radius_by_hand(toy_communes, toy_contours, toy_perimeters, resources) -> None:
    """J is two cells of 1 km, 40,000 inhabitants evenly: a disc of 0.4 km in one of them holds 0.5027 of 2 km²."""
    only = resources[resources["resource_id"] == "HJ"]
    tables = access_tables(
        toy_communes,
        toy_contours,
        only,
        toy_perimeters,
        Access(limit=1, radius_km=0.4),
        names=["access_within_radius"],
    )
    (row,) = tables["access_within_radius"].to_dict("records")
    assert row["population_within"] == pytest.approx(40_000 * np.pi * 0.16 / 2, rel=2e-3)
    assert (row["population"], row["population_method"]) == (295_004, "census, area")


def test_discs_of_open_resources_alone_are_united(resources) -> None:
    drawn = discs(resources, radius_km=1).to_crs(2154)
    assert drawn["kind"].tolist() == ["hospital"]
    assert drawn.geometry.area.iloc[0] / 1e6 == pytest.approx(2 * np.pi, rel=2e-3)
    assert discs(resources.assign(status="ferme"), radius_km=1).empty


def test_two_zones_that_overlap_count_nobody_twice(toy_communes, toy_contours, resources) -> None:
    zones = gpd.GeoDataFrame(pd.concat([box(0, 2, 1, 4, "eau"), box(0, 3, 1, 4, "vent")], ignore_index=True), crs=4326)
    people = exposed_population(zones, toy_communes, toy_contours).set_index("zone")["population"]
    assert people.to_dict() == {"eau": 20_000, "vent": 10_000, "all": 20_000}
    assert exposed_resources(resources, zones)["zone"].tolist() == ["eau, vent"]


@pytest.fixture
def depth(tmp_path: Path) -> Path:
    """A raster of depths in metres over the toy map, 1 km cells: 2 m in the north-west cell, 0.5 m beside it, no data elsewhere."""
    values = np.full((4, 9), -9999, dtype="float32")
    values[0, :2] = [2, 0.5]
    path = tmp_path / "hauteur.tif"
    transform = rasterio.transform.from_origin(WEST, SOUTH + 4000, 1000, 1000)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=4,
        width=9,
        count=1,
        dtype="float32",
        crs=2154,
        transform=transform,
        nodata=-9999,
    ) as raster:
        raster.write(values, 1)
    return path


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_a_raster_exposes_from_its_threshold(depth: Path, resources) -> None:
    for threshold, square_km in ((0.5, 2), (0.6, 1), (2, 1)):
        zones = read_hazard(depth, threshold=threshold)
        assert zones.to_crs(2154).geometry.area.sum() / 1e6 == pytest.approx(square_km, rel=1e-6)
        assert in_zones(resources, zones).tolist() == [True, False, False]
    assert zones["name"].tolist() == ["hauteur, à partir de 2,00"]
    with pytest.raises(DataError, match="n’atteint 3,00 nulle part"):
        read_hazard(depth, threshold=3)
    with pytest.raises(UsageError, match="demande la valeur à partir de laquelle"):
        read_hazard(depth)


def test_polygons_take_no_threshold(tmp_path: Path) -> None:
    box(0, 0, 1, 1).to_file(tmp_path / "z.gpkg")
    with pytest.raises(UsageError, match="pas de seuil"):
        read_hazard(tmp_path / "z.gpkg", threshold=1)


@pytest.fixture
def files(tmp_path: Path, resources) -> list[object]:
    resources.to_csv(tmp_path / "r.csv", index=False)
    write_register(new_register(), tmp_path / "o.json")
    box(0, 3, 1, 4).to_file(tmp_path / "z.gpkg")
    return ["--resources", tmp_path / "r.csv", "--optout", tmp_path / "o.json"]


def test_the_public_table_holds_nothing_marked_nor_anyone_who_objected(
    run, files, resources, toy_files: ToyFiles, tmp_path: Path
) -> None:
    where = [*toy_files.options, "--contours", toy_files.contours, "-f", "csv", "--by", "exposed"]
    where += ["--hazards", tmp_path / "z.gpkg"]
    exposed = run("access", *files, *where).out.splitlines()
    assert len(exposed) > 1
    resources.assign(visibility="cellule_de_crise").to_csv(tmp_path / "r.csv", index=False)
    assert run("access", *files, *where).out.splitlines() == exposed[:1]
    assert run("access", *files, *where, "--audience", "cellule_de_crise").out.splitlines() == exposed
    write_register(new_register().with_identifier(identifier("10123456789"), date(2026, 1, 1)), tmp_path / "o.json")
    named = resources.assign(name="Cabinet de Camille Retrait", rpps="")
    person = named.iloc[:1].assign(resource_id="P", kind="nurse", name="Camille Retrait", rpps="10123456789")
    pd.concat([named, person]).to_csv(tmp_path / "r.csv", index=False)
    found = run("access", *files, *where)
    assert found.code == 1
    assert "ne doit pas être" in found.err
    assert "Retrait" not in found.out + found.err


def test_the_command_gives_each_table(run, files, toy_files: ToyFiles, tmp_path: Path) -> None:
    where = [*toy_files.options, "--contours", toy_files.contours, "-f", "csv"]
    density = run("access", *files, *where, "--limit", 3)
    assert (density.code, density.out.splitlines()[0]) == (
        0,
        "kind,density_group,measure,limit,population,population_within,population_beyond,population_unknown,population_commune_only,mean",
    )
    assert "à vol d’oiseau" in density.err
    inhabitants = run("access", *files, *where, "--by", "inhabitants", "--kind", "Hôpital ou clinique")
    assert "cpts,alpha,CPTS alpha,hospital,1,40000,0.25" in inhabitants.out
    losses = run("access", *files, *where, "--by", "losses", "--hazards", tmp_path / "z.gpkg", "--limit", 3)
    assert losses.out.splitlines()[1].startswith("hospital,straight_km,3")
    for arguments, words in (
        (["--by", "losses"], "rien ne dit ce qui est exposé"),
        (["--kind", "soucoupe"], "soucoupe n’est pas un type de ressource"),
    ):
        refused = run("access", *files, *where, *arguments)
        assert refused.code == 2
        assert words in refused.err


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_a_kit_with_a_hazard_and_roads_has_tables_and_a_map_before_and_after(
    open_page: Open, files, toy_files: ToyFiles, tmp_path: Path, depth: Path
) -> None:
    from cptsgeo.crisis import Kit, write_kit
    from cptsgeo.study import Inputs

    line = gpd.GeoSeries([shapely.LineString([(WEST + 500, SOUTH + 3500), (WEST + 8500, SOUTH + 3500)])], crs=2154)
    gpd.GeoDataFrame({"highway": ["primary"]}, geometry=line).to_file(tmp_path / "roads.gpkg")
    kit = Kit(
        (tmp_path / "r.csv",),
        tmp_path / "o.json",
        "public",
        "Essai",
        hazards=depth,
        hazard_threshold=0.5,
        roads=tmp_path / "roads.gpkg",
        limit=5,
        inputs=Inputs(
            communes=(toy_files.communes,),
            contours=(toy_files.contours,),
            perimeters=toy_files.perimeters,
            cpts=toy_files.cpts,
        ),
    )
    write_kit(kit, tmp_path / "kit", now=datetime(2026, 9, 30))
    names = {path.stem for path in (tmp_path / "kit").glob("*.csv")}
    assert names == {"resources", *BEFORE, *HAZARD}
    change = pd.read_csv(tmp_path / "kit" / "access_change.csv", dtype={"insee_code": "str"})
    assert set(change["measure"]) == {"road_min"}
    page = open_page(tmp_path / "kit" / "acces.html")
    assert "Après : Hôpital" in page.locator("body").inner_text().replace("\u202f", " ")
    assert "perd l’accès" in page.locator("body").inner_text()
    kit_page = open_page(tmp_path / "kit" / "index.html")
    assert kit_page.evaluate("cptsgeo.crisis.resources.roads.map((one) => one.name)") == ["primary"]
    first = kit_page.evaluate("cptsgeo.crisis.resources.roads[0].lines[0][0]")
    assert first == pytest.approx([at((0.5, 3.5))[1][0], at((0.5, 3.5))[0][0]], abs=1e-5)
