"""Blank files to fill in: a workbook with drop-downs and explanations, or an empty layer to draw in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import xlsxwriter

from gridsvc.errors import UsageError
from gridsvc.export.files import put_in_place, write_file
from gridsvc.export.tables import EXCEL_ROWS
from gridsvc.layers import Field, Layer, fold
from gridsvc.text import Text, bilingual

FORMATS = (".xlsx", ".gpkg")
YES_NO = (bilingual("yes", "是"), bilingual("no", "否"))
TYPES: dict[str, Text] = {
    "text": bilingual("text", "文本"),
    "integer": bilingual("whole number", "整数"),
    "number": bilingual("number", "数值"),
    "boolean": bilingual("yes or no", "是/否"),
    "date": bilingual("date, 2026-11-03", "日期，如 2026-11-03"),
}
# 49 is the built-in format of text
_FORMATS: dict[str, str | int] = {
    "text": 49,
    "integer": "0",
    "number": "General",
    "boolean": 49,
    "date": "yyyy-mm-dd",
}
_DTYPES = {
    "text": "object",
    "integer": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "date": "datetime64[s]",
}
_GUIDE = bilingual("How to fill in", "填写说明")
_COLUMNS = (
    bilingual("Column", "列名"),
    bilingual("Required", "必填"),
    bilingual("What it holds", "内容"),
    bilingual("Unit", "单位"),
    bilingual("Range", "范围"),
    bilingual("Field", "字段名"),
)
_VALUES = (bilingual("Column", "列名"), bilingual("Write", "填写"), bilingual("Stored as", "入库值"))
_DAYS = (date(1950, 1, 1), date(2100, 12, 31))
_WIDTHS = (22, 8, 24, 8, 16, 18)


@dataclass(frozen=True)
class Entry:
    """One column of the sheet."""

    name: str
    title: Text
    field: Field
    required: bool

    def heading(self, lang: str) -> str:
        """Title with unit (coordinates: their system) and the mark of what must be filled in."""
        unit = f" ({self.field.unit or 'CGCS2000'})" if self.field.unit or not self.name else ""
        return f"{self.title(lang)}{unit}{'*' if self.required else ''}"


def write_template(layer: Layer, path: Path, lang: str) -> list[Path]:
    """Write a blank file for *layer* and return it; the ending says whether a workbook or a GeoPackage.

    Raises :class:`UsageError` for other endings, a file that is there already (it may be filled in), and a
    workbook for a layer of lines or polygons, which cells do not hold.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise UsageError(
            f"{path}: a template is a workbook (.xlsx) or an empty layer to draw in (.gpkg)",
            f"{path}：模板为工作簿（.xlsx）或可绘制的空图层（.gpkg）",
        )
    if path.exists():
        raise UsageError(
            f"{path} is there already and may be filled in; choose another name",
            f"{path} 已存在，可能已填写；请另选名称",
        )
    if ending == ".gpkg":
        return write_file({layer.name: _empty(layer)}, path, {layer.name: layer})
    if layer.geometry and 0 not in layer.dimensions:
        kind = bilingual("lines", "线") if 1 in layer.dimensions else bilingual("polygons", "面")
        drawn = path.with_suffix(".gpkg").name
        raise UsageError(
            f"{layer.name} holds {kind.en}, which a sheet does not: they come from a GIS file. For an empty layer to "
            f"draw in, name it {drawn}; the fields are listed by gridsvc layers {layer.name}",
            f"图层 {layer.name} 为{kind.zh}图形，无法在表格中填写，须由 GIS 文件提供。"
            f"如需可绘制的空图层，请写成 {drawn}；字段见 gridsvc layers {layer.name}",
        )
    return put_in_place(path, lambda aside: _write_workbook(layer, aside, lang))


def _empty(layer: Layer) -> pd.DataFrame:
    columns = {name: pd.Series(dtype=_DTYPES[field.type]) for name, field in layer.fields.items()}
    frame = pd.DataFrame(columns)
    return geopandas.GeoDataFrame(frame, geometry=[], crs=4490) if layer.geometry else frame


def entries(layer: Layer) -> list[Entry]:
    """The columns of the sheet: every field, and where the point is."""
    found = [
        Entry(name, field.title, field, field.required and field.default is None)
        for name, field in layer.fields.items()
    ]
    if layer.geometry:
        for title, most in ((bilingual("Longitude", "经度"), 180), (bilingual("Latitude", "纬度"), 90)):
            found.append(
                Entry("", title, Field(type="number", title=title, minimum=-most, maximum=most), True)
            )
    return found


def sheet_name(layer: Layer, lang: str) -> str:
    """Name of the sheet to fill in, by which a load finds it: the layer's title, else its name."""
    title = layer.title(lang)
    plain = not any(mark in title for mark in "[]:*?/\\'") and len(title) <= 31
    return title if plain and fold(title) != fold(_GUIDE(lang)) else layer.name[:31]


def _write_workbook(layer: Layer, path: Path, lang: str) -> None:
    columns = entries(layer)
    with xlsxwriter.Workbook(str(path), {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(sheet_name(layer, lang))
        guide = book.add_worksheet(_GUIDE(lang))
        places = _write_guide(book, guide, layer, columns, lang)
        plain = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1, "text_wrap": True})
        marked = book.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1, "text_wrap": True})
        for number, entry in enumerate(columns):
            form = book.add_format({"num_format": _FORMATS[entry.field.type]})
            heading = entry.heading(lang)
            sheet.set_column(number, number, max(12, min(2 * len(heading) + 2, 30)), form)
            sheet.write_string(0, number, heading, marked if entry.required else plain)
            sheet.write_comment(0, number, _comment(entry, lang), {"x_scale": 1.6, "y_scale": 1.2})
            if rule := _rule(entry, places.get(entry.name), lang):
                sheet.data_validation(1, number, EXCEL_ROWS - 1, number, rule)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.activate()


