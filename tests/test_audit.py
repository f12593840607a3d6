"""The audit of dependencies: which licences pass, and that no network is no failure."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import distribution

import pytest

from scripts import audit


@pytest.mark.parametrize(
    "licence",
    [
        *(
            "MIT",
            "MIT License",
            "BSD",
            "New BSD",
            "2-clause BSD",
            "BSD 3-Clause License",
            "Apache 2.0",
            "Apache-2.0 OR GPL-3.0",
        ),
        *(
            "MIT AND PSF-2.0",
            "Mozilla Public License 2.0 (MPL 2.0)",
            "LGPL-2.1-or-later",
            "Apache Software License",
            "MIT-CMU",
        ),
        "GNU Lesser General Public License v2 or later (LGPLv2+)",
    ],
)
def test_licences_that_pass(licence: str) -> None:
    assert audit.is_allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "",
        "UNKNOWN",
        "GPL-3.0-only",
        "AGPL-3.0",
        "MIT AND GPL-2.0",
        "GNU General Public License v3 (GPLv3)",
        "Proprietary",
        "SSPL-1.0",
    ],
)
def test_licences_that_do_not(licence: str) -> None:
    assert not audit.is_allowed(licence)


def test_every_pinned_library_that_is_installed_passes() -> None:
    found = {one.name: audit.licence_of(one) for one in audit.pinned_and_installed()}
    assert len(found) > 50
    assert {name: licence for name, licence in found.items() if not audit.is_allowed(licence)} == {}
    assert audit.licence_of(distribution("pytest")).startswith("MIT")


@pytest.mark.parametrize(
    ("answer", "count", "words"),
    [
        ("", 0, "skipped"),
        (json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]}), 0, "skipped"),
        (json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}), 0, "1 of 1"),
        (
            json.dumps(
                {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}
            ),
            1,
            "a 1: X-1, corrected in 2",
        ),
    ],
)
def test_advisories_are_asked_and_their_absence_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, count: int, words: str
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_words, **_named: subprocess.CompletedProcess([], 0, answer, ""))
    assert len(audit.vulnerable()) == count
    assert words in capsys.readouterr().out
