"""Sizes, classes on both sides of every bound, margins and the ledger of double counts."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from cptsgeo.coverage import coverage
from cptsgeo.errors import UsageError
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.sizes import (
    double_counts,
    double_counts_by_pair,
    member_populations,
    size_class,
    size_distribution,
    sizes,
    unit_size_class,
)


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        *[(0, 1), (39_999, 1), (40_000, 2), (40_001, 2)],
        *[(79_999, 2), (80_000, 3), (80_001, 3)],
        *[(174_999, 3), (175_000, 3), (175_001, 4), (5_000_000, 4)],
    ],
)
def test_the_class_on_both_sides_of_every_bound(population, expected):
    assert size_class(population).tolist() == expected
    assert size_class([population]).tolist() == [expected]


def test_no_class_before_the_first_law():
    assert size_class(40_000, on=date(2019, 6, 20)).tolist() == 2
    with pytest.raises(UsageError, match="size_classes n’a pas d’édition en vigueur au 19 juin 2019") as refused:
        size_class(40_000, on=date(2019, 6, 19))
    assert "20 juin 2019" in refused.value.fix


def one_cpts(population: int) -> pd.DataFrame:
    communes = pd.DataFrame(
        {
            "insee_code": ["04901"],
            "name": ["A"],
            "population": [population],
            "region_code": ["93"],
            "region_name": ["R"],
        }
    )
    stage = pd.Categorical([None], categories=list(STAGES), ordered=True)
    cpts = pd.DataFrame({"cpts_id": ["x"], "cpts_name": ["X"], "stage": stage})
    member = pd.DataFrame({"cpts_id": ["x"], "insee_code": ["04901"], "share": [1.0], "method": ["list"]})
    return sizes(communes, Perimeters(cpts, member))


@pytest.mark.parametrize(
    ("population", "down", "up"),
    [
        *[(0, None, 39_999), (39_999, None, 0), (40_000, 0, 39_999), (79_999, 39_999, 0)],
        *[(80_000, 0, 95_000), (175_000, 95_000, 0), (175_001, 0, None), (200_000, 24_999, None)],
    ],
)
def test_margins_on_both_sides_of_every_bound(population, down, up):
    row = one_cpts(population).iloc[0]
    assert (None if pd.isna(row["to_lower_bound"]) else row["to_lower_bound"]) == down
    assert (None if pd.isna(row["to_upper_bound"]) else row["to_upper_bound"]) == up
    if down is not None:
        assert size_class(population - down) == row["size_class"]
        assert size_class(population - down - 1) == row["size_class"] - 1
    if up is not None:
        assert size_class(population + up) == row["size_class"]
        assert size_class(population + up + 1) == row["size_class"] + 1


def test_sizes_of_the_toy_cpts(toy_communes, toy_perimeters):
    table = sizes(toy_communes, toy_perimeters).set_index("cpts_id")
    assert table["population"].to_dict() == {
        "alpha": 40_000,
        "beta": 45_001,
        "delta": 12_500,
        "epsilon": 50_001,
        "gamma": 25_000,
        "zeta": 0,
    }
    assert table["units"].to_dict() == {"alpha": 3, "beta": 2, "delta": 1, "epsilon": 1, "gamma": 2, "zeta": 0}
    assert table["size_class"].drop("zeta").tolist() == [2, 2, 1, 2, 1]
    assert table.loc["zeta", ["size_class", "to_lower_bound", "to_upper_bound", "region_code"]].isna().all()
    assert table["region_code"].drop("zeta").unique().tolist() == ["93"]


def test_a_cpts_across_a_border_is_of_the_region_of_most_of_its_inhabitants(toy_communes, toy_perimeters):
    more = pd.DataFrame({"cpts_id": ["zeta"] * 2, "insee_code": ["26903", "04902"], "share": 1.0, "method": "list"})
    perimeters = Perimeters(toy_perimeters.cpts, pd.concat([toy_perimeters.membership, more], ignore_index=True))
    row = sizes(toy_communes, perimeters).set_index("cpts_id").loc["zeta"]
    assert row[["region_code", "population", "units"]].tolist() == ["84", 49_999, 2]


def test_distribution_names_every_class_of_every_region(toy_communes, toy_perimeters):
    table = size_distribution(sizes(toy_communes, toy_perimeters))
    assert table["region_code"].tolist() == ["93"] * 4 + ["all"] * 4
    assert table["size_class"].tolist() == [1, 2, 3, 4] * 2
    assert table["cpts_count"].tolist() == [2, 3, 0, 0] * 2
    assert table["population"].tolist() == [37_500, 135_002, 0, 0] * 2


def test_distribution_counts_cpts_of_no_region(toy_communes, toy_perimeters):
    nowhere = toy_communes.assign(region_code=None, region_name=None)
    table = size_distribution(sizes(nowhere, toy_perimeters))
    assert table.loc[table["region_code"].isna(), "cpts_count"].tolist() == [2, 3, 0, 0]
    assert table.loc[table["region_code"] == "all", "cpts_count"].tolist() == [2, 3, 0, 0]


def test_the_ledger_is_the_sum_of_cpts_less_the_population_covered(toy_communes, toy_perimeters):
    ledger = double_counts(toy_communes, toy_perimeters).set_index("name")
    assert ledger.index.tolist() == ["C", "E"]
    columns = ["cpts_count", "cpts", "population_counted", "population_covered", "double_count"]
    assert ledger.loc["C", columns].tolist() == [2, "CPTS alpha; CPTS beta", 2, 1, 1]
    assert ledger.loc["E", columns].tolist() == [2, "CPTS delta; CPTS gamma", 37_500, 37_500, 0]
    counted = sizes(toy_communes, toy_perimeters)["population"].sum()
    covered = coverage(toy_communes, toy_perimeters)["population_covered"].iloc[0]
    assert counted - covered == ledger["double_count"].sum() == 1


def test_pairs(toy_communes, toy_perimeters):
    table = double_counts_by_pair(toy_communes, toy_perimeters)
    assert table[["cpts_id", "other_id", "units", "population"]].to_numpy().tolist() == [
        ["alpha", "beta", 1, 1],
        ["delta", "gamma", 1, 0],
    ]
    assert table["other_name"].tolist() == ["CPTS beta", "CPTS gamma"]


@pytest.mark.parametrize("shares", [(0.4, 0.4), (0.5, 0.5), (0.3, 0.3, 0.4), (0.2, 0.2, 0.2), (1.0, 0.5), (0.9, 0.9)])
@pytest.mark.parametrize("population", [0, 1, 2, 3, 7, 10])
def test_rounding_never_makes_or_loses_an_inhabitant(toy_communes, shares, population):
    communes = toy_communes.assign(population=population).astype({"population": "Int64"})
    names = [f"c{position}" for position in range(len(shares))]
    stage = pd.Categorical([None] * len(shares), categories=list(STAGES), ordered=True)
    perimeters = Perimeters(
        pd.DataFrame({"cpts_id": names, "cpts_name": names, "stage": stage}),
        pd.DataFrame({"cpts_id": names, "insee_code": "04901", "share": shares, "method": "list"}),
    )
    members = member_populations(communes, perimeters)["population_in_cpts"]
    assert members.min() >= 0
    assert ((members - population * pd.Series(shares)).abs() <= 1).all()
    ledger = double_counts(communes, perimeters)
    excess = max(0.0, population * (sum(shares) - 1))
    assert ledger["double_count"].tolist() == [int(excess + 0.5 + 1e-9)]


def test_the_class_of_a_unit_is_that_of_its_most_populous_cpts(toy_communes, toy_perimeters):
    table = sizes(toy_communes, toy_perimeters)
    classes = unit_size_class(toy_communes, toy_perimeters, table)
    by_name = dict(zip(toy_communes["name"], classes, strict=True))
    assert {name: by_name[name] for name in "ABCDEFG"} == dict(zip("ABCDEFG", [2, 2, 2, 2, 1, 1, 2], strict=True))
    assert all(pd.isna(by_name[name]) for name in "HIJ")


def test_law_is_read_on_its_day(toy_communes, toy_perimeters, monkeypatch):
    from cptsgeo import parameters

    editions = {
        "edition": [
            {
                "valid_from": date(2019, 6, 20),
                "upper_bounds": [40_000, 80_000, 175_000],
                "bound_belongs_to": ["upper"] * 3,
            },
            {
                "valid_from": date(2030, 1, 1),
                "upper_bounds": [45_001, 80_000, 175_000],
                "bound_belongs_to": ["lower"] * 3,
            },
        ]
    }
    monkeypatch.setattr(parameters, "parameters", lambda name: editions)
    before = sizes(toy_communes, toy_perimeters, on=date(2029, 12, 31)).set_index("cpts_id")
    after = sizes(toy_communes, toy_perimeters, on=date(2030, 1, 1)).set_index("cpts_id")
    assert (before.loc["beta", "size_class"], after.loc["beta", "size_class"]) == (2, 1)
    assert after.loc["beta", "to_upper_bound"] == 0
    assert after.loc["epsilon", "to_lower_bound"] == 50_001 - 45_002
