"""Fetch a layer of a WFS page by page, into one GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.errors import FileError
from cptsgeo.i18n import _
from cptsgeo.sources.download import Fetched, Limits, fetch

if TYPE_CHECKING:
    import httpx

PAGE = 500
MAX_PAGES = 200


def fetch_layer(
    client: httpx.Client,
    address: str,
    target: Path,
    *,
    limits: Limits,
    page: int = PAGE,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Fetched:
    """Fetch every feature of a WFS 2.0 ``GetFeature`` (GeoServer, ``outputFormat=application/json``) into one GeoJSON.

    Parameters
    ----------
    client, address, target, limits, progress
        As for :func:`cptsgeo.sources.download.fetch`; the progress is that of the page.
    page
        Features asked for at once (``count``, ``startIndex``).

    Raises
    ------
    FileError
        When a page is not GeoJSON, comes twice, or the features are fewer than the server says there are.
    """
    features: list[dict[str, Any]] = []
    seen: set[str] = set()
    whole: dict[str, Any] = {}
    fetched = Fetched("", "", "")
    for number in range(MAX_PAGES):
        joint = "&" if "?" in address else "?"
        part = target.with_name(f"{target.name}.page{number}")
        fetched = fetch(
            client,
            f"{address}{joint}count={page}&startIndex={number * page}",
            part,
            limits=limits,
            form="json",
            progress=progress,
        )
        whole = _collection(part, address)
        part.unlink()
        new = whole["features"]
        marks = {json.dumps(feature, sort_keys=True) for feature in new}
        if marks & seen:
            if number == 1 and marks <= seen:
                break
            raise FileError(
                _("the server sends the same features again: it does not page as asked"),
                fix=_("download the layer in a browser and give it with --mirror"),
                where=address,
            )
        seen |= marks
        features += new
        matched = whole.get("numberMatched")
        if len(new) < page or (isinstance(matched, int) and len(features) >= matched):
            break
    matched = whole.get("numberMatched")
    if isinstance(matched, int) and len(features) != matched:
        raise FileError(
            _("{count} features came of the {matched} that the server says there are").format(
                count=len(features), matched=matched
            ),
            fix=_("try again, or download the layer in a browser and give it with --mirror"),
            where=address,
        )
    merged = {"type": "FeatureCollection", **({"crs": whole["crs"]} if "crs" in whole else {}), "features": features}
    target.write_text(json.dumps(merged, ensure_ascii=False) + "\n", encoding="utf-8")
    return Fetched("", fetched.etag, fetched.last_modified)


def _collection(part: Path, address: str) -> dict[str, Any]:
    try:
        whole: dict[str, Any] = json.loads(part.read_text(encoding="utf-8"))
        if not isinstance(whole["features"], list):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        part.unlink()
        raise FileError(
            _("the answer of the WFS is not a collection of features"),
            fix=_("look at it in a browser: the layer may have another name now"),
            where=address,
        ) from error
    return whole
