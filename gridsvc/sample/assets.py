"""Toilets, bins and roadside parking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.along import Streets
from gridsvc.sample.fabric import Areas, Fabric, superblock
from gridsvc.sample.frame import Floats, Frame

TOILETS = 235
DRY_SHARE = 0.08


@dataclass
class Points:
    """Point assets: positions (metres of `frame.CRS`), the street each stands on, and a kind."""

    xy: Floats
    named: list[str]
    kinds: NDArray[np.str_]


def spread(xy: Floats, apart: Floats, most: int) -> NDArray[np.intp]:
    """Choose points in the given order, each at least its own distance `apart` from those chosen before."""
    chosen: list[int] = []
    for k in range(len(xy)):
        if len(chosen) == most:
            break
        if not chosen or np.hypot(*(xy[chosen] - xy[k]).T).min() >= apart[k]:
            chosen.append(k)
    return np.array(chosen, dtype=np.intp)


def make_toilets(
    streets: Streets,
    frame: Frame,
    fabric: Fabric,
    kept: Floats,
    rng: np.random.Generator,
) -> Points:
    """Place public toilets beside streets, thinner where a quarter is ill kept; dry ones mostly in villages."""
    clear = streets.stretches(5.0, 25.0, lanes=True)
    clear = clear.pick(np.isin(streets.place[clear.street], ["core", "town", "hamlet"]))
    clear = clear.pick(streets.kind[clear.street] != "快速路")
    at = rng.uniform(clear.start, clear.stop)
    side = rng.choice([-1.0, 1.0], len(at))
    xy = streets.beside(clear.street, at, side * (streets.width[clear.street] / 2 + 3.2))
    place = streets.place[clear.street]
    apart = np.select([place == "core", place == "town"], [330.0, 420.0], 1500.0)
    core = place == "core"
    row, column = superblock(frame.uv(xy[core]))
    apart[core] = 520.0 - 270.0 * kept[row, column]
    built = shapely.STRtree(fabric.buildings.shapes).query(shapely.points(xy), "dwithin", distance=1.0)[0]
    open_ground = ~np.isin(np.arange(len(xy)), built)
    order = rng.permutation(np.flatnonzero(open_ground))
    quota = {"core": 118, "town": 62, "hamlet": TOILETS - 180}
    picks = [
        mine[spread(xy[mine], apart[mine], count)]
        for kind, count in quota.items()
        if len(mine := order[place[order] == kind])
    ]
    chosen = np.concatenate(picks)
    weight = np.select([place[chosen] == "hamlet", place[chosen] == "town"], [1.0, 0.16], 0.02)
    dry = rng.choice(len(chosen), round(len(chosen) * DRY_SHARE), replace=False, p=weight / weight.sum())
    kinds = np.full(len(chosen), "水冲")
    kinds[dry] = "旱厕"
    return Points(xy[chosen], [streets.all[k].name for k in clear.street[chosen]], kinds)


def make_bins(streets: Streets, rng: np.random.Generator) -> Points:
    """Set litter bins along the core's wider streets and the towns' main streets, with stretches that have none."""
    clear = streets.stretches(5.0, 40.0, lanes=False)
    step = {"core 主干路": 92.0, "core 次干路": 105.0, "core 支路": 150.0, "town 次干路": 110.0}
    every = np.array(
        [
            step.get(f"{p} {k}", 0.0)
            for p, k in zip(streets.place[clear.street], streets.kind[clear.street], strict=True)
        ]
    )
    missing = np.where(every == 150.0, 0.55, np.where(every == 92.0, 0.07, 0.16))
    keep = (every > 0) & (rng.random(len(every)) >= missing)
    clear, every = clear.pick(keep), every[keep]
    which, at = streets.spaced(clear, every)
    street = clear.street[which]
    side = np.where(np.arange(len(at)) % 2 == 0, 1.0, -1.0)
    xy = streets.beside(street, at, side * (streets.width[street] / 2 + 1.6))
    kinds = rng.choice(["分类双桶", "单桶"], len(at), p=[0.7, 0.3])
    return Points(xy, [streets.all[k].name for k in street], kinds)


def roadside_lots(streets: Streets, rng: np.random.Generator) -> Areas:
    """Mark parking bays (路内) along the edges of some secondary and branch roads."""
    clear = streets.stretches(12.0, 60.0, lanes=True)
    suits = np.isin(streets.kind[clear.street], ["次干路", "支路"]) & np.isin(
        streets.place[clear.street], ["core", "town"]
    )
    clear = clear.pick(suits & (rng.random(len(suits)) < 0.13))
    outer = streets.width[clear.street] / 2
    shapes = streets.strips(clear, outer - 2.4, outer, np.ones(len(outer)))
    return Areas(shapes, np.full(len(shapes), "路内"), [""] * len(shapes))
