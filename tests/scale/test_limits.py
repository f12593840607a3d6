"""What would fill the memory is refused in words, or read by parts with the same answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
from affine import Affine

from cptsgeo import rasters
from cptsgeo.errors import DataError, FileError
from cptsgeo.hazards import read_hazard
from cptsgeo.sources.grids import read_population_raster
from cptsgeo.tabular import read_table


def workbook(path: Path, *, row: int, column: int) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["insee_code", "name"])
    book.active.append(["01001", "A"])
    book.active.cell(row, column, "far")
    book.save(path)
    return path


def test_a_cell_far_from_the_table_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="1\N{NARROW NO-BREAK SPACE}048\N{NARROW NO-BREAK SPACE}576 lignes"):
        read_table(workbook(tmp_path / "far.xlsx", row=1_048_576, column=16_384))
    assert read_table(workbook(tmp_path / "low.xlsx", row=20_000, column=1)).rows.index.tolist() == [2, 20_000]


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """Ten rows of seven cells; one is not known."""
    values = np.random.default_rng(0).integers(0, 9, (10, 7)).astype("float32")
    values[3, 3] = -200
    transform = Affine(1000, 0, 700_000, 0, -1000, 6_600_000)
    with rasterio.open(
        *(tmp_path / "r.tif", "w", "GTiff", 7, 10, 1, 2154, transform, "float32"), nodata=-200
    ) as target:
        target.write(values, 1)
    return tmp_path / "r.tif"


@pytest.mark.parametrize("cells", [1, 15, 70])
def test_a_raster_read_by_strips_gives_what_it_gives_whole(
    grid: Path, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    whole, zone = read_population_raster(grid), read_hazard(grid, threshold=5)
    monkeypatch.setattr(rasters, "CELLS_IN_STRIP", cells)
    again = read_population_raster(grid)
    pd.testing.assert_frame_equal(again.cells, whole.cells)
    assert (again.missing, again.crs) == (whole.missing, whole.crs) == (1, "EPSG:2154")
    assert read_hazard(grid, threshold=5).to_crs(2154).area.sum() == pytest.approx(
        zone.to_crs(2154).area.sum(), rel=1e-9
    )


def test_a_raster_of_too_many_cells_is_refused(grid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasters, "CELLS_AT_ALL", 69)
    for read in (read_population_raster, lambda path: read_hazard(path, threshold=5)):
        with pytest.raises(DataError, match="70 cellules"):
            read(grid)


def test_a_raster_upside_down_holds_no_counts(tmp_path: Path) -> None:
    path = tmp_path / "r.tif"
    turned = Affine(1000, 0, 700_000, 0, 1000, 6_600_000)
    with rasterio.open(*(path, "w", "GTiff", 2, 2, 1, 2154, turned, "float32")) as target:
        target.write(np.ones((2, 2), "float32"), 1)
    for read in (read_population_raster, rasters.read_raster):
        with pytest.raises(DataError, match="envers"):
            read(path)
