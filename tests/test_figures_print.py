"""Maps and charts for print: same bytes each time, text that stays text, hostile names, every paper."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cptsgeo.charts import stage_shares
from cptsgeo.paper import PAPERS, drawing_style, new_figure, save_figures
from tests.maps.payloads import PAYLOADS


def svg_text(path: Path) -> str:
    return " ".join("".join(one.itertext()) for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")).replace(
        "\u202f", " "
    )


def test_the_map_says_what_the_pages_say_and_keeps_text(run: Any, tmp_path: Path) -> None:
    assert run("figure", "-o", tmp_path / "a.svg").code == 0
    text = svg_text(tmp_path / "a.svg")
    for words in (
        "79,7 % des habitants",
        "29 communes, 365 732 habitants",
        "Mayotte",
        "10 km",
        "Zone blanche",
        "INSEE",
    ):
        assert words in text, words
    assert run("figure", "-o", tmp_path / "b.svg").code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "file exists" not in text
    assert "existe déjà" in run("figure", "-o", tmp_path / "a.svg").err


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_the_same_inputs_give_the_same_bytes(run: Any, tmp_path: Path, ending: str) -> None:
    for name in ("a", "b"):
        assert run("figure", "--what", "sizes", "-o", tmp_path / f"{name}.{ending}").code == 0
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("regions", ["Martinique", "100,0 %", "12,0 %", "Lettre d’intention"]),
        ("departements", ["Guyane", "52,3 %"]),
        ("sizes", ["Taille 4", "CPTS,"]),
        ("density", ["214 255 habitants, 58,6 % des zones blanches"]),
    ],
)
def test_charts_hold_the_figures(run: Any, tmp_path: Path, what: str, words: list[str]) -> None:
    result = run("figure", "--what", what, "--paper", "16:9", "-o", tmp_path / "c.svg")
    assert result.code == 0, result.err
    text = svg_text(tmp_path / "c.svg")
    for word in words:
        assert word in text, word


def test_stage_shares_by_hand() -> None:
    def row(code: str, counting: str, stage: str, rate: float) -> dict[str, Any]:
        return {"code": code, "name": f"D{code}", "counting": counting, "stage": stage, "coverage_rate": rate}

    table = pd.DataFrame(
        [
            *(row("01", "exclusive", "aci_signe", 0.25), row("01", "exclusive", "pre_projet", 0.25)),
            *(row("02", "exclusive", "aci_signe", 0.75), row("02", "exclusive", "pre_projet", 0.0)),
            *(row("03", "exclusive", "aci_signe", float("nan")), row("03", "exclusive", "pre_projet", float("nan"))),
            *(row("01", "cumulative", "any", 0.5), row("02", "cumulative", "any", 0.75)),
            row("03", "cumulative", "any", float("nan")),
        ]
    )
    shares = stage_shares(table)
    assert shares["code"].tolist() == ["02", "01"]
    assert shares["aci_signe"].tolist() == [0.75, 0.25]
    assert (shares[["aci_signe", "pre_projet"]].sum(axis=1) - shares["covered"]).abs().max() == 0


def test_one_map_a_page_for_each_place(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "serie.pdf"
    assert run("figure", "--each", "departement", "--paper", "a4-portrait", "-o", path).code == 0
    data = path.read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) == 4
    assert b"CreationDate" not in data
    fonts = b"".join(
        zlib.decompress(part) for part in re.findall(rb"stream\r?\n(x.+?)\r?\nendstream", data, re.DOTALL)[:1]
    )
    assert b"BT" in fonts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "carte.gif"], "n’est pas un format de figure"),
        (["--each", "cpts", "-o", "carte.png"], "PDF"),
        (["--each", "cpts", "--what", "sizes", "-o", "carte.pdf"], "PDF"),
    ],
)
def test_wrong_usage(run: Any, tmp_path: Path, monkeypatch: Any, options: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("figure", *options)
    assert result.code == 2
    assert words in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("paper", PAPERS)
def test_hostile_names_are_drawn_as_text(
    run: Any, toy_files: Any, toy_communes: pd.DataFrame, tmp_path: Path, paper: str
) -> None:
    names = [name for name in PAYLOADS if name.strip() and not re.search(r"[\r\n\x00-\x1f]", name)]
    communes = toy_communes[["insee_code", "name", "population", "population_year"]].copy()
    start = list(PAPERS).index(paper) * 10
    communes["name"] = names[start : start + 10]
    communes.to_csv(toy_files.communes, index=False)
    result = run(
        *("figure", "--communes", toy_files.communes, "--contours", toy_files.contours, "--accept-holes"),
        *("--perimeters", toy_files.perimeters, "--cpts", toy_files.cpts, "--scope", "departement=04"),
        *("--paper", paper, "-o", tmp_path / "carte.svg"),
    )
    assert result.code == 0, result.err
    root = ET.parse(tmp_path / "carte.svg").getroot()
    assert not [one for one in root.iter() if one.tag.rpartition("}")[2] in {"script", "image", "foreignObject", "a"}]
    text = "".join(root.itertext())
    assert sum(name in text for name in communes["name"][:4]) >= 1


@pytest.mark.filterwarnings("ignore:Glyph")
def test_sixty_hostile_names_in_one_svg_and_one_pdf(tmp_path: Path) -> None:
    names = [name for name in PAYLOADS if name.strip() and not re.search(r"[\r\n\t\x00-\x1f]", name)]
    assert len(names) >= 60
    with drawing_style():
        figure = new_figure("a4")
        for at, name in enumerate(names):
            figure.text(0.1, at / len(names), name, fontsize=4)
    for form in ("svg", "pdf"):
        save_figures([figure], tmp_path / f"names.{form}", form=form, title=" | ".join(names))
    root = ET.parse(tmp_path / "names.svg").getroot()
    text = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    shown = [name.replace("\u200b", "").replace("\ufeff", "") for name in names]
    assert [name for name in shown if name not in text] == []
    assert not [one for one in root.iter() if one.tag.rpartition("}")[2] in {"script", "image", "foreignObject", "a"}]
    content = (tmp_path / "names.pdf").read_bytes()
    for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/OpenAction", b"/EmbeddedFile"):
        assert word not in content, word
