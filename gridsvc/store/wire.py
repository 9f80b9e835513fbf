"""Values from a PostgreSQL server as the store keeps them: 0 and 1, ISO days, WKB without SRID."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import psycopg
import shapely
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

_EPOCH = date(2000, 1, 1)
_HAS_SRID = 0x20


@lru_cache(maxsize=100_000)
def _day(data: bytes) -> str:
    return (_EPOCH + timedelta(days=int.from_bytes(data, "big", signed=True))).isoformat()


class FlagLoader(Loader):
    """A boolean as 0 or 1."""

    format = Format.BINARY

    def load(self, data: Buffer) -> int:
        """The number of a byte."""
        return bytes(data)[0]


class DayLoader(Loader):
    """A day as ISO text."""

    format = Format.BINARY

    def load(self, data: Buffer) -> str:
        """The text of a number of days."""
        return _day(bytes(data))


class GeometryLoader(Loader):
    """A shape as little-endian WKB without its SRID."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        """The bytes that were stored."""
        wkb = bytes(data)
        if wkb[0] == 0:
            # a server on a big-endian machine
            return bytes(shapely.to_wkb(shapely.from_wkb(wkb), byte_order=1))
        if wkb[4] & _HAS_SRID:
            return wkb[:4] + bytes([wkb[4] & ~_HAS_SRID]) + wkb[9:]
        return wkb


def register(connection: psycopg.Connection[Any]) -> None:
    """Have the values of a connection come this way."""
    connection.adapters.register_loader("bool", FlagLoader)
    connection.adapters.register_loader("date", DayLoader)
