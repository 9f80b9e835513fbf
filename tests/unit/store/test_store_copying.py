"""A store copied between engines: nothing is lost, nothing is overwritten."""

from itertools import product

import pandas as pd
import pytest

from gridsvc.errors import InputRefusedError, NotFoundError, StoreError, UsageError
from gridsvc.layers import load_layers
from gridsvc.settings import StoreUrl
from gridsvc.store import NewRun, copy_store, copying, open_store

ENGINES = ("sqlite", "postgresql")
WAYS = [
    pytest.param(*way, marks=pytest.mark.postgis if "postgresql" in way else [], id="-".join(way))
    for way in product(ENGINES, ENGINES)
]


@pytest.fixture
def filled(store, load, poles, people, source, workspace):
    """A store with a history: changes, an end, a rollback, quarantine, runs, missing values."""
    load({f"P{number}": number for number in range(60)})
    frame = poles({"P1": 9, "P3": None, "P99": 4})
    frame.loc[1, ["height", "works", "seen", "pole", "geometry"]] = None
    refused = pd.DataFrame({"source_row": [4, None], "reason": ["x", "y"], "geometry": frame.geometry[:2]})
    store.apply("poles", frame, source, quarantine=refused)
    store.apply("people", people({"甲": "张三", "b": "𠮷", "B": "李四"}), source)
    store.rollback(2)
    tallies = pd.DataFrame(
        {"indicator": "lit", "subject_kind": "cell", "subject": ["a", "b"], "numerator": [1, 2]}
    )
    store.write_run(NewRun("2026-11-01", {"poles": 4}, "cd", {"GEOS": "3.14"}), {"tallies": tallies})
    store.write_run(NewRun("2026-11-02", {"poles": 4}, "cd"), {"tallies": tallies[:1]})
    return store


def content(store):
    """Everything that a store tells."""
    frames = [store.read(name, load=load) for name in ("poles", "people") for load in range(5)]
    frames += [store.quarantine(), *(store.result("tallies", run) for run in (1, 2))]
    return [store.loads(), store.runs(), store.digest(), store.counts(), store.bounds()], frames


def opened(workspace, layers, url, **more):
    object.__setattr__(workspace, "county", workspace.county.model_copy(update={"store": url}))
    return open_store(workspace, layers, **more)


@pytest.mark.parametrize(("engine", "other"), WAYS)
def test_a_copy_tells_everything_the_store_tells(
    filled, workspace, layers, new_url, other, source, monkeypatch
):
    monkeypatch.setattr(copying, "BATCH", 7)
    target = new_url(other)
    facts, frames = content(filled)
    told = []
    copied = copy_store(
        workspace.store_url,
        StoreUrl.parse(target, workspace.root),
        layers,
        reach=lambda what, done, total: told.append((done, total)),
    )
    assert copied.rows["loads"] == 4
    assert told[-1] == (copied.total, copied.total)
    assert content(filled)[0] == facts
    with opened(workspace, layers, target, write=True) as copy:
        again, others = content(copy)
        assert again == facts
        assert all(map(pd.DataFrame.equals, others, frames))
        # and work goes on where it was
        copy.rollback(4)
        assert copy.digest("poles") != filled.digest("poles")
        copy.apply("poles", frames[1], source)
        assert copy.digest("poles") == filled.digest("poles")


@pytest.mark.parametrize(("engine", "other"), WAYS)
def test_a_target_that_holds_anything_is_refused(filled, workspace, layers, new_url, other, poles, source):
    origin, target = workspace.store_url, new_url(other)
    with opened(workspace, layers, target, write=True) as taken:
        taken.apply("poles", poles({"P7": 7}), source)
        digest = taken.digest()
        with pytest.raises(UsageError, match="holds something already"):
            copy_store(origin, workspace.store_url, layers)
        assert taken.digest() == digest
    with pytest.raises(UsageError, match="holds something already"):
        copy_store(origin, origin, layers)


def test_a_store_that_holds_nothing_is_refused(workspace, layers, new_url, engine):
    with pytest.raises(NotFoundError, match="nothing to copy"):
        copy_store(workspace.store_url, StoreUrl.parse(new_url(engine), workspace.root), layers)


def test_history_of_what_is_no_longer_defined_is_copied(filled, workspace, new_url, engine, layers):
    rows = len(filled.database.rows("SELECT 1 FROM layer_people"))
    path = workspace.layers_dir / "poles.toml"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[: whole.index("[fields.seen]")], encoding="utf-8")
    (workspace.layers_dir / "people.toml").unlink()
    fewer, target, before = load_layers(workspace), new_url(engine), content(filled)
    copied = copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), fewer)
    assert copied.rows["layer_people"] == rows
    with opened(workspace, layers, target, write=True) as copy:
        facts, frames = content(copy)
        assert facts == before[0]
        assert all(map(pd.DataFrame.equals, frames, before[1]))


@pytest.mark.postgis
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_copy_that_fails_leaves_nothing(filled, workspace, layers, poles, source, new_url):
    frame = poles({"P1": 1})
    frame["pole"] = ["a\0b"]
    filled.apply("poles", frame, source, "upsert")
    target = new_url("postgresql")
    with pytest.raises(InputRefusedError, match="NUL"):
        copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), layers)
    with opened(workspace, layers, target) as copy:
        assert copy.loads() == []
        assert copy.database.columns("meta") == ()


def test_a_row_that_arrives_changed_stops_the_copy(filled, workspace, layers, new_url, engine, monkeypatch):
    insert = type(filled.database).insert

    def damaged(self, table, names, rows):
        # one fid, the second column, goes wrong
        insert(self, table, names, [(row[0], 7, *row[2:]) if table == "layer_poles" else row for row in rows])

    monkeypatch.setattr(type(filled.database), "insert", damaged)
    target = new_url(engine)
    with pytest.raises(StoreError, match=r"layer_poles in .* is not what was copied"):
        copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), layers)
    with opened(workspace, layers, target) as copy:
        assert copy.loads() == []
