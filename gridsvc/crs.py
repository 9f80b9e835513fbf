"""Coordinate reference systems: the county's metre CRS, and the way between degrees and metres.

Stored coordinates are longitude, latitude in CGCS2000 (EPSG:4490) inside China and WGS 84 (EPSG:4326)
elsewhere; everything is computed in a local metre CRS (never Web Mercator, never degrees).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridsvc.errors import DefinitionError, UsageError

# China's mainland and islands, generously: where CGCS2000 is the lawful datum
CHINA = (73.0, 3.0, 136.0, 54.0)

Geometries = npt.NDArray[np.object_]


def in_china(lon: float, lat: float) -> bool:
    """True where the CGCS2000 3-degree zones are used."""
    west, south, east, north = CHINA
    return west <= lon <= east and south <= lat <= north


def geographic_crs(lon: float, lat: float) -> pyproj.CRS:
    """CRS of stored coordinates: EPSG:4490 in China, else EPSG:4326."""
    return pyproj.CRS.from_epsg(4490 if in_china(lon, lat) else 4326)


def metre_crs(lon: float, lat: float) -> pyproj.CRS:
    """Metre CRS of a county whose centre is (*lon*, *lat*) in degrees.

    In China the CGCS2000 3-degree Gauss-Krüger zone without zone prefix (EPSG:4534–4554, central meridians
    75…135); elsewhere a transverse Mercator centred on the county, the position rounded to 0.01° so that a
    county keeps its CRS when its border moves a little.
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise UsageError(f"({lon}, {lat}) is not a longitude and latitude", f"（{lon}, {lat}）不是经纬度坐标")
    if in_china(lon, lat):
        meridian = min(max(round(lon / 3) * 3, 75), 135)
        return pyproj.CRS.from_epsg(4534 + (meridian - 75) // 3)
    lon0, lat0 = round(lon, 2), round(lat, 2)
    return pyproj.CRS.from_proj4(
        f"+proj=tmerc +lat_0={lat0} +lon_0={lon0} +k=1 +x_0=500000 +y_0=0 +datum=WGS84 +units=m +type=crs"
    )


def named_crs(name: str) -> pyproj.CRS:
    """CRS by authority code (``EPSG:4547``, ``4547``) or name; refuses what PROJ does not know."""
    try:
        return pyproj.CRS.from_user_input(f"EPSG:{name}" if name.isdigit() else name)
    except pyproj.exceptions.CRSError as error:
        raise UsageError(
            f"coordinate system {name!r} is not known; give an EPSG code such as EPSG:4547",
            f"无法识别坐标系 {name!r}；请给出 EPSG 代码，例如 EPSG:4547",
        ) from error


def require_metres(crs: pyproj.CRS, where: str) -> pyproj.CRS:
    """Return *crs* if it is projected in metres and not Web Mercator; refuse it otherwise."""
    metres = crs.is_projected and all(axis.unit_name in {"metre", "meter"} for axis in crs.axis_info)
    if not metres or crs.to_epsg() == 3857:
        raise DefinitionError(
            f"{where}: {crs.name} is not a local metre coordinate system",
            f"{where}：{crs.name} 不是以米为单位的地方坐标系",
        )
    return crs


@lru_cache(maxsize=32)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def transform(geometries: Any, source: pyproj.CRS, target: pyproj.CRS) -> Geometries:
    """Geometries from *source* to *target*, x/east first in both; Z and M are dropped.

    Coordinates that PROJ cannot transform come out as infinity: callers judge them.
    """
    shapes = np.asarray(geometries, dtype=object)
    if shapely.has_z(shapes).any() or shapely.has_m(shapes).any():
        shapes = shapely.force_2d(shapes)
    if source.to_wkt() == target.to_wkt():
        return np.asarray(shapes, dtype=object)
    transformer = _transformer(source.to_wkt(), target.to_wkt())
    moved = shapely.transform(shapes, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    return np.asarray(moved, dtype=object)
