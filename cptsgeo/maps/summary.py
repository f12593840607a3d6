"""What a notebook shows of results: the finding, the key figures and the coverage by département, as escaped HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cptsgeo.export import cell_text
from cptsgeo.i18n import _, headed
from cptsgeo.maps.pages import credits_of, departement_rates, facts, finding, place, warning

if TYPE_CHECKING:
    from cptsgeo.results import Results


def summary(results: Results) -> str:
    """Write a summary of results as a fragment of HTML without script, style sheet or link."""
    columns = {
        "name": _("Département"),
        "population": _("Population"),
        "population_covered": _("Covered"),
        "coverage_rate": _("Coverage rate"),
    }
    figures = "".join(f"<li>{escape(headed(term, value))}</li>" for term, value in facts(results))
    head = "".join(f"<th>{escape(text)}</th>" for text in columns.values())
    rows = "".join(
        "<tr>" + "".join(f"<td><bdi>{escape(cell_text(row[key], key))}</bdi></td>" for key in columns) + "</tr>"
        for row in departement_rates(results).to_dict("records")
    )
    title = escape(_("CPTS coverage: {place}").format(place=place(results)))
    sources = " · ".join(escape(line) for line in [warning(results), *credits_of(results)] if line)
    return (
        f"<h3>{title}</h3><p>{escape(finding(results))}</p><ul>{figures}</ul>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p><small>{sources}</small></p>"
    )
