"""One study: the tables that every command reads, checked once, and what was found on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.codes import among
from cptsgeo.communes import embedded_communes, parse_communes, read_density, with_density
from cptsgeo.errors import CptsGeoError, DataError, Finding, UsageError, as_findings, raise_errors
from cptsgeo.funding import PAID_STAGES
from cptsgeo.grids import Grid, read_grid
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.layers import is_layer
from cptsgeo.perimeters import Perimeters, parse_perimeters, with_stages
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.scope import Scope, embedded_scope, in_scope, touched_departements
from cptsgeo.territories import LayerChoice, Territories, read_territories

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.adjacency import Adjacency
    from cptsgeo.editions import Editions
    from cptsgeo.reconcile import Figure
    from cptsgeo.snapshots import Snapshot


@dataclass(frozen=True)
class Inputs:
    """Name the files and choices of a study; empty means the embedded data.

    Attributes
    ----------
    communes
        Files of units and populations.
    population_year
        Census year, where the files do not say it.
    contours
        Files of outlines.
    accept_holes
        Take unexplained holes of the map for true enclaves.
    density
        File of INSEE density levels.
    perimeters, cpts
        File of the membership, and of the CPTS when apart.
    perimeters_date
        Day on which the list of CPTS was true.
    scope
        Where the list is complete; the départements that the list touches when not given.
    stages
        Stages whose CPTS count; all when empty.
    iris
        File of populations by IRIS, for a list of IRIS.
    grid
        Population raster or cells, for drawn perimeters that cut units.
    area_weighting
        Share by area the cut units that no grid speaks of.
    tolerance_m
        Width in metres under which a piece of a unit is snapped.
    repair
        Make invalid polygons of drawn layers valid.
    need
        Files of what is known of the need of units.
    need_weights
        File of other weights for the score of need.
    editions
        Populations of other census years: year and file, in any order.
    published
        File of published rates to set beside ours; those of the reports when not given.
    snapshots
        List of dated states to compare.
    paid_stages
        Stages at which a CPTS is paid; ``unknown`` for those whose stage the list does not give.
    layers
        Layers of territories to set the CPTS beside.
    as_of
        Day on which the age of pulled sources is judged; today when not given.
    """

    communes: tuple[Path, ...] = ()
    population_year: int | None = None
    contours: tuple[Path, ...] = ()
    accept_holes: bool = False
    density: Path | None = None
    perimeters: Path | None = None
    cpts: Path | None = None
    perimeters_date: date | None = None
    scope: Scope | None = None
    stages: tuple[str, ...] = ()
    iris: Path | None = None
    grid: Path | None = None
    area_weighting: bool = False
    tolerance_m: float = TOLERANCE_M
    repair: bool = False
    need: tuple[Path, ...] = ()
    need_weights: Path | None = None
    editions: tuple[tuple[int, Path], ...] = ()
    published: Path | None = None
    snapshots: Path | None = None
    paid_stages: tuple[str, ...] = PAID_STAGES
    layers: tuple[LayerChoice, ...] = ()
    as_of: date | None = None


@dataclass(frozen=True)
class Study:
    """Hold the checked tables of a study.

    Attributes
    ----------
    inputs
        What was asked.
    communes
        All units; see :func:`cptsgeo.communes.read_communes`.
    in_scope
        Booleans on the index of ``communes``.
    scope
        The scope in force.
    perimeters
        CPTS that count and have a unit in the scope, and their membership.
    contours
        Outlines of the units of the scope and of these CPTS; ``None`` when they were not asked for.
    findings
        Warnings and remarks; errors were raised.
    cuts
        For drawn perimeters, the pieces of the units that they cut: see :class:`cptsgeo.population.Shares`.
    need
        Score of each unit, as :func:`cptsgeo.need.need` returns it; ``None`` when no need was given.
    editions
        Populations of other census years; ``None`` when none was given.
    published
        Published rates.
    snapshots
        Dated states, in the order of their days; none when no list was given.
    territories
        The layers of ``inputs.layers``, in their order.
    """

    inputs: Inputs
    communes: pd.DataFrame
    in_scope: pd.Series
    scope: Scope
    perimeters: Perimeters
    contours: gpd.GeoDataFrame | None
    findings: tuple[Finding, ...]
    cuts: pd.DataFrame | None = None
    need: pd.DataFrame | None = None
    editions: Editions | None = None
    published: tuple[Figure, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    territories: tuple[Territories, ...] = ()

    @property
    def units(self) -> pd.DataFrame:
        """Return the units of the scope."""
        return self.communes[self.in_scope]

    @property
    def drawn(self) -> gpd.GeoDataFrame:
        """Return the contours of a study that was read with them."""
        assert self.contours is not None, "the study was read with contours"
        return self.contours

    @cached_property
    def ground(self) -> Adjacency:
        """Return the borders between the units that have outlines, measured when first asked for."""
        from cptsgeo.adjacency import adjacency

        return adjacency(self.drawn)


def read_study(inputs: Inputs, *, with_contours: bool = False) -> Study:
    """Read and check everything a command needs.

    Raises
    ------
    DataError
        With every error of every table at once.
    FileError, UsageError
        For a file that cannot be read, or a wrong choice.
    """
    study, findings = parse_study(inputs, with_contours=with_contours)
    raise_errors(findings)
    assert study is not None, "a study without errors exists"
    return study


def parse_study(inputs: Inputs, *, with_contours: bool = False) -> tuple[Study | None, list[Finding]]:
    """Read as :func:`read_study`, and return every finding, errors too; no study where the tables cannot be joined."""
    from cptsgeo.check import check, wholly_outside
    from cptsgeo.contours import check_contours, read_contours

    if inputs.need_weights is not None and not inputs.need:
        raise UsageError(
            _("weights alone score nothing"),
            fix=_("give the need of the units with --need"),
            where="--need-weights",
        )
    communes, findings = parse_communes(inputs.communes, population_year=inputs.population_year)
    reference = communes if len(communes) else embedded_communes()
    if inputs.density is not None:
        try:
            communes = with_density(communes, read_density(inputs.density))
        except CptsGeoError as error:
            findings += as_findings(error)
    grid = None if inputs.grid is None else read_grid(inputs.grid)
    perimeters, cuts, found = _perimeters(inputs, reference, grid)
    findings += found
    territories, found = _territories(inputs, reference, grid)
    findings += found
    if any(finding.severity == "error" for finding in findings):
        return None, findings
    findings += _missing_units(communes, inputs)
    scope = inputs.scope or (
        embedded_scope() if inputs.perimeters is None else touched_departements(communes, perimeters)
    )
    inside = in_scope(communes, scope)
    codes = set(communes.loc[inside, "insee_code"])
    findings += wholly_outside(perimeters, codes)
    beside, found = _beside(inputs, communes, perimeters)
    findings += found
    if inputs.stages:
        chosen = with_stages(perimeters, inputs.stages)
        findings += _left_out(perimeters, chosen)
        perimeters = chosen
    contours = None
    if with_contours:
        contours = read_contours(inputs.contours, codes=codes | set(perimeters.membership["insee_code"]))
        findings += check_contours(contours, accept_holes=inputs.accept_holes)
    findings += check(communes, perimeters, in_scope=inside, contours=contours)
    present = perimeters.membership.loc[among(perimeters.membership["insee_code"], codes), "cpts_id"].unique()
    empty = ~perimeters.cpts["cpts_id"].isin(perimeters.membership["cpts_id"])
    kept = perimeters.cpts[perimeters.cpts["cpts_id"].isin(present) | empty]
    return Study(
        inputs,
        communes,
        inside,
        scope,
        perimeters.only(kept),
        contours,
        tuple(findings),
        cuts,
        territories=territories,
        **beside,
    ), findings


def _beside(inputs: Inputs, communes: pd.DataFrame, perimeters: Perimeters) -> tuple[dict[str, Any], list[Finding]]:
    """Read what is set beside the study, as fields of it: need, other editions, published rates, dated states."""
    from cptsgeo.editions import edition_findings, read_editions
    from cptsgeo.need import need
    from cptsgeo.need_input import parse_need, read_need_weights
    from cptsgeo.reconcile import read_figures
    from cptsgeo.snapshot_list import read_snapshots

    def scores() -> tuple[pd.DataFrame, list[Finding]]:
        known, found = parse_need(inputs.need, communes)
        weights = None if inputs.need_weights is None else read_need_weights(inputs.need_weights)
        raise_errors(found)
        return need(communes, known, weights=weights), found

    def editions() -> tuple[Editions, list[Finding]]:
        read = read_editions(inputs.editions, communes)
        return read, edition_findings(read, set(perimeters.membership["insee_code"]))

    readers: dict[str, Callable[[], tuple[Any, list[Finding]]]] = {
        "published": lambda: (tuple(read_figures(inputs.published)), [])
    }
    if inputs.need:
        readers["need"] = scores
    if inputs.editions:
        readers["editions"] = editions
    if (listed := inputs.snapshots) is not None:
        readers["snapshots"] = lambda: read_snapshots(listed)
    fields, findings = {}, []
    for name, reader in readers.items():
        try:
            fields[name], found = reader()
        except CptsGeoError as error:
            found = as_findings(error)
        findings += found
    return fields, findings


def _perimeters(
    inputs: Inputs, communes: pd.DataFrame, grid: Grid | None
) -> tuple[Perimeters, pd.DataFrame | None, list[Finding]]:
    """Read the perimeters: a list, or a drawing placed over the outlines of the units, with what it cuts."""
    if inputs.perimeters is None or not is_layer(inputs.perimeters):
        perimeters, findings = parse_perimeters(inputs.perimeters, communes, cpts=inputs.cpts, iris=inputs.iris)
        return perimeters, None, findings
    from cptsgeo.contours import read_contours
    from cptsgeo.drawn import parse_drawn_perimeters

    return parse_drawn_perimeters(
        inputs.perimeters,
        communes,
        read_contours(inputs.contours),
        cpts=inputs.cpts,
        grid=grid,
        area_weighting=inputs.area_weighting,
        tolerance_m=inputs.tolerance_m,
        repair=inputs.repair,
    )


def _territories(
    inputs: Inputs, communes: pd.DataFrame, grid: Grid | None
) -> tuple[tuple[Territories, ...], list[Finding]]:
    """Read the layers of territories, with the outlines of the units where they are placed by them."""
    from cptsgeo.contours import read_contours

    placed = any(one.rule != "listed" or (one.path is not None and is_layer(one.path)) for one in inputs.layers)
    contours = read_contours(inputs.contours) if placed else None
    layers, findings = [], []
    for one in inputs.layers:
        try:
            layer, found = read_territories(
                one.path,
                communes,
                kind=one.kind,
                rule=one.rule,
                names=one.names,
                contours=contours,
                grid=grid,
                area_weighting=inputs.area_weighting,
                tolerance_m=inputs.tolerance_m,
                repair=inputs.repair,
            )
        except DataError as error:
            findings += as_findings(error)
            continue
        layers.append(layer)
        findings += found
    return tuple(layers), findings


def _missing_units(communes: pd.DataFrame, inputs: Inputs) -> list[Finding]:
    """Compare the user's units with those of the embedded COG: what is not there is in no figure."""
    if not inputs.communes:
        return []
    national = embedded_communes()
    touched = national["departement_code"].isin(communes["departement_code"])
    missing = national[touched & ~among(national["insee_code"], communes["insee_code"])]
    other = communes[~among(communes["insee_code"], national["insee_code"])]
    files = ", ".join(path.name for path in inputs.communes)
    texts = [
        (
            missing,
            ngettext(
                "{count} unit of the COG 2026 is not in the table of communes, and is in no figure ({examples})",
                "{count} units of the COG 2026 are not in the table of communes, and are in no figure ({examples})",
                len(missing),
            ),
        ),
        (
            other,
            ngettext(
                "{count} unit of the table of communes is not in the COG 2026 ({examples})",
                "{count} units of the table of communes are not in the COG 2026 ({examples})",
                len(other),
            ),
        ),
    ]
    return [
        Finding(
            "units_differ",
            "warning",
            text.format(count=number(len(rows)), examples=", ".join(rows["insee_code"].head(5))),
            _("check the year of the table: populations and perimeters must share one COG"),
            files,
            column="insee_code",
        )
        for rows, text in texts
        if len(rows)
    ]


def _left_out(perimeters: Perimeters, chosen: Perimeters) -> list[Finding]:
    """Say which CPTS the choice of stages leaves out."""
    out = perimeters.cpts[~perimeters.cpts["cpts_id"].isin(chosen.cpts["cpts_id"])]
    if out.empty:
        return []
    unknown = int(out["stage"].isna().sum())
    return [
        Finding(
            "stages_left_out",
            "warning",
            _("{count} CPTS are left out by --stages, {unknown} of them because their stage is unknown").format(
                count=number(len(out)), unknown=number(unknown)
            ),
            column="stage",
        )
    ]
