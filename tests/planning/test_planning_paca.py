"""The planning engine on PACA: the ARS listing of January 2026, checked by other means."""

from datetime import date

import networkx as nx
import pandas as pd
import pytest
import shapely

from cptsgeo.adjacency import adjacency
from cptsgeo.card import cards, true_borders
from cptsgeo.coverage import coverage
from cptsgeo.need import need
from cptsgeo.need_input import read_need
from cptsgeo.planning import planning
from cptsgeo.reconcile import Figure, reconcile
from cptsgeo.scenarios import extensions, plan
from cptsgeo.schemas import conform
from cptsgeo.scope import parse_scope
from cptsgeo.sizes import sizes
from cptsgeo.white_zones import clusters

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def ready(paca):
    ground = adjacency(paca.contours)
    zones = clusters(paca.communes, paca.perimeters, paca.contours, in_scope=paca.in_scope, ground=ground)
    return paca.communes, paca.perimeters, zones, ground


@pytest.fixture(scope="module")
def found(ready):
    return plan(*ready)


def test_46_units_and_65836_inhabitants(ready):
    zones = ready[2]
    assert (zones.zones["units"].sum(), zones.zones["population_white"].sum()) == (46, 65_836)
    for name, table in zip(("clusters", "cluster_units", "cluster_parts", "cluster_neighbours"), zones, strict=True):
        conform(table, name)


def test_the_clusters_are_those_of_shapely_and_networkx(paca, ready, real_data):
    """From the raw list and outlines: no function of ours but the reading of outlines."""
    listed = pd.read_csv(real_data / "cpts" / "cpts_communes_paca.csv", dtype="str")["code_insee"]
    former = {"04033", "05024", "05101", "05139", "06158", "13055"}
    units = paca.units
    white = units[~units["insee_code"].isin(ready[1].membership["insee_code"])]
    assert not set(white["insee_code"]) & set(listed) - former
    drawn = paca.contours[paca.contours["insee_code"].isin(white["insee_code"])].to_crs(2154)
    shapes = drawn.geometry.to_numpy()
    graph = nx.Graph()
    graph.add_nodes_from(drawn["insee_code"])
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=0.05)
    for i, j in zip(one, other, strict=True):
        if i < j and shapely.length(shapely.intersection(shapes[i].buffer(0.05), shapes[j].boundary)) > 1:
            graph.add_edge(drawn["insee_code"].iloc[i], drawn["insee_code"].iloc[j])
    people = white.set_index("insee_code")["population"]
    expected = sorted((len(part), int(people[list(part)].sum())) for part in nx.connected_components(graph))
    assert sorted(zip(ready[2].zones["units"], ready[2].zones["population_white"], strict=True)) == expected
    assert len(expected) == 7


def test_areas_outlines_and_borders_equal_the_united_geometry(paca, ready):
    shapes = paca.contours.to_crs(2154).set_index("insee_code").geometry
    units, membership = ready[2].units, ready[1].membership
    for zone in ready[2].zones.itertuples():
        united = shapely.union_all(
            shapes[units.loc[units["cluster_id"] == zone.cluster_id, "insee_code"]].to_numpy(), grid_size=0.01
        )
        assert zone.area_km2 == pytest.approx(united.area / 1e6, rel=1e-6)
        assert zone.compactness == pytest.approx(4 * 3.141592653589793 * united.area / united.length**2, rel=1e-4)
        beside = ready[2].neighbours[ready[2].neighbours["cluster_id"] == zone.cluster_id]
        for row in beside[beside["relation"] == "border"].itertuples():
            codes = membership.loc[membership["cpts_id"] == row.cpts_id, "insee_code"]
            other = shapely.union_all(shapes[codes[codes.isin(shapes.index)]].to_numpy(), grid_size=0.01)
            shared = shapely.length(shapely.intersection(united.boundary, other.boundary, grid_size=0.01)) / 1e3
            assert row.border_km == pytest.approx(shared, abs=0.01)


def test_every_extension_equals_the_sizes_of_the_changed_list(ready):
    communes, perimeters, zones, _ground = ready
    table = extensions(*ready)
    conform(table, "extensions")
    parts = table.groupby(["cluster_id", "split", "key"], sort=False)
    assert parts["border_km"].agg(lambda borders: borders.is_monotonic_decreasing).all()
    for row in table[table["split"] == "cluster"].itertuples():
        codes = zones.units.loc[zones.units["cluster_id"] == row.cluster_id, "insee_code"]
        added = pd.DataFrame({"cpts_id": row.cpts_id, "insee_code": codes, "share": 1.0, "method": "list"})
        changed = perimeters._replace(membership=pd.concat([perimeters.membership, added], ignore_index=True))
        after = sizes(communes, changed).set_index("cpts_id").loc[row.cpts_id]
        assert (after["population"], after["size_class"]) == (row.population_after, row.size_class_after)


def test_the_plan_fed_back_covers_everybody(paca, ready, found):
    """All 65,836 inhabitants join CPTS that keep their class: nothing more to pay, one piece each."""
    rates = coverage(paca.communes, found.perimeters, in_scope=paca.in_scope)
    assert rates.loc[0, "population_covered"] == rates.loc[0, "population"] == 5_218_960
    total = found.summary.iloc[0]
    assert total[
        ["population_covered", "fixed_change", "objective_gap", "extended_count", "created_count"]
    ].tolist() == [
        65_836,
        0,
        0,
        6,
        0,
    ]
    size = sizes(paca.communes, found.perimeters).set_index("cpts_id")
    for change in found.changes.itertuples():
        assert size.loc[change.cpts_id, "population"] == change.population_after
    conform(found.changes, "plan")
    conform(found.summary, "plan_summary")


