"""Streets join where they meet, and distances along them are those of a person walking."""

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point, box

from gridsvc.coverage.network import distances, street_network
from gridsvc.coverage.walking import ground_within_walk, walk_to
from gridsvc.partition.segments import straight_pieces


def network(lines, over=None, gap=0.5):
    return street_network(straight_pieces(lines), np.ones(len(lines), dtype=bool), over, gap)


def walked(lines, goals, people, limit=10_000.0, reach=100.0):
    """Metres that each of *people* walks to the nearest of *goals*."""
    streets = network(lines)
    return streets.walk(streets.join(goals, reach), limit).metres(streets.join(people, reach)).tolist()


def lengths(intervals, segments):
    return [round(line.length, 6) for line in segments.stretches(intervals.start, intervals.end)]


CROSS = [LineString([(0, 0), (100, 0)]), LineString([(50, -50), (50, 50)])]


def test_streets_that_cross_meet():
    streets = network(CROSS)
    assert sorted(streets.degree.tolist()) == [1, 1, 1, 1, 4]
    assert [50.0, 0.0] in streets.nodes.tolist()


def test_streets_with_a_common_vertex_meet_there_though_neither_ends():
    bent = [LineString([(0, 0), (50, 10), (100, 0)]), LineString([(0, 20), (50, 10), (100, 20)])]
    streets = network(bent)
    assert sorted(streets.degree.tolist()) == [1, 1, 1, 1, 4]


def test_a_vertex_on_another_street_joins_both():
    streets = network([LineString([(0, 0), (100, 0)]), LineString([(20, 30), (50, 0), (80, 30)])])
    assert sorted(streets.degree.tolist()) == [1, 1, 1, 1, 4]


def test_a_street_that_just_misses_another_is_joined_and_one_a_metre_off_is_not():
    def ends(y):
        return sorted(
            network([LineString([(0, 0), (100, 0)]), LineString([(50, y), (50, 50)])]).degree.tolist()
        )

    assert ends(0.4) == [1, 1, 1, 3]
    assert ends(1.0) == [1, 1, 1, 1]


def test_an_elevated_street_passes_others_and_is_left_at_its_ends():
    over = np.array([False, True])
    assert sorted(network(CROSS, over).degree.tolist()) == [1, 1, 1, 1]
    ramp = [LineString([(0, 0), (100, 0)]), LineString([(50, 0), (50, 50)])]
    assert sorted(network(ramp, over).degree.tolist()) == [1, 1, 1, 3]


def test_a_corner_within_one_street_is_no_junction():
    streets = network([LineString([(0, 0), (50, 0), (50, 50)])])
    assert streets.degree.tolist() == [1, 1]


def test_the_last_bend_before_an_end_does_not_hide_the_dead_end():
    streets = network([LineString([(0, 0), (50, 0), (50.2, 0.2), (50.3, 0.1)])])
    assert sorted(streets.degree.tolist())[:1] == [1]
    assert np.count_nonzero(streets.degree == 1) == 2


def test_the_way_is_along_the_streets_with_both_ends_of_it_straight():
    # 3 m to the street, 40 m east, 30 m north, 2 m from the street
    assert walked(CROSS, [Point(52, 30)], [Point(10, 3)]) == [3 + 40 + 30 + 2]


def test_a_goal_on_the_same_edge_is_reached_directly():
    assert walked(CROSS, [Point(20, 0)], [Point(45, 5)]) == [25 + 5]


def test_the_nearest_goal_counts_with_its_own_way_to_the_street():
    far, near = Point(30, 20), Point(0, 1)
    # 30 + 20 from the first, 10 + 1 from the second
    assert walked([LineString([(0, 0), (100, 0)])], [far, near], [Point(10, 0)]) == [11.0]


def test_what_no_street_leads_to_is_not_reached():
    apart = [LineString([(0, 0), (100, 0)]), LineString([(0, 20), (100, 20)])]
    assert walked(apart, [Point(50, 0)], [Point(50, 20)]) == [np.inf]
    assert walked(apart, [Point(50, 0)], [Point(50, -500)]) == [np.inf]
    assert walked(apart, [], [Point(50, 0)]) == [np.inf]


def test_beyond_the_limit_there_is_no_way():
    line = [LineString([(0, 0), (100, 0)])]
    assert walked(line, [Point(0, 0)], [Point(60, 0)], limit=60) == [60.0]
    assert walked(line, [Point(0, 0)], [Point(60.001, 0)], limit=60) == [np.inf]


def test_a_footprint_joins_the_street_where_it_is_nearest():
    assert walked([LineString([(0, 0), (100, 0)])], [Point(0, 0)], [box(40, 5, 60, 20)]) in (
        [45.0],
        [55.0],
        [65.0],
    )


