"""Identity card of a CPTS: everything the other tables say of one, as one record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import DataError
from cptsgeo.funding import LEVELS, PAID_STAGES, funding
from cptsgeo.i18n import _
from cptsgeo.parameters import in_force, labels
from cptsgeo.perimeters import DATES, Perimeters
from cptsgeo.sizes import member_populations, sizes
from cptsgeo.white_zones import density_group

if TYPE_CHECKING:
    import pandas as pd

PLACES = {
    "departements": ("departement_code", "departement_name"),
    "regions": ("region_code", "region_name"),
    "epci": ("epci_siren", "epci_name"),
}
SUGGESTIONS = 3


def territory_type(population: int, rural: int, unknown: int, *, on: date | None = None) -> str:
    """Name the type of a territory by the part of its inhabitants who live in rural units.

    Parameters
    ----------
    population, rural, unknown
        Inhabitants: all, those of units of the rural density group, those of units whose density is not known.
    on
        Day of the rule to apply.

    Returns
    -------
    str
        ``rural`` when at least two thirds are rural, ``urbain`` when at most one third is, ``mixte`` between, ``unknown``
        when those of unknown density could change the answer, or nobody lives there.

    References
    ----------
    INSEE, *La grille communale de densité à 7 niveaux*, 2022, for the groups; the two bounds are a convention of cptsgeo.

    Examples
    --------
    >>> territory_type(300, 200, 0), territory_type(300, 100, 0), territory_type(300, 150, 0), territory_type(300, 190, 20)
    ('rural', 'urbain', 'mixte', 'unknown')
    """
    rule = in_force("territory_types", on)

    def named(count: int) -> str:
        part = Fraction(count, population)
        if part >= Fraction(*rule["rural_from"]):
            return "rural"
        return "urbain" if part <= Fraction(*rule["urbain_up_to"]) else "mixte"

    if population <= 0:
        return "unknown"
    return named(rural) if named(rural) == named(rural + unknown) else "unknown"


def cpts_neighbours(perimeters: Perimeters, borders: pd.DataFrame) -> pd.DataFrame:
    """Measure the border that each pair of CPTS shares, and count the units that both have.

    Parameters
    ----------
    perimeters
        CPTS and membership.
    borders
        Pairs of units that touch, each once: ``insee_code``, ``other_code``, ``border_km``, as
        :func:`cptsgeo.adjacency.adjacency` gives them.

    Returns
    -------
    DataFrame
        One row per ordered pair that shares a border or a unit, sorted: ``cpts_id``, ``other_id``, ``border_km``
        (between a unit of the one alone and a unit of the other alone), ``units_shared``.
    """
    import pandas as pd

    members = perimeters.membership[["cpts_id", "insee_code"]]
    ends = {"insee_code": "other_code", "other_code": "insee_code"}
    both_ways = pd.concat([borders, borders.rename(columns=ends)])[["insee_code", "other_code", "border_km"]]
    others = members.rename(columns={"cpts_id": "other_id", "insee_code": "other_code"})
    pairs = both_ways.merge(members, on="insee_code").merge(others, on="other_code")
    pairs = pairs[pairs["cpts_id"] != pairs["other_id"]]
    shared = members.merge(members.rename(columns={"cpts_id": "other_id"}), on="insee_code")
    shared = shared[shared["cpts_id"] != shared["other_id"]].assign(both=True)
    pairs = pairs.merge(shared, on=["cpts_id", "other_id", "insee_code"], how="left", validate="many_to_one")
    pairs = pairs.merge(
        shared.rename(columns={"insee_code": "other_code", "both": "other_both"}),
        on=["cpts_id", "other_id", "other_code"],
        how="left",
        validate="many_to_one",
    )
    alone = pairs[pairs["both"].isna() & pairs["other_both"].isna() & (pairs["border_km"] > 0)]
    keys = ["cpts_id", "other_id"]
    lengths = alone.groupby(keys)["border_km"].sum()
    counts = shared.groupby(keys).size().rename("units_shared")
    table = pd.concat([lengths, counts], axis="columns").fillna({"border_km": 0.0, "units_shared": 0})
    return table.astype({"units_shared": "int64"}).sort_index().reset_index()


def cards(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    *,
    cpts_ids: Iterable[str] | None = None,
    editions: pd.DataFrame | None = None,
    borders: pd.DataFrame | None = None,
    on: date | None = None,
    paid_stages: Iterable[str] = PAID_STAGES,
) -> dict[str, dict[str, Any]]:
    """Make the identity cards of CPTS, ready to be written as JSON or as pages.

    Parameters
    ----------
    communes
        All units, with their density where it is known.
    perimeters
        CPTS and membership.
    cpts_ids
        CPTS wanted; all of them when not given.
    editions
        Populations and classes by edition, as :func:`cptsgeo.watch.cpts_editions` returns them.
    borders
        Pairs of units that touch; without them the neighbours are not known.
    on, paid_stages
        As for :func:`cptsgeo.funding.funding`.

    Returns
    -------
    dict
        ``cpts_id`` to card, sorted. A card holds ``cpts_id``, ``cpts_name``, ``stage``, ``stage_dates``, ``units``,
        ``population``, ``population_years``, ``size_class``, ``to_lower_bound``, ``to_upper_bound``, ``territory``
        (``type``, ``population_rural``, ``population_density_unknown``, ``rural_rate``), ``members``, ``departements``,
        ``regions``, ``epci`` (each with ``population`` in the CPTS and ``share``, its part of the CPTS; an EPCI also
        ``epci_rate``, the part of its own inhabitants, and ``whole``), ``trend`` (one entry per edition, and
        ``None`` without editions), ``neighbours`` (``None`` without borders) and ``budget``. What is not known is ``None``.

    Raises
    ------
    DataError
        For a CPTS that the list does not have, with the nearest names.
    """
    size_table = sizes(communes, perimeters, on=on).set_index("cpts_id")
    wanted = sorted(size_table.index if cpts_ids is None else set(cpts_ids))
    _require_known(wanted, perimeters)
    money = funding(communes, perimeters, on=on, paid_stages=paid_stages).set_index("cpts_id")
    places = ["departement_code", "departement_name", "epci_siren", "epci_name", "density_level", "population_year"]
    members = member_populations(communes, perimeters).merge(
        communes[["insee_code", *places]], on="insee_code", how="left", validate="many_to_one"
    )
    members["density_group"] = density_group(members["density_level"])
    of_epci = communes.groupby("epci_siren")["population"].sum()
    near = None if borders is None else cpts_neighbours(perimeters, borders)
    groups = dict(list(members.groupby("cpts_id")))
    cpts = perimeters.cpts.set_index("cpts_id")
    result = {}
    for cpts_id in wanted:
        size, entity = size_table.loc[cpts_id], cpts.loc[cpts_id]
        group = groups.get(cpts_id, members.iloc[:0])
        result[cpts_id] = {
            "cpts_id": cpts_id,
            "cpts_name": size["cpts_name"],
            "stage": _plain(size["stage"]),
            "stage_dates": {name: _plain(entity.get(name)) for name in DATES},
            "units": int(size["units"]),
            "population": int(size["population"]),
            "population_years": sorted({int(year) for year in group["population_year"].dropna()}),
            **{key: _plain(size[key]) for key in ("size_class", "to_lower_bound", "to_upper_bound")},
            "territory": _territory(group, on),
            "members": _members(group),
            **{key: _places(group, columns, of_epci) for key, columns in PLACES.items()},
            "trend": None if editions is None else _trend(editions[editions["cpts_id"] == cpts_id]),
            "neighbours": None if near is None else _neighbours(near[near["cpts_id"] == cpts_id], size_table),
            "budget": {
                "paid": _plain(money.loc[cpts_id, "paid"]),
                **{level: _plain(money.loc[cpts_id, level]) for level in LEVELS},
                **{
                    f"{level}_per_inhabitant": _plain(money.loc[cpts_id, f"{level}_per_inhabitant"]) for level in LEVELS
                },
            },
        }
    return result


def _require_known(wanted: list[str], perimeters: Perimeters) -> None:
    """Refuse identifiers that the list does not have."""
    import difflib

    known = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    unknown = [cpts_id for cpts_id in wanted if cpts_id not in known.index]
    if unknown:
        near = difflib.get_close_matches(unknown[0], list(known.index), n=SUGGESTIONS, cutoff=0.4)
        raise DataError(
            _("no CPTS of the list has the identifier {cpts}").format(cpts=", ".join(unknown)),
            fix=_("near it there are: {near}").format(near=", ".join(near))
            if near
            else _("see the identifiers with `cptsgeo sizes`"),
        )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: missing is ``None``, a day is its ISO text, a number is a plain one."""
    import pandas as pd

    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    return value.item() if hasattr(value, "item") else value


