"""Shapes as far as an extract goes: nothing bridged, nothing filled."""

import numpy as np
import pytest
import shapely

from gridsvc.intake.osm.extract import read_extract
from gridsvc.intake.osm.shapes import ExtractShapes
from gridsvc.intake.osm.tags import load_table

SIDE = 0.001**2


@pytest.fixture
def build(village, write):
    """Shape and completeness of one element of the village, by its key."""

    def builder(key, form="areas"):
        shapes = ExtractShapes(read_extract(write(village.xml()), load_table().keys))
        keys = [
            f"{kind}{number}" for kind, number in zip(shapes.tagged.kinds, shapes.tagged.ids, strict=True)
        ]
        built = getattr(shapes, form)(np.array([keys.index(key)]))
        return built.shapes[0], bool(built.incomplete[0])

    return builder


def test_a_line_is_cut_where_nodes_are_missing(village, build):
    village.way(9, [1, 2, 3, 4, 5], highway="primary")
    village.lose(3)
    line, incomplete = build("w9", "lines")
    assert incomplete
    assert line.geom_type == "MultiLineString"
    assert shapely.length(line) == pytest.approx(0.004)


def test_a_line_that_misses_an_end_is_shorter(village, build):
    village.lose(1)
    line, incomplete = build("w1", "lines")
    assert incomplete
    assert shapely.get_coordinates(line).tolist() == [[114.002, 34], [114.004, 34]]


def test_a_line_of_which_no_two_neighbours_are_there_is_none(village, build):
    village.lose(2)
    assert build("w1", "lines") == (None, True)


def test_a_ring_that_misses_a_node_is_no_area(village, build):
    village.lose(400)
    assert build("w40") == (None, True)


def test_a_way_that_does_not_close_is_a_line(village, build):
    village.way(50, [1, 2, 3, 6], building="yes")
    line, incomplete = build("w50")
    assert line.geom_type == "LineString"
    assert not incomplete


def test_a_node_is_a_point(build):
    assert build("n101") == (shapely.Point(114.001, 34), False)


def test_holes_are_left_open(build):
    area, incomplete = build("r6")
    assert area.area == pytest.approx(8 * SIDE)
    assert not incomplete


def test_an_island_in_a_hole_is_land(village, build):
    village.square(22, 1.25, 6.25, side=0.5)
    village.relation(
        7, [("w", 20, "outer"), ("w", 21, "inner"), ("w", 22, "outer")], type="multipolygon", landuse="grass"
    )
    area, _ = build("r7")
    assert area.area == pytest.approx(8.25 * SIDE)


def test_rings_are_joined_from_several_ways(village, build):
    village.way(60, [200, 201, 202])
    village.way(61, [200, 203, 202])
    village.relation(8, [("w", 60, "outer"), ("w", 61, "")], type="multipolygon", landuse="grass")
    area, incomplete = build("r8")
    assert area.area == pytest.approx(9 * SIDE)
    assert not incomplete


def test_of_two_outer_rings_the_one_that_closes_is_taken(village, build):
    village.relation(8, [("w", 20, "outer"), ("w", 999, "outer")], type="multipolygon", landuse="grass")
    area, incomplete = build("r8")
    assert area.area == pytest.approx(9 * SIDE)
    assert incomplete


def test_without_one_of_its_holes_there_is_no_area(village, build):
    village.lose(210)
    assert build("r6") == (None, True)


def test_without_an_outer_ring_its_hole_is_not_filled(village, build):
    village.relation(
        8,
        [("w", 40, "outer"), ("w", 999, "outer"), ("w", 21, "inner")],
        type="multipolygon",
        landuse="grass",
    )
    area, incomplete = build("r8")
    assert area.area == pytest.approx(SIDE)
    assert incomplete


def test_an_area_without_any_way_is_none(village, build):
    village.relation(8, [("n", 1, "label")], type="multipolygon", landuse="grass")
    assert build("r8") == (None, True)
