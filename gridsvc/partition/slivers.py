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
from gridsvc.partition.cells import Units, connected
from gridsvc.partition.crosscuts import crosscuts, limits
from gridsvc.partition.faces import GRAIN, Faces, Ints, Shapes, covering, draw_faces
from gridsvc.partition.findings import find_defects

Floats = npt.NDArray[np.float64]
SLACK = 2**0.5 * GRAIN
"""Metres by which snapping may move what lies at the edge of a unit's reach, and the unit itself."""
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
    """How many could not be closed: no child of the same parent reaches them, or a unit would lose too much."""


def close_slivers(units: Units, layout: CodeLayout, width: float) -> Closed:
    """Close what is thinner than *width* metres on average (2 × area / perimeter).

    An overlap stays with the lower code; a protrusion is cut off (and is then a gap of the parent that it reached
    into, if it is one); a gap goes to the child of the same parent with the longest border on it, cut across where
    one neighbour ends and the next begins. No unit takes what lies farther than *width* from its ground as drawn,
    loses what lies farther from the rest of it, or falls apart: such slivers stay. Shapes of changed units are in
    the metre CRS with vertices on the millimetre grid.
    """
    before = _covered(units, layout)
    first = before.thin(width)
    levels = np.unique(units.level).tolist()
    cuts: Shapes = np.empty(0, dtype=object)
    # what is thin at a level shows when the levels above are done
    for level in levels:
        for find in (_changes, _unreached):
            after = before.fitted(levels[: levels.index(level)], width)
            more = find(after, level, width)
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


def _changes(cover: _Cover, level: int, width: float) -> Shapes:
    """Lines across the slivers of one level where their neighbours change."""
    return crosscuts(cover.faces, cover.thin(width, level), width)


def _unreached(cover: _Cover, level: int, width: float) -> Shapes:
    """Lines across what no unit reaches as a whole, as far as each unit at it reaches."""
    face = np.unique(cover.thin(width, level)["faces"].explode().dropna().to_numpy(np.int64))
    near = cover.near(face, level, width)
    whole = near.loc[cover.reach(near, width), "face"]
    near = near[~near["face"].isin(whole)]
    return limits(
        cover.faces.polygons[near["face"].to_numpy(np.int64)],
        cover.units.shape[near["unit"].to_numpy(np.int64)],
        width,
    )


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

    def near(self, face: Ints, level: int, width: float) -> pd.DataFrame:
        """Pairs ``face``, ``unit`` of faces and units of one level drawn within *width*, of one parent."""
        own, above = np.flatnonzero(self.units.level == level), self.units.level[self.unit] == level - 1
        tree = shapely.STRtree(self.units.shape[own])
        row, place = tree.query(self.faces.polygons[face], predicate="dwithin", distance=width)
        parents = [self.layout.parent(code) or "" for code in self.units.code[own]]
        pairs = pd.DataFrame(
            {"face": face[row], "unit": own[place], "parent": np.array(parents, dtype=object)[place]}
        )
        held = pd.DataFrame({"face": self.face[above], "parent": self.units.code[self.unit[above]]})
        return pairs.merge(held, on=["face", "parent"])

    def reach(self, pairs: pd.DataFrame, width: float) -> npt.NDArray[np.bool_]:
        """Whether all of each pair's ``face`` lies within *width* of what was drawn of its ``unit``."""
        shapes = self.units.shape[pairs["unit"].to_numpy(np.int64)]
        return _within(self.faces, pairs["face"].to_numpy(np.int64), shapes, width)

    def ground(self, rows: Ints) -> Shapes:
        """The shapes of units as their faces make them; each must have one."""
        members = pd.Series(self.face).groupby(self.unit).agg(list)
        shapes = [shapely.coverage_union_all(self.faces.polygons[members[row]]) for row in rows.tolist()]
        return np.array([*shapes, None], dtype=object)[:-1]

    def fitted(self, levels: list[int], width: float) -> _Cover:
        """With the units of *levels*, one after the other, fitted to each other and to their parents."""
        cover = self
        for level in levels:
            for _ in range(ROUNDS):
                moved = cover._closer(cover.thin(width, level), level, width)
                if moved.pairs.equals(cover.pairs):
                    break
                cover = moved
        return cover

    def _closer(self, found: pd.DataFrame, level: int, width: float) -> _Cover:
        """With the defects *found* at one level closed; what that leaves shows when they are looked for again."""
        moved = _cut(self, found[found["kind"] == "protrusion"], level)
        moved = _part(moved, found[found["kind"] == "overlap"], level)
        # a unit that is a sliver as a whole is not for us to remove
        kept = self.pairs[~np.isin(self.unit, moved.unit)]
        moved = moved.with_pairs(moved.pairs.union(kept))
        moved = _kept_near(self, _without_crumbs(self, moved, width), width)
        return _fill(moved, found[found["kind"] == "gap"], level, width)

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


