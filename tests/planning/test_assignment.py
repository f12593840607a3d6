"""The planner's optimum against brute force, on toy instances of up to twelve blocks."""

import itertools
import random as standard_random
from functools import cache

import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.adjacency import connected
from cptsgeo.assignment import Band, Problem, assign, cut, needed, paid
from cptsgeo.errors import UsageError
from cptsgeo.programme import LARGEST_MODEL

BANDS = (
    Band(0, 39_999, 165_000),
    Band(40_000, 79_999, 215_000),
    Band(80_000, 175_000, 275_000),
    Band(175_001, None, 330_000),
)


def links_of(pairs):
    links = {}
    for one, other in pairs:
        links.setdefault(one, {})[other] = 1.0
        links.setdefault(other, {})[one] = 1.0
    return links


def grid(rows, columns):
    name = "b{}{}".format
    across = [(name(r, c), name(r, c + 1)) for r in range(rows) for c in range(columns - 1)]
    down = [(name(r, c), name(r + 1, c)) for r in range(rows - 1) for c in range(columns)]
    return [name(r, c) for r in range(rows) for c in range(columns)], links_of(across + down)


def problem(blocks, links, white, hosts=None, touches=None, epci=None, held=None, need=None, **settings):
    return Problem(
        white=dict(zip(blocks, white, strict=True)),
        need=dict(zip(blocks, need or white, strict=True)),
        links=links,
        hosts=hosts or {},
        touches=touches or {},
        epci=epci or {},
        held=held or {},
        bands=BANDS,
        **settings,
    )


def euros(population):
    return next(band.euros for band in reversed(BANDS) if population >= band.least)


def reached(task, host, blocks):
    """Tell whether every connected part of blocks touches the CPTS."""
    return all(task.touches[host].keys() & set(part) for part in connected(sorted(blocks), task.links))


def allowed_new(task, blocks):
    people = sum(task.white[block] for block in blocks)
    whole = len(connected(sorted(blocks), task.links)) == 1
    return task.creates and whole and task.least <= people <= (task.most or people)


def every_plan(task):
    """Walk through all ways to give each block to nobody, a CPTS, or a new one: (extended, created)."""
    blocks = sorted(task.white)

    def walk(position, extended, created):
        if position == len(blocks):
            taken = {host: [b for b in extended if extended[b] == host] for host in set(extended.values())}
            if all(reached(task, *one) for one in taken.items()) and all(allowed_new(task, part) for part in created):
                yield dict(extended), [list(part) for part in created]
            return
        block = blocks[position]
        yield from walk(position + 1, extended, created)
        for host in task.hosts:
            yield from walk(position + 1, {**extended, block: host}, created)
        for order in range(len(created)):
            yield from walk(position + 1, extended, [[*p, block] if i == order else p for i, p in enumerate(created)])
        yield from walk(position + 1, extended, [*created, [block]])

    yield from walk(0, {}, [])


def cost(task, extended, created):
    total = 0.0
    for host, today in task.hosts.items():
        total += euros(today + sum(task.white[b] for b in extended if extended[b] == host)) - euros(today)
    return total + sum(euros(sum(task.white[b] for b in part)) for part in created)


def cuts(task, extended, created):
    taker = {**extended, **{b: tuple(part) for part in created for b in part}}
    count = 0
    for code, blocks in task.epci.items():
        takers = {taker.get(b) for b in blocks} | set(task.held.get(code, ()))
        count += None in takers or len(takers) > 1
    return count


def covered(task, extended, created):
    taken = [*extended, *itertools.chain(*created)]
    return sum(task.white[b] for b in taken), len(taken)


def check_feasible(task, found):
    """Check by other code than the solver's that a plan may be carried out."""
    taken = [*found.extended, *itertools.chain(*found.created)]
    assert len(taken) == len(set(taken))
    for host in set(found.extended.values()):
        assert reached(task, host, [b for b, h in found.extended.items() if h == host])
    for part in found.created:
        assert allowed_new(task, part)


