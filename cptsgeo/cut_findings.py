"""What placing polygons over units has to tell: snapped, cut, overlapping, shared by area, without a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.errors import Finding
from cptsgeo.i18n import _, ngettext, number, percent

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.perimeters import Perimeters
    from cptsgeo.placement import Placement

EXAMPLES = 5


def ungridded_findings(cuts: gpd.GeoDataFrame, file: str) -> list[Finding]:
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


def empty_grid_findings(cuts: gpd.GeoDataFrame, grid: str, file: str) -> list[Finding]:
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


def placement_findings(placed: Placement, tolerance_m: float, file: str) -> list[Finding]:
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
                    examples_whole=examples(filled["insee_code"].tolist()),
                    slivers=number(len(placed.slivers)),
                    examples_slivers=examples(placed.slivers["insee_code"].tolist()),
                ),
                "",
                file,
                column="geometry",
            )
        )
    return findings


def common_members(members: pd.DataFrame, whole: pd.DataFrame, fragments: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each unit that each pair of polygons has in common.

    Parameters
    ----------
    members, fragments
        As in :class:`cptsgeo.population.Shares`.
    whole
        ``territory_id`` and ``insee_code`` of the units that a polygon holds whole.

    Returns
    -------
    DataFrame
        ``one``, ``other``, ``insee_code``, ``share``: of the fragments that both hold, or all that the other holds
        of a unit that is whole in one.
    """
    import pandas as pd

    def pairs(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
        both = table.merge(table, on=keys, suffixes=("", "_other"))
        both = both[both["territory_id"] < both["territory_id_other"]]
        return both.assign(share=both[["share", "share_other"]].min(axis="columns"))

    held_whole = members.merge(whole[["territory_id", "insee_code"]], how="left", indicator="held", validate="1:1")
    rest = held_whole[~held_whole["insee_code"].isin(fragments["insee_code"])].assign(
        whole=held_whole["held"] == "both"
    )
    known = pairs(rest, ["insee_code"])
    table = pd.concat(
        [pairs(fragments, ["insee_code", "fragment"]), known[known["whole"] | known["whole_other"]]], ignore_index=True
    ).rename(columns={"territory_id": "one", "territory_id_other": "other"})
    return table.groupby(["one", "other", "insee_code"], as_index=False)["share"].sum()


def overlap_findings(common: pd.DataFrame, population: pd.Series, file: str) -> list[Finding]:
    """Report the pairs of polygons that share ground, with the inhabitants who are in both."""
    shared = common.assign(common=(common["insee_code"].map(population) * common["share"]).astype("float64"))
    return [
        Finding(
            "polygons_overlap",
            "warning",
            ngettext(
                "{one} and {other} overlap in {count} unit ({examples}): {population} inhabitants are in both",
                "{one} and {other} overlap in {count} units ({examples}): {population} inhabitants are in both",
                len(group),
            ).format(
                one=one,
                other=other,
                count=number(len(group)),
                examples=examples(group["insee_code"].tolist()),
                population=number(float(group["common"].sum())),
            ),
            _("allowed; see the ledger of double counts, and correct the outlines if it is not meant"),
            file,
            column="geometry",
            value=f"{one} {other}",
        )
        for (one, other), group in shared.groupby(["one", "other"])
    ]


def cut_findings(cuts: gpd.GeoDataFrame, file: str) -> list[Finding]:
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
                    examples=examples(codes),
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
                    examples=examples(sorted(by_area["insee_code"].unique())),
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


def shared_by_area(communes: pd.DataFrame, perimeters: Perimeters) -> list[str]:
    """Say on every page which communes are shared by area; nothing where none is.

    Parameters
    ----------
    communes
        ``insee_code``, ``population``.
    perimeters
        Their ``method`` is ``area`` where a commune that they cut was shared so.
    """
    members = perimeters.membership
    codes = members.loc[members["method"] == "area", "insee_code"].unique()
    if not len(codes):
        return []
    population = communes.loc[communes["insee_code"].isin(codes), "population"].sum()
    return [
        ngettext(
            "Method “area”: {count} commune cut by the drawn perimeters is shared by area, as if people lived evenly in it ({population} inhabitants: {examples}).",
            "Method “area”: {count} communes cut by the drawn perimeters are shared by area, as if people lived evenly in them ({population} inhabitants: {examples}).",
            len(codes),
        ).format(count=number(len(codes)), population=number(population), examples=examples(codes.tolist()))
    ]


def examples(codes: list[str]) -> str:
    shown = sorted(set(codes))
    return (", ".join(shown[:EXAMPLES]) + (", …" if len(shown) > EXAMPLES else "")) or "–"
