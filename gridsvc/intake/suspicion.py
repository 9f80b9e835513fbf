"""Whether a layer lies off what the store holds in just the way that GCJ-02 or BD-09 would put it.

Nothing is moved: the evidence is told, and a person decides. The same features are tried at the places where they
would be if they were shifted, and, as a control, as far off in other directions. Only where one shifted system
fits far better than the delivered place and than every control is there a suspicion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from gridsvc.codes import LEVELS
from gridsvc.crs import geographic_crs, metre_crs, transform
from gridsvc.intake.delivery import Objects
from gridsvc.layers import Layer, Layers
from gridsvc.shifts import BD09, GCJ02, Floats, shifted_here
from gridsvc.store import Store
from gridsvc.text import Text, bilingual

_SAMPLES = 600
"""Places to try: enough to tell a fifth from a third."""
_FEWEST = 20
_REACHES = {"boundary": (10.0, 30.0, 80.0, 250.0), "line": (4.0, 12.0), "point": (8.0, 20.0, 35.0)}
"""Metres within which a sample counts as fitting, from exact surveys to rough ones."""

Places = dict[str, Floats]
"""Sample positions in metres under every hypothesis: as delivered, shifted, controls."""
Fit = Callable[[Floats], Floats]
"""Share of positions that fit, per reach."""


@dataclass(frozen=True)
class _Hypothesis:
    """One thing that may have happened."""

    name: str
    option: str
    """What to give to ``--crs``; empty where the store holds what is off."""
    text: Text


_HYPOTHESES = [
    _Hypothesis("GCJ02", "GCJ02", bilingual("GCJ-02", "GCJ-02（火星坐标）")),
    _Hypothesis("BD09", "BD09", bilingual("BD-09", "BD-09（百度坐标）")),
    _Hypothesis("store", "", bilingual("GCJ-02", "GCJ-02（火星坐标）")),
]


def suspicion(store: Store, layers: Layers, layer: Layer, keys: Objects, shapes: Objects) -> Text | None:
    """Warning that *shapes* (stored lon/lat, None where there is none) of *layer* are probably shifted, or None.

    Boundaries are held against their parents' outlines (a county against itself as stored), everything else
    against the stored roads, and where those say nothing against the county's outline.
    """
    there = ~shapely.is_missing(shapes)
    if not there.any():
        return None
    keys, shapes = keys[there], shapes[there]
    w, s, e, n = shapely.total_bounds(shapes)
    corners = np.array([(w, s), (e, n)])
    if not np.isfinite(corners).all() or not shifted_here(corners).all():
        return None
    if layer.role == "unit":
        return _of_units(store, layers, layer, keys, shapes)
    found = None
    roads = _shapes(store, layers.roads.name)
    if len(roads) and layer.name != layers.roads.name:
        found = _by_roads(roads, shapes, "point", bilingual("stand at stored roads", "位于已入库道路旁"))
    elif len(roads):
        found = _by_roads(roads, shapes, "line", bilingual("run on stored roads", "与已入库道路重合"))
    return found or _by_outline(_shapes(store, layers.units[LEVELS[0]].name), shapes)


def _shapes(store: Store, layer: str) -> Objects:
    shapes = store.read(layer)["geometry"].to_numpy(dtype=object)
    return np.asarray(shapes[~shapely.is_missing(shapes)], dtype=object)


class _Ground:
    """Metres around one place, with the hypotheses of what was shifted."""

    def __init__(self, lonlat: Floats) -> None:
        """Take positions in the middle of which the metres are true."""
        lon, lat = np.median(lonlat, axis=0).tolist()
        self.degrees, self.plane = geographic_crs(lon, lat), metre_crs(lon, lat)

    def metres(self, lonlat: Floats) -> Floats:
        """Positions in metres."""
        return np.asarray(shapely.get_coordinates(self.shapes(shapely.points(lonlat))))

    def shapes(self, shapes: Objects) -> Objects:
        """Shapes in metres."""
        return transform(shapes, self.degrees, self.plane)

    def places(self, lonlat: Floats, *, layer: bool) -> Places:
        """Positions under every hypothesis: of the *layer* on the store's ground, else the other way round."""
        gcj, bd = GCJ02, BD09
        ways = (gcj.inverse, bd.inverse, gcj.forward) if layer else (gcj.forward, bd.forward, gcj.inverse)
        here = self.metres(lonlat)
        found = {"here": here}
        for hypothesis, way in zip(_HYPOTHESES, ways, strict=True):
            found[hypothesis.name] = self.metres(way(lonlat))
        step = found["GCJ02"] - here
        aside = np.column_stack((-step[:, 1], step[:, 0]))
        return {**found, "left": here + aside, "right": here - aside}


