"""Kinds and keys of the catalogue that the first figures do not use, worked out by hand on small places."""

from dataclasses import replace

import pandas as pd
import pytest
from shapely import LineString, Point, box

from gridsvc.checks import find
from gridsvc.coverage.explain import Subject, explain
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.coverage.proposals import siting_indicator
from gridsvc.errors import UsageError

COUNTY, GRID = "990001", "990001001001001"
OTHER = "990001001001002"
TITLES = """
title = {{ zh = "试验{0}", en = "Trial {0}" }}
definition = {{ zh = "试验", en = "trial" }}
group = "roads"
source = "trial"
year = 2026
"""


def define(**bodies):
    """Definitions by id, from what each says beside titles and source."""
    return "\n".join(f"[{name}]\n{TITLES.format(name)}{body}" for name, body in bodies.items())


@pytest.fixture
def frame():
    """A county of one grid of 1,000 m and one beside it, with what else is given."""

    def make(**layers):
        units = {
            "counties": [(COUNTY, (0, 0, 1200, 1000))],
            "districts": [(COUNTY + "001", (0, 0, 1200, 1000))],
            "communities": [(COUNTY + "001001", (0, 0, 1200, 1000))],
            "grids": [(GRID, (0, 0, 1000, 1000)), (OTHER, (1000, 0, 1100, 1000))],
        }
        named = {
            name: [{"code": code, "name": code, "at": box(*corners)} for code, corners in rows]
            for name, rows in units.items()
        }
        return {**named, **layers}

    return make


def county(place, indicator):
    """The county's figure as (numerator, denominator, unknown in whole amounts, exempt in whole amounts)."""
    row = place.figures().table(indicator=indicator).iloc[0]
    return tuple(
        round(float(row[name]), 6) for name in ("numerator", "denominator", "unknown_int", "exempt_int")
    )


def advert(number, x, y=503, **fields):
    return {"advert_id": f"A{number}", "x": x, "y": y, **fields}


ALONG = 'kind = "spacing"\nof = { layer = "roads" }\nalong = { layer = "adverts", every = 200 }\n'


@pytest.fixture
def street(build, frame):
    """A place with a road from x 0 to 700 and adverts at some x; ``street([100, …], every=200)``."""

    def make(adverts, body=ALONG, roads=None, **more):
        roads = roads or [("R", [(0, 500), (700, 500)], {"road_code": "1"})]
        rows = [
            {"road_id": name, "class": "branch", "width": 6, **fields, "at": LineString(points)}
            for name, points, fields in roads
        ]
        stand = [
            {**one, "at": Point(one.pop("x"), one.pop("y"))}
            for one in [
                advert(number, x) if not isinstance(x, dict) else dict(x) for number, x in enumerate(adverts)
            ]
        ]
        place = build(frame(roads=rows, adverts=stand, **more), define(posters=body))
        place.compute()
        return place

    return make


def test_spacing_by_hand(street):
    """Adverts at 100, 250 and 600 of 700 m: only from 250 to 600 m there are 200 m without one."""
    place = street([100, 250, 600])
    assert county(place, "posters")[:2] == (350, 700)
    gaps = place.figures().gaps("posters")
    assert gaps[["road_id", "from_m", "to_m", "size"]].values.tolist() == [["R", 250, 600, 350]]


def test_a_gap_of_just_the_length_is_none(street):
    assert county(street([200, 400, 500]), "posters")[:2] == (700, 700)
    assert county(street([200, 400.01, 500.01]), "posters")[0] == pytest.approx(700 - 200.01)


def test_the_ends_of_a_road_count(street):
    """The first advert 250 m from the beginning, the last 210 m from the end."""
    assert county(street([250, 400, 490]), "posters")[:2] == (240, 700)


def test_two_in_every_200_m(street):
    """100 to 250 and 250 to 400: any 200 m hold two; from 250 to 600 m only one, and so on to the end."""
    two = ALONG.replace("200", "200, at_least = 2")
    # q: 0, 100, 250, 400, 600, 700: 0-250, 250-600 and 400-700 are longer than 200; 100-400, too
    assert county(street([100, 250, 400, 600], two), "posters")[:2] == (0, 700)
    # 0, 50, 150, 250, 340, 700: 50-250 is just 200, 0-150, 150-340; from 250 on 450 m hold one
    assert county(street([50, 150, 250, 340], two), "posters")[:2] == (250, 700)


