"""Population inside polygons: whole units by their census count, cut units by a population grid, to the inhabitant."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cptsgeo.apportionment import apportion
from cptsgeo.coverage import inhabitants
from cptsgeo.crs import by_territory
from cptsgeo.errors import DataError, Finding, UsageError, raise_errors
from cptsgeo.i18n import _, ngettext, number, percent
from cptsgeo.placement import TOLERANCE_M, Placement, are_thin, place_units

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

UNCOVERED_BOUND = 0.05
"""Part of the population of the units touched that may lie off the grid before the run stops."""

RATIO_BOUNDS = (0.6, 1.5)
"""Inhabitants of the grid per inhabitant of the census, over the units touched: beyond, the grid holds no counts."""

FILLED = 1e-6
EXAMPLES = 5
RASTER_ENDINGS = (".tif", ".tiff", ".vrt", ".img", ".asc")


class Grid(Protocol):
    """Say what a population grid can do: a raster (:class:`cptsgeo.rasters.Raster`) or cells."""

    @property
    def name(self) -> str:
        """Return the name of the file."""

    def sums(self, shapes: gpd.GeoDataFrame) -> NDArray[np.float64]:
        """Sum inhabitants over polygons in any CRS."""

    def covers(self, shapes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
        """Tell which polygons the grid may speak of."""


class Shares(NamedTuple):
    """Hold the units of polygons, and what was cut.

    Attributes
    ----------
    membership
        ``territory_id``, ``insee_code``, ``share`` (of the inhabitants), ``method`` (``polygon`` for a whole unit,
        ``grid``, or ``area``), ``area_share`` (of the area). A piece where nobody lives is not in it.
    cuts
        One row per piece of a cut unit, see :func:`polygon_shares`.
    findings
        What was snapped, cut, shared by area, overlapped or left outside.
    """

    membership: pd.DataFrame
    cuts: pd.DataFrame
    findings: list[Finding]


def read_grid(path: Path | str) -> Grid:
    """Open a population grid: a raster by its ending, else cells or points."""
    from cptsgeo.cells import read_cells
    from cptsgeo.rasters import read_raster

    return read_raster(path) if Path(path).suffix.lower() in RASTER_ENDINGS else read_cells(path)


def polygon_shares(
    polygons: gpd.GeoDataFrame,
    communes: pd.DataFrame,
    contours: gpd.GeoDataFrame,
    *,
    grid: Grid | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
    file: str = "",
) -> Shares:
    """Say which share of the inhabitants of each unit each polygon holds.

    Whole units need no grid. A cut unit keeps its census population N to the inhabitant: it is divided between the
    polygons and what is left outside them by the inhabitants that the grid finds in each.

    Parameters
    ----------
    polygons
        ``territory_id`` and valid polygons, in any CRS.
    communes
        ``insee_code``, ``name``, ``population``.
    contours
        ``insee_code`` and outlines; units without population are left aside.
    grid
        Inhabitants, as a raster or cells.
    area_weighting
        Divide by area the cut units that no grid speaks of, instead of refusing them.
    tolerance_m
        As for :func:`cptsgeo.placement.place_units`.
    file
        Name of the polygons' file, for findings.

    Returns
    -------
    Shares
        ``cuts`` has ``territory_id``, ``insee_code``, ``name``, ``population`` (of the unit), ``share_by_area``,
        ``share_by_grid`` (missing where no grid speaks), ``population_by_area``, ``population_by_grid``,
        ``population_in_polygon`` (the one that counts), ``population_at_stake`` (difference between the two) and
        ``method``.

    Raises
    ------
    DataError
        When units are cut and no grid is given (with their names), when a grid leaves more than 5 % of the
        inhabitants of the units touched without any cell, or when its total is not that of a count.

    Notes
    -----
    ``inhabitants of a piece = largest remainder of N x grid(piece) / grid(unit)``;
    ``share = inhabitants of the piece / N``.
    """
    import pandas as pd

    drawn = contours[contours["insee_code"].isin(communes["insee_code"])]
    placed = place_units(polygons, drawn, tolerance_m=tolerance_m)
    findings = _placement_findings(placed, tolerance_m, file)
    units = communes.set_index("insee_code")
    cuts = placed.cut.assign(
        name=placed.cut["insee_code"].map(units["name"]),
        population=placed.cut["insee_code"].map(units["population"]).astype("int64"),
    )
    inhabited = cuts["population"] > 0
    if grid is None and not area_weighting:
        raise_errors(_ungridded(cuts[inhabited], file))
    closed, overlapping = _mosaics(cuts, drawn, tolerance_m)
    closed |= _filled(placed)
    cuts["share_by_area"] = cuts["area_share"]
    cuts["share_by_grid"] = float("nan")
    if grid is not None and len(cuts):
        touched = drawn[drawn["insee_code"].isin([*placed.whole["insee_code"], *cuts["insee_code"]])]
        totals = pd.Series(grid.sums(touched), index=touched["insee_code"].to_numpy())
        findings += check_grid(grid, touched, totals, units["population"])
        whole = cuts["insee_code"].map(totals)
        cuts["share_by_grid"] = (pd.Series(grid.sums(cuts), cuts.index) / whole).where(whole > 0).clip(upper=1.0)
        if not area_weighting:
            raise_errors(_empty_grid(cuts[inhabited & cuts["share_by_grid"].isna()], grid.name, file))
    for basis in ("area", "grid"):
        cuts[f"population_by_{basis}"] = _divided(cuts, f"share_by_{basis}", closed, set(overlapping["insee_code"]))
    gridded = cuts["share_by_grid"].notna()
    cuts["method"] = pd.Series("area", cuts.index).mask(gridded, "grid").mask(~inhabited, "polygon").astype("str")
    cuts["population_in_polygon"] = cuts["population_by_grid"].fillna(cuts["population_by_area"]).astype("int64")
    cuts["population_at_stake"] = (cuts["population_by_grid"] - cuts["population_by_area"]).abs()
    findings += _cut_findings(cuts, file)
    share = (cuts["population_in_polygon"] / cuts["population"]).where(inhabited, cuts["area_share"])
    members = pd.concat(
        [placed.whole.assign(share=1.0, method="polygon"), pd.DataFrame(cuts.assign(share=share))[share > 0]],
        ignore_index=True,
    )
    findings += _overlap_findings(members, overlapping, units["population"], file)
    columns = ["territory_id", "insee_code", "share", "method", "area_share"]
    kept = [
        *["territory_id", "insee_code", "name", "population", "share_by_area", "share_by_grid", "population_by_area"],
        *["population_by_grid", "population_in_polygon", "population_at_stake", "method"],
    ]
    return Shares(
        members[columns].sort_values(columns[:2], ignore_index=True),
        pd.DataFrame(cuts[kept]).sort_values(kept[:2], ignore_index=True),
        findings,
    )


def _divided(cuts: gpd.GeoDataFrame, column: str, closed: set[str], overlapping: set[str]) -> pd.Series:
    """Divide each unit between its pieces and what is outside them; pieces that overlap are rounded each alone."""
    import numpy as np
    import pandas as pd

    result = pd.Series(pd.NA, index=cuts.index, dtype="Int64")
    for code, pieces in cuts.dropna(subset=column).groupby("insee_code"):
        weights = pieces[column].to_numpy()
        total = int(pieces["population"].iloc[0])
        if code in overlapping:
            result[pieces.index] = np.floor(total * weights + 0.5).astype("int64")
            continue
        outside = 0.0 if code in closed and weights.sum() > 0 else max(0.0, 1.0 - weights.sum())
        result[pieces.index] = apportion(total, [*weights, outside])[:-1]
    return result


def _mosaics(cuts: gpd.GeoDataFrame, contours: gpd.GeoDataFrame, tolerance_m: float) -> tuple[set[str], pd.DataFrame]:
    """Find the units that their pieces fill but for slivers, and the pairs of pieces that share ground."""
    import numpy as np
    import pandas as pd
    import shapely

    closed: set[str] = set()
    common: list[tuple[str, str, str]] = []
    several = cuts[cuts["insee_code"].duplicated(keep=False)]
    outlines = {
        code: shape
        for part in by_territory(contours[contours["insee_code"].isin(several["insee_code"])]).values()
        for code, shape in zip(part["insee_code"], part.geometry, strict=True)
    }
    for part in by_territory(several[["territory_id", "insee_code", "geometry"]]).values():
        for code, pieces in part.groupby("insee_code"):
            shapes = dict(zip(pieces["territory_id"], pieces.geometry, strict=True))
            rest = shapely.difference(outlines[str(code)], shapely.union_all(list(shapes.values())))
            if are_thin(np.array([rest]), tolerance_m)[0]:
                closed.add(str(code))
            common += [
                (one, other, str(code))
                for one, other in combinations(sorted(shapes), 2)
                if not are_thin(np.array([shapely.intersection(shapes[one], shapes[other])]), tolerance_m)[0]
            ]
    return closed, pd.DataFrame(common, columns=["one", "other", "insee_code"], dtype="str")


def _filled(placed: Placement) -> set[str]:
    """Find the cut units that pieces and slivers fill together: what was snapped away goes to the pieces."""
    import pandas as pd

    areas = pd.concat([placed.cut[["insee_code", "area_share"]], placed.slivers[["insee_code", "area_share"]]])
    total = areas.groupby("insee_code")["area_share"].sum()
    return set(total.index[(total - 1.0).abs() < FILLED]) & set(placed.cut["insee_code"])


def check_grid(grid: Grid, units: gpd.GeoDataFrame, sums: pd.Series, population: pd.Series) -> list[Finding]:
    """Compare a grid with the census over the units that polygons touch.

    Parameters
    ----------
    grid
        Raster or cells.
    units
        ``insee_code`` and outlines.
    sums
        Inhabitants of the grid, by ``insee_code``.
    population
        Inhabitants of the census, by ``insee_code``.

    Returns
    -------
    list of Finding
        A warning where some inhabited units have no cell.

    Raises
    ------
    DataError
        When they hold more than :data:`UNCOVERED_BOUND` of the inhabitants, or when the total of the grid over the
        others is not within :data:`RATIO_BOUNDS` of the census: densities instead of counts, or other units.
    """
    census = population.reindex(sums.index).astype("float64")
    covered = (sums > 0) & grid.covers(units)
    lacking = census[~covered & (census > 0)]
    findings: list[Finding] = []
    if len(lacking):
        part = lacking.sum() / census.sum()
        problem = _("the grid does not cover {part} of the inhabitants of the units touched ({examples})").format(
            part=percent(part), examples=_examples(lacking.index.tolist())
        )
        severe = part > UNCOVERED_BOUND
        findings.append(
            Finding(
                "grid_incomplete",
                "error" if severe else "warning",
                problem,
                _("give a grid of the whole territory of the polygons"),
                grid.name,
            )
        )
        raise_errors(findings)
    ratio = sums[covered].sum() / census[covered].sum() if census[covered].sum() else 1.0
    if not RATIO_BOUNDS[0] <= ratio <= RATIO_BOUNDS[1]:
        raise DataError(
            _(
                "the grid holds {grid} where the census counts {census} inhabitants ({ratio} times as many):"
                " it is not a count of inhabitants per cell"
            ).format(
                grid=number(float(sums[covered].sum())),
                census=number(float(census[covered].sum())),
                ratio=number(ratio, 2),
            ),
            fix=_("give counts, not densities per km²; check the unit and the year of the grid"),
            where=grid.name,
        )
    return findings


def _ungridded(cuts: gpd.GeoDataFrame, file: str) -> list[Finding]:
    return [
        Finding(
            "unit_cut_without_grid",
            "error",
            _("{code} ({name}, {population} inhabitants) is cut, and nothing says where they live: {pieces}").format(
                code=code,
                name=pieces["name"].iloc[0],
                population=number(int(pieces["population"].iloc[0])),
                pieces=", ".join(
                    _("{share} of its area in {polygon}").format(
                        share=percent(row.area_share), polygon=row.territory_id
                    )
                    for row in pieces.itertuples()
                ),
            ),
            _("give a population grid with --grid, or accept shares by area with --area-weighting"),
            file,
            column="geometry",
            value=str(code),
        )
        for code, pieces in cuts.groupby("insee_code")
    ]


def _empty_grid(cuts: gpd.GeoDataFrame, grid: str, file: str) -> list[Finding]:
    return [
        Finding(
            "unit_without_grid",
            "error",
            _("{code} ({name}, {population} inhabitants) is cut, and the grid {grid} has nobody in it").format(
                code=row.insee_code, name=row.name, population=number(row.population), grid=grid
            ),
            _("give a grid of that place, or accept shares by area where it is silent with --area-weighting"),
            file,
            column="geometry",
            value=str(row.insee_code),
        )
        for row in cuts.drop_duplicates("insee_code").itertuples(index=False)
    ]


def _placement_findings(placed: Placement, tolerance_m: float, file: str) -> list[Finding]:
    findings = [
        Finding(
            "polygon_outside",
            "warning",
            _("{polygon} touches no unit whose outline is known: it covers nobody").format(polygon=name),
            _("check its CRS, or give the outlines of its units with --contours"),
            file,
            column="geometry",
            value=name,
        )
        for name in placed.outside
    ]
    filled = placed.whole[placed.whole["area_share"] < 1.0]
    if len(filled) or len(placed.slivers):
        findings.append(
            Finding(
                "units_snapped",
                "info",
                _(
                    "pieces under {tolerance} m wide were snapped: {whole} units taken whole ({examples_whole}),"
                    " {slivers} left out ({examples_slivers})"
                ).format(
                    tolerance=number(tolerance_m),
                    whole=number(len(filled)),
                    examples_whole=_examples(filled["insee_code"].tolist()),
                    slivers=number(len(placed.slivers)),
                    examples_slivers=_examples(placed.slivers["insee_code"].tolist()),
                ),
                "",
                file,
                column="geometry",
            )
        )
    return findings


def _overlap_findings(
    members: pd.DataFrame, overlapping: pd.DataFrame, population: pd.Series, file: str
) -> list[Finding]:
    """Report the pairs of polygons that share ground: a unit that one of them holds whole, or pieces that overlap."""
    both = members.merge(members, on="insee_code", suffixes=("", "_other"))
    both = both[both["territory_id"] < both["territory_id_other"]]
    pairs = both.merge(
        overlapping.rename(columns={"one": "territory_id", "other": "territory_id_other"}),
        on=["territory_id", "territory_id_other", "insee_code"],
        how="left",
        indicator="pieces",
        validate="one_to_one",
    )
    whole = pairs[["area_share", "area_share_other"]].where(
        pairs[["method", "method_other"]].to_numpy() == "polygon", 0.0
    )
    shared = pairs[(pairs["pieces"] == "both") | (whole.max(axis="columns") > 0)]
    least = shared[["share", "share_other"]].min(axis="columns")
    shared = shared.assign(common=(shared["insee_code"].map(population) * least).astype("float64"))
    return [
        Finding(
            "polygons_overlap",
            "warning",
            ngettext(
                "{one} and {other} overlap in {count} unit ({examples}): up to {population} inhabitants are in both",
                "{one} and {other} overlap in {count} units ({examples}): up to {population} inhabitants are in both",
                len(group),
            ).format(
                one=one,
                other=other,
                count=number(len(group)),
                examples=_examples(group["insee_code"].tolist()),
                population=number(float(group["common"].sum())),
            ),
            _("allowed; see the ledger of double counts, and correct the outlines if it is not meant"),
            file,
            column="geometry",
            value=f"{one} {other}",
        )
        for (one, other), group in shared.groupby(["territory_id", "territory_id_other"])
    ]


def _cut_findings(cuts: gpd.GeoDataFrame, file: str) -> list[Finding]:
    findings = []
    codes = cuts["insee_code"].unique().tolist()
    if codes:
        findings.append(
            Finding(
                "units_cut",
                "info",
                ngettext(
                    "{count} unit is cut ({examples}): {stake} inhabitants hang on the choice between grid and area",
                    "{count} units are cut ({examples}): {stake} inhabitants hang on the choice between grid and area",
                    len(codes),
                ).format(
                    count=number(len(codes)),
                    examples=_examples(codes),
                    stake=number(at_stake(cuts)),
                ),
                "",
                file,
                column="geometry",
            )
        )
    by_area = cuts[cuts["method"] == "area"]
    if len(by_area):
        findings.append(
            Finding(
                "area_weighting",
                "warning",
                ngettext(
                    "{count} unit is shared by area, as if people lived evenly in it: {population} inhabitants ({examples})",
                    "{count} units are shared by area, as if people lived evenly in them: {population} inhabitants ({examples})",
                    by_area["insee_code"].nunique(),
                ).format(
                    count=number(by_area["insee_code"].nunique()),
                    population=number(float(by_area.drop_duplicates("insee_code")["population"].sum())),
                    examples=_examples(sorted(by_area["insee_code"].unique())),
                ),
                _("give a population grid with --grid"),
                file,
                column="geometry",
            )
        )
    return findings


def at_stake(cuts: pd.DataFrame) -> float:
    """Count the inhabitants who change polygon, or leave them all, with the choice between grid and area.

    Parameters
    ----------
    cuts
        As in :class:`Shares`.

    Returns
    -------
    float
        Missing where no grid speaks of any cut unit.

    Notes
    -----
    Per unit, over its pieces: ``(sum of |grid - area| + |sum of (grid - area)|) / 2``, so that an inhabitant who
    goes from one polygon to the next counts once.
    """
    gap = (cuts["population_by_grid"] - cuts["population_by_area"]).dropna().astype("float64")
    if gap.empty:
        return float("nan")
    by_unit = gap.groupby(cuts.loc[gap.index, "insee_code"])
    return float((gap.abs().groupby(cuts.loc[gap.index, "insee_code"]).sum() + by_unit.sum().abs()).sum() / 2)


def _examples(codes: list[str]) -> str:
    shown = sorted(set(codes))
    return (", ".join(shown[:EXAMPLES]) + (", …" if len(shown) > EXAMPLES else "")) or "–"


def population_within(
    layer: gpd.GeoDataFrame,
    *,
    grid: Grid | None = None,
    communes: pd.DataFrame | None = None,
    contours: gpd.GeoDataFrame | None = None,
    area_weighting: bool = False,
    tolerance_m: float = TOLERANCE_M,
) -> gpd.GeoDataFrame:
    """Count the inhabitants inside each polygon of any layer: a flood zone, a radius, a district.

    Parameters
    ----------
    layer
        Valid polygons with a CRS; they may overlap.
    grid
        Inhabitants as a raster or cells. Alone, its own sums are the result, rounded to the inhabitant.
    communes, contours
        Units and outlines: the census then rules, and the grid only divides the units that are cut.
    area_weighting, tolerance_m
        As for :func:`polygon_shares`.

    Returns
    -------
    GeoDataFrame
        ``layer`` with ``population`` (Int64) and ``population_method``: ``grid`` (the grid's own count),
        ``census`` (units divided by the grid) or ``census, area``.

    Raises
    ------
    UsageError
        When neither a grid nor communes with their outlines are given.
    """
    import numpy as np
    import pandas as pd

    if communes is None or contours is None:
        if grid is None:
            raise UsageError(
                _("nothing says where people live"),
                fix=_("give a population grid, or communes with their outlines"),
            )
        counts = np.floor(grid.sums(layer) + 0.5).astype("int64")
        return layer.assign(population=pd.array(counts, dtype="Int64"), population_method="grid")
    keyed = layer[[layer.geometry.name]].assign(territory_id=[f"{row:09d}" for row in range(len(layer))])
    shares = polygon_shares(
        keyed, communes, contours, grid=grid, area_weighting=area_weighting, tolerance_m=tolerance_m
    )
    members = shares.membership
    counted = inhabitants(members["insee_code"].map(communes.set_index("insee_code")["population"]), members["share"])
    sums = counted.groupby(members["territory_id"]).sum()
    by_area = set(shares.cuts.loc[shares.cuts["method"] == "area", "territory_id"])
    return layer.assign(
        population=keyed["territory_id"].map(sums).fillna(0).astype("Int64"),
        population_method=[("census, area" if key in by_area else "census") for key in keyed["territory_id"]],
    )
