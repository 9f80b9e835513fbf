"""Pruning: old versions go up to a horizon; what is current, graded, or evidence of either stays."""

import hashlib
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.settings import StoreUrl
from gridsvc.store import DeliveredFile, NewRun, copy_store, open_store


def stored(store, table="layer_poles"):
    """Row versions that hold content."""
    return store.database.rows(f"SELECT COUNT(*) FROM {table} WHERE hash <> ?", (b"",))[0][0]


def run(store, number, published=False):
    """A run on the poles as they are now."""
    tallies = pd.DataFrame(
        {"indicator": ["lit"], "subject_kind": ["cell"], "subject": ["a"], "numerator": [number]}
    )
    record = store.write_run(
        NewRun(f"2026-11-{number:02}", {"poles": store.layer_version("poles")}, ""), {"tallies": tallies}
    )
    if published:
        store.database.run("UPDATE runs SET status = 'published' WHERE id = ?", (record.id,))
    return record.id


def figure(store, number):
    return store.result("tallies", number)["numerator"].tolist()


def test_what_ended_at_or_before_the_horizon_goes(load, store, held):
    load({"P1": 1, "P2": 2})
    load({"P1": 5, "P2": 2})
    load({"P1": 6})
    digest = store.digest()
    pruned = store.prune(before=2)
    assert (pruned.versions, pruned.horizons) == ({"layer_poles": 1}, {"poles": 2})
    assert held(2) == {"P1": 5, "P2": 2}
    assert held(0) == {}
    assert held() == {"P1": 6}
    assert store.digest() == digest
    with pytest.raises(NotFoundError, match=r"poles was after load 1 was pruned on .* after load 2"):
        store.read("poles", load=1)
    with pytest.raises(NotFoundError, match="after load 1 was pruned"):
        store.diff("poles", 1, 3)
    assert [record.pruned for record in store.loads()] == [True, False, False]


def test_a_rollback_reaches_as_far_as_the_history(load, store, held):
    for number in range(1, 5):
        load({"P1": number})
    store.prune(keep=2)
    store.rollback(4)
    assert held() == {"P1": 3}
    with pytest.raises(NotFoundError, match=r"load 3 cannot be undone: .* after load 2 was pruned"):
        store.rollback(3)
    assert held() == {"P1": 3}


def test_keeping_counts_the_loads_of_every_layer(load, store, people, source, held):
    store.apply("people", people({"甲": "张三"}), source)
    for number in range(1, 4):
        load({"P1": number})
    store.apply("people", people({"甲": "李四"}), source)
    pruned = store.prune(keep=2)
    assert pruned.horizons == {"people": 1, "poles": 3}
    assert held(3) == {"P1": 2}
    # the poles had load 3 then; the people nothing but load 1
    assert held(4) == {"P1": 3}
    assert store.read("people", load=1)["name"].tolist() == ["张三"]


def test_a_dry_run_tells_and_changes_nothing(load, store, held):
    for number in range(1, 4):
        load({"P1": number})
    told = store.prune(keep=1, dry_run=True)
    assert told.versions == {"layer_poles": 2}
    assert told.bytes > 0
    assert stored(store) == 3
    assert held(1) == {"P1": 1}
    assert store.prune(keep=1) == told
    assert store.prune(keep=1).nothing


def test_which_versions_are_old_must_be_said(store):
    for given_ in ({}, {"before": 1, "keep": 1}, {"keep": 0}):
        with pytest.raises(UsageError):
            store.prune(**given_)


def test_what_a_published_run_rests_on_stays(load, store, held):
    load({"P1": 1, "P2": 1})
    load({"P1": 2})
    published = run(store, 1, published=True)
    load({"P1": 3})
    draft = run(store, 2)
    load({"P1": 4})
    newest = run(store, 3)
    load({"P1": 5})
    load({"P1": 6})
    pruned = store.prune(keep=1)
    assert pruned.runs == [draft]
    assert (held(2), held(4), held()) == ({"P1": 2}, {"P1": 4}, {"P1": 6})
    assert [record.pruned for record in store.loads()] == [True, False, True, False, True, False]
    assert (figure(store, published), figure(store, newest)) == ([1], [3])
    with pytest.raises(NotFoundError, match=f"results of run {draft} .* were pruned"):
        store.result("tallies", draft)
    assert [record.pruned for record in store.runs()] == [False, True, False]
    # rows that load 1 brought and load 2 ended are in no state that is left
    assert stored(store) == 3
    assert stored(store, "result_tallies") == 2
    # the next run is the newest; the one before was a draft and goes with its state
    run(store, 4)
    assert store.prune(keep=1).runs == [newest]
    assert held(2) == {"P1": 2}
    with pytest.raises(NotFoundError):
        held(4)


def test_a_key_keeps_its_feature_id_for_ever(load, store):
    load({"P1": 1, "P2": 2, "P3": 3})
    fids = dict(store.read("poles")[["key", "fid"]].to_numpy().tolist())
    load({"P1": 1})
    store.prune(keep=1)
    load({"P1": 1, "P4": 4})
    store.prune(keep=1)
    load({f"P{number}": 1 for number in range(1, 6)})
    again = dict(store.read("poles")[["key", "fid"]].to_numpy().tolist())
    assert {key: again[key] for key in fids} == fids
    assert len(set(again.values())) == 5


@pytest.fixture
def file(tmp_path):
    """Makes a file of that content to deliver."""

    def make(content):
        path = tmp_path / f"{content}.csv"
        path.write_text(content, encoding="utf-8")
        return DeliveredFile(path.name, path, hashlib.sha256(content.encode()).hexdigest(), len(content))

    return make


