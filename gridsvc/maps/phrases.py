"""The pages' own phrases, in both languages."""

from __future__ import annotations

from gridsvc.text import Text, bilingual

PHRASES: dict[str, Text] = {
    # titles
    "chief_map": bilingual("Road chief's map", "路长责任图"),
    "chiefs_index": bilingual("All road chiefs", "全部路长"),
    "overview": bilingual("County overview", "全县总览"),
    "synthetic": bilingual("Synthetic data: no real place or person", "虚构数据：非真实地点与人员"),
    "other_language": bilingual("中文", "English"),
    "home": bilingual("All chiefs", "全部路长"),
    # people
    "vacant": bilingual("Vacant post", "空岗"),
    "vacant_note": bilingual(
        "Nobody holds this post. Its roads have no chief until somebody is appointed.",
        "该岗位暂无人员，任命之前所辖道路无路长负责。",
    ),
    "since": bilingual("In charge since {date}", "自 {date} 起任职"),
    "since_after": bilingual("In charge since {date}, after {name}", "自 {date} 起任职，前任：{name}"),
    "new": bilingual("New", "新任"),
    "who": bilingual("Responsible", "责任人"),
    "officer": bilingual("Grid officer", "网格员"),
    "nobody": bilingual("Nobody", "无人负责"),
    # sections
    "figures": bilingual("Figures", "指标"),
    "gaps": bilingual("Gaps", "短板"),
    "roads": bilingual("Roads", "道路"),
    "legend": bilingual("Legend", "图例"),
    "layers": bilingual("Layers and legend", "图层与图例"),
    # cards
    "goal": bilingual("Goal {goal}", "目标 {goal}"),
    "met": bilingual("Goal reached", "已达标"),
    "missing": bilingual("{amount} short of the goal", "距目标差 {amount}"),
    "known": bilingual("{share} observed", "已巡查 {share}"),
    "no_value": bilingual("No value", "无数据"),
    "grade": bilingual("Grade {grade}", "{grade} 级"),
    "grade_none": bilingual("No grade", "不评级"),
    "grades": bilingual("Grades", "等级"),
    "gap_count": bilingual("Gaps: {count}", "{count} 处短板"),
    "own_length": bilingual("{length} of road", "责任道路 {length}"),
    "show_gaps": bilingual("Show the gaps on the map", "在图上查看短板"),
    # gaps and roads
    "all": bilingual("All", "全部"),
    "no_gaps": bilingual(
        "No gaps: nothing keeps these roads from the goals.", "没有短板：各项均已达到目标。"
    ),
    "no_roads": bilingual("No roads are assigned.", "暂无责任道路。"),
    "nameless": bilingual("Nameless road", "无名道路"),
    "download": bilingual("Save list (CSV)", "下载清单（CSV）"),
    "print": bilingual("Print", "打印"),
    # map
    "find": bilingual("Find a road or asset", "查找道路或部件"),
    "find_chief": bilingual("Find a chief, road or department", "查找路长、道路或单位"),
    "find_unit": bilingual("Find a unit", "查找名称或编码"),
    "nothing_found": bilingual("Nothing found", "没有找到"),
    "own_roads": bilingual("Roads of this chief", "责任道路"),
    "vacant_roads": bilingual("Roads without a person", "空岗道路"),
    "assets": bilingual("Assets", "部件"),
    "ground": bilingual("Background", "底图"),
    "unknown": bilingual("not observed", "未巡查"),
    "no_state": bilingual("no entry", "未填"),
    "other_roads": bilingual("Other roads", "其他道路"),
    "borders": bilingual("Borders", "界线"),
    "nearer": bilingual("Shown when nearer: zoom in", "放大后显示"),
    "ungraded": bilingual("Not graded", "不评级"),
    "sort_by": bilingual("Sort by: {what}", "排序：{what}"),
    "sort": bilingual("Sort", "排序"),
    "levels": bilingual("Level of units", "层级"),
    "chief_grades": bilingual("Roads by their chief's grades", "按路长等级显示"),
    "chiefs_of_A": bilingual("A in everything", "全部 A 级"),
    "chiefs_of_B": bilingual("Some B, no C", "有 B 级，无 C 级"),
    "chiefs_of_C": bilingual("Some C", "有 C 级"),
    "small_numbers": bilingual(
        "Small numbers are graded by allowed failures, so a grade may differ from the band of its value.",
        "数量较少时按允许不合格数评级，等级可能与数值区间不一致。",
    ),
    "chiefs_ungraded": bilingual("Without a grade", "无等级"),
    "indicators": bilingual("Indicators of the county", "全县指标"),
    "whole_map": bilingual("Show everything", "显示全图"),
    "zoom_in": bilingual("Zoom in", "放大"),
    "zoom_out": bilingual("Zoom out", "缩小"),
    "north": bilingual("N", "北"),
    "close": bilingual("Close", "关闭"),
    "panel": bilingual("Show or hide the panel", "展开或收起面板"),
    "map": bilingual("Map", "地图"),
    "code": bilingual("Code", "编码"),
    "road_class": bilingual("Class", "等级"),
    "stretch": bilingual("Stretch", "路段"),
    "length": bilingual("Length", "长度"),
    "road": bilingual("Road", "所在道路"),
    "at": bilingual("At", "位置"),
    "size": bilingual("Size", "大小"),
    "indicator": bilingual("Indicator", "指标"),
    "kind": bilingual("Place", "位置"),
    "unconfirmed": bilingual("Road to be confirmed", "归属待确认"),
    # index and overview
    "name": bilingual("Name", "名称"),
    "chief": bilingual("Chief", "路长"),
    "chief_count": bilingual("Chiefs: {count}", "{count} 名路长"),
    "vacant_count": bilingual("Vacant posts: {count}", "{count} 个空岗"),
    "unit": bilingual("Unit", "单元"),
    "value": bilingual("Value", "数值"),
    "basis": bilingual("Numerator / denominator", "分子 / 分母"),
    "no_data": bilingual("No data", "无数据"),
    "unit_count": bilingual("{count}", "{count} 个"),
    "more": bilingual("Show more", "显示更多"),
    "at_least": bilingual("{low} and above", "{low} 及以上"),
    "below": bilingual("below {high}", "低于 {high}"),
    "above": bilingual("above {low}", "高于 {low}"),
    "at_most": bilingual("{high} and below", "{high} 及以下"),
    "between": bilingual("{low} to {high}", "{low} – {high}"),
    "source": bilingual("Source: {source}", "依据：{source}"),
    "zone": bilingual("Graded in: {zone}", "评定范围：{zone}"),
    # findings
    "check": bilingual("Check of the data", "数据检查"),
    "findings": bilingual("Findings", "检查结果"),
    "attention": bilingual("Needs attention", "需处理"),
    "notes": bilingual("Notes", "提示"),
    "attention_count": bilingual("to attend to", "项需处理"),
    "note_count": bilingual("Notes: {count}", "提示 {count} 项"),
    "all_kinds": bilingual("All kinds", "全部类型"),
    "all_units": bilingual("All units", "全部单元"),
    "find_finding": bilingual("Find a feature, unit or file", "查找要素、单元或文件"),
    "lies_in": bilingual("Lies in", "所在单元"),
    "file": bilingual("File", "来源文件"),
    "row": bilingual("row {row}", "第 {row} 行"),
    "severity": bilingual("Severity", "级别"),
    "finding": bilingual("Finding", "发现"),
    "finding_kind": bilingual("Kind", "类型"),
    "no_place": bilingual("no place on the map", "图上无位置"),
    "nothing_to_attend": bilingual("Nothing needs attention", "没有需要处理的问题"),
    "page_limit": bilingual(
        "{title}: {shown} of {total} are on this page, the largest; the workbook has all (gridsvc check --xlsx)",
        "{title}：本页列出最大的 {shown} 条，共 {total} 条；全部见工作簿（gridsvc check --xlsx）",
    ),
    "newest_load": bilingual("newest load {load}, {date}", "最近入库 {load}，{date}"),
    # imprint
    "as_of": bilingual("Data of {date}", "数据日期 {date}"),
    "run": bilingual("run {run}", "第 {run} 批次"),
    "draft": bilingual("draft", "草稿"),
    "published": bilingual("published", "已发布"),
    "approval": bilingual("Map approval {number}", "审图号：{number}"),
    "not_computed": bilingual("No figures have been computed yet.", "尚未计算指标。"),
    "left_out": bilingual("Not computed, as layers are not loaded: ", "不计算（图层未入库）："),
    "comma": bilingual(", ", "、"),
    "made_with": bilingual(
        "Made with gridsvc, folium and Leaflet from the county's own data. Not for navigation.",
        "由 gridsvc、folium、Leaflet 依据本县数据制作，不作导航使用。",
    ),
}


def phrase(key: str, lang: str, **values: object) -> str:
    """One phrase in *lang*, its fields filled in."""
    text = PHRASES[key](lang)
    return text.format(**values) if values else text


# what the pages' scripts say
SCRIPT_PHRASES = (
    "who", "vacant", "nobody", "nothing_found", "nearer", "whole_map", "zoom_in", "zoom_out", "close", "no_value",
    "unit_count", "indicator", "kind", "road", "size", "code", "name", "value", "grades", "basis",
    "lies_in", "file", "severity", "finding", "finding_kind", "no_place",
)  # fmt: skip
