"""The directory of a kit on paper: one PDF whose text can be searched, every commune on pages of its own."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.columns import label
from cptsgeo.i18n import _, current_language, day, headed, ngettext, number
from cptsgeo.parameters import labels
from cptsgeo.resource_cells import MARKED, Audience

if TYPE_CHECKING:
    import pandas as pd

PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
REPLACED = "\ufffd"
WIDTH, HEIGHT, MARGIN = 595.0, 842.0, 30.0
"""A4 and its margin, in points."""

COLUMNS = ((0.0, 175.0), (181.0, 113.0), (300.0, 66.0), (372.0, 163.0))
"""Offset and width of each column, in points."""

SIZE, LEADING = 8.0, 10.0


def directory_pdf(
    table: pd.DataFrame, names: pd.Series, *, title: str, audience: Audience, exercise: bool = False
) -> bytes:
    """Write the directory of resources, commune by commune, as PDF (A4).

    Each commune begins a page and has a bookmark: its pages can be printed alone. A character that the font lacks is printed
    as a replacement mark; the tables beside the PDF hold it.

    Parameters
    ----------
    table
        Resources that the audience may see; see :func:`cptsgeo.resources.read_resources`.
    names
        Name of each commune, by code.
    title
        Heading of every page.
    audience
        ``cellule_de_crise`` is said on every page.
    exercise
        Write EXERCICE on every page.
    """
    from cptsgeo.resources import latest_update

    on = latest_update(table)
    bands = [_("Data of {day}").format(day=day(on)) if on else _("Data without a date")]
    if audience == MARKED:
        bands.append(_("CRISIS CELL: mobile numbers and reserved places, do not hand on"))
    if exercise:
        bands.append(_("EXERCISE: the people and numbers of this page are fictional"))
    kinds, statuses = labels("resource_kinds"), labels("resource_statuses")
    rank = {key: at for at, key in enumerate(kinds)}
    ordered = table.assign(rank=table["kind"].map(rank), place=table["insee_code"].map(names).fillna(""))
    ordered = ordered.sort_values(["place", "insee_code", "rank", "name", "resource_id"])
    paper = _Paper(title, " – ".join(bands))
    for (place, code), some in ordered.groupby(["place", "insee_code"], sort=False):
        count = ngettext("{count} resource", "{count} resources", len(some)).format(count=number(len(some)))
        paper.chapter(f"{place} ({code})", count)
        for row in some.itertuples(index=False):
            paper.row((row.name, kinds[row.kind], statuses[row.status], _contact(row)))
    return paper.finished()


def _contact(row: Any) -> str:
    """Join what serves to reach a resource; a mobile number is marked."""
    mobile = _("{number} (crisis cell only)").format(number=row.mobile) if isinstance(row.mobile, str) else None
    return " · ".join(text for text in (row.phone, mobile, row.email, row.opening) if isinstance(text, str)) or "–"


class _Paper:
    """Write rows down the pages of a document, its heading on each."""

    def __init__(self, title: str, bands: str) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas

        for face in (PLAIN, BOLD):
            if face not in pdfmetrics.getRegisteredFontNames():
                pdfmetrics.registerFont(TTFont(face, str(_fonts() / f"{face}.ttf")))
        self.file = io.BytesIO()
        self.canvas = Canvas(
            self.file, pagesize=(WIDTH, HEIGHT), invariant=1, pageCompression=1, lang=current_language()
        )
        self.canvas.setTitle(_drawable(title))
        self.canvas.setCreator("cptsgeo")
        self.title, self.bands = title, bands
        self.heading = ""
        self.y = 0.0

    def chapter(self, heading: str, count: str) -> None:
        """Begin a commune on a page of its own."""
        self.heading = headed(heading, count)
        self._page()
        key = f"c{self.canvas.getPageNumber()}"
        self.canvas.bookmarkPage(key)
        self.canvas.addOutlineEntry(_drawable(heading), key)

    def row(self, cells: Sequence[str]) -> None:
        """Write a row, on the next page where this one has no room for it."""
        wrapped = [list(_lines(_drawable(text), width)) for text, (_x, width) in zip(cells, COLUMNS, strict=True)]
        tall = max(map(len, wrapped)) * LEADING + 4
        if self.y - tall < MARGIN + LEADING:
            self._page()
        self.canvas.setFont(PLAIN, SIZE)
        for lines, (x, _width) in zip(wrapped, COLUMNS, strict=True):
            for at, line in enumerate(lines):
                self.canvas.drawString(MARGIN + x, self.y - LEADING * (at + 1), line)
        self.y -= tall
        self.canvas.line(MARGIN, self.y, WIDTH - MARGIN, self.y)

    def finished(self) -> bytes:
        """Close the document."""
        self.canvas.save()
        return self.file.getvalue()

    def _page(self) -> None:
        """Turn the page, and write the headings."""
        if self.y:
            self.canvas.showPage()
        self.y = HEIGHT - MARGIN
        self.canvas.setLineWidth(0.3)
        self._write(self.title, BOLD, 11)
        self._write(self.bands, PLAIN, 7.5)
        self._write(self.heading, BOLD, 12)
        self.canvas.setFont(BOLD, SIZE)
        headings = (label("name"), label("kind"), label("status"), _("Contact, opening"))
        for text, (x, _width) in zip(headings, COLUMNS, strict=True):
            self.canvas.drawString(MARGIN + x, self.y - LEADING, text)
        self.y -= LEADING + 4
        self.canvas.line(MARGIN, self.y, WIDTH - MARGIN, self.y)
        self.canvas.setFont(PLAIN, 7.5)
        self.canvas.drawRightString(WIDTH - MARGIN, MARGIN - 12, str(self.canvas.getPageNumber()))

    def _write(self, text: str, face: str, size: float) -> None:
        self.canvas.setFont(face, size)
        for line in _lines(_drawable(text), WIDTH - 2 * MARGIN, face, size):
            self.y -= size * 1.35
            self.canvas.drawString(MARGIN, self.y, line)
        self.y -= 3


def _lines(text: str, width: float, face: str = PLAIN, size: float = SIZE) -> Iterator[str]:
    """Break a text at its spaces into lines of a width; a word longer than a line is cut."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _width(longer, face, size) <= width:
            line = longer
            continue
        if line:
            yield line
        while _width(word, face, size) > width:
            fits = next(at for at in range(len(word), 0, -1) if at == 1 or _width(word[:at], face, size) <= width)
            yield word[:fits]
            word = word[fits:]
        line = word
    yield line


def _width(text: str, face: str, size: float) -> float:
    widths = _advances(face)
    return sum(widths[ord(one)] for one in text) * size


@cache
def _advances(face: str) -> dict[int, float]:
    """Return the width of every character of a face, for a size of 1."""
    from reportlab.pdfbase import pdfmetrics

    return {code: width / 1000 for code, width in pdfmetrics.getFont(face).face.charWidths.items()}


def _fonts() -> Path:
    """Return the folder of the fonts that matplotlib ships."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _drawable(text: str) -> str:
    """Replace what the font has no shape for, and what would move the text around."""
    plain, bold = _advances(PLAIN), _advances(BOLD)
    return "".join(
        one if ord(one) in plain and ord(one) in bold and unicodedata.category(one) not in {"Cc", "Cf"} else REPLACED
        for one in text
    )
