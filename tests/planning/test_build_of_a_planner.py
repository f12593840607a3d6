"""`cptsgeo build` with everything that a planner may set beside a study: tables, cards, plan, series, and their replay."""

import json

import geopandas as gpd
import pandas as pd
import pytest
from openpyxl import load_workbook

from cptsgeo.cli import main
from cptsgeo.manifest import read_manifest
from cptsgeo.schemas import TABLES

OPTIONS = (
    *("--communes", "communes.csv", "--contours", "contours.gpkg", "--perimeters", "cpts.csv"),
    *(
        "--need",
        "need.csv",
        "--need-weights",
        "weights.toml",
        "--edition",
        "2022=2022.csv",
        "--edition",
        "2023=2023.csv",
    ),
    *("--snapshots", "snapshots.toml", "--published", "published.toml", "--paid-stages", "aci_signe,unknown"),
)


@pytest.fixture(scope="module")
def folder(draw, tmp_path_factory):
    """Write A (39,500 inhabitants, ACI signed), three white units, B (79,000) and an island of 10, and what goes with them."""
    folder = tmp_path_factory.mktemp("planner")
    people = {"00": 39_500, "01": 300, "02": 600, "03": 2_000, "04": 79_000, "06": 10}
    toy = draw("A . . . B ~ .", people, epci="E E F F F - -")
    columns = ["insee_code", "name", "epci_siren", "population", "population_year", "density_level"]
    toy.communes[columns].to_csv(folder / "units.csv", index=False)
    (folder / "communes.csv").symlink_to(folder / "units.csv")
    members = toy.perimeters.membership[["cpts_id", "insee_code"]]
    members.assign(stage=["aci_signe", ""], cpts_name=["Alpha", "Bêta / 2"]).to_csv(folder / "cpts.csv", index=False)
    members[members["cpts_id"] == "A"].to_csv(folder / "before.csv", index=False)
    toy.contours.to_file(folder / "contours.gpkg")
    for year, factor in ((2022, 1.02), (2023, 1.0)):
        table = toy.communes.assign(population=(toy.communes["population"] * factor).astype("int64"))
        table[["insee_code", "population"]].to_csv(folder / f"{year}.csv", index=False)
    texts = {
        "need.csv": "insee_code,zoning\n01001,ZIP\n01002,ZAC\n01003,HZ\n",
        "weights.toml": "[weights]\nzoning = 1.0\n",
        "snapshots.toml": '[[snapshot]]\ndate = 2022-12-31\ncommunes = "communes.csv"\nperimeters = "before.csv"\n'
        '[[snapshot]]\ndate = 2023-12-31\ncommunes = "communes.csv"\nperimeters = "cpts.csv"\n',
        "published.toml": '[[figure]]\ndate = 2022-12-31\nplace = "departement=01"\npercent = 98\nwording = "w"\nsource = "s"\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def call(folder, monkeypatch, capsys):
    """Run a command in the folder: exit code and words."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        return code, capsys.readouterr().err.replace("\u202f", " ").replace("\xa0", " ")

    return run


@pytest.fixture
def built(folder, call):
    if not (folder / "out").exists():
        code, err = call("build", *OPTIONS, "-o", "out")
        assert code == 0, err
    return folder / "out"


def table(built, name):
    return pd.read_csv(built / "tables" / f"{name}.csv", dtype={"insee_code": "str"})


def test_every_table_of_the_engine_is_there(built):
    names = {path.stem for path in (built / "tables").glob("*.csv")}
    assert names >= {
        *("need", "cluster_need", "clusters", "extensions", "plan", "plan_units", "plan_summary"),
        *("watch", "cpts_editions", "smoothed", "smoothing_effect", "editions_unmatched"),
        *("reconcile", "series", "diff", "changes", "funding", "funding_summary", "contract_years", "funding_grid"),
    }
    index = (built / "index.html").read_text(encoding="utf-8")
    for name in names:
        assert f"tables/{name}.csv" in index
    sheets = load_workbook(built / "tables" / "cptsgeo.xlsx", read_only=True).sheetnames
    assert len(sheets) == len(names) + 1
    assert sheets[-1] == "colonnes"


def test_what_they_say_by_hand(built):
    """A has 39,500 inhabitants today and 40,290 in 2022; B alone is new in 2023."""
    need = table(built, "need").set_index("insee_code")
    assert need.loc[["01001", "01002", "01003"], "need"].tolist() == [1.0, 0.6, 0.0]
    assert need.loc["01006", "need_missing"] == "zoning"
    assert pd.isna(need.loc["01006", "need"])
    assert list(table(built, "need").columns) == list(TABLES["need"])
    assert table(built, "plan_summary").loc[0, "need_weighted"] == pytest.approx(300 + 360)
    watched = table(built, "watch")
    assert watched[["cpts_id", "bound", "crossings"]].fillna("").values.tolist() == [
        ["A", 40_000, "2023 ↓"],
        ["B", 80_000, "2023 ↓"],
    ]
    effect = table(built, "smoothing_effect").set_index("population_year")
    assert effect["fixed_effect"].to_dict() == {2022: 0, 2023: 50_000 + 60_000}
    diff = table(built, "diff").set_index("cause")
    assert diff.loc["appeared", "population_change"] == 79_000
    assert diff.loc["after", "population_covered"] == 118_500
    series = table(built, "series")
    assert series.loc[series["stage"] == "any", "population_covered"].tolist() == [39_500, 118_500]
    rates = table(built, "reconcile")
    best = rates[rates["nearest"]].iloc[0]
    assert best[["place", "stage", "population_covered", "population", "agrees"]].tolist() == [
        *("departement=01", "any", 118_500, 121_410, True)
    ]
    assert table(built, "contract_years")["cpts_id"].unique().tolist() == ["A", "B"]
    assert "image/svg+xml" in (built / "index.html").read_text(encoding="utf-8")
    assert (built / "series.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.browser
def test_the_dated_states_have_a_page_with_a_slider(built, open_page):
    assert 'href="time.html"' in (built / "index.html").read_text(encoding="utf-8")
    page = open_page(built / "time.html")
    slider = page.locator("#cg-slider")
    assert slider.get_attribute("aria-valuetext") == "31 décembre 2023"
    assert "79\u202f000" in page.locator(".cg-legend:visible").inner_text(), "B alone has no stage"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "31 décembre 2022"
    assert "79\u202f000" not in page.locator(".cg-legend:visible").inner_text(), "B was a white zone"


def test_a_card_for_each_cpts(built):
    assert sorted(path.name for path in (built / "cards").iterdir()) == ["a.html", "a.json", "b.html", "b.json"]
    card = json.loads((built / "cards" / "a.json").read_text(encoding="utf-8"))
    assert card["budget"]["paid"] is True
    assert [entry["population"] for entry in card["trend"]] == [40_290, 39_500]
    assert card["neighbours"] == []
    assert "Bêta / 2" in (built / "cards" / "b.html").read_text(encoding="utf-8")


def test_the_plan_built_again_covers_what_it_says(built, call, folder):
    """A takes the 2,900 and becomes class 2; a new CPTS is made of the island: 121,410 of 121,410 inhabitants."""
    total = table(built, "plan_summary").iloc[0]
    assert total[["population_covered", "fixed_change"]].tolist() == [2_910, 215_000]
    inputs = ("--communes", "communes.csv", "--contours", "contours.gpkg")
    code, err = call(
        "build", *inputs, "--perimeters", "out/plan_perimeters.csv", "--no-maps", "-o", "after", "--overwrite"
    )
    assert code == 0, err
    whole = table(folder / "after", "coverage_by_scope").iloc[0]
    assert whole[["population", "population_covered", "coverage_rate"]].tolist() == [121_410, 121_410, 1]
    before = table(built, "coverage_by_scope").iloc[0]["population_covered"]
    assert whole["population_covered"] - before == total["population_covered"]
    sizes = table(folder / "after", "sizes").set_index("cpts_id")["population"].to_dict()
    assert sizes == {"A": 42_400, "B": 79_000, "new-01006": 10}
    assert table(folder / "after", "white_zones").empty
    assert table(folder / "after", "plan").empty


def test_replay_takes_every_option(built, call, folder):
    """Paths stay as they were given: a link keeps its name, which the pages credit."""
    manifest = read_manifest(built / "manifest.json")
    roles = [described["role"] for described in manifest["inputs"]]
    assert {"need", "need_weights", "editions", "published", "snapshots"} <= set(roles)
    assert roles.count("snapshots") == 4
    code, err = call("replay", "out/manifest.json")
    assert code == 0, err
    assert "octet pour octet" in err
    original = (folder / "before.csv").read_bytes()
    (folder / "before.csv").write_bytes(original + b"A,01001\n")
    code, err = call("replay", "out/manifest.json")
    (folder / "before.csv").write_bytes(original)
    assert code == 1
    assert "snapshots" in err
    assert "le contenu a changé" in err


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("need.csv", "insee_code,zoning\n01999,ZIP\n1001,ZIP\n", "01999 n’est ni une unité de la table des communes"),
        ("need.csv", "insee_code,apl\n01001,-2\n", "-2 n’est pas une valeur de apl"),
        ("weights.toml", "[weights]\nzoning = 0.5\napl = 0.4\n", "la somme des poids est 0,900, et non 1"),
        ("weights.toml", "[weights]\nwater = 1\n", "water n’est pas une composante du besoin"),
        ("snapshots.toml", None, "ne vient pas après celui du 31 décembre 2023"),
        (
            "published.toml",
            '[[figure]]\nplace = "france"\npercent = 68\nwording = "w"\nsource = "s"\n',
            "la clé date manque",
        ),
        ("2022.csv", "insee_code,population\n1001,5\n", "zéro"),
    ],
)
def test_bad_input_is_refused_in_words_and_nothing_is_written(folder, call, name, text, words):
    original = (folder / name).read_text(encoding="utf-8")
    if text is None:
        first, _sign, last = original.rpartition("[[snapshot]]\n")
        text = f"[[snapshot]]\n{last}{first}"
    (folder / name).write_text(text, encoding="utf-8")
    code, err = call("build", *OPTIONS, "--no-maps", "-o", "refused")
    (folder / name).write_text(original, encoding="utf-8")
    assert code == 1
    assert words in err
    assert not (folder / "refused").exists()


def test_check_tells_all_of_it_at_once(folder, call, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    originals = {name: (folder / name).read_text(encoding="utf-8") for name in ("need.csv", "published.toml")}
    (folder / "need.csv").write_text("insee_code,zoning\n01999,ZIP\n", encoding="utf-8")
    (folder / "published.toml").write_text('[[figure]]\nplace = "france"\n', encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["check", *OPTIONS])
    told = capsys.readouterr()
    for name, text in originals.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert stop.value.code == 1
    assert "01999" in told.out
    assert "la clé date manque" in told.out


def test_the_map_of_the_plan_reads_back(folder, call, built):
    """The default plan by `map`, and one of extensions alone by `fill --page`."""
    inputs = ("--communes", "communes.csv", "--contours", "contours.gpkg", "--perimeters", "cpts.csv")
    code, err = call("map", *inputs, "--page", "plan", "-o", "plan.html", "--overwrite")
    assert code == 0, err
    text = (folder / "plan.html").read_text(encoding="utf-8")
    assert "Alpha" in text
    assert "CPTS à créer (Unit 06)" in text
    assert "2 910 des 2 910 habitants" in text.replace("\u202f", " ")
    code, err = call("fill", *inputs, "--actions", "extend", "--page", "extend.html", "-o", "extend.csv", "--overwrite")
    assert code == 0, err
    text = (folder / "extend.html").read_text(encoding="utf-8").replace("\u202f", " ")
    assert "2 900 des 2 910 habitants" in text
    assert "CPTS à créer" not in text
    assert "Reste en zone blanche" in text


def test_the_plan_as_a_layer(folder, call):
    inputs = ("--communes", "communes.csv", "--contours", "contours.gpkg", "--perimeters", "cpts.csv")
    assert call("fill", *inputs, "--table", "plan-units", "-o", "units.gpkg", "--overwrite")[0] == 0
    assert gpd.read_file(folder / "units.gpkg")["cpts_id"].tolist() == ["A", "A", "A", "new-01006"]
