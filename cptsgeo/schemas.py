"""The tables of results: the columns of each, and the schemas that guard what is written."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from cptsgeo.columns import COLUMNS
from cptsgeo.errors import DataError, Finding, UsageError
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema


_COVERAGE = [
    "code",
    "name",
    "counting",
    "stage",
    "definition",
    "population",
    "population_covered",
    "coverage_rate",
    "units",
    "units_covered",
    "units_outside_scope",
    "population_stage_unknown",
]

_CONSEQUENCES = (
    "units",
    "population_added",
    "population_before",
    "population_after",
    "size_class_before",
    "size_class_after",
    "bound_crossed",
    "to_upper_bound",
    "functioning_change",
    "fixed_change",
    "maximum_change",
    "functioning_per_covered",
    "fixed_per_covered",
    "maximum_per_covered",
    "epci_whole",
    "epci_cut",
    "compactness",
    "farthest_km",
)

TABLES: dict[str, tuple[str, ...]] = {
    "coverage": tuple(_COVERAGE),
    "coverage_with_area": (*_COVERAGE, "area_km2", "area_covered_km2", "units_without_area"),
    "sizes": (
        *["cpts_id", "cpts_name", "stage", "units", "population", "size_class", "to_lower_bound", "to_upper_bound"],
        *["region_code", "region_name"],
    ),
    "size_distribution": ("region_code", "region_name", "size_class", "cpts_count", "population"),
    "double_counts": (
        "insee_code",
        "name",
        "population",
        "cpts_count",
        "cpts",
        "population_counted",
        "population_covered",
        "double_count",
    ),
    "double_counts_by_pair": ("cpts_id", "cpts_name", "other_id", "other_name", "units", "population"),
    "overlaps": (
        *["layer", "cpts_id", "cpts_name", "cpts_population", "territory_id", "territory_name", "units", "population"],
        *["share_of_cpts", "share_divided", "share_of_territory", "jaccard", "area_km2", "share_of_area", "method"],
    ),
    "overlap_summary": (
        *["layer", "cpts_id", "cpts_name", "population", "territories", "effective_territories", "dominant_id"],
        *["dominant_name", "dominant_share", "share_outside", "jaccard", "reading_key", "reading"],
    ),
    "territory_summary": (
        *["layer", "territory_id", "territory_name", "population", "cpts_count", "effective_cpts"],
        *["dominant_cpts_id", "dominant_cpts_name", "dominant_share", "share_white", "inter_cpts"],
        *["inter_cpts_count", "inter_cpts_share", "inter_cpts_jaccard", "natural_inter_cpts"],
    ),
    "cuts": (
        *["cpts_id", "insee_code", "name", "population", "share_by_area", "share_by_grid", "population_by_area"],
        *["population_by_grid", "population_in_polygon", "population_at_stake", "method"],
    ),
    "units": (
        *[
            "insee_code",
            "name",
            "departement_code",
            "departement_name",
            "region_code",
            "region_name",
            "epci_siren",
            "epci_name",
        ],
        *[
            "population",
            "population_year",
            "density_level",
            "cpts",
            "cpts_count",
            "stage",
            "population_covered",
            "population_white",
        ],
    ),
    "white_zones": (
        *[
            "insee_code",
            "name",
            "departement_code",
            "departement_name",
            "epci_siren",
            "epci_name",
            "population",
            "population_year",
        ],
        *["population_white", "density_level", "density_label", "density_group"],
    ),
    "white_zones_by_density": (
        "split",
        "key",
        "label",
        "units",
        "population",
        "units_white",
        "population_white",
        "share_of_white",
        "white_rate",
    ),
    "funding": (
        "cpts_id",
        "cpts_name",
        "stage",
        "population",
        "size_class",
        "paid",
        "functioning",
        "fixed",
        "maximum",
        "functioning_per_inhabitant",
        "fixed_per_inhabitant",
        "maximum_per_inhabitant",
    ),
    "funding_by": (
        "code",
        "name",
        "population",
        "cpts_count",
        "cpts_stage_unknown",
        "functioning",
        "fixed",
        "maximum",
        "functioning_per_inhabitant",
        "fixed_per_inhabitant",
        "maximum_per_inhabitant",
        "functioning_over_years",
        "fixed_over_years",
        "maximum_over_years",
        "maximum_stage_unknown",
    ),
    "funding_grid": (
        "mission",
        "mission_label",
        "part",
        "class_1",
        "class_2",
        "class_3",
        "class_4",
    ),
    "funding_summary": (
        "level",
        "level_label",
        "cpts_count",
        "euros",
        "euros_per_cpts",
        "euros_per_inhabitant",
        "years",
        "euros_over_years",
    ),
    "funding_projected": (
        "level",
        "level_label",
        "cpts_count",
        "euros",
        "euros_per_cpts",
        "euros_per_inhabitant",
        "years",
        "euros_over_years",
        "cpts_projected",
        "euros_projected",
        "euros_projected_over_years",
    ),
    "payments": (
        "cpts_id",
        "cpts_name",
        "size_class",
        "contract_year",
        "months_after_signature",
        "paid_on",
        "mission",
        "part",
        "payment",
        "euros",
    ),
    "contract_years": (
        "cpts_id",
        "cpts_name",
        "size_class",
        "contract_year",
        "euros_due",
        "euros_paid",
    ),
    "cpts_editions": (
        "cpts_id",
        "cpts_name",
        "stage",
        "population_year",
        "population",
        "units_missing",
        "size_class",
    ),
    "editions_unmatched": (
        "population_year",
        "insee_code",
        "population",
        "reason",
    ),
    "watch": (
        "cpts_id",
        "cpts_name",
        "stage",
        "bound",
        "population_year",
        "population",
        "size_class",
        "distance",
        "distance_rate",
        "near",
        "crossings",
        "fixed_at_stake",
        "maximum_at_stake",
    ),
    "smoothed": (
        "cpts_id",
        "cpts_name",
        "stage",
        "paid",
        "population_year",
        "population",
        "size_class",
        "size_class_smoothed",
        "functioning_effect",
        "fixed_effect",
        "maximum_effect",
    ),
    "smoothing_effect": (
        "population_year",
        "cpts_count",
        "cpts_held",
        "cpts_stage_unknown",
        "functioning_effect",
        "fixed_effect",
        "maximum_effect",
    ),
    "diff": (
        "day_before",
        "day_after",
        "cause",
        "cause_label",
        "population_change",
        "rate_change",
        "population",
        "population_covered",
        "coverage_rate",
    ),
    "changes": (
        "day_before",
        "day_after",
        "cpts_id",
        "cpts_name",
        "change",
        "stage_before",
        "stage_after",
        "units_added",
        "units_removed",
        "units_reshared",
    ),
    "series": (
        "day",
        "stage",
        "definition",
        "cpts_count",
        "population",
        "population_covered",
        "coverage_rate",
    ),
    "reconcile": (
        "figure",
        "day",
        "place",
        "place_name",
        "wording",
        "source",
        "published_rate",
        "stage",
        "headcount",
        "territory",
        "definition",
        "population",
        "population_covered",
        "our_rate",
        "gap",
        "nearest",
        "agrees",
        "units_outside_scope",
    ),
    "clusters": (
        "cluster_id",
        "cluster_name",
        "departement_code",
        "region_code",
        "units",
        "population_white",
        "area_km2",
        "units_without_area",
        "compactness",
        "departement_count",
        "region_count",
        "epci_count",
        "neighbour_count",
    ),
    "cluster_units": (
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
        "region_code",
        "region_name",
        "cluster_id",
        "white_share",
    ),
    "cluster_parts": (
        "cluster_id",
        "split",
        "key",
        "label",
        "units",
        "population_white",
        "share_of_cluster",
        "share_of_group",
    ),
    "cluster_neighbours": (
        "cluster_id",
        "cpts_id",
        "cpts_name",
        "stage",
        "relation",
        "border_km",
        "distance_km",
        "population",
        "size_class",
        "to_upper_bound",
    ),
    "need": (
        *("insee_code", "name", "population", "need", "need_weight_known", "need_missing", "need_zoning", "need_apl"),
        *("need_share_75", "need_qpv_population", "need_qpv_count", "need_ald_prevalence", "zoning", "apl", "share_75"),
        *("qpv_population", "qpv_count", "ald_prevalence"),
    ),
    "cluster_need": (
        "cluster_id",
        "need",
        "population_need_known",
        "need_missing",
    ),
    "extensions": ("cluster_id", "split", "key", "label", "cpts_id", "cpts_name", "stage", "border_km", *_CONSEQUENCES),
    "plan": ("action", "cpts_id", "cpts_name", "clusters", *_CONSEQUENCES),
    "plan_units": (
        "insee_code",
        "name",
        "cluster_id",
        "population_white",
        "action",
        "cpts_id",
        "cpts_name",
        "why_white",
    ),
    "plan_summary": (
        "objective",
        "level",
        "seed",
        "units_white",
        "population_white",
        "population_covered",
        "extended_count",
        "created_count",
        "functioning_change",
        "fixed_change",
        "maximum_change",
        "epci_cut",
        "zones_cut",
        "need_weighted",
        "euros_per_need",
        "objective_value",
        "objective_bound",
        "objective_gap",
    ),
    "resources": (
        *["resource_id", "kind", "name", "insee_code", "longitude", "latitude", "position_precision", "status"],
        *["status_at", "status_source", "capacity", "unit", "phone", "mobile", "email", "opening", "source"],
        *["updated_at", "visibility"],
    ),
    "access_by_unit": (
        *("insee_code", "name", "population", "kind", "resource_id", "position_precision", "measure", "value"),
    ),
    "access_by_density": (
        *("kind", "density_group", "measure", "limit", "population", "population_within", "population_beyond"),
        *("population_unknown", "population_commune_only", "mean"),
    ),
    "access_per_inhabitants": ("by", "code", "name", "kind", "resources", "population", "per_10000"),
    "access_within_radius": ("kind", "radius_km", "population", "population_within", "population_method"),
    "exposed_resources": ("resource_id", "kind", "name", "insee_code", "position_precision", "status", "zone"),
    "exposed_population": ("zone", "population", "population_method"),
    "access_change": (
        *("insee_code", "kind", "measure", "limit", "before_id", "before", "after_id", "after", "loses_access"),
    ),
    "access_losses": ("kind", "measure", "limit", "units", "population"),
    "cpts_units": ("cpts_id", "cpts_name", "insee_code", "name", "population", "share", "population_in_cpts"),
}

MAY_MISS = {
    "access_by_unit": {"resource_id", "position_precision"},
    "cpts_editions": {"population"},
    "diff": {"population", "population_covered"},
    "editions_unmatched": {"population"},
    "reconcile": {"population_covered"},
    "resources": {"source"},
    "smoothed": {"population"},
}
"""Columns that may miss a value in one table, and in no other."""


@cache
def schema(table: str) -> DataFrameSchema:
    """Return the pandera schema of a result table.

    Examples
    --------
    >>> list(schema("double_counts_by_pair").columns)
    ['cpts_id', 'cpts_name', 'other_id', 'other_name', 'units', 'population']
    """
    with _quiet():
        import pandera.pandas as pa

    checks = {
        "count": [pa.Check.ge(0)],
        "measure": [pa.Check.ge(0)],
        "rate": [pa.Check.in_range(0, 1)],
        "index": [pa.Check.in_range(0, 1)],
    }
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                checks=checks.get(column.kind),
                nullable=column.nullable or name in MAY_MISS.get(table, ()),
                title=column.label,
                description=column.meaning,
            )
            for name, column in ((name, COLUMNS[name]) for name in TABLES[table])
        },
        strict=True,
        ordered=True,
        name=table,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Let pandera import PySpark, which it does where that is installed, without its word on a pandas newer than it knows."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet", FutureWarning)
        yield


def conform(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return a result table after checking it against its schema, before anyone reads it.

    Raises
    ------
    DataError
        With every value that the schema refuses. This is a fault of the program, not of the data.
    """
    with _quiet():
        import pandera.errors

    if table not in TABLES:
        raise UsageError(
            _("{table!r} is not a result table").format(table=table),
            fix=_("choose one of: {choices}").format(choices=", ".join(TABLES)),
        )
    try:
        with _quiet():
            return schema(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise DataError(
            _("the table {table} does not follow its schema").format(table=table),
            fix=_("report this as a fault of cptsgeo, with the files that led to it"),
            findings=[
                Finding("schema", "error", f"{row.check}: {row.failure_case}", column=str(row.column))
                for row in error.failure_cases.itertuples()
            ],
        ) from error
