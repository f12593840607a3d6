"""Health resources: what they are, where, in what state, and who may see it; read whole or refused with every finding."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.optout import Register, rpps_number
from cptsgeo.privacy import Withheld, withheld_row
from cptsgeo.resource_cells import MARKED, Audience, parse_rows
from cptsgeo.resource_files import read_resource_file
from cptsgeo.resource_kinds import is_professional, kind_of, kind_of_finess
from cptsgeo.resource_positions import place
from cptsgeo.resource_sources import read_official, recognised
from cptsgeo.tabular import TextTable

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

COLUMNS = (
    *("resource_id", "kind", "name", "insee_code", "longitude", "latitude", "position_precision"),
    *("status", "status_at", "status_source", "capacity", "unit", "phone", "mobile", "email", "opening"),
    *("source", "updated_at", "visibility"),
)
ALIASES = {
    "resource_id": ("identifiant", "id", "id_ressource"),
    "kind": ("type", "categorie", "nature"),
    "name": ("nom", "raison_sociale", "libelle"),
    "insee_code": COMMUNE_ALIASES["insee_code"],
    "longitude": ("lon", "lng", "x", "long"),
    "latitude": ("lat", "y"),
    "position_precision": ("precision", "precision_position"),
    "status": ("statut", "etat"),
    "status_at": ("statut_le", "date_statut"),
    "status_source": ("source_statut",),
    "capacity": ("capacite",),
    "unit": ("unite",),
    "phone": ("telephone", "tel"),
    "mobile": ("portable", "telephone_portable"),
    "email": ("e_mail", "courriel", "mail", "adresse_e_mail"),
    "opening": ("horaires", "ouverture"),
    "updated_at": ("maj", "date_maj", "mis_a_jour_le"),
    "visibility": ("visibilite",),
    "rpps": ("numero_rpps", "identifiant_pp", "identification_nationale_pp"),
    "finess_et": ("numero_finess",),
    "finess_category": ("categorie_finess", "category_code"),
}


@dataclass(frozen=True)
class Resources:
    """Hold the resources that may be shown, and what must not be.

    Attributes
    ----------
    table
        One row per resource, sorted by ``resource_id``; see :func:`read_resources`.
    withheld
        Identifiers, names and numbers of the rows that objections took away: for the gate only.
    withdrawn
        How many rows objections took away.
    """

    table: pd.DataFrame
    withheld: Withheld
    withdrawn: int


def read_resources(
    paths: Sequence[Path | str],
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    register: Register,
    *,
    now: datetime,
    within: Collection[str] | None = None,
) -> Resources:
    """Read resources from CSV, XLSX, Parquet, GeoJSON or GeoPackage files, and from FINESS, Annuaire Santé and SAE as they are.

    Rows of people who objected are taken away before anything else is read from them. A resource without coordinates is
    placed in its commune, with the precision ``commune``.

    Parameters
    ----------
    paths
        Files with ``resource_id``, ``kind``, ``name`` and ``insee_code`` at least (usual French names are understood).
        ``rpps`` serves to find objections and is not kept. Official files are known by their content; see
        :mod:`cptsgeo.resource_sources`. One of their rows that has a fault is left out with a warning, since nobody here
        can correct it. An equipment of the SAE stands where a FINESS file given beside it puts its establishment.
    communes
        Units and their names; see :func:`cptsgeo.communes.read_communes`.
    contours
        Outlines, EPSG:4326: to place resources, and to report those outside their commune.
    register
        People who objected; see :func:`cptsgeo.optout.read_register`.
    now
        Present time, local: nothing can be dated later.
    within
        Units whose rows of official files are kept; all when not given.

    Returns
    -------
    Resources
        The table has the columns of :data:`COLUMNS`: ``kind`` (key of ``parameters/resource_kinds.toml``), ``longitude``
        and ``latitude`` in degrees, ``position_precision`` (exact, street, commune), ``status`` (ouvert, degrade, ferme,
        inconnu), ``status_at`` (ISO 8601, local time), ``capacity`` (Int64) in ``unit``, ``phone``, ``mobile`` (for the
        crisis cell only), ``email``, ``opening``, ``source``, ``updated_at`` (ISO 8601 day), ``visibility`` (public,
        cellule_de_crise). Missing texts are missing.

    Raises
    ------
    DataError
        With every fault of every row.
    """
    resources, findings = parse_resources(paths, communes, contours, register, now=now, within=within)
    raise_errors(findings)
    return resources


def parse_resources(
    paths: Sequence[Path | str],
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    register: Register,
    *,
    now: datetime,
    within: Collection[str] | None = None,
) -> tuple[Resources, list[Finding]]:
    """Read as :func:`read_resources`, and return every finding; the table leaves out what the findings say."""
    import pandas as pd

    findings: list[Finding] = []
    parts = []
    withheld = Withheld()
    withdrawn = 0
    files = [Path(path) for path in paths]
    read = []
    for path in files:
        official = recognised(path)
        if official is None:
            raw = _read_table(path)
        else:
            raw, found = read_official(path, official, beside=files, within=within)
            findings += found
        read.append((raw, official, _rows_that_name(raw, register)))
    objectors = set().union(*(_professionals(raw, naming) for raw, _official, naming in read))
    for raw, official, naming in read:
        raw, gone, found = _apply_objections(raw, naming | _rows_of(raw, objectors), register)
        withheld |= gone.withheld
        withdrawn += gone.rows
        rows = parse_rows(raw, communes, now, found)
        rows, misplaced = place(rows, communes, contours)
        found += misplaced
        if official is not None:
            rows, found = _without_faulty(rows, found)
        findings += found
        parts.append(rows)
    table = _placed_by_finess(pd.concat(parts, ignore_index=True))
    findings += _repeated(table)
    if withdrawn:
        findings.append(
            Finding(
                "objection",
                "info",
                ngettext(
                    "{count} row is left out: the person objected",
                    "{count} rows are left out: the persons objected",
                    withdrawn,
                ).format(count=number(withdrawn)),
            )
        )
    findings.sort(key=lambda finding: (finding.file, finding.row or 0))
    ordered = table.sort_values("resource_id", ignore_index=True)[list(COLUMNS)]
    return Resources(ordered, withheld, withdrawn), findings


def for_audience(resources: Resources, audience: Audience) -> Resources:
    """Return what an audience may see.

    The public sees no row marked ``cellule_de_crise`` and no mobile number; these become things that the gate looks for.
    """
    if audience == MARKED:
        return resources
    table = resources.table
    hidden = table["visibility"] == MARKED
    shown = table[~hidden].assign(mobile=None).astype({"mobile": "str"}).reset_index(drop=True)
    open_numbers = set(shown["phone"].dropna())
    kept_back = Withheld()
    for row in table.itertuples():
        texts = [row.mobile] if not hidden[row.Index] else [row.mobile, row.phone]
        for text in texts:
            if isinstance(text, str) and text not in open_numbers:
                kept_back |= withheld_row(
                    {"mobile": text}, _("resource {identifier}, not for the public").format(identifier=row.resource_id)
                )
    return Resources(shown, resources.withheld | kept_back, resources.withdrawn)


def _read_table(path: Path) -> TextTable:
    """Read a user's file, its columns under their standard names."""
    known = ["resource_id", *ALIASES["resource_id"], "kind", *ALIASES["kind"]]
    raw = read_resource_file(path, known).renamed(ALIASES, required=["resource_id", "name", "insee_code"])
    return raw if "finess_category" in raw.rows else raw.renamed(ALIASES, required=["kind"])


