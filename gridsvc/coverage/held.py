"""A scene that stays in memory: what was read and prepared is kept, and brought up to date by edits."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.coverage.scene import Scene
from gridsvc.duties.people import CHIEFS, OFFICERS
from gridsvc.duties.stretches import DUTIES
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import Floats
from gridsvc.partition.workers import Kept

Part = tuple[str, bool]
"""A layer's own features, or (True) those of neighbouring counties."""
FEW = 32
"""Boxes that are compared one by one; more are looked up in a tree."""
PEOPLE = (DUTIES, CHIEFS, OFFICERS)
_ROADS = ("roads", "_closed", "duties")
_ANEW = ("_shared", "_agreements", "pieces", "streets", "_exemptions", "_held", "reports")


@dataclass(frozen=True)
class Edit:
    """What became of some rows of a layer or table."""

    keys: npt.NDArray[np.object_]
    """Keys of rows that were changed, added or taken out, sorted."""
    rows: pd.DataFrame
    """Those of them that there are now, as the store hands them out."""


class HeldScene(Scene):
    """The workspace on one day, whole, as it is after the last edit."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Like any :class:`Scene`."""
        super().__init__(*given, **named)
        self._tables: dict[Part, Any] = {}
        self._beside: dict[str, gpd.GeoDataFrame] = {}
        self._boxes: dict[Part, Floats] = {}

    def table(self, name: str, *, context: bool = False) -> Any:
        """Stored rows; of tables they are kept, of layers only what :meth:`layer` and :meth:`beside` make of them."""
        if self.layers[name].geometry:
            return super().table(name, context=context)
        if (name, context) not in self._tables:
            self._tables[name, context] = super().table(name, context=context)
        return self._tables[name, context]

    def beside(self, name: str) -> gpd.GeoDataFrame:
        """Features of neighbouring counties, like :meth:`layer`."""
        if name not in self._beside:
            rows = self.table(name, context=True)
            self._beside[name] = self._prepared(name, rows) if len(rows) else self.layer(name).iloc[:0]
        return self._beside[name]

    def targets(self, name: str) -> gpd.GeoDataFrame:
        """What of a layer may be near: own features, then those of neighbouring counties."""
        if name not in self._targets:
            self._targets[name] = stacked(self.layer(name), self.beside(name))
        return self._targets[name]

    def unit_boxes(self) -> Floats:
        """For each cell the box around all cells of its unit, (4, n)."""
        number, units = pd.factorize(self.partition.cells["unit"])
        low = np.full((2, len(units)), np.inf)
        high = -low
        np.minimum.at(low.T, number, self.cell_boxes[:2].T)
        np.maximum.at(high.T, number, self.cell_boxes[2:].T)
        boxes: Floats = np.vstack([low, high])[:, number]
        return boxes

    def part(self, part: Part) -> gpd.GeoDataFrame:
        """The features of one part of a layer."""
        return self.beside(part[0]) if part[1] else self.layer(part[0])

    def boxes(self, part: Part) -> Floats:
        """West, south, east, north of each feature, (4, n)."""
        if part not in self._boxes:
            self._boxes[part] = boxes_of(self.part(part))
        return self._boxes[part]

    @cached_property
    def cell_boxes(self) -> Floats:
        """The same of each cell."""
        return boxes_of(self.partition.cells)

    @property
    def exemptions_of_day(self) -> pd.DataFrame:
        """Exemptions that are valid on the day."""
        return self._exemptions

    @property
    def tables(self) -> dict[Part, Any]:
        """The tables that are held."""
        return dict(self._tables)

    def meeting(self, part: Part, around: Floats) -> Ints:
        """Rows of the features whose boxes meet any of *around* (m, 4), rising."""
        return np.unique(pairs_meeting(self.boxes(part), around)[1])

    def cells_meeting(self, around: Floats) -> Ints:
        """The same for cells."""
        return np.unique(pairs_meeting(self.cell_boxes, around)[1])

    def places(self, part: Part, keys: npt.NDArray[np.object_]) -> Ints:
        """Rows of those of *keys* that are there."""
        held = self.part(part)["key"].to_numpy(object)
        if not len(held):
            return np.empty(0, dtype=np.int64)
        row = np.searchsorted(held, keys)
        rows: Ints = row[held[np.minimum(row, len(held) - 1)] == keys].astype(np.int64)
        return rows

    # what comes after it

    def after(self, tables: dict[str, Edit]) -> HeldScene:
        """The scene in which *tables* are edited. Layers are as they were until :meth:`put`."""
        other = copy(self)
        other.once = Kept().once
        other._frames, other._beside = dict(self._frames), dict(self._beside)
        other._boxes, other._tables = dict(self._boxes), dict(self._tables)
        other._targets, other._cells, other._assigned = {}, {}, {}
        stale = (*_ANEW, *(("people", "duties") if set(PEOPLE) & set(tables) else ()))
        for name in stale:
            other.__dict__.pop(name, None)
        for name, edit in tables.items():
            other._tables[name, False] = spliced(self.table(name), edit.keys, edit.rows)
        return other

    def prepared(self, name: str, rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Rows of a layer as :meth:`layer` has them."""
        return self._prepared(name, rows)

    def put(self, part: Part, edit: Edit) -> None:
        """Have a layer as it is after *edit*, whose rows are :meth:`prepared`.

        Where no row comes or goes the scene before this one changes, too: nothing may ask it for this layer again.
        """
        frame, boxes = self.part(part), self.boxes(part)
        row = self.places(part, edit.keys)
        self._targets.pop(part[0], None)
        if len(row) == len(edit.rows) == len(edit.keys) and part[0] != self.layers.roads.name:
            for number, name in enumerate(frame.columns):
                frame.iloc[row, number] = edit.rows[name].array
            boxes[:, row] = boxes_of(edit.rows)
            return
        frame = spliced(frame, edit.keys, edit.rows)
        (self._beside if part[1] else self._frames)[part[0]] = frame
        self._boxes[part] = boxes_of(frame)
        if part == (self.layers.roads.name, False):
            for name in _ROADS:
                self.__dict__.pop(name, None)

    def release(self) -> None:
        """Let go of what only a whole computation needs."""
        self.once = Kept().once
        self._targets, self._cells, self._assigned = {}, {}, {}
        for name in ("_shared", "pieces", "streets"):
            self.__dict__.pop(name, None)


def boxes_of(frame: gpd.GeoDataFrame) -> Floats:
    """West, south, east, north of each feature, (4, n)."""
    return np.ascontiguousarray(shapely.bounds(frame.geometry.to_numpy()).reshape(-1, 4).T)


def pairs_meeting(boxes: Floats, around: Floats) -> tuple[Ints, Ints]:
    """Pairs (row of *around*, row of *boxes*) of *boxes* (4, n) and *around* (m, 4) that meet."""
    west, south, east, north = boxes
    if len(around) > FEW:
        tree = shapely.STRtree(shapely.box(*around.T))
        some = _within_all(boxes, around)
        row, number = tree.query(shapely.box(west[some], south[some], east[some], north[some]))
        return number.astype(np.int64), some[row]
    found = [
        np.flatnonzero((west <= one[2]) & (east >= one[0]) & (south <= one[3]) & (north >= one[1]))
        for one in around
    ]
    number = np.repeat(np.arange(len(around)), [len(rows) for rows in found])
    return number, np.concatenate([np.empty(0, dtype=np.int64), *found])


def _within_all(boxes: Floats, around: Floats) -> Ints:
    """Rows of *boxes* that meet the box around all of *around*."""
    whole = np.concatenate([around[:, :2].min(axis=0), around[:, 2:].max(axis=0)])
    return pairs_meeting(boxes, whole[None])[1]


def spliced(frame: Any, keys: npt.NDArray[np.object_], rows: Any) -> Any:
    """*frame* (sorted by key) with *rows* in the place of those of *keys*."""
    gone = frame["key"].isin(keys).to_numpy(bool)
    return stacked(frame[~gone], rows[frame.columns]).sort_values("key", kind="stable", ignore_index=True)


def stacked(one: Any, other: Any) -> Any:
    """Two frames of the same columns as one; an empty one says nothing about types."""
    if not len(other):
        return one
    return pd.concat([one, other], ignore_index=True) if len(one) else other
