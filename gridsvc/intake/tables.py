"""CSV files and workbooks as deliveries: columns below the header, rows that are records, what was left out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Column, DataSet, Delivery, LeftOut, cell_text, unique_names
from gridsvc.intake.encoding import detect_text
from gridsvc.intake.header import (
    HEADER_ROWS,
    SERIAL,
    Header,
    Merge,
    Path,
    Row,
    find_header,
    forms,
    full_name,
    header_at,
    heading,
    is_empty,
)
from gridsvc.intake.records import Fills, filled_down, is_no_record, wide_rows
from gridsvc.intake.workbook import hidden_rows, letters, open_sheet
from gridsvc.layers import fold
from gridsvc.text import Text, bilingual

_DELIMITERS = ",\t;|，"
_MOST_CELL = 100_000_000
_LONGEST_NAME = 100
_UNKNOWN_AHEAD = 2
# the first line by which a spreadsheet says what separates the cells
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\s*')


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
    """Read one sheet of a workbook, hidden rows included."""
    sheet = open_sheet(data.path, data.layer, data.title)
    delivery = _delivery(data, sheet.rows, spellings, sheet.merges)
    hidden = hidden_rows(sheet.facts, delivery.rows.tolist())
    delivery.notes += sheet.notes + ([hidden] if hidden else [])
    delivery.days_from_1904 = sheet.facts.days_from_1904
    return delivery


def _delimiter(text: str, spellings: Collection[str]) -> str:
    """The separator that sets known column names apart; among equals the one that the first lines use most."""
    head = [line for line in text[:20_000].splitlines()[:HEADER_ROWS] if line.strip()]
    if head and (named := _SEPARATOR.fullmatch(head[0])):
        return named[1]

    def rank(mark: str) -> tuple[int, int]:
        known = (len({fold(part.strip('" ')) for part in line.split(mark)} & set(spellings)) for line in head)
        return max(known, default=0), sum(line.count(mark) for line in head)

    return max(_DELIMITERS, key=rank)


@dataclass(frozen=True)
class _Layout:
    """Where the columns of one table of a sheet stand; a table may stand several times side by side."""

    header: Header
    names: list[str]
    """Names of one of the tables that stand side by side; empty where a column has no heading."""
    starts: list[int]
    """First column of each of these."""

    @cached_property
    def serial(self) -> set[int]:
        """Columns that only count the rows."""
        numbers = [index for index, name in enumerate(self.names) if fold(name) in SERIAL]
        return {start + index for start in self.starts for index in numbers}

    @property
    def named(self) -> int:
        """How many columns have a heading."""
        return sum(bool(name) for name in self.names) * len(self.starts)


def _layout(header: Header, width: int) -> _Layout:
    names = [full_name(path) for path in header.paths] + [""] * (width - len(header.paths))
    end = max((index + 1 for index, path in enumerate(header.paths) if path), default=0)
    period = _period(header.paths, end)
    if period is None:
        return _Layout(header, names, [0])
    return _Layout(header, names[:period], list(range(0, end, period)))


def _period(paths: list[Path], end: int) -> int | None:
    """Columns after which the headings (up to *end*) repeat, where a table stands several times side by side."""
    for period in range(2, end // 2 + 1):
        ahead, behind = paths[period:end], paths[: end - period]
        whole = end % period == 0 or not any(paths[period - 1 :: period])
        if whole and ahead == behind and len({path for path in paths[:period] if path}) > 1:
            return period
    return None


@dataclass
class _Records:
    """The rows that are records, each with the table it stands in."""

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, number: int, row: Row) -> None:
        """Count a row that is no record."""
        cells = [str(cell_text(cell)) for cell in row if not is_empty(cell)]
        self.left_out.append(LeftOut(number, " ".join(cells)[:80]))


def _delivery(
    data: DataSet, rows: list[Row], known: Collection[str], merges: Sequence[Merge] = ()
) -> Delivery:
    """Columns below the header; blank rows are no rows, totals and notes are left out."""
    header = find_header(rows, known, merges)
    if header is None:
        return Delivery(data.title, data.format, np.zeros(0, dtype="int64"), {})
    width = max(len(row) for row in rows)
    layouts = [_layout(header, width)]
    fills = filled_down(rows, merges, header.end)
    records, notes = _records(rows, layouts, known, fills, wide_rows(merges, layouts[0].named))
    titles = [row for layout in layouts for row in rows[layout.header.start : layout.header.end]]
    cells = [cell for row in [*records.rows[:50], *titles] for cell in row]
    foreign = dict.fromkeys(cell.strip() for cell in cells if isinstance(cell, str) and not cell.isascii())
    longer = _longer(records, layouts)
    if filled := [number for number in records.numbers if number - 1 in fills]:
        notes.append(_filled(filled))
    names, kept = _columns(records, layouts, width)
    return Delivery(
        data.title,
        data.format,
        np.array(records.numbers, dtype="int64"),
        {name: Column.of_cells(partial(_cells, kept, index)) for index, name in names},
        samples=list(foreign)[:3],
        left_out=records.left_out,
        notes=notes + ([_moved(longer)] if longer else []),
        paths={full_name(path): path for layout in layouts for path in layout.header.paths if len(path) > 1},
    )


def _records(
    rows: list[Row], layouts: list[_Layout], known: Collection[str], fills: Fills, wide: set[int]
) -> tuple[_Records, list[Text]]:
    """The records below the header. A header further down begins a table of its own, added to *layouts*."""
    records, notes = _Records(), []
    header = layouts[0].header
    titles = {_folded(row) for row in rows[: header.start]} - {()}
    headings = {_folded(row) for row in rows[header.start : header.end]}
    index = header.end
    if len(layouts[0].starts) > 1:
        notes.append(_side_by_side(len(layouts[0].starts)))
    while index < len(rows):
        row, number = rows[index], index + 1
        filled = [cell for cell in row if not is_empty(cell)]
        index += 1
        if not filled:
            continue
        if is_no_record(row, filled, layouts[-1].serial) or (len(filled) == 1 and index - 1 in wide):
            records.leave_out(number, row)
            continue
        gap = not any(not is_empty(cell) for cell in rows[index - 2])
        if isinstance(filled[0], str) and _is_heading(row, filled, titles | headings, known, gap=gap):
            below = header_at(rows, index - 1, known)
            again = _folded(row) in titles | headings or below is None
            end = index if again or below is None else below.end
            for line in range(index - 1, end):
                records.leave_out(line + 1, rows[line])
            # right below the header it is the same in another language; elsewhere it is a table of its own
            if not again and below is not None and index - 1 > header.end:
                layouts.append(_layout(below, len(row)))
                headings |= {_folded(row) for row in rows[below.start : below.end]}
                notes.append(_second(number))
            index = end
            continue
        for column, value in fills.get(index - 1, ()):
            row[column] = value
        records.rows.append(row)
        records.numbers.append(number)
        records.tables.append(len(layouts) - 1)
    return records, notes


def _folded(row: Row) -> tuple[str, ...]:
    """A row's texts, for comparison."""
    return tuple(heading(cell) for cell in row if not is_empty(cell))


