"""What the campaign's other figures need: land use, parcels with a green quota, canopy, public places, adverts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample import names
from gridsvc.sample.along import Streets
from gridsvc.sample.assets import Points, spread
from gridsvc.sample.blocks import Blocks
from gridsvc.sample.fabric import Areas
from gridsvc.sample.frame import Floats, Geometries
from gridsvc.sample.streets import Layout

USES = {
    "O": "居住用地", "R": "居住用地", "N": "居住用地", "V": "居住用地", "T": "居住用地", "C": "商业服务业设施用地",
    "G": "公共管理与公共服务用地", "S": "公共管理与公共服务用地", "H": "公共管理与公共服务用地", "I": "工业用地",
    "P": "绿地与广场用地", "Q": "绿地与广场用地", "W": "绿地与广场用地", "F": "非建设用地",
}  # fmt: skip
"""Land use (用地性质) of plots by the use that blocks give them."""
QUOTA = {"G": 35.0, "S": 35.0, "H": 35.0, "N": 30.0, "R": 25.0}
"""Percent of a parcel that has to be green, by use of the plot."""
KINDS = {"S": "学校", "H": "医院", "N": "新建小区"}
APART = {"学校": 260.0, "医院": 400.0, "新建小区": 300.0, "农贸市场": 700.0, "垃圾转运站": 1500.0}
MOST = {"学校": 40, "医院": 14, "新建小区": 30, "农贸市场": 34, "垃圾转运站": 12}
THEMES = ("社会主义核心价值观", "文明出行", "关爱未成年人", "绿色环保", "诚信建设")


@dataclass(frozen=True)
class Parcels:
    """Parcels of offices and estates (metres of `frame.CRS`); a quota of NaN is not known."""

    shapes: Geometries
    names: list[str]
    kinds: NDArray[np.str_]
    quota: Floats


@dataclass(frozen=True)
class Civic:
    """Everything of this module."""

    land: Areas
    parcels: Parcels
    canopy: Areas
    grounds: Areas
    """Schools, hospitals and new estates."""
    places: Points
    """Markets, waste transfer stations and bus stops."""
    adverts: Points
    themes: NDArray[np.str_]
    roads: dict[str, NDArray[Any]]
    """Columns of the road layer."""


def _plots(parts: list[tuple[Layout, Blocks]]) -> tuple[Geometries, NDArray[np.str_]]:
    """All plots and parks laid on the plane, with their uses."""
    shapes, uses = [], []
    for layout, blocks in parts:
        green = [(use, shape) for _, use, shape in blocks.parks]
        plain = [*blocks.plots, *(shape for _, shape in green)]
        if plain:
            shapes.append(layout.frame.lay(np.array(plain, dtype=object)))
            uses += [*blocks.uses, *(use for use, _ in green)]
    return np.concatenate(shapes), np.array(uses)


def _parcels(shapes: Geometries, uses: NDArray[np.str_], rng: np.random.Generator) -> Parcels:
    """Every office and every third estate as a parcel; of a few the quota is not known."""
    chosen = np.isin(uses, ["G", "S", "H"]) | (np.isin(uses, ["N", "R"]) & (rng.random(len(uses)) < 0.3))
    used, shapes = uses[chosen], shapes[chosen]
    kinds = np.where(np.isin(used, ["N", "R"]), "居住小区", "单位")
    quota = np.array([QUOTA[use] for use in used])
    quota[rng.random(len(quota)) < 0.04] = np.nan
    titles = [f"{kind}{number:03d}" for number, kind in enumerate(kinds, 1)]
    return Parcels(shapes, titles, kinds, quota)


def _canopy(greens: Areas, streets: Streets, shaded: NDArray[np.bool_]) -> Areas:
    """Green areas as wide as their trees reach, and the trees along shaded streets."""
    wide = shapely.buffer(greens.shapes, 0.8, join_style="mitre", mitre_limit=2.0)
    kinds = np.where(np.isin(greens.kinds, ["公园", "防护绿地"]), "乔木", "灌木草地")
    stretches = streets.stretches(6.0, 30.0, lanes=False)
    stretches = stretches.pick(shaded[stretches.street])
    edge = streets.width[stretches.street] / 2
    trees = streets.strips(stretches, edge - 2.5, edge + 1.5, np.ones(len(edge)))
    return Areas(
        np.concatenate([wide, trees]),
        np.concatenate([kinds, np.full(len(trees), "行道树")]),
        [""] * (len(wide) + len(trees)),
    )


def _chosen(
    spots: Floats, uses: NDArray[np.str_], asked: dict[str, list[str]], rng: np.random.Generator
) -> tuple[NDArray[np.intp], list[str], list[str]]:
    """Plots for places of each kind, not too near to one another: which plots, their names and kinds."""
    plots, titles, kinds = [], [], []
    for kind, wanted in asked.items():
        mine = rng.permutation(np.flatnonzero(np.isin(uses, wanted)))
        mine = mine[spread(spots[mine], np.full(len(mine), APART[kind]), MOST[kind])]
        plots.append(mine)
        titles += [f"{kind}{names.numeral(number)}" for number in range(1, len(mine) + 1)]
        kinds += [kind] * len(mine)
    return np.concatenate(plots), titles, kinds


def _places(
    shapes: Geometries, uses: NDArray[np.str_], streets: Streets, rng: np.random.Generator
) -> tuple[Areas, Points]:
    """Schools, hospitals and new estates on their plots; markets among shops, stops by the wider streets."""
    spots = np.round(shapely.get_coordinates(shapely.point_on_surface(shapes)), 2)
    plots, titles, kinds = _chosen(spots, uses, {kind: [use] for use, kind in KINDS.items()}, rng)
    grounds = Areas(shapes[plots], np.array(kinds), titles)
    plots, titles, kinds = _chosen(spots, uses, {"农贸市场": ["C"], "垃圾转运站": ["I", "V", "F"]}, rng)
    wide = streets.stretches(8.0, 60.0, lanes=False)
    wide = wide.pick(np.isin(streets.kind[wide.street], ["主干路", "次干路"]))
    at = (wide.start + wide.stop) / 2
    stops = streets.beside(wide.street, at, streets.width[wide.street] / 2 + 1.5)
    order = rng.permutation(len(stops))
    order = order[spread(stops[order], np.full(len(order), 420.0), 200)]
    titles += [f"{streets.all[wide.street[k]].name}站{number}" for number, k in enumerate(order, 1)]
    kinds += ["公交站点"] * len(order)
    return grounds, Points(np.concatenate([spots[plots], stops[order]]), titles, np.array(kinds))


def _adverts(streets: Streets, rng: np.random.Generator) -> Points:
    """Public adverts along the core's main and secondary roads, with stretches that have none."""
    clear = streets.stretches(5.0, 40.0, lanes=False)
    wide = np.isin(streets.kind[clear.street], ["主干路", "次干路"]) & (streets.place[clear.street] == "core")
    clear = clear.pick(wide & (rng.random(len(wide)) < 0.86))
    which, at = streets.spaced(clear, np.full(len(clear.street), 165.0))
    street = clear.street[which]
    side = np.where(np.arange(len(at)) % 2 == 0, 1.0, -1.0)
    xy = streets.beside(street, at, side * (streets.width[street] / 2 + 1.2))
    kinds = rng.choice(["灯杆道旗", "景观小品", "宣传栏"], len(at), p=[0.6, 0.15, 0.25])
    return Points(xy, [streets.all[k].name for k in street], kinds)


