"""Features of neighbouring counties: a part of a layer by themselves, on both engines."""

import pytest

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.store import open_store
from gridsvc.store.copying import copy_store
from gridsvc.store.loads import standing


@pytest.fixture
def beside(load):
    """Loads poles of a neighbouring county."""

    def apply(points, mode="replace", **more):
        return load(points, mode, context=True, **more)

    return apply


@pytest.fixture
def theirs(store):
    """Tells which light points the neighbours' poles have, by key."""

    def points():
        frame = store.read("poles", context=True)
        return dict(zip(frame["key"], frame["points"], strict=True))

    return points


def test_neighbours_may_use_the_same_numbers(load, beside, held, theirs, store):
    load({"P1": 1, "P2": 2})
    record = beside({"P1": 9})
    assert (record.added, record.ended, record.context) == (1, 0, True)
    assert held() == {"P1": 1, "P2": 2}
    assert theirs() == {"context:P1": 9}
    assert store.read("poles", context=True)["pole"].tolist() == ["P1"]
    assert store.counts()["poles"] == 2


def test_each_part_is_replaced_by_itself(load, beside, held, theirs):
    load({"P1": 1, "P2": 2})
    beside({"P1": 9, "P3": 9})
    assert load({"P1": 1}).ended == 1
    assert theirs() == {"context:P1": 9, "context:P3": 9}
    assert beside({"P3": 8}).ended == 1
    assert (held(), theirs()) == ({"P1": 1}, {"context:P3": 8})


def test_append_looks_at_its_own_part_only(load, beside, theirs):
    load({"P1": 1})
    beside({"P1": 9}, "append")
    with pytest.raises(InputRefusedError, match="append takes new ones only"):
        beside({"P1": 8}, "append")
    assert theirs() == {"context:P1": 9}


def test_what_is_kept_is_kept_in_its_part(load, beside, held, theirs):
    load({"P1": 1, "P2": 1})
    beside({"P1": 9, "P2": 9})
    beside({"P1": 9}, kept={"P2"})
    assert theirs() == {"context:P1": 9, "context:P2": 9}
    load({"P1": 1}, kept={"P2"})
    assert held() == {"P1": 1, "P2": 1}


def test_the_digest_is_of_the_countys_own_features(load, beside, store):
    load({"P1": 1})
    digest = store.digest("poles"), store.digest()
    beside({"P1": 9})
    assert (store.digest("poles"), store.digest()) == digest
    # figures rest on neighbours' features too
    assert store.layer_version("poles") == 2


def test_each_part_is_rolled_back_by_itself(load, beside, held, theirs, store):
    load({"P1": 1})
    first = beside({"P1": 9})
    second = beside({"P2": 9})
    own = load({"P1": 5})
    store.rollback(second.id)
    assert (held(), theirs()) == ({"P1": 5}, {"context:P1": 9})
    undone = store.rollback(own.id)
    assert (held(), theirs()) == ({"P1": 1}, {"context:P1": 9})
    store.rollback(undone.id)
    assert held() == {"P1": 5}
    assert store.rollback(first.id).context
    assert (held(), theirs()) == ({"P1": 5}, {})


def test_a_later_load_of_the_same_part_is_undone_first(beside, load, store):
    first = beside({"P1": 9})
    beside({"P2": 9})
    load({"P1": 1})
    with pytest.raises(UsageError, match="undo that one first: gridsvc rollback 2"):
        store.rollback(first.id)


def test_a_replacing_load_leaves_the_neighbours_loads_standing(beside, load, store):
    beside({"P1": 9})
    load({"P1": 1})
    load({"P2": 1})
    assert [record.id for record in standing(store.loads())] == [1, 3]


def test_a_table_has_no_neighbours(store, people, source):
    with pytest.raises(UsageError, match="holds no features of neighbouring counties"):
        store.apply("people", people({"Z": "张"}), source, context=True)


def test_an_own_key_cannot_look_like_a_neighbours(store, poles, source):
    frame = poles({"P1": 1}).assign(key="context:P1")
    with pytest.raises(InputRefusedError, match="no key may begin with 'context:'"):
        store.apply("poles", frame, source)


def test_a_store_without_the_column_reads_as_its_own_and_gets_it(
    load, store, workspace, layers, source, poles
):
    load({"P1": 1})
    with store.database.writing():
        if workspace.store_url.engine == "postgresql":
            store.database.run("DROP VIEW IF EXISTS " + f'"{store.database.views}".poles')
        store.database.run("ALTER TABLE layer_poles DROP COLUMN context")
    with open_store(workspace, layers) as reader:
        assert reader.read("poles")["key"].tolist() == ["P1"]
        assert reader.read("poles", context=True).empty
    with open_store(workspace, layers, write=True) as writer:
        writer.apply("poles", poles({"P1": 9}), source, context=True)
        assert writer.read("poles")["points"].tolist() == [1]


def test_a_copy_has_both_parts(
    load, beside, store, workspace, layers, new_workspace, new_url, tmp_path, engine
):
    load({"P1": 1})
    beside({"P1": 9})
    target = new_workspace(tmp_path / "copy", new_url(engine))
    copy_store(workspace.store_url, target.store_url, layers)
    with open_store(target, layers) as copy:
        assert copy.read("poles")["points"].tolist() == [1]
        assert copy.read("poles", context=True)["points"].tolist() == [9]


@pytest.mark.parametrize("engine", [pytest.param("postgresql", marks=pytest.mark.postgis)])
def test_views_show_the_countys_own_features(load, beside, store, engine):
    load({"P1": 1})
    beside({"P2": 9})
    assert store.database.rows(f'SELECT key FROM "{store.database.views}".poles') == [("P1",)]
