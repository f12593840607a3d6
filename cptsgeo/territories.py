"""Any territory layer as a membership: GHT, contrats locaux de santé, EPCI, DAC, bassins de vie, or a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import CITY_ARRONDISSEMENTS, explain_bad_code, is_insee_code
from cptsgeo.cog import recode
from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.crs import by_territory
from cptsgeo.drawn import text_attributes
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.i18n import N_, _
from cptsgeo.layers import is_layer, read_polygons
from cptsgeo.perimeters import Perimeters
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.population import Grid, polygon_shares
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

KINDS = {
    "ght": N_("hospital group (GHT)"),
    "contrat_local": N_("contrat local de santé (CLS)"),
    "epci": N_("EPCI"),
    "dac": N_("dispositif d’appui à la coordination (DAC)"),
    "bassin_de_vie": N_("bassin de vie"),
    "departement": N_("département"),
    "region": N_("région"),
    "qpv": N_("quartier prioritaire (QPV)"),
}
OF_COMMUNES = {
    "epci": ("epci_siren", "epci_name"),
    "departement": ("departement_code", "departement_name"),
    "region": ("region_code", "region_name"),
}
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
MEMBER_COLUMNS = ("finess_ej", "finess_et", "finess", "nofinesset", "nofinessej")
RULES = ("listed", "nearest_site", "nearest_support")
SUPPORT_ROLES = frozenset({"s", "support", "etablissement support"})


class Territories(NamedTuple):
    """Hold one layer of territories and its membership, the same relation as that of CPTS.

    Attributes
    ----------
    kind
        Key of :data:`KINDS`, or the user's name of the layer.
    names
        One row per territory, sorted: ``territory_id``, ``territory_name``.
    membership
        Sorted: ``territory_id``, ``insee_code``, ``share``, ``method`` (``list``, ``epci`` and ``departement`` for
        expanded lists, ``nearest_site`` or ``nearest_support``, ``polygon``, ``grid`` or ``area``), and where it is
        known ``area_share``.
    """

    kind: str
    names: pd.DataFrame
    membership: pd.DataFrame


def kind_label(kind: str) -> str:
    """Name a kind of layer in words; a user's own name as it is.

    Examples
    --------
    >>> kind_label("ght"), kind_label("secteur")
    ('groupement hospitalier de territoire (GHT)', 'secteur')
    """
    return _(KINDS[kind]) if kind in KINDS else kind


def as_territories(perimeters: Perimeters, kind: str = "cpts") -> Territories:
    """Return CPTS as a layer of territories: one relation under another column name."""
    return Territories(
        kind,
        perimeters.cpts[["cpts_id", "cpts_name"]].set_axis(["territory_id", "territory_name"], axis="columns"),
        perimeters.membership.rename(columns={"cpts_id": "territory_id"}),
    )


def territories_of_communes(kind: str, communes: pd.DataFrame) -> Territories:
    """Return the EPCI, départements or régions that the table of communes carries.

    Raises
    ------
    UsageError
        For another kind: it needs a file.

    Examples
    --------
    >>> from cptsgeo.communes import embedded_communes
    >>> len(territories_of_communes("departement", embedded_communes()).names)
    101
    """
    if kind not in OF_COMMUNES:
        raise UsageError(
            _("the table of communes does not say {kind}").format(kind=kind_label(kind)),
            fix=_("give a file: --with {kind}=FILE; without one there are: {choices}").format(
                kind=kind, choices=", ".join(OF_COMMUNES)
            ),
            where="--with",
        )
    identifier, name = OF_COMMUNES[kind]
    placed = communes.dropna(subset=identifier)
    names = (
        placed[[identifier, name]]
        .drop_duplicates(identifier)
        .set_axis(["territory_id", "territory_name"], axis="columns")
    )
    members = placed[[identifier, "insee_code"]].set_axis(["territory_id", "insee_code"], axis="columns")
    return _sorted(kind, names, members.assign(share=1.0, method=kind))


def read_territories(
    path: Path | str | None,
    communes: pd.DataFrame,
    *,
    kind: str,
    rule: str = "listed",
    names: Path | str | None = None,
    contours: gpd.GeoDataFrame | None = None,
    grid: Grid | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
    repair: bool = False,
) -> tuple[Territories, list[Finding]]:
    """Read a layer of territories.

    Parameters
    ----------
    path
        A table with one row per territory and commune (``insee_code``), EPCI (``epci_siren``, expanded to its
        communes) or département (``departement_code``): a row fills one of the three. Or polygons. Or, for GHT, a
        table of member establishments and their communes. ``None`` for the EPCI, départements and régions of the
        table of communes. The territory is in ``territory_id`` or ``territory_name``, or under the usual names of
        its kind, such as ``code_ght``.
    communes
        Units of today.
    kind
        A key of :data:`KINDS`, or any name.
    rule
        ``listed``: the rows are the territory. ``nearest_site``, ``nearest_support``: the rows are establishments,
        and each unit of their départements goes to the territory of the nearest one, or of the nearest support
        establishment (column ``role``: S), by distance between the interior points of the communes.
    names
        A table with one row per territory, its identifier and its name, where the first file has no names.
    contours
        Outlines, for polygons and for the nearest rules.
    grid, area_weighting, tolerance_m, repair
        For polygons; see :func:`cptsgeo.population.polygon_shares`.

    Returns
    -------
    Territories
        The layer; its ``method`` carries the rule.
    list of Finding
        What was recoded, expanded or repeated.

    Raises
    ------
    UsageError
        For an unknown rule, or outlines that a rule needs and has not.
    DataError
        With every unknown code, and for a table of establishments read as a territory.
    """
    if rule not in RULES:
        raise UsageError(
            _("{rule!r} is not a rule that makes territories").format(rule=rule),
            fix=_("choose one of: {choices}").format(choices=", ".join(RULES)),
            where="--rule",
        )
    if path is None:
        return territories_of_communes(kind, communes), []
    if is_layer(path):
        outlines = _required(contours)
        layer, findings = _drawn(Path(path), communes, kind, outlines, grid, area_weighting, tolerance_m, repair)
    else:
        layer, findings = _listed(_renamed(read_table(path), kind), communes, kind, rule, contours)
    return (layer if names is None else with_names(layer, names)), findings


def with_names(layer: Territories, path: Path | str) -> Territories:
    """Return a layer under the names of a table.

    Raises
    ------
    DataError
        With the territories that the table does not name.
    """
    table = _renamed(read_table(path), layer.kind)
    given = _labels(_named(table), table.file).set_index("territory_id")["territory_name"]
    missing = layer.names[~layer.names["territory_id"].isin(given.index)]
    raise_errors(
        [
            Finding(
                "territory_unnamed",
                "error",
                _("{territory} is not in {file}").format(territory=identifier, file=table.file),
                _("add a row with its name, or correct its identifier"),
                table.file,
                column="territory_id",
                value=identifier,
            )
            for identifier in missing["territory_id"]
        ]
    )
    return layer._replace(names=layer.names.assign(territory_name=layer.names["territory_id"].map(given)))


def _listed(
    table: TextTable, communes: pd.DataFrame, kind: str, rule: str, contours: gpd.GeoDataFrame | None
) -> tuple[Territories, list[Finding]]:
    findings: list[Finding] = []
    if rule != "listed":
        return _nearest(table, communes, kind, rule, _required(contours), findings), findings
    _refuse_members(table, kind)
    _refuse_parts(table, kind)
    rows = _named(table)
    members = _expanded(rows, communes, table.file, findings)
    raise_errors(findings)
    return _sorted(kind, _labels(rows, table.file), members), findings


def _refuse_parts(table: TextTable, kind: str) -> None:
    """Refuse a list of the communes that hold a quartier prioritaire: it is a part of them."""
    if kind == "qpv" and "share" not in table.rows:
        raise DataError(
            _("a quartier prioritaire is a part of its commune, and the list does not say which part"),
            fix=_("give the outlines of the QPV, or a column share"),
            where=table.file,
        )


def _required(contours: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    if contours is None:
        raise UsageError(
            _("this layer is placed by its outlines, and those of the communes are not given"),
            fix=_("give them with --contours"),
        )
    return contours


def _renamed(table: TextTable, kind: str) -> TextTable:
    """Give columns their standard names; the territory may be named as its kind usually is."""
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
        "epci_siren": ("epci", "siren_epci", "code_epci", "siren"),
        "departement_code": ("departement", "code_departement", "dep"),
        "share": ("part",),
        "role": ("role_publie", "role_etablissement"),
    }
    placed = rest.renamed(codes, required=[])
    return TextTable(table.file, placed.rows.assign(**{name: first.rows[name] for name in own & known}))


def _named(table: TextTable) -> pd.DataFrame:
    """Fill identifier and name by each other; a row without either is an error."""
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


def _labels(rows: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return one name per territory; two layers under one identifier, or two names for one, are refused."""
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


