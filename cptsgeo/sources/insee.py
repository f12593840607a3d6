"""INSEE: the layouts of the populations légales files."""

from __future__ import annotations

from cptsgeo.codes import is_insee_code
from cptsgeo.tabular import TextTable


def is_populations(table: TextTable) -> bool:
    """Tell whether a table has a layout of INSEE's ``donnees_communes`` file: it holds ``PMUN``."""
    return "PMUN" in table.rows.columns


def populations(table: TextTable) -> TextTable:
    """Bring any edition of INSEE's ``donnees_communes`` file to one layout.

    Editions differ: in the 2019 file ``COM`` is the whole code; in the 2020 one ``COM`` is the *name* and the
    code is ``CODDEP`` + ``CODCOM``; from 2021 on ``COM`` is the code again and ``Commune`` the name; Mayotte's
    own file leaves ``COM`` empty. Overseas, the département has three characters and overlaps the commune's
    part (``971`` + ``101`` is ``97101``, not ``971101``).

    Parameters
    ----------
    table
        The file as read, with its own column names.

    Returns
    -------
    TextTable
        ``insee_code``, ``name`` and ``population``, the population municipale (``PMUN``, never ``PTOT``).

    References
    ----------
    INSEE, *Populations légales* (populations de référence), file ``donnees_communes.csv``.
    """
    rows = table.rows
    if "COM" in rows.columns and rows["COM"].map(is_insee_code).any():
        insee_code = rows["COM"]
    else:
        departement = rows["CODDEP" if "CODDEP" in rows.columns else "DEP"]
        insee_code = departement.str[:2] + rows["CODCOM"]
    if "Commune" in rows.columns:
        name = rows["Commune"]
    elif insee_code is rows.get("COM"):
        name = insee_code.str[:0]
    else:
        name = rows["COM"]
    return TextTable(
        table.file,
        rows[[]].assign(insee_code=insee_code, name=name, population=rows["PMUN"]),
    )
