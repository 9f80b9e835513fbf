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
    before = _covered(units, layout, _crosscuts(before.faces, first))
    faces = before.faces
    after = before
    for number in range(1, len(LEVELS)):
        after = after.fitted(number, width)
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


def _crosscuts(faces: Faces, thin: pd.DataFrame) -> Shapes:
    """Lines straight across each sliver from where three or more faces meet on its edge."""
    rings, of_sliver = shapely.get_rings(thin["shape"].to_numpy(object), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    # of every ring the vertex, the one before and the one after; the first stands at the end again
    first = np.concatenate([[True], ring[1:] != ring[:-1]]) if len(ring) else np.zeros(0, dtype=bool)
    start = np.flatnonzero(first)
    last = np.append(start[1:], len(ring)) - 1
    before = np.arange(len(ring)) - 1
    before[start] = last - 1
    rows = np.setdiff1d(np.arange(len(ring)), last)
    rows = rows[_is_node(faces, xy[rows])]
    one, two = _unit(xy[rows] - xy[before[rows]]), _unit(xy[rows + 1] - xy[rows])
    along = one + two
    # a point of the sliver is left as it is
    blunt = np.hypot(*along.T) > 0.5
    rows, along = rows[blunt], _unit(along[blunt])
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    sliver = of_sliver[ring[rows]]
    reach = 8 * thin["width_m"].to_numpy(float)[sliver][:, None] + GRAIN
    rays = shapely.linestrings(np.stack([xy[rows] - reach * normal, xy[rows] + reach * normal], axis=1))
    inside, ray = shapely.get_parts(
        shapely.intersection(rays, thin["shape"].to_numpy(object)[sliver]), return_index=True
    )
    lines = shapely.get_dimensions(inside) == 1
    inside, ray = inside[lines], ray[lines]
    # of what the ray has in the sliver the part at its own vertex, if it ends within reach
    at = shapely.points(xy[rows])[ray]
    across = shapely.dwithin(inside, at, GRAIN) & (shapely.length(inside) < 0.99 * reach[ray, 0])
    chosen: Shapes = np.asarray(inside[across], dtype=object)
    return chosen


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

    def fitted(self, level: int, width: float) -> _Cover:
        """With the units of one level fitted to each other and to their parents."""
        cover = self
        for _ in range(ROUNDS):
            found = cover.thin(width, level)
            moved = cover
            for kind, act in (("protrusion", _cut), ("overlap", _part), ("gap", _fill)):
                moved = act(moved, found[found["kind"] == kind], level)
            # a unit that is a sliver as a whole is not for us to remove
            kept = cover.pairs[~np.isin(cover.unit, moved.unit)]
            moved = moved.with_pairs(moved.pairs.union(kept))
            if moved.pairs.equals(cover.pairs):
                break
            cover = moved
        return cover

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

    Faces with no such neighbour wait for the next round.
    """
    faces, units = cover.faces, cover.units
    parent_of = np.array([cover.layout.parent(code) or "" for code in units.code], dtype=object)
    gap = found.explode("faces")
    gap = pd.DataFrame({"face": gap["faces"].astype(np.int64), "parent": gap["unit_a"]})
    beside = pd.DataFrame(
        {
            "face": np.concatenate([faces.left, faces.right]),
            "other": np.concatenate([faces.right, faces.left]),
            "border": np.concatenate([faces.border, faces.border]),
        }
    )
    own = units.level[cover.unit] == level
    holders = pd.DataFrame({"other": cover.face[own], "unit": cover.unit[own]})
    table = gap.merge(beside, on="face").merge(holders, on="other")
    table = table[parent_of[table["unit"].to_numpy(np.int64)] == table["parent"].to_numpy(object)]
    shared = table.groupby(["face", "unit"])[["border"]].sum().round(6).reset_index()
    best = shared.sort_values(["face", "border", "unit"], ascending=[True, False, True]).drop_duplicates(
        "face"
    )
    return cover.with_pairs(cover.pairs.union(cover.numbers(best["unit"], best["face"])))


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
    moved["shift"] = _shifts(faces, units, moved)
    table = moved.groupby("row").agg(given=("given", "sum"), taken=("taken", "sum"), shift=("shift", "max"))
    table = table.reset_index()
    members = pd.Series(after.face).groupby(after.unit).agg(list)
    shapes = [shapely.coverage_union_all(faces.polygons[members.get(row, [])]) for row in table["row"]]
    rows = table["row"].to_numpy(np.int64)
    return table.assign(
        level=np.array(LEVELS, dtype=object)[units.level[rows]],
        code=units.code[rows],
        shape=pd.Series(shapes, dtype=object),
    )


def _shifts(faces: Faces, units: Units, moved: pd.DataFrame) -> Floats:
    """How far each face that changed hands reaches from the old outline of the unit."""
    outline = shapely.boundary(units.shape)[moved["row"].to_numpy(np.int64)]
    xy, of_face = shapely.get_coordinates(faces.polygons[moved["face"].to_numpy(np.int64)], return_index=True)
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
