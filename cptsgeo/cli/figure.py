"""``cptsgeo figure``: a map or a chart for print and slides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cptsgeo.cli.options import input_options, over_time, say, snapshots_option, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cptsgeo.results import Results

FIGURES = ("map", "regions", "departements", "sizes", "density", "time")
PAPERS = ("a4", "a4-portrait", "a3", "a3-portrait", "16:9")


@make_command(
    "figure",
    text=N_(
        "Draw a map or a chart for print or slides: PNG, SVG or PDF, by the ending of the file. The same inputs give the same bytes."
    ),
    example="cptsgeo figure --what map --paper a3 -o carte.pdf\ncptsgeo figure --what map --each departement -o atlas.pdf",
)
@input_options
@option(
    "--what",
    type=click.Choice(FIGURES),
    default="map",
    show_default=True,
    help=N_(
        "map; regions, departements: coverage with the stages stacked; sizes: size classes; density: inhabitants without CPTS by density; time: coverage over time, with --snapshots."
    ),
)
@snapshots_option
@option("--paper", type=click.Choice(PAPERS), default="a4", show_default=True, help=N_("Size of the sheet."))
@option(
    "--each",
    type=click.Choice(["region", "departement", "cpts", "cluster"]),
    help=N_("One map a page for each région, département, CPTS or white zone, in one PDF."),
)
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("File to write (.png, .svg, .pdf)."))
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
def command(
    what: str,
    paper: str,
    each: str | None,
    snapshots: Path | None,
    output: Path,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, draw."""
    from cptsgeo.charts import time_chart
    from cptsgeo.errors import UsageError
    from cptsgeo.files import whole_file
    from cptsgeo.maps.pages import place
    from cptsgeo.paper import figure_format, save_figures
    from cptsgeo.results import compute
    from cptsgeo.snapshots import series

    form = figure_format(output)
    if each and (form != "pdf" or what != "map"):
        raise UsageError(
            _("one map for each place goes into a PDF"),
            fix=_("use --what map, and a file that ends with .pdf"),
            where="--each",
        )
    if (what == "time") != (snapshots is not None):
        raise UsageError(
            _("coverage over time is drawn from a list of snapshots"),
            fix=_("give --what time and --snapshots together"),
            where="--snapshots",
        )
    with whole_file(output, overwrite=overwrite) as part:
        if snapshots is not None:
            results, states = over_time(snapshots, **options)
            figures = [time_chart(results, series(states, scope=results.study.scope), paper=paper)]
        else:
            read = study(with_contours=True, uses_density=True, **options)
            results = compute(read, with_plan=what == "map")
            figures = _figures(results, what, paper, each)
        save_figures(figures, part, form=form, title=place(results))
    say(_("Written: {path}").format(path=output))


def _figures(results: Results, what: str, paper: str, each: str | None) -> list[Figure]:
    from cptsgeo.atlas.content import Writer
    from cptsgeo.atlas.places import read_atlas
    from cptsgeo.charts import coverage_chart, density_chart, size_chart
    from cptsgeo.errors import UsageError
    from cptsgeo.print_map import map_figure

    if what in {"regions", "departements"}:
        return [coverage_chart(results, by=what.removesuffix("s"), paper=paper)]
    if what != "map":
        return [(size_chart if what == "sizes" else density_chart)(results, paper=paper)]
    writer = Writer(read_atlas(results))
    places = list(writer.atlas.places[each].values()) if each else [writer.atlas.home]
    if not places:
        raise UsageError(
            _("there is no place of this kind in the scope"), fix=_("choose another --each"), where=f"--each {each}"
        )
    return [map_figure(writer, one, paper=paper) for one in places]
