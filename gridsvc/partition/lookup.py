"""Which points lie in which boxes: points sorted into square bins, found by arithmetic instead of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gridsvc.partition.intervals import Ints, spread

Floats = npt.NDArray[np.float64]
CROWD = 16
"""Bins for each point up to which the places of all bins are kept."""
BINS = 1 << 20
"""Most bins a side, so that the number of a bin stays a whole number of 64 bits however far points lie apart."""


@dataclass(frozen=True)
class Bins:
    """Points in square bins, row by row."""

    xy: Floats
    origin: Floats
    size: float
    number: Ints
    """Rows and columns."""
    key: Ints
    """Bin of each point, rising."""
    order: Ints
    """The point at each place of :attr:`key`."""
    first: Ints
    """Place of each bin's first point, one more for the end; empty where bins are many more than points."""

    @classmethod
    def of(cls, xy: Any, size: float) -> Bins:
        """Sort points (n, 2) into bins of *size* metres; few points far apart get larger bins."""
        points = np.asarray(xy, dtype=float).reshape(-1, 2)
        low = points.min(axis=0) if len(points) else np.zeros(2)
        span = float((points.max(axis=0) - low).max()) if len(points) else 0.0
        size = max(size, span / BINS, 1e-9)
        bins = np.floor((points - low) / size).astype(np.int64)
        number = bins.max(axis=0) + 1 if len(points) else np.ones(2, dtype=np.int64)
        key = bins[:, 1] * number[0] + bins[:, 0]
        order = np.argsort(key, kind="stable")
        first = np.empty(0, dtype=np.int64)
        if number.prod(dtype=float) <= CROWD * len(points):
            first = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=int(number.prod())))])
        return cls(points, low, size, number, key[order], order.astype(np.int64), first)

    def within(self, boxes: Any) -> tuple[Ints, Ints]:
        """Pairs (row of a box, row of a point in it) of *boxes* (m, 4): west, south, east, north."""
        edges = np.asarray(boxes, dtype=float).reshape(-1, 4)
        (west, south, east, north), (x, y) = edges.T, self.origin
        right, top = self.origin + self.number * self.size
        # a box that misses all bins has no rows, or columns in the wrong order
        rows = np.flatnonzero((east >= x) & (north >= y) & (west <= right) & (south <= top))
        left, right, low, high = (
            np.clip(np.floor((side[rows] - self.origin[axis]) / self.size), 0, self.number[axis] - 1).astype(
                np.int64
            )
            for side, axis in ((west, 0), (east, 0), (south, 1), (north, 1))
        )
        box, line = spread(low, high + 1)
        base = line * self.number[0]
        some, place = spread(self._before(base + left[box]), self._before(base + right[box] + 1))
        return rows[box[some]], self.order[place]

    def _before(self, key: Ints) -> Ints:
        """How many points lie in bins before each."""
        return self.first[key] if len(self.first) else np.searchsorted(self.key, key, side="left")
