"""Layers of territories from lists, establishments and polygons; drawn perimeters and IRIS; what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import box

from cptsgeo.communes import embedded_communes
from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.iris import read_iris_populations
from cptsgeo.layers import check_polygons, read_polygons
from cptsgeo.perimeters import read_perimeters
from cptsgeo.territories import read_territories, territories_of_communes

COMMUNES = embedded_communes()


def written(folder: Path, text: str, name: str = "couche.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def members(layer) -> list[tuple[str, str, float, str]]:
    columns = ["territory_id", "insee_code", "share", "method"]
    return list(layer.membership[columns].itertuples(index=False, name=None))


def test_a_list_may_name_communes_epci_and_departements(tmp_path):
    path = written(
        tmp_path,
        "code_cls;nom_cls;insee_code;epci_siren;departement_code\nA;Nord;97201;;\nA;Nord;;200060473;\nB;Sud;;;976\n",
    )
    layer, findings = read_territories(path, COMMUNES, kind="contrat_local")
    sud = COMMUNES.loc[COMMUNES["epci_siren"] == "200060473", "insee_code"]
    found = layer.membership
    assert found.query("territory_id == 'A' and method == 'epci'")["insee_code"].tolist() == sud.tolist()
    assert found.query("territory_id == 'A' and method == 'list'")["insee_code"].tolist() == ["97201"]
    assert found.query("method == 'departement'")["insee_code"].str[:3].unique().tolist() == ["976"]
    assert layer.names["territory_name"].tolist() == ["Nord", "Sud"]
    assert findings == []


def test_communes_may_be_named_with_their_departement(tmp_path):
    path = written(
        tmp_path,
        "nom_cls,commune,departement\nT,Saint-Denis,974\nT,ST PIERRE,974\nU,Fort de France,\nU,,976\n",
    )
    layer, findings = read_territories(path, COMMUNES, kind="contrat_local")
    assert members(layer)[:3] == [
        ("T", "97411", 1.0, "name"),
        ("T", "97416", 1.0, "name"),
        ("U", "97209", 1.0, "name"),
    ]
    assert {method for _t, _code, _share, method in members(layer)[3:]} == {"departement"}
    assert findings == []


def test_names_that_several_communes_or_none_bear_are_told_and_not_guessed(tmp_path):
    path = written(tmp_path, "nom_cls,commune,departement\nT,Saint-Denis,\nT,Cayene,973\nT,Cayenne,973\n")
    with pytest.raises(DataError) as caught:
        read_territories(path, COMMUNES, kind="contrat_local")
    said = str(caught.value)
    for words in ("ligne 2", "Saint-Denis", "ligne 3", "97302 Cayenne", "son département"):
        assert words in said
    assert "ligne 4" not in said


def test_former_codes_and_whole_cities_become_units(tmp_path):
    layer, findings = read_territories(
        written(tmp_path, "territoire,code_insee\nT,01340\nT,13055\n"), COMMUNES, kind="secteur"
    )
    assert layer.membership["insee_code"].tolist() == ["01015", *[str(code) for code in range(13201, 13217)]]
    assert [finding.rule for finding in findings] == ["code_recoded"]


def test_every_wrong_row_is_told_at_once(tmp_path):
    path = written(tmp_path, "territoire,code_insee,share\nT,1001,\nT,99999,\nT,01001,2\nT,01002,\n")
    with pytest.raises(DataError) as caught:
        read_territories(path, COMMUNES, kind="secteur")
    said = str(caught.value)
    for words in ("ligne 2", "ligne 3", "ligne 4", "1001", "99999"):
        assert words in said
    assert "ligne 5" not in said


def test_establishments_are_no_territory_without_a_rule(tmp_path):
    path = written(tmp_path, "code_ght,finess_ej,code_commune\nG,210012142,21710\n")
    with pytest.raises(DataError, match="établissements") as caught:
        read_territories(path, COMMUNES, kind="ght")
    assert "--rule ght=nearest_site" in str(caught.value)


def test_nearest_site_by_hand_and_the_support_alone(tmp_path, toy_communes, toy_contours):
    path = written(tmp_path, "ght_id,finess,role,code_commune\nouest,1,S,04901\nest,2,M,05903\n")
    layer, _findings = read_territories(path, toy_communes, kind="ght", rule="nearest_site", contours=toy_contours)
    own = layer.membership.set_index("insee_code")["territory_id"].drop("04902").to_dict()  # as far from both
    assert own == {"04901": "ouest", "04903": "ouest", "04904": "ouest"} | {
        "05901": "est", "05902": "est", "05903": "est"
    }  # fmt: skip
    alone, _findings = read_territories(path, toy_communes, kind="ght", rule="nearest_support", contours=toy_contours)
    assert set(alone.membership["territory_id"]) == {"ouest"}
    assert set(alone.membership["method"]) == {"nearest_support"}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("territoire,nom\nT,Nice\n", "x", "insee_code, commune"),
        ("commune_id,code_insee\nT,01001\n", "x", "territory_id"),
        ("territoire,code_insee\n,01001\n", "x", "ligne 2"),
        ("territory_id,territory_name,insee_code\nT,Un,01001\nT,Deux,01002\n", "x", "Un; Deux"),
        ("code_qp,insee_com\nQN1,01004\n", "qpv", "contours des QPV"),
    ],
)
def test_lists_that_cannot_be_read_say_why(tmp_path, text, kind, words):
    with pytest.raises(DataError) as caught:
        read_territories(written(tmp_path, text), COMMUNES, kind=kind)
    assert words in str(caught.value)


def test_layers_that_the_communes_do_not_say_need_a_file():
    with pytest.raises(UsageError, match="GHT"):
        territories_of_communes("ght", COMMUNES)
    with pytest.raises(UsageError, match="loin"):
        read_territories(None, COMMUNES, kind="ght", rule="loin")


BOW_TIE = shapely.Polygon([(900_000, 6_400_000), (901_000, 6_401_000), (901_000, 6_400_000), (900_000, 6_401_000)])


def polygons(*shapes: shapely.Geometry | None, crs: int | None = 2154) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"territory_id": [f"t{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs=crs)


def test_invalid_polygons_are_refused_or_repaired_and_told():
    refused = check_polygons(polygons(BOW_TIE, box(900_000, 0, 901_000, 9)), file="x.gpkg").findings
    assert [(finding.row, finding.severity) for finding in refused] == [(1, "error")]
    assert "--repair" in refused[0].fix
    assert "n’est pas valide" in refused[0].problem
    fixed = check_polygons(polygons(BOW_TIE, box(900_000, 0, 901_000, 9)), repair=True)
    assert fixed.layer.geometry.is_valid.all()
    assert fixed.layer.geometry.iloc[0].area == pytest.approx(500_000)
    assert [finding.severity for finding in fixed.findings] == ["warning"]
    assert "de 0,000 à 0,500" in fixed.findings[0].problem
    degrees = check_polygons(polygons(BOW_TIE).to_crs(4326), repair=True)
    assert degrees.findings[0].problem[:60] == fixed.findings[0].problem[:60]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (polygons(box(0, 0, 1, 1), crs=None), "CRS"),
        (polygons().set_crs(2154), "aucune entité"),
        (polygons(box(2, 45, 3, 46)), "ce sont des degrés"),
        (polygons(box(900_000, 6_400_000, 900_001, 6_400_001), crs=4326), "ce sont des mètres"),
    ],
)
def test_layers_that_cannot_be_measured_are_refused(layer, words):
    with pytest.raises(DataError) as caught:
        check_polygons(layer, file="x.gpkg")
    assert words in str(caught.value)
    assert "x.gpkg" in str(caught.value)


def test_points_and_missing_outlines_are_told_by_row(tmp_path):
    layer = polygons(box(900_000, 0, 901_000, 9), None, shapely.Point(900_000, 0))
    found = check_polygons(layer).findings
    assert [finding.row for finding in found] == [2, 3]
    assert "Point" in found[1].problem
    written(tmp_path, "no layer", "x.gpkg")
    with pytest.raises(FileError, match="cartographique"):
        read_polygons(tmp_path / "x.gpkg")


def test_a_drawn_layer_has_the_shares_of_its_people(tmp_path, toy_communes, toy_contours):
    west = 900_000
    layer = polygons(box(west - 10, 6_400_000, west + 2000, 6_405_000)).rename(columns={"territory_id": "qpv_id"})
    layer.rename(columns={"qpv_id": "code_qp"}).to_file(tmp_path / "qpv.gpkg")
    with pytest.raises(DataError, match="04903"):
        read_territories(tmp_path / "qpv.gpkg", toy_communes, kind="qpv", contours=toy_contours)
    found, _findings = read_territories(
        tmp_path / "qpv.gpkg", toy_communes, kind="qpv", contours=toy_contours, area_weighting=True
    )
    assert {code: method for _t, code, _s, method in members(found)}["04901"] == "polygon"
    assert {method for *_rest, method in members(found)} == {"polygon", "area"}


def test_iris_are_shares_of_their_commune(tmp_path):
    census = COMMUNES.set_index("insee_code")["population"]
    iris = written(tmp_path, "code_iris,population\n972090101,100.5\n972090102,299.5\n972090103,0\n", "iris.csv")
    path = written(tmp_path, "cpts_id,code_iris\nA,972090101\nB,972090102\nB,972090103\nB,972010000\n", "cpts.csv")
    found = read_perimeters(path, COMMUNES, iris=iris).membership
    total = int(census["97209"])
    first = round(total * 100.5 / 400)
    assert found["method"].unique().tolist() == ["iris"]
    shares = {(row.cpts_id, row.insee_code): row.share for row in found.itertuples()}
    assert shares[("A", "97209")] * total == pytest.approx(first)
    assert shares[("B", "97209")] * total == pytest.approx(total - first)
    assert shares[("B", "97201")] == 1


@pytest.mark.parametrize(
    ("listed", "populations", "words"),
    [
        ("972090101", None, "--iris"),
        ("972090109", "972090101,5", "972090109"),
        ("97209", "972090101,5", "neuf caractères"),
        ("999990101", "999990101,5", "99999"),
    ],
)
def test_iris_whose_share_nothing_tells_are_refused(tmp_path, listed, populations, words):
    iris = populations and written(tmp_path, f"code_iris,population\n{populations}\n", "iris.csv")
    with pytest.raises(DataError) as caught:
        read_perimeters(written(tmp_path, f"cpts_id,code_iris\nA,{listed}\n", "c.csv"), COMMUNES, iris=iris)
    assert words in str(caught.value)


def test_iris_populations_are_checked(tmp_path):
    with pytest.raises(DataError) as caught:
        read_iris_populations(written(tmp_path, "code_iris,population\n972090101,x\n972090101,2\n"))
    assert "ligne 2" in str(caught.value)
    assert "ligne 3" in str(caught.value)


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """Two CPTS that together hold the toy territory; the first cuts communes."""
    west, south = 900_000, 6_400_000
    layer = polygons(
        box(west - 10, south - 10, west + 4500, south + 4010), box(west + 4500, south - 10, west + 9010, south + 4010)
    )
    layer = layer.rename(columns={"territory_id": "nom_cpts"}).assign(stade=["ACI signé", "Projet validé"])
    layer.to_file(tmp_path / "dessin.gpkg")
    return tmp_path / "dessin.gpkg"


def test_a_drawing_flows_into_every_command(run, toy_files, drawing):
    options = ["--communes", toy_files.communes, "--contours", toy_files.contours, "--perimeters", drawing]
    options += ["--scope", "departement=04,05,26", "--accept-holes"]
    refused = run("coverage", *options, "-f", "csv")
    assert refused.code == 1
    assert "est coupée" in refused.err
    done = run("coverage", *options, "--area-weighting", "-f", "csv")
    assert done.code == 0, done.err
    first = pd.read_csv(pd.io.common.StringIO(done.out)).iloc[0]
    assert (first["population"], first["population_covered"]) == (295_004, 295_004)
    assert "par surface" in done.err
    cuts = run("population", *options, "--area-weighting", "-f", "csv")
    assert cuts.code == 0, cuts.err
    assert "population_by_area" in cuts.out.splitlines()[0]


def test_overlaps_on_the_command_line(run, toy_files, tmp_path):
    long = run("overlaps", *toy_files.options, "--with", "departement", "--table", "long", "-f", "csv")
    assert long.code == 0, long.err
    table = pd.read_csv(pd.io.common.StringIO(long.out), dtype={"territory_id": "str"})
    assert set(table["layer"]) == {"departement"}
    assert table.query("cpts_id == 'gamma'")["population"].tolist() == [25_000]
    figure = tmp_path / "bars.svg"
    again = tmp_path / "again.svg"
    for path in (figure, again):
        assert run("overlaps", *toy_files.options, "--with", "epci", "--figure", path).code == 0
    assert figure.read_bytes() == again.read_bytes()
    assert "200000001" in run("overlaps", *toy_files.options, "--with", "epci").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--with departement"),
        (["--with", "ght"], "--with ght=FICHIER"),
        (["--with", "epci", "--with", "departement", "--table", "matrix"], "une seule couche"),
        (["--with", "epci", "--with", "epci"], "deux couches"),
        (["--with", "epci", "--rule", "ght=nearest_site"], "pas de couche ght"),
        (["--with", "epci", "--names", "x.csv"], "KIND=VALUE|GENRE=VALEUR"),
        (["--with", "../epci=x.csv"], "lettres"),
        (["--with", "epci", "--with", "departement", "--map", "x.html"], "une seule couche"),
        (["--with", "epci", "--figure", "x.doc"], ".svg"),
    ],
)
def test_wrong_usage_names_the_next_step(run, toy_files, arguments, words):
    done = run("overlaps", *toy_files.options, *arguments)
    assert done.code == 2
    assert any(word in done.err for word in words.split("|")), done.err


WEST, SOUTH = 900_000, 6_400_000
SQUARE = box(WEST - 10, SOUTH - 10, WEST + 3010, SOUTH + 4010)


@pytest.mark.parametrize(
    ("shapes", "crs", "more", "code", "words"),
    [
        ([SQUARE], None, [], 1, ["CRS", "EPSG:2154", "couche.gpkg"]),
        ([], 2154, [], 1, ["aucune entité"]),
        ([shapely.transform(SQUARE, lambda xy: xy / 1e6)], 2154, [], 1, ["degrés", "to_crs", "EPSG:2154"]),
        ([shapely.transform(BOW_TIE, lambda xy: xy)], 2154, [], 1, ["n’est pas valide", "--repair", "ligne 1"]),
        ([BOW_TIE], 2154, ["--repair", "--area-weighting"], 0, ["de 0,000 à 0,5", "km²"]),
        ([SQUARE, SQUARE], 2154, ["--area-weighting"], 0, ["se recouvrent", "111 901 habitants"]),
        ([box(0, 6_400_000, 9, 6_400_009)], 2154, [], 0, ["ne touche aucune unité"]),
    ],
)
def test_bad_layers_on_the_command_line(run, toy_files, tmp_path, shapes, crs, more, code, words):
    layer = gpd.GeoDataFrame({"nom": [f"T{i}" for i in range(len(shapes))]}, geometry=shapes, crs=crs)
    layer = layer.rename(columns={"nom": "nom_zone"})
    path = tmp_path / "couche.gpkg"
    with warnings.catch_warnings(action="ignore"):  # of pyogrio, which sees what is wrong with some of them
        layer.to_file(path, geometry_type="Polygon")
    done = run(
        "overlaps",
        *toy_files.options,
        "--contours",
        toy_files.contours,
        "--accept-holes",
        "--with",
        f"zone={path}",
        *more,
    )
    assert done.code == code, done.err
    for word in words:
        assert word in done.err
