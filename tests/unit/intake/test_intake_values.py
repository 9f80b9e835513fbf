from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridsvc.intake.delivery import Column, cell_text
from gridsvc.intake.values import Fault, constant, parse, repeated
from gridsvc.layers import Field
from gridsvc.text import bilingual


def field(kind, **more):
    return Field(type=kind, title=bilingual("Field", "字段"), **more)


def values(spec, cells, **more):
    parsed = parse(spec, Column.of_cells(lambda: cells), **more)
    return [None if pd.isna(value) else value for value in parsed.values], (parsed.fault >= 0).tolist()


STATE = field(
    "text",
    graded=True,
    values=(
        {"value": "lit", "zh": "亮", "en": "Burning", "aliases": ("正常",)},
        {"value": "dark", "zh": "灭", "en": "Dark"},
        {"value": "1", "zh": "一级", "en": "First level"},
    ),
)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (150103.0, "150103"),
        (150103, "150103"),
        (12.5, "12.5"),
        (123456789012345.0, "123456789012345"),
        (True, "true"),
        (None, None),
        (float("nan"), None),
        (datetime(2026, 11, 3), "2026-11-03"),
        (datetime(2026, 11, 3, 8, 30), "2026-11-03 08:30:00"),
        ("0012", "0012"),
    ],
)
def test_cells_become_text_without_losing_a_digit(cell, text):
    assert cell_text(cell) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_cell_keeps_its_exact_value(number):
    assert float(cell_text(number)) == number


def test_codes_stay_text_with_leading_zeros_and_full_width_digits_made_plain():
    cells = ["0012", "００１３", " L－１ ", "150103.0", "'007", '="008"']
    found, faulty = values(field("text"), cells, key=True)
    assert found == ["0012", "0013", "L-1", "150103", "007", "008"]
    assert not any(faulty)


def test_plain_text_keeps_its_punctuation():
    assert values(field("text"), ["人民路（北段）", "a\nb", "<Null>", "１２号"])[0] == [
        "人民路（北段）",
        "a b",
        None,
        "12号",
    ]


@pytest.mark.parametrize("cell", [1.10101199003077e17, "1.10101E+17", 1e17])
def test_a_number_that_lost_its_digits_is_no_code(cell):
    assert values(field("text"), [cell]) == ([None], [True])


def test_numbers_in_the_ways_people_write_them():
    spec = field("number", unit="m")
    cells = ["12", "１２.5", "1,234.5", "12米", "12 m", "K1+200", "-", "", "约8米", "1e999", "inf"]
    found, faulty = values(spec, cells)
    assert found == [12.0, 12.5, 1234.5, 12.0, 12.0, 1200.0, None, None, None, None, None]
    assert faulty == [False] * 8 + [True] * 3


def test_whole_numbers_are_whole():
    found, faulty = values(field("integer", unit="盏"), ["2", 2.0, "3盏", "2.5", "9007199254740993"])
    assert found == [2, 2, 3, None, None]
    assert faulty == [False, False, False, True, True]


def test_values_out_of_range_are_faults_of_their_own():
    parsed = parse(field("number", minimum=1, maximum=60), Column.of_cells(lambda: ["0", "60", "61"]))
    assert [fault.code for fault in parsed.faults] == ["range", "range"]
    assert "61 is outside 1…60" in parsed.faults[1].text.en


@pytest.mark.parametrize("cell", ["是", "有", "Y", "yes", "1", 1.0, True, "TRUE", "√"])
def test_yes(cell):
    assert values(field("boolean"), [cell]) == ([True], [False])


@pytest.mark.parametrize("cell", ["否", "无", "N", "no", "0", 0.0, False, "false", "×"])
def test_no(cell):
    assert values(field("boolean"), [cell]) == ([False], [False])


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-03",
        "2026/11/3",
        "2026.11.03",
        "2026年11月3日",
        "20261103",
        "２０２６年１１月３日",
        46329,
        46329.75,
        "2026-11-03 21:30",
        "2026-11-03T21:30:00+08:00",
        datetime(2026, 11, 3, 8),
        1793664000000,
    ],
)
def test_dates_in_the_ways_people_write_them(cell):
    found, faulty = values(field("date"), [cell])
    assert (str(found[0])[:10], faulty) == ("2026-11-03", [False])


