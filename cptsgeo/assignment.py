"""Who takes which block of white units: an exact integer programme with contiguity as a hard constraint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from cptsgeo.adjacency import connected

OBJECTIVES = ("euros", "need", "epci")
TIME_LIMIT = 60.0


class Band(NamedTuple):
    """Give one size class: its least and most inhabitants (``None``: no upper end), and its euros a year."""

    least: int
    most: int | None
    euros: float


@dataclass(frozen=True)
class Problem:
    """State one assignment problem; blocks, CPTS and EPCI are named by text.

    Attributes
    ----------
    white
        Block to its inhabitants outside any CPTS: what its assignment covers, and adds to the size of a CPTS.
    need
        Block to inhabitants weighted by their need.
    links
        Block to neighbouring blocks and the border in km.
    hosts
        CPTS that can be extended to their population today.
    touches
        CPTS to the blocks that it borders, with the border in km.
    epci
        EPCI, or other zone better kept whole, to the blocks that hold a part of it.
    held
        The same to the CPTS that hold a part of it today.
    bands
        Size classes, in order.
    extends, creates
        Whether CPTS may be extended, and new ones created.
    least, most
        Inhabitants of a new CPTS; no upper end when ``most`` is ``None``.
    """

    white: Mapping[str, int]
    need: Mapping[str, float]
    links: Mapping[str, Mapping[str, float]]
    hosts: Mapping[str, int]
    touches: Mapping[str, Mapping[str, float]]
    epci: Mapping[str, Sequence[str]]
    held: Mapping[str, frozenset[str]]
    bands: Sequence[Band]
    extends: bool = True
    creates: bool = True
    least: int = 1
    most: int | None = None


class Assignment(NamedTuple):
    """Hold an answer.

    Attributes
    ----------
    extended
        Block to the CPTS that takes it in.
    created
        New CPTS, each a sorted list of blocks, in the order of their first block.
    value
        Value of the objective, and ``bound``, what no plan can be better than; equal when the optimum is proven.
    bound
        See ``value``.
    """

    extended: dict[str, str]
    created: list[list[str]]
    value: float
    bound: float


def band_of(population: int, bands: Sequence[Band]) -> int:
    """Return the position of the size class of a population."""
    return max(position for position, band in enumerate(bands) if population >= band.least)


def independent(problem: Problem) -> list[list[str]]:
    """Gather the blocks into groups whose assignments cannot touch each other: no common CPTS, border or EPCI."""
    ties: dict[str, dict[str, float]] = {}

    def tie(blocks: Sequence[str]) -> None:
        for one, other in pairwise(blocks):
            ties.setdefault(one, {})[other] = 0.0
            ties.setdefault(other, {})[one] = 0.0

    for block, others in problem.links.items():
        for other in others:
            tie([block, other])
    for group in (*problem.touches.values(), *problem.epci.values()):
        tie(sorted(group))
    return connected(sorted(problem.white), ties)


def restricted(problem: Problem, blocks: Sequence[str]) -> Problem:
    """Return the part of a problem that concerns some blocks."""
    kept = set(blocks)
    touches = {
        host: {block: border for block, border in beside.items() if block in kept}
        for host, beside in problem.touches.items()
    }
    epci = {code: [block for block in held if block in kept] for code, held in problem.epci.items()}
    return Problem(
        white={block: problem.white[block] for block in blocks},
        need={block: problem.need[block] for block in blocks},
        links={block: problem.links.get(block, {}) for block in blocks},
        hosts={host: population for host, population in problem.hosts.items() if touches.get(host)},
        touches={host: beside for host, beside in touches.items() if beside},
        epci={code: held for code, held in epci.items() if held},
        held=problem.held,
        bands=problem.bands,
        extends=problem.extends,
        creates=problem.creates,
        least=problem.least,
        most=problem.most,
    )


def assign(
    problem: Problem, *, objective: str = "euros", cover: float = 1.0, seed: int = 0, time_limit: float = TIME_LIMIT
) -> Assignment:
    """Assign blocks to CPTS of today and to new ones, so that the objective is least.

    Every block goes whole to one CPTS or stays white. The blocks that a CPTS takes in are connected to it, through
    blocks that it takes in too; those of a new CPTS are connected to each other, and their population is in the band.

    Parameters
    ----------
    problem
        What there is to assign.
    objective
        ``euros`` (change of the annual budget), ``need`` (that change / need-weighted inhabitants covered) or
        ``epci`` (EPCI that are not whole in one CPTS).
    cover
        Least part of what can be covered to cover. At 1 as much as can be is covered, and the objective chooses
        among the ways to do it.
    seed
        Seed of the draw that decides between plans that are equal in every respect.
    time_limit
        Seconds after which each solution in turn is taken as it is, with its bound. A plan that is proven is the
        same on every machine; one that the clock cut short may not be, and its bound is then below its value.

    Notes
    -----
    In order: the most inhabitants covered (or the part asked for); the objective; fewest EPCI cut, or least euros
    where that is the objective; fewest pieces (a cluster split between three CPTS is in three); longest common
    borders. Contiguity is a flow from the CPTS, or from the first block
    of a new one, to each of its blocks. Solved by HiGHS through ``scipy.optimize.milp``. Up to twelve connected
    blocks as many new CPTS are tried as there are blocks; beyond, twice as many as the upper end of the band needs.
    """
    from cptsgeo.programme import Programme

    groups = independent(problem) if cover >= 1 else [sorted(problem.white)]
    extended: dict[str, str] = {}
    created: list[list[str]] = []
    value = bound = 0.0
    programmes = [Programme(restricted(problem, blocks), seed) for blocks in groups]
    for programme in programmes:
        found = programme.solved(objective, cover, time_limit)
        extended.update(found.extended)
        created += found.created
        value += found.value
        bound += found.bound
    return Assignment(extended, sorted(created), value, bound)


def paid(problem: Problem, found: Assignment) -> float:
    """Return the change of the annual budget, in euros, counted from who takes what."""
    classes = [band.euros for band in problem.bands]
    total = 0.0
    for host, today in problem.hosts.items():
        after = today + sum(problem.white[block] for block, one in found.extended.items() if one == host)
        total += classes[band_of(after, problem.bands)] - classes[band_of(today, problem.bands)]
    for blocks in found.created:
        total += classes[band_of(sum(problem.white[block] for block in blocks), problem.bands)]
    return total


def needed(problem: Problem, found: Assignment) -> float:
    """Return the need-weighted inhabitants whom an answer covers."""
    return sum(problem.need[block] for block in (*found.extended, *(block for part in found.created for block in part)))


def cut(problem: Problem, found: Assignment) -> int:
    """Count the EPCI that an answer leaves in several CPTS, or partly in none."""
    taker = {**found.extended, **{block: f"/{blocks[0]}" for blocks in found.created for block in blocks}}
    count = 0
    for code, blocks in problem.epci.items():
        takers = {taker.get(block, "") for block in blocks} | problem.held.get(code, frozenset())
        count += len(takers) > 1 or "" in takers
    return count