def _is_heading(
    row: Row, filled: list[Any], headings: set[tuple[str, ...]], known: Collection[str], *, gap: bool
) -> bool:
    """True for a row of headings: one that stood further up, or one most of whose texts are known names.

    After an empty row (*gap*) half of them, and be it one, is enough: a table of something else may begin.
    """
    if not all(isinstance(cell, str) and len(cell) < _LONGEST_NAME for cell in filled):
        return False
    if _folded(row) in headings:
        return True
    names = 0
    for seen, cell in enumerate(filled, 1):
        names += any(form in known or form in SERIAL for form in forms(heading(cell)))
        # most rows are records: seen after the first few cells
        if names < seen - _UNKNOWN_AHEAD and 2 * names < seen:
            return False
    if gap:
        return names > 0 and 1 < len(filled) <= 2 * names
    return names > 1 and 2 * names > len(filled)


def _columns(
    records: _Records, layouts: list[_Layout], width: int
) -> tuple[list[tuple[int, str]], list[Row]]:
    """Columns as (index, name), and the rows that they index; rows are changed in place to be equally wide."""
    if len(layouts) == 1 and len(layouts[0].starts) == 1:
        for row in records.rows:
            row += [None] * (width - len(row))
        named = [
            (index, name or f"({letters(index)})")
            for index, name in enumerate(layouts[0].names)
            if name or any(not is_empty(row[index]) for row in records.rows)
        ]
        names = unique_names(name for _, name in named)
        return [(index, name) for (index, _), name in zip(named, names, strict=True)], records.rows
    return _stacked(records, layouts)


