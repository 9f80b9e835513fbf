"""The smallest faces that all boundaries of a workspace draw together.

Boundaries of every level and zone are snapped to one millimetre and noded against each other; the faces of that
linework tile the union of all boundaries exactly once, and every unit is a set of whole faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

STEPS = 1000
"""Steps in a metre to which boundaries are snapped."""
GRAIN = 1 / STEPS
APART = 3 * GRAIN
"""Metres beyond which edges cannot change one another when they are noded."""

Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Faces:
    """Faces, and which pairs of them share a border."""

    polygons: Shapes
    points: Shapes
    """A point inside each face."""
    left: Ints
    right: Ints
    border: npt.NDArray[np.float64]
    """Metres of border that face ``left[i]`` shares with face ``right[i]`` (left < right)."""
    perimeter: npt.NDArray[np.float64]


def snapped(xy: Any) -> npt.NDArray[np.float64]:
    """Coordinates on the millimetre grid, to the last bit where GEOS snaps boundaries to."""
    return np.asarray(np.rint(np.asarray(xy, dtype=float) * STEPS) / STEPS)


def unique_edges(shapes: Any) -> tuple[Ints, Ints, Ints]:
    """Straight edges of polygons on the millimetre grid.

    Returns the edges (n, 4) in whole millimetres, each once and with its lower end first, and for every edge of
    every ring the number of its unique edge and the row of its shape.
    """
    parts, of_part = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    rings, of_shape = shapely.get_rings(parts, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(xy * STEPS).astype(np.int64)
    inner = of_ring[1:] == of_ring[:-1]
    tail, head = grid[:-1][inner], grid[1:][inner]
    shape = of_part[of_shape[of_ring[:-1][inner]]]
    real = (tail != head).any(axis=1)
    tail, head, shape = tail[real], head[real], shape[real]
    swap = (tail[:, 0] > head[:, 0]) | ((tail[:, 0] == head[:, 0]) & (tail[:, 1] > head[:, 1]))
    lower = np.where(swap[:, None], head, tail)
    upper = np.where(swap[:, None], tail, head)
    edges, number = distinct(np.hstack([lower, upper]))
    return edges, number, shape.astype(np.int64)


def distinct(rows: Any) -> tuple[Any, Ints]:
    """Different rows (n, k) in rising order, and the number of each row among them."""
    order = np.lexsort(rows.T[::-1])
    arranged = rows[order]
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (arranged[1:] != arranged[:-1]).any(axis=1)
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.cumsum(fresh) - 1
    return arranged[fresh], number


def draw_faces(boundaries: Any, cuts: Any = ()) -> Faces:
    """Node the polygons *boundaries* and the lines *cuts* (metre CRS) and return the faces of their linework."""
    edges, _, _ = unique_edges(boundaries)
    lines = _noded(edges)
    if len(cuts):
        lines = np.concatenate([lines, np.asarray(cuts, dtype=object)])
        lines = shapely.get_parts(shapely.union_all(lines, grid_size=GRAIN))
    polygons = np.asarray(shapely.get_parts(shapely.polygonize(lines)), dtype=object)
    polygons = polygons[_order(polygons)]
    left, right, border, perimeter = _neighbours(polygons)
    return Faces(polygons, shapely.point_on_surface(polygons), left, right, border, perimeter)


def _noded(edges: Ints) -> Shapes:
    """Lines between whole millimetres that meet only at their ends.

    Only edges that others cross or nearly touch are noded: no other edge changes by it. Noding moves an edge by less
    than a millimetre, so what is farther than :data:`APART` from it stays out of its way.
    """
    lines = np.asarray(shapely.linestrings(edges.reshape(-1, 2, 2) / STEPS), dtype=object)
    entangled = _entangled(edges, lines)
    if not entangled.any():
        return lines
    noded = shapely.union_all(lines[entangled], grid_size=GRAIN)
    return np.concatenate([lines[~entangled], shapely.get_parts(noded)])


def _entangled(edges: Ints, lines: Shapes) -> npt.NDArray[np.bool_]:
    """Edges (n, 4) that others come nearer than :data:`APART` to, but for the ends that they share."""
    west, south, east, north = shapely.bounds(lines).T
    boxes = shapely.box(west - APART, south - APART, east + APART, north + APART)
    one, other = shapely.STRtree(lines).query(boxes)
    once = one < other
    one, other = one[once], other[once]
    xy = edges.reshape(-1, 2, 2)
    joined = (xy[one][:, :, None] == xy[other][:, None]).all(axis=3)
    apart = ~joined.any(axis=(1, 2))
    close = np.zeros(len(one), dtype=bool)
    close[apart] = shapely.dwithin(lines[one[apart]], lines[other[apart]], APART)
    for first, second, shared in ((one, other, joined.any(axis=2)), (other, one, joined.any(axis=1))):
        # of two edges with a common end, the other ends must keep away
        pair = np.flatnonzero(~apart)
        end = np.where(shared[pair, 0], 1, 0)
        points = shapely.points(xy[first[pair], end] / STEPS)
        close[pair] |= shapely.dwithin(points, lines[second[pair]], APART)
    entangled = np.zeros(len(edges), dtype=bool)
    entangled[one[close]] = entangled[other[close]] = True
    return entangled


def _order(polygons: Shapes) -> Ints:
    """A canonical order of the faces, so that the order of the input does not matter."""
    west, south, east, north = shapely.bounds(polygons).T
    return np.lexsort((shapely.area(polygons), north, east, south, west)).astype(np.int64)


def _neighbours(polygons: Shapes) -> tuple[Ints, Ints, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Pairs of faces with the length of their common border, and each face's perimeter."""
    edges, number, face = unique_edges(polygons)
    length = np.hypot(*((edges[:, 2:] - edges[:, :2]) * GRAIN).T)
    perimeter = np.bincount(face, weights=length[number], minlength=len(polygons))
    order = np.lexsort((face, number))
    number, face = number[order], face[order]
    shared = np.flatnonzero(number[1:] == number[:-1])
    a, b = face[shared], face[shared + 1]
    apart = a != b
    pair, back = distinct(np.column_stack([a, b])[apart])
    border = np.bincount(back, weights=length[number[shared][apart]], minlength=len(pair))
    return pair[:, 0], pair[:, 1], border.astype(float), perimeter.astype(float)


def covering(faces: Faces, units: Any) -> tuple[Ints, Ints]:
    """Pairs (unit row, face) of the units that cover each face, sorted by face and unit row."""
    tree = shapely.STRtree(faces.points)
    unit, face = tree.query(np.asarray(units, dtype=object), predicate="intersects")
    order = np.lexsort((unit, face))
    return unit[order].astype(np.int64), face[order].astype(np.int64)
