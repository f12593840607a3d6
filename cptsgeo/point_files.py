"""Tables too large for memory: a folder of Parquet files, partitioned or not, and where its rows lie on the ground."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from cptsgeo.errors import CptsGeoError, DataError, FileError, require_path
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds
    from numpy.typing import NDArray

LONGITUDE_LATITUDE = ("longitude", "latitude")
CRS_WHEN_SILENT = "OGC:CRS84"
WKB_POINT = 21


class Source(NamedTuple):
    """Hold a table that is read in pieces.

    Attributes
    ----------
    path
        A Parquet file, or a folder of them whose subfolders may be named ``column=value`` (Hive partitions; the
        values are text: ``01`` stays ``01``). None for a table in memory.
    table
        The table in memory, or None.
    schema
        Its columns, those of the partitions last; with the metadata of the first file.
    """

    path: Path | None
    table: pa.Table | None
    schema: pa.Schema

    def dataset(self) -> ds.Dataset:
        """Open the files with pyarrow, every partition as text."""
        import pyarrow.dataset as ds

        if self.path is None:
            return ds.dataset(self.table)
        files = [str(file) for file in parquet_files(self.path)]
        base = str(self.path) if self.path.is_dir() else str(self.path.parent)
        partitioning = ds.partitioning(_partitions(self.path, Path(files[0])), flavor="hive")
        return ds.dataset(
            files, schema=self.schema, format="parquet", partitioning=partitioning, partition_base_dir=base
        )


class Position(NamedTuple):
    """Say where the coordinates of a table of points are.

    Attributes
    ----------
    columns
        The column of points (WKB or GeoArrow), or those of longitude and latitude.
    crs
        What :meth:`pyproj.CRS.from_user_input` understands.
    """

    columns: tuple[str, ...]
    crs: Any


def parquet_files(path: Path) -> list[Path]:
    """List the Parquet files of a folder, in order; hidden ones and those that begin with ``_`` are left out.

    Raises
    ------
    FileError
        When there is none.
    """
    require_path(path)
    if path.is_file():
        return [path]
    found = [
        file
        for file in sorted(path.rglob("*.parquet"))
        if not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    ]
    if not found:
        raise FileError(
            _("no Parquet file is there"),
            fix=_("give a Parquet file, or a folder of them (partitions in subfolders named column=value)"),
            where=str(path),
        )
    return found


def _partitions(path: Path, file: Path) -> pa.Schema:
    import pyarrow as pa

    folders = file.relative_to(path).parts[:-1] if path.is_dir() else ()
    return pa.schema([(unquote(part.split("=", 1)[0]), pa.string()) for part in folders if "=" in part])


def open_source(given: Path | str | pd.DataFrame | pa.Table) -> Source:
    """Open a table without reading it.

    Parameters
    ----------
    given
        A Parquet file, a folder of them, a table of pandas or GeoPandas, or one of Arrow.

    Raises
    ------
    FileError
        For what is no Parquet file.
    DataError
        When the files have not the same columns.
    """
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(given, gpd.GeoDataFrame):
        given = _arrow_points(given)
    if isinstance(given, pd.DataFrame):
        given = pa.Table.from_pandas(given, preserve_index=False)
    if isinstance(given, pa.Table):
        return Source(None, given, given.schema)
    path = Path(given)
    first: pa.Schema | None = None
    for file in parquet_files(path):
        try:
            schema = pq.read_schema(file)
        except (OSError, pa.ArrowException) as error:
            raise FileError(
                _("the file cannot be read as Parquet"), fix=_("write it again, or remove it"), where=str(file)
            ) from error
        first = schema if first is None else first
        if len(set(schema.names)) < len(schema.names):
            raise DataError(_("two columns have one name"), fix=_("rename or remove one of them"), where=str(file))
        if not schema.equals(first) or (_geo(schema).get("columns") and _crs(schema) != _crs(first)):
            raise DataError(
                _("the files have not the same columns, types and CRS"),
                fix=_("write them again with one layout; the first file is {file}").format(
                    file=parquet_files(path)[0].name
                ),
                where=str(file),
            )
    assert first is not None, "parquet_files gives one file at least"
    extra = _partitions(path, parquet_files(path)[0])
    return Source(path, None, pa.schema([*first, *extra], metadata=first.metadata))


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Say of what Arrow cannot read or bring to the type that is needed that it is a fault of the file.

    Raises
    ------
    FileError
        With what Arrow says; a disk that fails keeps its own error.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, CptsGeoError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise FileError(
            _("the points cannot be read ({reason})").format(reason=str(error).partition("\n")[0]),
            fix=_("write the file again: points as GeoParquet, numbers as numbers"),
            where=where,
        ) from error


def _arrow_points(layer: gpd.GeoDataFrame) -> pa.Table:
    """Turn a layer into the table that its GeoParquet would hold."""
    import pyarrow as pa

    name = str(layer.geometry.name)
    table = pa.table(layer.to_arrow(index=False, geometry_encoding="WKB"))
    geo = {
        "primary_column": name,
        "columns": {name: {"encoding": "WKB", "crs": layer.crs and layer.crs.to_json_dict()}},
    }
    column = table.schema.get_field_index(name)
    plain = table.set_column(column, name, table.column(name).cast(pa.binary()))
    return plain.replace_schema_metadata({"geo": json.dumps({"version": "1.0.0", **geo})})


def _geo(schema: pa.Schema) -> dict[str, Any]:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        found: dict[str, Any] = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        if not isinstance(found, dict):
            raise TypeError("geo is no JSON object")
        if found:
            pyproj.CRS.from_user_input(found["columns"][found["primary_column"]].get("crs") or CRS_WHEN_SILENT)
            schema.field(found["primary_column"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, CRSError) as error:
        raise DataError(
            _("what the file says of its points (geo) cannot be understood"),
            fix=_("write it again as GeoParquet"),
        ) from error
    return found


def _crs(schema: pa.Schema) -> Any:
    geo = _geo(schema)
    return geo["columns"][geo["primary_column"]].get("crs", CRS_WHEN_SILENT) if geo else None


def position(source: Source, where: str = "") -> Position:
    """Find the coordinates of a table of points: its GeoParquet column, else ``longitude`` and ``latitude`` (WGS 84).

    Raises
    ------
    DataError
        When there are none, or they say no CRS.
    """
    geo = _geo(source.schema)
    if geo:
        crs = _crs(source.schema)
        if crs is None:
            raise DataError(
                _("the points do not say their coordinate reference system (CRS)"),
                fix=_("write them with their CRS (in GeoPandas: points.set_crs(…))"),
                where=where,
            )
        return Position((geo["primary_column"],), crs)
    if set(LONGITUDE_LATITUDE) <= set(source.schema.names):
        return Position(LONGITUDE_LATITUDE, 4326)
    raise DataError(
        _("no column says where the points are; the table has: {columns}").format(
            columns=", ".join(source.schema.names)
        ),
        fix=_("write it as GeoParquet, or name the columns longitude and latitude (degrees, WGS 84)"),
        where=where,
    )


def coordinates(batch: pa.RecordBatch, columns: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of points; missing where a point is missing or empty.

    Parameters
    ----------
    batch
        Rows of a table.
    columns
        As :class:`Position` gives them: WKB, GeoArrow points (a structure of x and y), or two columns of numbers.
    """
    import pyarrow as pa

    if len(columns) == 2:
        return _floats(batch.column(columns[0])), _floats(batch.column(columns[1]))
    column = batch.column(columns[0])
    if pa.types.is_struct(column.type):
        x, y = column.flatten()[:2]
        return _floats(x), _floats(y)
    return _from_wkb(column)


def _floats(column: pa.Array) -> NDArray[np.float64]:
    import pyarrow as pa

    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _from_wkb(column: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read points at once when all are plain WKB (21 bytes, little end first), else one by one."""
    import numpy as np
    import pyarrow as pa
    import shapely

    column = column.cast(pa.large_binary())
    starts = np.frombuffer(column.buffers()[1], dtype="int64")[column.offset : column.offset + len(column) + 1]
    if column.null_count == 0 and len(column) and (np.diff(starts) == WKB_POINT).all():
        raw = np.frombuffer(column.buffers()[2], dtype="uint8")[starts[0] : starts[-1]].reshape(-1, WKB_POINT)
        if (raw[:, :5] == (1, 1, 0, 0, 0)).all():
            values = np.ascontiguousarray(raw[:, 5:]).view("float64")
            return values[:, 0].copy(), values[:, 1].copy()
    try:
        shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise DataError(
            _("some points are not written as GeoParquet points"), fix=_("write the file again as GeoParquet")
        ) from error
    return shapely.get_x(shapes), shapely.get_y(shapes)
