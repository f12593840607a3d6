"""Time the planning engine on the whole of France: clusters, neighbours, extensions and a plan.

python benchmarks/planning.py COMMUNES.parquet [ARRONDISSEMENTS.geojson]

The perimeters are made up: EPCI that touch are gathered, largest first, into 900 CPTS, and one EPCI in ten is left
white. Prints seconds by step, sizes, and the peak of memory.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path

import pandas as pd

from cptsgeo.adjacency import Adjacency, adjacency, neighbours
from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.errors import UsageError
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.scenarios import extensions, plan
from cptsgeo.white_zones import clusters

CPTS = 900
WHITE_SHARE = 0.1


def made_up_perimeters(communes: pd.DataFrame, ground: Adjacency, seed: int = 0) -> Perimeters:
    """Gather EPCI that touch into CPTS, the smallest first with its smallest neighbour."""
    draw = random.Random(seed)
    epci = communes.dropna(subset="epci_siren").set_index("insee_code")["epci_siren"]
    known = sorted(set(epci))
    white = set(draw.sample(known, int(len(known) * WHITE_SHARE)))
    pairs = ground.borders.assign(
        insee_code=ground.borders["insee_code"].map(epci), other_code=ground.borders["other_code"].map(epci)
    )
    pairs = pairs.dropna()
    links = {one: set(beside) for one, beside in neighbours(pairs[pairs["insee_code"] != pairs["other_code"]]).items()}
    size = communes.groupby("epci_siren")["population"].sum().astype("int64").to_dict()
    groups = {code: {code} for code in known if code not in white}
    while len(groups) > CPTS:
        one = min(groups, key=lambda code: (size[code], code))
        beside = {other for code in groups[one] for other in links.get(code, ())}
        near = [head for head, codes in groups.items() if head != one and codes & beside]
        other = min(near or [head for head in groups if head != one], key=lambda code: (size[code], code))
        groups[other] |= groups.pop(one)
        size[other] += size[one]
    cpts_of = {code: f"CPTS {head}" for head, codes in groups.items() for code in codes}
    members = epci.map(cpts_of).dropna()
    membership = pd.DataFrame(
        {"cpts_id": members.to_numpy(), "insee_code": members.index, "share": 1.0, "method": "list"}
    )
    ids = sorted(set(members))
    stage = pd.Categorical(["aci_signe"] * len(ids), categories=list(STAGES), ordered=True)
    return Perimeters(
        pd.DataFrame({"cpts_id": pd.array(ids, dtype="str"), "cpts_name": pd.array(ids, dtype="str"), "stage": stage}),
        membership.sort_values(["cpts_id", "insee_code"], ignore_index=True),
    )


def main() -> None:
    """Run every step once and print what it took."""
    communes = embedded_communes()
    contours = read_contours([Path(path) for path in sys.argv[1:]])
    start, cpu = time.perf_counter(), time.process_time()

    def told(step: str, what: str) -> None:
        nonlocal start, cpu
        print(f"{step:<12} {time.perf_counter() - start:6.2f} s  {time.process_time() - cpu:6.2f} s CPU  {what}")
        start, cpu = time.perf_counter(), time.process_time()

    ground = adjacency(contours)
    told("adjacency", f"{len(ground.borders)} borders of {len(ground.units)} units")
    perimeters = made_up_perimeters(communes, ground)
    told("(perimeters)", f"{len(perimeters.cpts)} CPTS of {len(perimeters.membership)} units")
    zones = clusters(communes, perimeters, contours, ground=ground)
    told("clusters", f"{len(zones.zones)} clusters of {len(zones.units)} units, {len(zones.neighbours)} neighbours")
    table = extensions(communes, perimeters, zones, ground)
    told("extensions", f"{len(table)} extensions")
    keep = communes.set_index("insee_code")["epci_siren"]
    try:
        made = plan(communes, perimeters, zones, ground, keep=keep)
        covered, white = made.summary.loc[0, ["population_covered", "population_white"]]
        told("plan", f"EPCI whole: {covered} of {white} inhabitants, gap {made.summary.loc[0, 'objective_gap']:.3f}")
    except UsageError as refused:
        told("plan", str(refused).replace("\n", " "))
    print(f"peak memory  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
