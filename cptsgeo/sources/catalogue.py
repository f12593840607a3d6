"""The catalogue of official sources, as data: who publishes what, where, under which licence, how often."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _, current_language


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Describe one official source; the file ``catalogue.toml`` says what each attribute is."""

    name: str
    fr: str
    en: str
    producer: str
    licence: str
    page: str
    file: str
    form: str
    reader: str
    dated_by: str
    rhythm: int
    bytes: int
    change: str
    address: str = ""
    members: str = "*"
    dated: date | None = None
    paged: bool = False
    scope: str = ""
    frozen: date | None = None
    successor: str = ""

    @property
    def title(self) -> str:
        """Return what the source is, in the reader's language."""
        return self.fr if current_language() == "fr" else self.en


@cache
def sources() -> dict[str, Source]:
    """Return every source by name, in the order of the catalogue.

    Examples
    --------
    >>> sources()["populations"].producer
    'INSEE'
    """
    text = (files("cptsgeo.sources") / "catalogue.toml").read_text(encoding="utf-8")
    return {name: Source(name=name, **entry) for name, entry in tomllib.loads(text).items()}


def chosen(names: Iterable[str]) -> list[Source]:
    """Return the sources of some names, all of them when none is given.

    Raises
    ------
    UsageError
        For a name that no source has.
    """
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in sources()]
    if unknown:
        raise UsageError(
            _("no source is called {names}").format(names=", ".join(unknown)),
            fix=_("choose among: {choices}").format(choices=", ".join(sources())),
        )
    return [sources()[name] for name in wanted] if wanted else list(sources().values())
