"""The entry page of a build: the finding, the key figures, links to the pages and the tables."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from cptsgeo.export import cell_text
from cptsgeo.i18n import N_, _, current_language, number
from cptsgeo.maps.pages import PAGES, credits_of, facts, finding, notes, place, warning
from cptsgeo.results import Results
from cptsgeo.schemas import label
from cptsgeo.study import Inputs

if TYPE_CHECKING:
    import pandas as pd

CONTENTS = {
    "coverage_by_scope": N_("Coverage rates of the whole scope, by stage"),
    "coverage_by_region": N_("Coverage rates by région"),
    "coverage_by_departement": N_("Coverage rates by département"),
    "coverage_by_epci": N_("Coverage rates by EPCI"),
    "units": N_("Each commune: its CPTS, their most advanced stage, who is covered"),
    "sizes": N_("Population and size class of each CPTS"),
    "size_distribution": N_("Size classes by région"),
    "double_counts": N_("Communes in several CPTS: the ledger of double counts"),
    "double_counts_by_pair": N_("CPTS that share communes, by pair"),
    "funding": N_("What the ACI may pay to each CPTS, in euros a year"),
    "funding_by_scope": N_("What the ACI pays in the whole scope (ACI signed), in euros a year"),
    "funding_by_region": N_("What the ACI pays by région (ACI signed), in euros a year"),
    "funding_by_departement": N_("What the ACI pays by département (ACI signed), in euros a year"),
    "white_zones": N_("Communes in no CPTS, the most populous first"),
    "white_zones_by_density": N_("White zones by density group and level"),
    "clusters": N_("White zones gathered into clusters of communes that border each other"),
    "cluster_units": N_("The communes of each cluster"),
    "cluster_parts": N_("Each cluster by région, département, EPCI and density"),
    "cluster_neighbours": N_("The CPTS beside each cluster, with the border that they share"),
    "cluster_need": N_("Need score of each cluster, with its components"),
    "extensions": N_("What each CPTS would become by taking in a cluster beside it, and the euros it changes"),
    "plan": N_("Least costly plan that fills the white zones: the CPTS it extends or creates"),
    "plan_units": N_("The plan, commune by commune"),
    "plan_summary": N_("The plan in one row: who would be covered, and at what cost"),
}
PAGE_DEFINITIONS = {
    "coverage": N_("Who is covered, by the stage of the CPTS"),
    "sizes": N_("ACI size class of each CPTS"),
    "white_zones": N_("Communes in no CPTS, urban and rural"),
    "all_layers": N_("The three maps on one page, as layers"),
    "definitions": N_("Two definitions of coverage side by side, on each side of a line"),
}
EXERCISE_DEFINITION = N_("Fictional resources of Martinique, north-east coast closed: nearest, status board, directory")


def index_page(results: Results, *, with_maps: bool = True) -> str:
    """Write ``index.html``: every name from data is escaped, and the page needs no script.

    Parameters
    ----------
    results
        What was computed.
    with_maps
        Link to the map pages.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("cptsgeo"), autoescape=select_autoescape(), trim_blocks=True, keep_trailing_newline=True
    )
    return environment.get_template("index.html").render(
        lang=current_language(),
        title=_("CPTS coverage: {place}").format(place=place(results)),
        finding=finding(results),
        warning=warning(results),
        facts=facts(results),
        pages=[
            {"file": f"{name}.html", "title": _(title), "definition": _(PAGE_DEFINITIONS[name])}
            for name, title in (PAGES.items() if with_maps else ())
        ]
        + [
            {"file": "crise_martinique.html", "title": _("Crisis kit (exercise)"), "definition": _(EXERCISE_DEFINITION)}
            for _kit in range(with_maps and results.study.inputs == Inputs())
        ],
        rates=_rates(results.tables["coverage_by_departement"]),
        tables=[
            {"file": f"{name}.csv", "content": _(CONTENTS[name]), "rows": number(len(table))}
            for name, table in results.tables.items()
        ],
        notes=notes(results),
        credits=credits_of(results),
        texts={
            "maps": _("Maps"),
            "rates": _("Coverage by département"),
            "tables": _("Tables"),
            "workbook": _("All tables in one workbook:"),
            "file": _("File"),
            "content": _("Content"),
            "rows": _("Rows"),
            "notes": _("Definitions and limits"),
            "sources": _("Sources"),
            "program": _("Made with cptsgeo {version}.").format(version=version("cptsgeo")),
        },
    )


def _rates(table: pd.DataFrame) -> dict[str, list[str] | list[list[str]]]:
    """Lay out the cumulative rates of each département: one column per definition."""
    shown = table[table["counting"] == "cumulative"]
    definitions = list(dict.fromkeys(shown["definition"]))
    rows = []
    for (code, name), group in shown.groupby(["code", "name"], sort=True):
        rates = group.set_index("definition")["coverage_rate"]
        population = group["population"].iloc[0]
        rows.append(
            [
                f"{name} ({code})",
                number(population),
                *(cell_text(rates[definition], "coverage_rate") for definition in definitions),
            ]
        )
    heads = [_("Département"), label("population"), *(text[0].upper() + text[1:] for text in definitions)]
    return {"head": heads, "rows": rows}
