"""Annuaire Santé: the activities of health professionals (RPPS), read as a stream and stripped of what names people."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cptsgeo.errors import DataError, Finding, raise_errors, unreadable
from cptsgeo.i18n import _
from cptsgeo.sources.layout import known_layout

if TYPE_CHECKING:
    import pandas as pd

_SITE = (
    "Complément destinataire (coord. structure)|Complément point géographique (coord. structure)"
    "|Numéro Voie (coord. structure)|Indice répétition voie (coord. Structure)|Code type de voie (coord. structure)"
    "|Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)"
    "|Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)"
    "|Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)"
    "|Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)"
    "|Adresse e-mail (coord. structure)|Code département (coord. structure)|Libellé département (coord. structure)"
)
LAYOUTS = {
    "56 columns": (
        "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice"
        "|Libellé civilité exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession"
        "|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire"
        "|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice"
        "|Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique"
        "|Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|"
        + _SITE
        + "|Ancien identifiant de la structure|Autorité d'enregistrement|Code secteur d'activité"
        "|Libellé secteur d'activité|Code section tableau pharmaciens|Libellé section tableau pharmaciens"
        "|Code fonction|Libellé fonction|Code genre d'activité|Libellé genre d'activité"
    ).split("|")
}
PERSON, EMAIL = "Identification nationale PP", "Adresse e-mail (coord. structure)"
KEPT = {
    PERSON: "person_id",
    "Code profession": "profession_code",
    "Libellé profession": "profession",
    "Code savoir-faire": "specialty_code",
    "Libellé savoir-faire": "specialty",
    "Code mode exercice": "mode_code",
    "Libellé mode exercice": "mode",
    "Identifiant technique de la structure": "site_id",
    "Numéro FINESS site": "finess_et",
    "Raison sociale site": "site_name",
    "Code postal (coord. structure)": "postal_code",
    "Code commune (coord. structure)": "insee_code",
}
CONTACT = {
    "Nom d'exercice": "last_name",
    "Prénom d'exercice": "first_name",
    "Téléphone (coord. structure)": "phone",
    EMAIL: "email",
    "Numéro Voie (coord. structure)": "number",
    "Libellé type de voie (coord. structure)": "way_type",
    "Libellé Voie (coord. structure)": "way",
}


def read_activities(
    path: Path | str,
    *,
    communes: Collection[str] | None = None,
    professions: Collection[str] | None = None,
    with_contact: bool = False,
) -> pd.DataFrame:
    """Read the activities of health professionals (``PS_LibreAcces_Personne_activite``), one row per person and site.

    The file has one row per activity, 56 columns and a trailing ``|``, and no coordinates. It is read line by line;
    names, telephone and e-mail are not kept unless they are asked for.

    Parameters
    ----------
    path
        ``PS_LibreAcces_Personne_activite_YYYYMMDDHHMM.txt``, UTF-8, ``|``.
    communes, professions
        INSEE codes, and codes of profession (``10`` doctor, ``60`` nurse, ``21`` pharmacist…), to keep; all when not
        given.
    with_contact
        Keep ``last_name``, ``first_name``, ``phone``, ``email``, ``number``, ``way_type`` and ``way``: personal data, to be
        published only within the rules of reuse of the Annuaire and the right to object.

    Returns
    -------
    DataFrame
        ``person_id``, ``profession_code``, ``profession``, ``specialty_code``, ``specialty``, ``mode_code``, ``mode``,
        ``site_id``, ``finess_et``, ``site_name``, ``postal_code``, ``insee_code``, and the contact when asked for; the first
        row of each person and site.

    Raises
    ------
    DataError
        For a changed header, or lines of another width.

    References
    ----------
    Agence du numérique en santé, *Annuaire Santé: extractions en libre accès*.
    """
    import pandas as pd

    names = KEPT | (CONTACT if with_contact else {})
    seen: set[tuple[str, str]] = set()
    rows = []
    for cells in _lines(Path(path), list(names)):
        record = dict(zip(names.values(), cells, strict=True))
        if communes is not None and record["insee_code"] not in communes:
            continue
        if professions is not None and record["profession_code"] not in professions:
            continue
        key = (record["person_id"], record["site_id"] or record["finess_et"] or record["insee_code"])
        if key not in seen:
            seen.add(key)
            rows.append(tuple(cells))
    return pd.DataFrame(rows, columns=list(names.values()), dtype="str")


def read_addresses(path: Path | str, persons: Collection[str]) -> dict[str, str]:
    """Read every e-mail address that the file gives for some persons, on any line, wherever they work.

    An objection by e-mail concerns the person: the address may stand on one activity, and be missing on the others.

    Parameters
    ----------
    path
        The file of :func:`read_activities`.
    persons
        Values of ``person_id``.

    Returns
    -------
    dict
        ``person_id`` to the addresses, a space between; persons without any are not in it.
    """
    found: dict[str, dict[str, None]] = {}
    for person, address in _lines(Path(path), [PERSON, EMAIL]):
        if address and person in persons:
            found.setdefault(person, {})[address] = None
    return {person: " ".join(addresses) for person, addresses in found.items()}


def _lines(path: Path, wanted: list[str]) -> Iterator[list[str]]:
    """Yield the wanted cells of each line."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise unreadable(path, error) from error
    findings: list[Finding] = []
    with file:
        try:
            reader = csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE)
            header = next(reader, [])
            columns = header[:-1] if header and not header[-1] else header
            known_layout(path.name, columns, LAYOUTS, producer="Annuaire Santé")
            places = [columns.index(name) for name in wanted]
            for number, cells in enumerate(reader, start=2):
                if len(cells) == len(header) and not (len(header) > len(columns) and cells[-1]):
                    yield [cells[place].strip() for place in places]
                elif cells:
                    findings.append(
                        Finding(
                            "line_unknown",
                            "error",
                            _("the line has {count} cells, the header has {width}").format(
                                count=len(cells), width=len(header)
                            ),
                            _("download the file again: it may be truncated"),
                            path.name,
                            number,
                        )
                    )
        except UnicodeDecodeError as error:
            raise DataError(
                _("the file is not in UTF-8"), fix=_("take the file as it is published"), where=path.name
            ) from error
        except csv.Error as error:
            raise DataError(
                _("the file cannot be read as delimited text"), fix=_("download it again"), where=path.name
            ) from error
    raise_errors(findings)


def check_header(path: Path | str) -> pd.DataFrame:
    """Read the header alone: a file of 1 GB whose layout is known needs no more before it is kept.

    Returns
    -------
    DataFrame
        No row, the columns of :func:`read_activities`.
    """
    import pandas as pd

    next(_lines(Path(path), list(KEPT)), None)
    return pd.DataFrame(columns=list(KEPT.values()), dtype="str")
