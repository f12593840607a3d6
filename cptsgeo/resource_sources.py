"""Official files as tables of resources: FINESS, FINESS+, Annuaire Santé and SAE, known by their content.

Each becomes the text table that a user could have typed, so that objections, checks and places apply to it as to any other.
What is no resource (another category, a closed place, another territory, a private home) is left out and counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.errors import DataError, Finding
from cptsgeo.i18n import _, ngettext, number
from cptsgeo.parameters import parameters
from cptsgeo.phones import is_mobile, restored
from cptsgeo.resource_kinds import kind_of_equipment, kind_of_finess, kind_of_profession
from cptsgeo.sources.annuaire_sante import read_activities, read_addresses
from cptsgeo.sources.finess import OVERSEAS, read_finess
from cptsgeo.sources.finess_plus import published as finess_plus_day
from cptsgeo.sources.finess_plus import read_establishments
from cptsgeo.tabular import TextTable, read_table

if TYPE_CHECKING:
    import pandas as pd

HEAD = 4096
STARTS: Mapping[str, re.Pattern[str]] = {
    "finess": re.compile(r"finess;etalab;"),
    "finess_plus": re.compile(r'\{\s*"schemaVersion"'),
    "annuaire_sante": re.compile(r"Type d'identifiant PP\|"),
    "sae": re.compile(r"BOR;AN;FI;", re.IGNORECASE),
}
SITES = "ID"
BORDEREAUX = {
    SITES: ("COMINSEE", "ARMT"),
    "URGENCES": ("RS", "AUTSU"),
    "IMAGES": ("RS", "EQUIPIMA", "NB"),
}
"""Columns that are read of each bordereau of the SAE, beside ``BOR``, ``AN`` and ``FI``."""
ADELI = r"0[0-9AB]{9}"
"""A person without an RPPS number: the 0 of the type, and a number of the former register, which nobody objects with."""
EXTRACTED = re.compile(r"_(20\d\d)(\d\d)(\d\d)\d{4}\.")


class Official(NamedTuple):
    """Hold an official file as a table of resources, and what was left out of it."""

    table: TextTable
    findings: list[Finding]


def recognised(path: Path) -> str | None:
    """Name the official file that a file is by its first line: a key of :data:`STARTS`; None for any other, and for what cannot be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    except OSError:
        return None
    return next((name for name, start in STARTS.items() if start.match(head)), None)


def read_official(path: Path, kind: str, *, beside: Collection[Path], within: Collection[str] | None) -> Official:
    """Read an official file as a table of resources.

    Parameters
    ----------
    path, kind
        The file, and what :func:`recognised` says of it.
    beside
        The other files given: a bordereau of the SAE has its communes in the bordereau ID.
    within
        Units whose resources are kept; all when None.

    Returns
    -------
    Official
        Columns of :func:`cptsgeo.resources.read_resources`, ``rpps``, ``finess_category`` and ``finess_et`` beside them. A
        bordereau ID of the SAE is a table without rows.
    """
    if kind == "finess":
        return _finess(path, within)
    if kind == "finess_plus":
        return _finess_plus(path, within)
    if kind == "annuaire_sante":
        return _annuaire_sante(path, within)
    return _sae(path, beside, within)


def _finess(path: Path, within: Collection[str] | None) -> Official:
    """Read the establishments of the legacy FINESS."""
    read = read_finess(path)
    table, findings = _establishments(read.establishments, path.name, within)
    return _official(
        path,
        table.assign(source=_("FINESS, {day}").format(day=read.published), updated_at=read.published.isoformat()),
        [*read.findings, *findings],
    )


def _finess_plus(path: Path, within: Collection[str] | None) -> Official:
    """Read the open establishments of FINESS+."""
    day = finess_plus_day(path)
    every = read_establishments(path)
    table, findings = _establishments(every[every["active"]], path.name, within)
    findings += _left_out(
        path.name,
        int((~every["active"]).sum()),
        lambda n: ngettext("{count} closed establishment", "{count} closed establishments", n),
    )
    return _official(
        path, table.assign(source=_("FINESS+, {day}").format(day=day), updated_at=day.isoformat()), findings
    )


