"""The entry page of a build: the finding, the key figures, links to the pages and the tables."""

from __future__ import annotations

import base64
from importlib.metadata import version
from typing import TYPE_CHECKING

from cptsgeo.card_page import card_names
from cptsgeo.columns import label
from cptsgeo.export import cell_text
from cptsgeo.i18n import N_, _, current_language, number
from cptsgeo.maps.overlap_page import overlap_file, overlap_finding
from cptsgeo.maps.pages import PAGES, credits_of, facts, finding, notes, place, warning
from cptsgeo.maps.time_page import TIME, TIME_TITLE
from cptsgeo.results import Results
from cptsgeo.study import Inputs
from cptsgeo.territories import kind_label

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
    "funding_by_scope": N_("What the ACI pays in the whole scope (CPTS paid), in euros a year"),
    "funding_by_region": N_("What the ACI pays by région (CPTS paid), in euros a year"),
    "funding_by_departement": N_("What the ACI pays by département (CPTS paid), in euros a year"),
    "white_zones": N_("Communes in no CPTS, the most populous first"),
    "white_zones_by_density": N_("White zones by density group and level"),
    "cuts": N_("Communes that the drawn perimeters cut: shares by grid and by area, inhabitants at stake"),
    "overlaps": N_("Each CPTS in each territory of the layers: inhabitants, shares, area"),
    "overlap_summary": N_("Each CPTS against each layer: dominant territory, effective number, reading"),
    "overlap_territories": N_("Each territory and its CPTS: inter-CPTS, part without CPTS"),
    "overlap_straddling": N_("CPTS across several départements or régions"),
    "clusters": N_("White zones gathered into clusters of communes that border each other"),
    "cluster_units": N_("The communes of each cluster"),
    "cluster_parts": N_("Each cluster by région, département, EPCI and density"),
    "cluster_neighbours": N_("The CPTS beside each cluster, with the border that they share"),
    "cluster_need": N_("Need score of each cluster, with its components"),
    "extensions": N_("What each CPTS would become by taking in a cluster beside it, and the euros it changes"),
    "plan": N_("Least costly plan that fills the white zones: the CPTS it extends or creates"),
    "plan_units": N_("The plan, commune by commune"),
    "plan_summary": N_("The plan in one row: who would be covered, and at what cost"),
    "need": N_("Need score of each commune, with its components"),
    "funding_summary": N_(
        "The three budget levels over the scope (CPTS paid): a year, a CPTS, an inhabitant, five years"
    ),
    "contract_years": N_("What the contracts of the CPTS paid give a right to and pay, year by year"),
    "funding_grid": N_("The ACI grid in force, item by item"),
    "cpts_editions": N_("Population and size class of each CPTS by census year"),
    "watch": N_("CPTS within 2 % of a bound between size classes, or that crossed one"),
    "editions_unmatched": N_("Codes of other census years that no commune of today continues"),
    "smoothed": N_("Size classes by census year, a fall taking effect after three years (proposal 16)"),
    "smoothing_effect": N_("What that smoothing costs by census year, in euros"),
    "reconcile": N_("Published rates beside ours, under every definition"),
    "series": N_("Coverage rates over the dated states"),
    "diff": N_("Change of the coverage between dated states, split by cause"),
    "changes": N_("CPTS that appeared, went, or changed between dated states"),
}
PAGE_DEFINITIONS = {
    "coverage": N_("Who is covered, by the stage of the CPTS"),
    "sizes": N_("ACI size class of each CPTS"),
    "white_zones": N_("Communes in no CPTS, urban and rural"),
    "plan": N_("White units by the CPTS that would take them in, or be created"),
    "all_layers": N_("Stages, size classes and white zones on one page, as layers"),
    "definitions": N_("Two definitions of coverage side by side, on each side of a line"),
}
TIME_DEFINITION = N_("A slider of the dated states, and two of them on each side of a line")
EXERCISE_DEFINITION = N_("Fictional resources of Martinique, north-east coast closed: nearest, status board, directory")


def index_page(results: Results, *, with_maps: bool = True, figure: str = "") -> str:
    """Write ``index.html``: every name from data is escaped, and the page needs no script.

    Parameters
    ----------
    results
        What was computed.
    with_maps
        Link to the map pages.
    figure
        SVG of the rates over the dated states, beside the page as ``series.svg`` and carried by it.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("cptsgeo"), autoescape=select_autoescape(), trim_blocks=True, keep_trailing_newline=True
    )
    names = results.study.perimeters.cpts.set_index("cpts_id")["cpts_name"].to_dict()
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
            {"file": TIME, "title": _(TIME_TITLE), "definition": _(TIME_DEFINITION)}
            for _states in range(with_maps and bool(results.study.snapshots))
        ]
        + [
            {
                "file": overlap_file(view.layer.kind),
                "title": _("CPTS and territories: {layer}").format(layer=kind_label(view.layer.kind)),
                "definition": overlap_finding(view),
            }
            for view in (results.layers if with_maps else ())
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
        plan=None
        if results.plan is None
        else {
            "content": _("The perimeters as the plan leaves them, to give back with --perimeters"),
            "rows": number(len(results.plan.perimeters.membership)),
        },
        cards=[
            {"file": f"cards/{card_name}", "name": cpts_name}
            for cpts_name, card_name in sorted((names[cpts_id], name) for cpts_id, name in card_names(names).items())
        ],
        series=_series(results, figure),
        notes=notes(results),
        credits=credits_of(results),
        texts={
            "maps": _("Maps"),
            "rates": _("Coverage by département"),
            "tables": _("Tables"),
            "workbook": _("All tables in one workbook:"),
            "cards": _("Identity cards of the CPTS"),
            "series": _(TIME_TITLE),
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


def _series(results: Results, figure: str) -> dict[str, str] | None:
    """Return the figure of the dated states as an image that the page carries, and what it shows in words."""
    if not figure:
        return None
    table = results.tables["series"]
    shown = table[table["stage"] == "any"]
    rates = [f"{row.day}: {cell_text(row.coverage_rate, 'coverage_rate')}" for row in shown.itertuples()]
    image = base64.b64encode(figure.encode()).decode()
    return {"image": f"data:image/svg+xml;base64,{image}", "words": "; ".join(rates)}
