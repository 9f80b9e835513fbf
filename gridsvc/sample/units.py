"""The four levels of units: county, districts, communities and grids, nested, drawn and numbered like an office's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridsvc.sample import names
from gridsvc.sample.frame import Floats, Geometries
from gridsvc.sample.land import Indices, Land, nearest
from gridsvc.sample.plan import EAST, NORTH, Plan

COUNTY_NAME = "样例县"
COUNTY_CODE = "419900"

CORE_PAIRS = (
    ((0, 0), (0, 1)), ((0, 2), (0, 3)), ((0, 4), (0, 5)), ((0, 6), (1, 6)), ((2, 6), (3, 6)), ((4, 6), (5, 6)),
    ((6, 6), (6, 5)), ((6, 4), (6, 3)), ((6, 2), (6, 1)), ((6, 0), (5, 0)), ((4, 0), (3, 0)), ((2, 0), (1, 0)),
)  # fmt: skip
"""Outer superblocks (row from north, column from west) that make one community together."""
CORE_DISTRICTS = ("0000111", "0001111", "0001111", "2001111", "2223333", "2223333", "2223333")
"""District of each superblock, row by row from the north; digits index `names.STREETS`."""


@dataclass(frozen=True)
class Level:
    """One level of units: polygons (metres of `frame.CRS`), codes, names and the parents' codes, in code order."""

    shapes: Geometries
    codes: list[str]
    names: list[str]
    parents: list[str]


@dataclass(frozen=True)
class Units:
    """All levels as drawn, and where the deliberate defects are: two overlapping grids, a community with a gap."""

    county: Level
    districts: Level
    communities: Level
    grids: Level
    overlap: tuple[str, str]
    uncovered: str


def _faces(plan: Plan, land: Land) -> tuple[Geometries, Indices]:
    """Return the finest faces of all boundary lines and for each its group: community index, −1 outside."""
    unit_lines = [*plan.lines, shapely.get_exterior_ring(plan.domain)]
    low, high = -6000.0, 6000.0
    unit_lines += [shapely.linestrings([[u, low], [u, high]]) for u in EAST]
    unit_lines += [shapely.linestrings([[low, v], [high, v]]) for v in NORTH]
    drawn = shapely.intersection(shapely.simplify(np.array(unit_lines, dtype=object), 1.5), plan.domain)
    noded = shapely.get_parts(shapely.union_all(drawn))
    core = plan.frame.lay(noded)
    domain = plan.frame.lay(plan.domain)
    rural = shapely.difference(np.array(land.edges, dtype=object), domain)
    lines = shapely.union_all(np.concatenate([core, rural[~shapely.is_empty(rural)]]), grid_size=0.001)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    return faces, _communities_of(faces, plan, land, domain)


def _communities_of(faces: Geometries, plan: Plan, land: Land, domain: Any) -> Indices:
    """Community of each face: rural villages first, then the core's superblocks; −1 outside the county."""
    spots = shapely.get_coordinates(shapely.point_on_surface(faces))
    urban = shapely.contains_xy(domain, spots[:, 0], spots[:, 1])
    group = land.village[nearest(spots, land.seeds[land.inside])]
    group[~urban & ~shapely.contains_xy(land.outline, spots[:, 0], spots[:, 1])] = -1
    plan_spots = plan.frame.uv(spots[urban])
    column = np.searchsorted(EAST, plan_spots[:, 0])
    row = np.searchsorted(-np.array(NORTH), -plan_spots[:, 1])
    block = row * 7 + column
    first = {r2 * 7 + c2: r1 * 7 + c1 for (r1, c1), (r2, c2) in CORE_PAIRS}
    group[urban] = 1000 + np.array([first.get(int(b), int(b)) for b in block])
    return group


