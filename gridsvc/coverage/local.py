"""The neighbourhood of an edit as a scene of its own: all that may differ, with all that decides about it.

Sums are sums over facts, so whole sums change by what the facts near an edit come to after it, less what they came to
before it. A neighbourhood holds more facts than those: at its rim they lack part of what decides about them, but they
lack the same before and after, and what they come to cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from gridsvc.coverage.clauses import Select
from gridsvc.coverage.held import HeldScene, pairs_meeting, stacked
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.leftovers import HOMES, RESIDENTS
from gridsvc.coverage.reach import farthest
from gridsvc.coverage.scene import Scene
from gridsvc.duties.assignments import assign
from gridsvc.layers import Layers
from gridsvc.partition.cells import Partition
from gridsvc.partition.pieces import BESIDE, Pieces
from gridsvc.partition.segments import Floats

LOCAL = (
    "count_share", "length_share", "length_near", "feature_near", "area_near", "area_share", "density",
)  # fmt: skip
"""Kinds whose facts depend on nothing but what lies within their reach."""
MARGIN = 1.05
"""Factor, and metres, that the reach is widened by: buffers may reach a little too far."""


def is_local(indicator: Indicator, layers: Layers) -> bool:
    """Whether facts of *indicator* depend on nothing but what lies within its reach."""
    if indicator.kind not in LOCAL or indicator.dead_ends is not None:
        return False
    if indicator.near is not None and indicator.near.way == "walk":
        return False
    if indicator.filled:
        # the first value anywhere makes the field known everywhere
        return False
    roles = {layers[select.layer].role for _, select in indicator.selects}
    return not roles & {"unit", "zone"}


def counts_area(indicator: Indicator) -> bool:
    """Whether cells are among its facts."""
    return indicator.kind.startswith("area_") or "area" in (indicator.measure, indicator.per)


def joined_layer(indicator: Indicator) -> str:
    """The layer whose shapes are joined before their area is counted; "" without one."""
    joins = indicator.kind == "area_share" or (indicator.kind == "density" and indicator.measure == "area")
    return indicator.features.layer if joins else ""


def fact_layers(indicator: Indicator) -> set[str]:
    """Layers whose features are facts."""
    return {one.layer for one in (indicator.of, indicator.per_of) if isinstance(one, Select)}


def reach_of(scene: HeldScene, indicators: Iterable[Indicator]) -> float:
    """Metres within which anything may decide about a fact of *indicators*."""
    near = [farthest(one.near).distance or 0.0 for one in indicators if one.near is not None]
    width = float(np.max(scene.roads.width, initial=0.0)) / 2 + BESIDE
    return max([*near, width, scene.workspace.county.asset_distance]) * MARGIN + MARGIN


def neighbourhood(scene: HeldScene, indicators: list[Indicator], edited: Floats) -> Floats:
    """Boxes (m, 4) that hold all that decides about facts that edits within the boxes *edited* (m, 4) may change."""
    reach = reach_of(scene, indicators)
    inner = _grown(edited, reach)
    for name in {joined_layer(one) for one in indicators} - {""}:
        # whether a shape is joined to others decides how its area is summed, in all cells that it lies in
        inner = _around(inner, scene.boxes((name, False)))
    held = [scene.boxes((scene.layers.roads.name, False))]
    held += [scene.boxes((name, False)) for one in indicators for name in fact_layers(one)]
    outer = inner
    if any(counts_area(one) for one in indicators):
        held.append(scene.cell_boxes)
    for boxes in held:
        outer = _union(outer, _around(inner, boxes))
    if any(one.kind == "area_near" for one in indicators):
        # what nothing serves is joined over all cells of a unit
        outer = _union(outer, _around(inner, scene.cell_boxes, scene.unit_boxes()))
    return _grown(outer, reach)


def _grown(boxes: Floats, metres: float) -> Floats:
    grown: Floats = boxes + np.array([-metres, -metres, metres, metres])
    return grown


def _around(inner: Floats, boxes: Floats, whole: Floats | None = None) -> Floats:
    """Each of *inner* (m, 4), grown to hold all of *boxes* (4, n) that meet it, or what they stand for in *whole*."""
    number, row = pairs_meeting(boxes, inner)
    boxes, outer = boxes if whole is None else whole, inner.copy()
    np.minimum.at(outer[:, :2], number, boxes[:2, row].T)
    np.maximum.at(outer[:, 2:], number, boxes[2:, row].T)
    return outer


def _union(one: Floats, other: Floats) -> Floats:
    return np.hstack([np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])])


class LocalScene(Scene):
    """What of a held scene meets some boxes. It does not change with the scene that it is taken from."""

    def __init__(
        self,
        scene: HeldScene,
        around: Floats,
        names: Iterable[str],
        joined: Iterable[str],
        roads_of: LocalScene | None = None,
    ) -> None:
        """Take from *scene* what meets *around* (m, 4): roads, cells, the layers *names*.

        Of the layers *joined* also what may meet these. *roads_of*: the same neighbourhood at another time, with the
        same roads, duties and agreements.
        """
        super().__init__(scene.store, scene.workspace, scene.layers, scene.as_of)
        self.arc, self.crs = scene.arc, scene.crs
        self._whole_roads, self._held_tables = scene.roads, scene.tables
        self._exemptions = scene.exemptions_of_day
        self._whole_partition, self._around, self._roads_of = scene.partition, around, roads_of
        roads = (scene.layers.roads.name, False)
        if roads_of is None:
            rows = scene.meeting(roads, around)
            self.roads, moved = scene.roads.of_rows(rows)
            self.duties = scene.duties.on_rows(rows, moved)
            self._taken = scene.cells_meeting(around)
        else:
            self.roads, self.duties = roads_of.roads, roads_of.duties
        self._frames[roads[0]] = self.roads.frame
        self._knows = {one: scene.knows(*one) for one in [(HOMES, RESIDENTS)] if HOMES in names}
        for name in {*names, roads[0]}:
            wide = around
            if name in joined:
                wide = np.vstack([around, scene.boxes((name, False)).T[scene.meeting((name, False), around)]])
            for part in ((name, False), (name, True)):
                if part == roads:
                    continue
                found = scene.part(part).iloc[scene.meeting(part, wide)].reset_index(drop=True)
                if not part[1]:
                    self._frames[name] = found
                else:
                    self._targets[name] = stacked(self._frames[name], found)

    @cached_property
    def partition(self) -> Partition:
        """The cells that meet the neighbourhood, in their order."""
        if self._roads_of is not None:
            return self._roads_of.partition
        whole = self._whole_partition
        cells = whole.cells.iloc[self._taken].reset_index(drop=True)
        return Partition(cells, whole.findings, whole.crs, whole.as_drawn)

    @cached_property
    def _shared(self) -> tuple[Pieces, pd.DataFrame]:
        """The roads' pieces, and agreements that were not applied."""
        return self._share() if self._roads_of is None else self._roads_of._shared

    def knows(self, name: str, field: str) -> bool:
        """Whether any feature of the whole layer has a value in a field."""
        return self._knows[name, field]

    def table(self, name: str, *, context: bool = False) -> Any:
        """Rows of a table; features are asked for as :meth:`layer` and :meth:`targets`."""
        return self._held_tables[name, context]

    def assignments(self, name: str) -> pd.DataFrame:
        """Which road each asset of a layer belongs to; roads that are far away are known by name."""
        if name not in self._assigned:
            reach = self.workspace.county.asset_distance
            self._assigned[name] = assign(self.layer(name), self.roads, reach, self._whole_roads)
        return self._assigned[name]
