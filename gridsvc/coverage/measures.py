"""One measure per kind of indicator: from the scene to what counts above and below the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.amounts import CELLS, PIECES, Amounts, Gaps, Measured
from gridsvc.coverage.indicators import Indicator, Near, Select
from gridsvc.coverage.nearness import near_features
from gridsvc.coverage.proximity import features_near
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.partition.areas import cover, surroundings, union_areas
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals
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
    near = _near(indicator)
    _within(scene, indicator.features, near, scene.choose(near).yes)


def _early_areas(scene: Scene, indicator: Indicator) -> None:
    near = _near(indicator)
    _discs(scene, near, scene.choose(near).yes)


_EARLY = {"feature_near": _early_features, "area_near": _early_areas}


# features


def _responsible(scene: Scene, name: str) -> Rows:
    """Units that somebody in office answers for."""
    posts = scene.duties.posts
    held = posts.loc[~posts["vacant"].to_numpy(bool), "unit"]
    holds: Rows = scene.layer(name)["key"].isin(held).to_numpy(bool)
    return holds


def _count_share(scene: Scene, indicator: Indicator) -> Measured:
    of = indicator.features
    if indicator.responsible:
        yes = _responsible(scene, of.layer)
        return _share(scene, indicator, yes, np.zeros(len(yes), dtype=bool))
    match = scene.matching(of.layer, indicator.match)
    return _share(scene, indicator, match.yes, match.unknown)


def _feature_near(scene: Scene, indicator: Indicator) -> Measured:
    near, of = _near(indicator), indicator.features
    target = scene.choose(near)
    yes = _within(scene, of, near, target.yes)
    maybe = _within(scene, of, near, target.unknown) | _undecided(scene, of.layer, near, "of")
    vague = target.possible & _undecided(scene, near.layer, near, "near")
    maybe |= _within(scene, of, _farthest(near), vague)
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


def _within(scene: Scene, of: Select, near: Near, targets: Rows) -> Rows:
    """Features of ``of`` whose shape lies within the distance of a target's shape (true distance)."""
    shapes = scene.layer(of.layer).geometry.to_numpy()
    found = np.zeros(len(shapes), dtype=bool)
    goals = scene.targets(near.layer).geometry.to_numpy()
    for mine, theirs, metres in _groups(scene, of.layer, near, targets):
        found[mine] |= scene.once(
            ("within", of.layer, near.layer, metres, mine.tobytes(), theirs.tobytes()),
            partial(features_near, shapes[mine], goals[theirs], metres, scene.workers),
        )
    return found


def _near(indicator: Indicator) -> Near:
    if indicator.near is None:
        raise ValueError(f"{indicator.id}: {indicator.kind} needs near")
    return indicator.near


def _groups(scene: Scene, of: str, near: Near, targets: Rows) -> list[tuple[Rows, Rows, float]]:
    """Which features look for which targets within which distance: (features, targets, metres)."""
    every = np.ones(len(scene.layer(of)), dtype=bool)
    if not near.by:
        return [(every, targets, float(near.distance or 0))] if targets.any() else []
    deciding = (scene.layer(of) if near.by == "of" else scene.targets(near.layer))[near.field]
    values = deciding.astype(object).where(deciding.notna(), "").to_numpy(object)
    by_metres: dict[float, Rows] = {}
    for value in pd.unique(values):
        metres = near.metres(value)
        if metres is not None:
            by_metres[metres] = by_metres.get(metres, np.zeros(len(values), dtype=bool)) | (values == value)
    groups = sorted(by_metres.items())
    if near.by == "of":
        return [(rows, targets, metres) for metres, rows in groups if targets.any()]
    return [(every, targets & rows, metres) for metres, rows in groups if (targets & rows).any()]


def _undecided(scene: Scene, layer: str, near: Near, by: str) -> Rows:
    """Features of *layer* whose field would decide the distance, but has no value: what they are near is unknown."""
    frame = scene.layer(layer) if by == "of" else scene.targets(layer)
    if near.by != by or near.distance is not None:
        return np.zeros(len(frame), dtype=bool)
    missing: Rows = frame[near.field].isna().to_numpy(bool)
    return missing


def _farthest(near: Near) -> Near:
    """The same choice of targets, all with the largest distance that any can have."""
    largest = max([*near.distances.values(), *([near.distance] if near.distance else [])])
    return near.model_copy(update={"distance": largest, "by": "", "field": "", "distances": {}})


# lengths


def _length_share(scene: Scene, indicator: Indicator) -> Measured:
    if indicator.responsible:
        return _length(scene, indicator, scene.duties.held, Intervals.empty())
    match = scene.matching(indicator.features.layer, indicator.match)
    return _length(scene, indicator, scene.stretches_of(match.yes), scene.stretches_of(match.unknown))


def _length_near(scene: Scene, indicator: Indicator) -> Measured:
    near, of = _near(indicator), indicator.features
    target = scene.choose(near)
    yes = _reached(scene, of.layer, near, target.yes)
    maybe = _reached(scene, of.layer, near, target.unknown)
    maybe = maybe.union(scene.stretches_of(_undecided(scene, of.layer, near, "of")))
    vague = target.possible & _undecided(scene, near.layer, near, "near")
    maybe = maybe.union(_reached(scene, of.layer, _farthest(near), vague))
    return _length(scene, indicator, yes, maybe.minus(yes))


def _reached(scene: Scene, roads: str, near: Near, targets: Rows) -> Intervals:
    """Stretches of roads within the distance of targets."""
    goals = scene.targets(near.layer).geometry.to_numpy()
    segments = scene.roads.segments
    reached = Intervals.empty()
    for mine, theirs, metres in _groups(scene, roads, near, targets):
        found = scene.once(
            ("reached", near.layer, metres, mine.tobytes(), theirs.tobytes()),
            partial(near_features, segments, mine[segments.road], goals[theirs], metres, scene.workers),
        )
        reached = reached.union(found)
    return reached