def _without_crumbs(before: _Cover, after: _Cover, width: float) -> _Cover:
    """*after*, units that fell apart without the thin parts near the rest: those go to whoever lies at them."""
    n = len(before.faces.polygons)
    rows = np.unique(before.pairs.difference(after.pairs).to_numpy(np.int64) // n)
    ground, drawn = after.ground(rows), shapely.get_num_geometries(before.ground(rows))
    gone: list[Any] = []
    for place in np.flatnonzero(shapely.get_num_geometries(ground) > drawn):
        parts = shapely.get_parts(ground[place])
        parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
        whole, crumbs = shapely.union_all(parts[: drawn[place]]), parts[drawn[place] :]
        thin = 2 * shapely.area(crumbs) / shapely.length(crumbs) < width
        _, face = before.points.query(crumbs[thin], predicate="contains")
        near = _within(before.faces, face, np.full(len(face), whole, dtype=object), width)
        gone.append(before.numbers(np.full(int(near.sum()), rows[place]), face[near]))
    return after.with_pairs(after.pairs.difference(pd.Index(np.concatenate(gone)))) if gone else after


def _kept_near(before: _Cover, after: _Cover, width: float) -> _Cover:
    """*after*, but for losses that lie farther than *width* from what their unit keeps, or make it fall apart."""
    n = len(before.faces.polygons)
    while True:
        lost = before.pairs.difference(after.pairs).to_numpy(np.int64)
        unit, face = lost // n, lost % n
        rows, place = np.unique(unit, return_inverse=True)
        if not len(rows):
            return after
        rest = after.ground(rows)
        whole = shapely.get_num_geometries(rest) <= shapely.get_num_geometries(before.ground(rows))
        right = whole[place] & _within(before.faces, face, rest[place], width)
        # what hangs together goes or stays together
        part = _joined(before.faces, unit, face)
        back = np.isin(part, part[~right])
        if not back.any():
            return after
        after = after.with_pairs(after.pairs.union(pd.Index(lost[back])))


def _joined(faces: Faces, unit: Ints, face: Ints) -> Ints:
    """Number of the connected piece of each pair of unit and face."""
    pairs = pd.DataFrame({"unit": unit, "face": face, "row": np.arange(len(unit))})
    beside = pd.DataFrame({"face": faces.left, "other": faces.right})
    sides = pairs.merge(beside, on="face").merge(
        pairs.rename(columns={"face": "other"}), on=["unit", "other"], suffixes=("", "_b")
    )
    return connected(len(unit), sides["row"].to_numpy(np.int64), sides["row_b"].to_numpy(np.int64))


def _rim(faces: Faces, face: Ints) -> tuple[Shapes, Ints]:
    """Points along the outlines of faces, and the place of the face of each."""
    # the far side of what fills a notch has no vertex of its own
    rings = shapely.segmentize(faces.polygons[face], 1.0)
    xy, of_face = shapely.get_coordinates(rings, return_index=True)
    return np.asarray(shapely.points(xy), dtype=object), of_face


def _within(faces: Faces, face: Ints, shapes: Shapes, width: float) -> npt.NDArray[np.bool_]:
    """Whether all of each face lies within *width* of the shape of its row, as far as the millimetre grid tells."""
    points, place = _rim(faces, face)
    shapely.prepare(shapes)
    far = ~shapely.dwithin(shapes[place], points, width + SLACK)
    return np.asarray(np.bincount(place[far], minlength=len(face)) == 0)


def _fill(cover: _Cover, found: pd.DataFrame, level: int, width: float) -> _Cover:
    """Give each face of the gaps to the child of its parent with the longest border on it (the lowest of equals).

    Only children take part that reach all of it.

    From the edges inwards: a face with a longer border on an open face waits until that one is given.
    """
    faces, units = cover.faces, cover.units
    one = found.explode("faces")
    gap = pd.DataFrame({"face": one["faces"].astype(np.int64), "parent": one["unit_a"]})
    near = cover.near(np.unique(gap["face"].to_numpy(np.int64)), level, width)
    near = near[cover.reach(near, width)]
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
        table = open_.merge(held, on="other").merge(near, on=["face", "unit", "parent"])
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
    shapes = after.ground(rows)
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
    points, of_face = _rim(faces, moved["face"].to_numpy(np.int64))
    far = shapely.distance(points, outline[of_face])
    shifts = np.zeros(len(moved))
    np.maximum.at(shifts, of_face, far)
    return shifts
