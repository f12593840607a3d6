"""A study: everything read and checked once, and what it computes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from cptsgeo.communes import read_communes
from cptsgeo.errors import CptsGeoError, DataError, FileError, as_findings
from cptsgeo.maps.pages import PAGES, page
from cptsgeo.results import compute, compute_tables
from cptsgeo.schemas import conform
from cptsgeo.scope import Scope
from cptsgeo.study import Inputs, parse_study, read_study

TOY_SCOPE = Scope("departement", ("04", "05", "26"))


@pytest.fixture
def inputs(toy_files):
    return Inputs(
        communes=(toy_files.communes,),
        contours=(toy_files.contours,),
        perimeters=toy_files.perimeters,
        cpts=toy_files.cpts,
        scope=TOY_SCOPE,
    )


def test_the_embedded_study():
    study = read_study(Inputs(), with_contours=True)
    assert len(study.units) == 97
    assert study.scope == Scope("departement", ("972", "973", "974", "976"))
    assert study.findings == ()
    tables, _findings = compute_tables(study)
    scope = tables["coverage_by_scope"].iloc[0]
    counted = read_communes()
    counted = counted[counted["departement_code"].isin(["972", "973", "974", "976"])]
    assert scope["population"] == counted["population"].sum()
    assert scope["population_covered"] == 360_630 + 153_884 + 131_262 + 318_130 + 218_278 + 222_009 + 30_898


def test_what_was_read_is_what_the_files_say(inputs, toy_communes, toy_perimeters):
    study = read_study(inputs, with_contours=True)
    columns = ["insee_code", "name", "population", "population_year"]
    pd.testing.assert_frame_equal(study.communes[columns], toy_communes[columns])
    pd.testing.assert_frame_equal(study.perimeters.membership, toy_perimeters.membership)
    assert study.perimeters.cpts["stage"].astype("object").fillna("").tolist() == [
        stage or ""
        for stage in toy_perimeters.cpts["stage"].astype("object").where(toy_perimeters.cpts["stage"].notna(), "")
    ]
    assert study.in_scope.all()
    assert len(study.contours) == 10


def test_units_unlike_those_of_the_cog_are_told(inputs):
    study = read_study(inputs)
    told = [finding.problem for finding in study.findings if finding.rule == "units_differ"]
    assert len(told) == 2
    assert "ne sont pas dans la table des communes" in told[0]
    assert "10 unités de la table des communes ne sont pas dans le COG 2026" in told[1]
    assert study.contours is None


def test_cpts_wholly_outside_the_scope_are_left_out_and_told(inputs):
    study = read_study(replace(inputs, scope=Scope("departement", ("05",))))
    assert study.perimeters.cpts["cpts_id"].tolist() == ["delta", "epsilon", "gamma", "zeta"]
    (left,) = [finding.problem for finding in study.findings if finding.rule == "cpts_left_out"]
    assert "CPTS alpha, CPTS beta" in left


def test_every_table_follows_its_schema_and_adds_up(inputs):
    study = read_study(inputs, with_contours=True)
    tables = compute(study).tables
    assert set(tables) == {
        *("coverage_by_scope", "coverage_by_region", "coverage_by_departement", "coverage_by_epci", "units"),
        *("sizes", "size_distribution", "double_counts", "double_counts_by_pair"),
        *("white_zones", "white_zones_by_density"),
        *("funding", "funding_by_scope", "funding_by_region", "funding_by_departement"),
        *("clusters", "cluster_units", "cluster_parts", "cluster_neighbours", "extensions"),
        *("plan", "plan_units", "plan_summary"),
        *("funding_summary", "contract_years", "funding_grid", "cpts_editions", "watch", "reconcile"),
    }
    for level in ("region", "departement", "epci"):
        some = tables[f"coverage_by_{level}"].groupby(["counting", "stage"])["population_covered"].sum()
        whole = tables["coverage_by_scope"].set_index(["counting", "stage"])["population_covered"].sort_index()
        pd.testing.assert_series_equal(some, whole)
    assert tables["units"]["population_covered"].sum() == 172_501
    conform(compute_tables(read_study(inputs))[0]["coverage_by_scope"], "coverage")


def test_what_the_pages_draw(inputs):
    results = compute(read_study(replace(inputs, scope=Scope("departement", ("04", "05"))), with_contours=True))
    units = results.units.set_index("name")
    assert sorted(units.index) == list("ABCDEFG")
    assert units["stage"].to_dict() == {
        **dict.fromkeys("ABC", "aci_signe"),
        "D": "projet_valide",
        **dict.fromkeys("EF", "lettre_intention"),
        "G": "unknown",
    }
    assert set(units["white_zone"]) == {"covered"}
    assert units["size_class"].to_dict() == {**dict.fromkeys("ABCDG", "2"), **dict.fromkeys("EF", "1")}
    assert results.undrawn.empty
    whole = compute(read_study(inputs, with_contours=True))
    white = whole.units.set_index("name")
    assert white.loc[["H", "I", "J"], "stage"].tolist() == ["white_zone"] * 3
    assert white.loc[["H", "I", "J"], "size_class"].tolist() == ["white_zone"] * 3
    assert white.loc[["H", "I", "J"], "white_zone"].tolist() == ["rural", "unknown", "rural"]
    assert [len(layer) for layer in whole.outlines.values()] == [5, 3]


def test_what_shows_no_plan_is_the_same_without_one(inputs):
    study = read_study(inputs, with_contours=True)
    whole, part = compute(study), compute(study, with_plan=False)
    assert part.plan is None
    assert set(part.tables) < set(whole.tables)
    for name, table in part.tables.items():
        pd.testing.assert_frame_equal(table, whole.tables[name])
    for name in PAGES:
        assert (page(part, name) == page(whole, name)) == (name != "plan"), name


def test_units_of_a_cpts_beyond_the_scope_are_drawn_apart(inputs):
    results = compute(read_study(replace(inputs, scope=Scope("epci", ("200000002",))), with_contours=True))
    units = results.units.set_index("name")
    assert units.loc["F", ["stage", "size_class", "white_zone"]].tolist() == ["out_of_scope"] * 3
    assert units.loc["F", "stage_label"] == "hors périmètre d’étude"
    assert "A" not in units.index
    assert units.loc["H", "stage"] == "white_zone"


def test_errors_of_several_files_come_together(inputs, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("cpts_id,insee_code\nalpha,4901\nalpha,04902\n", encoding="utf-8")
    worse = tmp_path / "worse.csv"
    worse.write_text("insee_code,population\n04901,-1\n04902,5\n", encoding="utf-8")
    study, findings = parse_study(replace(inputs, perimeters=bad, communes=(worse,), scope=None))
    assert study is None
    assert {(finding.file, finding.rule) for finding in findings if finding.severity == "error"} >= {
        ("bad.csv", "code_lost_zero"),
        ("worse.csv", "population_wrong"),
    }
    with pytest.raises(DataError, match="erreurs dans les données"):
        read_study(replace(inputs, perimeters=bad, communes=(worse,), scope=None))


def test_any_error_becomes_a_finding():
    (finding,) = as_findings(FileError("absent", fix="look", where="a.csv"))
    assert (finding.rule, finding.severity, finding.problem, finding.file) == ("unreadable", "error", "absent", "a.csv")
    assert as_findings(CptsGeoError("x", fix="y"))[0].fix == "y"
