"""Roads as straight pieces with measures, all laid end to end on one axis of whole nanometres.

Measures are whole multiples of four nanometres, so that halves (the two sides of a road) and quarters (the two
lines of a divided road) stay whole. Nanometres, not micrometres: a grid holds the ends of some fifty pieces, and
rounding each to a micrometre would already cost more than 1e-9 of a grid's road length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridsvc.partition.faces import Ints, Shapes, distinct
from gridsvc.partition.intervals import Intervals, cut_stretches, spread
from gridsvc.partition.lookup import Bins

NANO = 1_000_000_000
GRAIN = 4
SHORT = 100.0
"""Metres. Pieces that reach no farther east or north are looked up by bins, longer ones in a tree."""
Floats = npt.NDArray[np.float64]


def on_grain(metres: Any) -> Ints:
    """Metres as whole nanometres, rounded to the grain."""
    return (np.rint(np.asarray(metres, dtype=float) * (NANO / GRAIN)) * GRAIN).astype(np.int64)


@dataclass(frozen=True)
class Segments:
    """Straight pieces of lines, in order along each line."""

    road: Ints
    """Row of the line that the piece is of."""
    start: Ints
    end: Ints
    """Place on the axis, nanometres; ``end > start``."""
    tail: Floats
    head: Floats
    """Ends of the piece (n, 2) in the metre CRS."""
    offset: Ints
    """Place on the axis at which each line starts; one more entry for the end of the last."""

    def __len__(self) -> int:
        """Number of straight pieces."""
        return len(self.road)

    def length(self, road: Any) -> Ints:
        """Length of each line, nanometres."""
        rows: Ints = np.asarray(road, dtype=np.int64)
        return np.asarray(self.offset[rows + 1] - self.offset[rows] - GRAIN, dtype=np.int64)

    def take(self, rows: Ints) -> Segments:
        """Some straight pieces, with their places on the axis unchanged."""
        return Segments(
            self.road[rows], self.start[rows], self.end[rows], self.tail[rows], self.head[rows], self.offset
        )

    def of_lines(self, lines: Ints) -> tuple[Segments, Ints]:
        """The straight pieces of some *lines* (rising) on an axis of their own, and what each place moved by.

        A place on the axis of one of these lines is the same place on the new axis when its line's number is added.
        """
        first = np.searchsorted(self.road, lines, side="left")
        line, piece = spread(first, np.searchsorted(self.road, lines, side="right"))
        size = self.offset[lines + 1] - self.offset[lines]
        offset = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        moved = offset[:-1] - self.offset[lines]
        by = moved[line]
        found = Segments(
            line, self.start[piece] + by, self.end[piece] + by, self.tail[piece], self.head[piece], offset
        )
        return found, moved

    def lines(self) -> Shapes:
        """The straight pieces as geometries."""
        return np.asarray(shapely.linestrings(np.stack([self.tail, self.head], axis=1)), dtype=object)

    def at(self, place: Any, *, row: Ints | None = None) -> Floats:
        """Coordinates of places on the axis (n, 2); *row* names the straight pieces where known."""
        where = np.asarray(place, dtype=np.int64)
        if row is None:
            row = np.clip(np.searchsorted(self.start, where, side="right") - 1, 0, len(self) - 1)
        share = (where - self.start[row]) / (self.end[row] - self.start[row])
        share = np.clip(share, 0.0, 1.0)[:, None]
        return np.asarray(self.tail[row] * (1 - share) + self.head[row] * share)

    def place(self, row: Ints, share: Any) -> Ints:
        """Place on the axis of *share* (0…1) of the way along straight pieces *row*, on the grain."""
        span = self.end[row] - self.start[row]
        way = np.rint(np.clip(share, 0.0, 1.0) * (span / GRAIN)).astype(np.int64) * GRAIN
        places: Ints = self.start[row] + np.clip(way, 0, span)
        return places

    def stretches(self, start: Any, end: Any) -> Shapes:
        """Lines between places on the axis, each two on one road, with the vertices between them.

        A stretch over a gap between the parts of its road is a MultiLineString. ``end > start`` for every one.
        """
        lo, hi = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
        first = np.searchsorted(self.end, lo, side="right")
        last = np.searchsorted(self.start, hi, side="left")
        row, piece = spread(first, last)
        tail, head = self.tail[piece], self.head[piece]
        begins, ends = piece == first[row], piece == last[row] - 1
        tail[begins], head[ends] = self.at(lo, row=piece[begins]), self.at(hi, row=piece[ends])
        fresh = begins.copy()
        fresh[1:] |= (tail[1:] != head[:-1]).any(axis=1)
        number = np.cumsum(fresh) - 1
        order = np.argsort(np.concatenate([number[fresh], number]), kind="stable")
        xy = np.concatenate([tail[fresh], head])[order]
        parts = shapely.linestrings(xy, indices=np.concatenate([number[fresh], number])[order])
        lines: Shapes = np.asarray(shapely.multilinestrings(parts, indices=row[fresh]), dtype=object)
        lone = shapely.get_num_geometries(lines) == 1
        lines[lone] = shapely.get_geometry(lines[lone], 0)
        return lines


def straight_pieces(lines: Any) -> Segments:
    """Cut lines (LineStrings or MultiLineStrings, metre CRS) into straight pieces.

    The parts of a MultiLineString follow one another without a gap in the measures. Lines shorter than the grain
    have no pieces.
    """
    parts, of_line = shapely.get_parts(np.asarray(lines, dtype=object), return_index=True)
    xy, of_part = shapely.get_coordinates(parts, return_index=True)
    joined = of_part[1:] == of_part[:-1]
    tail, head = xy[:-1][joined], xy[1:][joined]
    road = of_line[of_part[:-1][joined]].astype(np.int64)
    length = on_grain(np.hypot(*(head - tail).T))
    real = length > 0
    tail, head, road, length = tail[real], head[real], road[real], length[real]
    total = np.zeros(len(lines), dtype=np.int64)
    np.add.at(total, road, length)
    offset = np.concatenate([[0], np.cumsum(total + GRAIN)]).astype(np.int64)
    # lines are a grain apart on the axis, so that stretches of different lines never touch
    end = np.cumsum(length) + GRAIN * road
    return Segments(road, end - length, end, tail, head, offset)


def crossings(tail: Floats, head: Floats, edges: Floats) -> tuple[Ints, Floats]:
    """Where straight pieces meet straight *edges* (m, 4).

    Returns the rows of the pieces and the share (0…1) of the way along each. Where a piece runs along an edge, the
    edge's ends are given. A place given needlessly does no harm: what lies between two places is judged on its own.
    """
    piece, edge = _meeting(tail, head, edges)
    p, d = tail[piece], (head - tail)[piece]
    q, e = edges[edge, :2], edges[edge, 2:] - edges[edge, :2]
    gap = q - p
    turn = _cross(d, e)
    size = np.hypot(*d.T) * np.hypot(*e.T)
    parallel = np.abs(turn) <= 1e-12 * size
    with np.errstate(divide="ignore", invalid="ignore"):
        t = _cross(gap, e) / turn
        s = _cross(gap, d) / turn
    slack = 1e-6
    meets = ~parallel & (s > -slack) & (s < 1 + slack) & (t > 0) & (t < 1)
    square = (d * d).sum(axis=1)
    t0 = (gap * d).sum(axis=1) / square
    t1 = t0 + (e * d).sum(axis=1) / square
    along = [(piece[parallel], t0[parallel]), (piece[parallel], t1[parallel])]
    rows = np.concatenate([piece[meets], *(row for row, _ in along)])
    share = np.concatenate([t[meets], *(value for _, value in along)])
    real = (share > 0) & (share < 1)
    return rows[real].astype(np.int64), share[real]


def _meeting(tail: Floats, head: Floats, edges: Floats) -> tuple[Ints, Ints]:
    """Pairs (piece, edge) whose boxes meet."""
    low, high = np.minimum(tail, head), np.maximum(tail, head)
    boxes = np.hstack([np.minimum(edges[:, :2], edges[:, 2:]), np.maximum(edges[:, :2], edges[:, 2:])])
    half = (high - low).max(axis=1) / 2
    short, long = np.flatnonzero(half <= SHORT / 2), np.flatnonzero(half > SHORT / 2)
    margin = np.array([-1.0, -1.0, 1.0, 1.0]) * (float(half[short].max(initial=0.0)) + GRAIN / NANO)
    edge, number = Bins.of((low[short] + high[short]) / 2, SHORT / 2).within(boxes + margin)
    piece = short[number]
    meets = np.ones(len(piece), dtype=bool)
    for axis in (0, 1):
        meets &= (low[piece, axis] <= boxes[edge, 2 + axis]) & (high[piece, axis] >= boxes[edge, axis])
    pairs = [(piece[meets], edge[meets])]
    if len(long):
        tree = shapely.STRtree(shapely.linestrings(edges.reshape(-1, 2, 2)))
        number, edge = tree.query(shapely.linestrings(np.stack([tail[long], head[long]], axis=1)))
        pairs.append((long[number], edge))
    first, second = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def boundary_edges(polygons: Any) -> Floats:
    """Straight edges (n, 4) of polygons or multipolygons, each drawn once."""
    rings = shapely.get_rings(shapely.get_parts(np.asarray(polygons, dtype=object)))
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    same = of_ring[1:] == of_ring[:-1]
    edges = np.hstack([xy[:-1][same], xy[1:][same]])
    swap = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[swap] = edges[swap][:, [2, 3, 0, 1]]
    return np.asarray(distinct(edges)[0])


def inside_polygons(segments: Segments, polygons: Shapes) -> Intervals:
    """Stretches of the lines that lie in any of *polygons* (metre CRS): exact, nothing is clipped."""
    if not len(polygons):
        return Intervals.empty()
    row, share = crossings(segments.tail, segments.head, boundary_edges(polygons))
    start, end, of = cut_stretches(segments.start, segments.end, np.unique(segments.place(row, share)))
    middle = (segments.at(start, row=of) + segments.at(end, row=of)) / 2
    tree = shapely.STRtree(shapely.points(middle))
    hit = np.unique(tree.query(polygons, predicate="intersects")[1])
    return Intervals.of(start[hit], end[hit])