def test_a_road_shorter_than_that_needs_one_all_the_same(street):
    short = [("R", [(0, 500), (150, 500)], {"road_code": "1"})]
    assert county(street([75], roads=short), "posters")[:2] == (150, 150)
    far = [*short, ("Q", [(0, 700), (150, 700)], {"road_code": "2"})]
    assert county(street([75], roads=far), "posters")[:2] == (150, 300)


def test_features_of_one_road_are_looked_at_together(street):
    """Cut at 300 m and the second half drawn backwards: the same as in one."""
    halves = [
        ("R1", [(0, 500), (300, 500)], {"road_code": "1"}),
        ("R2", [(700, 500), (300, 500)], {"road_code": "1"}),
    ]
    place = street([100, 250, 600], roads=halves)
    assert county(place, "posters")[:2] == (350, 700)
    gaps = place.figures().gaps("posters")
    # 300 to 600 m is R2's 100 to 400 m
    assert sorted(gaps[["road_id", "from_m", "to_m"]].values.tolist()) == [["R1", 250, 300], ["R2", 100, 400]]


def test_what_stands_on_either_line_of_a_divided_road_serves_both(street):
    lines = [
        ("R1", [(0, 500), (700, 500)], {"road_code": "1", "carriageway": "divided"}),
        ("R2", [(0, 540), (700, 540)], {"road_code": "1", "carriageway": "divided"}),
    ]
    place = street([100, 250, {"advert_id": "B", "x": 430, "y": 543}, 600], roads=lines)
    assert county(place, "posters")[:2] == (700, 700)


def test_one_that_waits_for_confirmation_leaves_it_unknown(street):
    """The advert at 430 m names another road: without it 250 to 600 m is bare."""
    other = ("Q", [(0, 800), (700, 800)], {"road_code": "2", "road_name": "别路", "class": "lane"})
    body = ALONG.replace('layer = "roads"', 'layer = "roads", where = { class = ["branch"] }')
    strange = {"advert_id": "B", "x": 430, "y": 503, "road_name": "别路"}
    place = street([100, 250, strange, 600], body, [("R", [(0, 500), (700, 500)], {"road_code": "1"}), other])
    assert county(place, "posters")[:3] == (350, 350, 350e9)


def test_explained_by_what_stands_there(street):
    place = street([100, 250, 600])
    figures = place.figures()
    found = explain(figures, figures.indicators["posters"], Subject("unit", COUNTY))
    assert found.adds_up
    stands = found.behind[found.behind["what"] == "along"]
    assert stands[["key", "of"]].values.tolist() == [["A0", "R"], ["A1", "R"], ["A2", "R"]]
    assert stands["from_m"].tolist() == pytest.approx([100, 250, 600])


# reported

SEWAGE = 'kind = "reported"\nfactor = 1.0\ngoals = [{ value = 85, source = "trial" }]\nbands = { A = 85, B = 75 }\n'


def report(unit, value, day, source="环境局", indicator="sewage"):
    return {
        "indicator": indicator,
        "unit_code": unit,
        "value": value,
        "reported_on": pd.Timestamp(day),
        "source": source,
    }


@pytest.fixture
def reported(build, frame):
    """A place with reports; computed as of 1 November 2026."""

    def make(*rows):
        place = build(frame(reported=list(rows)), define(sewage=SEWAGE))
        place.compute()
        return place

    return make


def test_the_newest_report_on_or_before_the_day_counts(reported):
    place = reported(
        report(COUNTY, 80, "2026-03-31"),
        report(COUNTY, 86.4, "2026-09-30"),
        report(COUNTY, 99, "2026-12-31"),
    )
    row = place.figures().table(indicator="sewage").iloc[0]
    assert (row["value"], row["display"], row["grade"], row["met"]) == (86.4, "86.40", "A", True)
    assert row["reason_en"] == "reported 2026-09-30 by 环境局"
    assert row["reason_zh"] == "环境局，2026-09-30 上报"


