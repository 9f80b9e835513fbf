"""Which road an asset belongs to: the one it names, then the nearest; the rest waits for confirmation."""

import geopandas
import pandas as pd
import pytest
import shapely

from gridsvc.duties.assignments import TIE, assign

line, point = shapely.LineString, shapely.Point


@pytest.fixture(scope="module")
def roads(roads_of):
    """中山路 along y = 0 (two features, one code), 建设路 along y = 40, and a lane without a name across both."""
    return roads_of(
        ("Z1", line([(0, 0), (100, 0)]), {"road_code": "Z", "road_name": "中山路"}),
        ("Z2", line([(100, 0), (200, 0)]), {"road_code": "Z", "road_name": "中山路"}),
        ("J1", line([(0, 40), (200, 40)]), {"road_name": "建设路"}),
        ("L1", line([(300, -50), (300, 90)]), {}),
    )


def assigned(roads, shape, **named):
    columns = ["key", "road_code", "road_name", "geometry"]
    frame = pd.DataFrame([{"key": "A", **named, "geometry": shape}], columns=columns)
    return assign(geopandas.GeoDataFrame(frame, crs=4548), roads, 30.0).iloc[0]


def summary(roads, found):
    key = roads.frame["key"][found["row"]] if found["row"] >= 0 else None
    return key, found["how"], bool(found["confirmed"])


def test_the_road_it_names_by_code_or_name_has_it(roads):
    assert summary(roads, assigned(roads, point(50, 18), road_code="Z")) == ("Z1", "named", True)
    assert summary(roads, assigned(roads, point(50, 22), road_name="中山路")) == ("Z1", "named", True)


def test_a_code_goes_before_a_name(roads):
    found = assigned(roads, point(50, 18), road_code="Z", road_name="建设路")
    assert summary(roads, found) == ("Z1", "named", True)


def test_without_a_name_the_nearest_has_it(roads):
    found = assigned(roads, point(150, 12))
    assert summary(roads, found) == ("Z2", "nearest", True)
    assert (found["distance_m"], roads.measure(found["place"], found["row"])) == (12, 50)


def test_a_name_that_no_road_has_is_no_name(roads):
    found = assigned(roads, point(50, 12), road_code="Q", road_name="无名路")
    assert summary(roads, found) == ("Z1", "nearest", True)


def test_two_roads_about_equally_near_wait_for_confirmation(roads):
    assert summary(roads, assigned(roads, point(50, 20 - TIE / 2 + 0.01))) == ("Z1", "tie", False)
    assert summary(roads, assigned(roads, point(50, 20 - TIE / 2 - 0.01))) == ("Z1", "nearest", True)


def test_two_features_of_one_road_do_not_tie(roads):
    assert summary(roads, assigned(roads, point(100, 5)))[1:] == ("nearest", True)


def test_a_name_settles_a_tie(roads):
    assert summary(roads, assigned(roads, point(50, 20), road_name="建设路")) == ("J1", "named", True)


def test_a_name_elsewhere_contradicts_the_place(roads):
    assert summary(roads, assigned(roads, point(50, 10), road_name="建设路")) == (
        "Z1",
        "contradiction",
        False,
    )
    assert summary(roads, assigned(roads, point(290, 0), road_code="Z")) == ("L1", "contradiction", False)


def test_a_name_contradicts_a_place_where_no_road_is(roads):
    assert summary(roads, assigned(roads, point(50, 500), road_code="Z")) == (None, "contradiction", False)


def test_far_from_every_road_it_belongs_to_none(roads):
    found = assigned(roads, point(50, 500))
    assert summary(roads, found) == (None, "far", False)
    assert pd.isna(found["distance_m"])


def test_the_stated_distance_is_the_last_that_is_near(roads):
    assert summary(roads, assigned(roads, point(50, -30)))[1] == "nearest"
    assert summary(roads, assigned(roads, point(50, -30.01)))[1] == "far"


def test_an_area_is_as_near_as_its_border(roads):
    park = shapely.box(40, -60, 60, -10)
    assert summary(roads, assigned(roads, park)) == ("Z1", "nearest", True)
    assert assigned(roads, park)["distance_m"] == 10


def test_an_asset_at_the_end_of_a_road_lies_inside_it(roads):
    found = assigned(roads, point(310, 95))
    assert summary(roads, found) == ("L1", "nearest", True)
    first, last = roads.segments.offset[found["row"]], roads.segments.offset[found["row"] + 1]
    assert first <= found["place"] < last - 4


@pytest.mark.parametrize("columns", [[], ["road_code"], ["road_name"]])
def test_no_assets_no_roads_and_layers_without_names_are_no_trouble(roads, roads_of, columns):
    table = {name: pd.Series([None, None], dtype=object) for name in columns}
    two = geopandas.GeoDataFrame(
        {"key": ["a", "b"], **table}, geometry=[point(50, 5), point(60, 5)], crs=4548
    )
    assert assign(two, roads, 30.0)["how"].tolist() == ["nearest", "nearest"]
    assert assign(two, roads_of(), 30.0)["how"].tolist() == ["far", "far"]
    assert assign(two[:0], roads, 30.0).empty
