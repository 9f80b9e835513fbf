"""The GeoPackage of current rows that GIS desktops open, written aside and put in place atomically."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyogrio import raw

from gridsvc.errors import StoreError
from gridsvc.layers import FieldType
from gridsvc.store.database import Database, quoted
from gridsvc.store.schema import RECORDS, RESULT_TABLES, Table, layer_table
from gridsvc.store.versions import select
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.store.store import Store

RECORD_TITLES: dict[str, Text] = {
    "loads": bilingual("Loads", "入库记录"),
    "runs": bilingual("Runs", "计算批次"),
}
Column = tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]
MOMENTS = {"started", "finished", "created"}
WKB_TYPES = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
}
SCHEMA_EXTENSION = (
    "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, "
    "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, "
    "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))",
    "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, "
    "constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, "
    "max_is_inclusive BOOLEAN, description TEXT, "
    "CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))",
    "INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) VALUES "
    "('gpkg_data_columns', NULL, 'gpkg_schema', "
    "'http://www.geopackage.org/spec121/#extension_schema', 'read-write'), "
    "('gpkg_data_column_constraints', NULL, 'gpkg_schema', "
    "'http://www.geopackage.org/spec121/#extension_schema', 'read-write')",
)
GDAL_UTC = 100  # what GDAL calls UTC in its time zone flag


def publish(store: Store) -> None:
    """Write the workspace's GeoPackage: every layer, every result of the newest run, loads and runs.

    Empty layers are there too, with their columns and geometry type. GDAL writes a file of its own beside the
    old one, never the live database. When another process has published newer content meanwhile, that stays.
    Raises :class:`StoreError` where the file cannot be written.
    """
    target = store.workspace.geopackage_path
    aside = target.with_name(f".{target.stem}.{os.getpid()}-{threading.get_ident()}.tmp.gpkg")
    try:
        _clean(target)
        aside.unlink(missing_ok=True)
        with store.snapshot():
            written = _state(store.database)
            rows = _write(store, aside)
        # GDAL has closed the file, which nobody else knows
        _require_whole(aside, rows)
        _add_titles(store, aside)
        _sync(aside)
        place(store.database, aside, target, written)
    except (OSError, RuntimeError, sqlite3.Error) as error:
        raise StoreError(
            f"the GeoPackage {target} cannot be written: {error}", f"无法写入 GeoPackage {target}：{error}"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def is_stale(store: Store) -> bool:
    """True where the GeoPackage is missing, or older than the store: its writing was cut short or refused."""
    with store.snapshot():
        if not store.database.columns("loads") or (state := _state(store.database)) == (0, 0):
            return False
        return not store.workspace.geopackage_path.exists() or _published(store.database) != state


def _published(db: Database) -> tuple[int, ...]:
    """Newest load and newest run in the GeoPackage."""
    found = db.rows("SELECT value FROM meta WHERE name = 'published'")
    return tuple(int(number) for number in found[0][0].split()) if found else (0, 0)


def place(db: Database, aside: Path, target: Path, written: tuple[int, int]) -> None:
    """Put the file in place, unless a newer one is; the write lock makes publishers take turns."""
    with db.writing():
        if target.exists() and _published(db) > written:
            return
        db.run("DELETE FROM meta WHERE name = 'published'")
        db.run("INSERT INTO meta (name, value) VALUES ('published', ?)", (f"{written[0]} {written[1]}",))
        # the log of a desktop that has the old file open would be replayed into the new one
        for log in ("-wal", "-shm", "-journal"):
            target.with_name(target.name + log).unlink(missing_ok=True)
        aside.replace(target)


def _state(db: Database) -> tuple[int, int]:
    """Newest load and newest run."""
    count = "SELECT COALESCE(MAX(id), 0) FROM"
    return int(db.rows(f"{count} loads")[0][0]), int(db.rows(f"{count} runs")[0][0])


def _sync(path: Path) -> None:
    """Have the file on the disk before it takes the old one's place."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _clean(target: Path) -> None:
    """Remove what processes that died while writing have left."""
    pattern = re.compile(rf"\.{re.escape(target.stem)}\.(\d+)(-\d+)?\.tmp\.gpkg(-\w+)?")
    for path in target.parent.glob(f".{target.stem}.*"):
        match = pattern.fullmatch(path.name)
        if match and not _alive(int(match[1])):
            path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _write(store: Store, path: Path) -> dict[str, tuple[int, bool]]:
    """Write every table in one state of the store; returns rows, and whether they have shapes, by name."""
    written = {}
    tables = {name: (layer_table(layer), layer.title) for name, layer in store.layers.items()}
    tables |= {table.name: (table, table.title) for table in RESULT_TABLES.values()}
    crs = f"EPSG:{store.crs.to_epsg()}"
    for name, (table, title) in tables.items():
        kinds: dict[str, FieldType] = {
            **({"key": "text"} if table.mark == "load" else {}),
            **table.columns,
        }
        names = ("fid", *kinds, *(("geometry",) if table.geometry else ()))
        columns = _columns(select(store.database, table, names), len(names))
        written[name] = len(columns[0]), bool(table.geometry)
        _add(path, name, title, columns, kinds, _geometry_type(table, columns[-1]), crs)
    for name, title in RECORD_TITLES.items():
        kinds = {column: kind for column, kind in RECORDS[name].items() if column != "id"}  # type: ignore[misc]
        selected = ", ".join(("id", *kinds))
        rows = store.database.rows(f"SELECT {selected} FROM {name} ORDER BY id")
        _add(path, name, title, _columns(rows, 1 + len(kinds)), kinds, None, crs)
        written[name] = len(rows), False
    return written


