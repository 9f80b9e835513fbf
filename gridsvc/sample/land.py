"""The county's land: seeds of rural grids inside an irregular outline, clustered into villages and towns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.frame import CORE_XY, Floats, wander

Indices = NDArray[np.intp]

MIDDLE = (CORE_XY[0] + 1500.0, CORE_XY[1] - 900.0)
RADIUS = 17_870.0
SPACING = 1275.0
TOWN_COUNT = 16
VILLAGE_COUNT = 83


@dataclass(frozen=True)
class Land:
    """Seeds (n, 2) in metres of `frame.CRS`; `inside` tells seeds within the county, and town and village are theirs.

    `outline` is the county's border, `edges` the border lines of all rural grids and the outline itself.
    """

    seeds: Floats
    inside: NDArray[np.bool_]
    town: Indices
    village: Indices
    outline: Any
    edges: list[Any]

    @property
    def village_town(self) -> Indices:
        """The town of each village."""
        _, first = np.unique(self.village, return_index=True)
        return self.town[first]


def outline_radius(angle: Floats) -> Floats:
    """Distance (metres) from MIDDLE to the rough county outline in the given directions (radians)."""
    waves = (
        0.10 * np.cos(2 * angle + 0.6)
        + 0.085 * np.cos(3 * angle + 2.1)
        + 0.07 * np.cos(5 * angle + 4.0)
        + 0.04 * np.cos(9 * angle + 1.0)
    )
    return np.asarray(RADIUS * (1 + waves))


def nearest(points: Floats, targets: Floats) -> Indices:
    """Return for each point the index of its nearest target."""
    gap = points[:, None, :] - targets[None, :, :]
    return np.asarray((gap**2).sum(axis=2).argmin(axis=1))


def clusters(points: Floats, count: int, rng: np.random.Generator, rounds: int = 25) -> Indices:
    """Group points into `count` compact clusters (k-means with spread-out starts)."""
    chosen = [int(rng.integers(len(points)))]
    away = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    for _ in range(count - 1):
        chosen.append(int(away.argmax()))
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    centres = points[chosen]
    for _ in range(rounds):
        label = nearest(points, centres)
        size = np.maximum(np.bincount(label, minlength=count), 1)
        centres = np.column_stack([np.bincount(label, points[:, k], minlength=count) / size for k in (0, 1)])
    return nearest(points, centres)


def _villages(points: Floats, town: Indices, rng: np.random.Generator) -> Indices:
    """Split every town's seeds into villages, VILLAGE_COUNT in all, in proportion to the towns' seeds."""
    share = np.bincount(town, minlength=TOWN_COUNT) * VILLAGE_COUNT / len(town)
    count = np.floor(share).astype(int)
    for k in np.argsort(count - share, kind="stable")[: VILLAGE_COUNT - count.sum()]:
        count[k] += 1
    village = np.zeros(len(points), dtype=np.intp)
    for k in range(TOWN_COUNT):
        mine = np.flatnonzero(town == k)
        village[mine] = clusters(points[mine], int(count[k]), rng) + count[:k].sum()
    return village


def _outline(rng: np.random.Generator) -> Any:
    """Draw the county's border: the rough outline, roughened at ever smaller steps."""
    angle = np.linspace(0, 2 * np.pi, 27)[:-1]
    corners = np.array(MIDDLE) + outline_radius(angle)[:, None] * np.column_stack(
        [np.cos(angle), np.sin(angle)]
    )
    spans = [
        wander(a, b, rng, 0.11, 4)[:-1] for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    return shapely.polygons(np.round(np.vstack(spans), 2))


def make_land(domain: Any, rng: np.random.Generator) -> Land:
    """Scatter seeds over the county around the town domain (polygon in `frame.CRS`) and cluster them."""
    reach = int(RADIUS * 1.35 / SPACING)
    row, column = np.mgrid[-reach - 4 : reach + 5, -reach : reach + 1]
    grid = np.column_stack([(column + 0.5 * (row % 2)).ravel(), (row * np.sqrt(0.75)).ravel()]) * SPACING
    seeds = grid + rng.uniform(-0.3, 0.3, grid.shape) * SPACING + np.array(MIDDLE)
    seeds = seeds[~shapely.dwithin(domain, shapely.points(seeds), 230)]
    outline = _outline(rng)
    inside = shapely.contains_xy(outline, seeds[:, 0], seeds[:, 1])
    town = clusters(seeds[inside], TOWN_COUNT, rng)
    borders = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), only_edges=True))
    borders = borders[shapely.intersects(borders, outline) & (shapely.length(borders) > 0)]
    edges = [
        shapely.linestrings(wander(c[0], c[-1], rng, 0.13, 3 if np.hypot(*(c[-1] - c[0])) > 300 else 1))
        for c in (shapely.get_coordinates(b) for b in borders)
    ]
    cut = shapely.intersection(np.array(edges, dtype=object), outline)
    pieces = shapely.get_parts(cut)
    edges = [*pieces[shapely.get_type_id(pieces) == 1], shapely.get_exterior_ring(outline)]
    return Land(seeds, inside, town, _villages(seeds[inside], town, rng), outline, edges)
