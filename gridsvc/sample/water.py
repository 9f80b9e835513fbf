"""Rivers, the reservoir, lakes and ponds of the sample county."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.sample.frame import CORE_XY, Floats, smooth

# Bends of the big river, kilometres east and north of the town centre; it passes the town's south-west edge.
RIVER = (
    (-26, 15.5), (-21, 13.2), (-18.2, 14.2), (-15.6, 11.4), (-16.1, 8.6), (-13.2, 7.4), (-11.0, 9.2), (-8.6, 7.6),
    (-8.9, 5.1), (-6.6, 3.9), (-4.7, 3.1), (-3.7, 1.9), (-3.35, 0.7), (-2.5, -0.15), (-2.3, -1.1), (-1.5, -1.75),
    (-0.5, -1.75), (0.45, -2.25), (0.9, -2.95), (2.0, -3.4), (3.3, -3.6), (4.6, -4.5), (4.9, -6.3),
    (7.2, -7.4), (9.4, -6.6), (11.3, -8.4), (10.7, -10.9), (13.0, -12.6), (15.6, -11.9),
    (17.8, -14.0), (20.5, -18.5), (25, -20),
)  # fmt: skip
BROOK = (
    (21, 19), (17.5, 15.8), (15.2, 12.4), (13.2, 9.2), (11.8, 7.1), (11.5, 4.4), (9.6, 2.2), (10.3, -0.6),
    (8.9, -3.2), (9.6, -5.1), (9.4, -6.6),
)  # fmt: skip
CANAL = ((-13.2, 7.4), (-12.6, 1.5), (-12.0, -4.5), (-10.2, -10.4), (-9.8, -17), (-9.5, -24))
RESERVOIR = (
    (11.5, 8.4), (12.6, 9.7), (13.7, 9.7), (13.3, 8.8), (14.1, 8.0), (13.2, 7.4), (12.5, 7.7),
    (11.9, 6.7), (11.1, 7.3),
)  # fmt: skip


@dataclass(frozen=True)
class Water:
    """Water bodies: polygons in metres of `frame.CRS`, with name and kind, and the big river's centre-line."""

    river: Floats
    shapes: list[Any]
    names: list[str]
    kinds: list[str]

    @property
    def area(self) -> Any:
        """All water as one prepared geometry."""
        union = shapely.union_all(self.shapes)
        shapely.prepare(union)
        return union

    def add(self, shape: Any, name: str, kind: str) -> None:
        """Add one polygon."""
        self.shapes.append(shape)
        self.names.append(name)
        self.kinds.append(kind)


def _course(bends: tuple[tuple[float, float], ...], step: float) -> Floats:
    return np.asarray(smooth(np.array(bends) * 1000.0, step) + np.array(CORE_XY))


def _ribbon(course: Floats, width: Floats) -> Any:
    """Polygon of a course with its own width (metres) at each vertex."""
    along = np.gradient(course, axis=0)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None] * (width / 2)[:, None]
    ring = shapely.polygons(np.round(np.vstack([course + across, (course - across)[::-1]]), 2))
    return shapely.make_valid(ring)


def blob(centre: Floats, radius: float, rng: np.random.Generator, points: int = 18) -> Any:
    """Return a pond-like polygon about a centre (metres)."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    wave = 1 + 0.22 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.12 * np.cos(3 * angle + rng.uniform(0, 6))
    r = radius * wave
    return shapely.polygons(
        np.round(centre + np.column_stack([r * np.cos(angle), 0.8 * r * np.sin(angle)]), 2)
    )


def make_water(rng: np.random.Generator) -> Water:
    """Draw river, brook, canal and reservoir; lakes and ponds are added where towns and hamlets are laid out."""
    river, brook = _course(RIVER, 45), _course(BROOK, 45)
    stage = np.arange(len(river))
    wide = 74 + 10 * np.sin(stage / 23) + 6 * np.sin(stage / 7.1) + rng.normal(0, 1.0, len(river))
    lake = np.array([*RESERVOIR, RESERVOIR[0]])
    water = Water(river, [], [], [])
    water.add(_ribbon(river, wide), "样水河", "河流")
    water.add(_ribbon(brook, 15 + 3 * np.sin(np.arange(len(brook)) / 9)), "柳溪", "河流")
    water.add(_ribbon(_course(CANAL, 60), np.full(len(_course(CANAL, 60)), 9.0)), "引水干渠", "沟渠")
    shore = smooth(lake * 1000.0, 60)[:-1] + np.array(CORE_XY)
    water.add(shapely.make_valid(shapely.polygons(shore)), "双塘水库", "水库")
    return water
