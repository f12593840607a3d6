"""The pages that others would write of the same communes: what Folium offers, and the libraries of vector tiles.

Each function takes the results of a study and a folder to work in, and returns HTML that holds its data and scripts. The
libraries that are not in Folium come from npm, in the versions of :data:`PACKAGES`.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import folium
import geopandas as gpd
import pyogrio
import shapely

from cptsgeo.maps.assets import vendored_text
from cptsgeo.maps.stand_alone import self_contained
from cptsgeo.results import Results

SAID = ["name", "insee_code", "population", "cpts", "stage_label"]
COLOURS = {"white_zone": "#f7b267", "aci_signe": "#0b4a8f"}
OTHER = "#8fc1de"
PACKAGES = (
    *("leaflet.vectorgrid@1.3.0", "topojson-server@3.0.1", "topojson-simplify@3.0.3"),
    *("protomaps-leaflet@5.1.0", "pmtiles@4.5.0"),
)
PRECISION = 1e-5
SIMPLIFIED_M = 300
STERADIANS = str(SIMPLIFIED_M**2 / 2 / 6_371_000**2)
MAP = "const map = window.leaflet_map = L.map('map', {preferCanvas: true}).setView([46.6, 2.4], 6);"
STYLE = f"const colours = {json.dumps(COLOURS)}; const colour = (stage) => colours[stage] || '{OTHER}';"


class Peer(NamedTuple):
    """How to write a page, and the element that tells that it is drawn."""

    write: Callable[[Results, Path], str]
    ready: str = ".leaflet-overlay-pane canvas"


def drawn(results: Results) -> gpd.GeoDataFrame:
    """Return the drawn communes with what the tooltip says."""
    units = results.units[[*SAID, "stage", "geometry"]]
    return units[units.geometry.notna()].astype({"population": "float64"})


def simplified(results: Results) -> gpd.GeoDataFrame:
    """Return the drawn communes, each simplified on its own."""
    units = drawn(results)
    units["geometry"] = units.geometry.to_crs(2154).simplify(SIMPLIFIED_M).to_crs(4326)
    return units


def modules(folder: Path) -> Path:
    """Install the packages of npm once, and return where they are."""
    place = folder / "node_modules"
    if not place.exists():
        words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
        subprocess.run(words, check=True)
    return place


def blank() -> folium.Map:
    """Make a map of France on canvas, without a basemap."""
    return folium.Map([46.6, 2.4], zoom_start=6, tiles=None, prefer_canvas=True)


def style(row: dict[str, Any]) -> dict[str, Any]:
    """Colour a commune as our page does, patterns left out."""
    return {"fillColor": COLOURS.get(row["properties"]["stage"], OTHER), "weight": 0.3}


def geojson(results: Results, _folder: Path) -> str:
    """Draw with ``folium.GeoJson``."""
    m = blank()
    folium.GeoJson(simplified(results), style_function=style, tooltip=folium.GeoJsonTooltip(SAID)).add_to(m)
    return self_contained(m, title="folium.GeoJson")


def explore(results: Results, _folder: Path) -> str:
    """Draw with ``GeoDataFrame.explore``."""
    m, units = blank(), simplified(results)
    units.explore(m=m, color=units["stage"].map(COLOURS).fillna(OTHER), tooltip=SAID, style_kwds={"weight": 0.3})
    return self_contained(m, title="GeoDataFrame.explore")


def topojson(results: Results, folder: Path) -> str:
    """Draw with ``folium.TopoJson``: arcs shared by neighbours, made and simplified by the tools of TopoJSON."""
    units = drawn(results)
    units["geometry"] = shapely.set_precision(units.geometry.to_numpy(), PRECISION)
    source, shared, target = folder / "units.geojson", folder / "shared.topojson", folder / "units.topojson"
    source.write_text(units.to_json(drop_id=True), encoding="utf-8")
    tools = modules(folder)
    node = ["node", "--max-old-space-size=8000"]
    made = [*node, str(tools / "topojson-server/bin/geo2topo"), "-q", "1e5", "-o", str(shared), f"data={source}"]
    thinned = [
        *node,
        str(tools / "topojson-simplify/bin/toposimplify"),
        "-s",
        STERADIANS,
        "-o",
        str(target),
        str(shared),
    ]
    for words in (made, thinned):
        subprocess.run(words, check=True)
    m = blank()
    data = json.loads(target.read_text(encoding="utf-8"))
    folium.TopoJson(data, "objects.data", style_function=style, tooltip=folium.GeoJsonTooltip(SAID)).add_to(m)
    return self_contained(m, title="folium.TopoJson")


def bare(scripts: list[str], body: str) -> str:
    """Write a page with Leaflet, scripts and a map over its whole size."""
    texts = [text.replace("</script", "<\\/script") for text in (vendored_text("leaflet.js"), *scripts)]
    loaded = "".join(f"<script>{text}</script>" for text in texts)
    return (
        f"<!doctype html><meta charset=utf-8><style>{vendored_text('leaflet.css')} #map {{ position: absolute; inset: 0 }}</style>"
        f"{loaded}<div id=map></div><script>{MAP}{STYLE}{body}</script>"
    )


def vectorgrid(results: Results, folder: Path) -> str:
    """Draw with Leaflet.VectorGrid, which cuts the communes into tiles with geojson-vt in the browser."""
    script = modules(folder) / "leaflet.vectorgrid/dist/Leaflet.VectorGrid.bundled.min.js"
    units = simplified(results)
    units["geometry"] = shapely.set_precision(units.geometry.to_numpy(), PRECISION)
    body = """
    const layer = L.vectorGrid.slicer(DATA, {rendererFactory: L.canvas.tile, interactive: true, maxZoom: 14,
      vectorTileLayerStyles: {sliced: (row) => ({fill: true, fillOpacity: 1, fillColor: colour(row.stage), color: "#fff", weight: 0.3})}}).addTo(map);
    layer.bindTooltip(""); layer.on("mouseover", (event) => { layer.setTooltipContent(event.layer.properties.name); layer.openTooltip(event.latlng); });
    """
    data = units.to_json(drop_id=True).replace("<", "\\u003c")
    return bare([script.read_text(encoding="utf-8")], body.replace("DATA", data))


def protomaps(results: Results, folder: Path) -> str:
    """Draw with protomaps-leaflet, from PMTiles made by GDAL and kept in the page."""
    tools, tiles = modules(folder), folder / "units.pmtiles"
    pyogrio.write_dataframe(
        drawn(results), tiles, layer="units", driver="PMTiles", dataset_options={"MINZOOM": 4, "MAXZOOM": 10}
    )
    body = """
    const bytes = Uint8Array.from(atob("DATA"), (letter) => letter.charCodeAt(0)).buffer;
    const source = {getKey: () => "units", getBytes: async (from, length) => ({data: bytes.slice(from, from + length)})};
    const layer = protomapsL.leafletLayer({url: new pmtiles.PMTiles(source), maxDataZoom: 10, labelRules: [], paintRules: [{dataLayer: "units",
      symbolizer: new protomapsL.PolygonSymbolizer({fill: (_zoom, feature) => colour(feature.props.stage), stroke: "#fff", width: 0.3})}]}).addTo(map);
    const tip = L.tooltip();
    map.on("mousemove", ({latlng}) => {
      const found = [...layer.queryTileFeaturesDebug(latlng.lng, latlng.lat, 1).values()].flat();
      if (found.length) tip.setLatLng(latlng).setContent(found[0].feature.props.name).openOn(map);
    });
    """
    scripts = [tools / "pmtiles/dist/pmtiles.js", tools / "protomaps-leaflet/dist/protomaps-leaflet.js"]
    data = base64.b64encode(tiles.read_bytes()).decode("ascii")
    return bare([script.read_text(encoding="utf-8") for script in scripts], body.replace("DATA", data))


PEERS = {
    "folium.GeoJson": Peer(geojson),
    "GeoDataFrame.explore": Peer(explore),
    "folium.TopoJson": Peer(topojson),
    "Leaflet.VectorGrid (geojson-vt)": Peer(vectorgrid, ".leaflet-tile-loaded"),
    "protomaps-leaflet (PMTiles)": Peer(protomaps, ".leaflet-tile-loaded"),
}
