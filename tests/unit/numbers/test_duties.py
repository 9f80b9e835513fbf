"""Who answers for what on a day."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.duties.people import People
from gridsvc.duties.stretches import duties_on, valid_on

DAY = dt.date(2026, 11, 1)
line = shapely.LineString
NAMES = [
    "key", "holder", "road_code", "road_name", "unit_code", "from_m", "to_m", "role", "level", "date_from",
    "date_to",
]  # fmt: skip


@pytest.fixture(scope="module")
def roads(roads_of):
    """中山路 (code Z) of two features, the second drawn against the first; 建设路 has a name only."""
    return roads_of(
        ("Z1", line([(0, 0), (100, 0)]), {"road_code": "Z", "road_name": "中山路"}),
        ("Z2", line([(250, 0), (100, 0)]), {"road_code": "Z", "road_name": "中山路"}),
        ("J1", line([(0, 50), (80, 50)]), {"road_name": "建设路"}),
        ("F1", line([(0, 90), (80, 90)]), {"road_name": "岔路"}),
        ("F2", line([(80, 90), (99, 95)]), {"road_name": "岔路"}),
        ("F3", line([(80, 90), (99, 85)]), {"road_name": "岔路"}),
    )


@pytest.fixture(scope="module")
def people():
    chiefs = pd.DataFrame({"chief_id": ["C1", "C2", "C3"], "vacant": [False, False, True]})
    officers = pd.DataFrame({"officer_id": ["O1"], "vacant": [False]})
    return People(chiefs, officers)


@pytest.fixture
def on(roads, people):
    """Duties of a day from rows; a row's place is its key."""

    def place(*rows, day=DAY):
        frame = pd.DataFrame([{"key": str(n), **row} for n, row in enumerate(rows)], columns=NAMES)
        frame = frame.astype({"from_m": float, "to_m": float})
        for name in ("date_from", "date_to"):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
        return duties_on(day, frame, people, roads, {"990001", "990001001"})

    return place


def held(duties, roads):
    """Stretches in metres along features: (holder, feature, from, to)."""
    table = duties.stretches
    row = table["row"].to_numpy(np.int64)
    keys = roads.frame["key"].to_numpy(object)[row]
    spans = (roads.measure(table[side].to_numpy(np.int64), row).tolist() for side in ("start", "end"))
    return sorted(zip(table["holder"], keys, *spans, strict=True))


def faults(duties):
    return duties.faults[["fault", "holder", "target"]].to_numpy().tolist()


def test_a_duty_on_a_code_is_on_every_feature_of_it(on, roads):
    assert held(on({"holder": "C1", "road_code": "Z"}), roads) == [("C1", "Z1", 0, 100), ("C1", "Z2", 0, 150)]


def test_a_duty_on_a_name_is_on_every_feature_of_it(on, roads):
    duties = on({"holder": "C1", "road_name": "中山路"}, {"holder": "C2", "road_name": "建设路"})
    assert [row[:2] for row in held(duties, roads)] == [("C1", "Z1"), ("C1", "Z2"), ("C2", "J1")]


def test_a_stretch_runs_along_the_whole_road(on, roads):
    duties = on({"holder": "C1", "road_code": "Z", "from_m": 80, "to_m": 130})
    # 30 m of the second feature, measured from its far end: it is drawn backwards
    assert held(duties, roads) == [("C1", "Z1", 80, 100), ("C1", "Z2", 120, 150)]
    assert faults(duties) == []


def test_a_stretch_of_a_name_is_measured_along_that_name(people, roads_of):
    roads = roads_of(
        ("a", line([(0, 0), (100, 0)]), {"road_code": "G104", "road_name": "中山路"}),
        ("b", line([(100, 0), (150, 0)]), {"road_code": "G104", "road_name": "建设路"}),
        ("c", line([(150, 0), (250, 0)]), {"road_code": "G104", "road_name": "建设路"}),
    )
    frame = pd.DataFrame(
        [
            {"key": "0", "holder": "C1", "road_name": "建设路", "from_m": 20, "to_m": 60},
            {"key": "1", "holder": "C2", "road_code": "G104", "from_m": 120, "to_m": 160},
        ],
        columns=NAMES,
    ).astype({"date_from": "datetime64[s]", "date_to": "datetime64[s]"})
    duties = duties_on(DAY, frame, people, roads, set())
    assert held(duties, roads) == [
        ("C1", "b", 20, 50),
        ("C1", "c", 0, 10),
        ("C2", "b", 20, 50),
        ("C2", "c", 0, 10),
    ]


@pytest.mark.parametrize(
    ("dates", "valid"),
    [
        (("2026-11-01", "2026-11-01"), True),
        ((None, None), True),
        (("2026-11-02", None), False),
        ((None, "2026-10-31"), False),
        (("2026-01-01", None), True),
    ],
)
def test_dates_include_their_own_day_and_missing_ones_are_open(on, dates, valid):
    first, last = dates
    duties = on({"holder": "C1", "road_code": "Z", "date_from": first, "date_to": last})
    assert bool(len(duties.stretches)) is valid


