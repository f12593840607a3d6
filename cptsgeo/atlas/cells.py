"""The cells and tables that pages of an atlas are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Cell(NamedTuple):
    """One cell of a table: its text, where it leads, whether it is a number, and the anchor it holds."""

    text: str
    href: str = ""
    number: bool = False
    anchor: str = ""


@dataclass(frozen=True)
class Section:
    """One table of a page."""

    title: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
