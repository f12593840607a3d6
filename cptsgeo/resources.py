"""Health resources: what they are, where, in what state, and who may see it; read whole or refused with every finding."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from cptsgeo.codes import explain_bad_code, is_insee_code
from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import N_, _, ngettext, number
from cptsgeo.names import fold
from cptsgeo.optout import Register
from cptsgeo.parameters import parameters
from cptsgeo.phones import is_mobile, national, numbers_in, spaced
from cptsgeo.privacy import Withheld, withheld_row
from cptsgeo.resource_files import read_resource_file
from cptsgeo.resource_positions import place
from cptsgeo.tabular import TextTable

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Audience = Literal["public", "cellule_de_crise"]
AUDIENCES: tuple[Audience, ...] = ("public", "cellule_de_crise")
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
    "finess_category": ("categorie_finess", "category_code"),
}
MARKED: Audience = "cellule_de_crise"
FREE_TEXTS = ("name", "status_source", "unit", "opening", "source")
LONGEST = {"name": 200, "resource_id": 80}
LONGEST_OTHER = 500
STATUS_WORDS = {"ouverte": "ouvert", "fermee": "ferme", "degradee": "degrade", "open": "ouvert", "closed": "ferme"}
STATUS_WORDS |= {"degraded": "degrade", "unknown": "inconnu", "inconnue": "inconnu", "": "inconnu"}
PRECISION_WORDS = {"rue": "street", "exacte": "exact", "": ""}
VISIBILITY_WORDS = {"cellule": MARKED, "cellule de crise": MARKED, "publique": "public", "": "public"}
ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


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


class _Cells(NamedTuple):
    """One column being read: its texts, and where faults go."""

    file: str
    name: str
    texts: pd.Series
    findings: list[Finding]

    def refuse(
        self, row: object, rule: str, problem: str, fix: str, *, severity: Literal["error", "warning"] = "error"
    ) -> None:
        """Note a fault of one cell; a long value is cut."""
        value = self.texts[row][:60]
        self.findings.append(Finding(rule, severity, problem, fix, self.file, int(str(row)), self.name, value))


def read_resources(
    paths: Sequence[Path | str],
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    register: Register,
    *,
    now: datetime,
) -> Resources:
    """Read resources from CSV, XLSX, Parquet, GeoJSON or GeoPackage files.

    Rows of people who objected are taken away before anything else is read from them. A resource without coordinates is
    placed in its commune, with the precision ``commune``.

    Parameters
    ----------
    paths
        Files with ``resource_id``, ``kind``, ``name`` and ``insee_code`` at least (usual French names are understood).
        ``rpps`` serves to find objections and is not kept.
    communes
        Units and their names; see :func:`cptsgeo.communes.read_communes`.
    contours
        Outlines, EPSG:4326: to place resources, and to report those outside their commune.
    register
        People who objected; see :func:`cptsgeo.optout.read_register`.
    now
        Present time, local: nothing can be dated later.

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
    resources, findings = parse_resources(paths, communes, contours, register, now=now)
    raise_errors(findings)
    return resources


def parse_resources(
    paths: Sequence[Path | str],
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    register: Register,
    *,
    now: datetime,
) -> tuple[Resources, list[Finding]]:
    """Read as :func:`read_resources`, and return every finding; the table leaves out nothing but objections."""
    import pandas as pd

    findings: list[Finding] = []
    parts = []
    withheld = Withheld()
    withdrawn = 0
    for path in map(Path, paths):
        known = ["resource_id", *ALIASES["resource_id"], "kind", *ALIASES["kind"]]
        raw = read_resource_file(path, known).renamed(ALIASES, required=["resource_id", "name", "insee_code"])
        if "kind" not in raw.rows and "finess_category" not in raw.rows:
            raw.renamed(ALIASES, required=["kind"])
        raw, gone, found = _apply_objections(raw, register)
        withheld |= gone.withheld
        withdrawn += gone.rows
        findings += found
        parts.append(_parse_rows(raw, communes, now, findings))
    table = pd.concat(parts, ignore_index=True)
    findings += _repeated(table)
    table, found = place(table, communes, contours)
    findings += found
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


