"""Shapes of elements: points, lines as far as their nodes are there, areas that close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely

from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.osm.elements import Elements, Ints, Tagged
from gridsvc.intake.problems import Positions


@dataclass(frozen=True)
class Built:
    """Shapes of some elements, by position."""

    shapes: Objects
    """None where nothing could be built."""
    incomplete: Mask
    """True where the extract lacks nodes or members, so that the shape is missing or only a part."""


class Shapes(Protocol):
    """Elements that bear tags, and the way to their shapes."""

    tagged: Tagged
    dated: str

    def lines(self, chosen: Positions) -> Built:
        """Ways as lines."""
        ...

    def areas(self, chosen: Positions) -> Built:
        """Closed ways and relations as polygons; nodes as points; ways that do not close as lines."""
        ...

    def members(self) -> set[int]:
        """Ids of the ways that are part of a relation which stands for an area."""
        ...


class ExtractShapes:
    """Shapes out of an extract."""

    def __init__(self, elements: Elements) -> None:
        """Take the extract."""
        self.elements = elements
        self.tagged = elements.tagged
        self.dated = elements.dated
        self._kinds = np.array(self.tagged.kinds, dtype="U1")
        self._ids = np.array(self.tagged.ids, dtype=np.int64)

    def lines(self, chosen: Positions) -> Built:
        """Ways as lines: one that misses nodes is cut there, never bridged."""
        at, _ = self.elements.find_ways(self._ids[chosen])
        return way_lines(self.elements, at)

    def areas(self, chosen: Positions) -> Built:
        """Closed ways and relations as polygons; nodes as points; ways that do not close as lines."""
        shapes = np.full(len(chosen), None, dtype=object)
        incomplete = np.zeros(len(chosen), dtype=bool)
        kinds = self._kinds[chosen]
        nodes, ways = np.flatnonzero(kinds == "n"), np.flatnonzero(kinds == "w")
        found, known = self.elements.find_nodes(self._ids[chosen[nodes]])
        shapes[nodes[known]] = shapely.points(self.elements.node_xy[found[known]])
        at, _ = self.elements.find_ways(self._ids[chosen[ways]])
        built = _way_areas(self.elements, at)
        shapes[ways], incomplete[ways] = built.shapes, built.incomplete
        for position in np.flatnonzero(kinds == "r").tolist():
            shape, part = _relation_area(self.elements, int(self._ids[chosen[position]]))
            shapes[position], incomplete[position] = shape, part
        return Built(shapes, incomplete)

    def members(self) -> set[int]:
        """Ids of the ways that are part of a relation which stands for an area."""
        every = self.elements.members.values()
        return {number for members in every for kind, number, _ in members if kind == "w"}


def way_lines(elements: Elements, ways: Ints) -> Built:
    """The ways at these indices as lines, in as many parts as the nodes that are there allow."""
    refs, counts = elements.refs_of(ways)
    at, known = elements.find_nodes(refs)
    owner = np.repeat(np.arange(len(ways)), counts)
    incomplete = np.bincount(owner[~known], minlength=len(ways)) > 0
    # a run ends with its way and before a node that is not there
    fresh = np.append(True, (owner[1:] != owner[:-1]) | ~known[:-1] | ~known[1:])[: len(owner)]
    run = np.cumsum(fresh) - 1
    long = known & (np.bincount(run, minlength=1)[run] > 1) if len(run) else known
    shapes = np.full(len(ways), None, dtype=object)
    if long.any():
        names, run = np.unique(run[long], return_inverse=True)
        parts = shapely.linestrings(elements.node_xy[at[long]], indices=run)
        whose = np.zeros(len(names), dtype=np.intp)
        whose[run] = owner[long]
        filled, group = np.unique(whose, return_inverse=True)
        multis = shapely.multilinestrings(parts, indices=group)
        lone = shapely.get_num_geometries(multis) == 1
        multis[lone] = shapely.get_geometry(multis[lone], 0)
        shapes[filled] = multis
    return Built(shapes, incomplete)


def _way_areas(elements: Elements, ways: Ints) -> Built:
    """Closed ways as polygons, others as lines; a closed way that misses a node has no shape."""
    refs, counts = elements.refs_of(ways)
    at, known = elements.find_nodes(refs)
    owner = np.repeat(np.arange(len(ways)), counts)
    incomplete = np.bincount(owner[~known], minlength=len(ways)) > 0
    ends = np.cumsum(counts)
    closed = np.zeros(len(ways), dtype=bool)
    some = counts > 3
    closed[some] = refs[(ends - counts)[some]] == refs[ends[some] - 1]
    shapes = np.full(len(ways), None, dtype=object)
    whole = closed & ~incomplete
    if whole.any():
        chosen = np.flatnonzero(whole)
        _, ring = np.unique(owner[whole[owner]], return_inverse=True)
        rings = shapely.linearrings(elements.node_xy[at[whole[owner]]], indices=ring)
        shapes[chosen] = shapely.polygons(rings)
    drawn = np.flatnonzero(~closed & ~incomplete)
    shapes[drawn] = way_lines(elements, ways[drawn]).shapes
    return Built(shapes, incomplete)


def _relation_area(elements: Elements, number: int) -> tuple[shapely.Geometry | None, bool]:
    """Area of a relation, and whether part of it is missing.

    Outer rings that do not close are left away (the area is then too small, and that is told); without all of
    its inner rings there is no area, since it would be too large.
    """
    outer, outer_whole = _rings(elements, number, inner=False)
    inner, inner_whole = _rings(elements, number, inner=True)
    if not len(outer) or not inner_whole:
        return None, True
    if outer_whole:
        # even-odd over all rings: an island in a hole is land again
        area = _quietly(shapely.build_area, shapely.geometrycollections(np.concatenate([outer, inner])))
    else:
        area = shapely.difference(_filled(outer), _filled(inner))
    return (None if area.is_empty else area), not outer_whole


def _rings(elements: Elements, number: int, *, inner: bool) -> tuple[Objects, bool]:
    """The outer or inner member ways of a relation, as far as they are there, and whether all of them close."""
    named = [
        member
        for kind, member, role in elements.members[number]
        if kind == "w" and (role == "inner") == inner
    ]
    ways = np.array(list(dict.fromkeys(named)), dtype=np.int64)
    at, known = elements.find_ways(ways)
    built = way_lines(elements, at[known])
    there = built.shapes[~shapely.is_missing(built.shapes)]
    polygons, *rest = _quietly(shapely.polygonize_full, there)
    loose = any(len(shapely.get_parts(part)) for part in rest)
    closed = len(there) == 0 or len(shapely.get_parts(polygons)) > 0
    return there, bool(known.all() and not built.incomplete.any() and not loose and closed)


def _quietly(function: Callable[[Any], Any], argument: Any) -> Any:
    """Call a function of GEOS that computes with no-numbers on its way, which numpy would warn of."""
    with np.errstate(invalid="ignore"):
        return function(argument)


def _filled(lines: Objects) -> shapely.Geometry:
    """What the rings among *lines* enclose."""
    return shapely.union_all(shapely.get_parts(_quietly(shapely.polygonize, lines)))
