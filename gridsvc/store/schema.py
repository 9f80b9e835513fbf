"""Tables of the store: row versions for every layer and result, and the records of loads and runs.

The SQL here is common to both engines; only the column types come from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gridsvc.errors import DefinitionError, StoreError
from gridsvc.layers import FieldType, Layer, Layers
from gridsvc.store.database import Database, quoted
from gridsvc.store.results import RESULTS, ResultTable
from gridsvc.text import Text, bilingual

SCHEMA_VERSION = 1
CONTEXT = "context"
"""Column that is set in rows of neighbouring counties, NULL in the county's own."""
CONTEXT_KEY = "context:"
"""What keys of such rows begin with: a neighbour may use the same numbers."""

Mark = Literal["load", "run"]


@dataclass(frozen=True)
class Table:
    """One table of row versions."""

    name: str
    """Name in the database, e.g. ``layer_lamps`` or ``result_cells``."""
    title: Text
    columns: dict[str, FieldType]
    geometry: tuple[str, ...]
    """Geometry types; empty for a table without geometry."""
    mark: Mark
    """What brings and ends rows: loads or runs."""
    key: tuple[str, ...] = ()
    """Columns whose values make the key; empty where frames bring a ``key`` of their own."""
    lookups: tuple[tuple[str, ...], ...] = ()
    """Columns by which current rows are looked up."""
    context: bool = False
    """Rows of neighbouring counties may stand beside the county's own."""

    @property
    def view(self) -> str:
        """What GIS desktops know the table's current rows by."""
        return self.name.removeprefix("layer_")

    @property
    def begun(self) -> str:
        """Column with the load or run that brought a row version."""
        return f"{self.mark}_in"

    @property
    def ended(self) -> str:
        """Column with the load or run that ended a row version; NULL while it is current."""
        return f"{self.mark}_out"

    @property
    def stored(self) -> dict[str, str]:
        """Columns that hold a row version's content, with their types."""
        extra = {"source_row": "integer"} if self.mark == "load" else {}
        extra |= {CONTEXT: "boolean"} if self.context else {}
        shape = {"geometry": "geometry"} if self.geometry else {}
        return {**self.columns, **extra, **shape}


def layer_table(layer: Layer) -> Table:
    """The table of a layer."""
    columns = {name: field.type for name, field in layer.fields.items()}
    return Table(
        f"layer_{layer.name}",
        layer.title,
        columns,
        layer.geometry,
        "load",
        context=layer.takes_context,
    )


def result_table(result: ResultTable) -> Table:
    """The table of a result."""
    return Table(
        f"result_{result.name}",
        result.title,
        result.columns,
        result.geometry,
        "run",
        result.key,
        result.lookups,
    )


RESULT_TABLES: dict[str, Table] = {name: result_table(result) for name, result in RESULTS.items()}

# records: plain tables, by name, with their columns and types; the first column is the primary key
RECORDS: dict[str, dict[str, str]] = {
    "meta": {"name": "text", "value": "text"},
    "fields": {"id": "text", "table_name": "text", "name": "text", "type": "text"},
    "loads": {
        "id": "integer",
        "layer": "text",
        "kind": "text",
        "undoes": "integer",
        "source": "text",
        "sha256": "text",
        "mode": "text",
        "options": "text",
        "started": "text",
        "finished": "text",
        "rows_read": "integer",
        "added": "integer",
        "changed": "integer",
        "unchanged": "integer",
        "ended": "integer",
        "quarantined": "integer",
        "left_out": "integer",
        "superseded": "integer",
        "other": "text",
        "status": "text",
    },
    "quarantine": {
        "id": "integer",
        "load_id": "integer",
        "source_row": "integer",
        "reason": "text",
        "reason_en": "text",
        "reason_zh": "text",
        "raw": "text",
        "geometry": "binary",
        "file": "text",
        "key": "text",
        # the columns at fault, a list as JSON
        "columns": "text",
        # the number that people know the row by: of the row of an earlier load that it corrects, else its own
        "origin": "integer",
        # load that accepted the row, or holds its correction
        "admitted_by": "integer",
        # when and why somebody left it out for good
        "dismissed": "text",
        "note": "text",
    },
    "runs": {
        "id": "integer",
        "created": "text",
        "as_of": "text",
        "status": "text",
        "label": "text",
        "versions": "text",
        "libraries": "text",
        "definitions": "text",
    },
    # runs that were published, by run; and the definitions of runs, by digest
    "publications": {
        "id": "integer",
        "number": "text",
        "label": "text",
        "revision": "integer",
        "revises": "integer",
        "reason": "text",
        "published": "text",
        "objections_from": "text",
        "objections_until": "text",
        "objections_to": "text",
        "filled_by": "text",
        "reviewed_by": "text",
        "digest": "text",
    },
    "definitions": {"digest": "text", "content": "text"},
    # the files of a load, and their compressed content: once, whatever loads use it
    "delivered": {
        "id": "integer",
        "load_id": "integer",
        "number": "integer",
        "name": "text",
        "sha256": "text",
        "size": "integer",
    },
    "chunks": {"id": "integer", "sha256": "text", "number": "integer", "data": "binary"},
    # what is no longer there: states of a layer before its horizon, but for those kept; results of runs
    "pruned": {"layer": "text", "horizon": "integer", "kept": "text", "pruned": "text"},
    "pruned_runs": {"id": "integer", "pruned": "text"},
}

# records that are looked up by another column than their first
LOOKUPS = {"delivered": "load_id", "chunks": "sha256"}


def tables_of(layers: Layers) -> list[Table]:
    """All tables of row versions: layers first, then results."""
    return [*(layer_table(layer) for layer in layers.values()), *RESULT_TABLES.values()]


