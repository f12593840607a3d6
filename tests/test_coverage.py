"""Coverage on the toy territory, every figure computed by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from cptsgeo.coverage import DEFINITIONS, coverage, inhabitants, unit_coverage
from cptsgeo.crs import areas_km2
from cptsgeo.errors import UsageError
from cptsgeo.i18n import language
from cptsgeo.perimeters import STAGES, Perimeters, with_stages

TOTAL = 295_004
BY_DEFINITION = {
    # definition: population covered, units covered, population at unknown stage
    ("cumulative", "any"): (172_501, 7, 0),
    ("cumulative", "lettre_intention"): (110_000, 6, 50_001),
    ("cumulative", "projet_valide"): (85_000, 4, 50_001),
    ("cumulative", "aci_signe"): (40_000, 3, 50_001),
    ("exclusive", "pre_projet"): (12_500, 0, 0),
    ("exclusive", "lettre_intention"): (25_000, 2, 0),
    ("exclusive", "projet_valide"): (45_000, 1, 0),
    ("exclusive", "aci_signe"): (40_000, 3, 0),
    ("exclusive", "unknown"): (50_001, 1, 0),
}


def any_stage(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["counting"] == "cumulative") & (table["stage"] == "any")].set_index("code")


def test_every_definition_over_the_whole_scope(toy_communes, toy_perimeters):
    table = coverage(toy_communes, toy_perimeters)
    assert [(row.counting, row.stage) for row in table.itertuples()] == list(BY_DEFINITION)
    for row in table.itertuples():
        covered, units, unknown = BY_DEFINITION[row.counting, row.stage]
        assert (row.population_covered, row.units_covered, row.population_stage_unknown) == (covered, units, unknown)
        assert (row.population, row.units, row.units_outside_scope) == (TOTAL, 10, 0)
        assert row.coverage_rate == covered / TOTAL


def test_a_unit_in_two_cpts_counts_once_at_its_most_advanced_stage(toy_communes, toy_perimeters):
    unit = unit_coverage(toy_communes, toy_perimeters).set_index("name").loc["C"]
    assert (unit["cpts"], unit["cpts_count"], unit["stage"]) == ("CPTS alpha; CPTS beta", 2, "aci_signe")
    assert (unit["population_covered"], unit["population_white"]) == (1, 0)
    assert (unit["covered_projet_valide"], unit["covered_aci_signe"]) == (1, 1)


def test_shares_add_up_and_leave_the_rest_white(toy_communes, toy_perimeters):
    units = unit_coverage(toy_communes, toy_perimeters).set_index("name")
    assert units.loc["E", ["population_covered", "population_white"]].tolist() == [37_500, 12_500]
    assert units.loc["E", ["covered_pre_projet", "covered_lettre_intention"]].tolist() == [37_500, 25_000]
    assert units.loc["E", "stage"] == "lettre_intention"
    assert units.loc["G", ["population_covered", "population_white"]].tolist() == [50_001, 50_000]  # half of 100,001


def test_unknown_stage_covers_and_decides_no_threshold(toy_communes, toy_perimeters):
    unit = unit_coverage(toy_communes, toy_perimeters).set_index("name").loc["G"]
    assert unit["stage"] == "unknown"
    assert unit["covered_pre_projet"] == unit["covered_aci_signe"] == 0
    assert unit["undecided_pre_projet"] == unit["undecided_aci_signe"] == 50_001


def test_a_unit_in_no_cpts_is_white(toy_communes, toy_perimeters):
    units = unit_coverage(toy_communes, toy_perimeters).set_index("name")
    white = units[units["stage"] == "white_zone"]
    assert white.index.tolist() == ["H", "I", "J"]
    assert (white["population_white"] == white["population"]).all()
    assert white["cpts"].tolist() == ["", "", ""]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("region", {"84": (60_003, 0), "93": (235_001, 172_501)}),
        ("departement", {"04": (85_000, 85_000), "05": (150_001, 87_501), "26": (60_003, 0)}),
        (
            "epci",
            {
                "200000001": (40_000, 40_000),
                "200000002": (115_000, 82_500),
                "200000003": (100_004, 50_001),
                "none": (40_000, 0),
            },
        ),
    ],
)
def test_groups(toy_communes, toy_perimeters, by, expected):
    table = any_stage(coverage(toy_communes, toy_perimeters, by=by))
    assert {code: (row.population, row.population_covered) for code, row in table.iterrows()} == expected
    for code, (population, covered) in expected.items():
        assert table.loc[code, "coverage_rate"] == covered / population


def test_units_in_no_epci_are_named_so(toy_communes, toy_perimeters):
    assert any_stage(coverage(toy_communes, toy_perimeters, by="epci")).loc["none", "name"] == "hors EPCI"
    nowhere = toy_communes.assign(region_code=None, region_name=None)
    assert any_stage(coverage(nowhere, toy_perimeters, by="region"))["name"].tolist() == ["hors région"]


def test_the_rate_is_missing_where_nobody_lives(toy_communes, toy_perimeters):
    table = any_stage(coverage(toy_communes, toy_perimeters, by="unit"))
    assert table.loc["05902", ["population", "units_covered"]].tolist() == [0, 1]
    assert pd.isna(table.loc["05902", "coverage_rate"])
    assert table["coverage_rate"].isna().sum() == 1


def test_units_outside_the_scope_are_in_no_rate_and_are_counted(toy_communes, toy_perimeters):
    inside = ~toy_communes["name"].isin(["B", "H", "J"])
    table = any_stage(coverage(toy_communes, toy_perimeters, in_scope=inside, by="departement"))
    assert table["units_outside_scope"].to_dict() == {"04": 1, "05": 0, "26": 2}
    assert table.loc["04", ["population", "population_covered", "units"]].tolist() == [75_001, 75_001, 3]
    assert table.loc["26", ["population", "population_covered", "units"]].tolist() == [3, 0, 1]


def test_a_list_without_stages_has_no_row_by_stage(toy_communes, toy_perimeters):
    unknown = pd.Categorical([None] * len(toy_perimeters.cpts), categories=list(STAGES), ordered=True)
    cpts = toy_perimeters.cpts.assign(stage=unknown)
    table = coverage(toy_communes, Perimeters(cpts, toy_perimeters.membership))
    assert table["stage"].tolist() == ["any", "unknown"]
    assert table["population_covered"].tolist() == [172_501, 172_501]


def test_stages_that_count(toy_communes, toy_perimeters):
    table = any_stage(coverage(toy_communes, with_stages(toy_perimeters, ["projet_valide"])))
    assert table["population_covered"].tolist() == [45_001]
    table = any_stage(coverage(toy_communes, with_stages(toy_perimeters, ["unknown", "aci_signe"])))
    assert table["population_covered"].tolist() == [90_001]
    table = any_stage(coverage(toy_communes, with_stages(toy_perimeters, [])))
    assert table[["population_covered", "coverage_rate"]].to_numpy().tolist() == [[0, 0.0]]


def test_areas_of_what_is_drawn(toy_communes, toy_perimeters, toy_contours):
    areas = areas_km2(toy_contours)
    table = any_stage(coverage(toy_communes, toy_perimeters, by="departement", areas_km2=areas))
    assert table["area_km2"].round(6).to_dict() == {"04": 12.0, "05": 9.0, "26": 5.0}
    assert table["area_covered_km2"].round(6).to_dict() == {"04": 12.0, "05": 9.0, "26": 0.0}
    assert table["units_without_area"].sum() == 0


def test_unknown_areas_stay_missing(toy_communes, toy_perimeters, toy_contours):
    areas = areas_km2(toy_contours[~toy_contours["insee_code"].isin(["04901", "26901", "26902", "26903"])])
    table = any_stage(coverage(toy_communes, toy_perimeters, by="departement", areas_km2=areas))
    assert table["units_without_area"].to_dict() == {"04": 1, "05": 0, "26": 3}
    assert table.loc["04", ["area_km2", "area_covered_km2"]].round(6).tolist() == [9.0, 9.0]
    assert table.loc["26", ["area_km2", "area_covered_km2"]].isna().all()
    unit = any_stage(coverage(toy_communes, toy_perimeters, by="unit", areas_km2=areas))
    assert unit.loc["04901", ["area_km2", "area_covered_km2"]].isna().all()


def test_definitions_are_said_in_the_reader_s_language(toy_communes, toy_perimeters):
    assert coverage(toy_communes, toy_perimeters)["definition"].tolist()[3] == "dans une CPTS dont l’ACI est signé"
    with language("en"):
        english = coverage(toy_communes, toy_perimeters)["definition"].tolist()
    assert english == [definition.label for definition in DEFINITIONS]


def test_arguments_stay_as_they_were(toy_communes, toy_perimeters):
    before = toy_communes.copy(), toy_perimeters.cpts.copy(), toy_perimeters.membership.copy()
    coverage(toy_communes, toy_perimeters, by="unit")
    pd.testing.assert_frame_equal(toy_communes, before[0])
    pd.testing.assert_frame_equal(toy_perimeters.cpts, before[1])
    pd.testing.assert_frame_equal(toy_perimeters.membership, before[2])


def test_another_level_is_refused(toy_communes, toy_perimeters):
    with pytest.raises(UsageError, match="'commune' n’est pas un niveau de résultats") as refused:
        coverage(toy_communes, toy_perimeters, by="commune")
    assert refused.value.where == "--by"
    assert "scope, region, departement, epci, unit" in refused.value.fix


@pytest.mark.parametrize(
    ("population", "share", "expected"),
    [(3, 0.5, 2), (5, 0.5, 3), (10, 0.35, 4), (100, 0.29, 29), (1, 0.4, 0), (1, 0.6, 1), (7, 1.0, 7), (0, 1.0, 0)],
)
def test_halves_are_rounded_up(population, share, expected):
    assert inhabitants(pd.Series([population]), pd.Series([share])).tolist() == [expected]
