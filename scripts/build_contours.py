"""Build what comes from the GSHHG coastline: contours_outre_mer.parquet and land.parquet, in data/communes.

The first holds schematic outlines of the communes of four overseas départements: each is the Voronoi cell of the commune's
interior point, in the metric CRS of its territory, clipped to the coast and, in Guyane, to the land borders of the same
set. The second holds the land around France, and the rest of the world's more coarsely, to be drawn beneath maps.
Needs GMT 6 and full-resolution GSHHG (Debian: gmt, gmt-gshhg-full).
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import click
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer
from shapely import LineString, MultiLineString, Point, Polygon, box

GRID = 1e-5  # degrees, about 1 m: coordinates are rounded to it
MAX_POINT_DISTANCE = 1000.0  # metres from a cell to its own point: points are given to 0.01 degree, also about 1 km
MAX_DRIFT = 1.0  # metres by which rounding may move the coast, on average
EUROPE_SIMPLIFIED = 0.05  # degrees
LEAST_LAKE = 20.0  # km²: smaller ones are land
LAND_GRID = 1e-4  # degrees, about 10 m: what is only drawn beneath a map needs no more

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Territory:
    """A département: its code, metric CRS, box (west, south, east, north) without neighbours, and known area in km²."""

    code: str
    crs: int
    bounds: Bounds
    area: float
    # Lines that close the land borders: 20 m at the point where three countries meet, then from each end through the
    # river mouth to the open sea. The islets along the western bank of the Oyapock bay fall to Guyane, not the others.
    closures: tuple[tuple[tuple[float, float], ...], ...] = ()


TERRITORIES = (
    Territory("972", 5490, (-61.3, 14.35, -60.75, 14.95), 1_128),
    Territory(
        "973",
        2972,
        (-56.0, 1.0, -50.5, 7.0),
        83_534,
        (
            ((-54.6036163882, 2.32944228275), (-54.602777142, 2.32944228275)),
            ((-53.9647211414, 5.76499580377), (-53.93, 5.9), (-53.5, 7.0)),
            (
                (-51.6827801938, 4.03500419623),
                (-51.6575, 4.06),
                (-51.649, 4.07),
                (-51.638, 4.14),
                (-51.638, 4.16),
                (-51.62, 4.2),
                (-51.62, 4.45),
                (-50.5, 6.0),
            ),
        ),
    ),
    Territory("974", 2975, (55.1, -21.5, 55.95, -20.75), 2_504),
    Territory("976", 4471, (44.9, -13.1, 45.4, -12.55), 374),
)


def require(condition: bool, problem: str) -> None:
    """Raise when a fact that the outlines rest on does not hold."""
    if not condition:
        raise click.ClickException(problem)


@dataclass(frozen=True)
class Window:
    """A part of the world (west, south, east, north), its GSHHG resolution, and the least area of a shape in km²."""

    bounds: Bounds
    resolution: str
    least: float


NEAR = (
    Window((-6.5, 40.5, 11.0, 52.0), "h", 0.1),
    Window((-63.5, 14.0, -60.5, 18.5), "h", 0.1),
    Window((-56.0, 1.0, -50.5, 7.0), "h", 0.1),
    Window((54.5, -21.8, 56.5, -20.5), "h", 0.1),
    Window((44.5, -13.5, 46.0, -12.0), "h", 0.1),
    Window((-57.5, 46.0, -55.0, 48.0), "h", 0.1),
)
EUROPE = Window((-25.0, 33.0, 35.0, 64.0), "l", 100.0)
WORLD = Window((-180.0, -60.0, 180.0, 80.0), "c", 1000.0)


def gmt(module: str, window: Window, *options: str, text: str | None = None, levels: str = "0/1") -> list[str]:
    """Return the lines that a GMT module writes for a window: of land alone (0/1), or of lakes alone (2/2)."""
    west, south, east, north = window.bounds
    command = ["gmt", module, f"-R{west}/{east}/{south}/{north}", f"-D{window.resolution}"]
    command += [f"-A{window.least}/{levels}"]
    command += [*options, "--FORMAT_FLOAT_OUT=%.12g", "--FORMAT_GEO_OUT=D"]
    with tempfile.TemporaryDirectory() as folder:  # GMT leaves a gmt.history where it runs
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, input=text)
    return done.stdout.splitlines()


def dump(window: Window, *features: str, levels: str = "0/1") -> list[LineString]:
    """Return the coast, the shores of lakes, or the borders in a window."""
    lines: list[list[tuple[float, float]]] = []
    for line in gmt("coast", window, "-M", *features, levels=levels):
        if line.startswith(">"):
            lines.append([])
        elif line and not line.startswith("#"):
            longitude, latitude = line.split()
            lines[-1].append((float(longitude), float(latitude)))
    return [LineString(line) for line in lines if len(line) > 1]


def faces(lines: list[LineString], *, grid: float | None = None) -> list[Polygon]:
    """Return the faces that a network of lines bounds, in a fixed order."""
    network = shapely.node(MultiLineString(lines)) if grid is None else shapely.unary_union(lines, grid_size=grid)
    parts = shapely.get_parts(shapely.polygonize(list(shapely.get_parts(network))))
    return list(parts[np.lexsort(shapely.bounds(parts).T)])


def land(territory: Territory, seeds: list[Point]) -> list[Polygon]:
    """Return the land of a territory, islets included, lakes filled, in EPSG:4326."""
    window, frame = Window(territory.bounds, "f", 0), box(*territory.bounds)
    borders = [LineString(line) for line in territory.closures]
    borders += dump(window, "-N1") if territory.closures else []
    lines = [*borders, frame.exterior]
    sides = faces(lines)
    side = max(sides, key=lambda face: sum(face.contains(seed) for seed in seeds))
    # The sea and the neighbours' mainland reach the frame; their islets lie on the other side of the borders.
    return [
        face
        for face in faces([*lines, *dump(window, "-W")])
        if not face.intersects(frame.exterior) and side.contains(face.representative_point())
    ]


def label(parts: list[Polygon], cells: np.ndarray) -> np.ndarray:
    """Return the position of the cell in which each part lies, or the nearest one."""
    inside = np.array([part.representative_point() for part in parts])
    _, nearest = shapely.STRtree(cells).query_nearest(inside, all_matches=False)
    return np.asarray(nearest)


def build_territory(territory: Territory, points: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the outlines of one territory's communes, in EPSG:4326, rounded."""
    to_metric = Transformer.from_crs(4326, territory.crs, always_xy=True).transform
    to_degrees = Transformer.from_crs(territory.crs, 4326, always_xy=True).transform

    def project(geometry: np.ndarray | list[Polygon], transform: object = to_metric) -> np.ndarray:
        return np.asarray(shapely.transform(np.asarray(geometry), transform, interleaved=False))

    seeds = shapely.points(points["longitude"].to_numpy(), points["latitude"].to_numpy())
    land_parts = project(land(territory, list(seeds)))
    area = shapely.area(land_parts).sum()
    require(0.9 < area / 1e6 / territory.area < 1.1, f"{territory.code}: {area / 1e6:.0f} km² of land")

    metric_seeds = project(seeds)
    extent = box(*shapely.total_bounds(land_parts)).buffer(10_000)
    cells = np.array(
        shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(metric_seeds), extend_to=extent, ordered=True))
    )
    require(all(shapely.contains(cells, metric_seeds)), f"{territory.code}: a Voronoi cell without its point")

    # Noding all lines at once gives neighbours the very same vertices, in metres and again after rounding in degrees.
    pieces = faces([*shapely.boundary(land_parts), *shapely.boundary(cells)])
    prepared = shapely.union_all(land_parts)
    shapely.prepare(prepared)
    pieces = [piece for piece in pieces if prepared.contains(piece.representative_point())]
    require(bool(shapely.coverage_is_valid(pieces)), f"{territory.code}: the clipped cells are no coverage")
    owners = label(pieces, cells)

    rounded = faces(list(shapely.boundary(project(pieces, to_degrees))), grid=GRID)
    metric = project(rounded)
    inside = shapely.STRtree(pieces).query([part.representative_point() for part in metric], predicate="within")
    rounded = [rounded[position] for position in inside[0]]
    codes = points["insee_code"].to_numpy()[owners[inside[1]]]

    outlines = gpd.GeoDataFrame({"insee_code": codes}, geometry=rounded, crs=4326)
    outlines = outlines.dissolve("insee_code", method="coverage").reset_index()
    outlines["geometry"] = shapely.normalize(outlines.geometry.values)
    check(territory, outlines, points, land_parts)
    return outlines


