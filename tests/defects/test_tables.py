"""Tables as offices make them: what is meant is read, what is doubtful waits or is told, nothing is guessed."""

import datetime
import zipfile

import pytest
import xlsxwriter

HEAD = ["路长编号", "姓名", "电话", "职务"]
ZHANG = ["001", "张三", "0370", "局长"]
LI = ["002", "李四", "0371", "科长"]
LAMP = ["路灯编号", "所在道路", "经度 (CGCS2000)", "纬度 (CGCS2000)"]


@pytest.fixture
def book(tmp_path):
    """Writes a workbook by a function of the book and its sheet 路长."""

    def write(fill, sheet="路长", options=None):
        path = tmp_path / "表.xlsx"
        with xlsxwriter.Workbook(str(path), options or {}) as made:
            fill(made, made.add_worksheet(sheet))
        return path

    return write


@pytest.fixture
def rows(book):
    """Writes rows as a workbook, with merged cells as ranges of names (``A1:B1``)."""

    def write(lines, merges=(), **more):
        def fill(made, sheet):
            for cells in merges:
                first = made.add_format()
                sheet.merge_range(cells, "", first)
            for number, line in enumerate(lines):
                for column, value in enumerate(line):
                    if value is not None:
                        sheet.write(number, column, value)

        return book(fill, **more)

    return write


