"""What is published stays whole: runs that are killed, two at once, folders that cannot be written, many in a row."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cptsgeo import files
from cptsgeo.build import build, is_up_to_date
from cptsgeo.errors import FileError
from cptsgeo.files import one_writer, whole_folder
from cptsgeo.manifest import hash_outputs, read_manifest
from cptsgeo.scope import parse_scope
from cptsgeo.study import Inputs

MOMENTS = int(os.environ.get("CPTSGEO_KILLS", "1"))
BUILDS = int(os.environ.get("CPTSGEO_BUILDS", "2"))
ROOT = Path(__file__).parents[2]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "cptsgeo", *map(str, words)]


def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "CPTSGEO_CACHE": str(tmp_path / "cache"),
        "CPTSGEO_DATA": str(tmp_path / "data"),
    }


def killed_after(seconds: float, words: list[str], tmp_path: Path) -> None:
    child = subprocess.Popen(words, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_a_build_killed_at_random_moments_leaves_what_was_published_and_the_next_finishes(tmp_path: Path, toy_files):
    target = tmp_path / "out"
    words = command("build", "-o", target, "--overwrite", "--no-maps", "--embedded", *toy_files.options)
    begin = time.perf_counter()
    subprocess.run(words, env=environment(tmp_path), check=True, capture_output=True)
    whole = time.perf_counter() - begin
    before = hash_outputs(target)
    draw = random.Random(0)
    for _moment in range(MOMENTS):
        (target / "tables" / "sizes.csv").touch()
        killed_after(draw.uniform(0.3, 1.1) * whole, [*words, "--stages", "aci_signe"], tmp_path)
        assert hash_outputs(target) == read_manifest(target / "manifest.json")["outputs"], "old or new, never half"
        subprocess.run(words, env=environment(tmp_path), check=True, capture_output=True)
        after = hash_outputs(target)
        assert {k for k in before if after.get(k) != before[k]} == set()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_an_atlas_killed_before_its_end_is_finished_by_the_next(tmp_path: Path, monkeypatch):
    from cptsgeo.atlas.output import site_folder

    def killed() -> None:
        with site_folder(tmp_path / "site") as site:
            site.write("a.html", "a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    with site_folder(tmp_path / "site") as site:
        site.write("a.html", "a")
        site.write("b.html", "b")
    assert site.unchanged == ["a.html"]
    assert site.written == ["b.html"]


def test_two_runs_at_once_in_one_folder_are_refused_and_leave_no_lock(tmp_path: Path):
    with one_writer(tmp_path / "out"):
        with pytest.raises(FileError, match="dossier"), whole_folder(tmp_path / "out", overwrite=False):
            pytest.fail("two runs write at once")
        with whole_folder(tmp_path / "other", overwrite=False) as folder:
            (folder / "index.html").write_text("")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    with whole_folder(tmp_path / "out", overwrite=False):
        pass


def test_what_a_killed_run_left_is_taken_away_and_that_of_others_is_not(tmp_path: Path):
    with whole_folder(tmp_path / "out", overwrite=False) as folder:
        begin = folder.parent.name[:18]
    for stale in (f"{begin}dead", ".cptsgeo-another"):
        (tmp_path / stale / "new").mkdir(parents=True)
    with whole_folder(tmp_path / "out", overwrite=True):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cptsgeo-another", "out"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_is_replaced_with_or_without_an_exchange(tmp_path: Path, monkeypatch, at_once: bool):
    if not at_once:
        monkeypatch.setattr(files, "_exchanged", lambda one, other: False)
    for text in ("old", "new"):
        with whole_folder(tmp_path / "out", overwrite=True) as folder:
            (folder / "index.html").write_text(text)
    assert (tmp_path / "out" / "index.html").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is of Linux")
def test_on_linux_the_folder_is_never_absent(tmp_path: Path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert files._exchanged(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / "other").exists()
    assert not files._exchanged(tmp_path / "one", tmp_path / "absent")


def test_a_second_build_of_unchanged_inputs_is_not_run(tmp_path: Path, run: Callable, toy_files):
    target = tmp_path / "out"
    words = [
        "build",
        "-o",
        target,
        *toy_files.options,
        "--contours",
        toy_files.contours,
        "--no-maps",
        "--overwrite",
        "--embedded",
    ]
    assert run(*words).code == 0
    stamp = (target / "index.html").stat().st_ino
    again = run(*words)
    assert "rien" in again.err.lower()
    assert (target / "index.html").stat().st_ino == stamp
    inputs = Inputs(
        communes=(toy_files.communes,),
        contours=(toy_files.contours,),
        perimeters=toy_files.perimeters,
        cpts=toy_files.cpts,
        scope=parse_scope("departement=04,05,26"),
    )
    assert is_up_to_date(inputs, target, with_maps=False)
    assert not is_up_to_date(inputs, target, with_maps=True)
    assert not is_up_to_date(replace(inputs, stages=("aci_signe",)), target, with_maps=False)
    assert not is_up_to_date(replace(inputs, area_weighting=True), target, with_maps=False), "in no manifest"
    assert not is_up_to_date(inputs, tmp_path, with_maps=False)
    for path, text in ((target / "index.html", "by hand"), (toy_files.cpts, "cpts_id,cpts_name,stage\n")):
        kept = path.read_bytes()
        path.write_text(text)
        assert not is_up_to_date(inputs, target, with_maps=False)
        path.write_bytes(kept)
    assert is_up_to_date(inputs, target, with_maps=False)
    os.utime(target / "manifest.json", (0, 0))
    assert not is_up_to_date(inputs, target, with_maps=False), "the program is newer"


def test_many_builds_in_a_row_leave_neither_memory_nor_files(tmp_path: Path, toy_files):
    inputs = Inputs(
        communes=(toy_files.communes,),
        contours=(toy_files.contours,),
        perimeters=toy_files.perimeters,
        cpts=toy_files.cpts,
        scope=parse_scope("departement=04,05,26"),
    )
    peaks = []
    for _run in range(BUILDS + 1):
        build(inputs, tmp_path / "out", with_maps=False, overwrite=True)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    settled = peaks[min(10, BUILDS - 1)]
    assert peaks[-1] - settled < 60, f"memory grows: {peaks}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "toy"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into every folder")
def test_a_read_only_folder_is_said(tmp_path: Path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(FileError, match="écrit"), whole_folder(tmp_path / "out", overwrite=False):
            pass
    finally:
        tmp_path.chmod(0o755)
