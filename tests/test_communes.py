"""Units and populations: every layout, every impossible value, and what the embedded table completes."""

from __future__ import annotations

import pandas as pd
import pytest

from cptsgeo.communes import (
    COLUMNS,
    embedded_communes,
    parse_communes,
    read_communes,
    read_density,
    with_density,
)
from cptsgeo.errors import DataError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, text, **options):
    return read_communes([write(tmp_path / "c.csv", text)], **options)


def test_the_embedded_table_is_whole_and_a_copy():
    table = embedded_communes()
    assert list(table.columns) == list(COLUMNS)
    assert (len(table), table["population"].sum()) == (34_917, 68_350_798)
    assert table["insee_code"].is_monotonic_increasing
    table["population"] = 0
    assert read_communes()["population"].sum() == 68_350_798


def test_what_a_file_lacks_comes_from_the_embedded_table(tmp_path):
    table = read(tmp_path, "codgeo;pmun\n01004;10\n01001;5\n01999;1\n", population_year=2020).set_index("insee_code")
    assert table.index.tolist() == ["01001", "01004", "01999"]
    assert table["name"].tolist() == ["L'Abergement-Clémenciat", "Ambérieu-en-Bugey", "01999"]
    assert table["departement_name"].tolist() == ["Ain"] * 3
    assert table["region_code"].tolist() == ["84"] * 3
    assert table.loc["01004", "epci_siren"] == "240100883"
    assert pd.isna(table.loc["01999", "epci_siren"])
    assert table["population"].tolist() == [5, 10, 1]
    assert table["population_year"].tolist() == [2020] * 3


def test_what_a_file_says_wins(tmp_path):
    text = "insee_code,name,population,population_year,epci_siren,density_level\n97201,Nom,5,2015,200000001,3\n97202,,6,,,\n"
    table = read(tmp_path, text, population_year=2020).set_index("insee_code")
    columns = ["name", "population_year", "epci_siren", "density_level"]
    assert table.loc["97201", columns].tolist() == ["Nom", 2015, "200000001", 3]
    assert table.loc["97202", ["name", "population_year", "density_level"]].tolist() == ["Les Anses-d'Arlet", 2020, 6]
    assert pd.isna(table.loc["97202", "epci_siren"])


def test_several_files_are_put_end_to_end(tmp_path):
    one = write(tmp_path / "1.csv", "insee_code,name,population,epci_siren\n01001,Nom,5,200000001\n")
    other = write(tmp_path / "2.csv", "insee_code,population\n01004,6\n")
    table = read_communes([other, one], population_year=2023).set_index("insee_code")
    assert table["population"].to_dict() == {"01001": 5, "01004": 6}
    assert table["name"].to_dict() == {"01001": "Nom", "01004": "Ambérieu-en-Bugey"}
    assert table["epci_siren"].to_dict() == {"01001": "200000001", "01004": "240100883"}


def test_a_unit_in_two_files_is_repeated(tmp_path):
    one = write(tmp_path / "1.csv", "insee_code,population\n01001,5\n")
    other = write(tmp_path / "2.csv", "insee_code,population\n01001,5\n")
    with pytest.raises(DataError, match=r"2\.csv, ligne 2, colonne insee_code.: 01001 est présent plusieurs fois"):
        read_communes([one, other])


def test_the_year_is_asked_for_when_nobody_says_it(tmp_path):
    table, findings = parse_communes([write(tmp_path / "c.csv", "insee_code,population\n01001,5\n")])
    assert [(finding.rule, finding.severity) for finding in findings] == [("population_year_unknown", "warning")]
    assert "--population-year" in findings[0].fix
    assert table["population_year"].isna().all()


@pytest.mark.parametrize(
    "value",
    [
        *["1 234", "1\u202f234", "1,234", "1.5", "1e3", "1,23E+05", "1.23E+05", "-5", "+5", "x", "inf", "nan", "NaN"],
        *["True", "0x10", "1_000", "99999999999999999999", "1e30", "١٢", "12 hab."],
    ],
)
def test_a_population_is_a_whole_number(tmp_path, value):
    with pytest.raises(DataError) as refused:
        read(tmp_path, f"insee_code;population\n01002;3\n01001;{value}\n")
    assert refused.value.where == "c.csv, ligne 3, colonne population"
    assert refused.value.problem == f"la population de 01001 n’est pas un nombre d’habitants\u202f: {value}"
    assert "nombre entier" in refused.value.fix


@pytest.mark.parametrize(("value", "expected"), [("0", 0), ("12", 12), ("1234.0", 1234), ("2103778", 2_103_778)])
def test_whole_numbers_are_read(tmp_path, value, expected):
    assert read(tmp_path, f"insee_code;population\n01001;{value}\n")["population"].tolist() == [expected]


def test_a_missing_population_is_not_zero(tmp_path):
    with pytest.raises(DataError, match=r"la population de 01001 manque"):
        read(tmp_path, "insee_code;population\n01001;\n")


