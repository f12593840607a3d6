"""The gate: people planted in every input and field are in no byte that is written, and a kit that holds one is thrown away."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime
from html import escape
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pypdfium2
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from cptsgeo.access_tables import BEFORE
from cptsgeo.communes import embedded_communes
from cptsgeo.crisis import Kit, write_kit
from cptsgeo.errors import DataError, FileError
from cptsgeo.optout import identifier, new_register, write_register
from cptsgeo.privacy import Withheld, gate, withheld_row
from cptsgeo.study import Inputs
from tests.browser import open_table

NOW = datetime(2026, 9, 30, 12)
PERSON = {"name": "Dr Camille Retrait-Éloigné", "phone": "0596 11 11 11", "rpps": "10123456789"}
EMAIL = "c.retrait@example.org"
WITHHELD = withheld_row(PERSON | {"email": EMAIL}, "liste.csv, ligne 7")
REGISTER = new_register().with_identifier(identifier(PERSON["rpps"]), date(2026, 1, 1))
NAME = PERSON["name"]


def page(value: str) -> str:
    return f"<html><body>{value}</body></html>"


def block(value: str, pack: Callable[[bytes], bytes]) -> str:
    text = "x" * 40 + json.dumps({"columns": {"name": ["Autre", value]}}, ensure_ascii=False)
    return page('{"deflate":"' + base64.b64encode(pack(text.encode())).decode() + '"}')


def codec_block(value: str) -> str:
    import geopandas as gpd
    import shapely

    from cptsgeo.maps.codec import Block, data_block, encode
    from cptsgeo.maps.topology import build_topology

    topology = build_topology(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=4326), (0.0,), 16)
    return page(data_block("d", encode(Block((topology,), {"c:name": [value]}))))


WRITINGS: dict[str, Callable[[str], str]] = {
    "as it is": page,
    "escaped": lambda value: page(escape(value).replace("C", "&#67;").replace(" ", "&nbsp;")),
    "JSON escapes": lambda value: page(json.dumps(value)),
    "script escapes": lambda value: page("".join(f"\\u{ord(c):04x}" for c in value)),
    "between tags": lambda value: page(value.replace(" ", "</b> <i>")),
    "inside tags": lambda value: page(f'<a title="{value}">x</a>'),
    "percent": lambda value: page("".join(f"%{byte:02X}" for byte in value.encode())),
    "deflated": lambda value: block(value, zlib.compress),
    "gzipped": lambda value: block(value, gzip.compress),
    "base64": lambda value: block(value, bytes),
    "twice base64": lambda value: block(base64.b64encode(("y " * 30 + value).encode()).decode(), zlib.compress),
    "block of the codec": codec_block,
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize(
    "value",
    [
        *[NAME, "RETRAIT-ELOIGNE Camille", "camille retrait éloigné", "Camille\u200b Retrait\u00a0Éloigné"],
        *[
            PERSON["rpps"],
            "101 234 567 89",
            "101–234  567_89",
            "c.\u200bretrait＠example.org",
            EMAIL,
            EMAIL.upper(),
            "0596111111",
            "+596 596 11 11 11",
            "05.96.11-11/11",
            "05 – 96 – 11 – 11 – 11",
        ],
    ],
)
def test_the_gate_finds_every_writing_of_a_person(tmp_path: Path, writing: str, value: str) -> None:
    (tmp_path / "index.html").write_text(WRITINGS[writing](value), encoding="utf-8")
    with pytest.raises(DataError, match="ne doit pas être montré") as error:
        gate(tmp_path, WITHHELD, REGISTER)
    assert "liste.csv, ligne 7" in str(error.value) or "au registre des oppositions" in str(error.value)
    assert "amille" not in str(error.value)


@pytest.mark.parametrize("writing", WRITINGS)
def test_the_gate_lets_others_through(tmp_path: Path, writing: str) -> None:
    for number, value in enumerate(
        ["Camille Autre", "Retrait", "10123456780", "0596 11 11 12", "d.retrait@example.org"]
    ):
        (tmp_path / f"{number}.html").write_text(WRITINGS[writing](value), encoding="utf-8")
    gate(tmp_path, WITHHELD, REGISTER)


def test_the_gate_looks_into_archives_databases_and_names_of_files(tmp_path: Path) -> None:
    def caught(name: str, write: Callable[[Path], object]) -> bool:
        folder = tmp_path / name.replace("/", "_")
        folder.mkdir()
        write(folder / name)
        try:
            gate(folder, WITHHELD, REGISTER)
        except DataError:
            return True
        return False

    def inner(path: Path) -> None:
        with zipfile.ZipFile(path.with_suffix(".in"), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.txt", NAME)
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(path.with_suffix(".in"), "inner.zip")
        path.with_suffix(".in").unlink()

    def database(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("create table notes (texte text)")
            connection.execute("insert into notes values (?)", ("x" * 9000 + " " + NAME,))
        connection.close()

    assert caught("t.xlsx", lambda path: pd.DataFrame({"nom": [NAME]}).to_excel(path))
    assert caught("t.zip", inner)
    assert caught("t.gpkg", database)
    assert caught("0596111111.csv", lambda path: path.write_text("rien"))
    for name in ("t.pdf", "t.xlsx", "t.gpkg", "t.png"):
        assert caught(f"damaged.{name}", lambda path: path.write_bytes(b"%PDF-1.7 PK rien"))
    assert not caught("rien.csv", lambda path: path.write_text("rien"))


def written_on_paper(*lines: str, picture: bool = False) -> bytes:
    """A page with lines of nine letters: names and numbers are cut over two or three of them."""
    file = io.BytesIO()
    canvas = Canvas(file)
    pieces = [line[at : at + 9] for line in lines for at in range(0, len(line), 9)]
    for at, piece in enumerate(pieces):
        canvas.drawString(50, 800 - 14 * at, piece)
    if picture:
        canvas.drawInlineImage(Image.new("RGB", (4, 4)), 10, 10)
    canvas.save()
    return file.getvalue()


@pytest.mark.parametrize(
    "value", [NAME, "RETRAIT-ELOIGNE Camille", PERSON["rpps"], "101 234 567 89", EMAIL, "0596111111", "05 96 11 11 11"]
)
def test_the_gate_reads_paper_though_lines_are_broken(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.pdf").write_bytes(written_on_paper("Annuaire", value))
    with pytest.raises(DataError, match="ne doit pas être montré"):
        gate(tmp_path, WITHHELD, REGISTER)


def test_paper_that_names_nobody_passes_and_a_picture_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(written_on_paper("Camille Autre", "0596 11 11 12"))
    gate(tmp_path, WITHHELD, REGISTER)
    (tmp_path / "a.pdf").write_bytes(written_on_paper("Camille Autre", picture=True))
    with pytest.raises(DataError, match="ne peut pas être fouillé"):
        gate(tmp_path, WITHHELD, REGISTER)


def test_an_identifier_of_the_register_is_found_without_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"note\nvoir RPPS {PERSON['rpps']}\n")
    with pytest.raises(DataError, match="registre des oppositions"):
        gate(tmp_path, Withheld(), REGISTER)


ROWS = [
    {
        "resource_id": "P1",
        "kind": "nurse",
        "name": "Dr Alix Restante",
        "insee_code": "97209",
        "mobile": "0696 33 33 33",
    },
    {"resource_id": "S1", "kind": "shelter", "name": "Abri", "insee_code": "97209", "phone": "0596 44 44 44"},
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Martinique alone, one CPTS: a kit in a second."""
    folder = tmp_path_factory.mktemp("small")
    communes = embedded_communes()
    communes[communes["departement_code"] == "972"].to_csv(folder / "communes.csv", index=False)
    (folder / "cpts.csv").write_text("cpts_name,insee_code\nCPTS Essai,97209\n")
    return Inputs(communes=(folder / "communes.csv",), perimeters=folder / "cpts.csv")