def test_files_and_quarantine_go_with_the_last_row_they_brought(load, store, file, tmp_path):
    refused = pd.DataFrame({"source_row": [1], "reason": ["x"], "geometry": [None]})
    load({"P1": 1, "P2": 1}, delivered=[file("a")], quarantine=refused)
    load({"P1": 2, "P2": 1}, delivered=[file("b")], quarantine=refused)
    load({"P1": 3, "P2": 1}, delivered=[file("c"), file("b")], quarantine=refused)
    pruned = store.prune(keep=1)
    # P2 is still what load 1 brought; load 2 brought nothing that is left, but its file came again
    assert (pruned.deliveries, pruned.quarantined) == ([2], 2)
    assert [len(store.delivered(number)) for number in (1, 2, 3)] == [1, 0, 2]
    assert store.database.rows("SELECT COUNT(*) FROM chunks") == [(3,)]
    assert set(store.quarantine()["load_id"]) == {3}
    load({"P1": 4, "P2": 4})
    store.prune(keep=1)
    assert store.database.rows("SELECT COUNT(*) FROM chunks") == [(0,)]


def test_loads_that_the_content_rests_on_keep_files_and_quarantine(load, store, file):
    refused = pd.DataFrame({"source_row": [1], "reason": ["x"], "geometry": [None]})
    load({"P1": 1}, delivered=[file("a")], quarantine=refused)
    load({"P1": 2}, delivered=[file("b")])
    # the rows of load 1 are back as rows of the rollback
    store.rollback(2)
    pruned = store.prune(keep=1)
    assert pruned.deliveries == [2]
    assert len(store.delivered(1)) == 1
    assert set(store.quarantine()["load_id"]) == {1}


def test_space_is_given_back_and_no_reader_is_disturbed(load, store, workspace, layers, engine):
    many = {f"P{number}": 1 for number in range(1000)}
    load(many)
    for points in range(2, 5):
        load(dict.fromkeys(many, points))
    with open_store(workspace, layers) as reader, reader.snapshot():
        assert set(reader.read("poles", load=1)["points"]) == {1}
        store.prune(keep=1)
        before, after = store.give_back()
        # the reader goes on in the state it has begun to read
        assert set(reader.read("poles", load=1)["points"]) == {1}
        assert len(reader.read("poles", load=2)) == 1000
    with open_store(workspace, layers) as reader:
        assert set(reader.read("poles")["points"]) == {4}
    if engine == "sqlite":
        assert after < 0.8 * before
        store.give_back()
        assert store.database.path.stat().st_size == after
        assert store.database.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_copy_of_a_pruned_store_refuses_the_same(load, store, workspace, layers, new_url, engine):
    for number in range(1, 4):
        load({"P1": number})
    store.prune(keep=2)
    target = new_url(engine)
    copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), layers)
    county = workspace.county.model_copy(update={"store": target})
    with open_store(replace(workspace, county=county), layers) as copy:
        assert copy.loads() == store.loads()
        assert copy.read("poles", load=2)["points"].tolist() == [2]
        with pytest.raises(NotFoundError, match="was pruned"):
            copy.read("poles", load=1)


def test_units_and_their_lineage_keep_everything(load, store, source, workspace):
    for code in ("900001001", "900001002"):
        frame = pd.DataFrame({"key": [code], "code": [code], "name": ["x"]})
        store.apply("districts", frame.assign(geometry=[None]), source)
    load({"P1": 1})
    load({"P1": 2})
    assert store.prune(keep=1).versions == {"layer_poles": 1}
    assert store.read("districts", load=1)["key"].tolist() == ["900001001"]


def test_an_empty_store_has_nothing_to_prune(store):
    assert store.prune(keep=1).nothing


KEYS = st.sampled_from([f"P{i}" for i in range(5)])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["replace", "upsert", "rollback", "run", "publish", "keep", "before"]),
        st.dictionaries(KEYS, st.integers(1, 3), max_size=5),
        st.integers(1, 4),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_is_left_is_what_a_plain_model_says(workspace, layers, poles, source, new_url, engine, steps):
    county = workspace.county.model_copy(update={"store": new_url(engine)})
    states, undoable, runs, fids, horizon = [{}], [], {}, {}, 0
    with open_store(replace(workspace, county=county), layers, write=True) as store:
        for what, points, number in steps:
            digest = store.digest()
            if what == "rollback":
                if undoable and undoable[-1] - 1 >= horizon:
                    undone = undoable.pop()
                    store.rollback(undone)
                    states.append(states[undone - 1])
            elif what in ("replace", "upsert"):
                store.apply("poles", poles(points), source, what)
                states.append(points if what == "replace" else {**states[-1], **points})
                undoable.append(len(states) - 1)
            elif what in ("run", "publish"):
                runs[run(store, number, what == "publish")] = what, store.layer_version("poles"), number
            else:
                newest = len(states) - 1
                reached = max(newest - number + 1, 1) if what == "keep" else min(number, newest)
                pruned = store.prune(**{what: number})
                if not pruned.nothing:
                    horizon = max(horizon, reached)
                    assert pruned.horizons == {"poles": horizon}
                assert store.digest() == digest
            frame = store.read("poles")
            for key, fid in zip(frame["key"], frame["fid"], strict=True):
                assert fids.setdefault(key, fid) == fid
        assert len(set(fids.values())) == len(fids)
        resting = {at for kind, at, _ in runs.values() if kind == "publish"} | {
            at for _, at, _ in list(runs.values())[-1:]
        }
        for load, state in enumerate(states):
            if load == 0 or load >= horizon or load in resting:
                frame = store.read("poles", load=load)
                assert dict(zip(frame["key"], frame["points"], strict=True)) == state
        for number, (kind, _, value) in runs.items():
            if kind == "publish" or number == max(runs):
                assert figure(store, number) == [value]
