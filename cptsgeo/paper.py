"""Paper and slides: sizes, the style of every figure, and files with the same bytes for the same figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPERS = {
    "a4": (841.9, 595.3),
    "a4-portrait": (595.3, 841.9),
    "a3": (1190.6, 841.9),
    "a3-portrait": (841.9, 1190.6),
    "16:9": (960.0, 540.0),
}
"""Width and height in points, a 72nd of an inch."""
FORMATS = ("png", "svg", "pdf")
PNG_DPI = 200
UNPRINTED: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u200b\u2060\ufeff")),
    **dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")),
    **dict.fromkeys(map(ord, "\u0085\u2028\u2029"), " "),
}
"""Characters of names that leave no ink: without width (a PDF of matplotlib 3.11 fails on them), marks of direction, which
would turn the words after them round, and separators, which would end the line."""


@contextmanager
def drawing_style() -> Iterator[None]:
    """Draw with text that stays text, names shown as they are (``$`` starts no formula), and fixed identifiers."""
    import matplotlib as mpl

    style: dict[str, Any] = {
        "svg.hashsalt": "cptsgeo",
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "text.parse_math": False,
        "hatch.linewidth": 0.6,
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        yield


def new_figure(paper: str) -> Figure:
    """Return an empty figure of a size of :data:`PAPERS`.

    Raises
    ------
    UsageError
        For another size.
    """
    from matplotlib.figure import Figure

    if paper not in PAPERS:
        raise UsageError(
            _("{paper!r} is not a size of paper").format(paper=paper),
            fix=_("choose one of: {choices}").format(choices=", ".join(PAPERS)),
            where="--paper",
        )
    width, height = PAPERS[paper]
    return Figure(figsize=(width / 72, height / 72))


def figure_format(path: Path) -> str:
    """Return the format that the ending of a file says.

    Raises
    ------
    UsageError
        For an ending that is none of :data:`FORMATS`.

    Examples
    --------
    >>> figure_format(Path("carte.PDF"))
    'pdf'
    """
    form = path.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise UsageError(
            _("{form!r} is not a format of figure").format(form=form),
            fix=_("give a file that ends with: {choices}").format(choices=", ".join(f".{one}" for one in FORMATS)),
            where=str(path),
        )
    return form


def save_figures(figures: Sequence[Figure], path: Path, *, form: str, title: str) -> None:
    """Write figures to a file: one for PNG and SVG, a page each for PDF.

    No file holds the time at which it was made, nor a random identifier: the same figures give the same bytes.
    """
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.text import Text

    for figure in figures:
        for text in figure.findobj(Text):
            text.set_text(text.get_text().translate(UNPRINTED))
    with drawing_style():
        if form == "pdf":
            about = {"Creator": "cptsgeo", "Producer": "cptsgeo", "Title": title, "CreationDate": None}
            with PdfPages(path, metadata=about) as pages:
                for figure in figures:
                    pages.savefig(figure)
        elif form == "svg":
            figures[0].savefig(path, format="svg", metadata={"Date": None, "Creator": "cptsgeo", "Title": title})
        else:
            figures[0].savefig(path, format="png", dpi=PNG_DPI, metadata={"Software": "cptsgeo", "Title": title})
