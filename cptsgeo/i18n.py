"""The reader's language: French by default, English on request; messages, numbers, percentages and dates."""

from __future__ import annotations

import gettext
import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALE_DIR = Path(__file__).parent / "locale"

_current: ContextVar[Language] = ContextVar("cptsgeo_language", default="fr")


def current_language() -> Language:
    """Return the language in which texts are now written."""
    return _current.get()


@contextmanager
def language(lang: str) -> Iterator[None]:
    """Write texts in ``lang`` inside a ``with`` block.

    Raises
    ------
    UsageError
        For a language without a catalogue.

    Examples
    --------
    >>> with language("en"):
    ...     percent(0.9874)
    '98.7%'
    """
    if lang not in LANGUAGES:
        from cptsgeo.errors import UsageError

        raise UsageError(
            _("unknown language {lang!r}").format(lang=lang),
            fix=_("choose one of: {choices}").format(choices=", ".join(LANGUAGES)),
        )
    token = _current.set(lang)
    try:
        yield
    finally:
        _current.reset(token)


@cache
def _catalogue(lang: Language) -> gettext.NullTranslations:
    """Load a catalogue; English is the source text and needs none."""
    if lang == "en":
        return gettext.NullTranslations()
    return gettext.translation("cptsgeo", LOCALE_DIR, [lang])


def _(message: str) -> str:
    """Translate a message."""
    return _catalogue(_current.get()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate a message that depends on a count."""
    return _catalogue(_current.get()).ngettext(singular, plural, count)


def headed(head: str, text: str) -> str:
    """Put a heading before a text, with the colon of the language; the text alone when there is no heading.

    Examples
    --------
    >>> with language("en"):
    ...     headed("Error", "no such file"), headed("", "no such file")
    ('Error: no such file', 'no such file')
    """
    return _("{head}: {text}").format(head=head, text=text) if head else text


def N_(message: str) -> str:
    """Mark a message for extraction; it is translated where it is shown."""
    return message


def number(value: float, digits: int = 0) -> str:
    """Write a number as the reader does: ``5 218 960`` (narrow no-break spaces) or ``5,218,960``.

    A missing value is an en dash: it is never shown as zero.

    Examples
    --------
    >>> number(65836).replace("\\u202f", " ")
    '65 836'
    """
    if value != value:
        return "–"
    return f"{round(value, digits) + 0:,.{digits}f}".translate(_signs(_current.get()))


@cache
def _signs(locale: str) -> dict[int, str]:
    """Return what a language writes in the place of the comma, the point and the minus of Python's numbers."""
    from babel.numbers import get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

    signs = {",": get_group_symbol(locale), ".": get_decimal_symbol(locale), "-": get_minus_sign_symbol(locale)}
    return str.maketrans(signs)


def percent(value: float, digits: int = 1) -> str:
    """Write a fraction of 1 as a percentage; missing is an en dash.

    A share short of the whole never rounds up to 100 %, nor one above nothing down to 0 %; nor does a fall.

    Examples
    --------
    >>> percent(0.9874).replace("\\xa0", " ").replace("\\u202f", " ")
    '98,7 %'
    >>> percent(0.99999).replace("\\xa0", " ").replace("\\u202f", " ")
    '99,9 %'
    """
    from babel.numbers import format_percent

    if value != value:
        return "–"
    step = 10.0 ** -(digits + 2)
    shown = round(value, digits + 2)
    if 0 < abs(round(value, 12)) < 1:
        shown = math.copysign(min(max(abs(shown), step), 1 - step), value)
    return format_percent(
        shown,
        format="0" + ("." + "0" * digits if digits else "") + ("\u202f%" if _current.get() == "fr" else "%"),
        locale=_current.get(),
    )


def day(value: date) -> str:
    """Write a date in words.

    Examples
    --------
    >>> from datetime import date
    >>> day(date(2026, 1, 1)), day(date(2026, 1, 31))
    ('1er janvier 2026', '31 janvier 2026')
    """
    from babel.dates import format_date

    text = format_date(value, format="long", locale=_current.get())
    return text.replace("1 ", "1er ", 1) if value.day == 1 and _current.get() == "fr" else text
