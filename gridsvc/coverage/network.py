"""The street network: roads joined where they meet, and distances along them.

Streets are the roads' straight pieces on their common axis (:mod:`gridsvc.partition.segments`), cut where they meet.
So a distance along streets is a difference of places on the axis, and what lies within a walk is a set of stretches
on it, like everything else that is measured on roads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals, cut_stretches
from gridsvc.partition.segments import GRAIN, NANO, Floats, Segments, crossings

Rows = npt.NDArray[np.bool_]

GAP = 0.5
"""Metres: ends of streets that are no farther from another street than this are joined to it."""
TOGETHER = 4_000_000
"""Distances to single goals that are held at a time."""
_SAME = 1e-3
# metres: what lies closer is one point, computed twice


@dataclass(frozen=True)
class Joins:
    """Where features join the streets: one entry a feature."""

    edge: Ints
    """Row of the street edge; -1 where no street is near enough."""
    place: Ints
    """Place on the axis, nanometres."""
    off: Floats
    """Metres from the feature to the street, straight; infinite where none is near enough."""

    def within(self, metres: float) -> Joins:
        """Those no farther off than *metres*."""
        near = self.off <= metres
        return Joins(self.edge[near], self.place[near], self.off[near])


@dataclass(frozen=True)
class Network:
    """Street edges between nodes: stretches of roads in which no other street joins."""

    segments: Segments
    start: Ints
    end: Ints
    """Places on the axis, nanometres; sorted, ``end > start``."""
    tail: Ints
    head: Ints
    """Nodes at the start and the end of each edge."""
    nodes: Floats
    """Coordinates of the nodes (n, 2), metre CRS."""
    gap: float
    """Metres by which ends may have missed what they are joined to."""

    @cached_property
    def real(self) -> Rows:
        """Which edges lead anywhere: not the specks between an end and what it was joined to."""
        return np.asarray(
            (self.tail != self.head) | (self.end - self.start > 4 * self.gap * NANO), dtype=bool
        )

    @cached_property
    def degree(self) -> Ints:
        """Number of streets that lead away from each node."""
        ends = np.concatenate([self.tail[self.real], self.head[self.real]])
        return np.bincount(ends, minlength=len(self.nodes)).astype(np.int64)

    def join(self, shapes: Any, reach: float) -> Joins:
        """The nearest place on a street of each of *shapes* (metre CRS), no farther off than *reach* metres."""
        goals = np.asarray(shapes, dtype=object)
        lines = self.segments.lines()
        used = np.flatnonzero(self.rows)
        edge, place = np.full(len(goals), -1, dtype=np.int64), np.zeros(len(goals), dtype=np.int64)
        off = np.full(len(goals), np.inf)
        if not len(used) or not len(goals):
            return Joins(edge, place, off)
        tree = shapely.STRtree(lines[used])
        pairs, metres = tree.query_nearest(goals, max_distance=reach, return_distance=True)
        # several streets may be equally near: the first on the axis
        first = np.unique(pairs[0], return_index=True)[1]
        goal, row, metres = pairs[0][first], used[pairs[1][first]], metres[first]
        foot = shapely.get_coordinates(shapely.get_point(shapely.shortest_line(lines[row], goals[goal]), 0))
        way = self.segments.head[row] - self.segments.tail[row]
        share = ((foot - self.segments.tail[row]) * way).sum(axis=1) / (way * way).sum(axis=1)
        place[goal], off[goal] = self.segments.place(row, share), metres
        edge[goal] = self._edge_of(row, place[goal])
        return Joins(edge, place, off)

    @cached_property
    def rows(self) -> Rows:
        """Which straight pieces of roads are streets of the network."""
        if not len(self.start):
            return np.zeros(len(self.segments), dtype=bool)
        row = np.searchsorted(self.start, self.segments.start, side="right") - 1
        return np.asarray((row >= 0) & (self.end[row] > self.segments.start), dtype=bool)

    def _edge_of(self, row: Ints, place: Ints) -> Ints:
        """Edge of places on straight pieces *row*; a place between two edges is on that of the straight piece."""
        at_end = place == self.segments.end[row]
        after = np.searchsorted(self.start, place, side="right") - 1
        before = np.searchsorted(self.start, place, side="left") - 1
        return np.where(at_end, before, after).astype(np.int64)

    def walk(self, goals: Joins, limit: float, arrived: Intervals | None = None) -> Walk:
        """The streets with their distance to the nearest goal, as far as *limit* metres.

        The goals are *goals*, and every place on the stretches *arrived*.
        """
        there = Intervals.empty() if arrived is None else arrived
        near = goals.within(limit)
        cut = self._cut(near, there)
        over = there.within(cut.start, cut.end) > 0
        seeds = np.concatenate([cut.node, cut.tail[over], cut.head[over]])
        off = np.concatenate([near.off, np.zeros(len(seeds) - len(cut.node))])
        metres = distances(cut.count, cut.tail, cut.head, cut.metres, seeds, off, limit)
        return Walk(cut.start, cut.end, cut.edge, metres[cut.tail], metres[cut.head], over, limit)

    def walks(self, goals: Joins, limit: float) -> Iterator[Walk]:
        """The :meth:`walk` to each of *goals* alone, in their order."""
        cut = self._cut(goals.within(limit), Intervals.empty())
        nowhere = np.full(cut.count, np.inf)
        near = np.flatnonzero(goals.off <= limit)
        source = np.full(len(goals.off), -1)
        source[near] = cut.count + np.arange(len(near))
        a = np.concatenate([cut.tail, cut.head, source[near]])
        b = np.concatenate([cut.head, cut.tail, cut.node])
        weight = np.concatenate([cut.metres, cut.metres, goals.off[near]])
        graph = _graph(cut.count + len(near), a, b, weight)
        over = np.zeros(len(cut.start), dtype=bool)
        step = max(1, TOGETHER // graph.shape[0])
        for first in range(0, len(source), step):
            some = source[first : first + step]
            found = iter(np.atleast_2d(dijkstra(graph, directed=True, indices=some[some >= 0], limit=limit)))
            for row in some:
                metres = next(found) if row >= 0 else nowhere
                yield Walk(cut.start, cut.end, cut.edge, metres[cut.tail], metres[cut.head], over, limit)

    def _cut(self, goals: Joins, there: Intervals) -> _Cut:
        """The street edges, cut at goals that join a street, and at the ends of stretches."""
        edge, place = goals.edge, goals.place
        inner = (place > self.start[edge]) & (place < self.end[edge])
        cuts = np.unique(np.concatenate([place[inner], there.start, there.end]))
        start, end, of = cut_stretches(self.start, self.end, cuts)
        new = len(self.nodes)
        tail = np.where(start == self.start[of], self.tail[of], new + np.searchsorted(cuts, start))
        head = np.where(end == self.end[of], self.head[of], new + np.searchsorted(cuts, end))
        node = np.where(place == self.start[edge], self.tail[edge], self.head[edge])
        node = np.where(inner, new + np.searchsorted(cuts, place), node)
        return _Cut(start, end, of, tail, head, node, new + len(cuts))


@dataclass(frozen=True)
class _Cut:
    """Street edges cut into shorter ones."""

    start: Ints
    end: Ints
    """Places on the axis, nanometres."""
    edge: Ints
    """Row of the network's edge that each is of."""
    tail: Ints
    head: Ints
    """Nodes at the start and the end of each."""
    node: Ints
    """Node of each goal."""
    count: int
    """Number of nodes."""

    @property
    def metres(self) -> Floats:
        """Length of each."""
        return np.asarray((self.end - self.start) / NANO)


