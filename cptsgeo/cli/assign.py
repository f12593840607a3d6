"""``cptsgeo assign``: points by the million counted in perimeters, on this machine or on a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from cptsgeo.cli.options import deliver, output_options, say, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, number


@make_command(
    "assign",
    text=N_(
        "Count millions of points (addresses, insured persons) in the polygons of perimeters, from GeoParquet files or a folder of them, on this machine or on a Spark cluster. A point in several perimeters counts in each; one on a shared border counts once, in the smallest identifier."
    ),
    example="cptsgeo assign adresses/ --within perimetres.gpkg --by month --engine duckdb",
)
@click.argument("points", type=click.Path(path_type=Path))
@option(
    "--within",
    type=click.Path(path_type=Path),
    required=True,
    help=N_("Polygons (GeoPackage, GeoJSON, Shapefile, GeoParquet)."),
)
@option("--id", "identifier", help=N_("Column of the polygons that names them; by default the first usual name found."))
@option("--by", multiple=True, help=N_("Column of the points to count apart, such as the month; may be given again."))
@option("--weight", help=N_("Column of the points to add up, such as inhabitants."))
@option(
    "--engine",
    type=click.Choice(["local", "duckdb", "spark"]),
    default="local",
    help=N_("What does the work; the answers are equal."),
)
@option("--workers", type=click.IntRange(min=1), help=N_("Cores to use on this machine; all by default."))
@option("--master", help=N_("Address of a Spark master, such as spark://host:7077."))
@option(
    "--write-points",
    type=click.Path(path_type=Path),
    help=N_("New folder: the points with their perimeters, as GeoParquet."),
)
@output_options
def command(
    points: Path,
    within: Path,
    identifier: str | None,
    by: tuple[str, ...],
    weight: str | None,
    engine: str,
    workers: int | None,
    master: str | None,
    write_points: Path | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Read, count, deliver; what is in no perimeter is told on stderr."""
    from cptsgeo.assign import assign, named
    from cptsgeo.errors import raise_errors
    from cptsgeo.layers import read_polygons

    polygons = read_polygons(within)
    raise_errors(polygons.findings)
    tell_findings(polygons.findings)
    found = assign(
        points,
        named(polygons.layer, identifier, within.name),
        engine=engine,
        by=by,
        weight=weight,
        output=write_points,
        workers=workers,
        master=master,
    )
    reasons = found.rest.groupby("reason")["points"].sum()
    say(
        _("In no perimeter: {outside} points outside of all, {lost} without position.").format(
            outside=number(int(reasons.get("outside", 0))), lost=number(int(reasons.get("no_position", 0)))
        )
    )
    deliver(found.counts, form=form, output=output, overwrite=overwrite)
