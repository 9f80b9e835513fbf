"""The kinds of findings and what each says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gridsvc.text import Text, bilingual

Severity = Literal["attention", "note"]
Subject = Literal["boundaries", "roads", "assets", "values", "duties", "loads"]
"""What a finding is about."""
SEVERITIES: dict[str, Text] = {
    "attention": bilingual("attention", "需处理"),
    "note": bilingual("note", "提示"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of finding: its name, and its sentence with ``{fields}`` of the finding's row.

    ``{what}`` in a sentence is what the check itself said, in either language.
    """

    subject: Subject
    title: Text
    sentence: Text
    measure: str = ""
    """Unit of the finding's size."""
    severity: Severity = "attention"


KINDS: dict[str, Kind] = {
    "no_units": Kind(
        "boundaries",
        bilingual("No boundaries", "无边界"),
        bilingual(
            "no {level} is loaded: figures need at least a county",
            "尚未入库{level_zh}边界：计算至少需要县级边界",
        ),
    ),
    "orphan": Kind(
        "boundaries",
        bilingual("Unit without parent", "缺少上级"),
        bilingual(
            "{level} {unit_a}: there is no unit {unit_b} that it would belong to",
            "{level_zh} {unit_a}：上级 {unit_b} 不存在",
        ),
        "m²",
    ),
    "overlap": Kind(
        "boundaries",
        bilingual("Overlap", "重叠"),
        bilingual(
            "{level} {unit_a} and {unit_b} overlap by {size:,.1f} m²; it counts for {unit_a}",
            "{level_zh} {unit_a} 与 {unit_b} 重叠 {size:,.1f} m²，计入 {unit_a}",
        ),
        "m²",
    ),
    "gap": Kind(
        "boundaries",
        bilingual("Left over", "空白"),
        bilingual(
            "{size:,.1f} m² of {unit_a} belong to no {level}; they count for {unit_a} itself",
            "{unit_a} 内有 {size:,.1f} m² 不属于任何{level_zh}，计入 {unit_a} 其余部分",
        ),
        "m²",
    ),
    "protrusion": Kind(
        "boundaries",
        bilingual("Protrusion", "越界"),
        bilingual(
            "{level} {unit_a} reaches {size:,.1f} m² beyond {unit_b}",
            "{level_zh} {unit_a} 超出上级 {unit_b} {size:,.1f} m²",
        ),
        "m²",
    ),
    "same_outline": Kind(
        "boundaries",
        bilingual("Unit drawn twice", "单元重复"),
        bilingual(
            "{level} {unit_a} has the same outline as {unit_b}",
            "{level_zh} {unit_a} 与 {unit_b} 边界相同",
        ),
        "m²",
    ),
    "code_again": Kind(
        "boundaries",
        bilingual("Code used again", "编码重复使用"),
        bilingual(
            "{level} {unit_a} ended by the lineage and is used again later; give the newer unit a code of its own",
            "{level_zh} {unit_a} 按编码沿革已停用，之后又被使用；请为新单元另编新码",
        ),
        "m²",
    ),
    "still_valid": Kind(
        "boundaries",
        bilingual("Ended unit still valid", "已停用单元仍有效"),
        bilingual(
            "{level} {unit_a} ended by the lineage, but its boundary is valid on later days; give its valid_to",
            "{level_zh} {unit_a} 按编码沿革已停用，但边界仍有效；请填写停用日期",
        ),
        "m²",
    ),
    "ended_untold": Kind(
        "boundaries",
        bilingual("Ended unit without lineage", "停用单元缺少沿革"),
        bilingual(
            "{level} {unit_a} has ended, and the lineage does not say what became of it",
            "{level_zh} {unit_a} 已停用，编码沿革未说明其去向",
        ),
        "m²",
    ),
    "begun_untold": Kind(
        "boundaries",
        bilingual("New unit without lineage", "新单元缺少沿革"),
        bilingual(
            "{level} {unit_a} is new, and the lineage does not say where it comes from",
            "{level_zh} {unit_a} 为新单元，编码沿革未说明其来源",
        ),
        "m²",
    ),
    "lineage_unknown": Kind(
        "boundaries",
        bilingual("Lineage of an unknown unit", "沿革编码不存在"),
        bilingual("the lineage names {unit_a}, which no load ever held", "编码沿革中的 {unit_a} 从未入库"),
    ),
    "lineage_incomplete": Kind(
        "boundaries",
        bilingual("Incomplete row of lineage", "沿革记录不完整"),
        bilingual(
            "a row of the lineage ({target}) lacks its old or its new code, or has one too many",
            "编码沿革的一行（{target}）缺少或多填了原编码、新编码",
        ),
    ),
    "lineage_ground": Kind(
        "boundaries",
        bilingual("Lineage contradicted by the ground", "沿革与边界不符"),
        bilingual(
            "by the lineage {unit_a} became {unit_b}, but {size:,.1f} m² belong to one side only",
            "按编码沿革 {unit_a} 变为 {unit_b}，但有 {size:,.1f} m² 只属于其中一方",
        ),
        "m²",
    ),
    "unknown_holder": Kind(
        "duties",
        bilingual("Duty of nobody known", "责任人不存在"),
        bilingual(
            "a duty names {holder}, who is neither in chiefs nor in officers",
            "责任表中的 {holder} 不在路长表和网格员表中",
        ),
    ),
    "unknown_road": Kind(
        "duties",
        bilingual("Duty on an unknown road", "责任道路不存在"),
        bilingual(
            "{holder}'s duty names road {target}, which is not in the road layer",
            "{holder} 的责任道路 {target} 不在道路图层中",
        ),
    ),
    "unknown_unit": Kind(
        "duties",
        bilingual("Duty on an unknown unit", "责任单元不存在"),
        bilingual(
            "{holder}'s duty names unit {target}, which is not loaded", "{holder} 的责任单元 {target} 未入库"
        ),
    ),
    "ended_unit": Kind(
        "duties",
        bilingual("Duty on a unit of other days", "责任单元不在有效期"),
        bilingual(
            "{holder}'s duty names unit {target}, which is not valid on this day",
            "{holder} 的责任单元 {target} 当日不在有效期内",
        ),
    ),
    "no_measures": Kind(
        "duties",
        bilingual("Duty that cannot be measured", "责任路段无法定位"),
        bilingual(
            "{holder}'s duty is from–to metres of road {target}, whose features form no single line",
            "{holder} 的责任路段按起止米数划分，但道路 {target} 的各段不能首尾相接",
        ),
    ),
    "empty": Kind(
        "duties",
        bilingual("Duty on nothing", "责任对象为空"),
        bilingual(
            "a duty of {holder} names neither a road nor a unit", "{holder} 的一条责任既无道路也无单元"
        ),
    ),
    "unused_share": Kind(
        "duties",
        bilingual("Road share without effect", "分担协议未生效"),
        bilingual(
            "the share of {unit_a} in road {target} has no effect: no such road, the unit lies on neither side or on "
            "both, or another agreement contradicts it",
            "{unit_a} 对道路 {target} 的分担协议未生效：道路不存在、该单元不在道路某一侧，或与其他协议矛盾",
        ),
    ),
    "lost_report": Kind(
        "values",
        bilingual("Report for nobody", "上报值无处计入"),
        bilingual(
            "the reported value of {target} counts nowhere: there is no such reported indicator, or no such unit",
            "上报值 {target} 未计入：没有该上报指标，或没有该单元",
        ),
    ),
    "vacant": Kind(
        "duties",
        bilingual("Vacant post", "空岗"),
        bilingual("post {holder} is vacant: {target}", "{holder} 空岗：{target}"),
    ),
    "tie": Kind(
        "assets",
        bilingual("Two roads about equally near", "两路相近"),
        bilingual(
            "{feature} ({layer}) lies about equally near to two roads: confirm which it belongs to",
            "{layer_zh} {feature} 与两条道路距离相近，请确认归属",
        ),
        "m",
    ),
    "contradiction": Kind(
        "assets",
        bilingual("Named road is not the nearest", "所填道路与位置不符"),
        bilingual(
            "{feature} ({layer}) names {target}, but another road is nearer: confirm which it belongs to",
            "{layer_zh} {feature} 所填道路 {target} 与位置不符，请确认归属",
        ),
        "m",
    ),
    "far": Kind(
        "assets",
        bilingual("No road near", "附近无道路"),
        bilingual(
            "{feature} ({layer}) stands near no road and names none",
            "{layer_zh} {feature} 附近没有道路，也未填道路",
        ),
        severity="note",
    ),
    "undershoot": Kind(
        "roads",
        bilingual("Road ends short of another", "道路未接上"),
        bilingual(
            "road {feature} ends {size:.2f} m short of road {other}",
            "道路 {feature} 距道路 {other} 差 {size:.2f} m 未接上",
        ),
        "m",
    ),
    "overshoot": Kind(
        "roads",
        bilingual("Road ends just beyond another", "道路越过路口"),
        bilingual(
            "road {feature} reaches {size:.2f} m beyond road {other} and ends there",
            "道路 {feature} 越过道路 {other} {size:.2f} m 后中断",
        ),
        "m",
    ),
    "double_road": Kind(
        "roads",
        bilingual("Road drawn twice", "道路重复"),
        bilingual(
            "{size:,.0f} m of road {feature} run along road {other}, closer than half a metre: they count twice",
            "道路 {feature} 有 {size:,.0f} m 与道路 {other} 重合（相距不足半米），会重复计算",
        ),
        "m",
    ),
    "island": Kind(
        "roads",
        bilingual("Roads that meet no others", "孤立道路"),
        bilingual(
            "{what} no other road: {size:,.0f} m",
            "{what}共 {size:,.0f} m，不与其他道路相接",
        ),
        "m",
        severity="note",
    ),
    "same_place": Kind(
        "assets",
        bilingual("Drawn twice", "位置重复"),
        bilingual(
            "{feature} ({layer}) lies where {other} lies: is it there twice?",
            "{layer_zh} {feature} 与 {other} 位置相同，疑似重复",
        ),
        "m",
    ),
    "same_name": Kind(
        "assets",
        bilingual("One name twice", "同名且相邻"),
        bilingual(
            "{feature} ({layer}) is called like {other}, {size:.1f} m away: {target}",
            "{layer_zh} {feature} 与相距 {size:.1f} m 的 {other} 同名：{target}",
        ),
        "m",
        severity="note",
    ),
    "not_allowed": Kind(
        "values",
        bilingual("Value that is not allowed", "取值不在允许范围"),
        bilingual("{feature} ({layer}): {what}", "{layer_zh} {feature}：{what}"),
    ),
    "out_of_range": Kind(
        "values",
        bilingual("Value out of range", "数值越限"),
        bilingual("{feature} ({layer}): {what}", "{layer_zh} {feature}：{what}"),
    ),
    "missing_value": Kind(
        "values",
        bilingual("Required value missing", "必填项为空"),
        bilingual("{feature} ({layer}): {what}", "{layer_zh} {feature}：{what}"),
    ),
    "future_date": Kind(
        "values",
        bilingual("Seen on a day to come", "日期晚于今天"),
        bilingual("{feature} ({layer}): {what}", "{layer_zh} {feature}：{what}"),
    ),
    "backward_dates": Kind(
        "values",
        bilingual("Ends before it begins", "起止日期颠倒"),
        bilingual("{feature} ({layer}): {what}", "{layer_zh} {feature}：{what}"),
    ),
    "quarantine": Kind(
        "loads",
        bilingual("Rows in quarantine", "待处理记录"),
        bilingual(
            "{size:,.0f} rows of {layer} wait in quarantine: gridsvc quarantine {layer} --load {target}",
            "{layer_zh}有 {size:,.0f} 行待处理：gridsvc quarantine {layer} --load {target}",
        ),
        "rows",
    ),
    "assumed_width": Kind(
        "roads",
        bilingual("Roads without a width", "道路缺少宽度"),
        bilingual(
            "{size:,.0f} road features have no width; that of their class is taken",
            "{size:,.0f} 条道路没有宽度，按道路等级取值",
        ),
        "rows",
        severity="note",
    ),
    "unknown_values": Kind(
        "values",
        bilingual("Values not known", "数值未知"),
        bilingual("{layer}: {what}", "{layer_zh}：{what}"),
        "rows",
        severity="note",
    ),
}
