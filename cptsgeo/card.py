"""Identity card of a CPTS: everything the other tables say of one, as one record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cptsgeo.codes import among
from cptsgeo.errors import DataError
from cptsgeo.funding import LEVELS, PAID_STAGES, funding
from cptsgeo.i18n import _
from cptsgeo.parameters import in_force, labels
from cptsgeo.perimeters import DATES, Perimeters
from cptsgeo.sizes import member_populations, sizes
from cptsgeo.white_zones import density_group

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

PLACES = {
    "departements": ("departement_code", "departement_name"),
    "regions": ("region_code", "region_name"),
    "epci": ("epci_siren", "epci_name"),
}
BUDGET = ("paid", *LEVELS, *(f"{level}_per_inhabitant" for level in LEVELS))
SUGGESTIONS = 3
SCHEMATIC = "schematic"
"""Source of the embedded outlines, whose borders are not real."""


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


def true_borders(borders: pd.DataFrame, contours: gpd.GeoDataFrame) -> pd.DataFrame | None:
    """Keep the borders between outlines that are real: those of schematic ones tell no neighbour.

    Parameters
    ----------
    borders
        As :func:`cptsgeo.adjacency.adjacency` gives them for these contours.
    contours
        ``insee_code``, ``geometry_source``.

    Returns
    -------
    DataFrame
        Nothing where no outline is real.
    """
    real = contours.loc[contours["geometry_source"] != SCHEMATIC, "insee_code"]
    if real.empty:
        return None
    return borders[among(borders["insee_code"], real) & among(borders["other_code"], real)]


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
    size_table = sizes(communes, perimeters, on=on)
    wanted = sorted(size_table["cpts_id"] if cpts_ids is None else set(cpts_ids))
    _require_known(wanted, perimeters)
    size = size_table.set_index("cpts_id").to_dict("index")
    money = funding(communes, perimeters, on=on, paid_stages=paid_stages).set_index("cpts_id").to_dict("index")
    cpts = perimeters.cpts.set_index("cpts_id").to_dict("index")
    members = _all_members(communes, perimeters, wanted)
    units = _by_cpts(members)
    places = {key: _places(members, columns, communes) for key, columns in PLACES.items()}
    trends = None if editions is None else _by_cpts(editions.sort_values(["cpts_id", "population_year"]))
    near = None if borders is None else _by_cpts(_nearest_first(cpts_neighbours(perimeters, borders)))
    density = {int(key): text for key, text in labels("density").items()}
    return {
        cpts_id: {
            "cpts_id": cpts_id,
            "cpts_name": size[cpts_id]["cpts_name"],
            "stage": _plain(size[cpts_id]["stage"]),
            "stage_dates": {name: _plain(cpts[cpts_id].get(name)) for name in DATES},
            "units": int(size[cpts_id]["units"]),
            "population": int(size[cpts_id]["population"]),
            "population_years": sorted(
                {int(unit["population_year"]) for unit in units.get(cpts_id, ()) if _plain(unit["population_year"])}
            ),
            **{key: _plain(size[cpts_id][key]) for key in ("size_class", "to_lower_bound", "to_upper_bound")},
            "territory": _territory(units.get(cpts_id, []), on),
            "members": [_member(unit, density) for unit in units.get(cpts_id, ())],
            "by_area": sorted(unit["insee_code"] for unit in units.get(cpts_id, ()) if unit["method"] == "area"),
            **{key: found.get(cpts_id, []) for key, found in places.items()},
            "trend": None if trends is None else [_edition(row) for row in trends.get(cpts_id, ())],
            "neighbours": None if near is None else [_neighbour(row, size) for row in near.get(cpts_id, ())],
            "budget": {key: _plain(money[cpts_id][key]) for key in BUDGET},
        }
        for cpts_id in wanted
    }


def _by_cpts(table: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    """Gather the rows of a table by CPTS, in their order."""
    rows: dict[str, list[dict[Any, Any]]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(row["cpts_id"], []).append(row)
    return rows


def _all_members(communes: pd.DataFrame, perimeters: Perimeters, wanted: list[str]) -> pd.DataFrame:
    """Return the units of the CPTS wanted with what a card says of them, the most populous first."""
    columns = ["departement_code", "departement_name", "epci_siren", "epci_name", "density_level", "population_year"]
    members = member_populations(communes, perimeters)
    members = members[members["cpts_id"].isin(set(wanted))].merge(
        communes[["insee_code", *columns]], on="insee_code", how="left", validate="many_to_one"
    )
    members["density_group"] = density_group(members["density_level"])
    return members.sort_values(["cpts_id", "population_in_cpts", "insee_code"], ascending=[True, False, True])


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


def _territory(units: list[dict[Any, Any]], on: date | None) -> dict[str, Any]:
    """Say of which type the territory is, and by what figures."""
    total, rural, unknown = (
        sum(int(unit["population_in_cpts"]) for unit in units if group in (None, unit["density_group"]))
        for group in (None, "rural", "unknown")
    )
    return {
        "type": territory_type(total, rural, unknown, on=on),
        "population_rural": rural,
        "population_density_unknown": unknown,
        "rural_rate": rural / total if total and not unknown else None,
    }


def _member(unit: dict[Any, Any], density: dict[int, str]) -> dict[str, Any]:
    """Write one unit of a CPTS."""
    return {
        **{key: unit[key] for key in ("insee_code", "name", "departement_code")},
        "share": float(unit["share"]),
        "population": int(unit["population"]),
        "population_in_cpts": int(unit["population_in_cpts"]),
        "density_label": density.get(_plain(unit["density_level"]) or 0),
    }


def _places(members: pd.DataFrame, columns: tuple[str, str], communes: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Split the inhabitants of each CPTS by département, région or EPCI, the largest part first; units in none are left."""
    code, name = columns
    totals = members.groupby("cpts_id")["population_in_cpts"].sum()
    wholes = communes.groupby(code)["population"].sum()
    people = members.groupby(["cpts_id", code, name], as_index=False)["population_in_cpts"].sum()
    people = people.sort_values(["cpts_id", "population_in_cpts", code], ascending=[True, False, True])
    places: dict[str, list[dict[str, Any]]] = {}
    for row in people.to_dict("records"):
        count, total, whole = int(row["population_in_cpts"]), int(totals[row["cpts_id"]]), int(wholes[row[code]])
        place = {"code": row[code], "name": row[name], "population": count, "share": count / total if total else None}
        if code == "epci_siren":
            place |= {"epci_rate": count / whole if whole else None, "whole": count == whole}
        places.setdefault(row["cpts_id"], []).append(place)
    return places


def _edition(row: dict[Any, Any]) -> dict[str, Any]:
    """Write the population and class of one edition."""
    return {key: _plain(row[key]) for key in ("population_year", "population", "size_class")}


def _nearest_first(near: pd.DataFrame) -> pd.DataFrame:
    """Sort the neighbours of each CPTS, the longest border first."""
    return near.sort_values(["cpts_id", "border_km", "other_id"], ascending=[True, False, True])


def _neighbour(row: dict[Any, Any], size: dict[Any, dict[Any, Any]]) -> dict[str, Any]:
    """Write one neighbour of a CPTS."""
    other = size[row["other_id"]]
    return {
        "cpts_id": row["other_id"],
        **{key: _plain(other[key]) for key in ("cpts_name", "stage", "population", "size_class")},
        "border_km": round(float(row["border_km"]), 3),
        "units_shared": int(row["units_shared"]),
    }
