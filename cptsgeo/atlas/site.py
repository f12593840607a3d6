"""Write an atlas: a static site of pages, maps and tables that works from a folder, a web server or a sub-path."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.atlas.content import MAP_PAGE, Writer
from cptsgeo.atlas.feeds import Update, next_updates, read_updates, rss, search_index, sitemap, write_updates
from cptsgeo.atlas.output import site_folder
from cptsgeo.atlas.places import Atlas, Place, read_atlas
from cptsgeo.atlas.reading import glossary_rows, method_sections, source_sections
from cptsgeo.charts import chart_table
from cptsgeo.errors import FileError, UsageError
from cptsgeo.export import to_text, with_columns, write_table
from cptsgeo.i18n import _, current_language, day, number
from cptsgeo.maps.cartogram import cartogram
from cptsgeo.maps.index import CONTENTS
from cptsgeo.maps.page import swatch
from cptsgeo.maps.pages import departement_rates, finding, page, size_theme, stage_theme, warning, white_zone_theme
from cptsgeo.qgis import add_styles
from cptsgeo.results import Results, compute
from cptsgeo.schemas import TABLES, conform
from cptsgeo.sizes import member_populations
from cptsgeo.study import Inputs, read_study
from cptsgeo.workbooks import workbooks

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

UPDATES = "updates.json"
CHARTS = {"region": "tables/chart_regions.csv", "departement": "tables/chart_departements.csv"}
MANY_PLACES = 200
"""Places from which other processes write the workbooks: starting them costs two seconds each."""

LOGOS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
HEAVIEST_LOGO = 60_000
"""Bytes of a logo: each of a thousand pages holds it."""

LOCALES = {"fr": "fr_FR", "en": "en_GB"}


@dataclass(frozen=True)
class Choices:
    """What the publisher of an atlas chooses.

    Attributes
    ----------
    theme
        A folder of templates that replace ours by name (``base.html``, ``place.html``, ``style.css`` …), and of files
        under ``static/`` that are copied as they are: images and fonts that its pages then ask for.
    logo
        An image for the head of every page, which holds it.
    url
        Address where the site will be published: sitemap, RSS and sharing metadata need it.
    """

    theme: Path | None = None
    logo: Path | None = None
    url: str = ""

    def __post_init__(self) -> None:
        if self.theme is not None and not self.theme.is_dir():
            raise FileError(_("there is no such folder"), fix=_("check the path"), where=str(self.theme))
        if self.logo is not None and not (self.logo.is_file() and self.logo.suffix.lower() in LOGOS):
            raise FileError(
                _("this is not an image that a page can show"),
                fix=_("give a file that ends with: {choices}").format(choices=", ".join(sorted(LOGOS))),
                where=str(self.logo),
            )
        if self.logo is not None and self.logo.stat().st_size > HEAVIEST_LOGO:
            raise FileError(
                _("this image weighs {size} kB, and each page of the atlas would hold it").format(
                    size=number(self.logo.stat().st_size / 1000)
                ),
                fix=_("give one of at most {size} kB: an SVG, or a smaller PNG").format(
                    size=number(HEAVIEST_LOGO / 1000)
                ),
                where=str(self.logo),
            )
        if self.url and not self.url.startswith(("https://", "http://")):
            raise UsageError(
                _("{text!r} is not the address of a site").format(text=self.url),
                fix=_("write it whole, such as https://atlas.example.fr/cpts/"),
                where="--url",
            )


@dataclass
class Report:
    """What a run did."""

    results: Results
    pages: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    updates: list[Update] = field(default_factory=list)


def write_atlas(
    inputs: Inputs,
    output: Path,
    choices: Choices,
    *,
    processes: int = 1,
    progress: Callable[[str], None] = lambda step: None,
) -> Report:
    """Write the atlas of a study into a folder.

    Everything is read, checked and computed before the first file is touched; then each file is replaced whole, and
    only when its bytes change. Identical inputs give identical bytes.

    Parameters
    ----------
    inputs
        Files and choices of the study.
    output
        The folder: new, empty, or one that an earlier run wrote.
    choices
        Theme, logo and address.
    processes
        How many may work on an atlas of many places; more than one only from a program that can be imported
        (``if __name__ == "__main__"``), as :mod:`multiprocessing` asks.
    progress
        Called with the name of each step.

    Raises
    ------
    CptsGeoError
        As :func:`cptsgeo.study.read_study`; for a folder that holds something else; for a theme that cannot be used.
    """
    with site_folder(output) as site:
        progress(_("reading and checking"))
        study = read_study(inputs, with_contours=True)
        progress(_("computing"))
        results = compute(study)
        atlas = read_atlas(results)
        beside = dict(place_tables(atlas))
        report = Report(results)
        shell = _Shell(atlas, choices)
        tables = {name: to_text(table, "csv") for name, table in results.tables.items()}
        report.updates = next_updates(
            read_updates(site.read(UPDATES)),
            units=tables["units"],
            sizes=tables["sizes"],
            units_before=site.read("tables/units.csv"),
            sizes_before=site.read("tables/sizes.csv"),
            finding=finding(results),
            when=inputs.perimeters_date,
        )
        with workbooks(processes if len(beside) >= MANY_PLACES else 1) as start:
            sheets = {"tables/cptsgeo": start(with_columns(results.tables))}
            sheets |= {stem: start({stem.rpartition("/")[2]: table}) for stem, table in beside.items()}
            progress(_("drawing: {page}").format(page=_("the interactive map")))
            pages = {MAP_PAGE: page(results, "all_layers")}
            progress(_("writing pages"))
            for path, text in shell.pages(report.updates):
                pages[path] = text
            for path, text in pages.items():
                site.write(path, text)
            for path, data in shell.files():
                site.write(path, data)
            progress(_("writing tables"))
            for name, text in tables.items():
                site.write(f"tables/{name}.csv", text)
            for by, name in CHARTS.items():
                site.write(name, to_text(chart_table(results, by=by), "csv"))
            for stem, table in beside.items():
                site.write(f"{stem}.csv", to_text(table, "csv"))
            for stem, wait in sheets.items():
                site.write(f"{stem}.xlsx", wait())
        for path, data in layers(atlas):
            site.write(path, data)
        site.write(UPDATES, write_updates(report.updates))
        if choices.url:
            site.write("sitemap.xml", sitemap(choices.url, sorted(pages)))
            site.write("feed.xml", rss(choices.url, report.updates, title=shell.title))
    report.pages = len(pages)
    report.written, report.unchanged, report.removed = len(site.written), len(site.unchanged), len(site.removed)
    return report


def place_tables(atlas: Atlas) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the table of each place, and the path of its page without ending."""
    study = atlas.results.study
    members = member_populations(study.communes, study.perimeters).merge(
        study.perimeters.cpts[["cpts_id", "cpts_name"]]
    )
    members = members.sort_values(["population_in_cpts", "insee_code"], ascending=[False, True])
    members = conform(members[list(TABLES["cpts_units"])], "cpts_units")
    of_cpts = dict(iter(members.groupby("cpts_id")))
    units = atlas.results.tables["units"].set_index("insee_code", drop=False)
    codes = atlas.columns["insee_code"]
    for one in atlas.all_places():
        if one.kind == "scope":
            continue
        table = of_cpts.get(one.code, members.iloc[:0]) if one.kind == "cpts" else units.loc[codes[one.rows]]
        yield one.path.removesuffix(".html"), table