@pytest.mark.parametrize(
    ("column", "value"),
    [("population_year", "x"), ("population_year", "2023.5"), ("population_year", "20233")]
    + [("density_level", value) for value in ("Bourgs ruraux", "3.5", "0", "8")],
)
def test_no_optional_cell_is_dropped_in_silence(tmp_path, column, value):
    with pytest.raises(DataError, match=f"ligne 2, colonne {column}.: {value} ne peut pas être lu"):
        read(tmp_path, f"insee_code;population;{column}\n01001;3;{value}\n")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1001", "perdu son zéro initial (01001)"),
        ("1001.0", "1001.0 est un nombre décimal"),
        ("13055,0", "est un nombre décimal"),
        ("2a004", "2a004 n’est pas un code INSEE"),
        ("01 001", "01 001 n’est pas un code INSEE"),
        ("20004", "20004 n’est pas un code INSEE"),
        ("00001", "n’est pas un code INSEE"),
        ("99101", "n’est pas un code INSEE"),
        ("971101", "n’est pas un code INSEE"),
        ("٠١٠٠١", "n’est pas un code INSEE"),
        ("", "le code INSEE manque"),
    ],
)
def test_codes_are_never_repaired(tmp_path, code, words):
    with pytest.raises(DataError) as refused:
        read(tmp_path, f'insee_code;population\n01002;3\n"{code}";5\n')
    assert refused.value.where == "c.csv, ligne 3, colonne insee_code"
    assert words in refused.value.problem


def test_every_error_at_once(tmp_path):
    with pytest.raises(DataError) as refused:
        read(tmp_path, "insee_code,population\n1001,5\n01002,-1\n01003,\n01004,7\n01004,8\n")
    assert [(finding.rule, finding.row) for finding in refused.value.findings] == [
        ("code_lost_zero", 2),
        ("population_wrong", 3),
        ("population_wrong", 4),
        ("unit_repeated", 6),
    ]
    assert "4 erreurs dans les données" in str(refused.value)


def test_a_whole_city_becomes_its_arrondissements_when_they_sum_to_it(tmp_path):
    table = read(tmp_path, "insee_code,name,population\n13055,Marseille,886040\n13001,Aix,3\n", population_year=2023)
    assert table["insee_code"].tolist() == ["13001", *map(str, range(13201, 13217))]
    assert table["population"].sum() == 886_043
    assert table.loc[1, "name"] == "Marseille 1er Arrondissement"


def test_a_whole_city_of_another_census_is_refused(tmp_path):
    with pytest.raises(DataError) as refused:
        read(tmp_path, "insee_code,name,population\n13001,Aix,3\n13055,Marseille,870731\n")
    assert refused.value.where == "c.csv, ligne 3, colonne insee_code"
    assert "13201" in refused.value.fix
    assert "13216" in refused.value.fix


def test_overseas_codes_and_corsica(tmp_path):
    table = read(tmp_path, "insee_code,population\n2A004,5\n97101,6\n97608,7\n97502,8\n").set_index("insee_code")
    assert table["departement_code"].tolist() == ["2A", "971", "975", "976"]
    assert table["region_name"].isna().tolist() == [False, False, True, False]


DENSITY = "code;libdens\n{rows}"


def test_density_is_read_from_its_label(tmp_path):
    rows = "97201;Ceintures urbaines\n97202;RURAL A HABITAT TRES DISPERSE\n13055;Grands centres urbains\n"
    density = read_density(write(tmp_path / "d.csv", DENSITY.format(rows=rows)))
    assert density["97201"] == 4
    assert density["97202"] == 7
    assert "13055" not in density.index
    assert density.loc[[str(code) for code in range(13201, 13217)]].tolist() == [1] * 16


def test_a_number_is_a_level_only_in_the_column_of_that_name(tmp_path):
    assert read_density(write(tmp_path / "d.csv", "insee_code,density_level\n97201,3\n"))["97201"] == 3
    with pytest.raises(DataError, match=r"ligne 2.*3 n’est pas un niveau de densité"):
        read_density(write(tmp_path / "e.csv", "insee_code,niveau_densite\n97201,3\n"))


def test_density_errors_come_together(tmp_path):
    rows = "97201;Village\n1001;Petites villes\n97203;Petites villes\n97203;Petites villes\n97204;\n"
    with pytest.raises(DataError) as refused:
        read_density(write(tmp_path / "d.csv", DENSITY.format(rows=rows)))
    assert sorted((finding.rule, finding.row) for finding in refused.value.findings) == [
        ("code_lost_zero", 3),
        ("density_unknown", 2),
        ("density_unknown", 6),
        ("unit_repeated", 5),
    ]


def test_a_unit_that_the_density_file_lacks_has_none(toy_communes, tmp_path):
    density = read_density(write(tmp_path / "d.csv", DENSITY.format(rows="04901;Petites villes\n")))
    levels = with_density(toy_communes, density).set_index("name")["density_level"]
    assert levels["A"] == 3
    assert levels.drop("A").isna().all()
    assert toy_communes["density_level"].notna().sum() == 9
