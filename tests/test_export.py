"""What is written is read back equal, in every format, and equal tables give equal bytes."""

from __future__ import annotations

import io
import json
import re

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.columns import COLUMNS, label
from cptsgeo.coverage import coverage
from cptsgeo.errors import FileError, UsageError
from cptsgeo.export import FORMATS, cell_text, to_text, with_geometry, write_table, write_workbook
from cptsgeo.i18n import language
from cptsgeo.schemas import TABLES, conform
from cptsgeo.sizes import double_counts, sizes
from cptsgeo.tabular import read_table
from cptsgeo.white_zones import white_zones, white_zones_by_density

HOSTILE = [
    "=1+1",
    "@cmd",
    "-5",
    "+33",
    "'=x",
    "a;b,c\td",
    'say "no"',
    "l1\nl2",
    "</script><img src=x>",
    "É œ 🏥",
    "`${x}`",
]


def as_text(table: pd.DataFrame) -> list[list[str]]:
    """Write a table as the readers return it: text, missing cells empty, rates to six decimals."""

    def text(value: object) -> str:
        if value is None or value is pd.NA or value != value:
            return ""
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else str(round(value, 6))
        return str(value)

    return [[text(value) for value in row] for row in table.astype("object").itertuples(index=False)]


def rounded(rows: list[list[str]]) -> list[list[str]]:
    """Write decimal numbers to six decimals, and text as it is."""
    decimal = re.compile(r"\d+\.\d+(e-\d+)?|1|0")
    return [[f"{float(cell):.6f}" if decimal.fullmatch(cell) else cell for cell in row] for row in rows]


@pytest.fixture
def tables(toy_communes, toy_perimeters):
    names = dict(zip(toy_perimeters.cpts["cpts_name"], HOSTILE, strict=False))
    cpts = toy_perimeters.cpts.assign(cpts_name=toy_perimeters.cpts["cpts_name"].map(names))
    perimeters = toy_perimeters._replace(cpts=cpts)
    communes = toy_communes.assign(name=HOSTILE[:10])
    return {
        "coverage": coverage(communes, perimeters, by="unit"),
        "sizes": sizes(communes, perimeters),
        "double_counts": double_counts(communes, perimeters),
        "white_zones": white_zones(communes, perimeters),
        "white_zones_by_density": white_zones_by_density(communes, perimeters),
    }


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_tables_are_read_back_equal(tmp_path, tables, form):
    for name, table in tables.items():
        path = tmp_path / f"{name}.{form}"
        write_table(table, path)
        back = read_table(path)
        assert list(back.rows.columns) == list(table.columns)
        assert rounded(back.rows.to_numpy().tolist()) == rounded(as_text(table)), name


def test_parquet_keeps_values_and_types(tmp_path, tables):
    for name, table in tables.items():
        write_table(table, tmp_path / f"{name}.parquet")
        back = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(back, table, check_dtype=False, check_categorical=False)
        conform(back, name)


def test_json_keeps_values(tables):
    for table in tables.values():
        records = json.loads(to_text(table, "json"))
        assert [list(record) for record in records] == [list(table.columns)] * len(table)
        back = [["" if value is None else value for value in record.values()] for record in records]
        assert as_text(pd.DataFrame(back)) == as_text(table)


