"""Every public reader of the package beside one small valid file of its own: what the fuzz starts from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import py7zr
import rasterio
import shapely
from affine import Affine

from cptsgeo import (
    blocks,
    cells,
    communes,
    contours,
    drawn,
    editions,
    hazards,
    iris,
    layers,
    manifest,
    need_input,
    optout,
    perimeters,
    rasters,
    reconcile,
    resources,
    road_files,
    snapshot_list,
    tabular,
    territories,
)
from cptsgeo.assign import assign, named
from cptsgeo.codes import departement_of
from cptsgeo.optout import new_register, write_register
from cptsgeo.resource_sources import SITES
from cptsgeo.sources import (
    anct,
    annuaire_sante,
    archives,
    ars,
    cog,
    dgcl,
    drees,
    finess,
    finess_plus,
    grids,
    ign,
    mirror,
    pull,
    santegraphie,
    store,
)
from cptsgeo.sources.catalogue import sources

NOW = datetime(2026, 11, 22, 12)
CODES = ("01001", "01002", "01004", "01005")
CPTS = "cpts_id,cpts_name,stage,aci_signed_on\nnord,CPTS Nord,aci_signe,2024-03-31\nsud,CPTS Sud,,\n"
MEMBERS = "cpts_id,insee_code,share\nnord,01001,1\nnord,01002,0.5\nsud,01004,1\n"
POPULATIONS = "REG;DEP;COM;PMUN;PCAP;PTOT\r\n84;01;01001;779;19;798\r\n84;01;01002;267;1;268\r\n"


class Reader(NamedTuple):
    """Name a file, write a valid one under that name, and read it."""

    file: str
    write: Callable[[Path], object]
    read: Callable[[Path], object]


@cache
def units() -> pd.DataFrame:
    """Take four units of the embedded table."""
    table = communes.embedded_communes()
    return table[table["insee_code"].isin(CODES)].reset_index(drop=True)


@cache
def outlines() -> gpd.GeoDataFrame:
    """Draw the four units as squares of a tenth of a degree in a row."""
    shapes = [shapely.box(5 + 0.1 * place, 46, 5.1 + 0.1 * place, 46.1) for place in range(len(CODES))]
    return gpd.GeoDataFrame({"insee_code": list(CODES), "geometry_source": "toy"}, geometry=shapes, crs=4326)


def layer(**columns: object) -> gpd.GeoDataFrame:
    """Give the squares other columns."""
    return gpd.GeoDataFrame(dict(columns), geometry=outlines().geometry.to_numpy(), crs=4326)


def points(**columns: object) -> gpd.GeoDataFrame:
    """Put a point into each square."""
    centres = shapely.point_on_surface(outlines().geometry.to_numpy())
    return gpd.GeoDataFrame(dict(columns), geometry=centres, crs=4326)


def text(content: str) -> Callable[[Path], object]:
    """Write a text."""
    return lambda path: path.write_bytes(content.encode())


def as_json(content: object) -> Callable[[Path], object]:
    """Write JSON."""
    return text(json.dumps(content))


def sheet(*rows: tuple[object, ...], name: str = "Sheet") -> Callable[[Path], object]:
    """Write a workbook of one sheet."""

    def write(path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.title = name
        for row in rows:
            book.active.append(row)
        book.save(path)

    return write


def drawing(made: Callable[[], gpd.GeoDataFrame], **options: str) -> Callable[[Path], object]:
    """Write a layer in the format that the ending says."""
    return lambda path: made().to_parquet(path) if path.suffix == ".parquet" else made().to_file(path, **options)


def raster(path: Path) -> None:
    """Write 40 x 4 cells over the squares."""
    values = np.arange(160, dtype="float32").reshape(4, 40)
    transform = Affine(0.01, 0, 5, 0, -0.025, 46.1)
    with rasterio.open(
        *(path, "w", "GTiff", 40, 4, 1, "EPSG:4326", transform, "float32"), nodata=-200, tiled=True, blockxsize=16
    ) as target:
        target.write(values, 1)


def zipped(path: Path) -> None:
    """Write an archive of two members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/pop2023.csv", POPULATIONS)
        archive.writestr("notes.txt", "notes")


