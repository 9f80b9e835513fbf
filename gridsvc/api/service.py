"""What one application serves: a workspace, its definitions, and what was read or drawn of it lately."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Lock
from typing import Any

import pandas as pd

from gridsvc import __version__
from gridsvc.api.frames import LayerFrame
from gridsvc.api.shelf import Shelf, V
from gridsvc.coverage.explain import Explanation, Subject, explain
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicators, indicators_written, load_indicators
from gridsvc.errors import DefinitionError, NotFoundError, StoreBusyError, UsageError
from gridsvc.layers import Layers, load_layers
from gridsvc.maps import Atlas
from gridsvc.settings import Workspace
from gridsvc.store import Store, open_store

# a table of all figures of all grids is some ten megabytes, a map up to 1.5
TABLES, PAGES = 32, 64
PATIENCE = 20.0
"""Seconds that a request waits for others that measure."""


class Service:
    """Everything that requests share. Safe for several threads; holds no connection between requests."""

    def __init__(self, workspace: Workspace) -> None:
        """Read the definitions of *workspace*; a broken one is refused here, before anything is served."""
        self.workspace = workspace
        self.layers: Layers = load_layers(workspace)
        self._written = indicators_written(workspace)
        self._indicators: Indicators = load_indicators(workspace, self.layers)
        # GeoJSON of OGC API - Features has no features without geometry, so tables are no collections
        self.collections = Layers({name: layer for name, layer in self.layers.items() if layer.geometry})
        self._frames: Shelf[LayerFrame] = Shelf(len(self.layers))
        self._tables: Shelf[pd.DataFrame] = Shelf(TABLES)
        self._pages: Shelf[str] = Shelf(PAGES)
        self._explaining = Lock()
        self._atlases: Shelf[Atlas] = Shelf(1)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, open for reading."""
        with open_store(self.workspace, self.layers) as store:
            yield store

    @property
    def indicators(self) -> Indicators:
        """Definitions of indicators as they are written by now; a file that is broken by now changes nothing."""
        written = indicators_written(self.workspace)
        if written != self._written:
            self._written = written
            with suppress(DefinitionError):
                self._indicators = load_indicators(self.workspace, self.layers)
        return self._indicators

    @cached_property
    def _definitions(self) -> str:
        """What stands for the software's version and all definitions but those of indicators."""
        text = [__version__, self.workspace.county.model_dump_json()]
        text += [layer.model_dump_json() for layer in self.layers.values()]
        return "\n".join(text)

    def state(self) -> str:
        """A token that changes whenever an answer could: with every load, run, and definition."""
        with self.store() as store, store.snapshot():
            loads, runs = store.newest_load(), store.runs_token()
        text = f"{self._definitions}\n{self.indicators.digest}"
        return f"{hashlib.sha256(text.encode()).hexdigest()[:12]}-{loads}-{runs}"

    def collection(self, store: Store, name: str) -> LayerFrame:
        """The current features of the collection called *name*; an unknown one is a NotFoundError."""
        return self.frame(store, self.collections[name].name)

    def frame(self, store: Store, name: str) -> LayerFrame:
        """The current features of the layer called *name*; an unknown one is a NotFoundError."""
        layer = self.layers[name]
        with store.snapshot():
            version = store.layer_version(name)
            return self._frames.get(name, version, lambda: LayerFrame.of(layer, store.read(name)))

    def figures_of(self, store: Store, name: str | None) -> Figures | None:
        """Figures of the run that *name* means, or of the newest; None while nothing was computed.

        A run that does not exist is a UsageError: it comes from a parameter, not from an address.
        """
        try:
            run = store.run() if name is None else store.named_run(name)
        except NotFoundError as error:
            raise UsageError(error.text.en, error.text.zh) from error
        if run is None:
            return None
        return Figures.open(store, self.workspace, self.layers, self.indicators, run.id)

    def table(self, figures: Figures, state: str, **choice: Any) -> pd.DataFrame:
        """``figures.table(**choice)``, kept while the store is in *state*. Not to be written to."""
        key = (figures.run.id, *sorted(choice.items()))
        return self._tables.get(key, state, lambda: figures.table(**choice))

    def explain(self, figures: Figures, indicator: str, subject: Subject) -> Explanation:
        """A figure taken apart; one at a time, as each measures the whole county (seconds of one core)."""
        return self.alone(lambda: explain(figures, figures.indicators[indicator], subject))

    def alone(self, measure: Callable[[], V]) -> V:
        """What *measure* gives, one at a time: each may measure the whole county.

        Who waits too long is refused: waiting requests keep others from being answered.
        """
        if not self._explaining.acquire(timeout=PATIENCE):
            raise StoreBusyError(
                "other figures are being measured; try again in a moment", "正在计算其他指标，请稍后再试"
            )
        try:
            return measure()
        finally:
            self._explaining.release()

    def page(self, name: Hashable, state: str, draw: Callable[[Atlas], str]) -> str:
        """The page called *name*, kept while the store is in *state*; *draw* makes it."""
        return self._pages.get(name, state, lambda: draw(self._atlases.get("newest", state, self._atlas)))

    def _atlas(self) -> Atlas:
        """What maps of the newest run are drawn from: chiefs' phones as the county allows, no other personal data."""
        phones = self.workspace.county.phones_on_pages
        with self.store() as store:
            return Atlas.open(
                store, self.workspace, self.layers, self.indicators, phones=phones, personal=False
            )