def _road_columns(streets: Streets, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Works, year, width to be swept, trees and tactile paving of every road."""
    count, kind = len(streets.all), streets.kind
    draw, core = rng.random((5, count)), streets.place == "core"
    works = np.select([draw[0] < 0.07, draw[0] < 0.19], ["新建", "改建"], "既有")
    year = np.where(works == "既有", rng.integers(1985, 2016, count), rng.integers(2019, 2027, count))
    wide = np.isin(kind, ["快速路", "主干路", "次干路"])
    swept = np.where((kind == "街巷") | (draw[1] < 0.03), np.nan, np.round(streets.width * 0.72, 1))
    shaded = draw[2] < np.select([kind == "次干路", kind == "支路"], [0.66, 0.4], 0.12)
    known = np.where(draw[3] < 0.06, "", np.where(shaded, "是", "否"))
    paved = np.where(wide & core & (draw[4] < 0.88), "是", "否")
    return {
        "清扫宽度": swept,
        "建设类型": works,
        "建成年份": year.astype(np.int32),
        "林荫路": known,
        "盲道": paved,
    }


def make_civic(
    parts: list[tuple[Layout, Blocks]], greens: Areas, streets: Streets, rng: np.random.Generator
) -> Civic:
    """Derive it from blocks, green areas and streets; none of these is changed."""
    shapes, uses = _plots(parts)
    roads = _road_columns(streets, rng)
    adverts = _adverts(streets, rng)
    parcels = _parcels(shapes, uses, rng)
    grounds, places = _places(shapes, uses, streets, rng)
    return Civic(
        Areas(shapes, np.array([USES[use] for use in uses]), [""] * len(uses)),
        parcels,
        _canopy(greens, streets, roads["林荫路"] == "是"),
        grounds,
        places,
        adverts,
        rng.choice(THEMES, len(adverts.xy)),
        roads,
    )


REPORT_COLUMNS = ("指标", "编码", "数值", "上报日期", "来源")
REPORTS = (
    ("污水处理率", 88.6, "住房和城乡建设局"), ("污泥无害化处置率", 57.2, "住房和城乡建设局"),
    ("生活垃圾无害化处理率", 99.1, "城市管理局"), ("人均体育场地面积", 1.12, "教育体育局"),
)  # fmt: skip
"""What offices reported for the county in the third quarter; half a year before it was a little less."""
