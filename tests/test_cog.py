"""Codes from one date of the COG to another: by hand, then on INSEE's own movements."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from cptsgeo.cog import carry_counts, carry_levels, former_codes, old_names, passage
from cptsgeo.errors import DataError, UsageError
from cptsgeo.sources import cog
from cptsgeo.sources.insee import read_density_grid


def moves(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["effective", "code_before", "code_after"]).assign(
        effective=lambda table: pd.to_datetime(table["effective"])
    )


def ends(movements: pd.DataFrame, since: str, until: str, **parts: pd.Series) -> dict[str, list[str]]:
    table = passage(movements, date.fromisoformat(since), date.fromisoformat(until), **parts)
    return table.groupby("code_before")["code_after"].agg(list).to_dict()


def test_a_chain_of_mergers_is_followed_and_the_dates_bound_it() -> None:
    chain = moves(
        *[("2017-01-01", "A", "B"), ("2017-01-01", "B", "B")],
        *[("2019-01-01", "B", "C"), ("2019-01-01", "C", "C")],
    )
    assert ends(chain, "2016-01-01", "2018-01-01") == {"A": ["B"]}
    assert ends(chain, "2016-01-01", "2020-01-01") == {"A": ["C"], "B": ["C"]}
    assert ends(chain, "2017-01-01", "2020-01-01") == {"B": ["C"]}
    assert ends(chain, "2019-01-01", "2020-01-01") == {}


def test_two_movements_of_one_day_are_followed_through_in_any_order() -> None:
    rows = [("2018-01-01", "A", "X"), ("2018-01-01", "X", "B"), ("2018-01-01", "B", "B")]
    for order in (rows, rows[::-1]):
        assert ends(moves(*order), "2017-01-01", "2019-01-01")["A"] == ["B"]


def test_a_commune_re_established_takes_back_its_own_land() -> None:
    undone = moves(
        *[("2016-01-01", "A", "A"), ("2016-01-01", "B", "A"), ("2016-01-01", "C", "A")],
        *[("2024-01-01", "A", "A"), ("2024-01-01", "A", "C")],
    )
    assert ends(undone, "2015-01-01", "2025-01-01") == {"B": ["A"]}
    assert ends(undone, "2020-01-01", "2025-01-01") == {"A": ["A", "C"]}
    with_parts = {"parts": pd.Series({"B": "C"})}
    assert ends(undone, "2015-01-01", "2025-01-01", **with_parts) == {"B": ["C"]}


def test_a_commune_that_leaves_the_cog_has_no_successor() -> None:
    table = passage(moves(("2007-02-23", "97123", "")), date(2000, 1, 1), date(2020, 1, 1))
    assert table["code_after"].isna().tolist() == [True]


def test_codes_are_not_carried_back() -> None:
    with pytest.raises(UsageError, match="ne se ramènent pas"):
        passage(moves(("2017-01-01", "A", "B")), date(2020, 1, 1), date(2019, 1, 1))


def test_counts_add_in_mergers_and_share_by_population_in_splits() -> None:
    moved = passage(
        moves(
            *[("2020-01-01", "A", "B"), ("2020-01-01", "B", "B")],
            *[("2020-01-01", "S", "S"), ("2020-01-01", "S", "T")],
            *[("2020-01-01", "U", "U"), ("2020-01-01", "U", "V"), ("2020-01-01", "W", "V")],
            *[("2020-01-01", "Y", "Y"), ("2020-01-01", "Y", "Z")],
            ("2020-01-01", "L", ""),
        ),
        date(2019, 1, 1),
        date(2021, 1, 1),
    )
    counts = pd.Series({"A": 1, "B": 2, "S": 100, "U": 7, "W": 5, "Y": 9, "L": 4, "K": 3}, name="doctors")
    carried, refused = carry_counts(counts, moved, pd.Series({"S": 300, "T": 100, "U": 1, "V": 1, "Y": 5}))
    assert carried.to_dict() == {"B": 3, "S": 75, "T": 25, "V": 5, "K": 3}
    assert refused.set_index("code_before")["reason"].to_dict() == {
        "U": "shared_target",
        "Y": "population_missing",
        "L": "left_the_cog",
    }
    assert carried.sum() + refused["count"].sum() == counts.sum()


def test_levels_follow_most_inhabitants_and_doubt_is_listed() -> None:
    moved = passage(
        moves(
            *[("2020-01-01", "A", "B"), ("2020-01-01", "B", "B"), ("2020-01-01", "C", "D"), ("2020-01-01", "D", "D")],
            *[("2020-01-01", "E", "F"), ("2020-01-01", "F", "F"), ("2020-01-01", "S", "S"), ("2020-01-01", "S", "T")],
        ),
        date(2019, 1, 1),
        date(2021, 1, 1),
    )
    levels = pd.DataFrame(
        [("A", 5, 10), ("B", 6, 90), ("C", 3, 1), ("D", 3, 9), ("E", 2, 50), ("F", 4, 50), ("S", 7, 8), ("K", 1, 5)],
        columns=["insee_code", "level", "population"],
    )
    carried, ambiguous = carry_levels(levels, moved)
    assert carried.set_index("insee_code")["level"].dropna().to_dict() == {"B": 6, "D": 3, "S": 7, "T": 7, "K": 1}
    assert ambiguous.set_index("insee_code")["reason"].to_dict() == {
        "B": "levels_differ",
        "F": "tie",
        "S": "split",
        "T": "split",
    }
    assert ambiguous.set_index("insee_code").at["B", "weights"] == "5: 10, 6: 90"


def test_a_changed_layout_shows_found_and_expected_columns(tmp_path: Path) -> None:
    path = tmp_path / "v_commune_2027.csv"
    path.write_text("TYPECOM,CODE,REG,DEP,CTCD,ARR,TNCC,NCC,NCCENR,LIBELLE,CAN,COMPARENT\nCOM,01001,84,01,,,,,,X,,\n")
    with pytest.raises(DataError) as caught:
        cog.read_units(path)
    assert "CODE       COM        ≠" in str(caught.value)
    assert "INSEE" in str(caught.value)


@pytest.mark.real_data
def test_every_former_code_leads_where_the_embedded_table_says(shared: Path) -> None:
    units = cog.read_units(shared / "cog" / "communes.csv")
    movements = cog.read_movements(shared / "cog" / "mouvements-communes.csv")
    moved = passage(cog.commune_movements(movements), date(1943, 1, 1), date(2026, 1, 1), parts=cog.parts(units))
    today = set(units.loc[units["kind"] == "COM", "insee_code"])
    assert len(today) == 34_875
    assert set(moved["code_after"].dropna()) <= today
    single = moved[~moved["split"]].dropna().set_index("code_before")["code_after"]
    known = former_codes()
    both = known.index.intersection(single.index)
    assert len(both) > 4_200
    assert (known[both] == single[both]).all()


@pytest.mark.real_data
def test_the_density_grid_of_2022_covers_the_communes_of_2026(shared: Path) -> None:
    movements = cog.commune_movements(cog.read_movements(shared / "cog" / "mouvements-communes.csv"))
    moved = passage(movements, date(2022, 1, 1), date(2026, 1, 1))
    grid = read_density_grid(shared / "density" / "grille_densite_7_niveaux_2022.xlsx")
    carried, ambiguous = carry_levels(grid.rename(columns={"density_level": "level"}), moved)
    official = read_density_grid(shared / "density" / "densite_7_niveaux_cog2026.csv").set_index("insee_code")
    assert set(carried["insee_code"]) == set(official.index)
    doubted = set(ambiguous["insee_code"])
    changed = carried.set_index("insee_code")["level"].astype("Int64") != official["density_level"]
    assert len(doubted) == 40
    assert changed.sum() == 414  # of 34,875: INSEE classified the grid again


@pytest.mark.real_data
def test_old_names_lead_to_communes_of_today(shared: Path) -> None:
    units = cog.read_units(shared / "cog" / "communes.csv")
    table = old_names(units, cog.read_movements(shared / "cog" / "mouvements-communes.csv"))
    lead = table.set_index("name")["insee_code"]
    assert lead["Seynod"] == "74010"
    assert lead["Hénin-Liétard"] == "62427"
    assert table["kind"].value_counts().to_dict()["deleguee"] > 2_000
