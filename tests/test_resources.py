"""Resources: every bad input named with its row, places never passed off as exact, objections applied before all else."""

from __future__ import annotations

import json
import random
from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.errors import CptsGeoError, DataError, raise_errors
from cptsgeo.optout import identifier, new_register
from cptsgeo.parameters import parameters
from cptsgeo.resource_kinds import is_professional, kind_of, kind_of_finess, kinds
from cptsgeo.resources import COLUMNS, for_audience, parse_resources, read_resources
from cptsgeo.schemas import conform

NOW = datetime(2026, 9, 30, 12)
GOOD = {
    "resource_id": "R1",
    "kind": "pharmacy",
    "name": "Pharmacie du Bourg",
    "insee_code": "97209",
    "longitude": "-61.06",
    "latitude": "14.62",
}


@pytest.fixture(scope="module")
def territory() -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    return embedded_communes(), read_contours()


@pytest.fixture
def parse(tmp_path: Path, territory):
    def parse(*rows: dict[str, str], register=None, name: str = "r.csv"):
        path = tmp_path / name
        pd.DataFrame([GOOD | row for row in rows], dtype="str").to_csv(path, index=False)
        return parse_resources([path], *territory, register or new_register(), now=NOW)

    return parse


def rules(findings) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    ("cells", "rule", "words"),
    [
        ({"longitude": "14.62", "latitude": "-61.06"}, "position_swapped", "inversées : 14.62, -61.06"),
        ({"longitude": "0", "latitude": "0"}, "position_zero", "golfe de Guinée"),
        ({"longitude": "707000", "latitude": "1617000"}, "position_metres", "sont des mètres, et il faut des degrés"),
        ({"longitude": "2.35", "latitude": "48.85"}, "position_elsewhere", "n’est pas dans le territoire de 97209"),
        ({"longitude": "-75", "latitude": "40"}, "position_elsewhere", "n’est pas dans le territoire"),
        ({"longitude": "NaN", "latitude": "14.62"}, "position_unreadable", "ne sont pas des coordonnées"),
        ({"longitude": "inf", "latitude": "14.62"}, "position_unreadable", "ne sont pas des coordonnées"),
        ({"longitude": "-61.06", "latitude": ""}, "position_unreadable", "ne sont pas des coordonnées"),
        ({"longitude": "", "latitude": "", "position_precision": "exact"}, "position_missing", "pas de coordonnées"),
        ({"kind": "soucoupe"}, "kind_unknown", "soucoupe n’est pas un type"),
        ({"kind": ""}, "kind_unknown", "une case vide n’est pas un type"),
        ({"finess_category": "462"}, "finess_private_home", "domicile privé"),
        ({"status": "bof"}, "status_unknown", "bof n’est pas un statut"),
        ({"status_at": "2026-09-30T12:01"}, "date_future", "dans le futur"),
        ({"updated_at": "01/10/2026"}, "date_future", "dans le futur"),
        ({"updated_at": "2026-02-30"}, "date_unreadable", "n’est pas une date"),
        ({"phone": "596000001.0"}, "phone_number", "a lu le téléphone comme un nombre"),
        ({"phone": "596000001"}, "phone_number", "a lu le téléphone comme un nombre"),
        ({"phone": "5.96E+08"}, "phone_number", "a lu le téléphone comme un nombre"),
        ({"phone": "12345"}, "phone_wrong", "n’est pas un numéro de téléphone"),
        ({"phone": "0696 00 00 01"}, "mobile_in_phone", "que tout le monde lit"),
        ({"phone": "+596 696 00 00 01"}, "mobile_in_phone", "que tout le monde lit"),
        ({"opening": "nuit : 06.96.00.00.01"}, "mobile_in_text", "dans un texte que tout le monde lit"),
        ({"name": "Dr X 0033 6 00 00 00 01"}, "mobile_in_text", "dans un texte"),
        ({"email": "0696000001@orange.fr"}, "mobile_in_text", "dans un texte"),
        ({"resource_id": "0696000001"}, "mobile_in_text", "dans un texte"),
        ({"source": "liste 12 0696 00 00 01"}, "mobile_in_text", "dans un texte"),
        ({"email": "pas une adresse"}, "email_wrong", "pas une adresse électronique"),
        ({"capacity": "-3"}, "capacity_wrong", "n’est pas une capacité"),
        ({"capacity": "12.5"}, "capacity_wrong", "n’est pas une capacité"),
        ({"name": ""}, "name_missing", "la case est vide"),
        ({"email": "c.\u200bautre@example.org"}, "text_invisible", "ZERO WIDTH SPACE"),
        ({"rpps": "8,10123E+11"}, "rpps_unreadable", "n’est pas un numéro RPPS"),
        ({"rpps": "1012345678"}, "rpps_unreadable", "personne ne peut dire si"),
        ({"rpps": "O10123456789"}, "rpps_unreadable", "n’est pas un numéro RPPS"),
        ({"rpps": "voir fichier"}, "rpps_unreadable", "n’est pas un numéro RPPS"),
        ({"resource_id": ""}, "resource_id_missing", "la case est vide"),
        ({"name": "a" * 10_000}, "text_too_long", "10 000 caractères"),
        ({"name": "Pharmacie\ndu Bourg"}, "text_invisible", "sauts de ligne"),
        ({"name": "Pharmacie \u202egruob"}, "text_invisible", "RIGHT-TO-LEFT OVERRIDE"),
        ({"insee_code": "9720"}, "code_lost_zero", "quatre chiffres"),
        ({"insee_code": "97299"}, "unit_unknown", "n’est pas dans le tableau des communes"),
        ({"visibility": "secret"}, "visibility_unknown", "n’est pas une visibilité"),
        ({"position_precision": "au pif"}, "position_precision_unknown", "n’est pas une précision"),
    ],
)
def test_each_bad_cell_is_an_error_with_its_row(parse, cells: dict[str, str], rule: str, words: str) -> None:
    _resources, findings = parse({"resource_id": "R0"}, cells)
    (finding,) = [one for one in findings if one.severity == "error"]
    assert (finding.rule, finding.row) == (rule, 3)
    assert words in finding.problem.replace("\u202f", " ").replace("\xa0", " ")
    assert finding.fix


