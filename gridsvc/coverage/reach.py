"""What is near what: features, stretches of roads and ground within the distance of targets, straight or on foot."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.chains import SHORT, Chains, chains_of
from gridsvc.coverage.clauses import Near, Select
from gridsvc.coverage.indicators import Indicator
from gridsvc.coverage.nearness import near_features
from gridsvc.coverage.proximity import features_near
from gridsvc.coverage.scene import Rows, Scene
from gridsvc.coverage.walking import ground_within_walk, streets_within_walk, within_walk
from gridsvc.partition.areas import surroundings
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Shapes
from gridsvc.partition.intervals import Intervals


def near_of(indicator: Indicator) -> Near:
    """What must be near, of kinds that have it."""
    if indicator.near is None:
        raise ValueError(f"{indicator.id}: {indicator.kind} needs near")
    return indicator.near


def features_within(scene: Scene, of: Select, near: Near, targets: Rows) -> Rows:
    """Features of ``of`` whose shape lies within the distance of a target's shape (true distance, or a walk)."""
    shapes = scene.layer(of.layer).geometry.to_numpy()
    found = np.zeros(len(shapes), dtype=bool)
    goals = scene.targets(near.layer).geometry.to_numpy()
    for mine, theirs, metres in groups(scene, of.layer, near, targets):
        if near.way == "walk":
            make = partial(within_walk, scene.streets, shapes[mine], goals[theirs], metres, near.join)
        else:
            chains = _chains(scene, near.layer, theirs, metres)
            make = partial(features_near, shapes[mine], goals[theirs], metres, scene.workers, chains)
        key = ("within", of.layer, near.layer, metres, *_way(near), mine.tobytes(), theirs.tobytes())
        found[mine] |= scene.once(key, make)
    return found


def roads_within(scene: Scene, roads: str, near: Near, targets: Rows) -> Intervals:
    """Stretches of roads within the distance of targets."""
    goals = scene.targets(near.layer).geometry.to_numpy()
    segments = scene.roads.segments
    reached = Intervals.empty()
    for mine, theirs, metres in groups(scene, roads, near, targets):
        key = ("reached", near.layer, metres, *_way(near), theirs.tobytes())
        if near.way == "walk":
            walk = partial(streets_within_walk, scene.streets, goals[theirs], metres, near.join)
            found = scene.once(key, walk).intersection(scene.stretches_of(mine))
        else:
            rows = mine[segments.road]
            chains = _chains(scene, near.layer, theirs, metres)
            straight = partial(near_features, segments, rows, goals[theirs], metres, scene.workers, chains)
            found = scene.once((*key, mine.tobytes()), straight)
        reached = reached.union(found)
    return reached


def _chains(scene: Scene, layer: str, targets: Rows, metres: float) -> Chains:
    """Chains of some targets, as roads and features ask for that look as far."""
    length = max(metres, SHORT)
    shapes = scene.targets(layer).geometry.to_numpy()[targets]
    return scene.once(("chains", layer, length, targets.tobytes()), partial(chains_of, shapes, length))


def ground_within(scene: Scene, near: Near, targets: Rows) -> Shapes:
    """The ground within the distance of targets, as polygons that may overlap."""
    shapes = scene.targets(near.layer).geometry.to_numpy()
    found = [np.empty(0, dtype=object)]
    for _, theirs, metres in groups(scene, near.layer, near, targets):
        if near.way == "walk":
            make = partial(ground_within_walk, scene.streets, shapes[theirs], metres, near.join, scene.arc)
        else:
            make = partial(surroundings, shapes[theirs], metres, scene.arc, scene.workers)
        found.append(scene.once(("discs", near.layer, metres, *_way(near), theirs.tobytes()), make))
    return np.concatenate(found)


def groups(scene: Scene, of: str, near: Near, targets: Rows) -> list[tuple[Rows, Rows, float]]:
    """Which features look for which targets within which distance: (features, targets, metres)."""
    every = np.ones(len(scene.layer(of)), dtype=bool)
    if near.by_area:
        found = _by_area(near, scene.targets(near.layer).geometry.to_numpy())
        return [(every, targets & rows, metres) for metres, rows in found if (targets & rows).any()]
    if not near.by:
        return [(every, targets, float(near.distance or 0))] if targets.any() else []
    deciding = (scene.layer(of) if near.by == "of" else scene.targets(near.layer))[near.field]
    found = _by_metres(near, deciding)
    if near.by == "of":
        return [(rows, targets, metres) for metres, rows in found if targets.any()]
    return [(every, targets & rows, metres) for metres, rows in found if (targets & rows).any()]


def _by_metres(near: Near, deciding: pd.Series) -> list[tuple[float, Rows]]:
    """Rows of the deciding field by the distance that their value stands for."""
    values = deciding.astype(object).where(deciding.notna(), "").to_numpy(object)
    by_metres: dict[float, Rows] = {}
    for value in pd.unique(values):
        metres = near.metres(value)
        if metres is not None:
            by_metres[metres] = by_metres.get(metres, np.zeros(len(values), dtype=bool)) | (values == value)
    return sorted(by_metres.items())


def _by_area(near: Near, shapes: Shapes) -> list[tuple[float, Rows]]:
    """Targets by the distance that their area, in whole square millimetres, stands for."""
    size = np.rint(shapely.area(shapes) * SQUARE_MM)
    bounds = [bound * SQUARE_MM for bound, _ in near.by_area]
    step = np.searchsorted(bounds, size, side="right")
    by_metres: dict[float, Rows] = {}
    for number, metres in enumerate([near.distance, *(metres for _, metres in near.by_area)]):
        if metres is not None:
            by_metres[metres] = by_metres.get(metres, np.zeros(len(shapes), dtype=bool)) | (step == number)
    return sorted(by_metres.items())


def new_target(near: Near) -> dict[str, Any]:
    """Fields of a target that does not stand yet, as the condition asks for them; None where it asks for nothing."""
    asked: dict[str, Any] = {near.field: None} if near.by == "near" else {}
    return asked | {field: values[0] for field, values in near.where.items()}


def near_new(scene: Scene, of: str, near: Near) -> list[tuple[Rows, float]]:
    """Which features of *of* would be near a :func:`new_target` within how many metres; none where nothing says."""
    if near.by == "of":
        return [(rows, metres) for metres, rows in _by_metres(near, scene.layer(of)[near.field])]
    fields = new_target(near)
    metres = near.metres(fields[near.field] or "") if near.by else near.distance
    return [] if metres is None else [(np.ones(len(scene.layer(of)), dtype=bool), metres)]


def _way(near: Near) -> tuple[str, float]:
    """How the distance is measured, as part of what a result is kept under."""
    return near.way, near.join if near.way == "walk" else 0.0


def undecided(scene: Scene, layer: str, near: Near, by: str) -> Rows:
    """Features of *layer* whose field would decide the distance, but has no value: what they are near is unknown."""
    frame = scene.layer(layer) if by == "of" else scene.targets(layer)
    if near.by != by or near.distance is not None:
        return np.zeros(len(frame), dtype=bool)
    missing: Rows = frame[near.field].isna().to_numpy(bool)
    return missing


def farthest(near: Near) -> Near:
    """The same choice of targets, all with the largest distance that any can have."""
    steps = [metres for _, metres in near.by_area]
    largest = max([*near.distances.values(), *steps, *([near.distance] if near.distance else [])])
    given = {"distance": largest, "by": "", "field": "", "distances": {}, "by_area": ()}
    return near.model_copy(update=given)
