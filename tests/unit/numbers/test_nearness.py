"""Stretches near features are exact: they agree with fine buffers, and with true distances."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.coverage.nearness import near_features
from gridsvc.partition.segments import straight_pieces

SEGMENTS = 1024


def near(lines, targets, distance, rows=None):
    segments = straight_pieces(lines)
    chosen = np.ones(len(segments), dtype=bool) if rows is None else rows
    found = near_features(segments, chosen, np.array(targets, dtype=object), distance)
    return segments, found


def length(lines, targets, distance):
    return near(lines, targets, distance)[1].length / 1e9


def buffered(lines, targets, distance):
    """Length of straight *lines* within plain buffers of *targets*.

    Every point and edge has a buffer of its own: GEOS simplifies longer lines before it buffers them.
    """
    shapes = np.array(targets, dtype=object)
    parts = shapely.get_parts(shapes)
    polygons = parts[shapely.get_dimensions(parts) == 2]
    paths = np.concatenate([parts[shapely.get_dimensions(parts) == 1], shapely.get_rings(polygons)])
    xy, path = shapely.get_coordinates(paths, return_index=True)
    pairs = np.stack([xy[:-1], xy[1:]], axis=1)[path[1:] == path[:-1]]
    edges = shapely.linestrings(pairs[(pairs[:, 0] != pairs[:, 1]).any(axis=1)])
    simple = np.concatenate([shapely.points(shapely.get_coordinates(shapes)), edges])
    areas = np.concatenate([shapely.buffer(simple, distance, quad_segs=SEGMENTS), polygons])
    line, area = shapely.STRtree(areas).query(lines, predicate="intersects")
    common, row = shapely.get_parts(shapely.intersection(lines[line], areas[area]), return_index=True)
    long = shapely.get_dimensions(common) == 1  # where they only touch there are points
    common, mine = common[long], line[row[long]]
    first, last = (
        shapely.line_locate_point(lines[mine], shapely.get_point(common, end)) if len(common) else np.empty(0)
        for end in (0, -1)
    )
    spans = np.column_stack([mine, np.minimum(first, last), np.maximum(first, last)])
    total, reach = 0.0, {}
    for number, low, high in sorted(spans.tolist()):
        total += max(0.0, high - max(low, reach.get(number, -1.0)))
        reach[number] = max(reach.get(number, -1.0), high)
    return total


def test_a_lamp_reaches_a_chord_of_its_circle(lines):
    assert length(lines([(0, 0), (100, 0)]), [shapely.Point(50, 7)], 25) == 48


def test_reach_ends_with_the_road(lines):
    assert length(lines([(0, 0), (100, 0)]), [shapely.Point(-7, 0)], 25) == 18


def test_a_tangent_circle_reaches_nothing(lines):
    assert length(lines([(0, 0), (100, 0)]), [shapely.Point(50, 25)], 25) == 0


def test_several_points_of_one_feature_and_repeated_points_count_once(lines):
    group = shapely.MultiPoint([(20, 7), (20, 7), (30, 7)])
    assert length(lines([(0, 0), (100, 0)]), [group, shapely.Point(20, 7)], 25) == 54


def test_along_an_edge_the_reach_is_its_length_and_the_round_ends(lines):
    hedge = shapely.LineString([(40, 7), (60, 7)])
    assert length(lines([(0, 0), (200, 0)]), [hedge], 25) == 48 + 20


def test_an_edge_across_the_road_reaches_to_both_sides(lines):
    assert length(lines([(0, 0), (200, 0)]), [shapely.LineString([(100, -50), (100, 50)])], 25) == 50


def test_a_road_inside_a_polygon_is_near_however_far_its_border(lines):
    park = shapely.box(0, 0, 1000, 1000)
    assert length(lines([(400, 500), (600, 500)]), [park], 1) == 200


def test_a_road_through_a_hole_is_near_only_at_its_rim(lines):
    ring = shapely.Polygon(shapely.box(0, 0, 100, 100).exterior, [shapely.box(20, 20, 80, 80).exterior])
    # 20 m of the ring on either side, and 5 m into the hole and beyond the outer border
    assert length(lines([(-50, 50), (150, 50)]), [ring], 5) == 2 * (20 + 5 + 5)


def test_a_road_along_a_border_is_near(lines):
    assert length(lines([(0, 100), (100, 100)]), [shapely.box(0, 0, 100, 100)], 0.001) == 100


def test_degenerate_edges_are_points(lines):
    still = shapely.LineString([(50, 7), (50, 7)])
    assert length(lines([(0, 0), (100, 0)]), [still], 25) == 48


def test_empty_and_missing_targets_are_near_nothing(lines):
    assert length(lines([(0, 0), (100, 0)]), [shapely.Point(), None, shapely.Polygon()], 25) == 0
    assert length(lines([(0, 0), (100, 0)]), [], 25) == 0


def test_roads_without_length_are_near_nothing(lines):
    assert length(lines([(0, 0), (0, 0)]), [shapely.Point(0, 0)], 25) == 0


def test_only_the_roads_asked_about_are_measured(lines):
    roads = lines([(0, 0), (100, 0)], [(0, 10), (100, 10)])
    _, found = near(roads, [shapely.Point(50, 7)], 25, rows=np.array([True, False]))
    assert found.length == 48_000_000_000


number = st.integers(-60, 60).map(float)
places = st.tuples(number, number)
roads = st.lists(st.lists(places, min_size=2, max_size=5), min_size=1, max_size=3)
points = places.map(shapely.Point)
hedges = st.lists(places, min_size=2, max_size=5).map(shapely.LineString)
parks = (
    st.lists(places, min_size=3, max_size=7)
    .map(lambda xy: shapely.make_valid(shapely.Polygon(xy)))
    .filter(lambda shape: shape.geom_type in ("Polygon", "MultiPolygon"))
)
rings = st.tuples(st.integers(-40, 10), st.integers(-40, 10), st.integers(20, 50)).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[2]).difference(
        shapely.box(b[0] + 5, b[1] + 5, b[0] + b[2] - 5, b[1] + b[2] - 5)
    )
)
targets = st.lists(st.one_of(points, hedges, parks, rings), min_size=1, max_size=5)
distances = st.sampled_from([0.5, 5.0, 17.0, 40.0])


@given(roads, targets, distances)
def test_near_stretches_agree_with_fine_buffers(lines, paths, targets, distance):
    # buffers are inside the true surroundings and short of them by up to 3e-7 of the distance, so what is near
    # lies between the buffer and a slightly larger one
    drawn = lines(*paths)
    segments, found = near(drawn, targets, distance)
    pieces = segments.lines()
    inner, outer = (buffered(pieces, targets, size) for size in (distance, distance * (1 + 1e-6)))
    slack = 1e-5 * max(1.0, float(shapely.length(pieces).sum()))
    assert inner - slack <= found.length / 1e9 <= outer + slack


@given(roads, targets, distances)
def test_what_is_found_is_near_and_what_is_left_is_not(lines, paths, targets, distance):
    segments, found = near(lines(*paths), targets, distance)
    where = np.linspace(0, 1, 23)[1:-1]
    place = np.concatenate([segments.place(np.arange(len(segments)), share) for share in where] or [[]])
    row = np.tile(np.arange(len(segments)), len(where))
    inside = found.within(place, place + 1) == 1
    shapes = np.array(targets, dtype=object)
    gap = np.min(
        [shapely.distance(shapely.points(segments.at(place, row=row)), one) for one in shapes], axis=0
    )
    assert (gap[inside] <= distance + 1e-6).all()
    assert (gap[~inside] >= distance - 1e-6).all()


@given(roads, targets, distances, st.floats(1, 3))
def test_a_larger_distance_never_covers_less(lines, paths, targets, distance, factor):
    drawn = lines(*paths)
    small, large = near(drawn, targets, distance)[1], near(drawn, targets, distance * factor)[1]
    # to the grain of the axis, four nanometres at each end of a stretch
    assert small.minus(large).length <= 16 * (len(small) + 1)


@given(roads, targets, distances)
def test_the_order_of_targets_does_not_matter(lines, paths, targets, distance):
    drawn = lines(*paths)
    one, other = near(drawn, targets, distance)[1], near(drawn, targets[::-1], distance)[1]
    assert (one.start.tolist(), one.end.tolist()) == (other.start.tolist(), other.end.tolist())


@pytest.mark.parametrize("kind", ["points", "lines", "polygons"])
def test_lengths_of_a_whole_town_agree_with_fine_buffers(kind):
    rng = np.random.default_rng(20261101)
    roads = shapely.linestrings(
        np.cumsum(rng.normal(0, 60, (60, 6, 2)), axis=1) + rng.uniform(0, 1000, (60, 1, 2))
    )
    centres = rng.uniform(0, 1000, (80, 2))
    if kind == "points":
        targets = shapely.points(centres)
    elif kind == "lines":
        targets = shapely.linestrings(centres[:, None] + rng.normal(0, 20, (80, 3, 2)))
    else:
        targets = shapely.convex_hull(
            shapely.multipoints(shapely.points(centres[:, None] + rng.normal(0, 20, (80, 5, 2))))
        )
    found = length(roads, targets, 28.0)
    pieces = straight_pieces(roads).lines()
    assert found == pytest.approx(buffered(pieces, targets, 28.0), rel=1e-5)
