"""Any territory layer as a membership: GHT, contrats locaux de santé, EPCI, DAC, bassins de vie, or a user's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.drawn import text_attributes
from cptsgeo.errors import Finding, UsageError, raise_errors
from cptsgeo.grids import Grid
from cptsgeo.i18n import N_, _
from cptsgeo.layers import is_layer, read_polygons
from cptsgeo.nearest_sites import nearest_members
from cptsgeo.perimeters import Perimeters
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.population import polygon_shares
from cptsgeo.tabular import TextTable, read_table
from cptsgeo.territory_lists import labels, list_members, named, require_territories, standard_columns

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
METHODS = {
    "list": N_("communes listed"),
    "name": N_("communes listed by name"),
    "epci": N_("EPCI listed, expanded to their communes"),
    "departement": N_("départements"),
    "region": N_("régions"),
    "nearest_site": N_("each commune to the nearest member establishment (convention of cptsgeo)"),
    "nearest_support": N_("each commune to the nearest support establishment (convention of cptsgeo)"),
    "polygon": N_("polygons, communes whole"),
    "grid": N_("polygons, cut communes shared by a population grid"),
    "area": N_("polygons, cut communes shared by area, as if people lived evenly in them"),
}
OF_COMMUNES = {
    "epci": ("epci_siren", "epci_name"),
    "departement": ("departement_code", "departement_name"),
    "region": ("region_code", "region_name"),
}
KIND = re.compile(r"\w[\w-]*")
RULES = ("listed", "nearest_site", "nearest_support")


@dataclass(frozen=True)
class LayerChoice:
    """Name a layer of territories to read.

    Attributes
    ----------
    kind
        Key of :data:`KINDS`, or a name of the user's.
    path
        Its file; ``None`` for the EPCI, départements and régions of the table of communes.
    rule
        One of :data:`RULES`.
    names
        Table of the names of its territories, where the file has none.
    """

    kind: str
    path: Path | None = None
    rule: str = "listed"
    names: Path | None = None


class Territories(NamedTuple):
    """Hold one layer of territories and its membership, the same relation as that of CPTS.

    Attributes
    ----------
    kind
        Key of :data:`KINDS`, or the user's name of the layer.
    names
        One row per territory, sorted: ``territory_id``, ``territory_name``.
    membership
        Sorted: ``territory_id``, ``insee_code``, ``share``, ``method`` (``list``, ``name``, ``epci``, ``departement`` for
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


def parse_layers(
    layers: Sequence[str], rules: Sequence[str] = (), names: Sequence[str] = ()
) -> tuple[LayerChoice, ...]:
    """Read the layers that a user names: ``KIND`` or ``KIND=FILE``, ``KIND=RULE`` and ``KIND=FILE`` of names.

    Raises
    ------
    UsageError
        For two layers under one name, a name that cannot be that of a page, or a rule or names of no layer.

    Examples
    --------
    >>> parse_layers(["epci", "ght=sites.csv"], rules=["ght=nearest_site"])[1].rule
    'nearest_site'
    """
    chosen = {kind: Path(path) if equals else None for kind, equals, path in (text.partition("=") for text in layers)}
    require_distinct([text.partition("=")[0] for text in layers])
    unfit = [kind for kind in chosen if not KIND.fullmatch(kind)]
    if unfit:
        raise UsageError(
            _("{kind!r} cannot name a layer").format(kind=unfit[0]),
            fix=_("write it with letters, digits, _ and -: pages and tables bear it"),
            where="--with",
        )
    by_rule, by_names = _of_layers(rules, "--rule", chosen), _of_layers(names, "--names", chosen)
    return tuple(
        LayerChoice(kind, path, by_rule.get(kind, "listed"), Path(by_names[kind]) if kind in by_names else None)
        for kind, path in chosen.items()
    )


def _of_layers(values: Sequence[str], where: str, layers: Collection[str]) -> dict[str, str]:
    """Read KIND=VALUE for the layers named."""
    split = {value: value.partition("=") for value in values}
    for value, (kind, _equals, text) in split.items():
        if not kind or not text:
            raise UsageError(
                _("{value!r} does not say for which layer").format(value=value),
                fix=_("write KIND=VALUE, such as ght={value}").format(value=value or "…"),
                where=where,
            )
    stray = sorted({kind for kind, _equals, _text in split.values()} - set(layers))
    if stray:
        raise UsageError(
            _("there is no layer {kind}").format(kind=", ".join(stray)),
            fix=_("name it with --with {kind}=FILE").format(kind=stray[0]),
            where=where,
        )
    return {kind: text for kind, _equals, text in split.values()}


def require_distinct(kinds: Sequence[str]) -> None:
    """Refuse two layers under one name.

    Raises
    ------
    UsageError
        With the name.
    """
    twice = sorted({kind for kind in kinds if list(kinds).count(kind) > 1})
    if twice:
        raise UsageError(
            _("two layers are named {kind}").format(kind=", ".join(twice)),
            fix=_("give one of them another name: --with OTHER_NAME=FILE"),
            where="--with",
        )


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
        A table with one row per territory and commune (``insee_code``, or its name in ``commune``, found in the
        ``departement_code`` of the row), EPCI (``epci_siren``, expanded to its communes) or département: a row means
        the finest that it fills. Or polygons. Or, for GHT, a
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
        layer, findings = _listed(standard_columns(read_table(path), kind), communes, kind, rule, contours)
    return (layer if names is None else with_names(layer, names)), findings


def with_names(layer: Territories, path: Path | str) -> Territories:
    """Return a layer under the names of a table.

    Raises
    ------
    DataError
        With the territories that the table does not name.
    """
    table = standard_columns(read_table(path), layer.kind)
    given = labels(named(table), table.file).set_index("territory_id")["territory_name"]
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
        names, members = nearest_members(table, communes, rule, _required(contours), findings)
        return _sorted(kind, names, members), findings
    require_territories(table, kind)
    rows = named(table)
    members = list_members(rows, communes, table.file, findings)
    raise_errors(findings)
    return _sorted(kind, labels(rows, table.file), members), findings


def _required(contours: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    if contours is None:
        raise UsageError(
            _("this layer is placed by its outlines, and those of the communes are not given"),
            fix=_("give them with --contours"),
        )
    return contours


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
    rows = named(standard_columns(text_attributes(polygons.layer, path.name), kind))
    shares = polygon_shares(
        polygons.layer.assign(territory_id=rows["territory_id"]),
        communes,
        contours,
        grid=grid,
        area_weighting=area_weighting,
        tolerance_m=tolerance_m,
        file=path.name,
    )
    return _sorted(kind, labels(rows, path.name), shares.membership), [*polygons.findings, *shares.findings]


def _sorted(kind: str, names: pd.DataFrame, members: pd.DataFrame) -> Territories:
    return Territories(
        kind,
        names[["territory_id", "territory_name"]].sort_values("territory_id", ignore_index=True),
        members.sort_values(["territory_id", "insee_code"], ignore_index=True),
    )
