"""What the store holds of a layer now, as far as a load needs to know it beforehand."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from gridsvc.layers import Layer
from gridsvc.store import Store
from gridsvc.store.frames import rows_of
from gridsvc.store.schema import CONTEXT_KEY, layer_table
from gridsvc.store.versions import Changes, count, count_changes, select


def current_keys(store: Store, layer: Layer, *, context: bool = False) -> set[str]:
    """Keys of the layer's current rows: the county's own, or its neighbours' as the neighbours write them."""
    with store.snapshot():
        rows = select(store.database, layer_table(layer), ("key",), context=context)
    return {key.removeprefix(CONTEXT_KEY) if context else key for (key,) in rows}


def current_count(store: Store, layer: Layer, *, context: bool = False) -> int:
    """Number of the layer's current rows: the county's own, or its neighbours'."""
    with store.snapshot():
        return count(store.database, layer_table(layer), context=context)


def preview(
    store: Store,
    layer: Layer,
    frame: pd.DataFrame,
    mode: str,
    kept: Collection[str],
    split: Collection[str] = (),
    *,
    context: bool = False,
) -> Changes:
    """What applying *frame* would do (:meth:`Store.apply`), without doing it."""
    table = layer_table(layer)
    rows = rows_of(frame, table)
    with store.snapshot():
        found = select(store.database, table, ("key", "hash"), context=context)
    current = {key.removeprefix(CONTEXT_KEY) if context else key: digest for key, digest in found}
    held = np.array([current.get(key) for key in rows.keys.tolist()], dtype=object)
    new = np.array([value is None for value in held], dtype=bool)
    unchanged = ~new & (held == rows.hashes)
    staying = len(set(kept) & (set(current) - set(rows.keys.tolist())))
    ended = len(current) - int((~new).sum()) - staying if mode == "replace" else 0
    return count_changes(rows.keys, new, ~new & ~unchanged, ended, split)
