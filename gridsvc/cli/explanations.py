"""An explained figure in words and tables: its definition, its sums, headings, the sheets of a workbook."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from gridsvc.coverage.explain import Explanation
from gridsvc.coverage.facts import EXACT
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.tallies import SIDES
from gridsvc.layers import Layers
from gridsvc.maps.words import unit as unit_words
from gridsvc.text import Text, bilingual

SIDE_TITLES: dict[str, Text] = {
    "numerator": bilingual("Numerator", "分子"),
    "denominator": bilingual("Denominator", "分母"),
    "unknown": bilingual("Unknown", "未知"),
    "exempt": bilingual("Exempt", "免考"),
}
HEADINGS: dict[str, Text] = {
    **SIDE_TITLES,
    "fact": bilingual("Fact", "对象"),
    "layer": bilingual("Layer", "图层"),
    "key": bilingual("Id", "编号"),
    "name": bilingual("Name", "名称"),
    "side": bilingual("Side", "侧"),
    "from_m": bilingual("From (m)", "起点 (m)"),
    "to_m": bilingual("To (m)", "终点 (m)"),
    "share": bilingual("Share", "计入比例"),
    "cell": bilingual("Cell", "单元"),
    "fields": bilingual("Fields", "字段"),
    "near_key": bilingual("Nearest", "最近"),
    "near_m": bilingual("Distance (m)", "距离 (m)"),
    "within_m": bilingual("Within (m)", "限距 (m)"),
    "part": bilingual("Part", "项"),
    "what": bilingual("What", "依据"),
    "of": bilingual("For", "对应"),
    "distance_m": bilingual("Distance (m)", "距离 (m)"),
    "area_mm2": bilingual("Area (mm²)", "面积 (mm²)"),
    "role": bilingual("Role", "角色"),
    "feature_key": bilingual("Id", "编号"),
    "reason": bilingual("Reason", "原因"),
    "document": bilingual("Document", "文号"),
    "date_from": bilingual("From date", "开始日期"),
    "date_to": bilingual("To date", "结束日期"),
    "indicator": bilingual("Indicator", "指标"),
    "load": bilingual("Load", "入库"),
    "source": bilingual("File", "文件"),
    "sha256": bilingual("SHA-256", "SHA-256"),
    "loaded": bilingual("Loaded", "入库日期"),
    "mode": bilingual("Mode", "方式"),
    "rows": bilingual("Rows", "行数"),
    "version": bilingual("Version used", "所用版本"),
    "current": bilingual("Version now", "现版本"),
    "listed": bilingual("Sum of the list", "清单合计"),
    "stored": bilingual("In the run", "批次存值"),
    "whole": bilingual("Counted in", "计数单位"),
    "amount": bilingual("Amount", "数量"),
    "same": bilingual("Equal", "一致"),
}
WORDS: dict[str, Text] = {
    **SIDE_TITLES,
    "piece": bilingual("piece", "路段"),
    "feature": bilingual("feature", "部件"),
    "cell": bilingual("cell", "单元"),
    "left": bilingual("left", "左"),
    "right": bilingual("right", "右"),
    "near": bilingual("near", "邻近"),
    "covers": bilingual("covers", "覆盖"),
    "base": bilingual("counted on", "计算范围"),
    "duty": bilingual("duty", "责任"),
    "along": bilingual("stands along", "沿线设置"),
    "report": bilingual("report", "上报值"),
}
DEFINITION: dict[str, Text] = {
    "id": bilingual("Indicator", "指标"),
    "title": bilingual("Title", "名称"),
    "definition": bilingual("Definition", "定义"),
    "kind": bilingual("Kind", "类型"),
    "zone": bilingual("Zone", "范围"),
    "rule": bilingual("Parameters", "参数"),
    "unit": bilingual("Unit", "单位"),
    "factor": bilingual("Factor", "系数"),
    "goals": bilingual("Goals", "目标"),
    "bands": bilingual("Bands", "等级"),
    "weight": bilingual("Points", "权重"),
    "veto": bilingual("Veto", "一票否决"),
    "deductions": bilingual("Deductions", "扣分"),
    "system": bilingual("Assessment", "测评体系"),
    "source": bilingual("Source", "依据"),
    "year": bilingual("Year", "年份"),
}
YES = bilingual("yes", "是")
MET = {True: bilingual("met", "达标"), False: bilingual("missed", "未达标")}
PART, SAYS = bilingual("Part", "项目"), bilingual("Says", "内容")
EVERYWHERE = bilingual("everywhere", "全域")
WHOLES = {
    1e-9: bilingual("nm", "nm"),
    1e-8: bilingual("10⁻⁸", "10⁻⁸"),
    1e-6: bilingual("mm²", "mm²"),
    1.0: bilingual("features", "个"),
    1e-3: bilingual("thousandths", "千分之一"),
}
DIGITS = {1e-9: 9, 1e-8: 8, 1e-6: 6, 1.0: 0, 1e-3: 3}
CODED = {"fact": WORDS, "side": WORDS, "what": WORDS, "part": WORDS}


def definition(found: Explanation, lang: str) -> list[tuple[str, str, Any]]:
    """Each part of the definition: its name, its title, and what it says."""
    one = found.indicator
    told = set(DEFINITION) | {"group", "direction", "digits"}
    said = {
        "id": one.id,
        "title": one.title(lang),
        "definition": one.definition(lang),
        "kind": one.kind,
        "zone": _zone(found.figures.layers, one, lang),
        "rule": one.model_dump(mode="json", exclude=told, exclude_defaults=True),
        "unit": unit_words(one.unit)(lang),
        "factor": one.factor,
        "goals": found.figure["goals"],
        "bands": {str(name): value for name, value in one.bands.items()},
        "weight": "" if one.weight is None else one.weight,
        "veto": YES(lang) if one.veto else "",
        "deductions": {} if one.deductions is None else one.deductions.model_dump(mode="json"),
        "system": one.system,
        "source": one.source,
        "year": one.year,
    }
    return [(name, title(lang), said[name]) for name, title in DEFINITION.items()]


def _zone(layers: Layers, one: Indicator, lang: str) -> str:
    """The zone with its title."""
    if not one.zone:
        return EVERYWHERE(lang)
    titles = {value.value: value.title(lang) for value in layers.zones.fields["kind"].values}
    return f"{titles[one.zone]} ({one.zone})" if one.zone in titles else one.zone


def sums(found: Explanation) -> pd.DataFrame:
    """The sum of the list of each side beside what the run holds, in whole amounts and in base units."""
    rows = []
    for side in SIDES:
        per, listed, stored = found.per_whole[side], found.listed[side], found.stored[side]
        rows.append(
            {
                "part": side,
                "listed": listed,
                "stored": stored,
                "same": listed == stored,
                "whole": WHOLES[per].en,
                "amount": listed / round(1 / per),
            }
        )
    return pd.DataFrame(rows)


def headed(rows: pd.DataFrame, found: Explanation, lang: str) -> pd.DataFrame:
    """A table under headings for people, words in the language; whole amounts say what they are counted in."""
    table = rows.copy()
    for name in set(CODED) & set(table.columns):
        table[name] = [WORDS[word](lang) if word in WORDS else word for word in table[name]]
    layers = found.figures.layers
    if "layer" in table:
        table["layer"] = [layers[name].title(lang) if name in layers else name for name in table["layer"]]
    if "whole" in table:
        words = {text.en: text(lang) for text in WHOLES.values()}
        table["whole"] = table["whole"].map(words)
    names = {name: title(lang) for name, title in HEADINGS.items()}
    for side, exact in EXACT.items():
        names[exact] = f"{SIDE_TITLES[side](lang)} ({WHOLES[found.per_whole[side]](lang)})"
    return table.rename(columns=names)


def sheets(found: Explanation, lang: str) -> dict[str, pd.DataFrame]:
    """The sheets of a workbook: definition and sums, one for each side, what stands behind them, loads."""
    rows, other = found.rows, [*SIDES, *EXACT.values()]
    about = [(title, _line(value, lang)) for _, title, value in definition(found, lang)]
    about += [("", "")] + [(title, value) for title, value in _figure(found, lang)]
    about += [("", _adds_up(found)(lang))]
    made = {
        "definition": pd.DataFrame(about, columns=[PART(lang), SAYS(lang)]),
        "sums": headed(sums(found), found, lang),
    }
    for side, exact in EXACT.items():
        mine = rows[rows[exact] != 0].drop(columns=[name for name in other if name not in (side, exact)])
        if len(mine) or side in ("numerator", "denominator"):
            made[side] = headed(mine.dropna(axis="columns", how="all"), found, lang)
    made |= {"behind": headed(found.behind, found, lang), "exemptions": headed(found.exemptions, found, lang)}
    made |= {"sources": headed(found.sources, found, lang)}
    titles = {
        "definition": bilingual("definition", "定义"),
        "sums": bilingual("sums", "合计"),
        "behind": bilingual("behind", "依据"),
        "exemptions": bilingual("exemptions", "免考文件"),
        "sources": bilingual("sources", "数据来源"),
        **{side: bilingual(side, title.zh) for side, title in SIDE_TITLES.items()},
    }
    return {titles[name](lang): table for name, table in made.items()}


def _figure(found: Explanation, lang: str) -> list[tuple[str, str]]:
    """What the figure is, in pairs."""
    figure, run = found.figure, found.figures.run
    unit = unit_words(found.indicator.unit)(lang) if found.stored["denominator"] else ""
    names = bilingual("Of", "对象"), bilingual("Value", "数值"), bilingual("Run", "计算批次")
    values = (
        f"{figure['name']} ({found.subject.code})",
        " ".join(
            part for part in (figure["display"], unit, figure["grade"], figure[f"reason_{lang}"]) if part
        ),
        bilingual(f"{run.id}, as of {run.as_of}", f"{run.id}，截至 {run.as_of}")(lang),
    )
    return [(name(lang), value) for name, value in zip(names, values, strict=True)]


def _goal(goal: dict[str, Any], lang: str) -> str:
    """A goal, who set it and whether it is met."""
    met = MET.get(goal["met"])
    return f"{goal['value']:g} ({goal['source']}{': ' + met(lang) if met else ''})"


def _line(value: Any, lang: str) -> str:
    """A part of a definition on one line."""
    comma = "、" if lang == "zh" else ", "
    if isinstance(value, list):
        return comma.join(_goal(one, lang) for one in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def opening(found: Explanation, lang: str) -> list[str]:
    """The figure and its definition as lines."""
    colon = "：" if lang == "zh" else ": "
    lines = [f"{title}{colon}{value}" for title, value in _figure(found, lang)]
    lines += [
        f"{title}{colon}{_line(value, lang)}"
        for name, title, value in definition(found, lang)
        if value not in ("", [], {}) and name not in ("id", "factor")
    ]
    return lines


def ending(found: Explanation, lang: str) -> list[str]:
    """The value redone from the sums, and whether they are the run's."""
    above, below = found.listed["numerator"], found.listed["denominator"]
    lines = []
    if below:
        units = [WHOLES[found.per_whole[side]](lang) for side in ("numerator", "denominator")]
        per = found.per_whole["numerator"] / found.per_whole["denominator"] * found.indicator.factor
        lines.append(
            f"{above:,} {units[0]} ÷ {below:,} {units[1]} × {per:g} = {above / below * per:.10g} "
            f"{unit_words(found.indicator.unit)(lang)}"
        )
    comma = "；" if lang == "zh" else "; "
    changed = found.why or found.changed
    changed_layers = found.sources.loc[found.sources["version"] != found.sources["current"], "layer"].unique()
    if len(changed_layers):
        named = ", ".join(changed_layers)
        lines.append(
            bilingual(
                f"loaded anew since; explained from the versions of the run: {named}",
                f"此后已重新入库，此处按批次所用版本说明：{named}",
            )(lang)
        )
    lines.append(_adds_up(found)(lang))
    return [*lines, *([comma.join(text(lang) for text in changed)] if changed else [])]


def _adds_up(found: Explanation) -> Text:
    if found.adds_up:
        return bilingual(
            "adds up to the stored figure, to the last digit", "与存储的指标值完全一致，逐位相同"
        )
    return bilingual(
        "does not add up to the stored figure: see the sums and what has changed since",
        "与存储的指标值不一致：请查看合计及此后的变化",
    )


def with_units(name: str, value: object, found: Explanation) -> object:
    """A value as the terminal shows it: amounts in base units with all their digits."""
    if name in SIDES:
        return f"{value:,.{DIGITS[found.per_whole[name]]}f}" if value else ""
    if name == "amount":
        return f"{value:,.9f}".rstrip("0").rstrip(".")
    if isinstance(value, float):
        return f"{value:.9f}" if name in ("from_m", "to_m") else f"{value:.9g}"
    return value
