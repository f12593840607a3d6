"""The state of each unit at each of several dates, on the units of the last one: what a map over time draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.cog import recode
from cptsgeo.coverage import unit_coverage
from cptsgeo.perimeters import Perimeters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from cptsgeo.snapshots import Snapshot


def timeline(snapshots: Sequence[Snapshot]) -> pd.DataFrame:
    """Say of each unit of the last state, at every state, its stage, its CPTS and its inhabitants.

    Parameters
    ----------
    snapshots
        At least one, in the order of their dates.

    Returns
    -------
    DataFrame
        One row per state and unit, in their order: ``day`` (ISO), ``insee_code``, ``stage`` (the most advanced known
        one, ``unknown``, or ``white_zone``), ``cpts`` (names, ``; `` between them), ``population`` (of that day, missing
        for a unit that none of that day leads to).

    Notes
    -----
    Units merged since then are one: it has the people of all, and a CPTS of one of them is a CPTS of the whole, as
    :func:`cptsgeo.perimeters.read_perimeters` and :func:`cptsgeo.snapshots.diff` read former codes.
    """
    import pandas as pd

    units = snapshots[-1].communes
    parts = []
    for snapshot in snapshots:
        codes = recode(snapshot.communes["insee_code"], units["insee_code"])[0]
        people = snapshot.communes["population"].groupby(codes).sum(min_count=1)
        members = snapshot.perimeters.membership
        members = members.assign(insee_code=recode(members["insee_code"], units["insee_code"])[0])
        members = members.groupby(["cpts_id", "insee_code"], as_index=False).agg(share=("share", "max"))
        members["method"] = "recoded"
        state = units.assign(population=units["insee_code"].map(people).astype("Int64"))
        known = unit_coverage(state.fillna({"population": 0}), Perimeters(snapshot.perimeters.cpts, members))
        parts.append(
            known[["insee_code", "stage", "cpts"]].assign(population=state["population"], day=snapshot.day.isoformat())
        )
    table = pd.concat(parts, ignore_index=True).astype({"day": "str"})
    return table[["day", "insee_code", "stage", "cpts", "population"]]
