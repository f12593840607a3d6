"""Digits as people write them: spaced, dotted, dashed, full-width, with invisible marks between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Marks that show nothing: the property *Default_Ignorable_Code_Point* of Unicode, and annotations."""
SEPARATORS = r"[ \t._:/()\-\u2010-\u2015\u2212\u00b7\u2022]"


def plain(text: str) -> str:
    """Write a text in its compatible form (NFKC), without invisible marks; ASCII is returned as it is.

    Examples
    --------
    >>> plain("１０１\u200b2\u00a03＠x")
    '1012 3@x'
    """
    return text if text.isascii() else INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def runs(text: str, least: int, between: str = SEPARATORS) -> Iterator[str]:
    """Yield the digits of every run of at least so many, up to three separators between one and the next.

    Examples
    --------
    >>> list(runs("101  2345–6789 ou 05 96 00 00 01, 1234567890", 10))
    ['10123456789', '0596000001', '1234567890']
    """
    for match in _pattern(least, between).finditer(plain(text)):
        yield re.sub(r"[^0-9]", "", match[0])


def bare(text: str) -> str | None:
    """Return the digits of a text that is nothing but digits and separators, or None.

    Examples
    --------
    >>> bare(" 101 2345-6789 "), bare("8,10123E+11")
    ('10123456789', None)
    """
    stripped = plain(text).strip()
    return re.sub(r"[^0-9]", "", stripped) if _pattern(1, SEPARATORS).fullmatch(stripped) else None


@cache
def _pattern(least: int, between: str) -> re.Pattern[str]:
    return re.compile(rf"[0-9](?:(?:{between}){{0,3}}[0-9]){{{least - 1},}}")
