"""The crisis kit: one page and its tables for one audience, searched by the gate before anyone gets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.access import BY_ROAD
from cptsgeo.access_tables import Access, access_tables
from cptsgeo.codes import departement_of
from cptsgeo.communes import embedded_communes, read_communes, read_density, with_density
from cptsgeo.contours import dissolve, read_contours
from cptsgeo.coverage import unit_coverage
from cptsgeo.crisis_directory import directory_pdf
from cptsgeo.crisis_exports import to_gpx, to_kml, with_points
from cptsgeo.embedded import embedded
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.export import with_geometry, write_table
from cptsgeo.files import whole_folder
from cptsgeo.grids import read_grid
from cptsgeo.hazards import in_zones, read_hazard, read_zones
from cptsgeo.i18n import N_, _, headed, ngettext, number
from cptsgeo.names import fold
from cptsgeo.optout import new_register, read_register
from cptsgeo.parameters import labels
from cptsgeo.perimeters import Perimeters, read_perimeters
from cptsgeo.privacy import gate
from cptsgeo.resource_cells import MARKED, Audience
from cptsgeo.resources import (
    COLUMNS,
    Resources,
    for_audience,
    latest_update,
    parse_resources,
    read_resources,
)
from cptsgeo.road_files import read_roads
from cptsgeo.roads import main_roads
from cptsgeo.schemas import conform
from cptsgeo.scope import in_scope
from cptsgeo.study import Inputs
from cptsgeo.white_zones import density_label

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

EXERCISE_DAY = datetime(2026, 9, 1, 12)
EXERCISE_TITLE = N_("Martinique: health resources in a crisis")
FILES = ("csv", "geojson", "gpkg")


@dataclass(frozen=True)
class Kit:
    """Say what to build.

    Attributes
    ----------
    resources
        Files of resources.
    optout
        Register of objections.
    audience
        ``public`` or ``cellule_de_crise``.
    title
        Heading of the page. It names the kit: status files go from one edition to the next under the same title.
    hazards, hazard_threshold
        File of polygons or raster to show and to measure, if any; from which value a cell of a raster is exposed.
    roads
        Road graph to show and to measure with, if any.
    limit, radius_km
        For the tables of access: see :class:`cptsgeo.access_tables.Access`.
    close_exposed
        Shut the resources inside the zones: a scenario, in an exercise only.
    exercise
        Write EXERCICE across the page.
    inputs
        Communes, outlines and perimeters.
    """

    resources: tuple[Path, ...]
    optout: Path
    audience: Audience
    title: str
    hazards: Path | None = None
    hazard_threshold: float | None = None
    roads: Path | None = None
    limit: float = 20.0
    radius_km: float = 5.0
    close_exposed: bool = False
    exercise: bool = False
    inputs: Inputs = field(default_factory=Inputs)


def write_kit(kit: Kit, output: Path, *, now: datetime, overwrite: bool = False) -> tuple[Resources, list[Finding]]:
    """Write a kit into a folder, after the gate.

    The folder gets ``index.html``, ``resources.csv, .geojson, .gpkg, .gpx, .kml``, ``annuaire.pdf`` (a page at least for each
    commune) and the tables of :func:`cptsgeo.access_tables.access_tables` as CSV; with a hazard, ``acces.html`` too: the map
    of access before and after it.

    Returns
    -------
    tuple
        The resources written, and what was found in the files.

    Raises
    ------
    FileError
        When the register cannot be read: no kit is built without it; or as the readers and
        :func:`cptsgeo.files.whole_folder`.
    DataError
        With every fault of the resources; or when the gate found someone, and nothing is left then.
    """
    register = read_register(kit.optout)
    ground = read_ground(kit.inputs)
    resources, findings = parse_resources(
        kit.resources, ground.communes, ground.contours, register, now=now, within=ground.within
    )
    raise_errors(findings)
    shown = for_audience(resources, kit.audience)
    if shown.table.empty:
        raise DataError(
            _("no resource may be shown to this audience"),
            fix=_("give resources whose visibility is public, or build for the crisis cell"),
        )
    zones = read_hazard(kit.hazards, threshold=kit.hazard_threshold) if kit.hazards is not None else None
    roads = read_roads(kit.roads) if kit.roads is not None else None
    findings += roads.findings if roads is not None else ()
    how = Access(
        limit=kit.limit,
        radius_km=kit.radius_km,
        roads=roads,
        zones=zones,
        grid=read_grid(kit.inputs.grid) if kit.inputs.grid is not None else None,
    )
    table = shown.table
    units = ground.around(table)
    access = access_tables(units, ground.contours, table, ground.perimeters, how)
    if zones is not None and kit.close_exposed:
        table = scenario(table, zones)
    text = kit_page(
        table,
        ground,
        title=kit.title,
        audience=kit.audience,
        exercise=kit.exercise,
        zones=zones,
        roads=None if roads is None else main_roads(roads),
    )
    conform(table[list(COLUMNS)], "resources")
    with whole_folder(output, overwrite=overwrite) as folder:
        (folder / "index.html").write_text(text, encoding="utf-8", newline="")
        points = with_points(table)
        for form in FILES:
            write_table(table if form == "csv" else points, folder / f"resources.{form}")
        (folder / "resources.gpx").write_text(to_gpx(table), encoding="utf-8", newline="")
        (folder / "resources.kml").write_text(to_kml(table, title=kit.title), encoding="utf-8", newline="")
        names = ground.communes.set_index("insee_code")["name"]
        (folder / "annuaire.pdf").write_bytes(
            directory_pdf(table, names, title=kit.title, audience=kit.audience, exercise=kit.exercise)
        )
        for name, one in access.items():
            write_table(one, folder / f"{name}.csv")
        if "access_change" in access:
            heading = headed(_("EXERCISE"), kit.title) if kit.exercise else kit.title
            page = change_page(access["access_change"], units, ground, table, title=heading)
            (folder / "acces.html").write_text(page, encoding="utf-8", newline="")
        gate(folder, shown.withheld, register)
    return Resources(table, shown.withheld, shown.withdrawn), findings


class Ground(NamedTuple):
    """Hold where resources stand: communes, outlines, CPTS, and the units that the scope keeps (None: all)."""

    communes: pd.DataFrame
    contours: gpd.GeoDataFrame
    perimeters: Perimeters
    within: frozenset[str] | None

    def around(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the communes of the scope; without one, of the départements that the resources touch."""
        if self.within is not None:
            return self.communes[self.communes["insee_code"].isin(self.within)]
        touched = {departement_of(code) for code in table["insee_code"]}
        return self.communes[self.communes["departement_code"].isin(touched)]


