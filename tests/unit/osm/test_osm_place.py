"""A place by its name: what it needs, and what becomes of what osmnx gives."""

from importlib.util import find_spec

import geopandas
import pandas as pd
import pytest
import shapely

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.osm.features import deliver, key_of, select
from gridsvc.intake.osm.place import from_frame
from gridsvc.intake.osm.tags import load_table
from gridsvc.layers import load_layers

NO_PROXY_THERE = "http://127.0.0.1:9"


def test_what_a_place_lacks_is_told_in_one_sentence(load, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NO_PROXY_THERE)
    here = find_spec("osmnx") is not None
    with pytest.raises(InputRefusedError if here else UsageError) as refusal:
        load("Zhecheng County, Henan")
    assert ("cannot be reached" if here else "needs osmnx") in refusal.value.text.en
    assert "数据文件" in refusal.value.text.zh


def test_a_file_name_is_never_taken_for_a_place(load):
    for name in ("zhecheng.osm.pbf", "data/zhecheng", "zhecheng.osm.bz2"):
        with pytest.raises(UsageError, match="there is no file"):
            load(name)


def test_a_folder_is_refused(load, tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        load(tmp_path)


def test_what_osmnx_gives_becomes_rows_with_the_same_keys():
    index = pd.MultiIndex.from_tuples([("node", 5), ("way", 7)], names=["element", "id"])
    rows = {"highway": ["street_lamp", "primary"], "name": [None, "人民路"], "lanes": [float("nan"), "4"]}
    shapes = [shapely.Point(114, 34), shapely.LineString([(114, 34), (114.1, 34)])]
    places = from_frame(geopandas.GeoDataFrame(rows, geometry=shapes, index=index, crs=4326))
    assert [key_of(places.tagged, place) for place in (0, 1)] == ["n5", "w7"]
    assert places.tagged.tags == [
        {"highway": "street_lamp"},
        {"highway": "primary", "name": "人民路", "lanes": "4"},
    ]
    rules = load_table().layers["roads"]
    delivery = deliver("x", load_layers()["roads"], rules, select(places.tagged, rules), places, {})
    assert delivery.geometry.tolist() == [shapes[1]]
    assert places.sha256 == from_frame(geopandas.GeoDataFrame(rows, geometry=shapes, index=index)).sha256
