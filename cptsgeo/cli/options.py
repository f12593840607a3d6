"""Options that several commands share, and how their values become the inputs of a study."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cptsgeo.cli.texts import option
from cptsgeo.i18n import LANGUAGES, N_, _, headed, ngettext, number

if TYPE_CHECKING:
    from datetime import date, datetime

    import pandas as pd

    from cptsgeo.errors import Finding
    from cptsgeo.results import Results
    from cptsgeo.snapshots import Snapshot
    from cptsgeo.study import Inputs, Study

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("table", "csv", "json", "geojson", "xlsx", "gpkg", "parquet")
SHOWN_OF_A_RULE = 3


def _path(**settings: Any) -> click.Path:
    return click.Path(path_type=Path, **settings)


lang_option = option(
    "--lang", type=click.Choice(LANGUAGES), expose_value=False, help=N_("Language of texts: fr (default) or en.")
)
"""Adds ``--lang``, which :func:`cptsgeo.cli.main` reads before any command."""

_INPUTS = (
    option(
        "--communes",
        multiple=True,
        type=_path(),
        help=N_(
            "Units and populations (CSV, XLSX, Parquet; INSEE's file as it is). Repeat for several files. Default: embedded table, COG 2026."
        ),
    ),
    option("--population-year", type=int, help=N_("Census year, where the files of --communes do not say it.")),
    option(
        "--contours",
        multiple=True,
        type=_path(),
        help=N_(
            "Outlines (GeoParquet, GeoPackage, GeoJSON, Shapefile). Repeat for several files. Default: embedded schematic outlines, overseas."
        ),
    ),
    option("--accept-holes", is_flag=True, help=N_("Take unexplained holes in the outlines for true enclaves.")),
    option("--density", type=_path(), help=N_("INSEE density grid (CSV or XLSX with labels).")),
    option(
        "--perimeters",
        type=_path(),
        help=N_(
            "CPTS and their communes: cpts_id or cpts_name, insee_code or code_iris, and stage if known (CSV, XLSX); or drawn as polygons (GeoPackage, GeoJSON, Shapefile, GeoParquet). Default: embedded perimeters."
        ),
    ),
    option("--cpts", type=_path(), help=N_("CPTS apart from their communes: cpts_id, cpts_name, stage.")),
    option(
        "--perimeters-date",
        type=click.DateTime(["%Y-%m-%d"]),
        help=N_("Day on which the list of CPTS was true, such as 2026-01-31; shown beside the figures."),
    ),
    option(
        "--scope",
        help=N_(
            "Where the list of CPTS is complete: france, region=93, departement=13,84 or epci=SIREN. Default: the départements that the list touches."
        ),
    ),
    option(
        "--stages",
        help=N_(
            "CPTS that count, by stage: pre_projet, lettre_intention, projet_valide, aci_signe, unknown. Default: all."
        ),
    ),
    option("--iris", type=_path(), help=N_("Populations by IRIS (CSV, XLSX), for a list of IRIS.")),
    option(
        "--grid",
        type=_path(),
        help=N_(
            "Population grid, for polygons that cut communes: GeoTIFF of counts, or Filosofi cells (CSV, Parquet, GeoPackage)."
        ),
    ),
    option(
        "--area-weighting",
        is_flag=True,
        help=N_("Share by area the cut communes that no grid speaks of, as if people lived evenly in them."),
    ),
    option(
        "--tolerance",
        "tolerance_m",
        type=click.FloatRange(min=0),
        default=30.0,
        show_default=True,
        help=N_("Width in metres under which a piece of a commune cut by a polygon is snapped."),
    ),
    option("--repair", is_flag=True, help=N_("Make invalid polygons valid, and say what area that changes.")),
    option(
        "--as-of",
        type=click.DateTime(["%Y-%m-%d"]),
        help=N_("Day on which the age of pulled data is judged, such as 2026-01-31. Default: today."),
    ),
    lang_option,
)

_LAYERS = (
    option(
        "--with",
        "layers",
        multiple=True,
        help=N_(
            "Layer: departement, region or epci; or KIND=FILE, a list of communes, EPCI or départements, or polygons. KIND is ght, contrat_local, dac, bassin_de_vie, qpv or a name of yours. Repeat for several layers."
        ),
    ),
    option(
        "--rule",
        "rules",
        multiple=True,
        help=N_("How establishments make territories: KIND=nearest_site or KIND=nearest_support."),
    ),
    option("--names", multiple=True, help=N_("Names of the territories of a layer: KIND=FILE.")),
)

_OUTPUT = (
    option(
        "-f",
        "--format",
        "form",
        type=click.Choice(FORMATS),
        help=N_("Output format. Default: that of --output, else table."),
    ),
    option("-o", "--output", type=_path(), help=N_("File to write. Default: the screen.")),
    option("--overwrite", is_flag=True, help=N_("Replace what exists.")),
)

_RESOURCES = (
    option(
        "--resources",
        multiple=True,
        required=True,
        type=_path(),
        help=N_(
            "Resources (CSV, XLSX, Parquet, GeoJSON, GeoPackage), or FINESS, FINESS+, Annuaire Santé, SAE as they are published (with --scope). Repeat for several files."
        ),
    ),
    option(
        "--optout",
        required=True,
        type=_path(),
        help=N_("Register of objections; see `cptsgeo optout`. Nothing is read without it."),
    ),
    option(
        "--audience",
        type=click.Choice(["public", "cellule_de_crise"]),
        default="public",
        show_default=True,
        help=N_("Who will read it: the public sees no mobile number, and nothing marked for the crisis cell."),
    ),
    option("--hazards", type=_path(), help=N_("Hazard: zones as polygons, or a raster (flood depth, wind).")),
    option(
        "--hazard-threshold", type=float, help=N_("Value of the raster from which a place is exposed, such as 0.5.")
    ),
    option(
        "--roads",
        type=_path(),
        help=N_("Road graph: OpenStreetMap extract (.osm.pbf), GraphML, or lines (GeoPackage…). Minutes replace km."),
    ),
    option(
        "--limit",
        type=click.FloatRange(min=0, min_open=True),
        default=20.0,
        show_default=True,
        help=N_("Beyond it a unit is far: km, or minutes with --roads."),
    ),
    option(
        "--radius",
        type=click.FloatRange(min=0, min_open=True),
        default=5.0,
        show_default=True,
        help=N_("Radius in km in which inhabitants are counted."),
    ),
)

_NEED = (
    option(
        "--need",
        multiple=True,
        type=_path(),
        help=N_(
            "Need by unit: insee_code and zoning, apl, share_75, qpv_population, qpv_count or ald_prevalence (CSV, XLSX, Parquet), or the GeoJSON of the QPV. Repeat for several files."
        ),
    ),
    option(
        "--need-weights",
        type=_path(),
        help=N_("Other weights of the components of need: a TOML file with a table [weights] that sums to 1."),
    ),
)

_EDITIONS = (
    option(
        "--edition",
        "edition_files",
        multiple=True,
        help=N_(
            "Populations of one census year, as YEAR=FILE. Repeat for each year, and for several files of one year. Default:"
            " the populations of the study alone."
        ),
    ),
)

_PAID = (
    option(
        "--paid-stages",
        default="aci_signe",
        show_default=True,
        help=N_("Stages at which a CPTS is paid; unknown stands for a stage that the list does not give."),
    ),
)

_PUBLISHED = (
    option(
        "--published",
        type=_path(),
        help=N_("Published rates (TOML: date, place, percent, wording, source). Default: those of the reports."),
    ),
)

_SNAPSHOTS = (
    option(
        "--snapshots",
        type=_path(),
        help=N_("Dated states to compare: a TOML list of date, perimeters and communes, as `cptsgeo diff` reads it."),
    ),
)

bridge_option = option(
    "--bridge-m",
    type=float,
    default=0.0,
    show_default=True,
    help=N_("Also join units up to this many metres apart, across water or the sliver between two outlines."),
)
"""Adds ``--bridge-m``."""


def _stacked(options: Iterable[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for decorator in reversed(list(options)):
            function = decorator(function)
        return function

    return decorate


def input_options(function: F) -> F:
    """Add the options that say what to read; their values arrive as keyword arguments for :func:`inputs`."""
    return _stacked(_INPUTS)(function)


def layer_options(function: F) -> F:
    """Add ``--with``, ``--rule`` and ``--names``; their values arrive as arguments for :func:`inputs` too."""
    return _stacked(_LAYERS)(function)


def output_options(function: F) -> F:
    """Add ``--format``, ``--output`` and ``--overwrite``."""
    return _stacked(_OUTPUT)(function)


def need_options(function: F) -> F:
    """Add ``--need`` and ``--need-weights``; like those below, :func:`inputs` takes their values too."""
    return _stacked(_NEED)(function)


def edition_options(function: F) -> F:
    """Add ``--edition``."""
    return _stacked(_EDITIONS)(function)


def resource_options(function: F) -> F:
    """Add the options that say which resources to read, for whom, and how access to them is measured."""
    return _stacked(_RESOURCES)(function)


def snapshots_option(function: F) -> F:
    """Add ``--snapshots``, for :func:`over_time`."""
    return option(
        "--snapshots",
        type=_path(),
        help=N_("TOML list of dated states, as `cptsgeo diff` reads it; it names communes and perimeters itself."),
    )(function)


def over_time(snapshots: Path, **options: Any) -> tuple[Results, tuple[Snapshot, ...]]:
    """Read the states of a list, and compute the results of the last one."""
    from dataclasses import replace

    from cptsgeo.errors import UsageError
    from cptsgeo.results import compute
    from cptsgeo.snapshot_list import last_inputs, read_snapshots, touched
    from cptsgeo.study import read_study

    chosen = inputs(**options)
    if chosen.communes or chosen.perimeters or chosen.cpts:
        raise UsageError(
            _("the list of snapshots names its communes and perimeters itself"),
            fix=_("give --snapshots without --communes, --perimeters and --cpts"),
            where="--snapshots",
        )
    states, findings = read_snapshots(snapshots)
    tell_findings(findings)
    chosen = replace(last_inputs(snapshots, chosen), scope=chosen.scope or touched(states))
    return compute(read_study(chosen, with_contours=True), with_plan=False), states


def paid_options(function: F) -> F:
    """Add ``--paid-stages``."""
    return _stacked(_PAID)(function)


def published_options(function: F) -> F:
    """Add ``--published``."""
    return _stacked(_PUBLISHED)(function)


def planning_options(function: F) -> F:
    """Add everything that a planner sets beside a study: need, money, other editions, published rates, dated states."""
    return _stacked((*_NEED, *_PAID, *_EDITIONS, *_PUBLISHED, *_SNAPSHOTS))(function)


def inputs(
    *,
    communes: tuple[Path, ...],
    population_year: int | None,
    contours: tuple[Path, ...],
    accept_holes: bool,
    density: Path | None,
    perimeters: Path | None,
    cpts: Path | None,
    perimeters_date: datetime | None,
    scope: str | None,
    stages: str | None,
    iris: Path | None,
    grid: Path | None,
    area_weighting: bool,
    tolerance_m: float,
    repair: bool,
    as_of: datetime | None,
    need: tuple[Path, ...] = (),
    need_weights: Path | None = None,
    edition_files: tuple[str, ...] = (),
    published: Path | None = None,
    snapshots: Path | None = None,
    paid_stages: str = "aci_signe",
    layers: tuple[str, ...] = (),
    rules: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
) -> Inputs:
    """Make the inputs of a study from the values of :func:`input_options`, and of those options that a command adds."""
    from cptsgeo.editions import parse_edition
    from cptsgeo.perimeters import parse_stages
    from cptsgeo.scope import parse_scope
    from cptsgeo.study import Inputs
    from cptsgeo.territories import parse_layers

    return Inputs(
        communes=communes,
        population_year=population_year,
        contours=contours,
        accept_holes=accept_holes,
        density=density,
        perimeters=perimeters,
        cpts=cpts,
        perimeters_date=perimeters_date.date() if perimeters_date else None,
        scope=parse_scope(scope) if scope else None,
        stages=parse_stages(stages) if stages else (),
        iris=iris,
        grid=grid,
        area_weighting=area_weighting,
        tolerance_m=tolerance_m,
        repair=repair,
        need=need,
        need_weights=need_weights,
        editions=tuple(parse_edition(text) for text in edition_files),
        published=published,
        snapshots=snapshots,
        paid_stages=parse_stages(paid_stages, where="--paid-stages"),
        layers=parse_layers(layers, rules, names),
        as_of=as_of.date() if as_of else None,
    )


def study(*, with_contours: bool = False, uses_density: bool = False, **options: Any) -> Study:
    """Read the study that the options describe, and tell its scope and the findings that concern it on stderr."""
    from cptsgeo.scope import scope_names
    from cptsgeo.study import read_study

    result = read_study(inputs(**options), with_contours=with_contours)
    tell_findings(finding for finding in result.findings if uses_density or finding.rule != "density_missing")
    names = ", ".join(scope_names(result.communes, result.scope))
    words = (
        _("Scope: {scope} ({names}).")
        if result.inputs.scope
        else _("Scope: {scope} ({names}), the départements that the list touches; another one with --scope.")
        if result.inputs.perimeters
        else _("Scope: {scope} ({names}), that of the embedded perimeters.")
    )
    say(words.format(scope=result.scope, names=names))
    return result


def parse_on(text: str | None) -> date | None:
    """Read the day of the law; the latest law when none is given."""
    from cptsgeo.errors import UsageError
    from cptsgeo.tabular import parse_day

    day = parse_day(text) if text else None
    if text and day is None:
        raise UsageError(
            _("{value} is not a day").format(value=text), fix=_("write it as 2024-03-31 or 31/03/2024"), where="--on"
        )
    return day


def say(text: str) -> None:
    """Write words to stderr: data alone goes to stdout."""
    click.echo(text, err=True)


def tell_findings(findings: Iterable[Finding]) -> None:
    """Write warnings and remarks to stderr, the first ones of each rule in full: many of one kind hide no other."""
    rules: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity != "error":
            rules.setdefault(finding.rule, []).append(finding)
    for told in rules.values():
        for finding in told[:SHOWN_OF_A_RULE]:
            word = _("Note") if finding.severity == "info" else _("Warning")
            say(headed(word, headed(finding.where if finding.file else "", finding.problem)))
        if len(told) > SHOWN_OF_A_RULE:
            more = len(told) - SHOWN_OF_A_RULE
            say(
                ngettext(
                    "… and {count} more like it: `cptsgeo check` lists them all.",
                    "… and {count} more like these: `cptsgeo check` lists them all.",
                    more,
                ).format(count=number(more))
            )


def draws(form: str | None, output: Path | None, contours: Sequence[Path]) -> bool:
    """Tell whether the output holds outlines: in a map format, and in Parquet when the user gives some."""
    from cptsgeo.export import MAP_FORMATS

    form = form or (output.suffix.lower().lstrip(".") if output else "")
    return form in MAP_FORMATS or (form == "parquet" and bool(contours))


def deliver(table: pd.DataFrame, *, form: str | None, output: Path | None, overwrite: bool) -> None:
    """Write a table to the file that the user named, else to stdout."""
    from cptsgeo.export import to_text, write_table

    if output is None or str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8") if hasattr(sys.stdout, "reconfigure") else None
        click.echo(to_text(table, form or "table"), nl=False)
        return
    write_table(table, output, form=form or "", overwrite=overwrite)
    say(_("Written: {path}").format(path=output))
