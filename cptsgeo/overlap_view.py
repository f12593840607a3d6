"""What a map of one layer shows: how many territories the CPTS of each unit faces, and both outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.contours import dissolve
from cptsgeo.i18n import N_
from cptsgeo.perimeters import Perimeters
from cptsgeo.territories import Territories

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

FACING = {
    "several": N_("CPTS that faces several territories"),
    "partly_outside": N_("CPTS partly outside the layer, for the rest in one territory"),
    "outside": N_("CPTS outside the layer"),
    "within": N_("CPTS within one territory"),
    "coincides": N_("CPTS that coincides with its territory"),
    "empty": N_("CPTS where nobody lives"),
}
"""Classes of CPTS, the one that a map shows first where a unit is in several CPTS."""


class LayerView(NamedTuple):
    """Hold one layer as a map shows it.

    Attributes
    ----------
    layer
        Its territories.
    facing
        One row per unit of a CPTS or of the layer, index ``insee_code``: ``facing`` (key of :data:`FACING`, missing
        where no CPTS is) and ``territories`` (names, empty where none is).
    cpts
        Number of CPTS of each key of :data:`FACING`.
    outlines
        ``name``, ``geometry``: the territories; a unit held in part is drawn whole.
    """

    layer: Territories
    facing: pd.DataFrame
    cpts: dict[str, int]
    outlines: gpd.GeoDataFrame


def layer_view(
    contours: gpd.GeoDataFrame, perimeters: Perimeters, layer: Territories, summary: pd.DataFrame
) -> LayerView:
    """Make what a map of one layer shows.

    Parameters
    ----------
    contours
        ``insee_code`` and outlines.
    perimeters, layer
        CPTS and territories.
    summary
        As :func:`cptsgeo.overlap_readings.overlap_summary` returns it.
    """
    import pandas as pd

    facts = summary[summary["layer"] == layer.kind].set_index("cpts_id")
    key = facts["reading_key"].where(facts["reading_key"] != "shared", "several")
    key = key.mask((key == "partly_outside") & (facts["territories"] > 1), "several")
    rank = {name: position for position, name in enumerate(FACING)}
    members = perimeters.membership.assign(rank=perimeters.membership["cpts_id"].map(key).map(rank))
    first = members.groupby("insee_code")["rank"].min()
    names = layer.membership["territory_id"].map(layer.names.set_index("territory_id")["territory_name"])
    held = names.groupby(layer.membership["insee_code"]).agg(lambda part: "; ".join(sorted(part)))
    facing = pd.DataFrame({"facing": first.map(dict(enumerate(FACING))), "territories": held})
    return LayerView(
        layer,
        facing.assign(territories=facing["territories"].fillna("")),
        {name: int((key == name).sum()) for name in FACING},
        dissolve(contours, names.set_axis(layer.membership["insee_code"])),
    )
