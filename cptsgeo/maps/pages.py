"""The pages of a study: what each one shows, its finding in one sentence, its legend, notes and credits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cptsgeo.cut_findings import shared_by_area
from cptsgeo.i18n import N_, _, day, headed, ngettext, number, percent
from cptsgeo.manifest import credit_line, late_sources
from cptsgeo.maps.theme import (
    COVERED,
    DEFINITION,
    DENSITIES,
    OUT_OF_SCOPE,
    PLANS,
    SIZES,
    STAGES,
    TAKERS,
    WHITE_ZONE,
    Theme,
    styled,
)
from cptsgeo.parameters import labels
from cptsgeo.perimeters import STAGES as STAGE_KEYS
from cptsgeo.plan_tables import changes_in_words
from cptsgeo.results import Results
from cptsgeo.scope import scope_names
from cptsgeo.sizes import first_above_bounds, size_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from cptsgeo.maps.theme import MapClass, Style

PAGES = {
    "coverage": N_("Coverage by stage"),
    "sizes": N_("Size classes"),
    "white_zones": N_("White zones by density"),
    "plan": N_("Plan for the white zones"),
    "all_layers": N_("All layers"),
    "definitions": N_("Definitions of coverage"),
}


def page(results: Results, name: str, *, tiles: str = "") -> str:
    """Write one page of :data:`PAGES` as self-contained HTML.

    Parameters
    ----------
    results
        As :func:`cptsgeo.results.compute` returns them.
    name
        Key of :data:`PAGES`.
    tiles
        Key of :data:`cptsgeo.maps.page.BASEMAPS`; none asks the network for nothing.
    """
    from cptsgeo.maps.cartogram import cartogram
    from cptsgeo.maps.page import map_page

    makers: dict[str, tuple[Callable[[Results], Theme], ...]] = {
        "coverage": (stage_theme,),
        "sizes": (size_theme,),
        "white_zones": (white_zone_theme,),
        "all_layers": (stage_theme, size_theme, white_zone_theme),
    }
    shows_plan = name == "plan"
    units, beside = results.units, None
    if shows_plan:
        units = plan_units(results)
        themes = [plan_theme(results, units)]
    elif name == "definitions":
        units, themes = definition_themes(results)
        beside = themes[-1].key if len(themes) > 1 else None
    else:
        themes = [maker(results) for maker in makers[name]]
    return map_page(
        units,
        themes,
        beside=beside,
        weighted=cartogram(departement_rates(results)),
        title=headed(_(PAGES[name]), place(results)),
        finding=plan_finding(results) if shows_plan else finding(results),
        facts=plan_facts(results) if shows_plan else facts(results),
        notes=plan_notes(results) if shows_plan else notes(results),
        credits=credits_of(results),
        warning=warning(results),
        outlines=dict(reversed(results.outlines.items())) if shows_plan else results.outlines,
        extra={"plan_label": _("Plan")} if shows_plan else {},
        tiles=tiles,
    )


def place(results: Results) -> str:
    """Name the scope, in the reader's language."""
    names = scope_names(results.study.communes, results.study.scope)
    return ", ".join(names) if len(names) <= 4 else _("{count} départements").format(count=len(names))


def _overall(results: Results, stage: str = "any") -> pd.Series | None:
    """Return the cumulative row of the scope for a stage, if the list knows stages."""
    table = results.tables["coverage_by_scope"]
    rows = table[(table["counting"] == "cumulative") & (table["stage"] == stage)]
    return rows.iloc[0] if len(rows) else None


def finding(results: Results) -> str:
    """Say in one sentence who lives in a CPTS and how many units have none."""
    overall = _overall(results)
    assert overall is not None, "the whole scope always has a row"
    white = int(overall["units"] - overall["units_covered"])
    covered = _("{rate} of the inhabitants of the territory studied ({place}) live in a CPTS").format(
        rate=percent(overall["coverage_rate"]), place=place(results)
    )
    if white == 0:
        return _("{covered}; every commune has one.").format(covered=covered)
    return ngettext("{covered}; {count} commune has none.", "{covered}; {count} communes have none.", white).format(
        covered=covered, count=number(white)
    )


