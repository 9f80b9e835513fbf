"""Road lines: what a street is, a layout of streets in a local frame, and noding so that junctions share a vertex."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.frame import Floats, Frame, Geometries, dense

JOIN = 0.12
"""Ends within this distance (metres) of another line are meant to touch it."""


@dataclass
class Street:
    """One road line as it will be delivered: `line` in metres of `frame.CRS`, width of the carriageway in m.

    `place` is core, town, hamlet or county; `twin` marks one of the two carriageways of a divided road.
    """

    name: str
    kind: str
    width: float
    line: Any
    place: str
    twin: bool = False


@dataclass
class Layout:
    """Streets in plan metres of a local frame, before they are laid on the county's plane."""

    frame: Frame
    place: str
    lines: list[Any] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, line: Any, kind: str, name: str, width: float) -> None:
        """Add one street."""
        self.lines.append(line)
        self.kinds.append(kind)
        self.names.append(name)
        self.widths.append(width)

    def streets(self) -> list[Street]:
        """Lay all streets on the county's plane, with a vertex at least every 90 m."""
        laid = self.frame.lay(dense(np.array(self.lines, dtype=object), 90))
        rows = zip(self.names, self.kinds, self.widths, laid, strict=True)
        return [Street(name, kind, width, line, self.place) for name, kind, width, line in rows]

    def faces(self, smallest: float = 400.0) -> Geometries:
        """Return the blocks (plan metres) that the streets enclose."""
        noded = shapely.union_all(np.array(self.lines, dtype=object), grid_size=1e-6)
        blocks = np.asarray(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
        return np.asarray(blocks[shapely.area(blocks) >= smallest])


def junctions(lines: Geometries) -> tuple[NDArray[np.intp], NDArray[np.intp], Geometries]:
    """Return every meeting of two lines, once from each side: line, other line, point."""
    tree = shapely.STRtree(lines)
    one, two = tree.query(lines, "intersects")
    pick = one < two
    one, two = one[pick], two[pick]
    points, back = shapely.get_parts(shapely.intersection(lines[one], lines[two]), return_index=True)
    spot = shapely.get_type_id(points) == 0
    points, back = points[spot], back[spot]
    one, two = one[back], two[back]
    return np.concatenate([one, two]), np.concatenate([two, one]), np.concatenate([points, points])


def _touches(lines: Geometries) -> tuple[NDArray[np.intp], Geometries]:
    """Return pairs (line, end point of another line within JOIN of it)."""
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    owner = np.tile(np.arange(len(lines)), 2)
    end, line = shapely.STRtree(lines).query(ends, "dwithin", distance=JOIN)
    other = owner[end] != line
    return line[other], ends[end[other]]


def _threaded(line: Any, points: Floats, first: int) -> Any:
    """Return a line with vertices put in at points that lie on it (within JOIN); near vertices give way.

    The first `first` points are other lines' ends and are kept; crossings next to them are dropped.
    """
    coords = shapely.get_coordinates(line)
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(coords, axis=0).T))])
    at = shapely.line_locate_point(line, shapely.points(points))
    keep: list[int] = []
    for k in range(len(at)):
        limit = 0.0 if k < first else JOIN
        clear = not keep or np.abs(at[keep] - at[k]).min() > 2 * JOIN
        if clear and limit < at[k] < steps[-1] - limit:
            keep.append(k)
    if not keep:
        return line
    gap = np.abs(steps[:, None] - at[keep][None, :]).min(axis=1)
    old = gap > 1.0
    old[[0, -1]] = True
    joined = np.concatenate([steps[old], at[keep]])
    path = np.vstack([coords[old], points[keep]])[np.argsort(joined, kind="stable")]
    return shapely.linestrings(path[np.concatenate([[True], np.any(np.diff(path, axis=0) != 0, axis=1)])])


def node(streets: list[Street]) -> None:
    """Give every junction a vertex in both lines (in place), so that lines that meet share a coordinate."""
    lines = np.array([s.line for s in streets], dtype=object)
    touched, ends = _touches(lines)
    crossed, _, points = junctions(lines)
    owner = np.concatenate([touched, crossed])
    spots = np.round(shapely.get_coordinates(np.concatenate([ends, points])), 3)
    order = np.argsort(owner, kind="stable")
    owner, spots = owner[order], spots[order]
    bounds = np.searchsorted(owner, np.arange(len(lines) + 1))
    ending = np.bincount(touched, minlength=len(lines))
    for k, street in enumerate(streets):
        if bounds[k] < bounds[k + 1]:
            street.line = _threaded(lines[k], spots[bounds[k] : bounds[k + 1]], int(ending[k]))
