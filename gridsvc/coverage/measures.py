"""One measure per kind of indicator: from the scene to what counts above and below the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import shapely

from gridsvc.coverage.amounts import CELLS, PIECES, Amounts, Ends, Gaps, Measured, rated
from gridsvc.coverage.clauses import Covered, DeadEnd, Select
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.reach import farthest, features_within, ground_within, near_of, roads_within, undecided
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.coverage.spacing import well_spaced
from gridsvc.partition.areas import cover, fused, union_areas
from gridsvc.partition.cells import OUTSIDE, SQUARE_MM
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals
from gridsvc.partition.segments import Floats
from gridsvc.partition.workers import do


def measure(scene: Scene, indicator: Indicator) -> Measured:
    """Measure *indicator* on *scene*."""
    return KINDS[indicator.kind](scene, indicator)


def weights(scene: Scene, select: Select) -> tuple[Ints, Rows]:
    """Amount of each feature of the layer (thousandths of its weight, or 1), and where the weight is missing."""
    frame = scene.layer(select.layer)
    if not select.weight:
        return np.ones(len(frame), dtype=np.int64), np.zeros(len(frame), dtype=bool)
    value = frame[select.weight].astype("Float64").to_numpy(float, na_value=np.nan)
    missing = np.isnan(value)
    return np.rint(np.where(missing, 0.0, value) * 1000).astype(np.int64), missing


def prepare(scene: Scene, indicators: Iterable[Indicator]) -> None:
    """Make what the indicators share, all that does not need the cells beside the cells themselves.

    The store is read by the asking thread alone; what is read can be measured by any.
    """
    todo = list(indicators)
    scene.read([name for indicator in todo for name in indicator.layers])
    for indicator in todo:
        if indicator.near is not None:
            scene.targets(indicator.near.layer)
    early: list[Callable[[], Any]] = [lambda: scene.partition, lambda: scene.roads]
    early += [partial(_EARLY[one.kind], scene, one) for one in todo if one.kind in _EARLY]
    scene.workers.map(do, early)
    scene.place()


def _early_features(scene: Scene, indicator: Indicator) -> None:
    near = near_of(indicator)
    features_within(scene, indicator.features, near, scene.choose(near).yes)


def _early_areas(scene: Scene, indicator: Indicator) -> None:
    near = near_of(indicator)
    ground_within(scene, near, scene.choose(near).yes)


_EARLY = {"feature_near": _early_features, "area_near": _early_areas}


# features


def _responsible(scene: Scene, name: str) -> Rows:
    """Units that somebody in office answers for."""
    posts = scene.duties.posts
    held = posts.loc[~posts["vacant"].to_numpy(bool), "unit"]
    holds: Rows = scene.layer(name)["key"].isin(held).to_numpy(bool)
    return holds


def _has_chief(scene: Scene, name: str) -> Rows:
    """Assets whose road is certain and that a chief in office answers for where they stand."""
    found = scene.assignments(name)
    place = found["place"].to_numpy(np.int64)
    held: Rows = found["confirmed"].to_numpy(bool) & (scene.duties.held.within(place, place + 1) > 0)
    return held


def _covered(scene: Scene, of: Select, what: Covered) -> tuple[Rows, Rows]:
    """Features of which enough is covered, and those of which it is unknown; areas in whole square millimetres."""
    frame, chosen = scene.layer(of.layer), scene.choose(what)
    shapes, covering = frame.geometry.to_numpy(), scene.layer(what.layer).geometry.to_numpy()
    asked = np.full(len(frame), what.share, dtype=float)
    if what.field:
        asked = frame[what.field].astype("Float64").to_numpy(float, na_value=np.nan)
    size = _square_mm(shapes)

    def enough(rows: Rows) -> Rows:
        held: Rows = _square_mm(cover(shapes, covering[rows], scene.workers)) * 100 >= asked * size
        return held

    yes = enough(chosen.yes)
    possible = enough(chosen.possible) if chosen.unknown.any() else yes
    vague = np.isnan(asked) | (size == 0)
    return yes & ~vague, (possible & ~yes) | vague


def _count_share(scene: Scene, indicator: Indicator) -> Measured:
    of = indicator.features
    if indicator.match:
        match = scene.matching(of.layer, indicator.match)
        return _share(scene, indicator, match.yes, match.unknown)
    if indicator.covered is not None:
        return _share(scene, indicator, *_covered(scene, of, indicator.covered))
    if indicator.filled:
        yes = scene.layer(of.layer)[indicator.filled].notna().to_numpy(bool)
        # a field that nobody ever filled was not delivered: that is no answer
        return _share(scene, indicator, yes, np.full(len(yes), not yes.any()))
    yes = (_responsible if indicator.responsible else _has_chief)(scene, of.layer)
    return _share(scene, indicator, yes, np.zeros(len(yes), dtype=bool))


def _feature_near(scene: Scene, indicator: Indicator) -> Measured:
    near, of = near_of(indicator), indicator.features
    target = scene.choose(near)
    yes = features_within(scene, of, near, target.yes)
    maybe = features_within(scene, of, near, target.unknown) | undecided(scene, of.layer, near, "of")
    vague = target.possible & undecided(scene, near.layer, near, "near")
    maybe |= features_within(scene, of, farthest(near), vague)
    return _share(scene, indicator, yes, maybe & ~yes)


def _share(scene: Scene, indicator: Indicator, yes: Rows, unknown: Rows) -> Measured:
    """A share of features, from who is in it and of whom it is unknown."""
    of = indicator.features
    amount, weightless = weights(scene, of)
    scope = scene.choose(of)
    exempt = scene.exempt_features(of.layer, indicator.id) & (scope.possible)
    unclear = (scope.unknown | (scope.yes & (unknown | weightless))) & ~exempt
    counted = scope.yes & ~unclear & ~exempt
    unit = 1000 if of.weight else 1
    failing = np.flatnonzero(counted & ~yes & (amount > 0))
    return Measured(
        Amounts(of.layer, np.where(counted & yes, amount, 0)),
        Amounts(of.layer, np.where(counted, amount, 0)),
        Amounts(of.layer, np.where(unclear, np.where(weightless, unit, amount), 0)),
        Amounts(of.layer, np.where(exempt, np.where(weightless, unit, amount), 0)),
        Gaps(layer=of.layer, features=failing, size=amount[failing]),
    )


# lengths


def _length_share(scene: Scene, indicator: Indicator) -> Measured:
    if indicator.responsible:
        return _length(scene, indicator, scene.duties.held, Intervals.empty())
    if indicator.vacant:
        return _length(scene, indicator, scene.duties.vacant, Intervals.empty())
    if indicator.dead_ends is not None:
        return _length(scene, indicator, scene.dead_ends(indicator.dead_ends).stretches, Intervals.empty())
    match = scene.matching(indicator.features.layer, indicator.match)
    return _length(scene, indicator, scene.stretches_of(match.yes), scene.stretches_of(match.unknown))


def _length_near(scene: Scene, indicator: Indicator) -> Measured:
    near, of = near_of(indicator), indicator.features
    target = scene.choose(near)
    yes = roads_within(scene, of.layer, near, target.yes)
    maybe = roads_within(scene, of.layer, near, target.unknown)
    maybe = maybe.union(scene.stretches_of(undecided(scene, of.layer, near, "of")))
    vague = target.possible & undecided(scene, near.layer, near, "near")
    maybe = maybe.union(roads_within(scene, of.layer, farthest(near), vague))
    return _length(scene, indicator, yes, maybe.minus(yes))


def _spacing(scene: Scene, indicator: Indicator) -> Measured:
    along = indicator.along
    if along is None:
        raise ValueError(f"{indicator.id}: spacing needs along")
    found, chosen = scene.assignments(along.layer), scene.choose(along)
    row, place = (found[name].to_numpy(np.int64) for name in ("row", "place"))

    def served(rows: Rows) -> Intervals:
        return well_spaced(scene.roads, row[rows], place[rows], along.every, along.at_least)

    yes = served(chosen.yes & found["confirmed"].to_numpy(bool))
    maybe = served(chosen.possible & (row != OUTSIDE))
    return _length(scene, indicator, yes, maybe.minus(yes))


def _along(scene: Scene, stretches: Intervals, rate: Floats | None = None) -> Amounts:
    """What pieces have of stretches."""
    return Amounts(PIECES, rated(scene.pieces.covered(stretches), rate), stretches, rate)


def _length(scene: Scene, indicator: Indicator, yes: Intervals, unknown: Intervals) -> Measured:
    """A share of road length, from the stretches that are in it and those of which it is unknown."""
    scope = scene.choose(indicator.features)
    whole = scene.stretches_of(scope.possible)
    exempt = scene.exempt_stretches(indicator.id).intersection(whole)
    rate, widthless = _widths(scene, indicator)
    vague = scene.stretches_of(scope.unknown | (scope.yes & widthless))
    unclear = vague.union(unknown.intersection(whole)).minus(exempt)
    counted = whole.minus(exempt).minus(unclear)
    good = yes.intersection(counted)
    return Measured(
        _along(scene, good, rate),
        _along(scene, counted, rate),
        _along(scene, unclear, rate),
        _along(scene, exempt, rate),
        Gaps(stretches=good if indicator.direction == "down" else counted.minus(good), rate=rate),
    )


def _widths(scene: Scene, indicator: Indicator) -> tuple[Floats | None, Rows]:
    """Square millimetres that a nanometre of each piece counts, where widths do, and roads whose width is missing.

    What is not known is as wide as the road is drawn.
    """
    name, roads = indicator.features.weight, scene.roads
    if not name:
        return None, np.zeros(len(roads), dtype=bool)
    width = roads.frame[name].astype("Float64").to_numpy(float, na_value=np.nan)
    missing: Rows = np.isnan(width)
    return np.where(missing, roads.width, width)[scene.pieces.road] * 1e-3, missing


# areas


def _base(scene: Scene, indicator: Indicator) -> Shapes | None:
    """The part of each cell that counts, where a base layer is named."""
    if indicator.base is None:
        return None
    layer = indicator.base.layer
    chosen = scene.choose(indicator.base).yes & ~scene.exempt_features(layer, indicator.id)
    return _on(scene, layer, chosen)


def _on(scene: Scene, layer: str, rows: Rows) -> Shapes:
    """The part of each cell that some features of a layer cover."""
    cells = scene.partition.cells.geometry.to_numpy()
    return cover(cells, scene.layer(layer).geometry.to_numpy()[rows], scene.workers)


def _unclear_ground(scene: Scene, indicator: Indicator, ground: Amounts) -> Ints | None:
    """Area of each cell of which it is not known whether it is on the base layer."""
    if indicator.base is None or not scene.choose(indicator.base).unknown.any():
        return None
    layer, chosen = indicator.base.layer, scene.choose(indicator.base)
    possible = chosen.possible & ~scene.exempt_features(layer, indicator.id)
    reached = _square_mm(_on(scene, layer, possible))
    return np.asarray(np.maximum(reached - ground.amount, 0), dtype=np.int64)


def _exempt_ground(scene: Scene, indicator: Indicator, ground: Amounts) -> Amounts | None:
    """Area of each cell that only exempt features of the base layer cover."""
    if indicator.base is None:
        return None
    chosen = scene.choose(indicator.base).yes
    if not (chosen & scene.exempt_features(indicator.base.layer, indicator.id)).any():
        return None
    return Amounts(CELLS, _square_mm(_on(scene, indicator.base.layer, chosen)) - ground.amount)


def _square_mm(shapes: Shapes) -> Ints:
    return np.asarray(np.rint(shapely.area(shapes) * SQUARE_MM), dtype=np.int64)


def _ground(scene: Scene, base: Shapes | None) -> Amounts:
    """Area of each cell, or of its part on the base layer."""
    if base is None:
        return Amounts(CELLS, scene.partition.cells["area_mm2"].to_numpy(np.int64))
    return Amounts(CELLS, _square_mm(base))


def _area_near(scene: Scene, indicator: Indicator) -> Measured:
    near, base = near_of(indicator), _base(scene, indicator)
    ground = scene.partition.cells.geometry.to_numpy() if base is None else base
    target = scene.choose(near)
    vague = target.possible & undecided(scene, near.layer, near, "near")
    yes = ground_within(scene, near, target.yes)
    maybe = np.concatenate(
        [ground_within(scene, near, target.unknown), ground_within(scene, farthest(near), vague)]
    )
    served = reached = cover(ground, yes, scene.workers, fused)
    if len(maybe):
        reached = cover(ground, np.concatenate([yes, maybe]), scene.workers, fused)
    gaps = Gaps(ground=ground, reached=reached)
    return _area(scene, indicator, _ground(scene, base), _square_mm(served), _square_mm(reached), gaps)


def _area_share(scene: Scene, indicator: Indicator) -> Measured:
    base, layer = _base(scene, indicator), indicator.features.layer
    if scene.layers[layer].role == "unit" and base is None:
        inside = _in_units(scene, layer)
        return _area(scene, indicator, _ground(scene, None), inside, inside, Gaps())
    chosen = scene.choose(indicator.features)
    shapes = scene.layer(layer).geometry.to_numpy()
    area = union_areas(scene.partition, shapes[chosen.yes], base, scene.workers)
    possible = area
    if chosen.unknown.any():
        possible = union_areas(scene.partition, shapes[chosen.possible], base, scene.workers)
    return _area(scene, indicator, _ground(scene, base), area, possible, Gaps())


def _in_units(scene: Scene, layer: str) -> Ints:
    """Area of each cell that belongs to a unit of the layer's level, 0 for what is left over between them."""
    cells, level = scene.partition.cells, str(scene.layers[layer].level)
    digits = scene.workspace.county.layout.lengths[level]
    return np.where(cells["unit"].str.len() >= digits, cells["area_mm2"].to_numpy(np.int64), 0)