def _without_faulty(rows: pd.DataFrame, findings: list[Finding]) -> tuple[pd.DataFrame, list[Finding]]:
    """Leave out the rows of an official file that have a fault; each fault becomes a warning that says so."""
    faulty = {finding.row for finding in findings if finding.severity == "error"}
    identifiers = rows.set_index("row")["resource_id"]
    softened = [
        replace(
            finding,
            severity="warning",
            problem=_("{identifier} left out: {problem}").format(
                identifier=identifiers.get(finding.row, _("a place")), problem=finding.problem
            ),
            row=None,
        )
        if finding.severity == "error"
        else finding
        for finding in findings
    ]
    return rows[~rows["row"].isin(faulty)], softened


def _placed_by_finess(table: pd.DataFrame) -> pd.DataFrame:
    """Put resources known to their commune alone where another file puts the same establishment."""
    located = table[(table["position_precision"] != "commune") & (table["finess_et"] != "")]
    places = located.drop_duplicates("finess_et").set_index("finess_et")
    moved = (table["position_precision"] == "commune") & table["finess_et"].isin(places.index)
    if not moved.any():
        return table
    return table.assign(
        **{
            name: table[name].mask(moved, table["finess_et"].map(places[name]))
            for name in ("longitude", "latitude", "position_precision")
        }
    )


