"""Read a CSV, XLSX or Parquet table as text, with the row of the file on every row: codes keep their zeros."""

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.errors import DataError, FileError, Finding, UsageError, raise_errors, unreadable
from cptsgeo.i18n import N_, _, number
from cptsgeo.names import fold

if TYPE_CHECKING:
    import pandas as pd
    from python_calamine import CalamineWorkbook

SEPARATORS = (",", ";", "\t")
HEADER_SEARCH_ROWS = 20
PARQUET_MAGIC = b"PAR1"
ZIP_MAGIC = b"PK\x03\x04"
ODS_ENTRY = b"mimetypeapplication/vnd.oasis"
REFUSED_STARTS = {
    b"\xd0\xcf\x11\xe0": N_("an old Excel workbook (XLS)"),
    b"\xff\xfe": N_("text in UTF-16"),
    b"\xfe\xff": N_("text in UTF-16"),
    b"%PDF": "PDF",
    b"<": "HTML",
    b"{": "JSON",
    b"[": "JSON",
}
STDIN = "-"
CELL_PLACE = re.compile(rb"""<(?:\w+:)?c\s[^<>]*?\br=["']([A-Za-z]{1,5})([0-9]{1,18})["'][^<>]*(?<!/)>""")
WORKBOOK_CELLS = 10_000_000
WORKBOOK_BYTES = 500_000_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class TextTable:
    """Hold a table as it was read, all text.

    Parameters
    ----------
    file
        Name to show in messages.
    rows
        One column of ``str`` per column of the file, missing cells as the empty string; the index, named
        ``row``, is the row in the file, counted from 1 with the header.
    """

    file: str
    rows: pd.DataFrame

    def renamed(self, aliases: Mapping[str, Sequence[str]], *, required: Sequence[str]) -> TextTable:
        """Give the columns their standard names, whatever their case, accents or usual synonyms.

        Parameters
        ----------
        aliases
            Standard name to the names it is known by; the standard name itself is always one of them.
        required
            Standard names that the table must hold.

        Returns
        -------
        TextTable
            The recognised columns under their standard names, the others as they are.

        Raises
        ------
        DataError
            For a required column that is absent, or one that two columns claim to be.
        """
        folded = {column: _folded_name(column) for column in self.rows.columns}
        names: dict[str, str] = {}
        findings = []
        for standard, known in aliases.items():
            wanted = {standard, *known}
            found = [column for column, name in folded.items() if name == standard] or [
                column for column, name in folded.items() if name in wanted
            ]
            if len(found) > 1:
                findings.append(
                    Finding(
                        "column_ambiguous",
                        "error",
                        _("columns {columns} could each be {standard}").format(
                            columns=", ".join(found), standard=standard
                        ),
                        _("rename the one to use to {standard}").format(standard=standard),
                        self.file,
                    )
                )
            elif found:
                names[found[0]] = standard
            elif standard in required:
                findings.append(
                    Finding(
                        "column_missing",
                        "error",
                        _("column {standard} is missing; the file has: {columns}").format(
                            standard=standard, columns=", ".join(map(str, self.rows.columns))
                        ),
                        _("name a column {standard} (also read as: {known})").format(
                            standard=standard, known=", ".join(known) or standard
                        ),
                        self.file,
                    )
                )
        raise_errors(findings)
        return TextTable(self.file, self.rows.rename(columns=names))


def read_table(
    path: Path | str, *, header_has: Sequence[str] = (), sheet: str | None = None, fill_merged: bool = False
) -> TextTable:
    """Read a table as text; nothing is converted, so ``01001`` stays ``01001``.

    The content decides the format, and must agree with the file's ending. CSV: UTF-8 with or without BOM, else
    cp1252; separator ``,`` ``;`` or tab, the one that the header holds most of. XLSX: whole numbers are written
    without decimals. Text that spreadsheets would run as a formula, written by cptsgeo behind an apostrophe, is
    read back without it.

    Parameters
    ----------
    path
        A ``.csv``, ``.txt``, ``.tsv``, ``.xlsx`` or ``.parquet`` file; ``-`` for the standard input.
    header_has
        Column names: when given, the header is the last of the leading rows that holds one of them, whatever its
        case and accents (INSEE writes headings in words above the names); else it is the first row.
    sheet
        Sheet of an XLSX workbook; the first one when not given.
    fill_merged
        Give every cell of a merged range of an XLSX sheet the value that the range shows.

    Raises
    ------
    FileError
        For an absent file, a folder, or content that is not what the name says.
    DataError
        For an empty file or rows longer than the header.
    """
    path = Path(path)
    content = file_content(path)
    file = _("standard input") if str(path) == STDIN else path.name
    known_names = {_folded_name(name) for name in header_has}
    if content.startswith(PARQUET_MAGIC):
        _expect(path, {".parquet"}, "Parquet")
        return _read_parquet(file, content)
    if content.startswith(ZIP_MAGIC) and not content[30:].startswith(ODS_ENTRY):
        _expect(path, {".xlsx"}, "XLSX")
        rows = _xlsx_rows(file, content, sheet, fill_merged)
    else:
        _refuse(file, content)
        _expect(path, {".csv", ".txt", ".tsv"}, _("delimited text"))
        rows = _csv_rows(file, content, known_names)
    return _table(file, rows, known_names)


