"""Features of neighbouring counties: taken from nearby, left out where they are the county's own."""

import numpy as np
import pytest
import shapely

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake import NothingAcceptedError
from gridsvc.store import open_store

EAST, NORTH = 500_000.0, 3_820_000.0


@pytest.fixture
def county(load, shapefile):
    """A county of 1 km."""
    load(
        "counties",
        shapefile(
            "c", {"code": ["990001"], "name": ["县"]}, [shapely.box(EAST, NORTH, EAST + 1000, NORTH + 1000)]
        ),
    )


@pytest.fixture
def lamps(shapefile):
    """A shapefile of lamps at metres east of the county's western border."""

    def write(*metres, **columns):
        numbers = [f"L{number}" for number in range(len(metres))]
        points = shapely.points(EAST + np.array(metres, dtype=float), np.full(len(metres), NORTH + 500.0))
        return shapefile("lamps", {"编号": numbers, **columns}, points)

    return write


@pytest.fixture
def beside(workspace, layers):
    """What is stored of neighbours, by the number that the neighbour gave it."""

    def read(layer="lamps", name="lamp_id"):
        with open_store(workspace, layers) as store:
            return store.read(layer, context=True)[name].tolist()

    return read


def test_neighbours_features_are_taken_from_five_kilometres_around(county, load, lamps, beside):
    # the last two lie 5.01 km west and 5.2 km east of the county's box, the one before them in the county
    report = load("lamps", lamps(-10, -4900, 5990, 500, -5010, 6200), context=True)
    counts = {name: number for name, number in report.counts.items() if number}
    assert counts == {"added": 3, "within": 1, "beyond": 2}
    assert sum(counts.values()) == report.rows_read
    assert beside() == ["L0", "L1", "L2"]
    assert load.read("lamps").empty
    assert load.loads()[-1].other == {"beyond": 2, "within": 1}
    assert report.to_dict()["context"]


def test_a_row_that_is_left_out_does_not_wait_whatever_is_wrong_with_it(county, load, lamps):
    report = load("lamps", lamps(-10, 500, -10, 9000, 灯头数=["1", "-5", "-5", "-5"]), context=True)
    counts = {name: number for name, number in report.counts.items() if number}
    assert counts == {"added": 1, "within": 1, "quarantined": 1, "beyond": 1}


def test_own_and_neighbours_loads_do_not_end_each_other(county, load, lamps, beside):
    load("lamps", lamps(100, 200))
    digest = load.digest()
    assert load("lamps", lamps(-10), context=True).ended == 0
    assert load.digest() == digest
    assert load("lamps", lamps(100)).ended == 1
    assert beside() == ["L0"]
    assert load("lamps", lamps(-20), context=True).counts["changed"] == 1


def test_a_dry_run_foretells_what_a_neighbours_load_does(county, load, lamps):
    load("lamps", lamps(100, 200))
    load("lamps", lamps(-10, -20), context=True)
    file = lamps(-10)
    foretold = load("lamps", file, context=True, dry_run=True)
    done = load("lamps", file, context=True)
    assert (foretold.counts, foretold.ended) == (done.counts, done.ended)
    assert (done.counts["unchanged"], done.ended) == (1, 1)


def test_appending_looks_at_neighbours_numbers_only(county, load, lamps, beside):
    load("lamps", lamps(100))
    assert load("lamps", lamps(-10), context=True, mode="append").counts["added"] == 1
    with pytest.raises(NothingAcceptedError, match="key is in the store already"):
        load("lamps", lamps(-10), context=True, mode="append")


def test_a_road_across_the_border_is_kept_and_one_inside_is_not(county, load, shapefile, beside):
    def road(start, end):
        return shapely.LineString([(EAST + start, NORTH + 500), (EAST + end, NORTH + 500)])

    # most of the first lies in the county
    shapes = [road(-100, 900), road(0, 1000), road(-500, -10)]
    columns = {"road_id": ["A", "B", "C"], "class": ["lane"] * 3}
    report = load("roads", shapefile("roads", columns, shapes), context=True)
    assert (report.counts["added"], report.counts["within"]) == (2, 1)
    assert beside("roads", "road_id") == ["A", "C"]


def test_a_park_across_the_border_belongs_to_where_a_point_on_it_lies(county, load, shapefile, beside):
    boxes = [shapely.box(EAST + west, NORTH, EAST + west + 100, NORTH + 100) for west in (-80, -20)]
    report = load("greenery", shapefile("green", {"green_id": ["A", "B"]}, boxes), context=True)
    assert report.counts["within"] == 1
    assert beside("greenery", "green_id") == ["A"]


def test_without_a_feature_of_a_near_neighbour_nothing_is_stored(county, load, lamps):
    with pytest.raises(
        InputRefusedError, match="0 lie more than 5 km from the county's box, 2 in the county itself"
    ):
        load("lamps", lamps(100, 200), context=True)
    # all of it farther: taken for another coordinate system
    with pytest.raises(InputRefusedError, match="nothing of it lies in or near the county"):
        load("lamps", lamps(9000), context=True)
    assert len(load.loads()) == 1


@pytest.mark.parametrize("layer", ["counties", "grids", "zones", "duties", "lineage"])
def test_units_zones_and_tables_take_no_context(load, layer, tmp_path):
    with pytest.raises(UsageError, match="takes no features of neighbouring counties") as refusal:
        load(layer, tmp_path / "none.shp", context=True)
    assert "邻县" in refusal.value.text.zh


def test_without_a_county_there_is_nothing_to_be_beside(load, lamps):
    with pytest.raises(UsageError, match="load counties first"):
        load("lamps", lamps(-10), context=True)
