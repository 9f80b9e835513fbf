from datetime import date

import pytest

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import DataSet
from gridsvc.intake.header import find_header
from gridsvc.intake.tables import read_csv, read_sheet
from gridsvc.layers import fold

KNOWN = {fold(name) for name in ("编号", "姓名", "电话", "任职日期")}


def sheet(path, name="路长"):
    return read_sheet(DataSet(path, "xlsx", name, path.name), KNOWN)


def text_table(path, forced=None):
    return read_csv(DataSet(path, "csv", path.stem, path.name), forced, KNOWN)


OFFICE = [
    ["样例县路长名录"],
    ["填报单位：城管局"],
    ["序号", "编号", "姓 名", "电话", "任职\n日期"],
    [1, "001", "张三", 13800000001, date(2026, 3, 1)],
    [],
    [2, "002", "李四", "０３７０", None],
    ["合计 2 人", None, None, None, None],
    ["备注：以上为虚构", None, None, None, None],
]


def test_the_header_is_found_below_merged_titles_and_rows_keep_their_numbers(workbook):
    found = sheet(workbook("a", 路长=OFFICE))
    assert list(found.columns) == ["序号", "编号", "姓 名", "电话", "任职 日期"]
    assert found.rows.tolist() == [4, 6]
    assert found.columns["编号"].cells([0, 1]) == ["001", "002"]
    assert found.columns["电话"].cells([0, 1]) == ["13800000001", "０３７０"]
    assert found.columns["任职 日期"].cells([0, 1]) == ["2026-03-01", None]


def test_totals_and_notes_are_left_out_with_their_rows(workbook):
    found = sheet(workbook("a", 路长=OFFICE))
    assert [(left.row, left.text[:3]) for left in found.left_out] == [(7, "合计 "), (8, "备注：")]


def test_rows_that_only_count_and_repeated_headers_are_left_out(workbook):
    rows = [["序号", "编号", "姓名"], [1, "001", "张三"], ["序号", "编号", "姓名"], [2, None, None]]
    found = sheet(workbook("a", 路长=rows))
    assert found.rows.tolist() == [2]
    assert [left.row for left in found.left_out] == [3, 4]


def test_a_name_that_begins_like_a_total_is_a_record(table):
    found = text_table(table("a", [["编号", "姓名"], ["合计路1", "x"], ["总计", "3"]]))
    assert found.columns["编号"].cells([0]) == ["合计路1"]
    assert len(found.left_out) == 1


def test_columns_without_a_heading_are_kept_under_their_letter(table):
    found = text_table(table("a", [["编号", "", "姓名", ""], ["1", "x", "张三", ""]]))
    assert list(found.columns) == ["编号", "(B)", "姓名"]


def test_columns_of_one_name_stay_apart(table):
    found = text_table(table("a", [["编号", "姓名", "姓名"], ["1", "甲", "乙"]]))
    assert [found.columns[name].cells([0])[0] for name in ("姓名", "姓名_2")] == ["甲", "乙"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_any_usual_encoding_and_delimiter(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    rows = ["编号,姓名", "001,张三", '002,"李\n四"', "003,王五"]
    path.write_bytes("\r\n".join(rows).replace(",", delimiter).encode(encoding))
    found = text_table(path)
    assert found.columns["编号"].cells([0, 1, 2]) == ["001", "002", "003"]
    # a cell with a line break is one row of the spreadsheet
    assert found.rows.tolist() == [2, 3, 4]


def test_short_and_long_rows_are_taken(table):
    found = text_table(table("a", [["编号", "姓名"], ["1"], ["2", "甲", "extra"]]))
    assert found.columns["姓名"].cells([0, 1]) == [None, "甲"]
    assert found.columns["(C)"].cells([0, 1]) == [None, "extra"]


def test_an_unknown_header_falls_back_to_the_first_row_of_texts():
    assert find_header([["title"], ["a", "b"], ["1", "2"]], KNOWN).start == 1
    assert find_header([["only"], ["1"]], KNOWN).start == 0
    assert find_header([[1.0, 2.0]], KNOWN) is None


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputRefusedError, match="cannot be read"):
        sheet(path)


def written(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("later", ["003,王五", '003,"王五'])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path, later):
    path = written(tmp_path, f'编号,姓名\n001,"张三\n002,李四\n{later}\n')
    with pytest.raises(InputRefusedError, match="quotation mark"):
        text_table(path)


def test_the_separator_is_the_one_that_parts_known_names(tmp_path):
    semicolons = text_table(written(tmp_path, "编号;姓名\n001;张三,李四,王五\n"))
    assert semicolons.columns["姓名"].cells([0]) == ["张三,李四,王五"]
    remarks = text_table(written(tmp_path, '"编号","姓名",备注\n001,张三,一，二，三，四\n'))
    assert list(remarks.columns) == ["编号", "姓名", "备注"]


def test_rows_with_more_cells_than_names_are_told(tmp_path):
    found = text_table(written(tmp_path, "编号,姓名,电话\n001,张三,李四,0370\n002,王五,0371,\n"))
    assert [note.en[:46] for note in found.notes] == ["1 rows have more cells than there are column n"]
    assert "rows 2;" in found.notes[0].en
