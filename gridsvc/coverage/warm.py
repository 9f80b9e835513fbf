"""The warm engine: the workspace and all its sums in memory, brought up to date by what loads changed.

What it gives is what a computation of everything gives, to the last digit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd

from gridsvc.coverage.changes import Change, differing
from gridsvc.coverage.edited import Edited, keys_array
from gridsvc.coverage.engine import Progress, in_degrees, new_run, ready, results, results_of, stack
from gridsvc.coverage.gap_age import Past, with_age
from gridsvc.coverage.held import Edit, HeldScene, Part, stacked
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.coverage.leftovers import HOMES
from gridsvc.coverage.local import is_local
from gridsvc.coverage.observations import of_layer
from gridsvc.coverage.scene import Scene
from gridsvc.coverage.shortages import find_shortages, has_shortages
from gridsvc.coverage.sums import Sums, net, units_above
from gridsvc.coverage.tallies import COLUMNS
from gridsvc.errors import NotFoundError, StoreBusyError
from gridsvc.layers import Layers
from gridsvc.partition.workers import ALONE, Workers
from gridsvc.settings import Workspace
from gridsvc.store import RESULTS, NewRun, RunRecord, Store
from gridsvc.store.past import last_loads
from gridsvc.store.schema import CONTEXT_KEY

MANY = 20_000
"""Edited features beyond which everything is computed anew."""
TYPES = {"text": object, "number": float}
Written = TypeVar("Written")
SOME = 10_000
"""Rows that are asked for by key in one go."""


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
        self.past: Past
        self.watch: Progress | None = None
        """Told of every step of a computation of everything; it may raise, to end it."""
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
        """Read and measure everything, and store a run of it.

        *store* must be open for writing. Raises :class:`UsageError` when no boundaries are loaded.
        """
        with store.snapshot():
            scene = HeldScene(store, workspace, layers, as_of, workers)
            versions, load, past = scene.versions(), store.newest_load(), HeldPast(store, as_of)
            hold(scene, indicators)
            tables = results(scene, ready(indicators, versions), progress, past)
        warm = cls(scene, indicators, versions, tables["tallies"])
        warm.past, warm.load, warm.watch = past, load, progress
        warm.run = warm.patiently(lambda: store.write_run(new_run(scene, indicators, versions), tables))
        scene.release()
        return warm

    def patiently(self, write: Callable[[], Written]) -> Written:
        """What *write* gives: as often as another writer has the store for too long, it is tried again.

        Without anybody who watches it is tried once.
        """
        while True:
            try:
                return write()
            except StoreBusyError:
                if self.watch is None:
                    raise
                self.watch("store", 0, 1)

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
            past: Past = HeldPast(store, self.scene.as_of)
            if past.run == self.past.run:
                past = self.past
            # gaps were compared with another run
            edits = edits if past is self.past else None
            change = None if edits is None else self.change(edits, wanted)
            change, self.past = change or self._anew(wanted), past
            run = new_run(self.scene, wanted, self.versions)
            self.load = load
            if self.run is not None and rests_on(self.run, run):
                return change
            altered = change.altered(self._stored(change), self._aged)
        upon = -1 if self.run is None else self.run.id
        written = self.patiently(lambda: store.write_changes(run, upon, altered))
        self.run = written or self._write_all(run, change)
        return change

    def _stored(self, change: Change) -> dict[str, pd.DataFrame]:
        """The gaps that the last run holds of indicators that were measured as a whole."""
        store, run = self.scene.store, self.run.id if self.run is not None else None
        return {name: store.result("gaps", run, {"indicator": name}) for name in change.whole}

    def _aged(self, gaps: gpd.GeoDataFrame) -> pd.DataFrame:
        """Gaps as a run stores them."""
        chosen = [self.indicators[name] for name in gaps["indicator"].unique()]
        # columns in which no row has a value
        kinds = {name: TYPES[kind] for name, kind in RESULTS["gaps"].columns.items() if kind in TYPES}
        gaps = gaps.reset_index(drop=True).astype({name: kinds[name] for name in kinds if name in gaps})
        frame = gpd.GeoDataFrame(gaps, geometry="geometry", crs=self.scene.crs)
        return in_degrees(self.scene, with_age(self.scene, chosen, frame, self.past))

    def _write_all(self, run: NewRun, change: Change) -> RunRecord:
        """Store a run where somebody else's is the newest."""
        scene = self.scene
        with scene.store.snapshot():
            tables = change.results or results(scene, ready(self.indicators, self.versions), self.watch)
        scene.release()
        return self.patiently(lambda: scene.store.write_run(run, tables))

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
                    parts[name, context] = Edit(keys_array(own), self._read(name, own, context))
        return Edits(parts, versions)

    def _table_edit(self, name: str, keys: list[str]) -> Edit:
        return Edit(keys_array(keys), self._read(name, keys, False))

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
                about = keys_array(sorted(set(rows.loc[of_layer(rows, layer), "asset_key"].dropna())))
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
        tables = results(scene, ready(indicators, versions), self.watch)
        scene.release()
        before = self.sums
        self._take(scene, indicators, versions, tables["tallies"])
        changed = net(before.tallies(), self.sums.tallies())
        known = changed["subject_kind"] != "cell"
        known |= changed["subject"].isin(scene.partition.cells["cell"])
        return Change(self.sums.now(changed[known]), None, results=tables)

    def change(self, edits: Edits, indicators: Indicators | None = None) -> Change | None:
        """Bring scene and sums up to date with *edits*, and with other definitions.

        None where only a computation of everything can tell. Boundaries and zones are not edited so: with other cells
        everything is another.
        """
        wanted = indicators or self.indicators
        if wanted is not self.indicators:
            hold(self.scene, wanted)
        was = {one.id: one for one in ready(self.indicators, self.versions)}
        is_ = {one.id: one for one in ready(wanted, edits.versions)}
        before, edited = self.scene, Edited(self.scene, edits.parts)
        local = [one for one in is_.values() if was.get(one.id) == one and edited.touches(one)]
        fresh = [one for one in is_.values() if was.get(one.id) != one]
        fresh += [one for one in local if not is_local(one, before.layers)]
        local = [one for one in local if is_local(one, before.layers)]
        near = edited.neighbourhood(local)
        after = edited.finish()
        if edited.everywhere:
            return None
        more = [pd.DataFrame(columns=COLUMNS)] if near is None else [near.tallies]
        lacking = set(more[0].loc[more[0]["subject_kind"] == "cell", "indicator"])
        lacking = {one.id for one in local if one.id in lacking and has_shortages(one)}
        lacked = {name: self._shortages(before, is_[name]) for name in lacking}
        gaps = {}
        for one in fresh:
            tallies, gaps[one.id] = results_of(after, one)
            more.append(net(self.sums.tallies(one.id), tallies))
        for name in set(was) - set(is_):
            more.append(net(self.sums.tallies(name), pd.DataFrame(columns=COLUMNS)))
            gaps[name] = pd.DataFrame(columns=["indicator", "gap"])
        if fresh:
            after.release()
        self.scene, self.indicators, self.versions = after, wanted, dict(edits.versions)
        more = [part for part in more if len(part)] or more[:1]
        sums = self.sums.add(stack(more))
        now = [differing("gaps", lacked[name], self._shortages(after, is_[name])) for name in sorted(lacking)]
        return Change(sums, near, gaps, tuple(now))

    def _shortages(self, scene: HeldScene, indicator: Indicator) -> gpd.GeoDataFrame:
        return find_shortages(scene, indicator, self.sums.rows(indicator.id, "cell"))


class HeldPast(Past):
    """What the age of gaps is told from, read for few features at a time."""

    def features(self, scene: Scene, layer: str, keys: set[str]) -> Any:
        """Rows of *keys* as delivered; of observations those that are about them."""
        if layer == "observations":
            notes = scene.table(layer)
            return notes[notes["asset_key"].isin(keys)]
        if len(keys) > SOME:
            return scene.table(layer)
        return self._store.read(layer, where={"key": sorted(keys)})

    def loaded(self, layer: str, keys: set[str]) -> dict[str, int]:
        """The load that brought each of *keys*."""
        return last_loads(self._store, layer, keys)


def hold(scene: HeldScene, indicators: Indicators) -> None:
    """Read everything that any of *indicators* may ask *scene* for."""
    layers = scene.layers
    named = {name for one in indicators.values() for name in one.layers}
    for layer in layers.values():
        if not layer.geometry:
            scene.table(layer.name)
        elif layer.role in ("road", "asset") or layer.name in named:
            scene.beside(layer.name)
    scene.beside(HOMES)
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
