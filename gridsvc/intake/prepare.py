"""One delivery made ready: fields typed, shapes in stored coordinates, everything wrong found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridsvc.errors import InputRefusedError, UsageError
from gridsvc.intake import values
from gridsvc.intake.delivery import Column, Delivery, Mask
from gridsvc.intake.fields import ROW_NUMBER, Matching, match_fields
from gridsvc.intake.placing import Placed, find_shapes, place
from gridsvc.intake.problems import Positions, Problems
from gridsvc.intake.report import ColumnReport, FileReport
from gridsvc.intake.systems import Bounds, Located
from gridsvc.layers import Field, Layer
from gridsvc.text import Text, bilingual

_SAMPLES = 3


@dataclass(frozen=True)
class Request:
    """What a person asked for, as far as it concerns one delivery."""

    layer: Layer
    mapping: Mapping[str, str]
    constants: Mapping[str, str]
    crs: str | None = None
    county: Bounds | None = None
    """Lon/lat bounds of the county, when the store knows it."""
    context: bool = False
    """The features are neighbours'; ``county`` reaches as far as they may lie."""


@dataclass
class Prepared:
    """A delivery, interpreted. Rows are by position; nothing has been dropped yet."""

    delivery: Delivery
    frame: pd.DataFrame
    """A column per field, and ``geometry`` (lon/lat, None where there is none)."""
    problems: Problems
    report: FileReport
    placed: Placed | None = None
    """What became of the shapes; None for a table."""
    warnings: list[Text] = field(default_factory=list)
    lost_values: int = 0
    mapping: dict[str, str] = field(default_factory=dict)
    """Field → column of the delivery that feeds it."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Field → value of every row."""


def prepare(delivery: Delivery, request: Request) -> Prepared:
    """Interpret *delivery* for a layer.

    Raises :class:`InputRefusedError` when it is empty, lacks a required column, has no usable coordinate
    system, or holds shapes of the wrong type only.
    """
    layer = request.layer
    if not len(delivery.rows):
        raise InputRefusedError(
            f"{delivery.name} holds no rows; nothing was stored", f"{delivery.name} 没有数据行；未入库"
        )
    problems = Problems(len(delivery.rows))
    warnings = list(delivery.notes)
    spatial = find_shapes(delivery, layer, problems) if layer.geometry else None
    columns = [name for name in delivery.columns if not (spatial and name in spatial.used)]
    matching = match_fields(
        layer,
        columns,
        delivery.name,
        mapping=request.mapping,
        constants=request.constants,
        cut=delivery.cut_names,
        paths=delivery.paths,
    )
    frame, doubts = _values(delivery, request, matching, problems)
    placed: Placed | None = None
    if spatial is not None:
        if spatial.used:
            warnings.append(
                bilingual(
                    f"points from columns {' and '.join(spatial.used)}",
                    f"点位取自列 {'、'.join(spatial.used)}",
                )
            )
        placed = place(
            delivery,
            layer,
            spatial,
            request.crs,
            request.county,
            problems,
            warnings,
            context=request.context,
        )
        frame["geometry"] = placed.shapes
    elif delivery.geometry is not None and not shapely.is_missing(delivery.geometry).all():
        warnings.append(bilingual("the layer is a table: shapes were not used", "该图层为表格：图形未使用"))
    lost = [doubt for doubt in (doubt.without(problems.mask) for doubt in doubts) if len(doubt.rows)]
    warnings += [doubt.text(delivery) for doubt in lost]
    return Prepared(
        delivery,
        frame,
        problems,
        _file_report(delivery, request, matching, placed.located if placed else None),
        placed,
        warnings,
        sum(len(doubt.rows) for doubt in lost) + delivery.lost_values,
        {name: match.column for name, match in matching.matches.items()},
        request.constants,
    )


@dataclass(frozen=True)
class _Doubt:
    """Cells that were not understood, of a field nothing rests on: stored as unknown, but told."""

    name: str
    spec: Field
    column: str
    parsed: values.Parsed
    rows: Positions

    def without(self, quarantined: Mask) -> _Doubt:
        """Only the rows that are not in quarantine anyway."""
        return replace(self, rows=self.rows[~quarantined[self.rows]])

    def text(self, delivery: Delivery) -> Text:
        """Warning with samples and where they stand."""
        wrong = list(
            dict.fromkeys(self.parsed.wrong[index] for index in self.parsed.fault[self.rows].tolist())
        )
        shown = ", ".join(repr(text[:20]) for text in wrong[:_SAMPLES]) + (
            " …" if len(wrong) > _SAMPLES else ""
        )
        numbers = ", ".join(str(number) for number in delivery.rows[self.rows[:5]].tolist())
        count, many = len(self.rows), len(self.rows) > 5
        return bilingual(
            f"column {self.column!r}: {count} values are no {self.spec.title.en} ({self.name}) and are stored as "
            f"unknown: {shown}; rows {numbers}{' …' if many else ''}",
            f"列“{self.column}”：{count} 个值不是有效的{self.spec.title.zh}（{self.name}），按未知入库：{shown}；"
            f"第 {numbers} 行{'等' if many else ''}",
        )