def seven(path: Path) -> None:
    """Write the same as 7z."""
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writef(io.BytesIO(POPULATIONS.encode()), "folder/pop2023.csv")
        archive.writef(io.BytesIO(b"notes"), "notes.txt")


def taken_out(path: Path) -> object:
    """Unpack beside the archive, and see that nothing was written elsewhere."""
    folder = path.parent / "out"
    folder.mkdir(exist_ok=True)
    before = set(path.parent.rglob("*"))
    limits = archives.UnpackLimits(bytes=50_000_000)
    try:
        return archives.unpack(path, folder, "*.csv", limits)
    finally:
        stray = [one for one in set(path.parent.rglob("*")) - before if not one.is_relative_to(folder)]
        assert not stray, f"written outside the folder: {stray}"


def structures() -> dict[str, Any]:
    """Describe one establishment as FINESS+ does."""
    place = {"directionLatitude": "46.05", "directionLongitude": "5.05"}
    ege = {
        "informationsGeneralesEGE": {"numFinessEge": "010000024", "nomEgeLong": "CH", "dateOuverture": "1979-02-13"},
        "categorieentiteGeographiqueExercice": "355",
        "etatObjet": "A",
        "adresse": [
            {"usageAdresse": "03", "cogCommune": "01001", "codePostal": "01400", "coordonneesGeographique": place}
        ],
    }
    group = {"gccId": "1", "typeGcc": "001", "nomGcc": "GHT", "etatObjet": "A"}
    return {
        "schemaVersion": "v1.0.0",
        "generatedAt": "2026-10-01T00:00:00Z",
        "gcc": [group | {"pmejDuGcc": [{"pmSmsseId": "2", "typeRoleEntiteGroupe": "S"}]}],
        "gco": [],
        "pmej": [{"informationsGeneralesPMEJ": {"pmSmsseId": "2", "numFinessPm": "010780054"}, "ege": [ege]}],
    }


def legacy_finess() -> str:
    """Write one establishment and its place as the legacy FINESS does."""
    cells = ["structureet", "010000024", "010780054", "CH", "", *[""] * 7, "001", "01", "AIN", "01400 ABERGEMENT"]
    cells += ["0474000000", "", "355", "CH", *[""] * 12]
    place = "geolocalisation;010000024;873766.1;6570414.6;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,LAMBERT_93;2026-05-01"
    return "\n".join(["finess;etalab;112;2026-05-12", ";".join(cells), place]) + "\n"


def activities() -> str:
    """Write one activity as the Annuaire Santé does."""
    columns = annuaire_sante.LAYOUTS["56 columns"]
    known = {"Identification nationale PP": "810000000001", "Code profession": "10", "Nom d'exercice": "NOM"}
    known |= {"Code commune (coord. structure)": "01001", "Identifiant technique de la structure": "a"}
    return "|".join(columns) + "|\n" + "|".join(known.get(name, "") for name in columns) + "|\n"


def read_resources(path: Path) -> object:
    """Read resources, with no one who objected."""
    beside = list(path.parent.glob(f"{SITES}_2023r.csv"))
    return resources.parse_resources([path, *beside], units(), outlines(), new_register(), now=NOW)


def imaging(path: Path) -> None:
    """Write the two bordereaux of the SAE that speak of scanners."""
    path.write_text("BOR;AN;FI;RS;EQUIPIMA;NB\nIMAGES;2023;010000024;CH;SCAN;2\n")
    path.with_name(f"{SITES}_2023r.csv").write_text("bor;an;fi;rs;cominsee;armt\nID;2023;010000024;CH;01001;\n")


def counted(path: Path) -> object:
    """Count points in squares."""
    return assign(path, named(outlines(), "insee_code", "toy"), by=["month"], weight="people", workers=1)