def _establishments(
    every: pd.DataFrame, file: str, within: Collection[str] | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Keep the establishments that are resources; private homes go before anything else is read of them."""
    import pandas as pd

    private = every["category_code"].isin(parameters("resource_kinds")["refused"]["finess"])
    known = every["category_code"].map(kind_of_finess).notna()
    inside = pd.Series(True, every.index) if within is None else every["insee_code"].isin(within)
    kept = every[inside & ~private & known]
    findings = [
        *_left_out(file, int(private.sum()), lambda n: ngettext("{count} private home", "{count} private homes", n)),
        *_left_out(
            file,
            int((inside & ~private & ~known).sum()),
            lambda n: ngettext(
                "{count} establishment of a category that is no resource",
                "{count} establishments of categories that are no resources",
                n,
            ),
        ),
        *_elsewhere(file, int((~inside & ~private).sum())),
    ]
    located = kept["longitude"].notna()
    phones = kept["phone"].map(restored) if "phone" in kept else pd.Series("", kept.index)
    table = pd.DataFrame(
        {
            "resource_id": "FINESS-" + kept["finess_et"],
            "finess_et": kept["finess_et"],
            "finess_category": kept["category_code"],
            "kind": kept["category_code"].map(kind_of_finess),
            "name": kept["name"],
            "insee_code": kept["insee_code"],
            "longitude": kept["longitude"].map("{:.7f}".format).where(located, ""),
            "latitude": kept["latitude"].map("{:.7f}".format).where(located, ""),
            "phone": phones.mask(phones.map(is_mobile), ""),
            "mobile": phones.where(phones.map(is_mobile), ""),
        },
    )
    return table, findings


def _annuaire_sante(path: Path, within: Collection[str] | None) -> Official:
    """Read the professionals of the Annuaire Santé, one resource for each place of work.

    The identifier of the resource is a digest of the person and the place: the same from month to month, and not the RPPS number.
    ``addresses`` holds those of every line of the person, so that an objection by e-mail takes every place away.
    """
    read = read_activities(path, communes=within, with_contact=True)
    stamp = EXTRACTED.search(path.name)
    day = date(*map(int, stamp.groups())).isoformat() if stamp else ""
    site = read["site_id"].where(read["site_id"] != "", read["finess_et"])
    phones = read["phone"].map(restored)
    rows = read.assign(
        resource_id=[
            "PS-" + hashlib.sha256(f"{person}|{place}|{code}".encode()).hexdigest()[:12]
            for person, place, code in zip(read["person_id"], site, read["insee_code"], strict=True)
        ],
        rpps=read["person_id"].mask(read["person_id"].str.fullmatch(ADELI), ""),
        addresses=read["person_id"].map(read_addresses(path, set(read["person_id"]))),
        kind=[
            kind_of_profession(profession, specialty)
            for profession, specialty in zip(read["profession_code"], read["specialty_code"], strict=True)
        ],
        name=(read["first_name"] + " " + read["last_name"]).str.strip(),
        phone=phones.mask(phones.map(is_mobile), ""),
        mobile=phones.where(phones.map(is_mobile), ""),
        source=_("Annuaire Santé, {day}").format(day=day or _("date not stated")),
        updated_at=day,
    )
    names = ["resource_id", "rpps", "kind", "name", "insee_code", "phone", "mobile", "email", "addresses"]
    names += ["source", "updated_at"]
    nowhere = rows["insee_code"] == ""
    findings = _left_out(
        path.name,
        int(nowhere.sum()),
        lambda n: ngettext("{count} activity without a commune", "{count} activities without a commune", n),
    )
    return _official(path, rows.loc[~nowhere, names], findings)


def _sae(path: Path, beside: Collection[Path], within: Collection[str] | None) -> Official:
    """Read scanners and MRI (bordereau IMAGES) or emergency units (URGENCES) of the SAE; the bordereau ID places them."""
    import pandas as pd

    rows = _bordereau(path)
    name = rows["BOR"].iloc[0]
    if name == SITES:
        return _official(path, pd.DataFrame({"resource_id": [], "name": [], "insee_code": [], "kind": []}), [])
    identities = [other for other in beside if other != path and recognised(other) == "sae"]
    sites = next((found for found in map(_bordereau, identities) if found["BOR"].iloc[0] == SITES), None)
    if sites is None:
        raise DataError(
            _("this bordereau of the SAE does not say where its establishments are"),
            fix=_("give the bordereau ID of the same year too, such as ID_2023r.csv"),
            where=path.name,
        )
    if name == "URGENCES":
        rows = rows[rows["AUTSU"] == "1"].assign(code=name, count="", unit="")
    elif name == "IMAGES":
        rows = rows.assign(code=rows["EQUIPIMA"], count=rows["NB"], unit=_("machines"))
    else:
        raise DataError(
            _("the bordereau {name} of the SAE names no resource").format(name=name),
            fix=_("give the bordereaux IMAGES or URGENCES"),
            where=path.name,
        )
    of_kind = rows.assign(kind=rows["code"].map(kind_of_equipment))
    kept = of_kind[of_kind["kind"].notna() & (of_kind["count"] != "0")]
    places = sites.drop_duplicates("FI").set_index("FI")
    district = kept["FI"].map(places["ARMT"]).fillna("")
    commune = kept["FI"].map(places["COMINSEE"]).fillna("")
    codes = district.where(district != "", commune)
    overseas = codes.str[:2].map(OVERSEAS)
    year = rows["AN"].iloc[0]
    table = pd.DataFrame(
        {
            "resource_id": "SAE-" + kept["FI"] + "-" + kept["code"],
            "finess_et": kept["FI"],
            "kind": kept["kind"],
            "name": kept["RS"],
            "insee_code": codes.where(overseas.isna(), overseas.str[:2] + codes.str[2:]),
            "capacity": kept["count"],
            "unit": kept["unit"],
            "source": _("SAE {year}, DREES").format(year=year),
            "updated_at": f"{year}-12-31",
        }
    )
    inside = pd.Series(True, table.index) if within is None else table["insee_code"].isin(within)
    findings = [
        *_left_out(
            path.name,
            len(of_kind) - len(kept),
            lambda n: ngettext(
                "{count} row of the SAE that is no resource", "{count} rows of the SAE that are no resources", n
            ),
        ),
        *_elsewhere(path.name, int((~inside).sum())),
    ]
    return _official(path, table[inside], findings)


def _bordereau(path: Path) -> pd.DataFrame:
    """Read a bordereau as text, its headings in capitals: ``ID`` writes them small."""
    rows = read_table(path).rows.rename(columns=str.upper)
    name = rows["BOR"].iloc[0] if "BOR" in rows else ""
    missing = [column for column in ("BOR", "AN", "FI", *BORDEREAUX.get(name, ())) if column not in rows]
    if missing or not rows.columns.is_unique:
        raise DataError(
            _("the columns are not those of a bordereau of the SAE (missing: {names})").format(
                names=", ".join(missing) or "–"
            ),
            fix=_("take the file of the DREES as it is published"),
            where=path.name,
        )
    return rows


def _official(path: Path, rows: pd.DataFrame, findings: list[Finding]) -> Official:
    """Make a text table, its rows numbered from 1: an official file has no line that a reader would correct."""
    import pandas as pd

    texts = rows.astype("str").fillna("")
    texts.index = pd.RangeIndex(1, len(rows) + 1, name="row")
    return Official(TextTable(path.name, texts), findings)


def _elsewhere(file: str, count: int) -> list[Finding]:
    return _left_out(
        file, count, lambda n: ngettext("{count} row outside the scope", "{count} rows outside the scope", n)
    )


def _left_out(file: str, count: int, say: Callable[[int], str]) -> list[Finding]:
    """Say how many rows were left out, and why; nothing when there are none."""
    if not count:
        return []
    what = say(count).format(count=number(count))
    return [Finding("left_out", "info", _("left out: {what}").format(what=what), file=file)]
