"""The command line: data on stdout, words on stderr, exit codes, examples that run."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
import sys
import unicodedata

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from cptsgeo.cli import COMMANDS, chosen_language
from cptsgeo.tabular import read_table

PACKAGE_RUN = [sys.executable, "-c", "from cptsgeo.cli import main; main()"]


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def listing(tmp_path):
    """Write a list of CPTS: two communes of Essonne among 194."""

    def write(content="cpts_name,insee_code\nCPTS A,91027\nCPTS B,91377\n", name="liste.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_the_first_command_of_a_planner(run, listing):
    result = run("coverage", "--perimeters", listing(), "--scope", "departement=91", "-f", "csv")
    assert result.code == 0
    first = rows(result.out)[0]
    assert first["population"] == "1338485"
    assert first["population_covered"] == "88342"
    assert first["coverage_rate"] == "0.066001"
    assert (first["units"], first["units_covered"]) == ("194", "2")
    assert "Périmètre d’étude : departement=91 (Essonne)." in result.err


def test_without_scope_the_departements_touched_are_the_scope_and_stderr_says_so(run, listing):
    path = listing("cpts_name,insee_code\nCPTS A,91027\nCPTS B,92004\n")
    result = run("coverage", "--perimeters", path, "-f", "csv")
    assert rows(result.out)[0]["population"] == "2993197"
    assert "departement=91,92 (Essonne, Hauts-de-Seine), les départements que la liste touche" in result.err
    assert "--scope" in result.err


def test_stages_that_count_do_not_change_the_scope(run, listing):
    path = listing("cpts_name,insee_code,stage\nCPTS A,91027,aci_signe\nCPTS B,92004,pre_projet\n")
    result = run("coverage", "--perimeters", path, "--stages", "aci_signe", "-f", "csv")
    assert (rows(result.out)[0]["population"], rows(result.out)[0]["population_covered"]) == ("2993197", "36613")
    result = run("coverage", "--perimeters", path, "--stages", "projet_valide", "-f", "csv")
    assert (rows(result.out)[0]["population"], rows(result.out)[0]["population_covered"]) == ("2993197", "0")
    assert rows(result.out)[0]["coverage_rate"] == "0.0"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(run, listing, encoding, separator):
    text = f"nom_cpts{separator}code_insee\r\nCPTS d’Évry{separator}91027\r\n"
    result = run("sizes", "--perimeters", listing(text.encode(encoding)), "-f", "csv")
    assert [row["cpts_name"] for row in rows(result.out)] == ["CPTS d’Évry"]


def test_a_workbook_and_the_standard_input(run, listing, tmp_path, monkeypatch):
    frame = pd.DataFrame({"CPTS": ["CPTS A"], "Code INSEE": ["91027"]})
    frame.to_excel(tmp_path / "l.xlsx", index=False)
    expected = run("coverage", "--perimeters", tmp_path / "l.xlsx", "-f", "csv")
    assert rows(expected.out)[0]["population_covered"] == "36613"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"cpts_name,insee_code\nCPTS A,91027\n")))
    assert run("coverage", "--perimeters", "-", "-f", "csv").out == expected.out


def test_cities_and_former_codes(run, listing):
    path = listing("cpts_name,insee_code\nMarseille,13055\nGap,05043\n")
    result = run("sizes", "--perimeters", path, "-f", "csv")
    assert {row["cpts_name"]: (row["units"], row["population"]) for row in rows(result.out)}["Marseille"] == (
        "16",
        "886040",
    )
    assert "ligne 3, colonne insee_code : 05043 est un code d’avant une fusion : lu comme 05039" in result.err
    assert "13055 est une ville entière" in result.err


def test_many_findings_of_one_kind_hide_no_other(run, listing):
    former = "".join(f"CPTS Gapençais,{code}\n" for code in ("05043", "05088", "05120", "05150", "05175"))
    said = run("coverage", "--perimeters", listing(f"cpts_name,insee_code\n{former}CPTS du Gapençais,05061\n")).err
    assert said.count("est un code d’avant une fusion") == 3
    assert "et 2 autres du même genre" in said
    assert "CPTS du Gapençais" in said


def test_check_tells_everything_on_stdout_and_counts_on_stderr(run, listing):
    path = listing("cpts_name,insee_code\nCPTS Gapençais,05061\nCPTS du Gapençais,05061\nCPTS Gapençais,05043\n")
    result = run("check", "--perimeters", path)
    assert result.code == 0
    for words in (
        "05043 est un code d’avant une fusion",
        "en deux orthographes|écrite de deux façons",
        "est dans 2 CPTS",
    ):
        assert any(word in result.out for word in words.split("|"))
    assert "0 erreur" in result.err
    assert result.err.count("\n") == 1
    as_json = json.loads(run("check", "--perimeters", path, "-f", "json").out)
    assert {row["rule"] for row in as_json} >= {"code_recoded", "cpts_spelling", "unit_in_several_cpts"}
    assert next(row["row"] for row in as_json if row["rule"] == "code_recoded") == 4


def test_check_leaves_with_1_when_there_is_an_error(run, listing):
    result = run("check", "--perimeters", listing("cpts_name,insee_code\nA,1001\n"), "-f", "csv")
    assert result.code == 1
    (row,) = rows(result.out)
    assert (row["severity"], row["rule"], row["row"]) == ("error", "code_lost_zero", "2")


def test_the_toy_territory_by_every_command(run, toy_files):
    expected = {"04": "85000", "05": "87501", "26": "0"}
    table = rows(run("coverage", *toy_files.options, "--by", "departement", "-f", "csv").out)
    first = [row for row in table if row["stage"] == "any"]
    assert {row["code"]: row["population_covered"] for row in first} == expected
    sizes = rows(run("sizes", *toy_files.options, "-f", "csv").out)
    assert {row["cpts_id"]: row["size_class"] for row in sizes}["alpha"] == "2"
    ledger = rows(run("sizes", *toy_files.options, "--table", "double-counts", "-f", "csv").out)
    assert [row["double_count"] for row in ledger] == ["1", "0"]
    assert len(rows(run("sizes", *toy_files.options, "--table", "pairs", "-f", "csv").out)) == 2
    distribution = rows(run("sizes", *toy_files.options, "--table", "distribution", "-f", "csv").out)
    assert [row["cpts_count"] for row in distribution if row["region_code"] == "all"] == ["2", "3", "0", "0"]
    white = rows(run("white-zones", *toy_files.options, "-f", "csv").out)
    assert [row["name"] for row in white] == ["G", "J", "H", "E", "I"]
    split = rows(run("white-zones", *toy_files.options, "--by", "density", "-f", "csv").out)
    assert sum(int(row["population_white"]) for row in split if row["split"] == "group") == 122_503


def test_contours_add_areas_and_take_no_row_away(run, toy_files):
    plain = rows(run("coverage", *toy_files.options, "--by", "unit", "-f", "csv").out)
    with_area = rows(
        run("coverage", *toy_files.options, "--contours", toy_files.contours, "--by", "unit", "-f", "csv").out
    )
    assert [{key: row[key] for key in plain[0]} for row in with_area] == plain
    assert with_area[0]["area_km2"] == "3.0"


@pytest.mark.parametrize("name", ["z.geojson", "z.GPKG", "z.parquet"])
@pytest.mark.parametrize("command", [("white-zones",), ("coverage", "--by", "unit")])
def test_maps_are_written_with_outlines(run, toy_files, tmp_path, name, command):
    path = tmp_path / name
    result = run(*command, *toy_files.options, "--contours", toy_files.contours, "-o", path)
    assert result.code == 0
    assert result.out == ""
    assert f"Écrit : {path}" in result.err
    layer = gpd.read_parquet(path) if name.endswith("parquet") else gpd.read_file(path)
    assert len(layer) == (5 if command[0] == "white-zones" else 10)
    assert layer.geometry.notna().all()


@pytest.mark.parametrize("form", ["csv", "xlsx", "json", "parquet"])
def test_every_table_format(run, toy_files, tmp_path, form):
    path = tmp_path / f"t.{form}"
    assert run("sizes", *toy_files.options, "-o", path).code == 0
    names = json.loads(path.read_text("utf-8")) if form == "json" else read_table(path).rows.to_dict("records")
    assert [row["cpts_id"] for row in names] == ["alpha", "beta", "delta", "epsilon", "gamma", "zeta"]
    assert run("sizes", *toy_files.options, "-o", path).code == 1
    assert run("sizes", *toy_files.options, "-o", path, "--overwrite").code == 0


def test_formulas_of_a_list_do_not_run_in_a_spreadsheet(run, listing, tmp_path):
    path = listing("cpts_name,insee_code\n=HYPERLINK(1),91027\n")
    assert rows(run("sizes", "--perimeters", path, "-f", "csv").out)[0]["cpts_name"] == "'=HYPERLINK(1)"
    run("sizes", "--perimeters", path, "-o", tmp_path / "t.xlsx")
    cell = openpyxl.load_workbook(tmp_path / "t.xlsx").active["B2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")


@pytest.mark.parametrize(
    "arguments",
    [
        ("coverage", "--by", "canton"),
        ("coverage", "-f", "doc"),
        ("coverage", "-f", "xlsx"),
        ("coverage", "--by", "epci", "-f", "geojson"),
        ("coverage", "-o", "x.doc"),
        ("coverage", "--lang", "de"),
        ("coverage", "--unknown"),
        ("coverage", "--perimeters-date", "hier"),
        ("coverage", "--population-year", "x"),
        ("map",),
        ("build",),
        ("nothing",),
        (),
    ],
)
def test_wrong_usage_leaves_with_2_and_says_why(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the files that the examples of the help name."""
    import folium

    from cptsgeo.embedded import embedded

    monkeypatch.chdir(tmp_path)
    (tmp_path / "liste.csv").write_text("cpts_name,insee_code\nCPTS Nord,97209\n", encoding="utf-8")
    (tmp_path / "snapshots.toml").write_text(
        "[[snapshot]]\ndate = 2024-01-01\nperimeters = 'liste.csv'\n"
        "[[snapshot]]\ndate = 2025-01-01\nperimeters = 'liste.csv'\n",
        encoding="utf-8",
    )
    flooded = {"type": "Polygon", "coordinates": [[[-61.0, 14.6], [-60.9, 14.6], [-60.9, 14.7], [-61.0, 14.6]]]}
    (tmp_path / "zone_inondable.geojson").write_text(
        json.dumps({"type": "Feature", "properties": {"name": "zone"}, "geometry": flooded}), encoding="utf-8"
    )
    pd.DataFrame({"CPTS": ["CPTS Ouest"], "Commune": ["Saint-Paul"]}).to_excel(tmp_path / "liste_ars.xlsx", index=False)
    (tmp_path / "ressources.csv").write_bytes(embedded("crisis_exercise/resources.csv").read_bytes())
    points = pd.DataFrame({"longitude": [-61.07], "latitude": [14.61]})
    (tmp_path / "adresses" / "month=2026-01").mkdir(parents=True)
    points.to_parquet(tmp_path / "adresses" / "month=2026-01" / "points.parquet", index=False)
    zones = gpd.GeoDataFrame({"cpts_id": ["nord"]}, geometry=[shapely.box(-61.2, 14.5, -61, 14.8)], crs=4326)
    zones.to_file(tmp_path / "perimetres.gpkg")
    folium.Map(tiles=None).save(str(tmp_path / "page.html"))


