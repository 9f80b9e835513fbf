"""Cutting geometry to what a page has room for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.maps.model import no_geometries
from gridsvc.maps.pixels import Bounds, Geometries, grow


def clip(geometries: Geometries, box: Bounds) -> Geometries:
    """Geometries cut at *box*; what lies inside stays as it is."""
    clipped = geometries.copy()
    low, high = shapely.bounds(geometries)[:, :2], shapely.bounds(geometries)[:, 2:]
    cut = ~((low >= box[:2]) & (high <= box[2:])).all(axis=1)
    clipped[cut] = shapely.clip_by_rect(shapely.make_valid(geometries[cut]), *box)
    return clipped


def outside(geometries: Geometries, box: Bounds) -> Geometries:
    """What of the geometries lies outside *box* (a hair of overlap hides the seam)."""
    hole = shapely.box(*grow(box, -4))
    touched = shapely.intersects(geometries, hole)
    rest = geometries.copy()
    rest[touched] = shapely.difference(shapely.make_valid(geometries[touched]), hole)
    return filled(rest)


def filled(geometries: Geometries) -> Geometries:
    """Geometries that are not empty."""
    return np.asarray(geometries[~shapely.is_empty(geometries)], dtype=object)


def first(geometries: Geometries, budget: int) -> npt.NDArray[np.bool_]:
    """The first geometries that fit into *budget* vertices."""
    return np.cumsum(shapely.get_num_coordinates(geometries)) <= budget


def nearest(geometries: Geometries, own: Geometries, budget: int) -> npt.NDArray[np.intp]:
    """Those of *geometries* nearest to *own* that fit into *budget* vertices, in their old order."""
    if shapely.get_num_coordinates(geometries).sum() <= budget:
        return np.arange(len(geometries))
    subject = shapely.union_all(shapely.simplify(own, 40))
    nearest = np.argsort(shapely.distance(geometries, subject), kind="stable")
    return np.sort(nearest[first(geometries[nearest], budget)])


EDGE = np.dtype([("x1", "i8"), ("y1", "i8"), ("x2", "i8"), ("y2", "i8")])


def segments(polygons: Geometries) -> npt.NDArray[np.void]:
    """The distinct edges of polygons, on whole pixels, the lesser end first."""
    rings = shapely.get_rings(shapely.get_parts(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(xy).astype(np.int64)
    inner = ring[1:] == ring[:-1]
    a, b = whole[:-1][inner], whole[1:][inner]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a[swap], b[swap] = b[swap], a[swap].copy()
    edges = np.ascontiguousarray(np.hstack([a, b])).view(EDGE).ravel()
    edges = edges[(edges["x1"] != edges["x2"]) | (edges["y1"] != edges["y2"])]
    distinct: npt.NDArray[np.void] = np.unique(edges)
    return distinct


def joined(edges: npt.NDArray[np.void]) -> Geometries:
    """Edges joined to lines."""
    if not len(edges):
        return no_geometries()
    ends = np.stack([edges[name].astype(float) for name in ("x1", "y1", "x2", "y2")], axis=1)
    lines = shapely.linestrings(ends.reshape(-1, 2, 2))
    return np.asarray(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines))), dtype=object)
