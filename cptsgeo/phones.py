"""Telephone numbers of France and its overseas territories: read, refuse what a spreadsheet broke, tell mobiles."""

from __future__ import annotations

import re

from cptsgeo.digits import plain, runs

COUNTRY_CODES = ("33", "262", "508", "590", "594", "596")
_SPACING = re.compile(r"[\s.\-/()\u00a0\u202f]")
_NUMBER = re.compile(rf"(?=(?:0|(?:{'|'.join(COUNTRY_CODES)})0?)([1-9][0-9]{{8}}))")
_MOBILE = re.compile(rf"(?=(0[67][0-9]{{8}}|(?:{'|'.join(COUNTRY_CODES)})0?[67][0-9]{{8}}))")
_BETWEEN = r"[^\w+]|_"
_OTHER_FIGURES = re.compile(
    r"(?<!\d)(?:"
    r"20\d\d-[01]\d-[0-3]\d|[0-3]\d(?P<d>[/.-])[01]\d(?P=d)20\d\d"  # days
    r"|[0-2]?\d[:.][0-5]\d\s?[-/\u2010-\u2015]\s?[0-2]?\d[:.][0-5]\d"  # from one hour to another
    r"|0[1-589](?:\d{8}|\d\d(?P<f>[ .-])\d\d(?:(?P=f)\d\d){2}|(?P<p>[ .-])\d\d(?:(?P=p)\d\d){3})"  # fixed numbers
    r"(?!(?:(?P=f)|(?P=p))(?!0[1-9])\d\d(?:(?P=f)|(?P=p))\d\d)"
    r")(?!\d)"
)


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
    """List the national numbers of ten digits that a text may hold, however they are spaced, and whatever digits go before.

    Examples
    --------
    >>> numbers_in("appeler le 0696 00 00 01 ou le +33 (0)1 00 00 00 02")
    ['0696000001', '0100000002']
    """
    return list(dict.fromkeys("0" + match[1] for digits in runs(text, 10) for match in _NUMBER.finditer(digits)))


def holds_mobile(text: str) -> bool:
    """Tell whether a text may hold a mobile number, glued to other digits or not.

    Every run of digits is searched at each place, whatever separates them: a hit too many is a message, one too few a leak.
    Days, opening hours and well-written fixed numbers are set aside first. FINESS (9 digits) and RPPS numbers (11, which
    begin with 10) never hold one; a SIRET (14) may, and is refused then.

    Examples
    --------
    >>> holds_mobile("24/24 0696 00 00 01"), holds_mobile("06–96–00–00–01@x.org"), holds_mobile("596696000001")
    (True, True, True)
    >>> holds_mobile("07:00-12:00 14:00-18:00, 0596 06 12 34 24h/24"), holds_mobile("RPPS 10067123456")
    (False, False)
    """
    text = _OTHER_FIGURES.sub("x", plain(text))
    return any(_MOBILE.search(digits) for digits in runs(text, 10, _BETWEEN))


def restored(text: str) -> str:
    """Read a number that a program may have read as one: without its 0, with decimals; nothing when it is none.

    Examples
    --------
    >>> restored("596111111.0"), restored("0596.11.11.11"), restored("12 34")
    ('0596111111', '0596111111', '')
    """
    bare = re.sub(r"[^0-9+]", "", re.sub(r"[.,]0+$", "", text.strip()))
    return national(bare) or (national("0" + bare) if len(bare) == 9 else None) or ""
