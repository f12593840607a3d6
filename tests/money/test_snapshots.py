"""Snapshots: the change by hand, its exact sum, and lists of states that cannot be read."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import read_communes
from cptsgeo.coverage import coverage
from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.figures import series_svg
from cptsgeo.perimeters import Perimeters, read_perimeters
from cptsgeo.schemas import conform
from cptsgeo.scope import Scope
from cptsgeo.snapshot_list import read_snapshots
from cptsgeo.snapshots import METHODS, PARTS, THRESHOLDS, Snapshot, changes, diff, series, unfollowed
from tests.money.money_toys import perimeters, towns

BEFORE, AFTER = date(2022, 12, 31), date(2023, 12, 31)


def causes(table: pd.DataFrame) -> dict[str, int]:
    return {row.cause: int(row.population_change) for row in table.iloc[1:-1].itertuples() if row.population_change}


def test_each_cause_alone_by_hand() -> None:
    units = towns({"04001": 100, "04002": 20, "05001": 3})
    start = perimeters({"a": "projet_valide", "b": "pre_projet"}, [("a", "04001"), ("b", "04002")])
    before = Snapshot(BEFORE, units, start)
    gone = perimeters({"a": "projet_valide"}, [("a", "04001")])
    assert causes(diff(before, Snapshot(AFTER, units, gone))) == {"gone": -20}
    new = perimeters(
        {"a": "projet_valide", "b": "pre_projet", "c": None}, [("a", "04001"), ("b", "04002"), ("c", "05001")]
    )
    assert causes(diff(before, Snapshot(AFTER, units, new))) == {"appeared": 3}
    grown = perimeters({"a": "projet_valide", "b": "pre_projet"}, [("a", "04001"), ("a", "05001"), ("b", "04002")])
    assert causes(diff(before, Snapshot(AFTER, units, grown))) == {"perimeter": 3}
    staged = perimeters({"a": "projet_valide", "b": "projet_valide"}, [("a", "04001"), ("b", "04002")])
    assert causes(diff(before, Snapshot(AFTER, units, staged))) == {}
    assert causes(diff(before, Snapshot(AFTER, units, staged), stage="projet_valide")) == {"stage": 20}
    more = towns({"04001": 110, "04002": 19, "05001": 3})
    assert causes(diff(before, Snapshot(AFTER, more, start))) == {"population": 9}


def test_a_merger_by_hand() -> None:
    """01340 joined 01015: a list that named one of them covers both from then on."""
    national = read_communes()
    today = national[national["insee_code"] == "01015"].assign(population=1250)
    old = pd.concat([today.assign(population=1000), today.assign(insee_code="01340", population=200)])
    start = perimeters({"a": None}, [("a", "01340")])
    now = perimeters({"a": None}, [("a", "01015")])
    table = conform(diff(Snapshot(BEFORE, old, start), Snapshot(AFTER, today, now)), "diff")
    assert causes(table) == {"merger": 1000, "population": 50}
    assert table["population_covered"].dropna().tolist() == [200, 1250]
    assert changes(Snapshot(BEFORE, old, start), Snapshot(AFTER, today, now)).empty


def test_shapley_by_hand() -> None:
    """A CPTS takes in a commune whose population doubles: 10 of growth and 10 of entry share the 20 evenly."""
    before = Snapshot(BEFORE, towns({"04001": 10, "04002": 10}), perimeters({"a": None}, [("a", "04001")]))
    after = Snapshot(
        AFTER, towns({"04001": 10, "04002": 20}), perimeters({"a": None}, [("a", "04001"), ("a", "04002")])
    )
    assert causes(diff(before, after)) == {"population": 5, "perimeter": 15}
    assert causes(diff(before, after, method="sequence")) == {"perimeter": 20}


def test_a_unit_left_and_taken_in_at_once_moves_nobody() -> None:
    units = towns({"04001": 100})
    before = Snapshot(BEFORE, units, perimeters({"a": None}, [("a", "04001")]))
    after = Snapshot(AFTER, units, perimeters({"b": None}, [("b", "04001")]))
    assert causes(diff(before, after)) == {"gone": -50, "appeared": 50}
    assert causes(diff(before, after, method="sequence")) == {"gone": -100, "appeared": 100}
    table = conform(changes(before, after), "changes")
    assert table["change"].tolist() == ["gone", "appeared"]


CODES = ["04001", "04002", "05001", "26001"]
STATES = st.tuples(
    st.lists(st.integers(0, 101), min_size=4, max_size=4),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(CODES), st.sampled_from([0.3, 0.5, 1.0])),
        max_size=7,
        unique_by=lambda row: row[:2],
    ),
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["pre_projet", "aci_signe", None])),
)


def state(day: date, drawn) -> Snapshot:
    populations, members, stages = drawn
    stages = {"z": "pre_projet", **stages}
    kept = [("z", "26001", 0.5), *(row for row in members if row[0] in stages)]
    return Snapshot(day, towns(dict(zip(CODES, populations, strict=True))), perimeters(stages, kept))


@settings(max_examples=6)
@given(STATES, STATES, st.sampled_from(THRESHOLDS), st.sampled_from(METHODS), st.randoms(use_true_random=False))
def test_the_parts_sum_to_the_change_whatever_the_order(one, other, stage, method, random) -> None:
    before, after = state(BEFORE, one), state(AFTER, other)
    table = diff(before, after, stage=stage, method=method)
    assert table["population_change"].iloc[1:-1].sum() == table["population_change"].iloc[-1]
    assert table["rate_change"].iloc[1:-1].sum() == pytest.approx(table["rate_change"].iloc[-1], abs=1e-12)
    for row, snapshot in ((0, before), (-1, after)):
        rates = coverage(snapshot.communes, snapshot.perimeters)
        found = rates[(rates["counting"] == "cumulative") & (rates["stage"] == stage)]["population_covered"]
        if stage != "pre_projet" and len(found):
            assert table["population_covered"].iloc[row] == found.iloc[0]
    seed = random.randint(0, 99)
    mixed = [
        Snapshot(
            snapshot.day,
            snapshot.communes.sample(frac=1, random_state=seed),
            Perimeters(
                snapshot.perimeters.cpts.sample(frac=1, random_state=seed),
                snapshot.perimeters.membership.sample(frac=1, random_state=seed),
            ),
        )
        for snapshot in (before, after)
    ]
    pd.testing.assert_frame_equal(diff(*mixed, stage=stage, method=method), table)


@settings(max_examples=6)
@given(STATES, STATES)
def test_shapley_is_the_mean_over_every_order(one, other) -> None:
    """The formula over subsets is checked against a walk along each of the 120 orders."""
    from cptsgeo.snapshots import FRANCE, _hybrid

    before, after = state(BEFORE, one), state(AFTER, other)
    value = _hybrid(before, after, "any", FRANCE)
    names = tuple(PARTS)[1:]
    sums = dict.fromkeys(names, 0)
    for order in permutations(names):
        for position, cause in enumerate(order):
            sums[cause] += value(frozenset(order[: position + 1]))[0] - value(frozenset(order[:position]))[0]
    table = diff(before, after).set_index("cause")["population_change"]
    for cause in names:
        assert abs(int(table[cause]) - sums[cause] / 120) < 1


def test_units_that_cannot_be_followed_are_told_and_counted() -> None:
    national = read_communes()
    split = national[national["insee_code"].isin(["15141", "15031"])]
    old = split[split["insee_code"] == "15141"].assign(population=2000)
    both = perimeters({"a": None}, [("a", "15141"), ("a", "15031")])
    before = Snapshot(BEFORE, old, perimeters({"a": None}, [("a", "15141")]))
    after = Snapshot(AFTER, split.assign(population=[217, 1790]), both)
    assert unfollowed(before, after)[["insee_code", "state"]].values.tolist() == [["15031", "after"]]
    assert unfollowed(before, after, scope=Scope("departement", ("01",))).empty
    assert diff(before, after)["population_change"].iloc[-1] == 7


def test_the_scope_follows_the_units() -> None:
    units = towns({"04001": 100, "26001": 7})
    before = Snapshot(BEFORE, units, perimeters({"a": None}, [("a", "26001")]))
    after = Snapshot(AFTER, units, perimeters({"a": None}, [("a", "26001"), ("a", "04001")]))
    table = diff(before, after, scope=Scope("departement", ("04",)))
    assert table["population"].dropna().unique().tolist() == [100]
    assert causes(table) == {"perimeter": 100}


def test_wrong_choices_are_refused() -> None:
    one = Snapshot(BEFORE, towns({"04001": 1}), perimeters({"a": None}, [("a", "04001")]))
    with pytest.raises(DataError, match="ne vient pas après celui du 31 décembre 2022"):
        diff(one, one)
    with pytest.raises(UsageError, match="shapley, sequence"):
        diff(one, one._replace(day=AFTER), method="owen")


def test_series_and_its_figure() -> None:
    units = towns({"04001": 60, "04002": 40})
    one = Snapshot(BEFORE, units, perimeters({"a": "aci_signe"}, [("a", "04001")]))
    two = Snapshot(AFTER, units, perimeters({"a": "aci_signe", "b": "pre_projet"}, [("a", "04001"), ("b", "04002")]))
    table = conform(series([one, two]), "series")
    rates = table.set_index(["day", "stage"])["coverage_rate"]
    assert rates["2022-12-31", "any"] == 0.6
    assert rates["2023-12-31", "any"] == 1.0
    assert rates["2023-12-31", "aci_signe"] == 0.6
    assert table["cpts_count"].tolist() == [1, 1, 1, 1, 2, 1, 1, 1]
    figure = series_svg(table)
    assert figure == series_svg(table)
    assert "60,0\u202f%" in figure
    assert "<script" not in figure


LIST = """
[[snapshot]]
date = 2022-12-31
perimeters = "old.csv"
[[snapshot]]
date = 2023-12-31
perimeters = "new.csv"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.csv").write_text("cpts_id,insee_code,stage\na,97209,pre_projet\n", encoding="utf-8")
    (tmp_path / "new.csv").write_text("cpts_id,insee_code,stage\na,97209,aci_signe\nb,97210,\n", encoding="utf-8")
    (tmp_path / "list.toml").write_text(LIST, encoding="utf-8")
    return tmp_path


