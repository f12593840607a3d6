"""The gate: search every byte that was written for those who objected, and fail the build when one is found.

What cannot be opened and searched is not let through: an unknown kind of file fails too. Names are compared without
accents, case, titles, invisible marks or order of first and last name; numbers without spaces or country code.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import sqlite3
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from cptsgeo.digits import INVISIBLE, plain, runs
from cptsgeo.errors import DataError, Finding
from cptsgeo.i18n import _
from cptsgeo.optout import Register, identifiers_in
from cptsgeo.phones import numbers_in, restored

TITLES = frozenset(
    ["dr", "docteur", "docteure", "pr", "professeur", "professeure", "m", "mr", "mme", "mlle", "monsieur", "madame"]
)
TEXT_ENDINGS = frozenset(
    [".html", ".csv", ".txt", ".md", ".json", ".geojson", ".gpx", ".kml", ".svg", ".xml", ".css", ".js"]
)
ZIP_ENDINGS = frozenset([".xlsx", ".zip", ".kmz"])
PAPER = ".pdf"
NINE = 9
DEPTH = 4
_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\[nrtbf]")
_COMBINING = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_PHONE_COLUMNS = ("phone", "mobile")
_NAME_COLUMNS = ("name", "nom", "prenom", "nom_exercice", "raison_sociale", "last_name", "first_name")


@dataclass(frozen=True)
class Withheld:
    """Hold what must not appear, each with the row it comes from; never written anywhere.

    Attributes
    ----------
    identifiers
        RPPS numbers and e-mail addresses.
    names
        Folded names, in every order of their words.
    numbers
        Last nine digits of telephone numbers.
    """

    identifiers: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: Withheld) -> Withheld:
        return Withheld(
            {**self.identifiers, **other.identifiers},
            {**self.names, **other.names},
            {**self.numbers, **other.numbers},
        )


def withheld_row(
    cells: Mapping[str, str], where: str, *, register: Register | None = None, texts: Sequence[str] = ()
) -> Withheld:
    """List what a row says of the person it is about: identifiers, name, telephone numbers.

    Parameters
    ----------
    cells
        Column to text.
    where
        The row, in words: what the gate says instead of the person's name.
    register, texts
        Further texts of which only the identifiers in the register count.
    """
    identifiers = {found.text: where for text in cells.values() for found in identifiers_in(text)}
    if register is not None:
        identifiers |= {found.text: where for text in texts for found in register.objects(text)}
    names: dict[str, str] = {}
    for column, text in cells.items():
        if column in _NAME_COLUMNS:
            names |= dict.fromkeys(_orders(text), where)
    numbers = {found[-NINE:]: where for text in cells.values() for found in numbers_in(text)}
    numbers |= {found[-NINE:]: where for column in _PHONE_COLUMNS if (found := restored(cells.get(column, "")))}
    return Withheld(identifiers, names, numbers)


def gate(folder: Path, withheld: Withheld, register: Register) -> None:
    """Search every file of a folder, or one file, and refuse it when it holds something withheld.

    Raises
    ------
    DataError
        With every place where an identifier of the register, or a withheld identifier, name or number was found, and
        every file that cannot be searched.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else [folder]
    findings: list[Finding] = []
    for path in files:
        shown = path.relative_to(folder).as_posix() if folder.is_dir() else path.name
        texts, whole = _opened(path)
        for text in (shown, *texts):
            findings += [
                Finding("withheld_found", "error", problem, file=shown)
                for problem in search(text, withheld, register, broken=path.suffix.lower() == PAPER)
            ]
        if not whole:
            findings.append(Finding("file_not_searched", "error", _("this file cannot be searched"), file=shown))
    unique = list(dict.fromkeys(findings))
    if unique:
        raise DataError(
            _("the build holds something that must not be shown, and was thrown away"),
            fix=_("take it out of the rows named below, or out of any text that repeats it, and build again"),
            findings=unique,
        )


def search(text: str, withheld: Withheld, register: Register, *, broken: bool = False) -> list[str]:
    """Say what withheld things a text holds, without repeating them.

    Parameters
    ----------
    text
        What a file holds.
    withheld, register
        What must not be there.
    broken
        The text comes from paper, where a line may end within a word: spaces count for nothing then.
    """
    text = plain(text)
    found = []
    if broken:
        solid = "".join(_folded(text).split())
        found += [
            _("the name of the person of {where}").format(where=where)
            for name, where in withheld.names.items()
            if " " in name and name.replace(" ", "") in solid
        ]
        bare = "".join(text.casefold().split())
        found += [
            _("the identifier of the person of {where}").format(where=where)
            for identifier, where in withheld.identifiers.items()
            if identifier in bare
        ]
    wanted = set(withheld.identifiers)
    for identifier in identifiers_in(text) if wanted or register.entries else ():
        if identifier.text in wanted:
            found.append(
                _("the identifier of the person of {where}").format(where=withheld.identifiers[identifier.text])
            )
        elif register.holds(identifier):
            found.append(_("an identifier that is in the register of objections"))
    if withheld.numbers:
        for digits in runs(text, NINE):
            for start in range(len(digits) - NINE + 1):
                where = withheld.numbers.get(digits[start : start + NINE])
                if where is not None:
                    found.append(_("a telephone number of {where}").format(where=where))
    if withheld.names:
        words = f" {_folded(text)} "
        found += [
            _("the name of the person of {where}").format(where=where)
            for name, where in withheld.names.items()
            if f" {name} " in words
        ]
    return list(dict.fromkeys(found))


