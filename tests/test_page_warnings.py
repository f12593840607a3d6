"""Credits of pulled files, and the alarm of a source that is late, on every kind of page."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cptsgeo.atlas.site import Choices, write_atlas
from cptsgeo.build import build
from cptsgeo.manifest import credit_line, pulled_sources
from cptsgeo.sources.store import data_folder
from cptsgeo.study import Inputs

WORDS = "Une source de cette page n’est plus à jour : <b>FINESS</b>"


def test_pages_of_a_build_and_of_an_atlas_show_the_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded_once: None
) -> None:
    asked = []

    def banner(names: tuple[str, ...], today: date) -> str:
        asked.append((names, today))
        return WORDS

    monkeypatch.setattr("cptsgeo.manifest.banner", banner)
    build(Inputs(), tmp_path / "build", with_maps=True)
    write_atlas(Inputs(), tmp_path / "atlas", Choices())
    shown = WORDS.replace("<", "&lt;").replace(">", "&gt;")
    pages = [path for path in tmp_path.rglob("*.html") if path.name != "crise_martinique.html"]
    assert len(pages) > 20
    for path in pages:
        assert shown in path.read_text(encoding="utf-8"), path.name
    assert asked[0] == ((), date.today())


def test_a_pulled_file_is_credited_to_its_producer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPTSGEO_DATA", str(tmp_path))

    class Pulled:
        dated = date(2026, 1, 1)
        pulled = date(2026, 2, 1)
        address = "https://x.example"

    from cptsgeo.sources.catalogue import sources

    name = next(iter(sources()))
    monkeypatch.setattr("cptsgeo.manifest.read_record", lambda _name: Pulled())
    pulled = data_folder() / name / "pop.csv"
    line = credit_line(pulled)
    source = sources()[name]
    assert line == f"{source.producer}, {source.title}, 2026-01-01 ({source.licence})"
    assert credit_line(tmp_path / ".." / "liste.csv") == ""
    assert pulled_sources(Inputs(communes=(pulled,), perimeters=Path("liste.csv"), density=pulled)) == (name,)


def test_the_alarm_is_silent_for_embedded_data(run: Any, tmp_path: Path, embedded_once: None) -> None:
    assert run("map", "-o", tmp_path / "map.html").code == 0
    assert 'class="cg-warning"' not in (tmp_path / "map.html").read_text(encoding="utf-8")