@pytest.fixture
def build(tmp_path: Path, small: Inputs):
    write_register(REGISTER, tmp_path / "register.json")

    def build(
        rows: list[dict[str, str]], *, audience: str = "public", ending: str = "csv", output: str = "kit"
    ) -> Path:
        path = tmp_path / f"r.{ending}"
        table = pd.DataFrame(rows, dtype="str").fillna("")
        if ending == "csv":
            table.to_csv(path, index=False)
        else:
            table.to_excel(path, index=False)
        kit = Kit((path,), tmp_path / "register.json", audience, "Essai", inputs=small)
        write_kit(kit, tmp_path / output, now=NOW, overwrite=True)
        return tmp_path / output

    return build


def everything(folder: Path) -> bytes:
    """Read all bytes of a kit, its page's blocks inflated and its paper read."""
    content = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    paper = pypdfium2.PdfDocument(folder / "annuaire.pdf")
    content += "\n".join(page.get_textpage().get_text_bounded() for page in paper).encode()
    paper.close()
    for part in (folder / "index.html").read_text(encoding="utf-8").split('"deflate":"')[1:]:
        content += zlib.decompress(base64.b64decode(part.split('"')[0]))
    return content


FIELDS = (
    "resource_id",
    "name",
    "email",
    "opening",
    "source",
    "status_source",
    "unit",
    "phone",
    "rpps",
    "inconnue",
    "updated_at",
)
NUMBERS = (
    PERSON["rpps"],
    "101  2345 6789",
    "101–2345–6789",
    "101_2345_6789",
    "101\u200b23456789",
    "１０１２３４５６７８９",
)


