"""Figures in words."""

import math

import pytest

from gridsvc.coverage.indicators import load_indicators
from gridsvc.layers import load_layers
from gridsvc.maps import words
from gridsvc.maps.cards import card, quantities, quantity, shortfall, value_text
from gridsvc.maps.overview_data import classed
from gridsvc.maps.style import load_style

LAYERS = load_layers()
INDICATORS = load_indicators(None, LAYERS)


def figure(name, numerator, denominator, value, **more):
    row = {
        "indicator": name, "numerator": numerator, "denominator": denominator, "value": value, "display": "12.34",
        "grade": "B", "met": False, "reason_en": "", "reason_zh": "", "known_share": 1.0, **more,
    }  # fmt: skip
    return card(row, INDICATORS[name], LAYERS)


def test_lengths_areas_and_counts_have_their_units():
    assert words.length(9999.6).zh == "10,000 米"
    assert words.length(25_422).en == "25.4 km"
    assert words.area(8_869_926).zh == "8.87 km²"
    assert words.area(780).en == "780 m²"
    assert words.count(14_500, words.unit("盏")).zh == "14,500 盏"


def test_a_share_is_never_rounded_up_to_the_whole():
    assert words.percent(0.99999) == "99.9%"
    assert words.percent(1.0) == "100%"


def test_a_rate_of_lamps_names_its_unit_once():
    found = figure("lamps_burning", 214, 222, 96.4)
    assert f"{found.numerator.zh} / {found.denominator.zh}" == "214 / 222 盏"


def test_a_density_names_both_sides():
    above, below = quantities(INDICATORS["toilet_density"], LAYERS)
    assert (quantity(118, above).zh, quantity(31_937_186, below).zh) == ("118", "31.94 km²")


@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "missing"),
    [
        ("lamps_burning", 214, 222, "8 盏"),
        ("lit_road", 2822.2, 2954.3, "133 米"),
        ("flush_toilets", 2, 3, "1 个"),
        # 3 to the square kilometre on 2.1 km² are 6.3: seven toilets, of which three stand
        ("toilet_density", 3, 2_100_000, "4 个"),
    ],
)
def test_what_is_missing_to_the_goal_is_said_in_whole_things(name, numerator, denominator, missing):
    what = quantities(INDICATORS[name], LAYERS)[0]
    assert shortfall(INDICATORS[name], numerator, denominator, what).zh == missing


def test_nothing_is_missing_where_the_goal_is_reached():
    what = quantities(INDICATORS["lit_road"], LAYERS)[0]
    assert shortfall(INDICATORS["lit_road"], 500, 500, what).zh == ""
    assert figure("lit_road", 500, 500, 100.0, met=True).shortfall.zh == ""


def test_a_figure_without_value_says_why():
    found = figure("lit_road", 0, 0, math.nan, met=None, known_share=math.nan, reason_zh="没有可计入的对象")
    assert (found.display, found.value, found.reason.zh) == ("", None, "没有可计入的对象")


def test_the_share_observed_is_said_only_where_some_is_not():
    assert figure("lamps_burning", 1, 2, 50.0, known_share=1.0).known_share is None
    assert figure("lamps_burning", 1, 2, 50.0, known_share=0.4).known_share == 0.4


def test_the_worst_figure_comes_first():
    cards = [
        figure("lit_road", 1, 1, 99.0, grade="A"),
        figure("lit_road", 0, 0, math.nan, grade=""),
        figure("lit_road", 1, 1, 50.0, grade="C"),
        figure("lit_road", 1, 1, 20.0, grade="C"),
        figure("lit_road", 1, 1, 95.0, grade="B"),
    ]
    assert [one.value for one in sorted(cards, key=lambda one: one.rank)] == [20.0, 50.0, 95.0, 99.0, None]


def test_an_overview_shows_grades_in_words_and_what_has_no_data():
    cards = [
        figure("lit_road", 1, 1, 99.0, grade="A"),
        figure("lit_road", 0, 0, math.nan, grade=""),
        figure("lit_road", 1, 1, 50.0, grade="C"),
    ]
    bands, classes = classed(load_style(), INDICATORS["lit_road"], cards)
    assert [band.title.zh for band in bands] == [
        "A 级：98% 及以上",
        "B 级：90% – 98%",
        "C 级：低于 90%",
        "无数据",
    ]
    assert classes == [0, 3, 2]
    assert bands[3].style["hatch"]


def test_values_without_bands_are_classed_from_low_to_high():
    plain = INDICATORS["road_density"].model_copy(update={"bands": {}})
    cards = [
        figure("road_density", 1, 1, float(value), grade="", display=f"{value}.00") for value in range(10)
    ]
    bands, classes = classed(load_style(), plain, cards)
    assert classes == sorted(classes)
    assert len(bands) == 5
    assert len({band.style["fill"] for band in bands}) == 5


def test_a_value_is_classed_as_it_is_shown():
    plain = INDICATORS["road_density"].model_copy(update={"bands": {}})
    # the quantiles lie between 0.345 and 0.35: what reads 0.35 is not "below 0.35"
    values = (0.1, 0.3452, 0.3461, 0.3478, 0.3483, 0.9)
    cards = [figure("road_density", 1, 1, value, grade="", display=f"{value:.2f}") for value in values]
    bands, classes = classed(load_style(), plain, cards)
    assert len({classes[index] for index in (1, 2, 3, 4)}) == 1
    titles = [bands[place].title.en for place in classes[:2]]
    assert titles == ["below 0.35 km/km²", "0.35 km/km² and above"]


def test_a_bound_is_never_rounded():
    assert value_text(99.995, INDICATORS["lit_road"]).en == "99.995%"
    assert value_text(1200.0, INDICATORS["parking_bays"]).en == "1,200 per 1,000 residents"


def test_stretches_that_do_not_meet_are_said_one_by_one():
    assert words.spans([(300, 400.2), (0, 99.8), (100, 150)]).zh == "0–150、300–400 米"


def test_equal_values_are_one_class():
    plain = INDICATORS["road_density"].model_copy(update={"bands": {}})
    bands, classes = classed(load_style(), plain, [figure("road_density", 1, 1, 7.0, grade="")] * 4)
    assert (len(bands), classes) == (1, [0, 0, 0, 0])
