"""OGC API – Features: the layers as collections."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from gridsvc.api import geojson, models
from gridsvc.api.frames import LayerFrame, filterable, open_fields
from gridsvc.api.parameters import Bbox, Datetime, Limit, Offset, PageView, strict
from gridsvc.api.view import GEOJSON, HTML, JSON, PAGE, SCHEMA, View
from gridsvc.errors import NotFoundError
from gridsvc.layers import Layer
from gridsvc.text import Text, bilingual

CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
CLASSES = [f"{CORE}/{name}" for name in ("core", "oas30", "geojson", "html")]
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"

router = APIRouter(tags=["features"], dependencies=[Depends(strict)])


class GeoJSONResponse(JSONResponse):
    """Stands for GeoJSON in the API document."""

    media_type = GEOJSON


CollectionId = Path(alias="collectionId", description="Name of a layer")


@router.get("/conformance", response_model=models.Conformance, responses=PAGE, summary="Conformance classes")
def conformance(view: PageView) -> Response:
    """The classes of OGC API – Features that the service meets."""
    return view.reply(models.Conformance(conformsTo=CLASSES), "conformance.html")


@router.get("/collections", response_model=models.Collections, responses=PAGE, summary="All layers")
def collections(view: PageView) -> Response:
    """Every layer that has geometry, as a collection of features."""
    with view.service.store() as store:
        found = [describe(view, view.service.collection(store, name)) for name in view.service.collections]
        counts = store.counts()
    links = view.self_links()
    model = models.Collections(collections=found, links=links)
    return view.reply(model, "collections.html", layers=view.service.collections, counts=counts)


@router.get(
    "/collections/{collectionId}", response_model=models.Collection, responses=PAGE, summary="One layer"
)
def collection(view: PageView, collection_id: str = CollectionId) -> Response:
    """One layer: where its features are and how to get them."""
    with view.service.store() as store:
        frame = view.service.collection(store, collection_id)
    model = describe(view, frame, alone=True)
    return view.reply(
        model, "collection.html", layer=frame.layer, count=len(frame.frame), fields=open_fields(frame.layer)
    )


def describe(view: View, frame: LayerFrame, *, alone: bool = False) -> models.Collection:
    """A layer as a collection; *alone* on its own page, else as one of the list."""
    layer = frame.layer
    path = f"/collections/{layer.name}"
    links = [
        *(view.self_links() if alone else [view.link("self", path, JSON, layer.title)]),
        view.link("items", f"{path}/items", GEOJSON, bilingual("Features as GeoJSON", "要素（GeoJSON）")),
        view.link(
            "items", f"{path}/items", HTML, bilingual("Features as HTML", "要素（网页）"), format="html"
        ),
        view.link("describedby", f"{path}/schema", SCHEMA, bilingual("Schema of a feature", "要素结构")),
        view.link(QUERYABLES, f"{path}/queryables", SCHEMA, bilingual("Queryables", "可查询属性")),
    ]
    values: dict[str, Any] = {
        "id": layer.name,
        "title": view.say(layer.title),
        "description": view.say(_description(layer)),
        "itemType": "feature",
        "crs": [geojson.CRS84],
        "links": links,
    }
    extent = _extent(frame)
    if extent is not None:
        values["extent"] = extent
    return models.Collection(**values)


def _description(layer: Layer) -> Text:
    """What a layer is, in a phrase."""
    category = f"; GB/T 30428.2 {layer.category}" if layer.category else ""
    kinds = ", ".join(layer.geometry)
    return bilingual(
        f"{layer.title.en}: {kinds}{category}",
        f"{layer.title.zh}：{kinds}{category}",
    )


def _extent(frame: LayerFrame) -> models.Extent | None:
    """Where and when the features are; None when neither is known."""
    parts: dict[str, Any] = {}
    if frame.bounds is not None:
        parts["spatial"] = models.SpatialExtent(bbox=[list(frame.bounds)], crs=geojson.CRS84)
    if frame.interval is not None:
        parts["temporal"] = models.TemporalExtent(interval=[list(_instants(frame.interval))], trs=GREGORIAN)
    return models.Extent(**parts) if parts else None


def _instants(days: tuple[str | None, str | None]) -> tuple[str | None, str | None]:
    """First and last instant of an interval of whole days."""
    start, end = days
    return start and f"{start}T00:00:00Z", end and f"{end}T23:59:59Z"


@router.get(
    "/collections/{collectionId}/items",
    response_model=models.FeatureCollection,
    response_class=GeoJSONResponse,
    responses=PAGE,
    summary="Features",
)
def items(
    view: PageView,
    request: Request,
    limit: Limit,
    offset: Offset,
    bbox: Bbox,
    datetime: Datetime,
    collection_id: str = CollectionId,
) -> Response:
    """One page of features, in the order of their keys; the link ``next`` leads on."""
    with view.service.store() as store:
        frame = view.service.collection(store, collection_id)
    wanted = {n: text for n, text in request.query_params.items() if n in filterable(frame.layer)}
    chosen = frame.select(bbox, datetime, wanted)
    page = chosen[offset : offset + limit]
    links = _page_links(view, collection_id, len(chosen), limit, offset)
    rows = frame.properties(page)
    fids = frame.frame["fid"].iloc[page].tolist()
    shapes = geojson.geometries(frame.shapes[page])
    if view.form == "html":
        return view.page(
            "items.html",
            layer=frame.layer,
            fields=open_fields(frame.layer),
            rows=list(zip(fids, shapes, rows, strict=True)),
            matched=len(chosen),
            offset=offset,
            links=links,
        )
    features = [geojson.feature(*parts) for parts in zip(fids, shapes, rows, strict=True)]
    return view.text(geojson.collection(features, len(chosen), links), GEOJSON)


def _page_links(view: View, name: str, matched: int, limit: int, offset: int) -> list[models.Link]:
    """Links of a page of features: itself, its neighbours, its collection."""
    links = view.self_links(GEOJSON)
    shown = HTML if view.form == "html" else GEOJSON
    if offset + limit < matched:
        title = view.say(bilingual("Next page", "下一页"))
        links.append(models.Link(href=view.here(offset=offset + limit), rel="next", type=shown, title=title))
    if offset > 0:
        title = view.say(bilingual("Previous page", "上一页"))
        href = view.here(offset=max(offset - limit, 0) or None)
        links.append(models.Link(href=href, rel="prev", type=shown, title=title))
    links.append(view.link("collection", f"/collections/{name}", JSON, view.service.collections[name].title))
    return links


@router.get(
    "/collections/{collectionId}/items/{featureId}",
    response_model=models.Feature,
    response_class=GeoJSONResponse,
    responses=PAGE,
    summary="One feature",
)
def item(
    view: PageView,
    collection_id: str = CollectionId,
    feature_id: str = Path(alias="featureId", description="The feature's id: it keeps it over all loads"),
) -> Response:
    """One feature by its id."""
    with view.service.store() as store:
        frame = view.service.collection(store, collection_id)
    digits = feature_id.isascii() and feature_id.isdigit() and len(feature_id) < 19
    position = frame.find(int(feature_id)) if digits else None
    if position is None:
        raise NotFoundError(
            f"layer {collection_id} has no feature {feature_id}",
            f"图层 {collection_id} 没有要素 {feature_id}",
        )
    properties = frame.properties([position])[0]
    collection_link = view.link("collection", f"/collections/{collection_id}", JSON, frame.layer.title)
    links = [*view.self_links(GEOJSON), collection_link]
    shape = geojson.geometries(frame.shapes[[position]])[0]
    if view.form == "html":
        fields = open_fields(frame.layer)
        return view.page(
            "item.html",
            layer=frame.layer,
            fid=feature_id,
            properties=properties,
            fields=fields,
            shape=shape,
            links=links,
        )
    return view.text(geojson.feature(int(feature_id), shape, properties, links), GEOJSON)