@pytest.fixture
def text(tmp_path):
    """Writes a text as a CSV file."""

    def write(content, encoding="utf-8", name="表.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding))
        return path

    return write


def people(deliver, column):
    return deliver.read("chiefs").set_index("chief_id")[column].to_dict()


# where the table stands


def test_titles_above_and_signatures_below(deliver, rows):
    lines = [["样例县路长名录"], ["填报单位：城管局"], HEAD, ZHANG, LI, ["合计", "2 人"], ["填表人：王五"]]
    done = deliver("chiefs", rows(lines, ["A1:D1", "A2:D2"])).stored(added=2, left_out=2)
    assert done.answer["rows_read"] == 4


def test_a_header_of_two_rows_with_merged_cells(deliver, rows):
    lines = [["路长编号", "责任人", None, "职务"], [None, "姓名", "电话", None], ZHANG, LI]
    deliver("chiefs", rows(lines, ["A1:A2", "B1:C1", "D1:D2"])).stored(added=2)
    assert people(deliver, "phone") == {"001": "0370", "002": "0371"}


def test_a_header_of_three_rows_under_a_title(deliver, rows):
    lines = [
        ["样例县路长名录"],
        ["路长编号", "责任", None, None],
        [None, "责任人", None, "职务"],
        [None, "姓名", "电话", None],
        ZHANG,
        LI,
    ]
    merges = ["A1:D1", "A2:A4", "B2:D2", "B3:C3", "D3:D4"]
    deliver("chiefs", rows(lines, merges)).stored(added=2)
    assert people(deliver, "title") == {"001": "局长", "002": "科长"}


def test_a_header_of_two_rows_in_csv(deliver, text):
    path = text("路长编号,责任人,,职务\n,姓名,电话,\n001,张三,0370,局长\n")
    deliver("chiefs", path).stored(added=1)
    assert people(deliver, "name") == {"001": "张三"}


def test_two_columns_of_one_name_are_told_apart_by_the_heading_above(deliver, rows):
    lines = [
        ["路长编号", "路长", None, "网格员", None],
        [None, "姓名", "电话", "姓名", "电话"],
        ["001", "张三", "0370", "李四", "0371"],
    ]
    done = deliver("chiefs", rows(lines, ["A1:A2", "B1:C1", "D1:E1"])).stored(added=1)
    assert people(deliver, "name") == {"001": "张三"}
    assert "网格员/姓名" in done.report["files"][0]["ignored"]


def test_page_breaks_repeat_title_and_header(deliver, rows):
    page = [["样例县路长名录"], HEAD]
    deliver("chiefs", rows([*page, ZHANG, *page, LI, ["第2页 共2页"]])).stored(added=2, left_out=3)


def test_empty_rows_and_totals_in_the_middle(deliver, rows):
    lines = [HEAD, ZHANG, [], ["小计", "1 人"], [], LI, ["总计", "2 人"]]
    done = deliver("chiefs", rows(lines)).stored(added=2, left_out=2)
    assert [row["row"] for row in done.report["rows"] if row["outcome"] == "left_out"] == [4, 7]


def test_two_tables_on_one_sheet(deliver, rows):
    lines = [HEAD, ZHANG, [], ["姓名", "路长编号", "职务"], ["李四", "002", "科长"]]
    done = deliver("chiefs", rows(lines)).stored(added=2, left_out=1)
    done.told("another table begins in row 4")
    assert people(deliver, "title") == {"001": "局长", "002": "科长"}


def test_two_tables_side_by_side(deliver, rows):
    head = ["序号", "路长编号", "姓名"]
    lines = [head * 2, [1, "001", "张三", 2, "002", "李四"]]
    deliver("chiefs", rows(lines)).stored(added=2).told("stand 2 times side by side")


def test_a_table_of_something_else_below_loads_nothing_silently(deliver, rows):
    lines = [HEAD, ZHANG, [], ["单位", "人数"], ["城管局", 12], ["交通局", 7]]
    done = deliver("chiefs", rows(lines))
    assert done.outcomes["added"] == 1
    assert sum(done.outcomes.values()) == done.answer["rows_read"]
    assert done.outcomes["quarantined"] >= 2


def test_hidden_rows_are_read_and_hidden_sheets_are_not_and_both_are_told(deliver, book):
    def fill(made, sheet):
        for number, line in enumerate([HEAD, ZHANG, LI]):
            sheet.write_row(number, 0, line)
        sheet.set_row(2, None, None, {"hidden": True})
        old = made.add_worksheet("旧表")
        old.write_row(0, 0, HEAD)
        old.hide()

    done = deliver("chiefs", book(fill)).stored(added=2)
    done.told("1 rows are hidden or filtered out.*rows 3", "hidden sheets were not read: 旧表")


# cells


def test_merged_cells_are_filled_down_and_empty_ones_are_not(deliver, rows):
    lines = [HEAD, ["001", "张三", "1", "局长"], ["002", "李四", "2", None], ["003", "王五", "3", None]]
    deliver("chiefs", rows(lines, ["D2:D3"])).stored(added=3).told("filled down into 1 rows: 3")
    assert people(deliver, "title") == {"001": "局长", "002": "局长", "003": None}


def test_full_width_digits_and_blanks(deliver, rows):
    lines = [["路长编号", "姓　名", "电　话"], ["００１", "　张三 ", "０３７０－１２３"]]
    deliver("chiefs", rows(lines)).stored(added=1)
    assert people(deliver, "phone") == {"001": "0370－123"}


def test_codes_keep_leading_zeros_however_they_were_kept(deliver, book):
    def fill(made, sheet):
        sheet.write_row(0, 0, HEAD)
        sheet.write_string(1, 0, "001")
        sheet.write_number(2, 0, 2, made.add_format({"num_format": "000"}))
        sheet.write_number(3, 0, 3, made.add_format({"num_format": '"L"00'}))

    deliver("chiefs", book(fill)).stored(added=3)
    assert set(people(deliver, "name")) == {"001", "002", "L03"}


@pytest.mark.parametrize(
    "cell", ['"4.19E+17"', "4.19E+17", "411424198001011000000"[:0] + "4.11424198001011E+17"]
)
def test_digits_lost_in_csv_wait(deliver, text, cell):
    done = deliver("chiefs", text(f"路长编号,姓名\n{cell},张三\n002,李四\n")).stored(added=1, quarantined=1)
    assert "Chief id (chief_id)" in done.reasons[2]
    assert "last digits are lost" in done.reasons[2]


def test_eighteen_digits_as_text_are_whole(deliver, text):
    deliver("chiefs", text("路长编号,姓名\n411424198001011234,张三\n")).stored(added=1)
    assert "411424198001011234" in people(deliver, "name")


def test_eighteen_digits_as_a_number_wait_with_row_and_column(deliver, rows):
    done = deliver("chiefs", rows([HEAD, [411424198001011234, "张三"], LI])).stored(added=1, quarantined=1)
    assert done.reasons[2].startswith("Chief id (chief_id): 4.11424198001011")


def test_formulas_and_markup_stay_text(deliver, text):
    path = text('路长编号,姓名,职务\n001,"=HYPERLINK(""http://x"",""y"")",<script>alert(1)</script>\n')
    deliver("chiefs", path).stored(added=1)
    assert people(deliver, "name") == {"001": '=HYPERLINK("http://x","y")'}
    assert people(deliver, "title") == {"001": "<script>alert(1)</script>"}


def test_error_cells_are_told_and_an_error_in_a_key_waits(deliver, book):
    def fill(made, sheet):
        for number, line in enumerate([HEAD, ZHANG, LI]):
            sheet.write_row(number, 0, line)
        sheet.write_formula(1, 3, "=VLOOKUP(A2,Z:Z,1,0)", None, "#N/A")
        sheet.write_formula(2, 0, "=Z1", None, "#REF!")

    done = deliver("chiefs", book(fill)).stored(added=1, quarantined=1)
    assert done.exit_code == 1
    done.told("column '职务': 1 values are no Title .*#N/A.*rows 2")
    assert done.reasons[3] == "Chief id (chief_id): #REF! is an error of the spreadsheet"


def test_results_of_formulas_are_read_and_formulas_without_one_are_told(deliver, book):
    def fill(made, sheet):
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["001", None])
        sheet.write_formula(1, 1, '=B9&"三"', None, "张三")

    path = book(fill)
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace("<v>张三</v>".encode(), b"")
    deliver("chiefs", path).stored(added=1)
    assert people(deliver, "name") == {"001": "张三"}
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    deliver("chiefs", path).stored(changed=1).told("1 formulas were saved without a result.*B2")