def _absorb(faces: Geometries, group: Indices, smallest: NDArray[np.float64]) -> tuple[Geometries, Indices]:
    """Join faces below their smallest allowed area to the neighbour of the same group with the longest border."""
    while True:
        small = np.flatnonzero(shapely.area(faces) < smallest)
        if len(small) == 0:
            return faces, group
        k = int(small[np.argmin(shapely.area(faces[small]))])
        near = np.setdiff1d(shapely.STRtree(faces).query(faces[k], "intersects"), [k])
        border = shapely.length(shapely.intersection(faces[near], faces[k]))
        border = border + 1e6 * (group[near] == group[k]) * (border > 0)
        best = int(near[int(border.argmax())])
        faces[best] = shapely.coverage_union_all([faces[best], faces[k]])
        keep = np.arange(len(faces)) != k
        faces, group, smallest = faces[keep], group[keep], smallest[keep]


def _connected(faces: Geometries, group: Indices) -> Indices:
    """Give faces cut off from the rest of their group to the neighbouring group with the longest border."""
    for _ in range(5):
        settled = True
        for g in np.unique(group):
            mine = np.flatnonzero(group == g)
            parts = shapely.get_parts(shapely.coverage_union_all(faces[mine]))
            for part in parts[np.argsort(shapely.area(parts))[:-1]]:
                stray = mine[shapely.contains(part, shapely.point_on_surface(faces[mine]))]
                others = np.flatnonzero((group != g) & shapely.intersects(faces, part))
                border = shapely.length(shapely.intersection(faces[others], part))
                group[stray] = group[others[int(border.argmax())]]
                settled = False
        if settled:
            break
    return group


def sequence(spots: Floats, band: float) -> Indices:
    """Order points N→S in bands of `band` metres and W→E within a band."""
    rows = np.floor((spots[:, 1].max() - spots[:, 1]) / band).astype(int)
    return np.lexsort((spots[:, 0], rows))


def _dissolve(shapes: Geometries, group: Indices) -> Geometries:
    return np.array([shapely.coverage_union_all(shapes[group == g]) for g in range(int(group.max()) + 1)])


def _jitter(shapes: Any, rng: np.random.Generator, reach: float, share: float) -> Any:
    """Move a share of a layer's vertices by up to `reach` metres; vertices shared by neighbours move together."""
    coords = shapely.get_coordinates(shapes)
    _, first, back = np.unique(np.round(coords, 3), axis=0, return_index=True, return_inverse=True)
    radius = reach * rng.uniform(0, 1, len(first)) * (rng.random(len(first)) < share)
    angle = rng.uniform(0, 2 * np.pi, len(first))
    shift = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    owner = np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))
    while True:
        moved = shapely.transform(shapes, lambda c: np.round(c + shift[back.ravel()], 3))
        broken = ~shapely.is_valid(moved)
        if not broken.any():
            return moved
        shift[back.ravel()[broken[owner]]] = 0.0


def _number(
    parents: list[str], spots: Floats, first: Callable[[int], int], width: int, band: float
) -> list[str]:
    """Number units within each parent W→E, N→S; `first(k)` is the first number allowed for unit k's kind."""
    codes = [""] * len(parents)
    taken: dict[tuple[str, int], int] = {}
    for k in sequence(spots, band).tolist():
        key = (parents[k], first(k))
        taken[key] = taken.get(key, -1) + 1
        codes[k] = f"{parents[k]}{key[1] + taken[key]:0{width}d}"
    return codes


def _level(shapes: Geometries, codes: list[str], titles: list[str], parents: list[str]) -> Level:
    order = np.argsort(codes)
    return Level(
        shapes[order], [codes[k] for k in order], [titles[k] for k in order], [parents[k] for k in order]
    )


def _district_of(group: int, village_town: Indices) -> int:
    """District index of a community group: 0–3 the town's streets, 4 and up the rural towns."""
    if group < 1000:
        return 4 + int(village_town[group])
    row, column = divmod(group - 1000, 7)
    return int(CORE_DISTRICTS[row][column])


