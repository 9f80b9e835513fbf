"""Roads as people name them: features with one code are one road, with measures along all of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridsvc.layers import Layer
from gridsvc.partition.cells import connected
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import Floats, Segments, on_grain, straight_pieces

JOIN = 0.05
"""Metres within which the ends of two features meet."""
DOUBLES_BACK = 0.25
"""Cosine between the ways in which two features leave their meeting place, above which the turn is sharper than
about 105°."""
Names = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Roads:
    """The road layer, ready to be measured. Rows are road features in order of their keys."""

    frame: gpd.GeoDataFrame
    """The layer in the metre CRS."""
    segments: Segments
    road: Names
    """What each feature is part of: its road code, else its name (with the county's code where roads of several
    counties have it), else its own key (after ``#`` where that is some road's code or name)."""
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
    named_origin: Ints
    named_reverse: npt.NDArray[np.bool_]
    """The same among the features of its name: a road with one code may have several names in turn."""
    county: Names
    """Code of the county that each feature's middle lies in; "" in none, and where there is only one."""

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, layer: Layer, counties: gpd.GeoDataFrame | None = None) -> Roads:
        """Prepare the road layer *frame*; *counties* has ``code`` (both in the metre CRS, sorted by key)."""
        segments = straight_pieces(np.asarray(frame.geometry, dtype=object))
        key = frame["key"].to_numpy(object)
        code, name = texts(frame, "road_code"), texts(frame, "road_name")
        county = _counties(segments, len(frame), counties)
        own_name = _own_names(name, county)
        taken = pd.Series(key).isin({*code, *own_name}).to_numpy(bool)
        own_key = np.where(taken, "#" + key, key)
        road = np.where(code != "", code, np.where(name != "", own_name, own_key))
        own = frame["width"].to_numpy(float) if "width" in frame else np.full(len(frame), np.nan)
        assumed = frame["class"].map(layer.side_width).to_numpy(float)
        assumed = np.where(np.isnan(assumed), min(layer.side_width.values(), default=0.0), assumed)
        missing = np.isnan(own)
        divided = texts(frame, "carriageway") == "divided"
        length = segments.length(np.arange(len(frame)))
        named = np.where(name != "", own_name, own_key)
        return cls(
            frame,
            segments,
            road.astype(object),
            np.where(name != "", name, road).astype(object),
            np.where(missing, assumed, own),
            missing,
            divided,
            *_origins(frame, road, length),
            *_origins(frame, named, length),
            county,
        )

    def __len__(self) -> int:
        """Number of road features."""
        return len(self.frame)

    def of_rows(self, rows: Ints) -> tuple[Roads, Ints]:
        """Some features (rising rows) as they are among all, on an axis of their own, and what places moved by.

        See :meth:`gridsvc.partition.segments.Segments.of_lines`.
        """
        segments, moved = self.segments.of_lines(rows)
        own = {
            one.name: getattr(self, one.name)[rows]
            for one in fields(self)
            if one.name not in ("frame", "segments")
        }
        return Roads(self.frame.iloc[rows].reset_index(drop=True), segments, **own), moved

    @cached_property
    def codes(self) -> frozenset[str]:
        """All road codes."""
        return frozenset(texts(self.frame, "road_code")) - {""}

    @cached_property
    def names(self) -> frozenset[str]:
        """All road names."""
        return frozenset(self.name) - {""}

    @cached_property
    def name(self) -> Names:
        """Name of each feature, "" where it has none."""
        return texts(self.frame, "road_name")

    def places(self, row: Any, from_m: Any, to_m: Any) -> tuple[Ints, Ints]:
        """Start and end on the axis of stretches given in metres along features themselves (not their roads).

        A missing measure (NaN) is the feature's own end; which of the two is larger does not matter; what lies
        beyond the feature is cut off.
        """
        rows = np.asarray(row, dtype=np.int64)
        length = self.segments.length(rows)
        low, high = _ordered(from_m, to_m)
        start, end = (
            np.minimum(on_grain(np.clip(metres, 0, length / 1e9)), length) for metres in (low, high)
        )
        first = self.segments.offset[rows]
        return first + start, first + end

    def along(
        self, row: Any, from_m: Any, to_m: Any, named: Any = False
    ) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
        """Start and end on the axis of what features have of stretches given in metres along their roads.

        Where *named*, the road is all features of that name, else all of that code. The third array is False
        where a road has no measures although they are asked for.
        """
        rows = np.asarray(row, dtype=np.int64)
        whole = np.isnan(np.asarray(from_m, dtype=float)) & np.isnan(np.asarray(to_m, dtype=float))
        origin = np.where(named, self.named_origin[rows], self.origin[rows])
        back = np.where(named, self.named_reverse[rows], self.reverse[rows])
        length = self.segments.length(rows) / 1e9
        low, high = (metres - origin / 1e9 for metres in _ordered(from_m, to_m))
        low, high = np.where(back, length - high, low), np.where(back, length - low, high)
        start, end = self.places(rows, np.where(whole, 0.0, low), np.where(whole, np.inf, high))
        return start, end, whole | (origin >= 0)

    def measure(self, place: Ints, row: Ints) -> Floats:
        """Metres along the road feature *row* of places on the axis."""
        metres: Floats = (np.asarray(place) - self.segments.offset[row]) / 1e9
        return metres


