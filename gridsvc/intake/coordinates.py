"""Which coordinate system a delivery is in, and its way to stored longitude and latitude.

Nothing is shifted silently: a file that does not say where it is, or says something its numbers contradict, is
refused with the option to give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyproj
import shapely

from gridsvc.crs import geographic_crs, named_crs, transform
from gridsvc.errors import InputRefusedError
from gridsvc.intake.delivery import Delivery, Mask, Objects
from gridsvc.text import Text, bilingual

Bounds = tuple[float, float, float, float]

# Beijing 1954, Xi'an 1980 and New Beijing: PROJ has no shift to CGCS2000 and would move nothing, silently
_UNSHIFTED = {4214: "Beijing 1954 (北京54)", 4610: "Xi'an 1980 (西安80)", 4555: "New Beijing (新北京54)"}
_OLD_NAMES = {"beijing": _UNSHIFTED[4214], "xian": _UNSHIFTED[4610]}
# lon/lat on the datums of stored coordinates: taken as they are, to the last bit
_SAME = {4326, 4490, 4979, 4480}
_SLACK = 5.0
"""Degrees by which data may leave the area that a projected CRS is made for."""


@dataclass(frozen=True)
class Located:
    """A CRS with the reason it was taken."""

    crs: pyproj.CRS
    how: Text
    notes: list[Text] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Authority code and name."""
        code = self.crs.to_epsg()
        return f"EPSG:{code} {self.crs.name}" if code else self.crs.name


def finite(shapes: Objects) -> Mask:
    """Shapes all of whose coordinates are numbers of a size that coordinates have."""
    ok = np.ones(len(shapes), dtype=bool)
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    wrong = ~(np.abs(xy) < 1e12).all(axis=1)
    ok[owner[wrong]] = False
    return ok


def typical_bounds(shapes: Objects) -> Bounds:
    """West, south, east, north (or x, y) of where four fifths of the shapes lie: strays do not count."""
    w, s, e, n = shapely.bounds(shapes).T
    low = [float(np.percentile(side, 10, method="inverted_cdf")) for side in (w, s)]
    high = [float(np.percentile(side, 90, method="inverted_cdf")) for side in (e, n)]
    return low[0], low[1], high[0], high[1]


def locate(delivery: Delivery, shapes: Objects, forced: str | None, county: Bounds | None) -> Located:
    """CRS of the finite *shapes* of a delivery.

    ``--crs`` decides; then what the file says, if its numbers can be that; then 8-digit eastings; then the one
    CGCS2000 zone that puts the data into the *county* (lon/lat bounds, when the store knows it).
    Raises :class:`InputRefusedError` for everything else.
    """
    notes = [] if delivery.crs or delivery.crs_note is None else [delivery.crs_note]
    if forced is not None:
        crs = named_crs(forced)
        located = Located(crs, bilingual("as told by --crs", "由 --crs 指定"), notes)
    elif delivery.crs is not None:
        located = Located(_with_code(delivery.crs), delivery.crs_note or bilingual("the file", "文件"))
    elif delivery.layer_crs_free and _degrees(typical_bounds(shapes)):
        how = bilingual("GeoJSON without crs: lon/lat", "GeoJSON 未注明坐标系：按经纬度")
        return Located(pyproj.CRS.from_epsg(4326), how)
    else:
        return _guess(delivery.name, typical_bounds(shapes), county, notes)
    _require_horizontal(delivery.name, located)
    _require_shift(delivery.name, located.crs)
    _require_fit(delivery.name, located, typical_bounds(shapes))
    return located


def _with_code(crs: pyproj.CRS) -> pyproj.CRS:
    """The authority's own definition, where PROJ is sure which one the file means."""
    if crs.to_authority() == ("OGC", "CRS84"):
        return pyproj.CRS.from_epsg(4326)
    code = crs.to_epsg()
    return crs if code is None else pyproj.CRS.from_epsg(code)


def _require_horizontal(name: str, located: Located) -> None:
    """Refuse geocentric, vertical and local systems: PROJ would move plane coordinates to somewhere."""
    if not (located.crs.is_projected or located.crs.is_geographic):
        raise InputRefusedError(
            f"{name}: {located.title} is no system of longitude and latitude or of a map plane; "
            "give another one with --crs",
            f"{name}：{located.title} 既不是经纬度也不是平面坐标系；请用 --crs 指定其他坐标系",
        )