def require_readable(db: Database, layers: Layers) -> None:
    """Refuse a store of a newer gridsvc, and definitions whose types contradict what is stored."""
    if not db.columns("meta"):
        return
    found = db.rows("SELECT value FROM meta WHERE name = 'schema_version'")
    if found and int(found[0][0]) > SCHEMA_VERSION:
        raise StoreError(
            f"{db.name} was written by a newer gridsvc (schema {found[0][0]}); install that version",
            f"{db.name} 由更新版本的 gridsvc 写入（结构版本 {found[0][0]}）；请升级 gridsvc",
        )
    known = {row[:2]: row[2] for row in db.rows("SELECT table_name, name, type FROM fields")}
    for table in tables_of(layers):
        for name, kind in table.columns.items():
            stored = known.get((table.name, name), kind)
            if stored != kind:
                where = table.name.removeprefix("layer_")
                raise DefinitionError(
                    f"layers/{where}.toml: fields.{name}.type: {kind!r}, but the store holds it as "
                    f"{stored!r}; give a field of another type another name",
                    f"layers/{where}.toml：fields.{name}.type：现为 {kind!r}，但库中为 {stored!r}；"
                    "类型不同的字段请另取名称",
                )


def migrate(db: Database, layers: Layers) -> None:
    """Create what is missing: tables, and columns of newer definitions. Nothing is ever dropped."""
    with db.reading():
        require_readable(db, layers)
        settled = not _missing(db, layers)
    if settled:
        return
    with db.writing():
        create(db, tables_of(layers))


def create(db: Database, tables: list[Table]) -> None:
    """Create the records and *tables*, or the columns they lack; inside a writing transaction."""
    db.prepare()
    for name, columns in RECORDS.items():
        present = db.columns(name)
        if not present:
            db.run(f"CREATE TABLE {name} ({_columns(db, columns)})")
            if name in LOOKUPS:
                db.run(f"CREATE INDEX {name}_lookup ON {name} ({LOOKUPS[name]})")
        for column in [column for column in columns if present and column not in present]:
            kind = db.column_type(columns[column])
            db.run(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {kind}")
    if not db.rows("SELECT 1 FROM meta WHERE name = 'schema_version'"):
        db.run("INSERT INTO meta (name, value) VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))
    for table in tables:
        _create(db, table)


def stored_tables(db: Database, layers: Layers) -> list[Table]:
    """All tables that the database holds, also those, and with the columns, that definitions lack by now."""
    known: dict[str, dict[str, FieldType]] = {}
    for name, field, kind in db.rows("SELECT table_name, name, type FROM fields ORDER BY id"):
        known.setdefault(name, {})[field] = kind
    defined = {table.name: table for table in tables_of(layers)}
    found = []
    for name, columns in known.items():
        held = db.columns(name)
        geometry = ("Point",) if "geometry" in held else ()
        title = bilingual(name, name)
        mark: Mark = "run" if name.startswith("result_") else "load"
        table = defined.get(name, Table(name, title, columns, geometry, mark, context=CONTEXT in held))
        found.append(replace(table, columns={**table.columns, **columns}))
    return found


def _missing(db: Database, layers: Layers) -> bool:
    """True where the database lacks a table or a column."""
    if any(set(columns) - set(db.columns(name)) for name, columns in RECORDS.items()):
        return True
    return any(set(table.stored) - set(db.columns(table.name)) for table in tables_of(layers))


def _columns(db: Database, columns: dict[str, str]) -> str:
    first = next(iter(columns))
    return ", ".join(
        f"{quoted(name)} {db.column_type(kind)}{' PRIMARY KEY' if name == first else ''}"
        for name, kind in columns.items()
    )


def _create(db: Database, table: Table) -> None:
    """Create a table of row versions with its indexes, or add the columns it lacks."""
    present = db.columns(table.name)
    if present and not set(table.stored) - set(present):
        return
    if present:
        for name in [name for name in table.stored if name not in present]:
            kind = db.column_type(table.stored[name])
            db.run(f"ALTER TABLE {table.name} ADD COLUMN {quoted(name)} {kind}")
    else:
        integer, text, binary = map(db.column_type, ("integer", "text", "binary"))
        content = "".join(f", {quoted(name)} {db.column_type(kind)}" for name, kind in table.stored.items())
        db.run(
            f"CREATE TABLE {table.name} (version {integer} PRIMARY KEY, fid {integer} NOT NULL, "
            f"key {text} NOT NULL{content}, hash {binary} NOT NULL, "
            f"{table.begun} {integer} NOT NULL, {table.ended} {integer})"
        )
        current = f"WHERE {table.ended} IS NULL"
        db.run(f"CREATE UNIQUE INDEX {table.name}_key ON {table.name} (key) {current}")
        db.run(f"CREATE INDEX {table.name}_fid ON {table.name} (fid)")
        db.run(f"CREATE INDEX {table.name}_in ON {table.name} ({table.begun})")
        db.run(f"CREATE INDEX {table.name}_out ON {table.name} ({table.ended})")
        for number, lookup in enumerate(table.lookups):
            names = ", ".join(quoted(name) for name in lookup)
            db.run(f"CREATE INDEX {table.name}_lookup{number} ON {table.name} ({names}) {current}")
        if table.geometry:
            db.index_geometry(table)
    db.show([table])
    for name, kind in table.columns.items():
        known = db.rows("SELECT 1 FROM fields WHERE id = ?", (f"{table.name}.{name}",))
        if not known:
            db.run(
                "INSERT INTO fields (id, table_name, name, type) VALUES (?, ?, ?, ?)",
                (f"{table.name}.{name}", table.name, name, kind),
            )
