"""The store of one workspace: what was loaded, what was computed, as it is now and as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, Self

import geopandas
import pandas as pd
import pyproj

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.layers import Layers
from gridsvc.settings import Workspace
from gridsvc.store import deliveries, loads, versions
from gridsvc.store import quarantine as waiting
from gridsvc.store.bounds import require_state
from gridsvc.store.computed import Computed
from gridsvc.store.context import of_neighbours, require_own_keys
from gridsvc.store.database import BUSY_TIMEOUT, Database, connect
from gridsvc.store.deliveries import DeliveredFile
from gridsvc.store.extent import Bounds, place
from gridsvc.store.frames import rows_of
from gridsvc.store.geopackage import is_stale, publish
from gridsvc.store.loads import LoadRecord, Source
from gridsvc.store.origins import read_origins
from gridsvc.store.schema import (
    CONTEXT_KEY,
    layer_table,
    migrate,
    require_readable,
    tables_of,
)

Mode = Literal["replace", "append", "upsert"]


def open_store(
    workspace: Workspace, layers: Layers, *, write: bool = False, busy_timeout: float = BUSY_TIMEOUT
) -> Store:
    """Open the store of *workspace*; with *write* it is made, or brought up to the definitions in *layers*.

    A store that does not exist reads as empty. *busy_timeout* is how many seconds a writer waits for another
    one before :class:`StoreBusyError`. Use it as a context manager, or :meth:`Store.close` it.
    """
    db = connect(workspace.store_url, write=write, busy_timeout=busy_timeout)
    try:
        if write:
            migrate(db, layers)
        else:
            with db.reading():
                require_readable(db, layers)
    except BaseException:
        db.close()
        raise
    return Store(workspace, layers, db)


class Store(Computed):
    """An open store. One object may be used by several threads, one at a time."""

    def __init__(self, workspace: Workspace, layers: Layers, db: Database) -> None:
        """Wrap an open database; see :func:`open_store`."""
        self.workspace = workspace
        self.layers = layers
        self._db = db
        self._place: tuple[int, tuple[Bounds | None, int]] | None = None

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextmanager
    def snapshot(self) -> Iterator[Self]:
        """Everything read inside sees one state of the store, whatever others write meanwhile.

        Other threads that share this object wait until it ends.
        """
        with self._db.reading():
            yield self

    # layers

    def read(
        self,
        layer: str,
        *,
        load: int | None = None,
        where: Mapping[str, Any] | None = None,
        context: bool = False,
    ) -> pd.DataFrame | geopandas.GeoDataFrame:
        """Rows of *layer*, current or as they were after *load*, sorted by key.

        The county's own; with *context* instead those of neighbouring counties, whose keys begin with
        :data:`~gridsvc.store.schema.CONTEXT_KEY`.

        Columns: ``fid`` (int64), ``key``, every field of the layer (text: object with None; integer: Int64;
        number: float64; boolean: boolean; date: datetime64[s]) and, but for tables, ``geometry`` in longitude
        and latitude. *where* asks for equality by column (a list: any of; None: no value). A state that was
        pruned is a :class:`NotFoundError`.
        """
        table = self._layer_table(layer, where)
        with self._db.reading():
            if load is not None:
                require_state(self._db, layer, load)
            return self._frame(table, ("fid", "key"), load, where, context)

    def apply(
        self,
        layer: str,
        frame: pd.DataFrame,
        source: Source,
        mode: Mode = "replace",
        quarantine: pd.DataFrame | None = None,
        counts: Mapping[str, int] | None = None,
        *,
        kept: Collection[str] = (),
        split: Collection[str] = (),
        started: str | None = None,
        admits: Collection[int] = (),
        answers: bool = True,
        context: bool = False,
        delivered: Sequence[DeliveredFile] = (),
    ) -> LoadRecord:
        """Load *frame* into *layer*: one diff in one transaction.

        *frame* has ``key``, ``source_row``, the layer's fields and, but for tables, ``geometry`` in longitude
        and latitude. ``replace``: it is all there is, other rows end; ``upsert``: other rows stay; ``append``:
        every key must be new. *quarantine* has ``source_row, reason, reason_en, reason_zh, raw, geometry``.
        *counts* has ``rows_read`` and what became of the source rows that are in neither frame, by name
        (``left_out``, ``superseded`` …). Raises :class:`InputRefusedError` for repeated, empty or (append)
        existing keys and mistyped values, :class:`StoreError` where the rows read are not all accounted for.

        *kept*: keys that ``replace`` leaves as they are although *frame* lacks them: a feature whose new row
        waits in quarantine is not lost, its earlier version stands. *split*: keys of rows of which a part is in
        *frame* and the rest in *quarantine*; each is counted once, under ``split``. *admits*: numbers under which
        rows waited in quarantine that this load accepts or keeps corrected; one that waits no more is a
        :class:`UsageError`. *delivered*: the files that the rows were read from, to be kept with the load.
        Without *answers*, rows that wait under a key of *frame* wait on.

        *context*: features of neighbouring counties. They stand beside the county's own, and every *mode* is about
        them alone.
        """
        table = self._layer_table(layer)
        frame, source, kept = of_neighbours(table, frame, source, kept) if context else (frame, source, kept)
        split = [CONTEXT_KEY + key for key in split] if context else split
        if mode not in ("replace", "append", "upsert"):
            raise UsageError(f"there is no mode {mode!r}", f"没有 {mode!r} 这种入库方式")
        started = started or loads.now()
        rows = rows_of(frame, table)
        if not context:
            require_own_keys(table, rows.keys)
        refused = pd.DataFrame() if quarantine is None else quarantine
        with self._db.writing():
            load_id = loads.next_load(self._db)
            changes = versions.write(
                self._db,
                table,
                rows,
                load_id,
                whole=mode == "replace",
                kept=kept,
                split=split,
                context=context,
            )
            if mode == "append" and (changes.changed or changes.unchanged):
                again = changes.changed + changes.unchanged
                raise InputRefusedError(
                    f"{layer}: {again} keys are in the store already; append takes new ones only, "
                    "use upsert to change features",
                    f"{layer}：{again} 个编号已在库中；append 只接受新编号，更新请用 upsert",
                )
            record = loads.load_record(
                load_id, layer, source, mode, started, changes, counts or {}, len(refused)
            )
            loads.insert_load(self._db, record)
            if admits:
                waiting.take_up(self._db, layer, admits, load_id)
            if answers and mode != "replace":
                waiting.settle(self._db, layer, rows.keys.tolist(), load_id, context=context)
            waiting.insert_quarantine(self._db, load_id, refused)
            deliveries.keep(self._db, load_id, delivered)
            self._settle()
        return record

    def rollback(self, load_id: int) -> LoadRecord:
        """Undo the newest load of a layer exactly: its rows end, the rows it ended are current again.

        Loads of the county's own features and of its neighbours' are undone each by themselves. The undoing is
        recorded as a load of kind ``rollback``. Refused (:class:`UsageError`) when the load is undone already or a
        later load of the layer stands, and (:class:`NotFoundError`) when the state before it was pruned.
        """
        started = loads.now()
        with self._db.writing():
            undone = loads.find_load(self._db, load_id)
            loads.require_newest(self._db, undone)
            table = self._layer_table(undone.layer)
            cannot = f"load {load_id} cannot be undone: ", f"入库 {load_id} 不能撤销："
            require_state(self._db, undone.layer, load_id - 1, cannot)
            rollback_id = loads.next_load(self._db)
            part = undone.context
            before = versions.stored_rows(self._db, table, at=load_id - 1, context=part)
            changes = versions.write(self._db, table, before, rollback_id, whole=True, context=part)
            record = loads.rollback_record(rollback_id, undone, started, changes)
            loads.insert_load(self._db, record)
            loads.flip(self._db, undone)
            self._settle()
        return record

    def loads(self, layer: str | None = None) -> list[LoadRecord]:
        """Loads in the order in which they were made, of one layer or of all."""
        with self._db.reading():
            return loads.read_loads(self._db, layer)

    def load(self, load_id: int) -> LoadRecord:
        """One load by id; an unknown one is a :class:`NotFoundError`."""
        with self._db.reading():
            return loads.find_load(self._db, load_id)

    def origins(self, layer: str) -> pd.DataFrame:
        """Where the current rows of *layer* came from; see :func:`gridsvc.store.origins.read_origins`."""
        with self._db.reading():
            return read_origins(self._db, self._layer_table(layer))

    def quarantine(self, load_id: int | None = None, layer: str | None = None) -> pd.DataFrame:
        """Rows that loads could not accept, with reasons: of one load, of one layer's loads, or of all.

        Columns ``id, load_id, source_row, reason, reason_en, reason_zh, raw, geometry (WKB), file, key, columns,
        origin, admitted_by, dismissed, note, layer, open``; ``origin`` is the number that people know the row by.
        """
        with self._db.reading():
            return waiting.read_quarantine(self._db, load_id, layer)

    def dismiss(self, numbers: Collection[int], note: str, layer: str | None = None) -> pd.DataFrame:
        """Leave open rows of the quarantine out for good, and say why; returns them."""
        with self._db.writing():
            return waiting.dismiss(self._db, numbers, note, layer)

    def reopen(self, numbers: Collection[int], layer: str | None = None) -> pd.DataFrame:
        """Have dismissed rows of the quarantine wait again; returns them."""
        with self._db.writing():
            return waiting.reopen(self._db, numbers, layer)

    def layer_version(self, layer: str) -> int:
        """Newest load that changed a row of *layer*; 0 when nothing was ever loaded."""
        self._layer_table(layer)
        return max((record.id for record in self.loads(layer) if record.touched), default=0)

    def layer_versions(self) -> dict[str, int]:
        """By layer the newest load that changed a row of it; 0 for a layer that holds no rows of the county's own."""
        with self._db.reading():
            newest = loads.newest_changes(self._db)
            return {
                name: newest.get(name, 0) if versions.holds_any(self._db, layer_table(layer)) else 0
                for name, layer in self.layers.items()
            }

    def counts(self) -> dict[str, int]:
        """Number of current rows of the county's own, by layer."""
        with self._db.reading():
            return {name: versions.count(self._db, layer_table(layer)) for name, layer in self.layers.items()}

    def digest(self, layer: str | None = None) -> str:
        """SHA-256 over the current rows of one layer or all, the county's own: equal content, equal digests.

        It does not depend on load ids, feature ids or the order of loading; empty layers leave no mark.
        """
        chosen = [layer] if layer is not None else sorted(self.layers)
        total = hashlib.sha256()
        with self._db.reading():
            for name in chosen:
                rows = versions.select(self._db, self._layer_table(name), ("key", "hash"))
                if rows:
                    total.update(f"\n{name}\n".encode())
                    total.update(b"".join(key.encode() + b"\0" + row for key, row in rows))
        return total.hexdigest()

    # place

    def bounds(self) -> Bounds | None:
        """West, south, east, north in degrees: of the county layer, else of everything; None when empty."""
        return self._located()[0]

    @property
    def crs(self) -> pyproj.CRS:
        """CRS of stored coordinates: EPSG:4490 when the data lies in China, else EPSG:4326."""
        return pyproj.CRS.from_epsg(self._located()[1])

    def _located(self) -> tuple[Bounds | None, int]:
        """Bounds and SRID, looked up once a load."""
        with self._db.reading():
            newest = loads.newest_load(self._db)
            if self._place is None or self._place[0] != newest:
                self._place = newest, place(self._db, self.layers)
            return self._place[1]

    def _settle(self) -> None:
        """Have the database say where the data lies; inside a writing transaction."""
        self._db.settle(lambda: place(self._db, self.layers)[1], tables_of(self.layers))

    # the GeoPackage

    def publish_geopackage(self) -> None:
        """Write the GeoPackage of current rows, results and loads, and put it in place of the old one."""
        publish(self)

    @property
    def geopackage_is_stale(self) -> bool:
        """True where the GeoPackage is missing, or lacks what was stored last."""
        return is_stale(self)

    # inside

    @property
    def database(self) -> Database:
        """The open database, for the store's own modules."""
        return self._db
