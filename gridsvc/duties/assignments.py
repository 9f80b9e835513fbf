"""Which road an asset belongs to (DESIGN, rule 8): the road it names, then the nearest within a stated distance.

Where the name and the place contradict each other, or two roads are about equally near, the asset waits for
confirmation (待确认) and is graded with nobody's chief until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.duties.roads import Names, Roads, texts
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import Floats

TIE = 5.0
"""Metres. Roads whose distances differ by less are about equally near: at a corner of Cambridge's streets this
finds seven of ten lamps whose nearest street is not the one they name."""


def assign(
    assets: gpd.GeoDataFrame, roads: Roads, reach: float, everywhere: Roads | None = None
) -> pd.DataFrame:
    """Assign *assets* (metre CRS; ``key``, and ``road_code`` or ``road_name`` where the layer has them) to roads.

    *everywhere*: all roads that an asset may name, where *roads* are only those that are within reach of some.

    Returns one row per asset in the same order: ``asset_key``, ``row`` (road feature, -1 without one), ``place``
    (on the roads' axis), ``distance_m`` to the centre line, ``how`` (``named``; ``nearest``; ``tie``;
    ``contradiction``: another road is clearly nearer than the one it names, or none is near; ``far``: it names none
    and none is within *reach* metres) and ``confirmed`` (True for named and nearest).
    """
    near, count = _near(np.asarray(assets.geometry, dtype=object), roads, reach)
    named = _named(assets, everywhere or roads)
    names_road, is_near = named != "", count > 0
    first = np.cumsum(count) - count
    nearest, second = near.distances(first, is_near), near.distances(first + 1, count > 1)
    own = _own(near, named, roads)
    follows = near.distances(own, own >= 0) < nearest + TIE
    tie = (second < nearest + TIE) & ~names_road
    how = np.select(
        [names_road & follows, names_road, ~is_near, tie],
        ["named", "contradiction", "far", "tie"],
        default="nearest",
    )
    chosen = np.where(how == "named", own, np.where(is_near, first, -1))
    known = chosen >= 0
    row, place = np.full(len(chosen), -1, dtype=np.int64), np.full(len(chosen), -1, dtype=np.int64)
    row[known], place[known] = near.row[chosen[known]], near.place[chosen[known]]
    return pd.DataFrame(
        {
            "asset_key": assets["key"].to_numpy(object),
            "row": row,
            "place": place,
            "distance_m": near.distances(chosen, known),
            "how": how.astype(object),
            "confirmed": np.isin(how, ["named", "nearest"]),
        }
    )


def _named(assets: gpd.GeoDataFrame, roads: Roads) -> Names:
    """The road each asset names, where there is such a road: its code, or ``name:`` and its name."""
    code, name = texts(assets, "road_code"), texts(assets, "road_name")
    by_name = np.array([f"name:{text}" if text in roads.names else "" for text in name], dtype=object)
    return np.array(
        [text if text in roads.codes else other for text, other in zip(code, by_name, strict=True)],
        dtype=object,
    )


@dataclass(frozen=True)
class _Near:
    """Each asset and each road within reach of it, by asset, the nearest first."""

    asset: Ints
    row: Ints
    """Road feature."""
    place: Ints
    distance: Floats

    def distances(self, number: Ints, known: npt.NDArray[np.bool_]) -> Floats:
        """Distance of some entries; NaN where it is not *known* which."""
        found = np.full(len(number), np.nan)
        found[known] = self.distance[number[known]]
        return found


def _near(shapes: Any, roads: Roads, reach: float) -> tuple[_Near, Ints]:
    """The roads within reach, one feature of each, and how many there are for each asset."""
    segments = roads.segments
    points = shapely.point_on_surface(shapes)
    points = np.where(shapely.get_dimensions(shapes) == 0, shapes, points)
    lines = segments.lines()
    asset, piece = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=reach)
    length = shapely.length(lines[piece])
    foot = shapely.line_locate_point(lines[piece], points[asset])
    row = segments.road[piece]
    place = _inner(segments.place(piece, foot / length), segments.end[piece])
    distance = shapely.distance(lines[piece], shapes[asset])
    known, road = np.unique(roads.road[row], return_inverse=True)
    order = np.lexsort((place, road, distance, asset))
    # of each road the nearest place
    pairs = asset[order] * max(len(known), 1) + road[order]
    order = order[np.sort(np.unique(pairs, return_index=True)[1])]
    near = _Near(asset[order], row[order], place[order], distance[order])
    return near, np.bincount(asset[order], minlength=len(shapes)).astype(np.int64)


def _inner(place: Ints, end: Ints) -> Ints:
    """A place that is inside its straight piece: stretches do not include their ends."""
    return np.minimum(place, end - 1)


def _own(near: _Near, named: Names, roads: Roads) -> Ints:
    """The entry of the nearest feature of the road that each asset names, -1 where none is within reach."""
    wanted = named[near.asset]
    name = np.array([f"name:{text}" for text in roads.name[near.row]], dtype=object)
    matches = np.flatnonzero((roads.road[near.row] == wanted) | (name == wanted))
    assets, first = np.unique(near.asset[matches], return_index=True)
    own = np.full(len(named), -1, dtype=np.int64)
    own[assets] = matches[first]
    return own
