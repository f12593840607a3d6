"""CPTS and their perimeters: who they are, at what stage, and which units they answer for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.codes import CITY_ARRONDISSEMENTS, among
from cptsgeo.cog import ambiguous_former_codes, recode
from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.communes import bad_codes
from cptsgeo.embedded import embedded
from cptsgeo.errors import Finding, UsageError, raise_errors
from cptsgeo.i18n import _
from cptsgeo.iris import iris_shares, is_iris_list, read_iris_populations
from cptsgeo.names import fold
from cptsgeo.parameters import labels, parameters
from cptsgeo.tabular import TextTable, parse_day, read_table

if TYPE_CHECKING:
    import pandas as pd

STAGES: tuple[str, ...] = tuple(stage["key"] for stage in parameters("stages")["stage"])
ALIASES = {
    "cpts_id": ("id_cpts", "code_cpts", "identifiant"),
    "cpts_name": ("nom_cpts", "cpts", "nom", "name"),
    "stage": ("stade", "avancement", "statut", "etat_d_avancement"),
    "insee_code": COMMUNE_ALIASES["insee_code"],
    "share": ("part",),
    "lettre_intention_on": ("date_lettre_intention", "date_li"),
    "projet_valide_on": ("date_projet_valide", "date_projet_de_sante", "date_projet_sante"),
    "aci_signed_on": ("date_aci", "date_signature_aci", "signature_aci"),
}
DATES = {"lettre_intention_on": "lettre_intention", "projet_valide_on": "projet_valide", "aci_signed_on": "aci_signe"}
"""Optional columns of the table of CPTS: the day on which each stage was reached."""


class Perimeters(NamedTuple):
    """Hold the CPTS and the membership relation between them and the units.

    Attributes
    ----------
    cpts
        One row per CPTS, sorted by ``cpts_id``: ``cpts_id``, ``cpts_name`` (text), ``stage`` (ordered category
        ``pre_projet`` < ``lettre_intention`` < ``projet_valide`` < ``aci_signe``; missing when unknown). Where the list
        gives them, also ``lettre_intention_on``, ``projet_valide_on`` and ``aci_signed_on`` (dates; missing when unknown).
    membership
        One row per CPTS and unit, sorted: ``cpts_id``, ``insee_code``, ``share`` (part of the unit's population in
        the CPTS, above 0 and up to 1), ``method`` (how the share is known: ``list``, ``iris``, and from drawn
        perimeters ``polygon``, ``grid`` or ``area``, with ``area_share``, the part of the unit's area).
    fragments
        Where drawn perimeters overlap inside a unit that they cut, one row per distinct piece of the unit and CPTS that
        holds it: ``insee_code``, ``fragment``, ``cpts_id``, ``share`` (of the inhabitants of the unit). None for lists.
    """

    cpts: pd.DataFrame
    membership: pd.DataFrame
    fragments: pd.DataFrame | None = None

    def only(self, cpts: pd.DataFrame) -> Perimeters:
        """Keep some CPTS, and what is theirs."""
        kept = [
            None if table is None else table[table["cpts_id"].isin(cpts["cpts_id"])].reset_index(drop=True)
            for table in (self.membership, self.fragments)
        ]
        return Perimeters(cpts.reset_index(drop=True), *kept)

    def parts(self) -> pd.DataFrame:
        """Return the membership in parts that share no inhabitant, as far as it tells.

        Returns
        -------
        DataFrame
            ``insee_code``, ``part`` (number over all units), ``cpts_id``, ``share`` (of the part): a fragment that several
            CPTS hold has a row for each. Without fragments the members of a unit are taken to be apart, up to the whole
            of it.
        """
        import pandas as pd

        rows = self.membership[["insee_code", "cpts_id", "share"]]
        if self.fragments is None or self.fragments.empty:
            return rows.assign(part=range(len(rows)))
        rows = rows[~rows["insee_code"].isin(self.fragments["insee_code"])]
        numbers = self.fragments.groupby(["insee_code", "fragment"]).ngroup() + len(rows)
        fragments = self.fragments.drop(columns="fragment").assign(part=numbers)
        return pd.concat([rows.assign(part=range(len(rows))), fragments], ignore_index=True)

    def covered_shares(self, groups: pd.DataFrame | None = None) -> pd.Series:
        """Return the share of each unit that is in a CPTS: nobody counts twice.

        Parameters
        ----------
        groups
            ``group`` and ``cpts_id``: groups of CPTS, each counted apart.

        Returns
        -------
        Series
            By ``insee_code``, or with groups by ``group`` and ``insee_code``.
        """
        parts, keys = self.parts(), ["insee_code"]
        if groups is not None:
            parts, keys = parts.merge(groups, on="cpts_id"), ["group", "insee_code"]
        if self.fragments is not None:
            parts = parts.drop_duplicates([*keys, "part"])
        return parts.groupby(keys)["share"].sum().clip(upper=1)


def read_perimeters(
    path: Path | str | None,
    communes: pd.DataFrame,
    *,
    cpts: Path | str | None = None,
    iris: Path | str | None = None,
) -> Perimeters:
    """Read the perimeters of CPTS; the embedded ones when no file is given.

    Codes from before a merger become today's, and a code of Paris, Lyon or Marseille becomes its arrondissements:
    :func:`parse_perimeters` tells which.

    Parameters
    ----------
    path
        CSV or XLSX with one row per CPTS and unit: ``insee_code`` and ``cpts_id`` or ``cpts_name``, and if known
        ``stage`` and ``share``. Without ``cpts_id`` the name is the identifier, as it is spelt.
    communes
        The units of today, as :func:`cptsgeo.communes.read_communes` returns them.
    cpts
        CSV or XLSX with one row per CPTS: ``cpts_id``, ``cpts_name``, ``stage``, and if known the days on which stages
        were reached: ``lettre_intention_on``, ``projet_valide_on``, ``aci_signed_on``.
    iris
        Populations by IRIS, for a list of ``code_iris``; see :func:`cptsgeo.iris.iris_shares`.

    Raises
    ------
    DataError
        With every unknown code, unknown stage and CPTS that the two files do not share.
    """
    perimeters, findings = parse_perimeters(path, communes, cpts=cpts, iris=iris)
    raise_errors(findings)
    return perimeters


def parse_perimeters(
    path: Path | str | None,
    communes: pd.DataFrame,
    *,
    cpts: Path | str | None = None,
    iris: Path | str | None = None,
) -> tuple[Perimeters, list[Finding]]:
    """Read as :func:`read_perimeters`, and return what was found: errors, and what was recoded or expanded."""
    if path is None:
        path, cpts = embedded("cpts_perimeters/membership.csv"), embedded("cpts_perimeters/cpts.csv")
    table = read_table(path, header_has=["insee_code", "code_iris", *ALIASES["insee_code"]])
    table = table.renamed(ALIASES, required=[] if is_iris_list(table) else ["insee_code"])
    if not {"cpts_id", "cpts_name"} & set(table.rows.columns):
        table.renamed(ALIASES, required=["cpts_name"])
    found: list[Finding] = []
    if is_iris_list(table):
        table, found = iris_shares(table, communes, None if iris is None else read_iris_populations(iris))
    findings = found + bad_codes(table)
    described = table if cpts is None else read_table(cpts).renamed(ALIASES, required=["cpts_id"])
    members = _members(table, findings)
    entities = described_cpts(described, findings)
    if cpts is not None:
        findings += _unshared(members, entities, table.file, described.file)
    members = _resolve_codes(members, communes, table.file, findings)
    members = _shares(members, table.file, findings)
    return Perimeters(entities, members), findings


def identified(table: TextTable, findings: list[Finding]) -> pd.DataFrame:
    """Give every row its cpts_id and cpts_name: each stands in for the other where it is the only one known."""
    rows = table.rows
    name = rows["cpts_name"] if "cpts_name" in rows else rows["cpts_id"]
    identifier = rows.get("cpts_id", name)
    nameless = [
        Finding(
            "cpts_missing",
            "error",
            _("the row names no CPTS"),
            _("fill in cpts_id or cpts_name, or remove the row"),
            table.file,
            int(str(row)),
            "cpts_id" if "cpts_id" in rows else "cpts_name",
        )
        for row in rows.index[identifier == ""]
    ]
    findings += [finding for finding in nameless if finding not in findings]
    return rows.assign(cpts_id=identifier, cpts_name=name.where(name != "", identifier))[identifier != ""]


def described_cpts(table: TextTable, findings: list[Finding]) -> pd.DataFrame:
    """Build the table of CPTS; a CPTS whose rows disagree on name or stage is an error."""
    import pandas as pd

    rows = identified(table, findings)
    stages = rows["stage"] if "stage" in rows else pd.Series("", rows.index, dtype="str")
    words = {word: stage["key"] for stage in parameters("stages")["stage"] for word in stage["words"]}
    words |= {stage: stage for stage in STAGES}
    keys = stages.map(lambda text: words.get(text) or words.get(fold(text).replace("_", " ")))
    findings += [
        Finding(
            "stage_unknown",
            "error",
            _("{value} is not a stage of a CPTS").format(value=stages[row]),
            _("give one of: {stages}; leave the cell empty when the stage is not known").format(
                stages=", ".join(STAGES) + " (" + ", ".join(labels("stages").values()) + ")"
            ),
            table.file,
            int(str(row)),
            "stage",
            stages[row],
        )
        for row in rows.index[keys.isna() & (stages != "")]
    ]
    stage = pd.Categorical(keys.where(keys.notna(), None), categories=list(STAGES), ordered=True)
    entities = rows[["cpts_id", "cpts_name"]].assign(stage=stage, **_dates(rows, table.file, findings))
    findings += _early_dates(entities, table.file)
    different = entities.drop_duplicates()
    for identifier in sorted(set(different.loc[different["cpts_id"].duplicated(), "cpts_id"])):
        versions = different[different["cpts_id"] == identifier]
        findings.append(
            Finding(
                "cpts_contradictory",
                "error",
                _("the rows of {cpts} do not agree on its name, stage or dates: {versions}").format(
                    cpts=identifier, versions="; ".join(_described(row) for row in versions.to_dict("records"))
                ),
                _("give the CPTS the same name, stage and dates on every row"),
                table.file,
                int(versions.index[1]),
                "stage",
                identifier,
            )
        )
    return different.drop_duplicates("cpts_id").sort_values("cpts_id", ignore_index=True)


def _dates(rows: pd.DataFrame, file: str, findings: list[Finding]) -> dict[str, pd.Series]:
    """Read the optional dates of the table of CPTS; a cell that is not a day is an error."""
    import pandas as pd

    columns = {}
    for name in DATES:
        if name not in rows:
            continue
        days = rows[name].map(parse_day)
        findings += [
            Finding(
                "date_wrong",
                "error",
                _("{value} is not a day").format(value=rows.loc[row, name]),
                _("write it as 2024-03-31 or 31/03/2024; leave the cell empty when the day is not known"),
                file,
                int(str(row)),
                name,
                str(rows.loc[row, name]),
            )
            for row in rows.index[days.isna() & (rows[name] != "")]
        ]
        columns[name] = pd.to_datetime(days).astype("datetime64[s]")
    return columns


def _early_dates(entities: pd.DataFrame, file: str) -> list[Finding]:
    """List the CPTS that have the date of a stage that they have not reached."""
    ranks = {stage: rank for rank, stage in enumerate(STAGES)}
    reached = entities["stage"].astype("object").map(ranks)
    return [
        Finding(
            "date_of_later_stage",
            "warning",
            _("{cpts} has a date of {later}, and its stage is {stage}").format(
                cpts=entities.loc[row, "cpts_name"],
                later=labels("stages")[stage],
                stage=labels("stages")[str(entities.loc[row, "stage"])],
            ),
            _("correct the stage or the date; the stage decides"),
            file,
            int(str(row)),
            name,
        )
        for name, stage in DATES.items()
        if name in entities
        for row in entities.index[entities[name].notna() & (reached < ranks[stage])]
    ]


def _described(row: dict[str, Any]) -> str:
    """Write the name, stage and known dates of one row of the table of CPTS."""
    days = [f"{name} {row[name]:%Y-%m-%d}" for name in DATES if name in row and row[name] == row[name]]
    return ", ".join([row["cpts_name"], labels("stages").get(row["stage"], _("stage unknown")), *days])


def _members(table: TextTable, findings: list[Finding]) -> pd.DataFrame:
    """Keep the well-formed rows of the membership list: row, cpts_id, insee_code, share as text, method."""
    import pandas as pd

    rows = identified(table, findings)
    share = rows["share"] if "share" in rows else pd.Series("1", rows.index, dtype="str")
    wrong = {finding.row for finding in findings}
    method = rows["method"] if "method" in rows else pd.Series("list", rows.index, dtype="str")
    members = rows.assign(share=share, method=method.where(method != "", "list"))[
        ["cpts_id", "insee_code", "share", "method"]
    ]
    return members[~members.index.isin(list(wrong))].reset_index()


def _unshared(members: pd.DataFrame, entities: pd.DataFrame, member_file: str, cpts_file: str) -> list[Finding]:
    """List the CPTS that one of the two files has and the other has not."""
    unknown = members[~members["cpts_id"].isin(entities["cpts_id"])].drop_duplicates("cpts_id")
    empty = entities[~entities["cpts_id"].isin(members["cpts_id"])]
    return [
        Finding(
            "cpts_unknown",
            "error",
            _("{cpts} is not in {file}").format(cpts=row.cpts_id, file=cpts_file),
            _("add the CPTS to {file}, or correct its identifier").format(file=cpts_file),
            member_file,
            int(row.row),
            "cpts_id",
            row.cpts_id,
        )
        for row in unknown.itertuples()
    ] + [
        Finding(
            "cpts_without_units",
            "warning",
            _("{cpts} has no unit: it covers nobody").format(cpts=row.cpts_name),
            _("add its units to {file}").format(file=member_file),
            cpts_file,
            column="cpts_id",
            value=row.cpts_id,
        )
        for row in empty.itertuples()
    ]


def _resolve_codes(members: pd.DataFrame, communes: pd.DataFrame, file: str, findings: list[Finding]) -> pd.DataFrame:
    """Expand cities, bring former codes to today's, and drop repeated rows, each with a finding."""
    import pandas as pd

    units = members["insee_code"].map(lambda code: CITY_ARRONDISSEMENTS.get(code, (code,)))
    members = members.assign(
        listed=members["insee_code"], insee_code=pd.Series(list(units), members.index, dtype="object")
    ).explode("insee_code", ignore_index=True)
    new, changes = recode(members["insee_code"], communes["insee_code"])
    names = communes.set_index("insee_code")["name"]
    ambiguous = ambiguous_former_codes()
    members["insee_code"] = new.astype("str")
    for row in members.loc[changes.index].itertuples():
        findings.append(
            Finding(
                "code_recoded",
                "warning",
                _("{former} is a code from before a merger: read as {code} ({name})").format(
                    former=row.listed, code=row.insee_code, name=names.get(row.insee_code, "?")
                ),
                _("the whole of {code} is now in the CPTS; write today's code to confirm").format(code=row.insee_code),
                file,
                int(row.row),
                "insee_code",
                row.listed,
            )
        )
    for row in members[members["listed"].isin(CITY_ARRONDISSEMENTS.keys())].drop_duplicates("row").itertuples():
        findings.append(
            Finding(
                "city_expanded",
                "info",
                _("{code} is a whole city: read as its {count} arrondissements").format(
                    code=row.listed, count=len(CITY_ARRONDISSEMENTS[str(row.listed)])
                ),
                "",
                file,
                int(row.row),
                "insee_code",
                row.listed,
            )
        )
    unknown = ~among(members["insee_code"], communes["insee_code"])
    for row in members[unknown].itertuples():
        findings.append(
            Finding(
                "code_unknown",
                "error",
                _("{code} now belongs to several communes, and the list does not say which").format(code=row.listed)
                if row.listed in ambiguous
                else _("{code} is not a unit of the table of communes, nor a former code").format(code=row.listed),
                _("write the codes of today's communes")
                if row.listed in ambiguous
                else _(
                    "look the code up in the code officiel géographique (INSEE); a postal code is not an INSEE code"
                ),
                file,
                int(row.row),
                "insee_code",
                row.listed,
            )
        )
    repeated = members.duplicated(["cpts_id", "insee_code"])
    for row in members[repeated & ~unknown].itertuples():
        findings.append(
            Finding(
                "membership_repeated",
                "warning",
                _("{code} ({name}) is already in {cpts}: counted once").format(
                    code=row.insee_code, name=names.get(row.insee_code, "?"), cpts=row.cpts_id
                ),
                _("remove the repeated row"),
                file,
                int(row.row),
                "insee_code",
                row.listed,
            )
        )
    return members[~repeated & ~unknown]


def _shares(members: pd.DataFrame, file: str, findings: list[Finding]) -> pd.DataFrame:
    """Read shares as numbers above 0 and up to 1."""
    import pandas as pd

    share = pd.to_numeric(members["share"].where(members["share"] != "", "1"), errors="coerce")
    wrong = ~((share > 0) & (share <= 1))
    findings += [
        Finding(
            "share_wrong",
            "error",
            _("the share of {code} is {value}: it must be above 0 and up to 1").format(
                code=row.insee_code, value=row.share
            ),
            _("give a fraction of the unit's population, with a decimal point, such as 0.5"),
            file,
            int(row.row),
            "share",
            str(row.share),
        )
        for row in members[wrong].itertuples()
    ]
    table = members[~wrong].assign(share=share[~wrong].astype("float64"))
    return table[["cpts_id", "insee_code", "share", "method"]].sort_values(["cpts_id", "insee_code"], ignore_index=True)


def with_stages(perimeters: Perimeters, stages: Iterable[str]) -> Perimeters:
    """Keep the CPTS of the chosen stages and their members.

    Parameters
    ----------
    perimeters
        As read.
    stages
        Any of the four stages, and ``unknown`` for the CPTS whose stage is not known.
    """
    chosen = set(stages)
    cpts = perimeters.cpts
    kept = cpts[cpts["stage"].isin(chosen - {"unknown"}) | (cpts["stage"].isna() & ("unknown" in chosen))]
    return perimeters.only(kept)


def parse_stages(text: str, *, where: str = "--stages") -> tuple[str, ...]:
    """Read a list of stages such as ``projet_valide,aci_signe``.

    Raises
    ------
    UsageError
        For a word that is not a stage.
    """
    chosen = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [word for word in chosen if word not in (*STAGES, "unknown")]
    if unknown or not chosen:
        raise UsageError(
            _("{value} is not a stage of a CPTS").format(value=", ".join(unknown) or "«»"),
            fix=_("give one or more of: {stages}").format(stages=", ".join((*STAGES, "unknown"))),
            where=where,
        )
    return chosen