def kinds() -> dict[str, dict[str, object]]:
    """Return the nomenclature of kinds: key to its entry.

    Examples
    --------
    >>> kinds()["cmp"]["finess"]
    ['156']
    """
    return {entry["key"]: entry for entry in parameters("resource_kinds")["kind"]}


def kind_of(text: str) -> str | None:
    """Return the kind that a word names: key, label in either language, or usual word.

    Examples
    --------
    >>> kind_of("IRM"), kind_of("Abri d’urgence"), kind_of("école")
    ('mri', 'shelter', None)
    """
    return _kind_words().get(fold(text))


@cache
def _kind_words() -> dict[str, str]:
    """Map every folded word to its kind; a key or label goes before a usual word."""
    entries = parameters("resource_kinds")["kind"]
    usual = {word: str(entry["key"]) for entry in entries for word in entry.get("words", [])}
    return usual | {fold(entry[name]): str(entry["key"]) for entry in entries for name in ("key", "fr", "en")}


def kind_of_finess(category: str) -> str | None:
    """Return the kind of a FINESS category, or None.

    Examples
    --------
    >>> kind_of_finess("620"), kind_of_finess("604")
    ('pharmacy', None)
    """
    return next(
        (str(entry["key"]) for entry in parameters("resource_kinds")["kind"] if category in entry.get("finess", [])),
        None,
    )


def is_professional(kind: str) -> bool:
    """Tell whether a kind of resource is a person.

    Examples
    --------
    >>> is_professional("nurse"), is_professional("pharmacy")
    (True, False)
    """
    return kinds()[kind]["group"] == "professional"


class _Gone(NamedTuple):
    withheld: Withheld
    rows: int


def _apply_objections(raw: TextTable, register: Register) -> tuple[TextTable, _Gone, list[Finding]]:
    """Take away the rows of those who objected, whatever cell names them; a place that names one is an error."""
    withheld, kept, findings = Withheld(), [], []
    for row in raw.rows.itertuples():
        cells = dict(zip(raw.rows.columns, row[1:], strict=True))
        if not any(register.objects(text) for text in cells.values()):
            kept.append(row.Index)
            continue
        where = f"{raw.file}, " + _("row {row}").format(row=row.Index)
        kind = kind_of(cells.get("kind", "")) or kind_of_finess(cells.get("finess_category", ""))
        if kind is None or is_professional(kind):
            withheld |= withheld_row(cells, where)
            continue
        findings.append(
            Finding(
                "objection_in_place",
                "error",
                _("this place names a person who objected"),
                _("take the person's number or address out of the row; the place itself may stay"),
                raw.file,
                int(row.Index),
            )
        )
        withheld |= withheld_row({}, where, register=register, texts=list(cells.values()))
    gone = len(raw.rows) - len(kept) - len(findings)
    return TextTable(raw.file, raw.rows.loc[kept]), _Gone(withheld, gone), findings


def _parse_rows(raw: TextTable, communes: pd.DataFrame, now: datetime, findings: list[Finding]) -> pd.DataFrame:
    """Read the columns of one file, every fault noted."""
    import pandas as pd

    rows = raw.rows
    empty = pd.Series("", index=rows.index, dtype="str")

    def cells(name: str) -> _Cells:
        return _Cells(raw.file, name, rows.get(name, empty), findings)

    texts = {name: _texts(cells(name)) for name in (*FREE_TEXTS, "resource_id")}
    for name in ("resource_id", "name"):
        column = cells(name)
        for row in column.texts.index[column.texts == ""]:
            column.refuse(row, f"{name}_missing", _("the cell is empty"), _("fill it in, or remove the row"))
    capacity = _capacity(cells("capacity"))
    values: dict[str, object] = {
        **texts,
        "kind": _kinds(cells("kind"), cells("finess_category")),
        "insee_code": _codes(cells("insee_code"), communes),
        "status": _words(cells("status"), "resource_statuses", STATUS_WORDS, N_("{value} is not a status")),
        "position_precision": _words(
            cells("position_precision"), "position_precisions", PRECISION_WORDS, N_("{value} is not a precision")
        ),
        "visibility": _visibility(cells("visibility")),
        "status_at": _times(cells("status_at"), now, with_time=True),
        "updated_at": _times(cells("updated_at"), now, with_time=False),
        "phone": _phones(cells("phone"), mobile=False),
        "mobile": _phones(cells("mobile"), mobile=True),
        "email": _emails(cells("email")),
        "capacity": capacity,
        "longitude": rows.get("longitude", empty),
        "latitude": rows.get("latitude", empty),
    }
    for name in FREE_TEXTS:
        column = cells(name)
        for row, text in column.texts.items():
            if any(is_mobile(found) for found in numbers_in(text)):
                column.refuse(
                    row,
                    "mobile_in_text",
                    _("a mobile number stands in a text that everybody reads"),
                    _("put it into the column mobile, which only the crisis cell sees"),
                )
    return pd.DataFrame(values, index=rows.index).assign(file=raw.file, row=rows.index)


