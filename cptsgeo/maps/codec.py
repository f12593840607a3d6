"""Write outlines and columns as one small deflated block, and read it back.

The block is a zlib stream (``DecompressionStream("deflate")`` in a browser) that holds the length of a JSON header on four
bytes, the header, and the sections that the header lists. A section is a stream of variable-length integers: seven bits a
byte, the high bit says that more follow; signed values are zigzag-coded. Points are differences from the point before.
Texts are written once in the header; rows hold their number.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cptsgeo.maps.topology import Ints, Topology

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class OutlineGroup:
    """Lines drawn over the units: borders of groups of units, as arcs of the coverage ``coverage``."""

    title: str
    names: tuple[str, ...]
    coverage: int
    arcs: tuple[Ints, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """What a block holds: coverages (the units first), columns of the units, outline groups, and free metadata."""

    coverages: tuple[Topology, ...]
    columns: Mapping[str, Sequence[Any]]
    outlines: tuple[OutlineGroup, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


def varints(values: Ints) -> Bytes:
    """Write non-negative integers on as few bytes as each needs.

    Examples
    --------
    >>> varints(np.array([1, 127, 128])).tolist()
    [1, 127, 128, 1]
    """
    values = np.asarray(values, dtype=np.uint64)
    width = np.ones(len(values), dtype=np.int64)
    for bits in range(7, 64, 7):
        width += values >= np.uint64(1 << bits)
    end = np.cumsum(width)
    out = np.zeros(int(end[-1]) if len(end) else 0, dtype=np.uint8)
    for place in range(int(width.max(initial=0))):
        has = width > place
        piece = (values[has] >> np.uint64(7 * place)) & np.uint64(127)
        more = (width[has] > place + 1).astype(np.uint64) << np.uint64(7)
        out[end[has] - width[has] + place] = (piece | more).astype(np.uint8)
    return out


def read_varints(data: Bytes) -> Ints:
    """Read the integers that :func:`varints` wrote.

    Examples
    --------
    >>> read_varints(varints(np.array([0, 300, 5_000_000]))).tolist()
    [0, 300, 5000000]
    """
    last = np.flatnonzero(data < 128)
    if not len(last):
        return np.empty(0, dtype=np.int64)
    first = np.concatenate(([0], last[:-1] + 1))
    place = np.arange(last[-1] + 1) - np.repeat(first, last - first + 1)
    parts = (data[: last[-1] + 1].astype(np.int64) & 127) << (7 * place)
    return np.add.reduceat(parts, first)


def zigzag(values: Ints) -> Ints:
    """Map signed integers to non-negative ones, small ones to small ones.

    Examples
    --------
    >>> zigzag(np.array([0, -1, 1, -2])).tolist()
    [0, 1, 2, 3]
    """
    return np.asarray((values << 1) ^ (values >> 63), dtype=np.int64)


def unzigzag(values: Ints) -> Ints:
    """Undo :func:`zigzag`."""
    return np.asarray((values >> 1) ^ -(values & 1), dtype=np.int64)


def _topology_sections(topology: Topology) -> dict[str, Bytes]:
    """Write a topology. A reference is 0 for the next new arc, else twice the distance back to it, plus its direction."""
    arc, backwards = topology.refs >> 1, topology.refs & 1
    newest = np.maximum.accumulate(np.concatenate(([-1], arc)))[:-1] if len(arc) else arc
    refs = np.where(arc > newest, 0, 1 + (newest - arc) * 2 + backwards)
    rank = topology.rank.astype(np.uint8)
    padded = np.concatenate([rank, np.zeros(-len(rank) % 4, dtype=np.uint8)]).reshape(-1, 4)
    return {
        "unit_rings": varints(topology.unit_rings),
        "ring_arcs": varints(topology.ring_arcs),
        "refs": varints(refs),
        "arc_sizes": varints(topology.arc_sizes),
        "x": varints(zigzag(np.diff(topology.x, prepend=0))),
        "y": varints(zigzag(np.diff(topology.y, prepend=0))),
        "rank": (padded << np.array([0, 2, 4, 6], dtype=np.uint8)).sum(axis=1).astype(np.uint8),
    }


def _read_topology(sections: Mapping[str, Bytes], header: Mapping[str, Any]) -> Topology:
    coded = read_varints(sections["refs"])
    new = coded == 0
    newest = np.cumsum(new) - 1
    back = coded - 1
    refs = np.where(new, newest * 2, (newest - (back >> 1)) * 2 + (back & 1))
    x = np.cumsum(unzigzag(read_varints(sections["x"])))
    packed = sections["rank"]
    rank = ((packed[:, None] >> np.array([0, 2, 4, 6], dtype=np.uint8)) & 3).ravel()[: len(x)]
    return Topology(
        header["bits"],
        header["levels"],
        read_varints(sections["arc_sizes"]),
        x,
        np.cumsum(unzigzag(read_varints(sections["y"]))),
        rank.astype(np.int64),
        read_varints(sections["unit_rings"]),
        read_varints(sections["ring_arcs"]),
        refs.astype(np.int64),
    )


def _column(values: Sequence[Any]) -> tuple[dict[str, Any], Bytes]:
    """Write a column: integers as value + 1 with 0 for missing, anything else as the number of its text."""
    series = pd.Series(values)
    if pd.api.types.is_integer_dtype(series.dtype):
        numbers = series.astype("Int64")
        lowest = int(numbers.min()) if numbers.notna().any() else 0
        return {"kind": "integer", "lowest": lowest}, varints((numbers - lowest + 1).fillna(0).to_numpy(dtype=np.int64))
    texts = ["" if missing else str(value) for value, missing in zip(series, series.isna(), strict=True)]
    codes, uniques = pd.factorize(np.array(texts, dtype=object))
    return {"kind": "text", "texts": [str(text) for text in uniques]}, varints(codes.astype(np.int64))


def encode(block: Block) -> bytes:
    """Write a block.

    A missing text is written as an empty one; a missing integer stays missing.

    Examples
    --------
    >>> empty = np.empty(0, dtype=np.int64)
    >>> nothing = Topology(10, 1, empty, empty, empty, empty, np.zeros(2, dtype=np.int64), empty, empty)
    >>> list(decode(encode(Block((nothing,), {"name": ["<b>", "é"]}))).columns["name"])
    ['<b>', 'é']
    """
    header: dict[str, Any] = {"version": 1, "rows": len(block.coverages[0].unit_rings), "sections": []}
    stream: list[bytes] = []

    def add(data: Bytes) -> None:
        header["sections"].append(len(data))
        stream.append(data.tobytes())

    header["coverages"] = []
    for topology in block.coverages:
        header["coverages"].append(
            {
                "bits": topology.bits,
                "levels": topology.levels,
                "arcs": len(topology.arc_sizes),
                "points": len(topology.x),
                "units": len(topology.unit_rings),
                "rings": len(topology.ring_arcs),
                "refs": len(topology.refs),
            }
        )
        for data in _topology_sections(topology).values():
            add(data)
    header["columns"] = {}
    for name, values in block.columns.items():
        header["columns"][name], data = _column(values)
        add(data)
    header["outlines"] = []
    for group in block.outlines:
        header["outlines"].append({"title": group.title, "names": list(group.names), "coverage": group.coverage})
        add(varints(np.array([len(arcs) for arcs in group.arcs], dtype=np.int64)))
        joined = np.concatenate([np.empty(0, dtype=np.int64), *group.arcs])
        add(varints(zigzag(np.diff(joined, prepend=0))))
    header["meta"] = dict(block.meta)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return zlib.compress(len(text).to_bytes(4, "little") + text + b"".join(stream), 9)


def decode(data: bytes) -> Block:
    """Read a block back: what the page's script does, for tests and for tools."""
    raw = zlib.decompress(data)
    length = int.from_bytes(raw[:4], "little")
    header = json.loads(raw[4 : 4 + length])
    ends = np.cumsum([4 + length, *header["sections"]])
    pieces = iter(
        np.frombuffer(raw, dtype=np.uint8, count=int(end - start), offset=int(start)) for start, end in pairwise(ends)
    )
    names = ("unit_rings", "ring_arcs", "refs", "arc_sizes", "x", "y", "rank")
    coverages = tuple(_read_topology({name: next(pieces) for name in names}, info) for info in header["coverages"])
    columns: dict[str, Sequence[Any]] = {}
    for name, info in header["columns"].items():
        numbers = read_varints(next(pieces))
        if info["kind"] == "integer":
            whole = pd.array(numbers + info["lowest"] - 1, dtype="Int64")
            whole[numbers == 0] = pd.NA
            columns[name] = whole
        else:
            columns[name] = [info["texts"][number] for number in numbers]
    outlines = []
    for info in header["outlines"]:
        sizes = read_varints(next(pieces))
        arcs = np.cumsum(unzigzag(read_varints(next(pieces))))
        split = np.split(arcs, np.cumsum(sizes)[:-1]) if len(sizes) else []
        outlines.append(OutlineGroup(info["title"], tuple(info["names"]), info["coverage"], tuple(split)))
    return Block(coverages, columns, tuple(outlines), header["meta"])


def data_block(identifier: str, content: bytes) -> str:
    """Write bytes as an inert ``<script type="application/json">``: nothing in it is ever run or read as markup.

    Examples
    --------
    >>> data_block("d", b"<>")
    '<script type="application/json" id="d">{"deflate":"PD4="}</script>'
    """
    text = base64.b64encode(content).decode()
    return f'<script type="application/json" id="{identifier}">{{"deflate":"{text}"}}</script>'
