"""Towns and hamlets: where they stand, what they are called, and their own small street plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridsvc.sample import names
from gridsvc.sample.frame import CORE_XY, Floats, Frame
from gridsvc.sample.land import TOWN_COUNT, Indices, Land, nearest
from gridsvc.sample.streets import Layout

HAMLET_EXTRA = 0.13
"""Chance that a rural grid which is not a village's seat has a hamlet of its own."""
MARKETS = 4


@dataclass
class Settlement:
    """A town (镇区), a market (集镇) or a hamlet (自然村) with its street layout."""

    kind: str
    name: str
    village: int
    layout: Layout
    centre: Floats
    houses: Floats
    """Rows of houses that stand on no plot, as boxes (u0, v0, u1, v1) in plan metres."""

    def ends(self) -> Floats:
        """Return the two ends of the main street, metres in `frame.CRS`."""
        line = self.layout.frame.lay(self.layout.lines[0])
        return np.asarray(shapely.get_coordinates(line)[[0, -1]])


def town_sites(land: Land, water: Any) -> tuple[Floats, Indices]:
    """Choose for each town the seed nearest its middle that is dry and well inside; return sites and villages."""
    seeds = land.seeds[land.inside]
    away = shapely.distance(water, shapely.points(seeds))
    clear = (away > 850) & (np.hypot(*(seeds - np.array(CORE_XY)).T) > 6300)
    sites, villages = [], []
    for k in range(TOWN_COUNT):
        mine = np.flatnonzero((land.town == k) & clear)
        best = mine[nearest(seeds[land.town == k].mean(axis=0)[None, :], seeds[mine])[0]]
        sites.append(seeds[best])
        villages.append(land.village[best])
    return np.array(sites), np.array(villages)


def tree(points: Floats) -> list[tuple[int, int]]:
    """Return the edges (parent, child) of the minimum spanning tree that grows from point 0."""
    gap = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    done: list[int] = [0]
    edges: list[tuple[int, int]] = []
    rest = list(range(1, len(points)))
    while rest:
        row, column = divmod(int(gap[np.ix_(done, rest)].argmin()), len(rest))
        edges.append((done[row], rest[column]))
        done.append(rest.pop(column))
    return edges


def _ribbons(
    half: float, crossing: Floats, north: float, south: float, upright: bool, rng: np.random.Generator
) -> Floats:
    """Houses along both ends of a town's main street and in rows behind its parallels, as boxes."""
    boxes: list[list[float]] = []
    for low, high in ((-half, crossing[0] - 30), (crossing[-1] + 15, half)):
        for side in (13.0, -27.0):
            plots = np.arange(low, high - 24, 31.0)
            plots = plots[rng.random(len(plots)) < 0.75]
            boxes.extend([x, side, x + float(rng.uniform(16, 27)), side + 13] for x in plots)
    for start, step in ((north + 9, 21.0), (south - 19, -21.0)):
        for row in range(int(rng.integers(0, 4))):
            low, high = np.sort(rng.uniform(crossing[0], crossing[-1], 2))
            at = start + row * step
            boxes.extend(
                [x, at, x + float(rng.uniform(20, 36)), at + 10] for x in np.arange(low, high - 30, 41.0)
            )
    return np.array(boxes)[:, [1, 0, 3, 2] if upright else [0, 1, 2, 3]]


def _lay_town(
    name: str, frame: Frame, upright: bool, size: float, rng: np.random.Generator
) -> tuple[Layout, Floats]:
    """A main street with parallels and cross streets (`size` 1 a town, less a market), and houses around them."""
    layout = Layout(frame, "town")
    half = float(rng.uniform(520, 680)) * size
    count = 5 if size > 0.8 else 3
    crossing = np.sort(np.linspace(-0.72, 0.72, count) + rng.uniform(-0.06, 0.06, count)) * half
    north, south = float(rng.uniform(170, 230)), -float(rng.uniform(160, 220))

    def put(points: list[list[float]], kind: str, title: str, width: float) -> None:
        layout.add(shapely.linestrings([p[::-1] for p in points] if upright else points), kind, title, width)

    put([[-half, 0.0], [half, 0.0]], "次干路", f"{name}中心街", 16.0 if size > 0.8 else 12.0)
    put([[crossing[0], north], [crossing[-1], north]], "支路", f"{name}{'东' if upright else '北'}街", 9.0)
    put([[crossing[0], south], [crossing[-1], south]], "支路", f"{name}{'西' if upright else '南'}街", 9.0)
    for k, at in enumerate(crossing):
        low = south if rng.random() < 0.8 or k in (0, len(crossing) - 1) else 0.0
        put([[at, low], [at, north]], "支路", f"{name}{names.numeral(k + 1)}路", 8.0)
    return layout, _ribbons(half, crossing, north, south, upright, rng)


