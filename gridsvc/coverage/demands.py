"""What of an indicator is not near enough yet, and from which new places it would be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csc_array

from gridsvc.coverage.amounts import Gaps
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.nearness import stretches_near
from gridsvc.coverage.reach import near_new, near_of
from gridsvc.coverage.scene import Scene
from gridsvc.errors import UsageError
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals, spread

ENTRIES = 50_000_000
"""Most entries (somebody reached from somewhere) that are held."""
SAMPLES = 200_000
"""Most points that stand for ground."""
FINENESS = 15
"""Points of ground along the distance."""


@dataclass(frozen=True)
class Demands:
    """Features, bits of road or points of ground that lack what should be near, with what they weigh."""

    table: csc_array
    """(n, m): which of n demands would be near enough to which of m places."""
    weight: Ints
    """Whole amounts of the indicator (n,)."""
    spacing: float | None = None
    """Metres between points that stand for ground."""

    @property
    def total(self) -> int:
        """What is asked for altogether."""
        return int(self.weight.sum())

    @property
    def alone(self) -> int:
        """What would be near enough to none of the places."""
        reached = np.zeros(len(self.weight), dtype=bool)
        reached[self.table.indices] = True
        return int(self.weight[~reached].sum())


def demands(scene: Scene, indicator: Indicator, gaps: Gaps, places: Shapes) -> Demands:
    """The *gaps* inside the indicator's zone, and which of them a new target at each of *places* would close.

    *places* are Points in the metre CRS. Raises :class:`UsageError` where there is more than can be held.
    """
    if gaps.features is not None and gaps.size is not None:
        return _features(scene, indicator, gaps.features, gaps.size, places)
    if gaps.stretches is not None:
        return _lengths(scene, indicator, gaps.stretches, places)
    return _areas(scene, indicator, lacking_ground(scene, indicator, gaps), places)


def lacking_ground(scene: Scene, indicator: Indicator, gaps: Gaps) -> Shapes:
    """What of each cell of the zone is not served; nothing for gaps that are not ground."""
    if gaps.ground is None or gaps.reached is None:
        return np.empty(0, dtype=object)
    inside = scene.in_zone(indicator.zone)[:-1]
    return np.asarray(shapely.difference(gaps.ground[inside], gaps.reached[inside]), dtype=object)


def _table(demand: Ints, place: Ints, shape: tuple[int, int]) -> csc_array:
    """The table of pairs, each counted once."""
    _require_room(len(demand))
    pairs = np.unique(place * max(shape[0], 1) + demand)
    place, demand = pairs // max(shape[0], 1), pairs % max(shape[0], 1)
    return csc_array((np.ones(len(pairs), dtype=np.int64), (demand, place)), shape=shape)


def _require_room(entries: int) -> None:
    if entries > ENTRIES:
        raise UsageError(
            f"too much to look at ({entries:,} pairs of places and what they would reach, at most {ENTRIES:,}): "
            "give --unit, a layer as --candidates or a shorter --distance",
            f"计算量过大（候选点与可覆盖对象共 {entries:,} 对，上限 {ENTRIES:,}）：请用 --unit 限定单元，"
            "用 --candidates 指定图层，或减小 --distance",
        )


def _joined(parts: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    none = np.empty(0, dtype=np.int64)
    first, second = zip((none, none), *parts, strict=True)
    return np.concatenate(first), np.concatenate(second)


# features


def _features(scene: Scene, indicator: Indicator, failing: Ints, size: Ints, places: Shapes) -> Demands:
    near, layer = near_of(indicator), indicator.features.layer
    inside = scene.in_zone(indicator.zone)[scene.cell_of(layer)[failing]]
    rows, weight = failing[inside], size[inside]
    shapes = scene.layer(layer).geometry.to_numpy()[rows]
    parts = []
    for mine, metres in near_new(scene, layer, near):
        some = np.flatnonzero(mine[rows])
        if near.way == "walk":
            place, found = _walked_features(scene, shapes[some], places, metres, near.join)
        else:
            place, found = shapely.STRtree(shapes[some]).query(places, "dwithin", metres)
        parts.append((some[found], place))
    return Demands(_table(*_joined(parts), (len(rows), len(places))), weight)


def _walked_features(
    scene: Scene, shapes: Shapes, places: Shapes, metres: float, join: float
) -> tuple[Ints, Ints]:
    """Pairs (place, feature) that are a walk of no more than *metres* apart."""
    streets = scene.streets
    joins = streets.join(shapes, join)
    walks = streets.walks(streets.join(places, join), metres)
    found = [np.flatnonzero(np.isfinite(walk.metres(joins))) for walk in walks]
    return _numbered(found), np.concatenate([np.empty(0, dtype=np.int64), *found])


def _numbered(found: list[Ints]) -> Ints:
    """The row of each entry of lists that are laid end to end."""
    return np.repeat(np.arange(len(found)), [len(one) for one in found])


# lengths


def _lengths(scene: Scene, indicator: Indicator, lacking: Intervals, places: Shapes) -> Demands:
    place, start, end = _reached(scene, indicator, places)
    # cut wherever what a place reaches begins or ends, a bit of road is reached from a place whole or not at all
    bits = scene.pieces.cut(np.concatenate([lacking.start, lacking.end, start, end]))
    open_ = scene.in_zone(indicator.zone)[bits.cell] & (lacking.within(bits.start, bits.end) > 0)
    parts, weight = [], bits.length()
    for side in (0, 1):
        mine = np.flatnonzero(open_ & (bits.side == side))
        mine = mine[np.argsort(bits.start[mine], kind="stable")]
        first = np.searchsorted(bits.start[mine], start, side="left")
        last = np.searchsorted(bits.start[mine], end, side="left")
        _require_room(int((last - first).sum()))
        pair, found = spread(first, last)
        parts.append((mine[found], place[pair]))
    number = np.cumsum(open_) - 1
    bit, place = _joined(parts)
    return Demands(_table(number[bit], place, (int(open_.sum()), len(places))), weight[open_])


def _reached(scene: Scene, indicator: Indicator, places: Shapes) -> tuple[Ints, Ints, Ints]:
    """Which stretches of roads would be near enough to which place: place, start, end."""
    near, segments = near_of(indicator), scene.roads.segments
    found = [(np.empty(0, dtype=np.int64),) * 3]
    for mine, metres in near_new(scene, indicator.features.layer, near):
        if near.way == "walk":
            every = scene.stretches_of(mine)
            walked = [one.intersection(every) for one in _walked(scene, places, metres, near.join)]
            found += [(np.full(len(one), row), one.start, one.end) for row, one in enumerate(walked)]
        else:
            found.append(stretches_near(segments, mine[segments.road], places, metres))
    place, start, end = (np.concatenate(part) for part in zip(*found, strict=True))
    return place, start, end


def _walked(scene: Scene, places: Shapes, metres: float, join: float) -> list[Intervals]:
    """The stretches of streets from which each place is within a walk."""
    streets = scene.streets
    return [walk.stretches() for walk in streets.walks(streets.join(places, join), metres)]


# areas


def _areas(scene: Scene, indicator: Indicator, lacking: Shapes, places: Shapes) -> Demands:
    near = near_of(indicator)
    ((_, metres),) = near_new(scene, near.layer, near)
    points, spacing = _samples(lacking, metres / FINENESS)
    tree = shapely.STRtree(points)
    if near.way == "walk":
        walked = _walked(scene, places, metres, near.join)
        segments = scene.roads.segments
        lines = [segments.stretches(one.start, one.end) for one in walked]
        row, found = tree.query(np.concatenate([np.empty(0, object), *lines]), "dwithin", near.join)
        place = np.repeat(np.arange(len(lines)), [len(one) for one in lines])[row]
    else:
        place, found = tree.query(places, "dwithin", metres)
    weight = np.full(len(points), round(spacing * spacing * SQUARE_MM), dtype=np.int64)
    return Demands(_table(found, place, (len(points), len(places))), weight, spacing)


def _samples(ground: Shapes, spacing: float) -> tuple[Shapes, float]:
    """Points on a square lattice inside *ground*, and the metres between them: at least *spacing*."""
    parts = shapely.get_parts(ground)
    parts = parts[shapely.area(parts) > 0]
    spacing = max(spacing, float(np.sqrt(shapely.area(parts).sum() / SAMPLES)))
    low = np.ceil(shapely.bounds(parts) / spacing).astype(np.int64)
    part, east = spread(low[:, 0], low[:, 2])
    column, north = spread(low[part, 1], low[part, 3])
    xy = np.column_stack([east[column], north]) * spacing
    shapely.prepare(parts)
    held = shapely.contains_xy(parts[part[column]], xy)
    return np.asarray(shapely.points(xy[held]), dtype=object), spacing
