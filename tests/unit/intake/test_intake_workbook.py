import zipfile

import pytest
import xlsxwriter

from gridsvc.errors import InputRefusedError
from gridsvc.intake.sources import DataSet
from gridsvc.intake.tables import read_csv, read_sheet
from gridsvc.intake.workbook import cell_name, open_sheet, shown
from gridsvc.layers import fold

KNOWN = {fold(name) for name in ("编号", "姓名", "电话", "道路名称", "责任人姓名")}


@pytest.fixture
def book(tmp_path):
    """Makes a workbook by a function of the book and its one sheet, and reads that sheet."""

    def make(fill, options=None):
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(str(path), options or {}) as made:
            fill(made, made.add_worksheet("表"))
        return read_sheet(DataSet(path, "xlsx", "表", path.name), KNOWN)

    return make


def cells(delivery, name):
    return delivery.columns[name].cells(range(len(delivery.rows)))


def told(delivery):
    return [note.en for note in delivery.notes]


def rewrite(path, member, change):
    """Change one member of a workbook by hand."""
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts[member] = change(parts[member])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_merged_cells_belong_to_all_their_rows(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["道路名称", "编号", "姓名"])
        sheet.merge_range(1, 0, 3, 0, "解放路")
        for row, name in enumerate(["张三", "李四", "王五", "赵六"], 1):
            sheet.write_row(row, 1, [f"00{row}", name])

    found = book(fill)
    assert cells(found, "道路名称") == ["解放路", "解放路", "解放路", None]
    assert told(found) == ["merged cells were filled down into 2 rows: 3, 4"]


def test_an_empty_cell_that_is_not_merged_stays_empty(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["道路名称", "编号"])
        sheet.write_row(1, 0, ["解放路", "1"])
        sheet.write(2, 1, "2")

    assert cells(book(fill), "道路名称") == ["解放路", None]


def test_a_merged_cell_alone_makes_no_record_and_a_subtotal_in_it_is_none(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["道路名称", "编号", "姓名"])
        sheet.merge_range(1, 0, 3, 0, "解放路")
        sheet.write_row(1, 1, ["1", "张三"])
        sheet.write_row(3, 1, ["小计", "1 人"])

    found = book(fill)
    assert found.rows.tolist() == [2]
    assert [left.row for left in found.left_out] == [4]


def test_a_section_title_across_the_table_is_left_out_and_counted(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名", "电话"])
        sheet.merge_range(1, 0, 1, 2, "一、城关镇")
        sheet.write_row(2, 0, ["1", "张三", "0370"])

    found = book(fill)
    assert found.rows.tolist() == [3]
    assert [left.text for left in found.left_out] == ["一、城关镇"]


def test_error_cells_stand_as_their_error(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write(1, 0, "1")
        sheet.write_formula(1, 1, "=VLOOKUP(1,A:A,2,0)", None, "#N/A")

    assert cells(book(fill), "姓名") == ["#N/A"]


def test_formulas_give_their_result_and_are_told_where_they_have_none(book, tmp_path):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write(1, 0, "1")
        sheet.write_formula(1, 1, '=HYPERLINK("x","张三")', None, "张三")

    assert cells(book(fill), "姓名") == ["张三"]
    path = rewrite(
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace("<v>张三</v>".encode(), b""),
    )
    found = read_sheet(DataSet(path, "xlsx", "表", path.name), KNOWN)
    assert told(found)[0].startswith("1 formulas were saved without a result and count as empty: B2")


def test_percent_cells_and_padded_codes_read_as_they_are_shown(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "电话", "姓名"])
        sheet.write_number(1, 0, 7, made.add_format({"num_format": "000000"}))
        sheet.write_number(1, 1, 0.07, made.add_format({"num_format": "0.00%"}))
        sheet.write_number(1, 2, 12, made.add_format({"num_format": '0"米"'}))

    found = book(fill)
    assert [cells(found, name) for name in ("编号", "电话", "姓名")] == [["000007"], ["7%"], ["12"]]


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.25, "0%", "25%"),
        (0.333, "0.0%", "33.3%"),
        (7, '"L"000', "L007"),
        (7.5, "000", 7.5),
        (-7, "000", -7),
        ("x", "000", "x"),
        (True, "000", True),
        (12, "#,##0.00", 12),
    ],
)
def test_a_number_as_its_format_shows_it(value, code, text):
    assert shown(value, code) == text


