"""Where the stored data lies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from gridsvc.crs import geographic_crs
from gridsvc.layers import Layers
from gridsvc.store.database import Database
from gridsvc.store.schema import Table, layer_table
from gridsvc.store.versions import select

Bounds = tuple[float, float, float, float]


def extent(db: Database, tables: Iterable[Table]) -> Bounds | None:
    """West, south, east, north, in degrees, of the current geometries of *tables*; None when there are none."""
    boxes = []
    for table in (table for table in tables if table.geometry):
        found = [shape for (shape,) in select(db, table, ("geometry",)) if shape]
        if found:
            boxes.append(shapely.total_bounds(shapely.from_wkb(found)))
    boxes = [box for box in boxes if not np.isnan(box).any()]
    if not boxes:
        return None
    west, south, east, north = np.column_stack(boxes)
    return float(west.min()), float(south.min()), float(east.max()), float(north.max())


def place(db: Database, layers: Layers) -> tuple[Bounds | None, int]:
    """Bounds of the county layer, else of everything (None when empty), and the SRID of stored coordinates."""
    county = layer_table(layers.units["county"])
    bounds = extent(db, [county]) or extent(db, (layer_table(layer) for layer in layers.values()))
    if bounds is None:
        return None, 4326
    west, south, east, north = bounds
    return bounds, int(geographic_crs((west + east) / 2, (south + north) / 2).to_epsg() or 4326)
