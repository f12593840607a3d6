"""What a map shows: themes, their classes, and palettes that survive colour blindness and grey print.

Stages run from light to dark blue; a white zone is warm and hatched, so that it stands out in grey print and for a reader
who does not tell red from green. A test simulates deuteranopia and protanopia on every palette.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _

Pattern = Literal["none", "hatch", "dots", "cross"]
PATTERNS: tuple[Pattern, ...] = get_args(Pattern)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class MapClass:
    """One class of a theme, as the legend names it.

    Parameters
    ----------
    key
        The value that rows of the class hold in the theme's column.
    label
        What the reader sees; any text, shown as text.
    color
        ``#rrggbb``.
    pattern
        Drawn over the colour.
    units, population
        What the class counts, undrawn units included.

    Raises
    ------
    UsageError
        For a colour or pattern that is not one of ours: they come from data and end up in a page.
    """

    key: str
    label: str
    color: str
    pattern: Pattern = "none"
    units: int = 0
    population: int = 0

    def __post_init__(self) -> None:
        if not _COLOR.fullmatch(self.color):
            raise UsageError(
                _("{color!r} is not a colour").format(color=self.color), fix=_("write it as #rrggbb, such as #0b4a8f")
            )
        if self.pattern not in PATTERNS:
            raise UsageError(
                _("{pattern!r} is not a pattern").format(pattern=self.pattern),
                fix=_("choose one of: {choices}").format(choices=", ".join(PATTERNS)),
            )


@dataclass(frozen=True)
class Theme:
    """One way to colour the map: ``units[key]`` holds the class key of each row.

    Raises
    ------
    UsageError
        When two classes have the same key.
    """

    key: str
    title: str
    definition: str
    classes: tuple[MapClass, ...]

    def __post_init__(self) -> None:
        keys = [one.key for one in self.classes]
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        if twice:
            raise UsageError(
                _("theme {theme!r} names a class twice: {keys}").format(theme=self.key, keys=", ".join(twice)),
                fix=_("give each class its own key"),
            )


@dataclass(frozen=True)
class Style:
    """How a class is drawn."""

    color: str
    pattern: Pattern = "none"


@dataclass(frozen=True)
class LineStyle:
    """How the outlines of a group are drawn: colour, width in pixels, and lengths of dashes and gaps if any."""

    color: str
    width: float
    dash: tuple[float, ...] = ()


LINES = (LineStyle("#111111", 1.5), LineStyle("#444444", 0.9), LineStyle("#b3003c", 2.4, (9, 4)))
"""Lines of the first, second and third group of outlines of a map; beyond, they start again."""


OUT_OF_SCOPE = "out_of_scope"
WHITE_ZONE = "white_zone"
COVERED = "covered"

_GREY = Style("#f1f0ee")
_WHITE = Style("#f7b267", "hatch")

STAGES: Mapping[str, Style] = MappingProxyType(
    {
        "aci_signe": Style("#0b4a8f"),
        "projet_valide": Style("#3d8dc4"),
        "lettre_intention": Style("#8fc1de"),
        "pre_projet": Style("#cfe2f2"),
        "stage_unknown": Style("#b4c2a4", "dots"),
        WHITE_ZONE: _WHITE,
        OUT_OF_SCOPE: _GREY,
    }
)
SIZES: Mapping[str, Style] = MappingProxyType(
    {
        "1": Style("#cfe6c4"),
        "2": Style("#86c29c"),
        "3": Style("#3a8f8f"),
        "4": Style("#15466e"),
        WHITE_ZONE: _WHITE,
        OUT_OF_SCOPE: _GREY,
    }
)
DENSITIES: Mapping[str, Style] = MappingProxyType(
    {
        "urbain_dense": Style("#5e2a84", "hatch"),
        "urbain_intermediaire": Style("#c2478d", "hatch"),
        "rural": Style("#f5b04c", "hatch"),
        "density_unknown": Style("#a5a5a5", "dots"),
        COVERED: Style("#c9d8df"),
        OUT_OF_SCOPE: _GREY,
    }
)
TAKERS = tuple(str(rank) for rank in range(1, 9))
"""Keys of the CPTS of a plan that have a colour of their own."""

PLANS: Mapping[str, Style] = MappingProxyType(
    {
        "1": Style("#0b4a8f"),
        "2": Style("#c8471c", "dots"),
        "3": Style("#31816d"),
        "4": Style("#8fa7ef"),
        "5": Style("#6f0f0f"),
        "6": Style("#e2e236", "dots"),
        "7": Style("#3636e2", "dots"),
        "8": Style("#5c234e", "cross"),
        "others": Style("#dbcda2", "cross"),
        WHITE_ZONE: _WHITE,
        COVERED: Style("#c9d8df"),
        OUT_OF_SCOPE: _GREY,
    }
)
FACING: Mapping[str, Style] = MappingProxyType(
    {
        "several": Style("#f5b04c", "hatch"),
        "partly_outside": Style("#c2478d", "dots"),
        "outside": Style("#5c5c5c", "cross"),
        "within": Style("#a9cfe5"),
        "coincides": Style("#2166a5"),
        "empty": Style("#b4c2a4", "dots"),
        WHITE_ZONE: Style("#c9a0dc", "dots"),
        OUT_OF_SCOPE: _GREY,
    }
)
RATES: Mapping[str, Style] = MappingProxyType(
    {
        "all": Style("#0b4a8f"),
        "nearly": Style("#3d8dc4"),
        "most": Style("#8fc1de"),
        "half": Style("#cfe2f2"),
        "low": _WHITE,
        "unknown": Style("#b4c2a4", "dots"),
    }
)
DEFINITION: Mapping[str, Style] = MappingProxyType(
    {
        COVERED: Style("#3d8dc4"),
        "stage_unknown": Style("#b4c2a4", "dots"),
        WHITE_ZONE: _WHITE,
        OUT_OF_SCOPE: _GREY,
    }
)
PALETTES: Mapping[str, Mapping[str, Style]] = MappingProxyType(
    {
        "stages": STAGES,
        "sizes": SIZES,
        "densities": DENSITIES,
        "plans": PLANS,
        "facing": FACING,
        "rates": RATES,
        "definition": DEFINITION,
    }
)


def ink(color: str) -> str:
    """Return the ink of a pattern on a colour: dark on light, light on dark.

    Examples
    --------
    >>> ink("#cfe2f2"), ink("#0b4a8f")
    ('#5a3a10', '#ffffff')
    """
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#5a3a10" if red * 0.3 + green * 0.59 + blue * 0.11 > 120 else "#ffffff"


def styled(palette: Mapping[str, Style], key: str, label: str, *, units: int = 0, population: int = 0) -> MapClass:
    """Make a class of a theme with the style that a palette gives its key.

    Examples
    --------
    >>> styled(STAGES, "white_zone", "Zone blanche", units=46, population=65836).pattern
    'hatch'
    """
    style = palette[key]
    return MapClass(key, label, style.color, style.pattern, units, population)