def test_the_same_plan_twice(ready, found):
    again = plan(*ready)
    for one, other in zip(found[:3], again[:3], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_new_cpts_within_a_band(paca, ready):
    made = plan(*ready, actions=("create",), least=10_000, most=40_000)
    assert made.changes["population_after"].between(10_000, 40_000).all()
    assert made.changes["population_after"].tolist() == [23_117, 20_257, 16_874]
    left = made.assignments[made.assignments["action"] == "none"]
    assert left["population_white"].sum() == 65_836 - made.summary.loc[0, "population_covered"] == 5_588
    assert left["why_white"].str.contains("moins que les 10\u202f000").all()


def test_need_of_the_white_zones(paca, ready, real_data):
    known = read_need(
        [real_data / "zoning" / "zonage_mg_par_commune_derive.csv", real_data / "qpv" / "qpv2024_centroides.geojson"],
        paca.communes,
    )
    scores = need(paca.communes, known)
    made = plan(*ready, objective="need", scores=scores, cover=0.9)
    assert made.summary.loc[0, "population_covered"] >= 0.9 * 65_836
    assert made.summary.loc[0, "euros_per_need"] == 0


def test_all_the_tables_in_one_call(paca, found):
    tables, _made, findings = planning(paca.communes, paca.perimeters, paca.contours, in_scope=paca.in_scope)
    assert findings == []
    assert list(tables) == [
        *("clusters", "cluster_units", "cluster_parts", "cluster_neighbours", "extensions"),
        *("plan", "plan_units", "plan_summary"),
    ]
    pd.testing.assert_frame_equal(tables["plan"], found.changes)


def test_the_identity_cards_of_paca(paca, ready, real_data):
    """Against the raw list, the raw outlines and the raw grid of density."""
    communes, perimeters, _zones, ground = ready
    found = cards(communes, perimeters, borders=true_borders(ground.borders, paca.contours))
    assert len(found) == 71
    assert sum(card["population"] for card in found.values()) == sizes(communes, perimeters)["population"].sum()
    for card in found.values():
        for split in ("members", "departements", "regions", "epci"):
            count = "population_in_cpts" if split == "members" else "population"
            assert sum(part[count] for part in card[split]) == card["population"], (card["cpts_id"], split)
        for near in card["neighbours"]:
            (back,) = [one for one in found[near["cpts_id"]]["neighbours"] if one["cpts_id"] == card["cpts_id"]]
            assert (back["border_km"], back["units_shared"]) == (near["border_km"], near["units_shared"])
    card = found["CPTS Sud 04"]
    listed = pd.read_csv(real_data / "cpts" / "cpts_communes_paca.csv", dtype="str")
    codes = listed.loc[listed["nom_cpts"] == "CPTS Sud 04", "code_insee"]
    assert {member["insee_code"] for member in card["members"]} == set(codes)
    density = pd.read_csv(real_data / "density" / "densite_7_niveaux_cog2026.csv", dtype="str", encoding="utf-8-sig")
    text = density.set_index(density.columns[0]).iloc[:, -1].reindex(codes).str.lower()
    rural = codes[text.str.contains("rura").to_numpy()]
    people = paca.units.set_index("insee_code")["population"]
    assert card["territory"]["population_rural"] == people[rural].sum() == 28_201
    assert (card["territory"]["type"], card["population"], card["size_class"]) == ("mixte", 69_099, 2)
    shapes = paca.contours.to_crs(2154).set_index("insee_code").geometry
    own = shapely.union_all(shapes[codes].to_numpy(), grid_size=0.01)
    other = perimeters.membership.query("cpts_id == 'CPTS Alpes Bléone Durance'")["insee_code"]
    shared = shapely.intersection(own.boundary, shapely.union_all(shapes[other].to_numpy(), grid_size=0.01).boundary)
    (near,) = [one for one in card["neighbours"] if one["cpts_id"] == "CPTS Alpes Bléone Durance"]
    assert near["border_km"] == pytest.approx(shapely.length(shared) / 1e3, abs=0.02)


def test_the_reconciliation_of_paca(paca, ready, real_data):
    """A rate is agreed with where the raw list, read by pandas alone, gives it."""
    communes, perimeters, zones, _ground = ready
    people = paca.units.set_index("insee_code")["population"].astype("int64")
    listed = pd.read_csv(real_data / "cpts" / "cpts_communes_paca.csv", dtype="str")["code_insee"]
    missed = people[~people.index.isin(listed) & ~people.index.isin(zones.units["insee_code"])]
    covered = people[people.index.isin(listed)].sum() + missed.sum()
    one = Figure(date(2026, 1, 31), parse_scope("region=93"), 0.987, 1, "dans une CPTS", "liste de l’ARS")
    table = conform(reconcile(communes, perimeters, [one], inside=paca.in_scope), "reconcile")
    ours = table.set_index("headcount")
    assert ours.loc["union", "population_covered"] == covered == 5_218_960 - 65_836
    assert ours.loc["union", "our_rate"] == covered / 5_218_960
    assert ours.loc["union", "agrees"]
    assert not table["our_rate"].isna().any()
