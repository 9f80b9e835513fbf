"""Sets of stretches on one axis, in whole nanometres.

All roads of a workspace are laid end to end on one axis of integers, so a set of stretches of any roads is two
sorted arrays, and its algebra is exact: no tolerance, no rounding, the same result in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """Disjoint, sorted, non-empty half-open stretches ``[start, end)``."""

    start: Ints
    end: Ints

    @classmethod
    def of(cls, start: Any, end: Any) -> Intervals:
        """The union of any stretches: overlapping and touching ones become one, empty ones vanish."""
        lo, hi = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
        real = hi > lo
        lo, hi = lo[real], hi[real]
        if not len(lo):
            return cls(lo, hi)
        order = np.argsort(lo, kind="stable")
        lo, reach = lo[order], np.maximum.accumulate(hi[order])
        first = np.concatenate([[True], lo[1:] > reach[:-1]])
        last = np.concatenate([first[1:], [True]])
        return cls(lo[first], reach[last])

    @classmethod
    def empty(cls) -> Intervals:
        """The empty set."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, none)

    def __len__(self) -> int:
        """Number of stretches."""
        return len(self.start)

    @property
    def length(self) -> int:
        """Total length, nanometres."""
        return int((self.end - self.start).sum())

    def before(self, position: Any) -> Ints:
        """Length of the set that lies before each position."""
        at = np.asarray(position, dtype=np.int64)
        total = np.concatenate([[0], np.cumsum(self.end - self.start)]).astype(np.int64)
        n = np.searchsorted(self.start, at, side="right")
        partial = np.zeros(at.shape, dtype=np.int64)
        inside = n > 0
        partial[inside] = np.minimum(at[inside], self.end[n[inside] - 1]) - self.start[n[inside] - 1]
        return np.where(inside, total[np.maximum(n - 1, 0)] + partial, 0)

    def within(self, start: Any, end: Any) -> Ints:
        """Length of the set inside each stretch ``[start, end)``."""
        return self.before(end) - self.before(start)

    def union(self, other: Intervals) -> Intervals:
        """Stretches in either set."""
        return Intervals.of(np.concatenate([self.start, other.start]), np.concatenate([self.end, other.end]))

    def minus(self, other: Intervals) -> Intervals:
        """Stretches of this set that are not in the other."""
        # the ends of disjoint stretches, in turn, are sorted already
        bounds = np.column_stack([other.start, other.end]).reshape(-1)
        lo, hi, _ = cut_stretches(self.start, self.end, bounds)
        outside = other.within(lo, hi) == 0
        return Intervals.of(lo[outside], hi[outside])

    def intersection(self, other: Intervals) -> Intervals:
        """Stretches in both sets."""
        return self.minus(self.minus(other))

    def cut(self, points: Any) -> tuple[Ints, Ints]:
        """The set cut at *points*: starts and ends of stretches that may touch."""
        at = np.unique(np.asarray(points, dtype=np.int64))
        lo, hi, _ = cut_stretches(self.start, self.end, at)
        return lo, hi


def spread(first: Any, last: Any) -> tuple[Ints, Ints]:
    """All whole numbers of each range ``[first, last)``: the row of the range, and the number."""
    lo = np.asarray(first, dtype=np.int64)
    count = np.maximum(np.asarray(last, dtype=np.int64) - lo, 0)
    row = np.repeat(np.arange(len(lo)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row.astype(np.int64), lo[row] + step


def cut_stretches(start: Ints, end: Ints, points: Ints) -> tuple[Ints, Ints, Ints]:
    """Cut stretches (which may overlap) at sorted unique *points*.

    Returns starts, ends and, for each part, the row of the stretch that it was.
    """
    first = np.searchsorted(points, start, side="right")
    count = np.searchsorted(points, end, side="left") - first
    count = np.maximum(count, 0)
    row = np.repeat(np.arange(len(start)), count + 1)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count + 1) - (count + 1), count + 1)
    inner = first[row] + step
    lo = np.where(step == 0, start[row], points[np.maximum(inner - 1, 0)] if len(points) else start[row])
    at_end = step == count[row]
    hi = np.where(
        at_end, end[row], points[np.minimum(inner, max(len(points) - 1, 0))] if len(points) else end[row]
    )
    return lo.astype(np.int64), hi.astype(np.int64), row
