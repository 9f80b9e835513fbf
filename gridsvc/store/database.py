"""What every engine of the store offers, and the rules that hold on each: who waits, who sees what."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from gridsvc.errors import StoreBusyError, StoreError
from gridsvc.settings import StoreUrl
from gridsvc.text import Text

if TYPE_CHECKING:
    from gridsvc.store.schema import Table

BUSY_TIMEOUT = 10.0
"""Seconds that a writer waits for another writer before it gives up."""


class Database(ABC):
    """One connection, usable from several threads (one at a time) and beside other processes.

    A reader sees one committed state from the first to the last statement of :meth:`reading`, and does not
    wait for writers. Writers take turns. A database that does not exist reads as empty.

    Statements mark parameters with ``?``. Values go in and come out as the store keeps them: None, text,
    integers, floats, 0 and 1, ISO days, bytes; geometries as little-endian WKB without SRID.
    """

    def __init__(self, name: str, *, write: bool, busy_timeout: float) -> None:
        """Keep what every engine knows; *name* is what people are told."""
        self.name = name
        self.write = write
        self.busy_timeout = busy_timeout
        self._lock = threading.RLock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the store for every statement inside; may be nested."""
        with self._lock:
            if self._in_transaction:
                yield
                return
            try:
                with self._explained():
                    self._begin_reading()
                yield
            finally:
                self._leave()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: everything inside is stored, or nothing. Waits for other writers."""
        if not self.write:
            raise StoreError(
                f"the store {self.name} is open for reading only", f"数据库 {self.name} 以只读方式打开"
            )
        with self._lock:
            try:
                with self._explained():
                    self._begin_writing()
                yield
                with self._explained():
                    self._commit()
            except BaseException:
                self._leave()
                raise

    def _leave(self) -> None:
        """End the transaction, if one is open, and keep nothing of it."""
        if self._in_transaction:
            with self._explained():
                self._rollback()

    # what is told when it does not work

    def _closed(self) -> StoreError:
        return StoreError(f"the store {self.name} is closed", f"数据库 {self.name} 已关闭")

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(
            f"another process is writing to {self.name}; waited {self.busy_timeout:g} s: "
            "try again when it has finished",
            f"另一个进程正在写入 {self.name}；已等待 {self.busy_timeout:g} 秒，请稍后重试",
        )

    def _unusable(self, reason: Text) -> StoreError:
        return StoreError(
            f"the store {self.name} cannot be used: {reason.en}", f"数据库 {self.name} 无法使用：{reason.zh}"
        )

    # what an engine brings

    @abstractmethod
    def close(self) -> None:
        """Close the connection; closing twice does nothing."""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row that *sql* selects."""

    @abstractmethod
    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute one statement."""

    @abstractmethod
    def insert(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert many rows."""

    @abstractmethod
    def end(self, table: str, column: str, mark: int, versions: Sequence[int]) -> None:
        """Set *column* to *mark* in the rows of these versions."""

    @abstractmethod
    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of *table*, in order; none when there is no such table."""

    @abstractmethod
    def column_type(self, kind: str) -> str:
        """The type that columns of this kind have."""

    @abstractmethod
    def size_of(self, column: str) -> str:
        """SQL expression for the bytes that a value of *column* takes."""

    @abstractmethod
    def size(self) -> int:
        """Bytes of the whole store."""

    @abstractmethod
    def give_back(self) -> None:
        """Give back the space of what was deleted; outside of transactions, readers go on undisturbed."""

    @property
    @abstractmethod
    def _in_transaction(self) -> bool: ...

    @abstractmethod
    def _explained(self) -> AbstractContextManager[None]:
        """Turn the engine's errors into sentences for people."""

    @abstractmethod
    def _begin_reading(self) -> None: ...

    @abstractmethod
    def _begin_writing(self) -> None: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None: ...

    # what only some engines need

    def parameter(self, value: Any, kind: str) -> Any:
        """A value that a column of this *kind* is compared with, as the engine takes it."""
        return value

    def try_lock(self, what: str) -> bool:
        """Lock *what* for as long as this connection lasts, if nobody else has; on engines that are servers."""
        return False

    def prepare(self) -> None:  # noqa: B027
        """Make what tables stand in; inside a writing transaction."""

    def index_geometry(self, table: Table) -> None:  # noqa: B027
        """Index the shapes of current rows; inside a writing transaction."""

    def show(self, tables: Iterable[Table]) -> None:  # noqa: B027
        """Make views of the current rows of *tables* for GIS desktops; inside a writing transaction."""

    def settle(self, srid: Callable[[], int], tables: Iterable[Table]) -> None:  # noqa: B027
        """Have the geometry columns say which CRS they hold; inside a writing transaction."""


class _Closes(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closes)


class Connected(Database, Generic[C]):
    """A database that is talked to through a connection of type *C*."""

    _connection: C | None = None

    @property
    def connection(self) -> C:
        """The open connection."""
        if self._connection is None:
            raise self._closed()
        return self._connection

    def close(self) -> None:
        """Close the connection; closing twice does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect(url: StoreUrl, *, write: bool, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """Connect to the database at *url* with its engine."""
    if url.engine == "sqlite":
        from gridsvc.store.sqlite import SqliteDatabase

        return SqliteDatabase(url, write=write, busy_timeout=busy_timeout)
    try:
        from gridsvc.store.postgis import PostgisDatabase
    except ImportError as error:
        raise StoreError(
            f"the store {url} needs psycopg: pip install 'gridsvc[postgis]' ({error})",
            f"数据库 {url} 需要 psycopg：请执行 pip install 'gridsvc[postgis]'（{error}）",
        ) from error
    return PostgisDatabase(url, write=write, busy_timeout=busy_timeout)


def quoted(name: str) -> str:
    """A column or table name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
