"""This process: batches read by Arrow, a kernel on each core, a few batches in memory at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from cptsgeo.engines import ROWS, gathered

if TYPE_CHECKING:
    import pyarrow as pa

    from cptsgeo.engines import BatchKernel, GroupKernel
    from cptsgeo.point_files import Source

BATCH = 131_072
READAHEAD = 2


class LocalEngine:
    """Work through a table in this process."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def over_batches(
        self, source: Source, columns: Sequence[str], kernel: BatchKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Run the kernel on pieces of :data:`cptsgeo.engines.ROWS` rows."""
        yield from self.threaded(self.batches(source, columns), kernel)

    def over_groups(
        self, source: Source, columns: Sequence[str], key: str, kernel: GroupKernel, schema: pa.Schema
    ) -> Iterator[pa.RecordBatch]:
        """Read the rows of one value after the other; of a partitioned folder, that is one subfolder each."""
        import pyarrow.compute as pc
        import pyarrow.dataset as ds

        dataset = source.dataset()
        found = {value for batch in dataset.to_batches(columns=[key]) for value in pc.unique(batch[key]).to_pylist()}
        for value in sorted(found - {None}):
            rows = dataset.to_table(columns=list(columns), filter=ds.field(key) == value)
            yield from kernel(rows).to_batches()

    def batches(self, source: Source, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the columns in order."""
        yield from source.dataset().to_batches(
            columns=list(columns), batch_size=BATCH, batch_readahead=READAHEAD, fragment_readahead=1
        )

    def threaded(self, batches: Iterator[pa.RecordBatch], kernel: BatchKernel) -> Iterator[pa.RecordBatch]:
        """Keep every worker busy, and no more batches waiting than there are workers."""
        waiting: deque[Future[list[pa.RecordBatch]]] = deque()
        with ThreadPoolExecutor(self.workers) as pool:
            for number, batch in enumerate(gathered(batches, ROWS)):
                if len(waiting) > self.workers:
                    yield from waiting.popleft().result()
                waiting.append(pool.submit(lambda number, batch: list(kernel(number, iter([batch]))), number, batch))
            while waiting:
                yield from waiting.popleft().result()


def make(workers: int | None, master: str | None) -> LocalEngine:
    """Return the engine."""
    return LocalEngine(workers or os.cpu_count() or 1)
