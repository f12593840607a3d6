"""White zones: the units of the scope that no CPTS covers, how urban or rural they are, and the clusters they form."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.adjacency import Adjacency, adjacency, connected, extents, neighbours
from cptsgeo.coverage import unit_coverage
from cptsgeo.i18n import _
from cptsgeo.need import need as need
from cptsgeo.parameters import labels, parameters
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import sizes

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

UNKNOWN = "unknown"
RELATIONS = ("border", "bridge", "shared_unit", "nearest")


class Clusters(NamedTuple):
    """Hold the white zones of a scope, gathered into clusters.

    Attributes
    ----------
    zones
        One row per cluster, the most populous first: ``cluster_id``, ``cluster_name``, ``departement_code`` and
        ``region_code`` (of its most populous unit), ``units``, ``population_white``, ``area_km2``,
        ``units_without_area``, ``compactness``, ``departement_count``, ``region_count``, ``epci_count``,
        ``neighbour_count`` (CPTS that touch it).
    units
        The rows of :func:`white_zones` with ``region_code``, ``region_name``, ``cluster_id`` and ``white_share``
        (part of the unit that no CPTS covers), in the order of the zones.
    parts
        One row per cluster, ``split`` (``region``, ``departement``, ``epci``, ``density_group``, ``density_level``)
        and ``key``: ``label``, ``units``, ``population_white``, ``share_of_cluster`` (of its white population) and
        ``share_of_group`` (of the whole population of that région, département or EPCI; missing for densities).
    neighbours
        One row per cluster and CPTS beside it, the longest border first: ``cluster_id``, ``cpts_id``,
        ``cpts_name``, ``stage``, ``relation`` (one of :data:`RELATIONS`), ``border_km``, ``distance_km``,
        ``population``, ``size_class``, ``to_upper_bound``.
    """

    zones: pd.DataFrame
    units: pd.DataFrame
    parts: pd.DataFrame
    neighbours: pd.DataFrame


def density_group(level: pd.Series) -> pd.Series:
    """Return the density group of INSEE levels; ``unknown`` where the level is.

    References
    ----------
    INSEE, grille communale de densité: 1 is ``urbain_dense``, 2 to 4 ``urbain_intermediaire``, 5 to 7 ``rural``.

    Examples
    --------
    >>> import pandas as pd
    >>> density_group(pd.Series([1, 4, 7, None], dtype="Int64")).tolist()
    ['urbain_dense', 'urbain_intermediaire', 'rural', 'unknown']
    """
    groups = {int(entry["key"]): entry["group"] for entry in parameters("density")["level"]}
    return level.map(groups, na_action="ignore").astype("object").fillna(UNKNOWN).astype("str")


def density_label(level: pd.Series) -> pd.Series:
    """Return the label of INSEE density levels in the reader's language."""
    texts = {int(key): text for key, text in labels("density").items()}
    return level.map(texts, na_action="ignore").astype("object").fillna(_("unknown density")).astype("str")


