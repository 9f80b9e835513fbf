"""Gaps as rows of a list: what stands in each column, in words, and how it is shown on a terminal."""

from __future__ import annotations

import math
from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rich.console import Console

from gridsvc.cli.output import plain_records
from gridsvc.cli.tables import Side, show_table
from gridsvc.coverage.figures import Figures
from gridsvc.duties.people import People
from gridsvc.layers import Layers
from gridsvc.maps.words import unit as unit_words
from gridsvc.text import Text, bilingual

KINDS: dict[str, Text] = {
    "stretch": bilingual("stretch", "路段"),
    "end": bilingual("dead end", "断头处"),
    "area": bilingual("area", "区域"),
    "feature": bilingual("feature", "部件"),
    "unit": bilingual("unit", "单元"),
    "shortage": bilingual("shortage", "缺口"),
}
# what a gap's size is measured in, as people write it
MEASURES: dict[str, Text] = {
    "m": bilingual("m", "m"),
    "m2": bilingual("m²", "m²"),
    "count": bilingual("features", "个"),
}
POINTS = bilingual("percentage points", "个百分点")
HEADINGS: dict[str, Text] = {
    "number": bilingual("No.", "序号"),
    "indicator": bilingual("Indicator", "指标"),
    "kind": bilingual("Kind", "类型"),
    "place": bilingual("Where", "位置"),
    "from_m": bilingual("From (m)", "起点 (m)"),
    "to_m": bilingual("To (m)", "终点 (m)"),
    "size": bilingual("Size", "大小"),
    "own": bilingual("Of it here", "本处计入"),
    "measure": bilingual("Unit", "单位"),
    "gain_county": bilingual("Gain, county", "全县可提升"),
    "gain_own": bilingual("Gain here", "本处可提升"),
    "gain_unit": bilingual("Gain in", "提升单位"),
    "residents": bilingual("Residents", "居民"),
    "since": bilingual("Since", "起始日期"),
    "inherited": bilingual("Before office", "接任前"),
    "chiefs": bilingual("Chiefs", "路长"),
    "officers": bilingual("Officers", "网格员"),
    "unit": bilingual("Unit code", "单元编码"),
    "unit_name": bilingual("Belongs to", "所属单元"),
    "lon": bilingual("Longitude", "经度"),
    "lat": bilingual("Latitude", "纬度"),
}
YES_NO = {True: bilingual("yes", "是"), False: bilingual("no", "否"), None: bilingual("unknown", "不详")}
RIGHT = {"number", "from_m", "to_m", "size", "own", "gain_county", "gain_own", "residents", "lon", "lat"}
# left out in this order where a terminal is narrow
SPARE = (
    ("kind",), ("gain_unit",), ("lon", "lat"), ("unit_name",), ("officers",), ("gain_own",), ("own",), ("since",),
    ("residents",),
)  # fmt: skip


def described(figures: Figures, found: gpd.GeoDataFrame, lang: str) -> pd.DataFrame:
    """Gaps as rows of a worklist; ``lon``, ``lat``: a point on the gap, in degrees."""
    names = figures.units.set_index("code")["name"]
    points = shapely.point_on_surface(np.asarray(found.geometry, dtype=object))
    titles = {name: one.title(lang) for name, one in figures.indicators.items()}
    gain_units = {name: gain_unit(one.unit)(lang) for name, one in figures.indicators.items()}
    unit_names = found["unit"].map(names)
    return pd.DataFrame(
        {
            "number": np.arange(1, len(found) + 1),
            "indicator": found["indicator"].map(titles),
            "kind": found["kind"].map(lambda kind: KINDS[kind](lang) if kind in KINDS else kind),
            "place": _places(figures.layers, found, unit_names, lang),
            "from_m": found["from_m"],
            "to_m": found["to_m"],
            "size": found["size"],
            "own": found["own"],
            "measure": [
                measure(figures.layers, layer, name)(lang)
                for layer, name in zip(found["layer"], found["measure"], strict=True)
            ],
            "gain_county": found["gain_county"],
            "gain_own": found["gain_own"],
            "gain_unit": found["indicator"].map(gain_units),
            "residents": found["residents"],
            "since": found["since"],
            "inherited": found["inherited"],
            "chiefs": found["chiefs"],
            "officers": found["officers"],
            "unit": found["unit"],
            "unit_name": unit_names,
            "lon": shapely.get_x(points),
            "lat": shapely.get_y(points),
        }
    )


