"""Read what is known of the need of units, and other weights for its score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.codes import CITY_ARRONDISSEMENTS
from cptsgeo.cog import recode
from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.communes import bad_codes
from cptsgeo.errors import DataError, FileError, Finding, raise_errors, unreadable
from cptsgeo.i18n import _
from cptsgeo.names import fold
from cptsgeo.need import checked_weights, components
from cptsgeo.tabular import TextTable, read_table
from cptsgeo.toml_files import read_toml

if TYPE_CHECKING:
    import pandas as pd

CODE_NAMES = (*COMMUNE_ALIASES["insee_code"], "code_cog", *(f"code_cog{year}" for year in range(2017, 2036)))


def read_need(paths: Sequence[Path | str], communes: pd.DataFrame, *, on: date | None = None) -> pd.DataFrame:
    """Read what is known of the need of units.

    Codes from before mergers become today's; a category or a fraction of Paris, Lyon or Marseille goes to its
    arrondissements. :func:`parse_need` tells which.

    Parameters
    ----------
    paths
        CSV, XLSX or Parquet with ``insee_code`` and at least one component (``zoning``, ``apl``, ``share_75``,
        ``qpv_population``, ``qpv_count``, ``ald_prevalence``; other usual names are understood), or the GeoJSON of
        the QPV (``insee_com``, ``code_qp``), which gives ``qpv_count``. Several files are joined by unit; a unit
        that a file lacks is missing there, not 0.
    communes
        All units, as :func:`cptsgeo.communes.read_communes` returns them.

    Returns
    -------
    DataFrame
        One row per unit of ``communes`` in its order: ``insee_code`` and the components that the files have.

    Raises
    ------
    DataError
        With every unknown or repeated code and every value out of its range.
    """
    table, findings = parse_need(paths, communes, on=on)
    raise_errors(findings)
    return table


def parse_need(
    paths: Sequence[Path | str], communes: pd.DataFrame, *, on: date | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read as :func:`read_need`, and return what was found: errors, and what was recoded or left missing."""
    listed = components(on)
    findings: list[Finding] = []
    result = communes[["insee_code"]].reset_index(drop=True)
    origin: dict[str, str] = {}
    for path in map(Path, paths):
        table = _qpv_points(path) if path.suffix.lower() in {".geojson", ".json"} else read_table(path)
        table = table.renamed(
            {"insee_code": CODE_NAMES, **{entry["key"]: tuple(entry["names"]) for entry in listed}},
            required=["insee_code"],
        )
        present = [entry for entry in listed if entry["key"] in table.rows.columns]
        if not present:
            findings.append(
                Finding(
                    "need_without_component",
                    "error",
                    _("no column is a component of need; the file has: {columns}").format(
                        columns=", ".join(map(str, table.rows.columns))
                    ),
                    _("name at least one of: {components}").format(
                        components=", ".join(entry["key"] for entry in listed)
                    ),
                    table.file,
                )
            )
        rows = _resolved(table, communes, [entry for entry in present if entry["form"] == "count"], findings)
        for entry in present:
            key = entry["key"]
            if key in origin:
                findings.append(
                    Finding(
                        "need_component_twice",
                        "error",
                        _("{component} is in {one} and in {other}").format(
                            component=key, one=origin[key], other=table.file
                        ),
                        _("keep it in one file"),
                        table.file,
                        column=key,
                    )
                )
                continue
            origin[key] = table.file
            result[key] = _values(rows, entry, table.file, communes, findings)
    return result, findings


def _qpv_points(path: Path) -> TextTable:
    """Count the QPV of each commune in the GeoJSON of their centroids; a cell may list several codes."""
    import pandas as pd

    try:
        features = json.loads(path.read_text("utf-8"))["features"]
        found = [(str(f["properties"]["insee_com"]), str(f["properties"]["code_qp"])) for f in features]
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise FileError(
            _("the file is not the GeoJSON of the QPV"),
            fix=_("give points with the properties insee_com and code_qp, or a table with insee_code and qpv_count"),
            where=path.name,
        ) from error
    codes = pd.DataFrame(found, columns=["insee_code", "code_qp"])
    counted = codes.assign(code_qp=codes["code_qp"].str.split(r"\s*[,;]\s*", regex=True)).explode("code_qp")
    counts = counted.drop_duplicates().groupby("insee_code").size()
    rows = pd.DataFrame({"insee_code": counts.index.astype("str"), "qpv_count": counts.astype("str").to_numpy()})
    return TextTable(path.name, rows.set_index(pd.RangeIndex(1, len(rows) + 1, name="row")))


