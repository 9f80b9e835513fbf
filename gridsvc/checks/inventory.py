"""What a layer holds, as numbers: features, lengths, areas, and what its graded fields say, by group of cells.

All of it are whole amounts (features, nanometres, square millimetres, thousandths), so that groups add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from gridsvc.coverage.scene import Scene
from gridsvc.layers import Field, Layer
from gridsvc.partition.areas import union_areas
from gridsvc.partition.cells import SQUARE_MM
from gridsvc.partition.faces import Ints
from gridsvc.partition.segments import on_grain
from gridsvc.text import Text, bilingual

UNKNOWN = bilingual("unknown", "未知")
FEATURES = bilingual("Features", "数量")
LENGTH = bilingual("Length", "长度")
DRAWN_LENGTH = bilingual("Length of all lines drawn", "线条总长")
AREA = bilingual("Area", "面积")
UNION = bilingual("Area in the county, overlaps once", "县内面积（重叠只计一次）")
YES_NO = {True: bilingual("yes", "是"), False: bilingual("no", "否")}


@dataclass(frozen=True)
class Measure:
    """A unit of amounts: how many whole amounts make one, and how many decimals people read."""

    unit: Text
    divisor: int
    decimals: int


COUNT = Measure(bilingual("", "个"), 1, 0)
ROWS = Measure(bilingual("", "条"), 1, 0)
KM = Measure(bilingual("km", "千米"), 10**12, 3)
M2 = Measure(bilingual("m²", "平方米"), 10**6, 1)
THOUSANDTHS = Measure(bilingual("", ""), 1000, 0)


@dataclass(frozen=True)
class Figure:
    """One column of the form: whole amounts in all and by group."""

    title: Text
    part: Text | None
    """The value that a field has, where the figure is of that value only."""
    measure: Measure
    total: int
    by_group: Ints
    """In the order of :attr:`Confirmation.groups`; empty for a table."""

    def value(self, amount: int) -> float:
        """An amount in the unit of the measure."""
        return amount / self.measure.divisor

    def shown(self, amount: int) -> str:
        """An amount as people read it."""
        return f"{self.value(amount):,.{self.measure.decimals}f}"

    @property
    def heading(self) -> Text:
        """What it is, with its unit."""
        part = self.part or bilingual("", "")
        en = " ".join(text for text in (self.title.en, part.en) if text)
        zh = "·".join(text for text in (self.title.zh, part.zh) if text)
        unit = self.measure.unit
        return bilingual(f"{en} ({unit.en})" if unit.en else en, f"{zh}（{unit.zh}）" if unit.zh else zh)


class _Sums:
    """Makes figures of one layer: amounts of its facts, summed by group."""

    def __init__(self, group_of: Ints, groups: int, *, placed: bool) -> None:
        self.group_of, self.groups, self.placed = group_of, groups, placed

    def figure(
        self, title: Text, part: Text | None, measure: Measure, amounts: Ints, cell: Ints | None
    ) -> Figure:
        """Sum *amounts* of facts that lie in cells *cell*."""
        by_group = np.zeros(self.groups if self.placed else 0, dtype=np.int64)
        if self.placed and cell is not None:
            np.add.at(by_group, self.group_of[cell], amounts)
        return Figure(title, part, measure, int(amounts.sum()), by_group)


def figures_of(
    scene: Scene, layer: Layer, group_of: Ints, groups: int
) -> tuple[list[Figure], list[tuple[Text, int]]]:
    """The figures of a layer, features first; and its graded fields with the features that lack a value."""
    frame = scene.layer(layer.name)
    sums = _Sums(group_of, groups, placed=bool(layer.geometry))
    cell = scene.cell_of(layer.name) if layer.geometry else None
    one = np.ones(len(frame), dtype=np.int64)
    figures = [sums.figure(FEATURES, None, COUNT if layer.geometry else ROWS, one, cell)]
    figures += _sizes(scene, layer, sums, cell)
    unknown = []
    for name, spec in layer.fields.items():
        if spec.graded:
            missing = frame[name].isna().to_numpy(bool)
            unknown.append((spec.title, int(missing.sum())))
            figures += _of_field(scene, layer, name, spec, sums, cell)
    return figures, unknown


def _sizes(scene: Scene, layer: Layer, sums: _Sums, cell: Ints | None) -> list[Figure]:
    """Length of lines, area of polygons."""
    frame = scene.layer(layer.name)
    if layer.role == "road":
        pieces = scene.pieces
        drawn = replace(pieces, lines=np.ones_like(pieces.lines)).length()
        found = [sums.figure(LENGTH, None, KM, pieces.length(), pieces.cell)]
        if int(drawn.sum()) != found[0].total:
            found.append(sums.figure(DRAWN_LENGTH, None, KM, drawn, pieces.cell))
        return found
    if layer.dimensions == {1}:
        return [sums.figure(LENGTH, None, KM, _nanometres(frame), cell)]
    area = _square_mm(frame) if 2 in layer.dimensions else np.zeros(0, dtype=np.int64)
    if not area.any():
        return []
    union = union_areas(scene.partition, frame.geometry.to_numpy())
    united = sums.figure(UNION, None, M2, union, np.arange(len(union)))
    return [sums.figure(AREA, None, M2, area, cell), united]


def _nanometres(frame: Any) -> Ints:
    return on_grain(shapely.length(frame.geometry.to_numpy()))


def _square_mm(frame: Any) -> Ints:
    return np.asarray(np.rint(shapely.area(frame.geometry.to_numpy()) * SQUARE_MM), dtype=np.int64)


def _of_field(
    scene: Scene, layer: Layer, name: str, spec: Field, sums: _Sums, cell: Ints | None
) -> list[Figure]:
    """What there is of each value of a graded field, or its sum; and what is unknown."""
    column = scene.layer(layer.name)[name]
    missing = column.isna().to_numpy(bool)
    values: list[tuple[Any, Text]] = [(value.value, value.title) for value in spec.values]
    if spec.type == "boolean":
        values = list(YES_NO.items())
    measure, amounts, at = _weighed(scene, layer, cell)
    if values:
        chosen = [(title, (column == value).fillna(False).to_numpy(bool)) for value, title in values]
        chosen.append((UNKNOWN, missing))
        return [sums.figure(spec.title, title, measure, amounts(rows), at) for title, rows in chosen]
    found = []
    if spec.type in ("integer", "number"):
        number = column.astype("Float64").to_numpy(float, na_value=0.0)
        unit = bilingual(spec.unit, spec.unit)
        total = replace(THOUSANDTHS, unit=unit)
        found.append(sums.figure(spec.title, None, total, np.rint(number * 1000).astype(np.int64), cell))
    return [*found, sums.figure(spec.title, UNKNOWN, COUNT, missing.astype(np.int64), cell)]


def _weighed(scene: Scene, layer: Layer, cell: Ints | None) -> tuple[Measure, Any, Ints | None]:
    """What features are counted by when they are told apart by a value: length, area or number.

    Returns the measure, a function from chosen features to amounts, and the cells of the amounts.
    """
    frame = scene.layer(layer.name)
    if layer.role == "road":
        pieces = scene.pieces
        whole = pieces.length()
        return KM, lambda rows: np.where(rows[pieces.road], whole, 0), pieces.cell
    if layer.dimensions == {1}:
        return KM, lambda rows: np.where(rows, _nanometres(frame), 0), cell
    if layer.dimensions == {2}:
        return M2, lambda rows: np.where(rows, _square_mm(frame), 0), cell
    return (COUNT if layer.geometry else ROWS), lambda rows: rows.astype(np.int64), cell