def _fits(places: Places, fit: Fit) -> tuple[_Hypothesis, float, float] | None:
    """The one hypothesis under which far more samples fit than as delivered and than by chance, with both shares."""
    shares = {name: fit(xy) for name, xy in places.items()}
    for hypothesis in _HYPOTHESES:
        others = np.max([share for name, share in shares.items() if name != hypothesis.name], axis=0)
        own = shares[hypothesis.name]
        found = ((own >= 0.6) & (own - others >= 0.3)) | ((own >= 0.15) & (own >= 4 * others))
        if found.any():
            best = int(np.argmax(np.where(found, own - others, -1)))
            return hypothesis, float(shares["here"][best]), float(own[best])
    return None


def _near(lines: Objects, reaches: tuple[float, ...]) -> Fit:
    """Share of positions within each reach of *lines* (metres)."""
    tree = shapely.STRtree(lines)

    def fit(xy: Floats) -> Floats:
        index, distance = tree.query_nearest(
            shapely.points(xy), max_distance=max(reaches), return_distance=True, all_matches=False
        )
        nearest = np.full(len(xy), np.inf)
        nearest[index[0]] = distance
        return np.array([(nearest <= reach).mean() for reach in reaches])

    return fit


def _spread(lines: Objects, count: int) -> Floats:
    """*count* positions spread evenly along *lines* as a whole."""
    length = shapely.length(lines)
    if not length.sum():
        return np.zeros((0, 2))
    end = np.cumsum(length)
    at = (np.arange(count) + 0.5) * end[-1] / count
    which = np.searchsorted(end, at, side="right").clip(max=len(lines) - 1)
    points = shapely.line_interpolate_point(lines[which], at - (end - length)[which])
    return np.asarray(shapely.get_coordinates(points))


def _of_units(store: Store, layers: Layers, layer: Layer, keys: Objects, shapes: Objects) -> Text | None:
    """Units against the outlines of their stored parents, counties against themselves."""
    level = LEVELS.index(str(layer.level))
    above = layers.units[LEVELS[max(level - 1, 0)]]
    stored = store.read(above.name)
    codes = stored["key"].to_numpy(dtype=object)
    mine = set(keys.tolist())
    prefixes = {key[:length] for length in {len(code) for code in codes.tolist()} for key in mine}
    parents = np.asarray(stored["geometry"], dtype=object)
    parents = parents[np.isin(codes, list(prefixes)) & ~shapely.is_missing(parents)]
    outline = np.asarray(shapely.get_parts(shapely.boundary(parents)), dtype=object)
    lonlat = _spread(outline, _SAMPLES)
    if not len(lonlat):
        return None
    ground = _Ground(lonlat)
    borders = np.asarray(shapely.get_parts(shapely.boundary(ground.shapes(shapes))), dtype=object)
    places = ground.places(lonlat, layer=False)
    found = _fits(places, _near(_segments(borders, places), _REACHES["boundary"]))
    subject = bilingual(f"of the outline of {above.name}", f"的{above.title.zh}边界")
    how = bilingual("lies on a border of this layer", "与本图层边界重合")
    return found and _told(*found, _shift_of(places, found[0]), subject, how)