class _Gone(NamedTuple):
    withheld: Withheld
    rows: int


def _rows_that_name(raw: TextTable, register: Register) -> set[int]:
    """List the rows of which a cell, known or not, holds an identifier of the register."""
    rows = zip(raw.rows.index, raw.rows.itertuples(index=False), strict=True)
    return {row for row, cells in rows if any(register.objects(text) for text in cells)}


def _professionals(raw: TextTable, naming: set[int]) -> set[str]:
    """Return the RPPS numbers of the professionals of some rows: all their rows go, in every file."""
    rows = raw.rows.loc[sorted(naming)]
    return {
        person
        for cells in rows.to_dict("records")
        if _is_person(cells) and (person := rpps_number(cells.get("rpps", "")))
    }


def _rows_of(raw: TextTable, persons: set[str]) -> set[int]:
    """List the rows whose RPPS number is one of some persons'."""
    if "rpps" not in raw.rows or not persons:
        return set()
    return set(raw.rows.index[raw.rows["rpps"].map(rpps_number).isin(persons)])


def _is_person(cells: Mapping[str, str]) -> bool:
    kind = kind_of(cells.get("kind", "")) or kind_of_finess(cells.get("finess_category", ""))
    return kind is None or is_professional(kind)


def _apply_objections(raw: TextTable, objected: set[int], register: Register) -> tuple[TextTable, _Gone, list[Finding]]:
    """Take away the rows of those who objected; a place among them is an error."""
    withheld, findings = Withheld(), []
    for row, cells in raw.rows.loc[sorted(objected)].to_dict("index").items():
        where = f"{raw.file}, " + _("row {row}").format(row=row)
        if _is_person(cells):
            withheld |= withheld_row({name: text for name, text in cells.items() if name != "addresses"}, where)
            continue
        findings.append(
            Finding(
                "objection_in_place",
                "error",
                _("this place names a person who objected"),
                _("take the person's number or address out of the row; the place itself may stay"),
                raw.file,
                int(row),
            )
        )
        withheld |= withheld_row({}, where, register=register, texts=list(cells.values()))
    return (
        TextTable(raw.file, raw.rows.drop(sorted(objected))),
        _Gone(withheld, len(objected) - len(findings)),
        findings,
    )


def _repeated(table: pd.DataFrame) -> list[Finding]:
    repeated = table[table["resource_id"].notna() & table["resource_id"].duplicated()]
    return [
        Finding(
            "resource_repeated",
            "error",
            _("two resources have the identifier {identifier}").format(identifier=str(row.resource_id)[:60]),
            _("give each resource an identifier of its own"),
            str(row.file),
            int(row.row),
            "resource_id",
            str(row.resource_id)[:60],
        )
        for row in repeated.itertuples()
    ]


def latest_update(table: pd.DataFrame) -> date | None:
    """Return the day of the latest update of a table of resources, or None when no row says it."""
    days = table["updated_at"].dropna()
    return date.fromisoformat(days.max()) if len(days) else None
