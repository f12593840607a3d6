"""Santégraphie: the national layer of CPTS (``GCS:AMBU_CPTS``), whose field names change from year to year."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cptsgeo.crs import WGS84
from cptsgeo.errors import DataError, Finding, raise_errors
from cptsgeo.files import whole_file
from cptsgeo.i18n import _
from cptsgeo.layers import open_layer, read_attributes
from cptsgeo.names import fold
from cptsgeo.parameters import parameters
from cptsgeo.perimeters import STAGES
from cptsgeo.toml_files import read_toml

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

FIELDS: dict[str, tuple[str, ...]] = {
    "cpts_id": ("id cpts", "code cpts", "identifiant", "id", "num cpts", "finess", "gid", "fid"),
    "cpts_name": ("nom cpts", "libelle cpts", "nom", "libelle", "lib", "denomination", "cpts"),
    "stage": ("avancement", "etat avancement", "etat", "statut", "stade", "phase", "maturite"),
    "updated": ("date maj", "maj", "date actualisation", "date mise a jour", "millesime", "date"),
}
REQUIRED = ("cpts_name", "stage")
NEGATIONS = ("non", "pas", "sans", "abandon", "abandonne", "abandonnee", "refuse", "refusee")


class CptsLayer(NamedTuple):
    """Hold the national layer.

    Attributes
    ----------
    cpts
        EPSG:4326: ``cpts_id`` (the name where the layer has no identifier), ``cpts_name``, ``stage`` (ordered category,
        missing when the words do not tell), ``stage_words`` (as written), ``geometry``.
    findings
        Stages that the words do not tell, outlines that are missing.
    """

    cpts: gpd.GeoDataFrame
    findings: list[Finding]


def detect_fields(columns: Sequence[str]) -> dict[str, str]:
    """Guess which column holds what, by its name; to be confirmed by a person.

    Examples
    --------
    >>> detect_fields(["gid", "NOM_CPTS", "ETAT_AVANC", "ETAT_AVANCEMENT", "geom"])
    {'cpts_id': 'gid', 'cpts_name': 'NOM_CPTS', 'stage': 'ETAT_AVANCEMENT'}
    """
    folded = {fold(column).replace("_", " "): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for field, names in FIELDS.items():
        exact = [folded[name] for name in names if name in folded]
        partial = [column for text, column in folded.items() for name in names if f" {name} " in f" {text} "]
        free = [column for column in [*exact, *partial] if column not in found.values()]
        if free:
            found[field] = free[0]
    return found


def mapping_text(mapping: Mapping[str, str]) -> str:
    """Write a mapping of fields as TOML.

    Examples
    --------
    >>> mapping_text({"stage": "ETAT"})
    'stage = "ETAT"\\n'
    """
    return "".join(f"{field} = {json.dumps(column, ensure_ascii=False)}\n" for field, column in mapping.items())


def write_mapping(mapping: Mapping[str, str], path: Path, *, overwrite: bool = False) -> None:
    """Save a mapping of fields as TOML, for a person to read, correct and keep."""
    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(mapping_text(mapping), encoding="utf-8")


def read_mapping(path: Path) -> dict[str, str]:
    """Read a saved mapping of fields.

    Raises
    ------
    DataError
        For another field than those known, or one required that is missing.
    """
    mapping = read_toml(path)
    wrong = [field for field in mapping if field not in FIELDS] + [field for field in REQUIRED if field not in mapping]
    if wrong:
        raise DataError(
            _("the mapping does not name the fields as it should: {fields}").format(fields=", ".join(wrong)),
            fix=_("give {required}, and if there are such {others}").format(
                required=", ".join(REQUIRED), others=", ".join(field for field in FIELDS if field not in REQUIRED)
            ),
            where=path.name,
        )
    return {field: str(column) for field, column in mapping.items()}


def stage_of(text: str) -> str | None:
    """Tell the stage that a text names, in whole words; nothing where it names none, denies one, or names two alike.

    Examples
    --------
    >>> stage_of("ACI signé le 12/03/2021"), stage_of("Projet de santé en cours de rédaction"), stage_of("ACI non signé")
    ('aci_signe', 'lettre_intention', None)
    """
    folded = f" {fold(text).replace('_', ' ')} "
    if any(f" {word} " in folded for word in NEGATIONS):
        return None
    found = [
        (len(phrase), stage["key"])
        for stage in parameters("stages")["stage"]
        for phrase in (*stage["words"], *stage.get("phrases", ()))
        if f" {phrase} " in folded
    ]
    best = {key for length, key in found if length == max(found)[0]}
    return best.pop() if len(best) == 1 else None


def read_cpts_layer(path: Path | str, mapping: Mapping[str, str] | None = None) -> CptsLayer:
    """Read the national layer of CPTS of Santégraphie.

    Parameters
    ----------
    path
        Answer of the WFS to ``GetFeature`` of ``GCS:AMBU_CPTS``: GeoJSON, GML, GeoPackage or Shapefile, in EPSG:4326, 3857
        or 2154.
    mapping
        Which column holds ``cpts_name``, ``stage``, and if there are such ``cpts_id`` and ``updated``, as
        :func:`read_mapping` returns it.

    Returns
    -------
    CptsLayer
        CPTS and findings.

    Raises
    ------
    DataError
        Without mapping, or with one that the file does not follow: the message shows what was detected, side by side
        with what the mapping says.
    """
    import geopandas as gpd
    import pandas as pd

    path = Path(path)
    layer = open_layer(path)
    columns = [column for column in layer.columns if column != layer.geometry.name]
    if mapping is None or any(column not in columns for column in mapping.values()):
        raise _unconfirmed(path.name, columns, mapping)
    words = layer[mapping["stage"]].fillna("").astype("str").str.strip()
    names = layer[mapping["cpts_name"]].fillna("").astype("str").str.strip()
    identifier = layer[mapping["cpts_id"]].astype("str").str.strip() if "cpts_id" in mapping else names
    stages = words.map(stage_of)
    raise_errors(_identity(path.name, names, identifier))
    findings = [
        Finding(
            "stage_unknown",
            "warning",
            _("{name}: “{words}” does not tell the stage, which stays unknown").format(name=name, words=text),
            _("give the stage of this CPTS in a file of --cpts"),
            path.name,
            row,
            mapping["stage"],
            text,
        )
        for row, (name, text, stage) in enumerate(zip(names, words, stages, strict=True), start=1)
        if text and pd.isna(stage)
    ]
    findings += [
        Finding(
            "outline_missing",
            "warning",
            _("{name} has no outline").format(name=names.iloc[row - 1]),
            _("list its communes in --perimeters"),
            path.name,
            row,
        )
        for row, shape in enumerate(layer.geometry, start=1)
        if shape is None or shape.is_empty
    ]
    cpts = gpd.GeoDataFrame(
        {
            "cpts_id": identifier.astype("str"),
            "cpts_name": names.astype("str"),
            "stage": pd.Categorical(stages.where(stages.notna(), None), categories=list(STAGES), ordered=True),
            "stage_words": words.astype("str"),
        },
        geometry=layer.geometry.to_crs(WGS84).to_numpy(),
        crs=WGS84,
    )
    return CptsLayer(cpts.sort_values("cpts_id", ignore_index=True), findings)


def _identity(file: str, names: pd.Series, identifiers: pd.Series) -> list[Finding]:
    wrong = (names == "") | identifiers.duplicated()
    return [
        Finding(
            "cpts_wrong",
            "error",
            _("the row names no CPTS")
            if not names.iloc[row]
            else _("{cpts} is there more than once").format(cpts=identifiers.iloc[row]),
            _("correct the layer, or name another column as cpts_id in the mapping"),
            file,
            row + 1,
        )
        for row in range(len(names))
        if wrong.iloc[row]
    ]


def _unconfirmed(file: str, columns: list[str], mapping: Mapping[str, str] | None) -> DataError:
    detected = detect_fields(columns)
    line = "  " + _("{field}: detected {detected}, mapping {mapping}")
    lines = [
        line.format(field=field, detected=detected.get(field, "–"), mapping=(mapping or {}).get(field, "–"))
        for field in FIELDS
    ]
    return DataError(
        _("the fields of the layer are not confirmed; the file has: {columns}").format(columns=", ".join(columns))
        + "\n"
        + "\n".join(lines),
        fix=_(
            "run `cptsgeo data fields {file} -o champs.toml`, read it, correct it, and pass it as the mapping"
        ).format(file=file),
        where=file,
    )


def count_features(path: Path | str) -> pd.DataFrame:
    """Read the attributes of the layer as they are, one row per CPTS: what can be checked before a mapping exists."""
    return read_attributes(Path(path))