def test_the_command(folder: Path, run) -> None:
    result = run("diff", folder / "list.toml", "-f", "csv", "--figure", folder / "series.svg")
    assert result.code == 0
    population = read_communes().set_index("insee_code")["population"]
    assert f"2022-12-31,2023-12-31,appeared,CPTS apparues,{population['97210']}," in result.out
    assert (folder / "series.svg").read_text(encoding="utf-8").startswith("<?xml")
    staged = run("diff", folder / "list.toml", "-f", "csv", "--stage", "aci_signe")
    assert f",stage,stade changé,{population['97209']}," in staged.out
    changed = run("diff", folder / "list.toml", "--table", "changes", "-f", "csv")
    assert "a,a,stage,pre_projet,aci_signe,0,0,0" in changed.out
    assert run("diff", folder / "list.toml", "--figure", folder / "series.svg").code == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("2023-12-31", "2021-12-31"), "l’état du 31 décembre 2021 ne vient pas après celui du 31 décembre 2022"),
        (("date = 2023-12-31\n", ""), "bloc 2 : la clé date manque"),
        (("date = 2023-12-31", 'date = "demain"'), "bloc 2 : demain n’est pas un jour"),
        (('perimeters = "new.csv"', 'perimeter = "new.csv"'), "perimeter n’est pas une clé d’un bloc"),
        (("new.csv", "none.csv"), "ce fichier n’existe pas"),
        (('"new.csv"', '"new.csv"\npopulation_year = inf'), "bloc 2 : inf n’est pas une année"),
        (('"new.csv"', '"new.csv"\npopulation_year = "2020"'), "bloc 2 : 2020 n’est pas une année"),
        (("snapshot", "state"), "aucun bloc [[snapshot]]"),
        (("date = 2023-12-31", "date = 2023-13-31"), "n’est pas du TOML"),
    ],
)
def test_a_list_that_cannot_be_read(folder: Path, run, wrong, words) -> None:
    (folder / "list.toml").write_text(LIST.replace(*wrong), encoding="utf-8")
    result = run("diff", folder / "list.toml")
    assert result.code == 1
    assert words in result.err
    assert result.out == ""


