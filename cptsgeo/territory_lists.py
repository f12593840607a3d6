"""Territories as lists: rows of communes (by code or by name), EPCI and départements become units and shares."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from cptsgeo.codes import CITY_ARRONDISSEMENTS, explain_bad_code, is_insee_code
from cptsgeo.cog import recode
from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.matching import known_names, match, with_areas
from cptsgeo.tabular import TextTable

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "ght": (("ght_id", "code_ght", "id_ght"), ("ght_name", "nom_ght", "ght")),
    "contrat_local": (
        ("contrat_local_id", "code_cls", "id_cls", "id_contrat"),
        ("contrat_local_name", "nom_cls", "cls", "contrat_local", "nom_contrat"),
    ),
    "epci": (("epci_id",), ("epci_name", "nom_epci", "libepci")),
    "dac": (("dac_id", "code_dac", "id_dac"), ("dac_name", "nom_dac", "dac")),
    "bassin_de_vie": (("bv", "bv2022", "bv2012", "code_bv"), ("libbv", "libbv2022", "libbv2012", "nom_bv")),
    "qpv": (("code_qp", "code_qpv"), ("lib_qp", "nom_qp", "nom_qpv")),
}
PLACES = {"insee_code": "list", "commune": "name", "epci_siren": "epci", "departement_code": "departement"}
"""Columns that place a row, the finest first, and the method that each gives."""

MEMBER_COLUMNS = ("finess_ej", "finess_et", "finess", "nofinesset", "nofinessej")


def standard_columns(table: TextTable, kind: str) -> TextTable:
    """Give columns their standard names; the territory may be named as its kind usually is.

    Parameters
    ----------
    table
        One row per territory and commune, EPCI or département; or the attributes of polygons; or the names alone.
    kind
        Kind of the layer: a GHT may be in ``code_ght`` and ``nom_ght``.

    Returns
    -------
    TextTable
        ``territory_id``, ``territory_name``, ``insee_code``, ``epci_siren``, ``departement_code``, ``commune``,
        ``share`` and ``role`` where they are known, the other columns as they are.

    Raises
    ------
    DataError
        Where no column names the territory.
    """
    identifiers, names = NAMES.get(
        kind, ((f"{kind}_id", f"code_{kind}", f"id_{kind}"), (f"{kind}_name", f"nom_{kind}", kind))
    )
    aliases: dict[str, Sequence[str]] = {
        "territory_id": (*identifiers, "id_territoire", "code_territoire"),
        "territory_name": (*names, "territoire", "nom_territoire"),
    }
    first = table.renamed(aliases, required=[])
    known = set(first.rows.columns)
    if not {"territory_id", "territory_name"} & known:
        table.renamed(aliases, required=["territory_id"])
    own = {"territory_id", "territory_name"}
    rest = TextTable(table.file, first.rows[[name for name in first.rows.columns if name not in own]])
    codes: dict[str, Sequence[str]] = {
        "insee_code": COMMUNE_ALIASES["insee_code"],
        "commune": ("nom_commune", "nom_com", "libelle_commune", "lib_com", "libcom", "communes"),
        "epci_siren": ("epci", "siren_epci", "code_epci", "siren"),
        "departement_code": ("departement", "code_departement", "dep"),
        "share": ("part",),
        "role": ("role_publie", "role_etablissement"),
    }
    placed = rest.renamed(codes, required=[])
    return TextTable(table.file, placed.rows.assign(**{name: first.rows[name] for name in own & known}))


def require_territories(table: TextTable, kind: str) -> None:
    """Refuse lists that are no territory: establishments, and the communes that hold a part of town.

    Raises
    ------
    DataError
        For a list of establishments, and for quartiers prioritaires without ``share``.
    """
    members = [name for name in table.rows.columns if str(name).lower() in MEMBER_COLUMNS]
    if members:
        raise DataError(
            _("the file lists establishments ({columns}): the communes where they stand are not the territory").format(
                columns=", ".join(members)
            ),
            fix=_(
                "choose the rule that makes a territory of them, such as --rule {kind}=nearest_site, or give its communes"
            ).format(kind=kind),
            where=table.file,
        )
    if kind == "qpv" and "share" not in table.rows:
        raise DataError(
            _("a quartier prioritaire is a part of its commune, and the list does not say which part"),
            fix=_("give the outlines of the QPV, or a column share"),
            where=table.file,
        )


def named(table: TextTable) -> pd.DataFrame:
    """Fill identifier and name by each other.

    Raises
    ------
    DataError
        With every row that has neither.
    """
    rows = table.rows
    name = rows["territory_name"] if "territory_name" in rows else rows["territory_id"]
    identifier = rows.get("territory_id", name)
    raise_errors(
        [
            Finding(
                "territory_missing",
                "error",
                _("the row names no territory"),
                _("fill in territory_id, or remove the row"),
                table.file,
                int(str(row)),
                "territory_id",
            )
            for row in rows.index[identifier == ""]
        ]
    )
    return rows.assign(territory_id=identifier, territory_name=name.where(name != "", identifier))


def labels(rows: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return one name per territory: ``territory_id``, ``territory_name``.

    Raises
    ------
    DataError
        With every identifier that has several names: two territories under one identifier.
    """
    names = rows[["territory_id", "territory_name"]].drop_duplicates()
    twice = names[names["territory_id"].duplicated(keep=False)].groupby("territory_id")["territory_name"].agg(list)
    raise_errors(
        [
            Finding(
                "territory_contradictory",
                "error",
                _("{territory} has several names: {names}").format(territory=identifier, names="; ".join(found)),
                _("give it the same name on every row, or two identifiers if there are two"),
                file,
                column="territory_name",
                value=str(identifier),
            )
            for identifier, found in twice.items()
        ]
    )
    return names


