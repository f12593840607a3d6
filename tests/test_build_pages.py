"""The pages of a whole build, opened in a real browser with the network watched."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cptsgeo.build import build
from cptsgeo.maps.pages import PAGES
from cptsgeo.study import Inputs
from tests.browser import open_table

HOSTILE_COMMUNE = "</script><img src=x onerror=alert(1)>"
HOSTILE_CPTS = "CPTS ${alert(2)} `x` {{7*7}} \u202e<b>"


@pytest.fixture(scope="module")
def hostile_build(once: Callable[..., Path]) -> Path:
    """Build from tables whose names are markup and code."""
    return once("hostile_build", write_hostile) / "atlas"


def write_hostile(folder: Path) -> None:
    folder.mkdir()
    communes = folder / "communes.csv"
    communes.write_text(
        "insee_code;name;population;population_year\n"
        f'97209;"{HOSTILE_COMMUNE}";76512;2023\n97213;Le Lamentin;40000;2023\n97229;Schœlcher;19847;2023\n',
        encoding="utf-8",
    )
    perimeters = folder / "perimeters.csv"
    perimeters.write_text(
        f'cpts_name;insee_code;stage\n"{HOSTILE_CPTS}";97209;aci_signe\n"{HOSTILE_CPTS}";97213;aci_signe\n',
        encoding="utf-8",
    )
    build(Inputs(communes=(communes,), perimeters=perimeters), folder / "atlas")


@pytest.mark.browser
@pytest.mark.parametrize("name", [*PAGES, "index"])
def test_no_page_asks_the_network_or_runs_a_name(
    hostile_build: Path,
    open_page: Callable[..., Any],
    name: str,
) -> None:
    """The fixture fails on any request, dialog, console message or page error."""
    page = open_page(hostile_build / f"{name}.html", ready=name != "index")
    assert page.locator("h1").inner_text()
    if name != "index":
        text = open_table(page).inner_text()
        assert HOSTILE_COMMUNE in text
        assert "CPTS ${alert(2)} `x` {{7*7}}" in text
    assert page.locator("img[src=x]").count() == 0


def test_every_link_of_the_index_leads_to_a_file(hostile_build: Path) -> None:
    text = (hostile_build / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+)"', text)
    assert len(links) >= len(PAGES) + 10
    assert all((hostile_build / link).is_file() for link in links)


LEGENDS = """() => [...document.querySelectorAll('.cg-legend')].map((legend) => [...legend.querySelectorAll('tbody tr')].map((row) =>
    [row.querySelector('th').textContent, Number(row.querySelector('td').textContent.replace(/\\s/g, ''))]))"""
THEMES = "cptsgeo.layer.store.meta.themes.map((one) => one.told ? one.title : {stage: 'Stade', plan: 'Plan'}[one.key])"


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_the_table_tells_every_class_that_the_legend_counts(
    embedded_build: Path, open_page: Callable[..., Any], name: str
) -> None:
    """Nothing is said by colour alone: a column of the table has each class as often as the legend counts it."""
    page = open_page(embedded_build / f"{name}.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    table = pd.read_csv(download.value.path(), sep=";", dtype="str", keep_default_na=False)
    for column, legend in zip(page.evaluate(THEMES), page.evaluate(LEGENDS), strict=True):
        told = table[column].str.lower().replace({"": "couverte par une cpts aujourd’hui"}).value_counts()
        counted = {
            label.partition("\u202f:")[0].lower() if column == "Stade" else label.lower(): count
            for label, count in legend
        }
        assert told.to_dict() == {label: count for label, count in counted.items() if count}
