"""Layers that lie off in the way of GCJ-02 are told; ordinary ones, and ones off in any other way, are not."""

import re

import numpy as np
import pytest
import shapely

from gridsvc import shifts
from gridsvc.intake import LoadOptions, load_file
from gridsvc.intake.suspicion import suspicion
from gridsvc.layers import load_layers
from gridsvc.sample import make_sample
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual

UNITS = ("counties", "districts", "communities", "grids")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The sample county in two stores, one of them without roads; judges a layer after moving it."""
    folder = tmp_path_factory.mktemp("suspicion")
    deliveries = [
        delivery
        for delivery in make_sample(folder / "sample")
        if delivery.layer in (*UNITS, "roads", "lamps", "toilets", "buildings")
    ]
    stores = []
    for name, left_out in (("all", ()), ("roadless", ("roads", "lamps", "toilets", "buildings"))):
        workspace = init_workspace(folder / name, County(name=bilingual("Test", "测试县")))
        layers = load_layers(workspace)
        stores.append(open_store(workspace, layers, write=True))
        for delivery in deliveries:
            if delivery.layer not in left_out:
                options = LoadOptions(**delivery.options)
                report = load_file(stores[-1], layers, workspace, delivery.layer, [delivery.path], options)
                assert not [text for text in report.warnings if "--crs" in text.en], delivery.layer

    def judge(layer, move=None, *, roads=True, part=slice(None)):
        held = stores[0].read(layer)
        shapes = held["geometry"].to_numpy(dtype=object)[part]
        shapes = shapes if move is None else shapely.transform(shapes, move)
        keys = held["key"].to_numpy(dtype=object)[part]
        return suspicion(stores[0 if roads else 1], layers, layers[layer], keys, shapes)

    yield judge
    for store in stores:
        store.close()


@pytest.mark.parametrize("layer", [*UNITS, "roads", "lamps", "toilets"])
@pytest.mark.parametrize(
    ("move", "said"),
    [
        (shifts.wgs84_to_gcj02, r"may be in GCJ-02, 5\d\d m off: .*--crs GCJ02"),
        (shifts.wgs84_to_bd09, r"may be in BD-09, 12\d\d m off: .*--crs BD09"),
        (shifts.gcj02_to_wgs84, r"the store holds may itself be in GCJ-02"),
    ],
)
def test_a_shifted_layer_is_told_with_the_evidence(sample, layer, move, said):
    text = sample(layer, move)
    assert text is not None
    assert re.search(said, text.en), text.en
    assert "%" in text.zh


@pytest.mark.parametrize("layer", [*UNITS, "roads", "lamps", "toilets", "buildings"])
def test_a_layer_in_its_place_raises_no_alarm(sample, layer):
    assert sample(layer) is None


@pytest.mark.parametrize("layer", ["roads", "lamps"])
def test_without_stored_roads_the_county_tells_where_data_reaches_its_border(sample, layer):
    assert sample(layer, roads=False) is None
    # a layer that ends well inside of the county says nothing either way
    assert sample(layer, lambda xy: xy * 0.2 + 0.8 * xy.mean(axis=0), roads=False) is None


def test_what_is_off_in_any_other_way_raises_no_alarm(sample):
    random = np.random.default_rng(11)
    place = np.array([[114.3, 34.3]])
    shift = (shifts.wgs84_to_gcj02(place) - place)[0]
    gcj = np.degrees(np.arctan2(shift[1], shift[0] * np.cos(np.radians(34.3))))
    for layer in ("districts", "communities", "roads", "lamps"):
        for _ in range(8):
            # up to 700 m, at least 40 degrees aside of where GCJ-02 and its opposite would put it
            angle = np.radians(gcj + random.choice([0, 180]) + random.uniform(40, 140))
            step = random.uniform(100, 700) * np.array([np.cos(angle) / 92_000, np.sin(angle) / 111_000])
            assert sample(layer, lambda xy, step=step: xy + step) is None


def test_rough_digitising_raises_no_alarm_and_hides_no_shift(sample):
    # some 50 m either way, the same for a corner wherever it is drawn again
    def rough(xy):
        return xy + np.sin(xy[:, ::-1] * 4e4) * 7e-4

    assert sample("districts", rough) is None
    assert "GCJ-02" in sample("districts", lambda xy: shifts.wgs84_to_gcj02(rough(xy))).en


def test_a_few_units_are_enough_and_a_few_points_are_not(sample):
    assert "GCJ-02" in sample("communities", shifts.wgs84_to_gcj02, part=slice(0, 12)).en
    assert sample("toilets", shifts.wgs84_to_gcj02, part=slice(0, 10)) is None
    assert sample("lamps", part=slice(0, 1)) is None


def test_outside_of_china_nothing_is_suspected(sample):
    assert sample("districts", lambda xy: xy - (185.0, 0.0)) is None
