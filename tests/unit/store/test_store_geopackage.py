"""The GeoPackage for GIS desktops, read by GDAL in a process of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import geopandas
import pandas as pd
import pytest
import shapely

from gridsvc.errors import StoreError
from gridsvc.layers import load_layers
from gridsvc.store import RESULTS, NewRun, geopackage, open_store

INSPECT = """
import json, sys, warnings
warnings.simplefilter("error")
import pyogrio
path = sys.argv[1]
found = {}
for name, kind in pyogrio.list_layers(path):
    info = pyogrio.read_info(path, layer=name)
    found[name] = {
        "type": kind, "features": info["features"], "crs": info["crs"], "fid": info["fid_column"],
        "fields": dict(zip(info["fields"].tolist(), map(str, info["ogr_types"]))),
        "subtypes": dict(zip(info["fields"].tolist(), map(str, info["ogr_subtypes"]))),
        "description": (info["layer_metadata"] or {}),
    }
rows = pyogrio.read_dataframe(path, layer="poles", fid_as_index=True)
found["rows"] = json.loads(rows.drop(columns="geometry").to_json(orient="index", date_format="iso"))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def county(new_workspace, tmp_path_factory, poles, source):
    """A workspace with poles, a run and its GeoPackage."""
    workspace = new_workspace(tmp_path_factory.mktemp("published"))
    frame = poles({"P1": 1, "P2": None, "P3": 3})
    frame.loc[1, ["height", "works", "seen", "pole"]] = None
    tallies = pd.DataFrame(
        {"indicator": ["lit"], "subject_kind": ["cell"], "subject": ["a"], "numerator": [2**53 + 1]}
    )
    cells = geopandas.GeoDataFrame({"cell": ["a"]}, geometry=[shapely.box(115, 34, 116, 35)], crs=4490)
    with open_store(workspace, load_layers(workspace), write=True) as store:
        store.apply("poles", frame, source)
        store.apply("poles", frame.drop(index=0), source)
        store.write_run(NewRun("2026-11-01", {}, ""), {"tallies": tallies, "cells": cells})
        store.publish_geopackage()
    return workspace


