"""Closing slivers: thin overlaps, gaps and protrusions go to one of the units at them, everything else stays.

A unit is a set of faces of the linework that all boundaries draw together, snapped to the millimetre
(:mod:`gridsvc.partition.faces`). Closing a sliver gives its faces to one unit and takes them from the others, so
what one unit loses is exactly what another has or gains. The levels are done from above: a child is fitted to its
parent as that is by then, and the highest level that is drawn stands fast where nothing above it says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.codes import LEVELS, CodeLayout
from gridsvc.partition.cells import Units
from gridsvc.partition.faces import GRAIN, STEPS, Faces, Ints, Shapes, covering, draw_faces, unique_edges
from gridsvc.partition.findings import find_defects

Floats = npt.NDArray[np.float64]
CORNER = 45.0
"""Degrees by which the edge of a sliver turns at a neighbour's corner."""
ROUNDS = 50
"""Closing one sliver may leave a thinner rest of another: so often at most."""


@dataclass(frozen=True)
class Closed:
    """What closing the slivers did."""

    units: pd.DataFrame
    """One row per unit that changed, by level and code: ``level``, ``code``, ``given`` and ``taken`` (m² that it
    lost and gained), ``shift`` (metres by which its outline moved at most), ``row`` (of the units), ``shape``."""
    slivers: int
    """How many overlaps, gaps and protrusions there were below the width."""
    area: float
    """Square metres of them."""
    left: int
    """How many could not be closed: gaps beside which no child of the same parent lies."""


def close_slivers(units: Units, layout: CodeLayout, width: float) -> Closed:
    """Close what is thinner than *width* metres on average (2 × area / perimeter).

    An overlap stays with the lower code; a protrusion is cut off (and is then a gap of the parent that it reached
    into, if it is one); a gap goes to the child of the same parent with the longest border on it, cut across where
    one neighbour ends and the next begins. Shapes of changed units are in the metre CRS with vertices on the
    millimetre grid, and fit each other edge by edge.
    """
    before = _covered(units, layout)
    first = before.thin(width)
    levels = np.unique(units.level).tolist()
    cuts: Shapes = np.empty(0, dtype=object)
    # what is thin at a level shows when the levels above are done
    for level in levels:
        after = before.fitted(levels[: levels.index(level)], width)
        more = _crosscuts(after.faces, after.thin(width, level), width)
        if len(more):
            cuts = np.concatenate([cuts, more])
            before = _covered(units, layout, cuts)
    faces, after = before.faces, before.fitted(levels, width)
    lost, gained = before.pairs.difference(after.pairs), after.pairs.difference(before.pairs)
    return Closed(
        _changed(faces, units, after, lost, gained),
        len(first),
        float(first["area_m2"].sum()),
        len(after.thin(width)),
    )


def _covered(units: Units, layout: CodeLayout, cuts: Any = ()) -> _Cover:
    """The units as drawn, on faces that *cuts* may cut further."""
    faces = draw_faces(units.shape, cuts)
    unit, face = covering(faces, units.shape)
    return _Cover(faces, units, layout, _pairs(unit, face, len(faces.polygons)))


