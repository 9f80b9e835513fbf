"""Gaps: where to act, how much it gains, who must, and since when. Everything is worked out by hand."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.maps import Atlas
from gridsvc.maps.chief_data import chief_page

COUNTY, DISTRICT, COMMUNITY = "990001", "990001001", "990001001001"
NORTH, SOUTH = COMMUNITY + "001", COMMUNITY + "002"
NIGHTS = [dt.date(2027, 1, 10), dt.date(2027, 1, 20), dt.date(2027, 1, 30)]
WORDS = '{ zh = "试", en = "Trial" }'
BASIS = f'title = {WORDS}\ndefinition = {WORDS}\nsource = "trial"\nyear = 2026\n'
DEFINITIONS = "".join(
    f"[{name}]\n{BASIS}{text}\n"
    for name, text in {
        "lit_road": 'kind = "length_near"\ngroup = "roads"\nof = { layer = "roads" }\n'
        'near = { layer = "lamps", distance = 20 }\ngoals = [{ value = 100, source = "x" }]',
        "lamps_burning": 'kind = "count_share"\ngroup = "roads"\nof = { layer = "lamps", weight = "light_points" }\n'
        'match = { state = ["lit"] }\ngoals = [{ value = 100, source = "x" }]',
        "toilet_area": 'kind = "area_near"\ngroup = "sanitation"\nnear = { layer = "toilets", distance = 120 }\n'
        'goals = [{ value = 90, source = "x" }]',
        "toilet_density": 'kind = "density"\ngroup = "sanitation"\nof = { layer = "toilets" }\nper = "area"\n'
        'factor = 1e6\nunit = "座/km²"\ngoals = [{ value = 30, source = "x" }]',
        "parking_bays": 'kind = "density"\ngroup = "parking"\nof = { layer = "parking", weight = "bays" }\n'
        'per = "weight"\nper_of = { layer = "buildings", weight = "population" }\nfactor = 1000\nunit = "个/千人"\n'
        'goals = [{ value = 100, source = "x" }]',
        "green_share": 'kind = "area_share"\ngroup = "green"\nof = { layer = "greenery" }\n'
        'goals = [{ value = 33, source = "x" }]',
        "dead_ends": 'kind = "density"\ngroup = "roads"\ndirection = "down"\nof = { layer = "roads" }\n'
        'dead_ends = { longer_than = 50 }\nper = "length"\nper_of = { layer = "roads" }\nfactor = 1000\n'
        'unit = "/km"\ngoals = [{ value = 0, source = "x" }]',
    }.items()
)  # fmt: skip


def box(*sides):
    return shapely.box(*sides)


def road(road_id, *points, **fields):
    shape = shapely.LineString(points)
    return {"road_id": road_id, "road_name": road_id, "class": "lane", "width": 6, "at": shape, **fields}


def lamp(lamp_id, x, y, state=None, checked_on=None, **fields):
    point = shapely.Point(x, y)
    return {
        "lamp_id": lamp_id,
        "at": point,
        "state": state,
        "checked_on": checked_on,
        "light_points": 1,
        **fields,
    }


def home(building_id, x, y, population):
    return {"building_id": building_id, "population": population, "at": shapely.Point(x, y)}


def unit(code, *sides):
    return {"code": code, "name": code, "at": box(*sides)}


def strip():
    """Two grids of 1,000 × 100 m, north and south of a road; a second road in the northern one."""
    everything = (0, 0, 1000, 200)
    return {
        "counties": [unit(COUNTY, *everything)],
        "districts": [unit(DISTRICT, *everything)],
        "communities": [unit(COMMUNITY, *everything)],
        "grids": [unit(NORTH, 0, 100, 1000, 200), unit(SOUTH, 0, 0, 1000, 100)],
        # cuts both grids into two cells
        "zones": [{"code": "Z1", "kind": "built_up", "at": box(0, 0, 700, 200)}],
        "roads": [road("main", (0, 100), (1000, 100)), road("side", (100, 150), (200, 150))],
        # lights 40 m of the main road
        "lamps": [lamp("L1", 500, 100, "lit")],
        "toilets": [{"toilet_id": "T1", "kind": "flush", "at": shapely.Point(500, 100)}],
        "greenery": [{"green_id": "G1", "at": box(0, 100, 300, 200)}],
        "parking": [{"parking_id": "P1", "bays": 5, "at": shapely.Point(20, 150)}],
        "buildings": [home("H1", 50, 150, 60), home("H2", 60, 150, None), home("H3", 950, 50, None),
                      home("H4", 480, 100, 30)],
        "chiefs": [{"chief_id": "C1", "name": "张一"}, {"chief_id": "C2", "name": "李二"}],
        "officers": [{"officer_id": "O1", "name": "陈甲"}],
        "duties": [
            {"holder": "C1", "road_name": "main", "date_from": "2027-01-15"},
            {"holder": "C2", "road_name": "main", "date_from": "2026-01-01"},
            {"holder": "O1", "unit_code": COMMUNITY, "role": "网格长", "date_from": "2026-01-01"},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def figures(build):
    place = build(strip(), DEFINITIONS)
    place.compute(NIGHTS[0])
    return place.figures()


def listed(figures, indicator, *columns, **choice):
    rows = figures.gaps(indicator, **choice)
    return [tuple(row) for row in pd.DataFrame(rows)[list(columns)].round(6).itertuples(index=False)]


# what closing gains


def test_gain_is_what_closing_adds_to_the_units_and_the_countys_figure(figures):
    # north has half of the main road and all of the side road: 600 m, the county 1,100 m
    found = listed(
        figures, "lit_road", "road_id", "from_m", "to_m", "size", "own", "gain_own", "gain_county", unit=NORTH
    )
    main = (480, 240, 240 / 600 * 100, pytest.approx(480 / 1100 * 100))
    assert found == [
        ("main", 0, 480, *main), ("main", 520, 1000, *main),
        ("side", 0, 100, 100, 100, pytest.approx(100 / 600 * 100), pytest.approx(100 / 1100 * 100)),
    ]  # fmt: skip


def test_parts_of_neighbouring_units_add_up_to_what_the_county_lacks(figures):
    county = figures.table(indicator="lit_road").iloc[0]
    lacking = county["denominator"] - county["numerator"]
    parts = [figures.gaps("lit_road", unit=code)["own"].sum() for code in (NORTH, SOUTH)]
    assert parts == [pytest.approx(580), pytest.approx(480)]
    assert sum(parts) == pytest.approx(lacking, abs=1e-9)
    assert figures.gaps("lit_road")["gain_county"].sum() == pytest.approx(100 - county["value"], abs=1e-9)


def test_a_chiefs_list_tells_what_counts_in_the_chiefs_own_figure(figures):
    assert listed(figures, "lit_road", "own", "gain_own", chief="C2") == [(480, 48), (480, 48)]


@pytest.mark.parametrize("name", ["lit_road", "toilet_area", "dead_ends"])
def test_closing_every_gap_reaches_the_best_value(figures, name):
    county = figures.table(indicator=name).iloc[0]
    best = 0 if name == "dead_ends" else 100
    assert figures.gaps(name)["gain_county"].sum() == pytest.approx(abs(best - county["value"]), abs=1e-3)


def test_what_brings_the_county_nearest_to_its_goals_comes_first(figures):
    rows, county = figures.gaps(), figures.table().set_index("indicator")
    missing = (county["goal"] - county["value"]).where(county.index != "dead_ends", county["value"])
    way = rows["gain_county"] / rows["indicator"].map(missing)
    reached = ~(rows["indicator"].map(missing) > 0)
    assert way[~reached].clip(upper=1).is_monotonic_decreasing
    # the grids have no officer, so that is half of the way each; one bay or park closes the whole of it
    assert set(rows["indicator"][~reached][:2]) >= {"parking_bays"}


# kinds


def people(rows):
    """Residents from west to east."""
    return rows["residents"].iloc[np.argsort(rows.geometry.bounds["minx"])].tolist()


def test_leftovers_of_one_unit_are_joined_across_its_cells_with_their_residents(figures):
    rows = figures.gaps("toilet_area", unit=NORTH)
    # a disc of radius 120 around the middle of its border parts the grid; the eastern part is in two cells
    half = (100_000 - (100 * (120**2 - 100**2) ** 0.5 + 120**2 * np.arcsin(100 / 120))) / 2
    assert rows["size"].tolist() == [pytest.approx(half, rel=1e-4)] * 2
    assert rows.geometry.geom_type.tolist() == ["Polygon", "Polygon"]
    # H1 lies in the west, H2 beside it is not known; nobody lives in the east
    assert people(rows) == [60, 0]


def test_residents_nobody_knows_are_not_nought(figures):
    west, east = people(figures.gaps("toilet_area", unit=SOUTH))
    assert west == 0
    assert np.isnan(east)


def test_residents_are_not_known_where_no_buildings_are_loaded(build):
    place = build({**strip(), "buildings": []}, DEFINITIONS)
    place.compute(NIGHTS[0])
    assert place.figures().gaps("toilet_area")["residents"].isna().all()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        # 0.2 km² at 30 a km² ask for 6 toilets, 0.1 km² for 3; the toilet on the border is the northern grid's
        (None, [(COMMUNITY, 5, "count")]), (COUNTY, [(COMMUNITY, 5, "count")]),
        (NORTH, [(NORTH, 2, "count")]), (SOUTH, [(SOUTH, 3, "count")]),
    ],
)  # fmt: skip
def test_a_density_lacks_whole_features_in_each_unit(figures, asked, told):
    assert listed(figures, "toilet_density", "unit", "size", "measure", unit=asked) == told


def test_a_shortage_has_the_unit_as_its_shape_and_its_officer(figures):
    row = figures.gaps("toilet_density").iloc[0]
    assert (row["kind"], row["officers"]) == ("shortage", "O1")
    # five toilets more in 0.2 km²
    assert row["gain_county"] == pytest.approx(25, rel=1e-6)
    assert row.geometry.geom_type == "Polygon"


def test_weighted_and_area_shortages_are_in_their_own_units(figures):
    # 90 residents at 100 per thousand ask for 9 bays, 5 are there
    assert listed(figures, "parking_bays", "size", "measure") == [(4, "bays")]
    # 33 % of 200,000 m², 30,000 are there
    size = figures.gaps("green_share")["size"].tolist()
    assert size == [pytest.approx(36_000, abs=0.01)]


def test_a_dead_end_is_a_point_with_its_road_and_length(figures):
    rows = figures.gaps("dead_ends")
    assert rows["kind"].tolist() == ["end", "end"]
    assert sorted(rows["from_m"].round(6)) == [0, 100]
    assert rows["size"].tolist() == [pytest.approx(100)] * 2
    assert set(rows["road_id"]) == {"side"}
    assert rows.geometry.geom_type.tolist() == ["Point", "Point"]
    # two of 1.1 km
    assert rows["gain_county"].tolist() == [pytest.approx(1 / 1.1)] * 2


def test_a_vacant_post_is_the_units_whole_ground(figures):
    rows = figures.gaps("grids_with_officer")
    assert rows[["kind", "unit", "officers"]].to_numpy().tolist() == [
        ["unit", NORTH, "O1"],
        ["unit", SOUTH, "O1"],
    ]
    assert rows.geometry.geom_type.tolist() == ["Polygon", "Polygon"]


# since when


def aged(figures, indicator, key, **choice):
    """Since when, and whether before office, by *key*."""
    rows = figures.gaps(indicator, **choice)
    rows = rows[rows["road_id"] != "side"] if indicator == "lit_road" else rows
    since = rows["since"].dt.strftime("%m-%d").fillna("")
    told = [None if pd.isna(one) else bool(one) for one in rows["inherited"]]
    return dict(zip(rows[key], zip(since, told, strict=True), strict=True))


def test_a_lamp_is_dark_since_it_was_first_seen_so_after_it_last_burned(build):
    seen = {
        "L1": [("lit", "2027-01-01"), ("dark", "2027-01-03"), ("dark", "2027-01-05")],
        "L2": [("dark", "2027-01-02"), ("lit", "2027-01-04"), ("dark", "2027-01-08")],
        "L3": [("dark", "2026-12-20")],
    }
    content = strip() | {
        "lamps": [lamp(name, 100 * n, 105, road_name="main") for n, name in enumerate(seen, 1)],
        "observations": [
            {"layer": "lamps", "asset_key": name, "field": "state", "value": value, "observed_on": day}
            for name, states in seen.items()
            for value, day in states
        ],
        "duties": [{"holder": "C1", "road_name": "main", "date_from": "2027-01-04"}],
    }
    place = build(content, DEFINITIONS)
    place.compute(NIGHTS[0])
    # L1 before the duty, L2 after it, L3 too; that they stood on the duty's first day does not tell of the day before
    assert aged(place.figures(), "lamps_burning", "feature_key") == {
        "L1": ("01-03", True), "L2": ("01-08", False), "L3": ("12-20", True),
    }  # fmt: skip


def test_a_delivered_state_is_an_observation_of_its_day(build):
    content = strip() | {
        "lamps": [lamp("L1", 100, 105, "dark", "2027-01-02", road_name="main")],
        "duties": [{"holder": "C1", "road_name": "main", "date_from": "2027-01-01"}],
    }
    place = build(content, DEFINITIONS)
    place.compute(NIGHTS[0])
    # nobody knows how long it had been dark then
    assert aged(place.figures(), "lamps_burning", "feature_key") == {"L1": ("01-02", None)}


def test_a_field_of_the_feature_stands_since_the_load_that_brought_its_row(build):
    content = strip() | {"toilets": [{"toilet_id": "T1", "kind": "dry", "at": shapely.Point(500, 104)}]}
    place = build(content, DEFINITIONS)
    place.compute(dt.date(2999, 1, 1))
    loaded = next(one for one in place.store.loads() if one.layer == "toilets")
    since = place.figures().gaps("flush_toilets")["since"].dt.strftime("%Y-%m-%d").tolist()
    in_china = dt.datetime.fromisoformat(loaded.finished).astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert since == [f"{in_china:%Y-%m-%d}"]
    # a day before anything was loaded: all that is known is that day
    place.compute(dt.date(2000, 1, 1))
    since = place.figures().gaps("flush_toilets")["since"].dt.strftime("%Y-%m-%d").tolist()
    assert since == ["2000-01-01"]


@pytest.fixture
def nights(build):
    """Computes a strip night by night, with lamps at places along the main road."""
    place = build(strip() | {"toilets": []}, DEFINITIONS)

    def night(number, *lamps, page=None, **more):
        place.apply("lamps", [lamp(f"N{x}", x, 100, "lit") for x in lamps])
        for layer, rows in more.items():
            place.apply(layer, rows)
        place.compute(NIGHTS[number])
        if page is None:
            return place.figures()
        return chief_page(Atlas.open(place.store, place.workspace, place.layers, place.indicators), page)

    return night


def test_a_gap_goes_on_while_half_of_it_stands(nights):
    first = nights(0, 500)  # dark 0–480, 520–1000
    assert aged(first, "lit_road", "from_m") == {0: ("01-10", None), 520: ("01-10", None)}
    second = nights(1, 200, 500)  # dark 0–180, 220–480, 520–1000
    assert {since for since, _ in aged(second, "lit_road", "from_m").values()} == {"01-10"}
    third = nights(2, 500)
    # 440 m of 0–480 stood before
    assert {since for since, _ in aged(third, "lit_road", "from_m").values()} == {"01-10"}


def test_less_than_half_is_a_new_gap_that_the_earlier_run_is_clear_of(nights):
    nights(0, *range(20, 1000, 20))
    figures = nights(1, *range(20, 500, 20))
    # C2 has had the road before both days, C1 took it over between them
    assert aged(figures, "lit_road", "from_m", chief="C2")[500] == ("01-20", False)
    assert aged(figures, "lit_road", "from_m", chief="C1")[500] == ("01-20", None)


def test_a_gap_that_stood_before_is_inherited_by_whom_took_over_since(nights):
    nights(0, 500)
    figures = nights(1, 500)
    assert aged(figures, "lit_road", "from_m", chief="C1")[0] == ("01-10", True)
    assert aged(figures, "lit_road", "from_m", chief="C2")[0] == ("01-10", None)
    # of several who answer for it one may have had it from its beginning
    assert aged(figures, "lit_road", "from_m")[0] == ("01-10", None)


def test_the_chiefs_page_marks_what_is_older_than_the_duty(nights):
    nights(0, 500)
    dark = [gap for gap in nights(1, 500, page="C1").gaps if gap.indicator == "lit_road"]
    assert [gap.place.zh for gap in dark] == [
        "0–480 米 · 接任前（2027-01-10起）", "520–1,000 米 · 接任前（2027-01-10起）",
    ]  # fmt: skip
    dark = [gap for gap in nights(2, 500, page="C2").gaps if gap.indicator == "lit_road"]
    assert [gap.place.en for gap in dark] == ["0–480 m", "520–1,000 m"]


def test_dead_ends_are_points_on_the_chiefs_page(nights):
    page = nights(1, 500, page="C1", duties=[{"holder": "C1", "road_name": "side"}])
    ends = [gap for gap in page.gaps if gap.indicator == "dead_ends"]
    assert sorted((gap.title.zh, gap.place.zh, gap.size.zh) for gap in ends) == [
        ("side", "0 米处", "100 米"), ("side", "100 米处", "100 米"),
    ]  # fmt: skip
    (group,) = [one for one in page.sheet.groups if one.id == ends[0].group]
    assert group.count == 2


def test_a_gap_that_was_closed_begins_anew(nights):
    nights(0, 500)
    nights(1, *range(20, 1000, 20))
    assert aged(nights(2, 500), "lit_road", "from_m")[0][0] == "01-30"


def test_runs_of_one_day_replace_one_another(nights):
    nights(0, *range(20, 1000, 20))
    nights(0, 500)
    assert aged(nights(1, 500), "lit_road", "from_m")[0][0] == "01-10"
    nights(1, *range(20, 1000, 20))
    assert aged(nights(2, 500), "lit_road", "from_m")[0] == ("01-30", False)


def test_areas_go_on_by_the_ground_that_they_share(nights):
    here = [{"toilet_id": "T1", "at": shapely.Point(500, 100)}]
    nights(0, 500, toilets=here)
    figures = nights(1, 500, toilets=[*here, {"toilet_id": "T2", "at": shapely.Point(900, 100)}])
    assert {since for since, _ in aged(figures, "toilet_area", "gap").values()} == {"01-10"}
    figures = nights(2, 500, toilets=[{"toilet_id": "T2", "at": shapely.Point(900, 100)}])
    rows = figures.gaps("toilet_area")
    # west of the second toilet three quarters of the ground stood before
    assert set(rows["since"].dt.strftime("%m-%d")) == {"01-10"}


def test_ends_units_and_shortages_go_on_by_themselves(nights):
    nights(0, 500)
    figures = nights(1, 500)
    for name in ("dead_ends", "grids_with_officer", "toilet_density"):
        assert {since for since, _ in aged(figures, name, "gap").values()} <= {"01-10"}, name