def _require_shift(name: str, crs: pyproj.CRS) -> None:
    datum = crs.geodetic_crs
    # a definition with its own parameters (+towgs84) is a bound CRS and may pass
    if datum is None or crs.is_bound:
        return
    old = _UNSHIFTED.get(datum.to_epsg() or 0) or next(
        (title for word, title in _OLD_NAMES.items() if word in datum.name.lower()), None
    )
    if old is not None:
        raise InputRefusedError(
            f"{name} is in {old}: without the county's own parameters it would be up to 100 m off; "
            "convert it to CGCS2000 first, or give --crs a definition with +towgs84",
            f"{name} 为 {old} 坐标：没有本地转换参数时误差可达百米；"
            "请先转换为 CGCS2000，或用 --crs 给出带 +towgs84 参数的定义",
        )


def _degrees(bounds: Bounds) -> bool:
    w, s, e, n = bounds
    return w >= -180 and e <= 180 and s >= -90 and n <= 90


def _require_fit(name: str, located: Located, bounds: Bounds) -> None:
    """Refuse data whose numbers cannot be what the CRS says."""
    w, s, e, n = bounds
    shown = f"x {w:.6g}…{e:.6g}, y {s:.6g}…{n:.6g}"
    if located.crs.is_projected and _degrees(bounds):
        raise InputRefusedError(
            f"{name}: the coordinates are degrees ({shown}), but its CRS is {located.title}; give the right one "
            "with --crs (EPSG:4490 for CGCS2000 lon/lat)",
            f"{name}：坐标值是经纬度（{shown}），但坐标系为 {located.title}；"
            "请用 --crs 指定正确的坐标系（CGCS2000 经纬度为 EPSG:4490）",
        )
    if located.crs.is_geographic and (min(abs(w), abs(e)) > 360 or min(abs(s), abs(n)) > 360):
        raise InputRefusedError(
            f"{name}: the coordinates are metres ({shown}), but its CRS is {located.title}; give the right one "
            "with --crs (for instance EPSG:4547)",
            f"{name}：坐标值以米为单位（{shown}），但坐标系为 {located.title}；"
            "请用 --crs 指定正确的坐标系（例如 EPSG:4547）",
        )
    if located.crs.is_geographic and _degrees((s, w, n, e)) and min(abs(s), abs(n)) > 90:
        raise InputRefusedError(
            f"{name}: latitude stands before longitude ({shown}); swap the axes and load again",
            f"{name}：纬度写在经度之前（{shown}）；请交换坐标轴后再入库",
        )


def _guess(name: str, bounds: Bounds, county: Bounds | None, notes: list[Text]) -> Located:
    """CRS of data that says nothing: by the zone in its eastings, else the only one that fits the county."""
    zone = zone_crs(bounds)
    if zone is not None:
        how = bilingual("zone number in the eastings", "根据横坐标带号判断")
        return Located(zone, how, notes)
    w, s, e, n = bounds
    shown = f"x {w:.8g}…{e:.8g}, y {s:.8g}…{n:.8g}"
    why = "; ".join(note.en for note in notes) or "the file does not say its coordinate system"
    why_zh = "；".join(note.zh for note in notes) or "文件没有坐标系信息"
    if zone_crs((s, w, n, e)) is not None:
        raise InputRefusedError(
            f"{name}: northings stand where eastings belong ({shown}); swap the axes and load again",
            f"{name}：横纵坐标颠倒（{shown}）；请交换坐标轴后再入库",
        )
    found = [] if county is None or _degrees(bounds) else list(candidates(bounds, county))
    if len(found) == 1:
        how = bilingual("the only zone that lies in the county", "唯一落在本县范围内的投影带")
        return Located(found[0], how, notes)
    hint = "EPSG:4490" if _degrees(bounds) else "EPSG:4547"
    listed = ", ".join(f"EPSG:{crs.to_epsg()}" for crs in found) or hint
    raise InputRefusedError(
        f"{name}: {why} ({shown}); give it with --crs, for instance --crs {listed}",
        f"{name}：{why_zh}（{shown}）；请用 --crs 指定，例如 --crs {listed}",
    )