def _crosscuts(faces: Faces, thin: pd.DataFrame, width: float) -> Shapes:
    """Lines straight across each sliver from where neighbours change: where faces meet, and at their corners."""
    members = np.unique(thin["faces"].explode().dropna().to_numpy(np.int64))
    # slivers that lie at each other are cut as one
    slivers = shapely.normalize(shapely.get_parts(shapely.coverage_union_all(faces.polygons[members])))
    rings, of_sliver = shapely.get_rings(slivers, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # of every ring the vertex, the one before and the one after; the first stands at the end again
    first = np.concatenate([[True], ring[1:] != ring[:-1]]) if len(ring) else np.zeros(0, dtype=bool)
    start = np.flatnonzero(first)
    last = np.append(start[1:], len(ring)) - 1
    before = np.arange(len(ring)) - 1
    before[start] = last - 1
    rows = np.setdiff1d(np.arange(len(ring)), last)
    one, two = _unit(xy[rows] - xy[before[rows]]), _unit(xy[rows + 1] - xy[rows])
    # rings of normalised polygons have the inside on their right: a turn to the left is a corner of a neighbour
    turn = np.degrees(np.arctan2(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0], (one * two).sum(axis=1)))
    chosen = (np.hypot(*(one + two).T) > 0.3) & (
        (turn > CORNER) | (_is_node(faces, xy[rows]) & (turn > -CORNER))
    )
    rows, along = rows[chosen], _unit((one + two)[chosen])
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    sliver = of_sliver[ring[rows]]
    # a wedge is wider than its mean
    reach = 4 * width
    rays = shapely.linestrings(np.stack([xy[rows] - reach * normal, xy[rows] + reach * normal], axis=1))
    inside, ray = shapely.get_parts(shapely.intersection(rays, slivers[sliver]), return_index=True)
    lines = shapely.get_dimensions(inside) == 1
    inside, ray = inside[lines], ray[lines]
    # of what the ray has in the sliver the part at its own vertex, if it ends within reach
    at = shapely.points(xy[rows])[ray]
    across = shapely.dwithin(inside, at, GRAIN) & (shapely.length(inside) < 0.99 * reach)
    cuts: Shapes = np.asarray(inside[across], dtype=object)
    return cuts


def _unit(vectors: Floats) -> Floats:
    """Vectors of length one."""
    length = np.hypot(*vectors.T)[:, None]
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


def _is_node(faces: Faces, xy: Floats) -> npt.NDArray[np.bool_]:
    """Whether three or more edges of the linework end at each position."""
    edges, _, _ = unique_edges(faces.polygons)
    ends = np.concatenate([edges[:, :2], edges[:, 2:], np.rint(xy * STEPS).astype(np.int64)])
    _, number = np.unique(ends, axis=0, return_inverse=True)
    number = number.reshape(-1)
    count = np.bincount(number[: 2 * len(edges)], minlength=number.max() + 1)
    return np.asarray(count[number[2 * len(edges) :]] >= 3)


def _pairs(unit: Ints, face: Ints, faces: int) -> pd.Index:
    """Pairs of unit row and face as whole numbers."""
    return pd.Index(np.sort(unit * faces + face), dtype=np.int64)


@dataclass(frozen=True)
class _Cover:
    """Which faces each unit has."""

    faces: Faces
    units: Units
    layout: CodeLayout
    pairs: pd.Index

    @cached_property
    def points(self) -> shapely.STRtree:
        """Index of the faces' inner points."""
        return shapely.STRtree(self.faces.points)

    @cached_property
    def unit(self) -> Ints:
        """Unit row of each pair."""
        return self.pairs.to_numpy(np.int64) // len(self.faces.polygons)

    @cached_property
    def face(self) -> Ints:
        """Face of each pair."""
        return self.pairs.to_numpy(np.int64) % len(self.faces.polygons)

    def thin(self, width: float, level: int | None = None) -> pd.DataFrame:
        """Defects (of the units of one level) thinner than *width*, with the numbers of their faces."""
        units, unit, face = self.units, self.unit, self.face
        if level is not None:
            # a level and its parents: nothing else has a say in it
            kept = np.isin(units.level[unit], [level - 1, level])
            unit, face = unit[kept], face[kept]
        found = find_defects(self.faces, units.level, units.code, unit, face, self.layout)
        found = found[found["width_m"] < width].reset_index(drop=True)
        if level is not None:
            found = found[found["level"] == LEVELS[level]].reset_index(drop=True)
        row, face = self.points.query(found["shape"].to_numpy(object), predicate="contains")
        members = pd.Series(face).groupby(row).agg(list)
        return found.assign(faces=members.reindex(found.index))

    def fitted(self, levels: list[int], width: float) -> _Cover:
        """With the units of *levels*, one after the other, fitted to each other and to their parents."""
        cover = self
        for level in levels:
            for _ in range(ROUNDS):
                moved = cover._closer(cover.thin(width, level), level)
                if moved.pairs.equals(cover.pairs):
                    break
                cover = moved
        return cover

    def _closer(self, found: pd.DataFrame, level: int) -> _Cover:
        """With the defects *found* at one level closed; what that leaves shows when they are looked for again."""
        moved = self
        for kind, act in (("protrusion", _cut), ("overlap", _part), ("gap", _fill)):
            moved = act(moved, found[found["kind"] == kind], level)
        # a unit that is a sliver as a whole is not for us to remove
        kept = self.pairs[~np.isin(self.unit, moved.unit)]
        return moved.with_pairs(moved.pairs.union(kept))

    def rows(self, codes: pd.Series, level: int) -> Ints:
        """Unit rows of codes of one level."""
        own = self.units.level == level
        row_of = pd.Series(np.flatnonzero(own), index=self.units.code[own])
        return row_of.reindex(codes).to_numpy(np.int64)

    def with_pairs(self, pairs: pd.Index) -> _Cover:
        """With other faces."""
        return _Cover(self.faces, self.units, self.layout, pd.Index(np.sort(pairs.to_numpy(np.int64))))

    def numbers(self, row: Any, face: Any) -> pd.Index:
        """Pairs of rows and faces as whole numbers."""
        return pd.Index(
            np.asarray(row, dtype=np.int64) * len(self.faces.polygons) + np.asarray(face, dtype=np.int64)
        )


