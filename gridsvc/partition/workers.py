"""Work on several cores: the same parts in the same order, whoever does them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Batch:
    """Parts of one piece of work, handed out one by one."""

    def __init__(self, work: Callable[[Any], Any], parts: list[Any], within: _Batch | None) -> None:
        self.work, self.parts, self.within = work, parts, within
        self.results: list[Any] = [None] * len(parts)
        self.taken = self.done = 0
        self.faults: list[BaseException] = []

    @property
    def open(self) -> bool:
        """True while there are parts to take."""
        return self.taken < len(self.parts) and not self.faults

    @property
    def over(self) -> bool:
        """True when all parts that will ever be taken are done."""
        return self.done == self.taken and not self.open

    def is_in(self, other: _Batch | None) -> bool:
        """True for *other* itself and for what a part of it asked for; anything is in None."""
        batch: _Batch | None = self
        while batch is not None and batch is not other:
            batch = batch.within
        return batch is other


class Workers:
    """Threads that share work. Numeric libraries let go of Python's lock, so threads are enough.

    Whoever asks works too, and while it waits for the last parts it helps with what those ask for in turn. It helps
    with nothing else: it may hold what the rest is waiting for.
    """

    def __init__(self, threads: int = 1) -> None:
        """Work with *threads* threads, the asking one among them; 0: one for each core."""
        self.threads = threads or available_cores()
        self._change = threading.Condition()
        self._batches: list[_Batch] = []
        self._mine = threading.local()
        self._ended = False
        self._pool = [threading.Thread(target=self._help, daemon=True) for _ in range(self.threads - 1)]
        for thread in self._pool:
            thread.start()

    def map(self, work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
        """What *work* makes of each part, in the order of the parts. The first fault is raised."""
        todo = list(parts)
        if not self._pool or len(todo) < 2:
            return [work(part) for part in todo]
        batch = _Batch(work, todo, getattr(self._mine, "batch", None))
        with self._change:
            self._batches.append(batch)
            self._change.notify_all()
        self._help(batch)
        with self._change:
            self._batches.remove(batch)
        if batch.faults:
            raise batch.faults[0]
        return batch.results

    def _help(self, until: _Batch | None = None) -> None:
        """Do parts of a batch and of what it asks for until it is over; of any batch, until the end."""
        while True:
            with self._change:
                while (chosen := self._next(until)) is None:
                    if self._ended if until is None else until.over:
                        return
                    self._change.wait()
                number = chosen.taken
                chosen.taken += 1
            self._do(chosen, number)

    def _next(self, within: _Batch | None) -> _Batch | None:
        """The newest batch that has parts to take."""
        return next((one for one in reversed(self._batches) if one.open and one.is_in(within)), None)

    def _do(self, batch: _Batch, number: int) -> None:
        before = getattr(self._mine, "batch", None)
        self._mine.batch = batch
        try:
            batch.results[number] = batch.work(batch.parts[number])
        except BaseException as fault:
            batch.faults.append(fault)
        self._mine.batch = before
        with self._change:
            batch.done += 1
            self._change.notify_all()

    def __enter__(self) -> Self:
        """Work until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the threads go."""
        with self._change:
            self._ended = True
            self._change.notify_all()
        for thread in self._pool:
            thread.join()


class Kept:
    """Results that several ask for, each made once, by whoever asks first; the others wait for it."""

    def __init__(self) -> None:
        """Nothing is made yet."""
        self._made: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """The result under *key*; *make* makes it when nobody has."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._made:
                self._made[key] = make()
            made: Result = self._made[key]
        return made


def do(work: Callable[[], Any]) -> None:
    """Do one thing, for its effect: to map over different ones."""
    work()


ALONE = Workers(1)
"""No threads but the asking one."""
