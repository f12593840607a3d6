"""Build everything: read, check, compute, and write pages and tables, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cptsgeo.card_page import card_json, card_names, card_page
from cptsgeo.crisis import EXERCISE_TITLE, exercise_page
from cptsgeo.errors import CptsGeoError
from cptsgeo.export import with_columns, write_table
from cptsgeo.figures import series_svg
from cptsgeo.files import whole_folder
from cptsgeo.i18n import _, current_language
from cptsgeo.maps.index import index_page
from cptsgeo.maps.overlap_page import overlap_file, overlap_page
from cptsgeo.maps.pages import PAGES, page, warning
from cptsgeo.maps.time_page import TIME, TIME_TITLE, time_page
from cptsgeo.plan_tables import membership_list
from cptsgeo.results import Results, compute
from cptsgeo.snapshot_list import last_inputs
from cptsgeo.study import Inputs, read_study
from cptsgeo.territories import kind_label
from cptsgeo.timeline import timeline
from cptsgeo.workbooks import workbooks

PLAN, SERIES = "plan_perimeters.csv", "series.svg"
KEPT = frozenset({"README.md"})
MANY_UNITS = 10_000
"""Units from which another process writes the workbook: starting it costs two seconds."""


def build(
    inputs: Inputs,
    output: Path,
    *,
    with_maps: bool = True,
    overwrite: bool = False,
    processes: int = 1,
    progress: Callable[[str], None] = lambda step: None,
) -> Results:
    """Write the pages and tables of a study into a folder.

    The folder gets ``index.html``, the pages of :data:`cptsgeo.maps.pages.PAGES`, one more for each layer of
    territories, ``tables/*.csv`` and ``tables/cptsgeo.xlsx``, the perimeters as the plan leaves them
    (``plan_perimeters.csv``, to give back as perimeters), the identity card of each CPTS (``cards/*.html`` and
    ``*.json``), with snapshots the figure ``series.svg`` and the page ``time.html``, and ``manifest.json``, from which `cptsgeo replay` makes it
    again; with the embedded data, the exercise kit ``crise_martinique.html`` too. It is written beside its place and
    renamed into it, so that it is never half new.
    Identical inputs give identical bytes; the day on which the age of pulled sources is judged is one of them
    (``inputs.as_of``, today when not given), and the manifest keeps it.

    Parameters
    ----------
    inputs
        Files and choices.
    output
        The folder. A ``README.md`` in it is kept.
    with_maps
        Write the map pages; without them the tables and the index alone.
    overwrite
        Replace what an earlier build wrote.
    processes
        How many may work on a large scope; more than one only from a program that can be imported
        (``if __name__ == "__main__"``), as :mod:`multiprocessing` asks.
    progress
        Called with the name of each step.

    Returns
    -------
    Results
        What was computed and written.

    Raises
    ------
    CptsGeoError
        As :func:`cptsgeo.study.read_study` and :func:`cptsgeo.files.whole_folder`; nothing is written then.
    """
    from cptsgeo.manifest import NAME, build_manifest, write_manifest

    inputs = _with_day(inputs)
    with whole_folder(output, overwrite=overwrite, keep=KEPT) as folder:
        progress(_("reading and checking"))
        study = read_study(inputs, with_contours=True)
        progress(_("computing"))
        results = compute(study)
        with workbooks(processes if len(results.units) >= MANY_UNITS else 1) as start:
            workbook = start(with_columns(results.tables))
            progress(_("writing tables"))
            figure = _write_tables(results, folder)
            progress(_("writing identity cards"))
            _write_cards(results, folder / "cards")
            if with_maps:
                for name, title, html in _map_pages(results):
                    progress(_("drawing: {page}").format(page=title))
                    _write(folder / name, html())
            _write(folder / "index.html", index_page(results, with_maps=with_maps, figure=figure))
            (folder / "tables" / "cptsgeo.xlsx").write_bytes(workbook())
        write_manifest(build_manifest(study, folder, with_maps=with_maps), folder / NAME)
    return results


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _write_tables(results: Results, folder: Path) -> str:
    """Write the tables, the perimeters of the plan and the figure of the series; return the figure."""
    (folder / "tables").mkdir()
    for name, table in results.tables.items():
        write_table(table, folder / "tables" / f"{name}.csv")
    if results.plan is not None:
        write_table(membership_list(results.plan.perimeters), folder / PLAN)
    figure = series_svg(results.tables["series"]) if "series" in results.tables else ""
    if figure:
        _write(folder / SERIES, figure)
    return figure


def _map_pages(results: Results) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Yield each map page: its file, its title, and how it is drawn."""
    for name, title in PAGES.items():
        yield f"{name}.html", _(title), partial(page, results, name)
    if results.study.snapshots:
        yield TIME, _(TIME_TITLE), partial(_time_page, results)
    for view in results.layers:
        kind = view.layer.kind
        yield overlap_file(kind), kind_label(kind), partial(overlap_page, results, view)
    if results.study.inputs == Inputs():
        yield "crise_martinique.html", _(EXERCISE_TITLE), exercise_page


def _time_page(results: Results) -> str:
    """Draw the dated states, of which the last has perimeters of its own."""
    study = results.study
    assert study.inputs.snapshots is not None, "the states were read from this list"
    last = replace(last_inputs(study.inputs.snapshots, study.inputs), snapshots=None, scope=study.scope)
    of_last = compute(read_study(last, with_contours=True), with_plan=False)
    return time_page(of_last, timeline(study.snapshots), results.tables["series"])


def _write_cards(results: Results, folder: Path) -> None:
    """Write the identity card of each CPTS, as a page and as JSON."""
    folder.mkdir()
    cards, told = results.cards, warning(results)
    for cpts_id, name in card_names(cards).items():
        card = card_page(cards[cpts_id], warning=told)
        _write(folder / f"{name}.html", card)
        _write(folder / f"{name}.json", card_json(cards[cpts_id]))


def _with_day(inputs: Inputs) -> Inputs:
    """Set the day on which pulled sources are judged, where some serve and no day was given."""
    from cptsgeo.manifest import pulled_sources

    return replace(inputs, as_of=date.today()) if inputs.as_of is None and pulled_sources(inputs) else inputs


def is_up_to_date(inputs: Inputs, folder: Path, *, with_maps: bool) -> bool:
    """Tell whether a folder holds what a build of these inputs would write, to the byte, without building.

    It does when its manifest names the same words, language and version, no input changed its content, no file that
    was written was changed since, and the program is not newer than the build. Where pulled sources serve, a build of
    another day is not up to date: its sources may be late now.
    """
    from cptsgeo.manifest import NAME, arguments_of, changed_inputs, hash_outputs, read_manifest

    try:
        manifest = read_manifest(folder / NAME)
        built = (folder / NAME).stat().st_mtime
    except (CptsGeoError, OSError):
        return False
    parameters = manifest["parameters"]
    package = Path(__file__).parent.rglob("*")
    newest = max(path.stat().st_mtime for path in package if path.is_file() and path.suffix != ".pyc")
    return bool(
        newest < built
        and parameters.get("arguments") == arguments_of(_with_day(inputs), with_maps=with_maps)
        and parameters.get("language") == current_language()
        and manifest["program"]["version"] == version("cptsgeo")
        and not changed_inputs(manifest)
        and {path: digest for path, digest in hash_outputs(folder).items() if path not in KEPT} == manifest["outputs"]
    )
