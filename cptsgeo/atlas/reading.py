"""The pages to read of an atlas: method, sources, glossary."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.columns import COLUMNS
from cptsgeo.i18n import _
from cptsgeo.maps import land
from cptsgeo.maps.pages import credits_of, notes
from cptsgeo.parameters import labels
from cptsgeo.sizes import size_labels

if TYPE_CHECKING:
    from cptsgeo.results import Results


class Text(NamedTuple):
    """One section to read: heading, and paragraphs as a list."""

    title: str
    lines: list[str]


def method_sections(results: Results) -> list[Text]:
    """Say how the figures of the atlas are defined."""
    stages = list(labels("stages").values())
    return [
        Text(_("Definitions and limits"), notes(results)),
        Text(
            _("Coverage rate"),
            [
                _(
                    "population_covered = sum over the units of round(population × min(1, sum of the shares of their CPTS))"
                ),
                _("coverage_rate = population_covered / population. It is missing, and not zero, where nobody lives."),
                _("Rates by stage are cumulative: a CPTS counts for its stage and for every stage before it."),
            ],
        ),
        Text(_("Stages, from the first to the last"), stages),
        Text(_("Size classes"), list(size_labels().values())),
        Text(
            _("Maps"),
            [
                _("The outlines on the maps are simplified; neighbours are simplified together and keep one border."),
                _("Figures are counted on lists of communes, never measured on the drawing."),
                _("Mainland France and each overseas territory have their own scale."),
            ],
        ),
    ]


def source_sections(results: Results) -> list[Text]:
    """List sources and what was found in them."""
    sections = [Text(_("Sources"), [*credits_of(results), land.credit()])]
    found = [f"{one.problem}." for one in results.study.findings if one.severity != "error"]
    if found:
        sections.append(Text(_("What the check of the inputs found"), found))
    return sections


def glossary_rows(results: Results) -> list[tuple[str, str, str]]:
    """List the columns of the tables of the atlas: name, heading, meaning."""
    used = {column for table in results.tables.values() for column in table.columns}
    used |= {"share", "population_in_cpts"}
    return [(name, _(column.label), _(column.meaning)) for name, column in sorted(COLUMNS.items()) if name in used]
