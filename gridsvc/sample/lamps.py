"""Street lamps: poles set back beside the streets, dark stretches, failed circuits, lamps nobody has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample.along import Streets, Stretches
from gridsvc.sample.fabric import superblock
from gridsvc.sample.frame import Floats, Frame
from gridsvc.sample.land import Indices

SETBACK = 0.8
"""Metres from the carriageway's edge to the pole."""
SPACING = {"快速路": 44.0, "主干路": 42.0, "次干路": 64.0, "支路": 36.0, "街巷": 36.0}
"""Metres between poles on one side. Expressways and main roads carry poles in pairs, secondary roads alternate
sides (a pole every 32 m), branch roads and lanes carry them on one side."""
HEIGHT = {"快速路": 12.0, "主干路": 12.0, "次干路": 10.0, "支路": 8.0, "街巷": 6.0}
LIT = {"core 快速路": 1.0, "core 主干路": 1.0, "core 次干路": 0.99, "core 支路": 0.96, "core 街巷": 0.79,
       "town 次干路": 0.97, "town 支路": 0.55, "town 街巷": 0.22, "hamlet 街巷": 0.2, "county 次干路": 0.02,
       "county 支路": 0.04, "county 快速路": 1.0}  # fmt: skip
"""Share of streets that have lamps at all, by place and class."""
UNSEEN = {"core 街巷": 0.15, "core 支路": 0.07, "town 支路": 0.22, "town 次干路": 0.15, "hamlet 街巷": 0.4}
"""Share of streets whose lamps the last night inspection did not reach."""


@dataclass
class Lamps:
    """Lamps in delivery order: position (metres of `frame.CRS`), owning street, light points, state."""

    xy: Floats
    street: Indices
    named: list[str]
    lights: NDArray[np.int64]
    height: Floats
    state: NDArray[np.str_]
    checked: NDArray[np.datetime64]


def _sites(streets: Streets, part: Stretches, first: float) -> tuple[Indices, Floats, Floats]:
    """Return street, measure and signed offset of poles along stretches; `first` is the side to begin on."""
    kind = streets.kind[part.street]
    which, at = streets.spaced(part, np.array([SPACING[k] for k in kind]))
    street = part.street[which]
    offset = (streets.width[street] / 2 + SETBACK) * first
    return street, at, offset


