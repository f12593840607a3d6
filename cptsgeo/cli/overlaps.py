"""``cptsgeo overlaps``: CPTS and other territories, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cptsgeo.cli.options import deliver, input_options, layer_options, output_options, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.errors import UsageError
from cptsgeo.i18n import N_, _

RESULTS = {
    "summary": "overlap_summary",
    "long": "overlaps",
    "territories": "overlap_territories",
    "straddling": "overlap_straddling",
}
TABLES = ("summary", "long", "matrix", "territories", "straddling")


@make_command(
    "overlaps",
    text=N_(
        "Say which part of each CPTS lies in each territory of a layer (GHT, contrat local de santé, EPCI, département…) and which in none, the dominant one, how many it truly faces, and whether the two coincide; or the reverse, for each territory."
    ),
    example="cptsgeo overlaps --with departement --with epci",
)
@input_options
@layer_options
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="summary",
    show_default=True,
    help=N_(
        "summary: one row per CPTS and layer; long: one row per CPTS and territory; matrix: a column per territory of the one layer; territories: one row per territory; straddling: CPTS in several départements or régions."
    ),
)
@option("--figure", type=click.Path(path_type=Path), help=N_("Bar figure of the one layer to write (SVG, PNG or PDF)."))
@option(
    "--map",
    "page",
    type=click.Path(path_type=Path),
    help=N_("Page of the one layer to write (.html): both outlines, hatched where a CPTS faces several territories."),
)
@output_options
def command(
    which: str,
    figure: Path | None,
    page: Path | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.crs import areas_km2
    from cptsgeo.overlaps import overlap_matrix
    from cptsgeo.results import compute, overlap_tables

    if not options["layers"] and which != "straddling":
        raise UsageError(
            _("no layer is named"), fix=_("name one, such as --with departement or --with ght=FILE"), where="--with"
        )
    if len(options["layers"]) != 1 and (which == "matrix" or figure or page):
        raise UsageError(_("a matrix, a figure and a page are of one layer"), fix=_("give one --with"), where="--with")
    areas = bool(options["contours"]) and which in {"long", "straddling"}
    read = study(with_contours=areas or page is not None, uses_density=page is not None, **options)
    tables = overlap_tables(read, areas_km2=areas_km2(read.contours) if areas and read.contours is not None else None)
    if figure is not None:
        from cptsgeo.overlap_bars import write_overlap_bars

        write_overlap_bars(tables["overlaps"], read.territories[0].kind, figure, overwrite=overwrite)
        say(_("Written: {path}").format(path=figure))
    if page is not None:
        from cptsgeo.files import whole_file
        from cptsgeo.maps.overlap_page import overlap_page

        with whole_file(page, overwrite=overwrite) as part:
            results = compute(read, with_plan=False)
            part.write_text(overlap_page(results, results.layers[0]), encoding="utf-8", newline="")
        say(_("Written: {path}").format(path=page))
    table = (
        overlap_matrix(tables["overlaps"], read.territories[0].kind) if which == "matrix" else tables[RESULTS[which]]
    )
    deliver(table, form=form, output=output, overwrite=overwrite)
