"""The way of delivered coordinates to stored longitude and latitude, and what cannot be there."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely

from gridsvc.crs import transform
from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Mask, Objects
from gridsvc.intake.systems import (
    Bounds,
    Located,
    candidates,
    contains,
    in_county,
    middle,
    shown_bounds,
    swapped,
    typical_bounds,
    zone_crs,
)
from gridsvc.shifts import Floats

# lon/lat on the datums of stored coordinates: taken as they are, to the last bit
_SAME = {4326, 4490, 4979, 4480}
_SLACK = 5.0
"""Degrees by which data may leave the area that a projected CRS is made for."""


def finite(shapes: Objects) -> Mask:
    """Shapes all of whose coordinates are numbers of a size that coordinates have."""
    ok = np.ones(len(shapes), dtype=bool)
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    wrong = ~(np.abs(xy) < 1e12).all(axis=1)
    ok[owner[wrong]] = False
    return ok


def to_lonlat(name: str, shapes: Objects, located: Located) -> Objects:
    """Shapes in stored longitude and latitude, 2D; coordinates that cannot be moved become infinite.

    Raises :class:`InputRefusedError` when the data lies far outside of what its CRS is made for.
    """
    flat = np.asarray(shapely.force_2d(shapes), dtype=object)
    bounds = typical_bounds(flat)
    try:
        if located.pipeline is not None:
            return _through(flat, located.pipeline)
        if located.shift is not None:
            _require_area(name, located, bounds)
            return np.asarray(shapely.transform(flat, located.shift.inverse), dtype=object)
        if located.crs.is_geographic and located.crs.to_epsg() in _SAME:
            return flat
        _require_area(name, located, bounds)
        return transform(flat, located.crs, _target(located.crs))
    except pyproj.exceptions.ProjError as error:
        raise InputRefusedError(
            f"{name}: there is no way from {located.title} to longitude and latitude; give another CRS with --crs",
            f"{name}：无法由 {located.title} 转换为经纬度；请用 --crs 指定其他坐标系",
        ) from error


def _target(crs: pyproj.CRS) -> pyproj.CRS:
    """CGCS2000 for what is on that datum, else WGS 84: the same numbers, but not the same way there.

    PROJ has no way from most datums to CGCS2000 and would move nothing, even where +towgs84 is given.
    """
    datum = None if crs.is_bound else crs.geodetic_crs
    return pyproj.CRS.from_epsg(4490 if datum is not None and datum.to_epsg() == 4490 else 4326)


def _through(shapes: Objects, pipeline: pyproj.Transformer) -> Objects:
    """Shapes by a person's own pipeline from x, y to longitude, latitude."""

    def move(xy: Floats) -> Floats:
        return np.column_stack(pipeline.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, move), dtype=object)


def _require_area(name: str, located: Located, bounds: Bounds) -> None:
    """Refuse data that lies where its CRS is not used, and tell the two usual reasons by name."""
    area = located.area
    place = middle(bounds, located.crs)
    # what is shifted is shifted inside of the box and nowhere else
    slack = 0.0 if located.shift else _SLACK
    if area is None or contains(area, place, (slack, slack)):
        return
    there = f"{place[0]:.2f}, {place[1]:.2f}"
    hint, hint_zh = "give the right one with --crs", "请用 --crs 指定正确的坐标系"
    zone = zone_crs(bounds)
    if zone is not None and located.crs.is_projected:
        hint = f"the eastings carry a zone number: give --crs EPSG:{zone.to_epsg()}"
        hint_zh = f"横坐标带有带号：请用 --crs EPSG:{zone.to_epsg()}"
    elif contains(area, middle(swapped(bounds), located.crs)):
        hint = "its axes are swapped (northing or latitude first): swap them and load again"
        hint_zh = "横纵坐标颠倒（北坐标或纬度在前）：请交换坐标轴后再入库"
    raise InputRefusedError(
        f"{name}: in {located.title} the data would lie at {there}, where that CRS is not used; {hint}",
        f"{name}：按 {located.title} 计算，数据位于 {there}，超出该坐标系适用范围；{hint_zh}",
    )


def on_earth(shapes: Objects, located: Located) -> Mask:
    """Shapes whose longitudes and latitudes exist and lie where their CRS is used."""
    w, s, e, n = shapely.bounds(shapes).T
    ok = (w >= -180) & (e <= 180) & (s >= -90) & (n <= 90)
    area = located.area
    if area is not None:
        slack = 0.0 if located.shift else _SLACK
        ok &= (w >= area[0] - slack) & (e <= area[2] + slack)
        ok &= (s >= area[1] - slack) & (n <= area[3] + slack)
    return np.asarray(ok, dtype=bool)


def require_in_county(
    name: str,
    shapes: Objects,
    located: Located,
    county: Bounds,
    delivered: Bounds | None = None,
    *,
    beside: bool = False,
) -> None:
    """Refuse a layer of which nothing touches the county, since its CRS must be wrong.

    *delivered* is where the data lies in its own coordinates: with these the systems that would fit are told.
    *beside*: *county* is the county and what lies around it.
    """
    w, s, e, n = shapely.bounds(shapes).T
    touching = (w <= county[2]) & (e >= county[0]) & (s <= county[3]) & (n >= county[1])
    if touching.any():
        return
    bounds = typical_bounds(shapes)
    there, here = shown_bounds(bounds), shown_bounds(county)
    w, s, e, n = swapped(bounds)
    if in_county(county, ((w + e) / 2, (s + n) / 2)):
        raise InputRefusedError(
            f"{name}: latitude stands before longitude ({there}; the county: {here}); swap the axes and load again",
            f"{name}：纬度写在经度之前（{there}；本县：{here}）；请交换坐标轴后再入库",
        )
    fitting = [
        shift.name if shift else f"EPSG:{crs.to_epsg()}"
        for crs, shift in (candidates(delivered, county) if delivered else ())
    ]
    hint, hint_zh = "give the right coordinate system with --crs", "请用 --crs 指定正确的坐标系"
    if fitting:
        hint = f"with one of these it would lie there: {', '.join(fitting)}; ask who made the file, then give --crs"
        hint_zh = f"以下坐标系可使其落在本县：{'、'.join(fitting)}；请向数据提供方确认后用 --crs 指定"
    where = ("in or near the county", "本县及周边范围") if beside else ("in the county", "本县范围")
    raise InputRefusedError(
        f"{name}: nothing of it lies {where[0]} ({here}): read as {located.title} it lies at {there}; {hint}",
        f"{name}：没有任何要素位于{where[1]}（{here}）：按 {located.title} 读取位于 {there}；{hint_zh}",
    )