def test_hidden_and_filtered_rows_are_read_and_told(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write_column(1, 0, ["1", "2", "3"])
        sheet.set_row(2, None, None, {"hidden": True})

    found = book(fill)
    assert found.rows.tolist() == [2, 3, 4]
    assert told(found) == [
        "1 rows are hidden or filtered out in the spreadsheet, and were read like the others: rows 3"
    ]


def test_hidden_sheets_are_told(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write(1, 0, "1")
        made.add_worksheet("旧表").hide()

    assert told(book(fill)) == ["hidden sheets were not read: 旧表"]


def test_a_workbook_that_counts_from_1904(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write_row(1, 0, ["1"])
        sheet.write_number(1, 1, 44867, made.add_format({"num_format": "yyyy-mm-dd"}))

    found = book(fill, {"date_1904": True})
    assert cells(found, "姓名") == ["2026-11-03"]
    assert found.days_from_1904


def test_degrees_that_a_spreadsheet_took_for_a_time_come_back(book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        days = (116 + 23 / 60 + 12.5 / 3600) / 24
        sheet.write_row(1, 0, ["1"])
        sheet.write_number(1, 1, days, made.add_format({"num_format": "[h]:mm:ss"}))

    assert cells(book(fill), "姓名") == ["116:23:12.5"]


def test_a_second_table_below_is_read_by_its_own_header(book):
    def fill(made, sheet):
        for row, line in enumerate(
            [
                ["编号", "姓名", "电话"],
                ["1", "张三", "0370"],
                [],
                ["姓名", "编号", "道路名称"],
                ["李四", "2", "解放路"],
            ]
        ):
            sheet.write_row(row, 0, line)

    found = book(fill)
    assert cells(found, "编号") == ["1", "2"]
    assert cells(found, "姓名") == ["张三", "李四"]
    assert cells(found, "道路名称") == [None, "解放路"]
    assert told(found) == [
        "another table begins in row 4: the rows below it were read by the header that stands there"
    ]
    assert [left.row for left in found.left_out] == [4]


def test_title_and_header_repeated_on_every_page_are_left_out(book):
    def fill(made, sheet):
        page = [["路长名录"], ["编号", "责任人", ""], ["", "姓名", "电话"]]
        rows = [*page, ["1", "张三", "0370"], *page, ["2", "李四", "0371"], ["第2页 共2页"]]
        for row, line in enumerate(rows):
            sheet.write_row(row, 0, line)

    found = book(fill)
    assert found.rows.tolist() == [4, 8]
    assert [left.row for left in found.left_out] == [5, 6, 7, 9]
    assert cells(found, "责任人/姓名") == ["张三", "李四"]


def test_a_row_of_field_names_below_the_header_is_left_out(book):
    def fill(made, sheet):
        for row, line in enumerate([["编号", "姓名"], ["编号", "责任人姓名"], ["1", "张三"]]):
            sheet.write_row(row, 0, line)

    found = book(fill)
    assert found.rows.tolist() == [3]
    assert cells(found, "姓名") == ["张三"]


def test_tables_side_by_side_are_read_one_after_the_other(book):
    def fill(made, sheet):
        head = ["序号", "编号", "姓名"]
        for row, line in enumerate(
            [head * 2, [1, "1", "张三", 2, "2", "李四"], [3, "3", "王五", 4, None, None]]
        ):
            sheet.write_row(row, 0, line)

    found = book(fill)
    assert cells(found, "编号") == ["1", "2", "3"]
    assert found.rows.tolist() == [2, 2, 3]
    assert told(found) == [
        "the same headings stand 2 times side by side: each part was read as rows of its own"
    ]


def test_merges_that_overlap_or_reach_far_out_do_no_harm(book, tmp_path):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["道路名称", "编号"])
        sheet.merge_range(1, 0, 2, 0, "解放路")
        sheet.write_column(1, 1, ["1", "2"])

    book(fill)
    path = rewrite(
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b'<mergeCell ref="A2:A3"/>', b'<mergeCell ref="A2:XFD1048576"/>' * 2000),
    )
    found = read_sheet(DataSet(path, "xlsx", "表", path.name), KNOWN)
    assert cells(found, "道路名称") == ["解放路", "解放路"]


def test_a_document_type_in_the_xml_is_refused(book, tmp_path):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["编号", "姓名"])
        sheet.write_formula(1, 0, "=1", None, "#N/A")

    book(fill)
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    path = rewrite(
        tmp_path / "a.xlsx",
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace(b"<worksheet", entity + b"<worksheet", 1),
    )
    with pytest.raises(InputRefusedError, match="document type"):
        open_sheet(path, "表", path.name)


@pytest.mark.parametrize(
    ("place", "name"), [((0, 0), "A1"), ((4, 25), "Z5"), ((9, 26), "AA10"), ((0, 16383), "XFD1")]
)
def test_cells_are_named_as_in_a_spreadsheet(place, name):
    assert cell_name(*place) == name


@pytest.mark.parametrize(
    "row",
    [
        ["合计", "", "12"],
        ["", "小计：", "3"],
        ["本页小计", "", "3"],
        ["全县合计", "2 人", ""],
        ["其中：合计", "", ""],
        ["备注", "电话为虚构", ""],
        ["制表日期：2026-11-03", "", ""],
        ["单位（盖章）：", "", ""],
        ["以下空白", "", ""],
        ["——以下空白——", "", ""],
        ["第 1 页 共 3 页", "", ""],
    ],
)
def test_rows_that_are_no_records(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text("编号,姓名,电话\n1,张三,0370\n" + ",".join(row) + "\n", encoding="utf-8")
    found = read_csv(DataSet(path, "csv", "a", path.name), None, KNOWN)
    assert found.rows.tolist() == [2]
    assert [left.row for left in found.left_out] == [3]


@pytest.mark.parametrize("key", ["合计路1", "注塑厂", "其中路", "日期大道", "第1网格"])
def test_keys_that_begin_like_such_rows_are_records(tmp_path, key):
    path = tmp_path / "a.csv"
    path.write_text(f"编号,姓名\n{key},张三\n", encoding="utf-8")
    found = read_csv(DataSet(path, "csv", "a", path.name), None, KNOWN)
    assert cells(found, "编号") == [key]


def test_the_separator_that_a_spreadsheet_names_is_used(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=;\n编号;姓名\n1;张三,李四\n", encoding="utf-8")
    found = read_csv(DataSet(path, "csv", "a", path.name), None, KNOWN)
    assert cells(found, "姓名") == ["张三,李四"]
    assert found.rows.tolist() == [3]
