"""Reconciliation: published rates beside ours, by hand and with the CPTS de Balagne."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import read_communes
from cptsgeo.coverage import coverage
from cptsgeo.errors import DataError
from cptsgeo.perimeters import STAGES
from cptsgeo.reconcile import Figure, read_figures, reconcile
from cptsgeo.schemas import conform
from cptsgeo.scope import Scope
from tests.money.money_toys import perimeters, towns

DAY = date(2022, 12, 31)
GOOD = '[[figure]]\ndate = 2022-12-31\nplace = "region=94"\npercent = 7\nwording = "w"\nsource = "s"\n'


def figure(percent: float, place: str = "departement", code: str = "04") -> Figure:
    return Figure(DAY, Scope(place, (code,)), percent / 100, 0, "w", "s")


def test_union_and_sum_by_hand() -> None:
    units = towns({"04001": 60, "04002": 40})
    cpts = perimeters({"a": "aci_signe", "b": "pre_projet"}, [("a", "04001"), ("b", "04001"), ("b", "04002", 0.5)])
    table = conform(reconcile(units, cpts, [figure(60), figure(139)._replace(rate=1.0)]), "reconcile")
    ours = table[table["figure"] == 1].set_index(["stage", "headcount"])["our_rate"].to_dict()
    assert ours["any", "union"] == 0.8
    assert ours["any", "sum"] == 1.4
    assert ours["aci_signe", "union"] == ours["aci_signe", "sum"] == ours["projet_valide", "union"] == 0.6
    near = table[(table["figure"] == 1) & table["nearest"]]
    assert set(near["stage"]) == {"lettre_intention", "projet_valide", "aci_signe"}
    assert near["agrees"].all()
    other = table[(table["figure"] == 2) & table["nearest"]]
    assert other[["stage", "headcount"]].values.tolist() == [["any", "union"]]
    assert other["gap"].iloc[0] == pytest.approx(-0.2)


CODES = ("04001", "04002", "04003", "04004")


@settings(max_examples=15)
@given(
    st.lists(st.integers(0, 90_000), min_size=4, max_size=4),
    st.lists(st.sampled_from([None, *STAGES]), min_size=3, max_size=3),
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(CODES)), st.sampled_from([0.25, 0.5, 1.0])),
    st.integers(0, 100),
    st.randoms(use_true_random=False),
)
def test_definitions_are_ordered_and_the_union_is_the_coverage(people, stages, members, percent, random) -> None:
    """Fewer CPTS never cover more, a sum is never below its union, and no order of rows changes anything."""
    units = towns(dict(zip(CODES, people, strict=True)))
    cpts = perimeters(dict(zip("abc", stages, strict=True)), [(*pair, share) for pair, share in members.items()])
    place = figure(percent)
    table = reconcile(units, cpts, [place])
    ours = table.set_index(["stage", "headcount"])["population_covered"]
    known = [stage for stage in ("any", *STAGES[1:]) if (stage, "union") in ours.index]
    for counting in ("union", "sum"):
        counts = [ours[stage, counting] for stage in known]
        assert counts == sorted(counts, reverse=True)
    assert all(ours[stage, "union"] <= ours[stage, "sum"] for stage in known)
    rates = coverage(units, cpts).query("counting == 'cumulative'").set_index("stage")["population_covered"]
    assert all(ours[stage, "union"] == rates[stage] for stage in known)
    near = table[table["nearest"].fillna(False)]
    assert near["gap"].abs().nunique() <= 1
    assert near.empty or near["gap"].abs().iloc[0] <= table["gap"].abs().min() + 1e-12
    order = list(range(4))
    random.shuffle(order)
    shuffled = cpts._replace(membership=cpts.membership.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(reconcile(units.iloc[order], shuffled, [place]), table)


def test_a_list_without_stages_has_the_definitions_of_any_alone() -> None:
    table = reconcile(towns({"04001": 1}), perimeters({"a": None}, [("a", "04001")]), [figure(100)])
    assert set(table["stage"]) == {"any"}


def test_agreement_is_that_of_the_decimals_published() -> None:
    units = towns({"04001": 675, "04002": 9325})
    cpts = perimeters({"a": None}, [("a", "04001")])
    assert reconcile(units, cpts, [figure(7)])["agrees"].all()
    assert not reconcile(units, cpts, [figure(7)._replace(decimals=1)])["agrees"].any()
    assert not reconcile(units, cpts, [figure(6)])["agrees"].any()


def test_balagne_alone_is_the_published_7_percent_of_corse() -> None:
    communes = read_communes()
    balagne = communes[(communes["region_code"] == "94") & communes["epci_name"].str.contains("Balagne", na=False)]
    assert (len(balagne), balagne["epci_siren"].nunique()) == (36, 2)
    cpts = perimeters({"balagne": None}, [("balagne", code) for code in balagne["insee_code"]])
    corse = [one for one in read_figures() if one.place.codes == ("94",)]
    row = reconcile(communes, cpts, corse).iloc[0]
    assert (row["population_covered"], row["population"]) == (23_996, 355_486)
    assert round(row["our_rate"], 4) == 0.0675
    assert row["agrees"]


def test_mayotte_makes_two_totals_and_a_place_that_is_not_whole_has_none() -> None:
    communes = read_communes()
    cpts = perimeters({"sud": None}, [("sud", "97601")])
    france = [one for one in read_figures() if one.place.kind == "france"][:1]
    table = reconcile(communes, cpts, france)
    assert table.groupby("territory")["population"].first().to_dict() == {
        "whole": 68_350_798,
        "without_mayotte": 68_350_798 - 256_518,
    }
    without = reconcile(
        communes[communes["departement_code"] != "976"].reset_index(drop=True),
        perimeters({"a": None}, [("a", "2B050")]),
        france,
    )
    whole = without["territory"] == "whole"
    assert without.loc[whole, "our_rate"].isna().all()
    assert without.loc[whole, "units_outside_scope"].eq(17).all()
    assert without.loc[~whole, "our_rate"].notna().all()
    partial = reconcile(communes, cpts, france, inside=communes["departement_code"] == "976")
    assert partial["our_rate"].isna().all()
    assert partial["nearest"].isna().all()


def test_the_figures_of_the_reports() -> None:
    found = [(str(one.place), one.rate, one.decimals) for one in read_figures()]
    assert found == [
        ("france", 0.485, 1),
        ("france", 0.68, 0),
        ("region=94", 0.07, 0),
        ("departement=976", 0.1, 0),
        ("departement=974", 1.0, 0),
        ("france", 0.888, 1),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("date = 2022-12-31\n", ""), "bloc 1 : la clé date manque"),
        (("2022-12-31", '"hier"'), "bloc 1 : hier n’est pas un jour"),
        (("percent = 7", "percent = 107"), "107 n’est pas un pourcentage"),
        (("percent = 7", 'percent = "7 %"'), "7 % n’est pas un pourcentage"),
        (("percent = 7", "percent = true"), "True n’est pas un pourcentage"),
        (("region=94", "region=95"), "95"),
        (("region=94", "Corse"), "Corse"),
        (('wording = "w"', 'wording = ""'), "la clé wording manque"),
        (("source", "sources"), "sources n’est pas une clé d’un bloc"),
    ],
)
def test_a_published_figure_that_cannot_be_read(tmp_path: Path, run, wrong, words) -> None:
    path = tmp_path / "figures.toml"
    path.write_text(GOOD.replace(*wrong), encoding="utf-8")
    result = run("reconcile", "--published", path)
    assert result.code == 1
    assert words in result.err
    assert "figures.toml" in result.err


def test_every_wrong_figure_at_once(tmp_path: Path) -> None:
    path = tmp_path / "figures.toml"
    path.write_text(
        GOOD.replace("percent = 7", "percent = -1") + GOOD.replace("date = 2022-12-31\n", ""), encoding="utf-8"
    )
    with pytest.raises(DataError) as caught:
        read_figures(path)
    assert len(caught.value.findings) == 2


def test_the_command(run) -> None:
    result = run("reconcile", "--nearest", "-f", "csv")
    assert result.code == 0
    assert "departement=974,La Réunion" in result.out
    assert ",889679,889679,1.0,0.0,True,True,0" in result.out
    assert "4 chiffres n’ont pas de valeur chez nous" in result.err
