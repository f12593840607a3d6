"""White zones of the toy territory, and how their density splits."""

from __future__ import annotations

import pandas as pd
import pytest

from cptsgeo.coverage import coverage
from cptsgeo.i18n import language
from cptsgeo.perimeters import Perimeters, with_stages
from cptsgeo.white_zones import density_group, density_label, white_zones, white_zones_by_density


def test_white_zones_from_the_most_populous(toy_communes, toy_perimeters):
    table = white_zones(toy_communes, toy_perimeters)
    assert table[["name", "population", "population_white"]].to_numpy().tolist() == [
        ["G", 100_001, 50_000],
        ["J", 40_000, 40_000],
        ["H", 20_000, 20_000],
        ["E", 50_000, 12_500],
        ["I", 3, 3],
    ]
    covered = coverage(toy_communes, toy_perimeters)["population_covered"].iloc[0]
    assert table["population_white"].sum() + covered == toy_communes["population"].sum()


def test_density_of_each_white_zone(toy_communes, toy_perimeters):
    table = white_zones(toy_communes, toy_perimeters).set_index("name")
    assert table["density_group"].to_dict() == {
        "G": "urbain_dense",
        "J": "rural",
        "H": "rural",
        "E": "urbain_intermediaire",
        "I": "unknown",
    }
    assert table["density_label"].to_dict() == {
        "G": "Grands centres urbains",
        "J": "Bourgs ruraux",
        "H": "Bourgs ruraux",
        "E": "Ceintures urbaines",
        "I": "densité inconnue",
    }


def test_an_uninhabited_unit_in_no_cpts_is_white(toy_communes, toy_perimeters):
    members = toy_perimeters.membership[toy_perimeters.membership["insee_code"] != "05902"]
    table = white_zones(toy_communes, Perimeters(toy_perimeters.cpts, members)).set_index("name")
    assert table.loc["F", "population_white"] == 0


def test_stages_widen_the_white_zones(toy_communes, toy_perimeters):
    signed = white_zones(toy_communes, with_stages(toy_perimeters, ["aci_signe"]))
    assert sorted(signed["name"]) == list("DEFGHIJ")
    assert signed["population_white"].sum() == 255_004


def test_split_by_density(toy_communes, toy_perimeters):
    table = white_zones_by_density(toy_communes, toy_perimeters)
    groups = table[table["split"] == "group"].set_index("key")
    columns = ["units", "population", "units_white", "population_white"]
    assert groups[columns].T.to_dict("list") == {
        "urbain_dense": [2, 130_001, 0, 50_000],
        "urbain_intermediaire": [3, 104_999, 0, 12_500],
        "rural": [4, 60_001, 2, 60_000],
        "unknown": [1, 3, 1, 3],
    }
    assert groups.loc["rural", "share_of_white"] == 60_000 / 122_503
    assert groups.loc["rural", "white_rate"] == 60_000 / 60_001
    levels = table[table["split"] == "level"].set_index("key")
    assert levels.index.tolist() == [*"1234567", "unknown"]
    assert levels["population_white"].tolist() == [50_000, 0, 0, 12_500, 60_000, 0, 0, 3]
    for split in (groups, levels):
        assert split["share_of_white"].sum() == pytest.approx(1)
        assert split["population"].sum() == 295_004
    assert pd.isna(levels.loc["6", "white_rate"])  # F alone, where nobody lives
    assert levels.loc["7", "white_rate"] == 0


def test_no_share_where_nothing_is_white(toy_communes, toy_perimeters):
    covered = toy_communes[toy_communes["name"].isin(list("ABCD"))]
    table = white_zones_by_density(covered, toy_perimeters)
    assert table["share_of_white"].isna().all()
    assert white_zones(covered, toy_perimeters).empty


def test_labels_follow_the_language():
    levels = pd.Series([1, 4, None], dtype="Int64")
    assert density_label(levels).tolist() == ["Grands centres urbains", "Ceintures urbaines", "densité inconnue"]
    with language("en"):
        assert density_label(levels).tolist() == ["Large urban centres", "Urban belts", "unknown density"]
    assert density_group(levels).tolist() == ["urbain_dense", "urbain_intermediaire", "unknown"]
