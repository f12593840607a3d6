"""Damage a small valid file in the ways that files are damaged, and in those that a hostile hand would choose."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import rasterio
import shapely

VALUES: tuple[Any, ...] = (
    *("", " ", "nan", "NaN", "None", "null", "inf", "-inf", "-1", "0", "1e308", "1e999", "9" * 40, "0.1", "1,5", "١٢"),
    *(
        "=1+1",
        "'=1",
        "\x00",
        "\ufeff",
        "\ud7ff",
        "💥",
        "a" * 200_000,
        '"',
        "a\nb",
        "a;b,c|d",
        "<b>",
        "../../x",
        "/etc/passwd",
    ),
    *("01001", "1001", "75056", "97101", "2A004", "2024-02-30", "31/12/9999", "0000-00-00", "true", "{0}", "%s", "\\"),
)
"""What a cell, a key or an attribute may hold."""

NODES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    1e308,
    10**30,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    {"a": None},
    [1, "x"],
    *VALUES[:14],
)
"""What may stand at any place of a JSON document."""

SHAPES = (
    *(None, shapely.Point(), shapely.Polygon(), shapely.Point(5, 46), shapely.Point(float("inf"), 46)),
    *(shapely.Point(1e308, -1e308), shapely.LineString([(5, 46), (6, 47)]), shapely.box(-1e9, -1e9, 1e9, 1e9)),
    *(
        shapely.box(-180, -90, 180, 90),
        shapely.box(5, 46, 5, 46),
        shapely.Polygon([(5, 46), (6, 47), (6, 46), (5, 47)]),
    ),
    *(shapely.GeometryCollection([shapely.box(5, 46, 6, 47), shapely.Point(5, 46)]), shapely.MultiPolygon()),
    *(shapely.Polygon([(5, 46, 1), (6, 46, 2), (6, 47, 3)]), shapely.MultiPoint([(5, 46), (6, 47)])),
)
SYSTEMS = (None, 4326, 2154, 3857, 4978, 3035, "ESRI:54009", "+proj=ortho +lat_0=90", 'LOCAL_CS["x",UNIT["metre",1]]')
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "latin-1", "utf-7", "cp037")


def flipped(content: bytes, draw: Random) -> bytes:
    """Change some bytes."""
    changed = bytearray(content)
    for _time in range(draw.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[draw.randrange(len(changed))] = draw.choice((0, 255, 127, 128, draw.randrange(256)))
    return bytes(changed)


def cut(content: bytes, draw: Random) -> bytes:
    """Keep the beginning, the end, or all but a slice; or repeat a slice."""
    one, other = sorted(draw.randrange(len(content) + 1) for _side in range(2))
    return draw.choice((content[:one], content[one:], content[:one] + content[other:], content[:other] + content[one:]))


def emptied(content: bytes, draw: Random) -> bytes:
    """Leave nothing, or next to nothing."""
    return draw.choice(
        (b"", b"\n", b" ", b"\x00", b"\xef\xbb\xbf", b"\r\n\r\n", b"{}", b"[]", b"null", b"\x00" * 100_000)
    )


def nested(content: bytes, draw: Random) -> bytes:
    """Nest more deeply than a stack holds."""
    many = draw.choice((500, 5_000, 100_000))
    return draw.choice(
        (b"[" * many, b'{"a":' * many, b"a = " + b"[" * many, b"<a>" * many, b'"' * many, b"," * many, b";\n" * many)
    )


def recoded(content: bytes, draw: Random) -> bytes:
    """Write a text in another encoding, or with other ends of lines."""
    text = content.decode("latin-1") if b"\xff" in content else content.decode("utf-8", errors="replace")
    ends = draw.choice(("\n", "\r\n", "\r", "\u2028"))
    return text.replace("\r\n", "\n").replace("\n", ends).encode(draw.choice(ENCODINGS), errors="replace")


def reworded(content: bytes, draw: Random) -> bytes:
    """Put another value in the place of one word of a text."""
    text = content.decode("utf-8", errors="replace")
    for _time in range(draw.choice((1, 1, 3))):
        words = [
            place
            for place in range(len(text))
            if text[place].isalnum() and (not place or not text[place - 1].isalnum())
        ]
        if words:
            start = draw.choice(words)
            end = next(
                (place for place in range(start, len(text)) if not (text[place].isalnum() or text[place] in "._")),
                len(text),
            )
            text = text[:start] + draw.choice(VALUES) + text[end:]
    return text.encode("utf-8", errors="replace")


def reordered_lines(content: bytes, draw: Random) -> bytes:
    """Drop, repeat or move whole lines."""
    lines = content.splitlines(keepends=True)
    return b"".join(draw.choices(lines, k=draw.randrange(2 * len(lines) + 1))) if lines else b""


def altered_cells(content: bytes, draw: Random) -> bytes:
    """Drop, repeat, rename or fill a column, change a cell, or drop rows of a delimited text."""
    text = content.decode("utf-8", errors="replace")
    mark = max(";,|\t", key=text.partition("\n")[0].count)
    rows = [line.split(mark) for line in text.splitlines()]
    column = draw.randrange(max(map(len, rows), default=1) or 1)
    kind = draw.randrange(6)
    for place, cells in enumerate(rows):
        if column >= len(cells):
            continue
        if kind == 0:
            del cells[column]
        elif kind == 1:
            cells.insert(column, cells[column])
        elif (kind == 2 and place == 0) or (kind == 4 and place == len(rows) - 1):
            cells[column] = draw.choice(VALUES)
        elif kind == 3 and place:
            cells[column] = VALUES[column % len(VALUES)]
    rows = rows[:1] if kind == 5 else rows
    return "\n".join(mark.join(cells) for cells in rows).encode("utf-8", errors="replace")


def altered_json(content: bytes, draw: Random) -> bytes:
    """Change, drop or repeat some nodes of a JSON document."""
    document = json.loads(content)
    for _time in range(draw.choice((1, 1, 2, 5))):
        places = list(_places(document))
        if not places:
            return json.dumps(draw.choice(NODES)).encode()
        owner, key = draw.choice(places)
        if draw.random() < 0.25:
            del owner[key]
        elif isinstance(owner, list) and draw.random() < 0.25:
            owner.append(owner[key])
        else:
            owner[key] = draw.choice(NODES)
    return json.dumps(document).encode()


def _places(node: Any) -> Any:
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


def altered_workbook(content: bytes, draw: Random) -> bytes:
    """Change cells, drop a column, merge, or add a sheet; or damage one part of the archive that a workbook is."""
    if draw.random() < 0.4:
        return _altered_members(content, draw)
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book.active
    kind = draw.randrange(5)
    if kind == 0:
        page.delete_cols(draw.randrange(1, page.max_column + 1))
    elif kind == 1:
        page.delete_rows(draw.randrange(1, page.max_row + 1))
    elif kind == 2:
        page.cell(draw.choice((1_048_576, 500_000, 1)), draw.choice((16_384, 1)), "far")
    elif kind == 3:
        corner = draw.choice(("B2", "B1048576", "XFD1048576", "A0", "ZZZ1", "A99999999999"))
        merged = f'</sheetData><mergeCells count="1"><mergeCell ref="A1:{corner}"/></mergeCells>'
        return _rewritten(
            content, "xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", merged.encode())
        )
    else:
        place = page.cell(draw.randrange(1, page.max_row + 1), draw.randrange(1, page.max_column + 1))
        place.value = draw.choice(
            (
                -1,
                1e308,
                True,
                None,
                pd.Timestamp("2024-02-29").to_pydatetime(),
                *(v[:30_000] for v in VALUES if v.isprintable()),
            )
        )
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _rewritten(content: bytes, member: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change one member of a ZIP archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == member else old.read(name))
    return written.getvalue()


def _altered_members(content: bytes, draw: Random) -> bytes:
    """Damage or drop one member of a ZIP archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            if name == chosen:
                if draw.random() < 0.2:
                    continue
                part = draw.choice((flipped, cut, reworded, emptied))(part, draw)
            new.writestr(name, part)
    return written.getvalue()


