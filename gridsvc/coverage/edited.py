"""An edit of a held scene: what it touches, and the neighbourhood in which anything may come to something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.coverage.changes import Neighbourhood
from gridsvc.coverage.held import PEOPLE, Edit, HeldScene, Part, boxes_of, stacked
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.leftovers import HOMES, RESIDENTS
from gridsvc.coverage.local import LOCAL, LocalScene, fact_layers, joined_layer, neighbourhood
from gridsvc.coverage.observations import of_layer
from gridsvc.duties.roads import texts
from gridsvc.partition.segments import Floats

Keys = npt.NDArray[np.object_]
MEASURES = (
    "road", "label", "width", "divided", "origin", "reverse", "named_origin", "named_reverse", "county",
)  # fmt: skip
"""What :class:`gridsvc.duties.roads.Roads` tells of a feature that others may decide about."""


class Edited:
    """A held scene, and what edits make of it: first looked at, then carried out."""

    def __init__(self, scene: HeldScene, parts: Mapping[Part, Edit]) -> None:
        """Look at what *parts* make of *scene*."""
        layers = scene.layers
        self.before = scene
        tables = {name: edit for (name, _), edit in parts.items() if not layers[name].geometry}
        self.after = scene.after(tables)
        self.tables, self.people = set(tables), bool(set(PEOPLE) & set(tables))
        self.parts = {
            part: Edit(edit.keys, self.after.prepared(part[0], edit.rows))
            for part, edit in parts.items()
            if layers[part[0]].geometry
        }
        self._residents = HOMES in layers and scene.knows(HOMES, RESIDENTS)
        self.road = (layers.roads.name, False)
        self.changed = {name for name, _ in self.parts}
        self.keys = {str(key) for edit in self.parts.values() for key in edit.keys}
        self.marked: dict[str, set[str]] = {}
        """By layer features that are as they were, but count otherwise."""
        if self.road in self.parts:
            self.after.put(self.road, self.parts[self.road])
            self._mark_named()
        if self.road in self.parts or self.people:
            self._mark(self.road[0], _roads_differing(self.before, self.after))
        self._mark_exempt(tables.get("exemptions"))
        self._mark_shares(tables.get("road_shares"))

    def _mark(self, name: str, keys: set[str]) -> None:
        if keys:
            self.marked.setdefault(name, set()).update(keys)

    def _mark_named(self) -> None:
        """Assets that name a road which there was not, or is no more."""
        old, new = self.before.roads, self.after.roads
        for field, changed in (("road_code", old.codes ^ new.codes), ("road_name", old.names ^ new.names)):
            for layer in self.before.layers.of_role("asset") if changed else ():
                frame = self.before.layer(layer.name)
                named = np.isin(texts(frame, field), list(changed))
                self._mark(layer.name, set(frame["key"].to_numpy(object)[named]))

    def _mark_exempt(self, edit: Edit | None) -> None:
        if edit is None:
            return
        rows = self._rows("exemptions", edit)
        for layer in self.before.layers.values():
            if layer.geometry:
                self._mark(layer.name, set(rows.loc[of_layer(rows, layer), "feature_key"].dropna()))

    def _mark_shares(self, edit: Edit | None) -> None:
        if edit is not None:
            self._mark(self.road[0], set(self._rows("road_shares", edit)["road_id"].dropna()))

    def _rows(self, name: str, edit: Edit) -> pd.DataFrame:
        """Rows of a table that an edit is about, as they were and as they are."""
        held = self.before.table(name)
        rows: pd.DataFrame = stacked(held[held["key"].isin(edit.keys)], edit.rows)
        return rows

    def touches(self, indicator: Indicator) -> bool:
        """Whether *indicator* may come to anything else."""
        facts = fact_layers(indicator)
        owned = {name for name in facts if self.before.layers[name].role in ("road", "asset")}
        used = {select.layer for _, select in indicator.selects} | set(indicator.layers)
        roads = self.road[0] in self.changed | set(self.marked)
        return bool(
            used & (self.changed | self.tables | set(self.marked))
            or (roads and owned)
            or (indicator.responsible and self.people)
            or (indicator.kind == "area_near" and HOMES in self.changed)
            or (self.road in self.parts and indicator.near is not None and indicator.near.way == "walk")
            # nothing is known of what other kinds rest on
            or (indicator.kind not in LOCAL and (self.tables or self.road in self.parts))
        )

    def _boxes(self) -> Floats:
        """Where the edited features were and are (m, 4)."""
        found = [np.empty((0, 4))]
        for part, edit in self.parts.items():
            found.append(self.before.boxes(part)[:, self.before.places(part, edit.keys)].T)
            found.append(boxes_of(edit.rows).T)
        for name, marked in self.marked.items():
            part, keys = (name, False), keys_array(sorted(marked))
            if name in self.before.layers and len(self.before.part(part)):
                scene = self.after if part == self.road else self.before
                found.append(scene.boxes(part)[:, scene.places(part, keys)].T)
        boxes = np.unique(np.concatenate(found), axis=0)
        return boxes[~np.isnan(boxes).any(axis=1)]

    def neighbourhood(self, indicators: list[Indicator]) -> Neighbourhood | None:
        """Where *indicators* and asset layers may come to anything else, before and after; carries out the edits."""
        boxes = self._boxes()
        roads = self.road[0] in self.changed | set(self.marked)
        assets = [layer.name for layer in self.before.layers.of_role("asset")]
        assets = [name for name in assets if roads or name in self.changed]
        if not len(boxes) or not (indicators or assets or roads):
            return None
        around = neighbourhood(self.before, indicators, boxes)
        names = {select.layer for one in indicators for _, select in one.selects} | set(assets)
        names |= {HOMES for one in indicators if one.kind == "area_near"}
        joined = {joined_layer(one) for one in indicators} - {""}
        before = LocalScene(self.before, around, names, joined)
        self.finish()
        after = LocalScene(self.after, around, names, joined, None if roads else before)
        return Neighbourhood(before, after, indicators, assets, roads, self.keys)

    @property
    def everywhere(self) -> bool:
        """Whether gaps are others everywhere: those without a chief name the officers of their unit, and areas tell
        of residents only where any are known."""
        posts = self.people and differs(self.before.duties.posts, self.after.duties.posts)
        return posts or (HOMES in self.changed and self._residents != self.after.knows(HOMES, RESIDENTS))

    def finish(self) -> HeldScene:
        """Carry out the edits."""
        for part in [part for part in self.parts if part != self.road]:
            self.after.put(part, self.parts.pop(part))
        return self.after


def differs(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables hold other rows."""
    texts = (sorted(map(repr, frame.astype(str).to_numpy().tolist())) for frame in (one, other))
    return next(texts) != next(texts)


