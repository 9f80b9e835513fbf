import numpy as np
import pytest
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.intake.angles import both, coordinate
from gridsvc.intake.delivery import Column
from gridsvc.intake.positions import coordinate_columns, find_positions, named_system
from gridsvc.intake.problems import Problems
from gridsvc.intake.values import Fault

# 116° 23' 12.5" is 116 + 23/60 + 12.5/3600
LON = 116.38680555555556


def columns(**cells):
    return {name: Column.of_cells(lambda values=values: values) for name, values in cells.items()}


def found(points=True, **cells):
    return find_positions("f", columns(**cells), {}, points=points)


@pytest.mark.parametrize(
    "text",
    [
        "116.38680555555556",
        "116°23′12.5″E",
        "116°23'12.5\"",
        "116°23’12.5”",
        "116º23´12.5''",
        "116 ° 23 ′ 12.5 ″",
        "116度23分12.5秒",
        "东经116°23′12.5″",
        "经度：116°23′12.5″",
        "E116°23′12.5″",
        "１１６°２３′１２.５″",
        "116:23:12.5",
        "116 23 12.5",
        "116°23.2083333333333′",
        "116.38680555555556°",
        "116.38680555555556 E",
    ],
)
def test_a_longitude_in_the_ways_people_write_it(text):
    assert coordinate(text, "x") == pytest.approx(LON, abs=1e-12)


@pytest.mark.parametrize(("text", "number"), [("南纬34°30′", -34.5), ("34°30′S", -34.5), ("-34°30′", -34.5)])
def test_south_and_west_are_negative(text, number):
    assert coordinate(text, "y") == number


@pytest.mark.parametrize(
    "text", ["116°61′00″", "116°23′60″", "181°00′00″", "N34°30′", "116;23", "东侧", "1162312E4x"]
)
def test_what_is_no_longitude_is_a_fault(text):
    with pytest.raises(Fault):
        coordinate(text, "x")


@pytest.mark.parametrize("text", ["", "-", "—", "无数据"[:0]])
def test_an_empty_cell_is_no_coordinate(text):
    assert coordinate(text, "x") is None


@pytest.mark.parametrize(
    "text",
    [
        "116.4,39.9",
        "116.4，39.9",
        "(116.4, 39.9)",
        "116.4 39.9",
        "116.4;39.9",
        "39.9N 116.4E",
        "北纬39.9°，东经116.4°",
    ],
)
def test_both_coordinates_in_one_cell(text):
    assert both(text) == (116.4, 39.9)


def test_the_heading_tells_which_of_both_comes_first():
    for heading in ("纬度,经度", "纬度/经度", "latlng"):
        assert found(**{heading: ["39.9,116.4"]}).shapes[0] == shapely.Point(116.4, 39.9)
    assert found(**{"经纬度": ["116.4,39.9"]}).shapes[0] == shapely.Point(116.4, 39.9)


def test_a_cell_with_one_number_is_no_pair():
    positions = found(**{"坐标": ["116.4,39.9", "116.4", None, "116.5,39.8"]})
    assert list(positions.faults) == [1]
    problems = Problems(4)
    positions.report(problems)
    assert {code: text.en for code, text, _ in (row[0] for row in problems.by_row().values())} == {
        "unreadable_geometry": "column '坐标': '116.4' is not a pair of coordinates",
        "no_geometry": "the row has no position in 坐标",
    }


def test_a_column_of_addresses_is_no_column_of_positions():
    assert found(location=["解放路东", "人民路口", "34.5"]) is None


def test_faults_name_column_and_cell():
    positions = found(经度=["116°23′", "116°75′"], 纬度=["39°", "39°"])
    assert positions.faults[1].en == "column '经度': '116°75′' has minutes or seconds of 60 or more"
    assert "列“经度”" in positions.faults[1].zh
    assert positions.shapes[0] == shapely.Point(116 + 23 / 60, 39)


@pytest.mark.parametrize(("x", "y"), [(1162312.0, 395412.0), ("1162312.5", "395412.5")])
def test_degrees_minutes_and_seconds_run_together_are_not_guessed(x, y):
    with pytest.raises(InputRefusedError, match="run together"):
        found(经度=[x], 纬度=[y])


def test_metres_are_no_packed_degrees():
    positions = found(x=[500_000.0, 450_123.4], y=[3_820_000.0, 3_821_000.0])
    assert shapely.get_coordinates(positions.shapes).tolist() == [
        [500_000, 3_820_000],
        [450_123.4, 3_821_000],
    ]


def test_shapes_written_as_wkt_are_read_for_any_layer():
    positions = found(points=False, wkt=["LINESTRING (0 0, 1 1)", "LINESTRING (0", None])
    assert positions.shapes[0].length == pytest.approx(2**0.5)
    assert list(positions.faults) == [1]
    assert found(points=False, 经度=[1], 纬度=[2]) is None


def test_a_text_column_called_shape_is_passed_over():
    positions = found(Shape=["点", "点"], 经度=[1, 2], 纬度=[3, 4])
    assert positions.used == ("经度", "纬度")


def test_columns_with_positions_whatever_marks_and_units_they_bear():
    assert coordinate_columns(["名称", "经度*", "纬度（°）"]) == ("经度*", "纬度（°）")
    paths = {"坐标/X": ("坐标", "X"), "坐标/Y": ("坐标", "Y")}
    assert coordinate_columns(["编号", "坐标/X", "坐标/Y"], paths) == ("坐标/X", "坐标/Y")


def test_rows_of_one_spelling_share_it():
    positions = found(经度=["116.4", "116.4", None], 纬度=["39.9", None, "39.9"])
    assert shapely.is_missing(positions.shapes).tolist() == [False, True, True]
    assert not positions.faults
    assert np.array_equal(shapely.get_coordinates(positions.shapes), [[116.4, 39.9]])


@pytest.mark.parametrize(
    ("heading", "code"), [("经度（CGCS2000）*", 4490), ("lon (WGS-84)", 4326), ("经度", None)]
)
def test_a_heading_may_name_its_system(heading, code):
    crs, how = named_system(heading)
    assert (crs.to_epsg() if crs else None) == code
    assert (how is None) == (code is None)


def test_a_heading_that_names_a_shifted_system_only_asks():
    crs, note = named_system("经度（火星坐标）")
    assert crs is None
    assert "--crs GCJ02" in note.en
