"""``cptsgeo access``: how far health resources are, how many there are, and what a hazard takes away."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from cptsgeo.cli.options import deliver, input_options, output_options, resource_options, say, study, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

BY = {
    "unit": "access_by_unit",
    "density": "access_by_density",
    "inhabitants": "access_per_inhabitants",
    "radius": "access_within_radius",
    "exposed": "exposed_resources",
    "exposed-population": "exposed_population",
    "change": "access_change",
    "losses": "access_losses",
}
OF_HAZARD = frozenset(["exposed", "exposed-population", "change", "losses"])


@make_command(
    "access",
    text=N_(
        "Measure access to health resources in the scope: distance to the nearest open one of each kind (straight line, or minutes on a road graph), inhabitants beyond a limit by density, resources for 10,000 inhabitants by CPTS, EPCI and white zone, inhabitants within a radius; and with --hazards what is exposed and who loses access."
    ),
    example="cptsgeo access --resources ressources.csv --optout oppositions.json --scope departement=972 --kind hospital --by density",
)
@resource_options
@option(
    "--by",
    type=click.Choice(list(BY)),
    default="density",
    show_default=True,
    help=N_(
        "Rows of the result: nearest by unit; sums by density group; rates by CPTS, EPCI and white zone; inhabitants within a radius; with a hazard, the resources and inhabitants exposed, access before and after by unit, and who loses it."
    ),
)
@option("--kind", "kinds", multiple=True, help=N_("Kinds of resources; repeat for several. Default: all present."))
@input_options
@output_options
def command(
    resources: tuple[Path, ...],
    optout: Path,
    hazards: Path | None,
    hazard_threshold: float | None,
    roads: Path | None,
    limit: float,
    radius: float,
    by: str,
    audience: Any,
    kinds: tuple[str, ...],
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.access_tables import Access, access_tables
    from cptsgeo.errors import UsageError, raise_errors
    from cptsgeo.export import write_table
    from cptsgeo.grids import read_grid
    from cptsgeo.hazards import read_hazard
    from cptsgeo.optout import read_register
    from cptsgeo.privacy import gate
    from cptsgeo.resource_kinds import kind_of
    from cptsgeo.resource_kinds import kinds as every_kind
    from cptsgeo.resources import for_audience, parse_resources
    from cptsgeo.road_files import read_roads

    if by in OF_HAZARD and hazards is None:
        raise UsageError(
            _("nothing says what is exposed"), fix=_("give the zones or the raster of the hazard"), where="--hazards"
        )
    wanted = tuple(kind_of(text) or text for text in kinds)
    unknown = [text for text in wanted if text not in every_kind()]
    if unknown:
        raise UsageError(
            _("{value} is not a kind of resource").format(value=unknown[0]),
            fix=_("choose one of: {choices}").format(choices=", ".join(every_kind())),
            where="--kind",
        )
    register = read_register(optout)
    read = study(with_contours=True, uses_density=True, **options)
    codes = set(read.units["insee_code"])
    found, findings = parse_resources(resources, read.communes, read.drawn, register, now=datetime.now(), within=codes)
    raise_errors(findings)
    tell_findings(findings)
    graph = read_roads(roads) if roads is not None else None
    tell_findings(graph.findings if graph is not None else ())
    how = Access(
        limit=limit,
        radius_km=radius,
        kinds=wanted,
        roads=graph,
        zones=None if hazards is None else read_hazard(hazards, threshold=hazard_threshold),
        grid=read_grid(options["grid"]) if options["grid"] else None,
    )
    shown = for_audience(found, audience)
    table = access_tables(read.units, read.drawn, shown.table, read.perimeters, how, names=[BY[by]])[BY[by]]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{BY[by]}.csv"
        write_table(table, path)
        gate(path, shown.withheld, register)
    say(
        _("Minutes by car on the road graph, all roads open.")
        if graph is not None and by != "radius"
        else _("Straight-line distances: no road is followed (--roads).")
    )
    if (by == "unit" and (table["position_precision"] == "commune").any()) or (
        by == "density" and table["population_commune_only"].any()
    ):
        say(
            _(
                "Some of these resources are known to their commune only: distances to them are those to a point of the commune."
            )
        )
    deliver(table, form=form, output=output, overwrite=overwrite)
