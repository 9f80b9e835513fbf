"""Rule 8: grades compare exact numbers, and what is shown never crosses a band."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.grades import display, exact, grade

BANDS = {"A": 99, "B": 95}


def goal(value):
    return {"value": value, "source": "trial"}


@pytest.fixture
def share(indicator_of):
    return indicator_of(bands=BANDS, goals=[goal(99)])


@pytest.mark.parametrize(
    ("good", "of", "shown", "letter", "met"),
    [
        (98996, 100000, "98.99", "B", False),  # not 99.00
        (99000, 100000, "99.00", "A", True),
        (98994, 100000, "98.99", "B", False),
        (94999999, 100000000, "94.99", "C", False),
        (95, 100, "95.00", "B", False),
        (1, 3, "33.33", "C", False),
        (2, 3, "66.67", "C", False),
        (0, 7, "0.00", "C", False),
        (7, 7, "100.00", "A", True),
    ],
)
def test_what_is_shown_never_crosses_a_band(share, good, of, shown, letter, met):
    got = grade(share, good, of)
    assert (got.display, got.grade, got.met) == (shown, letter, met)


def test_nothing_to_count_has_no_value_and_no_grade(share):
    assert grade(share, 0, 0) == type(grade(share, 0, 0))(None, "—", "", None)


def test_a_value_past_a_band_finer_than_its_digits_is_shown_past_it(indicator_of):
    fine = indicator_of(bands={"A": 98.52, "B": 90}, digits=1)
    assert display(fine, Fraction("98.53")) == "98.6"
    assert display(fine, Fraction("98.51")) == "98.5"


def test_too_little_known_gives_a_value_but_no_grade(indicator_of):
    careful = indicator_of(minimum_known=0.5, bands={"A": 98, "B": 90}, goals=[goal(100)])
    assert grade(careful, 0, 50, unknown=51) == type(grade(careful, 0, 0))(Fraction(0), "0.00", "", None)
    assert grade(careful, 0, 50, unknown=50).grade == "C"


def test_less_may_be_better(indicator_of):
    fewer = indicator_of(direction="down", bands={"A": 1, "B": 5}, goals=[goal(0)])
    cases = {(1, 100): ("1.00", "A"), (100004, 10_000_000): ("1.01", "B"), (6, 100): ("6.00", "C")}
    for amounts, want in cases.items():
        got = grade(fewer, *amounts)
        assert (got.display, got.grade) == want
    assert grade(fewer, 0, 9).met is True


def test_bounds_mean_what_was_written(indicator_of):
    assert exact(98.6) == Fraction(986, 10)
    tenths = indicator_of(bands={"A": 0.3, "B": 0.1}, factor=1.0)
    assert grade(tenths, 3, 10).grade == "A"  # 0.1 + 0.2 is more than 0.3 in binary


@pytest.mark.parametrize(("dark", "of", "letter"), [
    (2, 99, "A"), (3, 99, "C"), (3, 100, "A"), (3, 149, "A"), (4, 149, "C"), (4, 200, "A"), (5, 200, "C"),
    (4, 201, "A"), (5, 201, "B"),  # beyond the table by rate: 98.01 % and 97.51 %
])  # fmt: skip
def test_small_numbers_are_graded_by_the_failures_allowed(indicator_of, dark, of, letter):
    lamps = indicator_of(bands={"A": 98, "B": 95}, allowed=[(99, 2), (149, 3), (200, 4)])
    assert grade(lamps, of - dark, of).grade == letter


@pytest.mark.parametrize(("dark", "of", "letter"), [(1, 1, "C"), (2, 2, "C"), (1, 2, "A"), (2, 3, "A")])
def test_no_grade_a_where_everything_fails(indicator_of, dark, of, letter):
    lamps = indicator_of(bands={"A": 98, "B": 95}, allowed=[(99, 2)])
    assert grade(lamps, of - dark, of).grade == letter
    dry = indicator_of(direction="down", bands={"A": 1, "B": 5}, allowed=[(99, 2)])
    assert grade(dry, dark, of).grade == letter


def test_every_goal_is_met_or_missed_by_itself(indicator_of):
    got = grade(indicator_of(goals=[goal(100), goal(98), goal(95)]), 98, 100)
    assert (got.met, got.reached) == (False, (False, True, True))
    assert grade(indicator_of(goals=[goal(100)]), 0, 0).reached == ()


@pytest.mark.parametrize(
    ("by", "good", "of", "off"),
    [
        ("failures", 100, 100, 0), ("failures", 99, 100, "0.5"), ("failures", 97, 100, "0.5"),
        ("failures", 95, 100, 2), ("failures", 0, 100, 2),
        # short of 95 %: by 0, 1 and 4.99… points, by 5
        ("shortfall", 95, 100, 0), ("shortfall", 94, 100, "0.5"), ("shortfall", 9001, 10000, "0.5"),
        ("shortfall", 90, 100, 2),
    ],
)  # fmt: skip
def test_points_are_taken_off_by_steps(indicator_of, by, good, of, off):
    steps = {"by": by, "steps": [(1, 0.5), (5, 2)]}
    one = indicator_of(goals=[goal(95)], deductions=steps, weight=3, system="trial")
    assert grade(one, good, of).points_off == Fraction(off)


def test_points_are_taken_off_where_less_is_better(indicator_of):
    steps = {"by": "shortfall", "steps": [(1, 0.5)]}
    one = indicator_of(direction="down", goals=[goal(2)], deductions=steps, system="trial")
    assert [grade(one, bad, 100).points_off for bad in (2, 3)] == [0, Fraction("0.5")]
    assert grade(one, 0, 0).points_off is None


def test_allowed_failures_are_counted_in_base_units(indicator_of):
    weighted = indicator_of(of={"layer": "lamps", "weight": "light_points"}, bands=BANDS, allowed=[(99, 2)])
    assert quantities(weighted) == (1e-3, 1e-3)
    assert grade(weighted, 8000, 10000).grade == "A"
    assert grade(weighted, 7999, 10000).grade == "C"


def test_where_less_is_better_what_counts_is_the_failures(indicator_of):
    dry = indicator_of(direction="down", bands={"A": 1, "B": 5}, allowed=[(99, 2)])
    assert grade(dry, 2, 10).grade == "A"
    assert grade(dry, 3, 10).grade == "C"


def test_too_few_to_grade_have_a_value_without_a_grade(indicator_of):
    few = indicator_of(bands=BANDS, minimum_denominator=200)
    assert (grade(few, 199, 199).display, grade(few, 199, 199).grade) == ("100.00", "")
    assert grade(few, 200, 200).grade == "A"


def test_without_bands_or_goals_there_is_no_grade(indicator_of):
    got = grade(indicator_of(), 1, 2)
    assert (got.display, got.grade, got.met) == ("50.00", "", None)


def test_a_density_is_in_its_own_unit(indicator_of):
    density = indicator_of(
        kind="density",
        of={"layer": "roads"},
        measure="length",
        per="area",
        factor=1000.0,
        bands={"A": 8, "B": 6},
    )
    # 8 km of road, nanometres, on 1 km², square millimetres
    assert grade(density, 8 * 10**12, 10**12) == grade(density, 8, 1)
    assert (grade(density, 8, 1).display, grade(density, 8, 1).grade) == ("8.00", "A")


@given(
    st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from(["up", "down"]), st.integers(0, 3),
    st.lists(st.integers(0, 200), min_size=2, max_size=2, unique=True),
)  # fmt: skip
def test_reading_the_shown_value_gives_the_same_grade(indicator_of, good, of, direction, digits, bounds):
    low, high = sorted(bounds)
    bands = {"A": high, "B": low} if direction == "up" else {"A": low, "B": high}
    indicator = indicator_of(direction=direction, bands=bands, digits=digits, goals=[goal(bands["A"])])
    got = grade(indicator, good, of)
    shown = Fraction(got.display)
    again = grade(indicator, shown.numerator, shown.denominator * 100)
    assert again.grade == got.grade
    assert again.met == got.met
    assert abs(shown - got.value) <= Fraction(1, 10**digits)