EXAMPLES_BEFORE = {
    "crisis": ["optout add --create --register oppositions.json 10123456789"],
    "access": ["optout add --create --register oppositions.json 10123456789"],
    "replay": ["build -o atlas --no-maps"],
}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "serve"])
def test_help_ends_with_an_example_that_runs(run, command, desk, embedded_once):
    result = run(command, "-h")
    assert result.code == 0
    assert result.err == ""
    assert result.out == run(command, "--help").out
    _help, examples = result.out.rsplit("Exemple:\n", 1)
    for line in EXAMPLES_BEFORE.get(command, []):
        assert run(*line.split()).code == 0
    for line in examples.rstrip().splitlines():
        program, *arguments = shlex.split(line)
        assert program == "cptsgeo"
        assert arguments[0] == command
        done = run(*arguments)
        assert done.code == 0, done.err
        assert done.out or done.err


def test_the_program_runs_as_a_module_and_serves(run, tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>", encoding="utf-8")
    command = [sys.executable, "-m", "cptsgeo", "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as served:
        assert served.stderr is not None
        said = served.stderr.readline()
        served.terminate()
    assert "http://127.0.0.1:" in said
    assert run("serve", tmp_path / "absent").code != 0
    assert run("serve", "-h").out.rstrip().endswith("cptsgeo serve site --port 8000")


def test_help_in_both_languages(run):
    assert "Langue des textes" in run("coverage", "-h").out
    assert "Language of texts" in run("coverage", "-h", "--lang", "en").out
    assert "Language of texts" in run("--lang", "en", "-h").out
    french = run("-h").out
    for command in COMMANDS:
        assert f"  {command}" in french
    assert "Qui est couvert" in french or "couvert par une CPTS" in french


def test_the_language_of_messages(run, listing, monkeypatch):
    path = listing("cpts_name,insee_code\nA,1001\n")
    assert "Erreur : liste.csv, ligne 2" in run("coverage", "--perimeters", path).err
    english = run("coverage", "--perimeters", path, "--lang", "en").err
    assert "Error: liste.csv, row 2, column insee_code: 1001 has four digits" in english
    assert not any(unicodedata.category(character) == "Zs" and character != " " for character in english)
    monkeypatch.setenv("CPTSGEO_LANG", "en")
    assert "Error: liste.csv" in run("coverage", "--perimeters", path).err
    assert "Erreur" in run("coverage", "--perimeters", path, "--lang=fr").err
    assert chosen_language(["--lang"]) == "en"


def test_figures_do_not_depend_on_the_language(run, listing):
    path = listing()
    french = rows(run("coverage", "--perimeters", path, "-f", "csv").out)
    english = rows(run("coverage", "--perimeters", path, "-f", "csv", "--lang", "en").out)
    for one, other in zip(french, english, strict=True):
        assert {key: one[key] for key in one if key not in {"name", "definition"}} == {
            key: other[key] for key in other if key not in {"name", "definition"}
        }


def test_the_screen_shows_a_table_for_people(run, toy_files):
    result = run("white-zones", *toy_files.options)
    lines = result.out.replace("\u202f", " ").splitlines()
    assert "Population" in lines[0]
    assert set(lines[1]) <= {"─", " "}
    assert len(lines) == 7
    assert "100 001" in lines[2]


def test_version(run):
    result = run("--version")
    assert result.code == 0
    assert result.out.startswith("cptsgeo 0.")


def test_build_writes_pages_and_tables_and_the_same_bytes_twice(run, toy_files, tmp_path):
    options = [*toy_files.options, "--contours", toy_files.contours, "--perimeters-date", "2026-01-31"]
    result = run("build", *options, "-o", tmp_path / "one")
    assert result.code == 0
    assert result.out == ""
    assert "10 unités, 6 CPTS" in result.err
    written = sorted(path.relative_to(tmp_path / "one").as_posix() for path in (tmp_path / "one").rglob("*.*"))
    assert {"index.html", "coverage.html", "sizes.html", "white_zones.html", "tables/white_zones.csv"} <= set(written)
    table = rows((tmp_path / "one" / "tables" / "coverage_by_scope.csv").read_text("utf-8"))
    assert (table[0]["population"], table[0]["population_covered"]) == ("295004", "172501")
    run("build", *options, "-o", tmp_path / "two")
    for name in written:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert run("build", *options, "-o", tmp_path / "one").code == 1
    (tmp_path / "one" / "README.md").write_text("kept", encoding="utf-8")
    assert run("build", *options, "-o", tmp_path / "one", "--overwrite", "--no-maps").code == 0
    assert (tmp_path / "one" / "README.md").read_text("utf-8") == "kept"
    assert not (tmp_path / "one" / "coverage.html").exists()


def test_map_writes_one_page(run, toy_files, tmp_path, monkeypatch):
    path = tmp_path / "m.html"
    options = [*toy_files.options, "--contours", toy_files.contours]
    assert run("map", *options, "--page", "sizes", "-o", path).code == 0
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    monkeypatch.setattr("cptsgeo.results.compute", lambda *_study, **_choices: pytest.fail("computed for nothing"))
    for command in ("map", "figure"):
        refused = run(command, *options, "-o", path if command == "map" else path.rename(tmp_path / "m.svg"))
        assert refused.code == 1
        assert "existe déjà" in refused.err


def test_units_without_outlines_are_counted_and_said_to_be_undrawn(run, listing, tmp_path):
    result = run("build", "--perimeters", listing(), "--no-maps", "-o", tmp_path / "maps")
    assert result.code == 0
    assert "194 unités du périmètre d’étude n’ont pas de contour : comptées, mais pas dessinées" in result.err
    table = rows((tmp_path / "maps" / "tables" / "coverage_by_scope.csv").read_text("utf-8"))
    assert (table[0]["units"], table[0]["units_without_area"], table[0]["area_km2"]) == ("194", "194", "")


def test_help_loads_none_of_the_heavy_libraries():
    code = (
        "import sys\nfrom cptsgeo.cli import main\nmain(sys.argv[1:])\n"
        "heavy = {'pandas', 'numpy', 'geopandas', 'shapely', 'pyproj', 'pyarrow', 'folium', 'pandera', 'matplotlib', 'rasterio'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for arguments in (["-h"], ["coverage", "-h"], ["build", "-h"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stderr.strip() == "[]", arguments


def test_a_real_process_keeps_streams_apart_whatever_the_locale(listing, tmp_path):
    path = listing("cpts_name,insee_code\nCPTS d’Évry,91027\n")
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONIOENCODING": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [*PACKAGE_RUN, "sizes", "--perimeters", path, "-f", "csv"], capture_output=True, check=True, env=environment
    )
    assert "CPTS d’Évry" in done.stdout.decode("utf-8")
    assert rows(done.stdout.decode("utf-8"))[0]["population"] == "36613"
    assert b"Essonne" in done.stderr


def test_a_closed_pipe_is_no_traceback():
    command = shlex.join([*PACKAGE_RUN, "coverage", "--by", "unit", "-f", "csv"]) + " | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("code,")
    assert "Traceback" not in done.stderr
