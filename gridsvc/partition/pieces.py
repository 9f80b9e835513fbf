"""Roads shared between the cells on their two sides (DESIGN, rule 2).

Grids are drawn along roads, so which grid a centre line falls in is an accident of digitising. Each straight
piece of a road is therefore looked at from both sides: moved left and right by half the road's width plus one
metre, the cell found there has half of its length. The halves always add up to the road's length.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.partition.cells import Partition
from gridsvc.partition.faces import Ints
from gridsvc.partition.intervals import Intervals, cut_stretches, spread
from gridsvc.partition.segments import Floats, Segments, boundary_edges, crossings

SAME_SHARE = 1e-9
"""Difference below which two agreements say the same."""
BESIDE = 1.0
"""Metres beyond the road's edge at which a side is looked up."""


@dataclass(frozen=True)
class Pieces:
    """Stretches of roads, each on one side and in one cell: the grain of every length figure."""

    road: Ints
    """Row of the road."""
    side: npt.NDArray[np.int8]
    """0 left, 1 right (in the direction in which the road is drawn)."""
    start: Ints
    end: Ints
    """Places on the roads' axis, nanometres."""
    cell: Ints
    """Cell number; ``OUTSIDE`` beyond the boundaries."""
    share: Floats
    """The left side's part of the length: 0.5 unless an agreement says otherwise."""
    lines: Ints
    """1, or 2 for one of the two lines of a divided road, whose length counts half."""

    def __len__(self) -> int:
        """Number of pieces."""
        return len(self.road)

    def credit(self, length: Any) -> Ints:
        """What of *length* (nanometres of each piece's stretch) counts for the piece, nanometres.

        Exact for halves and quarters. Under an agreement the left side's part is rounded to the nanometre and the
        right side has the rest: both sides of such a stretch are cut at the same places, so nothing is lost.
        """
        counted = np.asarray(length, dtype=np.int64) // self.lines
        left = np.rint(counted * self.share).astype(np.int64)
        even = self.share == 0.5
        left[even] = counted[even] // 2
        return np.where(self.side == 0, left, counted - left)

    def length(self) -> Ints:
        """Length that counts for each piece, nanometres."""
        return self.credit(self.end - self.start)

    def covered(self, stretches: Intervals) -> Ints:
        """Length that counts for each piece of what *stretches* cover of it, nanometres."""
        return self.credit(stretches.within(self.start, self.end))

    def cut(self, points: Ints) -> Pieces:
        """The same pieces, cut at *points* on the axis."""
        start, end, row = cut_stretches(self.start, self.end, np.unique(points))
        return replace(self.take(row), start=start, end=end)

    def take(self, rows: Ints) -> Pieces:
        """Some of the pieces."""
        return Pieces(*(getattr(self, one.name)[rows] for one in fields(self)))


def two_sided(
    segments: Segments, width: Floats, divided: npt.NDArray[np.bool_], partition: Partition
) -> Pieces:
    """Share roads between the cells on their sides.

    Parameters
    ----------
    segments: the roads' straight pieces.
    width: metres between each road's edges.
    divided: True for roads of which two lines are drawn; the length of each counts half.
    partition: the cells.
    """
    normal = segments.head - segments.tail
    normal = np.column_stack([-normal[:, 1], normal[:, 0]]) / np.hypot(*normal.T)[:, None]
    shift = normal * (width[segments.road] / 2 + BESIDE)[:, None]
    edges = boundary_edges(np.asarray(partition.cells.geometry, dtype=object))
    sides = [
        _one_side(segments, segments.tail + way * shift, segments.head + way * shift, edges, partition)
        for way in (1.0, -1.0)
    ]
    start, end, row, cell = (np.concatenate(parts) for parts in zip(*sides, strict=True))
    side = np.repeat(np.array([0, 1], dtype=np.int8), [len(part[0]) for part in sides])
    road = segments.road[row]
    return Pieces(
        road, side, start, end, cell, np.full(len(road), 0.5), np.where(divided[road], 2, 1).astype(np.int64)
    )


def cut_at_borders(segments: Segments, divided: npt.NDArray[np.bool_], partition: Partition) -> Pieces:
    """Give every stretch of a road whole to the cell that its centre line lies in, as overlays do.

    The figures of gridsvc share roads (:func:`two_sided`); this is for comparing with tools that do not.
    """
    edges = boundary_edges(np.asarray(partition.cells.geometry, dtype=object))
    start, end, row, cell = _one_side(segments, segments.tail, segments.head, edges, partition)
    road = segments.road[row]
    left, whole = np.zeros(len(road), dtype=np.int8), np.ones(len(road))
    return Pieces(road, left, start, end, cell, whole, np.where(divided[road], 2, 1).astype(np.int64))


