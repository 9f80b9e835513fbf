"""Where to build: new places that bring most of what is not near enough yet within the distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.amounts import Measured
from gridsvc.coverage.demands import Demands, demands, lacking_ground
from gridsvc.coverage.grades import Grade, grade
from gridsvc.coverage.indicators import Indicator, Indicators
from gridsvc.coverage.measures import measure, prepare
from gridsvc.coverage.reach import ground_within, near_of, new_target
from gridsvc.coverage.scene import Scene, representatives
from gridsvc.coverage.siting import Sites, most_reached
from gridsvc.coverage.tallies import SIDES, tally
from gridsvc.errors import NotFoundError, UsageError
from gridsvc.partition.cells import OUTSIDE, SQUARE_MM
from gridsvc.partition.faces import Ints, Shapes

JUNCTIONS = "junctions"
"""Candidates that need no layer: where three streets or more meet."""
KINDS = ("feature_near", "length_near", "area_near")
"""Kinds that new places can be sought for, those that speak of people first."""
BESIDE = 1.0
"""Metres by which another road may be farther off than the nearest to be named with it."""
STEPS = 4
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Sums:
    """What an indicator counts in a unit, whole amounts."""

    numerator: int
    denominator: int
    unknown: int

    def graded(self, indicator: Indicator) -> Grade:
        """Value, grade and whether the goal is met."""
        return grade(indicator, self.numerator, self.denominator, self.unknown)


@dataclass(frozen=True)
class Proposal:
    """New places, the best first, and what they change."""

    indicator: Indicator
    """As it was asked about: with another distance, if one was given."""
    places: gpd.GeoDataFrame
    """``adds`` (whole amount that each adds to those before it), ``road``, ``unit`` (code), ``unit_name``, Point in
    the metre CRS."""
    before: dict[str, Sums]
    after: dict[str, Sums]
    """By code of a unit; "" for everything."""
    candidates: int
    lacking: int
    """What was not near enough before, in the zone, whole amount."""
    alone: int
    """What of it no candidate reaches."""
    sites: Sites
    """The choice; for ground in points ``spacing`` metres apart, hence about."""
    spacing: float | None


def siting_indicator(
    indicators: Indicators, layer: str, name: str | None, distance: float | None
) -> Indicator:
    """The indicator that asks what is near *layer*: the one named, else the first that speaks of people.

    *distance* (metres) takes the place of its own. Raises :class:`UsageError` where none fits.
    """
    fitting = [one for one in indicators.values() if one.near is not None and one.near.layer == layer]
    fitting = sorted((one for one in fitting if one.direction == "up"), key=lambda one: KINDS.index(one.kind))
    if name is not None and indicators[name] not in fitting:
        ids = [one.id for one in fitting]
        raise UsageError(
            f"{name} does not ask for more that is near {layer}; these do: {', '.join(ids) or 'none'}",
            f"指标 {name} 不是“{layer} 附近越多越好”的指标；可用指标：{'、'.join(ids) or '无'}",
        )
    if not fitting:
        layers = dict.fromkeys(one.near.layer for one in indicators.values() if one.near is not None)
        raise UsageError(
            f"no indicator asks what is near {layer}; there are some for: {', '.join(layers)}",
            f"没有以 {layer} 为邻近对象的指标；可用图层：{'、'.join(layers)}",
        )
    indicator = indicators[name] if name is not None else fitting[0]
    near = near_of(indicator)
    if distance is not None:
        given: dict[str, Any] = {"distance": distance, "by": "", "field": "", "distances": {}, "by_area": ()}
        near = near.model_copy(update=given)
    if near.by == "near" and near.metres(new_target(near)[near.field] or "") is None:
        raise UsageError(
            f"{indicator.id}: the distance depends on {near.field}, which a new one does not have yet; "
            "give --distance METRES",
            f"{indicator.id}：服务距离取决于字段 {near.field}，新设施尚无该值；请给出 --distance 米数",
        )
    if near.by_area:
        raise UsageError(
            f"{indicator.id}: the distance depends on the area, which a new one does not have yet; "
            "give --distance METRES",
            f"{indicator.id}：服务距离取决于面积，新设施尚无面积；请给出 --distance 米数",
        )
    return indicator.model_copy(update={"near": near})


def propose(
    scene: Scene,
    indicator: Indicator,
    count: int,
    candidates: str = JUNCTIONS,
    unit: str = "",
    progress: Progress | None = None,
) -> Proposal:
    """Choose up to *count* places among *candidates* (:data:`JUNCTIONS` or the name of a layer), inside *unit*.

    Raises :class:`NotFoundError` where there is no such unit, no candidate, or nothing is loaded that is asked about.
    """
    tell = progress or (lambda what, done, total: None)
    near = near_of(indicator)
    _require_loaded(scene, indicator, candidates)
    tell("prepare", 0, STEPS)
    prepare(scene, [indicator])
    _require_unit(scene, unit)
    measured = measure(scene, indicator)
    tell("candidates", 1, STEPS)
    points = _candidates(scene, indicator.zone, candidates, unit)
    asked = demands(scene, indicator, measured.gaps, points)
    tell("choose", 2, STEPS)
    sites = most_reached(asked.table, asked.weight, count)
    chosen = points[sites.chosen]
    tell("measure", 3, STEPS)
    added = scene.with_targets(near.layer, chosen, new_target(near))
    after = measure(added, indicator) if len(chosen) else measured
    adds = sites.gains
    if asked.spacing is not None:
        adds = _ground_gains(scene, indicator, measured, chosen)
    tell("measure", STEPS, STEPS)
    return Proposal(
        indicator,
        _described(scene, chosen, adds),
        _sums(scene, indicator, measured, unit),
        _sums(scene, indicator, after, unit),
        len(points),
        _lacking(scene, indicator, measured, asked),
        asked.alone,
        sites,
        asked.spacing,
    )


def _require_loaded(scene: Scene, indicator: Indicator, candidates: str) -> None:
    """What is asked about, and what candidates come from, hold something; what is built may be the first."""
    versions, near = scene.versions(), near_of(indicator)
    if candidates != JUNCTIONS and not scene.layers[candidates].geometry:
        raise UsageError(
            f"--candidates {candidates}: a table has no positions",
            f"--candidates {candidates}：该图层是表格，没有位置",
        )
    needed = [name for name in indicator.layers if name != near.layer]
    for name in [*needed, scene.layers.roads.name if candidates == JUNCTIONS else candidates]:
        if not versions[name]:
            raise NotFoundError(
                f"nothing is loaded in {name}; first: gridsvc load {name} FILE",
                f"图层 {name} 尚未入库；请先执行：gridsvc load {name} 文件",
            )


def _require_unit(scene: Scene, unit: str) -> None:
    if unit and unit not in _unit_names(scene):
        raise NotFoundError(f"there is no unit {unit!r}", f"没有编码为 {unit!r} 的单元")


def _unit_names(scene: Scene) -> dict[str, str]:
    """Names of all units by code."""
    frames = [scene.layer(scene.layers.units[level].name) for level in LEVELS]
    return {code: name for one in frames for code, name in zip(one["code"], one["name"], strict=True)}


def _candidates(scene: Scene, zone: str, candidates: str, unit: str) -> Shapes:
    """Points in the zone and the unit where something could be built."""
    if candidates == JUNCTIONS:
        streets = scene.streets
        points = np.asarray(shapely.points(streets.nodes[streets.degree >= 3]), dtype=object)
    else:
        points = representatives(scene.layer(candidates))
    cell = scene.partition.locate(shapely.get_coordinates(points))
    owners = np.append(scene.partition.cells["unit"].to_numpy(object), "").astype(str)
    inside = scene.in_zone(zone)[cell] & np.char.startswith(owners, unit)[cell]
    found: Shapes = points[inside & (cell != OUTSIDE)]
    if not len(found):
        where = " ".join(filter(None, [zone and f"in the zone {zone}", unit and f"in the unit {unit}"]))
        place = "".join(filter(None, [unit and f"单元 {unit} ", zone and f"区域 {zone} "])) + "内"
        raise NotFoundError(
            f"there is nowhere to build: none of the {candidates} lies {where or 'inside the boundaries'}",
            f"没有候选点：{place}没有可用的候选位置（{candidates}）",
        )
    return found


def _sums(scene: Scene, indicator: Indicator, measured: Measured, unit: str) -> dict[str, Sums]:
    """What is counted in everything ("") and in *unit*."""
    rows = tally(scene, indicator, measured, owners=())
    rows = rows[rows["subject_kind"] == "cell"]
    owners = scene.partition.cells.set_index("cell")["unit"].reindex(rows["subject"])
    found = {}
    for code in dict.fromkeys(["", unit]):
        sums = rows.loc[owners.str.startswith(code).to_numpy(bool), list(SIDES)].sum()
        found[code] = Sums(int(sums["numerator"]), int(sums["denominator"]), int(sums["unknown"]))
    return found


def _lacking(scene: Scene, indicator: Indicator, measured: Measured, asked: Demands) -> int:
    """What is not near enough, whole amount: of ground its area, not that of its points."""
    if asked.spacing is None:
        return asked.total
    area = float(shapely.area(lacking_ground(scene, indicator, measured.gaps)).sum())
    return round(area * SQUARE_MM)


def _ground_gains(scene: Scene, indicator: Indicator, measured: Measured, chosen: Shapes) -> Ints:
    """Ground that each place adds to those before it, square millimetres."""
    near, left = near_of(indicator), lacking_ground(scene, indicator, measured.gaps)
    gains = []
    for place in chosen:
        alone = scene.with_targets(near.layer, [place], new_target(near))
        mine = np.arange(len(alone.targets(near.layer))) == len(alone.targets(near.layer)) - 1
        reached = shapely.union_all(ground_within(alone, near, mine))
        touched = np.flatnonzero(shapely.intersects(left, reached))
        before = shapely.area(left[touched])
        left[touched] = shapely.difference(left[touched], reached)
        gains.append(round((before - shapely.area(left[touched])).sum() * SQUARE_MM))
    return np.array(gains, dtype=np.int64)


def _described(scene: Scene, chosen: Shapes, adds: Ints) -> gpd.GeoDataFrame:
    """Places with the road that each is on, and its unit."""
    cell = scene.partition.locate(shapely.get_coordinates(chosen))
    unit = scene.partition.cells["unit"].to_numpy(object)[cell]
    names = _unit_names(scene)
    table = pd.DataFrame({"adds": adds, "road": _roads(scene, chosen), "unit": unit})
    table["unit_name"] = [names.get(code, "") for code in unit]
    return gpd.GeoDataFrame(table, geometry=chosen, crs=scene.crs)


def _roads(scene: Scene, points: Shapes) -> list[str]:
    """Names of the nearest road of each point, and of those that are as near: a junction has several."""
    segments = scene.roads.segments
    tree = shapely.STRtree(segments.lines())
    nearest = np.zeros(len(points))
    if not len(segments) or not len(points):
        return [""] * len(points)
    (point, _), metres = tree.query_nearest(points, all_matches=False, return_distance=True)
    nearest[point] = metres
    point, line = tree.query(points, "dwithin", nearest + BESIDE)
    label = scene.roads.label[segments.road[line]]
    rows = pd.DataFrame({"point": point, "label": label}).drop_duplicates().sort_values(["point", "label"])
    return rows.groupby("point")["label"].agg(" / ".join).reindex(range(len(points))).fillna("").tolist()