def altered_zip(content: bytes, draw: Random) -> bytes:
    """Damage a member, or add a hostile one: a path that leads outside, a link, a bomb."""
    if draw.random() < 0.4:
        return _altered_members(content, draw)
    written = io.BytesIO(content)
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as archive:
        name = draw.choice(
            (
                "../x.csv",
                "/x.csv",
                "a/../../x.csv",
                "..\\x.csv",
                "C:\\x.csv",
                "",
                ".csv",
                "x" * 300 + ".csv",
                "a\x00.csv",
                "CON.csv",
                "bomb.csv",
            )
        )
        info = zipfile.ZipInfo(name or "x.csv")
        info.compress_type = zipfile.ZIP_DEFLATED
        if draw.random() < 0.3:
            info.external_attr = 0o120777 << 16
        archive.writestr(info, b"0" * (60_000_000 if name == "bomb.csv" else 10))
    return written.getvalue()


def altered_parquet(content: bytes, draw: Random) -> bytes:
    """Drop, rename, repeat or retype a column, drop all rows, or change what the file says of its shapes."""
    table = pq.read_table(io.BytesIO(content))
    place = draw.randrange(table.num_columns)
    name, rows = table.column_names[place], table.num_rows
    kind = draw.randrange(6)
    others = (
        *(pa.nulls(rows), pa.array([True] * rows), pa.array([float("nan")] * rows), pa.array([-1] * rows)),
        *(pa.array([[1, 2]] * rows), pa.array([{"x": 1.0, "y": None}] * rows), pa.array([b"\x01"] * rows)),
        *(
            pa.array(range(rows), pa.timestamp("ns")),
            pa.array(["x"] * rows).dictionary_encode(),
            pa.array([draw.choice(VALUES)] * rows),
        ),
        *(
            pa.array([10**18] * rows),
            pa.array([1] * rows, pa.date32()),
            pa.array(["1.5"] * rows).cast(pa.decimal128(38, 10)),
        ),
    )
    metadata = table.schema.metadata
    if kind == 0:
        table = table.drop_columns([name])
    elif kind == 1:
        table = table.rename_columns(
            [*table.column_names[:place], draw.choice(VALUES)[:50], *table.column_names[place + 1 :]]
        )
    elif kind == 2:
        table = table.append_column(name, table.column(place))
    elif kind == 3:
        table = table.set_column(place, name, draw.choice(others))
    elif kind == 4:
        table = table.slice(0, 0)
    elif metadata and b"geo" in metadata:
        metadata = metadata | {b"geo": draw.choice((altered_json, flipped, cut, emptied))(metadata[b"geo"], draw)}
    written = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), written)
    return written.getvalue()


