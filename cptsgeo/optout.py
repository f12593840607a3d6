"""The register of people who objected to being shown: salted hashes of RPPS numbers and e-mail addresses.

The register never holds an identifier, only its hash. One salt serves the whole register, since every cell of every input has
to be looked up in it. No number of iterations hides an RPPS number from whoever holds the register: the 2 million numbers in
use are public, and each can be tried. Two hundred and fifty keep a copy from being read at a glance, and let the digits of a
whole région be looked up in seconds; what protects the register is who keeps it (docs/rgpd.md).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cptsgeo.digits import bare, plain, runs
from cptsgeo.errors import FileError, UsageError
from cptsgeo.files import whole_file
from cptsgeo.i18n import _

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "cptsgeo opt-out register 1"
ITERATIONS = 250
KINDS = ("rpps", "email")
_HASH = re.compile(r"[0-9a-f]{64}")
RPPS_DIGITS = 11
_LONG_DECIMAL = re.compile(r"(?<![0-9.])[0-9]{1,3}\.[0-9]{12,}(?![0-9.])")
"""A coordinate written to the last bit: too many digits for an RPPS number."""
_DOMAIN = re.compile(r"@[\w-]+(?:\.[\w-]+)+")
_MAILBOX = re.compile(r"[^\s@<>()\[\]\",;:|\\/=?&]+\Z")
LONGEST_MAILBOX = 64


class Identifier(NamedTuple):
    """One identifier, in its single written form: eleven digits, or an address in lower case."""

    kind: str
    text: str


class Entry(NamedTuple):
    """One person's identifier in the register."""

    kind: str
    hash: str
    added: str


@dataclass(frozen=True)
class Register:
    """Hold the hashes of those who objected.

    Attributes
    ----------
    salt
        Random bytes, the same for every entry.
    iterations
        Rounds of PBKDF2-HMAC-SHA256.
    entries
        In the order in which they were added.
    """

    salt: bytes
    iterations: int = ITERATIONS
    entries: tuple[Entry, ...] = ()
    _known: dict[Identifier, bool] = field(default_factory=dict, compare=False, repr=False)

    def hashed(self, identifier: Identifier) -> str:
        """Hash an identifier as the register does."""
        text = f"{identifier.kind}:{identifier.text}".encode()
        return hashlib.pbkdf2_hmac("sha256", text, self.salt, self.iterations).hex()

    def holds(self, identifier: Identifier) -> bool:
        """Tell whether an identifier is in the register."""
        if not self.entries:
            return False
        if identifier not in self._known:
            wanted = self.hashed(identifier)
            self._known[identifier] = any(entry.hash == wanted for entry in self.entries)
        return self._known[identifier]

    def objects(self, text: str) -> list[Identifier]:
        """List the identifiers of the register that a text holds, wherever they stand in it."""
        return [identifier for identifier in identifiers_in(text) if self.holds(identifier)] if self.entries else []

    def with_identifier(self, identifier: Identifier, added: date) -> Register:
        """Return the register with one more identifier; itself when it is there already."""
        if self.holds(identifier):
            return self
        entry = Entry(identifier.kind, self.hashed(identifier), added.isoformat())
        return replace(self, entries=(*self.entries, entry), _known={})


def identifier(text: str) -> Identifier:
    """Read an RPPS number (eleven digits, or twelve with the 8 of the national identifier) or an e-mail address.

    Raises
    ------
    UsageError
        For anything else.

    Examples
    --------
    >>> identifier("810 1234 56789"), identifier(" Marie.Exemple@Example.org ")
    (Identifier(kind='rpps', text='10123456789'), Identifier(kind='email', text='marie.exemple@example.org'))
    """
    address = plain(text).strip().lower()
    if "@" in address and address in {found.text for found in identifiers_in(text)}:
        return Identifier("email", address)
    if number := rpps_number(text):
        return Identifier("rpps", number)
    raise UsageError(
        _("this is neither an RPPS number nor an e-mail address"),
        fix=_("give the eleven digits of the RPPS number, or the whole e-mail address"),
    )


def rpps_number(text: str) -> str | None:
    """Return the eleven digits of an RPPS number, with or without the 8 of the national identifier, or None.

    Examples
    --------
    >>> rpps_number("8101 2345 6789"), rpps_number("8,10123E+11")
    ('10123456789', None)
    """
    digits = bare(text)
    return digits[-RPPS_DIGITS:] if digits and re.fullmatch(r"8?[0-9]{11}", digits) else None


def identifiers_in(text: str) -> Iterator[Identifier]:
    """Yield every RPPS number and e-mail address that a text may hold; digits may be spaced, letters full-width.

    Examples
    --------
    >>> [found.text for found in identifiers_in("Dr X (RPPS 101 2345 6789), <X@Example.org>")]
    ['10123456789', 'x@example.org']
    """
    text = plain(text)
    for digits in runs(_LONG_DECIMAL.sub(" ; ", text), RPPS_DIGITS):
        for start in range(len(digits) - RPPS_DIGITS + 1):
            yield Identifier("rpps", digits[start : start + RPPS_DIGITS])
    for match in _DOMAIN.finditer(text):
        mailbox = _MAILBOX.search(text[max(0, match.start() - LONGEST_MAILBOX) : match.start()])
        if mailbox:
            yield Identifier("email", (mailbox[0] + match[0]).lower())


def new_register() -> Register:
    """Make an empty register with a salt of its own."""
    return Register(secrets.token_bytes(16))


def read_register(path: Path | str) -> Register:
    """Read a register.

    Raises
    ------
    FileError
        When it is absent, cannot be read, is not a register, or was changed by hand or cut short: a kit is never
        built without its register.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, _("it is absent, or cannot be opened")) from error
    try:
        content = json.loads(text)
        body = content["register"]
        entries = tuple(Entry(entry["kind"], entry["hash"], entry["added"]) for entry in body["entries"])
        register = Register(bytes.fromhex(body["salt"]), body["iterations"], entries)
        whole = (
            body["format"] == FORMAT
            and isinstance(register.iterations, int)
            and register.iterations >= ITERATIONS
            and len(register.salt) >= 16
            and all(entry.kind in KINDS and _HASH.fullmatch(entry.hash) for entry in entries)
        )
        digest = content["sha256"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _unreadable(path, _("it is not a register of cptsgeo, or only a part of one")) from error
    if not whole or digest != _digest(body):
        raise _unreadable(path, _("it was changed by hand, or is damaged"))
    return register


def write_register(register: Register, path: Path) -> None:
    """Write a register, whole or not at all, in place of the former one."""
    body = {
        "format": FORMAT,
        "salt": register.salt.hex(),
        "iterations": register.iterations,
        "entries": [entry._asdict() for entry in register.entries],
    }
    with whole_file(path, overwrite=True) as part:
        part.write_text(json.dumps({"register": body, "sha256": _digest(body)}, indent=1) + "\n", encoding="utf-8")


def listed(register: Register) -> pd.DataFrame:
    """List what the register holds: ``kind``, ``added``, and the beginning of each hash; no identifier is in it."""
    import pandas as pd

    rows = [(entry.kind, entry.added, entry.hash[:12]) for entry in register.entries]
    return pd.DataFrame(rows, columns=["kind", "added", "hash"], dtype="str")


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _unreadable(path: Path, reason: str) -> FileError:
    return FileError(
        _("the register of objections cannot be used: {reason}").format(reason=reason),
        fix=_("nothing is built without it: restore the register from its last copy, then run the command again"),
        where=str(path),
    )
