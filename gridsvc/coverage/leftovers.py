"""Areas that nothing serves: what is left of a unit, in connected parts, with the residents of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.scene import Scene, representatives
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Shapes
from gridsvc.partition.segments import Floats

SMALLEST = 10.0
"""Square metres, and"""
NARROWEST = 1.0
"""metres of mean width (2 × area ÷ perimeter): smaller parts count in the figures but are not listed."""
GRAIN = 1e-5
"""Metres to which their corners are rounded."""
HOMES, RESIDENTS = "buildings", "population"
"""Where residents are known from."""


def leftovers(scene: Scene, indicator: Indicator, ground: Shapes, reached: Shapes) -> pd.DataFrame:
    """What *reached* leaves of the *ground* of the zone's cells, joined within each unit, as rows of gaps."""
    inside = np.flatnonzero(scene.in_zone(indicator.zone)[:-1])
    left = shapely.difference(ground[inside], reached[inside])
    owner = scene.partition.cells["unit"].to_numpy(object)[inside]
    unit, shape = _joined(owner, left)
    area = shapely.area(shape)
    large = (area >= SMALLEST) & (2 * area >= NARROWEST * shapely.length(shape))
    unit, shape, area = unit[large], shape[large], area[large]
    at = shapely.point_on_surface(shape)
    return pd.DataFrame(
        {
            "gap": [
                f"{code}:{x:.1f},{y:.1f}"
                for code, x, y in zip(unit, shapely.get_x(at), shapely.get_y(at), strict=True)
            ],
            "kind": "area",
            "unit": unit,
            "amounts": np.rint(area * SQUARE_MM).astype(np.int64).astype(str),
            "size": area,
            "measure": "m2",
            "residents": _residents(scene, unit, shape),
            "geometry": shape,
        }
    )


def _joined(owner: Shapes, left: Shapes) -> tuple[Shapes, Shapes]:
    """Connected polygons of each owner's shapes taken together: owner, polygon."""
    real = ~shapely.is_empty(left)
    groups = pd.Series(left[real]).groupby(owner[real])
    whole = groups.agg(
        lambda parts: shapely.union_all(parts.to_numpy(object)) if len(parts) > 1 else parts.iloc[0]
    )
    # edges that differ by nanometres would cross one another once stored as degrees
    parts, row = shapely.get_parts(shapely.set_precision(whole.to_numpy(object), GRAIN), return_index=True)
    areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    return whole.index.to_numpy(object)[row[areas]], parts[areas]


def _residents(scene: Scene, unit: Shapes, shape: Shapes) -> Floats:
    """Residents of the buildings of each unit that lie in each of its shapes; NaN where they are not known.

    A building lies where its representative point does. A building without a number adds nothing to one that others
    have; alone it leaves the number unknown.
    """
    unknown = np.full(len(shape), np.nan)
    frame = scene.layer(HOMES)
    people = frame[RESIDENTS].astype("Float64").to_numpy(float, na_value=np.nan)
    if not scene.knows(HOMES, RESIDENTS):
        return unknown
    points = scene.once(("points of homes",), lambda: representatives(frame))
    home = np.append(scene.partition.cells["unit"].to_numpy(object), "")[scene.cell_of(HOMES)]
    row, point = shapely.STRtree(points).query(shape, predicate="intersects")
    mine = unit[row] == home[point]
    row, people = row[mine], people[point[mine]]
    total = np.bincount(row, np.nan_to_num(people), minlength=len(shape))
    vague = np.bincount(row, np.isnan(people), minlength=len(shape)) > 0
    return np.where(vague & (total == 0), np.nan, total)