def months() -> gpd.GeoDataFrame:
    """Give points a month and inhabitants."""
    return points(month=["2026-01"] * 4, people=[1.5, 2.0, 3.0, 4.0])


def tile(path: Path) -> None:
    """Write a tile of Filosofi, and its description beside it."""
    path.write_text("x,y,imputed,ind,ind_snv\n1,2,0,12.5,100\n")
    tile_description(path.with_name("info_200m.json"))


def tile_description(path: Path) -> None:
    """Write the description of a tile beside it."""
    tile_of = path.with_name("tile.csv")
    if not tile_of.exists():
        tile_of.write_text("x,y,imputed,ind,ind_snv\n1,2,0,12.5,100\n")
    path.write_text(json.dumps({"crs": 5490, "resolutionGeo": 4000, "originPoint": {"x": 0, "y": 0}}))


def listed(path: Path) -> None:
    """Write a list of two snapshots and the files that it names."""
    path.with_name("members.csv").write_text(MEMBERS)
    path.with_name("cpts.csv").write_text(CPTS)
    path.with_name("pop.csv").write_text("insee_code,population\n01001,1\n01002,2\n01004,3\n01005,4\n")
    entry = 'perimeters = "members.csv"\ncpts = "cpts.csv"\ncommunes = ["pop.csv"]\npopulation_year = 2020\n'
    path.write_text(f"[[snapshot]]\ndate = 2022-12-31\n{entry}[[snapshot]]\ndate = '31/12/2023'\n{entry}")


def register(path: Path) -> None:
    """Write a register of one objection."""
    write_register(new_register().with_identifier(optout.identifier("10123456789"), date(2026, 1, 1)), path)


def record(path: Path) -> None:
    """Write the record of a pull."""
    stored = {"path": "populations/x/pop.csv", "bytes": 3, "sha256": "0" * 64}
    known = {"source": "populations", "address": "", "original": "pop.csv", "pulled": "2026-01-01", "dated": None}
    as_json(known | {"rows": 2, "columns": ["insee_code"], "files": [stored]})(path)


def read_record(path: Path) -> object:
    """Put a record into the store, and read it there."""
    place = store.data_folder() / "populations" / store.RECORD
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(path.read_bytes())
    (place.parent / "x").mkdir(exist_ok=True)
    (place.parent / "x" / "pop.csv").write_text("a,b")
    return store.read_record("populations"), store.resolve_all("populations")


def build_manifest() -> dict[str, Any]:
    """Describe a build of one input that is not there."""
    one = {"role": "communes", "path": "absent.csv", "source": "", "address": "", "sha256": "0", "bytes": 1}
    one |= {"dated": None, "pulled": None, "producer": "", "licence": "", "rows_read": 1}
    return manifest.make_manifest([one], {"arguments": ["--embedded"], "language": "fr"}, {"a.csv": "0" * 64})


def read_manifest(path: Path) -> object:
    """Read a manifest, and compare it with what is there."""
    read = manifest.read_manifest(path)
    return manifest.changed_inputs(read), manifest.compare(read, build_manifest()), manifest.credit_lines(read)


def mirrored(path: Path) -> None:
    """Write the index of a mirror, and the file that it names."""
    folder = path.parent / "populations"
    folder.mkdir(exist_ok=True)
    (folder / "pop2023.csv").write_text(POPULATIONS)
    as_json({"sources": {"populations": {"files": [{"name": "pop2023.csv", "sha256": ""}]}}})(path)


def pulled(name: str) -> Callable[[Path], object]:
    """Read a file as a pull does: by the reader of its source, and for its date."""

    def read(path: Path) -> object:
        source = sources()[name]
        rows = pull.read(source, [path])
        return rows, pull.dated(source, [path], path.name)

    return read


