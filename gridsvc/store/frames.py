"""Between frames and stored rows: typed columns in, canonical content and hashes; rows out, typed frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import repeat
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.layers import FieldType
from gridsvc.store.schema import CONTEXT, Table

Values = list[Any]
Objects = npt.NDArray[np.object_]

KEY_SEPARATOR = "\x1f"
# rows whose values exist as Python objects at one time: a county's two million at once would fill the memory
CHUNK = 50_000


@dataclass(frozen=True)
class Rows:
    """Rows ready to be stored."""

    names: tuple[str, ...]
    """The stored columns."""
    keys: Objects
    hashes: Objects
    values: Callable[[npt.NDArray[np.intp]], Iterator[tuple[Any, ...]]]
    """The values of *names* in the rows at these positions, one tuple a row, made as they are asked for."""


def _missing(series: pd.Series[Any], values: Values) -> Values:
    """*values* with None wherever *series* has no value."""
    gone = series.isna().tolist()
    return [None if none else value for value, none in zip(values, gone, strict=True)]


def _text(series: pd.Series[Any]) -> Values:
    return _missing(series, [value if type(value) is str else str(value) for value in series.tolist()])


def _integer(series: pd.Series[Any]) -> Values:
    # straight to 64-bit integers: the way over floats would lose the last digits of large ones
    whole = pd.array(series.tolist(), dtype="Int64")
    return [None if value is pd.NA else value for value in whole.tolist()]


def _number(series: pd.Series[Any]) -> Values:
    # adding zero turns -0.0 into 0.0, so that equal numbers are stored alike
    numbers = pd.to_numeric(series).astype("Float64").to_numpy(dtype="float64", na_value=np.nan) + 0.0
    return [None if value != value else value for value in numbers.tolist()]


def _boolean(series: pd.Series[Any]) -> Values:
    flags = pd.array(series.tolist(), dtype="boolean")
    return [None if value is pd.NA else int(value) for value in flags.tolist()]


def _date(series: pd.Series[Any]) -> Values:
    if series.dtype.kind == "M":
        days = series.to_numpy(dtype="datetime64[D]")
    else:
        # days as objects or ISO text; numpy alone would take 20261001 for a year
        texts = _missing(series, [str(value)[:10] for value in series.tolist()])
        if any(text is not None and len(text) != 10 for text in texts):
            raise ValueError("days are written YYYY-MM-DD")
        days = np.array(["NaT" if text is None else text for text in texts], dtype="datetime64[D]")
    # few days are many rows'
    codes, distinct = pd.factorize(days.view("int64"))
    spelled = np.datetime_as_string(np.asarray(distinct).view("datetime64[D]")).tolist()
    texts = [None if text == "NaT" else text for text in spelled]
    return [texts[code] for code in codes.tolist()]


_TO_STORED: dict[FieldType, Callable[[pd.Series[Any]], Values]] = {
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}


def _from_text(values: Sequence[Any]) -> Any:
    # the dtype is named because pandas would make a string column of it
    return pd.Series(np.array(values, dtype=object), dtype=object)


def _from_integer(values: Sequence[Any]) -> Any:
    return pd.array(values, dtype="Int64")


def _from_number(values: Sequence[Any]) -> Any:
    return np.array(values, dtype="float64")


def _from_boolean(values: Sequence[Any]) -> Any:
    return pd.array([None if value is None else bool(value) for value in values], dtype="boolean")


def _from_date(values: Sequence[Any]) -> Any:
    return np.array(["NaT" if value is None else value for value in values], dtype="datetime64[s]")


_FROM_STORED: dict[FieldType, Callable[[Sequence[Any]], Any]] = {
    "text": _from_text,
    "integer": _from_integer,
    "number": _from_number,
    "boolean": _from_boolean,
    "date": _from_date,
}


def stored_values(series: pd.Series[Any], kind: FieldType) -> Values:
    """Values of one column as they are stored: None, text, whole numbers, floats, 0/1, ISO days."""
    return _TO_STORED[kind](series)


def stored_geometry(frame: pd.DataFrame) -> Values:
    """Geometries as little-endian 2D WKB; None where a row has none."""
    if "geometry" not in frame:
        return [None] * len(frame)
    shapes = np.asarray(frame["geometry"], dtype=object)
    return list(shapely.to_wkb(shapes, byte_order=1, output_dimension=2).tolist())


def rows_of(frame: pd.DataFrame, table: Table) -> Rows:
    """Canonical rows of *frame*: missing columns are stored as NULL, columns the table lacks are ignored.

    Raises :class:`InputRefusedError` for a value that does not have its column's type, and for keys that are
    empty or stand twice.
    """
    keys, hashes = np.empty(len(frame), dtype=object), np.empty(len(frame), dtype=object)
    for start in range(0, len(frame), CHUNK):
        place = slice(start, start + CHUNK)
        piece = frame.iloc[place]
        columns = _content(piece, table)
        shapes = stored_geometry(piece) if table.geometry else [None] * len(piece)
        keys[place], hashes[place] = _keys(piece, table, columns), _hashes(columns, shapes)
    _require_distinct(keys, table)
    return Rows(tuple(_stored(frame.iloc[:0], table)), keys, hashes, partial(_tuples, frame, table))


def _tuples(frame: pd.DataFrame, table: Table, chosen: npt.NDArray[np.intp]) -> Iterator[tuple[Any, ...]]:
    """The stored values of the rows at *chosen*, chunk by chunk."""
    for start in range(0, len(chosen), CHUNK):
        piece = frame.iloc[chosen[start : start + CHUNK]]
        yield from zip(*_stored(piece, table).values(), strict=True)


def _content(frame: pd.DataFrame, table: Table) -> dict[str, Values]:
    """The table's own columns as they are stored."""
    columns: dict[str, Values] = {}
    for name, kind in table.columns.items():
        try:
            columns[name] = stored_values(frame[name], kind) if name in frame else [None] * len(frame)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputRefusedError(
                f"{table.name}: column {name} must be {kind}: {error}",
                f"{table.name}：字段 {name} 应为 {kind} 类型：{error}",
            ) from error
    return columns


