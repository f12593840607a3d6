"""Names as people write them: fold them for comparison, find the spellings of one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LINK_WORDS = frozenset(
    [
        "cpts",
        "communaute",
        "professionnelle",
        "territoriale",
        "de",
        "du",
        "des",
        "d",
        "la",
        "le",
        "les",
        "l",
        "et",
        "en",
        "sante",
    ]
)
CLOSE_SPELLING = 92.0
ARTICLES = frozenset(["le", "la", "les", "l", "aux", "au", "las", "los", "lo"])
ABBREVIATIONS = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes", "lez": "les"}
LOST_LETTER = "ʔ"
"""Stands in keys for what a faulty conversion replaced by ``?`` or U+FFFD."""

_ARTICLE = r"l['’´`]|les?|la|aux?|las|los"
ARRONDISSEMENT = re.compile(
    r"(?P<city>paris|lyon|marseille) (?:arrondissement |0(?=\d))?(?P<number>\d{1,2}|[ivx]{1,5}) ?(?:e|er|eme|em|ieme|nd|nde|d|°)?"
    r"(?: arr| arrt| arrdt| ardt| arrondissement)?"
)
MOVED_ARTICLE = re.compile(rf"(?i)\(\s*({_ARTICLE})\s*\)|,\s*({_ARTICLE})\s*$")
ASIDE = re.compile(rf"(?i)\((?!\s*(?:{_ARTICLE})\s*\))[^)]*\)|\bcedex\b.*")
UNDER = re.compile(r"(?i)(?<=[\s-])s\s?/\s?s(?=[\s-])")
ON = re.compile(r"(?i)(?<=[\s-])s\s?/|(?<=\w)\s*/\s*(?=\w)")
BROKEN_ENCODINGS = ("cp1252", "latin-1", "cp850", "cp437")


def fold(text: str) -> str:
    """Fold a text for comparison: no accents, lower case, one space between words.

    Examples
    --------
    >>> fold("  L'Abergement-Clémenciat ")
    'l abergement clemenciat'
    >>> fold("code_insee")
    'code_insee'
    """
    text = text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae").replace("Æ", "ae")
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w]+", " ", plain.casefold()).split())


def key_words(name: str) -> str:
    """Keep the words that tell one CPTS from another.

    Examples
    --------
    >>> key_words("CPTS du Gapençais") == key_words("CPTS Gapençais")
    True
    """
    return " ".join(word for word in fold(name).replace("_", " ").split() if word not in LINK_WORDS)


def spellings(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pair names that are probably one name in two spellings; nothing is merged.

    Two names are a pair when their key words are the same, or nearly so (normalised Indel similarity of
    rapidfuzz of at least 92 %) with the same numbers in them: "Nice 1" and "Nice 2" are two CPTS.

    Examples
    --------
    >>> spellings(["CPTS Gapençais", "CPTS du Gapençais", "CPTS Nice 1", "CPTS Nice 2"])
    [('CPTS Gapençais', 'CPTS du Gapençais')]
    """
    import numpy as np
    from rapidfuzz import fuzz, process

    written = sorted(set(names))
    keys = [key_words(name) for name in written]
    numbers = [re.findall(r"\d+", key) for key in keys]
    close = process.cdist(keys, keys, scorer=fuzz.ratio, score_cutoff=CLOSE_SPELLING, dtype=np.float64) > 0
    return [
        (written[one], written[other])
        for one, other in np.argwhere(np.triu(close, 1))
        if keys[one] == keys[other] or numbers[one] == numbers[other]
    ]


