"""One sheet of a workbook as a grid of cells, with what its reader does not tell: errors, formats, hidden rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine

from gridsvc.errors import InputRefusedError
from gridsvc.intake.header import Merge, Row
from gridsvc.intake.sheetxml import PADDED, PERCENT, Facts, sheet_facts
from gridsvc.text import Text, bilingual


@dataclass
class Sheet:
    """A sheet as it was saved."""

    rows: list[Row]
    merges: list[Merge]
    facts: Facts
    notes: list[Text]


def open_sheet(path: Path, name: str, title: str) -> Sheet:
    """Read the sheet *name*; *title* is what messages call it. Raises :class:`InputRefusedError`."""
    with open_book(path, title) as book:
        table = book.get_sheet_by_name(name)
        rows: list[Row] = table.to_python(skip_empty_area=False)
        merges = sorted(table.merged_cell_ranges or [])
        hidden = hidden_sheets(book)
    facts = sheet_facts(path, name, title)
    for (row, column), text in facts.errors.items():
        _put(rows, row, column, text)
    for (row, column), code in facts.formats.items():
        _put(rows, row, column, shown(_at(rows, row, column), code))
    return Sheet(rows, merges, facts, _notes(facts, hidden))


@contextmanager
def open_book(path: Path, title: str) -> Iterator[python_calamine.CalamineWorkbook]:
    """Open a workbook by its content, whatever it is called; *title* is what messages call it.

    Raises :class:`InputRefusedError` where it is none, or damaged.
    """
    try:
        # by a path the reader would judge the format by the ending
        with path.open("rb") as file, python_calamine.CalamineWorkbook.from_filelike(file) as book:
            yield book
    except (python_calamine.CalamineError, OSError) as error:
        raise _unreadable(title, error) from error
    except BaseException as error:
        # what the reader raises where a damaged file trips it is no ordinary exception
        if type(error).__name__ != "PanicException":
            raise
        raise _unreadable(title, bilingual("it is damaged", "文件已损坏")) from error


def _unreadable(title: str, why: Text | Exception) -> InputRefusedError:
    en, zh = (why.en, why.zh) if isinstance(why, Text) else (str(why), str(why))
    return InputRefusedError(
        f"{title} cannot be read: it cannot be opened as a workbook ({en}); save it again as .xlsx",
        f"无法读取 {title}：无法作为工作簿打开（{zh}）；请另存为 .xlsx",
    )


def hidden_sheets(book: python_calamine.CalamineWorkbook) -> list[str]:
    """Names of the sheets that cannot be seen."""
    seen = python_calamine.SheetVisibleEnum.Visible
    return [sheet.name for sheet in book.sheets_metadata if sheet.visible != seen]


def _at(rows: list[Row], row: int, column: int) -> Any:
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def _put(rows: list[Row], row: int, column: int, value: Any) -> None:
    if row < len(rows) and column < len(rows[row]):
        rows[row][column] = value


def _notes(facts: Facts, hidden: list[str]) -> list[Text]:
    notes = []
    if hidden:
        names = ", ".join(hidden[:10])
        notes.append(bilingual(f"hidden sheets were not read: {names}", f"隐藏的工作表未读取：{names}"))
    if facts.unanswered:
        cells = ", ".join(cell_name(*place) for place in facts.unanswered[:10])
        more = " …" if len(facts.unanswered) > 10 else ""
        notes.append(
            bilingual(
                f"{len(facts.unanswered)} formulas were saved without a result and count as empty: {cells}{more}; "
                "open the workbook in a spreadsheet and save it again",
                f"{len(facts.unanswered)} 个公式没有保存计算结果，按空单元格处理：{cells}{more}；"
                "请用表格软件打开并重新保存",
            )
        )
    return notes


def letters(column: int) -> str:
    """Spreadsheet letters of a column (from 0)."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def cell_name(row: int, column: int) -> str:
    """Name of a cell: ``C5``."""
    return f"{letters(column)}{row + 1}"


def shown(value: Any, code: str) -> Any:
    """A number as its format *code* shows it: ``0.25`` as ``25%``, ``7`` as ``007`` or ``L007``.

    Anything else stays as it is.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if PERCENT.fullmatch(code):
        # as decimal text, so that 0.07 is 7 % and not 7.000000000000001 %
        return f"{float(f'{value * 100:.13g}')!r}".removesuffix(".0") + "%"
    found = PADDED.fullmatch(code)
    if found is None or value < 0 or not float(value).is_integer() or value >= 1e15:
        return value
    prefix = re.sub(r'"([^"]*)"|\\(.)', lambda part: part[1] or part[2] or "", found[1])
    return f"{prefix}{int(value):0{len(found[2])}d}"


def hidden_rows(facts: Facts, rows: Sequence[int]) -> Text | None:
    """Remark that some of the *rows* (spreadsheet numbers) are hidden and were read like the others."""
    found = [row for row in rows if row - 1 in facts.hidden] if facts.hidden else []
    if not found:
        return None
    listed = ", ".join(map(str, found[:10])) + (" …" if len(found) > 10 else "")
    return bilingual(
        f"{len(found)} rows are hidden or filtered out in the spreadsheet, and were read like the others: "
        f"rows {listed}",
        f"{len(found)} 行在表格中被隐藏或筛选掉，已与其他行一样读入：第 {listed} 行",
    )