def _texts(column: _Cells) -> pd.Series:
    """Read free texts: no control character, no invisible mark, no flood; markup is text and is reported."""
    longest = LONGEST.get(column.name, LONGEST_OTHER)
    for row, text in column.texts.items():
        if len(text) > longest:
            column.refuse(
                row,
                "text_too_long",
                _("the text has {length} characters, {longest} at most are shown").format(
                    length=number(len(text)), longest=number(longest)
                ),
                _("shorten it"),
            )
        odd = sorted({unicodedata.name(c, f"U+{ord(c):04X}") for c in text if unicodedata.category(c) in {"Cc", "Cf"}})
        if odd:
            column.refuse(
                row,
                "text_invisible",
                _("the text holds line breaks, control characters or invisible marks ({names})").format(
                    names=", ".join(odd[:3])
                ),
                _("type the text again on one line"),
            )
        elif re.search(r"<[a-zA-Z/!]", text):
            column.refuse(
                row,
                "text_markup",
                _("the text holds markup: it is shown as it is written, and does nothing"),
                _("remove it if it is not wanted"),
                severity="warning",
            )
    return _missing(column.texts)


def _missing(texts: pd.Series) -> pd.Series:
    return texts.where(texts != "", None).astype("str")


def _kinds(column: _Cells, categories: _Cells) -> pd.Series:
    """Read the kind from its word, else from the FINESS category; private homes are refused."""
    refused = parameters("resource_kinds")["refused"]["finess"]
    found: dict[object, str] = {}
    for row, text in column.texts.items():
        category = categories.texts[row]
        if category in refused:
            categories.refuse(
                row,
                "finess_private_home",
                _("FINESS category {category} is a private home: it is never shown").format(category=category),
                _("remove the row"),
            )
        elif kind := kind_of(text) if text else kind_of_finess(category):
            found[row] = kind
        else:
            column.refuse(
                row,
                "kind_unknown",
                _("{value} is not a kind of resource").format(value=text or category or _("an empty cell")),
                _("choose one of: {choices}").format(choices=", ".join(kinds())),
            )
    return column.texts.index.to_series().map(found).astype("str")


def _codes(column: _Cells, communes: pd.DataFrame) -> pd.Series:
    known = set(communes["insee_code"].tolist())
    for row, code in column.texts.items():
        if not is_insee_code(code):
            rule, problem, fix = explain_bad_code(code)
            column.refuse(row, rule, problem, fix)
        elif code not in known:
            column.refuse(
                row,
                "unit_unknown",
                _("{code} is not in the table of communes").format(code=code),
                _("give the code of the commune in the COG of the table, an arrondissement for Paris, Lyon, Marseille"),
            )
    return column.texts


def _words(column: _Cells, parameter: str, words: dict[str, str], problem: str) -> pd.Series:
    """Read one of the words of a nomenclature: key or label, any accents."""
    entries = next(value for value in parameters(parameter).values() if isinstance(value, list))
    known = words | {fold(entry[name]): entry["key"] for entry in entries for name in ("key", "fr", "en")}
    values = column.texts.map(lambda text: known.get(fold(text)))
    for row in values.index[values.isna()]:
        column.refuse(
            row,
            f"{column.name}_unknown",
            _(problem).format(value=column.texts[row][:60]),
            _("choose one of: {choices}").format(choices=", ".join(entry["key"] for entry in entries)),
        )
    return values.where(values != "", None).astype("str")


