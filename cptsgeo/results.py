"""Every result of a study, computed once for the tables and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cptsgeo.contours import dissolve, undrawn
from cptsgeo.coverage import coverage, unit_coverage
from cptsgeo.crs import areas_km2
from cptsgeo.errors import Finding
from cptsgeo.funding import funding, funding_by
from cptsgeo.i18n import _
from cptsgeo.parameters import labels
from cptsgeo.planning import planning_tables
from cptsgeo.schemas import TABLES, conform
from cptsgeo.sizes import double_counts, double_counts_by_pair, size_distribution, sizes, unit_size_class
from cptsgeo.study import Study
from cptsgeo.white_zones import density_group, density_label, white_zones, white_zones_by_density

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

LEVELS = ("scope", "region", "departement", "epci")


@dataclass(frozen=True)
class Results:
    """Hold the results of a study.

    Attributes
    ----------
    study
        What they were computed from.
    tables
        Result tables by file name; each follows its schema.
    units
        Units to draw, of the scope and of its CPTS beyond it, EPSG:4326: ``insee_code``, ``name``,
        ``departement_code``, ``departement_name``, ``population``, ``population_year``, ``density_label``,
        ``cpts``, ``stage`` (of the unit, ``white_zone``, ``unknown`` or ``out_of_scope``), ``stage_label``,
        ``size_class`` (text, ``white_zone`` or ``out_of_scope``), ``white_zone`` (density group of a white unit,
        ``covered`` or ``out_of_scope``), ``geometry``.
    outlines
        Outlines of the CPTS and of the départements, by layer: ``name``, ``geometry``.
    findings
        Those of the study, and of its planning.
    """

    study: Study
    tables: dict[str, pd.DataFrame]
    units: gpd.GeoDataFrame
    outlines: dict[str, gpd.GeoDataFrame]
    findings: tuple[Finding, ...]

    @property
    def undrawn(self) -> pd.DataFrame:
        """Return the units of the scope that have no outline."""
        return undrawn(self.study.units, self.units[self.units.geometry.notna()])

    def _repr_html_(self) -> str:
        """Show finding, key figures and rates in a notebook: the words of the pages, hence an import against the stream."""
        from cptsgeo.maps.summary import summary

        return summary(self)


def compute_tables(study: Study) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Compute every table of a study, each checked against its schema.

    Returns
    -------
    dict
        File name (without ending) to table; those of the planning engine where the study has outlines.
    list of Finding
        What the planning engine could not do as asked; see :func:`cptsgeo.planning.planning_tables`.
    """
    areas = areas_km2(study.contours) if study.contours is not None else None
    tables: dict[str, pd.DataFrame] = {}
    findings: list[Finding] = []
    for level in LEVELS:
        table = coverage(study.communes, study.perimeters, in_scope=study.in_scope, by=level, areas_km2=areas)
        tables[f"coverage_by_{level}"] = conform(table, "coverage" if areas is None else "coverage_with_area")
    units = unit_coverage(study.units, study.perimeters)
    tables["units"] = conform(units[list(TABLES["units"])], "units")
    size_table = conform(sizes(study.communes, study.perimeters), "sizes")
    tables["sizes"] = size_table
    tables["size_distribution"] = conform(size_distribution(size_table), "size_distribution")
    tables["double_counts"] = conform(double_counts(study.communes, study.perimeters), "double_counts")
    tables["double_counts_by_pair"] = conform(
        double_counts_by_pair(study.communes, study.perimeters), "double_counts_by_pair"
    )
    tables["funding"] = conform(funding(study.communes, study.perimeters), "funding")
    for level in ("scope", "region", "departement"):
        table = funding_by(study.communes, study.perimeters, by=level, in_scope=study.in_scope)
        tables[f"funding_by_{level}"] = conform(table, "funding_by")
    tables["white_zones"] = conform(white_zones(study.units, study.perimeters), "white_zones")
    tables["white_zones_by_density"] = conform(
        white_zones_by_density(study.units, study.perimeters), "white_zones_by_density"
    )
    if study.contours is not None:
        planned, findings = planning_tables(study.communes, study.perimeters, study.contours, in_scope=study.in_scope)
        tables |= planned
    return tables, findings


def compute(study: Study) -> Results:
    """Compute the tables of a study read with contours, and what its pages draw."""
    tables, findings = compute_tables(study)
    contours = study.contours
    assert contours is not None, "the study was read with contours"
    units = _units(study, contours, tables["sizes"])
    members = study.perimeters.membership.set_index("insee_code")["cpts_id"]
    names = study.perimeters.cpts.set_index("cpts_id")["cpts_name"]
    departements = units.set_index("insee_code")["departement_name"]
    outlines = {
        _("CPTS"): dissolve(contours, members.map(names)),
        _("Départements"): dissolve(contours, departements),
    }
    return Results(study, tables, units, outlines, (*study.findings, *findings))


def _units(study: Study, contours: gpd.GeoDataFrame, size_table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give each unit to draw what its tooltip says and its class on each map."""
    import geopandas as gpd

    concerned = study.in_scope | study.communes["insee_code"].isin(study.perimeters.membership["insee_code"])
    units = unit_coverage(study.communes[concerned], study.perimeters)
    inside = study.in_scope[units.index]
    white = units["stage"] == "white_zone"
    units["density_label"] = density_label(units["density_level"])
    units["white_zone"] = density_group(units["density_level"]).where(white, "covered").where(inside, "out_of_scope")
    size = unit_size_class(units, study.perimeters, size_table).astype("object").map(str, na_action="ignore")
    units["size_class"] = size.fillna("white_zone").astype("str").where(inside, "out_of_scope")
    words = {
        **labels("stages"),
        "unknown": _("stage unknown"),
        "white_zone": _("white zone"),
        "out_of_scope": _("outside the scope of the study"),
    }
    units["stage"] = units["stage"].where(inside, "out_of_scope")
    units["stage_label"] = units["stage"].map(words)
    columns = [
        *[
            "insee_code",
            "name",
            "departement_code",
            "departement_name",
            "population",
            "population_year",
            "density_label",
            "cpts",
        ],
        *["stage", "stage_label", "size_class", "white_zone"],
    ]
    joined = units[columns].merge(
        contours[["insee_code", "geometry"]], on="insee_code", how="left", validate="one_to_one"
    )
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=contours.crs)
