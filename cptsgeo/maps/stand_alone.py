"""Make a Folium page stand alone: every link replaced by vendored content, everything else forbidden.

A page that Folium writes loads a dozen files from five hosts. :func:`self_contained` gives the same page with those files
inside, with fixed identifiers (identical bytes for an identical map), and with a Content-Security-Policy that allows the
scripts of the page by their hash and nothing from anywhere else.

What it does not do: it does not clean the names that a user's own ``folium.Map`` writes into JavaScript template strings
(popups, tooltips, layer names). :class:`cptsgeo.maps.CommuneLayer` never writes data there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape, unescape

import folium
from branca.element import Figure

from cptsgeo.errors import UsageError
from cptsgeo.i18n import _, current_language
from cptsgeo.maps.assets import bootstrap_classes, stand_in, vendored_data_uri, vendored_text

_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(r"<link\b([^>]*)/?>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_LOADING_TAG = re.compile(
    r"""<(?:img|iframe|audio|video|source|embed|track|object|input)\b[^>]*?\b(?:src|srcset|poster|data)\s*=\s*\\?["']?"""
    r"""((?!data:|blob:|about:|[#$+{])[^\s"'\\>]+)""",
    re.IGNORECASE,
)
_FRAME_INSIDE = re.compile(r"""<iframe\b[^>]*?\bsrc\s*=\s*\\?["']?data:""", re.IGNORECASE)
_LOADING_CALL = re.compile(
    r"""(?:L\.(?:tileLayer(?:\.wms)?|imageOverlay|videoOverlay)\(|\$\.(?:ajax|getJSON|get)\(|\bfetch\(|"?url"?\s*:)\s*"""
    r"""\{?\s*(?:"?url"?\s*:)?\s*["'`]((?:https?:)?//[^"'`]+)["'`]"""
)
_CSS_LOAD = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^\s"')]+)""", re.IGNORECASE)
_DECLARED_ID = re.compile(r"""(?:(?:var|let|const|function)\s+|\bid\s*=\s*["']?)(\w+?_[0-9a-f]{32})\b""")
_CLASS_LIST = re.compile(r"""class(?:Name|es)?\\?["']?\s*[=:]\s*\\?["'`]([^"'`\\>]*)""", re.IGNORECASE)
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_LEAFLET_ICONS = (
    "L.Icon.Default.imagePath='';L.Icon.Default.mergeOptions({{iconUrl:'{icon}',"
    "iconRetinaUrl:'{retina}',shadowUrl:'{shadow}'}});"
)


def self_contained(m: folium.Map, *, title: str = "", lang: str | None = None, online: Sequence[str] = ()) -> str:
    """Write a whole map as one HTML page that asks the network for nothing.

    Vendored: Leaflet, jQuery, Bootstrap, glyphicons, Font Awesome, awesome markers, MarkerCluster, Search, Fullscreen,
    GroupedLayerControl and TopoJson. What the map does not use is left out.

    Parameters
    ----------
    m
        Any Folium map.
    title
        The page's title, shown as text whatever it holds; “Map” in the language of the page when not given.
    lang
        The page's language; by default the language in which texts are now written.
    online
        Origins that the page may ask for images, such as ``https://tile.openstreetmap.org``. Empty: none.

    Raises
    ------
    UsageError
        When the map links to something that is neither vendored nor allowed; every such link is named.

    Examples
    --------
    >>> page = self_contained(folium.Map([46, 2], tiles=None), title="Communes")
    >>> "https://cdn" in page, page == self_contained(folium.Map([46, 2], tiles=None), title="Communes")
    (False, True)
    """
    root = m.get_root()
    assert isinstance(root, Figure), "a folium.Map is always in a Figure"
    root.render()
    script = root.script.render()
    script = re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE).replace("<!--", r"<\!--")
    html = (
        f"<!DOCTYPE html>\n<html>\n<head>\n<title>{escape(title or _('Map'))}</title>\n{root.header.render()}\n</head>\n<body>\n"
        f"{root.html.render()}\n<script>\n{script}\n</script>\n</body>\n</html>\n"
    )
    return _stand_alone(html, lang=lang or current_language(), online=online)


