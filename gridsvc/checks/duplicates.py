"""Findings about features that stand twice: at one place, or close by under one name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridsvc.checks.parts import part
from gridsvc.coverage.scene import Scene
from gridsvc.duties.roads import texts
from gridsvc.layers import Layer, fold
from gridsvc.partition.cells import connected

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NAMESAKES = 20.0
"""Metres within which points of one name are taken for one thing: the coarsest class of positions in GB/T 30428.2
is ±10 m, so two readings of one place are at most twice that apart."""


def duplicate_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Assets and places that stand twice."""
    for layer in [*scene.layers.of_role("asset"), *scene.layers.of_role("place")]:
        if len(scene.layer(layer.name)):
            yield same_place(scene, layer)
            yield same_name(scene, layer)


def same_place(scene: Scene, layer: Layer) -> pd.DataFrame:
    """Features whose shapes differ by no more than the layer's ``same_place``; all but the first of each."""
    frame = scene.layer(layer.name)
    shapes = frame.geometry.to_numpy()
    again, first, apart = twins(shapes, layer.same_place)
    keys = frame["key"].to_numpy(object)
    return part(
        np.full(len(again), "same_place", dtype=object),
        layer=layer.name,
        feature=keys[again],
        other=keys[first],
        size=apart,
        shape=shapes[again],
    )


def twins(shapes: Any, distance: float) -> tuple[Ints, Ints, Floats]:
    """Shapes (metre CRS, valid) that repeat an earlier one: row, row of the first, metres apart.

    Two shapes are the same where no vertex of either is farther than *distance* from the other. All four bounds of
    such shapes agree, so a tree of bounds finds the candidates, of points, lines and polygons alike.
    """
    bounds = np.asarray(shapely.bounds(shapes), dtype=float).reshape(-1, 4)
    if distance <= 0 or len(bounds) < 2:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0)
    # copies are put together first: thousands at one place would be millions of pairs
    looks = np.column_stack([bounds, shapely.area(shapes), shapely.length(shapes)])
    _, row, place = np.unique(looks, axis=0, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    near = cKDTree(bounds[row]).query_pairs(distance, p=np.inf, output_type="ndarray")
    copies = np.flatnonzero(row[place] != np.arange(len(bounds)))
    one = np.concatenate([row[near[:, 0]], row[place][copies]])
    other = np.concatenate([row[near[:, 1]], copies])
    apart = shapely.hausdorff_distance(shapes[one], shapes[other])
    same = apart <= distance
    number = connected(len(bounds), one[same], other[same])
    first = np.full(number.max() + 1, len(bounds), dtype=np.int64)
    np.minimum.at(first, number, np.arange(len(bounds)))
    again = np.flatnonzero(first[number] != np.arange(len(bounds)))
    first = first[number][again]
    return again, first, np.asarray(shapely.hausdorff_distance(shapes[again], shapes[first]), dtype=float)


def same_name(scene: Scene, layer: Layer) -> pd.DataFrame:
    """Points of one layer and name that stand within :data:`NAMESAKES`, but not at one place."""
    frame = scene.layer(layer.name)
    shapes = frame.geometry.to_numpy()
    name = texts(frame, "name")
    rows = np.flatnonzero((name != "") & (shapely.get_dimensions(shapes) == 0))
    folded = pd.factorize(np.array([fold(text) for text in name[rows]], dtype=object))[0]
    # a third coordinate keeps different names apart
    xyz = np.column_stack([shapely.get_coordinates(shapely.centroid(shapes[rows])), folded * 10 * NAMESAKES])
    pairs = cKDTree(xyz).query_pairs(NAMESAKES, output_type="ndarray") if len(rows) else np.empty((0, 2), int)
    first, again = rows[pairs.min(axis=1)], rows[pairs.max(axis=1)]
    apart = shapely.distance(shapes[first], shapes[again])
    kept = apart > layer.same_place
    order = np.lexsort((first[kept], again[kept]))
    again, first, apart = again[kept][order], first[kept][order], apart[kept][order]
    # each feature once, with the first of its name
    once = np.unique(again, return_index=True)[1]
    again, first, apart = again[once], first[once], apart[once]
    keys = frame["key"].to_numpy(object)
    return part(
        np.full(len(again), "same_name", dtype=object),
        layer=layer.name,
        feature=keys[again],
        other=keys[first],
        target=name[again],
        size=apart,
        shape=shapes[again],
    )
