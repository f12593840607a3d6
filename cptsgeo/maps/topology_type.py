"""A polygon coverage as arcs: plain arrays, to draw, to encode, or to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Topology:
    """A coverage as arcs.

    ``x``, ``y`` and ``rank`` run over the points of all arcs, ``arc_sizes`` says how many points each has. A unit is
    ``unit_rings`` rings, a ring is ``ring_arcs`` references, a reference is ``2 * arc + 1`` when the arc is walked backwards.
    """

    bits: int
    levels: int
    arc_sizes: Ints
    x: Ints
    y: Ints
    rank: Ints
    unit_rings: Ints
    ring_arcs: Ints
    refs: Ints
