"""The scope of a study: where the list of CPTS is complete. Outside it a unit is never white, and in no rate."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.embedded import embedded
from cptsgeo.errors import DataError, UsageError
from cptsgeo.i18n import _
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    import pandas as pd

    from cptsgeo.perimeters import Perimeters

KINDS = {"region": "region_code", "departement": "departement_code", "epci": "epci_siren"}
NAMES = {"region": "region_name", "departement": "departement_name", "epci": "epci_name"}


class Scope(NamedTuple):
    """Name the territory where the list of CPTS is complete.

    Attributes
    ----------
    kind
        ``region``, ``departement``, ``epci`` or ``france``.
    codes
        Codes of that kind; empty for ``france``.
    """

    kind: str
    codes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.kind if self.kind == "france" else f"{self.kind}={','.join(self.codes)}"


def parse_scope(text: str) -> Scope:
    """Read ``france`` or ``KIND=CODE[,CODE…]``, such as ``departement=13,84``.

    Raises
    ------
    UsageError
        For another form.

    Examples
    --------
    >>> parse_scope("region=93")
    Scope(kind='region', codes=('93',))
    """
    kind, _equals, codes = text.strip().partition("=")
    listed = tuple(dict.fromkeys(code.strip() for code in codes.split(",") if code.strip()))
    if (kind == "france" and not codes) or (kind in KINDS and listed):
        return Scope(kind, listed)
    raise UsageError(
        _("{text!r} is not a scope").format(text=text),
        fix=_("write france, region=93, departement=13,84 or epci=200054807"),
        where="--scope",
    )


def in_scope(communes: pd.DataFrame, scope: Scope) -> pd.Series:
    """Tell of each unit whether it lies in the scope.

    Parameters
    ----------
    communes
        As :func:`cptsgeo.communes.read_communes` returns them.

    Returns
    -------
    Series
        Booleans, index of ``communes``.

    Raises
    ------
    DataError
        For a code that no unit has, with the nearest ones.
    """
    import pandas as pd

    if scope.kind == "france":
        return pd.Series(True, index=communes.index)
    column = communes[KINDS[scope.kind]]
    known = sorted(column.dropna().unique())
    unknown = [code for code in scope.codes if code not in known]
    if unknown:
        bare = unknown[0].lstrip("0").upper()
        near = [code for code in known if code.lstrip("0") == bare]
        near = near or difflib.get_close_matches(unknown[0], known, n=3, cutoff=0.5)
        raise DataError(
            _("no unit of the table of communes has the code {codes} ({kind})").format(
                codes=", ".join(unknown), kind=scope.kind
            ),
            fix=_("check the code; near it there are: {near}").format(near=", ".join(near))
            if near
            else _("check the code: départements are written 01, 2A, 974; régions 93, 01"),
            where="--scope",
        )
    return column.isin(scope.codes)


def scope_names(communes: pd.DataFrame, scope: Scope) -> list[str]:
    """Name the territories of a scope, in the order of its codes."""
    if scope.kind == "france":
        return [_("France")]
    names = communes.drop_duplicates(KINDS[scope.kind]).set_index(KINDS[scope.kind])[NAMES[scope.kind]]
    return [str(names[code]) for code in scope.codes]


def touched_departements(communes: pd.DataFrame, perimeters: Perimeters) -> Scope:
    """Return the départements that the perimeters touch: the scope when the user names none."""
    touched = communes.loc[communes["insee_code"].isin(perimeters.membership["insee_code"]), "departement_code"]
    return Scope("departement", tuple(sorted(touched.unique())))


def embedded_scope() -> Scope:
    """Return the scope of the embedded perimeters.

    Examples
    --------
    >>> embedded_scope()
    Scope(kind='departement', codes=('972', '973', '974', '976'))
    """
    rows = read_table(Path(embedded("cpts_perimeters/scope.csv"))).rows
    return Scope(rows["kind"].iloc[0], tuple(rows["code"]))
