"""Access to resources: how far the nearest one is, who is beyond a limit, and what a hazard takes away.

Distances are straight lines in the metric CRS of each territory, in km (``straight_km``); minutes on a road graph when one is
given (``road_min``): every table says which in its column ``measure``. A resource of another territory is never the nearest.
Every inhabitant of a unit is counted at the point of the unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.coverage import unit_coverage
from cptsgeo.crs import WGS84, metric_crs
from cptsgeo.roads import minutes_to_nearest
from cptsgeo.sizes import member_populations
from cptsgeo.white_zones import density_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from cptsgeo.perimeters import Perimeters
    from cptsgeo.roads import Roads

STRAIGHT, BY_ROAD = "straight_km", "road_min"
CLOSED = "ferme"
PER = 10_000


def unit_points(communes: pd.DataFrame, contours: gpd.GeoDataFrame) -> pd.DataFrame:
    """Give each unit a point inside its outline.

    Returns
    -------
    DataFrame
        The columns of ``communes``, ``longitude`` and ``latitude``: missing for a unit without outline.
    """
    drawn = contours[contours["insee_code"].isin(communes["insee_code"])].set_index("insee_code").geometry
    points = drawn.representative_point()
    codes = communes["insee_code"]
    return communes.assign(
        longitude=codes.map(points.x).astype("float64"), latitude=codes.map(points.y).astype("float64")
    )


def nearest(
    units: pd.DataFrame, resources: pd.DataFrame, *, kinds: Sequence[str] = (), roads: Roads | None = None
) -> pd.DataFrame:
    """Find the nearest resource of each kind that is not closed, for each unit.

    Parameters
    ----------
    units
        ``insee_code``, ``population``, ``longitude``, ``latitude``; see :func:`unit_points`.
    resources
        ``resource_id``, ``kind``, ``insee_code``, ``longitude``, ``latitude``, ``status``. Those whose status is
        ``ferme`` are left out; those of unknown status count.
    kinds
        Kinds to look for; those of ``resources``, closed ones too, when empty.
    roads
        Road graph: the nearest is then the first that a car reaches; see :func:`cptsgeo.roads.minutes_to_nearest`.

    Returns
    -------
    DataFrame
        One row per unit and kind, in the order of ``units`` and of the sorted kinds: ``insee_code``, ``kind``,
        ``resource_id``, ``measure`` (``straight_km`` or ``road_min``), ``value``. Resource and value are missing where the
        territory has none open, none can be reached, or the unit has no point.

    Notes
    -----
    Straight line: Euclidean distance in the metric CRS of the territory (:func:`cptsgeo.crs.metric_crs`). Equal
    distances: the first ``resource_id``.
    """
    import numpy as np
    import pandas as pd

    wanted = sorted(kinds or resources["kind"].unique())
    open_ones = resources[(resources["status"] != CLOSED) & resources["longitude"].notna()]
    open_ones = open_ones.sort_values("resource_id", ignore_index=True)
    epsg = units["insee_code"].map(metric_crs).to_numpy()
    theirs = open_ones["insee_code"].map(metric_crs).to_numpy()
    located = units["longitude"].notna().to_numpy()
    identifiers = np.full((len(units), len(wanted)), None, dtype=object)
    values = np.full((len(units), len(wanted)), np.nan)
    for crs in np.unique(epsg):
        rows = np.flatnonzero((epsg == crs) & located)
        for column, kind in enumerate(wanted):
            some = open_ones[(open_ones["kind"] == kind).to_numpy() & (theirs == crs)]
            if len(rows) and len(some):
                rank, value = (
                    _first_in_line(units.iloc[rows], some, int(crs))
                    if roads is None
                    else minutes_to_nearest(roads, units.iloc[rows], some, epsg=int(crs))
                )
                identifiers[rows, column] = np.where(rank >= 0, some["resource_id"].to_numpy()[rank], None)
                values[rows, column] = value
    return pd.DataFrame(
        {
            "insee_code": np.repeat(units["insee_code"].to_numpy(), len(wanted)),
            "kind": np.tile(np.array(wanted, dtype=object), len(units)),
            "resource_id": identifiers.ravel(),
            "measure": STRAIGHT if roads is None else BY_ROAD,
            "value": values.ravel(),
        }
    ).astype({"insee_code": "str", "kind": "str", "resource_id": "str", "measure": "str"})


def _first_in_line(
    units: pd.DataFrame, resources: pd.DataFrame, epsg: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rank of the resource nearest in a straight line to each unit, and the kilometres."""
    import numpy as np
    import shapely

    tree = shapely.STRtree(_metric(resources, epsg))
    found, gaps = tree.query_nearest(_metric(units, epsg), return_distance=True, all_matches=True)
    order = np.lexsort((found[1], found[0]))
    first = order[np.unique(found[0][order], return_index=True)[1]]
    return found[1][first], gaps[first] / 1000


