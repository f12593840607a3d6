"""Perimeters: every layout of a list of CPTS, old codes, whole cities, and every contradiction."""

from __future__ import annotations

import pytest

from cptsgeo.communes import embedded_communes
from cptsgeo.errors import DataError, UsageError
from cptsgeo.perimeters import STAGES, parse_perimeters, parse_stages, read_perimeters, with_stages


@pytest.fixture(scope="module")
def france():
    return embedded_communes()


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def rules(findings):
    return [(finding.rule, finding.severity, finding.row) for finding in findings]


def parse(tmp_path, communes, text, cpts=None):
    files = {"cpts": write(tmp_path / "cpts.csv", cpts)} if cpts else {}
    return parse_perimeters(write(tmp_path / "l.csv", text), communes, **files)


def test_the_embedded_perimeters_are_the_default():
    perimeters = read_perimeters(None, embedded_communes())
    assert (len(perimeters.cpts), len(perimeters.membership)) == (7, 68)
    assert perimeters.membership["share"].eq(1).all()
    assert perimeters.cpts["stage"].notna().all()


@pytest.mark.parametrize(
    ("text", "identifier", "name"),
    [
        ("cpts_name,insee_code\nNord,01001\n", "Nord", "Nord"),
        ("nom_cpts;code_insee\nNord;01001\n", "Nord", "Nord"),
        ("cpts_id,insee_code\nn1,01001\n", "n1", "n1"),
        ("cpts_id,cpts_name,insee_code\nn1,Nord,01001\n", "n1", "Nord"),
        ("cpts_id,cpts_name,insee_code\nn1,,01001\n", "n1", "n1"),
        ("Identifiant;CPTS;Code INSEE\nn1;Nord;01001\n", "n1", "Nord"),
    ],
)
def test_a_long_list_names_cpts_by_identifier_or_name(tmp_path, france, text, identifier, name):
    perimeters, findings = parse(tmp_path, france, text)
    assert perimeters.cpts[["cpts_id", "cpts_name"]].to_numpy().tolist() == [[identifier, name]]
    assert perimeters.membership.to_numpy().tolist() == [[identifier, "01001", 1.0, "list"]]
    assert findings == []


@pytest.mark.parametrize(
    ("written", "stage"),
    [
        *[(stage, stage) for stage in STAGES],
        *[("ACI signé", "aci_signe"), ("aci", "aci_signe"), ("ACI SIGNÉE", "aci_signe")],
        *[("Lettre d’intention", "lettre_intention"), ("Lettre d'intention validée", "lettre_intention")],
        *[("Projet de santé validé", "projet_valide"), ("Pré-projet", "pre_projet")],
    ],
)
def test_stages_as_people_write_them(tmp_path, france, written, stage):
    perimeters, findings = parse(tmp_path, france, f"cpts_name,insee_code,stage\nNord,01001,{written}\n")
    assert perimeters.cpts["stage"].tolist() == [stage]
    assert perimeters.cpts["stage"].cat.ordered
    assert findings == []


@pytest.mark.parametrize("written", ["en rédaction", "ACI signé prévu", "inactif", "signé", "4", "non"])
def test_a_stage_is_never_guessed_from_part_of_a_word(tmp_path, france, written):
    with pytest.raises(DataError) as refused:
        read_perimeters(
            write(tmp_path / "l.csv", f"cpts_name,insee_code,stage\nA,01001,\nNord,01002,{written}\n"), france
        )
    assert refused.value.where == "l.csv, ligne 3, colonne stage"
    assert refused.value.problem == f"{written} n’est pas un stade de CPTS"
    assert "aci_signe" in refused.value.fix


def test_former_codes_become_today_s_and_are_told(tmp_path, france):
    perimeters, findings = parse(tmp_path, france, "cpts_name,insee_code\nA,05043\nA,05141\nA,05001\n")
    assert perimeters.membership["insee_code"].tolist() == ["05001", "05039"]
    assert rules(findings) == [
        ("code_recoded", "warning", 2),
        ("code_recoded", "warning", 3),
        ("membership_repeated", "warning", 3),
    ]
    assert findings[0].problem == "05043 est un code d’avant une fusion\u202f: lu comme 05039 (Aubessagne)"
    assert findings[0].value == "05043"


def test_a_city_code_expands_to_its_arrondissements(tmp_path, france):
    perimeters, findings = parse(tmp_path, france, "cpts_name,insee_code\nA,13055\nB,69123\nC,75056\n")
    assert perimeters.membership["cpts_id"].value_counts().to_dict() == {"A": 16, "B": 9, "C": 20}
    assert rules(findings) == [("city_expanded", "info", row) for row in (2, 3, 4)]
    assert findings[0].problem == "13055 est une ville entière\u202f: lue comme ses 16 arrondissements"


