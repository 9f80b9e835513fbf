"""Two compared runs as rows: differences, verdicts and causes, in words and for machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridsvc.cli.output import plain_records
from gridsvc.cli.publications import STATUS
from gridsvc.cli.tables import NOTHING, Side
from gridsvc.coverage.amounts import quantities
from gridsvc.coverage.causes import Causes, find_causes
from gridsvc.coverage.comparison import Comparison
from gridsvc.coverage.facts import EXACT
from gridsvc.coverage.figures import Figures
from gridsvc.errors import UsageError
from gridsvc.maps.reader import titled
from gridsvc.store import LoadRecord
from gridsvc.text import Text, bilingual

SORTS = ("subject", "name", "indicator", "value_change", "numerator_change", "denominator_change", "verdict")
VERDICTS: dict[str, Text] = {
    "better": bilingual("better", "改善"),
    "worse": bilingual("worse", "变差"),
    "same": bilingual("same", "不变"),
    "begun": bilingual("no value before", "前期无值"),
    "gone": bilingual("no value now", "本期无值"),
    "ended": bilingual("the unit is no more", "单元已撤销"),
    "definition": bilingual("not comparable: defined otherwise", "不可比：指标定义已修改"),
    "ground": bilingual("not comparable: other units", "不可比：单元已调整"),
}
COLOURS = {"better": "green", "worse": "red"}
WHAT: dict[str, Text] = {
    "added": bilingual("added", "新增"),
    "ended": bilingual("ended", "移除"),
    "observed": bilingual("newly observed", "新近查明"),
    "changed": bilingual("changed", "变更"),
    "moved": bilingual("moved", "移位"),
    "exempted": bilingual("exempted", "新免考"),
    "counts_again": bilingual("no longer exempt", "恢复考核"),
    "duty": bilingual("duty changed", "责任变更"),
    "near": bilingual("what is near it changed", "周边变化"),
    "other": bilingual("other: width, zone or agreement", "其他：路宽、范围或分担协议"),
}
PARTS: dict[str, Text] = {
    "counted": bilingual("counted", "计入对象"),
    "near": bilingual("near", "周边对象"),
}
HEADINGS: dict[str, Text] = {
    "indicator": bilingual("Indicator", "指标"),
    "title": bilingual("Title", "指标名称"),
    "subject": bilingual("Code", "编码"),
    "name": bilingual("Name", "名称"),
    "display_before": bilingual("Before", "前期"),
    "grade_before": bilingual("Grade", "前期等级"),
    "display_after": bilingual("After", "本期"),
    "grade_after": bilingual("Grade now", "本期等级"),
    "verdict": bilingual("Change", "变化"),
    "numerator_change": bilingual("Numerator ±", "分子 ±"),
    "denominator_change": bilingual("Denominator ±", "分母 ±"),
    "basis": bilingual("Basis", "对比基础"),
    "causes": bilingual("Why", "原因"),
}
BASES: dict[str, Text] = {
    "stored": bilingual("as published or computed", "原值"),
    "restated": bilingual("earlier data measured anew", "前期数据重新计算"),
    "none": bilingual("none", "无"),
}
CAUSE_HEADINGS: dict[str, Text] = {
    "indicator": HEADINGS["indicator"],
    "subject": bilingual("Figure of", "所属对象"),
    "part": bilingual("Part", "类别"),
    "layer": bilingual("Layer", "图层"),
    "key": bilingual("Id", "编号"),
    "name": HEADINGS["name"],
    "what": bilingual("What happened", "变化"),
    "changes": bilingual("From → to", "原值 → 新值"),
    "numerator": HEADINGS["numerator_change"],
    "denominator": HEADINGS["denominator_change"],
    "unknown": bilingual("Unknown ±", "未知 ±"),
    "exempt": bilingual("Exempt ±", "免考 ±"),
}
SHOWN: dict[str, Side] = {
    "title": "left", "subject": "whole", "name": "left", "display_before": "right", "grade_before": "left",
    "display_after": "right", "grade_after": "left", "verdict": "left", "numerator_change": "right",
    "denominator_change": "right", "causes": "left",
}  # fmt: skip
SPARE = (("denominator_change",), ("numerator_change",), ("subject",), ("grade_before",))
# ids that stand in a line of causes
FEW = 3


@dataclass(frozen=True)
class Compared:
    """A comparison as it was asked for."""

    comparison: Comparison
    rows: pd.DataFrame
    found: dict[str, Causes]
    """By indicator; none where they were not asked for."""
    features: bool
    quick: bool

    @property
    def causes(self) -> pd.DataFrame:
        """Causes of all indicators, with amounts in base units as well."""
        parts = []
        for name, one in self.found.items():
            above, below = quantities(self.comparison.after.indicators[name])
            scale = {"numerator": above, "denominator": below, "unknown": below, "exempt": below}
            amounts = {side: one.rows[exact].astype("Float64") * scale[side] for side, exact in EXACT.items()}
            parts.append(one.rows.assign(indicator=name, **amounts))
        if not parts:
            return pd.DataFrame(columns=[*CAUSE_HEADINGS, "moved_m", *EXACT.values()])
        return pd.concat(parts, ignore_index=True)

    @property
    def loads(self) -> list[LoadRecord]:
        """Loads between the two runs that the differences rest on."""
        every = {load.id: load for one in self.found.values() for load in one.loads}
        return [every[number] for number in sorted(every)]


def in_order(rows: pd.DataFrame, sort: str | None) -> pd.DataFrame:
    """Rows by a column, falling with a minus before its name."""
    name = (sort or "").removeprefix("-")
    if sort is not None and name not in SORTS:
        raise UsageError(
            f"--sort {sort}: comparisons are sorted by {', '.join(SORTS)}",
            f"--sort {sort}：可用：{'、'.join(SORTS)}",
        )
    if sort is None:
        return rows
    up = not sort.startswith("-")
    return rows.sort_values(name, ascending=up, kind="stable", na_position="last", ignore_index=True)


def explained(
    comparison: Comparison, rows: pd.DataFrame, reach: Callable[[str, int, int], None]
) -> dict[str, Causes]:
    """What made the figures of *rows* change, by indicator."""
    comparable = rows[rows["verdict"].isin(["better", "worse", "begun", "gone"])]
    names = list(comparable["indicator"].unique())
    known = comparison.after if comparison.definitions else comparison.before
    found = {}
    for done, name in enumerate(names):
        reach(name, done, len(names))
        wanted = comparable[comparable["indicator"] == name]
        if name in known.indicators:
            kind = str(wanted["subject_kind"].iloc[0])
            found[name] = find_causes(comparison, name, kind, wanted["subject"].tolist())
    reach("", len(names), max(len(names), 1))
    return found


def summary(causes: pd.DataFrame, lang: str) -> str:
    """What happened to one figure, in one line: how many of what, and a few ids."""
    counted = causes[causes["part"] == "counted"]
    said = counted[~counted["what"].isin(["near"])]
    beside = causes[causes["part"] == "near"]
    parts = [_line(group, str(what), "", lang) for what, group in said.groupby("what", sort=False)]
    near = bilingual("near it: ", "周边：")(lang)
    parts += [_line(group, str(what), near, lang) for what, group in beside.groupby("what", sort=False)]
    if not parts and len(counted):
        parts = [WHAT["near"](lang)]
    return ("；" if lang == "zh" else "; ").join(parts)


def _line(group: pd.DataFrame, what: str, prefix: str, lang: str) -> str:
    ids = list(dict.fromkeys(group["key"]))
    more = "…" if len(ids) > FEW else ""
    listed = ("、" if lang == "zh" else ", ").join(map(str, ids[:FEW])) + more
    return (
        f"{prefix}{WHAT[what](lang)} {len(ids)}（{listed}）"
        if lang == "zh"
        else f"{prefix}{len(ids)} {WHAT[what](lang)} ({listed})"
    )


def described(compared: Compared, lang: str) -> pd.DataFrame:
    """Rows as people read them: titles, words for verdicts, causes in a line."""
    rows, indicators = compared.rows, compared.comparison.after.indicators
    by_figure = dict(iter(compared.causes.groupby(["indicator", "subject"])))
    nothing = compared.causes.iloc[:0]
    return rows.assign(
        title=rows["indicator"].map({name: one.title(lang) for name, one in indicators.items()}),
        causes=[
            became(compared.comparison, subject, lang)
            if verdict == "ended"
            else summary(by_figure.get((name, subject), nothing), lang)
            for name, subject, verdict in zip(
                rows["indicator"], rows["subject"], rows["verdict"], strict=True
            )
        ],
        verdict=[VERDICTS[one](lang) for one in rows["verdict"]],
        basis=[BASES[one](lang) for one in rows["basis"]],
    )


def became(comparison: Comparison, unit: str, lang: str) -> str:
    """Where the ground of a unit that is no more went."""
    nobody = bilingual("no unit", "无单元")(lang)
    parts = [f"{code or nobody} {share:.1%}" for code, share in comparison.became.get(unit, {}).items()]
    return (bilingual("now ", "现属 ")(lang) + ("、" if lang == "zh" else ", ").join(parts)) if parts else ""


def told(causes: pd.DataFrame, compared: Compared, lang: str) -> pd.DataFrame:
    """Causes as people read them."""
    layers = compared.comparison.after.layers
    ground = bilingual("ground", "地面")(lang)
    return causes.assign(
        part=[PARTS[one](lang) for one in causes["part"]],
        layer=[layers[one].title(lang) if one else ground for one in causes["layer"]],
        what=[WHAT[one](lang) for one in causes["what"]],
        changes=[
            _changes(compared, *one, lang)
            for one in zip(causes["layer"], causes["changes"], causes["moved_m"], strict=True)
        ],
    )


def _changes(compared: Compared, layer: str, changes: Any, moved: Any, lang: str) -> str:
    """Fields of a feature before and after, in words."""
    parts = []
    for name, old, new in changes if isinstance(changes, list) else []:
        field = compared.comparison.after.layers[layer].fields[name]
        words = {value.value: value.title(lang) for value in field.values}
        was, is_ = (NOTHING if one is None else words.get(one, one) for one in (old, new))
        parts.append(f"{field.title(lang)}: {was} → {is_}")
    if moved == moved and moved is not None:
        parts.append(f"{moved:,.1f} m")
    return ", ".join(parts)


def run_name(figures: Figures, lang: str) -> str:
    """A run in words."""
    run = figures.run
    called = titled(run.publication) if run.publication else STATUS[run.status](lang)
    return bilingual(
        f"run {run.id} {called}, as of {run.as_of}", f"批次 {run.id} {called}，截至 {run.as_of}"
    )(lang)


def as_data(compared: Compared, lang: str) -> dict[str, Any]:
    """Everything, for machines."""
    comparison = compared.comparison
    causes = compared.causes.drop(columns=["name"]).astype(object)
    return {
        "before": comparison.before.run.as_dict(),
        "after": comparison.after.run.as_dict(),
        "redefined": [
            {"indicator": name, "counts_otherwise": counts} for name, counts in comparison.redefined.items()
        ],
        "other_ground": sorted(comparison.moved),
        "became": comparison.became if (compared.rows["verdict"] == "ended").any() else {},
        "figures": plain_records(compared.rows),
        "loads": [
            {"load": one.id, "layer": one.layer, "source": one.source, "finished": one.finished}
            for one in compared.loads
        ],
        "causes": plain_records(causes) if not compared.quick else None,
    }  # fmt: skip
