"""Points by the million counted in perimeters, on one machine or on many, with one answer.

A point inside perimeters counts in each of them, as everywhere in cptsgeo (an overlap is a double count). A point on
a border, inside no perimeter, counts once: in the perimeter of smallest identifier among those whose border holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from cptsgeo.engines import ENGINES, gathered, open_engine
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.files import whole_folder
from cptsgeo.i18n import _, number
from cptsgeo.layers import check_polygons
from cptsgeo.point_files import Position, coordinates, open_source, position, readable
from cptsgeo.point_index import PointIndex, locate, point_index

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

OUTSIDE, UNPLACED = -1, -2
REASONS = {OUTSIDE: "outside", UNPLACED: "no_position"}

IDENTIFIERS = ("territory_id", "cpts_id", "ght_id", "contrat_local_id", "insee_code", "epci_siren", "code", "cpts_name")

MILLIONTHS = 1_000_000
"""Weights are added as whole millionths, so that no order of adding changes a sum."""

PENDING_ROWS = 1_000_000


class Assignment(NamedTuple):
    """Hold how many points are in each perimeter.

    Attributes
    ----------
    counts
        One row per perimeter, and per group where ``by`` is given (of perimeters that hold a point of it):
        the columns of ``by`` (text), ``territory_id``, ``points``, and ``weight`` where one is given. Sorted.
    rest
        What is in no perimeter: the columns of ``by``, ``reason`` (``outside``, or ``no_position`` for a missing or
        empty point), ``points``, ``weight``.
    """

    counts: pd.DataFrame
    rest: pd.DataFrame


def assign(
    points: Path | str | pd.DataFrame | pa.Table,
    perimeters: gpd.GeoDataFrame,
    *,
    engine: str = ENGINES[0],
    by: Sequence[str] = (),
    weight: str | None = None,
    output: Path | None = None,
    workers: int | None = None,
    master: str | None = None,
) -> Assignment:
    """Count points in perimeters, and write to which ones each belongs.

    Parameters
    ----------
    points
        A layer of points; a Parquet file, or a folder of them, with a GeoParquet column of points or the columns
        ``longitude`` and ``latitude``; subfolders may be partitions (``month=2024-01``).
    perimeters
        ``territory_id`` and valid polygons with a CRS, which are brought to the CRS of the points. One territory may
        have several rows, and territories may overlap.
    engine
        ``local``, ``duckdb`` or ``spark``; the answers are equal. See :func:`cptsgeo.engines.open_engine`.
    by
        Columns to count apart, such as the month.
    weight
        Column of numbers to add up beside the points, such as inhabitants of an address.
    output
        Folder to write: the columns of the points and ``territory_id``, one row per point and perimeter that it is in
        (missing for a point in none), as GeoParquet partitioned by ``by``; it must not exist. Spark's workers must see it.
    workers, master
        See :func:`cptsgeo.engines.open_engine`.

    Returns
    -------
    Assignment
        Counts of each perimeter, and what is in none. Every point is in one of them at least.

    Raises
    ------
    DataError
        For invalid polygons, points without CRS, and weights that are missing or no numbers.
    FileError, UsageError
        For files that cannot be read or written, columns that are not there, engines that are not installed.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> squares = gpd.GeoDataFrame(
    ...     {"territory_id": ["west", "east"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326
    ... )
    >>> homes = gpd.GeoDataFrame(geometry=[Point(0.5, 0.5), Point(1, 0.5), Point(3, 3)], crs=4326)
    >>> found = assign(homes, squares)
    >>> found.counts.to_dict("list")
    {'territory_id': ['east', 'west'], 'points': [1, 1]}
    >>> found.rest.to_dict("list")
    {'reason': ['outside'], 'points': [1]}
    """
    chosen = open_engine(engine, workers=workers, master=master)
    source = open_source(points)
    name = "" if source.path is None else str(source.path)
    where = position(source, name)
    needed = list(dict.fromkeys([*where.columns, *by, *([weight] if weight else [])]))
    _require_columns(needed, source.schema.names, name)
    names, index = prepared(perimeters, where)
    kernel = Kernel(index, names, where.columns, tuple(by), weight)
    if output is None:
        with readable(name):
            partial = added(chosen.over_batches(source, needed, kernel, kernel.schema), kernel.keys)
    else:
        with whole_folder(output, overwrite=False) as folder:
            writing = replace(kernel, folder=folder, layout=source.schema)
            with readable(name):
                partial = added(chosen.over_batches(source, source.schema.names, writing, kernel.schema), kernel.keys)
            _require_weights(partial, weight, name)
            for lost in folder.rglob(PartFiles.UNFINISHED.format(name="*", writer="*")):
                lost.unlink()
    _require_weights(partial, weight, name)
    return _assignment(partial, names, list(by), weight)


def named(layer: gpd.GeoDataFrame, identifier: str | None, where: str) -> gpd.GeoDataFrame:
    """Name the polygons of a layer by one of its columns.

    Parameters
    ----------
    layer
        Polygons with attributes.
    identifier
        The column; the first of :data:`IDENTIFIERS` that is there when not given.
    where
        File to name in errors.

    Raises
    ------
    UsageError
        When no such column is there.
    DataError
        When it is empty somewhere.
    """
    column = identifier or next((name for name in IDENTIFIERS if name in layer.columns), None)
    if column is None or column not in layer.columns:
        raise UsageError(
            _("no column names the polygons; the file has: {columns}").format(
                columns=", ".join(map(str, layer.columns.drop(layer.geometry.name)))
            ),
            fix=_("name one of them with --id"),
            where=where,
        )
    empty = layer[column].isna()
    raise_errors(
        [
            Finding(
                "territory_unnamed",
                "error",
                _("the polygon has no identifier"),
                _("fill the column, or choose another one with --id"),
                where,
                int(row),
                column,
            )
            for row in layer.index[empty]
        ]
    )
    return layer.assign(territory_id=layer[column].astype("str"))


def _require_columns(needed: Sequence[str], present: Sequence[str], where: str) -> None:
    absent = [name for name in needed if name not in present]
    if absent:
        raise UsageError(
            _("the points have no column {names}; they have: {columns}").format(
                names=", ".join(absent), columns=", ".join(present)
            ),
            fix=_("name one of them"),
            where=where,
        )


def prepared(perimeters: gpd.GeoDataFrame, where: Position) -> tuple[list[str], PointIndex]:
    """Check perimeters, bring them to the CRS of the points, and make them ready; with their identifiers, sorted."""
    import pyproj

    checked = check_polygons(perimeters)
    raise_errors(checked.findings)
    layer = checked.layer[["territory_id", checked.layer.geometry.name]]
    if layer["territory_id"].duplicated().any():
        layer = layer.dissolve("territory_id", as_index=False)
    layer = layer.sort_values("territory_id", ignore_index=True).to_crs(pyproj.CRS.from_user_input(where.crs))
    return layer["territory_id"].tolist(), point_index(layer.geometry.to_numpy().copy())


@dataclass(frozen=True)
class Kernel:
    """Count the points of a task in perimeters, and write them where a folder is given: the work of every engine.

    Parameters
    ----------
    index, names
        Perimeters and their identifiers.
    columns
        Of the coordinates, as :class:`cptsgeo.point_files.Position`.
    by, weight
        As for :func:`assign`.
    folder, layout
        Where to write, and the columns of the points.
    """

    index: PointIndex
    names: list[str]
    columns: tuple[str, ...]
    by: tuple[str, ...]
    weight: str | None
    folder: Path | None = None
    layout: pa.Schema | None = None

    @property
    def keys(self) -> list[str]:
        """Return the columns that counts are apart by."""
        return [*self.by, "perimeter"]

    @property
    def schema(self) -> pa.Schema:
        """Return the columns of the counts: weights in whole millionths, and points whose weight is missing."""
        import pyarrow as pa

        whole = [(name, pa.int64()) for name in ("perimeter", "points", "weight", "unweighted")]
        return pa.schema([*[(name, pa.string()) for name in self.by], *whole])

    def __call__(self, task: int, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Return the counts of each piece of a task."""
        with PartFiles(self.folder, self.by, task) as parts:
            for batch in gathered(batches):
                x, y = coordinates(batch, self.columns)
                point, perimeter = self._pairs(x, y)
                yield self._counted(batch, point, perimeter)
                if self.folder is not None:
                    parts.write(self._rows(batch, point, perimeter))

    def _pairs(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return pairs of point and perimeter; a point in none is paired with the reason."""
        import numpy as np

        point, perimeter = locate(self.index, x, y)
        none = np.ones(len(x), dtype=bool)
        none[point] = False
        lost = np.flatnonzero(none)
        reason = np.where(np.isnan(x[lost]) | np.isnan(y[lost]), UNPLACED, OUTSIDE)
        return np.concatenate([point, lost]), np.concatenate([perimeter, reason])

    def _counted(self, batch: pa.RecordBatch, point: NDArray[np.intp], perimeter: NDArray[np.intp]) -> pa.RecordBatch:
        import numpy as np
        import pandas as pd
        import pyarrow as pa

        frame = pd.DataFrame({"perimeter": perimeter, "points": 1, "weight": 0, "unweighted": 0})
        for name in reversed(self.by):
            groups = batch[name].cast(pa.string()).dictionary_encode()
            codes = groups.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            frame.insert(0, name, pd.Categorical.from_codes(codes[point], groups.dictionary.to_pylist()))
        if self.weight:
            given = batch[self.weight].cast(pa.float64()).to_numpy(zero_copy_only=False)[point]
            known = np.isfinite(given)
            frame["weight"] = np.where(known, np.rint(np.where(known, given, 0) * MILLIONTHS), 0).astype("int64")
            frame["unweighted"] = (~known).astype("int64")
        sums = frame.groupby(self.keys, dropna=False, observed=True, sort=False).sum().reset_index()
        return pa.RecordBatch.from_pandas(sums, schema=self.schema, preserve_index=False)

    def _rows(self, batch: pa.RecordBatch, point: NDArray[np.intp], perimeter: NDArray[np.intp]) -> pa.Table:
        """Return the points with the perimeters that they are in, under the layout and the CRS that they came with."""
        import numpy as np
        import pyarrow as pa

        assert self.layout is not None, "a kernel that writes knows the columns"
        order = np.lexsort((perimeter, point))
        names = pa.array(self.names, pa.string()).take(pa.array(perimeter[order], mask=perimeter[order] < 0))
        taken = [batch[field.name].cast(_storage(field.type)).take(pa.array(point[order])) for field in self.layout]
        fields = [pa.field(field.name, _storage(field.type)) for field in self.layout]
        metadata = {key: value for key, value in (self.layout.metadata or {}).items() if key == b"geo"}
        return pa.table([*taken, names], pa.schema([*fields, ("territory_id", pa.string())], metadata=metadata))


def _storage(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


class PartFiles:
    """Write the part of a task, one Parquet file per partition, in place when the task is done.

    A task that fails leaves nothing, one that is killed leaves an unfinished file under another name, and one that
    runs again takes the place of what it wrote before.
    """

    UNFINISHED = ".{name}.{writer}.unfinished"

    def __init__(self, folder: Path | None, by: Sequence[str], task: int) -> None:
        self.folder, self.by, self.task = folder, list(by), task
        self.writers: dict[Path, Any] = {}

    def __enter__(self) -> PartFiles:
        return self

    def write(self, rows: pa.Table) -> None:
        """Write rows to the files of their partitions; the columns of partitions are in the names of folders."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        for path, group in self._partitions(rows):
            part = path.with_name(self.UNFINISHED.format(name=path.name, writer=f"{os.getpid()}-{id(self)}"))
            if path not in self.writers:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.writers[path] = (pq.ParquetWriter(part, group.schema, compression="zstd"), part)
            self.writers[path][0].write_table(group)
        pa.default_memory_pool().release_unused()

    def _partitions(self, rows: pa.Table) -> Iterator[tuple[Path, pa.Table]]:
        import numpy as np
        import pyarrow as pa

        assert self.folder is not None, "only a task that writes has partitions"
        name = f"part-{self.task:06d}.parquet"
        if not self.by:
            yield self.folder / name, rows
            return
        keys = rows.select(self.by).to_pandas().astype("str")
        for values, positions in keys.groupby(self.by).indices.items():
            values = values if isinstance(values, tuple) else (values,)
            folders = [f"{column}={quote(value, safe='')}" for column, value in zip(self.by, values, strict=True)]
            yield self.folder.joinpath(*folders, name), rows.take(pa.array(np.sort(positions))).drop_columns(self.by)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        for path, (writer, part) in self.writers.items():
            writer.close()
            if kind is None:
                part.replace(path)
            else:
                part.unlink(missing_ok=True)


def added(batches: Iterator[pa.RecordBatch], keys: list[str]) -> pd.DataFrame:
    """Add up the counts of all tasks, as they come."""
    import pandas as pd

    total: pd.DataFrame | None = None
    pending: list[pd.DataFrame] = []

    def settled() -> pd.DataFrame:
        frames = pending if total is None else [total, *pending]
        table = pd.concat(frames, ignore_index=True)
        return table.groupby(keys, dropna=False, as_index=False, sort=True).sum()

    for batch in batches:
        pending.append(batch.to_pandas())
        if sum(map(len, pending)) > PENDING_ROWS:
            total, pending = settled(), []
    if pending or total is None:
        if not pending:
            return pd.DataFrame(columns=[*keys, "points", "weight", "unweighted"])
        total = settled()
    return total


def _require_weights(partial: pd.DataFrame, weight: str | None, where: str) -> None:
    missing = int(partial["unweighted"].sum())
    if missing:
        raise DataError(
            _("{count} points have no weight in the column {name}").format(count=number(missing), name=weight),
            fix=_("fill the column (0 counts for nothing), or count points without --weight"),
            where=where,
        )


def _assignment(partial: pd.DataFrame, names: list[str], by: list[str], weight: str | None) -> Assignment:
    """Name perimeters and reasons; without groups, a perimeter that holds nothing has its row."""
    import pandas as pd

    found = partial.astype({"perimeter": "int64", "points": "int64", "weight": "int64"})
    sums = ["points"] + (["weight"] if weight else [])
    found["weight"] = found["weight"] / MILLIONTHS
    inside = found[found["perimeter"] >= 0]
    if not by:
        whole = inside.set_index("perimeter")[["points", "weight"]].reindex(range(len(names)), fill_value=0)
        inside = whole.reset_index(names="perimeter").astype({"points": "int64"})
    counts = inside.sort_values([*by, "perimeter"], ignore_index=True)
    counts["territory_id"] = pd.array([names[place] for place in counts["perimeter"]], dtype="str")
    rest = found[found["perimeter"] < 0].sort_values([*by, "perimeter"], ascending=[True] * len(by) + [False])
    rest = rest.assign(reason=pd.array([REASONS[place] for place in rest["perimeter"]], dtype="str"))
    return Assignment(counts[[*by, "territory_id", *sums]], rest[[*by, "reason", *sums]].reset_index(drop=True))
