"""Differences between two states: what was added, removed and changed, by which field, by how many metres."""

import numpy as np
import pytest
import shapely

from gridsvc.errors import NotFoundError
from gridsvc.store import Source


@pytest.fixture
def changes(store):
    """Tells the kind of change of every feature that differs, by key."""

    def kinds(a, b=None, layer="poles"):
        frame = store.diff(layer, a, b)
        return dict(zip(frame["key"], frame["change"], strict=True))

    return kinds


def test_what_was_added_removed_and_changed(load, changes):
    load({"P1": 1, "P2": 2, "P3": 3})
    load({"P1": 1, "P2": 9, "P4": 4})
    assert changes(1, 2) == changes(1) == {"P2": "changed", "P3": "removed", "P4": "added"}
    assert changes(0, 1) == {"P1": "added", "P2": "added", "P3": "added"}
    assert changes(2, 1) == {"P2": "changed", "P3": "added", "P4": "removed"}
    assert changes(1, 1) == changes(2) == {}


def test_values_before_and_after(store, poles, source):
    frame = poles({"P1": 1, "P2": 2, "P3": 3})
    store.apply("poles", frame, source)
    frame["points"] = [5, 2, None]
    frame["works"] = [False, True, True]
    store.apply("poles", frame, source)
    found = store.diff("poles", 1, 2)
    assert found["key"].tolist() == ["P1", "P3"]
    assert found["fields"].tolist() == [["points", "works"], ["points"]]
    assert found["before"].tolist() == [{"points": 1, "works": True}, {"points": 3}]
    assert found["after"].tolist() == [{"points": 5, "works": False}, {"points": None}]
    assert found["moved_m"].tolist() == [0.0, 0.0]


def test_how_far_a_shape_moved(store, poles, source):
    frame = poles({"P1": 1, "P2": 2, "P3": 3})
    store.apply("poles", frame, source)
    # one second of arc of the meridian at 34° is 30.81 m
    frame.geometry = [shapely.Point(115.001, 34 + 1 / 3600), frame.geometry[1], None]
    store.apply("poles", frame, source)
    found = store.diff("poles", 1)
    assert found["key"].tolist() == ["P1", "P3"]
    assert found["fields"].tolist() == [["geometry"], ["geometry"]]
    assert found["moved_m"][0] == pytest.approx(30.81, abs=0.02)
    assert np.isnan(found["moved_m"][1])
    assert found["geometry_before"][1].equals(shapely.Point(115.003, 34))
    assert found["geometry_after"][1] is None


def test_content_that_came_back_is_no_change(load, store, changes):
    load({"P1": 1, "P2": 2})
    load({"P1": 7})
    store.rollback(2)
    assert changes(1, 3) == {}
    assert changes(2, 3) == {"P1": "changed", "P2": "added"}


def test_a_moment_is_one_of_the_whole_store(load, store, people, changes):
    load({"P1": 1})
    store.apply("people", people({"甲": "张三"}), Source("people.csv", ""))
    load({"P1": 2})
    assert changes(2, 3) == {"P1": "changed"}
    assert changes(1, 2) == {}
    assert changes(1, 2, "people") == {"甲": "added"}


def test_a_load_that_is_not_there_is_refused(load, store):
    load({"P1": 1})
    with pytest.raises(NotFoundError, match="no load 5"):
        store.diff("poles", 1, 5)
    with pytest.raises(NotFoundError, match="no load 5"):
        store.diff("poles", 5)


def test_an_empty_store_has_no_differences(store):
    assert store.diff("poles", 0).empty
