"""A toy territory for the maps: a grid of square communes near Martinique."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

sys.path.insert(0, str(Path(__file__).parents[2]))

from cptsgeo.maps.theme import STAGES, WHITE_ZONE, Theme, styled

WIDTH = 8
SIDE = 0.02


def toy_units(names: Sequence[str]) -> gpd.GeoDataFrame:
    """Make one square for each name, eight a row, in two stages and a white zone; borders have points between corners."""
    count = len(names)
    squares = [
        shapely.segmentize(shapely.box(x, y, x + SIDE, y + SIDE), SIDE / 4)
        for x, y in ((-61.3 + SIDE * (i % WIDTH), 14.6 - SIDE * (i // WIDTH)) for i in range(count))
    ]
    stage = ["aci_signe" if i % 3 == 0 else "projet_valide" if i % 3 == 1 else WHITE_ZONE for i in range(count)]
    return gpd.GeoDataFrame(
        {
            "insee_code": [f"97{201 + i}" for i in range(count)],
            "name": list(names),
            "departement_code": "972",
            "departement_name": "Martinique",
            "population": pd.array([1000 + 10 * i for i in range(count)], dtype="Int64"),
            "population_year": pd.array([2023] * count, dtype="Int64"),
            "density_label": "Bourgs ruraux",
            "cpts": ["" if s == WHITE_ZONE else "CPTS Madinina" for s in stage],
            "stage_label": ["" if s == WHITE_ZONE else s for s in stage],
            "stage": stage,
            "other": ["aci_signe"] * count,
        },
        geometry=squares,
        crs=4326,
    )


def toy_themes(units: gpd.GeoDataFrame, titles: Sequence[str] = ("Stades", "Autre")) -> list[Theme]:
    """Make two themes over the toy units."""
    classes = tuple(
        styled(
            STAGES,
            key,
            f"classe {key}",
            units=int((units["stage"] == key).sum()),
            population=int(units.loc[units["stage"] == key, "population"].sum()),
        )
        for key in ("aci_signe", "projet_valide", "lettre_intention", WHITE_ZONE)
    )
    other = (styled(STAGES, "aci_signe", "tout", units=len(units)),)
    return [Theme("stage", titles[0], "Définition.", classes), Theme("other", titles[1], "Une autre.", other)]


@pytest.fixture
def units() -> gpd.GeoDataFrame:
    """Twenty toy communes; the last has no outline."""
    names = [f"Commune {i}" for i in range(19)] + ["Sans contour"]
    frame = toy_units(names)
    frame.loc[3, "name"] = "Saint-Étienne-l’Œuvre"
    frame.loc[19, "geometry"] = None
    return frame


@pytest.fixture
def page_parts(units: gpd.GeoDataFrame) -> dict[str, object]:
    """What map_page needs besides units and themes."""
    north = units.geometry.iloc[:8].union_all()
    south = units.geometry.iloc[8:16].union_all()
    lines = gpd.GeoDataFrame({"name": ["Nord", "Sud"]}, geometry=[north, south], crs=4326)
    return {
        "title": "Carte d’essai",
        "finding": "Une phrase.",
        "facts": [("habitants", "21 900")],
        "notes": ["Contours fictifs."],
        "credits": ["Aucune source."],
        "outlines": {"CPTS": lines},
    }