def _area(
    scene: Scene, indicator: Indicator, whole: Amounts, yes: Ints, possible: Ints, gaps: Gaps
) -> Measured:
    """A share of area, from what surely and what possibly is in it, rounded each by itself."""
    yes = np.minimum(yes, whole.amount)
    unknown = np.clip(possible, yes, whole.amount) - yes
    unclear = _unclear_ground(scene, indicator, whole)
    return Measured(
        Amounts(CELLS, yes),
        Amounts(CELLS, whole.amount - unknown),
        Amounts(CELLS, unknown if unclear is None else unknown + unclear),
        _exempt_ground(scene, indicator, whole),
        gaps,
    )


# densities


def _density(scene: Scene, indicator: Indicator) -> Measured:
    of, what = indicator.features, indicator.measure
    if indicator.dead_ends is not None:
        ends = _dead_ends(scene, indicator, indicator.dead_ends)
        found = np.bincount(ends.piece, minlength=len(scene.pieces)).astype(np.int64)
        per = _per(scene, indicator, indicator.per_of)
        return Measured(Amounts(PIECES, found), per, gaps=Gaps(ends=ends))
    exempt: Amounts | None
    if what == "length":
        whole = scene.stretches_of(scene.choose(of).yes)
        left_out = scene.exempt_stretches(indicator.id).intersection(whole)
        counted, exempt = _along(scene, whole.minus(left_out)), _along(scene, left_out)
    else:
        known = scene.choose(of).yes & ~weights(scene, of)[1]
        rows = scene.exempt_features(of.layer, indicator.id)
        counted, exempt = (_sum(scene, of, what, known & one) for one in (~rows, rows))
    unknown = _unnumbered(scene, indicator)
    per = _per(scene, indicator, indicator.per_of)
    return Measured(counted, per, unknown[0], exempt, unknown_per=unknown[1] if len(unknown) > 1 else None)