def test_identifiers_of_official_files_are_no_mobile_numbers(parse) -> None:
    identifiers = ["FINESS-069600000", "SAE-970200123-SCAN", "PS-069600000112", "RPPS-10067123456", "810067123456"]
    _resources, findings = parse(*({"resource_id": text} for text in identifiers))
    assert rules(findings) == []


def test_all_faults_are_told_at_once(tmp_path: Path, territory) -> None:
    path = tmp_path / "r.csv"
    pd.DataFrame(
        [GOOD | {"kind": "x", "phone": "1"}, GOOD | {"longitude": "0", "latitude": "0"}, GOOD | {"resource_id": "R2"}]
    ).to_csv(path, index=False)
    with pytest.raises(DataError) as error:
        read_resources([path], *territory, new_register(), now=NOW)
    assert sorted((finding.rule, finding.row) for finding in error.value.findings) == [
        ("kind_unknown", 2),
        ("phone_wrong", 2),
        ("position_zero", 3),
        ("resource_repeated", 3),
    ]


def test_two_resources_with_one_identifier(parse) -> None:
    _resources, findings = parse({}, {"name": "Une autre"})
    (finding,) = findings
    assert (finding.rule, finding.severity, finding.row) == ("resource_repeated", "error", 3)
    assert "deux ressources ont l’identifiant R1" in finding.problem


def test_good_cells_are_read_in_their_single_form(parse, territory) -> None:
    resources, findings = parse(
        {
            "kind": "Médecin généraliste",
            "name": "Dr <b>Fictif</b>",
            "longitude": "-61,06",
            "phone": "+596 (0)596 00 00 01",
            "mobile": "0696000002",
            "status": "Dégradée",
            "status_at": "29/09/2026 14:05",
            "updated_at": "2026-09-29",
            "capacity": "12",
            "visibility": "cellule de crise",
            "rpps": "10123456789",
        },
        {"resource_id": "R0", "longitude": "", "latitude": ""},
    )
    assert rules(findings) == [("text_markup", "warning")]
    table = conform(resources.table, "resources")
    assert list(table.columns) == list(COLUMNS)
    assert table["resource_id"].tolist() == ["R0", "R1"]
    first, second = table.iloc[0], table.iloc[1]
    assert first["position_precision"] == "commune"
    contours = territory[1].set_index("insee_code").geometry
    assert contours["97209"].contains(gpd.points_from_xy([first["longitude"]], [first["latitude"]])[0])
    assert (second["kind"], second["status"], second["position_precision"]) == (
        "general_practitioner",
        "degrade",
        "exact",
    )
    assert (second["phone"], second["mobile"]) == ("05 96 00 00 01", "06 96 00 00 02")
    assert (second["longitude"], second["status_at"], second["updated_at"]) == (
        -61.06,
        "2026-09-29T14:05",
        "2026-09-29",
    )
    assert (second["capacity"], first["capacity"] is pd.NA) == (12, True)
    assert "rpps" not in table.columns


def test_a_resource_far_outside_its_commune_is_reported(parse) -> None:
    _resources, findings = parse({"longitude": "-61.17", "latitude": "14.85"}, {"resource_id": "R2"})
    (finding,) = findings
    assert (finding.rule, finding.severity, finding.row) == ("position_outside_commune", "warning", 2)
    assert "km hors de Fort-de-France (97209)" in finding.problem


