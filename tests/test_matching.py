"""Names to codes: the traps one by one, then the whole country in ten noisy ways."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.codes import CITY_OF_ARRONDISSEMENT
from cptsgeo.communes import embedded_communes
from cptsgeo.matching import Matches, gazetteer, match, with_areas
from cptsgeo.names import commune_keys, repair
from cptsgeo.tabular import TextTable
from tests.noisy_names import WAYS, noisy


@pytest.fixture(scope="module")
def names() -> pd.DataFrame:
    return gazetteer(embedded_communes())


def one(names: pd.DataFrame, name: str, departement: str = "", region: str = "", cpts: str = "") -> Matches:
    rows = pd.DataFrame(
        {"name": [name], "departement_code": [departement], "region_code": [region], "cpts_name": [cpts]}
    )
    return match(rows, names)


@pytest.mark.parametrize(
    ("text", "departement", "code"),
    [
        ("L'Haÿ-les-Roses", "94", "94038"),
        ("LHAY LES ROSES", "94", "94038"),
        ("Haÿ les Roses (L')", "94", "94038"),
        ("Mans (Le)", "72", "72181"),
        ("le mans", "72", "72181"),
        ("St-Rémy-sur-Avre", "28", "28359"),
        ("ST REMY S/ AVRE", "28", "28359"),
        ("Saint-Remy/Avre", "28", "28359"),
        ("STE MAXIME", "83", "83115"),
        ("SainteMaxime", "83", "83115"),
        ("Les Baux de Provence", "13", "13011"),
        ("Baux-de-Provence, Les", "13", "13011"),
        ("BÃ©ziers", "34", "34032"),
        ("B├®ziers", "34", "34032"),
        ("B?ziers", "34", "34032"),
        ("B\ufffdziers", "34", "34032"),
        ("S\x9cur", "41", None),
        ("Scœur", "41", None),
        ("Marseille 14e", "13", "13214"),
        ("MARSEILLE 14EME ARRONDISSEMENT", "13", "13214"),
        ("Marseille 01", "13", "13201"),
        ("Paris XIX", "75", "75119"),
        ("Paris 1er", "75", "75101"),
        ("Paris 21", "75", None),
        ("Lyon 3ème", "69", "69383"),
        ("Marseille", "13", "13055"),
        ("Fort de France Cedex", "972", "97209"),
        ("Saint-Denis (93)", "", "93066"),
        ("Bors (Canton de Charente-Sud)", "16", "16053"),
        ("Bors", "16", None),
        ("Vergne", "17", None),
        ("Vergné", "17", "17464"),
        ("La Vergne", "17", "17465"),
        ("Cayene", "973", None),
        ("Saint-Denis", "", None),
        ("", "13", None),
        ("???", "13", None),
    ],
)
def test_one_name(names: pd.DataFrame, text: str, departement: str, code: str | None) -> None:
    found, left = one(names, text, departement)
    assert found["insee_code"].tolist() == ([code] if code else [])
    assert len(left) == (0 if code else 1)
    assert all(left["reason"])


def test_the_name_of_a_commune_elsewhere_is_proposed_and_never_taken(names: pd.DataFrame) -> None:
    left = one(names, "Aubagne", "84").unmatched.iloc[0]
    assert "ailleurs" in left["reason"]
    assert "13005 Aubagne (département 13)" in left["proposals"]


def test_proposals_are_ranked_with_their_likeness(names: pd.DataFrame) -> None:
    proposals = one(names, "Aubaigne", "13").unmatched["proposals"].iloc[0].split("; ")
    likeness = [int(text.rpartition("(")[2].split()[0]) for text in proposals if "%" in text]
    assert proposals[0].startswith("13005 Aubagne")
    assert likeness == sorted(likeness, reverse=True)


def test_homonyms_are_settled_by_the_communes_they_touch_or_left() -> None:
    units = pd.DataFrame(
        [
            ("Centre", "04901", "E1"),
            ("Bors (est)", "04902", "E1"),
            ("Bors (ouest)", "04903", "E2"),
            ("Loin", "04904", "E2"),
        ],
        columns=["name", "insee_code", "epci_siren"],
    ).assign(departement_code="04", region_code="93")
    rows = pd.DataFrame({"name": ["Centre", "Bors", "Bors"], "departement_code": "04", "cpts_name": ["a", "a", "b"]})
    touching = {"04901": frozenset({"04902"}), "04902": frozenset({"04901"}), "04903": frozenset({"04904"})}
    by_contact = match(rows, gazetteer(units), touching=touching)
    assert by_contact.matched[["insee_code", "method"]].to_numpy().tolist() == [
        ["04901", "exact"],
        ["04902", "contiguity"],
    ]
    assert by_contact.matched["alternatives"].tolist() == ["", "04903 Bors (ouest)"]
    assert by_contact.unmatched["proposals"].tolist() == ["04902 Bors (est); 04903 Bors (ouest)"]
    by_epci = match(rows, gazetteer(units))
    assert by_epci.matched["method"].tolist() == ["exact", "epci"]
    backwards = match(rows[::-1], gazetteer(units), touching=touching)
    assert backwards.matched.sort_index()["insee_code"].tolist() == ["04901", "04902"]


def test_old_names_and_parts_lead_to_the_commune_of_today() -> None:
    units = pd.DataFrame([("Annecy", "74010"), ("Cran", "74093")], columns=["name", "insee_code"]).assign(
        departement_code="74", region_code="84", epci_siren="E"
    )
    old = pd.DataFrame(
        [
            ("Seynod", "74010", "deleguee"),
            ("Cran", "74010", "deleguee"),
            ("Vieux", "74010", "former"),
            ("Vieux", "74093", "former"),
        ],
        columns=["name", "insee_code", "kind"],
    )
    rows = pd.DataFrame({"name": ["SEYNOD", "cran", "vieux"], "departement_code": "74"})
    found, left = match(rows, gazetteer(units, old))
    assert found[["insee_code", "method"]].to_numpy().tolist() == [["74010", "old_name"], ["74093", "exact"]]
    assert found["alternatives"].tolist() == ["", "74010 Cran"]
    assert left["name"].tolist() == ["vieux"]


def test_nothing_is_dropped_and_the_index_is_kept(names: pd.DataFrame) -> None:
    rows = pd.DataFrame({"name": ["Cayenne", "", "x", "Kourou"], "departement_code": "973"}, index=[9, 4, 7, 2])
    found, left = match(rows, names)
    assert found.index.tolist() == [9, 2]
    assert left.index.tolist() == [4, 7]


@given(st.text(max_size=40))
def test_any_text_has_keys_and_is_repaired_without_fail(text: str) -> None:
    assert all(commune_keys(text))
    assert commune_keys(text) == commune_keys(f"  {text} ")
    assert repair(repair(text)) == repair(text) or not text.isascii()


@given(
    st.sampled_from(sorted(embedded_communes()["name"])), st.sampled_from(["upper", "spaces", "decomposed", "blanks"])
)
def test_an_exact_key_survives_case_accents_and_blanks(name: str, way: str) -> None:
    assert commune_keys(WAYS[way](name, random.Random(1)))[0] == commune_keys(name)[0]


def test_areas_are_codes_or_names_and_wrong_ones_are_refused() -> None:
    communes = embedded_communes()
    rows = pd.DataFrame(
        {"name": ["a", "b", "c"], "departement": ["04", "Vaucluse", "2A - Corse-du-Sud"]}, index=[2, 3, 4]
    )
    table = TextTable("liste.csv", rows.astype("str"))
    assert with_areas(table, communes)["departement_code"].tolist() == ["04", "84", "2A"]
    wrong = TextTable("liste.csv", rows.assign(departement=["4", "84", "XX"]).astype("str"))
    with pytest.raises(Exception, match="ligne 4") as caught:
        with_areas(wrong, communes)
    assert "4 " in str(caught.value) or "« 4 »" in str(caught.value)


@pytest.mark.no_cover
def test_the_whole_country_in_ten_noisy_ways() -> None:
    """At least 99.5 % right, none wrong in silence, and 100,000 rows in under 20 s."""
    communes = embedded_communes()
    names = gazetteer(communes)
    official = pd.concat(
        [communes[~communes["insee_code"].isin(CITY_OF_ARRONDISSEMENT)], names[names["kind"] == "city"]],
        ignore_index=True,
    )
    assert len(official) == 34_875
    drawn = noisy(official["name"].tolist(), seed=6)[:100_000]
    rows = pd.DataFrame(
        {
            "name": [text for _position, _way, text in drawn],
            "departement_code": [official["departement_code"][position] for position, _way, _text in drawn],
        }
    )
    truth = pd.Series([official["insee_code"][position] for position, _way, _text in drawn])
    found, left = match(rows, names)
    right = found["insee_code"] == truth[found.index]
    assert right.sum() >= 0.995 * len(rows)
    assert not ((~right) & (found["alternatives"] == "")).any()
    assert len(found) + len(left) == len(rows)


@pytest.fixture
def ars_list(tmp_path: Path) -> Path:
    """A workbook as an ARS keeps it: a title, a header below, merged cells, columns that name people."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["CPTS de La Réunion au 1er janvier"])
    sheet.append([])
    sheet.append(["Nom de la CPTS", "Président(e)", "Adresse mail", "Téléphone", "Commune", "Département", "Statut"])
    sheet.append(["CPTS Nord", "Mme A. Payet", "a.payet@example.org", "0262 00 00 00", "ST DENIS", "974", "ACI signé"])
    sheet.append([None, None, None, None, "Sainte Marie", "974", "ACI signé"])
    sheet.append(["CPTS Est", "M. B. Hoarau", "b@example.org", "0692 11 22 33", "St-Benoit", "974", "ACI signé"])
    sheet.append([None, None, None, None, "Plaine des Palmistes (La)", "974", "ACI signé"])
    sheet.append([None, None, None, None, "Sint Andre", "974", "ACI signé"])
    sheet.merge_cells("A1:G1")
    sheet.merge_cells("A4:A5")
    sheet.merge_cells("A6:A8")
    path = tmp_path / "liste_ars.xlsx"
    book.save(path)
    return path


def test_the_command_writes_perimeters_and_what_is_left(
    ars_list: Path, run: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPTSGEO_DATA", str(tmp_path / "none"))
    result = run("match", ars_list, "-o", tmp_path / "perimetres.csv")
    assert result.code == 1
    assert "4 noms sur 5" in result.err
    written = pd.read_csv(tmp_path / "perimetres.csv", dtype="str")
    assert written[["cpts_name", "insee_code"]].to_numpy().tolist() == [
        ["CPTS Nord", "97411"],
        ["CPTS Nord", "97418"],
        ["CPTS Est", "97410"],
        ["CPTS Est", "97406"],
    ]
    left = pd.read_csv(tmp_path / "unmatched.csv", dtype="str")
    assert left["row"].tolist() == ["8"]
    assert left["proposals"].iloc[0].startswith("97409 Saint-André")
    people = "".join(path.read_text() for path in tmp_path.glob("*.csv")) + result.err + result.out
    assert not any(word in people for word in ("Payet", "Hoarau", "example.org", "0262", "0692"))
    coverage = run("sizes", "--perimeters", tmp_path / "perimetres.csv", "-f", "csv")
    assert coverage.code == 0
    assert "CPTS Est" in coverage.out