@lru_cache(maxsize=1024)
def _folded_name(column: str) -> str:
    return fold(column).replace(" ", "_")


def parse_day(text: str) -> date | None:
    """Read a day written as ``2024-03-31`` or ``31/03/2024``, with midnight behind it or not; ``None`` for another text.

    Examples
    --------
    >>> parse_day("31/03/2024"), parse_day("2024-03-31 00:00:00"), parse_day("03/31/2024")
    (datetime.date(2024, 3, 31), datetime.date(2024, 3, 31), None)
    """
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.removesuffix(" 00:00:00").removesuffix("T00:00:00"), form).date()
        except ValueError:
            continue
    return None


def file_content(path: Path) -> bytes:
    """Read a file, or the standard input for ``-``.

    Raises
    ------
    FileError
        For an absent file, a folder, or a file that may not be read.
    """
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _empty(file: str) -> DataError:
    return DataError(_("the file is empty"), fix=_("give a file with a header and rows"), where=file)


def _no_rows(file: str) -> DataError:
    return DataError(_("the file has a header and no rows"), fix=_("give a file with a header and rows"), where=file)


def _refuse(file: str, content: bytes) -> None:
    """Refuse what is neither Parquet, XLSX nor delimited text, by its name where it is known."""
    beginning = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((_(kind) for start, kind in REFUSED_STARTS.items() if beginning.startswith(start)), "")
    if content.startswith(ZIP_MAGIC):
        kind = _("an OpenDocument spreadsheet (ODS)")
    if kind or b"\x00" in content:
        raise FileError(
            _("the content is {kind}, which cannot be read here").format(kind=kind)
            if kind
            else _("the content is not text"),
            fix=_("open it in a spreadsheet and save it as CSV UTF-8 or XLSX"),
            where=file,
        )


def _expect(path: Path, endings: set[str], kind: str) -> None:
    if str(path) != STDIN and path.suffix.lower() not in endings:
        raise FileError(
            _("the content is {kind}, but the name says {ending}").format(
                kind=kind, ending=path.suffix or _("nothing")
            ),
            fix=_("give the file its true ending ({endings}), or export it again").format(
                endings=", ".join(sorted(endings))
            ),
            where=path.name,
        )


