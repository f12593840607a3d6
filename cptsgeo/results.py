"""Every result of a study, computed once for the tables and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cptsgeo.card import cards, true_borders
from cptsgeo.contours import dissolve, undrawn
from cptsgeo.contract import contract_years, payments
from cptsgeo.coverage import coverage, unit_coverage
from cptsgeo.crs import areas_km2
from cptsgeo.editions import of_study
from cptsgeo.errors import DataError, Finding
from cptsgeo.funding import funding, funding_by, grid, summary
from cptsgeo.i18n import _
from cptsgeo.overlap_readings import overlap_summary, straddling, territory_summary
from cptsgeo.overlap_view import LayerView, layer_view
from cptsgeo.overlaps import overlaps
from cptsgeo.parameters import labels
from cptsgeo.plan_tables import planned_units
from cptsgeo.planning import planning
from cptsgeo.reconcile import reconcile
from cptsgeo.schemas import TABLES, conform
from cptsgeo.sizes import double_counts, double_counts_by_pair, size_distribution, sizes, unit_size_class
from cptsgeo.snapshots import changes, diff, series
from cptsgeo.study import Study
from cptsgeo.watch import cpts_editions, smoothed, smoothing_effect, watch
from cptsgeo.white_zones import density_group, density_label, white_zones, white_zones_by_density

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.scenarios import Plan

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
        ``covered`` or ``out_of_scope``), ``plan`` and ``plan_label`` (as :func:`cptsgeo.plan_tables.planned_units` gives
        them), ``geometry``.
    findings
        Those of the study, and of its planning.
    plan
        The plan; nothing where none could be made.
    """

    study: Study
    tables: dict[str, pd.DataFrame]
    units: gpd.GeoDataFrame
    findings: tuple[Finding, ...]
    plan: Plan | None

    @cached_property
    def outlines(self) -> dict[str, gpd.GeoDataFrame]:
        """Return the outlines of the CPTS and of the départements, by layer: ``name``, ``geometry``; united when first drawn."""
        contours, perimeters = self.study.drawn, self.study.perimeters
        members = perimeters.membership.set_index("insee_code")["cpts_id"]
        names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
        return {
            _("CPTS"): dissolve(contours, members.map(names)),
            _("Départements"): dissolve(contours, self.units.set_index("insee_code")["departement_name"]),
        }

    @cached_property
    def layers(self) -> tuple[LayerView, ...]:
        """Return what a map of each layer of territories shows, its outlines united when first drawn."""
        study = self.study
        return tuple(
            layer_view(study.drawn, study.perimeters, layer, self.tables["overlap_summary"])
            for layer in study.territories
        )

    @property
    def cards(self) -> dict[str, dict[str, Any]]:
        """Return the identity card of every CPTS, by its id; see :func:`cptsgeo.card.cards`."""
        study = self.study
        return cards(
            study.communes,
            study.perimeters,
            editions=self.tables["cpts_editions"] if study.editions is not None else None,
            borders=true_borders(study.ground.borders, study.drawn),
            paid_stages=study.inputs.paid_stages,
        )

    @property
    def undrawn(self) -> pd.DataFrame:
        """Return the units of the scope that have no outline."""
        return undrawn(self.study.units, self.units[self.units.geometry.notna()])

    def _repr_html_(self) -> str:
        """Show finding, key figures and rates in a notebook: the words of the pages, hence an import against the stream."""
        from cptsgeo.maps.summary import summary

        return summary(self)


