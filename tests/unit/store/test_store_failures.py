"""What goes wrong around a load: full disks, folders that cannot be written, locks that others hold."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gridsvc
from gridsvc.errors import StoreBusyError
from gridsvc.store import open_store

HOUSE = str(Path(gridsvc.__file__).parents[1])
COMMAND = [sys.executable, "-c", "from gridsvc.cli import main; main()"]


@pytest.fixture
def call(workspace):
    """Runs a command in a process of its own, with a prefix or preparations where they are given."""

    def run(*arguments, prefix=(), prepare=None):
        return subprocess.run(
            [*prefix, *COMMAND, *map(str, arguments), "-w", str(workspace.root)],
            env={**os.environ, "PYTHONPATH": HOUSE, "GRIDSVC_LANG": "en"},
            capture_output=True,
            encoding="utf-8",
            check=False,
            preexec_fn=prepare,
        )

    return run


@pytest.fixture
def file(tmp_path):
    """Makes a file of so many poles."""

    def make(count):
        features = [
            {
                "type": "Feature",
                "properties": {"pole": f"P{number}", "points": count % 100},
                "geometry": {"type": "Point", "coordinates": [115 + number / 100_000, 34]},
            }
            for number in range(count)
        ]
        path = tmp_path / f"{count}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return path

    return make


def limit(size):
    """Has writing fail where a file would grow beyond *size* bytes, as on a full disk."""

    def prepare():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return prepare


def one_sentence(done):
    """The error told, which is all there is on standard error."""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_disk_that_is_full_while_rows_are_stored(workspace, layers, call, file):
    assert call("load", "poles", file(50)).returncode == 0
    with open_store(workspace, layers) as store:
        before = store.digest(), store.loads()
    published = workspace.geopackage_path.read_bytes()
    done = call("load", "poles", file(20_000), prepare=limit(2_000_000))
    assert done.returncode == 4
    assert "the disk refuses it" in one_sentence(done)
    assert "nothing was stored" in done.stderr
    with open_store(workspace, layers) as store:
        assert (store.digest(), store.loads()) == before
    assert workspace.geopackage_path.read_bytes() == published
    assert not list(workspace.layers_dir.glob("*.tmp*"))
    # with room the same load goes through
    assert call("load", "poles", file(20_000)).returncode == 0


@pytest.mark.postgis
@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_database_whose_disk_is_full(workspace, layers, call, file):
    assert call("load", "poles", file(50)).returncode == 0
    full = "RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'"
    with open_store(workspace, layers, write=True) as store:
        before = store.digest(), store.loads()
        with store.database.writing():
            store.database.run(
                f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {full}; END $$"
            )
            store.database.run(
                "CREATE TRIGGER full_disk BEFORE INSERT ON layer_poles FOR EACH ROW WHEN (NEW.fid = 1500) "
                "EXECUTE FUNCTION full_disk()"
            )
    published = workspace.geopackage_path.read_bytes()
    done = call("load", "poles", file(2000))
    assert done.returncode == 4
    assert "the disk of the database is full; nothing was stored" in one_sentence(done)
    with open_store(workspace, layers) as store:
        assert (store.digest(), store.loads()) == before
    assert workspace.geopackage_path.read_bytes() == published


def test_a_geopackage_that_cannot_be_written_is_told_apart_from_the_load(workspace, layers, call, file):
    assert call("load", "poles", file(50)).returncode == 0
    published = workspace.geopackage_path.read_bytes()
    # the rows of the load fit, the whole GeoPackage does not
    done = call("load", "poles", file(51), prepare=limit(len(published) // 2))
    assert done.returncode == 1, done.stderr
    told = one_sentence(done)
    assert "load 2 is stored, but not yet in the GeoPackage" in told
    assert "the next load, rollback or compute writes it" in told
    assert workspace.geopackage_path.read_bytes() == published
    assert not list(workspace.layers_dir.glob(".county.*"))
    with open_store(workspace, layers) as store:
        assert len(store.read("poles")) == 51
        assert store.geopackage_is_stale
    loads = call("loads", "--json")
    assert loads.returncode == 0
    assert len(json.loads(loads.stdout)["loads"]) == 2
    assert "county.gpkg lacks what was stored last" in one_sentence(loads)
    assert call("rollback", 2).returncode == 0
    assert not call("loads").stderr


PUBLISH = """
import resource, signal, sys
from pathlib import Path
from gridsvc.errors import StoreError
from gridsvc.layers import load_layers
from gridsvc.settings import open_workspace
from gridsvc.store import open_store
workspace = open_workspace(Path(sys.argv[1]))
target = workspace.geopackage_path
size = target.stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open_store(workspace, load_layers(workspace), write=True) as store:
    for part in range(10, 100, 3):
        before = target.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * part // 100, resource.RLIM_INFINITY))
        try:
            store.publish_geopackage()
        except StoreError:
            assert target.read_bytes() == before
        else:
            print(part, flush=True)