def test_a_post_without_a_person_or_without_a_holder_is_vacant(on):
    duties = on(
        {"holder": "C1", "road_code": "Z", "to_m": 10},
        {"holder": "C3", "road_code": "Z", "from_m": 10, "to_m": 30},
        {"road_code": "Z", "from_m": 30, "to_m": 60},
    )
    assert duties.stretches["vacant"].tolist() == [False, True, True]
    assert duties.held.length == 10_000_000_000
    assert faults(duties) == []


def test_several_may_share_a_stretch_and_each_is_named_once(on, roads):
    duties = on(
        {"holder": "C2", "road_code": "Z", "role": "路长"},
        {"holder": "C2", "road_code": "Z", "role": "巡查"},
        {"holder": "C1", "road_code": "Z", "to_m": 50},
        {"road_code": "Z", "role": "空岗"},
    )
    place = roads.segments.offset[roads.frame["key"].tolist().index("Z1")] + np.array([60, 20, 50]) * 10**9
    pairs = duties.holders_at(place)
    assert pairs.to_numpy().tolist() == [[0, "C2"], [1, "C1"], [1, "C2"], [2, "C2"]]


def test_a_holder_whom_nobody_knows_is_a_fault_and_holds_nothing(on):
    duties = on({"holder": "X9", "road_code": "Z"})
    assert faults(duties) == [["unknown_holder", "X9", "X9"]]
    assert duties.held.length == 0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"road_code": "Q"}, ["unknown_road", "C1", "Q"]),
        ({"road_name": "无名路"}, ["unknown_road", "C1", "无名路"]),
        ({"unit_code": "990009"}, ["unknown_unit", "C1", "990009"]),
        ({}, ["empty", "C1", "C1"]),
        ({"road_name": "岔路", "from_m": 0, "to_m": 10}, ["no_measures", "C1", "岔路"]),
        ({"road_code": "Z", "from_m": 251, "to_m": 300}, ["no_measures", "C1", "Z"]),
        ({"road_code": "Z", "from_m": 70, "to_m": 70}, ["no_measures", "C1", "Z"]),
    ],
)
def test_a_duty_that_finds_no_place_is_a_fault(on, row, fault):
    duties = on({"holder": "C1", **row})
    assert faults(duties) == [fault]
    assert duties.stretches.empty
    assert duties.posts.empty


def test_the_whole_of_a_forking_road_can_be_held(on, roads):
    assert len(held(on({"holder": "C1", "road_name": "岔路"}), roads)) == 3


def test_a_duty_on_a_unit_is_a_post(on):
    duties = on(
        {"holder": "O1", "unit_code": "990001001", "role": "网格员"},
        {"holder": "O1", "unit_code": "990001001", "role": "网格员", "from_m": 0},
        {"holder": "C3", "unit_code": "990001"},
    )
    assert duties.posts[["holder", "unit", "vacant"]].to_numpy().tolist() == [
        ["O1", "990001001", False],
        ["C3", "990001", True],
    ]


def test_without_duties_nobody_holds_anything(on):
    duties = on()
    assert duties.stretches.empty
    assert duties.posts.empty
    assert duties.faults.empty
    assert duties.held.length == 0
    assert duties.holders_at(np.array([5], dtype=np.int64)).empty


def test_rows_without_dates_are_valid_on_every_day():
    frame = pd.DataFrame({"date_from": [pd.NaT], "date_to": [pd.NaT]}, dtype="datetime64[s]")
    assert len(valid_on(frame, dt.date(1900, 1, 1))) == 1


def test_one_id_of_a_chief_and_an_officer_is_a_chief_on_roads_and_an_officer_on_units(roads):
    chiefs = pd.DataFrame({"chief_id": ["1", "2"], "vacant": [False, True]})
    officers = pd.DataFrame({"officer_id": ["1", "2"], "vacant": [True, False]})
    frame = pd.DataFrame(
        [
            {"key": f"{holder}{name}", "holder": holder, name: target}
            for holder in ("1", "2")
            for name, target in (("road_code", "Z"), ("unit_code", "990001"))
        ],
        columns=NAMES,
    ).astype({"date_from": "datetime64[s]", "date_to": "datetime64[s]", "from_m": float, "to_m": float})
    duties = duties_on(DAY, frame, People(chiefs, officers), roads, {"990001"})
    assert dict(zip(duties.stretches["holder"], duties.stretches["vacant"], strict=True)) == {
        "1": False,
        "2": True,
    }
    assert dict(zip(duties.posts["holder"], duties.posts["vacant"], strict=True)) == {"1": True, "2": False}
