"""The history of a store: what changed, what was delivered, and what is taken out of it when it is old."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.layers import Layers
from gridsvc.store import deliveries, loads, prune
from gridsvc.store.bounds import require_state
from gridsvc.store.database import Database
from gridsvc.store.deliveries import KeptFile
from gridsvc.store.diff import changed_keys, differences
from gridsvc.store.loads import LoadRecord
from gridsvc.store.schema import Table, layer_table, stored_tables

LINEAGE = "lineage"
"""Layer that says what became of units."""


class History:
    """The part of a :class:`gridsvc.store.Store` that looks back."""

    layers: Layers
    _db: Database

    def diff(self, layer: str, a: int, b: int | None = None) -> pd.DataFrame:
        """What changed in *layer* from the state after load *a* to that after load *b* (None: now).

        *a* and *b* are loads of any layer: moments in the history of the whole store; 0 is before all of them.
        One row per feature that differs, by key; see :func:`gridsvc.store.diff.differences` for its columns.
        Unknown loads and states that were pruned are a :class:`NotFoundError`.
        """
        table = self._layer_table(layer)
        with self._db.reading():
            for moment in (a, b):
                if moment:
                    loads.find_load(self._db, moment)
                if moment is not None:
                    require_state(self._db, layer, moment)
            return differences(self._db, table, a, b)

    def newest_load(self) -> int:
        """Id of the newest load, of any layer; 0 before the first."""
        with self._db.reading():
            return loads.newest_load(self._db)

    def changed_keys(self, since: int) -> dict[str, list[str]]:
        """By layer the keys of rows that loads after *since* brought, changed or ended; sorted.

        Keys of neighbouring counties' features begin with :data:`~gridsvc.store.schema.CONTEXT_KEY`. Raises
        :class:`NotFoundError` where it is not known any more because a state was pruned.
        """
        with self._db.reading():
            found = {}
            for layer in loads.layers_since(self._db, since):
                require_state(self._db, layer, since)
                found[layer] = changed_keys(self._db, self._layer_table(layer), since)
            return found

    def delivered(self, load_id: int) -> list[KeptFile]:
        """The files that are kept with a load; none where it came from no file or they are not kept."""
        with self._db.reading():
            loads.find_load(self._db, load_id)
            return deliveries.kept_files(self._db, load_id)

    def write_delivered(self, load_id: int, folder: Path) -> list[Path]:
        """Write the files of a load into *folder*, byte for byte, all or none; returns where they are.

        Raises :class:`NotFoundError` where none are kept, and says why, :class:`UsageError` where one exists.
        """
        with self._db.reading():
            record, files = loads.find_load(self._db, load_id), self.delivered(load_id)
            if not files:
                raise _none_kept(record)
            return deliveries.write_back(self._db, files, folder)

    def prune(
        self, *, before: int | None = None, keep: int | None = None, dry_run: bool = False
    ) -> prune.Pruned:
        """Take out old row versions, and what only they needed; current content is not touched.

        *before*: the state after this load (of any layer) is the oldest that remains; *keep*: the states after
        this many newest loads of every layer remain. States that a published run or the newest run rests on
        remain in any case, and so does all of the units and their lineage; other drafts lose their results
        with the states they rest on.
        """
        if (before is None) == (keep is None) or (keep is not None and keep < 1):
            raise UsageError("prune: say either before or keep", "prune：请指定 before 或 keep 之一")
        with self._db.reading() if dry_run else self._db.writing():
            if not self._db.columns("loads"):
                return prune.Pruned({}, {}, [], [], 0, 0)
            tables = stored_tables(self._db, self.layers)
            # a code is never used again, and figures of earlier days are asked of earlier units
            spared = {layer.name for layer in self.layers.values() if layer.role == "unit"} | {LINEAGE}
            plan = prune.plan(self._db, tables, before=before, keep=keep, spared=spared)
            if not (dry_run or plan.pruned.nothing):
                prune.carry_out(self._db, tables, plan)
        return plan.pruned

    def give_back(self) -> tuple[int, int]:
        """Give back the space of what was pruned; returns the store's bytes before and after."""
        before = self._db.size()
        self._db.give_back()
        return before, self._db.size()

    def _layer_table(self, layer: str, where: Mapping[str, Any] | None = None) -> Table:
        """Table of a layer; unknown layers and columns are refused."""
        table = layer_table(self.layers[layer])
        require_columns(table, where)
        return table


def _none_kept(record: LoadRecord) -> NotFoundError:
    """Why no files are kept with a load."""
    en, zh = (
        "it came from no file, or from before files were kept",
        "它不是由文件入库，或入库时尚未保存原始文件",
    )
    if record.kind == "rollback":
        en, zh = f"it undid load {record.undoes}", f"它是对入库 {record.undoes} 的撤销"
    elif record.options.get("delivered", {}).get("kept") is False:
        en, zh = "they were larger than keep_delivered_mb allows", "其大小超过 keep_delivered_mb"
    elif record.options.get("delivered", {}).get("files"):
        en, zh = "they were pruned", "已被清理"
    return NotFoundError(
        f"no files are kept with load {record.id}: {en}", f"入库 {record.id} 没有保存原始文件：{zh}"
    )


def require_columns(table: Table, where: Mapping[str, Any] | None) -> None:
    """Refuse a condition on columns that *table* does not have."""
    unknown = set(where or {}) - {"fid", "key", *table.columns}
    if unknown:
        name = sorted(unknown)[0]
        raise UsageError(f"{table.name} has no column {name!r}", f"{table.name} 没有字段 {name!r}")
