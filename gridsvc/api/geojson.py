"""GeoJSON as the service writes it.

Coordinates are longitude, latitude (CRS84), rounded to nine decimals: a tenth of a millimetre, below the
millimetre that boundaries are snapped to. Outer rings run counter-clockwise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely

from gridsvc.api.models import Link

DECIMALS = 9
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def dumps(value: Any) -> str:
    """Compact JSON with Chinese left readable; numbers that JSON does not know are refused."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def geometries(shapes: Any) -> list[str]:
    """Geometries as GeoJSON texts; ``null`` where there is none."""
    array = np.asarray(shapes, dtype=object)
    rounded = shapely.transform(shapely.orient_polygons(array), lambda xy: np.round(xy, DECIMALS))
    texts = np.atleast_1d(shapely.to_geojson(rounded))
    return ["null" if text is None else str(text) for text in texts]


def feature(
    fid: int | str, geometry: str, properties: dict[str, Any], links: Sequence[Link] | None = None
) -> str:
    """One feature as text; *geometry* is GeoJSON already."""
    head = f'{{"type":"Feature","id":{dumps(fid)},"geometry":{geometry},"properties":{dumps(properties)}'
    tail = f',"links":{dump_links(links)}}}' if links is not None else "}"
    return head + tail


def dump_links(links: Sequence[Link]) -> str:
    """Links as JSON."""
    return dumps([link.model_dump(exclude_unset=True) for link in links])


def collection(
    features: Sequence[str], matched: int, links: Sequence[Link], more: dict[str, Any] | None = None
) -> str:
    """A feature collection as text."""
    head = {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "numberMatched": matched,
        "numberReturned": len(features),
        **(more or {}),
    }
    return f'{dumps(head)[:-1]},"links":{dump_links(links)},"features":[{",".join(features)}]}}'
