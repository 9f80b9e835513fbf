"""Records of runs: one computation each, bound to the loads, definitions and libraries it used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from gridsvc.errors import NotFoundError
from gridsvc.store.database import Database
from gridsvc.store.loads import now
from gridsvc.store.schema import RECORDS


@dataclass(frozen=True)
class NewRun:
    """A run about to be stored."""

    as_of: str
    """The day that the figures are for, ISO 8601."""
    versions: Mapping[str, int]
    """Newest load of every layer that was read, by layer name."""
    definitions: str
    """SHA-256 of the definitions used."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions of the numeric libraries, by name."""
    label: str = ""


@dataclass(frozen=True)
class ResultChange:
    """What differs in one result from one run to the next."""

    rows: pd.DataFrame
    """Rows that are new or may differ; with *whole* all rows that there are."""
    gone: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The key columns of rows that are no more."""
    whole: bool = False


@dataclass(frozen=True)
class RunRecord:
    """A stored run. ``status`` is ``draft`` until it is published; ``created`` is UTC, ISO 8601."""

    id: int
    created: str
    as_of: str
    status: str
    label: str
    versions: dict[str, int]
    libraries: dict[str, str]
    definitions: str
    pruned: bool = False
    """True where its results were pruned."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def read_runs(db: Database) -> list[RunRecord]:
    """Runs in the order in which they were made."""
    if not db.columns("runs"):
        return []
    return _records(db, "1 = 1", ())


def _records(db: Database, condition: str, bound: Sequence[Any]) -> list[RunRecord]:
    names = ", ".join(RECORDS["runs"])
    gone = set(db.rows("SELECT id FROM pruned_runs")) if db.columns("pruned_runs") else set()
    found = []
    for row in db.rows(f"SELECT {names} FROM runs WHERE {condition} ORDER BY id", bound):
        values = dict(zip(RECORDS["runs"], row, strict=True))
        values |= {name: json.loads(values[name]) for name in ("versions", "libraries")}
        found.append(RunRecord(**values, pruned=(values["id"],) in gone))
    return found


def newest_run(db: Database) -> RunRecord | None:
    """The newest run; None while there is none."""
    if not db.columns("runs"):
        return None
    return next(iter(_records(db, "id = (SELECT MAX(id) FROM runs)", ())), None)


def find_run(db: Database, run_id: int) -> RunRecord:
    """One run by id; an unknown one is refused."""
    found = _records(db, "id = ?", (run_id,)) if db.columns("runs") else []
    if found:
        return found[0]
    raise NotFoundError(
        f"there is no run {run_id}; compute one with: gridsvc compute",
        f"没有计算批次 {run_id}；请先执行 gridsvc compute",
    )


def require_results(record: RunRecord) -> None:
    """Refuse a run whose results were pruned."""
    if record.pruned:
        raise NotFoundError(
            f"the results of run {record.id} (as of {record.as_of}) were pruned with the data they rested on",
            f"计算批次 {record.id}（截至 {record.as_of}）的结果已随其依据的数据一并清理",
        )


def insert_run(db: Database, run: NewRun) -> RunRecord:
    """Store a new run as a draft; inside a writing transaction."""
    run_id = int(db.rows("SELECT COALESCE(MAX(id), 0) + 1 FROM runs")[0][0])
    record = RunRecord(
        run_id,
        now(),
        run.as_of,
        "draft",
        run.label,
        dict(run.versions),
        dict(run.libraries),
        run.definitions,
    )
    values = record.as_dict()
    for name in ("versions", "libraries"):
        values[name] = json.dumps(values[name], ensure_ascii=False, sort_keys=True)
    names = ", ".join(RECORDS["runs"])
    marks = ", ".join("?" * len(RECORDS["runs"]))
    db.run(f"INSERT INTO runs ({names}) VALUES ({marks})", [values[name] for name in RECORDS["runs"]])
    return record