def _one_side(
    segments: Segments, tail: Floats, head: Floats, edges: Floats, partition: Partition
) -> tuple[Ints, Ints, Ints, Ints]:
    """Stretches of all straight pieces moved to one side: start, end, straight piece, cell; joined along roads."""
    row, share = crossings(tail, head, edges)
    start, end, of = cut_stretches(segments.start, segments.end, np.unique(segments.place(row, share)))
    span = segments.end[of] - segments.start[of]
    middle = ((start - segments.start[of]) / span + (end - segments.start[of]) / span) / 2
    cell = partition.locate(tail[of] * (1 - middle[:, None]) + head[of] * middle[:, None])
    # neighbours of one road in one cell are one piece
    fresh = np.ones(len(start), dtype=bool)
    fresh[1:] = (cell[1:] != cell[:-1]) | (segments.road[of[1:]] != segments.road[of[:-1]])
    last = np.append(fresh[1:], True) if len(fresh) else fresh
    return start[fresh], end[last], of[fresh], cell[fresh]


def agree(pieces: Pieces, shares: pd.DataFrame, partition: Partition) -> tuple[Pieces, pd.DataFrame]:
    """Apply agreements between neighbours.

    *shares* has ``start``, ``end`` (places on the axis), ``unit_code`` and ``share`` (0…1): of this stretch the
    unit has this part. Returns the pieces, and the agreements that were not applied anywhere: the unit lies on
    neither side or on both, or other agreements for the place say something else (there nobody's is applied).
    """
    if shares.empty:
        return pieces, shares
    agreed = Intervals.of(shares["start"], shares["end"])
    bounds = np.concatenate([pieces.start, pieces.end])
    inner = bounds[agreed.within(bounds - 1, bounds + 1) == 2]
    cut = pieces.cut(np.concatenate([inner, agreed.start, agreed.end, shares["start"], shares["end"]]))
    said = _left_shares(_facing(cut, agreed, partition), shares)
    left = said.groupby(["row_left", "row_right"])["left"].agg(["min", "max"]).reset_index()
    clear = left[left["max"] - left["min"] < SAME_SHARE]
    share = cut.share.copy()
    for side in ("row_left", "row_right"):
        share[clear[side]] = clear["min"]
    used = said.loc[said["row_left"].isin(clear["row_left"]), "agreement"]
    return Pieces(cut.road, cut.side, cut.start, cut.end, cut.cell, share, cut.lines), shares[
        ~np.isin(np.arange(len(shares)), used)
    ]


def _facing(pieces: Pieces, stretches: Intervals, partition: Partition) -> pd.DataFrame:
    """Pieces of *stretches* that lie side by side: start, end, and row and unit of the left and the right one."""
    unit = np.append(partition.cells["unit"].to_numpy(object), "")[pieces.cell].astype(str)
    rows = pd.DataFrame(
        {"row": np.arange(len(pieces)), "start": pieces.start, "end": pieces.end, "unit": unit}
    )
    rows = rows[stretches.within(pieces.start, pieces.end) > 0]
    left = pieces.side[rows["row"]] == 0
    facing: pd.DataFrame = rows[left].merge(rows[~left], on=["start", "end"], suffixes=("_left", "_right"))
    return facing


def _left_shares(facing: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """What each agreement says of facing pieces: ``row_left``, ``row_right``, ``left`` (share), ``agreement``."""
    facing = facing.sort_values("start", kind="stable")
    first = np.searchsorted(facing["start"], shares["start"], side="left")
    number, found = spread(first, np.searchsorted(facing["start"], shares["end"], side="left"))
    said: pd.DataFrame = facing.iloc[found].assign(agreement=number)
    code = shares["unit_code"].to_numpy(object)[number]
    on_left, on_right = (
        np.array([unit.startswith(one) for unit, one in zip(said[side], code, strict=True)], dtype=bool)
        for side in ("unit_left", "unit_right")
    )
    given = shares["share"].to_numpy(float)[number]
    said["left"] = np.where(on_left, given, 1 - given)
    clear: pd.DataFrame = said[on_left != on_right]
    return clear
