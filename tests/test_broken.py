"""One bad file per rule: each is refused in French, by file, row, column and remedy, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

BROKEN = Path(__file__).parent / "broken"

LISTS = {
    "empty.csv": ["empty.csv : le fichier est vide", "donnez un fichier avec un en-tête et des lignes"],
    "header_only.csv": ["header_only.csv : le fichier a un en-tête et aucune ligne"],
    "missing_column.csv": ["colonne insee_code", "commune, cpts_name", "code_insee"],
    "lost_zero.csv": [
        "lost_zero.csv, ligne 3, colonne insee_code : 1002 n’a que quatre chiffres",
        "(01002)",
        "mettez la colonne au format texte",
    ],
    "float_codes.csv": [
        "float_codes.csv, ligne 3, colonne insee_code : 1002.0 est un nombre décimal",
        "exportez de nouveau la colonne en texte",
    ],
    "unknown_code.csv": ["unknown_code.csv, ligne 3, colonne insee_code : 01999 n’est ni une unité", "un code postal"],
    "unknown_stage.csv": [
        "unknown_stage.csv, ligne 3, colonne stage : en rédaction n’est pas un stade de CPTS",
        "lettre_intention",
        "laissez la case vide",
    ],
    "html_named_csv.csv": ["html_named_csv.csv : le contenu est du type « HTML »", "CSV UTF-8 ou en XLSX"],
    "csv_named_xlsx.xlsx": ["csv_named_xlsx.xlsx : le contenu est", "texte", ".xlsx", ".csv"],
    "unclosed_quote.csv": ["unclosed_quote.csv : la ligne 3 ne peut pas être lue", "guillemet"],
    "share_above_one.csv": ["share_above_one.csv, ligne 2, colonne share", "1.5"],
    "nameless_row.csv": ["nameless_row.csv, ligne 3, colonne cpts_name : la ligne ne nomme aucune CPTS"],
    "contradictory_stage.csv": ["contradictory_stage.csv, ligne 3, colonne stage", "ACI signé", "Pré-projet"],
    "two_columns_of_one_name.csv": ["two_columns_of_one_name.csv : deux colonnes", "insee_code"],
}
COMMUNES = {
    "negative_population.csv": [
        "negative_population.csv, ligne 3, colonne population : la population de 04902 n’est pas un nombre d’habitants",
        "donnez un nombre entier d’habitants",
    ],
    "text_population.csv": ["text_population.csv, ligne 3, colonne population", "1 234"],
    "missing_population.csv": [
        "missing_population.csv, ligne 3, colonne population : la population de 04902 manque",
        "0 pour une commune inhabitée",
    ],
    "duplicated_unit.csv": [
        "duplicated_unit.csv, ligne 4, colonne insee_code : 04901 est présent plusieurs fois",
        "gardez une seule ligne par unité",
    ],
    "city_of_another_census.csv": ["city_of_another_census.csv, ligne 2, colonne insee_code : 13055", "13201 à 13216"],
}
OUTLINES = {
    "metres.geojson": ["metres.geojson : le contour de 1 unité n’est pas dans son territoire (01001)", "CRS"],
    "overlap.geojson": [
        "overlap.geojson, colonne geometry : les contours de 01001 et 01002 se chevauchent sur",
        "corrigez la couche",
    ],
    "hole.geojson": [
        "hole.geojson, colonne geometry : la carte a un trou de",
        "entre 01001",
        "ajoutez le contour qui y manque",
        "--accept-holes",
    ],
}


def refused(result, words, code=1):
    assert result.code == code, result
    assert result.out == ""
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err, result.err
    assert "Que faire :" in result.err


@pytest.fixture
def output(tmp_path):
    """A place to write, and a check that nothing was."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder / "new" / "result.csv"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_cpts(run, output, name):
    refused(run("coverage", "--perimeters", BROKEN / name, "-o", output), LISTS[name])


@pytest.mark.parametrize("name", COMMUNES)
def test_tables_of_communes(run, output, name):
    result = run("sizes", "--communes", BROKEN / name, "--perimeters", BROKEN / "ain.csv", "-o", output)
    refused(result, COMMUNES[name])


@pytest.mark.parametrize("name", OUTLINES)
def test_outlines(run, output, name):
    options = ["--perimeters", BROKEN / "ain.csv", "--contours", BROKEN / name]
    refused(run("coverage", *options, "-o", output), OUTLINES[name])


def test_density(run, output):
    options = ["--perimeters", BROKEN / "ain.csv", "--density", BROKEN / "unknown_density.csv"]
    words = ["unknown_density.csv, ligne 2, colonne density_level : Village n’est pas un niveau de densité"]
    refused(run("white-zones", *options, "-o", output), [*words, "Bourgs ruraux"])


def test_every_broken_file_has_its_test():
    tested = {*LISTS, *COMMUNES, *OUTLINES, "ain.csv", "unknown_density.csv"}
    assert {path.name for path in BROKEN.iterdir()} == tested


@pytest.mark.parametrize(
    ("scope", "code", "words"),
    [
        ("departement=99", 1, ["--scope : aucune unité de la table des communes n’a le code 99"]),
        ("departement=1", 1, ["le code 1 (departement)", "01"]),
        ("epci=200000001", 1, ["le code 200000001 (epci)"]),
        (
            "departement=13",
            1,
            ["aucune unité de la liste des CPTS n’est dans le périmètre d’étude", "vérifiez --scope"],
        ),
        ("canton=1", 2, ["'canton=1' n’est pas un périmètre d’étude", "departement=13,84"]),
    ],
)
def test_scopes(run, output, scope, code, words):
    refused(run("coverage", "--perimeters", BROKEN / "ain.csv", "--scope", scope, "-o", output), words, code)