def test_numbers_and_missing_values_in_xlsx(tmp_path, tables):
    write_table(tables["coverage"], tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    header = [cell.value for cell in sheet[1]]
    assert sheet.freeze_panes == "A2"
    rows = [dict(zip(header, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    empty = next(row for row in rows if row["code"].value == "05902")
    assert empty["population"].value == 0
    assert empty["coverage_rate"].value is None
    assert rows[0]["code"].value == "04901"
    assert rows[0]["name"].value == "=1+1"
    assert rows[0]["name"].data_type == "s"
    assert rows[0]["coverage_rate"].number_format == "0.00%"


def test_xlsx_takes_every_text_and_every_title(tmp_path):
    path = tmp_path / "[a]:?*.xlsx"
    write_table(pd.DataFrame({"name": ["a\x0bb\x00c"]}), path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["_a____"]
    assert book.active["A2"].value == "a_x000B_b_x0000_c", "as the standard writes control characters"


def test_a_workbook_has_a_sheet_per_table(tmp_path, tables):
    path = tmp_path / "all.xlsx"
    write_workbook(tables, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [*tables, "colonnes"]
    told = {row[0]: row[1:] for row in book["colonnes"].iter_rows(values_only=True)}
    assert told.pop("colonne") == ("intitulé", "sens")
    assert set(told) == {name for table in tables.values() for name in table.columns}
    assert told["coverage_rate"] == (
        "Taux de couverture",
        "population couverte / population\u202f; manquant où personne n’habite",
    )
    with pytest.raises(FileError, match="existe déjà"):
        write_workbook(tables, path)


@pytest.fixture
def drawn(toy_communes, toy_perimeters, toy_contours):
    table = white_zones(toy_communes, toy_perimeters)
    return with_geometry(table, toy_contours[toy_contours["insee_code"] != "26903"])


@pytest.mark.parametrize("form", ["geojson", "gpkg", "parquet"])
def test_maps_are_read_back_equal(tmp_path, drawn, form):
    path = tmp_path / f"a.{form}"
    write_table(drawn, path)
    back = gpd.read_parquet(path) if form == "parquet" else gpd.read_file(path)
    assert back.crs.to_epsg() == 4326
    assert as_text(pd.DataFrame(back.drop(columns="geometry"))) == as_text(pd.DataFrame(drawn.drop(columns="geometry")))
    assert back.geometry.isna().tolist() == drawn.geometry.isna().tolist() == [False, True, False, False, False]
    shapes = ~drawn.geometry.isna()
    gap = shapely.hausdorff_distance(back.geometry[shapes].to_numpy(), drawn.geometry[shapes].to_numpy())
    assert gap.max() < 2e-7


def test_geojson_is_in_degrees_with_seven_decimals_and_turns_left(drawn):
    content = json.loads(to_text(drawn.to_crs(2154), "geojson"))
    assert list(content) == ["type", "features"]
    (west, south, east, north) = drawn.total_bounds
    for feature in content["features"]:
        if feature["geometry"] is None:
            continue
        assert feature["geometry"]["type"] == "Polygon"
        outer = feature["geometry"]["coordinates"][0]
        assert shapely.LinearRing(outer).is_ccw
        for x, y in outer:
            assert west - 1e-6 <= x <= east + 1e-6
            assert south - 1e-6 <= y <= north + 1e-6
            assert x == round(x, 7)


@pytest.mark.parametrize("form", FORMATS)
def test_equal_tables_give_equal_bytes(tmp_path, drawn, form):
    write_table(drawn, tmp_path / "a", form=form)
    first = (tmp_path / "a").read_bytes()
    write_table(drawn.copy(), tmp_path / "a", form=form, overwrite=True)
    assert (tmp_path / "a").read_bytes() == first
    assert len(first) > 200


def test_csv_is_plain(tables):
    text = to_text(tables["coverage"], "csv")
    assert "\r" not in text
    assert text.splitlines()[0].startswith("code,name,counting,stage")
    assert "05902" in text
    assert "'=1+1" in text
    assert "0.333333" in to_text(pd.DataFrame({"coverage_rate": [1 / 3]}), "csv")


def test_the_table_for_people_speaks_their_language(tables):
    french = to_text(tables["white_zones_by_density"], "table")
    assert "Zones blanches" in french or "Part des zones blanches" in french
    assert "50\u202f000" in french
    assert "–" in french
    with language("en"):
        assert "50,000" in to_text(tables["white_zones_by_density"], "table")


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, "population", "–"),
        (float("nan"), "coverage_rate", "–"),
        (1, "coverage_rate", "100,00 %"),
        (0.99999999, "coverage_rate", "99,99 %"),
        (0.00000001, "coverage_rate", "0,01 %"),
        (0, "coverage_rate", "0,00 %"),
        (5218960, "population", "5 218 960"),
        (2023, "population_year", "2023"),
        (12.34, "area_km2", "12,3"),
        ("aci_signe", "stage", "ACI signé"),
        ("whatever", "stage", "whatever"),
    ],
)
def test_cells_for_people(value, column, text):
    assert cell_text(value, column).replace("\u202f", " ").replace("\xa0", " ") == text


def test_what_cannot_be_written(tmp_path, tables):
    table = tables["coverage"]
    with pytest.raises(UsageError, match="n’est pas un format de sortie"):
        write_table(table, tmp_path / "a.doc")
    with pytest.raises(UsageError, match="n’a pas de contours"):
        write_table(table, tmp_path / "a.gpkg")
    with pytest.raises(UsageError, match="ne peut pas être écrit à l’écran"):
        to_text(table, "xlsx")
    write_table(table, tmp_path / "a.csv")
    with pytest.raises(FileError, match="existe déjà"):
        write_table(table, tmp_path / "a.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


@given(st.lists(NAMES.map(str.strip).filter(bool), min_size=1, max_size=6))
def test_any_name_survives_every_text_format(names):
    import tempfile
    from pathlib import Path

    table = pd.DataFrame({"insee_code": [f"0100{i}" for i in range(len(names))], "name": pd.array(names, dtype="str")})
    with tempfile.TemporaryDirectory() as folder:
        for form in ("csv", "xlsx", "parquet"):
            path = Path(folder) / f"a.{form}"
            write_table(table, path)
            assert read_table(path).rows["name"].tolist() == names, form
    assert [record["name"] for record in json.load(io.StringIO(to_text(table, "json")))] == names


def test_a_table_that_breaks_its_schema_is_refused(toy_communes, toy_perimeters):
    table = sizes(toy_communes, toy_perimeters)
    assert conform(table, "sizes") is not None
    from cptsgeo.errors import DataError

    with pytest.raises(DataError) as refused:
        conform(table.assign(population=-1, units=-2), "sizes")
    assert {finding.column for finding in refused.value.findings} >= {"population", "units"}
    with pytest.raises(DataError):
        conform(table.drop(columns="units"), "sizes")
    with pytest.raises(UsageError, match="'size' n’est pas une table de résultats"):
        conform(table, "size")


def test_every_column_of_every_table_is_defined_in_both_languages():
    for name, columns in TABLES.items():
        assert set(columns) <= set(COLUMNS), name
    french = {name: label(name) for name in COLUMNS}
    with language("en"):
        assert {name: label(name) for name in COLUMNS} != french
    assert label("unheard_of") == "unheard_of"