def _ordered(from_m: Any, to_m: Any) -> tuple[Floats, Floats]:
    """Lower and upper measures; a missing one is as far as can be."""
    start, end = np.asarray(from_m, dtype=float), np.asarray(to_m, dtype=float)
    low = np.where(np.isnan(start), 0.0, start)
    high = np.where(np.isnan(end), np.inf, end)
    return np.minimum(low, high), np.maximum(low, high)


def texts(frame: pd.DataFrame, name: str) -> Names:
    """A text column with "" for missing values and for a missing column."""
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    filled: Names = frame[name].astype(object).where(frame[name].notna(), "").to_numpy(object)
    return filled


def _counties(segments: Segments, n: int, counties: gpd.GeoDataFrame | None) -> Names:
    """Code of the county in which the middle of each of *n* features lies: the lowest where two overlap."""
    found = np.full(n, "", dtype=object)
    if counties is None or len(counties) < 2 or not len(segments):
        return found
    rows = np.arange(n)
    middle = shapely.points(segments.at(segments.offset[rows] + segments.length(rows) // 2))
    county, row = shapely.STRtree(middle).query(counties.geometry.to_numpy(), predicate="intersects")
    order = np.lexsort((county, row))
    rows, first = np.unique(row[order], return_index=True)
    found[rows] = counties["code"].to_numpy(object)[county[order][first]]
    return found


def _own_names(name: Names, county: Names) -> Names:
    """Names of roads, with the county's code where roads of several counties have the name."""
    counties = pd.Series(county).where(county != "").groupby(name).transform("nunique").to_numpy()
    own: Names = np.where((counties > 1) & (county != "") & (name != ""), name + " (" + county + ")", name)
    return own


def _origins(frame: gpd.GeoDataFrame, road: Names, length: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Where each feature starts along its road, and whether it is drawn against it."""
    origin = np.zeros(len(frame), dtype=np.int64)
    reverse = np.zeros(len(frame), dtype=bool)
    given = frame["start_m"].to_numpy(float) if "start_m" in frame else np.full(len(frame), np.nan)
    known = ~np.isnan(given)
    origin[known] = on_grain(given[known])
    parts = np.flatnonzero(pd.Series(road).duplicated(keep=False))
    several = pd.Series(parts).groupby(road[parts], sort=False).agg(list).tolist()
    if several:
        ends = _Ends.of(frame.geometry.to_numpy(), road, texts(frame, "carriageway") == "divided")
        for rows in several:
            todo = [row for row in rows if not known[row]]
            if len(todo) == len(rows):
                _chain(ends, todo, length, origin, reverse)
            else:
                origin[todo] = -1
    return origin, reverse


Chain = list[tuple[int, bool]]
"""Features of a road, one after the other: row, and whether it is walked from its last point to its first."""


@dataclass(frozen=True)
class _Ends:
    """First and last point of every feature, and which of them meet."""

    xy: Floats
    """(features, 2 ends, 2)."""
    way: Floats
    """Unit vectors in which features leave at their ends, likewise."""
    node: Ints
    """Number of the meeting place of each end, (features, 2); ends of different roads never meet."""
    divided: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, shapes: Any, road: Names, divided: npt.NDArray[np.bool_]) -> _Ends:
        xy, line = shapely.get_coordinates(shapes, return_index=True)
        first = np.searchsorted(line, np.arange(len(shapes)))
        last = np.searchsorted(line, np.arange(len(shapes)), side="right") - 1
        ends = np.stack([xy[first], xy[last]], axis=1)
        way = ends - np.stack([xy[first + 1], xy[last - 1]], axis=1)
        size = np.hypot(way[..., 0], way[..., 1])[..., None]
        way = np.divide(way, size, out=np.zeros_like(way), where=size > 0)
        pairs = cKDTree(ends.reshape(-1, 2)).query_pairs(JOIN, output_type="ndarray")
        number = pd.factorize(road)[0]
        pairs = pairs[number[pairs[:, 0] // 2] == number[pairs[:, 1] // 2]]
        node = connected(2 * len(shapes), pairs[:, 0], pairs[:, 1])
        return cls(ends, way, node.reshape(-1, 2), divided)

    def begin(self, chain: Chain) -> Floats:
        """Where a chain starts."""
        row, back = chain[0]
        return np.asarray(self.xy[row, int(back)])

    def goes_on(self, row: int, end: int, other: int, other_end: int) -> bool:
        """Whether a road goes on from one feature's end into another's.

        The two lines of a divided road may meet where it ends or narrows: doubling back is not going on.
        """
        if not (self.divided[row] and self.divided[other]):
            return True
        return bool(self.way[row, end] @ self.way[other, other_end] < DOUBLES_BACK)


def _chain(ends: _Ends, rows: list[int], length: Ints, origin: Ints, reverse: npt.NDArray[np.bool_]) -> None:
    """Measures along the features of one road, end to end; both lines of a divided road start at the same end.

    The road runs in the direction in which its first feature is drawn.
    """
    at: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        for end in (0, 1):
            at.setdefault(int(ends.node[row, end]), []).append((row, end))
    walked: set[int] = set()
    chains = [_walk(row, at, ends, walked) for row in rows if row not in walked]
    if len(chains) > (2 if ends.divided[rows].all() else 1):
        origin[rows] = -1
        return
    begin = ends.begin(chains[0])
    for chain in chains:
        turned = [(row, not back) for row, back in reversed(chain)]
        if np.hypot(*(ends.begin(turned) - begin)) < np.hypot(*(ends.begin(chain) - begin)):
            chain = turned
        place = 0
        for row, back in chain:
            origin[row], reverse[row] = place, back
            place += int(length[row])


def _walk(row: int, at: dict[int, list[tuple[int, int]]], ends: _Ends, walked: set[int]) -> Chain:
    """The chain of features that hang together with *row*, as far as it is clear how the road goes on."""
    walked.add(row)
    halves: list[Chain] = []
    for start in (1, 0):
        half: Chain = []
        tip, end = row, start
        while True:
            joined = [
                (other, entry)
                for other, entry in at[int(ends.node[tip, end])]
                if other not in walked and ends.goes_on(tip, end, other, entry)
            ]
            if len(joined) != 1:
                break
            tip, entry = joined[0]
            walked.add(tip)
            half.append((tip, entry == start))
            end = 1 - entry
        halves.append(half)
    onward, before = halves
    return [*reversed(before), (row, False), *onward]
