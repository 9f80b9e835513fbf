"""What the checks hand over: rows of findings with their shapes, in the metre CRS of the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.coverage.scene import Scene

TEXTS = (
    *("severity", "kind", "level", "unit_a", "unit_b", "layer", "feature", "other_layer", "other"),
    *("target", "holder", "what_en", "what_zh"),
)
NUMBERS = ("size", "width_m")


def part(kind: Any, **columns: Any) -> pd.DataFrame:
    """Findings: columns of :data:`TEXTS` and :data:`NUMBERS`, and ``shape``; what is left out is empty.

    *kind* is one kind, or one per finding. ``shape`` (metre CRS) is what there is to see: a point, a line or an
    area; None where a finding has no place. ``other`` is a second feature, of ``other_layer`` or the same layer.
    """
    sizes = [len(value) for value in (kind, *columns.values()) if not isinstance(value, str | None)]
    rows = pd.RangeIndex(sizes[0] if sizes else 1)
    frame = pd.DataFrame(index=rows)
    for name in TEXTS:
        value = kind if name == "kind" else columns.pop(name, "")
        frame[name] = pd.Series(value, index=rows, dtype=object)
    for name in NUMBERS:
        frame[name] = pd.Series(columns.pop(name, np.nan), index=rows, dtype=float)
    shapes = np.full(len(rows), None, dtype=object)
    if "shape" in columns:
        shapes[:] = columns.pop("shape")
    frame["shape"] = pd.Series(shapes, index=rows, dtype=object)
    if columns:
        raise TypeError(f"findings have no {', '.join(columns)}")
    return frame


def places(shapes: Any) -> Any:
    """A point on each shape (None where there is none): the middle of a line, inside an area."""
    shapes = np.asarray(shapes, dtype=object)
    points = shapely.point_on_surface(shapes)
    lines = shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING
    points[lines] = shapely.line_interpolate_point(shapes[lines], 0.5, normalized=True)
    return points


def has_units(scene: Scene) -> bool:
    """Whether any boundary is loaded: without one there are no cells."""
    counts = scene.store.counts()
    return any(counts[layer.name] for layer in scene.layers.units.values())
