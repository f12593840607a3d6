"""Codes of result tables in words: none forgotten, files keep the codes."""

from __future__ import annotations

import pandas as pd
import pytest

from cptsgeo.columns import COLUMNS
from cptsgeo.export import to_text
from cptsgeo.i18n import language
from cptsgeo.snapshots import PARTS
from cptsgeo.white_zones import RELATIONS
from cptsgeo.words import LISTS, NAMED, WORDS, in_words


def test_only_columns_of_text_have_words():
    assert all(COLUMNS[name].kind == "text" for name in {*WORDS, *NAMED, *LISTS})


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_code_has_its_own_words(lang):
    """Two codes of one column that read the same could not be told apart; group and density_group never meet."""
    with language(lang):
        for column, words in WORDS.items():
            said = [
                in_words(code, column)
                for code in words
                if (column, code) not in {("split", "group"), ("split", "level")}
            ]
            assert len(set(said)) == len(said)


def test_the_codes_of_the_modules_are_all_there():
    assert set(RELATIONS) == set(WORDS["relation"])
    assert {*PARTS, "before", "after"} == set(WORDS["cause"])


def test_a_table_for_people_is_in_french_and_a_file_in_codes():
    table = pd.DataFrame(
        {"split": ["epci"], "relation": ["bridge"], "compactness": [0.2179], "need_missing": ["apl; zoning"]}
    )
    told = to_text(table, "table").splitlines()[-1].split("  ")
    assert [cell.strip() for cell in told if cell.strip()] == [
        "EPCI",
        "de part et d’autre d’un vide",
        "0,22",
        "APL\u202f; Zonage de l’ARS",
    ]
    assert to_text(table, "csv").splitlines()[-1] == "epci,bridge,0.2179,apl; zoning"


def test_what_is_no_code_stays_as_it_is():
    assert in_words("extend", "name") == "extend"
    assert in_words("PLUTO", "action") == "PLUTO"
