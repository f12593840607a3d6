"""Write the exercise set of the crisis kit, data/crisis_exercise/: everything in it is fictional but the communes.

    python scripts/build_crisis_exercise.py

Numbers are of the ranges that ARCEP keeps for fiction (05 36 49, 06 39 98), addresses of example.org (RFC 2606).
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

from shapely.geometry import Point

from cptsgeo.communes import embedded_communes
from cptsgeo.contours import read_contours

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "data" / "crisis_exercise"
DEPARTEMENT = "972"
DATE = "2026-09-01"
SOURCE = "jeu d'exercice cptsgeo (fictif)"
HOSPITALS = {"97209": 300, "97213": 150, "97230": 120, "97223": 60, "97210": 60, "97231": 40}
EMERGENCIES = ("97209", "97230")
SCANNERS = {"97209": 3, "97213": 1, "97230": 1}
DIALYSIS = ("97209", "97213", "97228")
CMPS = ("97209", "97213", "97222", "97226", "97230")
HELIPADS = ("97203", "97209", "97217", "97225", "97230")
WATER_EVERY = 3
PROFESSIONS = {
    "general_practitioner": "Médecin",
    "nurse": "Infirmier",
    "pharmacist": "Pharmacien",
    "midwife": "Sage-femme",
}
BAND = [
    *[(-61.200, 14.900), (-61.200, 14.832), (-61.135, 14.830), (-61.100, 14.795), (-61.060, 14.765), (-61.030, 14.745)],
    *[(-60.970, 14.715), (-60.880, 14.700), (-60.860, 14.760), (-60.950, 14.830), (-61.100, 14.920), (-61.200, 14.900)],
]
"""North-east coast from Grand'Rivière to La Trinité, drawn by hand for the exercise: it is no official zone."""

COLUMNS = (
    *(
        "resource_id",
        "kind",
        "name",
        "insee_code",
        "longitude",
        "latitude",
        "position_precision",
        "status",
        "status_at",
    ),
    *("status_source", "capacity", "unit", "phone", "mobile", "email", "opening", "source", "updated_at", "visibility"),
)


def main() -> None:
    """Write the table of resources and the closed band."""
    FOLDER.mkdir(exist_ok=True)
    communes = embedded_communes()
    communes = communes[communes["departement_code"] == DEPARTEMENT]
    names = dict(zip(communes["insee_code"], communes["name"], strict=True))
    people = dict(zip(communes["insee_code"], communes["population"], strict=True))
    outlines = read_contours(codes=set(names)).set_index("insee_code").geometry
    middles = outlines.representative_point()
    rows: list[dict[str, object]] = []

    def somewhere(code: str) -> dict[str, object]:
        """Invent a place in the commune: the next step of a spiral that falls inside its outline."""
        for step in range(len(rows), len(rows) + 400):
            angle, radius = 2.4 * step, 0.003 + 0.0012 * (step % 17)
            point = Point(
                round(middles[code].x + radius * math.cos(angle), 5),
                round(middles[code].y + radius * math.sin(angle), 5),
            )
            if outlines[code].buffer(-0.002).contains(point):
                return {"longitude": point.x, "latitude": point.y}
        raise SystemExit(f"no place in {code}")

    def add(kind: str, code: str, name: str, **cells: object) -> None:
        number = len(rows) + 1
        rows.append(
            {
                "resource_id": f"EX-{number:04d}",
                "kind": kind,
                "name": f"{name} (fictif)",
                "insee_code": code,
                "position_precision": "commune",
                "status": "ouvert",
                "status_at": f"{DATE}T08:00",
                "status_source": "exercice",
                "phone": f"05 36 49 {number // 100:02d} {number % 100:02d}",
                "source": SOURCE,
                "updated_at": DATE,
                "visibility": "public",
            }
            | cells
        )

    for code in sorted(names):
        add(
            "shelter",
            code,
            f"Abri d'exercice, {names[code]}",
            capacity=50 + int(people[code]) // 500 * 10,
            unit="places",
        )
    for code, beds in HOSPITALS.items():
        add("hospital", code, f"Hôpital d'exercice, {names[code]}", capacity=beds, unit="lits", opening="24 h / 24")
    for code in EMERGENCIES:
        add("emergency_unit", code, f"Urgences d'exercice, {names[code]}", opening="24 h / 24")
    for code, machines in SCANNERS.items():
        add("scanner", code, f"Scanner d'exercice, {names[code]}", capacity=machines, unit="appareils")
    add("mri", "97209", f"IRM d'exercice, {names['97209']}", capacity=1, unit="appareil", status="degrade")
    for code in DIALYSIS:
        add("dialysis", code, f"Dialyse d'exercice, {names[code]}", capacity=12, unit="postes")
    for code in CMPS:
        add("cmp", code, f"CMP d'exercice, {names[code]}", opening="lundi à vendredi")
    for code in HELIPADS:
        add(
            "helipad",
            code,
            f"Hélisurface d'exercice, {names[code]}",
            status="inconnu",
            visibility="cellule_de_crise",
            position_precision="exact",
            **somewhere(code),
        )
    for code in sorted(names):
        add(
            "pharmacy",
            code,
            f"Pharmacie d'exercice, {names[code]}",
            opening="8 h à 19 h",
            position_precision="street",
            **somewhere(code),
        )
    for code in sorted(names)[::WATER_EVERY]:
        add(
            "water_point", code, f"Point d'eau d'exercice, {names[code]}", position_precision="exact", **somewhere(code)
        )
    person = 0
    for rank, code in enumerate(sorted(names, key=lambda code: -int(people[code]))):
        for kind, word in list(PROFESSIONS.items())[: 4 if rank < 8 else 2]:
            person += 1
            add(
                kind,
                code,
                f"{word} Personne-Fictive {person:02d}",
                mobile=f"06 39 98 00 {person:02d}",
                email=f"fictif{person:02d}@example.org",
                position_precision="street",
                **somewhere(code),
            )
    with (FOLDER / "resources.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    zone = {
        "type": "Feature",
        "properties": {"name": "Bande littorale nord-est fermée (scénario d'exercice)"},
        "geometry": {"type": "Polygon", "coordinates": [BAND]},
    }
    text = json.dumps({"type": "FeatureCollection", "features": [zone]}, ensure_ascii=False, indent=1)
    (FOLDER / "closed_band.geojson").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