def _places(layers: Layers, found: pd.DataFrame, units: pd.Series, lang: str) -> pd.Series:
    """Where each gap is, in words: the road, with the asset on it; the feature; else the unit."""
    titles = {name: layer.title(lang) for name, layer in layers.items()}
    asset = (found["layer"].map(titles).fillna("") + " " + found["feature_key"].fillna("")).str.strip()
    feature = (found["kind"] == "feature") & found["feature_key"].notna()
    road = found["road_name"].fillna("")
    both = (road + " " + asset).str.strip().where(feature, road)
    whole = found["kind"].isin(["area", "unit", "shortage"])
    return both.where(both != "", asset).where(~whole, units.fillna(found["unit"]))


def gain_unit(unit: str) -> Text:
    """What gains are in: points for what is a share in percent."""
    return POINTS if unit == "%" else unit_words(unit)


def measure(layers: Layers, layer: str | None, name: str) -> Text:
    """What sizes are in: one of :data:`MEASURES`, else the unit of the layer's field that features weigh by."""
    if name in MEASURES:
        return MEASURES[name]
    field = layers[str(layer)].fields[name]
    words = unit_words(field.unit)
    return bilingual(words.en or field.title.en.lower(), words.zh or field.title.zh)


def with_people(figures: Figures, rows: pd.DataFrame) -> pd.DataFrame:
    """*rows* with people's names in the place of their ids, where they have one."""
    people = People.open(figures.store)
    chiefs = dict(zip(people.chiefs["chief_id"], people.chiefs["name"], strict=True))
    officers = dict(zip(people.officers["officer_id"], people.officers["name"], strict=True))
    return rows.assign(
        chiefs=[named(ids, chiefs) for ids in rows["chiefs"]],
        officers=[
            named(ids, officers | {one: chiefs[one] for one in chiefs if one not in officers})
            for ids in rows["officers"]
        ],
    )


def named(ids: object, names: dict[str, object]) -> str:
    """Names of people whose *ids* are separated by blanks."""
    found = [names.get(one) for one in str(ids or "").split()]
    each = zip(str(ids or "").split(), found, strict=True)
    return "、".join(str(name) if isinstance(name, str) and name.strip() else one for one, name in each)


def headed(rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    """*rows* under headings in words, yes and no in words."""
    told = rows.assign(inherited=[yes_no(value)(lang) for value in rows["inherited"]])
    return told.rename(columns={name: title(lang) for name, title in HEADINGS.items()})


def yes_no(value: object) -> Text:
    """Yes, no or unknown."""
    return YES_NO[bool(value) if isinstance(value, bool | np.bool_) else None]


def show_gaps(
    out: Console, rows: pd.DataFrame, limit: int, title: str, lang: str, leave_out: Collection[str] = ()
) -> None:
    """Print the worst gaps."""
    if rows.empty:
        none = bilingual(f"{title}: no gaps listed", f"{title}：没有可列出的短板")
        out.print(none(lang), highlight=False, markup=False, soft_wrap=True)
        return
    top = rows.head(limit)
    shown = [name for name in HEADINGS if name not in {"unit", *leave_out} and _told(top[name])]
    columns: list[tuple[str, Side]] = [
        (HEADINGS[name](lang), "right" if name in RIGHT else "left") for name in shown
    ]
    cells = [[_cell(name, row[name], lang) for name in shown] for row in plain_records(top)]
    spare = [[HEADINGS[name](lang) for name in group] for group in SPARE]
    show_table(out, columns, cells, title=title, spare=spare, lang=lang)
    if len(rows) > limit:
        more = bilingual(
            f"the worst {limit} of {len(rows)}; --limit shows more, -o FILE.xlsx writes them all",
            f"共 {len(rows)} 处，显示最差的 {limit} 处；--limit 可调，-o 文件.xlsx 可全部导出",
        )
        out.print(more(lang), highlight=False)


def _told(values: pd.Series) -> bool:
    """Whether a column says anything."""
    return bool((values.notna() & (values != "")).any())


def _cell(name: str, value: object, lang: str) -> object:
    if name == "inherited":
        return yes_no(value)(lang)
    if isinstance(value, float):
        if name.startswith("gain"):
            return gain(value)
        return f"{value:.6f}" if name in ("lon", "lat") else f"{value:,.{0 if name == 'residents' else 1}f}"
    return value


def gain(value: float) -> str:
    """A gain with three digits that tell something."""
    places = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{min(max(places, 0), 6)}f}"
