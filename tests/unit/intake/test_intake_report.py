import io
import json

import numpy as np
import pytest
import python_calamine
import shapely
from rich.console import Console

from gridsvc.errors import UsageError
from gridsvc.intake.problems import OUTCOMES, REASONS
from gridsvc.intake.summary import HOW


@pytest.fixture
def report(load, shapefile, points):
    """Five rows: one good, one repeated, one out of range, one that looks like a formula, one without a key."""
    columns = {
        "路灯编号": ["L1", "L1", "L2", "=cmd()", ""],
        "所在道路": ["解放路", "解放路", "人民路", "=1+1", "@x"],
        "灯头数": np.array([1, 1, 99, 99, 1]),
        "厂家": ["甲", "甲", "甲", "甲", "甲"],
    }
    return load("lamps", shapefile("路灯", columns, points(5)[[0, 0, 1, 2, 3]]))


def printed(report, lang, width=100):
    out = io.StringIO()
    report.print(Console(file=out, width=width, color_system=None), lang)
    return out.getvalue()


def test_a_person_reads_what_was_understood_and_what_became_of_every_row(report):
    text = printed(report, "zh")
    for part in (
        "GB18030",
        "L1",
        "EPSG:4547",
        "路灯编号",
        "未使用的列: 厂家",
        "读取行数",
        "待处理",
        "值超出范围 · 2",
        "第 3 行",
    ):
        assert part in text, part
    text = printed(report, "en")
    for part in (
        "by name",
        "Not used: 厂家",
        "Rows read",
        "in quarantine",
        "value out of range · 2",
        "row 3: ",
    ):
        assert part in text, part


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_line_is_wider_than_the_terminal(report, lang, width):
    from rich.cells import cell_len

    assert max(cell_len(line) for line in printed(report, lang, width).splitlines()) <= width


def test_machines_get_the_whole_report(report):
    data = json.loads(report.to_json())
    assert data["rows_read"] == sum(data["counts"].values()) == 5
    assert data["counts"] | {"added": 1, "superseded": 1, "quarantined": 3} == data["counts"]
    assert [(row["row"], row["outcome"]) for row in data["rows"]] == [
        (3, "quarantined"),
        (4, "quarantined"),
        (5, "quarantined"),
        (2, "superseded"),
    ]
    assert data["rows"][0]["raw"]["灯头数"] == "99"
    assert data["files"][0]["columns"][0]["field"] == "lamp_id"
    assert data["reasons"][0]["rows"] == 2
    assert data["load"] == report.load_id


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_workbook_lists_the_rows_and_nothing_in_it_acts_as_a_formula(report, tmp_path, lang):
    path = tmp_path / "report.xlsx"
    report.write_xlsx(path, lang)
    with python_calamine.CalamineWorkbook.from_path(path) as book:
        summary, rows = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
    texts = [cell for row in summary for cell in row]
    assert report.sha256 in texts
    assert OUTCOMES["quarantined"](lang) in texts
    header, *body = rows
    assert header[5:] == ["路灯编号", "所在道路", "灯头数", "厂家"]
    assert [row[1] for row in body] == [3, 4, 5, 2]
    assert body[1][5:7] == ["=cmd()", "=1+1"]


def test_every_code_has_words():
    assert {"map", "before", "name", "alias", "cut", "tag", "set"} == set(HOW)
    assert all(text.en and text.zh for text in (*REASONS.values(), *OUTCOMES.values()))


def test_a_huge_quarantine_stays_readable(load, shapefile):
    n = 500
    columns = {"路灯编号": [f"L{i}" for i in range(n)], "灯头数": np.array([1] + [99] * (n - 1))}
    text = printed(
        load("lamps", shapefile("灯", columns, shapely.points(5e5 + np.arange(n), np.full(n, 3.8e6)))), "en"
    )
    assert "value out of range · 499" in text
    assert len(text.splitlines()) < 60


def test_a_report_that_cannot_be_written_is_told(report, tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        report.write_xlsx(tmp_path / "nowhere" / "report.xlsx")


def test_names_with_brackets_are_printed_as_they_are(load, geopackage, points):
    path = geopackage(
        "灯[新]", 东区=({"路灯编号": ["L1"]}, points(1)), 西区=({"路灯编号": ["L2"]}, points(1))
    )
    text = printed(load("lamps", path, source_layer="东区"), "zh")
    assert "灯[新].gpkg" in text


def test_what_is_printed_to_a_file_is_not_padded_to_its_width(load, table):
    report = load("chiefs", table("a", [["路长编号", "姓名", "级别"], ["1", "张三", "1"]]))
    out = io.StringIO()
    report.print(Console(file=out, width=5000), "en")
    assert max(len(line) for line in out.getvalue().splitlines()) < 200