def layers(atlas: Atlas) -> Iterator[tuple[str, bytes]]:
    """Yield the communes with their outlines: GeoParquet as they were read, GeoPackage as the maps draw them.

    The GeoPackage holds the styles of the maps, and simplified outlines, which suit the scale of a map of the scope.
    """
    import geopandas as gpd
    import pandas as pd

    results = atlas.results
    shapes = results.units[["insee_code", "size_class", "white_zone", "geometry"]]
    joined = results.tables["units"].merge(shapes, on="insee_code", how="left", validate="one_to_one")
    exact = gpd.GeoDataFrame(joined, geometry="geometry", crs=results.units.crs)
    simple = pd.Series(atlas.sheet.polygons(), index=atlas.columns["insee_code"])
    drawn = exact.set_geometry(gpd.GeoSeries(exact["insee_code"].map(simple).to_numpy(), crs=exact.crs))
    themes = [stage_theme(results), size_theme(results), white_zone_theme(results)]
    with tempfile.TemporaryDirectory() as folder:
        package, parquet = Path(folder) / "communes.gpkg", Path(folder) / "communes.parquet"
        write_table(drawn, package)
        add_styles(package, layer="communes", themes=themes)
        write_table(exact, parquet)
        for path in (package, parquet):
            yield f"tables/{path.name}", path.read_bytes()


