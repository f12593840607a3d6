"""Population grids: rasters and cells behind one protocol, and whether one holds counts of the place studied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cptsgeo.cut_findings import examples
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _, number, percent

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

UNCOVERED_BOUND = 0.05
"""Part of the population of the units touched that may lie off the grid before the run stops."""

RATIO_BOUNDS = (0.6, 1.5)
"""Inhabitants of the grid per inhabitant of the census, over the units touched: beyond, the grid holds no counts."""

RASTER_ENDINGS = (".tif", ".tiff", ".vrt", ".img", ".asc")


class Grid(Protocol):
    """Say what a population grid can do: a raster (:class:`cptsgeo.rasters.Raster`) or cells."""

    @property
    def name(self) -> str:
        """Return the name of the file."""

    def sums(self, shapes: gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Sum inhabitants over polygons in any CRS."""

    def covers(self, shapes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
        """Tell which polygons the grid may speak of."""


def read_grid(path: Path | str) -> Grid:
    """Open a population grid: a raster by its ending, else cells or points."""
    from cptsgeo.cells import read_cells
    from cptsgeo.rasters import read_raster

    return read_raster(path) if Path(path).suffix.lower() in RASTER_ENDINGS else read_cells(path)


def check_grid(grid: Grid, units: gpd.GeoDataFrame, sums: pd.Series, population: pd.Series) -> list[Finding]:
    """Compare a grid with the census over the units that polygons touch.

    Parameters
    ----------
    grid
        Raster or cells.
    units
        ``insee_code`` and outlines.
    sums
        Inhabitants of the grid, by ``insee_code``.
    population
        Inhabitants of the census, by ``insee_code``.

    Returns
    -------
    list of Finding
        A warning where some inhabited units have no cell.

    Raises
    ------
    DataError
        When they hold more than :data:`UNCOVERED_BOUND` of the inhabitants, or when the total of the grid over the
        others is not within :data:`RATIO_BOUNDS` of the census: densities instead of counts, or other units.
    """
    census = population.reindex(sums.index).astype("float64")
    covered = (sums > 0) & grid.covers(units)
    lacking = census[~covered & (census > 0)]
    findings: list[Finding] = []
    if len(lacking):
        part = lacking.sum() / census.sum()
        problem = _("the grid does not cover {part} of the inhabitants of the units touched ({examples})").format(
            part=percent(part), examples=examples(lacking.index.tolist())
        )
        severe = part > UNCOVERED_BOUND
        findings.append(
            Finding(
                "grid_incomplete",
                "error" if severe else "warning",
                problem,
                _("give a grid of the whole territory of the polygons"),
                grid.name,
            )
        )
        raise_errors(findings)
    ratio = sums[covered].sum() / census[covered].sum() if census[covered].sum() else 1.0
    if not RATIO_BOUNDS[0] <= ratio <= RATIO_BOUNDS[1]:
        raise DataError(
            _(
                "the grid holds {grid} where the census counts {census} inhabitants ({ratio} times as many):"
                " it is not a count of inhabitants per cell"
            ).format(
                grid=number(float(sums[covered].sum())),
                census=number(float(census[covered].sum())),
                ratio=number(ratio, 2),
            ),
            fix=_("give counts, not densities per km²; check the unit and the year of the grid"),
            where=grid.name,
        )
    return findings