@dataclass(frozen=True)
class Walk:
    """Street edges, cut at the goals, with the distance of both ends to the nearest goal."""

    start: Ints
    end: Ints
    """Places on the axis, nanometres; sorted."""
    edge: Ints
    """Row of the network's edge that each is of."""
    tail: Floats
    head: Floats
    """Metres to the nearest goal from either end; infinite beyond the limit."""
    arrived: Rows
    """Whether the whole edge is a goal."""
    limit: float

    def metres(self, joins: Joins) -> Floats:
        """Distance of features to the nearest goal, their way to the street included; infinite beyond the limit."""
        found = np.full(len(joins.place), np.inf)
        there = np.flatnonzero(joins.edge >= 0)
        place = joins.place[there]
        row = np.searchsorted(self.start, place, side="right") - 1
        # a place where two edges meet may be where a road goes on elsewhere: the feature's own edge decides
        row = np.where(self.edge[row] == joins.edge[there], row, row - 1)
        along = np.minimum(
            self.tail[row] + (place - self.start[row]) / NANO, self.head[row] + (self.end[row] - place) / NANO
        )
        found[there] = np.where(self.arrived[row], 0, along) + joins.off[there]
        found[found > self.limit] = np.inf
        return found

    def stretches(self) -> Intervals:
        """The stretches of streets from which a goal is within the limit."""
        size = (self.end - self.start).astype(float)
        ahead, back = (
            np.clip((self.limit - metres) * NANO, 0, size) // GRAIN * GRAIN
            for metres in (self.tail, self.head)
        )
        return Intervals.of(
            np.concatenate([self.start, self.end - back.astype(np.int64)]),
            np.concatenate([self.start + ahead.astype(np.int64), self.end]),
        )


def distances(
    count: int, tail: Ints, head: Ints, metres: Floats, goal: Ints, off: Floats, limit: float = np.inf
) -> Floats:
    """Metres from each of *count* nodes to the nearest goal, along undirected edges *tail*–*head* of *metres*.

    *goal* are the nodes of goals, *off* how far each goal lies from its node. Infinite beyond *limit*.
    """
    source = count
    a = np.concatenate([tail, head, np.full(len(goal), source)])
    b = np.concatenate([head, tail, goal])
    graph = _graph(count + 1, a, b, np.concatenate([metres, metres, off]).astype(float))
    found = dijkstra(graph, directed=True, indices=source, limit=limit)
    return np.asarray(found[:count], dtype=float)