@st.composite
def small_tasks(draw, most_blocks=6):
    count = draw(st.integers(1, most_blocks))
    blocks = [f"b{i}" for i in range(count)]
    pairs = [pair for pair in itertools.combinations(blocks, 2) if draw(st.booleans())]
    white = draw(st.lists(st.sampled_from([0, 1, 900, 15_000, 39_999, 41_000]), min_size=count, max_size=count))
    hosts = {f"h{i}": draw(st.sampled_from([500, 39_000, 79_000, 174_000])) for i in range(draw(st.integers(0, 2)))}
    touches = {host: {b: 1.0 for b in blocks if draw(st.booleans())} for host in hosts}
    touches = {host: beside for host, beside in touches.items() if beside}
    zone = [draw(st.sampled_from("EFG")) for _ in blocks]
    epci = {z: [b for b, own in zip(blocks, zone, strict=True) if own == z] for z in sorted(set(zone))}
    held = {z: frozenset(h for h in touches if draw(st.booleans())) for z in epci}
    least = draw(st.sampled_from([1, 10_000, 40_000]))
    most = draw(st.sampled_from([None, 45_000, 80_000]))
    return problem(
        blocks,
        links_of(pairs),
        white,
        {host: hosts[host] for host in touches},
        touches,
        epci,
        held,
        need=[people / 2 if i % 2 else people for i, people in enumerate(white)],
        least=least,
        most=most,
        creates=draw(st.booleans()),
    )


@settings(max_examples=25, deadline=None)
@given(small_tasks(), st.sampled_from(["euros", "epci"]))
def test_the_plan_equals_brute_force(task, objective):
    """Most people covered, then the objective, then the other one: as enumeration finds them."""
    found = assign(task, objective=objective)
    check_feasible(task, found)

    def rank(plan):
        people, blocks = covered(task, *plan)
        values = [cost(task, *plan), cuts(task, *plan)]
        return (-people, -blocks, *(reversed(values) if objective == "epci" else values))

    best = min(map(rank, every_plan(task)))
    assert rank((found.extended, found.created)) == best
    assert found.value == found.bound == best[2]
    assert paid(task, found) == cost(task, found.extended, found.created)
    assert cut(task, found) == cuts(task, found.extended, found.created)


@settings(max_examples=12, deadline=None)
@given(small_tasks(5), st.sampled_from([0.3, 0.6, 0.9]))
def test_a_part_of_the_cover_equals_brute_force(task, cover):
    """The least euros, and the least euros per need, among the plans that cover enough."""
    plans = list(every_plan(task))
    most = max(covered(task, *plan)[0] for plan in plans)
    enough = [plan for plan in plans if covered(task, *plan)[0] >= cover * most]
    found = assign(task, objective="euros", cover=cover)
    check_feasible(task, found)
    assert covered(task, found.extended, found.created)[0] >= cover * most
    assert found.value == min(cost(task, *plan) for plan in enough)
    weighed = [
        (cost(task, *plan), sum(task.need[b] for b in [*plan[0], *itertools.chain(*plan[1])])) for plan in enough
    ]
    ratios = [euro / need for euro, need in weighed if need > 0]
    if not ratios:
        with pytest.raises(UsageError, match="n’ont pas de sens"):
            assign(task, objective="need", cover=cover)
        return
    found = assign(task, objective="need", cover=cover)
    check_feasible(task, found)
    assert found.value == pytest.approx(min(ratios), abs=1e-4)
    assert paid(task, found) / needed(task, found) == pytest.approx(found.value)


