"""Old row versions, deliveries and quarantine, taken out up to a horizon; and what is told of states that went.

A horizon is a load of a layer: the state after it is the oldest that remains. Below it those states remain that a
published run, or the newest run, rests on. The records of loads and runs always stay.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gridsvc.store.bounds import Bounds, history_bounds
from gridsvc.store.database import Database, quoted
from gridsvc.store.loads import LoadRecord, now, read_loads, standing
from gridsvc.store.runs import RunRecord, read_runs
from gridsvc.store.schema import Table


@dataclass(frozen=True)
class Pruned:
    """What a prune takes out."""

    horizons: dict[str, int]
    """Layer → load after which its oldest remaining state is."""
    versions: dict[str, int]
    """Row versions by table."""
    runs: list[int]
    """Drafts whose results go."""
    deliveries: list[int]
    """Loads whose files go."""
    quarantined: int
    """Rows of quarantine."""
    bytes: int
    """Bytes of all that, as stored; indexes are not counted."""

    @property
    def nothing(self) -> bool:
        """True where there is nothing to take out."""
        return not (self.versions or self.runs or self.deliveries or self.quarantined)


@dataclass(frozen=True)
class Plan:
    """A prune worked out, before anything is done."""

    pruned: Pruned
    bounds: dict[str, Bounds]
    conditions: dict[str, str] = field(default_factory=dict)
    """Table → SQL condition of the row versions that go."""
    waiting: list[int] = field(default_factory=list)
    """Loads whose quarantine goes."""


def horizons(records: Iterable[LoadRecord], *, before: int | None, keep: int | None) -> dict[str, int]:
    """Layer → its horizon: its newest load up to *before*, or the oldest of its *keep* newest loads."""
    ids: dict[str, list[int]] = {}
    for record in records:
        ids.setdefault(record.layer, []).append(record.id)
    if keep is not None:
        return {layer: own[-keep] if len(own) >= keep else own[0] for layer, own in ids.items()}
    return {layer: max([own[0], *(one for one in own if one <= (before or 0))]) for layer, own in ids.items()}


def plan(
    db: Database, tables: Sequence[Table], *, before: int | None, keep: int | None, spared: Collection[str]
) -> Plan:
    """Work out what a prune takes out of *tables*, all that are stored; in one state of the store.

    Layers that are *spared* keep everything.
    """
    records, runs = [one for one in read_loads(db) if one.layer not in spared], read_runs(db)
    earlier = history_bounds(db)
    # the newest run is what people look at now, published or not
    resting = [run for run in runs if run.status != "draft" or run is runs[-1]]
    bounds = {}
    for layer, reached in horizons(records, before=before, keep=keep).items():
        old = earlier.get(layer, Bounds())
        horizon = max(reached, old.horizon)
        asked = {run.versions.get(layer, 0) for run in resting}
        kept = frozenset(load for load in asked if 0 < load < horizon and old.holds(load))
        bounds[layer] = Bounds(horizon, kept)
    gone = [run.id for run in runs if run not in resting and not run.pruned and not _rests(run, bounds)]
    left = [run.id for run in runs if not run.pruned and run.id not in gone]
    conditions = {}
    for table in tables:
        if table.mark == "load":
            own = bounds.get(table.name.removeprefix("layer_"))
            conditions[table.name] = _gone(table, own.kept, own.horizon) if own else "1 = 0"
        else:
            conditions[table.name] = _gone(table, left, None) if gone else "1 = 0"
    return _measured(db, tables, records, bounds, conditions, gone)


def _rests(run: RunRecord, bounds: Mapping[str, Bounds]) -> bool:
    """True where every state that a run was computed from is there."""
    return all(bounds.get(layer, Bounds()).holds(load) for layer, load in run.versions.items())


def _gone(table: Table, kept: Collection[int], horizon: int | None) -> str:
    """SQL condition of the row versions that no kept state holds; rows that only hold a feature id stay."""
    begun, ended = table.begun, table.ended
    condition = f"({ended} IS NOT NULL AND {begun} <> {ended}"
    if horizon is not None:
        condition += f" AND {ended} <= {horizon}"
    if kept:
        states = ", ".join(f"({number})" for number in sorted(kept))
        condition += (
            f" AND NOT EXISTS (WITH kept(at) AS (VALUES {states}) SELECT 1 FROM kept "
            f"WHERE {begun} <= kept.at AND {ended} > kept.at)"
        )
    return condition + ")"


def _measured(
    db: Database,
    tables: Sequence[Table],
    records: Sequence[LoadRecord],
    bounds: dict[str, Bounds],
    conditions: dict[str, str],
    runs: list[int],
) -> Plan:
    """Count what goes: row versions, then the files and quarantined rows of loads nothing rests on any more."""
    versions: dict[str, int] = {}
    size, living = 0, set()
    for table in tables:
        where = conditions[table.name]
        present = db.columns(table.name)
        columns = " + ".join(db.size_of(name) for name in table.stored if name in present)
        count, held = db.rows(
            f"SELECT COUNT(*), COALESCE(SUM({columns}), 0) FROM {table.name} WHERE {where}"
        )[0]
        size += int(held)
        versions |= {table.name: int(count)} if count else {}
        if table.mark == "load":
            living |= {
                load
                for (load,) in db.rows(
                    f"SELECT DISTINCT load_in FROM {table.name} "
                    f"WHERE (load_out IS NULL OR load_in <> load_out) AND NOT {where}"
                )
            }
    below = {record.id for record in records if not bounds[record.layer].holds(record.id)}
    below -= {record.id for record in standing(records)}
    kept = {load for (load,) in db.rows("SELECT DISTINCT load_id FROM delivered")}
    deliveries = sorted(kept & (below - living))
    waiting = sorted(below)
    quarantined = _sum(db, f"SELECT COUNT(*) FROM quarantine WHERE {_among('load_id', waiting)}")
    size += _sum(
        db, f"SELECT COALESCE(SUM({db.size_of('data')}), 0) FROM chunks WHERE {_orphans(deliveries)}"
    )
    oldest = {layer: own.horizon for layer, own in bounds.items()}
    pruned = Pruned(oldest, versions, runs, deliveries, quarantined, size)
    return Plan(pruned, bounds, conditions, waiting)


def _sum(db: Database, statement: str) -> int:
    return int(db.rows(statement)[0][0])


def _among(column: str, numbers: Sequence[int]) -> str:
    """SQL condition: *column* is one of *numbers*."""
    return f"{column} IN ({', '.join(map(str, numbers))})" if numbers else "1 = 0"


def _orphans(loads: Sequence[int]) -> str:
    """SQL condition of the content that no load but these uses."""
    if not loads:
        return "1 = 0"
    return f"sha256 NOT IN (SELECT sha256 FROM delivered WHERE NOT {_among('load_id', loads)})"


def carry_out(db: Database, tables: Sequence[Table], plan: Plan) -> None:
    """Take out what *plan* says; inside the writing transaction in which it was worked out."""
    for table in tables:
        if table.name in plan.pruned.versions:
            _take_out(db, table, plan.conditions[table.name])
    orphans = _orphans(plan.pruned.deliveries)
    db.run(f"DELETE FROM chunks WHERE {orphans}")
    db.run(f"DELETE FROM delivered WHERE {_among('load_id', plan.pruned.deliveries)}")
    db.run(f"DELETE FROM quarantine WHERE {_among('load_id', plan.waiting)}")
    moment = now()
    db.insert("pruned_runs", ("id", "pruned"), [(run, moment) for run in plan.pruned.runs])
    db.run("DELETE FROM pruned")
    rows = [
        (layer, own.horizon, json.dumps(sorted(own.kept)), moment)
        for layer, own in sorted(plan.bounds.items())
    ]
    db.insert("pruned", ("layer", "horizon", "kept", "pruned"), rows)


def _take_out(db: Database, table: Table, gone: str) -> None:
    """Delete row versions. The last one of a key is emptied instead: a key keeps its feature id for ever."""
    names = [name for name in db.columns(table.name) if name in table.stored]
    empty = "".join(f"{quoted(name)} = NULL, " for name in names)
    # it begins and ends with the same load, so that it is in no state
    db.run(
        f"UPDATE {table.name} SET {empty}hash = ?, {table.ended} = {table.begun} WHERE version IN "
        f"(SELECT MAX(version) FROM {table.name} WHERE {gone} AND fid NOT IN "
        f"(SELECT fid FROM {table.name} WHERE NOT {gone}) GROUP BY fid)",
        (b"",),
    )
    db.run(f"DELETE FROM {table.name} WHERE {gone}")
