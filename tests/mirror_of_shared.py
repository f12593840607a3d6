"""Lay the real data kept beside the project out as a mirror, by the names of the catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path

LAYOUT = {
    "populations": "populations/donnees_communes_pop2023.csv",
    "populations-mayotte": "populations/donnees_communes_mayotte.csv",
    "density": "density/densite_7_niveaux_cog2026.csv",
    "cog-communes": "cog/communes.csv",
    "cog-movements": "cog/mouvements-communes.csv",
    "epci": "cog/epcicom.xlsx",
    "admin-express": "communes/communes_cog2026.parquet",
    "arrondissements-municipaux": "communes/arrondissements_municipaux_2016.geojson",
    "cpts-paca": "cpts/cpts_communes_paca.csv",
    "finess": "finess/etalab-cs1100502-extrait-20260512.csv",
    "finess-plus": "finess/finess-structures-extrait-20260309.json",
    "annuaire-sante": "finess/ps_libreacces_personne_activite_entete.txt",
    "qpv": "qpv/qpv2024_centroides.geojson",
    "filosofi": "filosofi/filosofi2019_mart_4000m.csv",
    "ghs-pop": "raster/sao_miguel_gpw_v411_2020_count_2020.tif",
    "zonage-mg": "zoning/zonage_mg_par_commune_derive.csv",
}
BESIDE = {"filosofi": "filosofi/info_4000m.json"}


def write_mirror(shared: Path, mirror: Path) -> Path:
    """Copy the files of ``shared`` into ``mirror/<source>/``."""
    for layout in (LAYOUT, BESIDE):
        for name, path in layout.items():
            folder = mirror / name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shared / path, folder / Path(path).name)
    return mirror
