"""The directory on paper: every commune on its pages, text that can be searched, names that can do nothing."""

from __future__ import annotations

import pandas as pd
import pypdfium2
import pytest

from cptsgeo.crisis import exercise_resources
from cptsgeo.crisis_directory import REPLACED, directory_pdf
from cptsgeo.resources import COLUMNS
from tests.maps.payloads import PAYLOADS

NAMES = pd.Series({"97209": "Fort-de-France", "97222": "Le Prêcheur"})


def rows(*names: str, code: str = "97209") -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "resource_id": [f"R{i}" for i in range(len(names))],
            "kind": "pharmacy",
            "name": list(names),
            "insee_code": code,
            "status": "ouvert",
            "phone": "05 96 00 00 01",
            "mobile": "06 96 00 00 02",
            "updated_at": "2026-09-01",
        }
    )
    return table.reindex(columns=list(COLUMNS))


def texts(content: bytes) -> list[str]:
    paper = pypdfium2.PdfDocument(content)
    pages = [" ".join(page.get_textpage().get_text_bounded().split()) for page in paper]
    paper.close()
    return pages


def bookmarks(content: bytes) -> list[str]:
    paper = pypdfium2.PdfDocument(content)
    titles = [mark.get_title() for mark in paper.get_toc()]
    paper.close()
    return titles


def test_each_commune_has_its_pages_and_a_bookmark() -> None:
    table = pd.concat([rows(*[f"Officine n° {i}" for i in range(90)]), rows("Abri du bourg", code="97222")])
    content = directory_pdf(table, NAMES, title="Martinique", audience="cellule_de_crise", exercise=True)
    pages = texts(content)
    assert len(pages) > 3
    assert "Fort-de-France (97209)" in pages[0]
    assert all("Martinique" in page and "CELLULE DE CRISE" in page and "EXERCICE" in page for page in pages)
    assert all("Nom" in page and "Statut" in page for page in pages)
    assert "Abri du bourg" in pages[-1]
    assert "Officine" not in pages[-1]
    assert "06 96 00 00 02 (cellule de crise seulement)" in pages[-1]
    together = " ".join(pages)
    assert all(f"Officine n° {i}" in together for i in range(90))
    assert bookmarks(content) == ["Fort-de-France (97209)", "Le Prêcheur (97222)"]
    assert content == directory_pdf(table, NAMES, title="Martinique", audience="cellule_de_crise", exercise=True)


@pytest.mark.parametrize(
    "name", [*PAYLOADS, "مستشفى", "病院", "😀 Pharmacie", "a" * 200, "**gras** __souligné__ --x--"]
)
def test_hostile_names_are_printed_or_replaced(name: str) -> None:
    (page,) = texts(directory_pdf(rows(name, "Suivante"), NAMES, title=name, audience="public"))
    assert "Suivante" in page
    if name.isascii() and name.isprintable():
        assert name.replace(" ", "") in page.replace(" ", "")
    if name == "病院":
        assert REPLACED * 2 in page


def test_the_whole_exercise_is_searchable() -> None:
    table, _band = exercise_resources()
    names = table.drop_duplicates("insee_code").set_index("insee_code", drop=False)["insee_code"]
    together = " ".join(texts(directory_pdf(table, names, title="Exercice", audience="public"))).replace(" ", "")
    missing = [name for name in table["name"] if name.replace(" ", "") not in together]
    assert missing == []
