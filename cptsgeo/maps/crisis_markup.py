"""The markup of the crisis kit's page: bands, panel, directory, footer; every text that comes from data is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

import geopandas as gpd
import pandas as pd

from cptsgeo.i18n import _, day, number
from cptsgeo.parameters import labels
from cptsgeo.resource_cells import MARKED, Audience


def head(title: str, on: date | None, audience: Audience, exercise: bool) -> str:
    """Write what comes before the map: skip links, bands, title."""
    shortcuts, to_search, to_table = (
        escape(_("Shortcuts")),
        escape(_("Go to the search")),
        escape(_("Go to the directory")),
    )
    label_map, wait = escape(_("Map")), escape(_("Drawing the map…"))
    twin = escape(_("The directory below the map holds the same information as text."))
    script = escape(_("The kit needs JavaScript."))
    warnings = escape(_("Warnings"))
    dated = escape(_("Data of {day}").format(day=day(on)) if on else _("Data without a date"))
    bands = ""
    if exercise:
        text = escape(_("EXERCISE: the people and numbers of this page are fictional"))
        bands += f'<p class="cz-band cz-exercise">{text}</p>'
    if audience == MARKED:
        text = escape(_("CRISIS CELL: mobile numbers and reserved places, do not hand on"))
        bands += f'<p class="cz-band cz-cell">{text}</p>'
    bands += f'<p class="cz-band cz-date" id="cz-date" role="status">{dated} <span id="cz-age"></span></p>'
    return f"""
<nav class="cg-skip" aria-label="{shortcuts}">
<a href="#cg-search">{to_search}</a> <a href="#cg-twin">{to_table}</a>
</nav>
<div class="cg-app cz-app">
<div class="cz-bands" role="region" aria-label="{warnings}">{bands}</div>
<header class="cg-head"><h1 dir="auto">{escape(title)}</h1><p id="cz-count" class="cg-status" role="status"></p></header>
<main class="cg-main" id="cg-main">
<div class="cg-map" role="region" aria-label="{label_map}" aria-describedby="cg-map-help">
<p class="cg-hidden" id="cg-map-help">{twin}</p>
<p class="cg-wait" id="cg-wait" role="status">{wait}</p>
<noscript><p class="cg-wait">{script}</p></noscript>
"""


def panel(
    table: pd.DataFrame,
    units: gpd.GeoDataFrame,
    kinds: Sequence[Mapping[str, str]],
    outlines: Mapping[str, gpd.GeoDataFrame],
) -> str:
    """Write what stands beside the map."""
    t = {key: escape(text) for key, text in _texts().items()}
    return f"""
</div>
</main>
<aside class="cg-panel cz-panel" aria-label="{t["aside"]}">
<search class="cg-search">
<label for="cg-search">{t["find"]}</label>
<input id="cg-search" type="search" role="combobox" autocomplete="off" spellcheck="false" aria-expanded="false"
 aria-controls="cg-results" aria-autocomplete="list">
