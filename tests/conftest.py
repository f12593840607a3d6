"""What every test may use: a toy territory drawn in ASCII, the real data beside the project, the command line."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from filelock import FileLock
from hypothesis import HealthCheck, settings

from cptsgeo import build, i18n, results
from cptsgeo.atlas import site
from cptsgeo.cli import main
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.results import Results, compute
from cptsgeo.study import Inputs, Study, read_study
from tests.browser import browser, open_page  # noqa: F401

for profile, examples in (("quick", 5), ("thorough", 300)):
    settings.register_profile(
        profile,
        deadline=None,
        max_examples=examples,
        derandomize=profile == "quick",
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

TOY_MAP = """
AABBGG..J
ACCBGH..J
DCEEFH...
DDEFFI...
"""
"""One letter per cell of 1 km, one letter per commune, a dot for the sea; north is up."""

TOY_ORIGIN = (900_000, 6_400_000)
"""South-west corner of the map in EPSG:2154, where the three départements of the codes meet."""

TOY_UNITS = {
    # letter: code, population, EPCI, density level
    "A": ("04901", 30_000, "200000001", 1),
    "B": ("04902", 9_999, "200000001", 3),
    "C": ("04903", 1, "200000001", 7),
    "D": ("04904", 45_000, "200000002", 2),
    "E": ("05901", 50_000, "200000002", 4),
    "F": ("05902", 0, "200000003", 6),
    "G": ("05903", 100_001, "200000003", 1),
    "H": ("26901", 20_000, "200000002", 5),
    "I": ("26902", 3, "200000003", None),
    "J": ("26903", 40_000, None, 5),
}

TOY_CPTS = {"alpha": "aci_signe", "beta": "projet_valide", "gamma": "lettre_intention", "delta": "pre_projet"}
TOY_CPTS |= {"epsilon": None, "zeta": "pre_projet"}

TOY_MEMBERSHIP = [
    *[("alpha", "A", 1.0), ("alpha", "B", 1.0), ("alpha", "C", 1.0)],
    *[("beta", "C", 1.0), ("beta", "D", 1.0)],
    *[("gamma", "E", 0.5), ("gamma", "F", 1.0)],
    *[("delta", "E", 0.25)],
    *[("epsilon", "G", 0.5)],
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count coverage without the tests of real data, which are not on every machine; they take less time so."""
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker("no_cover")


def toy_code(letter: str) -> str:
    return TOY_UNITS[letter][0]


@pytest.fixture
def toy_communes() -> pd.DataFrame:
    """Ten communes of three départements and two régions, 295,004 inhabitants."""
    departements = {"04": "Alpes-de-Haute-Provence", "05": "Hautes-Alpes", "26": "Drôme"}
    regions = {"04": "93", "05": "93", "26": "84"}
    names = {"93": "Provence-Alpes-Côte d'Azur", "84": "Auvergne-Rhône-Alpes"}
    rows = [
        (
            *(code, letter, code[:2], departements[code[:2]], regions[code[:2]], names[regions[code[:2]]]),
            *(epci, None if epci is None else f"EPCI {epci[-1]}", population, 2023, level),
        )
        for letter, (code, population, epci, level) in TOY_UNITS.items()
    ]
    table = pd.DataFrame(
        rows,
        columns=[
            *("insee_code", "name", "departement_code", "departement_name", "region_code", "region_name"),
            *("epci_siren", "epci_name", "population", "population_year", "density_level"),
        ],
    )
    return table.astype({"population": "Int64", "population_year": "Int64", "density_level": "Int64"})


@pytest.fixture
def toy_contours() -> gpd.GeoDataFrame:
    """The outlines of the toy map, EPSG:4326."""
    lines = TOY_MAP.split()
    west, south = TOY_ORIGIN
    cells: dict[str, list[shapely.Polygon]] = {}
    for row, line in enumerate(reversed(lines)):
        for column, letter in enumerate(line):
            if letter != ".":
                x, y = west + 1000 * column, south + 1000 * row
                cells.setdefault(letter, []).append(shapely.box(x, y, x + 1000, y + 1000))
    letters = sorted(cells)
    return gpd.GeoDataFrame(
        {"insee_code": [toy_code(letter) for letter in letters], "geometry_source": "toy"},
        geometry=[shapely.union_all(cells[letter]) for letter in letters],
        crs=2154,
    ).to_crs(4326)


