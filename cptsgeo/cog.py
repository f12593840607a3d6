"""Code officiel géographique: bring codes from before mergers to the units of today."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cptsgeo.embedded import embedded

if TYPE_CHECKING:
    import pandas as pd


@cache
def _former_codes() -> pd.Series:
    import pandas as pd

    table = pd.read_parquet(embedded("communes/communes.parquet"), columns=["insee_code", "former_codes"])
    return table.explode("former_codes").dropna().set_index("former_codes")["insee_code"].astype("str")


def former_codes() -> pd.Series:
    """Return today's unit of every code that a merger or a change of code ended, indexed by the former code.

    Examples
    --------
    >>> former_codes()["01340"]
    '01015'
    """
    return _former_codes().copy()


def ambiguous_former_codes() -> frozenset[str]:
    """Return the former codes whose territory now belongs to several units: no one can be chosen."""
    import pandas as pd

    table = pd.read_csv(embedded("communes/ambiguous_former_codes.csv"), dtype="str")
    return frozenset(table["former_code"])


def recode(codes: pd.Series, current: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    """Replace codes from before mergers by today's, and say which.

    Parameters
    ----------
    codes
        INSEE codes of any year, any index.
    current
        The codes of today's units; a code among them is left as it is.

    Returns
    -------
    Series
        The codes of today, same index; a code that is neither of today nor a known former one is left as it is.
    DataFrame
        One row per replaced row, same index: ``former_code``, ``insee_code``.

    References
    ----------
    INSEE, code officiel géographique of 1 January 2026, through ``@etalab/decoupage-administratif``.

    Examples
    --------
    >>> import pandas as pd
    >>> new, changes = recode(pd.Series(["01001", "01340"]), pd.Series(["01001", "01015"]))
    >>> new.tolist(), changes["former_code"].tolist()
    (['01001', '01015'], ['01340'])
    """
    import pandas as pd

    former = _former_codes()
    old = ~codes.isin(current) & codes.isin(former.index)
    replaced = codes.where(~old, codes.map(former))
    return replaced, pd.DataFrame({"former_code": codes[old], "insee_code": replaced[old]})