def read_ground(inputs: Inputs) -> Ground:
    """Read communes, outlines and CPTS for a kit."""
    communes = read_communes(inputs.communes, population_year=inputs.population_year)
    if inputs.density is not None:
        communes = with_density(communes, read_density(inputs.density))
    within = None
    if inputs.scope is not None:
        within = frozenset(communes.loc[in_scope(communes, inputs.scope), "insee_code"])
    perimeters = read_perimeters(inputs.perimeters, communes, cpts=inputs.cpts)
    return Ground(communes, read_contours(inputs.contours), perimeters, within)


def kit_page(
    table: pd.DataFrame,
    ground: Ground,
    *,
    title: str,
    audience: Audience,
    exercise: bool = False,
    zones: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
) -> str:
    """Write the page for the communes around the resources, with the outlines of their CPTS."""
    from cptsgeo.maps.crisis_page import crisis_page

    contours = ground.contours
    units = ground.around(table)
    membership = ground.perimeters.membership
    members = membership[membership["insee_code"].isin(units["insee_code"])]
    names = ground.perimeters.cpts.set_index("cpts_id")["cpts_name"]
    lines = dissolve(contours, members.set_index("insee_code")["cpts_id"].map(names))
    return crisis_page(
        table,
        with_geometry(units[["insee_code", "name", "population", "population_year"]], contours),
        title=title,
        kit=" ".join([fold(title), audience, "exercice" if exercise else "reel"]),
        on=latest_update(table),
        audience=audience,
        exercise=exercise,
        outlines={_("CPTS"): lines} if len(lines) else {},
        hazards=zones,
        roads=roads,
        notes=[
            _(
                "A place known only to the commune is drawn as a diamond at a point of the commune: it is not an address."
            ),
            _("The status is the one stated at its time: call before you send anyone."),
            *_drawing(units, contours),
        ],
        credits=_credits(table, roads=roads is not None),
    )


