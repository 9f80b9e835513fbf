"""Roads as people name them: features with one code are one road, with measures along all of it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.layers import Layer
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import Floats, Segments, on_grain, straight_pieces

JOIN = 0.05
"""Metres within which the ends of two features meet."""
Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Roads:
    """The road layer, ready to be measured. Rows are road features in order of their keys."""

    frame: gpd.GeoDataFrame
    """The layer in the metre CRS."""
    segments: Segments
    road: Names
    """What each feature is part of: its road code, else its name, else its own key."""
    label: Names
    """Name to show: the road's name, else :attr:`road`."""
    width: Floats
    """Metres between the edges: the feature's own, else its class's."""
    width_assumed: npt.NDArray[np.bool_]
    divided: npt.NDArray[np.bool_]
    """True for one of the two lines of a divided road."""
    origin: Ints
    """Nanometres along its road at which each feature starts; -1 where the features form no line."""
    reverse: npt.NDArray[np.bool_]
    """True where the feature is drawn against the direction of its road."""

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, layer: Layer) -> Roads:
        """Prepare the road layer *frame* (metre CRS, sorted by key)."""
        segments = straight_pieces(np.asarray(frame.geometry, dtype=object))
        key = frame["key"].to_numpy(object)
        code, name = texts(frame, "road_code"), texts(frame, "road_name")
        road = np.where(code != "", code, np.where(name != "", name, key))
        own = frame["width"].to_numpy(float) if "width" in frame else np.full(len(frame), np.nan)
        assumed = frame["class"].map(layer.side_width).to_numpy(float)
        assumed = np.where(np.isnan(assumed), min(layer.side_width.values(), default=0.0), assumed)
        missing = np.isnan(own)
        divided = texts(frame, "carriageway") == "divided"
        length = segments.length(np.arange(len(frame)))
        origin, reverse = _origins(frame, road, length)
        return cls(
            frame,
            segments,
            road.astype(object),
            np.where(name != "", name, road).astype(object),
            np.where(missing, assumed, own),
            missing,
            divided,
            origin,
            reverse,
        )

    def __len__(self) -> int:
        """Number of road features."""
        return len(self.frame)

    def stretch(self, row: int, start_m: float, end_m: float) -> tuple[int, int]:
        """Places on the axis between two measures of feature *row* itself (not of its road), clipped to it."""
        first = int(self.segments.offset[row])
        length = int(self.segments.length(row))
        low = int(np.clip(on_grain(start_m), 0, length)) if start_m == start_m else 0
        high = int(np.clip(on_grain(end_m), 0, length)) if end_m == end_m else length
        return first + low, first + max(high, low)

    def along(self, row: int, start_m: float, end_m: float) -> tuple[int, int] | None:
        """Places on the axis of what feature *row* has of its road's measures; None where it has no measures."""
        whole = start_m != start_m and end_m != end_m
        if whole:
            return self.stretch(row, np.nan, np.nan)
        if self.origin[row] < 0:
            return None
        origin = self.origin[row] / 1e9
        length = int(self.segments.length(row)) / 1e9
        low = (0.0 if start_m != start_m else start_m) - origin
        high = (np.inf if end_m != end_m else end_m) - origin
        if self.reverse[row]:
            low, high = length - high, length - low
        return self.stretch(row, max(low, 0.0), min(high, length))

    def measure(self, place: Ints, row: Ints) -> Floats:
        """Metres along the road feature *row* of places on the axis."""
        metres: Floats = (np.asarray(place) - self.segments.offset[row]) / 1e9
        return metres


def texts(frame: pd.DataFrame, name: str) -> Names:
    """A text column with "" for missing values and for a missing column."""
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    filled: Names = frame[name].astype(object).where(frame[name].notna(), "").to_numpy(object)
    return filled


def _origins(frame: gpd.GeoDataFrame, road: Names, length: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Where each feature starts along its road, and whether it is drawn against it."""
    origin = np.zeros(len(frame), dtype=np.int64)
    reverse = np.zeros(len(frame), dtype=bool)
    given = frame["start_m"].to_numpy(float) if "start_m" in frame else np.full(len(frame), np.nan)
    known = ~np.isnan(given)
    origin[known] = on_grain(given[known])
    rows = pd.Series(np.arange(len(frame))).groupby(road, sort=False).agg(list)
    for members in rows[rows.map(len) > 1]:
        todo = [row for row in members if not known[row]]
        if len(todo) == len(members):
            _chain(frame, todo, length, origin, reverse)
        else:
            origin[todo] = -1
    return origin, reverse


def _chain(
    frame: gpd.GeoDataFrame, rows: list[int], length: Ints, origin: Ints, reverse: npt.NDArray[np.bool_]
) -> None:
    """Walk the features of one road end to end; both lines of a divided road start at the same end."""
    shapes = frame.geometry.to_numpy()
    ends = {row: _ends(shapes[row]) for row in rows}
    chains, left = [], list(rows)
    while left:
        chain = _walk(left, ends)
        left = [row for row in left if row not in {member for member, _ in chain}]
        chains.append(chain)
    divided = {"divided"} == set(texts(frame.iloc[rows], "carriageway"))
    if len(chains) > (2 if divided else 1):
        origin[rows] = -1
        return
    begin = _begin(chains[0], ends)
    for chain in chains:
        finish = _begin([(row, not back) for row, back in reversed(chain)], ends)
        if np.hypot(*(finish - begin)) < np.hypot(*(_begin(chain, ends) - begin)):
            chain = [(row, not back) for row, back in reversed(chain)]
        at = 0
        for row, back in chain:
            origin[row], reverse[row] = at, back
            at += int(length[row])


def _ends(shape: shapely.Geometry) -> tuple[Floats, Floats]:
    xy = shapely.get_coordinates(shape)
    return xy[0], xy[-1]


def _begin(chain: list[tuple[int, bool]], ends: dict[int, tuple[Floats, Floats]]) -> Floats:
    """Where a chain starts."""
    row, back = chain[0]
    return ends[row][1 if back else 0]


def _walk(rows: list[int], ends: dict[int, tuple[Floats, Floats]]) -> list[tuple[int, bool]]:
    """The chain of features that hang together with the first of *rows*: (row, drawn backwards)."""
    chain = [(rows[0], False)]
    left = rows[1:]
    for forward in (True, False):
        while True:
            row, back = chain[-1] if forward else chain[0]
            tip = ends[row][0 if back == forward else 1]
            joined = [
                (other, bool(end) == forward)
                for other in left
                for end in (0, 1)
                if np.hypot(*(ends[other][end] - tip)) <= JOIN
            ]
            if len(joined) != 1:
                break
            left.remove(joined[0][0])
            chain = [*chain, joined[0]] if forward else [joined[0], *chain]
    return chain
