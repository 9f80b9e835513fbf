"""Where rows came from: the load that read each from a file, and the row of that file."""

import pandas as pd

from gridsvc.store import Source

MENDED = Source("mended", "")


def origins(store):
    frame = store.origins("poles")
    return {row.key: (row.load_id, row.source, row.source_row) for row in frame.itertuples()}


def test_a_row_comes_from_the_load_that_changed_it_last(load, store):
    load({"P1": 1, "P2": 2})
    load({"P2": 3, "P1": 1})
    assert origins(store) == {"P1": (1, "poles.shp", 0), "P2": (2, "poles.shp", 0)}


def test_what_no_file_brought_leaves_the_file_that_was_before(load, store, poles):
    load({"P1": 1, "P2": 2})
    store.apply("poles", poles({"P2": 9, "P3": 3}).assign(source_row=7), MENDED, "upsert")
    assert origins(store) == {"P1": (1, "poles.shp", 0), "P2": (1, "poles.shp", 1)}


def test_a_rollback_brings_back_the_origin_too(load, store):
    load({"P1": 1, "P2": 2})
    store.rollback(load({"P2": 3}).id)
    assert origins(store) == {"P1": (1, "poles.shp", 0), "P2": (1, "poles.shp", 1)}


def test_a_store_that_holds_nothing_knows_no_origin(store):
    assert store.origins("poles").empty


def test_a_load_that_answers_nothing_leaves_what_waits_under_its_keys(load, store, poles):
    refused = pd.DataFrame(
        {
            "source_row": [1],
            "reason": ["bad"],
            "reason_en": ["bad"],
            "reason_zh": ["错"],
            "raw": [{"pole": "P1"}],
            "geometry": [None],
            "key": ["P1"],
        }
    )
    load({"P1": 1}, quarantine=refused)
    store.apply("poles", poles({"P1": 2}), MENDED, "upsert", answers=False)
    assert store.quarantine()["open"].tolist() == [True]
    store.apply("poles", poles({"P1": 3}), MENDED, "upsert")
    assert store.quarantine()["open"].tolist() == [False]