def _overlap(shapes: Geometries, urban: NDArray[np.bool_]) -> tuple[int, int]:
    """Let one core grid reach 8 m over the longest border it shares with another (in place); return the pair."""
    index = np.flatnonzero(urban)
    one, two = shapely.STRtree(shapes[index]).query(shapes[index], "touches")
    one, two = index[one[one < two]], index[two[one < two]]
    border = shapely.intersection(shapes[one], shapes[two])
    best = int(shapely.length(border).argmax())
    a, b, line = int(one[best]), int(two[best]), shapely.line_merge(border[best])
    middle = shapely.line_interpolate_point(line, 0.5, normalized=True)
    strip = shapely.buffer(shapely.intersection(line, shapely.buffer(middle, 31)), 8, cap_style="flat")
    reach = shapely.intersection(strip, shapely.union(shapes[a], shapes[b]))
    shapes[a] = shapely.transform(shapely.union(shapes[a], reach), lambda c: np.round(c, 3))
    return a, b


def _uncovered(faces: Geometries, group: Indices, town_villages: set[int]) -> int:
    """Choose the rural grid nearest to 1 km² to be left out of its village."""
    size = np.array([np.sum(group == g) for g in group])
    quiet = np.array([g < 1000 and int(g) not in town_villages for g in group])
    miss = np.abs(shapely.area(faces) - 1.0e6) + 1e9 * ~(quiet & (size >= 6))
    return int(miss.argmin())


def _spots(shapes: Geometries) -> Floats:
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapes)))


def _district_codes(titles: list[str], spots: Floats) -> list[str]:
    """Number 街道 from 001, 镇 from 100, 乡 from 200, as GB/T 10114 does."""
    first = {"道": 1, "镇": 100, "乡": 200}
    return _number([COUNTY_CODE] * len(titles), spots, lambda k: first[titles[k][-1]], 3, 6_000)


def make_units(
    plan: Plan,
    land: Land,
    town_names: list[str],
    village_names: list[str],
    town_villages: set[int],
    rng: np.random.Generator,
) -> Units:
    """Draw and number all units. The three upper levels share one drawing, the grids are another office's.

    Upper borders lie within 0.8 m, grid borders within 2.2 m of the true lines (in the core: road centre-lines).
    """
    faces, group = _faces(plan, land)
    faces, group = faces[group >= 0], group[group >= 0]
    faces, group = _absorb(faces, group, np.where(group >= 1000, 2.0e4, 5.0e5))
    group = _connected(faces, group)
    groups, member = np.unique(group, return_inverse=True)
    village_town = land.village_town
    district = np.array([_district_of(int(g), village_town) for g in groups])
    communities = _dissolve(faces, member)
    districts = _dissolve(communities, district)
    county = shapely.coverage_union_all(districts)
    upper = _jitter(np.concatenate([[county], districts, communities]), rng, 0.8, 0.5)
    drawn = _jitter(faces, rng, 2.2, 0.6)
    one, two = _overlap(drawn, group >= 1000)
    gap = _uncovered(faces, group, town_villages)

    district_names = [*names.STREETS, *town_names]
    district_codes = _district_codes(district_names, _spots(districts))
    stem = names.stems(rng)
    titles = [village_names[int(g)] if g < 1000 else f"{next(stem)}社区" for g in groups]
    parents = [district_codes[k] for k in district]
    codes = _number(parents, _spots(communities), lambda k: 200 if titles[k].endswith("村") else 1, 3, 900)
    keep = np.arange(len(faces)) != gap
    above = [codes[m] for m in member[keep]]
    grid_codes = _number(above, _spots(drawn[keep]), lambda _: 1, 3, 260)
    title_of = dict(zip(codes, titles, strict=True))
    grid_names = [f"{title_of[c[:-3]]}第{names.numeral(int(c[-3:]))}网格" for c in grid_codes]
    where = np.cumsum(keep) - 1
    return Units(
        Level(upper[:1], [COUNTY_CODE], [COUNTY_NAME], [""]),
        _level(upper[1 : 1 + len(districts)], district_codes, district_names, [COUNTY_CODE] * len(districts)),
        _level(upper[1 + len(districts) :], codes, titles, parents),
        _level(drawn[keep], grid_codes, grid_names, above),
        (grid_codes[where[one]], grid_codes[where[two]]),
        codes[member[gap]],
    )
