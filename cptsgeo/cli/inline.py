"""``cptsgeo inline``: make a page that Folium wrote stand alone."""

from __future__ import annotations

from pathlib import Path

import click

from cptsgeo.cli.options import say
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _


@make_command(
    "inline",
    text=N_(
        "Put the scripts, styles and fonts that a Folium page links to into the page, and forbid it everything else: it opens without network. Names written by other programs are not cleaned."
    ),
    example="cptsgeo inline page.html -o page_autonome.html",
)
@click.argument("page", type=click.Path(path_type=Path))
@option("-o", "--output", type=click.Path(path_type=Path), required=True, help=N_("File to write (.html)."))
@option(
    "--online",
    multiple=True,
    help=N_("Site that the page may ask for images, such as https://tile.openstreetmap.org. Repeat for several."),
)
@option("--overwrite", is_flag=True, help=N_("Replace what exists."))
def command(page: Path, output: Path, online: tuple[str, ...], overwrite: bool) -> None:
    """Read, inline, write."""
    from cptsgeo.errors import FileError
    from cptsgeo.files import whole_file
    from cptsgeo.maps.stand_alone import inline_page

    try:
        html = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            _("the page cannot be read"), fix=_("give an HTML file in UTF-8, as Folium writes them"), where=str(page)
        ) from error
    if "<head" not in html.lower():
        raise FileError(
            _("this is not a page: it has no head"), fix=_("give an HTML file, as Folium writes them"), where=str(page)
        )
    text = inline_page(html, online=online)
    with whole_file(output, overwrite=overwrite) as part:
        part.write_text(text, encoding="utf-8", newline="")
    say(_("Written: {path}").format(path=output))
