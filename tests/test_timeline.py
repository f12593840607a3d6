"""States over time: each unit at each date by hand, and the theme, the page and the chart made of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cptsgeo.communes import read_communes
from cptsgeo.snapshots import Snapshot, series
from cptsgeo.timeline import timeline
from tests.browser import open_table
from tests.money.money_toys import perimeters, towns

FIRST, LAST = date(2022, 12, 31), date(2024, 12, 31)


def test_each_unit_at_each_date_by_hand() -> None:
    old, new = towns({"04001": 100, "04002": 20}), towns({"04001": 110, "04002": 21, "05001": 3})
    start = perimeters({"a": "pre_projet"}, [("a", "04001")])
    now = perimeters({"a": "aci_signe", "b": None}, [("a", "04001"), ("a", "04002"), ("b", "05001")])
    table = timeline([Snapshot(FIRST, old, start), Snapshot(LAST, new, now)])
    assert table["day"].tolist() == ["2022-12-31"] * 3 + ["2024-12-31"] * 3
    assert table["insee_code"].tolist() == ["04001", "04002", "05001"] * 2
    assert table["stage"].tolist() == ["pre_projet", "white_zone", "white_zone", "aci_signe", "aci_signe", "unknown"]
    assert table["population"].tolist()[:2] == [100, 20]
    assert table["population"].isna().tolist() == [False, False, True, False, False, False]
    assert table["population"].tolist()[3:] == [110, 21, 3]


def test_a_merged_unit_has_the_people_and_the_cpts_of_its_parts() -> None:
    """01340 joined 01015."""
    national = read_communes()
    today = national[national["insee_code"] == "01015"].assign(population=1250)
    old = pd.concat([today.assign(population=1000), today.assign(insee_code="01340", population=200)])
    states = [
        Snapshot(FIRST, old, perimeters({"a": "aci_signe"}, [("a", "01340")])),
        Snapshot(LAST, today, perimeters({}, [])),
    ]
    table = timeline(states)
    assert table[["insee_code", "stage", "population"]].to_numpy().tolist() == [
        ["01015", "aci_signe", 1200],
        ["01015", "white_zone", 1250],
    ]


def test_the_last_state_is_that_of_the_coverage(toy_communes: pd.DataFrame, toy_perimeters: Any) -> None:
    states = [Snapshot(FIRST, toy_communes, toy_perimeters)]
    table, rates = timeline(states), series(states)
    assert table["population"].sum() == rates["population"].iloc[0]
    assert (table["stage"] == "white_zone").sum() == 3


@pytest.fixture
def snapshots(toy_files: Any, toy_communes: pd.DataFrame, tmp_path: Path) -> Path:
    """Two states of the toy territory: first alpha and beta alone, then all."""
    membership = pd.read_csv(toy_files.perimeters, dtype={"insee_code": "str"})
    membership[membership["cpts_id"].isin(["alpha", "beta"])].to_csv(tmp_path / "first.csv", index=False)
    membership.to_csv(tmp_path / "last.csv", index=False)
    cpts = pd.read_csv(toy_files.cpts)
    cpts[cpts["cpts_id"].isin(["alpha", "beta"])].to_csv(tmp_path / "first_cpts.csv", index=False)
    path = tmp_path / "snapshots.toml"
    path.write_text(
        f'[[snapshot]]\ndate = {FIRST}\ncommunes = "{toy_files.communes}"\nperimeters = "first.csv"\n'
        'cpts = "first_cpts.csv"\n'
        f'[[snapshot]]\ndate = {LAST}\ncommunes = "{toy_files.communes}"\nperimeters = "last.csv"\n'
        f'cpts = "{toy_files.cpts}"\n',
        encoding="utf-8",
    )
    return path


@pytest.mark.browser
def test_a_slider_of_dates_and_two_dates_side_by_side(
    run: Any, open_page: Any, toy_files: Any, snapshots: Path, tmp_path: Path
) -> None:
    html = tmp_path / "time.html"
    options = ("--contours", toy_files.contours, "--accept-holes", "--scope", "departement=04,05,26")
    result = run("map", "--snapshots", snapshots, *options, "-o", html)
    assert result.code == 0, result.err
    page = open_page(html)
    assert "de 28,8 % à 58,5 %" in page.locator(".cg-finding").inner_text().replace("\u202f", " ")
    slider = page.locator("#cg-slider")
    assert slider.get_attribute("aria-valuetext") == "31 décembre 2024"
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "31 décembre 2022"
    shown = page.locator(".cg-legend:visible")
    assert shown.count() == 1
    white = shown.locator("tr", has_text="Zone blanche").locator("td").all_inner_texts()
    assert [text.replace("\u202f", " ") for text in white] == ["6", "210 004"]
    page.select_option("#cg-compare", label="31 décembre 2024")
    assert page.locator(".cg-legend:visible").count() == 2
    assert page.locator(".cg-side").all_inner_texts() == ["31 décembre 2022", "31 décembre 2024"]
    page.locator(".cg-divider").focus()
    before = page.evaluate("cptsgeo.layer.tiles.getContainer().style.clipPath")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("cptsgeo.layer.tiles.getContainer().style.clipPath") != before
    page.evaluate("cptsgeo.layer.select(cptsgeo.layer.store.row('05903'))")
    said = page.locator(".cg-tip").inner_text()
    assert "31 décembre 2022\nZone blanche" in said
    assert "31 décembre 2024\nCouverte, stade inconnu" in said
    open_table(page)
    assert page.locator("#cg-table-body th button").all_inner_texts()[-2:] == ["31 décembre 2022", "31 décembre 2024"]
    colours = """() => { window.dispatchEvent(new Event("beforeprint")); const canvas = document.querySelector(".cg-print");
        const counts = [0, 0]; const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        for (let at = 0; at < data.length; at += 4) if (data[at] === 247 && data[at + 1] === 178 && data[at + 2] === 103) {
          counts[(at / 4) % canvas.width < canvas.width / 2 ? 0 : 1]++;
        }
        return counts; }"""
    page.locator(".cg-divider").fill("100")
    whole = page.evaluate(colours)
    page.locator(".cg-divider").fill("50")
    left, right = page.evaluate(colours)
    assert left == whole[0]
    assert right < whole[1]
    page.select_option("#cg-compare", "-1")
    assert page.locator(".cg-divider").count() == 0
    assert page.evaluate("cptsgeo.layer.tiles.getContainer().style.clipPath") == ""
    other = open_page(html, anchor="#theme=stage_2022-12-31&beside=stage_2024-12-31")
    assert other.locator(".cg-side").all_inner_texts() == ["31 décembre 2022", "31 décembre 2024"]


def test_the_chart_over_time_and_wrong_usage(run: Any, toy_files: Any, snapshots: Path, tmp_path: Path) -> None:
    options = ("--contours", toy_files.contours, "--accept-holes", "--scope", "departement=04,05,26")
    for name in ("a", "b"):
        result = run("figure", "--what", "time", "--snapshots", snapshots, *options, "-o", tmp_path / f"{name}.svg")
        assert result.code == 0, result.err
    text = (tmp_path / "a.svg").read_text().replace("\u202f", " ")
    assert "28,8 %" in text
    assert "31 décembre 2022" in text
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    alone = run("figure", "--what", "time", "-o", tmp_path / "c.svg")
    assert alone.code == 2
    assert "--snapshots" in alone.err
    both = run("map", "--snapshots", snapshots, "--communes", toy_files.communes, "-o", tmp_path / "c.html")
    assert both.code == 2
    assert "nomme" in both.err
