"""The real run of Provence-Alpes-Côte d'Azur, and INSEE's own files, against plain Python over the same CSV files."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from cptsgeo.check import far_parts
from cptsgeo.communes import read_communes, read_density
from cptsgeo.contours import check_contours, read_contours
from cptsgeo.results import compute_tables
from cptsgeo.scope import Scope
from cptsgeo.study import Inputs, Study, read_study

pytestmark = pytest.mark.real_data

PACA = {"04", "05", "06", "13", "83", "84"}
REGION = Scope("region", ("93",))
FAR = {"04234", "05121"}


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def population(shared: Path) -> dict[str, int]:
    """Population municipale of 2023 of the units of the region, from INSEE's file."""
    table = rows(shared / "populations" / "donnees_communes_pop2023.csv", ";")
    return {row["COM"]: int(row["PMUN"]) for row in table if row["DEP"] in PACA}


@pytest.fixture(scope="module")
def listed(shared: Path) -> list[dict[str, str]]:
    return rows(shared / "cpts" / "cpts_communes_paca.csv")


@pytest.fixture(scope="module")
def today(shared: Path, listed: list[dict[str, str]], population: dict[str, int]) -> dict[str, str]:
    """Code of today of each code of the list, by following INSEE's table of movements."""
    moves = {}
    for row in rows(shared / "cog" / "mouvements-communes.csv"):
        if row["COM_AV"] != row["COM_AP"] and row["TYPECOM_AP"] == "COM" and row["TYPECOM_AV"] == "COM":
            moves.setdefault(row["COM_AV"], row["COM_AP"])
    codes = {}
    for row in listed:
        code = row["code_insee"]
        while code not in population:
            code = moves[code]
        codes[row["code_insee"]] = code
    return codes


@pytest.fixture(scope="module")
def members(listed: list[dict[str, str]], today: dict[str, str]) -> dict[str, set[str]]:
    """Units of today of each CPTS, as the list spells its name."""
    units = defaultdict(set)
    for row in listed:
        units[row["nom_cpts"]].add(today[row["code_insee"]])
    return dict(units)


@pytest.fixture(scope="module")
def study(shared: Path) -> Study:
    return read_study(
        Inputs(
            communes=(shared / "populations" / "donnees_communes_pop2023.csv",),
            population_year=2023,
            contours=(
                shared / "communes" / "communes_cog2026.parquet",
                shared / "communes" / "arrondissements_municipaux_2016.geojson",
            ),
            density=shared / "density" / "densite_7_niveaux_cog2026.csv",
            perimeters=shared / "cpts" / "cpts_communes_paca.csv",
            scope=REGION,
        ),
        with_contours=True,
    )


@pytest.fixture(scope="module")
def tables(study: Study):
    return compute_tables(study)[0]


def test_the_independent_figures_are_those_of_the_issue(population, members):
    covered = set.union(*members.values())
    assert (len(population), sum(population.values())) == (961, 5_218_960)
    assert (len(covered), sum(population[code] for code in covered)) == (915, 5_153_124)


def test_coverage_of_the_region(tables, population, members):
    covered = set.union(*members.values())
    row = tables["coverage_by_scope"].iloc[0]
    assert (row["units"], row["population"]) == (len(population), sum(population.values()))
    assert (row["units_covered"], row["population_covered"]) == (
        len(covered),
        sum(population[code] for code in covered),
    )
    assert round(row["coverage_rate"], 4) == 0.9874
    assert tables["coverage_by_scope"]["stage"].tolist() == ["any", "unknown"]


def test_coverage_of_each_departement(tables, population, members):
    covered = set.union(*members.values())
    table = tables["coverage_by_departement"]
    found = table[table["stage"] == "any"].set_index("code")
    assert set(found.index) == PACA
    for code, row in found.iterrows():
        units = {unit for unit in population if unit.startswith(code)}
        assert row["population"] == sum(population[unit] for unit in units)
        assert row["population_covered"] == sum(population[unit] for unit in units & covered)
        assert row["units_covered"] == len(units & covered)


