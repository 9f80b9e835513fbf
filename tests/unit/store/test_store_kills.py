"""``gridsvc load`` killed at any moment: the workspace opens, and holds the old or the new version whole.

``GRIDSVC_SOAK=30`` goes on for thirty minutes an engine; ``GRIDSVC_SEED=N`` repeats the moments of another run.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gridsvc
from gridsvc.layers import load_layers
from gridsvc.store import open_store

HOUSE = str(Path(gridsvc.__file__).parents[1])
MOMENTS = 20
LOAD = [sys.executable, "-c", "from gridsvc.cli import main; main()", "load", "poles"]
# GDAL has a SQLite of its own: what it sees is asked in another process
CHECKER = """
import sys, warnings
warnings.simplefilter("error")
import pyogrio
for line in sys.stdin:
    path = line.rstrip("\\n")
    layers = {str(name) for name, _ in pyogrio.list_layers(path)}
    counts = [pyogrio.read_info(path, layer=name, force_feature_count=True)["features"] for name in sorted(layers)]
    frame = pyogrio.read_dataframe(path, layer="poles")
    print(len(layers), len(frame), *sorted(set(frame["points"])), flush=True)
"""


@pytest.fixture
def checker():
    """Tells how many layers a GeoPackage has, how many poles, and their light points."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHECKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def look(path):
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        return [int(number) for number in process.stdout.readline().split()]

    yield look
    process.communicate()


@pytest.fixture
def begin(workspace):
    """Begins to load a file in a process of its own."""

    def run(file):
        environment = {**os.environ, "PYTHONPATH": HOUSE, "GRIDSVC_LANG": "en"}
        return subprocess.Popen(
            [*LOAD, str(file), "-w", str(workspace.root)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def files(tmp_path):
    """Two deliveries of poles: their number by light points, which tell them apart."""
    made = {}
    for points, count in ((1, 1000), (2, 800)):
        features = [
            {
                "type": "Feature",
                "properties": {"pole": f"P{number}", "points": points},
                "geometry": {"type": "Point", "coordinates": [115 + number / 10_000, 34]},
            }
            for number in range(count)
        ]
        path = tmp_path / f"{points}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        made[points] = path, count
    return made


def moments(duration):
    """Seconds after which to kill, spread evenly over the *duration* of a load."""
    seed = int(os.environ.get("GRIDSVC_SEED") or np.random.default_rng().integers(10**6))
    print(f"seed {seed}: GRIDSVC_SEED={seed} repeats these moments; a load takes {duration:.2f} s")
    chance = np.random.default_rng(seed)
    end = time.monotonic() + 60 * float(os.environ.get("GRIDSVC_SOAK", 0))
    while True:
        yield from (chance.permutation(MOMENTS) + chance.random(MOMENTS)) / MOMENTS * duration
        if time.monotonic() >= end:
            return


def test_a_load_killed_at_any_moment_leaves_old_or_new_whole(workspace, layers, begin, files, checker):
    digests, seconds = {}, []
    for points in (1, 2, 1):
        began = time.monotonic()
        assert begin(files[points][0]).wait(120) == 0
        seconds.append(time.monotonic() - began)
        with open_store(workspace, layers) as store:
            digests[points] = store.digest()
    whole = checker(workspace.geopackage_path)
    assert whole[1:] == [1000, 1]
    holds, stale = 1, 0
    for moment in moments(min(seconds)):
        wanted = 3 - holds
        process = begin(files[wanted][0])
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with open_store(workspace, load_layers(workspace), write=True) as store:
            # a server may still be busy with the last words of the dead
            with store.database.writing():
                pass
            found = next((points for points, digest in digests.items() if digest == store.digest()), None)
            assert found in (holds, wanted), f"neither old nor new after {moment:.3f} s"
            assert len(store.delivered(store.loads()[-1].id)) == 1
            if workspace.store_url.engine == "sqlite":
                assert store.database.rows("PRAGMA integrity_check") == [("ok",)]
            published = checker(workspace.geopackage_path)
            assert published in ([whole[0], files[points][1], points] for points in (1, 2))
            # one that lags behind the store is known to
            assert store.geopackage_is_stale or published[2] == found
            stale += store.geopackage_is_stale
        holds = found
    print(f"{stale} kills left the GeoPackage behind the store")
    assert begin(files[3 - holds][0]).wait(120) == 0
    assert checker(workspace.geopackage_path)[2] == 3 - holds
    with open_store(workspace, layers) as store:
        assert not store.geopackage_is_stale
    # what the dead left beside it is gone
    assert not list(workspace.layers_dir.glob(".county.*"))
