"""Where the features of a delivery are: their shapes found, moved to stored coordinates, checked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import shapely

from gridsvc.codes import LEVELS
from gridsvc.errors import InputRefusedError
from gridsvc.intake import coordinates, geometry
from gridsvc.intake.delivery import Delivery, Objects
from gridsvc.intake.geometry import Repair, Split
from gridsvc.intake.positions import ColumnShapes, find_positions, named_system
from gridsvc.intake.problems import Positions, Problems
from gridsvc.intake.systems import Bounds, Located, locate, typical_bounds
from gridsvc.layers import Layer
from gridsvc.text import Text, bilingual


@dataclass(frozen=True)
class Spatial:
    """Shapes as delivered, and the table columns that they were made of."""

    shapes: Objects
    used: tuple[str, ...] = ()
    split: Split = field(default_factory=geometry.no_split)


@dataclass(frozen=True)
class Placed:
    """Shapes in stored coordinates, and what was done to them."""

    shapes: Objects
    """None for rows with problems."""
    repair: Repair
    split: Split
    located: Located | None = None


def find_shapes(delivery: Delivery, layer: Layer, problems: Problems) -> Spatial:
    """Shapes of the delivery, or points from its lon/lat columns; type and presence are checked.

    Raises :class:`InputRefusedError` when there are none, or none of a type that the layer takes.
    """
    wanted = geometry.wanted_kinds(layer)
    found_in: ColumnShapes | None = None
    if delivery.geometry is None:
        found_in = find_positions(
            delivery.name, delivery.columns, delivery.paths, points=0 in layer.dimensions
        )
    if delivery.geometry is None and found_in is None:
        raise InputRefusedError(
            f"{delivery.name} has no geometry, but layer {layer.name} needs {wanted.en}",
            f"{delivery.name} 没有图形，而图层 {layer.name} 需要{wanted.zh}图形",
        )
    if found_in is None:
        shapes = np.asarray(delivery.geometry, dtype=object)
        geometry.check_presence(
            shapes, delivery.unreadable, problems, delivery.no_shape, delivery.unreadable_why
        )
    else:
        shapes = found_in.shapes
        found_in.report(problems)
        delivery.crs, delivery.crs_note = named_system(found_in.used[0])
    present = np.flatnonzero(~problems.mask)
    shapes, split = geometry.split_mixed(layer, shapes, present)
    found = geometry.dimensions(shapes[present])
    if len(found) and not np.isin(found, list(layer.dimensions)).any():
        only = geometry.kind_title(int(found[0])) if found[0] >= 0 else bilingual("mixed", "混合")
        raise InputRefusedError(
            f"{delivery.name} holds {only.en} geometries, but layer {layer.name} takes {wanted.en}",
            f"{delivery.name} 为{only.zh}图形，而图层 {layer.name} 只接受{wanted.zh}图形",
        )
    geometry.check_types(layer, shapes, present, problems)
    return Spatial(shapes, found_in.used if found_in else (), split=split)


def place(
    delivery: Delivery,
    layer: Layer,
    spatial: Spatial,
    crs: str | None,
    county: Bounds | None,
    problems: Problems,
    warnings: list[Text],
    *,
    context: bool = False,
) -> Placed:
    """Shapes in stored coordinates and one form, checked; rows with problems keep None.

    *crs* is the person's word, *county* the county's lon/lat bounds where they are known (with *context* as far as
    neighbours' features may lie). Problems and
    warnings are added to. Raises :class:`InputRefusedError` where the coordinate system is not clear.
    """
    shapes = spatial.shapes
    placed = np.full(len(shapes), None, dtype=object)
    ok = _usable(shapes, problems)
    if not len(ok):
        return Placed(placed, Repair(ok, []), geometry.no_split())
    located = locate(delivery, shapes[ok], crs, county)
    warnings += located.notes
    if shapely.has_z(shapes[ok]).any():
        warnings.append(bilingual("heights (Z) were dropped", "已舍去高程（Z）值"))
    moved = coordinates.to_lonlat(delivery.name, shapes[ok], located)
    real = coordinates.on_earth(moved, located)
    text = bilingual(
        f"its coordinates lie outside of where {located.title} is used",
        f"坐标超出 {located.title} 的适用范围",
    )
    problems.add("coordinates", ok[~real], text)
    if not real.any():
        raise _nowhere(delivery, located)
    ok = ok[real]
    if county is not None and layer.level != LEVELS[0]:
        delivered = typical_bounds(shapes[ok])
        coordinates.require_in_county(delivery.name, moved[real], located, county, delivered, beside=context)
    placed[ok] = geometry.unify(moved[real])
    placed, repair = geometry.check_shape(placed, ok, problems)
    return Placed(placed, repair, _placed_rest(delivery, spatial.split, located), located)


def _usable(shapes: Objects, problems: Problems) -> Positions:
    """Rows whose shape is of the right kind and has coordinates that can be; others are reported."""
    bad = np.zeros(len(shapes), dtype=bool)
    shaped = {"no_geometry", "unreadable_geometry", "geometry_type", "several_points"}
    for problem in problems.found:
        if problem.code in shaped:
            bad[problem.positions] = True
    there = np.flatnonzero(~bad)
    usable = coordinates.finite(shapes[there])
    # (0, 0) is where positions stand that nobody measured
    zero = np.zeros(len(there), dtype=bool)
    zero[usable] = (shapely.bounds(shapes[there[usable]]) == 0).all(axis=1)
    problems.add(
        "coordinates", there[~usable], bilingual("a coordinate is not a usable number", "坐标不是有效数值")
    )
    problems.add("coordinates", there[zero], bilingual("its position is 0, 0", "坐标为 0, 0"))
    return there[usable & ~zero]


def _placed_rest(delivery: Delivery, split: Split, located: Located) -> Split:
    """What was split off, in stored coordinates; None where it has no place."""
    rest = np.full(len(split.rest), None, dtype=object)
    if len(rest):
        ok = coordinates.finite(split.rest)
        rest[ok] = coordinates.to_lonlat(delivery.name, split.rest[ok], located)
    return replace(split, rest=rest)


def _nowhere(delivery: Delivery, located: Located) -> InputRefusedError:
    return InputRefusedError(
        f"{delivery.name}: read as {located.title}, no feature has a place on earth; give the right coordinate "
        "system with --crs",
        f"{delivery.name}：按 {located.title} 读取，没有一个要素的坐标有效；请用 --crs 指定正确的坐标系",
    )
