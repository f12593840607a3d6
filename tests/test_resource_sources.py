"""Official files as resources: what is taken, what is left out and counted, and people who objected."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.errors import DataError
from cptsgeo.optout import identifier, new_register
from cptsgeo.resource_sources import recognised
from cptsgeo.resources import parse_resources, read_resources
from cptsgeo.sources.annuaire_sante import LAYOUTS

NOW = datetime(2026, 9, 30, 12)
RPPS = "10123456789"
HEADER = LAYOUTS["56 columns"]


@pytest.fixture(scope="module")
def territory() -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    return embedded_communes(), read_contours()


def structure(finess: str, name: str, commune: str, category: str, phone: str = "") -> str:
    cells = [""] * 32
    cells[:5] = ["structureet", finess, "970210000", name, name]
    cells[12:19] = [commune, "9B", "MARTINIQUE", "97200 FORT DE FRANCE", phone, "", category]
    return ";".join(cells)


@pytest.fixture
def finess(tmp_path: Path) -> Path:
    lines = [
        "finess;etalab;112;2026-05-12",
        structure("970200001", "CHU FICTIF", "209", "101", "0596000001"),
        structure("970200002", "PHARMACIE FICTIVE", "209", "620", "596000002"),
        structure("970200003", "MAISON DE MME FICTIVE", "209", "462", "0596000003"),
        structure("970200004", "CAMPING", "209", "999"),
        structure("970200005", "CMP FICTIF", "213", "156", "0696000005"),
        structure("970200006", "EHPAD PERDU", "299", "500"),
        "geolocalisation;970200001;707000;1617000;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,UTM_N20;2026-05-12",
    ]
    path = tmp_path / "etalab-cs1100507-stock.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


EMAIL = {"Adresse e-mail (coord. structure)": "c.retrait@example.org"}


def professional(**cells: str) -> str:
    return "|".join([cells.get(name, "") for name in HEADER]) + "|"


@pytest.fixture
def annuaire(tmp_path: Path) -> Path:
    def person(rpps: str, name: str, profession: str, skill: str = "", **more: str) -> str:
        return professional(
            **{
                "Identification nationale PP": "8" + rpps,
                "Nom d'exercice": name,
                "Prénom d'exercice": "Alix",
                "Code profession": profession,
                "Code savoir-faire": skill,
                "Identifiant technique de la structure": "R" + rpps,
                "Code commune (coord. structure)": "97209",
            }
            | more
        )

    lines = [
        "|".join(HEADER) + "|",
        person("10000000001", "GENERALISTE", "10", "SM54", **{"Téléphone (coord. structure)": "0596000011"}),
        person("10000000001", "GENERALISTE", "10", "SM54"),
        person("10000000002", "CARDIOLOGUE", "10", "SM04"),
        person("10000000003", "INFIRMIERE", "60", **{"Téléphone (coord. structure)": "+596696000012"}),
        person(RPPS, "RETRAIT", "60"),
        person("10000000004", "PODOLOGUE", "80"),
        person("10000000005", "SANSLIEU", "60", **{"Code commune (coord. structure)": ""}),
        person("10000000006", "PARISIENNE", "60", **{"Code commune (coord. structure)": "75113"}),
    ]
    path = tmp_path / "PS_LibreAcces_Personne_activite_202609010800.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read(paths, territory, register=None):
    within = set(territory[0].loc[territory[0]["departement_code"] == "972", "insee_code"])
    return parse_resources(paths, *territory, register or new_register(), now=NOW, within=within)


def test_finess_gives_resources_and_counts_what_it_leaves(finess: Path, territory) -> None:
    resources, findings = read([finess], territory)
    table = resources.table.set_index("resource_id")
    assert table["kind"].to_dict() == {
        "FINESS-970200001": "hospital",
        "FINESS-970200002": "pharmacy",
        "FINESS-970200005": "cmp",
    }
    assert table["position_precision"].tolist() == ["exact", "commune", "commune"]
    assert table.loc["FINESS-970200001", ["longitude", "latitude"]].tolist() == pytest.approx([-61.08, 14.62], abs=0.01)
    assert table["phone"].tolist()[:2] == ["05 96 00 00 01", "05 96 00 00 02"]
    assert table.loc["FINESS-970200005", "mobile"] == "06 96 00 00 05"
    assert set(table["source"]) == {"FINESS, 2026-05-12"}
    assert set(table["updated_at"]) == {"2026-05-12"}
    assert set(table["status"]) == {"inconnu"}
    assert [finding.problem for finding in findings] == [
        "laissé de côté\u202f: 1 domicile privé",
        "laissé de côté\u202f: 1 établissement d’une catégorie qui n’est pas une ressource",
        "laissé de côté\u202f: 1 ligne hors du périmètre d’étude",
    ]
    assert "FICTIVE" not in " ".join(finding.problem for finding in findings)


def test_an_official_row_with_a_fault_is_left_out_and_said(finess: Path, territory) -> None:
    resources, findings = parse_resources([finess], *territory, new_register(), now=NOW)
    faults = [finding for finding in findings if finding.severity == "warning"]
    assert {finding.rule for finding in faults} == {"unit_unknown", "position_unknown"}
    assert all("FINESS-970200006 laissé de côté" in finding.problem for finding in faults)
    assert "FINESS-970200006" not in set(resources.table["resource_id"])


def test_professionals_are_placed_at_their_commune_and_objections_hold(annuaire: Path, territory) -> None:
    register = new_register().with_identifier(identifier(RPPS), date(2026, 1, 1))
    resources, _findings = read([annuaire], territory, register)
    table = resources.table.set_index("name")
    assert table["kind"].to_dict() == {
        "Alix GENERALISTE": "general_practitioner",
        "Alix CARDIOLOGUE": "specialist",
        "Alix INFIRMIERE": "nurse",
        "Alix PODOLOGUE": "other_professional",
    }
    assert set(table["position_precision"]) == {"commune"}
    assert table.loc["Alix INFIRMIERE", "mobile"] == "06 96 00 00 12"
    assert pd.isna(table.loc["Alix INFIRMIERE", "phone"])
    assert set(table["updated_at"]) == {"2026-09-01"}
    assert resources.withdrawn == 1
    assert "10000000001" not in resources.table.to_csv()
    assert read([annuaire], territory, register)[0].table.equals(resources.table)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {},
        {"Identifiant technique de la structure": "R2", "Code commune (coord. structure)": "97213"},
        {"Identifiant technique de la structure": "R3", "Code commune (coord. structure)": "75113"},
    ],
    ids=["same site", "another site", "outside the scope"],
)
@pytest.mark.parametrize("first", [False, True])
def test_an_objection_by_mail_on_one_activity_takes_the_person_away(
    tmp_path: Path, territory, elsewhere: dict[str, str], first: bool
) -> None:
    person = {
        "Identification nationale PP": "810000000009",
        "Nom d'exercice": "RETRAIT",
        "Prénom d'exercice": "Camille",
        "Code profession": "60",
        "Identifiant technique de la structure": "R1",
        "Code commune (coord. structure)": "97209",
    }
    other = person | {"Identification nationale PP": "0972000019", "Nom d'exercice": "RESTANTE"}
    lines = [professional(**person), professional(**person | elsewhere | EMAIL)]
    path = tmp_path / "PS_LibreAcces_Personne_activite_202609010800.txt"
    path.write_text("\n".join(["|".join(HEADER) + "|", *lines[:: -1 if first else 1], professional(**other)]) + "\n")
    register = new_register().with_identifier(identifier("c.retrait@example.org"), date(2026, 1, 1))
    resources, findings = read([path], territory, register)
    assert resources.table["name"].tolist() == ["Camille RESTANTE"]
    assert "camille retrait" in resources.withheld.names
    assert {finding.severity for finding in findings} == {"info"}


def test_files_are_known_by_their_content(finess: Path, annuaire: Path, tmp_path: Path, shared: Path) -> None:
    assert recognised(finess) == "finess"
    assert recognised(annuaire) == "annuaire_sante"
    assert recognised(shared / "finess" / "finess-structures-extrait-20260309.json") == "finess_plus"
    assert recognised(shared / "sae" / "IMAGES_2023r.csv") == "sae"
    assert recognised(shared / "sae" / "ID_2023r.csv") == "sae"
    (tmp_path / "r.csv").write_text("resource_id,kind,name,insee_code\n")
    assert recognised(tmp_path / "r.csv") is None
    assert recognised(tmp_path / "absent.csv") is None


@pytest.mark.real_data
def test_real_finess_plus(shared: Path, territory) -> None:
    path = shared / "finess" / "finess-structures-extrait-20260309.json"
    (row,) = read_resources([path], *territory, new_register(), now=NOW).table.to_dict("records")
    assert (row["kind"], row["name"], row["insee_code"]) == ("hospital", "CLINIQUE DOCTEUR CONVERT", "01053")
    assert (row["position_precision"], row["updated_at"]) == ("exact", "2026-03-09")


@pytest.mark.real_data
def test_real_sae_equipment_of_martinique(shared: Path, territory, finess: Path) -> None:
    sae = [shared / "sae" / name for name in ("ID_2023r.csv", "IMAGES_2023r.csv", "URGENCES_2023r.csv")]
    table = read(sae, territory)[0].table
    counts = table["kind"].value_counts().to_dict()
    images = pd.read_csv(sae[1], sep=";", encoding="latin-1", dtype="str")
    sites = pd.read_csv(sae[0], sep=";", encoding="latin-1", dtype="str").query("COMINSEE.str.startswith('9B')")
    here = images[images["FI"].isin(sites["fi"])]
    assert counts["scanner"] == (here["EQUIPIMA"] == "SCAN").sum()
    assert counts["mri"] == (here["EQUIPIMA"] == "IRM").sum()
    assert set(table["updated_at"]) == {"2023-12-31"}
    assert table["insee_code"].str.startswith("972").all()
    with pytest.raises(DataError, match="ne dit pas où sont ses établissements"):
        read([sae[1]], territory)
    with pytest.raises(DataError, match="ne nomme aucune ressource"):
        read([sae[0], shared / "sae" / "PSY_2023r.csv"], territory)


@pytest.mark.real_data
def test_equipment_stands_where_finess_puts_its_establishment(shared: Path, territory, tmp_path: Path) -> None:
    (tmp_path / "ID_2023r.csv").write_text("bor;an;fi;rs;COMINSEE;ARMT\nID;2023;970200001;CHU;9B209;\n")
    (tmp_path / "IMAGES_2023r.csv").write_text("BOR;AN;FI;RS;FI_EJ;EQUIPIMA;NB\nIMAGES;2023;970200001;CHU;9;IRM;2\n")
    rows = (
        "resource_id,kind,name,insee_code,longitude,latitude,finess_et\nH,hospital,CHU,97209,-61.05,14.61,970200001\n"
    )
    (tmp_path / "h.csv").write_text(rows)
    table = read([tmp_path / name for name in ("h.csv", "IMAGES_2023r.csv", "ID_2023r.csv")], territory)[0].table
    mri = table.set_index("resource_id").loc["SAE-970200001-IRM"]
    assert mri[["longitude", "latitude", "position_precision", "capacity"]].tolist() == [-61.05, 14.61, "exact", 2]