GRAPHML = """<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="x" for="node" attr.name="x" attr.type="double"/><key id="y" for="node" attr.name="y" attr.type="double"/>
<key id="h" for="edge" attr.name="highway" attr.type="string"/><key id="l" for="edge" attr.name="length" attr.type="double"/>
<key id="c" for="graph" attr.name="crs" attr.type="string"/>
<graph edgedefault="directed"><data key="c">epsg:4326</data>
<node id="1"><data key="x">5.0</data><data key="y">46.0</data></node>
<node id="2"><data key="x">5.1</data><data key="y">46.0</data></node>
<edge source="1" target="2"><data key="h">primary</data><data key="l">7000.0</data></edge></graph></graphml>
"""
OSM = """<?xml version="1.0"?>
<osm version="0.6"><node id="1" version="1" lat="46.0" lon="5.0"/><node id="2" version="1" lat="46.0" lon="5.1"/>
<way id="9" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="oneway" v="yes"/></way></osm>
"""
RESOURCES = (
    "resource_id,kind,name,insee_code,longitude,latitude,phone,status,status_at,capacity,unit,updated_at,visibility\n"
    "r1,hopital,CH,01001,5.05,46.05,0474000000,ouvert,2026-11-20T10:00,12,lits,2026-11-01,public\n"
    "r2,pharmacie,Pharmacie,01002,,,,,,,,,\n"
)
FIGURES = '[[figure]]\ndate = 2024-01-01\nplace = "departement=01"\npercent = 48.5\nwording = "couverte"\nsource = "rapport"\n'
NEED = 'insee_code,zoning,apl,share_75,qpv_count\n01001,ZIP,2.5,0.125,0\n01002,ZAC,"3,1",0.2,1\n'
QPV = {"code_qp": list("abcd"), "lib_qp": list("abcd"), "insee_com": list(CODES), "lib_com": list("abcd")}
FIELDS = {"cpts_id": "gid", "cpts_name": "NOM_CPTS", "stage": "ETAT"}
AMBU = {"gid": list("1234"), "NOM_CPTS": list("abcd"), "ETAT": ["ACI signé", "Actif", "", None]}
DENSITY_ROWS = (("CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN19", *(f"P{n}" for n in range(1, 8))),)
DENSITY_ROWS += (("01001", "A", 3, "Petites villes", 5, *[0] * 7), ("01002", "B", 4, "Ceintures urbaines", 6, *[0] * 7))
MOVEMENTS = ",".join(cog.MOVEMENT_LAYOUTS["2021"]) + "\n32,2016-01-01,COM,01002,0,A,A,A,COM,01001,0,B,B,B\n"
UNITS = ",".join(cog.UNIT_LAYOUTS["2021"]) + "\nCOM,01001,84,01,01D,012,5,A,A,L'A,0108,\n"
EPCI = (tuple(dgcl.LAYOUTS["epcicom"]), ("01", "200000001", "CC", "CC", "FPU", 2, 9, 9, "01", "01001", "1", "A", 5, 4))
APL = (("Titre",), ("Code commune INSEE", "Commune", "APL aux médecins généralistes",
                    "APL aux médecins généralistes de 65 ans et moins",
                    "APL aux médecins généralistes de 62 ans et moins",
                    "APL aux médecins généralistes de 60 ans et moins",
                    "Population standardisée par la consommation de soins par tranche d'âge au niveau de la commune",
                    "Population totale"), ("01001", "A", 2.5, 2.1, 2, 1.9, 700, 779))  # fmt: skip
NATIONAL = [
    "code_insee",
    "nom_officiel",
    "code_insee_du_departement",
    "code_insee_de_la_region",
    "codes_siren_des_epci",
]
IRIS = ["code_insee", "nom_commune", "iris", "code_iris", "nom_iris", "type_iris"]
DISTRICTS = ["code_insee", "nom_officiel", "code_insee_de_la_commune_de_rattach"]
COMMUNES = "insee_code,name,population,population_year,epci_siren,density_level\n" + "".join(
    f"{code},Nom {code},{100 + place},2023,200000001,{place + 1}\n" for place, code in enumerate(CODES)
)
INSPIRE = "idcar_200m,ind,men\nCRS3035RES200mN2029800E4252400,12.5,3\nCRS3035RES200mN2030000E4252400,1,1\n"