def test_reports_are_of_their_unit_and_not_summed(reported):
    place = reported(report(GRID, 70, "2026-09-30"), report(OTHER, 90, "2026-09-30", None))
    figures = place.figures()
    above = figures.table(indicator="sewage").iloc[0]
    assert pd.isna(above["value"])
    assert above["grade"] == ""
    assert (above["reason_en"], above["reason_zh"]) == (
        "nothing is reported for it up to this day",
        "截至当日尚无上报值",
    )
    grids = figures.table(level="grid", indicator="sewage").set_index("subject")
    assert grids.loc[[GRID, OTHER], "display"].tolist() == ["70.00", "90.00"]
    assert grids.loc[OTHER, "reason_zh"] == "2026-09-30 上报"
    # what no grid has was reported by nobody
    assert grids.loc[COUNTY + "001001*", "display"] == "—"


def test_a_report_may_name_the_indicator_by_its_title(reported):
    place = reported(
        report(COUNTY, 12.5, "2026-09-30", indicator="试验sewage"),
        report(COUNTY, 1, "2026-09-30", indicator="别的"),
    )
    assert place.figures().table(indicator="sewage").iloc[0]["value"] == 12.5


def test_reports_that_count_nowhere_are_found(reported):
    place = reported(
        report(COUNTY, 1, "2026-09-30"),
        report("990009", 2, "2026-09-30"),
        report(GRID, 3, "2026-09-30", indicator="污水"),
    )
    found = find(place.scene()).frame
    lost = found[found["kind"] == "lost_report"]
    assert sorted(lost["target"]) == ["sewage 990009", f"污水 {GRID}"]
    assert (lost["layer"] == "reported").all()


def test_a_report_is_what_explains_the_figure(reported):
    place = reported(report(COUNTY, 86.4, "2026-09-30"))
    figures = place.figures()
    found = explain(figures, figures.indicators["sewage"], Subject("unit", COUNTY))
    assert found.adds_up
    (fact,) = found.rows.to_dict("records")
    assert (fact["fact"], fact["layer"], fact["name"], fact["fields"]) == (
        "report",
        "reported",
        "环境局",
        "value=86.4, reported_on=2026-09-30",
    )
    assert fact["numerator"] == pytest.approx(86.4)


def test_persons_have_no_reported_values(reported):
    row = reported(report(COUNTY, 86.4, "2026-09-30")).figures().table(indicator="sewage", chief="C1").iloc[0]
    assert pd.isna(row["value"])
    assert "not a figure of persons" in row["reason_en"]


# keys


def test_distances_by_the_size_of_the_target(build, frame):
    """Parks of just 2,000 and just 5,000 m², and one a little smaller: 300 m, 500 m, and none."""
    parks = [
        {"green_id": "P2", "kind": "park", "at": box(0, 0, 40, 50)},
        {"green_id": "P5", "kind": "park", "at": box(0, 900, 50, 1000)},
        {"green_id": "P1", "kind": "park", "at": box(900, 0, 940, 49.99)},
    ]
    homes = [
        {"building_id": name, "population": 1, "at": Point(x, y)}
        for name, x, y in (
            ("A", 339.99, 25),
            ("B", 340.01, 25),
            ("C", 549.99, 950),
            ("D", 550.01, 950),
            ("E", 920, 60),
        )
    ]
    body = 'kind = "feature_near"\nof = { layer = "buildings" }\nnear = { layer = "greenery", %s }\n'
    steps = "by_area = [[2000, 300], [5000, 500]]"
    place = build(
        frame(greenery=parks, buildings=homes),
        define(parks=body % steps, small=body % f"{steps}, distance = 15"),
    )
    place.compute()
    assert set(place.figures().gaps("parks")["feature_key"]) == {"B", "D", "E"}
    assert set(place.figures().gaps("small")["feature_key"]) == {"B", "D"}


def test_lamps_by_the_class_of_their_road(build, frame):
    roads = [
        {
            "road_id": "R",
            "class": "arterial",
            "width": 10,
            "road_name": "大路",
            "at": LineString([(0, 100), (900, 100)]),
        },
        {
            "road_id": "Q",
            "class": "lane",
            "width": 5,
            "road_name": "小巷",
            "at": LineString([(0, 400), (900, 400)]),
        },
        {"road_id": "U", "width": 5, "road_name": "新路", "at": LineString([(0, 700), (900, 700)])},
    ]
    lamps = [
        {"lamp_id": name, "light_points": 1, "state": state, "road_name": road, "at": Point(x, y)}
        for name, x, y, state, road in (
            ("L1", 100, 108, "lit", None), ("L2", 200, 108, "dark", None), ("L3", 300, 404, "lit", None),
            ("L4", 400, 704, "lit", None),  # its road's class is not known
            ("L5", 500, 108, "lit", "小巷"),  # names a road that is far: waits for confirmation
            ("L6", 500, 900, "lit", None),  # by no road
        )
    ]  # fmt: skip
    body = (
        'kind = "count_share"\nof = { layer = "lamps", weight = "light_points", on = { class = ["arterial"] } }\n'
        'match = { state = ["lit"] }\n'
    )
    place = build(frame(roads=roads, lamps=lamps), define(main=body))
    place.compute()
    assert county(place, "main") == (1, 2, 2000, 0)


