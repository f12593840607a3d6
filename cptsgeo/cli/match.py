"""``cptsgeo match``: names of communes to codes, nothing guessed, nothing dropped."""

from __future__ import annotations

from pathlib import Path

import click

from cptsgeo.cli.options import deliver, lang_option, output_options, say
from cptsgeo.cli.texts import command as make_command
from cptsgeo.cli.texts import option
from cptsgeo.i18n import N_, _, ngettext, number


@make_command(
    "match",
    text=N_(
        "Give the INSEE codes of a list of CPTS by commune name (XLSX, CSV; personal columns are not read). Exact after folding, inside the département or région given; homonyms are settled by the rest of the CPTS; likeness only proposes. What is not matched goes to unmatched.csv, and the command ends with 1."
    ),
    example="cptsgeo match liste_ars.xlsx --departement 974 -o perimetres.csv",
)
@click.argument("listing", type=click.Path(path_type=Path), metavar="FILE")
@option("--sheet", help=N_("Sheet of the workbook. Default: the first one."))
@option("--departement", default="", help=N_("Code of the département, where the list does not say it."))
@option("--region", default="", help=N_("Code of the région, where the list does not say it."))
@option(
    "--contours",
    multiple=True,
    type=click.Path(path_type=Path),
    help=N_("Outlines, to settle homonyms by the communes they touch. Default: those that are pulled, else by EPCI."),
)
@option(
    "--unmatched",
    type=click.Path(path_type=Path),
    help=N_("File of the names that are not matched. Default: unmatched.csv beside --output."),
)
@output_options
@lang_option
def command(
    listing: Path,
    sheet: str | None,
    departement: str,
    region: str,
    contours: tuple[Path, ...],
    unmatched: Path | None,
    form: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Read, match, deliver both tables."""
    from cptsgeo.communes import read_communes
    from cptsgeo.matching import known_names, match, neighbours, with_areas
    from cptsgeo.sources.ars import read_cpts_list

    listed = read_cpts_list(listing, sheet=sheet)
    if listed.dropped:
        say(_("Columns that are not read: {columns}").format(columns=", ".join(listed.dropped)))
    communes = read_communes()
    rows = with_areas(listed.table, communes, departement=departement, region=region)
    touching = None
    outlines = _outlines(contours)
    if outlines:
        from cptsgeo.contours import read_contours

        touching = neighbours(read_contours(outlines))
    found, left = match(rows, known_names(communes), touching=touching)
    kept = ["cpts_name", *(["stage"] if "stage" in rows else [])]
    table = rows.loc[found.index, kept].join(found).reset_index()
    rest = rows.loc[left.index, kept].join(left).reset_index()
    place = unmatched or (output.parent / "unmatched.csv" if output is not None and str(output) != "-" else None)
    if place is not None:
        deliver(rest, form="csv", output=place, overwrite=overwrite)
    deliver(table, form=form, output=output, overwrite=overwrite)
    say(
        _("{matched} of {total} names matched.").format(matched=number(len(found)), total=number(len(rows)))
        + " "
        + ngettext("{count} is left.", "{count} are left.", len(left)).format(count=number(len(left)))
    )
    if len(left):
        if place is None:
            for row in rest.head(20).itertuples():
                say(f"  {row.name} – {row.reason}. {row.proposals}")
        raise click.exceptions.Exit(1)


def _outlines(given: tuple[Path, ...]) -> list[Path]:
    """Return the outlines given, else those that are pulled."""
    from cptsgeo.sources.store import resolve_all

    return list(given) or resolve_all("admin-express")