def _length(scene: Scene, indicator: Indicator, yes: Intervals, unknown: Intervals) -> Measured:
    """A share of road length, from the stretches that are in it and those of which it is unknown."""
    pieces = scene.pieces
    scope = scene.choose(indicator.features)
    whole = scene.stretches_of(scope.possible)
    exempt = scene.exempt_stretches(indicator.id).intersection(whole)
    unclear = scene.stretches_of(scope.unknown).union(unknown.intersection(whole)).minus(exempt)
    counted = whole.minus(exempt).minus(unclear)
    good = yes.intersection(counted)
    return Measured(
        Amounts(PIECES, pieces.covered(good)),
        Amounts(PIECES, pieces.covered(counted)),
        Amounts(PIECES, pieces.covered(unclear)),
        Amounts(PIECES, pieces.covered(exempt)),
        Gaps(stretches=counted.minus(good)),
    )


# areas


def _base(scene: Scene, indicator: Indicator) -> Shapes | None:
    """The part of each cell that counts, where a base layer is named."""
    if indicator.base is None:
        return None
    chosen = scene.choose(indicator.base).yes
    cells = scene.partition.cells.geometry.to_numpy()
    return cover(cells, scene.layer(indicator.base.layer).geometry.to_numpy()[chosen], scene.workers)


def _square_mm(shapes: Shapes) -> Ints:
    return np.asarray(np.rint(shapely.area(shapes) * SQUARE_MM), dtype=np.int64)


def _ground(scene: Scene, base: Shapes | None) -> Amounts:
    """Area of each cell, or of its part on the base layer."""
    if base is None:
        return Amounts(CELLS, scene.partition.cells["area_mm2"].to_numpy(np.int64))
    return Amounts(CELLS, _square_mm(base))


def _area_near(scene: Scene, indicator: Indicator) -> Measured:
    near, base = _near(indicator), _base(scene, indicator)
    ground = scene.partition.cells.geometry.to_numpy() if base is None else base
    target = scene.choose(near)
    vague = target.possible & _undecided(scene, near.layer, near, "near")
    yes = _discs(scene, near, target.yes)
    maybe = np.concatenate([_discs(scene, near, target.unknown), _discs(scene, _farthest(near), vague)])
    served = cover(ground, yes, scene.workers)
    reached = cover(ground, np.concatenate([yes, maybe]), scene.workers) if len(maybe) else served
    gaps = Gaps(ground=ground, reached=reached)
    return _area(_ground(scene, base), _square_mm(served), _square_mm(reached), gaps)


def _discs(scene: Scene, near: Near, targets: Rows) -> Shapes:
    """The surroundings of targets."""
    shapes = scene.targets(near.layer).geometry.to_numpy()
    discs = [
        scene.once(
            ("discs", near.layer, metres, theirs.tobytes()),
            partial(surroundings, shapes[theirs], metres, scene.arc, scene.workers),
        )
        for _, theirs, metres in _groups(scene, near.layer, near, targets)
    ]
    return np.concatenate([np.empty(0, dtype=object), *discs])


def _area_share(scene: Scene, indicator: Indicator) -> Measured:
    base = _base(scene, indicator)
    chosen = scene.choose(indicator.features)
    shapes = scene.layer(indicator.features.layer).geometry.to_numpy()
    area = union_areas(scene.partition, shapes[chosen.yes], base, scene.workers)
    possible = area
    if chosen.unknown.any():
        possible = union_areas(scene.partition, shapes[chosen.possible], base, scene.workers)
    return _area(_ground(scene, base), area, possible, Gaps())


def _area(whole: Amounts, yes: Ints, possible: Ints, gaps: Gaps) -> Measured:
    """A share of area, from what surely and what possibly is in it, rounded each by itself."""
    yes = np.minimum(yes, whole.amount)
    unknown = np.clip(possible, yes, whole.amount) - yes
    return Measured(
        Amounts(CELLS, yes), Amounts(CELLS, whole.amount - unknown), Amounts(CELLS, unknown), gaps=gaps
    )


# densities


def _density(scene: Scene, indicator: Indicator) -> Measured:
    of, what = indicator.features, indicator.measure
    chosen = scene.choose(of)
    missing = weights(scene, of)[1]
    return Measured(
        _sum(scene, of, what, chosen.yes & ~missing),
        _per(scene, indicator, indicator.per_of),
        _sum(scene, of.model_copy(update={"weight": ""}), what, chosen.unknown | (chosen.yes & missing)),
    )


def _per(scene: Scene, indicator: Indicator, per_of: Select | None) -> Amounts:
    if indicator.per == "area" or per_of is None:
        return _ground(scene, None)
    what = "length" if indicator.per == "length" else "count"
    return _sum(scene, per_of, what, scene.choose(per_of).yes)


def _sum(scene: Scene, select: Select, what: str, chosen: Rows) -> Amounts:
    """Sum over chosen features: road length, union area, weights or their number."""
    if what == "length":
        return Amounts(PIECES, scene.pieces.covered(scene.stretches_of(chosen)))
    if what == "area":
        shapes = scene.layer(select.layer).geometry.to_numpy()[chosen]
        return Amounts(CELLS, union_areas(scene.partition, shapes, workers=scene.workers))
    return Amounts(select.layer, np.where(chosen, weights(scene, select)[0], 0))


KINDS: dict[str, Callable[[Scene, Indicator], Measured]] = {
    "count_share": _count_share,
    "length_share": _length_share,
    "length_near": _length_near,
    "feature_near": _feature_near,
    "area_near": _area_near,
    "area_share": _area_share,
    "density": _density,
}