@pytest.mark.parametrize(
    "day",
    [
        "2026年3月5日",
        "2026.3.5",
        "20260305",
        "2026/3/5",
        "２０２６－０３－０５",
        datetime.date(2026, 3, 5),
        46086,
    ],
)
@pytest.mark.parametrize("from_1904", [False, True])
def test_dates(deliver, book, day, from_1904):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["责任人编号", "道路名称", "任职日期"])
        sheet.write_row(1, 0, ["001", "解放路"])
        if isinstance(day, datetime.date):
            sheet.write_datetime(
                1, 2, datetime.datetime(2026, 3, 5), made.add_format({"num_format": "yyyy/m/d"})
            )
        else:
            sheet.write(1, 2, day - 1462 if from_1904 and day == 46086 else day)

    deliver("duties", book(fill, "责任", {"date_1904": from_1904})).stored(added=1)
    assert str(deliver.read("duties")["date_from"][0])[:10] == "2026-03-05"


@pytest.mark.parametrize("day", ["3/5/26", "2026-02-30", "2026年3月", 61])
def test_a_date_that_is_none_or_two_is_unknown_and_told(deliver, rows, day):
    lines = [["责任人编号", "道路名称", "结束日期"], ["001", "解放路", day]]
    done = deliver("duties", rows(lines, sheet="责任")).stored(added=1)
    assert done.exit_code == 1
    done.told("结束日期.*are stored as unknown")


def test_percent_cells_units_and_marks(deliver, book):
    def fill(made, sheet):
        sheet.write_row(0, 0, ["道路编号", "起点米", "终点米", "编码", "分担比例"])
        sheet.write_row(1, 0, ["r1", "0m", "1.2公里", "411424001001001"])
        sheet.write_number(1, 4, 0.07, made.add_format({"num_format": "0%"}))
        sheet.write_row(2, 0, ["r1", "１２米", "K1+200", "411424001001001", "93％"])

    deliver("road_shares", book(fill, "道路分担协议")).stored(added=2)
    stored = deliver.read("road_shares").sort_values("from_m")
    assert stored[["from_m", "to_m", "share"]].values.tolist() == [[0, 1200, 7], [12, 1200, 93]]


# positions


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (114.05, 34.55),
        ("114.05", "34.55"),
        ("114°03′00″", "34°33′00″"),
        ("114°3'0\"E", "34°33'0\"N"),
        ("东经114度3分0秒", "北纬34度33分0秒"),
        ("114:03:00", "34:33:00"),
        ("１１４.０５", "３４.５５"),
    ],
)
def test_longitude_and_latitude(deliver, rows, x, y):
    deliver("lamps", rows([LAMP, ["L9", "解放路", x, y]], sheet="路灯")).stored(added=1)
    shape = deliver.read("lamps").set_index("lamp_id")["geometry"]["L9"]
    assert (shape.x, shape.y) == (pytest.approx(114.05, abs=1e-12), pytest.approx(34.55, abs=1e-12))


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ("经纬度", "114.05,34.55"),
        ("坐标", "114.05，34.55"),
        ("纬度/经度", "34.55 114.05"),
        ("坐标", "N34°33′，E114°3′"),
    ],
)
def test_both_coordinates_in_one_cell(deliver, rows, heading, cell):
    lines = [["路灯编号", heading], ["L9", cell]]
    deliver("lamps", rows(lines, sheet="路灯"), "--crs", "EPSG:4490").stored(added=1)
    shape = deliver.read("lamps").set_index("lamp_id")["geometry"]["L9"]
    assert (shape.x, shape.y) == (pytest.approx(114.05, abs=1e-12), pytest.approx(34.55, abs=1e-12))


