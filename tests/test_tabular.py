"""Tables are read as text, whatever their format, separator, encoding and layout; what cannot be read is named."""

from __future__ import annotations

import io
import random
import re
from contextlib import suppress

import pandas as pd
import pytest
from openpyxl import Workbook

from cptsgeo.errors import CptsGeoError, DataError, FileError, UsageError
from cptsgeo.tabular import read_table

ROWS = [["01001", "L'Abergement-Clémenciat", "860"], ["2A004", "Ajaccio", "75000"]]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(table):
    return [list(table.rows.columns), *table.rows.to_numpy().tolist()]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_separator_encoding_and_line_end(tmp_path, separator, encoding, line_end):
    lines = [["insee_code", "name", "population"], *ROWS]
    text = line_end.join(separator.join(line) for line in lines) + line_end
    table = read_table(write(tmp_path / "a.csv", text.encode(encoding)))
    assert cells(table) == lines
    assert table.rows.index.tolist() == [2, 3]
    assert all(dtype == "str" for dtype in table.rows.dtypes)


def test_rows_are_those_of_the_file_below_blank_lines_and_embedded_newlines(tmp_path):
    text = 'insee_code,name\n\n01001,"deux\nlignes"\n,\n01002,b\n'
    table = read_table(write(tmp_path / "a.csv", text))
    assert table.rows["name"].to_dict() == {3: "deux\nlignes", 6: "b"}


def test_titles_above_the_header_do_not_choose_the_separator(tmp_path):
    text = "Liste des CPTS, janvier 2026, source ARS\n\nCode INSEE;Nom\n01001;A\n"
    table = read_table(write(tmp_path / "a.csv", text), header_has=["code_insee"])
    assert cells(table) == [["Code INSEE", "Nom"], ["01001", "A"]]
    assert table.rows.index.tolist() == [4]


def test_short_rows_are_completed_and_unnamed_columns_left(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "insee_code,,name,,\n01001,x,A,,\n01002\n"))
    assert cells(table) == [["insee_code", "name"], ["01001", "A"], ["01002", ""]]


def test_spaces_around_cells_go(tmp_path):
    assert cells(read_table(write(tmp_path / "a.csv", " a , b \n 1 ,\u00a02 \n"))) == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("text", ["=1+1", "+33", "-5", "@x", "'=1+1", "''=1"])
def test_a_guarded_formula_is_read_without_its_guard(tmp_path, text):
    table = read_table(write(tmp_path / "a.csv", f"a,b\n'{text},x\n"))
    assert cells(table)[1] == [text, "x"]


def test_an_apostrophe_that_guards_nothing_stays(tmp_path):
    assert cells(read_table(write(tmp_path / "a.csv", "a,b\n'Aigues,x\n")))[1] == ["'Aigues", "x"]


def workbook(rows, title="Feuille"):
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_xlsx_cells_become_the_text_that_is_seen(tmp_path):
    path = write(tmp_path / "a.xlsx", workbook([["code", "n", "x"], ["01001", 860.0, None], [97209, 1.5, "=1+1"]]))
    table = read_table(path)
    assert cells(table)[1] == ["01001", "860", ""]
    assert cells(table)[2][:2] == ["97209", "1.5"]
    assert table.rows.index.tolist() == [2, 3]


def test_xlsx_header_below_titles(tmp_path):
    rows = [["Grille de densité"], [], ["Code INSEE", "Libellé"], ["CODGEO", "LIBDENS"], ["01001", "A"]]
    table = read_table(write(tmp_path / "a.xlsx", workbook(rows)), header_has=["code_insee", "codgeo"])
    assert cells(table) == [["CODGEO", "LIBDENS"], ["01001", "A"]]
    assert table.rows.index.tolist() == [5]


def test_xlsx_sheet_by_name(tmp_path):
    path = write(tmp_path / "a.xlsx", workbook([["a"], ["1"]], title="Liste"))
    assert cells(read_table(path, sheet="Liste")) == [["a"], ["1"]]
    with pytest.raises(UsageError, match=r"Autre.*Liste"):
        read_table(path, sheet="Autre")


def test_parquet_numbers_become_text_and_shapes_are_left(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"code": ["01001", None], "n": [860.0, 1.5], "shape": [b"x", b"y"], "l": [["1", "2"], []]}).to_parquet(
        path
    )
    table = read_table(path)
    assert cells(table) == [["code", "n", "l"], ["01001", "860", "1;2"], ["", "1.5", ""]]
    assert table.rows.index.tolist() == [1, 2]


def test_standard_input(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"insee_code;name\n01001;A\n")

    monkeypatch.setattr("sys.stdin", Stdin)
    table = read_table("-")
    assert cells(table) == [["insee_code", "name"], ["01001", "A"]]
    with pytest.raises(DataError, match=r"entrée standard.*vide"):
        read_table("-")