def _territory(group: pd.DataFrame, on: date | None) -> dict[str, Any]:
    """Say of which type the territory is, and by what figures."""
    people = group.groupby("density_group")["population_in_cpts"].sum()
    total = int(group["population_in_cpts"].sum())
    rural, unknown = int(people.get("rural", 0)), int(people.get("unknown", 0))
    return {
        "type": territory_type(total, rural, unknown, on=on),
        "population_rural": rural,
        "population_density_unknown": unknown,
        "rural_rate": rural / total if total and not unknown else None,
    }


def _members(group: pd.DataFrame) -> list[dict[str, Any]]:
    """List the units of a CPTS, the most populous first."""
    texts = {int(key): text for key, text in labels("density").items()}
    return [
        {
            "insee_code": row["insee_code"],
            "name": row["name"],
            "departement_code": row["departement_code"],
            "share": float(row["share"]),
            "population": int(row["population"]),
            "population_in_cpts": int(row["population_in_cpts"]),
            "density_label": texts.get(_plain(row["density_level"])),
        }
        for row in group.sort_values(["population_in_cpts", "insee_code"], ascending=[False, True]).to_dict("records")
    ]


def _places(group: pd.DataFrame, columns: tuple[str, str], of_epci: pd.Series) -> list[dict[str, Any]]:
    """Split the inhabitants of a CPTS by département, région or EPCI, the largest part first; units in none are left."""
    code, name = columns
    total = int(group["population_in_cpts"].sum())
    people = group.groupby([code, name], as_index=False)["population_in_cpts"].sum()
    rows = []
    for row in people.sort_values(["population_in_cpts", code], ascending=[False, True]).to_dict("records"):
        count = int(row["population_in_cpts"])
        place = {"code": row[code], "name": row[name], "population": count, "share": count / total if total else None}
        if code == "epci_siren":
            whole = int(of_epci[row[code]])
            place |= {"epci_rate": count / whole if whole else None, "whole": count == whole}
        rows.append(place)
    return rows


def _trend(editions: pd.DataFrame) -> list[dict[str, Any]]:
    """List the populations and classes of one CPTS by edition."""
    columns = ["population_year", "population", "size_class"]
    return [
        {key: _plain(row[key]) for key in columns} for row in editions.sort_values("population_year").to_dict("records")
    ]


def _neighbours(near: pd.DataFrame, size_table: pd.DataFrame) -> list[dict[str, Any]]:
    """List the CPTS that touch one or share units with it, the longest border first."""
    return [
        {
            "cpts_id": row["other_id"],
            **{
                key: _plain(size_table.loc[row["other_id"], key])
                for key in ("cpts_name", "stage", "population", "size_class")
            },
            "border_km": round(float(row["border_km"]), 3),
            "units_shared": int(row["units_shared"]),
        }
        for row in near.sort_values(["border_km", "other_id"], ascending=[False, True]).to_dict("records")
    ]
