"""INSEE, code officiel géographique: the communes of a year and their movements since 1943."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.sources.layout import known_layout
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    import pandas as pd

UNIT_LAYOUTS = {
    "2021": ["TYPECOM", "COM", "REG", "DEP", "CTCD", "ARR", "TNCC", "NCC", "NCCENR", "LIBELLE", "CAN", "COMPARENT"],
    "2019": ["typecom", "com", "reg", "dep", "arr", "tncc", "ncc", "nccenr", "libelle", "can", "comparent"],
}
_SIDE = ["TYPECOM", "COM", "TNCC", "NCC", "NCCENR", "LIBELLE"]
MOVEMENT_LAYOUTS = {
    "2021": ["MOD", "DATE_EFF", *(f"{name}_AV" for name in _SIDE), *(f"{name}_AP" for name in _SIDE)],
    "2019": [
        "mod",
        "date_eff",
        *(f"{name.lower()}_av" for name in _SIDE),
        *(f"{name.lower()}_ap" for name in _SIDE),
    ],
}
KINDS = ("COM", "COMD", "COMA", "ARM")


def read_units(path: Path | str) -> pd.DataFrame:
    """Read the communes of a year (INSEE, ``v_commune``): communes, their parts, arrondissements municipaux.

    Parameters
    ----------
    path
        ``v_commune_YYYY.csv``: ``TYPECOM``, ``COM``, ``REG``, ``DEP``, ``LIBELLE``, ``COMPARENT`` and others, in upper
        case since 2021 and lower case before.

    Returns
    -------
    DataFrame
        ``kind`` (``COM`` commune, ``COMD`` déléguée, ``COMA`` associée, ``ARM`` arrondissement municipal),
        ``insee_code``, ``name`` (with its article), ``parent`` (commune of a part, else empty), ``departement_code``,
        ``region_code`` (empty for parts).

    Raises
    ------
    DataError
        For a changed layout or an unknown type of commune.
    """
    table = read_table(path)
    known_layout(table.file, list(table.rows.columns), UNIT_LAYOUTS, producer="INSEE")
    rows = table.rows.rename(columns=str.upper)
    raise_errors(_unknown_kinds(table.file, rows["TYPECOM"], "TYPECOM"))
    return rows.rename(
        columns={
            "TYPECOM": "kind",
            "COM": "insee_code",
            "LIBELLE": "name",
            "COMPARENT": "parent",
            "DEP": "departement_code",
            "REG": "region_code",
        }
    )[["kind", "insee_code", "name", "parent", "departement_code", "region_code"]].reset_index(drop=True)


def read_movements(path: Path | str) -> pd.DataFrame:
    """Read the movements of communes since 1943 (INSEE, ``v_mvt_commune``).

    Parameters
    ----------
    path
        ``v_mvt_commune_YYYY.csv``: ``MOD``, ``DATE_EFF`` and the type, code and name before (``_AV``) and after
        (``_AP``), in upper case since 2021 and lower case before.

    Returns
    -------
    DataFrame
        ``modality`` (10 change of name, 20 creation, 21 re-establishment, 30 suppression, 31 to 33 mergers, 41 and 50
        changes of code…), ``effective`` (datetime), ``kind_before``, ``code_before``, ``name_before``, ``kind_after``,
        ``code_after``, ``name_after``; empty where a commune comes from or goes out of the COG.
    """
    import pandas as pd

    table = read_table(path)
    known_layout(table.file, list(table.rows.columns), MOVEMENT_LAYOUTS, producer="INSEE")
    rows = table.rows.rename(columns=str.upper)
    effective = pd.to_datetime(rows["DATE_EFF"], format="%Y-%m-%d", errors="coerce")
    findings = [
        Finding(
            "date_wrong",
            "error",
            _("{value} is not a date").format(value=rows.at[row, "DATE_EFF"] or _("an empty cell")),
            _("take the file of INSEE as it is published"),
            table.file,
            int(str(row)),
            "DATE_EFF",
            rows.at[row, "DATE_EFF"],
        )
        for row in rows.index[effective.isna()]
    ]
    raise_errors(findings)
    result = pd.DataFrame({"modality": rows["MOD"], "effective": effective})
    for side, name in (("AV", "before"), ("AP", "after")):
        for column, standard in (("TYPECOM", "kind"), ("COM", "code"), ("LIBELLE", "name")):
            result[f"{standard}_{name}"] = rows[f"{column}_{side}"]
    return result.reset_index(drop=True)


def commune_movements(movements: pd.DataFrame) -> pd.DataFrame:
    """Keep the movements from commune to commune, for :func:`cptsgeo.cog.passage`; parts of communes are left out."""
    kept = (movements["kind_before"] == "COM") & movements["kind_after"].isin(["COM", ""])
    return movements.loc[kept, ["effective", "code_before", "code_after"]].reset_index(drop=True)


def parts(units: pd.DataFrame) -> pd.Series:
    """Return the commune of each commune déléguée or associée that is not the seat of it, by code of the part."""
    rows = units[units["kind"].isin(["COMD", "COMA"]) & (units["insee_code"] != units["parent"])]
    return rows.set_index("insee_code")["parent"]


def _unknown_kinds(file: str, kinds: pd.Series, column: str) -> list[Finding]:
    return [
        Finding(
            "kind_unknown",
            "error",
            _("{value} is not a type of commune ({known})").format(value=value, known=", ".join(KINDS)),
            _("take the file of INSEE as it is published"),
            file,
            int(str(row)),
            column,
            value,
        )
        for row, value in kinds[~kinds.isin(KINDS)].items()
    ]
