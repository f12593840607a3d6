"""White units as blocks that go together, and the assignment problem that they state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.adjacency import Adjacency, connected, neighbours
from cptsgeo.assignment import Band, Problem
from cptsgeo.communes import ALIASES, bad_codes
from cptsgeo.consequences import Consequences
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.funding import annual_levels
from cptsgeo.i18n import _
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import CLASSES, first_above_bounds
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    import pandas as pd

ZONE_NAMES = ("bassin_de_vie", "bv2022", "bv", "code_zone", "zonage")


def need_of_units(units: pd.DataFrame, scores: pd.DataFrame | None, objective: str) -> pd.Series:
    """Return the score of each white unit, by code; missing when none was given."""
    if scores is None:
        if objective == "need":
            raise UsageError(
                _("the objective need asks for the need of the units"),
                fix=_("give it with --need, or choose the objective euros or epci"),
                where="--objective",
            )
        return units.set_index("insee_code")["population_white"] * float("nan")
    known = scores.set_index("insee_code")["need"].reindex(units["insee_code"])
    if objective == "need":
        names = units.set_index("insee_code")["name"]
        raise_errors(
            Finding(
                "need_unknown",
                "error",
                _("{code} ({name}) is white and has no need score: none of its components is known").format(
                    code=code, name=names[code]
                ),
                _("give at least one component for it, or choose the objective euros or epci"),
                column="need",
                value=code,
            )
            for code in known.index[known.isna()]
        )
    return known


def blocks_of(units: pd.DataFrame, ground: Adjacency, keep: pd.Series | None) -> dict[str, str]:
    """Return the block of each white unit: itself, or the connected white units of its cluster and zone."""
    if keep is None:
        return {code: code for code in units["insee_code"]}
    repeated = keep.index[keep.index.duplicated()]
    if len(repeated):
        raise DataError(
            _("{code} is in several zones to keep whole").format(code=", ".join(sorted(set(repeated))[:5])),
            fix=_("keep one row per unit"),
            where="--keep",
        )
    links = neighbours(ground.borders, units["insee_code"])
    zone = units["insee_code"].map(keep)
    zone = zone.where(zone.notna(), units["insee_code"])
    blocks = {}
    for _key, codes in units.groupby(["cluster_id", zone])["insee_code"]:
        for part in connected(codes.tolist(), links):
            blocks.update(dict.fromkeys(part, part[0]))
    return blocks


def stated(
    units: pd.DataFrame,
    block_of: dict[str, str],
    need_of: pd.Series,
    look: Consequences,
    actions: Sequence[str],
    least: int,
    most: int | None,
    level: str,
    on: date | None,
) -> Problem:
    """State the white units as blocks for the solver."""
    block = units["insee_code"].map(block_of)
    white = units.groupby(block)["population_white"].sum()
    weighted = (units["population_white"] * units["insee_code"].map(need_of)).fillna(0.0).groupby(block).sum()
    links: dict[str, dict[str, float]] = {}
    touches: dict[str, dict[str, float]] = {}
    for code in units["insee_code"]:
        mine = block_of[code]
        for other, border in look.links.get(code, {}).items():
            if other in block_of and block_of[other] != mine:
                near = links.setdefault(mine, {})
                near[block_of[other]] = near.get(block_of[other], 0.0) + border
            for cpts_id in look.cpts_of.get(other, ()):
                beside = touches.setdefault(cpts_id, {})
                beside[mine] = beside.get(mine, 0.0) + border
        for cpts_id in look.cpts_of.get(code, ()):
            touches.setdefault(cpts_id, {}).setdefault(mine, 0.0)
    touches = touches if "extend" in actions else {}
    epci = {str(code): sorted(set(group)) for code, group in block.groupby(units["epci_siren"])}
    firsts = [0, *(first for _bound, first in first_above_bounds(on))]
    euros = annual_levels(CLASSES, on=on)[level]
    if euros.isna().any():
        raise UsageError(
            _("the ACI grid in force that day does not give the level {level}").format(level=level),
            fix=_("choose the level maximum, or a later day"),
            where="--level",
        )
    tops = [*(first - 1 for first in firsts[1:]), None]
    return Problem(
        white={str(code): int(count) for code, count in white.items()},
        need={str(code): float(count) for code, count in weighted.items()},
        links=links,
        hosts={cpts_id: look.population[cpts_id] for cpts_id in touches},
        touches=touches,
        epci=epci,
        held={code: look.holders.get(code, frozenset()) for code in epci},
        bands=[Band(first, top, float(amount)) for first, top, amount in zip(firsts, tops, euros, strict=True)],
        extends="extend" in actions,
        creates="create" in actions,
        least=least,
        most=most,
    )


def preferring(
    problem: Problem, zones: pd.Series, units: pd.DataFrame, block_of: dict[str, str], perimeters: Perimeters
) -> Problem:
    """Return a problem that counts cuts in other zones than the EPCI.

    Parameters
    ----------
    problem
        As :func:`stated` returns it.
    zones
        Zone by ``insee_code``, as :func:`read_zoning` returns it.
    units, block_of
        The white units of the problem, and their blocks.
    perimeters
        CPTS and membership of today.
    """
    block = units["insee_code"].map(block_of)
    zone = units["insee_code"].map(zones)
    members = perimeters.membership
    holders = members.groupby(members["insee_code"].map(zones))["cpts_id"].agg(frozenset)
    return replace(
        problem,
        epci={str(key): sorted(set(group)) for key, group in block.groupby(zone)},
        held={str(key): holders.get(key, frozenset()) for key in zone.dropna().unique()},
    )


def read_zoning(path: Path, communes: pd.DataFrame) -> pd.Series:
    """Read zones to keep whole, such as the bassins de vie of INSEE.

    Parameters
    ----------
    path
        CSV or XLSX with ``insee_code`` and ``zone``; a unit that it lacks goes its own way.
    communes
        All units.

    Returns
    -------
    Series
        Zone by ``insee_code``.

    Raises
    ------
    DataError
        With every malformed, unknown or repeated code.
    """
    table = read_table(path).renamed(
        {"insee_code": ALIASES["insee_code"], "zone": ZONE_NAMES}, required=["insee_code", "zone"]
    )
    findings = bad_codes(table)
    codes = table.rows["insee_code"]
    wrong = {finding.row for finding in findings}
    repeated, unknown = codes.duplicated(), ~codes.isin(communes["insee_code"])
    for row in table.rows.index[repeated | unknown]:
        if row in wrong:
            continue
        findings.append(
            Finding(
                "unit_repeated" if repeated[row] else "code_unknown",
                "error",
                (
                    _("{code} is there more than once")
                    if repeated[row]
                    else _("{code} is not a unit of the table of communes, nor a former code")
                ).format(code=codes[row]),
                _("keep one row per unit")
                if repeated[row]
                else _(
                    "look the code up in the code officiel géographique (INSEE); a postal code is not an INSEE code"
                ),
                table.file,
                int(row),
                "insee_code",
                codes[row],
            )
        )
    raise_errors(findings)
    zones = table.rows.set_index("insee_code")["zone"]
    return zones.where(zones != "")
