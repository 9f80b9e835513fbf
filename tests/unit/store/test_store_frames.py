"""Frames out of the store: types, missing values, CRS, order, and a store that is not there."""

import datetime
import hashlib

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.store import frames, open_store

DTYPES = {
    "fid": "int64",
    "key": "object",
    "pole": "object",
    "points": "Int64",
    "height": "float64",
    "works": "boolean",
    "seen": "datetime64[s]",
    "geometry": "geometry",
}


def test_columns_and_types_are_the_same_full_or_empty(load, store):
    empty = store.read("poles")
    load({"P1": 1})
    full = store.read("poles")
    for frame in (empty, full):
        assert frame.dtypes.astype(str).to_dict() == DTYPES
        assert isinstance(frame, geopandas.GeoDataFrame)
        assert isinstance(frame.index, pd.RangeIndex)


def test_every_kind_of_missing_value_is_one(store, poles, source):
    frame = poles({f"P{i}": 1 for i in range(3)})
    frame["pole"] = pd.Series([None, np.nan, pd.NA], dtype=object)
    frame["points"] = [np.nan, None, np.nan]
    frame["height"] = pd.array([None, pd.NA, 2.5], dtype="Float64")
    frame["works"] = pd.Series([None, pd.NA, False], dtype=object)
    frame["seen"] = pd.to_datetime([None, "NaT", "2026-02-28"])
    store.apply("poles", frame, source)
    back = store.read("poles")
    assert back["pole"].tolist() == [None, None, None]
    assert back["points"].isna().all()
    assert back["height"].isna().tolist() == [True, True, False]
    assert back["works"].tolist()[2] is False or back["works"][2] == np.False_
    assert back["works"].isna().tolist() == [True, True, False]
    assert back["seen"].dt.strftime("%Y-%m-%d").tolist()[2] == "2026-02-28"
    assert back["seen"].isna().tolist() == [True, True, False]


def test_equal_values_in_other_dtypes_are_no_change(store, poles, source):
    frame = poles({"P1": 1, "P2": 2})
    store.apply("poles", frame, source)
    frame["points"] = [1.0, 2.0]
    frame["height"] = pd.array([8.5, 8.5], dtype="Float64")
    frame["works"] = [1, 1]
    frame["seen"] = ["2026-10-01", "2026-10-01"]
    frame["key"] = pd.array(["P1", "P2"], dtype="string")
    assert store.apply("poles", frame, source).unchanged == 2


def test_days_come_as_dates_or_iso_text_of_any_century(store, poles, source):
    frame = poles({f"P{i}": 1 for i in range(4)})
    day = datetime.date(2026, 2, 28)
    frame["seen"] = pd.Series([day, "9999-12-31", pd.Timestamp(day), None], dtype=object)
    store.apply("poles", frame, source)
    days = store.read("poles")["seen"]
    assert days.dt.year.tolist()[:3] == [2026, 9999, 2026]
    assert days.isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("text", ["20260228", "2026-2-28", "tomorrow", "2026-02-30"])
def test_what_is_no_iso_day_is_refused(store, poles, source, text):
    frame = poles({"P1": 1})
    frame["seen"] = [text]
    with pytest.raises(InputRefusedError, match="column seen must be date"):
        store.apply("poles", frame, source)


def test_large_integers_keep_every_digit(store, poles, source):
    frame = poles({"P1": 1, "P2": 2})
    frame["points"] = pd.Series([2**62 + 1, None], dtype=object)
    store.apply("poles", frame, source)
    assert store.read("poles")["points"][0] == 2**62 + 1


def test_rows_come_sorted_by_key(load, store):
    load({"P10": 1, "P2": 2, "P1": 3})
    assert store.read("poles")["key"].tolist() == ["P1", "P10", "P2"]


def test_filters_are_equality_by_column(load, store):
    load({"P1": 1, "P2": 2, "P3": 3, "P4": None})

    def keys(**where):
        return store.read("poles", where=where)["key"].tolist()

    assert keys(points=2) == ["P2"]
    assert keys(points=[3, 1]) == ["P1", "P3"]
    assert keys(points=None) == ["P4"]
    assert keys(points=np.int64(2), works=True) == ["P2"]
    assert keys(key="P3") == ["P3"]
    assert keys(points=[]) == []


