"""``gridsvc gaps``: lists of gaps of all indicators, and worklists to print, one for each chief or unit."""

import json
import zipfile

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from gridsvc.cli import app

FORMULA = '=HYPERLINK("http://example.org","边界路")'


@pytest.fixture(scope="module")
def place(build, content):
    """The tiny town, with a road whose name is a formula."""
    roads = [{**row, "road_name": FORMULA} if row["road_id"] == "R1" else row for row in content["roads"]]
    place = build({**content, "roads": roads})
    place.compute()
    return place


@pytest.fixture(scope="module")
def call(place):
    def run(*words, lang="zh"):
        options = ["-w", str(place.workspace.root), "--lang", lang]
        return CliRunner().invoke(app, ["gaps", *map(str, words), *options])

    return run


def sheet(path):
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()


def test_all_indicators_are_listed_together(place, call):
    told = json.loads(call("--json").stdout)
    assert told["count"] == len(told["gaps"]) == len(place.figures().gaps())
    assert {row["indicator"] for row in told["gaps"]} >= {"道路装灯率", "亮灯率", "公厕服务覆盖率"}
    first = told["gaps"][0]
    assert {"size", "own", "gain_own", "gain_county", "gain_unit", "since", "inherited", "officers"} <= set(
        first
    )


def test_a_table_shows_gains_and_is_no_wider_for_what_says_nothing(call):
    shown = call("lit_road", "--unit", "990001001002", lang="en").stdout
    assert "Gain, county" in shown
    assert "Residents" not in shown


def test_a_chiefs_worklist_has_a_row_for_every_gap_and_room_to_write(place, call, tmp_path):
    assert call("--chief", "C1", "-o", tmp_path / "c1.xlsx").exit_code == 0
    rows = sheet(tmp_path / "c1.xlsx")
    assert "张一" in rows[0][0]
    head = next(row for row in rows if row[0] == "序号")
    assert head[-4:] == ["整改措施", "责任人", "完成时限", "完成情况"]
    assert {"位置", "起止 (m)", "大小", "可提升", "起始日期", "接任前", "经度、纬度"} <= set(head)
    body = [row for row in rows[rows.index(head) + 1 :] if row[1]]
    body = [row for row in body if isinstance(row[0], float)]
    assert len(body) == len(place.figures().gaps(chief="C1")) > 0
    assert [row[0] for row in body] == list(range(1, len(body) + 1))
    assert all(row[-4:] == [""] * 4 for row in body)


def test_nothing_in_a_worklist_is_run_or_linked(call, tmp_path):
    call("--chief", "C1", "-o", tmp_path / "c1.xlsx")
    assert any(FORMULA in row for row in sheet(tmp_path / "c1.xlsx"))
    with zipfile.ZipFile(tmp_path / "c1.xlsx") as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    assert not any("<f>" in part or "<hyperlink" in part for part in parts.values())
    assert not any('TargetMode="External"' in part for part in parts.values())
    page = next(part for name, part in parts.items() if name.endswith("sheet1.xml"))
    assert 'orientation="landscape"' in page
    assert 'fitToHeight="0"' in page


def test_every_chief_gets_a_worklist_also_who_has_no_gaps(place, call, tmp_path):
    folder = tmp_path / "lists"
    told = call("--all-chiefs", "-o", folder, lang="en")
    assert told.exit_code == 0
    assert "5 worklists" in told.stdout
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == ["C1-张一.xlsx", "C2-李二.xlsx"]
    # C3's post is vacant, and still has its dark stretches
    assert names[2] == "C3-vacant.xlsx"
    # C4's duty is over
    assert place.figures().gaps(chief="C4").empty
    assert any("No gaps." in row for row in sheet(folder / "C4-王四.xlsx"))


def test_units_of_a_level_get_theirs_with_who_is_responsible(call, tmp_path):
    told = json.loads(call("lit_road", "--all-units", "grid", "-o", tmp_path / "grids", "--json").stdout)
    assert len(told["files"]) == 5
    rows = sheet(tmp_path / "grids" / "990001001001001-单位990001001001001.xlsx")
    head = next(row for row in rows if row[0] == "序号")
    who = {
        row[head.index("责任路长/网格员")]
        for row in rows[rows.index(head) + 1 :]
        if isinstance(row[0], float)
    }
    # C3 is a vacant post; what is dark of R3 has no chief, and is the grid officer's
    assert who == {"张一", "C3", "陈甲"}


def test_the_countys_own_worklist(call, place, tmp_path):
    call("-o", tmp_path / "all.xlsx", lang="en")
    rows = sheet(tmp_path / "all.xlsx")
    assert "Tiny Town" in rows[0][0]
    count = sum(isinstance(row[0], float) for row in rows)
    assert count == len(place.figures().gaps())


@pytest.mark.parametrize(
    "words",
    [
        ("--all-chiefs",), ("--all-chiefs", "--format", "csv", "-o", "x"),
        ("--all-chiefs", "--chief", "C1", "-o", "x"),
        ("--all-units", "street", "-o", "x"), ("--all-units", "grid", "--all-chiefs", "-o", "x"),
        ("nothing", "--all-chiefs", "-o", "x"), ("nothing",), ("--chief", "nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_one_sentence(call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(*words)
    assert done.exit_code == 2
    assert "错误" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_spreadsheet_of_shapes_holds_the_same_gaps(call, place, tmp_path):
    call("lit_road", "-o", tmp_path / "dark.csv")
    table = pd.read_csv(tmp_path / "dark.csv")
    assert table["全县可提升"].tolist() == pytest.approx(
        place.figures().gaps("lit_road")["gain_county"].tolist()
    )