def change_page(change: pd.DataFrame, units: pd.DataFrame, ground: Ground, table: pd.DataFrame, *, title: str) -> str:
    """Write the map of access before and after the hazard."""

    from cptsgeo.maps.access_page import access_page

    covered = unit_coverage(units, ground.perimeters)
    words = {**labels("stages"), "unknown": _("stage unknown"), "white_zone": _("white zone")}
    told = covered.assign(
        density_label=density_label(covered["density_level"]), stage_label=covered["stage"].map(words)
    )
    return access_page(
        change,
        with_geometry(told, ground.contours),
        title=title,
        notes=[
            _(
                "Every inhabitant of a commune is counted at one point of it; a resource of unknown status counts as open."
            ),
            *_drawing(units, ground.contours),
        ],
        credits=_credits(table, roads=change["measure"].eq(BY_ROAD).any()),
    )


def _drawing(units: pd.DataFrame, contours: gpd.GeoDataFrame) -> list[str]:
    """Say that outlines are schematic, where they are."""
    if "schematic" not in set(contours.loc[contours["insee_code"].isin(units["insee_code"]), "geometry_source"]):
        return []
    return [
        _(
            "The outlines of the communes are schematic (Voronoi cells clipped to the coast): they locate, they do not delimit."
        )
    ]


def _credits(table: pd.DataFrame, *, roads: bool) -> list[str]:
    """List the sources of a kit."""
    return [
        _("Resources: {sources}").format(sources=", ".join(sorted(set(table["source"].dropna()))[:20]) or "–"),
        _("Communes and populations: INSEE, COG 2026 (Licence Ouverte 2.0), or the files given."),
        *([_("Roads: the file given (OpenStreetMap: © OpenStreetMap contributors, ODbL).")] if roads else []),
    ]


def scenario(table: pd.DataFrame, zones: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the resources with those inside the zones shut, and the zones named as the source of that status.

    A resource known only to its commune is shut when the point of the commune lies in a zone.
    """
    hit = in_zones(table, zones).fillna(False).astype("bool")
    reason = _("scenario: {zones}").format(zones=", ".join(dict.fromkeys(zones["name"])))
    return table.assign(
        status=table["status"].mask(hit, "ferme"), status_source=table["status_source"].mask(hit, reason)
    )


def exercise_resources() -> tuple[pd.DataFrame, gpd.GeoDataFrame]:
    """Return the fictional resources of Martinique for the crisis cell, the closed band applied, and the band."""
    read = read_resources(
        [embedded("crisis_exercise/resources.csv")],
        embedded_communes(),
        read_contours(),
        new_register(),
        now=EXERCISE_DAY,
    )
    band = read_zones(embedded("crisis_exercise/closed_band.geojson"))
    return scenario(for_audience(read, MARKED).table, band), band


def exercise_page() -> str:
    """Write the exercise kit of Martinique, mode EXERCICE: the north-east coast is closed by a cyclone.

    Everyone in it is fictional, so no register is asked for; identical bytes on every day.
    """
    table, band = exercise_resources()
    return kit_page(
        table,
        read_ground(Inputs()),
        title=_(EXERCISE_TITLE),
        audience=MARKED,
        exercise=True,
        zones=band,
    )


def sum_up(resources: Resources) -> str:
    """Say in one sentence what a kit holds."""
    count = len(resources.table)
    text = ngettext("{count} resource", "{count} resources", count).format(count=number(count))
    gone = ngettext(
        "{count} row left out: the person objected", "{count} rows left out: the persons objected", resources.withdrawn
    )
    return _("{resources}; {withdrawn}.").format(
        resources=text, withdrawn=gone.format(count=number(resources.withdrawn))
    )