def _unnumbered(scene: Scene, indicator: Indicator) -> list[Amounts]:
    """Features that a density leaves out of a side because a field or number is missing, by layer: each is one."""
    found: dict[str, Rows] = {}
    for select in (indicator.of, indicator.per_of):
        if select is not None:
            chosen, missing = scene.choose(select), weights(scene, select)[1]
            rows = chosen.unknown | (chosen.yes & missing)
            rows &= ~scene.exempt_features(select.layer, indicator.id)
            found[select.layer] = found.get(select.layer, False) | rows
    return [Amounts(layer, rows.astype(np.int64)) for layer, rows in found.items()]


def _dead_ends(scene: Scene, indicator: Indicator, what: DeadEnd) -> Ends:
    """Dead ends of chosen roads that are not exempt, each with the piece of road that ends there."""
    ends, pieces = scene.dead_ends(what), scene.pieces
    scope = scene.stretches_of(scene.choose(indicator.features).yes)
    counted = scope.minus(scene.exempt_stretches(indicator.id))
    # an end is the first or the last place of its road: the nanometre beside it is on the road
    held = counted.within(ends.place - 1, ends.place + 1) > 0
    place, cell = ends.place[held], scene.partition.locate(ends.xy[held])
    found = np.full(len(place), -1, dtype=np.int64)
    for side in (1, 0):
        mine = np.flatnonzero(pieces.side == side)
        mine = mine[np.argsort(pieces.start[mine], kind="stable")]
        last = mine[np.clip(np.searchsorted(pieces.end[mine], place, side="left"), 0, len(mine) - 1)]
        found = np.where((found < 0) | (pieces.cell[last] == cell), last, found)
    return Ends(ends.xy[held], place, found, ends.length[held])


def _per(scene: Scene, indicator: Indicator, per_of: Select | None) -> Amounts:
    if indicator.per == "area" or per_of is None:
        return _ground(scene, None)
    what = "length" if indicator.per == "length" else "count"
    return _sum(scene, per_of, what, scene.choose(per_of).yes)


def _sum(scene: Scene, select: Select, what: str, chosen: Rows) -> Amounts:
    """Sum over chosen features: road length, union area, weights or their number."""
    if what == "length":
        return _along(scene, scene.stretches_of(chosen))
    if what == "area":
        shapes = scene.layer(select.layer).geometry.to_numpy()[chosen]
        return Amounts(CELLS, union_areas(scene.partition, shapes, workers=scene.workers))
    return Amounts(select.layer, np.where(chosen, weights(scene, select)[0], 0))


KINDS: dict[str, Callable[[Scene, Indicator], Measured]] = {
    "count_share": _count_share,
    "length_share": _length_share,
    "length_near": _length_near,
    "spacing": _spacing,
    "feature_near": _feature_near,
    "area_near": _area_near,
    "area_share": _area_share,
    "density": _density,
}
