"""The manifest: complete, without a time of day, and able to say what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from cptsgeo.errors import DataError
from cptsgeo.manifest import SCHEMA, compare, credit_lines, describe_input, read_manifest
from cptsgeo.sources.catalogue import sources
from cptsgeo.sources.store import Record, data_folder, install
from tests.mirror_of_shared import write_mirror


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPTSGEO_DATA", str(tmp_path / "store"))


def test_a_file_of_the_users_is_described_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "liste.csv"
    path.write_bytes(b"abc")
    described = describe_input(path, "perimeters", rows_read=3, rows_refused=1)
    assert described["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (described["source"], described["rows_read"], described["rows_refused"]) == ("", 3, 1)


def test_comparison_names_each_difference() -> None:
    before = {
        "program": {"version": "1"},
        "parameters": {"scope": "france"},
        "inputs": [{"role": "communes", "path": "a.csv", "sha256": "1" * 64, "dated": "2026-01-01"}],
        "outputs": {"index.html": "x", "tables/a.csv": "y"},
    }
    assert compare(before, before) == []
    after = {
        "program": {"version": "2"},
        "parameters": {"scope": "region=93"},
        "inputs": [{"role": "communes", "path": "a.csv", "sha256": "2" * 64, "dated": "2027-01-01"}],
        "outputs": {"index.html": "x", "tables/a.csv": "z"},
    }
    sentences = compare(before, after)
    assert len(sentences) == 4
    assert "2027-01-01" in sentences[2]
    assert "tables/a.csv" in sentences[3]
    assert "index.html" not in sentences[3]


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    described = {"role": "cpts", "path": "a.csv", "source": "", "sha256": "0" * 64}
    undated = {
        **{"schema": SCHEMA, "program": {"version": "1"}, "outputs": {}, "inputs": [described]},
        "parameters": {"arguments": [], "language": "fr"},
    }
    path.write_text(json.dumps(undated | {"inputs": [described | {"dated": None}]}))
    assert read_manifest(path)["inputs"][0]["dated"] is None
    for text in ("not json", "[]", '{"schema": 99}', json.dumps(undated)):
        path.write_text(text)
        with pytest.raises(DataError, match="manifeste"):
            read_manifest(path)


def test_a_build_is_replayed_or_says_which_input_changed(tmp_path: Path, toy_files: object, run: Callable) -> None:
    build = run("build", *toy_files.options, "--no-maps", "-o", tmp_path / "out")
    assert build.code == 0, build.err
    manifest = read_manifest(tmp_path / "out" / "manifest.json")
    roles = {described["role"] for described in manifest["inputs"]}
    assert {"communes", "contours", "perimeters", "cpts"} <= roles
    assert manifest["parameters"]["scope"] == "departement=04,05,26"
    assert set(manifest["outputs"]) == {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*.*")
        if path.name != "manifest.json"
    }
    again = run("replay", tmp_path / "out" / "manifest.json")
    assert again.code == 0, again.err
    assert "octet pour octet" in again.err
    toy_files.communes.write_bytes(toy_files.communes.read_bytes().replace(b"30000", b"30001"))
    changed = run("replay", tmp_path / "out" / "manifest.json")
    assert changed.code == 1
    assert "communes" in changed.err
    assert "le contenu a changé" in changed.err
    toy_files.communes.unlink()
    assert "n’est plus là" in run("replay", tmp_path / "out" / "manifest.json").err


def test_a_pulled_source_is_judged_on_the_day_of_the_build(
    tmp_path: Path, toy_files: object, run: Callable, computed_once: None
) -> None:
    """A source that is late since the last build gets a new one; a replay judges on the day of the manifest."""
    source = sources()["density"]
    staged = tmp_path / "density.csv"
    codes = pd.read_csv(toy_files.communes, dtype="str")["insee_code"]
    staged.write_text(
        "insee_code,niveau_densite\n" + "".join(f"{code},Bourgs ruraux\n" for code in codes), encoding="utf-8"
    )
    install(source, [staged], Record(source.name, "usb", "density.csv", date(2024, 2, 1), date(2024, 1, 1), 1, (), ()))
    index, manifest = (tmp_path / "out" / name for name in ("index.html", "manifest.json"))
    late = date(2024, 1, 1) + timedelta(days=source.rhythm + 1)

    def build_again(*options: str) -> str:
        built = run("build", *toy_files.options, "--no-maps", "--overwrite", "-o", tmp_path / "out", *options)
        assert built.code == 0, built.err
        return built.err

    build_again("--as-of", "2024-02-02")
    assert "rien n’est reconstruit" in build_again("--as-of", "2024-02-02")
    assert "n’est plus à jour" not in index.read_text(encoding="utf-8")
    told = build_again("--as-of", late.isoformat())
    assert "n’est plus à jour" in told
    assert "rien n’est reconstruit" not in told
    assert "n’est plus à jour" in index.read_text(encoding="utf-8")
    replayed = run("replay", manifest)
    assert replayed.code == 0, replayed.err
    build_again()
    assert date.today().isoformat() in read_manifest(manifest)["parameters"]["arguments"]


@pytest.mark.real_data
def test_a_mirror_of_the_real_data_serves_a_build(
    shared: Path, tmp_path: Path, run: Callable, computed_once: None
) -> None:
    mirror = write_mirror(shared, tmp_path / "usb")
    wanted = (
        "populations",
        "populations-mayotte",
        "density",
        "admin-express",
        "arrondissements-municipaux",
        "cpts-paca",
    )
    pulled = run("data", "pull", *wanted, "--mirror", mirror)
    assert pulled.code == 0, pulled.err
    build = run("build", "--no-maps", "-o", tmp_path / "out")
    assert build.code == 0, build.err
    assert "961 unités, 71 CPTS" in build.err
    assert "98,7" in build.err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {described["source"] for described in manifest["inputs"]} == set(wanted)
    assert all(described["path"].startswith(str(data_folder())) for described in manifest["inputs"])
    assert manifest["parameters"]["scope"] == "region=93"
    members = next(described for described in manifest["inputs"] if described["role"] == "perimeters")
    assert (members["rows_read"], members["rows_matched"], members["rows_refused"]) == (921, 915, 6)
    assert len(credit_lines(manifest)) == len(wanted)
    again = run("replay", tmp_path / "out" / "manifest.json")
    assert again.code == 0, again.err
