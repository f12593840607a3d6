"""``cptsgeo fill``: extensions, new CPTS and plans that fill the white zones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cptsgeo.cli.options import bridge_option, deliver, draws, input_options, need_options, output_options, say, study
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, number

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.scenarios import Plan
    from cptsgeo.study import Study
    from cptsgeo.white_zones import Clusters

TABLES = ("extensions", "plan", "plan-units", "summary", "all")
OBJECTIVES = ("euros", "need", "epci")
LEVELS = ("functioning", "fixed", "maximum")

PLAN_OPTIONS = (
    "objective",
    "level",
    "actions",
    "min_population",
    "max_population",
    "keep",
    "prefer",
    "cover",
    "cluster",
    "bridge_m",
    "seed",
    "time_limit",
)


@make_command(
    "fill",
    text=N_(
        "Find what would fill the white zones: what each CPTS beside a zone becomes if it takes the zone in (extensions), and a plan for the whole scope that mixes extensions and new CPTS, every CPTS in one piece, at the least of an objective."
    ),
    example="cptsgeo fill --table plan --objective euros --plan-membership plan.csv",
)
@input_options
@option(
    "--table",
    "which",
    type=click.Choice(TABLES),
    default="plan",
    show_default=True,
    help=N_(
        "extensions: one row per zone, part and CPTS beside it; plan: one row per CPTS extended or created; plan-units: one row per white unit; summary: the plan in one row; all: an XLSX workbook."
    ),
)
@option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="euros",
    show_default=True,
    help=N_("What the plan makes least: euros a year; euros per need-weighted inhabitant; EPCI cut."),
)
@option(
    "--level",
    type=click.Choice(LEVELS),
    default="fixed",
    show_default=True,
    help=N_("Level of the ACI budget that counts: functioning, with the fixed parts, or the maximum."),
)
@option(
    "--actions",
    type=click.Choice(("both", "extend", "create")),
    default="both",
    show_default=True,
    help=N_("What the plan may do: extend CPTS, create new ones, or both."),
)
@option("--min-population", type=int, default=1, show_default=True, help=N_("Least inhabitants of a new CPTS."))
@option("--max-population", type=int, help=N_("Most inhabitants of a new CPTS. Default: no limit."))
@option(
    "--keep",
    help=N_(
        "Units that go together: epci, or a file with insee_code and zone, such as the bassins de vie. Default: each unit its own way."
    ),
)
@option(
    "--prefer",
    type=click.Path(path_type=Path),
    help=N_(
        "Zones that the plan would rather keep whole, in the place of the EPCI: a file with insee_code and zone, such as the bassins de vie."
    ),
)
@option(
    "--cover",
    type=float,
    default=1.0,
    show_default=True,
    help=N_("Least part of the white population that can be covered to cover, such as 0.8."),
)
@option(
    "--units",
    default="",
    help=N_("Extensions: also look at these white units together, such as 06079,06138."),
)
@option("--cluster", multiple=True, help=N_("Fill this cluster only. Repeat for several. Default: all."))
@bridge_option
@option("--seed", type=int, default=0, show_default=True, help=N_("Seed of the draw between equal plans."))
@option(
    "--time-limit",
    type=float,
    default=60.0,
    show_default=True,
    help=N_("Seconds after which each step of the search is taken as it is, with its gap."),
)
@option(
    "--plan-membership",
    type=click.Path(path_type=Path),
    help=N_("Also write the perimeters as the plan leaves them: a CSV to give back with --perimeters."),
)
@option("--page", type=click.Path(path_type=Path), help=N_("Also draw the plan: one interactive page (.html)."))
@need_options
@output_options
def command(
    which: str,
    plan_membership: Path | None,
    page: Path | None,
    units: str,
    form: str | None,
    output: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Read, compute, deliver."""
    from cptsgeo.adjacency import adjacency
    from cptsgeo.errors import UsageError
    from cptsgeo.scenarios import extensions
    from cptsgeo.white_zones import clusters

    if which == "all" and (output is None or output.suffix.lower() != ".xlsx"):
        raise UsageError(
            _("all the tables go to one workbook"),
            fix=_("name it with --output, such as plan.xlsx, or choose one table"),
            where="--table",
        )
    chosen = [code for code in (part.strip() for part in units.split(",")) if code]
    asked = {name: options.pop(name) for name in PLAN_OPTIONS}
    read = study(with_contours=True, uses_density=True, **options)
    ground = adjacency(read.drawn, bridge_m=asked.pop("bridge_m"))
    zones = clusters(read.communes, read.perimeters, read.drawn, in_scope=read.in_scope, ground=ground)
    tables: dict[str, pd.DataFrame] = {}
    if which in {"extensions", "all"}:
        tables["extensions"] = extensions(read.communes, read.perimeters, zones, ground, chosen=chosen)
        _tell_alone(zones)
    if which != "extensions" or plan_membership is not None or page is not None:
        made = _plan(read, zones, ground, **asked)
        tables |= {"plan": made.changes, "plan-units": made.assignments, "summary": made.summary}
        _tell(made)
    if which == "all":
        _deliver_all({"clusters": zones.zones, "neighbours": zones.neighbours, **tables}, output, overwrite)
    else:
        table = tables[which]
        if which in {"plan", "plan-units"} and draws(form, output, options["contours"]):
            table = _drawn(table, made if which == "plan" else None, read.drawn)
        deliver(table, form=form, output=output, overwrite=overwrite)
    if plan_membership is not None:
        _write_membership(made, plan_membership, overwrite)
    if page is not None:
        _write_page(read, made, page, overwrite)


