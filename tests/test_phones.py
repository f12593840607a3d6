"""Mobile numbers are found wherever they hide; days, hours and fixed numbers are not taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cptsgeo.phones import holds_mobile, numbers_in

SEPARATORS = st.sampled_from(["", " ", ".", "-", "–", "/", "_", ":", ", ", " - "])


@pytest.mark.parametrize(
    "text",
    [
        *["24/24 0696 00 00 01", "0696000001@orange.fr", "06–96–00–00–01", "06 - 96 - 00 - 00 - 01", "06_96_00_00_01"],
        *[
            "tel:06:96:00:00:01",
            "596696000001",
            "liste 12 0696 00 00 01",
            "08:00-18:00 0696 00 00 01",
            "06.12.14.34.56",
        ],
        *["08 00 18 00 06 96 00 00 01", "05 96 06 12 34 06 96 00 00 01", "0033 6 00 00 00 01", "06 07 20 20 10"],
        *["０６９６００００ 01", "06\u200b96 000001", "(06)96-000-001", "15/0696.00.00.01", "SIRET 80069612345678"],
    ],
)
def test_mobiles_are_found(text: str) -> None:
    assert holds_mobile(text)


@pytest.mark.parametrize(
    "text",
    [
        *["07:00-12:00 14:00-18:00", "06.30-12.30 / 14.00-18.00", "lun-ven 07:00 - 19:00, sam 07:00 - 12:00"],
        *[
            "FINESS-970200123",
            "SAE-970200001-SCAN",
            "RPPS-10067123456",
            "810067123456",
            "-61.06712, 14.6",
            "15 ou 3624",
        ],
        *["0596061234 / 0596112233", "05 96 06 12 34 05 96 11 22 33", "0596.06.12.34/0596.07.11.22"],
        *["0596 06 12 34 24/24", "0590 70 12 34, 24h/24 7j/7", "+596 596 06 12 34", "05 96 06 12 34 - 05 90 70 12 34"],
        *["FINESS, 2026-05-12", "maj 06/07/2026 14:05", "2026-07-06 07:12"],
    ],
)
def test_other_figures_pass(text: str) -> None:
    assert not holds_mobile(text)


@given(
    st.from_regex(r"[0-9]{0,4}", fullmatch=True),
    st.from_regex(r"0[67][0-9]{8}", fullmatch=True),
    SEPARATORS,
    SEPARATORS,
)
def test_figures_before_a_mobile_do_not_hide_it(before: str, mobile: str, gap: str, between: str) -> None:
    pairs = [mobile[at : at + 2] for at in range(0, 10, 2)]
    for writing in (between.join(mobile), between.join(pairs), mobile[:4] + between + mobile[4:]):
        assert holds_mobile(before + gap + writing)


def test_numbers_are_listed_though_figures_go_before() -> None:
    assert numbers_in("24/24 0596 11 11 11") == ["0596111111"]
    assert numbers_in("+596 (0)596 00 00 01, 596596000002") == ["0596000001", "0596000002"]
