"""IRIS, INSEE's parts of communes: a list of them becomes shares of communes, to the inhabitant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.apportionment import apportion
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import pandas as pd

CODE_IRIS = re.compile(r"(?:\d{2}|2[AB])\d{7}")
UNDIVIDED = "0000"
ALIASES = {
    "code_iris": ("iris", "codeiris", "dcomiris"),
    "population": ("pop", "p23_pop", "p22_pop", "p21_pop", "p20_pop", "p19_pop"),
}


def is_iris_list(table: TextTable) -> bool:
    """Tell whether a table lists IRIS: it has a column ``code_iris``."""
    return "code_iris" in table.rows.columns


def read_iris_populations(path: Path | str) -> pd.Series:
    """Read the population of each IRIS.

    Parameters
    ----------
    path
        CSV or XLSX with ``code_iris`` and ``population``, or INSEE's *base infracommunale* (``IRIS``, ``P22_POP``).

    Returns
    -------
    Series
        Inhabitants, which INSEE gives with decimals, by ``code_iris``, sorted.

    Raises
    ------
    DataError
        With every malformed or repeated code and every population that is missing or below zero.
    """
    import pandas as pd

    table = read_table(path, header_has=["code_iris", *ALIASES["code_iris"]]).renamed(
        ALIASES, required=["code_iris", "population"]
    )
    codes = table.rows["code_iris"]
    counts = pd.to_numeric(table.rows["population"], errors="coerce")
    wrong = counts.isna() | (counts < 0)
    raise_errors(
        _malformed(table)
        + [
            Finding(
                "unit_repeated",
                "error",
                _("{code} is there more than once").format(code=codes[row]),
                _("keep one row per unit"),
                table.file,
                int(row),
                "code_iris",
                codes[row],
            )
            for row in codes.index[codes.duplicated()]
        ]
        + [
            Finding(
                "population_wrong",
                "error",
                _("the population of {code} is missing").format(code=codes[row]),
                _("give the number of inhabitants, 0 for an uninhabited IRIS"),
                table.file,
                int(row),
                "population",
                table.rows["population"][row],
            )
            for row in codes.index[wrong]
        ]
    )
    return pd.Series(counts.astype("float64").to_numpy(), index=codes.to_numpy(), name="population").sort_index()


def _malformed(table: TextTable) -> list[Finding]:
    codes = table.rows["code_iris"]
    return [
        Finding(
            "iris_malformed",
            "error",
            _("{code} is not the code of an IRIS (nine characters, such as 751010101 or 2A0040101)").format(
                code=codes[row] or _("an empty cell")
            ),
            _("give the whole code as text: that of the commune, then the four characters of the IRIS"),
            table.file,
            int(row),
            "code_iris",
            codes[row],
        )
        for row in codes.index[~codes.map(lambda code: CODE_IRIS.fullmatch(code) is not None)]
    ]


def iris_shares(
    table: TextTable, communes: pd.DataFrame, populations: pd.Series | None
) -> tuple[TextTable, list[Finding]]:
    """Turn a list of IRIS into a list of communes with shares.

    A commune keeps its census population N: it is divided between all its IRIS by their populations, to the
    inhabitant, and a CPTS has the sum over its IRIS. A commune that INSEE does not divide (``0000``) is whole.

    Parameters
    ----------
    table
        ``code_iris`` and the columns that name the CPTS.
    communes
        Units of today.
    populations
        As :func:`read_iris_populations` returns them.

    Returns
    -------
    TextTable
        ``insee_code``, ``share``, ``method`` (``iris``) and the other columns; one row per CPTS and commune, under
        the row of its first IRIS.
    list of Finding
        Malformed, unknown and repeated IRIS, and those whose share no population tells.

    Notes
    -----
    ``share = sum over the IRIS of the CPTS of (largest remainder of N x population of the IRIS / sum over the IRIS
    of the commune) / N``.
    """
    import pandas as pd

    findings = _malformed(table)
    rows = table.rows.drop(index=[finding.row for finding in findings])
    rows = rows.assign(insee_code=rows["code_iris"].str[:5])
    divided = ~rows["code_iris"].str.endswith(UNDIVIDED)
    known = rows["insee_code"].isin(communes["insee_code"])
    listed = pd.Series(False, rows.index) if populations is None else rows["code_iris"].isin(populations.index)
    for row in rows.index[divided & ~(known & listed)]:
        code, commune = rows.loc[row, "code_iris"], rows.loc[row, "insee_code"]
        findings.append(
            Finding(
                "iris_unknown",
                "error",
                _("the commune {commune} of the IRIS {code} is not in the table of communes").format(
                    commune=commune, code=code
                )
                if not known[row]
                else _("no population is known for {codes}").format(codes=code),
                _("give IRIS of today's communes: an IRIS of a former commune is no share of the new one")
                if not known[row]
                else _("give the populations of all the IRIS of the commune with --iris (INSEE, base infracommunale)"),
                table.file,
                int(row),
                "code_iris",
                str(code),
            )
        )
    census = communes.set_index("insee_code")["population"]
    counts = {} if populations is None else _counts(populations, census, set(rows.loc[divided & known, "insee_code"]))
    owner = [name for name in ("cpts_id", "cpts_name") if name in rows.columns]
    repeated = rows.duplicated([*owner, "code_iris"])
    findings += [
        Finding(
            "membership_repeated",
            "warning",
            _("{code} is there more than once for one CPTS: counted once").format(code=rows.loc[row, "code_iris"]),
            _("remove the repeated row"),
            table.file,
            int(row),
            "code_iris",
            str(rows.loc[row, "code_iris"]),
        )
        for row in rows.index[repeated]
    ]
    kept = rows[(~divided | (known & listed)) & ~repeated]
    inhabitants = [
        int(census.get(code[:5], 1)) if code.endswith(UNDIVIDED) else counts[code] for code in kept["code_iris"]
    ]
    totals = kept["insee_code"].map(census).astype("float64").fillna(1.0)
    share = (pd.Series(inhabitants, kept.index, dtype="float64") / totals).where(totals > 0, 1.0)
    grouped = kept.assign(part=share).groupby([*owner, "insee_code"])["part"].transform("sum").clip(upper=1.0)
    shared = kept.assign(share=[repr(float(value)) for value in grouped], method="iris")
    first = ~kept.duplicated([*owner, "insee_code"]).to_numpy(dtype=bool) & (grouped > 0).to_numpy(dtype=bool)
    return TextTable(table.file, shared.loc[first]), findings


def _counts(populations: pd.Series, census: pd.Series, communes: set[str]) -> dict[str, int]:
    """Divide the census population of communes between all their IRIS."""
    counts: dict[str, int] = {}
    prefix = populations.index.str[:5].to_numpy()
    for commune, parts in populations.groupby(prefix):
        if commune not in communes:
            continue
        total = int(census[commune])
        divided = apportion(total, parts.to_numpy()) if parts.sum() > 0 else [0] * len(parts)
        counts |= {str(code): int(count) for code, count in zip(parts.index, divided, strict=True)}
    return counts