def keys_array(keys: list[str]) -> Keys:
    """Keys as an array of objects."""
    found: Keys = np.empty(len(keys), dtype=object)
    found[:] = keys
    return found


def _roads_differing(before: HeldScene, after: HeldScene) -> set[str]:
    """Keys of road features that are part of another road, have other measures or other duties."""
    changed = _duties(before) ^ _duties(after)
    found = {key for key, *_ in changed}
    if before.roads is after.roads:
        return found
    old, new = before.roads, after.roads
    one, other = (roads.frame["key"].to_numpy(object) for roads in (old, new))
    _, here, there = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    differs = np.zeros(len(here), dtype=bool)
    for name in MEASURES:
        differs |= getattr(old, name)[here] != getattr(new, name)[there]
    return found | set(one[here][differs])


def _duties(scene: HeldScene) -> set[tuple[Any, ...]]:
    """All duties on roads, by key of the feature and places on it."""
    rows, roads = scene.duties.stretches, scene.roads
    row = rows["row"].to_numpy(np.int64)
    begin = roads.segments.offset[row]
    columns = [roads.frame["key"].to_numpy(object)[row].tolist()]
    columns += [(rows[name].to_numpy(np.int64) - begin).tolist() for name in ("start", "end")]
    for name in ("holder", "role", "level", "vacant", "date_from", "date_to"):
        columns.append(rows[name].astype(object).where(rows[name].notna(), None).tolist())
    return set(zip(*columns, strict=True))
