"""``cptsgeo overlaps``: CPTS and other territories, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cptsgeo.cli.options import deliver, input_options, output_options, say, study, tell_findings
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.errors import UsageError
from cptsgeo.i18n import N_, _

if TYPE_CHECKING:
    from cptsgeo.study import Study
    from cptsgeo.territories import Territories

TABLES = ("summary", "long", "matrix", "territories", "straddling")


@make_command(
    "overlaps",
    text=N_(
        "Say which part of each CPTS lies in each territory of a layer (GHT, contrat local de santé, EPCI, département…) and which in none, the dominant one, how many it truly faces, and whether the two coincide; or the reverse, for each territory."
    ),
    example="cptsgeo overlaps --with departement --with epci",
)
@input_options
@option(
    "--with",
    "layers",
    multiple=True,
    help=N_(
        "Layer: departement, region or epci; or KIND=FILE, a list of communes, EPCI or départements, or polygons. KIND is ght, contrat_local, dac, bassin_de_vie, qpv or a name of yours. Repeat for several layers."
    ),
)
@option(
    "--rule",
    "rules",
    multiple=True,
    help=N_("How establishments make territories: KIND=nearest_site or KIND=nearest_support."),
)
@option("--names", multiple=True, help=N_("Names of the territories of a layer: KIND=FILE."))
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
@output_options
def command(
    layers: tuple[str, ...],
    rules: tuple[str, ...],
    names: tuple[str, ...],
    which: str,
    figure: Path | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    import pandas as pd

    from cptsgeo.crs import areas_km2
    from cptsgeo.overlaps import overlap_matrix, overlap_summary, overlaps, straddling, territory_summary
    from cptsgeo.schemas import conform

    if not layers and which != "straddling":
        raise UsageError(
            _("no layer is named"), fix=_("name one, such as --with departement or --with ght=FILE"), where="--with"
        )
    if len(layers) != 1 and (which == "matrix" or figure):
        raise UsageError(_("a matrix and a figure are of one layer"), fix=_("give one --with"), where="--with")
    read = study(with_contours=bool(options["contours"]) and which == "long", **options)
    if which == "straddling":
        table = conform(straddling(read.communes, read.perimeters), "overlaps")
        deliver(table, form=form, output=output, overwrite=overwrite)
        return
    territories = _territories(read, layers, _pairs(rules, "--rule"), _pairs(names, "--names"))
    areas = areas_km2(read.contours) if read.contours is not None else None
    long = conform(overlaps(read.communes, read.perimeters, territories, areas_km2=areas), "overlaps")
    if figure is not None:
        from cptsgeo.overlap_bars import write_overlap_bars

        write_overlap_bars(long, territories[0].kind, figure, overwrite=overwrite)
        say(_("Written: {path}").format(path=figure))
    if which == "territories":
        table = pd.concat(
            [territory_summary(read.communes, read.perimeters, layer) for layer in territories], ignore_index=True
        )
        table = conform(table, "territory_summary")
    elif which == "matrix":
        table = overlap_matrix(long, territories[0].kind)
    else:
        table = conform(overlap_summary(long), "overlap_summary") if which == "summary" else long
    deliver(table, form=form, output=output, overwrite=overwrite)


def _pairs(values: tuple[str, ...], where: str) -> dict[str, str]:
    """Read KIND=VALUE."""
    split = {value: value.partition("=") for value in values}
    for value, (kind, _equals, text) in split.items():
        if not kind or not text:
            raise UsageError(
                _("{value!r} does not say for which layer").format(value=value),
                fix=_("write KIND=VALUE, such as ght={value}").format(value=value or "…"),
                where=where,
            )
    return {kind: text for kind, _equals, text in split.values()}


def _territories(
    read: Study, layers: tuple[str, ...], rules: dict[str, str], names: dict[str, str]
) -> list[Territories]:
    """Read every layer, tell what was found, and refuse rules and names of layers that are not there."""
    from cptsgeo.contours import read_contours
    from cptsgeo.grids import read_grid
    from cptsgeo.layers import is_layer
    from cptsgeo.overlaps import require_distinct
    from cptsgeo.territories import read_territories

    files = {kind: Path(path) if equals else None for kind, equals, path in (text.partition("=") for text in layers)}
    require_distinct([text.partition("=")[0] for text in layers])
    for where, given in (("--rule", rules), ("--names", names)):
        stray = sorted(set(given) - set(files))
        if stray:
            raise UsageError(
                _("there is no layer {kind}").format(kind=", ".join(stray)),
                fix=_("name it with --with {kind}=FILE").format(kind=stray[0]),
                where=where,
            )
    placed = any(path is not None and is_layer(path) for path in files.values()) or bool(rules)
    contours = read_contours(read.inputs.contours) if placed else None
    grid = read_grid(read.inputs.grid) if read.inputs.grid is not None else None
    territories = []
    for kind, path in files.items():
        layer, findings = read_territories(
            path,
            read.communes,
            kind=kind,
            rule=rules.get(kind, "listed"),
            names=names.get(kind),
            contours=contours,
            grid=grid,
            area_weighting=read.inputs.area_weighting,
            tolerance_m=read.inputs.tolerance_m,
            repair=read.inputs.repair,
        )
        tell_findings(findings)
        territories.append(layer)
    return territories
