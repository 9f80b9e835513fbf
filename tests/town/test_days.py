"""The town on other days: duties end, exemptions run out, lamps have been seen or not yet."""

import datetime as dt

import pytest

JUNE = dt.date(2026, 6, 1)
YEARS_END = dt.date(2026, 12, 31)
NEW_YEAR = dt.date(2027, 1, 1)


def states(place, day):
    frame = place.scene(day).layer("lamps")
    return {
        key: state if state == state else None
        for key, state in zip(frame["key"], frame["state"], strict=True)
    }


def test_a_state_is_that_of_the_last_sight_on_or_before_the_day(town):
    now = states(town, dt.date(2026, 11, 1))
    assert (now["L5"], now["L6"], now["L7"], now["L3"], now["L1"]) == ("lit", "lit", None, None, "lit")
    # L5 was first seen in October, L6 in August; what has no date was always so
    june = states(town, JUNE)
    assert (june["L5"], june["L6"], june["L7"], june["L1"]) == (None, None, None, "lit")
    assert states(town, dt.date(2026, 8, 15))["L6"] == "dark"
    assert states(town, dt.date(2026, 10, 1))["L5"] == "dark"
    assert states(town, dt.date(2026, 12, 1))["L7"] == "lit"


@pytest.mark.parametrize(
    ("delivered", "seen", "state"),
    [
        (("dark", "2026-09-10"), [("亮", "2026-09-10")], "lit"),  # on the same day the observation decides
        (("dark", "2026-09-10"), [("亮", "2026-09-09")], "dark"),
        (("dark", None), [("亮", "2026-09-09")], "lit"),
        ((None, "2026-09-10"), [("亮", "2026-09-09")], "lit"),  # a date without a state is no sight
        (("lit", "2026-12-10"), [("灭", "2026-09-09")], "dark"),
        (("lit", "2026-12-10"), [], None),
        (("lit", None), [("灭", "2026-12-09")], "lit"),
        ((None, None), [("灭", "2026-09-01"), ("亮", "2026-09-02")], "lit"),
        ((None, None), [("正常", "2026-09-01"), (" On ", "2026-09-02"), ("脏", "2026-09-03")], "lit"),
        ((None, None), [("脏", "2026-09-03")], None),
    ],
)
def test_observations_and_delivered_states(build, content, delivered, seen, state):
    lamp = {**content["lamps"][0], "state": delivered[0], "checked_on": delivered[1]}
    notes = [
        {"layer": "Lamps", "asset_key": "L1", "value": value, "observed_on": day, "observer": str(number)}
        for number, (value, day) in enumerate(seen)
    ]
    place = build({"counties": content["counties"], "lamps": [lamp], "observations": notes})
    assert states(place, dt.date(2026, 11, 1)) == {"L1": state}


def test_observations_of_other_fields_and_layers_do_not_count(build, content):
    notes = [
        {
            "layer": "toilets",
            "asset_key": "L1",
            "field": "state",
            "value": "dark",
            "observed_on": "2026-10-01",
        },
        {
            "layer": "lamps",
            "asset_key": "L1",
            "field": "height",
            "value": "dark",
            "observed_on": "2026-10-01",
        },
    ]
    place = build({"counties": content["counties"], "lamps": content["lamps"][:1], "observations": notes})
    assert states(place, dt.date(2026, 11, 1)) == {"L1": "lit"}


def test_duties_and_exemptions_have_their_days(build, content):
    place = build(content)
    place.compute(JUNE)
    assert place.tallies("lit_road_main", "chief")["C4"] == pytest.approx((24, 400, 0, 0))
    assert place.tallies("lit_road_main", "road")["B001"] == pytest.approx((96, 400, 0, 0))
    place.compute(YEARS_END)
    assert "C4" not in place.tallies("lit_road_main", "chief")
    assert place.tallies("lit_road_main", "road")["B001"] == pytest.approx((96, 350, 0, 50))
    place.compute(NEW_YEAR)
    assert place.tallies("lit_road_main", "road")["B001"] == pytest.approx((96, 400, 0, 0))


def test_runs_of_several_days_stay_apart(build, content):
    place = build(content)
    first, second = place.compute(JUNE), place.compute(YEARS_END)
    assert (first.as_of, second.as_of) == ("2026-06-01", "2026-12-31")
    shown = [
        place.figures(run.id).table(indicator="lamps_burning").iloc[0]["denominator"]
        for run in (first, second)
    ]
    # in June neither L5, L6 nor L7 had been seen
    assert shown == [8, 13]


def test_figures_of_a_run_keep_the_units_and_names_that_it_was_computed_with(build, content, code):
    place = build(content)
    place.compute()
    before = place.figures().table(level="grid")
    people = place.figures().table(chief="C1")
    kept = [row for row in content["grids"] if row["code"] != code.A1]
    place.apply("grids", [{**row, "name": "新名"} for row in kept])
    place.apply("chiefs", [{"chief_id": "C1", "name": "他人"}])
    assert place.figures().table(level="grid").equals(before)
    assert place.figures().table(chief="C1").equals(people)
