"""Points, lines and outlines as short chains of vertices, each with a disc around it and a disc inside its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.lookup import Bins
from gridsvc.partition.segments import Floats

LINKS = 16
"""Most edges of a chain."""
SHORT = 50.0
"""Metres. Chains span this length, or the distance that is asked for where it is longer."""


@dataclass(frozen=True)
class Chains:
    """Chains of vertices; consecutive ones of a chain are joined by an edge, a chain of one is a point."""

    shape: Ints
    """Row of the shape that each chain is part of."""
    xy: Floats
    first: Ints
    """First vertex of each chain; one more entry for the end of the last."""
    centre: Floats
    """Middle of each chain's bounding box."""
    reach: Floats
    """Distance of the farthest vertex from it."""
    heart: Floats
    """Middle of a disc that lies wholly in the shape of which the chain is a part."""
    core: Floats
    """Radius of that disc: 0 for points and lines, and where none is known."""

    def __len__(self) -> int:
        """Number of chains."""
        return len(self.reach)

    @property
    def boxes(self) -> Floats:
        """Boxes (n, 4) around chains."""
        return np.hstack([self.centre - self.reach[:, None], self.centre + self.reach[:, None]])

    def in_reach(self, middle: Floats, radius: Floats, distance: float) -> tuple[Ints, Ints]:
        """Pairs (circle, chain) of circles and chains that may be within *distance* of one another."""
        none = np.empty(0, dtype=np.int64)
        if not len(middle) or not len(self):
            return none, none
        margin = distance + float(radius.max())
        bins = Bins.of(middle, margin / 2)
        chain, circle = bins.within(self.boxes + np.array([-margin, -margin, margin, margin]))
        x, y = (middle[circle] - self.centre[chain]).T
        # a hair more, so that rounding never loses a pair
        reach = (distance + radius[circle] + self.reach[chain]) * (1 + 1e-9)
        near = x * x + y * y <= reach * reach
        return circle[near], chain[near]

    def take(self, rows: Ints) -> tuple[Ints, Ints]:
        """Number of vertices, and the first vertex, of some chains."""
        return self.first[rows + 1] - self.first[rows], self.first[rows]


def chains_of(shapes: Any, length: float) -> Chains:
    """Cut *shapes* (metre CRS) into chains of at most :data:`LINKS` edges that span about *length* metres.

    Edges stay whole, however long. Missing and empty shapes have no chains.
    """
    parts, of_part = _parts(np.asarray(shapes, dtype=object))
    dimension = shapely.get_dimensions(parts)
    polygons = parts[dimension == 2]
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    paths = np.concatenate([parts[dimension == 0], parts[dimension == 1], rings])
    row = np.concatenate(
        [of_part[dimension == 0], of_part[dimension == 1], of_part[dimension == 2][of_polygon]]
    )
    heart, core = _hearts(polygons)
    polygon = np.concatenate([np.full(len(paths) - len(rings), -1), of_polygon]).astype(np.int64)
    xy, path = shapely.get_coordinates(paths, return_index=True)
    first, last, of_chain = _cut(xy, path.astype(np.int64), length)
    count = last - first
    vertex = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    xy = xy[vertex]
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    if not len(count):
        return Chains(of_chain, xy, first, np.empty((0, 2)), np.empty(0), np.empty((0, 2)), np.empty(0))
    start = first[:-1]
    centre = (np.minimum.reduceat(xy, start) + np.maximum.reduceat(xy, start)) / 2
    away = np.hypot(*(xy - np.repeat(centre, count, axis=0)).T)
    mine = polygon[of_chain]
    inside = mine >= 0
    own_heart, own_core = xy[start + count // 2].copy(), np.zeros(len(count))
    own_core[inside] = core[mine[inside]]
    own_heart[inside & (own_core > 0)] = heart[mine[inside & (own_core > 0)]]
    return Chains(
        row[of_chain].astype(np.int64),
        xy,
        first,
        centre,
        np.maximum.reduceat(away, start),
        own_heart,
        own_core,
    )


def _parts(shapes: Shapes) -> tuple[Shapes, Ints]:
    """Points, lines and polygons that shapes consist of, with the row of the shape; none that are empty."""
    kind = shapely.get_type_id(shapes)
    if (kind <= shapely.GeometryType.POLYGON).all():
        parts, row = shapes, np.arange(len(shapes))
    else:
        parts, row = shapely.get_parts(shapes, return_index=True)
    full = ~(shapely.is_empty(parts) | shapely.is_missing(parts))
    return parts[full], row[full]


def _hearts(polygons: Shapes) -> tuple[Floats, Floats]:
    """A disc inside each polygon, around its centroid: middle and radius, 0 where the centroid lies outside."""
    middle = shapely.centroid(polygons)
    held = shapely.contains(polygons, middle)
    radius = np.where(held, shapely.distance(middle, shapely.boundary(polygons)), 0.0)
    xy = np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])
    # a hair less, so that rounding never makes the disc too large
    return np.nan_to_num(xy), np.nan_to_num(radius * (1 - 1e-12))


def _cut(xy: Floats, path: Ints, length: float) -> tuple[Ints, Ints, Ints]:
    """First and last (exclusive) vertex of each chain along paths, and its path; neighbours share a vertex."""
    none = np.empty(0, dtype=np.int64)
    if not len(xy):
        return none, none, none
    begin = np.flatnonzero(np.concatenate([[True], path[1:] != path[:-1]]))
    count = np.diff(np.append(begin, len(xy)))
    number = np.arange(len(xy)) - np.repeat(begin, count)
    step = np.concatenate([[0.0], np.hypot(*np.diff(xy, axis=0).T)])
    step[begin] = 0.0
    along = np.cumsum(step)
    along -= np.repeat(along[begin], count)
    stride = np.floor(along / length)
    # an edge belongs to the chain of its first vertex; the last vertex of a path starts none
    fresh = (number % LINKS == 0) | np.concatenate([[True], stride[1:] != stride[:-1]])
    fresh &= np.append(path[1:] == path[:-1], False) | (number == 0)
    first = np.flatnonzero(fresh)
    following = np.append(first[1:], len(xy))
    same = np.append(path[first[1:]] == path[first[:-1]], False)
    last = np.where(same, following + 1, following)
    return first, last, path[first]


def dot(a: Floats, b: Floats) -> Floats:
    """Products of the vectors of two arrays (n, 2)."""
    return np.asarray(a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1])


def squared(a: Floats) -> Floats:
    """Squared lengths of vectors (n, 2)."""
    return dot(a, a)
