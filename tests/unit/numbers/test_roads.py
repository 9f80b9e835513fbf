"""Roads as people name them, and measures along their features."""

import numpy as np
import pytest
import shapely

line = shapely.LineString
NOTHING = float("nan")


def feature(key, *points, **fields):
    return (key, line(points), {"road_code": "R", "class": "lane", **fields})


def origins(roads):
    """Where each feature starts along its road, metres, and whether it runs against it."""
    return dict(
        zip(
            roads.frame["key"],
            zip((roads.origin / 1e9).tolist(), roads.reverse.tolist(), strict=True),
            strict=True,
        )
    )


def along(roads, from_m, to_m):
    """What every feature has of the road's stretch, in metres along the feature."""
    rows = np.arange(len(roads))
    start, end, known = roads.along(rows, np.full(len(rows), from_m), np.full(len(rows), to_m))
    spans = zip(roads.measure(start, rows).tolist(), roads.measure(end, rows).tolist(), strict=True)
    return {
        key: span
        for key, span, real in zip(roads.frame["key"], spans, known & (end > start), strict=True)
        if real
    }


def test_a_road_is_its_code_else_its_name_else_itself(roads_of):
    roads = roads_of(
        ("a", line([(0, 0), (1, 0)]), {"road_code": "R", "road_name": "中山路"}),
        ("b", line([(0, 1), (1, 1)]), {"road_name": "中山路"}),
        ("c", line([(0, 2), (1, 2)]), {}),
    )
    assert roads.road.tolist() == ["R", "中山路", "c"]
    assert roads.label.tolist() == ["中山路", "中山路", "c"]


def test_a_width_is_its_own_else_that_of_the_class_else_the_smallest(roads_of):
    roads = roads_of(
        ("a", line([(0, 0), (1, 0)]), {"class": "arterial", "width": 24.0}),
        ("b", line([(0, 1), (1, 1)]), {"class": "arterial"}),
        ("c", line([(0, 2), (1, 2)]), {}),
    )
    assert roads.width.tolist() == [24, 30, 6]
    assert roads.width_assumed.tolist() == [False, True, True]


def test_features_in_any_order_and_direction_are_chained(roads_of):
    roads = roads_of(
        feature("a", (100, 0), (160, 0)),
        feature("b", (100, 0), (0, 0)),  # before a, drawn against it
        feature("c", (160.03, 0), (200, 0)),  # 3 cm off
    )
    assert origins(roads) == {"b": (0, True), "a": (100, False), "c": (160, False)}
    assert along(roads, 90, 170) == {"b": (0, 10), "a": (0, 60), "c": (0, pytest.approx(10))}


def test_measures_may_be_given_backwards_and_left_open(roads_of):
    roads = roads_of(feature("a", (0, 0), (100, 0)), feature("b", (100, 0), (200, 0)))
    assert along(roads, 150, 80) == {"a": (80, 100), "b": (0, 50)}
    assert along(roads, NOTHING, 50) == {"a": (0, 50)}
    assert along(roads, 150, NOTHING) == {"b": (50, 100)}
    assert along(roads, NOTHING, NOTHING) == {"a": (0, 100), "b": (0, 100)}
    assert along(roads, 300, 400) == {}


def test_a_ring_is_measured_from_its_first_feature(roads_of):
    roads = roads_of(
        feature("a", (0, 0), (100, 0)),
        feature("c", (0, 50), (0, 0)),
        feature("b", (100, 0), (100, 50), (0, 50)),
    )
    assert origins(roads) == {"a": (0, False), "b": (100, False), "c": (250, False)}


def test_one_closed_feature_is_measured_once_round(roads_of):
    loop = feature("a", (0, 0), (10, 0), (10, 10), (0, 10), (0, 0))
    assert origins(roads_of(loop)) == {"a": (0, False)}
    assert origins(roads_of(loop, feature("b", (-50, 0), (0, 0)))) == {"a": (0, False), "b": (40, True)}