HTML = b"\xef\xbb\xbf\n<!DOCTYPE html>\n<html><table><tr><td>insee_code</td></tr></table></html>"
XLSX = workbook([["a"], ["1"]])


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.csv", b"", DataError, "le fichier est vide"),
        ("a.csv", b"\xef\xbb\xbf \r\n\x0c\xc2\xa0", DataError, "le fichier est vide"),
        ("a.csv", b",,\n,\n", DataError, "le fichier est vide"),
        ("a.csv", b"insee_code,name\n", DataError, "un en-tête et aucune ligne"),
        ("a.csv", XLSX, FileError, "le contenu est .*XLSX.*csv"),
        ("a.xlsx", b"insee_code,name\n01001,A\n", FileError, "le contenu est .*texte.*xlsx"),
        ("a.csv", HTML, FileError, "HTML"),
        ("a.xlsx", HTML, FileError, "HTML"),
        ("a.csv", b"%PDF-1.7\nxyz", FileError, "PDF"),
        ("a.csv", b'{"type": "FeatureCollection"}', FileError, "JSON"),
        ("a.csv", "insee_code\tname\n".encode("utf-16"), FileError, "UTF-16"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", FileError, "ancien classeur Excel"),
        (
            "a.ods",
            b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument",
            FileError,
            "OpenDocument",
        ),
        ("a.csv", b"insee_code,name\n01001,a\x00b\n", FileError, "n’est pas du texte"),
        ("a.xlsx", XLSX[:200], FileError, "le classeur ne peut pas être lu"),
        ("a.parquet", b"PAR1 then nothing", FileError, "tronqué"),
        ("a.csv", b'insee_code,name\n01001,"CPTS Nord\n01002,CPTS Sud\n', FileError, "la ligne 2 ne peut pas être lue"),
        ("a.csv", b'insee_code,name\n01001,"' + b"x" * 200_000 + b'"\n', FileError, "la ligne 2 ne peut pas être lue"),
        ("a.csv", b"insee_code,insee_code\n01001,01002\n", DataError, "deux colonnes .*insee_code"),
        ("a.csv", b"insee_code,name\n01001,A,B\n", DataError, "ligne 2.*la ligne a 3 cases, l’en-tête en a 2"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, error, words):
    with pytest.raises(error) as refused:
        read_table(write(tmp_path / name, content))
    message = str(refused.value)
    assert message.startswith(name)
    assert "Que faire" in message
    assert refused.value.fix
    assert re.search(words, message), message


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(FileError, match="c’est un dossier, pas un fichier"):
        read_table(tmp_path)
    with pytest.raises(FileError, match="ce fichier n’existe pas"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(FileError, match="ne peut pas être lu"):
        read_table(tmp_path / ("a" * 300 + ".csv"))


def test_columns_get_their_standard_names_whatever_their_case_and_accents(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "Code INSEE;Libellé;autre\n01001;A;z\n"))
    renamed = table.renamed({"insee_code": ("code_insee",), "name": ("libelle",)}, required=["insee_code"])
    assert list(renamed.rows.columns) == ["insee_code", "name", "autre"]


def test_a_standard_name_wins_over_a_synonym_and_two_synonyms_are_refused(tmp_path):
    aliases = {"insee_code": ("code", "codgeo")}
    table = read_table(write(tmp_path / "a.csv", "code,insee_code\nx,01001\n")).renamed(
        aliases, required=["insee_code"]
    )
    assert table.rows["insee_code"].tolist() == ["01001"]
    with pytest.raises(DataError, match=r"code, codgeo.*insee_code"):
        read_table(write(tmp_path / "b.csv", "code,codgeo\nx,01001\n")).renamed(aliases, required=[])


def test_a_missing_column_names_those_that_are_there(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "commune,habitants\nA,3\n"))
    with pytest.raises(DataError) as refused:
        table.renamed({"insee_code": ("codgeo",)}, required=["insee_code"])
    assert "insee_code" in refused.value.problem
    assert "commune, habitants" in refused.value.problem
    assert "codgeo" in refused.value.fix


@pytest.mark.parametrize("seed", range(12))
def test_damaged_workbooks_and_parquet_files_end_in_a_clean_error(tmp_path, seed):
    chance = random.Random(seed)
    parquet = io.BytesIO()
    pd.DataFrame({"insee_code": ["01001"] * 50, "population": range(50)}).to_parquet(parquet)
    for name, whole in (("a.xlsx", XLSX), ("a.parquet", parquet.getvalue())):
        damaged = bytearray(whole)
        for _time in range(chance.choice([1, 3, 20])):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        for content in (bytes(damaged), whole[: chance.randrange(5, len(whole))]):
            with suppress(CptsGeoError):
                assert list(read_table(write(tmp_path / name, content)).rows.columns)


def test_a_parquet_text_that_is_no_utf8_is_a_clean_error(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    bad = pa.array([b"01001", b"\xff\xfe"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"insee_code": bad}), tmp_path / "bad.parquet")
    with pytest.raises(FileError, match="abîmé ou tronqué"):
        read_table(tmp_path / "bad.parquet")
