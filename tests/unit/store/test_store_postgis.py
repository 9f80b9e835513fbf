"""What only PostGIS has: views for desktops, typed columns, SRIDs, locks on a server, passwords."""

import shutil
import subprocess

import geopandas
import psycopg
import pytest
import shapely

from gridsvc.errors import DefinitionError, InputRefusedError, StoreBusyError, StoreError
from gridsvc.settings import StoreUrl, masked
from gridsvc.store import NewRun, open_store
from gridsvc.store.database import connect
from gridsvc.store.frames import stored_geometry

pytestmark = [pytest.mark.postgis, pytest.mark.parametrize("engine", ["postgresql"])]


@pytest.fixture
def server(postgres):
    """A client that is not gridsvc."""
    with psycopg.connect(postgres, autocommit=True) as client:
        yield client


@pytest.fixture
def schema(store):
    return store.database.schema


def registered(server, schema):
    """Geometry columns by table or view, with type and SRID, as desktops find them."""
    found = server.execute(
        "SELECT f_table_name, type, srid, coord_dimension FROM geometry_columns WHERE f_table_schema = %s",
        (schema,),
    )
    return {name: (kind, srid, dimension) for name, kind, srid, dimension in found}


def test_desktops_find_typed_views_of_the_current_rows(load, store, server, schema):
    load({"P1": 1, "P2": 2})
    load({"P1": 1, "P2": 5})
    views = f"{schema}_county"
    assert server.execute(f"SELECT fid, key, points, works FROM {views}.poles ORDER BY fid").fetchall() == [
        (1, "P1", 1, True),
        (2, "P2", 5, True),
    ]
    types = dict(
        server.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = 'poles'",
            (views,),
        ).fetchall()
    )
    assert types == {
        "fid": "bigint",
        "key": "text",
        "pole": "text",
        "points": "bigint",
        "height": "double precision",
        "works": "boolean",
        "seen": "date",
        "geometry": "USER-DEFINED",
    }
    assert registered(server, views)["poles"] == ("GEOMETRY", 4490, 2)
    assert set(store.layers) | {"result_cells"} <= {
        name for (name,) in server.execute("SELECT viewname FROM pg_views WHERE schemaname = %s", (views,))
    }


def test_the_srid_follows_the_place_in_tables_and_views(load, store, poles, source, server, schema):
    assert {kind[1] for kind in registered(server, schema).values()} == {4326}
    load({"P1": 1})
    assert {kind[1] for kind in registered(server, schema).values()} == {4490}
    away = poles({"P1": 1})
    away.geometry = shapely.points([-71.1], [42.4])
    digest = store.digest()
    store.apply("poles", away, source)
    assert {kind[1] for kind in registered(server, f"{schema}_county").values()} == {4326}
    store.rollback(2)
    assert store.digest() == digest
    assert {kind[1] for kind in registered(server, schema).values()} == {4490}


def test_who_may_see_a_view_still_may_when_it_is_made_again(load, store, server, schema):
    role, view = f"Desk {schema}", f"{schema}_county.poles"
    server.execute(f'CREATE ROLE "{role}"')
    server.execute(f'GRANT SELECT ON {view} TO "{role}", PUBLIC')
    # the first load in China gives every table another SRID
    load({"P1": 1})
    may = "SELECT has_table_privilege(%s, %s, 'SELECT'), has_table_privilege(%s, %s, 'DELETE')"
    for who in (role, "public"):
        assert server.execute(may, (who, view, who, view)).fetchone() == (True, False)


def test_tables_are_not_rewritten_under_a_reader(workspace, layers, store, poles, source):
    with open_store(workspace, layers, write=True, busy_timeout=0.1) as writer:
        with open_store(workspace, layers) as reader, reader.snapshot():
            assert reader.loads() == []
            # the first load in China gives every table another SRID
            with pytest.raises(StoreBusyError):
                writer.apply("poles", poles({"P1": 1}), source)
            assert reader.read("poles").empty
        assert writer.apply("poles", poles({"P1": 1}), source).added == 1


def test_shapes_come_back_byte_for_byte(store, source):
    shapes = [
        shapely.Point(115 + 1 / 3, 34 + 2**-40),
        shapely.LineString([(115.1, 34.1), (115.1 + 1e-13, 34.1)]),
        shapely.Polygon([(115, 34), (116, 34), (116, 35)], [[(115.7, 34.1), (115.8, 34.1), (115.8, 34.2)]]),
        shapely.MultiPolygon([shapely.box(115, 34, 115.1, 34.1), shapely.box(116, 34, 116.1, 34.1)]),
        # a bow-tie: stored as it is, whatever PostGIS thinks of it
        shapely.Polygon([(115, 34), (116, 35), (116, 34), (115, 35)]),
        shapely.GeometryCollection([shapely.Point(115, 34)]),
        None,
    ]
    frame = geopandas.GeoDataFrame({"cell": [str(n) for n in range(7)]}, geometry=shapes, crs=4490)
    store.write_run(NewRun("2026-11-01", {}, ""), {"cells": frame})
    rows = store.database.rows("SELECT geometry FROM result_cells ORDER BY key")
    assert [shape for (shape,) in rows] == stored_geometry(frame)


