"""Features near features: true distance, however it is found; and points found in boxes."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.coverage.chains import LINKS, chains_of
from gridsvc.coverage.proximity import features_near
from gridsvc.partition.lookup import Bins

number = st.integers(-60, 60).map(float)
places = st.tuples(number, number)
points = places.map(shapely.Point)
hedges = st.lists(places, min_size=2, max_size=5).map(shapely.LineString)
parks = (
    st.lists(places, min_size=3, max_size=7)
    .map(lambda xy: shapely.make_valid(shapely.Polygon(xy)))
    .filter(lambda shape: shape.geom_type in ("Polygon", "MultiPolygon"))
)
shapes = st.lists(st.one_of(points, hedges, parks), min_size=1, max_size=6)
# no whole number: no distance between whole coordinates comes within rounding of it
distances = st.sampled_from([0.613, 5.017, 17.019, 41.003])


def test_a_house_is_near_by_its_wall_not_its_middle():
    house, far = shapely.box(0, 0, 20, 10), shapely.box(0, 0, 19, 10)
    assert features_near([house, far], [shapely.Point(120, 5)], 100.0).tolist() == [True, False]


def test_a_house_in_a_park_is_near_however_far_its_border():
    assert features_near([shapely.Point(500, 500)], [shapely.box(0, 0, 1000, 1000)], 1.0).tolist() == [True]


def test_a_house_in_a_clearing_is_as_near_as_the_clearings_rim():
    ring = shapely.box(0, 0, 1000, 1000).difference(shapely.box(400, 400, 600, 600))
    assert features_near([shapely.Point(500, 500)] * 2, [ring], 99.0).tolist() == [False, False]
    assert features_near([shapely.Point(500, 500)], [ring], 100.0).tolist() == [True]


def test_empty_and_missing_shapes_are_near_nothing():
    some = [shapely.Point(), None, shapely.Point(0, 0)]
    assert features_near(some, [shapely.Point(1, 0)], 2.0).tolist() == [False, False, True]
    assert features_near(some, [shapely.Polygon(), None], 2.0).tolist() == [False, False, False]
    assert features_near([], [shapely.Point(1, 0)], 2.0).tolist() == []


@given(shapes, shapes, distances)
def test_it_is_the_true_distance(mine, targets, distance):
    asked, goals = np.array(mine, dtype=object), np.array(targets, dtype=object)
    apart = shapely.distance(asked[:, None], goals[None]).min(axis=1)
    assert features_near(asked, goals, distance).tolist() == (apart <= distance).tolist()


@pytest.mark.parametrize("reach", [3.0, 20.0, 60.0])
def test_a_whole_town_has_the_true_distance(reach):
    rng = np.random.default_rng(4)
    centres = rng.uniform(0, 3000, (120, 2))
    angle = np.sort(rng.uniform(0, 2 * np.pi, (120, 40)), axis=1)
    radius = rng.uniform(5, 120, (120, 1)) * rng.uniform(0.5, 1.0, (120, 40))
    goals = shapely.buffer(
        shapely.polygons(
            centres[:, None] + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        ),
        0,
    )
    west, south = rng.uniform(0, 3000, (2, 500))
    houses = shapely.box(west, south, west + 30, south + 12)
    apart = shapely.distance(houses[:, None], goals[None]).min(axis=1)
    near = features_near(houses, goals, reach)
    assert near.tolist() == (apart <= reach).tolist()
    assert 0 < near.sum() < len(near)


@given(shapes)
def test_chains_keep_every_edge_and_lie_in_their_circles(drawn):
    chains = chains_of(np.array(drawn, dtype=object), 10.0)
    count = np.diff(chains.first)
    assert (count <= LINKS + 1).all()
    chain = np.repeat(np.arange(len(chains)), count)
    away = np.hypot(*(chains.xy - chains.centre[chain]).T)
    assert (away <= chains.reach[chain] + 1e-9).all()
    joined = shapely.union_all(
        [shapely.linestrings(chains.xy[a:b]) for a, b in pairwise(chains.first) if b - a > 1]
    )
    parts = shapely.get_parts(np.array(drawn, dtype=object))
    lines = np.concatenate(
        [
            parts[shapely.get_dimensions(parts) == 1],
            shapely.boundary(parts[shapely.get_dimensions(parts) == 2]),
        ]
    )
    assert joined.symmetric_difference(shapely.union_all(lines)).length < 1e-6


@given(shapes)
def test_the_disc_inside_a_shape_is_inside(drawn):
    asked = np.array(drawn, dtype=object)
    chains = chains_of(asked, 10.0)
    discs = shapely.buffer(shapely.points(chains.heart), chains.core * (1 - 1e-6) + 1e-9)
    assert shapely.covers(shapely.buffer(asked[chains.shape], 1e-6), discs).all()


boxes = st.lists(st.tuples(number, number, st.integers(-5, 60), st.integers(-5, 60)), max_size=6)


@given(st.lists(places, max_size=30), boxes, st.sampled_from([0.5, 7.0, 500.0]))
def test_points_in_boxes_are_all_found(xy, drawn, size):
    spots = np.array(xy, dtype=float).reshape(-1, 2)
    edges = np.array([(x, y, x + w, y + h) for x, y, w, h in drawn], dtype=float).reshape(-1, 4)
    box, point = Bins.of(spots, size).within(edges)
    found = set(zip(box.tolist(), point.tolist(), strict=True))
    assert len(found) == len(box)
    wanted = {
        (row, spot)
        for row, (west, south, east, north) in enumerate(edges)
        for spot, (x, y) in enumerate(spots)
        if west <= x <= east and south <= y <= north
    }
    assert wanted <= found


def test_points_very_far_apart_are_found():
    spots = np.array([(0.0, 0.0), (1e12, 1e12)])
    _, point = Bins.of(spots, 1.0).within([(1e12 - 5, 1e12 - 5, 1e12 + 5, 1e12 + 5)])
    assert point.tolist() == [1]