def test_stages_that_do_not_exist(run, output):
    result = run("coverage", "--perimeters", BROKEN / "ain.csv", "--stages", "aci", "-o", output)
    refused(result, ["--stages : aci n’est pas un stade de CPTS", "aci_signe"], 2)


@pytest.mark.parametrize("option", ["--perimeters", "--communes", "--contours", "--density", "--cpts"])
def test_a_folder_in_the_place_of_a_file(run, output, tmp_path, option):
    rest = ["--perimeters", BROKEN / "ain.csv"] if option != "--perimeters" else []
    result = run("coverage", option, tmp_path, *rest, "-o", output)
    refused(result, [f"{tmp_path} : c’est un dossier, pas un fichier", "donnez le chemin de l’un de ses fichiers"])


@pytest.mark.parametrize("option", ["--perimeters", "--communes", "--contours", "--density", "--cpts"])
def test_an_absent_file(run, output, tmp_path, option):
    rest = ["--perimeters", BROKEN / "ain.csv"] if option != "--perimeters" else []
    result = run("coverage", option, tmp_path / "absent.csv", *rest, "-o", output)
    refused(result, ["absent.csv : ce fichier n’existe pas", "vérifiez le chemin"])


def test_a_truncated_parquet(run, output, tmp_path):
    path = tmp_path / "communes.parquet"
    pd.DataFrame({"insee_code": ["01001"] * 99, "population": range(99)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:300])
    result = run("coverage", "--communes", path, "--perimeters", BROKEN / "ain.csv", "-o", output)
    refused(result, ["communes.parquet : le fichier Parquet est", "tronqué", "téléchargez"])
    result = run("coverage", "--contours", path, "--perimeters", BROKEN / "ain.csv", "-o", output)
    refused(result, ["communes.parquet : le fichier ne peut pas être lu comme une couche cartographique"])


def test_files_that_are_not_what_their_name_says(run, output, tmp_path):
    frame = pd.DataFrame({"cpts_name": ["A"], "insee_code": ["01001"]})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for source, name, words in [
        ("a.xlsx", "xlsx.csv", ["xlsx.csv : le contenu est du XLSX, mais le nom dit .csv", ".xlsx"]),
        ("a.parquet", "parquet.csv", ["parquet.csv : le contenu est du Parquet, mais le nom dit .csv", ".parquet"]),
        ("a.xlsx", "xlsx.parquet", ["xlsx.parquet : le contenu est du XLSX, mais le nom dit .parquet"]),
    ]:
        (tmp_path / name).write_bytes((tmp_path / source).read_bytes())
        result = run("coverage", "--perimeters", tmp_path / name, "-o", output)
        refused(result, [words[0].replace("du ", "") if "du " not in result.err else words[0], *words[1:]])


def test_codes_that_a_spreadsheet_read_as_numbers(run, output, tmp_path):
    frame = pd.DataFrame({"cpts_name": ["A", "A"], "insee_code": [1001, 97201]})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for name, row in (("a.xlsx", 2), ("a.parquet", 1)):
        result = run("coverage", "--perimeters", tmp_path / name, "-o", output)
        refused(result, [f"{name}, ligne {row}, colonne insee_code : 1001 n’a que quatre chiffres", "01001"])


def test_outlines_without_crs(run, output, tmp_path):
    path = tmp_path / "c.parquet"
    gpd.GeoDataFrame({"insee_code": ["01001"]}, geometry=[shapely.box(4.9, 46.1, 5, 46.2)]).to_parquet(path)
    result = run("coverage", "--perimeters", BROKEN / "ain.csv", "--contours", path, "-o", output)
    refused(result, ["c.parquet : la couche ne dit pas son système de coordonnées (CRS)", "EPSG:4326"])


def test_holes_that_are_accepted_are_a_warning(run):
    options = ["--perimeters", BROKEN / "ain.csv", "--contours", BROKEN / "hole.geojson", "--accept-holes"]
    result = run("coverage", *options, "-f", "csv")
    assert result.code == 0
    assert "Attention : hole.geojson, colonne geometry : la carte a un trou de" in result.err


def test_an_output_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for command, place in (("coverage", "file/a.csv"), ("build", "file/maps")):
        result = run(command, "--perimeters", BROKEN / "ain.csv", "-o", tmp_path / place)
        refused(result, ["rien ne peut y être écrit", "donnez un dossier où vous avez le droit d’écrire"])
    refused(run("coverage", "-o", tmp_path, "-f", "csv", "--overwrite"), ["c’est un dossier, pas un fichier"])
    refused(run("coverage", "-o", tmp_path / "file", "-f", "csv"), ["le fichier existe déjà", "--overwrite"])
    refused(run("build", "-o", tmp_path / "file", "--overwrite"), ["c’est un fichier, pas un dossier"])
    refused(run("build", "-o", tmp_path, "--overwrite"), ["aucune page de cptsgeo"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_build_on_bad_data_writes_nothing(run, tmp_path):
    result = run("build", "--perimeters", BROKEN / "lost_zero.csv", "-o", tmp_path / "a" / "maps")
    refused(result, LISTS["lost_zero.csv"])
    assert list(tmp_path.iterdir()) == []


def test_check_lists_every_error_of_every_file_and_leaves_with_1(run):
    result = run(
        *("check", "--communes", BROKEN / "negative_population.csv", "--perimeters", BROKEN / "lost_zero.csv"),
        *("--density", BROKEN / "unknown_density.csv"),
    )
    assert result.code == 1
    for words in (
        "ligne 3, colonne population",
        "1002 n’a que quatre chiffres",
        "Village n’est pas un niveau de densité",
    ):
        assert words in result.out.replace("\u202f", " ")
    assert "3 erreurs" in result.err or "erreurs" in result.err