def test_heights_are_dropped_and_text_survives(store, poles, source):
    frame = poles({"P1": 1})
    frame["pole"] = ["路灯“甲”\n'; DROP TABLE loads; --𠮷"]
    frame.geometry = shapely.points([[115.0, 34.0, 50.0]])
    store.apply("poles", frame, source)
    back = store.read("poles")
    assert back["pole"][0] == "路灯“甲”\n'; DROP TABLE loads; --𠮷"
    assert not back.geometry.has_z.any()


def test_the_crs_follows_the_place(load, store, poles, source):
    assert store.crs.to_epsg() == 4326
    assert store.bounds() is None
    load({"P1": 1})
    assert store.read("poles").crs.to_epsg() == 4490
    away = poles({"P1": 1})
    away.geometry = shapely.points([-71.1], [42.4])
    store.apply("poles", away, source)
    assert store.read("poles").crs.to_epsg() == 4326
    assert store.bounds() == (-71.1, 42.4, -71.1, 42.4)


def test_bounds_are_the_countys_where_there_is_one(load, store, source):
    load({"P1": 1})
    county = geopandas.GeoDataFrame(
        {"key": ["999999"], "code": ["999999"], "name": ["样例县"]},
        geometry=[shapely.box(114, 33, 115, 34)],
        crs=4490,
    )
    store.apply("counties", county, source)
    assert store.bounds() == (114, 33, 115, 34)


def test_a_table_comes_without_geometry(store, people, source):
    store.apply("people", people({"Z": "张三"}), source)
    frame = store.read("people")
    assert not isinstance(frame, geopandas.GeoDataFrame)
    assert frame.to_dict("records") == [{"fid": 1, "key": "Z", "person": "Z", "name": "张三"}]


def test_a_store_that_does_not_exist_reads_as_empty(workspace, layers):
    with open_store(workspace, layers) as store:
        assert store.read("poles").dtypes.astype(str).to_dict() == DTYPES
        assert store.result("tallies").empty
        assert store.loads() == store.runs() == []
        assert store.run() is None
        assert store.counts()["poles"] == store.layer_version("poles") == 0
        assert store.quarantine().empty
        assert store.bounds() is None
    assert not any(file.exists() for file in workspace.store_url.files)


def test_a_reader_sees_a_store_that_appears_later(workspace, layers, poles, source):
    with open_store(workspace, layers) as reader:
        assert reader.read("poles").empty
        with open_store(workspace, layers, write=True) as store:
            store.apply("poles", poles({"P1": 1}), source)
        assert len(reader.read("poles")) == 1


def test_a_rows_hash_is_that_of_its_fields_in_the_order_of_their_names(store, poles, source):
    frame = poles({"P1": 1})
    frame["pole"], frame["points"], frame["height"], frame["works"] = "杆1", 3, -0.0, None
    frame["seen"] = pd.to_datetime(["2026-02-28"])
    store.apply("poles", frame, source)
    content = "height=0.0;points=3;pole=2:杆1;seen=10:2026-02-28;\n".encode()
    content += shapely.to_wkb(frame["geometry"].iloc[0], byte_order=1)
    (found,) = store.database.rows("SELECT hash FROM layer_poles")
    assert bytes(found[0]) == hashlib.blake2b(content, digest_size=16).digest()


def test_more_rows_than_are_made_ready_at_once_are_stored_whole(store, poles, source, monkeypatch):
    monkeypatch.setattr(frames, "CHUNK", 4)
    count = 10
    frame = poles({f"P{number:06}": number for number in range(count)})
    store.apply("poles", frame, source)
    back = store.read("poles")
    assert back["key"].tolist() == frame["key"].tolist()
    assert back["points"].tolist() == list(range(count))
    frame.loc[count - 1, "points"] = 7
    record = store.apply("poles", frame, source)
    assert (record.changed, record.unchanged) == (1, count - 1)


def test_a_key_that_stands_again_far_below_is_refused(store, poles, source, monkeypatch):
    monkeypatch.setattr(frames, "CHUNK", 4)
    frame = poles({f"P{number}": 1 for number in range(9)})
    frame.loc[8, "key"] = "P0"
    with pytest.raises(InputRefusedError, match="'P0' stands more than once"):
        store.apply("poles", frame, source)
