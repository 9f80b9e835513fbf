"""Findings about boundaries: what overlaps, what is left over, what reaches out, what has no parent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import shapely

from gridsvc.checks.duplicates import twins
from gridsvc.checks.parts import has_units, part
from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.layers import Layer


def boundary_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Findings of the partition and of the codes. What is thinner than the drawing noise is a note only."""
    if not scene.store.counts()[scene.layers.units[LEVELS[0]].name]:
        yield part("no_units", level=LEVELS[0])
    if not has_units(scene):
        return
    yield from orphans(scene)
    for layer in scene.layers.units.values():
        yield repeated(scene, layer)
    yield disagreements(scene)


def disagreements(scene: Scene) -> pd.DataFrame:
    """Overlaps, gaps and protrusions of the partition."""
    found = scene.partition.findings
    thin = found["width_m"].to_numpy(float) < scene.workspace.county.drawing_noise
    layout = scene.workspace.county.layout
    names = {level: layer.name for level, layer in scene.layers.units.items()}

    def layer_of(codes: pd.Series) -> list[str]:
        levels = (layout.level(code) for code in codes)
        return [names[level] if level else "" for level in levels]

    return part(
        found["kind"].to_numpy(object),
        severity=np.where(thin, "note", "attention").astype(object),
        level=found["level"].to_numpy(object),
        unit_a=found["unit_a"].to_numpy(object),
        unit_b=found["unit_b"].to_numpy(object),
        layer=layer_of(found["unit_a"]),
        feature=found["unit_a"].to_numpy(object),
        other_layer=layer_of(found["unit_b"]),
        other=found["unit_b"].to_numpy(object),
        size=found["area_m2"].to_numpy(float),
        width_m=found["width_m"].to_numpy(float),
        shape=found["shape"].to_numpy(object),
    )


def orphans(scene: Scene) -> Iterator[pd.DataFrame]:
    """Units whose code names a parent that is not loaded, while others of the parent's level are."""
    layout = scene.workspace.county.layout
    for above, level in pairwise(LEVELS):
        known = set(scene.layer(scene.layers.units[above].name)["code"])
        name = scene.layers.units[level].name
        frame = scene.layer(name)
        parent = frame["code"].map(lambda code: layout.parent(code) or "")
        lost = frame[~parent.isin(known)] if known else frame.head(0)
        shapes = lost.geometry.to_numpy()
        yield part(
            np.full(len(lost), "orphan", dtype=object),
            level=level,
            unit_a=lost["code"].to_numpy(object),
            unit_b=parent[lost.index].to_numpy(object),
            layer=name,
            feature=lost["key"].to_numpy(object),
            size=shapely.area(shapes),
            shape=shapes,
        )


def repeated(scene: Scene, layer: Layer) -> pd.DataFrame:
    """Units of one level with the same outline."""
    frame = scene.layer(layer.name)
    shapes = frame.geometry.to_numpy()
    again, first, _ = twins(shapes, layer.same_place)
    codes = frame["code"].to_numpy(object)
    return part(
        np.full(len(again), "same_outline", dtype=object),
        level=str(layer.level),
        unit_a=codes[again],
        unit_b=codes[first],
        layer=layer.name,
        feature=frame["key"].to_numpy(object)[again],
        other=frame["key"].to_numpy(object)[first],
        size=shapely.area(shapes[again]),
        shape=shapes[again],
    )
