"""What a layer held before: keys that loads have ended, on both engines."""

import pytest

from gridsvc.store import open_store
from gridsvc.store.past import first_loads, former_rows


@pytest.fixture
def gone(store):
    """Light points of the poles that have ended, and the load that ended them."""

    def rows():
        frame = former_rows(store, "poles")
        return {row.key: (row.points, row.ended_by) for row in frame.itertuples()}

    return rows


def test_what_a_load_ended_is_known_as_it_was_last(load, gone, store):
    load({"P1": 1, "P2": 2})
    load({"P1": 1, "P2": 7})
    assert gone() == {}
    load({"P1": 1})
    assert gone() == {"P2": (7, 3)}
    assert former_rows(store, "poles").geometry.x.tolist() == [115.002]


def test_what_came_back_is_not_gone(load, gone):
    load({"P1": 1, "P2": 2})
    load({"P1": 1})
    load({"P1": 1, "P2": 2})
    assert gone() == {}


def test_what_a_rollback_ended_was_never_there(load, gone, store):
    load({"P1": 1})
    wrong = load({"P1": 1, "P2": 2})
    store.rollback(wrong.id)
    assert gone() == {}


def test_what_a_load_that_is_undone_had_ended_is_not_gone_and_again_when_that_is_undone(load, gone, store):
    load({"P1": 1, "P2": 2})
    undone = store.rollback(load({"P1": 1}).id)
    assert gone() == {}
    store.rollback(undone.id)
    assert gone() == {"P2": (2, 2)}


def test_the_first_load_of_every_key_is_known(load, store):
    load({"P1": 1})
    load({"P2": 2})
    load({"P1": 3, "P2": 2})
    assert first_loads(store, "poles") == {"P1": 1, "P2": 2}


def test_a_store_that_does_not_exist_has_no_past(workspace, layers):
    with open_store(workspace, layers) as reader:
        assert former_rows(reader, "poles").empty
        assert first_loads(reader, "poles") == {}