def _stacked(records: _Records, layouts: list[_Layout]) -> tuple[list[tuple[int, str]], list[Row]]:
    """The rows of several tables as those of one: columns of one name become one. Changes *records*."""
    own = [unique_names(name or f"({letters(i)})" for i, name in enumerate(each.names)) for each in layouts]
    names = list(dict.fromkeys(name for each in own for name in each))
    places = {name: index for index, name in enumerate(names)}
    rows: list[Row] = []
    numbers: list[int] = []
    for row, number, table in zip(records.rows, records.numbers, records.tables, strict=True):
        layout = layouts[table]
        for start in layout.starts:
            cells = row[start : start + len(layout.names)]
            if all(is_empty(cell) or start + i in layout.serial for i, cell in enumerate(cells)):
                continue
            stacked: Row = [None] * len(names)
            for name, cell in zip(own[table], cells, strict=False):
                stacked[places[name]] = cell
            rows.append(stacked)
            numbers.append(number)
    records.numbers[:] = numbers
    titled = {name for layout in layouts for name in layout.names if name}
    used = [
        (index, name)
        for index, name in enumerate(names)
        if name in titled or any(not is_empty(row[index]) for row in rows)
    ]
    return used, rows


def _cells(rows: list[Row], index: int) -> list[Any]:
    return [None if is_empty(row[index]) else row[index] for row in rows]


def _longer(records: _Records, layouts: list[_Layout]) -> list[int]:
    """Rows that have more cells than their header, as a separator inside a text makes them."""
    return [
        number
        for number, row, table in zip(records.numbers, records.rows, records.tables, strict=True)
        if not all(map(is_empty, row[len(layouts[table].header.paths) :]))
    ]


def _listed(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:10])) + (" …" if len(rows) > 10 else "")


def _moved(longer: list[int]) -> Text:
    return bilingual(
        f"{len(longer)} rows have more cells than there are column names, so values may stand in the wrong "
        f"column: rows {_listed(longer)}; put texts that hold a separator in quotation marks",
        f"{len(longer)} 行的单元格多于列名，数值可能错列：第 {_listed(longer)} 行；含分隔符的文字请加双引号",
    )


def _filled(rows: list[int]) -> Text:
    return bilingual(
        f"merged cells were filled down into {len(rows)} rows: {_listed(rows)}",
        f"合并单元格的值已填入其下 {len(rows)} 行：第 {_listed(rows)} 行",
    )


def _second(number: int) -> Text:
    return bilingual(
        f"another table begins in row {number}: the rows below it were read by the header that stands there",
        f"第 {number} 行起是另一张表：其下各行按该处表头读取",
    )


def _side_by_side(count: int) -> Text:
    return bilingual(
        f"the same headings stand {count} times side by side: each part was read as rows of its own",
        f"相同的表头并排出现 {count} 次：各部分分别按行读取",
    )
