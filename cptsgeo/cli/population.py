"""``cptsgeo population``: inhabitants inside polygons, and what drawn perimeters cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, input_options, output_options, study, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.errors import UsageError, raise_errors
from cptsgeo.i18n import N_, _


@make_command(
    "population",
    text=N_(
        "Count the inhabitants inside the polygons of any layer (a flood zone, a radius), from communes divided by a population grid, or from the grid alone; without --within, list the communes that drawn perimeters cut, with their shares by grid and by area and the inhabitants that hang on the choice."
    ),
    example="cptsgeo population --within zone_inondable.geojson --area-weighting",
)
@input_options
@option("--within", type=click.Path(path_type=Path), help=N_("Polygons (GeoPackage, GeoJSON, Shapefile, GeoParquet)."))
@option("--grid-alone", is_flag=True, help=N_("Sum the grid as it is, without bringing it to the census."))
@output_options
def command(
    within: Path | None, grid_alone: bool, form: str | None, output: Path | None, overwrite: bool, **options: Any
) -> None:
    """Read, compute, deliver."""
    import pandas as pd

    from cptsgeo.communes import read_communes
    from cptsgeo.contours import read_contours
    from cptsgeo.grids import read_grid
    from cptsgeo.layers import read_polygons
    from cptsgeo.population import population_within
    from cptsgeo.schemas import conform

    if within is None:
        read = study(**options)
        if read.cuts is None:
            raise UsageError(
                _("the perimeters are a list, which cuts no commune"),
                fix=_("give polygons with --perimeters, or any layer with --within"),
            )
        deliver(conform(read.cuts, "cuts"), form=form, output=output, overwrite=overwrite)
        return
    polygons = read_polygons(within, repair=options["repair"])
    raise_errors(polygons.findings)
    tell_findings(polygons.findings)
    grid = read_grid(options["grid"]) if options["grid"] else None
    if grid_alone:
        counted = population_within(polygons.layer, grid=grid)
    else:
        counted = population_within(
            polygons.layer,
            grid=grid,
            communes=read_communes(options["communes"], population_year=options["population_year"]),
            contours=read_contours(options["contours"]),
            area_weighting=options["area_weighting"],
            tolerance_m=options["tolerance_m"],
        )
    maps = form in {"geojson", "gpkg"} or (output is not None and output.suffix in {".geojson", ".gpkg", ".parquet"})
    table = counted if maps else pd.DataFrame(counted.drop(columns=counted.geometry.name))
    deliver(table, form=form, output=output, overwrite=overwrite)
