"""Names as people write them: fold them for comparison, find the spellings of one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import combinations

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
    from rapidfuzz import fuzz

    keyed = [(name, key_words(name)) for name in sorted(set(names))]
    return [
        (one, other)
        for (one, one_key), (other, other_key) in combinations(keyed, 2)
        if one_key == other_key
        or (
            re.findall(r"\d+", one_key) == re.findall(r"\d+", other_key)
            and fuzz.ratio(one_key, other_key) >= CLOSE_SPELLING
        )
    ]
