"""The API document: OpenAPI 3.0, with one concrete path per collection.

Clients lean on it: GDAL pushes a filter to the service only for properties that stand here as parameters of
``/collections/NAME/items``, and what does not stand here is refused (see :func:`parameters`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gridsvc.api.filters import DEFAULT_LIMIT, MAX_LIMIT
from gridsvc.api.frames import filterable
from gridsvc.layers import Field, Layer, Layers
from gridsvc.settings import County

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
COLLECTION = "/collections/{collectionId}"
ITEMS = f"{COLLECTION}/items"

DESCRIPTION = (
    "Boundaries, street assets, coverage figures and road chiefs' maps. Layers follow OGC API – Features. "
    "Coordinates are longitude, latitude (CRS84), rounded to nine decimals. Exact numerators and denominators "
    "are whole numbers and may exceed 2^53."
)
JSON_TYPES: dict[str, dict[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


def describe(field: Field) -> str:
    """A field's titles, unit and values, for readers of the API document."""
    parts = [f"{field.title.en} ({field.title.zh})"]
    if field.unit:
        parts.append(f"in {field.unit}")
    if field.values:
        parts.append("one of: " + ", ".join(f"{v.value} ({v.en}, {v.zh})" for v in field.values))
    return "; ".join(parts)


def field_schema(field: Field) -> dict[str, Any]:
    """JSON schema of one property."""
    schema: dict[str, Any] = {
        **JSON_TYPES[field.type],
        "title": field.title.en,
        "description": describe(field),
    }
    if field.minimum is not None:
        schema["minimum"] = field.minimum
    if field.maximum is not None:
        schema["maximum"] = field.maximum
    if field.values:
        schema["enum"] = [value.value for value in field.values]
    return schema


def _property_parameter(name: str, field: Field) -> dict[str, Any]:
    """A property as a query parameter: features whose value is equal are selected."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": f"{describe(field)}. Selects features with this very value",
        # no list of allowed values: a value that no feature has selects nothing
        "schema": dict(JSON_TYPES[field.type]),
        "style": "form",
        "explode": False,
    }


def to_3_0(schema: Any) -> Any:
    """A JSON schema of OpenAPI 3.1 said in the words of 3.0: null is ``nullable``, a constant a list of one."""
    if isinstance(schema, list):
        return [to_3_0(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: to_3_0(value) for key, value in schema.items()}
    if "const" in out:
        out["enum"] = [out.pop("const")]
    choices = out.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        del out["anyOf"]
        if len(rest) > 1:
            out["anyOf"] = rest
        else:
            # beside a reference 3.0 ignores every other word
            out |= {"allOf": rest} if "$ref" in rest[0] else rest[0]
        out["nullable"] = True
    return out


def _tidy(operation: dict[str, Any]) -> None:
    """Query parameters as clients send them: never null, limits and boxes as the standard has them."""
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        for word in ("nullable", "title", "description"):
            schema.pop(word, None)
        if parameter["name"] == "limit" and "default" in schema:
            schema |= {"minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        if parameter["name"] == "bbox":
            parameter["schema"] = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
        if parameter["in"] == "query":
            parameter |= {"style": "form", "explode": False}


def _concrete(template: dict[str, Any], layer: Layer, path: str) -> dict[str, Any]:
    """The operations under a collection's path, for one layer by name."""
    item = copy.deepcopy(template)
    operation = item["get"]
    operation["operationId"] = f"{operation['operationId']}_{layer.name}"
    operation["summary"] = f"{operation['summary']}: {layer.title.en} ({layer.title.zh})"
    operation["parameters"] = [p for p in operation.get("parameters", []) if p["name"] != "collectionId"]
    if path == ITEMS:
        fields = filterable(layer).items()
        operation["parameters"] += [_property_parameter(name, field) for name, field in fields]
    return item


def document(app: FastAPI, layers: Layers, county: County) -> dict[str, Any]:
    """The API document of *app*, without the address of the server."""
    raw = get_openapi(
        title=f"{county.name.en} ({county.name.zh})",
        version=app.version,
        openapi_version="3.0.3",
        description=DESCRIPTION,
        routes=app.routes,
    )
    raw["components"] = to_3_0(raw["components"])
    paths: dict[str, Any] = {}
    for path, item in raw["paths"].items():
        for operation in item.values():
            operation["parameters"] = to_3_0(operation.get("parameters", []))
            operation["responses"].pop("422", None)
            _tidy(operation)
        if not path.startswith(COLLECTION):
            paths[path] = item
            continue
        for layer in layers.values():
            paths[path.replace("{collectionId}", layer.name)] = _concrete(item, layer, path)
    raw["paths"] = paths
    for unused in ("HTTPValidationError", "ValidationError"):
        raw["components"]["schemas"].pop(unused, None)
    return raw


def parameters(api: Mapping[str, Any], path: str, names: Mapping[str, str]) -> frozenset[str] | None:
    """Query parameters that the API document lists for *path*; None for a path it does not hold."""
    if path.startswith(COLLECTION):
        path = path.replace("{collectionId}", names["collectionId"])
    operation = api["paths"].get(path, {}).get("get")
    if operation is None:
        return None
    return frozenset(p["name"] for p in operation["parameters"] if p["in"] == "query")
