"""Distances along the streets: one main street, one side street, a toilet at its far end.

::

    y=300          | T (200, 310)          main street y = 100, x 0…400; side street x = 200, y 100…300;
                   |                       an expressway y = 280, x 0…400, along which nobody walks
    y=100  --------+--------
"""

import pytest
import shapely

WALKS = """
[walk_people]
title = { zh = "步行三百米", en = "Toilet within a walk of 300 m" }
definition = { zh = "试验", en = "trial" }
kind = "feature_near"
group = "sanitation"
of = { layer = "buildings", weight = "population" }
near = { layer = "toilets", distance = 300, way = "walk", join = 40 }
source = "trial"
year = 2026

[walk_road]
title = { zh = "步行三百米道路", en = "Road within a walk of 300 m of a toilet" }
definition = { zh = "试验", en = "trial" }
kind = "length_near"
group = "sanitation"
of = { layer = "roads" }
near = { layer = "toilets", distance = 300, way = "walk", join = 40 }
source = "trial"
year = 2026

[walk_area]
title = { zh = "步行三百米面积", en = "Ground within a walk of 300 m of a toilet" }
definition = { zh = "试验", en = "trial" }
kind = "area_near"
group = "sanitation"
near = { layer = "toilets", distance = 300, way = "walk", join = 40 }
source = "trial"
year = 2026
"""


@pytest.fixture(scope="module")
def walks(build, code):
    square = shapely.box(0, 0, 400, 400)
    place = build(
        {
            **{
                level: [{"code": unit, "name": unit, "at": square}]
                for level, unit in (
                    ("counties", code.C), ("districts", code.D), ("communities", code.A), ("grids", code.A1),
                )
            },
            "roads": [
                {"road_id": "main", "class": "branch", "width": 10, "at": shapely.LineString([(0, 100), (400, 100)])},
                {"road_id": "side", "class": "lane", "width": 6, "at": shapely.LineString([(200, 100), (200, 300)])},
                {"road_id": "fast", "class": "expressway", "width": 30,
                 "at": shapely.LineString([(0, 280), (400, 280)])},
            ],
            "toilets": [{"toilet_id": "T", "at": shapely.Point(200, 310)}],
            "buildings": [
                # 10 m from the toilet to the street, 200 m down, 60 m along, 30 m to the door: 1 cm less than 300 m
                {"building_id": "just", "population": 7, "at": shapely.Point(259.99, 130)},
                {"building_id": "over", "population": 11, "at": shapely.Point(260.01, 130)},
                # 30 m off the side street, 200 m up: straight it would be 122 m away
                {"building_id": "off", "population": 13, "at": shapely.Point(241, 200)},
                {"building_id": "beside", "population": 17, "at": shapely.Point(230, 250)},
            ],
        },
        WALKS,
    )  # fmt: skip
    place.compute()
    return place


def test_residents_within_a_walk(walks, code):
    # "off" stands 41 m from the nearest street: nothing joins it
    assert walks.tallies("walk_people", "cell")[code.A1][:2] == (7 + 17, 7 + 11 + 13 + 17)


def test_road_length_within_a_walk(walks, code):
    # 10 m to the street, 200 m of the side street, 90 m of the main street either way
    assert walks.tallies("walk_road", "cell")[code.A1][:2] == (200 + 180, 400 + 200 + 400)


def test_ground_beside_the_streets_within_a_walk(walks, code):
    reached, whole = walks.tallies("walk_area", "cell")[code.A1][:2]
    # 80 m along the 380 m of street, less the double corners of the junction, and the round ends of radius 40
    street, corners, ends = 380 * 80, 40 * 80, 1.5 * 3.14159265 * 40**2
    assert whole == 400 * 400
    assert reached == pytest.approx(street - corners + ends, rel=1e-3)
