"""The nomenclature of health resources: kinds, the words that name them, and the codes of official files."""

from __future__ import annotations

from functools import cache

from cptsgeo.names import fold
from cptsgeo.parameters import parameters


def kinds() -> dict[str, dict[str, object]]:
    """Return the nomenclature of kinds: key to its entry.

    Examples
    --------
    >>> kinds()["cmp"]["finess"]
    ['156']
    """
    return {entry["key"]: entry for entry in parameters("resource_kinds")["kind"]}


def kind_of(text: str) -> str | None:
    """Return the kind that a word names: key, label in either language, or usual word.

    Examples
    --------
    >>> kind_of("IRM"), kind_of("Abri d’urgence"), kind_of("école")
    ('mri', 'shelter', None)
    """
    return _kind_words().get(fold(text))


@cache
def _kind_words() -> dict[str, str]:
    """Map every folded word to its kind; a key or label goes before a usual word."""
    entries = parameters("resource_kinds")["kind"]
    usual = {word: str(entry["key"]) for entry in entries for word in entry.get("words", [])}
    return usual | {fold(entry[name]): str(entry["key"]) for entry in entries for name in ("key", "fr", "en")}


def kind_of_finess(category: str) -> str | None:
    """Return the kind of a FINESS category, or None.

    Examples
    --------
    >>> kind_of_finess("620"), kind_of_finess("604")
    ('pharmacy', None)
    """
    return next(
        (str(entry["key"]) for entry in parameters("resource_kinds")["kind"] if category in entry.get("finess", [])),
        None,
    )


def is_professional(kind: str) -> bool:
    """Tell whether a kind of resource is a person.

    Examples
    --------
    >>> is_professional("nurse"), is_professional("pharmacy")
    (True, False)
    """
    return kinds()[kind]["group"] == "professional"


def kind_of_profession(profession: str, specialty: str) -> str:
    """Return the kind of a profession of the Annuaire Santé, by its codes; a doctor's depends on the specialty.

    A doctor without a stated specialty, and every profession without a kind of its own, is an ``other_professional``.

    References
    ----------
    Agence du numérique en santé, nomenclatures *TRE_G15-ProfessionSante* and *TRE_R38-SpecialiteOrdinale*.

    Examples
    --------
    >>> kind_of_profession("60", ""), kind_of_profession("10", "SM54"), kind_of_profession("10", "SM04")
    ('nurse', 'general_practitioner', 'specialist')
    >>> kind_of_profession("10", ""), kind_of_profession("80", "")
    ('other_professional', 'other_professional')
    """
    for entry in parameters("resource_kinds")["kind"]:
        if profession in entry.get("professions", []):
            wanted = entry.get("specialties")
            if wanted is None or specialty in wanted or ("*" in wanted and specialty):
                return str(entry["key"])
    return "other_professional"


def kind_of_equipment(code: str) -> str | None:
    """Return the kind of an equipment (EQUIPIMA) or bordereau of the SAE, or None.

    Examples
    --------
    >>> kind_of_equipment("SCAN"), kind_of_equipment("MAMM")
    ('scanner', None)
    """
    return next(
        (str(entry["key"]) for entry in parameters("resource_kinds")["kind"] if code in entry.get("sae", [])), None
    )
