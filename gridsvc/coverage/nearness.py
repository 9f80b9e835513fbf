"""Which stretches of roads lie within a distance of points, lines and polygons: exact, without buffers.

A straight piece of road meets the disc around a point in one stretch, foot ± √(r² − d²), and the rectangle of
half-width r around an edge in one stretch too. Both together are all that is near the edge (a convex capsule), so
what is near is a union of stretches on the road, found by one-dimensional arithmetic.

Most pieces are settled before that: none of a target is in reach; or both ends lie in one disc, which is convex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.coverage.chains import SHORT, Chains, chains_of, dot, squared
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals, spread
from gridsvc.partition.lookup import Bins
from gridsvc.partition.segments import Floats, Segments, inside_polygons
from gridsvc.partition.workers import ALONE, Workers

CHUNK = 40_000
"""Bits of road, none longer than chains of the targets, that are looked at in one go."""
Rows = npt.NDArray[np.bool_]


def near_features(
    segments: Segments,
    rows: Rows,
    targets: Any,
    distance: float,
    workers: Workers = ALONE,
    chains: Chains | None = None,
) -> Intervals:
    """Stretches of the straight pieces *rows* within *distance* metres of any of *targets* (metre CRS).

    Targets may be points, lines and polygons, mixed; inside a polygon counts as near. *chains* of them are made
    where they are not given.
    """
    shapes = np.asarray(targets, dtype=object)
    chosen = np.flatnonzero(rows)
    if not len(shapes) or not len(chosen):
        return Intervals.empty()
    reach = max(distance, SHORT)
    bits, chains = _bits(segments, chosen, reach), chains or chains_of(shapes, reach)
    order = bits.by_place(20 * reach)
    parts = [order[first : first + CHUNK] for first in range(0, len(order), CHUNK)]
    found = workers.map(lambda part: _near_chains(segments, bits.take(part), chains, distance), parts)
    near = Intervals.of(
        np.concatenate([part.start for part in found]), np.concatenate([part.end for part in found])
    )
    left = near.within(segments.start[bits.row], segments.end[bits.row])
    open_ = np.flatnonzero(left < (segments.end - segments.start)[bits.row])
    return near.union(_inside_large(segments, bits.take(open_), shapes, distance))


def stretches_near(segments: Segments, rows: Rows, points: Any, distance: float) -> tuple[Ints, Ints, Ints]:
    """Which stretches of the straight pieces *rows* lie within *distance* metres of which point.

    Returns rows of *points* (Points in the metre CRS), starts and ends on the axis: together just what
    :func:`near_features` finds for all points.
    """
    chosen, reach = np.flatnonzero(rows), max(distance, SHORT)
    bits, chains = _bits(segments, chosen, reach), chains_of(points, reach)
    found = [(np.empty(0, dtype=np.int64),) * 3]
    order = bits.by_place(20 * reach)
    for first in range(0, len(order), CHUNK):
        some = bits.take(order[first : first + CHUNK])
        bit, point = chains.in_reach(some.middle, (some.high - some.low) / 2, distance)
        pairs, number, xy = some.take(bit), np.arange(len(bit)), chains.xy[chains.first[point]]
        whole = np.flatnonzero(_held(pairs, number, xy, np.full(len(bit), distance)))
        part, low, high = _disc_stretches(pairs, number, xy, distance)
        pair = np.concatenate([whole, part])
        low = np.concatenate([pairs.low[whole], low])
        high = np.concatenate([pairs.high[whole], high])
        row, length = pairs.row[pair], pairs.length[pair]
        start, end = segments.place(row, low / length), segments.place(row, high / length)
        found.append((chains.shape[point[pair]], start, end))
    point, start, end = (np.concatenate(part) for part in zip(*found, strict=True))
    return point, start, end


@dataclass(frozen=True)
class _Bits:
    """Short bits of straight pieces."""

    row: Ints
    """Straight piece that each is of."""
    low: Floats
    high: Floats
    """Metres along it."""
    length: Floats
    """Of the whole piece, metres."""
    tail: Floats
    way: Floats
    """Start of the piece, and its unit direction."""

    def __len__(self) -> int:
        return len(self.row)

    def take(self, bit: Ints) -> _Bits:
        """Some of the bits."""
        return _Bits(
            self.row[bit], self.low[bit], self.high[bit], self.length[bit], self.tail[bit], self.way[bit]
        )

    def at(self, along: Floats) -> Floats:
        """Coordinates (n, 2) of a place on each bit, metres along its piece."""
        return self.tail + self.way * along[:, None]

    @property
    def middle(self) -> Floats:
        """Middle of each bit."""
        return self.at((self.low + self.high) / 2)

    def by_place(self, size: float) -> Ints:
        """An order in which neighbours follow one another: in strips of *size* metres, from west to east."""
        middle = self.middle
        return np.lexsort((middle[:, 0], np.floor(middle[:, 1] / size))).astype(np.int64)


def _bits(segments: Segments, chosen: Ints, longest: float) -> _Bits:
    """Straight pieces cut into equal bits of at most *longest* metres."""
    tail = segments.tail[chosen]
    way = segments.head[chosen] - tail
    length = np.hypot(*way.T)
    count = np.maximum(np.ceil(length / longest), 1).astype(np.int64)
    piece, number = spread(np.zeros(len(chosen), dtype=np.int64), count)
    low, high = number / count[piece], (number + 1) / count[piece]
    whole = length[piece]
    return _Bits(chosen[piece], low * whole, high * whole, whole, tail[piece], (way / length[:, None])[piece])


def _near_chains(segments: Segments, bits: _Bits, chains: Chains, distance: float) -> Intervals:
    """Stretches of bits within *distance* of the vertices and edges of chains."""
    bit, chain = chains.in_reach(bits.middle, (bits.high - bits.low) / 2, distance)
    held = _held(bits, bit, chains.heart[chain], chains.core[chain] + distance)
    settled = np.zeros(len(bits), dtype=bool)
    settled[bit[held]] = True
    parts = [(np.flatnonzero(settled), bits.low[settled], bits.high[settled])]
    bit, chain = bit[~settled[bit]], chain[~settled[bit]]
    count, first = chains.take(chain)
    pair, vertex = spread(first, first + count)
    near = _disc_stretches(bits, bit[pair], chains.xy[vertex], distance)
    parts.append(near)
    settled[near[0][(near[1] <= bits.low[near[0]]) & (near[2] >= bits.high[near[0]])]] = True
    bit, chain = bit[~settled[bit]], chain[~settled[bit]]
    count, first = chains.take(chain)
    pair, vertex = spread(first, first + count - 1)
    parts.append(_slab_stretches(bits, bit[pair], chains.xy[vertex], chains.xy[vertex + 1], distance))
    row, low, high = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _on_axis(segments, bits, row, low, high)


def _held(bits: _Bits, bit: Ints, middle: Floats, radius: Floats) -> Rows:
    """Which bits have both ends, hence all of them, in discs."""
    square = radius * radius
    inside = np.ones(len(bit), dtype=bool)
    for along in (bits.low, bits.high):
        away = bits.at(along)[bit] - middle
        inside &= squared(away) <= square
    return inside


def _disc_stretches(bits: _Bits, bit: Ints, xy: Floats, radius: float) -> tuple[Ints, Floats, Floats]:
    """Where bits meet discs around points: foot ± √(r² − d²), as bit and metres along its piece."""
    x, y = (xy - bits.tail[bit]).T
    along, across = bits.way[bit].T
    foot = x * along + y * across
    off = x * across - y * along
    square = radius * radius - off * off
    real = square > 0
    bit, foot, half = bit[real], foot[real], np.sqrt(square[real])
    return _clipped(bits, bit, foot - half, foot + half)


def _slab_stretches(
    bits: _Bits, bit: Ints, a: Floats, b: Floats, radius: float
) -> tuple[Ints, Floats, Floats]:
    """Where bits meet the rectangles of half-width *radius* around edges a–b.

    A point at t lies beside the edge where 0 ≤ along(t) ≤ its length and −r ≤ across(t) ≤ r, both linear in t.
    """
    edge = b - a
    size = np.hypot(*edge.T)
    real = size > 0
    bit, a, edge, size = bit[real], a[real], edge[real], size[real]
    unit = edge / size[:, None]
    start, way = bits.tail[bit] - a, bits.way[bit]
    across = start[:, 0] * unit[:, 1] - start[:, 1] * unit[:, 0]
    sin = way[:, 0] * unit[:, 1] - way[:, 1] * unit[:, 0]
    low, high = between(across, sin, -radius, radius)
    begin, end = between(dot(start, unit), dot(way, unit), 0.0, size)
    return _clipped(bits, bit, np.maximum(low, begin), np.minimum(high, end))


def between(origin: Floats, slope: Floats, low: Any, high: Any) -> tuple[Floats, Floats]:
    """Where ``low ≤ origin + slope·t ≤ high``; the whole line, or nothing (NaN), where the slope is zero."""
    flat = np.abs(slope) < 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (low - origin) / slope, (high - origin) / slope
    lo, hi = np.minimum(first, second), np.maximum(first, second)
    if flat.any():
        held = (origin >= low) & (origin <= high)
        lo[flat], hi[flat] = np.where(held[flat], -np.inf, np.nan), np.where(held[flat], np.inf, np.nan)
    return lo, hi


def _clipped(bits: _Bits, bit: Ints, low: Floats, high: Floats) -> tuple[Ints, Floats, Floats]:
    """Stretches cut to their bits; those without length vanish."""
    low, high = np.maximum(low, bits.low[bit]), np.minimum(high, bits.high[bit])
    real = high > low
    return bit[real], low[real], high[real]


def _on_axis(segments: Segments, bits: _Bits, bit: Ints, low: Floats, high: Floats) -> Intervals:
    """Metres along straight pieces as stretches on the axis."""
    row, length = bits.row[bit], bits.length[bit]
    return Intervals.of(segments.place(row, low / length), segments.place(row, high / length))


def _inside_large(segments: Segments, bits: _Bits, shapes: Shapes, distance: float) -> Intervals:
    """Stretches inside polygons that are large enough to hold a place farther than *distance* from their border."""
    polygons = shapes[shapely.get_dimensions(shapes) == 2]
    boxes = shapely.bounds(polygons)
    large = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) > 2 * distance
    if not large.any() or not len(bits):
        return Intervals.empty()
    half = float((bits.high - bits.low).max()) / 2
    _, bit = Bins.of(bits.middle, 20 * SHORT).within(boxes[large] + np.array([-half, -half, half, half]))
    return inside_polygons(segments.take(np.unique(bits.row[bit])), polygons[large])