def _limits(field: Field) -> str:
    low, high = field.minimum, field.maximum
    if low is None and high is None:
        return ""
    return f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}".strip()


def _comment(entry: Entry, lang: str) -> str:
    """What is said when the pointer rests on a heading."""
    field = entry.field
    lines = [entry.name or entry.title(lang), TYPES[field.type](lang)]
    if entry.required:
        lines.append(bilingual("required", "必填")(lang))
    if limits := _limits(field):
        lines.append(f"{limits} {field.unit}".strip())
    lines += [value.title(lang) for value in field.values]
    return "\n".join(lines)[:1000]


def _rule(entry: Entry, source: str | None, lang: str) -> dict[str, Any] | None:
    """What a spreadsheet lets people write into a column."""
    field = entry.field
    low, high = field.minimum, field.maximum
    if source is not None:
        return {
            "validate": "list",
            "source": source,
            **_refusal(bilingual("choose from the list", "请从列表中选择"), lang),
        }
    if field.type == "boolean":
        choice = bilingual("write yes or no", "请填“是”或“否”")
        return {"validate": "list", "source": [word(lang) for word in YES_NO], **_refusal(choice, lang)}
    if field.type == "date":
        text = bilingual("write a date such as 2026-11-03", "请填写日期，如 2026-11-03")
        return {
            "validate": "date",
            "criteria": "between",
            "minimum": _DAYS[0],
            "maximum": _DAYS[1],
            **_refusal(text, lang),
        }
    if field.type not in {"integer", "number"}:
        return None
    kind = TYPES[field.type]
    limits = _limits(field)
    text = bilingual(f"write a {kind.en} {limits}".strip(), f"请填写{kind.zh} {limits}".strip())
    rule = {
        "validate": "integer" if field.type == "integer" else "decimal",
        "criteria": "between",
        "minimum": f"{-1e12 if low is None else low:.15g}",
        "maximum": f"{1e12 if high is None else high:.15g}",
        **_refusal(text, lang),
    }
    # degrees and minutes, or metres of another system, may be meant: asked, not refused
    return rule if entry.name else {**rule, "error_type": "warning"}


def _refusal(text: Text, lang: str) -> dict[str, str]:
    return {"error_title": bilingual("Not accepted", "填写有误")(lang), "error_message": text(lang)[:255]}


def _write_guide(
    book: xlsxwriter.Workbook, sheet: Any, layer: Layer, columns: Sequence[Entry], lang: str
) -> dict[str, str]:
    """Write the sheet that explains every column; where the allowed values of each field stand, by field."""
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1})
    title, wrap = (
        book.add_format({"bold": True, "font_size": 14}),
        book.add_format({"text_wrap": True, "valign": "top"}),
    )
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width, wrap)
    sheet.write_string(0, 0, f"{layer.title(lang)} · {layer.name}", title)
    row = 1
    for text in _sentences(layer, columns, lang):
        sheet.merge_range(row, 0, row, len(_WIDTHS) - 1, "", wrap)
        sheet.write_string(row, 0, text(lang), wrap)
        sheet.set_row(row, 32)
        row += 1
    row = _write_row(sheet, row + 1, [text(lang) for text in _COLUMNS], bold)
    required = bilingual("yes", "是")(lang)
    for entry in columns:
        field = entry.field
        cells = [entry.title(lang), required if entry.required else "", TYPES[field.type](lang)]
        row = _write_row(sheet, row, [*cells, field.unit, _limits(field), entry.name])
    places: dict[str, str] = {}
    if any(entry.field.values for entry in columns):
        row = _write_row(sheet, row + 1, [text(lang) for text in _VALUES], bold)
    for entry in columns:
        values = entry.field.values
        for value in values:
            row = _write_row(sheet, row, [entry.title(lang), value.title(lang), value.value])
        if values:
            places[entry.name] = f"='{_GUIDE(lang)}'!$B${row - len(values) + 1}:$B${row}"
    return places


def _write_row(sheet: Any, row: int, cells: Sequence[str], form: Any = None) -> int:
    for column, cell in enumerate(cells):
        sheet.write_string(row, column, cell, form)
    return row + 1


def _sentences(layer: Layer, columns: Sequence[Entry], lang: str) -> list[Text]:
    name = sheet_name(layer, lang)
    told = [
        bilingual(
            f"Fill in the sheet “{name}” from row 2, one row each; leave the headings as they are. Columns marked * "
            "must be filled in, the others may stay empty: empty means unknown.",
            f"请在工作表“{name}”中从第 2 行起填写，一行一条，表头勿改。带 * 的列必填，其余可留空（表示未知）。",
        ),
        bilingual(
            f"Load it with: gridsvc load {layer.name} FILE.xlsx",
            f"入库命令：gridsvc load {layer.name} 文件.xlsx",
        ),
    ]
    if layer.geometry:
        told.append(
            bilingual(
                "Longitude and latitude are degrees of CGCS2000 or WGS 84: 114.305123, or 114°18′18.4″. For another "
                "coordinate system name it when loading (--crs).",
                "经度、纬度为 CGCS2000 或 WGS 84 的度：114.305123 或 114°18′18.4″。其他坐标系入库时用 --crs 指定。",
            )
        )
    if any(entry.field.personal for entry in columns):
        told.append(
            bilingual(
                "The sheet holds personal data (phone numbers): pass it on to nobody who does not need it.",
                "本表含个人信息（电话），请勿扩散。",
            )
        )
    return told