PLANTED = [
    {"resource_id": f"planted-{rank}9", "kind": "nurse", "insee_code": "97209", "mobile": "0696 55 55 55"}
    | PERSON
    | {"rpps": ""}
    | {field: f"Retrait {written}"}
    for rank, (field, written) in enumerate(product(FIELDS, NUMBERS))
]
"""One row per field and per writing of the number, each naming the person in that field alone."""
SECRETS = ("Retrait", "10123456789", "2345 6789", "11 11 11", "55 55 55", "planted-09", "planted-49")


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_planted_people_are_in_no_byte(build, ending: str) -> None:
    content = everything(build([*ROWS, *PLANTED], ending=ending))
    for secret in SECRETS:
        assert secret.encode() not in content, secret
    assert b"Dr Alix Restante" in content


@pytest.mark.browser
@pytest.mark.parametrize("audience", ["public", "cellule_de_crise"])
def test_the_browser_shows_no_planted_person(build, open_page: Callable[..., Any], audience: str) -> None:
    """In the panel, on every card, in the whole directory, in its file, and in what the search finds."""
    page = open_page(build([*ROWS, *PLANTED], audience=audience) / "index.html")
    said = [page.locator("body").inner_text()]
    for row in range(page.evaluate("cptsgeo.crisis.states.length")):
        page.evaluate(f"cptsgeo.crisis.select({row})")
        said.append(page.locator("#cz-card").inner_text())
    open_table(page)
    page.evaluate("cptsgeo.crisis.table.printAll(true)")
    said.append(page.locator("#cg-table-body").inner_text())
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    said.append(download.value.path().read_text(encoding="utf-8-sig"))
    for words in ("retrait", "camille", PERSON["rpps"], "0596 11 11 11"):
        page.locator("#cg-search").fill(words)
        page.wait_for_timeout(300)
        said.append(page.locator("#cg-results").inner_text())
    for secret in SECRETS:
        assert secret not in "\n".join(said), secret
    assert "Dr Alix Restante" in said[1] + said[2]
    assert ("0696 33 33 33" in "\n".join(said).replace("06 96", "0696")) == (audience == "cellule_de_crise")


