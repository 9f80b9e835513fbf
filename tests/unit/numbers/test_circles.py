"""How far the buffers of ``area_near`` are from true distance: what their documentation promises."""

import numpy as np
import pytest
import shapely

from gridsvc.partition.areas import ARC

SHORT = 1 - np.cos(1.5 * np.pi / (4 * ARC))
"""An arc is a chain of chords; GEOS stretches the last one by half a step at most."""
RADIUS = 100.0


def outlines():
    """Parks from round to jagged, some metres to half a kilometre across."""
    rng = np.random.default_rng(32)
    for corners in (3, 5, 8, 13, 21, 34) * 6:
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = rng.uniform(5, 300) * (1 + rng.uniform(0, 0.9) * rng.uniform(-1, 1, corners))
        park = shapely.Polygon(np.column_stack([reach * np.cos(angle), reach * np.sin(angle)]))
        if park.is_valid and park.area > 1:
            yield park


def truth(park):
    """The true surroundings, from fine buffers of single edges (nothing to simplify there)."""
    xy = shapely.get_coordinates(park)
    edges = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
    return shapely.union_all([*shapely.buffer(edges, RADIUS, quad_segs=256), park])


@pytest.fixture(scope="module")
def buffers():
    parks = list(outlines())
    assert len(parks) > 25
    return [(park, shapely.buffer(park, RADIUS, quad_segs=ARC)) for park in parks]


def test_a_buffer_is_hardly_short_of_true_distance_and_reaches_little_too_far(buffers):
    for park, around in buffers:
        xy = shapely.get_coordinates(around.exterior)
        edge = np.concatenate([xy, (xy[1:] + xy[:-1]) / 2])
        gap = shapely.distance(shapely.points(edge), park) / RADIUS
        assert 1 - gap.min() <= SHORT + 1e-9
        assert gap.max() - 1 <= 0.015


def test_the_area_of_a_buffer_is_true_to_half_a_thousandth(buffers):
    for park, around in buffers:
        assert around.area == pytest.approx(truth(park).area, rel=5e-4)


def test_a_circle_has_the_area_of_its_polygon():
    corners = 4 * ARC
    polygon = corners / 2 * np.sin(2 * np.pi / corners) * RADIUS**2
    circle = shapely.buffer(shapely.Point(0, 0), RADIUS, quad_segs=ARC)
    assert circle.area == pytest.approx(polygon, rel=1e-12)
    assert polygon == pytest.approx(np.pi * RADIUS**2, rel=4.1e-4)
