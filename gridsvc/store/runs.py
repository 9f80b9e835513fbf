"""Records of runs: one computation each, bound to the loads, definitions and libraries it used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

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

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def read_runs(db: Database) -> list[RunRecord]:
    """Runs in the order in which they were made."""
    if not db.columns("runs"):
        return []
    names = ", ".join(RECORDS["runs"])
    found = [
        dict(zip(RECORDS["runs"], row, strict=True))
        for row in db.rows(f"SELECT {names} FROM runs ORDER BY id")
    ]
    return [
        RunRecord(
            **{**run, "versions": json.loads(run["versions"]), "libraries": json.loads(run["libraries"])}
        )
        for run in found
    ]


def find_run(db: Database, run_id: int) -> RunRecord:
    """One run by id; an unknown one is refused."""
    for record in read_runs(db):
        if record.id == run_id:
            return record
    raise NotFoundError(
        f"there is no run {run_id}; compute one with: gridsvc compute",
        f"没有计算批次 {run_id}；请先执行 gridsvc compute",
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
