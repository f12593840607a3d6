"""Vendor the JavaScript, CSS, fonts and images that Folium pages link to.

    python scripts/vendor_assets.py            fetch, check, rewrite cptsgeo/maps/vendor/
    python scripts/vendor_assets.py --check    only check the files on disk against vendor.toml

Each package is pinned by name, version and integrity, fetched by ``npm pack``, reduced to what Folium needs (woff2 fonts
only, images as data URIs inside the CSS, no source maps), and indexed in ``vendor.toml`` with the addresses that it stands
in for. Folium names exact versions; a pattern with ``*`` keeps a patch release of Folium from breaking every page.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "cptsgeo" / "maps" / "vendor"
JSDELIVR, CDNJS = "https://cdn.jsdelivr.net/npm", "https://cdnjs.cloudflare.com/ajax/libs"
MIME = {".png": "image/png", ".gif": "image/gif", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@dataclass(frozen=True)
class Asset:
    """One file to keep: its place in the package, and the addresses it replaces."""

    key: str
    path: str
    urls: tuple[str, ...]
    prepare: Callable[[str], str] = str


@dataclass(frozen=True)
class Package:
    """One pinned npm package."""

    name: str
    version: str
    integrity: str
    licence: str
    licence_file: str
    assets: tuple[Asset, ...] = field(default_factory=tuple)


def font_awesome(css: str) -> str:
    """Keep the solid and regular faces, in woff2, once each."""
    kept = re.sub(
        r"@font-face\{([^}]*)\}",
        lambda face: face.group(0) if '"Font Awesome 6 Free"' in face.group(1) else "",
        css,
    )
    return re.sub(r",url\([^)]*\.ttf\) format\(\"truetype\"\)", "", kept)


def glyphicons(css: str) -> str:
    """Keep the glyphicons of Bootstrap 3, and nothing else of it."""
    face = '@font-face{font-family:"Glyphicons Halflings";src:url(../fonts/glyphicons-halflings-regular.woff2) format("woff2")}'
    return face + "".join(re.findall(r"\.glyphicon[\w-]*(?::before)?\{[^}]*\}", css))


def one_resolution(css: str) -> str:
    """Drop the images for dense screens: 160 kB for slightly sharper pins."""
    return re.sub(r"/\* Retina displays \*/\s*@media[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}", "", css)


PACKAGES = (
    Package(
        "leaflet",
        "1.9.4",
        "sha512-nxS1ynzJOmOlHp+iL3FyWqK89GtNL8U8rvlMOsQdTTssxZwCXh8N2NB3GDQOL+YR3XnWyZAxwQixURb+FA74PA==",
        "BSD-2-Clause",
        "LICENSE",
        (
            Asset("leaflet.js", "dist/leaflet.js", (f"{JSDELIVR}/leaflet@1.*/dist/leaflet.js",)),
            Asset("leaflet.css", "dist/leaflet.css", (f"{JSDELIVR}/leaflet@1.*/dist/leaflet.css",)),
            Asset("marker-icon.png", "dist/images/marker-icon.png", ()),
            Asset("marker-icon-2x.png", "dist/images/marker-icon-2x.png", ()),
            Asset("marker-shadow.png", "dist/images/marker-shadow.png", ()),
        ),
    ),
    Package(
        "jquery",
        "3.7.1",
        "sha512-m4avr8yL8kmFN8psrbFFFmB/If14iN5o9nw/NgnnM+kybDJpRsAynV2BsfpTYrTRysYUdADVD7CkUUizgkpLfg==",
        "MIT",
        "LICENSE.txt",
        (Asset("jquery.js", "dist/jquery.min.js", ("https://code.jquery.com/jquery-3.*.min.js",)),),
    ),
    Package(
        "bootstrap",
        "5.2.3",
        "sha512-cEKPM+fwb3cT8NzQZYEu4HilJ3anCrWqh3CHAok1p9jXqMPsPTBhU25fBckEJHJ/p+tTxTFTsFQGM+gaHpi3QQ==",
        "MIT",
        "LICENSE",
        (
            Asset(
                "bootstrap.js",
                "dist/js/bootstrap.bundle.min.js",
                (f"{JSDELIVR}/bootstrap@5.*/dist/js/bootstrap.bundle.min.js",),
            ),
            Asset(
                "bootstrap.css", "dist/css/bootstrap.min.css", (f"{JSDELIVR}/bootstrap@5.*/dist/css/bootstrap.min.css",)
            ),
        ),
    ),
    Package(
        "bootstrap",
        "3.4.1",
        "sha512-yN5oZVmRCwe5aKwzRj6736nSmKDX7pLYwsXiCj/EYmo16hODaBiT4En5btW/jhBF/seV+XMx3aYwukYC3A49DA==",
        "MIT",
        "LICENSE",
        (
            Asset(
                "glyphicons.css",
                "dist/css/bootstrap.min.css",
                ("https://netdna.bootstrapcdn.com/bootstrap/3.*/css/bootstrap-glyphicons.css",),
                glyphicons,
            ),
        ),
    ),
    Package(
        "@fortawesome/fontawesome-free",
        "6.2.1",
        "sha512-viouXhegu/TjkvYQoiRZK3aax69dGXxgEjpvZW81wIJdxm5Fnvp3VVIP4VHKqX4SvFw6qpmkILkD4RJWAdrt7A==",
        "CC-BY-4.0 AND OFL-1.1 AND MIT",
        "LICENSE.txt",
        (
            Asset(
                "fontawesome.css",
                "css/all.min.css",
                (f"{JSDELIVR}/@fortawesome/fontawesome-free@6.*/css/all.min.css",),
                font_awesome,
            ),
        ),
    ),
    Package(
        "leaflet.awesome-markers",
        "2.0.5",
        "sha512-Ne/xDjkGyaujwNVVkv2tyXQUV0ZW7gZ0Mo0FuQY4jp2qWrvXi0hwDBvmZyF/8YOvybyMabTMM/mFWCTd1jZIQA==",
        "MIT",
        "LICENSE",
        (
            Asset(
                "awesome-markers.js",
                "dist/leaflet.awesome-markers.min.js",
                (f"{CDNJS}/Leaflet.awesome-markers/2.*/leaflet.awesome-markers.js",),
            ),
            Asset(
                "awesome-markers.css",
                "dist/leaflet.awesome-markers.css",
                (f"{CDNJS}/Leaflet.awesome-markers/2.*/leaflet.awesome-markers.css",),
                one_resolution,
            ),
        ),
    ),
    Package(
        "leaflet.markercluster",
        "1.5.3",
        "sha512-vPTw/Bndq7eQHjLBVlWpnGeLa3t+3zGiuM7fJwCkiMFq+nmRuG3RI3f7f4N4TDX7T4NpbAXpR2+NTRSEGfCSeA==",
        "MIT",
        "MIT-LICENCE.txt",
        (
            Asset(
                "markercluster.js",
                "dist/leaflet.markercluster.js",
                (f"{CDNJS}/leaflet.markercluster/1.*/leaflet.markercluster.js",),
            ),
            Asset(
                "MarkerCluster.css",
                "dist/MarkerCluster.css",
                (f"{CDNJS}/leaflet.markercluster/1.*/MarkerCluster.css",),
            ),
            Asset(
                "MarkerCluster.Default.css",
                "dist/MarkerCluster.Default.css",
                (f"{CDNJS}/leaflet.markercluster/1.*/MarkerCluster.Default.css",),
            ),
        ),
    ),
    Package(
        "leaflet-search",
        "2.9.7",
        "sha512-v7CxEbXyQXqLFjSkTpvM5i1cvmrcPOos57UmTnR94qqvVZykXyz/0SKEs3cbkFHjyrmMQ3Yk2Q5W6PvyuiSuPg==",
        "MIT",
        "license.txt",
        (
            Asset(
                "leaflet-search.js",
                "dist/leaflet-search.min.js",
                (f"{JSDELIVR}/leaflet-search@2.*/dist/leaflet-search.min.js",),
            ),
            Asset(
                "leaflet-search.css",
                "dist/leaflet-search.min.css",
                (f"{JSDELIVR}/leaflet-search@2.*/dist/leaflet-search.min.css",),
            ),
        ),
    ),
    Package(
        "leaflet.fullscreen",
        "3.0.2",
        "sha512-m27waFVmwdrLGXjZw2L8b7w/W28EY+u7IGzK2x8K99XaPuzKbjI+/H1j0OMawLcRPZyDRh+39XpyLsvDwHUEoA==",
        "MIT",
        "LICENSE",
        (
            Asset(
                "fullscreen.js",
                "Control.FullScreen.js",
                (f"{JSDELIVR}/leaflet.fullscreen@3.*/Control.FullScreen*.js",),
            ),
            Asset(
                "fullscreen.css",
                "Control.FullScreen.css",
                (f"{JSDELIVR}/leaflet.fullscreen@3.*/Control.FullScreen*.css",),
            ),
        ),
    ),
    Package(
        "leaflet-groupedlayercontrol",
        "0.6.1",
        "sha512-xkGeH6ygcryFQI0FUWn6Bz93zlwrOSpeXgJQ3jLRoUQJ5h/Qgrz+GqR9nhBFfikjUKtC1sCKL3eDR9wNTWhLlA==",
        "MIT",
        "LICENSE.txt",
        (
            Asset(
                "groupedlayercontrol.js",
                "dist/leaflet.groupedlayercontrol.min.js",
                (f"{CDNJS}/leaflet-groupedlayercontrol/0.*/leaflet.groupedlayercontrol.min.js",),
            ),
            Asset(
                "groupedlayercontrol.css",
                "dist/leaflet.groupedlayercontrol.min.css",
                (f"{CDNJS}/leaflet-groupedlayercontrol/0.*/leaflet.groupedlayercontrol.min.css",),
            ),
        ),
    ),
    Package(
        "topojson-client",
        "3.1.0",
        "sha512-605uxS6bcYxGXw9qi62XyrV6Q3xwbndjachmNxu8HWTtVPxZfEJN9fd/SZS1Q54Sn2y0TMyMxFj/cJINqGHrKw==",
        "ISC",
        "LICENSE",
        (
            Asset(
                "topojson.js",
                "dist/topojson-client.min.js",
                (f"{CDNJS}/topojson/*/topojson.min.js", f"{CDNJS}/topojson/*/topojson.js"),
            ),
        ),
    ),
)


def fetch(package: Package, folder: Path) -> Path:
    """Fetch one package with npm, check its integrity, and unpack it."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}", "--pack-destination", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    flat = package.name.lstrip("@").replace("/", "-")
    archive = folder / f"{flat}-{package.version}.tgz"
    digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.integrity:
        raise SystemExit(f"{package.name}@{package.version}: integrity is {digest}, {package.integrity} expected")
    target = folder / f"{flat}-{package.version}"
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def inline_images(css: str, folder: Path) -> str:
    """Write every file that a style sheet points to as a data URI."""

    def replace(match: re.Match[str]) -> str:
        address = match.group(2)
        if address.startswith(("data:", "#")):
            return match.group(0)
        source = (folder / address).resolve()
        data = base64.b64encode(source.read_bytes()).decode()
        return f'url("data:{MIME[source.suffix]};base64,{data}")'

    return re.sub(r"url\((['\"]?)([^'\")]+)\1\)", replace, css)


