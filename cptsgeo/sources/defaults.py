"""What is pulled, in the place of what the user does not give; else the embedded data serve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.sources.catalogue import sources
from cptsgeo.sources.store import resolve_all

if TYPE_CHECKING:
    from cptsgeo.study import Inputs

COMMUNES = ("populations", "populations-mayotte")
CONTOURS = ("admin-express", "arrondissements-municipaux")
DENSITY = "density"
PERIMETERS = ("cpts-paca",)


def with_pulled(inputs: Inputs) -> tuple[Inputs, tuple[str, ...]]:
    """Fill the inputs that are empty with what is pulled.

    Populations serve only when both files are there, for the national one has no Mayotte. A list of CPTS brings its
    scope along (``scope`` in the catalogue), unless another one is given.

    Returns
    -------
    Inputs
        With the paths of pulled files.
    tuple of str
        Names of the sources that serve.

    Raises
    ------
    FileError
        For a pulled file that was removed or changed.
    """
    from cptsgeo.scope import parse_scope

    used: list[str] = []
    if not inputs.communes and all(resolve_all(name) for name in COMMUNES):
        inputs = replace(inputs, communes=_files(COMMUNES, used))
    if not inputs.contours and resolve_all(CONTOURS[0]):
        inputs = replace(inputs, contours=_files(CONTOURS, used))
    if inputs.density is None and resolve_all(DENSITY):
        inputs = replace(inputs, density=_files((DENSITY,), used)[0])
    pulled = [name for name in PERIMETERS if resolve_all(name)]
    if inputs.perimeters is None and pulled:
        inputs = replace(
            inputs,
            perimeters=_files(pulled[:1], used)[0],
            scope=inputs.scope or parse_scope(sources()[pulled[0]].scope),
        )
    return inputs, tuple(used)


def _files(names: tuple[str, ...] | list[str], used: list[str]) -> tuple[Path, ...]:
    files = [(name, path) for name in names for path in resolve_all(name)]
    used += dict.fromkeys(name for name, _path in files)
    return tuple(path for _name, path in files)
