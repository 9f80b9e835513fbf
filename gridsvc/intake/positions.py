"""Positions in the columns of a table: longitude and latitude, both in one cell, degrees and minutes, or WKT."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from gridsvc.errors import InputRefusedError
from gridsvc.intake.angles import both, coordinate
from gridsvc.intake.delivery import Column, Objects
from gridsvc.intake.header import aside, forms, unmarked
from gridsvc.intake.problems import Problems
from gridsvc.intake.values import Fault
from gridsvc.layers import fold
from gridsvc.text import Text, bilingual

# columns with a point's coordinates (x or longitude, y or latitude), the more telling names first
PAIRS = (
    ("经度", "纬度"),
    ("东经", "北纬"),
    ("lon", "lat"),
    ("lng", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("经度坐标", "纬度坐标"),
    ("坐标经度", "坐标纬度"),
    ("横坐标", "纵坐标"),
    ("x坐标", "y坐标"),
    ("坐标x", "坐标y"),
    ("point_x", "point_y"),
    ("x", "y"),
)
_NAMES = (("经度", "纬度"), ("lon", "lat"), ("lng", "lat"), ("longitude", "latitude"), ("x", "y"))
_BETWEEN = ("", ",", "/", "、", ";", "和")
_PLAIN = [
    "坐标",
    "经纬度",
    "坐标经纬度",
    "经纬度坐标",
    "地理坐标",
    "位置坐标",
    "gps",
    "gps坐标",
    "location",
    "coordinates",
    "coordinate",
]
LAT_FIRST = frozenset(fold(y + mark + x) for x, y in _NAMES for mark in _BETWEEN) - {"yx"}
"""Columns with both in one cell, the latitude first."""
TOGETHER = frozenset(map(fold, _PLAIN)) | {fold(x + mark + y) for x, y in _NAMES for mark in _BETWEEN}
"""… the longitude first."""
WKT = frozenset(fold(name) for name in ("wkt", "wkt_geom", "geometry", "geom", "the_geom", "shape", "图形"))
POSITION_NAMES = frozenset(fold(name) for pair in PAIRS for name in pair) | TOGETHER | LAT_FIRST | WKT
"""Folded names of columns that hold positions."""

# what a heading may name in brackets: 经度（CGCS2000）
_SYSTEMS = {
    4490: ("cgcs2000", "国家2000", "2000国家大地坐标系", "大地2000", "2000"),
    4326: ("wgs84", "wgs1984"),
}
_SHIFTED = {"GCJ02": ("gcj02", "火星", "火星坐标", "高德"), "BD09": ("bd09", "百度", "百度坐标")}
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnShapes:
    """Shapes made of the columns *used*, and what is wrong with which rows."""

    shapes: Objects
    used: tuple[str, ...]
    faults: dict[int, Text]

    def report(self, problems: Problems) -> None:
        """Report rows without a position, and rows whose position cannot be read, with what stands there."""
        gone = np.array(shapely.is_missing(self.shapes) | shapely.is_empty(self.shapes), dtype=bool)
        broken = np.array(sorted(self.faults), dtype=np.intp)
        gone[broken] = False
        en, zh = " and ".join(self.used), "、".join(self.used)
        text = bilingual(f"the row has no position in {en}", f"该行的 {zh} 为空，没有位置")
        problems.add("no_geometry", np.flatnonzero(gone), text)
        problems.add("unreadable_geometry", broken, [self.faults[row] for row in broken.tolist()])


def coordinate_columns(
    columns: Sequence[str], paths: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, str] | None:
    """The columns with a point's longitude (x) and latitude (y) in a table, or None."""
    by_name = _by_name(columns, paths or {})
    for lon, lat in PAIRS:
        if fold(lon) in by_name and fold(lat) in by_name:
            return by_name[fold(lon)], by_name[fold(lat)]
    return None


def named_system(column: str) -> tuple[pyproj.CRS | None, Text | None]:
    """The system that a heading of coordinates names in brackets, with how it is known; None where it names none.

    One of shifted web maps is only told: it has to be confirmed.
    """
    text = aside(unmarked(column))[1]
    name = fold(text)
    for code, names in _SYSTEMS.items():
        if name in (*names, f"epsg{code}", str(code)):
            how = bilingual(f"heading of column {column!r}", f"列名“{column}”")
            return pyproj.CRS.from_epsg(code), how
    for shifted, names in _SHIFTED.items():
        if name in names:
            return None, bilingual(
                f"the heading of column {column!r} says {text}: give --crs {shifted} if that is so",
                f"列名“{column}”注明为{text}：如属实请用 --crs {shifted}",
            )
    return None, None


