"""FINESS+, the JSON that replaces the legacy file: establishments and hospital groups, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cptsgeo.codes import departement_of
from cptsgeo.crs import MAINLAND, TERRITORY_CRS, WGS84
from cptsgeo.errors import DataError, require_file
from cptsgeo.i18n import _
from cptsgeo.sources.layout import side_by_side
from cptsgeo.tabular import parse_day

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSIONS = ("v1.0.0",)
PARTS = ("gcc", "gco", "pmej")
CHUNK = 1 << 22
DEEPEST = 1_000
ESTABLISHMENT_ADDRESS = "03"
GHT = "001"
ROLES = {"S": "support", "M": "member"}
DEGREES = {
    "971": (-62.0, 15.7, -60.8, 16.7),
    "972": (-61.4, 14.2, -60.7, 15.0),
    "973": (-54.8, 2.0, -51.4, 6.0),
    "974": (55.1, -21.5, 56.0, -20.8),
    "975": (-56.6, 46.6, -56.0, 47.3),
    "976": (44.9, -13.2, 45.4, -12.5),
}
MAINLAND_DEGREES = (-5.5, 41.2, 10.0, 51.3)
EGE_COLUMNS = (
    *("finess_et", "finess_ej", "name", "category_code", "insee_code", "postal_code", "opened", "active"),
    *("longitude", "latitude", "position_source"),
)
GHT_COLUMNS = ("gcc_id", "ght_name", "external_id", "finess_ej", "member_name", "role", "active")


def published(path: Path | str) -> date:
    """Read the date at the head of the file (``generatedAt``)."""
    head = _head(Path(path))
    day = parse_day(str(head.get("generatedAt", ""))[:10])
    if day is None:
        raise _other_layout(Path(path))
    return day


def read_establishments(path: Path | str) -> pd.DataFrame:
    """Read the establishments (``ege``) of FINESS+, one at a time, so that 700 MB need little memory.

    Parameters
    ----------
    path
        ``finess-structures-YYYYMMDD.json``: ``pmej`` (legal entities), each with its ``ege`` (establishments).

    Returns
    -------
    DataFrame
        ``finess_et``, ``finess_ej``, ``name``, ``category_code``, ``insee_code`` and ``postal_code`` of the address of
        use "03", ``opened`` (ISO date), ``active`` (state A and no closing date), ``longitude``, ``latitude`` (missing
        where no pair of values lies in the territory), ``position_source`` (``degrees`` or ``projected``).

    Notes
    -----
    The labels of the coordinates are not to be trusted: X and Y, latitude and longitude are swapped in places. A pair
    is taken in the order in which it falls in the territory of the commune: degrees first, then its projected system.
    """
    import pandas as pd

    with _known_layout(Path(path)):
        rows = [_establishment(entity, ege) for entity in _stream(Path(path), "pmej") for ege in entity.get("ege", ())]
    table = pd.DataFrame(rows, columns=list(EGE_COLUMNS))
    return table.astype(
        {name: "str" for name in EGE_COLUMNS if name not in {"active", "longitude", "latitude"}} | {"active": "bool"}
    )


def read_hospital_groups(path: Path | str) -> pd.DataFrame:
    """Read the groupements hospitaliers de territoire (``gcc`` of type 001), with support and members.

    Parameters
    ----------
    path
        As for :func:`read_establishments`.

    Returns
    -------
    DataFrame
        One row per group and legal entity: ``gcc_id``, ``ght_name``, ``external_id``, ``finess_ej`` (empty for an
        entity that the file does not describe), ``member_name``, ``role`` (``support`` or ``member``), ``active``.
    """
    import pandas as pd

    with _known_layout(Path(path)):
        members = [
            (
                str(group.get("gccId", "")),
                str(group.get("nomGcc", "")),
                str(group.get("gccIdentifiantExterne", "")),
                str(member.get("pmSmsseId", "")),
                ROLES.get(str(member.get("typeRoleEntiteGroupe", "")), str(member.get("typeRoleEntiteGroupe", ""))),
                _active(group),
            )
            for group in _stream(Path(path), "gcc")
            if group.get("typeGcc") == GHT
            for member in group.get("pmejDuGcc", ())
        ]
        wanted = {member[3] for member in members}
        entities: dict[str, tuple[str, str]] = {}
        for entity in _stream(Path(path), "pmej"):
            general = entity.get("informationsGeneralesPMEJ", {})
            if str(general.get("pmSmsseId", "")) in wanted:
                name = general.get("denominationLonguePmSmsse") or general.get("denominationPm") or ""
                entities[str(general["pmSmsseId"])] = (str(general.get("numFinessPm", "")), str(name))
    rows = [
        (gcc, name, external, *entities.get(entity, ("", "")), role, active)
        for gcc, name, external, entity, role, active in members
    ]
    return pd.DataFrame(rows, columns=list(GHT_COLUMNS)).sort_values(["gcc_id", "role", "finess_ej"], ignore_index=True)


@contextmanager
def _known_layout(path: Path) -> Iterator[None]:
    """Say of an object in the place of a list, or of a text in the place of an object, that the layout is another."""
    try:
        yield
    except (AttributeError, TypeError) as error:
        raise _other_layout(path) from error


def _other_layout(path: Path) -> DataError:
    return DataError(
        _("the content of FINESS+ is not laid out as its schema says"),
        fix=_("download the file again"),
        where=path.name,
    )


def _depth(path: Path) -> int:
    """Count how many lists and objects lie within each other at most; brackets in texts count as well."""
    import numpy as np

    depth = deepest = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            folded = np.frombuffer(chunk, dtype=np.uint8) | 0x20  # "[" and "]" become "{" and "}"
            brackets = folded[(folded == ord("{")) | (folded == ord("}"))]
            reached = depth + np.cumsum(np.where(brackets == ord("{"), 1, -1))
            if len(reached):
                depth, deepest = int(reached[-1]), max(deepest, int(reached.max()))
    return deepest


def _head(path: Path) -> dict[str, object]:
    """Read the scalars before the first list, and refuse another schema, and a depth for which ijson takes gigabytes."""
    import ijson

    require_file(path)
    if _depth(path) > DEEPEST:
        raise _other_layout(path)
    head: dict[str, object] = {}
    with path.open("rb") as file:
        for prefix, event, value in _checked(ijson.parse(file), path):
            if event == "start_array":
                break
            if prefix and event in {"string", "number", "boolean"}:
                head[prefix] = value
    if head.get("schemaVersion") not in SCHEMA_VERSIONS:
        raise DataError(
            _("the schema of FINESS+ is not one that cptsgeo knows")
            + "\n"
            + side_by_side([str(head.get("schemaVersion", "–"))], list(SCHEMA_VERSIONS)),
            fix=_("compare the new schema with the old one, then add its version to cptsgeo"),
            where=path.name,
        )
    return head


def _stream(path: Path, part: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of one list of the file."""
    _head(path)
    with path.open("rb") as file:
        yield from _checked(_items(file, part), path)


