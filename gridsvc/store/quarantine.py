"""Rows that loads could not accept: kept with their reasons until a later load takes them up or a person decides."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store.database import Database
from gridsvc.store.loads import LoadRecord, now, read_loads, standing
from gridsvc.store.schema import CONTEXT_KEY, RECORDS

CONFLICT = "conflict"
"""Reason of a row whose key another row of the same delivery has: a later load of that key does not answer it."""
NAMES = list(RECORDS["quarantine"])


def insert_quarantine(db: Database, load_id: int, rows: pd.DataFrame) -> None:
    """Keep the rows that a load could not accept; inside a writing transaction.

    *rows* has ``source_row, reason, reason_en, reason_zh, raw, geometry`` and, where known, ``file``, ``key``,
    ``columns`` (those at fault, a list as JSON) and ``origin``: the number under which the row has waited since
    an earlier load (its own when left out).
    """
    if rows.empty:
        return
    first = int(db.rows("SELECT COALESCE(MAX(id), 0) + 1 FROM quarantine")[0][0])
    ids = range(first, first + len(rows))
    nothing = pd.Series([None] * len(rows), dtype=object)
    columns = {name: [_plain(value) for value in rows.get(name, nothing).tolist()] for name in NAMES[2:]}
    columns["origin"] = [own if old is None else old for own, old in zip(ids, columns["origin"], strict=True)]
    db.insert(
        "quarantine",
        tuple(NAMES),
        ((own, load_id, *row) for own, row in zip(ids, zip(*columns.values(), strict=True), strict=True)),
    )


def _plain(value: Any) -> Any:
    """A value of a quarantined row as it is stored: shapes as WKB, whatever is not text as JSON."""
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, byte_order=1)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, float) and value.is_integer():
        # a column of row numbers that some rows lack
        return int(value)
    return None if value is pd.NA or value != value else value


def read_quarantine(db: Database, load_id: int | None = None, layer: str | None = None) -> pd.DataFrame:
    """Quarantined rows of one load, one layer or all: the columns stored, ``layer`` and ``open``.

    A row is open while its load stands, no load that stands took it up, and nobody dismissed it.
    """
    found: list[tuple[Any, ...]] = []
    present = db.columns("quarantine")
    if present:
        # a store that only older versions wrote lacks the newer columns
        selected = ", ".join(f"q.{name}" if name in present else "NULL" for name in NAMES)
        found = db.rows(
            f"SELECT {selected}, l.layer FROM quarantine q JOIN loads l ON l.id = q.load_id "
            "WHERE q.load_id = COALESCE(?, q.load_id) AND l.layer = COALESCE(?, l.layer) ORDER BY q.id",
            (load_id, layer),
        )
    frame = pd.DataFrame(found, columns=[*NAMES, "layer"], dtype=object)
    whole = {"source_row": "Int64", "origin": "Int64", "admitted_by": "Int64"}
    frame = frame.astype({"id": "int64", "load_id": "int64", **whole})
    frame["origin"] = frame["origin"].fillna(frame["id"]).astype("int64")
    return frame.assign(open=_open(frame, read_loads(db)))


def _open(frame: pd.DataFrame, records: list[LoadRecord]) -> pd.Series:
    """Which rows wait for somebody."""
    stand = {record.id for record in standing(records)}
    done = {record.id for record in records if record.status == "done"}
    taken = frame["admitted_by"].isin(done).to_numpy(bool)
    return frame["load_id"].isin(stand) & ~taken & frame["dismissed"].isna()


def settle(db: Database, layer: str, keys: Collection[str], load_id: int, *, context: bool) -> None:
    """Close the open rows of *layer* whose key the load *load_id* accepted; inside a writing transaction.

    A load of neighbouring counties' features (*context*) answers rows of such loads, any other the rest.
    """
    rows = read_quarantine(db, layer=layer)
    part = {record.id for record in read_loads(db, layer) if record.context == context}
    waiting = rows[rows["open"] & (rows["reason"] != CONFLICT) & rows["load_id"].isin(part)]
    held = {key.removeprefix(CONTEXT_KEY) if context else key for key in keys}
    accepted = waiting["key"].isin(held) & (waiting["key"].fillna("") != "")
    _mark(db, waiting.loc[accepted, "id"].tolist(), load_id)


def take_up(db: Database, layer: str, numbers: Collection[int], load_id: int) -> None:
    """Close the rows that wait under *numbers*: load *load_id* holds them now; inside a writing transaction."""
    _mark(db, _waiting(db, numbers, layer)["id"].tolist(), load_id)


def _mark(db: Database, ids: Sequence[int], load_id: int) -> None:
    for row in ids:
        db.run("UPDATE quarantine SET admitted_by = ? WHERE id = ?", (load_id, row))


def dismiss(db: Database, numbers: Collection[int], note: str, layer: str | None = None) -> pd.DataFrame:
    """Leave the rows that wait under *numbers* out for good, with a *note*; inside a writing transaction."""
    rows, moment = _waiting(db, numbers, layer), now()
    for row in rows["id"].tolist():
        db.run("UPDATE quarantine SET dismissed = ?, note = ? WHERE id = ?", (moment, note, row))
    return rows


def reopen(db: Database, numbers: Collection[int], layer: str | None = None) -> pd.DataFrame:
    """Take back the dismissal of rows; inside a writing transaction."""
    rows = read_quarantine(db, layer=layer)
    chosen = rows[rows["origin"].isin(set(numbers)) & rows["dismissed"].notna()]
    _require_found(numbers, chosen, "was dismissed", "未被排除")
    for row in chosen["id"].tolist():
        db.run("UPDATE quarantine SET dismissed = NULL, note = NULL WHERE id = ?", (row,))
    return chosen


def _waiting(db: Database, numbers: Collection[int], layer: str | None) -> pd.DataFrame:
    rows = read_quarantine(db, layer=layer)
    chosen = rows[rows["origin"].isin(set(numbers)) & rows["open"]]
    _require_found(numbers, chosen, "waits", "不在待处理之列")
    return chosen


def _require_found(numbers: Collection[int], rows: pd.DataFrame, en: str, zh: str) -> None:
    lost = sorted(set(numbers) - set(rows["origin"].tolist()))
    if lost:
        shown = ", ".join(map(str, lost[:10]))
        error = NotFoundError if len(lost) == len(set(numbers)) else UsageError
        raise error(
            f"no row {en} under quarantine number {shown}; see: gridsvc quarantine --all",
            f"待处理编号 {shown} {zh}；请执行 gridsvc quarantine --all 查看",
        )
