"""Territories of establishments: each unit goes to the nearest one, since where they stand is no territory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.communes import ALIASES as COMMUNE_ALIASES
from cptsgeo.crs import by_territory
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.tabular import TextTable
from cptsgeo.territory_lists import labels, list_members, named

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

SUPPORT_ROLES = frozenset({"s", "support", "etablissement support"})


def nearest_members(
    table: TextTable, communes: pd.DataFrame, rule: str, contours: gpd.GeoDataFrame, findings: list[Finding]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each unit of the establishments' départements to the territory of the nearest one.

    Parameters
    ----------
    table
        One row per establishment: its territory, its commune, and for ``nearest_support`` its ``role``.
    communes, contours
        Units of today and their outlines.
    rule
        ``nearest_site``, or ``nearest_support`` for the establishments whose role is S alone.
    findings
        What was recoded is added here.

    Returns
    -------
    tuple of DataFrame
        ``territory_id``, ``territory_name``; and ``territory_id``, ``insee_code``, ``share``, ``method`` (the rule).

    Raises
    ------
    DataError
        Without communes, roles or outlines of the establishments.

    Notes
    -----
    Distance is a straight line between interior points of the communes, in the metric CRS of the territory; of two
    establishments as far, the one whose territory comes first by identifier is taken.
    """
    import numpy as np
    import pandas as pd
    import shapely

    rows = named(table)
    if not {"insee_code", "commune"} & set(rows):
        table.renamed({"insee_code": COMMUNE_ALIASES["insee_code"]}, required=["insee_code"])
    if rule == "nearest_support":
        if "role" not in rows:
            table.renamed({"role": ("role_publie",)}, required=["role"])
        rows = rows[rows["role"].str.lower().isin(SUPPORT_ROLES)]
        if rows.empty:
            raise DataError(
                _("no establishment is a support (role S)"), fix=_("choose --rule nearest_site"), where=table.file
            )
    places = [name for name in ("insee_code", "commune", "departement_code") if name in rows]
    sites = list_members(rows[["territory_id", *places]].drop_duplicates(), communes, table.file, findings)
    undrawn = sites[~sites["insee_code"].isin(contours["insee_code"])]
    findings += [
        Finding(
            "site_undrawn",
            "error",
            _("the commune {code} of an establishment of {territory} has no outline").format(
                code=row.insee_code, territory=row.territory_id
            ),
            _("give its outline with --contours, or remove the establishment"),
            table.file,
            column="insee_code",
            value=row.insee_code,
        )
        for row in undrawn.itertuples()
    ]
    raise_errors(findings)
    of_unit = communes.set_index("insee_code")["departement_code"]
    wanted = of_unit.index[of_unit.isin(of_unit[sites["insee_code"]].unique())]
    parts = []
    for local in by_territory(contours[contours["insee_code"].isin(wanted)]).values():
        points = pd.Series(shapely.point_on_surface(local.geometry.to_numpy()), local["insee_code"].to_numpy())
        here = sites[sites["insee_code"].isin(points.index)].sort_values(
            ["territory_id", "insee_code"], ignore_index=True
        )
        if here.empty:
            continue
        ends = points[here["insee_code"]].to_numpy()
        distances = np.stack([shapely.distance(points.to_numpy(), end) for end in ends], axis=1)
        chosen = here["territory_id"].to_numpy()[np.argmin(distances, axis=1)]
        parts.append(pd.DataFrame({"territory_id": chosen, "insee_code": points.index}))
    return labels(rows, table.file), pd.concat(parts).assign(share=1.0, method=rule)
