"""A small cache: the newest version of each thing, made once however many ask for it at the same time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Shelf(Generic[V]):
    """Keeps at most *size* things; each has a stamp (its version) and is made anew when that changes."""

    def __init__(self, size: int) -> None:
        """Make an empty shelf."""
        self._size = size
        self._lock = Lock()
        self._things: OrderedDict[Hashable, tuple[Hashable, V]] = OrderedDict()
        self._makers: dict[Hashable, Lock] = {}

    def get(self, key: Hashable, stamp: Hashable, make: Callable[[], V]) -> V:
        """The thing called *key* as of *stamp*; *make* is called when the shelf has none of that stamp."""
        with self._lock:
            found = self._look(key, stamp)
            if found is not None:
                return found[0]
            maker = self._makers.setdefault(key, Lock())
        with maker:
            with self._lock:
                found = self._look(key, stamp)
            if found is not None:
                return found[0]
            thing = make()
            with self._lock:
                self._things[key] = (stamp, thing)
                self._things.move_to_end(key)
                while len(self._things) > self._size:
                    gone, _ = self._things.popitem(last=False)
                    self._makers.pop(gone, None)
        return thing

    def _look(self, key: Hashable, stamp: Hashable) -> tuple[V] | None:
        held = self._things.get(key)
        if held is None or held[0] != stamp:
            return None
        self._things.move_to_end(key)
        return (held[1],)