def _opened(path: Path) -> tuple[list[str], bool]:
    """Return the texts of a file, and whether all of it could be searched."""
    from pypdfium2 import PdfiumError

    if path.suffix.lower() not in TEXT_ENDINGS | ZIP_ENDINGS | {".gpkg", PAPER}:
        return [], False
    try:
        return list(texts_of(path)), True
    except (PdfiumError, zipfile.BadZipFile, sqlite3.DatabaseError, _PictureError):
        return [], False


class _PictureError(Exception):
    """A PDF holds what is no text."""


def texts_of(path: Path) -> Iterator[str]:
    """Yield every text that a file holds, as it is and under each way of writing it: escaped, deflated, archived."""
    content = path.read_bytes()
    ending = path.suffix.lower()
    if ending in ZIP_ENDINGS:
        yield from _archive(content, DEPTH)
    elif ending == PAPER:
        yield from _paper(content)
    elif ending == ".gpkg":
        yield content.decode("utf-8", errors="ignore")
        yield from _database(path)
    else:
        yield from _views(content.decode("utf-8", errors="ignore"), DEPTH)


def _archive(content: bytes, depth: int) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            yield entry.filename
            inside = archive.read(entry)
            if inside.startswith(b"PK\x03\x04") and depth:
                yield from _archive(inside, depth - 1)
            else:
                yield from _views(inside.decode("utf-8", errors="ignore"), depth - 1)


def _database(path: Path) -> Iterator[str]:
    """Read every cell of every table of a GeoPackage; the file itself is only read."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            for row in connection.execute(f'select * from "{quoted}"'):
                cells = [cell for cell in row if cell is not None]
                yield "\n".join(c.decode("utf-8", errors="ignore") if isinstance(c, bytes) else str(c) for c in cells)
    finally:
        connection.close()


def _paper(content: bytes) -> Iterator[str]:
    """Yield what the pages of a PDF say, its properties and bookmarks: ends of lines as spaces, and as nothing.

    Pictures and attached files are not let through.
    """
    import pypdfium2

    paper = pypdfium2.PdfDocument(content)
    try:
        if paper.count_attachments():
            raise _PictureError
        said = [*paper.get_metadata_dict().values(), *(mark.get_title() for mark in paper.get_toc())]
        for page in paper:
            if next(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]), None) is not None:
                raise _PictureError
            said.append(page.get_textpage().get_text_bounded())
    finally:
        paper.close()
    for text in said:
        yield re.sub(r"\s+", " ", text)
        yield re.sub(r"[^\S\r\n]+", " ", text).replace("\n", "").replace("\r", "")


def _views(text: str, depth: int) -> Iterator[str]:
    """Yield a text, the same unescaped, and what its base64 blocks hold."""
    yield text
    plain = unescape(_ESCAPE.sub(_character, text))
    if "%" in plain:
        plain = unquote(plain, errors="ignore")
    if plain != text:
        yield plain
    tagless = re.sub(r"<[^<>]{0,2000}>", " ", plain)
    if tagless != plain:
        yield tagless
        yield re.sub(r"<[^<>]{0,2000}>", "", plain)
    if depth <= 0:
        return
    for match in _BASE64.finditer(text):
        block = match[0]
        try:
            content = base64.b64decode(block + "=" * (-len(block) % 4))
        except binascii.Error:
            continue
        yield from _block(content, depth - 1)


def _block(content: bytes, depth: int) -> Iterator[str]:
    """Yield what a decoded block holds: inflated when it is deflated, else as it is."""
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
        try:
            content = zlib.decompressobj(bits).decompress(content)
            break
        except zlib.error:
            continue
    text = content.decode("utf-8", errors="ignore")
    yield from _json_texts(text)
    yield from _views(text, depth)


def _json_texts(text: str) -> Iterator[str]:
    """Yield the texts of the JSON that a block begins with, or holds after the length of its header."""
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if 0 <= start <= 8:
        try:
            value, _end = json.JSONDecoder().raw_decode(text[start:])
        except (json.JSONDecodeError, RecursionError):
            return
        yield "\n".join(_leaves(value))


def _leaves(value: object) -> Iterable[str]:
    """Yield every text of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else " "


def _folded(text: str) -> str:
    """Fold as :func:`cptsgeo.names.fold` does, fast enough for whole pages, without invisible marks.

    >>> _folded("L’Abbé\u200b_Œuf")
    'l abbe oeuf'
    """
    text = INVISIBLE.sub("", text).casefold()
    if not text.isascii():
        text = _COMBINING.sub("", unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("æ", "ae")))
    return re.sub(r"[\W_]+", " ", text).strip()


def _orders(name: str) -> Iterator[str]:
    """Yield a folded name without its title, its words turned round; of three or more, the first and the last too.

    >>> list(_orders("Dr Camille Marie Retrait"))[1:]
    ['marie retrait camille', 'retrait camille marie', 'camille retrait', 'retrait camille']
    """
    words = [word for word in _folded(name).split() if word not in TITLES]
    for start in range(len(words)):
        yield " ".join(words[start:] + words[:start])
    if len(words) > 2:
        yield f"{words[0]} {words[-1]}"
        yield f"{words[-1]} {words[0]}"