def repair(text: str) -> str:
    """Undo the usual accidents of encoding; a text that none explains is returned as it is.

    UTF-8 read as cp1252, latin-1, cp850 or cp437 (``Ã©``, ``├á``), and cp1252 read as latin-1, whose ``œ`` and ``’``
    become invisible control characters. A letter lost for good (``?`` or U+FFFD inside a word) cannot be repaired.

    Examples
    --------
    >>> repair("Sacr\\x9c"), repair("BÃ©ziers"), repair("├á"), repair("Béziers")
    ('Sacrœ', 'Béziers', 'à', 'Béziers')
    """
    if text.isascii():
        return text
    for encoding in BROKEN_ENCODINGS:
        try:
            text = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        break
    if any("\x80" <= letter <= "\x9f" for letter in text):
        text = "".join(
            letter.encode("latin-1").decode("cp1252", errors="replace") if "\x80" <= letter <= "\x9f" else letter
            for letter in text
        )
    return text


def commune_words(name: str) -> tuple[str, ...]:
    """Split the name of a commune into folded words, abbreviations written out and a trailing article put first.

    Examples
    --------
    >>> commune_words("St-Remy s/ Avre"), commune_words("Mans (Le)"), commune_words("L’HAŸ LES ROSES")
    (('saint', 'remy', 'sur', 'avre'), ('le', 'mans'), ('l', 'hay', 'les', 'roses'))
    """
    text = repair(name).replace("ʼ", "'")
    moved = MOVED_ARTICLE.search(text)
    if moved:
        text = f"{moved[1] or moved[2]} {text[: moved.start()]} {text[moved.end() :]}"
    if "/" in text:
        text = UNDER.sub("sous", text)
        text = ON.sub(" sur ", text)
    if "?" in text or "\ufffd" in text:
        text = text.replace("?", LOST_LETTER).replace("\ufffd", LOST_LETTER)
    return tuple(ABBREVIATIONS.get(word, word) for word in fold(text).split())


def commune_keys(name: str) -> tuple[str, ...]:
    """Reduce the name of a commune to the keys it may be known by, the most exact one first.

    Case, accents, hyphens, apostrophes and spaces are left out of all of them; then what stands in parentheses; then
    the leading article. On the COG of 2026 the last key leaves three pairs of one département alike: La Vergne and
    Vergné, and the two Bors and the two Castillon that INSEE itself tells apart by their canton.

    Examples
    --------
    >>> commune_keys("L'Haÿ-les-Roses"), commune_keys("Haÿ les Roses (L’)")
    (('lhaylesroses', 'haylesroses'), ('lhaylesroses', 'haylesroses'))
    >>> commune_keys("Bors (Canton de Charente-Sud)")
    ('borscantondecharentesud', 'bors')
    >>> commune_keys("Saint-Denis"), commune_keys("Ste Denis")
    (('saintdenis',), ('saintedenis',))
    """
    words = commune_words(name)
    plain = commune_words(ASIDE.sub(" ", name)) if "(" in name or "cedex" in name.casefold() else words
    bare = plain
    while len(bare) > 1 and bare[0] in ARTICLES:
        bare = bare[1:]
    return tuple(dict.fromkeys(key for key in ("".join(words), "".join(plain), "".join(bare)) if key))


def arrondissement_of(name: str) -> tuple[str, int] | None:
    """Read the name of an arrondissement of Paris, Lyon or Marseille: its city and its number.

    Examples
    --------
    >>> arrondissement_of("Marseille 14e"), arrondissement_of("MARSEILLE 14EME ARRONDISSEMENT"), arrondissement_of("Paris XIX")
    (('marseille', 14), ('marseille', 14), ('paris', 19))
    >>> arrondissement_of("Paris-l'Hôpital")
    """
    found = ARRONDISSEMENT.fullmatch(fold(repair(name)))
    if found is None:
        return None
    text = found["number"]
    number = int(text) if text.isdigit() else _roman(text)
    return (found["city"], number) if number else None


def _roman(text: str) -> int:
    numerals = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
    written = {tens * 10 + units: "x" * tens + numerals[units] for tens in range(3) for units in range(10)}
    return next((number for number, numeral in written.items() if numeral == text), 0)
