"""What follows when a CPTS takes in units, or a new one is made of them: size, class, money, EPCI, shape, distance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

from cptsgeo.adjacency import Adjacency, connected, extents, neighbours
from cptsgeo.funding import LEVELS, annual_levels
from cptsgeo.perimeters import Perimeters
from cptsgeo.sizes import CLASSES, first_above_bounds, member_populations, sizes

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "units",
    "population_added",
    "population_before",
    "population_after",
    "size_class_before",
    "size_class_after",
    "bound_crossed",
    "to_upper_bound",
    *(f"{level}_change" for level in LEVELS),
    *(f"{level}_per_covered" for level in LEVELS),
    "epci_whole",
    "epci_cut",
    "compactness",
    "farthest_km",
)
Ground: TypeAlias = tuple[float, float, float, float, int, float]
"""Area in km², outline in km, x, y, EPSG code and reach of a unit."""

Centre: TypeAlias = tuple[int, float, float]
"""EPSG code, x and y."""

WHOLE = ("units", "population_added", "population_before", "population_after", "epci_whole", "epci_cut")
WHOLE_OR_MISSING = ("size_class_before", "size_class_after", "bound_crossed", "to_upper_bound")


@dataclass(frozen=True)
class Consequences:
    """Hold what is needed to tell the consequences of any change, looked up once; see :meth:`of`.

    Attributes
    ----------
    links
        Unit to its neighbours and the shared border in km.
    cpts_of
        Unit to the CPTS that it is in.
    members
        CPTS to its units.
    white
        White unit to its inhabitants outside any CPTS.
    population
        CPTS to its population.
    ground, area, outline
        Outlines of units; CPTS to its area in km² and outline in km, missing where a unit has no outline.
    centre
        CPTS to the EPSG code, x and y of its centre, where it lies in one territory.
    epci, epci_units, holders
        Unit to EPCI; EPCI to all its units, and to the CPTS that hold a part of it.
    bounds
        Bounds between size classes, each with the first population of the upper class.
    euros
        Size class (0: none) to its amount at each level.
    """

    links: Mapping[str, Mapping[str, float]]
    cpts_of: Mapping[str, frozenset[str]]
    members: Mapping[str, frozenset[str]]
    white: Mapping[str, int]
    population: Mapping[str, int]
    ground: Mapping[str, Ground]
    area: Mapping[str, float]
    outline: Mapping[str, float]
    centre: Mapping[str, Centre]
    epci: Mapping[str, str]
    epci_units: Mapping[str, frozenset[str]]
    holders: Mapping[str, frozenset[str]]
    bounds: Sequence[tuple[int, int]]
    euros: Mapping[int, Mapping[str, float]]

    @classmethod
    def of(
        cls,
        communes: pd.DataFrame,
        perimeters: Perimeters,
        white: pd.DataFrame,
        ground: Adjacency,
        *,
        on: date | None = None,
    ) -> Consequences:
        """Look up everything for CPTS and white units.

        Parameters
        ----------
        communes
            All units.
        perimeters
            CPTS and membership.
        white
            White units, with ``insee_code`` and ``population_white``.
        ground
            Borders and outlines.
        on
            Day of the law to apply.
        """
        membership = perimeters.membership
        ids, codes = membership["cpts_id"].tolist(), membership["insee_code"].tolist()
        known = communes.dropna(subset="epci_siren")
        units, sirens = known["insee_code"].tolist(), known["epci_siren"].tolist()
        epci = dict(zip(units, sirens, strict=True))
        measured = extents(membership[["cpts_id", "insee_code"]].rename(columns={"cpts_id": "group"}), ground)
        levels = annual_levels(CLASSES, on=on)
        size = sizes(communes, perimeters, on=on)
        return cls(
            links=neighbours(ground.borders, white["insee_code"]),
            cpts_of=_gathered(codes, ids),
            members=_gathered(ids, codes),
            white=dict(zip(white["insee_code"], white["population_white"].astype("int64"), strict=True)),
            population=dict(zip(size["cpts_id"], size["population"], strict=True)),
            ground=dict(zip(ground.units.index, ground.units.itertuples(index=False, name=None), strict=True)),
            area=dict(zip(measured.index, measured["area_km2"], strict=True)),
            outline=dict(zip(measured.index, measured["outline_km"], strict=True)),
            centre=_centres(communes, perimeters, ground),
            epci=epci,
            epci_units=_gathered(sirens, units),
            holders=_gathered([epci.get(code, "") for code in codes], ids),
            bounds=first_above_bounds(on),
            euros={0: dict.fromkeys(LEVELS, 0.0), **{c: dict(levels.loc[c]) for c in CLASSES}},
        )

    def beside(self, codes: Sequence[str]) -> list[str]:
        """List the CPTS that every connected part of some units touches, sorted."""
        touching = [self._touching(part) for part in connected(list(codes), self.links)]
        return sorted(frozenset.intersection(*touching))

    def _touching(self, codes: Sequence[str]) -> frozenset[str]:
        around = {other for code in codes for other in self.links.get(code, ())} | set(codes)
        return frozenset(cpts_id for code in around for cpts_id in self.cpts_of.get(code, ()))

    def extension(self, cpts_id: str, codes: Sequence[str]) -> dict[str, Any]:
        """Tell what follows when a CPTS takes in what is white of some units."""
        before = self.population[cpts_id]
        inside = self.members[cpts_id]
        gained = [code for code in codes if code not in inside]
        border = sum(length for code in gained for other, length in self.links.get(code, {}).items() if other in inside)
        area, outline = self._extent(gained)
        return {
            "cpts_id": cpts_id,
            "border_km": border,
            **self._common(codes, before, self._class(before)),
            **self._epci(codes, inside | set(codes)),
            "compactness": _compactness(self.area[cpts_id] + area, self.outline[cpts_id] + outline - 2 * border),
            "farthest_km": self._farthest(codes, self.centre.get(cpts_id)),
        }

    def creation(self, codes: Sequence[str]) -> dict[str, Any]:
        """Tell what follows when a new CPTS is made of what is white of some units."""
        return {
            **self._common(codes, 0, 0),
            **self._epci(codes, set(codes)),
            "compactness": _compactness(*self._extent(codes)),
            "farthest_km": self._farthest(
                codes, _centre([(self.ground.get(code), self.white[code]) for code in codes])
            ),
        }

    def _class(self, population: int) -> int:
        return 1 + sum(population >= first for _bound, first in self.bounds)

    def _common(self, codes: Sequence[str], before: int, class_before: int) -> dict[str, Any]:
        added = sum(self.white[code] for code in codes)
        after = before + added
        class_after = self._class(after)
        change = {level: self.euros[class_after][level] - self.euros[class_before][level] for level in LEVELS}
        crossed = class_after > max(class_before, 1)
        return {
            "units": len(codes),
            "population_added": added,
            "population_before": before,
            "population_after": after,
            "size_class_before": class_before or None,
            "size_class_after": class_after,
            "bound_crossed": self.bounds[class_after - 2][0] if crossed else None,
            "to_upper_bound": self.bounds[class_after - 1][1] - 1 - after if class_after < len(CLASSES) else None,
            **{f"{level}_change": euros for level, euros in change.items()},
            **{f"{level}_per_covered": euros / added if added else float("nan") for level, euros in change.items()},
        }

    def _epci(self, codes: Sequence[str], held: set[str] | frozenset[str]) -> dict[str, int]:
        touched = {self.epci[code] for code in codes if code in self.epci}
        whole = sum(self.epci_units[code] <= held for code in touched)
        return {"epci_whole": whole, "epci_cut": len(touched) - whole}

    def _extent(self, codes: Sequence[str]) -> tuple[float, float]:
        """Return the area in km² and the outline in km of units together; missing where one has no outline."""
        if any(code not in self.ground for code in codes):
            return float("nan"), float("nan")
        inside = set(codes)
        shared = sum(border for code in codes for other, border in self.links.get(code, {}).items() if other in inside)
        return sum(self.ground[code][0] for code in codes), sum(self.ground[code][1] for code in codes) - shared

    def _farthest(self, codes: Sequence[str], centre: Centre | None) -> float:
        points = [self.ground.get(code) for code in codes]
        if centre is None or any(point is None or point[4] != centre[0] for point in points):
            return float("nan")
        return max(math.hypot(p[2] - centre[1], p[3] - centre[2]) for p in points if p is not None) / 1e3

    def typed(self, table: pd.DataFrame) -> pd.DataFrame:
        """Give a table of consequences its types."""
        kinds: dict[str, str] = {**dict.fromkeys(WHOLE, "int64"), **dict.fromkeys(WHOLE_OR_MISSING, "Int64")}
        texts = ("cluster_id", "split", "key", "label", "cpts_id", "action", "cpts_name", "clusters")
        kinds |= {column: "str" for column in table.columns if column in texts}
        kinds |= {column: "float64" for column in table.columns if column not in kinds and column != "stage"}
        return table.astype(kinds)


def _compactness(area: float, outline: float) -> float:
    return float(4 * math.pi * area / outline**2)


def _centre(weighted: Sequence[tuple[Ground | None, int]]) -> Centre | None:
    """Return EPSG, x and y of the weighted mean of points; nothing where one is unknown or in another territory."""
    points = [(point, weight) for point, weight in weighted if point is not None]
    if len(points) < len(weighted) or len({point[4] for point, _weight in points}) != 1:
        return None
    total = sum(weight for _point, weight in points)
    parts = [(point, weight / total if total else 1 / len(points)) for point, weight in points]
    return points[0][0][4], sum(p[2] * w for p, w in parts), sum(p[3] * w for p, w in parts)


def _centres(communes: pd.DataFrame, perimeters: Perimeters, ground: Adjacency) -> dict[str, Centre]:
    """Return the centre of each CPTS."""
    points = dict(zip(ground.units.index, ground.units.itertuples(index=False, name=None), strict=True))
    members = member_populations(communes, perimeters)
    weighted: dict[str, list[tuple[Ground | None, int]]] = {}
    columns = (members[name].tolist() for name in ("cpts_id", "insee_code", "population_in_cpts"))
    for cpts_id, code, people in zip(*columns, strict=True):
        weighted.setdefault(cpts_id, []).append((points.get(code), people))
    centres = {cpts_id: _centre(parts) for cpts_id, parts in weighted.items()}
    return {cpts_id: centre for cpts_id, centre in centres.items() if centre is not None}


def _gathered(keys: Sequence[str], values: Sequence[str]) -> dict[str, frozenset[str]]:
    """Gather values by key."""
    sets: dict[str, set[str]] = {}
    for key, value in zip(keys, values, strict=True):
        sets.setdefault(key, set()).add(value)
    return {key: frozenset(held) for key, held in sets.items()}