def cell_sums(path: Path) -> object:
    """Sum cells over the squares."""
    return cells.read_cells(path).sums(outlines())


def _of(names: list[str]) -> Callable[[], gpd.GeoDataFrame]:
    return lambda: layer(**{name: list(CODES) for name in names})


def _table(content: str, **types: str) -> Callable[[Path], object]:
    return lambda path: pd.read_csv(io.StringIO(content), dtype=types or "str").to_parquet(path)


def _gpkg(name: str) -> Callable[[], gpd.GeoDataFrame]:
    return lambda: layer(
        cpts_name=list("abcd"), name=list("wxyz"), stage=["aci_signe"] * 4, territory_id=list("abcd"), kind=name
    )


def _lines() -> gpd.GeoDataFrame:
    lines = [shapely.LineString([(5, 46), (5.1, 46)]), shapely.LineString([(5.1, 46), (5.2, 46.1)])]
    return gpd.GeoDataFrame({"highway": ["primary", "track"], "oneway": ["yes", None]}, geometry=lines, crs=4326)


def _places() -> gpd.GeoDataFrame:
    return points(resource_id=list("abcd"), kind=["hopital"] * 4, name=list("abcd"), insee_code=list(CODES))


def _whole(read: Callable[[Path, pd.DataFrame], object]) -> Callable[[Path], object]:
    return lambda path: read(path, units())


def _described(path: Path) -> object:
    return perimeters.parse_perimeters(path.with_name("members.csv"), units(), cpts=path)


def _with_members(path: Path) -> None:
    path.with_name("members.csv").write_text(MEMBERS)
    path.write_text(CPTS)


def _drawn(path: Path) -> object:
    return drawn.parse_drawn_perimeters(path, units(), outlines(), area_weighting=True, repair=True)


def _territories(path: Path) -> object:
    return territories.read_territories(path, units(), kind="ght", contours=outlines(), area_weighting=True)


