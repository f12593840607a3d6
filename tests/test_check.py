"""What a careful reader would ask about a list of CPTS."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from cptsgeo.check import check, connected_parts, far_parts, wholly_outside
from cptsgeo.perimeters import Perimeters


def inside(communes, names="ABCDEFGHIJ"):
    return communes["name"].isin(list(names))


def by_rule(findings):
    rules = {}
    for finding in findings:
        rules.setdefault(finding.rule, []).append(finding)
    return rules


def with_members(perimeters, *rows):
    more = pd.DataFrame(rows, columns=["cpts_id", "insee_code"]).assign(share=1.0, method="list")
    return Perimeters(perimeters.cpts, pd.concat([perimeters.membership, more], ignore_index=True))


def test_findings_of_the_toy_list(toy_communes, toy_perimeters, toy_contours):
    found = by_rule(check(toy_communes, toy_perimeters, in_scope=inside(toy_communes), contours=toy_contours))
    assert set(found) == {"stage_missing", "unit_in_several_cpts", "density_missing"}
    assert found["stage_missing"][0].problem == (
        "1 CPTS sur 6 n’a pas de stade\u202f: elle couvre, sans stade connu (CPTS epsilon)"
    )
    whole, shared = found["unit_in_several_cpts"]
    assert "04903 (C, 1 habitants) est dans 2 CPTS (CPTS alpha; CPTS beta)" in whole.problem
    assert "05901 (E, 50\u202f000 habitants) est partagée entre 2 CPTS" in shared.problem
    assert "(I)" in found["density_missing"][0].problem
    assert all(finding.severity == "warning" and finding.fix for rows in found.values() for finding in rows)


def test_a_cpts_across_the_scope_and_those_outside_it(toy_communes, toy_perimeters):
    found = by_rule(check(toy_communes, toy_perimeters, in_scope=inside(toy_communes, "AB")))
    assert [finding.value for finding in found["cpts_outside_scope"]] == ["alpha"]
    assert "1 de ses 3 unités est hors du périmètre d’étude" in found["cpts_outside_scope"][0].problem
    (left,) = found["cpts_left_out"]
    assert "4 CPTS n’ont aucune unité dans le périmètre d’étude" in left.problem
    assert "unit_in_several_cpts" not in found


def test_a_list_wholly_outside_the_scope_is_an_error(toy_communes, toy_perimeters):
    (finding,) = wholly_outside(toy_perimeters, {"26901", "26902"})
    assert (finding.rule, finding.severity) == ("perimeters_outside_scope", "error")
    assert finding.problem == "aucune unité de la liste des CPTS n’est dans le périmètre d’étude"
    assert wholly_outside(toy_perimeters, {"26901", "04901"}) == []


def test_one_cpts_in_two_spellings_is_suggested_and_not_merged(toy_communes, toy_perimeters):
    names = toy_perimeters.cpts["cpts_name"].replace({"CPTS zeta": "CPTS de l’Alpha", "CPTS alpha": "CPTS ALPHA"})
    perimeters = Perimeters(toy_perimeters.cpts.assign(cpts_name=names), toy_perimeters.membership)
    (finding,) = by_rule(check(toy_communes, perimeters, in_scope=inside(toy_communes)))["cpts_spelling"]
    assert "« CPTS ALPHA » (unités : 3)" in finding.problem.replace("\u202f", " ")
    assert "« CPTS de l’Alpha » (unités : 0)" in finding.problem.replace("\u202f", " ")
    assert len(perimeters.cpts) == 6


def test_units_without_outline_are_counted_and_said(toy_communes, toy_perimeters, toy_contours):
    drawn = toy_contours[~toy_contours["insee_code"].isin(["05902", "26903"])]
    found = by_rule(check(toy_communes, toy_perimeters, in_scope=inside(toy_communes), contours=drawn))
    assert "2 unités du périmètre d’étude n’ont pas de contour" in found["units_undrawn"][0].problem
    assert "(F, J)" in found["units_undrawn"][0].problem


def test_parts_of_a_cpts_far_from_its_most_populous_part(toy_communes, toy_perimeters, toy_contours):
    # I is 1 km east and 1 km south of B, which touches A and C: 1.4 km from the rest of alpha.
    perimeters = with_members(toy_perimeters, ("alpha", "26902"))
    (finding,) = far_parts(toy_communes, perimeters, toy_contours, far_km=1.4)
    assert finding.rule == "cpts_far_part"
    assert finding.value == "26902"
    assert "CPTS alpha" in finding.problem
    assert "26902 (I)" in finding.problem
    assert far_parts(toy_communes, perimeters, toy_contours, far_km=1.5) == []


def test_two_wrong_communes_side_by_side_are_one_far_part():
    # Three places on a line: a big one, and 30 km away two small ones that touch each other.
    shapes = [shapely.box(x, 0, x + 1000, 1000) for x in (0, 31_000, 32_000)]
    codes = ["04901", "04902", "04903"]
    contours = gpd.GeoDataFrame(
        {"insee_code": codes}, geometry=[shapely.affinity.translate(s, 900_000, 6_400_000) for s in shapes], crs=2154
    ).to_crs(4326)
    communes = pd.DataFrame({"insee_code": codes, "name": list("ABC"), "population": [10, 4, 5]})
    perimeters = Perimeters(
        pd.DataFrame({"cpts_id": ["x"], "cpts_name": ["CPTS X"]}),
        pd.DataFrame({"cpts_id": "x", "insee_code": codes, "share": 1.0, "method": "list"}),
    )
    (finding,) = far_parts(communes, perimeters, contours)
    assert finding.value == "04902 04903"
    assert finding.problem == "CPTS X\u202f: 04902 (B), 04903 (C) sont à 30 km du reste de la CPTS"
    swapped = communes.assign(population=[1, 4, 5])
    (finding,) = far_parts(swapped, perimeters, contours)
    assert finding.value == "04901"  # the most populous part is the body, however many units it has


@pytest.mark.parametrize(("gap", "parts"), [(0, 1), (1, 2)])
def test_touching_shapes_are_one_part(gap, parts):
    shapes = pd.Series([shapely.box(0, 0, 1, 1), shapely.box(1 + gap, 0, 2 + gap, 1)], index=["b", "a"])
    assert len(connected_parts(shapes)) == parts
    assert sorted(code for part in connected_parts(shapes) for code in part) == ["a", "b"]