def _plan(
    read: Study,
    zones: Any,
    ground: Any,
    *,
    actions: str,
    keep: str | None,
    prefer: Path | None,
    cluster: tuple[str, ...],
    min_population: int,
    max_population: int | None,
    **asked: Any,
) -> Plan:
    """Make the plan that the options ask for."""
    from cptsgeo.blocks import read_zoning
    from cptsgeo.scenarios import plan

    zoning = None
    if keep is not None:
        zoning = (
            read.communes.set_index("insee_code")["epci_siren"]
            if keep == "epci"
            else read_zoning(Path(keep), read.communes)
        )
    return plan(
        read.communes,
        read.perimeters,
        zones,
        ground,
        actions=("extend", "create") if actions == "both" else (actions,),
        keep=zoning,
        prefer=None if prefer is None else read_zoning(prefer, read.communes),
        cluster_ids=cluster,
        least=min_population,
        most=max_population,
        scores=read.need,
        **asked,
    )


def _tell(made: Plan) -> None:
    """Say on stderr what the plan comes to, and what it leaves white."""
    from cptsgeo.plan_tables import changes_in_words

    total = made.summary.iloc[0]
    say(
        _("Plan: {covered} of {white} inhabitants covered, {changes}, for {euros} € a year.").format(
            covered=number(total["population_covered"]),
            white=number(total["population_white"]),
            changes=changes_in_words(total),
            euros=number(total[f"{total['level']}_change"]),
        )
    )
    if total["objective_gap"] > 0:
        say(_("The search stopped before the proof: a better plan may exist, see objective_bound."))
    left = made.assignments[made.assignments["action"] == "none"]
    for reason, units in left.groupby("why_white"):
        names = ", ".join(f"{code} ({name})" for code, name in zip(units["insee_code"], units["name"], strict=True))
        say(_("Left white, {units}: {reason}.").format(units=names, reason=reason))


def _tell_alone(zones: Clusters) -> None:
    """Say which zones no CPTS borders: they have no extension."""
    near = zones.neighbours[zones.neighbours["relation"] == "nearest"].set_index("cluster_id")
    for zone in zones.zones[zones.zones["neighbour_count"] == 0].itertuples():
        say(
            _("No CPTS borders {cluster} ({name}): there is no extension to look at.").format(
                cluster=zone.cluster_id, name=zone.cluster_name
            )
        )
        if zone.cluster_id in near.index:
            closest = near.loc[zone.cluster_id]
            say(
                _("    → the nearest is {cpts}, {km} km away: --bridge-m joins across water").format(
                    cpts=closest["cpts_name"], km=number(closest["distance_km"], 1)
                )
            )


def _drawn(table: pd.DataFrame, made: Plan | None, contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give outlines to the CPTS as the plan leaves them, or without a plan to the units."""
    import geopandas as gpd

    from cptsgeo.contours import dissolve
    from cptsgeo.export import with_geometry

    if made is None:
        return with_geometry(table, contours)
    shapes = dissolve(contours, made.perimeters.membership.set_index("insee_code")["cpts_id"])
    joined = table.merge(shapes.rename(columns={"name": "cpts_id"}), on="cpts_id", how="left", validate="one_to_one")
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=shapes.crs)


def _deliver_all(tables: dict[str, pd.DataFrame], output: Path | None, overwrite: bool) -> None:
    from cptsgeo.export import write_workbook

    assert output is not None, "the workbook has a name"
    write_workbook(tables, output, overwrite=overwrite)
    say(_("Written: {path}").format(path=output))


def _write_membership(made: Plan, path: Path, overwrite: bool) -> None:
    from cptsgeo.export import write_table
    from cptsgeo.plan_tables import membership_list

    write_table(membership_list(made.perimeters), path, form="csv", overwrite=overwrite)
    say(_("Written: {path}").format(path=path))


def _write_page(read: Study, made: Plan, path: Path, overwrite: bool) -> None:
    from cptsgeo.files import whole_file
    from cptsgeo.maps.pages import page
    from cptsgeo.results import compute

    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(page(compute(read, plan=made), "plan"), encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=path))
