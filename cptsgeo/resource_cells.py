"""The cells of a table of resources: each column read in its single form, every fault noted with its row."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from cptsgeo.codes import explain_bad_code, is_insee_code
from cptsgeo.digits import INVISIBLE
from cptsgeo.errors import Finding
from cptsgeo.i18n import N_, _, number
from cptsgeo.names import fold
from cptsgeo.optout import rpps_number
from cptsgeo.parameters import parameters
from cptsgeo.phones import holds_mobile, is_mobile, national, spaced
from cptsgeo.resource_kinds import kind_of, kind_of_finess, kinds
from cptsgeo.tabular import TextTable

if TYPE_CHECKING:
    import pandas as pd

Audience = Literal["public", "cellule_de_crise"]
AUDIENCES: tuple[Audience, ...] = ("public", "cellule_de_crise")
MARKED: Audience = "cellule_de_crise"
FREE_TEXTS = ("name", "status_source", "unit", "opening", "source")
LONGEST = {"name": 200, "resource_id": 80}
LONGEST_OTHER = 500
STATUS_WORDS = {"ouverte": "ouvert", "fermee": "ferme", "degradee": "degrade", "open": "ouvert", "closed": "ferme"}
STATUS_WORDS |= {"degraded": "degrade", "unknown": "inconnu", "inconnue": "inconnu", "": "inconnu"}
PRECISION_WORDS = {"rue": "street", "exacte": "exact", "": ""}
VISIBILITY_WORDS = {"cellule": MARKED, "cellule de crise": MARKED, "publique": "public", "": "public"}
DIGEST = re.compile(r"PS-[0-9a-f]{12}")
"""An identifier made of a digest, such as those of the Annuaire Santé: its digits mean nothing."""
ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")


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


def parse_rows(raw: TextTable, communes: pd.DataFrame, now: datetime, findings: list[Finding]) -> pd.DataFrame:
    """Read the columns of one file, every fault noted; coordinates stay as they are written."""
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
    _check_rpps(cells("rpps"))
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
        "finess_et": rows.get("finess_et", empty),
    }
    for name in (*FREE_TEXTS, "resource_id", "email"):
        column = cells(name)
        for row, text in column.texts.items():
            if holds_mobile(text) and not DIGEST.fullmatch(text):
                column.refuse(
                    row,
                    "mobile_in_text",
                    _("a mobile number stands in a text that everybody reads"),
                    _("put it into the column mobile, which only the crisis cell sees"),
                )
    return pd.DataFrame(values, index=rows.index).assign(file=raw.file, row=rows.index)


def _check_rpps(column: _Cells) -> None:
    """Refuse a number that cannot be read: it could be the one of somebody who objected."""
    for row, text in column.texts.items():
        if text and rpps_number(text) is None:
            column.refuse(
                row,
                "rpps_unreadable",
                _("{value} is not an RPPS number: nobody can tell whether the person objected").format(value=text[:60]),
                _("format the column as text in the spreadsheet, and type the eleven digits again"),
            )


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
        if _visible(column, row, text) and re.search(r"<[a-zA-Z/!]", text):
            column.refuse(
                row,
                "text_markup",
                _("the text holds markup: it is shown as it is written, and does nothing"),
                _("remove it if it is not wanted"),
                severity="warning",
            )
    return _missing(column.texts)


def _visible(column: _Cells, row: object, text: str) -> bool:
    """Tell whether every character of a text shows; refuse it when one does not."""
    odd = sorted(
        {
            unicodedata.name(character, f"U+{ord(character):04X}")
            for character in text
            if unicodedata.category(character) in {"Cc", "Cf"} or INVISIBLE.match(character)
        }
    )
    if odd:
        column.refuse(
            row,
            "text_invisible",
            _("the text holds line breaks, control characters or invisible marks ({names})").format(
                names=", ".join(odd[:3])
            ),
            _("type the text again on one line"),
        )
    return not odd


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
    for row, text in column.texts[good].items():
        _visible(column, row, text)
    return column.texts.where(good, None).astype("str")
