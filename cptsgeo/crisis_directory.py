"""The directory of a kit on paper: one PDF whose text can be searched, every commune on pages of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.i18n import _, current_language, day, headed, number
from cptsgeo.parameters import labels
from cptsgeo.resource_cells import MARKED, Audience
from cptsgeo.schemas import label

if TYPE_CHECKING:
    import pandas as pd
    from fpdf import FPDF

FONT = "DejaVuSans"
WIDTHS = (62, 40, 26, 62)
SIZE = 8.5
REPLACED = "\ufffd"


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
    paper = _paper(title, bands)
    kinds = list(labels("resource_kinds"))
    ordered = table.assign(rank=table["kind"].map(kinds.index), place=table["insee_code"].map(names).fillna(""))
    for (place, code), some in ordered.sort_values(["place", "insee_code", "rank", "name"]).groupby(
        ["place", "insee_code"], sort=False
    ):
        _commune(paper, f"{place} ({code})", some)
    return bytes(paper.output())


def _paper(title: str, bands: Sequence[str]) -> FPDF:
    """Start a document with the font that matplotlib ships, its heading on every page."""
    from fpdf import FPDF

    class Paper(FPDF):
        def header(self) -> None:
            self.set_font(FONT, "B", 11)
            self.cell(text=_drawable(title), h=6, new_x="LMARGIN", new_y="NEXT")
            self.set_font(FONT, "", 8)
            self.multi_cell(0, 4, text=_drawable(" – ".join(bands)), new_x="LMARGIN", new_y="NEXT")
            self.ln(2)

        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(FONT, "", 7.5)
            self.cell(0, 5, text=str(self.page_no()), align="R")

    paper = Paper(format="A4")
    paper.add_font(FONT, "", _fonts() / "DejaVuSans.ttf")
    paper.add_font(FONT, "B", _fonts() / "DejaVuSans-Bold.ttf")
    paper.set_title(title)
    paper.set_lang(current_language())
    paper.set_creator("cptsgeo")
    paper.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))  # identical bytes on every day
    paper.set_margins(10, 10)
    paper.set_auto_page_break(True, margin=15)
    return paper


def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@cache
def _shapes() -> frozenset[int]:
    """Return the characters that both faces of the font have a shape for."""
    from matplotlib.ft2font import FT2Font

    faces = [FT2Font(_fonts() / name).get_charmap() for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return frozenset(faces[0]) & frozenset(faces[1])


def _drawable(text: str) -> str:
    """Replace what the font has no shape for, and what would move the text around."""
    return "".join(
        one if ord(one) in _shapes() and unicodedata.category(one) not in {"Cc", "Cf"} else REPLACED for one in text
    )


def _commune(paper: FPDF, heading: str, rows: pd.DataFrame) -> None:
    """Write the pages of a commune."""
    from fpdf.fonts import FontFace

    kinds, statuses = labels("resource_kinds"), labels("resource_statuses")
    paper.add_page()
    paper.start_section(_drawable(heading))
    paper.set_font(FONT, "B", 12)
    paper.cell(text=_drawable(headed(heading, number(len(rows)))), h=7, new_x="LMARGIN", new_y="NEXT")
    paper.set_font(FONT, "", SIZE)
    headings = [label("name"), label("kind"), label("status"), _("Contact, opening")]
    with paper.table(
        col_widths=WIDTHS, line_height=4.2, text_align="LEFT", headings_style=FontFace(emphasis="BOLD"), padding=0.6
    ) as lines:
        lines.row(headings)
        for row in rows.itertuples(index=False):
            lines.row([_drawable(text) for text in (row.name, kinds[row.kind], statuses[row.status], _contact(row))])


def _contact(row: Any) -> str:
    """Join what serves to reach a resource; a mobile number is marked."""
    mobile = _("{number} (crisis cell only)").format(number=row.mobile) if isinstance(row.mobile, str) else None
    return "  ·  ".join(text for text in (row.phone, mobile, row.email, row.opening) if isinstance(text, str)) or "–"