def _refuse_members(table: TextTable, kind: str) -> None:
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


def _expanded(rows: pd.DataFrame, communes: pd.DataFrame, file: str, findings: list[Finding]) -> pd.DataFrame:
    """Turn rows of communes, EPCI and départements into units, each with its method; add what is wrong."""
    import pandas as pd

    columns = [name for name in ("insee_code", "epci_siren", "departement_code") if name in rows]
    if not columns:
        raise DataError(
            _("no column holds communes, EPCI or départements; the file has: {columns}").format(
                columns=", ".join(map(str, rows.columns))
            ),
            fix=_("name it insee_code, epci_siren or departement_code; names alone are not matched here"),
            where=file,
        )
    given = rows[columns] != ""
    chosen = given.idxmax(axis="columns")
    share = rows["share"] if "share" in rows else pd.Series("", rows.index, dtype="str")
    parts: list[tuple[str, str, float, str, int]] = []
    by_epci = communes.groupby("epci_siren")["insee_code"].agg(list)
    by_departement = communes.groupby("departement_code")["insee_code"].agg(list)
    for row, column in chosen.items():
        text = str(rows.at[row, column])
        problem = ""
        codes: Sequence[str] = ()
        if not given.loc[row].any():
            problem = _("the row names no commune, EPCI or département")
        elif column == "insee_code":
            if not is_insee_code(text):
                problem = explain_bad_code(text)[1]
            codes = CITY_ARRONDISSEMENTS.get(text, (text,))
        else:
            codes = (by_epci if column == "epci_siren" else by_departement).get(text, ())
            if not len(codes):
                problem = _("{code} is not a code of the table of communes").format(code=text)
        part = pd.to_numeric(share[row], errors="coerce") if share[row] else 1.0
        if not problem and not 0 < part <= 1:
            problem = _("the share of {code} is {value}: it must be above 0 and up to 1").format(
                code=text, value=share[row]
            )
        if problem:
            findings.append(
                Finding(
                    "territory_row_wrong",
                    "error",
                    problem,
                    _("correct the row, or remove it"),
                    file,
                    int(str(row)),
                    column,
                    text,
                )
            )
            continue
        method = {"insee_code": "list", "epci_siren": "epci", "departement_code": "departement"}[column]
        parts += [(str(rows.at[row, "territory_id"]), code, float(part), method, int(str(row))) for code in codes]
    members = pd.DataFrame(parts, columns=["territory_id", "insee_code", "share", "method", "row"])
    return _today(members, communes, file, findings)


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


