"""A whole store from one place to another: every version, load, run and quarantined row, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gridsvc.errors import NotFoundError, StoreError, UsageError
from gridsvc.layers import Layers
from gridsvc.settings import StoreUrl
from gridsvc.store.database import BUSY_TIMEOUT, Database, connect, quoted
from gridsvc.store.extent import place
from gridsvc.store.schema import RECORDS, create, require_readable, stored_tables

BATCH = 20_000
"""Rows that are read, written and compared at a time."""
FEW = 4
"""As many where one row holds megabytes."""


@dataclass(frozen=True)
class Copied:
    """What was copied: rows by table; loads and runs are among them."""

    rows: dict[str, int]

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def copy_store(
    source: StoreUrl,
    target: StoreUrl,
    layers: Layers,
    *,
    reach: Callable[[str, int, int], None] = lambda what, done, total: None,
    busy_timeout: float = BUSY_TIMEOUT,
) -> Copied:
    """Copy the store at *source* into the empty one at *target*; both stay usable, *source* is only read.

    Every row is read back and compared before the target is committed: it holds everything or nothing.
    *reach* is told the table, rows done and rows in all. Raises :class:`NotFoundError` where *source* holds
    nothing, :class:`UsageError` where *target* holds anything.
    """
    old = connect(source, write=False, busy_timeout=busy_timeout)
    try:
        with old.reading():
            require_readable(old, layers)
            if _is_empty(old):
                raise NotFoundError(
                    f"the store {old.name} holds nothing to copy", f"数据库 {old.name} 中没有可复制的内容"
                )
            new = connect(target, write=True, busy_timeout=busy_timeout)
            try:
                with new.writing():
                    return _copy(old, new, layers, reach)
            finally:
                new.close()
    finally:
        old.close()


def _is_empty(db: Database) -> bool:
    """True where nothing was ever loaded or computed."""
    return all(not db.columns(name) or not _count(db, name) for name in ("loads", "runs", "quarantine"))


def _count(db: Database, table: str) -> int:
    return int(db.rows(f"SELECT COUNT(*) FROM {table}")[0][0])


def _copy(old: Database, new: Database, layers: Layers, reach: Callable[[str, int, int], None]) -> Copied:
    if not _is_empty(new):
        raise UsageError(
            f"the store {new.name} holds something already; name one that holds nothing",
            f"数据库 {new.name} 中已有内容；请指定空的数据库",
        )
    tables = stored_tables(old, layers)
    create(new, tables)
    new.settle(lambda: place(old, layers)[1], tables)
    # an older store lacks some
    records = [name for name in RECORDS if name not in ("meta", "fields") and old.columns(name)]
    pairs = [(name, next(iter(RECORDS[name]))) for name in records] + [
        (table.name, "version") for table in tables
    ]
    counts = {name: _count(old, name) for name, _ in pairs}
    done = 0
    for name, identity in pairs:
        for rows in _copy_table(old, new, name, identity):
            done += rows
            reach(name, done, sum(counts.values()))
    found = {name: _count(new, name) for name, _ in pairs}
    if found != counts:
        raise _differs(new, next(name for name in counts if found[name] != counts[name]))
    published = old.rows("SELECT name, value FROM meta WHERE name = 'published'")
    new.run("DELETE FROM meta WHERE name = 'published'")
    new.insert("meta", ("name", "value"), published)
    return Copied(counts)


def _copy_table(old: Database, new: Database, name: str, identity: str) -> Iterator[int]:
    """Copy one table in the order of *identity*; yields the rows of every batch."""
    names = old.columns(name)
    place, last = names.index(identity), None
    batch = FEW if name == "chunks" else BATCH
    selected = f"SELECT {', '.join(map(quoted, names))} FROM {name}"
    while True:
        beyond = "" if last is None else f" WHERE {identity} > ?"
        rows = old.rows(
            f"{selected}{beyond} ORDER BY {identity} LIMIT {batch}", () if last is None else (last,)
        )
        if not rows:
            return
        new.insert(name, names, rows)
        first, last = rows[0][place], rows[-1][place]
        again = new.rows(f"{selected} WHERE {identity} BETWEEN ? AND ? ORDER BY {identity}", (first, last))
        if again != rows:
            raise _differs(new, name)
        yield len(rows)


def _differs(db: Database, table: str) -> StoreError:
    return StoreError(
        f"{table} in {db.name} is not what was copied into it; nothing was stored",
        f"{db.name} 中的 {table} 与复制内容不一致；未存入任何内容",
    )