def inline_page(html: str, *, online: Sequence[str] = ()) -> str:
    """Make an existing page, as ``folium.Map.save`` wrote it, stand alone.

    Parameters
    ----------
    html
        The page's text. Its title and language stay as they are.
    online
        Origins that the page may ask for images.

    Raises
    ------
    UsageError
        As :func:`self_contained`.
    """
    return _stand_alone(html, lang=None, online=online)


def _attributes(text: str) -> dict[str, str]:
    """Read the attributes of a tag."""
    return {m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(text)}


def _stand_alone(html: str, *, lang: str | None, online: Sequence[str]) -> str:
    """Replace links, fix identifiers, add the policy."""
    own = _own_text(html)
    unknown = list(_unknown_links(html, own, online))
    if unknown:
        raise UsageError(
            _("the map links to {count} address(es) without a copy in cptsgeo: {links}").format(
                count=len(unknown), links=", ".join(unknown)
            ),
            fix=_(
                "remove what needs them (basemap: folium.Map(tiles=None)), put the file's content into the map, "
                "or allow an image origin with online=[…]"
            ),
        )
    dropped = _not_needed(own)
    rotations = sorted({int(angle) for angle in re.findall(r"fa-rotate-(\d{1,3})\b", own)} - {0})

    def script(match: re.Match[str]) -> str:
        source = _attributes(match[1]).get("src")
        name = stand_in(source) if source else None
        if name is None:
            return match[0]
        if name in dropped:
            return ""
        code = re.sub(r"</(script)", r"<\\/\1", vendored_text(name), flags=re.IGNORECASE)
        if name == "leaflet.js":
            code += _LEAFLET_ICONS.format(
                icon=vendored_data_uri("marker-icon.png"),
                retina=vendored_data_uri("marker-icon-2x.png"),
                shadow=vendored_data_uri("marker-shadow.png"),
            )
        return f"<script>{code}</script>"

    def link(match: re.Match[str]) -> str:
        href = _attributes(match[1]).get("href", "")
        if _is_rotation(href):
            rules = "".join(f".fa-rotate-{angle}{{transform:rotate({angle}deg)}}" for angle in rotations)
            return f"<style>{rules}</style>" if rules else ""
        name = stand_in(href)
        if name is None:
            return match[0]
        return "" if name in dropped else f"<style>{vendored_text(name)}</style>"

    html = _stable_ids(html)
    html = re.sub(r"\s*<meta\s+http-equiv=[\"']Content-Security-Policy[\"'][^>]*>\s*", "\n", html, flags=re.IGNORECASE)
    html = re.sub(r"<meta\s+name=[\"']viewport[\"'][^>]*>", _VIEWPORT, html, flags=re.IGNORECASE)
    html = re.sub(r"(?m)^\s*(?://[#@]|/\*[#@]) ?sourceMappingURL=.*$\n?", "", html)
    html = _SCRIPT.sub(script, _LINK.sub(link, html))
    if lang:
        html = re.sub(r"<html\b[^>]*>", f'<html lang="{escape(lang)}">', html, count=1, flags=re.IGNORECASE)
    return _with_policy(html, online)


def _own_text(html: str) -> str:
    """Return what the map itself wrote: the page without links and tags that load a script."""
    return _LINK.sub("", _SCRIPT.sub(lambda m: "" if "src" in _attributes(m[1]) else m[2], html))


def _is_rotation(url: str) -> bool:
    """Tell whether a link is Folium's own style sheet of rotated markers, which we write ourselves."""
    return url.endswith("leaflet.awesome.rotate.min.css")