def test_a_search_by_place_uses_the_index(load, server, schema):
    load({f"P{number}": 1 for number in range(3000)})
    server.execute(f"ANALYZE {schema}.layer_poles")
    box = "ST_MakeEnvelope(115.5, 33, 115.51, 35, 4490)"
    plan = server.execute(f"EXPLAIN SELECT fid FROM {schema}_county.poles WHERE geometry && {box}").fetchall()
    assert "layer_poles_place" in str(plan)


@pytest.mark.gdal
@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs ogrinfo")
def test_gdal_reads_a_view(load, postgres, schema):
    load({"P1": 1, "P2": 2})
    place = f"PG:host={postgres.split('host=')[1]} user=gridsvc dbname=postgres active_schema={schema}_county"
    done = subprocess.run(
        ["ogrinfo", "-so", "-ro", place, "poles"], capture_output=True, text=True, check=True
    )
    assert "Feature Count: 2" in done.stdout
    assert 'ID["EPSG",4490]' in done.stdout
    assert "seen: Date" in done.stdout
    assert "works: Integer(Boolean)" in done.stdout


def test_a_value_that_postgresql_cannot_hold_refuses_the_load(store, poles, source):
    frame = poles({"P1": 1})
    frame["pole"] = ["a\0b"]
    with pytest.raises(InputRefusedError, match="NUL"):
        store.apply("poles", frame, source)
    assert store.loads() == []


def test_filters_of_another_type_find_what_sqlite_finds(load, store):
    load({"P1": 1, "P2": 2})
    found = {
        "P1": [
            {"points": 1.0},
            {"points": "1"},
            {"points": [1, 1.5, "x"]},
            {"key": "P1", "seen": "2026-10-01"},
        ],
        "": [{"points": "many"}, {"points": 1.5}, {"pole": "a\0b"}, {"seen": "never"}, {"pole": 7}],
    }
    for key, filters in found.items():
        for where in filters:
            assert "".join(store.read("poles", where=where)["key"]) == key


def test_a_lost_connection_is_made_again(load, store, server):
    load({"P1": 1})
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridsvc'"
    )
    assert store.counts()["poles"] == 1
    assert load({"P1": 2}).changed == 1


def test_nothing_is_taken_for_stored_after_a_failed_statement(store):
    database = store.database
    with pytest.raises(StoreError, match="nothing was stored"), database.writing():
        database.run("INSERT INTO meta (name, value) VALUES ('a', 'b')")
        with pytest.raises(StoreError):
            database.run("INSERT INTO nowhere VALUES (1)")
    assert database.rows("SELECT 1 FROM meta WHERE name = 'a'") == []


def test_a_database_of_another_encoding_is_refused_and_left(server, postgres, workspace):
    server.execute(
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    url = StoreUrl.parse(postgres.replace("/postgres?", "/latin?"), workspace.root)
    with pytest.raises(StoreError, match="encoding UTF8"):
        connect(url, write=False)
    server.execute("DROP DATABASE latin")


def test_no_message_shows_a_password(workspace):
    url = StoreUrl.parse("postgresql://clerk:s3cret@127.0.0.1:1/county?connect_timeout=2", workspace.root)
    with pytest.raises(StoreError, match=r"clerk:\*\*\*@127.0.0.1") as raised:
        connect(url, write=False)
    broken = StoreUrl.parse("postgresql://clerk:s3/cr@et#1@db:port/county", workspace.root)
    with pytest.raises(DefinitionError, match="is no URL") as unread:
        connect(broken, write=False)
    with pytest.raises(DefinitionError) as unknown:
        StoreUrl.parse("mysql://clerk:s3cret@db/county?password=s3cret", workspace.root)
    with pytest.raises(DefinitionError) as cut:
        connect(StoreUrl.parse("postgresql://clerk:s3#cret@db/county", workspace.root), write=False)
    with pytest.raises(DefinitionError) as homeless:
        connect(StoreUrl.parse("postgresql://clerk:s3cret/county", workspace.root), write=False)
    for told in (raised, unread, unknown, cut, homeless):
        assert "s3" not in str(told.value) + told.value.text.zh
    assert "s3" not in repr(url) + str(url) + repr(
        workspace.county.model_copy(update={"store": url.location})
    )
    assert (
        masked("postgresql://db/county?sslpassword=a&user=b")
        == "postgresql://db/county?sslpassword=***&user=b"
    )


def test_a_schema_of_a_name_that_sql_cannot_take_is_refused(workspace, postgres):
    for query in ("schema=a%20b", "schema=a;drop", "schema=a&views=a"):
        with pytest.raises(DefinitionError):
            connect(StoreUrl.parse(f"{postgres}&{query}", workspace.root), write=False)


def test_a_reader_who_may_not_write_can_read(load, store, server, schema, postgres, workspace, layers):
    load({"P1": 1})
    role = f"clerk_{schema}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    server.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")
    url = f"{postgres}&schema={schema}".replace("gridsvc@", f"{role}@")
    object.__setattr__(workspace, "county", workspace.county.model_copy(update={"store": url}))
    with open_store(workspace, layers) as reader:
        assert reader.digest() == store.digest()
    with open_store(workspace, layers, write=True) as writer, pytest.raises(StoreError, match="no right"):
        writer.apply("poles", store.read("poles"), None)
