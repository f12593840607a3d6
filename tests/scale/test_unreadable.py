"""Every reader says in words what the system does not let it read: a file or a folder that is closed, absent, or the other one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import pytest

from cptsgeo.errors import FileError
from tests.scale.readers import READERS

ROOT = Path(__file__).parents[2]
PLACED_FIRST = {"archive zip", "archive 7z", "mirror index", "record of a pull"}
"""Readers whose file the tests put elsewhere before they read it."""
NAMES = [name for name in READERS if name not in PLACED_FIRST]
AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Words that run a command without the power of root to read and write where nobody may."""


def kept_out() -> bool:
    """Tell whether a command can be run that closed files keep out."""
    try:
        return subprocess.run([*AS_ANYBODY, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def refused(name: str, path: Path) -> str:
    """Return what is wrong with the refusal of a path; nothing where it is a FileError that names the file, or its folder."""
    try:
        READERS[name].read(path)
    except FileError as error:
        return "" if path.name in error.where or path.parent.name in error.where else f"no file is named: {error}"
    except BaseException:
        return traceback.format_exc()
    return "it was read"


def all_refused() -> dict[str, str]:
    """Try every reader in every way; return what is wrong, by reader and way."""
    wrong = {}
    for name in NAMES:
        with tempfile.TemporaryDirectory() as place:
            os.environ["CPTSGEO_DATA"] = f"{place}/data"
            path = Path(place) / "closed" / READERS[name].file
            path.parent.mkdir()
            READERS[name].write(path)
            for way, closed, open_mode in (("closed file", path, 0o644), ("closed folder", path.parent, 0o755)):
                closed.chmod(0)
                wrong[f"{name}, {way}"] = refused(name, path)
                closed.chmod(open_mode)
            path.unlink()
            wrong[f"{name}, absent"] = refused(name, path)
            path.mkdir()
            wrong[f"{name}, folder"] = refused(name, path)
    return {case: found for case, found in wrong.items() if found}


@pytest.mark.skipif(not kept_out(), reason="root reads and writes everywhere, and setpriv cannot change it here")
def test_a_reader_says_what_the_system_refuses() -> None:
    words = [*AS_ANYBODY, sys.executable, "-W", "ignore", "-m", "tests.scale.test_unreadable"]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}


@pytest.mark.skipif(not kept_out(), reason="root reads and writes everywhere, and setpriv cannot change it here")
def test_the_command_line_says_what_no_reader_foresees(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir(mode=0)
    words = [*AS_ANYBODY, sys.executable, "-m", "cptsgeo", "data", "pull", "populations", "--mirror", str(mirror)]
    set_here = {"PYTHONPATH": str(ROOT), "CPTSGEO_DATA": str(tmp_path / "data")}
    try:
        done = subprocess.run(words, env=os.environ | set_here, capture_output=True, text=True)
    finally:
        mirror.chmod(0o755)
    assert done.returncode == 1
    assert "le système refuse (accès refusé)" in done.stderr
    assert str(mirror) in done.stderr
    assert "Traceback" not in done.stderr


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(all_refused(), indent=1))
