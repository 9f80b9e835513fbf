"""A dead end is a way from which no other street can be reached."""

import numpy as np
import pytest
import shapely
from shapely import LineString

from gridsvc.coverage.dead_ends import dead_ends
from gridsvc.coverage.network import street_network
from gridsvc.partition.segments import straight_pieces

NOTHING = shapely.GeometryCollection()
LAND = shapely.box(-1000, -1000, 1000, 1000)


def found(lines, longer_than=0.0, county=LAND, passable=NOTHING, gap=0.5):
    network = street_network(straight_pieces(lines), np.ones(len(lines), dtype=bool), gap=gap)
    ends = dead_ends(network, longer_than, county, passable, 20.0)
    return sorted(map(tuple, ends.xy.tolist())), ends.stretches.length / 1e9


RING = LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])


def test_a_ring_has_no_dead_end():
    assert found([RING]) == ([], 0.0)


def test_a_spur_is_dead_from_its_end_to_the_junction():
    assert found([RING, LineString([(100, 50), (160, 50)])]) == ([(160.0, 50.0)], 60.0)


def test_a_spur_drawn_in_two_features_is_one():
    spur = [LineString([(100, 50), (130, 50)]), LineString([(160, 80), (130, 50)])]
    ends, length = found([RING, *spur], longer_than=60)
    assert ends == [(160.0, 80.0)]
    assert length == pytest.approx(30 + 1800**0.5, abs=1e-8)


def test_what_is_no_longer_than_stated_is_none():
    spur = LineString([(100, 50), (160, 50)])
    assert found([RING, spur], longer_than=60) == ([], 0.0)
    assert found([RING, spur], longer_than=59.9)[1] == 60.0


def test_a_spur_that_forks_has_two_ends_and_the_stem_is_none():
    fork = [
        LineString([(100, 50), (200, 50)]),
        LineString([(200, 50), (230, 80)]),
        LineString([(200, 50), (230, 20)]),
    ]
    ends, length = found([RING, *fork])
    assert ends == [(230.0, 20.0), (230.0, 80.0)]
    assert length == pytest.approx(2 * 1800**0.5, abs=1e-8)


def test_a_street_that_meets_no_other_is_dead_at_both_ends():
    assert found([LineString([(0, 0), (50, 0)])]) == ([(0.0, 0.0), (50.0, 0.0)], 50.0)


def test_a_street_goes_on_at_the_border_and_outside_of_the_county():
    def ends(x):
        return found([RING, LineString([(100, 50), (x, 50)])], county=shapely.box(-500, -500, 160, 500))[0]

    assert ends(139) == [(139.0, 50.0)]
    assert ends(150) == []
    assert ends(300) == []


def test_a_street_goes_on_where_it_reaches_a_compound():
    spur = LineString([(100, 50), (160, 50)])
    assert found([RING, spur], passable=shapely.box(170, 0, 300, 100)) == ([], 0.0)
    assert found([RING, spur], passable=shapely.box(190, 0, 300, 100))[1] == 60.0


def test_an_end_that_misses_the_next_street_by_careless_drawing_is_none():
    lines = [RING, LineString([(100, 50), (198, 50)]), LineString([(200, -2000), (200, 2000)])]
    assert found(lines, gap=3)[0] == []
    assert found(lines)[0] == [(198.0, 50.0)]