def _visibility(column: _Cells) -> pd.Series:
    known = VISIBILITY_WORDS | {fold(key): key for key in AUDIENCES}
    values = column.texts.map(lambda text: known.get(fold(text)))
    for row in values.index[values.isna()]:
        column.refuse(
            row,
            "visibility_unknown",
            _("{value} is not a visibility").format(value=column.texts[row][:60]),
            _("choose one of: {choices}").format(choices=", ".join(AUDIENCES)),
        )
    return values.astype("str")


def _times(column: _Cells, now: datetime, *, with_time: bool) -> pd.Series:
    """Read ISO or French dates, with or without a time; nothing is dated in the future."""
    found: dict[object, str | None] = {}
    for row, text in column.texts.items():
        found[row] = None
        if not text:
            continue
        moment = _moment(text)
        if moment is None:
            column.refuse(
                row,
                "date_unreadable",
                _("{value} is not a date").format(value=text[:60]),
                _("write it as 2026-09-30, or 2026-09-30T14:05 with a time"),
            )
        elif moment > now:
            column.refuse(
                row,
                "date_future",
                _("{value} is in the future").format(value=text[:60]),
                _("give the day when it was found so; check the clock of this computer"),
            )
        else:
            found[row] = moment.isoformat(timespec="minutes") if with_time else moment.date().isoformat()
    return column.texts.index.to_series().map(found).astype("str")


def _moment(text: str) -> datetime | None:
    """Read a local time; a text with a time zone is brought to the local one.

    >>> _moment("30/09/2026 14:05"), _moment("2026-13-01")
    (datetime.datetime(2026, 9, 30, 14, 5), None)
    """
    french = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})(.*)", text)
    if french:
        text = f"{french[3]}-{french[2]}-{french[1]}{french[4]}"
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T", 1) if len(text) > len("2026-09-30") else text)
        return moment.astimezone().replace(tzinfo=None) if ZONED.search(text) and moment.tzinfo else moment
    except (ValueError, OverflowError, OSError):
        return None


def _capacity(column: _Cells) -> pd.Series:
    import pandas as pd

    whole = column.texts.str.fullmatch(r"[0-9]{1,7}(?:\.0)?")
    for row in column.texts.index[~whole & (column.texts != "")]:
        column.refuse(
            row,
            "capacity_wrong",
            _("{value} is not a capacity").format(value=column.texts[row][:60]),
            _("give a whole number, or leave the cell empty"),
        )
    return pd.to_numeric(column.texts.where(whole, None)).astype("Float64").astype("Int64")


def _phones(column: _Cells, *, mobile: bool) -> pd.Series:
    """Read telephone numbers; a mobile one is refused outside its own column."""
    found: dict[object, str | None] = {}
    for row, text in column.texts.items():
        found[row] = None
        if not text:
            continue
        number_read = national(text)
        if number_read is None:
            lost = re.fullmatch(r"[1-9][0-9]{8}(?:\.0+)?|[0-9.,]+[eE][+]?[0-9]+", text)
            column.refuse(
                row,
                "phone_number" if lost else "phone_wrong",
                _("{value}: a program read the telephone number as a number").format(value=text[:60])
                if lost
                else _("{value} is not a French telephone number").format(value=text[:60]),
                _("format the column as text in the spreadsheet, and type the number again with its 0 or +")
                if lost
                else _("give one number of ten digits, or one that begins with + and the country"),
            )
        elif not mobile and is_mobile(number_read):
            column.refuse(
                row,
                "mobile_in_phone",
                _("a mobile number stands in a column that everybody reads"),
                _("put it into the column mobile, which only the crisis cell sees"),
            )
        else:
            found[row] = spaced(number_read)
    return column.texts.index.to_series().map(found).astype("str")


def _emails(column: _Cells) -> pd.Series:
    good = column.texts.str.fullmatch(r"[^\s@<>\"'()]{1,64}@[\w-]+(?:\.[\w-]+)+")
    for row in column.texts.index[~good & (column.texts != "")]:
        column.refuse(
            row,
            "email_wrong",
            _("{value} is not an e-mail address").format(value=column.texts[row][:60]),
            _("give one address, or leave the cell empty"),
        )
    return column.texts.where(good, None).astype("str")


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