def _lit(streets: Streets, frame: Frame, kept: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which streets have lamps; the ill-kept quarters of the core have fewer lit lanes."""
    keys = [f"{p} {k}" for p, k in zip(streets.place, streets.kind, strict=True)]
    share = np.array([LIT.get(k, 0.0) for k in keys])
    middle = shapely.get_coordinates(shapely.line_interpolate_point(streets.lines, 0.5, normalized=True))
    core = (streets.place == "core") & np.isin(streets.kind, ["支路", "街巷"])
    row, column = superblock(frame.uv(middle[core]))
    poor = np.where(streets.kind[core] == "街巷", 0.6, 0.16)
    share[core] = np.clip(share[core] + poor * (kept[row, column] - 0.6), 0.15, 1.0)
    lit = rng.random(len(share)) < share
    station = [k for k, s in enumerate(streets.all) if s.name == "站前路"]
    lit[station] = True
    return lit


def _dark_stretches(part: Stretches, streets: Streets, rng: np.random.Generator) -> Stretches:
    """Leave out some stretches: no lamp was ever put up there."""
    share = np.select(
        [streets.kind[part.street] == k for k in ("主干路", "次干路", "支路")], [0.02, 0.05, 0.05], 0.02
    )
    share[streets.twin[part.street]] = 0.0
    return part.pick(rng.random(len(share)) >= share)


def _states(
    streets: Streets, frame: Frame, street: Indices, xy: Floats, kept: Floats, rng: np.random.Generator
) -> tuple[NDArray[np.str_], NDArray[np.datetime64]]:
    """State of each lamp (亮, 灭 or empty: not seen) and the day it was seen: failed lamps and failed circuits."""
    fail = np.full(len(street), 0.03)
    core = streets.place[street] == "core"
    row, column = superblock(frame.uv(xy[core]))
    fail[core] = 0.008 + 0.035 * (1 - kept[row, column]) ** 1.5
    out = rng.random(len(street)) < fail
    for k in rng.choice(len(street), 26, replace=False):
        reach = np.flatnonzero(street[k : k + int(rng.integers(4, 10))] == street[k]) + k
        out[reach] = True
    keys = [f"{p} {k}" for p, k in zip(streets.place, streets.kind, strict=True)]
    unseen = (rng.random(len(keys)) < np.array([UNSEEN.get(k, 0.02) for k in keys]))[street]
    unseen |= rng.random(len(street)) < 0.02
    state = np.where(unseen, "", np.where(out, "灭", "亮"))
    round_day = rng.integers(0, 24, len(keys))[street]
    checked = np.datetime64("2026-10-08") + round_day.astype("timedelta64[D]")
    checked[unseen] = np.datetime64("NaT")
    return state, checked


def _written_names(streets: Streets, street: Indices, xy: Floats, rng: np.random.Generator) -> list[str]:
    """The road each lamp's record names: its own, for some none, for a few another road close by."""
    titles = [streets.all[k].name for k in street]
    draw = rng.random(len(titles))
    tree = shapely.STRtree(streets.lines)
    for k in np.flatnonzero(draw < 0.04):
        titles[int(k)] = ""
    for k in np.flatnonzero(draw > 0.99):
        near = tree.query(shapely.points(xy[k]), "dwithin", distance=140.0)
        others = [streets.all[n].name for n in np.sort(near) if streets.all[n].name != titles[int(k)]]
        if others:
            titles[int(k)] = others[int(rng.integers(len(others)))]
    return titles


def make_lamps(streets: Streets, frame: Frame, kept: Floats, rng: np.random.Generator) -> Lamps:
    """Put up the lamps of the whole county and record them as the last inspection left them."""
    lit = _lit(streets, frame, kept, rng)
    clear = streets.stretches(2.5, 10.0, lanes=False, nearer=SETBACK + 0.6)
    clear = _dark_stretches(clear.pick(lit[clear.street]), streets, rng)
    paired = np.isin(streets.kind[clear.street], ["主干路", "快速路"]) & ~streets.twin[clear.street]
    second = streets.kind[clear.street] == "次干路"
    runs = [
        _sites(streets, clear.pick(~second & ~paired), -1.0),
        _sites(streets, clear.pick(paired), 1.0),
        _sites(streets, clear.pick(paired), -1.0),
        _alternating(streets, clear.pick(second)),
    ]
    street, at, offset = (np.concatenate([run[k] for run in runs]) for k in range(3))
    xy = streets.beside(street, at, offset)
    shift = _mouths(streets, street, xy)
    xy[shift] = streets.beside(
        street[shift], np.minimum(at[shift] + 6, streets.length[street[shift]]), offset[shift]
    )
    tree = shapely.STRtree(streets.lines)
    near = tree.query_nearest(shapely.points(xy), all_matches=False)[1]
    keep = near == street
    one, two = shapely.STRtree(shapely.points(xy)).query(shapely.points(xy), "dwithin", distance=5.0)
    keep[np.maximum(one, two)[one != two]] = False
    order = np.lexsort((at[keep], offset[keep] > 0, street[keep]))
    street, xy = street[keep][order], xy[keep][order]
    kind = streets.kind[street]
    double = np.isin(kind, ["主干路", "快速路"]) | ((kind == "次干路") & (rng.random(len(street)) < 0.2))
    state, checked = _states(streets, frame, street, xy, kept, rng)
    height = np.array([HEIGHT[k] for k in kind])
    names = _written_names(streets, street, xy, rng)
    return Lamps(xy, street, names, np.where(double, 2, 1).astype(np.int64), height, state, checked)


def _alternating(streets: Streets, part: Stretches) -> tuple[Indices, Floats, Floats]:
    """Poles on alternate sides, one every half spacing."""
    half = np.array([SPACING[k] for k in streets.kind[part.street]]) / 2
    which, at = streets.spaced(part, half)
    street = part.street[which]
    side = np.where(np.arange(len(at)) % 2 == 0, 1.0, -1.0)
    return street, at, (streets.width[street] / 2 + SETBACK) * side


def _mouths(streets: Streets, street: Indices, xy: Floats) -> Indices:
    """Return the lamps that would stand in the mouth of another street."""
    tree = shapely.STRtree(shapely.buffer(streets.lines, streets.width / 2, cap_style="flat"))
    lamp, room = tree.query(shapely.points(xy), "intersects")
    return np.unique(lamp[room != street[lamp]])
