"""The notebook of docs, run as it is; and what a notebook shows of results."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cptsgeo.results import Results
from tests.maps.payloads import PAYLOADS

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


def test_the_notebook_runs(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 5
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.get("data", {}) for cell in code for output in cell.outputs]
    assert "vivent dans une CPTS" in shown[0]["text/html"]
    assert any("image/png" in data for data in shown)
    assert any("<iframe srcdoc=" in data.get("text/html", "") for data in shown)
    assert (tmp_path / "carte.html").stat().st_size > 100_000


def test_hostile_names_are_text_in_a_notebook(monkeypatch: pytest.MonkeyPatch, embedded_results: Results) -> None:
    results = embedded_results
    table = results.tables["coverage_by_departement"]
    whole = table[(table["counting"] == "cumulative") & (table["stage"] == "any")]
    rows = pd.concat([whole.iloc[:1].assign(name=name) for name in PAYLOADS])
    monkeypatch.setattr("cptsgeo.maps.summary.departement_rates", lambda _results: rows)
    tags: set[str] = set()
    texts: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            tags.add(tag)
            assert not attrs

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(results._repr_html_())
    assert tags == {"h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "bdi", "small"}
    assert set(PAYLOADS) <= set(texts)