def white_zones(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """List the units of the scope that no CPTS covers, or covers only in part.

    Parameters
    ----------
    communes
        Units of the scope only.
    perimeters
        CPTS of the stages that count, and membership.

    Returns
    -------
    DataFrame
        Sorted by population, the largest first: ``insee_code``, ``name``, ``departement_code``,
        ``departement_name``, ``epci_siren``, ``epci_name``, ``population``, ``population_year``,
        ``population_white`` (inhabitants outside any CPTS), ``density_level``, ``density_label``,
        ``density_group``.
    """
    units = unit_coverage(communes, perimeters)
    white = units[(units["cpts_count"] == 0) | (units["population_white"] > 0)]
    white = white.assign(
        density_group=density_group(white["density_level"]), density_label=density_label(white["density_level"])
    ).sort_values(["population_white", "insee_code"], ascending=[False, True], ignore_index=True)
    return white[
        [
            "insee_code",
            "name",
            "departement_code",
            "departement_name",
            "epci_siren",
            "epci_name",
            "population",
            "population_year",
            "population_white",
            "density_level",
            "density_label",
            "density_group",
        ]
    ]


def white_zones_by_density(communes: pd.DataFrame, perimeters: Perimeters) -> pd.DataFrame:
    """Split the white population by density level and group, beside the whole scope.

    Parameters
    ----------
    communes, perimeters
        As for :func:`white_zones`.

    Returns
    -------
    DataFrame
        First the groups, then the levels, each with every value even when empty, ``unknown`` last:
        ``split`` (``group`` or ``level``), ``key``, ``label``, ``units``, ``population`` (of the scope),
        ``units_white``, ``population_white``, ``share_of_white`` (of the white population of the scope) and
        ``white_rate`` (white part of that group or level), fractions of 1, missing when nobody is concerned.

    References
    ----------
    The split of the report *Tour de France des CPTS* (June 2023): 29 % intermediate, 31 % large urban centres,
    40 % rural in December 2022.
    """
    import pandas as pd

    units = unit_coverage(communes, perimeters)
    units["group"] = density_group(units["density_level"])
    units["level"] = units["density_level"].astype("object").map(str, na_action="ignore").fillna(UNKNOWN).astype("str")
    parts = []
    for split, texts in (("group", labels("density_groups")), ("level", labels("density"))):
        rows = pd.DataFrame({"key": [*texts, UNKNOWN], "label": [*texts.values(), _("unknown density")]})
        summed = (
            units.assign(units_white=units["cpts_count"] == 0)
            .groupby(split)
            .agg(
                units=("insee_code", "size"),
                population=("population", "sum"),
                units_white=("units_white", "sum"),
                population_white=("population_white", "sum"),
            )
        )
        counts = summed.reindex(rows["key"]).fillna(0).astype("int64").reset_index(drop=True)
        parts.append(pd.concat([rows, counts], axis="columns").assign(split=split))
    table = pd.concat(parts, ignore_index=True)
    white = units["population_white"].sum()
    table["share_of_white"] = table["population_white"] / white if white else float("nan")
    table["white_rate"] = (table["population_white"] / table["population"]).where(table["population"] > 0)
    return table[
        [
            "split",
            "key",
            "label",
            "units",
            "population",
            "units_white",
            "population_white",
            "share_of_white",
            "white_rate",
        ]
    ]


def clusters(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    contours: gpd.GeoDataFrame,
    *,
    in_scope: pd.Series | None = None,
    bridge_m: float = 0.0,
    ground: Adjacency | None = None,
    on: date | None = None,
) -> Clusters:
    """Gather the white zones into clusters of units that border each other, and describe each.

    Two units are in one cluster when they share a border of positive length; a point in common does not join. A
    unit without outline, like an island, is a cluster by itself. A unit that CPTS cover in part belongs to a cluster
    with the inhabitants that they leave out.

    Parameters
    ----------
    communes
        All units, inside the scope and outside.
    perimeters
        CPTS of the stages that count, and membership.
    contours
        ``insee_code`` and outlines, of the scope and of the CPTS at least.
    in_scope
        Booleans on the index of ``communes``; all of them when not given.
    bridge_m
        Also join units up to this many metres apart; see :func:`cptsgeo.adjacency.adjacency`.
    ground
        What :func:`cptsgeo.adjacency.adjacency` returned for the same contours and width, if known.
    on
        Day of the law to apply to size classes.

    Returns
    -------
    Clusters
        The white populations of the clusters sum to that of the scope.

    Notes
    -----
    ``cluster_id`` is the département and the INSEE code of the cluster's most populous unit (the first code among
    equals), so that it stays the same when the list of CPTS changes elsewhere.
    """
    import pandas as pd

    scope = communes if in_scope is None else communes[in_scope]
    ground = adjacency(contours, bridge_m=bridge_m) if ground is None else ground
    white = white_zones(scope, perimeters).merge(
        communes[["insee_code", "region_code", "region_name"]], on="insee_code", how="left", validate="1:1"
    )
    white_share = 1.0 - white["insee_code"].map(perimeters.covered_shares()).astype("float64").fillna(0.0)
    links = neighbours(ground.borders, white["insee_code"])
    members = connected(white["insee_code"].tolist(), links)
    rank = {code: position for position, code in enumerate(white["insee_code"])}
    departement = white.set_index("insee_code")["departement_code"]
    names = {}
    for part in members:
        head = min(part, key=rank.__getitem__)
        names.update(dict.fromkeys(part, f"{departement[head]}-{head}"))
    white["cluster_id"] = white["insee_code"].map(names).astype("str")
    white["white_share"] = white_share
    zones = _zones(white, ground)
    order = pd.Series(range(len(zones)), index=zones["cluster_id"])
    white = white.sort_values(
        ["cluster_id", "population_white", "insee_code"],
        ascending=[True, False, True],
        key=lambda column: column.map(order) if column.name == "cluster_id" else column,
        ignore_index=True,
    )
    beside = _beside(white, perimeters, contours, ground)
    known = sizes(communes, perimeters, on=on).set_index("cpts_id")
    for column in ("cpts_name", "stage", "population", "size_class", "to_upper_bound"):
        beside[column] = known[column].reindex(beside["cpts_id"]).array
    beside = beside.sort_values(
        ["cluster_id", "border_km", "cpts_id"],
        ascending=[True, False, True],
        key=lambda column: column.map(order) if column.name == "cluster_id" else column,
        ignore_index=True,
    )
    touching = beside.loc[beside["relation"] != "nearest", "cluster_id"].value_counts()
    zones["neighbour_count"] = zones["cluster_id"].map(touching).fillna(0).astype("int64")
    columns = "cluster_id cpts_id cpts_name stage relation border_km distance_km population size_class to_upper_bound"
    return Clusters(zones, white, _parts(white, communes, order), beside[columns.split()])


def _zones(white: pd.DataFrame, ground: Adjacency) -> pd.DataFrame:
    """Describe each cluster; ``white`` is sorted by population, so that the first unit names it."""
    zones = (
        white.groupby("cluster_id")
        .agg(
            cluster_name=("name", "first"),
            departement_code=("departement_code", "first"),
            region_code=("region_code", "first"),
            units=("insee_code", "size"),
            population_white=("population_white", "sum"),
            departement_count=("departement_code", "nunique"),
            region_count=("region_code", "nunique"),
            epci_count=("epci_siren", "nunique"),
        )
        .reset_index()
        .sort_values(["population_white", "cluster_id"], ascending=[False, True], ignore_index=True)
    )
    measured = extents(white[["cluster_id", "insee_code"]].rename(columns={"cluster_id": "group"}), ground)
    for column in ("area_km2", "units_without_area", "compactness"):
        zones[column] = measured[column].reindex(zones["cluster_id"]).to_numpy()
    columns = "cluster_id cluster_name departement_code region_code units population_white area_km2 units_without_area"
    return zones[[*columns.split(), "compactness", "departement_count", "region_count", "epci_count"]]


def _beside(white: pd.DataFrame, perimeters: Perimeters, contours: gpd.GeoDataFrame, ground: Adjacency) -> pd.DataFrame:
    """List the CPTS beside each cluster: cluster_id, cpts_id, relation, border_km, distance_km."""
    import pandas as pd

    cluster = white.set_index("insee_code")["cluster_id"]
    members = perimeters.membership[["cpts_id", "insee_code"]]
    both = ground.borders.rename(columns={"insee_code": "other_code", "other_code": "insee_code"})
    sides = pd.concat([ground.borders, both])
    sides = sides.assign(cluster_id=sides["other_code"].map(cluster)).dropna(subset="cluster_id")
    beside = sides[~sides["insee_code"].isin(cluster.index)].merge(members, on="insee_code")
    touching = beside.groupby(["cluster_id", "cpts_id"], as_index=False).agg(
        border_km=("border_km", "sum"), distance_km=("gap_m", lambda gap: gap.min() / 1e3)
    )
    touching["relation"] = touching["border_km"].gt(0).map({True: "border", False: "bridge"})
    within = members.assign(cluster_id=members["insee_code"].map(cluster)).dropna(subset="cluster_id")
    within = within[["cluster_id", "cpts_id"]].drop_duplicates()
    within = within.assign(border_km=0.0, distance_km=0.0, relation="shared_unit")
    found = pd.concat([touching, within]).drop_duplicates(["cluster_id", "cpts_id"])
    alone = cluster[~cluster.isin(found["cluster_id"])]
    return pd.concat([found, _nearest(alone, members, contours, ground)], ignore_index=True)


def _nearest(alone: pd.Series, members: pd.DataFrame, contours: gpd.GeoDataFrame, ground: Adjacency) -> pd.DataFrame:
    """Find the CPTS nearest to each cluster that none touches, edge to edge, in its own territory."""
    import pandas as pd
    import shapely

    from cptsgeo.crs import by_territory

    rows = []
    covered = ground.units[ground.units.index.isin(members["insee_code"])]
    for code, own in ground.units[ground.units.index.isin(alone.index)].iterrows():
        near = covered[covered["epsg"] == own["epsg"]]
        if near.empty:
            continue
        apart = ((near["x_m"] - own["x_m"]) ** 2 + (near["y_m"] - own["y_m"]) ** 2) ** 0.5
        reach = apart.min() + near["reach_m"] + own["reach_m"]
        drawn = contours[contours["insee_code"].isin([code, *near.index[apart <= reach]])]
        (part,) = by_territory(drawn).values()
        shapes = part.set_index("insee_code").geometry
        others = shapes.drop(code)
        metres = pd.Series(shapely.distance(others.to_numpy(), shapes[code]), others.index, name="metres")
        rows.append(members.merge(metres, on="insee_code").assign(cluster_id=alone[code]))
    if not rows:
        columns = {"cluster_id": "str", "cpts_id": "str", "border_km": "float64", "distance_km": "float64"}
        return pd.DataFrame(columns=[*columns, "relation"]).astype({**columns, "relation": "str"})
    first = pd.concat(rows).sort_values(["metres", "cpts_id"]).drop_duplicates("cluster_id")
    found = first.assign(border_km=0.0, distance_km=first["metres"] / 1e3, relation="nearest")
    return found[["cluster_id", "cpts_id", "border_km", "distance_km", "relation"]]


def _parts(white: pd.DataFrame, communes: pd.DataFrame, order: pd.Series) -> pd.DataFrame:
    """Split each cluster by territory and by density."""
    import pandas as pd

    splits = {
        "region": ("region_code", "region_name"),
        "departement": ("departement_code", "departement_name"),
        "epci": ("epci_siren", "epci_name"),
        "density_group": ("density_group", "density_group"),
        "density_level": ("density_level", "density_label"),
    }
    group_labels = {**labels("density_groups"), UNKNOWN: _("unknown density")}
    total = white.groupby("cluster_id")["population_white"].sum()
    parts = []
    for position, (split, (code, name)) in enumerate(splits.items()):
        keyed = white.assign(
            key=white[code]
            .map(str, na_action="ignore")
            .astype("object")
            .fillna(UNKNOWN if "density" in split else "none"),
            label=white[name].map(group_labels)
            if split == "density_group"
            else white[name].astype("object").fillna(_("in no EPCI")),
        )
        rows = keyed.groupby(["cluster_id", "key", "label"], as_index=False).agg(
            units=("insee_code", "size"), population_white=("population_white", "sum")
        )
        whole = float("nan") if "density" in split else rows["key"].map(communes.groupby(code)["population"].sum())
        parts.append(rows.assign(split=split, position=position, whole=whole))
    table = pd.concat(parts, ignore_index=True)
    cluster_total = table["cluster_id"].map(total).astype("float64")
    table["share_of_cluster"] = (table["population_white"] / cluster_total).where(cluster_total > 0)
    whole = table["whole"].astype("float64")
    table["share_of_group"] = (table["population_white"] / whole).where(whole > 0)
    table = table.sort_values(
        ["cluster_id", "position", "population_white", "key"],
        ascending=[True, True, False, True],
        key=lambda column: column.map(order) if column.name == "cluster_id" else column,
        ignore_index=True,
    )
    columns = "cluster_id split key label units population_white share_of_cluster share_of_group"
    return table[columns.split()]
