"""Records of runs: one computation each, bound to the loads, definitions and libraries it used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store.database import Database
from gridsvc.store.loads import now
from gridsvc.store.publications import (
    NewPublication,
    Publication,
    find_publication,
    insert_publication,
    read_publications,
)
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
    content: str = ""
    """The definitions themselves, kept once for all runs that used them."""


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
    publication: Publication | None = None
    """How it was published."""

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
    published = read_publications(db)
    found = []
    for row in db.rows(f"SELECT {names} FROM runs WHERE {condition} ORDER BY id", bound):
        values = dict(zip(RECORDS["runs"], row, strict=True))
        values |= {name: json.loads(values[name]) for name in ("versions", "libraries")}
        run_id = values["id"]
        found.append(RunRecord(**values, pruned=(run_id,) in gone, publication=published.get(run_id)))
    return found


def runs_token(db: Database) -> str:
    """What changes with every run, publication and pruning."""
    tables = ("runs", "publications", "pruned_runs")
    counts = [db.rows(f"SELECT COUNT(*) FROM {name}")[0][0] if db.columns(name) else 0 for name in tables]
    return ".".join(str(count) for count in counts)


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


def named_run(db: Database, name: str) -> RunRecord:
    """The run that *name* means: its id, or the number or label of its publication; see ``find_publication``."""
    plain = name.strip()
    if plain.isdecimal():
        # no store holds more runs than that, and no engine larger numbers
        return find_run(db, int(plain) if len(plain) < 19 else 0)
    return find_run(db, find_publication(read_publications(db), plain).id)


def publish_run(db: Database, run_id: int, new: NewPublication) -> RunRecord:
    """Publish a draft; inside a writing transaction. Refused where it is published, pruned, or the label is used."""
    record = find_run(db, run_id)
    require_results(record)
    if record.publication is not None:
        raise already_published(record.publication)
    keep_definitions(db, record.definitions, new.definitions)
    insert_publication(db, run_id, record.as_of[:4], new, read_publications(db))
    return find_run(db, run_id)


def already_published(one: Publication) -> UsageError:
    """Why a run cannot be published."""
    return UsageError(
        f"run {one.id} is published already, as {one.edition} {one.label}, and stays as it is; "
        f"gridsvc publish --again {one.edition} writes its files anew",
        f"计算批次 {one.id} 已发布为 {one.edition} {one.label}，不再更改；"
        f"gridsvc publish --again {one.edition} 可重新生成其文件",
    )


def keep_definitions(db: Database, digest: str, content: str) -> None:
    """Keep the definitions of a run under their digest, once; inside a writing transaction."""
    if content and not db.rows("SELECT 1 FROM definitions WHERE digest = ?", (digest,)):
        db.insert("definitions", ("digest", "content"), [(digest, content)])


def read_definitions(db: Database, digest: str) -> str:
    """The definitions kept under *digest*; empty where none are: a run of before they were kept."""
    if not db.columns("definitions"):
        return ""
    found = db.rows("SELECT content FROM definitions WHERE digest = ?", (digest,))
    return str(found[0][0]) if found else ""


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
    keep_definitions(db, run.definitions, run.content)
    db.run(f"INSERT INTO runs ({names}) VALUES ({marks})", [values[name] for name in RECORDS["runs"]])
    return record
