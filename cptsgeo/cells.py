"""Population cells (INSEE Filosofi, 200 m and coarser) and points: read with the CRS of their identifiers, and summed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import require_crs
from cptsgeo.errors import DataError, FileError, Finding, UsageError, raise_errors, require_file
from cptsgeo.i18n import _, number
from cptsgeo.layers import is_layer, open_layer, require_metres
from cptsgeo.names import fold

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyproj
    from numpy.typing import NDArray
    from shapely import Geometry

CELL_ID = re.compile(r"CRS(?P<crs>\d{4,5})RES(?P<size>\d+)(?P<unit>k?m)N(?P<north>-?\d+)E(?P<east>-?\d+)")
POPULATION_NAMES = ("ind", "population", "pop", "individus", "ind_c", "nb_ind")
LAST_BAND = 65_535
UNEVEN = 0.02
"""Part by which the sides of the cells of one grid may differ."""

TILTED = 0.15
"""Part by which cells turned by another CRS may reach beyond their side."""

CENTRE_UP_TO_M = 250.0
"""Cells up to this side count whole by their centre; coarser ones by the part of them that a polygon covers."""


class Block(NamedTuple):
    """Hold the cells of one CRS, in bands from south to north (see :func:`bands`).

    Attributes
    ----------
    crs
        Of the centres: an EPSG code, or what the layer says.
    x, y
        Centres.
    inhabitants
        Of each cell.
    size
        Side of the cells in metres; 0 for points.
    """

    crs: int | pyproj.CRS
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    inhabitants: NDArray[np.float64]
    size: float


@dataclass(frozen=True)
class Cells:
    """Hold a grid of inhabited cells or points.

    Attributes
    ----------
    name
        Name of the file.
    blocks
        Cells by CRS and size.
    """

    name: str
    blocks: tuple[Block, ...]

    def sums(self, shapes: gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Sum the inhabitants over polygons in any CRS, in their order."""
        import numpy as np

        require_crs(shapes)
        total = np.zeros(len(shapes))
        for block in self.blocks:
            outlines = shapes.geometry.to_crs(block.crs).to_numpy()
            total += sums_of_block(block, outlines)
        return total

    def covers(self, shapes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
        """Tell which polygons the cells may speak of: they list inhabited places only, so all."""
        import numpy as np

        return np.ones(len(shapes), dtype=bool)


def read_cells(path: Path | str) -> Cells:
    """Read cells or points and their inhabitants.

    Parameters
    ----------
    path
        CSV, Parquet, GeoPackage or another layer. Cells are placed by their INSPIRE identifier
        (``CRS3035RES200mN2029800E4254200``: the lower left corner, in EPSG:3035, 5490 or 2975), of which the finest
        is taken; a layer without such a column by its points, or by its square polygons. Inhabitants are in a
        column named ``ind`` (Filosofi), ``population`` or ``pop``.

    Raises
    ------
    FileError
        For a file that cannot be read.
    DataError
        For a table without cells or inhabitants, malformed or repeated cells, and counts that are missing or
        negative, all at once.

    References
    ----------
    INSEE, *Revenus, pauvreté et niveau de vie, données carroyées* (Filosofi): ``ind`` counts the individuals of
    fiscal households; a share is taken from it, never a count.
    """
    path = Path(path)
    table = _read_columns(path)
    if table.empty:
        raise DataError(
            _("the file has a header and no rows"), fix=_("give a file with a header and rows"), where=path.name
        )
    identifier = _identifier_column(table)
    population = next((name for known in POPULATION_NAMES for name in table.columns if fold(str(name)) == known), None)
    if population is None:
        raise DataError(
            _("no column holds the inhabitants; the file has: {columns}").format(
                columns=", ".join(map(str, table.columns))
            ),
            fix=_("name that column population (also read as: {known})").format(known=", ".join(POPULATION_NAMES)),
            where=path.name,
        )
    if identifier is None and not is_layer(path):
        raise DataError(
            _("no column places the cells; the file has: {columns}").format(columns=", ".join(map(str, table.columns))),
            fix=_(
                "keep the INSPIRE identifier of the cells, such as CRS3035RES200mN2029800E4254200, or give a layer with points"
            ),
            where=path.name,
        )
    inhabitants = _inhabitants(table, population, path.name)
    blocks = (
        _blocks_of_identifiers(table[identifier], inhabitants, path.name)
        if identifier is not None
        else [_block_of_shapes(table, inhabitants, path.name)]
    )
    return Cells(path.name, tuple(blocks))


def _read_columns(path: Path) -> pd.DataFrame:
    """Read a table with identifiers as text; large CSV files in C."""
    import pandas as pd
    import pyarrow as pa

    if is_layer(path):
        return open_layer(path)
    require_file(path)
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        if path.suffix.lower() in {".csv", ".txt"}:
            with path.open("rb") as file:
                header = file.readline()
            return pd.read_csv(path, sep=";" if header.count(b";") > header.count(b",") else ",", low_memory=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FileError(
            _("the file cannot be read as a table of cells"),
            fix=_("give a CSV, Parquet or GeoPackage; copy or download it again if it is damaged"),
            where=path.name,
        ) from error
    raise UsageError(
        _("{ending} is not a format of population grids").format(ending=path.suffix),
        fix=_("give a GeoTIFF, or cells in CSV, Parquet or GeoPackage"),
        where=path.name,
    )


def _identifier_column(table: pd.DataFrame) -> str | None:
    """Find the column of INSPIRE identifiers; of several, the finest cells."""
    sizes = {}
    for name in table.columns:
        first = table[name].iloc[0]
        match = CELL_ID.fullmatch(first) if isinstance(first, str) else None
        if match:
            sizes[str(name)] = _metres(match["size"], match["unit"])
    return min(sizes, key=lambda name: (sizes[name], name)) if sizes else None


def _metres(size: str, unit: str) -> float:
    return float(size) * (1000 if unit == "km" else 1)


def _inhabitants(table: pd.DataFrame, column: str, file: str) -> NDArray[np.float64]:
    import pandas as pd

    counts = pd.to_numeric(table[column], errors="coerce").astype("float64").reset_index(drop=True)
    wrong = counts.isna() | (counts < 0)
    raise_errors(
        [
            Finding(
                "cell_population_wrong",
                "error",
                _("the inhabitants of the cell are missing or below zero: {value}").format(
                    value=table[column].iloc[row]
                ),
                _("remove the cells without data, or mend them; a secret cell is no empty one"),
                file,
                int(row) + 2,
                column,
            )
            for row in counts.index[wrong]
        ]
    )
    inhabitants: NDArray[np.float64] = counts.to_numpy()
    return inhabitants


def _blocks_of_identifiers(identifiers: pd.Series, inhabitants: NDArray[np.float64], file: str) -> list[Block]:
    import pandas as pd

    texts = identifiers.astype("str").reset_index(drop=True)
    found = texts.str.extract(CELL_ID.pattern)
    malformed = found["crs"].isna()
    repeated = texts.duplicated() & ~malformed
    raise_errors(
        [
            Finding(
                "cell_malformed" if malformed[row] else "cell_repeated",
                "error",
                _("{cell} is not the identifier of a cell").format(cell=texts[row])
                if malformed[row]
                else _("the cell {cell} is there more than once").format(cell=texts[row]),
                _("keep one row per cell, with its INSPIRE identifier"),
                file,
                int(row) + 2,
                str(identifiers.name),
                texts[row],
            )
            for row in texts.index[malformed | repeated]
        ]
    )
    numbers = found[["crs", "north", "east"]].apply(pd.to_numeric).astype("int64")
    size = pd.to_numeric(found["size"]).astype("float64") * found["unit"].map({"m": 1.0, "km": 1000.0})
    north, east = numbers["north"] + size / 2, numbers["east"] + size / 2
    return [
        _sorted_block(
            int(epsg), east[rows].to_numpy(), north[rows].to_numpy(), inhabitants[rows.to_numpy()], float(side)
        )
        for epsg, side in pd.DataFrame({"crs": numbers["crs"], "size": size})
        .drop_duplicates()
        .sort_values(["crs", "size"])
        .itertuples(index=False)
        for rows in [(numbers["crs"] == epsg) & (size == side)]
    ]


def _block_of_shapes(layer: gpd.GeoDataFrame, inhabitants: NDArray[np.float64], file: str) -> Block:
    """Place points, or square cells of one size in metres, by their centres."""
    import numpy as np
    import shapely

    shapes = layer.geometry.to_numpy()
    corners = shapely.bounds(shapes)
    if np.isnan(corners).any():
        raise DataError(
            _("some cells have no outline"), fix=_("remove them, or give their INSPIRE identifiers"), where=file
        )
    sides = np.sqrt(shapely.area(shapes))
    side = float(np.median(sides))
    if side:
        require_metres(layer, file)
        span = float((corners[:, 2:] - corners[:, :2]).max())
        if np.abs(sides / side - 1).max() > UNEVEN or span > side * (1 + TILTED):
            raise DataError(
                _("the polygons are not square cells of one size ({least} to {most} m)").format(
                    least=number(float(sides.min())), most=number(float(sides.max()))
                ),
                fix=_("give square cells, the points of their centres, or their INSPIRE identifiers"),
                where=file,
            )
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    return _sorted_block(layer.crs, centres[:, 0], centres[:, 1], inhabitants, side)


def bands(y: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Number the bands of equal height in which northings lie, from the southernmost, 0, to the northernmost.

    Whole numbers of 16 bits are sorted in one pass, ten times faster than the northings themselves.
    """
    import numpy as np

    if not len(y):
        return np.zeros(0, dtype="uint16")
    numbers: NDArray[np.uint16] = ((y - y.min()) * _bands_per_metre(y)).astype("uint16")
    return numbers


def _bands_per_metre(y: NDArray[np.float64]) -> float:
    height = float(y.max() - y.min())
    return LAST_BAND / height if height else 0.0


def _sorted_block(
    crs: int | pyproj.CRS, x: NDArray[np.float64], y: NDArray[np.float64], inhabitants: NDArray[np.float64], size: float
) -> Block:
    import numpy as np

    order = np.argsort(bands(y), kind="stable")
    return Block(crs, x[order], y[order], inhabitants[order], size)


def sums_of_block(block: Block, outlines: NDArray[np.object_]) -> NDArray[np.float64]:
    """Sum one block over polygons in its CRS.

    Cells in bands from south to north are cut to the bounds of each polygon before any is tested, so that time
    follows the cells near a polygon and not all of them.

    Parameters
    ----------
    block
        Cells or points.
    outlines
        Polygons in the CRS of the block.

    Returns
    -------
    ndarray
        Inhabitants. A point or a centre on a border is in no polygon.
    """
    import numpy as np
    import shapely

    coarse = block.size > CENTRE_UP_TO_M
    margin = block.size / 2 if coarse else 0.0
    bounds = shapely.bounds(outlines)
    total = np.zeros(len(outlines))
    if not len(block.y):
        return total
    south, scale, band = block.y.min(), _bands_per_metre(block.y), bands(block.y)
    first = np.searchsorted(band, np.floor((bounds[:, 1] - margin - south) * scale), side="left")
    last = np.searchsorted(band, np.floor((bounds[:, 3] + margin - south) * scale), side="right")
    for position, outline in enumerate(outlines):
        rows = slice(first[position], last[position])
        x = block.x[rows]
        near = np.flatnonzero((x >= bounds[position, 0] - margin) & (x <= bounds[position, 2] + margin))
        if not len(near):
            continue
        x, y, inhabitants = x[near], block.y[rows][near], block.inhabitants[rows][near]
        weights = _fractions(outline, x, y, margin) if coarse else _centres_in(outline, x, y)
        total[position] = float(inhabitants @ weights)
    return total


def _centres_in(outline: Geometry, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    import shapely

    shapely.prepare(outline)
    inside: NDArray[np.float64] = shapely.contains_xy(outline, x, y).astype("float64")
    return inside


def _fractions(outline: Geometry, x: NDArray[np.float64], y: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    import shapely

    squares = shapely.box(x - half, y - half, x + half, y + half)
    covered: NDArray[np.float64] = shapely.area(shapely.intersection(squares, outline)) / (2 * half) ** 2
    return covered
