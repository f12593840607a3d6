"""Texts are complete in both languages, and typeset as French is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from cptsgeo.i18n import LOCALE_DIR, language, number, percent

ROOT = Path(__file__).parents[1]
CATALOGUE = LOCALE_DIR / "fr" / "LC_MESSAGES" / "cptsgeo.po"
FIELD = re.compile(r"\{(\w*)(?:!r)?(?::[^}]*)?\}")


def source_texts() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(
        ROOT / "cptsgeo", method_map=[("**.py", "python")], keywords={"_": None, "N_": None, "ngettext": (1, 2)}
    )
    return {message for _file, _line, message, _comments, _context in found}


def translations() -> dict[str | tuple[str, ...], tuple[str, ...]]:
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    return {
        message.id: message.string if isinstance(message.string, tuple) else (message.string,)
        for message in catalogue
        if message.id
    }


def test_every_text_of_the_source_is_in_the_french_catalogue() -> None:
    known = {key for key, texts in translations().items() if all(texts)}
    missing = sorted(map(str, source_texts() - known))
    assert not missing


def test_the_catalogue_holds_no_text_that_the_source_has_lost() -> None:
    assert not sorted(map(str, set(translations()) - source_texts()))


def test_translations_keep_the_fields_of_their_source() -> None:
    for key, texts in translations().items():
        wanted = set(FIELD.findall(key if isinstance(key, str) else " ".join(key)))
        for text in texts:
            assert set(FIELD.findall(text)) <= wanted, text
        assert wanted == set(FIELD.findall(" ".join(texts))), key


def test_french_typography() -> None:
    for texts in translations().values():
        for text in texts:
            assert not re.search(r" [;:!?%»]", text), f"ordinary space before punctuation: {text}"
            assert "« " not in text, text
            assert not re.search(r"\w'\w", text), f"straight apostrophe: {text}"


def test_no_message_is_looked_up_inside_an_f_string() -> None:
    """Babel does not extract them: they would stay English."""
    for path in (ROOT / "cptsgeo").rglob("*.py"):
        assert not re.search(r"""f["'][^"'\n]*\{n?_\(""", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0.9874, "98,7 %", "98.7%"),
        (0.99999, "99,9 %", "99.9%"),
        (0.00001, "0,1 %", "0.1%"),
        (1.0, "100,0 %", "100.0%"),
        (0.0, "0,0 %", "0.0%"),
        (float("nan"), "–", "–"),
    ],
)
def test_percentages(value: float, french: str, english: str) -> None:
    assert percent(value).replace("\u202f", " ") == french
    with language("en"):
        assert percent(value) == english


def test_numbers() -> None:
    assert number(5218960) == "5\u202f218\u202f960"
    assert number(1234.5, 1) == "1\u202f234,5"
    with language("en"):
        assert number(5218960) == "5,218,960"