def swept(road_id, length, y, **fields):
    return {"road_id": road_id, "class": "arterial", "at": LineString([(0, y), (length, y)]), **fields}


def test_swept_area_is_length_times_width(build, frame):
    """300 m of 10 m swept, 200 m of 20 m not; of 100 m the width is not known, it counts as wide as drawn (8 m)."""
    roads = [
        swept("R", 300, 100, swept_width=10, machine_swept=True),
        swept("Q", 200, 400, swept_width=20, machine_swept=False),
        swept("U", 100, 700, width=8, machine_swept=True),
    ]
    body = (
        'kind = "length_share"\nof = { layer = "roads", weight = "swept_width" }\n'
        "match = { machine_swept = [true] }\n"
    )
    place = build(frame(roads=roads), define(swept=body))
    place.compute()
    assert county(place, "swept") == (3000, 7000, 800e6, 0)
    halves = place.figures().table(level="grid", indicator="swept").set_index("subject")
    assert halves.loc[GRID, "numerator"] == pytest.approx(3000)
    # a gap's length is told in metres; sweeping it would gain 4,000 of 7,000 m²
    (gap,) = place.figures().gaps("swept").to_dict("records")
    assert (gap["road_id"], gap["size"], gap["own"]) == ("Q", 200, 200)
    assert gap["gain_county"] == pytest.approx(100 * 4000 / 7000)


def test_parcels_and_their_green_quota(build, frame):
    """Of 10,000 m² each: just 30 %, a little less, and one whose quota is not known."""
    parcels = [
        {"parcel_id": name, "green_quota": quota, "at": box(x, 0, x + 100, 100)}
        for name, quota, x in (("A", 30, 0), ("B", 30, 200), ("C", None, 400))
    ]
    greens = [
        {"green_id": "G1", "at": box(0, 0, 100, 20)}, {"green_id": "G2", "at": box(0, 10, 100, 30)},
        {"green_id": "G3", "at": box(200, 0, 300, 29.99)},
    ]  # fmt: skip
    body = 'kind = "count_share"\nof = { layer = "parcels" }\ncovered = { layer = "greenery", %s }\n'
    place = build(
        frame(parcels=parcels, greenery=greens),
        define(quota=body % 'field = "green_quota"', third=body % "share = 25"),
    )
    place.compute()
    assert county(place, "quota") == (1, 2, 1, 0)
    assert county(place, "third") == (2, 3, 0, 0)


def test_who_answers_for_lamps_waters_and_vacant_posts(town, code):
    """Of 13 lamps L6, L7 and L5 … stand where a chief is in office; vacant is R2, whose post nobody holds."""
    rows = town.figures().table().set_index("indicator")
    lamps = town.figures().gaps("lamps_with_chief")["feature_key"]
    # R1 has C1; R3 has C2 from 250 to 450 m; R2 is vacant, R4's duty has ended; ODD waits for confirmation
    assert rows.loc["lamps_with_chief", "numerator"] == 13 - 1 - len(lamps)  # L4 lies outside
    assert {"L1", "L2", "L3", "L9", "L10", "ODD", "FAR", "L8"} <= set(lamps)
    assert not {"L6", "L7"} & set(lamps)
    # the inner half of R2's 550 m in the zone
    assert rows.loc["vacant_posts", "numerator"] == pytest.approx(275)


def test_area_in_grids(town, code):
    """Five grids of 4 ha in a county of 32 ha; overlaps of grids count once."""
    row = town.figures().table(indicator="gridded_area").iloc[0]
    assert (row["numerator"], row["denominator"]) == pytest.approx((200_000, 320_000))
    assert town.figures().table(unit=code.A1, indicator="gridded_area").iloc[0]["display"] == "100.00"


