"""The PostgreSQL/PostGIS engine: a schema of a database, with views of the current rows for GIS desktops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from gridsvc.errors import DefinitionError, InputRefusedError, StoreError
from gridsvc.settings import StoreUrl, masked
from gridsvc.store import views
from gridsvc.store.database import Connected, quoted
from gridsvc.store.schema import Table
from gridsvc.store.wire import GeometryLoader, register
from gridsvc.text import bilingual

SCHEMA, VIEWS = "gridsvc", "county"
"""Schemas of the tables and of the views where the URL names none."""
CONNECT_TIMEOUT = 10

# rows sort by the bytes of their keys on every engine, whatever the language of the database
TYPES = {
    "text": 'TEXT COLLATE "C"',
    "integer": "BIGINT",
    "number": "DOUBLE PRECISION",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "binary": "BYTEA",
}

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_NO_RIGHTS = bilingual(
    "this user has no right to do it; ask who runs the database", "该用户没有权限；请联系数据库管理员"
)
_FULL = bilingual("the disk of the database is full; nothing was stored", "数据库磁盘已满；未存入任何内容")
_SHAPES = (
    "SELECT c.relname, {postgis}.postgis_typmod_srid(a.atttypmod) FROM pg_attribute a "
    "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = ? AND c.relkind = 'r' AND a.atttypid = ? AND NOT a.attisdropped"
)


class PostgisDatabase(Connected["psycopg.Connection[Any]"]):
    """A connection to a server. Tables are in the schema that ``?schema=NAME`` in the URL names.

    Views of current rows are in the schema ``county``, or the one that ``views=NAME`` names. A schema that
    does not exist reads as empty.
    """

    def __init__(self, url: StoreUrl, *, write: bool, busy_timeout: float) -> None:
        """Connect; the schema is made by :meth:`prepare`."""
        super().__init__(url.name, write=write, busy_timeout=busy_timeout)
        self._conninfo, self.schema, self.views = read_url(url)
        self._postgis: tuple[str, int] | None = None
        self._connect()

    def _connect(self) -> None:
        """Connect, and let values come as the store keeps them."""
        self.close()
        with self._explained():
            self._connection = psycopg.connect(
                self._conninfo,
                autocommit=True,
                # a statement prepared before a column was added would fail after it
                prepare_threshold=None,
                connect_timeout=CONNECT_TIMEOUT,
                client_encoding="utf8",
                application_name="gridsvc",
            )
        self._postgis = None
        register(self.connection)
        self._one("SELECT set_config('search_path', ?, false)", (quoted(self.schema),))
        # nobody waits for ever: writers for each other, readers while shapes are given another CRS
        limit = f"{max(1, round(self.busy_timeout * 1000))}ms"
        self._one("SELECT set_config('lock_timeout', ?, false)", (limit,))
        if self._one("SHOW server_encoding") != "UTF8":
            self.close()
            raise self._unusable(
                bilingual("the database must have the encoding UTF8", "数据库编码必须为 UTF8")
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            raise self._busy() from error
        except psycopg.Error as error:
            reason = bilingual(told := masked(" ".join(str(error).split())), told)
            if isinstance(error, errors.InsufficientPrivilege | errors.ReadOnlySqlTransaction):
                reason = _NO_RIGHTS
            elif isinstance(error, errors.DiskFull):
                reason = _FULL
            raise self._unusable(reason) from None

    # transactions

    @property
    def _in_transaction(self) -> bool:
        connection = self.connection
        return not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE

    def _lock_key(self, what: str) -> int:
        """Number of an advisory lock of this schema."""
        name = f"gridsvc {what} {self.schema}".encode()
        return int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)

    def try_lock(self, what: str) -> bool:
        """Lock *what* for as long as this connection lasts, if nobody else has; it must not be used otherwise."""
        return bool(self._one("SELECT pg_try_advisory_lock(?)", (self._lock_key(what),)))

    def _begin(self, *statements: str) -> None:
        """Execute the first statements of a transaction, on a new connection when the old one is lost."""
        for attempt in (1, 2):
            try:
                for statement in statements:
                    self.connection.execute(statement)
                break
            except psycopg.OperationalError:
                if attempt == 2 or not self.connection.closed:
                    raise
                self._connect()
        if self._postgis is None:
            self._find_postgis()

    def _begin_reading(self) -> None:
        # while a table is rewritten an older snapshot would see it empty: readers and that keep apart
        self._begin(
            f"SELECT pg_advisory_lock_shared({self._lock_key('shape')})",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )

    def _begin_writing(self) -> None:
        self._begin(
            "BEGIN",
            f"SELECT pg_advisory_xact_lock({self._lock_key('write')})",
        )

    def _commit(self) -> None:
        # the server answers a COMMIT after a failed statement with a rollback, and calls that no error
        if self.connection.execute("COMMIT").statusmessage != "COMMIT":
            raise self._unusable(
                bilingual("a statement failed; nothing was stored", "有语句执行失败；未存入任何内容")
            )

    def _rollback(self) -> None:
        self.connection.execute("ROLLBACK")
        self.connection.execute("SELECT pg_advisory_unlock_all()")

    # statements

    def _one(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        found = self.rows(statement, parameters)
        return found[0][0] if found else None

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row that *sql* selects."""
        with self._lock, self._explained(), self.connection.cursor(binary=True) as cursor:
            return cursor.execute(_dialect(sql), parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Execute one statement."""
        with self._lock, self._explained():
            self.connection.execute(_dialect(sql), parameters)

    def insert(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Copy many rows into *table*."""
        shapes = set(self._geometry_columns(table))
        places = [place for place, name in enumerate(names) if name in shapes]
        columns = ", ".join(map(quoted, names))
        with self._lock, self._explained(), self.connection.cursor() as cursor:
            try:
                with cursor.copy(f"COPY {quoted(table)} ({columns}) FROM STDIN".encode()) as copy:
                    for row in _spelled(rows, places):
                        copy.write_row(row)
            except psycopg.DataError as error:
                # a NUL in a text, a year that the engine does not know
                told = str(error).splitlines()[0]
                raise InputRefusedError(
                    f"{table}: PostgreSQL refuses a value: {told}", f"{table}：PostgreSQL 拒绝某个值：{told}"
                ) from None

    def end(self, table: str, column: str, mark: int, versions: Sequence[int]) -> None:
        """Set *column* to *mark* in the rows of these versions."""
        if len(versions):
            self.run(f"UPDATE {table} SET {column} = ? WHERE version = ANY(?)", (mark, list(versions)))

    def columns(self, table: str) -> tuple[str, ...]:
        """Names of the columns of *table*, in order; none when there is no such table."""
        found = self.rows(
            "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ? "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (self.schema, table),
        )
        return tuple(name for (name,) in found)

    def parameter(self, value: Any, kind: str) -> Any:
        """A value of the column's type; one that cannot be compared with it equals nothing."""
        try:
            if kind == "text":
                return None if "\0" in str(value) else str(value)
            if kind == "integer":
                return value if isinstance(value, float) else int(value)
            if kind == "boolean":
                return {0: False, 1: True}.get(int(value))
            return float(value) if kind == "number" else date.fromisoformat(str(value))
        except (TypeError, ValueError):
            return None

    def size_of(self, column: str) -> str:
        """SQL expression for the bytes that a value of *column* takes."""
        return f"COALESCE(pg_column_size({quoted(column)}), 0)"

    def _tables(self) -> list[str]:
        found = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = ?", (self.schema,))
        return [f"{quoted(self.schema)}.{quoted(name)}" for (name,) in found]

    def size(self) -> int:
        """Bytes of all tables with their indexes."""
        return sum(self._one("SELECT pg_total_relation_size(?)", (name,)) for name in self._tables())

    def give_back(self) -> None:
        """Have the server use the space of deleted rows again."""
        for name in self._tables():
            self.run(f"VACUUM (ANALYZE) {name}")

    # PostGIS

    def _find_postgis(self) -> None:
        """Learn which schema PostGIS is in, and have its shapes come as WKB."""
        found = self.rows(
            "SELECT n.nspname, t.oid::bigint FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
            "JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = 'geometry' WHERE e.extname = 'postgis'"
        )
        if found:
            self._postgis = quoted(found[0][0]), int(found[0][1])
            self.connection.adapters.register_loader(self._postgis[1], GeometryLoader)

    def _require_postgis(self) -> tuple[str, int]:
        if self._postgis is None:
            raise self._unusable(
                bilingual(
                    "it has no PostGIS; a superuser of the database makes it: CREATE EXTENSION postgis",
                    "未安装 PostGIS；请由数据库超级用户执行：CREATE EXTENSION postgis",
                )
            )
        return self._postgis

    def prepare(self) -> None:
        """Make the schemas of tables and views, and PostGIS where this user may."""
        for name in (self.schema, self.views):
            if not self.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", (name,)):
                self.run(f"CREATE SCHEMA {quoted(name)}")
        if self._postgis is None:
            self.run("SAVEPOINT extension")
            try:
                self.run("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public")
            except StoreError:
                self.run("ROLLBACK TO extension")
            self._find_postgis()
        self._require_postgis()

    def column_type(self, kind: str) -> str:
        """The type that columns of this kind have."""
        if kind != "geometry":
            return TYPES[kind]
        return f"{self._require_postgis()[0]}.geometry(Geometry, {self._srids()[None]})"

    def _srids(self) -> dict[str | None, int]:
        """SRID of every table's geometry column; under None that of any."""
        postgis, oid = self._require_postgis()
        found = dict(self.rows(_SHAPES.format(postgis=postgis), (self.schema, oid)))
        return {**found, None: max(found.values(), default=4326)}

    def _geometry_columns(self, table: str) -> list[str]:
        found = self.rows(
            "SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relname = ? AND a.atttypid = ? AND NOT a.attisdropped",
            (self.schema, table, self._require_postgis()[1]),
        )
        return [name for (name,) in found]

    def index_geometry(self, table: Table) -> None:
        """Index the shapes of current rows for GIS desktops."""
        self.run(
            f"CREATE INDEX {table.name}_place ON {table.name} USING gist (geometry) "
            f"WHERE {table.ended} IS NULL"
        )

    def show(self, tables: Iterable[Table]) -> None:
        """Make a view of the current rows of every table, named like the layers of the GeoPackage."""
        views.show(self, tables)

    def settle(self, srid: Callable[[], int], tables: Iterable[Table]) -> None:
        """Have every geometry column say which CRS it holds; rewrites them when the data has moved."""
        wanted = srid()
        found = self._srids()
        wrong = {name for name, number in found.items() if name is not None and number != wanted}
        if wrong:
            # readers and this keep apart: see _begin_reading
            with self._explained():
                self.connection.execute(f"SELECT pg_advisory_xact_lock({self._lock_key('shape')})")
            views.rewrite(self, wanted, wrong, tables, self._require_postgis()[0])


def read_url(url: StoreUrl) -> tuple[str, str, str]:
    """What psycopg connects with, the schema of the tables, the schema of the views."""
    try:
        parts = urlsplit(url.location)
        if "@" in parts.path + parts.query or parts.fragment:
            raise ValueError("a sign in the password has cut it")
        asked = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        own = dict(asked)
        schema = own.get("schema", SCHEMA)
        views = own.get("views", VIEWS if schema == SCHEMA else f"{schema}_county")
        if schema == views or not (_NAME.fullmatch(schema) and _NAME.fullmatch(views)):
            raise ValueError("schema and views are two lower-case names")
        rest = [(name, value) for name, value in asked if name not in ("schema", "views")]
        conninfo = urlunsplit(parts._replace(query=urlencode(rest, quote_via=quote)))
        ports = str(conninfo_to_dict(conninfo).get("port", ""))
        if not all(port.isdigit() for port in ports.split(",") if port):
            raise ValueError("a port is a number")
    except (ValueError, psycopg.Error):
        # the parser's own words would quote the URL, and the password in it
        raise DefinitionError(
            f"store: {url} is no URL of a database: postgresql://USER@HOST/DATABASE?schema=NAME&views=NAME; "
            "signs other than letters and digits in a password are written %XX",
            f"store：{url} 不是有效的数据库地址：postgresql://用户@主机/数据库?schema=名称&views=名称；"
            "密码中字母和数字以外的字符须写成 %XX",
        ) from None
    return conninfo, schema, views


@lru_cache(maxsize=1024)
def _dialect(statement: str) -> bytes:
    """A statement with the engine's marks for parameters."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


def _spelled(rows: Iterable[Sequence[Any]], places: list[int]) -> Iterable[Sequence[Any]]:
    """Rows with shapes as the hexadecimal WKB that PostGIS reads."""
    if not places:
        return rows
    at = places[0]
    return ((*row[:at], None if row[at] is None else row[at].hex(), *row[at + 1 :]) for row in rows)
