"""A load's report at the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.padding import Padding, PaddingDimensions
from rich.table import Table
from rich.text import Text as Line

from gridsvc.intake.problems import ENDED
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.intake.report import FileReport, LoadReport, RowReport

HOW: dict[str, Text] = {
    "map": bilingual("given with --map", "由 --map 指定"),
    "before": bilingual("as first loaded", "同首次入库"),
    "name": bilingual("by name", "按名称"),
    "alias": bilingual("by alias", "按别名"),
    "cut": bilingual("by shortened name", "按截断名称"),
    "tag": bilingual("by tag", "按标签"),
    "set": bilingual("same in every row (--set)", "各行同值（--set）"),
}
WORDS: dict[str, Text] = {
    "layer": bilingual("Layer", "图层"),
    "context": bilingual("of neighbouring counties", "邻县要素"),
    "source": bilingual("Source", "来源"),
    "attribution": bilingual("Attribution", "数据来源声明"),
    "load": bilingual("Load", "入库编号"),
    "dry": bilingual("dry run: nothing was stored", "试运行：未入库"),
    "encoding": bilingual("Encoding", "编码"),
    "crs": bilingual("Coordinates", "坐标系"),
    "columns": bilingual("Columns", "字段对应"),
    "column": bilingual("Column", "列"),
    "field": bilingual("Field", "字段"),
    "how": bilingual("How", "依据"),
    "samples": bilingual("Samples", "样例"),
    "ignored": bilingual("Not used", "未使用的列"),
    "rows": bilingual("Rows read", "读取行数"),
    "quarantine": bilingual("In quarantine", "待处理"),
    "warnings": bilingual("Warnings", "提示"),
    "left_out": bilingual("Left out", "不计入"),
    "rows_at": bilingual("rows {rows}", "第 {rows} 行"),
    "more": bilingual("{rows} … ({count} in all)", "{rows}……（共 {count} 行）"),
}
# blanks, runs of what is written with blanks between words, single Chinese characters with what may not be parted
_PIECES = re.compile(
    r"\s+|[“（《‘]*[\u2e80-\uffef][，。；：、）》”’！？…]*|[^\s\u2e80-\uffef]+[，。；：、）》”’！？…]*"
)
_ROWS_SHOWN = 12
_SAMPLE_SHOWN = 18
_REASONS_SHOWN = 3


def word(name: str, lang: str) -> str:
    """A heading of the report."""
    return WORDS[name](lang)


def print_report(report: LoadReport, console: Console, lang: str) -> None:
    """Print *report*: what was understood, what became of every row, quarantine by reason, warnings."""
    head: list[tuple[str, str]] = [
        (word("layer", lang), named(report, lang)),
        (word("source", lang), report.source),
    ]
    if report.attribution:
        head.append((word("attribution", lang), report.attribution))
    if report.load_id is not None:
        head.append((word("load", lang), str(report.load_id)))
    elif report.dry_run:
        head.append((word("load", lang), word("dry", lang)))
    if len(report.files) == 1:
        head += _understood(report.files[0], lang)
    _print_pairs(head, console)
    for file in report.files:
        if len(report.files) > 1:
            console.print()
            source = (word("source", lang), f"{file.name} ({file.rows})")
            _print_pairs([source, *_understood(file, lang)], console)
        _print_columns(file, console, lang)
    _print_outcomes(report, console, lang)
    _print_quarantine(report, console, lang)
    _print_left_out(report, console, lang)
    if report.warnings:
        console.print(Line(word("warnings", lang), style="bold yellow"))
        for text in report.warnings:
            _print_text(f"• {text(lang)}", console, 2, hang=2)


def _print_pairs(pairs: list[tuple[str, str]], console: Console) -> None:
    """Labels in bold, what they say beside them."""
    wide = max(cell_len(label) for label, _ in pairs) + 2
    for label, text in pairs:
        lines = wrapped(text, console.width - wide)
        for number, line in enumerate(lines):
            shown = label if number == 0 else ""
            console.print(
                Line(shown, style="bold") + Line(" " * (wide - cell_len(shown)), style="") + Line(line),
                soft_wrap=True,
            )


def _print_text(text: str, console: Console, indent: int, style: str = "", hang: int = 0) -> None:
    """A paragraph, *indent* columns from the left, its further lines *hang* more."""
    for number, line in enumerate(wrapped(text, console.width - indent - hang)):
        space = indent + (hang if number else 0)
        console.print(Line(" " * space + line, style=style), soft_wrap=True)


def wrapped(text: str, width: int) -> list[str]:
    """*text* in lines of at most *width* columns: broken at blanks and between Chinese characters, of two columns."""
    lines, line, used = [], "", 0
    for piece in _PIECES.findall(text):
        wide = cell_len(piece)
        if used and used + wide > width:
            lines.append(line.rstrip())
            piece = piece.lstrip()
            line, used, wide = "", 0, cell_len(piece)
        while wide > width > 1:
            # a word longer than the line
            part = set_cell_size(piece, width).rstrip(" ")
            lines.append(part)
            piece = piece[len(part) :]
            wide = cell_len(piece)
        line, used = line + piece, used + wide
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def named(report: LoadReport, lang: str) -> str:
    """The layer by name and title, and that neighbours' features were loaded into it."""
    beside = f" · {word('context', lang)}" if report.context else ""
    return f"{report.layer} {report.title(lang)}{beside}"