def test_unknown_codes_are_errors_with_their_rows(tmp_path, france):
    _perimeters, findings = parse(tmp_path, france, "cpts_name,insee_code\nA,01001\nA,01999\nB,98735\n")
    assert rules(findings) == [("code_unknown", "error", 3), ("code_unknown", "error", 4)]
    assert "ni une unité de la table des communes, ni un ancien code" in findings[0].problem


def test_a_former_code_shared_by_several_communes_is_not_chosen(tmp_path, france):
    from cptsgeo.cog import ambiguous_former_codes

    code = min(ambiguous_former_codes())
    _perimeters, findings = parse(tmp_path, france, f"cpts_name,insee_code\nA,{code}\n")
    assert rules(findings) == [("code_unknown", "error", 2)]
    assert "réparti entre plusieurs communes" in findings[0].problem


def test_a_repeated_row_counts_once_and_two_cpts_may_share_a_unit(tmp_path, france):
    perimeters, findings = parse(tmp_path, france, "cpts_name,insee_code\nA,01001\nA,01001\nB,01001\n")
    assert perimeters.membership["cpts_id"].tolist() == ["A", "B"]
    assert rules(findings) == [("membership_repeated", "warning", 3)]


@pytest.mark.parametrize("share", ["0", "-0.5", "1.01", "0,5", "50 %", "x", "nan", "inf"])
def test_a_share_is_above_nothing_and_up_to_the_whole(tmp_path, france, share):
    _perimeters, findings = parse(tmp_path, france, f"cpts_name;insee_code;share\nA;01001;1\nA;01002;{share}\n")
    assert rules(findings) == [("share_wrong", "error", 3)]
    assert share in findings[0].problem


def test_shares_are_kept(tmp_path, france):
    perimeters, _findings = parse(tmp_path, france, "cpts_name,insee_code,part\nA,01001,0.25\nA,01002,\n")
    assert perimeters.membership["share"].tolist() == [0.25, 1.0]


def test_a_row_without_cpts(tmp_path, france):
    _perimeters, findings = parse(tmp_path, france, "cpts_name,insee_code\n,01001\nA,01002\n")
    assert rules(findings) == [("cpts_missing", "error", 2)]
    assert findings[0].problem == "la ligne ne nomme aucune CPTS"


def test_cpts_apart_from_their_communes(tmp_path, france):
    cpts = "cpts_id,cpts_name,stage\nb,CPTS B,aci_signe\na,CPTS A,\nz,CPTS Z,pre_projet\n"
    perimeters, findings = parse(tmp_path, france, "cpts_id,insee_code\na,01001\nb,01002\n", cpts)
    assert perimeters.cpts["cpts_id"].tolist() == ["a", "b", "z"]
    assert perimeters.cpts["cpts_name"].tolist() == ["CPTS A", "CPTS B", "CPTS Z"]
    assert rules(findings) == [("cpts_without_units", "warning", None)]
    assert findings[0].problem == "CPTS Z n’a aucune unité\u202f: elle ne couvre personne"


def test_a_member_of_no_known_cpts(tmp_path, france):
    _perimeters, findings = parse(
        tmp_path, france, "cpts_id,insee_code\na,01001\nx,01002\n", "cpts_id,cpts_name\na,A\n"
    )
    assert rules(findings) == [("cpts_unknown", "error", 3)]
    assert findings[0].problem == "x n’est pas dans cpts.csv"


def test_rows_that_contradict_each_other(tmp_path, france):
    text = "cpts_id,cpts_name,insee_code,stage\na,A,01001,aci_signe\na,A,01002,pre_projet\n"
    _perimeters, findings = parse(tmp_path, france, text)
    assert rules(findings) == [("cpts_contradictory", "error", 3)]
    assert "A, ACI signé; A, Pré-projet" in findings[0].problem.replace("\u202f", "")


def test_neither_name_nor_identifier(tmp_path, france):
    with pytest.raises(DataError, match="cpts_name"):
        parse(tmp_path, france, "insee_code\n01001\n")


def test_hostile_names_are_data(tmp_path, france):
    name = "</script><img src=x onerror=alert(1)>${1}`{{x}}"
    perimeters, findings = parse(tmp_path, france, f'cpts_name,insee_code\n"{name}",01001\n')
    assert perimeters.cpts["cpts_name"].tolist() == [name]
    assert findings == []


def test_stages_that_are_kept(toy_perimeters):
    kept = with_stages(toy_perimeters, ["aci_signe", "unknown"])
    assert kept.cpts["cpts_id"].tolist() == ["alpha", "epsilon"]
    assert kept.membership["cpts_id"].unique().tolist() == ["alpha", "epsilon"]
    assert len(toy_perimeters.cpts) == 6


def test_the_list_of_stages():
    assert parse_stages(" projet_valide, aci_signe,") == ("projet_valide", "aci_signe")
    assert parse_stages("unknown") == ("unknown",)
    for text in ("aci", "aci_signe,signé", ","):
        with pytest.raises(UsageError, match="n’est pas un stade de CPTS") as refused:
            parse_stages(text)
        assert "projet_valide" in refused.value.fix
