"""Shapes checked against what a layer accepts: type, coordinates, validity; repaired where that is certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from gridsvc.intake.delivery import NO_SHAPE, UNREADABLE, Mask, Objects
from gridsvc.intake.problems import Positions, Problems
from gridsvc.layers import Layer
from gridsvc.text import Text, bilingual

AREA_TOLERANCE = 0.01
"""Share of its area by which a repaired polygon may differ between two readings of it."""
_KINDS = (bilingual("point", "点"), bilingual("line", "线"), bilingual("polygon", "面"))
_DIMENSION = np.array([0, 1, 1, 2, 0, 1, 2, -1])
"""Dimension by GEOS type id; a collection has none of its own."""


def kind_title(dimension: int) -> Text:
    """Word for points, lines or polygons."""
    return _KINDS[dimension]


def wanted_kinds(layer: Layer) -> Text:
    """Words for what *layer* holds: points, lines, polygons."""
    kinds = [_KINDS[dimension] for dimension in sorted(layer.dimensions)]
    return bilingual(" or ".join(f"{kind.en}s" for kind in kinds), "、".join(kind.zh for kind in kinds))


@dataclass(frozen=True)
class Repair:
    """Rows whose polygons crossed themselves and were repaired, with how much of the area moved."""

    positions: Positions
    change: list[float]
    """Share of the area, 0…:data:`AREA_TOLERANCE`."""


def check_presence(
    shapes: Objects,
    unreadable: Mask | None,
    problems: Problems,
    no_shape: Text = NO_SHAPE,
    why: Text = UNREADABLE,
) -> None:
    """Report missing, empty and unreadable shapes; *no_shape* says why one is missing, *why* why one is not read."""
    broken = np.zeros(len(shapes), dtype=bool) if unreadable is None else unreadable
    absent = (shapely.is_missing(shapes) | shapely.is_empty(shapes)) & ~broken
    problems.add("no_geometry", np.flatnonzero(absent), no_shape)
    problems.add("unreadable_geometry", np.flatnonzero(broken), why)


def dimensions(shapes: Objects) -> np.ndarray:
    """0, 1 or 2 per shape; -1 for collections of several dimensions and for nothing."""
    kinds = shapely.get_type_id(shapes)
    found = np.where(kinds < 0, -1, _DIMENSION[kinds])
    for position in np.flatnonzero(kinds == 7):
        parts = set(_DIMENSION[shapely.get_type_id(_flat(shapes[position]))].tolist())
        found[position] = parts.pop() if len(parts) == 1 else -1
    return np.asarray(found)


def _flat(collection: shapely.Geometry) -> Objects:
    """Single parts of a collection, nested ones included."""
    parts = np.asarray(shapely.get_parts(collection), dtype=object)
    while (shapely.get_type_id(parts) >= 4).any():
        parts = np.asarray(shapely.get_parts(parts), dtype=object)
    return parts


def unify(shapes: Objects) -> Objects:
    """2D shapes in one form: collections of one dimension as multis, multis of one part as that part.

    Outer rings run clockwise, as in shapefiles. So the same feature is the same whichever format it came in.
    """
    result = np.asarray(shapely.force_2d(shapes), dtype=object).copy()
    makers = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)
    kinds = shapely.get_type_id(result)
    for position in np.flatnonzero(kinds == 7):
        parts = _flat(result[position])
        result[position] = makers[int(_DIMENSION[shapely.get_type_id(parts[0])])](parts)
    rings = np.flatnonzero(kinds == 2)
    result[rings] = [shapely.linestrings(shapely.get_coordinates(ring)) for ring in result[rings]]
    multis = np.isin(shapely.get_type_id(result), (4, 5, 6))
    lone = np.flatnonzero(multis & (shapely.get_num_geometries(result) == 1))
    result[lone] = shapely.get_geometry(result[lone], 0)
    polygons = np.isin(shapely.get_type_id(result), (3, 6))
    result[polygons] = shapely.orient_polygons(result[polygons], exterior_cw=True)
    return result


@dataclass(frozen=True)
class Split:
    """Rows whose shape is of several kinds: what the layer takes went on, what it does not is kept here."""

    positions: Positions
    rest: Objects
    """One shape per row, as delivered or in stored coordinates."""
    texts: list[Text]


def no_split() -> Split:
    """Nothing was split."""
    return Split(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=object), [])


def split_mixed(layer: Layer, shapes: Objects, candidates: Positions) -> tuple[Objects, Split]:
    """Take collections of several kinds apart: the highest kind that *layer* takes goes on in their place."""
    collections = candidates[shapely.get_type_id(shapes[candidates]) == 7]
    mixed = collections[dimensions(shapes[collections]) < 0]
    shapes = shapes.copy() if len(mixed) else shapes
    rows, rest, texts = [], [], []
    for position in mixed.tolist():
        parts = _flat(shapes[position])
        parts = parts[~shapely.is_empty(parts)]
        kinds = _DIMENSION[shapely.get_type_id(parts)]
        taken = max((int(kind) for kind in kinds if kind in layer.dimensions), default=None)
        if taken is None:
            continue
        shapes[position] = shapely.geometrycollections(parts[kinds == taken])
        left = parts[kinds != taken]
        if not len(left):
            continue
        rows.append(position)
        rest.append(left[0] if len(left) == 1 else shapely.geometrycollections(left))
        texts.append(_split_text(taken, kinds))
    found = np.empty(len(rest), dtype=object)
    found[:] = rest
    return shapes, Split(np.array(rows, dtype=np.intp), found, texts)


def _split_text(taken: int, kinds: np.ndarray) -> Text:
    counts = {dimension: int((kinds == dimension).sum()) for dimension in range(3)}
    others = [dimension for dimension, count in counts.items() if count and dimension != taken]
    kept, left = _KINDS[taken], [_KINDS[dimension] for dimension in others]
    en = " and ".join(
        f"{counts[n]} {kind.en}{'s' if counts[n] > 1 else ''}" for n, kind in zip(others, left, strict=True)
    )
    zh = "、".join(f"{counts[n]} 个{kind.zh}" for n, kind in zip(others, left, strict=True))
    return bilingual(
        f"a mixed collection was split: its {kept.en}s ({counts[taken]}) went in; waiting here: {en}",
        f"混合图形已拆分：{kept.zh}（{counts[taken]} 个）已入库，其余 {zh}待处理",
    )


def check_types(layer: Layer, shapes: Objects, candidates: Positions, problems: Problems) -> None:
    """Report shapes of a dimension that *layer* does not hold, and several points where one belongs."""
    found = dimensions(shapes[candidates])
    wanted = wanted_kinds(layer)
    wrong = ~np.isin(found, list(layer.dimensions))
    for dimension in (-1, 0, 1, 2):
        rows = candidates[wrong & (found == dimension)]
        en, zh = (
            ("a mixed collection", "混合图形集合")
            if dimension < 0
            else (f"a {_KINDS[dimension].en}", _KINDS[dimension].zh)
        )
        text = bilingual(
            f"it is {en}; the layer takes {wanted.en}", f"图形为{zh}；该图层只接受{wanted.zh}图形"
        )
        problems.add("geometry_type", rows, text)
    if 0 in layer.dimensions and "MultiPoint" not in layer.geometry:
        points = candidates[~wrong & (found == 0)]
        several = points[shapely.get_num_geometries(shapes[points]) > 1]
        text = bilingual(
            "it has several points; give each a row of its own", "一行含有多个点；请拆成每点一行"
        )
        problems.add("several_points", several, text)


def check_shape(shapes: Objects, candidates: Positions, problems: Problems) -> tuple[Objects, Repair]:
    """Report lines without length and polygons without area, and repair polygons that cross themselves.

    Repairing keeps both halves of a bow-tie. It is done by two readings (each ring by itself; all lines
    together), and only where both agree on the area within :data:`AREA_TOLERANCE`.
    """
    shapes = shapes.copy()
    found = dimensions(shapes[candidates])
    lines = candidates[found == 1]
    flat = lines[shapely.length(shapes[lines]) == 0]
    problems.add("degenerate", flat, bilingual("the line has no length", "线没有长度"))
    polygons = candidates[found == 2]
    invalid = polygons[~shapely.is_valid(shapes[polygons])]
    repaired = _polygonal(shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False))
    other = _polygonal(shapely.make_valid(shapes[invalid], method="linework"))
    area, reading = shapely.area(repaired), shapely.area(other)
    larger = np.maximum(area, reading)
    change = np.divide(np.abs(area - reading), larger, out=np.zeros(len(area)), where=larger > 0)
    certain = (area > 0) & (change <= AREA_TOLERANCE)
    shapes[invalid[certain]] = repaired[certain]
    problems.add(
        "invalid",
        invalid[~certain & (area > 0)],
        [
            bilingual(
                f"the polygon crosses itself; two ways to repair it differ by {share:.1%} of its area",
                f"面自相交，两种修复方式的面积相差 {share:.1%}",
            )
            for share in change[~certain & (area > 0)].tolist()
        ],
    )
    flat = np.union1d(invalid[area == 0], polygons[shapely.area(shapes[polygons]) == 0])
    flat = np.setdiff1d(flat, invalid[area > 0])
    problems.add("degenerate", flat, bilingual("the polygon has no area", "面没有面积"))
    return shapes, Repair(invalid[certain], change[certain].tolist())


def _polygonal(shapes: Objects) -> Objects:
    """Only the polygons of each shape, as one polygon or multipolygon; empty where there are none."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    # linework may nest a multipolygon in a collection
    parts, inner = shapely.get_parts(parts, return_index=True)
    keep = shapely.get_type_id(parts) == 3
    result = np.full(len(shapes), shapely.Polygon(), dtype=object)
    if keep.any():
        filled, group = np.unique(owner[inner][keep], return_inverse=True)
        result[filled] = shapely.multipolygons(parts[keep], indices=group)
    return unify(result)
