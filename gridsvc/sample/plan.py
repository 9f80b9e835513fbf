"""The county town's street plan: six by six main roads, ring road, river roads, secondary and branch roads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from shapely.ops import substring

from gridsvc.sample.frame import CORE_XY, Floats, Frame, round_box
from gridsvc.sample.streets import Layout

MAIN_METRES = 65_200.0
EAST = (-2230.0, -1390.0, -560.0, 320.0, 1250.0, 2190.0)
"""Plan u of the six north-south main roads, metres."""
NORTH = (2200.0, 1340.0, 470.0, -420.0, -1300.0, -2190.0)
"""Plan v of the six east-west main roads, metres."""
MAIN_NS = ("团结路", "文化路", "解放路", "中州大道", "新华路", "振兴路")
MAIN_EW = ("龙泉路", "建设大道", "人民路", "和平路", "健康路", "南湖路")
MAIN_WIDTH = {"中州大道": 44.0, "建设大道": 40.0, "人民路": 40.0, "解放路": 36.0}
RING = (-2770.0, -2740.0, 2750.0, 2730.0)
DOMAIN = (-3480.0, -3430.0, 3450.0, 3420.0)
"""West, south, east, north of the ring road, and of the land of the four town districts (plan metres)."""
DEAD_ENDS = 9


@dataclass
class Plan(Layout):
    """The core's layout with the areas it encloses, all in plan metres (u, v)."""

    ring: Any = None
    domain: Any = None
    corridor: Any = None

    @property
    def inside(self) -> Any:
        """The area within the ring road."""
        return shapely.polygons(shapely.get_coordinates(self.ring))


def _span(at: float, low: float, high: float, upright: bool) -> Any:
    return shapely.linestrings([[at, low], [at, high]] if upright else [[low, at], [high, at]])


def _pieces(lines: Any, shortest: float) -> list[Any]:
    parts = shapely.get_parts(lines)
    return [p for p in parts if shapely.get_type_id(p) == 1 and shapely.length(p) >= shortest]


def _runs(rng: np.random.Generator, steps: int, chance: float, most: int) -> Iterator[tuple[int, int]]:
    """Yield stretches (first, last + 1) of consecutive steps, each step present with a chance."""
    start = None
    for k in range(steps + 1):
        present = k < steps and rng.random() < chance
        if start is not None and (not present or k - start >= most):
            yield start, k
            start = None
        if present and start is None:
            start = k


def _main_roads(plan: Plan) -> None:
    """Add the twelve main roads from ring to ring, and scale the frame until they measure MAIN_METRES as laid."""
    for places, titles, upright in ((EAST, MAIN_NS, True), (NORTH, MAIN_EW, False)):
        for at, name in zip(places, titles, strict=True):
            line = _pieces(shapely.intersection(_span(at, -4000, 4000, upright), plan.inside), 1000)[0]
            plan.add(line, "主干路", name, MAIN_WIDTH.get(name, 32.0))
    for _ in range(6):
        total = sum(street.line.length for street in plan.streets())
        plan.frame = plan.frame.scaled(MAIN_METRES / total)


def _river_roads(plan: Plan, river: Floats) -> None:
    """Add the roads along both banks, where the river's corridor (water and riverside park) ends."""
    course = river[np.hypot(*(river - np.array(CORE_XY)).T) < 5200]
    plan.corridor = shapely.simplify(
        shapely.buffer(shapely.linestrings(plan.frame.uv(course)), 105, quad_segs=8), 0.5
    )
    banks = shapely.line_merge(shapely.intersection(shapely.get_exterior_ring(plan.corridor), plan.inside))
    for bank, name in zip(_pieces(banks, 800), ("滨河路", "河堤路"), strict=True):
        plan.add(bank, "次干路", name, 20.0)


def _side_roads(plan: Plan, upright: bool, rng: np.random.Generator, stem: Iterator[str]) -> None:
    """Add secondary roads midway between main roads and branch roads at the quarters, in runs of blocks."""
    dry = shapely.difference(plan.inside, plan.corridor)
    west, south, east, north = RING
    across, along = (EAST, NORTH) if upright else (NORTH, EAST)
    bounds = sorted([*across, west, east] if upright else [*across, south, north])
    blocks = sorted([*along, south, north] if upright else [*along, west, east])
    suffix = "路" if upright else "街"
    for k, (low, high) in enumerate(pairwise(bounds)):
        inner = 0 < k < len(bounds) - 2
        if inner:
            at = low + (high - low) * float(rng.uniform(0.44, 0.56))
            first, last = int(rng.integers(0, 3)), int(rng.integers(5, len(blocks)))
            ground = plan.inside if rng.random() < 0.4 else dry
            for part in _pieces(
                shapely.intersection(_span(at, blocks[first], blocks[last], upright), ground), 150
            ):
                plan.add(part, "次干路", next(stem) + suffix, float(rng.choice([20, 22, 24])))
        for quarter in (0.25, 0.75) if inner else (0.5,):
            at = low + (high - low) * (quarter + float(rng.uniform(-0.03, 0.03)))
            for first, last in _runs(rng, len(blocks) - 1, 0.66, 3):
                for part in _pieces(
                    shapely.intersection(_span(at, blocks[first], blocks[last], upright), dry), 150
                ):
                    plan.add(part, "支路", next(stem) + suffix, float(rng.choice([10, 12, 14])))


def _cut_short(plan: Plan, rng: np.random.Generator) -> None:
    """End some branch roads in the middle of a block: the dead-end roads (断头路) of the campaign."""
    ready = [k for k, kind in enumerate(plan.kinds) if kind == "支路" and shapely.length(plan.lines[k]) > 350]
    for k in rng.choice(ready, DEAD_ENDS, replace=False):
        line = plan.lines[k]
        plan.lines[k] = substring(line, 0, line.length - float(rng.uniform(60, 150)))


def make_plan(river: Floats, rng: np.random.Generator, stem: Iterator[str]) -> Plan:
    """Draw the town plan about CORE_XY; its main roads total MAIN_METRES once laid on the plane."""
    frame = Frame(CORE_XY, turn=float(np.radians(3.2)), a=0.9e-5 + 0.7e-5j, b=2.0e-9 - 1.5e-9j)
    ring = shapely.linestrings(shapely.get_coordinates(round_box(*RING, 1050)))
    plan = Plan(frame, "core", ring=ring, domain=round_box(*DOMAIN, 700))
    _main_roads(plan)
    plan.add(ring, "快速路", "环城路", 40.0)
    _river_roads(plan, river)
    _side_roads(plan, True, rng, stem)
    _side_roads(plan, False, rng, stem)
    _cut_short(plan, rng)
    return plan