def altered_layer(content: bytes, draw: Random, path: Path) -> bytes:
    """Change shapes, the CRS or a column of a layer."""
    path.write_bytes(content)
    layer = gpd.read_parquet(path) if path.suffix == ".parquet" else pyogrio.read_dataframe(path)
    kind = draw.randrange(6)
    if kind == 0:
        shapes = [draw.choice(SHAPES) if draw.random() < 0.5 else shape for shape in layer.geometry]
        layer = layer.set_geometry(gpd.GeoSeries(shapes, crs=layer.crs))
    elif kind == 1:
        layer = layer.set_crs(draw.choice(SYSTEMS), allow_override=True)
    elif kind == 2:
        layer = layer.drop(columns=draw.choice([name for name in layer.columns if name != layer.geometry.name]))
    elif kind == 3:
        name = draw.choice([name for name in layer.columns if name != layer.geometry.name])
        layer[name] = [draw.choice(VALUES)[:1000] for _row in range(len(layer))]
    elif kind == 4:
        name = draw.choice([name for name in layer.columns if name != layer.geometry.name])
        layer[name] = draw.choice((1.5, -1, True, pd.Timestamp("2024-01-01"), None, float("nan")))
    else:
        layer = layer.iloc[:0]
    path.unlink()
    if path.suffix == ".parquet":
        layer.to_parquet(path)
    else:
        pyogrio.write_dataframe(layer, path, geometry_type=None if len(layer) else "Polygon")
    return path.read_bytes()


