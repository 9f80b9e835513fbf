"""Road chiefs, grid officers, their duties, and the night inspection's records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import shapely

from gridsvc.sample import names
from gridsvc.sample.along import Streets
from gridsvc.sample.lamps import Lamps
from gridsvc.sample.land import clusters
from gridsvc.sample.network import AVENUE
from gridsvc.sample.units import Units

Row = list[object]

CHIEF_COLUMNS = ("编号", "姓名", "职务", "级别", "电话", "单位", "备注")
DUTY_COLUMNS = (
    "路长编号",
    "道路编码",
    "道路名称",
    "起点米",
    "终点米",
    "责任角色",
    "级别",
    "开始日期",
    "结束日期",
)
OFFICER_COLUMNS = ("编号", "姓名", "电话", "单位")
GRID_DUTY_COLUMNS = ("网格员编号", "网格编码", "责任角色", "开始日期")
CHECK_COLUMNS = ("图层", "部件编号", "字段", "值", "时间", "巡查人")

FIRST_DAY = date(2026, 3, 1)
CHANGE_DAY = date(2026, 11, 1)
CHECK_DAYS = (date(2026, 11, 10), date(2026, 11, 17))
FIRST_LEVEL, SECOND_LEVEL, THIRD_LEVEL = 12, 24, 24
TOWN_CHIEFS = 8
NEW_POST, VACANT_POST, FORMER = "LZ020", "LZ029", "LZ061"
"""The post taken over last month, the post nobody holds, and the number the predecessor keeps."""

HEADS = ("县委副书记", "常务副县长", "副县长", "县委常委", "县人大副主任", "县政协副主席")
OFFICES = (
    "住房和城乡建设局",
    "城市管理局",
    "交通运输局",
    "自然资源局",
    "公安局交警大队",
    "生态环境局",
    "商务局",
    "教育体育局",
)


@dataclass(frozen=True)
class People:
    """Rows of the office's tables, in the order of the *_COLUMNS above."""

    chiefs: list[Row]
    duties: list[Row]
    officers: list[Row]
    grid_duties: list[Row]
    checks: list[Row]


def _phones(rng: np.random.Generator, count: int) -> list[str]:
    return [f"000-0000-{n:04d}" for n in rng.choice(np.arange(1000, 9999), count, replace=False)]


def road_codes(streets: Streets) -> list[str]:
    """Return each street's road code: one for each road name and place, shared by a divided road's carriageways."""
    codes: dict[str, str] = {}
    return [codes.setdefault(s.name, f"R{len(codes) + 1:04d}") for s in streets.all]


def _chiefs(units: Units, rng: np.random.Generator) -> list[Row]:
    """Return the 60 posts, and the former holder of one of them."""
    total = FIRST_LEVEL + SECOND_LEVEL + THIRD_LEVEL
    persons, phones = names.people(rng, total + 1), _phones(rng, total + 1)
    urban = [
        n for c, n in zip(units.communities.codes, units.communities.names, strict=True) if c[6:9] < "100"
    ]
    towns = [n for n in units.districts.names if not n.endswith("街道")]
    rows: list[Row] = []
    for k in range(total):
        code = f"LZ{k + 1:03d}"
        if k < FIRST_LEVEL:
            level, title, office = "一级", HEADS[k % len(HEADS)], "样例县人民政府"
        elif k < FIRST_LEVEL + SECOND_LEVEL:
            n = k - FIRST_LEVEL
            level, title = "二级", "街道办事处主任" if n % 3 == 0 else "副局长" if n % 3 == 1 else "局长"
            office = (
                f"{names.STREETS[n // 3 % 4]}办事处" if n % 3 == 0 else f"样例县{OFFICES[n % len(OFFICES)]}"
            )
        elif k < total - TOWN_CHIEFS:
            level, title, office = "三级", "社区党支部书记", str(urban[(k * 7) % len(urban)])
        else:
            n = total - 1 - k
            level, office = "三级", f"{towns[n]}人民政府"
            title = f"副{towns[n][-1]}长"
        note = ""
        name, phone = persons[k], phones[k]
        if code == VACANT_POST:
            name, phone, note = "", "", "空岗，待任命"
        elif code == NEW_POST:
            note = f"{CHANGE_DAY}接任"
        rows.append([code, name, title, level, phone, office, note])
    new = rows[int(NEW_POST[2:]) - 1]
    rows.append(
        [FORMER, persons[-1], new[2], new[3], phones[-1], new[5], f"已离任，{CHANGE_DAY}由{NEW_POST}接任"]
    )
    return rows


