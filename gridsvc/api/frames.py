"""One layer's current features in memory, as the service shows and searches them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridsvc.api.filters import Box, Period
from gridsvc.errors import UsageError
from gridsvc.layers import Field, Layer

# query parameters of the items page, present and to come: a field of that name cannot be asked for
RESERVED = {"limit", "offset", "bbox", "bbox-crs", "crs", "datetime", "filter", "lang", "format", "sortby"}
TRUTH = {"true": True, "1": True, "false": False, "0": False}

Positions = npt.NDArray[np.intp]


def open_fields(layer: Layer) -> dict[str, Field]:
    """The fields that anybody may see: phones and the like are left out."""
    return {name: field for name, field in layer.fields.items() if not field.personal}


def filterable(layer: Layer) -> dict[str, Field]:
    """The fields that features can be asked for by."""
    return {name: field for name, field in open_fields(layer).items() if name not in RESERVED}


def time_fields(layer: Layer) -> tuple[str, str] | None:
    """The two fields (or twice the one) that say when a feature is, or None for layers without time.

    Two dates called ``…_from`` and ``…_to`` are an interval, open where empty; a layer's only date is a day.
    """
    dates = [name for name, field in open_fields(layer).items() if field.type == "date"]
    starts = [name for name in dates if name.endswith("_from")]
    ends = [re.sub("_from$", "_to", name) for name in starts]
    if len(starts) == 1 and set(ends) <= set(dates):
        return starts[0], ends[0]
    return (dates[0], dates[0]) if len(dates) == 1 else None


def parse(name: str, field: Field, text: str) -> Any:
    """The value that a query parameter asks for, in the field's own type."""
    try:
        match field.type:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return TRUTH[text.lower()]
            case "date":
                return pd.Timestamp(date.fromisoformat(text))
            case _:
                return text
    except (ValueError, KeyError):
        raise UsageError(
            f"{name}={text}: the property is of type {field.type}",
            f"{name}={text}：该属性的类型为 {field.type}",
        ) from None


def plain(column: pd.Series[Any], field: Field) -> list[Any]:
    """A column as values that JSON knows; days as YYYY-MM-DD, no value as None."""
    if field.type == "date":
        column = column.dt.strftime("%Y-%m-%d")
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values by column; None where there is no value."""
    objects = table.astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in objects.where(objects.notna(), None).to_dict("records")
    ]


@dataclass(frozen=True)
class LayerFrame:
    """The features of *layer*, sorted by key."""

    layer: Layer
    frame: pd.DataFrame

    @classmethod
    def of(cls, layer: Layer, frame: pd.DataFrame) -> LayerFrame:
        """From the store's *frame*; personal columns are dropped here, so that nothing after can show them."""
        shape = ["geometry"] if layer.geometry else []
        return cls(layer, pd.DataFrame(frame)[["fid", *open_fields(layer), *shape]])

    @cached_property
    def shapes(self) -> npt.NDArray[np.object_]:
        """Geometries, longitude and latitude; a table has none."""
        return np.asarray(self.frame["geometry"] if self.layer.geometry else [], dtype=object)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.shapes)

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {fid: position for position, fid in enumerate(self.frame["fid"].tolist())}

    @cached_property
    def bounds(self) -> Box | None:
        """West, south, east, north of all features; None when there is no geometry."""
        if not len(self.shapes):
            return None
        west, south, east, north = (float(edge) for edge in shapely.total_bounds(self.shapes))
        return None if np.isnan(west) else (west, south, east, north)

    @cached_property
    def interval(self) -> tuple[str | None, str | None] | None:
        """First and last day of all features (None is open); None for layers without time."""
        names = time_fields(self.layer)
        if names is None or self.frame.empty:
            return None
        first, last = self.frame[names[0]], self.frame[names[1]]
        is_interval = names[0] != names[1]
        start = None if (is_interval and first.isna().any()) or first.isna().all() else first.min()
        end = None if (is_interval and last.isna().any()) or last.isna().all() else last.max()
        days = [None if day is None else day.date().isoformat() for day in (start, end)]
        return days[0], days[1]

    def find(self, fid: int) -> int | None:
        """Position of the feature with id *fid*."""
        return self._positions.get(fid)

    def select(self, box: Box | None, period: Period | None, wanted: dict[str, str]) -> Positions:
        """Positions, in order, of the features that touch *box*, meet *period* and equal *wanted*."""
        chosen = np.ones(len(self.frame), dtype=bool)
        fields = filterable(self.layer)
        for name, text in wanted.items():
            value = parse(name, fields[name], text)
            chosen &= (self.frame[name] == value).fillna(False).to_numpy(dtype=bool)
        if period is not None:
            chosen &= self._meets(period)
        if box is not None:
            touching = np.zeros(len(self.frame), dtype=bool)
            touching[self._touching(box)] = True
            chosen &= touching
        return np.flatnonzero(chosen)

    def _touching(self, box: Box) -> Positions:
        """Positions of features that touch *box*; one that crosses the antimeridian is two boxes."""
        west, south, east, north = box
        halves = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        boxes = [shapely.box(left, south, right, north) for left, right in halves]
        found: Positions = np.unique(self._tree.query(boxes, predicate="intersects")[1])
        return found

    def _meets(self, period: Period) -> npt.NDArray[np.bool_]:
        """True for features whose time meets *period*; for all where the layer has no time."""
        names = time_fields(self.layer)
        everything = np.ones(len(self.frame), dtype=bool)
        if names is None:
            return everything
        first, last = self.frame[names[0]], self.frame[names[1]]
        # an open end of an interval meets everything, a feature whose only date is not known meets nothing
        open_ended = names[0] != names[1]
        if period.end is not None:
            everything &= ((first <= pd.Timestamp(period.end)) | (first.isna() & open_ended)).to_numpy(
                dtype=bool
            )
        if period.start is not None:
            everything &= ((last >= pd.Timestamp(period.start)) | (last.isna() & open_ended)).to_numpy(
                dtype=bool
            )
        return everything

    def properties(self, positions: Positions | list[int]) -> list[dict[str, Any]]:
        """Open properties of the features at *positions*, as JSON knows them."""
        rows = self.frame.iloc[positions]
        fields = open_fields(self.layer)
        columns = [plain(rows[name], field) for name, field in fields.items()]
        return [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)]
