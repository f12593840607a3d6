"""The places of an atlas: the whole scope, régions, départements, CPTS and white zones, each with its page."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cptsgeo.maps.sheet import Sheet
from cptsgeo.maps.topology import Ints, build_topology, detail
from cptsgeo.names import fold
from cptsgeo.sizes import member_populations

if TYPE_CHECKING:
    import pandas as pd

    from cptsgeo.results import Results

FOLDERS = {"region": "regions", "departement": "departements", "cpts": "cpts", "cluster": "zones"}
LONGEST_NAME = 60


@dataclass(frozen=True)
class Place:
    """One place.

    Attributes
    ----------
    kind
        ``scope``, ``region``, ``departement``, ``cpts`` or ``cluster``.
    code, name
        Code and name in the tables.
    path
        Its page, from the root of the site.
    rows
        Its rows in :attr:`Atlas.units`.
    """

    kind: str
    code: str
    name: str
    path: str
    rows: Ints

    @property
    def up(self) -> str:
        """Return the way from its page to the root of the site."""
        return "../" * self.path.count("/")


@dataclass(frozen=True)
class Atlas:
    """What all pages draw from, computed once.

    Attributes
    ----------
    results
        Tables and outlines.
    units
        Units to draw, by code: one dictionary a row.
    sheet
        Their outlines, simplified together.
    places
        Every place, by kind then code.
    members
        Rows and inhabitants of each CPTS: list of (row or -1, record of the membership).
    """

    results: Results
    units: list[dict[str, Any]]
    columns: Mapping[str, np.ndarray]
    sheet: Sheet
    places: dict[str, dict[str, Place]]
    members: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def home(self) -> Place:
        """Return the whole scope."""
        return self.places["scope"]["scope"]

    def all_places(self) -> list[Place]:
        """Return the places in the order of their pages."""
        return [place for kind in self.places.values() for place in kind.values()]


def read_atlas(results: Results) -> Atlas:
    """Gather places, units and outlines from results."""
    units = results.units.sort_values("insee_code", ignore_index=True)
    extra = results.study.communes.set_index("insee_code")[["region_code", "region_name"]]
    for column in ("region_code", "region_name"):
        units[column] = units["insee_code"].map(extra[column])
    tolerances, bits = detail(int(units.geometry.notna().sum()))
    sheet = Sheet(build_topology(units.geometry, tolerances, bits), tolerances)
    plain = units.drop(columns="geometry").astype("object")
    plain = plain.where(plain.notna(), None)
    columns = {name: plain[name].to_numpy() for name in plain.columns}
    inside = columns["stage"] != "out_of_scope"
    members = _members(results)
    row_of = {code: row for row, code in enumerate(columns["insee_code"])}
    places = {"scope": {"scope": Place("scope", "scope", "", "index.html", np.flatnonzero(inside))}}
    for kind in ("region", "departement"):
        places[kind] = _areas(kind, columns, inside)
    cpts = results.tables["sizes"][["cpts_id", "cpts_name"]].sort_values("cpts_id")
    names = dict(zip(cpts["cpts_id"].astype(str), cpts["cpts_name"].astype(str), strict=True))
    slugs = file_names(names)
    places["cpts"] = {
        code: Place(
            "cpts",
            code,
            name,
            f"{FOLDERS['cpts']}/{slugs[code]}.html",
            np.array(sorted(row_of[one["insee_code"]] for one in members.get(code, ())), dtype=np.int64),
        )
        for code, name in names.items()
    }
    places["cluster"] = _clusters(results, row_of)
    return Atlas(results, plain.to_dict("records"), columns, sheet, places, members)


def _areas(kind: str, columns: Mapping[str, np.ndarray], inside: np.ndarray) -> dict[str, Place]:
    """Return the régions or départements that have units in the scope, by code."""
    codes = np.array(["none" if code is None else code for code in columns[f"{kind}_code"]], dtype=object)
    result = {}
    for code in sorted(set(codes[inside])):
        rows = np.flatnonzero((codes == code) & inside)
        name = columns[f"{kind}_name"][rows[0]]
        path = f"{FOLDERS[kind]}/{re.sub(r'[^0-9A-Za-z]', '', code) or 'none'}.html"
        result[code] = Place(kind, code, code if name is None else name, path, rows)
    return result


def _clusters(results: Results, row_of: Mapping[str, int]) -> dict[str, Place]:
    """Return the clusters of white units, by identifier; none where the planning engine found none or did not run."""
    if "clusters" not in results.tables:
        return {}
    table = results.tables["clusters"].sort_values("cluster_id")
    names = dict(zip(table["cluster_id"].astype(str), table["cluster_name"].astype(str), strict=True))
    slugs = file_names(names, head="zone")
    units = results.tables["cluster_units"]
    rows = units["insee_code"].map(row_of).groupby(units["cluster_id"].astype(str)).agg(list)
    return {
        code: Place(
            "cluster",
            code,
            name,
            f"{FOLDERS['cluster']}/{slugs[code]}.html",
            np.array(sorted(rows[code]), dtype=np.int64),
        )
        for code, name in names.items()
    }


def _members(results: Results) -> dict[str, list[dict[str, Any]]]:
    """Return the units of each CPTS with the inhabitants that it counts there, the most populous first."""
    table = member_populations(results.study.communes, results.study.perimeters)
    table = table.sort_values(["population_in_cpts", "insee_code"], ascending=[False, True])
    found: dict[str, list[dict[str, Any]]] = {}
    for record in table.astype("object").to_dict("records"):
        found.setdefault(str(record["cpts_id"]), []).append(record)
    return found


def file_names(names: Mapping[str, str], *, head: str = "cpts") -> dict[str, str]:
    """Give each CPTS, or each cluster, a file name that any system takes, made of its name; the same one whatever the order of the list.

    Parameters
    ----------
    names
        Names by identifier.
    head
        First word of every file name.

    Examples
    --------
    >>> file_names({"1": "CPTS de l’Étang", "2": "../../etc", "3": "<svg>"})
    {'1': 'cpts-de-l-etang', '2': 'cpts-etc', '3': 'cpts-svg'}
    """
    slugs = {}
    for code, name in names.items():
        words = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")
        slug = words if words == head or words.startswith(f"{head}-") else f"{head}-{words}".rstrip("-")
        slugs[code] = slug[:LONGEST_NAME].rstrip("-")
    shared = {slug for slug, times in Counter(slugs.values()).items() if times > 1}
    return {
        code: f"{slug}-{hashlib.sha256(code.encode()).hexdigest()[:6]}" if slug in shared else slug
        for code, slug in slugs.items()
    }


def cumulative_rows(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the cumulative rows of a coverage table: by code, then by stage."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    shown = table[table["counting"] == "cumulative"].astype("object")
    for record in shown.to_dict("records"):
        found.setdefault(str(record["code"]), {})[str(record["stage"])] = record
    return found