"""


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_geopackage_for_which_there_is_no_room_is_never_put_in_place(workspace, store, poles, source):
    # GDAL would leave out the spatial index, and say nothing
    store.apply("poles", poles({f"P{number}": 1 for number in range(4000)}), source)
    store.publish_geopackage()
    command = [sys.executable, "-c", PUBLISH, str(workspace.root)]
    environment = {**os.environ, "PYTHONPATH": HOUSE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert not done.stdout


# several commands in one process: [exit code, standard error] of each
SEVERAL = """
import json, sys
from typer.testing import CliRunner
from gridsvc.cli import app
done = [CliRunner().invoke(app, [*arguments, "-w", sys.argv[1]]) for arguments in json.loads(sys.argv[2])]
print(json.dumps([[one.exit_code, one.stderr] for one in done]))
"""
UNITS = {
    "counties": "900001",
    "districts": "900001001",
    "communities": "900001001001",
    "grids": "900001001001001",
}
READING = (
    "loads; layers; coverage; gaps lit_road; check; quarantine; diff 1; prune --keep 1 --dry-run; "
    "export lamps {out}/lamps.csv; export results {out}/results.xlsx; delivered 6 {out}/back; "
    "load lamps {file} --dry-run"
)
WRITING = "load lamps {file}; rollback 6; prune --keep 1; compute"


@pytest.fixture
def several(workspace):
    """Runs commands, as one text, in one process that has no right to override those of files."""
    # root is left without what makes it root
    prefix = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []

    def run(text):
        commands = json.dumps([command.split() for command in text.split("; ")])
        done = subprocess.run(
            [*prefix, sys.executable, "-c", SEVERAL, str(workspace.root), commands],
            env={**os.environ, "PYTHONPATH": HOUSE, "GRIDSVC_LANG": "en"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return dict(zip(text.split("; "), json.loads(done.stdout), strict=True))

    return run


def collection(path, kind, coordinates, **properties):
    """Write a GeoJSON file of one feature."""
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    return path


@pytest.fixture
def computed(workspace, tmp_path, several):
    """Loads a village, twice a lamp, computes, and takes away the right to write; returns the lamp's file."""
    ring = [[10, 50], [10.02, 50], [10.02, 50.02], [10, 50.02], [10, 50]]
    files = {
        layer: collection(tmp_path / f"{layer}.geojson", "Polygon", [ring], code=code, name=layer)
        for layer, code in UNITS.items()
    }
    lamp = collection(tmp_path / "lamps.geojson", "Point", [10.01, 50.01], lamp_id="L1", state="on")
    moved = collection(tmp_path / "moved.geojson", "Point", [10.02, 50.01], lamp_id="L1", state="on")
    loads = [f"load {layer} {file}" for layer, file in files.items()]
    told = several("; ".join([*loads, f"load lamps {lamp}", f"load lamps {moved}", "compute"]))
    assert {code for code, _ in told.values()} == {0}, told
    folders = [workspace.root, *(path for path in workspace.root.rglob("*") if path.is_dir())]
    inside = [path for path in workspace.root.rglob("*") if path.is_file()]
    for path in [*inside, *folders]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield lamp
    for path in [*folders, *inside]:
        path.chmod(0o755)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_workspace_that_cannot_be_written_can_be_read(workspace, computed, several, tmp_path):
    held = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    (tmp_path / "out").mkdir()
    told = several(READING.format(out=tmp_path / "out", file=computed))
    assert {code for code, _ in told.values()} <= {0, 1}, told
    assert not any(words for _, words in told.values())
    assert (tmp_path / "out" / "back" / "moved.geojson").is_file()
    for code, words in several(WRITING.format(file=computed)).values():
        assert code == 4
        assert words.count("\n") == 1
        assert "check your rights" in words
    assert {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()} == held


@pytest.mark.postgis
@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_reader_does_not_wait_for_ever_while_shapes_are_rewritten(workspace, layers, load):
    load({"P1": 1})
    with (
        open_store(workspace, layers, write=True) as writer,
        open_store(workspace, layers, busy_timeout=0.2) as reader,
    ):
        with writer.database.writing():
            key = writer.database._lock_key("shape")
            writer.database.run(f"SELECT pg_advisory_xact_lock({key})")
            with pytest.raises(StoreBusyError, match=r"waited 0.2 s"):
                reader.read("poles")
        assert len(reader.read("poles")) == 1
