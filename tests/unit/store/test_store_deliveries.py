"""What was delivered is kept with the load: byte for byte, once per content, and nowhere but where it belongs."""

import hashlib
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import gridsvc
from gridsvc.errors import InputRefusedError, NotFoundError, StoreError, UsageError
from gridsvc.settings import StoreUrl
from gridsvc.store import DeliveredFile, copy_store, deliveries, open_store

HOUSE = str(Path(gridsvc.__file__).parents[1])


def handed(path, name=None):
    content = path.read_bytes()
    return DeliveredFile(name or path.name, path, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def file(tmp_path):
    """Makes a file of that content to deliver."""

    def make(content, name="杆.dbf"):
        path = tmp_path / "delivery" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return handed(path, name)

    return make


def test_files_come_back_byte_for_byte(store, load, file, tmp_path, monkeypatch):
    monkeypatch.setattr(deliveries, "CHUNK", 1000)
    contents = {"灯 杆.shp": os.urandom(3500), "部件/sub/灯.dbf": b"\x81\xfe" * 4000, "empty.cpg": b""}
    record = load({"P1": 1}, delivered=[file(content, name) for name, content in contents.items()])
    assert [(kept.name, kept.size) for kept in store.delivered(record.id)] == [
        (name, len(content)) for name, content in contents.items()
    ]
    made = store.write_delivered(record.id, tmp_path / "back")
    assert [path.relative_to(tmp_path / "back").as_posix() for path in made] == list(contents)
    assert [path.read_bytes() for path in made] == list(contents.values())
    # compressed: 8,000 bytes of the second file take a hundredth
    stored = store.database.rows("SELECT SUM(LENGTH(data)) FROM chunks")[0][0]
    assert 3500 < stored < 3800


def test_content_that_several_loads_use_is_kept_once(store, load, file, tmp_path):
    workbook = file(os.urandom(5000), "all.gpkg")
    for number in range(3):
        load({"P1": number}, delivered=[workbook])
    assert store.database.rows("SELECT COUNT(*), SUM(size) FROM delivered") == [(3, 15000)]
    assert store.database.rows("SELECT COUNT(*) FROM chunks") == [(1,)]
    for number in range(1, 4):
        (made,) = store.write_delivered(number, tmp_path / str(number))
        assert made.read_bytes() == workbook.path.read_bytes()


def test_a_load_that_fails_keeps_nothing(store, load, file):
    load({"P1": 1})
    with pytest.raises(InputRefusedError, match="append"):
        load({"P1": 2}, "append", delivered=[file(b"x")])
    changed = file(b"as it was read")
    changed.path.write_bytes(b"as it is now")
    with pytest.raises(InputRefusedError, match="changed while it was being loaded"):
        load({"P1": 2}, delivered=[changed])
    changed.path.unlink()
    with pytest.raises(InputRefusedError, match="changed while it was being loaded"):
        load({"P1": 2}, delivered=[changed])
    assert len(store.loads()) == 1
    assert store.database.rows("SELECT 1 FROM chunks") == store.database.rows("SELECT 1 FROM delivered") == []


@pytest.mark.parametrize("name", ["../out.dbf", "a/../../out.dbf", "{outside}/out.dbf", "link/out.dbf", ""])
def test_nothing_is_written_outside_of_the_folder(store, load, file, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "link").symlink_to(outside)
    given = file(b"x")
    name = name.format(outside=outside)
    load({"P1": 1}, delivered=[DeliveredFile(name, given.path, given.sha256, 1)])
    with pytest.raises(StoreError, match=r"outside of the folder"):
        store.write_delivered(1, tmp_path / "back")
    assert not list(outside.iterdir())
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["link"]


def test_a_file_that_exists_is_left_alone(store, load, file, tmp_path):
    load({"P1": 1}, delivered=[file(b"new", "a.csv"), file(b"new", "b.csv")])
    (tmp_path / "b.csv").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        store.write_delivered(1, tmp_path)
    assert (tmp_path / "b.csv").read_bytes() == b"mine"
    assert not (tmp_path / "a.csv").exists()


def test_damaged_content_is_told(store, load, file, tmp_path):
    load({"P1": 1}, delivered=[file(os.urandom(100))])
    store.database.run("UPDATE chunks SET data = ?", (zlib.compress(b"something else"),))
    with pytest.raises(StoreError, match="the store is damaged"):
        store.write_delivered(1, tmp_path / "back")
    assert not list((tmp_path / "back").iterdir())


def test_why_a_load_has_no_files_is_told(store, load, tmp_path):
    load({"P1": 1})
    store.rollback(1)
    with pytest.raises(NotFoundError, match="it came from no file"):
        store.write_delivered(1, tmp_path)
    with pytest.raises(NotFoundError, match="it undid load 1"):
        store.write_delivered(2, tmp_path)
    with pytest.raises(NotFoundError, match="no load 9"):
        store.write_delivered(9, tmp_path)


def test_a_copy_of_the_store_has_the_files(
    store, load, file, workspace, layers, new_url, engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(deliveries, "CHUNK", 100)
    content = os.urandom(950)
    load({"P1": 1}, delivered=[file(content)])
    target = new_url(engine)
    copied = copy_store(workspace.store_url, StoreUrl.parse(target, workspace.root), layers)
    assert (copied.rows["delivered"], copied.rows["chunks"]) == (1, 10)
    object.__setattr__(workspace, "county", workspace.county.model_copy(update={"store": target}))
    with open_store(workspace, layers) as copy:
        assert copy.write_delivered(1, tmp_path / "back")[0].read_bytes() == content


STREAMED = """
import hashlib, resource, sys
from pathlib import Path
import geopandas, shapely
from gridsvc.layers import load_layers
from gridsvc.settings import open_workspace
from gridsvc.intake.sources import handed_over
from gridsvc.store import Source, open_store
workspace = open_workspace(Path(sys.argv[1]))
layers = load_layers(workspace)
frame = geopandas.GeoDataFrame({"key": ["P1"], "points": [1]}, geometry=shapely.points([115.0], [34.0]))
with open_store(workspace, layers, write=True) as store:
    store.apply("poles", frame, Source("x", ""))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.apply("poles", frame, Source("x", ""), delivered=handed_over([Path(sys.argv[2])]))
    store.write_delivered(2, Path(sys.argv[3]))
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_large_files_go_through_in_small_pieces(workspace, tmp_path):
    large = tmp_path / "large.bin"
    piece = os.urandom(1024) * 1024
    with large.open("wb") as stream:
        for number in range(200):
            stream.write(number.to_bytes(8, "big") + piece[8:])
    command = [sys.executable, "-c", STREAMED, str(workspace.root), str(large), str(tmp_path / "back")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": HOUSE}, capture_output=True, text=True, check=True
    )
    # 200 MB went in and out; the page cache of the store is 64 MB
    assert int(done.stdout) < 150
    assert handed(tmp_path / "back" / "large.bin").sha256 == handed(large).sha256