def _spaced(item: RenderableType, space: PaddingDimensions) -> Padding:
    """*item* with blanks around it, but none to the right: what is printed to a file would be full of them."""
    return Padding(item, space, expand=False)


def _understood(file: FileReport, lang: str) -> list[tuple[str, str]]:
    """What tells a file's encoding and coordinate system."""
    pairs = []
    if file.encoding:
        how = f" · {file.encoding_how(lang)}" if file.encoding_how else ""
        shown = f" · {' | '.join(file.samples)}" if file.samples else ""
        pairs.append((word("encoding", lang), f"{file.encoding}{how}{shown}"))
    if file.crs:
        how = f" · {file.crs_how(lang)}" if file.crs_how else ""
        pairs.append((word("crs", lang), f"{file.crs}{how}"))
    return pairs


def _print_columns(file: FileReport, console: Console, lang: str) -> None:
    """Which column feeds which field, and the columns that feed none."""
    columns = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    columns.add_column(word("column", lang), overflow="fold")
    columns.add_column(word("field", lang), overflow="fold")
    columns.add_column(word("how", lang), overflow="fold")
    columns.add_column(word("samples", lang), overflow="ellipsis", no_wrap=True)
    for match in file.columns:
        title = f"{match.field} {match.title(lang)}"
        columns.add_row(
            Line(match.column),
            Line(title),
            HOW[match.how](lang),
            Line(" | ".join(_short(text) for text in match.samples)),
        )
    console.print(_spaced(columns, (1, 0, 0, 0)))
    if file.ignored:
        _print_text(f"{word('ignored', lang)}: {', '.join(file.ignored)}", console, 0, "dim", hang=2)


def _short(text: str) -> str:
    return text if len(text) <= _SAMPLE_SHOWN else text[: _SAMPLE_SHOWN - 1] + "…"


def _print_outcomes(report: LoadReport, console: Console, lang: str) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row(Line(word("rows", lang), style="bold"), Line(f"{report.rows_read:,}", style="bold"))
    for name, title, count in report.outcomes():
        style = "yellow" if name == "quarantined" and count else ("" if count else "dim")
        table.add_row(Line(f"  {title(lang)}", style=style), Line(f"{count:,}", style=style))
    if report.ended:
        table.add_row(Line(ENDED(lang)), Line(f"{report.ended:,}"))
    console.print(_spaced(table, (1, 0)))


def _print_quarantine(report: LoadReport, console: Console, lang: str) -> None:
    groups = list(report.reasons())
    if not groups:
        return
    console.print(Line(word("quarantine", lang), style="bold yellow"))
    for title, rows in groups:
        console.print(Line(f"  {title(lang)} · {len(rows):,}", style="bold"))
        _print_rows(rows, report, console, lang)


def _print_left_out(report: LoadReport, console: Console, lang: str) -> None:
    """Rows that are no records, where there are any: a person sees whether that is so."""
    rows = [row for row in report.problems if row.outcome == "left_out"]
    if rows:
        console.print(Line(word("left_out", lang), style="bold"))
        _print_rows(rows, report, console, lang)


def _print_rows(rows: list[RowReport], report: LoadReport, console: Console, lang: str) -> None:
    """A few of *rows* with their sentences, and the numbers of all where there are more."""
    for row in _different(rows):
        _print_text(f"{_place(row, report, lang)}{row.text(lang)}", console, 4, hang=2)
    if len(rows) > len(_different(rows)):
        numbers = ", ".join(str(row.row) for row in rows[:_ROWS_SHOWN])
        if len(rows) > _ROWS_SHOWN:
            numbers = word("more", lang).format(rows=numbers, count=len(rows))
        _print_text(word("rows_at", lang).format(rows=numbers), console, 4, "dim", hang=2)


def _different(rows: list[RowReport]) -> list[RowReport]:
    """A few rows with sentences that differ."""
    chosen: dict[str, RowReport] = {}
    for row in rows:
        chosen.setdefault(row.text.en, row)
    return list(chosen.values())[:_REASONS_SHOWN]


def _place(row: RowReport, report: LoadReport, lang: str) -> str:
    file = f"{row.file} " if len({one.name for one in report.files} | {row.file}) > 1 else ""
    number = (
        "" if row.number is None else bilingual(f" (No. {row.number})", f"（待处理编号 {row.number}）")(lang)
    )
    return f"{file}第 {row.row} 行{number}：" if lang == "zh" else f"{file}row {row.row}{number}: "
