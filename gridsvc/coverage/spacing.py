"""Along which stretches of roads enough things stand in every so many metres.

A road is served where every window of ``every`` metres of it (the whole road, where it is shorter) holds at least
``at_least`` things. A road is all features of one code with measures along them; the two lines of a divided road are
one, so what stands on either serves both. A feature of a road without measures is a road by itself.
"""

from __future__ import annotations

import numpy as np

from gridsvc.duties.roads import Roads
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals, spread


def well_spaced(roads: Roads, row: Ints, place: Ints, every: float, at_least: int) -> Intervals:
    """The stretches, on the roads' axis, that things at *place* (on the axis) of road features *row* serve."""
    every_row = np.arange(len(roads))
    length = roads.segments.length(every_row)
    whole = Intervals.of(roads.segments.offset[every_row], roads.segments.offset[every_row] + length)
    road, start = _own_axis(roads, length)
    first, last = _extent(road, start, start + length)
    back = roads.reverse[row] & (roads.origin[row] >= 0)
    along = place - roads.segments.offset[row]
    at = start[row] + np.where(back, length[row] - along, along)
    lacking = _lacking(first, last, road[row], at, round(every * 1e9), at_least)
    # what lies in a gap of its road, feature by feature
    low = np.searchsorted(lacking.end, start, side="right")
    high = np.searchsorted(lacking.start, start + length, side="left")
    feature, gap = spread(low, high)
    begin = np.maximum(lacking.start[gap], start[feature]) - start[feature]
    end = np.minimum(lacking.end[gap], start[feature] + length[feature]) - start[feature]
    turned = roads.reverse[feature] & (roads.origin[feature] >= 0)
    begin, end = (
        np.where(turned, length[feature] - end, begin),
        np.where(turned, length[feature] - begin, end),
    )
    offset = roads.segments.offset[feature]
    return whole.minus(Intervals.of(offset + begin, offset + end))


def _own_axis(roads: Roads, length: Ints) -> tuple[Ints, Ints]:
    """Number of each feature's road, and where the feature starts on an axis on which roads lie apart."""
    measured = roads.origin >= 0
    names = np.where(measured, roads.road, [f"{number}\n" for number in range(len(roads))])
    road = np.unique(names.astype(str), return_inverse=True)[1]
    origin = np.where(measured, roads.origin, 0)
    extent = np.zeros(road.max(initial=-1) + 1, dtype=np.int64)
    np.maximum.at(extent, road, origin + length)
    # a nanometre between roads, so that their gaps do not join
    before = np.concatenate([[0], np.cumsum(extent + 1)[:-1]]).astype(np.int64)[: len(extent)]
    return road, before[road] + origin


def _extent(road: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """First and last place of each road."""
    count = road.max(initial=-1) + 1
    first, last = np.full(count, np.iinfo(np.int64).max), np.zeros(count, dtype=np.int64)
    np.minimum.at(first, road, start)
    np.maximum.at(last, road, end)
    return first, last


def _lacking(first: Ints, last: Ints, road: Ints, at: Ints, every: int, at_least: int) -> Intervals:
    """The union of all windows in which too few things stand, for roads from *first* to *last* with things *at*."""
    count = np.bincount(road, minlength=len(first))
    few = count < at_least
    # both ends of a road stand among the things on it: a window may begin and end there
    number = np.arange(len(first))
    owner = np.concatenate([number, road, number])
    value = np.concatenate([first, at, last])
    rank = np.repeat([0, 1, 2], [len(first), len(at), len(first)])
    order = np.lexsort((rank, value, owner))
    owner, value = owner[order], value[order]
    ahead, behind = slice(at_least, None), slice(None, max(len(value) - at_least, 0))
    same = owner[behind] == owner[ahead]
    wide = same & (value[ahead] - value[behind] > every)
    return Intervals.of(
        np.concatenate([first[few], value[behind][wide]]), np.concatenate([last[few], value[ahead][wide]])
    )