def _segments(lines: Objects, places: Places) -> Objects:
    """Straight pieces of *lines* near any of the places: long rings make slow neighbours."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    every = np.vstack(list(places.values()))
    low, high = every.min(axis=0) - 100.0, every.max(axis=0) + 100.0
    keep = (owner[1:] == owner[:-1]) & (np.maximum(xy[1:], xy[:-1]) >= low).all(axis=1)
    keep &= (np.minimum(xy[1:], xy[:-1]) <= high).all(axis=1)
    return np.asarray(shapely.linestrings(np.stack((xy[:-1][keep], xy[1:][keep]), axis=1)), dtype=object)


def _samples(shapes: Objects) -> Floats:
    """Positions to try of a layer: along its lines, else a representative point each."""
    lines = shapes[np.isin(shapely.get_type_id(shapes), (1, 5))]
    if len(lines):
        return _spread(np.asarray(shapely.get_parts(lines), dtype=object), _SAMPLES)
    step = max(-(-len(shapes) // _SAMPLES), 1)
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapes[::step])))


def _by_roads(roads: Objects, shapes: Objects, reach: str, how: Text) -> Text | None:
    lonlat = _samples(shapes)
    if len(lonlat) < _FEWEST:
        return None
    ground = _Ground(lonlat)
    places = ground.places(lonlat, layer=True)
    lines = np.asarray(shapely.get_parts(ground.shapes(roads)), dtype=object)
    found = _fits(places, _near(lines, _REACHES[reach]))
    return found and _told(*found, _shift_of(places, found[0]), bilingual("of its features", "的要素"), how)


def _by_outline(counties: Objects, shapes: Objects) -> Text | None:
    """Whether a layer overlaps one side of the county and leaves the other side empty, as a shift does.

    As far again beyond the place where all fits, about as much must stick out on the other side: else the layer
    just has neighbours on one side, or nothing near the border.
    """
    lonlat = _samples(shapes)
    if not len(counties) or len(lonlat) < 5 * _FEWEST:
        return None
    ground = _Ground(lonlat)
    county = shapely.union_all(ground.shapes(counties))
    shapely.prepare(county)
    places = ground.places(lonlat, layer=True)

    def outside(xy: Floats) -> int:
        return int((~shapely.contains_xy(county, xy)).sum())

    here = outside(places["here"])
    controls = [outside(places[name]) for name in ("left", "right")]
    if here < max(10, len(lonlat) // 100):
        return None
    for hypothesis in _HYPOTHESES:
        there = outside(places[hypothesis.name])
        beyond = outside(2 * places[hypothesis.name] - places["here"])
        if 5 * there <= min(here, *controls) and 3 * beyond >= here:
            subject = bilingual("of its features", "的要素")
            how = bilingual("lie in the county", "位于本县范围内")
            shares = (1 - here / len(lonlat), 1 - there / len(lonlat))
            return _told(hypothesis, *shares, _shift_of(places, hypothesis), subject, how)
    return None


def _shift_of(places: Places, hypothesis: _Hypothesis) -> float:
    """Metres between the delivered place and the one that fits."""
    step = places[hypothesis.name] - places["here"]
    return float(np.median(np.hypot(step[:, 0], step[:, 1])))


def _told(hypothesis: _Hypothesis, here: float, there: float, apart: float, subject: Text, how: Text) -> Text:
    """The evidence in words, and what to do."""
    figures = f"{here:.1%} {subject.en} {how.en} as delivered, {there:.1%}"
    figures_zh = f"按原坐标有 {here:.1%} {subject.zh}{how.zh}"
    name = hypothesis.text
    if not hypothesis.option:
        return bilingual(
            f"what the store holds may itself be in {name.en}: {figures} with this layer shifted by GCJ-02's "
            f"{apart:.0f} m; nothing was moved. If so, load the older layers again with --crs GCJ02",
            f"已入库的数据可能是 {name.zh} 坐标：{figures_zh}，本图层按 GCJ-02 偏移 {apart:.0f} 米后为 {there:.1%}；"
            "未移动任何坐标。如属实，请用 --crs GCJ02 重新导入已有图层",
        )
    return bilingual(
        f"the coordinates may be in {name.en}, {apart:.0f} m off: {figures} once taken back from {name.en}; nothing "
        f"was moved. If so, load again with --crs {hypothesis.option}",
        f"坐标可能是 {name.zh}，偏移约 {apart:.0f} 米：{figures_zh}，按 {name.zh} 还原后为 {there:.1%}；"
        f"未移动任何坐标。如属实，请用 --crs {hypothesis.option} 重新入库",
    )
