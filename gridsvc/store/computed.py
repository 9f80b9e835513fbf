"""What a store keeps of computations: runs, their results, and what is published of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import geopandas
import pandas as pd
import pyproj

from gridsvc.errors import NotFoundError
from gridsvc.store import runs, versions
from gridsvc.store.frames import frame_of, keys_of, rows_of
from gridsvc.store.history import History, require_columns
from gridsvc.store.publications import NewPublication
from gridsvc.store.runs import NewRun, ResultChange, RunRecord
from gridsvc.store.schema import RESULT_TABLES, Table


class Computed(History, ABC):
    """The part of a :class:`gridsvc.store.Store` that holds what was computed."""

    @property
    @abstractmethod
    def crs(self) -> pyproj.CRS:
        """CRS of stored coordinates."""

    def write_run(self, run: NewRun, tables: Mapping[str, pd.DataFrame]) -> RunRecord:
        """Store a run as a draft; of its tables only the rows that differ from the newest run are written.

        *tables* holds frames by result name; a result that is not given has no rows in this run.
        """
        unknown = set(tables) - set(RESULT_TABLES)
        if unknown:
            raise _no_result(sorted(unknown)[0])
        rows = {
            name: rows_of(tables.get(name, pd.DataFrame(columns=[*table.columns])), table)
            for name, table in RESULT_TABLES.items()
        }
        with self._db.writing():
            record = runs.insert_run(self._db, run)
            for name, table in RESULT_TABLES.items():
                versions.write(self._db, table, rows[name], record.id, whole=True)
        return record

    def write_changes(self, run: NewRun, upon: int, changes: Mapping[str, ResultChange]) -> RunRecord | None:
        """Store a run as a draft that differs from run *upon* by *changes*, by result name.

        What is stored is what :meth:`write_run` would store of the whole. Where *upon* is not the newest run,
        nothing is stored: None.
        """
        with self._db.writing():
            newest = self._db.rows("SELECT MAX(id) FROM runs")[0][0]
            if newest != upon:
                return None
            record = runs.insert_run(self._db, run)
            for name, change in changes.items():
                table = RESULT_TABLES[name]
                rows = rows_of(change.rows, table)
                if change.whole:
                    versions.write(self._db, table, rows, record.id, whole=True)
                else:
                    gone = keys_of(change.gone, table)
                    versions.write_some(self._db, table, rows, gone, record.id)
        return record

    def runs_token(self) -> str:
        """What changes with every run, publication and pruning: cheaper than reading them."""
        with self._db.reading():
            return runs.runs_token(self._db)

    def runs(self) -> list[RunRecord]:
        """Runs in the order in which they were made."""
        with self._db.reading():
            return runs.read_runs(self._db)

    def run(self, run_id: int | None = None) -> RunRecord | None:
        """One run by id (an unknown one is refused), or the newest; None while there is none."""
        with self._db.reading():
            if run_id is None:
                return runs.newest_run(self._db)
            return runs.find_run(self._db, run_id)

    def named_run(self, name: str) -> RunRecord:
        """The run that *name* means: its id, or the number or label of its publication (its newest revision).

        ``2026-3-r1`` and ``第32周-r1`` mean that revision. Raises :class:`NotFoundError`.
        """
        with self._db.reading():
            return runs.named_run(self._db, name)

    def publish_run(self, run_id: int, new: NewPublication) -> RunRecord:
        """Publish a draft: it is given a number, and neither it nor what it rests on is ever taken out.

        A :class:`UsageError` where it is published already, or the label is in use and it is no revision.
        """
        with self._db.writing():
            return runs.publish_run(self._db, run_id, new)

    def definitions(self, digest: str) -> str:
        """The definitions kept under *digest* with a run; empty where there are none."""
        with self._db.reading():
            return runs.read_definitions(self._db, digest)

    def result(
        self, table: str, run: int | None = None, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame | geopandas.GeoDataFrame:
        """Rows of a result table in *run* (None: the newest), sorted by its key.

        Columns: ``fid`` (stable per key over runs), the table's columns with the dtypes of :meth:`read`, and
        ``geometry`` where it has one. *where* asks for equality by column (a list: any of; None: no value).
        """
        if table not in RESULT_TABLES:
            raise _no_result(table)
        spec = RESULT_TABLES[table]
        require_columns(spec, where)
        with self._db.reading():
            if run is not None:
                runs.require_results(runs.find_run(self._db, run))
            return self._frame(spec, ("fid",), run, where)

    def _frame(
        self,
        table: Table,
        head: tuple[str, ...],
        at: int | None,
        where: Mapping[str, Any] | None,
        context: bool = False,
    ) -> pd.DataFrame | geopandas.GeoDataFrame:
        names = (*head, *table.columns, *(("geometry",) if table.geometry else ()))
        rows = versions.select(self._db, table, names, at=at, where=where, context=context)
        return frame_of(rows, head, table, self.crs if table.geometry else None)


def _no_result(name: str) -> NotFoundError:
    return NotFoundError(
        f"there is no result {name!r}; the results are: {', '.join(RESULT_TABLES)}",
        f"没有结果表 {name!r}；现有：{'、'.join(RESULT_TABLES)}",
    )
