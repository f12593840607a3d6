"""The columns of every table: name, type, label and meaning; the schemas that guard what is written."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.errors import DataError, Finding, UsageError
from cptsgeo.i18n import N_, _

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema


class Column(NamedTuple):
    """Describe one column, the same in every table that has it.

    Attributes
    ----------
    kind
        ``text``, ``count`` (a whole number of 0 or more), ``rate`` (a fraction of 1), ``measure`` (a decimal number
        of 0 or more), ``difference`` (a whole number of either sign), ``fraction`` (any share or change of share, of
        either sign, may pass 1), ``euros`` or ``flag``.
    label
        Heading that a reader sees, to be translated.
    meaning
        Definition, with its unit, to be translated.
    nullable
        Whether a value may be missing.
    """

    kind: str
    label: str
    meaning: str
    nullable: bool = False


COLUMNS = {
    "action": Column(
        "text",
        N_("Action"),
        N_("extend: a CPTS takes the units in; create: a new CPTS is made of them; none: they stay white"),
    ),
    "ald_prevalence": Column(
        "rate", N_("Prevalence of ALD"), N_("share of inhabitants with a long-term illness (ALD)"), nullable=True
    ),
    "apl": Column(
        "measure",
        N_("APL"),
        N_("access to general practitioners, consultations a year and inhabitant (DREES)"),
        nullable=True,
    ),
    "area_covered_km2": Column("measure", N_("Area covered (km²)"), N_("area of the units covered, in km²")),
    "area_km2": Column("measure", N_("Area (km²)"), N_("area of the units whose outline is known, in km²")),
    "border_km": Column("measure", N_("Shared border (km)"), N_("length of the border that the two share, in km")),
    "bound_crossed": Column(
        "count",
        N_("Bound crossed"),
        N_("last bound of size that the CPTS passes, in inhabitants; missing when none"),
        nullable=True,
    ),
    "cluster_id": Column(
        "text", N_("Cluster"), N_("identifier of the cluster: département and code of its most populous unit")
    ),
    "cluster_name": Column("text", N_("Most populous unit"), N_("name of the most populous unit of the cluster")),
    "clusters": Column("text", N_("Clusters"), N_("identifiers of the clusters that the CPTS takes units of")),
    "code": Column("text", N_("Code"), N_("code of the group: scope, région, département, EPCI or unit")),
    "compactness": Column(
        "rate",
        N_("Compactness"),
        N_("4 pi area / outline squared (Polsby and Popper): 1 for a circle; missing where an outline is not known"),
        nullable=True,
    ),
    "counting": Column(
        "text", N_("Counting"), N_("cumulative: at least the stage; exclusive: the most advanced stage of the unit")
    ),
    "coverage_rate": Column(
        "rate", N_("Coverage rate"), N_("population covered / population; missing where nobody lives"), nullable=True
    ),
    "cpts": Column("text", N_("CPTS"), N_("names of the CPTS of the unit")),
    "cpts_count": Column("count", N_("Number of CPTS"), N_("number of CPTS that the unit, or the class, has")),
    "cpts_id": Column("text", N_("CPTS identifier"), N_("identifier of the CPTS; its name where the list gives none")),
    "cpts_name": Column("text", N_("CPTS"), N_("name of the CPTS, as it is spelt in the list")),
    "created_count": Column("count", N_("CPTS created"), N_("number of new CPTS in the plan")),
    "definition": Column("text", N_("Definition"), N_("which CPTS count in the rate, in words")),
    "density_group": Column("text", N_("Density group"), N_("urbain_dense, urbain_intermediaire, rural or unknown")),
    "density_label": Column("text", N_("Density"), N_("label of the INSEE density level")),
    "density_level": Column("count", N_("Density level"), N_("INSEE density level, 1 to 7"), nullable=True),
    "departement_code": Column("text", N_("Département code"), N_("code of the département"), nullable=True),
    "departement_count": Column("count", N_("Départements"), N_("number of départements that the cluster touches")),
    "departement_name": Column("text", N_("Département"), N_("name of the département"), nullable=True),
    "distance_km": Column(
        "measure",
        N_("Distance (km)"),
        N_("distance from edge to edge, in km; 0 where the two share a border"),
        nullable=True,
    ),
    "double_count": Column(
        "count",
        N_("Counted more than once"),
        N_("inhabitants counted in several CPTS: sum of the CPTS populations less the population covered"),
    ),
    "epci_count": Column("count", N_("EPCI touched"), N_("number of EPCI that the cluster touches")),
    "epci_cut": Column("count", N_("EPCI cut"), N_("EPCI concerned that are then not wholly in one CPTS")),
    "epci_name": Column("text", N_("EPCI"), N_("name of the EPCI"), nullable=True),
    "epci_siren": Column(
        "text", N_("EPCI code"), N_("SIREN of the EPCI; four island communes have none"), nullable=True
    ),
    "epci_whole": Column("count", N_("EPCI whole"), N_("EPCI concerned that are then wholly in the CPTS")),
    "euros_per_need": Column(
        "euros", N_("Euros per need"), N_("euros a year per need-weighted inhabitant newly covered"), nullable=True
    ),
    "extended_count": Column("count", N_("CPTS extended"), N_("number of CPTS that the plan extends")),
    "farthest_km": Column(
        "measure",
        N_("Farthest unit (km)"),
        N_("from the centre of the CPTS to the farthest unit that joins it, in a straight line, in km"),
        nullable=True,
    ),
    "fixed_change": Column(
        "euros", N_("Change, fixed parts"), N_("change of functioning and fixed parts, in euros a year")
    ),
    "fixed_per_covered": Column(
        "euros",
        N_("Per inhabitant, fixed parts"),
        N_("change of functioning and fixed parts, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "functioning_change": Column(
        "euros", N_("Change, functioning"), N_("change of the functioning budget, in euros a year")
    ),
    "functioning_per_covered": Column(
        "euros",
        N_("Per inhabitant, functioning"),
        N_("change of the functioning budget, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "gap": Column("rate", N_("Gap"), N_("(value - bound) / value: 0 when the optimum is proven")),
    "insee_code": Column("text", N_("INSEE code"), N_("code of the commune, or of the arrondissement municipal")),
    "key": Column("text", N_("Key"), N_("key of the density group or level, or of the part of the cluster")),
    "label": Column("text", N_("Class"), N_("density group or level, or part of the cluster, in words")),
    "level": Column(
        "text", N_("Budget level"), N_("level of the ACI budget that the plan counts: functioning, fixed or maximum")
    ),
    "maximum_change": Column(
        "euros", N_("Change, maximum"), N_("change of the greatest possible budget, in euros a year")
    ),
    "maximum_per_covered": Column(
        "euros",
        N_("Per inhabitant, maximum"),
        N_("change of the greatest possible budget, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "name": Column("text", N_("Name"), N_("name of the unit or of the group")),
    "need": Column("rate", N_("Need"), N_("need score from 0 to 1; missing when no component is known"), nullable=True),
    "need_ald_prevalence": Column("rate", N_("Need: ALD"), N_("score of the prevalence of ALD, 0 to 1"), nullable=True),
    "need_apl": Column("rate", N_("Need: APL"), N_("score of the APL, 0 to 1"), nullable=True),
    "need_missing": Column(
        "text", N_("Missing components"), N_("components of need that are not known, and in no score")
    ),
    "need_qpv_count": Column(
        "rate", N_("Need: number of QPV"), N_("score of the number of QPV, 0 to 1"), nullable=True
    ),
    "need_qpv_population": Column(
        "rate", N_("Need: QPV"), N_("score of the share of inhabitants in QPV, 0 to 1"), nullable=True
    ),
    "need_share_75": Column("rate", N_("Need: age"), N_("score of the share aged 75 and over, 0 to 1"), nullable=True),
    "need_weight_known": Column(
        "rate", N_("Weight known"), N_("sum of the weights of the components of need that are known")
    ),
    "need_weighted": Column(
        "measure", N_("Need-weighted inhabitants"), N_("sum of inhabitants newly covered x need score"), nullable=True
    ),
    "need_zoning": Column("rate", N_("Need: zoning"), N_("score of the ARS zoning, 0 to 1"), nullable=True),
    "neighbour_count": Column("count", N_("Neighbouring CPTS"), N_("number of CPTS that touch the cluster")),
    "objective": Column(
        "text", N_("Objective"), N_("what the plan makes least: euros, need (euros per need) or epci (EPCI cut)")
    ),
    "objective_bound": Column(
        "euros", N_("Best possible"), N_("value below which no plan can go; equal to the value when proven")
    ),
    "objective_value": Column(
        "euros", N_("Value of the objective"), N_("value that the plan reaches, in the unit of its objective")
    ),
    "other_id": Column("text", N_("Other CPTS identifier"), N_("identifier of the other CPTS of the pair")),
    "other_name": Column("text", N_("Other CPTS"), N_("name of the other CPTS of the pair")),
    "population": Column("count", N_("Population"), N_("population municipale, in inhabitants")),
    "population_added": Column("count", N_("Newly covered"), N_("inhabitants whom no CPTS covered before")),
    "population_after": Column(
        "count", N_("Population after"), N_("population of the CPTS with the units that join it")
    ),
    "population_before": Column("count", N_("Population before"), N_("population of the CPTS before; 0 for a new one")),
    "population_counted": Column(
        "count", N_("Population counted"), N_("sum of what its CPTS each count in the unit, in inhabitants")
    ),
    "population_covered": Column(
        "count", N_("Population covered"), N_("inhabitants of units in at least one CPTS that counts, each once")
    ),
    "population_need_known": Column(
        "count", N_("Population with a score"), N_("white inhabitants whose need score is known")
    ),
    "population_stage_unknown": Column(
        "count",
        N_("Population at unknown stage"),
        N_("inhabitants whom CPTS of unknown stage would add; the rate is a lower bound where it is not 0"),
    ),
    "population_white": Column("count", N_("White-zone population"), N_("inhabitants whom no CPTS that counts covers")),
    "population_year": Column("count", N_("Census year"), N_("census year of the population"), nullable=True),
    "qpv_count": Column(
        "count", N_("Number of QPV"), N_("number of priority neighbourhoods (QPV) of the unit"), nullable=True
    ),
    "qpv_population": Column(
        "count",
        N_("Population in QPV"),
        N_("inhabitants of the priority neighbourhoods (QPV) of the unit"),
        nullable=True,
    ),
    "reason": Column(
        "text", N_("Why it stays white"), N_("why the plan leaves the unit white; empty when it does not")
    ),
    "region_code": Column("text", N_("Région code"), N_("code of the région; all for the whole"), nullable=True),
    "region_count": Column("count", N_("Régions"), N_("number of régions that the cluster touches")),
    "region_name": Column("text", N_("Région"), N_("name of the région"), nullable=True),
    "relation": Column(
        "text",
        N_("Relation"),
        N_(
            "border: common border; bridge: across a gap; shared_unit: the CPTS covers a unit in part; nearest: none touches"
        ),
    ),
    "seed": Column("count", N_("Seed"), N_("seed of the draw between equal plans")),
    "share_75": Column("rate", N_("Aged 75 and over"), N_("share of inhabitants aged 75 and over"), nullable=True),
    "share_of_cluster": Column(
        "rate", N_("Share of the cluster"), N_("part of the white population of the cluster"), nullable=True
    ),
    "share_of_group": Column(
        "rate",
        N_("Share of the territory"),
        N_("part of the whole population of the région, département or EPCI that lies in the cluster"),
        nullable=True,
    ),
    "share_of_white": Column(
        "rate", N_("Share of white zones"), N_("part of the white-zone population of the scope"), nullable=True
    ),
    "size_class": Column("count", N_("Size class"), N_("ACI size class, 1 to 4"), nullable=True),
    "size_class_after": Column("count", N_("Class after"), N_("ACI size class with the units that join, 1 to 4")),
    "size_class_before": Column(
        "count", N_("Class before"), N_("ACI size class before, 1 to 4; missing for a new CPTS"), nullable=True
    ),
    "split": Column("text", N_("Split"), N_("what the row is: a density group or level, or the part of a cluster")),
    "stage": Column("text", N_("Stage"), N_("stage of the CPTS, or any, unknown, white_zone"), nullable=True),
    "to_lower_bound": Column(
        "count", N_("Margin down"), N_("inhabitants that the CPTS can lose without changing class"), nullable=True
    ),
    "to_upper_bound": Column(
        "count", N_("Margin up"), N_("inhabitants that the CPTS can win without changing class"), nullable=True
    ),
    "units": Column("count", N_("Units"), N_("number of communes and arrondissements municipaux")),
    "units_covered": Column("count", N_("Units covered"), N_("units in at least one CPTS that counts")),
    "units_outside_scope": Column(
        "count", N_("Units outside the scope"), N_("units of the group that the scope leaves out of the rate")
    ),
    "units_white": Column("count", N_("White units"), N_("units in no CPTS that counts")),
    "units_without_area": Column("count", N_("Units without outline"), N_("units whose area is not known")),
    "white_rate": Column(
        "rate", N_("White rate"), N_("white-zone population / population of the class"), nullable=True
    ),
    "white_share": Column("rate", N_("White share"), N_("part of the unit that no CPTS covers")),
    "zoning": Column(
        "text", N_("ARS zoning"), N_("zoning of general practitioners: ZIP, ZAC, ZAR or HZ"), nullable=True
    ),
}

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
        "reason",
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
        "need_weighted",
        "euros_per_need",
        "objective_value",
        "objective_bound",
        "gap",
    ),
}


@cache
def schema(table: str) -> DataFrameSchema:
    """Return the pandera schema of a result table.

    Examples
    --------
    >>> list(schema("double_counts_by_pair").columns)
    ['cpts_id', 'cpts_name', 'other_id', 'other_name', 'units', 'population']
    """
    import pandera.pandas as pa

    checks = {
        "count": [pa.Check.ge(0)],
        "measure": [pa.Check.ge(0)],
        "rate": [pa.Check.in_range(0, 1)],
    }
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                checks=checks.get(column.kind), nullable=column.nullable, title=column.label, description=column.meaning
            )
            for name, column in ((name, COLUMNS[name]) for name in TABLES[table])
        },
        strict=True,
        ordered=True,
        name=table,
    )


def conform(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return a result table after checking it against its schema, before anyone reads it.

    Raises
    ------
    DataError
        With every value that the schema refuses. This is a fault of the program, not of the data.
    """
    import pandera.errors

    if table not in TABLES:
        raise UsageError(
            _("{table!r} is not a result table").format(table=table),
            fix=_("choose one of: {choices}").format(choices=", ".join(TABLES)),
        )
    try:
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


def label(column: str) -> str:
    """Return the heading of a column in the reader's language."""
    return _(COLUMNS[column].label) if column in COLUMNS else column
