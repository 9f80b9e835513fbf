"""Green along streets and water: planted verges, shelter belts by the ring road, avenue and river banks."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridsvc.sample.along import Streets
from gridsvc.sample.fabric import Areas, superblock
from gridsvc.sample.frame import Floats, Frame, polygons_of
from gridsvc.sample.water import Water

PLANTED = {"主干路": 0.8, "快速路": 0.75, "次干路": 0.38, "支路": 0.06}
"""Share of the core's stretches with a planted verge on one side, before the quarter's care is counted."""


def verges(streets: Streets, frame: Frame, kept: Floats, rng: np.random.Generator) -> Areas:
    """Plant verges (道路绿化) on both sides of the core's streets; a verge left out leaves a real gap."""
    sides = []
    stretches = streets.stretches(7.0, 24.0, lanes=True)
    urban = (streets.place[stretches.street] == "core") | streets.twin[stretches.street]
    stretches = stretches.pick(urban & np.isin(streets.kind[stretches.street], list(PLANTED)))
    middle = streets.beside(
        stretches.street, (stretches.start + stretches.stop) / 2, np.zeros(len(stretches.street))
    )
    row, column = superblock(frame.uv(middle))
    share = np.array([PLANTED[k] for k in streets.kind[stretches.street]]) * (0.72 + 0.45 * kept[row, column])
    both = rng.random(len(share))
    for side in (1.0, -1.0):
        keep = np.where(rng.random(len(share)) < 0.8, both, rng.random(len(share))) < share
        keep &= ~streets.twin[stretches.street] | (side < 0)
        chosen = stretches.pick(keep)
        inner = streets.width[chosen.street] / 2 + 2.0
        deep = np.where(
            streets.width[chosen.street] > 28,
            rng.uniform(4, 6.5, len(inner)),
            rng.uniform(2, 3.2, len(inner)),
        )
        sides.append(streets.strips(chosen, inner, inner + deep, np.full(len(inner), side)))
    shapes = np.concatenate(sides)
    return Areas(shapes, np.full(len(shapes), "道路绿化"), [""] * len(shapes))


def belts(streets: Streets, water: Water, county: Any, rng: np.random.Generator) -> Areas:
    """Plant shelter belts (防护绿地) by ring and avenue, overlapping their verges, and on river banks."""
    stretches = streets.stretches(10.0, 60.0, lanes=False)
    titles = [s.name for s in streets.all]
    loop = streets.lines[titles.index("环城路")]
    ring = stretches.pick(stretches.street == titles.index("环城路"))
    outside = -1.0 if shapely.is_ccw(loop) else 1.0
    wide = stretches.pick(streets.twin[stretches.street])
    shapes = []
    for chosen, share, side in ((ring, 0.62, outside), (wide, 0.8, -1.0)):
        part = chosen.pick(rng.random(len(chosen.street)) < share)
        inner = streets.width[part.street] / 2 + 4.5
        outer = inner + rng.uniform(14, 30, len(inner))
        shapes.append(streets.strips(part, inner, outer, np.full(len(inner), side)))
    course = shapely.linestrings(water.river)
    bank = shapely.difference(shapely.buffer(course, 82, cap_style="flat"), shapely.buffer(course, 50))
    bare = shapely.buffer(shapely.line_interpolate_point(course, np.arange(400, course.length, 1300)), 320)
    parts = polygons_of(
        shapely.difference(shapely.intersection(bank, county), shapely.union_all(bare)), 9_000.0
    )[0]
    shapes.append(parts[~shapely.intersects(parts, shapely.convex_hull(loop))])
    joined = np.concatenate(shapes)
    return Areas(joined, np.full(len(joined), "防护绿地"), [""] * len(joined))
