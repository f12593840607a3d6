"""Years of an ACI contract: what is paid, for which mission, how many months after the signature."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import UsageError
from cptsgeo.funding import LEVELS, MONTHS, YEARS
from cptsgeo.i18n import _, day
from cptsgeo.parameters import in_force

if TYPE_CHECKING:
    import pandas as pd

CONTRACT_COLUMNS = (
    *("cpts_id", "cpts_name", "size_class", "contract_year", "months_after_signature", "paid_on"),
    *("mission", "part", "payment", "euros"),
)


def payments(
    funding: pd.DataFrame,
    *,
    signed_on: pd.Series | None = None,
    level: str = "fixed",
    optional_missions: bool = True,
    years: int = YEARS,
    on: date | None = None,
) -> pd.DataFrame:
    """List every payment of the contracts of the CPTS that are paid, from the signature on.

    Each mission starts on its deadline. The fixed part of a contract year is pro rata of the months during which the
    mission runs in it; 75 % of it is paid when the mission starts, then on each anniversary for the year that begins,
    and the balance on the anniversary that ends the year. Functioning is paid whole at the start of each contract
    year, the crisis plan whole at its deadline and its updates whole on the anniversaries of that day. The variable
    part, pro rata too, is paid on the anniversary, in full: it is a maximum. A grave crisis has no date and is left
    out.

    Parameters
    ----------
    funding
        As :func:`cptsgeo.funding.funding` returns it; rows that are not paid, or have no class, have no payment.
    signed_on
        Day of the signature (dates, by ``cpts_id``): gives the day of each payment.
    level
        ``functioning``; ``fixed``: and the fixed parts and crisis plans; ``maximum``: and the variable parts.
    optional_missions
        Count the optional missions. No deadline is published for them: they start when the grid file assumes.
    years
        Contract years.
    on
        Day of the grid to apply.

    Returns
    -------
    DataFrame
        One row per payment, in order of CPTS and month: ``cpts_id``, ``cpts_name``, ``size_class``,
        ``contract_year`` (the one it pays for), ``months_after_signature``, ``paid_on`` (ISO day, missing without a
        signature), ``mission``, ``part``, ``payment`` (``whole``, ``advance`` or ``balance``), ``euros``.

    Raises
    ------
    UsageError
        For an unknown level, no year, or a grid whose items are not known.

    References
    ----------
    ACI of CPTS and avenant 2 (deadlines of the missions). Sénat, rapport d'information no. 32 (2025-2026) on the CPTS:
    75 % of the fixed part when a mission starts, pro rata to the anniversary of the contract, then on each anniversary
    the balance of the past year and 75 % of the next; functioning before the missions start.

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.DataFrame({"cpts_id": ["a"], "cpts_name": ["A"], "size_class": [1], "paid": [True]})
    >>> table = payments(one, years=1)
    >>> table.loc[table["mission"] == "access", ["months_after_signature", "payment", "euros"]].values.tolist()
    [[6, 'advance', 20625.0], [12, 'balance', 6875.0]]
    """
    import pandas as pd

    edition = in_force("aci", on)
    _require(level, years, edition)
    schedules = {size: _schedule(edition, size, level, optional_missions, years) for size in (1, 2, 3, 4)}
    rows: list[tuple[Any, ...]] = []
    paid = funding[funding["paid"].fillna(False).astype("bool") & funding["size_class"].notna()]
    for cpts in paid.sort_values("cpts_id").itertuples():
        signed = signed_on.get(cpts.cpts_id, pd.NaT) if signed_on is not None else pd.NaT
        for contract_year, month, mission, part, payment, euros in schedules[int(str(cpts.size_class))]:
            paid_on = None if pd.isna(signed) else (signed + pd.DateOffset(months=month)).strftime("%Y-%m-%d")
            rows.append(
                (
                    cpts.cpts_id,
                    cpts.cpts_name,
                    cpts.size_class,
                    contract_year,
                    month,
                    paid_on,
                    mission,
                    part,
                    payment,
                    euros,
                )
            )
    texts = dict.fromkeys(("cpts_id", "cpts_name", "paid_on", "mission", "part", "payment"), "str")
    counts = dict.fromkeys(("size_class", "contract_year", "months_after_signature"), "int64")
    return pd.DataFrame(rows, columns=list(CONTRACT_COLUMNS)).astype({**texts, **counts, "euros": "float64"})


def _require(level: str, years: int, edition: dict[str, Any]) -> None:
    """Refuse what no schedule can be made of."""
    if level not in LEVELS:
        raise UsageError(
            _("{level!r} is not a budget level").format(level=level),
            fix=_("choose one of: {choices}").format(choices=", ".join(LEVELS)),
            where="--level",
        )
    if years < 1:
        raise UsageError(_("a contract lasts at least one year"), fix=_("give 1 or more"), where="--years")
    if "item" not in edition:
        raise UsageError(
            _("the grid of {day} gives maxima only: no payment can be told from it").format(
                day=day(edition["valid_from"])
            ),
            fix=_("give a date from {day} on").format(day=day(in_force("aci")["valid_from"])),
            where="--on",
        )


def _schedule(
    edition: dict[str, Any], size_class: int, level: str, optional_missions: bool, years: int
) -> list[tuple[int, int, str, str, str, float]]:
    """List contract year, month, mission, part, kind and euros of each payment to a CPTS of one class."""
    missions = {mission["key"]: mission for mission in edition["mission"]}
    advance = edition["advance_share"]
    rows = []
    for item in edition["item"]:
        mission, part = missions[item["mission"]], item["part"]
        if part == "grave_crisis" or (mission.get("optional") and not optional_missions):
            continue
        if (level == "functioning" and part != "functioning") or (level == "fixed" and part == "variable"):
            continue
        amount = float(item["amounts"][size_class - 1])
        start = mission["deadline_months"] if "deadline_months" in mission else mission["assumed_start_months"]
        for year in range(1, years + 1):
            first, last = MONTHS * (year - 1), MONTHS * year
            running = min(MONTHS, max(0, last - start))
            if part in {"functioning", "first_plan", "plan_update"}:
                if (part == "first_plan" and year > 1) or (part == "plan_update" and year == 1):
                    continue
                rows.append((year, first + start, item["mission"], part, "whole", amount))
            elif running and part == "fixed":
                due = amount * running / MONTHS
                rows.append((year, max(first, start), item["mission"], part, "advance", due * advance))
                rows.append((year, last, item["mission"], part, "balance", due * (1 - advance)))
            elif running:
                rows.append((year, last, item["mission"], part, "whole", amount * running / MONTHS))
    return sorted(rows, key=lambda row: (row[1], row[0]))


def contract_years(payments: pd.DataFrame) -> pd.DataFrame:
    """Sum payments by contract year: what each year gives a right to, and what is paid in it.

    Parameters
    ----------
    payments
        As :func:`payments` returns them.

    Returns
    -------
    DataFrame
        One row per CPTS and contract year: ``cpts_id``, ``cpts_name``, ``size_class``, ``contract_year``,
        ``euros_due`` (payments for the year) and ``euros_paid`` (payments made in it, an anniversary being the first day
        of the next year). One year more than the contract has: the one in which its last balances are paid.
        Both sum to the same euros.
    """
    import pandas as pd

    keys = ["cpts_id", "cpts_name", "size_class", "contract_year"]
    due = payments.groupby(keys)["euros"].sum().rename("euros_due")
    made = payments.assign(contract_year=payments["months_after_signature"] // MONTHS + 1)
    paid = made.groupby(keys)["euros"].sum().rename("euros_paid")
    return pd.concat([due, paid], axis="columns").fillna(0.0).sort_index().reset_index()
