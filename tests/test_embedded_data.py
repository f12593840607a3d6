"""The embedded default data, read as files: the facts that its READMEs state."""

import csv
import hashlib
import re
from collections import Counter
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

DATA = Path(__file__).parents[1] / "data"
CRS = {"972": 5490, "973": 2972, "974": 2975, "976": 4471}
CITIES = {"13055": (16, 886_040), "69123": (9, 519_127), "75056": (20, 2_103_778)}


def read_csv(path: str) -> list[dict[str, str]]:
    with (DATA / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def units() -> list[dict]:
    return pq.read_table(DATA / "communes" / "communes.parquet").to_pylist()


@pytest.fixture(scope="module")
def outlines() -> gpd.GeoDataFrame:
    return gpd.read_parquet(DATA / "communes" / "contours_outre_mer.parquet")


@pytest.mark.parametrize("folder", ["communes", "cpts_perimeters"])
def test_readme_states_the_sha256_of_every_file(folder):
    stated = re.findall(r"^([0-9a-f]{64})  (\S+)$", (DATA / folder / "README.md").read_text("utf-8"), re.MULTILINE)
    files = [path for path in (DATA / folder).iterdir() if path.name != "README.md"]
    actual = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert {name: digest for digest, name in stated} == actual


def test_data_stays_small():
    assert (DATA / "communes" / "communes.parquet").stat().st_size < 1_500_000
    assert (DATA / "communes" / "contours_outre_mer.parquet").stat().st_size < 600_000
    assert (DATA / "communes" / "land.parquet").stat().st_size < 300_000


def test_the_land_is_polygons_without_overlap_near_france_and_far():
    land = gpd.read_parquet(DATA / "communes" / "land.parquet")
    assert land.crs == 4326
    assert Counter(land["detail"]) == {"near": 529, "far": 373}
    assert set(land.geom_type) == {"Polygon"}
    assert land.is_valid.all()
    assert shapely.area(land.geometry.values).sum() == pytest.approx(shapely.area(land.union_all()))


def test_communes_schema():
    schema = pq.read_schema(DATA / "communes" / "communes.parquet")
    text = pa.string()
    assert {field.name: field.type for field in schema} == {
        "insee_code": text,
        "name": text,
        "city_code": text,
        "departement_code": text,
        "departement_name": text,
        "region_code": text,
        "region_name": text,
        "epci_siren": text,
        "epci_name": text,
        "postal_codes": pa.list_(text),
        "former_codes": pa.list_(text),
        "population": pa.int64(),
        "population_year": pa.int64(),
        "density_level": pa.int64(),
        "cog_date": pa.date32(),
    }
    assert schema.metadata[b"cog_date"] == b"2026-01-01"


def test_units_partition_the_country(units):
    codes = [unit["insee_code"] for unit in units]
    assert len(codes) == len(set(codes)) == 34_917
    assert codes == sorted(codes)
    assert all(re.fullmatch(r"(\d\d|2[AB])\d{3}", code) for code in codes)
    assert not set(codes) & set(CITIES)
    assert sum(unit["city_code"] is None for unit in units) + len(CITIES) == 34_875
    assert sum(unit["population"] for unit in units) == 68_350_798
    assert {unit["cog_date"].isoformat() for unit in units} == {"2026-01-01"}
    assert len({unit["departement_code"] for unit in units}) == 101
    assert len({unit["region_code"] for unit in units}) == 18


@pytest.mark.parametrize("city", CITIES)
def test_arrondissements_sum_to_their_city(units, city):
    parts = [unit["population"] for unit in units if unit["city_code"] == city]
    assert (len(parts), sum(parts)) == CITIES[city]


def test_mayotte_is_the_2017_census_and_says_so(units):
    mayotte = [unit for unit in units if unit["departement_code"] == "976"]
    assert sum(unit["population"] for unit in mayotte) == 256_518
    assert {unit["population_year"] for unit in mayotte} == {2017}
    assert {unit["population_year"] for unit in units if unit["departement_code"] != "976"} == {2023}


def test_only_four_islands_have_no_epci(units):
    assert {unit["insee_code"] for unit in units if unit["epci_siren"] is None} == {"22016", "29083", "29155", "85113"}
    assert all((unit["epci_siren"] is None) == (unit["epci_name"] is None) for unit in units)
    siren = {unit["city_code"]: unit["epci_siren"] for unit in units if unit["city_code"]}
    assert siren == {"13055": "200054807", "69123": "200046977", "75056": "200054781"}


def test_former_codes_lead_to_one_current_unit(units):
    current = {unit["insee_code"] for unit in units}
    owners = Counter(code for unit in units for code in unit["former_codes"])
    assert len(owners) == 4_233
    assert max(owners.values()) == 1
    assert not set(owners) & (current | set(CITIES))
    ambiguous = read_csv("communes/ambiguous_former_codes.csv")
    heirs = Counter(row["former_code"] for row in ambiguous)
    assert min(heirs.values()) >= 2
    assert not set(heirs) & (set(owners) | current)
    assert {row["insee_code"] for row in ambiguous} <= current


@pytest.mark.parametrize(
    ("former", "current"),
    [
        *[("05043", "05039"), ("05088", "05024"), ("05120", "05001")],
        *[("05141", "05039"), ("05150", "05024"), ("05175", "05101")],
        *[("55273", "55386"), ("60455", "60694")],  # commune associée, déléguée: not where the merger first put them
    ],
)
def test_former_code_resolves(units, former, current):
    assert [unit["insee_code"] for unit in units if former in unit["former_codes"]] == [current]


def test_postal_codes(units):
    assert all(unit["postal_codes"] for unit in units)
    assert all(unit["postal_codes"] == sorted(set(unit["postal_codes"])) for unit in units)
    assert next(unit for unit in units if unit["insee_code"] == "75116")["postal_codes"] == ["75016", "75116"]


def test_collectivites_are_apart(units):
    rows = read_csv("communes/collectivites_outre_mer.csv")
    assert list(rows[0]) == ["insee_code", "name", "collectivite_code", "population"]
    assert len({row["insee_code"] for row in rows}) == len(rows) == 94
    assert not {row["insee_code"] for row in rows} & {unit["insee_code"] for unit in units}
    assert [row["insee_code"] for row in rows if not row["population"]] == [*map(str, range(98411, 98416)), "98901"]


def test_density_levels_are_those_of_the_points(units):
    points = read_csv("communes/points_outre_mer.csv")
    levels = {unit["insee_code"]: unit["density_level"] for unit in units if unit["density_level"] is not None}
    assert levels == {point["insee_code"]: int(point["density_level"]) for point in points}
    assert set(levels) == {unit["insee_code"] for unit in units if unit["departement_code"] in CRS}
    assert Counter(levels.values()) == {1: 7, 2: 17, 3: 8, 4: 22, 5: 26, 6: 16, 7: 1}


def test_every_overseas_commune_has_a_schematic_outline(outlines):
    points = read_csv("communes/points_outre_mer.csv")
    assert list(outlines.columns) == ["insee_code", "geometry_source", "geometry"]
    assert outlines["insee_code"].tolist() == [point["insee_code"] for point in points]
    assert set(outlines["geometry_source"]) == {"schematic"}
    assert outlines.crs.to_epsg() == 4326
    assert outlines.is_valid.all()
    own = shapely.points([(float(point["longitude"]), float(point["latitude"])) for point in points])
    assert shapely.contains(outlines.geometry.values, own).all()


@pytest.mark.parametrize(
    ("departement", "bounds", "area"),
    [
        ("972", (-61.24, 14.38, -60.80, 14.88), 1_143.6),
        ("973", (-54.62, 2.10, -51.60, 5.80), 82_840.4),
        ("974", (55.21, -21.40, 55.85, -20.85), 2_523.1),
        ("976", (45.01, -13.01, 45.31, -12.63), 393.7),
    ],
)
def test_outlines_tile_their_territory_and_no_neighbour(outlines, departement, bounds, area):
    degrees = outlines[outlines["insee_code"].str.startswith(departement)]
    metric = degrees.to_crs(CRS[departement])
    assert shapely.coverage_is_valid(degrees.geometry.values)
    assert shapely.coverage_is_valid(metric.geometry.values)
    assert shapely.box(*bounds).contains(shapely.box(*degrees.total_bounds))
    assert metric.area.sum() / 1e6 == pytest.approx(area, abs=0.1)
    union = shapely.get_parts(metric.union_all(method="coverage"))
    assert shapely.get_num_interior_rings(union).sum() == 0


def test_coordinates_are_rounded(outlines):
    coordinates = shapely.get_coordinates(outlines.geometry.values)
    assert abs(coordinates - coordinates.round(5)).max() < 1e-12


def test_cpts_tables_fit_together(units):
    cpts = read_csv("cpts_perimeters/cpts.csv")
    membership = read_csv("cpts_perimeters/membership.csv")
    scope = read_csv("cpts_perimeters/scope.csv")
    ids = [row["cpts_id"] for row in cpts]
    assert len(set(ids)) == len(ids) == 7
    assert {row["cpts_id"] for row in membership} == set(ids)
    assert {row["stage"] for row in cpts} == {"aci_signe", "lettre_intention"}
    assert [row["cpts_id"] for row in cpts if row["stage"] == "aci_signe"] == ["972-madinina", "974-grand-sud"]
    assert all((row["stage"] == "aci_signe") == (row["stage_confidence"] == "stated") for row in cpts)
    confidence = {row["cpts_id"]: row["perimeter_confidence"] for row in cpts}
    assert all(row["confidence"] == confidence[row["cpts_id"]] for row in membership)
    assert [row for row in confidence.items() if row[1] == "stated"] == [("972-madinina", "stated")]
    assert [(row["kind"], row["code"]) for row in scope] == [("departement", code) for code in CRS]
    assert all(row["source"] for row in cpts + membership + scope)
    departement = {unit["insee_code"]: unit["departement_code"] for unit in units}
    assert all(row["cpts_id"].startswith(departement[row["insee_code"]]) for row in membership)


def test_sources_use_unbreakable_spaces():
    for name in ("cpts", "membership", "scope"):
        for row in read_csv(f"cpts_perimeters/{name}.csv"):
            assert not re.search(r"« | [»:;%]|'", row["source"])


def test_cpts_populations(units):
    population = {unit["insee_code"]: unit["population"] for unit in units}
    covered: Counter[str] = Counter()
    for row in read_csv("cpts_perimeters/membership.csv"):
        covered[row["cpts_id"]] += population[row["insee_code"]]
    assert covered == {
        "972-madinina": 360_630,
        "973-centre-littoral": 153_884,
        "974-est": 131_262,
        "974-grand-sud": 318_130,
        "974-nord": 218_278,
        "974-ouest": 222_009,
        "976-sud": 30_898,
    }
    total: Counter[str] = Counter()
    for unit in units:
        total[unit["departement_code"]] += unit["population"]
    assert total["972"] == covered["972-madinina"]
    assert total["974"] == sum(count for cpts, count in covered.items() if cpts.startswith("974"))
    assert round(covered["976-sud"] / total["976"], 3) == 0.120


def test_a_unit_is_in_one_cpts_at_most():
    codes = pd.Series(row["insee_code"] for row in read_csv("cpts_perimeters/membership.csv"))
    assert codes.is_unique
    assert len(codes) == 68