def _by_name(columns: Sequence[str], paths: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Columns by every folded name they may be known under; the first of a name wins."""
    found: dict[str, str] = {}
    for column in columns:
        path = paths.get(column, ())
        for text in ("".join(path) or column, *path[-1:]):
            for name in forms(text):
                found.setdefault(name, column)
    return found


def find_positions(
    title: str, columns: Mapping[str, Column], paths: Mapping[str, Sequence[str]], *, points: bool
) -> ColumnShapes | None:
    """Shapes from the columns of a table, None where it has none; *points*: coordinate columns may make them.

    Raises :class:`InputRefusedError` for degrees, minutes and seconds run together as one number.
    """
    by_name = _by_name(list(columns), paths)
    wkt = next((by_name[name] for name in by_name if name in WKT), None)
    if wkt is not None and (found := _from_wkt(wkt, columns[wkt])):
        return found
    if not points:
        return None
    pair = coordinate_columns(list(columns), paths)
    if pair is not None:
        return _from_pair(title, pair, columns)
    name = next((name for name in by_name if name in TOGETHER | LAT_FIRST), None)
    return None if name is None else _from_cells(by_name[name], columns[by_name[name]], name in LAT_FIRST)


def _each(column: Column, parse: Callable[[str], Any]) -> tuple[list[Any], dict[int, Fault]]:
    """Every distinct spelling parsed: values (None where there is none), and faults by index of the spelling."""
    values: list[Any] = []
    faults: dict[int, Fault] = {}
    for index, spelling in enumerate(column.spellings):
        try:
            values.append(parse(spelling))
        except Fault as fault:
            faults[index] = fault
            values.append(None)
    return [*values, None], faults


def _rows(name: str, column: Column, faults: Mapping[int, Fault]) -> dict[int, Text]:
    """Faults of spellings as sentences by row."""
    if not faults:
        return {}
    texts = {
        index: bilingual(f"column {name!r}: {fault.text.en}", f"列“{name}”：{fault.text.zh}")
        for index, fault in faults.items()
    }
    wrong = np.flatnonzero(np.isin(column.codes, list(faults)))
    return {row: texts[code] for row, code in zip(wrong.tolist(), column.codes[wrong].tolist(), strict=True)}


def _from_pair(title: str, pair: tuple[str, str], columns: Mapping[str, Column]) -> ColumnShapes:
    axes: list[Numbers] = []
    faults: dict[int, Text] = {}
    for name, axis in zip(pair, "xy", strict=True):
        column = columns[name]
        found, wrong = _each(column, partial(coordinate, axis=axis))
        numbers = np.array([np.nan if value is None else value for value in found], dtype="float64")
        axes.append(numbers[column.codes])
        faults |= _rows(name, column, wrong)
    x, y = axes
    _require_unpacked(title, pair, x, y)
    return ColumnShapes(_points(x, y), pair, faults)


def _points(x: Numbers, y: Numbers) -> Objects:
    shapes = np.full(len(x), None, dtype=object)
    known = ~(np.isnan(x) | np.isnan(y))
    shapes[known] = shapely.points(x[known], y[known])
    return shapes


def _from_cells(name: str, column: Column, lat_first: bool) -> ColumnShapes | None:
    """Points from cells with two numbers; None where most cells hold something else."""
    found, faults = _each(column, lambda text: both(text, lat_first=lat_first))
    if len(faults) * 2 > len(column.spellings) or not column.spellings:
        return None
    xy = np.array([(np.nan, np.nan) if value is None else value for value in found], dtype="float64")[
        column.codes
    ]
    return ColumnShapes(_points(xy[:, 0], xy[:, 1]), (name,), _rows(name, column, faults))


def _from_wkt(name: str, column: Column) -> ColumnShapes | None:
    """Shapes from cells of WKT; None where most cells hold something else."""
    found = [*shapely.from_wkt(column.spellings, on_invalid="ignore"), None]
    text = bilingual("it holds no shape in WKT", "不是有效的 WKT 图形")
    faults = {index: Fault("value", text) for index, shape in enumerate(found[:-1]) if shape is None}
    if len(faults) * 2 > len(column.spellings) or not column.spellings:
        return None
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = found
    return ColumnShapes(shapes[column.codes], (name,), _rows(name, column, faults))


def _require_unpacked(title: str, pair: tuple[str, str], x: Numbers, y: Numbers) -> None:
    """Refuse degrees, minutes and seconds run together (1162312): they are never guessed.

    No metre CRS of China has such pairs: its northings start at 300 km.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    if not known.any() or not (_packed(x[known], 73, 136) & _packed(y[known], 3, 54)).all():
        return
    x_name, y_name = pair
    sample = f"{x[known][0]:.12g}"
    raise InputRefusedError(
        f"{title}: column {x_name} holds {sample}, which looks like degrees, minutes and seconds run together; "
        f"write {x_name} and {y_name} as degrees (116.386806) or with marks (116°23′12.5″)",
        f"{title}：列 {x_name} 的值 {sample} 像是连写的度分秒；"
        f"请将 {x_name}、{y_name} 写成十进制度（116.386806）或带符号的度分秒（116°23′12.5″）",
    )


def _packed(numbers: Numbers, low: int, high: int) -> npt.NDArray[np.bool_]:
    degrees, minutes, seconds = numbers // 10_000, numbers // 100 % 100, numbers % 100
    return np.asarray((degrees >= low) & (degrees < high) & (minutes < 60) & (seconds < 60), dtype=bool)
