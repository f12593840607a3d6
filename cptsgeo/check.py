"""What a careful reader would ask about a list of CPTS before counting: every finding at once, nothing corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cptsgeo.adjacency import connected
from cptsgeo.codes import among
from cptsgeo.crs import by_territory
from cptsgeo.errors import Finding
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.names import spellings
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import double_counts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import geopandas as gpd
    import pandas as pd

FAR_KM = 20.0
"""Distance between two parts of a CPTS from which a homonym is suspected."""

EXAMPLES = 5


def check(
    communes: pd.DataFrame,
    perimeters: Perimeters,
    *,
    in_scope: pd.Series,
    contours: gpd.GeoDataFrame | None = None,
    far_km: float = FAR_KM,
) -> list[Finding]:
    """Look for what is probably wrong in perimeters that can be read.

    Malformed, unknown and recoded codes are found at reading (:func:`cptsgeo.perimeters.parse_perimeters`); this
    adds what needs the whole: CPTS outside the scope, units in several CPTS, one CPTS in two spellings, parts of a
    CPTS far from the rest of it, missing stages, units without outline or without density.

    Parameters
    ----------
    communes
        All units.
    perimeters
        CPTS and membership.
    in_scope
        Booleans on the index of ``communes``.
    contours
        Outlines; without them distances and missing outlines are not looked at.
    far_km
        Distance in kilometres from which a part of a CPTS is reported.
    """
    scope_codes = set(communes.loc[in_scope, "insee_code"])
    findings = [*_outside(perimeters, scope_codes), *_stages(perimeters), *_spellings(perimeters)]
    findings += _several(communes, perimeters, scope_codes)
    findings += _density(communes[in_scope])
    if contours is None:
        return findings
    return findings + _undrawn(communes[in_scope], contours) + far_parts(communes, perimeters, contours, far_km=far_km)


def wholly_outside(perimeters: Perimeters, scope_codes: set[str]) -> list[Finding]:
    """Find a list of CPTS that has no unit in the scope, whatever the stages that count: one of the two is wrong."""
    if among(perimeters.membership["insee_code"], scope_codes).any():
        return []
    return [
        Finding(
            "perimeters_outside_scope",
            "error",
            _("no unit of the list of CPTS lies in the scope"),
            _("check --scope, or the codes of the list"),
        )
    ]


def _outside(perimeters: Perimeters, scope_codes: set[str]) -> list[Finding]:
    inside = among(perimeters.membership["insee_code"], scope_codes)
    units = inside.groupby(perimeters.membership["cpts_id"]).agg(["sum", "size"])
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    out = units[units["sum"] == 0]
    findings = []
    if len(out):
        findings.append(
            Finding(
                "cpts_left_out",
                "warning",
                ngettext(
                    "{count} CPTS has no unit in the scope: it is left out ({examples})",
                    "{count} CPTS have no unit in the scope: they are left out ({examples})",
                    len(out),
                ).format(count=number(len(out)), examples=_examples(names[out.index])),
                _("widen --scope to count them"),
                column="cpts_id",
            )
        )
    return findings + [
        Finding(
            "cpts_outside_scope",
            "warning",
            ngettext(
                "{name}: {count} of its {total} units lies outside the scope: counted in its size, not in the rates",
                "{name}: {count} of its {total} units lie outside the scope: counted in its size, not in the rates",
                int(row["size"] - row["sum"]),
            ).format(name=names[cpts_id], count=int(row["size"] - row["sum"]), total=int(row["size"])),
            column="cpts_id",
            value=str(cpts_id),
        )
        for cpts_id, row in units[units["sum"].between(1, units["size"] - 1)].iterrows()
    ]


def _stages(perimeters: Perimeters) -> list[Finding]:
    missing = perimeters.cpts[perimeters.cpts["stage"].isna()]
    if missing.empty:
        return []
    return [
        Finding(
            "stage_missing",
            "warning",
            ngettext(
                "{count} CPTS of {total} has no stage: it counts as covered, at no known stage ({examples})",
                "{count} CPTS of {total} have no stage: they count as covered, at no known stage ({examples})",
                len(missing),
            ).format(
                count=number(len(missing)), total=number(len(perimeters.cpts)), examples=_examples(missing["cpts_name"])
            ),
            _("add a column stage to compute rates by stage"),
            column="stage",
        )
    ]


def _spellings(perimeters: Perimeters) -> list[Finding]:
    sizes = perimeters.membership["cpts_id"].value_counts()
    by_name = perimeters.cpts.groupby("cpts_name")["cpts_id"].agg(list)
    return [
        Finding(
            "cpts_spelling",
            "warning",
            _(
                "“{one}” ({one_units} units) and “{other}” ({other_units} units) may be one CPTS in two spellings"
            ).format(
                one=one,
                other=other,
                one_units=sum(int(sizes.get(cpts_id, 0)) for cpts_id in by_name[one]),
                other_units=sum(int(sizes.get(cpts_id, 0)) for cpts_id in by_name[other]),
            ),
            _("if they are one, write the same name on all rows; they are counted as two"),
            column="cpts_name",
            value=one,
        )
        for one, other in spellings(perimeters.cpts["cpts_name"])
    ]


def _several(communes: pd.DataFrame, perimeters: Perimeters, scope_codes: set[str]) -> list[Finding]:
    ledger = double_counts(communes, perimeters)
    return [
        Finding(
            "unit_in_several_cpts",
            "warning",
            _sharing(row.cpts_count, row.population, row.double_count).format(
                code=row.insee_code,
                name=row.name,
                population=number(row.population),
                count=row.cpts_count,
                cpts=row.cpts,
                excess=row.cpts_count - 1,
                double=number(row.double_count),
            ),
            _("allowed; see the ledger of double counts"),
            column="insee_code",
            value=row.insee_code,
        )
        for row in ledger.itertuples(index=False)
        if row.insee_code in scope_codes
    ]


def _sharing(cpts: int, population: int, double: int) -> str:
    """Say how several CPTS share a unit: side by side, each the whole of it, or in part over each other."""
    if not double:
        return _("{code} ({name}, {population} inhabitants) is shared by {count} CPTS ({cpts})")
    if double == (cpts - 1) * population:
        return _(
            "{code} ({name}, {population} inhabitants) is in {count} CPTS ({cpts}): covered once, counted"
            " {excess} times too many in the CPTS populations"
        )
    return _(
        "{code} ({name}, {population} inhabitants) is shared by {count} CPTS ({cpts}) that overlap in it: covered"
        " once, {double} inhabitants too many in the CPTS populations"
    )


def _density(units: pd.DataFrame) -> list[Finding]:
    missing = units[units["density_level"].isna()]
    if missing.empty:
        return []
    return [
        Finding(
            "density_missing",
            "warning",
            ngettext(
                "{count} unit of the scope has no density level: it is in the row “unknown density” ({examples})",
                "{count} units of the scope have no density level: they are in the row “unknown density” ({examples})",
                len(missing),
            ).format(count=number(len(missing)), examples=_examples(missing["name"])),
            _("give the INSEE grid with --density"),
            column="density_level",
        )
    ]


def _undrawn(units: pd.DataFrame, contours: gpd.GeoDataFrame) -> list[Finding]:
    from cptsgeo.contours import undrawn

    missing = undrawn(units, contours)
    if missing.empty:
        return []
    return [
        Finding(
            "units_undrawn",
            "warning",
            ngettext(
                "{count} unit of the scope has no outline: counted, and not drawn ({examples})",
                "{count} units of the scope have no outline: counted, and not drawn ({examples})",
                len(missing),
            ).format(count=number(len(missing)), examples=_examples(missing["name"])),
            _("give their outlines with --contours"),
            column="insee_code",
        )
    ]


def far_parts(
    communes: pd.DataFrame, perimeters: Perimeters, contours: gpd.GeoDataFrame, *, far_km: float = FAR_KM
) -> list[Finding]:
    """Find the parts of a CPTS that lie far from its most populous part: often a homonymous commune.

    The units of each CPTS are gathered into connected parts (two units that touch are in one), because two wrong
    communes can be next to each other; then the distance of each part to the most populous one is measured.

    Parameters
    ----------
    communes, perimeters
        Units and CPTS.
    contours
        ``insee_code`` and outlines with a CRS; distances are measured in the metric CRS of each territory.
    far_km
        Distance, edge to edge, from which a part is reported.

    Returns
    -------
    list of Finding
        One per part, with its communes and the distance in kilometres.
    """
    import pandas as pd

    population = communes.set_index("insee_code")["population"].to_dict()
    unit_names = communes.set_index("insee_code")["name"]
    names = perimeters.cpts.set_index("cpts_id")["cpts_name"]
    findings = []
    members = perimeters.membership[["cpts_id", "insee_code"]]
    for part in by_territory(contours[among(contours["insee_code"], members["insee_code"])]).values():
        shapes = pd.Series(part.geometry.to_numpy(), index=part["insee_code"].astype("object"))
        joined = _joined_by_vertex(shapes)
        places = pd.Series(shapes.index.get_indexer(members["insee_code"]), members.index)
        for cpts_id, rows in places[places >= 0].groupby(members["cpts_id"]):
            pieces = connected_parts(shapes.iloc[rows], joined)
            pieces.sort(key=lambda codes: (-sum(int(population[code]) for code in codes), codes))
            for codes in pieces[1:]:
                distance = _distance(shapes[codes], shapes[pieces[0]]) / 1000
                if distance < far_km:
                    continue
                findings.append(
                    Finding(
                        "cpts_far_part",
                        "warning",
                        ngettext(
                            "{name}: {units} lies {distance} km from the rest of the CPTS",
                            "{name}: {units} lie {distance} km from the rest of the CPTS",
                            len(codes),
                        ).format(
                            name=names[cpts_id],
                            units=", ".join(f"{code} ({unit_names[code]})" for code in codes),
                            distance=number(distance),
                        ),
                        _("check whether another commune of the same name was meant"),
                        column="insee_code",
                        value=" ".join(codes),
                    )
                )
    return findings


def _joined_by_vertex(shapes: pd.Series) -> dict[str, set[str]]:
    """Return the shapes that have a vertex in common with each: they touch, though others may touch too."""
    import pandas as pd
    import shapely

    xy, shape = shapely.get_coordinates(shapes.to_numpy(), return_index=True)
    vertex, _points = pd.factorize(xy.view("complex128")[:, 0])
    corners = pd.DataFrame({"vertex": vertex, "shape": shape}).drop_duplicates()
    corners = corners[corners.duplicated("vertex", keep=False)]
    pairs = corners.merge(corners, on="vertex")[["shape_x", "shape_y"]].drop_duplicates().to_numpy()
    joined: dict[str, set[str]] = {}
    for one, other in shapes.index.to_numpy()[pairs].tolist():
        joined.setdefault(one, set()).add(other)
    return joined


def _distance(ones: pd.Series, others: pd.Series) -> float:
    """Return the least distance between two groups of shapes in one CRS, in its units."""
    import shapely

    _pairs, distances = shapely.STRtree(others.to_numpy()).query_nearest(
        ones.to_numpy(), all_matches=False, return_distance=True
    )
    return float(distances.min())


def connected_parts(shapes: pd.Series, joined: Mapping[str, Collection[str]] | None = None) -> list[list[str]]:
    """Gather shapes that touch into connected parts.

    Parameters
    ----------
    shapes
        Shapely polygons in one CRS, indexed by code.
    joined
        What is known to touch each of them, if anything; the rest is found out.

    Returns
    -------
    list of list of str
        Codes of each part, sorted.
    """
    import pandas as pd
    import shapely

    codes, outlines = shapes.index.tolist(), shapes.to_numpy()
    links = {code: set((joined or {}).get(code, ())) for code in codes}
    parts = connected(codes, links)
    if len(parts) > 1:
        part = pd.Series({code: number for number, part in enumerate(parts) for code in part})[codes].to_numpy()
        one, other = shapely.STRtree(outlines).query(outlines)
        one, other = one[part[one] < part[other]], other[part[one] < part[other]]
        touching = shapely.intersects(outlines[one], outlines[other])
        for code, neighbour in zip(shapes.index[one[touching]], shapes.index[other[touching]], strict=True):
            links[code].add(neighbour)
            links[neighbour].add(code)
        parts = connected(codes, links)
    return parts


def _examples(names: pd.Series) -> str:
    shown = [str(name) for name in names[:EXAMPLES]]
    return ", ".join(shown) + (", …" if len(names) > EXAMPLES else "")
