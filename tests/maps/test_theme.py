"""Palettes: told apart by readers who do not see red or green, and in grey print."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from cptsgeo.errors import CptsGeoError
from cptsgeo.maps.theme import PALETTES, WHITE_ZONE, MapClass, Theme

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(color: str, sight: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D65) of a colour as a kind of sight sees it."""
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_of_a_palette_are_told_apart(name: str, sight: str) -> None:
    for (one, first), (other, second) in combinations(PALETTES[name].items(), 2):
        distance = float(np.linalg.norm(lab(first.color, SIGHT[sight]) - lab(second.color, SIGHT[sight])))
        assert distance >= 10, (one, other, distance)


@pytest.mark.parametrize("name", PALETTES)
def test_classes_are_told_apart_in_grey_print(name: str) -> None:
    for (one, first), (other, second) in combinations(PALETTES[name].items(), 2):
        light = abs(lab(first.color, SIGHT["usual"])[0] - lab(second.color, SIGHT["usual"])[0])
        assert light >= 5 or first.pattern != second.pattern, (one, other, light)


def test_white_zones_carry_a_pattern() -> None:
    for name in ("stages", "sizes"):
        assert PALETTES[name][WHITE_ZONE].pattern == "hatch"


@pytest.mark.parametrize("color", ["red", "#12345", "#000000;}", "url(x)", "", "#00000g"])
def test_a_colour_that_is_none_is_refused(color: str) -> None:
    with pytest.raises(CptsGeoError, match="rrggbb"):
        MapClass("a", "A", color)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(CptsGeoError, match="hatch"):
        MapClass("a", "A", "#000000", "zebra")  # type: ignore[arg-type]


def test_a_class_named_twice_is_refused() -> None:
    with pytest.raises(CptsGeoError, match="clé"):
        Theme("t", "T", "", (MapClass("a", "A", "#000000"), MapClass("a", "B", "#ffffff")))
