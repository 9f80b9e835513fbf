"""Findings about the road network: what was not snapped, what is drawn twice, what hangs together with nothing.

Everything is found on the straight pieces of the centre lines. Lines that cross without a node are no finding:
they may be bridges, and figures do not route along roads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.checks.alongside import beside
from gridsvc.checks.parts import part
from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import JOIN, Roads
from gridsvc.partition.cells import connected
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.segments import Floats, Segments

BORDER = 10.0
"""Metres from the county's border within which roads go on in the next county."""
TWICE = 0.8
"""Share of a road feature that has to run along another one to be drawn twice."""
MICRO = 1_000_000


def road_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Ends that miss another road, roads drawn twice, and roads that meet no others."""
    if not len(scene.layer(scene.layers.roads.name)) or not len(scene.roads.segments):
        return
    network = Network(scene.roads, scene.workspace.county.road_snap, _border(scene), scene.layers.roads.name)
    yield network.misses
    yield network.doubles(scene.layers.roads.same_place)
    yield network.islands()


def _border(scene: Scene) -> shapely.Geometry:
    """Everything that lies beyond the counties, and :data:`BORDER` metres of what lies within."""
    counties = scene.layer(scene.layers.units[LEVELS[0]].name).geometry.to_numpy()
    inside = shapely.buffer(shapely.union_all(counties), -BORDER)
    return shapely.box(-1e8, -1e8, 1e8, 1e8).difference(inside) if len(counties) else shapely.Polygon()


@dataclass
class Network:
    """The road layer as a network. Two features meet where they come within :data:`~gridsvc.duties.roads.JOIN`."""

    roads: Roads
    reach: float
    """Metres: an end nearer than this to another road, which it does not meet, was meant to meet it."""
    border: shapely.Geometry
    """Where roads may end."""
    layer: str

    @property
    def segments(self) -> Segments:
        """The straight pieces."""
        return self.roads.segments

    @cached_property
    def keys(self) -> npt.NDArray[np.object_]:
        """Keys of the features."""
        keys: npt.NDArray[np.object_] = self.roads.frame["key"].to_numpy(object)
        return keys

    @cached_property
    def lines(self) -> Shapes:
        """The straight pieces as geometries."""
        return self.segments.lines()

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index of the straight pieces."""
        return shapely.STRtree(self.lines)

    @cached_property
    def ends(self) -> tuple[Ints, npt.NDArray[np.bool_], Shapes]:
        """Where lines begin and end: the straight piece, whether it is the line's last, and the point."""
        tail, head, road = self.segments.tail, self.segments.head, self.segments.road
        goes_on = (road[1:] == road[:-1]) & (head[:-1] == tail[1:]).all(axis=1)
        first = np.flatnonzero(np.concatenate([[True], ~goes_on]))
        last = np.flatnonzero(np.concatenate([~goes_on, [True]]))
        piece = np.concatenate([first, last])
        points = shapely.points(np.concatenate([tail[first], head[last]]))
        return piece, np.repeat([False, True], len(first)), points

    @cached_property
    def misses(self) -> pd.DataFrame:
        """Dangling ends nearer than :attr:`reach` to another road: short of it, or just beyond it."""
        piece, is_last, points = self.ends
        road = self.segments.road
        end, near = self.tree.query(points, predicate="dwithin", distance=max(self.reach, JOIN))
        other = near != piece[end]
        end, near = end[other], near[other]
        apart = shapely.distance(points[end], self.lines[near])
        meets = np.zeros(len(points), dtype=bool)
        # where a line turns back on itself at once its second piece is as near as its first
        meets[end[(apart <= JOIN) & ~self._next(piece[end], near)]] = True
        free = ~meets & ~shapely.intersects(self.border, points)
        missed = free[end] & (road[near] != road[piece[end]]) & (apart <= self.reach)
        end, near, apart = end[missed], near[missed], apart[missed]
        tail = self._tails(piece[end], is_last[end])
        whole = shapely.get_type_id(tail) == shapely.GeometryType.LINESTRING
        over = shapely.dwithin(tail, self.lines[near], JOIN) & whole
        stub = self._stubs(tail, near, is_last[end])
        size = np.where(over, stub, apart)
        # of each end one finding: a crossing before a near miss, then the nearest
        order = np.lexsort((near, size, ~over, end))
        order = order[np.unique(end[order], return_index=True)[1]]
        # two ends that miss each other are one gap
        pair = np.sort(np.column_stack([road[piece[end]], road[near]])[order], axis=1)
        gap = np.column_stack([pair, np.rint(size[order] * MICRO).astype(np.int64)])
        order = order[np.sort(np.unique(gap, axis=0, return_index=True)[1])]
        end, near = end[order], near[order]
        return part(
            np.where(over[order], "overshoot", "undershoot").astype(object),
            layer=self.layer,
            feature=self.keys[road[piece[end]]],
            other=self.keys[road[near]],
            size=size[order],
            shape=points[end],
        )

    def _next(self, piece: Ints, near: Ints) -> npt.NDArray[np.bool_]:
        """Whether two straight pieces follow one another on one line, the first shorter than a joint is wide."""
        short = shapely.length(self.lines[piece]) <= JOIN
        same = self.segments.road[piece] == self.segments.road[near]
        return np.asarray(short & same & (np.abs(piece - near) == 1))

    def _tails(self, piece: Ints, is_last: npt.NDArray[np.bool_]) -> Shapes:
        """The last :attr:`reach` metres before each end (all of a straight line's part, where it is shorter)."""
        span = np.int64(self.reach * 1e9)
        road = self.segments.road[piece]
        low = self.segments.offset[road]
        high = low + self.segments.length(road)
        start = np.where(
            is_last, np.maximum(self.segments.end[piece] - span, low), self.segments.start[piece]
        )
        end = np.where(is_last, self.segments.end[piece], np.minimum(self.segments.start[piece] + span, high))
        return self.segments.stretches(start, end)

    def _stubs(self, tails: Shapes, near: Ints, is_last: npt.NDArray[np.bool_]) -> Floats:
        """Metres along each tail from where it meets another piece to its end."""
        joint = shapely.get_point(shapely.shortest_line(tails, self.lines[near]), 0)
        single = shapely.get_type_id(tails) == shapely.GeometryType.LINESTRING
        along = np.zeros(len(tails))
        along[single] = shapely.line_locate_point(tails[single], joint[single])
        return np.asarray(np.where(is_last, shapely.length(tails) - along, along))

    @cached_property
    def meetings(self) -> tuple[Ints, Ints]:
        """Pairs of features that meet: they touch, cross, or one was meant to be snapped to the other."""
        one, other = self.tree.query(self.lines, predicate="dwithin", distance=JOIN)
        road = self.segments.road
        pairs = np.column_stack([road[one], road[other]])
        row = pd.Series(np.arange(len(self.keys)), index=self.keys)
        missed = self.misses
        meant = np.column_stack([row[missed["feature"]].to_numpy(), row[missed["other"]].to_numpy()])
        pairs = np.unique(np.concatenate([pairs, meant]), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def islands(self) -> pd.DataFrame:
        """Features that hang together with each other but not with the rest, and end inside the county."""
        length = self.segments.length(np.arange(len(self.keys))) / 1e9
        group = connected(len(self.keys), *self.meetings)
        total = np.bincount(group, weights=length)
        shapes = self.roads.frame.geometry.to_numpy()
        leaves = np.bincount(group, weights=shapely.intersects(self.border, shapes)) > 0
        # the largest of each county is what the others do not hang together with
        county = pd.Series(self.roads.county).groupby(group).first()
        main = pd.Series(total).groupby(county).idxmax()
        alone = np.flatnonzero(~leaves & ~np.isin(np.arange(len(total)), main))
        members = [np.flatnonzero(group == one) for one in alone]
        return part(
            np.full(len(alone), "island", dtype=object),
            layer=self.layer,
            feature=[self.keys[rows[0]] for rows in members],
            size=total[alone],
            what_en=[_told(self.keys[rows])[0] for rows in members],
            what_zh=[_told(self.keys[rows])[1] for rows in members],
            shape=[shapely.multilinestrings(shapely.get_parts(shapes[rows])) for rows in members],
        )

    def doubles(self, distance: float) -> pd.DataFrame:
        """Features of which :data:`TWICE` and more run within *distance* metres of one other feature.

        Exact: the stretch of a straight piece within *distance* of another is found by one-dimensional arithmetic
        (no buffers), and the stretches along one feature are united before they are measured.
        """
        road = self.segments.road
        one, other = self.tree.query(self.lines, predicate="dwithin", distance=distance)
        apart = road[one] != road[other]
        one, other = one[apart], other[apart]
        edges = np.hstack([self.segments.tail[other], self.segments.head[other]])
        low, high = beside(self.segments, one, edges, distance)
        long = shapely.length(self.lines[one])
        low, high = np.clip(low, 0, long), np.clip(high, 0, long)
        real = high > low
        pairs, pair = np.unique(np.column_stack([road[one], road[other]])[real], axis=0, return_inverse=True)
        pair = pair.reshape(-1)
        before = (self.segments.start[one] - self.segments.offset[road[one]])[real] / 1e9
        # the stretches of every pair of features on an axis of their own, in micrometres
        stride = np.int64((self.segments.length(np.arange(len(self.keys))).max() / 1e9 + 1) * MICRO)
        first = pair * stride
        start = first + np.rint((before + low[real]) * MICRO).astype(np.int64)
        end = first + np.rint((before + high[real]) * MICRO).astype(np.int64)
        number = np.arange(len(pairs)) * stride
        shared = Intervals.of(start, end).within(number, number + stride) / MICRO
        a, b = pairs.reshape(-1, 2).T
        length = self.segments.length(np.arange(len(self.keys))) / 1e9
        # ends that meet, and lines that part at a small angle, run together for a little while
        twice = (shared >= TWICE * length[a]) & (length[a] > 10 * distance)
        # of two that run along each other for most of both the later key is the copy
        mutual = pd.MultiIndex.from_arrays([b[twice], a[twice]]).isin(
            pd.MultiIndex.from_arrays([a[twice], b[twice]])
        )
        chosen = np.flatnonzero(twice)[~mutual | (a[twice] > b[twice])]
        return part(
            np.full(len(chosen), "double_road", dtype=object),
            layer=self.layer,
            feature=self.keys[a[chosen]],
            other=self.keys[b[chosen]],
            size=shared[chosen],
            shape=self.roads.frame.geometry.to_numpy()[a[chosen]],
        )


def _told(keys: npt.NDArray[np.object_]) -> tuple[str, str]:
    """Which features an island has, in both languages."""
    if len(keys) == 1:
        return f"road {keys[0]} meets", f"道路 {keys[0]}"
    return f"{len(keys):,} road features ({keys[0]} …) meet", f"{len(keys):,} 个路段（{keys[0]} 等）"
