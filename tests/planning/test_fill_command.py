"""The commands white-zones and fill on a toy territory: streams, files, exit codes, words."""

import json
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest

from cptsgeo.cli import main
from cptsgeo.perimeters import read_perimeters


@pytest.fixture
def folder(draw, tmp_path, monkeypatch):
    """Write a toy territory: A (39,500), three white units, B (79,000), and an island of 10."""
    toy = draw(
        "A . . . B ~ .", {"00": 39_500, "01": 300, "02": 600, "03": 2_000, "04": 79_000, "06": 10}, epci="E E F F F - -"
    )
    toy.communes[["insee_code", "name", "epci_siren", "population", "population_year"]].to_csv(
        tmp_path / "communes.csv", index=False
    )
    toy.perimeters.membership[["cpts_id", "insee_code"]].to_csv(tmp_path / "cpts.csv", index=False)
    toy.contours.to_file(tmp_path / "contours.gpkg")
    (tmp_path / "need.csv").write_text("insee_code,zoning\n01001,ZIP\n01002,ZAC\n01003,HZ\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    def call(*arguments, code=0):
        inputs = ["--communes", "communes.csv", "--contours", "contours.gpkg", "--perimeters", "cpts.csv"]
        try:
            main([arguments[0], *inputs, *arguments[1:]])
        except SystemExit as stop:
            left = stop.code or 0
        else:
            left = 0
        told = capsys.readouterr()
        assert left == code, told.err
        return told.out, told.err.replace("\u202f", " ")

    return call


def test_clusters_as_csv(run):
    out, err = run("white-zones", "--by", "cluster", "-f", "csv")
    lines = out.splitlines()
    assert lines[0].startswith("cluster_id,cluster_name,departement_code,region_code,units,population_white,area_km2")
    assert [line.split(",")[:6] for line in lines[1:]] == [
        ["01-01003", "Unit 03", "01", "84", "3", "2900"],
        ["01-01006", "Unit 06", "01", "84", "1", "10"],
    ]
    assert "Périmètre d’étude" in err


def test_clusters_on_a_map_with_their_need(run, folder):
    run("white-zones", "--by", "cluster", "--need", "need.csv", "-o", "clusters.geojson")
    layer = gpd.read_file(folder / "clusters.geojson")
    assert layer["cluster_id"].tolist() == ["01-01003", "01-01006"]
    assert layer["need"].iloc[0] == pytest.approx((300 + 600 * 0.6) / 2_900, abs=1e-6)
    assert layer.to_crs(2154).area.iloc[0] / 1e6 == pytest.approx(3, rel=1e-4)


@pytest.mark.parametrize(
    ("by", "first"), [("part", "cluster_id,split,key"), ("neighbour", "cluster_id,cpts_id,cpts_name")]
)
def test_parts_and_neighbours(run, by, first):
    out, _err = run("white-zones", "--by", by, "-f", "csv")
    assert out.startswith(first)
    assert "01-01006" in out


def test_need_by_unit_shows_its_components(run):
    out, _err = run("white-zones", "--need", "need.csv", "-f", "json")
    rows = {row["insee_code"]: row for row in json.loads(out)}
    assert rows["01002"]["need"] == 0.6
    assert rows["01002"]["need_zoning"] == 0.6
    assert rows["01006"]["need"] is None
    assert rows["01006"]["need_missing"].startswith("zoning; apl")


def test_extensions_for_people(run):
    out, _err = run("fill", "--table", "extensions")
    assert "Population après" in out
    assert "42 400" in out.replace("\u202f", " ")


def test_a_plan_and_its_membership_are_fed_back(run, folder):
    out, err = run("fill", "--table", "plan", "-f", "csv", "--plan-membership", "plan.csv")
    assert out.splitlines()[1].startswith("extend,A,A,01-01003,3,2900,39500,42400,1,2,40000")
    assert "2 910 habitants couverts sur 2 910, 1 CPTS étendue et 1 CPTS créée, pour 215 000 € par an" in err
    listed = pd.read_csv(folder / "plan.csv", dtype="str", keep_default_na=False)
    assert listed.columns.tolist() == ["cpts_id", "cpts_name", "stage", "insee_code", "share"]
    main(["coverage", "--communes", "communes.csv", "--perimeters", "plan.csv", "-o", "rates.csv"])
    rates = pd.read_csv(folder / "rates.csv")
    assert rates.loc[0, ["population", "population_covered", "coverage_rate"]].tolist() == [121_410, 121_410, 1]


def test_what_stays_white_is_told(run):
    _out, err = run("fill", "--actions", "extend", "-f", "csv")
    assert "Restent en zone blanche, 01006 (Unit 06) : aucune CPTS ne borde la zone" in err


def test_a_zone_without_extension_is_told_with_the_nearest_cpts(run):
    out, err = run("fill", "--table", "extensions", "-f", "csv")
    assert "01-01006" not in out
    assert "Aucune CPTS ne borde 01-01006 (Unit 06) : il n’y a pas d’extension à examiner." in err
    assert "→ la plus proche est B, à 1,0 km : --bridge-m joint par-dessus l’eau" in err
    assert "01-01003" not in err
    assert "Aucune CPTS ne borde" not in run("fill", "--table", "extensions", "--bridge-m", "1001", "-f", "csv")[1]


def test_all_tables_in_one_workbook_that_is_the_same_twice(run, folder):
    run("fill", "--table", "all", "-o", "one.xlsx")
    run("fill", "--table", "all", "-o", "two.xlsx")
    assert (folder / "one.xlsx").read_bytes() == (folder / "two.xlsx").read_bytes()
    sheets = pd.read_excel(folder / "one.xlsx", sheet_name=None, engine="openpyxl")
    assert list(sheets) == ["clusters", "neighbours", "extensions", "plan", "plan-units", "summary", "colonnes"]
    assert sheets["colonnes"].set_index("colonne").loc["population_added", "intitulé"] == "Nouvellement couverts"
    assert sheets["plan"]["population_added"].sum() == 2_910


def test_a_plan_on_a_map(run, folder):
    run("fill", "--table", "plan", "-o", "plan.gpkg")
    layer = gpd.read_file(folder / "plan.gpkg").set_index("cpts_id")
    assert layer.to_crs(2154).area["A"] / 1e6 == pytest.approx(4, rel=1e-4)
    run("fill", "--table", "plan-units", "-o", "units.geojson")
    assert len(gpd.read_file(folder / "units.geojson")) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--table", "all"], 2, "toutes les tables vont dans un seul classeur"),
        (["--objective", "need"], 2, "donnez-le avec --need"),
        (["--objective", "need", "--need", "need.csv"], 1, "01006 (Unit 06) est en zone blanche et n’a pas de score"),
        (["--need-weights", "weights.toml"], 2, "des poids seuls ne calculent rien"),
        (["--need", "absent.csv"], 1, "absent.csv"),
        (["--bridge-m", "-5"], 2, "n’est pas une largeur en mètres"),
        (["--cover", "80"], 2, "par exemple 0.8"),
        (["--cluster", "01-01999"], 2, "01-01003"),
        (["--keep", "absent.csv"], 1, "absent.csv"),
        (["--min-population", "50", "--max-population", "10"], 2, "ne peut pas avoir de 50 à 10"),
        (["--table", "extensions", "-f", "geojson"], 2, "--format"),
    ],
)
def test_wrong_usage_is_refused_in_words(run, arguments, code, words):
    out, err = run("fill", *arguments, code=code)
    assert out == ""
    assert words in err


@pytest.mark.parametrize("command", ["fill", "white-zones"])
def test_help_answers_without_loading_the_heavy_libraries(command):
    script = f"import sys; from cptsgeo.cli import main\ntry: main(['{command}', '-h'])\nfinally: assert not {{'pandas', 'scipy', 'shapely'}} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--bridge-m" in done.stdout


def test_the_membership_reads_back_as_it_is(run, folder):
    run("fill", "--plan-membership", "plan.csv", "-o", "changes.csv")
    from cptsgeo.communes import read_communes

    communes = read_communes(["communes.csv"])
    again = read_perimeters(folder / "plan.csv", communes)
    assert again.cpts["cpts_id"].tolist() == ["A", "B", "new-01006"]
    assert len(again.membership) == len(communes)
