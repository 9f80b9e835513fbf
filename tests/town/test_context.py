"""Rule 8: a park or a lamp across the county's border counts as near, and is counted nowhere."""

import geopandas
import pytest
import shapely

box, point, line = shapely.box, shapely.Point, shapely.LineString
COUNTY = box(0, 0, 1000, 1000)
# a lane that starts at the county's western border, an own lamp and an own park far from it
PLACE = {
    "counties": [{"code": "990001", "name": "县", "at": COUNTY}],
    "zones": [{"code": "Z1", "kind": "built_up", "at": COUNTY}],
    "roads": [{"road_id": "K", "class": "lane", "width": 6, "at": line([(0, 500), (100, 500)])}],
    "lamps": [{"lamp_id": "L1", "state": "lit", "light_points": 2, "at": point(500, 900)}],
    "greenery": [{"green_id": "G1", "kind": "park", "at": box(900, 900, 920, 920)}],
    "buildings": [
        {"building_id": "H1", "population": 40, "at": point(10, 600)},
        {"building_id": "H2", "population": 60, "at": point(500, 300)},
    ],
}
# the neighbour numbers its things alike. Its park is 60 m from H1; its lamp lights K's first √(20² - 0²) - 12 = 8 m
BESIDE = {
    "greenery": [{"green_id": "G1", "kind": "park", "at": box(-60, 590, -50, 610)}],
    "lamps": [{"lamp_id": "L1", "state": "lit", "light_points": 7, "at": point(-12, 500)}],
    "roads": [{"road_id": "K", "class": "lane", "width": 6, "at": line([(-300, 500), (0, 500)])}],
}
TRIAL = """
[parks_by_kind]
title = { zh = "试验", en = "trial" }
definition = { zh = "试验", en = "trial" }
kind = "feature_near"
group = "green"
of = { layer = "buildings", weight = "population" }
near = { layer = "greenery", by = "near", field = "kind", distances = { park = 100 } }
source = "trial"
year = 2026
"""


@pytest.fixture(scope="module")
def alone(build):
    """The county without its neighbour. Shared: do not change it."""
    place = build(PLACE, TRIAL)
    place.compute()
    return place


@pytest.fixture(scope="module")
def beside(build):
    """The county with its neighbour's features. Shared: do not change it."""
    place = build(PLACE, TRIAL)
    for layer, rows in BESIDE.items():
        place.apply(layer, rows, context=True)
    place.compute()
    return place


def county(place, indicator):
    """Numerator and denominator of the county in base units."""
    row = place.figures().table(indicator=indicator).iloc[0]
    return float(row["numerator"]), float(row["denominator"])


@pytest.mark.parametrize(
    ("indicator", "without", "with_neighbour"),
    [
        ("green_people", (0, 100), (40, 100)),
        ("parks_by_kind", (0, 100), (40, 100)),
        ("lit_road", (0, 100), (8, 100)),
        ("lit_length", (0, 100), (8, 100)),
    ],
)
def test_what_lies_across_the_border_is_near(alone, beside, indicator, without, with_neighbour):
    assert county(alone, indicator) == pytest.approx(without, abs=1e-6)
    assert county(beside, indicator) == pytest.approx(with_neighbour, abs=1e-6)


def test_the_ground_within_reach_of_a_park_across_the_border_is_served(alone, beside):
    (before, whole), (after, same) = county(alone, "green_near"), county(beside, "green_near")
    assert whole == same == pytest.approx(1e6)
    # a strip 20 m high and 50 m deep, and two quarters of what a disc of 100 m reaches beyond a line 50 m off
    segment = 100**2 * 1.0471975511965976 - 50 * 7500**0.5
    assert after - before == pytest.approx(20 * 50 + segment, rel=1e-3)


@pytest.mark.parametrize(
    "indicator", ["lamps_burning", "road_density", "green_share", "machine_swept", "parking_bays"]
)
def test_counts_lengths_and_areas_do_not_know_the_neighbour(alone, beside, indicator):
    for kind in ("cell", "road", "chief", "outside"):
        assert beside.tallies(indicator, kind) == alone.tallies(indicator, kind)


def test_no_denominator_changes(alone, beside):
    names = ["indicator", "subject_kind", "subject"]
    before, after = (
        place.store.result("tallies").set_index(names)["denominator"].to_dict() for place in (alone, beside)
    )
    assert before == after


def test_the_neighbours_features_have_no_cells_roads_or_chiefs(alone, beside):
    for table in ("assignments", "stretches", "cells"):
        before, after = (place.store.result(table) for place in (alone, beside))
        assert before.drop(columns="geometry", errors="ignore").equals(
            after.drop(columns="geometry", errors="ignore")
        )


def test_an_observation_of_an_own_lamp_is_not_of_the_neighbours(build):
    place = build(PLACE)
    place.apply("lamps", BESIDE["lamps"], context=True)
    seen = {
        "layer": "lamps",
        "asset_key": "L1",
        "field": "state",
        "value": "dark",
        "observed_on": "2026-10-20",
    }
    place.apply("observations", [seen])
    place.compute()
    assert county(place, "lamps_burning") == (0, 2)
    assert county(place, "lit_length") == pytest.approx((8, 100), abs=1e-6)


def test_figures_follow_when_the_neighbours_features_are_loaded_and_undone(build):
    place = build(PLACE)
    loads = [place.apply("greenery", BESIDE["greenery"], context=True)]
    place.compute()
    assert county(place, "green_people")[0] == 40
    # the county's own parks are loaded again: the neighbour's stay
    place.apply("greenery", PLACE["greenery"])
    place.compute()
    assert county(place, "green_people")[0] == 40
    place.store.rollback(loads[0].id)
    place.compute()
    assert county(place, "green_people")[0] == 0


def test_a_layer_that_only_the_neighbour_has_is_not_loaded(build):
    place = build({name: rows for name, rows in PLACE.items() if name != "greenery"})
    place.apply("greenery", BESIDE["greenery"], context=True)
    place.compute()
    row = place.figures().table(indicator="green_people").iloc[0]
    assert (row["display"], row["reason_en"]) == ("—", "not loaded: Greenery")


def test_desktops_get_the_countys_own_features(beside):
    beside.store.publish_geopackage()
    path = beside.workspace.geopackage_path
    for layer in BESIDE:
        frame = geopandas.read_file(path, layer=layer)
        assert len(frame) == 1
        assert "context" not in frame