def _require_whole(path: Path, written: dict[str, tuple[int, bool]]) -> None:
    """Refuse a file that lacks rows or a spatial index: on a full disk GDAL leaves them out without a word."""
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        for name, (rows, shaped) in written.items():
            index = f"rtree_{name}_geom"
            found = connection.execute(f"SELECT COUNT(*) FROM {quoted(name)}").fetchone()[0]
            if found != rows or (shaped and index not in tables):
                raise OSError(f"{name} is not whole; the disk may be full")


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _geometry_type(table: Table, shapes: Sequence[bytes | None]) -> str | None:
    """The one type that holds all that the table accepts and has; None for a table without geometry."""
    if not table.geometry:
        return None
    # the second byte of little-endian WKB is the type
    found = {WKB_TYPES.get(shape[1], "Unknown") for shape in shapes if shape}
    names = found | set(table.geometry)
    single = {name.removeprefix("Multi") for name in names}
    if len(single) > 1:
        return "Unknown"
    return ("Multi" if any(name.startswith("Multi") for name in names) else "") + single.pop()


def _add_titles(store: Store, path: Path) -> None:
    """Name the layers' fields in Chinese, described in English (the GeoPackage Schema extension)."""
    titles = [
        (layer.name, name, field.title.zh, field.title.en + (f" ({field.unit})" if field.unit else ""))
        for layer in store.layers.values()
        for name, field in layer.fields.items()
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in SCHEMA_EXTENSION:
            connection.execute(statement)
        # two fields of one layer may not share a title: the second keeps its own name
        connection.executemany(
            "INSERT OR IGNORE INTO gpkg_data_columns (table_name, column_name, name, title, description) "
            "VALUES (?1, ?2, ?3, ?3, ?4)",
            titles,
        )


def _add(
    path: Path,
    name: str,
    title: Text,
    columns: list[Sequence[Any]],
    kinds: dict[str, FieldType],
    geometry_type: str | None,
    crs: str,
) -> None:
    """Add one layer; *columns* are the feature ids, the columns of *kinds* and, with a type, geometries."""
    fields: dict[str, Column] = {"fid": (np.array(columns[0], dtype="int64"), None)}
    fields |= {
        column: _field(values, "moment" if column in MOMENTS else kind)
        for (column, kind), values in zip(kinds.items(), columns[1:], strict=False)
    }
    geometry = None
    if geometry_type is not None:
        geometry = _objects(columns[-1])
    offsets = {column: np.full(len(columns[0]), GDAL_UTC) for column in kinds if column in MOMENTS}
    options = {"FID": "fid", "IDENTIFIER": title.zh, "DESCRIPTION": title.en}
    options |= {"SPATIAL_INDEX": "YES"} if geometry_type else {"ASPATIAL_VARIANT": "GPKG_ATTRIBUTES"}
    raw.write(
        path,
        geometry=geometry,
        field_data=[data for data, _ in fields.values()],
        field_mask=[mask for _, mask in fields.values()],
        fields=np.array(list(fields), dtype=object),
        layer=name,
        driver="GPKG",
        geometry_type=geometry_type,
        promote_to_multi=geometry_type is not None and geometry_type.startswith("Multi"),
        crs=crs if geometry_type else None,
        # 1.3 is what desktops of recent years read without complaint
        dataset_options={"VERSION": "1.3"},
        layer_options=options,
        gdal_tz_offsets=offsets,
    )


def _field(values: Sequence[Any], kind: FieldType | str) -> Column:
    """One column as GDAL takes it, and which values are missing (None: told by the values themselves)."""
    if kind == "number":
        return np.array(values, dtype="float64"), None
    if kind == "date":
        # few days are many rows'
        codes, distinct = pd.factorize(_objects(values))
        return np.array([*distinct.tolist(), "NaT"], dtype="datetime64[D]")[codes], None
    if kind == "moment":
        return np.array([str(value)[:19] for value in values], dtype="datetime64[ms]"), None
    if kind in ("integer", "boolean"):
        missing = np.asarray(pd.isna(_objects(values)), dtype=bool)
        known = [0 if value is None else value for value in values] if missing.any() else values
        return np.array(known, dtype="bool" if kind == "boolean" else "int64"), missing
    return _objects(values), None


def _objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