def facts(results: Results) -> list[tuple[str, str]]:
    """List the key figures: heading and value."""
    overall = _overall(results)
    signed = _overall(results, "aci_signe")
    assert overall is not None, "the whole scope always has a row"
    rows = [
        (_("Population"), number(overall["population"])),
        (_("Covered, any stage"), percent(overall["coverage_rate"])),
    ]
    if signed is not None:
        bound = "≥ " if signed["population_stage_unknown"] else ""
        rows.append((_("Covered, ACI signed"), bound + percent(signed["coverage_rate"])))
    return [
        *rows,
        (_("CPTS"), number(len(results.study.perimeters.cpts))),
        (_("Population in white zones"), number(results.tables["white_zones"]["population_white"].sum())),
    ]


def notes(results: Results) -> list[str]:
    """List what a reader must know to use the figures."""
    study = results.study
    drawn = study.contours["geometry_source"] if study.contours is not None else []
    texts = [
        _(
            "Coverage rate: population of the units in at least one CPTS / population of the units of the scope. A unit in two CPTS counts once."
        ),
        _(
            "Unit: a commune, or an arrondissement of Paris, Lyon or Marseille. White zone: a unit of the scope in no CPTS."
        ),
        _(
            "Outside the scope ({scope}) the list of CPTS is not complete: a unit there is never white, and is in no rate."
        ).format(scope=place(results)),
        _(
            "Size class: population of all the units of the CPTS, in the scope and outside. The texts do not state the side of the bounds: here classes begin at {firsts} inhabitants."
        ).format(firsts=", ".join(number(first) for _bound, first in first_above_bounds())),
    ]
    if study.inputs.stages:
        chosen = labels("stages") | {"unknown": _("stage unknown")}
        texts.insert(
            0,
            _("Only CPTS of these stages count: {stages}.").format(
                stages=", ".join(chosen[stage] for stage in study.inputs.stages)
            ),
        )
    if "schematic" in set(drawn):
        texts.append(
            _(
                "The outlines of the communes are schematic (Voronoi cells clipped to the coast): they locate, they do not delimit."
            )
        )
    texts += shared_by_area(study.communes, study.perimeters)
    if study.inputs.perimeters is None:
        texts.append(
            _(
                "Embedded perimeters: some are stated by their source, the others indicative; the table of CPTS says which (data/cpts_perimeters)."
            )
        )
    return texts


def credits_of(results: Results) -> list[str]:
    """List the sources of the figures with their dates."""
    inputs = results.study.inputs
    years = results.study.units["population_year"]
    known = sorted(years.dropna().astype("int64").unique(), reverse=True)
    census = ", ".join(str(year) for year in known) if known and not years.isna().any() else _("year not stated")
    communes = (
        _("INSEE, COG 2026, through @etalab/decoupage-administratif 6.0.0 (Licence Ouverte 2.0)")
        if not inputs.communes
        else _files(inputs.communes)
    )
    perimeters = (
        _("report “Tour de France des CPTS”, June 2023, state of December 2022")
        if inputs.perimeters is None
        else _files([inputs.perimeters])
        + ", "
        + (
            _("state of {day}").format(day=day(inputs.perimeters_date))
            if inputs.perimeters_date
            else _("date not stated (--perimeters-date)")
        )
    )
    contours = (
        _("coast of GSHHG (LGPL), schematic limits by cptsgeo") if not inputs.contours else _files(inputs.contours)
    )
    density = (
        _files([inputs.density])
        if inputs.density
        else _("INSEE, grille communale de densité à 7 niveaux (Licence Ouverte 2.0)")
    )
    return [
        _("Populations municipales, census of {years}: {source}").format(years=census, source=communes),
        _("Perimeters and stages: {source}").format(source=perimeters),
        _("Outlines: {source}").format(source=contours),
        _("Density: {source}").format(source=density),
        *(_("Population grid: {source}").format(source=inputs.grid.name) for _given in [inputs.grid] if inputs.grid),
        *shared_by_area(results.study.communes, results.study.perimeters),
    ]


def _files(paths: Sequence[Path]) -> str:
    """Name files: by their producer, title, date and licence where they were pulled."""
    return "; ".join(dict.fromkeys(credit_line(path) or path.name for path in paths))


