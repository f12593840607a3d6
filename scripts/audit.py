"""Audit what the constraints pin: licences against an allow-list, and known vulnerabilities where advisories can be reached.

python scripts/audit.py

Licences are read from the metadata of what is installed, without network; one outside the list fails. Advisories come from
PyPI through pip-audit; where none can be reached, that is said and nothing fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = (ROOT / "constraints.txt", ROOT / "constraints-dev.txt")
ALLOWED = re.compile(
    r"(the )?(mit|mit-cmu|isc|0bsd|zlib|cc0-1\.0|psf|psfl|python software foundation|public domain|hpnd|unlicense"
    r"|(modified |new |simplified |[23][- ]clause )*bsd([- ][23][- ]clause)?|apache( software)?( license)?[-, ]*(version )?(2(\.0)?)?"
    r"|(psf|mpl|mozilla public|afl)[- ](license )?[0-9.]*|mozilla public license 2\.0"
    r"|lgpl[-v0-9.+]*(-only|-or-later)?|gnu lesser general public license v[23]( or later)?)"
    r"( license)?",
    re.IGNORECASE,
)
"""Licences under which a program under MIT may use a library that it does not change."""

ABBREVIATION = re.compile(r"(License|later|2\.0) \([^()]*\)")

READ_BY_HAND = {
    "exactextract": "Apache-2.0",
    "pandera": "MIT",
    "pyogrio": "MIT",
    "pypdfium2": "BSD-3-Clause AND Apache-2.0",
    "simplejson": "MIT",
}
"""What the licence file of a library says whose metadata does not say it in a name."""


def main() -> None:
    """Check licences, then vulnerabilities; leave with 1 when one of them fails."""
    installed = list(pinned_and_installed())
    refused = {one.name: licence for one in installed if not is_allowed(licence := licence_of(one))}
    for name, licence in refused.items():
        print(f"licence of {name} is not in the allow-list of scripts/audit.py: {licence or 'none stated'}")
    print(f"{len(installed)} licences read, {len(refused)} refused.")
    sys.exit(bool(refused) | bool(vulnerable()))


def pinned_and_installed() -> Iterable[Distribution]:
    """Yield what the constraints name, where it is installed: some are for other systems."""
    texts = (path.read_text(encoding="utf-8") for path in CONSTRAINTS)
    names = {name for text in texts for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}
    for name in sorted(names):
        try:
            yield distribution(name)
        except PackageNotFoundError:
            continue


def licence_of(library: Distribution) -> str:
    """Return the licence that the metadata of a library states: its expression, else its classifiers, else its first line."""
    known = READ_BY_HAND.get(library.name.lower())
    stated = library.metadata
    classifiers = [
        one.rpartition(" :: ")[2] for one in stated.get_all("Classifier") or () if one.startswith("License ::")
    ]
    free = next((line.strip() for line in " ".join(stated.get_all("License") or ()).splitlines() if line.strip()), "")
    return known or " ".join(stated.get_all("License-Expression") or ()) or " AND ".join(classifiers) or free


def is_allowed(licence: str) -> bool:
    """Tell whether every part of a licence is allowed, or one of those that may be chosen; groups are for a person to read.

    Examples
    --------
    >>> is_allowed("ISC License (ISCL)"), is_allowed("GPL-3.0-only OR Apache-2.0")
    (True, True)
    >>> is_allowed("MIT AND AGPL-3.0"), is_allowed("GPL-3.0-only AND (MIT OR ISC)"), is_allowed("")
    (False, False, False)
    """
    choices = re.split(r"\s+OR\s+", ABBREVIATION.sub(r"\1", licence))
    parts = ([part.strip() for part in re.split(r"\s+AND\s+|,\s*", choice)] for choice in choices)
    return any(all(ALLOWED.fullmatch(part) for part in choice) for choice in parts)


def vulnerable() -> list[str]:
    """Ask pip-audit; print and return what it knows, or say that advisories cannot be reached."""
    words = [
        "pip_audit",
        "--disable-pip",
        "--no-deps",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--timeout",
        "15",
    ]
    files = [word for path in CONSTRAINTS for word in ("-r", str(path))]
    done = subprocess.run([sys.executable, "-m", *words, *files], capture_output=True, text=True)
    try:
        libraries = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        libraries = []
    asked = [one for one in libraries if "vulns" in one]
    if not asked:
        print("advisories skipped: they cannot be reached from here")
        return []
    found = [
        f"{one['name']} {one['version']}: {fault['id']}, corrected in {', '.join(fault['fix_versions']) or 'no version'}"
        for one in asked
        for fault in one["vulns"]
    ]
    print(*found, f"{len(asked)} of {len(libraries)} libraries looked up, {len(found)} advisories.", sep="\n")
    return found


if __name__ == "__main__":
    main()
