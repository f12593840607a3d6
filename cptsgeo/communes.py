"""Territorial units and their populations: communes, and the arrondissements of Paris, Lyon and Marseille."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import CITY_ARRONDISSEMENTS, CITY_OF_ARRONDISSEMENT, departement_of, explain_bad_code, is_insee_code
from cptsgeo.embedded import embedded
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _, number
from cptsgeo.names import fold
from cptsgeo.parameters import parameters
from cptsgeo.sources import insee
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "insee_code",
    "name",
    "departement_code",
    "departement_name",
    "region_code",
    "region_name",
    "epci_siren",
    "epci_name",
    "population",
    "population_year",
    "density_level",
)
ALIASES = {
    "insee_code": ("code_insee", "code", "insee", "codgeo", "insee_com", "code_commune", "depcom", "com"),
    "name": ("nom", "libelle", "nom_commune", "commune", "libgeo", "lib_com"),
    "population": ("pmun", "population_municipale", "pop"),
    "population_year": ("annee_population", "annee", "year"),
    "epci_siren": ("epci", "siren_epci", "code_epci"),
    "density_level": ("niveau_densite", "densite"),
}
WHOLE_NUMBER = r"[0-9]{1,9}(?:\.0+)?"
YEAR = r"(?:19|20)[0-9]{2}"
LEVEL = r"[1-7]"
DENSITY_ALIASES = {
    "insee_code": ALIASES["insee_code"],
    "density_level": ("niveau_densite", "niveau_de_densite", "libdens", "densite", "lib_densite"),
}


@cache
def _embedded() -> pd.DataFrame:
    import pandas as pd

    table = pd.read_parquet(embedded("communes/communes.parquet"), columns=list(COLUMNS))
    return table.astype({"population": "Int64", "population_year": "Int64", "density_level": "Int64"})


def embedded_communes() -> pd.DataFrame:
    """Return the national table that ships with cptsgeo: COG of 1 January 2026, populations of 2023 (Mayotte 2017).

    Returns
    -------
    DataFrame
        34,917 rows with the columns of :func:`read_communes`.

    Examples
    --------
    >>> int(embedded_communes()["population"].sum())
    68350798
    """
    return _embedded().copy()


def read_communes(paths: Sequence[Path | str] = (), *, population_year: int | None = None) -> pd.DataFrame:
    """Read the territorial units and their populations; the embedded national table when no file is given.

    A row for the whole of Paris, Lyon or Marseille is replaced by its arrondissements when the embedded
    populations of these sum to it, and refused otherwise. Columns that a file lacks (EPCI, density) come from the
    embedded table, by code; départements and régions always do.

    Parameters
    ----------
    paths
        CSV, XLSX or Parquet files with ``insee_code`` and ``population`` (other usual names are understood), or
        INSEE's ``donnees_communes`` file of any edition since 2019. Several files are put end to end.
    population_year
        Census year of the populations, where the files do not say it.

    Returns
    -------
    DataFrame
        One row per unit, sorted by ``insee_code``: ``insee_code``, ``name``, ``departement_code``,
        ``departement_name``, ``region_code``, ``region_name``, ``epci_siren``, ``epci_name`` (text),
        ``population`` (inhabitants, population municipale), ``population_year``, ``density_level`` (1 to 7, Int64).

    Raises
    ------
    DataError
        With every malformed or repeated code and every missing or impossible population.

    References
    ----------
    INSEE, populations de référence; code officiel géographique.
    """
    table, findings = parse_communes(paths, population_year=population_year)
    raise_errors(findings)
    return table


def parse_communes(
    paths: Sequence[Path | str] = (), *, population_year: int | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read as :func:`read_communes`, and return what was found instead of raising it."""
    import pandas as pd

    if not paths:
        return embedded_communes(), []
    findings: list[Finding] = []
    parts = [_parse_file(Path(path), findings) for path in paths]
    table = pd.concat(parts, ignore_index=True)
    findings += [
        Finding(
            "unit_repeated",
            "error",
            _("{code} is there more than once").format(code=row.insee_code),
            _("keep one row per unit"),
            row.file,
            row.row,
            "insee_code",
            row.insee_code,
        )
        for row in table[
            table["insee_code"].duplicated() & table["insee_code"].map(is_insee_code).astype("bool")
        ].itertuples()
    ]
    if any(finding.severity == "error" for finding in findings):
        return embedded_communes().iloc[:0], findings
    table = _complete(table, population_year)
    if table["population_year"].isna().any():
        findings.append(
            Finding(
                "population_year_unknown",
                "warning",
                _("the files do not say the year of their populations"),
                _("give it with --population-year, such as --population-year 2023"),
                ", ".join(Path(path).name for path in paths),
            )
        )
    return table, findings


