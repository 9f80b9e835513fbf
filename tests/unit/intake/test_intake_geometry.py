import numpy as np
import pandas as pd
import pytest
import shapely

from gridsvc.codes import CodeLayout
from gridsvc.errors import InputRefusedError
from gridsvc.intake.geometry import check_presence, check_shape, check_types, dimensions, unify
from gridsvc.intake.keys import check_codes, make_keys, repeats
from gridsvc.intake.problems import Problems


def shapes(*wkt):
    return np.array([shapely.from_wkt(text) if text else None for text in wkt], dtype=object)


def found(problems):
    return [(problem.code, problem.positions.tolist()) for problem in problems.found]


def test_missing_empty_and_unreadable_shapes_are_told_apart():
    problems = Problems(3)
    check_presence(shapes(None, "POINT EMPTY", None), np.array([False, False, True]), problems)
    assert found(problems) == [("no_geometry", [0, 1]), ("unreadable_geometry", [2])]


def test_one_feature_has_one_form_whatever_format_it_came_in():
    same = unify(
        shapes("POINT Z (1 2 3)", "MULTIPOINT ((1 2))", "GEOMETRYCOLLECTION (POINT (1 2))", "POINT (1 2)")
    )
    assert {shape.wkt for shape in same} == {"POINT (1 2)"}
    assert (
        unify(shapes("GEOMETRYCOLLECTION (POINT (1 2), MULTIPOINT ((3 4)))"))[0].wkt
        == "MULTIPOINT ((1 2), (3 4))"
    )
    assert unify(shapes("LINEARRING (0 0, 1 1, 1 0, 0 0)"))[0].geom_type == "LineString"


def test_dimensions_of_collections():
    assert dimensions(
        shapes(
            "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (POINT (1 2)))",
            "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))",
            "MULTILINESTRING ((0 0, 1 1))",
            None,
        )
    ).tolist() == [0, -1, 1, -1]


def test_shapes_of_the_wrong_type_are_told(layers):
    problems = Problems(4)
    given = shapes("POINT (1 2)", "LINESTRING (0 0, 1 1)", "MULTIPOINT ((1 2), (3 4))", "MULTIPOINT ((1 2))")
    check_types(layers["lamps"], given, np.arange(4), problems)
    assert found(problems) == [("geometry_type", [1]), ("several_points", [2])]
    assert "it is a line; the layer takes points" in problems.found[0].texts[0].en


def test_lines_of_several_parts_are_kept(layers):
    problems = Problems(1)
    check_types(layers["roads"], shapes("MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))"), np.arange(1), problems)
    assert not problems.found


def test_both_halves_of_a_bow_tie_are_kept():
    problems = Problems(1)
    mended, repair = check_shape(shapes("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))"), np.arange(1), problems)
    assert (shapely.is_valid(mended).all(), mended[0].area) == (True, 2.0)
    assert repair.positions.tolist() == [0]
    assert not problems.found


def test_a_repair_keeps_polygons_only():
    # a spike and a pinched ring: the rest of a repair are lines
    mended, _ = check_shape(
        shapes("POLYGON ((0 0, 4 0, 4 4, 2 4, 2 5, 2 4, 0 4, 0 0))"), np.arange(1), Problems(1)
    )
    assert (mended[0].geom_type, mended[0].area) == ("Polygon", 16.0)


def test_an_area_that_is_not_certain_is_not_guessed():
    problems = Problems(1)
    overlapping = "MULTIPOLYGON (((0 0, 2 0, 2 2, 0 2, 0 0)), ((1 1, 3 1, 3 3, 1 3, 1 1)))"
    check_shape(shapes(overlapping), np.arange(1), problems)
    assert found(problems) == [("invalid", [0])]


def test_shapes_without_length_or_area_are_told():
    problems = Problems(3)
    given = shapes(
        "LINESTRING (1 1, 1 1)", "POLYGON ((0 0, 1 1, 2 2, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))"
    )
    check_shape(given, np.arange(3), problems)
    assert found(problems) == [("degenerate", [0]), ("degenerate", [1])]


def test_keys_of_one_and_of_several_fields(layers):
    frame = pd.DataFrame(
        {
            "road_id": ["a", "b|c", None],
            "from_m": [0.0, 12.5, np.nan],
            "to_m": [10.0, np.nan, np.nan],
            "unit_code": ["1", "2", None],
        }
    ).astype({"road_id": object, "unit_code": object})
    assert make_keys(layers["road_shares"], frame).tolist() == ["a|0|10|1", "b\\|c|12.5||2", ""]
    lamps = pd.DataFrame({"lamp_id": pd.Series(["1", None], dtype=object)})
    assert make_keys(layers["lamps"], lamps).tolist() == ["1", ""]


def test_repeats_are_identical_or_not():
    frame = pd.DataFrame(
        {
            "n": pd.array([1, 1, 2, None, None], dtype="Int64"),
            "geometry": np.array(shapely.points([1, 1, 1, 1, 2], [0] * 5), dtype=object),
        }
    )
    keys = np.array(["a", "a", "a", "b", "b"], dtype=object)
    same, different, first = repeats(frame, keys, np.arange(5))
    assert (same.tolist(), different.tolist(), first.tolist()) == ([1], [2, 4], [0, 3])


def test_only_candidates_count_as_repeats():
    frame = pd.DataFrame({"n": [1, 2, 2]})
    keys = np.array(["a", "a", "a"], dtype=object)
    same, different, _ = repeats(frame, keys, np.array([1, 2]))
    assert (same.tolist(), different.tolist()) == ([2], [])


def units(layers, codes, parents, level="districts"):
    problems = Problems(len(codes))
    array = np.array(codes, dtype=object)
    check_codes(layers[level], CodeLayout(), array, np.arange(len(codes)), parents, "counties", problems)
    return problems


def test_codes_of_the_wrong_length_and_orphans_are_told(layers):
    problems = units(layers, ["419900001", "4199", "419900ABC", "510000001"], {"419900"})
    assert found(problems) == [("code", [1, 2]), ("parent", [3])]
    assert "510000001: its parent 510000 is not in counties" in problems.found[1].texts[0].en


def test_counties_need_no_parent(layers):
    assert not units(layers, ["419900"], None, "counties").found


def test_a_layer_without_any_parent_is_refused(layers):
    with pytest.raises(InputRefusedError, match=r"none of the 1 codes.*load counties first"):
        units(layers, ["419900001"], set())
    with pytest.raises(InputRefusedError, match=r"9 digits \(6\+3\).*code_layout"):
        units(layers, ["1", "2"], {"419900"})


def test_keys_of_several_fields_never_meet(layers):
    frame = pd.DataFrame({"road_id": ["a|b\\", "a\\"], "unit_code": ["c", "b|c"]}, dtype=object)
    layer = layers["road_shares"].model_copy(update={"key": ("road_id", "unit_code")})
    assert len(set(make_keys(layer, frame))) == 2
