"""Names in several spellings, INSEE codes, former codes, metric CRS, dated parameters."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from cptsgeo.codes import departement_of, explain_bad_code, is_insee_code
from cptsgeo.cog import ambiguous_former_codes, former_codes, recode
from cptsgeo.communes import embedded_communes
from cptsgeo.crs import areas_km2, by_territory, metric_crs, require_crs
from cptsgeo.errors import DataError, UsageError
from cptsgeo.i18n import language
from cptsgeo.names import fold, key_words, spellings
from cptsgeo.parameters import in_force, labels, parameters


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Cœur de l'Hérault ", "coeur de l herault"),
        ("ÆGIDE", "aegide"),
        ("Saint-Étienne-du-Rouvray", "saint etienne du rouvray"),
        ("E\u0301tang", "etang"),
        ("code_insee", "code_insee"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded


def test_link_words_do_not_tell_cpts_apart():
    assert key_words("CPTS du Gapençais") == key_words("Communauté professionnelle territoriale de santé Gapençais")
    assert key_words("CPTS Nice 1") != key_words("CPTS Nice 2")


@pytest.mark.parametrize(
    ("one", "other", "pair"),
    [
        ("CPTS Gapençais", "CPTS du Gapençais", True),
        ("CPTS Ouest-Étang", "CPTS OUEST ETANG", True),
        ("CPTS Haute Durance", "CPTS Haute-Durrance", True),
        ("CPTS Nice 1", "CPTS Nice 2", False),
        ("CPTS Nice Nord", "CPTS Nice Sud", False),
        ("CPTS Lyon 3", "CPTS Lyon 3 6", False),
        ("CPTS Aix", "CPTS Arles", False),
    ],
)
def test_spellings_are_suggested(one, other, pair):
    assert spellings([other, one, one]) == ([tuple(sorted((one, other)))] if pair else [])


def test_departement_of_every_unit_is_that_of_its_row():
    units = embedded_communes()
    assert units["insee_code"].map(is_insee_code).all()
    assert (units["insee_code"].map(departement_of) == units["departement_code"]).all()


@pytest.mark.parametrize(
    "text", ["1001", "010010", "20004", "2C001", "96001", "00001", "99001", "0100A", " 01001", "01001\n"]
)
def test_what_is_no_code(text):
    assert not is_insee_code(text)


def test_a_bad_code_is_explained_and_never_repaired():
    assert (
        explain_bad_code("1001")[1]
        == "1001 n’a que quatre chiffres\u202f: il a sans doute perdu son zéro initial (01001)"
    )
    assert explain_bad_code("1001.0")[0] == explain_bad_code("1001,0")[0] == "code_float"
    assert explain_bad_code("Ajaccio")[0] == "code_malformed"


def test_recode_keeps_index_and_says_what_it_changed():
    codes = pd.Series(["05043", "13201", "99999", "05001"], index=[7, 3, 5, 1])
    new, changes = recode(codes, embedded_communes()["insee_code"])
    assert new.to_dict() == {7: "05039", 3: "13201", 5: "99999", 1: "05001"}
    assert changes.to_dict("index") == {7: {"former_code": "05043", "insee_code": "05039"}}
    assert codes.tolist() == ["05043", "13201", "99999", "05001"]


def test_a_code_of_the_user_s_own_table_is_not_recoded():
    new, changes = recode(pd.Series(["05043"]), pd.Series(["05043", "05039"]))
    assert new.tolist() == ["05043"]
    assert changes.empty


def test_former_codes_lead_to_today_and_ambiguous_ones_nowhere():
    former = former_codes()
    assert set(former) <= set(embedded_communes()["insee_code"])
    assert not set(former.index) & ambiguous_former_codes()


@pytest.mark.parametrize(
    ("code", "epsg"),
    [
        ("01001", 2154),
        ("2A004", 2154),
        ("97101", 5490),
        ("97201", 5490),
        ("97302", 2972),
        ("97401", 2975),
        ("97608", 4471),
    ],
)
def test_each_territory_is_measured_in_its_own_crs(code, epsg):
    assert metric_crs(code) == epsg


def test_areas_are_those_of_the_drawing(toy_contours, toy_communes):
    areas = areas_km2(toy_contours)
    by_name = toy_communes.set_index("insee_code")["name"]
    squares = {by_name[code]: round(area, 6) for code, area in areas.items()}
    assert squares == {"A": 3, "B": 3, "C": 3, "D": 3, "E": 3, "F": 3, "G": 3, "H": 2, "I": 1, "J": 2}
    assert areas_km2(toy_contours.iloc[:0]).empty
    assert list(by_territory(toy_contours)) == [2154]


def test_a_layer_without_crs_is_refused(toy_contours):
    with pytest.raises(DataError, match="système de coordonnées"):
        require_crs(toy_contours.set_crs(None, allow_override=True))
    with pytest.raises(DataError, match="système de coordonnées"):
        areas_km2(toy_contours.set_crs(None, allow_override=True))


def test_the_edition_in_force():
    assert in_force("size_classes")["upper_bounds"] == [40_000, 80_000, 175_000]
    assert in_force("size_classes", date(2019, 6, 20))["valid_from"] == date(2019, 6, 20)
    with pytest.raises(UsageError, match="size_classes"):
        in_force("size_classes", date(2019, 6, 19))


def test_every_parameter_has_both_languages_and_words_that_fold_to_themselves():
    for name in ("stages", "density", "density_groups", "enclaves"):
        french = labels(name)
        with language("en"):
            english = labels(name)
        assert french.keys() == english.keys()
        assert all(french.values())
        assert all(english.values())
    for entry in [*parameters("stages")["stage"], *parameters("density")["level"]]:
        assert [fold(word) for word in entry["words"]] == entry["words"]
        assert fold(entry["fr"]) in entry["words"]