def _main_duties(streets: Streets, codes: list[str], rng: np.random.Generator) -> list[Row]:
    """First-level chiefs hold whole main roads, second-level chiefs stretches of them and secondary roads."""
    rows: list[Row] = []
    main = [k for k, s in enumerate(streets.all) if s.kind == "主干路"]
    second = [k for k, s in enumerate(streets.all) if s.kind == "次干路" and s.place == "core"]
    for n, k in enumerate(main):
        rows.append(
            [f"LZ{n + 1:03d}", codes[k], streets.all[k].name, None, None, "路长", "一级", FIRST_DAY, None]
        )
        end = int(np.ceil(streets.length[k]))
        cut = round(float(rng.uniform(0.42, 0.58)) * end, -1)
        for part, (low, high) in enumerate(((0, cut), (cut, end))):
            code = f"LZ{FIRST_LEVEL + 2 * n + part + 1:03d}"
            rows.append([code, codes[k], streets.all[k].name, low, high, "路长", "二级", FIRST_DAY, None])
    for name, code in (("环城路", "LZ001"), (AVENUE, "LZ002")):
        k = [s.name for s in streets.all].index(name)
        rows.append([code, codes[k], name, None, None, "路长", "一级", FIRST_DAY, None])
    for n, k in enumerate(second):
        if n % 7 != 5:
            code = f"LZ{FIRST_LEVEL + (n * 5) % SECOND_LEVEL + 1:03d}"
            rows.append([code, codes[k], streets.all[k].name, None, None, "路长", "二级", FIRST_DAY, None])
    return rows


def _lane_duties(streets: Streets, towns: list[str], rng: np.random.Generator) -> list[Row]:
    """Third-level chiefs hold branch roads and lanes by name: quarters of the core, and some towns' streets."""
    rows: list[Row] = []
    core = np.flatnonzero((streets.place == "core") & np.isin(streets.kind, ["支路", "街巷"]))
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(streets.lines[core], 0.5, normalized=True)
    )
    quarter = clusters(middle, THIRD_LEVEL - TOWN_CHIEFS, rng)
    held = rng.random(len(core)) < np.where(streets.kind[core] == "支路", 0.9, 0.78)
    first = FIRST_LEVEL + SECOND_LEVEL + 1
    for q, k in sorted(zip(quarter[held].tolist(), core[held].tolist(), strict=True)):
        rows.append(
            [f"LZ{first + q:03d}", "", streets.all[k].name, None, None, "路长", "三级", FIRST_DAY, None]
        )
    last = FIRST_LEVEL + SECOND_LEVEL + THIRD_LEVEL
    for n, town in enumerate(towns[:TOWN_CHIEFS]):
        own = [s.name for s in streets.all if s.place == "town" and s.name.startswith(town)]
        held_here = [name for name in own if rng.random() < 0.92]
        rows.extend(
            [f"LZ{last - n:03d}", "", name, None, None, "路长", "三级", FIRST_DAY, None] for name in held_here
        )
    return rows


def _handed_over(rows: list[Row]) -> list[Row]:
    """Start the new holder's duties on CHANGE_DAY, and give the predecessor the same ones until the day before."""
    former = [[FORMER, *row[1:8], CHANGE_DAY - timedelta(days=1)] for row in rows if row[0] == NEW_POST]
    for row in rows:
        if row[0] == NEW_POST:
            row[7] = CHANGE_DAY
    return sorted([*rows, *former], key=lambda row: str(row[0]))


def _officers(units: Units, rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """One officer for each core grid, one for one or two village grids; about 3 % of the grids have none."""
    officers: list[Row] = []
    duties: list[Row] = []
    titles = dict(zip(units.communities.codes, units.communities.names, strict=True))
    covered = rng.random(len(units.grids.codes)) < 0.97
    last = ""
    for code, has in zip(units.grids.codes, covered, strict=True):
        rural = code[6:9] >= "100"
        if not has:
            continue
        if not (rural and last == code[:-3] and rng.random() < 0.45):
            officers.append([f"WG{len(officers) + 1:04d}", "", "", titles[code[:-3]]])
        last = code[:-3]
        duties.append([officers[-1][0], code, "网格员", FIRST_DAY])
    for row, name, phone in zip(
        officers, names.people(rng, len(officers)), _phones(rng, len(officers)), strict=True
    ):
        row[1], row[2] = name, phone
    return officers, duties


def _checks(lamps: Lamps, lamp_codes: list[str], rng: np.random.Generator) -> list[Row]:
    """Night checks of a few hundred lamps on two days: failed lamps repaired or not, some seen for the first time."""
    share = np.select([lamps.state == "灭", lamps.state == ""], [0.5, 0.09], 0.006)
    inspectors = names.people(rng, 3)
    state = lamps.state.copy()
    rows: list[Row] = []
    for day, part in zip(CHECK_DAYS, (1.0, 0.75), strict=True):
        for k in np.flatnonzero(rng.random(len(state)) < share * part):
            burns = rng.random() < {"灭": 0.55, "": 0.94, "亮": 0.8}[str(state[k])]
            state[k] = "亮" if burns else "灭"
            rows.append(["路灯", lamp_codes[int(k)], "状态", str(state[k]), day, inspectors[int(k) % 3]])
    return rows


def make_people(
    units: Units, streets: Streets, lamps: Lamps, lamp_codes: list[str], rng: np.random.Generator
) -> People:
    """Write the office's tables of people, duties and observations."""
    towns = [n for n in units.districts.names if not n.endswith("街道")]
    codes = road_codes(streets)
    chiefs = _chiefs(units, rng)
    duties = _handed_over(_main_duties(streets, codes, rng) + _lane_duties(streets, towns, rng))
    officers, grid_duties = _officers(units, rng)
    return People(chiefs, duties, officers, grid_duties, _checks(lamps, lamp_codes, rng))