def test_white_zones_of_the_region(tables, population, members):
    white = set(population) - set.union(*members.values())
    table = tables["white_zones"].set_index("insee_code")
    assert set(table.index) == white
    assert table["population_white"].to_dict() == {code: population[code] for code in white}
    assert (len(white), table["population_white"].sum()) == (46, 65_836)
    assert table["population_white"].is_monotonic_decreasing


def test_white_zones_by_density(shared, tables, population, members):
    labels = {
        row["insee_com"]: row["niveau_densite"] for row in rows(shared / "density" / "densite_7_niveaux_cog2026.csv")
    }
    city = {str(code): "13055" for code in range(13201, 13217)}
    white = set(population) - set.union(*members.values())
    expected: Counter[str] = Counter()
    everyone: Counter[str] = Counter()
    for code, count in population.items():
        label = labels[city.get(code, code)].casefold()
        everyone[label] += count
        expected[label] += count if code in white else 0
    table = tables["white_zones_by_density"]
    levels = table[table["split"] == "level"].set_index("label")
    for label, row in levels.drop("densité inconnue").iterrows():
        assert row["population_white"] == expected[label.casefold()]
        assert row["population"] == everyone[label.casefold()]
    assert levels.loc["densité inconnue", "units"] == 0
    assert levels["population_white"].sum() == 65_836


def test_sizes_and_classes(tables, population, members):
    expected = {name: sum(population[code] for code in units) for name, units in members.items()}
    table = tables["sizes"].set_index("cpts_name")
    assert table["population"].to_dict() == expected
    assert table["units"].to_dict() == {name: len(units) for name, units in members.items()}

    def size(count: int) -> int:
        return 1 if count < 40_000 else 2 if count < 80_000 else 3 if count <= 175_000 else 4

    assert table["size_class"].to_dict() == {name: size(count) for name, count in expected.items()}
    distribution = tables["size_distribution"]
    assert distribution[distribution["region_code"] == "all"]["cpts_count"].tolist() == [26, 17, 24, 4]


def test_the_ledger(tables, population, members):
    times = Counter(code for units in members.values() for code in units)
    excess = {code: population[code] * (count - 1) for code, count in times.items() if count > 1}
    ledger = tables["double_counts"].set_index("insee_code")["double_count"].to_dict()
    assert ledger == excess
    covered = tables["coverage_by_scope"].iloc[0]["population_covered"]
    assert tables["sizes"]["population"].sum() - covered == sum(excess.values())


def test_the_defects_of_the_list_are_found(study, listed, today):
    found: dict[str, list] = defaultdict(list)
    for finding in study.findings:
        found[finding.rule].append(finding)
    former = {
        row["code_insee"]: today[row["code_insee"]] for row in listed if today[row["code_insee"]] != row["code_insee"]
    }
    assert {finding.value for finding in found["code_recoded"]} == set(former)
    assert len(former) == 6
    for finding in found["code_recoded"]:
        assert f"lu comme {former[finding.value]} " in finding.problem
        assert listed[finding.row - 2]["code_insee"] == finding.value
    (pair,) = found["cpts_spelling"]
    assert "CPTS Gapençais" in pair.problem
    assert "CPTS du Gapençais" in pair.problem
    assert {code for finding in found["cpts_far_part"] for code in finding.value.split()} == FAR
    assert {finding.severity for finding in study.findings} <= {"warning", "info"}


def test_the_far_part_is_about_80_km_away(study):
    near = far_parts(study.communes, study.perimeters, study.contours, far_km=70)
    assert {code for finding in near for code in finding.value.split()} == FAR
    assert far_parts(study.communes, study.perimeters, study.contours, far_km=90) == []


def test_the_etang_de_berre_is_a_known_enclave(study):
    (enclave,) = [finding for finding in study.findings if finding.rule == "contours_enclave"]
    assert "Étang de Berre" in enclave.problem
    assert not [finding for finding in study.findings if finding.rule in {"contours_hole", "contours_overlap"}]
    assert not [finding for finding in study.findings if finding.rule == "units_undrawn"]


