"""What must hold whatever the territory and the list: invariants, on territories drawn at random."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.coverage import GROUPS, coverage, unit_coverage
from cptsgeo.perimeters import STAGES, Perimeters, with_stages
from cptsgeo.schemas import TABLES, conform
from cptsgeo.sizes import double_counts, double_counts_by_pair, size_class, size_distribution, sizes
from cptsgeo.white_zones import white_zones, white_zones_by_density

CUMULATIVE = ("any", "lettre_intention", "projet_valide", "aci_signe")
REGION_OF = {"04": "93", "05": "93", "26": "84", "972": "02"}
SHARES = st.sampled_from([1.0, 1.0, 1.0, 0.5, 0.25, 0.1, 0.3, 0.7, 1 / 3]) | st.floats(0.001, 1.0)


def frame_of_units(rows: list[tuple[str, int, str | None, int | None]]) -> pd.DataFrame:
    table = pd.DataFrame(
        [
            {
                "insee_code": f"{departement}{position:0{5 - len(departement)}d}",
                "name": f"Commune {position}",
                "departement_code": departement,
                "departement_name": f"Département {departement}",
                "region_code": REGION_OF[departement],
                "region_name": f"Région {REGION_OF[departement]}",
                "epci_siren": epci,
                "epci_name": epci,
                "population": population,
                "population_year": 2023,
                "density_level": level,
            }
            for position, (departement, population, epci, level) in enumerate(rows, start=1)
        ]
    )
    texts = [name for name in table.columns if name.startswith(("epci", "region", "departement", "insee", "name"))]
    return table.astype({"population": "Int64", "population_year": "Int64", "density_level": "Int64"}).astype(
        dict.fromkeys(texts, "str")
    )


@st.composite
def territories(draw: st.DrawFn) -> tuple[pd.DataFrame, Perimeters]:
    """Draw units and a list of CPTS with stages and shares, every combination allowed."""
    unit = st.tuples(
        st.sampled_from(list(REGION_OF)),
        st.integers(0, 9) | st.integers(0, 300_000),
        st.sampled_from(["200000001", "200000002", None]),
        st.sampled_from([1, 2, 3, 4, 5, 6, 7, None]),
    )
    communes = frame_of_units(draw(st.lists(unit, min_size=1, max_size=7)))
    stages = draw(st.lists(st.sampled_from([*STAGES, None]), max_size=4))
    names = [f"c{position}" for position in range(len(stages))]
    pairs = [(name, code) for name in names for code in communes["insee_code"]]
    held = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    membership = pd.DataFrame(
        {
            "cpts_id": pd.array([name for name, _code in held], dtype="str"),
            "insee_code": pd.array([code for _name, code in held], dtype="str"),
            "share": np.array([draw(SHARES) for _pair in held], dtype="float64"),
            "method": pd.array(["list"] * len(held), dtype="str"),
        }
    )
    cpts = pd.DataFrame(
        {
            "cpts_id": pd.array(names, dtype="str"),
            "cpts_name": pd.array([f"CPTS {name}" for name in names], dtype="str"),
            "stage": pd.Categorical(stages, categories=list(STAGES), ordered=True),
        }
    )
    return communes, Perimeters(cpts, membership.sort_values(["cpts_id", "insee_code"], ignore_index=True))


def row(table: pd.DataFrame, counting: str, stage: str) -> pd.DataFrame:
    return table[(table["counting"] == counting) & (table["stage"] == stage)].set_index("code")


@given(territories())
def test_covered_and_white_make_the_total(territory):
    communes, perimeters = territory
    for by, columns in GROUPS.items():
        covered = row(coverage(communes, perimeters, by=by), "cumulative", "any")
        units = unit_coverage(communes, perimeters)
        key = pd.Series("scope", units.index) if columns is None else units[columns[0]].fillna("none").astype("str")
        white = units.groupby(key)["population_white"].sum()
        assert (covered["population_covered"] + white == covered["population"]).all()
        assert (units["population_white"] >= 0).all()


@given(territories())
def test_covered_at_a_stage_and_white_without_it_make_the_total(territory):
    communes, perimeters = territory
    whole = coverage(communes, perimeters)
    for position, stage in enumerate(STAGES[1:], start=1):
        chosen = with_stages(perimeters, STAGES[position:])
        reached = row(whole, "cumulative", stage)["population_covered"]
        white = white_zones(communes, chosen)["population_white"].sum()
        assert reached.sum() + white == communes["population"].sum() or reached.empty


@given(territories())
def test_the_sum_of_cpts_exceeds_the_union_by_the_ledger(territory):
    communes, perimeters = territory
    counted = sizes(communes, perimeters)["population"].sum()
    union = row(coverage(communes, perimeters), "cumulative", "any")["population_covered"].sum()
    ledger = double_counts(communes, perimeters)
    assert union <= counted
    assert counted - union == ledger["double_count"].sum()
    assert (ledger["double_count"] >= 0).all()


@given(territories())
def test_exclusive_rows_make_any(territory):
    communes, perimeters = territory
    table = coverage(communes, perimeters, by="departement")
    some = row(table, "cumulative", "any")
    exclusive = table[table["counting"] == "exclusive"].groupby("code")[["population_covered", "units_covered"]].sum()
    assert (exclusive["population_covered"] == some["population_covered"]).all()
    assert (exclusive["units_covered"] == some["units_covered"]).all()
    assert (table["population_covered"] >= 0).all()


@given(territories())
def test_a_higher_threshold_never_covers_more(territory):
    communes, perimeters = territory
    table = coverage(communes, perimeters, by="epci")
    if set(CUMULATIVE) <= set(table["stage"]):
        for column in ("population_covered", "units_covered"):
            steps = [row(table, "cumulative", stage)[column] for stage in CUMULATIVE]
            assert all((one >= other).all() for one, other in pairwise(steps))


@given(territories(), st.data())
def test_one_more_perimeter_never_lowers_coverage(territory, data):
    communes, perimeters = territory
    codes = data.draw(st.lists(st.sampled_from(communes["insee_code"].tolist()), unique=True))
    stage = data.draw(st.sampled_from([*STAGES, None]))
    new = pd.DataFrame(
        {"cpts_id": ["new"], "cpts_name": ["CPTS new"], "stage": pd.Categorical([stage], list(STAGES), True)}
    )
    members = pd.DataFrame({"cpts_id": "new", "insee_code": codes, "share": data.draw(SHARES), "method": "list"})
    wider = Perimeters(
        pd.concat([perimeters.cpts, new], ignore_index=True).astype({"stage": perimeters.cpts["stage"].dtype}),
        pd.concat([perimeters.membership, members], ignore_index=True) if codes else perimeters.membership,
    )
    before, after = unit_coverage(communes, perimeters), unit_coverage(communes, wider)
    for column in ("population_covered", *(f"covered_{stage}" for stage in STAGES)):
        assert (after[column] >= before[column]).all()


@given(territories(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_and_index_change_nothing(territory, random):
    communes, perimeters = territory

    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        rows = random.sample(range(len(table)), len(table))
        columns = random.sample(list(table.columns), len(table.columns))
        mixed = table.iloc[rows][columns]
        return mixed.set_axis([random.randrange(10**6) * 10 + position for position in range(len(table))])

    other_units = shuffled(communes)
    other = Perimeters(shuffled(perimeters.cpts), shuffled(perimeters.membership))
    inside = pd.Series(communes["insee_code"] != "04001")
    other_inside = other_units["insee_code"] != "04001"
    for by in ("epci", "unit"):
        pd.testing.assert_frame_equal(
            coverage(communes, perimeters, in_scope=inside, by=by),
            coverage(other_units, other, in_scope=other_inside, by=by),
        )
    for function in (white_zones, white_zones_by_density, double_counts, double_counts_by_pair):
        pd.testing.assert_frame_equal(function(communes, perimeters), function(other_units, other))
    one, two = sizes(communes, perimeters), sizes(other_units, other)
    pd.testing.assert_frame_equal(one, two.sort_values("cpts_id", ignore_index=True)[one.columns])
    pd.testing.assert_frame_equal(size_distribution(one), size_distribution(two))


@given(territories())
def test_departements_make_regions_and_regions_make_france(territory):
    communes, perimeters = territory
    measures = ["population", "population_covered", "units", "units_covered", "population_stage_unknown"]
    keys = ["counting", "stage"]
    departements = coverage(communes, perimeters, by="departement")
    regions = coverage(communes, perimeters, by="region")
    france = coverage(communes, perimeters).set_index(keys)[measures].sort_index()
    by_region = departements.assign(code=departements["code"].map(REGION_OF)).groupby(["code", *keys])[measures].sum()
    pd.testing.assert_frame_equal(by_region, regions.set_index(["code", *keys])[measures].sort_index())
    pd.testing.assert_frame_equal(regions.groupby(keys)[measures].sum(), france)


@given(st.lists(st.integers(0, 10**6), min_size=1))
def test_the_size_class_never_falls_as_population_rises(populations):
    classes = size_class(sorted(populations))
    assert (np.diff(classes) >= 0).all()
    assert set(classes) <= {1, 2, 3, 4}


@given(territories())
def test_margins_stay_within_the_class(territory):
    table = sizes(*territory)
    for place in table.dropna(subset="size_class").itertuples():
        if not pd.isna(place.to_lower_bound):
            assert size_class(place.population - place.to_lower_bound) == place.size_class
            assert size_class(place.population - place.to_lower_bound - 1) == place.size_class - 1
        if not pd.isna(place.to_upper_bound):
            assert size_class(place.population + place.to_upper_bound) == place.size_class
            assert size_class(place.population + place.to_upper_bound + 1) == place.size_class + 1


@given(territories())
def test_every_table_follows_its_schema(territory):
    communes, perimeters = territory
    table = sizes(communes, perimeters)
    for name, frame in {
        "coverage": coverage(communes, perimeters, by="epci"),
        "coverage_with_area": coverage(communes, perimeters, by="epci", areas_km2=pd.Series({"04001": 2.5})),
        "units": unit_coverage(communes, perimeters)[list(TABLES["units"])],
        "sizes": table,
        "size_distribution": size_distribution(table),
        "double_counts": double_counts(communes, perimeters),
        "double_counts_by_pair": double_counts_by_pair(communes, perimeters),
        "white_zones": white_zones(communes, perimeters),
        "white_zones_by_density": white_zones_by_density(communes, perimeters),
    }.items():
        assert list(conform(frame, name).columns) == list(TABLES[name])


@given(territories())
def test_density_splits_make_the_white_population(territory):
    communes, perimeters = territory
    table = white_zones_by_density(communes, perimeters)
    white = white_zones(communes, perimeters)["population_white"].sum()
    for _split, part in table.groupby("split"):
        assert part["population_white"].sum() == white
        assert part["population"].sum() == communes["population"].sum()
        assert part["units"].sum() == len(communes)
