"""DREES: accessibilité potentielle localisée (APL) of general practitioners, by commune."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import is_insee_code
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.names import fold
from cptsgeo.sources.layout import known_layout
from cptsgeo.tabular import file_content, open_workbook, read_table

if TYPE_CHECKING:
    import pandas as pd

SHEET = re.compile(r"apl[ _]?(?P<year>20\d\d)")
CODE = "code commune insee"
LAYOUTS = {
    "2022": [
        CODE,
        "commune",
        "apl aux medecins generalistes",
        "apl aux medecins generalistes de 65 ans et moins",
        "apl aux medecins generalistes de 62 ans et moins",
        "apl aux medecins generalistes de 60 ans et moins",
        "population standardisee par la consommation de soins par tranche d age au niveau de la commune",
        "population totale",
    ]
}
_CODE, _NAME, _APL, _APL_65, _APL_62, _APL_60, _POPULATION, _TOTAL = LAYOUTS["2022"]


def read_apl(path: Path | str, year: int | None = None) -> pd.DataFrame:
    """Read the APL of general practitioners (DREES, XLSX of several sheets, one per year).

    Parameters
    ----------
    path
        Workbook with sheets "APL 2022", "APL 2023"…, whose header stands below titles, and others that explain them.
        Populations beside the APL are of other years and definitions than INSEE's populations municipales.
    year
        Year to read; the latest one when not given.

    Returns
    -------
    DataFrame
        ``insee_code`` (arrondissements in Paris, Lyon and Marseille), ``name``, ``year``, ``apl`` and ``apl_65`` (visits per year
        and inhabitant, with all doctors and with those of 65 and under), ``population_standardised``; empty cells
        are missing.

    Raises
    ------
    DataError
        For a changed layout, a year that is not there, or a value that is not a number.

    References
    ----------
    Barlet, Coldefy, Collin and Lucas-Gabrielli, *L'accessibilité potentielle localisée*, DREES, 2012.
    """
    import pandas as pd

    path = Path(path)
    sheets = _sheets(path)
    if not sheets or (year is not None and year not in sheets):
        raise DataError(
            _("no sheet holds the APL of {year}; there are: {years}").format(
                year=year or _("a year"), years=", ".join(map(str, sorted(sheets))) or _("none")
            ),
            fix=_("give one of these years, or the workbook of the DREES as it is published"),
            where=path.name,
        )
    chosen = max(sheets) if year is None else year
    table = read_table(path, header_has=[CODE], sheet=sheets[chosen])
    folded = [fold(str(column)) for column in table.rows.columns]
    known_layout(f"{path.name}, {sheets[chosen]}", folded, LAYOUTS, producer="DREES", others=True)
    rows = table.rows.set_axis(folded, axis="columns")
    rows = rows[rows[_CODE] != ""]
    numbers = {
        name: pd.to_numeric(rows[column].str.replace(",", "."), errors="coerce")
        for name, column in (("apl", _APL), ("apl_65", _APL_65), ("population_standardised", _POPULATION))
    }
    wrong_code = ~rows[_CODE].map(is_insee_code)
    wrong_value = numbers["apl"].isna() & (rows[_APL] != "")
    raise_errors(
        Finding(
            "apl_wrong",
            "error",
            _("{value} is not what the column should hold").format(value=rows.at[row, column]),
            _("take the workbook of the DREES as it is published"),
            path.name,
            int(str(row)),
            column,
            rows.at[row, column],
        )
        for column, wrong in ((_CODE, wrong_code), (_APL, wrong_value))
        for row in rows.index[wrong]
    )
    return (
        pd.DataFrame({"insee_code": rows[_CODE], "name": rows[_NAME], "year": chosen, **numbers})
        .sort_values("insee_code")
        .reset_index(drop=True)
    )


def _sheets(path: Path) -> dict[int, str]:
    """Return the sheets of a year, by year."""
    names = open_workbook(path.name, file_content(path)).sheet_names
    found = ((SHEET.search(fold(name)), name) for name in names)
    return {int(match["year"]): name for match, name in found if match}