def _values(
    delivery: Delivery, request: Request, matching: Matching, problems: Problems
) -> tuple[pd.DataFrame, list[_Doubt]]:
    """Every field of the layer, typed; and which cells were not understood and left unknown."""
    layer = request.layer
    count = len(delivery.rows)
    data: dict[str, Any] = {}
    doubts: list[_Doubt] = []
    for name, spec in layer.fields.items():
        key = name in layer.key
        if name in request.constants:
            data[name] = values.repeated(spec, _constant(layer, name, request.constants[name]), count)
            continue
        match = matching.matches.get(name)
        if match is None:
            data[name] = values.repeated(spec, spec.default, count)
        else:
            column = _column(delivery, match.column)
            parsed = values.parse(spec, column, key=key, from_1904=delivery.days_from_1904)
            data[name] = parsed.values
            doubts += _faults(name, spec, match.column, parsed, spec.required or spec.graded or key, problems)
        if spec.required:
            missing = np.asarray(pd.isna(data[name]), dtype=bool) & ~_faulty(problems, name)
            text = bilingual(f"{spec.title.en} ({name}) is missing", f"缺少{spec.title.zh}（{name}）")
            problems.add("missing", np.flatnonzero(missing), text, name)
    frame = pd.DataFrame({name: _series(array) for name, array in data.items()}, index=range(count))
    return frame, doubts


def _series(array: Any) -> pd.Series:
    # text stays Python text and None: no string dtype of pandas'
    text = isinstance(array, np.ndarray) and array.dtype.kind == "O"
    return pd.Series(array, dtype=object) if text else pd.Series(array)


def _column(delivery: Delivery, name: str) -> Column:
    if name == ROW_NUMBER and name not in delivery.columns:
        return Column.of_array(delivery.rows)
    return delivery.columns[name]


def _constant(layer: Layer, name: str, text: str) -> Any:
    try:
        return values.constant(layer.fields[name], text, key=name in layer.key)
    except values.Fault as fault:
        raise UsageError(
            f"--set {name}={text}: {fault.text.en}", f"--set {name}={text}：{fault.text.zh}"
        ) from fault


def _faulty(problems: Problems, name: str) -> np.ndarray:
    mask = np.zeros(problems.count, dtype=bool)
    for problem in problems.found:
        if problem.field == name:
            mask[problem.positions] = True
    return mask


def _faults(
    name: str, spec: Field, column: str, parsed: values.Parsed, strict: bool, problems: Problems
) -> list[_Doubt]:
    """Quarantine rows with faulty cells; what is merely not understood is let through unless *strict*."""
    rows = np.flatnonzero(parsed.fault >= 0)
    if not len(rows):
        return []
    codes = np.array([fault.code for fault in parsed.faults], dtype=object)[parsed.fault[rows]]
    lenient = np.zeros(len(rows), dtype=bool) if strict else codes == "value"
    for code in dict.fromkeys(codes[~lenient].tolist()):
        chosen = rows[(codes == code) & ~lenient]
        sentences = [_sentence(spec, name, fault.text) for fault in parsed.faults]
        problems.add(code, chosen, [sentences[index] for index in parsed.fault[chosen].tolist()], name)
    return [_Doubt(name, spec, column, parsed, rows[lenient])]


def _sentence(spec: Field, name: str, text: Text) -> Text:
    return bilingual(f"{spec.title.en} ({name}): {text.en}", f"{spec.title.zh}（{name}）：{text.zh}")


def _file_report(
    delivery: Delivery, request: Request, matching: Matching, located: Located | None
) -> FileReport:
    columns = [
        ColumnReport(
            delivery.made_of.get(match.column, match.column),
            match.field,
            request.layer.fields[match.field].title,
            "tag" if match.column in delivery.made_of and match.how != "map" else match.how,
            [text[:30] for text in _column(delivery, match.column).samples(_SAMPLES)],
        )
        for match in (matching.matches[name] for name in request.layer.fields if name in matching.matches)
    ]
    columns += [
        ColumnReport("", name, request.layer.fields[name].title, "set", [text])
        for name, text in request.constants.items()
    ]
    return FileReport(
        delivery.name,
        delivery.format,
        len(delivery.rows) + len(delivery.left_out),
        delivery.encoding,
        delivery.encoding_note,
        delivery.samples,
        located.title if located else "",
        located.how if located else None,
        columns,
        matching.ignored,
    )