def test_waters_with_a_chief(build, frame):
    waters = [
        {"water_id": "W1", "river_chief": "张河长", "at": box(0, 0, 50, 50)},
        {"water_id": "W2", "at": box(100, 0, 150, 50)},
    ]
    place = build(frame(water=waters))
    place.compute()
    assert county(place, "waters_with_chief")[:2] == (1, 2)


def test_a_field_that_nobody_ever_filled_is_no_answer(build, frame):
    place = build(frame(water=[{"water_id": "W1", "at": box(0, 0, 50, 50)}]))
    place.compute()
    assert county(place, "waters_with_chief") == (0, 0, 1, 0)


def test_an_indicator_defined_since_the_run_says_so(reported):
    place = reported(report(COUNTY, 1, "2026-09-30"))
    later = place.indicators["gridded_area"].model_copy(update={"id": "later"})
    row = (
        replace(
            place.figures(), indicators=Indicators({**place.indicators, "later": later}, digest="another")
        )
        .table(indicator="later")
        .iloc[0]
    )
    assert pd.isna(row["value"])
    assert row["reason_en"] == "defined since this run: compute anew"


def test_exempt_land_leaves_both_sides(build, frame):
    """Two plots of 1 ha, one of them exempt; the toilet's 50 m reach a half of the other."""
    land = [
        {"land_id": "A", "kind": "residential", "at": box(0, 0, 100, 100)},
        {"land_id": "B", "kind": "residential", "at": box(300, 0, 400, 100)},
    ]
    exempt = [{"layer": "land_use", "feature_key": "B", "reason": "construction", "document": "1号"}]
    body = (
        'kind = "area_near"\nbase = { layer = "land_use", where = { kind = ["residential"] } }\n'
        'near = { layer = "toilets", distance = 500 }\n'
    )
    place = build(
        frame(land_use=land, toilets=[{"toilet_id": "T", "at": Point(50, 50)}], exemptions=exempt),
        define(served=body),
    )
    place.compute()
    assert county(place, "served") == (10_000, 10_000, 0, 10_000e6)


def test_exempt_features_leave_the_numerator_of_a_density(build, frame):
    toilets = [{"toilet_id": name, "at": Point(100, 100)} for name in ("T1", "T2")]
    exempt = [{"layer": "toilets", "feature_key": "T2", "reason": "construction", "document": "1号"}]
    body = 'kind = "density"\nof = { layer = "toilets" }\nper = "area"\nunit = "座/km²"\nfactor = 1000000.0\n'
    place = build(frame(toilets=toilets, exemptions=exempt), define(many=body))
    place.compute()
    assert county(place, "many") == (1, 1_200_000, 0, 1)


# several goals, points


def test_each_goal_says_whether_it_is_met(reported):
    place = reported(report(COUNTY, 86.4, "2026-09-30"))
    own = place.indicators["sewage"].model_dump()
    goals = [{"value": 85, "source": "own"}, {"value": 90, "source": "assessment"}]
    place.indicators.by_id["sewage"] = Indicator.model_validate(own | {"goals": goals})
    row = place.figures().table(indicator="sewage").iloc[0]
    assert row["goals"] == [goals[0] | {"met": True}, goals[1] | {"met": False}]


def test_layers_that_are_not_loaded_leave_indicators_out(reported):
    figures = reported(report(COUNTY, 86.4, "2026-09-30")).figures()
    names = {one.id for one in figures.left_out}
    assert {"lit_road", "public_adverts", "park_service"} <= names
    assert not {"sewage", "gridded_area", "sewage_treated"} & names


def test_a_new_place_has_no_size_that_could_tell_its_distance(town):
    with pytest.raises(UsageError) as refused:
        siting_indicator(town.indicators, "greenery", "green_access", None)
    assert "the distance depends on the area" in refused.value.text.en
    assert "服务距离取决于面积" in refused.value.text.zh
    chosen = siting_indicator(town.indicators, "greenery", "green_access", 300)
    assert (chosen.near.distance, chosen.near.by_area) == (300, ())


def test_new_lamps_are_sought_for_roads_and_new_parks_for_residents(town):
    assert siting_indicator(town.indicators, "lamps", None, 30).id == "lit_road"
    assert siting_indicator(town.indicators, "greenery", None, None).id == "green_people"
    assert siting_indicator(town.indicators, "places", None, None).id == "market_people"
