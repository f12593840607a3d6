"""Build everything: read, check, compute, and write pages and tables, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from cptsgeo.crisis import EXERCISE_TITLE, exercise_page
from cptsgeo.errors import CptsGeoError
from cptsgeo.export import write_table, write_workbook
from cptsgeo.files import whole_folder
from cptsgeo.i18n import _, current_language
from cptsgeo.maps.index import index_page
from cptsgeo.maps.pages import PAGES, page
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.results import Results, compute
from cptsgeo.study import Inputs, read_study

KEPT = frozenset({"README.md"})


def build(
    inputs: Inputs,
    output: Path,
    *,
    with_maps: bool = True,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Results:
    """Write the pages and tables of a study into a folder.

    The folder gets ``index.html``, the pages of :data:`cptsgeo.maps.pages.PAGES`, ``tables/*.csv`` and
    ``tables/cptsgeo.xlsx``, and ``manifest.json``, from which `cptsgeo replay` makes it again; with the embedded data,
    the exercise kit ``crise_martinique.html`` too. It is written beside its place and renamed into it, so that it is
    never half new.
    Identical inputs give identical bytes.

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

    with whole_folder(output, overwrite=overwrite, keep=KEPT) as folder:
        progress(_("reading and checking"))
        study = read_study(inputs, with_contours=True)
        progress(_("computing"))
        results = compute(study)
        progress(_("writing tables"))
        tables = folder / "tables"
        tables.mkdir()
        for name, table in results.tables.items():
            write_table(table, tables / f"{name}.csv")
        write_workbook(results.tables, tables / "cptsgeo.xlsx")
        if with_maps:
            for name, title in PAGES.items():
                progress(_("drawing: {page}").format(page=_(title)))
                (folder / f"{name}.html").write_text(page(results, name), encoding="utf-8", newline="")
            if inputs == Inputs():
                progress(_("drawing: {page}").format(page=_(EXERCISE_TITLE)))
                (folder / "crise_martinique.html").write_text(exercise_page(), encoding="utf-8", newline="")
        (folder / "index.html").write_text(index_page(results, with_maps=with_maps), encoding="utf-8", newline="")
        write_manifest(build_manifest(study, folder, with_maps=with_maps), folder / NAME)
    return results


def is_up_to_date(inputs: Inputs, folder: Path, *, with_maps: bool) -> bool:
    """Tell whether a folder holds what a build of these inputs would write, to the byte, without building.

    It does when its manifest names the same words, language and version, no input changed its content, no file that
    was written was changed since, and the program is not newer than the build. Inputs that no manifest names (a grid,
    IRIS) are always built again.
    """
    from cptsgeo.manifest import NAME, arguments_of, changed_inputs, hash_outputs, read_manifest

    try:
        manifest = read_manifest(folder / NAME)
        built = (folder / NAME).stat().st_mtime
    except (CptsGeoError, OSError):
        return False
    known = replace(inputs, iris=None, grid=None, area_weighting=False, tolerance_m=TOLERANCE_M, repair=False)
    parameters = manifest["parameters"]
    package = Path(__file__).parent.rglob("*")
    newest = max(path.stat().st_mtime for path in package if path.is_file() and path.suffix != ".pyc")
    return bool(
        known == inputs
        and newest < built
        and parameters.get("arguments") == arguments_of(inputs, with_maps=with_maps)
        and parameters.get("language") == current_language()
        and manifest["program"]["version"] == version("cptsgeo")
        and not changed_inputs(manifest)
        and {path: digest for path, digest in hash_outputs(folder).items() if path not in KEPT} == manifest["outputs"]
    )