def warning(results: Results) -> str:
    """Say which of the sources of a study are no longer up to date on its day; empty when all are."""
    return late_sources(results.study.inputs)


def classes_of(
    units: pd.DataFrame,
    column: str,
    palette: Mapping[str, Style],
    texts: Mapping[str, str],
    styles: Mapping[str, str],
) -> tuple[MapClass, ...]:
    """Count units and inhabitants of each class, every class named even when empty."""
    counted = units.groupby(column)["population"].agg(["size", "sum"])
    optional = {OUT_OF_SCOPE, "unknown"}
    return tuple(
        replace(
            styled(
                palette,
                styles.get(key, key),
                text,
                units=int(counted["size"].get(key, 0)),
                population=int(counted["sum"].get(key, 0)),
            ),
            key=key,
        )
        for key, text in texts.items()
        if key not in optional or key in counted.index
    )


def stage_theme(results: Results) -> Theme:
    """Colour units by the most advanced stage of their CPTS."""
    return Theme(
        "stage",
        _("Coverage by stage"),
        _("The most advanced stage among the CPTS of the unit."),
        stage_classes(results.units, "stage"),
    )


def stage_classes(units: pd.DataFrame, column: str) -> tuple[MapClass, ...]:
    """Return the classes of a column of stages, from the most advanced to the white zones."""
    texts = {
        **{key: labels("stages")[key] for key in reversed(STAGE_KEYS)},
        "unknown": _("Covered, stage unknown"),
        WHITE_ZONE: _("White zone: no CPTS"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    return classes_of(units, column, STAGES, texts, {"unknown": "stage_unknown"})


def size_theme(results: Results) -> Theme:
    """Colour units by the ACI size class of their CPTS."""
    texts = {
        **size_labels(),
        WHITE_ZONE: _("White zone: no CPTS"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    return Theme(
        "size_class",
        _("Size classes"),
        _("The ACI size class of the unit’s CPTS, of the most populous one where it is in several."),
        classes_of(results.units, "size_class", SIZES, texts, {}),
    )


def white_zone_theme(results: Results) -> Theme:
    """Colour white zones by density group."""
    texts = {
        **{
            key: _("White zone, {density}").format(density=text.lower())
            for key, text in labels("density_groups").items()
        },
        "unknown": _("White zone, density unknown"),
        "covered": _("Covered by a CPTS"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    return Theme(
        "white_zone",
        _("White zones by density"),
        _("Units in no CPTS, by group of the INSEE density grid: 1, 2 to 4, 5 to 7."),
        classes_of(results.units, "white_zone", DENSITIES, texts, {"unknown": "density_unknown"}),
    )


def plan_units(results: Results) -> gpd.GeoDataFrame:
    """Give each unit its class on the map of the plan: the CPTS that take in most inhabitants, and the others together."""
    units = results.units
    takers = _takers(results)
    classes = {key: rank for rank, key in zip(TAKERS, takers, strict=False)}
    classes |= dict.fromkeys(takers[len(TAKERS) :], "others")
    return units.assign(plan=units["plan"].map(lambda key: classes.get(key, key)))


def _takers(results: Results) -> list[str]:
    """List the CPTS that the plan extends or creates as the units name them, those that take in most inhabitants first."""
    if results.plan is None:
        return []
    changes = results.plan.changes.sort_values(["population_added", "cpts_id"], ascending=[False, True])
    return [f"cpts:{cpts_id}" for cpts_id in changes["cpts_id"]]


def plan_theme(results: Results, units: gpd.GeoDataFrame) -> Theme:
    """Colour white units by the CPTS that the plan extends or creates for them.

    Parameters
    ----------
    results
        As :func:`cptsgeo.results.compute` returns them.
    units
        As :func:`plan_units` returns them.
    """
    takers = _takers(results)
    names = {} if results.plan is None else results.plan.changes.set_index("cpts_id")["cpts_name"].to_dict()
    texts = {rank: names[key.removeprefix("cpts:")] for rank, key in zip(TAKERS, takers, strict=False)}
    others = len(takers) - len(texts)
    if others:
        texts["others"] = ngettext("{count} other CPTS", "{count} other CPTS", others).format(count=number(others))
    texts |= {
        WHITE_ZONE: _("Stays a white zone"),
        COVERED: _("Covered by a CPTS today"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    return Theme(
        "plan",
        _("Plan for the white zones"),
        _("The CPTS that takes in each white unit, extended or created."),
        classes_of(units, "plan", PLANS, texts, {}),
    )


def plan_finding(results: Results) -> str:
    """Say in one sentence whom the plan covers, how, and at what cost."""
    if results.plan is None:
        return _("No plan was made for the white zones: see the warnings of the build.")
    total = results.plan.summary.iloc[0]
    return _(
        "The plan covers {covered} of the {white} inhabitants of the white zones: {changes}, for {euros} € more a year."
    ).format(
        covered=number(total["population_covered"]),
        white=number(total["population_white"]),
        changes=changes_in_words(total),
        euros=number(total[f"{total['level']}_change"]),
    )


def plan_facts(results: Results) -> list[tuple[str, str]]:
    """List the key figures of the plan: heading and value."""
    if results.plan is None:
        return []
    total = results.plan.summary.iloc[0]
    rows = [(label, f"{number(total[f'{level}_change'])} €") for level, label in labels("aci").items()]
    return [*rows, (_("EPCI cut"), number(total["epci_cut"]))]


def plan_notes(results: Results) -> list[str]:
    """List what a reader must know to use the plan."""
    texts = [
        _(
            "A plan is a proposal: it knows borders, inhabitants, EPCI and the ACI grid, not local wishes nor travel by road."
        ),
        _(
            "Euros: what the class of each CPTS extended or created gives once its contract is signed, less what its class of today gives."
        ),
    ]
    if results.plan is not None:
        total = results.plan.summary.iloc[0]
        objective = {
            "euros": _("least euros a year ({level})").format(level=labels("aci")[total["level"]]),
            "need": _("least euros per need-weighted inhabitant"),
            "epci": _("fewest EPCI cut"),
        }[total["objective"]]
        proof = (
            _("the search stopped before the proof: a better plan may exist")
            if total["objective_gap"] > 0
            else _("no other plan does better")
        )
        texts.insert(0, _("Objective: {objective}; {proof}.").format(objective=objective, proof=proof))
    return [*texts, *notes(results)]


def departement_rates(results: Results) -> pd.DataFrame:
    """Return the rates of the départements of the scope, CPTS of any stage."""
    table = results.tables["coverage_by_departement"]
    return table[(table["counting"] == "cumulative") & (table["stage"] == "any")]


def definition_themes(results: Results) -> tuple[gpd.GeoDataFrame, list[Theme]]:
    """Colour units by whether each cumulative definition of coverage counts them: any stage, then at least each stage.

    Returns
    -------
    GeoDataFrame
        The units, with a column for each theme.
    list of Theme
        From the widest definition to the narrowest; the widest alone where no stage is known.
    """
    present = set(results.units["stage"])
    known = [key for key in STAGE_KEYS if key in present]
    apart = known if "unknown" in present else known[1:]  # the first stage of all is “any”
    least = {"any": [*STAGE_KEYS, "unknown"]} | {key: STAGE_KEYS[STAGE_KEYS.index(key) :] for key in apart}
    texts = {
        COVERED: _("Covered by a CPTS"),
        "unknown": _("Covered, stage unknown"),
        WHITE_ZONE: _("Not covered"),
        OUT_OF_SCOPE: _("Outside the scope of the study"),
    }
    units, themes = results.units, []
    for key, counted in least.items():
        column = f"from_{key}"
        kept = units["stage"].isin([OUT_OF_SCOPE, "unknown"])
        state = units["stage"].where(kept, WHITE_ZONE).where(~units["stage"].isin(counted), COVERED)
        units = units.assign(**{column: state})
        title = _("Any stage") if key == "any" else _("At least: {stage}").format(stage=labels("stages")[key])
        definition = _("A unit counts when one of its CPTS has reached this stage.")
        themes.append(
            Theme(column, title, definition, classes_of(units, column, DEFINITION, texts, {"unknown": "stage_unknown"}))
        )
    return units, themes
