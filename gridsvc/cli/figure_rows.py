"""Figures as rows: sorted, with headings, with shapes, and as a table on a terminal."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from rich.console import Console
from rich.text import Text as Styled

from gridsvc.cli.tables import NOTHING, Side, show_table
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.figures import Figures
from gridsvc.coverage.indicators import GROUPS, REPORTED, Indicator
from gridsvc.coverage.reasons import LEFT
from gridsvc.errors import UsageError
from gridsvc.maps.words import unit
from gridsvc.text import Text, bilingual

# base units per whole amount: what an amount is follows from its grain
LENGTH, AREA = 1e-9, 1e-6
SORTS = ("subject", "name", "indicator", "value", "grade", "numerator", "denominator", "known_share")
BLANK = Styled("")
GRADES = {"A": "green", "B": "yellow", "C": "red"}
# the name of a column in JSON -> in spreadsheets
HEADINGS: dict[str, Text] = {
    "indicator": bilingual("Indicator", "指标"),
    "title": bilingual("Title", "指标名称"),
    "level": bilingual("Level", "层级"),
    "subject": bilingual("Code", "编码"),
    "name": bilingual("Name", "名称"),
    "value": bilingual("Value", "数值"),
    "display": bilingual("Shown", "显示"),
    "unit": bilingual("Unit", "单位"),
    "grade": bilingual("Grade", "等级"),
    "goal": bilingual("Goal", "目标"),
    "met": bilingual("Goal met", "达标"),
    "points_off": bilingual("Points off", "扣分"),
    "numerator": bilingual("Numerator", "分子"),
    "denominator": bilingual("Denominator", "分母"),
    "known_share": bilingual("Share known", "已知比例"),
    "reason": bilingual("Remark", "说明"),
    "as_of": bilingual("As of", "截至日期"),
    "run": bilingual("Run", "计算批次"),
}
SHOWN: dict[str, Side] = {
    "title": "left",
    "subject": "whole",
    "name": "left",
    "display": "right",
    "unit": "left",
    "grade": "left",
    "goal": "right",
    "numerator": "right",
    "denominator": "right",
    "known_share": "right",
    "reason": "left",
}

# left out in this order where a terminal is narrow
SPARE = (("known_share",), ("numerator", "denominator"), ("subject",), ("goal",))


def described(figures: Figures, table: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Figures under the names that the HTTP service uses, too."""
    titles = {name: one.title(lang) for name, one in figures.indicators.items()}
    return pd.DataFrame(
        {
            "indicator": table["indicator"],
            "title": table["indicator"].map(titles),
            "subject_kind": table["subject_kind"],
            "level": table["level"],
            "subject": table["subject"],
            "name": table["name"],
            "value": table["value"],
            "display": table["display"],
            "unit": [unit(text)(lang) for text in table["unit"]],
            "grade": table["grade"],
            "goal": table["goal"],
            "met": table["met"],
            "goals": table["goals"],
            "points_off": table["points_off"],
            "numerator": table["numerator"],
            "denominator": table["denominator"],
            "numerator_exact": table["numerator_int"],
            "denominator_exact": table["denominator_int"],
            "unknown_exact": table["unknown_int"],
            "exempt_exact": table["exempt_int"],
            "known_share": table["known_share"],
            "reason": table[f"reason_{lang}"],
            "run": figures.run.id,
            "as_of": figures.run.as_of,
        }
    )


def ordered(rows: pd.DataFrame, sort: str | None) -> pd.DataFrame:
    """Rows by a column, falling with a minus before its name; rows without a value last."""
    if sort is None:
        return rows
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise UsageError(
            f"--sort {sort}: figures are sorted by {', '.join(SORTS)}",
            f"--sort {sort}：可用：{'、'.join(SORTS)}",
        )
    key = rows[name].replace("", None) if rows[name].dtype == object else rows[name]
    order = key.sort_values(ascending=not sort.startswith("-"), kind="stable", na_position="last").index
    return rows.loc[order].reset_index(drop=True)


