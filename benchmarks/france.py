"""Make up a France to measure on where the real one is not at hand: units with outlines, inhabitants, EPCI and départements.

The units are the cells of as many points, their borders drawn with a vertex every 300 m; the codes, names and inhabitants are
those of the table that ships with cptsgeo, laid along a curve that fills the plane, so that an EPCI and a département lie
together as they do on the ground. Columns are those of the outlines by COG that docs/data-sources.md names.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from cptsgeo.communes import embedded_communes
from cptsgeo.perimeters import STAGES, Perimeters

SEED = 0
FRAME = shapely.box(250_000, 6_200_000, 1_050_000, 7_000_000)
VERTEX_M = 300
CPTS = 900
WHITE = 10


def cells(count: int) -> np.ndarray:
    """Draw cells that share their borders, in EPSG:2154, along a curve that fills the plane."""
    west, south, east, north = FRAME.bounds
    rng = np.random.default_rng(SEED)
    seeds = shapely.points(rng.uniform(west, east, count), rng.uniform(south, north, count))
    drawn = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=FRAME))
    inside = shapely.segmentize(shapely.intersection(drawn, FRAME), VERTEX_M)
    return inside[gpd.GeoSeries(inside, crs=2154).hilbert_distance().argsort().to_numpy()]


def france() -> gpd.GeoDataFrame:
    """Lay the units of mainland France on cells."""
    units = embedded_communes()
    units = units[~units["insee_code"].str.startswith("97")]
    units = units.sort_values(["departement_code", "epci_siren", "insee_code"], ignore_index=True)
    table = pd.DataFrame(
        {
            "code": units["insee_code"],
            "nom": units["name"],
            "departement": units["departement_code"],
            "epci": units["epci_siren"],
            "population": units["population"].astype("Int64"),
        }
    )
    layer = gpd.GeoDataFrame(table, geometry=cells(len(table)), crs=2154).to_crs(4326)
    return layer.sort_values("code", ignore_index=True)


def listed(units: int) -> tuple[pd.DataFrame, Perimeters]:
    """Make up a table of units like those of France, without outlines, nine in ten of them in one of 900 CPTS."""
    rng = np.random.default_rng(SEED)
    codes = [f"{place:07d}" for place in range(units)]
    departement = pd.Series([f"{place % 101:02d}" for place in range(units)])
    communes = pd.DataFrame(
        {"insee_code": codes, "name": codes, "departement_code": departement, "departement_name": departement}
    )
    communes = communes.assign(
        region_code="1", region_name="1", epci_siren="2", epci_name="2", population_year=2023, density_level=1
    )
    communes["population"] = pd.array(rng.integers(10, 5000, units), dtype="Int64")
    ids = [f"C{place:03d}" for place in range(CPTS)]
    inside = np.flatnonzero(rng.random(units) < 0.9)
    members = pd.DataFrame(
        {
            "cpts_id": np.array(ids)[inside * CPTS // units],
            "insee_code": np.array(codes)[inside],
            "share": 1.0,
            "method": "list",
        }
    )
    stage = pd.Categorical(rng.choice(STAGES, CPTS), categories=list(STAGES), ordered=True)
    return communes, Perimeters(pd.DataFrame({"cpts_id": ids, "cpts_name": ids, "stage": stage}), members)


def perimeters(layer: pd.DataFrame) -> pd.DataFrame:
    """Gather EPCI into CPTS, and leave one EPCI in ten white."""
    members = layer.dropna(subset="epci")[["code", "epci"]].rename(columns={"code": "insee_code"})
    rank = members["epci"].map({code: place for place, code in enumerate(sorted(set(members["epci"])))})
    members = members[rank % WHITE != 0].assign(cpts_name="CPTS " + (rank * CPTS // (rank.max() + 1)).astype("str"))
    stages = np.array(["aci_signe", "projet_valide", "lettre_intention", "pre_projet"])
    number = members["cpts_name"].str.split().str[1].astype("int64")
    return members.assign(stage=stages[number % len(stages)])[["insee_code", "cpts_name", "stage"]]


def source(communes: Path | None) -> str:
    """Say which outlines a measure is on."""
    return "made-up outlines" if communes is None else "outlines of IGN"


def files(communes: Path | None, folder: Path) -> tuple[Path, Path]:
    """Return a file of outlines, made up in the folder where none is given, and one of perimeters made of their EPCI."""
    contours, members = communes or folder / "communes.parquet", folder / "perimeters.csv"
    if communes is None:
        france().to_parquet(contours)
    perimeters(pd.read_parquet(contours, columns=["code", "epci"])).to_csv(members, index=False)
    return contours, members
