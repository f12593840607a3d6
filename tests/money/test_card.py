"""Identity card: its figures by hand, its page read back, hostile names; those of PACA are in tests/planning."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.card import cards, cpts_neighbours, territory_type
from cptsgeo.card_page import card_page
from cptsgeo.errors import DataError
from cptsgeo.i18n import language
from cptsgeo.perimeters import Perimeters
from cptsgeo.watch import cpts_editions
from tests.maps.payloads import PAYLOADS
from tests.money.money_toys import perimeters, towns

UNITS = towns(
    {"04001": 30_000, "04002": 9_000, "05001": 1_001, "26001": 50_000},
    epci={"04001": "200000001", "04002": "200000001", "05001": "200000002"},
    levels={"04001": 5, "04002": 1, "05001": 7, "26001": 1},
)
CPTS = perimeters(
    {"a": "aci_signe", "b": None, "c": "pre_projet"},
    [("a", "04001"), ("a", "05001"), ("b", "04001"), ("b", "04002"), ("c", "26001", 0.5)],
    aci_signed_on={"a": "2023-08-31"},
)
BORDERS = pd.DataFrame(
    {
        "insee_code": ["04001", "04001", "04002", "05001"],
        "other_code": ["04002", "05001", "05001", "26001"],
        "border_km": [10.0, 20.0, 1.5, 0.0],
    }
)


@pytest.mark.parametrize("paid_stages", [("aci_signe",), ("aci_signe", "unknown"), ("projet_valide",)])
def test_a_page_says_that_a_contract_is_signed_only_where_it_is(paid_stages) -> None:
    """Who is counted as paid is a choice of the user; who has signed is not."""
    pages = {
        cpts_id: " ".join(card_page(card).split())
        for cpts_id, card in cards(UNITS, CPTS, paid_stages=paid_stages).items()
    }
    signed, unknown, early = (pages[cpts_id] for cpts_id in "abc")
    assert "Son ACI est signé" in signed
    assert "Son stade n’est pas connu" in unknown
    assert "Son ACI n’est pas signé" in early
    assert "Son ACI est signé" not in unknown + early
    assert '<time datetime="2023-08-31">31 août 2023</time>' in signed


def test_a_card_by_hand() -> None:
    card = cards(UNITS, CPTS, borders=BORDERS)["a"]
    assert (card["population"], card["size_class"], card["units"]) == (31_001, 1, 2)
    assert (card["to_lower_bound"], card["to_upper_bound"]) == (None, 8_998)
    assert card["stage_dates"] == {"lettre_intention_on": None, "projet_valide_on": None, "aci_signed_on": "2023-08-31"}
    assert card["territory"]["type"] == "rural"
    assert [(place["code"], place["share"]) for place in card["departements"]] == [
        ("04", 30_000 / 31_001),
        ("05", 1_001 / 31_001),
    ]
    assert card["epci"][0]["epci_rate"] == 30_000 / 39_000
    assert [place["whole"] for place in card["epci"]] == [False, True]
    assert card["trend"] is None
    assert card["budget"]["paid"] is True
    assert card["budget"]["maximum"] == 287_500
    # a and b share 04001: only the border between 05001 (a alone) and 04002 (b alone) parts them
    assert [(near["cpts_id"], near["border_km"], near["units_shared"]) for near in card["neighbours"]] == [
        ("b", 1.5, 1)
    ]
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_what_is_not_known_is_none() -> None:
    found = cards(UNITS.assign(density_level=pd.array([None] * 4, dtype="Int64")), CPTS)
    assert found["a"]["territory"] == {
        "type": "unknown",
        "population_rural": 0,
        "population_density_unknown": 31_001,
        "rural_rate": None,
    }
    assert found["a"]["neighbours"] is None
    assert found["b"]["budget"]["paid"] is None
    empty = perimeters({"a": None, "d": None}, [("a", "04001")])
    card = cards(UNITS, empty, borders=BORDERS)["d"]
    assert (card["size_class"], card["members"], card["neighbours"], card["territory"]["type"]) == (
        None,
        [],
        [],
        "unknown",
    )
    assert "–" in card_page(card)


def test_neighbours_are_the_same_seen_from_both_sides() -> None:
    table = cpts_neighbours(CPTS, BORDERS)
    pairs = table.set_index(["cpts_id", "other_id"])["border_km"].to_dict()
    assert pairs == {("a", "b"): 1.5, ("b", "a"): 1.5}


@settings(max_examples=12)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_type_of_territory_is_unknown_only_when_it_could_change(rural, urban, unknown) -> None:
    total = rural + urban + unknown
    found = territory_type(total, rural, unknown)
    if total == 0:
        assert found == "unknown"
        return
    possible = {
        "rural" if 3 * count >= 2 * total else "urbain" if 3 * count <= total else "mixte"
        for count in range(rural, rural + unknown + 1)
    }
    assert found == (possible.pop() if len(possible) == 1 else "unknown")


class Reader(HTMLParser):
    """Keep what a page asks for and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_makes_no_request_and_allows_its_own_style_alone() -> None:
    page = card_page(cards(UNITS, CPTS, borders=BORDERS)["a"])
    reader = read(page)
    asking = [tag for tag, attributes in reader.tags if {"src", "href", "srcset", "data", "style"} & set(attributes)]
    assert asking == []
    assert not {"script", "link", "iframe", "img", "form"} & {tag for tag, _attributes in reader.tags}
    policy = next(tag["content"] for name, tag in reader.tags if tag.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "31\u202f001" in reader.text
    assert "287\u202f500" in reader.text
    assert "31 août 2023" in reader.text


def test_hostile_names_are_text() -> None:
    name = "<script>alert(1)</script>\"'&"
    cpts = Perimeters(CPTS.cpts.assign(cpts_name=name), CPTS.membership)
    page = card_page(cards(UNITS.assign(name=name, departement_name=name), cpts, borders=BORDERS)["a"])
    assert "<script" not in page
    assert name in read(page).text


@pytest.mark.browser
def test_sixty_hostile_names_are_text_in_a_browser(open_page: Any) -> None:
    codes = [f"04{at:03d}" for at in range(1, len(PAYLOADS) + 1)]
    units = towns(dict.fromkeys(codes, 100), epci={code: f"2{code}0000"[:9] for code in codes})
    units["epci_name"] = list(PAYLOADS)
    cpts = perimeters({"a": None}, [("a", code) for code in codes])
    page = open_page(
        card_page(cards(units, Perimeters(cpts.cpts.assign(cpts_name=PAYLOADS[0]), cpts.membership))["a"]), ready=False
    )
    assert page.locator("h1").evaluate("e => e.textContent").endswith(PAYLOADS[0])
    shown = page.locator("td, th").evaluate_all("all => all.map((one) => one.textContent)")
    assert sum(any(name in text for text in shown) for name in PAYLOADS) >= 60
    assert page.locator("script, img, iframe, form, base, svg, [onerror], [onload]").count() == 0


def test_the_page_in_english_and_with_a_trend() -> None:
    rows = pd.concat(
        [UNITS.assign(population_year=year, population=UNITS["population"] + year - 2023) for year in (2019, 2023)]
    )
    editions = cpts_editions(rows[["population_year", "insee_code", "population"]], CPTS)
    card = cards(UNITS, CPTS, editions=editions)["a"]
    assert [entry["population"] for entry in card["trend"]] == [31_001 - 8, 31_001]
    with language("en"):
        page = card_page(card)
    assert '<html lang="en">' in page
    assert "Identity card" in page
    assert "30,993" in page
    assert page.count("<circle") == 2
    assert card_page(card) != page


def test_the_command(run, tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    result = run("card", "974-nord", "-o", path)
    assert result.code == 0
    assert "Réunion Nord" in path.read_text(encoding="utf-8")
    card = json.loads(run("card", "974-nord").out)
    assert card["population"] == 218_278
    assert card["neighbours"] is None  # the embedded outlines are schematic
    missing = run("card", "974-nor")
    assert missing.code == 1
    assert "974-nord" in missing.err
    assert run("card", "974-nord", "-o", tmp_path / "card.pdf").code == 2
    assert run("card", "974-nord", "-o", path).code == 1


def test_an_unknown_cpts_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match="aucune CPTS de la liste"):
        cards(UNITS, CPTS, cpts_ids=["zzz"])
