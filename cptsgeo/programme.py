"""The integer programme behind a plan: who takes which block, at what class, connected; solved by HiGHS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cptsgeo.adjacency import connected
from cptsgeo.assignment import Assignment, Band, Problem, band_of, cut, needed, paid
from cptsgeo.errors import UsageError
from cptsgeo.i18n import _, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_MODEL = 20_000
"""Columns, about, beyond which a search would hardly end."""
EXACT_NEW = 12
"""Connected blocks up to which as many new CPTS are tried as there are blocks."""
INFEASIBLE = 2
"""Status of SciPy. Each goal has a solution, that of the goal before at least, but the presolve of HiGHS may not see it."""
FEWEST_TRIED = 2
"""New CPTS that are tried at least in a larger part."""
THOUSAND = 1000.0
"""Euros and need are solved in thousands, near 1 as solvers like them."""
TOLERANCE = 1e-4


def possible_new(problem: Problem, part: Sequence[str]) -> int:
    """Count the new CPTS that a connected part could hold."""
    return min(len(part), sum(problem.white[block] for block in part) // problem.least) if problem.creates else 0


def tried_new(problem: Problem, part: Sequence[str]) -> int:
    """Count the new CPTS that are tried in a connected part: all that it could hold up to twelve blocks, fewer beyond."""
    possible = possible_new(problem, part)
    if len(part) <= EXACT_NEW:
        return possible
    total = sum(problem.white[block] for block in part)
    return min(possible, max(FEWEST_TRIED, 2 * -(-total // problem.most) if problem.most else 0))


@dataclass
class Programme:
    """Build the programme of one group of blocks and solve it, one objective after the other."""

    problem: Problem
    seed: int
    columns: int = 0
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[int] = field(default_factory=list)
    take: dict[tuple[str, str], int] = field(default_factory=dict)
    take_new: dict[tuple[str, str], int] = field(default_factory=dict)
    euros: dict[int, float] = field(default_factory=dict)
    euros_today: float = 0.0
    cuts: list[int] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    options: dict[str, list[int]] = field(default_factory=dict)
    last: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        problem = self.problem
        self.blocks = sorted(problem.white)
        self.options = {block: [] for block in self.blocks}
        parts = connected(self.blocks, problem.links)
        touched = {block for beside in problem.touches.values() for block in beside}
        self.hosted = all(touched & set(part) for part in parts)
        self._refuse_if_too_large(parts)
        for host in sorted(problem.hosts):
            beside = problem.touches[host]
            self._existing(host, [part for part in parts if beside.keys() & set(part)])
        for part in parts if problem.creates else ():
            self._new(part)
        for block in self.blocks:
            self._row(dict.fromkeys(self.options[block], 1.0), 0, 1)
        self._cuts()

    def _refuse_if_too_large(self, parts: list[list[str]]) -> None:
        links = self.problem.links
        size = 0
        for part in parts:
            hosts = sum(bool(beside.keys() & set(part)) for beside in self.problem.touches.values())
            ways = 2 * len(part) + sum(len(links.get(block, ())) for block in part)
            size += ways * (hosts + 2 * tried_new(self.problem, part))
        if size > LARGEST_MODEL:
            raise UsageError(
                _("the plan has {count} blocks that depend on each other: too many to solve exactly").format(
                    count=number(len(self.blocks))
                ),
                fix=_("keep EPCI or another zoning whole (--keep epci), narrow --scope, or ask for one kind of action"),
                where="--keep",
            )

    def _column(self, *, upper: float = 1.0, integer: bool = True) -> int:
        self.upper.append(upper)
        self.integer.append(int(integer))
        self.columns += 1
        return self.columns - 1

    def _row(self, row: dict[int, float], low: float, high: float) -> None:
        self.rows.append((row, low, high))

    def _takes(self, blocks: Sequence[str]) -> dict[str, int]:
        """Add one column per block: 1 when a CPTS takes it."""
        x = {block: self._column() for block in blocks}
        for block, column in x.items():
            self.options[block].append(column)
        return x

    def _existing(self, host: str, parts: list[list[str]]) -> None:
        """Let a CPTS take in blocks, and pay by its size class."""
        inf, problem = float("inf"), self.problem
        blocks = [block for part in parts for block in part]
        today = problem.hosts[host]
        x = self._takes(blocks)
        self.take.update({(host, block): column for block, column in x.items()})
        first = band_of(today, problem.bands)
        self.euros_today += problem.bands[first].euros
        classes = self._classes(x, first, today + sum(problem.white[block] for block in blocks))
        self._row(dict.fromkeys(classes, 1.0), 1, 1)
        self._in_band(x, classes, today)
        for part in parts:
            piece = self._column()
            self.pieces.append(piece)
            self._row({piece: -float(len(part)), **{x[block]: 1.0 for block in part}}, -inf, 0)
        sources = {}
        for block in sorted(problem.touches[host]):
            sources[block] = self._column(upper=float(len(blocks)), integer=False)
            self._row({sources[block]: 1, x[block]: -len(blocks)}, -inf, 0)
        for block in blocks:
            if block not in sources:
                near = {x[other]: -1.0 for other in problem.links.get(block, ()) if other in x}
                self._row({x[block]: 1, **near}, -inf, 0)
        self._flow(x, sources)

    def _new(self, part: list[str]) -> None:
        """Let new CPTS form in one connected part; each is named by its first block, and they come in that order."""
        inf, problem = float("inf"), self.problem
        blocks = [block for block in part if problem.most is None or problem.white[block] <= problem.most]
        place = {block: position for position, block in enumerate(blocks)}
        before: tuple[int, dict[str, int]] | None = None
        for order in range(min(tried_new(problem, part), len(blocks))):
            name = f"{part[0]}/{order}"
            x = self._takes(blocks)
            root = {block: self._column() for block in blocks}
            exists = self._column()
            self.pieces.append(exists)
            self.take_new.update({(name, block): column for block, column in x.items()})
            total = sum(problem.white[block] for block in blocks)
            classes = self._classes(x, 0, total)
            self._row({**dict.fromkeys(classes, 1.0), exists: -1}, 0, 0)
            self._in_band(x, classes, 0)
            people = {x[block]: float(problem.white[block]) for block in blocks}
            self._row({**people, exists: -float(problem.least)}, 0, inf)
            if problem.most is not None:
                self._row({**people, exists: -float(problem.most)}, -inf, 0)
            self._row({**dict.fromkeys(root.values(), 1.0), exists: -1}, 0, 0)
            sources = {block: self._column(upper=float(len(blocks)), integer=False) for block in blocks}
            for block in blocks:
                self._row({root[block]: 1, x[block]: -1}, -inf, 0)
                self._row({sources[block]: 1, root[block]: -len(blocks)}, -inf, 0)
                earlier = {root[other]: -1.0 for other in blocks[: place[block] + 1]}
                self._row({x[block]: 1, **earlier}, -inf, 0)
                near = {x[other]: -1.0 for other in problem.links.get(block, ()) if other in x}
                self._row({x[block]: 1, root[block]: -1, **near}, -inf, 0)
            self._flow(x, sources)
            if before is not None:
                row = {column: float(place[block]) for block, column in before[1].items()}
                row[before[0]] = -float(len(blocks))
                for block, column in root.items():
                    row[column] = -float(place[block])
                row[exists] = float(len(blocks)) + 1
                self._row(row, -inf, 0)
            before = exists, root

    def _classes(self, x: dict[str, int], first: int, largest: int) -> dict[int, Band]:
        """Add one column per size class that can be reached, which costs its euros."""
        reachable = [band for band in self.problem.bands[first:] if band.least <= largest]
        classes = {self._column(): band for band in reachable}
        self.euros.update({column: band.euros for column, band in classes.items()})
        return classes

    def _in_band(self, x: dict[str, int], classes: dict[int, Band], today: int) -> None:
        inf, white = float("inf"), self.problem.white
        everyone = float(today + sum(white[block] for block in x))
        people = {column: float(white[block]) for block, column in x.items()}
        self._row({**people, **{column: -float(band.least) for column, band in classes.items()}}, -today, inf)
        most = {column: -(everyone if band.most is None else float(band.most)) for column, band in classes.items()}
        self._row({**people, **most}, -inf, -today)

    def _flow(self, x: dict[str, int], sources: dict[str, int]) -> None:
        """Send one unit of flow to each block taken, along blocks taken: what it cannot reach is not connected."""
        inf, most = float("inf"), float(len(x))
        flows: dict[tuple[str, str], int] = {}
        for block in x:
            for other in self.problem.links.get(block, ()):
                if other in x:
                    column = self._column(upper=most, integer=False)
                    flows[block, other] = column
                    self._row({column: 1, x[block]: -most}, -inf, 0)
                    self._row({column: 1, x[other]: -most}, -inf, 0)
        for block in x:
            row = {flows[other, block]: 1.0 for other in self.problem.links.get(block, ()) if other in x}
            row |= {flows[block, other]: -1.0 for other in self.problem.links.get(block, ()) if other in x}
            if block in sources:
                row[sources[block]] = 1.0
            self._row({**row, x[block]: -1.0}, 0, 0)

    def _cuts(self) -> None:
        """Add one column per EPCI: 1 when it is not whole in one CPTS."""
        inf, everyone = float("inf"), {**self.take, **self.take_new}
        for code, blocks in sorted(self.problem.epci.items()):
            cut = self._column()
            self.cuts.append(cut)
            held = self.problem.held.get(code, frozenset())
            if len(held) > 1:
                self._row({cut: 1}, 1, 1)
                continue
            options = sorted({host for host, block in everyone if block in blocks})
            main = {host: self._column() for host in options if not held or host in held}
            self._row(dict.fromkeys(main.values(), 1.0), 0, 1)
            for block in blocks:
                self._row({cut: 1, **dict.fromkeys(self.options[block], 1.0)}, 1, inf)
                for host in options:
                    if (host, block) in everyone:
                        row = {everyone[host, block]: 1.0, cut: -1.0}
                        if host in main:
                            row[main[host]] = -1.0
                        self._row(row, -inf, 0)

    def solved(self, objective: str, cover: float, time_limit: float) -> Assignment:
        """Solve for coverage, the objective, the second objective, pieces and borders, each within the one before."""
        inf = float("inf")
        euros = {column: amount / THOUSAND for column, amount in self.euros.items()}
        cuts = dict.fromkeys(self.cuts, 1.0)
        proven = self._cover(cover, time_limit)
        ratio = objective == "need" and cover < 1
        if ratio:
            proven &= self._least_ratio(euros, time_limit)
            goals = [{column: -weight for column, weight in self._weighted().items()}, cuts]
        else:
            goals = [cuts, euros] if objective == "epci" else [euros, cuts]
        gap = 0.0
        for order, goal in enumerate([*goals, dict.fromkeys(self.pieces, 1.0)]):
            value, bound, _x = self._best(goal, time_limit)
            self._row(goal, -inf, value + TOLERANCE)
            gap = value - bound if order == 0 else gap
        found = self._answer(self._best(self._preference(), time_limit)[2])
        proven &= not self._limited(found, objective)
        if ratio:
            value = paid(self.problem, found) / needed(self.problem, found)
            return found._replace(value=value, bound=value if proven else 0.0)
        value = float(cut(self.problem, found)) if objective == "epci" else paid(self.problem, found)
        bound = value - gap * (1 if objective == "epci" else THOUSAND) if proven else 0.0
        return found._replace(value=value, bound=max(0.0, min(value, bound)))

    def _limited(self, found: Assignment, objective: str) -> bool:
        """Tell whether an answer has all the new CPTS that were tried in a part where more could be better.

        Without an upper end one new CPTS can take a whole part, for less than what three cost.
        """
        problem = self.problem
        one_is_cheaper = problem.bands[-1].euros < (FEWEST_TRIED + 1) * problem.bands[0].euros
        if problem.most is None and objective != "epci" and one_is_cheaper:
            return False
        for part in connected(self.blocks, problem.links):
            tried = tried_new(problem, part)
            if tried < possible_new(problem, part) and sum(blocks[0] in part for blocks in found.created) == tried:
                return True
        return False

    def _cover(self, cover: float, time_limit: float) -> bool:
        """Cover as many inhabitants as can be, uninhabited blocks too, or the part asked for; tell if it is proven."""
        people = {column: float(self.problem.white[block]) for block in self.blocks for column in self.options[block]}
        step = 1 / (len(self.blocks) + 1)
        counted = {column: count + step for column, count in people.items()}
        everyone = sum(self.problem.white.values()) + step * len(self.blocks)
        most = furthest = everyone
        if not self.hosted:
            value, bound, _x = self._best({column: -count for column, count in counted.items()}, time_limit)
            most, furthest = -value, -bound
        if cover < 1:
            self._row(people, cover * int(most + step / 2), float("inf"))
        elif most > everyone - step / 2:
            for block in self.blocks:
                self._row(dict.fromkeys(self.options[block], 1.0), 1, 1)
        else:
            self._row(counted, most - step / 2, float("inf"))
        return furthest < most + step / 2

    def _weighted(self) -> dict[int, float]:
        return {column: self.problem.need[block] / THOUSAND for block in self.blocks for column in self.options[block]}

    def _least_ratio(self, euros: dict[int, float], time_limit: float) -> bool:
        """Hold the plan at the least euros per need-weighted inhabitant, by Dinkelbach's iteration."""
        weighted = self._weighted()
        x = self._best({column: -weight for column, weight in weighted.items()}, time_limit)[2]
        today = self.euros_today / THOUSAND
        while True:
            need = sum(weight * x[column] for column, weight in weighted.items())
            if need <= 0:
                raise UsageError(
                    _("nobody in these zones has a need above 0: euros per need-weighted inhabitant have no meaning"),
                    fix=_("choose another objective, or check the components of need"),
                    where="--objective",
                )
            ratio = (sum(amount * x[column] for column, amount in euros.items()) - today) / need
            goal = {**euros, **{column: -ratio * weight for column, weight in weighted.items()}}
            value, bound, x = self._best(goal, time_limit)
            if value - today > -TOLERANCE:
                break
        self._row(goal, -float("inf"), value + TOLERANCE)
        return bound > value - TOLERANCE

    def _preference(self) -> dict[int, float]:
        """Prefer long borders; the seed decides what is left."""
        import numpy as np

        draw = np.random.default_rng(self.seed)
        columns = {**self.take, **self.take_new}
        drawn = draw.random(len(columns))
        return {
            column: -self.problem.touches.get(host, {}).get(block, 0.0) - 1e-3 * luck
            for ((host, block), column), luck in zip(sorted(columns.items()), drawn, strict=True)
        }

    def _best(self, goal: Mapping[int, float], time_limit: float) -> tuple[float, float, NDArray[np.float64]]:
        """Minimise one linear goal; return its value, its bound and the columns, whole ones rounded.

        Where the clock stops the search, the solution of the goal before, which still meets every row, may be better.
        """
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        if not self.columns:
            return 0.0, 0.0, np.zeros(0)
        cost = np.zeros(self.columns)
        cost[list(goal)] = list(goal.values())
        entries = [
            (row, column, value) for row, (cells, _l, _h) in enumerate(self.rows) for column, value in cells.items()
        ]
        where, columns, values = (np.array(part) for part in zip(*entries, strict=True))
        matrix = csr_array((values.astype("float64"), (where, columns)), shape=(len(self.rows), self.columns))
        lows, highs = (np.array(side) for side in zip(*((low, high) for _c, low, high in self.rows), strict=True))
        for presolve in (True, False):
            result = milp(
                cost,
                integrality=np.array(self.integer),
                bounds=Bounds(np.zeros(self.columns), np.array(self.upper)),
                constraints=LinearConstraint(matrix, lows, highs),
                options={"mip_rel_gap": 0.0, "time_limit": time_limit, "presolve": presolve},
            )
            if result.status != INFEASIBLE:
                break
        x = self.last
        if result.x is not None:
            found = np.where(np.array(self.integer) == 1, np.round(result.x), result.x)
            x = found if x is None or cost @ found < cost @ x else x
        if x is None:
            raise UsageError(
                _("no plan was found for {count} blocks that depend on each other").format(
                    count=number(len(self.blocks))
                ),
                fix=_("keep EPCI or another zoning whole (--keep epci), or narrow --scope"),
                where="--keep",
            )
        self.last = x
        value = float(cost @ x)
        if result.status == 0:
            return value, value, x
        bound = -float("inf") if result.mip_dual_bound is None else float(result.mip_dual_bound)
        return value, min(value, bound), x

    def _answer(self, x: NDArray[np.float64]) -> Assignment:
        extended = {block: host for (host, block), column in sorted(self.take.items()) if x[column] == 1}
        created: dict[str, list[str]] = {}
        for (name, block), column in sorted(self.take_new.items()):
            if x[column] == 1:
                created.setdefault(name, []).append(block)
        return Assignment(extended, sorted(sorted(blocks) for blocks in created.values()), 0.0, 0.0)
