"""``cptsgeo replay``: build again from a manifest, and say what differs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from cptsgeo.cli.options import lang_option, say
from cptsgeo.cli.texts import command as make_command
from cptsgeo.i18n import N_, _, language


@make_command(
    "replay",
    text=N_(
        "Build again with the inputs and parameters of a manifest, and compare: identical bytes, or which input changed. Ends with 1 when something differs."
    ),
    example="cptsgeo replay atlas/manifest.json",
)
@click.argument("manifest", type=click.Path(path_type=Path), metavar="MANIFEST")
@lang_option
def command(manifest: Path) -> None:
    """Compare inputs, build into a temporary folder, compare outputs."""
    from cptsgeo.cli.build import command as build
    from cptsgeo.manifest import NAME, changed_inputs, compare, read_manifest

    before = read_manifest(manifest)
    changed = changed_inputs(before)
    if changed:
        _differ(changed)
    with tempfile.TemporaryDirectory(prefix="cptsgeo-") as folder:
        output = Path(folder) / "replay"
        words = [*before["parameters"]["arguments"], "--output", str(output)]
        with language(before["parameters"]["language"]):
            build.main(words, prog_name="cptsgeo build", standalone_mode=False)
        differences = compare(before, read_manifest(output / NAME))
    if differences:
        _differ(differences)
    say(_("Identical: {count} files, byte for byte.").format(count=len(before["outputs"])))


def _differ(sentences: list[str]) -> None:
    say(_("The build is not the same:"))
    for sentence in sentences:
        say(f"  {sentence}")
    raise click.exceptions.Exit(1)