def compute_tables(study: Study) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Compute the tables of a study that need no outline, each checked against its schema.

    Returns
    -------
    dict
        File name (without ending) to table: what every study has; ``need`` where need was given, ``smoothed`` and
        ``smoothing_effect`` where other editions were, ``series`` where snapshots were, and for two or more ``diff``
        and ``changes``; ``cuts`` where drawn perimeters cut units; those of :func:`overlap_tables` where layers of
        territories were given.
    list of Finding
        Why the size classes are not watched, where the census year is not known.
    """
    areas = areas_km2(study.contours) if study.contours is not None else None
    tables: dict[str, pd.DataFrame] = {}
    paid = study.inputs.paid_stages
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
    tables["funding"] = conform(funding(study.communes, study.perimeters, paid_stages=paid), "funding")
    for level in ("scope", "region", "departement"):
        table = funding_by(study.communes, study.perimeters, by=level, in_scope=study.in_scope, paid_stages=paid)
        tables[f"funding_by_{level}"] = conform(table, "funding_by")
    tables["white_zones"] = conform(white_zones(study.units, study.perimeters), "white_zones")
    tables["white_zones_by_density"] = conform(
        white_zones_by_density(study.units, study.perimeters), "white_zones_by_density"
    )
    tables |= _money(study, tables["funding"])
    watched, findings = _watched(study)
    tables |= watched
    table = reconcile(study.communes, study.perimeters, study.published, inside=study.in_scope)
    tables["reconcile"] = conform(table, "reconcile")
    if study.need is not None:
        table = study.units[["insee_code", "name", "population"]].merge(study.need, on="insee_code", validate="1:1")
        tables["need"] = conform(table.reindex(columns=list(TABLES["need"])), "need")
    if study.cuts is not None:
        tables["cuts"] = conform(study.cuts, "cuts")
    if study.territories:
        tables |= overlap_tables(study, areas_km2=areas)
    return tables | _moved(study), findings


def _money(study: Study, table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Sum what the CPTS that are paid get over the scope, and by year of their contracts; and give the grid."""
    counts = table.loc[table["paid"].fillna(False), "size_class"].value_counts()
    return {
        "funding_summary": conform(summary(counts, population=int(study.units["population"].sum())), "funding_summary"),
        "contract_years": conform(contract_years(payments(table)), "contract_years"),
        "funding_grid": conform(grid(), "funding_grid"),
    }


def _watched(study: Study) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Watch the size classes over the editions given, or else in the populations of the study."""
    try:
        populations = (study.editions or of_study(study.communes)).populations
    except DataError as unknown:
        return {}, [Finding("watch_without_year", "warning", unknown.problem, unknown.fix, column="population_year")]
    editions = cpts_editions(populations, study.perimeters)
    tables = {"cpts_editions": editions, "watch": watch(editions)}
    if study.editions is not None:
        tables["editions_unmatched"] = study.editions.unmatched
        tables["smoothed"] = smoothed(editions, paid_stages=study.inputs.paid_stages)
        tables["smoothing_effect"] = smoothing_effect(tables["smoothed"])
    return {name: conform(table, name) for name, table in tables.items()}, []


def _moved(study: Study) -> dict[str, pd.DataFrame]:
    """Follow the coverage of the scope over the snapshots given."""
    import pandas as pd

    if not study.snapshots:
        return {}
    tables = {"series": series(study.snapshots, scope=study.scope)}
    pairs = list(pairwise(study.snapshots))
    if pairs:
        tables["diff"] = pd.concat([diff(*pair, scope=study.scope) for pair in pairs], ignore_index=True)
        tables["changes"] = pd.concat([changes(*pair) for pair in pairs], ignore_index=True)
    return {name: conform(table, name) for name, table in tables.items()}


def overlap_tables(study: Study, *, areas_km2: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """Compute the tables of the layers of a study: both ways, read, and the CPTS across départements or régions.

    Parameters
    ----------
    study
        Without layers, the last of these tables alone.
    areas_km2
        Areas by ``insee_code``, where outlines are known.
    """
    import pandas as pd

    across = straddling(study.communes, study.perimeters, areas_km2=areas_km2)
    tables = {"overlap_straddling": conform(across, "overlaps")}
    if not study.territories:
        return tables
    table = conform(overlaps(study.communes, study.perimeters, study.territories, areas_km2=areas_km2), "overlaps")
    reverse = [territory_summary(study.communes, study.perimeters, layer) for layer in study.territories]
    return {
        "overlaps": table,
        "overlap_summary": conform(overlap_summary(table), "overlap_summary"),
        "overlap_territories": conform(pd.concat(reverse, ignore_index=True), "territory_summary"),
        **tables,
    }


def compute(study: Study, *, plan: Plan | None = None, with_plan: bool = True) -> Results:
    """Compute the tables of a study read with contours, and what its pages draw.

    Parameters
    ----------
    study
        With contours.
    plan
        A plan made of its white zones, to show in place of the least costly one.
    with_plan
        Describe the white zones and what may fill them; without, the tables of :class:`cptsgeo.planning.Planning` are
        not there, and what shows none of them is there sooner.
    """
    tables, findings = compute_tables(study)
    contours = study.drawn
    if with_plan:
        planned = planning(
            study.communes,
            study.perimeters,
            contours,
            in_scope=study.in_scope,
            ground=study.ground,
            scores=study.need,
            made=plan,
        )
        tables |= planned.tables
        findings += planned.findings
        plan = planned.plan
    units = _units(study, contours, tables["sizes"])
    units = units.merge(planned_units(units, tables.get("plan_units")), on="insee_code", validate="1:1")
    return Results(study, tables, units, (*study.findings, *findings), plan)


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
