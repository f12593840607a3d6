"""Simplified outlines kept on disk: the second page of the same communes is drawn without simplifying them again.

The name of a file is the digest of the outlines, of the tolerances, and of the program and the library that simplify, so
that nothing stale is ever read. A file that cannot be read or written is as good as none.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import shapely

from cptsgeo.files import whole_file
from cptsgeo.maps.topology_type import Topology

ENOUGH = 2000
"""Units from which on keeping is worth it: below, simplifying takes less than a second."""
KEPT = 12
"""Files that the folder holds at most; the oldest go first."""
OFF = "off"


def cache_folder() -> Path | None:
    """Return the folder of the cache: ``CPTSGEO_CACHE`` (``off``: none), else the user's folder of caches (platformdirs)."""
    chosen = os.environ.get("CPTSGEO_CACHE")
    if chosen == OFF:
        return None
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("cptsgeo")


def cache_file(digest: bytes, tolerances: Sequence[float], bits: int) -> Path | None:
    """Return where the topology of some outlines is kept."""
    folder = cache_folder()
    program = Path(__file__).with_name("topology.py").read_bytes()
    choices = repr((tuple(tolerances), bits, shapely.geos_version)).encode()
    key = hashlib.sha256(digest + choices + program).hexdigest()
    return folder / f"outlines-{key[:40]}.npz" if folder else None


def load(path: Path) -> Topology | None:
    """Read a topology that was kept; None when there is none that can be read."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            numbers = {one.name: kept[one.name] for one in fields(Topology)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    bits, levels = int(numbers.pop("bits")), int(numbers.pop("levels"))
    return Topology(bits, levels, **{name: values.astype(np.int64) for name, values in numbers.items()})


def store(path: Path, topology: Topology) -> None:
    """Keep a topology, in the smallest integers that hold it; a disk that is full or closed is no error."""
    arrays = {one.name: np.asarray(getattr(topology, one.name)) for one in fields(Topology)}
    small = {name: values.astype(np.min_scalar_type(int(values.max(initial=0)))) for name, values in arrays.items()}
    with suppress(OSError):
        with whole_file(path, overwrite=True) as part, part.open("wb") as file:
            np.savez_compressed(file, **small)  # type: ignore[arg-type]
        newest_first = sorted(path.parent.glob("outlines-*.npz"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in newest_first[KEPT:]:
            old.unlink(missing_ok=True)
