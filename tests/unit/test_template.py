"""Blank files to fill in."""

import re
import zipfile
from xml.sax.saxutils import escape

import pyogrio
import pytest
import python_calamine

from gridsvc.errors import UsageError
from gridsvc.export.template import entries, write_template
from gridsvc.intake import LoadOptions, load_file
from gridsvc.intake.fields import match_fields
from gridsvc.intake.header import find_header, full_name
from gridsvc.intake.positions import coordinate_columns
from gridsvc.layers import load_layers, read_layer
from gridsvc.settings import County, init_workspace
from gridsvc.store import open_store
from gridsvc.text import bilingual

LAYERS = load_layers()
IN_CELLS = [name for name, layer in LAYERS.items() if not layer.geometry or 0 in layer.dimensions]
DRAWN = [name for name, layer in LAYERS.items() if layer.geometry]


def headings(path):
    book = python_calamine.CalamineWorkbook.from_path(path)
    return book.get_sheet_by_index(0).to_python()


def part(path, name):
    with zipfile.ZipFile(path) as book:
        return book.read(name).decode()


def fill(path, *rows):
    """Write rows of texts below the header, as somebody who fills it in."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    lines = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
            for column, cell in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(rows, 2)
    )
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", lines.encode() + b"</sheetData>")
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", IN_CELLS)
def test_every_heading_is_recognised_as_the_column_of_its_own_field(tmp_path, name, lang):
    layer = LAYERS[name]
    write_template(layer, tmp_path / "t.xlsx", lang)
    header = find_header(headings(tmp_path / "t.xlsx"), frozenset())
    columns = [full_name(path) for path in header.paths]
    found = match_fields(layer, columns, "t", mapping={}, constants={})
    assert [found.matches[field].column for field in layer.fields] == columns[: len(layer.fields)]
    assert {match.how for match in found.matches.values()} == {"name"}
    assert bool(layer.geometry) == (coordinate_columns(columns) is not None)


def test_a_template_that_is_filled_in_loads_without_options(tmp_path):
    workspace = init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))
    path = tmp_path / "路灯.xlsx"
    write_template(LAYERS["lamps"], path, "zh")
    fill(path, ["007", "411424001001", "解放路", "2", "8.5", "灭", "2026年11月3日", "114.05", "34°30′"])
    with open_store(workspace, LAYERS, write=True) as store:
        report = load_file(store, LAYERS, workspace, "lamps", [path], LoadOptions())
        (row,) = store.read("lamps").to_dict("records")
    assert report.counts["added"] == 1
    assert (row["lamp_id"], row["road_code"], row["light_points"]) == ("007", "411424001001", 2)
    assert (row["height"], row["state"], str(row["checked_on"])[:10]) == (8.5, "dark", "2026-11-03")
    assert (row["geometry"].x, row["geometry"].y) == (114.05, 34.5)


def test_a_template_left_blank_holds_no_rows(tmp_path):
    workspace = init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))
    write_template(LAYERS["chiefs"], tmp_path / "t.xlsx", "en")
    with open_store(workspace, LAYERS, write=True) as store, pytest.raises(Exception, match="holds no rows"):
        load_file(store, LAYERS, workspace, "chiefs", [tmp_path / "t.xlsx"], LoadOptions())


def test_required_columns_are_marked_and_units_stand_in_the_heading(tmp_path):
    write_template(LAYERS["lamps"], tmp_path / "t.xlsx", "zh")
    (head,) = headings(tmp_path / "t.xlsx")
    assert head[0] == "路灯编号*"
    assert "灯杆高 (m)" in head
    assert head[-2:] == ["经度 (CGCS2000)*", "纬度 (CGCS2000)*"]


def test_allowed_values_are_a_list_to_choose_from(tmp_path):
    write_template(LAYERS["chiefs"], tmp_path / "t.xlsx", "zh")
    xml = part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml")
    found = re.search(r"type=\"list\".*?<formula1>'填写说明'!\$B\$(\d+):\$B\$(\d+)</formula1>", xml)
    first, last = int(found[1]), int(found[2])
    guide = python_calamine.CalamineWorkbook.from_path(tmp_path / "t.xlsx").get_sheet_by_name("填写说明")
    rows = guide.to_python(skip_empty_area=False)
    assert [row[1] for row in rows[first - 1 : last]] == ["一级", "二级", "三级"]


def test_numbers_dates_and_yes_or_no_are_checked_while_typing(tmp_path):
    write_template(LAYERS["toilets"], tmp_path / "t.xlsx", "zh")
    write_template(LAYERS["lamps"], tmp_path / "l.xlsx", "zh")
    toilets = part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml")
    lamps = part(tmp_path / "l.xlsx", "xl/worksheets/sheet1.xml")
    assert '"是,否"' in toilets
    assert "<formula1>1</formula1><formula2>60</formula2>" in lamps
    assert 'type="date"' in lamps
    # degrees and minutes may be meant: asked, not refused
    assert 'errorStyle="warning"' in lamps


def test_text_columns_keep_leading_zeros_and_eighteen_digits(tmp_path):
    write_template(LAYERS["chiefs"], tmp_path / "t.xlsx", "zh")
    sheet = part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml")
    styles = re.findall(
        r'<xf numFmtId="(\d+)"', part(tmp_path / "t.xlsx", "xl/styles.xml").split("<cellXfs")[1]
    )
    columns = re.findall(r'<col min="(\d+)" max="\d+" [^>]*style="(\d+)"', sheet)
    # 49 is the built-in format of text
    assert [styles[int(style)] for _, style in columns] == ["49"] * len(LAYERS["chiefs"].fields)


def test_the_guide_tells_every_field_with_unit_range_and_values(tmp_path):
    write_template(LAYERS["lamps"], tmp_path / "t.xlsx", "en")
    rows = python_calamine.CalamineWorkbook.from_path(tmp_path / "t.xlsx").get_sheet_by_index(1).to_python()
    assert ["Pole height", "", "number", "m", "1 … 60", "height"] in rows
    assert ["Lamp id", "yes", "text", "", "", "lamp_id"] in rows
    assert ["State", "Dark", "dark", "", "", ""] in rows


@pytest.mark.parametrize("name", DRAWN)
def test_an_empty_layer_to_draw_in_has_every_field(tmp_path, name):
    write_template(LAYERS[name], tmp_path / "t.gpkg", "zh")
    info = pyogrio.read_info(tmp_path / "t.gpkg")
    assert (info["layer_name"], info["features"], info["crs"]) == (name, 0, "EPSG:4490")
    assert list(info["fields"]) == list(LAYERS[name].fields)
    single = len(LAYERS[name].dimensions) == 1
    assert (info["geometry_type"] in LAYERS[name].geometry) == single


def test_lines_and_polygons_are_refused_as_a_sheet_with_what_to_do(tmp_path):
    with pytest.raises(UsageError, match=r"roads holds lines.*name it t\.gpkg"):
        write_template(LAYERS["roads"], tmp_path / "t.xlsx", "zh")
    with pytest.raises(UsageError, match="grids holds polygons"):
        write_template(LAYERS["grids"], tmp_path / "t.xlsx", "zh")


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "t.xlsx").write_text("filled in")
    with pytest.raises(UsageError, match="is there already"):
        write_template(LAYERS["lamps"], tmp_path / "t.xlsx", "zh")
    assert (tmp_path / "t.xlsx").read_text() == "filled in"


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match="a template is a workbook"):
        write_template(LAYERS["lamps"], tmp_path / "t.csv", "zh")


def test_a_layer_with_an_awkward_title_gets_a_sheet_of_its_name(tmp_path):
    text = """
title = { zh = "井盖/雨水口", en = "=Covers [all]" }
role = "table"
key = ["id"]
[fields.id]
type = "text"
required = true
title = { zh = "=HYPERLINK(1)", en = "Id" }
"""
    (tmp_path / "covers.toml").write_text(text, encoding="utf-8")
    layer = read_layer(tmp_path / "covers.toml")
    write_template(layer, tmp_path / "t.xlsx", "zh")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "t.xlsx")
    assert book.sheet_names[0] == "covers"
    assert "<f>" not in part(tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml")
    assert entries(layer)[0].required


def test_the_command_writes_it_and_says_what_comes_next(gridsvc, tmp_path):
    init_workspace(tmp_path / "county", County(name=bilingual("Test", "测试县")))
    done = gridsvc("template", "lamps", tmp_path / "a.xlsx", "-w", tmp_path / "county", "--lang", "en")
    assert done.returncode == 0
    assert "gridsvc load lamps" in done.stdout
    again = gridsvc("template", "lamps", tmp_path / "a.xlsx", "-w", tmp_path / "county", "--lang", "en")
    assert (again.returncode, again.stdout) == (2, "")
