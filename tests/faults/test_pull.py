"""Pulls from the loopback server and from folders: what was there is only replaced by what is whole and read."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from cptsgeo.sources import pull as pulling
from cptsgeo.sources.catalogue import Source, sources
from cptsgeo.sources.mirror import write_mirror
from cptsgeo.sources.pull import pull
from cptsgeo.sources.status import banner, status, verify
from cptsgeo.sources.store import clear, data_folder, read_record, resolve
from tests.faults.conftest import QUICK, Server, whole

HEADER = "REG;Région;DEP;CODARR;CODCAN;CODCOM;COM;Commune;PMUN;PCAP;PTOT"


def edition(count: int = 50, inhabitants: int = 10) -> bytes:
    rows = [f"84;X;01;1;01;{n:03};01{n:03};Commune {n};{inhabitants};1;{inhabitants + 1}" for n in range(1, count + 1)]
    return ("\r\n".join([HEADER, *rows]) + "\r\n").encode()


def zipped(content: bytes, name: str = "donnees_communes_pop2023.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("donnees_cantons.csv", b"other")
    return buffer.getvalue()


@pytest.fixture
def source(server: Server) -> Source:
    """The source of populations, published by the loopback server."""
    return replace(sources()["populations"], address=server.at("/ensemble.zip"))


def test_a_source_is_unpacked_read_dated_and_recorded(server: Server, source: Source) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    (outcome,) = pull([source], limits=QUICK)
    assert outcome.error is None
    record = read_record("populations")
    assert record == outcome.record
    assert (record.rows, record.dated, record.address) == (50, date(2026, 1, 1), source.address)
    assert resolve("populations").read_bytes() == edition()
    assert verify([source])["ok"].tolist() == [True]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (whole(b"<html>login</html>"), "page web"),
        (whole(zipped(edition())[:300]), "endommagée"),
        (whole(zipped(edition().replace(b"PMUN", b"POP"))), "POP"),
        (whole(zipped(edition(count=40))), "tronqué"),
        (whole(zipped(edition().replace(b";10;", b";ten;"))), "ten"),
        (whole(b"gone", status=404), "404"),
    ],
)
def test_a_wrong_answer_never_replaces_a_good_file(server: Server, source: Source, answer: object, words: str) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    pull([source], limits=QUICK)
    before = read_record("populations")
    server.answers["/ensemble.zip"] = answer
    (outcome,) = pull([source], limits=QUICK)
    assert words in str(outcome.error)
    assert read_record("populations") == before
    assert resolve("populations").read_bytes() == edition()


def test_a_new_edition_takes_the_place_of_the_old_one(server: Server, source: Source) -> None:
    for inhabitants in (10, 20):
        server.answers["/ensemble.zip"] = whole(zipped(edition(inhabitants=inhabitants)))
        pull([source], limits=QUICK)
    assert resolve("populations").read_bytes() == edition(inhabitants=20)
    assert len([path for path in (data_folder() / "populations").iterdir() if path.is_dir()]) == 1


def test_one_failure_leaves_the_others(server: Server, source: Source) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    missing = replace(sources()["epci"], address=server.at("/absent.xlsx"))
    good, bad = pull([source, missing], limits=QUICK)
    assert good.error is None
    assert bad.record is None
    assert read_record("epci") is None


def test_two_pulls_at_once_wait_for_each_other(server: Server, source: Source) -> None:
    def slow(request: object, count: int) -> None:
        time.sleep(0.2)
        whole(zipped(edition()))(request, count)

    server.answers["/ensemble.zip"] = slow
    results: list[object] = []
    threads = [threading.Thread(target=lambda: results.extend(pull([source], limits=QUICK))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert [outcome.error for outcome in results] == [None, None]
    assert verify([source])["ok"].tolist() == [True]


def test_a_crash_before_the_record_leaves_the_old_pull(
    server: Server, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    pull([source], limits=QUICK)
    server.answers["/ensemble.zip"] = whole(zipped(edition(inhabitants=99)))

    def crash(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    before = read_record("populations")
    with monkeypatch.context() as patched:
        patched.setattr("cptsgeo.sources.store.json.dumps", crash)
        with pytest.raises(KeyboardInterrupt):
            pull([source], limits=QUICK)
    assert read_record("populations") == before
    assert resolve("populations").read_bytes() == edition()
    pull([source], limits=QUICK)
    assert resolve("populations").read_bytes() == edition(inhabitants=99)


def test_a_mirror_folder_goes_round(server: Server, source: Source, tmp_path: Path) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    pull([source], limits=QUICK)
    assert write_mirror(tmp_path / "usb", [source]) == ["populations"]
    record = read_record("populations")
    clear("populations")
    assert resolve("populations") is None
    (outcome,) = pull([source], mirror=str(tmp_path / "usb"), limits=QUICK)
    assert outcome.record.files == record.files
    assert len(server.asked) == 1
    copy = tmp_path / "usb" / "populations" / "donnees_communes_pop2023.csv"
    copy.write_bytes(copy.read_bytes() + b"\r\n")
    (outcome,) = pull([source], mirror=str(tmp_path / "usb"), limits=QUICK)
    assert "SHA-256" in str(outcome.error)


def test_a_mirror_server_serves_by_its_index(server: Server, source: Source) -> None:
    index = {"sources": {"populations": {"files": [{"name": "pop2022.csv", "sha256": ""}]}}}
    server.answers["/m/index.json"] = whole(json.dumps(index).encode())
    server.answers["/m/populations/pop2022.csv"] = whole(edition())
    (outcome,) = pull([source], mirror=server.at("/m/"), limits=QUICK)
    assert outcome.record.dated == date(2025, 1, 1)
    del server.answers["/m/index.json"]
    server.answers[f"/m/populations/{source.file}"] = whole(edition(60))
    (outcome,) = pull([source], mirror=server.at("/m"), limits=QUICK)
    assert outcome.record.rows == 60


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "a\0b", "a" * 300, "é" * 200])
def test_an_index_that_names_paths_is_refused(source: Source, tmp_path: Path, name: str) -> None:
    mirror = tmp_path / "usb"
    mirror.mkdir()
    (mirror / "index.json").write_text(json.dumps({"sources": {"populations": {"files": [{"name": name}]}}}))
    (outcome,) = pull([source], mirror=str(mirror), limits=QUICK)
    assert "nom de fichier" in str(outcome.error)


def test_a_link_that_leads_outside_the_mirror_is_refused(source: Source, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(edition())
    folder = tmp_path / "usb" / "populations"
    folder.mkdir(parents=True)
    (folder / "pop2023.csv").symlink_to(secret)
    (outcome,) = pull([source], mirror=str(tmp_path / "usb"), limits=QUICK)
    assert "lien" in str(outcome.error)


def test_a_paged_layer_comes_whole(server: Server) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"nom_cpts": f"CPTS {n}", "etat": "ACI", "date_maj": "2026-10-01"},
            "geometry": None,
        }
        for n in range(7)
    ]

    def page(request: object, count: int) -> None:
        query = dict(pair.split("=") for pair in request.path.partition("?")[2].split("&"))
        begin, size = int(query["startIndex"]), int(query["count"])
        answer = {"type": "FeatureCollection", "numberMatched": 7, "features": features[begin : begin + size]}
        whole(json.dumps(answer).encode(), kind="application/json")(request, count)

    server.answers["/wfs"] = page
    layer = replace(sources()["cpts-national"], address=server.at("/wfs?service=WFS"))
    from cptsgeo.sources import wfs

    original = wfs.fetch_layer
    pulling.fetch_layer = lambda *arguments, **named: original(*arguments, page=3, **named)
    try:
        (outcome,) = pull([layer], limits=QUICK)
    finally:
        pulling.fetch_layer = original
    assert outcome.error is None
    assert outcome.record.rows == 7
    assert outcome.record.dated == date(2026, 10, 1)
    assert len(server.asked) == 3


def test_age_is_that_of_the_content_and_the_alarm_rings(server: Server, source: Source) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    pull([source], limits=QUICK)
    day = date(2026, 1, 1) + timedelta(days=source.rhythm)
    table = status([source], day)
    assert table[["state", "age_days"]].to_numpy().tolist() == [["fresh", source.rhythm]]
    assert banner(["populations"], day) == ""
    later = day + timedelta(days=1)
    assert status([source], later)["state"].tolist() == ["late"]
    assert "n’est plus à jour" in banner(["populations"], later)


def test_the_frozen_finess_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "usb" / "finess"
    folder.mkdir(parents=True)
    line = ";".join(["structureet", "010000024", "010780054", "CH", "", *[""] * 7, "451", "01", *[""] * 18])
    (folder / "f.csv").write_text(f"finess;etalab;111;2026-05-12\n{line}\n")
    finess = sources()["finess"]
    (outcome,) = pull([finess], mirror=str(tmp_path / "usb"), limits=QUICK)
    assert outcome.error is None
    table = status([finess], date(2026, 9, 2))
    assert table["state"].tolist() == ["late"]
    assert "finess-plus" in table["note"].iloc[0]
    assert table["age_days"].tolist() == [113]


def test_a_changed_file_is_found(server: Server, source: Source) -> None:
    server.answers["/ensemble.zip"] = whole(zipped(edition()))
    pull([source], limits=QUICK)
    path = resolve("populations")
    path.write_bytes(path.read_bytes().replace(b"Commune 1;", b"Commune X;"))
    assert verify([source])["ok"].tolist() == [False]
    path.unlink()
    with pytest.raises(OSError, match="data pull populations"):
        resolve("populations")


def test_a_source_without_address_says_where_to_find_it() -> None:
    (outcome,) = pull([sources()["apl"]], limits=QUICK)
    assert "--mirror" in str(outcome.error)
    assert sources()["apl"].page in str(outcome.error)


def test_the_command_line_ends_with_1_on_a_late_source(run: object, tmp_path: Path) -> None:
    folder = tmp_path / "usb" / "populations"
    folder.mkdir(parents=True)
    (folder / "donnees_communes_pop2019.csv").write_bytes(b"REG;DEP;COM;PMUN;PCAP;PTOT\r\n84;01;01001;779;19;798\r\n")
    assert run("data", "pull", "--mirror", tmp_path / "usb").code == 0
    late = run("data", "status", "-f", "csv")
    assert late.code == 1
    assert "populations,Populations de référence des communes,late,2022-01-01" in late.out
    assert run("data", "verify").code == 0
    assert run("data", "mirror", tmp_path / "copy").code == 0
    assert (tmp_path / "copy" / "index.json").is_file()
    assert run("data", "clear", "populations").code == 0
    assert run("data", "status", "populations").code == 0
    assert run("data", "pull", "nothing-so-named").code == 2
    assert run("data", "mirror", tmp_path / "copy2").code == 2


def test_no_module_is_imported_from_the_network_for_help() -> None:
    code = "import sys; import cptsgeo.cli.root; assert not {'httpx', 'pandas', 'ijson'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=60)
