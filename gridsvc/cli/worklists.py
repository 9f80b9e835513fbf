"""Worklists (整改清单): the gaps of one chief, of one unit or of the county as a workbook to print and fill in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridsvc.cli.gap_rows import HEADINGS, described, gain, with_people, yes_no
from gridsvc.codes import LEVELS
from gridsvc.coverage.figures import Figures
from gridsvc.duties.people import VACANT, People
from gridsvc.errors import UsageError
from gridsvc.export.worklist import Column, Worklist, write_worklist
from gridsvc.maps.links import file_stem
from gridsvc.text import Text, bilingual

TITLE = bilingual("Worklist of gaps: ", "短板整改清单：")
EMPTY = bilingual("No gaps.", "没有短板。")
SIGNS = (bilingual("Made by", "制表"), bilingual("Checked by", "审核"), bilingual("Date", "日期"))
SPAN = bilingual("From–to (m)", "起止 (m)")
WHO = bilingual("Responsible", "责任路长/网格员")
BLANKS = (
    (bilingual("Measures", "整改措施"), 18),
    (bilingual("Person in charge", "责任人"), 10),
    (bilingual("Due", "完成时限"), 10),
    (bilingual("Done", "完成情况"), 12),
)


@dataclass(frozen=True)
class Subject:
    """Whose worklist it is."""

    name: str
    """Name and code, as they stand in the title."""
    id: str = ""
    """Code or id; "" for all counties."""
    is_chief: bool = False
    line: str = ""
    """More of the person: title, department."""

    def gaps(self, figures: Figures, indicator: str | None) -> gpd.GeoDataFrame:
        """The gaps that the list is of."""
        if self.is_chief:
            return figures.gaps(indicator, chief=self.id)
        return figures.gaps(indicator, unit=self.id or None)


def subject_of(figures: Figures, unit: str | None, chief: str | None, lang: str) -> Subject:
    """The chief or unit asked for, else all."""
    if chief is not None:
        return next(
            (one for one in all_chiefs(figures, lang) if one.id == chief), Subject(chief, chief, True)
        )
    if unit is not None:
        name = figures.units.set_index("code")["name"].get(unit)
        return Subject(f"{name or ''} {unit}".strip(), unit)
    return Subject(figures.workspace.county.name(lang))


def all_chiefs(figures: Figures, lang: str) -> list[Subject]:
    """Every road chief in the list."""
    table = People.open(figures.store).chiefs
    found = []
    for row in table.to_dict("records"):
        name = VACANT(lang) if row["vacant"] else str(row["name"]).strip()
        more = [str(row[field]) for field in ("title", "department") if isinstance(row.get(field), str)]
        found.append(Subject(f"{name} {row['chief_id']}", str(row["chief_id"]), True, "　".join(more)))
    return found


def all_units(figures: Figures, level: str) -> list[Subject]:
    """Every unit of a level."""
    if level not in LEVELS:
        raise UsageError(
            f"there is no level {level!r}; there are: {', '.join(LEVELS)}",
            f"没有层级 {level!r}；现有层级：{'、'.join(LEVELS)}",
        )
    units = figures.units[figures.units["level"] == level]
    return [
        Subject(f"{name or ''} {code}".strip(), code)
        for code, name in zip(units["code"], units["name"], strict=True)
    ]


def worklist(figures: Figures, subject: Subject, indicator: str | None, lang: str) -> Worklist:
    """The worklist of a subject: its gaps of all indicators or one, the worst first."""
    rows = with_people(figures, described(figures, subject.gaps(figures, indicator), lang))
    county, run = figures.workspace.county, figures.run
    status = f" {run.label}" if run.label else ""
    counted = bilingual(
        f"{county.name.en}, as of {run.as_of}, run {run.id}{status}; {len(rows)} gaps, "
        "those first that bring the county nearest to its goals",
        f"{county.name.zh}　截至 {run.as_of}（计算批次 {run.id}{status}）　共 {len(rows)} 处，"
        "按消除后使全县接近目标的程度排序",
    )
    columns = _columns(lang, chief=subject.is_chief)
    return Worklist(
        title=f"{TITLE(lang)}{subject.name}",
        lines=[*([subject.line] if subject.line else []), counted(lang)],
        columns=[column for column, _ in columns],
        rows=[[make(row) for _, make in columns] for row in rows.to_dict("records")],
        empty=EMPTY(lang),
        signs=[sign(lang) for sign in SIGNS],
        marking=county.marking,
        lang=lang,
    )


Cell = Callable[[dict[Any, Any]], Any]


def _columns(lang: str, *, chief: bool) -> list[tuple[Column, Cell]]:
    """Columns, and what each makes of a row."""

    def title(name: str) -> str:
        return HEADINGS[name](lang)

    def text(name: str, width: int) -> tuple[Column, Cell]:
        return Column(title(name), width), lambda row: None if pd.isna(row[name]) else str(row[name])

    def number(name: str, width: int, decimals: int) -> tuple[Column, Cell]:
        held: Cell = lambda row: None if pd.isna(row[name]) else float(row[name])  # noqa: E731
        return Column(title(name), width, "number", decimals), held

    def gained(name: str) -> tuple[Column, Cell]:
        made: Cell = lambda row: None if pd.isna(row[name]) else f"{gain(row[name])} {row['gain_unit']}"  # noqa: E731
        return Column(title(name), 11), made

    blanks: list[tuple[Column, Cell]] = [
        (Column(heading(lang), width, "blank"), lambda row: None) for heading, width in BLANKS
    ]
    who = (Column(WHO(lang), 12), lambda row: row["chiefs"] or row["officers"])
    return [
        number("number", 5, 0),
        text("indicator", 16),
        text("place", 18),
        (Column(SPAN(lang), 13), _span),
        (Column(title("size"), 10), lambda row: _size(row, "size")),
        (Column(title("own"), 10), lambda row: _size(row, "own")),
        gained("gain_county"),
        gained("gain_own"),
        number("residents", 7, 0),
        (
            Column(title("since"), 11),
            lambda row: None if pd.isna(row["since"]) else f"{row['since']:%Y-%m-%d}",
        ),
        (Column(title("inherited"), 7, "mark"), lambda row: yes_no(row["inherited"])(lang)),
        *([] if chief else [who]),
        number("lon", 11, 6),
        number("lat", 10, 6),
        *blanks,
    ]


def _span(row: dict[Any, Any]) -> str | None:
    if pd.isna(row["from_m"]):
        return None
    return f"{row['from_m']:,.1f}" + ("" if pd.isna(row["to_m"]) else f"–{row['to_m']:,.1f}")


def _size(row: dict[Any, Any], name: str) -> str | None:
    if pd.isna(row[name]):
        return None
    value = float(row[name])
    return f"{value:,.{0 if value.is_integer() else 1}f} {row['measure']}"


def file_name(subject: Subject) -> str:
    """Name of a subject's file: code or id, and the name as far as every system takes it."""
    name = re.sub(r"\W+", "", subject.name.removesuffix(subject.id))[:30]
    return f"{file_stem(subject.id)}{'-' if name else ''}{name}.xlsx"


def write_all(
    figures: Figures,
    subjects: list[Subject],
    indicator: str | None,
    folder: Path,
    lang: str,
    done: Callable[[], None],
) -> list[Path]:
    """One workbook for each of *subjects* in *folder*, also for those without gaps; returns the files."""
    made = []
    for subject in subjects:
        path = folder / file_name(subject)
        write_worklist(worklist(figures, subject, indicator, lang), path)
        made.append(path)
        done()
    return made


def told(made: list[Path], folder: Path) -> Text:
    """How many worklists were written, and where."""
    return bilingual(
        f"written: {len(made)} worklists in {folder}", f"已写入：{folder} 中共 {len(made)} 份清单"
    )
