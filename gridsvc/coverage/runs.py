"""All runs with what became of them: published, corrected, pruned, and which layers were loaded since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridsvc.store import RunRecord, Store


def listed(store: Store) -> list[dict[str, Any]]:
    """All runs as plain values, in the order in which they were made.

    With ``state`` (``draft``, ``published``, ``corrected`` by a later revision, ``pruned``) and ``loaded_since``: the
    layers that the run would now read otherwise.
    """
    every = store.runs()
    newest: dict[str, int] = {}
    for one in filter(None, (run.publication for run in every)):
        newest[one.number] = max(newest.get(one.number, 0), one.revision)
    touched = dict.fromkeys(store.layers, 0)
    for load in store.loads():
        if load.touched and load.layer in touched:
            touched[load.layer] = max(touched[load.layer], load.id)
    return [_plain(run, newest, touched) for run in every]


def _plain(run: RunRecord, newest: Mapping[str, int], touched: Mapping[str, int]) -> dict[str, Any]:
    """One run as plain values."""
    one, state = run.publication, "pruned" if run.pruned else run.status
    if one is not None and newest[one.number] > one.revision:
        state = "corrected"
    since = [name for name, load in touched.items() if load > run.versions.get(name, 0)]
    return {**run.as_dict(), "state": state, "loaded_since": since}
