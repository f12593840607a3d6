"""Small territories written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cptsgeo.perimeters import STAGES, Perimeters

PLACES = {
    "04": ("Alpes-de-Haute-Provence", "93", "Provence-Alpes-Côte d'Azur"),
    "05": ("Hautes-Alpes", "93", "Provence-Alpes-Côte d'Azur"),
    "26": ("Drôme", "84", "Auvergne-Rhône-Alpes"),
}


def towns(
    populations: dict[str, int], *, epci: dict[str, str] | None = None, levels: dict[str, int] | None = None
) -> pd.DataFrame:
    """Make a table of communes from code and population; the département is in the code."""
    codes = sorted(populations)
    table = pd.DataFrame(
        {
            "insee_code": codes,
            "name": [f"Ville {code}" for code in codes],
            "departement_code": [code[:2] for code in codes],
            "departement_name": [PLACES[code[:2]][0] for code in codes],
            "region_code": [PLACES[code[:2]][1] for code in codes],
            "region_name": [PLACES[code[:2]][2] for code in codes],
            "epci_siren": [(epci or {}).get(code) for code in codes],
            "epci_name": [None if code not in (epci or {}) else f"EPCI {(epci or {})[code]}" for code in codes],
            "population": [populations[code] for code in codes],
            "population_year": 2023,
            "density_level": [(levels or {}).get(code) for code in codes],
        }
    )
    return table.astype(
        {
            **{"population": "Int64", "population_year": "Int64", "density_level": "Int64"},
            **{"epci_siren": "str", "epci_name": "str"},
        }
    )


def perimeters(
    stages: dict[str, str | None], members: Sequence[tuple[str, str] | tuple[str, str, float]], **dates: dict[str, str]
) -> Perimeters:
    """Make perimeters from CPTS to stage, and pairs or triples (CPTS, code, share)."""
    ids = sorted(stages)
    cpts = pd.DataFrame({"cpts_id": ids, "cpts_name": [f"CPTS {name}" for name in ids]})
    cpts["stage"] = pd.Categorical([stages[name] for name in ids], categories=list(STAGES), ordered=True)
    for column, days in dates.items():
        cpts[column] = pd.to_datetime(pd.Series([days.get(name) for name in ids], dtype="str")).astype("datetime64[s]")
    rows = [(one[0], one[1], one[2] if len(one) == 3 else 1.0) for one in members]
    membership = pd.DataFrame(rows, columns=["cpts_id", "insee_code", "share"]).astype({"share": "float64"})
    membership = membership.assign(method="list").sort_values(["cpts_id", "insee_code"], ignore_index=True)
    return Perimeters(cpts, membership.astype({"cpts_id": "str", "insee_code": "str"}))
