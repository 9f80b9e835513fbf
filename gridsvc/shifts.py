"""The shifted coordinates of Chinese web maps, GCJ-02 (火星坐标) and BD-09 (百度坐标), from and to WGS 84.

Positions are arrays of shape (n, 2): longitude and latitude in degrees. The published formulas lead from WGS 84 to
GCJ-02 and from there to BD-09. Back it goes by fixed-point iteration of the same formulas, a fixed number of
times, so that the result of a point never depends on its neighbours. CGCS2000 stands for WGS 84 here: the two
differ by less than the published formulas are known to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridsvc.text import Text, bilingual

Floats = npt.NDArray[np.float64]
Formula = Callable[[Floats], Floats]

BOX = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of where GCJ-02 differs from WGS 84; outside the formulas are the identity."""

_AXIS = 6378245.0
_EE = 0.00669342162296594323
_BAIDU = np.pi * 3000.0 / 180.0
_ROUNDS = 4
"""The shift changes by less than 1 % of a step: each round divides the error by more than 100,
from 700 m to micrometres."""
_CHUNK = 1 << 14
"""Points at a time: what a processor's cache holds."""


@dataclass(frozen=True)
class Shift:
    """A shifted system, with its way to and from WGS 84."""

    name: str
    title: str
    """Name in words, as the report shows it."""
    forward: Formula
    """From WGS 84."""
    inverse: Formula
    """To WGS 84."""
    how: Text
    """Which formulas and which inverse are used."""


def _chunked(formula: Formula) -> Formula:
    """The formula over long arrays, in parts that stay in the cache."""

    def run(lonlat: Floats) -> Floats:
        points = np.asarray(lonlat, dtype=np.float64)
        result = np.empty_like(points)
        for start in range(0, len(points), _CHUNK):
            result[start : start + _CHUNK] = formula(points[start : start + _CHUNK])
        return result

    run.__doc__ = formula.__doc__
    return run