def _parse_file(path: Path, findings: list[Finding]) -> pd.DataFrame:
    """Read one file to insee_code, name, population and what else it has of the standard columns."""
    import pandas as pd

    table = read_table(path, header_has=["insee_code", *ALIASES["insee_code"], "pmun"])
    if insee.is_populations(table):
        table = insee.populations(table)
    table = table.renamed(ALIASES, required=["insee_code", "population"])
    findings += bad_codes(table)
    wrong = ~table.rows["population"].str.fullmatch(WHOLE_NUMBER)
    population = pd.to_numeric(table.rows["population"].mask(wrong))
    findings += [
        Finding(
            "population_wrong",
            "error",
            _("the population of {code} is missing").format(code=row.insee_code)
            if not row.population
            else _("the population of {code} is not a count of inhabitants: {value}").format(
                code=row.insee_code, value=row.population
            ),
            _("give a whole number of inhabitants, 0 for an uninhabited commune"),
            table.file,
            row.Index,
            "population",
            row.population,
        )
        for row in table.rows[wrong].itertuples()
    ]
    for column, pattern, fix in (
        ("population_year", YEAR, _("give a year of four digits, or leave the cell empty")),
        ("density_level", LEVEL, _("give a level from 1 to 7, or leave the cell empty; labels go with --density")),
    ):
        if column in table.rows.columns:
            findings += _odd_cells(table, column, pattern, fix)
    rows = table.rows.assign(population=population.astype("Float64").astype("Int64"), file=table.file)
    return _expand_cities(rows.reset_index(), findings)


def _odd_cells(table: TextTable, column: str, pattern: str, fix: str) -> list[Finding]:
    """List the filled cells of an optional column that cannot be read: none is dropped in silence."""
    cells = table.rows[column]
    return [
        Finding(
            f"{column}_wrong",
            "error",
            _("{value} cannot be read as {column}").format(value=text, column=column),
            fix,
            table.file,
            int(str(row)),
            column,
            text,
        )
        for row, text in cells[(cells != "") & ~cells.str.fullmatch(pattern)].items()
    ]


def bad_codes(table: TextTable) -> list[Finding]:
    """List the codes of a table that do not have the form of an INSEE code, each with its row."""
    codes = table.rows["insee_code"]
    findings = []
    for row, code in codes[~codes.map(is_insee_code)].items():
        rule, problem, fix = explain_bad_code(code)
        findings.append(Finding(rule, "error", problem, fix, table.file, int(str(row)), "insee_code", code))
    return findings


