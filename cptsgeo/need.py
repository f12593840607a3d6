"""Need of each unit: what the ARS knows of its zoning, access, age, poverty and illness, as one documented score."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import Finding, UsageError, raise_errors
from cptsgeo.i18n import _, number
from cptsgeo.parameters import in_force

if TYPE_CHECKING:
    import pandas as pd

SUM_TOLERANCE = 1e-9


def components(on: date | None = None) -> list[dict[str, Any]]:
    """Return the components of the score in force on a day, in their order.

    Examples
    --------
    >>> [component["key"] for component in components()]
    ['zoning', 'apl', 'share_75', 'qpv_population', 'qpv_count', 'ald_prevalence']
    """
    listed: list[dict[str, Any]] = in_force("need", on)["component"]
    return listed


def checked_weights(weights: Mapping[str, Any], *, where: str = "", on: date | None = None) -> dict[str, float]:
    """Return weights after checking them: known components, none below 0, and 1 in all.

    Raises
    ------
    DataError
        With everything that is wrong with them.

    Examples
    --------
    >>> checked_weights({"apl": 0.75, "share_75": 0.25})
    {'apl': 0.75, 'share_75': 0.25}
    """
    known = [entry["key"] for entry in components(on)]
    findings = []
    for key, weight in weights.items():
        if key not in known:
            findings.append(
                Finding(
                    "need_component_unknown",
                    "error",
                    _("{value} is not a component of need").format(value=key),
                    _("choose among: {choices}").format(choices=", ".join(known)),
                    where,
                    column=key,
                )
            )
        elif isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            findings.append(
                Finding(
                    "need_weight_wrong",
                    "error",
                    _("the weight of {component} is {value}").format(component=key, value=weight),
                    _("give a number from 0 to 1"),
                    where,
                    column=key,
                )
            )
    if not findings and abs(sum(weights.values()) - 1) > SUM_TOLERANCE:
        findings.append(
            Finding(
                "need_weights_sum",
                "error",
                _("the weights sum to {total}, not to 1").format(total=number(sum(weights.values()), 3)),
                _("correct them so that they sum to 1"),
                where,
            )
        )
    raise_errors(findings)
    return {key: float(weights[key]) for key in known if key in weights}


def need(
    communes: pd.DataFrame,
    known: pd.DataFrame,
    *,
    weights: Mapping[str, float] | None = None,
    on: date | None = None,
) -> pd.DataFrame:
    """Score the need of each unit from 0 to 1, its components beside it.

    Parameters
    ----------
    communes
        Units, with ``insee_code`` and ``population``.
    known
        Components by unit, as :func:`cptsgeo.need_input.read_need` returns them; a component that is not a column is missing for all.
    weights
        Weight of each component, summing to 1; those of ``parameters/need.toml`` when not given. A component
        without weight is in no score.
    on
        Day of the parameters to apply.

    Returns
    -------
    DataFrame
        One row per unit in the order of ``communes``: ``insee_code``, ``need`` (0 to 1; missing when no component
        is known), ``need_weight_known`` (sum of the weights of the components known), ``need_missing`` (those that
        are not), then ``need_<component>`` (0 to 1) and the components as they were read.

    Notes
    -----
    ``need = sum of weight x score over the known components / sum of their weights``, where
    ``score = (value - none) / (full - none)`` kept within 0 and 1. A missing component is never taken as 0: it
    leaves the score to the others, and ``need_weight_known`` says how much of the score is known.

    References
    ----------
    Parameters and their sources: ``cptsgeo/parameters/need.toml``.

    Examples
    --------
    >>> import pandas as pd
    >>> units = pd.DataFrame({"insee_code": ["01001", "01002"], "population": [900, 100]})
    >>> known = pd.DataFrame({"insee_code": ["01001"], "apl": [3.25], "zoning": ["ZIP"]})
    >>> need(units, known, weights={"apl": 0.5, "zoning": 0.5})[["need", "need_missing"]].values.tolist()
    [[0.75, ''], [nan, 'zoning; apl']]
    """
    import pandas as pd

    listed = components(on)
    chosen = {entry["key"]: entry["weight"] for entry in listed} if weights is None else checked_weights(weights, on=on)
    listed = [entry for entry in listed if chosen.get(entry["key"], 0) > 0]
    values = known.set_index("insee_code").reindex(communes["insee_code"]).reset_index(drop=True)
    table = pd.DataFrame({"insee_code": communes["insee_code"].to_numpy()})
    scores = {}
    for entry in listed:
        raw = values[entry["key"]] if entry["key"] in values else pd.Series(float("nan"), table.index)
        scores[entry["key"]] = _score(raw, entry, communes)
    score = pd.DataFrame(scores, index=table.index)
    weight = pd.Series({entry["key"]: float(chosen[entry["key"]]) for entry in listed})
    known_weight = score.notna().mul(weight, axis="columns").sum(axis="columns")
    table["need"] = (score.mul(weight, axis="columns").sum(axis="columns") / known_weight).where(known_weight > 0)
    table["need_weight_known"] = known_weight.clip(upper=1.0)
    table["need_missing"] = [
        "; ".join(key for key, missing in zip(score.columns, row, strict=True) if missing)
        for row in score.isna().to_numpy()
    ]
    for key in score:
        table[f"need_{key}"] = score[key]
    for entry in listed:
        if entry["key"] in values:
            table[entry["key"]] = values[entry["key"]].array
    return table


def _score(raw: pd.Series, entry: dict[str, Any], communes: pd.DataFrame) -> pd.Series:
    import pandas as pd

    if entry["form"] == "category":
        return raw.map({value["key"]: value["score"] for value in entry["value"]}).astype("float64")
    value = raw.astype("float64")
    if "per" in entry:
        base = pd.Series(communes[entry["per"]].to_numpy(dtype="float64", na_value=float("nan")), raw.index)
        value = (value / base).where(base > 0)
    return ((value - entry["none"]) / (entry["full"] - entry["none"])).clip(0, 1)


def cluster_need(units: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Average the need of white units over each cluster, by their white inhabitants.

    Parameters
    ----------
    units
        White units with ``insee_code``, ``cluster_id`` and ``population_white``.
    scores
        As :func:`need` returns them.

    Returns
    -------
    DataFrame
        One row per cluster, sorted: ``cluster_id``, ``need`` (mean over the inhabitants whose score is known;
        missing when none is), ``population_need_known`` (these inhabitants) and ``need_missing`` (components that
        are missing for at least one unit).

    Raises
    ------
    UsageError
        When a white unit is absent from ``scores``: score all units first.
    """
    joined = units[["insee_code", "cluster_id", "population_white"]].merge(
        scores, on="insee_code", how="left", validate="1:1"
    )
    absent = joined.loc[joined["need_missing"].isna(), "insee_code"]
    if len(absent):
        raise UsageError(
            _("the need of {codes} was not scored").format(codes=", ".join(absent[:5])),
            fix=_("score the need of all units of the scope"),
        )
    scored = joined["need"].notna()
    joined["population_need_known"] = joined["population_white"].where(scored, 0)
    joined["weighted"] = (joined["need"] * joined["population_white"]).fillna(0.0)
    order = [entry["key"] for entry in components()]

    def missing(texts: pd.Series) -> str:
        found = {key for text in texts for key in text.split("; ") if key}
        return "; ".join(key for key in order if key in found)

    table = joined.groupby("cluster_id", as_index=False).agg(
        weighted=("weighted", "sum"),
        population_need_known=("population_need_known", "sum"),
        need_missing=("need_missing", missing),
    )
    table["need"] = (table["weighted"] / table["population_need_known"]).where(table["population_need_known"] > 0)
    return table[["cluster_id", "need", "population_need_known", "need_missing"]]