def _resolved(
    table: TextTable, communes: pd.DataFrame, counts: list[dict[str, Any]], findings: list[Finding]
) -> pd.DataFrame:
    """Bring rows to today's units: row, listed, insee_code, and the columns of the table; bad rows are left out."""
    import pandas as pd

    bad = bad_codes(table)
    findings += bad
    rows = table.rows[~table.rows.index.isin([finding.row for finding in bad])].reset_index()
    repeated = rows["insee_code"].duplicated()
    findings += [
        Finding(
            "unit_repeated",
            "error",
            _("{code} is there more than once").format(code=row.insee_code),
            _("keep one row per unit"),
            table.file,
            int(row.row),
            "insee_code",
            row.insee_code,
        )
        for row in rows[repeated].itertuples()
    ]
    rows = rows[~repeated]
    units = rows["insee_code"].map(lambda code: CITY_ARRONDISSEMENTS.get(code, (code,)))
    rows = rows.assign(
        listed=rows["insee_code"], insee_code=pd.Series(list(units), rows.index, dtype="object")
    ).explode("insee_code", ignore_index=True)
    city = rows["listed"].isin(CITY_ARRONDISSEMENTS.keys())
    given = rows.loc[~city, "insee_code"]
    rows = rows[~(city & rows["insee_code"].isin(given))]
    rows["insee_code"] = recode(rows["insee_code"], communes["insee_code"])[0].astype("str")
    unknown = ~rows["insee_code"].isin(communes["insee_code"])
    findings += [
        Finding(
            "code_unknown",
            "error",
            _("{code} is not a unit of the table of communes, nor a former code").format(code=row.listed),
            _("look the code up in the code officiel géographique (INSEE); a postal code is not an INSEE code"),
            table.file,
            int(row.row),
            "insee_code",
            row.listed,
        )
        for row in rows[unknown].itertuples()
    ]
    whole = rows["listed"].isin(CITY_ARRONDISSEMENTS.keys())
    for entry in counts:
        findings += [
            Finding(
                "need_count_of_city",
                "warning",
                _(
                    "{component} of the whole city {code} cannot be shared between its arrondissements: left missing"
                ).format(component=entry["key"], code=row.listed),
                _("give it by arrondissement"),
                table.file,
                int(row.row),
                entry["key"],
                row.listed,
            )
            for row in rows[whole & (rows[entry["key"]] != "")].drop_duplicates("listed").itertuples()
        ]
        rows[entry["key"]] = rows[entry["key"]].mask(whole, "")
    return rows[~unknown]


def _values(
    rows: pd.DataFrame, entry: dict[str, Any], file: str, communes: pd.DataFrame, findings: list[Finding]
) -> pd.Series:
    """Read one component for every unit of ``communes``; where former communes differ it is missing."""
    import pandas as pd

    key, text = entry["key"], rows[entry["key"]]
    if entry["form"] == "category":
        words = {word: value["key"] for value in entry["value"] for word in (*value["words"], fold(value["key"]))}
        blank = (text == "") | text.map(fold).isin(entry["missing_words"])
        value = text.map(lambda cell: words.get(fold(cell))).astype("object")
        wrong = value.isna() & ~blank
        wanted = _("give one of: {choices}").format(choices=", ".join(value["key"] for value in entry["value"]))
    else:
        blank = text == ""
        value = pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce")
        wrong = (
            value.isna() | ~value.between(0, 1 if entry["form"] == "fraction" else float("inf"), inclusive="left")
        ) & ~blank
        wrong &= ~((entry["form"] == "fraction") & (value == 1))
        if entry["form"] == "count":
            wrong |= (value % 1 != 0) & ~blank
        if "per" in entry:
            limit = rows["insee_code"].map(communes.set_index("insee_code")[entry["per"]]).astype("float64")
            wrong |= value > limit
        wanted = {
            "fraction": _("give a fraction of 1, such as 0.125 for 12.5 %"),
            "count": _(
                "give a whole number of 0 or more, and no more than the population where inhabitants are counted"
            ),
            "number": _("give a number of 0 or more"),
        }[entry["form"]]
    findings += [
        Finding(
            "need_value_wrong",
            "error",
            _("{value} is not a value of {component}").format(value=row[key], component=key),
            wanted + _("; leave the cell empty when it is not known"),
            file,
            int(row["row"]),
            key,
            row[key],
        )
        for _position, row in rows[wrong].iterrows()
    ]
    known = pd.DataFrame({"insee_code": rows["insee_code"], "listed": rows["listed"], "value": value.mask(wrong)})
    different = known.drop_duplicates(["insee_code", "value"])
    several = sorted(set(different.loc[different["insee_code"].duplicated(), "insee_code"]))
    findings += [
        Finding(
            "need_former_codes_differ",
            "warning",
            _("{component} differs between the former communes of {code} ({listed}): left missing").format(
                component=key, code=code, listed=", ".join(known.loc[known["insee_code"] == code, "listed"])
            ),
            _("give one value for {code}").format(code=code),
            file,
            column=key,
            value=code,
        )
        for code in several
    ]
    one = known.drop_duplicates("insee_code").set_index("insee_code")["value"].drop(several)
    read = one.reindex(communes["insee_code"]).reset_index(drop=True)
    return read.astype("str") if entry["form"] == "category" else read.astype("float64")


def read_need_weights(path: Path | str, *, on: date | None = None) -> dict[str, float]:
    """Read other weights for the score from a TOML file: a table ``[weights]`` of component and weight.

    Raises
    ------
    FileError
        For an absent or unreadable file.
    DataError
        For a file that is not TOML, an unknown component, a weight below 0, or weights that do not sum to 1.
    """
    path = Path(path)
    given = read_toml(path).get("weights")
    if not isinstance(given, dict) or not given:
        raise DataError(
            _("the file has no table [weights]"),
            fix=_("write a table [weights] with one line per component, such as apl = 0.5"),
            where=path.name,
        )
    return checked_weights(given, where=path.name, on=on)