def list_members(rows: pd.DataFrame, communes: pd.DataFrame, file: str, findings: list[Finding]) -> pd.DataFrame:
    """Turn the rows of a list into units.

    Parameters
    ----------
    rows
        ``territory_id`` and at least one column of :data:`PLACES`; a row means the first of them that it fills. A
        commune given by its name is looked for in the département of its row, where that is filled.
    communes
        Units of today.
    file
        For findings.
    findings
        What is wrong, recoded or repeated is added here.

    Returns
    -------
    DataFrame
        ``territory_id``, ``insee_code``, ``share``, ``method`` (``list``, ``name``, ``epci`` or ``departement``).

    Raises
    ------
    DataError
        For a table without such a column, and for départements that do not exist beside names of communes.
    """
    import pandas as pd

    columns = [name for name in PLACES if name in rows]
    if not columns:
        raise DataError(
            _("no column holds communes, EPCI or départements; the file has: {columns}").format(
                columns=", ".join(map(str, rows.columns))
            ),
            fix=_("name it insee_code, commune (its name), epci_siren or departement_code"),
            where=file,
        )
    given = rows[columns] != ""
    chosen = given.idxmax(axis="columns").where(given.any(axis="columns"), "")
    by_name, unmatched = _matched(rows[chosen == "commune"], communes, file)
    share = rows["share"] if "share" in rows else pd.Series("", rows.index, dtype="str")
    expand = {column: communes.groupby(column)["insee_code"].agg(list) for column in ("epci_siren", "departement_code")}
    parts: list[tuple[str, str, float, str, int]] = []
    for row, column in chosen.items():
        text = str(rows.at[row, column]) if column else ""
        problem, fix = "", _("correct the row, or remove it")
        codes: Sequence[str] = ()
        if not column:
            problem = _("the row names no commune, EPCI or département")
        elif column == "commune":
            codes = (by_name[row],) if row in by_name else ()
            problem, fix = unmatched.get(row, ("", fix))
        elif column == "insee_code":
            codes = (text,)
            problem = "" if is_insee_code(text) else explain_bad_code(text)[1]
        else:
            codes = expand[column].get(text, ())
            problem = "" if len(codes) else _("{code} is not a code of the table of communes").format(code=text)
        part = pd.to_numeric(share[row], errors="coerce") if share[row] else 1.0
        if not problem and not 0 < part <= 1:
            problem = _("the share of {code} is {value}: it must be above 0 and up to 1").format(
                code=text, value=share[row]
            )
        if problem:
            findings.append(
                Finding("territory_row_wrong", "error", problem, fix, file, int(str(row)), column or columns[0], text)
            )
            continue
        units = [unit for code in codes for unit in CITY_ARRONDISSEMENTS.get(code, (code,))]
        parts += [
            (str(rows.at[row, "territory_id"]), unit, float(part), PLACES[column], int(str(row))) for unit in units
        ]
    members = pd.DataFrame(parts, columns=["territory_id", "insee_code", "share", "method", "row"])
    return _today(members, communes, file, findings)


def _matched(
    rows: pd.DataFrame, communes: pd.DataFrame, file: str
) -> tuple[dict[Hashable, str], dict[Hashable, tuple[str, str]]]:
    """Look the names of communes up: codes by row, and for the others what is wrong and what to do."""
    if rows.empty:
        return {}, {}
    wanted = rows.rename(columns={"commune": "name", "departement_code": "departement"})
    placed = with_areas(TextTable(file, wanted), communes).assign(cpts_name=rows["territory_id"])
    found = match(placed, known_names(communes))
    return found.matched["insee_code"].to_dict(), {
        row.Index: (
            _("{name}: {reason}").format(name=row.name, reason=row.reason),
            _("write its INSEE code, or its département beside it ({proposals})").format(proposals=row.proposals)
            if row.proposals
            else _("write its INSEE code, or its département beside it"),
        )
        for row in found.unmatched.itertuples()
    }


def _today(members: pd.DataFrame, communes: pd.DataFrame, file: str, findings: list[Finding]) -> pd.DataFrame:
    """Bring codes to today's units; add a finding for each that was recoded, is unknown or is there twice."""
    new, changes = recode(members["insee_code"], communes["insee_code"])
    recoded = members.loc[changes.index]
    findings += [
        Finding(
            "code_recoded",
            "warning",
            _("{former} is a code from before a merger: read as {code}").format(
                former=row.insee_code, code=new[row.Index]
            ),
            _("the whole of {code} is now in the territory; write today's code to confirm").format(code=new[row.Index]),
            file,
            int(row.row),
            "insee_code",
            row.insee_code,
        )
        for row in recoded.itertuples()
    ]
    members = members.assign(insee_code=new.astype("str"))
    unknown = ~members["insee_code"].isin(communes["insee_code"])
    findings += [
        Finding(
            "code_unknown",
            "error",
            _("{code} is not a unit of the table of communes, nor a former code").format(code=row.insee_code),
            _("look the code up in the code officiel géographique (INSEE); a postal code is not an INSEE code"),
            file,
            int(row.row),
            "insee_code",
            row.insee_code,
        )
        for row in members[unknown].itertuples()
    ]
    repeated = members.duplicated(["territory_id", "insee_code"]) & ~unknown
    findings += [
        Finding(
            "membership_repeated",
            "warning",
            _("{code} is already in {territory}: counted once").format(code=row.insee_code, territory=row.territory_id),
            _("remove the repeated row"),
            file,
            int(row.row),
            "insee_code",
            row.insee_code,
        )
        for row in members[repeated & ~members.index.isin(changes.index)].drop_duplicates(["row"]).itertuples()
    ]
    return members[~repeated & ~unknown].drop(columns="row")
