"""Records of loads: what was read, and what became of every source row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gridsvc.errors import NotFoundError, StoreError, UsageError
from gridsvc.store.bounds import Bounds, history_bounds
from gridsvc.store.database import Database
from gridsvc.store.schema import CONTEXT, RECORDS
from gridsvc.store.versions import Changes


@dataclass(frozen=True)
class Source:
    """Where a load comes from: file name(s), SHA-256 of the content, how it was read (encoding, crs …)."""

    name: str
    sha256: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadRecord:
    """One load, or the undoing of one.

    ``added + changed + unchanged + quarantined + left_out + superseded + sum(other)`` is ``rows_read``.
    ``ended`` counts rows of the store that the load ended. Times are UTC, ISO 8601.
    """

    id: int
    layer: str
    kind: str
    """``load`` or ``rollback``."""
    undoes: int | None
    """Id of the load that a rollback undid."""
    source: str
    sha256: str
    mode: str
    options: dict[str, Any]
    started: str
    finished: str
    rows_read: int
    added: int
    changed: int
    unchanged: int
    ended: int
    quarantined: int
    left_out: int
    superseded: int
    other: dict[str, int]
    """Further outcomes of source rows, by name."""
    status: str
    """``done``, or ``undone`` after a rollback."""
    pruned: bool = False
    """True where the state after this load was pruned."""

    @property
    def context(self) -> bool:
        """True for loads of neighbouring counties' features, which stand beside the county's own."""
        return bool(self.options.get(CONTEXT))

    @property
    def touched(self) -> bool:
        """True where the load changed any row."""
        return bool(self.added or self.changed or self.ended or self.other.get("split"))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def standing(records: Iterable[LoadRecord]) -> list[LoadRecord]:
    """Loads that the current content rests on: of each layer the newest that replaced it, and those after.

    Own features and those of neighbouring counties replace only their own kind.
    """
    found: dict[tuple[str, bool], list[LoadRecord]] = {}
    for record in records:
        if record.kind == "load" and record.status == "done":
            part = record.layer, record.context
            found[part] = [*([] if record.mode == "replace" else found.get(part, [])), record]
    return [record for kept in found.values() for record in kept]


def standing_at(records: Iterable[LoadRecord], version: int) -> list[LoadRecord]:
    """Loads of one layer that its content after load *version* rested on, whatever was undone since."""
    before = [record for record in records if record.id <= version]
    undone = {record.undoes for record in before if record.kind == "rollback"}
    return standing(replace(one, status="undone" if one.id in undone else "done") for one in before)


def attributions(records: Iterable[LoadRecord]) -> list[str]:
    """What must stand wherever the content is shown that rests on *records*, as its sources ask."""
    asked = (record.options.get("attribution", "") for record in standing(records))
    return sorted({str(text) for text in asked if text})


def now() -> str:
    """This moment, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_loads(db: Database, layer: str | None = None) -> list[LoadRecord]:
    """Loads in the order in which they were made, of one layer or of all."""
    if not db.columns("loads"):
        return []
    return _records(db, "1 = 1" if layer is None else "layer = ?", () if layer is None else (layer,))


def _records(db: Database, condition: str, bound: Sequence[Any]) -> list[LoadRecord]:
    names = ", ".join(RECORDS["loads"])
    bounds = history_bounds(db)
    found = []
    for row in db.rows(f"SELECT {names} FROM loads WHERE {condition} ORDER BY id", bound):
        values = dict(zip(RECORDS["loads"], row, strict=True))
        values |= {name: json.loads(values[name]) for name in ("options", "other")}
        gone = not bounds.get(values["layer"], Bounds()).holds(values["id"])
        found.append(LoadRecord(**values, pruned=gone))
    return found


def find_load(db: Database, load_id: int) -> LoadRecord:
    """One load by id; an unknown one is refused."""
    found = _records(db, "id = ?", (load_id,)) if db.columns("loads") else []
    if found:
        return found[0]
    raise NotFoundError(
        f"there is no load {load_id}; see: gridsvc loads",
        f"没有入库记录 {load_id}；请执行 gridsvc loads 查看",
    )


def newest_load(db: Database) -> int:
    """Id of the newest load, 0 before the first."""
    return int(db.rows("SELECT COALESCE(MAX(id), 0) FROM loads")[0][0]) if db.columns("loads") else 0


def newest_changes(db: Database) -> dict[str, int]:
    """By layer the newest load that changed any row (see :attr:`LoadRecord.touched`)."""
    if not db.columns("loads"):
        return {}
    touched = "added > 0 OR changed > 0 OR ended > 0 OR other LIKE '%\"split\"%'"
    return dict(db.rows(f"SELECT layer, MAX(id) FROM loads WHERE {touched} GROUP BY layer"))