class _Shell:
    """Put what the pages say into templates."""

    def __init__(self, atlas: Atlas, choices: Choices) -> None:
        self.warning = warning(atlas.results)
        self.atlas = atlas
        self.choices = choices
        self.writer = Writer(atlas)
        self.title = self.writer.title(atlas.home)
        self.environment = _environment(choices.theme)
        self.logo = _data_uri(choices.logo) if choices.logo else ""
        self.static = choices.theme / "static" if choices.theme else None
        self.search = (files("cptsgeo.atlas") / "templates" / "search.js").read_text(encoding="utf-8")

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files of the theme that pages share."""
        if self.static and self.static.is_dir():
            for path in sorted(path for path in self.static.rglob("*") if path.is_file()):
                yield f"static/{path.relative_to(self.static).as_posix()}", path.read_bytes()

    def pages(self, updates: list[Update]) -> Iterator[tuple[str, str]]:
        """Yield the path and text of every page but the interactive map."""
        for one in self.atlas.all_places():
            yield one.path, self._place(one)
        results = self.atlas.results
        method = {"title": _("Method"), "sections": method_sections(results)}
        sources = {"title": _("Sources"), "sections": source_sections(results)}
        yield "method.html", self._page("text.html", "method.html", method)
        yield "sources.html", self._page("text.html", "sources.html", sources)
        glossary = {
            "title": _("Glossary"),
            "head": [_("Column"), _("Heading"), _("Meaning")],
            "rows": glossary_rows(results),
        }
        yield "glossary.html", self._page("glossary.html", "glossary.html", glossary)
        listed = [
            {
                "title": _("State of {day}").format(day=day(_date(one.day))) if one.day else _("State without a date"),
                "one": one,
            }
            for one in updates
        ]
        yield "updates.html", self._page("updates.html", "updates.html", {"title": _("Updates"), "updates": listed})

    def _place(self, one: Place) -> str:
        context = self.writer.page(one)
        stem = one.path.rpartition("/")[2].removesuffix(".html")
        context["files"] = [] if one.kind == "scope" else [f"{stem}.csv", f"{stem}.xlsx"]
        context["legend"] = [
            {"swatch": swatch(each), "label": each.label, "units": number(units), "population": number(population)}
            for each, units, population in context["legend"]
        ]
        context["undrawn"] = number(context["undrawn"]) if context["undrawn"] else ""
        if one.kind == "scope":
            context["tables"] = [
                {
                    "file": f"tables/{name}.csv",
                    "content": _(CONTENTS[name]) if name in CONTENTS else name,
                    "rows": number(len(table)),
                }
                for name, table in self.atlas.results.tables.items()
            ]
            context["weighted"] = cartogram(departement_rates(self.atlas.results))
            context["charts"] = list(CHARTS.values())
            context["index"] = search_index(self.atlas)
            context["script"] = self.search
            context["script_hash"] = base64.b64encode(hashlib.sha256(self.search.encode()).digest()).decode()
        return self._page("home.html" if one.kind == "scope" else "place.html", one.path, context)

    def _page(self, template: str, path: str, context: Mapping[str, Any]) -> str:
        up = "../" * path.count("/")
        shared = {
            "lang": current_language(),
            "locale": LOCALES[current_language()],
            "site": self.title,
            "up": up,
            "path": path,
            "url": f"{self.choices.url.rstrip('/')}/" if self.choices.url else "",
            "logo": self.logo,
            "beside": "'self' file: " if self.static and self.static.is_dir() else "",
            "map_page": up + MAP_PAGE,
            "texts": _texts(),
            "finding": "",
            "warning": self.warning,
            "script_hash": "",
        }
        return self._rendered(template, {**shared, **context})

    def _rendered(self, template: str, context: Mapping[str, Any]) -> str:
        from jinja2 import TemplateError

        try:
            return self.environment.get_template(template).render(context)
        except TemplateError as error:
            raise UsageError(
                _("the template {name} cannot be used: {reason}").format(name=template, reason=error),
                fix=_("correct it in the theme folder, or take it away to use ours"),
                where=str(self.choices.theme or ""),
            ) from error


def _data_uri(image: Path) -> str:
    """Return an image as an address that holds it."""
    return f"data:{LOGOS[image.suffix.lower()]};base64,{base64.b64encode(image.read_bytes()).decode()}"


def _environment(theme: Path | None) -> Environment:
    """Look templates up in the theme first; ours are also there as ``cptsgeo/…``, to extend them."""
    from jinja2 import (
        BaseLoader,
        ChoiceLoader,
        Environment,
        FileSystemLoader,
        PackageLoader,
        PrefixLoader,
        StrictUndefined,
    )

    ours = PackageLoader("cptsgeo.atlas")
    loaders: list[BaseLoader] = [FileSystemLoader(theme)] if theme else []
    return Environment(
        loader=ChoiceLoader([*loaders, ours, PrefixLoader({"cptsgeo": ours})]),
        autoescape=lambda name: name is None or not name.endswith(".css"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _date(text: str) -> Any:
    from datetime import date

    return date.fromisoformat(text)


def _texts() -> dict[str, str]:
    """Return the words of the templates."""
    return {
        "skip": _("Go to the content"),
        "home": _("Atlas"),
        "map": _("Interactive map"),
        "method": _("Method"),
        "sources": _("Sources"),
        "glossary": _("Glossary"),
        "updates": _("Updates"),
        "trail": _("You are here"),
        "pages": _("Pages of the atlas"),
        "open_map": _("Open the interactive map here"),
        "open_map_all": _("Open the interactive map"),
        "legend": _("Legend"),
        "class": _("Class"),
        "communes": _("Communes"),
        "inhabitants": _("Inhabitants"),
        "blank": _("No outline to draw: the figures and the table hold the information."),
        "undrawn": _("Communes without outline, counted and not drawn:"),
        "files": _("Files of this page:"),
        "tables": _("Tables"),
        "workbook": _("All tables in one workbook:"),
        "charts": _("For a chart tool, in percentages:"),
        "layers": _("Communes with their outlines:"),
        "file": _("File"),
        "content": _("Content"),
        "rows": _("Rows"),
        "search": _("Find a commune, a CPTS, a département"),
        "results": _("Results"),
        "none": _("Nothing found"),
        "found": _("Found: {count}"),
        "no_script": _("The search needs JavaScript; the lists below do not."),
        "none_here": _("None."),
        "program": _("Made with cptsgeo {version}.").format(version=version("cptsgeo")),
        "no_updates": _("No update yet."),
        "feed": _("Updates as RSS"),
    }
