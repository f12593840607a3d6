"""DGCL: which commune is in which EPCI à fiscalité propre."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import is_insee_code
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.sources.layout import known_layout
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    import pandas as pd

LAYOUTS = {
    "epcicom": [
        "dept",
        "siren",
        "raison_sociale",
        "nature_juridique",
        "mode_financ",
        "nb_membres",
        "total_pop_tot",
        "total_pop_mun",
        "dep_com",
        "insee",
        "siren_membre",
        "nom_membre",
        "ptot",
        "pmun",
    ]
}
WITHOUT_EPCI = ("22016", "29083", "29155", "85113")
"""Island communes outside any EPCI: Bréhat, Sein, Ouessant and Yeu (code général des collectivités, L5210-1-1)."""


def read_epci(path: Path | str) -> pd.DataFrame:
    """Read the composition of the EPCI à fiscalité propre (DGCL, ``epcicomYYYY.xlsx``).

    Parameters
    ----------
    path
        ``siren``, ``raison_sociale``, ``nature_juridique``, ``insee``, ``nom_membre`` and others; the columns of
        populations carry the year (``pmun_2025``) and are not used: populations come from INSEE.

    Returns
    -------
    DataFrame
        ``insee_code`` (of the COG of the year of the file; Paris, Lyon and Marseille whole), ``epci_siren``,
        ``epci_name``, ``nature`` (CC, CA, CU, METRO…), sorted by code. Four island communes are in none.

    Raises
    ------
    DataError
        For a changed layout, a malformed code or SIREN, or a commune in two EPCI.
    """
    table = read_table(path, header_has=["siren"])
    columns = [re.sub(r"^(ptot|pmun)_\d{4}$", r"\1", column) for column in table.rows.columns]
    known_layout(table.file, columns, LAYOUTS, producer="DGCL")
    rows = table.rows
    checks = (
        ("insee", ~rows["insee"].map(is_insee_code), _("{value} is not an INSEE code")),
        ("siren", ~rows["siren"].str.fullmatch(r"\d{9}"), _("{value} is not a SIREN (nine digits)")),
        ("insee", rows["insee"].duplicated(), _("{value} is in two EPCI, or there twice")),
    )
    raise_errors(
        Finding(
            "epci_wrong",
            "error",
            problem.format(value=rows.at[row, column] or _("an empty cell")),
            _("take the file of the DGCL as it is published"),
            table.file,
            int(str(row)),
            column,
            rows.at[row, column],
        )
        for column, wrong, problem in checks
        for row in rows.index[wrong]
    )
    named = rows.rename(
        columns={
            "insee": "insee_code",
            "siren": "epci_siren",
            "raison_sociale": "epci_name",
            "nature_juridique": "nature",
        }
    )
    return named[["insee_code", "epci_siren", "epci_name", "nature"]].sort_values("insee_code", ignore_index=True)
