import pytest

from gridsvc.intake.header import aside, find_header, forms, full_name, unmarked
from gridsvc.layers import fold

KNOWN = {fold(name) for name in ("编号", "责任人姓名", "责任人电话", "姓名", "道路名称", "起点")}


def names(rows, merges=()):
    header = find_header(rows, KNOWN, merges)
    return header.start, header.end, [full_name(path) for path in header.paths]


TWO_ROWS = [
    ["样例县责任清单", "", "", ""],
    ["编号", "责任人", "", "道路名称"],
    ["", "姓名", "电话", ""],
    ["001", "张三", "0370", "解放路"],
]
MERGES = [((0, 0), (0, 3)), ((1, 0), (2, 0)), ((1, 1), (1, 2)), ((1, 3), (2, 3))]


@pytest.mark.parametrize("merges", [MERGES, []], ids=["as merged", "as CSV has it"])
def test_a_header_of_two_rows_gives_each_column_its_path(merges):
    assert names(TWO_ROWS, merges) == (1, 3, ["编号", "责任人/姓名", "责任人/电话", "道路名称"])


def test_a_header_of_three_rows():
    rows = [
        ["编号", "责任", "", "", ""],
        ["", "责任人", "", "路段", ""],
        ["", "姓名", "电话", "道路名称", "起点"],
        ["1", "张三", "0370", "解放路", "0"],
    ]
    merges = [((0, 0), (2, 0)), ((0, 1), (0, 4)), ((1, 1), (1, 2)), ((1, 3), (1, 4))]
    assert names(rows, merges)[:2] == (0, 3)
    assert names(rows, merges)[2][1:3] == ["责任/责任人/姓名", "责任/责任人/电话"]


def test_headings_of_the_second_row_may_be_unknown_where_cells_are_merged():
    rows = [["编号", "姓名", "住址", ""], ["", "", "省", "市"], ["1", "张三", "河南", "商丘"]]
    merges = [((0, 0), (1, 0)), ((0, 1), (1, 1)), ((0, 2), (0, 3))]
    assert names(rows, merges) == (0, 2, ["编号", "姓名", "住址/省", "住址/市"])


def test_a_title_and_the_data_are_no_part_of_the_header():
    assert names([["清单", ""], ["编号", "姓名"], ["1", ""], ["", "张三"]])[:2] == (1, 2)


def test_a_group_that_tells_two_columns_of_one_name_apart_belongs_to_the_header():
    rows = [
        ["", "责任人", "", "联系人", ""],
        ["编号", "姓名", "电话", "姓名", "电话"],
        ["1", "张三", "1", "李四", "2"],
    ]
    merges = [((0, 1), (0, 2)), ((0, 3), (0, 4))]
    assert names(rows, merges)[2] == ["编号", "责任人/姓名", "责任人/电话", "联系人/姓名", "联系人/电话"]


def test_required_marks_and_units_do_not_hide_a_name():
    assert fold("路宽") in forms("*路宽（m）")
    assert fold("电话") in forms("电话（必填）")
    assert unmarked("编号＊") == "编号"
    assert aside("路宽/米") == ("路宽", "米")
    assert aside("（m）") == ("（m）", "")
