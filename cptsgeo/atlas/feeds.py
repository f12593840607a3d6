"""What other programs read of a site: sitemap, RSS of updates, search index; and what changed since the last one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from cptsgeo.i18n import _, current_language, day, ngettext, number
from cptsgeo.parameters import labels

if TYPE_CHECKING:
    from cptsgeo.atlas.places import Atlas

KEPT_UPDATES = 30
EXAMPLES = 12


class Update(NamedTuple):
    """One state of the atlas: its key, its day when known, what it says, and what changed."""

    key: str
    day: str
    finding: str
    changes: tuple[str, ...] = ()


def read_updates(text: str | None) -> list[Update]:
    """Read the list of updates that an earlier run wrote, the newest first."""
    return [Update(one["key"], one["day"], one["finding"], tuple(one["changes"])) for one in json.loads(text or "[]")]


def write_updates(updates: Sequence[Update]) -> str:
    """Write the list of updates."""
    return json.dumps([one._asdict() for one in updates], ensure_ascii=False, indent=1) + "\n"


def next_updates(
    before: Sequence[Update],
    *,
    units: str,
    sizes: str,
    units_before: str | None,
    sizes_before: str | None,
    finding: str,
    when: date | None,
) -> list[Update]:
    """Put this state in front of the earlier ones, unless it is the last one already.

    Parameters
    ----------
    before
        Earlier updates, the newest first.
    units, sizes
        The tables of the communes and of the CPTS as CSV, now; ``…_before``: as they were. Tables with other columns
        (of another version) are not compared.
    finding
        What the atlas says now.
    when
        Day on which the list of CPTS was true.
    """
    key = hashlib.sha256((units + sizes).encode()).hexdigest()[:16]
    if before and before[0].key == key:
        return list(before)
    changes: list[str] = []
    if (
        units_before
        and sizes_before
        and _header(units_before) == _header(units)
        and _header(sizes_before) == _header(sizes)
    ):
        changes = compare(units_before, units, sizes_before, sizes)
    return [Update(key, when.isoformat() if when else "", finding, tuple(changes)), *before][:KEPT_UPDATES]


def compare(units_before: str, units: str, sizes_before: str, sizes: str) -> list[str]:
    """Say in words what changed between two states of the tables: CPTS, their stages and classes, communes, inhabitants."""
    old_cpts, new_cpts = _rows(sizes_before, "cpts_id"), _rows(sizes, "cpts_id")
    old, new = _rows(units_before, "insee_code"), _rows(units, "insee_code")
    both_cpts = [(old_cpts[code], row) for code, row in new_cpts.items() if code in old_cpts]
    both = [(old[code], row) for code, row in new.items() if code in old]
    stages = labels("stages") | {"": _("stage unknown")}
    came = [row["cpts_name"] for code, row in new_cpts.items() if code not in old_cpts]
    left = [row["cpts_name"] for code, row in old_cpts.items() if code not in new_cpts]
    stage = [
        f"{now['cpts_name']} ({stages[before['stage']]} → {stages[now['stage']]})"
        for before, now in both_cpts
        if before["stage"] != now["stage"]
    ]
    size = [
        f"{now['cpts_name']} ({before['size_class'] or '?'} → {now['size_class'] or '?'})"
        for before, now in both_cpts
        if before["size_class"] != now["size_class"]
    ]
    won = [now["name"] for before, now in both if before["cpts_count"] == "0" and now["cpts_count"] != "0"]
    lost = [now["name"] for before, now in both if before["cpts_count"] != "0" and now["cpts_count"] == "0"]
    moved = [
        now["name"]
        for before, now in both
        if before["cpts"] != now["cpts"] and "0" not in (before["cpts_count"], now["cpts_count"])
    ]
    added = [row["name"] for code, row in new.items() if code not in old]
    gone = [row["name"] for code, row in old.items() if code not in new]
    counted = [now["name"] for before, now in both if before["population"] != now["population"]]
    texts = [
        (came, ngettext("{count} new CPTS: {names}", "{count} new CPTS: {names}", len(came))),
        (left, ngettext("{count} CPTS is gone: {names}", "{count} CPTS are gone: {names}", len(left))),
        (stage, ngettext("{count} CPTS changed stage: {names}", "{count} CPTS changed stage: {names}", len(stage))),
        (
            size,
            ngettext("{count} CPTS changed size class: {names}", "{count} CPTS changed size class: {names}", len(size)),
        ),
        (
            won,
            ngettext(
                "{count} commune is now in a CPTS: {names}", "{count} communes are now in a CPTS: {names}", len(won)
            ),
        ),
        (
            lost,
            ngettext(
                "{count} commune is no longer in a CPTS: {names}",
                "{count} communes are no longer in a CPTS: {names}",
                len(lost),
            ),
        ),
        (
            moved,
            ngettext(
                "{count} commune is in another CPTS: {names}",
                "{count} communes are in another CPTS: {names}",
                len(moved),
            ),
        ),
        (added, ngettext("{count} commune was added: {names}", "{count} communes were added: {names}", len(added))),
        (gone, ngettext("{count} commune was removed: {names}", "{count} communes were removed: {names}", len(gone))),
        (
            counted,
            ngettext(
                "{count} commune has another population: {names}",
                "{count} communes have another population: {names}",
                len(counted),
            ),
        ),
    ]
    return [
        text.format(
            count=number(len(found)), names=", ".join(found[:EXAMPLES]) + (", …" if len(found) > EXAMPLES else "")
        )
        for found, text in texts
        if found
    ]


def _header(text: str) -> str:
    """Return the first line of a CSV."""
    return text.partition("\n")[0]


def _rows(text: str, key: str) -> dict[str, dict[str, str]]:
    """Read a CSV by its key; the apostrophe that guards a spreadsheet stays, it is the same on both sides."""
    return {row[key]: row for row in csv.DictReader(io.StringIO(text))}


def sitemap(url: str, paths: Sequence[str]) -> str:
    """List the pages of a site for search engines.

    Examples
    --------
    >>> "<loc>https://cpts.example/atlas/cpts/a.html</loc>" in sitemap("https://cpts.example/atlas", ["cpts/a.html"])
    True
    """
    rows = "".join(f"<url><loc>{escape(address(url, path))}</loc></url>\n" for path in paths)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{rows}</urlset>\n"
    )


def address(url: str, path: str) -> str:
    """Return the address of a page of a site published at ``url``; the home page is the folder itself."""
    return f"{url.rstrip('/')}/{'' if path == 'index.html' else path}"


def rss(url: str, updates: Sequence[Update], *, title: str) -> str:
    """Write the updates as RSS 2.0; an update without a day has no date, rather than that of the computer."""
    items = []
    for one in updates:
        lines = [one.finding, *one.changes]
        heading = _("State of {day}").format(day=day(date.fromisoformat(one.day))) if one.day else _("Update")
        dated = ""
        if one.day:
            moment = datetime.combine(date.fromisoformat(one.day), datetime.min.time(), tzinfo=UTC)
            dated = f"<pubDate>{format_datetime(moment, usegmt=True)}</pubDate>"
        items.append(
            f"<item><title>{_xml(heading)}</title><link>{_xml(address(url, 'updates.html'))}</link>"
            f'<guid isPermaLink="false">{_xml(one.key)}</guid>{dated}<description>{_xml(chr(10).join(lines))}'
            "</description></item>\n"
        )
    about = _xml(_("Changes of the coverage by CPTS"))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>\n'
        f"<title>{_xml(title)}</title><link>{_xml(address(url, 'index.html'))}</link><description>{about}</description>"
        f"<language>{current_language()}</language>\n{''.join(items)}</channel></rss>\n"
    )


def _xml(text: str) -> str:
    """Escape a text for XML, without the characters that XML cannot hold."""
    return escape("".join(c for c in text if c in "\t\n\r" or (ord(c) >= 32 and ord(c) not in {0xFFFE, 0xFFFF})))


def search_index(atlas: Atlas) -> str:
    """Pack what the search of the home page reads: places, then communes with their département, deflated.

    Returns
    -------
    str
        Base64 of deflated JSON: ``places`` (name, kind, path) and ``communes`` (name, code, number of the place).
    """
    places: list[tuple[str, str, str]] = []
    numbers: dict[str, int] = {}
    kinds: Mapping[str, str] = {
        "region": _("Région"),
        "departement": _("Département"),
        "cpts": _("CPTS"),
        "cluster": _("White zone"),
    }
    for kind, words in kinds.items():
        for one in atlas.places[kind].values():
            if kind == "departement":
                numbers[one.code] = len(places)
            places.append((one.name, words, one.path))
    columns = atlas.columns
    communes: list[tuple[Any, ...]] = [
        (columns["name"][row], columns["insee_code"][row], numbers[str(columns["departement_code"][row])])
        for row in atlas.home.rows.tolist()
        if str(columns["departement_code"][row]) in numbers
    ]
    text = json.dumps({"places": places, "communes": communes}, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
