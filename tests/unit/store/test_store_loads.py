"""Loads: one diff each, recorded, and what is refused."""

import pandas as pd
import pytest
import shapely

from gridsvc.errors import InputRefusedError, NotFoundError, StoreError, UsageError


def test_a_first_load_adds_every_row(load, held):
    record = load({"P1": 1, "P2": 2})
    assert (record.added, record.changed, record.unchanged, record.ended) == (2, 0, 0, 0)
    assert (record.id, record.kind, record.status, record.rows_read) == (1, "load", "done", 2)
    assert held() == {"P1": 1, "P2": 2}


def test_replace_costs_only_the_rows_that_differ(load, store, held):
    load({"P1": 1, "P2": 2, "P3": 3})
    record = load({"P1": 1, "P2": 9, "P4": 4})
    assert (record.added, record.changed, record.unchanged, record.ended) == (1, 1, 1, 1)
    assert held() == {"P1": 1, "P2": 9, "P4": 4}
    assert len(store.database.rows("SELECT 1 FROM layer_poles")) == 5


def test_upsert_leaves_other_rows(load, held):
    load({"P1": 1, "P2": 2})
    record = load({"P2": 9, "P3": 3}, "upsert")
    assert (record.added, record.changed, record.ended) == (1, 1, 0)
    assert held() == {"P1": 1, "P2": 9, "P3": 3}


def test_append_takes_new_keys_only(load, store, held):
    load({"P1": 1})
    before = store.digest()
    with pytest.raises(InputRefusedError, match="1 keys are in the store already"):
        load({"P1": 1, "P2": 2}, "append")
    assert store.digest() == before
    assert len(store.loads()) == 1
    assert load({"P2": 2}, "append").added == 1
    assert held() == {"P1": 1, "P2": 2}


def test_the_order_of_rows_and_their_place_in_the_file_change_nothing(load, store):
    load({"P1": 1, "P2": 2})
    record = load({"P2": 2, "P1": 1})
    assert (record.unchanged, record.changed) == (2, 0)
    assert not record.touched
    assert store.layer_version("poles") == 1


def test_a_moved_geometry_is_a_change(store, poles, source):
    frame = poles({"P1": 1})
    store.apply("poles", frame, source)
    frame.geometry = shapely.points([115.5], [34.0])
    assert store.apply("poles", frame, source).changed == 1
    assert store.read("poles").geometry.x.tolist() == [115.5]


def test_a_key_keeps_its_feature_id_and_no_id_is_used_twice(load, store):
    load({"P1": 1, "P2": 2})
    first = store.read("poles").set_index("key")["fid"]
    load({"P1": 5})
    load({"P0": 1, "P1": 5, "P2": 2})
    again = store.read("poles").set_index("key")["fid"]
    assert again[["P1", "P2"]].to_dict() == first.to_dict()
    assert again["P0"] not in set(first)


@pytest.mark.parametrize("keys", [["P1", "P1"], ["P1", ""], ["P1", None]])
def test_repeated_and_empty_keys_are_refused(store, poles, source, keys):
    frame = poles({"P1": 1, "P2": 2})
    frame["key"] = keys
    with pytest.raises(InputRefusedError):
        store.apply("poles", frame, source)
    assert store.loads() == []


def test_a_value_of_another_type_is_refused_by_column(store, poles, source):
    frame = poles({"P1": 1})
    frame["points"] = ["many"]
    with pytest.raises(InputRefusedError, match="column points must be integer"):
        store.apply("poles", frame, source)


def test_unknown_layers_and_modes_are_refused(store, poles, source):
    with pytest.raises(NotFoundError):
        store.read("trams")
    with pytest.raises(UsageError):
        store.apply("poles", poles({"P1": 1}), source, "merge")
    with pytest.raises(UsageError, match="no column 'hight'"):
        store.read("poles", where={"hight": 1})


def test_outcomes_that_do_not_add_up_are_not_stored(load, store):
    with pytest.raises(StoreError, match="5 source rows were read but 3 are accounted for"):
        load({"P1": 1, "P2": 2}, counts={"rows_read": 5, "left_out": 1})
    assert store.loads() == []
    assert store.counts()["poles"] == 0


def test_the_record_tells_source_options_and_outcomes(load, store):
    refused = pd.DataFrame(
        {
            "source_row": [7],
            "reason": ["empty_geometry"],
            "reason_en": ["no geometry"],
            "reason_zh": ["缺少图形"],
            "raw": ['{"杆号": "P7"}'],
        }
    )
    counts = {"rows_read": 6, "left_out": 1, "superseded": 1, "merged": 1}
    made = load({"P1": 1, "P2": 2}, quarantine=refused, counts=counts)
    assert store.loads("poles") == [made]
    assert store.loads("people") == []
    assert (made.source, made.options["mapping"]) == ("poles.shp", {"pole": "杆号"})
    assert (made.quarantined, made.left_out, made.superseded, made.other) == (1, 1, 1, {"merged": 1})
    assert made.as_dict()["rows_read"] == 6


def test_quarantined_rows_keep_reason_and_shape(load, store):
    shape = shapely.box(0, 0, 1, 1)
    refused = pd.DataFrame(
        {
            "source_row": [0, 1],
            "reason": ["wrong_geometry", "no_key"],
            "reason_en": ["a polygon", "no key"],
            "reason_zh": ["面图形", "缺少编号"],
            "raw": ["{}", "{}"],
            "geometry": [shape, None],
        }
    )
    record = load({"P1": 1}, quarantine=refused)
    load({"P1": 1, "P2": 2})
    kept = store.quarantine(record.id)
    assert kept["reason"].tolist() == ["wrong_geometry", "no_key"]
    assert shapely.from_wkb(kept["geometry"][0]).equals(shape)
    assert len(store.quarantine(layer="poles")) == 2
    assert store.quarantine(2).empty
    assert list(store.quarantine(2).columns) == list(kept.columns)


def test_digests_depend_on_content_only(load, store, people, source):
    empty = store.digest()
    load({"P1": 1, "P2": 2})
    store.apply("people", people({"Z": "张三"}), source)
    whole, part = store.digest(), store.digest("poles")
    load({"P1": 1})
    assert store.digest("poles") != part
    load({"P2": 2, "P1": 1})
    assert (store.digest(), store.digest("poles")) == (whole, part)
    assert whole != empty
