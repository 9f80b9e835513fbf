"""CSV files and workbooks: finding the header below titles, leaving out totals and notes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import numpy as np
import python_calamine

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Column, DataSet, Delivery, LeftOut, cell_text, unique_names
from gridsvc.intake.encoding import detect_text
from gridsvc.layers import fold
from gridsvc.text import Text, bilingual

Row = list[Any]

HEADER_ROWS = 30
"""How far down the header is looked for."""
# the first cell of a row that is no record
_TOTAL = re.compile(
    r"(合\s*计|总\s*计|小\s*计|共\s*计|累\s*计|总\s*数|total|subtotal|sum)(?=$|[\s\d：:，,。(（])",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(注|备注|说明|附注|填表说明|填表人|填表单位|填报人|填报单位|制表人?|审核人?|单位负责人|负责人|联系人|联系电话|填表日期|填报日期|note)"
    r"\s*[0-9一二三四五]?\s*[：:]",
    re.IGNORECASE,
)
SERIAL = frozenset(fold(name) for name in ("序号", "行号", "序", "No", "Nr", "#"))
"""Folded names of columns that only count the rows."""
_DELIMITERS = ",\t;|，"
_MOST_CELL = 100_000_000


def read_csv(data: DataSet, forced: str | None, spellings: Collection[str]) -> Delivery:
    """Read a text table; *spellings* are the folded names by which the header is recognised."""
    text, encoding = detect_text(data.path.read_bytes(), data.shown, forced)
    csv.field_size_limit(_MOST_CELL)
    try:
        # strict: a quotation mark that is not closed would swallow the rows below it
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, spellings), strict=True)
        rows: list[Row] = list(lines)
    except csv.Error as error:
        raise InputRefusedError(
            f"{data.shown} is not a readable CSV table: {error}, up to line {lines.line_num}; look for a quotation "
            'mark that is not closed or not doubled ("")',
            f"{data.shown} 不是可读取的 CSV 表：第 {lines.line_num} 行或之前有误（{error}）；"
            '请检查是否有未成对的双引号，单元格内的双引号应写成两个（""）',
        ) from error
    delivery = _delivery(data, rows, spellings)
    delivery.encoding, delivery.encoding_note = encoding.title, encoding.how
    delivery.notes += encoding.notes
    return delivery


def read_sheet(data: DataSet, spellings: Collection[str]) -> Delivery:
    """Read one sheet of a workbook."""
    try:
        with data.path.open("rb") as file, python_calamine.CalamineWorkbook.from_filelike(file) as book:
            rows: list[Row] = book.get_sheet_by_name(data.layer).to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError) as error:
        raise InputRefusedError(
            f"{data.title} cannot be read: {error}", f"无法读取 {data.title}：{error}"
        ) from error
    return _delivery(data, rows, spellings)


def _delimiter(text: str, spellings: Collection[str]) -> str:
    """The separator that sets known column names apart; among equals the one that the first lines use most."""
    head = [line for line in text[:20_000].splitlines()[:HEADER_ROWS] if line.strip()]

    def rank(mark: str) -> tuple[int, int]:
        known = (len({fold(part.strip('" ')) for part in line.split(mark)} & set(spellings)) for line in head)
        return max(known, default=0), sum(line.count(mark) for line in head)

    return max(_DELIMITERS, key=rank)


def _empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def header_row(rows: Sequence[Row], spellings: Collection[str]) -> int | None:
    """Index of the row that names the most columns; the first with two texts where none is recognised."""
    best, most, fallback = None, 0, None
    wide = min(2, max((len(row) for row in rows[:HEADER_ROWS]), default=0))
    for index, row in enumerate(rows[:HEADER_ROWS]):
        texts = [cell for cell in row if isinstance(cell, str) and cell.strip()]
        score = len({fold(text) for text in texts} & set(spellings))
        if score > most:
            best, most = index, score
        if fallback is None and texts and len(texts) >= wide:
            fallback = index
    return fallback if best is None else best


def _delivery(data: DataSet, rows: list[Row], spellings: Collection[str]) -> Delivery:
    """Columns below the header; blank rows are no rows, totals and notes are left out."""
    header = header_row(rows, spellings)
    if header is None:
        return Delivery(data.title, data.format, np.zeros(0, dtype="int64"), {})
    width = max(len(row) for row in rows)
    named = [_heading(rows[header], index) for index in range(width)]
    serial = {index for index, name in enumerate(named) if fold(name) in SERIAL}
    kept: list[Row] = []
    numbers: list[int] = []
    left_out: list[LeftOut] = []
    for number, row in enumerate(rows[header + 1 :], header + 2):
        filled = [cell for cell in row if not _empty(cell)]
        if not filled:
            continue
        counted_only = all(_empty(cell) or index in serial for index, cell in enumerate(row))
        if counted_only or _no_record(filled, row, rows[header]):
            left_out.append(LeftOut(number, " ".join(str(cell_text(cell)) for cell in filled)[:80]))
            continue
        kept.append(row if len(row) == width else row + [None] * (width - len(row)))
        numbers.append(number)
    positions = [
        index for index, name in enumerate(named) if name or any(not _empty(row[index]) for row in kept)
    ]
    names = unique_names(named[index] or f"({_letters(index)})" for index in positions)
    columns = {
        name: Column.of_cells(partial(_cells, kept, index))
        for name, index in zip(names, positions, strict=True)
    }
    cells = (cell for row in [*kept[:50], rows[header]] for cell in row)
    longer = [
        number
        for number, row in zip(numbers, kept, strict=True)
        if not all(map(_empty, row[len(rows[header]) :]))
    ]
    foreign = dict.fromkeys(cell.strip() for cell in cells if isinstance(cell, str) and not cell.isascii())
    return Delivery(
        data.title,
        data.format,
        np.array(numbers, dtype="int64"),
        columns,
        samples=list(foreign)[:3],
        left_out=left_out,
        notes=[_moved(longer)] if longer else [],
    )


def _moved(longer: list[int]) -> Text:
    """Warning of rows that have more cells than the header, as a separator inside a text makes them."""
    shown = ", ".join(map(str, longer[:10])) + (" …" if len(longer) > 10 else "")
    return bilingual(
        f"{len(longer)} rows have more cells than there are column names, so values may stand in the wrong "
        f"column: rows {shown}; put texts that hold a separator in quotation marks",
        f"{len(longer)} 行的单元格多于列名，数值可能错列：第 {shown} 行；含分隔符的文字请加双引号",
    )


def _heading(row: Row, index: int) -> str:
    """Name of a column, line breaks and surplus blanks out."""
    if index >= len(row) or _empty(row[index]):
        return ""
    return " ".join(str(cell_text(row[index])).split())


def _cells(rows: list[Row], index: int) -> list[Any]:
    return [None if _empty(row[index]) else row[index] for row in rows]


def _no_record(filled: list[Any], row: Row, header: Row) -> bool:
    """True for a total, a note, or the header repeated on the next printed page."""
    first = filled[0]
    if isinstance(first, str) and (_TOTAL.match(first.strip()) or _NOTE.match(first.strip())):
        return True
    return row[: len(header)] == header and len(filled) > 1


def _letters(index: int) -> str:
    """Spreadsheet letters of a column."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
