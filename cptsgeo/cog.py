"""Code officiel géographique: bring codes, counts and classes from the communes of one day to those of another."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from cptsgeo.codes import among
from cptsgeo.embedded import embedded
from cptsgeo.errors import UsageError
from cptsgeo.i18n import _

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
    old = ~among(codes, current) & among(codes, former.index)
    replaced = codes.where(~old, codes.map(former))
    return replaced, pd.DataFrame({"former_code": codes[old], "insee_code": replaced[old]})


def passage(movements: pd.DataFrame, since: date, until: date, *, parts: pd.Series | None = None) -> pd.DataFrame:
    """Follow the communes of one day to those of a later one, through every merger, change of code and split.

    Movements of the same day are followed through: 14513 became 50649 and was merged into 50592 on 1 January 2018. A
    commune re-established after a merger takes back its own land. A change of name alone leaves the code as it is.

    Parameters
    ----------
    movements
        ``effective`` (date), ``code_before`` and ``code_after`` (empty where the commune left the COG), as
        :func:`cptsgeo.sources.cog.read_movements` returns them, communes alone.
    since, until
        The two days; movements after the first and up to the second count.
    parts
        Commune of each commune déléguée or associée on the second day, by code of the part: where an earlier merger
        was partly undone, only this tells whom a part went with.

    Returns
    -------
    DataFrame
        ``code_before``, ``code_after`` (missing when the commune left the COG), ``split`` (the commune's land went to
        several units): one row per pair for each commune whose code or land changed, sorted. A code that is not in
        ``code_before`` is the same on both days, or took in others whole.

    Raises
    ------
    UsageError
        When ``until`` is before ``since``: a merger cannot be undone from codes alone.

    References
    ----------
    INSEE, code officiel géographique, file ``v_mvt_commune`` (movements since 1943).

    Examples
    --------
    >>> import pandas as pd
    >>> day = pd.Timestamp("2018-01-01")
    >>> moved = pd.DataFrame(
    ...     {"effective": [day, day], "code_before": ["14513", "50649"], "code_after": ["50649", "50592"]}
    ... )
    >>> passage(moved, date(2017, 1, 1), date(2019, 1, 1)).iloc[0, :2].tolist()
    ['14513', '50592']
    """
    import pandas as pd

    if until < since:
        raise UsageError(
            _("codes cannot be carried back, from {since} to {until}").format(since=since, until=until),
            fix=_("give the earlier day first: a merger cannot be undone from codes alone"),
        )
    effective = pd.to_datetime(movements["effective"])
    chosen = movements[(effective > pd.Timestamp(since)) & (effective <= pd.Timestamp(until))]
    where: dict[str, set[str]] = {}
    holders: dict[str, set[str]] = {}
    for _day, events in chosen.sort_values("effective", kind="stable").groupby("effective"):
        moves: dict[str, set[str]] = {}
        for before, after in zip(events["code_before"], events["code_after"], strict=True):
            moves.setdefault(before, set()).add(after)
        ends = {before: _follow(before, moves) for before in moves}
        for before in ends:
            if before not in where:
                where[before] = {before}
                holders.setdefault(before, set()).add(before)
        origins = {before: frozenset(holders.get(before, ())) for before in ends}
        for origin in set().union(*origins.values()):
            old = where[origin]
            new = set().union(
                *(_heirs(origin, code, ends[code], origins[code]) if code in ends else {code} for code in old)
            )
            for code in old:
                holders[code].discard(origin)
            where[origin] = new
            for code in new:
                holders.setdefault(code, set()).add(origin)
    for part, commune in () if parts is None else parts.items():
        if part in where and part not in where[part]:
            where[part] = {commune}
    rows = [
        (origin, code or None, len(codes) > 1)
        for origin, codes in sorted(where.items())
        if codes != {origin}
        for code in sorted(codes)
    ]
    return pd.DataFrame(rows, columns=["code_before", "code_after", "split"]).astype(
        {"code_before": "str", "code_after": "str", "split": "bool"}
    )


def _heirs(origin: str, code: str, ends: set[str], origins: frozenset[str]) -> set[str]:
    """Return who takes the land that ``origin`` brought to ``code``: what is re-established goes back to itself."""
    restored = (ends & origins) - {code}
    return {origin} if origin in restored else (ends - restored or ends)


def _follow(code: str, moves: dict[str, set[str]]) -> set[str]:
    """Return where a code ends after all movements of one day."""
    ends: set[str] = set()
    waiting, seen = list(moves[code]), {code}
    while waiting:
        after = waiting.pop()
        if after == code or after in seen or after not in moves or moves[after] == {after}:
            ends.add(after)
        else:
            seen.add(after)
            waiting += moves[after]
    return ends


def carry_counts(counts: pd.Series, passed: pd.DataFrame, populations: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    """Bring counts by commune to the communes of a later day: mergers add, splits share by population.

    A split is refused, and listed, where the shares are not known: a part without population, or one that took
    land from another commune too, so that its population is not that of the part.

    Parameters
    ----------
    counts
        Any additive quantity, index ``insee_code`` of the earlier day.
    passed
        As :func:`passage` returns it.
    populations
        Populations of the later day, index ``insee_code``.

    Returns
    -------
    Series
        Counts by ``insee_code`` of the later day, float64; what was refused is in none of them.
    DataFrame
        What was refused: ``code_before``, ``code_after`` (the parts, joined by spaces), ``count``, ``reason``
        (``shared_target``, ``population_missing`` or ``left_the_cog``).

    Notes
    -----
    count of a part = count of the split commune x population of the part / sum of the populations of its parts.

    Examples
    --------
    >>> import pandas as pd
    >>> moved = pd.DataFrame({"code_before": ["60054"] * 2, "code_after": ["60054", "60694"], "split": True})
    >>> carried, refused = carry_counts(pd.Series({"60054": 100}), moved, pd.Series({"60054": 300, "60694": 100}))
    >>> carried.to_dict(), len(refused)
    ({'60054': 75.0, '60694': 25.0}, 0)
    """
    import pandas as pd

    sources = passed.groupby("code_after")["code_before"].agg(set).to_dict()
    still = set(counts.index) - set(passed["code_before"])
    parts_of = passed.groupby("code_before")["code_after"].agg(list).to_dict()
    carried: dict[str, float] = {}
    refused = []
    for code, count in counts.items():
        parts = parts_of.get(code, [code])
        reason = ""
        if any(pd.isna(part) for part in parts):
            reason = "left_the_cog"
        elif len(parts) > 1:
            weights = populations.reindex(parts)
            if any((sources[part] - {code}) & set(counts.index) or (part in still) for part in parts):
                reason = "shared_target"
            elif weights.isna().any() or weights.sum() == 0:
                reason = "population_missing"
        if reason:
            refused.append((code, " ".join(str(part) for part in parts if not pd.isna(part)), count, reason))
            continue
        shares = [1.0] if len(parts) == 1 else (weights / weights.sum()).astype("float64").tolist()
        for part, share in zip(parts, shares, strict=True):
            carried[part] = carried.get(part, 0.0) + float(count) * share
    result = pd.Series(carried, dtype="float64").sort_index().rename(counts.name).rename_axis("insee_code")
    return result, pd.DataFrame(refused, columns=["code_before", "code_after", "count", "reason"])


def carry_levels(levels: pd.DataFrame, passed: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bring a class of communes, such as the density level, to the communes of a later day, by population.

    A commune made of several takes the class in which most of their inhabitants live; a part of a split keeps the
    class of the whole. Both are listed wherever another class was possible.

    Parameters
    ----------
    levels
        ``insee_code``, ``level``, ``population``, of the earlier day.
    passed
        As :func:`passage` returns it.

    Returns
    -------
    DataFrame
        ``insee_code`` of the later day, ``level`` (missing on a tie), sorted.
    DataFrame
        Ambiguous units: ``insee_code``, ``level`` taken, ``from_codes``, ``weights`` (level: inhabitants), ``reason``
        (``levels_differ``, ``tie`` or ``split``).

    Notes
    -----
    This is not INSEE's method, which classifies the cells of a grid again: the list of ambiguous units is to be
    compared with the edition of the year when it comes out.
    """
    import pandas as pd

    target = passed.rename(columns={"code_before": "insee_code"})
    joined = levels.merge(target, on="insee_code", how="left", validate="one_to_many")
    joined["code_after"] = joined["code_after"].fillna(joined["insee_code"].where(joined["split"].isna()))
    joined = joined.dropna(subset="code_after")
    joined["split"] = joined["split"].eq(True)
    single = ~joined["code_after"].duplicated(keep=False) & ~joined["split"]
    rows = list(joined.loc[single, ["code_after", "level"]].itertuples(index=False, name=None))
    ambiguous = []
    for code, group in joined[~single].groupby("code_after"):
        weights = group.groupby("level")["population"].sum().sort_index()
        best = weights[weights == weights.max()]
        level = best.index[0] if len(best) == 1 else pd.NA
        rows.append((code, level))
        reason = (
            "tie" if len(best) > 1 else "levels_differ" if len(weights) > 1 else "split" if group["split"].any() else ""
        )
        if reason:
            shown = ", ".join(f"{key}: {int(weight)}" for key, weight in weights.items())
            ambiguous.append((code, level, " ".join(group["insee_code"]), shown, reason))
    carried = pd.DataFrame(rows, columns=["insee_code", "level"]).sort_values("insee_code", ignore_index=True)
    listed = pd.DataFrame(ambiguous, columns=["insee_code", "level", "from_codes", "weights", "reason"])
    return carried.astype({"insee_code": "str"}), listed


