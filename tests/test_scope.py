"""The scope: where a list of CPTS is complete."""

from __future__ import annotations

import pytest

from cptsgeo.errors import DataError, UsageError
from cptsgeo.scope import Scope, embedded_scope, in_scope, parse_scope, scope_names, touched_departements


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("france", Scope("france")),
        ("departement=13,84", Scope("departement", ("13", "84"))),
        (" departement = 2A , 2A,", None),
        ("region=93", Scope("region", ("93",))),
        ("epci=200054807", Scope("epci", ("200054807",))),
        ("departement=13,13", Scope("departement", ("13",))),
    ],
)
def test_scopes_that_are_written(text, scope):
    if scope is None:
        with pytest.raises(UsageError):
            parse_scope(text)
    else:
        assert parse_scope(text) == scope
        assert parse_scope(str(scope)) == scope


@pytest.mark.parametrize("text", ["", "france=1", "93", "pays=1", "departement", "departement=", "region=,"])
def test_another_form_is_wrong_usage(text):
    with pytest.raises(UsageError, match="n’est pas un périmètre d’étude") as refused:
        parse_scope(text)
    assert refused.value.where == "--scope"
    assert "departement=13,84" in refused.value.fix


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        (Scope("france"), "ABCDEFGHIJ"),
        (Scope("region", ("93",)), "ABCDEFG"),
        (Scope("departement", ("26", "04")), "ABCDHIJ"),
        (Scope("epci", ("200000002",)), "DEH"),
    ],
)
def test_units_of_a_scope(toy_communes, scope, names):
    assert "".join(toy_communes.loc[in_scope(toy_communes, scope), "name"]) == names


@pytest.mark.parametrize("code", ["13", "4", "2a", "99"])
def test_a_code_that_no_unit_has(toy_communes, code):
    with pytest.raises(DataError, match=f"le code {code} ") as refused:
        in_scope(toy_communes, Scope("departement", ("04", code)))
    assert refused.value.where == "--scope"


@pytest.mark.parametrize(("code", "near"), [("4", "04"), ("026", "26")])
def test_a_code_that_lost_or_won_a_zero_is_suggested(toy_communes, code, near):
    with pytest.raises(DataError) as refused:
        in_scope(toy_communes, Scope("departement", (code,)))
    assert refused.value.fix.endswith(f"\u202f: {near}")


def test_near_codes_are_suggested(toy_communes):
    with pytest.raises(DataError) as refused:
        in_scope(toy_communes, Scope("epci", ("200000009",)))
    assert "200000001" in refused.value.fix


def test_names_in_the_order_of_the_codes(toy_communes):
    assert scope_names(toy_communes, Scope("departement", ("26", "04"))) == ["Drôme", "Alpes-de-Haute-Provence"]
    assert scope_names(toy_communes, Scope("france")) == ["France"]


def test_the_list_touches_départements_in_part_or_whole(toy_communes, toy_perimeters):
    assert touched_departements(toy_communes, toy_perimeters) == Scope("departement", ("04", "05"))


def test_the_embedded_scope():
    assert embedded_scope() == Scope("departement", ("972", "973", "974", "976"))
