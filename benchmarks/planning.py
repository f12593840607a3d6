"""Time the whole planning engine on the whole of France, from the outlines to the identity cards.

python benchmarks/planning.py DATA

DATA holds communes/ (outlines), populations/ (five editions), zoning/ and qpv/, as docs/data-sources.md names them. The
perimeters are made up: EPCI that touch are gathered, the smallest first, into 900 CPTS, and one EPCI in ten is left white.
Seconds by step, sizes, the sum and the peak of memory go into docs/benchmarks.md.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.tables import machine, markdown, write_part
from cptsgeo.adjacency import Adjacency, adjacency, neighbours
from cptsgeo.card import cards, true_borders
from cptsgeo.card_page import card_json, card_names, card_page
from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours
from cptsgeo.contract import contract_years, payments
from cptsgeo.editions import read_editions
from cptsgeo.errors import UsageError
from cptsgeo.funding import funding, funding_by
from cptsgeo.need import cluster_need, need
from cptsgeo.need_input import read_need
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.reconcile import read_figures, reconcile
from cptsgeo.scenarios import extensions, plan
from cptsgeo.snapshots import Snapshot, changes, diff, series
from cptsgeo.watch import cpts_editions, smoothed, smoothing_effect, watch
from cptsgeo.white_zones import clusters

EDITIONS = {2019: "2019", 2020: "2020b", 2021: "2021", 2022: "2022", 2023: "2023"}
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


class Clock:
    """Keep how long each step took, and sum the steps."""

    def __init__(self) -> None:
        self.steps: list[list[Any]] = []
        self.start()

    def start(self) -> None:
        """Leave out what came before."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def told(self, step: str, what: str) -> None:
        """Keep a step that ends now."""
        self.steps.append([step, time.perf_counter() - self.wall, time.process_time() - self.cpu, what])
        self.start()

    def table(self) -> str:
        """Write the steps and their sum."""
        wall, processor = (sum(step[place] for step in self.steps) for place in (1, 2))
        memory = f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB"
        return markdown(["step", "wall", "processor", "result"], [*self.steps, ["**sum**", wall, processor, memory]])


def main() -> None:
    """Run every section once, and write what it took."""
    data = Path(sys.argv[1])
    communes = embedded_communes()
    clock = Clock()
    outlines = ["communes_cog2026.parquet", "arrondissements_municipaux_2016.geojson"]
    contours = read_contours([data / "communes" / name for name in outlines])
    clock.told("read outlines", f"{len(contours)} outlines")
    ground = adjacency(contours)
    clock.told("borders", f"{len(ground.borders)} borders of {len(ground.units)} units")
    perimeters = made_up_perimeters(communes, ground)
    clock.start()

    zones = clusters(communes, perimeters, contours, ground=ground)
    clock.told("1 clusters", f"{len(zones.zones)} of {len(zones.units)} units, {len(zones.neighbours)} neighbours")
    files = [data / "zoning" / "zonage_mg_par_commune_derive.csv", data / "qpv" / "qpv2024_centroides.geojson"]
    scores = need(communes, read_need(files, communes))
    white = cluster_need(zones.units, scores)
    clock.told("2 need", f"{scores['need'].notna().sum()} units scored, {white['need'].notna().sum()} clusters")
    table = extensions(communes, perimeters, zones, ground)
    clock.told("3 extensions", f"{len(table)}")
    keep = communes.set_index("insee_code")["epci_siren"]
    try:
        made = plan(communes, perimeters, zones, ground, scores=scores, keep=keep)
        total = made.summary.iloc[0]
        covered = f"{total['population_covered']} of {total['population_white']} inhabitants"
        clock.told("3 plan", f"EPCI whole: {covered}, gap {total['objective_gap']:.3f}")
    except UsageError as refused:
        clock.told("3 plan", str(refused).replace("\n", " "))
    money = funding(communes, perimeters)
    places = [funding_by(communes, perimeters, by=level) for level in ("scope", "region", "departement")]
    years = contract_years(payments(money))
    clock.told("4 money", f"{len(money)} CPTS, {sum(map(len, places))} places, {len(years)} contract years")
    files = [(year, data / "populations" / f"donnees_communes_pop{name}.csv") for year, name in EDITIONS.items()]
    editions = read_editions(files, communes)
    trend = cpts_editions(editions.populations, perimeters)
    effect = smoothing_effect(smoothed(trend))
    clock.told("5 watch", f"{len(watch(trend))} CPTS near a bound or across one, {len(effect)} editions")
    old = editions.populations[editions.populations["population_year"] == min(EDITIONS)]
    then = communes.assign(population=communes["insee_code"].map(old.set_index("insee_code")["population"]).fillna(0))
    fewer = perimeters.cpts["cpts_id"].iloc[: CPTS * 9 // 10]
    before = Perimeters(
        perimeters.cpts[perimeters.cpts["cpts_id"].isin(fewer)],
        perimeters.membership[perimeters.membership["cpts_id"].isin(fewer)],
    )
    states = [Snapshot(date(2022, 12, 31), then, before), Snapshot(date(2023, 12, 31), communes, perimeters)]
    moved = [diff(*states), changes(*states), series(states)]
    clock.told(
        "6 snapshots", f"{len(moved[1])} CPTS changed, {moved[0]['population_change'].iloc[-1]} more inhabitants"
    )
    rates = reconcile(communes, perimeters, read_figures())
    clock.told("7 reconciliation", f"{len(rates)} rows")
    found = cards(communes, perimeters, editions=trend, borders=true_borders(ground.borders, contours))
    with tempfile.TemporaryDirectory() as folder:
        for cpts_id, name in card_names(found).items():
            (Path(folder) / f"{name}.html").write_text(card_page(found[cpts_id]), encoding="utf-8")
            (Path(folder) / f"{name}.json").write_text(card_json(found[cpts_id]), encoding="utf-8")
    clock.told("8 cards", f"{len(found)} pages and JSON")
    write_part("planning", [f"Measured with `python benchmarks/planning.py` on {machine()}.", clock.table()])


if __name__ == "__main__":
    main()