def check(territory: Territory, outlines: gpd.GeoDataFrame, points: pd.DataFrame, land_parts: np.ndarray) -> None:
    """Raise unless the outlines are one valid outline per commune, near its point, that together make up the land."""
    code = territory.code
    require(outlines["insee_code"].tolist() == points["insee_code"].tolist(), f"{code}: a commune without outline")
    metric = outlines.to_crs(territory.crs).geometry
    for geometry in (outlines.geometry, metric):
        require(bool(geometry.is_valid.all() and not geometry.is_empty.any()), f"{code}: invalid outline")
        require(bool(shapely.coverage_is_valid(geometry.values)), f"{code}: overlaps or unshared borders")
    own = gpd.GeoSeries.from_xy(points["longitude"], points["latitude"], crs=4326).to_crs(territory.crs)
    distance = metric.distance(own.reset_index(drop=True))
    require(bool((distance <= MAX_POINT_DISTANCE).all()), f"{code}: a point {distance.max():.0f} m from its outline")
    whole = shapely.union_all(land_parts)
    union = metric.union_all(method="coverage")
    holes = [int(shapely.get_num_interior_rings(shapely.get_parts(shape)).sum()) for shape in (whole, union)]
    require(holes[0] == holes[1], f"{code}: gaps, {holes[1]} holes instead of {holes[0]}")
    drift = whole.symmetric_difference(union).area / whole.length
    require(drift < MAX_DRIFT, f"{code}: the coast moved by {drift:.2f} m on average")
    lost = [part for part in land_parts if not metric.intersects(part).any()]
    require(not lost, f"{code}: {len(lost)} islets lost")
    click.echo(
        f"{code}: {len(outlines)} outlines, {whole.area / 1e6:,.1f} km², {len(land_parts)} parts of land, "
        f"coast moved {drift:.2f} m, {int((distance > 0).sum())} points offshore, at most {distance.max():.0f} m",
        err=True,
    )


