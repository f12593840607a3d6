"""The crisis kit: one page and its tables for one audience, searched by the gate before anyone gets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.codes import departement_of
from cptsgeo.communes import embedded_communes, read_communes
from cptsgeo.contours import dissolve, read_contours
from cptsgeo.crisis_exports import to_gpx, to_kml, with_points
from cptsgeo.embedded import embedded
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.export import write_table
from cptsgeo.files import whole_folder
from cptsgeo.hazards import in_zones, read_zones
from cptsgeo.i18n import N_, _, ngettext, number
from cptsgeo.names import fold
from cptsgeo.optout import new_register, read_register
from cptsgeo.perimeters import read_perimeters
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
from cptsgeo.schemas import conform
from cptsgeo.study import Inputs

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
    hazards
        File of polygons to show, if any.
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
    close_exposed: bool = False
    exercise: bool = False
    inputs: Inputs = field(default_factory=Inputs)


def write_kit(kit: Kit, output: Path, *, now: datetime, overwrite: bool = False) -> tuple[Resources, list[Finding]]:
    """Write ``index.html`` and ``resources.csv, .geojson, .gpkg, .gpx, .kml`` into a folder, after the gate.

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
    communes = read_communes(kit.inputs.communes, population_year=kit.inputs.population_year)
    contours = read_contours(kit.inputs.contours)
    resources, findings = parse_resources(kit.resources, communes, contours, register, now=now)
    raise_errors(findings)
    shown = for_audience(resources, kit.audience)
    if shown.table.empty:
        raise DataError(
            _("no resource may be shown to this audience"),
            fix=_("give resources whose visibility is public, or build for the crisis cell"),
        )
    zones = read_zones(kit.hazards) if kit.hazards is not None else None
    table = shown.table
    if zones is not None and kit.close_exposed:
        table = scenario(table, zones)
    text = kit_page(
        table,
        communes,
        contours,
        kit.inputs,
        title=kit.title,
        audience=kit.audience,
        exercise=kit.exercise,
        zones=zones,
    )
    conform(table[list(COLUMNS)], "resources")
    with whole_folder(output, overwrite=overwrite) as folder:
        (folder / "index.html").write_text(text, encoding="utf-8", newline="")
        points = with_points(table)
        for form in FILES:
            write_table(table if form == "csv" else points, folder / f"resources.{form}")
        (folder / "resources.gpx").write_text(to_gpx(table), encoding="utf-8", newline="")
        (folder / "resources.kml").write_text(to_kml(table, title=kit.title), encoding="utf-8", newline="")
        gate(folder, shown.withheld, register)
    return Resources(table, shown.withheld, shown.withdrawn), findings


def kit_page(
    table: pd.DataFrame,
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    inputs: Inputs,
    *,
    title: str,
    audience: Audience,
    exercise: bool = False,
    zones: gpd.GeoDataFrame | None = None,
) -> str:
    """Write the page for the départements that the resources touch, with the outlines of their CPTS."""
    import geopandas as gpd

    from cptsgeo.maps.crisis_page import crisis_page

    touched = {departement_of(code) for code in table["insee_code"]}
    units = communes[communes["departement_code"].isin(touched)]
    drawn = units[["insee_code", "name", "population", "population_year"]].merge(
        contours[["insee_code", "geometry"]], on="insee_code", how="left", validate="one_to_one"
    )
    perimeters = read_perimeters(inputs.perimeters, communes, cpts=inputs.cpts)
    members = perimeters.membership[perimeters.membership["insee_code"].isin(units["insee_code"])]
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    lines = dissolve(contours, members.set_index("insee_code")["cpts_id"].map(names))
    notes = [
        _("A place known only to the commune is drawn as a diamond at a point of the commune: it is not an address."),
        _("The status is the one stated at its time: call before you send anyone."),
    ]
    if "schematic" in set(contours.loc[contours["insee_code"].isin(units["insee_code"]), "geometry_source"]):
        notes.append(
            _(
                "The outlines of the communes are schematic (Voronoi cells clipped to the coast): they locate, they do not delimit."
            )
        )
    return crisis_page(
        table,
        gpd.GeoDataFrame(drawn, geometry="geometry", crs=contours.crs),
        title=title,
        kit=" ".join([fold(title), audience, "exercice" if exercise else "reel"]),
        on=latest_update(table),
        audience=audience,
        exercise=exercise,
        outlines={_("CPTS"): lines} if len(lines) else {},
        hazards=zones,
        notes=notes,
        credits=[
            _("Resources: {sources}").format(sources=", ".join(sorted(set(table["source"].dropna()))[:20]) or "–"),
            _("Communes and populations: INSEE, COG 2026 (Licence Ouverte 2.0), or the files given."),
        ],
    )


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
        embedded_communes(),
        read_contours(),
        Inputs(),
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