def test_parts_of_one_road_are_not_joined_by_their_measures():
    road = MultiLineString([[(0, 0), (50, 0)], [(500, 0), (550, 0)]])
    assert walked([road], [Point(50, 0)], [Point(500, 0)]) == [np.inf]
    assert walked([road], [Point(500, 0)], [Point(510, 0), Point(50, 0)]) == [10.0, np.inf]


def test_stretches_within_a_walk_end_where_the_way_is_up():
    streets = network(CROSS)
    reached = streets.walk(streets.join([Point(40, 0)], 10), 30).stretches()
    # 30 m west, 30 m east (20 of them beyond the junction at 10 m), 20 m north and 20 m south of it
    assert lengths(reached, streets.segments) == [60.0, 40.0]


def test_a_street_reached_from_both_ends_counts_once():
    ring = [LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])]
    streets = network(ring)
    reached = streets.walk(streets.join([Point(0, 0)], 1), 250).stretches()
    assert reached.length == 400_000_000_000


def test_distances_take_the_shorter_of_two_parallel_edges():
    tail, head = np.array([0, 0]), np.array([1, 1])
    assert distances(2, tail, head, np.array([7.0, 5.0]), np.array([0]), np.array([0.0])).tolist() == [0, 5]


grid_point = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda p: (p[0] * 10.0, p[1] * 10.0))
street = st.tuples(grid_point, grid_point).filter(lambda ends: ends[0] != ends[1]).map(LineString)
on_a_street = st.tuples(st.integers(0, 99), st.sampled_from([0.0, 0.125, 0.4, 0.5, 1.0]))


@given(st.lists(street, min_size=1, max_size=6), on_a_street, on_a_street)
def test_the_way_is_as_long_as_the_shortest_path_over_noded_lines(lines, goal, person):
    """Against GEOS: lines noded by a union, shortest paths by Floyd and Warshall's closure."""
    ends = [lines[line % len(lines)].interpolate(share, normalized=True) for line, share in (goal, person)]
    edges = shapely.get_parts(shapely.node(shapely.multilinestrings(lines)))
    pieces = [part for edge in edges for part in cut(edge, ends)]
    nodes, number = np.unique(np.concatenate([ends_of(part) for part in pieces]), axis=0, return_inverse=True)
    way = np.full((len(nodes), len(nodes)), np.inf)
    np.fill_diagonal(way, 0)
    for (a, b), part in zip(number.reshape(-1, 2), pieces, strict=True):
        way[a, b] = way[b, a] = min(way[a, b], part.length)
    for node in range(len(nodes)):
        way = np.minimum(way, way[:, node, None] + way[node])
    here, there = (int(np.abs(nodes - end.coords[0]).sum(axis=1).argmin()) for end in ends)
    assert walked(lines, [ends[0]], [ends[1]], reach=1e-6) == pytest.approx([way[here, there]], abs=2e-3)


def ends_of(line):
    return np.array([line.coords[0], line.coords[-1]]).round(6) + 0.0


def cut(line, points):
    """*line* cut at those of *points* that lie on it."""
    at = sorted({line.project(point) for point in points if line.distance(point) < 1e-9})
    return [
        LineString([line.interpolate(a), line.interpolate(b)])
        for a, b in itertools.pairwise([0.0, *at, line.length])
        if b - a > 1e-9
    ]


def test_a_park_is_entered_from_every_street_beside_it():
    lines = [
        LineString([(0, 0), (200, 0)]),
        LineString([(200, 0), (200, 100)]),
        LineString([(100, 0), (100, 80)]),
    ]
    streets = network(lines)
    # the park stands 10 m off the first street from 40 to 60: within 20 m of it are 40 − √(20² − 10²) … 60 + …
    park, reach = box(40, 10, 60, 30), 300**0.5
    walk = walk_to(streets, [park], 50, 20)
    # from the park's stretch 50 m on either way: 32.68 m to the side street at 100, the rest of it up that, too
    up = 50 - (100 - 60 - reach)
    assert sum(lengths(walk.stretches(), streets.segments)) == pytest.approx(
        (40 - reach) + (20 + 2 * reach) + 50 + up, abs=1e-6
    )
    assert walk.metres(streets.join([Point(50, -5), Point(100, 3)], 20)).tolist() == pytest.approx(
        [5, 100 - 60 - reach + 3]
    )


def test_the_ground_beside_the_streets_within_a_walk_is_reached():
    streets = network([LineString([(0, 0), (1000, 0)])])
    ground = ground_within_walk(streets, [Point(500, 0)], 100, 20, 64)
    assert shapely.area(ground).sum() == pytest.approx(200 * 40 + np.pi * 400, rel=1e-3)