@pytest.mark.parametrize("field", ["name", "source"])
def test_a_row_that_repeats_a_person_fails_the_build_and_leaves_nothing(build, tmp_path: Path, field: str) -> None:
    person = {"resource_id": "X9", "kind": "nurse", "insee_code": "97209", "email": EMAIL} | PERSON
    echo = ROWS[1] | {"resource_id": "S2", field: "demander Retrait Éloigné, Camille"}
    with pytest.raises(DataError, match="ne doit pas être montré"):
        build([*ROWS, person, echo])
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("echo", ["voir Camille Retrait", "RETRAIT, Camille", "Dr Camille Marie Retrait"])
def test_a_second_first_name_left_out_hides_nobody(build, echo: str) -> None:
    person = {"resource_id": "X9", "kind": "nurse", "insee_code": "97209"} | PERSON | {"name": "Camille Marie Retrait"}
    with pytest.raises(DataError, match="le nom de la personne de"):
        build([*ROWS, person, ROWS[1] | {"resource_id": "S2", "opening": echo}])


@pytest.mark.parametrize("written", ["596111111", "596111111.0", "0596111111"])
def test_a_number_that_lost_its_zero_is_withheld_too(build, written: str) -> None:
    person = {"resource_id": "X9", "kind": "nurse", "insee_code": "97209"} | PERSON | {"phone": written}
    with pytest.raises(DataError, match="un numéro de téléphone de"):
        build([*ROWS, person, ROWS[1] | {"resource_id": "S2", "phone": "05 96 11 11 11"}])


def test_who_vanishes_from_the_extract_vanishes_from_the_kit(build) -> None:
    assert b"Alix Restante" in everything(build(ROWS))
    assert b"Alix Restante" not in everything(build(ROWS[1:]))


def test_mobiles_and_reserved_places_are_for_the_cell_only(build) -> None:
    reserved = {"resource_id": "H1", "kind": "helipad", "name": "Hélisurface cachée", "insee_code": "97209"}
    rows = [*ROWS, reserved | {"visibility": "cellule_de_crise"}]
    public = everything(build(rows))
    assert b"33 33 33" not in public
    assert "Hélisurface cachée".encode() not in public
    assert b"ne pas diffuser" not in public
    cell = everything(build(rows, audience="cellule_de_crise"))
    assert b"06 96 33 33 33" in cell
    assert "Hélisurface cachée".encode() in cell
    assert b"CELLULE DE CRISE" in cell


def test_nothing_is_built_without_the_register(build, tmp_path: Path, run) -> None:
    build(ROWS)
    (tmp_path / "register.json").write_text("{}")
    with pytest.raises(FileError, match="inutilisable"):
        build(ROWS, output="other")
    assert not (tmp_path / "other").exists()
    result = run("crisis", "--resources", tmp_path / "r.csv", "--title", "x", "-o", tmp_path / "other")
    assert result.code == 2
    assert "--optout" in result.err


def test_the_command_writes_a_kit_and_the_same_bytes_twice(build, tmp_path: Path, run) -> None:
    first = everything(build(ROWS))
    assert first == everything(build(ROWS))
    result = run(
        "crisis",
        "--resources",
        tmp_path / "r.csv",
        "--optout",
        tmp_path / "register.json",
        "--title",
        "Essai",
        "-o",
        tmp_path / "k2",
    )
    assert (result.code, result.out) == (0, "")
    assert "2 ressources ; 0 ligne écartée" in result.err
    assert sorted(path.name for path in (tmp_path / "k2").iterdir()) == [
        *(f"{name}.csv" for name in sorted(BEFORE)),
        "annuaire.pdf",
        "index.html",
        *(f"resources.{end}" for end in ("csv", "geojson", "gpkg", "gpx", "kml")),
    ]
    refused = run(
        "crisis",
        "--resources",
        tmp_path / "r.csv",
        "--optout",
        tmp_path / "register.json",
        "--title",
        "Essai",
        "-o",
        tmp_path / "k3",
        "--close-exposed",
    )
    assert refused.code == 2
    assert "invente des statuts" in refused.err
