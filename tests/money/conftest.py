"""What the tests of money and time use beside the common fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings

from cptsgeo import i18n
from cptsgeo.cli import main

settings.register_profile(
    "money",
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("money")


class Run(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Run the command line in this process: exit code, data and words."""

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\xa0", " "))

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real data: ``data`` in CPTSGEO_SHARED, else in ``../shared`` beside the project."""
    folder = Path(os.environ.get("CPTSGEO_SHARED", Path(__file__).parents[3] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not beside the project (../shared/data), nor named by CPTSGEO_SHARED")
    return folder


@pytest.fixture(autouse=True)
def _french(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start every test in French, whatever the test before it or the machine says."""
    monkeypatch.delenv("CPTSGEO_LANG", raising=False)
    monkeypatch.setenv("LANGUAGE", "fr")
    token = i18n._current.set("fr")
    yield
    i18n._current.reset(token)
