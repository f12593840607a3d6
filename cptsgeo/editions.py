"""Populations of several census years, brought to the units of today."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import among
from cptsgeo.cog import ambiguous_former_codes, recode
from cptsgeo.communes import embedded_communes, parse_communes
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.i18n import _, ngettext, number

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5
FIRST_YEAR, LAST_YEAR = 1962, 2100


class Editions(NamedTuple):
    """Hold the populations of several census years on the units of today.

    Attributes
    ----------
    populations
        One row per edition and unit, sorted: ``population_year``, ``insee_code``, ``population`` (Int64; missing where
        the edition does not have the unit).
    unmatched
        What could not be brought to the units of today: ``population_year``, ``insee_code``, ``population`` (missing
        for a unit of today), ``reason``: ``unit_absent`` (a unit of today that the edition lacks: another of its
        communes holds its inhabitants, or its file was not given), ``code_ambiguous`` (a former commune that several units
        share) or ``code_unknown``.
    """

    populations: pd.DataFrame
    unmatched: pd.DataFrame


def parse_edition(text: str) -> tuple[int, Path]:
    """Read ``YEAR=FILE``.

    Raises
    ------
    UsageError
        For another form, or a year that is none.

    Examples
    --------
    >>> parse_edition("2021=pop2021.csv")[0]
    2021
    """
    year, equals, path = text.partition("=")
    if not (equals and path.strip() and year.strip().isdigit() and FIRST_YEAR <= int(year) <= LAST_YEAR):
        raise UsageError(
            _("{text!r} is not an edition of the populations").format(text=text),
            fix=_("write the census year, =, and the file: 2021=donnees_communes_pop2021.csv"),
            where="--edition",
        )
    return int(year), Path(path.strip())


def read_editions(files: Iterable[tuple[int, Path | str]], communes: pd.DataFrame) -> Editions:
    """Read the populations of several census years and bring them to the units of today.

    Each edition follows the code officiel géographique of its own year: former codes become today's and the
    populations of merged communes are summed. A commune that was parted since then is in its parent's population.

    Parameters
    ----------
    files
        Census years and files, read as :func:`cptsgeo.communes.read_communes` reads them; several files of one year
        (INSEE publishes Mayotte apart) are put end to end.
    communes
        The units of today.

    Raises
    ------
    DataError
        With every error of every file.
    """
    import pandas as pd

    findings: list[Finding] = []
    tables, listed = {}, list(files)
    for year in sorted({year for year, _path in listed}):
        paths = [Path(path) for other, path in listed if other == year]
        table, found = parse_communes(paths, population_year=year)
        findings += found
        tables[year] = table
    raise_errors(findings)
    parts = [on_units(table, communes, year) for year, table in tables.items()]
    return Editions(
        pd.concat([part.populations for part in parts], ignore_index=True),
        pd.concat([part.unmatched for part in parts], ignore_index=True),
    )


def on_units(table: pd.DataFrame, communes: pd.DataFrame, year: int) -> Editions:
    """Bring one edition to the units of today; see :func:`read_editions`.

    Parameters
    ----------
    table
        ``insee_code`` of any year, ``population``.
    communes
        The units of today.
    year
        Census year of the edition.

    Examples
    --------
    >>> import pandas as pd
    >>> old = pd.DataFrame({"insee_code": ["01015", "01340"], "population": [1000, 200]})
    >>> on_units(old, pd.DataFrame({"insee_code": ["01015"]}), 2014).populations["population"].tolist()
    [1200]
    """
    import pandas as pd

    national = pd.concat([communes["insee_code"], embedded_communes()["insee_code"]]).drop_duplicates()
    codes = recode(table["insee_code"], national)[0]
    sums = table["population"].astype("Int64").groupby(codes).sum(min_count=1)
    units = communes["insee_code"].sort_values(ignore_index=True)
    populations = pd.DataFrame({"population_year": year, "insee_code": units})
    populations["population"] = units.map(sums).astype("Int64")
    lost = table[~among(codes, national)]
    ambiguous = lost["insee_code"].isin(ambiguous_former_codes())
    absent = populations[populations["population"].isna()]
    unmatched = pd.concat(
        [
            lost[["insee_code", "population"]].assign(
                reason=ambiguous.map({True: "code_ambiguous", False: "code_unknown"})
            ),
            absent[["insee_code", "population"]].assign(reason="unit_absent"),
        ],
        ignore_index=True,
    ).astype({"insee_code": "str", "population": "Int64", "reason": "str"})
    unmatched.insert(0, "population_year", year)
    return Editions(populations, unmatched.sort_values(["reason", "insee_code"], ignore_index=True))


def of_study(communes: pd.DataFrame) -> Editions:
    """Take the populations of a study for its only edition, under the latest census year among them.

    Mayotte's are of another year than the rest: one edition holds both, as the published totals do.

    Raises
    ------
    DataError
        When the files do not say the census year.
    """
    populations = communes[["insee_code", "population"]].astype({"population": "Int64"})
    years = communes["population_year"].dropna()
    if years.empty:
        raise DataError(
            _("the files do not say the year of their populations"),
            fix=_("give it with --population-year, such as --population-year 2023"),
        )
    populations.insert(0, "population_year", int(years.max()))
    return Editions(populations.sort_values("insee_code", ignore_index=True), populations.iloc[:0].assign(reason=""))


def edition_findings(editions: Editions, codes: set[str] | None = None) -> list[Finding]:
    """Say in words what could not be brought to the units of today, one finding per edition and reason.

    Parameters
    ----------
    editions
        As :func:`read_editions` returns them.
    codes
        Units that matter: absent ones outside are not told. All when not given.
    """
    told = editions.unmatched
    if codes is not None:
        told = told[(told["reason"] != "unit_absent") | told["insee_code"].isin(codes)]
    return [
        Finding(
            f"edition_{reason}",
            "warning",
            _unmatched_words(str(reason), len(group)).format(
                year=year,
                count=number(len(group)),
                codes=", ".join(group["insee_code"].head(EXAMPLES)) + (", …" if len(group) > EXAMPLES else ""),
            ),
            _("give every file of that census year; INSEE publishes Mayotte apart"),
            column="insee_code",
        )
        for (year, reason), group in told.groupby(["population_year", "reason"])
    ]


def _unmatched_words(reason: str, count: int) -> str:
    """Return what to say of the codes unmatched for one reason, with fields to fill."""
    if reason == "unit_absent":
        return ngettext(
            "edition {year}: {count} unit is absent ({codes}); the CPTS that it is in have no population that year",
            "edition {year}: {count} units are absent ({codes}); the CPTS that they are in have no population that year",
            count,
        )
    if reason == "code_ambiguous":
        return ngettext(
            "edition {year}: {count} code now belongs to several units and is in none ({codes})",
            "edition {year}: {count} codes now belong to several units and are in none ({codes})",
            count,
        )
    return ngettext(
        "edition {year}: {count} code is neither of today nor a known former one ({codes})",
        "edition {year}: {count} codes are neither of today nor known former ones ({codes})",
        count,
    )
