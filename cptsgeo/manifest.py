"""The manifest of a build: every input with its hash, date, licence and rows, so that the build can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cptsgeo.embedded import embedded
from cptsgeo.errors import DataError, require_file, unreadable
from cptsgeo.files import whole_file
from cptsgeo.funding import PAID_STAGES
from cptsgeo.i18n import LANGUAGES, _, current_language
from cptsgeo.layers import is_layer
from cptsgeo.placement import TOLERANCE_M
from cptsgeo.snapshot_list import snapshot_files
from cptsgeo.sources.catalogue import sources
from cptsgeo.sources.status import banner
from cptsgeo.sources.store import data_folder, read_record, sha256
from cptsgeo.tabular import read_table

if TYPE_CHECKING:
    from cptsgeo.study import Inputs, Study

NAME = "manifest.json"
SCHEMA = 1
EMBEDDED = "embedded"


def describe_input(
    path: Path,
    role: str,
    *,
    rows_read: int | None = None,
    rows_matched: int | None = None,
    rows_refused: int | None = None,
) -> dict[str, Any]:
    """Describe one input of a build.

    Parameters
    ----------
    path
        The file; one that was pulled is known by its place in the store, one that ships with cptsgeo by its place there.
    role
        What it served for: ``communes``, ``contours``, ``density``, ``perimeters``, ``cpts``…
    rows_read, rows_matched, rows_refused
        What became of its rows, where the caller knows it.

    Returns
    -------
    dict
        ``role``, ``path`` (absolute; relative to the package for embedded data), ``source`` (name in the catalogue,
        ``embedded``, or empty for a file of the user's), ``address``, ``sha256``, ``bytes``, ``dated`` (ISO date of the content),
        ``pulled``, ``producer``, ``licence``, ``rows_read``, ``rows_matched``, ``rows_refused``; ``None`` where not known.

    Raises
    ------
    FileError
        For a file that is not there.
    """
    path = Path(path)
    require_file(path)
    shown, source, address, dated, pulled, producer, licence = _origin(path.resolve())
    return {
        "role": role,
        "path": shown,
        "source": source,
        "address": address,
        "sha256": sha256(path),
        "bytes": path.stat().st_size,
        "dated": dated,
        "pulled": pulled,
        "producer": producer,
        "licence": licence,
        "rows_read": rows_read,
        "rows_matched": rows_matched,
        "rows_refused": rows_refused,
    }


def _origin(path: Path) -> tuple[str, str, str, str | None, str | None, str, str]:
    """Return path to show, source, address, date of content, day of pull, producer and licence."""
    shipped = embedded(".").resolve()
    if path.is_relative_to(shipped):
        return path.relative_to(shipped).as_posix(), EMBEDDED, "", None, None, "", ""
    store = data_folder().resolve()
    if path.is_relative_to(store):
        name = path.relative_to(store).parts[0]
        record = read_record(name) if name in sources() else None
        if record is not None:
            source = sources()[name]
            dated = record.dated.isoformat() if record.dated else None
            return str(path), name, record.address, dated, record.pulled.isoformat(), source.producer, source.licence
    return str(path), "", "", None, None, "", ""


def make_manifest(
    inputs: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], outputs: Mapping[str, str]
) -> dict[str, Any]:
    """Put a manifest together; equal builds give equal manifests, for it holds no time of day.

    Parameters
    ----------
    inputs
        As :func:`describe_input` returns them.
    parameters
        Arguments of the build: ``arguments``, the list of words after ``cptsgeo build`` without ``--output`` and
        ``--overwrite``, and whatever else the build wants to state.
    outputs
        SHA-256 of every file written, by its path in the folder.
    """
    return {
        "schema": SCHEMA,
        "program": {"name": "cptsgeo", "version": version("cptsgeo")},
        "parameters": dict(parameters),
        "inputs": sorted((dict(one) for one in inputs), key=lambda one: (one["role"], one["path"])),
        "outputs": dict(sorted(outputs.items())),
    }


def build_manifest(study: Study, folder: Path, *, with_maps: bool) -> dict[str, Any]:
    """Describe a build: the inputs of its study, the words that make it again, and every file of its folder.

    Parameters
    ----------
    study
        What was read.
    folder
        What was written, whole.
    with_maps
        Whether the map pages were drawn.
    """
    inputs = study.inputs
    files = input_files(inputs)
    (members,) = files.pop("perimeters")
    cpts = files.pop("cpts")
    described = [describe_input(path, role) for role, paths in files.items() for path in paths]
    matched = len(study.perimeters.membership)
    rows = None if is_layer(members) else len(read_table(members).rows)
    recoded = {finding.row for finding in study.findings if finding.rule == "membership_repeated"}
    described.append(
        describe_input(members, "perimeters", rows_read=rows, rows_matched=matched, rows_refused=len(recoded))
    )
    described += [describe_input(path, "cpts", rows_read=len(study.perimeters.cpts)) for path in cpts]
    for one in described:
        if one["role"] == "communes":
            one["rows_read"] = len(study.communes) if len(inputs.communes) < 2 else None
    arguments = arguments_of(inputs, with_maps=with_maps)
    return make_manifest(
        described,
        {"arguments": arguments, "language": current_language(), "scope": str(study.scope)},
        hash_outputs(folder),
    )


def input_files(inputs: Inputs) -> dict[str, tuple[Path, ...]]:
    """List the files that a study reads, by what they serve for; embedded data where it was given none.

    Examples
    --------
    >>> from cptsgeo.study import Inputs
    >>> [path.name for path in input_files(Inputs())["cpts"]]
    ['cpts.csv']
    """
    cpts = inputs.cpts if inputs.perimeters else embedded("cpts_perimeters/cpts.csv")
    files: dict[str, Sequence[Path | None]] = {
        "communes": inputs.communes or (embedded("communes/communes.parquet"),),
        "contours": inputs.contours or (embedded("communes/contours_outre_mer.parquet"),),
        "density": (inputs.density,),
        "perimeters": (inputs.perimeters or embedded("cpts_perimeters/membership.csv"),),
        "cpts": (cpts,),
        "iris": (inputs.iris,),
        "grid": (inputs.grid,),
        **{f"layer {one.kind}": (one.path,) for one in inputs.layers},
        **{f"names {one.kind}": (one.names,) for one in inputs.layers},
        "need": inputs.need,
        "need_weights": (inputs.need_weights,),
        "editions": [path for _year, path in inputs.editions],
        "published": (inputs.published,),
        "snapshots": () if inputs.snapshots is None else (inputs.snapshots, *snapshot_files(inputs.snapshots)),
    }
    return {role: tuple(path for path in paths if path is not None) for role, paths in files.items()}


def arguments_of(inputs: Inputs, *, with_maps: bool = True) -> list[str]:
    """Write the inputs of a study as the words of `cptsgeo build` that name each of them.

    Examples
    --------
    >>> from cptsgeo.study import Inputs
    >>> arguments_of(Inputs(stages=("aci_signe",)))
    ['--embedded', '--stages', 'aci_signe']
    """
    words = ["--embedded"]
    files = {
        "--communes": inputs.communes,
        "--contours": inputs.contours,
        "--density": (inputs.density,),
        "--perimeters": (inputs.perimeters,),
        "--cpts": (inputs.cpts,),
        "--iris": (inputs.iris,),
        "--grid": (inputs.grid,),
        "--need": inputs.need,
        "--need-weights": (inputs.need_weights,),
        "--published": (inputs.published,),
        "--snapshots": (inputs.snapshots,),
    }
    for option, paths in files.items():
        words += [word for path in paths if path is not None for word in (option, str(Path(path).absolute()))]
    for year, path in inputs.editions:
        words += ["--edition", f"{year}={Path(path).absolute()}"]
    for one in inputs.layers:
        words += ["--with", one.kind if one.path is None else f"{one.kind}={Path(one.path).absolute()}"]
        words += ["--rule", f"{one.kind}={one.rule}"] if one.rule != "listed" else []
        words += ["--names", f"{one.kind}={Path(one.names).absolute()}"] if one.names is not None else []
    words += ["--population-year", str(inputs.population_year)] if inputs.population_year else []
    words += ["--perimeters-date", inputs.perimeters_date.isoformat()] if inputs.perimeters_date else []
    words += ["--as-of", inputs.as_of.isoformat()] if inputs.as_of else []
    words += ["--accept-holes"] if inputs.accept_holes else []
    words += ["--area-weighting"] if inputs.area_weighting else []
    words += ["--repair"] if inputs.repair else []
    words += ["--tolerance", str(inputs.tolerance_m)] if inputs.tolerance_m != TOLERANCE_M else []
    words += ["--scope", str(inputs.scope)] if inputs.scope else []
    words += ["--stages", ",".join(inputs.stages)] if inputs.stages else []
    words += ["--paid-stages", ",".join(inputs.paid_stages)] if inputs.paid_stages != PAID_STAGES else []
    return words if with_maps else [*words, "--no-maps"]


def hash_outputs(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder by its path in it, the manifest itself left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).as_posix() != NAME)
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def write_manifest(manifest: Mapping[str, Any], path: Path, *, overwrite: bool = False) -> None:
    """Write a manifest as JSON, whole or not at all."""
    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read a manifest.

    Raises
    ------
    FileError
        For an absent file.
    DataError
        For one that is no manifest, or of another schema.
    """
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            _("this is not a manifest (JSON)"), fix=_("give the manifest.json of a build"), where=str(path)
        ) from error
    if not _is_manifest(manifest):
        raise DataError(
            _("this is not a manifest that this version can read"),
            fix=_("build again with this version, or replay with the version that the manifest names"),
            where=str(path),
        )
    return manifest