def _graph(size: int, a: Ints, b: Ints, weight: Floats) -> csr_array:
    """Directed edges a–b of *weight* between *size* nodes; of parallel ones the shortest: a matrix would add them."""
    order = np.lexsort((weight, b, a))
    a, b, weight = a[order], b[order], weight[order]
    fresh = np.ones(len(a), dtype=bool)
    fresh[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return csr_array((weight[fresh], (a[fresh], b[fresh])), shape=(size, size))


def street_network(segments: Segments, roads: Rows, over: Rows | None = None, gap: float = GAP) -> Network:
    """Join the chosen *roads* of *segments* where they touch or cross, and where ends miss a street by up to *gap* m.

    *roads* and *over* have one entry a road; those in *over* (elevated, fenced off) pass others without meeting
    them: they are joined only where a road ends.
    """
    rows = np.flatnonzero(roads[segments.road])
    begins, ends = _part_ends(segments, rows)
    first, last = rows[begins], rows[ends]
    high = np.zeros(len(roads), dtype=bool) if over is None else over
    low = rows[~high[segments.road[rows]]]
    tips = np.concatenate([segments.tail[first], segments.head[last]])
    cuts = [
        _crossed(segments, low),
        _touched(segments, low, segments.tail[low], _SAME),
        _touched(segments, rows, tips, gap),
    ]
    cuts.append(_vertices(segments, low, np.concatenate(cuts)))
    start, end, part = cut_stretches(
        segments.start[first], segments.end[last], np.unique(np.concatenate(cuts))
    )
    xy = np.concatenate([_at(segments, place, first[part], last[part]) for place in (start, end)])
    tip = np.concatenate([start == segments.start[first][part], end == segments.end[last][part]])
    node, nodes = _cluster(xy, tip, gap)
    return Network(segments, start, end, node[: len(start)], node[len(start) :], nodes, gap)


def _part_ends(segments: Segments, rows: Ints) -> tuple[Rows, Rows]:
    """Which straight pieces begin, and which end, a part of a road."""
    begins, ends = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    one, two = rows[:-1], rows[1:]
    on = (segments.road[one] == segments.road[two]) & (segments.head[one] == segments.tail[two]).all(axis=1)
    begins[1:], ends[:-1] = ~on, ~on
    return begins, ends


def _crossed(segments: Segments, rows: Ints) -> Ints:
    """Places where streets cross inside of their straight pieces."""
    tail, head = segments.tail[rows], segments.head[rows]
    row, share = crossings(tail, head, np.hstack([tail, head]))
    return segments.place(rows[row], share)


def _touched(segments: Segments, rows: Ints, xy: Floats, gap: float) -> Ints:
    """Places inside of straight pieces that points (n, 2) come within *gap* metres of."""
    point, hit = shapely.STRtree(shapely.points(xy)).query(segments.lines()[rows], "dwithin", gap)[::-1]
    row = rows[hit]
    way = segments.head[row] - segments.tail[row]
    share = ((xy[point] - segments.tail[row]) * way).sum(axis=1) / (way * way).sum(axis=1)
    inside = (share > 0) & (share < 1)
    return segments.place(row[inside], share[inside])


def _vertices(segments: Segments, rows: Ints, cuts: Ints) -> Ints:
    """Places of vertices that another vertex, or one of *cuts*, stands on."""
    marks = np.concatenate([segments.tail[rows], segments.head[rows], segments.at(np.unique(cuts))])
    place = np.concatenate([segments.start[rows], segments.end[rows]])
    near = cKDTree(marks)
    pairs = near.query_pairs(_SAME, output_type="ndarray")
    here = np.concatenate([pairs, pairs[:, ::-1]])
    here = here[here[:, 0] < len(place)]
    # the end of one piece is the start of the next: that alone makes no junction
    own = np.zeros(len(here), dtype=bool)
    other = here[:, 1] < len(place)
    own[other] = place[here[other, 0]] == place[here[other, 1]]
    return np.unique(place[here[~own, 0]])


def _at(segments: Segments, place: Ints, first: Ints, last: Ints) -> Floats:
    """Coordinates of places on parts of roads that reach from straight piece *first* to *last*."""
    row = np.searchsorted(segments.start, place, side="right") - 1
    return segments.at(place, row=np.clip(row, first, last))


def _cluster(xy: Floats, tip: Rows, gap: float) -> tuple[Ints, Floats]:
    """Ends of edges as nodes: those that stand on one point, and tips of streets with what they just miss.

    Returns the node of each end, and the coordinates of the nodes.
    """
    pairs = (
        cKDTree(xy).query_pairs(gap, output_type="ndarray") if len(xy) else np.zeros((0, 2), dtype=np.int64)
    )
    close = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) <= _SAME
    pairs = pairs[close | tip[pairs].any(axis=1)]
    joined = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    count, node = connected_components(joined, directed=False)
    size = np.bincount(node, minlength=count)
    centre = np.stack([np.bincount(node, xy[:, axis], count) / size for axis in (0, 1)], axis=1)
    return node.astype(np.int64), centre
