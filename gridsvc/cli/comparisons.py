"""Two compared runs as they leave the command: tables on a terminal, and files."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text as Styled

from gridsvc.cli.comparison_rows import (
    CAUSE_HEADINGS,
    COLOURS,
    HEADINGS,
    SHOWN,
    SPARE,
    WHAT,
    Compared,
    as_data,
    described,
    run_name,
    told,
)
from gridsvc.cli.figure_rows import GRADES, amount
from gridsvc.cli.output import Listing
from gridsvc.cli.tables import NOTHING, Side, show_table
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.comparison import Comparison
from gridsvc.coverage.facts import EXACT
from gridsvc.errors import UsageError
from gridsvc.text import Text, bilingual


def listing(compared: Compared, limit: int, lang: str) -> Listing:
    """The comparison in every form."""
    rows = described(compared, lang)

    def sheet() -> pd.DataFrame:
        return rows[list(HEADINGS)].rename(columns={name: text(lang) for name, text in HEADINGS.items()})

    def causes() -> pd.DataFrame:
        told_ = told(compared.causes, compared, lang)
        names = {name: text(lang) for name, text in CAUSE_HEADINGS.items()}
        return told_[list(names)].rename(columns=names)

    def both() -> dict[str, pd.DataFrame]:
        return {bilingual("Figures", "指标")(lang): sheet(), bilingual("Causes", "原因")(lang): causes()}

    def shapes() -> pd.DataFrame:
        raise UsageError(
            "comparisons are written as table, csv, json or xlsx", "对比结果可用 table、csv、json、xlsx 格式"
        )

    return Listing(
        "compare",
        lambda: as_data(compared, lang),
        causes if compared.features else sheet,
        shapes,
        lambda console: show(console, compared, rows, limit, lang),
        both,
    )


def show(out: Console, compared: Compared, rows: pd.DataFrame, limit: int, lang: str) -> None:
    """Print what changed, what was loaded in between, and the features that made it change."""

    def say(text: Text) -> None:
        out.print(text(lang), highlight=False, markup=False, soft_wrap=True)

    comparison = compared.comparison
    out.print(
        f"{run_name(comparison.before, lang)} → {run_name(comparison.after, lang)}",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    for note in notes(comparison):
        say(note)
    if rows.empty:
        say(bilingual("no figure changed", "没有指标值变化"))
        return
    one_title, one_subject = rows["title"].nunique() == 1, rows["subject"].nunique() == 1
    hidden = ({"title"} if one_title else set()) | ({"subject", "name"} if one_subject else set())
    hidden |= {"causes"} if compared.quick else set()
    columns = [(name, side) for name, side in SHOWN.items() if name not in hidden]
    above = [str(rows["title"].iloc[0])] if one_title else []
    above += [f"{rows['name'].iloc[0]} {rows['subject'].iloc[0]}"] if one_subject else []
    cells = [
        _cells(row, verdict, compared)
        for row, verdict in zip(rows.to_dict("records"), compared.rows["verdict"], strict=True)
    ]
    show_table(
        out,
        [(HEADINGS[name](lang), side) for name, side in columns],
        [[row[name] for name, _ in columns] for row in cells],
        title=" · ".join(above),
        spare=[[HEADINGS[name](lang) for name in group] for group in SPARE],
        lang=lang,
    )
    if compared.features:
        _show_features(out, compared, limit, lang)
    if compared.loads:
        _show_loads(out, compared, lang)


def notes(comparison: Comparison) -> list[Text]:
    """What stands in the way of comparing, said before the figures."""
    found = []
    otherwise = [name for name, counts in comparison.redefined.items() if counts]
    graded = [name for name, counts in comparison.redefined.items() if not counts]
    if otherwise and comparison.definitions:
        names = ", ".join(otherwise)
        found.append(
            bilingual(
                f"the earlier run is measured by the later definitions: {names}",
                f"前期数据已按本期定义重新计算：{names}",
            )
        )
    elif otherwise:
        names = ", ".join(otherwise)
        found.append(
            bilingual(
                f"these indicators were defined otherwise, their difference says nothing: {names}; --definitions "
                "measures the earlier run by the later definitions",
                f"以下指标的定义已修改，数值之差不说明实际变化：{names}；加 --definitions 可按本期定义重算前期数据",
            )
        )
    if graded:
        names = ", ".join(graded)
        found.append(
            bilingual(
                f"goals, bands or words of these changed, not what they count: {names}",
                f"以下指标只修改了目标、等级或说明，计算口径未变：{names}",
            )
        )
    libraries = [one.run.libraries for one in (comparison.before, comparison.after)]
    others = [
        f"{name} {libraries[0][name]} → {version}"
        for name, version in libraries[1].items()
        if libraries[0].get(name, version) != version
    ]
    if others:
        names = ", ".join(others)
        found.append(
            bilingual(
                f"the runs were computed by different software: {names}", f"两个批次的计算软件不同：{names}"
            )
        )
    if comparison.moved:
        count = sum(not code.endswith("*") for code in comparison.moved & set(comparison.after.units["code"]))
        found.append(
            bilingual(
                f"{count} units of the later run have other ground; their earlier figures are the earlier data "
                "measured over the ground of now",
                f"本期有 {count} 个单元的范围与前期不同；其前期数值为前期数据按现范围重新计算的结果",
            )
        )
    return found


def _signed(value: Any, per_whole: float) -> str:
    return (
        "" if value != value or value == 0 else f"{'+' if value > 0 else '−'}{amount(abs(value), per_whole)}"
    )


def _cells(row: dict[Any, Any], verdict: str, compared: Compared) -> dict[str, object]:
    """One compared figure as it is shown, by column."""
    above, below = quantities(compared.comparison.after.indicators[row["indicator"]])
    grades = {
        name: Styled(row[name] or NOTHING, style=GRADES.get(row[name], ""))
        for name in ("grade_before", "grade_after")
    }
    return {
        **{
            name: row[name]
            for name in ("title", "subject", "name", "display_before", "display_after", "causes")
        },
        **grades,
        "verdict": Styled(row["verdict"], style=COLOURS.get(verdict, "")),
        "numerator_change": _signed(row["numerator_change"], above),
        "denominator_change": _signed(row["denominator_change"], below),
    }


def _show_features(out: Console, compared: Compared, limit: int, lang: str) -> None:
    causes = compared.causes
    rows = told(causes, compared, lang)
    columns: list[tuple[str, Side]] = [
        (name, "right" if name in EXACT else "whole" if name == "key" else "left") for name in CAUSE_HEADINGS
    ]
    columns = [
        (name, side)
        for name, side in columns
        if rows[name].notna().any() and (rows[name].nunique() > 1 or name not in ("indicator", "subject"))
    ]
    columns = [
        (name, side) for name, side in columns if name not in EXACT or (rows[name].fillna(0) != 0).any()
    ]
    cells = []
    for row in rows.head(limit).to_dict("records"):
        above, below = quantities(compared.comparison.after.indicators[row["indicator"]])
        for side in EXACT:
            value = float("nan") if pd.isna(row[side]) else float(row[side])
            row[side] = _signed(value, above if side == "numerator" else below)
        shown = {name: row[name] for name, _ in columns}
        cells.append([None if not isinstance(v, str) and pd.isna(v) else v for v in shown.values()])
    show_table(out, [(CAUSE_HEADINGS[name](lang), side) for name, side in columns], cells, lang=lang)
    if len(rows) > limit:
        more = bilingual(
            f"{limit} of {len(rows)}; --limit shows more, -o FILE.xlsx writes them all",
            f"共 {len(rows)} 行，显示 {limit} 行；--limit 可调，-o 文件.xlsx 可全部导出",
        )
        out.print(more(lang), highlight=False)


def _show_loads(out: Console, compared: Compared, lang: str) -> None:
    """What was loaded between the two runs."""
    layers = compared.comparison.after.layers
    headings: list[tuple[Text, Side]] = [
        (bilingual("Load", "入库"), "right"),
        (bilingual("Layer", "图层"), "left"),
        (bilingual("File", "文件"), "left"),
        (bilingual("Loaded (UTC)", "入库时间（UTC）"), "whole"),
        (WHAT["added"], "right"),
        (WHAT["changed"], "right"),
        (WHAT["ended"], "right"),
    ]
    rows = [
        (one.id, layers[one.layer].title(lang), one.source, one.finished[:16].replace("T", " "), one.added,
         one.changed, one.ended)
        for one in compared.loads
    ]  # fmt: skip
    title = bilingual("Loads in between", "期间入库")(lang)
    show_table(out, [(text(lang), side) for text, side in headings], rows, title=title, lang=lang)