<ul id="cg-results" role="listbox" aria-label="{t["found"]}" hidden></ul>
<p id="cg-status" class="cg-status" role="status" aria-live="polite"></p>
</search>
<section class="cz-card" id="cz-card" aria-live="polite" hidden></section>
<p id="cz-said" class="cg-status" role="status" aria-live="assertive"></p>
<details open><summary>{t["near"]}</summary><div>
<form id="cz-near-form" class="cz-row">
<label class="cg-hidden" for="cz-from">{t["from"]}</label>
<input id="cz-from" type="text" inputmode="text" placeholder="14.6100, -61.0700" autocomplete="off">
<button type="submit">{t["go"]}</button>
</form>
<div class="cz-row"><button type="button" id="cz-locate">{t["locate"]}</button>
<button type="button" id="cz-pick" aria-pressed="false">{t["pick"]}</button></div>
<div class="cz-row"><label>{t["many"]} <select id="cz-many"><option>1</option><option>3</option><option>5</option></select></label>
<label><input type="checkbox" id="cz-closed"> {t["closed"]}</label></div>
<p id="cz-near-said" class="cg-status" role="status"></p>
<div id="cz-near"></div>
</div></details>
<details open><summary>{t["filters"]}</summary><div>
<label class="cz-row" for="cz-commune">{t["commune"]} <select id="cz-commune">{_communes(table, units)}</select></label>
<fieldset class="cz-statuses"><legend>{t["status"]}</legend>{_statuses()}</fieldset>
<div class="cz-row"><strong>{t["kinds"]}</strong>
<button type="button" id="cz-all">{t["all"]}</button><button type="button" id="cz-none">{t["none"]}</button></div>
<div class="cz-kinds" role="group" aria-label="{t["kinds"]}">{_boxes(table, kinds)}</div>
</div></details>
<details class="cz-symbols-box" open><summary>{t["symbols"]}</summary><div>{_symbols()}{_lines(outlines)}</div></details>
<details><summary>{t["board"]}</summary><div>
<p class="cg-definition">{t["board_help"]}</p>
<label class="cz-row">{t["author"]} <input id="cz-author" type="text" maxlength="80" autocomplete="name"></label>
<p class="cz-row"><span id="cz-board-count"></span></p>
<p class="cz-warning" id="cz-not-kept" hidden>{t["not_kept"]}</p>
<div class="cz-row"><button type="button" id="cz-export">{t["export"]}</button>
<label class="cz-import">{t["import"]}<input id="cz-import" type="file" accept=".json,application/json" multiple></label></div>
<div id="cz-conflicts-box" hidden><h3>{t["conflicts"]}</h3><ul id="cz-conflicts" class="cz-list"></ul></div>
</div></details>
<details><summary>{t["print"]}</summary><div class="cz-row">
<button type="button" id="cz-print-a4">{t["print_a4"]}</button><button type="button" id="cz-print-a3">{t["print_a3"]}</button>
<button type="button" id="cz-print-list">{t["print_list"]}</button>
</div></details>
</aside>
</div>
"""


def _texts() -> dict[str, str]:
    """Gather the words of the panel."""
    return {
        "aside": _("Search, filters and status board"),
        "find": _("Find a resource, a kind or a commune"),
        "found": _("Found"),
        "near": _("Nearest to a place"),
        "from": _("Latitude, longitude"),
        "go": _("Search"),
        "locate": _("My position"),
        "pick": _("Choose on the map"),
        "many": _("Of each kind"),
        "closed": _("Closed ones too"),
        "filters": _("Filters"),
        "commune": _("Commune"),
        "status": _("Status"),
        "kinds": _("Kinds"),
        "all": _("All"),
        "none": _("None"),
        "symbols": _("Symbols"),
        "board": _("Status board"),
        "board_help": _(
            "Choose a resource and state what it is now. Statements stay in this browser; carry them to the others as a file. The later one wins."
        ),
        "author": _("Your name or unit"),
        "not_kept": _("This browser keeps nothing: export the statements before you close the page."),
        "export": _("Export"),
        "import": _("Merge files"),
        "conflicts": _("Conflicts: the later statement was kept"),
        "print": _("Print"),
        "print_a4": _("Map, A4"),
        "print_a3": _("Map, A3"),
        "print_list": _("Directory of what is shown"),
    }


def _communes(table: pd.DataFrame, units: gpd.GeoDataFrame) -> str:
    """Write the choices of the commune filter, by name."""
    names = dict(zip(units["insee_code"], units["name"], strict=True))
    codes = sorted(set(table["insee_code"]), key=lambda code: (str(names.get(code, code)), code))
    every = escape(_("All communes"))
    return f'<option value="">{every}</option>' + "".join(
        f'<option value="{escape(code)}">{escape(str(names.get(code, code)))}</option>' for code in codes
    )


def _boxes(table: pd.DataFrame, kinds: Sequence[Mapping[str, str]]) -> str:
    counts = table["kind"].value_counts()
    return "".join(
        f'<label><input type="checkbox" name="cz-kind" value="{at}" checked>'
        f'<canvas data-mark="{at} exact inconnu" aria-hidden="true"></canvas>'
        f'<span>{escape(kind["label"])}</span><span class="cz-many">{number(int(counts[kind["key"]]))}</span></label>'
        for at, kind in enumerate(kinds)
    )


def _statuses() -> str:
    return "".join(
        f'<label><input type="checkbox" name="cz-status" value="{key}" checked>'
        f'<canvas data-mark="0 exact {key}" aria-hidden="true"></canvas> <span>{escape(text)}</span></label>'
        for key, text in labels("resource_statuses").items()
    )


def _symbols() -> str:
    """Explain the shapes: how well a place is known."""
    rows = "".join(
        f'<li><canvas data-mark="0 {key} ouvert" aria-hidden="true"></canvas> <span>{escape(text)}</span></li>'
        for key, text in labels("position_precisions").items()
    )
    bars = escape(
        _("One bar: degraded. A cross: closed. A dark disc gathers several resources; red rim: one of them is closed.")
    )
    return f'<ul class="cz-symbols">{rows}</ul><p class="cg-definition">{bars}</p>'


def _lines(outlines: Mapping[str, gpd.GeoDataFrame]) -> str:
    return "".join(
        f'<label><input type="checkbox" name="cg-outline" value="{at}" checked> <span dir="auto">{escape(title)}</span></label>'
        for at, title in enumerate(outlines)
    )


def directory(count: int) -> str:
    """Write the place of the directory, which the script fills."""
    summary = escape(_("Directory: {count} resources").format(count=number(count)))
    return f"""
<section class="cg-twin" id="cg-twin" aria-label="{summary}">
<details id="cg-table"><summary><h2>{summary}</h2></summary><div id="cg-table-body"></div></details>
</section>
"""


def foot(notes: Sequence[str], lines: Sequence[str]) -> str:
    parts = []
    for heading, texts in ((_("Notes"), notes), (_("Sources and credits"), lines)):
        if texts:
            items = "".join(f'<li dir="auto">{escape(text)}</li>' for text in texts)
            parts.append(f"<section><h2>{escape(heading)}</h2><ul>{items}</ul></section>")
    made = escape(_("Page made with cptsgeo, Folium and Leaflet. It asks the network for nothing."))
    return f'<footer class="cg-foot">{"".join(parts)}<p>{made}</p></footer>'


def watermark(exercise: bool) -> str:
    word = escape(_("EXERCISE"))
    return f'<div class="cz-watermark" aria-hidden="true"><span>{word}</span></div>' if exercise else ""