def make_towns(
    land: Land, sites: Floats, villages: Indices, titles: list[str], rng: np.random.Generator
) -> list[Settlement]:
    """Lay out the towns; each main street points roughly to the next place towards the county town."""
    towns: list[Settlement] = []
    all_sites = np.vstack([np.array(CORE_XY), sites])
    parent = {child: up for up, child in tree(all_sites)}
    for k, (site, village) in enumerate(zip(sites, villages, strict=True)):
        way = all_sites[parent[k + 1]] - site
        angle = float(np.degrees(np.arctan2(way[1], way[0])))
        turn = (angle + 45) % 90 - 45
        upright = round((angle - turn) / 90) % 2 == 1
        frame = Frame((float(site[0]), float(site[1])), turn=float(np.radians(np.clip(turn, -22, 22))))
        layout, houses = _lay_town(titles[k], frame, upright, 1.0, rng)
        towns.append(Settlement("town", titles[k], int(village), layout, site, houses))
    return towns


def _lay_hamlet(name: str, frame: Frame, rng: np.random.Generator) -> tuple[Layout, Floats]:
    """Two or three lanes each way with rows of houses facing south; returns the lanes and the rows."""
    layout = Layout(frame, "hamlet")
    rows, columns = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    v = np.cumsum([0.0, *rng.uniform(58, 74, rows - 1)])[::-1]
    u = np.cumsum([0.0, *rng.uniform(95, 150, columns - 1)])
    v, u = v - v.mean(), u - u.mean()
    for k, at in enumerate(v):
        title = ("后街", "前街") if rows == 2 else ("后街", "中街", "前街")
        layout.add(shapely.linestrings([[u[0], at], [u[-1], at]]), "街巷", name + title[k], 5.0)
    for k, at in enumerate(u):
        title = ("西巷", "东巷") if columns == 2 else ("西巷", "中巷", "东巷")
        layout.add(shapely.linestrings([[at, v[-1]], [at, v[0]]]), "街巷", name + title[k], 4.0)
    houses = []
    for at in v:
        for low in (at + 6, at - 17):
            x = u[0] - float(rng.uniform(0, 45))
            stop = u[-1] + float(rng.uniform(0, 45))
            while x < stop:
                wide = float(rng.choice([13.0, 26.0, 39.0, 52.0], p=[0.2, 0.35, 0.3, 0.15]))
                if rng.random() < 0.7 and not np.any((u > x - 5) & (u < x + wide + 5)):
                    houses.append([x, low, x + wide, low + float(rng.uniform(9.5, 11.5))])
                x += wide + float(rng.uniform(4, 12)) if not np.any((u > x - 5) & (u < x + wide + 5)) else 8.0
    return layout, np.array(houses)


def make_hamlets(
    land: Land,
    towns: list[Settlement],
    suburbs: Floats,
    water: Any,
    domain: Any,
    rng: np.random.Generator,
    name: Iterator[str],
) -> list[Settlement]:
    """Lay out one hamlet in every village without a town, some more in other grids and suburbs, and a few markets."""
    seeds = land.seeds[land.inside]
    spots = shapely.points(seeds)
    centres = np.array([t.centre for t in towns])
    clear = shapely.distance(water, spots) > 330
    clear &= shapely.distance(domain, spots) > 420
    clear &= np.hypot(*(seeds - centres[nearest(seeds, centres)]).T) > 1150
    has_town = {t.village for t in towns}
    seats: list[int] = []
    for village in range(int(land.village.max()) + 1):
        mine = np.flatnonzero((land.village == village) & clear)
        if village not in has_town and len(mine):
            middle = seeds[land.village == village].mean(axis=0)[None, :]
            seats.append(int(mine[nearest(middle, seeds[mine])[0]]))
    edge = suburbs[shapely.distance(water, shapely.points(suburbs)) > 200]
    extra = np.flatnonzero(clear & (rng.random(len(seeds)) < HAMLET_EXTRA))
    markets = {int(k) for k in rng.choice(seats, MARKETS, replace=False)}
    places = []
    chosen = [
        *seats,
        *(int(e) for e in extra if int(e) not in set(seats)),
        *range(len(seeds), len(seeds) + len(edge)),
    ]
    spread, villages = np.vstack([seeds, edge]), np.append(land.village, np.full(len(edge), -1))
    for k in chosen:
        title = next(name)
        centre = spread[k] + rng.uniform(-90, 90, 2) * (k < len(seeds))
        frame = Frame((float(centre[0]), float(centre[1])), turn=float(np.radians(rng.normal(0, 6))))
        if k in markets:
            layout, houses = _lay_town(f"{title}集", frame, bool(rng.random() < 0.5), 0.62, rng)
        else:
            layout, houses = _lay_hamlet(title, frame, rng)
        kind = "market" if k in markets else "hamlet"
        places.append(Settlement(kind, title, int(villages[k]), layout, centre, houses))
    return places


def village_titles(
    land: Land, towns: list[Settlement], hamlets: list[Settlement], name: Iterator[str]
) -> list[str]:
    """Name each village after its first hamlet (王庄村) and each village that seats a town after it (柳河社区)."""
    titles = [""] * (int(land.village.max()) + 1)
    for place in hamlets[::-1]:
        if place.village >= 0:
            titles[place.village] = f"{place.name}村"
    for town in towns:
        titles[town.village] = f"{town.name[:-1]}社区"
    return [title or f"{next(name)}村" for title in titles]