def test_llivia_is_a_known_enclave(shared):
    national = read_communes()
    codes = set(national.loc[national["departement_code"] == "66", "insee_code"])
    contours = read_contours([shared / "communes" / "communes_cog2026.parquet"], codes=codes)
    assert set(contours["insee_code"]) == codes
    (finding,) = check_contours(contours)
    assert (finding.rule, finding.severity) == ("contours_enclave", "info")
    assert "Llívia" in finding.problem


@pytest.mark.parametrize("edition", ["2019", "2020b", "2021", "2022", "2023"])
def test_every_edition_of_insee_s_populations(shared, edition):
    path = shared / "populations" / f"donnees_communes_pop{edition}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file, delimiter=";"))
    expected = {}
    for row in table:
        # In this edition COM is the name, and overseas the département has three characters.
        code = row["CODDEP"][:2] + row["CODCOM"] if edition == "2020b" else row["COM"]
        expected[code] = int(row["PMUN"])
    assert len(expected) == len(table)
    units = read_communes([path], population_year=int(edition[:4])).set_index("insee_code")
    assert units["population"].to_dict() == expected
    assert units["name"].ne("").all()
    assert not {"13055", "69123", "75056"} & set(units.index)
    assert {f"{code}" for code in range(13201, 13217)} <= set(units.index)
    assert units["population_year"].eq(int(edition[:4])).all()
    assert units["region_code"].notna().all()


def test_mayotte_has_its_own_file(shared):
    units = read_communes([shared / "populations" / "donnees_communes_mayotte.csv"], population_year=2017)
    assert (len(units), units["population"].sum()) == (17, 256_518)
    assert set(units["departement_code"]) == {"976"}
    whole = read_communes(
        [shared / "populations" / f"donnees_communes_{name}.csv" for name in ("pop2023", "mayotte")],
        population_year=2023,
    )
    assert (len(whole), whole["population"].sum()) == (34_917, 68_350_798)


def test_both_density_files(shared):
    density = read_density(shared / "density" / "densite_7_niveaux_cog2026.csv")
    table = {
        row["insee_com"]: row["niveau_densite"] for row in rows(shared / "density" / "densite_7_niveaux_cog2026.csv")
    }
    order = [
        *("Grands centres urbains", "Centres urbains intermédiaires", "Petites villes", "Ceintures urbaines"),
        *("Bourgs ruraux", "Rural à habitat dispersé", "Rural à habitat très dispersé"),
    ]
    for code, label in table.items():
        if code in density.index:
            assert order[density[code] - 1] == label
    units = set(read_communes()["insee_code"])
    assert set(density.index) >= units - {code for code in units if code[:3] in {"971", "972", "973", "974", "976"}}
    workbook = read_density(shared / "density" / "grille_densite_7_niveaux_2022.xlsx")
    common = density.index.intersection(workbook.index)
    assert len(common) > 34_000
    assert (density[common] == workbook[common]).mean() > 0.9


@pytest.mark.browser
def test_the_national_page_holds_every_commune_and_opens(shared: Path, tmp_path: Path, run, open_page):
    """The whole country around the list of one région, drawn from the real outlines."""
    communes = shared / "communes"
    done = run(
        *("map", "--page", "coverage", "--scope", "france", "--accept-holes", "-o", tmp_path / "france.html"),
        *("--perimeters", shared / "cpts" / "cpts_communes_paca.csv"),
        *("--contours", communes / "communes_cog2026.parquet"),
        *("--contours", communes / "arrondissements_municipaux_2016.geojson"),
    )
    assert done.code == 0, done.err
    assert (tmp_path / "france.html").stat().st_size < 4_000_000
    page = open_page(tmp_path / "france.html")
    page.wait_for_selector("html[data-painted=yes]", state="attached")
    assert page.evaluate("cptsgeo.layer.store.units.units") == 34_917
    page.locator("#cg-search").fill("quimper")
    page.locator("#cg-results li").first.wait_for()
    assert "29232" in page.locator("#cg-results").inner_text()
    covered = page.evaluate("[...document.querySelectorAll('.cg-legend tr')].map((row) => row.innerText)")
    assert any("915" in row and "5\u202f153\u202f124" in row for row in covered), covered