@pytest.fixture(scope="module")
def published(county):
    """What a process of its own reads in it."""
    command = [sys.executable, "-c", INSPECT, str(county.geopackage_path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_every_layer_result_and_record_is_listed(published, layers):
    names = {*layers, *(f"result_{name}" for name in RESULTS), "loads", "runs"}
    assert set(published) - {"rows"} == names
    assert {published[name]["fid"] for name in names} == {"fid"}


def test_types_crs_and_counts_are_right(published, layers):
    poles = published["poles"]
    assert (poles["type"], poles["features"], poles["crs"]) == ("Point", 2, "EPSG:4490")
    assert poles["fields"] == {
        "key": "OFTString",
        "pole": "OFTString",
        "points": "OFTInteger64",
        "height": "OFTReal",
        "works": "OFTInteger",
        "seen": "OFTDate",
    }
    assert poles["subtypes"]["works"] == "OFSTBoolean"
    assert published["people"]["type"] is None
    assert published["grids"]["type"] == "MultiPolygon"
    assert published["grids"]["features"] == 0
    assert published["grids"]["fields"]["code"] == "OFTString"
    assert published["loads"]["features"] == 2
    assert published["loads"]["fields"]["finished"] == "OFTDateTime"
    assert published["result_cells"]["features"] == 1
    assert all(
        entry["crs"] == "EPSG:4490" for name, entry in published.items() if name != "rows" and entry["type"]
    )


def test_rows_keep_feature_ids_and_missing_values(published):
    assert published["rows"]["2"] == dict.fromkeys(("pole", "points", "height", "works", "seen")) | {
        "key": "P2"
    }
    assert published["rows"]["3"]["points"] == 3
    assert published["rows"]["3"]["works"] == 1
    assert published["rows"]["3"]["seen"].startswith("2026-10-01")


def test_layers_and_fields_carry_their_chinese_titles(published, county):
    assert published["poles"]["description"] == {"IDENTIFIER": "灯杆", "DESCRIPTION": "Poles"}
    with closing(sqlite3.connect(county.geopackage_path)) as connection:
        titles = dict(
            connection.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'poles'")
        )
        trees = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'rtree%'")
        }
    assert titles["points"] == "灯头数"
    assert {"rtree_poles_geom", "rtree_grids_geom", "rtree_result_cells_geom"} <= trees


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs ogrinfo")
def test_ogrinfo_reads_it_without_a_warning(county):
    path = str(county.geopackage_path)
    done = subprocess.run(["ogrinfo", "-ro", "-al", path], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Layer name: result_tallies" in done.stdout
    assert "numerator (Integer64) = 9007199254740993" in done.stdout


def test_parts_and_kinds_that_do_not_fit_one_type_are_kept(store, poles, source):
    frame = poles({"P1": 1, "P2": 2, "P3": 3})
    frame.geometry = [shapely.Point(115, 34), shapely.MultiPoint([(115, 34), (115.1, 34)]), None]
    store.apply("poles", frame, source)
    store.publish_geopackage()
    path = str(store.workspace.geopackage_path)
    inspect = (
        "import sys, pyogrio; i = pyogrio.read_info(sys.argv[1], layer='poles'); print(i['geometry_type'])"
    )
    done = subprocess.run([sys.executable, "-c", inspect, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "MultiPoint"


def test_it_is_replaced_whole_and_nothing_is_left_beside_it(store, load):
    folder = store.workspace.layers_dir
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = folder / f".county.{dead.pid}.tmp.gpkg"
    busy = folder / f".county.{os.getppid()}.tmp.gpkg"
    for path in (left, folder / f"{left.name}-journal", busy):
        path.touch()
    load({"P1": 1})
    store.publish_geopackage()
    first = store.workspace.geopackage_path.stat().st_ino
    load({"P1": 2})
    store.publish_geopackage()
    assert store.workspace.geopackage_path.stat().st_ino != first
    assert {path.name for path in folder.glob(".*")} == {busy.name}


def test_an_older_state_does_not_replace_a_newer_one(store, load, workspace):
    load({"P1": 1})
    store.publish_geopackage()
    place = workspace.geopackage_path
    older = place.with_name("older.gpkg")
    older.write_bytes(b"older")
    load({"P1": 2})
    store.publish_geopackage()
    geopackage.place(store.database, older, place, (1, 0))
    assert older.exists()
    assert place.read_bytes() != b"older"
    place.unlink()
    geopackage.place(store.database, older, place, (1, 0))
    assert place.read_bytes() == b"older"


def test_a_place_that_cannot_be_written_is_a_clear_sentence(store, workspace):
    workspace.geopackage_path.mkdir()
    with pytest.raises(StoreError, match=r"county\.gpkg cannot be written"):
        store.publish_geopackage()


def test_an_empty_store_publishes_too(store, layers):
    store.publish_geopackage()
    with closing(sqlite3.connect(store.workspace.geopackage_path)) as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")}
    assert set(layers) <= names


def test_threads_that_publish_at_once_do_not_disturb_each_other(store, load, workspace, layers):
    load({f"P{number}": number for number in range(500)})

    def publish(_):
        with open_store(workspace, layers, write=True) as own:
            own.publish_geopackage()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(8)))
    with closing(sqlite3.connect(workspace.geopackage_path)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM poles").fetchone() == (500,)


def test_the_log_of_a_desktop_that_has_the_old_file_open_is_not_replayed(store, load, workspace):
    load({"P1": 1})
    store.publish_geopackage()
    with closing(sqlite3.connect(workspace.geopackage_path, isolation_level=None)) as desktop:
        desktop.execute("PRAGMA journal_mode = WAL")
        desktop.execute("UPDATE gpkg_contents SET description = 'mine'")
        load({f"P{number}": number for number in range(3000)})
        store.publish_geopackage()
        with closing(sqlite3.connect(workspace.geopackage_path)) as reader:
            assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert reader.execute("SELECT COUNT(*) FROM poles").fetchone() == (3000,)
        assert desktop.execute("SELECT COUNT(*) FROM poles").fetchone() == (1,)
