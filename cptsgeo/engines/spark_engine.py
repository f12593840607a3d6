"""Spark: the perimeters are broadcast once, and each worker of the cluster is brought Arrow batches."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.engines import ROWS, missing_engine
from cptsgeo.errors import DataError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Broadcast
    from pyspark.sql import DataFrame

    from cptsgeo.engines import BatchKernel, GroupKernel
    from cptsgeo.point_files import Source

RETRIES = 4
"""Times that a task is tried before the run is given up, on this machine as on a cluster."""

BYTES_PER_TASK = 64 * 1024 * 1024
SETTINGS = {
    "spark.app.name": "cptsgeo",
    "spark.sql.execution.arrow.maxRecordsPerBatch": ROWS,
    "spark.sql.execution.arrow.maxBytesPerBatch": BYTES_PER_TASK,
    "spark.sql.files.maxPartitionBytes": BYTES_PER_TASK,
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.shuffle.partitions": 64,
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
LOCAL: dict[str, Any] = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


class SparkEngine:
    """Work through a table on Spark."""

    def __init__(self, master: str) -> None:
        self.master = master

    def over_batches(
        self, source: Source, columns: Sequence[str], kernel: BatchKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Run the kernel with ``mapInArrow``, a task per 64 MB of files."""

        def asked(rows: DataFrame, shared: Broadcast[BatchKernel]) -> DataFrame:
            def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                from pyspark import TaskContext

                context = TaskContext.get()
                assert context is not None, "Spark runs this in a task"
                yield from shared.value(context.partitionId(), batches)

            return rows.select(*map(_quoted, columns)).mapInArrow(work, _spark_schema(schema))

        yield from self._collected(source, kernel, asked, schema)

    def over_groups(
        self, source: Source, columns: Sequence[str], key: str, kernel: GroupKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Bring the rows of each value to one worker with ``applyInArrow``."""
        kept = list(columns)

        def asked(rows: DataFrame, shared: Broadcast[GroupKernel]) -> DataFrame:
            def work(table: pa.Table) -> pa.Table:
                return shared.value(table.select(kept))

            present = rows.where(rows[_quoted(key)].isNotNull())
            wanted = present.select(*map(_quoted, dict.fromkeys([key, *columns])))
            return wanted.groupBy(_quoted(key)).applyInArrow(work, _spark_schema(schema))

        yield from self._collected(source, kernel, asked, schema)

    def _collected(
        self, source: Source, kernel: Any, asked: Callable[[DataFrame, Any], DataFrame], schema: pa.Schema
    ) -> list[pa.RecordBatch]:
        """Broadcast the kernel, run, and bring the result here; without PySpark's word on a pandas newer than it knows."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            try:
                session = self._session()
                shared = session.sparkContext.broadcast(kernel)
                try:
                    table = asked(_rows(session, source), shared).toArrow()
                finally:
                    shared.destroy()
            except (PySparkException, Py4JError) as error:
                raise DataError(
                    _("Spark gave the job up: {reason}").format(reason=str(error).strip().splitlines()[0]),
                    fix=_("read its log; check the address of the master, and that every machine sees the files"),
                    where=self.master,
                ) from error
        return list(table.cast(schema).to_batches())

    def _session(self) -> Any:
        from pyspark.sql import SparkSession

        here = self.master.startswith("local")
        if here:
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master(self.master)
        for name, value in {**SETTINGS, **(LOCAL if here else {})}.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        return session


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _rows(session: Any, source: Source) -> Any:
    if source.path is None:
        return session.createDataFrame(source.table)
    return session.read.parquet(str(source.path.resolve()))


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def make(workers: int | None, master: str | None) -> SparkEngine:
    """Return the engine; an error says what to install where PySpark or Java is missing."""
    java = _("Spark also needs Java 17 or newer (Debian: apt install openjdk-17-jre-headless).")
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise missing_engine("spark", "spark", java) from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise missing_engine("java", "spark", java)
    return SparkEngine(master or f"local[{workers or '*'},{RETRIES}]")
