"""A follower: holds the warm engine of a workspace and computes again whenever something was loaded."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gridsvc.coverage.changes import Change
from gridsvc.coverage.indicators import Indicators, indicators_written, load_indicators
from gridsvc.coverage.sums import UNIT
from gridsvc.coverage.warm import Warm
from gridsvc.errors import DefinitionError, GridsvcError, StoreError
from gridsvc.layers import Layers
from gridsvc.partition.workers import Workers
from gridsvc.settings import Workspace
from gridsvc.store import Lease, RunRecord, Store, open_store

LEASE = "follower"
PAUSE = 1.0
"""Seconds between looks at the store."""
LONGER = 30
"""Pauses after a fault that nobody expected."""


class _Stopped(Exception):
    """Somebody wants the follower to end."""


@dataclass(frozen=True)
class Followed:
    """What a follower did."""

    run: RunRecord
    seconds: float
    change: Change | None = None
    """None when it began."""

    @property
    def subjects(self) -> int:
        """Number of figures of units, roads and chiefs that changed."""
        if self.change is None:
            return 0
        return int(self.change.sums["subject_kind"].isin([UNIT, "road", "chief"]).sum())

    @property
    def indicators(self) -> list[str]:
        """Indicators of which figures changed."""
        return [] if self.change is None else sorted(self.change.sums["indicator"].unique())


class Follower:
    """Follows a store. Of several on one store one at a time works, the others wait for it to end."""

    def __init__(
        self,
        workspace: Workspace,
        layers: Layers,
        told: Callable[[Followed | GridsvcError], None],
        as_of: dt.date | None = None,
        threads: int | None = None,
        pause: float = PAUSE,
    ) -> None:
        """*as_of*: the day that figures are for; None: today, whenever that is. *told* is called with what was done.

        *pause*: seconds between looks at the store.
        """
        self.workspace, self.layers = workspace, layers
        self._told, self._as_of, self._pause = told, as_of, pause
        self._threads = workspace.county.threads if threads is None else threads
        self._warm: Warm | None = None
        self._seen, self._written, self._failed, self._broken = -1, -1.0, "", ""

    @property
    def day(self) -> dt.date:
        """The day that figures are for."""
        return self._as_of or dt.date.today()

    def run(self, stop: threading.Event) -> None:
        """Follow until *stop* is set. What goes wrong is told once, and tried again."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except _Stopped:
                return
            except GridsvcError as error:
                self._fail(error)
                stop.wait(self._pause)
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
                self._fail(
                    StoreError(
                        f"could not compute ({fault}); it is tried again", f"计算失败（{fault}）；将重试"
                    )
                )
                self._seen = -1
                stop.wait(LONGER * self._pause)

    def _follow(self, stop: threading.Event) -> None:
        with Lease(self.workspace.store_url, LEASE) as lease:
            while not lease.take():
                if stop.wait(self._pause):
                    return
            with (
                Workers(self._threads) as workers,
                open_store(self.workspace, self.layers, write=True) as store,
            ):
                while not stop.is_set():
                    self._look(store, workers, stop)
                    stop.wait(self._pause)

    def _look(self, store: Store, workers: Workers, stop: threading.Event) -> None:
        """Look once; what goes wrong is told, and everything is read anew when something was loaded again."""
        begun = time.perf_counter()

        def watch(what: str, done: int, total: int) -> None:
            if stop.is_set():
                raise _Stopped

        try:
            load = store.newest_load()
            warm, stale = self._warm, self._stale()
            if warm is None and load == self._seen and not stale:
                return
            self._seen = load
            indicators = self._indicators(warm) if stale or warm is None else warm.indicators
            if warm is None or warm.scene.as_of != self.day:
                # not two at a time
                warm = self._warm = None
                warm = Warm.open(store, self.workspace, self.layers, indicators, self.day, workers, watch)
                change = None
            elif (change := warm.update(indicators)) is None:
                return
            self._warm = warm
        except GridsvcError as error:
            self._fail(error)
            return
        self._failed = self._broken
        if warm.run is not None:
            self._told(Followed(warm.run, time.perf_counter() - begun, change))

    def _fail(self, error: GridsvcError) -> None:
        # what is in memory may be half of an update
        self._warm = None
        self._tell(error)

    def _tell(self, error: GridsvcError) -> None:
        if error.text.en != self._failed:
            self._told(error)
        self._failed = error.text.en

    def _stale(self) -> bool:
        """Whether the workspace's own definitions of indicators were written since the last look."""
        written = indicators_written(self.workspace)
        stale, self._written = written != self._written, written
        return stale

    def _indicators(self, warm: Warm | None) -> Indicators:
        """The definitions as they are written; where these are broken, which is told, as they were."""
        self._broken = ""
        try:
            return load_indicators(self.workspace, self.layers)
        except DefinitionError as error:
            if warm is None:
                raise
            self._tell(error)
            self._broken = error.text.en
            return warm.indicators
