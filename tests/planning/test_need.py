"""Need: the score by hand, what is missing, and files that are wrong."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cptsgeo.communes import embedded_communes
from cptsgeo.errors import DataError, FileError, UsageError
from cptsgeo.need import checked_weights, cluster_need, components, need
from cptsgeo.need_input import parse_need, read_need, read_need_weights
from cptsgeo.parameters import parameters

UNITS = pd.DataFrame({"insee_code": ["01001", "01002", "01004"], "population": [1000, 0, 500]})


@pytest.fixture(scope="module")
def communes():
    national = embedded_communes()
    return national[national["departement_code"].isin(["01", "13", "75"])].reset_index(drop=True)


@pytest.fixture
def written(tmp_path):
    def write(text, name="need.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_weights_of_every_edition_sum_to_one():
    for edition in parameters("need")["edition"]:
        assert sum(entry["weight"] for entry in edition["component"]) == pytest.approx(1, abs=1e-12)
        assert edition["source"]


def test_the_score_by_hand():
    """ZIP 1 x 0.30, APL (4 - 3.1)/1.5 = 0.6 x 0.30, aged (0.17 - 0.05)/0.15 = 0.8 x 0.15; the rest is missing."""
    known = pd.DataFrame({"insee_code": ["01001"], "zoning": ["ZIP"], "apl": [3.1], "share_75": [0.17]})
    row = need(UNITS, known).set_index("insee_code").loc["01001"]
    assert row["need"] == pytest.approx((0.30 + 0.30 * 0.6 + 0.15 * 0.8) / 0.75)
    assert row["need_weight_known"] == pytest.approx(0.75)
    assert row["need_missing"] == "qpv_population; qpv_count; ald_prevalence"
    assert row[["need_zoning", "need_apl", "need_share_75"]].tolist() == pytest.approx([1, 0.6, 0.8])
    assert row[["zoning", "apl", "share_75"]].tolist() == ["ZIP", 3.1, 0.17]


@pytest.mark.parametrize(
    ("component", "value", "score"),
    [
        ("zoning", "ZAC", 0.6),
        ("zoning", "HZ", 0.0),
        ("apl", 2.5, 1.0),
        ("apl", 0.0, 1.0),
        ("apl", 4.0, 0.0),
        ("apl", 9.0, 0.0),
        ("share_75", 0.2, 1.0),
        ("share_75", 0.05, 0.0),
        ("qpv_population", 150, 0.5),
        ("qpv_population", 0, 0.0),
        ("qpv_count", 0, 0.0),
        ("qpv_count", 3, 1.0),
        ("ald_prevalence", 0.175, 0.5),
    ],
)
def test_each_component_between_its_bounds(component, value, score):
    found = need(UNITS, pd.DataFrame({"insee_code": ["01001"], component: [value]}))
    assert found.loc[0, f"need_{component}"] == pytest.approx(score)
    assert found.loc[0, "need"] == pytest.approx(score)


def test_a_missing_component_is_not_zero():
    known = pd.DataFrame({"insee_code": ["01001", "01004"], "zoning": ["ZIP", "ZIP"], "apl": [4.0, np.nan]})
    found = need(UNITS, known)
    assert found["need"].tolist() == pytest.approx([0.5, np.nan, 1.0], nan_ok=True)
    assert found.loc[1, "need_missing"] == "zoning; apl; share_75; qpv_population; qpv_count; ald_prevalence"
    assert found.loc[1, "need_weight_known"] == 0


def test_inhabitants_of_qpv_mean_nothing_where_nobody_lives():
    found = need(UNITS, pd.DataFrame({"insee_code": ["01002"], "qpv_population": [0]}))
    assert np.isnan(found.loc[1, "need"])


scores = st.one_of(st.just(float("nan")), st.floats(0, 6))


@settings(max_examples=30, deadline=None)
@given(st.tuples(scores, scores, scores), st.tuples(scores, scores, scores))
def test_need_is_monotone_and_within_its_components(apl, share):
    """More need in one known component never lowers the score, which lies between the component scores."""
    known = pd.DataFrame({"insee_code": UNITS["insee_code"], "apl": apl, "share_75": [s / 6 for s in share]})
    found = need(UNITS, known)
    parts = found[["need_apl", "need_share_75"]]
    scored = found["need"].notna()
    assert (scored == parts.notna().any(axis="columns")).all()
    assert (found["need"] >= parts.min(axis="columns") - 1e-12)[scored].all()
    assert (found["need"] <= parts.max(axis="columns") + 1e-12)[scored].all()
    worse = need(UNITS, known.assign(apl=known["apl"] - 0.5))
    assert (worse["need"] >= found["need"] - 1e-12)[scored].all()
    turned = need(UNITS, known.iloc[::-1])
    pd.testing.assert_frame_equal(turned, found)


def test_the_need_of_a_cluster_is_the_mean_over_its_known_inhabitants():
    units = pd.DataFrame(
        {"insee_code": ["01001", "01002", "01004"], "cluster_id": ["a", "a", "a"], "population_white": [100, 300, 600]}
    )
    known = pd.DataFrame({"insee_code": ["01001", "01002"], "zoning": ["ZIP", "ZAC"]})
    found = cluster_need(units, need(UNITS, known, weights={"zoning": 1.0}))
    assert found.loc[0, "need"] == pytest.approx((100 + 300 * 0.6) / 400)
    assert found.loc[0, ["population_need_known", "need_missing"]].tolist() == [400, "zoning"]
    with pytest.raises(UsageError, match="01004 n’a pas été calculé"):
        cluster_need(units, need(UNITS.iloc[:2], known))


def test_a_file_is_read_in_its_own_words(communes, written):
    path = written(
        "Code INSEE;Zonage_MG;APL MG;part_75\n01001;1_ZIP;2,9;0,125\n01002;N/A - résultat non disponible;;\n75056;hors zonage;4;0\n"
    )
    found = read_need([path], communes).set_index("insee_code")
    assert found.loc["01001"].tolist() == ["ZIP", 2.9, 0.125]
    assert found.loc["01002"].isna().all()
    assert (found.loc["75101":"75120", "zoning"] == "HZ").all()
    assert len(found) == len(communes)


def test_counts_of_a_whole_city_are_left_missing_with_a_word(communes, written):
    table, findings = parse_need([written("insee_code,qpv_population\n13055,5000\n13201,12\n")], communes)
    known = table.set_index("insee_code")["qpv_population"]
    assert known["13201"] == 12
    assert np.isnan(known["13202"])
    assert [f.rule for f in findings] == ["need_count_of_city"]
    assert "13055" in findings[0].problem
    assert findings[0].severity == "warning"


def test_former_communes_that_differ_are_left_missing_with_a_word(communes, written):
    table, findings = parse_need([written("insee_code,zoning\n01015,ZIP\n01340,ZAC\n01001,ZAC\n")], communes)
    assert table.set_index("insee_code")["zoning"].dropna().to_dict() == {"01001": "ZAC"}
    assert [f.rule for f in findings] == ["need_former_codes_differ"]
    table, findings = parse_need([written("insee_code,zoning\n01015,ZIP\n01340,ZIP\n")], communes)
    assert table.set_index("insee_code").loc["01015", "zoning"] == "ZIP"
    assert findings == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("insee_code,apl\n01999,3\n", "row 2, column insee_code|ligne 2, colonne insee_code"),
        ("insee_code,apl\n1001,3\n", "il a sans doute perdu son zéro initial"),
        ("insee_code,apl\n01001,3\n01001,3\n", "01001"),
        ("insee_code,apl\n01001,-1\n", "-1 n’est pas une valeur de apl"),
        ("insee_code,apl\n01001,beaucoup\n", "beaucoup n’est pas une valeur de apl"),
        ("insee_code,apl\n01001,inf\n", "inf n’est pas une valeur de apl"),
        ("insee_code,share_75\n01001,12.5\n", "donnez une fraction de 1, par exemple 0.125"),
        ("insee_code,zoning\n01001,ZIPP\n", "ZIPP n’est pas une valeur de zoning"),
        ("insee_code,qpv_count\n01001,1.5\n", "donnez un nombre entier"),
        ("insee_code,qpv_population\n01001,999999\n", "d’au plus la population"),
        ("insee_code,autre\n01001,1\n", "aucune colonne n’est une composante du besoin"),
    ],
)
def test_wrong_files_are_refused_in_words(communes, written, text, words):
    with pytest.raises(DataError, match=words):
        read_need([written(text)], communes)


def test_every_wrong_row_is_told_at_once(communes, written):
    _table, findings = parse_need([written("insee_code,apl,share_75\n01999,3,0.1\n01001,x,2\n01002,,\n")], communes)
    assert [(f.rule, f.row, f.column) for f in findings] == [
        ("code_unknown", 2, "insee_code"),
        ("need_value_wrong", 3, "apl"),
        ("need_value_wrong", 3, "share_75"),
    ]


def test_one_component_in_two_files_is_refused(communes, written):
    one, other = written("insee_code,apl\n01001,3\n", "a.csv"), written("insee_code,apl\n01002,3\n", "b.csv")
    with pytest.raises(DataError, match=r"apl est dans a\.csv et dans b\.csv"):
        read_need([one, other], communes)


def test_qpv_points_are_counted_once_each(communes, written):
    features = [
        {"type": "Feature", "properties": {"insee_com": code, "code_qp": qp}}
        for code, qp in [("01053", "QN1, QN2"), ("01053", "QN2"), ("01004", "QN3")]
    ]
    path = written(json.dumps({"type": "FeatureCollection", "features": features}), "qpv.geojson")
    counts = read_need([path], communes).set_index("insee_code")["qpv_count"].dropna()
    assert counts.to_dict() == {"01004": 1, "01053": 2}
    with pytest.raises(FileError, match="n’est pas le GeoJSON des QPV"):
        read_need([written("{}", "other.geojson")], communes)
    with pytest.raises(FileError, match="n’existe pas"):
        read_need([path.parent / "absent.geojson"], communes)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"apl": 0.5, "zoning": 0.4}, "la somme des poids est 0,900, et non 1"),
        ({"apl": 0.5, "zonage": 0.5}, "zonage n’est pas une composante du besoin"),
        ({"apl": 1.5, "zoning": -0.5}, "le poids de apl est 1.5"),
        ({"apl": True}, "le poids de apl est True"),
        ({"apl": "1"}, "le poids de apl est 1"),
    ],
)
def test_wrong_weights_are_refused_in_words(weights, words):
    with pytest.raises(DataError, match=words):
        need(UNITS, UNITS[["insee_code"]], weights=weights)


def test_weights_from_a_file_replace_ours(written):
    path = written("[weights]\napl = 0.25\nzoning = 0.75\n", "weights.toml")
    weights = read_need_weights(path)
    assert weights == {"zoning": 0.75, "apl": 0.25}
    known = pd.DataFrame({"insee_code": ["01001"], "zoning": ["ZIP"], "apl": [4.0], "share_75": [0.2]})
    found = need(UNITS, known, weights=weights)
    assert found.loc[0, "need"] == 0.75
    assert "need_share_75" not in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weights = ", "pas du TOML"),
        ("[poids]\napl = 1", r"table \[weights\]"),
        ("[weights]\n", r"table \[weights\]"),
    ],
)
def test_wrong_weight_files_are_refused_in_words(written, text, words):
    with pytest.raises((DataError, FileError), match=words):
        read_need_weights(written(text, "weights.toml"))


def test_checked_weights_keep_the_order_of_the_components():
    keys = [entry["key"] for entry in components()]
    assert list(checked_weights({key: 1 / len(keys) for key in reversed(keys)})) == keys


@pytest.mark.real_data
def test_the_real_zoning_and_qpv_agree_with_a_plain_reading(real_data):
    communes = embedded_communes()
    zoning = real_data / "zoning" / "zonage_mg_par_commune_derive.csv"
    qpv = real_data / "qpv" / "qpv2024_centroides.geojson"
    known, findings = parse_need([zoning, qpv], communes)
    assert {f.rule for f in findings} == {"need_count_of_city"}
    assert sorted(f.value for f in findings) == ["13055", "69123", "75056"]
    raw = pd.read_csv(zoning, dtype="str", keep_default_na=False).set_index("code_cog2025")["zonage_mg"]
    letters = raw[raw.str.match(r"\d_")].str[2:]
    shared = known.dropna(subset="zoning").set_index("insee_code")["zoning"]
    assert len(shared) == len(letters) == 34_839
    assert (shared == letters.reindex(shared.index)).all()
    listed = [f["properties"] for f in json.loads(qpv.read_text("utf-8"))["features"]]
    expected = {
        p["insee_com"]: len(p["code_qp"].split(","))
        for p in listed
        if p["insee_com"] not in {"13055", "69123", "75056"}
    }
    assert known.dropna(subset="qpv_count").set_index("insee_code")["qpv_count"].to_dict() == expected
