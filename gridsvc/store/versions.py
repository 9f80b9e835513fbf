"""Row versions: the one diff by which loads and runs change a table, and the states it can be read in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridsvc.store.database import Database, quoted
from gridsvc.store.frames import Rows
from gridsvc.store.schema import CONTEXT, Table

SOME = 500
"""Keys that are looked up in one go."""


@dataclass(frozen=True)
class Changes:
    """What a diff did to a table's rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    ended: int = 0
    split: int = 0
    """Rows of which a part was stored only, told apart from the others."""


def state(table: Table, at: int | None) -> tuple[str, list[int]]:
    """SQL condition and parameters for the rows that were current after load or run *at* (None: now)."""
    if at is None:
        return f"{table.ended} IS NULL", []
    return f"{table.begun} <= ? AND ({table.ended} IS NULL OR {table.ended} > ?)", [at, at]


def part(db: Database, table: Table, context: bool) -> str:
    """SQL condition for the rows of one part of a table: the county's own, or those of its neighbours."""
    if CONTEXT not in table.stored or CONTEXT not in db.columns(table.name):
        return "1 = 0" if context else "1 = 1"
    return f"{CONTEXT} IS {'NOT ' if context else ''}NULL"


def select(
    db: Database,
    table: Table,
    names: Iterable[str],
    *,
    at: int | None = None,
    where: Mapping[str, Any] | None = None,
    context: bool = False,
) -> list[tuple[Any, ...]]:
    """Columns *names* of the rows current after *at*, sorted by key: own ones, or (*context*) the neighbours'.

    *where* asks for equality by column: with a value, with None (no value), or with any of a list.
    Columns and tables that the database does not have yet read as NULL and as empty.
    """
    present = set(db.columns(table.name))
    if not present:
        return []
    condition, parameters = state(table, at)
    condition = f"({condition}) AND {part(db, table, context)}"
    bound: list[Any] = list(parameters)
    kinds = {"key": "text", "fid": "integer", **table.columns}
    for name, wanted in (where or {}).items():
        column = quoted(name) if name in present else "NULL"
        if wanted is None:
            condition += f" AND {column} IS NULL"
        elif isinstance(wanted, list | tuple | set | frozenset):
            # one parameter a value, in a stable order
            values = sorted(wanted, key=str)
            condition += f" AND {column} IN ({', '.join('?' * len(values))})" if values else " AND 1 = 0"
            bound.extend(db.parameter(_plain(value), kinds[name]) for value in values)
        else:
            condition += f" AND {column} = ?"
            bound.append(db.parameter(_plain(wanted), kinds[name]))
    selected = ", ".join(quoted(name) if name in present else "NULL" for name in names)
    return db.rows(f"SELECT {selected} FROM {table.name} WHERE {condition} ORDER BY key", bound)


def _plain(value: Any) -> Any:
    """A value of a filter as it is stored."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    return value.isoformat()[:10] if hasattr(value, "isoformat") else value


def count(db: Database, table: Table, *, context: bool = False) -> int:
    """Number of current rows: own ones, or (*context*) the neighbours'."""
    if not db.columns(table.name):
        return 0
    condition = f"{table.ended} IS NULL AND {part(db, table, context)}"
    return int(db.rows(f"SELECT COUNT(*) FROM {table.name} WHERE {condition}")[0][0])


def holds_any(db: Database, table: Table) -> bool:
    """Whether there is a current row of the county's own."""
    if not db.columns(table.name):
        return False
    condition = f"{table.ended} IS NULL AND {part(db, table, False)}"
    return bool(db.rows(f"SELECT 1 FROM {table.name} WHERE {condition} LIMIT 1"))


def stored_rows(db: Database, table: Table, at: int, *, context: bool = False) -> Rows:
    """The rows of one part that were current after *at*, with every column that the database holds."""
    own = {"version", "fid", "key", "hash", table.begun, table.ended}
    names = tuple(name for name in db.columns(table.name) if name not in own)
    found = select(db, table, ("key", "hash", *names), at=at, context=context)
    keys, hashes = _columns([row[:2] for row in found], 2)
    return Rows(names, keys, hashes, lambda chosen: (found[row][2:] for row in chosen.tolist()))


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[npt.NDArray[np.object_]]:
    arrays = []
    for values in zip(*rows, strict=True) if rows else [()] * width:
        array = np.empty(len(rows), dtype=object)
        array[:] = values
        arrays.append(array)
    return arrays


