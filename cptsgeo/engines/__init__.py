"""Where large tables are worked through: this process, DuckDB, or a Spark cluster; one contract, the same answers.

An engine brings the rows of a table to a function, in pieces, and takes what it returns. The function does the work
and is the same everywhere, which is why the answers are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa

    from cptsgeo.point_files import Source

    BatchKernel = Callable[[int, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
    GroupKernel = Callable[[pa.Table], pa.Table]

ENGINES = ("local", "duckdb", "spark")

ROWS = 1_000_000
"""Rows that a kernel is given at once: fewer, and each polygon is asked too often; more, and memory grows for nothing."""


class Engine(Protocol):
    """Say what an engine can do."""

    def over_batches(
        self, source: Source, columns: Sequence[str], kernel: BatchKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Run a kernel over every row once, in any order and grouping.

        Parameters
        ----------
        source
            The table.
        columns
            Those that the kernel reads.
        kernel
            Called with the number of a task and its batches; a task that is lost is run again with the same number.
        schema
            Of the batches that the kernel returns.
        """

    def over_groups(
        self, source: Source, columns: Sequence[str], key: str, kernel: GroupKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Run a kernel once per value of a column, with all the rows that have it."""


def open_engine(name: str, *, workers: int | None = None, master: str | None = None) -> Engine:
    """Return an engine.

    Parameters
    ----------
    name
        One of :data:`ENGINES`.
    workers
        Threads of ``local`` and ``duckdb``, cores of a local ``spark``; all the cores of the machine when not given.
    master
        Address of a Spark master (``spark://host:7077``, ``yarn``, ``k8s://…``); this machine when not given.

    Raises
    ------
    UsageError
        For an unknown engine, one that is not installed (the message names the extra, and Java for Spark), or a
        master given to another engine than Spark.

    Examples
    --------
    >>> type(open_engine("local", workers=2)).__name__
    'LocalEngine'
    """
    if name not in ENGINES:
        raise UsageError(
            _("{name!r} is not an engine").format(name=name),
            fix=_("choose one of: {choices}").format(choices=", ".join(ENGINES)),
            where="--engine",
        )
    if master is not None and name != "spark":
        raise UsageError(
            _("a master is an address of Spark, and the engine is {name}").format(name=name),
            fix=_("add --engine spark, or leave --master out"),
            where="--master",
        )
    made: Engine = import_module(f"cptsgeo.engines.{name}_engine").make(workers, master)
    return made


def missing_engine(name: str, extra: str, more: str = "") -> UsageError:
    """Return the error of an engine that is not installed."""
    fix = _('install it: pip install "cptsgeo[{extra}]"').format(extra=extra)
    return UsageError(
        _("the engine {name} is not installed").format(name=name), fix=f"{fix} {more}".strip(), where="--engine"
    )


def gathered(batches: Iterator[pa.RecordBatch], rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Put batches together until each holds about as many rows as asked; none is empty."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            held.append(batch)
        if sum(one.num_rows for one in held) >= rows:
            yield pa.concat_batches(held)
            held = []
    if held:
        yield pa.concat_batches(held)