def altered_raster(content: bytes, draw: Random, path: Path) -> bytes:
    """Change the cells, the bands, the size, the CRS or the transform of a raster."""
    with rasterio.MemoryFile(content) as memory, memory.open() as opened:
        profile, values = opened.profile, opened.read(1)
    kind = draw.randrange(8)
    if kind == 0:
        profile["count"] = draw.choice((2, 3))
    elif kind == 1:
        profile["crs"] = draw.choice(SYSTEMS[:8])
    elif kind == 2:
        profile["transform"] = rasterio.Affine(
            *draw.choice(
                ((0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 1, 0), (1e300, 0, 5, 0, -1, 46), (0.01, 0.01, 5, 0.01, -0.01, 46))
            )
        )
    elif kind == 3:
        profile |= {
            "width": draw.choice((1, 50_000, 2_000_000)),
            "height": draw.choice((1, 50_000, 1_000_000)),
            "blockxsize": 256,
            "blockysize": 256,
            "sparse_ok": True,
            "bigtiff": "yes",
        }
    elif kind == 4:
        profile["dtype"] = draw.choice(("uint8", "int16", "float64", "complex64", "int64"))
        profile["nodata"] = None
    elif kind == 5:
        profile["nodata"] = draw.choice((None, float("nan"), 0, 5))
    elif kind == 6:
        values[:] = draw.choice((float("nan"), float("inf"), -float("inf"), -5, 1e38))
    else:
        del profile["transform"]
    with rasterio.open(path, "w", **profile) as target:
        if (profile["width"], profile["height"]) == (values.shape[1], values.shape[0]):
            target.write(values.astype(profile["dtype"]), 1)
    return path.read_bytes()


ANY = (flipped, flipped, flipped, cut, cut, emptied, nested)
TEXT = (recoded, reworded, reworded, reordered_lines)
OF_FORMAT: dict[str, tuple[Callable[..., bytes], ...]] = {
    ".csv": (*TEXT, altered_cells, altered_cells, altered_cells),
    ".txt": (*TEXT, altered_cells, altered_cells),
    ".toml": TEXT,
    ".json": (*TEXT, altered_json, altered_json, altered_json),
    ".geojson": (reworded, recoded, altered_json, altered_json, altered_layer),
    ".graphml": TEXT,
    ".osm": TEXT,
    ".gpkg": (altered_layer, altered_layer),
    ".fgb": (altered_layer,),
    ".shp": (altered_layer,),
    ".parquet": (altered_parquet, altered_parquet),
    ".xlsx": (altered_workbook, altered_workbook),
    ".zip": (altered_zip, altered_zip),
    ".tif": (altered_raster, altered_raster),
}


UNDAMAGED = (
    *(ValueError, TypeError, KeyError, OverflowError, RecursionError, pa.ArrowException, rasterio.errors.RasterioError),
    *(pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError),
)
"""What a library says that cannot write a file as wrong as asked for."""


def damaged(path: Path, others: list[bytes], draw: Random) -> str:
    """Damage a file in place, in one way that fits its format or any file; return the name of the way."""
    content = path.read_bytes()
    ways = (*ANY, *OF_FORMAT.get(path.suffix, ()) * 2)
    way = draw.choice((*ways, None))
    if way is None:
        path.write_bytes(draw.choice(others))
        return "another format"
    try:
        if way in (altered_layer, altered_raster):
            folder = path.parent / "altered"
            folder.mkdir(exist_ok=True)
            path.write_bytes(way(content, draw, folder / path.name))
        else:
            path.write_bytes(way(content, draw))
    except UNDAMAGED:
        path.write_bytes(flipped(content, draw))
        return "flipped"
    return way.__name__
