"""Roads between places: county roads from the ring to the towns and beyond, village links, the divided avenue."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from gridsvc.sample.frame import CORE_XY, Floats, dense, smooth, wander
from gridsvc.sample.plan import EAST, NORTH, Plan
from gridsvc.sample.settlements import Settlement, tree
from gridsvc.sample.streets import Street

EXTRA_ROADS = 7
AVENUE = "迎宾大道"
AVENUE_GAP = 21.0
"""Metres between the centre-lines of the avenue's two carriageways."""


def _exits(plan: Plan) -> tuple[Floats, Floats]:
    """Return the points where main roads meet the ring, and the outward direction at each (metres)."""
    ends, away = [], []
    for name, kind, line in zip(plan.names, plan.kinds, plan.lines, strict=True):
        if kind == "主干路" and name != "中州大道":
            laid = shapely.get_coordinates(plan.frame.lay(line))
            for here, inner in ((laid[0], laid[-1]), (laid[-1], laid[0])):
                ends.append(here)
                away.append((here - inner) / np.hypot(*(here - inner)))
    return np.array(ends), np.array(away)


def _road(start: Floats, out: Floats, end: Floats, into: Floats, rng: np.random.Generator) -> Any:
    """Return a winding road that leaves `start` in direction `out` and reaches `end` from direction `into`."""
    reach = min(420.0, 0.2 * float(np.hypot(*(end - start))))
    path = wander(start + out * reach, end + into * reach, rng, 0.09, 2)
    curve = smooth(np.vstack([start, path, end]), 110)
    return shapely.linestrings(np.round(curve, 3))


def _side(place: Settlement, towards: Floats) -> tuple[Floats, Floats]:
    """Return the end of a place's main street nearer to a point, and the direction in which a road leaves there."""
    ends = place.ends()
    k = int(np.hypot(*(ends - towards).T).argmin())
    away, ahead = ends[k] - ends[1 - k], towards - ends[k]
    way = 0.6 * away / np.hypot(*away) + ahead / np.hypot(*ahead)
    return ends[k], way / np.hypot(*way)


def _pairs(sites: Floats) -> list[tuple[int, int]]:
    """Pairs of places joined by a county road (0 is the core): the spanning tree, radial roads, short cuts."""
    edges = tree(sites)
    gap = np.hypot(*(sites[:, None] - sites[None]).transpose(2, 0, 1))
    for k in range(1, len(sites)):
        others = np.setdiff1d(np.arange(1, len(sites)), [k])
        straight = (gap[0] + gap[k])[others].min() > 1.12 * gap[0, k]
        if (0, k) not in edges and straight and gap[0, k] < 13_500:
            edges.append((0, k))
    known = {frozenset(e) for e in edges}
    far = [(float(gap[a, b]), a, b) for a in range(1, len(sites)) for b in range(a + 1, len(sites))]
    for _, a, b in sorted(far):
        middle = (sites[a] + sites[b]) / 2
        if (
            frozenset((a, b)) not in known
            and np.hypot(*(middle - sites[0])) > 6500
            and len(edges) < len(sites) - 1 + EXTRA_ROADS
        ):
            edges.append((a, b))
    return edges


def county_roads(plan: Plan, towns: list[Settlement], county: Any, rng: np.random.Generator) -> list[Street]:
    """Join ring and towns by county roads, and lead three roads out over the county's border."""
    sites = np.vstack([np.array(CORE_XY), *[t.centre for t in towns]])
    free, ways = _exits(plan)
    streets = []
    for a, b in _pairs(sites):
        end, into = _side(towns[b - 1], sites[a])
        if a == 0:
            towards = (end - free) / np.hypot(*(end - free).T)[:, None]
            k = int((np.hypot(*(end - free).T) * (1.6 - (towards * ways).sum(axis=1))).argmin())
            line = _road(free[k], ways[k], end, into, rng)
            free, ways = np.delete(free, k, axis=0), np.delete(ways, k, axis=0)
        else:
            start, out = _side(towns[a - 1], sites[b])
            line = _road(start, out, end, into, rng)
        first = "样" if a == 0 else towns[a - 1].name[0]
        streets.append(
            Street(f"{first}{towns[b - 1].name[0]}路", "次干路", 12.0 if a == 0 else 9.0, line, "county")
        )
    return [*streets, *_leaving(sites, towns, county, rng)]


