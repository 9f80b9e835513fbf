"""The warm engine: the workspace and all its sums in memory, brought up to date by what loads changed.

What it gives is what a computation of everything gives, to the last digit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.coverage.changes import Change, Neighbourhood, whole
from gridsvc.coverage.engine import Progress, new_run, ready, results, stack
from gridsvc.coverage.held import PEOPLE, Edit, HeldScene, Part, boxes_of, stacked
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.coverage.local import (
    LOCAL,
    LocalScene,
    fact_layers,
    is_local,
    joined_layer,
    neighbourhood,
)
from gridsvc.coverage.observations import of_layer
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.sums import Sums, net, units_above
from gridsvc.coverage.tallies import COLUMNS
from gridsvc.duties.roads import texts
from gridsvc.errors import NotFoundError
from gridsvc.layers import Layers
from gridsvc.partition.segments import Floats
from gridsvc.partition.workers import ALONE, Workers
from gridsvc.settings import Workspace
from gridsvc.store import NewRun, RunRecord, Store
from gridsvc.store.schema import CONTEXT_KEY

MANY = 20_000
"""Edited features beyond which everything is computed anew."""
SOME = 10_000
"""Rows that are asked for by key in one go."""
Keys = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Edits:
    """What became of layers and tables."""

    parts: Mapping[Part, Edit]
    versions: Mapping[str, int]
    """Newest load of every layer after it; 0 for one that holds nothing."""


class Warm:
    """All sums of a workspace on one day, and the scene that they come from."""

    def __init__(
        self, scene: HeldScene, indicators: Indicators, versions: Mapping[str, int], tallies: pd.DataFrame
    ) -> None:
        """Take over a scene that is read, and the tallies of it."""
        self.load = 0
        self.run: RunRecord | None = None
        self._take(scene, indicators, versions, tallies)

    def _take(
        self, scene: HeldScene, indicators: Indicators, versions: Mapping[str, int], tallies: pd.DataFrame
    ) -> None:
        self.scene, self.indicators, self.versions = scene, indicators, dict(versions)
        layout = scene.workspace.county.layout
        self.sums = Sums(tallies, units_above(scene.partition.cells, layout))

    @classmethod
    def open(
        cls,
        store: Store,
        workspace: Workspace,
        layers: Layers,
        indicators: Indicators,
        as_of: dt.date,
        workers: Workers = ALONE,
        progress: Progress | None = None,
    ) -> Warm:
        """Read everything, and measure it where the newest run is not of just this state; then store a run.

        *store* must be open for writing. Raises :class:`UsageError` when no boundaries are loaded.
        """
        with store.snapshot():
            scene = HeldScene(store, workspace, layers, as_of, workers)
            versions, load = scene.versions(), store.newest_load()
            hold(scene, indicators)
            run, newest = new_run(scene, indicators, versions), store.run()
            if newest is not None and not newest.pruned and rests_on(newest, run):
                tables = {"tallies": store.result("tallies", newest.id)[COLUMNS]}
            else:
                tables, newest = results(scene, ready(indicators, versions), progress), None
        warm = cls(scene, indicators, versions, tables["tallies"])
        warm.load, warm.run = load, newest or store.write_run(run, tables)
        scene.release()
        return warm

    def update(self, indicators: Indicators | None = None) -> Change | None:
        """Look at what was loaded, and defined, since; store a run of it. None where nothing has changed.

        The store must be open for writing.
        """
        store, wanted = self.scene.store, indicators or self.indicators
        with store.snapshot():
            load = store.newest_load()
            if load == self.load and wanted.digest == self.indicators.digest:
                return None
            edits = self._edits()
            change = self._anew(wanted) if edits is None else self.change(edits, wanted)
            run = new_run(self.scene, wanted, self.versions)
            self.load = load
            if self.run is not None and rests_on(self.run, run):
                return change
            altered = change.altered(self._stored(change))
        upon = -1 if self.run is None else self.run.id
        self.run = store.write_changes(run, upon, altered) or self._write_all(run, change)
        return change

    def _stored(self, change: Change) -> dict[str, pd.DataFrame]:
        """The gaps that the last run holds of indicators that were measured as a whole."""
        store, run = self.scene.store, self.run.id if self.run is not None else None
        return {name: store.result("gaps", run, {"indicator": name}) for name in change.gaps}

    def _write_all(self, run: NewRun, change: Change) -> RunRecord:
        """Store a run where somebody else's is the newest."""
        scene = self.scene
        with scene.store.snapshot():
            tables = change.results or results(scene, ready(self.indicators, self.versions))
        scene.release()
        return scene.store.write_run(run, tables)

    # what was loaded

    def _edits(self) -> Edits | None:
        """What became of layers since the last look; None where only a computation of everything can tell."""
        scene, store = self.scene, self.scene.store
        try:
            changed = store.changed_keys(self.load)
        except NotFoundError:
            return None
        versions = scene.versions()
        county = scene.workspace.county
        if county.metre_crs is None:
            # without boundaries of the county its place is that of everything
            now = Scene(store, scene.workspace, scene.layers, scene.as_of)
            if now.crs != scene.crs:
                return None
        if sum(map(len, changed.values())) > MANY or _boundaries(scene.layers, changed):
            return None
        wanted = {name: set(keys) for name, keys in changed.items()}
        notes = self._table_edit("observations", changed.get("observations", []))
        for name, keys in self._observed(notes).items():
            wanted.setdefault(name, set()).update(keys)
        parts = {}
        for name, found in wanted.items():
            if not scene.layers[name].geometry:
                parts[name, False] = (
                    notes if name == "observations" else self._table_edit(name, sorted(found))
                )
                continue
            for context in (False, True):
                own = sorted(key for key in found if key.startswith(CONTEXT_KEY) == context)
                if own:
                    parts[name, context] = Edit(_keys(own), self._read(name, own, context))
        return Edits(parts, versions)

    def _table_edit(self, name: str, keys: list[str]) -> Edit:
        return Edit(_keys(keys), self._read(name, keys, False))

    def _read(self, name: str, keys: list[str], context: bool) -> Any:
        """Current rows of some keys."""
        store = self.scene.store
        first = store.read(name, where={"key": keys[:SOME]}, context=context)
        more = [
            store.read(name, where={"key": keys[start : start + SOME]}, context=context)
            for start in range(SOME, len(keys), SOME)
        ]
        return stack([first, *more]) if more else first

    def _observed(self, notes: Edit) -> dict[str, set[str]]:
        """By layer the keys of features that observations are about which came, changed or went."""
        if not len(notes.keys):
            return {}
        scene = self.scene
        held = scene.table("observations")
        rows = stacked(held[held["key"].isin(notes.keys)], notes.rows)
        found = {}
        for layer in scene.layers.values():
            if layer.observed:
                about = _keys(sorted(set(rows.loc[of_layer(rows, layer), "asset_key"].dropna())))
                found[layer.name] = {
                    *(
                        scene.part(part)["key"].iloc[row]
                        for part in ((layer.name, False), (layer.name, True))
                        for row in scene.places(part, about)
                    )
                }
        return found

    # what comes of it

    def _anew(self, indicators: Indicators) -> Change:
        """Compute everything."""
        old = self.scene
        scene = HeldScene(old.store, old.workspace, old.layers, old.as_of, old.workers)
        versions = scene.versions()
        hold(scene, indicators)
        tables = results(scene, ready(indicators, versions))
        scene.release()
        before = self.sums
        self._take(scene, indicators, versions, tables["tallies"])
        changed = net(before.tallies(), self.sums.tallies())
        known = changed["subject_kind"] != "cell"
        known |= changed["subject"].isin(scene.partition.cells["cell"])
        return Change(self.sums.now(changed[known]), None, results=tables)

    def change(self, edits: Edits, indicators: Indicators | None = None) -> Change:
        """Bring scene and sums up to date with *edits*, and with other definitions.

        Boundaries and zones are not edited so: with other cells everything is another.
        """
        wanted = indicators or self.indicators
        if wanted is not self.indicators:
            hold(self.scene, wanted)
        was = {one.id: one for one in ready(self.indicators, self.versions)}
        is_ = {one.id: one for one in ready(wanted, edits.versions)}
        before, edited = self.scene, _Edited(self.scene, edits.parts)
        local = [one for one in is_.values() if was.get(one.id) == one and edited.touches(one)]
        fresh = [one for one in is_.values() if was.get(one.id) != one]
        fresh += [one for one in local if not is_local(one, before.layers)]
        local = [one for one in local if is_local(one, before.layers)]
        near = edited.neighbourhood(local)
        after = edited.finish()
        more = [pd.DataFrame(columns=COLUMNS)] if near is None else [near.tallies]
        gaps = {}
        for one in fresh:
            tallies, gaps[one.id] = whole(after, one)
            more.append(net(self.sums.tallies(one.id), tallies))
        for name in set(was) - set(is_):
            more.append(net(self.sums.tallies(name), pd.DataFrame(columns=COLUMNS)))
            gaps[name] = pd.DataFrame(columns=["indicator", "gap"])
        if fresh:
            after.release()
        self.scene, self.indicators, self.versions = after, wanted, dict(edits.versions)
        posts = after.duties.posts if edited.people else None
        more = [part for part in more if len(part)] or more[:1]
        return Change(self.sums.add(stack(more)), near, gaps, posts)