def test_features_that_fork_or_lie_apart_have_no_measures_but_a_whole(roads_of):
    fork = roads_of(
        feature("a", (0, 0), (100, 0)), feature("b", (100, 0), (200, 50)), feature("c", (100, 0), (200, -50))
    )
    apart = roads_of(feature("a", (0, 0), (100, 0)), feature("b", (101, 0), (200, 0)))
    for roads in (fork, apart):
        assert set(roads.origin) == {-1}
        assert along(roads, 0, 50) == {}
        assert len(along(roads, NOTHING, NOTHING)) == len(roads)


def test_given_measures_win(roads_of):
    roads = roads_of(
        feature("a", (0, 0), (100, 0), start_m=1000.0), feature("b", (500, 0), (600, 0), start_m=2000.0)
    )
    assert along(roads, 1090, 2010) == {"a": (90, 100), "b": (0, 10)}


def test_features_without_a_measure_among_given_ones_have_none(roads_of):
    roads = roads_of(feature("a", (0, 0), (100, 0), start_m=0.0), feature("b", (100, 0), (200, 0)))
    assert roads.origin.tolist() == [0, -1]


def test_roads_that_meet_are_not_chained_to_each_other(roads_of):
    roads = roads_of(
        feature("a", (0, 0), (100, 0)),
        feature("b", (100, 0), (200, 0)),
        feature("c", (100, 0), (100, 90), road_code="S"),
    )
    assert origins(roads) == {"a": (0, False), "b": (100, False), "c": (0, False)}


def divided(key, *points):
    return feature(key, *points, carriageway="divided")


def test_both_lines_of_a_divided_road_start_at_the_same_end(roads_of):
    roads = roads_of(
        divided("a1", (0, 0), (100, 0)), divided("a2", (100, 0), (200, 0)),
        divided("b1", (200, 10), (90, 10)), divided("b2", (90, 10), (0, 10)),
    )  # fmt: skip
    assert origins(roads) == {"a1": (0, False), "a2": (100, False), "b2": (0, True), "b1": (90, True)}


@pytest.mark.parametrize("back", [False, True])
def test_lines_of_a_divided_road_that_meet_at_its_ends_are_still_two(roads_of, back):
    south = [(0, 0), (20, -10), (180, -10), (200, 0)]
    north = [(0, 0), (20, 10), (180, 10), (200, 0)]
    roads = roads_of(divided("a", *south), divided("b", *(north[::-1] if back else north)))
    assert origins(roads) == {"a": (0, False), "b": (0, back)}


def test_parts_of_a_feature_follow_each_other(roads_of):
    parts = shapely.MultiLineString([[(0, 0), (100, 0)], [(150, 0), (200, 0)]])
    roads = roads_of(("a", parts, {"road_code": "R"}), feature("b", (200, 0), (300, 0)))
    assert origins(roads) == {"a": (0, False), "b": (150, False)}
    assert along(roads, 90, 160) == {"a": (90, 150), "b": (0, 10)}


def test_features_without_length_do_no_harm(roads_of):
    roads = roads_of(
        feature("a", (0, 0), (100, 0)), feature("b", (100, 0), (100, 0)), feature("c", (100, 0), (150, 0))
    )
    assert len(along(roads, NOTHING, NOTHING)) == 2


def test_no_roads_are_no_trouble(roads_of):
    roads = roads_of()
    assert len(roads) == 0
    assert along(roads, 0, 10) == {}


def test_a_long_road_of_many_features_is_chained_quickly(roads_of):
    rng = np.random.default_rng(1)
    order = rng.permutation(3000)
    rows = [feature(f"{at:05}", (n * 10, 0), (n * 10 + 10, 0)) for at, n in enumerate(order)]
    roads = roads_of(*rows)
    assert sorted((roads.origin / 1e10).round().astype(int).tolist()) == list(range(3000))


def test_a_feature_without_code_and_name_is_not_the_road_whose_code_is_its_key(roads_of):
    roads = roads_of(("1", line([(0, 0), (10, 0)]), {"road_code": "2"}), ("2", line([(0, 5), (10, 5)]), {}))
    assert roads.road.tolist() == ["2", "#2"]
