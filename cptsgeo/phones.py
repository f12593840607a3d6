"""Telephone numbers of France and its overseas territories: read, refuse what a spreadsheet broke, tell mobiles."""

from __future__ import annotations

import re

COUNTRY_CODES = ("33", "262", "508", "590", "594", "596")
_SPACING = re.compile(r"[\s.\-/()\u00a0\u202f]")
_NUMBER = re.compile(r"(?<![0-9+])\+?[0-9](?:[ .\-/()\u00a0\u202f]{0,2}[0-9]){8,13}(?![0-9])")


def national(text: str) -> str | None:
    """Return a number as ten digits (or a short one of two to six), or None when it cannot be one.

    Examples
    --------
    >>> national("+596 596 00 00 01"), national("0596.00.00.01"), national("15"), national("596000001.0")
    ('0596000001', '0596000001', '15', None)
    """
    if re.search(r"[eE,]|\.0$", text):
        return None
    bare = _SPACING.sub("", text.replace("(0)", ""))
    for code in COUNTRY_CODES:
        for prefix in (f"+{code}", f"00{code}"):
            if bare.startswith(prefix) and len(bare) == len(prefix) + 9:
                bare = "0" + bare.removeprefix(prefix)
    if re.fullmatch(r"0[1-9][0-9]{8}", bare) or re.fullmatch(r"(?:1[0-9]|11[0-9]{1,4}|3[0-9]{3}|19[0-9])", bare):
        return bare
    return None


def is_mobile(number: str) -> bool:
    """Tell whether a national number is a mobile one: 06 and 07, overseas too.

    Examples
    --------
    >>> is_mobile("0696000001"), is_mobile("0596000001")
    (True, False)
    """
    return len(number) == 10 and number.startswith(("06", "07"))


def spaced(number: str) -> str:
    """Write a national number in pairs.

    Examples
    --------
    >>> spaced("0596000001"), spaced("3624")
    ('05 96 00 00 01', '3624')
    """
    return " ".join(re.findall("..", number)) if len(number) == 10 else number


def numbers_in(text: str) -> list[str]:
    """List the national numbers of ten digits that a text holds, however they are spaced.

    Examples
    --------
    >>> numbers_in("appeler le 0696 00 00 01 ou le +33 (0)1 00 00 00 02")
    ['0696000001', '0100000002']
    """
    found = (national(match[0].strip()) for match in _NUMBER.finditer(text))
    return [number for number in found if number is not None and len(number) == 10]
