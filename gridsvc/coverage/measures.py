"""One measure per kind of indicator: from the scene to what counts above and below the line.

Amounts are whole numbers at a fixed grain (nanometres, square millimetres, thousandths of a feature's weight, or
features), one for each fact of a grain: a piece of a road, a feature of a layer, or a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.indicators import Indicator, Near, Select
from gridsvc.coverage.nearness import near_features
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.partition.areas import cover, union_areas
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Ints, Shapes
from gridsvc.partition.intervals import Intervals

PIECES = "(pieces)"
CELLS = "(cells)"
ARC = 32
"""Straight edges per quarter circle of a buffer: it falls short of the true circle by at most 0.03 % of its radius
(3 cm of 100 m), and by less than 0.05 % in area."""


@dataclass(frozen=True)
class Amounts:
    """Whole amounts of the facts of one grain."""

    grain: str
    """:data:`PIECES`, :data:`CELLS` or the name of a layer."""
    amount: Ints


@dataclass(frozen=True)
class Gaps:
    """What keeps an indicator from its goal: stretches, features of a layer, or parts of cells."""

    stretches: Intervals | None = None
    layer: str = ""
    features: Ints | None = None
    """Rows of the layer."""
    size: Ints | None = None
    """Amounts of these features."""
    areas: Shapes | None = None
    """One (possibly empty) polygon per cell."""


@dataclass(frozen=True)
class Measured:
    """What one indicator counts. All amounts still reach over every zone."""

    numerator: Amounts
    denominator: Amounts
    unknown: Amounts | None = None
    exempt: Amounts | None = None
    gaps: Gaps = Gaps()


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
    maybe = _within(scene, of, near, target.unknown) & ~yes if target.unknown.any() else ~yes & False
    return _share(scene, indicator, yes, maybe)


def _share(scene: Scene, indicator: Indicator, yes: Rows, unknown: Rows) -> Measured:
    """A share of features, from who is in it and of whom it is unknown."""
    of = indicator.features
    amount, weightless = weights(scene, of)
    scope = scene.choose(of)
    exempt = scene.exempt_features(of.layer, indicator.id) & (scope.yes | scope.unknown)
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
    goals = scene.layer(near.layer).geometry.to_numpy()
    for mine, theirs, metres in _groups(scene, of.layer, near, targets):
        tree = shapely.STRtree(shapes[mine])
        hit = tree.query(goals[theirs], predicate="dwithin", distance=metres)[1]
        found[np.flatnonzero(mine)[np.unique(hit)]] = True
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
    deciding = scene.layer(of if near.by == "of" else near.layer)[near.field]
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
    maybe = _reached(scene, of.layer, near, target.unknown).minus(yes)
    if near.by == "of" and near.distance is None:
        # a road whose class is not known has no distance: unknown, unless nothing is asked of it
        nameless = scene.layer(of.layer)[near.field].isna().to_numpy(bool)
        maybe = maybe.union(scene.stretches_of(nameless))
    return _length(scene, indicator, yes, maybe)


def _reached(scene: Scene, roads: str, near: Near, targets: Rows) -> Intervals:
    """Stretches of roads within the distance of targets."""
    goals = scene.layer(near.layer).geometry.to_numpy()
    segments = scene.roads.segments
    reached = Intervals.empty()
    for mine, theirs, metres in _groups(scene, roads, near, targets):
        reached = reached.union(near_features(segments, mine[segments.road], goals[theirs], metres))
    return reached


def _length(scene: Scene, indicator: Indicator, yes: Intervals, unknown: Intervals) -> Measured:
    """A share of road length, from the stretches that are in it and those of which it is unknown."""
    pieces = scene.pieces
    scope = scene.choose(indicator.features)
    whole = scene.stretches_of(scope.yes | scope.unknown)
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
    return cover(cells, scene.layer(indicator.base.layer).geometry.to_numpy()[chosen])


def _ground(scene: Scene, base: Shapes | None) -> Amounts:
    """Area of each cell, or of its part on the base layer."""
    if base is None:
        return Amounts(CELLS, scene.partition.cells["area_mm2"].to_numpy(np.int64))
    return Amounts(CELLS, np.rint(shapely.area(base) * SQUARE_MM).astype(np.int64))


def _area_near(scene: Scene, indicator: Indicator) -> Measured:
    near, base = _near(indicator), _base(scene, indicator)
    shapes = scene.layer(near.layer).geometry.to_numpy()
    metres = np.zeros(len(shapes))
    for _, theirs, distance in _groups(scene, near.layer, near, scene.choose(near).yes):
        metres[theirs] = distance
    wanted = metres > 0
    buffers = shapely.buffer(shapes[wanted], metres[wanted], quad_segs=ARC)
    ground = scene.partition.cells.geometry.to_numpy() if base is None else base
    served = cover(ground, buffers)
    area = np.rint(shapely.area(served) * SQUARE_MM).astype(np.int64)
    whole = _ground(scene, base)
    return Measured(
        Amounts(CELLS, np.minimum(area, whole.amount)),
        whole,
        gaps=Gaps(areas=shapely.difference(ground, served)),
    )


def _area_share(scene: Scene, indicator: Indicator) -> Measured:
    base = _base(scene, indicator)
    chosen = scene.choose(indicator.features).yes
    shapes = scene.layer(indicator.features.layer).geometry.to_numpy()[chosen]
    area = union_areas(scene.partition, shapes, base)
    whole = _ground(scene, base)
    return Measured(Amounts(CELLS, np.minimum(area, whole.amount)), whole)


# densities


def _density(scene: Scene, indicator: Indicator) -> Measured:
    return Measured(
        _sum(scene, indicator.features, indicator.measure), _per(scene, indicator, indicator.per_of)
    )


def _per(scene: Scene, indicator: Indicator, per_of: Select | None) -> Amounts:
    if indicator.per == "area" or per_of is None:
        return _ground(scene, None)
    return _sum(scene, per_of, "length" if indicator.per == "length" else "count")


def _sum(scene: Scene, select: Select, what: str) -> Amounts:
    """Sum over chosen features: road length, union area, weights or their number."""
    chosen = scene.choose(select).yes
    if what == "length":
        return Amounts(PIECES, scene.pieces.covered(scene.stretches_of(chosen)))
    if what == "area":
        shapes = scene.layer(select.layer).geometry.to_numpy()[chosen]
        return Amounts(CELLS, union_areas(scene.partition, shapes))
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


def quantities(indicator: Indicator) -> tuple[float, float]:
    """Base units (metres, square metres, features, persons) per whole amount, above and below the line."""
    length, area, one, weight = 1e-9, 1e-6, 1.0, 1e-3
    if indicator.kind.startswith("length"):
        return length, length
    if indicator.kind.startswith("area"):
        return area, area
    above = weight if indicator.of is not None and indicator.of.weight else one
    if indicator.kind != "density":
        return above, above
    above = {"length": length, "area": area}.get(indicator.measure, above)
    return above, {"length": length, "area": area, "weight": weight}[indicator.per]
