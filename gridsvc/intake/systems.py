"""Which coordinate system a delivery is in.

Nothing is shifted silently: a file that does not say where it is, or says something its numbers contradict, is
refused with the option to give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyproj
import shapely

from gridsvc.crs import geographic_crs, in_china, named_crs, transform
from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake.datums import require_shift
from gridsvc.intake.delivery import Delivery, Objects
from gridsvc.shifts import BD09, BOX, GCJ02, Shift, named_shift, shifted_here
from gridsvc.text import Text, bilingual

Bounds = tuple[float, float, float, float]

_MERCATOR = 3857


@dataclass(frozen=True)
class Located:
    """A CRS with the reason it was taken."""

    crs: pyproj.CRS
    """CRS of the coordinates; with :attr:`shift` or :attr:`pipeline` that of what comes out."""
    how: Text
    notes: list[Text] = field(default_factory=list)
    shift: Shift | None = None
    """Shifted system that the longitudes and latitudes are in."""
    pipeline: pyproj.Transformer | None = None
    """A person's own way to longitude and latitude."""

    @property
    def title(self) -> str:
        """Authority code and name."""
        if self.shift is not None:
            return self.shift.title
        if self.pipeline is not None:
            return "PROJ pipeline"
        code = self.crs.to_epsg()
        return f"EPSG:{code} {self.crs.name}" if code else self.crs.name

    @property
    def area(self) -> Bounds | None:
        """Lon/lat bounds of where the system is used, where that says something."""
        if self.shift is not None:
            return BOX
        area = self.crs.area_of_use
        if not self.crs.is_projected or area is None or area.west > area.east:
            return None
        return area.west, area.south, area.east, area.north


def typical_bounds(shapes: Objects) -> Bounds:
    """West, south, east, north (or x, y) of where four fifths of the shapes lie: strays do not count."""
    w, s, e, n = shapely.bounds(shapes).T
    low = [float(np.percentile(side, 10, method="inverted_cdf")) for side in (w, s)]
    high = [float(np.percentile(side, 90, method="inverted_cdf")) for side in (e, n)]
    return low[0], low[1], high[0], high[1]


def middle(bounds: Bounds, crs: pyproj.CRS) -> tuple[float, float]:
    """Longitude and latitude of the middle of *bounds*; infinite where *crs* has no such place."""
    w, s, e, n = bounds
    point = shapely.Point((w + e) / 2, (s + n) / 2)
    moved = transform([point], crs, pyproj.CRS.from_epsg(4326))[0]
    return float(moved.x), float(moved.y)


def swapped(bounds: Bounds) -> Bounds:
    """The same data with its axes swapped."""
    w, s, e, n = bounds
    return s, w, n, e


def contains(area: Bounds, place: tuple[float, float], slack: tuple[float, float] = (0.0, 0.0)) -> bool:
    """Whether a place lies in *area*, or at most *slack* beside it."""
    w, s, e, n = area
    return w - slack[0] <= place[0] <= e + slack[0] and s - slack[1] <= place[1] <= n + slack[1]


def in_county(county: Bounds, place: tuple[float, float]) -> bool:
    """Whether a place lies in the county, or a tenth of its size beside it."""
    return contains(county, place, ((county[2] - county[0]) * 0.1, (county[3] - county[1]) * 0.1))


def locate(delivery: Delivery, shapes: Objects, forced: str | None, county: Bounds | None) -> Located:
    """CRS of the finite *shapes* of a delivery.

    ``--crs`` decides; then what the file says, if its numbers can be that; then 8-digit eastings; then the one
    system that puts the data into the *county* (lon/lat bounds, when the store knows it).
    Raises :class:`InputRefusedError` for everything else.
    """
    notes = [] if delivery.crs or delivery.crs_note is None else [delivery.crs_note]
    if forced is not None:
        located = _told(forced, delivery, notes)
    elif delivery.crs is not None:
        located = Located(_with_code(delivery.crs), delivery.crs_note or bilingual("the file", "文件"))
    elif delivery.layer_crs_free and _degrees(typical_bounds(shapes)):
        how = bilingual("GeoJSON without crs: lon/lat", "GeoJSON 未注明坐标系：按经纬度")
        return Located(pyproj.CRS.from_epsg(4326), how)
    else:
        return _guess(delivery.name, typical_bounds(shapes), county, notes)
    if located.pipeline is not None:
        return located
    _require_horizontal(delivery.name, located)
    require_shift(delivery.name, located.crs)
    _require_fit(delivery.name, located, typical_bounds(shapes))
    return located