def _metric(places: pd.DataFrame, epsg: int) -> NDArray[np.object_]:
    import geopandas as gpd
    import numpy as np

    points = gpd.GeoSeries.from_xy(places["longitude"], places["latitude"], crs=WGS84).to_crs(epsg)
    return np.asarray(points, dtype=object)


def access_by_density(
    distances: pd.DataFrame, units: pd.DataFrame, precision: pd.Series, *, limit: float
) -> pd.DataFrame:
    """Sum up distances by kind and density group: the weighted mean, and the inhabitants beyond a limit.

    Parameters
    ----------
    distances
        As :func:`nearest` returns them.
    units
        ``insee_code``, ``population``, ``density_level``.
    precision
        ``position_precision`` of each resource, by ``resource_id``.
    limit
        In the measure of ``distances``; an inhabitant exactly there is within it.

    Returns
    -------
    DataFrame
        One row per kind and density group that has units, and one per kind for ``all``: ``kind``, ``density_group``,
        ``measure``, ``limit``, ``population``, ``population_within``, ``population_beyond``, ``population_unknown``
        (inhabitants whose distance is not known: no resource, or no point; in no mean), ``population_commune_only``
        (inhabitants whose nearest resource is placed at its commune alone: their distance is rough), ``mean`` (sum of population x value
        / sum of population, missing where nobody's is known).
    """
    import pandas as pd

    facts = units[["insee_code", "population"]].assign(density_group=density_group(units["density_level"]))
    joined = distances.merge(facts, on="insee_code", how="left", validate="many_to_one")
    both = pd.concat([joined.assign(density_group="all"), joined], ignore_index=True)
    known = both["value"].notna()
    people = both["population"].astype("int64")
    both = both.assign(
        population=people,
        population_within=people.where(known & (both["value"] <= limit), 0),
        population_beyond=people.where(known & (both["value"] > limit), 0),
        population_unknown=people.where(~known, 0),
        population_commune_only=people.where(known & (both["resource_id"].map(precision) == "commune"), 0),
        weighted=(people * both["value"]).where(known, 0.0),
    )
    counts = ["population", "population_within", "population_beyond", "population_unknown", "population_commune_only"]
    sums = both.groupby(["kind", "density_group", "measure"], as_index=False, sort=True)[[*counts, "weighted"]].sum()
    counted = sums["population"] - sums["population_unknown"]
    mean = (sums["weighted"] / counted).where(counted > 0)
    return sums.assign(limit=float(limit), mean=mean)[["kind", "density_group", "measure", "limit", *counts, "mean"]]


