"""Access to resources: how far the nearest one is, who is beyond a distance, and what a hazard takes away.

Distances are straight lines in the metric CRS of each territory: no road is followed. A resource of another territory is
never the nearest. Every inhabitant of a unit is counted at the point of the unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.coverage import unit_coverage
from cptsgeo.crs import WGS84, metric_crs
from cptsgeo.sizes import member_populations
from cptsgeo.white_zones import density_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from cptsgeo.perimeters import Perimeters

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


def nearest(units: pd.DataFrame, resources: pd.DataFrame, *, kinds: Sequence[str] = ()) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame
        One row per unit and kind, in the order of ``units`` and of the sorted kinds: ``insee_code``, ``kind``,
        ``resource_id``, ``distance_km``. Both are missing where the territory has none open, or the unit has no point.

    Notes
    -----
    distance = Euclidean distance in the metric CRS of the territory (:func:`cptsgeo.crs.metric_crs`). Equal distances:
    the first ``resource_id``.
    """
    import numpy as np
    import pandas as pd
    import shapely

    wanted = sorted(kinds or resources["kind"].unique())
    open_ones = resources[(resources["status"] != CLOSED) & resources["longitude"].notna()]
    open_ones = open_ones.sort_values("resource_id", ignore_index=True)
    epsg = units["insee_code"].map(metric_crs).to_numpy()
    theirs = open_ones["insee_code"].map(metric_crs).to_numpy()
    located = units["longitude"].notna().to_numpy()
    parts = []
    for kind in wanted:
        identifiers = np.full(len(units), None, dtype=object)
        distances = np.full(len(units), np.nan)
        for crs in np.unique(epsg):
            rows = np.flatnonzero((epsg == crs) & located)
            some = open_ones[(open_ones["kind"] == kind).to_numpy() & (theirs == crs)]
            if not len(rows) or some.empty:
                continue
            tree = shapely.STRtree(_metric(some, int(crs)))
            found, gaps = tree.query_nearest(
                _metric(units.iloc[rows], int(crs)), return_distance=True, all_matches=True
            )
            order = np.lexsort((found[1], found[0]))
            first = order[np.unique(found[0][order], return_index=True)[1]]
            identifiers[rows[found[0][first]]] = some["resource_id"].to_numpy()[found[1][first]]
            distances[rows[found[0][first]]] = gaps[first] / 1000
        parts.append(
            pd.DataFrame(
                {
                    "insee_code": units["insee_code"].to_numpy(),
                    "kind": kind,
                    "resource_id": pd.array(identifiers, dtype="str"),
                    "distance_km": distances,
                }
            )
        )
    if not parts:
        return pd.DataFrame({"insee_code": [], "kind": [], "resource_id": [], "distance_km": []})
    order = np.arange(len(units) * len(parts)).reshape(len(parts), len(units)).T.ravel()
    return pd.concat(parts, ignore_index=True).iloc[order].reset_index(drop=True)


def _metric(places: pd.DataFrame, epsg: int) -> NDArray[np.object_]:
    import geopandas as gpd
    import numpy as np

    points = gpd.GeoSeries.from_xy(places["longitude"], places["latitude"], crs=WGS84).to_crs(epsg)
    return np.asarray(points, dtype=object)


def access_by_density(distances: pd.DataFrame, units: pd.DataFrame, *, beyond_km: float) -> pd.DataFrame:
    """Sum up distances by kind and density group: the weighted mean, and the inhabitants beyond a distance.

    Parameters
    ----------
    distances
        As :func:`nearest` returns them.
    units
        ``insee_code``, ``population``, ``density_level``.
    beyond_km
        The distance; an inhabitant exactly there is not beyond it.

    Returns
    -------
    DataFrame
        One row per kind and density group that has units, and one per kind for ``all``: ``kind``, ``density_group``,
        ``population``, ``population_unknown`` (inhabitants whose distance is not known: in no mean), ``mean_km``
        (sum of population x distance / sum of population, missing where nobody's is known), ``population_beyond``.
    """
    import pandas as pd

    facts = units[["insee_code", "population"]].assign(density_group=density_group(units["density_level"]))
    joined = distances.merge(facts, on="insee_code", how="left", validate="many_to_one")
    both = pd.concat([joined.assign(density_group="all"), joined], ignore_index=True)
    known = both["distance_km"].notna()
    people = both["population"].astype("int64")
    both = both.assign(
        population=people,
        population_unknown=people.where(~known, 0),
        population_beyond=people.where(known & (both["distance_km"] > beyond_km), 0),
        counted=people.where(known, 0),
        weighted=(people * both["distance_km"]).where(known, 0.0),
    )
    sums = both.groupby(["kind", "density_group"], as_index=False, sort=True)[
        ["population", "population_unknown", "population_beyond", "counted", "weighted"]
    ].sum()
    mean = (sums["weighted"] / sums["counted"]).where(sums["counted"] > 0)
    return sums.assign(mean_km=mean)[
        ["kind", "density_group", "population", "population_unknown", "mean_km", "population_beyond"]
    ]


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
    units: pd.DataFrame, resources: pd.DataFrame, exposed: pd.Series, *, beyond_km: float, kinds: Sequence[str] = ()
) -> pd.DataFrame:
    """Compare access before and after a hazard shuts what it reaches.

    Parameters
    ----------
    units, resources, kinds
        As :func:`nearest`.
    exposed
        Booleans on the index of ``resources``; see :func:`cptsgeo.hazards.in_zones`.
    beyond_km
        Distance past which access is lost.

    Returns
    -------
    DataFrame
        One row per unit and kind: ``insee_code``, ``kind``, ``before_id``, ``before_km``, ``after_id``, ``after_km``, and
        ``loses_access``: within ``beyond_km`` before, and after it beyond, or none left in the territory. Missing where
        the unit has no point.
    """
    wanted = sorted(kinds or resources["kind"].unique())
    before = nearest(units, resources, kinds=wanted)
    after = nearest(units, closed_by(resources, exposed), kinds=wanted)
    had = before["distance_km"] <= beyond_km
    has = after["distance_km"] <= beyond_km
    located = units.set_index("insee_code")["longitude"].notna()
    known = before["insee_code"].map(located).astype("bool")
    return before.rename(columns={"resource_id": "before_id", "distance_km": "before_km"}).assign(
        after_id=after["resource_id"],
        after_km=after["distance_km"],
        loses_access=(had & ~has).astype("boolean").mask(~known),
    )


def losses(comparison: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Count by kind the units and inhabitants who lose access.

    Returns
    -------
    DataFrame
        ``kind``, ``units``, ``population`` of the units that lose access, zero where none does.
    """
    people = comparison["insee_code"].map(units.set_index("insee_code")["population"]).astype("int64")
    lost = comparison["loses_access"].fillna(False).astype("bool")
    table = comparison.assign(units=lost.astype("int64"), population=people.where(lost, 0))
    return table.groupby("kind", as_index=False, sort=True)[["units", "population"]].sum()
