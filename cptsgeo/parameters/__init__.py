"""Law and conventions as dated data: size classes, stages, density, known holes in the map."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _, current_language, day


@cache
def parameters(name: str) -> dict[str, Any]:
    """Read one parameter file, such as ``stages``.

    Examples
    --------
    >>> [stage["key"] for stage in parameters("stages")["stage"]]
    ['pre_projet', 'lettre_intention', 'projet_valide', 'aci_signe']
    """
    return tomllib.loads((files("cptsgeo.parameters") / f"{name}.toml").read_text(encoding="utf-8"))


def in_force(name: str, on: date | None = None) -> dict[str, Any]:
    """Return the edition of a dated parameter in force on a day; the latest one when no day is given.

    Raises
    ------
    UsageError
        For a day before the first edition.

    Examples
    --------
    >>> in_force("size_classes", date(2023, 1, 1))["upper_bounds"]
    [40000, 80000, 175000]
    """
    editions = sorted(parameters(name)["edition"], key=lambda edition: edition["valid_from"])
    valid = [edition for edition in editions if on is None or edition["valid_from"] <= on]
    if not valid:
        raise UsageError(
            _("the parameter {name} has no edition in force on {day}").format(name=name, day=on and day(on)),
            fix=_("give a date from {day} on").format(day=day(editions[0]["valid_from"])),
        )
    edition: dict[str, Any] = valid[-1]
    return edition


def labels(name: str) -> dict[str, str]:
    """Return the labels of a nomenclature, key to text, in the reader's language and in its own order.

    Examples
    --------
    >>> labels("stages")["aci_signe"]
    'ACI signé'
    """
    entries = next(value for value in parameters(name).values() if isinstance(value, list))
    return {str(entry["key"]): entry[current_language()] for entry in entries}
