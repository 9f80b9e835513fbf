"""Geometry for pages: longitude, latitude to map pixels, and pixels to flat lists of small integers.

Pages draw in the pixels of Web Mercator at zoom 20 (about 0.12 m in a Chinese county), x to the east and y to
the south, relative to an origin of the page. So a browser draws without projecting anything, and a coordinate
is a small integer. This is for drawing only: no figure is computed in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

ZOOM = 20
WORLD = 256 * 2**ZOOM
EARTH_RADIUS = 6_378_137.0
# Web Mercator ends here
MAX_LATITUDE = 85.05112878

Geometries = npt.NDArray[np.object_]
Bounds = tuple[float, float, float, float]


def to_pixels(geometries: Any) -> Geometries:
    """Geometries in longitude, latitude (degrees) as the same geometries in pixels."""
    return np.asarray(shapely.transform(np.asarray(geometries, dtype=object), _project), dtype=object)


def _project(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    sine = np.sin(np.radians(np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE)))
    x = (lonlat[:, 0] / 360 + 0.5) * WORLD
    y = (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * WORLD
    return np.column_stack([x, y])


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude, latitude (degrees) of a pixel."""
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * y / WORLD))))
    return x / WORLD * 360 - 180, float(lat)


def pixels_per_metre(y: float) -> float:
    """Pixels in one metre of ground at the height *y*."""
    lat = np.radians(to_degrees(0, y)[1])
    return float(WORLD / (2 * np.pi * EARTH_RADIUS * np.cos(lat)))


def bounds_of(*geometries: Geometries) -> Bounds | None:
    """Bounds of all *geometries* together, or None when nothing is there."""
    if not geometries or not any(len(part) for part in geometries):
        return None
    west, north, east, south = (float(value) for value in shapely.total_bounds(np.concatenate(geometries)))
    return None if np.isnan(west) else (west, north, east, south)


def grow(bounds: Bounds, by: float) -> Bounds:
    """Bounds widened by *by* on every side."""
    west, north, east, south = bounds
    return west - by, north - by, east + by, south + by


@dataclass(frozen=True)
class Shapes:
    """Encoded geometries: ``xy`` steps from vertex to vertex, ``n`` vertices a part, ``parts`` a feature."""

    n: list[int]
    parts: list[int]
    xy: list[int]

    def json(self) -> str:
        """The shapes as a JSON object."""
        return json.dumps({"n": self.n, "p": self.parts, "xy": self.xy}, separators=(",", ":"))


def encode(geometries: Geometries, origin: tuple[float, float]) -> Shapes:
    """Encode points, lines or polygons (in pixels) relative to *origin*.

    Every feature keeps its place: an empty or missing one has 0 parts. Polygons are given as all their rings,
    to be filled even-odd. Steps run on from one part to the next, so only the first vertex is a large number.
    """
    owner, parts = _parts(geometries)
    coordinates, part = shapely.get_coordinates(parts, return_index=True)
    whole = np.rint(coordinates - np.asarray(origin)).astype(np.int64)
    keep = np.ones(len(whole), dtype=bool)
    # vertices that fall on the same pixel as the one before add nothing
    keep[1:] = (part[1:] != part[:-1]) | (whole[1:] != whole[:-1]).any(axis=1)
    whole, part = whole[keep], part[keep]
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return Shapes(
        n=np.bincount(part, minlength=len(parts)).tolist(),
        parts=np.bincount(owner, minlength=len(geometries)).tolist(),
        xy=steps.ravel().tolist(),
    )


def _parts(geometries: Geometries) -> tuple[npt.NDArray[np.intp], Geometries]:
    """Index of the feature of each part, and the parts: points, lines, rings of polygons."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    filled = ~shapely.is_empty(parts)
    parts, owner = parts[filled], owner[filled]
    # a geometry collection inside has parts of its own
    while (shapely.get_type_id(parts) > 3).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    polygons = shapely.get_type_id(parts) == 3
    if not polygons.any():
        return owner, parts
    rings, index = shapely.get_rings(parts[polygons], return_index=True)
    everything = np.concatenate([parts[~polygons], rings])
    owners = np.concatenate([owner[~polygons], owner[polygons][index]])
    order = np.argsort(owners, kind="stable")
    return owners[order], everything[order]


def point_of(geometries: Geometries) -> Geometries:
    """A point for each geometry: itself, or one inside."""
    points: Geometries = np.asarray(shapely.point_on_surface(geometries), dtype=object)
    return points