@pytest.mark.parametrize(
    "moment", ["1772640000000", "2026-03-04T16:00:00Z", "2026-03-05T00:00:00+08:00", "2026-03-05T00:00:00Z"]
)
def test_a_moment_is_dated_as_in_china(moment):
    found, faulty = values(field("date"), [moment])
    assert (str(found[0])[:10], faulty) == ("2026-03-05", [False])


@pytest.mark.parametrize("cell", ["2026-13-01", "2026年11月", "3.11.2026", "昨天", "7"])
def test_what_is_no_date_is_a_fault(cell):
    assert values(field("date"), [cell])[1] == [True]


def test_allowed_values_by_any_spelling():
    found, faulty = values(STATE, ["lit", "亮", "BURNING", " 正常 ", 1.0, "", "/", "坏"])
    assert found == ["lit", "lit", "lit", "lit", "1", None, None, None]
    assert faulty == [False] * 7 + [True]


def test_a_fault_names_the_allowed_spellings():
    parsed = parse(STATE, Column.of_cells(lambda: ["坏"]))
    assert "亮/lit, 灭/dark" in parsed.faults[0].text.en
    assert "坏" in parsed.faults[0].text.zh


def test_a_default_fills_empty_cells_only():
    found, _ = values(field("integer", default=1), ["", "3", "x"])
    assert found == [1, 3, None]


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("text", "object"),
        ("integer", "Int64"),
        ("number", "float64"),
        ("boolean", "boolean"),
        ("date", "datetime64[s]"),
    ],
)
def test_dtypes_do_not_depend_on_the_content(kind, dtype):
    for cells in (["", ""], ["1", ""]):
        assert str(parse(field(kind), Column.of_cells(lambda c=cells: c)).values.dtype) == dtype
    assert str(repeated(field(kind), None, 2).dtype) == dtype


def test_a_constant_is_parsed_like_a_cell():
    assert constant(STATE, "亮") == "lit"
    with pytest.raises(Fault):
        constant(STATE, "金")


def test_a_numeric_array_becomes_a_column_of_text():
    column = Column.of_array(np.array([1.0, np.nan, 2.5]))
    assert column.cells(np.arange(3)) == ["1", None, "2.5"]


def test_a_cell_that_says_null_takes_the_default_as_an_empty_one_does():
    spec = field("integer", default=3)
    assert values(spec, ["", "<Null>", "-", "5"]) == ([3, 3, 3, 5], [False] * 4)


@pytest.mark.parametrize(
    ("cell", "metres"), [("1.2km", 1200), ("1.2 公里", 1200), ("12公尺", 12), ("12M", 12)]
)
def test_a_number_may_be_in_another_unit_of_length(cell, metres):
    assert values(field("number", unit="m"), [cell]) == ([metres], [False])


def test_percent_is_percent():
    assert values(field("number", unit="%"), ["25%", "２５％", "25"]) == ([25, 25, 25], [False] * 3)
    assert values(field("number"), ["25%"])[1] == [True]


@pytest.mark.parametrize("kind", ["text", "number", "date", "boolean", "integer"])
def test_the_error_of_a_formula_is_a_fault_and_no_empty_cell(kind):
    parsed = parse(field(kind), Column.of_cells(lambda: ["#REF!", "#N/A"]))
    assert [fault.text.en for fault in parsed.faults] == [
        "#REF! is an error of the spreadsheet",
        "#N/A is an error of the spreadsheet",
    ]


def test_a_text_that_begins_with_a_number_sign_is_no_error():
    assert values(field("text"), ["#1灯杆"]) == (["#1灯杆"], [False])


def test_day_numbers_of_a_workbook_that_counts_from_1904():
    assert str(values(field("date"), [44867], from_1904=True)[0][0])[:10] == "2026-11-03"


@pytest.mark.parametrize("cell", ["'=HYPERLINK(1)", "'13800000001"])
def test_the_apostrophe_that_guards_a_text_is_no_part_of_it(cell):
    assert values(field("text"), [cell]) == ([cell[1:]], [False])


def test_an_apostrophe_before_a_word_stays():
    assert values(field("text"), ["'t Hof"]) == (["'t Hof"], [False])
