"""Spreadsheets: CSV that Excel opens rightly, and workbooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
import xlsxwriter

from gridsvc.errors import UsageError

# a cell of text that starts like this is a formula to a spreadsheet, unless it is a number
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
EXCEL_ROWS = 1_048_576
EXCEL_TEXT = 32_767
WIDEST = 48


def disarmed(value: object) -> object:
    """A value for a cell of CSV: text that a spreadsheet would run as a formula gets an apostrophe in front."""
    if isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value):
        return "'" + value
    return value


def flat(frame: pd.DataFrame, *, wkt: bool) -> pd.DataFrame:
    """*frame* for a spreadsheet: points become ``lon`` and ``lat``, dates days; other shapes ``wkt``, or go."""
    table = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    for name in table.columns:
        if pd.api.types.is_datetime64_any_dtype(table[name].dtype):
            table[name] = table[name].dt.strftime("%Y-%m-%d")
    if "geometry" in frame:
        shapes = np.asarray(frame["geometry"], dtype=object)
        kinds = shapely.get_type_id(shapes)
        if len(shapes) and (kinds <= 0).all():
            table["lon"], table["lat"] = shapely.get_x(shapes), shapely.get_y(shapes)
        elif wkt:
            table["wkt"] = shapely.to_wkt(shapes, rounding_precision=-1)
    return table


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Values of a column as Python's own; None where there is none."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def csv_text(frame: pd.DataFrame) -> str:
    """*frame* as CSV, its texts and the names of its columns :func:`disarmed`."""
    table = flat(frame, wkt=True).astype(object)
    table.columns = pd.Index([disarmed(name) for name in table.columns])
    for name in table.columns:
        table[name] = pd.Series([disarmed(value) for value in table[name]], index=table.index, dtype=object)
    out = StringIO()
    table.to_csv(out, index=False, lineterminator="\r\n")
    return out.getvalue()


def write_csv(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write the one table as CSV in UTF-8 with a byte-order mark, by which Excel knows the encoding."""
    (frame,) = tables.values()
    path.write_text(csv_text(frame), encoding="utf-8-sig", newline="")


def write_xlsx(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write a workbook, one sheet a table (more where a table has more rows than a sheet can hold).

    Lines and polygons are left out: a cell of Excel is too small for them.
    """
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "in_memory": False}) as book:
        head = book.add_format({"bold": True, "bottom": 1, "valign": "vcenter"})
        for name, frame in tables.items():
            table = flat(frame, wkt=False)
            _require_cells(table, name)
            for number, start in enumerate(range(0, max(len(table), 1), EXCEL_ROWS - 1)):
                part = table.iloc[start : start + EXCEL_ROWS - 1]
                title = name if number == 0 else f"{name} {number + 1}"
                _write_sheet(book.add_worksheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31]), part, head)


def _require_cells(table: pd.DataFrame, name: str) -> None:
    """Refuse texts that a cell would cut."""
    for column in table.select_dtypes(include=["object", "str"]).columns:
        longest = table[column].dropna().astype(str).str.len().max()
        if longest > EXCEL_TEXT:
            raise UsageError(
                f"{name}: column {column} has a text of {longest} characters, a cell of Excel holds {EXCEL_TEXT}; "
                "use .csv instead",
                f"{name}：字段 {column} 有 {longest} 个字符的文本，Excel 单元格最多 {EXCEL_TEXT} 个；请改用 .csv",
            )


def _write_sheet(sheet: Any, table: pd.DataFrame, head: Any) -> None:
    """One sheet: a frozen header row, a filter, columns about as wide as what stands in them."""
    columns = [_plain(table[name]) for name in table.columns]
    for number, (name, values) in enumerate(zip(table.columns, columns, strict=True)):
        widest = max((width_of(value) for value in (name, *values[:200])), default=8)
        sheet.set_column(number, number, min(widest, WIDEST) + 2)
    for number, name in enumerate(table.columns):
        sheet.write_string(0, number, str(name), head)
    for row, cells in enumerate(zip(*columns, strict=True), start=1):
        for number, value in enumerate(cells):
            _write_cell(sheet, row, number, value)
    sheet.freeze_panes(1, 0)
    if len(table.columns):
        sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < 1e15:
        sheet.write_number(row, column, value)
    else:
        # text stays text: codes keep their leading zeros and all their digits, nothing runs as a formula
        sheet.write_string(row, column, str(value))


def width_of(value: Any) -> int:
    """Columns that a value takes in a spreadsheet; Chinese characters take two."""
    text = "" if value is None else str(value)
    return sum(2 if character > "\u2e80" else 1 for character in text[: WIDEST + 1])
