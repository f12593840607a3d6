"""Measure a case with pytest-benchmark, then the memory that one more run of it takes with memray."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import memray
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.france import france, source

Measure = Callable[..., None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the real outlines of the communes."""
    parser.addoption("--communes", type=Path, help="GeoParquet of the communes; without it, the made-up France")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Keep which outlines were measured on."""
    machine_info["outlines"] = source(config.getoption("--communes"))


@pytest.fixture(scope="session")
def communes(request: pytest.FixtureRequest) -> gpd.GeoDataFrame:
    """Return the outlines of all communes, with their ``code``."""
    path = request.config.getoption("--communes")
    return france() if path is None else gpd.read_parquet(path)


@pytest.fixture
def measure(benchmark: BenchmarkFixture, tmp_path: Path) -> Measure:
    """Return what measures a function for a cell of a table: its title, the name of the row, how many times the size."""

    def run(function: Callable[[], Any], *, table: str, row: str, times: int = 1) -> None:
        benchmark(function)
        target = tmp_path / "allocations.bin"
        with memray.Tracker(target, file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS):
            function()
        peak = memray.FileReader(target).metadata.peak_memory
        benchmark.extra_info.update(table=table, row=row, times=times, megabytes=peak / 1e6)

    return run