def test_every_error_of_a_list_at_once(folder: Path) -> None:
    (folder / "old.csv").write_text("cpts_id,insee_code\na,1001\n", encoding="utf-8")
    (folder / "new.csv").write_text("cpts_id,insee_code\na,99999\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_snapshots(folder / "list.toml")
    assert len(caught.value.findings) == 2
    assert "état du 31 décembre 2022, old.csv" in str(caught.value)
    with pytest.raises(FileError):
        read_snapshots(folder / "absent.toml")


def test_one_snapshot_has_no_change(folder: Path, run) -> None:
    (folder / "list.toml").write_text(LIST.partition("[[snapshot]]\ndate = 2023")[0], encoding="utf-8")
    assert "une variation en demande deux" in run("diff", folder / "list.toml").err
    assert run("diff", folder / "list.toml", "--table", "series").code == 0


@pytest.mark.real_data
def test_paca_from_2019_to_2023(shared: Path) -> None:
    folder = shared / "populations"
    listing = shared / "cpts" / "cpts_communes_paca.csv"
    states = []
    for year, name in ((2019, "2019"), (2023, "2023")):
        communes = read_communes([folder / f"donnees_communes_pop{name}.csv"], population_year=year)
        states.append(Snapshot(date(year, 1, 1), communes, read_perimeters(listing, communes)))
    table = diff(states[0], states[1], scope=Scope("region", ("93",))).set_index("cause")
    assert table.loc["after", "population_covered"] == 5_153_124
    assert table.loc["after", "population"] == 5_218_960
    assert table["population_change"].drop("before").iloc[:-1].sum() == table.loc["after", "population_change"]
    assert set(causes(table.reset_index())) == {"population"}