def build_land() -> gpd.GeoDataFrame:
    """Return the land of the windows near France, and the land of the rest of the world, in EPSG:4326, rounded."""
    near = shapely.union_all([land_in(window) for window in NEAR])
    europe = shapely.simplify(land_in(EUROPE), EUROPE_SIMPLIFIED)
    world = shapely.difference(land_in(WORLD), box(*EUROPE.bounds), grid_size=LAND_GRID)
    around = shapely.union_all([box(*window.bounds) for window in NEAR])
    far = shapely.difference(shapely.union(europe, world, grid_size=LAND_GRID), around, grid_size=LAND_GRID)
    parts = {detail: shapely.get_parts(shapely.normalize(land)) for detail, land in (("near", near), ("far", far))}
    require(len(parts["near"]) > 400 and len(parts["far"]) > 200, "land is missing")
    details = [detail for detail, shapes in parts.items() for _shape in shapes]
    return gpd.GeoDataFrame({"detail": details}, geometry=np.concatenate(list(parts.values())), crs=4326)


def land_in(window: Window) -> shapely.Geometry:
    """Return the land of a window: the faces of its coast that GMT finds dry, without its large lakes."""
    parts = faces([*dump(window, "-W1"), box(*window.bounds).exterior], grid=LAND_GRID)
    inside = shapely.get_coordinates(shapely.point_on_surface(parts))
    points = "".join(f"{x:.12g} {y:.12g} {at}\n" for at, (x, y) in enumerate(inside))
    dry = [int(float(line.split()[2])) for line in gmt("select", window, "-Ns/k/k/k/k", text=points)]
    shores = dump(replace(window, least=max(window.least, LEAST_LAKE)), "-W2", levels="2/2")
    lakes = shapely.union_all(faces(shores, grid=LAND_GRID))
    return shapely.difference(shapely.union_all([parts[at] for at in dry]), lakes)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-o",
    "--output",
    default=Path(__file__).parents[1] / "data" / "communes",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder to write to; it holds points_outre_mer.csv.  [default: data/communes]",
)
def main(output: Path) -> None:
    """Build contours_outre_mer.parquet, from points_outre_mer.csv and the coast, and land.parquet."""
    points = pd.read_csv(output / "points_outre_mer.csv", dtype={"insee_code": str}).sort_values("insee_code")
    territories = [
        build_territory(territory, points[points["insee_code"].str.startswith(territory.code)])
        for territory in TERRITORIES
    ]
    outlines = gpd.GeoDataFrame(pd.concat(territories, ignore_index=True), crs=4326)
    require(outlines["insee_code"].tolist() == points["insee_code"].tolist(), "not one outline per point")
    outlines.insert(1, "geometry_source", "schematic")
    write(outlines, output / "contours_outre_mer.parquet")
    write(build_land(), output / "land.parquet", compression_level=15)


def write(table: gpd.GeoDataFrame, path: Path, **options: int) -> None:
    """Write a GeoParquet file, and say its checksum and size."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd", **options)
    content = buffer.getvalue()
    with click.open_file(str(path), "wb", atomic=True) as file:
        file.write(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {path.name} ({len(content):,} bytes)", err=True)


if __name__ == "__main__":
    main()