def with_headings(rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    """The columns of a spreadsheet."""
    return rows[list(HEADINGS)].rename(columns={name: title(lang) for name, title in HEADINGS.items()})


def with_shapes(figures: Figures, rows: pd.DataFrame, level: str | None) -> gpd.GeoDataFrame:
    """Figures with the shapes of their units, one feature a figure; a unit's rest is its remainder cells."""
    if level is None or (rows["subject_kind"] != "unit").any():
        raise UsageError(
            "GeoJSON needs the units of a level: add --level", "导出 GeoJSON 需要指定层级：请加 --level"
        )
    shapes = figures.unit_shapes(level).set_index("code").geometry
    rest = figures.cells[figures.cells["remainder"].astype(bool)]
    parts = pd.Series(rest.geometry.to_numpy(), index=rest["unit"].to_numpy(object) + "*")
    left = parts.groupby(level=0).agg(lambda part: shapely.coverage_union_all(part.to_numpy(object)))
    every = pd.concat([pd.Series(shapes.to_numpy(), index=shapes.index), left])
    found = gpd.GeoSeries(every.reindex(rows["subject"]).to_numpy(object), index=rows.index)
    return gpd.GeoDataFrame(rows, geometry=found, crs=figures.cells.crs)


def amount(value: float, per_whole: float) -> str:
    """An amount in base units with its unit, which follows from its grain."""
    if per_whole == LENGTH:
        return f"{value:,.1f} m"
    if per_whole == AREA:
        return f"{value:,.1f} m²"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def goal_of(indicator: Indicator) -> str:
    """The goal as it is shown."""
    if indicator.goal is None:
        return ""
    return f"{'≥' if indicator.direction == 'up' else '≤'} {indicator.goal:g}"


def show_figures(out: Console, rows: pd.DataFrame, figures: Figures, lang: str) -> None:
    """Print figures as a table; what is the same in every row stands above it."""
    one_indicator, one_subject = rows["indicator"].nunique() == 1, rows["subject"].nunique() == 1
    titles = [] if one_indicator else [one.title(lang) for one in figures.left_out]
    if titles:
        rows = rows[~rows["indicator"].isin([one.id for one in figures.left_out])]
    hidden = {"title"} if one_indicator else set()
    hidden |= {"subject", "name"} if one_subject else set()
    hidden |= {"reason"} if not rows["reason"].any() else set()
    columns = [(name, side) for name, side in SHOWN.items() if name not in hidden]
    cells = [_cells(row, figures.indicators[row["indicator"]]) for row in rows.to_dict(orient="records")]
    if one_subject and not one_indicator:
        cells = _grouped(cells, [figures.indicators[name] for name in rows["indicator"]], lang)
    above = [str(rows["title"].iloc[0])] if one_indicator else []
    above += [f"{rows['name'].iloc[0]} {rows['subject'].iloc[0]}"] if one_subject else []
    show_table(
        out,
        [(HEADINGS["value" if name == "display" else name](lang), side) for name, side in columns],
        [[row[name] for name, _ in columns] for row in cells],
        title=" · ".join(above),
        spare=[[HEADINGS[name](lang) for name in group] for group in SPARE],
        lang=lang,
    )
    if titles:
        told = LEFT.fill(titles=("、" if lang == "zh" else ", ").join(titles))
        out.print(told(lang), highlight=False, markup=False, soft_wrap=True)


def _grouped(
    cells: list[dict[str, object]], indicators: list[Indicator], lang: str
) -> list[dict[str, object]]:
    """Rows with a line for each group of indicators above it; as they are where they are sorted otherwise."""
    groups = [one.group for one in indicators]
    runs = [group for place, group in enumerate(groups) if not place or group != groups[place - 1]]
    if len(runs) != len(set(groups)):
        return cells
    found: list[dict[str, object]] = []
    for place, (group, row) in enumerate(zip(groups, cells, strict=True)):
        if not place or group != groups[place - 1]:
            blank: dict[str, object] = dict.fromkeys(row, BLANK)
            found.append(blank | {"title": Styled(GROUPS[group](lang), style="bold")})
        found.append(row)
    return found


def _cells(row: dict[Any, Any], indicator: Indicator) -> dict[str, object]:
    """One figure as it is shown, by column."""
    above, below = quantities(indicator)
    share, reported = row["known_share"], indicator.kind == REPORTED
    return {
        **{name: row[name] for name in ("title", "subject", "name", "display", "unit", "reason")},
        "grade": Styled(row["grade"] or NOTHING, style=GRADES.get(row["grade"], "")),
        "goal": goal_of(indicator),
        "numerator": "" if reported else amount(row["numerator"], above),
        "denominator": "" if reported else amount(row["denominator"], below),
        "known_share": "" if share != share else f"{share:.1%}",
    }
