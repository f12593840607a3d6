"""Extensions and plans on territories drawn by hand; plans fed back; refusals."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.adjacency import adjacency
from cptsgeo.blocks import read_zoning
from cptsgeo.coverage import coverage, unit_coverage
from cptsgeo.errors import DataError, UsageError
from cptsgeo.export import write_table
from cptsgeo.need import need
from cptsgeo.perimeters import read_perimeters
from cptsgeo.plan_tables import membership_list
from cptsgeo.planning import planning
from cptsgeo.scenarios import extensions, new_cpts, plan
from cptsgeo.schemas import conform
from cptsgeo.sizes import sizes
from cptsgeo.white_zones import clusters


def prepared(toy, bridge_m=0.0, **kwargs):
    """Return the arguments of a plan: communes, perimeters, zones, ground."""
    ground = adjacency(toy.contours, bridge_m=bridge_m)
    zones = clusters(toy.communes, toy.perimeters, toy.contours, ground=ground, **kwargs)
    return toy.communes, toy.perimeters, zones, ground


@pytest.fixture(scope="module")
def row(draw):
    """A (39,500) and B (79,000) with three white units between them: 300, 600 and 2,000 inhabitants."""
    return prepared(
        draw("A . . . B", {"00": 39_500, "01": 300, "02": 600, "03": 2_000, "04": 79_000}, epci="E E F F F")
    )


def test_extensions_by_hand(row):
    table = extensions(*row).set_index(["split", "key", "cpts_id"])
    assert list(table.index) == [
        ("cluster", "01-01003", "A"),
        ("cluster", "01-01003", "B"),
        ("epci", "F", "B"),
        ("epci", "E", "A"),
        ("unit", "01003", "B"),
        ("unit", "01001", "A"),
    ]
    whole = table.loc[("cluster", "01-01003", "A")]
    assert whole[["population_added", "population_before", "population_after"]].tolist() == [2_900, 39_500, 42_400]
    assert whole[["size_class_before", "size_class_after", "bound_crossed", "to_upper_bound"]].tolist() == [
        1,
        2,
        40_000,
        37_599,
    ]
    assert whole[["functioning_change", "fixed_change", "maximum_change"]].tolist() == [10_000, 50_000, 95_000]
    assert whole["fixed_per_covered"] == pytest.approx(50_000 / 2_900)
    assert whole[["epci_whole", "epci_cut", "border_km"]].tolist() == [1, 1, 1.0]
    assert whole["compactness"] == pytest.approx(4 * np.pi * 4 / 100)
    assert whole["farthest_km"] == pytest.approx(3.0)
    other = table.loc[("epci", "F", "B")]
    assert other[["population_after", "size_class_after", "bound_crossed", "fixed_change"]].tolist() == [
        81_600,
        3,
        80_000,
        60_000,
    ]
    assert other[["epci_whole", "epci_cut"]].tolist() == [1, 0]
    small = table.loc[("unit", "01001", "A")]
    assert small[["size_class_after", "fixed_change", "fixed_per_covered", "to_upper_bound"]].tolist() == [1, 0, 0, 199]
    assert pd.isna(small["bound_crossed"])


def test_only_some_units_of_a_zone_taken_together(row):
    """300 and 600 to A: 40,400, one bound crossed, 50,000 euros for 900 people; 600 and 2,000 to B, 300 and 2,000 to nobody."""
    table = extensions(*row, splits=("cluster",), chosen=("01001", "01002"))
    (mine,) = table[table["split"] == "chosen"].to_dict("records")
    assert (mine["key"], mine["label"], mine["cpts_id"]) == ("01002+01001", "Unit 02, Unit 01", "A")
    assert (mine["population_after"], mine["bound_crossed"], mine["fixed_change"]) == (40_400, 40_000, 50_000)
    assert mine["fixed_per_covered"] == pytest.approx(50_000 / 900)
    assert (mine["epci_whole"], mine["epci_cut"]) == (1, 1)
    assert extensions(*row, splits=("unit",), chosen=("01002", "01003"))["cpts_id"].tolist()[-1] == "B"
    assert "chosen" not in set(extensions(*row, chosen=("01001", "01003"))["split"])
    with pytest.raises(UsageError, match="01000 n’est pas une commune blanche"):
        extensions(*row, chosen=("01000",))


def test_the_centre_is_weighted_by_inhabitants(draw):
    """A has 3 inhabitants at 0.5 km and 1 at 1.5 km: its centre is at 0.75 km, the white unit at 2.5 km."""
    table = extensions(*prepared(draw("A A .", {"00": 3, "01": 1})))
    assert table["farthest_km"].tolist() == pytest.approx([1.75])


def test_a_part_that_does_not_touch_is_not_an_extension(draw):
    parts = extensions(*prepared(draw("A . . .")), splits=("unit",))
    assert parts["key"].tolist() == ["01001"]
    island = extensions(*prepared(draw("A ~ .")))
    assert island.empty
    conform(island, "extensions")


def test_an_uninhabited_zone_costs_nothing_per_inhabitant_that_it_lacks(draw):
    table = extensions(*prepared(draw("A .", {"01": 0})))
    assert table["population_added"].tolist() == [0]
    assert table["fixed_per_covered"].isna().all()


def test_least_euros_by_hand(row):
    """300 go to A (39,800) and 600 to B (79,600): free; the 2,000 make A or B change class, or a new CPTS: A at 50,000."""
    found = plan(*row)
    assert found.summary.loc[
        0, ["population_covered", "objective_value", "objective_bound", "objective_gap"]
    ].tolist() == [
        2_900,
        50_000,
        50_000,
        0,
    ]
    assert found.assignments.set_index("insee_code")["cpts_id"].to_dict() == dict.fromkeys(
        ["01001", "01002", "01003"], "A"
    )
    assert found.changes[["action", "cpts_id", "clusters", "population_after"]].values.tolist() == [
        ["extend", "A", "01-01003", 42_400]
    ]
    assert sizes(row[0], found.perimeters).set_index("cpts_id").loc["A", "population"] == 42_400


def test_fewest_epci_cut_by_hand(row):
    """E whole in A and F whole in B: no EPCI cut, for 60,000 euros instead of 50,000 and one cut."""
    found = plan(*row, objective="epci")
    assert found.assignments.set_index("insee_code")["cpts_id"].to_dict() == {"01001": "A", "01002": "B", "01003": "B"}
    assert found.summary.loc[0, ["epci_cut", "objective_value", "fixed_change"]].tolist() == [0, 0, 60_000]
    assert plan(*row).summary.loc[0, "epci_cut"] == 1


def test_the_level_changes_the_choice(draw):
    """Two new CPTS or one of class 2? Band up to 39,999: two, at any level; without it one, for 60,000 or 215,000."""
    four = prepared(draw(". . . .", default=19_000))
    for level, one, two in (
        ("functioning", 60_000, 100_000),
        ("fixed", 215_000, 330_000),
        ("maximum", 382_500, 575_000),
    ):
        assert new_cpts(*four, level=level).summary.loc[0, "objective_value"] == one
        split = new_cpts(*four, level=level, most=39_999)
        assert split.summary.loc[0, ["objective_value", "created_count"]].tolist() == [two, 2]
        assert split.changes["population_after"].tolist() == [38_000, 38_000]
        assert split.changes["units"].tolist() == [2, 2]


def test_a_new_cpts_is_described(draw):
    found = new_cpts(*prepared(draw(". .\n. .", {"11": 1_500}, epci="E E\nF F")))
    change = found.changes.iloc[0]
    assert change[["action", "cpts_id", "cpts_name"]].tolist() == ["create", "new-01011", "CPTS à créer (Unit 11)"]
    assert change[["population_before", "population_after", "size_class_after", "epci_whole"]].tolist() == [
        0,
        4_500,
        1,
        2,
    ]
    assert pd.isna(change["size_class_before"])
    assert pd.isna(change["bound_crossed"])
    assert change["compactness"] == pytest.approx(np.pi / 4)
    assert change["fixed_per_covered"] == pytest.approx(165_000 / 4_500)
    assert found.perimeters.cpts["stage"].isna().all()


def test_keeping_epci_whole_moves_them_together(row):
    keep = row[0].set_index("insee_code")["epci_siren"]
    found = plan(*row, keep=keep, objective="euros")
    by_epci = found.assignments.merge(row[0][["insee_code", "epci_siren"]], on="insee_code")
    assert (by_epci.groupby("epci_siren")["cpts_id"].nunique() == 1).all()
    with pytest.raises(DataError, match="01001 est dans plusieurs zones"):
        plan(*row, keep=pd.Series(["x", "y"], index=["01001", "01001"]))


def test_zones_preferred_whole_take_the_place_of_epci(draw):
    """One EPCI over all: both units go together. With two bassins de vie each joins the CPTS that has the rest of its own."""
    two = prepared(draw("A . . B"))
    plain = plan(*two)
    assert plain.assignments["cpts_id"].nunique() == 1
    assert plain.summary.loc[0, ["epci_cut", "zones_cut"]].tolist() == [1, 1]
    zones = pd.Series({"01000": "P", "01001": "P", "01002": "Q", "01003": "Q"})
    found = plan(*two, prefer=zones)
    assert found.assignments.set_index("insee_code")["cpts_id"].to_dict() == {"01001": "A", "01002": "B"}
    assert found.summary.loc[0, ["epci_cut", "zones_cut", "fixed_change"]].tolist() == [1, 0, 0]
    across = plan(*two, prefer=pd.Series({"01001": "P", "01002": "P"}), objective="epci")
    assert across.summary.loc[0, ["zones_cut", "objective_value"]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"actions": ("extend",)},
            "aucune CPTS ne borde la zone ; la création de CPTS n’est pas demandée",
        ),
        ({"least": 5_000}, "la zone a 2 000 habitants, moins que les 5 000"),
        ({"most": 900}, "1 000 habitants vont ici ensemble, plus que les 900"),
        (
            {"least": 1_500, "most": 1_600},
            "aucun découpage de la zone en CPTS d’un seul tenant de 1 500 à 1 600 habitants",
        ),
    ],
)
def test_every_refusal_is_explained(draw, options, words):
    found = plan(*prepared(draw("A ~ . .")), **options)
    assert found.assignments["action"].tolist() == ["none", "none"]
    assert (found.assignments["cpts_id"] == "").all()
    for reason in found.assignments["why_white"]:
        assert words in reason.replace("\u202f", " ")
    assert found.summary.loc[0, ["population_covered", "objective_value"]].tolist() == [0, 0]


def test_what_a_part_of_the_cover_leaves_out_is_said(draw):
    """Half of the white population is free to A; the island would cost a new CPTS."""
    found = plan(*prepared(draw("A . ~ .")), cover=0.5)
    assert found.summary.loc[0, ["population_covered", "objective_value"]].tolist() == [1000, 0]
    assert found.assignments["why_white"].tolist() == [
        "",
        "laissée de côté\u202f: la part de population à couvrir est atteinte sans elle",
    ]


def test_least_euros_per_need_takes_the_needy_island(draw):
    """Two islands of 1,000: need 1 and 0.3; with half to cover, the first gives 165 euros per need."""
    toy = draw(". ~ .")
    known = pd.DataFrame({"insee_code": ["01000", "01002"], "zoning": ["ZAR", "ZIP"]})
    scores = need(toy.communes, known, weights={"zoning": 1.0})
    found = plan(*prepared(toy), objective="need", scores=scores, cover=0.5)
    assert found.assignments.set_index("insee_code")["action"].to_dict() == {"01000": "none", "01002": "create"}
    assert found.summary.loc[0, ["euros_per_need", "need_weighted"]].tolist() == pytest.approx([165, 1000])
    assert found.summary.loc[0, "objective_value"] == pytest.approx(165)


def test_the_objective_need_refuses_units_without_a_score(row):
    with pytest.raises(UsageError, match="demande le besoin des communes"):
        plan(*row, objective="need")
    with pytest.raises(DataError, match="3 erreurs") as refused:
        plan(*row, objective="need", scores=need(row[0], row[0][["insee_code"]]))
    assert "01001 (Unit 01) est en zone blanche et n’a pas de score" in str(refused.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objective": "cheap"}, "cheap n’est pas un choix possible"),
        ({"level": "total"}, "total n’est pas un choix possible"),
        ({"actions": ()}, "n’est pas un choix possible"),
        ({"cluster_ids": ("01-01009",)}, "01-01009 n’est pas un ensemble de zones blanches"),
        ({"least": 0}, "ne peut pas avoir de 0 à un nombre quelconque"),
        ({"least": 10, "most": 9}, "ne peut pas avoir de 10 à 9"),
        ({"cover": 0}, "0 n’est pas une part de la population"),
        ({"cover": 80}, "80 n’est pas une part de la population"),
        ({"cover": float("nan")}, "nan n’est pas une part de la population"),
        ({"on": date(2020, 1, 1)}, "ne donne pas le niveau fixed"),
    ],
)
def test_wrong_choices_are_refused_in_words(row, options, words):
    with pytest.raises(UsageError, match=words):
        plan(*row, **options)


def test_one_cluster_alone(draw):
    two = prepared(draw("A . ~ . B"))
    found = plan(*two, cluster_ids=("01-01003",))
    assert found.assignments["insee_code"].tolist() == ["01003"]
    assert found.changes["cpts_id"].tolist() == ["B"]


def test_a_bridge_lets_a_cpts_reach_an_island(draw):
    toy = draw("A ~ .")
    assert plan(*prepared(toy)).changes["action"].tolist() == ["create"]
    assert plan(*prepared(toy, bridge_m=1000)).changes["action"].tolist() == ["extend"]


def test_no_white_zone_gives_an_empty_plan(draw):
    found = plan(*prepared(draw("A A")))
    assert found.changes.empty
    assert found.assignments.empty
    assert found.summary.loc[0, ["population_white", "objective_value", "objective_gap"]].tolist() == [0, 0, 0]
    conform(found.changes, "plan")
    conform(found.assignments, "plan_units")


def test_zones_to_keep_are_read_and_wrong_ones_refused(draw, tmp_path):
    toy = draw("A . .")
    path = tmp_path / "bv.csv"
    path.write_text("codgeo;bassin_de_vie\n01001;X\n01002;X\n01000;\n", encoding="utf-8")
    zones = read_zoning(path, toy.communes)
    assert zones.dropna().to_dict() == {"01001": "X", "01002": "X"}
    path.write_text("insee_code,zone\n01001,X\n01001,Y\n01999,Z\n1001,Z\n", encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_zoning(path, toy.communes)
    assert [(f.rule, f.row) for f in refused.value.findings] == [
        ("code_lost_zero", 5),
        ("unit_repeated", 3),
        ("code_unknown", 4),
    ]


pictures = st.lists(st.lists(st.sampled_from("AB...~"), min_size=3, max_size=3), min_size=2, max_size=3)


@settings(max_examples=5, deadline=None)
@given(
    rows=pictures,
    halves=st.booleans(),
    people=st.lists(st.sampled_from([0, 1, 333, 20_000, 39_999]), min_size=9, max_size=9),
    random=st.randoms(use_true_random=False),
)
def test_a_plan_fed_back_covers_what_it_says(draw, make_perimeters, tmp_path_factory, rows, halves, people, random):
    """Written, read again and counted: the white population is what the plan left, to the inhabitant."""
    populations = {f"{r}{c}": people[3 * r + c] for r in range(3) for c in range(3)}
    toy = draw("\n".join(" ".join(line) for line in rows) + "\nA . B", populations)
    if halves:
        members = toy.perimeters.membership[["cpts_id", "insee_code"]].assign(share=1.0).values.tolist()
        white = sorted(set(toy.communes["insee_code"]) - {code for _cpts, code, _share in members})
        toy = toy._replace(perimeters=make_perimeters([*members, ("A", white[0], 1 / 3), ("B", white[0], 1 / 7)]))
    found = plan(*prepared(toy))
    path = tmp_path_factory.mktemp("plan") / "plan.csv"
    write_table(membership_list(found.perimeters), path)
    again = read_perimeters(path, toy.communes)
    pd.testing.assert_frame_equal(again.cpts, found.perimeters.cpts)
    columns = ["cpts_id", "insee_code", "share"]
    pd.testing.assert_frame_equal(again.membership[columns], found.perimeters.membership[columns], check_exact=True)
    before = unit_coverage(toy.communes, toy.perimeters)["population_covered"].sum()
    after = coverage(toy.communes, again).loc[0, "population_covered"]
    assert after - before == found.summary.loc[0, "population_covered"]
    assert found.summary.loc[0, "population_covered"] == found.changes["population_added"].sum()
    assert after == toy.communes["population"].sum()
    if not halves:
        size = sizes(toy.communes, again).set_index("cpts_id")
        for change in found.changes.itertuples():
            assert size.loc[change.cpts_id, "population"] == change.population_after
            assert size.loc[change.cpts_id, "size_class"] == change.size_class_after
            assert (
                size.loc[change.cpts_id, "to_upper_bound"] is change.to_upper_bound
                or size.loc[change.cpts_id, "to_upper_bound"] == change.to_upper_bound
            )
    order = list(range(len(toy.communes)))
    random.shuffle(order)
    turned = plan(*prepared(toy._replace(communes=toy.communes.iloc[order], contours=toy.contours.iloc[order[::-1]])))
    for one, other in zip(found[:3], turned[:3], strict=True):
        pd.testing.assert_frame_equal(one, other)
    conform(found.changes, "plan")
    conform(found.assignments, "plan_units")
    conform(found.summary, "plan_summary")


@settings(max_examples=4, deadline=None)
@given(rows=pictures, people=st.lists(st.integers(0, 60_000), min_size=9, max_size=9))
def test_a_plan_of_extensions_alone_costs_no_less_than_one_that_may_create(draw, rows, people):
    populations = {f"{r}{c}": people[3 * r + c] for r in range(3) for c in range(3)}
    ready = prepared(draw("\n".join(" ".join(line) for line in rows) + "\nA . B", populations))
    free, extending = plan(*ready), plan(*ready, actions=("extend",))
    assert extending.summary.loc[0, "population_covered"] <= free.summary.loc[0, "population_covered"]
    if extending.summary.loc[0, "population_covered"] == free.summary.loc[0, "population_covered"]:
        assert extending.summary.loc[0, "objective_value"] >= free.summary.loc[0, "objective_value"]
    assert (extensions(*ready)["size_class_after"] >= extensions(*ready)["size_class_before"]).all()


def test_a_scope_too_large_for_units_is_planned_by_epci_and_says_so(draw, monkeypatch):
    toy = draw("A . . . . B", epci="E E E F F F")
    monkeypatch.setattr("cptsgeo.programme.LARGEST_MODEL", 100)
    tables, _made, findings = planning(*toy)
    assert [(f.rule, f.severity) for f in findings] == [("plan_too_large", "warning")]
    assert "gardés entiers" in findings[0].problem
    assert tables["plan_units"].merge(toy.communes, on="insee_code").groupby("epci_siren")[
        "cpts_id"
    ].nunique().tolist() == [1, 1]
    monkeypatch.setattr("cptsgeo.programme.LARGEST_MODEL", 1)
    tables, _made, findings = planning(*toy)
    assert len(findings) == 2
    assert "plan" not in tables
    assert "extensions" in tables