def prepared(asset: Asset, root: Path) -> bytes:
    """Return the bytes of a file as they go into a page."""
    source = root / asset.path
    if source.suffix not in {".js", ".css"}:
        return source.read_bytes()
    text = asset.prepare(source.read_text(encoding="utf-8-sig"))
    text = re.sub(r"(?m)^\s*(//[#@] ?sourceMappingURL=\S*|/\*[#@] ?sourceMappingURL=.*?\*/)\s*$", "", text)
    text = re.sub(r"/\*# ?sourceMappingURL=.*?\*/", "", text)
    if source.suffix == ".css":
        text = inline_images(text, source.parent)
    return (text.strip() + "\n").encode()


def vendor() -> None:
    """Rewrite the vendored folder from the pinned packages."""
    lines = ["# Written by scripts/vendor_assets.py: change the list there, not here.\n"]
    with tempfile.TemporaryDirectory() as scratch:
        roots = [fetch(package, Path(scratch)) for package in PACKAGES]
        shutil.rmtree(VENDOR, ignore_errors=True)
        (VENDOR / "licences").mkdir(parents=True)
        for package, root in zip(PACKAGES, roots, strict=True):
            flat = package.name.lstrip("@").replace("/", "-")
            licence = f"licences/{flat}-{package.version}.txt"
            (VENDOR / licence).write_bytes((root / package.licence_file).read_bytes())
            lines.append(
                f'[[package]]\nname = "{package.name}"\nversion = "{package.version}"\n'
                f'integrity = "{package.integrity}"\nlicence = "{package.licence}"\nlicence_file = "{licence}"\n'
            )
            for asset in package.assets:
                data = prepared(asset, root)
                (VENDOR / asset.key).write_bytes(data)
                urls = "".join(f'  "{url}",\n' for url in asset.urls)
                lines.append(
                    f'[[package.file]]\nfile = "{asset.key}"\nfrom = "{asset.path}"\n'
                    f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nreplaces = [{chr(10) + urls if urls else ""}]\n'
                )
    (VENDOR / "vendor.toml").write_text("\n".join(lines), encoding="utf-8")


def check() -> int:
    """Compare the files on disk with the index; return the number of differences."""
    import tomllib

    index = tomllib.loads((VENDOR / "vendor.toml").read_text(encoding="utf-8"))
    expected = {file["file"]: file["sha256"] for package in index["package"] for file in package["file"]}
    wrong = [
        name
        for name, sha256 in expected.items()
        if not (VENDOR / name).is_file() or hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() != sha256
    ]
    wrong += [path.name for path in VENDOR.iterdir() if path.is_file() and path.name not in {*expected, "vendor.toml"}]
    for name in wrong:
        print(f"{name}: not as vendor.toml says", file=sys.stderr)
    return len(wrong)


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        vendor()
    sys.exit(1 if check() else 0)