def least_by_subsets(task):
    """Find the least euros to cover all blocks, over subsets instead of assignments: fit for twelve blocks."""
    blocks = sorted(task.white)
    full = (1 << len(blocks)) - 1
    people = [sum(task.white[b] for i, b in enumerate(blocks) if mask >> i & 1) for mask in range(full + 1)]
    near = [sum(1 << blocks.index(o) for o in task.links.get(b, ())) for b in blocks]

    def spread(mask, start):
        seen = start & mask
        while True:
            wider = seen
            for i in range(len(blocks)):
                if seen >> i & 1:
                    wider |= near[i] & mask
            if wider == seen:
                return seen
            seen = wider

    inf = float("inf")
    whole = [
        mask > 0 and spread(mask, mask & -mask) == mask and task.least <= people[mask] <= (task.most or inf)
        for mask in range(full + 1)
    ]

    @cache
    def new(mask):
        if not mask:
            return 0.0
        first, rest, best = mask & -mask, mask & ~(mask & -mask), inf
        part = rest
        while True:
            if whole[part | first]:
                best = min(best, euros(people[part | first]) + new(rest & ~part))
            if not part:
                return best
            part = (part - 1) & rest

    table = [new(mask) if task.creates else (0.0 if not mask else inf) for mask in range(full + 1)]
    for host, today in task.hosts.items():
        doors = sum(1 << blocks.index(b) for b in task.touches[host])
        change = [
            euros(today + people[mask]) - euros(today) if spread(mask, doors) == mask else inf
            for mask in range(full + 1)
        ]
        after = []
        for mask in range(full + 1):
            part, best = mask, inf
            while True:
                if change[part] < inf:
                    best = min(best, change[part] + table[mask & ~part])
                if not part:
                    break
                part = (part - 1) & mask
            after.append(best)
        table = after
    return table[full]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("creates", [True, False])
def test_twelve_blocks_equal_brute_force(seed, creates):
    draw = standard_random.Random(seed)
    blocks, links = grid(3, 4)
    white = [draw.choice([400, 2_000, 9_000, 15_000]) for _ in blocks]
    hosts = {"h0": 39_500, "h1": 78_000}
    touches = {"h0": dict.fromkeys(blocks[:4], 1.0), "h1": {"b20": 2.0, "b23": 1.0}}
    task = problem(blocks, links, white, hosts, touches, creates=creates, least=20_000, most=45_000)
    found = assign(task)
    check_feasible(task, found)
    assert covered(task, found.extended, found.created)[1] == 12
    assert found.value == found.bound == least_by_subsets(task)


def test_twelve_blocks_into_new_cpts_within_a_band_equal_brute_force():
    blocks, links = grid(3, 4)
    task = problem(blocks, links, [7_000, 9_000, 4_000, 12_000] * 3, least=15_000, most=39_999)
    found = assign(task)
    check_feasible(task, found)
    assert covered(task, found.extended, found.created)[1] == 12
    assert found.value == least_by_subsets(task) == 3 * 165_000


def test_a_plan_that_presolve_calls_infeasible_is_found():
    """The HiGHS of SciPy 1.17 finds this one infeasible once presolved; either CPTS can take all of it, and h1 for nothing."""
    white = [0, 60_000, 15_000, 400, 15_000, 1, 0, 39_999, 400, 39_999, 39_999]
    blocks = [f"b{i:02d}" for i in range(11)]
    pairs = "0-9 1-7 2-9 3-5 3-7 4-5 4-7 6-10 7-9 8-9 9-10"
    links = links_of([tuple(blocks[int(end)] for end in pair.split("-")) for pair in pairs.split()])
    doors = {"h0": (2, 4, 5, 7), "h1": (2, 3, 4, 7)}
    touches = {host: {blocks[i]: 1.0 + i for i in at} for host, at in doors.items()}
    task = problem(blocks, links, white, {"h0": 78_000, "h1": 300_000}, touches)
    found = assign(task)
    check_feasible(task, found)
    assert found.extended == dict.fromkeys(blocks, "h1")
    assert found.value == found.bound == least_by_subsets(task) == 0


def test_merging_is_chosen_by_hand():
    """Two hosts with 500 inhabitants of margin: the block of 400 goes where its class does not change."""
    task = problem(
        ["a"], {}, [400], {"near": 39_700, "far": 20_000}, {"near": {"a": 9.0}, "far": {"a": 0.1}}, creates=False
    )
    assert assign(task) == ({"a": "far"}, [], 0.0, 0.0)
    assert assign(problem(["a"], {}, [200], task.hosts, task.touches)).extended == {"a": "near"}


def test_a_cluster_is_not_split_without_a_reason():
    """Every way to share three blocks between two CPTS is free: they go together, along the longer border."""
    blocks = ["a", "b", "c"]
    task = problem(
        blocks,
        links_of([("a", "b"), ("b", "c")]),
        [10, 10, 10],
        {"h0": 5, "h1": 5},
        {"h0": {"a": 5.0}, "h1": {"c": 6.0}},
    )
    assert assign(task).extended == dict.fromkeys(blocks, "h1")


