"""The register of objections: what it finds, what it never holds, and that nothing goes on without it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cptsgeo.errors import FileError, UsageError
from cptsgeo.optout import identifier, identifiers_in, new_register, read_register, write_register

RPPS, EMAIL = "10123456789", "marie.exemple@example.org"


@pytest.fixture
def register_path(tmp_path: Path) -> Path:
    path = tmp_path / "oppositions.json"
    register = new_register()
    for text in (RPPS, EMAIL):
        register = register.with_identifier(identifier(text), date(2026, 1, 2))
    write_register(register, path)
    return path


def test_the_register_knows_people_however_they_are_written(register_path: Path) -> None:
    register = read_register(register_path)
    for text in (
        "10123456789",
        "101 2345 6789",
        "810123456789",
        "101.23.45.67.89",
        "RPPS:10123456789;",
        "x 10123456789.0",
        "101  2345 6789",
        "101 - 2345 - 6789",
        "101–2345–6789",
        "101_2345_6789",
        "101\t2345:6789",
        "101\u200b2345\u00ad6789",
        "１０１２３４５６７８９",
        f"{'9' * 37} 101 2345 6789",
    ):
        assert [found.text for found in register.objects(text)] == [RPPS], text
    for text in (
        "Marie.EXEMPLE@example.org",
        "mailto:marie.exemple@example.org",
        "<marie.exemple@example.org>,",
        "marie.\u200bexemple＠example.org",
    ):
        assert [found.text for found in register.objects(text)] == [EMAIL], text
    assert register.objects("10123456780 autre@example.org xmarie.exemple@example.org") == []


def test_the_register_holds_no_identifier_and_two_registers_no_common_hash(register_path: Path) -> None:
    text = register_path.read_text()
    assert RPPS not in text
    assert "exemple" not in text
    one, two = (new_register().with_identifier(identifier(RPPS), date(2026, 1, 1)).entries[0].hash for _ in range(2))
    assert one != two
    assert len(read_register(register_path).with_identifier(identifier(RPPS), date(2026, 1, 1)).entries) == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "il est absent"),
        (lambda path: (path.unlink(), path.mkdir()), "ne peut pas être ouvert"),
        (lambda path: path.write_text(path.read_text()[:-40]), "seulement une partie"),
        (lambda path: path.write_text(""), "pas un registre"),
        (lambda path: path.write_text("[]"), "pas un registre"),
        (lambda path: path.write_text('{"register": 3, "sha256": ""}'), "pas un registre"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "ne peut pas être ouvert"),
        (lambda path: path.write_text(path.read_text().replace("2026-01-02", "2026-01-03", 1)), "modifié à la main"),
    ],
)
def test_a_register_that_cannot_be_trusted_stops_everything(register_path: Path, spoil, words: str) -> None:
    spoil(register_path)
    with pytest.raises(FileError, match=words) as error:
        read_register(register_path)
    assert "rien n’est construit sans lui" in str(error.value)


def test_an_entry_taken_out_by_hand_is_noticed(register_path: Path) -> None:
    content = json.loads(register_path.read_text())
    content["register"]["entries"].pop()
    register_path.write_text(json.dumps(content))
    with pytest.raises(FileError, match="modifié à la main"):
        read_register(register_path)


@pytest.mark.parametrize("text", ["", "1012345678", "Marie", "marie@", "1012345678901", "0596 00 00 01"])
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="ni un numéro RPPS ni une adresse"):
        identifier(text)


def test_digits_glued_to_others_are_still_found() -> None:
    assert RPPS in {found.text for found in identifiers_in(f"0596 00 00 01 {RPPS} 97200")}


def test_coordinates_to_the_last_bit_are_no_identifiers() -> None:
    assert list(identifiers_in("[-61.054319999999997,14.600000000000001]")) == []
    assert [found.text for found in identifiers_in("101.23456789")] == [RPPS]


def test_commands(run, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    missing = run("optout", "add", "--register", path, RPPS)
    assert missing.code == 1
    assert "il est absent" in missing.err
    assert not path.exists()
    assert run("optout", "add", "--create", "--register", path, RPPS, EMAIL).code == 0
    assert run("optout", "add", "--create", "--register", path, RPPS).code == 2
    assert "0 identifiants ajoutés" in run("optout", "add", "--register", path, RPPS).err.replace(
        "0 identifiant ", "0 identifiants "
    ).replace("ajouté ", "ajoutés ")
    known = run("optout", "check", "--register", path, RPPS)
    assert (known.code, known.out) == (0, "1\tau registre\n")
    mixed = run("optout", "check", "--register", path, RPPS, "autre@example.org")
    assert (mixed.code, mixed.out) == (1, "1\tau registre\n2\tpas au registre\n")
    listed = run("optout", "list", "--register", path, "-f", "csv")
    assert listed.out.splitlines()[0] == "kind,added,hash"
    assert [line.split(",")[0] for line in listed.out.splitlines()[1:]] == ["rpps", "email"]
    assert RPPS not in listed.out
