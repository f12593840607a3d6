"""White zones: the units of the scope that no CPTS covers, and how urban or rural they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.coverage import unit_coverage
from cptsgeo.i18n import _
from cptsgeo.parameters import labels, parameters
from cptsgeo.perimeters import Perimeters

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"


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
