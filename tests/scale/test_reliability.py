"""What is published stays whole: runs that are killed, two at once, folders that cannot be written, many in a row."""

from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zipfile
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
from cptsgeo.sources.store import sha256
from cptsgeo.study import Inputs
from tests.scale.test_unreadable import AS_ANYBODY, kept_out

MOMENTS = int(os.environ.get("CPTSGEO_KILLS", "1"))
BUILDS = int(os.environ.get("CPTSGEO_BUILDS", "1"))
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


KILL_AT = """
import os, signal, sys
left, folder = int(sys.argv[1]), sys.argv[2]
WRITING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile", "shutil.rmtree", "os.truncate"}

def hook(event, arguments):
    global left
    writes = event in WRITING or (event == "open" and isinstance(arguments[1], str) and set("wax+") & set(arguments[1]))
    if writes and str(arguments[0]).startswith(folder):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
from cptsgeo.cli import main
main(sys.argv[3:])
"""
"""Run a command, and kill it before the chosen one of its writes into a folder."""


def killed_at(write: int, folder: Path, words: list[object], tmp_path: Path) -> bool:
    """Tell whether the command was killed: it may have fewer writes than that."""
    child = subprocess.run(
        [sys.executable, "-c", KILL_AT, str(write), str(folder), *map(str, words)],
        env=environment(tmp_path),
        capture_output=True,
    )
    assert child.returncode in {0, -signal.SIGKILL}, child.stderr.decode()
    return child.returncode != 0


def finished(words: list[object], tmp_path: Path) -> None:
    done = subprocess.run(command(*words), env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def half_written(folder: Path) -> list[Path]:
    """List the files that are cut, by what each format ends with; unfinished ones under another name are none."""

    def is_whole(path: Path) -> bool:
        content = path.read_bytes()
        if path.suffix == ".json":
            return bool(json.loads(content))
        if path.suffix in {".xlsx", ".zip"}:
            return zipfile.is_zipfile(path)
        return content.rstrip().endswith(b"</html>") if path.suffix == ".html" else bool(content)

    files = (path for path in folder.rglob("*") if path.is_file())
    return [
        path for path in files if not any(part.startswith(".cptsgeo-") for part in path.parts) and not is_whole(path)
    ]


def test_an_atlas_killed_at_random_writes_is_whole_in_every_file_and_the_next_run_finishes(tmp_path: Path, toy_files):
    target = tmp_path / "site"
    words = ["atlas", "-o", target, *toy_files.options]
    draw = random.Random(1)
    ends = set()
    for moment in range(MOMENTS):
        killed_at(
            draw.choice((draw.randrange(4), draw.randrange(200))),
            target,
            [*words, *(["--stages", "aci_signe"] * (moment % 2))],
            tmp_path,
        )
        assert half_written(target) == []
        finished(words, tmp_path)
        written = json.loads((target / "atlas.json").read_text())["files"]
        present = {path.relative_to(target).as_posix(): sha256(path) for path in target.rglob("*") if path.is_file()}
        assert present.pop("atlas.json")
        assert present == written, "all that the list says, and nothing else"
        ends.add(json.dumps(written, sort_keys=True))
    assert len(ends) == 1, "a killed run changes nothing of what the next one writes"


def test_a_pull_killed_at_random_writes_leaves_the_old_or_the_new_and_the_next_finishes(tmp_path: Path):
    folder, mirror = tmp_path / "data", tmp_path / "mirror" / "populations"
    mirror.mkdir(parents=True)
    words = ["data", "pull", "populations", "--mirror", tmp_path / "mirror"]

    def publish(inhabitants: int) -> bytes:
        rows = [f"84;01;{code:05d};{inhabitants};1;{inhabitants + 1}" for code in range(1001, 1031)]
        content = "\n".join(["REG;DEP;COM;PMUN;PCAP;PTOT", *rows]).encode()
        with zipfile.ZipFile(mirror / "pop2023.zip", "w") as archive:
            archive.writestr("donnees_communes_pop2023.csv", content)
        return content

    def stored() -> bytes | None:
        record = folder / "populations" / "record.json"
        if not record.is_file():
            return None
        (one,) = json.loads(record.read_text())["files"]
        content = (folder / one["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"], "the record says what is there"
        return content

    draw, old = random.Random(2), None
    for moment in range(MOMENTS):
        new = publish(100 + moment)
        killed_at(draw.randrange(22), folder, words, tmp_path)
        assert stored() in {old, new}
        finished(words, tmp_path)
        assert stored() == new
        assert len(list((folder / "populations").iterdir())) == 2, "one version and its record"
        assert [path for path in (folder / ".staging").rglob("*") if path.is_file() and path.suffix != ".lock"] == []
        old = new


SMALL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from cptsgeo.cli import main
main(sys.argv[2:])
"""


@pytest.mark.parametrize("what", ["build", "atlas"] if MOMENTS > 1 else ["build"])
def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path: Path, toy_files, what: str):
    target = tmp_path / "out"
    target.mkdir()
    (target / "README.md").write_text("kept")
    words = [what, "-o", target, *toy_files.options, *(["--embedded", "--no-maps"] if what == "build" else [])]
    done = subprocess.run(
        [sys.executable, "-c", SMALL_DISK, "4000", *map(str, words)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "disque" in done.stderr
    assert (target / "README.md").read_text() == "kept"
    assert half_written(target) == []


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


@pytest.mark.skipif(not kept_out(), reason="root reads and writes everywhere, and setpriv cannot change it here")
@pytest.mark.parametrize("words", [("build", "--no-maps"), ("atlas",), ("sizes",)], ids=lambda words: words[0])
def test_a_read_only_folder_is_said(tmp_path: Path, words: tuple[str, ...]):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    target = closed / ("out.csv" if words[0] == "sizes" else "out")
    try:
        done = subprocess.run(
            [*AS_ANYBODY, *command(*words, "-o", target)], env=environment(tmp_path), capture_output=True, text=True
        )
    finally:
        closed.chmod(0o755)
    assert done.returncode == 1
    assert "écrit (accès refusé)" in done.stderr
    assert str(closed) in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(closed.iterdir())