def zone_crs(bounds: Bounds) -> pyproj.CRS | None:
    """CGCS2000 zone that 8-digit eastings name by their first two digits, or None.

    Six-degree zones are 13–23, three-degree zones 25–45: no number means both.
    """
    west, _, east, _ = bounds
    zone = int(west // 1_000_000)
    if zone != int(east // 1_000_000):
        return None
    if 13 <= zone <= 23:
        return pyproj.CRS.from_epsg(4491 + zone - 13)
    if 25 <= zone <= 45:
        return pyproj.CRS.from_epsg(4513 + zone - 25)
    return None


def candidates(bounds: Bounds, county: Bounds) -> Iterator[pyproj.CRS]:
    """CGCS2000 zones without zone prefix in which the data's middle lies in the county, one per meridian."""
    w, s, e, n = bounds
    x, y = (w + e) / 2, (s + n) / 2
    margin_x, margin_y = (county[2] - county[0]) * 0.1, (county[3] - county[1]) * 0.1
    # the 6-degree zones 4502–4512 share their meridians with 3-degree ones and mean the same coordinates
    for code in range(4534, 4555):
        crs = pyproj.CRS.from_epsg(code)
        moved = transform([shapely.Point(x, y)], crs, pyproj.CRS.from_epsg(4490))[0]
        inside_x = county[0] - margin_x <= moved.x <= county[2] + margin_x
        if inside_x and county[1] - margin_y <= moved.y <= county[3] + margin_y:
            yield crs


def to_lonlat(name: str, shapes: Objects, located: Located) -> Objects:
    """Shapes in stored longitude and latitude, 2D; coordinates that cannot be moved become infinite.

    Raises :class:`InputRefusedError` when the data lies far outside of what its CRS is made for.
    """
    flat = np.asarray(shapely.force_2d(shapes), dtype=object)
    if located.crs.is_geographic and located.crs.to_epsg() in _SAME:
        return flat
    wgs84 = pyproj.CRS.from_epsg(4326)
    w, s, e, n = typical_bounds(flat)
    try:
        middle = transform([shapely.Point((w + e) / 2, (s + n) / 2)], located.crs, wgs84)[0]
        _require_area(name, located, middle)
        target = geographic_crs(middle.x, middle.y) if np.isfinite([middle.x, middle.y]).all() else wgs84
        return transform(flat, located.crs, target)
    except pyproj.exceptions.ProjError as error:
        raise InputRefusedError(
            f"{name}: there is no way from {located.title} to longitude and latitude; give another CRS with --crs",
            f"{name}：无法由 {located.title} 转换为经纬度；请用 --crs 指定其他坐标系",
        ) from error


def _require_area(name: str, located: Located, middle: shapely.Point) -> None:
    area = located.crs.area_of_use
    if not located.crs.is_projected or area is None:
        return
    inside_x = area.west - _SLACK <= middle.x <= area.east + _SLACK or area.west > area.east
    if inside_x and area.south - _SLACK <= middle.y <= area.north + _SLACK:
        return
    raise InputRefusedError(
        f"{name}: in {located.title} the data would lie at {middle.x:.2f}, {middle.y:.2f}, where that CRS is not "
        "used; give the right one with --crs",
        f"{name}：按 {located.title} 计算，数据位于 {middle.x:.2f}, {middle.y:.2f}，超出该坐标系适用范围；"
        "请用 --crs 指定正确的坐标系",
    )


def on_earth(shapes: Objects, located: Located) -> Mask:
    """Shapes whose longitudes and latitudes exist and lie where their CRS is used."""
    w, s, e, n = shapely.bounds(shapes).T
    ok = (w >= -180) & (e <= 180) & (s >= -90) & (n <= 90)
    area = located.crs.area_of_use
    if located.crs.is_projected and area is not None and area.west <= area.east:
        ok &= (w >= area.west - _SLACK) & (e <= area.east + _SLACK)
        ok &= (s >= area.south - _SLACK) & (n <= area.north + _SLACK)
    return np.asarray(ok, dtype=bool)


def require_in_county(name: str, shapes: Objects, located: Located, county: Bounds) -> None:
    """Refuse a layer of which nothing touches the county, since its CRS must be wrong."""
    w, s, e, n = shapely.bounds(shapes).T
    touching = (w <= county[2]) & (e >= county[0]) & (s <= county[3]) & (n >= county[1])
    if touching.any():
        return
    there, here = _shown(typical_bounds(shapes)), _shown(county)
    raise InputRefusedError(
        f"{name}: nothing of it lies in the county ({here}): read as {located.title} it lies at {there}; "
        "give the right coordinate system with --crs",
        f"{name}：没有任何要素位于本县范围（{here}）：按 {located.title} 读取位于 {there}；"
        "请用 --crs 指定正确的坐标系",
    )


def _shown(bounds: Bounds) -> str:
    w, s, e, n = bounds
    return f"{w:.3f}–{e:.3f}, {s:.3f}–{n:.3f}"
