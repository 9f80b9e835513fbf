"""GeoJSON, read feature by feature so that a broken one is told and the others are kept."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Column, DataSet, Delivery, Mask, Objects, encodable, unique_names
from gridsvc.intake.encoding import Encoding, detect_text
from gridsvc.text import Text, bilingual

_SHAPES = {
    "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
}  # fmt: skip


def read_geojson(data: DataSet, forced: str | None) -> Delivery:
    """Read a feature collection, a single feature or a bare geometry, in any text encoding.

    Without a ``crs`` member coordinates are lon/lat degrees, as the format prescribes.
    """
    document, encoding = read_json(data.path, data.shown, forced)
    crs, crs_note = crs_member(document)
    delivery = of_features(data, _features(document, data.shown), encoding)
    delivery.crs, delivery.crs_note = crs, crs_note
    delivery.layer_crs_free = crs is None and crs_note is None
    return delivery


def read_json(path: Path, shown: str, forced: str | None = None) -> tuple[Any, Encoding]:
    """The JSON document in *path* (*shown* to people by that name), in any text encoding."""
    text, encoding = detect_text(path.read_bytes(), shown, forced)
    try:
        return json.loads(text), encoding
    except (ValueError, RecursionError) as error:
        raise InputRefusedError(
            f"{shown} is not valid JSON: {error}", f"{shown} 不是有效的 JSON：{error}"
        ) from error


def of_features(data: DataSet, features: list[Any], encoding: Encoding) -> Delivery:
    """A delivery of GeoJSON features; its coordinate system is left open."""
    properties = [_properties(feature) for feature in features]
    names = dict.fromkeys(name for record in properties for name in record)
    made = (Column.of_cells(partial(_member, properties, name)) for name in names)
    columns = dict(zip(unique_names(encodable(str(name)) for name in names), made, strict=True))
    geometry, unreadable = _geometries(features)
    return Delivery(
        data.title,
        data.format,
        np.arange(1, len(features) + 1, dtype="int64"),
        columns,
        geometry=geometry,
        unreadable=unreadable,
        encoding=encoding.title,
        encoding_note=encoding.how,
        samples=_samples(properties),
        notes=encoding.notes,
    )


def _features(document: Any, shown: str) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        return list(document["features"])
    if kind == "Feature":
        return [document]
    if isinstance(kind, str) and kind in _SHAPES:
        return [{"type": "Feature", "properties": {}, "geometry": document}]
    raise InputRefusedError(
        f"{shown} is JSON, but no GeoJSON feature collection (its type is {kind!r})",
        f"{shown} 是 JSON，但不是 GeoJSON 要素集合（type 为 {kind!r}）",
    )


def _properties(feature: Any) -> dict[str, Any]:
    """Properties of one feature, with its ``id`` where no property has that name."""
    if not isinstance(feature, dict):
        return {}
    found = feature.get("properties")
    record: dict[str, Any] = found if isinstance(found, dict) else {}
    if "id" in feature and "id" not in record and not isinstance(feature["id"], dict | list):
        record = {**record, "id": feature["id"]}
    return record


def _member(properties: list[dict[str, Any]], name: str) -> list[Any]:
    return [record.get(name) for record in properties]


def _samples(properties: list[dict[str, Any]]) -> list[str]:
    texts = (
        value
        for record in properties[:1000]
        for value in record.values()
        if isinstance(value, str) and not value.isascii()
    )
    return list(
        dict.fromkeys(encodable(text).strip()[:40] for text, _ in zip(texts, range(50), strict=False))
    )[:3]


def _geometries(features: list[Any]) -> tuple[Objects, Mask]:
    """Shapes of the features, and which were there but could not be read."""
    raw: list[Any] = [feature.get("geometry") if isinstance(feature, dict) else False for feature in features]
    shapes = np.full(len(raw), None, dtype=object)
    points = [i for i, value in enumerate(raw) if isinstance(value, dict) and value.get("type") == "Point"]
    try:
        # the common case at size: every point in one go
        xy = np.array([[float(c) for c in _pair(raw[i]["coordinates"])] for i in points], dtype="float64")
        shapes[points] = shapely.points(xy.reshape(-1, 2))
        rest = sorted(set(range(len(raw))) - set(points))
    except (TypeError, ValueError, KeyError, OverflowError):
        rest = list(range(len(raw)))
    texts = np.array([json.dumps(raw[i]) if isinstance(raw[i], dict) else "null" for i in rest], dtype=object)
    if len(texts):
        # a number too large for a float becomes infinite, and is told by the checks
        with np.errstate(over="ignore"):
            shapes[rest] = shapely.from_geojson(texts, on_invalid="ignore")
    present = np.array([value is not None for value in raw], dtype=bool)
    return shapes, present & np.asarray(shapely.is_missing(shapes), dtype=bool)


def _pair(position: Any) -> Any:
    """First two numbers of a position; text that looks like a number is no number."""
    if not isinstance(position, list) or len(position) < 2 or isinstance(position[0], str | bool):
        raise ValueError("not a position")
    if isinstance(position[1], str | bool):
        raise ValueError("not a position")
    return position[:2]


def crs_member(document: Any) -> tuple[pyproj.CRS | None, Text | None]:
    """CRS of the ``crs`` member, or a note why it is no use; neither where there is no such member."""
    member = document.get("crs") if isinstance(document, dict) else None
    if member is None:
        return None, None
    try:
        name = str(member["properties"]["name"])
        return pyproj.CRS.from_user_input(name), bilingual(f"crs member {name}", f"crs 成员 {name}")
    except (KeyError, TypeError, pyproj.exceptions.CRSError):
        shown = json.dumps(member, ensure_ascii=False)[:60]
        return None, bilingual(f"its crs member {shown} is not known", f"crs 成员 {shown} 无法识别")
