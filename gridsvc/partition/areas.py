"""Polygons cut at cell borders: which polygons meet which cells, and the area of their union in each."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridsvc.partition.cells import SQUARE_MM, Partition
from gridsvc.partition.faces import Ints, Shapes

CHUNK = 2_000
"""Cells whose unions are held in memory at once."""


def union_areas(partition: Partition, polygons: Any, within: Shapes | None = None) -> Ints:
    """Area in each cell that any of *polygons* covers, whole square millimetres.

    *polygons* are in the metre CRS and may overlap; *within*, one shape per cell, takes the place of the whole
    cells (for areas counted only on a base layer).
    """
    cells = np.asarray(partition.cells.geometry, dtype=object) if within is None else within
    area = np.zeros(len(cells), dtype=np.int64)
    for first in range(0, len(cells), CHUNK):
        rows = slice(first, first + CHUNK)
        area[rows] = np.rint(shapely.area(cover(cells[rows], polygons)) * SQUARE_MM).astype(np.int64)
    return area


def cover(cells: Shapes, polygons: Any) -> Shapes:
    """The part of each cell that any of *polygons* covers."""
    shapes = np.asarray(polygons, dtype=object)
    covered = np.full(len(cells), shapely.Polygon(), dtype=object)
    if not len(shapes):
        return covered
    cell, polygon = shapely.STRtree(shapes).query(cells, predicate="intersects")
    order = np.lexsort((polygon, cell))
    cell, polygon = cell[order], polygon[order]
    whole = np.zeros(len(cells), dtype=bool)
    whole[cell[shapely.covers(shapes[polygon], cells[cell])]] = True
    covered[whole] = cells[whole]
    part = ~whole[cell]
    cell, polygon = cell[part], polygon[part]
    rows, first = np.unique(cell, return_index=True)
    groups = np.split(shapes[polygon], first[1:]) if len(rows) else []
    unions = np.array(
        [group[0] if len(group) == 1 else shapely.union_all(group) for group in groups], dtype=object
    )
    covered[rows] = _polygonal(shapely.intersection(unions, cells[rows]))
    return covered


def _polygonal(shapes: Shapes) -> Shapes:
    """Shapes without the lines and points in which polygons only touch."""
    mixed = np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for row in mixed:
        parts = shapely.get_parts(shapes[row])
        shapes[row] = shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])
    lower = shapely.get_dimensions(shapes) < 2
    shapes[lower] = shapely.Polygon()
    return shapes