def _cut(cover: _Cover, found: pd.DataFrame, level: int) -> _Cover:
    """Take from units what reaches beyond their parents."""
    one = found.explode("faces")
    gone = cover.numbers(cover.rows(one["unit_a"], level), one["faces"])
    return cover.with_pairs(cover.pairs.difference(gone))


def _part(cover: _Cover, found: pd.DataFrame, level: int) -> _Cover:
    """Take overlaps from the unit with the higher code, unless the lower one has it no more."""
    one = found.explode("faces")
    low = cover.numbers(cover.rows(one["unit_a"], level), one["faces"])
    high = cover.numbers(cover.rows(one["unit_b"], level), one["faces"])
    return cover.with_pairs(cover.pairs.difference(high[low.isin(cover.pairs)]))


def _fill(cover: _Cover, found: pd.DataFrame, level: int) -> _Cover:
    """Give each face of the gaps to the child of its parent with the longest border on it (the lowest of equals).

    From the edges inwards: a face with a longer border on an open face waits until that one is given.
    """
    faces, units = cover.faces, cover.units
    parent_of = np.array([cover.layout.parent(code) or "" for code in units.code], dtype=object)
    one = found.explode("faces")
    gap = pd.DataFrame({"face": one["faces"].astype(np.int64), "parent": one["unit_a"]})
    beside = pd.DataFrame(
        {
            "face": np.concatenate([faces.left, faces.right]),
            "other": np.concatenate([faces.right, faces.left]),
            "border": np.concatenate([faces.border, faces.border]),
        }
    )
    beside = beside.merge(gap, on="face")
    own = units.level[cover.unit] == level
    held = pd.DataFrame({"other": cover.face[own], "unit": cover.unit[own]})
    given = held.head(0)
    while True:
        open_ = beside[~beside["face"].isin(given["other"])]
        waits = open_[open_["other"].isin(open_["face"])].groupby("face")["border"].max()
        table = open_.merge(held, on="other")
        table = table[parent_of[table["unit"].to_numpy(np.int64)] == table["parent"].to_numpy(object)]
        shared = table.groupby(["face", "unit"])[["border"]].sum().round(6).reset_index()
        order = shared.sort_values(["face", "border", "unit"], ascending=[True, False, True])
        best = order.drop_duplicates("face")
        if best.empty:
            return cover.with_pairs(cover.pairs.union(cover.numbers(given["unit"], given["other"])))
        ready = best["border"] >= best["face"].map(waits).fillna(0.0)
        taken = best[ready] if ready.any() else best
        fresh = taken[["face", "unit"]].rename(columns={"face": "other"})
        given, held = pd.concat([given, fresh]), pd.concat([held, fresh])


