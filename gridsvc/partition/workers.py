"""Work on several cores: the same parts in the same order, whoever does them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self, TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Threads that share work. Numeric libraries let go of Python's lock, so threads are enough.

    Whoever asks works too, so work inside work never waits for a free thread.
    """

    def __init__(self, threads: int = 1) -> None:
        """Work with *threads* threads, the asking one among them; 0: one for each core."""
        self.threads = threads or available_cores()
        self._pool = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None

    def map(self, work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
        """What *work* makes of each part, in the order of the parts. The first fault is raised."""
        todo = list(parts)
        if self._pool is None or len(todo) < 2:
            return [work(part) for part in todo]
        results: list[Result] = [None] * len(todo)  # type: ignore[list-item]
        numbers = iter(range(len(todo)))
        lock, faults = threading.Lock(), list[BaseException]()

        def help_out() -> None:
            while True:
                with lock:
                    number = next(numbers, None) if not faults else None
                if number is None:
                    return
                try:
                    results[number] = work(todo[number])
                except BaseException as fault:
                    faults.append(fault)

        helpers = [self._pool.submit(help_out) for _ in range(min(self.threads, len(todo)) - 1)]
        help_out()
        # a helper that never began is not needed any more
        wait([helper for helper in helpers if not helper.cancel()])
        if faults:
            raise faults[0]
        return results

    def __enter__(self) -> Self:
        """Work until the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()


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
