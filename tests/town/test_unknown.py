"""Rule 4: no data is not zero, and what is not known is in neither side of a share."""

import pytest
import shapely

HEAD = """
title = {{ zh = "试验", en = "trial" }}
definition = {{ zh = "试验", en = "trial" }}
group = "green"
source = "trial"
year = 2026
{}
"""
TRIALS = {
    "by_own_class": """kind = "length_near"
of = { layer = "roads" }
near = { layer = "lamps", by = "of", field = "class", distances = { lane = 20 } }""",
    "by_target": """kind = "length_near"
of = { layer = "roads" }
near = { layer = "greenery", by = "near", field = "kind", distances = { park = 50, roadside = 10 } }""",
    "houses_by_target": """kind = "feature_near"
of = { layer = "buildings" }
near = { layer = "greenery", by = "near", field = "kind", distances = { park = 50, roadside = 10 } }""",
    "houses_by_use": """kind = "feature_near"
of = { layer = "buildings" }
near = { layer = "greenery", by = "of", field = "use", distances = { school = 300 } }""",
    "ground_by_target": """kind = "area_near"
near = { layer = "greenery", by = "near", field = "kind", distances = { park = 50, roadside = 10 } }""",
    "parks": """kind = "area_share"
of = { layer = "greenery", where = { kind = ["park"] } }""",
    "parks_on_green": """kind = "area_share"
of = { layer = "greenery", where = { kind = ["park"] } }
base = { layer = "greenery" }""",
    "near_on_green": """kind = "area_near"
near = { layer = "lamps", distance = 5 }
base = { layer = "greenery" }""",
    "green_per_head": """kind = "density"
of = { layer = "greenery" }
measure = "area"
per = "weight"
per_of = { layer = "buildings", weight = "population" }
unit = "m²"
factor = 1""",
}
box = shapely.box
COUNTY = {"counties": [{"code": "990001", "name": "县", "at": box(0, 0, 1000, 1000)}]}
PLACE = {
    **COUNTY,
    "roads": [
        {"road_id": "K", "class": "lane", "at": shapely.LineString([(0, 500), (100, 500)])},
        {"road_id": "U", "at": shapely.LineString([(0, 600), (100, 600)])},
    ],
    "lamps": [{"lamp_id": "L", "at": shapely.Point(50, 512)}],
    "greenery": [
        # a park 30 m from K's first 20 m, and green of a kind not known 5 m from K's last 40 m
        {"green_id": "P", "kind": "park", "at": box(0, 450, 20, 470)},
        {"green_id": "Q", "at": box(60, 505, 100, 515)},
        {"green_id": "R", "kind": "roadside", "at": box(800, 800, 810, 810)},
    ],
    "buildings": [
        {"building_id": "near", "use": "school", "population": 10, "at": shapely.Point(10, 480)},
        {"building_id": "maybe", "population": 30, "at": shapely.Point(80, 520)},
        {"building_id": "far", "use": "school", "at": shapely.Point(500, 100)},
    ],
}


@pytest.fixture(scope="module")
def place(build):
    text = "\n".join(f"[{name}]\n{HEAD.format(body)}" for name, body in TRIALS.items())
    place = build(PLACE, definitions=text)
    place.compute()
    return place


def county(place, name):
    return place.tallies(name, "cell")["990001*"]


def test_a_road_whose_class_is_not_known_has_no_distance(place):
    assert county(place, "by_own_class") == (32, 100, 100, 0)


def test_a_target_whose_kind_is_not_known_may_be_near(place):
    # the park reaches √(50² − 30²) = 40 m beyond its 20; Q would reach the other 40 m of K if it were a park
    assert county(place, "by_target") == pytest.approx((60, 160, 40, 0), abs=1e-6)


def test_features_near_what_is_not_known_are_not_known(place):
    assert county(place, "houses_by_target") == (1, 2, 1, 0)


def test_a_feature_whose_own_field_is_not_known_has_no_distance(place):
    # the far school is 500 m from everything
    assert county(place, "houses_by_use") == (1, 2, 1, 0)


def test_area_near_what_is_not_known_is_not_known(place):
    numerator, denominator, unknown, _ = county(place, "ground_by_target")
    assert numerator > 0
    assert unknown > 0
    assert denominator + unknown == 1_000_000


def test_area_that_may_be_counted_is_not_known(place):
    assert county(place, "parks") == (400, 1_000_000 - 400, 400, 0)


def test_area_is_counted_on_its_base_only(place):
    assert county(place, "parks_on_green") == (400, 500, 400, 0)
    assert county(place, "near_on_green") == (0, 900, 0, 0)


def test_a_density_of_area_is_not_a_chiefs(place):
    row = place.figures().table(indicator="green_per_head").iloc[0]
    assert (row["numerator"], row["denominator"], row["display"]) == (900, 40, "22.50")
    assert place.tallies("green_per_head", "chief") == {}
    assert "persons" in place.figures().table(indicator="green_per_head", chief="C1").iloc[0]["reason_en"]


def test_a_layer_that_was_never_loaded_gives_no_value_but_a_reason(place):
    row = place.figures().table(indicator="flush_toilets").iloc[0]
    assert (row["display"], row["reason_en"], row["reason_zh"]) == (
        "—", "not loaded: Public toilets", "图层未入库：公厕",
    )  # fmt: skip
    assert row["met"] is not False


def test_without_duties_nobody_is_said_to_be_irresponsible(place):
    row = place.figures().table(indicator="roads_with_chief").iloc[0]
    assert (row["display"], row["reason_en"]) == ("—", "not loaded: Duties, Road chiefs")


def test_a_layer_whose_load_was_undone_counts_as_not_loaded(build):
    place = build(PLACE)
    place.store.rollback(place.store.loads("lamps")[-1].id)
    place.compute()
    assert place.figures().table(indicator="lamps_burning").iloc[0]["reason_en"] == "not loaded: Street lamps"


def test_a_unit_outside_the_zone_says_so(figures, code):
    rows = figures.table(level="district", indicator="lit_road").set_index("subject")
    assert rows.loc[code.D, "display"] == "18.71"
    rest = figures.table(level="grid", indicator="lit_road").set_index("subject").loc[code.D + "*"]
    assert (rest["display"], rest["reason_en"]) == ("—", "no part of it lies in the zone “Built-up area”")
    assert rest["reason_zh"] == "不在“建成区”范围内"


def test_everything_exempt_gives_no_value_but_a_reason(build):
    exempt = [{"layer": "路灯", "feature_key": "L", "reason": "outage", "document": "1"}]
    place = build({**PLACE, "exemptions": exempt})
    place.compute()
    row = place.figures().table(indicator="lamps_burning").iloc[0]
    assert (row["display"], row["reason_en"]) == ("—", "everything here is exempt")
