"""A load's report as a workbook: one sheet that sums up, one with the rows to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xlsxwriter

from gridsvc.errors import UsageError
from gridsvc.intake.problems import ENDED, OUTCOMES
from gridsvc.intake.summary import HOW, named, word
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.intake.report import LoadReport

_SHEETS = (bilingual("Summary", "汇总"), bilingual("Rows", "问题行"))
_HEADINGS = (
    bilingual("File", "文件"),
    bilingual("Row", "行号"),
    bilingual("Outcome", "处理结果"),
    bilingual("Key", "编号"),
    bilingual("Reason", "原因"),
)
_REPAIRED = bilingual("stored, shape repaired", "已入库，图形已修复")
A4 = 9
# most that a cell holds
_MOST = 32_000


def write_report(report: LoadReport, path: Path, lang: str) -> None:
    """Write *report* to the workbook *path*; a place that cannot be written is a :class:`UsageError`.

    Everything delivered is written as text, so nothing in it can act as a formula or a link.
    """
    try:
        # in_memory: no temporary files are left anywhere
        with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
            style = {"bold": True, "bg_color": "#E8EEF4", "border": 1, "border_color": "#C5CDD5"}
            cell = {"text_wrap": True, "valign": "top"}
            bold, wrap = book.add_format(style), book.add_format(cell)
            wrong = book.add_format({**cell, "bg_color": "#FFE45C"})
            _write_summary(book.add_worksheet(_SHEETS[0](lang)), report, lang, bold)
            _write_rows(book.add_worksheet(_SHEETS[1](lang)), report, lang, bold, wrap, wrong)
    except (xlsxwriter.exceptions.FileCreateError, OSError) as error:
        raise UsageError(
            f"the report {path} cannot be written: {error}", f"无法写入报告 {path}：{error}"
        ) from error


def _write_summary(sheet: Any, report: LoadReport, lang: str, bold: Any) -> None:
    for number, (heading, cells) in enumerate(_summary(report, lang)):
        _write(sheet, number, cells, bold if heading else None)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 4, 36)


def _write_rows(sheet: Any, report: LoadReport, lang: str, bold: Any, wrap: Any, wrong: Any) -> None:
    """The rows to look at; the cells that a reason is about are coloured."""
    columns = list(dict.fromkeys(name for row in report.problems for name in row.raw))
    _write(sheet, 0, [title(lang) for title in _HEADINGS] + columns, bold)
    for number, row in enumerate(report.problems, 1):
        outcome = OUTCOMES.get(row.outcome, _REPAIRED)(lang)
        cells: list[Any] = [row.file, row.row, outcome, row.key, row.text(lang)]
        _write(sheet, number, cells + [row.raw.get(name) for name in columns], wrap)
        for name in [name for name in row.columns if name in columns]:
            at = len(_HEADINGS) + columns.index(name)
            if row.raw.get(name) is None:
                sheet.write_blank(number, at, None, wrong)
            else:
                sheet.write_string(number, at, str(row.raw[name])[:_MOST], wrong)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(report.problems), 1), len(_HEADINGS) + len(columns) - 1)
    sheet.set_column(0, 0, 20)
    sheet.set_column(2, 3, 18)
    sheet.set_column(4, 4, 60)
    sheet.set_column(5, len(_HEADINGS) + len(columns), 14)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write(sheet: Any, number: int, cells: Sequence[Any], style: Any) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, int):
            sheet.write_number(number, column, cell, style)
        elif cell is not None:
            sheet.write_string(number, column, str(cell)[:_MOST], style)


def _summary(report: LoadReport, lang: str) -> Iterator[tuple[bool, list[Any]]]:
    """Rows of the summary sheet; True where a row is a heading."""
    yield from ((False, cells) for cells in _totals(report, lang))
    for file in report.files:
        yield False, []
        yield True, [word("source", lang), file.name]
        yield (
            False,
            [word("encoding", lang), file.encoding, _told(file.encoding_how, lang), " | ".join(file.samples)],
        )
        yield False, [word("crs", lang), file.crs, _told(file.crs_how, lang)]
        yield True, [word(name, lang) for name in ("column", "field", "how", "samples")]
        for match in file.columns:
            title = f"{match.field} {match.title(lang)}"
            yield False, [match.column, title, HOW[match.how](lang), " | ".join(match.samples)]
        if file.ignored:
            yield False, [word("ignored", lang), ", ".join(file.ignored)]


def _totals(report: LoadReport, lang: str) -> Iterator[list[Any]]:
    """The load as a whole: source, outcomes, reasons, warnings."""
    yield [word("layer", lang), named(report, lang)]
    yield [word("source", lang), report.source]
    if report.attribution:
        yield [word("attribution", lang), report.attribution]
    yield ["SHA-256", report.sha256]
    yield [word("load", lang), report.load_id if report.load_id is not None else word("dry", lang)]
    yield []
    yield [word("rows", lang), report.rows_read]
    yield from ([title(lang), count] for _, title, count in report.outcomes())
    yield [ENDED(lang), report.ended]
    for title, rows in report.reasons():
        yield [f"{word('quarantine', lang)}: {title(lang)}", len(rows)]
    yield from ([word("warnings", lang), text(lang)] for text in report.warnings)


def _told(text: Text | None, lang: str) -> str:
    return "" if text is None else text(lang)
