"""The resources of a kit for other devices: GPX and KML for handhelds and phones, beside the tables of ``export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from cptsgeo.columns import label
from cptsgeo.i18n import _, headed
from cptsgeo.parameters import labels

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

DESCRIBED = ("phone", "email", "opening", "source", "updated_at")


def to_gpx(table: pd.DataFrame) -> str:
    """Write resources as GPX 1.1 waypoints: name, kind, status and contact.

    References
    ----------
    Topografix, *GPX 1.1 Schema Documentation*.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {name: None for name in (*DESCRIBED, "mobile")} | {"name": "A & B", "kind": "mri", "status": "ouvert",
    ...     "position_precision": "exact", "longitude": -61.07, "latitude": 14.6}
    >>> print(to_gpx(pd.DataFrame([row])))
    <?xml version="1.0" encoding="UTF-8"?>
    <gpx version="1.1" creator="cptsgeo" xmlns="http://www.topografix.com/GPX/1/1">
    <wpt lat="14.600000" lon="-61.070000"><name>A &amp; B</name><desc>IRM – Ouvert</desc><type>IRM</type></wpt>
    </gpx>
    <BLANKLINE>
    """
    kinds = labels("resource_kinds")
    points = "\n".join(
        f'<wpt lat="{row.latitude:.6f}" lon="{row.longitude:.6f}"><name>{escape(row.name)}</name>'
        f"<desc>{escape(' – '.join(_lines(row)))}</desc><type>{escape(kinds[row.kind])}</type></wpt>"
        for row in table.itertuples(index=False)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="cptsgeo" xmlns="http://www.topografix.com/GPX/1/1">\n' + points + "\n</gpx>\n"
    )


def to_kml(table: pd.DataFrame, *, title: str) -> str:
    """Write resources as KML 2.2, a folder per kind.

    References
    ----------
    Open Geospatial Consortium, *OGC KML 2.2*, 07-147r2.
    """
    places: dict[str, list[str]] = {kind: [] for kind in labels("resource_kinds")}
    for number, row in enumerate(table.itertuples(index=False), start=1):
        places[row.kind].append(
            f"<Placemark id={quoteattr('r-' + str(number))}><name>{escape(row.name)}</name>"
            f"<description>{escape(chr(10).join(_lines(row)))}</description>"
            f"<Point><coordinates>{row.longitude:.6f},{row.latitude:.6f}</coordinates></Point></Placemark>"
        )
    folders = [
        f"<Folder><name>{escape(text)}</name>\n" + "\n".join(places[kind]) + "\n</Folder>"
        for kind, text in labels("resource_kinds").items()
        if places[kind]
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>{escape(title)}</name>\n" + "\n".join(folders) + "\n</Document></kml>\n"
    )


def with_points(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give the table its points, EPSG:4326, for GeoJSON and GeoPackage."""
    import geopandas as gpd

    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["longitude"], table["latitude"]), crs="EPSG:4326")


def _lines(row: Any) -> list[str]:
    """Say what a handheld shows under the name: kind, status, how well the place is known, contacts."""
    lines = [labels("resource_kinds")[row.kind], labels("resource_statuses")[row.status]]
    if row.position_precision != "exact":
        lines.append(labels("position_precisions")[row.position_precision])
    if isinstance(row.mobile, str):
        lines.append(headed(label("mobile"), _("{number} (crisis cell only)").format(number=row.mobile)))
    lines += [headed(label(name), getattr(row, name)) for name in DESCRIBED if isinstance(getattr(row, name), str)]
    return lines