def test_xlsx_geojson_and_geopackage_read_as_csv_does(tmp_path: Path, territory, parse) -> None:
    expected = parse({"phone": "0596 00 00 01"}, {"resource_id": "R2"})[0].table
    rows = pd.DataFrame([GOOD | {"phone": "0596 00 00 01"}, GOOD | {"resource_id": "R2", "phone": ""}])
    rows.to_excel(tmp_path / "r.xlsx", index=False)
    layer = gpd.GeoDataFrame(
        rows.drop(columns=["longitude", "latitude"]),
        geometry=gpd.points_from_xy(rows["longitude"].astype(float), rows["latitude"].astype(float)),
        crs=4326,
    )
    layer.to_file(tmp_path / "r.geojson")
    layer.to_crs(5490).to_file(tmp_path / "r.gpkg")
    for name in ("r.xlsx", "r.geojson", "r.gpkg"):
        table = read_resources([tmp_path / name], *territory, new_register(), now=NOW).table
        pd.testing.assert_frame_equal(table, expected, obj=name, atol=1e-6)


def test_units_that_belie_the_crs_of_a_layer_are_refused(tmp_path: Path, territory) -> None:
    rows = pd.DataFrame([GOOD])
    degrees = gpd.points_from_xy([-61.06], [14.62])
    gpd.GeoDataFrame(rows, geometry=degrees, crs=5490).to_file(tmp_path / "degrees.gpkg")
    metres = gpd.points_from_xy([707000], [1617000])
    gpd.GeoDataFrame(rows, geometry=metres, crs=4326).to_file(tmp_path / "metres.gpkg")
    for name, words in (
        ("degrees.gpkg", "sont des degrés, et la couche dit des mètres"),
        ("metres.gpkg", "sont des mètres, et la couche dit des degrés"),
    ):
        with pytest.raises(DataError, match=words):
            read_resources([tmp_path / name], *territory, new_register(), now=NOW)


def test_people_who_objected_are_taken_away_whatever_cell_names_them(parse) -> None:
    register = new_register().with_identifier(identifier("10123456789"), date(2026, 1, 1))
    register = register.with_identifier(identifier("dr.retrait@example.org"), date(2026, 1, 1))
    person = {"kind": "nurse", "name": "Dr Camille Retrait", "phone": "0596 11 11 11"}
    for column, text in (
        ("rpps", "10123456789"),
        ("rpps", "101  2345 6789"),
        ("rpps", "101–2345–6789"),
        ("rpps", "１０１２３４５６７８９"),
        ("rpps", "101\u200b2345_6789"),
        ("email", "dr.\u200bretrait@example.org"),
        ("resource_id", "101 2345 6789"),
        ("name", "Camille Retrait 810123456789"),
        ("email", "Dr.Retrait@Example.org"),
        ("opening", "écrire à dr.retrait@example.org"),
        ("source", "rpps=10123456789"),
        ("une_autre_colonne", "10123456789"),
        ("status", "10123456789"),
    ):
        resources, findings = parse({"resource_id": "R0"}, person | {column: text}, register=register)
        assert resources.table["resource_id"].tolist() == ["R0"], column
        assert resources.withdrawn == 1
        assert rules(findings) == [("objection", "info")], column
        assert "596111111" in resources.withheld.numbers
        assert "Retrait" not in " ".join(finding.problem for finding in findings)
    _resources, findings = parse({"name": "Pharmacie", "email": "dr.retrait@example.org"}, register=register)
    assert ("objection_in_place", "error") in rules(findings)


def test_every_row_of_a_person_who_objected_goes(parse) -> None:
    register = new_register().with_identifier(identifier("dr.retrait@example.org"), date(2026, 1, 1))
    person = {"kind": "nurse", "name": "Camille Retrait", "rpps": "10123456789"}
    resources, findings = parse(
        person | {"resource_id": "A", "rpps": "8101 2345 6789", "phone": "0596 22 22 22"},
        person | {"resource_id": "B", "email": "dr.retrait@example.org"},
        {"resource_id": "C", "kind": "nurse", "rpps": "10123456780"},
        register=register,
    )
    assert resources.table["resource_id"].tolist() == ["C"]
    assert resources.withdrawn == 2
    assert rules(findings) == [("objection", "info")]
    assert "596222222" in resources.withheld.numbers
    place = {"resource_id": "P", "rpps": "10123456789"}
    _resources, findings = parse(person | {"email": "dr.retrait@example.org"}, place, register=register)
    assert ("objection_in_place", "error") in rules(findings)


