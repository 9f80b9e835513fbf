"""The SQLite engine: a file in the workspace, in write-ahead logging."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gridsvc.settings import StoreUrl
from gridsvc.store.database import Connected, quoted
from gridsvc.text import bilingual

# column types of this engine, by the types that layer definitions use
TYPES = {
    "text": "TEXT",
    "integer": "INTEGER",
    "number": "REAL",
    "boolean": "INTEGER",
    "date": "TEXT",
    "binary": "BLOB",
    "geometry": "BLOB",
}

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NO_RIGHTS = bilingual(
    "it or its folder cannot be opened or written; check your rights to them",
    "无法打开或写入该文件或其所在文件夹；请检查权限",
)
_DAMAGED = bilingual(
    "it is no gridsvc database, or damaged; put a backup in its place",
    "它不是 gridsvc 数据库，或已损坏；请用备份替换",
)
# what people can do about the engine's errors; the others are told in its own words
_REASONS = {
    sqlite3.SQLITE_READONLY: _NO_RIGHTS,
    sqlite3.SQLITE_CANTOPEN: _NO_RIGHTS,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_FULL: bilingual("the disk is full; nothing was stored", "磁盘已满；未存入任何内容"),
    sqlite3.SQLITE_IOERR: bilingual(
        "the disk refuses it: it is full, a limit on its files is reached, or it is damaged; nothing was stored",
        "磁盘拒绝读写：磁盘已满、文件大小达到上限，或磁盘损坏；未存入任何内容",
    ),
}


class SqliteDatabase(Connected[sqlite3.Connection]):
    """A connection to a file. A file that does not exist reads as empty."""

    def __init__(self, url: StoreUrl, *, write: bool, busy_timeout: float) -> None:
        """Open the file; with *write* it is made when it does not exist."""
        super().__init__(url.name, write=write, busy_timeout=busy_timeout)
        self.path = Path(url.location)
        self._seen: tuple[int, int, int] | None = None
        self._connect()

    def _connect(self) -> None:
        """Connect as writer, as reader, to a frozen file, or to nothing at all."""
        self.close()
        self._seen = None
        with self._explained():
            if self.write:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = self._open("rwc")
                self._settle()
            elif not self.path.is_file():
                self._connection = self._open(None)
            else:
                self._connection = self._open_reader()
            self._connection.execute("PRAGMA cache_size = -65536")

    def _open(self, mode: str | None) -> sqlite3.Connection:
        """Connect in a URI *mode* (None: an empty database in memory) without implicit transactions."""
        uri = f"{self.path.absolute().as_uri()}?{mode if mode == 'immutable=1' else f'mode={mode}'}"
        return sqlite3.connect(
            ":memory:" if mode is None else uri,
            timeout=self.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            uri=mode is not None,
        )

    def _open_reader(self) -> sqlite3.Connection:
        """Connect read-only; in a folder that cannot be written, to the file as it stands."""
        connection = self._open("ro")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            # a log beside the file holds commits that a frozen reading would miss
            frozen = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
            if not frozen or self._log_size():
                raise
            connection = self._open("immutable=1")
            self._seen = self._signature()
        return connection

    def _log_size(self) -> int:
        """Bytes in the write-ahead log beside the file."""
        log = self.path.with_name(self.path.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def _signature(self) -> tuple[int, int, int]:
        """What changes when somebody writes to the file."""
        stat = self.path.stat()
        return stat.st_mtime_ns, stat.st_size, self._log_size()

    def _settle(self) -> None:
        """Switch to write-ahead logging, so that readers never wait for a writer."""
        # the switch itself does not honour the busy timeout
        deadline = time.monotonic() + self.busy_timeout
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.connection.execute("PRAGMA synchronous = FULL")

    def _refresh(self) -> None:
        """Connect again where a store has appeared, or a frozen file has been replaced."""
        if self.write or self._connection is None:
            return
        appeared = self._seen is None and not self._is_file_open() and self.path.is_file()
        if appeared or (self._seen is not None and self._seen != self._signature()):
            self._connect()

    def _is_file_open(self) -> bool:
        return bool(self.connection.execute("PRAGMA database_list").fetchone()[2])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _BUSY:
                raise self._busy() from error
            if isinstance(error, PermissionError):
                code = sqlite3.SQLITE_READONLY
            raise self._unusable(_REASONS.get(code, bilingual(str(error), str(error)))) from error

    @property
    def _in_transaction(self) -> bool:
        return self.connection.in_transaction

    def _begin_reading(self) -> None:
        self._refresh()
        self.connection.execute("BEGIN")

    def _begin_writing(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        self.connection.execute("COMMIT")

    def _rollback(self) -> None:
        self.connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row that *sql* selects."""
        with self._lock, self._explained():
            return self.connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute one statement."""
        with self._lock, self._explained():
            self.connection.execute(sql, parameters)

    def insert(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows."""
        columns, marks = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
        with self._lock, self._explained():
            self.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)

    def end(self, table: str, column: str, mark: int, versions: Sequence[int]) -> None:
        """Set *column* to *mark* in the rows of these versions."""
        with self._lock, self._explained():
            self.connection.executemany(
                f"UPDATE {table} SET {column} = ? WHERE version = ?",
                ((mark, version) for version in versions),
            )

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of *table*, in order; none when there is no such table."""
        return tuple(name for (name,) in self.rows("SELECT name FROM pragma_table_info(?)", (table,)))

    def column_type(self, kind: str) -> str:
        """The type that columns of this kind have."""
        return TYPES[kind]

    def size_of(self, column: str) -> str:
        """SQL expression for the bytes that a value of *column* takes."""
        return f"COALESCE(LENGTH(CAST({quoted(column)} AS BLOB)), 0)"

    def size(self) -> int:
        """Bytes of the file, without its log."""
        return int(self.rows("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")[0][0])

    def give_back(self) -> None:
        """Write the file anew without its empty pages; a reader goes on in the state it has begun to read."""
        with self._lock, self._explained():
            self.connection.execute("VACUUM")
            # while somebody reads, the file shrinks at a later checkpoint
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