def _items(file: IO[bytes], part: str) -> Iterator[Any]:
    import ijson

    yield from ijson.items(file, f"{part}.item")


def _checked(items: Iterator[Any], path: Path) -> Iterator[Any]:
    import ijson

    try:
        yield from items
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise DataError(
            _("the JSON is damaged or truncated ({reason})").format(reason=str(error).splitlines()[0]),
            fix=_("download the file again"),
            where=path.name,
        ) from error


def _active(thing: Mapping[str, Any]) -> bool:
    return thing.get("etatObjet") == "A" and not thing.get("dateFermeture")


def _establishment(entity: Mapping[str, Any], ege: Mapping[str, Any]) -> tuple[object, ...]:
    general = ege.get("informationsGeneralesEGE", {})
    address: Mapping[str, Any] = next(
        (a for a in ege.get("adresse", ()) if a.get("usageAdresse") == ESTABLISHMENT_ADDRESS), {}
    )
    insee = str(address.get("cogCommune", ""))
    longitude, latitude, source = position(address.get("coordonneesGeographique") or {}, insee)
    return (
        str(general.get("numFinessEge", "")),
        str(entity.get("informationsGeneralesPMEJ", {}).get("numFinessPm", "")),
        str(general.get("nomEgeLong") or general.get("nomEgeCourt") or ""),
        str(ege.get("categorieentiteGeographiqueExercice", "")),
        insee,
        str(address.get("codePostal", "")),
        str(general.get("dateOuverture", "")),
        _active(ege) and not general.get("dateFermeture"),
        longitude,
        latitude,
        source,
    )


def position(values: Mapping[str, Any], insee_code: str) -> tuple[float, float, str]:
    """Find longitude and latitude among the four values of an address, by their range in the territory.

    Examples
    --------
    >>> lon, lat, source = position(
    ...     {"coordonneeX": "6570414.61", "coordonneeY": "873766.07"}, "01053"
    ... )
    >>> round(lon, 3), round(lat, 3), source
    (5.254, 46.211, 'projected')
    >>> position({"directionLatitude": "-60.99", "directionLongitude": "14.61"}, "97209")
    (-60.99, 14.61, 'degrees')
    """
    departement = departement_of(insee_code) if insee_code else ""
    box = DEGREES.get(departement, MAINLAND_DEGREES)
    one, other = _number(values.get("directionLongitude")), _number(values.get("directionLatitude"))
    for longitude, latitude in ((one, other), (other, one)):
        if _inside(longitude, latitude, box):
            return longitude, latitude, "degrees"
    one, other = _number(values.get("coordonneeX")), _number(values.get("coordonneeY"))
    for x, y in ((one, other), (other, one)):
        if x == x and y == y:
            longitude, latitude = _transformer(TERRITORY_CRS.get(departement, MAINLAND)).transform(x, y)
            if _inside(longitude, latitude, box):
                return longitude, latitude, "projected"
    return float("nan"), float("nan"), ""


def _inside(longitude: float, latitude: float, box: tuple[float, float, float, float]) -> bool:
    return box[0] <= longitude <= box[2] and box[1] <= latitude <= box[3]


def _number(text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        return float("nan")


@cache
def _transformer(epsg: int) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(epsg, WGS84, always_xy=True)