@pytest.fixture
def toy_perimeters() -> Perimeters:
    """Five CPTS at every stage and at none, one unit in two of them, shares of others, and a CPTS without units."""
    names = sorted(TOY_CPTS)
    stage = pd.Categorical([TOY_CPTS[name] for name in names], categories=list(STAGES), ordered=True)
    membership = pd.DataFrame(
        [(cpts, toy_code(letter), share, "list") for cpts, letter, share in TOY_MEMBERSHIP],
        columns=["cpts_id", "insee_code", "share", "method"],
    ).sort_values(["cpts_id", "insee_code"], ignore_index=True)
    cpts = pd.DataFrame({"cpts_id": names, "cpts_name": [f"CPTS {name}" for name in names], "stage": stage})
    return Perimeters(cpts, membership)


class ToyFiles(NamedTuple):
    """The toy territory as files, and the options that name them."""

    communes: Path
    contours: Path
    perimeters: Path
    cpts: Path

    @property
    def options(self) -> list[str]:
        """Options of a command that reads the toy territory."""
        return [
            *("--communes", str(self.communes), "--perimeters", str(self.perimeters), "--cpts", str(self.cpts)),
            *("--scope", "departement=04,05,26"),
        ]


@pytest.fixture
def toy_files(
    tmp_path: Path, toy_communes: pd.DataFrame, toy_contours: gpd.GeoDataFrame, toy_perimeters: Perimeters
) -> ToyFiles:
    """Write the toy territory into a folder of its own."""
    folder = tmp_path / "toy"
    folder.mkdir()
    files = ToyFiles(*(folder / name for name in ("communes.csv", "contours.gpkg", "membership.csv", "cpts.csv")))
    columns = ["insee_code", "name", "population", "population_year", "epci_siren", "density_level"]
    toy_communes[columns].to_csv(files.communes, index=False)
    toy_contours.to_file(files.contours)
    toy_perimeters.membership.to_csv(files.perimeters, index=False)
    toy_perimeters.cpts.to_csv(files.cpts, index=False)
    return files


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
            code = stop.code
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\xa0", " "))

    return run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Give a function that makes a folder once for all tests of a run, which only read it, whatever process runs them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "once"
    folder.mkdir(exist_ok=True)

    def make(name: str, write: Callable[[Path], object]) -> Path:
        with FileLock(folder / f"{name}.lock"), i18n.language("fr"):
            if not (folder / f"{name}.done").exists():
                write(folder / name)
                (folder / f"{name}.done").touch()
        return folder / name

    return make


@pytest.fixture(scope="session")
def embedded_results(once: Callable[..., Path]) -> Results:
    """What is computed of the embedded data, to read."""

    def write(path: Path) -> None:
        path.write_bytes(pickle.dumps(compute(read_study(Inputs(), with_contours=True))))

    return pickle.loads(once("results", write).read_bytes())


def give(patch: pytest.MonkeyPatch, computed: Callable[..., Results]) -> None:
    """Put a function in the place of ``compute`` for builds, maps, atlases and figures."""
    for module in (build, site, results):
        patch.setattr(module, "compute", computed)


@pytest.fixture
def embedded_once(monkeypatch: pytest.MonkeyPatch, embedded_results: Results) -> None:
    """Compute the embedded data once for all tests; what is not embedded is computed as ever."""

    def computed(study: Study, **choices: Any) -> Results:
        return embedded_results if study.inputs == Inputs() else compute(study, **choices)

    give(monkeypatch, computed)


@pytest.fixture
def computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute the first study of the test alone: its other commands read their own, and publish the same figures."""
    kept: list[Results] = []

    def first(study: Study, **_choices: Any) -> Results:
        if not kept:
            kept.append(compute(study))
        return replace(kept[0], study=study)

    give(monkeypatch, first)


@pytest.fixture(scope="session")
def embedded_build(once: Callable[..., Path], embedded_results: Results) -> Path:
    """The build of the embedded data, to read."""

    def write(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            give(patch, lambda _study, **_choices: embedded_results)
            main(["build", "-o", str(folder)])

    return once("build", write)


@pytest.fixture(scope="session")
def embedded_site(once: Callable[..., Path], embedded_results: Results) -> Path:
    """The atlas of the embedded data, published under a sub-path, to read."""

    def write(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            give(patch, lambda _study, **_choices: embedded_results)
            main(["atlas", "-o", str(folder), "--url", "https://atlas.example.fr/cpts"])

    return once("site", write)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real data: ``data`` in CPTSGEO_SHARED, else in ``../shared`` beside the project."""
    folder = Path(os.environ.get("CPTSGEO_SHARED", Path(__file__).parents[2] / "shared")) / "data"
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
