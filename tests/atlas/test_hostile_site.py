"""An atlas whose communes, CPTS, white zones and files bear hostile names: they are text wherever they are shown."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from cptsgeo.cli import main
from tests.browser import visit
from tests.maps.hostile import FILE, NAMES, flat, hostile_inputs
from tests.maps.payloads import PAYLOADS

ACTIVE = "img, iframe, svg script, video, math, base, form, object, embed, [onerror], [onload], [href^='javascript:']"


@pytest.fixture(scope="module")
def site(once: Callable[..., Path]) -> Path:
    def write(folder: Path) -> None:
        folder.mkdir()
        options = hostile_inputs(folder / "inputs")
        main(["atlas", "-o", str(folder / "site"), "--url", "https://x.example", *options])

    return once("hostile", write) / "site"


def test_files_have_plain_names_and_feeds_are_xml(site: Path) -> None:
    files = [path.relative_to(site).as_posix() for path in (site).rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[a-zA-Z0-9_./-]+", name) and ".." not in name for name in files)
    for folder, count in (("cpts", len(PAYLOADS)), ("zones", 30)):
        assert sum(name.startswith(f"{folder}/") and name.endswith(".html") for name in files) >= count
    for name in ("feed.xml", "sitemap.xml"):
        ET.parse(site / name)


@pytest.mark.browser
def test_every_page_is_quiet_and_shows_its_names_as_text(browser: Any, site: Path) -> None:
    headings: dict[str, list[str]] = {}
    cells: set[str] = set()
    drawn: set[str] = set()
    broken: list[str] = []

    def look(page: Any, name: str) -> None:
        active, title, heading, own_cells, own_drawn = page.evaluate(
            """(active) => [document.querySelectorAll(active).length, document.title, document.querySelector('h1').textContent,
              [...document.querySelectorAll('td, th, nav span')].map((one) => one.textContent),
              [...document.querySelectorAll('svg text, svg title')].map((one) => one.textContent)]""",
            ACTIVE,
        )
        if active:
            broken.append(name)
        headings.setdefault(name.partition("/")[0], []).extend([flat(title), flat(heading)])
        cells.update(map(flat, own_cells))
        drawn.update(map(flat, own_drawn))

    assert visit(browser, site, look) == []
    assert broken == []
    of_cpts = headings["cpts"]
    assert set(NAMES) <= set(of_cpts[1::2])
    assert all(title.startswith(heading) for title, heading in zip(of_cpts[::2], of_cpts[1::2], strict=True))
    assert set(NAMES) <= cells
    assert sum(any(name in text for text in headings["zones"]) for name in NAMES) >= 30
    assert set(NAMES) <= drawn
    assert FILE[:20] in (site / "sources.html").read_text().replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.browser
def test_the_search_shows_and_finds_every_name(open_page: Callable[..., Any], site: Path) -> None:
    page = open_page(site / "index.html", ready=False)
    found = page.evaluate(
        """async (wanted) => {
          const input = document.getElementById('search'), list = document.getElementById('results');
          const shown = [];
          for (const text of wanted) {
            list.replaceChildren();
            input.value = text;
            input.dispatchEvent(new Event('input'));
            for (let wait = 0; wait < 200 && !list.children.length; wait++) await new Promise((done) => setTimeout(done, 10));
            shown.push([...list.querySelectorAll('bdi')].map((one) => one.textContent));
          }
          return shown;
        }""",
        [*(f"04{at + 301}" for at in range(len(NAMES))), *NAMES],
    )
    by_code, by_name = found[: len(NAMES)], found[len(NAMES) :]
    assert [[flat(name) for name in names] for names in by_code] == [[name] for name in NAMES]
    lost = [name for name, names in zip(NAMES, by_name, strict=True) if name not in map(flat, names)]
    assert lost == []
    assert page.locator(ACTIVE).count() == 0


@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_serial_pdf_prints_every_name_and_holds_nothing_active(tmp_path: Path) -> None:
    pairs = [" ".join(PAYLOADS[at : at + 2]) for at in range(0, len(PAYLOADS), 2)]
    inputs = hostile_inputs(tmp_path / "inputs", pairs)
    main(["figure", "-o", str(tmp_path / "serie.pdf"), "--each", "cpts", *inputs])
    content = (tmp_path / "serie.pdf").read_bytes()
    for word in (b"/JavaScript", b"/JS", b"/Launch", b"/URI", b"/OpenAction", b"/EmbeddedFile", b"/AcroForm"):
        assert word not in content, word
    paper = pypdfium2.PdfDocument(content)
    pages = [seen(page.get_textpage().get_text_bounded()) for page in paper]
    paper.close()
    assert len(pages) == len(pairs)
    written = [seen(name) for name in NAMES if len(name) < 80 and "😀" not in name]  # a line is cut, a font has no face
    assert len(written) > 75
    assert [name for name in written if not any(name in page or name[::-1] in page for page in pages)] == []


def seen(text: str) -> str:
    """Keep what leaves ink: neither spaces nor marks of direction, width and lines."""
    return "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp", "Zs"})
