"""Real places: the City of Cambridge through scripts/cambridge, and what every partition must fulfil."""

import datetime as dt
import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicators, load_indicators
from gridsvc.coverage.scene import Scene
from gridsvc.layers import load_layers
from gridsvc.partition.cells import build_partition
from gridsvc.settings import open_workspace
from gridsvc.store import Store, open_store

ROOT = Path(__file__).resolve().parents[2]
GRAIN = 0.001


@dataclass(frozen=True)
class City:
    """A workspace, opened to be looked at."""

    folder: Path
    store: Store
    scene: Scene
    indicators: Indicators
    figures: Figures


@pytest.fixture(scope="session")
def cambridge_folder(tmp_path_factory, shared):
    """The workspace that scripts/cambridge makes, once for all workers."""
    common = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    folder, made = common / "cambridge", common / "cambridge.made"
    with (common / "cambridge.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            words = [sys.executable, ROOT / "scripts" / "cambridge", shared / "cambridge", folder]
            done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=600, check=False)
            assert done.returncode == 0, done.stderr
            made.write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def city(cambridge_folder):
    """Cambridge, computed."""
    workspace = open_workspace(cambridge_folder)
    layers = load_layers(workspace)
    indicators = load_indicators(workspace, layers)
    with open_store(workspace, layers) as store:
        figures = Figures.open(store, workspace, layers, indicators)
        scene = Scene(store, workspace, layers, dt.date.fromisoformat(figures.run.as_of))
        yield City(cambridge_folder, store, scene, indicators, figures)


@pytest.fixture(scope="session")
def boundaries_of():
    """The boundaries of a scene by level, in metres."""

    def read(scene):
        return {level: scene.layer(scene.layers.units[level].name) for level in LEVELS}

    return read


@pytest.fixture(scope="session")
def repartition():
    """A scene's partition anew, from other boundaries."""

    def build(scene, boundaries):
        county = scene.workspace.county
        zones = scene.layer(scene.layers.zones.name)
        return build_partition(boundaries, zones, county.layout, scene.crs, county.sliver_width)

    return build


@pytest.fixture(scope="session")
def check_tiling():
    """Checks that cells are valid, do not overlap and tile the union of all boundaries snapped to 1 mm."""

    def check(partition, boundaries):
        cells = partition.cells.geometry.to_numpy()
        assert shapely.is_valid(cells).all()
        assert shapely.coverage_is_valid(cells)
        shapes = np.concatenate([frame.geometry.to_numpy() for frame in boundaries.values()])
        whole = shapely.union_all(shapely.set_precision(shapes, GRAIN), grid_size=GRAIN)
        assert shapely.area(cells).sum() == pytest.approx(whole.area, rel=1e-9)
        # what differs at all are strips along borders, thinner than the grain to which both were snapped
        strips = shapely.get_parts(whole.symmetric_difference(shapely.coverage_union_all(cells)))
        strips = strips[shapely.area(strips) > 0]
        assert (2 * shapely.area(strips) / shapely.length(strips) < GRAIN).all()

    return check


@pytest.fixture(scope="session")
def check_same():
    """Checks that two partitions are equal to the last digit."""

    def check(one, other):
        assert (one.cells.geometry.to_numpy() == other.cells.geometry.to_numpy()).all()
        assert one.cells.drop(columns="geometry").equals(other.cells.drop(columns="geometry"))
        assert one.findings.equals(other.findings)

    return check
