"""A corrected export of the quarantine: its rows joined to those that wait, its cells and shapes as they are now."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import shapely

from gridsvc.crs import transform
from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.export.tables import EXCEL_TEXT, disarmed
from gridsvc.intake.delivery import Delivery, Objects
from gridsvc.intake.formats import sniff
from gridsvc.intake.load import read_delivery
from gridsvc.intake.quarantine import (
    HEADS,
    NUMBER,
    SHEET,
    columns_of,
    delivered_names,
    names_back,
    raw_of,
    shapes_of,
    shown_names,
)
from gridsvc.intake.report import RowReport
from gridsvc.intake.sources import open_sources, sheet_names
from gridsvc.layers import Layer, fold
from gridsvc.text import Text, bilingual

_NO_NUMBER = bilingual(
    "it has no quarantine number: a row added here is not taken in; load it with gridsvc load --mode upsert",
    "没有待处理编号：此处新增的行不入库；请用 gridsvc load --mode upsert 入库",
)
_DECIMAL = re.compile(r"-?\d+\.\d+")
_SHOWN = 9
"""Characters of a number that a spreadsheet shows at least before it shortens it."""


@dataclass
class Corrected:
    """The rows of a corrected file that wait in quarantine, and what was there before."""

    delivery: Delivery
    """The file as it was read."""
    rows: pd.DataFrame
    """Quarantined rows (:meth:`Store.quarantine`), one per row of the file that is taken, in file order."""
    at: np.ndarray
    """Their positions in the file."""
    aside: list[RowReport] = field(default_factory=list)

    @cached_property
    def raws(self) -> list[dict[str, str | None]]:
        """The cells as delivered, row by row."""
        return [raw_of(row) for row in self.rows.itertuples()]

    @cached_property
    def cells(self) -> list[dict[str, str | None]]:
        """The cells now: those of the file where it has the column, else as delivered."""
        names = delivered_names(list(self.delivery.columns), columns_of(self.raws))
        read = {
            name: self.delivery.columns[shown].cells(self.at)
            for shown, name in names.items()
            if names_back(shown) is None
        }
        return [
            {**raw, **{name: typed_cell(values[number], raw.get(name)) for name, values in read.items()}}
            for number, raw in enumerate(self.raws)
        ]

    @cached_property
    def old_shapes(self) -> Objects:
        """Shapes in quarantine, longitude and latitude."""
        return np.asarray(shapes_of(self.rows), dtype=object)

    def shapes(self, crs: pyproj.CRS) -> Objects:
        """Shapes now, longitude and latitude in *crs*: those of the file where it has one, else of the quarantine."""
        shapes = np.array(self.old_shapes, dtype=object)
        if self.delivery.geometry is not None:
            drawn = _in_degrees(self.delivery, crs)[self.at]
            there = ~np.asarray(shapely.is_missing(drawn), dtype=bool)
            shapes[there] = drawn[there]
        return shapes

    def is_drawn(self, row: int, shape: Any) -> bool:
        """True where *shape*, what a row has now, is not what waits in quarantine."""
        old = self.old_shapes[row]
        if shape is None or old is None:
            return shape is not old
        return bool(shapely.to_wkb(shape) != shapely.to_wkb(old))


def typed_cell(cell: str | None, raw: str | None) -> str | None:
    """What a person typed; a cell that only shows how the export or a spreadsheet wrote it is as delivered."""
    if raw is None or cell is None:
        return cell
    same = {raw, str(disarmed(raw)), raw[:EXCEL_TEXT], raw.replace("\r\n", "\n")}
    return raw if cell in same or _shortened(cell, raw) else cell


def _shortened(cell: str, raw: str) -> bool:
    """True where a spreadsheet saved a long decimal number as it shows it, with fewer decimals."""
    digits = cell.partition(".")[2]
    if not (_DECIMAL.fullmatch(cell) and _DECIMAL.fullmatch(raw)) or len(cell) < _SHOWN:
        return False
    return len(digits) < len(raw.partition(".")[2]) and f"{float(raw):.{len(digits)}f}" == cell


def read_corrected(path: Path, spec: Layer, waiting: pd.DataFrame, encoding: str | None) -> Corrected:
    """Read a corrected file of *waiting* rows of layer *spec*; one without quarantine numbers is refused."""
    raws = columns_of([raw_of(row) for row in waiting.itertuples()])
    known = frozenset(
        fold(name)
        for name in (
            *(text for head in HEADS for text in (head.en, head.zh)),
            *raws,
            *shown_names(raws, "csv"),
        )
    )
    with open_sources([path], spec, _sheet(path)) as data_sets:
        delivery = read_delivery(data_sets[0], encoding, known)
    if not any(names_back(name) is NUMBER for name in delivery.columns):
        raise UsageError(
            f"{path.name} has no column {NUMBER.en} by which its rows are found in quarantine; correct a file that "
            f"was written by: gridsvc quarantine {spec.name} --export FILE",
            f"{path.name} 没有“{NUMBER.zh}”列，无法与待处理记录对应；请更正由 "
            f"gridsvc quarantine {spec.name} --export 文件 导出的文件",
        )
    return _join(delivery, waiting)


def _sheet(path: Path) -> str | None:
    """The sheet of a workbook that holds the rows; the guide beside it is not read."""
    if not path.is_file() or sniff(path) != "xlsx":
        return None
    names = sheet_names(path)
    return next((name for name in names if name in (SHEET.en, SHEET.zh)), names[0] if names else None)


def _join(delivery: Delivery, waiting: pd.DataFrame) -> Corrected:
    """Rows of the file with those that wait; the others are told."""
    column = next(name for name in delivery.columns if names_back(name) is NUMBER)
    cells = delivery.columns[column].cells(np.arange(len(delivery.rows)))
    place = {number: at for at, number in enumerate(waiting["origin"].tolist())}
    aside = [
        left_open(delivery.name, left.row, bilingual(f"no record: {left.text}", f"不是数据行：{left.text}"))
        for left in delivery.left_out
    ]
    found: list[tuple[int, int]] = []
    for position, (row, cell) in enumerate(zip(delivery.rows.tolist(), cells, strict=True)):
        text = (cell or "").strip()
        if text.isascii() and text.isdecimal() and int(text) in place:
            found.append((position, place[int(text)]))
        elif text:
            told = bilingual(
                f"nothing waits under quarantine number {text[:20]}: it was taken in, dismissed or replaced since",
                f"待处理编号 {text[:20]} 已不在待处理之列（已入库、已排除或已被替换）",
            )
            aside.append(left_open(delivery.name, row, told))
        else:
            aside.append(left_open(delivery.name, row, _NO_NUMBER))
    if not found:
        first = f"; row {aside[0].row}: {aside[0].text.en}" if aside else ""
        first_zh = f"；第 {aside[0].row} 行：{aside[0].text.zh}" if aside else ""
        raise InputRefusedError(
            f"{delivery.name}: none of its rows waits in quarantine{first}; nothing was stored",
            f"{delivery.name}：没有一行在待处理之列{first_zh}；未入库",
        )
    at = np.array([position for position, _ in found], dtype=np.intp)
    rows = waiting.iloc[[number for _, number in found]].reset_index(drop=True)
    return Corrected(delivery, rows, at, aside)


def left_open(file: str, row: int, text: Text, number: int | None = None) -> RowReport:
    """A row of the file that is not taken in, and why."""
    return RowReport(file, row, "left_out", "", [], text, {}, number=number)


def _in_degrees(delivery: Delivery, crs: pyproj.CRS) -> Objects:
    """The shapes of a file in longitude and latitude; one that names no system holds degrees."""
    shapes = np.asarray(delivery.geometry, dtype=object)
    if delivery.crs is None or delivery.crs.is_geographic:
        return shapes
    return np.asarray(transform(shapes, delivery.crs, crs), dtype=object)
