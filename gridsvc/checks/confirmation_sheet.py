"""The confirmation form as a workbook to print on A4, sign and file: one page over all, then one a layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from gridsvc.checks.confirmation import TOTAL, Confirmation, LayerFacts
from gridsvc.checks.inventory import UNKNOWN
from gridsvc.checks.kinds import KINDS
from gridsvc.errors import StoreError
from gridsvc.export.forms import Form
from gridsvc.export.tables import width_of
from gridsvc.store import LoadRecord
from gridsvc.text import Text, bilingual

_FORM = bilingual("Data confirmation", "数据确认单")
_ALL = bilingual("All layers", "总表")
_STATEMENT = bilingual(
    "We have checked these data against our records. They are true and complete; figures may be computed and "
    "graded on them.",
    "经核对，以上数据与本单位台账一致，真实、完整，同意以此作为指标计算和考核的依据。",
)
_SIGNS = (
    bilingual("Filled in by", "填报人"),
    bilingual("Checked by", "审核人"),
    bilingual("Head of the unit", "单位负责人"),
    bilingual("Signature and seal", "签字盖章"),
    bilingual("Date", "日期"),
)
_HEADINGS = (
    (bilingual("Layer", "图层"), 14),
    (bilingual("Features", "数量"), 10),
    (bilingual("What it holds", "主要数据"), 40),
    (bilingual("Unknown", "未填情况"), 20),
    (bilingual("In quarantine", "待处理（行）"), 9),
    (bilingual("To attend to", "需处理问题（项）"), 9),
    (bilingual("Newest load (UTC)", "最近入库（UTC）"), 12),
    (bilingual("Source", "来源文件"), 18),
    (bilingual("Confirmed by", "确认单位（签字）"), 18),
)
_DISTRICT = bilingual("District", "街道/乡镇")
_NO_LOAD = bilingual("never loaded", "未入库")
_LOADS = 6
"""Loads that a layer's page lists, the newest of them."""
_MAIN = 7
"""Figures of a layer that the page over all shows."""


def shown(facts: LayerFacts, lang: str, most: int | None = None) -> str:
    """The figures of a layer in one line, without the number of features, and without what is not unknown."""
    figures = [figure for figure in facts.figures[1:] if figure.total or figure.part is not UNKNOWN]
    parts = [f"{figure.heading(lang)} {figure.shown(figure.total)}" for figure in figures]
    return "；".join(parts[:most]) if lang == "zh" else "; ".join(parts[:most])


def unknown(facts: LayerFacts, lang: str) -> str:
    """Graded fields and the share of features without a value, where there are any."""
    parts = [
        f"{title(lang)} {count:,} ({share_of(count, facts.features)})"
        for title, count in facts.unknown
        if count
    ]
    return ("；" if lang == "zh" else "; ").join(parts)


def share_of(count: int, total: int) -> str:
    """A share in percent; what is not nothing never shows as nothing."""
    if not total:
        return "—"
    share = f"{count / total:.1%}"
    return "<0.1%" if count and share == "0.0%" else share


def write_confirmation(form: Confirmation, path: Path, lang: str) -> None:
    """Write *form* to the workbook *path*, put in place when it is whole; Raises :class:`StoreError`."""
    aside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(str(aside), {"in_memory": True}) as book:
            pages = _Pages(book, form, lang)
            pages.overall()
            for facts in form.layers:
                pages.layer(facts)
        aside.replace(path)
    except (xlsxwriter.exceptions.FileCreateError, OSError) as error:
        aside.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error}", f"无法写入 {path}：{error}") from error


def _of_load(load: LoadRecord) -> Text:
    """Where a load came from."""
    when = f"{load.finished[:16].replace('T', ' ')}"
    return bilingual(
        f"Load {load.id}, {when} UTC, from {load.source}; SHA-256 of the files {load.sha256}",
        f"入库 {load.id}：{when}（UTC），来源文件 {load.source}；文件 SHA-256 {load.sha256}",
    )


