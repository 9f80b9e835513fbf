"""What a layer held before: keys that have ended, with their last row, and when keys first came."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import geopandas
import pandas as pd

from gridsvc.store.database import quoted
from gridsvc.store.frames import frame_of
from gridsvc.store.schema import layer_table
from gridsvc.store.store import Store
from gridsvc.store.versions import SOME


def former_rows(store: Store, layer: str) -> pd.DataFrame | geopandas.GeoDataFrame:
    """The last row of every key of *layer* that a load has ended and that is not current: as :meth:`Store.read`.

    With ``ended_by``, the load. What only came and went by a load that is undone was never there.
    """
    db, table = store.database, layer_table(store.layers[layer])
    names = ["fid", "key", *table.columns, *(["geometry"] if table.geometry else [])]
    rows: list[tuple[Any, ...]] = []
    with store.snapshot():
        present = set(db.columns(table.name))
        if present and db.columns("loads"):
            chosen = ", ".join(quoted(name) if name in present else "NULL" for name in names)
            rows = db.rows(
                f"SELECT {table.ended}, {chosen} FROM {table.name} WHERE {table.begun} <> {table.ended} "
                f"AND {table.ended} IN "
                "(SELECT id FROM loads WHERE kind = 'load' AND status = 'done') AND key NOT IN "
                f"(SELECT key FROM {table.name} WHERE {table.ended} IS NULL) ORDER BY key, {table.ended}"
            )
        last = {row[2]: row for row in rows}
        frame = frame_of([row[1:] for row in last.values()], ("fid", "key"), table, store.crs)
    return frame.assign(ended_by=[int(row[0]) for row in last.values()])


def first_loads(store: Store, layer: str) -> dict[str, int]:
    """The load that first brought each key of *layer* that there is or was."""
    db, table = store.database, layer_table(store.layers[layer])
    with store.snapshot():
        if not db.columns(table.name):
            return {}
        return dict(db.rows(f"SELECT key, MIN({table.begun}) FROM {table.name} GROUP BY key"))


def last_loads(store: Store, layer: str, keys: Collection[str] | None = None) -> dict[str, int]:
    """The load that brought each current row of *layer*, by key; of *keys* only, where these are given."""
    db, table = store.database, layer_table(store.layers[layer])
    with store.snapshot():
        if not db.columns(table.name):
            return {}
        current = f"SELECT key, {table.begun} FROM {table.name} WHERE {table.ended} IS NULL"
        if keys is None:
            return dict(db.rows(current))
        wanted = sorted(keys)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), SOME):
            some = wanted[start : start + SOME]
            found |= dict(db.rows(f"{current} AND key IN ({', '.join('?' * len(some))})", some))
        return found
