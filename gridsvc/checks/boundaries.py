"""Findings about boundaries: what overlaps, what is left over, what reaches out, what has no parent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform


def boundary_findings(scene: Scene) -> Iterator[pd.DataFrame]:
    """Findings of the partition and of the codes. What is thinner than the drawing noise is a note only."""
    empty = scene.store.counts()
    if not empty[scene.layers.units[LEVELS[0]].name]:
        yield pd.DataFrame({"kind": ["no_units"], "level": [LEVELS[0]]})
    if not any(empty[layer.name] for layer in scene.layers.units.values()):
        return
    yield orphans(scene)
    found = scene.partition.findings
    lon, lat = degrees(scene, found["x"].to_numpy(float), found["y"].to_numpy(float))
    thin = found["width_m"].to_numpy(float) < scene.workspace.county.drawing_noise
    yield pd.DataFrame(
        {
            "severity": np.where(thin, "note", "attention").astype(object),
            **{name: found[name].to_numpy(object) for name in ("kind", "level", "unit_a", "unit_b")},
            "size": found["area_m2"].to_numpy(float),
            "width_m": found["width_m"].to_numpy(float),
            "lon": lon,
            "lat": lat,
        }
    )


def orphans(scene: Scene) -> pd.DataFrame:
    """Units whose code names a parent that is not loaded, while others of the parent's level are."""
    layout = scene.workspace.county.layout
    parts = []
    for above, level in pairwise(LEVELS):
        known = set(scene.layer(scene.layers.units[above].name)["code"])
        frame = scene.layer(scene.layers.units[level].name)
        parent = frame["code"].map(lambda code: layout.parent(code) or "")
        lost = frame[~parent.isin(known)] if known else frame.head(0)
        points = shapely.point_on_surface(lost.geometry.to_numpy())
        lon, lat = degrees(scene, shapely.get_x(points), shapely.get_y(points))
        parts.append(
            pd.DataFrame(
                {
                    "kind": "orphan",
                    "level": level,
                    "unit_a": lost["code"].to_numpy(object),
                    "unit_b": parent[lost.index].to_numpy(object),
                    "size": shapely.area(lost.geometry.to_numpy()),
                    "lon": lon,
                    "lat": lat,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def degrees(scene: Scene, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of positions in the metre CRS."""
    points = transform(shapely.points(x, y), scene.crs, scene.store.crs)
    return shapely.get_x(points), shapely.get_y(points)
