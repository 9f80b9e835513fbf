"""Which stretches of roads lie within a distance of points, lines and polygons: exact, without buffers.

A straight piece of road meets the disc around a point in one stretch, foot ± √(r² − d²). It meets the surroundings
of a straight edge (a convex capsule) in one stretch too. So what is near is a union of stretches on the road, found
by one-dimensional arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.segments import Floats, Segments, inside_polygons

Rows = npt.NDArray[np.bool_]


def near_features(segments: Segments, rows: Rows, targets: Any, distance: float) -> Intervals:
    """Stretches of the straight pieces *rows* within *distance* metres of any of *targets* (metre CRS).

    Targets may be points, lines and polygons, mixed; inside a polygon counts as near.
    """
    shapes = np.asarray(targets, dtype=object)
    chosen = np.flatnonzero(rows)
    if not len(shapes) or not len(chosen):
        return Intervals.empty()
    dimension = shapely.get_dimensions(shapes)
    edges = _edges(shapes[dimension > 0])
    # lines that stay where they are
    still = (edges[:, :2] == edges[:, 2:]).all(axis=1)
    points = np.concatenate([shapely.get_coordinates(shapes[dimension == 0]), edges[still, :2]])
    found = [
        _near_points(segments, chosen, points, distance),
        _near_edges(segments, chosen, edges[~still], distance),
        inside_polygons(_subset(segments, chosen), shapes[dimension == 2]),
    ]
    return Intervals.of(
        np.concatenate([part.start for part in found]), np.concatenate([part.end for part in found])
    )


def _subset(segments: Segments, rows: Ints) -> Segments:
    """Some straight pieces, with their places on the axis unchanged."""
    return Segments(
        segments.road[rows],
        segments.start[rows],
        segments.end[rows],
        segments.tail[rows],
        segments.head[rows],
        segments.offset,
    )


def _edges(shapes: Shapes) -> Floats:
    """Straight edges (n, 4) of lines and of polygons' rings."""
    parts = shapely.get_parts(shapes)
    rings = shapely.get_rings(parts[shapely.get_dimensions(parts) == 2])
    lines = np.concatenate([parts[shapely.get_dimensions(parts) == 1], rings])
    xy, of_line = shapely.get_coordinates(lines, return_index=True)
    same = of_line[1:] == of_line[:-1]
    return np.unique(np.hstack([xy[:-1][same], xy[1:][same]]), axis=0)


def _near_points(segments: Segments, rows: Ints, xy: Floats, distance: float) -> Intervals:
    """Stretches within *distance* of points (n, 2)."""
    if not len(xy):
        return Intervals.empty()
    lines = segments.lines()[rows]
    hit, point = shapely.STRtree(shapely.points(xy)).query(lines, predicate="dwithin", distance=distance)
    row = rows[hit]
    start, along, length = _frame(segments, row)
    lo, hi = _disc(xy[point] - start, along, distance)
    return _stretches(segments, row, lo, hi, length)


def _near_edges(segments: Segments, rows: Ints, edges: Floats, distance: float) -> Intervals:
    """Stretches within *distance* of straight edges (n, 4): each edge's capsule gives one."""
    if not len(edges):
        return Intervals.empty()
    lines = segments.lines()[rows]
    tree = shapely.STRtree(shapely.linestrings(edges.reshape(-1, 2, 2)))
    hit, edge = tree.query(lines, predicate="dwithin", distance=distance)
    row = rows[hit]
    lo, hi = beside(segments, row, edges[edge], distance)
    return _stretches(segments, row, lo, hi, _frame(segments, row)[2])


def beside(segments: Segments, row: Ints, edges: Floats, distance: float) -> tuple[Floats, Floats]:
    """From–to metres along each straight piece *row*, endless both ways, within *distance* of its edge (n, 4).

    NaN where nothing is: each edge's surroundings are a convex capsule, which a line meets in one stretch.
    """
    start, along, _ = _frame(segments, row)
    a, b = edges[:, :2] - start, edges[:, 2:] - start
    lows, highs = zip(
        _disc(a, along, distance), _disc(b, along, distance), _slab(a, b, along, distance), strict=True
    )
    return np.fmin.reduce(lows), np.fmax.reduce(highs)


def _frame(segments: Segments, row: Ints) -> tuple[Floats, Floats, Floats]:
    """Start, unit direction and length in metres of straight pieces."""
    start = segments.tail[row]
    way = segments.head[row] - start
    length = np.hypot(*way.T)
    return start, way / length[:, None], length


def _disc(centre: Floats, along: Floats, radius: float) -> tuple[Floats, Floats]:
    """Where a line from the origin along *along* meets discs: metres, NaN where it does not."""
    foot = (centre * along).sum(axis=1)
    off = centre[:, 0] * along[:, 1] - centre[:, 1] * along[:, 0]
    with np.errstate(invalid="ignore"):
        half = np.sqrt(radius * radius - off * off)
    return foot - half, foot + half


def _slab(a: Floats, b: Floats, along: Floats, radius: float) -> tuple[Floats, Floats]:
    """Where a line from the origin meets the rectangles of half-width *radius* around edges a–b."""
    edge = b - a
    size = np.hypot(*edge.T)
    unit = edge / size[:, None]
    cos = (along * unit).sum(axis=1)
    sin = along[:, 0] * unit[:, 1] - along[:, 1] * unit[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        side0, side1 = _between(a[:, 0] * unit[:, 1] - a[:, 1] * unit[:, 0], -sin, -radius, radius)
        end0, end1 = _between(-(a * unit).sum(axis=1), cos, 0.0, size)
    lo, hi = np.maximum(side0, end0), np.minimum(side1, end1)
    none = ~(hi > lo)
    return np.where(none, np.nan, lo), np.where(none, np.nan, hi)


def _between(origin: Floats, slope: Floats, low: Any, high: Any) -> tuple[Floats, Floats]:
    """Where ``low ≤ origin + slope·t ≤ high``; the whole line, or nothing (NaN), where the slope is zero."""
    first, second = (low - origin) / slope, (high - origin) / slope
    flat = np.abs(slope) < 1e-12
    held = (origin >= low) & (origin <= high)
    lo = np.where(flat, np.where(held, -np.inf, np.nan), np.minimum(first, second))
    hi = np.where(flat, np.where(held, np.inf, np.nan), np.maximum(first, second))
    return lo, hi


def _stretches(segments: Segments, row: Ints, lo: Floats, hi: Floats, length: Floats) -> Intervals:
    """Metres along straight pieces as stretches on the axis."""
    real = (hi > 0) & (lo < length) & (hi > lo)
    row, lo, hi, length = row[real], lo[real], hi[real], length[real]
    return Intervals.of(segments.place(row, lo / length), segments.place(row, hi / length))
