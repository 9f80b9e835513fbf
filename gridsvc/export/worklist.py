"""Worklists as workbooks to print, carry along and fill in: one table with a title and blank columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import xlsxwriter

from gridsvc.export.files import put_in_place
from gridsvc.export.tables import EXCEL_TEXT, width_of
from gridsvc.text import bilingual

A4 = 9
LINE = 14
"""Height of a line of text, points."""
LEAST = 24
"""Height of a row: room to write by hand."""
_PAGE = bilingual("page &P of &N", "第 &P 页 共 &N 页")

Kind = Literal["text", "number", "mark", "blank"]


@dataclass(frozen=True)
class Column:
    """One column; a blank one is filled in by hand."""

    title: str
    width: int
    """Characters; Chinese ones take two."""
    kind: Kind = "text"
    decimals: int = 0


@dataclass(frozen=True)
class Worklist:
    """What stands in the workbook."""

    title: str
    lines: Sequence[str]
    """Whose it is, and of which day."""
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    """Values by column, None for blank cells."""
    empty: str
    """What to say where there are no rows."""
    signs: Sequence[str] = field(default_factory=tuple)
    """What is signed below."""
    marking: str = ""
    lang: str = "zh"


def write_worklist(worklist: Worklist, path: Path) -> None:
    """Write the workbook, put in place when it is whole; raises :class:`StoreError` where it cannot be written."""
    put_in_place(path, partial(_write, worklist))


def _write(worklist: Worklist, path: Path) -> None:
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        _Page(book, worklist).write()


class _Page:
    """Writes the one sheet. Every text is written as text: nothing that data holds runs as a formula or a link."""

    def __init__(self, book: Any, worklist: Worklist) -> None:
        self.list, self.lang = worklist, worklist.lang
        font = {"font_name": "宋体" if self.lang == "zh" else "Arial", "font_size": 10, "valign": "vcenter"}
        grid = {**font, "border": 1, "text_wrap": True}
        add = book.add_format
        self.title = add({**font, "bold": True, "font_size": 16, "align": "center"})
        self.plain = add(font)
        self.head = add({**grid, "bold": True, "align": "center", "bg_color": "#E8EEF4"})
        self.cell, self.mark = add(grid), add({**grid, "bold": True, "align": "center"})
        self.numbers = {
            places: add({**grid, "num_format": "#,##0" + ("." + "0" * places if places else "")})
            for places in {column.decimals for column in worklist.columns}
        }
        self.sheet = book.add_worksheet(bilingual("Gaps", "短板清单")(self.lang))

    def write(self) -> None:
        """Title, lines, table, signatures; set up for A4 across."""
        self._set_up()
        last = len(self.list.columns) - 1
        self.sheet.merge_range(0, 0, 0, last, "", self.title)
        self.sheet.write_string(0, 0, self.list.title, self.title)
        self.sheet.set_row(0, 30)
        row = 1
        for row, line in enumerate(self.list.lines, 1):
            self.sheet.merge_range(row, 0, row, last, "", self.plain)
            self.sheet.write_string(row, 0, line, self.plain)
        row += 1
        for number, column in enumerate(self.list.columns):
            self.sheet.set_column(number, number, column.width)
            self.sheet.write_string(row, number, column.title, self.head)
        self.sheet.set_row(row, max(LINE * self._lines([one.title for one in self.list.columns]) + 4, LEAST))
        self.sheet.repeat_rows(row)
        self.sheet.freeze_panes(row + 1, 0)
        end = self._rows(row + 1)
        if self.list.rows:
            self.sheet.autofilter(row, 0, end - 1, last)
        self._signs(end, last)

    def _rows(self, row: int) -> int:
        """The table's rows; returns the row after them."""
        if not self.list.rows:
            self.sheet.write_string(row, 0, self.list.empty, self.plain)
            return row + 1
        for values in self.list.rows:
            for number, (column, value) in enumerate(zip(self.list.columns, values, strict=True)):
                self._cell(row, number, column, value)
            self.sheet.set_row(row, max(LEAST, LINE * self._lines(values) + 2))
            row += 1
        return row

    def _cell(self, row: int, number: int, column: Column, value: Any) -> None:
        form = self.mark if column.kind == "mark" else self.cell
        if value is None or value == "" or column.kind == "blank":
            self.sheet.write_blank(row, number, None, form)
        elif column.kind == "number" and isinstance(value, int | float):
            self.sheet.write_number(row, number, value, self.numbers[column.decimals])
        else:
            self.sheet.write_string(row, number, str(value)[:EXCEL_TEXT], form)

    def _lines(self, values: Sequence[Any]) -> int:
        """Lines that the longest of a row's texts takes."""
        texts = zip(self.list.columns, values, strict=True)
        return max(
            -(-width_of(value) // max(one.width - 1, 1)) for one, value in texts if one.kind != "number"
        )

    def _signs(self, row: int, last: int) -> None:
        """Lines to sign, side by side."""
        colon = "：" if self.lang == "zh" else ":"
        step = max(1, (last + 1) // max(len(self.list.signs), 1))
        for number, sign in enumerate(self.list.signs):
            self.sheet.write_string(row, number * step, f"{sign}{colon}", self.plain)
        self.sheet.set_row(row, 34)
        self.sheet.print_area(0, 0, row, last)

    def _set_up(self) -> None:
        sheet = self.sheet
        sheet.set_paper(A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.center_horizontally()
        # & is a command in headers and footers, which hold 255 characters
        marking = self.list.marking.replace("&", "&&")[:100]
        sheet.set_header(f"&R&9{marking}" if marking else "")
        sheet.set_footer(f"&L&8{self.list.title.replace('&', '&&')[:150]}&R&8{_PAGE(self.lang)}")
