"""Where the data that ships with cptsgeo lies, installed or in a checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("cptsgeo")))


def embedded(name: str) -> Path:
    """Return the path of an embedded file, such as ``communes/communes.parquet``.

    Examples
    --------
    >>> embedded("communes/communes.parquet").is_file()
    True
    """
    installed = PACKAGE / "_data"
    return (installed if installed.is_dir() else PACKAGE.parent / "data") / name
