"""What is shipped: the wheel holds the data and the texts, and the README tells the truth."""

from __future__ import annotations

import doctest
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_ships_data_texts_and_page_assets(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT],
        check=True,
    )
    (wheel,) = tmp_path.glob("cptsgeo-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {f"cptsgeo/_data/{path.relative_to(ROOT / 'data').as_posix()}" for path in (ROOT / "data").rglob("*.*")}
    assert data <= names
    assert {"cptsgeo/locale/fr/LC_MESSAGES/cptsgeo.mo", "cptsgeo/templates/index.html"} <= names
    assert {
        f"cptsgeo/{path.relative_to(ROOT / 'cptsgeo').as_posix()}"
        for folder in ("parameters", "maps/js", "maps/vendor", "templates")
        for path in (ROOT / "cptsgeo" / folder).rglob("*.*")
        if "__pycache__" not in path.parts
    } <= names


def test_the_installed_wheel_computes_from_its_own_data(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--target",
            tmp_path,
            ROOT,
        ],
        check=True,
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cptsgeo.communes as c; import cptsgeo.embedded as e;"
        "assert e.PACKAGE.is_relative_to(sys.argv[1]), e.PACKAGE; print(int(c.read_communes()['population'].sum()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert run.stdout.strip() == "68350798"


def test_the_readme_shows_what_python_answers() -> None:
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0
