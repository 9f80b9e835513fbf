"""Partition of real hierarchies: Miaoli (275 villages) and all Taiwan (22 counties, 368 towns, 7,701 villages)."""

import datetime as dt

import pytest

from gridsvc.coverage.scene import Scene
from gridsvc.intake import LoadOptions, load_file
from gridsvc.layers import load_layers
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import Text

pytestmark = pytest.mark.shared
LAYERS = {"counties": "COUNTY", "districts": "TOWN", "communities": "VILL"}
# TopoJSON does not say its CRS: TWD97 longitude and latitude
MIAOLI = ("miaoli_county.geojson", "miaoli_towns.geojson", "miaoli_villages.geojson"), (None,) * 3, None
TAIWAN = (
    ("counties-10t.json", "towns-10t.json", "villages-10t.json"),
    ("counties", "towns", "villages"),
    "EPSG:3824",
)


@pytest.fixture(scope="module")
def load(tmp_path_factory, shared):
    """Loads counties, towns and villages into a new workspace; the scene, and the villages' load report."""
    opened = []

    def run(name, files, parts, crs):
        county = County(name=Text(en=name, zh=name), code_layout=(5, 3, 3, 4))
        workspace = init_workspace(tmp_path_factory.mktemp(name), county)
        layers = load_layers(workspace)
        store = open_store(workspace, layers, write=True).__enter__()
        opened.append(store)
        for (layer, prefix), file, part in zip(LAYERS.items(), files, parts, strict=True):
            mapping = {"code": f"{prefix}CODE", "name": f"{prefix}NAME"}
            options = LoadOptions(mapping=mapping, source_layer=part, crs=crs)
            report = load_file(store, layers, workspace, layer, [shared / "taiwan" / file], options)
        return Scene(store, workspace, layers, dt.date(2026, 1, 1)), report

    yield run
    for store in opened:
        store.__exit__(None, None, None)


@pytest.fixture(scope="module")
def miaoli(load):
    return load("miaoli", *MIAOLI)[0]


@pytest.fixture(scope="module")
def taiwan(load):
    return load("taiwan", *TAIWAN)


def shuffled(boundaries):
    return {level: frame.sample(frac=1, random_state=7) for level, frame in boundaries.items()}


def test_miaolis_cells_tile_its_boundaries(miaoli, boundaries_of, check_tiling):
    boundaries = boundaries_of(miaoli)
    assert [len(frame) for frame in boundaries.values()] == [1, 18, 275, 0]
    check_tiling(miaoli.partition, boundaries)


def test_miaolis_cells_do_not_depend_on_the_order_of_input(miaoli, boundaries_of, repartition, check_same):
    check_same(miaoli.partition, repartition(miaoli, shuffled(boundaries_of(miaoli))))


def test_what_miaolis_villages_leave_and_take_is_found(miaoli):
    found = miaoli.partition.findings
    size = found[found["level"] == "community"].groupby("kind")["area_m2"].sum()
    assert size["protrusion"] == pytest.approx(1.49e6, rel=0.01)
    cells = miaoli.partition.cells
    assert set(miaoli.layer("communities")["code"]) <= set(cells["unit"])
    # what towns have beyond their villages stays with the towns, but for slivers, which join a neighbour
    rest = cells.loc[cells["level"] == "district", "area_mm2"].sum() * 1e-6
    assert rest == pytest.approx(size["gap"], rel=0.01)


def test_taiwans_invalid_villages_are_repaired_and_none_is_lost(taiwan):
    _, report = taiwan
    repaired = [row for row in report.problems if row.outcome == "repaired"]
    assert len(repaired) == 7
    assert report.counts["added"] == 7701


def test_taiwans_cells_tile_its_boundaries_in_any_order_of_input(
    taiwan, boundaries_of, check_tiling, repartition, check_same
):
    scene, _ = taiwan
    boundaries = boundaries_of(scene)
    assert [len(frame) for frame in boundaries.values()] == [22, 368, 7701, 0]
    check_tiling(scene.partition, boundaries)
    check_same(scene.partition, repartition(scene, shuffled(boundaries)))
