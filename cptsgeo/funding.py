"""Money of the ACI: what each CPTS may receive in a year, by its size class and its stage."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from cptsgeo.parameters import in_force, parameters
from cptsgeo.sizes import CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

LEVELS: tuple[str, ...] = tuple(level["key"] for level in parameters("aci")["level"])


def annual_levels(size_class: Sequence[int] | pd.Series, *, on: date | None = None) -> pd.DataFrame:
    """Return what a CPTS of each class may receive in a year, at the three budget levels.

    Parameters
    ----------
    size_class
        Size classes, 1 to 4, in any order and repeated at will; a missing one gives missing amounts.
    on
        Day of the grid to apply; the latest when not given.

    Returns
    -------
    DataFrame
        One row per class given, in their order, the classes as index (named ``size_class``): ``functioning``,
        ``fixed`` (functioning, every fixed part and the crisis plan at its yearly update) and ``maximum``, in euros a
        year. The grid of 2019 gives the maximum alone; the others are missing.

    References
    ----------
    ACI of 20 June 2019 in favour of CPTS; avenant 2 of 20 December 2021; annual grid presented in March 2024.

    Examples
    --------
    >>> annual_levels([1, 4])
                functioning     fixed   maximum
    size_class
    1               50000.0  165000.0  287500.0
    4               90000.0  330000.0  580000.0
    """
    import pandas as pd

    edition = in_force("aci", on)
    classes = pd.array(list(size_class), dtype="Int64")
    parts = {level["key"]: level["parts"] for level in parameters("aci")["level"]}
    items = edition.get("item", [])
    table = pd.DataFrame(float("nan"), index=pd.Index(CLASSES, dtype="Int64", name="size_class"), columns=list(LEVELS))
    table["maximum"] = [float(amount) for amount in edition["published_maximum"]]
    for level in LEVELS if items else ():
        amounts = [item["amounts"] for item in items if item["part"] in parts[level]]
        table[level] = [float(sum(column)) for column in zip(*amounts, strict=True)]
    return table.reindex(pd.Index(classes, name="size_class"))
