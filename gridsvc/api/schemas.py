"""JSON schemas of the layers: what a feature looks like, and what it can be asked for by."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse

from gridsvc.api.features import CollectionId
from gridsvc.api.frames import filterable, open_fields
from gridsvc.api.geojson import dumps
from gridsvc.api.openapi import field_schema
from gridsvc.api.parameters import PageView, strict
from gridsvc.api.view import JSON, PAGE, SCHEMA, View
from gridsvc.layers import Layer
from gridsvc.text import bilingual

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FORMATS = {frozenset({0}): "geometry-point-any", frozenset({1}): "geometry-line-string-any"}

router = APIRouter(tags=["features"], dependencies=[Depends(strict)])


class SchemaResponse(JSONResponse):
    """Stands for JSON Schema in the API document."""

    media_type = SCHEMA


def feature_schema(layer: Layer, address: str, title: str) -> dict[str, Any]:
    """Schema of one feature of *layer* as GeoJSON; a property without a value is null."""
    kinds = sorted({*layer.geometry})
    geometry: dict[str, Any] = {"type": "object", "properties": {"type": {"type": "string", "enum": kinds}}}
    return {
        "$schema": DIALECT,
        "$id": address,
        "title": title,
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "integer"},
            "geometry": geometry,
            "properties": {
                "type": "object",
                "properties": {name: field_schema(field) for name, field in open_fields(layer).items()},
            },
        },
    }


def queryables_schema(layer: Layer, address: str, title: str) -> dict[str, Any]:
    """Schema of the properties that the items of *layer* can be asked for by."""
    fields = {name: field_schema(field) for name, field in filterable(layer).items()}
    return {
        "$schema": DIALECT,
        "$id": address,
        "title": title,
        "type": "object",
        "properties": {**fields, "geometry": {"format": FORMATS.get(layer.dimensions, "geometry-any")}},
        "additionalProperties": False,
    }


@router.get(
    "/collections/{collectionId}/schema",
    response_class=SchemaResponse,
    responses=PAGE,
    summary="Schema of a feature",
)
def schema(view: PageView, collection_id: str = CollectionId) -> Response:
    """JSON schema of the layer's features; a property without a value is null."""
    layer = view.service.collections[collection_id]
    return _answer(view, feature_schema(layer, view.here(), view.say(layer.title)), layer)


@router.get(
    "/collections/{collectionId}/queryables",
    response_class=SchemaResponse,
    responses=PAGE,
    summary="Queryable properties",
)
def queryables(view: PageView, collection_id: str = CollectionId) -> Response:
    """JSON schema of the properties that can be given as parameters of the items page."""
    layer = view.service.collections[collection_id]
    return _answer(view, queryables_schema(layer, view.here(), view.say(layer.title)), layer)


def _answer(view: View, schema: dict[str, Any], layer: Layer) -> Response:
    if view.form == "html":
        links = view.self_links(SCHEMA)
        links.append(view.link("collection", f"/collections/{layer.name}", JSON, bilingual("Layer", "图层")))
        return view.page("schema.html", layer=layer, fields=filterable(layer), links=links)
    return view.text(dumps(schema), SCHEMA)