def test_positions_that_cannot_be_read_wait_with_what_stands_there(deliver, rows):
    lines = [
        LAMP,
        ["L1", "解放路", 114.05, 34.51],
        ["L7", "解放路", "114°61′", 34.5],
        ["L8", "解放路", None, None],
        ["L9", "解放路", "待测", "待测"],
    ]
    done = deliver("lamps", rows(lines, sheet="路灯"), "--mode", "upsert")
    assert done.outcomes == {"unchanged": 1, "quarantined": 3} or done.outcomes == {
        "changed": 1,
        "quarantined": 3,
    }
    assert "'114°61′' has minutes or seconds of 60 or more" in done.reasons[3]
    assert "has no position in 经度 (CGCS2000) and 纬度 (CGCS2000)" in done.reasons[4]
    assert "'待测' is not a number" in done.reasons[5]


def test_degrees_minutes_and_seconds_run_together_are_refused(deliver, rows):
    lines = [LAMP, ["L9", "解放路", 1140300, 343300]]
    deliver("lamps", rows(lines, sheet="路灯")).refused("run together.*114030|run together")


def test_a_heading_that_names_a_shifted_system_is_no_answer(deliver, rows):
    lines = [["路灯编号", "经度（火星坐标）", "纬度（火星坐标）"], ["L9", 114.05, 34.55]]
    deliver("lamps", rows(lines, sheet="路灯")).refused("give --crs GCJ02 if that is so")


# files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_in_any_encoding_and_with_any_separator(deliver, text, encoding, mark):
    content = "\r\n".join(mark.join(row) for row in (HEAD, ZHANG, LI))
    deliver("chiefs", text(content, encoding)).stored(added=2)


def test_csv_that_names_its_separator(deliver, text):
    deliver("chiefs", text("sep=;\r\n路长编号;姓名\r\n001;张三,李四\r\n")).stored(added=1)
    assert people(deliver, "name") == {"001": "张三,李四"}


def test_required_marks_and_units_in_headings(deliver, rows):
    lines = [["*路灯编号（必填）", "灯杆高（米）", "灯头数/盏", *LAMP[2:]], ["L9", 8, 2, 114.05, 34.55]]
    deliver("lamps", rows(lines, sheet="路灯")).stored(added=1)
    lamp = deliver.read("lamps").set_index("lamp_id").loc["L9"]
    assert (lamp["height"], lamp["light_points"]) == (8, 2)


def test_a_heading_of_another_unit_is_not_taken_for_the_field(deliver, rows):
    lines = [["路灯编号", "灯杆高(cm)", *LAMP[2:]], ["L9", 800, 114.05, 34.55]]
    done = deliver("lamps", rows(lines, sheet="路灯")).stored(added=1)
    assert done.report["files"][0]["ignored"] == ["灯杆高(cm)"]


def test_a_sheet_with_a_document_type_in_its_xml_is_refused(deliver, rows):
    path = rows([HEAD, ZHANG])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    parts[name] = parts[name].replace(b"<worksheet", bomb + b"<worksheet", 1)
    with zipfile.ZipFile(path, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    deliver("chiefs", path).refused("document type")


def test_merged_cells_over_the_whole_sheet_take_no_time(deliver, rows):
    path = rows([HEAD, ZHANG, LI], ["A5:B6"])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b'<mergeCell ref="A5:B6"/>', b'<mergeCell ref="A2:XFD1048576"/>' * 5000)
    with zipfile.ZipFile(path, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    done = deliver("chiefs", path)
    assert sum(done.outcomes.values()) == 2


def test_tags_without_end_take_no_time(deliver, rows):
    path = rows([HEAD, ZHANG])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = "xl/worksheets/sheet1.xml"
    junk = b"<!--" + b'<c t="e" <row hidden="1" <c ' * 100_000 + b"-->"
    parts[name] = parts[name].replace(b"<sheetData>", junk + b"<sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    deliver("chiefs", path).stored(added=1)
