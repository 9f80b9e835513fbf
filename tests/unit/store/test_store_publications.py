"""Published runs in the store: numbers, labels, revisions, and what nothing takes out any more."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from gridsvc.errors import NotFoundError, UsageError
from gridsvc.settings import StoreUrl
from gridsvc.store import NewPublication, NewRun, copy_store, open_store


@pytest.fixture
def run(store):
    """Stores a run of a day, with one tally."""

    def make(day="2026-11-01", numerator=1, **more):
        row = {"indicator": "x", "subject_kind": "cell", "subject": "a", "numerator": numerator}
        tallies = pd.DataFrame([{**row, "denominator": 9, "unknown": 0, "exempt": 0}])
        versions = {"poles": store.layer_version("poles")}
        return store.write_run(NewRun(day, versions, "cd" * 32, **more), {"tallies": tallies}).id

    return make


@pytest.fixture
def publish(store):
    """Publishes a run under a label."""

    def make(run_id, label="第32周", **more):
        options = {
            "digest": "ab" * 32,
            "definitions": "",
            "published": "2026-11-02T08:00:00+00:00",
            "objections_from": "2026-11-02",
            "objections_until": "2026-11-07",
        }
        return store.publish_run(run_id, NewPublication(label=label, **options, **more)).publication

    return make


def test_a_run_is_a_draft_until_it_is_published(store, run, publish):
    first = run()
    assert (store.run(first).status, store.run(first).publication) == ("draft", None)
    made = publish(first, filled_by="张三", reviewed_by="李四")
    stored = store.run(first)
    assert (stored.status, stored.label, stored.publication) == ("published", "第32周", made)
    assert (made.number, made.revision, made.edition, made.filled_by) == ("2026-1", 1, "2026-1", "张三")


def test_numbers_run_through_the_year_of_the_figures_day(run, publish):
    days = ["2026-12-24", "2026-12-31", "2027-01-07"]
    numbers = [publish(run(day), f"周{place}").number for place, day in enumerate(days)]
    assert numbers == ["2026-1", "2026-2", "2027-1"]


def test_a_run_is_published_once(run, publish):
    first = run()
    publish(first)
    with pytest.raises(UsageError, match="published already, as 2026-1 第32周") as refusal:
        publish(first, "第33周")
    assert "已发布为 2026-1" in refusal.value.text.zh


def test_a_label_is_used_once_a_year_also_in_full_width_digits(run, publish):
    publish(run())
    with pytest.raises(UsageError, match="in use: 2026-1, run 1"):
        publish(run(), "第３２周")
    assert publish(run("2027-11-01")).number == "2027-1"


def test_a_revision_keeps_number_and_label_and_says_why(store, run, publish):
    publish(run())
    second = publish(run(numerator=2), revises=1, reason="路灯重复入库")
    assert (second.number, second.revision, second.edition) == ("2026-1", 2, "2026-1-r2")
    assert (second.revises, second.reason) == (1, "路灯重复入库")
    with pytest.raises(UsageError, match="needs a reason"):
        publish(run(), revises=2)
    with pytest.raises(UsageError, match="corrected by 2026-1-r2 already"):
        publish(run(), revises=1, reason="x")
    with pytest.raises(UsageError, match="a revision keeps it, got 第33周"):
        publish(run(), "第33周", revises=2, reason="x")
    assert publish(run(), "第33周").number == "2026-2"


def test_a_run_is_named_by_number_label_or_revision(store, run, publish):
    publish(run())
    publish(run(), revises=1, reason="x")
    publish(run("2027-11-01"))
    named = {name: store.named_run(name).id for name in ("2", " 2026-1 ", "2026-1-r1", "第３２周", "2027-1")}
    assert named == {"2": 2, " 2026-1 ": 2, "2026-1-r1": 1, "第３２周": 3, "2027-1": 3}
    assert store.named_run("第32周-r1").id == 3
    for unknown in ("第33周", "2026-1-r3", "2026-2", "", "9" * 30):
        with pytest.raises(NotFoundError):
            store.named_run(unknown)


@pytest.mark.parametrize("label", ["", "  ", "12", "１２", "2026-3", "周-r2", "a\nb", "周" * 41, "a\u202eb"])
def test_a_label_that_could_be_taken_for_something_else_is_refused(run, publish, store, label):
    first = run()
    with pytest.raises(UsageError, match="is no label"):
        publish(first, label)
    assert store.run(first).status == "draft"


@pytest.mark.parametrize(
    ("label", "folder"), [("第32周", "2026-1-第32周"), ("a/../b: c", "2026-1-a-..-b-c"), ("..", "2026-1")]
)
def test_a_folder_has_a_name_that_is_safe_everywhere(run, publish, label, folder):
    assert publish(run(), label).folder == folder


def test_definitions_are_kept_once_under_their_digest(store, run):
    run(content="eins")
    run(content="eins")
    assert store.definitions("cd" * 32) == "eins"
    assert store.definitions("ef" * 32) == ""


def test_a_prune_takes_nothing_from_a_published_run(store, run, publish, load, held):
    load({"P1": 1, "P2": 1})
    published = run()
    publish(published)
    for points in (2, 3, 4):
        load({"P1": points})
        run(numerator=points)
    store.prune(keep=1)
    assert [one.pruned for one in store.runs()] == [False, True, True, False]
    assert held(store.run(published).versions["poles"]) == {"P1": 1, "P2": 1}
    assert store.result("tallies", published)["numerator"].tolist() == [1]
    with pytest.raises(NotFoundError, match="pruned"):
        publish(2, "第33周")


def test_of_two_who_publish_at_once_one_is_refused(workspace, layers, store, run):
    run()
    began = threading.Barrier(2)

    def publish_it(label):
        with open_store(workspace, layers, write=True) as own:
            began.wait()
            try:
                return own.publish_run(1, NewPublication(label, "", "", "2026-11-02", "", "")).label
            except UsageError as error:
                return str(error)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(publish_it, ("一", "二")), key=len)
    assert told[0] in ("一", "二")
    assert f"published already, as 2026-1 {told[0]}" in told[1]
    assert [one.label for one in store.runs()] == [told[0]]


def test_a_copied_store_knows_what_was_published(workspace, layers, store, run, publish, tmp_path):
    run(content="eins")
    publish(run(content="eins"))
    target = f"sqlite:///{tmp_path}/copy.sqlite"
    copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), layers)
    object.__setattr__(workspace, "county", workspace.county.model_copy(update={"store": target}))
    with open_store(workspace, layers) as copy:
        assert copy.runs() == store.runs()
        assert copy.named_run("第32周").id == 2
        assert copy.definitions("cd" * 32) == "eins"


def test_a_store_of_before_runs_were_published_opens(workspace, layers, store, run):
    first = run()
    with store.database.writing():
        store.database.run("DROP TABLE publications")
        store.database.run("DROP TABLE definitions")
    with open_store(workspace, layers) as old:
        assert old.run(first).publication is None
        assert old.definitions("cd" * 32) == ""
    with open_store(workspace, layers, write=True) as new:
        assert new.runs()[0].status == "draft"
        assert new.database.columns("publications")