def _nearest(
    table: TextTable,
    communes: pd.DataFrame,
    kind: str,
    rule: str,
    contours: gpd.GeoDataFrame,
    findings: list[Finding],
) -> Territories:
    """Give each unit of the establishments' départements to the territory of the nearest one."""
    import numpy as np
    import pandas as pd
    import shapely

    rows = _named(table)
    if "insee_code" not in rows:
        table.renamed({"insee_code": COMMUNE_ALIASES["insee_code"]}, required=["insee_code"])
    if rule == "nearest_support":
        if "role" not in rows:
            table.renamed({"role": ("role_publie",)}, required=["role"])
        rows = rows[rows["role"].str.lower().isin(SUPPORT_ROLES)]
        if rows.empty:
            raise DataError(
                _("no establishment is a support (role S)"), fix=_("choose --rule nearest_site"), where=table.file
            )
    sites = _expanded(rows[["territory_id", "insee_code"]].drop_duplicates(), communes, table.file, findings)
    undrawn = sites[~sites["insee_code"].isin(contours["insee_code"])]
    findings += [
        Finding(
            "site_undrawn",
            "error",
            _("the commune {code} of an establishment of {territory} has no outline").format(
                code=row.insee_code, territory=row.territory_id
            ),
            _("give its outline with --contours, or remove the establishment"),
            table.file,
            column="insee_code",
            value=row.insee_code,
        )
        for row in undrawn.itertuples()
    ]
    raise_errors(findings)
    of_unit = communes.set_index("insee_code")["departement_code"]
    wanted = of_unit.index[of_unit.isin(of_unit[sites["insee_code"]].unique())]
    parts = []
    for local in by_territory(contours[contours["insee_code"].isin(wanted)]).values():
        points = pd.Series(shapely.point_on_surface(local.geometry.to_numpy()), local["insee_code"].to_numpy())
        here = sites[sites["insee_code"].isin(points.index)].sort_values(
            ["territory_id", "insee_code"], ignore_index=True
        )
        if here.empty:
            continue
        ends = points[here["insee_code"]].to_numpy()
        distances = np.stack([shapely.distance(points.to_numpy(), end) for end in ends], axis=1)
        chosen = here["territory_id"].to_numpy()[np.argmin(distances, axis=1)]
        parts.append(pd.DataFrame({"territory_id": chosen, "insee_code": points.index}))
    return _sorted(kind, _labels(rows, table.file), pd.concat(parts).assign(share=1.0, method=rule))


def _drawn(
    path: Path,
    communes: pd.DataFrame,
    kind: str,
    contours: gpd.GeoDataFrame,
    grid: Grid | None,
    area_weighting: bool,
    tolerance_m: float,
    repair: bool,
) -> tuple[Territories, list[Finding]]:
    polygons = read_polygons(path, repair=repair)
    raise_errors(polygons.findings)
    rows = _named(_renamed(text_attributes(polygons.layer, path.name), kind))
    shares = polygon_shares(
        polygons.layer.assign(territory_id=rows["territory_id"]),
        communes,
        contours,
        grid=grid,
        area_weighting=area_weighting,
        tolerance_m=tolerance_m,
        file=path.name,
    )
    return _sorted(kind, _labels(rows, path.name), shares.membership), [*polygons.findings, *shares.findings]


def _sorted(kind: str, names: pd.DataFrame, members: pd.DataFrame) -> Territories:
    return Territories(
        kind,
        names[["territory_id", "territory_name"]].sort_values("territory_id", ignore_index=True),
        members.sort_values(["territory_id", "insee_code"], ignore_index=True),
    )