def _csv_rows(file: str, content: bytes, known_names: set[str]) -> list[tuple[int, list[str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    if not text.strip():
        raise _empty(file)
    separator = _separator(text, known_names)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = []
    start = 1
    try:
        for cells in reader:
            plain = map(str.strip, cells)
            rows.append((start, [_without_guard(cell) if cell[:1] == "'" else cell for cell in plain]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise FileError(
            _("row {row} cannot be read as delimited text").format(row=start),
            fix=_("look for an unclosed quotation mark, or export the table again"),
            where=file,
        ) from error
    return rows


def _separator(text: str, known_names: set[str]) -> str:
    """Return the separator that the header holds most of; titles may stand above it."""
    lines = [line for line in islice(io.StringIO(text), HEADER_SEARCH_ROWS) if line.strip()]
    lines = lines or [next(line for line in io.StringIO(text) if line.strip())]
    headers = [
        line
        for line in lines
        if any(known_names & {_folded_name(cell) for cell in line.split(separator)} for separator in SEPARATORS)
    ]
    return max(SEPARATORS, key=(headers or lines)[0].count)


def _without_guard(cell: str) -> str:
    return cell[1:] if is_guarded(cell) else cell


def is_guarded(cell: str) -> bool:
    """Tell whether a text stands behind an apostrophe so that no spreadsheet runs it as a formula."""
    return cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS)


def _xlsx_rows(file: str, content: bytes, sheet: str | None, fill_merged: bool) -> list[tuple[int, list[str]]]:
    from python_calamine import CalamineError

    try:
        workbook = open_workbook(file, content)
        names = workbook.sheet_names
        if not names:
            raise _empty(file)
        if sheet is not None and sheet not in names:
            raise UsageError(
                _("the workbook has no sheet {sheet!r}; it has: {names}").format(sheet=sheet, names=", ".join(names)),
                fix=_("give the name of one of its sheets"),
                where=file,
            )
        page = workbook.get_sheet_by_name(sheet or names[0])
        cells = page.to_python(skip_empty_area=False)
        for (top, left), (bottom, right) in (page.merged_cell_ranges or ()) if fill_merged else ():
            for row in range(top, min(bottom + 1, len(cells))):
                for column in range(left, min(right + 1, len(cells[row]))):
                    cells[row][column] = cells[top][left]
    except CalamineError as error:
        raise FileError(
            _("the workbook cannot be read ({reason})").format(reason=error),
            fix=_("open it in a spreadsheet and save it again as XLSX"),
            where=file,
        ) from error
    return [(row, [_cell_text(value) for value in values]) for row, values in enumerate(cells, start=1)]


def open_workbook(file: str, content: bytes) -> CalamineWorkbook:
    """Open an XLSX workbook whose cells fit in memory: a sheet is held whole, up to its last cell.

    Raises
    ------
    FileError
        For content that is no workbook, or that would fill the memory.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > WORKBOOK_BYTES:
                raise _too_large(file, _("{count} bytes once unpacked").format(count=number(total)))
            for name in archive.namelist():
                if re.fullmatch(r"/?xl/worksheets/[^/]*", name):
                    _require_small(file, archive.read(name))
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, EOFError) as error:
        raise FileError(
            _("the workbook cannot be read ({reason})").format(reason=error),
            fix=_("open it in a spreadsheet and save it again as XLSX"),
            where=file,
        ) from error


def _require_small(file: str, sheet: bytes) -> None:
    """Refuse a sheet whose filled cells reach too far: between them, empty ones take as much memory."""
    width = height = 0
    for letters, digits in CELL_PLACE.findall(sheet):
        width, height = max(width, _column_rank(letters)), max(height, int(digits))
    if width * height > WORKBOOK_CELLS:
        raise _too_large(file, _("{rows} rows by {columns} columns").format(rows=number(height), columns=number(width)))


def _column_rank(letters: bytes) -> int:
    """Return the rank of a column, from 1, by its letters.

    Examples
    --------
    >>> _column_rank(b"A"), _column_rank(b"XFD")
    (1, 16384)
    """
    rank = 0
    for letter in letters.upper():
        rank = rank * 26 + letter - 64
    return rank


def _too_large(file: str, size: str) -> FileError:
    return FileError(
        _("the workbook is too large to be read ({size})").format(size=size),
        fix=_("delete what stands far below or beside the table (Ctrl+End shows the last cell), or save it as CSV"),
        where=file,
    )


def _cell_text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, list):
        return ";".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _table(file: str, rows: list[tuple[int, list[str]]], header_has: set[str]) -> TextTable:
    import pandas as pd

    filled = [(row, cells) for row, cells in rows if any(cells)]
    if not filled:
        raise _empty(file)
    start = 0
    if header_has:
        start = max(
            (
                position
                for position, (_row, cells) in enumerate(filled[:HEADER_SEARCH_ROWS])
                if header_has & {_folded_name(cell) for cell in cells}
            ),
            default=0,
        )
    header = filled[start][1]
    while header and not header[-1]:
        header = header[:-1]
    body = filled[start + 1 :]
    if not body:
        raise _no_rows(file)
    width = len(header)
    raise_errors(
        _repeated_columns(file, header)
        + [
            Finding(
                "row_too_long",
                "error",
                _("the row has {cells} cells, the header has {width}").format(cells=len(cells), width=width),
                _("put a text that holds the separator between quotation marks"),
                file,
                row,
            )
            for row, cells in body
            if any(cells[width:])
        ]
    )
    index = pd.Index([row for row, _cells in body], name="row", dtype="int64")
    columns = {
        name: pd.array([cells[position] if position < len(cells) else "" for _row, cells in body], dtype="str")
        for position, name in enumerate(header)
        if name
    }
    return TextTable(file, pd.DataFrame(columns, index=index))


def _repeated_columns(file: str, header: list[str]) -> list[Finding]:
    return [
        Finding(
            "duplicate_column",
            "error",
            _("two columns are named {name}").format(name=name),
            _("rename or remove one of them"),
            file,
        )
        for name in sorted({name for name in header if name and header.count(name) > 1})
    ]


def _read_parquet(file: str, content: bytes) -> TextTable:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(io.BytesIO(content))
        columns = [
            field.name for field in schema if not (pa.types.is_binary(field.type) or pa.types.is_struct(field.type))
        ]
        raise_errors(_repeated_columns(file, schema.names))
        arrow = pq.read_table(io.BytesIO(content), columns=columns)
        arrow.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FileError(
            _("the Parquet file is damaged or truncated"),
            fix=_("copy or download it again"),
            where=file,
        ) from error
    if not arrow.num_rows:
        raise _no_rows(file)
    texts = {
        name: pd.array([_cell_text(value) for value in column.to_pylist()], dtype="str")
        for name, column in zip(arrow.column_names, arrow.columns, strict=True)
    }
    return TextTable(file, pd.DataFrame(texts, index=pd.RangeIndex(1, arrow.num_rows + 1, name="row")))
