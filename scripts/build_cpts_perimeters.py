"""Build data/cpts_perimeters/: the CPTS of four overseas départements, their communes and the scope they cover.

The report "Tour de France des CPTS" (June 2023) names the CPTS but publishes no list of communes. Perimeters follow
the département or the EPCI of communes.parquet; each row says what is stated and what is only indicative.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import click
import pandas as pd

REPORT = "Rapport « Tour de France des CPTS », juin 2023"
SIGNED = f"{REPORT} : accord conventionnel interprofessionnel (ACI) signé"
AT_LEAST_FORMALISED = (
    f"{REPORT} : stade non précisé ; lettre d’intention est le stade le moins avancé compatible avec l’indicateur "
    "publié (CPTS « au moins formalisée »)"
)
MARTINIQUE = f"{REPORT} : les 34 communes de la Martinique"
REUNION = f"{REPORT} : La Réunion couverte à 100 % en décembre 2022 ; découpage supposé suivre les EPCI : "
GUYANE = f"{REPORT} : CPTS recensée ; périmètre supposé : les six communes de la CACL"
MAYOTTE = (
    f"{REPORT} : CPTS recensée ; périmètre supposé : Bandrélé, Bouéni, Chirongui et Kani-Kéli ; soit 12,0 % des "
    "habitants au recensement de 2017, quand le rapport publie 10 % d’une estimation plus élevée"
)
COMPLETE = f"{REPORT} : liste des CPTS de ce département tenue pour complète"
SCOPE = ("972", "973", "974", "976")
# Facts of the built tables: communes and inhabitants of each CPTS.
EXPECTED = {"972-madinina": 34, "973-centre-littoral": 6, "974-est": 6, "974-grand-sud": 10, "974-nord": 3}
EXPECTED |= {"974-ouest": 5, "976-sud": 4}
SUD_MAYOTTE, MAYOTTE_INHABITANTS = 30_898, 256_518


@dataclass(frozen=True)
class Cpts:
    """One CPTS: the département or the EPCI that make its perimeter, and what the report says of it."""

    cpts_id: str
    name: str
    key: str
    codes: tuple[str, ...]
    perimeter_source: str
    perimeter_confidence: str = "indicative"
    signed: bool = False


CPTS = (
    Cpts(
        "972-madinina",
        "CPTS Madinina",
        "departement_code",
        ("972",),
        MARTINIQUE,
        "stated",
        signed=True,
    ),
    Cpts("973-centre-littoral", "CPTS Centre Littoral", "epci_siren", ("249730045",), GUYANE),
    Cpts("974-est", "CPTS Réunion Est", "epci_siren", ("249740093",), REUNION + "CIREST"),
    Cpts(
        "974-grand-sud",
        "CPTS Réunion Grand Sud",
        "epci_siren",
        ("249740077", "249740085"),
        REUNION + "CIVIS et CASUD",
        signed=True,
    ),
    Cpts("974-nord", "CPTS Réunion Nord", "epci_siren", ("249740119",), REUNION + "CINOR"),
    Cpts("974-ouest", "CPTS Réunion Ouest", "epci_siren", ("249740101",), REUNION + "TCO"),
    Cpts("976-sud", "CPTS Sud Mayotte", "epci_siren", ("200060473",), MAYOTTE),
)


def require(condition: bool, problem: str) -> None:
    """Raise when a fact that the tables rest on does not hold."""
    if not condition:
        raise click.ClickException(problem)


def typeset(text: str) -> str:
    """Put the unbreakable spaces of French typography in place of plain ones."""
    text = re.sub(r"(?<=«) | (?=[»:%])", "\u00a0", text)
    return re.sub(r" (?=[;!?])", "\u202f", text)


def build(communes: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables cpts, membership and scope."""
    cpts = pd.DataFrame(
        {
            "cpts_id": c.cpts_id,
            "cpts_name": c.name,
            "stage": "aci_signe" if c.signed else "lettre_intention",
            "stage_confidence": "stated" if c.signed else "indicative",
            "perimeter_confidence": c.perimeter_confidence,
            "source": SIGNED if c.signed else AT_LEAST_FORMALISED,
        }
        for c in CPTS
    )
    membership = pd.DataFrame(
        {
            "cpts_id": c.cpts_id,
            "insee_code": code,
            "confidence": c.perimeter_confidence,
            "source": c.perimeter_source,
        }
        for c in CPTS
        for code in communes.loc[communes[c.key].isin(c.codes), "insee_code"].sort_values()
    )
    scope = pd.DataFrame({"kind": "departement", "code": code, "source": COMPLETE} for code in SCOPE)
    for table in (cpts, membership, scope):
        table["source"] = table["source"].map(typeset)
    require(membership["insee_code"].is_unique, "a commune in two CPTS")
    counts = membership["cpts_id"].value_counts().to_dict()
    require(counts == EXPECTED, f"communes per CPTS: {counts}")
    population = communes.set_index("insee_code")["population"]
    south = population[membership.loc[membership["cpts_id"] == "976-sud", "insee_code"]].sum()
    island = communes.loc[communes["departement_code"] == "976", "population"].sum()
    require((south, island) == (SUD_MAYOTTE, MAYOTTE_INHABITANTS), f"Sud Mayotte: {south} of {island} inhabitants")
    reunion = communes.loc[communes["departement_code"] == "974", "insee_code"]
    require(bool(reunion.isin(membership["insee_code"]).all()), "a commune of La Réunion without CPTS")
    return {"cpts": cpts, "membership": membership, "scope": scope}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-d",
    "--data",
    default=Path(__file__).parents[1] / "data",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Data folder: reads communes/communes.parquet, writes cpts_perimeters/.  [default: data]",
)
def main(data: Path) -> None:
    """Build cpts.csv, membership.csv and scope.csv."""
    tables = build(pd.read_parquet(data / "communes" / "communes.parquet"))
    output = data / "cpts_perimeters"
    output.mkdir(exist_ok=True)
    for name, table in tables.items():
        content = table.to_csv(index=False, lineterminator="\n").encode()
        with click.open_file(str(output / f"{name}.csv"), "wb", atomic=True) as file:
            file.write(content)
        click.echo(f"{hashlib.sha256(content).hexdigest()}  {name}.csv ({len(content):,} bytes)", err=True)


if __name__ == "__main__":
    main()