def write(
    db: Database,
    table: Table,
    rows: Rows,
    mark: int,
    *,
    whole: bool,
    kept: Collection[str] = (),
    split: Collection[str] = (),
    context: bool = False,
) -> Changes:
    """Bring *table* from its current rows to *rows*, marked with load or run *mark*; inside a transaction.

    Only one part is touched: the county's own rows, or (*context*) those of its neighbours. Rows that are as they
    were stay untouched, changed and new ones become new versions. With *whole*, *rows* are everything there is,
    and what is not among them ends, but for the keys *kept*. A key keeps its ``fid`` for ever. The keys
    *split* are counted apart, whatever became of their rows.
    """
    own = part(db, table, context)
    current = db.rows(
        f"SELECT key, hash, fid, version FROM {table.name} WHERE {table.ended} IS NULL AND {own}"
    )
    return _bring(db, table, current, rows, mark, whole=whole, kept=kept, split=split)


def write_some(db: Database, table: Table, rows: Rows, gone: Collection[str], mark: int) -> Changes:
    """Have *rows* in the place of those with the same keys, and end those with the keys *gone*; like :func:`write`.

    Nothing but these rows is looked at.
    """
    keys = [*rows.keys.tolist(), *gone]
    current: list[tuple[Any, ...]] = []
    for start in range(0, len(keys), SOME):
        some = keys[start : start + SOME]
        current += db.rows(
            f"SELECT key, hash, fid, version FROM {table.name} "
            f"WHERE {table.ended} IS NULL AND key IN ({', '.join('?' * len(some))})",
            some,
        )
    return _bring(db, table, current, rows, mark, whole=True)


def _bring(
    db: Database,
    table: Table,
    current: list[tuple[Any, ...]],
    rows: Rows,
    mark: int,
    *,
    whole: bool,
    kept: Collection[str] = (),
    split: Collection[str] = (),
) -> Changes:
    """Bring *current* rows (key, hash, fid, version) to *rows*."""
    keys, hashes, fids, versions = _columns(current, 4)
    place = pd.Index(keys, dtype=object).get_indexer(pd.Index(rows.keys, dtype=object))
    new = place < 0
    changed = ~new
    changed[~new] = hashes[place[~new]] != rows.hashes[~new]
    vanished = np.full(len(keys), whole)
    vanished[place[~new]] = False
    if kept:
        vanished &= ~pd.Index(keys, dtype=object).isin(list(kept))
    gone = np.concatenate([versions[place[changed]], versions[vanished]])
    db.end(table.name, table.ended, mark, gone.tolist())
    fid = np.zeros(len(rows.keys), dtype="int64")
    fid[changed] = fids[place[changed]].astype("int64")
    fid[new] = _new_fids(db, table, rows.keys[new])
    _insert(db, table, rows, np.flatnonzero(new | changed), fid, mark)
    return count_changes(rows.keys, new, changed, int(vanished.sum()), split)


def count_changes(
    keys: npt.NDArray[np.object_],
    new: npt.NDArray[np.bool_],
    changed: npt.NDArray[np.bool_],
    ended: int,
    split: Collection[str],
) -> Changes:
    """What a diff comes to; rows that are *split* are counted as nothing else."""
    apart = np.asarray(pd.Index(keys, dtype=object).isin(list(split)), dtype=bool)
    added, altered = int((new & ~apart).sum()), int((changed & ~apart).sum())
    count = int(apart.sum())
    return Changes(added, altered, len(keys) - added - altered - count, ended, count)


def _new_fids(db: Database, table: Table, keys: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Feature ids of keys that have no current row: the one a key had before, else one never used."""
    if not len(keys):
        return np.zeros(0, dtype="int64")
    top = int(db.rows(f"SELECT COALESCE(MAX(fid), 0) FROM {table.name}")[0][0])
    ended, some = f"{table.ended} IS NOT NULL", keys.tolist() if len(keys) <= SOME else []
    if some:
        ended += f" AND key IN ({', '.join('?' * len(some))})"
    known = dict(db.rows(f"SELECT DISTINCT key, fid FROM {table.name} WHERE {ended}", some))
    found = np.array([known.get(key, 0) for key in keys], dtype="int64")
    fresh = found == 0
    found[fresh] = top + 1 + np.arange(int(fresh.sum()))
    return found


def _insert(
    db: Database, table: Table, rows: Rows, chosen: npt.NDArray[Any], fid: npt.NDArray[np.int64], mark: int
) -> None:
    """Insert the *chosen* rows as new versions."""
    first = int(db.rows(f"SELECT COALESCE(MAX(version), 0) + 1 FROM {table.name}")[0][0])
    heads = zip(map(int, fid[chosen]), rows.keys[chosen], rows.hashes[chosen], strict=True)
    db.insert(
        table.name,
        ("version", "fid", "key", "hash", table.begun, *rows.names),
        (
            (first + number, *head, mark, *values)
            for number, (head, values) in enumerate(zip(heads, rows.values(chosen), strict=True))
        ),
    )
