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


def with_pulled(inputs: Inputs) -> Inputs:
    """Fill the inputs that are empty with what is pulled.

    Populations serve only when both files are there, for the national one has no Mayotte. A list of CPTS brings its
    scope along (``scope`` in the catalogue), unless another one is given.

    Raises
    ------
    FileError
        For a pulled file that was removed or changed.
    """
    from cptsgeo.scope import parse_scope

    if not inputs.communes and all(resolve_all(name) for name in COMMUNES):
        inputs = replace(inputs, communes=_files(COMMUNES))
    if not inputs.contours and resolve_all(CONTOURS[0]):
        inputs = replace(inputs, contours=_files(CONTOURS))
    if inputs.density is None and resolve_all(DENSITY):
        inputs = replace(inputs, density=resolve_all(DENSITY)[0])
    pulled = [name for name in PERIMETERS if resolve_all(name)]
    if inputs.perimeters is None and pulled:
        inputs = replace(
            inputs,
            perimeters=resolve_all(pulled[0])[0],
            scope=inputs.scope or parse_scope(sources()[pulled[0]].scope),
        )
    return inputs


def _files(names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for name in names for path in resolve_all(name))