def _expand_cities(rows: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Replace a row for Paris, Lyon or Marseille by its arrondissements, if their populations sum to it."""
    import pandas as pd

    cities = rows[rows["insee_code"].isin(CITY_ARRONDISSEMENTS.keys())]
    national = _embedded().set_index("insee_code")
    kept = [rows.drop(cities.index)]
    for city in cities.itertuples():
        arrondissements = CITY_ARRONDISSEMENTS[str(city.insee_code)]
        populations = national.loc[list(arrondissements), "population"]
        if not pd.isna(city.population) and populations.sum() == city.population:
            part = rows.loc[[city.Index] * len(arrondissements)].assign(
                insee_code=arrondissements,
                name=national.loc[list(arrondissements), "name"].to_numpy(),
                population=populations.to_numpy(),
            )
            kept.append(part)
            continue
        findings.append(
            Finding(
                "city_without_arrondissements",
                "error",
                _(
                    "{code} is a whole city of {population} inhabitants, and its arrondissements cannot be told apart:"
                    " the embedded ones have {embedded}"
                ).format(
                    code=city.insee_code,
                    population="?" if pd.isna(city.population) else number(int(city.population)),
                    embedded=number(int(populations.sum())),
                ),
                _("replace the row by one row per arrondissement ({first} to {last})").format(
                    first=arrondissements[0], last=arrondissements[-1]
                ),
                str(city.file),
                int(city.row),
                "insee_code",
                str(city.insee_code),
            )
        )
    return pd.concat(kept)


def _complete(table: pd.DataFrame, population_year: int | None) -> pd.DataFrame:
    """Add what the files lack from the embedded table, by code; never a population."""
    import pandas as pd

    national = _embedded().set_index("insee_code")
    table = table.sort_values("insee_code", ignore_index=True)
    known = national.reindex(table["insee_code"])
    table["departement_code"] = table["insee_code"].map(departement_of)
    departements = national.groupby("departement_code")[["departement_name", "region_code", "region_name"]].first()
    for column in departements.columns:
        table[column] = table["departement_code"].map(departements[column])
    if "name" not in table:
        table["name"] = ""
    table["name"] = table["name"].replace("", None).fillna(known["name"].reset_index(drop=True))
    table["name"] = table["name"].fillna(table["insee_code"])
    if "epci_siren" not in table:
        table["epci_siren"] = None
    table["epci_siren"] = table["epci_siren"].fillna(known["epci_siren"].reset_index(drop=True)).replace("", None)
    epci_names = national.dropna(subset="epci_siren").groupby("epci_siren")["epci_name"].first()
    table["epci_name"] = table["epci_siren"].map(epci_names).fillna(table["epci_siren"])
    for column in ("population_year", "density_level"):
        given = pd.to_numeric(table[column], errors="coerce") if column in table else pd.Series(pd.NA, table.index)
        table[column] = given.astype("Float64").astype("Int64")
    if population_year is not None:
        table["population_year"] = table["population_year"].fillna(population_year)
    table["density_level"] = table["density_level"].fillna(pd.Series(known["density_level"].to_numpy(), dtype="Int64"))
    return table[list(COLUMNS)]


def read_density(path: Path | str) -> pd.Series:
    """Read the INSEE density level of each commune, from its label.

    Parameters
    ----------
    path
        CSV or XLSX with a code and a level: its label ("Bourgs ruraux"), or a number in a column named
        ``density_level``. Files that number the levels otherwise exist, so a number under another name is refused.

    Returns
    -------
    Series
        ``density_level`` (1 to 7, Int64) by ``insee_code``; an arrondissement takes the level of its city.

    Raises
    ------
    DataError
        With every malformed or repeated code and every label that is not one of the seven.

    References
    ----------
    INSEE, *La grille communale de densité à 7 niveaux*, 2022.
    """
    import pandas as pd

    table = read_table(path, header_has=["insee_code", *ALIASES["insee_code"]])
    has_numbers = "density_level" in table.rows.columns
    table = table.renamed(DENSITY_ALIASES, required=["insee_code", "density_level"])
    words = {word: int(level["key"]) for level in parameters("density")["level"] for word in level["words"]}
    if has_numbers:
        words |= {str(level): level for level in range(1, 8)}
    texts = table.rows["density_level"]
    level = texts.map({text: words.get(fold(text)) for text in texts.unique()})
    findings = bad_codes(table)
    findings += [
        Finding(
            "density_unknown",
            "error",
            _("{value} is not a density level").format(value=text or _("an empty cell")),
            _("give one of the seven labels of INSEE: {labels}").format(
                labels=", ".join(entry["fr"] for entry in parameters("density")["level"])
            ),
            table.file,
            int(str(row)),
            "density_level",
            text,
        )
        for row, text in table.rows.loc[level.isna(), "density_level"].items()
    ]
    repeated = table.rows["insee_code"].duplicated()
    findings += [
        Finding(
            "unit_repeated",
            "error",
            _("{code} is there more than once").format(code=code),
            _("keep one row per unit"),
            table.file,
            int(str(row)),
            "insee_code",
            code,
        )
        for row, code in table.rows.loc[repeated, "insee_code"].items()
    ]
    raise_errors(findings)
    by_code = pd.Series(level.astype("Int64").to_numpy(), index=table.rows["insee_code"], name="density_level")
    arrondissements = {
        code: by_code[city]
        for code, city in CITY_OF_ARRONDISSEMENT.items()
        if city in by_code.index and code not in by_code.index
    }
    whole = by_code.drop(labels=[city for city in CITY_ARRONDISSEMENTS if city in by_code.index])
    return (
        pd.concat([whole, pd.Series(arrondissements, dtype="Int64")]).rename("density_level").rename_axis("insee_code")
    )


def with_density(communes: pd.DataFrame, density: pd.Series) -> pd.DataFrame:
    """Return the units with the density levels of a file; a unit that the file lacks has none."""
    return communes.assign(density_level=density.reindex(communes["insee_code"]).to_numpy()).astype(
        {"density_level": "Int64"}
    )