class _Pages(Form):
    """Writes the sheets of one workbook."""

    def __init__(self, book: Any, form: Confirmation, lang: str) -> None:
        super().__init__(book, lang, form.marking)
        self.form = form

    def overall(self) -> None:
        """One line a layer, to be signed by the head of the county's office and, line by line, by departments."""
        lang, form = self.lang, self.form
        sheet = self.sheet(_ALL(lang), landscape=True)
        for column, (_, wide) in enumerate(_HEADINGS):
            sheet.set_column(column, column, wide)
        last = len(_HEADINGS) - 1
        row = self._top(sheet, last, bilingual("", "")(lang), form.digest)
        for column, (heading, _) in enumerate(_HEADINGS):
            sheet.write_string(row, column, heading(lang), self.head)
        sheet.repeat_rows(row)
        for facts in form.layers:
            row += 1
            sheet.write_string(row, 0, facts.layer.title(lang), self.bold)
            self._number(sheet, row, 1, facts.features, 0, strong=True)
            texts = [shown(facts, lang, _MAIN), unknown(facts, lang), facts.sources]
            for column, text in zip((2, 3, 7), texts, strict=True):
                sheet.write_string(row, column, text, self.cell)
            self._number(sheet, row, 4, facts.waiting, 0)
            self._number(sheet, row, 5, sum(facts.findings.values()), 0)
            sheet.write_string(row, 6, facts.loaded or _NO_LOAD(lang), self.cell)
            sheet.write_blank(row, 8, None, self.cell)
            rooms = [_HEADINGS[column][1] - 1 for column in (2, 3, 7)]
            lines = max(width_of(text) // room + 1 for text, room in zip(texts, rooms, strict=True))
            sheet.set_row(row, max(24, 13 * lines))
        self._bottom(sheet, row + 1, last)

    def layer(self, facts: LayerFacts) -> None:
        """A layer by district, to be signed by the department that answers for it."""
        lang, form = self.lang, self.form
        columns = len(facts.figures)
        sheet = self.sheet(facts.layer.title(lang), landscape=columns > 5)
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, columns, max(11, min(18, 110 // max(columns, 1))))
        last = max(columns, 5)
        row = self._top(sheet, last, facts.layer.title(lang), facts.digest)
        for text in self._facts(facts):
            sheet.merge_range(row, 0, row, last, "", self.plain)
            sheet.write_string(row, 0, text, self.plain)
            sheet.set_row(row, 14 * (width_of(text[:400]) // 120 + 1) + 2)
            row += 1
        sheet.write_string(row, 0, _DISTRICT(lang), self.head)
        for column, figure in enumerate(facts.figures, 1):
            sheet.write_string(row, column, figure.heading(lang), self.head)
        sheet.set_row(row, 42)
        sheet.repeat_rows(row)
        row += 1
        for number, (code, name) in enumerate(form.groups if facts.layer.geometry else []):
            amounts = [int(figure.by_group[number]) for figure in facts.figures]
            if not code and not any(amounts):
                # nothing lies in the rest of the county, or outside
                continue
            sheet.write_string(row, 0, name(lang), self.cell)
            for column, figure in enumerate(facts.figures, 1):
                amount = figure.value(amounts[column - 1])
                self._number(sheet, row, column, amount, figure.measure.decimals)
            row += 1
        sheet.write_string(row, 0, TOTAL(lang), self.bold)
        for column, figure in enumerate(facts.figures, 1):
            value, decimals = figure.value(figure.total), figure.measure.decimals
            self._number(sheet, row, column, value, decimals, strong=True)
        self._bottom(sheet, row + 1, last)

    def _facts(self, facts: LayerFacts) -> list[str]:
        """Where the layer comes from, and what is unclear in it."""
        lang = self.lang
        told = [_of_load(load)(lang) for load in facts.loads[-_LOADS:]]
        none = bilingual("none", "无")(lang)
        kinds = [f"{KINDS[kind].title(lang)} {count:,}" for kind, count in facts.findings.items()]
        joined = ("；" if lang == "zh" else "; ").join
        waiting = f"{facts.waiting:,}" if facts.waiting else none
        told.append(
            bilingual(
                f"Rows in quarantine: {waiting}. To attend to: {joined(kinds) or none}. "
                f"Without a value: {unknown(facts, lang) or none}",
                f"待处理记录：{waiting}。需处理问题：{joined(kinds) or none}。未填：{unknown(facts, lang) or none}",
            )(lang)
        )
        return told

    def _top(self, sheet: Any, last: int, what: str, digest: str) -> int:
        """Title, day and digest; returns the next row."""
        lang, form = self.lang, self.form
        name = f"{form.county(lang)}{'' if lang == 'zh' else ': '}{what}{_FORM(lang)}"
        if lang != "zh":
            name = f"{form.county(lang)}: {_FORM(lang)}" + (f", {what}" if what else "")
        lines = [
            bilingual(
                f"States as of {form.as_of.isoformat()}; made {form.made[:16].replace('T', ' ')} UTC",
                f"状态截至 {form.as_of.isoformat()}；制表时间 {form.made[:16].replace('T', ' ')}（UTC）",
            )(lang),
            bilingual(f"Digest of the content (SHA-256): {digest}", f"数据内容摘要（SHA-256）：{digest}")(
                lang
            ),
        ]
        return self.top(sheet, last, name, lines, f"{name} {digest[:12]}")

    def _bottom(self, sheet: Any, row: int, last: int) -> None:
        """The statement and the lines to sign."""
        lang = self.lang
        sheet.merge_range(row, 0, row, last, "", self.plain)
        sheet.write_string(row, 0, _STATEMENT(lang), self.plain)
        sheet.set_row(row, 30)
        self.signs(sheet, row + 1, last, [(sign, "") for sign in _SIGNS])
        sheet.print_area(0, 0, row + 2, last)

    def _number(
        self, sheet: Any, row: int, column: int, value: float, decimals: int, *, strong: bool = False
    ) -> None:
        sheet.write_number(row, column, value, self.look(decimals, bold=strong))


def written(path: Path) -> Text:
    """What a person does with the file."""
    return bilingual(
        f"written: {path}; print it, and have each department sign its page",
        f"已写入：{path}；请打印后由各责任单位签字盖章",
    )
