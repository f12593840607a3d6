"""Maps and charts for print: same bytes each time, text that stays text, hostile names, every paper."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pypdfium2
import pytest
from pyproj import Geod

from cptsgeo.atlas.content import Writer
from cptsgeo.atlas.places import read_atlas
from cptsgeo.charts import stage_shares
from cptsgeo.i18n import number
from cptsgeo.maps.pages import credits_of
from cptsgeo.paper import PAPERS, drawing_style, new_figure, save_figures
from cptsgeo.print_map import map_figure
from cptsgeo.results import Results, compute
from cptsgeo.study import Inputs, read_study
from tests.maps.hostile import NAMES, flat, hostile_inputs
from tests.maps.payloads import PAYLOADS

SVG = "{http://www.w3.org/2000/svg}"


def svg_text(path: Path) -> str:
    return " ".join("".join(one.itertext()) for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")).replace(
        "\u202f", " "
    )


@pytest.fixture
def draw(run: Any, monkeypatch: pytest.MonkeyPatch, embedded_results: Results) -> Callable[..., Any]:
    """Run ``cptsgeo figure`` on the embedded data without computing them each time."""

    def draw(*options: object) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr("cptsgeo.cli.figure.study", lambda **_options: embedded_results.study)
            patch.setattr("cptsgeo.results.compute", lambda _study, **_choices: embedded_results)
            return run("figure", *options)

    return draw


def test_the_map_says_what_the_pages_say_and_keeps_text(run: Any, draw: Any, tmp_path: Path) -> None:
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
    assert draw("-o", tmp_path / "b.svg").code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "existe déjà" in draw("-o", tmp_path / "a.svg").err


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ((), "png"),
        ((), "pdf"),
        (("--what", "sizes"), "png"),
        (("--what", "sizes"), "pdf"),
        (("--what", "sizes"), "svg"),
    ],
)
def test_the_same_inputs_give_the_same_bytes(draw: Any, tmp_path: Path, options: tuple[str, ...], ending: str) -> None:
    for name in ("a", "b"):
        assert draw(*options, "-o", tmp_path / f"{name}.{ending}").code == 0
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_the_sheet_holds_legend_credits_insets_north_and_scale(
    draw: Any, tmp_path: Path, embedded_results: Results
) -> None:
    assert draw("-o", tmp_path / "a.svg").code == 0
    text = svg_text(tmp_path / "a.svg")
    writer = Writer(read_atlas(embedded_results))
    home = writer.atlas.home
    wanted = [one.label for one, _units, _population in writer.legend(home)]
    wanted += [
        f"{number(units)} commune{'s' * (units > 1)}, {number(population)} habitants"
        for _one, units, population in writer.legend(home)
    ]
    wanted += [value for _term, value in writer.facts(home)]
    wanted.append(" · ".join(credits_of(embedded_results)))
    assert [words for words in wanted if words.replace("\u202f", " ") not in text] == []
    for territory in ("Martinique", "Guyane", "La Réunion", "Mayotte"):
        assert re.search(rf"(?<![:,(] ){territory}(?!,)", text), territory
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert not list(root.iter(f"{SVG}image"))
    (north,) = [one for one in root.iter(f"{SVG}text") if one.text == "N"]
    x, y = float(north.get("x")), float(north.get("y"))
    tips = [one.get("d").split()[1:3] for one in root.iter(f"{SVG}path") if "M" in one.get("d", "")]
    above = [(float(left), float(top)) for left, top in tips if abs(float(left) - x) < 4 and 0 < float(top) - y < 30]
    assert above, "an arrow under the letter"


def test_the_scale_is_what_a_ruler_measures(run: Any, tmp_path: Path) -> None:
    """Dots of two towns on paper, and the geodesic between the middles of their communes."""
    path = tmp_path / "martinique.svg"
    assert run("figure", "--scope", "departement=972", "-o", path).code == 0
    root = ET.parse(path).getroot()
    uses = [one for one in root.iter(f"{SVG}use") if "stroke-width: 0.4" in one.get("style", "")]
    dots = [(float(one.get("x")), float(one.get("y"))) for one in uses]
    texts = ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]
    bar = texts.index(next(text for text in texts if re.fullmatch(r"[\d,\u202f]+ km", text)))
    towns = texts[bar - len(dots) : bar]
    study = read_study(Inputs(), with_contours=True)
    names = study.communes.set_index("insee_code")["name"]
    boxes = study.contours.set_index("insee_code").bounds
    boxes = boxes[boxes.index.str.startswith("972")].set_index(names[boxes.index[boxes.index.str.startswith("972")]])
    (one, first), *_others, (other, last) = sorted(zip(dots, towns, strict=True), key=lambda town: town[0][1])
    (west, south), (east, north) = (
        ((boxes.minx[name] + boxes.maxx[name]) / 2, (boxes.miny[name] + boxes.maxy[name]) / 2) for name in (first, last)
    )
    metres = Geod(ellps="WGS84").inv(west, south, east, north)[2]
    ruler = [one.get("d") for one in root.iter(f"{SVG}path") if "stroke-width: 1.4" in one.get("style", "")]
    start, end = (float(x) for x in re.findall(r"[ML] ([\d.]+) ", ruler[0]))
    drawn = metres * (end - start) / math.dist(one, other)
    assert drawn == pytest.approx(1000 * float(texts[bar].removesuffix(" km").replace(",", ".")), rel=0.01)


def test_a_city_is_named_once_but_where_the_map_is_close_to_it(embedded_results: Results) -> None:
    atlas = read_atlas(embedded_results)
    codes, names = (atlas.columns[name].copy() for name in ("insee_code", "name"))
    atlas = replace(atlas, columns={**atlas.columns, "insee_code": codes, "name": names})
    writer = Writer(atlas)
    place = atlas.places["departement"]["972"]
    for at, number_ in enumerate((3, 5, 8)):
        row = place.rows[at]
        codes[row], names[row] = f"6938{number_}", f"Lyon {number_}e Arrondissement"
        writer.population[row] = 10_000_000 - at
    towns = [name for name, _x, _y in writer.drawing(place, writer.frames(place)).towns]
    assert [name for name in towns if "Lyon" in name] == ["Lyon"]
    assert len(towns) == len(set(towns)) > 20
    whole = replace(place, kind="cpts")
    towns = [name for name, _x, _y in writer.drawing(whole, writer.frames(whole)).towns]
    assert [name for name in towns if "Lyon" in name] == [f"Lyon {number_}e Arrondissement" for number_ in (3, 5, 8)]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("regions", ["Martinique", "100,0 %", "12,0 %", "Lettre d’intention"]),
        ("departements", ["Guyane", "52,3 %"]),
        ("sizes", ["Taille 4", "CPTS,"]),
        ("density", ["214 255 habitants, 58,6 % des zones blanches"]),
    ],
)
def test_charts_hold_the_figures(draw: Any, tmp_path: Path, what: str, words: list[str]) -> None:
    result = draw("--what", what, "--paper", "16:9", "-o", tmp_path / "c.svg")
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


def test_one_map_a_page_for_each_place(draw: Any, tmp_path: Path) -> None:
    path = tmp_path / "serie.pdf"
    assert draw("--each", "departement", "--paper", "a4-portrait", "-o", path).code == 0
    data = path.read_bytes()
    assert draw("--each", "departement", "--paper", "a4-portrait", "-o", path, "--overwrite").code == 0
    assert path.read_bytes() == data
    assert len(re.findall(rb"/Type /Page\b", data)) == 4
    assert b"CreationDate" not in data
    fonts = b"".join(
        zlib.decompress(part) for part in re.findall(rb"stream\r?\n(x.+?)\r?\nendstream", data, re.DOTALL)[:1]
    )
    assert b"BT" in fonts
    assert b"/Subtype /Image" not in data
    paper = pypdfium2.PdfDocument(data)
    texts = [page.get_textpage().get_text_bounded() for page in paper]
    paper.close()
    for text, name in zip(
        texts, ("Martinique (972)", "Guyane (973)", "La Réunion (974)", "Mayotte (976)"), strict=True
    ):
        assert name in text
        assert re.search(r"\d km", text)
        assert "INSEE" in text


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


@pytest.mark.filterwarnings("ignore:Glyph")
def test_sixty_hostile_names_of_communes_are_drawn_as_text_on_every_paper(tmp_path: Path) -> None:
    """Each map names the most populous communes: each paper shows others, and the last the ones that had no room."""
    folder = tmp_path / "inputs"
    hostile_inputs(folder)
    (listing,) = set(folder.iterdir()) - {folder / "communes.csv", folder / "contours.gpkg"}
    chosen = Inputs(communes=(folder / "communes.csv",), contours=(folder / "contours.gpkg",), perimeters=listing)
    results = compute(read_study(replace(chosen, accept_holes=True), with_contours=True))
    writer = Writer(read_atlas(results))
    people, left = writer.population.copy(), set(NAMES)
    for paper in (*PAPERS, "a3"):
        names = [flat(name) for name in writer.atlas.columns["name"]]
        writer.population = people + 100_000 * np.isin(names, sorted(left))
        figure = map_figure(writer, writer.atlas.home, paper=paper)
        save_figures([figure], tmp_path / "carte.svg", form="svg", title=NAMES[0])
        root = ET.parse(tmp_path / "carte.svg").getroot()
        active = {"script", "image", "foreignObject", "a"}
        assert not [one for one in root.iter() if one.tag.rpartition("}")[2] in active]
        left -= {flat("".join(one.itertext())) for one in root.iter(f"{SVG}text")}
    assert len(NAMES) - len(left) >= 60


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:Glyph")
def test_sixty_hostile_names_in_one_svg_and_one_pdf(open_page: Callable[..., Any], tmp_path: Path) -> None:
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
    shown = [
        re.sub("[\u2028\u2029]", " ", re.sub("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", name))
        for name in names
    ]
    assert [name for name in shown if name not in text] == []
    page = open_page(tmp_path / "names.svg", ready=False)
    drawn = page.evaluate("[...document.querySelectorAll('text')].map((one) => one.textContent)")
    assert [name for name in shown if name not in drawn] == []
    assert not [one for one in root.iter() if one.tag.rpartition("}")[2] in {"script", "image", "foreignObject", "a"}]
    content = (tmp_path / "names.pdf").read_bytes()
    for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/OpenAction", b"/EmbeddedFile"):
        assert word not in content, word
