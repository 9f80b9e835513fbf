"""Geometry for pages: pixels of Web Mercator, encoded as steps."""

import json

import numpy as np
import pytest
import shapely

from gridsvc.maps.cutting import clip, joined, nearest, outside, segments
from gridsvc.maps.pixels import WORLD, bounds_of, encode, pixels_per_metre, to_degrees, to_pixels


def shapes(*geometries):
    return np.array(geometries, dtype=object)


def decoded(encoded, origin):
    """Coordinates of every part of every feature, as the page's script reads them."""
    xy = np.cumsum(np.reshape(encoded.xy, (-1, 2)), axis=0) + origin
    parts = iter(np.split(xy, np.cumsum(encoded.n)[:-1]))
    return [[next(parts).tolist() for _ in range(count)] for count in encoded.parts]


def test_pixels_follow_web_mercator():
    x, y = shapely.get_coordinates(to_pixels(shapes(shapely.Point(0, 0), shapely.Point(180, 85.05112878))))[0]
    assert (x, y) == (WORLD / 2, WORLD / 2)
    far = shapely.get_coordinates(to_pixels(shapes(shapely.Point(180, 85.05112878))))[0]
    assert far == pytest.approx([WORLD, 0], abs=1)


def test_the_poles_stay_on_the_sheet():
    assert np.isfinite(
        shapely.get_coordinates(to_pixels(shapes(shapely.Point(0, 90), shapely.Point(0, -90))))
    ).all()


def test_degrees_come_back_to_a_millimetre():
    place = to_pixels(shapes(shapely.Point(114.123456789, 34.987654321)))[0]
    lon, lat = to_degrees(place.x, place.y)
    assert (lon, lat) == pytest.approx((114.123456789, 34.987654321), abs=1e-9)


def test_a_pixel_of_a_chinese_county_is_about_twelve_centimetres():
    y = to_pixels(shapes(shapely.Point(114, 34.6)))[0].y
    assert 1 / pixels_per_metre(y) == pytest.approx(0.1229, abs=0.001)


def test_features_keep_their_place_when_some_are_empty():
    geometry = shapes(shapely.Point(3, 4), shapely.LineString(), None, shapely.LineString([(0, 0), (5, 5)]))
    assert encode(geometry, (0, 0)).parts == [1, 0, 0, 1]


def test_lines_points_and_rings_come_back_as_they_were():
    square = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(2, 2), (4, 2), (4, 4)]])
    geometry = shapes(
        square,
        shapely.Point(7, 8),
        shapely.MultiLineString([[(1, 1), (9, 1)], [(0, 5), (5, 5)]]),
        shapely.GeometryCollection([shapely.MultiPoint([(1, 2), (3, 4)])]),
    )
    found = decoded(encode(geometry, (100, -50)), (100, -50))
    assert found[0] == [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[2, 2], [4, 2], [4, 4], [2, 2]]]
    assert found[1] == [[[7, 8]]]
    assert found[2] == [[[1, 1], [9, 1]], [[0, 5], [5, 5]]]
    assert found[3] == [[[1, 2]], [[3, 4]]]


def test_vertices_on_one_pixel_are_one():
    encoded = encode(shapes(shapely.LineString([(0, 0), (0.2, 0.1), (0.4, 0.2), (9, 9)])), (0, 0))
    assert encoded.n == [2]


def test_encoded_shapes_are_json_of_whole_numbers():
    text = encode(shapes(shapely.Point(1.4, -2.6)), (0, 0)).json()
    assert json.loads(text) == {"n": [1], "p": [1], "xy": [1, -3]}


def test_nothing_has_no_bounds():
    assert bounds_of(shapes()) is None
    assert bounds_of(shapes(shapely.LineString())) is None


def test_a_common_edge_is_one_line():
    left, right = shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)
    lines = joined(segments(shapes(left, right)))
    # 60 around both, 10 between them
    assert shapely.length(lines).sum() == 70


def test_what_is_cut_at_a_box_and_what_lies_outside_make_the_whole():
    line = shapes(shapely.LineString([(-50, 5), (50, 5)]))
    box = (-10.0, -10.0, 10.0, 10.0)
    inner, outer = shapely.length(clip(line, box)).sum(), shapely.length(outside(line, box)).sum()
    # they overlap by a hair on either side, so that no seam shows
    assert inner + outer == pytest.approx(108)


def test_the_nearest_are_drawn_when_not_all_fit():
    lines = shapes(*(shapely.LineString([(0, 10 * k), (5, 10 * k)]) for k in range(6)))
    own = shapes(shapely.LineString([(0, 0), (5, 0)]))
    assert nearest(lines, own, budget=6).tolist() == [0, 1, 2]
    assert nearest(lines, own, budget=100).tolist() == [0, 1, 2, 3, 4, 5]
