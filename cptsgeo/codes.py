"""INSEE codes: their form, the département they carry, and the arrondissements of Paris, Lyon and Marseille."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pandas as pd

INSEE_CODE = re.compile(r"(?:0[1-9]|[1-8][0-9]|9[0-5]|2[AB]|97[1-8]|98[46-9])[0-9]{2,3}")
LENGTH = 5

CITY_ARRONDISSEMENTS: dict[str, tuple[str, ...]] = {
    "75056": tuple(str(code) for code in range(75101, 75121)),
    "69123": tuple(str(code) for code in range(69381, 69390)),
    "13055": tuple(str(code) for code in range(13201, 13217)),
}
CITY_OF_ARRONDISSEMENT: dict[str, str] = {
    arrondissement: city for city, arrondissements in CITY_ARRONDISSEMENTS.items() for arrondissement in arrondissements
}


def departement_of(insee_code: str) -> str:
    """Return the département that a code carries.

    Examples
    --------
    >>> departement_of("2A004"), departement_of("97209"), departement_of("01001")
    ('2A', '972', '01')
    """
    return insee_code[:3] if insee_code.startswith(("97", "98")) else insee_code[:2]


def is_insee_code(text: str) -> bool:
    """Tell whether a text has the form of an INSEE code of a commune or an arrondissement municipal.

    Examples
    --------
    >>> is_insee_code("01001"), is_insee_code("1001"), is_insee_code("2A004"), is_insee_code("20004")
    (True, False, True, False)
    """
    return len(text) == LENGTH and INSEE_CODE.fullmatch(text) is not None and not text.startswith("20")


def explain_bad_code(text: str) -> tuple[str, str, str]:
    """Say why a text is not an INSEE code, and what to do; the code is never repaired.

    Returns
    -------
    tuple of str
        Rule, problem, fix.

    Examples
    --------
    >>> explain_bad_code("1001")[0], explain_bad_code("1001.0")[0], explain_bad_code("")[0]
    ('code_lost_zero', 'code_float', 'code_missing')
    """
    if not text:
        return "code_missing", _("the INSEE code is missing"), _("fill it in, or remove the row")
    if re.fullmatch(r"[0-9]+[.,][0-9]+", text):
        return (
            "code_float",
            _("{code} is a decimal number, not a code").format(code=text),
            _("a program read the codes as numbers: export the column again as text"),
        )
    if re.fullmatch(r"[1-9][0-9]{3}", text):
        return (
            "code_lost_zero",
            _("{code} has four digits: it probably lost its leading zero ({guess})").format(
                code=text, guess="0" + text
            ),
            _("format the column as text in the spreadsheet and export it again; codes are never completed"),
        )
    return (
        "code_malformed",
        _("{code} is not an INSEE code (five characters, such as 01001, 2A004 or 97209)").format(code=text),
        _("check that the column holds INSEE codes, not postal codes or names"),
    )


def among(codes: pd.Series, known: Iterable[str]) -> pd.Series:
    """Tell of each code whether it is among known ones, as ``isin`` does, thirty times faster on long lists of text.

    Examples
    --------
    >>> import pandas as pd
    >>> among(pd.Series(["01001", "01999"], index=[7, 8]), pd.Series(["01001", "01002"])).to_dict()
    {7: True, 8: False}
    """
    import pandas as pd

    held = frozenset(known.to_numpy() if isinstance(known, pd.Series | pd.Index) else known)
    return pd.Series([code in held for code in codes.to_numpy()], index=codes.index, dtype="bool")
