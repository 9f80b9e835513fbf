"""Views of the current rows in a PostGIS database, for GIS desktops, and the CRS that they say they hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from gridsvc.store.database import quoted
from gridsvc.store.schema import CONTEXT, Table

if TYPE_CHECKING:
    from gridsvc.store.postgis import PostgisDatabase

_GRANTS = (
    "SELECT format('GRANT %s ON %I.%I TO %s', a.privilege_type, n.nspname, c.relname, "
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a "
    "WHERE n.nspname = ? AND c.relname = ? AND a.grantee <> c.relowner"
)


def show(db: PostgisDatabase, tables: Iterable[Table]) -> None:
    """Make a view of the current rows of every table; people keep their rights to it."""
    for table in tables:
        view = f"{quoted(db.views)}.{quoted(table.view)}"
        names = ["fid", *(["key"] if table.mark == "load" else []), *table.columns]
        names += ["geometry"] if table.geometry else []
        selected = ", ".join(map(quoted, names))
        grants = _drop(db, table)
        # people see the county's own features
        own = f" AND {CONTEXT} IS NULL" if table.context else ""
        db.run(f"CREATE VIEW {view} AS SELECT {selected} FROM {table.name} WHERE {table.ended} IS NULL{own}")
        title = sql.Literal(f"{table.title.zh} · {table.title.en}").as_string(db.connection)
        db.connection.execute(f"COMMENT ON VIEW {view} IS {title}".encode())
        for grant in grants:
            db.run(grant)


def _drop(db: PostgisDatabase, table: Table) -> list[str]:
    """Drop a view, if it is there; returns the statements that give people their rights to it again."""
    grants = db.rows(_GRANTS, (db.views, table.view))
    db.run(f"DROP VIEW IF EXISTS {quoted(db.views)}.{quoted(table.view)}")
    return [grant for (grant,) in grants]


def rewrite(db: PostgisDatabase, srid: int, wrong: set[str], tables: Iterable[Table], postgis: str) -> None:
    """Have the geometry columns of the tables *wrong* hold *srid*; *postgis* is the extension's schema."""
    moved = [table for table in tables if table.name in wrong]
    grants = [grant for table in moved for grant in _drop(db, table)]
    for name in sorted(wrong):
        db.run(
            f"ALTER TABLE {quoted(name)} ALTER COLUMN geometry TYPE {postgis}.geometry(Geometry, {srid}) "
            f"USING {postgis}.ST_SetSRID(geometry, {srid})"
        )
    show(db, moved)
    for grant in grants:
        db.run(grant)