def _told(forced: str, delivery: Delivery, notes: list[Text]) -> Located:
    """What ``--crs`` means: a shifted system, a PROJ pipeline to lon/lat, or a CRS."""
    how = bilingual("as told by --crs", "由 --crs 指定")
    shift = named_shift(forced)
    lonlat = pyproj.CRS.from_epsg(4326)
    if shift is not None:
        text = bilingual(f"{how.en}; {shift.how.en}", f"{how.zh}；{shift.how.zh}")
        return Located(lonlat, text, notes, shift=shift)
    if "proj=pipeline" in forced:
        try:
            return Located(lonlat, how, notes, pipeline=pyproj.Transformer.from_pipeline(forced))
        except pyproj.exceptions.ProjError as error:
            raise UsageError(
                f"--crs: PROJ does not understand the pipeline {forced!r}: {error}",
                f"--crs：PROJ 无法识别转换流程 {forced!r}：{error}",
            ) from error
    crs = named_crs(forced)
    own = None if delivery.crs is None else _with_code(delivery.crs)
    # by authority code: the same system hardly ever has the same text in two files
    if own is not None and (own.to_epsg() is None or own.to_epsg() != crs.to_epsg()):
        said = Located(own, how).title
        how = bilingual(f"{how.en}; the file itself says {said}", f"{how.zh}；文件自身注明 {said}")
    return Located(crs, how, notes)


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
    w, s, e, n = bounds
    shown = f"x {w:.8g}…{e:.8g}, y {s:.8g}…{n:.8g}"
    zone = zone_crs(bounds)
    if zone is None:
        _require_order(name, bounds, county, shown)
    found = [] if county is None else list(candidates(bounds, county))
    if zone is not None and (not found or zone.to_epsg() in [crs.to_epsg() for crs, _ in found]):
        return Located(zone, bilingual("zone number in the eastings", "根据横坐标带号判断"), notes)
    if len(found) == 1 and found[0][1] is None:
        crs = found[0][0]
        how = bilingual(
            f"the file does not say; EPSG:{crs.to_epsg()} is the only one that puts the data into the county",
            f"文件未注明；只有 EPSG:{crs.to_epsg()} 使数据落在本县范围内",
        )
        return Located(crs, how, notes)
    why = "; ".join(note.en for note in notes) or "the file does not say its coordinate system"
    why_zh = "；".join(note.zh for note in notes) or "文件没有坐标系信息"
    names = [shift.name if shift else f"EPSG:{crs.to_epsg()}" for crs, shift in found]
    if names:
        raise InputRefusedError(
            f"{name}: {why} ({shown}); these put it into the county: {', '.join(names)}; choose with --crs "
            f"(ask who made the file), for instance --crs {names[0]}",
            f"{name}：{why_zh}（{shown}）；以下坐标系均使数据落在本县范围内：{'、'.join(names)}；"
            f"请向数据提供方确认后用 --crs 指定，例如 --crs {names[0]}",
        )
    hint, hint_zh = ("EPSG:4547", "EPSG:4547")
    if _degrees(bounds):
        hint = "EPSG:4490 (degrees of Chinese web maps: GCJ02 or BD09)"
        hint_zh = "EPSG:4490（网络地图坐标用 GCJ02 或 BD09）"
    outside, outside_zh = ("", "")
    if county is not None:
        outside = f"; in none of the usual ones it lies in the county ({shown_bounds(county)})"
        outside_zh = f"；按常用坐标系均不在本县范围（{shown_bounds(county)}）"
    raise InputRefusedError(
        f"{name}: {why} ({shown}){outside}; give it with --crs, for instance --crs {hint}",
        f"{name}：{why_zh}（{shown}）{outside_zh}；请用 --crs 指定，例如 --crs {hint_zh}",
    )


def _require_order(name: str, bounds: Bounds, county: Bounds | None, shown: str) -> None:
    """Refuse data whose axes are swapped, where the numbers or the county tell."""
    other = swapped(bounds)
    fits = county is not None and not any(candidates(bounds, county)) and any(candidates(other, county))
    if _degrees(other) and (fits or not _degrees(bounds)):
        raise InputRefusedError(
            f"{name}: latitude stands before longitude ({shown}); swap the axes and load again",
            f"{name}：纬度写在经度之前（{shown}）；请交换坐标轴后再入库",
        )
    # northings in China have seven digits, from 2,000,000 to 6,000,000, and eastings without a zone six
    plane = bounds[0] >= 1.5e6 and bounds[2] <= 6.2e6 and bounds[1] >= 1e5 and bounds[3] < 1e6
    if fits or plane or zone_crs(other) is not None:
        raise InputRefusedError(
            f"{name}: northings stand where eastings belong ({shown}); swap the axes and load again",
            f"{name}：横纵坐标颠倒（{shown}）；请交换坐标轴后再入库",
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


def candidates(bounds: Bounds, county: Bounds) -> Iterator[tuple[pyproj.CRS, Shift | None]]:
    """Systems in which the data's middle lies in the county; zones without prefix once per meridian.

    Degrees in China may be CGCS2000, GCJ-02 or BD-09; numbers of metres a CGCS2000 zone or Web Mercator.
    """
    if _degrees(bounds):
        place = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
        if in_county(county, place):
            yield geographic_crs(*place), None
        point = np.array([place])
        for shift in (GCJ02, BD09):
            lon, lat = shift.inverse(point)[0].tolist()
            if in_china(lon, lat) and shifted_here(point)[0] and in_county(county, (lon, lat)):
                yield pyproj.CRS.from_epsg(4326), shift
        return
    zone = zone_crs(bounds)
    # the 6-degree zones 4502–4512 share their meridians with 3-degree ones and mean the same coordinates
    codes = [] if zone is None else [zone.to_epsg()]
    for code in [*codes, *range(4534, 4555), _MERCATOR]:
        crs = pyproj.CRS.from_epsg(code)
        if in_county(county, middle(bounds, crs)):
            yield crs, None


def shown_bounds(bounds: Bounds) -> str:
    """Lon/lat bounds in words."""
    w, s, e, n = bounds
    return f"{w:.3f}–{e:.3f}, {s:.3f}–{n:.3f}"
