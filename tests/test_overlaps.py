"""CPTS and territories, by hand on the toy territory, by properties, and on the GHT of Bourgogne-Franche-Comté."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import embedded_communes
from cptsgeo.errors import UsageError
from cptsgeo.overlap_readings import overlap_summary, straddling, territory_summary
from cptsgeo.overlap_view import layer_view
from cptsgeo.overlaps import OUTSIDE, overlap_matrix, overlaps
from cptsgeo.perimeters import STAGES, Perimeters
from cptsgeo.schemas import conform
from cptsgeo.sizes import double_counts, sizes
from cptsgeo.territories import Territories, read_territories, territories_of_communes


def layer(*rows: tuple[str, str, float], kind: str = "ght") -> Territories:
    members = pd.DataFrame(rows, columns=["territory_id", "insee_code", "share"]).assign(method="list")
    names = sorted(set(members["territory_id"]))
    return Territories(
        kind, pd.DataFrame({"territory_id": names, "territory_name": [f"GHT {n}" for n in names]}), members
    )


def perimeters(*rows: tuple[str, str, float]) -> Perimeters:
    members = pd.DataFrame(rows, columns=["cpts_id", "insee_code", "share"]).assign(method="list")
    names = sorted(set(members["cpts_id"]))
    stage = pd.Categorical([None] * len(names), categories=list(STAGES), ordered=True)
    return Perimeters(pd.DataFrame({"cpts_id": names, "cpts_name": names, "stage": stage}), members)


COMMUNES = pd.DataFrame({"insee_code": ["04001", "04002", "04003", "04004"], "population": [60, 30, 10, 100]}).astype(
    {"population": "Int64"}
)
CPTS = perimeters(("c", "04001", 1.0), ("c", "04002", 1.0), ("c", "04003", 1.0))
GHT = layer(("g", "04001", 1.0), ("h", "04002", 1.0), ("h", "04004", 1.0))


def rows_of(table: pd.DataFrame) -> dict[str, pd.Series]:
    return {row["territory_id"]: row for _position, row in table.iterrows()}


def test_shares_both_ways_by_hand():
    found = rows_of(conform(overlaps(COMMUNES, CPTS, [GHT]), "overlaps"))
    assert {key: (row["population"], row["share_of_cpts"]) for key, row in found.items()} == {
        "g": (60, 0.6),
        "h": (30, 0.3),
        OUTSIDE: (10, 0.1),
    }
    assert found["g"]["share_of_territory"] == 1
    assert found["h"]["share_of_territory"] == pytest.approx(30 / 130)
    assert found["g"]["jaccard"] == pytest.approx(60 / 100)
    assert found["h"]["jaccard"] == pytest.approx(30 / 200)
    assert np.isnan(found[OUTSIDE]["jaccard"])
    assert found["g"]["cpts_population"] == 100


def test_the_effective_number_is_that_of_the_part_inside():
    (row,) = overlap_summary(overlaps(COMMUNES, CPTS, [GHT])).to_dict("records")
    assert row["effective_territories"] == pytest.approx(0.9**2 / (0.6**2 + 0.3**2))
    assert (row["dominant_id"], row["dominant_share"], row["share_outside"]) == ("g", 0.6, pytest.approx(0.1))
    assert (row["territories"], row["reading_key"]) == (2, "partly_outside")
    assert row["reading"] == "en partie hors de la couche"


@pytest.mark.parametrize(
    ("members", "reading"),
    [
        ([("g", "04001", 1.0), ("g", "04002", 1.0), ("g", "04003", 1.0)], "coincides"),
        ([("g", "04001", 1.0), ("g", "04002", 1.0), ("g", "04003", 0.5)], "coincides"),
        ([("g", code, 1.0) for code in COMMUNES["insee_code"]], "within"),
        ([("g", "04001", 1.0), ("h", "04002", 1.0), ("h", "04003", 1.0)], "shared"),
        ([("g", "04004", 1.0)], "outside"),
        ([("g", "04003", 1.0)], "partly_outside"),
    ],
)
def test_readings(members, reading):
    assert overlap_summary(overlaps(COMMUNES, CPTS, [layer(*members)]))["reading_key"].tolist() == [reading]


def test_a_commune_in_two_contrats_is_in_both_and_divided_between_them():
    cls = layer(("x", "04001", 1.0), ("y", "04001", 1.0), ("y", "04002", 1.0))
    found = rows_of(overlaps(COMMUNES, CPTS, [cls]))
    assert {key: row["share_of_cpts"] for key, row in found.items()} == {"x": 0.6, "y": 0.9, OUTSIDE: 0.1}
    assert {key: row["share_divided"] for key, row in found.items()} == {"x": 0.3, "y": 0.6, OUTSIDE: 0.1}
    assert overlap_summary(overlaps(COMMUNES, CPTS, [cls]))["population"].tolist() == [100]


def test_areas_follow_whole_communes_and_are_missing_for_shares_of_people():
    areas = pd.Series([1.0, 2.0, 1.0, 6.0], COMMUNES["insee_code"])
    found = rows_of(overlaps(COMMUNES, CPTS, [GHT], areas_km2=areas))
    assert {key: (row["area_km2"], row["share_of_area"]) for key, row in found.items()} == {
        "g": (1, 0.25),
        "h": (2, 0.5),
        OUTSIDE: (1, 0.25),
    }
    part = layer(("g", "04001", 0.5))
    assert overlaps(COMMUNES, CPTS, [part], areas_km2=areas).query("territory_id == 'g'")["area_km2"].isna().all()


def test_a_cpts_where_nobody_lives_has_no_share():
    empty = COMMUNES.assign(population=0).astype({"population": "Int64"})
    table = overlaps(empty, CPTS, [GHT])
    assert table[["share_of_cpts", "share_divided", "jaccard"]].isna().all(axis=None)
    assert overlap_summary(table)["reading_key"].tolist() == ["empty"]


def test_the_reverse_view_finds_the_natural_inter_cpts():
    two = perimeters(("c", "04001", 1.0), ("d", "04002", 1.0), ("d", "04003", 1.0), ("e", "04004", 1.0))
    ght = layer(("g", "04001", 1.0), ("g", "04002", 1.0), ("h", "04004", 1.0))
    table = conform(territory_summary(COMMUNES, two, ght), "territory_summary").set_index("territory_id")
    g = table.loc["g"]
    assert (g["population"], g["cpts_count"], g["dominant_cpts_id"]) == (90, 2, "c")
    assert g["effective_cpts"] == pytest.approx(90**2 / (60**2 + 30**2))
    assert (g["inter_cpts"], g["inter_cpts_share"]) == ("c; d", 1.0)
    assert g["inter_cpts_jaccard"] == pytest.approx(0.9)
    assert bool(g["natural_inter_cpts"])
    assert (table.loc["h", "inter_cpts"], bool(table.loc["h", "natural_inter_cpts"])) == ("e", False)


def test_white_part_of_a_territory():
    table = territory_summary(COMMUNES, CPTS, GHT).set_index("territory_id")
    assert table["share_white"].tolist() == pytest.approx([0, 100 / 130])


def test_the_matrix_has_a_column_per_territory_and_rows_that_sum_to_one():
    table = overlaps(COMMUNES, CPTS, [GHT])
    wide = overlap_matrix(table, "ght")
    assert wide.columns.tolist() == ["cpts_id", "cpts_name", "g", "h", OUTSIDE]
    assert wide[["g", "h", OUTSIDE]].sum(axis="columns").tolist() == pytest.approx([1])
    assert overlap_matrix(table, "ght", values="population")[["g", "h", OUTSIDE]].values.tolist() == [[60, 30, 10]]


def test_cpts_across_departements(toy_communes, toy_perimeters):
    moved = Perimeters(
        toy_perimeters.cpts,
        pd.concat(
            [
                toy_perimeters.membership,
                pd.DataFrame({"cpts_id": ["alpha"], "insee_code": ["26901"], "share": [0.5], "method": ["list"]}),
            ],
            ignore_index=True,
        ),
    )
    table = straddling(toy_communes, moved)
    found = table[table["layer"] == "region"].set_index("territory_id")["population"]
    assert found.to_dict() == {"84": 10_000, "93": 40_000}
    assert straddling(toy_communes, toy_perimeters).query("layer == 'region'").empty


def test_a_layer_that_holds_no_unit_leaves_every_cpts_outside():
    none = GHT.membership.iloc[:0].astype({"territory_id": "str", "insee_code": "str", "share": "float64"})
    empty = Territories("zone", pd.DataFrame({"territory_id": ["z"], "territory_name": ["Z"]}), none)
    table = conform(overlaps(COMMUNES, CPTS, [empty]), "overlaps")
    assert overlap_summary(table)["reading_key"].tolist() == ["outside"]
    assert overlap_matrix(table, "zone")[OUTSIDE].tolist() == [1.0]
    (row,) = conform(territory_summary(COMMUNES, CPTS, empty), "territory_summary").to_dict("records")
    assert (row["population"], row["cpts_count"], row["natural_inter_cpts"]) == (0, 0, False)


def test_a_part_that_no_territory_divides_is_counted_as_its_cpts_counts_it():
    """7.38 inhabitants twice are 7 and 8 of 15: the parts of the second CPTS sum to its 8, not to 7."""
    both = perimeters(("b", "04001", 0.123), ("c", "04001", 0.123))
    table = overlaps(COMMUNES, both, [layer(("z", "04003", 1.0))])
    assert table.set_index("cpts_id")["population"].to_dict() == {"b": 7, "c": 8}


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(UsageError, match="ght"):
        overlaps(COMMUNES, CPTS, [GHT, GHT])


def test_a_map_tells_each_commune_what_its_cpts_faces(toy_communes, toy_contours, toy_perimeters):
    """alpha (A B C) is in x alone; beta (C D) is cut between x and nothing; gamma faces y and z; C is in two CPTS."""
    ght = layer(
        *[("x", code, 1.0) for code in ("04901", "04902", "04903")],
        *[("y", "05901", 0.5), ("z", "05901", 0.5), ("z", "05902", 1.0)],
    )
    summary = overlap_summary(overlaps(toy_communes, toy_perimeters, [ght]))
    view = layer_view(toy_contours, toy_perimeters, ght, summary)
    facing = view.facing["facing"]
    assert facing[["04901", "04903", "04904", "05901"]].tolist() == ["coincides", "outside", "outside", "several"]
    assert view.facing.loc["05901", "territories"] == "GHT y; GHT z"
    assert view.cpts == {"several": 2, "partly_outside": 0, "outside": 2, "within": 0, "coincides": 1, "empty": 0}
    assert view.outlines["name"].tolist() == ["GHT x", "GHT y", "GHT z"]
    assert view.outlines.to_crs(2154).area.tolist() == pytest.approx([9e6, 3e6, 6e6], rel=1e-6)


UNITS = st.sampled_from(COMMUNES["insee_code"].tolist())
SHARES = st.sampled_from([1.0, 0.5, 1 / 3, 0.123])


@settings(max_examples=20)
@given(
    st.dictionaries(st.tuples(st.sampled_from("abc"), UNITS), SHARES, min_size=1),
    st.dictionaries(st.tuples(st.sampled_from("xyz"), UNITS), SHARES, min_size=1),
    st.randoms(use_true_random=False),
)
def test_shares_sum_to_one_and_people_to_the_population(one, other, random):
    cpts = perimeters(*[(name, code, share) for (name, code), share in sorted(one.items())])
    rows = [(name, code, share) for (name, code), share in other.items()]
    ght = layer(*sorted(rows))
    table = overlaps(COMMUNES, cpts, [ght])
    sums = table.groupby("cpts_id")["share_divided"].sum()
    assert ((sums - 1).abs() < 1e-9).all()
    if (ght.membership.groupby("insee_code")["share"].sum() <= 1).all():
        size = sizes(COMMUNES.assign(name="", region_code="93", region_name=""), cpts).set_index("cpts_id")[
            "population"
        ]
        assert table.groupby("cpts_id")["population"].sum().to_dict() == size.to_dict()
        assert (table.groupby("cpts_id")["share_of_cpts"].sum() - 1).abs().max() < 1e-9
    random.shuffle(rows)
    pd.testing.assert_frame_equal(overlaps(COMMUNES.iloc[::-1], cpts, [layer(*rows)]), table)
    summary = overlap_summary(table)
    effective = summary["effective_territories"].dropna()
    assert (effective >= 1 - 1e-9).all()
    inside = table[table["territory_id"] != OUTSIDE].groupby("cpts_id").size()
    most = summary.loc[effective.index, "cpts_id"].map(inside).astype("float64")
    assert (effective <= most + 1e-9).all()


def test_the_ledger_of_double_counts_is_the_gap_between_cpts_and_people(toy_communes, toy_perimeters):
    whole = territories_of_communes("departement", toy_communes)
    counted = overlaps(toy_communes, toy_perimeters, [whole])["population"].sum()
    ledger = double_counts(toy_communes, toy_perimeters)["double_count"].sum()
    assert counted - ledger == 172_501


@pytest.fixture(scope="module")
def bfc(shared) -> tuple[pd.DataFrame, Perimeters, Territories, gpd.GeoDataFrame]:
    communes = embedded_communes()
    contours = gpd.read_parquet(shared / "communes" / "communes_cog2026.parquet", columns=["code", "geometry"])
    contours = contours.rename(columns={"code": "insee_code"})
    contours = contours[contours["insee_code"].str[:2].isin(["21", "25", "39", "52", "58", "70", "71", "89", "90"])]
    ght, _findings = read_territories(
        shared / "ght" / "bfc_2026_ref_membres_finess.csv",
        communes,
        kind="ght",
        rule="nearest_site",
        names=shared / "ght" / "bfc_2026_ref_ght.csv",
        contours=contours,
    )
    epci = communes[(communes["region_code"] == "27") & communes["epci_siren"].notna()]
    members = list(zip(epci["epci_siren"], epci["insee_code"], [1.0] * len(epci), strict=True))
    return communes, perimeters(*members), ght, contours


@pytest.mark.real_data
def test_the_ght_of_bourgogne_franche_comte_partition_its_departements(bfc, shared):
    _communes, _cpts, ght, contours = bfc
    assert len(ght.names) == 11
    assert set(ght.membership["method"]) == {"nearest_site"}
    assert "Bourgogne méridionale" in set(ght.names["territory_name"])
    assert not ght.membership["insee_code"].duplicated().any()
    members = pd.read_csv(shared / "ght" / "bfc_2026_ref_membres_finess.csv", sep=";", dtype="str")
    own = ght.membership.set_index("insee_code")["territory_id"]
    alone = members.groupby("code_commune").filter(lambda part: part["code_ght"].nunique() == 1)
    assert (own[alone["code_commune"]].to_numpy() == alone["code_ght"].to_numpy()).all()
    metric = contours.set_index("insee_code").to_crs(2154).representative_point()
    sites = members.drop_duplicates(["code_ght", "code_commune"])
    for code in ("21054", "25388", "71014", "89387", "39300"):
        distances = {
            row.code_ght: metric[code].distance(metric[row.code_commune])
            for row in sites.assign(d=[metric[code].distance(metric[c]) for c in sites["code_commune"]])
            .sort_values("d", ascending=False)
            .itertuples()
        }
        assert own[code] == min(distances, key=distances.__getitem__)


@pytest.mark.real_data
def test_shares_of_synthetic_cpts_recomputed_another_way(bfc):
    communes, cpts, ght, _contours = bfc
    table = overlaps(communes, cpts, [ght])
    assert ((table.groupby("cpts_id")["share_divided"].sum() - 1).abs() < 1e-9).all()
    census = communes.set_index("insee_code")["population"].to_dict()
    own = dict(zip(ght.membership["insee_code"], ght.membership["territory_id"], strict=True))
    expected: dict[tuple[str, str], int] = {}
    for row in cpts.membership.itertuples():
        key = (row.cpts_id, own.get(row.insee_code, OUTSIDE))
        expected[key] = expected.get(key, 0) + census[row.insee_code]
    found = {(row.cpts_id, row.territory_id): row.population for row in table.itertuples()}
    assert found == expected
