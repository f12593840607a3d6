"""Toy territories drawn in ASCII, and the real data kept beside the project."""

from typing import NamedTuple

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from cptsgeo.perimeters import STAGES, Perimeters

WEST, SOUTH, SIDE = 700_000, 6_600_000, 1000
WATER = "~"
WHITE = "."


class Toy(NamedTuple):
    communes: pd.DataFrame
    perimeters: Perimeters
    contours: gpd.GeoDataFrame


def perimeters_of(membership, stages=None):
    """Make perimeters from (cpts_id, insee_code, share) triples."""
    table = pd.DataFrame(membership, columns=["cpts_id", "insee_code", "share"]).astype(
        {"cpts_id": "str", "insee_code": "str", "share": "float64"}
    )
    ids = sorted(set(table["cpts_id"]))
    stage = pd.Categorical([(stages or {}).get(one) for one in ids], categories=list(STAGES), ordered=True)
    cpts = pd.DataFrame(
        {"cpts_id": pd.array(ids, dtype="str"), "cpts_name": [f"CPTS {one}" for one in ids], "stage": stage}
    )
    return Perimeters(cpts, table.assign(method="list").sort_values(["cpts_id", "insee_code"], ignore_index=True))


def draw_toy(picture, populations=None, epci=None, default=1000, departement="01", crs=2154):
    """Draw squares of 1 km: one letter per CPTS, ``.`` for a white unit, ``~`` for water.

    The unit in row r, column c (from the north-west) has the code departement + r + c; ``epci`` is a picture too.
    """
    rows = [line.split() for line in picture.strip().splitlines()]
    zones = [line.split() for line in epci.strip().splitlines()] if epci else [["E"] * len(row) for row in rows]
    units, members = [], []
    for r, row in enumerate(rows):
        for c, sign in enumerate(row):
            if sign == WATER:
                continue
            code = f"{departement}{r:0{4 - len(departement)}d}{c}"
            box = shapely.box(WEST + SIDE * c, SOUTH - SIDE * r, WEST + SIDE * (c + 1), SOUTH - SIDE * (r - 1))
            units.append((code, f"Unit {r}{c}", zones[r][c], (populations or {}).get(f"{r}{c}", default), box))
            if sign != WHITE:
                members.append((sign, code, 1.0))
    table = pd.DataFrame(units, columns=["insee_code", "name", "epci_siren", "population", "geometry"])
    communes = pd.DataFrame(
        {
            "insee_code": table["insee_code"],
            "name": table["name"],
            "departement_code": departement,
            "departement_name": "Toy",
            "region_code": "84",
            "region_name": "Toyland",
            "epci_siren": table["epci_siren"].where(table["epci_siren"] != "-"),
            "epci_name": ("EPCI " + table["epci_siren"]).where(table["epci_siren"] != "-"),
            "population": table["population"].astype("Int64"),
            "population_year": pd.array([2023] * len(table), dtype="Int64"),
            "density_level": pd.array([5] * len(table), dtype="Int64"),
        }
    ).astype({"departement_code": "str", "region_code": "str"})
    contours = gpd.GeoDataFrame(
        {"insee_code": table["insee_code"], "geometry_source": "toy"}, geometry=table["geometry"].to_numpy(), crs=crs
    )
    return Toy(communes, perimeters_of(members), contours)


@pytest.fixture(scope="session")
def draw():
    return draw_toy


@pytest.fixture(scope="session")
def make_perimeters():
    return perimeters_of


@pytest.fixture(scope="session")
def real_data(shared):
    return shared


@pytest.fixture(scope="session")
def paca(real_data):
    """Read PACA as a planner does: the ARS listing, contours, density."""
    from cptsgeo.scope import parse_scope
    from cptsgeo.study import Inputs, read_study

    return read_study(
        Inputs(
            contours=(
                real_data / "communes" / "communes_cog2026.parquet",
                real_data / "communes" / "arrondissements_municipaux_2016.geojson",
            ),
            density=real_data / "density" / "densite_7_niveaux_cog2026.csv",
            perimeters=real_data / "cpts" / "cpts_communes_paca.csv",
            scope=parse_scope("region=93"),
        ),
        with_contours=True,
    )