def readers() -> Iterator[tuple[str, Reader]]:
    """Yield every reader by name; one that takes several formats, once for each."""
    csv = text("insee_code;name\n01001;L'Abergement\n01002;Autre\n")
    yield "table csv", Reader("a.csv", csv, tabular.read_table)
    yield (
        "table xlsx",
        Reader("a.xlsx", sheet(("insee_code", "name"), ("01001", 5), ("01002", 2.5)), tabular.read_table),
    )
    yield "table parquet", Reader("a.parquet", _table(COMMUNES), tabular.read_table)
    yield "communes csv", Reader("communes.csv", text(COMMUNES), lambda path: communes.read_communes([path]))
    yield "communes insee", Reader("pop2023.csv", text(POPULATIONS), lambda path: communes.read_communes([path]))
    numbers = {"insee_code": "str", "population": "int64", "epci_siren": "str"}
    yield (
        "communes parquet",
        Reader("c.parquet", _table(COMMUNES, **numbers), lambda path: communes.read_communes([path])),
    )
    yield "density", Reader("d.csv", text("insee_code,density_level\n01001,1\n01002,7\n"), communes.read_density)
    yield "perimeters", Reader("members.csv", text(MEMBERS), _whole(perimeters.parse_perimeters))
    yield "perimeters cpts", Reader("cpts.csv", _with_members, _described)
    iris_list = text("cpts_name,code_iris\nnord,010010000\nnord,010020000\n")
    yield "perimeters iris", Reader("iris.csv", iris_list, _whole(perimeters.parse_perimeters))
    yield "perimeters drawn", Reader("drawn.geojson", drawing(_gpkg("c")), _drawn)
    yield "contours geojson", Reader("c.geojson", drawing(outlines), lambda path: contours.read_contours([path]))
    yield (
        "contours gpkg",
        Reader("c.gpkg", drawing(outlines), lambda path: contours.read_contours([path], codes=CODES[:2])),
    )
    yield (
        "contours parquet",
        Reader("c.parquet", drawing(outlines), lambda path: contours.read_contours([path], codes=CODES[:2])),
    )
    yield "contours shp", Reader("c.shp", drawing(outlines), lambda path: contours.read_contours([path]))
    yield "contours fgb", Reader("c.fgb", drawing(outlines), lambda path: contours.read_contours([path]))
    yield "polygons gpkg", Reader("p.gpkg", drawing(_gpkg("p")), lambda path: layers.read_polygons(path, repair=True))
    yield (
        "territories list",
        Reader("t.csv", text("code_ght,nom_ght,insee_code\ng,GHT,01001\ng,GHT,01002\n"), _territories),
    )
    yield "territories drawn", Reader("t.gpkg", drawing(_gpkg("t")), _territories)
    yield (
        "iris populations",
        Reader("i.csv", text("IRIS;P22_POP\n010010000;12.5\n010020000;3\n"), iris.read_iris_populations),
    )
    yield "cells csv", Reader("cells.csv", text(INSPIRE), cell_sums)
    yield "cells parquet", Reader("cells.parquet", _table(INSPIRE, ind="float64"), cell_sums)
    yield "cells gpkg", Reader("cells.gpkg", drawing(lambda: points(ind=[1.0, 2, 3, 4])), cell_sums)
    yield "population raster", Reader("r.tif", raster, lambda path: rasters.read_raster(path).sums(outlines()))
    yield "hazard raster", Reader("h.tif", raster, lambda path: hazards.read_hazard(path, threshold=10))
    places = pd.DataFrame({"longitude": [5.05, 50.0], "latitude": [46.05, None]})
    yield "raster at places", Reader("h.tif", raster, lambda path: hazards.read_raster_at(path, places))
    yield "hazard zones", Reader("z.geojson", drawing(_gpkg("z")), hazards.read_hazard)
    yield "resources csv", Reader("resources.csv", text(RESOURCES), read_resources)
    yield "resources geojson", Reader("resources.geojson", drawing(_places), read_resources)
    yield "resources finess", Reader("finess.csv", text(legacy_finess()), read_resources)
    yield "resources finess+", Reader("finess.json", as_json(structures()), read_resources)
    yield "resources annuaire", Reader("ps_202601010000.txt", text(activities()), read_resources)
    yield "resources sae", Reader("IMAGES_2023r.csv", imaging, read_resources)
    yield "roads graphml", Reader("roads.graphml", text(GRAPHML), road_files.read_roads)
    yield "roads osm", Reader("roads.osm", text(OSM), road_files.read_roads)
    yield "roads layer", Reader("roads.geojson", drawing(_lines), road_files.read_roads)
    yield (
        "snapshots",
        Reader(
            "snapshots.toml",
            listed,
            lambda path: (snapshot_list.read_snapshots(path), snapshot_list.snapshot_files(path)),
        ),
    )
    yield "published figures", Reader("published.toml", text(FIGURES), reconcile.read_figures)
    yield "need", Reader("need.csv", text(NEED), lambda path: need_input.parse_need([path], units()))
    yield (
        "need qpv",
        Reader("qpv.geojson", drawing(lambda: points(**QPV)), lambda path: need_input.parse_need([path], units())),
    )
    yield (
        "need weights",
        Reader("weights.toml", text("[weights]\napl = 0.5\nzoning = 0.5\n"), need_input.read_need_weights),
    )
    yield "opt-out register", Reader("register.json", register, optout.read_register)
    yield "zones to keep", Reader("zones.csv", text("insee_code,zone\n01001,a\n01002,a\n"), _whole(blocks.read_zoning))
    yield (
        "editions",
        Reader("pop2020.csv", text(POPULATIONS), lambda path: editions.read_editions([(2020, path)], units())),
    )
    yield "points assigned", Reader("points.parquet", drawing(months), counted)
    yield "manifest", Reader("manifest.json", as_json(build_manifest()), read_manifest)
    yield (
        "ars list",
        Reader(
            "ars.xlsx", sheet(("Titre",), ("CPTS", "Commune", "Dep"), ("Nord", "Ambérieu", "01")), ars.read_cpts_list
        ),
    )
    yield "ars zoning", Reader("z.csv", text("code_cog2025,zonage_mg\n01001,2_ZAC\n01002,N/A\n"), ars.read_zoning)
    yield "ars membership", Reader("m.csv", text("code_insee;nom_cpts\n01001;Nord\n01002;Nord\n"), ars.read_membership)
    yield (
        "santegraphie mapping",
        Reader("champs.toml", text(santegraphie.mapping_text(FIELDS)), santegraphie.read_mapping),
    )
    yield (
        "santegraphie layer",
        Reader("ambu.geojson", drawing(lambda: layer(**AMBU)), lambda path: santegraphie.read_cpts_layer(path, FIELDS)),
    )
    yield "santegraphie features", Reader("ambu.geojson", drawing(lambda: layer(**AMBU)), santegraphie.count_features)
    yield "insee populations", Reader("pop2023.csv", text(POPULATIONS), pulled("populations"))
    yield "insee density", Reader("density.xlsx", sheet(*DENSITY_ROWS), pulled("density"))
    yield "cog communes", Reader("v_commune_2026.csv", text(UNITS), pulled("cog-communes"))
    yield "cog movements", Reader("v_mvt_2026.csv", text(MOVEMENTS), pulled("cog-movements"))
    yield "dgcl", Reader("epci.xlsx", sheet(*EPCI), pulled("epci"))
    yield "drees", Reader("apl.xlsx", sheet(*APL, name="APL 2023"), drees.read_apl)
    yield "finess", Reader("finess.csv", text(legacy_finess()), finess.read_finess)
    yield "finess+ establishments", Reader("f.json", as_json(structures()), finess_plus.read_establishments)
    yield (
        "finess+ groups",
        Reader(
            "f.json",
            as_json(structures()),
            lambda path: (finess_plus.published(path), finess_plus.read_hospital_groups(path)),
        ),
    )
    yield "annuaire santé", Reader("ps.txt", text(activities()), annuaire_sante.read_activities)
    yield "qpv", Reader("qpv.geojson", drawing(lambda: points(**QPV)), anct.read_qpv)
    yield "filosofi", Reader("carreaux.csv", text(INSPIRE), grids.read_filosofi)
    yield "filosofi tile", Reader("tile.csv", tile, grids.read_filosofi)
    yield (
        "filosofi tile description",
        Reader("info_200m.json", tile_description, lambda path: grids.read_filosofi(path.with_name("tile.csv"))),
    )
    yield "ghs-pop", Reader("pop.tif", raster, grids.read_population_raster)
    yield "admin express", Reader("ADE.gpkg", drawing(_of(NATIONAL), layer="commune"), ign.read_admin_express)
    yield "admin express parquet", Reader("commune.parquet", drawing(_of(NATIONAL)), ign.read_admin_express)
    yield (
        "arrondissements",
        Reader("ADE.gpkg", drawing(_of(DISTRICTS), layer="arrondissement_municipal"), ign.read_arrondissements),
    )
    yield "iris outlines", Reader("iris.gpkg", drawing(_of(IRIS), layer="iris"), ign.read_iris)
    yield "archive zip", Reader("a.zip", zipped, taken_out)
    yield "archive 7z", Reader("a.7z", seven, taken_out)
    yield (
        "mirror index",
        Reader("index.json", mirrored, lambda path: mirror.offered_in_folder(path.parent, sources()["populations"])),
    )
    yield "record of a pull", Reader("record.json", record, read_record)


READERS = dict(readers())
assert {departement_of(code) for code in CODES} == {"01"}
