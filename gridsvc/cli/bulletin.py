"""A published run as a workbook to print, sign and hang out: figures by level, chiefs, gaps, notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from gridsvc.cli.explanations import HEADINGS as SOURCE_HEADINGS
from gridsvc.cli.figure_rows import AREA, HEADINGS, LENGTH, described, goal_of
from gridsvc.cli.gap_rows import HEADINGS as GAP_HEADINGS
from gridsvc.cli.gap_rows import described as described_gaps
from gridsvc.codes import LEVEL_TITLES, LEVELS
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.evidence import list_sources
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import Indicator
from gridsvc.export.forms import A3, A4, Form, Paper
from gridsvc.export.tables import width_of
from gridsvc.maps.reader import titled
from gridsvc.store import Publication
from gridsvc.text import Text, bilingual

TITLE = bilingual("Bulletin of grid figures", "网格化管理指标通报")
COVER = bilingual("Bulletin", "通报")
CHIEFS = bilingual("Road chiefs", "路长")
GAPS = bilingual("Gaps", "短板")
DETAILS = bilingual("All figures", "全部指标值")
CHANGES = bilingual("What was corrected", "修订内容")
NOTES = bilingual("Notes", "编制说明")
SIGNS = (
    bilingual("Filled in by", "填报人"),
    bilingual("Reviewed by", "审核人"),
    bilingual("Signature and seal", "签字盖章"),
    bilingual("Date", "日期"),
)
# A blue, B yellow, C red, as on the pages: told apart by the colour-blind, too
FILLS = {"A": "#D3E4F2", "B": "#FFF1C9", "C": "#F5CFD3"}
COVERED = (
    "title",
    "value",
    "unit",
    "grade",
    "goal",
    "met",
    "numerator",
    "denominator",
    "known_share",
    "reason",
)
DETAILED = ("title", "level", "subject", "name", *COVERED[1:])
LISTED = (
    "title", "place", "from_m", "to_m", "size", "measure", "gain_county", "gain_unit", "since", "chiefs", "unit",
    "unit_name",
)  # fmt: skip
WIDTHS = {
    "title": 30, "value": 11, "unit": 12, "grade": 7, "goal": 9, "met": 7, "numerator": 15, "denominator": 15,
    "known_share": 10, "reason": 36, "level": 11, "subject": 19, "name": 22, "place": 26, "from_m": 10, "to_m": 10,
    "size": 12, "measure": 10, "gain_county": 12, "gain_unit": 12, "since": 11, "unit_name": 22, "chiefs": 18,
}  # fmt: skip
DECIMALS = {"from_m": 1, "to_m": 1, "size": 1, "gain_county": 4}
CORRECTED = (
    ("title", bilingual("Indicator", "指标"), 30),
    ("subject", bilingual("Code", "编码"), 19),
    ("name", bilingual("Name", "名称"), 22),
    ("display_before", bilingual("Before", "修订前"), 12),
    ("grade_before", bilingual("Grade", "等级"), 8),
    ("display_after", bilingual("Corrected", "修订后"), 12),
    ("grade_after", bilingual("Grade", "等级"), 8),
    ("numerator_change", bilingual("Numerator, difference", "分子变化"), 16),
    ("denominator_change", bilingual("Denominator, difference", "分母变化"), 16),
)


def write_bulletin(figures: Figures, path: Path, lang: str, corrected: pd.DataFrame | None = None) -> None:
    """Write the workbook of a published run to *path*; *corrected*: figures that differ from the revision before."""
    publication = figures.run.publication
    if publication is None:
        raise ValueError(f"run {figures.run.id} is not published")
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        # made anew it is the same file
        book.set_properties(
            {"created": dt.datetime.fromisoformat(publication.published).replace(tzinfo=None)}
        )
        sheets = Sheets(book, figures, publication, lang)
        sheets.cover()
        if corrected is not None:
            sheets.corrected(corrected)
        for level in LEVELS[1:]:
            sheets.matrix(LEVEL_TITLES[level](lang), figures.table(level))
        sheets.matrix(CHIEFS(lang), figures.table(chiefs=True))
        sheets.gaps()
        sheets.details()
        sheets.notes()


def objections(publication: Publication) -> Text:
    """The objection period in words."""
    if not publication.objections_until:
        return bilingual("No objection period", "不设异议期")
    first, last, where = publication.objections_from, publication.objections_until, publication.objections_to
    return bilingual(
        f"Objections are taken from {first} to {last}" + (f", by {where}" if where else ""),
        f"异议期：{first} 至 {last}" + (f"；异议受理：{where}" if where else ""),
    )


class Sheets(Form):
    """Writes the sheets of one bulletin."""

    def __init__(self, book: Any, figures: Figures, publication: Publication, lang: str) -> None:
        """Take the figures of a published run."""
        super().__init__(book, lang, figures.workspace.county.marking)
        self.figures, self.publication = figures, publication
        county = figures.workspace.county.name(lang)
        joint = "" if lang == "zh" else ": "
        self.name = f"{county}{joint}{TITLE(lang)} {titled(publication)}"

    def cover(self) -> None:
        """The figures of the county, with lines to sign."""
        sheet = self._page(COVER(self.lang), COVERED)
        rows = self._counted(described(self.figures, self.figures.table(), self.lang))
        several = rows["subject"].nunique() > 1
        names = (*(("name",) if several else ()), *COVERED)
        row = self._top(sheet, len(names) - 1, "")
        row = self._table(sheet, row, names, rows)
        self._bottom(sheet, row, len(names) - 1)

    def corrected(self, changes: pd.DataFrame) -> None:
        """Which figures differ from the revision before, and by how much."""
        sheet = self.sheet(CHANGES(self.lang), landscape=True)
        for column, (_, _, wide) in enumerate(CORRECTED):
            sheet.set_column(column, column, wide)
        row = self._top(sheet, len(CORRECTED) - 1, CHANGES(self.lang))
        for column, (_, heading, _) in enumerate(CORRECTED):
            sheet.write_string(row, column, heading(self.lang), self.head)
        self._freeze(sheet, row)
        for values in changes.to_dict("records"):
            row += 1
            for column, (name, _, _) in enumerate(CORRECTED):
                decimals = 3 if name.endswith("_change") else None
                self._put(sheet, row, column, values[name], decimals)
        self._bottom(sheet, row + 1, len(CORRECTED) - 1)

    def matrix(self, title: str, table: pd.DataFrame) -> None:
        """One row a unit or chief, two columns an indicator: value and grade."""
        held = table.loc[table["value"].notna(), "indicator"].unique()
        chosen = [one for name, one in self.figures.indicators.items() if name in set(held)]
        sheet = self.sheet(title, landscape=True, paper=A3)
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 22)
        last = max(1 + 2 * len(chosen), 7)
        row = self._top(sheet, last, title)
        for column, name in enumerate(("subject", "name")):
            sheet.merge_range(row, column, row + 1, column, HEADINGS[name](self.lang), self.head)
        for number, one in enumerate(chosen):
            column = 2 + 2 * number
            self._indicator_head(sheet, row, column, one)
        sheet.set_row(row, 54)
        subjects = table.drop_duplicates("subject")
        place = {subject: row + 2 + number for number, subject in enumerate(subjects["subject"])}
        for subject, name in zip(subjects["subject"], subjects["name"], strict=True):
            self._put(sheet, place[subject], 0, subject)
            self._put(sheet, place[subject], 1, name)
        for number, one in enumerate(chosen):
            own = table[table["indicator"] == one.id]
            for subject, shown, mark in zip(own["subject"], own["display"], own["grade"], strict=True):
                self._value(sheet, place[subject], 2 + 2 * number, shown, mark, one.digits)
        self._freeze(sheet, row, 2, columns=2)
        self._bottom(sheet, row + 2 + len(place), last)

    def _indicator_head(self, sheet: Any, row: int, column: int, one: Indicator) -> None:
        """Two columns of a matrix: what they are of."""
        unit = "" if one.unit == "%" else f" ({one.unit})"
        sheet.merge_range(row, column, row, column + 1, f"{one.title(self.lang)}{unit}", self.head)
        for place, name in enumerate(("value", "grade")):
            sheet.write_string(row + 1, column + place, HEADINGS[name](self.lang), self.head)
        sheet.set_column(column, column, 9)
        sheet.set_column(column + 1, column + 1, 6)

    def _value(self, sheet: Any, row: int, column: int, shown: str, mark: str, digits: int) -> None:
        """A value as it is shown (it never crosses a band) and its grade."""
        fill = FILLS.get(mark, "")
        if shown == "—":
            sheet.write_string(row, column, shown, self.look(middle=True))
        else:
            sheet.write_number(row, column, float(shown), self.look(digits, fill=fill))
        sheet.write_string(row, column + 1, mark, self.look(fill=fill, middle=True))

    def gaps(self) -> None:
        """Every gap of every indicator, the worst first."""
        sheet = self._page(GAPS(self.lang), LISTED)
        row = self._top(sheet, len(LISTED) - 1, GAPS(self.lang))
        found = self.figures.gaps()
        found = found[found["indicator"].isin(list(self.figures.indicators))].reset_index(drop=True)
        titles = found["indicator"].map(
            {k: one.title(self.lang) for k, one in self.figures.indicators.items()}
        )
        rows = described_gaps(self.figures, found, self.lang).assign(title=titles.to_numpy(object))
        headings = {**GAP_HEADINGS, "title": HEADINGS["title"]}
        self._table(sheet, row, LISTED, rows, headings)

    def details(self) -> None:
        """All figures with what stands above and below the line."""
        sheet = self._page(DETAILS(self.lang), DETAILED)
        row = self._top(sheet, len(DETAILED) - 1, DETAILS(self.lang))
        tables = [self.figures.table(level) for level in LEVELS]
        tables += [self.figures.table(chiefs=True), self.figures.table(roads=True)]
        rows = pd.concat([described(self.figures, table, self.lang) for table in tables if len(table)])
        rows = rows.drop_duplicates(["indicator", "subject_kind", "subject"], ignore_index=True)
        levels = {level: text(self.lang) for level, text in LEVEL_TITLES.items()}
        rows = self._counted(rows)
        end = self._table(sheet, row, DETAILED, rows.assign(level=rows["level"].map(levels)))
        sheet.autofilter(row, 0, max(end - 1, row + 1), len(DETAILED) - 1)

    def notes(self) -> None:
        """What the figures rest on: definitions, loads, software, and how to check the digest."""
        lang, run = self.lang, self.figures.run
        sheet = self.sheet(NOTES(lang), landscape=True)
        for column, wide in enumerate((24, 60, 30, 16, 30, 14)):
            sheet.set_column(column, column, wide)
        row = self._top(sheet, 5, NOTES(lang))
        for heading, text in self._facts():
            sheet.write_string(row, 0, heading(lang), self.bold)
            sheet.merge_range(row, 1, row, 5, "", self.cell)
            sheet.write_string(row, 1, text, self.cell)
            sheet.set_row(row, 15 * (width_of(text[:600]) // 130 + 1))
            row += 1
        heads = ("title", "definition", "goals", "bands", "source", "year")
        row = self._headings(sheet, row + 1, [TITLES[name](lang) for name in heads])
        for one in self.figures.indicators.values():
            for column, text in enumerate(_about(one, lang)):
                sheet.write_string(row, column, text, self.cell)
            sheet.set_row(row, 15 * max(1, -(-width_of(one.definition(lang)) // 58)))
            row += 1
        names = ("layer", "source", "sha256", "load", "mode", "loaded")
        row = self._headings(sheet, row + 1, [SOURCE_HEADINGS[name](lang) for name in names])
        layers = self.figures.layers
        held = [name for name, version in run.versions.items() if version and name in layers]
        sources = list_sources(held, run.versions, {}, self.figures.store.loads())
        for values in sources.to_dict("records"):
            texts = {**values, "layer": layers[values["layer"]].title(lang)}
            for column, name in enumerate(names):
                self._put(sheet, row, column, texts[name], 0 if name == "load" else None)
            row += 1

    def _counted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Figures of the indicators that the run has."""
        missing = [one.id for one in self.figures.left_out]
        return rows[~rows["indicator"].isin(missing)].reset_index(drop=True)

    def _facts(self) -> Iterable[tuple[Text, str]]:
        run, one = self.figures.run, self.publication
        yield bilingual("Run", "计算批次"), f"{run.id}（{run.created}）"
        yield bilingual("Published (UTC)", "发布时间（UTC）"), one.published
        if one.reason:
            yield bilingual("Reason of the revision", "修订原因"), one.reason
        yield bilingual("Digest of figures.csv", "figures.csv 摘要"), f"SHA-256 {one.digest}"
        check = bilingual(
            "figures.csv beside this workbook holds every figure as whole numbers (nm, mm², features, thousandths). "
            "Its SHA-256 is this digest: sha256sum figures.csv, or gridsvc runs --verify",
            "本表旁的 figures.csv 以整数（nm、mm²、个、千分之一）列出全部指标值，其 SHA-256 即上述摘要，"
            "可用 sha256sum figures.csv 或 gridsvc runs --verify 核对",
        )
        yield bilingual("How to check it", "核对方法"), check(self.lang)
        yield bilingual("Digest of the definitions", "指标定义摘要"), f"SHA-256 {run.definitions}"
        if self.figures.left_out:
            titles = [one.title(self.lang) for one in self.figures.left_out]
            joined = ("、" if self.lang == "zh" else ", ").join(titles)
            yield bilingual("Not computed, no data loaded", "未入库数据而未计算的指标"), joined
        software = ", ".join(f"{name} {version}" for name, version in run.libraries.items())
        yield bilingual("Software", "软件"), software

    # parts of sheets

    def _page(self, title: str, names: Sequence[str], paper: Paper = A4) -> Any:
        sheet = self.sheet(title, landscape=True, paper=paper)
        for column, name in enumerate(names):
            sheet.set_column(column, column, WIDTHS[name])
        return sheet

    def _top(self, sheet: Any, last: int, what: str) -> int:
        run, one = self.figures.run, self.publication
        lines = [
            bilingual(
                f"As of {run.as_of} · number {one.edition} · run {run.id} · published {one.published[:10]}",
                f"截至 {run.as_of} · 期号 {one.edition} · 计算批次 {run.id} · 发布于 {one.published[:10]}",
            )(self.lang),
            objections(one)(self.lang),
        ]
        if one.reason:
            lines.append(
                bilingual(
                    f"Revision {one.revision}: {one.reason}",
                    f"第 {one.revision} 次发布（修订）：{one.reason}",
                )(self.lang)
            )
        name = f"{self.name} · {what}" if what else self.name
        return self.top(sheet, last, name, lines, f"{self.name} {one.digest[:12]}")

    def _headings(self, sheet: Any, row: int, texts: Sequence[str]) -> int:
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text, self.head)
        return row + 1

    def _freeze(self, sheet: Any, row: int, rows: int = 1, columns: int = 0) -> None:
        """Header rows stay in sight, and stand on every printed page."""
        sheet.freeze_panes(row + rows, columns)
        sheet.repeat_rows(row, row + rows - 1)
        if columns:
            sheet.repeat_columns(0, columns - 1)

    def _table(
        self,
        sheet: Any,
        row: int,
        names: Sequence[str],
        rows: pd.DataFrame,
        headings: dict[str, Text] = HEADINGS,
    ) -> int:
        """A ruled table under its header; returns the row below it."""
        self._headings(sheet, row, [headings[name](self.lang) for name in names])
        self._freeze(sheet, row)
        for values in rows.to_dict("records"):
            row += 1
            one = self.figures.indicators.by_id.get(str(values.get("indicator")))
            for column, name in enumerate(names):
                self._figure(sheet, row, column, name, values, one)
        return row + 1

    def _figure(
        self, sheet: Any, row: int, column: int, name: str, values: dict[Any, Any], one: Indicator | None
    ) -> None:
        """One cell of a table."""
        value = values[name]
        if name == "value" and one is not None:
            shown = values["display"]
            value = None if shown == "—" else float(shown)
            self._put(sheet, row, column, value, one.digits, FILLS.get(values["grade"], ""))
        elif name == "grade":
            sheet.write_string(row, column, value, self.look(fill=FILLS.get(value, ""), middle=True))
        elif name == "goal" and one is not None:
            self._put(sheet, row, column, goal_of(one))
        elif name in ("numerator", "denominator") and one is not None:
            per_whole = quantities(one)[name == "denominator"]
            kind, decimals = {LENGTH: ("m", 1), AREA: ("m²", 1)}.get(per_whole, ("", 0))
            decimals = decimals if kind or float(value).is_integer() else 1
            sheet.write_number(row, column, value, self.look(decimals, unit=kind))
        elif name == "known_share":
            self._put(sheet, row, column, "" if pd.isna(value) else f"{value:.1%}")
        else:
            self._put(sheet, row, column, value, DECIMALS.get(name))

    def _put(
        self, sheet: Any, row: int, column: int, value: Any, decimals: int | None = None, fill: str = ""
    ) -> None:
        """One ruled cell: what is no number is text, never a formula."""
        missing = value is None or (not isinstance(value, str) and pd.isna(value))
        if missing:
            sheet.write_blank(row, column, None, self.look(fill=fill))
        elif isinstance(value, bool):
            sheet.write_string(row, column, "✓" if value else "✗", self.look(fill=fill, middle=True))
        elif isinstance(value, int | float):
            sheet.write_number(row, column, value, self.look(decimals, fill=fill))
        else:
            text = value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)
            sheet.write_string(row, column, text, self.look(fill=fill))

    def _bottom(self, sheet: Any, row: int, last: int) -> None:
        one = self.publication
        known = (one.filled_by, one.reviewed_by, "", "")
        end = self.signs(sheet, row, last, list(zip(SIGNS, known, strict=True)), per_row=4)
        sheet.print_area(0, 0, end - 1, last)


TITLES = {
    "title": bilingual("Indicator", "指标"),
    "definition": bilingual("Definition", "定义"),
    "goals": bilingual("Goals", "目标"),
    "bands": bilingual("Bands", "等级"),
    "source": bilingual("Source", "依据"),
    "year": bilingual("Year", "年份"),
}


def _about(one: Indicator, lang: str) -> list[str]:
    """The columns of the list of definitions."""
    sign = "≥" if one.direction == "up" else "≤"
    goals = "; ".join(f"{sign} {goal.value:g} {one.unit} ({goal.source})" for goal in one.goals)
    bands = ", ".join(f"{mark} {sign} {value:g}" for mark, value in one.bands.items())
    return [one.title(lang), one.definition(lang), goals, bands, one.source, str(one.year)]
