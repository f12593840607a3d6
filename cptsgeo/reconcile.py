"""Reconciliation: published rates beside ours, under every definition that could have made them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.communes import embedded_communes
from cptsgeo.coverage import DEFINITIONS, unit_coverage
from cptsgeo.errors import CptsGeoError, Finding, raise_errors
from cptsgeo.i18n import N_, _
from cptsgeo.perimeters import STAGES, Perimeters, with_stages
from cptsgeo.scope import KINDS, Scope, in_scope, parse_scope, scope_names
from cptsgeo.sizes import member_populations
from cptsgeo.toml_files import entry_day, entry_error, entry_findings, read_entries

if TYPE_CHECKING:
    import pandas as pd

KEY = "figure"
REQUIRED = ("date", "place", "percent", "wording", "source")
MAYOTTE = "976"
COUNTINGS = {
    "union": N_("each inhabitant once"),
    "sum": N_("sum of the CPTS populations"),
}
TERRITORIES = {
    "whole": N_("whole place"),
    "without_mayotte": N_("without Mayotte"),
}


class Figure(NamedTuple):
    """Hold one published rate.

    Attributes
    ----------
    day
        What day it describes.
    place
        Of which territory.
    rate
        Fraction of 1.
    decimals
        Decimals of the published percentage.
    wording, source
        What the source says it counts, and which source.
    """

    day: date
    place: Scope
    rate: float
    decimals: int
    wording: str
    source: str


def read_figures(path: Path | str | None = None) -> list[Figure]:
    """Read published rates; those of the reports that ship with cptsgeo when no file is given.

    Raises
    ------
    DataError
        With every figure that lacks a date, a place, a percentage, a wording or a source, or has a wrong one.

    Examples
    --------
    >>> read_figures()[0].rate, read_figures()[0].decimals
    (0.485, 1)
    """
    path = Path(str(files("cptsgeo.parameters") / "published.toml")) if path is None else Path(path)
    entries = read_entries(path, KEY)
    findings = entry_findings(entries, path.name, required=REQUIRED, known=())
    figures = []
    for rank, entry in enumerate(entries, start=1):
        figure, found = _figure(entry, rank, path.name)
        findings += found
        if figure is not None:
            figures.append(figure)
    raise_errors(findings)
    return figures


def _figure(entry: dict[str, Any], rank: int, file: str) -> tuple[Figure | None, list[Finding]]:
    """Read one figure; a missing key has its finding already."""
    findings = []
    day, percent, place = entry_day(entry.get("date")), entry.get("percent"), None
    if day is None and entry.get("date") not in (None, ""):
        findings.append(
            entry_error(
                file,
                rank,
                "date",
                "date_wrong",
                _("{value} is not a day").format(value=entry["date"]),
                _("write it as 2024-03-31 or 31/03/2024"),
            )
        )
    number = isinstance(percent, (int, float)) and not isinstance(percent, bool) and 0 <= percent <= 100
    if not number and percent not in (None, ""):
        findings.append(
            entry_error(
                file,
                rank,
                "percent",
                "percent_wrong",
                _("{value} is not a percentage").format(value=percent),
                _("give a number from 0 to 100, without the sign %: 48.5"),
            )
        )
    try:
        place = parse_scope(str(entry["place"])) if entry.get("place") else None
        if place is not None:
            in_scope(embedded_communes(), place)
    except CptsGeoError as error:
        findings.append(entry_error(file, rank, "place", "place_wrong", error.problem, error.fix))
    if (
        findings
        or day is None
        or place is None
        or not number
        or not all(entry.get(key) for key in ("wording", "source"))
    ):
        return None, findings
    decimals = len(str(percent).partition(".")[2]) if isinstance(percent, float) else 0
    rate = round(float(str(percent)) / 100, decimals + 2)
    return Figure(day, place, rate, decimals, str(entry["wording"]), str(entry["source"])), findings


def reconcile(
    communes: pd.DataFrame, perimeters: Perimeters, figures: Sequence[Figure], *, inside: pd.Series | None = None
) -> pd.DataFrame:
    """Set each published rate beside ours under every definition, and name the nearest.

    Parameters
    ----------
    communes
        All units.
    perimeters
        CPTS and membership.
    figures
        As :func:`read_figures` returns them.
    inside
        Booleans on the index of ``communes``: where the list of CPTS is complete. All when not given. A place that is
        not wholly inside, or has a département that ``communes`` lacks, has no value of ours.

    Returns
    -------
    DataFrame
        One row per figure and definition: ``figure`` (rank, from 1), ``day``, ``place``, ``place_name``, ``wording``,
        ``source``, ``published_rate``, ``stage`` (least stage that counts), ``headcount`` (``union``: each inhabitant
        once; ``sum``: sum of the CPTS populations, may pass 1), ``territory`` (``whole`` or ``without_mayotte``),
        ``definition`` (in words), ``population``, ``population_covered``, ``our_rate``, ``gap`` (ours less the
        published), ``nearest`` (least absolute gap of the figure; several when equal), ``agrees`` (the published
        percentage could be ours, rounded to its decimals), ``units_outside_scope``. A list where no stage is known has
        only the definitions of ``any``.

    Notes
    -----
    ``union = sum over units of the place of round(population x min(1, sum of shares)) / population``;
    ``sum = sum over its units and CPTS of round(population x share) / population``.
    """
    import pandas as pd

    complete = pd.Series(True, index=communes.index) if inside is None else inside
    national = embedded_communes()
    absent = national[~national["departement_code"].isin(communes["departement_code"])]
    counted = _counted(communes, perimeters, complete)
    rows = []
    for rank, figure in enumerate(figures, start=1):
        name = ", ".join(scope_names(national, figure.place))
        place_departements = set(national.loc[_inside(national, figure.place), "departement_code"])
        has_both = MAYOTTE in place_departements and len(place_departements) > 1
        for territory in TERRITORIES if has_both else ("whole",):
            units, missing = (
                _inside(table, figure.place)
                & ((table["departement_code"] != MAYOTTE) | (territory != "without_mayotte"))
                for table in (communes, absent)
            )
            outside = int((units & ~complete).sum() + missing.sum())
            population = int(communes.loc[units, "population"].sum())
            for (stage, counting), (label, people) in counted.items():
                covered = 0 if outside else int(people[communes.index[units]].sum())
                rate = covered / population if population and not outside else float("nan")
                words = [_(label), _(COUNTINGS[counting]), *([_(TERRITORIES[territory])] if has_both else [])]
                rows.append(
                    {
                        "figure": rank,
                        "day": figure.day.isoformat(),
                        "place": str(figure.place),
                        "place_name": name,
                        "wording": figure.wording,
                        "source": figure.source,
                        "published_rate": figure.rate,
                        "stage": stage,
                        "headcount": counting,
                        "territory": territory,
                        "definition": ", ".join(words),
                        "population": population,
                        "population_covered": pd.NA if outside else covered,
                        "our_rate": rate,
                        "gap": rate - figure.rate,
                        "agrees": pd.NA if outside else abs(rate - figure.rate) <= 0.5 * 10.0 ** -(figure.decimals + 2),
                        "units_outside_scope": outside,
                    }
                )
    table = pd.DataFrame(rows).astype({"population_covered": "Int64", "agrees": "boolean"})
    size = table["gap"].abs().round(12)
    least = size.groupby(table["figure"]).transform("min")
    table.insert(table.columns.get_loc("agrees"), "nearest", (size == least).astype("boolean").mask(least.isna()))
    return table


def _inside(communes: pd.DataFrame, place: Scope) -> pd.Series:
    """Tell which units lie in a place; none where the table does not hold it."""
    import pandas as pd

    if place.kind == "france":
        return pd.Series(True, index=communes.index)
    return communes[KINDS[place.kind]].isin(place.codes)


def _counted(
    communes: pd.DataFrame, perimeters: Perimeters, inside: pd.Series
) -> dict[tuple[str, str], tuple[str, pd.Series]]:
    """Count the inhabitants of each unit inside under each definition: label, and people on the index of these units."""
    units = unit_coverage(communes[inside], perimeters)
    known = perimeters.cpts["stage"].notna().any()
    counted = {}
    for definition in DEFINITIONS:
        if definition.counting != "cumulative" or (definition.stage != "any" and not known):
            continue
        least = definition.stage
        chosen = perimeters if least == "any" else with_stages(perimeters, STAGES[STAGES.index(least) :])
        members = member_populations(communes, chosen)
        sums = units["insee_code"].map(members.groupby("insee_code")["population_in_cpts"].sum()).fillna(0)
        once = units["population_covered" if least == "any" else f"covered_{least}"]
        counted[least, "union"] = definition.label, once
        counted[least, "sum"] = definition.label, sums.astype("int64")
    return counted