def _is_manifest(content: Any) -> bool:
    """Tell whether a JSON document has the parts of a manifest, each of the type that its readers take it for."""
    return (
        isinstance(content, dict)
        and content.get("schema") == SCHEMA
        and all(isinstance(content.get(key), dict) for key in ("program", "parameters", "outputs"))
        and isinstance(content["program"].get("version"), str)
        and isinstance(content["parameters"].get("arguments"), list)
        and all(isinstance(word, str) for word in content["parameters"]["arguments"])
        and content["parameters"].get("language") in LANGUAGES
        and isinstance(content.get("inputs"), list)
        and all(
            isinstance(one, dict)
            and all(isinstance(one.get(key), str) for key in ("role", "path", "source", "sha256"))
            and "dated" in one
            and isinstance(one["dated"], str | None)
            for one in content["inputs"]
        )
    )


def input_path(described: Mapping[str, Any]) -> Path:
    """Return where an input lies on this machine."""
    return embedded(described["path"]) if described["source"] == EMBEDDED else Path(described["path"])


def changed_inputs(manifest: Mapping[str, Any]) -> list[str]:
    """Say which inputs are missing or are not what they were, one sentence each; none when all are the same.

    A pulled file is also looked for by its hash in what is pulled now.
    """
    found = []
    for described in manifest["inputs"]:
        path = input_path(described)
        name = f"{described['role']}, {described['source'] or described['path']}"
        if not path.is_file():
            found.append(_("{name}: the file is not there any more ({path})").format(name=name, path=path))
        elif sha256(path) != described["sha256"]:
            found.append(_("{name}: the content changed").format(name=name))
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Say what differs between two manifests, one sentence each: program, parameters, inputs, outputs.

    Parameters
    ----------
    before, after
        As :func:`make_manifest` returns them.

    Returns
    -------
    list of str
        Empty when both builds are the same.
    """
    found = []
    one, other = before["program"]["version"], after["program"]["version"]
    if one != other:
        found.append(_("the version of cptsgeo: {before} then, {after} now").format(before=one, after=other))
    for key in sorted(set(before["parameters"]) | set(after["parameters"])):
        if before["parameters"].get(key) != after["parameters"].get(key):
            found.append(
                _("the parameter {key}: {before} then, {after} now").format(
                    key=key, before=before["parameters"].get(key), after=after["parameters"].get(key)
                )
            )
    for role in sorted({i["role"] for i in before["inputs"]} | {i["role"] for i in after["inputs"]}):
        then = {i["sha256"]: i for i in before["inputs"] if i["role"] == role}
        now = {i["sha256"]: i for i in after["inputs"] if i["role"] == role}
        if set(then) != set(now):
            found.append(
                _("the input {role}: {before} then, {after} now").format(
                    role=role, before=_shown(then, now), after=_shown(now, then)
                )
            )
    paths = sorted(set(before["outputs"]) | set(after["outputs"]))
    differing = [path for path in paths if before["outputs"].get(path) != after["outputs"].get(path)]
    if differing:
        found.append(_("files written: {paths}").format(paths=", ".join(differing)))
    return found


def _shown(inputs: Mapping[str, Mapping[str, Any]], others: Mapping[str, Any]) -> str:
    names = [
        f"{Path(i['path']).name} ({i['dated'] or digest[:12]})" for digest, i in inputs.items() if digest not in others
    ]
    return ", ".join(sorted(names)) or _("none")


def credit_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return one line of credit per producer's input: producer, title, date of the content, licence; each once.

    Pages and workbooks show them. Inputs of the user's and embedded data have their own words there.
    """
    lines = [_credit(described["source"], described["dated"]) for described in manifest["inputs"]]
    return [line for line in dict.fromkeys(lines) if line]


def credit_line(path: Path) -> str:
    """Return the line of credit of one input; empty for a file that was not pulled."""
    _shown, source, _address, dated, *_others = _origin(Path(path).resolve())
    return _credit(source, dated)


def _credit(name: str, dated: str | None) -> str:
    source = sources().get(name)
    when = dated or _("undated")
    return f"{source.producer}, {source.title}, {when} ({source.licence})" if source else ""


def late_sources(inputs: Inputs) -> str:
    """Say which pulled sources of a study are no longer up to date on its day; empty when all are."""
    return banner(pulled_sources(inputs), inputs.as_of or date.today())


def pulled_sources(inputs: Inputs) -> tuple[str, ...]:
    """Name the sources of the catalogue that the files of a study were pulled from."""
    names = (_origin(path.resolve())[1] for paths in input_files(inputs).values() for path in paths)
    return tuple(dict.fromkeys(name for name in names if name in sources()))