class _Edited:
    """A held scene, and what edits make of it: first looked at, then carried out."""

    def __init__(self, scene: HeldScene, parts: Mapping[Part, Edit]) -> None:
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
        self.road = (layers.roads.name, False)
        self.changed = {name for name, _ in self.parts}
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
            or (roads and indicator.for_chiefs and owned)
            or (indicator.responsible and self.people)
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
            part, keys = (name, False), _keys(sorted(marked))
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
        self._near = None
        if not len(boxes) or not (indicators or assets or roads):
            return None
        around = neighbourhood(self.before, indicators, boxes)
        names = {select.layer for one in indicators for _, select in one.selects} | set(assets)
        joined = {joined_layer(one) for one in indicators} - {""}
        before = LocalScene(self.before, around, names, joined)
        self.finish()
        after = LocalScene(self.after, around, names, joined, None if roads else before)
        return Neighbourhood(before, after, indicators, assets, roads)

    def finish(self) -> HeldScene:
        """Carry out the edits."""
        for part in [part for part in self.parts if part != self.road]:
            self.after.put(part, self.parts.pop(part))
        return self.after


def hold(scene: HeldScene, indicators: Indicators) -> None:
    """Read everything that any of *indicators* may ask *scene* for."""
    layers = scene.layers
    named = {name for one in indicators.values() for name in one.layers}
    for layer in layers.values():
        if not layer.geometry:
            scene.table(layer.name)
        elif layer.role in ("road", "asset") or layer.name in named:
            scene.beside(layer.name)
    scene.read(named)


def rests_on(record: RunRecord, run: NewRun) -> bool:
    """Whether a stored run is what *run* would be."""
    return (record.as_of, record.versions, record.definitions, record.libraries) == (
        run.as_of,
        dict(run.versions),
        run.definitions,
        dict(run.libraries),
    )


def _boundaries(layers: Layers, names: Mapping[str, Any]) -> bool:
    """Whether boundaries or zones are among these layers."""
    return any(layers[name].role in ("unit", "zone") for name in names)


def _keys(keys: list[str]) -> Keys:
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


MEASURES = (
    "road", "label", "width", "divided", "origin", "reverse", "named_origin", "named_reverse", "county",
)  # fmt: skip
"""What :class:`Roads` tells of each feature that other features may decide about."""


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
