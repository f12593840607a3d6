"""Write official names of communes as people and programs do, seeded: the noise of the matching tests."""

from __future__ import annotations

import random
import re
import unicodedata


def _plain(name: str) -> str:
    name = name.replace("œ", "oe").replace("Œ", "Oe")
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def _article_last(name: str) -> str:
    found = re.match(r"(Le|La|Les|L')\s?(.+)", name)
    return f"{found[2]} ({found[1]})" if found and (found[1] == "L'" or name[len(found[1])] == " ") else name


def _abbreviated(name: str) -> str:
    name = re.sub(r"\bSainte\b", "Ste", name)
    return re.sub(r"\bSaint\b", "St", name)


def _on_the_river(name: str) -> str:
    return name.replace("-sur-", " s/ ").replace("-sous-", " s/s ")


def _cp850(name: str) -> str:
    try:
        return name.encode("utf-8").decode("cp850")
    except UnicodeError:
        return name


WAYS = {
    "upper": lambda name, rng: _plain(name).upper(),
    "spaces": lambda name, rng: _plain(name).lower().replace("-", " "),
    "abbreviated": lambda name, rng: _abbreviated(name).upper(),
    "apostrophes": lambda name, rng: name.replace("'", rng.choice("’´`ʼ")),
    "article_last": lambda name, rng: _article_last(name),
    "article_lost": lambda name, rng: re.sub(r"^(Le |La |Les |L')", "", name),
    "utf8_as_latin1": lambda name, rng: name.encode("utf-8").decode("latin-1"),
    "utf8_as_cp850": lambda name, rng: _cp850(name),
    "cp1252_as_latin1": lambda name, rng: name.replace("'", "’").encode("cp1252").decode("latin-1"),
    "blanks": lambda name, rng: "  " + name.replace(" ", rng.choice(["  ", " \u00a0", "\t"])) + " ",
    "on_the_river": lambda name, rng: _on_the_river(_abbreviated(name)),
    "decomposed": lambda name, rng: unicodedata.normalize("NFD", name),
}


def noisy(names: list[str], *, seed: int) -> list[tuple[int, str, str]]:
    """Return (position, way, text) of every name in ten ways drawn at random among all."""
    rng = random.Random(seed)
    return [
        (position, way, WAYS[way](name, rng))
        for position, name in enumerate(names)
        for way in rng.sample(sorted(WAYS), 10)
    ]