def _stored(frame: pd.DataFrame, table: Table) -> dict[str, Values]:
    """Every stored column: the content, and what is no part of it."""
    columns = _content(frame, table)
    beside: dict[str, FieldType] = {"source_row": "integer", CONTEXT: "boolean"}
    for name, kind in beside.items():
        if name in table.stored:
            given = frame.get(name, pd.Series([None] * len(frame), dtype=object))
            columns[name] = stored_values(given, kind)
    if table.geometry:
        columns["geometry"] = stored_geometry(frame)
    return columns


def _keys(frame: pd.DataFrame, table: Table, columns: dict[str, Values]) -> list[str]:
    """The key of every row: the frame's own, or made of the table's key columns."""
    if not table.key:
        return ["" if key is None else key for key in stored_values(frame["key"], "text")]
    parts = [["" if value is None else str(value) for value in columns[name]] for name in table.key]
    return [KEY_SEPARATOR.join(values) for values in zip(*parts, strict=True)]


def keys_of(frame: pd.DataFrame, table: Table) -> list[str]:
    """The keys that rows with the key columns of *table* are stored under."""
    if not len(frame):
        return []
    return _keys(frame, table, {name: stored_values(frame[name], table.columns[name]) for name in table.key})


def _require_distinct(keys: Objects, table: Table) -> None:
    """Refuse keys that are empty or stand twice."""
    twice = pd.Series(keys, dtype=object).duplicated()
    if twice.any() or "" in keys:
        worst = str(keys[twice.to_numpy()][0]) if twice.any() else ""
        shown = worst.replace(KEY_SEPARATOR, " / ")
        if not worst:
            raise InputRefusedError(f"{table.name}: a key is empty", f"{table.name}：存在空编号")
        raise InputRefusedError(
            f"{table.name}: key {shown!r} stands more than once", f"{table.name}：编号 {shown!r} 重复"
        )


def _hashes(columns: dict[str, Values], shapes: Values) -> list[bytes]:
    """128-bit hash of every row's content.

    Only fields that have a value take part, in the order of their names: so a field that a newer definition
    adds, or fields in another order, do not change a row.
    """
    texts = [_spelled(name, columns[name]) for name in sorted(columns)]
    shares = [*filter(None, texts), repeat(b"\n"), (shape or b"" for shape in shapes)]
    # not strict: what is repeated has no end
    return [blake2b(b"".join(row), digest_size=16).digest() for row in zip(*shares)]  # noqa: B905


def _spelled(name: str, values: Values) -> list[bytes]:
    """One column's share in the canonical content of every row; none at all where no row has a value."""
    # text is preceded by its length, so that no text can look like the next field
    spelled = {
        value: b""
        if value is None
        else f"{name}={len(value)}:{value};".encode()
        if type(value) is str
        else f"{name}={value!r};".encode()
        for value in set(values)
    }
    return [spelled[value] for value in values] if any(spelled.values()) else []


def frame_of(
    rows: list[tuple[Any, ...]], head: tuple[str, ...], table: Table, crs: pyproj.CRS | None
) -> pd.DataFrame | geopandas.GeoDataFrame:
    """A typed frame of selected rows: the *head* columns (``fid``, ``key``), the table's columns, geometry.

    *crs* is the CRS of the geometries, longitude and latitude.
    """
    kinds: dict[str, FieldType] = {**dict.fromkeys(head, "text"), **table.columns}
    names = [*kinds, "geometry"] if table.geometry else list(kinds)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    data: dict[str, Any] = {}
    for name, values in zip(names, columns, strict=True):
        if name == "geometry":
            continue
        data[name] = np.array(values, dtype="int64") if name == "fid" else _FROM_STORED[kinds[name]](values)
    frame = pd.DataFrame(data)
    if not table.geometry:
        return frame
    wkb = np.empty(len(rows), dtype=object)
    wkb[:] = columns[-1]
    shapes = geopandas.GeoSeries(shapely.from_wkb(wkb), crs=crs)
    return geopandas.GeoDataFrame(frame, geometry=shapes)
