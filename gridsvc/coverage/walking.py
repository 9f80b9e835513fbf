"""What lies within a walk: distances of indicators measured along the streets instead of straight."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.coverage.nearness import near_features
from gridsvc.coverage.network import Network, Walk
from gridsvc.partition.faces import Shapes
from gridsvc.partition.intervals import Intervals

Rows = npt.NDArray[np.bool_]


def walk_to(streets: Network, goals: Any, metres: float, join: float) -> Walk:
    """The streets with their distance to the nearest of *goals* (metre CRS), as far as *metres*.

    A point joins the nearest street within *join* metres, and the way there counts. Lines and areas are entered
    from anywhere within *join* metres of them: there the walk is over.
    """
    shapes = np.asarray(goals, dtype=object)
    points = shapely.get_dimensions(shapes) == 0
    arrived = near_features(streets.segments, streets.rows, shapes[~points], join)
    return streets.walk(streets.join(shapes[points], join), metres, arrived)


def streets_within_walk(streets: Network, goals: Any, metres: float, join: float) -> Intervals:
    """Stretches of streets from which one of *goals* is no more than a walk of *metres*."""
    return walk_to(streets, goals, metres, join).stretches()


def within_walk(streets: Network, shapes: Any, goals: Any, metres: float, join: float) -> Rows:
    """Which of *shapes* are no more than a walk of *metres* from one of *goals*, the way to the street included."""
    walk = walk_to(streets, goals, metres, join)
    return np.asarray(np.isfinite(walk.metres(streets.join(shapes, join))), dtype=bool)


def ground_within_walk(streets: Network, goals: Any, metres: float, join: float, arc: int) -> Shapes:
    """The ground up to *join* metres beside the streets from which one of *goals* is within a walk of *metres*.

    *arc*: straight edges a quarter circle. One polygon a stretch; they may overlap.
    """
    reached = streets_within_walk(streets, goals, metres, join)
    lines = streets.segments.stretches(reached.start, reached.end)
    return np.asarray(shapely.buffer(lines, join, quad_segs=arc), dtype=object)
