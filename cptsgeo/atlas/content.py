"""What the page of a place says: its finding, key figures, map, legend, tables and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cptsgeo.atlas.cells import Cell, Section
from cptsgeo.atlas.clusters import cluster_facts, cluster_finding, cluster_sections, clusters_in
from cptsgeo.atlas.drawing import Area, Drawing, map_svg
from cptsgeo.atlas.places import Atlas, Place, cumulative_rows
from cptsgeo.codes import CITY_OF_ARRONDISSEMENT
from cptsgeo.cut_findings import shared_by_area
from cptsgeo.export import cell_text
from cptsgeo.i18n import N_, _, ngettext, number, percent
from cptsgeo.maps.pages import finding, place, stage_theme
from cptsgeo.maps.theme import OUT_OF_SCOPE, MapClass
from cptsgeo.names import arrondissement_of
from cptsgeo.parameters import labels
from cptsgeo.sizes import size_labels

if TYPE_CHECKING:
    from cptsgeo.maps.sheet import Frame
    from cptsgeo.maps.topology import Ints

MAP_PAGE = "map.html"
WIDTH, HEIGHT = 640, 520
TOWNS = 40
SHOWN_WHITE = 25
STAGE_COLUMNS = ("any", "lettre_intention", "projet_valide", "aci_signe")
KINDS = {"region": N_("Région"), "departement": N_("Département"), "cpts": N_("CPTS"), "cluster": N_("White zone")}
CLOSE = {"cpts": 0.12, "cluster": 0.3}
"""Kinds whose map shows the country around, and how much of it."""


class Writer:
    """Write what the pages of an atlas say, in the reader's language.

    Parameters
    ----------
    atlas
        Places and units.
    """

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.tables = atlas.results.tables
        self.rates = {
            "scope": cumulative_rows(self.tables["coverage_by_scope"]),
            "region": cumulative_rows(self.tables["coverage_by_region"]),
            "departement": cumulative_rows(self.tables["coverage_by_departement"]),
        }
        self.codes = [str(code) for code in atlas.columns["insee_code"]]
        self.classes = stage_theme(atlas.results).classes
        self.sizes = {str(one["cpts_id"]): one for one in self.tables["sizes"].astype("object").to_dict("records")}
        self.clusters = {one: rows[0] for one, rows in self._by_cluster("clusters").items()}
        self._of_cluster = {
            name: self._by_cluster(name) for name in ("cluster_units", "cluster_neighbours", "extensions")
        }
        self.population = np.array([0 if value is None else int(value) for value in atlas.columns["population"]])
        self.cpts_of: dict[int, list[str]] = {}
        for code, cpts in atlas.places["cpts"].items():
            for row in cpts.rows.tolist():
                self.cpts_of.setdefault(row, []).append(code)
        self.white = {
            str(one["insee_code"]): int(one["population_white"])
            for one in self.tables["white_zones"].to_dict("records")
        }
        study = atlas.results.study
        self.by_area = shared_by_area(study.communes, study.perimeters)
        boxes = atlas.sheet.boxes
        self._x, self._y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2

    def _by_cluster(self, name: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of a table of the planning engine by cluster; none where a study has no such table."""
        table = self.tables.get(name)
        found: dict[str, list[dict[str, Any]]] = {}
        if table is not None:
            plain = table.astype("object")
            for record in plain.where(plain.notna(), None).to_dict("records"):
                found.setdefault(str(record["cluster_id"]), []).append(record)
        return found

    def table_rows(self, name: str, cluster: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the planning engine about one cluster."""
        return self._of_cluster[name].get(cluster, [])

    def cpts_cell(self, one: Place, record: dict[str, Any]) -> Cell:
        """Return the name of a CPTS that leads to its page."""
        place = self.atlas.places["cpts"].get(str(record["cpts_id"]))
        return Cell(str(record["cpts_name"]), one.up + place.path if place else "")

    def page(self, one: Place) -> dict[str, Any]:
        """Return what the template of a place needs."""
        heading = self.title(one)
        return {
            "kind": one.kind,
            "title": heading,
            "finding": self.finding(one),
            "facts": self.facts(one),
            "crumbs": self.crumbs(one),
            "map": self.map(one),
            "legend": self.legend(one),
            "view": self.view(one),
            "sections": self.sections(one),
            "undrawn": self.undrawn(one),
            "remarks": self.remarks(one),
        }

    def title(self, one: Place) -> str:
        """Return the heading of a page."""
        if one.kind == "scope":
            return _("CPTS coverage: {place}").format(place=place(self.atlas.results))
        if one.kind == "departement":
            return f"{one.name} ({one.code})"
        return _("White zone: {name}").format(name=one.name) if one.kind == "cluster" else one.name

    def finding(self, one: Place) -> str:
        """Say in one sentence what the page shows."""
        if one.kind == "scope":
            return finding(self.atlas.results)
        if one.kind == "cpts":
            return self._cpts_finding(one)
        if one.kind == "cluster":
            return cluster_finding(self.clusters[one.code])
        row = self.rates[one.kind][one.code]["any"]
        white = int(row["units"]) - int(row["units_covered"])
        covered = _("{rate} of the inhabitants live in a CPTS").format(rate=percent(row["coverage_rate"]))
        if white == 0:
            return _("{covered}; every commune has one.").format(covered=covered)
        return ngettext("{covered}; {count} commune has none.", "{covered}; {count} communes have none.", white).format(
            covered=covered, count=number(white)
        )

    def _cpts_finding(self, one: Place) -> str:
        size = self.sizes[one.code]
        communes = ngettext("{count} commune", "{count} communes", int(size["units"])).format(
            count=number(int(size["units"]))
        )
        if not size["units"]:
            return _("No commune of this CPTS is known.")
        return _("{population} inhabitants in {communes}; {size}.").format(
            population=number(int(size["population"])),
            communes=communes,
            size=_("size class {number}").format(number=size["size_class"]),
        )

    def facts(self, one: Place) -> list[tuple[str, str]]:
        """List the key figures of a place."""
        if one.kind == "cpts":
            return self._cpts_facts(one)
        if one.kind == "cluster":
            return cluster_facts(self.clusters[one.code])
        rates = self.rates[one.kind][one.code]
        row = rates["any"]
        found = [
            (_("Population"), number(int(row["population"]))),
            (_("Covered, any stage"), percent(row["coverage_rate"])),
        ]
        if "aci_signe" in rates:
            signed = rates["aci_signe"]
            bound = "≥ " if signed["population_stage_unknown"] else ""
            found.append((_("Covered, ACI signed"), bound + percent(signed["coverage_rate"])))
        return [
            *found,
            (_("CPTS"), number(len(self.cpts_in(one)))),
            (
                _("Communes without CPTS"),
                _("{part} of {whole}").format(
                    part=number(int(row["units"]) - int(row["units_covered"])), whole=number(int(row["units"]))
                ),
            ),
            (_("Population in white zones"), number(int(row["population"]) - int(row["population_covered"]))),
        ]

    def _cpts_facts(self, one: Place) -> list[tuple[str, str]]:
        size = self.sizes[one.code]
        found = [
            (_("Population"), number(int(size["population"]))),
            (_("Stage"), labels("stages").get(str(size["stage"]), _("stage unknown"))),
            (_("Communes"), number(int(size["units"]))),
        ]
        if size["units"]:
            found.append((_("Size class"), str(size["size_class"])))
        for column, text in (
            ("to_upper_bound", N_("Inhabitants to the class above")),
            ("to_lower_bound", N_("Inhabitants above the class below")),
        ):
            if size[column] == size[column] and size[column] is not None and str(size[column]) != "<NA>":
                found.append((_(text), number(int(size[column]))))
        return found

    def remarks(self, one: Place) -> list[str]:
        """List what concerns this place alone, and the communes shared by area, on every page."""
        return [*self._own_remarks(one), *self.by_area]

    def _own_remarks(self, one: Place) -> list[str]:
        if one.kind == "cpts":
            size = self.sizes[one.code]
            texts = [size_labels()[str(size["size_class"])] + "."] if size["units"] else []
            outside = int(sum(self.atlas.columns["stage"][one.rows] == OUT_OF_SCOPE))
            if outside:
                texts.append(
                    ngettext(
                        "{count} commune of this CPTS lies outside the scope of the study: it counts in its population.",
                        "{count} communes of this CPTS lie outside the scope of the study: they count in its population.",
                        outside,
                    ).format(count=number(outside))
                )
            return texts
        if one.kind == "cluster":
            return [_("Communes without CPTS, in whole or in part, that border each other.")]
        outside = int(self.rates[one.kind][one.code]["any"]["units_outside_scope"])
        if not outside or one.kind == "scope":
            return []
        return [
            ngettext(
                "{count} commune lies outside the scope of the study, and is in no figure of this page.",
                "{count} communes lie outside the scope of the study, and are in no figure of this page.",
                outside,
            ).format(count=number(outside))
        ]

    def crumbs(self, one: Place) -> list[Cell]:
        """Return the pages above this one."""
        if one.kind == "scope":
            return []
        above = [Cell(_("Atlas"), f"{one.up}index.html")]
        if one.kind != "region" and len(one.rows):
            row = int(one.rows[np.argmax(self.population[one.rows])])
            kinds = ("region",) if one.kind == "departement" else ("region", "departement")
            above += [
                Cell(self.title(parent), one.up + parent.path)
                for kind in kinds
                if (parent := self.atlas.places[kind].get(str(self.atlas.columns[f"{kind}_code"][row])))
            ]
        return above

    def cpts_in(self, one: Place) -> list[Place]:
        """Return the CPTS that have a commune in a place, by name."""
        codes = dict.fromkeys(code for row in one.rows.tolist() for code in self.cpts_of.get(row, ()))
        if one.kind == "scope":
            codes = dict.fromkeys(self.atlas.places["cpts"])
        return sorted((self.atlas.places["cpts"][code] for code in codes), key=lambda cpts: (cpts.name, cpts.code))

    def undrawn(self, one: Place) -> int:
        """Count the communes that have no outline."""
        return int((self.atlas.sheet.territories[one.rows] == None).sum())  # noqa: E711

    def legend(self, one: Place) -> list[tuple[MapClass, int, int]]:
        """Return the classes of a place with their communes and inhabitants; for a CPTS those of its map alone."""
        keys = self.atlas.columns["stage"][one.rows]
        on_map = {each.key for each in self.classes}
        if one.kind in CLOSE:
            near = [self.atlas.sheet.within(frame) for frame in self.frames(one)]
            on_map = set(self.atlas.columns["stage"][np.concatenate([one.rows, *near])])
        counted = []
        for each in self.classes:
            here = one.rows[keys == each.key]
            if len(here) or (each.key in on_map and each.key not in {OUT_OF_SCOPE, "unknown"}):
                counted.append((each, len(here), int(self.population[here].sum())))
        return counted

    def frames(self, one: Place) -> list[Frame]:
        """Lay a place out on its map."""
        drawn = one.rows[self.atlas.sheet.territories[one.rows] != None]  # noqa: E711
        if not len(drawn):
            return []
        return self.atlas.sheet.frames(drawn, WIDTH, HEIGHT, margin=CLOSE.get(one.kind, 0.03))

    def map(self, one: Place) -> str:
        """Draw a place, its neighbours paler around it."""
        frames = self.frames(one)
        if not frames:
            return ""
        drawing = self.drawing(one, frames)
        label = _("Map of the communes by the stage of their CPTS: {place}. The tables hold the same figures.").format(
            place=self.title(one)
        )
        return map_svg(self.atlas.sheet, drawing, frames=frames, width=WIDTH, height=HEIGHT, label=label)

    def drawing(self, one: Place, frames: Sequence[Frame]) -> Drawing:
        """Return what the map of a place shows."""
        near = np.unique(np.concatenate([self.atlas.sheet.within(frame) for frame in frames]))
        close = one.kind in CLOSE
        return Drawing(
            self._by_class(one.rows),
            () if one.kind == "scope" else self._by_class(np.setdiff1d(near, one.rows)),
            self._areas(one),
            self._towns(near if close else one.rows, arrondissements=close) if len(frames) == 1 else (),
        )

    def _by_class(self, rows: Ints) -> list[tuple[MapClass, Ints]]:
        keys = self.atlas.columns["stage"][rows]
        return [(each, rows[keys == each.key]) for each in self.classes if (keys == each.key).any()]

    def _towns(self, rows: Ints, *, arrondissements: bool) -> list[tuple[str, float, float]]:
        """Return the most populous communes with the middle of their box; a city once, but where a map is close to it."""
        towns: list[tuple[str, float, float]] = []
        cities: set[str] = set()
        for row in rows[np.argsort(-self.population[rows], kind="stable")][:TOWNS]:
            name, city = str(self.atlas.columns["name"][row]), None
            if not arrondissements and self.atlas.columns["insee_code"][row] in CITY_OF_ARRONDISSEMENT:
                city, _number = arrondissement_of(name) or (name, 0)
                name = city.title()
            if self._x[row] != self._x[row] or city in cities:
                continue
            if city:
                cities.add(city)
            towns.append((name, float(self._x[row]), float(self._y[row])))
        return towns

    def _areas(self, one: Place) -> list[Area]:
        """Return the outlines over the map, each leading to its page: départements, or CPTS in one département."""
        if one.kind == "cpts":
            return [Area(one.rows, "", one.name)]
        if one.kind == "cluster":
            beside = [str(near["cpts_id"]) for near in self.table_rows("cluster_neighbours", one.code)]
            near = [self.atlas.places["cpts"][code] for code in beside if code in self.atlas.places["cpts"]]
            return [*(Area(each.rows, one.up + each.path, each.name) for each in near), Area(one.rows, "", one.name)]
        inside = set(one.rows.tolist())
        if len(self.atlas.places["departement"]) > 1 and one.kind != "departement":
            return [
                Area(part.rows, one.up + part.path, headed_rate(part.name, self.rates["departement"][part.code]))
                for part in self.atlas.places["departement"].values()
                if inside.issuperset(part.rows.tolist())
            ]
        return [
            Area(
                np.array([row for row in cpts.rows.tolist() if row in inside], dtype=np.int64),
                one.up + cpts.path,
                cpts.name,
            )
            for cpts in self.cpts_in(one)
        ]

    def view(self, one: Place) -> str:
        """Return the fragment that opens the interactive map on a place."""
        frames = self.frames(one)
        if not frames or one.kind == "scope":
            return ""
        west, north, east, south = frames[0].shown
        longitude, latitude = self.atlas.sheet.degrees(np.array([west, east]), np.array([south, north]))
        corners = (longitude[0], latitude[0], longitude[1], latitude[1])
        return "#view=" + ",".join(f"{value:.3f}" for value in corners)

    def sections(self, one: Place) -> list[Section]:
        """Return the tables of a place."""
        if one.kind == "cpts":
            return [self._cpts_communes(one)]
        if one.kind == "cluster":
            return cluster_sections(self, one)
        found = []
        if one.kind == "scope" and len(self.atlas.places["region"]) > 1:
            found.append(self._rates(one, "region"))
        if one.kind in {"scope", "region"}:
            found.append(self._rates(one, "departement"))
        if one.kind == "scope":
            found.append(self._size_classes())
        found.append(self._cpts_table(one))
        if self.clusters:
            found.append(clusters_in(self, one))
        if one.kind == "departement":
            return [*found, self._communes(one)]
        return [*found, self._white(one)]

    def _rates(self, one: Place, kind: str) -> Section:
        """Lay out the rates of the régions or départements of a place."""
        inside = set(one.rows.tolist())
        parts = [part for part in self.atlas.places[kind].values() if inside.issuperset(part.rows.tolist())]
        rates = self.rates[kind]
        stages = [stage for stage in STAGE_COLUMNS if any(stage in rates[part.code] for part in parts)]
        words = {**labels("stages"), "any": _("Any stage")}
        head = [Cell(_(KINDS[kind])), Cell(_("Population"), number=True)]
        head += [Cell(words[stage], number=True) for stage in stages]
        head += [Cell(_("Communes without CPTS"), number=True), Cell(_("Population in white zones"), number=True)]
        rows = []
        for part in parts:
            row = rates[part.code]["any"]
            cells = [Cell(self.title(part), one.up + part.path), Cell(number(int(row["population"])), number=True)]
            for stage in stages:
                found = rates[part.code].get(stage)
                bound = "≥ " if found and found["population_stage_unknown"] else ""
                cells.append(Cell(bound + percent(found["coverage_rate"]) if found else "–", number=True))
            cells.append(Cell(number(int(row["units"]) - int(row["units_covered"])), number=True))
            cells.append(Cell(number(int(row["population"]) - int(row["population_covered"])), number=True))
            rows.append(cells)
        title = _("Coverage by région") if kind == "region" else _("Coverage by département")
        note = _(
            "Cumulative rates: a CPTS at the stage named or a later one. ≥: CPTS of unknown stage could add to it."
        )
        return Section(title, head, rows, note if len(stages) > 1 else "")

    def _size_classes(self) -> Section:
        """Count the CPTS of each size class."""
        counts = self.tables["sizes"].groupby("size_class")["population"].agg(["size", "sum"])
        head = [Cell(_("Size class")), Cell(_("CPTS"), number=True), Cell(_("Population counted"), number=True)]
        rows = [
            [
                Cell(text),
                Cell(number(int(counts["size"].get(int(key), 0))), number=True),
                Cell(number(int(counts["sum"].get(int(key), 0))), number=True),
            ]
            for key, text in size_labels().items()
        ]
        return Section(_("Size classes"), head, rows)

    def _cpts_table(self, one: Place) -> Section:
        """List the CPTS of a place."""
        head = [
            Cell(_("CPTS")),
            Cell(_("Stage")),
            Cell(_("Population"), number=True),
            Cell(_("Size class"), number=True),
            Cell(_("Communes"), number=True),
        ]
        rows = []
        for cpts in self.cpts_in(one):
            size = self.sizes[cpts.code]
            rows.append(
                [
                    Cell(cpts.name, one.up + cpts.path),
                    Cell(labels("stages").get(str(size["stage"]), _("stage unknown"))),
                    Cell(number(int(size["population"])), number=True),
                    Cell(str(size["size_class"]) if size["units"] else "–", number=True),
                    Cell(number(int(size["units"])), number=True),
                ]
            )
        note = "" if one.kind == "scope" else _("Population and communes of the whole CPTS, here and elsewhere.")
        return Section(_("CPTS"), head, rows, note)

    def _white(self, one: Place) -> Section:
        """List the most populous communes without CPTS."""
        codes = self.codes
        rows = [row for row in one.rows.tolist() if codes[row] in self.white]
        rows.sort(key=lambda row: (-self.white[codes[row]], codes[row]))
        head = [
            Cell(_("Commune")),
            Cell(_("Département")),
            Cell(_("White-zone population"), number=True),
            Cell(_("Density")),
        ]
        body = [
            [
                Cell(f"{self.atlas.columns['name'][row]} ({codes[row]})", self.commune_href(one, row)),
                Cell(str(self.atlas.columns["departement_name"][row])),
                Cell(number(self.white[codes[row]]), number=True),
                Cell(str(self.atlas.columns["density_label"][row])),
            ]
            for row in rows[:SHOWN_WHITE]
        ]
        more = len(rows) - len(body)
        note = (
            ngettext(
                "{count} more commune is in the file of communes.",
                "{count} more communes are in the file of communes.",
                more,
            ).format(count=number(more))
            if more > 0
            else ""
        )
        return Section(_("Communes without CPTS, the most populous first"), head, body, note)

    def commune_href(self, one: Place, row: int) -> str:
        """Return the way from a page to the row of a commune on the page of its département."""
        parent = self.atlas.places["departement"].get(str(self.atlas.columns["departement_code"][row]))
        return f"{one.up}{parent.path}#c{self.atlas.columns['insee_code'][row]}" if parent else ""

    def _communes(self, one: Place) -> Section:
        """List every commune of a département with its CPTS."""
        head = [
            Cell(_("Commune")),
            Cell(_("INSEE code")),
            Cell(_("Population"), number=True),
            Cell(_("CPTS")),
            Cell(_("Stage")),
            Cell(_("Density")),
        ]
        rows = []
        for row in one.rows.tolist():
            unit = self.atlas.units[row]
            codes = self.cpts_of.get(row, [])
            only = self.atlas.places["cpts"][codes[0]].path if len(codes) == 1 else ""
            rows.append(
                [
                    Cell(str(unit["name"]), anchor=f"c{unit['insee_code']}"),
                    Cell(str(unit["insee_code"])),
                    Cell(number(int(self.population[row])), number=True),
                    Cell(str(unit["cpts"]) or "–", one.up + only if only else ""),
                    Cell(str(unit["stage_label"])),
                    Cell(str(unit["density_label"])),
                ]
            )
        return Section(_("Communes"), head, rows)

    def _cpts_communes(self, one: Place) -> Section:
        """List the communes of a CPTS with the inhabitants that it counts there."""
        head = [
            Cell(_("Commune")),
            Cell(_("Département")),
            Cell(_("Population of the commune"), number=True),
            Cell(_("Population in the CPTS"), number=True),
            Cell(_("Other CPTS")),
        ]
        row_of = {str(self.atlas.columns["insee_code"][row]): row for row in one.rows.tolist()}
        rows = []
        for member in self.atlas.members.get(one.code, ()):
            row = row_of[str(member["insee_code"])]
            others = [self.atlas.places["cpts"][code].name for code in self.cpts_of[row] if code != one.code]
            rows.append(
                [
                    Cell(f"{member['name']} ({member['insee_code']})", self.commune_href(one, row)),
                    Cell(str(self.atlas.columns["departement_name"][row])),
                    Cell(number(int(member["population"])), number=True),
                    Cell(number(int(member["population_in_cpts"])), number=True),
                    Cell("; ".join(others) or "–"),
                ]
            )
        return Section(_("Communes"), head, rows)


def headed_rate(name: str, rates: dict[str, dict[str, Any]]) -> str:
    """Write a name and its coverage rate."""
    return f"{name} – {cell_text(rates['any']['coverage_rate'], 'coverage_rate')}"
