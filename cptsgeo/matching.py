"""Names of communes to INSEE codes: exact after folding, homonyms settled by their neighbours, the rest proposed."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.codes import CITY_ARRONDISSEMENTS, departement_of
from cptsgeo.errors import Finding, raise_errors
from cptsgeo.i18n import _
from cptsgeo.names import ARTICLES, LOST_LETTER, arrondissement_of, commune_keys, fold, repair

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from cptsgeo.tabular import TextTable

PROPOSED = 3
PROPOSED_FROM = 70.0
CITY_NAMES = {"paris": "75056", "lyon": "69123", "marseille": "13055"}
OFFICIAL = frozenset({"unit", "city"})
NAMES_COLUMNS = ("name", "insee_code", "kind", "departement_code", "region_code", "epci_siren")
DEPARTEMENT_HINT = re.compile(r"\(\s*(\d{2}|2[AaBb]|97\d)\s*\)")


class Matches(NamedTuple):
    """Hold what names became.

    Attributes
    ----------
    matched
        One row per name found, index of the rows given: ``name`` (as written), ``insee_code``, ``commune`` (its
        official or old name), ``method`` (``exact``, ``arrondissement``, ``old_name``, ``lost_letter``,
        ``contiguity``, ``epci``) and ``alternatives``, the other communes that the name could mean.
    unmatched
        One row per other name, same index: ``name``, ``reason``, ``proposals`` (code, name, likeness and why, the
        best first). Both together have every row given.
    """

    matched: pd.DataFrame
    unmatched: pd.DataFrame


def gazetteer(communes: pd.DataFrame, old_names: pd.DataFrame | None = None) -> pd.DataFrame:
    """List every name that a unit of today is or was known by.

    Parameters
    ----------
    communes
        Units, as :func:`cptsgeo.communes.read_communes` returns them.
    old_names
        ``name``, ``insee_code`` (today's unit), ``kind`` (``deleguee``, ``associee`` or ``former``), as
        :func:`cptsgeo.cog.old_names` returns them.

    Returns
    -------
    DataFrame
        ``name``, ``insee_code``, ``kind`` (``unit``, ``city`` for Paris, Lyon and Marseille whole, else that of
        ``old_names``), ``departement_code``, ``region_code``, ``epci_siren``.
    """
    import pandas as pd

    units = communes[["name", "insee_code", "departement_code", "region_code", "epci_siren"]].assign(kind="unit")
    first = {arrondissements[0]: city for city, arrondissements in CITY_ARRONDISSEMENTS.items()}
    cities = units[units["insee_code"].isin(first.keys())]
    cities = cities.assign(
        insee_code=cities["insee_code"].map(first), name=cities["name"].str.split().str[0], kind="city"
    )
    parts = [units, cities]
    if old_names is not None:
        parts.append(
            old_names[["name", "insee_code", "kind"]].merge(
                units.drop(columns=["name", "kind"]), on="insee_code", how="inner", validate="many_to_one"
            )
        )
    return pd.concat(parts, ignore_index=True)[list(NAMES_COLUMNS)]


def neighbours(contours: gpd.GeoDataFrame) -> dict[str, frozenset[str]]:
    """Return the units that each unit touches; an arrondissement's city touches what its arrondissements touch.

    Parameters
    ----------
    contours
        ``insee_code`` and geometry, with a CRS.
    """
    import shapely

    from cptsgeo.crs import by_territory

    touching: dict[str, set[str]] = defaultdict(set)
    for part in by_territory(contours).values():
        codes = part["insee_code"].to_numpy()
        shapes = part.geometry.to_numpy()
        one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        for i, j in zip(one, other, strict=True):
            if i != j:
                touching[codes[i]].add(codes[j])
    for city, arrondissements in CITY_ARRONDISSEMENTS.items():
        touching[city] |= set().union(*(touching[code] for code in arrondissements))
    return {code: frozenset(codes) for code, codes in touching.items()}


def match(rows: pd.DataFrame, names: pd.DataFrame, *, touching: Mapping[str, frozenset[str]] | None = None) -> Matches:
    """Find the unit that each name means, without ever guessing.

    A name is matched when, case, accents, hyphens, leading article and usual abbreviations apart, one unit alone of
    its département (or région, or of France where neither is given) is or was called so. Of several units, the one
    that touches the rest of the same CPTS is taken; where no outlines are given, the one whose EPCI the rest of the
    CPTS has. Likeness of spelling only proposes.

    Parameters
    ----------
    rows
        ``name``, and if known ``departement_code``, ``region_code`` (empty where not known) and ``cpts_name``.
    names
        As :func:`gazetteer` returns them.
    touching
        As :func:`neighbours` returns it.

    References
    ----------
    Likeness: normalised Indel similarity of folded names (rapidfuzz ``fuzz.ratio``), in percent.

    Examples
    --------
    >>> import pandas as pd
    >>> from cptsgeo.communes import embedded_communes
    >>> found, left = match(
    ...     pd.DataFrame({"name": ["ST PIERRE", "Cayene"], "departement_code": ["974", "973"]}),
    ...     gazetteer(embedded_communes()),
    ... )
    >>> found[["insee_code", "method"]].to_numpy().tolist()
    [['97416', 'exact']]
    >>> left["proposals"].tolist()
    ['97302 Cayenne (92 %)']
    """
    import pandas as pd

    index = _Index(names)
    departements = _texts(rows, "departement_code")
    regions = _texts(rows, "region_code")
    groups = _texts(rows, "cpts_name")
    outcomes = [
        index.find(name, departement, region)
        for name, departement, region in zip(rows["name"], departements, regions, strict=True)
    ]
    _settle(outcomes, groups, index, touching)
    matched, unmatched = [], []
    for label, name, outcome, departement, region in zip(
        rows.index, rows["name"], outcomes, departements, regions, strict=True
    ):
        if outcome.chosen is not None:
            others = [
                index.shown(other) for other in outcome.candidates if index.code[other] != index.code[outcome.chosen]
            ]
            matched.append(
                (
                    label,
                    name,
                    index.code[outcome.chosen],
                    index.name[outcome.chosen],
                    outcome.method,
                    "; ".join(dict.fromkeys(others)),
                )
            )
        else:
            reason, proposals = index.explain(name, outcome, departement, region)
            unmatched.append((label, name, reason, proposals))
    found = pd.DataFrame(matched, columns=["row", "name", "insee_code", "commune", "method", "alternatives"])
    left = pd.DataFrame(unmatched, columns=["row", "name", "reason", "proposals"])
    return Matches(found.set_index("row").astype("str"), left.set_index("row").astype("str"))


def _texts(rows: pd.DataFrame, column: str) -> list[str]:
    return rows[column].fillna("").tolist() if column in rows else [""] * len(rows)


class _Outcome:
    """Hold what is known of one name: its candidates, and the one chosen."""

    __slots__ = ("candidates", "chosen", "method")

    def __init__(self, candidates: list[int], chosen: int | None = None, method: str = "") -> None:
        self.candidates = candidates
        self.chosen = chosen
        self.method = method


class _Index:
    """Find names by their keys."""

    def __init__(self, names: pd.DataFrame) -> None:
        self.name = names["name"].tolist()
        self.code = names["insee_code"].tolist()
        self.kind = names["kind"].tolist()
        self.departement = names["departement_code"].tolist()
        self.region = names["region_code"].tolist()
        self.epci = names["epci_siren"].tolist()
        self.by_key: dict[str, list[int]] = defaultdict(list)
        self.exact_key: list[str] = []
        self.by_code: dict[str, int] = {}
        for position, name in enumerate(self.name):
            keys = commune_keys(name)
            self.exact_key.append(keys[0] if keys else "")
            for key in keys:
                self.by_key[key].append(position)
            if self.kind[position] in OFFICIAL:
                self.by_code[self.code[position]] = position
        self._folded: dict[tuple[str, str], tuple[list[int], list[str]]] = {}

    def inside(self, position: int, departement: str, region: str) -> bool:
        if departement:
            return bool(self.departement[position] == departement)
        return not region or bool(self.region[position] == region)

    def find(self, name: str, departement: str, region: str) -> _Outcome:
        """Look a name up inside an area.

        Articles and accents are lost too often to tell two units apart: a name written without article that fits
        several (Vergné, La Vergne) is taken for one only when its accents are there and no other has the same.
        """
        hint = DEPARTEMENT_HINT.search(name)
        if hint:
            name = name.replace(hint[0], " ")
            departement = departement or hint[1].upper()
        arrondissement = arrondissement_of(name)
        if arrondissement is not None:
            city, number = arrondissement
            codes = CITY_ARRONDISSEMENTS[CITY_NAMES[city]]
            if number <= len(codes) and codes[number - 1] in self.by_code:
                position = self.by_code[codes[number - 1]]
                if self.inside(position, departement, region):
                    return _Outcome([position], position, "arrondissement")
            return _Outcome([])
        keys = commune_keys(name)
        if any(LOST_LETTER in key for key in keys):
            return self._with_lost_letters(keys, departement, region)
        loose: dict[int, None] = {}
        for key in keys:
            loose |= dict.fromkeys(p for p in self.by_key.get(key, ()) if self.inside(p, departement, region))
        candidates = list(loose)
        if not candidates:
            return _Outcome([])
        official = [p for p in candidates if self.kind[p] in OFFICIAL]
        exact = [p for p in official if self.exact_key[p] == keys[0]]
        if len(keys) == 1 and len({self.code[p] for p in official}) > 1:
            spelt = _spelling(name)
            alike = [p for p in official if _spelling(self.name[p]) == spelt]
            exact = [p for p in exact if alike == [p] and not spelt.isascii()]
        for preferred in (
            exact,
            official,
            [p for p in candidates if self.exact_key[p] == keys[0]],
            candidates,
        ):
            meant = {self.code[p] for p in preferred}
            if len(meant) == 1:
                return _Outcome(
                    candidates, preferred[0], "exact" if self.kind[preferred[0]] in OFFICIAL else "old_name"
                )
            if meant:
                return _Outcome(preferred)
        return _Outcome(candidates)

    def _with_lost_letters(self, keys: tuple[str, ...], departement: str, region: str) -> _Outcome:
        pattern = re.compile("|".join(re.sub(f"{LOST_LETTER}+", r"\\w{0,2}", key) for key in keys))
        candidates = [
            position
            for key, positions in self.by_key.items()
            if pattern.fullmatch(key)
            for position in positions
            if self.inside(position, departement, region)
        ]
        official = [position for position in candidates if self.kind[position] in OFFICIAL] or candidates
        if len({self.code[position] for position in official}) == 1:
            return _Outcome(candidates, official[0], "lost_letter")
        return _Outcome(list(dict.fromkeys(official)))

    def shown(self, position: int) -> str:
        return f"{self.code[position]} {self.name[position]}"

    def explain(self, name: str, outcome: _Outcome, departement: str, region: str) -> tuple[str, str]:
        """Say why a name is left, and what it may be, the likeliest first."""
        if not fold(name):
            return _("the name is empty"), ""
        if outcome.candidates:
            return (
                _("several units are called so, and the rest of the CPTS does not tell which"),
                "; ".join(dict.fromkeys(self.shown(position) for position in outcome.candidates)),
            )
        elsewhere = list(dict.fromkeys(p for key in commune_keys(name) for p in self.by_key.get(key, ())))[:PROPOSED]
        reason = (
            _("no unit of the area given is called so, but one elsewhere is")
            if elsewhere and (departement or region)
            else _("no unit is called so")
        )
        proposals = self._alike(name, departement, region)
        proposals += [
            _("{unit} (département {code})").format(unit=self.shown(p), code=departement_of(self.code[p]))
            for p in elsewhere
        ]
        return reason, "; ".join(dict.fromkeys(proposals))

    def _alike(self, name: str, departement: str, region: str) -> list[str]:
        from rapidfuzz import fuzz, process

        area = (departement, region)
        if area not in self._folded:
            positions = [p for p in range(len(self.name)) if self.inside(p, departement, region)]
            self._folded[area] = positions, [fold(self.name[p]) for p in positions]
        positions, folded = self._folded[area]
        found = process.extract(
            " ".join(fold(repair(name)).split()), folded, scorer=fuzz.ratio, limit=PROPOSED, score_cutoff=PROPOSED_FROM
        )
        return [f"{self.shown(positions[place])} ({int(score)} %)" for _text, score, place in found]


def _spelling(name: str) -> str:
    """Fold all but accents, and drop a leading article."""
    words = re.findall(r"\w+", unicodedata.normalize("NFC", repair(name)).casefold())
    while len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return "".join(words)


def _settle(
    outcomes: list[_Outcome], groups: list[str], index: _Index, touching: Mapping[str, frozenset[str]] | None
) -> None:
    """Choose among homonyms by the rest of their CPTS, until no more can be chosen."""
    anchors: dict[str, set[str]] = defaultdict(set)
    for outcome, group in zip(outcomes, groups, strict=True):
        if group and outcome.chosen is not None:
            anchors[group].add(index.code[outcome.chosen])
    epci_of = dict(zip(index.code, index.epci, strict=True))
    waiting = [(o, g) for o, g in zip(outcomes, groups, strict=True) if g and o.chosen is None and o.candidates]
    while waiting:
        chosen: list[tuple[_Outcome, str, int, str]] = []
        for outcome, group in waiting:
            rest = anchors[group]
            if touching is not None:
                near = [p for p in outcome.candidates if touching.get(index.code[p], frozenset()) & rest]
                method = "contiguity"
            else:
                known = {epci_of[code] for code in rest if isinstance(epci_of.get(code), str)}
                near = [p for p in outcome.candidates if index.epci[p] in known]
                method = "epci"
            if len({index.code[p] for p in near}) == 1:
                chosen.append((outcome, group, near[0], method))
        if not chosen:
            return
        for outcome, group, position, method in chosen:
            outcome.chosen, outcome.method = position, method
            anchors[group].add(index.code[position])
        waiting = [(outcome, group) for outcome, group in waiting if outcome.chosen is None]


def known_names(communes: pd.DataFrame) -> pd.DataFrame:
    """List the names of the units, and the old ones and those of their parts where the COG of INSEE is pulled."""
    from cptsgeo.cog import old_names
    from cptsgeo.sources.cog import read_movements, read_units
    from cptsgeo.sources.store import resolve

    units, movements = resolve("cog-communes"), resolve("cog-movements")
    if units is None or movements is None:
        return gazetteer(communes)
    return gazetteer(communes, old_names(read_units(units), read_movements(movements)))


def with_areas(table: TextTable, communes: pd.DataFrame, *, departement: str = "", region: str = "") -> pd.DataFrame:
    """Give every row of a list its département and région codes, from its own cells or from those of the whole list.

    Parameters
    ----------
    table
        ``name``, and if the list has them ``departement`` and ``region``: a code (``04``, ``2A``), a name, or both
        ("04 - Alpes-de-Haute-Provence").
    communes
        Units, whose départements and régions are the known ones.
    departement, region
        Codes for the rows whose own cell is empty.

    Returns
    -------
    DataFrame
        The rows, with ``departement_code`` and ``region_code``, empty where neither is known.

    Raises
    ------
    DataError
        With every cell that names no département or région.
    """
    rows = table.rows
    findings: list[Finding] = []
    for column, default in (("departement", departement), ("region", region)):
        pairs = communes[[f"{column}_code", f"{column}_name"]].drop_duplicates()
        known = {fold(name): code for code, name in pairs.itertuples(index=False, name=None)}
        known |= {code.lower(): code for code in pairs[f"{column}_code"]}
        known |= {f"{code.lower()} {name}": code for name, code in list(known.items())}
        texts = rows[column] if column in rows else rows["name"].str[:0]
        texts = texts.where(texts != "", default)
        codes = texts.map(lambda text, known=known: known.get(fold(text), ""))
        findings += [
            Finding(
                "area_unknown",
                "error",
                _("{value} is no département or région").format(value=texts[row]),
                _("write its code as text (04, 2A, 974; régions 93, 01) or its name"),
                table.file,
                int(str(row)),
                column,
                texts[row],
            )
            for row in texts.index[(texts != "") & (codes == "")]
        ]
        rows = rows.assign(**{f"{column}_code": codes})
    raise_errors(findings)
    return rows
