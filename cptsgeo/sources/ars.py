"""ARS: lists of CPTS by commune name, and the zoning of general practitioners; personal columns are never kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import is_insee_code
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.names import fold
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import pandas as pd

ALIASES = {
    "cpts_name": (
        "nom_cpts",
        "cpts",
        "nom_de_la_cpts",
        "denomination",
        "denomination_de_la_cpts",
        "intitule",
        "intitule_cpts",
    ),
    "name": (
        "commune",
        "communes",
        "nom_commune",
        "nom_de_la_commune",
        "libelle_commune",
        "commune_nom",
        "lib_com",
        "ville",
    ),
    "insee_code": ("code_insee", "insee", "code_commune", "codgeo", "code_insee_commune"),
    "departement": (
        "dep",
        "dept",
        "dpt",
        "code_departement",
        "n_departement",
        "numero_departement",
        "departement_code",
    ),
    "region": ("region_code", "code_region"),
    "stage": ("stade", "avancement", "etat_d_avancement", "statut", "etat", "maturite"),
}
ZONES = {
    "ZIP": "zone d'intervention prioritaire",
    "ZAC": "zone d'action complémentaire",
    "ZV": "zone de vigilance",
    "HV": "hors vivier",
    "HZ": "hors zonage",
    "ZAR": "zone d'accompagnement régional",
}
ZONING_ALIASES = {
    "insee_code": ("code_insee", "insee", "code_commune", "codgeo", "code_cog2025", "code_cog"),
    "zone": ("zonage_mg", "zonage", "zone_mg", "zonage_medecin", "zonage_medecins", "classement"),
}
NOT_AVAILABLE = "N/A"
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?:(?:\+33|0)\s?[1-9])(?:[\s.-]?\d{2}){4}")


class CptsList(NamedTuple):
    """Hold a list of CPTS of an ARS.

    Attributes
    ----------
    table
        ``cpts_name``, ``name`` (of the commune, as written), and where the file has them ``insee_code``, ``departement``,
        ``region`` and ``stage``; the index is the row of the file. Nothing else is kept.
    dropped
        Names of the columns that were not read in, personal ones among them.
    """

    table: TextTable
    dropped: tuple[str, ...]


def read_cpts_list(path: Path | str, *, sheet: str | None = None) -> CptsList:
    """Read a list of CPTS by commune, as an ARS keeps it in a spreadsheet.

    The header may stand below a title; a cell merged over several rows counts for each of them. Only the columns that
    cptsgeo needs are kept: names of presidents and coordinators, e-mails and telephones are dropped at reading, whatever
    their column is called, and a kept cell that holds an e-mail or a telephone is refused.

    Parameters
    ----------
    path
        XLSX or CSV: one row per CPTS and commune, with the name of the CPTS (``cpts_name``, "Nom de la CPTS"…), that of the
        commune (``name``, "Commune"…), and if known ``departement``, ``region``, ``insee_code``, ``stage``.
    sheet
        Sheet of a workbook; the first one when not given.

    Returns
    -------
    CptsList
        The table, and the columns left out.

    Raises
    ------
    DataError
        For a missing column, rows without CPTS or commune, or personal data in a kept column.
    """
    path = Path(path)
    table = read_table(
        path,
        header_has=["cpts_name", "nom cpts", "nom de la cpts", "cpts", *_spaced(ALIASES["name"])],
        sheet=sheet,
        fill_merged=True,
    )
    known = table.renamed(ALIASES, required=["cpts_name", "name"])
    kept = [column for column in known.rows.columns if column in ALIASES]
    dropped = tuple(str(column) for column in known.rows.columns if column not in ALIASES)
    rows = known.rows[kept]
    findings = [
        Finding(
            "personal_data",
            "error",
            _("the cell holds an e-mail or a telephone number"),
            _("move it to a column of its own, which is not read"),
            known.file,
            int(str(row)),
            column,
        )
        for column in kept
        for row in rows.index[rows[column].map(lambda text: PERSONAL.search(text) is not None)]
    ]
    findings += [
        Finding(
            "cell_empty",
            "error",
            _("the row names no CPTS") if column == "cpts_name" else _("the row names no commune"),
            _("fill it in: only cells that are merged count for several rows"),
            known.file,
            int(str(row)),
            column,
        )
        for column in ("cpts_name", "name")
        for row in rows.index[rows[column] == ""]
    ]
    raise_errors(findings)
    return CptsList(TextTable(known.file, rows), dropped)


def _spaced(names: tuple[str, ...]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def read_zoning(path: Path | str) -> pd.DataFrame:
    """Read the zoning of general practitioners by commune (arrêtés of the ARS).

    Parameters
    ----------
    path
        CSV or XLSX with a code of commune (``code_cog2025``, ``insee_code``…) and the zone (``zonage_mg``, ``zone``…), as
        ``ZIP``, ``ZAC``, ``ZV``, ``HV``, with or without a rank before (``2_ZAC``) or in words.

    Returns
    -------
    DataFrame
        ``insee_code`` and ``zone`` (ZIP, ZAC, ZV, HV, HZ or ZAR; missing where the file says "N/A"), sorted.

    Raises
    ------
    DataError
        With every malformed or repeated code and every other zone.

    References
    ----------
    Arrêté of 13 November 2017 on the zoning of doctors, modified 1 October 2021.
    """
    table = read_table(path, header_has=[*ZONING_ALIASES["insee_code"], "insee_code"])
    table = table.renamed(ZONING_ALIASES, required=["insee_code", "zone"])
    words = {fold(words): zone for zone, words in ZONES.items()} | {zone.lower(): zone for zone in ZONES}
    zone = table.rows["zone"].map(lambda text: words.get(re.sub(r"^\d+ ", "", fold(text.replace("_", " ")))))
    not_given = table.rows["zone"].str.startswith(NOT_AVAILABLE)
    codes = table.rows["insee_code"]
    problems = (
        ("insee_code", ~codes.map(is_insee_code), _("{value} is not an INSEE code")),
        ("insee_code", codes.duplicated(), _("{value} is there more than once")),
        ("zone", zone.isna() & ~not_given, _("{value} is not a zone (ZIP, ZAC, ZV, HV, HZ or ZAR)")),
    )
    raise_errors(
        Finding(
            "zoning_wrong",
            "error",
            problem.format(value=table.rows.at[row, column] or _("an empty cell")),
            _("correct the row"),
            table.file,
            int(str(row)),
            column,
            table.rows.at[row, column],
        )
        for column, wrong, problem in problems
        for row in table.rows.index[wrong]
    )
    return table.rows.assign(zone=zone)[["insee_code", "zone"]].sort_values("insee_code", ignore_index=True)


def read_membership(path: Path | str) -> pd.DataFrame:
    """Read a list of CPTS by commune code, as an ARS publishes it.

    Parameters
    ----------
    path
        CSV or XLSX with ``code_insee`` and ``nom_cpts`` (or another of their usual names).

    Returns
    -------
    DataFrame
        ``cpts_name`` (as spelt), ``insee_code`` (as written: some are from before mergers), in the order of the file;
        :func:`cptsgeo.perimeters.read_perimeters` resolves the codes.
    """
    table = read_table(path, header_has=[*ALIASES["insee_code"], "insee_code"])
    table = table.renamed(
        {name: ALIASES[name] for name in ("cpts_name", "insee_code")}, required=["cpts_name", "insee_code"]
    )
    return table.rows[["cpts_name", "insee_code"]].reset_index(drop=True)
