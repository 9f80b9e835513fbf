"""Where straight pieces of roads run beside other lines: one-dimensional arithmetic, no buffers."""

from __future__ import annotations

import numpy as np

from gridsvc.coverage.nearness import between
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import Floats, Segments


def beside(segments: Segments, row: Ints, edges: Floats, distance: float) -> tuple[Floats, Floats]:
    """From–to metres along each straight piece *row*, endless both ways, within *distance* of its edge (n, 4).

    NaN where nothing is: each edge's surroundings are a convex capsule, which a line meets in one stretch.
    """
    start = segments.tail[row]
    way = segments.head[row] - start
    along = way / np.hypot(*way.T)[:, None]
    a, b = edges[:, :2] - start, edges[:, 2:] - start
    lows, highs = zip(
        _disc(a, along, distance), _disc(b, along, distance), _slab(a, b, along, distance), strict=True
    )
    return np.fmin.reduce(lows), np.fmax.reduce(highs)


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
    side0, side1 = between(a[:, 0] * unit[:, 1] - a[:, 1] * unit[:, 0], -sin, -radius, radius)
    end0, end1 = between(-(a * unit).sum(axis=1), cos, 0.0, size)
    lo, hi = np.maximum(side0, end0), np.minimum(side1, end1)
    none = ~(hi > lo)
    return np.where(none, np.nan, lo), np.where(none, np.nan, hi)
