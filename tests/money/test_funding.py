"""Money of the ACI: the grid, the study of November 2024, the toy territory by hand, and PACA."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import read_communes
from cptsgeo.contract import contract_years, payments
from cptsgeo.errors import UsageError
from cptsgeo.funding import LEVELS, annual_levels, funding, funding_by, grid, is_paid, summary
from cptsgeo.parameters import in_force
from cptsgeo.perimeters import parse_perimeters, read_perimeters
from cptsgeo.schemas import conform
from tests.money.money_toys import perimeters, towns

STUDY = pd.Series({1: 232, 2: 338, 3: 261, 4: 44})
STUDY_POPULATION = 67_800_000

TOWNS = {"04001": 30_000, "04002": 10_000, "05001": 25_000, "26001": 100_000, "26002": 80_000, "26003": 7}
STAGES = {"one": "aci_signe", "two": "aci_signe", "three": "projet_valide", "four": None, "five": "aci_signe"}
MEMBERS = [
    *[("one", "04001"), ("one", "04002")],
    *[("two", "04001", 0.5), ("two", "05001"), ("two", "26001", 0.5)],
    *[("three", "26001"), ("three", "26002")],
    ("four", "26002"),
]


def test_the_grid_gives_the_levels_and_the_published_total() -> None:
    levels = annual_levels([1, 2, 3, 4])
    assert levels["functioning"].tolist() == [50_000, 60_000, 75_000, 90_000]
    assert levels["fixed"].tolist() == [165_000, 215_000, 275_000, 330_000]
    assert levels["maximum"].tolist() == [287_500, 382_500, 487_500, 580_000]
    assert levels["maximum"].tolist() == in_force("aci")["published_maximum"]


def test_the_grid_of_2019_has_maxima_alone_and_the_rest_is_missing() -> None:
    levels = annual_levels([1, 2, 3, 4], on=date(2021, 12, 19))
    assert levels["maximum"].tolist() == [220_000, 287_000, 370_000, 450_000]
    assert levels[["functioning", "fixed"]].isna().all().all()
    assert annual_levels([1], on=date(2021, 12, 20))["maximum"].tolist() == [287_500]
    table = conform(grid(on=date(2020, 1, 1)), "funding_grid").set_index("part")
    assert table.loc["maximum", ["class_1", "class_4"]].tolist() == [220_000, 450_000]
    without = table.loc["maximum_without_unscheduled_care"]
    assert without[["class_1", "class_4"]].tolist() == [185_000, 380_000]
    assert without[["class_2", "class_3"]].isna().all(), "not published"
    assert without["mission_label"] == "Maximum sans soins non programmés"
    with pytest.raises(UsageError, match=r"n’a pas d’édition en vigueur"):
        annual_levels([1], on=date(2019, 6, 19))


def test_levels_keep_the_order_of_the_classes_and_a_missing_class_has_no_amount() -> None:
    levels = annual_levels(pd.Series([4, None, 1, 4], dtype="Int64"))
    assert levels["functioning"].tolist()[0::2] == [90_000, 50_000]
    assert levels.iloc[1].isna().all()
    assert len(levels) == 4


def test_the_whole_grid_is_written_item_by_item() -> None:
    table = conform(grid(), "funding_grid").set_index(["mission", "part"])
    assert table.loc[("access", "fixed"), ["class_1", "class_4"]].tolist() == [55_000, 110_000]
    assert table.loc[("crisis", "grave_crisis"), "class_3"] == 67_500
    assert len(table) == 14 + 3


def test_the_study_of_november_2024() -> None:
    table = summary(STUDY, population=STUDY_POPULATION, project_to=1000).set_index("level")
    assert table.loc["functioning", "euros"] == 55_415_000
    assert table.loc["fixed", "euros"] == 197_245_000
    assert [round(table.loc[level, "euros_per_cpts"]) for level in ("functioning", "fixed")] == [63_331, 225_423]
    assert [round(table.loc[level, "euros_per_inhabitant"], 2) for level in LEVELS] == [0.82, 2.91, 5.14]
    assert table.loc["fixed", "euros_over_years"] == 986_225_000  # "nearly 1 billion"
    assert table["cpts_count"].unique().tolist() == [875]


def test_the_study_of_november_2024_with_its_own_maximum_of_class_1() -> None:
    levels = annual_levels([1, 2, 3, 4])
    levels.loc[1, "maximum"] = 287_000
    table = summary(STUDY, population=STUDY_POPULATION, project_to=1000, levels=levels).set_index("level")
    assert table.loc["maximum", "euros"] == 348_626_500
    assert round(table.loc["maximum", "euros_per_cpts"]) == 398_430
    assert round(table.loc["maximum", "euros_per_inhabitant"], 2) == 5.14
    assert table.loc["maximum", "euros_over_years"] == 1_743_132_500  # "over 1.7 billion"
    assert 1.99e9 < table.loc["maximum", "euros_projected_over_years"] < 2e9  # "nearly 2 billion"
    ours = summary(STUDY, population=STUDY_POPULATION).set_index("level")
    assert ours.loc["maximum", "euros"] - table.loc["maximum", "euros"] == 232 * 500


def test_the_study_of_november_2024_fixed_part_of_access() -> None:
    access = grid().set_index(["mission", "part"]).loc[("access", "fixed")]
    assert sum(access[f"class_{size}"] * count for size, count in STUDY.items()) == 64_750_000


def test_the_split_of_the_study_is_the_only_one() -> None:
    """Three totals and 875 CPTS leave one split in whole CPTS: a brute force over the classes finds it alone."""
    levels = annual_levels([1, 2, 3, 4])
    levels.loc[1, "maximum"] = 287_000
    found = []
    for four in range(876):
        for three in range(876 - four):
            rest = 55_415_000 - 90_000 * four - 75_000 * three
            count = 875 - four - three
            two = (rest - 50_000 * count) / 10_000
            if two != int(two) or not 0 <= two <= count:
                continue
            split = [count - int(two), int(two), three, four]
            fixed = sum(a * b for a, b in zip(split, levels["fixed"], strict=True))
            most = sum(a * b for a, b in zip(split, levels["maximum"], strict=True))
            if (fixed, most) == (197_245_000, 348_626_500):
                found.append(split)
    assert found == [[232, 338, 261, 44]]


def test_martinique_in_the_study_of_november_2024() -> None:
    table = summary(pd.Series({4: 1}), population=376_480)
    assert table["euros_per_inhabitant"].round(2).tolist() == [0.24, 0.88, 1.54]


def test_the_contradictions_of_the_study() -> None:
    assert pytest.approx(187_597, abs=1) == 1_151_846 / 6.14  # a tenth of the Rhône
    rhone = read_communes().query("departement_code == '69'")["population"].sum()
    assert 9.5 < rhone / (1_151_846 / 6.14) < 10.5


def test_funding_by_hand() -> None:
    table = conform(funding(towns(TOWNS), perimeters(STAGES, MEMBERS)), "funding").set_index("cpts_id")
    assert table["population"].to_dict() == {"one": 40_000, "two": 90_000, "three": 180_000, "four": 80_000, "five": 0}
    assert table["size_class"].dropna().to_dict() == {"one": 2, "two": 3, "three": 4, "four": 3}
    assert table["paid"].astype("object").fillna("?").to_dict() == {
        "one": True,
        "two": True,
        "three": False,
        "four": "?",
        "five": True,
    }
    assert table.loc["one", "maximum_per_inhabitant"] == 382_500 / 40_000
    assert table.loc["five", ["functioning", "fixed", "maximum", "fixed_per_inhabitant"]].isna().all()


def test_stage_decides_who_is_paid() -> None:
    stage = perimeters(STAGES, MEMBERS).cpts.set_index("cpts_id")["stage"]
    assert is_paid(stage, ["projet_valide", "unknown"])["four"]
    assert not is_paid(stage, ["projet_valide", "unknown"])["one"]
    assert is_paid(stage).isna().sum() == 1
    total = funding_by(towns(TOWNS), perimeters(STAGES, MEMBERS)).iloc[0]
    assert (total["cpts_count"], total["cpts_stage_unknown"]) == (2, 1)  # a CPTS without units is in no place
    assert total["maximum"] == 382_500 + 487_500
    assert total["maximum_stage_unknown"] == 487_500
    assert total["functioning"] == 60_000 + 75_000
    more = funding_by(towns(TOWNS), perimeters(STAGES, MEMBERS), paid_stages=["aci_signe", "unknown"]).iloc[0]
    assert (more["maximum"], more["cpts_stage_unknown"]) == (382_500 + 2 * 487_500, 0)


def test_funding_by_departement_goes_to_the_main_one_or_is_split() -> None:
    units, cpts = towns(TOWNS), perimeters(STAGES, MEMBERS)
    main = conform(funding_by(units, cpts, by="departement"), "funding_by").set_index("code")
    assert main["maximum"].to_dict() == {"04": 382_500, "05": 0, "26": 487_500}
    assert main.loc["26", "maximum_per_inhabitant"] == 487_500 / 180_007
    assert main.loc["04", "fixed_over_years"] == 5 * 215_000
    split = funding_by(units, cpts, by="departement", split=True).set_index("code")
    # two has 15,000 + 25,000 + 50,000 inhabitants: 1/6, 5/18 and 5/9 of 487,500 = 81,250, 135,416.67 and 270,833.33
    assert split["maximum"].to_dict() == {"04": 382_500 + 81_250, "05": 135_417, "26": 270_833}
    assert split["cpts_count"].to_dict() == {"04": 2, "05": 1, "26": 1}


def test_a_place_where_nobody_of_the_scope_lives_has_no_rate() -> None:
    units = towns(TOWNS)
    table = funding_by(units, perimeters(STAGES, MEMBERS), by="departement", in_scope=units["departement_code"] == "04")
    rest = table.set_index("code").loc["26"]
    assert rest["maximum"] == 487_500
    assert rest["population"] == 0
    assert math.isnan(rest["maximum_per_inhabitant"])


@settings(max_examples=6)
@given(
    st.lists(st.integers(0, 200_000), min_size=6, max_size=6),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(TOWNS))), max_size=12, unique=True),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_places_sum_to_the_whole_whatever_the_order(populations, members, random, split) -> None:
    units = towns(dict(zip(sorted(TOWNS), populations, strict=True)))
    cpts = perimeters({"a": "aci_signe", "b": "aci_signe", "c": None}, members)
    tables = {by: funding_by(units, cpts, by=by, split=split) for by in ("departement", "region", "scope")}
    for column in (*LEVELS, "population", "maximum_stage_unknown", "fixed_over_years"):
        sums = {by: table[column].sum() for by, table in tables.items()}
        assert len(set(sums.values())) == 1, (column, sums)
    order = list(range(len(units)))
    random.shuffle(order)
    shuffled = cpts._replace(membership=cpts.membership.sample(frac=1, random_state=random.randint(0, 99)))
    again = funding_by(units.iloc[order], shuffled, by="departement", split=split)
    pd.testing.assert_frame_equal(again, tables["departement"])


@settings(max_examples=6)
@given(st.integers(0, 400_000), st.integers(0, 400_000))
def test_money_never_falls_as_population_rises(one, other) -> None:
    less, more = sorted((one, other))
    units = towns({"04001": less, "04002": more})
    table = funding(units, perimeters({"a": "aci_signe", "b": "aci_signe"}, [("a", "04001"), ("b", "04002")]))
    for level in LEVELS:
        assert table[level][0] <= table[level][1]


ONE = pd.DataFrame({"cpts_id": ["a"], "cpts_name": ["A"], "size_class": [1], "paid": [True]})


def test_payments_by_hand() -> None:
    table = conform(payments(ONE, signed_on=pd.Series({"a": pd.Timestamp("2023-08-31")}), years=2), "payments")
    first = table[table["contract_year"] == 1][["paid_on", "mission", "payment", "euros"]]
    assert first.values.tolist() == [
        ["2023-08-31", "functioning", "whole", 50_000.0],
        ["2024-02-29", "access", "advance", 20_625.0],  # 55,000 x 6/12 x 75 %
        ["2024-02-29", "crisis", "whole", 25_000.0],
        ["2024-08-31", "access", "balance", 6_875.0],
    ]
    second = table[table["contract_year"] == 2]
    assert second.loc[second["mission"] == "access", "euros"].tolist() == [41_250.0, 13_750.0]
    assert second.loc[second["mission"] == "crisis", ["paid_on", "euros"]].values.tolist() == [["2025-02-28", 12_500.0]]


def test_contract_years_by_hand() -> None:
    table = conform(contract_years(payments(ONE)), "contract_years")
    assert table["euros_due"].tolist() == [102_500.0, 165_000.0, 165_000.0, 165_000.0, 165_000.0, 0.0]
    assert table["euros_paid"].tolist() == [95_625.0, 146_250.0, 165_000.0, 165_000.0, 165_000.0, 25_625.0]
    without = contract_years(payments(ONE, optional_missions=False))
    assert without["euros_due"].tolist()[1] == 165_000 - 12_500


@settings(max_examples=6)
@given(st.integers(1, 4), st.integers(1, 10), st.sampled_from(LEVELS))
def test_a_full_contract_year_pays_the_annual_level(size, years, level) -> None:
    """From the second year on every mission runs: the year is due its level, the plan update for the first plan."""
    table = contract_years(payments(ONE.assign(size_class=size), level=level, years=years))
    assert table["euros_due"].sum() == pytest.approx(table["euros_paid"].sum())
    annual = annual_levels([size])[level].iloc[0]
    if level == "maximum":
        crisis = {
            item["part"]: item["amounts"][size - 1] for item in in_force("aci")["item"] if item["mission"] == "crisis"
        }
        annual += crisis["plan_update"] - crisis["first_plan"] - crisis["grave_crisis"]
    for due in table.loc[table["contract_year"].between(2, years), "euros_due"]:
        assert due == pytest.approx(annual)


def test_only_the_cpts_that_are_paid_have_payments() -> None:
    table = funding(towns(TOWNS), perimeters(STAGES, MEMBERS))
    assert set(payments(table)["cpts_id"]) == {"one", "two"}
    assert payments(table.iloc[:0]).empty


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"level": "most"}, "'most' n’est pas un niveau de budget"),
        ({"years": 0}, "un contrat dure au moins un an"),
        ({"on": date(2020, 1, 1)}, "ne donne que des maximums"),
    ],
)
def test_payments_refuse_what_they_cannot_do(settings, words) -> None:
    with pytest.raises(UsageError, match=words):
        payments(ONE, **settings)
    with pytest.raises(UsageError, match="'commune'"):
        funding_by(towns(TOWNS), perimeters(STAGES, MEMBERS), by="commune")


def test_days_of_the_stages_are_read_and_missing_ones_stay_missing(tmp_path: Path, run) -> None:
    path = tmp_path / "cpts.csv"
    path.write_text(
        "cpts_id,insee_code,stade,date_signature_aci\n"
        "a,97209,aci_signe,31/03/2024\nb,97210,aci_signe,\nc,97211,pre_projet,2024-05-01\n",
        encoding="utf-8",
    )
    cpts = parse_perimeters(path, read_communes())[0].cpts
    assert cpts["aci_signed_on"].dt.strftime("%Y-%m-%d").fillna("?").tolist() == ["2024-03-31", "?", "2024-05-01"]
    result = run(
        "funding", "--perimeters", path, "--table", "payments", "-f", "csv", "--level", "functioning", "--years", 1
    )
    assert result.code == 0
    assert "a,a,2,1,0,2024-03-31,functioning,functioning,whole,60000.0" in result.out
    assert "c a une date de ACI signé, et son stade est Pré-projet" in result.err


def test_a_wrong_day_is_refused_with_its_row(tmp_path: Path, run) -> None:
    path = tmp_path / "cpts.csv"
    path.write_text("cpts_id,insee_code,stage,aci_signed_on\na,97209,aci_signe,03/31/2024\n", encoding="utf-8")
    result = run("funding", "--perimeters", path)
    assert result.code == 1
    assert "cpts.csv, ligne 2, colonne aci_signed_on : 03/31/2024 n’est pas un jour" in result.err


def test_a_cpts_whose_rows_give_two_days_is_refused(tmp_path: Path, run) -> None:
    path = tmp_path / "cpts.csv"
    path.write_text(
        "cpts_id,insee_code,stage,aci_signed_on\na,97209,aci_signe,2024-01-01\na,97210,aci_signe,2024-01-02\n",
        encoding="utf-8",
    )
    result = run("funding", "--perimeters", path)
    assert result.code == 1
    assert "aci_signed_on 2024-01-01; a, ACI signé, aci_signed_on 2024-01-02" in result.err


def test_the_command(run) -> None:
    assert (
        "access,Accès aux soins,fixed,55000.0,70000.0,90000.0,110000.0"
        in run("funding", "--table", "grid", "-f", "csv").out
    )
    scope = run("funding", "--table", "scope", "-f", "csv")
    assert scope.code == 0
    assert ",1800823,2,0,180000.0,660000.0,1160000.0," in scope.out
    assert "2 CPTS sur 7 sont financées" in scope.err
    assert run("funding", "--on", "hier").code == 2
    assert run("funding", "--paid-stages", "signee").code == 2
    summed = run("funding", "--table", "summary", "--project-to", 4, "-f", "csv")
    assert "maximum,Maximum,2,1160000.0,580000.0,0.64415,5,5800000.0,4,2320000.0,11600000.0" in summed.out


@pytest.mark.real_data
def test_paca(shared: Path) -> None:
    communes = read_communes()
    cpts = read_perimeters(shared / "cpts" / "cpts_communes_paca.csv", communes)
    table = funding(communes, cpts, paid_stages=["unknown"])
    assert table["paid"].all()
    by_class = table["size_class"].value_counts()
    expected = sum(int(by_class[size]) * amount for size, amount in {1: 165, 2: 215, 3: 275, 4: 330}.items()) * 1000
    for by in ("scope", "region", "departement"):
        for split in (False, True):
            assert funding_by(communes, cpts, by=by, split=split, paid_stages=["unknown"])["fixed"].sum() == expected
    unknown = funding_by(communes, cpts).iloc[0]
    assert (unknown["cpts_count"], unknown["cpts_stage_unknown"], unknown["fixed"]) == (0, 71, 0)
    assert unknown["maximum_stage_unknown"] == table["maximum"].sum() == 27_997_500
