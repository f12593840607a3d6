"""Every reader answers or refuses with a CptsGeoError whatever a file holds: no traceback, no hang, no flood of memory.

Each reader runs in a process of its own, which a crash or an endless loop cannot take the tests down with. A failure names a
seed: ``CPTSGEO_FUZZ_SEED=... pytest tests/scale/test_fuzz.py -k ...`` makes the same file again.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, seed, settings
from hypothesis import strategies as st

from cptsgeo.errors import CptsGeoError
from tests.scale.damage import damaged
from tests.scale.readers import READERS

EXAMPLES = int(os.environ.get("CPTSGEO_FUZZ", "3"))
SECONDS = 20.0
"""Of the processor, for one file; a busy machine takes nothing of them."""
STUCK = 120.0
"""On the clock, after which no answer will come."""
MEGABYTES = 1_000
ADDRESS_SPACE = 12 << 30


@cache
def _originals() -> dict[str, list[tuple[str, bytes]]]:
    """Write the valid files of every reader once: names and contents of the file and of what lies beside it."""
    written = {}
    for name, reader in READERS.items():
        with tempfile.TemporaryDirectory() as folder:
            reader.write(Path(folder) / reader.file)
            files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
            written[name] = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]
    return written


def _attempt(name: str, number: int) -> tuple[str, str]:
    """Damage the file of a reader as a number says, and read it; return the way, and what went wrong if anything did."""
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CPTSGEO_DATA"] = str(Path(folder) / "data")
        for relative, content in _originals()[name]:
            target = Path(folder) / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        others = [files[0][1] for files in _originals().values()]
        way = damaged(Path(folder) / reader.file, others, Random(number)) if number else "nothing"
        try:
            reader.read(Path(folder) / reader.file)
        except CptsGeoError as error:
            return way, "" if number else f"the valid file is refused: {error}"
        except BaseException:
            return way, traceback.format_exc()
    return way, ""


def _serve(pipe: Connection) -> None:
    """Answer attempts until the other side hangs up."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    _originals()
    while True:
        try:
            name, number = pipe.recv()
        except EOFError:
            return
        begin = time.process_time()
        answer = _attempt(name, number)
        pipe.send((*answer, time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


class Worker:
    """Run attempts in another process; a new one takes the place of one that died, hung or grew."""

    def __init__(self) -> None:
        self.process: Any = None

    def start(self) -> None:
        """Start the process, and let it read one valid file, which imports what reading needs."""
        context = multiprocessing.get_context("forkserver")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()
        self.peak = 0.0

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None

    def attempt(self, name: str, number: int) -> tuple[str, str]:
        """Run one attempt within its time and memory; return the way, and what went wrong."""
        if self.process is None:
            self.start()
        if self.peak == 0.0 and number:
            self.attempt(name, 0)
        self.pipe.send((name, number))
        if not self.pipe.poll(STUCK):
            self.stop()
            return "?", f"no answer after {STUCK:.0f} s"
        try:
            way, wrong, seconds, peak = self.pipe.recv()
        except EOFError:
            code = self.process.join() or self.process.exitcode
            self.stop()
            return "?", f"the process died ({code})"
        grown, self.peak = peak - self.peak if self.peak else 0.0, peak
        if seconds > SECONDS and number:
            wrong = wrong or f"{seconds:.0f} s of processor"
        if grown > MEGABYTES:
            self.stop()
            wrong = wrong or f"the memory grew by {grown:.0f} MB"
        return way, wrong


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    served = Worker()
    yield served
    served.stop()


@pytest.mark.parametrize("name", READERS)
def test_a_reader_answers_or_refuses_whatever_a_file_holds(worker: Worker, name: str) -> None:
    @seed(name)
    @settings(max_examples=EXAMPLES, database=None, derandomize=False)
    @given(st.integers(1, 2**31))
    @example(0)
    def read(number: int) -> None:
        way, wrong = worker.attempt(name, int(os.environ.get("CPTSGEO_FUZZ_SEED", number)))
        assert not wrong, f"{name}, seed {number}, {way}:\n{wrong}"

    read()
