"""Findings about duties: who is not known, what is not there, which posts are vacant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridsvc.checks.parts import has_units, part
from gridsvc.coverage.scene import Scene
from gridsvc.duties.stretches import DUTIES


def responsibility_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Findings of the duties of the scene's day."""
    yield faulty_duties(scene)
    yield vacant_roads(scene)
    yield vacant_units(scene)
    if has_units(scene):
        yield unused_shares(scene)


def faulty_duties(scene: Scene) -> pd.DataFrame:
    """Duties that name nobody or nothing."""
    faults = scene.duties.faults
    return part(
        faults["fault"].to_numpy(object),
        layer=DUTIES,
        feature=faults["key"].to_numpy(object),
        target=faults["target"].to_numpy(object),
        holder=faults["holder"].to_numpy(object),
    )


def vacant_roads(scene: Scene) -> pd.DataFrame:
    """Vacant posts with duties on roads: one finding a post and road."""
    stretches = scene.duties.stretches
    vacant = stretches[stretches["vacant"].to_numpy(bool)]
    label = pd.Series(scene.roads.label[vacant["row"].to_numpy(int)], index=vacant.index, dtype=object)
    first = vacant.assign(target=label).drop_duplicates(["holder", "role", "target"])
    return _vacant(first, scene.roads.frame.geometry.to_numpy()[first["row"].to_numpy(int)])


def vacant_units(scene: Scene) -> pd.DataFrame:
    """Vacant posts with duties on units."""
    posts = scene.duties.posts
    vacant = posts[posts["vacant"].to_numpy(bool)]
    frames = [scene.layer(layer.name) for layer in scene.layers.units.values()]
    shape_of = {
        code: shape for frame in frames for code, shape in zip(frame["code"], frame.geometry, strict=True)
    }
    shapes = np.array([*map(shape_of.get, vacant["unit"]), None], dtype=object)[:-1]
    found = _vacant(vacant.assign(target=vacant["unit"]), shapes)
    return found.assign(unit_a=vacant["unit"].to_numpy(object))


def unused_shares(scene: Scene) -> pd.DataFrame:
    """Agreements between neighbours on sharing a road that apply nowhere."""
    rows = scene.unused_shares
    return part(
        np.full(len(rows), "unused_share", dtype=object),
        layer="road_shares",
        feature=rows["key"].to_numpy(object),
        target=rows["road_id"].to_numpy(object),
        unit_a=rows["unit_code"].to_numpy(object),
    )


def _vacant(rows: pd.DataFrame, shapes: np.ndarray) -> pd.DataFrame:
    return part(
        np.full(len(rows), "vacant", dtype=object),
        target=rows["target"].to_numpy(object),
        holder=rows["holder"].to_numpy(object),
        shape=shapes,
    )