def _offset(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Degrees by which the published formulas move a position, inside the box and outside."""
    x, y = lon - 105.0, lat - 35.0
    xy, root, turn = x * y, np.sqrt(np.abs(x)), x * np.pi
    double = np.sin(2.0 * turn)
    common = 20.0 * (_sine_of_triple(double) + double)
    third = np.sin(turn / 3.0)
    east = 20.0 * _sine_of_triple(third) + 40.0 * third + 150.0 * np.sin(turn / 12.0)
    east += 300.0 * np.sin(turn / 30.0) + common
    turn = y * np.pi
    third = np.sin(turn / 3.0)
    north = 20.0 * _sine_of_triple(third) + 40.0 * third + 160.0 * np.sin(turn / 12.0)
    north += 320.0 * np.sin(turn / 30.0) + common
    east = east * (2.0 / 3.0) + 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * xy + 0.1 * root
    north = north * (2.0 / 3.0) - 100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * xy + 0.2 * root
    # no pole: out there nothing is shifted
    sine = np.sin(np.radians(np.clip(lat, -80.0, 80.0)))
    squared = sine * sine
    magic = 1.0 - _EE * squared
    radius = _AXIS / np.sqrt(magic)
    dlon = east * (180.0 / np.pi) / (radius * np.sqrt(1.0 - squared))
    dlat = north * (180.0 / np.pi) * magic / (radius * (1.0 - _EE))
    return dlon, dlat


def _sine_of_triple(sine: Floats) -> Floats:
    """sin 3u from sin u: sines are most of the work, and every one saved counts."""
    return sine * (3.0 - 4.0 * sine * sine)


def shifted_here(lonlat: Floats) -> npt.NDArray[np.bool_]:
    """Positions inside :data:`BOX`."""
    west, south, east, north = BOX
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north), dtype=bool)


@_chunked
def wgs84_to_gcj02(lonlat: Floats) -> Floats:
    """WGS 84 to GCJ-02 by the published formulas; unchanged outside :data:`BOX`."""
    moved = np.column_stack(_offset(lonlat[:, 0], lonlat[:, 1])) + lonlat
    return np.where(shifted_here(lonlat)[:, None], moved, lonlat)


@_chunked
def gcj02_to_wgs84(lonlat: Floats) -> Floats:
    """GCJ-02 to WGS 84, the true inverse by iteration; unchanged outside :data:`BOX`.

    Only within 1 km of the edges of the box, far from China, it is ambiguous which side a position comes from.
    """
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    x, y = lon, lat
    for _ in range(_ROUNDS):
        dlon, dlat = _offset(x, y)
        x, y = lon - dlon, lat - dlat
    return np.where(shifted_here(lonlat)[:, None], np.column_stack((x, y)), lonlat)


def _polar(x: Floats, y: Floats, sign: float) -> tuple[Floats, Floats]:
    """The published turn between GCJ-02 and BD-09: *sign* 1 to, -1 from BD-09."""
    length = np.hypot(x, y) + sign * 0.00002 * np.sin(y * _BAIDU)
    angle = np.arctan2(y, x) + sign * 0.000003 * np.cos(x * _BAIDU)
    return length * np.cos(angle), length * np.sin(angle)


@_chunked
def gcj02_to_bd09(lonlat: Floats) -> Floats:
    """GCJ-02 to BD-09 by the published formula, which knows no box."""
    x, y = _polar(lonlat[:, 0], lonlat[:, 1], 1.0)
    return np.column_stack((x + 0.0065, y + 0.006))


@_chunked
def bd09_to_gcj02(lonlat: Floats) -> Floats:
    """BD-09 to GCJ-02, the true inverse of :func:`gcj02_to_bd09` by iteration."""
    lon, lat = lonlat[:, 0] - 0.0065, lonlat[:, 1] - 0.006
    x, y = lon, lat
    for _ in range(_ROUNDS):
        to_x, to_y = _polar(x, y, 1.0)
        x, y = x + (lon - to_x), y + (lat - to_y)
    return np.column_stack((x, y))


@_chunked
def bd09_to_gcj02_published(lonlat: Floats) -> Floats:
    """BD-09 to GCJ-02 by the closed form that is published: up to 0.2 m off the true inverse."""
    x, y = _polar(lonlat[:, 0] - 0.0065, lonlat[:, 1] - 0.006, -1.0)
    return np.column_stack((x, y))


def wgs84_to_bd09(lonlat: Floats) -> Floats:
    """WGS 84 to BD-09 by way of GCJ-02."""
    return gcj02_to_bd09(wgs84_to_gcj02(lonlat))


def bd09_to_wgs84(lonlat: Floats) -> Floats:
    """BD-09 to WGS 84 by way of GCJ-02, both steps true inverses by iteration."""
    return gcj02_to_wgs84(bd09_to_gcj02(lonlat))


GCJ02 = Shift(
    "GCJ02",
    "GCJ-02 (火星坐标)",
    wgs84_to_gcj02,
    gcj02_to_wgs84,
    bilingual(
        "the published formulas WGS 84 → GCJ-02, inverted by iteration (under 0.01 mm)",
        "按公开的 WGS 84 → GCJ-02 公式迭代反算（误差小于 0.01 毫米）",
    ),
)
BD09 = Shift(
    "BD09",
    "BD-09 (百度坐标)",
    wgs84_to_bd09,
    bd09_to_wgs84,
    bilingual(
        "the published formulas WGS 84 → GCJ-02 → BD-09, both steps inverted by iteration (under 0.01 mm), not by "
        "the published closed form BD-09 → GCJ-02, which is up to 0.2 m off",
        "按公开的 WGS 84 → GCJ-02 → BD-09 公式逐步迭代反算（误差小于 0.01 毫米），"
        "未使用误差可达 0.2 米的 BD-09 → GCJ-02 近似公式",
    ),
)


def named_shift(name: str) -> Shift | None:
    """The shifted system that *name* means (``GCJ02``, ``gcj-02``, ``BD09``, ``BD09LL``), or None."""
    plain = "".join(sign for sign in name.upper() if sign.isalnum())
    return {"GCJ02": GCJ02, "GCJ02LL": GCJ02, "BD09": BD09, "BD09LL": BD09}.get(plain)
