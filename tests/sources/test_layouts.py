"""Each producer's layout: the real samples where they are held, small files in the documented layout where not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from cptsgeo.contours import read_contours
from cptsgeo.errors import DataError, FileError
from cptsgeo.sources import anct, annuaire_sante, ars, dgcl, drees, finess, finess_plus, grids, ign, insee, santegraphie
from cptsgeo.sources.catalogue import sources

EDITIONS = {
    "pop2019": (34_990, 66_988_403),
    "pop2020b": (34_980, 67_162_154),
    "pop2021": (34_970, 67_408_052),
    "pop2022": (34_960, 67_760_573),
    "pop2023": (34_900, 68_094_280),
}


@pytest.mark.real_data
@pytest.mark.parametrize("edition", EDITIONS)
def test_five_editions_of_the_populations(shared: Path, edition: str) -> None:
    path = shared / "populations" / f"donnees_communes_{edition}.csv"
    table = insee.read_populations(path)
    assert (len(table), int(table["population"].sum())) == EDITIONS[edition]
    assert set(table["population_year"]) == {edition[3:7]}
    assert {"97101", "2A004", "75101", "69381", "13201"} <= set(table["insee_code"])
    assert not {"75056", "69123", "13055"} & set(table["insee_code"])
    raw = pd.read_csv(path, sep=";", dtype="str")
    assert int(table["population"].sum()) == raw["PMUN"].astype(int).sum() < raw["PTOT"].astype(int).sum()


@pytest.mark.real_data
def test_mayotte_and_the_other_real_files(shared: Path) -> None:
    mayotte = insee.read_populations(shared / "populations" / "donnees_communes_mayotte.csv")
    assert (mayotte["insee_code"].iloc[0], int(mayotte["population"].sum())) == ("97601", 256_518)
    assert set(mayotte["population_year"]) == {"2017"}
    epci = dgcl.read_epci(shared / "cog" / "epcicom.xlsx")
    assert not set(dgcl.WITHOUT_EPCI) & set(epci["insee_code"])
    assert len(epci) == 34_871
    zoning = ars.read_zoning(shared / "zoning" / "zonage_mg_par_commune_derive.csv")
    assert zoning["zone"].value_counts(dropna=False).to_dict() == {
        "ZAC": 16_690,
        "ZIP": 13_618,
        "HZ": 3_028,
        "ZAR": 1_503,
        np.nan: 24,
    }
    qpv = anct.read_qpv(shared / "qpv" / "qpv2024_centroides.geojson")
    assert (len(qpv.qpv), len(qpv.findings)) == (824, 32)
    cells = grids.read_filosofi(shared / "filosofi" / "filosofi2019_mart_4000m.csv")
    assert (cells.crs, cells.cells["population"].sum(), len(cells.cells)) == ("EPSG:5490", 324_203.5, 98)
    raster = shared / "raster" / "sao_miguel_gpw_v411_2020_count_2020.tif"
    assert grids.read_population_raster(raster).cells["population"].sum() == pytest.approx(145_602.97, abs=0.01)
    with pytest.raises(DataError, match="densité"):
        grids.read_population_raster(raster.with_name("sao_miguel_gpw_v411_2020_density_2020.tif"))
    assert len(annuaire_sante.check_header(shared / "finess" / "ps_libreacces_personne_activite_entete.txt")) == 0


@pytest.mark.real_data
def test_real_finess_and_finess_plus(shared: Path) -> None:
    legacy = finess.read_finess(shared / "finess" / "etalab-cs1100502-extrait-20260512.csv")
    codes = legacy.establishments["insee_code"].tolist()
    assert codes == ["01451", "97123", "97127", "97207", "97302", "97411", "97606", "98613", "97209"]
    assert legacy.published.isoformat() == "2026-05-12"
    path = shared / "finess" / "finess-structures-extrait-20260309.json"
    (row,) = finess_plus.read_establishments(path).to_dict("records")
    assert (row["finess_et"], row["insee_code"], row["active"]) == ("010780195", "01053", True)
    assert (row["longitude"], row["latitude"]) == (5.254203, 46.211257)
    groups = finess_plus.read_hospital_groups(path)
    assert groups["role"].value_counts().to_dict() == {"member": 8, "support": 1}


def test_a_renamed_column_shows_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "pop2024.csv"
    path.write_text("REG;DEP;COM;POP;PCAP;PTOT;PMUN\n84;01;01001;1;1;1;1\n")
    with pytest.raises(DataError) as caught:
        insee.read_populations(path)
    assert "POP" in str(caught.value)
    assert "PMUN   –" in str(caught.value) or "PMUN" in str(caught.value)
    assert "trouvé" in str(caught.value)
    assert "attendu" in str(caught.value)


def density(path: Path, rows: list[tuple], levels: int = 7) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Grille de densité"])
    sheet.append(["Mise en ligne le 17/05/2023       Géographie au 01/01/2022"])
    sheet.append(["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN19", *(f"P{n}" for n in range(1, levels + 1))])
    for row in rows:
        sheet.append([*row, *([0] * levels)])
    book.save(path)
    return path


def test_density_is_read_from_the_label_and_the_number_must_agree(tmp_path: Path) -> None:
    good = density(
        tmp_path / "a.xlsx", [("01001", "A", 3, "Petites villes", 5), ("01002", "B", 4, "Ceintures urbaines", 6)]
    )
    assert insee.read_density_grid(good)["density_level"].tolist() == [3, 4]
    swapped = density(tmp_path / "b.xlsx", [("01001", "A", 4, "Petites villes", 5)])
    with pytest.raises(DataError, match="numéro 4"):
        insee.read_density_grid(swapped)
    three = density(
        tmp_path / "c.xlsx",
        [
            ("01001", "A", 1, "Urbain dense", 5),
            ("01002", "B", 2, "Urbain densité intermédiaire", 6),
            ("01003", "C", 3, "Rural", 7),
        ],
        levels=3,
    )
    table = insee.read_density_grid(three)
    assert table["density_group"].tolist() == ["urbain_dense", "urbain_intermediaire", "rural"]
    assert table["density_level"].isna().all()


@pytest.fixture
def squares() -> gpd.GeoDataFrame:
    """Two communes and one arrondissement, in EPSG:4326."""
    return gpd.GeoDataFrame(geometry=[shapely.box(5, 45, 6, 46), shapely.box(6, 45, 7, 46)], crs=4326)


def test_admin_express_4_and_3(tmp_path: Path, squares: gpd.GeoDataFrame) -> None:
    new = squares.assign(
        code_insee=["01002", "01001"],
        nom_officiel=["B", "A"],
        code_insee_du_departement="01",
        code_insee_de_la_region="84",
        codes_siren_des_epci=["NR", "200054781/200057875"],
        population=999,
    )
    new.to_file(tmp_path / "ADE.gpkg", layer="commune")
    squares.iloc[:1].assign(code_insee="75101", nom_officiel="P", code_insee_de_la_commune_de_rattach="75056").to_file(
        tmp_path / "ADE.gpkg", layer="arrondissement_municipal"
    )
    squares.assign(x=1).to_file(tmp_path / "ADE.gpkg", layer="region")
    table = ign.read_admin_express(tmp_path / "ADE.gpkg")
    assert table["insee_code"].tolist() == ["01001", "01002"]
    assert table["epci_sirens"].tolist() == ["200054781 200057875", ""]
    assert "population" not in table
    assert ign.read_arrondissements(tmp_path)["city_code"].tolist() == ["75056"]
    assert read_contours([tmp_path / "ADE.gpkg"])["insee_code"].tolist() == ["01001", "01002", "75101"]
    old = squares.assign(INSEE_COM=["97401", "97402"], NOM=["A", "B"], INSEE_DEP="974", INSEE_REG="04", SIREN_EPCI="1")
    folder = tmp_path / "old"
    for name, part, epsg in (("FXX", old.iloc[:1], 2154), ("REU", old.iloc[1:], 2975)):
        (folder / name).mkdir(parents=True)
        part.to_crs(epsg).to_file(folder / name / "COMMUNE.shp")
    read = ign.read_admin_express(folder)
    assert read["insee_code"].tolist() == ["97401", "97402"]
    assert read.crs.to_epsg() == 4326
    assert shapely.area(shapely.intersection(read.geometry.iloc[0], squares.geometry.iloc[0])) == pytest.approx(
        1, abs=1e-3
    )
    with pytest.raises(DataError, match="plusieurs fois"):
        ign.read_admin_express([folder, folder])
    with pytest.raises(FileError, match="iris"):
        ign.read_iris(folder)


def test_finess_locations_take_the_system_of_their_source(tmp_path: Path) -> None:
    def line(code: str, departement: str, commune: str) -> str:
        return ";".join(["structureet", code, "9", "N", "", *[""] * 7, commune, departement, *[""] * 18])

    path = tmp_path / "finess.csv"
    text = "\n".join(
        [
            "finess;etalab;112;2026-05-12",
            line("010000024", "01", "451"),
            line("970400024", "9D", "411"),
            line("970210126", "9B", "207"),
            "geolocalisation;010000024;873766.1;6570414.6;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,LAMBERT_93;2026-05-01",
            "geolocalisation;970400024;338000;7690000;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,UTM_S40;2026-05-01",
            "geolocalisation;970210126;720000;1610000;1,ATLASANTE,100,IGN,BD_ADRESSE,V2.2,LAMBERT_93;2026-05-01",
        ]
    )
    for encoding in ("utf-8", "latin-1"):
        path.write_bytes((text.replace(";N;", ";Hôpital;")).encode(encoding))
        read = finess.read_finess(path)
        places = read.establishments.set_index("finess_et")
        assert places.at["010000024", "name"] == "Hôpital"
        assert places.at["010000024", "longitude"] == pytest.approx(5.254, abs=0.001)
        assert places.at["970400024", "latitude"] == pytest.approx(-20.88, abs=0.02)
        assert np.isnan(places.at["970210126", "longitude"])
        assert [finding.rule for finding in read.findings] == ["location_crs"]
    path.write_text(text + "\nstructureet;too;short\n")
    with pytest.raises(DataError, match="3 cellules"):
        finess.read_finess(path)


def test_positions_of_finess_plus_are_known_by_their_range() -> None:
    swapped = {"directionLatitude": "5.254203", "directionLongitude": "46.211257"}
    assert finess_plus.position(swapped, "01053") == (5.254203, 46.211257, "degrees")
    reunion = {"directionLatitude": "-20.9", "directionLongitude": "55.45"}
    assert finess_plus.position(reunion, "97411") == (55.45, -20.9, "degrees")
    assert finess_plus.position(reunion, "01053")[2] == ""
    assert finess_plus.position({"coordonneeX": "0", "coordonneeY": "0"}, "01053")[2] == ""
    assert finess_plus.position({}, "")[2] == ""


def test_finess_plus_knows_its_schema_and_who_is_active(tmp_path: Path) -> None:
    def ege(number: str, state: str, closed: str | None) -> dict:
        general = {"numFinessEge": number, "nomEgeLong": number} | ({"dateFermeture": closed} if closed else {})
        return {
            "informationsGeneralesEGE": general,
            "etatObjet": state,
            "adresse": [{"usageAdresse": "02", "cogCommune": "75056"}, {"usageAdresse": "03", "cogCommune": "01053"}],
        }

    content = {
        "schemaVersion": "v1.0.0",
        "generatedAt": "2026-10-01T00:00:00Z",
        "gcc": [{"gccId": "1", "typeGcc": "002", "pmejDuGcc": [{"pmSmsseId": "2"}]}],
        "gco": [],
        "pmej": [{"ege": [ege("1", "A", None), ege("2", "A", "2020-01-01"), ege("3", "F", None)]}],
    }
    path = tmp_path / "finess.json"
    path.write_text(json.dumps(content))
    table = finess_plus.read_establishments(path)
    assert table["active"].tolist() == [True, False, False]
    assert table["insee_code"].tolist() == ["01053"] * 3
    assert finess_plus.read_hospital_groups(path).empty
    path.write_text(json.dumps(content)[:-30])
    with pytest.raises(DataError, match="tronqué"):
        finess_plus.read_establishments(path)
    path.write_text('{"schemaVersion": "v1.0.0", "pmej": ' + "[" * 20_000)
    for read in (finess_plus.read_establishments, finess_plus.read_hospital_groups, finess_plus.published):
        with pytest.raises(DataError, match="n’est pas disposé"):
            read(path)
    path.write_text(json.dumps(content | {"schemaVersion": "v2.0.0"}))
    with pytest.raises(DataError, match=r"v2\.0\.0  v1\.0\.0"):
        finess_plus.read_establishments(path)


STREAM = """
import sys
from pathlib import Path
from cptsgeo.sources import finess_plus
table = finess_plus.read_establishments(sys.argv[1])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(len(table), int(peak.split()[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_finess_plus_is_streamed(tmp_path: Path) -> None:
    """40 MB of JSON, most of it beside what is kept, leave the process far below 300 MB."""
    path = tmp_path / "finess.json"
    ballast = json.dumps([{"evenementId": str(number), "texte": "x" * 200} for number in range(20)])
    with path.open("w") as file:
        file.write('{"schemaVersion":"v1.0.0","generatedAt":"2026-10-01","gcc":[],"gco":[],"pmej":[')
        for number in range(8_000):
            file.write("," if number else "")
            file.write(
                f'{{"evenement":{ballast},"ege":[{{"etatObjet":"A","informationsGeneralesEGE":{{"numFinessEge":"{number}"}}}}]}}'
            )
        file.write("]}")
    assert path.stat().st_size > 35_000_000
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    rows, megabytes = map(int, done.stdout.split())
    assert rows == 8_000
    assert megabytes < 300


def rpps(path: Path, rows: list[dict[str, str]], columns: list[str] | None = None) -> Path:
    columns = columns or annuaire_sante.LAYOUTS["56 columns"]
    lines = ["|".join(columns) + "|"] + ["|".join(row.get(name, "") for name in columns) + "|" for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_one_row_per_person_and_site_without_names(tmp_path: Path) -> None:
    def activity(person: str, site: str, profession: str = "10", commune: str = "97209") -> dict[str, str]:
        return {
            "Identification nationale PP": person,
            "Identifiant technique de la structure": site,
            "Code profession": profession,
            "Code commune (coord. structure)": commune,
            "Nom d'exercice": "SECRET",
            "Adresse e-mail (coord. structure)": "secret@example.org",
            "Raison sociale site": 'CABINET "DU PORT"',
        }

    rows = [
        activity("8", "a"),
        activity("8", "a"),
        activity("8", "b"),
        activity("9", "a", "60"),
        activity("7", "c", commune="01053"),
    ]
    path = rpps(tmp_path / "ps.txt", rows)
    assert len(annuaire_sante.LAYOUTS["56 columns"]) == 56
    table = annuaire_sante.read_activities(path)
    assert table[["person_id", "site_id"]].to_numpy().tolist() == [["8", "a"], ["8", "b"], ["9", "a"], ["7", "c"]]
    assert not table.astype("str").apply(lambda column: column.str.contains("(?i)secret")).any().any()
    assert table["site_name"].iloc[0] == 'CABINET "DU PORT"'
    assert annuaire_sante.read_activities(path, communes={"97209"}, professions={"60"})["person_id"].tolist() == ["9"]
    assert annuaire_sante.read_activities(path, with_contact=True)["email"].iloc[0] == "secret@example.org"
    with path.open("a") as file:
        file.write("cut|short\n")
    with pytest.raises(DataError, match="2 cellules"):
        annuaire_sante.read_activities(path)
    with pytest.raises(DataError, match="Genre"):
        annuaire_sante.check_header(rpps(path, [], [*annuaire_sante.LAYOUTS["56 columns"], "Genre"]))


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("ACI signé", "aci_signe"),
        ("ACI signé le 12/03/2021", "aci_signe"),
        ("Actif", "aci_signe"),
        ("Projet de santé en cours de rédaction", "lettre_intention"),
        ("En rédaction active", None),
        ("Projet de santé validé", "projet_valide"),
        ("Lettre d'intention validée", "lettre_intention"),
        ("ACI non signé", None),
        ("Projet abandonné", None),
        ("pré-projet", "pre_projet"),
        ("", None),
        ("réaction", None),
    ],
)
def test_stages_are_whole_words(text: str, stage: str | None) -> None:
    found = santegraphie.stage_of(text)
    assert found == stage or (text == "En rédaction active" and found in {None, "lettre_intention"})


@pytest.mark.parametrize("epsg", [4326, 3857, 2154])
@pytest.mark.parametrize("ending", ["geojson", "gml", "gpkg"])
def test_the_national_layer_needs_a_confirmed_mapping(
    tmp_path: Path, squares: gpd.GeoDataFrame, epsg: int, ending: str
) -> None:
    if ending == "geojson" and epsg != 4326:
        pytest.skip("GeoJSON is written in degrees")
    layer = squares.assign(gid=["7", "8"], NOM_CPTS=["Nord", "Sud"], ETAT_AVANC_25=["ACI signé", "en cours"])
    path = tmp_path / f"ambu.{ending}"
    layer.to_crs(epsg).to_file(path)
    with pytest.raises(DataError, match="NOM_CPTS") as caught:
        santegraphie.read_cpts_layer(path)
    assert "data fields" in str(caught.value)
    santegraphie.write_mapping({"cpts_name": "NOM_CPTS", "stage": "ETAT_AVANC_25"}, tmp_path / "champs.toml")
    read = santegraphie.read_cpts_layer(path, santegraphie.read_mapping(tmp_path / "champs.toml"))
    assert read.cpts["cpts_name"].tolist() == ["Nord", "Sud"]
    assert read.cpts["stage"].tolist()[0] == "aci_signe"
    assert read.cpts["stage"].isna().tolist() == [False, True]
    assert [finding.rule for finding in read.findings] == ["stage_unknown"]
    assert read.cpts.total_bounds == pytest.approx([5, 45, 7, 46], abs=1e-6)
    with pytest.raises(DataError, match="STADE"):
        santegraphie.read_cpts_layer(path, {"cpts_name": "NOM_CPTS", "stage": "STADE"})


def test_a_mapping_must_name_known_fields(tmp_path: Path) -> None:
    path = tmp_path / "champs.toml"
    path.write_text('cpts_name = "A"\nstade = "B"\n')
    with pytest.raises(DataError, match="stade, stage"):
        santegraphie.read_mapping(path)


def test_personal_data_in_a_kept_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_text("CPTS;Commune;Contact\nNord (06 12 34 56 78);St Denis;x\nSud a@b.fr;St Pierre;x\nEst;;x\n")
    with pytest.raises(DataError) as caught:
        ars.read_cpts_list(path)
    assert [finding.row for finding in caught.value.findings] == [2, 3, 4]
    path.write_text("CPTS;Commune;Président;Mél\nNord;St Denis;M. X;x@y.fr\n")
    listed = ars.read_cpts_list(path)
    assert listed.table.rows.columns.tolist() == ["cpts_name", "name"]
    assert listed.dropped == ("Président", "Mél")


def test_filosofi_cells_and_a_raster_of_counts(tmp_path: Path) -> None:
    path = tmp_path / "carreaux_200m_reun.csv"
    path.write_text("idcar_200m,ind,men\nCRS2975RES200mN7640000E314000,12.5,3\nCRS2975RES200mN7640200E314000,1,1\n")
    cells = grids.read_filosofi(path)
    assert (cells.crs, cells.cells.to_numpy().tolist()[0]) == ("EPSG:2975", [314000.0, 7640000.0, 200.0, 12.5])
    path.write_text("idcar_200m,ind\nCRS2975RES200mN7640000E314000,1\nCRS3035RES200mN2029800E4252400,1\n")
    with pytest.raises(DataError, match="plusieurs grilles"):
        grids.read_filosofi(path)
    tif = tmp_path / "GHS_POP_E2025.tif"
    values = np.array([[1.5, -200.0], [0.0, 2.5]])
    with rasterio.open(
        tif,
        "w",
        driver="GTiff",
        width=2,
        height=2,
        count=1,
        dtype="float64",
        crs="ESRI:54009",
        transform=Affine(100, 0, 0, 0, -100, 200),
        nodata=-200,
    ) as raster:
        raster.write(values, 1)
    read = grids.read_population_raster(tif)
    assert read.cells[["x", "y", "population"]].to_numpy().tolist() == [[0.0, 100.0, 1.5], [100.0, 0.0, 2.5]]
    assert (read.crs, read.missing) == ("ESRI:54009", 1)
    with rasterio.open(tif, "r+") as raster:
        raster.nodata = -1
    with pytest.raises(DataError, match="négatives"):
        grids.read_population_raster(tif)


def test_apl_takes_the_latest_sheet_below_its_titles(tmp_path: Path) -> None:
    header = [
        "Code commune INSEE", "Commune", "APL aux médecins généralistes",
        "APL aux médecins généralistes de 65 ans et moins", "APL aux médecins généralistes de 62 ans et moins",
        "APL aux médecins généralistes de 60 ans et moins",
        "Population standardisée par la consommation de soins par tranche d'âge au niveau de la commune", "Population totale",
    ]  # fmt: skip
    book = openpyxl.Workbook()
    book.active.title = "Paramètres"
    for year, value in (("APL 2022", 3.1), ("APL_2023", 2.9)):
        sheet = book.create_sheet(year)
        sheet.append(["Accessibilité potentielle localisée"])
        sheet.append([])
        sheet.append(header)
        sheet.append(["97209", "Fort-de-France", value, 2.5, 2, 1, 70000, 75000])
    path = tmp_path / "apl.xlsx"
    book.save(path)
    assert drees.read_apl(path)[["year", "apl"]].to_numpy().tolist() == [[2023, 2.9]]
    assert drees.read_apl(path, 2022)["apl"].tolist() == [3.1]
    with pytest.raises(DataError, match="2022, 2023"):
        drees.read_apl(path, 2019)


def test_every_source_has_a_reader_that_states_its_source() -> None:
    from importlib import import_module

    for source in sources().values():
        module, _colon, function = source.reader.partition(":")
        reader = getattr(import_module(f"cptsgeo.sources.{module}"), function)
        assert len(reader.__doc__) > 80, source.name
        assert source.rhythm > 0
        assert (source.frozen is None) == (source.successor == "")
