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
        of 0 or more), ``stage`` or ``flag``.
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
    "area_covered_km2": Column(
        "measure", N_("Area covered (km²)"), N_("area of the units covered, in km²"), nullable=True
    ),
    "area_km2": Column(
        "measure", N_("Area (km²)"), N_("area of the units whose outline is known, in km²"), nullable=True
    ),
    "code": Column("text", N_("Code"), N_("code of the group: scope, région, département, EPCI or unit")),
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
    "definition": Column("text", N_("Definition"), N_("which CPTS count in the rate, in words")),
    "density_group": Column("text", N_("Density group"), N_("urbain_dense, urbain_intermediaire, rural or unknown")),
    "density_label": Column("text", N_("Density"), N_("label of the INSEE density level")),
    "density_level": Column("count", N_("Density level"), N_("INSEE density level, 1 to 7"), nullable=True),
    "departement_code": Column("text", N_("Département code"), N_("code of the département"), nullable=True),
    "departement_name": Column("text", N_("Département"), N_("name of the département"), nullable=True),
    "double_count": Column(
        "count",
        N_("Counted more than once"),
        N_("inhabitants counted in several CPTS: sum of the CPTS populations less the population covered"),
    ),
    "epci_name": Column("text", N_("EPCI"), N_("name of the EPCI"), nullable=True),
    "epci_siren": Column(
        "text", N_("EPCI code"), N_("SIREN of the EPCI; four island communes have none"), nullable=True
    ),
    "insee_code": Column("text", N_("INSEE code"), N_("code of the commune, or of the arrondissement municipal")),
    "key": Column("text", N_("Key"), N_("key of the density group or level")),
    "label": Column("text", N_("Class"), N_("density group or level, in words")),
    "name": Column("text", N_("Name"), N_("name of the unit or of the group")),
    "other_id": Column("text", N_("Other CPTS identifier"), N_("identifier of the other CPTS of the pair")),
    "other_name": Column("text", N_("Other CPTS"), N_("name of the other CPTS of the pair")),
    "population": Column("count", N_("Population"), N_("population municipale, in inhabitants")),
    "population_counted": Column(
        "count", N_("Population counted"), N_("sum of what its CPTS each count in the unit, in inhabitants")
    ),
    "population_covered": Column(
        "count", N_("Population covered"), N_("inhabitants of units in at least one CPTS that counts, each once")
    ),
    "population_stage_unknown": Column(
        "count",
        N_("Population at unknown stage"),
        N_("inhabitants whom CPTS of unknown stage would add; the rate is a lower bound where it is not 0"),
    ),
    "population_white": Column("count", N_("White-zone population"), N_("inhabitants whom no CPTS that counts covers")),
    "population_year": Column("count", N_("Census year"), N_("census year of the population"), nullable=True),
    "region_code": Column("text", N_("Région code"), N_("code of the région; all for the whole"), nullable=True),
    "region_name": Column("text", N_("Région"), N_("name of the région"), nullable=True),
    "share_of_white": Column(
        "rate", N_("Share of white zones"), N_("part of the white-zone population of the scope"), nullable=True
    ),
    "size_class": Column("count", N_("Size class"), N_("ACI size class, 1 to 4"), nullable=True),
    "split": Column("text", N_("Split"), N_("group: three density groups; level: seven density levels")),
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
        "text": [],
    }
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                checks=checks[column.kind], nullable=column.nullable, title=column.label, description=column.meaning
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
