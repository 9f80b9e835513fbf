"""Lines across slivers: where one neighbour ends and the next begins, and how far each neighbour reaches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.partition.faces import GRAIN, STEPS, Faces, Shapes, unique_edges

Floats = npt.NDArray[np.float64]
CORNER = 45.0
"""Degrees by which the edge of a sliver turns at a neighbour's corner."""


def crosscuts(faces: Faces, thin: pd.DataFrame, width: float) -> Shapes:
    """Lines straight across each sliver from where neighbours change: where faces meet, and at their corners."""
    members = np.unique(thin["faces"].explode().dropna().to_numpy(np.int64))
    # slivers that lie at each other are cut as one
    slivers = shapely.normalize(shapely.get_parts(shapely.coverage_union_all(faces.polygons[members])))
    rings, of_sliver = shapely.get_rings(slivers, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # of every ring the vertex, the one before and the one after; the first stands at the end again
    first = np.concatenate([[True], ring[1:] != ring[:-1]]) if len(ring) else np.zeros(0, dtype=bool)
    start = np.flatnonzero(first)
    last = np.append(start[1:], len(ring)) - 1
    before = np.arange(len(ring)) - 1
    before[start] = last - 1
    rows = np.setdiff1d(np.arange(len(ring)), last)
    one, two = _unit(xy[rows] - xy[before[rows]]), _unit(xy[rows + 1] - xy[rows])
    # rings of normalised polygons have the inside on their right: a turn to the left is a corner of a neighbour
    turn = np.degrees(np.arctan2(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0], (one * two).sum(axis=1)))
    chosen = (np.hypot(*(one + two).T) > 0.3) & (
        (turn > CORNER) | (_is_node(faces, xy[rows]) & (turn > -CORNER))
    )
    rows, along = rows[chosen], _unit((one + two)[chosen])
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    sliver = of_sliver[ring[rows]]
    # a wedge is wider than its mean
    reach = 4 * width
    rays = shapely.linestrings(np.stack([xy[rows] - reach * normal, xy[rows] + reach * normal], axis=1))
    inside, ray = shapely.get_parts(shapely.intersection(rays, slivers[sliver]), return_index=True)
    lines = shapely.get_dimensions(inside) == 1
    inside, ray = inside[lines], ray[lines]
    # of what the ray has in the sliver the part at its own vertex, if it ends within reach
    at = shapely.points(xy[rows])[ray]
    across = shapely.dwithin(inside, at, GRAIN) & (shapely.length(inside) < 0.99 * reach)
    cuts: Shapes = np.asarray(inside[across], dtype=object)
    return cuts


def _unit(vectors: Floats) -> Floats:
    """Vectors of length one."""
    length = np.hypot(*vectors.T)[:, None]
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


def _is_node(faces: Faces, xy: Floats) -> npt.NDArray[np.bool_]:
    """Whether three or more edges of the linework end at each position."""
    edges, _, _ = unique_edges(faces.polygons)
    ends = np.concatenate([edges[:, :2], edges[:, 2:], np.rint(xy * STEPS).astype(np.int64)])
    _, number = np.unique(ends, axis=0, return_inverse=True)
    number = number.reshape(-1)
    count = np.bincount(number[: 2 * len(edges)], minlength=number.max() + 1)
    return np.asarray(count[number[2 * len(edges) :]] >= 3)


def limits(polygons: Shapes, shapes: Shapes, distance: float) -> Shapes:
    """Lines straight or round across each polygon, *distance* metres off the shape of its row.

    Lines along a polygon are left out: what is wider than the distance is not to be cut lengthwise.
    """
    around = {id(shape): shape for shape in shapes}
    borders = {name: shapely.boundary(shapely.buffer(shape, distance)) for name, shape in around.items()}
    rings = np.array([*(borders[id(shape)] for shape in shapes), None], dtype=object)[:-1]
    parts = shapely.get_parts(shapely.line_merge(shapely.intersection(rings, polygons)))
    across = (shapely.get_dimensions(parts) == 1) & (shapely.length(parts) < 2 * distance)
    lines: Shapes = np.asarray(parts[across], dtype=object)
    return lines
