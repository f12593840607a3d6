"""DuckDB: reads folders larger than memory, sorts and groups them on disk, and brings Arrow batches to the kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cptsgeo.engines import missing_engine
from cptsgeo.engines.local_engine import BATCH, LocalEngine

if TYPE_CHECKING:
    import pyarrow as pa

    from cptsgeo.engines import GroupKernel
    from cptsgeo.point_files import Source


class DuckdbEngine(LocalEngine):
    """Read with DuckDB, and work in this process."""

    def batches(self, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the columns, in the order of DuckDB."""
        with self._rows(source) as rows:
            yield from rows.project(_names(columns)).to_arrow_reader(BATCH)

    def over_groups(
        self, source: Source, columns: Sequence[str], key: str, kernel: GroupKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Sort by the key, on disk where memory is short, and run the kernel whenever its value changes."""
        with self._rows(source) as rows:
            ordered = rows.project(_names([key, *columns])).filter(f"{_names([key])} IS NOT NULL")
            for table in _runs(ordered.order(_names([key])).to_arrow_reader(BATCH), key):
                yield from kernel(table.select(list(columns))).to_batches()

    @contextmanager
    def _rows(self, source: Source) -> Iterator[Any]:
        """Open a table; partitions are text."""
        import duckdb

        with duckdb.connect(config={"threads": self.workers, "preserve_insertion_order": False}) as database:
            if source.path is None:
                yield database.from_arrow(source.table)
                return
            from cptsgeo.point_files import parquet_files

            files = [str(file) for file in parquet_files(source.path)]
            yield database.sql(
                "SELECT * FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)",
                params={"files": files},
            )


def _names(columns: Sequence[str]) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in columns)


def _runs(batches: Iterator[pa.RecordBatch], key: str) -> Iterator[pa.Table]:
    """Cut sorted batches where the key changes."""
    import numpy as np
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        values = batch[key].to_numpy(zero_copy_only=False)
        bounds = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
        for start, end in pairwise(bounds):
            if held and start < len(values) and held[0][key][0].as_py() != values[start]:
                yield pa.Table.from_batches(held)
                held = []
            if end > start:
                held.append(batch.slice(start, end - start))
    if held:
        yield pa.Table.from_batches(held)


def make(workers: int | None, master: str | None) -> DuckdbEngine:
    """Return the engine; an error names the extra where DuckDB is not installed."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise missing_engine("duckdb", "scale") from None
    return DuckdbEngine(workers or os.cpu_count() or 1)
