"""Features of neighbouring counties: kept beside the county's own, marked, and with keys of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.store.frames import Objects
from gridsvc.store.loads import Source
from gridsvc.store.schema import CONTEXT, CONTEXT_KEY, Table


def of_neighbours(
    table: Table, frame: pd.DataFrame, source: Source, kept: Collection[str]
) -> tuple[pd.DataFrame, Source, list[str]]:
    """A load of neighbouring counties' features as the store keeps it: marked, and with keys of their own."""
    if not table.context:
        raise UsageError(
            f"{table.view} holds no features of neighbouring counties", f"{table.view} 不接受邻县要素"
        )
    marked = frame.assign(context=True, key=CONTEXT_KEY + frame["key"].astype(str))
    told = replace(source, options={**source.options, CONTEXT: True})
    return marked, told, [CONTEXT_KEY + key for key in kept]


def require_own_keys(table: Table, keys: Objects) -> None:
    """Refuse keys that look like those of neighbouring counties' features."""
    if table.context and any(key.startswith(CONTEXT_KEY) for key in keys):
        raise InputRefusedError(
            f"{table.view}: no key may begin with {CONTEXT_KEY!r}, which marks features of neighbouring counties",
            f"{table.view}：编号不得以 {CONTEXT_KEY!r} 开头，它用于标识邻县要素",
        )
