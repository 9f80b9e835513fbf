"""Which road an asset belongs to (DESIGN, rule 8): the road it names, then the nearest within a stated distance.

Where the name and the place contradict each other, or two roads are about equally near, the asset waits for
confirmation (待确认) and is graded with nobody's chief until then.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.duties.roads import Names, Roads, texts
from gridsvc.partition.faces import Ints

TIE = 5.0
"""Metres. Roads whose distances differ by less are about equally near: at a corner of Cambridge's streets this
finds seven of ten lamps whose nearest street is not the one they name."""

COLUMNS = ["asset_key", "row", "place", "distance_m", "how", "confirmed"]


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
    near = _distances(np.asarray(assets.geometry, dtype=object), roads, reach)
    named = _named(assets, everywhere or roads)
    first = near.drop_duplicates("asset").set_index("asset")
    second = near[near.duplicated("asset")].drop_duplicates("asset").set_index("asset")
    index = pd.RangeIndex(len(assets))
    best, other = first.reindex(index), second.reindex(index)
    own = _own(near, named, roads).reindex(index)
    names_road = pd.Series(named != "", index=index)
    is_near = best["row"].notna()
    follows = own["row"].notna() & (own["distance"] < best["distance"] + TIE)
    tie = is_near & (other["distance"] < best["distance"] + TIE) & ~names_road
    how = np.select(
        [names_road & follows, names_road, ~is_near, tie],
        ["named", "contradiction", "far", "tie"],
        default="nearest",
    )
    chosen = best.where(~pd.Series(how == "named", index=index), own)
    return pd.DataFrame(
        {
            "asset_key": assets["key"].to_numpy(object),
            "row": chosen["row"].fillna(-1).to_numpy(np.int64),
            "place": chosen["place"].fillna(-1).to_numpy(np.int64),
            "distance_m": chosen["distance"].to_numpy(float),
            "how": how.astype(object),
            "confirmed": np.isin(how, ["named", "nearest"]),
        }
    )[COLUMNS]


def _named(assets: gpd.GeoDataFrame, roads: Roads) -> Names:
    """The road each asset names, where there is such a road: its code, or ``name:`` and its name."""
    code, name = texts(assets, "road_code"), texts(assets, "road_name")
    by_name = np.array([f"name:{text}" if text in roads.names else "" for text in name], dtype=object)
    return np.array(
        [text if text in roads.codes else other for text, other in zip(code, by_name, strict=True)],
        dtype=object,
    )


def _distances(shapes: Any, roads: Roads, reach: float) -> pd.DataFrame:
    """Each asset and each *road* within reach, nearest first: asset, row, road, place, distance."""
    segments = roads.segments
    points = shapely.point_on_surface(shapes)
    points = np.where(shapely.get_dimensions(shapes) == 0, shapes, points)
    lines = segments.lines()
    asset, piece = shapely.STRtree(lines).query(shapes, predicate="dwithin", distance=reach)
    length = shapely.length(lines[piece])
    foot = shapely.line_locate_point(lines[piece], points[asset])
    table: pd.DataFrame = pd.DataFrame(
        {
            "asset": asset,
            "row": segments.road[piece],
            "road": roads.road[segments.road[piece]],
            "place": _inner(segments.place(piece, foot / length), segments.end[piece]),
            "distance": shapely.distance(lines[piece], shapes[asset]),
        }
    )
    nearest = table.sort_values(["asset", "distance", "road", "place"], kind="stable")
    return nearest.drop_duplicates(["asset", "road"], ignore_index=True)


def _inner(place: Ints, end: Ints) -> Ints:
    """A place that is inside its straight piece: stretches do not include their ends."""
    return np.minimum(place, end - 1)


def _own(near: pd.DataFrame, named: Names, roads: Roads) -> pd.DataFrame:
    """The nearest feature of the road that each asset names, where it is within reach."""
    wanted = named[near["asset"].to_numpy(np.int64)]
    name = np.char.add("name:", texts(roads.frame, "road_name").astype(str)).astype(object)
    matches = (near["road"].to_numpy(object) == wanted) | (name[near["row"].to_numpy(np.int64)] == wanted)
    own: pd.DataFrame = near[matches].drop_duplicates("asset").set_index("asset")
    return own
