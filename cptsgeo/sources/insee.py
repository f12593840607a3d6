"""INSEE: the populations légales and the density grid, in every layout published so far."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import is_insee_code
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.names import fold
from cptsgeo.parameters import parameters
from cptsgeo.sources.layout import known_layout
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import pandas as pd

POPULATION_LAYOUTS = {
    "2019": ["REG", "DEP", "COM", "PMUN", "PCAP", "PTOT"],
    "2020": ["CODREG", "REG", "CODDEP", "CODARR", "CODCAN", "CODCOM", "COM", "PMUN", "PCAP", "PTOT"],
    "2021-2023": ["REG", "Région", "DEP", "CODARR", "CODCAN", "CODCOM", "COM", "Commune", "PMUN", "PCAP", "PTOT"],
    "Mayotte": ["CODREG", "REG", "DEP", "CODARR", "CODCAN", "CODCOM", "COM", "PMUN", "PCAP", "PTOT"],
}
MAYOTTE_CENSUS = "2017"
_PARTS = {levels: [f"P{level}" for level in range(1, levels + 1)] for levels in (7, 3)}
DENSITY_LAYOUTS = {
    "7 levels, 2022": ["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN", *_PARTS[7]],
    "3 levels, 2022": ["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN", *_PARTS[3]],
    "labels": ["insee_com", "lib_com", "niveau_densite"],
}
GROUP_WORDS = {
    "urbain dense": "urbain_dense",
    "communes densement peuplees": "urbain_dense",
    "urbain densite intermediaire": "urbain_intermediaire",
    "urbain intermediaire": "urbain_intermediaire",
    "communes de densite intermediaire": "urbain_intermediaire",
    "rural": "rural",
}


def is_populations(table: TextTable) -> bool:
    """Tell whether a table is INSEE's ``donnees_communes`` file: it holds ``PMUN`` and ``PTOT``."""
    return {"PMUN", "PTOT"} <= set(table.rows.columns)


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
        ``insee_code``, ``name``, ``population``, the population municipale (``PMUN``, never ``PTOT``), and
        ``population_year``, the census year that the name of the file says (``…pop2023.csv``; 2017 for Mayotte), else empty.

    Raises
    ------
    DataError
        For columns that no edition has, found and expected side by side.

    References
    ----------
    INSEE, *Populations légales* (populations de référence), file ``donnees_communes.csv``.
    """
    rows = table.rows
    layout = known_layout(table.file, list(rows.columns), POPULATION_LAYOUTS, producer="INSEE")
    if "COM" in rows.columns and rows["COM"].map(is_insee_code).any():
        insee_code = rows["COM"]
    elif "CODCOM" not in rows.columns:
        raise DataError(
            _("no row of the column {column} is an INSEE code").format(column="COM"),
            fix=_("take the file of INSEE as it is published"),
            where=table.file,
        )
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
        rows[[]].assign(
            insee_code=insee_code, name=name, population=rows["PMUN"], population_year=_census_year(table.file, layout)
        ),
    )


def _census_year(file: str, layout: str) -> str:
    """Return the census year that a file's name says; Mayotte's own file is that of its census of 2017."""
    found = re.search(r"pop(20\d\d)", file)
    return found[1] if found else MAYOTTE_CENSUS if layout == "Mayotte" else ""


def read_density_grid(path: Path | str) -> pd.DataFrame:
    """Read INSEE's grid of density, seven levels or three groups, from the labels.

    Some copies swap the numbers 3 and 4, so the number (``DENS``) is only compared with the label, never used.

    Parameters
    ----------
    path
        ``grille_densite_N_niveaux_YYYY.xlsx`` as published (``CODGEO``, ``LIBGEO``, ``DENS``, ``LIBDENS``, ``PMUNyy``,
        ``P1``…), rows of headings above, or a CSV of labels (``insee_com``, ``lib_com``, ``niveau_densite``).

    Returns
    -------
    DataFrame
        ``insee_code`` of the year of the grid, ``name``, ``density_level`` (1 to 7, Int64; missing in a file of three
        groups), ``density_group``, ``population`` (Int64, missing in a CSV of labels).

    Raises
    ------
    DataError
        For a changed layout, an unknown label, or a number that contradicts its label.

    References
    ----------
    INSEE, *La grille communale de densité*, 2022 (7 levels) and 2020 (3 levels).
    """
    import pandas as pd

    table = read_table(path, header_has=["codgeo", "insee_com"])
    columns = [re.sub(r"^PMUN\d{2}$", "PMUN", column) for column in table.rows.columns]
    layout = known_layout(table.file, columns, DENSITY_LAYOUTS, producer="INSEE")
    rows = table.rows.set_axis(columns, axis="columns")
    code, name, label = ("CODGEO", "LIBGEO", "LIBDENS") if layout != "labels" else DENSITY_LAYOUTS["labels"]
    levels = {word: level for level in parameters("density")["level"] for word in level["words"]}
    folded = rows[label].map(fold)
    level = folded.map(lambda text: int(levels[text]["key"]) if text in levels else None).astype("Int64")
    group = folded.map(lambda text: levels[text]["group"] if text in levels else GROUP_WORDS.get(text))
    findings = [
        Finding(
            "density_unknown",
            "error",
            _("{value} is not a density level").format(value=rows.at[row, label] or _("an empty cell")),
            _("take the file of INSEE as it is published"),
            table.file,
            int(str(row)),
            label,
            rows.at[row, label],
        )
        for row in rows.index[group.isna()]
    ]
    if "DENS" in rows:
        order = ("urbain_dense", "urbain_intermediaire", "rural")
        expected = (
            level if layout.startswith("7") else group.map(lambda key: order.index(key) + 1 if key in order else None)
        )
        number = pd.to_numeric(rows["DENS"], errors="coerce")
        findings += [
            Finding(
                "density_contradicts",
                "error",
                _("the number {number} is not that of the label {label}").format(
                    number=rows.at[row, "DENS"], label=rows.at[row, label]
                ),
                _("take the file of INSEE as it is published"),
                table.file,
                int(str(row)),
                "DENS",
                rows.at[row, "DENS"],
            )
            for row in rows.index[group.notna() & (number != expected.astype("Float64"))]
        ]
    raise_errors(findings)
    population = rows["PMUN"] if "PMUN" in rows else pd.Series("", rows.index)
    return pd.DataFrame(
        {
            "insee_code": rows[code],
            "name": rows[name],
            "density_level": level,
            "density_group": group.astype("str"),
            "population": pd.to_numeric(population, errors="coerce").astype("Int64"),
        }
    ).reset_index(drop=True)


def read_populations(path: Path | str) -> pd.DataFrame:
    """Read the populations légales of one edition (``donnees_communes.csv``), in the codes of its own COG.

    Parameters
    ----------
    path
        The CSV of any edition since 2019, or that of Mayotte; :func:`populations` says how their columns differ.

    Returns
    -------
    DataFrame
        ``insee_code`` (arrondissements for Paris, Lyon and Marseille), ``name``, ``population`` (PMUN, Int64),
        ``population_year`` (text, empty when not known), sorted.

    Raises
    ------
    DataError
        For a changed layout, a malformed or repeated code, or a population that is not a count.
    """
    import pandas as pd

    table = read_table(path)
    rows = populations(table).rows
    count = pd.to_numeric(rows["population"], errors="coerce")
    problems = (
        ("insee_code", ~rows["insee_code"].map(is_insee_code), _("{value} is not an INSEE code")),
        ("insee_code", rows["insee_code"].duplicated(), _("{value} is there more than once")),
        ("population", ~((count >= 0) & (count % 1 == 0)), _("{value} is not a count of inhabitants")),
    )
    raise_errors(
        Finding(
            "population_wrong",
            "error",
            problem.format(value=rows.at[row, column] or _("an empty cell")),
            _("take the file of INSEE as it is published"),
            table.file,
            int(str(row)),
            column,
            rows.at[row, column],
        )
        for column, wrong, problem in problems
        for row in rows.index[wrong]
    )
    return rows.assign(population=count.astype("Int64")).sort_values("insee_code", ignore_index=True)
