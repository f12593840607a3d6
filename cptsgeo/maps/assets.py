"""The vendored JavaScript, CSS, fonts and images, and the addresses that they stand in for."""

from __future__ import annotations

import base64
import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class VendoredFile:
    """One vendored file: its name, its package, and the addresses it replaces (``*`` stands for a version)."""

    name: str
    package: str
    version: str
    licence: str
    replaces: tuple[str, ...]


def _folder() -> Traversable:
    return files("cptsgeo.maps")


@cache
def vendored() -> tuple[VendoredFile, ...]:
    """Return the index of vendored files.

    Examples
    --------
    >>> next(file.version for file in vendored() if file.name == "leaflet.js")
    '1.9.4'
    """
    index = tomllib.loads((_folder() / "vendor" / "vendor.toml").read_text(encoding="utf-8"))
    return tuple(
        VendoredFile(file["file"], package["name"], package["version"], package["licence"], tuple(file["replaces"]))
        for package in index["package"]
        for file in package["file"]
    )


def stand_in(url: str) -> str | None:
    """Return the vendored file that stands in for an address, or None.

    Examples
    --------
    >>> stand_in("https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js")
    'leaflet.js'
    >>> stand_in("https://example.org/other.js") is None
    True
    """
    for file in vendored():
        if any(fnmatchcase(url, pattern) for pattern in file.replaces):
            return file.name
    return None


@cache
def vendored_text(name: str) -> str:
    """Read a vendored script or style sheet."""
    return (_folder() / "vendor" / name).read_text(encoding="utf-8")


@cache
def vendored_data_uri(name: str) -> str:
    """Write a vendored PNG image as a data URI."""
    data = (_folder() / "vendor" / name).read_bytes()
    return "data:image/png;base64," + base64.b64encode(data).decode()


@cache
def own_text(name: str) -> str:
    """Read one of our own scripts or style sheets from ``cptsgeo/maps/js``."""
    return (_folder() / "js" / name).read_text(encoding="utf-8")


@cache
def bootstrap_classes() -> frozenset[str]:
    """Return every class name that Bootstrap's style sheet knows."""
    return frozenset(re.findall(r"\.([a-zA-Z][\w-]*)", vendored_text("bootstrap.css")))
