"""See who is covered by a CPTS in France, by what stage and size, and where the white zones are.

The modules are the table of contents; each is loaded when it is first used, so that ``import cptsgeo`` costs nothing.

Examples
--------
>>> import cptsgeo
>>> communes = cptsgeo.communes.read_communes()
>>> perimeters = cptsgeo.perimeters.read_perimeters(None, communes)
>>> inside = cptsgeo.scope.in_scope(communes, cptsgeo.scope.parse_scope("departement=973"))
>>> rates = cptsgeo.coverage.coverage(communes, perimeters, in_scope=inside)
>>> rates.loc[0, ["population", "population_covered"]].tolist()
[293996, 153884]
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def __getattr__(name: str) -> Any:
    """Load a module of the package when it is first named."""
    if name.startswith("_") or find_spec(f"cptsgeo.{name}") is None:
        raise AttributeError(f"module 'cptsgeo' has no attribute {name!r}")
    return import_module(f"cptsgeo.{name}")
