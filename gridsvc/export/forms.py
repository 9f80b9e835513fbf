"""Workbooks to print and sign: pages with a title, a ruled table, lines for signatures, and numbered footers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import xlsxwriter

from gridsvc.text import Text, bilingual

PAGE = bilingual("page &P of &N", "第 &P 页 共 &N 页")
Paper = Literal[8, 9]
A3: Paper = 8
A4: Paper = 9


class Form:
    """Pages of one workbook in one language, made alike."""

    def __init__(self, book: xlsxwriter.Workbook, lang: str, marking: str = "") -> None:
        """Make the looks that pages share. *marking*: classification mark (密级) in the header of every page."""
        self.book, self.lang, self.marking = book, lang, marking
        font = {"font_name": "宋体" if lang == "zh" else "Arial", "font_size": 10, "valign": "vcenter"}
        self.ruled = {**font, "border": 1, "text_wrap": True}
        add = book.add_format
        self.title = add({**font, "bold": True, "font_size": 16, "align": "center"})
        self.plain, self.small = add({**font, "text_wrap": True}), add({**font, "font_size": 8})
        self.head = add({**self.ruled, "bold": True, "align": "center", "bg_color": "#E8EEF4"})
        self.cell, self.bold = add(self.ruled), add({**self.ruled, "bold": True})
        # text that runs over the columns beside it
        self.line = add(font)
        self._numbers: dict[tuple[Any, ...], Any] = {}
        self._names: set[str] = set()

    def look(
        self,
        decimals: int | None = None,
        *,
        bold: bool = False,
        fill: str = "",
        middle: bool = False,
        unit: str = "",
    ) -> Any:
        """The look of a ruled cell: a number of so many decimals with its *unit*, or a text; *fill* is a colour."""
        key = decimals, bold, fill, middle, unit
        if key not in self._numbers:
            made = {**self.ruled, "bold": bold}
            made |= {"bg_color": fill} if fill else {}
            made |= {"align": "center"} if middle else {}
            if decimals is not None:
                number = "#,##0" + ("." + "0" * decimals if decimals else "")
                made["num_format"] = f'{number} "{unit}"' if unit else number
            self._numbers[key] = self.book.add_format(made)
        return self._numbers[key]

    def sheet(self, name: str, *, landscape: bool, paper: Paper = A4) -> Any:
        """A page as wide as the paper, under a name that Excel takes and no other page has."""
        plain = "".join(" " if sign in "[]:*?/\\'" else sign for sign in name)[:28].strip() or "-"
        unique, number = plain, 1
        while unique.lower() in self._names:
            number += 1
            unique = f"{plain} {number}"
        self._names.add(unique.lower())
        sheet = self.book.add_worksheet(unique)
        sheet.set_paper(paper)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.7, bottom=0.7)
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        return sheet

    def top(self, sheet: Any, last: int, name: str, lines: Iterable[str], footer: str) -> int:
        """Title over columns 0 to *last* and small lines under it; returns the next row."""
        sheet.merge_range(0, 0, 0, last, "", self.title)
        sheet.write_string(0, 0, name, self.title)
        sheet.set_row(0, 30)
        row = 1
        for text in lines:
            sheet.merge_range(row, 0, row, last, "", self.small)
            sheet.write_string(row, 0, text, self.small)
            row += 1
        # & is a command in headers and footers
        marking = self.marking.replace("&", "&&")
        sheet.set_header(f"&R&9{marking}" if marking else "")
        sheet.set_footer(f"&L&8{footer.replace('&', '&&')}&R&8{PAGE(self.lang)}")
        return row

    def signs(
        self, sheet: Any, row: int, last: int, signs: Sequence[tuple[Text, str]], per_row: int = 3
    ) -> int:
        """Lines to sign, each with what is known already, *per_row* beside each other; returns the next row."""
        colon = "：" if self.lang == "zh" else ": "
        for number, (sign, known) in enumerate(signs):
            at, column = row + number // per_row, (number % per_row) * ((last + 1) // per_row)
            sheet.write_string(at, column, f"{sign(self.lang)}{colon}{known}".rstrip(" "), self.line)
            sheet.set_row(at, 34)
        return row + -(-len(signs) // per_row)
