"""History: states after each load, rollbacks, and both against a model."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.store import open_store


def test_every_state_stays_readable(load, held):
    load({"P1": 1})
    load({"P1": 2, "P2": 2})
    load({"P2": 2})
    assert [held(n) for n in range(4)] == [{}, {"P1": 1}, {"P1": 2, "P2": 2}, {"P2": 2}]


def test_a_rollback_restores_content_and_is_a_load_itself(load, store, held):
    load({"P1": 1, "P2": 2, "P3": 3})
    before = store.digest()
    load({"P1": 9, "P3": 3, "P4": 4})
    undoing = store.rollback(2)
    assert store.digest() == before
    assert (undoing.id, undoing.kind, undoing.undoes) == (3, "rollback", 2)
    # P1 is as it was, P2 is back, P4 is gone
    assert (undoing.changed, undoing.added, undoing.ended) == (1, 1, 1)
    assert [record.status for record in store.loads()] == ["done", "undone", "done"]
    assert held(2) == {"P1": 9, "P3": 3, "P4": 4}
    assert held(3) == {"P1": 1, "P2": 2, "P3": 3}
    assert store.layer_version("poles") == 3


def test_a_load_under_another_is_not_undone(load, store):
    load({"P1": 1})
    load({"P1": 2})
    with pytest.raises(UsageError, match=r"load 2 \(poles.shp\) of layer poles came after it"):
        store.rollback(1)
    store.rollback(2)
    with pytest.raises(UsageError, match="undone already"):
        store.rollback(2)


def test_loads_are_undone_one_after_the_other_and_redone(load, store, held):
    load({"P1": 1})
    load({"P1": 2, "P2": 2})
    store.rollback(2)
    undoing = store.rollback(1)
    assert held() == {}
    store.rollback(undoing.id)
    assert held() == {"P1": 1}
    with pytest.raises(UsageError):
        store.rollback(3)
    store.rollback(1)
    assert held() == {}


def test_loads_of_other_layers_do_not_stand_in_the_way(load, store, people, source):
    load({"P1": 1})
    store.apply("people", people({"Z": "张三"}), source)
    assert store.rollback(1).ended == 1
    assert len(store.read("people")) == 1


def test_an_unknown_load_is_refused(store):
    with pytest.raises(NotFoundError, match="no load 7"):
        store.rollback(7)


KEYS = st.sampled_from([f"P{i}" for i in range(6)])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "upsert", "rollback"]),
        st.dictionaries(KEYS, st.integers(1, 3), max_size=6),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_states_are_what_a_plain_model_says(workspace, layers, poles, source, new_url, engine, steps):
    county = workspace.county.model_copy(update={"store": new_url(engine)})
    workspace = replace(workspace, county=county)
    states, standing, fids = [{}], [], {}
    with open_store(workspace, layers, write=True) as store:
        for mode, points in steps:
            if mode == "rollback":
                if not standing:
                    continue
                undone = standing.pop()
                store.rollback(undone)
                states.append(states[undone - 1])
            else:
                store.apply("poles", poles(points), source, mode)
                states.append(points if mode == "replace" else {**states[-1], **points})
                standing.append(len(states) - 1)
        for number, state in enumerate(states):
            frame = store.read("poles", load=number)
            assert dict(zip(frame["key"], frame["points"], strict=True)) == state
            for key, fid in zip(frame["key"], frame["fid"], strict=True):
                assert fids.setdefault(key, fid) == fid
        assert store.read("poles").equals(store.read("poles", load=len(states) - 1))
    assert len(set(fids.values())) == len(fids)
