"""Closing slivers in the store: which units move, and one load per level that can be undone."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridsvc.codes import LEVELS
from gridsvc.coverage.scene import Scene
from gridsvc.crs import transform
from gridsvc.errors import StoreBusyError
from gridsvc.partition.cells import Units
from gridsvc.partition.slivers import Closed, close_slivers
from gridsvc.partition.validity import units_on
from gridsvc.partition.vertices import Vertices
from gridsvc.store import LoadRecord, Source, Store

SOURCE = "check --fix"


@dataclass(frozen=True)
class Mended:
    """Boundaries whose slivers are closed, not stored yet."""

    width: float
    closed: Closed
    frames: dict[str, gpd.GeoDataFrame]
    """The changed units by layer, as they are to be stored."""
    versions: dict[str, int]
    """The newest load of each layer that this rests on."""


def mend(scene: Scene, width: float) -> Mended:
    """Close what is thinner than *width* metres in the units valid on the day of *scene*; nothing is stored."""
    layers = scene.layers.units
    metres = {level: scene.layer(layer.name) for level, layer in layers.items()}
    versions = {layer.name: scene.store.layer_version(layer.name) for layer in layers.values()}
    closed = close_slivers(Units.of(metres), scene.workspace.county.layout, width)
    # the same rows as in metres: units of other days stay as they are
    degrees = {level: units_on(scene.store.read(layer.name), scene.as_of) for level, layer in layers.items()}
    vertices = Vertices(
        np.concatenate([frame.geometry.to_numpy() for frame in metres.values()]),
        np.concatenate([frame.geometry.to_numpy() for frame in degrees.values()]),
    )
    shapes = closed.units["shape"].to_numpy(object)
    moved = transform(shapes, scene.crs, scene.store.crs)
    moved = vertices.restore(shapes, moved)
    frames = {}
    for level in LEVELS:
        chosen = (closed.units["level"] == level).to_numpy(bool)
        if chosen.any():
            name = layers[level].name
            frames[name] = _rows(
                scene.store, name, degrees[level], closed.units["code"][chosen], moved[chosen]
            )
    return Mended(width, closed, frames, versions)


def _rows(
    store: Store, layer: str, frame: gpd.GeoDataFrame, codes: pd.Series, shapes: np.ndarray
) -> gpd.GeoDataFrame:
    """Rows of the units *codes* with their new shapes; they keep the rows of the files that they came from."""
    rows = frame.set_index("code", drop=False).loc[codes].reset_index(drop=True)
    origin = store.origins(layer).set_index("key")["source_row"].reindex(rows["key"])
    shapes = np.asarray(shapely.orient_polygons(shapes), dtype=object)
    return (
        rows.drop(columns=["fid"])
        .assign(source_row=origin.to_numpy(object))
        .set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))
    )


def apply(store: Store, mended: Mended) -> list[LoadRecord]:
    """Store what was mended, one load a layer; refused where another load came in between."""
    records = []
    for name, frame in mended.frames.items():
        if store.layer_version(name) != mended.versions[name]:
            raise StoreBusyError(
                f"{name}: another load came in while the boundaries were mended; run it again",
                f"{name}：修复过程中有新的入库，请重新执行",
            )
        source = Source(SOURCE, "", {"width": mended.width})
        records.append(store.apply(name, frame, source, "upsert", answers=False))
    return records
