"""Answers of OGC API – Features."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gridsvc.api.models.base import Link, Model


class Landing(Model):
    """The landing page."""

    title: str
    description: str
    attribution: str = Field(description="Says so when the data is made up; carries the classification mark")
    links: list[Link]


class Conformance(Model):
    """The conformance classes that the service meets."""

    conformsTo: list[str]


class SpatialExtent(Model):
    """Bounding boxes: west, south, east, north."""

    bbox: list[list[float]]
    crs: str


class TemporalExtent(Model):
    """Time intervals; null is open."""

    interval: list[list[str | None]]
    trs: str


class Extent(Model):
    """Where and when the features of a collection are."""

    spatial: SpatialExtent | None = None
    temporal: TemporalExtent | None = None


class Collection(Model):
    """One layer as a collection of features."""

    id: str
    title: str
    description: str
    itemType: Literal["feature"]
    crs: list[str]
    extent: Extent | None = None
    links: list[Link]


class Collections(Model):
    """All layers."""

    collections: list[Collection]
    links: list[Link]


class Feature(Model):
    """One GeoJSON feature; coordinates are longitude, latitude (CRS84)."""

    type: Literal["Feature"]
    id: int
    geometry: dict[str, Any] | None
    properties: dict[str, Any]
    links: list[Link] = Field(default_factory=list)


class FeatureCollection(Model):
    """One page of features."""

    type: Literal["FeatureCollection"]
    timeStamp: str
    numberMatched: int
    numberReturned: int
    features: list[Feature]
    links: list[Link]