def _unknown_links(html: str, own: str, online: Sequence[str]) -> Iterable[str]:
    """Yield each address that the page would ask for and that nothing stands in for, once."""
    links = [_attributes(m[1]).get("src", "") for m in _SCRIPT.finditer(html)]
    for match in _LINK.finditer(html):
        attributes = _attributes(match[1])
        if attributes.get("rel", "stylesheet").lower() not in {"canonical", "alternate", "author", "license", "me"}:
            links.append(attributes.get("href", ""))
    unknown = [
        url for url in links if url and not url.startswith("data:") and not stand_in(url) and not _is_rotation(url)
    ]
    loads = [*_LOADING_TAG.findall(own), *_LOADING_CALL.findall(own)]
    loads += [url for style in re.findall(r"(?is)<style\b[^>]*>(.*?)</style", own) for url in _CSS_LOAD.findall(style)]
    unknown += [url for url in loads if not any(url.startswith(origin) for origin in online)]
    return dict.fromkeys(unknown)


def _not_needed(own: str) -> set[str]:
    """Name the vendored files that nothing in the map's own text uses."""
    classes = {name for names in _CLASS_LIST.findall(own) for name in names.split()}
    dropped = set()
    if not re.search(r"\$\(|\$\.|\bjQuery\b", own):
        dropped.add("jquery.js")
    if not re.search(r"data-(?:bs-|toggle)|\bbootstrap\.", own):
        dropped.add("bootstrap.js")
    if "bootstrap.js" in dropped and not classes & bootstrap_classes():
        dropped.add("bootstrap.css")
    if "AwesomeMarkers" not in own:
        dropped |= {"awesome-markers.js", "awesome-markers.css"}
    prefixes = set(re.findall(r"[\"']?prefix[\"']?\s*:\s*[\"'](\w+)", own))
    if not ("glyphicon" in classes or "glyphicon" in prefixes):
        dropped.add("glyphicons.css")
    if not ((classes | prefixes) & {"fa", "fas", "far", "fa-solid", "fa-regular"}):
        dropped.add("fontawesome.css")
    return dropped


def _stable_ids(html: str) -> str:
    """Replace Folium's random identifiers by numbers, in the order in which the page declares them."""
    order = list(dict.fromkeys(name[-32:] for name in _DECLARED_ID.findall(html)))
    numbers = {random: str(rank) for rank, random in enumerate(order, start=1)}
    return re.sub(r"(?<=_)[0-9a-f]{32}(?![0-9a-f])", lambda m: numbers.get(m[0], m[0]), html)


def _with_policy(html: str, online: Sequence[str]) -> str:
    """Add the Content-Security-Policy, with the hash of every script of the page; frames may show what the page holds."""
    hashes = []
    for match in _SCRIPT.finditer(html):
        if _attributes(match[1]).get("type", "text/javascript") in {"text/javascript", "module", ""}:
            text = match[2].replace("\r\n", "\n").replace("\r", "\n")
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            hashes.append(f"'sha256-{digest}'")
    for origin in online:
        if not re.fullmatch(r"https?://[\w.*-]+(?::\d+)?", origin):
            raise UsageError(
                _("{origin!r} is not the origin of a site").format(origin=origin),
                fix=_("write the scheme and the host only, such as https://tile.openstreetmap.org"),
            )
    images = " ".join(["data:", "blob:", *online])
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(dict.fromkeys(hashes)) or chr(39) + 'none' + chr(39)}",
            "style-src 'unsafe-inline'",
            f"img-src {images}",
            "font-src data:",
            "connect-src data: blob:",
            *(["frame-src data:"] if _FRAME_INSIDE.search(html) else []),
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    meta = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    html = re.sub(
        r"\s*<meta\s+(?:charset=|http-equiv=[\"']content-type[\"'])[^>]*>\s*", "\n", html, flags=re.IGNORECASE
    )
    return re.sub(r"<head\b[^>]*>", lambda m: f"{m[0]}\n{meta}", html, count=1, flags=re.IGNORECASE)