def test_contiguity_is_hard():
    """c can only be reached through b, which is not worth its price to h; all or nothing."""
    task = problem(["b", "c"], links_of([("b", "c")]), [5_000, 10], {"h": 39_000}, {"h": {"b": 1.0}}, creates=False)
    assert assign(task).extended == {"b": "h", "c": "h"}
    apart = problem(["b", "c"], {}, [5_000, 10], {"h": 39_000}, {"h": {"b": 1.0}}, creates=False)
    assert assign(apart).extended == {"b": "h"}


def test_the_seed_decides_between_equal_plans_and_nothing_else():
    blocks = [f"b{i}" for i in range(6)]
    task = problem(blocks, {}, [10] * 6, {"h0": 5, "h1": 5}, {h: dict.fromkeys(blocks, 1.0) for h in ("h0", "h1")})
    plans = {tuple(sorted(assign(task, seed=seed).extended.items())) for seed in range(8)}
    assert assign(task, seed=3) == assign(task, seed=3)
    assert len(plans) > 1


@pytest.fixture
def cut_short(monkeypatch):
    """Stop the clock of the solver: from the given call on, its answers are unproven, or there is none."""
    real, calls = scipy.optimize.milp, []

    def stop(*, after, keep_x):
        def milp(cost, **settings):
            result = real(cost, **settings)
            calls.append(cost)
            if len(calls) > after:
                result.status = 1
                result.mip_dual_bound = result.fun - 1
                result.x = result.x if keep_x else None
            return result

        monkeypatch.setattr(scipy.optimize, "milp", milp)

    return stop


def test_a_search_cut_short_reports_its_gap(cut_short):
    task = problem(["a"], {}, [400], {"h": 39_700}, {"h": {"a": 1.0}}, creates=False)
    cut_short(after=0, keep_x=True)
    found = assign(task)
    assert (found.extended, found.value, found.bound) == ({"a": "h"}, 50_000, 49_000)


def test_a_cover_that_is_not_proven_leaves_no_bound(cut_short):
    task = problem(["a"], {}, [400])
    cut_short(after=0, keep_x=True)
    found = assign(task)
    assert (found.created, found.value, found.bound) == ([["a"]], 165_000, 0)


def test_a_later_goal_without_answer_keeps_the_plan_of_the_one_before(cut_short):
    task = problem(["a"], {}, [400], {"h": 20_000}, {"h": {"a": 1.0}})
    cut_short(after=1, keep_x=False)
    assert assign(task) == ({"a": "h"}, [], 0.0, 0.0)


def test_a_search_without_any_answer_says_so(cut_short):
    cut_short(after=0, keep_x=False)
    with pytest.raises(UsageError, match="aucun plan n’a été trouvé pour 1 blocs"):
        assign(problem(["a"], {}, [400]))


def test_more_new_cpts_than_were_tried_leave_no_bound():
    """Thirteen villages round a town that may not grow: fourteen CPTS would cover all, four are tried, and it is told."""
    villages = [f"v{i:02d}" for i in range(13)]
    links = links_of([("town", village) for village in villages])
    task = problem(["town", *villages], links, [1_000, *[10] * 13], most=1_000)
    found = assign(task)
    check_feasible(task, found)
    assert covered(task, found.extended, found.created) == (1_030, 4)
    assert (found.value, found.bound) == (4 * 165_000, 0)
    fewer = problem(
        ["town", *villages[:11]],
        links_of([("town", village) for village in villages[:11]]),
        [1_000, *[10] * 11],
        most=1_000,
    )
    found = assign(fewer)
    assert covered(fewer, found.extended, found.created) == (1_110, 12)
    assert found.value == found.bound == 12 * 165_000


def test_a_task_too_large_is_refused_with_a_way_out():
    blocks = [f"b{i:04d}" for i in range(LARGEST_MODEL // 10)]
    task = problem(blocks, links_of(itertools.pairwise(blocks)), [100] * len(blocks))
    with pytest.raises(UsageError, match="trop pour une résolution exacte") as refused:
        assign(task)
    assert "--keep epci" in refused.value.fix
