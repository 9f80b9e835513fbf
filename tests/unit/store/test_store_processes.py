"""Several processes: readers never wait and never see half a load; a killed load leaves old or new, whole."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import gridsvc
from gridsvc.store import open_store, versions
from gridsvc.store.frames import rows_of
from gridsvc.store.schema import layer_table

HOUSE = str(Path(gridsvc.__file__).parents[1])
PROLOGUE = """
import json, sys
from pathlib import Path
import geopandas, shapely
from gridsvc.layers import load_layers
from gridsvc.settings import open_workspace
from gridsvc.store import Source, open_store
workspace = open_workspace(Path(sys.argv[1]))
layers = load_layers(workspace)
"""
READER = """
with open_store(workspace, layers) as store:
    print("ready", flush=True)
    for line in sys.stdin:
        frame = store.read("poles")
        print(len(frame), *sorted(set(frame["points"])), flush=True)
"""
WATCHER = """
with open_store(workspace, layers) as store:
    print("ready", flush=True)
    seen = set()
    while not Path(sys.argv[2]).exists():
        with store.snapshot():
            frame = store.read("poles")
            seen.add((len(frame), *sorted(map(int, set(frame["points"]))), store.loads()[-1].source))
    print(json.dumps(list(seen)))
"""
WRITER = """
n = 3000
frame = geopandas.GeoDataFrame(
    {"key": [f"P{i}" for i in range(n)]}, geometry=shapely.points([115.0] * n, [34.0] * n)
)
with open_store(workspace, layers, write=True) as store:
    for points in range(10_000):
        frame["points"] = points
        store.apply("poles", frame, Source(str(points), ""))
        print(points, flush=True)
"""
APPENDER = """
print("ready", flush=True)
with open_store(workspace, layers, write=True) as store:
    for number in range(20):
        key = f"P{sys.argv[2]}{number:02}"
        frame = geopandas.GeoDataFrame({"key": [key], "points": [1]}, geometry=shapely.points([115.0], [34.0]))
        store.apply("poles", frame, Source(key, ""), "append")
print("done", flush=True)
"""


@pytest.fixture
def start(workspace):
    """Starts another process on the workspace and waits for its first line."""
    processes = []

    def run(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", PROLOGUE + code, str(workspace.root), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": HOUSE},
        )
        processes.append(process)
        process.stdout.readline()
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def ask(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().split()


def test_a_reader_in_another_process_sees_the_old_rows_until_the_commit(load, store, start, poles, layers):
    load({"P1": 1, "P2": 1})
    reader = start(READER)
    table = layer_table(layers["poles"])
    with store.database.writing():
        versions.write(store.database, table, rows_of(poles({"P1": 2}), table), 2, whole=True)
        assert ask(reader) == ["2", "1"]
    assert ask(reader) == ["1", "2"]


def test_a_reader_beside_many_loads_sees_only_whole_ones(store, start, poles, source, tmp_path):
    sizes = {1: 400, 2: 900, 3: 100}
    stop = tmp_path / "stop"
    store.apply("poles", poles({f"P{i}": 1 for i in range(sizes[1])}), type(source)("1", ""))
    watcher = start(WATCHER, str(stop))
    for turn in range(12):
        points = turn % 3 + 1
        frame = poles({f"P{i}": points for i in range(sizes[points])})
        store.apply("poles", frame, type(source)(str(points), ""))
    stop.touch()
    seen = json.loads(watcher.stdout.readline())
    # more than three different sights would be mixtures
    assert 1 < len(seen) <= len(sizes)
    assert all(sight == [sizes[int(sight[-1])], int(sight[-1]), sight[-1]] for sight in seen)


# moments: before the rows are compared, while they are written, about the commit, in a later load
@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.08, 0.15, 0.25, 0.4])
def test_a_killed_load_leaves_old_or_new_whole(workspace, layers, store, start, seconds):
    writer = start(WRITER)
    time.sleep(seconds)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    with open_store(workspace, layers, write=True) as again:
        frame = again.read("poles")
        newest = again.loads()[-1]
        assert set(frame["points"]) == {int(newest.source)}
        assert len(frame) == newest.rows_read == 3000
        if workspace.store_url.engine == "sqlite":
            assert again.database.rows("PRAGMA integrity_check") == [("ok",)]
        # nothing of the dead process stands in the way
        again.rollback(newest.id)
        assert len(again.loads()) == newest.id + 1


def test_two_processes_that_write_at_once_take_turns_and_lose_nothing(workspace, store, start):
    writers = [start(APPENDER, str(number)) for number in range(2)]
    assert [writer.stdout.readline() for writer in writers] == ["done\n", "done\n"]
    records = store.loads()
    assert [record.id for record in records] == list(range(1, 41))
    assert sorted(record.source for record in records) == store.read("poles")["key"].tolist()
    assert sorted(store.read("poles")["fid"]) == list(range(1, 41))


def test_threads_may_share_a_store(store, poles, source):
    def work(number):
        store.apply("poles", poles({f"P{number}": number}), source, "append")
        store.read("poles")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("poles")["points"].tolist() == list(range(8))
    assert [record.id for record in store.loads()] == list(range(1, 9))


def test_a_snapshot_is_one_state(workspace, layers, load, store, poles, source):
    load({"P1": 1})
    with open_store(workspace, layers) as reader, reader.snapshot():
        before = reader.digest()
        load({"P1": 2})
        assert reader.digest() == before
        assert len(reader.loads()) == 1