def test_the_public_sees_neither_mobiles_nor_reserved_places(parse) -> None:
    resources, _findings = parse(
        {"mobile": "0696 00 00 02"},
        {"resource_id": "R2", "visibility": "cellule_de_crise", "phone": "0596 22 22 22"},
    )
    public = for_audience(resources, "public")
    assert public.table["resource_id"].tolist() == ["R1"]
    assert public.table["mobile"].isna().all()
    assert set(public.withheld.numbers) == {"696000002", "596222222"}
    assert for_audience(resources, "cellule_de_crise").table.equals(resources.table)


def test_the_nomenclature_is_whole() -> None:
    entries = parameters("resource_kinds")["kind"]
    keys = [entry["key"] for entry in entries]
    assert len(set(keys)) == len(keys)
    for entry in entries:
        assert entry["fr"]
        assert entry["en"]
        assert entry["icon"].startswith("M")
        assert kind_of(entry["fr"]) == kind_of(entry["en"]) == entry["key"]
    codes = [code for entry in entries for code in entry.get("finess", [])]
    assert len(set(codes)) == len(codes)
    assert kind_of_finess("462") is None
    assert {kind_of_finess(code) for code in ("114", "115", "131", "161", "362")} == {"hospital"}
    assert next(key for key in kinds() if is_professional(key)) == "general_practitioner"


@pytest.mark.no_cover
@pytest.mark.parametrize("part", range(4))
def test_two_thousand_malformed_tables_give_only_clean_errors(tmp_path: Path, territory, part: int) -> None:
    communes, contours = territory
    here = communes[communes["departement_code"] == "972"].reset_index(drop=True)
    draw = random.Random(20260930 + part)
    nasty = [
        "",
        "NaN",
        "None",
        "0",
        "-1",
        "1e308",
        "nan",
        "inf",
        "=1+1",
        "<img src=x onerror=alert(1)>",
        "\u202e",
        "\x00",
        "a" * 10_000,
    ]
    nasty += [
        "97209",
        "9720",
        "2A004",
        "14.6",
        "-61.06",
        "61,06",
        "0696000001",
        "596000001.0",
        "2036-01-01",
        "2026-99-99",
        "é",
        "\ud7ff",
        "😀",
        '"',
        ";",
        ",",
        "\n",
        "\r\n",
        "\t",
    ]
    distinct = [*COLUMNS, "rpps", "finess_category", "finess_et"]
    columns = [*distinct, "nom", "type", "lon", "x", "", "resource_id"]
    register = new_register().with_identifier(identifier("10123456789"), date(2026, 1, 1))
    clean = refused = parsed = 0
    for case in range(500):
        names = draw.sample(columns, draw.randint(1, len(columns)))
        if draw.random() < 0.35:
            names = [*dict.fromkeys([*GOOD, *draw.sample(distinct, draw.randint(0, 6))])]
        spoilt = draw.choice([0.05, 0.2, 0.6])
        rows = [
            [draw.choice(nasty) if draw.random() < spoilt else GOOD.get(name, "") for name in names]
            for _ in range(draw.randint(0, 3))
        ]
        separator = draw.choice(",;\t")
        quote = '"' if draw.random() < 0.9 else ""
        text = "\n".join(
            separator.join(quote + (cell.replace('"', '""') if quote else cell) + quote for cell in row)
            for row in [names, *rows]
        )
        if draw.random() < 0.04:
            text = text[: draw.randint(0, len(text))]
        content = text.encode("utf-8", errors="replace")
        if draw.random() < 0.04:
            content = bytes(byte if draw.random() > 0.02 else draw.randrange(256) for byte in content)
        ending = "csv"
        if draw.random() < 0.08:
            ending = draw.choice(["geojson", "gpkg", "xlsx", "parquet"])
            if ending == "geojson":
                content = json.dumps(_malformed_features(draw, names)).encode()
        path = tmp_path / f"f{case}.{ending}"
        path.write_bytes(content)
        try:
            found = parse_resources([path], here, contours, register, now=NOW)[1]
            parsed += 1
            raise_errors(found)
        except CptsGeoError as error:
            clean += all([error.problem, error.fix, str(error)])
            refused += 1
        path.unlink()
    assert clean == refused > 300
    assert parsed > 80, "many tables must get past their heading"


def _malformed_features(draw: random.Random, names: list[str]) -> dict[str, object]:
    """Points, polygons and nothing at all, with properties of every type."""
    feature = {
        "type": "Feature",
        "properties": {name: draw.choice([1, None, "x", [1], {"a": 1}, 1.5]) for name in names},
        "geometry": draw.choice(
            [
                None,
                {"type": "Point", "coordinates": [draw.choice([0, 200, 14.6]), 1]},
                {"type": "Polygon", "coordinates": []},
                3,
            ]
        ),
    }
    return {"type": "FeatureCollection", "features": [feature] * draw.randint(0, 2)}
