"""The list of fields beside a shapefile: what its short names stand for."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gridsvc.layers import Field, Layer

DECIMALS = 15
"""Decimals of a number in a shapefile."""
HEADINGS = ("column", "name", "中文名", "title", "type", "unit", "values", "note")


def dictionary_path(path: Path) -> Path:
    """Where the list of fields of the shapefile *path* stands.

    It is a .txt: a table beside a shapefile would pass for data of its own.
    """
    return path.with_name(f"{path.stem}_fields.txt")


def write_dictionary(properties: pd.DataFrame, short: Sequence[str], layer: Layer | None, path: Path) -> None:
    """Write what the *short* names of the shapefile *path* stand for, separated by tabs, in UTF-8."""
    with dictionary_path(path).open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file, delimiter="\t")
        out.writerow(HEADINGS)
        for name, column in zip(short, properties.columns, strict=True):
            field = layer.fields.get(str(column)) if layer else None
            out.writerow([name, column, *_described(field, properties[column]), _note(properties[column])])


def _described(field: Field | None, column: pd.Series) -> list[str]:
    if field is None:
        return ["", "", _kind(column), "", ""]
    values = "; ".join(f"{value.value}={value.zh}/{value.en}" for value in field.values)
    return [field.title.zh, field.title.en, field.type, field.unit, values]


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "integer"
    if pd.api.types.is_float_dtype(column.dtype):
        return "number"
    return "date" if pd.api.types.is_datetime64_any_dtype(column.dtype) else "text"


def _note(column: pd.Series) -> str:
    """How many numbers have more decimals than a shapefile holds."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return ""
    numbers = column.dropna().to_numpy(dtype="float64")
    rounded = np.array([float(f"{number:.{DECIMALS}f}") for number in numbers.tolist()])
    count = int((rounded != numbers).sum()) if len(numbers) else 0
    return (
        f"{count} values rounded to {DECIMALS} decimals / {count} 个值保留 {DECIMALS} 位小数" if count else ""
    )
