"""Workbooks written by other processes while this one draws pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from cptsgeo.export import xlsx_bytes
from cptsgeo.i18n import current_language, language

if TYPE_CHECKING:
    import pandas as pd

    from cptsgeo.i18n import Language

    Tables = dict[str, pd.DataFrame]
    Start = Callable[[Tables], Callable[[], bytes]]


@contextmanager
def workbooks(processes: int) -> Iterator[Start]:
    """Give a function that starts a workbook, and returns how to wait for its bytes.

    Parameters
    ----------
    processes
        How many may work, this one included. With one, or where no other may be started or lives on, each workbook is
        written when it is waited for: the bytes are the same.
    """
    if processes < 2:
        yield lambda tables: partial(xlsx_bytes, tables)
        return
    pool = ProcessPoolExecutor(processes - 1, mp_context=get_context("spawn"))

    def start(tables: Tables) -> Callable[[], bytes]:
        try:
            job = pool.submit(_written, tables, current_language())
        except (BrokenProcessPool, OSError):
            return partial(xlsx_bytes, tables)

        def wait() -> bytes:
            try:
                return job.result()
            except BrokenProcessPool:
                return xlsx_bytes(tables)

        return wait

    try:
        yield start
    finally:
        pool.shutdown(cancel_futures=True)


def _written(tables: Tables, lang: Language) -> bytes:
    with language(lang):
        return xlsx_bytes(tables)
