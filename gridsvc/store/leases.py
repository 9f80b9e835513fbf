"""A lease: of all processes on one store, one at a time holds it. It ends with the process that has it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from gridsvc.errors import StoreError
from gridsvc.settings import StoreUrl
from gridsvc.store.database import Database, connect


class Lease:
    """A lease on the store at a URL, for what *name* says."""

    def __init__(self, url: StoreUrl, name: str) -> None:
        """Nothing is held yet."""
        self._url, self._name = url, name
        self._file: sqlite3.Connection | None = None
        self._server: Database | None = None

    def take(self) -> bool:
        """Take the lease if nobody else has it; whether it is held."""
        if self._file is None and self._server is None:
            if self._url.engine == "sqlite":
                self._take_file()
            else:
                self._take_server()
        return self._file is not None or self._server is not None

    def _take_file(self) -> None:
        """Lock a small file beside the store: an open transaction in it, which no other can begin."""
        path = Path(self._url.location)
        path = path.with_name(f"{path.name}-{self._name}")
        file = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            file.execute("BEGIN EXCLUSIVE")
        except (OSError, sqlite3.Error) as error:
            if file is not None:
                file.close()
            if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return
            raise StoreError(f"{path} cannot be locked: {error}", f"无法锁定 {path}：{error}") from error
        self._file = file

    def _take_server(self) -> None:
        """Lock a number of the server for as long as a connection of its own lasts."""
        server = connect(self._url, write=False)
        taken = False
        try:
            taken = server.try_lock(self._name)
        finally:
            if not taken:
                server.close()
        self._server = server if taken else None

    def close(self) -> None:
        """Give the lease back."""
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            self._file.close()
        if self._server is not None:
            self._server.close()
        self._file = self._server = None

    def __enter__(self) -> Self:
        """The lease, not taken yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lease back."""
        self.close()
