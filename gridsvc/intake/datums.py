"""The old Chinese datums, for which PROJ knows no shift and would move nothing, silently."""

from __future__ import annotations

import pyproj

from gridsvc.errors import InputRefusedError

_BEIJING, _XIAN = "Beijing 1954 (北京54)", "Xi'an 1980 (西安80)"
_CODES = {4214: _BEIJING, 4610: _XIAN, 4555: "New Beijing (新北京54)"}
_NAMES = {"beijing": _BEIJING, "xian": _XIAN}
# by the ellipsoid alone (half axis in metres, inverse flattening), where PROJ does not know the datum by its name
_ELLIPSOIDS = {(6378245.0, 298.3): _BEIJING, (6378140.0, 298.257): _XIAN}
_DATUMS = {6214, 6610}
"""EPSG codes of their datums, whatever name a file gives them."""


def require_shift(name: str, crs: pyproj.CRS) -> None:
    """Refuse an old datum without parameters of its own; a bound CRS (+towgs84, a grid) that shifts may pass.

    Parameters that are all zero come from software that had none, and are none.
    """
    operation = crs.coordinate_operation if crs.is_bound else None
    if operation is not None and (any(operation.towgs84) or not operation.towgs84):
        return
    source = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    datum = source.geodetic_crs
    old = None if datum is None else _old(datum)
    if old is not None:
        raise InputRefusedError(
            f"{name} is in {old}: without the county's own parameters it would be up to 100 m off; "
            "convert it to CGCS2000 first, or give --crs a definition with +towgs84 or a PROJ pipeline",
            f"{name} 为 {old} 坐标：没有本地转换参数时误差可达百米；"
            "请先转换为 CGCS2000，或用 --crs 给出带 +towgs84 参数的定义或 PROJ 转换流程",
        )


def _old(crs: pyproj.CRS) -> str | None:
    """Name of the old datum that a geodetic CRS is on: by authority code, by name, by ellipsoid."""
    known = _CODES.get(crs.to_epsg() or 0)
    if known is not None:
        return known
    name = f"{crs.name} {crs.datum.name if crs.datum else ''}".lower()
    for word, title in _NAMES.items():
        if word in name:
            return title
    datum = crs.datum.to_json_dict().get("id", {}).get("code") if crs.datum else None
    ellipsoid = crs.ellipsoid
    if crs.to_epsg() is not None or ellipsoid is None or datum not in {None, *_DATUMS}:
        return None
    for (axis, flattening), title in _ELLIPSOIDS.items():
        same_axis = abs(ellipsoid.semi_major_metre - axis) < 0.01
        if same_axis and abs(ellipsoid.inverse_flattening - flattening) < 1e-3:
            return title
    return None