def _leaving(sites: Floats, towns: list[Settlement], county: Any, rng: np.random.Generator) -> list[Street]:
    """Lead a road out of the county to the west, the east and the south, ending 260 m beyond the border."""
    streets = []
    away = sites[1:] - sites[0]
    for compass, name in ((np.pi * 0.97, "样西路"), (0.1, "样东路"), (-np.pi / 2 - 0.2, "样南路")):
        way = np.array([np.cos(compass), np.sin(compass)])
        town = towns[int((away @ way - np.abs(away @ np.array([-way[1], way[0]]))).argmax())]
        start, out = _side(town, sites[0] + 40_000 * way)
        line = _road(start, out, start + way * 14_000, -way, rng)
        parts = shapely.get_parts(shapely.intersection(line, shapely.buffer(county, 260)))
        streets.append(Street(name, "次干路", 12.0, parts[int(shapely.length(parts).argmax())], "county"))
    return streets


def avenue(plan: Plan) -> list[Street]:
    """The divided avenue from the ring's north gate to the railway station: two carriageways and a forecourt road."""
    top = plan.frame.lay(shapely.points([[EAST[3], NORTH[0]], [EAST[3], plan.ring.bounds[3]]]))
    here, gate = shapely.get_coordinates(top)
    out = (gate - here) / np.hypot(*(gate - here))
    across = np.array([-out[1], out[0]])
    bends = np.array([[-60, 0], [500, 0], [1100, 70], [1700, 190], [2300, 260], [2600, 270]])
    middle = shapely.linestrings(smooth(gate + bends[:, :1] * out + bends[:, 1:] * across, 60))
    town = shapely.polygons(shapely.get_coordinates(plan.frame.lay(dense(plan.ring, 90))))
    sides = []
    for gap in (AVENUE_GAP / 2, -AVENUE_GAP / 2):
        side = shapely.simplify(shapely.offset_curve(middle, gap), 0.03)
        parts = shapely.get_parts(shapely.difference(side, town))
        line = parts[int(shapely.length(parts).argmax())]
        sides.append(line if gap < 0 else shapely.reverse(line))
    tips = [shapely.get_coordinates(sides[0])[0], shapely.get_coordinates(sides[1])[-1]]
    way = (tips[1] - tips[0]) / np.hypot(*(tips[1] - tips[0]))
    forecourt = np.vstack([tips[0] - 190 * way, tips[0], tips[1], tips[1] + 190 * way])
    carriageways = [
        Street(AVENUE, "快速路", 11.5, shapely.transform(s, lambda c: np.round(c, 3)), "county", twin=True)
        for s in sides
    ]
    return [
        *carriageways,
        Street("站前路", "支路", 14.0, shapely.linestrings(np.round(forecourt, 3)), "county"),
    ]


def village_links(
    places: list[Settlement], roads: list[Street], water: Any, rng: np.random.Generator
) -> list[Street]:
    """Join each hamlet to the nearest road or already joined hamlet that can be reached without a bridge."""
    anchors = []
    for place in places:
        corners = place.layout.frame.lay(np.array(place.layout.lines, dtype=object))
        anchors.append(np.vstack([shapely.get_coordinates(corners), place.centre])[:-1])
    lines = np.array([s.line for s in roads], dtype=object)
    away = [float(shapely.distance(shapely.points(p.centre), lines).min()) for p in places]
    streets: list[Street] = []
    for k in np.argsort(away, kind="stable"):
        place, own = places[int(k)], np.unique(anchors[int(k)], axis=0)
        reach = shapely.shortest_line(shapely.multipoints(own), lines)
        order = np.argsort(shapely.length(reach), kind="stable")[:12]
        dry = [c for c in order if not shapely.intersects(reach[c], water)]
        best = reach[dry[0] if dry else order[0]]
        ends = np.round(shapely.get_coordinates(best), 3)
        if best.length > 5:
            path = smooth(wander(ends[0], ends[1], rng, 0.05, 2 if best.length > 400 else 0), 120)
            line = shapely.linestrings(np.round(path, 3))
            streets.append(Street(f"{place.name}路", "支路", 6.0, line, "county"))
            lines = np.append(lines, line)
        lines = np.concatenate([lines, place.layout.frame.lay(np.array(place.layout.lines, dtype=object))])
    return streets
