"""Outlines: read in any format and CRS, fitted, and checked as a map without gaps or overlaps."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from cptsgeo.contours import check_contours, dissolve, read_contours, undrawn
from cptsgeo.crs import areas_km2
from cptsgeo.errors import DataError, FileError
from cptsgeo.export import write_table
from cptsgeo.tabular import read_table

EAST, NORTH = 900_000, 6_400_000


def layer(codes, shapes, crs=2154):
    moved = [shape and shapely.affinity.translate(shape, EAST, NORTH) for shape in shapes]
    return gpd.GeoDataFrame({"insee_code": codes}, geometry=moved, crs=crs)


def write(path, codes, shapes, crs=2154):
    frame = layer(codes, shapes, crs)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


def square(x, y, side=1000):
    return shapely.box(x, y, x + side, y + side)


@pytest.mark.parametrize("name", ["c.gpkg", "c.shp", "c.parquet", "c.geojson"])
def test_every_format_gives_the_same_outlines(tmp_path, toy_contours, name):
    path = tmp_path / name
    source = toy_contours[["insee_code", "geometry"]].rename(columns={"insee_code": "code"})
    source = source if name == "c.geojson" else source.to_crs(2154)
    source.to_parquet(path) if name.endswith("parquet") else source.to_file(path)
    read = read_contours([path])
    assert list(read.columns) == ["insee_code", "geometry_source", "geometry"]
    assert read["insee_code"].tolist() == sorted(toy_contours["insee_code"])
    assert set(read["geometry_source"]) == {name}
    assert read.crs.to_epsg() == 4326
    pd.testing.assert_series_equal(areas_km2(read), areas_km2(toy_contours), atol=1e-3, check_index_type=False)
    assert check_contours(read) == []


def test_the_embedded_outlines_are_the_default_and_say_that_they_are_schematic():
    contours = read_contours()
    assert len(contours) == 97
    assert set(contours["geometry_source"]) == {"schematic"}
    assert read_contours(codes={"97201", "01001"})["insee_code"].tolist() == ["97201"]


def test_several_files_are_put_end_to_end_and_a_repeated_unit_refused(tmp_path):
    one = write(tmp_path / "1.gpkg", ["04902"], [square(0, 0)])
    other = write(tmp_path / "2.gpkg", ["04901"], [square(1000, 0)])
    assert read_contours([one, other])["insee_code"].tolist() == ["04901", "04902"]
    with pytest.raises(DataError, match="04902 est présent plusieurs fois"):
        read_contours([one, other, one])


def test_arrondissements_are_fitted_to_their_city(tmp_path):
    codes = [str(code) for code in range(13201, 13217)]
    # Sixteen columns of 1 km that reach 200 m beyond the city in the south and stop 100 m short of it in the north.
    columns = [shapely.box(1000 * i, -200, 1000 * (i + 1), 900) for i in range(16)]
    city = write(tmp_path / "city.gpkg", ["13055", "13001"], [shapely.box(0, 0, 16_000, 1000), square(16_000, 0)])
    parts = write(tmp_path / "parts.gpkg", codes, columns)
    fitted = read_contours([city, parts])
    assert fitted["insee_code"].tolist() == ["13001", *codes]
    areas = areas_km2(fitted)
    assert areas.sum() == pytest.approx(17, abs=1e-3)
    assert check_contours(fitted) == []
    assert read_contours([city, parts], codes=["13203"])["insee_code"].tolist() == ["13203"]


def test_invalid_rings_are_mended(tmp_path):
    bow = shapely.Polygon([(0, 0), (1000, 1000), (1000, 0), (0, 1000)])
    read = read_contours([write(tmp_path / "c.gpkg", ["04901"], [bow])])
    assert read.is_valid.all()
    assert areas_km2(read)["04901"] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize(
    ("codes", "shapes", "rule", "where"),
    [
        (["04901", "4902"], [square(0, 0), square(1000, 0)], "code_lost_zero", "c.gpkg, ligne 2, colonne insee_code"),
        (["04901", None], [square(0, 0), square(1000, 0)], "code_missing", "c.gpkg, ligne 2, colonne insee_code"),
        (["04901", "04902"], [square(0, 0), None], "outline_missing", "c.gpkg, ligne 2, colonne geometry"),
        (["04901"], [shapely.Point(0, 0)], "outline_missing", "c.gpkg, ligne 1, colonne geometry"),
    ],
)
def test_wrong_rows(tmp_path, codes, shapes, rule, where):
    with pytest.raises(DataError) as refused:
        read_contours([write(tmp_path / "c.gpkg", codes, shapes)])
    assert [finding.rule for finding in refused.value.findings] == [rule]
    assert refused.value.where == where


def test_coordinates_that_are_not_in_the_territory(tmp_path):
    metres = tmp_path / "m.geojson"
    text = layer(["04901"], [square(0, 0)], crs=4326).to_json(drop_id=True)
    metres.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"le contour de 1 unité n’est pas dans son territoire \(04901\)") as refused:
        read_contours([metres])
    assert "mètres donnés pour des degrés" in refused.value.fix
    lyon, swapped = shapely.box(4.8, 45.7, 4.9, 45.8), shapely.box(45.7, 4.8, 45.8, 4.9)
    for shape, codes in ((swapped, "69001"), (lyon, "97201")):
        path = tmp_path / f"{codes}.geojson"
        gpd.GeoDataFrame({"insee_code": [codes]}, geometry=[shape], crs=4326).to_file(path)
        with pytest.raises(DataError, match=f"territoire .{codes}"):
            read_contours([path])


def test_files_that_are_no_map_layer(tmp_path):
    with pytest.raises(FileError, match="c’est un dossier"):
        read_contours([tmp_path])
    with pytest.raises(FileError, match="n’existe pas"):
        read_contours([tmp_path / "absent.gpkg"])
    table = tmp_path / "t.csv"
    table.write_text("insee_code,population\n04901,3\n", encoding="utf-8")
    with pytest.raises(FileError, match="une table sans contours"):
        read_contours([table])
    plain = tmp_path / "t.parquet"
    pd.DataFrame({"insee_code": ["04901"]}).to_parquet(plain)
    with pytest.raises(FileError, match="couche cartographique"):
        read_contours([plain])
    whole = write(tmp_path / "w.parquet", ["04901"], [square(0, 0)]).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="couche cartographique"):
        read_contours([tmp_path / "cut.parquet"])
    empty = tmp_path / "e.parquet"
    layer([], []).to_parquet(empty)
    with pytest.raises(DataError, match="vide"):
        read_contours([empty])


def test_a_geoparquet_whose_crs_is_nonsense_is_refused(tmp_path):
    path = tmp_path / "z.parquet"
    gpd.GeoDataFrame({"insee_code": ["04001"]}, geometry=[shapely.box(6, 44, 6.1, 44.1)], crs=4326).to_parquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = {"datum_ensemble": {"members": [1.0]}}
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"geo": json.dumps(geo)}), path)
    with pytest.raises(FileError, match="couche"):
        read_contours([path])


def test_a_layer_without_crs_or_without_codes(tmp_path):
    path = write(tmp_path / "c.parquet", ["04901"], [square(0, 0)], crs=None)
    with pytest.raises(DataError, match=r"c\.parquet.*la couche ne dit pas son système de coordonnées"):
        read_contours([path])
    path = tmp_path / "d.gpkg"
    layer(["04901"], [square(0, 0)]).rename(columns={"insee_code": "identite"}).to_file(path)
    with pytest.raises(DataError, match=r"aucune colonne ne contient le code INSEE.*identite"):
        read_contours([path])


@pytest.mark.parametrize(
    ("other", "area"),
    [
        (shapely.box(900, 0, 2000, 1000), "0,100"),
        (shapely.box(0, 0, 1000, 1000), "1,000"),
        (shapely.box(400, 400, 600, 600), "0,040"),
        (shapely.box(989, 0, 2000, 1000), "0,011"),
    ],
    ids=["side by side", "identical", "inside", "just over a hectare"],
)
def test_overlaps_are_errors_with_their_area(other, area):
    contours = layer(["04901", "04902"], [square(0, 0), other]).to_crs(4326)
    (finding,) = check_contours(contours)
    assert (finding.rule, finding.severity) == ("contours_overlap", "error")
    assert finding.problem == f"les contours de 04901 et 04902 se chevauchent sur {area} km²"
    assert finding.value == "04901 04902"
    (turned,) = check_contours(contours.iloc[::-1])
    assert f"{area} km²" in turned.problem


def test_an_overlap_of_less_than_a_hectare_is_forgiven():
    assert check_contours(layer(["04901", "04902"], [square(0, 0), shapely.box(991, 0, 2000, 1000)])) == []


def ring(hole):
    return shapely.box(0, 0, 3000, 3000).difference(hole)


def test_holes_are_errors_unless_accepted():
    contours = layer(["04901"], [ring(square(1000, 1000))])
    (finding,) = check_contours(contours)
    assert (finding.rule, finding.severity) == ("contours_hole", "error")
    assert finding.problem == "la carte a un trou de 1,00 km² entre 04901"
    assert "--accept-holes" in finding.fix
    (accepted,) = check_contours(contours, accept_holes=True)
    assert accepted.severity == "warning"
    assert check_contours(layer(["04901"], [ring(square(1000, 1000, 90))])) == []  # 0.81 hectare


def test_a_missing_commune_is_a_hole(toy_contours):
    without = toy_contours[toy_contours["insee_code"] != "04903"]
    (finding,) = check_contours(without)
    assert "trou de 3,00 km²" in finding.problem
    assert "04901, 04902, 04904, 05901" in finding.problem


def test_known_enclaves_are_named():
    around = gpd.GeoDataFrame(
        {"insee_code": ["66005"]},
        geometry=[shapely.box(1.9, 42.4, 2.1, 42.5).difference(shapely.box(1.96, 42.45, 2.0, 42.48))],
        crs=4326,
    )
    (finding,) = check_contours(around)
    assert (finding.rule, finding.severity) == ("contours_enclave", "info")
    assert "Llívia (Espagne)" in finding.problem


def test_dissolve_draws_each_group_once(toy_contours):
    groups = pd.Series(["x", "x", "y", "y", "z"], index=["04901", "04903", "04903", "05901", "99999"])
    table = dissolve(toy_contours, groups)
    assert table["name"].tolist() == ["x", "y"]
    metres = table.to_crs(2154)
    assert metres.area.round(-2).tolist() == [6_000_000, 6_000_000]
    assert set(metres.geom_type) == {"Polygon"}


def test_dissolve_of_overlapping_outlines(toy_contours):
    contours = layer(["04901", "04902"], [square(0, 0), square(500, 0)])
    assert dissolve(contours, pd.Series("x", index=["04901", "04902"])).area.tolist() == [1_500_000]


def test_undrawn_units(toy_communes, toy_contours):
    assert undrawn(toy_communes, toy_contours).empty
    assert undrawn(toy_communes, toy_contours.iloc[2:])["name"].tolist() == ["A", "B"]


def of_france(tmp_path, per_departement=300):
    """Write squares of four départements, and say where."""
    corners = {"01": (5.0, 46.0), "13": (5.0, 43.5), "2A": (8.9, 41.8), "974": (55.4, -21.1)}
    codes, shapes = [], []
    for departement, (x, y) in corners.items():
        for place in range(min(per_departement, 99 if departement == "974" else 999)):
            codes.append(f"{departement}{place + 1:0{5 - len(departement)}d}")
            west, south = x + place % 20 / 100, y + place // 20 / 100
            shapes.append(shapely.box(west, south, west + 0.01, south + 0.01))
    table = gpd.GeoDataFrame({"insee_code": codes, "population": 1}, geometry=shapes, crs=4326)
    write_table(table, tmp_path / "c.parquet", overwrite=True)
    return tmp_path / "c.parquet", table


def test_our_geoparquet_has_the_boxes_of_its_rows(tmp_path):
    path, table = of_france(tmp_path)
    assert "bbox" in pq.read_schema(path).names
    assert list(gpd.read_parquet(path).columns) == list(table.columns)
    found = gpd.read_parquet(path, bbox=(55, -22, 56, -20))
    assert set(found["insee_code"].str[:3]) == {"974"}
    assert "bbox" not in read_table(path).rows


def test_of_a_geoparquet_only_the_departement_wanted_is_read(tmp_path, monkeypatch):
    path, table = of_france(tmp_path)
    wanted = {"13001", "13150", "2A007"}
    read = []
    whole = gpd.read_parquet
    monkeypatch.setattr(
        gpd, "read_parquet", lambda *words, **named: read.append(len(found := whole(*words, **named))) or found
    )
    contours = read_contours([path], codes=wanted)
    assert contours["insee_code"].tolist() == sorted(wanted)
    assert read == [151], "13001 to 13150, and 2A007"
    assert contours.geometry.geom_equals(
        table.set_index("insee_code").geometry.loc[sorted(wanted)].reset_index(drop=True)
    ).all()


def test_a_bad_code_is_told_with_its_row_wherever_it_is_in_a_geoparquet(tmp_path):
    path, table = of_france(tmp_path)
    table.assign(insee_code=table["insee_code"].where(table.index != 900, "1001")).to_parquet(path)
    with pytest.raises(DataError) as caught:
        read_contours([path], codes={"13001"})
    assert [finding.row for finding in caught.value.findings] == [901]
    empty = table.assign(geometry=table.geometry.where(table.index != 305, None))
    empty.to_parquet(path)
    with pytest.raises(DataError) as caught:
        read_contours([path], codes={"13001", "13300"})
    assert [(finding.row, finding.value) for finding in caught.value.findings] == [(306, "13006")]
