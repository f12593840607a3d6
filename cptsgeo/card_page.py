"""Identity card as one page: self-contained, without script, every name from data escaped."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from cptsgeo.funding import LEVELS
from cptsgeo.i18n import N_, _, current_language, day, number, percent
from cptsgeo.names import fold
from cptsgeo.parameters import labels
from cptsgeo.perimeters import DATES

if TYPE_CHECKING:
    from jinja2 import Template

LONGEST_NAME = 80
TEXTS = {
    "card": N_("Identity card"),
    "identifier": N_("Identifier"),
    "stage": N_("Stage"),
    "stage_unknown": N_("stage unknown"),
    "reached_on": N_("reached on"),
    "territory": N_("Territory"),
    "rural_rate": N_("Inhabitants in rural communes"),
    "density_unknown": N_("Inhabitants whose density is not known"),
    "population": N_("Population"),
    "census": N_("census of"),
    "size_class": N_("Size class"),
    "to_lower_bound": N_("It can lose, without changing class"),
    "to_upper_bound": N_("It can win, without changing class"),
    "inhabitants": N_("inhabitants"),
    "trend": N_("Population by census year, perimeter of today"),
    "trend_missing": N_("No other edition of the populations was given."),
    "year": N_("Year"),
    "places": N_("Départements, régions and EPCI"),
    "departements": N_("Départements"),
    "regions": N_("Régions"),
    "epci": N_("EPCI"),
    "name": N_("Name"),
    "code": N_("Code"),
    "share": N_("Part of the CPTS"),
    "epci_rate": N_("Part of the EPCI that is in the CPTS"),
    "neighbours": N_("Neighbouring CPTS"),
    "neighbours_missing": N_("No outline was given: the neighbours are not known."),
    "neighbours_none": N_("No CPTS of the list touches it."),
    "border": N_("Shared border (km)"),
    "units_shared": N_("Shared communes"),
    "budget": N_("ACI, in euros a year"),
    "level": N_("Level"),
    "euros": N_("Euros a year"),
    "euros_per_inhabitant": N_("Euros per inhabitant"),
    "paid": N_("Its ACI is signed: these amounts are what the law provides for, not what was paid."),
    "not_paid": N_("Its ACI is not signed: it would get these amounts once it is."),
    "paid_unknown": N_("Its stage is not known: it gets these amounts only if its ACI is signed."),
    "members": N_("Communes"),
    "by_area": N_("Cut communes shared by area, as if people lived evenly in them (method “area”):"),
    "departement": N_("Département"),
    "density": N_("Density"),
    "in_cpts": N_("Inhabitants in the CPTS"),
}

CHART_WIDTH, CHART_HEIGHT, CHART_EDGE = 640, 150, 34


def card_names(cpts_ids: Iterable[str]) -> dict[str, str]:
    """Name the file of each card by its CPTS, in letters that every file system has; equal names are numbered.

    Examples
    --------
    >>> card_names(["CPTS de l’Étang / 2", "CPTS de l'Etang 2", "../x"])
    {'../x': 'x', "CPTS de l'Etang 2": 'cpts-de-l-etang-2', 'CPTS de l’Étang / 2': 'cpts-de-l-etang-2-2'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for cpts_id in sorted(cpts_ids):
        plain = re.sub(r"[^a-z0-9]+", "-", fold(cpts_id)).strip("-")[:LONGEST_NAME] or "cpts"
        free = (f"{plain}-{rank}" if rank > 1 else plain for rank in count(1))
        names[cpts_id] = next(name for name in free if name not in taken)
        taken.add(names[cpts_id])
    return names


def card_json(card: dict[str, Any]) -> str:
    """Write the card of a CPTS as JSON."""
    return json.dumps(card, ensure_ascii=False, indent=1) + "\n"


def card_page(card: dict[str, Any], *, warning: str = "") -> str:
    """Write the card of a CPTS as an HTML page that makes no request.

    Parameters
    ----------
    card
        One of those that :func:`cptsgeo.card.cards` returns.
    warning
        What a reader must know before the figures, such as a source that is no longer up to date.

    Returns
    -------
    str
        The page. Its Content-Security-Policy allows its own style sheet, by its SHA-256, and nothing else.
    """
    return _template().render(
        lang=current_language(),
        card=card,
        warning=warning,
        text={key: _(message) for key, message in TEXTS.items()},
        style_hash=_style_hash(),
        stages=labels("stages"),
        dates=[(labels("stages")[stage], card["stage_dates"][name]) for name, stage in DATES.items()],
        territory=labels("territory_types")[card["territory"]["type"]],
        levels=[
            (labels("aci")[level], card["budget"][level], card["budget"][f"{level}_per_inhabitant"]) for level in LEVELS
        ],
        chart=_chart(card["trend"] or []),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("cptsgeo"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(number=_number, percent=_percent, in_words=_in_words)
    return environment.get_template("card.html")


@cache
def _style_hash() -> str:
    """Return the hash of the style sheet of the template, as a Content-Security-Policy writes it."""
    from importlib.resources import files

    source = (files("cptsgeo") / "templates" / "card.html").read_text(encoding="utf-8")
    found = re.search(r"<style>(.*?)</style>", source, re.DOTALL)
    assert found, "the template has a style sheet"
    return "sha256-" + base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else number(value, digits)


def _in_words(iso_day: str) -> str:
    return day(date.fromisoformat(iso_day))


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _chart(trend: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Place the known editions of a trend in a box: one dot each, joined in the order of the years."""
    known = [entry for entry in trend if entry["population"] is not None]
    if len(known) < 2:
        return []
    years = [entry["population_year"] for entry in known]
    people = [entry["population"] for entry in known]
    low, high = min(people), max(people)
    return [
        {
            "x": round(CHART_EDGE + (year - years[0]) / (years[-1] - years[0]) * (CHART_WIDTH - 2 * CHART_EDGE), 1),
            "y": round(
                CHART_HEIGHT - CHART_EDGE - (count - low) / ((high - low) or 1) * (CHART_HEIGHT - 2 * CHART_EDGE),
                1,
            ),
            "year": year,
            "population": number(count),
        }
        for year, count in zip(years, people, strict=True)
    ]
