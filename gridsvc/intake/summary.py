"""A load's report at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.padding import Padding, PaddingDimensions
from rich.table import Table
from rich.text import Text as Line

from gridsvc.intake.problems import ENDED
from gridsvc.text import Text, bilingual

if TYPE_CHECKING:
    from gridsvc.intake.report import FileReport, LoadReport, RowReport

HOW: dict[str, Text] = {
    "map": bilingual("told by --map", "--map 指定"),
    "name": bilingual("by name", "按名称"),
    "alias": bilingual("by alias", "按别名"),
    "cut": bilingual("by shortened name", "按截断名称"),
    "tag": bilingual("by tag", "按标签"),
    "set": bilingual("told by --set", "--set 指定"),
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
    "row": bilingual("row", "行"),
    "more": bilingual("and {count} more", "等共 {count} 行"),
}
_ROWS_SHOWN = 12
_SAMPLE_SHOWN = 18
_REASONS_SHOWN = 3


def word(name: str, lang: str) -> str:
    """A heading of the report."""
    return WORDS[name](lang)


def print_report(report: LoadReport, console: Console, lang: str) -> None:
    """Print *report*: what was understood, outcomes, quarantine by reason, warnings."""
    head = _pairs()
    head.add_row(word("layer", lang), Line(named(report, lang)))
    # Line: square brackets in names are no markup
    head.add_row(word("source", lang), Line(report.source))
    if report.attribution:
        head.add_row(word("attribution", lang), Line(report.attribution))
    if report.load_id is not None:
        head.add_row(word("load", lang), str(report.load_id))
    elif report.dry_run:
        head.add_row(word("load", lang), word("dry", lang))
    if len(report.files) == 1:
        _understood(head, report.files[0], lang)
    console.print(head)
    for file in report.files:
        if len(report.files) > 1:
            table = _pairs()
            table.add_row(word("source", lang), Line(f"{file.name} ({file.rows})"))
            _understood(table, file, lang)
            console.print(_spaced(table, (1, 0, 0, 0)))
        _print_columns(file, console, lang)
    _print_outcomes(report, console, lang)
    _print_quarantine(report, console, lang)
    if report.warnings:
        console.print(Line(word("warnings", lang), style="bold yellow"))
        for text in report.warnings:
            console.print(_spaced(Line(f"• {text(lang)}"), (0, 0, 0, 2)))


def named(report: LoadReport, lang: str) -> str:
    """The layer by name and title, and that neighbours' features were loaded into it."""
    beside = f" · {word('context', lang)}" if report.context else ""
    return f"{report.layer} {report.title(lang)}{beside}"


def _spaced(item: RenderableType, space: PaddingDimensions) -> Padding:
    """*item* with blanks around it, but none to the right: what is printed to a file would be full of them."""
    return Padding(item, space, expand=False)


def _pairs() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _understood(table: Table, file: FileReport, lang: str) -> None:
    """Rows that tell a file's encoding and coordinate system."""
    if file.encoding:
        how = f" · {file.encoding_how(lang)}" if file.encoding_how else ""
        shown = f" · {' | '.join(file.samples)}" if file.samples else ""
        table.add_row(word("encoding", lang), Line(f"{file.encoding}{how}{shown}"))
    if file.crs:
        how = f" · {file.crs_how(lang)}" if file.crs_how else ""
        table.add_row(word("crs", lang), Line(f"{file.crs}{how}"))


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
        console.print(Line(f"{word('ignored', lang)}: {', '.join(file.ignored)}", style="dim"))


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
        console.print(_spaced(Line(f"{title(lang)} · {len(rows):,}", style="bold"), (0, 0, 0, 2)))
        for row in _different(rows):
            console.print(_spaced(Line(f"{_place(row, report, lang)}{row.text(lang)}"), (0, 0, 0, 4)))
        if len(rows) > _REASONS_SHOWN:
            numbers = ", ".join(str(row.row) for row in rows[:_ROWS_SHOWN])
            more = f" {word('more', lang).format(count=len(rows))}" if len(rows) > _ROWS_SHOWN else ""
            console.print(_spaced(Line(f"{word('row', lang)} {numbers}{more}", style="dim"), (0, 0, 0, 4)))


def _different(rows: list[RowReport]) -> list[RowReport]:
    """A few rows with sentences that differ."""
    chosen: dict[str, RowReport] = {}
    for row in rows:
        chosen.setdefault(row.text.en, row)
    return list(chosen.values())[:_REASONS_SHOWN]


def _place(row: RowReport, report: LoadReport, lang: str) -> str:
    file = f"{row.file} " if len(report.files) > 1 else ""
    return f"{file}第 {row.row} 行：" if lang == "zh" else f"{file}row {row.row}: "