def discs(resources: pd.DataFrame, *, radius_km: float) -> gpd.GeoDataFrame:
    """Draw for each kind the area within a radius of an open resource, territory by territory.

    Returns
    -------
    GeoDataFrame
        ``kind`` and polygons, EPSG:4326: the union of the discs, of 128 sides (0.04 % less than a circle).
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    open_ones = resources[(resources["status"] != CLOSED) & resources["longitude"].notna()]
    parts = []
    for (kind, epsg), some in open_ones.groupby(["kind", open_ones["insee_code"].map(metric_crs)]):
        area = shapely.union_all(shapely.buffer(_metric(some, int(epsg)), radius_km * 1000, quad_segs=32))
        parts.append(gpd.GeoDataFrame({"kind": [kind]}, geometry=[area], crs=int(epsg)).to_crs(WGS84))
    if not parts:
        return gpd.GeoDataFrame({"kind": []}, geometry=[], crs=WGS84)
    together = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=WGS84)
    return together.dissolve("kind", as_index=False)[["kind", "geometry"]]


def per_inhabitants(
    resources: pd.DataFrame, communes: pd.DataFrame, perimeters: Perimeters, *, by: str
) -> pd.DataFrame:
    """Count resources for 10,000 inhabitants, by kind.

    Parameters
    ----------
    resources
        ``kind``, ``insee_code``; whatever their status.
    communes
        Units of the scope.
    perimeters
        CPTS and membership.
    by
        ``cpts`` (a resource counts in every CPTS that has its commune, even in part), ``epci``, or ``white_zone``
        (units without any CPTS against the others).

    Returns
    -------
    DataFrame
        ``code``, ``name``, ``kind``, ``resources``, ``population``, ``per_10000`` (missing where nobody lives), one row per
        group and kind, also where there is none.
    """
    import pandas as pd

    if by == "cpts":
        inside = perimeters.membership[perimeters.membership["insee_code"].isin(communes["insee_code"])]
        members = member_populations(communes, perimeters._replace(membership=inside))
        groups = members.rename(columns={"cpts_id": "code"})[["insee_code", "code"]]
        people = members.groupby("cpts_id")["population_in_cpts"].sum()
        names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    elif by == "epci":
        groups = communes.dropna(subset="epci_siren").rename(columns={"epci_siren": "code"})[["insee_code", "code"]]
        people = communes.groupby("epci_siren")["population"].sum()
        names = communes.groupby("epci_siren")["epci_name"].first()
    else:
        units = unit_coverage(communes, perimeters)
        units = units.assign(code=(units["cpts_count"] == 0).map({True: "white_zone", False: "covered"}))
        groups = units[["insee_code", "code"]]
        people = units.groupby("code")["population"].sum()
        names = pd.Series({code: code for code in people.index}, dtype="str")
    placed = resources[["kind", "insee_code"]].merge(groups, on="insee_code", how="inner", validate="many_to_many")
    counts = placed.groupby(["code", "kind"]).size()
    every = pd.MultiIndex.from_product(
        [sorted(people.index), sorted(resources["kind"].unique())], names=["code", "kind"]
    )
    table = counts.reindex(every, fill_value=0).rename("resources").reset_index()
    population = table["code"].map(people).astype("int64")
    rate = (table["resources"] * PER / population.where(population > 0)).astype("float64")
    return table.assign(name=table["code"].map(names), population=population, per_10000=rate)[
        ["code", "name", "kind", "resources", "population", "per_10000"]
    ]


def closed_by(resources: pd.DataFrame, exposed: pd.Series) -> pd.DataFrame:
    """Return the resources with those exposed shut; a resource of unknown exposure keeps its status."""
    hit = exposed.fillna(False).astype("bool")
    return resources.assign(status=resources["status"].mask(hit, CLOSED))


def before_after(
    units: pd.DataFrame,
    resources: pd.DataFrame,
    exposed: pd.Series,
    *,
    limit: float,
    kinds: Sequence[str] = (),
    roads: Roads | None = None,
) -> pd.DataFrame:
    """Compare access before and after a hazard shuts what it reaches; the roads themselves stay open.

    Parameters
    ----------
    units, resources, kinds, roads
        As :func:`nearest`.
    exposed
        Booleans on the index of ``resources``; see :func:`cptsgeo.hazards.in_zones`.
    limit
        In km, or in minutes with roads: past it access is lost.

    Returns
    -------
    DataFrame
        One row per unit and kind: ``insee_code``, ``kind``, ``measure``, ``limit``, ``before_id``, ``before``,
        ``after_id``, ``after``, and ``loses_access``: within the limit before, and after it beyond, or none left. Missing
        where the unit has no point.
    """
    wanted = sorted(kinds or resources["kind"].unique())
    before = nearest(units, resources, kinds=wanted, roads=roads)
    after = nearest(units, closed_by(resources, exposed), kinds=wanted, roads=roads)
    had, has = before["value"] <= limit, after["value"] <= limit
    located = units.set_index("insee_code")["longitude"].notna()
    known = before["insee_code"].map(located).astype("bool")
    return before.rename(columns={"resource_id": "before_id", "value": "before"}).assign(
        limit=float(limit),
        after_id=after["resource_id"],
        after=after["value"],
        loses_access=(had & ~has).astype("boolean").mask(~known),
    )[["insee_code", "kind", "measure", "limit", "before_id", "before", "after_id", "after", "loses_access"]]


def losses(comparison: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Count by kind the units and inhabitants who lose access.

    Returns
    -------
    DataFrame
        ``kind``, ``measure``, ``limit``, ``units``, ``population`` of the units that lose access, zero where none does.
    """
    people = comparison["insee_code"].map(units.set_index("insee_code")["population"]).astype("int64")
    lost = comparison["loses_access"].fillna(False).astype("bool")
    table = comparison.assign(units=lost.astype("int64"), population=people.where(lost, 0))
    return table.groupby(["kind", "measure", "limit"], as_index=False, sort=True)[["units", "population"]].sum()
