"""What the page of a white-zone cluster says: its communes, the CPTS beside it, what each would become with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cptsgeo.atlas.cells import Cell, Section
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.parameters import labels
from cptsgeo.words import in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cptsgeo.atlas.content import Writer
    from cptsgeo.atlas.places import Place

SHOWN = 25


def cluster_finding(cluster: Mapping[str, Any]) -> str:
    """Say who lives there."""
    communes = ngettext("{count} commune", "{count} communes", int(cluster["units"])).format(
        count=number(int(cluster["units"]))
    )
    return _("{population} inhabitants without CPTS in {communes}.").format(
        population=number(int(cluster["population_white"])), communes=communes
    )


def cluster_facts(cluster: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the key figures."""
    area = cluster["area_km2"]
    return [
        (_("Population in white zones"), number(int(cluster["population_white"]))),
        (_("Communes"), number(int(cluster["units"]))),
        (_("Area"), f"{number(area)} km²" if area is not None and area == area else "–"),
        (_("EPCI"), number(int(cluster["epci_count"]))),
        (_("CPTS beside it"), number(int(cluster["neighbour_count"]))),
    ]


def cluster_sections(writer: Writer, one: Place) -> list[Section]:
    """Return the tables: communes, CPTS beside, extensions."""
    return [_communes(writer, one), _neighbours(writer, one), _extensions(writer, one)]


def clusters_in(writer: Writer, one: Place) -> Section:
    """List the clusters that have a commune in a place, the most populous first."""
    inside = set(one.rows.tolist())
    places = [each for each in writer.atlas.places["cluster"].values() if not inside.isdisjoint(each.rows.tolist())]
    places.sort(key=lambda each: (-int(writer.clusters[each.code]["population_white"]), each.code))
    head = [
        Cell(_("White zone")),
        Cell(_("White-zone population"), number=True),
        Cell(_("Communes"), number=True),
        Cell(_("CPTS beside it"), number=True),
    ]
    rows = [
        [
            Cell(each.name, one.up + each.path),
            Cell(number(int(cluster["population_white"])), number=True),
            Cell(number(int(cluster["units"])), number=True),
            Cell(number(int(cluster["neighbour_count"])), number=True),
        ]
        for each in places[:SHOWN]
        for cluster in [writer.clusters[each.code]]
    ]
    more = len(places) - len(rows)
    note = _("Communes without CPTS that border each other; figures of the whole zone.")
    if more > 0:
        others = ngettext(
            "{count} more is in tables/clusters.csv.", "{count} more are in tables/clusters.csv.", more
        ).format(count=number(more))
        note = f"{note} {others}"
    return Section(_("White zones in one piece"), head, rows, note)


def _communes(writer: Writer, one: Place) -> Section:
    head = [
        Cell(_("Commune")),
        Cell(_("Département")),
        Cell(_("White-zone population"), number=True),
        Cell(_("EPCI")),
        Cell(_("Density")),
    ]
    row_of = {writer.codes[row]: row for row in one.rows.tolist()}
    units = writer.table_rows("cluster_units", one.code)
    rows = [
        [
            Cell(f"{unit['name']} ({unit['insee_code']})", writer.commune_href(one, row_of[str(unit["insee_code"])])),
            Cell(str(unit["departement_name"])),
            Cell(number(int(unit["population_white"])), number=True),
            Cell(str(unit["epci_name"]) if unit["epci_name"] is not None else "–"),
            Cell(str(unit["density_label"])),
        ]
        for unit in sorted(units, key=lambda unit: (-int(unit["population_white"]), str(unit["insee_code"])))
    ]
    return Section(_("Communes"), head, rows)


def _neighbours(writer: Writer, one: Place) -> Section:
    head = [
        Cell(_("CPTS")),
        Cell(_("Stage")),
        Cell(_("Contact")),
        Cell(_("Common border"), number=True),
        Cell(_("Population"), number=True),
        Cell(_("Size class"), number=True),
    ]
    rows = [
        [
            writer.cpts_cell(one, near),
            Cell(labels("stages").get(str(near["stage"]), _("stage unknown"))),
            Cell(in_words(str(near["relation"]), "relation")),
            Cell(_kilometres(near["border_km"]), number=True),
            Cell(number(int(near["population"])), number=True),
            Cell(str(near["size_class"]), number=True),
        ]
        for near in writer.table_rows("cluster_neighbours", one.code)
    ]
    return Section(_("CPTS beside it"), head, rows)


def _extensions(writer: Writer, one: Place) -> Section:
    head = [
        Cell(_("CPTS")),
        Cell(_("Population before"), number=True),
        Cell(_("Population after"), number=True),
        Cell(_("Size class before"), number=True),
        Cell(_("Size class after"), number=True),
        Cell(_("ACI at most, euros a year"), number=True),
    ]
    rows = [
        [
            writer.cpts_cell(one, each),
            Cell(number(int(each["population_before"])), number=True),
            Cell(number(int(each["population_after"])), number=True),
            Cell(str(each["size_class_before"]), number=True),
            Cell(str(each["size_class_after"]), number=True),
            Cell(_signed(each["maximum_change"]), number=True),
        ]
        for each in writer.table_rows("extensions", one.code)
        if each["split"] == "cluster"
    ]
    note = _(
        "What each CPTS beside the zone would become by taking it in whole, and the change of what the ACI may pay."
    )
    return Section(_("If a CPTS took it in"), head, rows, note)


def _kilometres(value: float) -> str:
    return f"{number(value, 1)} km" if value == value and value is not None else "–"


def _signed(value: float) -> str:
    if value is None or value != value:
        return "–"
    return f"+{number(value)}" if value > 0 else number(value)