def old_names(units: pd.DataFrame, movements: pd.DataFrame) -> pd.DataFrame:
    """List the names that today's communes or their parts had or have: déléguées, associées, former.

    Parameters
    ----------
    units
        ``kind``, ``insee_code``, ``name``, ``parent``, as :func:`cptsgeo.sources.cog.read_units` returns them.
    movements
        As :func:`cptsgeo.sources.cog.read_movements` returns them.

    Returns
    -------
    DataFrame
        ``name``, ``insee_code`` (today's unit), ``kind`` (``deleguee``, ``associee`` or ``former``); a former commune
        whose land went to several units is in none.
    """
    import pandas as pd

    parts = units[units["kind"].isin(["COMD", "COMA"])]
    named = pd.DataFrame(
        {
            "name": parts["name"],
            "insee_code": parts["parent"],
            "kind": parts["kind"].map({"COMD": "deleguee", "COMA": "associee"}),
        }
    )
    communes = units[units["kind"] == "COM"]
    today = communes.set_index("insee_code")["name"]
    before = movements[movements["kind_before"] == "COM"].drop_duplicates(["code_before", "name_before"])
    ends = _former_codes().reindex(before["code_before"]).to_numpy()
    current = before["code_before"].where(before["code_before"].isin(today.index))
    former = pd.DataFrame(
        {"name": before["name_before"], "insee_code": current.fillna(pd.Series(ends, before.index)), "kind": "former"}
    )
    former = former.dropna(subset="insee_code")
    former = former[former["name"] != former["insee_code"].map(today)]
    both = pd.concat([named, former], ignore_index=True).drop_duplicates(["name", "insee_code"])
    return both[both["insee_code"].isin(today.index)].reset_index(drop=True)
