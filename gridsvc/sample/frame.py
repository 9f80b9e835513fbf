"""Local town frames: axis-aligned town plans laid conformally onto the county's metre plane, and curve helpers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Geometries = NDArray[Any]

CRS = "EPSG:4547"
"""CGCS2000 3-degree Gauss-Krüger, central meridian 114° E, without zone prefix: the plane of all sample geometry."""

CORE_XY = (620_000.0, 3_774_000.0)
"""Centre of the county town in `CRS`, metres east and north (about 115.3° E, 34.1° N)."""


@dataclass(frozen=True)
class Frame:
    """A plan's own axes (u east, v north, metres) laid on the plane by w = origin + e^(i·turn)·(z + a z² + b z³).

    The map is conformal: streets bend a little, and still meet at right angles and houses stay rectangular.
    It is meant for |z| up to some 5 km with |a| ≤ 2e-5 and |b| ≤ 3e-9 (scale within about 15 % of `scale`).
    """

    origin: tuple[float, float]
    turn: float = 0.0
    scale: float = 1.0
    a: complex = 0j
    b: complex = 0j

    def scaled(self, factor: float) -> Frame:
        """Return the same frame with its plan enlarged by a factor before it is laid down."""
        return replace(self, scale=self.scale * factor)

    def xy(self, uv: Floats) -> Floats:
        """Map an (n, 2) array of plan metres to metres in `CRS`."""
        z = (uv[:, 0] + 1j * uv[:, 1]) * self.scale
        w = np.exp(1j * self.turn) * (z + self.a * z**2 + self.b * z**3) + complex(*self.origin)
        return np.column_stack([w.real, w.imag])

    def uv(self, xy: Floats) -> Floats:
        """Map metres in `CRS` back to plan metres (Newton's method; within 5 km of the origin)."""
        target = (xy[:, 0] + 1j * xy[:, 1] - complex(*self.origin)) * np.exp(-1j * self.turn)
        z = target.copy()
        for _ in range(12):
            z -= (z + self.a * z**2 + self.b * z**3 - target) / (1 + 2 * self.a * z + 3 * self.b * z**2)
        z /= self.scale
        return np.column_stack([z.real, z.imag])

    def lay(self, geometry: Any) -> Any:
        """Lay geometries given in plan metres on the plane (metres in `CRS`, millimetre grid)."""
        return shapely.transform(geometry, lambda c: np.round(self.xy(c), 3))


def smooth(points: Floats, step: float) -> Floats:
    """Return a Catmull-Rom curve through control points (n, 2), with a vertex about every `step` metres."""
    p = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    parts = []
    for k in range(1, len(p) - 2):
        n = max(2, int(np.hypot(*(p[k + 1] - p[k])) / step))
        t = (np.arange(n) / n)[:, None]
        p0, p1, p2, p3 = p[k - 1], p[k], p[k + 1], p[k + 2]
        parts.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                + (3 * p1 - p0 - 3 * p2 + p3) * t**3
            )
        )
    return np.vstack([*parts, points[-1:]])


def wander(start: Floats, end: Floats, rng: np.random.Generator, amount: float, depth: int) -> Floats:
    """Return a path from start to end whose midpoints stray by up to `amount` of each span's length."""
    path = np.vstack([start, end])
    for _ in range(depth):
        a, b = path[:-1], path[1:]
        across = np.column_stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]])
        middle = (a + b) / 2 + across * rng.uniform(-amount, amount, (len(a), 1))
        out = np.empty((len(path) + len(middle), 2))
        out[0::2], out[1::2] = path, middle
        path = out
    return path


def dense(line: Any, step: float) -> Any:
    """Return a line with extra vertices so that none is further than `step` metres from the next."""
    return shapely.segmentize(line, step)


def round_box(west: float, south: float, east: float, north: float, radius: float) -> Any:
    """Return a box polygon with round corners (all in metres)."""
    inner = shapely.box(west + radius, south + radius, east - radius, north - radius)
    return shapely.buffer(inner, radius, quad_segs=10)


def quads(boxes: Floats) -> Geometries:
    """Return box polygons for rows of (x0, y0, x1, y1)."""
    return np.asarray(shapely.box(boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3]))


def polygons_of(geometries: Any, smallest: float) -> tuple[Geometries, NDArray[np.intp]]:
    """Split geometries into polygons of at least `smallest` m²; return them with the index each came from."""
    parts, origin = shapely.get_parts(geometries, return_index=True)
    keep = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= smallest)
    return parts[keep], origin[keep]
