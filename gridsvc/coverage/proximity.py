"""Which features lie within a distance of others: true distance between their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.coverage.chains import SHORT, Chains, chains_of, squared
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import spread
from gridsvc.partition.segments import Floats
from gridsvc.partition.workers import ALONE, Workers

CHUNK = 40_000
"""Features that are looked at in one go."""
Rows = npt.NDArray[np.bool_]


def features_near(
    shapes: Any, targets: Any, distance: float, workers: Workers = ALONE, chains: Chains | None = None
) -> Rows:
    """Which *shapes* lie within *distance* metres of any of *targets* (metre CRS); inside a polygon counts as near.

    *chains* of the targets are made where they are not given.

    Most are settled by circles: those around shape and target do not come near enough, or one vertex of the shape
    lies within the distance of a disc inside the target, or of one of its vertices. Only the rest is measured.
    """
    mine, goals = np.asarray(shapes, dtype=object), np.asarray(targets, dtype=object)
    chains = chains or chains_of(goals, max(distance, SHORT))
    xy, feature = shapely.get_coordinates(mine, return_index=True)
    near = np.zeros(len(mine), dtype=bool)
    if not len(xy) or not len(chains):
        return near
    rows, first = np.unique(feature, return_index=True)
    boxes = shapely.bounds(mine[rows])
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    order = np.lexsort((middle[:, 0], np.floor(middle[:, 1] / max(1_000.0, 10 * distance))))
    half = np.hypot(*(boxes[:, 2:] - boxes[:, :2]).T) / 2

    def work(part: Ints) -> Rows:
        circles = np.column_stack([middle[part], half[part]])
        return _near_circles(mine[rows[part]], circles, xy[first[part]], chains, goals, distance)

    parts = [order[begin : begin + CHUNK] for begin in range(0, len(order), CHUNK)]
    for part, found in zip(parts, workers.map(work, parts), strict=True):
        near[rows[part]] = found
    left = ~near[rows]
    near[rows[left]] = _inside_large(xy[first[left]], goals, distance)
    return near


def _inside_large(xy: Floats, goals: Shapes, distance: float) -> Rows:
    """Which points lie in polygons that can hold a place farther than *distance* from their border.

    What lies that deep has no chain in reach, and lies inside with all of it, so one of its vertices tells.
    """
    polygons = goals[shapely.get_dimensions(goals) == 2]
    boxes = shapely.bounds(polygons)
    polygons = polygons[np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) > 2 * distance]
    inside = np.zeros(len(xy), dtype=bool)
    inside[shapely.STRtree(shapely.points(xy)).query(polygons, predicate="intersects")[1]] = True
    return inside


def _near_circles(
    shapes: Shapes, circles: Floats, vertex: Floats, chains: Chains, goals: Shapes, distance: float
) -> Rows:
    """The same for some shapes, with a circle around each (x, y, radius) and one vertex of each."""
    feature, chain = chains.in_reach(circles[:, :2], circles[:, 2], distance)
    near = np.zeros(len(shapes), dtype=bool)
    away = vertex[feature] - chains.heart[chain]
    near[feature[squared(away) <= (chains.core[chain] + distance) ** 2]] = True
    feature, chain = feature[~near[feature]], chain[~near[feature]]
    count, first = chains.take(chain)
    pair, number = spread(first, first + count)
    away = vertex[feature[pair]] - chains.xy[number]
    near[feature[pair[squared(away) <= distance * distance]]] = True
    open_ = ~near[feature]
    pairs = np.unique(feature[open_] * len(goals) + chains.shape[chain[open_]])
    feature, goal = pairs // len(goals), pairs % len(goals)
    near[feature[shapely.dwithin(shapes[feature], goals[goal], distance)]] = True
    return near
