"""TopoJSON, decoded here: arcs put together into the shapes of GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import DataSet, Delivery
from gridsvc.intake.geojson import crs_member, of_features, read_json

Arcs = list[list[list[float]]]
_DEPTH = 20


def objects_of(path: Path) -> list[str]:
    """Names of the objects in a TopoJSON file."""
    return list(_objects(read_json(path, path.name)[0], path.name))


def read_topojson(data: DataSet, forced: str | None) -> Delivery:
    """Read one object of a topology; each of its geometries is a feature."""
    document, encoding = read_json(data.path, data.shown, forced)
    chosen = _objects(document, data.shown)[data.layer]
    members = chosen.get("geometries") if isinstance(chosen, dict) else None
    collection = isinstance(chosen, dict) and chosen.get("type") == "GeometryCollection"
    shapes: list[Any] = members if collection and isinstance(members, list) else [chosen]
    arcs, scale, move = _arcs(document, data.shown)
    features = [
        {
            **(
                {key: shape[key] for key in ("id", "properties") if key in shape}
                if isinstance(shape, dict)
                else {}
            ),
            "geometry": _geometry(shape, arcs, scale, move),
        }
        for shape in shapes
    ]
    delivery = of_features(data, features, encoding)
    delivery.crs, delivery.crs_note = crs_member(document)
    return delivery


def _objects(document: Any, shown: str) -> dict[str, Any]:
    objects = document.get("objects") if isinstance(document, dict) else None
    if not isinstance(objects, dict) or document.get("type") != "Topology":
        raise InputRefusedError(f"{shown} is JSON, but no topology", f"{shown} 是 JSON，但不是 TopoJSON")
    return {str(name): value for name, value in objects.items()}


def _arcs(document: Any, shown: str) -> tuple[Arcs, list[float], list[float]]:
    """Arcs in coordinates, with scale and origin for the positions of points."""
    transform = document.get("transform")
    try:
        packed = isinstance(transform, dict)
        scale = [float(value) for value in transform["scale"]] if packed else [1.0, 1.0]
        move = [float(value) for value in transform["translate"]] if packed else [0.0, 0.0]
        arcs = []
        for arc in document.get("arcs") or []:
            xy = np.array([position[:2] for position in arc], dtype="float64").reshape(-1, 2)
            # with a transform an arc holds steps from point to point
            arcs.append(((np.cumsum(xy, axis=0) * scale[:2]) + move[:2] if packed else xy).tolist())
    except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise InputRefusedError(
            f"{shown}: its arcs or its transform cannot be read ({error})",
            f"{shown}：弧段或变换参数无法读取（{error}）",
        ) from error
    return arcs, scale[:2], move[:2]


def _geometry(shape: Any, arcs: Arcs, scale: list[float], move: list[float], depth: int = 0) -> Any:
    """GeoJSON geometry of a TopoJSON one: None for a null shape, False for one that cannot be put together."""
    if shape is None or (isinstance(shape, dict) and shape.get("type") is None):
        return None

    def position(values: list[float]) -> list[float]:
        return [values[axis] * scale[axis] + move[axis] for axis in (0, 1)]

    def line(indices: list[int]) -> list[list[float]]:
        joined: list[list[float]] = []
        for index in indices:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            joined += arc[1:] if joined else arc
        return joined

    try:
        kind, parts = shape["type"], shape.get("arcs")
        match kind:
            case "GeometryCollection" if depth < _DEPTH:
                inner = [_geometry(part, arcs, scale, move, depth + 1) for part in shape["geometries"]]
                return {"type": kind, "geometries": inner} if all(inner) else False
            case "Point":
                return {"type": kind, "coordinates": position(shape["coordinates"])}
            case "MultiPoint":
                return {"type": kind, "coordinates": [position(one) for one in shape["coordinates"]]}
            case "LineString":
                return {"type": kind, "coordinates": line(parts)}
            case "MultiLineString" | "Polygon":
                return {"type": kind, "coordinates": [line(ring) for ring in parts]}
            case "MultiPolygon":
                return {"type": kind, "coordinates": [[line(ring) for ring in rings] for rings in parts]}
    except (TypeError, ValueError, KeyError, IndexError):
        pass
    return False