def _changed(faces: Faces, units: Units, after: _Cover, lost: pd.Index, gained: pd.Index) -> pd.DataFrame:
    """The units that lost or gained a face, with their new shapes."""
    n = len(faces.polygons)
    moved = pd.DataFrame(
        {
            "row": np.concatenate([lost, gained]).astype(np.int64) // n,
            "face": np.concatenate([lost, gained]).astype(np.int64) % n,
            "gain": np.repeat([False, True], [len(lost), len(gained)]),
        }
    )
    area = shapely.area(faces.polygons)[moved["face"]]
    moved["given"], moved["taken"] = np.where(moved["gain"], 0.0, area), np.where(moved["gain"], area, 0.0)
    rows = np.unique(moved["row"])
    members = pd.Series(after.face).groupby(after.unit).agg(list)
    shapes = np.array(
        [shapely.coverage_union_all(faces.polygons[members[row]]) for row in rows.tolist()] + [None],
        dtype=object,
    )[:-1]
    moved["shift"] = _shifts(faces, moved, units.shape[rows], shapes)
    table = moved.groupby("row").agg(given=("given", "sum"), taken=("taken", "sum"), shift=("shift", "max"))
    return table.reset_index().assign(
        level=np.array(LEVELS, dtype=object)[units.level[rows]],
        code=units.code[rows],
        shape=pd.Series(shapes, dtype=object),
    )


def _shifts(faces: Faces, moved: pd.DataFrame, old: Shapes, new: Shapes) -> Floats:
    """How far each face that changed hands reaches: a lost one from the new outline, a gained one from the old."""
    place = np.searchsorted(np.unique(moved["row"]), moved["row"])
    gain = moved["gain"].to_numpy(bool)
    outline = np.where(gain, shapely.boundary(old)[place], shapely.boundary(new)[place])
    # the far side of what fills a notch has no vertex of its own
    rings = shapely.segmentize(faces.polygons[moved["face"].to_numpy(np.int64)], 1.0)
    xy, of_face = shapely.get_coordinates(rings, return_index=True)
    far = shapely.distance(shapely.points(xy), outline[of_face])
    shifts = np.zeros(len(moved))
    np.maximum.at(shifts, of_face, far)
    return shifts


class Vertices:
    """Positions in degrees by their place on the millimetre grid, for shapes that go back to degrees.

    A vertex that somebody drew keeps its own degrees to the last bit; only those that closing a sliver made are
    transformed. So what did not move is what it was, and neighbours have the same vertices.
    """

    def __init__(self, metres: Shapes, degrees: Shapes) -> None:
        """Take shapes in metres and the same shapes in degrees, vertex by vertex."""
        grid = np.rint(shapely.get_coordinates(metres) * STEPS).astype(np.int64)
        self._grid, first = np.unique(grid, axis=0, return_index=True)
        self._degrees = shapely.get_coordinates(degrees)[first]

    def restore(self, metres: Shapes, transformed: Shapes) -> Shapes:
        """Shapes on the grid in degrees; *transformed* are they, each vertex moved by the CRS's own way."""
        grid = np.rint(shapely.get_coordinates(metres) * STEPS).astype(np.int64)
        everything = np.concatenate([self._grid, grid])
        _, number = np.unique(everything, axis=0, return_inverse=True)
        number = number.reshape(-1)
        own = np.full(number.max() + 1, -1, dtype=np.int64)
        own[number[: len(self._grid)]] = np.arange(len(self._grid))
        place = own[number[len(self._grid) :]]
        xy = np.where((place >= 0)[:, None], self._degrees[place], shapely.get_coordinates(transformed))
        return np.asarray(shapely.transform(transformed, lambda _: xy), dtype=object)
