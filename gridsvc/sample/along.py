"""Places along streets: the stretches between junctions, and points set back from the centre-line at even spacing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.frame import Floats, Geometries
from gridsvc.sample.land import Indices
from gridsvc.sample.streets import Street, junctions


@dataclass(frozen=True)
class Stretches:
    """Stretches of streets clear of the junctions: street index, from and to (metres along the line)."""

    street: Indices
    start: Floats
    stop: Floats

    def pick(self, keep: NDArray[np.bool_] | Indices) -> Stretches:
        """Return some of the stretches."""
        return Stretches(self.street[keep], self.start[keep], self.stop[keep])


class Streets:
    """All streets as arrays, with their junctions measured once."""

    def __init__(self, streets: list[Street]) -> None:
        """Take the noded streets."""
        self.all = streets
        self.lines: Geometries = np.array([s.line for s in streets], dtype=object)
        self.width: Floats = np.array([s.width for s in streets])
        self.kind = np.array([s.kind for s in streets])
        self.place = np.array([s.place for s in streets])
        self.twin = np.array([s.twin for s in streets])
        self.length: Floats = np.asarray(shapely.length(self.lines))
        self._own, self._other, points = junctions(self.lines)
        self._at: Floats = np.asarray(shapely.line_locate_point(self.lines[self._own], points))

    def stretches(self, margin: float, shortest: float, lanes: bool, nearer: float = 0.0) -> Stretches:
        """Return the stretches that keep `margin` metres off every crossing carriageway.

        Without `lanes`, mouths of lanes (街巷) do not interrupt the wider streets. With `nearer`, things that
        stand that many metres off the carriageway's edge stay nearer to their own street than to the crossing one.
        """
        use = np.full(len(self._own), True)
        if not lanes:
            use = (self.kind[self._other] != "街巷") | (self.kind[self._own] == "街巷")
        count = len(self.all)
        own = np.concatenate([np.arange(count), np.arange(count), self._own[use]])
        at = np.concatenate([np.zeros(count), self.length, self._at[use]])
        room = self.width[self._other[use]] / 2 + margin
        if nearer:
            room = np.maximum(room, self.width[self._own[use]] / 2 + nearer)
        half = np.concatenate([np.zeros(2 * count), room])
        order = np.lexsort((half, at, own))
        own, at, half = own[order], at[order], half[order]
        start, stop = (at + half)[:-1], (at - half)[1:]
        keep = (own[1:] == own[:-1]) & (stop - start >= shortest)
        return Stretches(own[:-1][keep], start[keep], stop[keep])

    def spaced(self, stretches: Stretches, spacing: Floats) -> tuple[Indices, Floats]:
        """Return (stretch index, measure) of points at most `spacing` metres apart, both ends included."""
        length = stretches.stop - stretches.start
        gaps = np.maximum(1, np.ceil(length / spacing)).astype(int)
        which = np.repeat(np.arange(len(gaps)), gaps + 1)
        step = np.concatenate([np.arange(n + 1) for n in gaps]) if len(gaps) else np.zeros(0)
        return which, stretches.start[which] + length[which] * step / gaps[which]

    def beside(self, street: Indices, at: Floats, offset: Floats) -> Floats:
        """Return points `offset` metres to the left (negative: right) of streets at measures, as (n, 2) metres."""
        lines = self.lines[street]
        here = shapely.get_coordinates(shapely.line_interpolate_point(lines, at))
        fore = shapely.get_coordinates(
            shapely.line_interpolate_point(lines, np.minimum(at + 1, self.length[street]))
        )
        back = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(at - 1, 0)))
        way = fore - back
        way /= np.hypot(*way.T)[:, None]
        return np.asarray(np.round(here + np.column_stack([-way[:, 1], way[:, 0]]) * offset[:, None], 3))

    def strips(self, stretches: Stretches, inner: Floats, outer: Floats, side: Floats) -> Geometries:
        """Return strips beside stretches, `inner` to `outer` metres off the line (side 1 left, −1 right)."""
        shapes = []
        for k, (street, start, stop) in enumerate(
            zip(stretches.street, stretches.start, stretches.stop, strict=True)
        ):
            at = np.linspace(start, stop, max(2, int((stop - start) / 45) + 1))
            same = np.full(len(at), street)
            near = self.beside(same, at, np.full(len(at), side[k] * inner[k]))
            far = self.beside(same, at, np.full(len(at), side[k] * outer[k]))
            shapes.append(shapely.polygons(np.vstack([near, far[::-1]])))
        return np.array(shapes, dtype=object)