def layers_since(db: Database, load: int) -> list[str]:
    """Layers of which there are loads after *load*."""
    return [
        layer for (layer,) in db.rows("SELECT DISTINCT layer FROM loads WHERE id > ? ORDER BY layer", (load,))
    ]


def next_load(db: Database) -> int:
    """Id of the load that is about to be recorded; inside a writing transaction."""
    return int(db.rows("SELECT COALESCE(MAX(id), 0) + 1 FROM loads")[0][0])


def load_record(
    load_id: int,
    layer: str,
    source: Source,
    mode: str,
    started: str,
    changes: Changes,
    counts: Mapping[str, int],
    quarantined: int,
) -> LoadRecord:
    """Record of a finished load; outcomes that do not add up to the rows read are a :class:`StoreError`."""
    outcomes = {name: int(count) for name, count in counts.items() if name != "rows_read"}
    diff = asdict(changes)
    if split := diff.pop("split"):
        # what was not stored of them is in quarantine: they are one row each all the same
        outcomes["split"] = split
        quarantined -= split
    total = changes.added + changes.changed + changes.unchanged + quarantined + sum(outcomes.values())
    rows_read = int(counts.get("rows_read", total))
    if rows_read != total:
        raise StoreError(
            f"{layer}: {rows_read} source rows were read but {total} are accounted for; nothing was stored",
            f"{layer}：读取了 {rows_read} 行，但只有 {total} 行有去向；未入库",
        )
    return LoadRecord(
        id=load_id,
        layer=layer,
        kind="load",
        undoes=None,
        source=source.name,
        sha256=source.sha256,
        mode=mode,
        options=dict(source.options),
        started=started,
        finished=now(),
        rows_read=rows_read,
        **diff,
        quarantined=quarantined,
        left_out=outcomes.pop("left_out", 0),
        superseded=outcomes.pop("superseded", 0),
        other=outcomes,
        status="done",
    )


def rollback_record(load_id: int, undone: LoadRecord, started: str, changes: Changes) -> LoadRecord:
    """Record of the undoing of a load. Its source rows are the rows that it brought back."""
    return LoadRecord(
        id=load_id,
        layer=undone.layer,
        kind="rollback",
        undoes=undone.id,
        source=f"load {undone.id}",
        sha256=undone.sha256,
        mode="rollback",
        options={CONTEXT: True} if undone.context else {},
        started=started,
        finished=now(),
        rows_read=changes.added + changes.changed,
        added=changes.added,
        changed=changes.changed,
        unchanged=0,
        ended=changes.ended,
        quarantined=0,
        left_out=0,
        superseded=0,
        other={},
        status="done",
    )


def insert_load(db: Database, record: LoadRecord) -> None:
    """Store a record; inside a writing transaction."""
    values = record.as_dict()
    for name in ("options", "other"):
        values[name] = json.dumps(values[name], ensure_ascii=False, sort_keys=True, default=str)
    names = ", ".join(RECORDS["loads"])
    marks = ", ".join("?" * len(RECORDS["loads"]))
    db.run(f"INSERT INTO loads ({names}) VALUES ({marks})", [values[name] for name in RECORDS["loads"]])


def require_newest(db: Database, record: LoadRecord) -> None:
    """Refuse to undo a load that is undone already, or that another one of its layer and kind stands upon."""
    if record.status == "undone":
        raise UsageError(f"load {record.id} is undone already", f"入库 {record.id} 已撤销")
    later = [other for other in read_loads(db, record.layer) if other.id > record.id]
    later = [other for other in later if other.context == record.context]
    # a load and the rollback of it leave nothing behind; a rollback itself is undone only while it is newest
    if record.kind == "load":
        later = [other for other in later if other.kind == "load" and other.status == "done"]
    if later:
        newest = later[-1]
        raise UsageError(
            f"load {record.id} cannot be undone: load {newest.id} ({newest.source}) of layer {record.layer} "
            f"came after it; undo that one first: gridsvc rollback {newest.id}",
            f"入库 {record.id} 不能撤销：图层 {record.layer} 之后还有入库 {newest.id}（{newest.source}）；"
            f"请先执行 gridsvc rollback {newest.id}",
        )


def flip(db: Database, record: LoadRecord) -> None:
    """Turn a load from done to undone or back; with a rollback also the load it undid."""
    status = "undone" if record.status == "done" else "done"
    db.run("UPDATE loads SET status = ? WHERE id = ?", (status, record.id))
    if record.undoes is not None:
        flip(db, find_load(db, record.undoes))
