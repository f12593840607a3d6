"""Threshold watch and smoothing: by hand, against a state machine, on the five real editions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import embedded_communes, read_communes
from cptsgeo.editions import edition_findings, of_study, on_units, parse_edition, read_editions
from cptsgeo.errors import DataError, UsageError
from cptsgeo.perimeters import read_perimeters
from cptsgeo.schemas import conform
from cptsgeo.watch import cpts_editions, smoothed, smoothing_effect, watch
from tests.money.money_toys import perimeters, towns

YEARS = (2019, 2020, 2021, 2022, 2023)


def history(*populations: int | None, stage: str | None = "aci_signe") -> pd.DataFrame:
    """Make the editions of one CPTS of one commune."""
    rows = pd.DataFrame(
        {"population_year": YEARS[: len(populations)], "insee_code": "04001", "population": populations}
    )
    return cpts_editions(rows.astype({"population": "Int64"}), perimeters({"a": stage}, [("a", "04001")]))


def test_an_edition_is_brought_to_the_units_of_today() -> None:
    old = pd.DataFrame({"insee_code": ["01015", "01340", "08227", "99999"], "population": [1000, 200, 30, 4]})
    today = embedded_communes().query("insee_code in ['01015', '15031']")
    editions = on_units(old, today, 2019)
    assert editions.populations.set_index("insee_code")["population"].fillna(-1).to_dict() == {
        "01015": 1200,
        "15031": -1,
    }
    reasons = conform(editions.unmatched, "editions_unmatched").set_index("insee_code")["reason"].to_dict()
    assert reasons == {"08227": "code_ambiguous", "99999": "code_unknown", "15031": "unit_absent"}
    words = [finding.problem for finding in edition_findings(editions)]
    assert any("1 commune est absente (15031)" in text for text in words)
    assert any("appartient maintenant à plusieurs communes" in text for text in words)
    assert not any("15031" in finding.problem for finding in edition_findings(editions, {"01015"}))


def test_populations_of_a_cpts_by_hand_and_missing_units() -> None:
    rows = pd.DataFrame(
        {
            "population_year": [2019, 2019, 2020, 2020],
            "insee_code": ["04001", "04002"] * 2,
            "population": [100, 5, 200, None],
        }
    ).astype({"population": "Int64"})
    table = cpts_editions(
        rows, perimeters({"a": None, "b": None}, [("a", "04001"), ("a", "04002", 0.5), ("b", "04001")])
    )
    conform(table, "cpts_editions")
    assert table["population"].fillna(-1).tolist() == [103, -1, 100, 200]  # 5 x 0.5 = 2.5, rounded up
    assert table["units_missing"].tolist() == [0, 1, 0, 0]
    assert table["size_class"].isna().tolist() == [False, True, False, False]


def test_watch_by_hand() -> None:
    table = conform(watch(history(39_900, 40_000, 39_999, 41_000, 40_800)), "watch")
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["bound"], row["distance"], row["distance_rate"], row["near"]) == (40_000, 800, 0.02, True)
    assert row["crossings"] == "2020 ↑, 2021 ↓, 2022 ↑"
    assert (row["fixed_at_stake"], row["maximum_at_stake"]) == (50_000, 95_000)


def test_both_sides_of_each_bound() -> None:
    assert watch(history(40_801)).empty
    assert not watch(history(39_200)).empty
    assert watch(history(39_199)).empty
    flipped = watch(history(175_000, 175_001), margin=0)
    assert flipped["crossings"].tolist() == ["2020 ↑"]
    assert flipped["near"].tolist() == [False]
    assert watch(history(175_000), margin=0)["near"].tolist() == [True]


def test_a_jump_over_two_bounds_crosses_both() -> None:
    table = watch(history(30_000, 200_000), margin=0.0)
    assert table["bound"].tolist() == [40_000, 80_000, 175_000]
    assert table["crossings"].unique().tolist() == ["2020 ↑"]


def test_an_edition_without_population_is_no_crossing() -> None:
    table = watch(history(39_000, None, 41_000), margin=0)
    assert table["crossings"].tolist() == ["2021 ↑"]
    assert table["population"].tolist() == [41_000]


def test_smoothing_by_hand() -> None:
    table = conform(smoothed(history(41_000, 39_000, 38_000, 37_000, 41_000)), "smoothed")
    assert table["size_class"].tolist() == [2, 1, 1, 1, 2]
    assert table["size_class_smoothed"].tolist() == [2, 2, 2, 1, 2]  # falls with the third year below, rises at once
    assert table["maximum_effect"].tolist() == [0, 95_000, 95_000, 0, 0]
    effect = conform(smoothing_effect(table), "smoothing_effect")
    assert effect["cpts_held"].tolist() == [0, 1, 1, 0, 0]
    assert effect["fixed_effect"].tolist() == [0, 50_000, 50_000, 0, 0]
    assert smoothed(history(41_000, 39_000), years=1)["size_class_smoothed"].tolist() == [2, 1]


def test_only_cpts_that_are_paid_weigh_in_the_effect() -> None:
    effect = smoothing_effect(smoothed(history(41_000, 39_000, stage="projet_valide")))
    assert (effect["maximum_effect"].sum(), effect["cpts_count"].sum()) == (0, 0)
    unknown = smoothing_effect(smoothed(history(41_000, 39_000, stage=None)))
    assert (unknown["maximum_effect"].sum(), unknown["cpts_stage_unknown"].tolist()) == (0, [1, 1])


def machine(populations: list[int], years: int, bounds: tuple[int, ...] = (40_000, 80_000, 175_001)) -> list[int]:
    """Smooth in another way: one counter of years below for each bound."""
    above = [False] * 3
    below = [years] * 3
    result = []
    for population in populations:
        for position, bound in enumerate(bounds):
            if population >= bound:
                above[position], below[position] = True, 0
            else:
                below[position] += 1
                above[position] = above[position] and below[position] < years
        result.append(1 + sum(above))
    return result


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([1, 39_999, 40_000, 79_999, 80_000, 175_000, 175_001]), min_size=3, max_size=5),
    st.integers(1, 4),
)
def test_smoothing_is_that_of_a_state_machine(populations, years) -> None:
    table = smoothed(history(*populations), years=years)
    assert table["size_class_smoothed"].tolist() == machine(populations, years)
    assert (table["size_class_smoothed"] >= table["size_class"]).all()
    assert (table["maximum_effect"] >= 0).all()


@pytest.mark.parametrize("text", ["2019", "=a.csv", "2019=", "19=a.csv", "deux=a.csv"])
def test_an_edition_is_a_year_and_a_file(text) -> None:
    with pytest.raises(UsageError, match="n’est pas un millésime de population"):
        parse_edition(text)


def test_files_of_one_year_go_together(tmp_path: Path) -> None:
    for name, row in (("a.csv", "04001,1"), ("b.csv", "04049,20"), ("c.csv", "04049,300")):
        (tmp_path / name).write_text(f"insee_code,population\n{row}\n", encoding="utf-8")
    files = [(2019, tmp_path / "a.csv"), (2020, tmp_path / "b.csv"), (2019, tmp_path / "c.csv")]
    table = read_editions(files, towns({"04001": 5, "04049": 5})).populations
    assert table["population_year"].tolist() == [2019, 2019, 2020, 2020]
    assert table["population"].fillna(-1).tolist() == [1, 300, -1, 20]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UsageError, match=r"la marge est 1\.5"):
        watch(history(1), margin=1.5)
    with pytest.raises(UsageError, match="lissée sur 0 ans"):
        smoothed(history(1), years=0)
    with pytest.raises(DataError, match="année"):
        of_study(towns({"04001": 1}).assign(population_year=pd.array([None], dtype="Int64")))


def test_the_command(run, tmp_path: Path) -> None:
    result = run("watch", "--margin", "0.25", "-f", "csv")
    assert result.code == 0
    assert "974-nord,CPTS Réunion Nord,lettre_intention,175000,2023,218278,4,43278,0.247303,True,," in result.out
    bad = tmp_path / "pop.csv"
    bad.write_text("insee_code,population\n1001,5\n", encoding="utf-8")
    refused = run("watch", "--edition", f"2020={bad}")
    assert refused.code == 1
    assert "zéro" in refused.err
    assert "pop.csv, ligne 2" in refused.err


@pytest.fixture(scope="module")
def real(shared: Path) -> pd.DataFrame:
    names = {2019: "2019", 2020: "2020b", 2021: "2021", 2022: "2022", 2023: "2023"}
    folder = shared / "populations"
    files = [(year, folder / f"donnees_communes_pop{name}.csv") for year, name in names.items()]
    communes = read_communes()
    editions = read_editions(files, communes)
    assert not (editions.unmatched["reason"] != "unit_absent").any()
    cpts = read_perimeters(shared / "cpts" / "cpts_communes_paca.csv", communes)
    totals = editions.populations.groupby("population_year")["population"].sum().to_dict()
    assert totals == {2019: 66_988_403, 2020: 67_162_154, 2021: 67_408_052, 2022: 67_760_573, 2023: 68_094_280}
    absent = editions.unmatched[~editions.unmatched["insee_code"].str.startswith("976")]
    assert absent.groupby("population_year").size().to_dict() == {2019: 7, 2020: 7, 2021: 7, 2022: 4}
    return cpts_editions(editions.populations, cpts)


@pytest.mark.real_data
def test_paca_over_five_editions(real: pd.DataFrame, shared: Path) -> None:
    table = watch(real).set_index("cpts_name")
    assert table["crossings"].to_dict() == {
        "CPTS Cerebellum - Pays de Sorgues et Lubéron": "",
        "CPTS Cœur du Var": "2021 ↑",
        "CPTS du Plateau": "2021 ↓",
    }
    plateau = real[real["cpts_name"] == "CPTS du Plateau"]
    listed = pd.read_csv(shared / "cpts" / "cpts_communes_paca.csv", dtype="str")
    codes = set(listed.loc[listed["nom_cpts"] == "CPTS du Plateau", "code_insee"])
    raw = pd.read_csv(shared / "populations" / "donnees_communes_pop2019.csv", sep=";", dtype="str")
    assert raw.loc[raw["COM"].isin(codes), "PMUN"].astype(int).sum() == plateau["population"].iloc[0] == 42_135
    effect = smoothing_effect(smoothed(real, paid_stages=["unknown"])).set_index("population_year")
    assert effect["maximum_effect"].to_dict() == {2019: 0, 2020: 0, 2021: 95_000, 2022: 95_000, 2023: 0}
