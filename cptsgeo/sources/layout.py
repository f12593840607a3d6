"""The layout of a producer's file: the columns that each known edition has, and a clear word when they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from cptsgeo.errors import DataError
from cptsgeo.i18n import _


def known_layout(
    file: str, found: Sequence[str], layouts: Mapping[str, Sequence[str]], *, producer: str, others: bool = False
) -> str:
    """Tell which known layout a file has, by the names of its columns, in any order.

    Parameters
    ----------
    file
        Name to show.
    found
        Columns of the file.
    layouts
        Edition to the columns of that edition.
    producer
        Who publishes the file.
    others
        Whether columns that no layout names are let through: for layouts known from documents alone, not from a
        real file.

    Returns
    -------
    str
        The edition.

    Raises
    ------
    DataError
        For columns missing, renamed or new; found and expected columns are shown side by side, those of the nearest
        edition.

    Examples
    --------
    >>> known_layout("d.csv", ["REG", "COM"], {"2019": ["COM", "REG"]}, producer="INSEE")
    '2019'
    """
    for edition, columns in layouts.items():
        if sorted(columns) == sorted(found) or (others and set(columns) <= set(found)):
            return edition
    nearest = max(layouts, key=lambda edition: len(set(layouts[edition]) & set(found)) - 0.01 * len(layouts[edition]))
    raise DataError(
        _("the columns are not those that {producer} has published so far (nearest edition: {edition})").format(
            producer=producer, edition=nearest
        )
        + "\n"
        + side_by_side(found, layouts[nearest]),
        fix=_(
            "check that this is the right file; if the producer changed it, cptsgeo must learn the new layout before"
            " its figures can be trusted"
        ),
        where=file,
    )


def side_by_side(found: Sequence[str], expected: Sequence[str]) -> str:
    """Write found and expected columns in two columns of text, and say what is missing or new.

    Examples
    --------
    >>> from cptsgeo.i18n import language
    >>> with language("en"):
    ...     print(side_by_side(["COM", "POP"], ["COM", "PMUN"]))
      found  expected
      COM    COM
      POP    PMUN      ≠
    """
    pairs: list[tuple[str, str]] = []
    for operation, a, b, c, d in SequenceMatcher(a=list(found), b=list(expected), autojunk=False).get_opcodes():
        left, right = list(found[a:b]), list(expected[c:d])
        if operation != "equal":
            known = [column for column in left if column in right]
            left = known + [column for column in left if column not in known]
            right = known + [column for column in right if column not in known]
        width = max(len(left), len(right))
        pairs += zip(left + ["–"] * (width - len(left)), right + ["–"] * (width - len(right)), strict=True)
    head = (_("found"), _("expected"))
    first = max(len(pair[0]) for pair in [head, *pairs])
    second = max(len(pair[1]) for pair in [head, *pairs])
    lines = [f"  {head[0]:<{first}}  {head[1]}"]
    for one, other in pairs:
        known_elsewhere = one in expected or other in found
        mark = "" if one == other else "↕" if known_elsewhere else "+" if other == "–" else "✗" if one == "–" else "≠"
        lines.append(f"  {one:<{first}}  {other:<{second}}  {mark}".rstrip())
    return "\n".join(lines)
