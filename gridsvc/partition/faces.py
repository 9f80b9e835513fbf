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
    edges, number = np.unique(np.hstack([lower, upper]), axis=0, return_inverse=True)
    return edges, number.reshape(-1).astype(np.int64), shape.astype(np.int64)


def draw_faces(boundaries: Any, cuts: Any = ()) -> Faces:
    """Node the polygons *boundaries* and the lines *cuts* (metre CRS) and return the faces of their linework."""
    edges, _, _ = unique_edges(boundaries)
    lines = shapely.linestrings(edges.reshape(-1, 2, 2) * GRAIN)
    lines = np.concatenate([lines, np.asarray(cuts, dtype=object)])
    noded = shapely.union_all(lines, grid_size=GRAIN)
    polygons = np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)
    polygons = polygons[_order(polygons)]
    left, right, border, perimeter = _neighbours(polygons)
    return Faces(polygons, shapely.point_on_surface(polygons), left, right, border, perimeter)


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
    pair, back = np.unique(np.column_stack([a, b])[apart], axis=0, return_inverse=True)
    border = np.bincount(back.reshape(-1), weights=length[number[shared][apart]], minlength=len(pair))
    return pair[:, 0], pair[:, 1], border.astype(float), perimeter.astype(float)


def covering(faces: Faces, units: Any) -> tuple[Ints, Ints]:
    """Pairs (unit row, face) of the units that cover each face, sorted by face and unit row."""
    tree = shapely.STRtree(faces.points)
    unit, face = tree.query(np.asarray(units, dtype=object), predicate="intersects")
    order = np.lexsort((unit, face))
    return unit[order].astype(np.int64), face[order].astype(np.int64)
